//! The JSON contract `trailhound.scan/1` as types of its own, so that the model can change without
//! breaking those who read our output. Fields may be added here, never renamed or removed; every
//! field is described in `docs/output.md`.

mod incident;

pub(crate) use incident::Incident;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{
    completeness as model, finding, scan, site,
    time::{SECOND, Time},
};

/// A time in RFC 3339.
pub(crate) struct When(Time);

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A count is written as a count (`5`, not `5.0`); what is no number at all is `null`.
pub(crate) struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if self.0.fract() == 0.0 && self.0.abs() < EXACT {
            serializer.serialize_i64(self.0 as i64)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: &'static str,
    version: &'a str,
    verdict: String,
    input: Input<'a>,
    completeness: Vec<Completeness<'a>>,
    incidents: Vec<Incident<'a>>,
    findings: Vec<Finding<'a>>,
    rules: Vec<Rule<'a>>,
    site: Vec<SiteEntry<'a>>,
}

impl<'a> Document<'a> {
    pub(crate) fn of(schema: &'static str, scan: &'a scan::Scan) -> Document<'a> {
        Document {
            schema,
            version: &scan.version,
            verdict: crate::words::verdict(scan),
            input: Input::of(&scan.input),
            completeness: scan.completeness.iter().map(Completeness::of).collect(),
            incidents: scan.incidents.iter().map(Incident::of).collect(),
            findings: scan.findings.iter().map(|f| Finding::of(f, &scan.input.sources)).collect(),
            rules: scan.rules.iter().map(Rule::of).collect(),
            site: scan.site.iter().map(SiteEntry::of).collect(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Input<'a> {
    files: usize,
    bytes: u64,
    events: u64,
    formats: BTreeMap<&'static str, u64>,
    rejected: u64,
    duplicates: u64,
    first: Option<When>,
    last: Option<When>,
    duplicate_window: &'a str,
    sources: &'a [String],
    reject_samples: Vec<Rejected<'a>>,
    unread: Vec<Unread<'a>>,
    warnings: &'a [String],
}

impl<'a> Input<'a> {
    pub(crate) fn of(input: &'a scan::Input) -> Input<'a> {
        Input {
            files: input.sources.len(),
            bytes: input.bytes,
            events: input.events,
            formats: input.formats.iter().map(|(format, n)| (format.as_str(), *n)).collect(),
            rejected: input.rejected,
            duplicates: input.duplicates,
            first: input.first.map(When),
            last: input.last.map(When),
            duplicate_window: &input.duplicate_window,
            sources: &input.sources,
            reject_samples: input.reject_samples.iter().map(Rejected::of).collect(),
            unread: input.unread.iter().map(Unread::of).collect(),
            warnings: &input.warnings,
        }
    }
}

#[derive(Serialize)]
struct Rejected<'a> {
    source: &'a str,
    offset: u64,
    length: u64,
    reason: &'a str,
}

impl<'a> Rejected<'a> {
    fn of(sample: &'a scan::Rejected) -> Rejected<'a> {
        Rejected {
            source: &sample.source,
            offset: sample.offset,
            length: sample.length,
            reason: &sample.reason,
        }
    }
}

#[derive(Serialize)]
struct Unread<'a> {
    source: &'a str,
    reason: &'a str,
}

impl<'a> Unread<'a> {
    fn of(unread: &'a scan::Unread) -> Unread<'a> {
        Unread { source: &unread.source, reason: &unread.reason }
    }
}

#[derive(Serialize)]
pub(crate) struct Completeness<'a> {
    cluster: &'a str,
    score: Option<f64>,
    basis: &'a str,
    beats_seen: u64,
    beats_expected: u64,
    gaps: Vec<Gap<'a>>,
    servers: Vec<Server<'a>>,
    levels: &'a BTreeMap<String, u64>,
    policy: Policy<'a>,
    blind: &'a [String],
    blind_reasons: &'a BTreeMap<String, String>,
    unmet: &'a [String],
    undecided: &'a BTreeMap<String, u64>,
    first: Option<When>,
    last: Option<When>,
    duplicates: u64,
    late: u64,
    latest_seconds: Number,
    clock_backwards: u64,
    truncated: u64,
}

impl<'a> Completeness<'a> {
    pub(crate) fn of(one: &'a model::Completeness) -> Completeness<'a> {
        Completeness {
            cluster: &one.cluster,
            score: one.score,
            basis: &one.basis,
            beats_seen: one.beats_seen,
            beats_expected: one.beats_expected,
            gaps: one.gaps.iter().map(Gap::of).collect(),
            servers: one.servers.iter().map(Server::of).collect(),
            levels: &one.levels,
            policy: Policy::of(&one.policy),
            blind: &one.blind,
            blind_reasons: &one.blind_reasons,
            unmet: &one.unmet,
            undecided: &one.undecided,
            first: one.first.map(When),
            last: one.last.map(When),
            duplicates: one.duplicates,
            late: one.late,
            latest_seconds: Number(one.latest as f64 / SECOND as f64),
            clock_backwards: one.clock_backwards,
            truncated: one.truncated,
        }
    }
}

#[derive(Serialize)]
struct Gap<'a> {
    from: When,
    to: When,
    metronome: &'a str,
    server: &'a str,
    missing_beats: u64,
    records_inside: u64,
    open: bool,
}

impl<'a> Gap<'a> {
    fn of(gap: &'a model::Gap) -> Gap<'a> {
        Gap {
            from: When(gap.from),
            to: When(gap.to),
            metronome: &gap.metronome,
            server: &gap.server,
            missing_beats: gap.missing_beats,
            records_inside: gap.records_inside,
            open: gap.open,
        }
    }
}

#[derive(Serialize)]
struct Server<'a> {
    name: &'a str,
    first: When,
    last: When,
    beats_seen: u64,
    beats_expected: u64,
}

impl<'a> Server<'a> {
    fn of(server: &'a model::Server) -> Server<'a> {
        Server {
            name: &server.name,
            first: When(server.first),
            last: When(server.last),
            beats_seen: server.beats_seen,
            beats_expected: server.beats_expected,
        }
    }
}

#[derive(Serialize)]
struct Policy<'a> {
    reads: u64,
    writes: u64,
    long_running: u64,
    notes: &'a [String],
    seen: Vec<PolicyLine<'a>>,
    unlisted: u64,
}

impl<'a> Policy<'a> {
    fn of(policy: &'a model::Policy) -> Policy<'a> {
        Policy {
            reads: policy.reads,
            writes: policy.writes,
            long_running: policy.long_running,
            notes: &policy.notes,
            seen: policy.lines.iter().map(PolicyLine::of).collect(),
            unlisted: policy.unlisted,
        }
    }
}

#[derive(Serialize)]
struct PolicyLine<'a> {
    group: &'a str,
    resource: &'a str,
    kind: &'a str,
    levels: &'a BTreeMap<String, u64>,
}

impl<'a> PolicyLine<'a> {
    fn of(line: &'a model::PolicyLine) -> PolicyLine<'a> {
        let (group, resource, kind) = (&line.group, &line.resource, &line.kind);
        PolicyLine { group, resource, kind, levels: &line.levels }
    }
}

#[derive(Serialize)]
pub(crate) struct Finding<'a> {
    id: &'a str,
    rule: RuleRef<'a>,
    kind: &'static str,
    severity: &'static str,
    severity_reason: &'a str,
    confidence: f64,
    time: When,
    last: When,
    cluster: &'a str,
    principal: &'a str,
    real_principal: Option<&'a str>,
    credential: &'a str,
    address: &'a str,
    user_agent: &'a str,
    action: &'a str,
    outcome: &'a str,
    target: &'a str,
    explanation: &'a str,
    why: &'a str,
    benign_readings: &'a [String],
    next_steps: &'a [String],
    numbers: BTreeMap<&'a str, Number>,
    techniques: &'a [String],
    family: &'a str,
    evidence: Vec<&'a str>,
    record_count: u64,
    log: LogState<'a>,
    site: Vec<SiteNote<'a>>,
    records: Vec<Record<'a>>,
}

impl<'a> Finding<'a> {
    pub(crate) fn of(one: &'a finding::Finding, sources: &'a [String]) -> Finding<'a> {
        Finding {
            id: &one.id,
            rule: RuleRef { id: &one.rule.id, version: one.rule.version, title: &one.rule.title },
            kind: one.kind.as_str(),
            severity: one.severity.as_str(),
            severity_reason: &one.severity_reason,
            confidence: one.confidence,
            time: When(one.time),
            last: When(one.last),
            cluster: &one.cluster,
            principal: &one.principal,
            real_principal: one.real_principal.as_deref(),
            credential: &one.credential,
            address: &one.address,
            user_agent: &one.user_agent,
            action: &one.action,
            outcome: &one.outcome,
            target: &one.target,
            explanation: &one.explanation,
            why: &one.why,
            benign_readings: &one.benign_readings,
            next_steps: &one.next_steps,
            numbers: one.numbers.iter().map(|(name, n)| (name.as_str(), Number(*n))).collect(),
            techniques: &one.techniques,
            family: &one.family,
            evidence: audit_ids(&one.records),
            record_count: one.record_count,
            log: LogState::of(&one.log),
            site: one.site.iter().map(SiteNote::of).collect(),
            records: one.records.iter().map(|record| Record::of(record, sources)).collect(),
        }
    }
}

#[derive(Serialize)]
struct LogState<'a> {
    score: Option<f64>,
    gaps: u64,
    truncated: u64,
    note: &'a str,
}

impl<'a> LogState<'a> {
    fn of(log: &'a finding::LogState) -> LogState<'a> {
        LogState { score: log.score, gaps: log.gaps, truncated: log.truncated, note: &log.note }
    }
}

/// The auditIDs of records, each once, in the order of the records.
fn audit_ids(records: &[finding::Record]) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    records.iter().map(|record| record.audit_id.as_str()).filter(|id| seen.insert(*id)).collect()
}

#[derive(Serialize)]
struct RuleRef<'a> {
    id: &'a str,
    version: u32,
    title: &'a str,
}

#[derive(Serialize)]
struct Record<'a> {
    #[serde(rename = "auditID")]
    audit_id: &'a str,
    stage: &'static str,
    time: When,
    source: &'a str,
    offset: u64,
    sha256: &'a str,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_text: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn of(record: &'a finding::Record, sources: &'a [String]) -> Record<'a> {
        let (event, event_text) = split_masked(&record.masked);
        Record {
            audit_id: &record.audit_id,
            stage: record.stage.as_str(),
            time: When(record.time),
            source: source_name(sources, record.position.source),
            offset: record.position.offset,
            sha256: &record.sha256,
            summary: &record.summary,
            event,
            event_text,
        }
    }
}

/// The name of the source that a position points into.
pub(crate) fn source_name(sources: &[String], index: u32) -> &str {
    sources.get(index as usize).map_or("", String::as_str)
}

/// The masked record as JSON if it is JSON, else as the text that a cap left of it.
fn split_masked(masked: &str) -> (Option<&RawValue>, Option<&str>) {
    if masked.is_empty() {
        return (None, None);
    }
    match serde_json::from_str::<&RawValue>(masked) {
        Ok(value) if value.get().starts_with('{') => (Some(value), None),
        _ => (None, Some(masked)),
    }
}

#[derive(Serialize)]
pub(crate) struct Rule<'a> {
    id: &'a str,
    title: &'a str,
    family: &'a str,
    looked_at: u64,
    findings: u64,
}

impl<'a> Rule<'a> {
    pub(crate) fn of(rule: &'a scan::CheckedRule) -> Rule<'a> {
        Rule {
            id: &rule.id,
            title: &rule.title,
            family: &rule.family,
            looked_at: rule.looked_at,
            findings: rule.findings,
        }
    }
}

#[derive(Serialize)]
struct SiteNote<'a> {
    entry: &'a str,
    owner: &'a str,
    reason: &'a str,
    expires: &'a str,
    effect: &'static str,
}

impl<'a> SiteNote<'a> {
    fn of(note: &'a site::SiteNote) -> SiteNote<'a> {
        SiteNote {
            entry: &note.entry,
            owner: &note.owner,
            reason: &note.reason,
            expires: &note.expires,
            effect: note.effect.as_str(),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct SiteEntry<'a> {
    entry: &'a str,
    kind: &'a str,
    owner: &'a str,
    reason: &'a str,
    expires: &'a str,
    findings: u64,
    records: u64,
    not_lowered: u64,
    expired: u64,
}

impl<'a> SiteEntry<'a> {
    pub(crate) fn of(one: &'a site::SiteEntry) -> SiteEntry<'a> {
        SiteEntry {
            entry: &one.entry,
            kind: &one.kind,
            owner: &one.owner,
            reason: &one.reason,
            expires: &one.expires,
            findings: one.findings,
            records: one.records,
            not_lowered: one.not_lowered,
            expired: one.expired,
        }
    }
}
