//! Makes the owned, masked event out of the borrowed record.
//!
//! Most of the cost of decoding is here, in copies, so three things are spared: parts that many
//! records repeat as they are (identities, permissions, clients) are remembered by their text;
//! texts that every record repeats (annotation keys, groups) become static strings; and masking
//! looks only at text that passed a look at pairs of letters.

use crate::{
    limits::{MAX_ANNOTATION, MAX_LIST, MAX_NAME, MAX_TEXT},
    mask::{Masker, Scope, is_suspicious},
    memory::{Memory, Recent},
    wire::{Pairs, Part, Raw, Text, Texts, Wire, WireRef, WireStatus, WireUser},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use trailhound_model::{
    Shared, Str,
    event::{BodyPresence, Event, Level, ObjectRef, Position, Stage, Status, User},
    format::Format,
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
    /// In which format it came.
    pub(crate) format: Format,
    /// The record's text is not of Kubernetes' own form.
    pub(crate) converted: bool,
}

/// Builds the event; `None` if a part of the record is not what it should be.
pub(crate) fn event(
    wire: &Wire<'_>,
    setting: &Setting,
    masker: &Masker,
    memory: &mut Memory,
) -> Option<Event> {
    let copy = Copier { masker };
    let scope = Scope::of_resource(wire.resource());
    let [plain, secrets] = &mut memory.annotations;
    let pairs = if scope == Scope::Secrets { secrets } else { plain };
    let annotations =
        recall(&wire.annotations, pairs, |found| copy.annotations(found, scope)).ok()?;
    let annotations = annotations.unwrap_or_default();
    let users = &mut memory.users;
    let received = Time::parse(&wire.request_received_timestamp);
    let (time, time_inferred) = time_of(wire, received, setting);
    Some(Event {
        audit_id: copy.text(&wire.audit_id),
        stage: stage(&wire.stage),
        level: level(&wire.level),
        received,
        time,
        time_inferred,
        verb: copy.text(&wire.verb),
        request_uri: copy.uri(&wire.request_uri),
        user: recall(&wire.user, users, |user| copy.user(user)).ok()?.unwrap_or_default(),
        impersonated: recall(&wire.impersonated_user, users, |user| copy.user(user)).ok()?,
        impersonation_constraint: wire
            .authentication_metadata
            .as_ref()
            .map(|meta| copy.text(&meta.impersonation_constraint))
            .unwrap_or_default(),
        source_ips: recall(&wire.source_ips, &mut memory.addresses, |ips| copy.texts(ips))
            .ok()?
            .unwrap_or_default(),
        user_agent: memory.agents.get(&wire.user_agent, || Some(copy.long(&wire.user_agent)))?,
        object: wire.object_ref.as_ref().map(|object| Box::new(copy.object(object))),
        status: recall(&wire.response_status, &mut memory.statuses, |s| copy.status(s)).ok()?,
        bodies: presence(wire, &annotations, setting.cut),
        annotations,
        cluster: setting.cluster.clone(),
        position: setting.position,
        format: setting.format,
    })
}

/// A part of the record is not what it should be.
struct Unreadable;

/// The value of a part: remembered, or made now.
fn recall<'a, P: Deserialize<'a>, T>(
    part: &Part<'a, P>,
    recent: &mut Recent<T>,
    make: impl Fn(&P) -> T,
) -> Result<Option<Shared<T>>, Unreadable> {
    match part {
        Part::Absent => Ok(None),
        Part::Known(found) => Ok(Some(make(found).into())),
        Part::Raw(text) => {
            let read = || sonic_rs::from_str::<P>(text).ok().map(|found| make(&found));
            recent.get(text, read).map(Some).ok_or(Unreadable)
        }
    }
}

/// Copies text, masked.
struct Copier<'m> {
    masker: &'m Masker,
}

impl Copier<'_> {
    fn text(&self, text: &Text<'_>) -> Str {
        self.checked(text, MAX_NAME, Masker::text)
    }

    fn long(&self, text: &Text<'_>) -> Str {
        self.checked(text, MAX_TEXT, Masker::text)
    }

    /// A URI stays whole: what it asks for may stand at its end, and a server takes no URI that is
    /// longer than a megabyte.
    fn uri(&self, uri: &Text<'_>) -> Str {
        self.checked(uri, usize::MAX, Masker::uri)
    }

    fn checked(
        &self,
        text: &Text<'_>,
        most: usize,
        mask: impl Fn(&Masker, &str) -> Option<String>,
    ) -> Str {
        if is_suspicious(text)
            && let Some(masked) = mask(self.masker, text)
        {
            return capped(&masked, most);
        }
        capped(text.as_str(), most)
    }

    /// A text that is likely to be one of the field's fixed ones.
    fn name(&self, text: &Text<'_>) -> Str {
        well_known(text).unwrap_or_else(|| self.text(text))
    }

    fn texts(&self, texts: &Texts<'_>) -> Vec<Str> {
        // The last ones count: of addresses only the last is not the client's choice.
        let from = texts.0.len().saturating_sub(MAX_LIST);
        texts.0.iter().skip(from).map(|text| self.text(text)).collect()
    }

    /// Values of `extra`: an authenticator may put a credential there, under a name that says so.
    /// Kubernetes' own keys name credentials, they do not hold them.
    fn extra(&self, key: &Text<'_>, values: &Texts<'_>) -> Vec<Str> {
        let is_id = key.ends_with("-id") || key.ends_with("Id");
        if is_id || well_known(key).is_some() || !Masker::is_credential_field(key) {
            return self.texts(values);
        }
        let masked = |value: &Text<'_>| self.masker.named(key, value, Scope::Plain);
        values.0.iter().map(|value| masked(value).map_or_else(Str::default, Str::from)).collect()
    }

    fn user(&self, user: &WireUser<'_>) -> User {
        User {
            name: self.text(&user.username),
            uid: self.text(&user.uid),
            groups: user.groups.0.iter().take(MAX_LIST).map(|group| self.name(group)).collect(),
            extra: user
                .extra
                .0
                .iter()
                .take(MAX_LIST)
                .map(|(key, values)| (self.name(key), self.extra(key, values)))
                .collect(),
        }
    }

    fn object(&self, object: &WireRef<'_>) -> ObjectRef {
        // v1alpha1 writes group and version as one, and has no `apiGroup`.
        if object.api_group.is_empty()
            && let Some((group, version)) = object.api_version.split_once('/')
        {
            return ObjectRef {
                api_group: self.text(&Text(group.into())),
                api_version: self.text(&Text(version.into())),
                ..self.plain_object(object)
            };
        }
        self.plain_object(object)
    }

    fn plain_object(&self, object: &WireRef<'_>) -> ObjectRef {
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
            message: self.long(&status.message),
            succeeded: status.succeeded,
        }
    }

    fn annotations(&self, pairs: &Pairs<'_>, scope: Scope) -> Vec<(Str, Str)> {
        let pair = |(key, value): &(Text<'_>, Text<'_>)| -> (Str, Str) {
            let known = well_known(key);
            if known.is_none() && Masker::is_credential_field(key) {
                let masked = self.masker.named(key, value, scope);
                return (self.text(key), masked.map_or_else(Str::default, Str::from));
            }
            let value = self
                .checked(value, MAX_ANNOTATION, |masker, value| masker.named(key, value, scope));
            (known.unwrap_or_else(|| self.text(key)), value)
        };
        pairs.0.iter().take(MAX_LIST).map(pair).collect()
    }
}

/// The text if it is no longer than `most` bytes, else its beginning and a mark that keeps texts
/// apart which begin alike.
fn capped(text: &str, most: usize) -> Str {
    if text.len() <= most {
        return Str::new(text);
    }
    let head = text.get(..text.floor_char_boundary(most)).unwrap_or_default();
    let hash = Sha256::digest(text.as_bytes());
    let hash = hash.iter().take(8).fold(0u64, |hash, byte| hash << 8 | u64::from(*byte));
    format!("{head}…[cut: {} bytes, {hash:016x}]", text.len()).into()
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

fn presence(wire: &Wire<'_>, annotations: &[(Str, Str)], cut: bool) -> BodyPresence {
    let says_cut = |(key, value): &(Str, Str)| key == "audit.k8s.io/truncated" && value == "true";
    let left_out = |body: &Option<Raw<'_>>| body.as_ref().is_some_and(Raw::is_left_out);
    let (request, response) = (left_out(&wire.request_object), left_out(&wire.response_object));
    BodyPresence {
        request: wire.request_object.is_some() && !request,
        response: wire.response_object.is_some() && !response,
        truncated: cut || request || response || annotations.iter().any(says_cut),
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

/// Whether the text is a level of an audit policy.
pub(crate) fn is_level(name: &str) -> bool {
    level(name) != Level::Unknown
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
