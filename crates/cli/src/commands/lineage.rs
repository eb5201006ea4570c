//! `trailhound lineage`: where something comes from and what came of it.

use super::questions::{self, Logs};
use crate::{
    args::EntityArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::lineage::Collector;

/// Runs the command.
pub(crate) fn run(args: &EntityArgs) -> Result<Verdict, CommandError> {
    let subject = questions::subject(&args.entity)?;
    let logs = Logs::read(&args.paths, &args.read)?;
    let mut collector = Collector::default();
    logs.requests(&mut |fact| collector.observe(fact))?;
    let Some(answer) = collector.finish(&subject) else {
        return Ok(logs.unknown(&subject.entity()));
    };
    logs.show("lineage", &answer, trailhound_report::investigate::lineage, &args.ask)
}
