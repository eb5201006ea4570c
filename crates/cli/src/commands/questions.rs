//! What all questions have in common: reading the logs, choosing the cluster, showing the answer, and
//! names that look like one that the log does not know.

use super::{
    GivenRules, scan, site_files,
    spool::{self, Spool},
    when::When,
};
use crate::{
    args::{AnswerForm, AskArgs, ReadArgs},
    exit::{CommandError, Verdict},
    terminal::{self, Meter},
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};
use trailhound_investigate::{Cause, Twin, lookalikes::Names, subject::Subject, whole};
use trailhound_model::{Str, fact::Fact, scan::Scan, time::Time};
use trailhound_pipeline::{Investigated, Options, Progress};
use trailhound_report::{TextStyle, investigate::Basis, svg::Drawing};

/// How often a question reads its logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readings {
    /// Once.
    One,
    /// Once to rebuild the cluster, once to look at requests: standard input is kept in between.
    Two,
}

/// How an answer is shown.
pub(super) struct Shown<'a, T> {
    /// In words.
    pub(super) text: &'a dyn Fn(&T, &Basis<'_>, &TextStyle) -> String,
    /// As a picture, where that says more.
    pub(super) drawn: Option<&'a dyn Fn(&T) -> Drawing>,
}

/// Refuses a picture where there is none, before the logs are read.
pub(super) fn no_picture(how: &AskArgs) -> Result<(), CommandError> {
    if how.output == AnswerForm::Svg { Err(CommandError::NoPicture) } else { Ok(()) }
}

/// Logs that were read once, and the cluster that is asked about.
pub(super) struct Logs {
    options: Options,
    /// What of the answer the reader has to know beforehand.
    notes: Vec<String>,
    /// Removed when the question is answered.
    _spool: Option<Spool>,
    /// What was found, and the twins.
    pub(super) read: Investigated,
    cluster: Str,
}

impl Logs {
    /// Reads, with progress on a terminal.
    pub(super) fn read(
        paths: &[PathBuf],
        args: &ReadArgs,
        readings: Readings,
    ) -> Result<Logs, CommandError> {
        let (paths, spool) = match readings {
            Readings::One => (paths.to_vec(), None),
            Readings::Two => spool::keep(paths)?,
        };
        let options = scan::options(paths, args.cluster.clone(), args.threads)?;
        let given = GivenRules { native: &args.rules, ..GivenRules::default() };
        let rules = Arc::new(site_files::join(super::rules_with(given)?, &args.site)?);
        let meter = Meter::start(trailhound_pipeline::size_on_disk(&options.paths));
        let read = trailhound_pipeline::investigate(&options, &rules, &mut |now| meter.show(now));
        meter.finish();
        let mut read = read?;
        if let Some(spool) = &spool {
            spool.rename(&mut read.scan.input);
        }
        let cluster = cluster(&read, args.cluster.as_deref())?;
        Ok(Logs { options, notes: Vec::new(), _spool: spool, read, cluster })
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
            return Ok(());
        }
        let meter = Meter::start(None);
        let mut show = |now: Progress| meter.show(now);
        let done = trailhound_pipeline::requests(&self.options, &self.cluster, &mut show, each);
        meter.finish();
        Ok(done?)
    }

    /// The same, with what set each off, where that is known.
    pub(super) fn follow(
        &self,
        each: &mut (dyn FnMut(&Fact, Option<&Cause>) + Send),
    ) -> Result<(), CommandError> {
        let causes = self.read.twins.get(&self.cluster).map(Twin::causes);
        self.requests(&mut |fact| {
            let cause = causes.and_then(|causes| causes.of(fact.event.position));
            each(fact, cause.as_ref());
        })
    }

    /// Asks the twin of the cluster; `None` if nothing was read.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Twin) -> T) -> Option<T> {
        self.read.twins.get(&self.cluster).map(question)
    }

    /// What an answer stands on.
    pub(super) fn basis(&self) -> Basis<'_> {
        let scan = self.scan();
        Basis {
            version: &scan.version,
            cluster: &self.cluster,
            input: &scan.input,
            notes: &self.notes,
        }
    }

    /// Shows an answer.
    pub(super) fn show<T: Serialize>(
        &self,
        command: &str,
        answer: &T,
        shown: &Shown<'_, T>,
        how: &AskArgs,
    ) -> Result<Verdict, CommandError> {
        let basis = self.basis();
        let text = match (how.output, shown.drawn) {
            (AnswerForm::Text, _) => {
                (shown.text)(answer, &basis, &terminal::style(how.color, how.verbose))
            }
            (AnswerForm::Svg, Some(drawn)) => drawn(answer).standalone(),
            (AnswerForm::Svg, None) => return Err(CommandError::NoPicture),
            (AnswerForm::Json, _) => {
                trailhound_report::investigate::answer_json(command, &basis, answer)
            }
        };
        terminal::answer(&text)?;
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
        if self.scan().input.events == 0 {
            terminal::complain(
                "there is no audit event in the input, so that nothing can be told. Give files or directories with audit.k8s.io events, one JSON object a line, or a wrapping that docs/output.md names",
            );
            return Verdict::Incomplete;
        }
        for note in &self.notes {
            terminal::complain(note);
        }
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

    /// The moment that was meant; what lies outside of the log is noted.
    pub(super) fn moment(&mut self, when: When) -> Time {
        let input = &self.scan().input;
        let (first, last) = (input.first.unwrap_or_default(), input.last.unwrap_or_default());
        let at = when.within(first, last);
        if input.events > 0 && at < first {
            self.note(format!("{at} is before the log begins ({first}). What was then is known only as far as later records tell of it; all else is unknown, not absent."));
        } else if input.events > 0 && at > last {
            self.note(format!("{at} is after the log ends ({last}). What is told is how it was at the end; what happened since is unknown."));
        }
        at
    }

    /// Notes something that the reader has to know beforehand.
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The thing that was meant, if its namespace was left out and only one namespace has it.
    pub(super) fn found(&mut self, subject: Subject) -> Result<Subject, CommandError> {
        let meant = self.ask(|twin| whole::candidates(twin, &subject)).unwrap_or_default();
        match meant.as_slice() {
            [] => Ok(subject),
            [only] => {
                self.note(format!("{} is {}.", subject.entity(), only.entity()));
                Ok(only.clone())
            }
            several => Err(CommandError::WhichOne {
                typed: subject.entity(),
                all: several.iter().map(Subject::entity).collect(),
            }),
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
