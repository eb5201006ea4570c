//! The only place that prints: answers to standard output, progress and complaints to standard
//! error, so that a pipe gets nothing but the answer.

use crate::{args::ColorChoice, exit::CommandError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use trailhound_pipeline::Progress;
use trailhound_report::{TextStyle, sanitize::visible};

/// Width when there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;

/// Writes an answer to standard output.
pub(crate) fn answer(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| CommandError::Write { what: "to standard output".to_owned(), error })
}

/// Lines of an answer that is told while it is found.
pub(crate) struct Lines {
    out: BufWriter<Stdout>,
    result: io::Result<()>,
}

impl Lines {
    /// Nothing is written yet.
    pub(crate) fn start() -> Lines {
        Lines { out: BufWriter::new(io::stdout()), result: Ok(()) }
    }

    /// Writes a line; after a failure nothing more is tried.
    pub(crate) fn write(&mut self, line: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.result.is_ok() {
            self.result = line(&mut self.out);
        }
    }

    /// Writes what is left and says whether all could be written.
    pub(crate) fn finish(mut self) -> Result<(), CommandError> {
        self.result
            .and_then(|()| self.out.flush())
            .map_err(|error| CommandError::Write { what: "to standard output".to_owned(), error })
    }
}

/// The name of this machine, if the system tells it.
pub(crate) fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    told.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Writes a complaint to standard error, without what a terminal would obey: names of files and texts
/// of rules are in it. If even that fails there is nobody left to tell.
pub(crate) fn complain(text: &str) {
    let lines: Vec<String> = text.lines().map(visible).collect();
    let _ = writeln!(io::stderr().lock(), "trailhound: {}", lines.join("\n"));
}

/// How text should look here.
pub(crate) fn style(choice: ColorChoice, verbose: bool) -> TextStyle {
    let terminal = io::stdout().is_terminal();
    let colour = match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            terminal
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && std::env::var_os("TERM").is_none_or(|value| value != "dumb")
        }
    };
    let width = terminal_size::terminal_size_of(io::stdout())
        .map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0));
    let unicode = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_none_or(|value| {
            let value = value.to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        });
    TextStyle { width, colour, verbose, unicode }
}

/// Progress on a terminal; nothing in a pipe.
pub(crate) struct Meter {
    bar: ProgressBar,
}

impl Meter {
    /// A meter for input of about `bytes` bytes as it lies on disk, if that is known.
    pub(crate) fn start(bytes: Option<u64>) -> Meter {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(8)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(bytes, target);
        let template = if bytes.is_some() {
            "{spinner} reading {bar:24} {percent:>3}%  {binary_bytes_per_sec}, {eta} left  {msg}"
        } else {
            "{spinner} reading {binary_bytes} at {binary_bytes_per_sec}  {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Meter { bar }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, progress: Progress) {
        self.bar.set_position(progress.position);
        self.bar.set_message(format!("{} events", progress.events));
    }

    /// Takes the meter away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
