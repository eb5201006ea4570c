//! Any bytes, as a source of any packing, in chunks of any size: every byte is accounted for once, no
//! range of a reject lies outside or over its neighbour, and where nothing is damaged the size of
//! the chunks changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailhound_ingest::{Decoder, Limits, Masker, Sink, decode, fuzzing::reader};
use trailhound_model::{event::Event, lookup::Bodies, scan::Rejected};

#[derive(Default, PartialEq, Debug)]
struct Found {
    events: Vec<(u64, String, String, String)>,
    rejects: Vec<(u64, u64)>,
    ignored: u64,
    bytes: u64,
}

impl Sink for Found {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        let _ = (bodies.body(), bodies.masked_record(2048), bodies.exhibit().record().len());
        self.events.push((
            event.position.offset,
            event.audit_id.to_string(),
            event.verb.to_string(),
            event.user.name.to_string(),
        ));
    }

    fn reject(&mut self, rejected: Rejected) {
        self.rejects.push((rejected.offset, rejected.length));
    }

    fn ignored(&mut self, _reason: &'static str) {
        self.ignored += 1;
    }
}

fn read(bytes: &[u8], limits: Limits) -> Option<Found> {
    let mut reader = reader(bytes, limits).ok()?;
    let masker = Masker::new([7; 16]);
    let decoder = Decoder::new(&masker);
    let mut found = Found::default();
    while let Some(chunk) = reader.next() {
        found.bytes += decode(&chunk, &decoder, &mut found).bytes;
        reader.recycle(chunk.bytes);
    }
    assert_eq!(found.bytes, reader.offset());
    for (offset, length) in &found.rejects {
        assert!(offset + length <= found.bytes);
    }
    assert!(found.events.iter().all(|event| event.0 <= found.bytes));
    Some(found)
}

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (chunk, record, bytes) = input;
    let limits = Limits { unpacked: 1 << 20, ..Limits::default() };
    let whole = read(bytes, limits.clone());
    let small = Limits { chunk: usize::from(chunk).max(1), ..limits.clone() };
    let cut = read(bytes, small.clone());
    if let (Some(whole), Some(cut)) = (whole, cut)
        && whole.rejects.is_empty()
        && cut.rejects.is_empty()
    {
        assert_eq!(whole.events, cut.events);
    }
    let _ = read(bytes, Limits { record: usize::from(record).max(64), ..small });
});
