//! `trailhound rules import`: rules of other languages as native ones.

use super::given::{self, language_of};
use crate::{
    commands::rule_files,
    exit::{CommandError, Verdict},
    terminal,
};
use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};
use trailhound_report::prose;
use trailhound_rules::{Language, import::import};

/// Runs the command.
pub(super) fn run(paths: &[PathBuf], out: &Path) -> Result<Verdict, CommandError> {
    let natives = rule_files::read_in_order(paths)?;
    if let Some((name, _)) = natives.iter().find(|(_, text)| language_of(text) == Language::Native)
    {
        return Err(CommandError::Rules(vec![format!(
            "{name}: this is no Falco or Sigma file (a list of rules, or one with `detection:`)"
        )]));
    }
    let given = given::load(paths)?;
    fs::create_dir_all(out).map_err(|error| failed(out, error))?;
    let mut text = String::new();
    let (mut written, mut left_out) = (0, 0);
    for rule in given.rules.rules().iter().filter(|rule| given.has(rule)) {
        match import(rule) {
            Ok(native) => {
                let path = out.join(format!("{}.yaml", native.id));
                write_new(&path, &native.text)?;
                written += 1;
                for note in native.notes {
                    let _ = writeln!(text, "note       {}: {}", native.id, prose(&note));
                }
            }
            Err(reason) => {
                left_out += 1;
                let _ = writeln!(text, "left out   {}: {}", prose(rule.id()), prose(&reason));
            }
        }
    }
    let _ = writeln!(
        text,
        "{written} rules written to {}, {left_out} left out. Give each its examples, then run \
         `trailhound rules lint` and `trailhound rules test`.",
        prose(&out.display().to_string())
    );
    terminal::answer(&text)?;
    Ok(if left_out > 0 { Verdict::Incidents } else { Verdict::Quiet })
}

/// Never over a file that somebody may have edited.
fn write_new(path: &Path, text: &str) -> Result<(), CommandError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: std::io::Error) -> CommandError {
    CommandError::Write { what: format!("{}", path.display()), error }
}
