//! One file per command.

mod alerts;
mod apps;
mod at;
mod demo;
mod diff;
mod lineage;
mod passport;
mod questions;
mod reach;
mod rule_files;
mod rules;
mod scan;
mod site_files;
mod spool;
mod timeline;
mod when;
mod who_can;

use crate::{
    args::{Cli, Command},
    exit::{CommandError, Verdict},
};
use std::path::PathBuf;
use trailhound_rules::{RuleSet, Sources};

/// Runs what was asked for.
pub(crate) fn run(cli: &Cli) -> Result<Verdict, CommandError> {
    crate::memory::use_small_pages();
    match &cli.command {
        Command::Scan(args) => scan::run(args),
        Command::Demo(output) => demo::run(output),
        Command::Timeline(args) => timeline::run(args),
        Command::Lineage(args) => lineage::run(args),
        Command::At(args) => at::run(args),
        Command::Diff(args) => diff::run(args),
        Command::WhoCan(args) => who_can::run(args),
        Command::Passport(args) => passport::run(args),
        Command::Reach(args) => reach::run(args),
        Command::Apps(args) => apps::run(args),
        Command::Rules { command } => rules::run(command),
    }
}

/// Rule files that a site gives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GivenRules<'a> {
    pub(super) native: &'a [PathBuf],
    pub(super) falco: &'a [PathBuf],
    pub(super) falco_first: bool,
    pub(super) falco_alerts: bool,
    pub(super) sigma: &'a [PathBuf],
}

/// The rules that this program carries, and those of the site.
fn rules_with(given: GivenRules<'_>) -> Result<RuleSet, CommandError> {
    let native = rule_files::read(given.native)?;
    let falco = rule_files::read_in_order(given.falco)?;
    let sigma = rule_files::read(given.sigma)?;
    let sources = Sources {
        native: &borrowed(&native),
        falco: &borrowed(&falco),
        sigma: &borrowed(&sigma),
        falco_first: given.falco_first,
        falco_alerts: given.falco_alerts,
    };
    RuleSet::builtin_with(&sources)
        .map_err(|errors| CommandError::Rules(errors.iter().map(ToString::to_string).collect()))
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect()
}
