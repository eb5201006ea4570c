//! The learner on recordings: what it finds strange, what a row costs, what an identity weighs.
//!
//! Recordings are short, so there is little to learn; what stands in the list are the words of
//! explanations, to be read.

use super::{deeds::Deeds, look};
use crate::error::{Error, Result};
use std::time::{Duration, Instant};
use trailhound_generate::Profile;
use trailhound_generate::life::Life;
use trailhound_generate::life::ordinary::profile::{DEVELOPMENT, LifeProfile};
use trailhound_ingest::Masker;
use trailhound_learn::budget::Verdict;
use trailhound_learn::canon::Canon;
use trailhound_learn::canon::principal::{Class, Who};
use trailhound_learn::row::Row;
use trailhound_learn::symbol::Symbol;
use trailhound_learn::{Baseline, Learner, Opened, Settings};
use trailhound_model::fact::Fact;
use trailhound_model::time::{HOUR, Time};

/// Hours that are shown.
const SHOWN: usize = 25;

/// What to look at.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    recordings: look::Args,
    /// An invented cluster instead of recordings
    #[arg(long)]
    life: Option<String>,
    /// Its days
    #[arg(long, default_value_t = 14)]
    days: i64,
    /// Its seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Lists the strangest hours.
pub(super) fn run(args: &Args) -> Result<bool> {
    let Some(life) = &args.life else { return look::each(&args.recordings, strange) };
    let unknown = || Error::Other(format!("there is no profile `{life}`"));
    // What is held out is not looked at.
    let known = DEVELOPMENT.contains(&life.as_str()).then(|| LifeProfile::named(life)).flatten();
    let mut profile = known.ok_or_else(unknown)?;
    profile.days = args.days;
    let log = Profile { level: profile.level, ..Profile::small() };
    let masker = Masker::new([0; 16]);
    let mut deeds = Deeds::new(&log, &masker);
    let (mut canon, mut learner) = (Canon::default(), Learner::new(Settings::default()));
    let (mut rows, mut took) = (0_u64, Duration::ZERO);
    for deed in Life::new(profile.clone(), args.seed) {
        let Some(fact) = deeds.fact(&deed) else { continue };
        let mut row = canon.row(fact);
        row.count = deed.count.max(1);
        let start = Instant::now();
        learner.observe(&row, rows);
        took += start.elapsed();
        rows += 1;
    }
    learner.finish();
    let each = took.as_nanos() as f64 / rows.max(1) as f64;
    say!("{rows} rows, {each:.0} ns each, {} hours", learner.hours());
    tell(&mut learner, &canon, &[]);
    Ok(true)
}

fn strange(facts: &[Fact]) {
    let (mut canon, mut learner) = (Canon::default(), Learner::new(Settings::default()));
    for (id, fact) in facts.iter().enumerate() {
        learner.observe(&canon.row(fact), id as u64);
    }
    learner.finish();
    tell(&mut learner, &canon, facts);
}

fn tell(learner: &mut Learner, canon: &Canon, facts: &[Fact]) {
    let mut found: Vec<Opened> = learner.drain();
    let told = found.iter().filter(|one| one.verdict == Verdict::Told && one.is_first).count();
    say!("{} strange hours, {told} told, bar {:.2}", found.len(), learner.bar());
    found.retain(|one| !one.early);
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.from.cmp(&b.from)));
    for one in found.iter().take(SHOWN) {
        let first = one.evidence.first().and_then(|id| facts.get(*id as usize));
        let id = first.map_or("", |fact| fact.event.audit_id.as_str());
        let (score, chance) = (one.score, one.chance);
        say!("{score:6.2} {chance:.1e} {:?} {} {id}", one.verdict, one.from);
        say!("       {}", one.text(canon.words()));
    }
    for doubt in learner.review().iter().take(SHOWN) {
        say!("  review {:5.2} {}", doubt.doubt, doubt.text(canon.words()));
    }
}

/// Time per row, and memory of five thousand identities.
pub(super) fn speed(facts: &[Fact]) {
    let mut canon = Canon::default();
    let mut rows: Vec<Row> = facts.iter().map(|fact| canon.row(fact)).collect();
    let mut learner = Learner::new(Settings::default());
    let (span, mut took) = (24 * HOUR, Duration::ZERO);
    for round in ["first", "second", "third"] {
        let start = Instant::now();
        for row in &rows {
            learner.observe(row, 0);
        }
        took = start.elapsed();
        let each = took.as_nanos() as f64 / rows.len().max(1) as f64;
        say!("  learner, {round} time: {each:.0} ns per row, {} found", learner.drain().len());
        for row in &mut rows {
            row.time = row.time.plus(span);
        }
    }
    say!("  the last one took {took:.2?}");
    crowd();
}

/// Five thousand identities of about a hundred and fifty things each, for two days.
fn crowd() {
    let mut learner = Learner::new(Settings::default());
    let (before, start) = (resident(), Instant::now());
    let mut seen = 0_u64;
    for hour in 0..48_u64 {
        for person in 0..5000_u64 {
            let key = Symbol(1).at(person);
            let class = if person % 50 == 0 { Class::Ci } else { Class::Workload };
            for thing in 0..24_u64 {
                let n = if hour < 2 { hour * 24 + thing } else { (person + hour) % 2 * 24 + thing };
                let action = Symbol(2).at(person % 40 * 48 + n);
                let row = Row {
                    time: Time((490_000 + hour as i64) * HOUR + person as i64 * 1000),
                    who: Who { key, real: key, effective: key, class },
                    action,
                    at_place: action.at(1),
                    source: Symbol(3),
                    object: (n % 4 == 0).then(|| key.at(hour / 6)),
                    namespace: Symbol(4).at(person % 100),
                    count: 1,
                    ..Row::default()
                };
                for _ in 0..4 {
                    learner.observe(&row, seen);
                    seen += 1;
                }
            }
        }
        learner.drain();
    }
    learner.finish();
    let each = start.elapsed().as_nanos() as f64 / seen as f64;
    let state = Baseline { canon: Canon::default(), state: learner.state().clone() };
    let saved = state.save().map_or(0, |bytes| bytes.len());
    let grown = resident().saturating_sub(before) / 2;
    let people = learner.state().identities();
    say!(
        "  {people} identities: {each:.0} ns per row, {grown} MB resident, {} MB saved",
        saved / 1_000_000
    );
}

/// Resident memory in MB. The state is in it twice when it is asked for the second time.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse::<usize>().ok());
    number.unwrap_or(0) / 1024
}
