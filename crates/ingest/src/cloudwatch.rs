//! Audit events of EKS as `CloudWatch` hands them out: as text inside of an envelope.
//!
//! One log group holds the streams of several components. Records of the others are counted as
//! ignored: they are no rejects, because nothing that should be an event is lost. `CloudWatch` cuts
//! long messages and marks them; who did what comes first in a message and is kept.

use crate::{
    decode::{Envelope, Run},
    depth,
    limits::SKIP_DEPTH,
    wire::{Raw, Text},
};
use serde::Deserialize;
use std::borrow::Cow;
use trailhound_model::{Str, time::Time};

const TRUNCATED: &str = "[Truncated...]";
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
    #[serde(borrow)]
    id: Option<Text<'a>>,
}

/// Handles the record if it is an envelope or a message of one; whether it is.
pub(crate) fn read(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    if !depth::is_within(text.as_bytes(), SKIP_DEPTH) {
        return false;
    }
    if let Ok(subscription) = sonic_rs::from_str::<Subscription<'_>>(text)
        && (subscription.log_events.is_some() || !subscription.message_type.is_empty())
    {
        self::subscription(run, &subscription, text, envelope);
        return true;
    }
    let Ok(message) = sonic_rs::from_str::<Message<'_>>(text) else { return false };
    if !message.is_enveloped() {
        return false;
    }
    let stream = message.log_stream_name.clone().unwrap_or_default();
    self::message(run, &message, &stream, envelope.clone());
    true
}

impl Message<'_> {
    fn is_enveloped(&self) -> bool {
        let marked = self.log_stream_name.is_some() || self.event_id.is_some() || self.id.is_some();
        self.text.is_some() && self.timestamp.is_some() && marked
    }
}

fn subscription(run: &mut Run<'_>, found: &Subscription<'_>, text: &str, envelope: &Envelope) {
    if found.message_type.as_str() == "CONTROL_MESSAGE" {
        return run.ignore("a control message of CloudWatch");
    }
    let cluster = cluster_of(&found.log_group);
    let Some(Raw(Cow::Borrowed(events))) = &found.log_events else {
        return run
            .reject(envelope, "a CloudWatch envelope without readable log events".to_owned());
    };
    for element in sonic_rs::to_array_iter(*events) {
        let Some(raw) = element.ok().and_then(|value| borrowed(&value)) else {
            return run
                .reject(envelope, "a CloudWatch envelope with damaged log events".to_owned());
        };
        let at = (raw.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let inner = Envelope { cluster: cluster.clone(), ..envelope.inside(at, raw.len()) };
        match sonic_rs::from_str::<Message<'_>>(raw) {
            Ok(message) => self::message(run, &message, &found.log_stream, inner),
            Err(_) => {
                run.reject(&inner, "a CloudWatch log event without readable message".to_owned());
            }
        }
    }
}

fn borrowed<'a>(value: &sonic_rs::LazyValue<'a>) -> Option<&'a str> {
    match value.as_raw_cow() {
        Cow::Borrowed(raw) => Some(raw),
        Cow::Owned(_) => None,
    }
}

fn message(run: &mut Run<'_>, found: &Message<'_>, stream: &str, mut envelope: Envelope) {
    let text = found.text.as_ref().map_or("", Text::as_str).trim();
    envelope.time = found.timestamp.map(Time::from_millis);
    let is_audit = stream.starts_with("kube-apiserver-audit");
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
    } else {
        run.ignore(OTHER_STREAM);
    }
}

/// The cluster's name in the name of its log group.
fn cluster_of(group: &str) -> Option<Str> {
    let name = group.strip_prefix("/aws/eks/")?.strip_suffix("/cluster")?;
    (!name.is_empty() && !name.contains('/')).then(|| Str::new(name))
}
