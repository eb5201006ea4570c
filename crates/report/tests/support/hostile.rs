//! A scan in which every string attacks whoever looks at it. It is built from the serialised form
//! of the breach, so that no field is forgotten, not even one that is added later.

use serde_json::Value;
use trailhound_model::scan::Scan;

/// Clears the screen, sets the title, turns text around, breaks lines, opens a script, leaves an
/// attribute.
pub const ATTACK: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\r\nCRITICAL forged\t\"'><script>alert(1)</script><img src=x onerror=alert(1)>`</code>&lt;</details></title>{{x}}";

/// Both breaches with the attack in every string and every key.
pub fn scan() -> Scan {
    let mut both = super::breach::scan();
    let more = super::spread::scan();
    both.incidents.extend(more.incidents);
    both.findings.extend(more.findings);
    let plain = serde_json::to_value(both).unwrap();
    serde_json::from_value(attacked(plain, "")).unwrap()
}

fn attacked(value: Value, field: &str) -> Value {
    match value {
        // Enumerations are ours, not the log's.
        Value::String(text)
            if matches!(field, "severity" | "kind" | "stage" | "role" | "effect")
                && is_ours(&text) =>
        {
            Value::String(text)
        }
        // So are times: they are read as numbers, whatever the log wrote.
        Value::String(text) if trailhound_model::time::Time::parse(&text).is_some() => {
            Value::String(text)
        }
        Value::String(text) => Value::String(format!("{text}{ATTACK}")),
        Value::Array(items) => items.into_iter().map(|item| attacked(item, field)).collect(),
        Value::Object(map) => {
            let in_map = matches!(field, "levels" | "undecided" | "numbers");
            let renamed = |key: String| if in_map { format!("{key}{ATTACK}") } else { key };
            map.into_iter()
                .map(|(key, value)| {
                    let value = attacked(value, &key);
                    (renamed(key), value)
                })
                .collect()
        }
        other => other,
    }
}

fn is_ours(text: &str) -> bool {
    let names = [
        "critical",
        "high",
        "medium",
        "low",
        "info",
        "rule",
        "threshold",
        "posture",
        "ResponseComplete",
        "entry",
        "step",
        "effect",
        "end",
        "Expected",
    ];
    names.contains(&text)
}
