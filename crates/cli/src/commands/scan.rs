//! `trailhound scan`: read, judge, show, and say by the exit code whether somebody must look.

use super::{GivenRules, alerts};
use crate::{
    args::{OutputArgs, OutputForm, ScanArgs, SiteArgs},
    exit::{CommandError, Verdict},
    terminal::{self, Meter},
};
use std::{fs, path::PathBuf, sync::Arc, thread};
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_model::{finding::Severity, scan::Scan};
use trailhound_pipeline::Options;

/// More decoding threads than this only wait for one another.
const MOST_THREADS: usize = 64;

/// Runs the command.
pub(crate) fn run(args: &ScanArgs) -> Result<Verdict, CommandError> {
    let mut options = options(args.paths.clone(), args.cluster.clone(), args.threads)?;
    options.settings.twin = !args.no_twin;
    let given = GivenRules {
        native: &args.rules,
        falco: &args.falco_rules,
        falco_first: args.falco_first_match,
        falco_alerts: args.output.output == OutputForm::Falco,
        sigma: &args.sigma_rules,
    };
    let scan = if given.falco_alerts {
        let scan = alerts::tell(&options, given, &args.site)?;
        write_report(&scan, &args.output)?;
        scan
    } else {
        let scan = read(&options, given, &args.site)?;
        show(&scan, &args.output)?;
        scan
    };
    Ok(verdict(&scan, args.fail_on))
}

/// Options with fresh keys.
pub(crate) fn options(
    paths: Vec<PathBuf>,
    cluster: Option<String>,
    threads: usize,
) -> Result<Options, CommandError> {
    let threads = match threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        given => given.min(MOST_THREADS),
    };
    Ok(Options {
        paths,
        cluster,
        threads,
        masking_key: key()?,
        record_key: key()?,
        limits: Limits::default(),
        settings: Settings::default(),
    })
}

fn key() -> Result<[u8; 16], CommandError> {
    let mut key = [0; 16];
    getrandom::fill(&mut key).map_err(CommandError::Random)?;
    Ok(key)
}

/// Reads and judges, with progress on a terminal.
pub(crate) fn read(
    options: &Options,
    given: GivenRules<'_>,
    site: &SiteArgs,
) -> Result<Scan, CommandError> {
    let rules = Arc::new(super::site_files::join(super::rules_with(given)?, site)?);
    let meter = Meter::start(trailhound_pipeline::size_on_disk(&options.paths));
    let scan = trailhound_pipeline::scan(options, &rules, &mut |progress| meter.show(progress));
    meter.finish();
    Ok(scan?)
}

/// Shows the answer in the form asked for, and writes the page.
pub(crate) fn show(scan: &Scan, output: &OutputArgs) -> Result<(), CommandError> {
    let text = match output.output {
        OutputForm::Text => {
            trailhound_report::text(scan, &terminal::style(output.color, output.verbose))
        }
        OutputForm::Json => trailhound_report::json(scan),
        OutputForm::Jsonl => trailhound_report::jsonl(scan),
        OutputForm::Falco => return Err(CommandError::NoFalcoRules),
    };
    // The answer first: a report that cannot be written must not cost it.
    let shown = terminal::answer(&text);
    write_report(scan, output)?;
    shown
}

fn write_report(scan: &Scan, output: &OutputArgs) -> Result<(), CommandError> {
    let Some(path) = &output.report else { return Ok(()) };
    fs::write(path, trailhound_report::html(scan)).map_err(|error| CommandError::Write {
        what: format!("the report to {}", path.display()),
        error,
    })
}

fn verdict(scan: &Scan, fail_on: Severity) -> Verdict {
    let input = &scan.input;
    if !input.unread.is_empty() || input.rejected > 0 || input.events == 0 {
        return Verdict::Incomplete;
    }
    if scan.incidents.iter().any(|incident| incident.severity >= fail_on) {
        return Verdict::Incidents;
    }
    Verdict::Quiet
}
