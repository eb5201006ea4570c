//! The report as one HTML file that can be sent to anybody: no script, no network, nothing beside
//! it. The content-security policy forbids everything but the style in the file itself, so that
//! even a mistake in escaping could not run or fetch anything.

mod answers;
mod chain;
mod coverage;
mod evidence;
mod glossary;
mod overview;
mod pretty;
mod spread;
mod summary;
mod view;

use crate::{advice::Part, sanitize, words};
use askama::Template;
use evidence::Evidence;
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, io};
use trailhound_model::{
    finding::{Finding, Severity, hex},
    scan::Scan,
};
use view::{Anchors, Badge, Brief, IncidentView};

/// Incidents told in full; the others get a line each.
const TOLD: usize = 60;
/// Lines of minor or left-out incidents.
const LISTED: usize = 500;
/// Findings listed that the site made quiet.
const SILENCED: usize = 60;
/// Standing weaknesses printed.
const WEAKNESSES: usize = 40;
/// Findings printed in full, over all incidents.
const FINDINGS: usize = 300;

#[derive(Template)]
#[template(path = "report.html")]
struct Report {
    version: String,
    headline: String,
    unread: Option<String>,
    scope: String,
    class: &'static str,
    tally: Vec<(Badge, usize)>,
    summary: Vec<summary::Answer>,
    overview: Option<overview::Overview>,
    incidents: Vec<IncidentView>,
    others: Vec<Brief>,
    others_left_out: usize,
    weaknesses: Vec<evidence::FindingView>,
    weaknesses_left_out: usize,
    clusters: Vec<coverage::ClusterView>,
    blind: Vec<coverage::Blind>,
    undecided: Vec<coverage::Blind>,
    unmet: String,
    site: Vec<String>,
    silenced: Vec<String>,
    silenced_left_out: usize,
    families: Vec<coverage::Family>,
    rule_count: String,
    input: coverage::InputView,
    glossary: Vec<&'static glossary::Term>,
    raw_total: String,
    fingerprint: String,
}

/// The report as one HTML file.
pub fn html(scan: &Scan) -> String {
    let report = report(scan);
    let rendered = report.render();
    debug_assert!(rendered.is_ok(), "writing to memory failed: {rendered:?}");
    rendered.unwrap_or_default()
}

fn report(scan: &Scan) -> Report {
    let told = scan.incidents.len().min(TOLD);
    let others: Vec<Brief> =
        scan.incidents.iter().skip(told).take(LISTED).map(view::brief).collect();
    let (silenced, silenced_left_out) = words::site::silenced(scan, SILENCED);
    let (incidents, weaknesses, weaknesses_left_out) = told_in_full(scan, told);
    Report {
        version: sanitize::prose(&scan.version),
        headline: words::headline(scan),
        unread: words::unread(scan),
        scope: sanitize::prose(&words::scope(scan)),
        class: mood(scan),
        tally: view::tally(scan),
        summary: summary::of(scan),
        overview: overview::of(scan),
        incidents,
        weaknesses,
        weaknesses_left_out,
        others_left_out: scan.incidents.len() - told - others.len(),
        others,
        clusters: coverage::clusters(scan),
        blind: coverage::blind(scan),
        undecided: coverage::undecided(scan),
        unmet: coverage::unmet(scan),
        site: harmless(&words::site::entries(scan, true)),
        silenced: harmless(&silenced),
        silenced_left_out,
        families: coverage::families(scan),
        rule_count: words::counted(scan.rules.len() as u64, "rule"),
        input: coverage::input(&scan.input),
        glossary: glossary::of(&corpus(scan)),
        raw_total: words::bytes(evidence::RAW_TOTAL as u64),
        fingerprint: fingerprint(scan),
    }
}

fn harmless(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| sanitize::prose(line)).collect()
}

/// The colour of the verdict.
fn mood(scan: &Scan) -> &'static str {
    match scan.incidents.iter().map(|one| one.severity).max() {
        Some(severity) if severity >= Severity::Medium => severity.as_str(),
        _ if scan.input.events == 0 => "unread",
        _ => "calm",
    }
}

/// Incidents and standing weaknesses, with how many of the latter are left out. Each finding is
/// printed once, under the first incident that has it.
fn told_in_full(
    scan: &Scan,
    told: usize,
) -> (Vec<IncidentView>, Vec<evidence::FindingView>, usize) {
    let findings: BTreeMap<&str, &Finding> =
        scan.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let mut anchors = Anchors::new();
    let mut evidence = Evidence { sources: &scan.input.sources, raw_left: evidence::RAW_TOTAL };
    let mut views = Vec::new();
    for (index, one) in scan.incidents.iter().take(told).enumerate() {
        let mut own = Vec::new();
        let mut left_out = 0;
        for id in &one.findings {
            let Some(finding) = findings.get(id.as_str()) else { continue };
            if anchors.contains_key(id.as_str()) {
                continue;
            }
            if anchors.len() == FINDINGS {
                left_out += 1;
                continue;
            }
            let anchor = format!("f{}", anchors.len() + 1);
            anchors.insert(id, anchor.clone());
            own.push(evidence.finding(finding, anchor));
        }
        let mut view = view::incident(index + 1, one, &anchors);
        view.findings = own;
        view.findings_left_out = left_out;
        views.push(view);
    }
    let weak: Vec<&Finding> = words::weaknesses(scan);
    let of =
        |(index, finding): (usize, &&Finding)| evidence.finding(finding, format!("w{}", index + 1));
    let printed: Vec<_> = weak.iter().take(WEAKNESSES).enumerate().map(of).collect();
    let left_out = weak.len() - printed.len();
    (views, printed, left_out)
}

/// The text in which the glossary looks for its words.
fn corpus(scan: &Scan) -> String {
    let mut text = String::new();
    let mut add = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    for one in scan.incidents.iter().take(TOLD) {
        add(&one.title);
        add(&one.story);
        one.steps.iter().for_each(|step| add(&step.text));
        one.principals.iter().chain(&one.targets).for_each(|name| add(&words::named(name)));
        one.next_steps.iter().chain(&one.unknowns).for_each(|sentence| add(sentence));
        one.answers.iter().flat_map(|one| &one.answer).for_each(|sentence| add(sentence));
        one.reach.iter().for_each(|reach| add(&reach.sentence));
        one.hands.iter().flat_map(|hand| &hand.acts).for_each(|act| add(&act.sentence));
    }
    for finding in scan.findings.iter().take(FINDINGS) {
        add(&finding.rule.title);
        add(&finding.why);
        add("user agent, credential, technique, SHA-256");
    }
    let titles = words::titles(&scan.rules);
    let unseen = words::blind(scan).into_keys().chain(words::undecided(scan).into_keys());
    unseen.filter_map(|rule| titles.get(rule)).for_each(|title| add(title));
    for one in &scan.completeness {
        add(&one.basis);
        one.levels.keys().for_each(|level| add(level));
    }
    text
}

/// SHA-256 of the JSON output of the same scan: proves that the two belong together.
fn fingerprint(scan: &Scan) -> String {
    struct Hash(Sha256);
    impl io::Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(Sha256::new());
    let result = crate::write_json(scan, &mut hash);
    debug_assert!(result.is_ok(), "hashing failed: {result:?}");
    hex(&hash.0.finalize())
}
