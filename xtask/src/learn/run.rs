//! Runs detectors over clusters, several detectors in one pass, and keeps what each was worth on each
//! cluster in a file of its own: a run that was broken off goes on where it was.
//!
//! Every run on what is held out is written down, because a held-out set that is looked at often is
//! held out no longer.

use super::{
    race::{Job, Outcome, evaluate},
    report,
    roster::{self, Entry},
    source::Cluster,
    stage::Suite,
};
use crate::error::{Error, Result};
use crate::workspace;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use trailhound_model::time::Time;

/// Run detectors over invented clusters and print the tables.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Profiles and families of attacks: those to tune on, or those that are held out
    #[arg(long, value_enum, default_value = "development")]
    pub(super) set: Set,
    /// Profiles; all of the set if none is given
    #[arg(long, value_delimiter = ',')]
    profiles: Vec<String>,
    /// Clusters of each profile
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// Days of each cluster; what the play takes if nothing is given
    #[arg(long)]
    days: Option<f64>,
    /// What is played
    #[arg(long, value_enum, default_value = "race")]
    pub(super) suite: Suite,
    /// Detectors; all if none is given
    #[arg(long, value_delimiter = ',')]
    pub(super) detectors: Vec<String>,
    /// Clusters that are worked on at once
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Where results are kept; runs whose result is there are not repeated
    #[arg(long)]
    resume: Option<PathBuf>,
    /// Where the tables are written as well
    #[arg(long)]
    pub(super) out: Option<PathBuf>,
    /// Why the held-out set is looked at, for the log of such runs
    #[arg(long, default_value = "")]
    why: String,
}

/// What may be looked at while detectors are tuned, and what may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Set {
    /// To tune on
    Development,
    /// To measure on
    HeldOut,
}

impl Set {
    /// Its name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Set::Development => "development",
            Set::HeldOut => "held-out",
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let entries = roster::chosen(&args.detectors)?;
    let outcomes = outcomes(args, &entries)?;
    tell(args, &report::tables(&outcomes))
}

/// Prints a text, and writes it where the command wants it.
pub(super) fn tell(args: &Args, text: &str) -> Result<bool> {
    say!("{text}");
    if let Some(out) = &args.out {
        std::fs::write(out, text).map_err(Error::io("write", out))?;
    }
    Ok(true)
}

/// What these detectors are worth on the clusters of a command: measured now, or before.
pub(super) fn outcomes(args: &Args, entries: &[Entry]) -> Result<Vec<Outcome>> {
    let dir = args.resume.clone().unwrap_or_else(|| results(args.set));
    std::fs::create_dir_all(&dir).map_err(Error::io("make", &dir))?;
    let mut jobs = jobs(args, entries, &dir)?;
    if args.set == Set::HeldOut && !jobs.is_empty() {
        log_held_out(args, entries)?;
    }
    say!("{} clusters are to be run; results are kept in {}", jobs.len(), dir.display());
    // The first job is taken from the end.
    jobs.reverse();
    work(jobs, args, &dir)?;
    read_all(args, entries, &dir)
}

fn results(set: Set) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| workspace::root().join("target"));
    target.join("learn-evaluate").join(set.name())
}

fn profiles(args: &Args) -> Vec<String> {
    if args.profiles.is_empty() {
        return Cluster::profiles(args.set).map(str::to_owned).collect();
    }
    args.profiles.clone()
}

impl Args {
    fn days(&self) -> f64 {
        self.days.unwrap_or_else(|| self.suite.days())
    }

    /// A file per play, profile, seed, length and detector.
    fn file(&self, dir: &Path, profile: &str, seed: u64, detector: &str) -> PathBuf {
        let (suite, days) = (self.suite.name(), self.days());
        dir.join(format!("{suite}-{profile}-{seed}-{days}d-{detector}.json"))
    }
}

fn jobs(args: &Args, entries: &[Entry], dir: &Path) -> Result<Vec<Job>> {
    let (mut jobs, commit) = (Vec::new(), commit()?);
    for profile in profiles(args) {
        for seed in 1..=args.seeds {
            let play = Some((args.suite, args.set));
            let cluster = Cluster::named(&profile, seed, args.days(), play)?;
            let missing = |entry: &&Entry| {
                let done = args.file(dir, &profile, seed, &entry.name).exists();
                !done && seed <= entry.most_seeds
            };
            let entries: Vec<_> = entries.iter().filter(missing).cloned().collect();
            if !entries.is_empty() {
                let (name, commit) = (profile.clone(), commit.clone());
                jobs.push(Job { cluster, name, entries, commit });
            }
        }
    }
    Ok(jobs)
}

fn work(jobs: Vec<Job>, args: &Args, dir: &Path) -> Result<()> {
    let all = jobs.len();
    let queue = Mutex::new(jobs);
    let start = Instant::now();
    let one = || -> Result<()> {
        loop {
            let next = queue.lock().ok().and_then(|mut jobs| Some((jobs.pop()?, jobs.len())));
            let Some((job, left)) = next else { return Ok(()) };
            let (name, seed) = (&job.name, job.cluster.seed);
            for outcome in evaluate(&job, &mut *job.cluster.start())? {
                keep(&outcome, &args.file(dir, name, seed, &outcome.detector))?;
            }
            let minutes = start.elapsed().as_secs_f64() / 60.0;
            eprintln!("{minutes:.1} min: {name} {seed} is done; {left} of {all} wait");
        }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..args.threads.max(1)).map(|_| scope.spawn(one)).collect();
        let gone = |_| Error::Other("a thread ended before its work did".into());
        running.into_iter().try_for_each(|thread| thread.join().map_err(gone)?)
    })
}

/// A result appears whole or not at all.
fn keep(outcome: &Outcome, path: &Path) -> Result<()> {
    let new = path.with_extension("new");
    let text = serde_json::to_vec(outcome).map_err(Error::json(path, 1))?;
    std::fs::write(&new, text).map_err(Error::io("write", &new))?;
    std::fs::rename(&new, path).map_err(Error::io("write", path))
}

fn read_all(args: &Args, entries: &[Entry], dir: &Path) -> Result<Vec<Outcome>> {
    let mut all = Vec::new();
    for profile in profiles(args) {
        for seed in 1..=args.seeds {
            for entry in entries.iter().filter(|entry| seed <= entry.most_seeds) {
                let path = args.file(dir, &profile, seed, &entry.name);
                let text = std::fs::read(&path).map_err(Error::io("read", &path))?;
                all.push(serde_json::from_slice(&text).map_err(Error::json(&path, 1))?);
            }
        }
    }
    Ok(all)
}

/// Where runs on the held-out set are written down.
const HELD_OUT_LOG: &str = "docs/heldout-runs.txt";

fn log_held_out(args: &Args, entries: &[Entry]) -> Result<()> {
    let path = workspace::root().join(HELD_OUT_LOG);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_micros());
    let date = Time(i64::try_from(now).unwrap_or_default()).to_string();
    let day = date.get(..16).unwrap_or_default();
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let why = if args.why.is_empty() { "no reason given" } else { &args.why };
    let commit = commit()?;
    let (clusters, names) = (profiles(args).len() as u64 * args.seeds, names.join(","));
    let suite = args.suite.name();
    let line = format!("{day} {commit} {suite}, {clusters} clusters, {names}: {why}\n");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(Error::io("write", &path))?;
    file.write_all(line.as_bytes()).map_err(Error::io("write", &path))
}

fn commit() -> Result<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .current_dir(workspace::root())
        .output()
        .map_err(|error| workspace::child("git describe", format!("did not start: {error}")))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
