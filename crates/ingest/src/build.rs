//! Makes the owned, masked event out of the borrowed record.
//!
//! Most of the cost of decoding is here, in copies, so two things are spared: texts that every
//! record repeats (annotation keys, groups) become static strings, and masking is asked once per
//! record whether anything in it could need it.

use crate::{
    mask::{Masker, Scope},
    wire::{Raw, Text, Wire, WireRef, WireStatus, WireUser},
};
use trailhound_model::{
    Str,
    event::{BodyPresence, Event, Level, ObjectRef, Position, Stage, Status, User},
    time::Time,
};

/// What the record itself does not say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    pub(crate) position: Position,
    pub(crate) cluster: Str,
    /// Time of the envelope.
    pub(crate) envelope_time: Option<Time>,
    /// Time of the record before.
    pub(crate) previous_time: Option<Time>,
    /// The record's end is missing.
    pub(crate) cut: bool,
}

/// Builds the event. `text` is the record that `wire` borrows from.
pub(crate) fn event(wire: &Wire<'_>, text: &str, setting: &Setting, masker: &Masker) -> Event {
    let copy = Copier { masker: needs_masking(wire, text).then_some(masker) };
    let received = Time::parse(&wire.request_received_timestamp);
    let (time, time_inferred) = time_of(wire, received, setting);
    Event {
        audit_id: copy.text(&wire.audit_id),
        stage: stage(&wire.stage),
        level: level(&wire.level),
        received,
        time,
        time_inferred,
        verb: copy.text(&wire.verb),
        request_uri: copy.uri(&wire.request_uri),
        user: wire.user.as_ref().map(|user| copy.user(user)).unwrap_or_default(),
        impersonated: wire.impersonated_user.as_ref().map(|user| Box::new(copy.user(user))),
        impersonation_constraint: wire
            .authentication_metadata
            .as_ref()
            .map(|meta| copy.text(&meta.impersonation_constraint))
            .unwrap_or_default(),
        source_ips: wire.source_ips.0.iter().map(|ip| copy.text(ip)).collect(),
        user_agent: copy.text(&wire.user_agent),
        object: wire.object_ref.as_ref().map(|object| Box::new(copy.object(object))),
        status: wire.response_status.as_ref().map(|status| Box::new(copy.status(status))),
        annotations: copy.annotations(wire),
        bodies: presence(wire, setting.cut),
        cluster: setting.cluster.clone(),
        position: setting.position,
    }
}

/// Copies text, masked if the record has anything to mask.
struct Copier<'m> {
    masker: Option<&'m Masker>,
}

impl Copier<'_> {
    fn text(&self, text: &Text<'_>) -> Str {
        match self.masker.and_then(|masker| masker.text(text)) {
            Some(masked) => masked.into(),
            None => Str::new(text.as_str()),
        }
    }

    fn uri(&self, uri: &Text<'_>) -> Str {
        match self.masker.and_then(|masker| masker.uri(uri)) {
            Some(masked) => masked.into(),
            None => Str::new(uri.as_str()),
        }
    }

    /// A text that is likely to be one of the field's fixed ones.
    fn name(&self, text: &Text<'_>) -> Str {
        well_known(text).unwrap_or_else(|| self.text(text))
    }

    fn user(&self, user: &WireUser<'_>) -> User {
        User {
            name: self.text(&user.username),
            uid: self.text(&user.uid),
            groups: user.groups.0.iter().map(|group| self.name(group)).collect(),
            extra: user
                .extra
                .0
                .iter()
                .map(|(key, values)| {
                    (self.name(key), values.0.iter().map(|value| self.text(value)).collect())
                })
                .collect(),
        }
    }

    fn object(&self, object: &WireRef<'_>) -> ObjectRef {
        ObjectRef {
            resource: self.text(&object.resource),
            subresource: self.text(&object.subresource),
            api_group: self.name(&object.api_group),
            api_version: self.text(&object.api_version),
            namespace: self.text(&object.namespace),
            name: self.text(&object.name),
            uid: self.text(&object.uid),
            resource_version: self.text(&object.resource_version),
        }
    }

    fn status(&self, status: &WireStatus<'_>) -> Status {
        Status {
            code: status.code.and_then(|code| u16::try_from(code).ok()).filter(|code| *code != 0),
            reason: self.text(&status.reason),
            message: self.text(&status.message),
        }
    }

    fn annotations(&self, wire: &Wire<'_>) -> Vec<(Str, Str)> {
        let scope = Scope::of_resource(wire.resource());
        let value = |key: &Text<'_>, value: &Text<'_>| -> Str {
            match self.masker.and_then(|masker| masker.named(key, value, scope)) {
                Some(masked) => masked.into(),
                None => Str::new(value.as_str()),
            }
        };
        wire.annotations.0.iter().map(|(key, text)| (self.name(key), value(key, text))).collect()
    }
}

/// One look over the record without its bodies: most have nothing that could be a credential.
fn needs_masking(wire: &Wire<'_>, text: &str) -> bool {
    let bodies = [wire.request_object.as_ref(), wire.response_object.as_ref()];
    let mut at = 0;
    for (start, end) in bodies.into_iter().flatten().filter_map(|raw| range_in(raw, text)) {
        if start < at {
            return true;
        }
        if text.get(at..start).is_some_and(Masker::may_need_masking) {
            return true;
        }
        at = end;
    }
    text.get(at..).is_none_or(Masker::may_need_masking)
}

/// Where a raw slice lies in the text that it was borrowed from.
fn range_in(raw: &Raw<'_>, text: &str) -> Option<(usize, usize)> {
    let start = (raw.0.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = start + raw.0.len();
    (end <= text.len()).then_some((start, end))
}

fn time_of(wire: &Wire<'_>, received: Option<Time>, setting: &Setting) -> (Time, bool) {
    let own = Time::parse(&wire.stage_timestamp)
        .or(received)
        .or_else(|| Time::parse(wire.old_timestamp()));
    match own {
        Some(time) => (time, false),
        None => (setting.envelope_time.or(setting.previous_time).unwrap_or_default(), true),
    }
}

fn presence(wire: &Wire<'_>, cut: bool) -> BodyPresence {
    BodyPresence {
        request: wire.request_object.is_some(),
        response: wire.response_object.is_some(),
        truncated: cut || wire.annotation("audit.k8s.io/truncated") == Some("true"),
    }
}

fn stage(name: &str) -> Stage {
    match name {
        "RequestReceived" => Stage::RequestReceived,
        "ResponseStarted" => Stage::ResponseStarted,
        "ResponseComplete" => Stage::ResponseComplete,
        "Panic" => Stage::Panic,
        _ => Stage::Unknown,
    }
}

pub(crate) fn level(name: &str) -> Level {
    match name {
        "Metadata" => Level::Metadata,
        "Request" => Level::Request,
        "RequestResponse" => Level::RequestResponse,
        _ => Level::Unknown,
    }
}

macro_rules! statics {
    ($($name:literal)*) => {
        /// A static string for texts that are too long to be kept inline and that Kubernetes
        /// itself writes into most records.
        fn well_known(text: &str) -> Option<Str> {
            match text {
                $($name => Some(Str::const_new($name)),)*
                _ => None,
            }
        }
    };
}

statics! {
    "authorization.k8s.io/decision"
    "authorization.k8s.io/reason"
    "authentication.kubernetes.io/credential-id"
    "authentication.kubernetes.io/issued-credential-id"
    "authentication.kubernetes.io/node-name"
    "authentication.kubernetes.io/node-uid"
    "authentication.kubernetes.io/pod-name"
    "authentication.kubernetes.io/pod-uid"
    "apiserver.latency.k8s.io/apf-queue-wait"
    "apiserver.latency.k8s.io/authentication"
    "apiserver.latency.k8s.io/authorization"
    "apiserver.latency.k8s.io/decode-response-object"
    "apiserver.latency.k8s.io/etcd"
    "apiserver.latency.k8s.io/mutating-webhook"
    "apiserver.latency.k8s.io/response-write"
    "apiserver.latency.k8s.io/serialize-response-object"
    "apiserver.latency.k8s.io/total"
    "apiserver.latency.k8s.io/transform-response-object"
    "apiserver.latency.k8s.io/validating-webhook"
    "pod-security.kubernetes.io/audit-violations"
    "pod-security.kubernetes.io/enforce-policy"
    "rbac.authorization.k8s.io"
    "admissionregistration.k8s.io"
    "system:serviceaccounts:kube-system"
}
