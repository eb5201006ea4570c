//! `trailhound who-can`: who has a right, by which grant, and whether it was ever used.

use super::{
    questions::{self, Logs, Readings, Shown},
    when::When,
};
use crate::{
    args::WhoCanArgs,
    exit::{CommandError, Verdict},
    terminal,
};
use trailhound_investigate::who_can;

/// Runs the command.
pub(crate) fn run(args: &WhoCanArgs) -> Result<Verdict, CommandError> {
    questions::no_picture(&args.ask)?;
    let when = When::parse(&args.at)?;
    let mut logs = Logs::read(&args.paths, &args.read, Readings::One)?;
    let at = logs.moment(when);
    let ask = |twin: &trailhound_investigate::Twin| {
        who_can::who_can(twin, &args.verb, &args.resource, &args.name, &args.namespace, at)
    };
    let answer = logs.ask(ask);
    match answer {
        Some(answer)
            if !answer.holders.is_empty()
                || !answer.detours.is_empty()
                || !answer.unknown.is_empty() =>
        {
            let shown = Shown { text: &trailhound_report::investigate::who_can, drawn: None };
            logs.show("who-can", &answer, &shown, &args.ask)
        }
        _ => {
            terminal::complain("the log knows nobody who can, but for the group system:masters");
            Ok(logs.verdict(Verdict::Incidents))
        }
    }
}
