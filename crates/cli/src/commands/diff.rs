//! `trailhound diff`: what changed between two moments, and who changed it.

use super::{
    questions::{self, Logs, Readings, Shown},
    when::When,
};
use crate::{
    args::DiffArgs,
    exit::{CommandError, Verdict},
};
use std::path::{Path, PathBuf};
use trailhound_investigate::{
    diff::{Collector, Diff, Scope},
    subject::Subject,
};

/// Runs the command.
pub(crate) fn run(args: &DiffArgs) -> Result<Verdict, CommandError> {
    questions::no_picture(&args.ask)?;
    let (from, to) = (When::parse(&args.from)?, When::parse(&args.to)?);
    let (subject, paths) = split(&args.what)?;
    let mut logs = Logs::read(paths, &args.read, Readings::Two)?;
    let subject = subject.map(|subject| logs.found(subject)).transpose()?;
    let (from, to) = (logs.moment(from), logs.moment(to));
    if from > to {
        logs.note(format!("{from} is after {to}: they were changed about."));
    }
    let scope = Scope { subject, namespace: args.namespace.clone() };
    let mut collector = Collector::new(from, to, scope);
    logs.requests(&mut |fact| collector.observe(fact))?;
    let answer = logs.ask(|twin| collector.finish_with(twin));
    let answer = answer.unwrap_or_else(|| Diff { from, to, ..Diff::default() });
    let shown = Shown { text: &trailhound_report::investigate::diff, drawn: None };
    logs.show("diff", &answer, &shown, &args.ask)
}

/// What comes first may be what is asked about: it is, if it is spelled so and no such file is there.
fn split(what: &[PathBuf]) -> Result<(Option<Subject>, &[PathBuf]), CommandError> {
    let Some((first, rest)) = what.split_first() else { return Ok((None, what)) };
    let typed = first.to_string_lossy();
    let subject = Subject::parse(&typed).ok().filter(|_| !Path::new(first).exists());
    match subject {
        None => Ok((None, what)),
        Some(_) if rest.is_empty() => Err(CommandError::NoLogs),
        Some(subject) => Ok((Some(subject), rest)),
    }
}
