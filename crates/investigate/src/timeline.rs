//! Every act by or on something, in order, as few lines as tell it.
//!
//! A log has thousands of requests that say the same. Alike requests of one hand are one line with a
//! count; what programs do all day (heartbeats, watches, status) is one line for the whole time. What
//! a finding stands on, what was refused and what changed the cluster keep their lines first when
//! there are too many. Nothing is left out in silence: all is counted.

use crate::subject::{self, Relation, Subject};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use trailhound_model::{
    Str,
    action::{ActionKind, Effect, Outcome},
    entity,
    fact::Fact,
    finding::{Finding, Severity},
    time::{MINUTE, Time},
};

/// Lines that are held while a log is read.
const MOST_LINES: usize = 20_000;
/// Alike requests further apart than this are lines of their own.
const APART: i64 = 10 * MINUTE;
/// Audit ids kept with a line.
const MOST_EVIDENCE: usize = 8;
/// Names of what one line touched.
const MOST_TARGETS: usize = 5;
/// Longest command that is kept, in characters.
const LONGEST_COMMAND: usize = 400;
/// Acts whose consequences are counted.
const MOST_CAUSES: usize = 100_000;
/// Kinds of consequences that a line names.
const MOST_KINDS: usize = 12;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// About what.
    pub about: About,
    /// Nothing before.
    pub from: Option<Time>,
    /// Nothing after.
    pub to: Option<Time>,
    /// Lines of the answer.
    pub limit: usize,
}

/// About what: one thing, several (an application's), or the requests of an incident or finding.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Each of these.
    pub subjects: Vec<Subject>,
    /// And requests with these audit ids.
    pub records: BTreeSet<Str>,
}

impl About {
    fn relation(&self, fact: &Fact) -> Option<Relation> {
        let found = self.subjects.iter().find_map(|one| one.relation(fact));
        found.or_else(|| self.records.contains(&fact.event.audit_id).then_some(Relation::By))
    }
}

/// Alike requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Line {
    /// First of them.
    pub first: Time,
    /// Last of them.
    pub last: Time,
    /// How many.
    pub count: u64,
    /// `by`, `on` or `about` the thing asked for.
    pub relation: String,
    /// Who acted, as an entity: the identity that authorization judged.
    pub who: String,
    /// Who authenticated, if it acted as another.
    pub real: Option<String>,
    /// Credential as an entity, or empty if the log does not say.
    pub credential: String,
    /// Address, or empty.
    pub address: String,
    /// Family of the user agent.
    pub agent: String,
    /// `pod.exec`
    #[serde(serialize_with = "action")]
    pub action: ActionKind,
    /// `create`, `get` …
    pub verb: String,
    /// On what, as an entity; the first of several.
    pub target: String,
    /// Others that alike requests were about, capped.
    pub others: Vec<String>,
    /// Others beyond the cap.
    pub others_left_out: u64,
    /// Subresource, or empty.
    pub subresource: String,
    /// Command that was run, or URL that is no resource; else empty.
    pub detail: String,
    /// What came of it.
    #[serde(serialize_with = "outcome")]
    pub outcome: Outcome,
    /// It changed nothing: a dry run.
    pub dry_run: bool,
    /// It is what programs do all day.
    pub routine: bool,
    /// The worst finding on it.
    pub severity: Option<Severity>,
    /// Ids of the findings on it.
    pub findings: Vec<String>,
    /// The first audit ids.
    pub evidence: Vec<Str>,
    /// What controllers did because of it, by kind of act, most frequent first.
    pub cascade: Vec<(String, u64)>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// About what, as an entity or id.
    pub about: String,
    /// Requests that concern it.
    pub requests: u64,
    /// First and last of them.
    pub first: Option<Time>,
    /// Last of them.
    pub last: Option<Time>,
    /// Lines in order of time.
    pub lines: Vec<Line>,
    /// Lines that were left out, the least important first.
    pub lines_left_out: u64,
    /// Requests in the lines that were left out.
    pub requests_left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn action<S: Serializer>(kind: &ActionKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn outcome<S: Serializer>(outcome: &Outcome, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(outcome.as_str())
}

/// By what requests are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Alike {
    who: String,
    real: Option<String>,
    credential: Str,
    address: Str,
    agent: Str,
    action: ActionKind,
    outcome: Outcome,
    resource: Str,
    subresource: Str,
    namespace: Str,
    detail: String,
    relation: Relation,
    dry_run: bool,
}

/// Picks the requests of a question out of a log.
#[derive(Clone, Debug)]
pub struct Collector {
    question: Question,
    findings: HashMap<Str, Vec<(String, Severity)>>,
    lines: Vec<Line>,
    open: HashMap<Alike, usize>,
    causes: HashMap<Str, usize>,
    cascades: HashMap<usize, BTreeMap<&'static str, u64>>,
    requests: u64,
    first: Option<Time>,
    last: Option<Time>,
    unkept: u64,
    unkept_lines: u64,
}

impl Collector {
    /// Nothing is picked yet. `findings` mark the requests that they stand on.
    pub fn new<'a>(
        question: Question,
        findings: impl IntoIterator<Item = &'a Finding>,
    ) -> Collector {
        let mut marks: HashMap<Str, Vec<(String, Severity)>> = HashMap::new();
        for finding in findings {
            for record in &finding.records {
                let of = marks.entry(record.audit_id.clone()).or_default();
                of.push((finding.id.clone(), finding.severity));
            }
        }
        Collector {
            question,
            findings: marks,
            lines: Vec::new(),
            open: HashMap::new(),
            causes: HashMap::new(),
            cascades: HashMap::new(),
            requests: 0,
            first: None,
            last: None,
            unkept: 0,
            unkept_lines: 0,
        }
    }

    /// Takes the next request, in order of time. `cause` is the audit id of the act that set it off,
    /// where that is known.
    pub fn observe(&mut self, fact: &Fact, cause: Option<&str>) {
        if let Some(line) = cause.and_then(|cause| self.causes.get(cause)) {
            let kinds = self.cascades.entry(*line).or_default();
            *kinds.entry(fact.action.kind.as_str()).or_default() += 1;
        }
        let time = fact.event.time;
        let early = self.question.from.is_some_and(|from| time < from);
        if early || self.question.to.is_some_and(|to| time > to) {
            return;
        }
        let Some(relation) = self.question.about.relation(fact) else { return };
        self.requests += 1;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        self.place(fact, relation);
    }

    fn place(&mut self, fact: &Fact, relation: Relation) {
        let marks = self.findings.get(&fact.event.audit_id);
        let routine = marks.is_none() && is_routine(fact);
        let alike = alike(fact, relation, routine);
        let time = fact.event.time;
        let known = self.open.get(&alike).copied().filter(|place| {
            let near = |line: &Line| routine || time.since(line.last) <= APART;
            self.lines.get(*place).is_some_and(near)
        });
        let place = match known {
            Some(place) => place,
            None if self.lines.len() >= MOST_LINES => {
                self.unkept += 1;
                self.unkept_lines += 1;
                return;
            }
            None => {
                self.lines.push(line_of(fact, relation, routine, &alike));
                self.open.insert(alike, self.lines.len() - 1);
                self.lines.len() - 1
            }
        };
        if let Some(line) = self.lines.get_mut(place) {
            add(line, fact, marks.map_or(&[][..], Vec::as_slice));
        }
        if fact.action.effect == Effect::Changed && self.causes.len() < MOST_CAUSES {
            self.causes.entry(fact.event.audit_id.clone()).or_insert(place);
        }
    }

    /// The answer.
    pub fn finish(mut self, about: String) -> Timeline {
        for (place, kinds) in std::mem::take(&mut self.cascades) {
            let Some(line) = self.lines.get_mut(place) else { continue };
            line.cascade =
                kinds.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect();
            line.cascade.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            line.cascade.truncate(MOST_KINDS);
        }
        let (lines, left) = chosen(self.lines, self.question.limit);
        let requests_left: u64 = left.iter().map(|line| line.count).sum();
        Timeline {
            about,
            requests: self.requests,
            first: self.first,
            last: self.last,
            lines,
            lines_left_out: left.len() as u64 + self.unkept_lines,
            requests_left_out: requests_left + self.unkept,
        }
    }
}

/// The most important lines in order of time, and the rest.
fn chosen(lines: Vec<Line>, limit: usize) -> (Vec<Line>, Vec<Line>) {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(lines.get(*place).map(importance)));
    let kept: BTreeSet<usize> = order.into_iter().take(limit).collect();
    let mut place = 0;
    let (mut shown, left): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|_| {
        place += 1;
        kept.contains(&(place - 1))
    });
    shown.sort_by_key(|line| (line.first, line.last));
    (shown, left)
}

fn importance(line: &Line) -> (Option<Severity>, bool, bool, bool) {
    let refused = line.outcome != Outcome::Allowed;
    let reads = matches!(line.action, ActionKind::ObjectRead | ActionKind::ObjectList);
    (line.severity, !line.routine, refused || !reads, line.relation != "about")
}

/// What programs do all day, if it went well: it tells of nothing but that they run.
fn is_routine(fact: &Fact) -> bool {
    use ActionKind as A;
    let quiet = matches!(
        fact.action.kind,
        A::LeaseRenew
            | A::StatusUpdate
            | A::ObjectWatch
            | A::EventWrite
            | A::Discovery
            | A::HealthCheck
            | A::TokenReview
            | A::ReviewOther
    );
    let fine = matches!(
        fact.action.outcome,
        Outcome::Allowed | Outcome::NotFound | Outcome::Conflict | Outcome::Unknown
    );
    let machine = !fact.principal.actor().kind.is_human();
    let reads =
        machine && matches!(fact.action.kind, A::ObjectRead | A::ObjectList | A::ConfigRead);
    fine && (quiet || reads)
}

fn alike(fact: &Fact, relation: Relation, routine: bool) -> Alike {
    let event = &fact.event;
    let exact = |text: &Str| if routine { Str::default() } else { text.clone() };
    Alike {
        who: fact.principal.effective.entity(),
        real: fact.principal.real.as_ref().map(|real| real.entity()),
        credential: exact(&fact.credential.id),
        address: exact(&event.source_ip().into()),
        agent: exact(&event.agent_family().into()),
        action: fact.action.kind,
        outcome: fact.action.outcome,
        resource: event.resource().into(),
        subresource: event.subresource().into(),
        namespace: event.namespace().into(),
        detail: if routine { String::new() } else { detail(fact) },
        relation,
        dry_run: fact.action.effect == Effect::DryRun,
    }
}

fn line_of(fact: &Fact, relation: Relation, routine: bool, alike: &Alike) -> Line {
    let event = &fact.event;
    let credential = match fact.credential.id.as_str() {
        "" => String::new(),
        id => entity::credential(id),
    };
    Line {
        first: event.time,
        last: event.time,
        relation: relation.as_str().to_owned(),
        who: alike.who.clone(),
        real: alike.real.clone(),
        credential,
        address: event.source_ip().to_owned(),
        agent: event.agent_family().to_owned(),
        action: fact.action.kind,
        verb: event.verb.to_string(),
        target: target(fact),
        subresource: event.subresource().to_owned(),
        detail: alike.detail.clone(),
        outcome: fact.action.outcome,
        dry_run: alike.dry_run,
        routine,
        ..Line::default()
    }
}

fn add(line: &mut Line, fact: &Fact, marks: &[(String, Severity)]) {
    line.count += 1;
    line.first = line.first.min(fact.event.time);
    line.last = line.last.max(fact.event.time);
    if line.evidence.len() < MOST_EVIDENCE {
        line.evidence.push(fact.event.audit_id.clone());
    }
    let target = target(fact);
    if target != line.target && !line.others.contains(&target) {
        if line.others.len() < MOST_TARGETS {
            line.others.push(target);
        } else {
            line.others_left_out += 1;
        }
    }
    for (id, severity) in marks {
        line.severity = line.severity.max(Some(*severity));
        if !line.findings.contains(id) && line.findings.len() < MOST_EVIDENCE {
            line.findings.push(id.clone());
        }
    }
}

/// What a request was about, as an entity; a URL that is no resource as it is.
fn target(fact: &Fact) -> String {
    let event = &fact.event;
    match &event.object {
        Some(object) => {
            entity::object(&object.resource, &object.namespace, subject::object_name(fact))
        }
        None => event.path().chars().take(LONGEST_COMMAND).collect(),
    }
}

fn detail(fact: &Fact) -> String {
    let command = match fact.action.kind {
        ActionKind::PodExec => fact.event.query("command").join(" "),
        _ => String::new(),
    };
    command.chars().take(LONGEST_COMMAND).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        event::{Event, ObjectRef, Stage, Status, User},
        finding::Record,
    };

    fn fact(id: usize, second: i64, user: &str, verb: &str, resource: &str, code: u16) -> Fact {
        Fact::of(Event {
            audit_id: format!("id-{id}").into(),
            stage: Stage::ResponseComplete,
            time: Time(second * 1_000_000),
            verb: verb.into(),
            user: User { name: user.into(), ..User::default() }.into(),
            object: Some(Box::new(ObjectRef {
                resource: resource.into(),
                namespace: "shop".into(),
                name: "db".into(),
                ..ObjectRef::default()
            })),
            status: Some(Status { code: Some(code), ..Status::default() }.into()),
            ..Event::default()
        })
    }

    fn question(about: &str, limit: usize) -> Question {
        let subjects = vec![Subject::parse(about).unwrap()];
        let about = About { subjects, records: BTreeSet::new() };
        Question { about, from: None, to: None, limit }
    }

    fn told(question: Question, findings: &[Finding], facts: &[Fact]) -> Timeline {
        let mut collector = Collector::new(question, findings);
        for one in facts {
            collector.observe(one, None);
        }
        collector.finish("x".to_owned())
    }

    #[test]
    fn alike_requests_are_one_line_and_a_pause_begins_another() {
        let facts = [
            fact(1, 0, "bob", "get", "secrets", 200),
            fact(2, 5, "bob", "get", "secrets", 200),
            fact(3, 6, "bob", "get", "secrets", 403),
            fact(4, 2000, "bob", "get", "secrets", 200),
            fact(5, 2001, "eve", "get", "secrets", 200),
        ];
        let line = told(question("user:bob", 10), &[], &facts);
        let counts: Vec<u64> = line.lines.iter().map(|line| line.count).collect();
        assert_eq!((line.requests, counts), (4, vec![2, 1, 1]));
    }

    #[test]
    fn what_a_finding_stands_on_is_kept_when_there_is_no_room() {
        let facts: Vec<Fact> =
            (0..50).map(|n| fact(n, n as i64 * 3600, "bob", "get", "pods", 200)).collect();
        let record = Record { audit_id: "id-33".into(), ..Record::default() };
        let finding = Finding {
            id: "f".into(),
            severity: Severity::High,
            records: vec![record],
            ..Finding::default()
        };
        let line = told(question("user:bob", 1), &[finding], &facts);
        assert_eq!(line.lines[0].findings, ["f"]);
        assert_eq!((line.lines_left_out, line.requests_left_out, line.requests), (49, 49, 50));
    }

    #[test]
    fn a_flood_of_different_requests_is_counted_and_memory_stays_bounded() {
        let mut collector = Collector::new(question("ns:shop", 5), &[]);
        for n in 0..MOST_LINES + 10 {
            collector.observe(&fact(n, 0, &format!("user-{n}"), "get", "secrets", 200), None);
        }
        let line = collector.finish("x".to_owned());
        assert_eq!((line.lines.len(), line.requests), (5, MOST_LINES as u64 + 10));
        assert_eq!(line.requests_left_out, MOST_LINES as u64 + 5);
    }

    #[test]
    fn heartbeats_are_one_line_for_the_whole_time() {
        let facts: Vec<Fact> = (0..100)
            .map(|n| fact(n, n as i64 * 3600, "system:node:n1", "watch", "pods", 200))
            .collect();
        let line = told(question("node:n1", 10), &[], &facts);
        assert_eq!((line.lines.len(), line.lines[0].count, line.lines[0].routine), (1, 100, true));
    }

    #[test]
    fn what_controllers_did_because_of_an_act_is_counted_below_it() {
        let mut collector = Collector::new(question("user:bob", 10), &[]);
        collector.observe(&fact(1, 0, "bob", "create", "deployments", 201), None);
        for n in 2..5 {
            let made = fact(n, n as i64, "system:kube-scheduler", "create", "replicasets", 201);
            collector.observe(&made, Some("id-1"));
        }
        let line = collector.finish("x".to_owned());
        assert_eq!(line.lines[0].cascade.first().map(|(_, count)| *count), Some(3));
        assert_eq!(line.requests, 1);
    }
}
