//! Alerts as Falco writes them with `json_output`, one object per line with its keys in order, so
//! that what reads Falco's output today can read ours. Like all our JSON, characters that a terminal
//! obeys are written as escapes.

use crate::json;
use serde::{Serialize, Serializer};
use std::{collections::BTreeMap, io};
use trailhound_model::{
    alert::{Alert, AlertValue},
    time::Time,
};

/// The only source of events of these alerts.
const SOURCE: &str = "k8s_audit";

#[derive(Serialize)]
struct Line<'a> {
    hostname: &'a str,
    output: &'a str,
    output_fields: BTreeMap<&'a str, Value<'a>>,
    priority: &'a str,
    rule: &'a str,
    source: &'static str,
    tags: &'a [String],
    time: String,
}

struct Value<'a>(&'a AlertValue);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            AlertValue::Missing => serializer.serialize_none(),
            AlertValue::Text(text) => serializer.serialize_str(text),
            AlertValue::Number(number) => serializer.serialize_i64(*number),
            AlertValue::List(texts) => texts.serialize(serializer),
        }
    }
}

/// Writes one alert as one line. `hostname` is that of the machine that tells it.
pub fn write_falco(alert: &Alert, hostname: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let fields = alert.fields.iter().map(|(name, value)| (name.as_str(), Value(value)));
    let line = Line {
        hostname,
        output: &alert.output,
        output_fields: fields.collect(),
        priority: &alert.priority,
        rule: &alert.rule,
        source: SOURCE,
        tags: &alert.tags,
        time: nanoseconds(alert.time),
    };
    json::line(out, &line)
}

/// `2026-11-23T11:17:13.204586000Z`
fn nanoseconds(time: Time) -> String {
    format!("{}000Z", time.to_string().trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(alert: &Alert) -> String {
        let mut out = Vec::new();
        write_falco(alert, "node-1", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_alert_has_the_shape_that_readers_of_falco_know() {
        let alert = Alert {
            time: Time::parse("2026-11-23T11:17:13.204586Z").unwrap(),
            rule: "Attach/Exec Pod".into(),
            priority: "Notice".into(),
            tags: vec!["k8s".into()],
            output: "11:17:13.204586000: Notice Attach (user=eve ns=<NA>)".into(),
            fields: BTreeMap::from([
                ("evt.time".into(), AlertValue::Number(1_795_432_633_204_586_000)),
                ("ka.user.name".into(), AlertValue::Text("eve".into())),
                ("ka.target.namespace".into(), AlertValue::Missing),
                ("ka.user.groups".into(), AlertValue::List(vec!["a".into(), "b".into()])),
            ]),
        };
        assert_eq!(
            written(&alert),
            "{\"hostname\":\"node-1\",\"output\":\"11:17:13.204586000: Notice Attach (user=eve ns=<NA>)\",\
             \"output_fields\":{\"evt.time\":1795432633204586000,\"ka.target.namespace\":null,\
             \"ka.user.groups\":[\"a\",\"b\"],\"ka.user.name\":\"eve\"},\"priority\":\"Notice\",\
             \"rule\":\"Attach/Exec Pod\",\"source\":\"k8s_audit\",\"tags\":[\"k8s\"],\
             \"time\":\"2026-11-23T11:17:13.204586000Z\"}\n".replace('<', "\\u003c")
        );
    }

    #[test]
    fn control_characters_of_a_client_are_escapes_in_the_line() {
        let output = "user=\u{1b}[2Jeve\nforged\u{202e}".to_owned();
        let line = written(&Alert { output: output.clone(), ..Alert::default() });
        assert!(line.lines().count() == 1 && !line.contains(['\u{1b}', '\u{202e}']), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["output"], output);
    }
}
