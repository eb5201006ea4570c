//! What a rule would have cost on a log of the past: alerts a day, who caused them, and which
//! suppressions would help at what price.
//!
//! It asks nothing of the engine but the answer of a scan, so that what it foretells is what the
//! same rules will do. A suppression is never praised for hiding a real attack: each says which
//! known incidents would go unseen with it.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{
    finding::{Finding, Severity},
    scan::Scan,
    time::{MINUTE, Time},
};

/// Suppressions that are proposed.
const MOST_PROPOSED: usize = 5;
/// Lines of every "by whom" list.
const MOST_LISTED: usize = 10;
/// An incident of this severity is one that must not be hidden.
const COUNTS_FROM: Severity = Severity::Medium;

/// What is known of the past: which records belong to which attack, and which incidents somebody
/// confirmed.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Name of the attack by auditID.
    pub labels: BTreeMap<String, String>,
    /// Ids of confirmed incidents.
    pub confirmed: BTreeSet<String>,
}

/// What a rule did on a log.
#[derive(Clone, Debug, Serialize)]
pub struct Backtest {
    /// Ids of the rules that were tested.
    pub rules: Vec<String>,
    /// Events of the log.
    pub events: u64,
    /// First and last event.
    pub first: Option<Time>,
    /// Last event.
    pub last: Option<Time>,
    /// Days that the log spans, with a fraction.
    pub days: f64,
    /// Findings: what a person would be shown.
    pub alerts: u64,
    /// Records behind them.
    pub records: u64,
    /// Findings a day, if the log spans at least an hour.
    pub per_day: Option<f64>,
    /// Findings by day.
    pub by_day: Vec<(String, u64)>,
    /// By severity, worst first.
    pub by_severity: Vec<(String, u64)>,
    /// By whom, most first.
    pub by_principal: Vec<(String, u64)>,
    /// By what was acted upon: namespaces, most first.
    pub by_namespace: Vec<(String, u64)>,
    /// By program, most first.
    pub by_agent: Vec<(String, u64)>,
    /// Attacks known by label of which it shows a record.
    pub shows: Vec<String>,
    /// Incidents of medium severity and above in which it has a part.
    pub incidents: Vec<Part>,
    /// The suppressions that would cut most.
    pub suppressions: Vec<Suppression>,
}

/// An incident in which the rule has a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Id.
    pub id: String,
    /// Severity.
    pub severity: String,
    /// One line.
    pub title: String,
    /// Somebody confirmed it.
    pub confirmed: bool,
    /// It would not be there without this rule.
    pub stands_on_it: bool,
}

/// A suppression that could be written into the site's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// The condition, in the language of rules.
    pub when: String,
    /// In words.
    pub what: String,
    /// Findings that it would take away, beyond those that the ones before it take away.
    pub cuts: u64,
    /// Of how many.
    pub of: u64,
    /// Labelled attacks that nothing else would show any more.
    pub hides_attacks: Vec<String>,
    /// Incidents that would vanish, confirmed ones first.
    pub hides_incidents: Vec<Part>,
}

/// Looks at what `rules` did in a scan.
pub fn backtest(scan: &Scan, rules: &BTreeSet<String>, known: &Known) -> Backtest {
    let own: Vec<&Finding> =
        scan.findings.iter().filter(|finding| rules.contains(&finding.rule.id)).collect();
    let days = span(scan);
    let alerts = own.len() as u64;
    let severity = |finding: &&Finding| finding.severity.as_str().to_owned();
    let mut by_severity = counted(&own, severity);
    by_severity.sort_by_key(|(name, _)| std::cmp::Reverse(Severity::from_name(name)));
    let mut by_day = counted(&own, |finding| day(finding.time));
    by_day.sort();
    Backtest {
        rules: rules.iter().cloned().collect(),
        events: scan.input.events,
        first: scan.input.first,
        last: scan.input.last,
        days,
        alerts,
        records: own.iter().map(|finding| finding.record_count).sum(),
        per_day: (days >= 1.0 / 24.0).then(|| alerts as f64 / days),
        by_day,
        by_severity,
        by_principal: top(counted(&own, |finding| finding.principal.clone())),
        by_namespace: top(counted(&own, |finding| namespace(finding).to_owned())),
        by_agent: top(counted(&own, |finding| agent(finding).to_owned())),
        shows: attacks(own.iter().copied(), known).into_iter().collect(),
        incidents: parts(scan, rules, known),
        suppressions: propose(scan, &own, known),
    }
}

fn span(scan: &Scan) -> f64 {
    match (scan.input.first, scan.input.last) {
        (Some(first), Some(last)) => last.since(first) as f64 / (24.0 * 60.0 * MINUTE as f64),
        _ => 0.0,
    }
}

fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

fn namespace(finding: &Finding) -> &str {
    let (kind, rest) = finding.target.split_once(':').unwrap_or_default();
    match (kind, rest.split_once('/')) {
        ("ns", _) => rest,
        ("url", _) | (_, None) => "",
        (_, Some((namespace, _))) => namespace,
    }
}

fn agent(finding: &Finding) -> &str {
    finding.user_agent.split(['/', ' ']).next().unwrap_or_default()
}

fn counted(findings: &[&Finding], name: impl Fn(&&Finding) -> String) -> Vec<(String, u64)> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for finding in findings {
        *counts.entry(name(finding)).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn top(mut counts: Vec<(String, u64)>) -> Vec<(String, u64)> {
    counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    counts.truncate(MOST_LISTED);
    counts
}

/// The labelled attacks of which findings show a record.
fn attacks<'a>(findings: impl Iterator<Item = &'a Finding>, known: &Known) -> BTreeSet<String> {
    findings
        .flat_map(|finding| &finding.records)
        .filter_map(|record| known.labels.get(record.audit_id.as_str()).cloned())
        .collect()
}

fn parts(scan: &Scan, rules: &BTreeSet<String>, known: &Known) -> Vec<Part> {
    let own: BTreeSet<&str> = scan
        .findings
        .iter()
        .filter(|finding| rules.contains(&finding.rule.id))
        .map(|finding| finding.id.as_str())
        .collect();
    touched(scan, &own, known)
}

/// The incidents that count and have one of these findings, confirmed ones first.
fn touched(scan: &Scan, taken: &BTreeSet<&str>, known: &Known) -> Vec<Part> {
    let by_id: BTreeMap<&str, &Finding> =
        scan.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let mut parts: Vec<Part> = scan
        .incidents
        .iter()
        .filter(|incident| incident.severity >= COUNTS_FROM)
        .filter(|incident| incident.findings.iter().any(|id| taken.contains(id.as_str())))
        .map(|incident| {
            let left = incident.findings.iter().filter(|id| !taken.contains(id.as_str()));
            let still = left
                .filter_map(|id| by_id.get(id.as_str()))
                .any(|finding| finding.severity >= COUNTS_FROM);
            Part {
                id: incident.id.clone(),
                severity: incident.severity.as_str().to_owned(),
                title: incident.title.clone(),
                confirmed: known.confirmed.contains(&incident.id),
                stands_on_it: !still,
            }
        })
        .collect();
    parts.sort_by_key(|part| !part.confirmed);
    parts
}

/// One way to tell findings apart: values of a few fields, as a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cut {
    /// How many fields it names: the narrower of two that cut the same is better.
    fields: std::cmp::Reverse<usize>,
    when: String,
    what: String,
}

/// What a suppression loses by taking away a finding of a known attack: more than it can gain by a
/// few that are noise.
const PRICE: i64 = 5;

/// The cuts that take away most, one after the other, each from what the ones before it left.
fn propose(scan: &Scan, own: &[&Finding], known: &Known) -> Vec<Suppression> {
    let right = right_ones(scan, known);
    let mut left: Vec<&Finding> = own.to_vec();
    let mut proposed = Vec::new();
    while proposed.len() < MOST_PROPOSED {
        let mut gains: BTreeMap<Cut, i64> = BTreeMap::new();
        for finding in &left {
            let gain = if right.contains(finding.id.as_str()) { -PRICE } else { 1 };
            for cut in cuts_of(finding) {
                *gains.entry(cut).or_default() += gain;
            }
        }
        let best = gains
            .into_iter()
            .filter(|(_, gain)| *gain > 0)
            .max_by(|(one, some), (other, more)| some.cmp(more).then_with(|| other.cmp(one)));
        let Some((cut, _)) = best else { break };
        let (taken, rest): (Vec<&Finding>, Vec<&Finding>) =
            left.into_iter().partition(|finding| cuts_of(finding).contains(&cut));
        left = rest;
        proposed.push(Suppression {
            cuts: taken.len() as u64,
            of: own.len() as u64,
            hides_attacks: hidden(scan, &taken, known),
            hides_incidents: vanishing(scan, &taken, known),
            when: cut.when,
            what: cut.what,
        });
    }
    proposed
}

/// Findings that are known to be right: of labelled attacks and of confirmed incidents.
fn right_ones<'a>(scan: &'a Scan, known: &Known) -> BTreeSet<&'a str> {
    let labelled = scan.findings.iter().filter(|finding| {
        finding.records.iter().any(|record| known.labels.contains_key(record.audit_id.as_str()))
    });
    let confirmed = scan.incidents.iter().filter(|one| known.confirmed.contains(&one.id));
    labelled
        .map(|finding| finding.id.as_str())
        .chain(confirmed.flat_map(|incident| incident.findings.iter().map(String::as_str)))
        .collect()
}

/// Attacks of which nothing of medium severity would be left without these findings.
fn hidden(scan: &Scan, taken: &[&Finding], known: &Known) -> Vec<String> {
    let gone: BTreeSet<&str> = taken.iter().map(|finding| finding.id.as_str()).collect();
    let rest = scan
        .findings
        .iter()
        .filter(|finding| finding.severity >= COUNTS_FROM && !gone.contains(finding.id.as_str()));
    let still = attacks(rest, known);
    let grave = taken.iter().copied().filter(|finding| finding.severity >= COUNTS_FROM);
    attacks(grave, known).into_iter().filter(|name| !still.contains(name)).collect()
}

fn vanishing(scan: &Scan, taken: &[&Finding], known: &Known) -> Vec<Part> {
    let gone: BTreeSet<&str> = taken.iter().map(|finding| finding.id.as_str()).collect();
    touched(scan, &gone, known).into_iter().filter(|part| part.stands_on_it).collect()
}

fn cuts_of(finding: &Finding) -> Vec<Cut> {
    let who = (
        format!("actor.name == {}", quoted(&authorizer_name(actor(finding)))),
        format!("by {}", actor(finding)),
    );
    let place = match namespace(finding) {
        "" => ("target.namespace == \"\"".to_owned(), "outside namespaces".to_owned()),
        name => (format!("target.namespace == {}", quoted(name)), format!("in namespace {name}")),
    };
    let with = (
        format!("event.agent == {}", quoted(agent(finding))),
        format!(
            "with {}",
            if agent(finding).is_empty() { "no user agent" } else { agent(finding) }
        ),
    );
    let from = (
        format!("event.sourceIP == {}", quoted(&finding.address)),
        format!("from {}", finding.address),
    );
    [
        vec![&who],
        vec![&who, &place],
        vec![&who, &with],
        vec![&who, &place, &with],
        vec![&place, &with],
        vec![&place],
        vec![&from],
    ]
    .into_iter()
    .map(|parts| cut(&parts))
    .collect()
}

fn cut(parts: &[&(String, String)]) -> Cut {
    let joined = |part: fn(&(String, String)) -> &String, between| {
        parts.iter().map(|one| part(one).as_str()).collect::<Vec<_>>().join(between)
    };
    Cut {
        fields: std::cmp::Reverse(parts.len()),
        when: joined(|part| &part.0, " && "),
        what: joined(|part| &part.1, ", "),
    }
}

fn actor(finding: &Finding) -> &str {
    finding.real_principal.as_deref().unwrap_or(&finding.principal)
}

/// The user name of an entity, as the API server knows it.
fn authorizer_name(entity: &str) -> String {
    match entity.split_once(':') {
        Some(("sa", rest)) => format!("system:serviceaccount:{}", rest.replacen('/', ":", 1)),
        Some(("node", name)) => format!("system:node:{name}"),
        Some((_, name)) => name.to_owned(),
        None => entity.to_owned(),
    }
}

/// A text as the language of rules writes it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        finding::{Record, RuleRef},
        incident::Incident,
        scan::Input,
    };

    fn finding(id: &str, who: &str, target: &str, severity: Severity) -> Finding {
        Finding {
            id: id.into(),
            rule: RuleRef { id: "noisy".into(), ..RuleRef::default() },
            principal: who.into(),
            target: target.into(),
            user_agent: "kubectl/v1".into(),
            severity,
            record_count: 2,
            records: vec![Record { audit_id: id.into(), ..Record::default() }],
            ..Finding::default()
        }
    }

    fn scan() -> Scan {
        let findings = vec![
            finding("a", "sa:ci/deployer", "pod:shop/web", Severity::Medium),
            finding("b", "sa:ci/deployer", "pod:shop/web", Severity::Medium),
            finding("c", "sa:ci/deployer", "pod:shop/cart", Severity::Medium),
            finding("d", "user:mallory", "pod:shop/cart", Severity::High),
        ];
        let incident = Incident {
            id: "d".into(),
            severity: Severity::High,
            findings: vec!["d".into()],
            ..Incident::default()
        };
        let input = Input {
            first: Some(Time(0)),
            last: Some(Time(2 * 24 * 60 * MINUTE)),
            ..Input::default()
        };
        Scan { findings, incidents: vec![incident], input, ..Scan::default() }
    }

    fn tested(known: &Known) -> Backtest {
        backtest(&scan(), &BTreeSet::from(["noisy".to_owned()]), known)
    }

    #[test]
    fn alerts_are_told_by_day_and_by_whom() {
        let told = tested(&Known::default());
        assert_eq!((told.alerts, told.records, told.per_day), (4, 8, Some(2.0)));
        assert_eq!(told.by_principal.first(), Some(&("sa:ci/deployer".to_owned(), 3)));
        assert_eq!(told.by_severity, [("high".to_owned(), 1), ("medium".to_owned(), 3)]);
    }

    #[test]
    fn a_suppression_says_which_known_attack_it_would_hide() {
        let mut known = Known::default();
        known.labels.insert("d".into(), "S01".into());
        known.confirmed.insert("d".into());
        let told = tested(&known);
        assert_eq!(told.shows, ["S01"]);
        let first = told.suppressions.first().unwrap();
        assert_eq!((first.cuts, first.hides_attacks.len()), (3, 0), "{first:?}");
        assert!(first.when.contains("system:serviceaccount:ci:deployer"), "{first:?}");
        let blind = tested(&Known { labels: known.labels, ..Known::default() });
        assert!(blind.incidents.iter().all(|part| !part.confirmed));
    }

    #[test]
    fn without_knowledge_the_widest_cut_is_proposed_and_says_what_would_vanish() {
        let told = tested(&Known::default());
        let first = told.suppressions.first().unwrap();
        assert_eq!((first.cuts, first.of), (4, 4), "{first:?}");
        assert_eq!(first.hides_incidents.len(), 1);
    }

    #[test]
    fn names_from_logs_cannot_end_the_condition() {
        let cuts = cuts_of(&finding("a", "user:x\" || true || \"", "pod:a/b", Severity::Low));
        assert!(cuts[0].when.starts_with("actor.name == \"x\\\" || true"), "{}", cuts[0].when);
    }
}
