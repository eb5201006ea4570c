//! Collects everything that decoding hands out, so that tests compare values and search text.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fmt::Write as _;
use trailhound_ingest::{
    Chunk, ChunkReader, Decoder, Limits, Masker, Sink, SourceKind, SourceSpec, Tally, decode, open,
};
use trailhound_model::{
    body::Body,
    event::Event,
    lookup::{Bodies, Reading, Side, Value},
    scan::Rejected,
};

/// Values that tests ask of every record.
pub type Ask = (Side, Vec<&'static str>);

#[derive(Default)]
pub struct Collected {
    pub events: Vec<Event>,
    pub bodies: Vec<Reading<Body>>,
    pub records: Vec<String>,
    pub digests: Vec<[u8; 32]>,
    /// Digests of the records as they are kept for later.
    pub exhibits: Vec<[u8; 32]>,
    pub values: Vec<Reading<Value>>,
    pub rejects: Vec<Rejected>,
    pub ignored: Vec<&'static str>,
    pub tally: Tally,
    pub asks: Vec<Ask>,
    pub limit: usize,
}

impl Sink for Collected {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        self.bodies.push(match bodies.body() {
            Reading::Present(body) => Reading::Present(body.clone()),
            Reading::Absent => Reading::Absent,
            Reading::Unknown => Reading::Unknown,
        });
        let limit = if self.limit == 0 { 1 << 20 } else { self.limit };
        self.records.push(bodies.masked_record(limit));
        self.digests.push(bodies.digest());
        self.exhibits.push(bodies.exhibit().digest());
        for (side, path) in &self.asks {
            self.values.push(bodies.value(*side, path));
        }
        self.events.push(event);
    }
    fn reject(&mut self, rejected: Rejected) {
        self.rejects.push(rejected);
    }
    fn ignored(&mut self, reason: &'static str) {
        self.ignored.push(reason);
    }
}

impl Collected {
    /// Everything that a user of the crate can see, as text.
    pub fn everything(&self) -> String {
        let mut out = String::new();
        let _ = write!(out, "{:?}{:?}{:?}", self.events, self.bodies, self.values);
        let _ = write!(out, "{:?}{:?}{}", self.rejects, self.ignored, self.records.join("\n"));
        out
    }
}

pub fn masker() -> Masker {
    Masker::new(*b"0123456789abcdef")
}

pub fn decode_all(bytes: &[u8], asks: Vec<Ask>) -> Collected {
    let mut collected = Collected { asks, ..Collected::default() };
    let chunk = Chunk::from_bytes(0, "test", bytes.to_vec());
    let masker = masker();
    collected.tally = decode(&chunk, &Decoder::new(&masker), &mut collected);
    collected
}

pub fn spec(path: &std::path::Path) -> SourceSpec {
    SourceSpec {
        index: 0,
        name: path.display().to_string(),
        kind: SourceKind::File(path.to_owned()),
        cluster: "".into(),
    }
}

pub fn read_all(reader: &mut ChunkReader) -> Collected {
    let mut collected = Collected::default();
    let masker = masker();
    while let Some(chunk) = reader.next() {
        let tally = decode(&chunk, &Decoder::new(&masker), &mut collected);
        collected.tally.merge(&tally);
        reader.recycle(chunk.bytes);
    }
    collected
}

/// Writes the bytes to a file and reads it in chunks of about this size.
pub fn read_file(bytes: &[u8], chunk: usize, record: usize) -> (Collected, Option<String>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    std::fs::write(&path, bytes).unwrap();
    let limits = Limits { chunk, record, ..Limits::default() };
    let mut reader = open(&spec(&path), limits).unwrap();
    let collected = read_all(&mut reader);
    (collected, reader.unread().map(|unread| unread.reason))
}

/// A small native event.
pub fn event(id: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods?limit=500","verb":"list","user":{{"username":"alice","groups":["system:authenticated"]}},"sourceIPs":["10.0.0.1"],"userAgent":"kubectl/v1.36.2","objectRef":{{"resource":"pods","namespace":"shop","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2026-11-23T11:17:13.204586Z","stageTimestamp":"2026-11-23T11:17:13.205586Z","annotations":{{"authorization.k8s.io/decision":"allow"}}}}"#
    )
}

/// The same without `kind` and `apiVersion`, as the items of an `EventList` are.
pub fn item(id: &str) -> String {
    event(id).replace(r#""kind":"Event","apiVersion":"audit.k8s.io/v1","#, "")
}

/// Indented by two blanks, as `jq` prints it.
pub fn pretty(json: &str) -> String {
    let (mut out, mut depth, mut in_string, mut previous) = (String::new(), 0, false, ' ');
    for c in json.chars() {
        if c == '"' && previous != '\\' {
            in_string = !in_string;
        }
        let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
        match c {
            '{' | '[' if !in_string => {
                depth += 1;
                out.push(c);
                out.push_str(&line(depth));
            }
            '}' | ']' if !in_string => {
                depth -= 1;
                out.push_str(&line(depth));
                out.push(c);
            }
            ',' if !in_string => {
                out.push(c);
                out.push_str(&line(depth));
            }
            _ => out.push(c),
        }
        previous = c;
    }
    out
}
