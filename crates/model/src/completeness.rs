//! How complete the log was: part of every answer, because a silent gap reads like innocence.

use crate::{Str, time::Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A stretch for which the log is proved to be missing records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Last moment at which the metronome was seen before the gap.
    pub from: Time,
    /// First moment after it.
    pub to: Time,
    /// What proves it.
    pub metronome: String,
}

/// The state of one cluster's log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completeness {
    /// Cluster name; empty is the one unnamed cluster.
    pub cluster: Str,
    /// Share of the time that is proved to be covered; `None` is unknown, never 1.0.
    pub score: Option<f64>,
    /// Why the score is what it is, in words.
    pub basis: String,
    /// Proved gaps.
    pub gaps: Vec<Gap>,
    /// Events per audit level.
    pub levels: BTreeMap<String, u64>,
    /// Rules that could not decide on some event because the log lacks what they ask for, with how
    /// often that was.
    pub undecided: BTreeMap<String, u64>,
    /// Rules that could not fire at all: nothing that they watch was logged as they need it.
    pub blind: Vec<String>,
    /// First and last event.
    pub first: Option<Time>,
    /// Last event.
    pub last: Option<Time>,
    /// Events that came later than the reordering window allows; applied all the same.
    pub late: u64,
    /// Records whose bodies were cut away.
    pub truncated: u64,
}
