//! Shows what a change does to the findings over the recordings, before it is merged. What is
//! committed is a summary (rules, counts, titles as hashes), never contents of a log: small, free
//! of names, and readable as a diff.

use crate::error::{Error, Result};
use crate::scan::Scan;
use crate::{recording, workspace};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Show which findings and incidents a change adds or removes over the recordings.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compare with the summaries of this git revision instead of those in the work tree
    #[arg(long, value_name = "REV", conflicts_with = "baseline")]
    base: Option<String>,
    /// Compare one recording with this file
    #[arg(long, value_name = "FILE", requires = "recording")]
    baseline: Option<PathBuf>,
    /// Only this recording: a directory, or a name under ../shared/corpus
    #[arg(long, value_name = "DIR")]
    recording: Option<PathBuf>,
    /// Summarise this scan (`--output json`) instead of running one
    #[arg(long, value_name = "FILE", requires = "recording")]
    scan_json: Option<PathBuf>,
    /// Run this executable instead of building the workspace's own
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Write the new summaries
    #[arg(long)]
    bless: bool,
}

/// Where the summaries are, from the workspace root.
const SUMMARIES: &str = "tests/corpus";

/// Runs the command; `false` means that something differs and was not blessed.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let dirs = match &args.recording {
        Some(given) => vec![workspace::recording_dir(given)?],
        None => workspace::recordings(),
    };
    if dirs.is_empty() {
        say!("left out: there are no recordings at {}", workspace::corpus().display());
        return Ok(true);
    }
    let mut same = true;
    for dir in dirs {
        same &= compare(args, &dir)?;
    }
    Ok(same || args.bless)
}

fn compare(args: &Args, dir: &Path) -> Result<bool> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let new = summary(&scan(args, dir)?);
    let file = format!("{SUMMARIES}/{name}.findings");
    let old = match (&args.base, &args.baseline) {
        (Some(revision), _) => committed(revision, &file)?,
        (None, Some(path)) => recording::read_text(path)?,
        (None, None) => std::fs::read_to_string(workspace::root().join(&file)).unwrap_or_default(),
    };
    let difference = difference(&old, &new);
    if difference.is_empty() {
        say!("{name}: no change ({})", totals(&new));
    } else {
        say!("{name}: {} → {}", totals(&old), totals(&new));
        say!("{}", difference.join("\n"));
    }
    if args.bless && old != new {
        bless(&workspace::root().join(&file), &new)?;
    }
    Ok(difference.is_empty())
}

fn scan(args: &Args, dir: &Path) -> Result<Scan> {
    if let Some(path) = &args.scan_json {
        return Scan::read(path);
    }
    let program = match &args.program {
        Some(program) => program.clone(),
        None => workspace::build_product()?,
    };
    Scan::run(&program, &recording::audit_files(dir)?)
}

fn bless(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    }
    std::fs::write(path, text).map_err(Error::io("write", path))?;
    say!("blessed {}", path.display());
    Ok(())
}

/// The summary in a revision; empty if that revision has none.
fn committed(revision: &str, file: &str) -> Result<String> {
    let line = format!("git show {revision}:{file}");
    let git = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .current_dir(workspace::root())
            .output()
            .map_err(|error| workspace::child(&line, format!("did not start: {error}")))
    };
    let commit = format!("{revision}^{{commit}}");
    if !git(&["rev-parse", "--verify", "--quiet", &commit])?.status.success() {
        return Err(workspace::child(&line, "failed: there is no such revision".into()));
    }
    let output = git(&["show", &format!("{revision}:{file}")])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(if output.status.success() { text } else { String::new() })
}

/// Findings by rule and severity with counts, then incidents by severity, title and rules. Equal
/// lines are counted, so that order and ids play no part.
fn summary(scan: &Scan) -> String {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    let mut rule_of: BTreeMap<&str, &str> = BTreeMap::new();
    for finding in &scan.findings {
        rule_of.insert(&finding.id, &finding.rule.id);
        let line = format!("finding  {} {}", finding.rule.id, finding.severity.as_str());
        *lines.entry(line).or_default() += 1;
    }
    for incident in &scan.incidents {
        let rules: BTreeSet<&str> =
            incident.findings.iter().filter_map(|id| rule_of.get(id.as_str()).copied()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let line = format!(
            "incident {} {:08x} {} records: {}",
            incident.severity.as_str(),
            hash(&incident.title),
            incident.evidence.len(),
            rules.join(" ")
        );
        *lines.entry(line).or_default() += 1;
    }
    let mut text = String::from(
        "# Written by `cargo xtask corpus-diff --bless`; one line per kind, with its count.\n",
    );
    for (line, count) in lines {
        let _ = writeln!(text, "{line} ×{count}");
    }
    text
}

/// FNV-1a, folded to 32 bits: a title carries names out of the log, its hash does not.
fn hash(text: &str) -> u32 {
    let wide = text.bytes().fold(0xcbf2_9ce4_8422_2325u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (wide ^ (wide >> 32)) as u32
}

fn totals(summary: &str) -> String {
    let count = |kind: &str| -> u64 {
        let lines = summary.lines().filter(|line| line.starts_with(kind));
        lines.filter_map(|line| line.rsplit_once('×')?.1.parse::<u64>().ok()).sum()
    };
    format!("{} findings, {} incidents", count("finding "), count("incident "))
}

/// Lines that are gone, new, or there in another number.
fn difference(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (counts(old), counts(new));
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    keys.into_iter()
        .filter_map(|key| match (old.get(key), new.get(key)) {
            (Some(before), Some(after)) if before == after => None,
            (Some(before), Some(after)) => Some(format!("  ~ {key} ×{before} → ×{after}")),
            (Some(before), None) => Some(format!("  - {key} ×{before}")),
            (None, Some(after)) => Some(format!("  + {key} ×{after}")),
            (None, None) => None,
        })
        .collect()
}

fn counts(summary: &str) -> BTreeMap<&str, &str> {
    let lines = summary.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(" ×")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Finding, Incident, RuleRef, Severity};

    fn scan(findings: &[(&str, &str)], title: &str) -> Scan {
        let findings: Vec<Finding> = findings
            .iter()
            .map(|(id, rule)| Finding {
                id: (*id).into(),
                rule: RuleRef { id: (*rule).into() },
                severity: Severity::High,
                ..Finding::default()
            })
            .collect();
        let incident = Incident {
            severity: Severity::High,
            title: title.into(),
            findings: findings.iter().map(|finding| finding.id.clone()).collect(),
            ..Incident::default()
        };
        Scan { findings, incidents: vec![incident], ..Scan::default() }
    }

    #[test]
    fn order_and_ids_play_no_part() {
        let one = summary(&scan(&[("1", "a"), ("2", "b")], "t"));
        let two = summary(&scan(&[("8", "b"), ("9", "a")], "t"));
        assert_eq!(one, two);
        assert!(difference(&one, &two).is_empty());
        assert_eq!(totals(&one), "2 findings, 1 incidents");
    }

    #[test]
    fn one_finding_more_is_shown_as_a_changed_count() {
        let old = summary(&scan(&[("1", "a")], "t"));
        let new = summary(&scan(&[("1", "a"), ("2", "a")], "t"));
        assert_eq!(difference(&old, &new), ["  ~ finding  a high ×1 → ×2"]);
    }

    #[test]
    fn a_rule_that_no_longer_fires_is_shown() {
        let old = summary(&scan(&[("1", "a")], "t"));
        let new = summary(&scan(&[("1", "b")], "t"));
        let lines = difference(&old, &new);
        assert!(lines.contains(&"  - finding  a high ×1".to_owned()), "{lines:?}");
        assert!(lines.contains(&"  + finding  b high ×1".to_owned()), "{lines:?}");
    }

    #[test]
    fn no_name_of_the_log_is_in_the_summary() {
        let text = summary(&scan(&[("1", "a")], "alice read the secret of shop"));
        assert!(!text.contains("alice") && !text.contains("shop"));
    }

    #[test]
    fn without_a_summary_everything_is_new() {
        let new = summary(&scan(&[("1", "a")], "t"));
        assert_eq!(difference("", &new).len(), 2);
    }
}
