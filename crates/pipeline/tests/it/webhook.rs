//! The same requests as the API server's log file and as the bodies that it posted to a webhook lead
//! to the same findings and incidents. Bodies carry records without kind and version, in batches of
//! which one was refused and sent again later.
//!
//! Hashes of records differ (the bytes differ), and with them the ids of findings; everything else
//! must not. The recordings are beside the checkout or are left out.

use crate::recordings::{Recording, answer, beside, difference, time_of};
use serde_json::Value;
use std::{collections::BTreeMap, fs};
use tempfile::TempDir;
use trailhound_model::scan::Scan;

/// Bodies and the log of the same run, cut to the stretch that the bodies cover.
struct Pair {
    bodies: Recording,
    log: Vec<u8>,
}

/// What was posted, and the log of the run. `None`, and said so, where there is no recording.
fn pair(bodies: &str, log: &str) -> Option<Pair> {
    let bodies = Recording::new(bodies, beside(&format!("webhook/{bodies}")));
    let log = Recording::new(log, beside(log));
    if bodies.files.is_empty() || log.files.is_empty() {
        return None;
    }
    let posted = answer(bodies.files.clone(), 1).input;
    let end = posted.last.unwrap();
    let bytes = log.bytes();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let covered: Vec<&[u8]> = lines.filter(|line| time_of(line) <= end).collect();
    assert_eq!(covered.len() as u64, posted.events, "every record of the stretch was posted");
    Some(Pair { bodies, log: covered.join(&b'\n') })
}

fn file(name: &str, bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    folder
}

/// A name for each finding that does not depend on the bytes of its records.
fn names(scan: &Scan) -> BTreeMap<String, String> {
    let name = |finding: &trailhound_model::finding::Finding| {
        let ids: Vec<&str> =
            finding.records.iter().map(|record| record.audit_id.as_str()).collect();
        format!("{} {} {}", finding.time, finding.rule.id, ids.join(" "))
    };
    scan.findings.iter().map(|finding| (finding.id.clone(), name(finding))).collect()
}

/// Findings and incidents as text, without what follows from the bytes of records.
fn told(scan: &Scan) -> String {
    let names = names(scan);
    let mut findings = serde_json::to_value(&scan.findings).unwrap();
    let mut incidents = serde_json::to_value(&scan.incidents).unwrap();
    for value in [&mut findings, &mut incidents] {
        strip(value, &names);
        value.as_array_mut().unwrap().sort_by_key(Value::to_string);
    }
    serde_json::to_string_pretty(&[findings, incidents]).unwrap()
}

/// Ids become names; hash, text and place of records go. What several rules found in one record is
/// in the order of ids, and gets that of names.
fn strip(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text) {
                text.clone_from(name);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, names)),
        Value::Object(fields) => {
            for key in ["sha256", "masked", "position"] {
                fields.remove(key);
            }
            if fields.contains_key("merged") {
                // An incident's own id, and those of others that it took in, are hashes of findings.
                fields.remove("id");
                fields.remove("merged");
            }
            fields.values_mut().for_each(|field| strip(field, names));
            // What to do now is told in the order of the findings, which ties break by their hashes.
            for key in ["findings", "steps", "answer"] {
                if let Some(Value::Array(items)) = fields.get_mut(key) {
                    items.sort_by_key(|item| (item["time"].to_string(), item.to_string()));
                }
            }
        }
        _ => {}
    }
}

fn agrees(pair: &Pair) {
    let log = file("audit.log", &pair.log);
    let expected = answer(vec![log.path().to_owned()], 2);
    assert!(expected.input.events > 1_000 && !expected.findings.is_empty());
    let posted = answer(pair.bodies.files.clone(), 2);
    assert_eq!((posted.input.events, posted.input.rejected), (expected.input.events, 0));
    let name = &pair.bodies.name;
    assert_eq!(difference(&told(&posted), &told(&expected)), None, "{name}");
    assert_eq!(posted.completeness[0].gaps, expected.completeness[0].gaps, "{name}");
    assert_eq!(posted.completeness[0].policy, expected.completeness[0].policy, "{name}");
}

#[test]
fn bodies_of_a_webhook_lead_to_the_findings_of_the_log_of_the_same_run() {
    pair("requestresponse-http-truncate50k", "webhook-run").iter().for_each(agrees);
}

#[test]
fn bodies_without_contents_lead_to_the_findings_of_the_log_of_the_same_run() {
    pair("metadata-https-default-batching", "metadata").iter().for_each(agrees);
}

#[test]
fn a_stream_of_bodies_with_a_batch_sent_again_has_every_event_once() {
    let Some(pair) = pair("metadata-https-default-batching", "metadata") else { return };
    // One file, in the order of arrival: nothing but the records can tell what came twice.
    let stream = pair.bodies.files.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>();
    let posted = answer(vec![file("stream.json", &stream.concat()).path().to_owned()], 2);
    let log = file("audit.log", &pair.log);
    let expected = answer(vec![log.path().to_owned()], 2);
    assert_eq!(posted.input.events, expected.input.events);
    assert_eq!((posted.input.duplicates, posted.input.rejected), (400, 0));
    // Later by seconds than the engine promises to wait: no finding of this run hangs on that order.
    assert!(posted.completeness[0].late > 0, "a batch came after a newer one");
    assert_eq!(difference(&told(&posted), &told(&expected)), None);
}
