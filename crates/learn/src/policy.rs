//! A new audit policy is no new behaviour.
//!
//! When the policy changes, kinds of requests appear in the log for many identities within one hour.
//! Nobody alone can make that happen: it takes a quarter of all who are active. What appeared then is
//! excused for a day, while the kinds are learned, and the change is told.

use crate::symbol::{Symbol, Table};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Changes of the audit policy as the log shows them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    until: u32,
    excused: Table<()>,
    hour: Table<SmallVec<[u64; 4]>>,
    /// Hours in which the policy seems to have changed, and how many kinds appeared.
    pub changes: Vec<(u32, u32)>,
}

/// Hours for which new kinds are excused.
const FREEZE: u32 = 24;
/// Hours of history without which everything is new.
const KNOWN: u32 = 24;
/// So many active identities at least show kinds that the cluster never had.
const MANY: usize = 6;
/// One in so many of the active ones.
const SHARE: usize = 4;
/// New kinds that are kept.
const MOST: usize = 4096;
/// Changes that are kept.
const MOST_CHANGES: usize = 32;

impl Policy {
    /// Somebody does what the cluster never saw.
    pub fn note(&mut self, facet: u8, symbol: u64, member: u64) {
        let key = key(facet, symbol);
        if self.hour.len() >= MOST && !self.hour.contains_key(&key) {
            return;
        }
        let members = self.hour.entry(key).or_default();
        if members.len() < 64 && !members.contains(&member) {
            members.push(member);
        }
    }

    /// At the end of an hour with so many active identities: whether the policy has changed.
    pub fn judge(&mut self, active: usize, hour: u32, known: u32) -> bool {
        let mut members: Vec<u64> = self.hour.values().flatten().copied().collect();
        members.sort_unstable();
        members.dedup();
        let changed = known >= KNOWN && members.len() >= MANY && members.len() * SHARE >= active;
        if changed {
            if self.changes.len() >= MOST_CHANGES {
                self.changes.remove(0);
            }
            self.changes.push((hour, self.hour.len() as u32));
            self.until = hour + FREEZE;
        }
        if hour < self.until {
            // One alone excuses nothing: he might be the one to look at.
            let shared = self.hour.iter().filter(|(_, members)| members.len() >= 2);
            let keys: Vec<u64> = shared.map(|(key, _)| *key).collect();
            self.excused.extend(keys.into_iter().map(|key| (key, ())));
        } else {
            self.excused.clear();
        }
        self.hour.clear();
        changed
    }

    /// Whether a kind is excused.
    pub fn excuses(&self, facet: u8, symbol: u64, hour: u32) -> bool {
        hour < self.until && self.excused.contains_key(&key(facet, symbol))
    }
}

fn key(facet: u8, symbol: u64) -> u64 {
    Symbol(symbol).at(u64::from(facet)).0
}
