//! Standard input can be read once, but some questions look at their logs twice. It is kept in a file
//! that only its owner can read, and removed when the question is answered.

use crate::exit::CommandError;
use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};
use trailhound_model::scan::Input;

/// A copy of standard input.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Whoever cannot remove it cannot say so either: the answer is out.
        let _ = fs::remove_file(&self.path);
    }
}

impl Spool {
    /// Calls the copy what it is a copy of.
    pub(super) fn rename(&self, input: &mut Input) {
        let own = self.path.to_string_lossy();
        for name in &mut input.sources {
            if *name == own {
                *name = "standard input".into();
            }
        }
        for one in &mut input.unread {
            if one.source == own {
                one.source = "standard input".into();
            }
        }
    }
}

/// The same paths, with a copy in the place of standard input.
pub(super) fn keep(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Option<Spool>), CommandError> {
    let is_input = |path: &Path| path.as_os_str() == "-";
    if !paths.iter().any(|path| is_input(path)) {
        return Ok((paths.to_vec(), None));
    }
    let spool = Spool { path: fresh_name()? };
    copy(&spool.path).map_err(|error| CommandError::Spool {
        folder: std::env::temp_dir().display().to_string(),
        error,
    })?;
    let replaced = |path: &PathBuf| if is_input(path) { spool.path.clone() } else { path.clone() };
    Ok((paths.iter().map(replaced).collect(), Some(spool)))
}

fn fresh_name() -> Result<PathBuf, CommandError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(CommandError::Random)?;
    let name = format!("trailhound-stdin-{:016x}", u64::from_le_bytes(bytes));
    Ok(std::env::temp_dir().join(name))
}

fn copy(path: &Path) -> io::Result<u64> {
    let mut file = open(path)?;
    io::copy(&mut io::stdin().lock(), &mut file)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
