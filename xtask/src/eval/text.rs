//! The score for a reader in a terminal: counts first, then every miss, false alarm and mix with
//! enough to go and mend it.

use super::score::{FalseKind, Missed, Reason, Score};
use std::fmt::Write as _;

/// Renders a score. `verbose` also lists what was found and cuts nothing short.
pub(crate) fn text(score: &Score, verbose: bool) -> String {
    let mut out = String::new();
    summary(&mut out, score);
    missed(&mut out, score, verbose);
    false_incidents(&mut out, score, verbose);
    mixed(&mut out, score);
    if verbose {
        found(&mut out, score);
    }
    out
}

fn summary(out: &mut String, score: &Score) {
    let all = score.instances;
    let _ = writeln!(
        out,
        "{}: {} events{}",
        score.recording,
        score.events,
        if score.rejected > 0 { format!(", {} rejected", score.rejected) } else { String::new() }
    );
    let families: Vec<String> = score
        .families
        .iter()
        .filter(|(_, tally)| tally.of > 0)
        .map(|(family, tally)| format!("{family} {}/{}", tally.found, tally.of))
        .collect();
    let percent = 100.0 * all.found as f64 / all.of.max(1) as f64;
    let _ = writeln!(
        out,
        "  found      {} of {} instances ({percent:.0} %): {}",
        all.found,
        all.of,
        families.join(", ")
    );
    let _ = writeln!(
        out,
        "  false      {} on background, {} on benign look-alikes",
        score.false_of(FalseKind::Background).count(),
        score.false_of(FalseKind::LookAlike).count()
    );
    let _ = writeln!(out, "  mixed      {} incidents mix instances", score.mixed.len());
    let by_severity: Vec<String> = score
        .by_severity
        .iter()
        .rev()
        .map(|(severity, count)| format!("{count} {}", severity.as_str()))
        .collect();
    let most = score.found.iter().map(|found| found.incidents).max().unwrap_or(0);
    let _ = writeln!(
        out,
        "  incidents  {} of medium or above ({}); {:.2} per found instance, at most {most}; {} on \
         consequences only",
        score.incidents,
        by_severity.join(", "),
        score.incidents_per_found,
        score.only_related
    );
    let _ = writeln!(
        out,
        "  edges      {} of {} causal steps have both sides in one incident",
        score.edges.found, score.edges.of
    );
    if score.unknown_evidence > 0 {
        let _ = writeln!(
            out,
            "  warning    {} auditIDs in evidence are in no record of this recording",
            score.unknown_evidence
        );
    }
}

fn missed(out: &mut String, score: &Score, verbose: bool) {
    if score.missed.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nmissed ({})", score.missed.len());
    for miss in &score.missed {
        let _ = writeln!(out, "  {} [{}] {}", miss.instance, miss.family, miss.title);
        let _ = writeln!(out, "    why      {}", why(&miss.reason));
        let _ = writeln!(out, "    log      {}", what_the_log_lacks(miss));
        let _ = writeln!(out, "    records  {}", actions(miss, verbose));
    }
}

fn why(reason: &Reason) -> String {
    match reason {
        Reason::NotSeen => "no finding and no incident cites any of its records".into(),
        Reason::OnlyFindings { rules } => {
            format!("no incident cites it, only findings: {}", rules.join(", "))
        }
        Reason::TooMild { severity, rules } => format!(
            "its incidents are {} at most; findings: {}",
            severity.as_str(),
            rules.join(", ")
        ),
        Reason::MainlyAnothers { incidents } => {
            let list: Vec<String> =
                incidents.iter().map(|(id, main)| format!("{id} (mainly {main})")).collect();
            format!("only in incidents that are mainly another's: {}", list.join(", "))
        }
    }
}

fn what_the_log_lacks(miss: &Missed) -> String {
    if miss.missing_fields.is_empty() {
        let what = match miss.reason {
            Reason::MainlyAnothers { .. } => "it was seen, but told as part of another story",
            Reason::TooMild { .. } => "it was seen, but taken too lightly",
            Reason::OnlyFindings { .. } => "it was seen, but made no incident",
            Reason::NotSeen => "a gap in the rules",
        };
        return format!("carries every field: {what}");
    }
    let fields: Vec<String> =
        miss.missing_fields.iter().map(|(field, count)| format!("{field} ×{count}")).collect();
    format!("lacks {}", fields.join(", "))
}

fn actions(miss: &Missed, verbose: bool) -> String {
    const SHOWN: usize = 6;
    let mut sorted: Vec<(&String, &usize)> = miss.actions.iter().collect();
    sorted.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let limit = if verbose { sorted.len() } else { SHOWN };
    let mut list: Vec<String> = sorted
        .iter()
        .take(limit)
        .map(|(name, count)| if **count > 1 { format!("{name} ×{count}") } else { (*name).clone() })
        .collect();
    if sorted.len() > limit {
        list.push(format!("and {} other kinds (--verbose)", sorted.len() - limit));
    }
    list.join("; ")
}

fn false_incidents(out: &mut String, score: &Score, verbose: bool) {
    const SHOWN: usize = 40;
    if score.false_incidents.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nfalse incidents ({})", score.false_incidents.len());
    let limit = if verbose { usize::MAX } else { SHOWN };
    for one in score.false_incidents.iter().take(limit) {
        let on = match one.kind {
            FalseKind::Background => "background".to_owned(),
            FalseKind::LookAlike => one.look_alikes.join(", "),
        };
        let _ = writeln!(
            out,
            "  {} {:8} {} records, on {on}: {} [{}]",
            one.id,
            one.severity.as_str(),
            one.records,
            printable(&one.title),
            one.rules.join(", ")
        );
    }
    let rest = score.false_incidents.len().saturating_sub(limit);
    if rest > 0 {
        let _ = writeln!(out, "  and {rest} more (--verbose)");
    }
}

fn mixed(out: &mut String, score: &Score) {
    if score.mixed.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nincidents that mix instances ({})", score.mixed.len());
    for one in &score.mixed {
        let parts: Vec<String> =
            one.instances.iter().map(|(name, count)| format!("{name} ×{count}")).collect();
        let _ = writeln!(
            out,
            "  {} {:8} {}: {}",
            one.id,
            one.severity.as_str(),
            parts.join(", "),
            printable(&one.title)
        );
    }
}

fn found(out: &mut String, score: &Score) {
    let _ = writeln!(out, "\nfound ({})", score.found.len());
    for one in &score.found {
        let _ = writeln!(
            out,
            "  {:10} {:8} {} incidents, {}/{} records cited: {}",
            one.instance,
            one.severity.as_str(),
            one.incidents,
            one.cited,
            one.records,
            one.title
        );
    }
}

/// Titles carry names out of logs: control characters must not reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
