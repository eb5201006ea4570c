//! Any bytes, as a file, through the whole program: an answer in every form, in which no raw control
//! character and no tag of the log is left.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{fs, path::PathBuf, sync::Arc};
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_pipeline::{Options, scan};
use trailhound_report::{TextStyle, html, json, jsonl, text};
use trailhound_rules::RuleSet;

fn answers(path: &PathBuf, rules: &Arc<RuleSet>) {
    let options = Options {
        paths: vec![path.clone()],
        cluster: None,
        threads: 1,
        masking_key: [7; 16],
        record_key: [9; 16],
        limits: Limits { unpacked: 1 << 20, ..Limits::default() },
        settings: Settings::default(),
    };
    let scan = scan(&options, rules, &mut |_| {}).expect("a file that is there is read");
    let style = TextStyle { width: 80, colour: false, verbose: true, unicode: true };
    let shown = text(&scan, &style);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "a control character is shown");
    assert!(!html(&scan).to_lowercase().contains("<script"));
    serde_json::from_str::<serde_json::Value>(&json(&scan)).expect("the answer is JSON");
    for line in jsonl(&scan).lines() {
        serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("fuzz-scan-{}", std::process::id()));
    fs::write(&path, bytes).expect("a temporary file");
    answers(&path, &Arc::new(RuleSet::builtin().expect("the built-in rules load")));
});
