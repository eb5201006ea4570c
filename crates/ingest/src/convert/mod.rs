//! Records that are not as the API server wrote them: a provider's own form, or native records
//! inside of what shippers, queues and search engines put around them.
//!
//! Asked only when a record did not parse as a native event, so native logs do not pay for it. The
//! order of the questions is from the particular to the general; what only *may* be a wrapping is
//! touched only if there is an audit event inside, so that a foreign record is still rejected as
//! what it is. One bounded unwrapping serves all shippers, instead of a reader for each.

mod aks_row;
mod azure;
mod cloudwatch;
mod gke;
pub(crate) mod http;
mod object;
mod openshift;
mod packed;
mod rows;
mod target;
mod unwrap;

use crate::{
    decode::{Envelope, Run, other_log},
    depth,
    limits::{MAX_ENVELOPES, SKIP_DEPTH},
};
use object::Object;
pub(crate) use openshift::without_level;
pub(crate) use target::of_uri;
use trailhound_model::{format::Format, time::Time};

/// Handles a whole line that is no native event, unless it is a list, which the framer takes apart,
/// or no whole object; whether it did.
pub(crate) fn line(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    if !depth::is_within(text.as_bytes(), SKIP_DEPTH) {
        return false;
    }
    if gke::read(run, text, envelope) || azure::exported(run, text, envelope) {
        return true;
    }
    match Object::parse(text) {
        Some(object) if !object.is_list() => {
            if !of_object(run, &object, text, envelope) {
                run.degraded(text, envelope.clone());
            }
            true
        }
        _ => false,
    }
}

/// Handles the record if it is an envelope or a provider's form of an event; whether it is.
pub(crate) fn read(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    if envelope.depth >= MAX_ENVELOPES || !depth::is_within(text.as_bytes(), SKIP_DEPTH) {
        return false;
    }
    gke::read(run, text, envelope)
        || azure::exported(run, text, envelope)
        || Object::parse(text).is_some_and(|object| of_object(run, &object, text, envelope))
}

/// The same for an object that was looked at, or that is a row of a table.
fn of_object(run: &mut Run<'_>, object: &Object<'_>, text: &str, envelope: &Envelope) -> bool {
    cloudwatch::read(run, object, text, envelope)
        || azure::read(run, object, text, envelope)
        || rows::read(run, object, text, envelope)
        || packed::read(run, object, envelope)
        || unwrap::read(run, object, text, envelope)
        || is_note(run, object)
        || is_component_log(run, object)
}

/// Receivers keep an index of the batches that they took: the kind of a list, and a number where
/// the list would be.
fn is_note(run: &mut Run<'_>, object: &Object<'_>) -> bool {
    let number = |raw: &str| raw.bytes().all(|byte| byte.is_ascii_digit());
    let is_note = object.text("kind").as_deref() == Some("EventList")
        && object.get("items").is_some_and(number);
    if is_note {
        run.ignore("a note about a batch of events, without the events");
    }
    is_note
}

/// A shipper's record of a line that a component of Kubernetes wrote for itself.
fn is_component_log(run: &mut Run<'_>, object: &Object<'_>) -> bool {
    let reason = ["log", "message"]
        .into_iter()
        .find_map(|key| other_log(object.text(key)?.trim_end(), false));
    if let Some(reason) = reason {
        run.ignore(reason);
    }
    reason.is_some()
}

/// Which format text before a record stands for.
pub(crate) fn prefix_format(prefix: &str, outer: Format) -> Format {
    let mut words = prefix.split_whitespace();
    let Some(first) = words.next() else { return outer };
    let (second, has_time) = (words.next(), Time::parse(first).is_some());
    match (has_time, second) {
        _ if outer != Format::Native => outer,
        // An export file has a time, `aws logs tail` a time and the stream.
        (true, None) => Format::CloudWatch,
        (true, Some(stream)) if stream.starts_with("kube-apiserver-audit") => Format::CloudWatch,
        // `oc adm node-logs` writes the node's name before each line.
        (false, _) if is_node_name(first) => Format::OpenShift,
        _ => Format::Shipper,
    }
}

fn is_node_name(word: &str) -> bool {
    word.bytes().all(|byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
    })
}
