//! Writes the log of an invented cluster: for measurements at sizes that nobody records, and for a
//! look at what the generator makes.

use crate::error::{Error, Result};
use clap::{Args as ClapArgs, ValueEnum};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use trailhound_generate::{Generator, HOUR, Level, MINUTE, Profile, SECOND, Writer};

/// Write the audit log of an invented cluster; the same seed gives the same bytes.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The sort of cluster.
    #[arg(long, default_value = "small", value_parser = Profile::NAMES)]
    profile: String,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Length of the log in hours.
    #[arg(long)]
    hours: Option<f64>,
    /// Pods that run once all is set up.
    #[arg(long)]
    pods: Option<usize>,
    /// Nodes.
    #[arg(long)]
    nodes: Option<usize>,
    /// Objects made in a day.
    #[arg(long)]
    churn: Option<usize>,
    /// Seconds between two renewals of a node's lease.
    #[arg(long)]
    node_lease: Option<i64>,
    /// Minutes that it takes to set everything up.
    #[arg(long)]
    setup: Option<i64>,
    /// What the audit policy logs.
    #[arg(long, value_enum, default_value = "Metadata")]
    level: Bodies,
    /// Where to, or `-`.
    #[arg(long, default_value = "-")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bodies {
    #[value(name = "Metadata")]
    Metadata,
    #[value(name = "RequestResponse")]
    RequestResponse,
}

/// Writes the log, and says on standard error what is in it.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let generator = Generator::new(profile(args), args.seed);
    if args.out.as_os_str() == "-" {
        return write(generator, std::io::stdout().lock(), args);
    }
    let file = File::create(&args.out).map_err(Error::io("write", &args.out))?;
    write(generator, file, args)
}

fn profile(args: &Args) -> Profile {
    let mut profile = Profile::named(&args.profile).unwrap_or_else(Profile::small);
    profile.level = match args.level {
        Bodies::Metadata => Level::Metadata,
        Bodies::RequestResponse => Level::RequestResponse,
    };
    if let Some(hours) = args.hours {
        profile.length = (hours.max(0.0) * HOUR as f64) as i64;
    }
    profile.pods = args.pods.unwrap_or(profile.pods);
    profile.nodes = args.nodes.unwrap_or(profile.nodes);
    profile.churn = args.churn.unwrap_or(profile.churn);
    profile.setup = args.setup.map_or(profile.setup, |minutes| minutes * MINUTE);
    if let Some(seconds) = args.node_lease {
        profile.node_lease = seconds.max(1) * SECOND;
    }
    profile
}

fn write(mut generator: Generator, out: impl Write, args: &Args) -> Result<bool> {
    let writer = Writer::new(generator.profile());
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut line = Vec::new();
    let mut bytes = 0_u64;
    for act in generator.by_ref() {
        line.clear();
        writer.write(&act, &mut line);
        bytes += line.len() as u64;
        if let Err(error) = out.write_all(&line) {
            // A reader that has seen enough is no error.
            let enough = error.kind() == std::io::ErrorKind::BrokenPipe;
            return if enough { Ok(true) } else { Err(Error::io("write", &args.out)(error)) };
        }
    }
    out.flush().map_err(Error::io("write", &args.out))?;
    let (counts, truth) = (generator.counts(), generator.truth());
    eprintln!(
        "{} events, {bytes} bytes; {} objects made, {} deleted; at the end {} pods on {} nodes in {} namespaces",
        counts.acts,
        counts.made,
        counts.deleted,
        truth.pods.len(),
        truth.nodes.len(),
        truth.namespaces.len(),
    );
    Ok(true)
}
