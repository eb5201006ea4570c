//! `trailhound apps`: what runs in the cluster, and one application in full.

use super::questions::Logs;
use crate::{
    args::{AppsArgs, AppsCommand},
    exit::{CommandError, Verdict},
};
use trailhound_investigate::apps;
use trailhound_report::investigate::{self as shown, Apps};

/// Runs the command.
pub(crate) fn run(args: &AppsArgs) -> Result<Verdict, CommandError> {
    if let Some(AppsCommand::Show { name, paths, read, ask }) = &args.command {
        let logs = Logs::read(paths, read)?;
        let bare = name.strip_prefix("app:").unwrap_or(name);
        let Some(answer) = logs.ask(|twin| apps::app(twin, bare)).flatten() else {
            return Ok(logs.unknown(&format!("app:{bare}")));
        };
        return logs.show("app", &answer, shown::app, ask);
    }
    let logs = Logs::read(&args.paths, &args.read)?;
    let answer = Apps { apps: logs.ask(apps::apps).unwrap_or_default() };
    logs.show("apps", &answer, shown::apps, &args.ask)
}
