//! How much decoding costs over parsing alone, on the same file in the same process.
//!
//! The bare parse is a typed one that skips bodies: what any reader of audit logs must at least
//! do. Times are of this thread on a processor; runs alternate, and the median of five is printed.
#![expect(clippy::print_stdout, reason = "a benchmark's output")]

use serde::Deserialize;
use sonic_rs::LazyValue;
use std::{collections::BTreeMap, path::PathBuf, time::Instant};
use trailhound_ingest::{Chunk, Decoder, Limits, Masker, Sink, decode, discover, open};
use trailhound_model::{
    event::Event,
    lookup::{Bodies, Reading},
    scan::Rejected,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Bare<'a> {
    kind: &'a str,
    level: &'a str,
    #[serde(rename = "auditID")]
    audit_id: &'a str,
    stage: &'a str,
    #[serde(rename = "requestURI", borrow)]
    request_uri: std::borrow::Cow<'a, str>,
    verb: &'a str,
    #[serde(borrow)]
    user: BareUser<'a>,
    #[serde(rename = "sourceIPs")]
    source_ips: Vec<&'a str>,
    #[serde(borrow)]
    user_agent: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    object_ref: Option<BareRef<'a>>,
    #[serde(borrow)]
    response_status: Option<LazyValue<'a>>,
    #[serde(borrow)]
    request_object: Option<LazyValue<'a>>,
    #[serde(borrow)]
    response_object: Option<LazyValue<'a>>,
    request_received_timestamp: &'a str,
    stage_timestamp: &'a str,
    #[serde(borrow)]
    annotations: Option<LazyValue<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BareUser<'a> {
    username: &'a str,
    groups: Vec<&'a str>,
    #[serde(borrow)]
    extra: Option<LazyValue<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct BareRef<'a> {
    resource: &'a str,
    namespace: &'a str,
    name: &'a str,
    api_group: &'a str,
    subresource: &'a str,
}

#[derive(Default)]
struct Count {
    events: u64,
    asks_body: bool,
    asks_record: bool,
    bodies: BTreeMap<&'static str, u64>,
    written: u64,
}

impl Sink for Count {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        self.events += 1;
        if self.asks_body {
            *self.bodies.entry(label(bodies)).or_default() += 1;
        }
        if self.asks_record {
            self.written += bodies.masked_record(1 << 20).len() as u64;
        }
        std::hint::black_box(&event);
    }
    fn reject(&mut self, _rejected: Rejected) {}
    fn ignored(&mut self, _reason: &'static str) {}
}

fn label(bodies: &dyn Bodies) -> &'static str {
    match bodies.body() {
        Reading::Present(_) => "present",
        Reading::Absent => "absent",
        Reading::Unknown => "unknown",
    }
}

fn bare(chunks: &[Chunk]) -> u64 {
    let mut events = 0;
    for chunk in chunks {
        for line in chunk.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(event) = sonic_rs::from_slice::<Bare<'_>>(line) {
                std::hint::black_box(&event);
                events += 1;
            }
        }
    }
    events
}

fn ours(chunks: &[Chunk], masker: &Masker) -> u64 {
    let mut count = Count::default();
    for chunk in chunks {
        decode(chunk, &Decoder::new(masker), &mut count);
    }
    count.events
}

fn timed(work: impl FnOnce() -> u64) -> (f64, u64) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let events = work();
    let wall = start.elapsed().as_secs_f64();
    (cpu.zip(cpu_seconds()).map_or(wall, |(from, to)| to - from), events)
}

/// Time that this thread has had on a processor, where the system tells (Linux): other work on the
/// machine then does not count.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse::<f64>().ok().map(|nanos| nanos / 1e9)
}

fn median(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let masker = Masker::new([7; 16]);
    for spec in discover(&paths).sources {
        let Ok(mut reader) = open(&spec, Limits::default()) else { continue };
        let start = Instant::now();
        let mut chunks = Vec::new();
        while let Some(chunk) = reader.next() {
            chunks.push(chunk);
        }
        let reading = start.elapsed().as_secs_f64();
        let bytes: usize = chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        let (mut bare_runs, mut our_runs) = (Vec::new(), Vec::new());
        let mut events = (0, 0);
        for _ in 0..5 {
            let (seconds, count) = timed(|| bare(&chunks));
            bare_runs.push(seconds);
            events.0 = count;
            let (seconds, count) = timed(|| ours(&chunks, &masker));
            our_runs.push(seconds);
            events.1 = count;
        }
        let speed = |seconds: f64| bytes as f64 / 1e6 / seconds;
        let (bare, ours) = (median(bare_runs), median(our_runs));
        println!(
            "{}: {} MB, bare {} events {:.0} MB/s, decode {} events {:.0} MB/s, ratio {:.2}; reading {:.0} MB/s",
            spec.name,
            bytes / 1_000_000,
            events.0,
            speed(bare),
            events.1,
            speed(ours),
            bare / ours,
            speed(reading)
        );
        for (what, asks_body, asks_record) in
            [("body", true, false), ("masked record", false, true)]
        {
            let mut count = Count { asks_body, asks_record, ..Count::default() };
            let (seconds, _) = timed(|| {
                for chunk in &chunks {
                    decode(chunk, &Decoder::new(&masker), &mut count);
                }
                count.events
            });
            println!(
                "  with the {what} of every event: {:.0} MB/s {:?} {} MB written",
                speed(seconds),
                count.bodies,
                count.written / 1_000_000
            );
        }
    }
}
