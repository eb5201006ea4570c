//! House-keeping of the workspace: tidy, eval, rename, corpus-diff, bench, check-scan, detections,
//! twin, learn, life.
//!
//! One Rust program instead of shell scripts, so that the same commands run on every machine that
//! can build the product. What is measured runs as the built program, or, for the twin's parts, as the
//! library; what it is measured against is read here, by code of its own: what measures must not be
//! moved by what it measures.

// Complaints on standard error are what these commands are for; nothing here is part of the product.
#![allow(clippy::print_stderr)]

/// Prints a line. A reader that has seen enough (`| head`) is no error.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout().lock(), $($argument)*);
    }};
}

mod bench;
mod check_scan;
mod corpus_diff;
mod detections;
mod error;
mod eval;
mod generate;
mod learn;
mod life;
mod recording;
mod rename;
mod scan;
mod tidy;
mod twin;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// House-keeping of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Args),
    CheckScan(check_scan::Args),
    CorpusDiff(corpus_diff::Args),
    Detections(detections::Args),
    Eval(eval::Args),
    Generate(generate::Args),
    Learn(learn::Args),
    Life(life::Args),
    #[command(hide = true)]
    Measure(bench::MeasureArgs),
    Rename(rename::Args),
    Tidy(tidy::Args),
    Twin(twin::Args),
}

/// 0: done and in order. 1: done, and something is not as it should be. 2: could not be done.
fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Bench(args) => bench::run(&args),
        Command::CheckScan(args) => check_scan::run(&args),
        Command::CorpusDiff(args) => corpus_diff::run(&args),
        Command::Detections(args) => detections::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Learn(args) => learn::run(&args),
        Command::Life(args) => life::run(&args),
        Command::Measure(args) => bench::measure(&args),
        Command::Rename(args) => rename::run(&args),
        Command::Tidy(args) => tidy::run(&args),
        Command::Twin(args) => twin::run(&args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
