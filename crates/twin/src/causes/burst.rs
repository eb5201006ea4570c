//! Objects that a controller made without the log telling their names, until the names turn up.
//!
//! A burst of creates in one namespace is closed when as many new names were met as there were
//! creates. If all of them follow from one act, so do the creates; if not, nobody can say which is
//! which, and nothing is said.

use super::object::{Key, Root};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map,
    event::Position,
    time::{SECOND, Time},
};

/// A burst whose names do not come is given up.
const LONGEST: usize = 64;
const PATIENCE: i64 = 30 * SECOND;
const MOST: usize = 8_192;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Burst {
    first: Time,
    last: Time,
    made: Vec<Position>,
    named: usize,
    roots: Option<Root>,
    mixed: bool,
}

/// Bursts by place (a hash of maker and namespace).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bursts {
    open: Map<Key, Burst>,
    pub(super) dropped: u64,
}

impl Bursts {
    /// Something without a name was made.
    pub(super) fn made(&mut self, place: Key, time: Time, record: Position) {
        if self.open.len() >= MOST && !self.open.contains_key(&place) {
            self.open.retain(|_, burst| time.since(burst.last) <= PATIENCE);
            if self.open.len() >= MOST {
                self.dropped += 1;
                return;
            }
        }
        let fresh = || Burst {
            first: time,
            last: time,
            made: Vec::new(),
            named: 0,
            roots: None,
            mixed: false,
        };
        let burst = self.open.entry(place).or_insert_with(fresh);
        if time.since(burst.last) > PATIENCE {
            *burst = fresh();
        }
        burst.last = time;
        if burst.made.len() < LONGEST {
            burst.made.push(record);
        } else {
            burst.mixed = true;
            self.dropped += 1;
        }
    }

    /// A new name was met. When the burst began, its records and their root, if this closes it.
    pub(super) fn named(
        &mut self,
        place: Key,
        time: Time,
        root: Option<Root>,
    ) -> Option<(Time, Vec<Position>, Option<Root>)> {
        let burst = self.open.get_mut(&place)?;
        if time.since(burst.last) > PATIENCE {
            self.open.remove(&place);
            return None;
        }
        burst.named += 1;
        let agrees = match (burst.roots, root) {
            (Some(one), Some(other)) => one.act == other.act,
            (None, Some(_)) => burst.named == 1,
            (_, None) => false,
        };
        burst.mixed |= !agrees;
        burst.roots = burst.roots.or(root);
        if burst.named < burst.made.len() {
            return None;
        }
        let burst = self.open.remove(&place)?;
        Some((burst.first, burst.made, burst.roots.filter(|_| !burst.mixed)))
    }
}
