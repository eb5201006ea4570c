//! The rules of the house, checked. What a reviewer would have to say twice is said here once.

mod checks;
mod graph;
mod source;

use crate::error::{Error, Result};
use crate::workspace::{child, root};
use std::process::Command;

/// Check the rules of the house over all files that git knows or would add.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only files whose path starts with this
    #[arg(long, value_name = "PREFIX")]
    only: Option<String>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl Violation {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Violation {
        Violation { path: path.to_owned(), line, what: what.into() }
    }
}

/// Runs the command; `false` means that something was found.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let mut found = Vec::new();
    let paths = files()?;
    let wanted = |path: &str| args.only.as_deref().is_none_or(|prefix| path.starts_with(prefix));
    for path in paths.iter().filter(|path| wanted(path)) {
        check_file(path, &mut found)?;
    }
    let document = std::fs::read_to_string(root().join("docs/architecture.md")).ok();
    let mut edges = Vec::new();
    graph::check(document.as_deref(), &mut edges)?;
    found.extend(edges.into_iter().filter(|one| wanted(&one.path)));
    let coverage = crate::detections::faults()?.into_iter();
    let coverage = coverage.map(|(path, what)| Violation::new(&path, 1, what));
    found.extend(coverage.filter(|one| wanted(&one.path)));
    found.sort();
    for Violation { path, line, what } in &found {
        say!("{path}:{line}: {what}");
    }
    if found.is_empty() {
        say!("tidy: {} files are in order", paths.len());
    } else {
        eprintln!("tidy: {} things to mend", found.len());
    }
    Ok(found.is_empty())
}

fn check_file(path: &str, found: &mut Vec<Violation>) -> Result<()> {
    let full = root().join(path);
    // A file that git knows may be deleted in the work tree; a link may lead nowhere.
    if !full.is_file() {
        return Ok(());
    }
    let bytes = std::fs::read(&full).map_err(Error::io("read", &full))?;
    // Compressed recordings and pictures are not text.
    if let Ok(text) = String::from_utf8(bytes) {
        checks::check(path, &text, found);
    }
    Ok(())
}

/// All files that are tracked or would be: what nobody has added yet counts too.
fn files() -> Result<Vec<String>> {
    const LINE: &str = "git ls-files";
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|error| child(LINE, format!("did not start: {error}")))?;
    if !output.status.success() {
        return Err(child(LINE, "failed; tidy needs a git work tree".into()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut paths: Vec<String> =
        text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
