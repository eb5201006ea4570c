//! Whoever can send a request can write into the audit log, and so into every report. These tests
//! put an attack into every string of a scan and look at what comes out of every format.

mod support;

use proptest::prelude::*;
use serde_json::Value;
use support::{hostile, page};
use trailhound_model::scan::Scan;
use trailhound_report::{TextStyle, html, json, jsonl, sanitize::is_hidden, text};

fn styles() -> Vec<TextStyle> {
    let mut styles = Vec::new();
    for width in [0, 60, 100, 500] {
        for verbose in [false, true] {
            for unicode in [false, true] {
                styles.push(TextStyle { width, colour: false, verbose, unicode });
            }
        }
    }
    styles
}

fn assert_nothing_hidden(output: &str) {
    let found = output.chars().find(|character| is_hidden(*character) && *character != '\n');
    assert_eq!(found, None);
}

#[test]
fn the_attack_is_in_every_part_of_the_scan() {
    let scan = hostile::scan();
    assert!(json(&scan).matches("alert(1)").count() > 300);
    assert!(scan.incidents.iter().all(|one| one.title.contains(hostile::ATTACK)));
    assert!(
        scan.completeness
            .iter()
            .all(|one| one.levels.keys().all(|key| key.contains(hostile::ATTACK)))
    );
}

#[test]
fn no_escape_sequence_reaches_the_terminal() {
    for style in styles() {
        let output = text(&hostile::scan(), &style);
        assert_nothing_hidden(&output);
        assert!(output.contains("\\u{1b}[2J"), "the attack is not even shown");
        assert!(style.unicode || output.is_ascii());
    }
}

#[test]
fn the_only_escape_sequences_of_a_coloured_report_are_ours() {
    let coloured = TextStyle { colour: true, width: 90, ..TextStyle::default() };
    let plain = TextStyle { colour: false, ..coloured };
    for scan in [hostile::scan(), support::breach::scan()] {
        let output = text(&scan, &coloured);
        assert!(output.contains('\u{1b}'));
        assert_eq!(without_colour(&output), text(&scan, &plain));
    }
}

/// Removes `ESC [ digits m` and nothing else.
#[allow(clippy::unwrap_used)]
fn without_colour(output: &str) -> String {
    let mut out = String::new();
    let mut rest = output;
    while let Some((before, tail)) = rest.split_once("\u{1b}[") {
        let (code, after) = tail.split_once('m').unwrap();
        assert!(code.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{code}");
        out.push_str(before);
        rest = after;
    }
    out + rest
}

#[test]
fn a_forged_line_starts_nowhere() {
    for style in styles() {
        let output = text(&hostile::scan(), &style);
        for line in output.lines().filter(|line| line.starts_with("CRITICAL")) {
            let is_title =
                ["A stolen pod", "The credential of"].iter().any(|own| line.contains(own));
            assert!(is_title, "{line}");
        }
    }
}

#[test]
fn json_carries_the_attack_as_data_and_shows_it_to_nobody() {
    let scan = hostile::scan();
    for output in [json(&scan), jsonl(&scan)] {
        assert_nothing_hidden(&output);
        assert!(!output.contains('<'));
    }
    let value: Value = serde_json::from_str(&json(&scan)).unwrap();
    assert_eq!(value["incidents"][0]["title"], scan.incidents[0].title);
    assert_eq!(
        value["findings"][0]["records"][0]["auditID"],
        scan.findings[0].records[0].audit_id.as_str()
    );
    for line in jsonl(&scan).lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
    }
}

#[test]
fn no_markup_of_the_log_reaches_the_page() {
    let output = html(&hostile::scan());
    assert_nothing_hidden(&output);
    for tag in page::tags(&output) {
        assert!(page::is_ours(tag), "{tag}");
    }
    page::assert_well_formed(&output);
    assert!(output.contains("&lt;script&gt;") || output.contains("&#60;script&#62;"));
}

#[test]
fn an_empty_scan_is_rendered_and_claims_nothing() {
    let scan = Scan::default();
    let output = text(&scan, &TextStyle::default());
    assert!(output.starts_with("No events were read, so nothing can be said."), "{output}");
    page::assert_well_formed(&html(&scan));
    assert!(serde_json::from_str::<Value>(&json(&scan)).unwrap()["input"]["first"].is_null());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_wider_than_the_terminal(words in "(\\PC{0,90}[ \n]){0,6}", width in 40usize..140, unicode: bool) {
        let mut scan = support::breach::scan();
        for one in &mut scan.incidents {
            one.title.clone_from(&words);
            one.story.clone_from(&words);
            one.principals = vec![words.clone()];
            one.hops.iter_mut().for_each(|hop| hop.to.clone_from(&words));
            one.steps.iter_mut().for_each(|step| step.text.clone_from(&words));
            // A command is kept whole, however wide: see `text::wrap::command`.
            one.next_steps = vec![words.replace('`', "")];
        }
        scan.input.sources = vec![words.clone(); 3];
        let output = text(&scan, &TextStyle { width, colour: false, verbose: true, unicode });
        for line in output.lines() {
            let columns: usize = line.chars().map(|c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(0)).sum();
            prop_assert!(columns <= width.min(110), "{columns} > {width}: {line}");
        }
    }

    #[test]
    fn any_text_makes_a_well_formed_page(words in "[\\PC<>&\"'`\u{0}-\u{1f}\u{202e}]{0,120}") {
        let mut scan = support::breach::scan();
        for one in &mut scan.incidents {
            one.title.clone_from(&words);
            one.next_steps = vec![words.clone()];
            one.hops.iter_mut().for_each(|hop| hop.kind.clone_from(&words));
        }
        scan.findings.iter_mut().for_each(|finding| {
            finding.id.clone_from(&words);
            finding.records.iter_mut().for_each(|record| record.masked.clone_from(&words));
        });
        page::assert_well_formed(&html(&scan));
    }
}
