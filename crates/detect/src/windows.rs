//! Sliding windows of event time for rules that count: a rule fires when its condition becomes
//! true, and again only after it was false. While it stays true the finding grows instead of
//! being repeated, so that 700 deletions are one finding and not 700.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};
use trailhound_model::{fact::Fact, finding::Record, time::Time};
use trailhound_rules::{Correlation, CorrelationKind};

use crate::judge::record;

/// Most groups of all rules together; beyond this the one quiet for longest is forgotten.
const MOST_GROUPS: usize = 50_000;
/// Most entries of one window; beyond this the oldest leaves early.
const MOST_ENTRIES: usize = 5_000;
/// Records that a window keeps as evidence.
const MOST_RECORDS: usize = 60;

type GroupKey = (u32, Vec<String>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    time: Time,
    value: String,
}

/// One group's window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Window {
    entries: VecDeque<Entry>,
    values: BTreeMap<String, u32>,
    records: VecDeque<Record>,
    last: Time,
    finding: Option<String>,
}

/// What a counted fact did to its window.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The condition is not true.
    Quiet,
    /// It became true just now.
    Fires {
        /// Records in the window.
        records: Vec<Record>,
        /// How many events are in it.
        count: u64,
        /// Distinct values in it, the first few.
        values: Vec<String>,
    },
    /// It stays true: the finding with this id grows.
    Grows {
        /// Id of the finding.
        finding: String,
    },
}

/// All windows of a cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Windows {
    groups: HashMap<GroupKey, Window>,
    /// Groups forgotten because there were too many.
    pub forgotten: u64,
}

impl Windows {
    /// Counts a fact in the window of its group.
    pub fn count(
        &mut self,
        rule: u32,
        group: Vec<String>,
        value: String,
        correlation: &Correlation,
        fact: &Fact,
    ) -> Step {
        self.make_room(fact.event.time);
        let window = self.groups.entry((rule, group)).or_default();
        window.add(fact, value, correlation.timespan_micros);
        let measured = window.measure(correlation.kind == CorrelationKind::ValueCount);
        if !correlation.condition.holds(measured) {
            window.finding = None;
            return Step::Quiet;
        }
        match &window.finding {
            Some(finding) => Step::Grows { finding: finding.clone() },
            None => window.fire(),
        }
    }

    /// Says which finding a firing window made, so that it can grow.
    pub fn opened(&mut self, rule: u32, group: Vec<String>, finding: &str) {
        if let Some(window) = self.groups.get_mut(&(rule, group)) {
            window.finding = Some(finding.to_owned());
        }
    }

    fn make_room(&mut self, now: Time) {
        if self.groups.len() < MOST_GROUPS {
            return;
        }
        let mut ages: Vec<(Time, GroupKey)> =
            self.groups.iter().map(|(key, window)| (window.last, key.clone())).collect();
        ages.sort_unstable();
        for (last, key) in ages.into_iter().take(MOST_GROUPS / 10) {
            self.groups.remove(&key);
            self.forgotten += u64::from(now.since(last) < trailhound_model::time::HOUR);
        }
    }
}

impl Window {
    fn add(&mut self, fact: &Fact, value: String, timespan: i64) {
        self.last = self.last.max(fact.event.time);
        *self.values.entry(value.clone()).or_default() += 1;
        self.entries.push_back(Entry { time: fact.event.time, value });
        self.records.push_back(record(fact));
        while self.entries.len() > MOST_ENTRIES
            || self.entries.front().is_some_and(|entry| self.last.since(entry.time) > timespan)
        {
            self.drop_oldest();
        }
        while self.records.len() > MOST_RECORDS.min(self.entries.len()) {
            self.records.pop_front();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(entry) = self.entries.pop_front() else { return };
        if let Some(count) = self.values.get_mut(&entry.value) {
            *count -= 1;
            if *count == 0 {
                self.values.remove(&entry.value);
            }
        }
    }

    fn measure(&self, distinct: bool) -> u64 {
        if distinct { self.values.len() as u64 } else { self.entries.len() as u64 }
    }

    fn fire(&mut self) -> Step {
        Step::Fires {
            records: self.records.iter().cloned().collect(),
            count: self.entries.len() as u64,
            values: self.values.keys().take(8).cloned().collect(),
        }
    }
}
