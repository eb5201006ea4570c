//! tmp
use std::path::PathBuf;
use trailhound_ingest::{Decoder, Limits, Masker, Sink, decode, discover, open};
use trailhound_model::{event::Event, lookup::Bodies, scan::Rejected};
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
struct N(u64);
impl Sink for N {
    fn event(&mut self, event: Event, _b: &dyn Bodies) { self.0 += 1; std::hint::black_box(&event); }
    fn reject(&mut self, _r: Rejected) {}
    fn ignored(&mut self, _r: &'static str) {}
}
fn main() {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let masker = Masker::new([7; 16]);
    for spec in discover(&paths).sources {
        let mut reader = open(&spec, Limits::default()).unwrap();
        let mut chunks = Vec::new();
        while let Some(c) = reader.next() { chunks.push(c); }
        for _ in 0..20 { let mut n = N(0); for c in &chunks { decode(c, &Decoder::new(&masker), &mut n); } }
    }
}
