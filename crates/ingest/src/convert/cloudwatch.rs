//! Audit events of EKS as `CloudWatch` hands them out: as text inside of an envelope.
//!
//! One log group holds the streams of several components. Records of the others are counted as
//! ignored: they are no rejects, because nothing that should be an event is lost. `CloudWatch` cuts
//! long messages and marks them; who did what comes first in a message and is kept.

use super::{object::Object, rows::elements, unwrap, unwrap::TRUNCATED};
use crate::{
    decode::{Envelope, Run},
    wire::{Raw, Text},
};
use serde::Deserialize;
use std::borrow::Cow;
use trailhound_model::{Str, format::Format, time::Time};

const OTHER_STREAM: &str = "a record of another log stream";

/// A subscription's envelope.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Subscription<'a> {
    #[serde(borrow)]
    message_type: Text<'a>,
    #[serde(borrow)]
    log_group: Text<'a>,
    #[serde(borrow)]
    log_stream: Text<'a>,
    #[serde(borrow)]
    log_events: Option<Raw<'a>>,
}

/// One message, of a subscription or of `aws logs filter-log-events`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow, rename = "message")]
    text: Option<Text<'a>>,
    timestamp: Option<i64>,
    #[serde(borrow)]
    log_stream_name: Option<Text<'a>>,
    #[serde(borrow)]
    event_id: Option<Text<'a>>,
    ingestion_time: Option<i64>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

/// Handles the record if it is an envelope or a message of one; whether it is.
pub(super) fn read(
    run: &mut Run<'_>,
    object: &Object<'_>,
    text: &str,
    envelope: &Envelope,
) -> bool {
    let envelope = Envelope { format: Format::CloudWatch, ..envelope.clone() };
    if object.has("@message") {
        return insight(run, object, text, &envelope);
    }
    let mark = |keys: &[&str]| keys.iter().any(|key| object.has(key));
    if mark(&["logEvents", "messageType"])
        && let Ok(found) = sonic_rs::from_str::<Subscription<'_>>(text)
    {
        subscription(run, &found, text, &envelope);
        return true;
    }
    if !object.has("message") || !mark(&["logStreamName", "eventId", "id", "timestamp"]) {
        return false;
    }
    match sonic_rs::from_str::<Message<'_>>(text) {
        Ok(found) if found.is_enveloped() => {
            let stream = found.log_stream_name.clone().unwrap_or_default();
            message(run, &found, &stream, envelope);
            true
        }
        _ => false,
    }
}

/// A row of Logs Insights; its other fields are there if the query asked for them.
fn insight(run: &mut Run<'_>, object: &Object<'_>, text: &str, envelope: &Envelope) -> bool {
    let log = object.text("@log").unwrap_or_default();
    let group = log.split_once(':').map_or(&*log, |(_, group)| group);
    let cluster = cluster_of(group).or_else(|| envelope.cluster.clone());
    let stream = object.text("@logStream").unwrap_or_default();
    let inner = Envelope { cluster, time: object.time().or(envelope.time), ..envelope.clone() };
    if object.get("@message").is_some_and(|raw| unwrap::value(run, raw, text, &inner)) {
        return true;
    }
    let message = object.text("@message").unwrap_or_default();
    if is_audit_stream(&stream) || stream.is_empty() {
        run.other_text(message.trim(), &inner);
    } else {
        run.ignore(OTHER_STREAM);
    }
    true
}

impl Message<'_> {
    /// `aws logs get-log-events` has neither stream nor id, only when it was taken in.
    fn is_enveloped(&self) -> bool {
        let marked = self.log_stream_name.is_some()
            || self.event_id.is_some()
            || self.id.is_some()
            || self.ingestion_time.is_some();
        self.text.is_some() && self.timestamp.is_some() && marked
    }
}

fn is_audit_stream(stream: &str) -> bool {
    stream.starts_with("kube-apiserver-audit")
}

fn subscription(run: &mut Run<'_>, found: &Subscription<'_>, text: &str, envelope: &Envelope) {
    if found.message_type.as_str() == "CONTROL_MESSAGE" {
        return run.ignore("a control message of CloudWatch");
    }
    let cluster = cluster_of(&found.log_group).or_else(|| envelope.cluster.clone());
    let Some(Raw(Cow::Borrowed(events))) = &found.log_events else {
        return run
            .reject(envelope, "a CloudWatch envelope without readable log events".to_owned());
    };
    for raw in elements(events) {
        let Some(raw) = raw else {
            return run
                .reject(envelope, "a CloudWatch envelope with damaged log events".to_owned());
        };
        let inner = Envelope { cluster: cluster.clone(), ..unwrap::within(envelope, raw, text) };
        match sonic_rs::from_str::<Message<'_>>(raw) {
            Ok(message) => self::message(run, &message, &found.log_stream, inner),
            Err(_) => {
                run.reject(&inner, "a CloudWatch log event without readable message".to_owned());
            }
        }
    }
}

fn message(run: &mut Run<'_>, found: &Message<'_>, stream: &str, mut envelope: Envelope) {
    let text = found.text.as_ref().map_or("", Text::as_str).trim();
    envelope.time = found.timestamp.map(Time::from_millis);
    let is_audit = is_audit_stream(stream);
    if let Some(head) = text.strip_suffix(TRUNCATED) {
        envelope.cut = true;
        if head.starts_with('{') && (is_audit || head.contains("\"auditID\"")) {
            return run.broken(head, envelope);
        }
    } else if text.starts_with('{') {
        if run.native(text, &envelope) {
            return;
        }
        if is_audit {
            return run.degraded(text, envelope);
        }
    }
    if is_audit {
        run.reject(&envelope, "a message of the audit stream that is no audit event".to_owned());
    } else if !stream.is_empty() || !unwrap::inner(run, text, &envelope) {
        run.ignore(OTHER_STREAM);
    }
}

/// The cluster's name in the name of its log group.
fn cluster_of(group: &str) -> Option<Str> {
    let name = group.strip_prefix("/aws/eks/")?.strip_suffix("/cluster")?;
    (!name.is_empty() && !name.contains('/')).then(|| Str::new(name))
}
