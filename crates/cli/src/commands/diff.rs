//! `trailhound diff`: what changed between two moments, and who changed it.

use super::questions::Logs;
use crate::{
    args::DiffArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::diff::Collector;

/// Runs the command.
pub(crate) fn run(args: &DiffArgs) -> Result<Verdict, CommandError> {
    let logs = Logs::read(&args.paths, &args.read)?;
    let mut collector = Collector::new(logs.moment(&args.from)?, logs.moment(&args.to)?);
    logs.requests(&mut |fact| collector.observe(fact))?;
    logs.show("diff", &collector.finish(), trailhound_report::investigate::diff, &args.ask)
}
