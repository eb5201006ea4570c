//! What all questions have in common: reading the logs, choosing the cluster, showing the answer, and
//! names that look like one that the log does not know.

use super::{GivenRules, scan, site_files};
use crate::{
    args::{AnswerForm, AskArgs, ReadArgs},
    exit::{CommandError, Verdict},
    terminal::{self, Meter},
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};
use trailhound_investigate::{lookalikes::Names, subject::Subject};
use trailhound_model::{Str, fact::Fact, scan::Scan, time::Time};
use trailhound_pipeline::{Investigated, Options, Progress};
use trailhound_report::{TextStyle, investigate::Basis};

/// Logs that were read once, and the cluster that is asked about.
pub(super) struct Logs {
    options: Options,
    /// What was found, and the twins.
    pub(super) read: Investigated,
    cluster: Str,
}

impl Logs {
    /// Reads, with progress on a terminal.
    pub(super) fn read(paths: &[PathBuf], args: &ReadArgs) -> Result<Logs, CommandError> {
        let options = scan::options(paths.to_vec(), args.cluster.clone(), args.threads)?;
        let given = GivenRules { native: &args.rules, ..GivenRules::default() };
        let rules = Arc::new(site_files::join(super::rules_with(given)?, &args.site)?);
        let meter = Meter::start(trailhound_pipeline::size_on_disk(&options.paths));
        let read = trailhound_pipeline::investigate(&options, &rules, &mut |now| meter.show(now));
        meter.finish();
        let read = read?;
        let cluster = cluster(&read, args.cluster.as_deref())?;
        Ok(Logs { options, read, cluster })
    }

    /// What was found.
    pub(super) fn scan(&self) -> &Scan {
        &self.read.scan
    }

    /// Hands every request of the cluster to `each`, in order of time.
    pub(super) fn requests(
        &self,
        each: &mut (dyn FnMut(&Fact) + Send),
    ) -> Result<(), CommandError> {
        if self.options.paths.iter().any(|path| path.as_os_str() == "-") {
            return Err(CommandError::ReadTwice);
        }
        let meter = Meter::start(None);
        let mut show = |now: Progress| meter.show(now);
        let done = trailhound_pipeline::requests(&self.options, &self.cluster, &mut show, each);
        meter.finish();
        Ok(done?)
    }

    /// The same, with the audit id of the act that set each off, where that is known.
    pub(super) fn follow(
        &self,
        each: &mut (dyn FnMut(&Fact, Option<&str>) + Send),
    ) -> Result<(), CommandError> {
        let causes = self.read.twins.get(&self.cluster).map(trailhound_investigate::Twin::causes);
        self.requests(&mut |fact| {
            let cause = causes.and_then(|causes| causes.of(fact.event.position));
            each(fact, cause.as_ref().map(|cause| cause.root.audit_id.as_str()));
        })
    }

    /// Asks the twin of the cluster; `None` if nothing was read.
    pub(super) fn ask<T>(
        &self,
        question: impl FnOnce(&trailhound_investigate::Twin) -> T,
    ) -> Option<T> {
        self.read.twins.get(&self.cluster).map(question)
    }

    /// What an answer stands on.
    pub(super) fn basis(&self) -> Basis<'_> {
        let scan = self.scan();
        Basis { version: &scan.version, cluster: &self.cluster, input: &scan.input }
    }

    /// Shows an answer.
    pub(super) fn show<T: Serialize>(
        &self,
        command: &str,
        answer: &T,
        text: impl FnOnce(&T, &Basis<'_>, &TextStyle) -> String,
        how: &AskArgs,
    ) -> Result<Verdict, CommandError> {
        let basis = self.basis();
        terminal::answer(&match how.output {
            AnswerForm::Text => text(answer, &basis, &terminal::style(how.color, how.verbose)),
            AnswerForm::Json => {
                trailhound_report::investigate::answer_json(command, &basis, answer)
            }
        })?;
        Ok(self.verdict(Verdict::Quiet))
    }

    /// Says that the log does not know it, with what looks like it.
    pub(super) fn unknown(&self, entity: &str) -> Verdict {
        let mut names = Names::default();
        // Without a second reading there are no suggestions; the answer is the same.
        let again = self.requests(&mut |fact| names.observe(fact));
        let like = if again.is_ok() { names.like(entity) } else { Vec::new() };
        let hint = match like.as_slice() {
            [] => String::new(),
            like => format!("\nThe log knows: {}", like.join(", ")),
        };
        terminal::complain(&format!("the log knows nothing of {entity}{hint}"));
        self.verdict(Verdict::Incidents)
    }

    /// Input that was not wholly read wins over any answer.
    pub(super) fn verdict(&self, answer: Verdict) -> Verdict {
        let input = &self.scan().input;
        if !input.unread.is_empty() || input.rejected > 0 || input.events == 0 {
            return Verdict::Incomplete;
        }
        answer
    }

    /// A moment as it was typed; `start` and `end` are those of the log.
    pub(super) fn moment(&self, typed: &str) -> Result<Time, CommandError> {
        let input = &self.scan().input;
        match typed {
            "start" | "begin" => Ok(input.first.unwrap_or_default()),
            "end" | "now" => Ok(input.last.unwrap_or_default()),
            _ => moment(typed).ok_or_else(|| CommandError::NoTime(typed.to_owned())),
        }
    }
}

/// The cluster that is asked about: the only one, or the one that was named.
fn cluster(read: &Investigated, named: Option<&str>) -> Result<Str, CommandError> {
    let mut all = read.twins.keys();
    match (all.next(), all.next(), named) {
        (None, _, _) => Ok(named.unwrap_or_default().into()),
        (Some(only), None, _) => Ok(only.clone()),
        (_, _, Some(name)) if read.twins.contains_key(name) => Ok(name.into()),
        _ => Err(CommandError::WhichCluster(read.twins.keys().map(ToString::to_string).collect())),
    }
}

/// What a question is about.
pub(super) fn subject(typed: &str) -> Result<Subject, CommandError> {
    Subject::parse(typed).map_err(|error| CommandError::NoSubject(error.to_string()))
}

/// RFC 3339, or less of it, in UTC: `2026-11-23T11:20`, `2026-11-23 11:20:05`, `2026-11-23`.
fn moment(typed: &str) -> Option<Time> {
    let filled = match typed.len() {
        10 => format!("{typed}T00:00:00Z"),
        16 => format!("{typed}:00Z"),
        _ => format!("{typed}Z"),
    };
    Time::parse(typed).or_else(|| Time::parse(&filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_may_be_shortened_and_are_utc() {
        for (typed, time) in [
            ("2026-11-23T11:20:00Z", "2026-11-23T11:20:00Z"),
            ("2026-11-23T13:20:00+02:00", "2026-11-23T11:20:00Z"),
            ("2026-11-23T11:20:05", "2026-11-23T11:20:05Z"),
            ("2026-11-23 11:20", "2026-11-23T11:20:00Z"),
            ("2026-11-23", "2026-11-23T00:00:00Z"),
        ] {
            assert_eq!(moment(typed).map(|time| time.to_string()).as_deref(), Some(time));
        }
        for typed in ["", "yesterday", "11:20", "äöüäö"] {
            assert_eq!(moment(typed), None);
        }
    }
}
