//! Finds the fields of a well-formed native record in one walk over its top level.
//!
//! The records that an API server writes have no surprises: known keys, plain strings, parts that
//! can be skipped. Walking them by hand takes half the time of a general parser. Anything that is
//! not so (a field of another type, a key that comes twice, damage) is given up at once and read
//! by the parser of [`crate::wire`], and what that refuses by [`crate::degraded`]: this walk can
//! only ever be faster, not of another opinion.

use crate::{
    frame::string_end,
    wire::{Part, Raw, Text, Wire, WireAuthentication, WireRef},
};
use serde::Deserialize;
use sonic_rs::LazyValue;
use std::borrow::Cow;

/// The record; `None` if it needs a closer look.
pub(crate) fn parse(text: &str) -> Option<Wire<'_>> {
    let mut walk = Walk { text, at: 0 };
    let mut wire = Wire::default();
    let mut seen = 0;
    walk.each_field(|key, walk| {
        let field = set(&mut wire, key, walk)?;
        let again = field != OTHER && seen & 1_u32 << field != 0;
        seen |= 1 << field;
        (!again).then_some(())
    })?;
    walk.is_over().then_some(wire)
}

/// Stands for all keys that mean nothing here.
const OTHER: u32 = 31;

/// Takes the value of a key; the number of the key.
fn set<'a>(wire: &mut Wire<'a>, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
    let field = match key {
        "kind" => (wire.kind = walk.text()?, 0).1,
        "apiVersion" => (wire.api_version = walk.text()?, 1).1,
        "level" => (wire.level = walk.text()?, 2).1,
        "auditID" => (wire.audit_id = walk.text()?, 3).1,
        "stage" => (wire.stage = walk.text()?, 4).1,
        "requestURI" => (wire.request_uri = walk.text()?, 5).1,
        "verb" => (wire.verb = walk.text()?, 6).1,
        "user" => (wire.user = walk.part()?, 7).1,
        "impersonatedUser" => (wire.impersonated_user = walk.part()?, 8).1,
        "sourceIPs" => (wire.source_ips = walk.part()?, 9).1,
        "userAgent" => (wire.user_agent = walk.text()?, 10).1,
        "objectRef" => (wire.object_ref = walk.object_ref()?, 11).1,
        "responseStatus" => (wire.response_status = walk.part()?, 12).1,
        "requestObject" => (wire.request_object = walk.raw()?, 13).1,
        "responseObject" => (wire.response_object = walk.raw()?, 14).1,
        "requestReceivedTimestamp" => (wire.request_received_timestamp = walk.text()?, 15).1,
        "stageTimestamp" => (wire.stage_timestamp = walk.text()?, 16).1,
        "timestamp" => (wire.timestamp = walk.raw()?, 17).1,
        "annotations" => (wire.annotations = walk.part()?, 18).1,
        "authenticationMetadata" => (wire.authentication_metadata = walk.authentication()?, 19).1,
        _ => (walk.skip()?, OTHER).1,
    };
    Some(field)
}

/// A place in a record.
struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is not blank, left where it is.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.rest();
        let first = *rest.first()?;
        if first > b' ' {
            return Some(first);
        }
        self.at +=
            rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.rest().first().copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        let found = self.peek()? == wanted;
        self.at += usize::from(found);
        found.then_some(())
    }

    fn is_over(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Calls `field` with each key of the object here; it takes the value.
    fn each_field(
        &mut self,
        mut field: impl FnMut(&'a str, &mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(b'{')?;
        if self.take(b'}').is_some() {
            return Some(());
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let key = self.plain()?;
            self.take(b':')?;
            field(key, self)?;
            if self.take(b',').is_none() {
                return self.take(b'}');
            }
        }
    }

    /// The string here, if it has no escapes.
    fn plain(&mut self) -> Option<&'a str> {
        let from = self.at + 1;
        let inside = self.text.as_bytes().get(from..)?;
        let length = memchr::memchr2(b'"', b'\\', inside)?;
        let text = inside.get(..length)?;
        // JSON has no raw control characters in strings; looked for without branches.
        let controls = text.iter().fold(0, |found, byte| found | u8::from(*byte < b' '));
        if inside.get(length) != Some(&b'"') || controls != 0 {
            return None;
        }
        self.at = from + length + 1;
        self.text.get(from..from + length)
    }

    fn text(&mut self) -> Option<Text<'a>> {
        if self.peek()? != b'"' {
            return self.null().map(|()| Text::default());
        }
        match self.plain() {
            Some(text) => Some(Text(Cow::Borrowed(text))),
            None => self.escaped(),
        }
    }

    /// The string here, if it has escapes.
    fn escaped(&mut self) -> Option<Text<'a>> {
        let end = string_end(self.text.as_bytes(), self.at)?;
        let raw = self.text.get(self.at..end)?;
        self.at = end;
        sonic_rs::from_str(raw).ok()
    }

    fn null(&mut self) -> Option<()> {
        let found = self.rest().starts_with(b"null");
        self.at += if found { 4 } else { 0 };
        found.then_some(())
    }

    /// Any value as its text, syntax checked.
    fn skip(&mut self) -> Option<&'a str> {
        self.peek()?;
        let mut values = sonic_rs::Deserializer::from_str(self.text.get(self.at..)?);
        match LazyValue::deserialize(&mut values).ok()?.as_raw_cow() {
            Cow::Borrowed(raw) => {
                self.at += raw.len();
                Some(raw)
            }
            Cow::Owned(_) => None,
        }
    }

    fn part<T>(&mut self) -> Option<Part<'a, T>> {
        let raw = self.skip()?;
        Some(if raw == "null" { Part::Absent } else { Part::Raw(raw) })
    }

    fn raw(&mut self) -> Option<Option<Raw<'a>>> {
        let raw = self.skip()?;
        Some((raw != "null").then_some(Raw(Cow::Borrowed(raw))))
    }

    fn object_ref(&mut self) -> Option<Option<WireRef<'a>>> {
        if self.peek()? == b'n' {
            return self.null().map(|()| None);
        }
        let mut object = WireRef::default();
        let mut seen = 0;
        self.each_field(|key, walk| {
            let (place, bit) = match key {
                "resource" => (&mut object.resource, 1),
                "subresource" => (&mut object.subresource, 2),
                "apiGroup" => (&mut object.api_group, 4),
                "apiVersion" => (&mut object.api_version, 8),
                "namespace" => (&mut object.namespace, 16),
                "name" => (&mut object.name, 32),
                "uid" => (&mut object.uid, 64),
                "resourceVersion" => (&mut object.resource_version, 128),
                _ => return walk.skip().map(|_| ()),
            };
            let again = seen & bit != 0;
            seen |= bit;
            *place = walk.text()?;
            (!again).then_some(())
        })?;
        Some(Some(object))
    }

    fn authentication(&mut self) -> Option<Option<WireAuthentication<'a>>> {
        sonic_rs::from_str(self.skip()?).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(text: &str) -> (Option<String>, Option<String>) {
        let general = sonic_rs::from_str::<Wire<'_>>(text).ok();
        (parse(text).map(|wire| format!("{wire:?}")), general.map(|wire| format!("{wire:?}")))
    }

    const WHOLE: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata",
        "auditID":"1","stage":"ResponseComplete","requestURI":"/api/v1/x?a=\"b\"&c=\u00e9",
        "verb":"get","user":{"username":"bob","groups":["a","b"],"extra":{"k":["v"]}},
        "impersonatedUser":null,"sourceIPs":["10.0.0.1"],"userAgent":"kubectl/v1 (é)","objectRef":
        {"resource":"pods","namespace":"shop","name":"cart","apiVersion":"v1","other":[1]},
        "responseStatus":{"metadata":{},"code":200},"requestObject":{"a":[{"b":"}]\""}]},
        "responseObject":null,"requestReceivedTimestamp":"2026-01-01T00:00:00.000000Z",
        "stageTimestamp":null,"timestamp":"x","unknown":{"x":-1.5e3},"more":true,
        "annotations":{"a":"b"},"authenticationMetadata":{"impersonationConstraint":"c"}}"#;

    #[test]
    fn a_whole_record_reads_like_with_the_general_parser() {
        let (mine, general) = both(WHOLE);
        assert!(mine.is_some());
        assert_eq!(mine, general);
    }

    #[test]
    fn a_raw_control_character_in_a_string_is_damage() {
        for text in ["{\"verb\":\"\0get\"}", "{\"verb\":\"a\nb\"}", "{\"ve\trb\":\"get\"}"] {
            assert_eq!(both(text), (None, None), "{text:?}");
        }
    }

    #[test]
    fn a_key_that_comes_twice_a_wrong_type_and_trailing_text_need_a_closer_look() {
        for text in [
            r#"{"verb":"get","verb":"list"}"#,
            r#"{"objectRef":{"name":"a","name":"b"}}"#,
            r#"{"verb":1}"#,
            r#"{"objectRef":"pods"}"#,
            r#"{"verb":"get"} x"#,
            r#"{"verb":"get""#,
            r#"{"verb":"get",}"#,
            r#"{"verb" "get"}"#,
            r#"{"x":{"a":}}"#,
            "",
            "[]",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse("{}").is_some() && parse(" { } \r\n").is_some());
    }

    proptest! {
        #[test]
        fn it_never_accepts_what_the_general_parser_refuses(
            cut in 0..WHOLE.len(), with in "[\\[\\]{}\",:\\\\a1n ]{0,3}", drop in 0usize..4
        ) {
            let head = WHOLE.get(..cut);
            let tail = WHOLE.get(cut + drop..);
            if let (Some(head), Some(tail)) = (head, tail) {
                let (mine, general) = both(&format!("{head}{with}{tail}"));
                if mine.is_some() {
                    prop_assert_eq!(mine, general);
                }
            }
        }
    }
}
