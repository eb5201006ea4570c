//! Where something comes from and what came of it: owners up to the act that began it, children down,
//! each with who made it.
//!
//! Owner references are proved where a body was logged. At level Metadata the names that controllers
//! generate tell the same with less certainty: `cart-7d4f8-x2b9k` belongs to `cart-7d4f8`, if the log
//! knows such an object. A create by POST has no name there, so who made it may stay unknown.

use crate::{
    act::{Act, Change, owner_entity},
    standing::{Behind, behind},
    subject::{self, Subject},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{
    Str,
    action::ActionKind,
    entity,
    fact::Fact,
    observed::{Owner, Surety},
    time::Time,
};
use trailhound_twin::{Twin, causes::Cause, objects};

/// Objects that are followed.
const MOST_OBJECTS: usize = 200_000;
/// Children that are told.
const MOST_CHILDREN: usize = 500;
/// Generations up or down.
const DEEPEST: usize = 8;

/// One thing of a lineage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Member {
    /// As an entity.
    pub entity: String,
    /// What it belongs to, as an entity; empty at the top.
    pub parent: String,
    /// How far it is from what was asked: 1 is an owner or a child.
    pub depth: usize,
    /// How sure it is that it belongs there.
    pub surety: Surety,
    /// Who made it, if the log says.
    pub created: Option<Act>,
    /// Who ended it.
    pub deleted: Option<Act>,
    /// How often it was changed, status left out.
    pub changes: u64,
    /// Who changed it last.
    pub changed: Option<Act>,
    /// Why it was made: the act that set the controller off.
    pub because: Option<Because>,
    /// Why it was ended.
    pub ended_because: Option<Because>,
}

/// The act of somebody that set a controller off.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Because {
    /// Whoever did it, as an entity.
    pub who: String,
    /// The act in words.
    pub sentence: String,
    /// When.
    pub time: Time,
    /// How sure it is.
    pub surety: Surety,
    /// `auditID` of that act.
    pub audit_id: Str,
}

impl Because {
    fn of(cause: &Cause) -> Because {
        Because {
            who: cause.actor.clone(),
            sentence: cause.sentence.clone(),
            time: cause.root.time,
            surety: cause.surety,
            audit_id: cause.root.audit_id.clone(),
        }
    }
}

/// What controllers did because of something, by kind of act.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Follow {
    /// `create pods`
    pub act: String,
    /// How often.
    pub count: u64,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Lineage {
    /// What was asked.
    pub of: Member,
    /// Owners, the nearest first.
    pub up: Vec<Member>,
    /// What belongs to it, by generation.
    pub down: Vec<Member>,
    /// Children beyond the cap.
    pub left_out: u64,
    /// Where it began: whoever made the topmost owner, or is behind whoever did.
    pub origin: Option<Behind>,
    /// What controllers did because of the last act on it, most frequent first.
    pub cascade: Vec<Follow>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    owners: BTreeSet<String>,
    created: Option<Act>,
    deleted: Option<Act>,
    changes: u64,
    changed: Option<Act>,
    because: Option<Because>,
    ended_because: Option<Because>,
}

/// Who owns whom, gathered from a log.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    objects: BTreeMap<String, Known>,
    dropped: u64,
}

impl Collector {
    /// Takes the next request, in order of time, with what set it off, where that is known.
    pub fn observe(&mut self, fact: &Fact, cause: Option<&Cause>) {
        if !is_worth(fact) {
            return;
        }
        let event = &fact.event;
        let name = subject::object_name(fact);
        if !name.is_empty() {
            let own = object_entity(event.resource(), event.namespace(), name);
            self.write(own, fact, cause);
        }
        for object in fact.observed.iter().flat_map(|observed| &observed.objects) {
            if object.owners.is_empty() || object.name.is_empty() {
                continue;
            }
            let own = object_entity(&object.resource, &object.namespace, &object.name);
            let owners: Vec<String> = object
                .owners
                .iter()
                .map(|owner| owner_entity(&owner.kind, &object.namespace, &owner.name))
                .collect();
            if let Some(known) = self.known(own) {
                known.owners.extend(owners);
            }
        }
    }

    fn write(&mut self, own: String, fact: &Fact, cause: Option<&Cause>) {
        let whole = fact.event.subresource().is_empty();
        let change = Change::of(fact).filter(|_| whole);
        let Some(known) = self.known(own) else { return };
        match change {
            Some(Change::Created) => {
                known.created = Some(Act::of(fact));
                known.because = cause.map(Because::of);
                known.deleted = None;
                known.ended_because = None;
            }
            // A kubelet confirms what somebody else asked for.
            Some(Change::Deleted) if known.deleted.is_none() => {
                known.deleted = Some(Act::of(fact));
                known.ended_because = cause.map(Because::of);
            }
            Some(Change::Changed) => {
                known.changes += 1;
                known.changed = Some(Act::of(fact));
            }
            Some(Change::Deleted) | None => {}
        }
    }

    fn known(&mut self, entity: String) -> Option<&mut Known> {
        if self.objects.len() >= MOST_OBJECTS && !self.objects.contains_key(&entity) {
            self.dropped += 1;
            return None;
        }
        Some(self.objects.entry(entity).or_default())
    }

    /// Objects that were not followed because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The answer, with what the rebuilt cluster knows besides.
    pub fn finish_with(mut self, about: &Subject, twin: &Twin) -> Option<Lineage> {
        self.learn(twin);
        let mut told = self.finish(about)?;
        told.cascade = cascade(twin, about);
        let top = told.up.last().unwrap_or(&told.of);
        if let Some(act) = &top.created {
            let own = act.real.as_ref().unwrap_or(&act.who);
            let hand = if act.credential.is_empty() { own } else { &act.credential };
            told.origin = behind(twin, hand, act.time).filter(|behind| behind.entity != *own);
        }
        Some(told)
    }

    /// Owners, makers and ends that only the cluster knows: bodies that were read later, pods that no
    /// request names when they are made.
    fn learn(&mut self, twin: &Twin) {
        for life in twin.objects().everything() {
            let Some(known) = self.known(life.entity()) else { continue };
            if known.owners.is_empty() && !life.owners.is_empty() {
                let owner = |one: &Owner| owner_entity(&one.kind, &life.namespace, &one.name);
                known.owners.extend(life.owners.iter().map(owner));
            }
            let act = |act: &objects::Act| Act::told(&act.who, &act.witness, act.surety);
            if known.created.is_none() {
                known.created = life.created_by.as_deref().map(act);
            }
            if known.deleted.is_none() && life.end.is_some() {
                known.deleted = life.deleted_by.as_deref().map(act);
            }
        }
    }

    /// The answer; `None` if the log knows nothing of it.
    pub fn finish(&self, about: &Subject) -> Option<Lineage> {
        let entity = about.entity();
        let children = self.children();
        let made = self.made_by(about);
        let known = self.objects.get(&entity);
        if known.is_none() && made.is_empty() && !children.contains_key(&entity) {
            return None;
        }
        let of = self.member(&entity, "", 0, Surety::Proved);
        let mut down = Vec::new();
        for child in &made {
            down.push(self.member(child, &entity, 1, Surety::Proved));
        }
        let starts: Vec<String> = if made.is_empty() { vec![entity.clone()] } else { made };
        let depth = usize::from(known.is_none() && !down.is_empty());
        self.descend(&starts, depth, &children, &mut down);
        let left_out = down.len().saturating_sub(MOST_CHILDREN) as u64;
        down.truncate(MOST_CHILDREN);
        let up = self.ascend(&entity);
        Some(Lineage { of, up, down, left_out, ..Lineage::default() })
    }

    fn member(&self, entity: &str, parent: &str, depth: usize, surety: Surety) -> Member {
        let known = self.objects.get(entity).cloned().unwrap_or_default();
        Member {
            entity: entity.to_owned(),
            parent: parent.to_owned(),
            depth,
            surety,
            created: known.created,
            deleted: known.deleted,
            changes: known.changes,
            changed: known.changed,
            because: known.because,
            ended_because: known.ended_because,
        }
    }

    fn owners(&self, entity: &str) -> Vec<(String, Surety)> {
        let Some(known) = self.objects.get(entity) else { return Vec::new() };
        if !known.owners.is_empty() {
            return known.owners.iter().map(|owner| (owner.clone(), Surety::Proved)).collect();
        }
        let by_name = owners_by_name(entity);
        let there = by_name.into_iter().find(|owner| self.objects.contains_key(owner));
        there.into_iter().map(|owner| (owner, Surety::Inferred)).collect()
    }

    fn children(&self) -> BTreeMap<String, Vec<(String, Surety)>> {
        let mut children: BTreeMap<String, Vec<(String, Surety)>> = BTreeMap::new();
        for entity in self.objects.keys() {
            for (owner, surety) in self.owners(entity) {
                children.entry(owner).or_default().push((entity.clone(), surety));
            }
        }
        children
    }

    /// What an identity made itself, in order of time.
    fn made_by(&self, about: &Subject) -> Vec<String> {
        if !matches!(about, Subject::User(_) | Subject::Account { .. }) {
            return Vec::new();
        }
        let entity = about.entity();
        let by = |act: &Act| act.who == entity || act.real.as_deref() == Some(entity.as_str());
        let mut made: Vec<_> = self
            .objects
            .iter()
            .filter_map(|(name, known)| {
                Some((known.created.as_ref().filter(|act| by(act))?.time, name))
            })
            .collect();
        made.sort();
        made.into_iter().map(|(_, name)| name.clone()).collect()
    }

    fn ascend(&self, entity: &str) -> Vec<Member> {
        let (mut up, mut seen) = (Vec::new(), BTreeSet::from([entity.to_owned()]));
        let mut layer = vec![entity.to_owned()];
        for depth in 1..=DEEPEST {
            let mut next = Vec::new();
            for child in &layer {
                for (owner, surety) in self.owners(child) {
                    if seen.insert(owner.clone()) {
                        let mut member = self.member(&owner, "", depth, surety);
                        member.parent.clone_from(child);
                        up.push(member);
                        next.push(owner);
                    }
                }
            }
            layer = next;
        }
        up
    }

    fn descend(
        &self,
        starts: &[String],
        depth: usize,
        children: &BTreeMap<String, Vec<(String, Surety)>>,
        down: &mut Vec<Member>,
    ) {
        let mut seen: BTreeSet<String> = down.iter().map(|one| one.entity.clone()).collect();
        seen.extend(starts.iter().cloned());
        let mut layer = starts.to_vec();
        for depth in depth + 1..=depth + DEEPEST {
            let mut next = Vec::new();
            for parent in &layer {
                for (child, surety) in children.get(parent).into_iter().flatten() {
                    if seen.insert(child.clone()) {
                        down.push(self.member(child, parent, depth, *surety));
                        next.push(child.clone());
                    }
                }
            }
            layer = next;
        }
    }
}

fn cascade(twin: &Twin, about: &Subject) -> Vec<Follow> {
    let entity = about.entity();
    let lives = twin.objects().resolve(&entity);
    let life = lives.last();
    let cascade = life
        .and_then(|one| twin.causes().caused_by_object(&one.resource, &one.namespace, &one.name));
    let kinds = cascade.map(|one| one.kinds).unwrap_or_default();
    kinds.into_iter().map(|(act, count)| Follow { act, count }).collect()
}

/// Heartbeats, reviews and events are no objects that anybody follows.
fn is_worth(fact: &Fact) -> bool {
    let Some(object) = &fact.event.object else { return false };
    !matches!(
        fact.action.kind,
        ActionKind::LeaseRenew
            | ActionKind::EventWrite
            | ActionKind::EventDelete
            | ActionKind::ReviewSelf
            | ActionKind::ReviewOther
            | ActionKind::TokenReview
    ) && !matches!(object.resource.as_str(), "leases" | "events" | "endpoints" | "endpointslices")
        && fact.action.outcome == trailhound_model::action::Outcome::Allowed
}

fn object_entity(resource: &str, namespace: &str, name: &str) -> String {
    match resource {
        "serviceaccounts" => entity::service_account(namespace, name),
        "namespaces" => entity::namespace(name),
        _ => entity::object(resource, namespace, name),
    }
}

/// What an object may belong to by its generated name, the likeliest first.
fn owners_by_name(own: &str) -> Vec<String> {
    let Some((kind, name)) = own.split_once(':') else { return Vec::new() };
    let Some((stem, last)) = name.rsplit_once('-') else { return Vec::new() };
    let random = (5..=10).contains(&last.len()) && last.bytes().all(is_random);
    let digits = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let of = |kinds: &[&str]| kinds.iter().map(|kind| format!("{kind}:{stem}")).collect();
    match kind {
        "pod" if random && last.len() == 5 => of(&["replicaset", "daemonset", "job"]),
        "pod" if digits => of(&["statefulset"]),
        "replicaset" if random => of(&["deployment"]),
        "job" if digits => of(&["cronjob"]),
        _ => Vec::new(),
    }
}

/// Kubernetes generates names without vowels and without digits that look like letters.
fn is_random(byte: u8) -> bool {
    b"bcdfghjklmnpqrstvwxz2456789".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        event::{Event, ObjectRef, Stage, Status, User},
        observed::{Observation, Observed, Owner},
    };

    fn write(
        user: &str,
        verb: &str,
        resource: &str,
        name: &str,
        owner: Option<(&str, &str)>,
    ) -> Fact {
        let mut fact = Fact::of(Event {
            stage: Stage::ResponseComplete,
            verb: verb.into(),
            user: User { name: user.into(), ..User::default() }.into(),
            object: Some(Box::new(ObjectRef {
                resource: resource.into(),
                namespace: "shop".into(),
                name: name.into(),
                ..ObjectRef::default()
            })),
            status: Some(Status { code: Some(200), ..Status::default() }.into()),
            ..Event::default()
        });
        fact.observed = owner.map(|(kind, owner)| {
            let owner = Owner { kind: kind.into(), name: owner.into(), ..Owner::default() };
            let object = Observation {
                resource: resource.into(),
                namespace: "shop".into(),
                name: name.into(),
                owners: vec![owner],
                ..Observation::default()
            };
            Box::new(Observed { objects: vec![object], left_out: 0 })
        });
        fact
    }

    fn lineage(about: &str, facts: &[Fact]) -> Option<Lineage> {
        let mut collector = Collector::default();
        for fact in facts {
            collector.observe(fact, None);
        }
        collector.finish(&Subject::parse(about).unwrap())
    }

    fn names(members: &[Member]) -> Vec<(&str, Surety)> {
        members.iter().map(|one| (one.entity.as_str(), one.surety)).collect()
    }

    #[test]
    fn owners_lead_from_a_pod_to_the_person_who_made_its_deployment() {
        let facts = [
            write("bob", "create", "deployments", "cart", None),
            write("dc", "create", "replicasets", "cart-7d4f8", Some(("Deployment", "cart"))),
            write("rc", "create", "pods", "cart-7d4f8-x2b9k", Some(("ReplicaSet", "cart-7d4f8"))),
        ];
        let up = lineage("pod:shop/cart-7d4f8-x2b9k", &facts).unwrap().up;
        assert_eq!(
            names(&up),
            [
                ("replicaset:shop/cart-7d4f8", Surety::Proved),
                ("deployment:shop/cart", Surety::Proved)
            ]
        );
        assert_eq!(up[1].created.as_ref().unwrap().who, "user:bob");
        let down = lineage("user:bob", &facts).unwrap().down;
        assert_eq!(down.len(), 3);
        assert_eq!(down[2].depth, 3);
    }

    #[test]
    fn without_bodies_generated_names_tell_it_and_say_that_they_only_infer() {
        let facts = [
            write("bob", "update", "deployments", "cart", None),
            write("dc", "update", "replicasets", "cart-7d4f8", None),
            write("rc", "get", "pods", "cart-7d4f8-x2b9k", None),
            write("rc", "get", "pods", "other-7d4f8-x2b9k", None),
        ];
        let up = lineage("pod:shop/cart-7d4f8-x2b9k", &facts).unwrap().up;
        assert!(up.iter().all(|one| one.surety == Surety::Inferred), "{up:?}");
        assert_eq!(up.len(), 2);
        assert!(lineage("pod:shop/other-7d4f8-x2b9k", &facts).unwrap().up.is_empty());
        assert!(lineage("pod:shop/never", &facts).is_none());
    }

    #[test]
    fn owners_that_own_one_another_do_not_loop() {
        let facts = [
            write("x", "create", "jobs", "a", Some(("Job", "b"))),
            write("x", "create", "jobs", "b", Some(("Job", "a"))),
        ];
        assert_eq!(lineage("job:shop/a", &facts).unwrap().up.len(), 1);
    }
}
