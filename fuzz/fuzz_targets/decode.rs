//! Any bytes, as one chunk: decoding must not panic, must count every byte, and whatever is handed
//! out as JSON must be JSON within its limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailhound_ingest::{Chunk, Decoder, Masker, Sink, decode};
use trailhound_model::{
    event::Event,
    lookup::{Bodies, Side},
    scan::Rejected,
};

const LIMIT: usize = 4096;

#[derive(Default)]
struct Check {
    events: u64,
    rejects: u64,
    ignored: u64,
    length: u64,
}

impl Sink for Check {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        self.events += 1;
        assert!(event.position.offset <= self.length);
        let record = bodies.masked_record(LIMIT);
        assert!(record.len() <= LIMIT);
        let _ = bodies.body();
        let _ = bodies.digest();
        for side in [Side::Request, Side::Response] {
            let _ = bodies.value(side, &[]);
            let _ = bodies.value(side, &["spec", "containers", "0", "command"]);
        }
    }

    fn reject(&mut self, rejected: Rejected) {
        self.rejects += 1;
        assert!(rejected.offset + rejected.length <= self.length);
    }

    fn ignored(&mut self, _reason: &'static str) {
        self.ignored += 1;
    }
}

fuzz_target!(|bytes: &[u8]| {
    let masker = Masker::new([7; 16]);
    let mut check = Check { length: bytes.len() as u64, ..Check::default() };
    let chunk = Chunk::from_bytes(0, "fuzz", bytes.to_vec());
    let tally = decode(&chunk, &Decoder::new(&masker), &mut check);
    assert_eq!(tally.bytes, bytes.len() as u64);
    assert_eq!((tally.records, tally.rejected), (check.events, check.rejects));
    assert_eq!(tally.ignored_total(), check.ignored);
});
