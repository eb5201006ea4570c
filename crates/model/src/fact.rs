//! What leaves the parallel part of the pipeline: one event with its meaning, and which rules may
//! match it. No fact borrows from an input buffer.

use crate::{
    Shared, Str,
    action::Action,
    alert::Alert,
    body::Body,
    claims::Claims,
    credential::{self, Credential},
    event::{Event, User},
    lookup::Truth,
    observed::Observed,
    principal::Principal,
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

/// Values of a record that are needed when its bytes are gone: what sequences group and count by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Index of the rule whose match it is.
    pub rule: u32,
    /// The values, short, in the order that the rule set knows.
    pub values: Vec<Str>,
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
    /// Bytes that it holds.
    fn weight(&self) -> usize;
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

    /// Bytes that it holds, about.
    pub fn weight(&self) -> usize {
        let closed = self.sealed.as_ref().map_or(0, |sealed| sealed.weight());
        closed + self.record.get().map_or(0, String::len)
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
    pub principal: Shared<Principal>,
    /// With which credential.
    pub credential: Shared<Credential>,
    /// What was done, with what outcome.
    pub action: Action,
    /// What the record claims about itself; empty where nobody asked.
    pub claims: Claims,
    /// Rules that may match.
    pub candidates: SmallVec<[Candidate; 2]>,
    /// What rules that are made of the candidates ask for; mostly nothing.
    pub noted: Vec<Noted>,
    /// Present if there is a candidate.
    pub exhibit: Option<Box<Exhibit>>,
    /// Alerts in the form of another engine, where they were asked for.
    pub alerts: Vec<Alert>,
    /// What its bodies say about objects of the cluster.
    pub observed: Option<Box<Observed>>,
}

impl Fact {
    /// The fact of an event, before any rule has looked at it.
    pub fn of(event: Event) -> Fact {
        Fact {
            principal: Principal::of(&event).into(),
            credential: Credential::of(&event).into(),
            action: Action::of(&event),
            event,
            ..Fact::default()
        }
    }

    /// The same, with what is remembered of the identity.
    pub fn recalled(event: Event, identities: &mut Identities) -> Fact {
        let (principal, credential) = identities.of(&event);
        Fact { principal, credential, action: Action::of(&event), event, ..Fact::default() }
    }

    /// Bytes that it holds, about: what a client can make long.
    pub fn weight(&self) -> usize {
        let event = &self.event;
        let user = |user: &User| 32 * (user.groups.len() + user.extra.len()) + user.name.len();
        let status = event.status.as_ref().map_or(0, |status| status.message.len());
        let notes: usize =
            event.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
        size_of::<Fact>()
            + event.request_uri.len()
            + event.user_agent.len()
            + event.audit_id.len()
            + user(&event.user)
            + event.impersonated.as_ref().map_or(0, |one| user(one))
            + 24 * event.source_ips.len()
            + status
            + notes
            + self.noted.iter().map(|one| 24 * one.values.len()).sum::<usize>()
            + self.exhibit.as_ref().map_or(0, |exhibit| exhibit.weight())
            + self.alerts.iter().map(|alert| 2 * alert.output.len()).sum::<usize>()
            + self.observed.as_ref().map_or(0, |observed| observed.weight())
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

/// Identities that a thread has met, so that each is named once and not once per request. A cache
/// and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    places: Vec<Option<Known>>,
}

/// What follows from a user and his program alone: holding them keeps their places in memory theirs.
#[derive(Clone, Debug)]
struct Known {
    user: Shared<User>,
    agent: Shared<Str>,
    principal: Shared<Principal>,
    credential: Shared<Credential>,
}

impl Known {
    fn is_of(&self, event: &Event) -> bool {
        self.user.is_same(&event.user) && self.agent.is_same(&event.user_agent)
    }
}

/// Identities that are remembered; a newcomer replaces whoever has its place.
const PLACES: usize = 1024;

impl Identities {
    fn of(&mut self, event: &Event) -> (Shared<Principal>, Shared<Credential>) {
        if event.impersonated.is_some() || credential::says_legacy(event) {
            return (Principal::of(event).into(), Credential::of(event).into());
        }
        let known = self.known(event);
        (known.principal.clone(), known.credential.clone())
    }

    fn known(&mut self, event: &Event) -> &Known {
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let both = (event.user.place() >> 4) ^ (event.user_agent.place() << 12);
        let at = both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let place = &mut self.places[at % PLACES];
        if place.as_ref().is_some_and(|known| !known.is_of(event)) {
            *place = None;
        }
        place.get_or_insert_with(|| Known {
            user: event.user.clone(),
            agent: event.user_agent.clone(),
            principal: Principal::of(event).into(),
            credential: Credential::of(event).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recalled_of_an_identity_is_what_it_is_with_every_program() {
        let mut identities = Identities::default();
        let names = ["gke-metrics-agent", "eks:node-manager", "alice", "system:serviceaccount:a:b"];
        let users = names.map(|name| Shared::from(User { name: name.into(), ..User::default() }));
        let agents = ["kubectl/v1.33", "manager/v1", ""].map(Shared::<Str>::from);
        for _ in 0..2 {
            for (user, agent) in users.iter().flat_map(|user| agents.iter().map(move |a| (user, a)))
            {
                let event =
                    Event { user: user.clone(), user_agent: agent.clone(), ..Event::default() };
                let legacy = vec![("authentication.k8s.io/legacy-token".into(), "x".into())];
                for annotations in [Vec::new(), legacy] {
                    let event = Event { annotations: annotations.into(), ..event.clone() };
                    assert_eq!(Fact::recalled(event.clone(), &mut identities), Fact::of(event));
                }
            }
        }
    }
}
