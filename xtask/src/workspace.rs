//! Where things are: the workspace, the recordings beside it, and the program under test. All
//! paths are found from the workspace root, so that commands work from any directory inside it.

use crate::error::{Error, Result};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The workspace root: the parent of this crate.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where the recordings are by default.
pub(crate) fn corpus() -> PathBuf {
    root().join("../shared/corpus")
}

/// A recording by path or by its name under the corpus.
pub(crate) fn recording_dir(given: &Path) -> Result<PathBuf> {
    if given.is_dir() {
        return Ok(given.to_path_buf());
    }
    let in_corpus = corpus().join(given);
    if in_corpus.is_dir() { Ok(in_corpus) } else { Err(Error::NoRecording(given.to_path_buf())) }
}

/// The names of the recordings that are there: directories with labels.
pub(crate) fn recordings() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(corpus()) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| crate::recording::file_named(path, "labels.jsonl").is_some())
        .collect();
    found.sort();
    found
}

/// What `cargo build --message-format=json` says about one artifact.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

/// Builds the product in the release profile and returns the path of its executable.
pub(crate) fn build_product() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let line = "cargo build --release -p trailhound";
    let output = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", "trailhound", "--message-format=json"])
        .current_dir(root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| child(line, format!("did not start: {error}")))?;
    if !output.status.success() {
        return Err(child(line, "failed; its messages are above".into()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok()?.executable)
        .next_back()
        .ok_or_else(|| child(line, "built no executable".into()))
}

/// An error of a child process.
pub(crate) fn child(command: &str, why: String) -> Error {
    Error::Child { command: command.to_owned(), why }
}
