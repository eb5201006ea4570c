//! What the site expected, in words. What was made quiet is told as openly as what was not: an
//! exception is only safe as long as somebody sees what it lets pass.

use super::{counted, moment, named};
use trailhound_model::{finding::Finding, scan::Scan, site::SiteEntry};

/// One line per entry; with everything asked for, also those that made no difference.
pub(crate) fn entries(scan: &Scan, everything: bool) -> Vec<String> {
    let idle = |entry: &&SiteEntry| entry.findings == 0 && entry.not_lowered == 0;
    let told = scan.site.iter().filter(|entry| everything || !idle(entry));
    let mut lines: Vec<String> = told.map(line).collect();
    let unused = scan.site.iter().filter(idle).count() as u64;
    if !everything && unused > 0 {
        let verb = if unused == 1 { "makes" } else { "make" };
        lines.push(format!(
            "{} of the site {verb} no difference here (--verbose lists them).",
            if unused == 1 { "1 entry".to_owned() } else { format!("{unused} entries") }
        ));
    }
    lines
}

fn line(entry: &SiteEntry) -> String {
    let mut did = Vec::new();
    if entry.findings > 0 {
        let verb = if entry.kind == "break-glass" { "one step milder" } else { "suppressed" };
        did.push(format!(
            "{} {verb} ({})",
            counted(entry.findings, "finding"),
            counted(entry.records, "record")
        ));
    }
    if entry.expired > 0 {
        did.push(format!("expired before {}", counted(entry.expired, "finding")));
    }
    let kept = entry.not_lowered - entry.expired.min(entry.not_lowered);
    if kept > 0 {
        did.push(format!("too wide for {}", counted(kept, "critical finding")));
    }
    if did.is_empty() {
        did.push("made no difference".to_owned());
    }
    let reason = entry.reason.trim().trim_end_matches('.');
    format!(
        "{}: {}. {reason}; owner {}, until {}",
        entry.entry,
        did.join(", "),
        entry.owner,
        entry.expires
    )
}

/// The findings that the site made quiet, one line each, and how many more there are.
pub(crate) fn silenced(scan: &Scan, most: usize) -> (Vec<String>, usize) {
    let all = || scan.findings.iter().filter(|finding| finding.is_silenced());
    let lines: Vec<String> = all().take(most).map(silenced_line).collect();
    let left = all().count() - lines.len();
    (lines, left)
}

fn silenced_line(finding: &Finding) -> String {
    format!(
        "{} · {} · {} · {}",
        moment(finding.time),
        finding.rule.id,
        named(&finding.principal),
        finding.explanation
    )
}
