//! The same new thing by many alike within a day is a rollout and no break-in.
//!
//! It only holds for what does not matter: an attacker with three pods of a kind must not excuse
//! himself.

use crate::symbol::{Symbol, Table};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Trend {
    members: SmallVec<[u64; 4]>,
    count: u32,
    last: u32,
}

/// New things, and who does them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cohorts {
    trends: Table<Trend>,
}

/// So many of a kind make a rollout.
const MANY: u32 = 3;
/// Hours in which it happens.
const HOURS: u32 = 24;
/// New things that are kept.
const MOST: usize = 20_000;

fn key(group: u64, facet: u8, symbol: u64) -> u64 {
    Symbol(group).at(u64::from(facet)).with(Symbol(symbol)).0
}

impl Cohorts {
    /// A member of a group does something that it never did.
    pub fn note(&mut self, group: u64, facet: u8, symbol: u64, member: u64, hour: u32) {
        let key = key(group, facet, symbol);
        if self.trends.len() >= MOST && !self.trends.contains_key(&key) {
            return;
        }
        let trend = self.trends.entry(key).or_default();
        if hour.saturating_sub(trend.last) > HOURS {
            *trend = Trend::default();
        }
        trend.last = hour;
        if trend.members.contains(&member) {
            return;
        }
        trend.count = trend.count.saturating_add(1);
        if trend.members.len() < 16 {
            trend.members.push(member);
        }
    }

    /// How many of the group began with it within a day, if they are many.
    pub fn size(&self, group: u64, facet: u8, symbol: u64, hour: u32) -> Option<u32> {
        let trend = self.trends.get(&key(group, facet, symbol))?;
        (trend.count >= MANY && hour.saturating_sub(trend.last) <= HOURS).then_some(trend.count)
    }

    /// Forgets what is over.
    pub fn sweep(&mut self, hour: u32) {
        self.trends.retain(|_, trend| hour.saturating_sub(trend.last) <= HOURS);
    }
}
