//! The exit codes, in one place: 0 quiet or answered, 1 incidents or nothing known of what was asked,
//! 2 error or input not wholly read.

use crate::terminal;
use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing that should fail a script.
    Quiet,
    /// Incidents at or above the severity asked for; the log knows nothing of what was asked.
    Incidents,
    /// Some input was not read.
    Incomplete,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is no answer.
    #[error(transparent)]
    Scan(#[from] trailhound_pipeline::ScanError),
    /// Rules do not load.
    #[error("{} with rule files:\n{}", counted(.0.len()), .0.join("\n"))]
    Rules(Vec<String>),
    /// What the site brought along cannot be used.
    #[error("{} with what the site brings along:\n{}", counted(.0.len()), .0.join("\n"))]
    Site(Vec<String>),
    /// Alerts in the form of Falco were asked for without its rules.
    #[error("--output falco tells the alerts of Falco rules: name them with --falco-rules")]
    NoFalcoRules,
    /// What was asked about is no entity.
    #[error("{0}")]
    NoSubject(String),
    /// What was given as a moment is none.
    #[error(
        "{0:?} is no time: give one such as 2026-11-23T11:20:00Z, 2026-11-23T11:20 or 2026-11-23 (UTC), start, end, or counted from the log's ends, such as -2h, end-90s, start+10m"
    )]
    NoTime(String),
    /// Several clusters, and nobody said which.
    #[error("these logs are of {} clusters; say with --cluster which one is asked about: {}", .0.len(), .0.join(", "))]
    WhichCluster(Vec<String>),
    /// Something to ask about, but no logs.
    #[error(
        "say what is asked about and then the logs, as in: trailhound reach sa:shop/cart /logs"
    )]
    NoLogs,
    /// Standard input cannot be kept.
    #[error(
        "this question reads its logs twice, so that standard input is kept in {folder} meanwhile, which failed: {error}. Make room there, let TMPDIR name another folder, or give the logs as files"
    )]
    Spool {
        /// Where.
        folder: String,
        /// Why not.
        error: std::io::Error,
    },
    /// A name without a namespace that several namespaces have.
    #[error("{typed} is in several namespaces; say which one is meant: {}", shown(.all))]
    WhichOne {
        /// As it was typed.
        typed: String,
        /// What it may mean.
        all: Vec<String>,
    },
    /// The end is before the beginning.
    #[error("--from is after --to: no request can be between them. Change them about")]
    Reversed,
    /// There is no picture of this.
    #[error(
        "this answer has no picture: --output svg is for timeline, lineage, passport, reach and apps show. Take text or json"
    )]
    NoPicture,
    /// There is no such rule.
    #[error("there is no rule {0}; `trailhound rules list` shows all")]
    NoSuchRule(String),
    /// Something could not be written.
    #[error("cannot write {what}: {error}")]
    Write {
        /// What.
        what: String,
        /// Why.
        error: std::io::Error,
    },
    /// The system gave no random bytes for the masking key.
    #[error("the system gives no random bytes, which masking needs: {0}")]
    Random(getrandom::Error),
    /// The recorded breach cannot be unpacked.
    #[error("cannot unpack the recording to a temporary file: {0}")]
    Demo(std::io::Error),
}

/// The first of many names.
fn shown(all: &[String]) -> String {
    const MOST: usize = 20;
    let names = all.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match all.len().checked_sub(MOST) {
        None | Some(0) => names,
        Some(more) => format!("{names} and {more} more"),
    }
}

fn counted(problems: usize) -> String {
    if problems == 1 { "a problem".to_owned() } else { format!("{problems} problems") }
}

/// The exit code of a command, after its error was said. A reader that went away (`| head`) is
/// no error.
pub(crate) fn code(result: Result<Verdict, CommandError>) -> ExitCode {
    match result {
        Ok(Verdict::Quiet) => ExitCode::SUCCESS,
        Ok(Verdict::Incidents) => ExitCode::from(1),
        Ok(Verdict::Incomplete) => ExitCode::from(2),
        Err(CommandError::Write { error, .. })
            if error.kind() == std::io::ErrorKind::BrokenPipe =>
        {
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal::complain(&error.to_string());
            ExitCode::from(2)
        }
    }
}
