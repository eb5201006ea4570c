//! What leaves the parallel part of the pipeline: one event with its meaning, and which rules may
//! match it. No fact borrows from an input buffer.

use crate::{
    action::Action, body::Body, claims::Claims, credential::Credential, event::Event,
    lookup::Truth, principal::Principal,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;
use std::{fmt, sync::OnceLock};

/// A rule whose stateless part did not fail on an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Index of the rule in its rule set.
    pub rule: u32,
    /// Truth of the stateless part: never `False`.
    pub truth: Truth,
}

/// Longest record that an exhibit shows, in bytes of JSON.
pub const RECORD_LIMIT: usize = 16 << 10;

/// A record kept closed: whoever holds it can ask what it says, masked, but never sees its bytes.
pub trait Sealed: fmt::Debug + Send + Sync {
    /// SHA-256 of the original record.
    fn digest(&self) -> [u8; 32];
    /// The record as JSON, masked, at most `limit` bytes.
    fn masked_record(&self, limit: usize) -> String;
    /// What matters in its body.
    fn body(&self) -> Option<Body>;
}

/// The record of a candidate as evidence. It is opened only when a rule holds: most candidates
/// come to nothing, and masking costs far more than keeping the bytes for a moment.
#[derive(Debug, Default)]
pub struct Exhibit {
    sealed: Option<Box<dyn Sealed>>,
    digest: OnceLock<[u8; 32]>,
    record: OnceLock<String>,
    body: OnceLock<Option<Body>>,
}

impl Exhibit {
    /// Keeps a record closed.
    pub fn sealed(sealed: Box<dyn Sealed>) -> Exhibit {
        Exhibit { sealed: Some(sealed), ..Exhibit::default() }
    }

    /// An exhibit of which everything is known.
    pub fn known(digest: [u8; 32], record: String, body: Option<Body>) -> Exhibit {
        Exhibit {
            sealed: None,
            digest: OnceLock::from(digest),
            record: OnceLock::from(record),
            body: OnceLock::from(body),
        }
    }

    /// SHA-256 of the original record.
    pub fn digest(&self) -> [u8; 32] {
        *self.digest.get_or_init(|| self.sealed.as_ref().map(|s| s.digest()).unwrap_or_default())
    }

    /// The record as JSON, masked and capped.
    pub fn record(&self) -> &str {
        let open = || self.sealed.as_ref().map(|s| s.masked_record(RECORD_LIMIT));
        self.record.get_or_init(|| open().unwrap_or_default())
    }

    /// What matters in the body, if the log has one.
    pub fn body(&self) -> Option<&Body> {
        self.body.get_or_init(|| self.sealed.as_ref().and_then(|s| s.body())).as_ref()
    }
}

impl Clone for Exhibit {
    fn clone(&self) -> Exhibit {
        Exhibit::known(self.digest(), self.record().to_owned(), self.body().cloned())
    }
}

impl PartialEq for Exhibit {
    fn eq(&self, other: &Exhibit) -> bool {
        self.digest() == other.digest()
            && self.record() == other.record()
            && self.body() == other.body()
    }
}

impl Eq for Exhibit {}

impl Serialize for Exhibit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.digest(), self.record(), self.body()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Exhibit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Exhibit, D::Error> {
        let (digest, record, body) = Deserialize::deserialize(deserializer)?;
        Ok(Exhibit::known(digest, record, body))
    }
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
    /// What the record claims about itself; empty where nobody asked.
    pub claims: Claims,
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
        self.exhibit.as_ref()?.body()
    }

    /// Name of the object: from the URL, else from the body (creates name it only there).
    pub fn object_name(&self) -> &str {
        let name = self.event.object_name();
        if name.is_empty() { self.body().map_or("", |body| body.meta.name.as_str()) } else { name }
    }
}
