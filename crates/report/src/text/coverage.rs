//! What stands behind the answer: what was checked, what was read, how complete it was, and which
//! rules could not see anything. On a quiet log this is most of the report.

use super::page::{Cell, Ink, Page};
use super::wrap;
use crate::words;
use std::collections::BTreeMap;
use trailhound_model::{
    completeness::Completeness,
    scan::{CheckedRule, Input, Scan},
};

/// Lines of a list unless everything is asked for.
const LINES: usize = 5;

/// Rules by family.
pub(crate) fn checked(page: &mut Page, scan: &Scan) {
    page.heading(0, "What was checked");
    if scan.rules.is_empty() {
        return page.paragraph(2, "No rules were run.", Ink::Plain);
    }
    let families = words::families(&scan.rules);
    let widest = families.keys().map(|name| wrap::width(words::family(name))).max().unwrap_or(0);
    // Below each other where a column would leave no room for the counts.
    let width = if page.width() < 76 { page.width() } else { widest.min(26) };
    for (family, rules) in &families {
        let text = format!(
            "{} · {} · {}",
            words::counted(rules.len() as u64, "rule"),
            words::counted(rules.iter().map(|rule| rule.looked_at).sum(), "event") + " looked at",
            words::counted(rules.iter().map(|rule| rule.findings).sum(), "finding"),
        );
        page.row(
            2,
            &[Cell::new(words::family(family), width, Ink::Plain), Cell::new(&text, 0, Ink::Plain)],
        );
        if page.verbose {
            each_rule(page, rules);
        }
    }
}

fn each_rule(page: &mut Page, rules: &[&CheckedRule]) {
    for rule in rules {
        let count =
            format!("{} / {}", words::thousands(rule.looked_at), words::thousands(rule.findings));
        page.row(4, &[Cell::new(&count, 16, Ink::Faint), Cell::new(&rule.title, 0, Ink::Plain)]);
    }
}

/// What the site expected, and what of that was found.
pub(crate) fn site(page: &mut Page, scan: &Scan) {
    if scan.site.is_empty() {
        return;
    }
    page.heading(0, "What the site expected");
    for line in words::site::entries(scan, page.verbose) {
        page.hanging(2, "·", &line, Ink::Plain);
    }
    if page.verbose {
        for line in words::site::silenced(scan, usize::MAX).0 {
            page.hanging(4, "·", &line, Ink::Faint);
        }
    }
}

/// What went in, and what did not become an event.
pub(crate) fn read(page: &mut Page, input: &Input) {
    page.heading(0, "What was read");
    page.paragraph(2, &words::what_was_read(input), Ink::Plain);
    let shown = limit(page, input.sources.len());
    for source in input.sources.iter().take(shown) {
        page.hanging(2, "·", source, Ink::Plain);
    }
    more(page, input.sources.len(), shown, "file");
    for unread in &input.unread {
        let text = format!("Not wholly read: {}: {}", unread.source, unread.reason);
        page.hanging(2, "!", &text, Ink::Mark(trailhound_model::finding::Severity::High));
    }
    rejected(page, input);
    for warning in &input.warnings {
        page.hanging(2, "!", warning, Ink::Mark(trailhound_model::finding::Severity::Medium));
    }
}

fn rejected(page: &mut Page, input: &Input) {
    if input.rejected == 0 {
        return;
    }
    page.hanging(
        2,
        "!",
        &words::rejected(input),
        Ink::Mark(trailhound_model::finding::Severity::Medium),
    );
    let shown = limit(page, input.reject_samples.len());
    for sample in input.reject_samples.iter().take(shown) {
        let text = format!(
            "{} at byte {}, {} long: {}",
            sample.source,
            words::thousands(sample.offset),
            words::bytes(sample.length),
            sample.reason
        );
        page.hanging(4, "·", &text, Ink::Faint);
    }
}

/// How complete the log was, per cluster.
pub(crate) fn completeness(page: &mut Page, scan: &Scan) {
    page.heading(0, "How complete the log was");
    if scan.completeness.is_empty() {
        return page.paragraph(2, "Unknown: there was nothing to judge it by.", Ink::Plain);
    }
    for one in &scan.completeness {
        cluster(page, one);
    }
}

fn cluster(page: &mut Page, one: &Completeness) {
    let text = format!("{}: {}", words::cluster(&one.cluster), words::coverage(one));
    page.paragraph(2, &text, Ink::Plain);
    let shown = limit(page, one.gaps.len());
    for gap in one.gaps.iter().take(shown) {
        page.hanging(4, "·", &words::gap(gap), Ink::Plain);
    }
    more(page, one.gaps.len(), shown, "gap");
    for line in words::log_facts(one) {
        page.hanging(4, "·", &line, Ink::Plain);
    }
}

/// Rules that could not fire or could not decide.
pub(crate) fn blindness(page: &mut Page, scan: &Scan) {
    let titles = words::titles(&scan.rules);
    let blind = words::blind(scan);
    let undecided = words::undecided(scan);
    let unmet = words::unmet(scan);
    if blind.is_empty() && undecided.is_empty() && unmet.is_none() {
        return;
    }
    page.heading(0, "What this log cannot show");
    if !blind.is_empty() {
        page.paragraph(2, &words::blind_sentence(blind.len()), Ink::Plain);
        let lines: Vec<_> = blind.keys().map(|rule| (*rule, because(scan, rule))).collect();
        rules(page, &titles, &lines);
    }
    if !undecided.is_empty() {
        page.paragraph(2, &words::undecided_sentence(undecided.len()), Ink::Plain);
        let times = |count: u64| format!(" ({})", words::counted(count, "time"));
        let lines: Vec<_> = undecided.iter().map(|(rule, count)| (*rule, times(*count))).collect();
        rules(page, &titles, &lines);
    }
    if let Some(unmet) = unmet {
        page.paragraph(2, &unmet, Ink::Plain);
    }
}

fn because(scan: &Scan, rule: &str) -> String {
    match words::blind_reason(scan, rule) {
        "" => String::new(),
        reason => format!(": {reason}"),
    }
}

fn rules(page: &mut Page, titles: &BTreeMap<&str, &str>, rules: &[(&str, String)]) {
    let shown = limit(page, rules.len());
    for (rule, suffix) in rules.iter().take(shown) {
        let title = titles.get(rule).unwrap_or(rule);
        page.hanging(4, "·", &format!("{title}{suffix}"), Ink::Plain);
    }
    more(page, rules.len(), shown, "rule");
}

fn limit(page: &Page, total: usize) -> usize {
    if page.verbose || total <= LINES + 1 { total } else { LINES }
}

fn more(page: &mut Page, total: usize, shown: usize, noun: &str) {
    if let Some(rest @ 1..) = total.checked_sub(shown) {
        let text = format!("… and {} more.", words::counted(rest as u64, noun));
        page.paragraph(4, &text, Ink::Faint);
    }
}
