//! The order of work for each fact, per cluster, and what comes out at the end.

use crate::{
    completeness::Coverage,
    correlate::Correlator,
    dedupe::{Dedupe, Key},
    feed::{self, Fired},
    fold::{Findings, Folded},
    history::{Known, Past},
    integrity::{self, Integrity},
    joints::{self, Joints},
    judge::{Judge, record},
    order::Order,
    stages::{Part, Stages},
    state::{self, StateError},
    windows::{Step, Windows},
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::{collections::BTreeMap, sync::Arc};
use trailhound_model::{
    Str,
    alert::Alert,
    completeness::Completeness,
    fact::{Candidate, Fact},
    finding::{Finding, FindingKind, Record, Severity},
    incident::Incident,
    lookup::Truth,
    time::{MINUTE, Time},
};
use trailhound_rules::{Correlation, Language, Rule, RuleSet, Verdict};
use trailhound_twin::Twin;

/// What a caller may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How long a fact waits for earlier ones, in microseconds.
    pub lateness: i64,
    /// Whether the cluster is rebuilt beside the rules. Off only to measure what it costs.
    pub twin: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { lateness: crate::order::DEFAULT_LATENESS, twin: true }
    }
}

/// Everything that is known about one cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Cluster {
    dedupe: Dedupe,
    order: Order,
    stages: Stages,
    past: Past,
    windows: Windows,
    joints: Joints,
    findings: Findings,
    correlator: Correlator,
    coverage: Coverage,
    integrity: Integrity,
    twin: Twin,
    with_twin: bool,
    /// Per rule, events on which the later part of the condition stayed unknown.
    undecided: BTreeMap<u32, u64>,
    /// The fact that last made a counting finding grow: its sentence is told with the last counts.
    growing: BTreeMap<String, Growing>,
    /// Places of the findings in incidents that the fact at hand made or made longer.
    found: Vec<usize>,
}

/// A counting finding that may still grow.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Growing {
    rule: u32,
    fact: Box<Fact>,
    values: Vec<String>,
}

/// Counting findings whose sentence is kept current.
const MOST_GROWING: usize = 2_000;
/// A longer record is not kept for that.
const MOST_GROWING_BYTES: usize = 32 << 10;

/// Clusters that are told apart. Whoever may write to a queue of many clusters chooses their names,
/// and each takes memory of its own.
const MOST_CLUSTERS: usize = 64;
/// Where the records of all further clusters are judged, together.
const OTHER_CLUSTERS: &str = "(further clusters)";

/// The answer for all clusters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Findings in order of time.
    pub findings: Vec<Finding>,
    /// Incidents, worst first.
    pub incidents: Vec<Incident>,
    /// State of each cluster's log.
    pub completeness: Vec<Completeness>,
    /// Events that were judged (duplicates left out).
    pub events: u64,
    /// Duplicates.
    pub duplicates: u64,
    /// The window within which duplicates are told for certain, in words.
    pub duplicate_window: String,
    /// Findings per rule that were not kept because there were too many.
    pub overflow: BTreeMap<String, u64>,
    /// Bounds that were reached, in words.
    pub bounds: Vec<String>,
    /// First and last event.
    pub first: Option<Time>,
    /// Last event.
    pub last: Option<Time>,
}

/// Rules and state. See the crate's documentation for the order of work.
#[derive(Clone, Debug)]
pub struct Engine {
    rules: Arc<RuleSet>,
    settings: Settings,
    clusters: BTreeMap<Str, Cluster>,
    /// Alerts that nobody has taken yet, in the order in which their events were judged.
    alerts: Vec<Alert>,
}

impl Engine {
    /// An engine that has seen nothing.
    pub fn new(rules: Arc<RuleSet>, settings: Settings) -> Engine {
        Engine { rules, settings, clusters: BTreeMap::new(), alerts: Vec::new() }
    }

    /// Takes the next fact. `key` identifies its record, see [`crate::dedupe::key`].
    pub fn push(&mut self, fact: impl Into<Box<Fact>>, key: Key) {
        let mut fact = fact.into();
        let settings = self.settings;
        if !self.clusters.contains_key(&fact.event.cluster) {
            if self.clusters.len() >= MOST_CLUSTERS {
                fact.event.cluster = Str::const_new(OTHER_CLUSTERS);
            }
            let name = fact.event.cluster.clone();
            self.clusters.entry(name).or_insert_with(|| Cluster::new(settings));
        }
        let Some(cluster) = self.clusters.get_mut(&fact.event.cluster) else { return };
        if !cluster.dedupe.is_new(key, fact.event.time) {
            return;
        }
        cluster.order.push(fact);
        while let Some(mut fact) = cluster.order.take_due() {
            self.alerts.append(&mut fact.alerts);
            cluster.apply(&self.rules, &fact);
        }
    }

    /// Judges what still waits: the input has ended, or the caller wants an answer now.
    pub fn flush(&mut self) {
        for cluster in self.clusters.values_mut() {
            while let Some(mut fact) = cluster.order.pop() {
                self.alerts.append(&mut fact.alerts);
                cluster.apply(&self.rules, &fact);
            }
        }
    }

    /// The alerts since this was last asked, in order of time within a cluster. Whoever asked the
    /// rules for alerts takes them often: they are kept until then.
    pub fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    /// The answer so far.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::default();
        for (name, cluster) in &self.clusters {
            cluster.report(name, &self.rules, &mut outcome);
        }
        if self.clusters.contains_key(OTHER_CLUSTERS) {
            outcome.bounds.push(format!(
                "records of clusters beyond the first {MOST_CLUSTERS} were judged together, as the cluster \"{OTHER_CLUSTERS}\": scan them apart"
            ));
        }
        outcome.findings.sort_by(|a, b| a.time.cmp(&b.time).then_with(|| a.id.cmp(&b.id)));
        outcome.incidents.sort_by(|a, b| {
            b.severity
                .cmp(&a.severity)
                .then(a.first_seen.cmp(&b.first_seen))
                .then_with(|| a.id.cmp(&b.id))
        });
        outcome
    }

    /// The clusters as rebuilt from the log, by name.
    pub fn twins(&self) -> impl Iterator<Item = (&Str, &Twin)> {
        self.clusters.iter().map(|(name, cluster)| (name, &cluster.twin))
    }

    /// The same, for whoever asks when all is judged.
    pub fn into_twins(self) -> BTreeMap<Str, Twin> {
        self.clusters.into_iter().map(|(name, cluster)| (name, cluster.into_twin())).collect()
    }

    /// Everything that is known, as versioned bytes.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        state::save(&(&self.settings, &self.clusters, &self.alerts))
    }

    /// An engine that goes on where [`Engine::save`] left off, with the same rules.
    pub fn restore(rules: Arc<RuleSet>, bytes: &[u8]) -> Result<Engine, StateError> {
        let (settings, clusters, alerts) = state::restore(bytes)?;
        Ok(Engine { rules, settings, clusters, alerts })
    }
}

impl Cluster {
    fn new(settings: Settings) -> Cluster {
        Cluster {
            dedupe: Dedupe::default(),
            order: Order::new(settings.lateness),
            stages: Stages::default(),
            past: Past::default(),
            windows: Windows::default(),
            joints: Joints::default(),
            findings: Findings::default(),
            correlator: Correlator::default(),
            coverage: Coverage::default(),
            integrity: Integrity::default(),
            twin: Twin::default(),
            with_twin: settings.twin,
            undecided: BTreeMap::new(),
            growing: BTreeMap::new(),
            found: Vec::new(),
        }
    }

    /// The cluster, which now learns what the log lacks.
    fn into_twin(mut self) -> Twin {
        let gaps: Vec<(Time, Time)> =
            self.coverage.gaps().iter().map(|gap| (gap.from.time, gap.to.time)).collect();
        self.twin.missing(&gaps);
        self.twin
    }

    fn apply(&mut self, rules: &RuleSet, fact: &Fact) {
        self.found.clear();
        self.coverage.observe(fact);
        if let Some(finding) = self.integrity.weigh(fact) {
            let folded = self.findings.add(finding, |_| {});
            self.settle(folded, fact);
        }
        let part = self.stages.part(fact);
        let judged = part == Part::Judge;
        if part == Part::Continuation && self.with_twin {
            self.twin.closed(fact);
        }
        let mut gravest = Severity::Info;
        let mut held: SmallVec<[u32; 4]> = SmallVec::new();
        for candidate in &fact.candidates {
            // What rules of other languages think must not change what ours find.
            match rules.rule(candidate.rule).map(Rule::language) {
                Some(Language::Native) if judged => {
                    gravest = gravest.max(self.confirm(rules, *candidate, fact, &mut held));
                }
                Some(Language::Sigma) if judged => {
                    self.confirm(rules, *candidate, fact, &mut held);
                }
                Some(Language::Falco) => {
                    self.confirm(rules, *candidate, fact, &mut held);
                }
                _ => {}
            }
        }
        if judged && !fact.noted.is_empty() {
            self.join(rules, fact, &held);
        }
        if !judged {
            return;
        }
        if self.with_twin {
            self.correlator.follow(fact, &self.found, self.findings.list(), &self.past);
        }
        self.past.learn(fact, gravest >= Severity::Medium);
        if self.with_twin {
            self.twin.observe(fact);
        }
    }

    /// Judges a candidate; how grave it is if it holds. Rules that hold go to `held`.
    fn confirm(
        &mut self,
        rules: &RuleSet,
        candidate: Candidate,
        fact: &Fact,
        held: &mut SmallVec<[u32; 4]>,
    ) -> Severity {
        let Some(rule) = rules.rule(candidate.rule) else { return Severity::Info };
        let known = Known::of(&self.past, &self.twin, self.with_twin, &self.coverage);
        let verdict = rules.confirm(&candidate, fact, &known);
        match (verdict.truth, rule.correlation()) {
            (Truth::False, _) => Severity::Info,
            (Truth::Unknown, _) => {
                *self.undecided.entry(candidate.rule).or_default() += 1;
                Severity::Info
            }
            (Truth::True, None) if rule.is_part() => {
                held.push(candidate.rule);
                Severity::Info
            }
            (Truth::True, None) => {
                held.push(candidate.rule);
                self.found(rules, rule, fact, &verdict);
                verdict.severity
            }
            // One event of many that are counted is not suspicious by itself.
            (Truth::True, Some(correlation)) => {
                if self.counted(rules, candidate.rule, rule, correlation, fact, &verdict) {
                    held.push(candidate.rule);
                }
                Severity::Info
            }
        }
    }

    fn found(&mut self, rules: &RuleSet, rule: &Rule, fact: &Fact, verdict: &Verdict) {
        let known = Known::of(&self.past, &self.twin, self.with_twin, &self.coverage);
        let judge = Judge { rules, rule, fact, history: &known };
        let finding = judge.finding(verdict);
        let folded = self.findings.add(finding, |new| judge.tell(new, &BTreeMap::new()));
        self.settle_for(rule, verdict.severity, folded, fact);
    }

    /// Shows the record of a finding that is new or has grown, and joins it to what it belongs to.
    fn settle(&mut self, folded: Folded, fact: &Fact) {
        if let (Folded::New(place) | Folded::Into(place), Some(exhibit)) = (folded, &fact.exhibit) {
            self.findings.show(place, exhibit);
        }
        match folded {
            // A doubtful record is worth a look, not an incident; a mild sequence only joins acts that
            // have stories of their own.
            Folded::New(place) | Folded::Into(place) if self.is_mere_doubt(place) => {}
            // What the site expected is no incident.
            Folded::New(place) | Folded::Into(place) if self.is_silenced(place) => {}
            Folded::New(place) => {
                self.correlator.add(place, self.findings.list());
                self.found.push(place);
            }
            Folded::Into(place) => self.touched(place),
            Folded::Dropped => {}
        }
    }

    fn touched(&mut self, place: usize) {
        self.correlator.touch(place, self.findings.list());
        self.found.push(place);
    }

    fn is_mere_doubt(&self, place: usize) -> bool {
        let mere = |one: &Finding| {
            matches!(one.kind, FindingKind::Integrity | FindingKind::Sequence)
                && one.severity <= Severity::Low
        };
        self.findings.get(place).is_some_and(mere)
    }

    /// The same for a finding of a rule: one that tells of mere activity makes no incident.
    fn settle_for(&mut self, rule: &Rule, severity: Severity, folded: Folded, fact: &Fact) {
        match (folded, &fact.exhibit) {
            (Folded::New(place), Some(exhibit))
                if rule.severity() == Severity::Info && severity == Severity::Info =>
            {
                self.findings.show(place, exhibit);
            }
            _ => self.settle(folded, fact),
        }
    }

    fn is_silenced(&self, place: usize) -> bool {
        self.findings.get(place).is_some_and(Finding::is_silenced)
    }

    fn counted(
        &mut self,
        rules: &RuleSet,
        index: u32,
        rule: &Rule,
        correlation: &Correlation,
        fact: &Fact,
        verdict: &Verdict,
    ) -> bool {
        // Without a time of its own a record cannot be counted within a time.
        if fact.event.time_inferred {
            return false;
        }
        let mut group: Vec<String> =
            rules.group_key(index, fact).iter().map(|key| short(key)).collect();
        // What the site expects is counted apart: it must neither fill up nor hide a count of what
        // it does not expect.
        group.extend(verdict.silencer().map(|note| note.entry.clone()));
        let value = counted_value(rules, correlation, fact);
        match self.windows.count(index, group.clone(), value.clone(), correlation, fact) {
            Step::Quiet => return false,
            Step::Grows { finding } => {
                self.grow(&finding, value, fact);
                return false;
            }
            Step::Fires { records, count, values } => {
                let known = Known::of(&self.past, &self.twin, self.with_twin, &self.coverage);
                let judge = Judge { rules, rule, fact, history: &known };
                let extra = counts(count, &values, span(&records, fact));
                let mut finding = judge.finding(verdict);
                finding.id = Finding::id_of(rule.id(), &finding.cluster, &records);
                finding.time = records.first().map_or(finding.time, |record| record.time);
                finding.records = records;
                finding.record_count = count;
                finding.numbers.insert("count".into(), count as f64);
                finding.numbers.insert("distinct".into(), values.len() as f64);
                let folded = self.findings.add(finding, |new| judge.tell(new, &extra));
                self.settle_for(rule, verdict.severity, folded, fact);
                let (Folded::New(place) | Folded::Into(place)) = folded else { return true };
                let Some(id) = self.findings.get(place).map(|open| open.id.clone()) else {
                    return true;
                };
                self.windows.opened(index, group, &id);
                self.watch(id, Growing { rule: index, fact: Box::new(fact.clone()), values });
            }
        }
        true
    }

    /// Hands the rules that held to those that are made of them.
    fn join(&mut self, rules: &RuleSet, fact: &Fact, held: &[u32]) {
        // Without a time of its own a record has no place in an order.
        if fact.event.time_inferred {
            return;
        }
        for Fired { rule: index, group, step } in self.joints.feed(rules, fact, held) {
            let Some(rule) = rules.rule(index).filter(|rule| !rule.is_part()) else { continue };
            match step {
                joints::Step::Quiet => {}
                joints::Step::Grows { finding } => {
                    if let Some(place) = self.findings.grow(&finding, record(fact)) {
                        self.touched(place);
                    }
                }
                joints::Step::Fires { matches, count, measure } => {
                    let known = Known::of(&self.past, &self.twin, self.with_twin, &self.coverage);
                    let judge = Judge { rules, rule, fact, history: &known };
                    let (finding, explanation) = feed::finding(&judge, &matches, count, measure);
                    let folded = self.findings.add(finding, |new| {
                        judge.tell(new, &BTreeMap::new());
                        // A native rule has a sentence of its own.
                        if rule.language() == Language::Native {
                            new.explanation = format!("{} {explanation}", new.explanation);
                        } else {
                            new.explanation = explanation;
                        }
                    });
                    self.settle(folded, fact);
                    let (Folded::New(place) | Folded::Into(place)) = folded else { continue };
                    if let Some(open) = self.findings.get(place) {
                        self.joints.opened(index, group, &open.id);
                    }
                }
            }
        }
    }

    fn watch(&mut self, id: String, growing: Growing) {
        if self.growing.len() < MOST_GROWING && growing.fact.weight() <= MOST_GROWING_BYTES {
            self.growing.insert(id, growing);
        }
    }

    fn grow(&mut self, id: &str, value: String, fact: &Fact) {
        let Some(place) = self.findings.grow(id, record(fact)) else { return };
        if !self.is_silenced(place) {
            self.touched(place);
        }
        if let Some(growing) = self.growing.get_mut(id)
            && growing.values.len() < 8
            && !growing.values.contains(&value)
        {
            growing.values.push(value);
        }
    }

    fn report(&self, name: &Str, rules: &RuleSet, outcome: &mut Outcome) {
        let mut findings = self.told(rules);
        let mut incidents = self.correlator.incidents(&findings);
        let gaps = self.coverage.gaps();
        integrity::tell_gaps(name, &gaps, &mut incidents, &mut findings);
        for finding in &mut findings {
            finding.log = self.coverage.around(finding.time, finding.last, &gaps);
        }
        for incident in incidents.iter_mut().filter(|one| one.severity >= Severity::Medium) {
            let log = self.coverage.around(incident.first_seen, incident.last_seen, &gaps);
            incident.unknowns.extend(log.doubt());
        }
        outcome.incidents.extend(incidents);
        outcome.findings.extend(findings);
        outcome.completeness.push(self.completeness(name, rules));
        outcome.events += self.coverage.events;
        outcome.duplicates += self.dedupe.duplicates;
        outcome.duplicate_window = self.dedupe.window();
        for (rule, count) in &self.findings.overflow {
            *outcome.overflow.entry(rule.clone()).or_default() += count;
        }
        outcome.first = earliest(outcome.first, self.coverage.first());
        outcome.last = outcome.last.max(self.coverage.last());
        let reached = self.bounds().into_iter().filter(|(count, _)| *count > 0);
        let tell = |(count, what): (u64, &str)| match name.as_str() {
            "" => format!("{count} {what}"),
            name => format!("{count} {what} (cluster {name})"),
        };
        outcome.bounds.extend(reached.map(tell));
    }

    /// How many of what was not kept or cannot be relied upon, in words that follow the number.
    fn bounds(&self) -> Vec<(u64, &'static str)> {
        let mut bounds = vec![
            (self.past.forgotten, "actors whose history was forgotten because there were too many"),
            (
                self.windows.forgotten + self.joints.forgotten,
                "counting windows that were forgotten because there were too many",
            ),
            (
                self.joints.cut,
                "matches that left the window of a correlation early because there were too many",
            ),
            (
                self.coverage.unfollowed(),
                "regular requests that were not followed because there were too many",
            ),
            (
                self.findings.unnamed,
                "records of findings that were counted but not named because there were too many",
            ),
            (
                self.findings.unshown,
                "records of findings that are named but not shown because there were too many",
            ),
            (
                self.coverage.inferred,
                "records have no readable time; they stand where their neighbours stand, and are not counted within spans of time",
            ),
            (
                if self.is_out_of_order() { self.order.late } else { 0 },
                "records are not in order of time (newest first?); what is judged by what came before is unreliable: sort the log by time",
            ),
            (
                self.stages.forgotten,
                "open requests that were forgotten because there were too many",
            ),
        ];
        bounds.extend(self.correlator.bounds());
        bounds.extend(self.twin.bounds());
        bounds
    }

    /// The findings, with the sentences of those that grew told with their last counts.
    fn told(&self, rules: &RuleSet) -> Vec<Finding> {
        let mut findings = self.findings.list().to_vec();
        for finding in &mut findings {
            let Some(growing) = self.growing.get(&finding.id) else { continue };
            let Some(rule) = rules.rule(growing.rule) else { continue };
            let known = Known::of(&self.past, &self.twin, self.with_twin, &self.coverage);
            let judge = Judge { rules, rule, fact: &growing.fact, history: &known };
            let extra =
                counts(finding.record_count, &growing.values, finding.last.since(finding.time));
            finding.explanation = judge.explanation(&extra, &finding.site);
            finding.numbers.insert("count".into(), finding.record_count as f64);
        }
        findings
    }

    /// Whether so many records came late that judgements on the past cannot be relied upon.
    fn is_out_of_order(&self) -> bool {
        self.order.late >= 100 && self.order.late > self.coverage.events / 3
    }

    fn completeness(&self, name: &Str, rules: &RuleSet) -> Completeness {
        let mut completeness = Completeness {
            duplicates: self.dedupe.duplicates,
            late: self.order.late,
            latest: self.order.latest,
            ..self.coverage.completeness(name)
        };
        if self.is_out_of_order() {
            completeness.score = None;
            completeness.basis = format!(
                "unknown: {} of {} records came out of their order of time, so that a gap would not show",
                self.order.late, self.coverage.events
            );
        }
        for (index, count) in &self.undecided {
            if let Some(rule) = rules.rule(*index) {
                completeness.undecided.insert(rule.id().to_owned(), *count);
            }
        }
        completeness
    }
}

fn earliest(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The part of a client's text that a window keeps: caps that count items must bound bytes too.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// The value whose distinct number is counted.
fn counted_value(rules: &RuleSet, correlation: &Correlation, fact: &Fact) -> String {
    let text = correlation.field.as_ref().and_then(|field| rules.field_text(field, fact));
    short(&text.unwrap_or_default())
}

/// Time from the first record to the fact that made the rule fire.
fn span(records: &[Record], fact: &Fact) -> i64 {
    records.first().map_or(0, |first| fact.event.time.since(first.time))
}

fn counts(count: u64, values: &[String], span: i64) -> BTreeMap<String, String> {
    let minutes = (span + MINUTE - 1) / MINUTE;
    let mut shown = values.join(", ");
    if values.len() == 8 {
        shown.push_str(", …");
    }
    BTreeMap::from([
        ("count".to_owned(), count.to_string()),
        ("values".to_owned(), shown),
        ("minutes".to_owned(), minutes.max(1).to_string()),
    ])
}
