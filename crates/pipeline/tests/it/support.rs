//! Runs bytes through everything without files, and completes the short events that rule tests
//! are written in.

use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use trailhound_detect::{Engine, Outcome, Settings, dedupe::Key};
use trailhound_ingest::{Chunk, Masker};
use trailhound_model::{fact::Fact, time::Time};
use trailhound_pipeline::work::Worker;
use trailhound_rules::{Rule, RuleSet, Sources};

/// The shipped rules.
pub(crate) fn rules() -> Arc<RuleSet> {
    static RULES: LazyLock<Arc<RuleSet>> =
        LazyLock::new(|| Arc::new(RuleSet::builtin().expect("the shipped rules load")));
    Arc::clone(&RULES)
}

/// The shipped rules with their tests, every expression checked.
pub(crate) fn whole_rules() -> RuleSet {
    RuleSet::load_all(&Sources {
        native: &RuleSet::builtin_files(),
        sigma: &RuleSet::builtin_sigma_files(),
        ..Sources::default()
    })
    .expect("the shipped rules load")
}

/// The events of all rule tests, one after the other: every stateful part has something to hold.
pub(crate) fn all_rule_tests() -> String {
    let rules = whole_rules();
    let tests = rules.rules().iter().flat_map(Rule::tests);
    log(&tests.flat_map(|test| test.events.clone()).collect::<Vec<Value>>())
}

/// The facts of a log.
pub(crate) fn facts(rules: &RuleSet, log: &str) -> Vec<(Box<Fact>, Key)> {
    let masker = Masker::new([3; 16]);
    let worker = Worker { rules, masker: &masker, secret: [5; 16] };
    let chunk = Chunk::from_bytes(0, "test.log", log.as_bytes().to_vec());
    let batch = worker.work(&chunk, &mut worker.memory());
    assert!(batch.rejects.is_empty(), "{:?}", batch.rejects);
    batch.facts
}

/// The answer to a log.
pub(crate) fn judge(log: &str) -> Outcome {
    judge_with(&rules(), log)
}

/// The same with other rules.
pub(crate) fn judge_with(rules: &Arc<RuleSet>, log: &str) -> Outcome {
    let mut engine = Engine::new(Arc::clone(rules), Settings::default());
    for (fact, key) in facts(rules, log) {
        engine.push(fact, key);
    }
    engine.flush();
    engine.outcome()
}

/// Short events as a log: `$repeat: N` makes N of one, `$each: [a, b]` one per value with `$`
/// replaced; ids, stage, level, times and kind are filled in; one second passes between events.
pub(crate) fn log(events: &[Value]) -> String {
    let mut clock = 0;
    let mut lines = Vec::new();
    for event in events {
        for copy in copies(event) {
            clock += 1;
            lines.push(completed(copy, clock).to_string());
        }
    }
    lines.join("\n")
}

fn copies(event: &Value) -> Vec<Value> {
    let mut event = event.clone();
    let repeat = take(&mut event, "$repeat").and_then(|n| n.as_u64()).unwrap_or(1);
    match take(&mut event, "$each") {
        Some(Value::Array(values)) => {
            values.iter().filter_map(Value::as_str).map(|value| with_value(&event, value)).collect()
        }
        _ => (0..repeat).map(|_| event.clone()).collect(),
    }
}

fn take(event: &mut Value, key: &str) -> Option<Value> {
    event.as_object_mut()?.remove(key)
}

fn with_value(event: &Value, value: &str) -> Value {
    match event {
        Value::String(text) => Value::String(text.replace('$', value)),
        Value::Array(items) => items.iter().map(|item| with_value(item, value)).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, item)| (key.clone(), with_value(item, value))).collect()
        }
        other => other.clone(),
    }
}

fn completed(event: Value, clock: i64) -> Value {
    let Value::Object(mut event) = event else { panic!("an event is an object") };
    let time = Time(1_790_000_000_000_000 + clock * 1_000_000).to_string();
    let mut fill = |key: &str, value: Value| {
        event.entry(key).or_insert(value);
    };
    fill("kind", json!("Event"));
    fill("apiVersion", json!("audit.k8s.io/v1"));
    fill("auditID", json!(format!("00000000-0000-4000-8000-{clock:012}")));
    fill("stage", json!("ResponseComplete"));
    fill("level", json!("Metadata"));
    fill("requestReceivedTimestamp", json!(time));
    fill("stageTimestamp", json!(time));
    decision(&mut event);
    request_of_name(&mut event);
    Value::Object(event)
}

/// What the authorizer says follows from the code, if the test does not say it.
fn decision(event: &mut Map<String, Value>) {
    let allowed = match event.get("responseStatus").and_then(|status| status["code"].as_u64()) {
        Some(200..=399) => "allow",
        Some(403) => "forbid",
        _ => return,
    };
    let annotations = event.entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.entry("authorization.k8s.io/decision").or_insert_with(|| json!(allowed));
    }
}

/// `"@csr NAME"` stands for a PKCS#10 request with that common name.
fn request_of_name(event: &mut Map<String, Value>) {
    let Some(request) =
        event.get_mut("requestObject").and_then(|body| body.pointer_mut("/spec/request"))
    else {
        return;
    };
    if let Some(name) = request.as_str().and_then(|text| text.strip_prefix("@csr ")) {
        *request = json!(base64(pem(name).as_bytes()));
    }
}

fn pem(name: &str) -> String {
    format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        base64(&csr(name))
    )
}

/// A PKCS#10 request with a common name, an arbitrary P-256 point and no valid signature: only its
/// form is read.
fn csr(name: &str) -> Vec<u8> {
    let attribute = [der(0x06, &[0x55, 0x04, 0x03]), der(0x0c, name.as_bytes())].concat();
    let subject = der(0x30, &der(0x31, &der(0x30, &attribute)));
    let algorithm = [
        der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01]),
        der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    ]
    .concat();
    let point = [vec![0, 4], vec![7; 64]].concat();
    let key = der(0x30, &[der(0x30, &algorithm), der(0x03, &point)].concat());
    let info = der(0x30, &[der(0x02, &[0]), subject, key, der(0xa0, &[])].concat());
    let signature = der(0x30, &der(0x06, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]));
    let bits = der(0x03, &[0, 0x30, 6, 2, 1, 1, 2, 1, 1]);
    der(0x30, &[info, signature, bits].concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for block in bytes.chunks(3) {
        let group = (0..3).fold(0u32, |sum, at| sum << 8 | u32::from(*block.get(at).unwrap_or(&0)));
        for place in 0..4 {
            let letter = ALPHABET[(group >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= block.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
