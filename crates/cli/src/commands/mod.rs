//! One file per command.

mod demo;
mod rules;
mod scan;

use crate::{
    args::{Cli, Command},
    exit::{CommandError, Verdict},
};
use std::sync::Arc;
use trailhound_rules::RuleSet;

/// Runs what was asked for.
pub(crate) fn run(cli: &Cli) -> Result<Verdict, CommandError> {
    match &cli.command {
        Command::Scan(args) => scan::run(args),
        Command::Demo(output) => demo::run(output),
        Command::Rules { command } => rules::run(command),
    }
}

/// The rules that this program carries.
fn builtin_rules() -> Result<Arc<RuleSet>, CommandError> {
    RuleSet::builtin()
        .map(Arc::new)
        .map_err(|errors| CommandError::Rules(errors.iter().map(ToString::to_string).collect()))
}
