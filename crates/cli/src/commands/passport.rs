//! `trailhound passport`: the life of a credential, or of those of a pod or account.

use super::questions::{self, Logs};
use crate::{
    args::EntityArgs,
    exit::{CommandError, Verdict},
};
use trailhound_investigate::passport::passport;

/// Runs the command.
pub(crate) fn run(args: &EntityArgs) -> Result<Verdict, CommandError> {
    let entity = questions::subject(&args.entity)?.entity();
    let logs = Logs::read(&args.paths, &args.read)?;
    let Some(answer) = logs.ask(|twin| passport(twin, &entity)).flatten() else {
        return Ok(logs.unknown(&entity));
    };
    logs.show("passport", &answer, trailhound_report::investigate::passport, &args.ask)
}
