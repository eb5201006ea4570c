//! Reads what is left of a record that is damaged, cut, nested too deep, or has a field of a type
//! that no API server writes: field by field, keeping every field that can be read.
//!
//! An attacker must not be able to hide a request by making one of its fields odd, and a record
//! that a log shipper cut still tells who did what to which object: those fields come first.

use crate::{
    depth,
    frame::{Fields, Key},
    wire::{
        Extra, Pairs, Raw, Text, Texts, Wire, WireAuthentication, WireRef, WireStatus, WireUser,
    },
};
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// Nesting that a field other than a body may have.
const FIELD_DEPTH: usize = 32;

/// What could be read.
pub(crate) struct Degraded<'a> {
    pub(crate) wire: Wire<'a>,
    /// The record's end is missing or unreadable.
    pub(crate) cut: bool,
}

/// Reads the fields of the object that `text` begins with.
pub(crate) fn read(text: &str) -> Degraded<'_> {
    let mut wire = Wire::default();
    let complete = each_field(text, &mut |key, value| set(&mut wire, key, value));
    Degraded { wire, cut: !complete }
}

/// Calls `field` for every whole field; whether the object's end was reached.
fn each_field<'a>(text: &'a str, field: &mut dyn FnMut(&str, &'a str)) -> bool {
    let mut fields = Fields::new(text.as_bytes(), 0);
    loop {
        match fields.next_key() {
            Key::End => return true,
            Key::Cut => return false,
            Key::At(start, end) => {
                let Some(from) = fields.value_start() else { return false };
                let Some(to) = fields.skip_value() else { return false };
                if let (Some(key), Some(value)) = (text.get(start..end), text.get(from..to)) {
                    field(key, value);
                }
            }
        }
    }
}

fn set<'a>(wire: &mut Wire<'a>, key: &str, value: &'a str) {
    match key {
        "kind" => wire.kind = string(value),
        "apiVersion" => wire.api_version = string(value),
        "level" => wire.level = string(value),
        "auditID" => wire.audit_id = string(value),
        "stage" => wire.stage = string(value),
        "requestURI" => wire.request_uri = string(value),
        "verb" => wire.verb = string(value),
        "user" => wire.user = object(value, user).into(),
        "impersonatedUser" => wire.impersonated_user = object(value, user).into(),
        "sourceIPs" => wire.source_ips = strings(value).into(),
        "userAgent" => wire.user_agent = string(value),
        "objectRef" => wire.object_ref = object(value, object_ref),
        "responseStatus" => wire.response_status = object(value, status).into(),
        "requestObject" => wire.request_object = raw(value),
        "responseObject" => wire.response_object = raw(value),
        "requestReceivedTimestamp" => wire.request_received_timestamp = string(value),
        "stageTimestamp" => wire.stage_timestamp = string(value),
        "timestamp" => wire.timestamp = raw(value),
        "annotations" => wire.annotations = pairs(value).into(),
        "authenticationMetadata" => {
            wire.authentication_metadata =
                object(value, |meta: &mut WireAuthentication, key, value| {
                    if key == "impersonationConstraint" {
                        meta.impersonation_constraint = string(value);
                    }
                });
        }
        _ => {}
    }
}

fn object<'a, T: Default>(value: &'a str, mut set: impl FnMut(&mut T, &str, &'a str)) -> Option<T> {
    if !value.starts_with('{') {
        return None;
    }
    let mut object = T::default();
    each_field(value, &mut |key, value| set(&mut object, key, value));
    Some(object)
}

fn user<'a>(user: &mut WireUser<'a>, key: &str, value: &'a str) {
    match key {
        "username" => user.username = string(value),
        "uid" => user.uid = string(value),
        "groups" => user.groups = strings(value),
        "extra" => user.extra = extra(value),
        _ => {}
    }
}

fn object_ref<'a>(object: &mut WireRef<'a>, key: &str, value: &'a str) {
    match key {
        "resource" => object.resource = string(value),
        "subresource" => object.subresource = string(value),
        "apiGroup" => object.api_group = string(value),
        "apiVersion" => object.api_version = string(value),
        "namespace" => object.namespace = string(value),
        "name" => object.name = string(value),
        "uid" => object.uid = string(value),
        "resourceVersion" => object.resource_version = string(value),
        _ => {}
    }
}

fn status<'a>(status: &mut WireStatus<'a>, key: &str, value: &'a str) {
    match key {
        "code" => status.code = scalar(value).or_else(|| string(value).parse().ok()),
        "reason" => status.reason = string(value),
        "message" => status.message = string(value),
        _ => {}
    }
}

fn scalar<T: DeserializeOwned>(value: &str) -> Option<T> {
    sonic_rs::from_str(value).ok()
}

/// A string; a number or a truth value as its text; anything else is empty.
fn string(value: &str) -> Text<'_> {
    match value.as_bytes().first() {
        Some(b'"') => sonic_rs::from_str(value).unwrap_or_else(|_| lossy(value)),
        Some(b'{' | b'[' | b'n') | None => Text::default(),
        _ => Text(Cow::Borrowed(value)),
    }
}

/// A string whose escapes are no text (half a surrogate pair): its raw form without quotes.
fn lossy(value: &str) -> Text<'_> {
    let inner = value.trim_matches('"');
    Text(Cow::Owned(inner.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()))
}

/// A list of strings; a single string is a list of one.
fn strings(value: &str) -> Texts<'_> {
    if !value.starts_with('[') {
        let one = string(value);
        return Texts(if one.is_empty() { Vec::new() } else { vec![one] });
    }
    if !depth::is_shallow(value.as_bytes(), FIELD_DEPTH) {
        return Texts::default();
    }
    let mut texts = Vec::new();
    for element in sonic_rs::to_array_iter(value).map_while(Result::ok) {
        if let Cow::Borrowed(raw) = element.as_raw_cow() {
            texts.push(string(raw));
        }
    }
    Texts(texts)
}

fn pairs(value: &str) -> Pairs<'_> {
    let mut pairs = Pairs::default();
    if value.starts_with('{') {
        each_field(value, &mut |key, value| pairs.0.push((quoted(key), string(value))));
    }
    pairs
}

fn extra(value: &str) -> Extra<'_> {
    let mut extra = Extra::default();
    if value.starts_with('{') {
        each_field(value, &mut |key, value| extra.0.push((quoted(key), strings(value))));
    }
    extra
}

/// A key as text, its escapes resolved.
fn quoted<'a>(key: &str) -> Text<'a> {
    let text = if key.contains('\\') {
        sonic_rs::from_str(&format!("\"{key}\"")).unwrap_or_else(|_| key.to_owned())
    } else {
        key.to_owned()
    };
    Text(Cow::Owned(text))
}

fn raw(value: &str) -> Option<Raw<'_>> {
    (value != "null").then_some(Raw(Cow::Borrowed(value)))
}
