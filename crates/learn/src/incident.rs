//! Strange hours become incidents: those of one identity that are close together are one thing to look
//! at, and are told once.

use crate::budget::Verdict;
use crate::symbol::Table;
use serde::{Deserialize, Serialize};

/// An incident as the budget knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number, from 1.
    pub number: u64,
    /// First and last hour.
    pub from: u32,
    /// Last hour.
    pub last: u32,
    /// Highest score.
    pub score: f64,
    /// What became of it.
    pub verdict: Verdict,
}

/// Hours that may lie between.
const GAP: u32 = 24;
/// Hours after which what goes on is a new incident.
const LONGEST: u32 = 72;
/// Incidents that are kept.
const MOST: usize = 20_000;

/// Open incidents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incidents {
    open: Table<Incident>,
    numbers: u64,
    /// Incidents that found no room.
    pub left_out: u64,
}

impl Incidents {
    /// The incident that is open under this link.
    pub fn of(&self, link: u64, hour: u32) -> Option<&Incident> {
        self.open.get(&link).filter(|one| is_near(one, hour))
    }

    /// Takes an hour in; a new incident begins if none is open. Whether it is new, too.
    pub fn add(&mut self, link: u64, hour: u32, score: f64) -> (&mut Incident, bool) {
        let full = self.open.len() >= MOST && !self.open.contains_key(&link);
        // Without room all that come share one place and are told as they come.
        let link = if full { u64::MAX } else { link };
        self.left_out += u64::from(full);
        let incident = self.open.entry(link).or_default();
        let new = incident.number == 0 || !is_near(incident, hour) || full;
        if new {
            self.numbers += 1;
            *incident = Incident { number: self.numbers, from: hour, ..Incident::default() };
        }
        incident.last = hour;
        incident.score = incident.score.max(score);
        (incident, new)
    }

    /// Forgets what is over.
    pub fn sweep(&mut self, hour: u32) {
        self.open.retain(|_, one| is_near(one, hour));
    }
}

fn is_near(one: &Incident, hour: u32) -> bool {
    hour.saturating_sub(one.last) <= GAP && hour.saturating_sub(one.from) < LONGEST
}
