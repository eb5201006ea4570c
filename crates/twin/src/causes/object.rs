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
    let parts = [resource, namespace, name];
    let mut whole = [0; LONGEST];
    // Many small writes cost more than the hash.
    if let Some(length) = joined(&parts, &mut whole) {
        hasher.write(whole.get(..length).unwrap_or_default());
    } else {
        for part in parts {
            hasher.write(part.as_bytes());
            hasher.write_u8(END);
        }
    }
    hasher.finish128().as_u128()
}

/// Longer names are hashed piece by piece.
const LONGEST: usize = 192;
/// No part of a name.
const END: u8 = 0xff;

fn joined(parts: &[&str; 3], whole: &mut [u8; LONGEST]) -> Option<usize> {
    let mut at = 0;
    for part in parts {
        let end = at + part.len();
        whole.get_mut(at..end)?.copy_from_slice(part.as_bytes());
        *whole.get_mut(end)? = END;
        at = end + 1;
    }
    Some(at)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_has_the_key_that_its_pieces_give() {
        let pieces = |parts: [&str; 3]| {
            let mut hasher = SipHasher13::new();
            for part in parts {
                hasher.write(part.as_bytes());
                hasher.write_u8(END);
            }
            hasher.finish128().as_u128()
        };
        for length in [0, 1, 7, 60, LONGEST - 8, LONGEST - 7, LONGEST - 6, LONGEST, 400] {
            let name = "n".repeat(length);
            assert_eq!(key("pods", "", &name), pieces(["pods", "", &name]), "{length}");
        }
        assert_ne!(key("pods", "a", "b"), key("pods", "ab", ""));
    }
}
