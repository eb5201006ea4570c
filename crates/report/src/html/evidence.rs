//! Findings as evidence: what a reader needs to check one without us. Raw events are capped per
//! finding and in total, because a report of hundreds of megabytes cannot be opened; what is left
//! out is said, and the JSON output has all of it.

use super::pretty;
use super::view::{self, Badge, Fact, Technique, fact};
use crate::{
    advice::{self, Part},
    contract, sanitize, words,
};
use trailhound_model::finding::{Finding, Record};

/// Records listed of one finding.
const RECORDS: usize = 20;
/// Raw events shown of one finding.
const RAW_OF_ONE: usize = 3;
/// Longest raw event, in characters.
const RAW_LENGTH: usize = 12_000;
/// All raw events of a report, in bytes.
pub(crate) const RAW_TOTAL: usize = 3_000_000;

/// A finding.
pub(crate) struct FindingView {
    pub(crate) anchor: String,
    pub(crate) badge: Badge,
    pub(crate) title: String,
    pub(crate) when: String,
    pub(crate) explanation: Vec<Part>,
    pub(crate) why: Vec<Part>,
    pub(crate) severity_reason: Vec<Part>,
    pub(crate) benign: Vec<Vec<Part>>,
    pub(crate) numbers: Vec<(String, String)>,
    pub(crate) next_steps: Vec<Vec<Part>>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) techniques: Vec<Technique>,
    pub(crate) records: Vec<RecordView>,
    pub(crate) records_left_out: String,
    pub(crate) raw: Vec<Raw>,
    pub(crate) raw_left_out: String,
}

/// A record in the table.
pub(crate) struct RecordView {
    pub(crate) time: String,
    pub(crate) audit_id: String,
    pub(crate) stage: &'static str,
    pub(crate) summary: String,
    pub(crate) source: String,
    pub(crate) offset: String,
    pub(crate) sha256: String,
}

/// A record as the log has it, masked.
pub(crate) struct Raw {
    pub(crate) audit_id: String,
    pub(crate) text: String,
    pub(crate) cut: bool,
}

/// Prints findings and keeps count of what they take.
pub(crate) struct Evidence<'a> {
    pub(crate) sources: &'a [String],
    pub(crate) raw_left: usize,
}

impl Evidence<'_> {
    /// A finding under its anchor.
    pub(crate) fn finding(&mut self, one: &Finding, anchor: String) -> FindingView {
        let raw = self.raw(&one.records);
        let with_raw = one.records.iter().filter(|record| !record.masked.is_empty()).count();
        let listed = one.records.len().min(RECORDS);
        FindingView {
            anchor,
            badge: Badge::of(one.severity),
            title: sanitize::prose(&one.rule.title),
            when: words::period(one.time, one.last),
            explanation: inline(&one.explanation),
            why: inline(&one.why),
            severity_reason: inline(&one.severity_reason),
            benign: view::said(&one.benign_readings),
            numbers: numbers(one),
            next_steps: view::advised(&one.next_steps),
            facts: facts(one),
            techniques: view::techniques(&one.techniques),
            records: one.records.iter().take(RECORDS).map(|record| self.record(record)).collect(),
            records_left_out: match one.record_count.saturating_sub(listed as u64) {
                0 => String::new(),
                more => words::counted(more, "more record"),
            },
            raw_left_out: match with_raw - raw.len() {
                0 => String::new(),
                more => words::counted(more as u64, "more raw record"),
            },
            raw,
        }
    }

    fn record(&self, record: &Record) -> RecordView {
        RecordView {
            time: words::moment(record.time),
            audit_id: sanitize::prose(&record.audit_id),
            stage: record.stage.as_str(),
            summary: sanitize::prose(&record.summary),
            source: sanitize::prose(contract::source_name(self.sources, record.position.source)),
            offset: words::thousands(record.position.offset),
            sha256: sanitize::prose(&record.sha256),
        }
    }

    fn raw(&mut self, records: &[Record]) -> Vec<Raw> {
        let mut shown = Vec::new();
        for record in records.iter().filter(|record| !record.masked.is_empty()).take(RAW_OF_ONE) {
            let whole = pretty::record(&record.masked);
            let text = sanitize::shortened(&whole, RAW_LENGTH);
            if text.len() > self.raw_left {
                break;
            }
            self.raw_left -= text.len();
            let audit_id = sanitize::prose(&record.audit_id);
            shown.push(Raw { audit_id, cut: text.len() < whole.len(), text });
        }
        shown
    }
}

fn inline(text: &str) -> Vec<Part> {
    advice::inline(&sanitize::prose(text))
}

fn numbers(one: &Finding) -> Vec<(String, String)> {
    let pair = |(name, value): (&String, &f64)| {
        (sanitize::prose(&words::number_name(name)), words::number(*value))
    };
    one.numbers.iter().take(30).map(pair).collect()
}

fn facts(one: &Finding) -> Vec<Fact> {
    let mut facts = Vec::new();
    fact(&mut facts, "Who", &words::named(&one.principal));
    if let Some(real) = &one.real_principal {
        fact(&mut facts, "Really", &words::named(real));
    }
    fact(&mut facts, "From", one.address.strip_prefix("ip:").unwrap_or(&one.address));
    fact(&mut facts, "Action", &format!("{} {}", one.action, bracketed(&one.outcome)));
    fact(&mut facts, "Target", &words::named(&one.target));
    fact(&mut facts, "Credential", one.credential.strip_prefix("cred:").unwrap_or(&one.credential));
    fact(&mut facts, "User agent", &one.user_agent);
    fact(&mut facts, "Cluster", &one.cluster);
    fact(&mut facts, "Sure", words::sureness(one.confidence));
    fact(
        &mut facts,
        "Found by",
        &format!("{} version {} ({})", one.rule.id, one.rule.version, one.kind.as_str()),
    );
    fact(&mut facts, "Log around it", &words::sentence(&one.log.note));
    fact(&mut facts, "Finding", &one.id);
    facts
}

fn bracketed(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("({text})") }
}
