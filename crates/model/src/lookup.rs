//! What one layer may ask another: the bodies of the event at hand, and what is known of the
//! actor and the cluster at that moment.
//!
//! Rules are written against these traits only. Bodies are answered by `ingest` while the bytes
//! are still in the buffer; history is answered by `detect` in order of time, later by the twin
//! and the learner.

use crate::{
    Str,
    body::Body,
    event::Event,
    fact::{Exhibit, Fact, RECORD_LIMIT},
    observed::Observed,
    time::Time,
};
use serde::{Deserialize, Serialize};
use std::ops::Not;

/// A condition's truth: *unknown* where the log does not carry what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Truth {
    /// Proved.
    True,
    /// Disproved.
    False,
    /// The log does not say.
    Unknown,
}

impl Truth {
    /// Kleene conjunction.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    /// Kleene disjunction.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::False, Truth::False) => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

impl Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Truth {
        if value { Truth::True } else { Truth::False }
    }
}

/// A value asked of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading<T> {
    /// It is there.
    Present(T),
    /// The log guarantees that it is not there.
    Absent,
    /// The log does not carry it.
    Unknown,
}

/// A scalar or list out of a raw body, masked.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true`, `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list of these.
    List(Vec<Value>),
}

/// Which body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Side {
    /// `requestObject`
    Request,
    /// `responseObject`
    Response,
}

/// One step of a path into JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The field of an object.
    Key(Str),
    /// The field of an object, or of every object of a list: Sigma's paths do not say where lists
    /// are.
    Through(Str),
    /// The n-th item of a list.
    Index(usize),
    /// Every item of a list.
    Each,
}

/// The bodies of the event at hand; parsed when first asked for.
pub trait Bodies {
    /// What matters in the body. `Unknown` if the log has no body here (audit level, truncation,
    /// damage), `Absent` if the request can have none.
    fn body(&self) -> Reading<&Body>;

    /// The value at a path of a raw body, masked. Path elements are object keys or list indices.
    fn value(&self, side: Side, path: &[&str]) -> Reading<Value>;

    /// Every value at a path of a raw body, masked, in the order of the log; an object as its JSON.
    fn select(&self, side: Side, path: &[Step]) -> Reading<Vec<Value>> {
        let _ = (side, path);
        Reading::Unknown
    }

    /// What is at a path of a raw body as one text, masked: a text as it is, all else as JSON. Path
    /// elements are object keys or list indices; what is longer than `limit` is cut to a mark.
    fn json(&self, side: Side, path: &[&str], limit: usize) -> Reading<String> {
        let _ = (side, path, limit);
        Reading::Unknown
    }

    /// The whole record as JSON, masked, at most `limit` bytes (cut marks say so).
    fn masked_record(&self, limit: usize) -> String;

    /// SHA-256 of the original record's bytes.
    fn digest(&self) -> [u8; 32];

    /// What the bodies say about objects of the cluster. Asked only where
    /// [`crate::observed::is_wanted`] says that it is worth it.
    fn observed(&self) -> Option<Box<Observed>> {
        None
    }

    /// The record as evidence, to be opened later if at all.
    fn exhibit(&self) -> Exhibit {
        let body = match self.body() {
            Reading::Present(body) => Some(body.clone()),
            Reading::Absent | Reading::Unknown => None,
        };
        Exhibit::known(self.digest(), self.masked_record(RECORD_LIMIT), body)
    }
}

/// What is known of the past when an event is judged. All counts are of this log, before this
/// event.
pub trait History {
    /// How often the actor had this same action succeed before in the same namespace.
    fn prior_actions(&self, fact: &Fact) -> u64;

    /// When the actor first had this same action succeed in the same namespace, if it has.
    fn done_since(&self, _fact: &Fact) -> Option<Time> {
        None
    }

    /// How many requests of the actor the log has, before this one.
    fn prior_requests(&self, fact: &Fact) -> u64;

    /// Whether the actor's address is one that it never used, although it has a history long
    /// enough to say so. `Unknown` without such a history.
    fn address_is_new(&self, fact: &Fact) -> Truth;

    /// The same for the family of its user agent.
    fn agent_is_new(&self, fact: &Fact) -> Truth;

    /// Whether a token that is bound to a pod comes from outside the networks in which the log
    /// has seen pods and nodes. `Unknown` if it is not bound or too little is known.
    fn token_off_network(&self, fact: &Fact) -> Truth;

    /// Whether the pod of the token was seen at another address before.
    fn token_moved(&self, fact: &Fact) -> Truth;

    /// Whether the service account has so far only used tokens bound to pods.
    fn account_only_pod_bound(&self, fact: &Fact) -> Truth;

    /// Whether the address was used before by another identity that is a person.
    fn address_of_person(&self, fact: &Fact) -> Truth;

    /// Whether exactly this request was refused to another identity at the same address a moment
    /// ago. `Unknown` where many identities share the address.
    fn refused_to_another(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether the same identity was refused exactly this before, although the log shows no write
    /// to the binding and the role that allow it now.
    fn grant_unseen(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether the token was issued in this log by somebody other than a kubelet or the control
    /// plane, and is now used at another address.
    fn token_minted_elsewhere(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether a token that is bound to a pod comes from an address that is neither the pod's nor its
    /// node's. `Unknown` where clients share addresses or too little is known of the node.
    fn token_off_node(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether the token was used after the pod that it is bound to had ended.
    fn token_after_pod_end(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether the token, bound to one pod, was used at another address a few minutes ago.
    fn token_two_places(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether the log, complete since it can have been issued, shows no issue of the service account
    /// token.
    fn token_never_issued(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether the token was used after it had expired.
    fn token_after_expiry(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Whether a client certificate bears the name of a service account.
    fn account_with_certificate(&self, _fact: &Fact) -> Truth {
        Truth::Unknown
    }

    /// Which conditions of these alarms were checked and which could not be, in words.
    fn token_checks(&self, _fact: &Fact) -> String {
        String::new()
    }

    /// Any other named look-up (`twin.…`), for conditions that come with later layers.
    fn named(&self, name: &str, fact: &Fact, event: &Event) -> Reading<Value> {
        let _ = (name, fact, event);
        Reading::Unknown
    }
}
