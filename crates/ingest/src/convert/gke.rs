//! GKE: `LogEntry` of Cloud Logging with an `AuditLog` of the service `k8s.io`.
//!
//! The record is poorer than the event that it was made from, and nothing is made up for that:
//! groups, uid, credential, level, query and HTTP code of a success stay unknown. The path of the
//! URL is the one thing that is rebuilt, because `resourceName` is that path; the command of an exec
//! comes from a label and is put where the API server has it, so that it is masked like any other.

use super::target::{self, Target};
use crate::{
    decode::{Envelope, Run},
    wire::{Pairs, Raw, Text, Texts, Wire, WireStatus, WireUser},
};
use memchr::memmem;
use serde::Deserialize;
use std::borrow::Cow;
use trailhound_model::{Str, format::Format, time::Time};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LogEntry<'a> {
    #[serde(borrow)]
    insert_id: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    #[serde(borrow)]
    receive_timestamp: Text<'a>,
    #[serde(borrow)]
    resource: Option<Resource<'a>>,
    #[serde(borrow)]
    labels: Pairs<'a>,
    #[serde(borrow)]
    operation: Option<Operation<'a>>,
    #[serde(borrow)]
    proto_payload: Option<AuditLog<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Resource<'a> {
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    labels: Pairs<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Operation<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    first: Option<Raw<'a>>,
    #[serde(borrow)]
    last: Option<Raw<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AuditLog<'a> {
    #[serde(borrow)]
    service_name: Text<'a>,
    #[serde(borrow)]
    method_name: Text<'a>,
    #[serde(borrow)]
    resource_name: Text<'a>,
    #[serde(borrow)]
    authentication_info: Option<Authentication<'a>>,
    #[serde(borrow)]
    authorization_info: Option<Vec<Authorization<'a>>>,
    #[serde(borrow)]
    request_metadata: Option<RequestMetadata<'a>>,
    #[serde(borrow)]
    status: Option<RpcStatus<'a>>,
    #[serde(borrow)]
    request: Option<Raw<'a>>,
    #[serde(borrow)]
    response: Option<Raw<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Authentication<'a> {
    #[serde(borrow)]
    principal_email: Text<'a>,
    #[serde(borrow)]
    principal_subject: Text<'a>,
    #[serde(borrow)]
    authority_selector: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Authorization<'a> {
    #[serde(borrow)]
    resource: Text<'a>,
    granted: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RequestMetadata<'a> {
    #[serde(borrow, alias = "callerIP")]
    caller_ip: Text<'a>,
    #[serde(borrow)]
    caller_supplied_user_agent: Text<'a>,
}

/// `google.rpc.Status`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RpcStatus<'a> {
    code: Option<i64>,
    #[serde(borrow)]
    message: Text<'a>,
}

/// The `Status` object that the API server answered with: it has the HTTP code.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer<'a> {
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow, rename = "@type")]
    type_name: Text<'a>,
    #[serde(borrow)]
    code: Option<Raw<'a>>,
}

impl Answer<'_> {
    fn is_status(&self) -> bool {
        let by_name = self.kind.as_str() == "Status" || self.type_name.ends_with(".Status");
        by_name || self.status.as_str() == "Failure"
    }

    /// The code, also where it is written as text.
    fn code(&self) -> Option<i64> {
        self.code.as_ref()?.0.trim_matches('"').parse().ok()
    }
}

const COMMAND: &str = "command.gke.io/command";
const DECISION: &str = "authorization.k8s.io/decision";

/// Handles the record if it is an entry of Cloud Logging; whether it is.
pub(super) fn read(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    let bytes = text.as_bytes();
    if memmem::find(bytes, b"\"protoPayload\"").is_none() {
        return is_other_entry(run, text);
    }
    let Ok(entry) = sonic_rs::from_str::<LogEntry<'_>>(text) else { return false };
    let Some(audit) = &entry.proto_payload else { return false };
    if !is_kubernetes(&entry, audit) {
        run.ignore("an audit record of another Google Cloud service");
        return true;
    }
    emit(run, &entry, audit, text, envelope);
    true
}

/// The log of a container or of another service, beside which audit records may be exported.
fn is_other_entry(run: &mut Run<'_>, text: &str) -> bool {
    let has = |key: &str| memmem::find(text.as_bytes(), key.as_bytes()).is_some();
    if !(has("\"logName\"") && has("\"insertId\"")) {
        return false;
    }
    let is_entry = sonic_rs::from_str::<LogEntry<'_>>(text)
        .is_ok_and(|entry| !entry.insert_id.is_empty() && entry.resource.is_some());
    if is_entry {
        run.ignore("an entry of Cloud Logging that is no audit record");
    }
    is_entry
}

fn is_kubernetes(entry: &LogEntry<'_>, audit: &AuditLog<'_>) -> bool {
    if !audit.service_name.is_empty() {
        return audit.service_name.as_str() == "k8s.io";
    }
    let cluster = entry.resource.as_ref().is_some_and(|it| it.r#type.as_str() == "k8s_cluster");
    cluster || audit.method_name.starts_with("io.k8s.")
}

fn emit(
    run: &mut Run<'_>,
    entry: &LogEntry<'_>,
    audit: &AuditLog<'_>,
    text: &str,
    envelope: &Envelope,
) {
    let about = target::read(&audit.method_name, resource_name(audit));
    let status = status(audit);
    let wire = Wire {
        audit_id: audit_id(entry),
        stage: stage(entry.operation.as_ref()),
        request_uri: Text(Cow::Owned(uri(&about, entry))),
        verb: borrowed(about.verb),
        user: user(audit).into(),
        impersonated_user: impersonated(audit, status.as_ref()).into(),
        source_ips: source_ips(audit).into(),
        user_agent: audit.request_metadata.as_ref().map(agent).unwrap_or_default(),
        object_ref: (!about.resource.is_empty()).then(|| about.into_ref()),
        response_status: status.into(),
        request_object: raw(audit.request.as_ref()),
        response_object: raw(audit.response.as_ref()),
        stage_timestamp: again(&entry.timestamp),
        annotations: annotations(entry, audit).into(),
        ..Wire::default()
    };
    let time = Time::parse(&entry.receive_timestamp).or(envelope.time);
    let cluster = cluster(entry).or_else(|| envelope.cluster.clone());
    let inner =
        Envelope { time, cluster, format: Format::Gke, converted: true, ..envelope.clone() };
    run.emit(&wire, text, &inner);
}

fn borrowed(text: &str) -> Text<'_> {
    Text(Cow::Borrowed(text))
}

fn again<'a>(text: &'a Text<'_>) -> Text<'a> {
    borrowed(text.as_str())
}

fn raw<'a>(raw: Option<&'a Raw<'_>>) -> Option<Raw<'a>> {
    raw.map(|raw| Raw(Cow::Borrowed(&*raw.0)))
}

/// The operation's id is the audit id and is the same in both records of a long request; where it
/// is missing, the entry's own id has to do.
fn audit_id<'a>(entry: &'a LogEntry<'_>) -> Text<'a> {
    let operation = entry.operation.as_ref().map(|operation| &operation.id);
    again(operation.filter(|id| !id.is_empty()).unwrap_or(&entry.insert_id))
}

/// First and last record in one is a request that is over; only first, one that goes on.
fn stage(operation: Option<&Operation<'_>>) -> Text<'static> {
    let is_true = |raw: &Option<Raw<'_>>| {
        raw.as_ref().is_some_and(|raw| matches!(&*raw.0, "true" | "\"true\""))
    };
    borrowed(match operation.map(|it| (is_true(&it.first), is_true(&it.last))) {
        Some((true, false)) => "ResponseStarted",
        Some((_, true)) => "ResponseComplete",
        _ => "",
    })
}

fn resource_name<'a>(audit: &'a AuditLog<'_>) -> &'a str {
    if !audit.resource_name.is_empty() {
        return &audit.resource_name;
    }
    let checked = audit.authorization_info.iter().flatten();
    checked.map(|it| it.resource.as_str()).find(|name| !name.is_empty()).unwrap_or_default()
}

fn uri(target: &Target<'_>, entry: &LogEntry<'_>) -> String {
    let command = label(&entry.labels, COMMAND).filter(|_| !target.path.is_empty());
    command.map_or_else(
        || target.path.clone(),
        |command| format!("{}?command={}", target.path, encoded(command)),
    )
}

/// Percent-encodes for a query.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| {
                char::from_digit(u32::from(digit), 16).unwrap_or_default().to_ascii_uppercase()
            }));
        }
    }
    out
}

fn label<'a>(labels: &'a Pairs<'_>, key: &str) -> Option<&'a str> {
    labels.0.iter().find(|(name, _)| name.as_str() == key).map(|(_, value)| value.as_str())
}

/// No name at all is a request that was not authenticated, or a name that Google took out.
fn user<'a>(audit: &'a AuditLog<'_>) -> WireUser<'a> {
    let Some(info) = &audit.authentication_info else { return WireUser::default() };
    let email = Some(&info.principal_email).filter(|email| !email.is_empty());
    WireUser { username: again(email.unwrap_or(&info.principal_subject)), ..WireUser::default() }
}

/// Whom the caller asked to act as. Where just that was refused there was no impersonation, as in
/// the API server's own log.
fn impersonated<'a>(
    audit: &'a AuditLog<'_>,
    status: Option<&WireStatus<'_>>,
) -> Option<WireUser<'a>> {
    let selector = &audit.authentication_info.as_ref()?.authority_selector;
    let refused = status.is_some_and(|it| it.message.contains(" cannot impersonate"));
    (!selector.is_empty() && !refused)
        .then(|| WireUser { username: again(selector), ..WireUser::default() })
}

fn source_ips<'a>(audit: &'a AuditLog<'_>) -> Texts<'a> {
    let address = audit.request_metadata.as_ref().map(|it| &it.caller_ip);
    Texts(address.filter(|it| !it.is_empty()).map(again).into_iter().collect())
}

fn agent<'a>(metadata: &'a RequestMetadata<'_>) -> Text<'a> {
    again(&metadata.caller_supplied_user_agent)
}

/// The labels are the annotations of the event; the command is no annotation but a part of the
/// URL. Without a label, a permission that Google marks as granted says the same.
fn annotations<'a>(entry: &'a LogEntry<'_>, audit: &AuditLog<'_>) -> Pairs<'a> {
    let labels = entry.labels.0.iter().filter(|(key, _)| key.as_str() != COMMAND);
    let mut pairs = Pairs { 0: labels.map(|(key, value)| (again(key), again(value))).collect() };
    let granted = audit.authorization_info.iter().flatten().find_map(|it| it.granted);
    if granted == Some(true) && label(&entry.labels, DECISION).is_none() {
        pairs.0.push((borrowed(DECISION), borrowed("allow")));
    }
    pairs
}

/// An empty `status` is a success (protobuf does not write a zero code); none at all is unknown,
/// unless the answer shows what came of it. Success has no HTTP code, because there is none.
fn status<'a>(audit: &'a AuditLog<'_>) -> Option<WireStatus<'a>> {
    let rpc = audit.status.as_ref();
    // A code that is not written is zero, unless something is said beside it.
    let silent = rpc.is_some_and(|status| status.message.is_empty());
    let code = rpc.and_then(|status| status.code.or(silent.then_some(0)));
    if code == Some(0) && silent {
        return Some(WireStatus { succeeded: true, ..WireStatus::default() });
    }
    let code = code.filter(|code| *code != 0);
    let response = audit.response.as_ref();
    let answer = response.map(|raw| sonic_rs::from_str::<Answer<'_>>(&raw.0).ok());
    // An answer that cannot be read is no proof of success.
    let unreadable = matches!(answer, Some(None)) || rpc.is_some();
    let said = answer.flatten().filter(Answer::is_status);
    match (code, said) {
        (None, None) if unreadable => None,
        (None, None) => response.map(|_| WireStatus { succeeded: true, ..WireStatus::default() }),
        (None, Some(said)) if said.status.as_str() == "Success" => {
            Some(WireStatus { succeeded: true, ..WireStatus::default() })
        }
        (code, said) => {
            let said = said.unwrap_or_default();
            let exact = said.code().filter(|code| (100..600).contains(code));
            let message = rpc.map(|status| again(&status.message)).unwrap_or_default();
            Some(WireStatus {
                code: exact.or_else(|| code.and_then(http_code)),
                reason: Text(Cow::Owned(said.reason.0.into_owned())),
                message: if message.is_empty() { owned(&said.message) } else { message },
                succeeded: false,
            })
        }
    }
}

fn owned<'a>(text: &Text<'_>) -> Text<'a> {
    Text(Cow::Owned(text.as_str().to_owned()))
}

/// HTTP code that `google.rpc.Code` stands for, by its own documentation. Some pipelines write an
/// HTTP code into the field.
fn http_code(rpc: i64) -> Option<i64> {
    Some(match rpc {
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        2 | 13 | 15 => 500,
        14 => 503,
        16 => 401,
        100..600 => rpc,
        _ => return None,
    })
}

/// `project/location/name`: a name alone is unique only within a project and location.
fn cluster(entry: &LogEntry<'_>) -> Option<Str> {
    let labels = &entry.resource.as_ref()?.labels;
    label(labels, "cluster_name").filter(|name| !name.is_empty())?;
    let parts = ["project_id", "location", "cluster_name"].map(|key| label(labels, key));
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    Some(parts.join("/").into())
}
