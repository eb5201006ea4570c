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

/// What an act is in an incident.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ActRole {
    /// The earliest that can be tied to it.
    Entry,
    /// On the way.
    #[default]
    Step,
    /// It changed, took or destroyed something.
    Effect,
    /// The last that can be tied to it.
    End,
}

/// Alike requests of one hand in one go, told as one act. It need not be a finding: what no rule
/// objects to (looking around, reading an answer) is part of the story too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// First request.
    pub time: Time,
    /// Last request.
    pub last: Time,
    /// Requests.
    pub count: u64,
    /// `pod.exec`, as in findings.
    pub action: String,
    /// On what, as an entity.
    pub target: String,
    /// `allowed`, `denied` …
    pub outcome: String,
    /// The act in one plain sentence.
    pub sentence: String,
    /// The worst finding on it; `None` if no rule objects to it.
    pub severity: Option<Severity>,
    /// Ids of the findings on it.
    pub findings: Vec<String>,
    /// auditIDs of its requests, capped.
    pub evidence: Vec<Str>,
    /// What it is in the incident.
    pub role: ActRole,
}

/// One identity with one credential at one place, and what it did: the node of the drawn spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hand {
    /// Who acted, as an entity.
    pub entity: String,
    /// `cred:…`, or empty if the log does not say.
    pub credential: String,
    /// Address.
    pub address: String,
    /// User agents, in order of appearance, capped.
    pub agents: Vec<String>,
    /// First act.
    pub first: Time,
    /// Last act.
    pub last: Time,
    /// What it did, in order of time, capped.
    pub acts: Vec<Act>,
    /// Acts beyond the cap.
    pub acts_left_out: u64,
}

/// Why one act belongs to another: an edge between acts of hands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    /// Hand and act of the earlier one, as places in `hands` and its `acts`.
    pub from: (usize, usize),
    /// The same of the later one.
    pub to: (usize, usize),
    /// `exec`, `token`, `create`, `grant`, `csr`, `secret`, `impersonate`, `object`, `credential`,
    /// `session` …
    pub kind: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Why, in a sentence.
    pub sentence: String,
}

/// An answer to a question that everybody asks of an incident.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// `Who got in, and how?`
    pub question: String,
    /// Sentences, each of which stands on records; never more certain than they are.
    pub answer: Vec<String>,
    /// How sure: `proved`, `inferred`, `unknown`.
    pub surety: String,
}

/// Something that the identities of an incident could do, whether or not they did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reachable {
    /// The identity or pod that could, as an entity.
    pub from: String,
    /// `secrets`, `namespaces`, `nodes`, `cluster-admin` …
    pub kind: String,
    /// What, in a sentence with the grants that allow it.
    pub sentence: String,
    /// How many things.
    pub count: u64,
    /// Those of them that are proved: the log shows the thing and every step of the way to it.
    #[serde(default)]
    pub proved: u64,
    /// Those that are inferred: the thing or a step of the way only follows from what the log shows.
    #[serde(default)]
    pub inferred: u64,
    /// Those of which nothing says that the way works, nor that it does not.
    #[serde(default)]
    pub unknown: u64,
    /// Those of them that requests of the incident read; told of secrets only.
    #[serde(default)]
    pub read: u64,
    /// The first of them, as entities.
    pub samples: Vec<String>,
    /// `proved`, `inferred`, `unknown`: as sure as the least sure of them.
    pub surety: String,
    /// The grants with which the ways begin, those of others with the same reach among them.
    #[serde(default)]
    pub grants: Vec<GrantUse>,
}

/// A grant that opens a way, and how often the log shows it used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantUse {
    /// Whose way begins with it, as an entity.
    pub from: String,
    /// The binding, as an entity.
    pub binding: String,
    /// Requests that it allowed in the log, by whomever.
    pub uses: u64,
}

/// The questions whose answers reports give in lists of their own.
pub mod question {
    /// Answered by what could be reached.
    pub const REACH: &str = "What could be reached?";
    /// Answered by commands and next steps.
    pub const NOW: &str = "What to do now?";
    /// Answered by what is not known.
    pub const SILENCE: &str = "What can the log not tell?";
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
    /// Identities with credential and place, in order of appearance, with what they did.
    #[serde(default)]
    pub hands: Vec<Hand>,
    /// Why their acts belong together.
    #[serde(default)]
    pub causes: Vec<Cause>,
    /// What could be reached from here at its end.
    #[serde(default)]
    pub reach: Vec<Reachable>,
    /// The questions that everybody asks.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// What to do first, as commands for a terminal; never run by this program.
    #[serde(default)]
    pub commands: Vec<String>,
    /// What to do, most urgent first.
    pub next_steps: Vec<String>,
    /// What the log cannot tell about it.
    pub unknowns: Vec<String>,
    /// Ids of incidents that were merged into this one.
    pub merged: Vec<String>,
}
