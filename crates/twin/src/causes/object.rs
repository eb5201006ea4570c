//! Objects as far as causes need them: who made them, and which act moved them last.

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use trailhound_model::{
    Str, entity,
    event::Position,
    observed::Surety,
    time::{SECOND, Time},
};

/// The object of a name, whichever one bears it now. A hash, so that to ask costs no allocation.
pub(super) type Key = u128;

/// Clocks of API servers differ: a child may seem older than its parent by so much.
pub(super) const SKEW: i64 = 2 * SECOND;

pub(super) fn key(resource: &str, namespace: &str, name: &str) -> Key {
    let mut hasher = SipHasher13::new();
    for part in [resource, namespace, name] {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish128().as_u128()
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Object {
    pub(super) resource: Str,
    pub(super) namespace: Str,
    pub(super) name: Str,
    /// Empty where no body told it.
    pub(super) uid: Str,
    /// When it was made; the beginning of time if that was before the log.
    pub(super) born: Time,
    pub(super) ended: bool,
    /// What owns it, and whether a uid says so.
    pub(super) owner: Option<(Key, Surety)>,
    /// Its name says one owner, but somebody else may have made it.
    pub(super) disputed: bool,
    /// The act of somebody outside that moved it last, and when that reached it.
    pub(super) root: Option<Root>,
    /// Node of a pod.
    pub(super) node: Str,
}

/// An act that reached an object.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Root {
    pub(super) act: Position,
    pub(super) since: Time,
    pub(super) surety: Surety,
}

impl Object {
    pub(super) fn entity(&self) -> String {
        entity::object(&self.resource, &self.namespace, &self.name)
    }

    /// Whether a record that shows this uid is about this very object.
    pub(super) fn may_be(&self, uid: &str) -> bool {
        uid.is_empty() || self.uid.is_empty() || self.uid == uid
    }

    /// Whether it was there when something of that age was made.
    pub(super) fn predates(&self, child: Time) -> bool {
        self.born <= child.plus(SKEW)
    }
}
