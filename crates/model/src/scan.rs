//! The answer of a scan as one value: every output format renders this and nothing else.

use crate::{
    completeness::Completeness, finding::Finding, format::Format, incident::Incident,
    site::SiteEntry, time::Time,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A byte range that could not become an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Name of the source.
    pub source: String,
    /// Offset of its first byte.
    pub offset: u64,
    /// Its length.
    pub length: u64,
    /// Why, in words.
    pub reason: String,
}

/// A source that could not be read to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Name of the source.
    pub source: String,
    /// What went wrong, in words.
    pub reason: String,
}

/// What went in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Names of the sources, in order; positions index them.
    pub sources: Vec<String>,
    /// Bytes after decompression.
    pub bytes: u64,
    /// Events read, duplicates left out.
    pub events: u64,
    /// Records that were read, by format; duplicates are counted each time.
    pub formats: BTreeMap<Format, u64>,
    /// Byte ranges that became no event.
    pub rejected: u64,
    /// The first of them.
    pub reject_samples: Vec<Rejected>,
    /// Records that are in the input more than once.
    pub duplicates: u64,
    /// Within which window duplicates are told for certain, in words.
    pub duplicate_window: String,
    /// Sources that were not wholly read.
    pub unread: Vec<Unread>,
    /// Warnings for the reader (for example that no cluster name was given).
    pub warnings: Vec<String>,
    /// First event.
    pub first: Option<Time>,
    /// Last event.
    pub last: Option<Time>,
}

/// A rule that was run, for "what was checked".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedRule {
    /// Rule id.
    pub id: String,
    /// Rule title.
    pub title: String,
    /// Threat family.
    pub family: String,
    /// How many events it looked at (passed its index).
    pub looked_at: u64,
    /// How many findings it made.
    pub findings: u64,
}

/// The answer of a scan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scan {
    /// Version of this program.
    pub version: String,
    /// What went in.
    pub input: Input,
    /// How complete the log was, per cluster.
    pub completeness: Vec<Completeness>,
    /// Incidents, worst first.
    pub incidents: Vec<Incident>,
    /// All findings, in order of time.
    pub findings: Vec<Finding>,
    /// What was checked.
    pub rules: Vec<CheckedRule>,
    /// What the site's entries did: all that make findings milder.
    #[serde(default)]
    pub site: Vec<SiteEntry>,
}
