//! `trailhound lineage`: where something comes from and what came of it.

use super::questions::{self, Logs, Readings, Shown};
use crate::{
    args::EntityArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::lineage::Collector;
use trailhound_report::investigate as shown;

/// Runs the command.
pub(crate) fn run(args: &EntityArgs) -> Result<Verdict, CommandError> {
    let subject = questions::subject(&args.entity)?;
    let mut logs = Logs::read(&args.paths, &args.read, Readings::Two)?;
    let subject = logs.found(subject)?;
    let mut collector = Collector::default();
    logs.follow(&mut |fact, cause| collector.observe(fact, cause))?;
    let Some(answer) = logs.ask(|twin| collector.finish_with(&subject, twin)).flatten() else {
        return Ok(logs.unknown(&subject.entity()));
    };
    let shown = Shown { text: &shown::lineage, drawn: Some(&shown::drawn::lineage) };
    logs.show("lineage", &answer, &shown, &args.ask)
}
