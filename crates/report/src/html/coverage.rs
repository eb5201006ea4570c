//! The last part of the report: how complete the log was, what was checked, what was read.

use super::view::Badge;
use crate::{sanitize, words};
use trailhound_model::{
    completeness::Completeness,
    finding::Severity,
    scan::{Input, Scan},
};

/// Lines of any list here.
const LINES: usize = 60;

/// One cluster's log.
pub(crate) struct ClusterView {
    pub(crate) name: String,
    pub(crate) score: String,
    pub(crate) badge: Badge,
    pub(crate) sentence: String,
    pub(crate) gaps: Vec<String>,
    pub(crate) gaps_left_out: usize,
    pub(crate) levels: Vec<Level>,
    pub(crate) facts: Vec<String>,
}

/// A level's share, for the bar and its legend.
pub(crate) struct Level {
    pub(crate) class: usize,
    pub(crate) name: String,
    pub(crate) share: String,
    pub(crate) count: String,
    pub(crate) meaning: &'static str,
    pub(crate) x: String,
    pub(crate) width: String,
}

/// The clusters of a scan.
pub(crate) fn clusters(scan: &Scan) -> Vec<ClusterView> {
    scan.completeness.iter().take(LINES).map(cluster).collect()
}

fn cluster(one: &Completeness) -> ClusterView {
    let facts = words::log_facts(one);
    ClusterView {
        name: sanitize::prose(&words::cluster(&one.cluster)),
        score: one.score.map_or("unknown".to_owned(), words::percent),
        badge: Badge::of(match one.score {
            Some(score) if score >= 0.99 && one.gaps.is_empty() => Severity::Info,
            Some(score) if score < 0.95 => Severity::High,
            _ => Severity::Medium,
        }),
        sentence: sanitize::prose(&words::sentence(&words::coverage(one))),
        gaps: one.gaps.iter().take(LINES).map(|gap| sanitize::prose(&words::gap(gap))).collect(),
        gaps_left_out: one.gaps.len().saturating_sub(LINES),
        levels: levels(one),
        facts: facts.into_iter().filter(|fact| !fact.starts_with("Audit levels")).collect(),
    }
}

fn levels(one: &Completeness) -> Vec<Level> {
    let total: u64 = one.levels.values().sum();
    let mut before = 0.0;
    let mut levels = Vec::new();
    for (index, (name, count)) in
        one.levels.iter().filter(|(_, count)| **count > 0).take(6).enumerate()
    {
        let share = *count as f64 / total as f64;
        levels.push(Level {
            class: index,
            name: sanitize::prose(name),
            share: words::percent(share),
            count: words::thousands(*count),
            meaning: meaning(name),
            x: format!("{:.2}", before * 100.0),
            width: format!("{:.2}", share * 100.0),
        });
        before += share;
    }
    levels
}

fn meaning(level: &str) -> &'static str {
    match level {
        "Metadata" => "who did what, without contents",
        "Request" => "also what was sent",
        "RequestResponse" => "also what came back",
        _ => "the record does not say",
    }
}

/// A rule that could not see, or could not decide.
pub(crate) struct Blind {
    pub(crate) title: String,
    pub(crate) detail: String,
}

/// Rules that could not fire.
pub(crate) fn blind(scan: &Scan) -> Vec<Blind> {
    let titles = words::titles(&scan.rules);
    let several = scan.completeness.len() > 1;
    let line = |(rule, clusters): (&str, Vec<&str>)| {
        let names: Vec<String> = clusters.iter().map(|name| words::cluster(name)).collect();
        let mut detail = words::blind_reason(scan, rule).to_owned();
        if several {
            let separator = if detail.is_empty() { "" } else { "; " };
            detail.push_str(separator);
            detail.push_str(&words::listed(&names, 4));
        }
        Blind {
            title: sanitize::prose(titles.get(rule).unwrap_or(&rule)),
            detail: sanitize::prose(&detail),
        }
    };
    words::blind(scan).into_iter().map(line).collect()
}

/// Rules that met nothing, in a sentence; empty if all met something.
pub(crate) fn unmet(scan: &Scan) -> String {
    words::unmet(scan).unwrap_or_default()
}

/// Rules that could not decide about some events.
pub(crate) fn undecided(scan: &Scan) -> Vec<Blind> {
    let titles = words::titles(&scan.rules);
    let line = |(rule, count): (&str, u64)| Blind {
        title: sanitize::prose(titles.get(rule).unwrap_or(&rule)),
        detail: words::counted(count, "event"),
    };
    words::undecided(scan).into_iter().map(line).collect()
}

/// A family of rules.
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) rules: Vec<RuleView>,
    pub(crate) counts: String,
}

/// A rule that was run.
pub(crate) struct RuleView {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) looked_at: String,
    pub(crate) findings: String,
}

/// The families of the rules that were run.
pub(crate) fn families(scan: &Scan) -> Vec<Family> {
    let family = |(name, rules): (&str, Vec<&trailhound_model::scan::CheckedRule>)| Family {
        name: sanitize::prose(words::family(name)),
        counts: format!(
            "{}, {} looked at, {}",
            words::counted(rules.len() as u64, "rule"),
            words::counted(rules.iter().map(|rule| rule.looked_at).sum(), "event"),
            words::counted(rules.iter().map(|rule| rule.findings).sum(), "finding")
        ),
        rules: rules
            .iter()
            .map(|rule| RuleView {
                id: sanitize::prose(&rule.id),
                title: sanitize::prose(&rule.title),
                looked_at: words::thousands(rule.looked_at),
                findings: words::thousands(rule.findings),
            })
            .collect(),
    };
    words::families(&scan.rules).into_iter().map(family).collect()
}

/// What was read.
pub(crate) struct InputView {
    pub(crate) sentence: String,
    pub(crate) sources: Vec<String>,
    pub(crate) sources_left_out: usize,
    pub(crate) unread: Vec<(String, String)>,
    pub(crate) rejected: String,
    pub(crate) samples: Vec<Sample>,
    pub(crate) warnings: Vec<String>,
}

/// A stretch of bytes that became no event.
pub(crate) struct Sample {
    pub(crate) place: String,
    pub(crate) reason: String,
}

/// What was read.
pub(crate) fn input(input: &Input) -> InputView {
    let sample = |one: &trailhound_model::scan::Rejected| Sample {
        place: format!(
            "{} at byte {}, {} long",
            sanitize::prose(&one.source),
            words::thousands(one.offset),
            words::bytes(one.length)
        ),
        reason: sanitize::prose(&one.reason),
    };
    InputView {
        sentence: sanitize::prose(&words::what_was_read(input)),
        sources: input.sources.iter().take(LINES).map(|name| sanitize::prose(name)).collect(),
        sources_left_out: input.sources.len().saturating_sub(LINES),
        unread: input
            .unread
            .iter()
            .take(LINES)
            .map(|one| (sanitize::prose(&one.source), sanitize::prose(&one.reason)))
            .collect(),
        rejected: if input.rejected > 0 { words::rejected(input) } else { String::new() },
        samples: input.reject_samples.iter().take(LINES).map(sample).collect(),
        warnings: input.warnings.iter().take(LINES).map(|one| sanitize::prose(one)).collect(),
    }
}
