//! `trailhound at`: how something was at one moment.

use super::questions::{self, Logs};
use crate::{
    args::AtArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::state::Collector;

/// Runs the command.
pub(crate) fn run(args: &AtArgs) -> Result<Verdict, CommandError> {
    let subject = questions::subject(&args.entity)?;
    let logs = Logs::read(&args.paths, &args.read)?;
    let mut collector = Collector::new(subject.clone(), logs.moment(&args.time)?);
    logs.requests(&mut |fact| collector.observe(fact))?;
    let Some(answer) = collector.finish() else { return Ok(logs.unknown(&subject.entity())) };
    logs.show("at", &answer, trailhound_report::investigate::at, &args.ask)
}
