//! What happened a moment ago in a namespace: all that is left where an act names nothing.
//!
//! Kubernetes gives a generated name only after the request is logged, and a kubelet fetches a
//! secret without saying for which pod. Then whatever was set in motion a moment ago is a
//! candidate; several that disagree are no answer.

use super::object::Key;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map,
    time::{SECOND, Time},
};

/// Longer ago is no moment.
const MOMENT: i64 = 10 * SECOND;
/// Candidates of one place; with more of them nothing can be told.
const MOST_AT_ONCE: usize = 64;
/// Places.
const MOST_PLACES: usize = 8_192;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    recent: Vec<(Time, Key)>,
    overflowed: Option<Time>,
}

/// Candidates by place (a hash of what and where).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Moments {
    places: Map<Key, Place>,
    pub(super) dropped: u64,
}

impl Moments {
    /// Something was set in motion.
    pub(super) fn note(&mut self, place: Key, time: Time, candidate: Key) {
        if self.places.len() >= MOST_PLACES && !self.places.contains_key(&place) {
            self.places.retain(|_, old| old.recent.iter().any(|(then, _)| is_recent(*then, time)));
            if self.places.len() >= MOST_PLACES {
                self.dropped += 1;
                return;
            }
        }
        let place = self.places.entry(place).or_default();
        place.recent.retain(|(then, one)| is_recent(*then, time) && *one != candidate);
        if place.recent.len() < MOST_AT_ONCE {
            place.recent.push((time, candidate));
        } else {
            place.overflowed = Some(time);
            self.dropped += 1;
        }
    }

    /// Candidates at a time; nothing if there were more than are kept.
    pub(super) fn at(&self, place: Key, time: Time) -> impl Iterator<Item = Key> {
        let place = self
            .places
            .get(&place)
            .filter(|place| !place.overflowed.is_some_and(|then| is_recent(then, time)));
        let recent = place.map_or(&[][..], |place| place.recent.as_slice());
        recent.iter().filter(move |(then, _)| is_recent(*then, time)).map(|(_, key)| *key)
    }
}

fn is_recent(then: Time, now: Time) -> bool {
    now.since(then).abs() <= MOMENT
}
