//! How we speak of what was read and of what could not be seen. The words are chosen so that
//! silence never reads as innocence: "unknown" is said as unknown, and a share is of *time*.

use super::{bytes, counted, percent, period, span, thousands};
use std::collections::BTreeMap;
use trailhound_model::{
    completeness::{Completeness, Gap},
    format::Format,
    scan::{CheckedRule, Input, Scan},
};

/// Where and when, in one line: cluster, period, events.
pub(crate) fn scope(scan: &Scan) -> String {
    let mut parts = Vec::new();
    parts.extend(clusters(scan));
    if let (Some(first), Some(last)) = (scan.input.first, scan.input.last) {
        parts.push(period(first, last));
    }
    parts.push(format!(
        "{} from {}",
        counted(scan.input.events, "event"),
        counted(scan.input.sources.len() as u64, "file")
    ));
    parts.join(" · ")
}

/// `cluster prod`, or that it has no name.
pub(crate) fn cluster(name: &str) -> String {
    if name.is_empty() { "unnamed cluster".to_owned() } else { format!("cluster {name}") }
}

/// `cluster prod` or `clusters prod, edge and 2 more`; nothing if no cluster was seen.
pub(crate) fn clusters(scan: &Scan) -> Option<String> {
    let name = |name: &str| if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() };
    match scan.completeness.as_slice() {
        [] => None,
        [only] => Some(cluster(&only.cluster)),
        several => {
            let names: Vec<String> = several.iter().map(|one| name(&one.cluster)).collect();
            Some(format!("clusters {}", super::listed(&names, 3)))
        }
    }
}

/// Files, events, bytes, duplicates.
pub(crate) fn what_was_read(input: &Input) -> String {
    let events = counted(input.events, "event");
    let files = counted(input.sources.len() as u64, "file");
    let when = match (input.first, input.last) {
        (Some(first), Some(last)) => format!(", from {}", period(first, last)),
        _ => String::new(),
    };
    let mut read = format!("{events} in {files} ({}){when}.", bytes(input.bytes));
    if let Some(formats) = formats(input) {
        read.push(' ');
        read.push_str(&formats);
    }
    if input.duplicates == 0 { read } else { format!("{read} {}", duplicates(input)) }
}

/// Which formats the records had, unless all were as the API server writes them.
fn formats(input: &Input) -> Option<String> {
    if input.formats.keys().all(|format| *format == Format::Native) {
        return None;
    }
    let parts: Vec<String> = input
        .formats
        .iter()
        .map(|(format, count)| format!("{} {}", format.title(), thousands(*count)))
        .collect();
    Some(format!("Records by format: {}.", parts.join(", ")))
}

fn duplicates(input: &Input) -> String {
    let records = counted(input.duplicates, "record");
    let verb = if input.duplicates == 1 { "was" } else { "were" };
    let window = match input.duplicate_window.as_str() {
        "" => String::new(),
        window => format!(" (told within {window})"),
    };
    format!("{records} {verb} in the input more than once and {verb} counted once{window}.")
}

/// That records were rejected.
pub(crate) fn rejected(input: &Input) -> String {
    let what = if input.rejected == 1 { "stretch of bytes" } else { "stretches of bytes" };
    let count = thousands(input.rejected);
    let samples = match input.reject_samples.len() {
        0 => ".",
        1 => "; the first is:",
        _ => "; the first are:",
    };
    format!("{count} {what} could not be read as an event{samples}")
}

/// The score of a cluster in words, with what it rests on.
pub(crate) fn coverage(one: &Completeness) -> String {
    let answer = match one.score {
        Some(score) if score >= 1.0 && one.gaps.is_empty() => "no gap was found".to_owned(),
        Some(score) => {
            let share =
                format!("{} of the regular requests that were due are there", percent(score));
            match one.gaps.len() as u64 {
                0 => format!("no gap was found, and {share}"),
                gaps => format!("{} found; {share}", were(gaps)),
            }
        }
        None => "it is unknown whether records are missing".to_owned(),
    };
    // The reason need not repeat that it is unknown.
    let basis = one.basis.strip_prefix("unknown:").or(one.basis.strip_prefix("Unknown:"));
    format!("{answer}. {}", sentence(basis.unwrap_or(&one.basis))).trim_end().to_owned()
}

/// `1 gap was`, `3 gaps were`
fn were(gaps: u64) -> String {
    format!("{} {}", counted(gaps, "gap"), if gaps == 1 { "was" } else { "were" })
}

/// With a capital first letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return String::new() };
    let mut out: String = first.to_uppercase().collect();
    out.push_str(characters.as_str());
    if !out.ends_with(['.', '!', '?', ':']) {
        out.push('.');
    }
    out
}

/// A gap in words.
pub(crate) fn gap(gap: &Gap) -> String {
    let proof = if gap.metronome.is_empty() {
        String::new()
    } else {
        format!(" (evidence: {})", gap.metronome)
    };
    let (whose, down) = match gap.server.as_str() {
        "" => ("Records".to_owned(), "or the API server was not answering"),
        server => (format!("Records of the API server {server}"), "or it was not answering"),
    };
    let end = if gap.open { ", to the end of the log" } else { "" };
    let inside = match gap.records_inside {
        0 => String::new(),
        few => {
            format!("; {} of that time", counted(few, "record"))
                + if few == 1 { " is there" } else { " are there" }
        }
    };
    format!(
        "{whose} are missing for {} ({down}): {}{end}{inside}{proof}",
        span(gap.to.since(gap.from)),
        period(gap.from, gap.to)
    )
}

/// Audit levels, late and truncated records: one line each, only what there is.
pub(crate) fn log_facts(one: &Completeness) -> Vec<String> {
    let mut lines = Vec::new();
    let total: u64 = one.levels.values().sum();
    if total > 0 {
        let share = |count: u64| percent(count as f64 / total as f64);
        let levels: Vec<String> = one
            .levels
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(level, count)| format!("{level} {} ({})", thousands(*count), share(*count)))
            .collect();
        lines.push(format!("Audit levels: {}", levels.join(", ")));
    }
    if one.truncated > 0 {
        lines.push(format!("{} had the contents cut away", counted(one.truncated, "record")));
    }
    if one.late > 0 {
        let latest = match one.latest {
            0 => String::new(),
            latest => format!(", the latest by {}", span(latest)),
        };
        lines.push(format!("{} came late and still counted{latest}", counted(one.late, "record")));
    }
    if one.clock_backwards > 0 {
        let records = counted(one.clock_backwards, "record");
        lines.push(format!("{records} ended before they began: a clock was set back"));
    }
    lines.extend(one.policy.notes.iter().cloned());
    lines
}

/// Rules by family.
pub(crate) fn families(rules: &[CheckedRule]) -> BTreeMap<&str, Vec<&CheckedRule>> {
    let mut families: BTreeMap<&str, Vec<&CheckedRule>> = BTreeMap::new();
    for rule in rules {
        let family = if rule.family.is_empty() { "other" } else { rule.family.as_str() };
        families.entry(family).or_default().push(rule);
    }
    families
}

/// Titles of rules by id.
pub(crate) fn titles(rules: &[CheckedRule]) -> BTreeMap<&str, &str> {
    let titled = rules.iter().filter(|rule| !rule.title.is_empty());
    titled.map(|rule| (rule.id.as_str(), rule.title.as_str())).collect()
}

/// Rules that could not fire, with the clusters in which they could not.
pub(crate) fn blind(scan: &Scan) -> BTreeMap<&str, Vec<&str>> {
    let mut rules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in &scan.completeness {
        for rule in &one.blind {
            rules.entry(rule).or_default().push(&one.cluster);
        }
    }
    rules
}

/// Why a rule could not fire, where it was said.
pub(crate) fn blind_reason<'a>(scan: &'a Scan, rule: &str) -> &'a str {
    let reasons = scan.completeness.iter().filter_map(|one| one.blind_reasons.get(rule));
    reasons.map(String::as_str).next().unwrap_or_default()
}

/// How many rules met nothing in any cluster, in a sentence.
pub(crate) fn unmet(scan: &Scan) -> Option<String> {
    let mut sets = scan.completeness.iter().map(|one| &one.unmet);
    let first = sets.next()?;
    let count = first.iter().filter(|rule| sets.clone().all(|set| set.contains(rule))).count();
    (count > 0).then(|| {
        format!(
            "{} met no request of the kind that they watch: none was made, or the audit policy \
             leaves that kind out.",
            counted(count as u64, "more rule")
        )
    })
}

/// Rules that could not decide about some events, with how many, over all clusters. Those that are
/// blind anyway are left out.
pub(crate) fn undecided(scan: &Scan) -> BTreeMap<&str, u64> {
    let blind = blind(scan);
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    for (rule, count) in scan.completeness.iter().flat_map(|one| &one.undecided) {
        if !blind.contains_key(rule.as_str()) && *count > 0 {
            let sum = rules.entry(rule).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    rules
}

/// What blindness means.
pub(crate) fn blind_sentence(count: usize) -> String {
    format!(
        "{} could not fire at all, because this log, or what the site gave with it, does not \
         carry what they look at. Such an attack would not have been seen:",
        counted(count as u64, "rule")
    )
}

/// What undecided means.
pub(crate) fn undecided_sentence(count: usize) -> String {
    format!(
        "{} could not decide about some events, because those lack what the rule asks for:",
        counted(count as u64, "rule")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_score_is_said_as_unknown() {
        let unknown = Completeness { basis: "no lease was seen".into(), ..Completeness::default() };
        assert_eq!(
            coverage(&unknown),
            "it is unknown whether records are missing. No lease was seen."
        );
        let known =
            |score| coverage(&Completeness { score: Some(score), ..Completeness::default() });
        assert_eq!(known(1.0), "no gap was found.");
        assert_eq!(
            known(0.9999),
            "no gap was found, and more than 99.9% of the regular requests that were due are there."
        );
    }

    #[test]
    fn a_rule_is_blind_or_undecided_but_not_both() {
        let one = Completeness {
            blind: vec!["a".into()],
            undecided: [("a".to_owned(), 5), ("b".to_owned(), 2), ("c".to_owned(), 0)].into(),
            ..Completeness::default()
        };
        let scan = Scan { completeness: vec![one.clone(), one], ..Scan::default() };
        assert_eq!(blind(&scan).len(), 1);
        assert_eq!(undecided(&scan), BTreeMap::from([("b", 4)]));
    }
}
