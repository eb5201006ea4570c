//! Exact duplicates within a stated window.
//!
//! Log shippers and the webhook backend send batches again after an error, so the same record
//! arrives twice as a matter of course. `auditID` alone proves nothing (the client chooses it):
//! two records are the same only if cluster, auditID, stage, both times, user, verb and URI agree.
//! They are compared by a keyed 128-bit hash, so that a client cannot craft a collision that makes
//! its own record vanish.

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher13;
use smallvec::SmallVec;
use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use trailhound_model::{
    event::Event,
    time::{MINUTE, Time},
};

/// Records for which a generation makes room at once.
const FIRST_ROOM: usize = 28_000;
/// Records that a generation holds before the next is begun.
const GENERATION: usize = 900_000;
/// Duplicates are told for certain among at least so many records …
const WINDOW_RECORDS: usize = 4_000_000;
/// … and over at least this time, if that many records fit below [`MOST_RECORDS`].
const WINDOW_TIME: i64 = 10 * MINUTE;
/// Never more than this, whatever the rate.
const MOST_RECORDS: usize = 9_000_000;

/// The identity of a record.
pub type Key = u128;

/// Hashes what makes a record itself, under a key of the run.
pub fn key(event: &Event, secret: [u8; 16]) -> Key {
    // One long write is far cheaper than many short ones.
    let mut bytes = SmallVec::<[u8; 512]>::new();
    let mut part = |text: &str| {
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0xff);
    };
    part(&event.cluster);
    part(&event.audit_id);
    part(event.stage.as_str());
    part(&event.user.name);
    part(&event.verb);
    part(&event.request_uri);
    bytes.extend_from_slice(&event.time.0.to_le_bytes());
    bytes.extend_from_slice(&event.received.map_or(i64::MIN, |time| time.0).to_le_bytes());
    SipHasher13::new_with_key(&secret).hash(&bytes).as_u128()
}

/// Keys are keyed hashes themselves: hashing them once more would only cost time.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, key: u128) {
        let [high, low] = [key >> 64, key].map(|half| u64::try_from(half & u128::from(u64::MAX)));
        let mixed = high.unwrap_or_default() ^ low.unwrap_or_default();
        self.0 = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Generation {
    keys: HashSet<Key, BuildHasherDefault<AsItIs>>,
    newest: Time,
}

/// Remembers the keys of the window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Dedupe {
    generations: VecDeque<Generation>,
    records: usize,
    /// Records recognised as duplicates.
    pub duplicates: u64,
    /// Whether the window ever had to be cut below its promised time.
    pub shortened: bool,
}

impl Dedupe {
    /// Whether the record is new; if so it is remembered.
    pub fn is_new(&mut self, key: Key, time: Time) -> bool {
        if self.generations.iter().any(|generation| generation.keys.contains(&key)) {
            self.duplicates += 1;
            return false;
        }
        if self.generations.back().is_none_or(|last| last.keys.len() >= GENERATION) {
            self.begin_generation(time);
        }
        if let Some(last) = self.generations.back_mut() {
            last.keys.insert(key);
            last.newest = last.newest.max(time);
            self.records += 1;
        }
        true
    }

    fn begin_generation(&mut self, now: Time) {
        while let Some(oldest) = self.generations.front() {
            let rest = self.records - oldest.keys.len();
            let old = now.since(oldest.newest) >= WINDOW_TIME;
            if rest < WINDOW_RECORDS || !old && rest < MOST_RECORDS {
                break;
            }
            self.shortened |= !old;
            self.records = rest;
            self.generations.pop_front();
        }
        let keys = HashSet::with_capacity_and_hasher(FIRST_ROOM, BuildHasherDefault::default());
        self.generations.push_back(Generation { keys, newest: Time::default() });
    }

    /// The window in words, for the report.
    pub fn window(&self) -> String {
        if self.shortened {
            format!(
                "exact among any {WINDOW_RECORDS} consecutive records (the rate was too high for 10 minutes)"
            )
        } else {
            format!("exact among any {WINDOW_RECORDS} consecutive records and within 10 minutes")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::Stage;

    #[test]
    fn a_record_is_the_same_only_if_everything_that_identifies_it_agrees() {
        let secret = [7; 16];
        let event = Event { audit_id: "a".into(), verb: "get".into(), ..Event::default() };
        assert_eq!(key(&event, secret), key(&event.clone(), secret));
        let others = [
            Event { stage: Stage::ResponseComplete, ..event.clone() },
            Event { verb: "list".into(), ..event.clone() },
            Event { time: Time(1), ..event.clone() },
            Event { cluster: "b".into(), ..event.clone() },
            Event { audit_id: "".into(), ..event.clone() },
        ];
        for other in &others {
            assert_ne!(key(&event, secret), key(other, secret));
        }
    }

    #[test]
    fn the_window_holds_at_least_what_it_promises_and_stays_bounded() {
        let mut dedupe = Dedupe::default();
        let total = 11_000_000u128;
        // Spread as keyed hashes are: the table takes them as they come.
        let key = |number: u128| number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        for number in 0..total {
            assert!(dedupe.is_new(key(number), Time(0)));
        }
        assert!(!dedupe.is_new(key(total - WINDOW_RECORDS as u128), Time(0)));
        assert!(dedupe.records <= MOST_RECORDS + 2 * GENERATION);
        assert!(dedupe.shortened);
    }
}
