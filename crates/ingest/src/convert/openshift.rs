//! OpenShift's log forwarder keeps the fields of the event but takes `level` for its own use, and
//! writes the audit level into a field of another name. Rancher's own API audit log looks like an
//! event without a level, too, but is none.

use crate::{
    decode::{Envelope, Run},
    wire::{Raw, Text, Wire},
};
use serde::Deserialize;
use trailhound_model::{Str, format::Format};

/// What stands beside the fields of the event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Beside<'a> {
    #[serde(borrow)]
    k8s_audit_level: Option<Text<'a>>,
    #[serde(borrow)]
    openshift_audit_level: Option<Text<'a>>,
    #[serde(borrow)]
    openshift: Option<Cluster<'a>>,
    #[serde(borrow)]
    method: Option<Raw<'a>>,
    #[serde(borrow, rename = "requestTimestamp")]
    request_timestamp: Option<Raw<'a>>,
    #[serde(borrow, rename = "remoteAddr")]
    remote_address: Option<Raw<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cluster<'a> {
    #[serde(borrow)]
    cluster_id: Text<'a>,
}

/// Handles an event whose level is missing or is no audit level; whether it could be read.
pub(crate) fn without_level(
    run: &mut Run<'_>,
    wire: Wire<'_>,
    text: &str,
    envelope: &Envelope,
) -> bool {
    let Ok(beside) = sonic_rs::from_str::<Beside<'_>>(text) else {
        return run.emit(&wire, text, envelope);
    };
    let is_rancher = beside.method.is_some()
        && (beside.request_timestamp.is_some() || beside.remote_address.is_some());
    if is_rancher && wire.verb.is_empty() {
        run.ignore("a record of Rancher's own API log, not of a cluster's audit log");
        return true;
    }
    match beside.k8s_audit_level.or(beside.openshift_audit_level) {
        Some(level) => {
            let id = beside.openshift.map(|cluster| cluster.cluster_id).unwrap_or_default();
            let id = (!id.is_empty()).then(|| Str::new(id.as_str()));
            let cluster = id.or_else(|| envelope.cluster.clone());
            let inner = Envelope { cluster, format: Format::OpenShift, ..envelope.clone() };
            run.emit(&Wire { level, ..wire }, text, &inner)
        }
        None => run.emit(&wire, text, envelope),
    }
}
