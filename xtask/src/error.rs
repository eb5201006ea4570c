//! One error type for all commands: a developer at a terminal needs what, where, why and what to
//! do next, not a taxonomy.

use std::path::{Path, PathBuf};

/// What stopped a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file could not be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried ("read", "write").
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file is not the JSON that it should be.
    #[error("{}:{line}: not the JSON that is expected here: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Why not.
        source: serde_json::Error,
    },
    /// A recording is not where it should be.
    #[error(
        "there is no recording at {}.\n  Give the directory that holds audit*.log, labels.jsonl and \
         scenarios.json (plain, .gz or .zst), or the name of a directory under ../shared/corpus.",
        .0.display()
    )]
    NoRecording(PathBuf),
    /// A child process did not do its work.
    #[error("`{command}` {why}")]
    Child {
        /// The command line.
        command: String,
        /// What happened.
        why: String,
    },
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// The result of a command.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An I/O error on a file.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Io { what, path, source }
    }

    /// A JSON error in a line of a file.
    pub(crate) fn json(path: &Path, line: usize) -> impl FnOnce(serde_json::Error) -> Error {
        let path = path.to_path_buf();
        move |source| Error::Json { path, line, source }
    }
}
