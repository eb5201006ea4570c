//! One look at an envelope: which of the fields that any envelope uses it has, each as raw JSON.
//!
//! Only known names are kept, so that an object with a million fields costs no memory, and no
//! value is parsed until an envelope asks for it.

use crate::wire::{Raw, Text};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::{borrow::Cow, fmt};
use trailhound_model::time::Time;

/// Fields that may be kept.
const MOST_FIELDS: usize = 64;

macro_rules! known {
    ($($name:literal)*) => {
        fn known(key: &str) -> Option<&'static str> {
            match key { $($name => Some($name),)* _ => None }
        }
    };
}

known! {
    "items" "events" "records" "Records" "hits" "tables" "results"
    "kind" "message" "messageType" "logEvents" "logStreamName" "eventId" "id"
    "awslogs" "kinesis" "data" "@message" "@timestamp" "@log" "@logStream"
    "category" "Category" "properties" "log_s" "operationName" "metricName"
    "resourceId" "ResourceId" "_ResourceId" "time" "TimeGenerated" "timestamp" "Type"
    "AuditId" "Level" "Stage" "RequestUri" "Verb" "User" "ImpersonatedUser" "SourceIps"
    "UserAgent" "ObjectRef" "ResponseStatus" "RequestObject" "ResponseObject"
    "RequestReceivedTime" "StageReceivedTime" "Annotations"
    "log" "msg" "MESSAGE" "event" "original" "short_message" "full_message" "structured"
    "_source" "_raw" "result" "body" "kubernetes" "audit" "line" "openshift" "cluster_id"
}

/// The known fields of an object, in its order.
#[derive(Debug, Default)]
pub(crate) struct Object<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl<'a> Object<'a> {
    /// Reads the object; `None` if it is no whole JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Object<'a>> {
        sonic_rs::from_str(text).ok()
    }

    /// An object out of a table's row.
    pub(crate) fn of_row(cells: impl Iterator<Item = (&'a str, &'a str)>) -> Object<'a> {
        let known = cells.filter_map(|(key, raw)| Some((known(key)?, Cow::Borrowed(raw))));
        Object(known.take(MOST_FIELDS).collect())
    }

    /// The raw value; `null` is none.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let (_, raw) = self.0.iter().find(|(name, _)| *name == key)?;
        (raw != "null").then_some(&**raw)
    }

    /// Whether there is such a field with a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The value, if it is a string.
    pub(crate) fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        string(self.get(key)?)
    }

    /// Whether a field is a list of records, which the framer takes apart.
    pub(crate) fn is_list(&self) -> bool {
        let is_list = |key| self.get(key).is_some_and(|raw| raw.starts_with('['));
        ["items", "events", "records", "Records"].into_iter().any(is_list)
    }

    /// When the envelope was written.
    pub(crate) fn time(&self) -> Option<Time> {
        let time = |key| self.get(key).and_then(time);
        ["time", "TimeGenerated", "@timestamp", "timestamp"].into_iter().find_map(time)
    }
}

/// A string out of its JSON.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.starts_with('"') {
        return None;
    }
    sonic_rs::from_str::<Text<'_>>(raw).ok().map(|text| text.0)
}

/// RFC 3339, the same without an offset (CloudWatch Logs Insights writes UTC so), milliseconds.
fn time(raw: &str) -> Option<Time> {
    let text = raw.trim_matches('"');
    let millis = || text.parse().ok().filter(|n| *n > 100_000_000_000i64).map(Time::from_millis);
    Time::parse(text).or_else(|| Time::parse(&format!("{text}Z"))).or_else(millis)
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match known(&key) {
                Some(key) if fields.len() < MOST_FIELDS => {
                    let Raw(raw) = map.next_value()?;
                    fields.push((key, raw));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Object(fields))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_fields_are_kept_and_each_is_raw() {
        let text = r#"{"other":1,"a":{"b":[1,2]},"message":"x\"y","n":null,"id":null,"timestamp":1795432633204,"zz":"q"}"#;
        let object = Object::parse(text).unwrap_or_default();
        let kept: Vec<_> = object.0.iter().map(|(key, raw)| (*key, &**raw)).collect();
        let expected = [("message", r#""x\"y""#), ("id", "null"), ("timestamp", "1795432633204")];
        assert_eq!(kept, expected);
        assert_eq!(object.text("message").as_deref(), Some("x\"y"));
        assert!(!object.has("id"));
    }
}
