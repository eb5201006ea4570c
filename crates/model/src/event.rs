//! One `audit.k8s.io` event, owned and already masked, with the place it was read from.
//!
//! Field names are those of `audit.k8s.io/v1`. Every field of a real event may be missing (401s
//! carry `"user":{}`), so nothing here is required but the position. Bodies are not here: they
//! stay in the input buffer behind [`crate::lookup::Bodies`] until somebody needs them.

use crate::{Shared, Str, format::Format, time::Time};
use serde::{Deserialize, Serialize};

/// When in a request's life the record was written.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Stage {
    /// Before anything was decided: it proves an attempt, not an outcome.
    RequestReceived,
    /// Headers were sent. Only long-running requests and 401s are written at this stage.
    ResponseStarted,
    /// The request is over.
    ResponseComplete,
    /// The API server panicked while serving the request.
    Panic,
    /// The record does not say.
    #[default]
    Unknown,
}

impl Stage {
    /// The name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::RequestReceived => "RequestReceived",
            Stage::ResponseStarted => "ResponseStarted",
            Stage::ResponseComplete => "ResponseComplete",
            Stage::Panic => "Panic",
            Stage::Unknown => "Unknown",
        }
    }
}

/// How much the audit policy let the API server write.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Level {
    /// The record does not say.
    #[default]
    Unknown,
    /// No bodies.
    Metadata,
    /// The request body.
    Request,
    /// Both bodies.
    RequestResponse,
}

impl Level {
    /// The name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Unknown => "Unknown",
            Level::Metadata => "Metadata",
            Level::Request => "Request",
            Level::RequestResponse => "RequestResponse",
        }
    }
}

/// An identity as the API server saw it (`user`, `impersonatedUser`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `username`; empty when authentication failed.
    pub name: Str,
    /// `uid`.
    pub uid: Str,
    /// `groups`, in the order of the log.
    pub groups: Vec<Str>,
    /// `extra`, in the order of the log.
    pub extra: Vec<(Str, Vec<Str>)>,
}

impl User {
    /// First value of an `extra` key.
    pub fn extra(&self, key: &str) -> Option<&str> {
        let (_, values) = self.extra.iter().find(|(name, _)| name == key)?;
        values.first().map(Str::as_str)
    }

    /// Whether the identity is in `group`.
    pub fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|name| name == group)
    }
}

/// What the request was about (`objectRef`). Absent for URLs that are no resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Plural resource name, `pods`.
    pub resource: Str,
    /// `exec`, `token`, `status` …, or empty.
    pub subresource: Str,
    /// API group; empty is the core group.
    pub api_group: Str,
    /// `v1`, `v1beta1` …
    pub api_version: Str,
    /// Empty for cluster-scoped objects and cluster-wide lists.
    pub namespace: Str,
    /// Empty for lists and for most creates.
    pub name: Str,
    /// Rarely present.
    pub uid: Str,
    /// Rarely present.
    pub resource_version: Str,
}

/// `responseStatus`. A status that the log does not have stays absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// HTTP code; `None` if the log has none.
    pub code: Option<u16>,
    /// `Forbidden`, `AlreadyExists` …
    pub reason: Str,
    /// Free text of the API server, masked.
    pub message: Str,
    /// The provider says that the request succeeded, but not with which HTTP code (GKE).
    pub succeeded: bool,
}

/// Which bodies the record carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyPresence {
    /// `requestObject` is there.
    pub request: bool,
    /// `responseObject` is there.
    pub response: bool,
    /// The API server or a transport cut the bodies away (`audit.k8s.io/truncated`).
    pub truncated: bool,
}

/// Where a record came from: an index into the scan's list of sources and the byte offset there
/// (in the decompressed stream, if the source is compressed).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    /// Index into the list of sources.
    pub source: u32,
    /// Byte offset of the record's first byte.
    pub offset: u64,
}

/// An audit event. Secrets are already masked in every field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Chosen by the client if it sends an `Audit-ID` header: never trust it to be unique.
    pub audit_id: Str,
    /// Stage of the request.
    pub stage: Stage,
    /// Level of the audit policy for this request.
    pub level: Level,
    /// `requestReceivedTimestamp`.
    pub received: Option<Time>,
    /// `stageTimestamp`, or the best that is known instead (see `time_inferred`).
    pub time: Time,
    /// `time` was taken from the envelope or from neighbours.
    pub time_inferred: bool,
    /// Lower-case verb; PUT is `update`.
    pub verb: Str,
    /// `requestURI`, masked.
    pub request_uri: Str,
    /// The authenticated identity: the impersonator, if there is one.
    pub user: Shared<User>,
    /// The identity that the request then acted as.
    pub impersonated: Option<Shared<User>>,
    /// `authenticationMetadata.impersonationConstraint`.
    pub impersonation_constraint: Str,
    /// Client-settable but for the last, which is the peer.
    pub source_ips: Shared<Vec<Str>>,
    /// Client-settable.
    pub user_agent: Shared<Str>,
    /// `objectRef`.
    pub object: Option<Box<ObjectRef>>,
    /// `responseStatus`.
    pub status: Option<Shared<Status>>,
    /// `annotations`, masked, in the order of the log.
    pub annotations: Shared<Vec<(Str, Str)>>,
    /// Which bodies there are.
    pub bodies: BodyPresence,
    /// Cluster the record belongs to; empty is the one unnamed cluster.
    pub cluster: Str,
    /// Where it was read.
    pub position: Position,
    /// In which format it came, which says what it cannot say.
    pub format: Format,
}

impl Event {
    /// Value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// The peer address: the only one that the client cannot choose.
    pub fn source_ip(&self) -> &str {
        self.source_ips.last().map_or("", Str::as_str)
    }

    /// HTTP code, if the log has one.
    pub fn code(&self) -> Option<u16> {
        self.status.as_ref().and_then(|status| status.code)
    }

    /// Message of the API server, or empty.
    pub fn message(&self) -> &str {
        self.status.as_ref().map_or("", |status| status.message.as_str())
    }

    /// The identity that authorization judged: impersonated if there is one.
    pub fn effective_user(&self) -> &User {
        self.impersonated.as_deref().unwrap_or(&self.user)
    }

    /// `objectRef.resource`, or empty.
    pub fn resource(&self) -> &str {
        self.object.as_ref().map_or("", |object| object.resource.as_str())
    }

    /// `objectRef.subresource`, or empty.
    pub fn subresource(&self) -> &str {
        self.object.as_ref().map_or("", |object| object.subresource.as_str())
    }

    /// `objectRef.namespace`, or empty.
    pub fn namespace(&self) -> &str {
        self.object.as_ref().map_or("", |object| object.namespace.as_str())
    }

    /// `objectRef.name`, or empty.
    pub fn object_name(&self) -> &str {
        self.object.as_ref().map_or("", |object| object.name.as_str())
    }

    /// The agent's family: the text before the first `/` or blank (`kubectl`, `curl`).
    pub fn agent_family(&self) -> &str {
        let end = self.user_agent.find(['/', ' ']).unwrap_or(self.user_agent.len());
        self.user_agent.get(..end).unwrap_or_default()
    }

    /// All values of a query parameter of the request URI, percent-decoded, in order.
    pub fn query(&self, name: &str) -> Vec<String> {
        let Some((_, query)) = self.request_uri.split_once('?') else { return Vec::new() };
        query
            .split('&')
            .filter_map(|pair| pair.split_once('=').or(Some((pair, ""))))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| percent_decode(value))
            .collect()
    }

    /// The path of the request URI, without its query.
    pub fn path(&self) -> &str {
        self.request_uri.split('?').next().unwrap_or_default()
    }
}

/// Decodes `%41` and `+`; what is no valid escape stays as it is.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped =
            if byte == b'%' { hex_pair(bytes.get(at + 1..).unwrap_or_default()) } else { None };
        out.push(match (byte, escaped) {
            (_, Some(value)) => value,
            (b'+', None) => b' ',
            (other, None) => other,
        });
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let high = char::from(*bytes.first()?).to_digit(16)?;
    let low = char::from(*bytes.get(1)?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_come_decoded_and_in_order() {
        let event = Event {
            request_uri: "/exec?command=sh&command=-c&command=cat+%2Fetc%2Fshadow&tty".into(),
            ..Event::default()
        };
        assert_eq!(event.query("command"), ["sh", "-c", "cat /etc/shadow"]);
        assert_eq!(event.query("tty"), [""]);
        assert_eq!(event.path(), "/exec");
    }

    #[test]
    fn broken_percent_escapes_stay_as_they_are() {
        assert_eq!(percent_decode("100%"), "100%");
        assert_eq!(percent_decode("%zz%4"), "%zz%4");
    }
}
