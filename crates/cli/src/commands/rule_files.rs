//! Finds the rule files that a site gives: named files, and all `.yaml` files below directories, in
//! the order of their paths, so that the same directory always gives the same rules.

use crate::exit::CommandError;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Directories below a given one that are looked into; deeper is a mistake or a loop of links.
const DEEPEST: usize = 8;
/// Largest rule file that is read; the loader refuses smaller ones already.
const MAX_FILE: u64 = 4 << 20;
/// Most rule files.
const MOST: usize = 20_000;

/// Names and texts of the rule files.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<(String, String)>, CommandError> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        collect(path, 0, &mut files)?;
        if files.len() == before {
            // Rules that are not there would look like rules that find nothing.
            return Err(failed(path, "no .yaml or .yml file is in this directory"));
        }
    }
    files.sort();
    files.dedup();
    files.iter().map(|path| Ok((path.display().to_string(), text(path)?))).collect()
}

/// The same, in the order in which they were named: for languages where a later file changes what an
/// earlier one says.
pub(crate) fn read_in_order(paths: &[PathBuf]) -> Result<Vec<(String, String)>, CommandError> {
    let files: Result<Vec<_>, _> =
        paths.iter().map(|path| read(std::slice::from_ref(path))).collect();
    Ok(files?.concat())
}

fn collect(path: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), CommandError> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(|error| failed(path, &error.to_string()))? {
        let entry = entry.map_err(|error| failed(path, &error.to_string()))?.path();
        let is_rule = entry.extension().is_some_and(|end| end == "yaml" || end == "yml");
        if is_rule || entry.is_dir() && depth < DEEPEST {
            collect(&entry, depth + 1, files)?;
        }
        if files.len() > MOST {
            return Err(failed(path, "more rule files than can be right; name fewer"));
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String, CommandError> {
    let size = path.metadata().map_err(|error| failed(path, &error.to_string()))?;
    if !size.is_file() || size.len() > MAX_FILE {
        return Err(failed(path, "not a file of at most 4 MiB"));
    }
    fs::read_to_string(path).map_err(|error| failed(path, &error.to_string()))
}

fn failed(path: &Path, why: &str) -> CommandError {
    CommandError::Rules(vec![format!("{}: {why}", path.display())])
}
