//! Any text, as a condition of Falco and as a file of its rules: loading must not panic, and a
//! condition that loads inside a file must parse by itself too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailhound_rules::{RuleSet, Sources, falco};

fuzz_target!(|text: &str| {
    let load = |file: &str| {
        RuleSet::load_all(&Sources { falco: &[("fuzz.yaml", file)], ..Sources::default() })
    };
    let parses = falco::parses(text);
    let _ = load(text);
    let quoted = serde_json::Value::from(text).to_string();
    let rule = format!(
        "- list: l\n  items: [a]\n- macro: m\n  condition: ka.verb = get\n- rule: r\n  desc: d\n  condition: {quoted}\n  output: {quoted}\n  priority: INFO\n  source: k8s_audit\n"
    );
    if load(&rule).is_ok() {
        assert!(parses);
    }
});
