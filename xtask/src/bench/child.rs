//! Runs a program and measures what the kernel accounts to it: CPU time and peak memory of that
//! very process. The kernel carries the peak memory of the caller over into a program that it
//! starts, and the caller holds the whole input; so a small copy of this program stands between
//! (`measure`), starts the program, and reports what it used.

use crate::error::{Error, Result};
use crate::workspace::child;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::Wait4 as _;

/// What a finished process used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Usage {
    /// User and system time.
    pub(super) cpu: Duration,
    /// Time on the wall.
    pub(super) wall: Duration,
    /// Peak resident memory in bytes.
    pub(super) peak: u64,
    /// Exit code; none after a signal.
    code: Option<i32>,
}

/// A program, its arguments and the exit codes that mean success.
#[derive(Debug)]
pub(super) struct Program<'a> {
    /// For messages.
    pub(super) name: &'a str,
    /// The executable.
    pub(super) path: &'a Path,
    /// Its arguments.
    pub(super) args: Vec<OsString>,
    /// Exit codes that mean success.
    pub(super) ok: &'a [i32],
}

/// Writes the standard input of a program.
pub(super) type Feed<'a> = &'a dyn Fn(&mut dyn Write) -> std::io::Result<()>;

/// Runs a program to its end; `feed` writes to its standard input.
pub(super) fn run(program: &Program, feed: Option<Feed>) -> Result<Usage> {
    let own = std::env::current_exe().map_err(Error::io("find", Path::new("this program")))?;
    let mut process = Command::new(own)
        .arg("measure")
        .arg("--")
        .arg(program.path)
        .args(&program.args)
        .stdin(if feed.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| child(program.name, format!("did not start: {error}")))?;
    let written = match (feed, process.stdin.take()) {
        (Some(feed), Some(stdin)) => {
            let mut out = BufWriter::with_capacity(1 << 16, stdin);
            feed(&mut out).and_then(|()| out.flush())
        }
        _ => Ok(()),
    };
    let output = process
        .wait_with_output()
        .map_err(|error| child(program.name, format!("was lost: {error}")))?;
    let usage: Usage = serde_json::from_slice(&output.stdout)
        .map_err(|error| child(program.name, format!("could not be measured: {error}")))?;
    accept(program, &usage)?;
    written.map_err(|error| child(program.name, format!("did not read its input: {error}")))?;
    Ok(usage)
}

fn accept(program: &Program, usage: &Usage) -> Result<()> {
    match usage.code {
        Some(code) if program.ok.contains(&code) => Ok(()),
        Some(code) => Err(child(program.name, format!("failed with exit code {code}"))),
        None => Err(child(program.name, "was killed by a signal".into())),
    }
}

/// Start a program, wait for it, print what it used.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Program and arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Runs the inner command of [`run`]. Standard input is passed on, all output is dropped.
pub(crate) fn measure(args: &Args) -> Result<bool> {
    let (program, rest) = args.command.split_first().map_or((None, &[][..]), |(p, r)| (Some(p), r));
    let program = program.cloned().unwrap_or_default();
    let usage =
        used(Command::new(&program).args(rest)).map_err(Error::io("run", Path::new(&program)))?;
    let json = serde_json::to_string(&usage).map_err(|error| Error::Other(error.to_string()))?;
    say!("{json}");
    // What the program left unread is read here, so that its feeder ends.
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    Ok(true)
}

fn used(command: &mut Command) -> std::io::Result<Usage> {
    let start = Instant::now();
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let used = process.wait4()?;
    Ok(Usage {
        cpu: used.rusage.utime + used.rusage.stime,
        wall: start.elapsed(),
        peak: used.rusage.maxrss,
        code: used.status.code(),
    })
}

/// Whether a program can be started.
pub(super) fn is_installed(program: &str) -> bool {
    let probe = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    probe.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_is_an_error_not_a_fast_run() {
        let usage = used(Command::new("rustc").arg("--no-such-flag")).unwrap();
        let program =
            Program { name: "rustc", path: Path::new("rustc"), args: Vec::new(), ok: &[0] };
        assert!(accept(&program, &usage).is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_not_installed() {
        assert!(!is_installed("no-such-program-of-this-name"));
    }

    #[test]
    fn cpu_and_memory_of_the_child_are_seen() {
        let usage = used(Command::new("rustc").arg("-vV")).unwrap();
        assert!(usage.peak > 1 << 20, "{}", usage.peak);
        assert!(usage.wall >= Duration::from_millis(1));
        assert_eq!(usage.code, Some(0));
    }
}
