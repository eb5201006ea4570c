//! Acts that set off others, and the answers about them.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    action::ActionKind,
    entity,
    fact::Fact,
    observed::{Surety, Witness},
};

/// Kinds of consequences that are counted apart.
const MOST_KINDS: usize = 16;

/// An act of somebody outside the control plane, and what it set off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Act {
    pub(super) witness: Witness,
    pub(super) actor: Str,
    kind: ActionKind,
    pub(super) object: Str,
    caused: u64,
    /// Most acts cause nothing: no room is held for it.
    kinds: Vec<(Str, Str, u64)>,
}

impl Act {
    pub(super) fn of(fact: &Fact, object: &str) -> Act {
        Act {
            witness: Witness::of(&fact.event),
            actor: fact.principal.actor().entity().into(),
            kind: fact.action.kind,
            object: object.into(),
            caused: 0,
            kinds: Vec::new(),
        }
    }

    /// Counts one more consequence.
    pub(super) fn count(&mut self, verb: &str, resource: &str) {
        self.caused += 1;
        let known = self.kinds.iter().position(|(v, r, _)| v == verb && r == resource);
        if let Some((_, _, count)) = known.and_then(|place| self.kinds.get_mut(place)) {
            *count += 1;
        } else if self.kinds.len() < MOST_KINDS {
            self.kinds.push((verb.into(), resource.into(), 1));
        }
    }

    pub(super) fn sentence(&self) -> String {
        format!("{} {} {}", self.actor, self.kind.phrase(), self.object)
    }

    pub(super) fn cascade(&self) -> Cascade {
        let mut kinds: Vec<(String, u64)> = self
            .kinds
            .iter()
            .map(|(verb, resource, count)| (format!("{verb} {resource}"), *count))
            .collect();
        kinds.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Cascade {
            root: self.witness.clone(),
            actor: self.actor.to_string(),
            sentence: self.sentence(),
            count: self.caused,
            kinds,
        }
    }
}

/// Why the control plane did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The record of the act that set it off.
    pub root: Witness,
    /// Entity of whoever did that (`user:alice`).
    pub actor: String,
    /// Entity of what was acted on (`deployment:shop/web`).
    pub object: String,
    /// That act in words.
    pub sentence: String,
    /// Resources from that object down to the one that was worked on.
    pub path: Vec<Str>,
    /// How sure it is.
    pub surety: Surety,
}

/// What one act set off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cascade {
    /// The record of the act.
    pub root: Witness,
    /// Entity of whoever did it.
    pub actor: String,
    /// The act in words.
    pub sentence: String,
    /// Records of the control plane that follow from it.
    pub count: u64,
    /// The same by verb and resource (`create pods`), most frequent first.
    pub kinds: Vec<(String, u64)>,
}

impl Cascade {
    /// In words: `12 acts of the control plane: create events 5, patch pods 4, …`.
    pub fn summary(&self) -> String {
        let kinds: Vec<String> =
            self.kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        format!("{} acts of the control plane: {}", self.count, kinds.join(", "))
    }
}

/// What the record at hand follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Entity of what the act was done to.
    pub object: String,
    /// The record of the act that set it off.
    pub root: Witness,
    /// How sure it is.
    pub surety: Surety,
}

/// The entity of an object.
pub(super) fn entity_of(resource: &str, namespace: &str, name: &str) -> String {
    entity::object(resource, namespace, name)
}
