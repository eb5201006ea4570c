//! What taking objects out of bodies costs: decodes files with and without it.
//!
//! `cargo run --release -p trailhound-ingest --example observed_speed -- audit.log…`
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use trailhound_ingest::{Chunk, Decoder, Masker, Sink, decode};
use trailhound_model::{
    action::Action, event::Event, lookup::Bodies, observed::is_wanted, scan::Rejected,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Default)]
struct Count {
    on: bool,
    kinds: BTreeMap<String, (usize, usize, Duration)>,
}

impl Sink for Count {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        let outcome = Action::of(&event).outcome;
        if self.on && is_wanted(&event, outcome) {
            let begin = Instant::now();
            let found = bodies.observed().map_or(0, |found| found.objects.len());
            let key = format!("{} {}/{}", event.verb, event.resource(), event.subresource());
            let kind = self.kinds.entry(key).or_default();
            *kind = (kind.0 + 1, kind.1 + found, kind.2 + begin.elapsed());
        }
    }
    fn reject(&mut self, _: Rejected) {}
    fn ignored(&mut self, _: &'static str) {}
}

fn main() {
    let masker = Masker::new([0; 16]);
    for on in [false, true] {
        let mut sink = Count { on, ..Count::default() };
        let decoder = Decoder::new(&masker);
        let mut time = Duration::ZERO;
        for path in std::env::args().skip(1) {
            let chunk = Chunk::from_bytes(0, &path, std::fs::read(&path).unwrap());
            let begin = Instant::now();
            decode(&chunk, &decoder, &mut sink);
            time += begin.elapsed();
        }
        println!("observed {on}: {time:?}");
        let mut kinds: Vec<_> = sink.kinds.into_iter().collect();
        kinds.sort_by_key(|(_, (_, _, time))| std::cmp::Reverse(*time));
        for (kind, (records, objects, time)) in kinds.into_iter().take(25) {
            println!("{time:>12?} {records:>6} records {objects:>7} objects  {kind}");
        }
    }
}
