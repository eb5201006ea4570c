//! Scores a scan of a labelled recording: how many attacks were found, and at which price in false
//! and mixed-up incidents. The product never sees the labels; they are joined here, by auditID.

mod blind;
mod family;
mod score;
#[cfg(test)]
mod tests;
mod text;

use crate::error::{Error, Result};
use crate::recording::{self, Truth};
use crate::scan::Scan;
use crate::workspace;
use score::{FalseKind, Score};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Score a scan of a labelled recording.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Directory of the recording, or its name under ../shared/corpus; all of them if none is given
    recordings: Vec<PathBuf>,
    /// Score this scan (`trailhound scan … --output json`) instead of running one
    #[arg(long, value_name = "FILE")]
    scan_json: Option<PathBuf>,
    /// Run this executable instead of building the workspace's own
    #[arg(long, value_name = "FILE", conflicts_with = "scan_json")]
    program: Option<PathBuf>,
    /// Print the score as JSON
    #[arg(long)]
    json: bool,
    /// Also list what was found, and cut no list short
    #[arg(long, short)]
    verbose: bool,
    /// Fail if fewer instances are found, in percent
    #[arg(long, value_name = "PERCENT")]
    min_found: Option<f64>,
    /// Fail if there are more false incidents on background
    #[arg(long, value_name = "N")]
    max_false: Option<usize>,
    /// Fail if there are more false incidents on benign look-alikes
    #[arg(long, value_name = "N")]
    max_look_alike: Option<usize>,
    /// Fail if more incidents mix instances
    #[arg(long, value_name = "N")]
    max_mixed: Option<usize>,
}

/// Runs the command; `false` means that a limit was not kept.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let mut scores = Vec::new();
    let mut program = args.program.clone();
    for dir in recordings(args)? {
        let scan = match &args.scan_json {
            Some(path) => Scan::read(path)?,
            None => Scan::run(&built(&mut program)?, &recording::audit_files(&dir)?)?,
        };
        scores.push(score_recording(&dir, &scan)?);
    }
    if args.json {
        let json = serde_json::to_string_pretty(&scores);
        say!("{}", json.map_err(|error| Error::Other(error.to_string()))?);
    } else {
        let texts: Vec<String> =
            scores.iter().map(|score| text::text(score, args.verbose)).collect();
        say!("{}", texts.join("\n").trim_end());
    }
    let broken: Vec<String> = scores.iter().flat_map(|score| broken_limits(args, score)).collect();
    for what in &broken {
        eprintln!("limit not kept: {what}");
    }
    Ok(broken.is_empty())
}

fn recordings(args: &Args) -> Result<Vec<PathBuf>> {
    let dirs: Vec<PathBuf> = if args.recordings.is_empty() {
        workspace::recordings()
    } else {
        args.recordings
            .iter()
            .map(|given| workspace::recording_dir(given))
            .collect::<Result<_>>()?
    };
    if dirs.is_empty() {
        return Err(Error::NoRecording(workspace::corpus()));
    }
    if dirs.len() > 1 && args.scan_json.is_some() {
        return Err(Error::Other(
            "--scan-json is one scan: name the one recording it is of".into(),
        ));
    }
    Ok(dirs)
}

fn built(program: &mut Option<PathBuf>) -> Result<PathBuf> {
    if let Some(program) = program {
        return Ok(program.clone());
    }
    let built = workspace::build_product()?;
    *program = Some(built.clone());
    Ok(built)
}

/// Scores a scan of the recording in `dir`.
fn score_recording(dir: &Path, scan: &Scan) -> Result<Score> {
    let truth = Truth::read(dir)?;
    let mut score = score::score(&truth, scan);
    score.recording = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    add_what_the_log_lacks(&mut score, dir, scan)?;
    Ok(score)
}

fn add_what_the_log_lacks(score: &mut Score, dir: &Path, scan: &Scan) -> Result<()> {
    let cited: BTreeSet<&str> = scan
        .incidents
        .iter()
        .flat_map(|incident| &incident.evidence)
        .chain(scan.findings.iter().flat_map(|finding| &finding.evidence))
        .map(String::as_str)
        .collect();
    let missed: BTreeSet<&str> =
        score.missed.iter().flat_map(|miss| &miss.records).map(String::as_str).collect();
    let wanted: BTreeSet<&str> = cited.union(&missed).copied().collect();
    let shown = blind::read(&recording::audit_files(dir)?, &wanted)?;
    score.unknown_evidence = cited.iter().filter(|id| !shown.seen.contains(**id)).count();
    for miss in &mut score.missed {
        miss.missing_fields = blind::count(&miss.records, &shown);
    }
    Ok(())
}

fn broken_limits(args: &Args, score: &Score) -> Vec<String> {
    let mut broken = Vec::new();
    let percent = 100.0 * score.instances.found as f64 / score.instances.of.max(1) as f64;
    if args.min_found.is_some_and(|least| percent < least) {
        broken.push(format!("{}: {percent:.1} % of the instances found", score.recording));
    }
    let mut at_most = |limit: Option<usize>, count: usize, what: &str| {
        if limit.is_some_and(|most| count > most) {
            broken.push(format!("{}: {count} {what}", score.recording));
        }
    };
    let background = score.false_of(FalseKind::Background).count();
    let look_alike = score.false_of(FalseKind::LookAlike).count();
    at_most(args.max_false, background, "false incidents on background");
    at_most(args.max_look_alike, look_alike, "false incidents on benign look-alikes");
    at_most(args.max_mixed, score.mixed.len(), "incidents that mix instances");
    broken
}
