//! Which rules cover what, by the `covers:` line of each rule file.
//!
//! The files are read as text, not with the product's own reader: what is checked must not be
//! checked by itself. The product refuses a file whose `covers:` it cannot read; here it has to
//! stand on one line.

use crate::error::{Error, Result};
use crate::workspace::root;
use std::path::{Path, PathBuf};

/// A rule, as far as coverage goes.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Its id: the name of its file.
    pub(crate) id: String,
    /// The file, from the root of the repository.
    pub(crate) path: String,
    /// Capabilities that it covers.
    pub(crate) covers: Vec<String>,
}

/// All rules beneath a folder, by path.
pub(crate) fn rules(folder: &Path) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for path in files(folder)? {
        let text = std::fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        rules.push(rule(&path, &text)?);
    }
    Ok(rules)
}

/// The rules that cover a capability.
pub(crate) fn of<'a>(rules: &'a [Rule], id: &str) -> Vec<&'a Rule> {
    rules.iter().filter(|rule| rule.covers.iter().any(|one| one == id)).collect()
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            found.push(path);
        }
    }
    Ok(found)
}

fn rule(path: &Path, text: &str) -> Result<Rule> {
    let shown = path.strip_prefix(root()).unwrap_or(path).display().to_string();
    let line = text.lines().find_map(|line| line.strip_prefix("covers:")).unwrap_or("[]").trim();
    let inner = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    let Some(inner) = inner else {
        return Err(Error::Other(format!("{shown}: `covers:` is no list on one line")));
    };
    let ids = inner.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty());
    let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Rule { id, path: shown, covers: ids.collect() })
}
