//! Proof on samples that both ways from a deed to rows are one: in memory with a count, and written
//! as JSON act by act, read by the product's own pipeline, and summed per hour.

use super::{deeds::Deeds, run::Set, source::Cluster, stage::Suite};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};
use trailhound_detect::Settings;
use trailhound_generate::life::Deed;
use trailhound_generate::{HOUR, Writer};
use trailhound_ingest::{Limits, Masker};
use trailhound_learn::canon::Canon;
use trailhound_learn::row::Row;
use trailhound_model::fact::Fact;
use trailhound_model::time::Time;
use trailhound_pipeline::Options;

/// Compare rows made in memory with those of the written log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The sort of cluster
    #[arg(long, default_value = "small")]
    life: String,
    /// Days
    #[arg(long, default_value_t = 0.05)]
    days: f64,
    /// Seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How often which row came in which hour.
type Sums = BTreeMap<(i64, String), u64>;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let cluster =
        Cluster::named(&args.life, args.seed, args.days, Some((Suite::Race, Set::Development)))?;
    let deeds: Vec<Deed> = cluster.start().collect();
    let (memory, took) = in_memory(&cluster, &deeds);
    let each = took.as_nanos() as f64 / deeds.len().max(1) as f64;
    say!("{} deeds; from a deed to a fact {each:.0} ns", deeds.len());
    let written = written(&cluster, &deeds)?;
    let (requests, rows) = (written.values().sum::<u64>(), written.len());
    say!("{requests} requests were written, which are {rows} different rows of an hour");
    let different = differences(&memory, &written);
    for line in different.iter().take(20) {
        say!("{line}");
    }
    say!("{} rows differ", different.len());
    Ok(different.is_empty() && !written.is_empty())
}

/// What either side has and the other has not, or has in another number.
fn differences(memory: &Sums, written: &Sums) -> Vec<String> {
    let mut all = Vec::new();
    for (key, count) in memory {
        let other = written.get(key).copied().unwrap_or(0);
        if other != *count {
            all.push(format!("hour {}: {count} in memory, {other} written: {}", key.0, key.1));
        }
    }
    for (key, count) in written.iter().filter(|(key, _)| !memory.contains_key(*key)) {
        all.push(format!("hour {}: 0 in memory, {count} written: {}", key.0, key.1));
    }
    all
}

fn add(sums: &mut Sums, hour: i64, mut row: Row, count: u64) {
    row.time = Time::default();
    row.count = 1;
    *sums.entry((hour, format!("{row:?}"))).or_default() += count;
}

fn in_memory(cluster: &Cluster, deeds: &[Deed]) -> (Sums, Duration) {
    let masker = Masker::new([0; 16]);
    let mut made = Deeds::new(&cluster.profile, &masker);
    let mut canon = Canon::default();
    let mut sums = Sums::new();
    let mut took = Duration::ZERO;
    let mut ordered: Vec<&Deed> = deeds.iter().collect();
    ordered.sort_by_key(|deed| deed.act.completed.max(deed.act.received));
    for deed in ordered {
        let start = Instant::now();
        let fact = made.fact(deed);
        took += start.elapsed();
        if let Some(fact) = fact {
            let received = fact.event.received.unwrap_or(fact.event.time);
            let row = canon.row(fact);
            add(&mut sums, received.0.div_euclid(HOUR), row, u64::from(deed.count.max(1)));
        }
    }
    (sums, took)
}

fn written(cluster: &Cluster, deeds: &[Deed]) -> Result<Sums> {
    let file = tempfile::NamedTempFile::new()
        .map_err(|error| Error::Other(format!("cannot make a temporary file: {error}")))?;
    write(cluster, deeds, file.path())?;
    let options = Options {
        paths: vec![file.path().to_path_buf()],
        cluster: None,
        threads: 1,
        masking_key: [0; 16],
        record_key: [0; 16],
        limits: Limits::default(),
        settings: Settings::default(),
    };
    let (mut canon, mut sums) = (Canon::default(), Sums::new());
    let mut each = |fact: &mut Fact| {
        let received = fact.event.received.unwrap_or(fact.event.time);
        let row = canon.row(fact);
        add(&mut sums, received.0.div_euclid(HOUR), row, 1);
    };
    trailhound_pipeline::facts(&options, &mut each)
        .map_err(|error| Error::Other(error.to_string()))?;
    Ok(sums)
}

fn write(cluster: &Cluster, deeds: &[Deed], path: &Path) -> Result<()> {
    let file = std::fs::File::create(path).map_err(Error::io("write", path))?;
    let mut out = BufWriter::new(file);
    let writer = Writer::new(&cluster.profile);
    let mut acts: Vec<_> = deeds.iter().flat_map(Deed::acts).collect();
    acts.sort_by_key(|act| act.completed);
    let mut line = Vec::new();
    for act in &acts {
        line.clear();
        writer.write(act, &mut line);
        out.write_all(&line).map_err(Error::io("write", path))?;
    }
    out.flush().map_err(Error::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::super::source::People;
    use super::*;
    use std::collections::BTreeSet;
    use trailhound_generate::{Id, Profile, Stage};

    /// Every third deed is done often, but for requests that are told when they begin and end.
    fn often(cluster: &Cluster) -> Vec<Deed> {
        let all: Vec<Deed> = cluster.start().take(20_000).collect();
        let begun = all.iter().filter(|deed| deed.act.stage == Stage::Started);
        let begun: BTreeSet<Id> = begun.map(|deed| deed.act.id).collect();
        let times = |(place, deed): (usize, Deed)| {
            let once = place % 3 > 0 || begun.contains(&deed.act.id);
            if once { deed } else { Deed::often(deed.act, 1 + place as u32 % 7) }
        };
        all.into_iter().enumerate().map(times).collect()
    }

    #[test]
    fn a_count_is_what_the_written_acts_sum_up_to() {
        let cluster =
            Cluster { profile: Profile::small(), seed: 9, people: People::Single, play: None };
        let deeds = often(&cluster);
        let written = written(&cluster, &deeds).unwrap();
        let different = differences(&in_memory(&cluster, &deeds).0, &written);
        assert!(different.is_empty(), "{:#?}", different.get(..different.len().min(5)));
        assert!(written.values().sum::<u64>() > 20_000);
    }
}
