//! Where a field of a Sigma rule stands in an audit event.
//!
//! Sigma writes paths with dots and says nothing of lists, and a few rules use names that no audit
//! event has. What a field means is decided here and nowhere else.

use super::naming::Naming;
use crate::{ask::Operand, document::Place};
use trailhound_model::lookup::Step;

/// Which log a rule was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The audit log of Kubernetes.
    Audit,
    /// The activity log of Azure.
    Azure,
    /// The audit log of Google Cloud.
    Google,
}

/// Keys below which the rest of a path is one key: those have dots in them.
const KEYED: [&str; 9] = [
    "annotations",
    "labels",
    "extra",
    "nodeSelector",
    "data",
    "stringData",
    "binaryData",
    "matchLabels",
    "selector",
];

/// Where the pod's own description may stand: of a pod, of a workload, of a cron job.
const POD_SPECS: [&str; 3] = ["spec", "spec.template.spec", "spec.jobTemplate.spec.template.spec"];
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The operand of a field; `None` if no audit event has it.
pub(super) fn operand(field: &str, source: Source) -> Option<Operand> {
    match (source, field) {
        (Source::Azure, "operationName") => return Some(Operand::Named(Naming::Azure)),
        (Source::Google, "gcp.audit.method_name" | "methodName") => {
            return Some(Operand::Named(Naming::Google));
        }
        (Source::Azure, "caller" | "identity")
        | (Source::Google, "gcp.audit.authentication_info.principal_email") => {
            return path("user.username");
        }
        (Source::Azure, "callerIpAddress")
        | (Source::Google, "gcp.audit.request_metadata.caller_ip") => {
            return path("sourceIPs");
        }
        _ => {}
    }
    match field {
        "hostPath" => {
            Some(union(POD_SPECS.iter().map(|spec| format!("{spec}.volumes.hostPath.path"))))
        }
        "capabilities" => Some(union(POD_SPECS.iter().flat_map(|spec| {
            CONTAINERS.map(|list| format!("{spec}.{list}.securityContext.capabilities.add"))
        }))),
        "apiGroup" => path("objectRef.apiGroup"),
        _ => path(field.strip_prefix("kubernetes.audit.").unwrap_or(field)),
    }
}

fn union(paths: impl Iterator<Item = String>) -> Operand {
    Operand::Union(paths.filter_map(|one| path(&format!("requestObject.{one}"))).collect())
}

/// A path with dots, whose first part must be a field of an audit event.
pub(super) fn path(field: &str) -> Option<Operand> {
    let (top, mut rest) = field.split_once('.').unwrap_or((field, ""));
    let (top, index) = indexed(top);
    let mut steps: Vec<Step> = index.into_iter().collect();
    let mut keyed = KEYED.contains(&top);
    while !rest.is_empty() {
        let (part, after) =
            if keyed { (rest, "") } else { rest.split_once('.').unwrap_or((rest, "")) };
        let (name, index) = if keyed { (part, None) } else { indexed(part) };
        match name.parse::<usize>() {
            Ok(at) if !keyed => steps.push(Step::Index(at)),
            _ => steps.push(Step::Through(name.into())),
        }
        steps.extend(index);
        keyed = KEYED.contains(&name);
        rest = after;
    }
    let place = Place::new(top, steps);
    place.is_known().then_some(Operand::Place(place))
}

/// `containers[0]` names an item, `containers[]` and `containers[*]` all of them.
fn indexed(part: &str) -> (&str, Option<Step>) {
    let Some((name, index)) = part.strip_suffix(']').and_then(|part| part.split_once('[')) else {
        return (part, None);
    };
    match index.parse() {
        Ok(at) => (name, Some(Step::Index(at))),
        Err(_) if matches!(index, "" | "*") => (name, Some(Step::Each)),
        Err(_) => (part, None),
    }
}
