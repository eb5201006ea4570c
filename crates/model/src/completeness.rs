//! How complete the log was: part of every answer, because a silent gap reads like innocence.

use crate::{Str, time::Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A stretch for which the log is proved to be missing records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Last record before it: of the whole log, or the last sign of life of one API server.
    pub from: Time,
    /// First record after it.
    pub to: Time,
    /// What proves it.
    pub metronome: String,
    /// The API server whose log is missing; empty if the whole log is.
    pub server: Str,
    /// Beats of metronomes that should have been in it.
    pub missing_beats: u64,
    /// Records that are there nevertheless.
    pub records_inside: u64,
    /// The log of that API server does not come back: `to` is where the log ends.
    pub open: bool,
}

/// An API server that is known by its own lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Name of its lease (`apiserver-…`).
    pub name: Str,
    /// First renewal seen.
    pub first: Time,
    /// Last renewal seen.
    pub last: Time,
    /// Renewals seen since its rhythm was known.
    pub beats_seen: u64,
    /// Renewals that should have been there.
    pub beats_expected: u64,
}

/// What one kind of request was logged with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLine {
    /// API group; empty is the core group.
    pub group: Str,
    /// Resource; empty for URLs that are no resource.
    pub resource: Str,
    /// `read`, `write` or `long-running`.
    pub kind: String,
    /// Records per audit level.
    pub levels: BTreeMap<String, u64>,
}

/// The audit policy, as far as the log betrays it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Levels per resource and kind of request.
    pub lines: Vec<PolicyLine>,
    /// Records about resources beyond those listed, because there were too many.
    pub unlisted: u64,
    /// Reads (get, list) seen.
    pub reads: u64,
    /// Writes seen.
    pub writes: u64,
    /// Long-running requests seen (watch, exec, proxy …).
    pub long_running: u64,
    /// What that means, in words: what never appears, what has no contents.
    pub notes: Vec<String>,
}

/// The state of one cluster's log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completeness {
    /// Cluster name; empty is the one unnamed cluster.
    pub cluster: Str,
    /// Beats of metronomes seen as a share of those expected; `None` is unknown, never 1.0.
    pub score: Option<f64>,
    /// Beats seen.
    pub beats_seen: u64,
    /// Beats expected.
    pub beats_expected: u64,
    /// Why the score is what it is, in words.
    pub basis: String,
    /// Proved gaps.
    pub gaps: Vec<Gap>,
    /// API servers that show in the log.
    pub servers: Vec<Server>,
    /// Events per audit level.
    pub levels: BTreeMap<String, u64>,
    /// What the audit policy lets through.
    pub policy: Policy,
    /// Rules that could not decide on some event because the log lacks what they ask for, with how
    /// often that was.
    pub undecided: BTreeMap<String, u64>,
    /// Rules that could not fire at all: nothing that they watch was logged as they need it.
    pub blind: Vec<String>,
    /// Why, in words, for each of them.
    pub blind_reasons: BTreeMap<String, String>,
    /// Rules that met no event: nothing of that kind happened, or the policy leaves it out.
    pub unmet: Vec<String>,
    /// First and last event.
    pub first: Option<Time>,
    /// Last event.
    pub last: Option<Time>,
    /// Records that are in the input more than once.
    pub duplicates: u64,
    /// Events that came later than the reordering window allows; applied all the same.
    pub late: u64,
    /// How late the latest of them was, in microseconds.
    pub latest: i64,
    /// Records that end before they begin, by their own times: a clock was set back.
    pub clock_backwards: u64,
    /// Records whose bodies were cut away.
    pub truncated: u64,
}
