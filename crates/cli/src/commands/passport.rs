//! `trailhound passport`: the life of a credential, or of those of a pod or account.

use super::questions::{self, Logs, Readings, Shown};
use crate::{
    args::EntityArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::passport::passport;
use trailhound_report::investigate as shown;

/// Runs the command.
pub(crate) fn run(args: &EntityArgs) -> Result<Verdict, CommandError> {
    let subject = questions::subject(&args.entity)?;
    let mut logs = Logs::read(&args.paths, &args.read, Readings::One)?;
    let entity = logs.found(subject)?.entity();
    let Some(answer) = logs.ask(|twin| passport(twin, &entity)).flatten() else {
        return Ok(logs.unknown(&entity));
    };
    let shown = Shown { text: &shown::passport, drawn: Some(&shown::drawn::passport) };
    logs.show("passport", &answer, &shown, &args.ask)
}
