//! Invariant 1: threads, the cutting of the input into files, and the keys of a run change no
//! result.

use crate::support::{all_rule_tests, judge, log, rules};
use serde_json::json;
use std::{fs, path::PathBuf};
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_model::{event::Position, scan::Scan};
use trailhound_pipeline::{Options, scan};

fn lines() -> Vec<String> {
    all_rule_tests().lines().map(str::to_owned).collect()
}

fn answer(paths: Vec<PathBuf>, threads: usize, key: u8) -> Scan {
    let options = Options {
        paths,
        cluster: None,
        threads,
        masking_key: [key; 16],
        record_key: [key.wrapping_add(1); 16],
        limits: Limits { chunk: 4096, ..Limits::default() },
        settings: Settings::default(),
    };
    scan(&options, &rules(), &mut |_| {}).unwrap()
}

/// What must not change: everything but where records were read from.
fn essence(mut scan: Scan) -> Scan {
    scan.input.sources.clear();
    scan.input.bytes = 0;
    for record in scan.findings.iter_mut().flat_map(|finding| &mut finding.records) {
        record.position = Position::default();
    }
    scan
}

/// Equal secrets look alike within a run only, so the marks that stand for them follow the key.
fn without_marks(mut scan: Scan) -> Scan {
    for record in scan.findings.iter_mut().flat_map(|finding| &mut finding.records) {
        let mut parts = record.masked.split("[masked:");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str("[masked");
            text.push_str(part.get(8..).unwrap_or(part));
        }
        record.masked = text;
    }
    scan
}

#[test]
fn threads_and_keys_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    fs::write(&path, lines().join("\n")).unwrap();
    let one = answer(vec![path.clone()], 1, 7);
    assert!(one.incidents.len() > 10);
    for threads in [2, 8] {
        assert_eq!(answer(vec![path.clone()], threads, 7), one, "{threads} threads");
    }
    let other_key = answer(vec![path], 2, 9);
    assert_eq!(without_marks(other_key), without_marks(one), "another key");
}

#[test]
fn requests_that_share_a_chosen_audit_id_and_a_second_are_told_alike_in_any_order() {
    let request = |user: &str| {
        json!({
            "user": {"username": user}, "verb": "get", "auditID": "chosen",
            "requestReceivedTimestamp": "2026-11-23T11:17:13Z", "stageTimestamp": "2026-11-23T11:17:13Z",
            "requestURI": "/api/v1/namespaces/kube-system/secrets/kubeadm-certs",
            "objectRef": {"resource": "secrets", "namespace": "kube-system", "name": "kubeadm-certs", "apiVersion": "v1"},
            "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1", "responseStatus": {"code": 200},
        })
    };
    let told = |users: [&str; 3]| -> Vec<(String, String)> {
        let findings = judge(&log(&users.map(request))).findings;
        let activity = "secrets-handled-by-people";
        let told = findings.into_iter().filter(|one| one.rule.id != activity);
        told.map(|one| (one.rule.id, one.explanation)).collect()
    };
    let expected = told(["ann", "bob", "eve"]);
    assert_eq!(expected.len(), 5, "one finding each, and two that share the id: {expected:?}");
    for users in [["bob", "eve", "ann"], ["eve", "ann", "bob"], ["bob", "ann", "eve"]] {
        assert_eq!(told(users), expected);
    }
}

#[test]
fn rotated_files_are_one_log_in_any_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.log");
    let lines = lines();
    fs::write(&whole, lines.join("\n")).unwrap();
    let expected = essence(answer(vec![whole], 1, 7));
    for parts in [2, 5] {
        let rotated = folder.path().join(format!("rotated-{parts}"));
        fs::create_dir(&rotated).unwrap();
        for (place, part) in lines.chunks(lines.len() / parts + 1).enumerate() {
            fs::write(rotated.join(format!("audit-{}.log", 9 - place)), part.join("\n")).unwrap();
        }
        assert_eq!(essence(answer(vec![rotated], 2, 7)), expected, "{parts} files");
    }
}

#[test]
fn a_copy_of_a_file_beside_it_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = lines().join("\n");
    fs::write(folder.path().join("audit.log"), &text).unwrap();
    let single = answer(vec![folder.path().to_owned()], 1, 7);
    fs::write(folder.path().join("backup.log"), &text).unwrap();
    let both = answer(vec![folder.path().to_owned()], 1, 7);
    assert_eq!(both.input.events, single.input.events);
    assert!(
        both.input.warnings.iter().any(|warning| warning.contains("same bytes")),
        "{:?}",
        both.input.warnings
    );
}

#[test]
fn overlapping_files_give_duplicates_not_more_findings() {
    let folder = tempfile::tempdir().unwrap();
    let lines = lines();
    let half = lines.len() / 2;
    fs::write(folder.path().join("a.log"), lines.join("\n")).unwrap();
    let single = answer(vec![folder.path().to_owned()], 1, 7);
    fs::write(folder.path().join("b.log"), lines[half..].join("\n")).unwrap();
    let both = answer(vec![folder.path().to_owned()], 1, 7);
    assert_eq!(both.input.duplicates as usize, lines.len() - half);
    assert_eq!(essence(both).findings, essence(single).findings);
}
