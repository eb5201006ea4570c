//! The short events that examples of rules are written in, completed to a log: an example says what
//! matters to it, and nothing that would hide that.

use super::csr;
use base64::{Engine as _, prelude::BASE64_STANDARD as STANDARD};
use serde_json::{Map, Value, json};
use trailhound_model::time::Time;

/// Short events as a log: `$repeat: N` makes N of one, `$each: [a, b]` one per value with `$`
/// replaced; ids, stage, level, times and kind are filled in; one second passes between events.
pub fn log(events: &[Value]) -> String {
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
    // Anything else is left to the decoder, which says what is wrong with it.
    let Value::Object(mut event) = event else { return event };
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
        *request = json!(STANDARD.encode(csr::pem(name)));
    }
}
