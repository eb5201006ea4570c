//! What leaves the parallel part of the pipeline: one event with its meaning, and which rules may
//! match it. No fact borrows from an input buffer.

use crate::{
    action::Action, body::Body, credential::Credential, event::Event, lookup::Truth,
    principal::Principal,
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// A rule whose stateless part did not fail on an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Index of the rule in its rule set.
    pub rule: u32,
    /// Truth of the stateless part: never `False`.
    pub truth: Truth,
}

/// What only candidates carry, because it costs: the record as evidence and its body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exhibit {
    /// SHA-256 of the original record.
    pub digest: [u8; 32],
    /// The record as JSON, masked and capped.
    pub record: String,
    /// What matters in the body, if the log has one.
    pub body: Option<Body>,
}

/// One event with its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The event.
    pub event: Event,
    /// Who acted.
    pub principal: Principal,
    /// With which credential.
    pub credential: Credential,
    /// What was done, with what outcome.
    pub action: Action,
    /// Rules that may match.
    pub candidates: SmallVec<[Candidate; 2]>,
    /// Present if there is a candidate.
    pub exhibit: Option<Box<Exhibit>>,
}

impl Fact {
    /// The fact of an event, before any rule has looked at it.
    pub fn of(event: Event) -> Fact {
        Fact {
            principal: Principal::of(&event),
            credential: Credential::of(&event),
            action: Action::of(&event),
            event,
            ..Fact::default()
        }
    }

    /// The body, if it was extracted.
    pub fn body(&self) -> Option<&Body> {
        self.exhibit.as_ref()?.body.as_ref()
    }

    /// Name of the object: from the URL, else from the body (creates name it only there).
    pub fn object_name(&self) -> &str {
        let name = self.event.object_name();
        if name.is_empty() { self.body().map_or("", |body| body.meta.name.as_str()) } else { name }
    }
}
