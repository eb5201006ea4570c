//! Writes a converted record in the form of the API server, so that everything behind decoding
//! (masking, evidence, extraction) knows one form only and no provider needs a masker of its own.
//!
//! It is done when somebody looks at the record, not for every record. Fields that the provider
//! does not have are left out, never filled.

use crate::{
    mask::write_text,
    wire::{Extra, Pairs, Part, Text, Texts, Wire, WireRef, WireStatus, WireUser},
};

/// The record as JSON.
pub(crate) fn write(wire: &Wire<'_>) -> String {
    let mut object = Object::default();
    object.text("kind", &wire.kind);
    object.text("apiVersion", &wire.api_version);
    object.text("level", &wire.level);
    object.text("auditID", &wire.audit_id);
    object.text("stage", &wire.stage);
    object.text("requestURI", &wire.request_uri);
    object.text("verb", &wire.verb);
    object.part("user", &wire.user, user);
    object.part("impersonatedUser", &wire.impersonated_user, user);
    if let Some(addresses) = wire.source_ips.known() {
        object.texts("sourceIPs", addresses);
    }
    object.text("userAgent", &wire.user_agent);
    object.raw("objectRef", wire.object_ref.as_ref().map(object_ref).as_deref());
    object.part("responseStatus", &wire.response_status, status);
    object.raw("requestObject", wire.request_object.as_ref().map(|raw| &*raw.0));
    object.raw("responseObject", wire.response_object.as_ref().map(|raw| &*raw.0));
    object.text("requestReceivedTimestamp", &wire.request_received_timestamp);
    object.text("stageTimestamp", &wire.stage_timestamp);
    if let Some(annotations) = wire.annotations.known() {
        object.pairs("annotations", annotations);
    }
    object.end()
}

fn user(user: &WireUser<'_>) -> String {
    let mut object = Object::default();
    object.text("username", &user.username);
    object.text("uid", &user.uid);
    object.texts("groups", &user.groups);
    object.extra("extra", &user.extra);
    object.end()
}

fn object_ref(target: &WireRef<'_>) -> String {
    let mut object = Object::default();
    object.text("resource", &target.resource);
    object.text("namespace", &target.namespace);
    object.text("name", &target.name);
    object.text("uid", &target.uid);
    object.text("apiGroup", &target.api_group);
    object.text("apiVersion", &target.api_version);
    object.text("resourceVersion", &target.resource_version);
    object.text("subresource", &target.subresource);
    object.end()
}

fn status(status: &WireStatus<'_>) -> String {
    let mut object = Object::default();
    object.text("status", if status.succeeded { "Success" } else { "" });
    object.text("message", &status.message);
    object.text("reason", &status.reason);
    object.raw("code", status.code.map(|code| code.to_string()).as_deref());
    object.end()
}

/// An object that is being written; empty fields are left out.
#[derive(Default)]
struct Object(String);

impl Object {
    fn key(&mut self, key: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        write_text(key, &mut self.0);
        self.0.push(':');
    }

    fn text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.key(key);
            write_text(value, &mut self.0);
        }
    }

    /// Parts of converted records are always known: their text is the provider's.
    fn part<T>(&mut self, key: &str, part: &Part<'_, T>, write: impl Fn(&T) -> String) {
        self.raw(key, part.known().map(write).as_deref());
    }

    fn raw(&mut self, key: &str, json: Option<&str>) {
        if let Some(json) = json {
            self.key(key);
            self.0.push_str(json);
        }
    }

    fn texts(&mut self, key: &str, list: &Texts<'_>) {
        if !list.0.is_empty() {
            self.raw(key, Some(&texts(list)));
        }
    }

    fn pairs(&mut self, key: &str, pairs: &Pairs<'_>) {
        self.entries(key, &pairs.0, |value| {
            let mut out = String::new();
            write_text(value, &mut out);
            out
        });
    }

    fn extra(&mut self, key: &str, extra: &Extra<'_>) {
        self.entries(key, &extra.0, texts);
    }

    fn entries<V>(&mut self, key: &str, entries: &[(Text<'_>, V)], json: impl Fn(&V) -> String) {
        if entries.is_empty() {
            return;
        }
        let mut inner = Object::default();
        for (name, value) in entries {
            inner.raw(name, Some(&json(value)));
        }
        self.raw(key, Some(&inner.end()));
    }

    fn end(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

fn texts(list: &Texts<'_>) -> String {
    let mut out = String::from("[");
    for (index, text) in list.0.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write_text(text, &mut out);
    }
    out.push(']');
    out
}
