//! Who did something and which record says so: the witness that every answer carries.

use serde::Serialize;
use trailhound_model::{
    Str,
    action::Effect,
    action::Outcome,
    entity,
    fact::Fact,
    observed::{Surety, Witness},
    time::Time,
};

/// One request that made, changed or ended something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Act {
    /// When.
    pub time: Time,
    /// Who, as an entity: the identity that authorization judged.
    pub who: String,
    /// Who authenticated, if it acted as another.
    pub real: Option<String>,
    /// Address, or empty.
    pub address: String,
    /// Family of the user agent.
    pub agent: String,
    /// `create`, `patch` …
    pub verb: String,
    /// Credential, as an entity; empty if the log does not say.
    pub credential: String,
    /// `auditID`
    pub audit_id: Str,
    /// Inferred where the record does not name the object.
    pub surety: Surety,
}

impl Act {
    /// Of a request.
    pub fn of(fact: &Fact) -> Act {
        Act {
            time: fact.event.time,
            who: fact.principal.effective.entity(),
            real: fact.principal.real.as_ref().map(|real| real.entity()),
            address: fact.event.source_ip().to_owned(),
            agent: fact.event.agent_family().to_owned(),
            verb: fact.event.verb.to_string(),
            credential: match fact.credential.id.as_str() {
                "" => String::new(),
                id => entity::credential(id),
            },
            audit_id: fact.event.audit_id.clone(),
            surety: Surety::Proved,
        }
    }

    /// What the twin remembers of a request: no more than who and which record.
    pub fn told(who: &str, witness: &Witness, surety: Surety) -> Act {
        let audit_id = witness.audit_id.clone();
        Act { time: witness.time, who: who.to_owned(), audit_id, surety, ..Act::default() }
    }
}

/// What a write does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It is there from now on.
    Created,
    /// It is another from now on.
    Changed,
    /// It is gone, or going.
    Deleted,
}

impl Change {
    /// Of a request; `None` if it changed nothing that lasts.
    pub fn of(fact: &Fact) -> Option<Change> {
        if fact.action.outcome != Outcome::Allowed || fact.action.effect != Effect::Changed {
            return None;
        }
        let created = fact.event.code() == Some(201);
        match fact.event.verb.as_str() {
            "create" => Some(Change::Created),
            "update" | "patch" if created => Some(Change::Created),
            "update" | "patch" => Some(Change::Changed),
            "delete" | "deletecollection" => Some(Change::Deleted),
            _ => None,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Created => "created",
            Change::Changed => "changed",
            Change::Deleted => "deleted",
        }
    }
}

/// The entity of an owner reference: its kind is the singular in capitals.
pub fn owner_entity(kind: &str, namespace: &str, name: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.as_str() {
        "node" => entity::node(name),
        _ => format!("{kind}:{namespace}/{name}"),
    }
}
