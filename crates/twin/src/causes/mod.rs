//! Which act caused which: controllers' cascades are told as one act of whoever set them off.
//!
//! An act of somebody outside the control plane on an object is a *root*. What controllers and
//! kubelets then do to that object, or to what it owns, follows from it. Owners are proved by uids
//! where bodies are logged; else they are inferred from names and moments, and where several
//! objects fit nothing is said. Everything is capped, and what had to go is counted.

mod act;
mod burst;
mod moment;
mod name;
mod object;
mod outside;
mod shelf;
mod subject;
#[cfg(test)]
mod tests;
mod within;

pub use act::{Cascade, Cause, Explanation};

use act::Act;
use burst::Bursts;
use moment::Moments;
use object::{Key, Object, Root, key};
use serde::{Deserialize, Serialize};
use shelf::Shelf;
use trailhound_model::{
    Str,
    event::Position,
    fact::Fact,
    observed::{Surety, Witness},
    time::Time,
};

/// Objects that are remembered.
const MOST_OBJECTS: usize = 150_000;
/// Acts of outsiders.
const MOST_ACTS: usize = 30_000;
/// Records of the machinery whose cause can be asked for.
const MOST_LINKS: usize = 114_000;
/// Times that a namespace or resource was emptied.
const MOST_EMPTIED: usize = 4_096;
/// Owners above one another.
const DEEPEST: usize = 6;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Causes {
    objects: Shelf<Key, Object>,
    acts: Shelf<Position, Act>,
    links: Shelf<Position, Link>,
    /// By resource and namespace: everything there was deleted at once.
    emptied: Shelf<Key, Root>,
    moments: Moments,
    bursts: Bursts,
}

/// A record of the machinery, and what it worked on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Link {
    /// Halves of the key: there are many links, and whole it would make each a third larger.
    object: [u64; 2],
    back: Back,
}

/// Where a link leads.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Back {
    /// To the act that caused it.
    Act(Position, Surety),
    /// Its cause may still turn up, because clocks of API servers differ.
    Open(Time),
    /// Whose it is shows when its name turns up.
    Nameless,
}

impl Link {
    fn new(object: Key, back: Back) -> Link {
        Link { object: [(object >> 64) as u64, object as u64], back }
    }

    fn object(&self) -> Key {
        Key::from(self.object[0]) << 64 | Key::from(self.object[1])
    }
}

/// Counts of what had to be given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Objects.
    pub objects: u64,
    /// Acts.
    pub acts: u64,
    /// Records whose cause can no longer be asked for.
    pub links: u64,
    /// Candidates of a crowded moment.
    pub candidates: u64,
}

impl Default for Causes {
    fn default() -> Self {
        Causes {
            objects: Shelf::new(MOST_OBJECTS),
            acts: Shelf::new(MOST_ACTS),
            links: Shelf::new(MOST_LINKS),
            emptied: Shelf::new(MOST_EMPTIED),
            moments: Moments::default(),
            bursts: Bursts::default(),
        }
    }
}

impl Causes {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        if subject::is_machinery(fact) {
            self.within(fact);
        } else {
            self.outside(fact);
        }
    }

    /// Why the control plane or a kubelet wrote the record at this place.
    pub fn of(&self, record: Position) -> Option<Cause> {
        let link = self.links.get(&record)?;
        let object = self.objects.get(&link.object());
        let (act, surety) = match link.back {
            Back::Act(act, surety) => (act, surety),
            Back::Open(since) => (self.late_root(link.object(), since)?, Surety::Inferred),
            Back::Nameless => return None,
        };
        let act = self.acts.get(&act)?;
        Some(Cause {
            root: act.witness.clone(),
            actor: act.actor.to_string(),
            object: act.object.to_string(),
            sentence: act.sentence(),
            path: object.map(|_| self.path(link.object())).unwrap_or_default(),
            surety,
        })
    }

    /// What an act of an outsider set off.
    pub fn caused_by(&self, root: &Witness) -> Option<Cascade> {
        self.acts.get(&root.position).map(Act::cascade)
    }

    /// What followed from the last act on the object that has this name now.
    pub fn caused_by_object(&self, resource: &str, namespace: &str, name: &str) -> Option<Cascade> {
        let root = self.root_of(key(resource, namespace, name), DEEPEST)?;
        self.acts.get(&root.act).map(Act::cascade)
    }

    /// All cascades, those that made most first.
    pub fn cascades(&self) -> Vec<Cascade> {
        let set_off = self.acts.values().map(|(_, act)| act.cascade());
        let mut all: Vec<Cascade> = set_off.filter(|cascade| cascade.count > 0).collect();
        all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.root.cmp(&b.root)));
        all
    }

    /// What the fact at hand follows from, whether it was observed yet or not.
    pub fn explain(&self, fact: &Fact) -> Option<Explanation> {
        if !subject::is_machinery(fact) {
            return None;
        }
        let judged = self.judge(fact, &subject::of(fact)?);
        let root = judged.root?;
        let act = self.acts.get(&root.act)?;
        let object = match self.objects.get(&judged.object) {
            Some(object) => object.entity(),
            None => act.object.to_string(),
        };
        Some(Explanation { object, root: act.witness.clone(), surety: root.surety })
    }

    /// What the caps cost.
    pub fn forgotten(&self) -> Forgotten {
        Forgotten {
            objects: self.objects.dropped(),
            acts: self.acts.dropped(),
            links: self.links.dropped(),
            candidates: self.moments.dropped + self.bursts.dropped,
        }
    }

    /// A root that was written after its consequence, by a moment.
    fn late_root(&self, object: Key, since: Time) -> Option<Position> {
        let root = self.root_of(object, DEEPEST)?;
        self.is_no_later(&root, since).then_some(root.act)
    }

    /// The act that moved an object last: its own, that of its owners, or one that swept it away.
    fn root_of(&self, key: Key, depth: usize) -> Option<Root> {
        let object = self.objects.get(&key)?;
        let own = object.root.or_else(|| self.inherited(object, depth));
        let swept = self.swept(object, own);
        swept.or(own)
    }

    fn inherited(&self, object: &Object, depth: usize) -> Option<Root> {
        let depth = depth.checked_sub(1)?;
        let (owner, surety) = self.owner(object)?;
        let root = self.root_of(owner, depth)?;
        Some(Root { surety: root.surety.min(surety), ..root })
    }

    /// The owner that is known, or the one that the name suggests.
    fn owner(&self, object: &Object) -> Option<(Key, Surety)> {
        if let Some((owner, surety)) = object.owner {
            let parent = self.objects.get(&owner)?;
            return parent.predates(object.born).then_some((owner, surety));
        }
        if object.disputed {
            return None;
        }
        let owner =
            self.named_maker(&object.resource, &object.namespace, &object.name, object.born)?;
        Some((owner, Surety::Inferred))
    }

    /// The object that is likely to have made one of this name.
    fn named_maker(&self, resource: &str, namespace: &str, name: &str, born: Time) -> Option<Key> {
        let keys = name::makers(resource, name)
            .into_iter()
            .map(|(resource, name)| key(resource, namespace, name));
        let mut there =
            keys.filter(|key| self.objects.get(key).is_some_and(|object| object.predates(born)));
        there.next()
    }

    /// Whether all of a namespace or resource was deleted after an object was last moved.
    fn swept(&self, object: &Object, own: Option<Root>) -> Option<Root> {
        let since = own.map_or(object.born, |root| root.since);
        [object.resource.as_str(), ""]
            .into_iter()
            .filter_map(|resource| self.emptied.get(&key(resource, &object.namespace, "*")))
            .find(|root| root.since > since && root.since > object.born)
            .copied()
    }

    fn path(&self, key: Key) -> Vec<Str> {
        let mut path = Vec::new();
        let mut next = Some(key);
        while let Some(object) = next.and_then(|key| self.objects.get(&key)) {
            path.push(object.resource.clone());
            if path.len() > DEEPEST {
                break;
            }
            next = self.owner(object).map(|(owner, _)| owner);
        }
        path.reverse();
        path
    }
}
