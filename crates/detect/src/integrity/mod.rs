//! Findings about the log itself: it contradicts itself, or it is missing where it matters most.
//!
//! They are no rules, because no rule file can compare a record with one of an hour ago, and they
//! are careful: each tells its innocent readings, and those of low severity make no incident.

mod claims;
mod missing;
mod reuse;

pub use claims::claims;
pub(crate) use claims::id;
pub(crate) use missing::tell_gaps;

use crate::judge;
use reuse::{AuditIds, Reuse};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    claims::Contradiction,
    fact::Fact,
    finding::{Finding, FindingKind, RuleRef, Severity, Touch, TouchRole},
};

/// What a detector says, apart from the record.
pub(crate) struct Words<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    pub(crate) severity: Severity,
    pub(crate) confidence: f64,
    pub(crate) explanation: String,
    pub(crate) why: &'a str,
    pub(crate) benign: &'a [&'a str],
    pub(crate) next: Vec<String>,
}

/// What must be remembered to find contradictions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Integrity {
    ids: AuditIds,
}

impl Integrity {
    /// Weighs a record, in order of time.
    pub fn weigh(&mut self, fact: &Fact) -> Option<Finding> {
        let reuse = self.ids.weigh(&fact.claims);
        match (fact.claims.contradiction, reuse) {
            (Some(contradiction), _) => Some(finding(fact, contradicts(fact, contradiction))),
            (None, Some(reuse)) => Some(finding(fact, reused(fact, reuse))),
            (None, None) => None,
        }
    }
}

fn finding(fact: &Fact, words: Words<'_>) -> Finding {
    let records = vec![judge::record(fact)];
    let actor = fact.principal.actor();
    Finding {
        id: Finding::id_of(words.id, &fact.event.cluster, &records),
        rule: RuleRef { id: words.id.to_owned(), version: 1, title: words.title.to_owned() },
        kind: FindingKind::Integrity,
        severity: words.severity,
        confidence: words.confidence,
        time: fact.event.time,
        last: fact.event.time,
        cluster: fact.event.cluster.clone(),
        principal: fact.principal.effective.entity(),
        real_principal: fact.principal.real.as_ref().map(|real| real.entity()),
        credential: judge::credential_entity(fact),
        address: fact.event.source_ip().to_owned(),
        user_agent: fact.event.user_agent.chars().take(judge::MOST_AGENT).collect(),
        actor_kind: actor.kind.as_str().to_owned(),
        action: fact.action.kind.as_str().to_owned(),
        outcome: fact.action.outcome.as_str().to_owned(),
        target: judge::target_entity(fact),
        explanation: words.explanation,
        why: words.why.to_owned(),
        benign_readings: words.benign.iter().map(|one| (*one).to_owned()).collect(),
        next_steps: words.next,
        family: "integrity".to_owned(),
        record_count: 1,
        records,
        touches: vec![Touch { entity: actor.entity(), role: TouchRole::Actor }],
        ..Finding::default()
    }
}

fn reused(fact: &Fact, reuse: Reuse) -> Words<'static> {
    let (who, severity) = match reuse {
        Reuse::OtherRequest => ("another request of the same user", Severity::Low),
        Reuse::OtherUser => ("a request of another user", Severity::Medium),
    };
    let id = &fact.event.audit_id;
    Words {
        id: "audit-id-reused",
        title: "One audit ID stands for two different requests",
        severity,
        confidence: 0.7,
        explanation: format!(
            "This request of {} carries the audit ID {id}, which the log already has for {who}. \
             Whoever sends the header Audit-ID chooses the ID; honest programs leave it to the API \
             server.",
            fact.principal.actor().entity()
        ),
        why: "Most tools tell requests apart by this ID. Two requests under one ID are shown as \
              one, so one of them can hide behind the other.",
        benign: &[
            "A proxy or another API server in front of this one passes one ID on with several requests.",
            "A test or load tool sends a fixed Audit-ID header.",
            "Logs of two clusters were given as one: name them with --cluster.",
        ],
        next: vec![
            format!(
                "Look at every record with the audit ID {id} and compare user, URL and address."
            ),
            "Ask the owner of the client why it sets the header Audit-ID.".to_owned(),
        ],
    }
}

fn contradicts(fact: &Fact, contradiction: Contradiction) -> Words<'static> {
    let event = &fact.event;
    let (severity, explanation) = match contradiction {
        Contradiction::ForbiddenButDone => (
            Severity::Medium,
            format!(
                "The record says that the request was forbidden and that it succeeded (code {}).",
                event.code().unwrap_or_default()
            ),
        ),
        Contradiction::ObjectIsNotOfUrl => (
            Severity::Medium,
            format!(
                "The record names {} as the object, but the URL of the request is {}.",
                judge::target_entity(fact),
                event.path()
            ),
        ),
        Contradiction::EndsBeforeItBegins => (
            Severity::Low,
            format!(
                "The record says that the request was received at {} and that it had reached its \
                 stage before that, at {}.",
                event.received.map(|at| at.to_string()).unwrap_or_default(),
                event.time
            ),
        ),
        Contradiction::VerbIsNotOfUrl => (
            Severity::Low,
            format!(
                "The record has the verb {}, which a request to {} cannot have.",
                event.verb,
                event.path()
            ),
        ),
    };
    Words {
        id: "record-contradicts-itself",
        title: "A record of the audit log contradicts itself",
        severity,
        confidence: 0.5,
        explanation,
        why: "The API server does not write such records. Either the log was changed after it was \
              written, or it was not written by a Kubernetes API server.",
        benign: benign(contradiction),
        next: vec![
            "Compare the record with another copy of the log (the file on the control plane, the webhook, the archive).".to_owned(),
            "Find out who can write to the log between the API server and this file.".to_owned(),
        ],
    }
}

fn benign(contradiction: Contradiction) -> &'static [&'static str] {
    match contradiction {
        Contradiction::EndsBeforeItBegins => &[
            "The clock of the control plane was set back while the request was served.",
            "A program that converts logs rounds one of the two times.",
        ],
        _ => &[
            "A program that converts or enriches logs filled in a field wrongly.",
            "An API server of an extension writes its records in its own way.",
        ],
    }
}
