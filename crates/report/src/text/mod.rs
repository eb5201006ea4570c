//! The report for a terminal: for whoever is on call at three in the morning. The first line is
//! the answer; then the worst incident, told in order, with what to do; then, always, what was
//! checked and what the log could not show, because "nothing found" means little without them.

mod coverage;
mod incident;
mod page;
mod spread;
pub(crate) mod wrap;

use crate::words;
pub(crate) use page::{Cell, Ink, Page};
use trailhound_model::{finding::Severity, incident::Incident, scan::Scan};

/// How the terminal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextStyle {
    /// Columns; kept between 40 and 110, wider lines are hard to read.
    pub width: usize,
    /// Whether to use colour.
    pub colour: bool,
    /// Whether to show everything: minor incidents, every step, every rule and file.
    pub verbose: bool,
    /// Whether the terminal can show more than ASCII.
    pub unicode: bool,
}

impl Default for TextStyle {
    fn default() -> TextStyle {
        TextStyle { width: 80, colour: false, verbose: false, unicode: true }
    }
}

/// Incidents told in full unless everything is asked for; the others get one line each.
const TOLD_IN_FULL: usize = 20;
/// Incidents that get one line unless everything is asked for.
const LISTED: usize = 100;

/// The report for a terminal.
pub fn text(scan: &Scan, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(&mut page, scan);
    let (told, listed) = split(scan, style.verbose);
    let findings = scan.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    for one in told {
        incident::tell(&mut page, one, &findings);
    }
    list(&mut page, &listed);
    spread::weaknesses(&mut page, scan);
    coverage::site(&mut page, scan);
    coverage::checked(&mut page, scan);
    coverage::read(&mut page, &scan.input);
    coverage::completeness(&mut page, scan);
    coverage::blindness(&mut page, scan);
    page.finish()
}

fn opening(page: &mut Page, scan: &Scan) {
    let worst = scan.incidents.iter().map(|one| one.severity).max();
    let ink = match worst {
        Some(severity) if severity >= Severity::Medium => Ink::Mark(severity),
        _ if scan.input.events == 0 => Ink::Strong,
        _ => Ink::Good,
    };
    page.paragraph(0, &words::verdict(scan), ink);
    page.paragraph(0, &words::scope(scan), Ink::Faint);
}

/// Serious incidents are told, the others listed. The order of the scan (worst first) is kept.
fn split(scan: &Scan, verbose: bool) -> (Vec<&Incident>, Vec<&Incident>) {
    if verbose {
        return (scan.incidents.iter().collect(), Vec::new());
    }
    let (mut told, minor): (Vec<_>, Vec<_>) =
        scan.incidents.iter().partition(|one| words::is_serious(one));
    let mut listed = told.split_off(told.len().min(TOLD_IN_FULL));
    listed.extend(minor);
    (told, listed)
}

/// Everyday work of one kind is one line with a number, in the place of the first.
fn grouped<'a>(incidents: &[&'a Incident]) -> Vec<(&'a Incident, usize)> {
    let mut lines: Vec<(&Incident, usize)> = Vec::new();
    for one in incidents {
        let same = |(first, _): &&mut (&Incident, usize)| {
            first.severity == Severity::Info
                && first.title == one.title
                && one.severity == first.severity
        };
        match lines.iter_mut().find(same) {
            Some((_, times)) => *times += 1,
            None => lines.push((one, 1)),
        }
    }
    lines
}

fn list(page: &mut Page, incidents: &[&Incident]) {
    if incidents.is_empty() {
        return;
    }
    page.heading(0, "Also seen");
    let lines = grouped(incidents);
    for (one, times) in lines.iter().take(LISTED) {
        incident::one_line(page, one, *times);
    }
    let shown: usize = lines.iter().take(LISTED).map(|(_, times)| times).sum();
    if let Some(more @ 1..) = incidents.len().checked_sub(shown) {
        page.paragraph(
            2,
            &format!("… and {} more, not shown here.", words::thousands(more as u64)),
            Ink::Faint,
        );
    }
}
