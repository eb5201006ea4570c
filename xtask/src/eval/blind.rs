//! What the log could not show. A miss stays a miss when the audit level hides the deciding field,
//! but the field is named, so that a rule gap is told from a blind log.

use crate::error::{Error, Result};
use crate::recording;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::BufRead as _;
use std::path::PathBuf;

/// The few fields of an event that decide what it can show.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe<'a> {
    #[serde(rename = "auditID", borrow)]
    audit_id: Cow<'a, str>,
    #[serde(borrow, default)]
    verb: Cow<'a, str>,
    #[serde(default)]
    object_ref: ObjectProbe,
    #[serde(default)]
    user: UserProbe,
    #[serde(borrow, default)]
    request_object: Option<sonic_rs::LazyValue<'a>>,
}

#[derive(Default, Deserialize)]
struct ObjectProbe {
    #[serde(default)]
    resource: String,
    #[serde(default)]
    subresource: String,
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
struct UserProbe {
    #[serde(default)]
    username: String,
}

/// What was read from the audit files of a recording.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Missing fields by auditID, for the ids that were asked for.
    pub(crate) missing: HashMap<String, Vec<&'static str>>,
    /// Of the ids asked for, those that some record has.
    pub(crate) seen: HashSet<String>,
}

/// Reads which fields the records of `wanted` lack.
pub(crate) fn read(files: &[PathBuf], wanted: &BTreeSet<&str>) -> Result<Shown> {
    let mut shown = Shown::default();
    let mut line = Vec::new();
    for path in files {
        let mut reader = recording::open(path)?;
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(Error::io("read", path))?;
            if length == 0 {
                break;
            }
            note(&line, wanted, &mut shown);
        }
    }
    Ok(shown)
}

fn note(line: &[u8], wanted: &BTreeSet<&str>, shown: &mut Shown) {
    let Ok(probe) = sonic_rs::from_slice::<Probe>(line) else { return };
    if wanted.contains(probe.audit_id.as_ref()) {
        let id = probe.audit_id.to_string();
        shown.missing.insert(id.clone(), missing_fields(&probe));
        shown.seen.insert(id);
    }
}

fn missing_fields(probe: &Probe) -> Vec<&'static str> {
    let mut missing = Vec::new();
    if probe.user.username.is_empty() {
        missing.push("user.username");
    }
    let writes = matches!(probe.verb.as_ref(), "create" | "update" | "patch");
    if writes && probe.request_object.is_none() {
        missing.extend(deciding_field(&probe.object_ref));
        if probe.object_ref.name.is_empty() && !probe.object_ref.resource.is_empty() {
            missing.push("objectRef.name");
        }
    }
    missing
}

/// Which part of the body says whether a write to this resource is an attack.
fn deciding_field(object: &ObjectProbe) -> Option<&'static str> {
    let field = match (object.resource.as_str(), object.subresource.as_str()) {
        ("serviceaccounts", "token") => "requestObject.spec (audiences, boundObjectRef)",
        ("pods", "exec" | "attach" | "portforward" | "eviction" | "binding") => return None,
        ("certificatesigningrequests", "approval") => "requestObject.status.conditions",
        ("certificatesigningrequests", _) => "requestObject.spec (signerName, request, usages)",
        ("pods", _) => "requestObject.spec (containers, hostPath, serviceAccountName)",
        (
            "deployments" | "daemonsets" | "statefulsets" | "replicasets" | "jobs" | "cronjobs",
            _,
        ) => "requestObject.spec.template (containers, hostPath, serviceAccountName)",
        ("roles" | "clusterroles", _) => "requestObject.rules",
        ("rolebindings" | "clusterrolebindings", _) => "requestObject.roleRef and subjects",
        ("mutatingwebhookconfigurations" | "validatingwebhookconfigurations", _) => {
            "requestObject.webhooks"
        }
        ("services", _) => "requestObject.spec (type, externalIPs)",
        ("ingresses", _) => "requestObject.metadata.annotations",
        ("nodes" | "namespaces", _) => "requestObject.metadata.labels and spec",
        ("secrets", _) => "requestObject.type and metadata.annotations",
        ("configmaps", _) => "requestObject.data",
        (_, "") if !object.resource.is_empty() => "requestObject",
        _ => return None,
    };
    Some(field)
}

/// Counts the missing fields of some records.
pub(crate) fn count(records: &BTreeSet<String>, shown: &Shown) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for field in records.iter().filter_map(|id| shown.missing.get(id)).flatten() {
        *counts.entry((*field).to_owned()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(line: &str) -> Vec<&'static str> {
        missing_fields(&sonic_rs::from_str(line).unwrap())
    }

    #[test]
    fn a_binding_at_metadata_level_hides_its_role_and_its_name() {
        let line = r#"{"auditID":"a","verb":"create","user":{"username":"bob"},
            "objectRef":{"resource":"clusterrolebindings"}}"#;
        assert_eq!(missing(line), ["requestObject.roleRef and subjects", "objectRef.name"]);
    }

    #[test]
    fn a_logged_body_hides_nothing() {
        let line = r#"{"auditID":"a","verb":"create","user":{"username":"bob"},
            "objectRef":{"resource":"pods"},"requestObject":{"spec":{}}}"#;
        assert!(missing(line).is_empty());
    }

    #[test]
    fn a_refused_login_has_no_user() {
        let line = r#"{"auditID":"a","verb":"get","user":{}}"#;
        assert_eq!(missing(line), ["user.username"]);
    }
}
