//! `trailhound at`: how something was at one moment.

use super::{
    questions::{self, Logs, Readings, Shown},
    when::When,
};
use crate::{
    args::AtArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::state::Collector;

/// Runs the command.
pub(crate) fn run(args: &AtArgs) -> Result<Verdict, CommandError> {
    questions::no_picture(&args.ask)?;
    let (when, subject) = (When::parse(&args.time)?, questions::subject(&args.entity)?);
    let mut logs = Logs::read(&args.paths, &args.read, Readings::Two)?;
    let subject = logs.found(subject)?;
    let mut collector = Collector::new(subject.clone(), logs.moment(when));
    logs.requests(&mut |fact| collector.observe(fact))?;
    let Some(mut answer) = logs.ask(|twin| collector.finish_with(twin)).flatten() else {
        return Ok(logs.unknown(&subject.entity()));
    };
    let input = &logs.scan().input;
    if let (Some(first), Some(last)) = (input.first, input.last) {
        answer.within(first, last);
    }
    let shown = Shown { text: &trailhound_report::investigate::at, drawn: None };
    logs.show("at", &answer, &shown, &args.ask)
}
