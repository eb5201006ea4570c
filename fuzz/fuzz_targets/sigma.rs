//! Any text as a Sigma file, as a condition and as a value with any modifiers: loading must not panic,
//! and what is loaded must keep within its caps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailhound_rules::{RuleSet, Sources};

const SOURCE: &str = "title: t\nlogsource: {product: kubernetes, service: audit}\n";

fn load(text: &str) -> Option<RuleSet> {
    RuleSet::load_all(&Sources { sigma: &[("fuzz.yml", text)], ..Sources::default() }).ok()
}

fuzz_target!(|text: &str| {
    let _ = load(text);
    let quoted = serde_json::Value::from(text).to_string();
    let condition = format!("{SOURCE}detection:\n  a: {{verb: get}}\n  b: {{verb: list}}\n  condition: {quoted}\n");
    let _ = load(&condition);
    let (modifiers, value) = text.split_once(' ').unwrap_or((text, text));
    let key = serde_json::Value::from(format!("verb|{modifiers}")).to_string();
    let value = serde_json::Value::from(value).to_string();
    let item = format!("{SOURCE}detection:\n  a:\n    {key}: {value}\n  condition: a\n");
    if let Some(rules) = load(&item) {
        assert_eq!(rules.rules().len(), 1);
    }
});
