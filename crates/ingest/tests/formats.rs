//! Every format that we read, as files: `formats/<format>/<case>.*` is what goes in and
//! `<case>.expected` beside it is everything that must come out. `BLESS=1` writes the expectations,
//! to be read before they are committed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "what is left out is said")]

mod common;

use common::{Collected, decode_all, read_file};
use proptest::prelude::*;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use trailhound_ingest::{Limits, SourceKind, discover, open};
use trailhound_model::{
    action::Action, credential::Credential, event::Event, principal::Principal,
};

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let mut files = files_in(&root);
    files.retain(|path| path.extension().is_some_and(|kind| kind != "expected"));
    assert!(files.len() > 50, "the cases are gone");
    files
}

fn files_in(path: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
        .into_iter()
        .flat_map(|entry| if entry.is_dir() { files_in(&entry) } else { vec![entry] })
        .collect()
}

/// Everything about an event that a rule or a reader can see, one fact a line.
fn dump(event: &Event, record: &str, body: &str, out: &mut String) {
    let (action, principal) = (Action::of(event), Principal::of(event));
    let mut line = |key: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "  {key}: {value}");
        }
    };
    line("format", event.format.as_str().to_owned());
    line("cluster", event.cluster.to_string());
    let inferred = if event.time_inferred { " (inferred)" } else { "" };
    line("time", format!("{}{inferred}", event.time));
    line("stage", format!("{} at level {}", event.stage.as_str(), event.level.as_str()));
    line("request", format!("{} {}", event.verb, event.request_uri));
    line("user", format!("{} {:?}", event.user.name, event.user.groups));
    line("acted as", event.impersonated.as_ref().map_or(String::new(), |u| u.name.to_string()));
    line("kind", principal.effective.kind.as_str().to_owned());
    line("credential", Credential::of(event).kind.as_str().to_owned());
    line("from", format!("{} with {}", event.source_ip(), event.agent_family()));
    line(
        "target",
        event.object.as_ref().map_or(String::new(), |it| {
            format!(
                "{}|{} {}/{} {} {}",
                it.api_group, it.api_version, it.resource, it.subresource, it.namespace, it.name
            )
        }),
    );
    line("status", format!("{:?} {}", event.code(), event.message()));
    line("means", format!("{} {}", action.kind.as_str(), action.outcome.as_str()));
    line("bodies", format!("{:?}", event.bodies));
    for (key, value) in event.annotations.iter() {
        line("annotation", format!("{key} = {value}"));
    }
    line("body", body.to_owned());
    line("shown", record.to_owned());
}

fn text_of(found: &Collected) -> String {
    let mut out = String::new();
    let seen = found.events.iter().zip(&found.records).zip(&found.bodies);
    for ((event, record), body) in seen {
        let _ = writeln!(out, "event {} at {}", event.audit_id, event.position.offset);
        dump(event, record, &format!("{body:?}"), &mut out);
    }
    for rejected in &found.rejects {
        let _ = writeln!(out, "reject at {}: {}", rejected.offset, rejected.reason);
    }
    for reason in &found.ignored {
        let _ = writeln!(out, "ignored: {reason}");
    }
    out
}

#[test]
fn every_format_gives_what_is_expected() {
    let mut wrong = Vec::new();
    for path in cases() {
        let found = decode_all(&fs::read(&path).unwrap(), Vec::new());
        assert_eq!(found.tally.by_format().values().sum::<u64>(), found.events.len() as u64);
        let (text, expected) = (text_of(&found), path.with_extension("expected"));
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, &text).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn chunks_of_any_size_give_the_same_events() {
    for path in cases() {
        let bytes = fs::read(&path).unwrap();
        let whole = decode_all(&bytes, Vec::new());
        let ids = |found: &Collected| -> Vec<String> {
            found
                .events
                .iter()
                .map(|event| format!("{} {}", event.audit_id, event.format.as_str()))
                .collect()
        };
        for chunk in [1, 900, 5000] {
            let (read, unread) = read_file(&bytes, chunk, 4 << 20);
            assert_eq!(ids(&read), ids(&whole), "{} by {chunk}", path.display());
            assert_eq!(read.rejects.len(), whole.rejects.len(), "{}", path.display());
            assert_eq!(unread, None);
        }
    }
}

#[test]
fn no_credential_leaves_through_any_format() {
    for path in cases() {
        let found = decode_all(&fs::read(&path).unwrap(), Vec::new());
        let everything = found.everything();
        for secret in ["hunter2", "aHVudGVyMg"] {
            assert!(!everything.contains(secret), "{}", path.display());
        }
    }
}

#[test]
fn the_digest_is_that_of_the_record_as_the_provider_wrote_it() {
    use sha2::{Digest, Sha256};
    let line = |name: &str| -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name);
        fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned()
    };
    let entry = line("gke/beside-other-entries.jsonl");
    let found = decode_all(entry.as_bytes(), Vec::new());
    assert_eq!(found.digests[0], <[u8; 32]>::from(Sha256::digest(&entry)));
    assert_eq!(found.exhibits[0], found.digests[0], "also once it is kept");
    let inner = common::event("a");
    let wrapped = format!(r#"{{"log":"{}\n"}}"#, inner.replace('"', "\\\""));
    let found = decode_all(wrapped.as_bytes(), Vec::new());
    assert_eq!(found.digests[0], <[u8; 32]>::from(Sha256::digest(&inner)));
}

/// All cases as one text, cut and changed at random: whatever an exporter or an attacker does to an
/// envelope, nothing panics, every byte is counted, and no credential comes out.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<Vec<u8>> = cases()
        .iter()
        .map(|path| fs::read(path).unwrap())
        .filter(|bytes| bytes.len() < 20_000)
        .collect();
    let change = (any::<prop::sample::Index>(), prop::sample::select(b"{}[]\",:0 a\\\n".to_vec()));
    let changes = prop::collection::vec(change, 0..4);
    let cut = prop::option::of(any::<prop::sample::Index>());
    (prop::sample::select(files), changes, cut).prop_map(|(mut bytes, changes, cut)| {
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn damage_never_panics_and_is_counted(parts in prop::collection::vec(damaged(), 1..3)) {
        let bytes = parts.concat();
        let found = decode_all(&bytes, Vec::new());
        prop_assert_eq!(found.tally.bytes, bytes.len() as u64);
        prop_assert_eq!(found.tally.records as usize, found.events.len());
        prop_assert_eq!(found.tally.by_format().values().sum::<u64>(), found.tally.records);
        for event in &found.events {
            prop_assert!(event.position.offset < bytes.len() as u64);
        }
        for (record, digest) in found.records.iter().zip(&found.exhibits) {
            prop_assert_eq!(record.as_bytes().first(), Some(&b'{'));
            prop_assert!(digest != &[0; 32]);
        }
    }
}

#[test]
fn a_record_cut_anywhere_is_an_event_or_a_reject_and_never_vanishes() {
    for name in ["gke/denied-is-denied.json", "aks/log-as-object.json", "openshift/node-logs.log"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats").join(name);
        let bytes = fs::read(path).unwrap();
        for end in (1..bytes.len()).step_by(7) {
            let found = decode_all(&bytes[..end], Vec::new());
            let all = found.events.len() + found.rejects.len() + found.ignored.len();
            assert!(all > 0, "{name} cut at {end}");
        }
    }
}

/// Reads a directory beside the checkout, if it is there.
fn shared(name: &str) -> Option<Collected> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if !path.exists() {
        eprintln!("left out: {name} is not beside this checkout");
        return None;
    }
    let mut all = Collected::default();
    for source in discover(&[path]).sources {
        assert!(matches!(source.kind, SourceKind::File(_)));
        let found = common::read_all(&mut open(&source, Limits::default()).unwrap());
        all.events.extend(found.events);
        all.rejects.extend(found.rejects);
        all.ignored.extend(found.ignored);
    }
    Some(all)
}

#[test]
fn samples_of_other_projects_are_read_without_a_reject() {
    let Some(found) = shared("conformance/formats") else { return };
    assert!(found.rejects.is_empty(), "{:?}", found.rejects);
    assert!(found.events.len() > 10);
}

#[test]
fn a_receivers_directory_is_read_without_a_reject() {
    let Some(found) = shared("corpus/webhook") else { return };
    assert!(found.rejects.is_empty(), "{:?}", found.rejects.first());
    assert!(found.events.len() > 6000);
}

#[test]
fn what_the_webhook_sent_is_what_the_log_says() {
    let sent = shared("corpus/webhook/requestresponse-http-truncate50k");
    let (Some(sent), Some(written)) = (sent, shared("corpus/webhook-run/audit.log.gz")) else {
        return;
    };
    let key = |event: &Event| (event.audit_id.clone(), event.stage, event.user.name.clone());
    let written: std::collections::HashMap<_, _> =
        written.events.iter().map(|event| (key(event), event)).collect();
    assert!(sent.events.len() > 1700);
    for event in &sent.events {
        let other = written.get(&key(event)).expect("the log has the event");
        // The webhook's backend cuts large events, which it says.
        let mut same = Event { position: other.position, ..event.clone() };
        if event.bodies.truncated {
            same.bodies = other.bodies;
            same.annotations.retain(|(key, _)| key != "audit.k8s.io/truncated");
        }
        assert_eq!(same, **other);
    }
}
