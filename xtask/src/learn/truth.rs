//! What really happened: which rows are an attacker's, and when.
//!
//! An incident is true if its evidence holds a row that an attacker asked for himself. What
//! controllers and nodes did because of him leads to him only by detours, so it does not count.

use super::detector::RowId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use trailhound_generate::life::{Deed, Kind, Stealth, Story};
use trailhound_learn::row::Row;
use trailhound_model::time::{HOUR, Time};

/// Rows of stories.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    own: HashMap<RowId, u32>,
    requests: BTreeMap<u32, Vec<(Time, u32)>>,
    windows: BTreeMap<u32, BTreeSet<(u64, i64)>>,
    /// What they did where, of whom.
    acts: BTreeSet<(u64, u64)>,
    /// Identities that were there in an hour.
    present: BTreeMap<i64, u64>,
    now: (i64, HashSet<u64>),
}

/// A stretch of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    /// Its beginning.
    pub(crate) from: Time,
    /// Its end, which is not part of it.
    pub(crate) to: Time,
}

impl Period {
    /// Whether a moment is in it.
    pub(crate) fn has(self, time: Time) -> bool {
        self.from <= time && time < self.to
    }

    /// Its length in days.
    pub(crate) fn days(self) -> f64 {
        self.to.since(self.from) as f64 / (24 * HOUR) as f64
    }
}

/// An attack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attack {
    /// Number of its story.
    pub(crate) story: u32,
    /// Family.
    pub(crate) family: String,
    /// How it is done.
    pub(crate) stealth: String,
    /// Its first request.
    pub(crate) from: i64,
    /// What is unusual about it.
    pub(crate) tells: Vec<String>,
}

impl Truth {
    /// Takes note of a row and the deed that it is of.
    pub(crate) fn note(&mut self, id: RowId, deed: &Deed, row: &Row) {
        let (label, hour) = (deed.label, row.time.0.div_euclid(HOUR));
        if self.now.0 != hour {
            self.now = (hour, HashSet::new());
        }
        if self.now.1.insert(row.who.key.0) {
            *self.present.entry(hour).or_default() += 1;
        }
        if label.story == 0 || label.cascade {
            return;
        }
        self.own.insert(id, label.story);
        self.requests.entry(label.story).or_default().push((row.time, deed.count.max(1)));
        let window = (row.who.key.0, hour);
        self.acts.insert((row.who.key.0, row.at_place.0));
        self.windows.entry(label.story).or_default().insert(window);
    }

    /// The stories whose own rows are among these, without repeats.
    pub(crate) fn stories(&self, rows: &[RowId]) -> Vec<u32> {
        let mut found: Vec<u32> = rows.iter().filter_map(|id| self.own.get(id).copied()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Hours of identities in a period.
    pub(crate) fn present(&self, period: Period) -> u64 {
        let (from, to) = (period.from.0.div_euclid(HOUR), (period.to.0 - 1).div_euclid(HOUR));
        self.present.range(from..=to.max(from)).map(|(_, count)| count).sum()
    }

    /// Those of them in which an attacker did something.
    pub(crate) fn attacked(&self, period: Period) -> u64 {
        let all: BTreeSet<_> = self.windows.values().flatten().collect();
        all.iter().filter(|(_, hour)| period.has(Time(hour * HOUR))).count() as u64
    }

    /// Whether an attacker used this identity to do this.
    pub(crate) fn is_misused(&self, act: (u64, u64)) -> bool {
        self.acts.contains(&act)
    }

    /// Requests of a story's people up to a moment.
    pub(crate) fn requests(&self, story: u32, until: Time) -> u32 {
        let all = self.requests.get(&story).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|(time, _)| *time <= until).map(|(_, count)| count).sum()
    }

    /// Hours of identities in which one of these attacks did something.
    pub(crate) fn windows(&self, attacks: &[Attack]) -> usize {
        let of = |attack: &Attack| self.windows.get(&attack.story);
        attacks.iter().filter_map(of).flatten().collect::<BTreeSet<_>>().len()
    }
}

/// The attacks among stories that began within a period. What is unusual but no attack is not among
/// them: an alarm about it is false.
pub(crate) fn attacks(stories: &[Story], period: Period) -> Vec<Attack> {
    let begun = stories.iter().filter(|story| period.has(Time(story.from)));
    begun
        .filter_map(|story| {
            let Kind::Attack { family, stealth } = story.kind else { return None };
            Some(Attack {
                story: story.number,
                family: family.to_owned(),
                stealth: stealth.name().to_owned(),
                from: story.from,
                tells: story.tells.iter().map(|tell| (*tell).to_owned()).collect(),
            })
        })
        .collect()
}

/// What is going on that day: the first of the oddities that it falls into, or a plain day.
pub(crate) fn day_kind(stories: &[Story], day: Period) -> &'static str {
    let odd = stories.iter().filter_map(|story| match story.kind {
        Kind::Oddity { what } => Some((story, what)),
        Kind::Attack { .. } => None,
    });
    let mut during = odd.filter(|(story, _)| story.from < day.to.0 && story.to >= day.from.0);
    let upgrade = during.clone().find(|(_, what)| what.contains("upgrade"));
    match (upgrade, during.next()) {
        (Some(_), _) => "upgrade",
        (None, Some(_)) => "churn",
        (None, None) => "steady",
    }
}

/// Names of stealth levels in the order of tables.
pub(crate) fn stealths() -> impl Iterator<Item = &'static str> {
    Stealth::ALL.into_iter().map(Stealth::name)
}
