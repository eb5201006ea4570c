//! Finds what is to be read. Nothing that was named is passed over in silence: what cannot be read
//! is named as unread, with the reason.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};
use trailhound_model::{Str, scan::Unread};

/// How a source is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// Standard input.
    Stdin,
    /// A file, or a pipe that was named.
    File(PathBuf),
}

/// One source, in the order in which positions count them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSpec {
    /// Index into the list of sources.
    pub index: u32,
    /// The name to show: the path as it was given, or `-`.
    pub name: String,
    /// How it is read.
    pub kind: SourceKind,
    /// Cluster that its native records belong to; empty is the one unnamed cluster.
    pub cluster: Str,
}

/// What there is to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// Sources in the order of the arguments, inside of a directory by name.
    pub sources: Vec<SourceSpec>,
    /// What was named but cannot be read.
    pub unread: Vec<Unread>,
}

/// Looks at the paths; `-` is standard input. Directories are read to any depth, without their
/// hidden entries. A file that is reached twice is read once.
pub fn discover(paths: &[PathBuf]) -> Discovered {
    let mut search = Search::default();
    for path in paths {
        search.argument(path);
    }
    search.found
}

#[derive(Default)]
struct Search {
    found: Discovered,
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn argument(&mut self, path: &Path) {
        if path == Path::new("-") {
            if self.seen.insert(path.to_owned()) {
                self.add("-".to_owned(), SourceKind::Stdin);
            }
            return;
        }
        match fs::metadata(path) {
            Err(error) => self.unread(path, &explain(&error)),
            Ok(meta) if meta.is_dir() => {
                let before = (self.found.sources.len(), self.found.unread.len());
                self.directory(path);
                if before == (self.found.sources.len(), self.found.unread.len()) {
                    self.unread(path, "the directory holds no file that was not named before");
                }
            }
            Ok(_) => self.file(path),
        }
    }

    fn directory(&mut self, path: &Path) {
        if !self.is_new(path) {
            return;
        }
        let entries = match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.unread(path, &explain(&error)),
        };
        let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
        paths.sort();
        for entry in paths.iter().filter(|entry| !is_hidden(entry)) {
            self.entry(entry);
        }
    }

    fn entry(&mut self, path: &Path) {
        match fs::metadata(path) {
            Err(error) => self.unread(path, &explain(&error)),
            Ok(meta) if meta.is_dir() => self.directory(path),
            Ok(meta) if meta.is_file() => self.file(path),
            Ok(_) => self.unread(
                path,
                "it is a pipe, socket or device, which could block for ever; name it to read it",
            ),
        }
    }

    fn file(&mut self, path: &Path) {
        if self.is_new(path) {
            self.add(path.display().to_string(), SourceKind::File(path.to_owned()));
        }
    }

    /// Whether the place was not reached before, by whatever links.
    fn is_new(&mut self, path: &Path) -> bool {
        self.seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
    }

    fn add(&mut self, name: String, kind: SourceKind) {
        let index = u32::try_from(self.found.sources.len()).unwrap_or(u32::MAX);
        self.found.sources.push(SourceSpec { index, name, kind, cluster: Str::default() });
    }

    fn unread(&mut self, path: &Path, reason: &str) {
        let source = path.display().to_string();
        self.found.unread.push(Unread { source, reason: reason.to_owned() });
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// An error in words that say what to do.
pub(crate) fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; check the path".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "reading it is not permitted; run as a user who may".to_owned()
        }
        _ => error.to_string(),
    }
}
