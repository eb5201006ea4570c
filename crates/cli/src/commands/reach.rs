//! `trailhound reach`: what could be taken from somewhere, and which standing grants are the worst.

use super::{
    questions::{self, Logs, Readings, Shown},
    when::When,
};
use crate::{
    args::ReachArgs,
    exit::{CommandError, Verdict},
};
use std::path::PathBuf;
use trailhound_investigate::reach;
use trailhound_report::investigate as shown;

/// Runs the command.
pub(crate) fn run(args: &ReachArgs) -> Result<Verdict, CommandError> {
    let when = When::parse(&args.at)?;
    if args.worst {
        let paths: Vec<PathBuf> = args.what.iter().map(PathBuf::from).collect();
        questions::no_picture(&args.ask)?;
        let mut logs = Logs::read(&paths, &args.read, Readings::One)?;
        let at = logs.moment(when);
        let answer = logs.ask(|twin| reach::ranking(&reach::snapshot(twin, at)));
        let answer = answer.unwrap_or_default();
        return logs.show(
            "reach-worst",
            &answer,
            &Shown { text: &shown::worst, drawn: None },
            &args.ask,
        );
    }
    let Some((entity, paths)) = args.what.split_first().filter(|(_, paths)| !paths.is_empty())
    else {
        return Err(CommandError::NoLogs);
    };
    let subject = questions::subject(&entity.to_string_lossy())?;
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let mut logs = Logs::read(&paths, &args.read, Readings::One)?;
    let entity = logs.found(subject)?.entity();
    let at = logs.moment(when);
    let answer = logs.ask(|twin| match &args.without {
        None => reach::reach_at(twin, &entity, at),
        Some(binding) => {
            let mut snapshot = reach::snapshot(twin, at);
            snapshot.grants.retain(|grant| {
                let kind =
                    if grant.namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" };
                trailhound_model::entity::object(kind, &grant.namespace, &grant.name) != *binding
            });
            reach::reach(&snapshot, &entity)
        }
    });
    match answer.filter(|answer| answer.known) {
        Some(answer) => {
            let shown = Shown { text: &shown::reach, drawn: Some(&shown::drawn::reach) };
            logs.show("reach", &answer, &shown, &args.ask)
        }
        None => Ok(logs.unknown(&entity)),
    }
}
