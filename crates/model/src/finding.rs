//! A finding: one judgement on one or more records, with everything that a reader needs to check
//! it. Its id is a hash of its rule and records, so that a replay gives the same id.

use crate::{
    Str,
    event::{Position, Stage},
    site::SiteNote,
    time::Time,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// How bad it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Info,
    /// Look at it when there is time.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// The cluster, or much of it, is in somebody's hands.
    Critical,
}

impl Severity {
    /// The name in rules, options and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// The severity with this name.
    pub fn from_name(name: &str) -> Option<Severity> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }

    /// All, from least to worst.
    pub const ALL: [Severity; 5] =
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// One step worse.
    #[must_use]
    pub fn raised(self) -> Severity {
        match self {
            Severity::Info => Severity::Low,
            Severity::Low => Severity::Medium,
            Severity::Medium => Severity::High,
            Severity::High | Severity::Critical => Severity::Critical,
        }
    }

    /// One step milder.
    #[must_use]
    pub fn lowered(self) -> Severity {
        match self {
            Severity::Info | Severity::Low => Severity::Info,
            Severity::Medium => Severity::Low,
            Severity::High => Severity::Medium,
            Severity::Critical => Severity::High,
        }
    }
}

/// How a finding came about.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum FindingKind {
    /// One event matched a rule.
    #[default]
    Rule,
    /// Enough events within a window.
    Threshold,
    /// Events in a certain order.
    Sequence,
    /// A credential was used where it should not be.
    Credential,
    /// Unusual by what was learned.
    Anomaly,
    /// A standing weakness without an attack.
    Posture,
    /// The log contradicts itself.
    Integrity,
}

impl FindingKind {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::Rule => "rule",
            FindingKind::Threshold => "threshold",
            FindingKind::Sequence => "sequence",
            FindingKind::Credential => "credential",
            FindingKind::Anomaly => "anomaly",
            FindingKind::Posture => "posture",
            FindingKind::Integrity => "integrity",
        }
    }
}

/// A record that a finding stands on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// `auditID`
    pub audit_id: Str,
    /// Stage of the record.
    pub stage: Stage,
    /// Time of the record.
    pub time: Time,
    /// Where it was read.
    pub position: Position,
    /// SHA-256 of the original bytes, lower-case hex.
    pub sha256: String,
    /// What it says in a few words: `create pods/exec shop/cart → 101`.
    pub summary: String,
    /// The record as JSON, masked and capped; empty when the finding keeps only its reference.
    pub masked: String,
}

/// The rule that found it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// Stable id.
    pub id: String,
    /// Version of the rule.
    pub version: u32,
    /// One line.
    pub title: String,
}

/// What a finding touches, for joining: see `detect::correlate`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Entity name (`pod:shop/cart-7d4`, `cred:JTI=…`, `user:bob`).
    pub entity: String,
    /// How it is touched.
    pub role: TouchRole,
}

/// How a finding touches an entity.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum TouchRole {
    /// It acted.
    #[default]
    Actor,
    /// It is what was acted upon.
    Target,
    /// It was brought into being or given power, so that its later acts follow from this one: the
    /// token minted, the pod created, the subject bound, the certificate's name.
    Enables,
    /// It was given rights. What it does with them is known by the binding, not by its name: a
    /// person does much that has nothing to do with a grant.
    Grants,
    /// It is the source of the power used: the pod whose token acts, the binding that allowed it.
    EnabledBy,
}

/// How complete the log was around a finding (five minutes before and after it): what it does not
/// show may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogState {
    /// Beats of metronomes seen as a share of those expected; `None` is unknown.
    pub score: Option<f64>,
    /// Proved gaps that touch the stretch.
    pub gaps: u64,
    /// Records in the stretch whose contents the API server had cut away.
    pub truncated: u64,
    /// What a reader should know of it, in words; empty if the log is complete there.
    pub note: String,
}

impl LogState {
    /// What an incident should say of it if no gap says it already.
    pub fn doubt(&self) -> Option<String> {
        let told = self.note.is_empty() || self.gaps > 0;
        (!told).then(|| format!("Whether the log is complete: {}.", self.note))
    }
}

/// One judgement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Hash of rule and records.
    pub id: String,
    /// Rule and version.
    pub rule: RuleRef,
    /// How it came about.
    pub kind: FindingKind,
    /// How bad, after the actor's context was weighed.
    pub severity: Severity,
    /// Why the severity differs from the rule's own, in words; empty if it does not.
    pub severity_reason: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Time of its first record.
    pub time: Time,
    /// Time of its last record.
    pub last: Time,
    /// Cluster.
    pub cluster: Str,
    /// The identity that acted, as an entity.
    pub principal: String,
    /// The identity that authenticated, if it acted as another.
    pub real_principal: Option<String>,
    /// Credential as an entity, or empty.
    pub credential: String,
    /// Peer address, or empty.
    pub address: String,
    /// Whether the actor never used that address before; `None` if its habits are not known.
    pub address_new: Option<bool>,
    /// Since when the actor had done the same in the same namespace, if it had: power that it had
    /// before a grant did not come from the grant.
    #[serde(default)]
    pub done_since: Option<Time>,
    /// User agent as the client gave it.
    pub user_agent: String,
    /// Sort of identity that authenticated (`user`, `service-account` …).
    pub actor_kind: String,
    /// What was done (`pod.exec`).
    pub action: String,
    /// `allowed`, `denied` …
    pub outcome: String,
    /// Entity that was acted upon.
    pub target: String,
    /// What happened, in one or two plain sentences.
    pub explanation: String,
    /// Why it matters.
    pub why: String,
    /// Innocent readings.
    pub benign_readings: Vec<String>,
    /// What to check or do next.
    pub next_steps: Vec<String>,
    /// Every number in the sentences, by name.
    pub numbers: BTreeMap<String, f64>,
    /// ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// Threat families (`credentials`, `rbac`, `exploitation`, `policy`).
    pub family: String,
    /// The records it stands on, at most a stated number; `record_count` says how many there were.
    pub records: Vec<Record>,
    /// How many records there were.
    pub record_count: u64,
    /// What it touches, for joining into incidents.
    pub touches: Vec<Touch>,
    /// How complete the log was around it.
    pub log: LogState,
    /// What the site's entries say of it.
    #[serde(default)]
    pub site: Vec<SiteNote>,
}

impl Finding {
    /// Whether the site expected it or suppressed its rule: it makes no incident.
    pub fn is_silenced(&self) -> bool {
        self.site.iter().any(|note| note.effect.silences())
    }

    /// The id of a finding: a hash of its rule, its cluster and its first records.
    pub fn id_of(rule: &str, cluster: &str, records: &[Record]) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(rule);
        part(cluster);
        for record in records {
            part(&record.audit_id);
            part(record.stage.as_str());
            part(&record.sha256);
        }
        hex(&hash.finalize()[..8])
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
