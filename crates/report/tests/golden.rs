//! What each format says about known scans, word for word.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use support::{breach, page, spread};
use trailhound_model::{
    finding::Severity,
    incident::{Cause, Hand},
    scan::Scan,
};
use trailhound_report::{TextStyle, html, json, jsonl, text, verdict};

fn at_width(scan: &Scan, width: usize) -> String {
    text(scan, &TextStyle { width, ..TextStyle::default() })
}

#[test]
fn a_breach_in_the_terminal() {
    insta::assert_snapshot!("breach_60", at_width(&breach::scan(), 60));
    insta::assert_snapshot!("breach_100", at_width(&breach::scan(), 100));
}

#[test]
fn a_breach_in_the_terminal_with_everything_and_only_ascii() {
    let style = TextStyle { width: 100, verbose: true, unicode: false, colour: false };
    insta::assert_snapshot!("breach_verbose", text(&breach::scan(), &style));
}

#[test]
fn a_breach_told_by_its_hands_in_the_terminal() {
    insta::assert_snapshot!("spread_60", at_width(&spread::scan(), 60));
    insta::assert_snapshot!("spread_100", at_width(&spread::scan(), 100));
}

#[test]
fn a_breach_told_by_its_hands_as_a_page() {
    let output = html(&spread::scan());
    page::assert_well_formed(&output);
    if let Ok(folder) = std::env::var("TRAILHOUND_LOOK") {
        std::fs::write(format!("{folder}/spread.html"), &output).unwrap();
    }
    for told in [
        "How it spread",
        "Not run by Trailhound.",
        "kubectl delete clusterrolebinding pipeline-admin-fb5b6",
        "Takes cluster-admin from user bob.",
        "Which credentials are burnt?",
        "What could be reached",
        "Standing weaknesses",
        "token 874900a6…",
    ] {
        assert!(output.contains(told), "{told}");
    }
    let (_, body) = output.split_once("<body").unwrap();
    insta::assert_snapshot!("spread_html", without_empty_lines(body));
}

#[test]
fn thirty_hands_are_drawn_as_far_as_can_be_followed() {
    let mut scan = spread::scan();
    let one = &mut scan.incidents[0];
    let cart = one.hands[1].clone();
    for index in 0..27 {
        one.hands.push(Hand { entity: format!("sa:shop/worker-{index}"), ..cart.clone() });
        let to = (one.hands.len() - 1, 0);
        one.causes.push(Cause { to, ..one.causes[0].clone() });
    }
    let output = html(&scan);
    page::assert_well_formed(&output);
    assert!(output.contains("Not drawn: 6 nodes and 6 arrows."));
    assert!(output.contains("Not drawn: 6 lines."));
    if let Ok(folder) = std::env::var("TRAILHOUND_LOOK") {
        std::fs::write(format!("{folder}/fan.html"), &output).unwrap();
    }
}

#[test]
fn a_quiet_night_in_the_terminal() {
    insta::assert_snapshot!("quiet_60", at_width(&support::quiet(), 60));
    insta::assert_snapshot!("quiet_100", at_width(&support::quiet(), 100));
}

#[test]
fn the_json_contract() {
    insta::assert_snapshot!("breach_json", json(&breach::scan()));
    insta::assert_snapshot!("spread_json", json(&spread::scan()));
}

#[test]
fn the_same_scan_gives_the_same_bytes() {
    for scan in [breach::scan(), support::huge()] {
        assert_eq!(html(&scan), html(&scan.clone()));
        assert_eq!(json(&scan), json(&scan.clone()));
    }
}

/// Every field that was promised on the first day; nothing may leave this list.
const PROMISED: &[&str] = &[
    "schema",
    "input.files",
    "input.bytes",
    "input.events",
    "input.rejected",
    "input.duplicates",
    "input.first",
    "input.last",
    "completeness[].cluster",
    "completeness[].score",
    "completeness[].gaps",
    "completeness[].levels",
    "completeness[].blind",
    "incidents[].id",
    "incidents[].severity",
    "incidents[].confidence",
    "incidents[].title",
    "incidents[].story",
    "incidents[].first_seen",
    "incidents[].last_seen",
    "incidents[].cluster",
    "incidents[].principals[]",
    "incidents[].techniques[]",
    "incidents[].findings[]",
    "incidents[].evidence[]",
    "incidents[].hops[].from",
    "incidents[].hops[].to",
    "incidents[].hops[].kind",
    "incidents[].hops[].confidence",
    "incidents[].hops[].evidence[]",
    "incidents[].next_steps[]",
    "findings[].id",
    "findings[].rule.id",
    "findings[].rule.version",
    "findings[].rule.title",
    "findings[].kind",
    "findings[].severity",
    "findings[].confidence",
    "findings[].time",
    "findings[].principal",
    "findings[].action",
    "findings[].target",
    "findings[].explanation",
    "findings[].why",
    "findings[].benign_readings[]",
    "findings[].numbers",
    "findings[].techniques[]",
    "findings[].evidence[]",
    "findings[].records[].auditID",
    "findings[].records[].stage",
    "findings[].records[].source",
    "findings[].records[].offset",
    "findings[].records[].sha256",
];

/// Paths of all fields, without what is inside maps and logged events.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    found.insert(path.to_owned());
    match value {
        Value::Array(items) => {
            for item in items {
                paths(item, &format!("{path}[]"), found);
            }
        }
        Value::Object(map)
            if !["formats", "levels", "undecided", "blind_reasons", "numbers", "event"]
                .iter()
                .any(|map| path.ends_with(map)) =>
        {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{key}"), found);
            }
        }
        _ => {}
    }
}

#[allow(clippy::unwrap_used)]
fn breach_paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for scan in [breach::scan(), spread::scan()] {
        paths(&serde_json::from_str(&json(&scan)).unwrap(), "", &mut found);
    }
    found
}

#[test]
fn no_promised_field_is_missing() {
    let found = breach_paths();
    let missing: Vec<_> = PROMISED.iter().filter(|path| !found.contains(**path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_field_is_documented() {
    let document = include_str!("../../../docs/output.md");
    for path in breach_paths() {
        let field = path.trim_end_matches("[]").rsplit('.').next().unwrap().to_owned();
        assert!(
            field.is_empty() || document.contains(&format!("`{field}`")),
            "{path} is not in docs/output.md"
        );
    }
}

#[test]
fn the_verdict_says_the_worst_first_and_does_not_call_blindness_peace() {
    assert_eq!(
        verdict(&breach::scan()),
        "3 incidents: 1 critical, 1 medium, 1 low. 1 file was not wholly read."
    );
    assert_eq!(
        verdict(&support::quiet()),
        "Nothing found: 12 rules looked at 20,937 events; 2 of them could not see what they look for."
    );
    let mut minor = breach::scan();
    minor.incidents.retain(|one| one.severity < Severity::Medium);
    minor.input.unread.clear();
    assert_eq!(verdict(&minor), "Nothing found at medium or above; 1 minor observation.");
}

#[test]
fn the_page_is_well_formed_and_loads_nothing() {
    for scan in [breach::scan(), support::quiet(), support::huge()] {
        let output = html(&scan);
        page::assert_well_formed(&output);
        assert!(
            output.contains("default-src &#39;none&#39;") || output.contains("default-src 'none'")
        );
    }
}

#[test]
fn the_page_of_a_breach() {
    let output = html(&breach::scan());
    let (_, body) = output.split_once("<body").unwrap();
    insta::assert_snapshot!("breach_html", without_empty_lines(body));
}

fn without_empty_lines(page: &str) -> String {
    page.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_page_of_five_hundred_findings_says_what_it_leaves_out() {
    let output = html(&support::huge());
    assert!(output.len() < 4_000_000, "{} bytes", output.len());
    assert_eq!(output.matches("<details class=\"finding\"").count(), 300);
    assert!(output.contains("more findings of this incident are left out"));
    assert!(output.contains("26 more steps"), "steps are folded");
}

#[test]
fn raw_events_stop_at_the_cap_and_it_is_said() {
    let mut scan = support::huge();
    let big = format!("{{\"a\":\"{}\"}}", "x".repeat(50_000));
    for record in scan.findings.iter_mut().flat_map(|finding| &mut finding.records) {
        record.masked.clone_from(&big);
    }
    let output = html(&scan);
    assert!(output.len() < 6_000_000, "{} bytes", output.len());
    assert!(output.contains("Cut here. The JSON output has all that was kept of it."));
    assert!(output.contains("more raw record"));
}

#[test]
fn json_lines_hold_the_same_as_the_document() {
    let scan = breach::scan();
    let document: Value = serde_json::from_str(&json(&scan)).unwrap();
    let mut findings = Vec::new();
    for line in jsonl(&scan).lines() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        if value["type"] == "finding" {
            value.as_object_mut().unwrap().remove("type");
            findings.push(value);
        }
    }
    assert_eq!(document["findings"], Value::Array(findings));
}
