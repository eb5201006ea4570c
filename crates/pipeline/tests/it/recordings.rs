//! Invariant 1 on recordings of a real API server, where chance has already tried what nobody thinks
//! of: ties, forwarded requests, watches that end together. Each is scanned as it lies there, with
//! more threads, cut into files, dealt out as if several API servers had written it, and shuffled as
//! far as the engine promises to wait. The answer, as text, must be the same to the byte.
//!
//! Two recordings are part of the repository. The others are beside the checkout or are left out,
//! which is said.

use crate::support::rules;
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::Value;
use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use trailhound_detect::Settings;
use trailhound_ingest::{Limits, discover, open};
use trailhound_model::{
    scan::Scan,
    time::{SECOND, Time},
};
use trailhound_pipeline::{Options, scan};

/// A log as files.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) files: Vec<PathBuf>,
}

impl Recording {
    pub(crate) fn new(name: &str, files: Vec<PathBuf>) -> Recording {
        Recording { name: name.to_owned(), files }
    }

    /// All bytes, unpacked.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for source in &discover(&self.files).sources {
            let mut reader = open(source, Limits::default()).unwrap();
            while let Some(chunk) = reader.next() {
                bytes.extend_from_slice(&chunk.bytes);
            }
            assert_eq!(reader.unread(), None);
        }
        bytes
    }
}

/// The recordings that are part of the repository.
pub(crate) fn committed() -> Vec<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    vec![
        Recording::new("demo", vec![root.join("../cli/demo/breach.log.zst")]),
        Recording::new("heartbeats", vec![root.join("tests/fixtures/heartbeats.jsonl.zst")]),
    ]
}

/// A folder of the recordings beside the checkout; empty, and said so, if it is not there.
#[allow(clippy::print_stderr, reason = "a test that was left out must say so")]
pub(crate) fn beside(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(folder);
    let Ok(entries) = fs::read_dir(&root) else {
        eprintln!("left out: the recording {folder} is not beside this checkout");
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("audit") || name.ends_with(".body.json")
    });
    files.sort();
    files
}

/// The large recordings, whole.
fn beside_whole() -> Vec<Recording> {
    ["metadata", "webhook-run", "requestresponse"]
        .into_iter()
        .map(|folder| Recording::new(folder, beside(folder)))
        .filter(|recording| !recording.files.is_empty())
        .collect()
}

/// The large recordings, of the largest only one file: what is tried here is written to disk and read
/// again each time.
fn beside_in_part() -> Vec<Recording> {
    let mut recordings = beside_whole();
    for recording in &mut recordings {
        if let Some(last) = recording.files.pop() {
            recording.files = vec![last];
        }
    }
    recordings
}

pub(crate) fn answer(paths: Vec<PathBuf>, threads: usize) -> Scan {
    let options = Options {
        paths,
        cluster: None,
        threads,
        masking_key: [1; 16],
        record_key: [threads as u8; 16],
        limits: Limits::default(),
        settings: Settings::default(),
    };
    scan(&options, &rules(), &mut |_| {}).unwrap()
}

fn text(scan: &Scan) -> String {
    serde_json::to_string_pretty(scan).unwrap()
}

/// The answer as text without what the cutting into files is allowed to change: the names of the
/// files, their bytes (a line break more or less), and where a record was read.
fn essence(scan: &Scan) -> String {
    let mut value = serde_json::to_value(scan).unwrap();
    for key in ["sources", "bytes"] {
        value["input"][key] = Value::Null;
    }
    for finding in value["findings"].as_array_mut().unwrap() {
        for record in finding["records"].as_array_mut().unwrap() {
            record["position"] = Value::Null;
        }
    }
    serde_json::to_string_pretty(&value).unwrap()
}

/// Says where two answers part, instead of showing megabytes of both.
pub(crate) fn difference(one: &str, other: &str) -> Option<String> {
    if one == other {
        return None;
    }
    let (left, right): (Vec<&str>, Vec<&str>) = (one.lines().collect(), other.lines().collect());
    let at = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
    let around = |lines: &[&str]| {
        lines.get(at.saturating_sub(12)..lines.len().min(at + 6)).unwrap_or_default().join("\n")
    };
    Some(format!("line {at}:\n{}\n--- is not\n{}", around(&left), around(&right)))
}

#[test]
fn threads_change_nothing_on_a_real_recording() {
    for recording in committed().into_iter().chain(beside_whole()) {
        let one = answer(recording.files.clone(), 1);
        assert!(one.input.events > 5_000 && one.input.rejected == 0, "{}", recording.name);
        let expected = text(&one);
        for threads in [2, 8] {
            let found = text(&answer(recording.files.clone(), threads));
            let difference = difference(&found, &expected);
            assert_eq!(difference, None, "{} with {threads} threads", recording.name);
        }
    }
}

#[test]
fn the_recordings_have_something_to_lose() {
    let demo = answer(committed()[0].files.clone(), 2);
    assert!(demo.findings.len() > 20 && !demo.incidents.is_empty());
    let heartbeats = answer(committed()[1].files.clone(), 2);
    assert!(heartbeats.completeness[0].beats_seen > 500);
}

/// How a log comes to us.
#[derive(Clone, Debug)]
struct Arrival {
    files: Files,
    /// Each record is late by less than two seconds, at random from this seed.
    shuffle: Option<u64>,
}

#[derive(Clone, Debug)]
enum Files {
    /// One after the other, cut at these places (as a share of all lines).
    Cut(Vec<u16>),
    /// Each line to one of so many files, at random from the seed.
    Dealt(usize, u64),
}

/// Random enough, and the same for the same numbers.
fn random(seed: u64, number: usize) -> u64 {
    let mut mixed = seed.wrapping_add(number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ mixed >> 27
}

/// Where the value of a time field of a record lies. Bodies have fields of these names only inside
/// other records, so the last one is the record's own.
fn field(line: &[u8], name: &str) -> Range<usize> {
    let key = format!("\"{name}\":\"");
    let found = line.windows(key.len()).rposition(|window| window == key.as_bytes());
    let start = found.expect("a record has its times") + key.len();
    let length = line[start..].iter().position(|byte| *byte == b'"').unwrap();
    start..start + length
}

/// The time of a record, by which the engine orders.
pub(crate) fn time_of(line: &[u8]) -> Time {
    Time::parse(std::str::from_utf8(&line[field(line, "stageTimestamp")]).unwrap()).unwrap()
}

/// The same record with times in whole seconds, as some shippers write them: most records tie.
fn coarse(line: &[u8]) -> Vec<u8> {
    let mut line = line.to_vec();
    for name in ["stageTimestamp", "requestReceivedTimestamp"] {
        let place = field(&line, name);
        let second = place.start + "2026-11-23T11:17:13".len();
        line[second + 1..place.end - 1].fill(b'0');
    }
    line
}

/// Lines as if each had taken up to two seconds to reach us.
fn shuffled<'a>(lines: &[&'a [u8]], seed: u64) -> Vec<&'a [u8]> {
    let delay = |number| (random(seed, number) % (2 * SECOND).cast_unsigned()).cast_signed();
    let mut arrival: Vec<(Time, &[u8])> = lines
        .iter()
        .enumerate()
        .map(|(number, line)| (time_of(line).plus(delay(number)), *line))
        .collect();
    arrival.sort_by_key(|(when, _)| *when);
    arrival.into_iter().map(|(_, line)| line).collect()
}

impl Files {
    fn parts<'a>(&self, lines: &[&'a [u8]]) -> Vec<Vec<&'a [u8]>> {
        match self {
            Files::Cut(places) => {
                let mut places: Vec<usize> =
                    places.iter().map(|place| (lines.len() * usize::from(*place)) >> 16).collect();
                places.extend([0, lines.len()]);
                places.sort_unstable();
                places.windows(2).map(|pair| lines[pair[0]..pair[1]].to_vec()).collect()
            }
            Files::Dealt(count, seed) => {
                let mut parts = vec![Vec::new(); *count];
                for (number, line) in lines.iter().enumerate() {
                    parts[random(*seed, number) as usize % count].push(*line);
                }
                parts
            }
        }
    }
}

impl Arrival {
    fn write(&self, lines: &[&[u8]]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let late = self.shuffle.map(|seed| shuffled(lines, seed));
        for (place, part) in self.files.parts(late.as_deref().unwrap_or(lines)).iter().enumerate() {
            // The order of names is not that of times.
            let name = format!("audit-{}-{place}.log", 9 - place % 10);
            fs::write(folder.path().join(name), part.join(&b'\n')).unwrap();
        }
        folder
    }
}

/// Scans a recording in `cases` ways of arriving.
fn arrives(recording: &Recording, cases: u32, ways: &BoxedStrategy<Arrival>) {
    let bytes = recording.bytes();
    let lines: Vec<&[u8]> =
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let expected = essence(&answer(recording.files.clone(), 2));
    arrive(&recording.name, &lines, &expected, cases, ways);
}

fn arrive(name: &str, lines: &[&[u8]], expected: &str, cases: u32, ways: &BoxedStrategy<Arrival>) {
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let check = |arrival: Arrival| {
        let folder = arrival.write(lines);
        let found = essence(&answer(vec![folder.path().to_owned()], 2));
        match difference(&found, expected) {
            None => Ok(()),
            Some(difference) => Err(TestCaseError::fail(difference)),
        }
    };
    if let Err(error) = TestRunner::new(config).run(ways, check) {
        panic!("{name}: {error}");
    }
}

fn cuts() -> BoxedStrategy<Arrival> {
    proptest::collection::vec(any::<u16>(), 1..12)
        .prop_map(|places| Arrival { files: Files::Cut(places), shuffle: None })
        .boxed()
}

fn deals() -> BoxedStrategy<Arrival> {
    (2usize..7, any::<u64>())
        .prop_map(|(count, seed)| Arrival { files: Files::Dealt(count, seed), shuffle: None })
        .boxed()
}

fn shuffles() -> BoxedStrategy<Arrival> {
    let files = prop_oneof![
        Just(Files::Cut(Vec::new())),
        (2usize..5, any::<u64>()).prop_map(|(count, seed)| Files::Dealt(count, seed)),
    ];
    (files, any::<u64>()).prop_map(|(files, seed)| Arrival { files, shuffle: Some(seed) }).boxed()
}

#[test]
fn cutting_a_recording_into_files_changes_nothing() {
    for recording in committed() {
        arrives(&recording, 4, &cuts());
    }
    for recording in beside_in_part() {
        arrives(&recording, 4, &cuts());
    }
}

#[test]
fn logs_of_several_servers_side_by_side_are_one_log() {
    for recording in committed().into_iter().chain(beside_in_part()) {
        arrives(&recording, 2, &deals());
    }
}

#[test]
fn a_shuffle_within_two_seconds_changes_nothing_on_a_recording() {
    for recording in committed() {
        arrives(&recording, 4, &shuffles());
    }
    for recording in beside_in_part() {
        arrives(&recording, 4, &shuffles());
    }
}

#[test]
fn records_of_the_same_second_have_an_order_of_their_own() {
    for recording in committed() {
        let bytes = recording.bytes();
        let lines: Vec<Vec<u8>> = bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(coarse)
            .collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let whole = Arrival { files: Files::Cut(Vec::new()), shuffle: None }.write(&lines);
        let expected = essence(&answer(vec![whole.path().to_owned()], 2));
        arrive(&recording.name, &lines, &expected, 4, &shuffles());
    }
}
