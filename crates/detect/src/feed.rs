//! Takes matches of rules to the rules that are made of them, and says what was found in words.
//!
//! Rules made of rules are served from the bottom up, so that one record can complete a count and,
//! with it, a sequence that the count is a step of.

use crate::{
    joints::{Joints, Match, Step},
    judge::{Judge, record, touches},
};
use std::{collections::BTreeMap, fmt::Write as _};
use trailhound_model::{
    fact::Fact,
    finding::{Finding, Severity, Touch},
    lookup::Truth,
    time::{MINUTE, SECOND},
};
use trailhound_rules::{Feed, JointKind, Rule, RuleSet, Verdict, template::one_line, words};

/// Records that a match of a rule made of rules brings along.
const MOST_RECORDS: usize = 10;
/// Records that a finding names.
const MOST_NAMED: usize = 50;
/// Entities that a finding names as touched.
const MOST_TOUCHES: usize = 64;
/// Steps that a sentence tells.
const MOST_TOLD: usize = 8;

/// What a record did to the window of a rule.
#[derive(Debug)]
pub(crate) struct Fired {
    pub(crate) rule: u32,
    pub(crate) group: Vec<String>,
    pub(crate) step: Step,
}

/// Matches that wait for a rule: by group, the parts that matched, with the values that are counted.
type Waiting = BTreeMap<(u32, u32), BTreeMap<Vec<String>, Waits>>;

#[derive(Default)]
struct Waits {
    hits: Vec<(usize, String)>,
    found: Match,
    /// The rules that matched the record itself.
    bases: Vec<u32>,
}

impl Joints {
    /// Counts what held of a record in all rules that are made of it.
    pub(crate) fn feed(&mut self, rules: &RuleSet, fact: &Fact, held: &[u32]) -> Vec<Fired> {
        let (mut waiting, mut fired) = (Waiting::new(), Vec::new());
        for base in held {
            let Some(rule) = rules.rule(*base) else { continue };
            queue(&mut waiting, rules, fact, *base, *base, &|| matched(rule, fact));
        }
        while let Some(((_, number), groups)) = waiting.pop_first() {
            let Some((rule, joint)) =
                rules.rule(number).and_then(|rule| Some((rule, rule.joint()?)))
            else {
                continue;
            };
            for (group, waits) in groups {
                let step = self.count(number, group.clone(), joint, &waits.hits, &waits.found);
                if goes_on(joint.kind, &step) {
                    for base in &waits.bases {
                        let found = || made(rule, fact, &step);
                        queue(&mut waiting, rules, fact, *base, number, &found);
                    }
                }
                fired.push(Fired { rule: number, group, step });
            }
        }
        fired
    }
}

/// A sequence that stays true happens again with each record; a count is one thing that happens once.
fn goes_on(kind: JointKind, step: &Step) -> bool {
    match step {
        Step::Quiet => false,
        Step::Fires { .. } => true,
        Step::Grows { .. } => kind.is_temporal(),
    }
}

/// Puts a match before the rules that are made of it.
fn queue(
    waiting: &mut Waiting,
    rules: &RuleSet,
    fact: &Fact,
    base: u32,
    from: u32,
    found: &dyn Fn() -> Match,
) {
    let Some(kept) = fact.noted.iter().find(|noted| noted.rule == base) else { return };
    for feed in rules.feeds(base).iter().filter(|feed| feed.from == from) {
        let Feed { joint, rank, part, .. } = feed;
        let Some(group) = feed.group(&kept.values) else { continue };
        let groups = waiting.entry((*rank, *joint)).or_default();
        let waits =
            groups.entry(group).or_insert_with(|| Waits { found: found(), ..Waits::default() });
        waits.hits.push((*part, feed.value(&kept.values)));
        if !waits.bases.contains(&base) {
            waits.bases.push(base);
        }
    }
}

/// A record as a match.
fn matched(rule: &Rule, fact: &Fact) -> Match {
    Match {
        time: fact.event.time,
        who: one_line(&words::principal(&fact.principal)),
        what: one_line(&words::act(fact)),
        records: vec![record(fact)],
        touches: touches(rule, fact),
    }
}

/// What a rule made of rules found, as a match of the next one.
fn made(rule: &Rule, fact: &Fact, step: &Step) -> Match {
    let mut found = matched(rule, fact);
    if let Step::Fires { matches, count, .. } = step {
        found.what = format!("did what \"{}\" looks for ({count} records)", rule.title());
        found.records = records(matches, MOST_RECORDS);
        found.time = fact.event.time;
    }
    found
}

fn records(matches: &[Match], most: usize) -> Vec<trailhound_model::finding::Record> {
    let mut records: Vec<_> = Vec::new();
    for record in matches.iter().flat_map(|one| &one.records) {
        if records.len() < most && !records.contains(record) {
            records.push(record.clone());
        }
    }
    records
}

/// The finding of a rule made of rules, and its sentence.
pub(crate) fn finding(
    judge: &Judge<'_>,
    matches: &[Match],
    count: u64,
    measure: f64,
) -> (Finding, String) {
    let severity: Severity = judge.rule.severity();
    let verdict =
        Verdict { truth: Truth::True, severity, severity_reason: String::new(), site: Vec::new() };
    let mut finding = judge.finding(&verdict);
    let named = records(matches, MOST_NAMED);
    if !named.is_empty() {
        finding.id = Finding::id_of(judge.rule.id(), &finding.cluster, &named);
        finding.time = named.iter().map(|record| record.time).min().unwrap_or(finding.time);
        finding.record_count = count.max(named.len() as u64);
        finding.records = named;
    }
    for touch in matches.iter().flat_map(|one| &one.touches) {
        add(&mut finding.touches, touch);
    }
    finding.numbers.insert("count".into(), count as f64);
    finding.numbers.insert("measure".into(), measure);
    let explanation =
        explained(judge.rule, matches, count, measure, finding.last.since(finding.time));
    (finding, explanation)
}

fn add(touches: &mut Vec<Touch>, touch: &Touch) {
    if touches.len() < MOST_TOUCHES && !touches.contains(touch) {
        touches.push(touch.clone());
    }
}

/// What happened in which order, in plain words.
fn explained(rule: &Rule, matches: &[Match], count: u64, measure: f64, span: i64) -> String {
    let Some(kind) = rule.joint().map(|joint| joint.kind) else { return String::new() };
    let within = within(span);
    let text = if kind.is_temporal() {
        format!("{}, all within {within}", told(matches))
    } else {
        let last = matches.last().map(|one| format!("{} {}", one.who, one.what));
        let measured = measured(kind, measure);
        format!(
            "{count} requests within {within}{measured}; the last: {}",
            last.unwrap_or_default()
        )
    };
    format!("{}. This is what the rule \"{}\" looks for.", capital(&text), rule.title())
}

fn measured(kind: JointKind, measure: f64) -> String {
    match kind {
        JointKind::ValueCount => format!(", with {measure} different values"),
        JointKind::ValueSum => format!(", {measure} in sum"),
        JointKind::ValueAverage => format!(", {measure:.2} on average"),
        JointKind::Percentile(percentile) => format!(", percentile {percentile} is {measure}"),
        JointKind::Share => format!(", of which this kind is {measure:.2} %"),
        JointKind::EventCount | JointKind::Temporal | JointKind::Ordered => String::new(),
    }
}

/// The steps, one after the other; who did them is said when it changes.
fn told(matches: &[Match]) -> String {
    let mut text = String::new();
    let mut who = "";
    for (place, one) in matches.iter().take(MOST_TOLD).enumerate() {
        let then = if place == 0 { "" } else { ", then " };
        text.push_str(then);
        if one.who != who {
            text.push_str(&one.who);
            text.push(' ');
            who = &one.who;
        }
        text.push_str(&one.what);
        let _ = write!(text, " ({})", one.time.clock());
    }
    text
}

fn within(span: i64) -> String {
    let (number, unit) = match span {
        ..MINUTE => ((span / SECOND).max(1), "second"),
        _ => ((span + MINUTE - 1) / MINUTE, "minute"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
