//! An incident: findings that belong together, told as one story.

use crate::{Str, finding::Severity, time::Time};
use serde::{Deserialize, Serialize};

/// How a breach moved from one identity to another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// Entity that acted.
    pub from: String,
    /// Entity that acted next because of it.
    pub to: String,
    /// `exec`, `token`, `create`, `grant`, `csr`, `impersonate`, `secret` …
    pub kind: String,
    /// 0 to 1.
    pub confidence: f64,
    /// auditIDs that show it.
    pub evidence: Vec<Str>,
    /// The hop in a sentence.
    pub sentence: String,
}

/// One step of the story.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub time: Time,
    /// Who, as an entity.
    pub who: String,
    /// What happened, in one plain sentence.
    pub text: String,
    /// How bad this step is.
    pub severity: Severity,
    /// Id of the finding that it tells.
    pub finding: String,
}

/// Findings joined into one story.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Id of its first opened finding, kept when earlier causes are found later.
    pub id: String,
    /// By what was reached, not by how many rules fired.
    pub severity: Severity,
    /// 0 to 1.
    pub confidence: f64,
    /// One line.
    pub title: String,
    /// What happened, in plain words.
    pub story: String,
    /// The story step by step, in order.
    pub steps: Vec<Step>,
    /// Time of its first record.
    pub first_seen: Time,
    /// Time of its last record.
    pub last_seen: Time,
    /// Cluster.
    pub cluster: Str,
    /// Identities that acted, as entities, in order of appearance.
    pub principals: Vec<String>,
    /// Addresses they came from.
    pub addresses: Vec<String>,
    /// What was touched, as entities.
    pub targets: Vec<String>,
    /// ATT&CK techniques.
    pub techniques: Vec<String>,
    /// Finding ids, in order of time.
    pub findings: Vec<String>,
    /// auditIDs of all records, without repeats.
    pub evidence: Vec<Str>,
    /// How it moved.
    pub hops: Vec<Hop>,
    /// What to do, most urgent first.
    pub next_steps: Vec<String>,
    /// What the log cannot tell about it.
    pub unknowns: Vec<String>,
    /// Ids of incidents that were merged into this one.
    pub merged: Vec<String>,
}
