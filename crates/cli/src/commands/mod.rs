//! One file per command.

mod demo;
mod rule_files;
mod rules;
mod scan;
mod site_files;

use crate::{
    args::{Cli, Command},
    exit::{CommandError, Verdict},
};
use std::path::PathBuf;
use trailhound_rules::RuleSet;

/// Runs what was asked for.
pub(crate) fn run(cli: &Cli) -> Result<Verdict, CommandError> {
    match &cli.command {
        Command::Scan(args) => scan::run(args),
        Command::Demo(output) => demo::run(output),
        Command::Rules { command } => rules::run(command),
    }
}

/// The rules that this program carries, and those of the site.
fn rules_with(paths: &[PathBuf]) -> Result<RuleSet, CommandError> {
    let files = rule_files::read(paths)?;
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    RuleSet::builtin_with(&files)
        .map_err(|errors| CommandError::Rules(errors.iter().map(ToString::to_string).collect()))
}
