//! Who can do something, by which grant, how sure that is, and whether it was ever used.

use serde::Serialize;
use trailhound_model::{entity, observed::Surety, time::Time};
use trailhound_twin::{
    Twin,
    rbac::{Attributes, BindingKey, RoleKey, UseCount},
};

/// Somebody who can.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Holder {
    /// Who: `user:…`, `sa:…`, or `group:…`.
    pub subject: String,
    /// The binding as an entity.
    pub binding: String,
    /// The role as an entity.
    pub role: String,
    /// How sure.
    pub surety: Surety,
    /// Requests of this kind that the grant allowed in the log.
    pub uses: u64,
    /// The last of them.
    pub last_used: Option<Time>,
}

/// A binding that may give it to somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Possible {
    /// The binding as an entity.
    pub binding: String,
    /// What is not known of it.
    pub why: String,
    /// Whom it is known to bind.
    pub subjects: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WhoCan {
    /// The verb.
    pub verb: String,
    /// The resource with its group and subresource, or the URL.
    pub what: String,
    /// Namespace; empty for all of the cluster.
    pub namespace: String,
    /// Name of the object; empty for any.
    pub name: String,
    /// The moment.
    pub at: Time,
    /// Those who can.
    pub holders: Vec<Holder>,
    /// Those who may, but the log does not say.
    pub possible: Vec<Possible>,
    /// Every binding that could give it is known, so that nobody else has it by RBAC.
    pub complete: bool,
}

/// Answers for a verb on a resource (`pods`, `pods/exec`, `deployments.apps`) or on a URL that is no
/// resource (`/healthz`).
pub fn who_can(twin: &Twin, verb: &str, what: &str, place: (&str, &str), at: Time) -> WhoCan {
    let (namespace, name) = place;
    let attributes = if what.starts_with('/') {
        Attributes::url(verb, what)
    } else {
        with_group(Attributes::resource(verb, what, namespace, name))
    };
    let rbac = twin.rbac();
    let holders = rbac.subjects_that_can(&attributes, at);
    let possible = rbac.possible_holders(&attributes, at);
    WhoCan {
        verb: verb.to_owned(),
        what: what.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        at,
        holders: holders
            .into_iter()
            .map(|one| Holder {
                subject: subject(&one.subject.kind, &one.subject.namespace, &one.subject.name),
                binding: binding(&one.via.binding),
                role: role(&one.via.role),
                surety: one.surety,
                uses: one.used.count,
                last_used: last(one.used),
            })
            .collect(),
        possible: possible
            .into_iter()
            .map(|one| Possible {
                binding: binding(&one.binding),
                why: one.why.to_string(),
                subjects: one
                    .subjects
                    .iter()
                    .map(|of| subject(&of.kind, &of.namespace, &of.name))
                    .collect(),
            })
            .collect(),
        complete: rbac.is_complete(namespace, at),
    }
}

fn last(used: UseCount) -> Option<Time> {
    used.last
}

/// Groups of well-known resources, which people leave out as kubectl lets them.
fn with_group(mut attributes: Attributes) -> Attributes {
    if !attributes.group.is_empty() {
        return attributes;
    }
    let group = match attributes.resource.as_str() {
        "deployments" | "daemonsets" | "statefulsets" | "replicasets" => "apps",
        "jobs" | "cronjobs" => "batch",
        "roles" | "rolebindings" | "clusterroles" | "clusterrolebindings" => {
            "rbac.authorization.k8s.io"
        }
        "ingresses" | "networkpolicies" => "networking.k8s.io",
        "certificatesigningrequests" => "certificates.k8s.io",
        "mutatingwebhookconfigurations"
        | "validatingwebhookconfigurations"
        | "validatingadmissionpolicies"
        | "validatingadmissionpolicybindings" => "admissionregistration.k8s.io",
        "customresourcedefinitions" => "apiextensions.k8s.io",
        "leases" => "coordination.k8s.io",
        "poddisruptionbudgets" => "policy",
        "horizontalpodautoscalers" => "autoscaling",
        "storageclasses" | "volumeattachments" => "storage.k8s.io",
        _ => "",
    };
    attributes.group = group.into();
    attributes
}

fn subject(kind: &str, namespace: &str, name: &str) -> String {
    match kind {
        "ServiceAccount" => entity::service_account(namespace, name),
        "Group" => format!("group:{name}"),
        _ => entity::user(name),
    }
}

fn binding(key: &BindingKey) -> String {
    let kind = if key.namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" };
    entity::object(kind, &key.namespace, &key.name)
}

fn role(key: &RoleKey) -> String {
    let kind = if key.namespace.is_empty() { "clusterroles" } else { "roles" };
    entity::object(kind, &key.namespace, &key.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_people_leave_out_are_those_of_kubectl() {
        let group = |what: &str| with_group(Attributes::resource("get", what, "", "")).group;
        assert_eq!(group("deployments"), "apps");
        assert_eq!(group("deployments.extensions"), "extensions");
        assert_eq!(group("pods/exec"), "");
    }
}
