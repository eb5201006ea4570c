//! What the log of a cluster covered: levels, first and last moment, late and truncated records.
//!
//! The score stays unknown until metronomes prove it (leases and other regular requests): a number
//! that nobody measured would be read as "complete".

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{
    Str,
    completeness::Completeness,
    event::{Event, Level},
    time::Time,
};

/// Counts of one cluster's log.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coverage {
    levels: [u64; 4],
    first: Option<Time>,
    last: Option<Time>,
    truncated: u64,
    /// Events counted.
    pub events: u64,
}

impl Coverage {
    /// Counts an event.
    pub fn observe(&mut self, event: &Event) {
        self.events += 1;
        self.truncated += u64::from(event.bodies.truncated);
        if let Some(count) = self.levels.get_mut(event.level as usize) {
            *count += 1;
        }
        if event.time_inferred {
            return;
        }
        self.first = Some(self.first.map_or(event.time, |first| first.min(event.time)));
        self.last = Some(self.last.map_or(event.time, |last| last.max(event.time)));
    }

    /// First event.
    pub fn first(&self) -> Option<Time> {
        self.first
    }

    /// Last event.
    pub fn last(&self) -> Option<Time> {
        self.last
    }

    /// Records without bodies that the policy wanted to log with them.
    pub fn truncated(&self) -> u64 {
        self.truncated
    }

    /// The completeness as far as it is known.
    pub fn completeness(&self, cluster: &Str, late: u64) -> Completeness {
        let names = [Level::Unknown, Level::Metadata, Level::Request, Level::RequestResponse];
        let levels: BTreeMap<String, u64> = names
            .into_iter()
            .zip(self.levels)
            .filter(|(_, count)| *count > 0)
            .map(|(level, count)| (level.as_str().to_owned(), count))
            .collect();
        Completeness {
            cluster: cluster.clone(),
            score: None,
            basis: "unknown: gaps in the log are not measured yet".to_owned(),
            levels,
            first: self.first,
            last: self.last,
            late,
            truncated: self.truncated,
            ..Completeness::default()
        }
    }
}
