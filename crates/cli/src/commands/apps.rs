//! `trailhound apps`: what runs in the cluster, and one application in full.

use super::questions::{self, Logs, Readings, Shown};
use crate::{
    args::{AppsArgs, AppsCommand},
    exit::{CommandError, Verdict},
};
use trailhound_investigate::apps;
use trailhound_report::investigate::{self as shown, Apps};

/// Runs the command.
pub(crate) fn run(args: &AppsArgs) -> Result<Verdict, CommandError> {
    if let Some(AppsCommand::Show { name, paths, read, ask }) = &args.command {
        let logs = Logs::read(paths, read, Readings::One)?;
        let bare = name.strip_prefix("app:").unwrap_or(name);
        let Some(answer) = logs.ask(|twin| apps::app(twin, bare)).flatten() else {
            return Ok(logs.unknown(&format!("app:{bare}")));
        };
        let shown = Shown { text: &shown::app, drawn: Some(&shown::drawn::app) };
        return logs.show("app", &answer, &shown, ask);
    }
    questions::no_picture(&args.ask)?;
    let logs = Logs::read(&args.paths, &args.read, Readings::One)?;
    let answer = Apps { apps: logs.ask(apps::apps).unwrap_or_default() };
    logs.show("apps", &answer, &Shown { text: &shown::apps, drawn: None }, &args.ask)
}
