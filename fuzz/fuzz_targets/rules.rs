//! Any text, as a condition, as a rule file and as a sentence: loading must not panic, and a condition
//! that loads inside a file must compile by itself too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailhound_rules::{RuleSet, Template, native, template::Use};

fuzz_target!(|text: &str| {
    let _ = native::compile(text);
    let _ = RuleSet::load(&[("fuzz.yaml", text)]);
    let _ = Template::parse(text, Use::Step, true);
    let quoted = serde_json::Value::from(text).to_string();
    let rule = format!(
        "id: fuzz\nversion: 1\ntitle: t\nfamily: rbac\nseverity: low\non: {{actions: ['*']}}\nwhen: {quoted}\nexplain: e\nwhy: w\n"
    );
    if let Ok(rules) = RuleSet::load(&[("fuzz.yaml", &rule)]) {
        assert_eq!(rules.rules().len(), 1);
        assert!(native::compile(text).is_ok());
    }
});
