//! What the learner makes of recordings, and how well it and its rivals find attacks in invented
//! clusters.
//!
//! The protocol is that of a fair race: every detector gets the same rows in the same order, once;
//! what counts as found and as false is decided here and not by any of them; nothing is tuned on what
//! is held out.

mod agree;
mod baseline;
mod chance;
mod deeds;
mod detector;
mod joined;
mod learned;
mod link;
mod look;
mod metrics;
mod race;
mod report;
mod resample;
mod roster;
mod run;
mod source;
mod stage;
mod strange;
mod suites;
mod truth;
mod tune;
mod village;

use crate::error::Result;

/// Look at the learner, and measure it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Names and their templates
    Names(look::Args),
    /// The strangest hours of recordings, in words
    Strange(strange::Args),
    /// Time per request
    Speed(look::Args),
    /// Whether rows made in memory are those that the written log gives
    Agree(agree::Args),
    /// Detectors side by side on invented clusters
    Evaluate(run::Args),
    /// The settings of the baselines, tried on clusters and attacks for tuning
    Tune(run::Args),
    /// The learner without each of its pieces
    Ablation(run::Args),
    /// Plays in which an attacker works against the learner itself
    Suites(run::Args),
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool> {
    match &args.part {
        Part::Names(args) => look::run_names(args),
        Part::Strange(args) => strange::run(args),
        Part::Speed(args) => look::run_speed(args),
        Part::Agree(args) => agree::run(args),
        Part::Evaluate(args) => run::run(args),
        Part::Tune(args) => tune::run(args),
        Part::Ablation(args) => tune::run_ablation(args),
        Part::Suites(args) => suites::run(args),
    }
}
