//! Makes of an act the line that kube-apiserver would have written: the same keys in the same order,
//! the same escapes. Written by hand, because a log of a large cluster is gigabytes.

use crate::{
    act::{Act, Actor, Stage, Target, Text},
    calendar::{Moment, write_micros},
    profile::{Level, Profile},
    resource::{CONFIG_MAPS, SECRETS},
};
use std::io::Write as _;

/// Writes acts as lines.
#[derive(Clone, Debug)]
pub struct Writer {
    level: Level,
    skew: Vec<Moment>,
}

impl Writer {
    /// For the log of this profile.
    pub fn new(profile: &Profile) -> Writer {
        Writer { level: profile.level, skew: profile.skew.clone() }
    }

    /// Appends the line of an act, with its end of line.
    pub fn write(&self, act: &Act, out: &mut Vec<u8>) {
        let level = self.level_of(&act.target);
        out.extend_from_slice(br#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":""#);
        out.extend_from_slice(match level {
            Level::Metadata => b"Metadata",
            Level::RequestResponse => b"RequestResponse",
        });
        let stage = match act.stage {
            Stage::Started => "ResponseStarted",
            Stage::Complete => "ResponseComplete",
        };
        put(out, format_args!(r#"","auditID":"{}","stage":"{stage}","requestURI":""#, act.id));
        write_path(act, out);
        put(out, format_args!(r#"","verb":"{}","#, act.verb));
        write_actor(&act.actor, out);
        write_target(&act.target, out);
        write_status(act, out);
        if level == Level::RequestResponse {
            write_bodies(act, out);
        }
        let skew = self.skew.get(usize::from(act.actor.server)).copied().unwrap_or(0);
        out.extend_from_slice(br#","requestReceivedTimestamp":""#);
        write_micros(act.received + skew, out);
        out.extend_from_slice(br#"","stageTimestamp":""#);
        write_micros(act.completed + skew, out);
        out.push(b'"');
        write_annotations(act, out);
        out.extend_from_slice(b"}\n");
    }

    /// Credentials and configuration are logged without bodies, as every sane policy does.
    fn level_of(&self, target: &Target) -> Level {
        let Some(resource) = target.resource else { return Level::Metadata };
        let secret = *resource == SECRETS || *resource == CONFIG_MAPS || target.part == "token";
        if secret { Level::Metadata } else { self.level }
    }
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = out.write_fmt(text);
}

fn write_path(act: &Act, out: &mut Vec<u8>) {
    let target = &act.target;
    let Some(resource) = target.resource else {
        out.extend_from_slice(target.path.as_bytes());
        return write_query(act, out);
    };
    if resource.group.is_empty() {
        out.extend_from_slice(b"/api/v1");
    } else {
        put(out, format_args!("/apis/{}/{}", resource.group, resource.version));
    }
    if !target.namespace.is_empty() && resource.plural != "namespaces" {
        out.extend_from_slice(b"/namespaces/");
        escape(&target.namespace, out);
    }
    put(out, format_args!("/{}", resource.plural));
    if !target.name.is_empty() && (act.verb != "create" || !target.part.is_empty()) {
        out.push(b'/');
        escape(&target.name, out);
    }
    if !target.part.is_empty() {
        put(out, format_args!("/{}", target.part));
    }
    write_query(act, out);
}

fn write_query(act: &Act, out: &mut Vec<u8>) {
    if !act.query.is_empty() {
        out.push(b'?');
        escape(&act.query, out);
    }
}

fn write_actor(actor: &Actor, out: &mut Vec<u8>) {
    out.extend_from_slice(br#""user":{"#);
    if !actor.name.is_empty() {
        text_field("username", &actor.name, out);
        if let Some(uid) = actor.uid {
            put(out, format_args!(r#","uid":"{uid}""#));
        }
        write_groups(&actor.groups, out);
        write_extra(actor, out);
    }
    if let Some(persona) = &actor.acts_as {
        out.extend_from_slice(br#"},"impersonatedUser":{"#);
        text_field("username", &persona.name, out);
        write_groups(&persona.groups, out);
    }
    out.extend_from_slice(br#"},"sourceIPs":[""#);
    escape(&actor.address, out);
    out.extend_from_slice(br#""],"#);
    text_field("userAgent", &actor.agent, out);
}

fn write_groups(groups: &[Text], out: &mut Vec<u8>) {
    out.extend_from_slice(br#","groups":["#);
    for (index, group) in groups.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        escape(group, out);
        out.push(b'"');
    }
    out.push(b']');
}

/// What keys of `user.extra` begin with.
const KEY: &str = "authentication.kubernetes.io";

fn write_extra(actor: &Actor, out: &mut Vec<u8>) {
    if actor.credential == crate::act::Credential::None {
        return;
    }
    put(out, format_args!(r#","extra":{{"{KEY}/credential-id":["{}"]"#, actor.credential));
    if let Some(bound) = &actor.bound {
        for (key, value) in [
            ("node-name", bound.node.to_string()),
            ("node-uid", bound.node_uid.to_string()),
            ("pod-name", bound.pod.to_string()),
            ("pod-uid", bound.pod_uid.to_string()),
        ] {
            put(out, format_args!(r#","{KEY}/{key}":["{value}"]"#));
        }
    }
    out.push(b'}');
}

fn write_target(target: &Target, out: &mut Vec<u8>) {
    let Some(resource) = target.resource else { return };
    put(out, format_args!(r#","objectRef":{{"resource":"{}""#, resource.plural));
    for (key, value) in [("namespace", &target.namespace), ("name", &target.name)] {
        if !value.is_empty() {
            out.push(b',');
            text_field(key, value, out);
        }
    }
    if let Some(uid) = target.uid {
        put(out, format_args!(r#","uid":"{uid}""#));
    }
    if !resource.group.is_empty() {
        put(out, format_args!(r#","apiGroup":"{}""#, resource.group));
    }
    put(out, format_args!(r#","apiVersion":"{}""#, resource.version));
    if target.version > 0 {
        put(out, format_args!(r#","resourceVersion":"{}""#, target.version));
    }
    if !target.part.is_empty() {
        put(out, format_args!(r#","subresource":"{}""#, target.part));
    }
    out.push(b'}');
}

fn write_status(act: &Act, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","responseStatus":{"metadata":{}"#);
    let target = &act.target;
    if act.code == 401 {
        out.extend_from_slice(
            br#","status":"Failure","message":"Authentication failed, attempting: bearer""#,
        );
    } else if let Some(resource) = target.resource {
        let of_group =
            if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
        let (plural, name) = (resource.plural, &target.name);
        if act.code == 404 {
            put(
                out,
                format_args!(
                    r#","status":"Failure","message":"{plural}{of_group} \"{name}\" not found","reason":"NotFound","details":{{"name":"{name}","kind":"{plural}"}}"#
                ),
            );
        } else if act.code == 403 {
            let (user, verb) = (&act.actor.name, act.verb);
            put(
                out,
                format_args!(
                    r#","status":"Failure","message":"{plural}{of_group} is forbidden: User \"{user}\" cannot {verb} resource \"{plural}\" in API group \"{}\" in the namespace \"{}\"","reason":"Forbidden","details":{{"kind":"{plural}"}}"#,
                    resource.group, target.namespace
                ),
            );
        } else if let Some(uid) = act.removed {
            put(
                out,
                format_args!(
                    r#","status":"Success","details":{{"name":"{name}","kind":"{plural}","uid":"{uid}"}}"#
                ),
            );
        } else if target.part == "binding" {
            out.extend_from_slice(br#","status":"Success""#);
        }
    }
    put(out, format_args!(r#","code":{}}}"#, act.code));
}

fn write_bodies(act: &Act, out: &mut Vec<u8>) {
    for (key, body) in [("requestObject", &act.request), ("responseObject", &act.response)] {
        if let Some(body) = body {
            put(out, format_args!(r#","{key}":{body}"#));
        }
    }
}

fn write_annotations(act: &Act, out: &mut Vec<u8>) {
    // Who is not known is not authorized either.
    if act.code == 401 {
        return;
    }
    out.extend_from_slice(br#","annotations":{"#);
    if let Some(issued) = act.issued {
        let key = "authentication.kubernetes.io/issued-credential-id";
        put(out, format_args!(r#""{key}":"JTI={issued}","#));
    }
    let decision = if act.code == 403 { "forbid" } else { "allow" };
    put(out, format_args!(r#""authorization.k8s.io/decision":"{decision}","#));
    out.extend_from_slice(br#""authorization.k8s.io/reason":""#);
    escape(act.reason.as_ref().unwrap_or(&act.actor.reason), out);
    out.extend_from_slice(b"\"}");
}

fn text_field(key: &str, value: &str, out: &mut Vec<u8>) {
    put(out, format_args!(r#""{key}":""#));
    escape(value, out);
    out.push(b'"');
}

/// Escapes as Go's `encoding/json` does.
fn escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(br#"\""#),
            b'\\' => out.extend_from_slice(br"\\"),
            b'&' | b'<' | b'>' | 0..=0x1f => put(out, format_args!("\\u{byte:04x}")),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn text_is_escaped_as_the_api_server_does() {
        let mut out = Vec::new();
        escape("a&b\"c\\\nµ", &mut out);
        assert_eq!(String::from_utf8(out).unwrap_or_default(), r#"a\u0026b\"c\\\u000aµ"#);
    }
}
