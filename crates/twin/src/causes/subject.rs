//! Who belongs to the machinery, and which object an act of it works on.
//!
//! Only what a controller or kubelet does as its daily work is explained by others' acts. Its
//! credential may be stolen: an exec, a secret read by a controller or a new binding is never
//! "because somebody deployed something".

use super::name;
use trailhound_model::{
    action::Outcome,
    credential::CredentialKind,
    fact::Fact,
    observed::{Observation, State},
    principal::{Identity, PrincipalKind},
};

/// What an act of the machinery works on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Subject<'a> {
    pub(super) resource: &'a str,
    pub(super) namespace: &'a str,
    /// Empty if the log does not say.
    pub(super) name: &'a str,
    pub(super) uid: &'a str,
    /// What a body says of it.
    pub(super) body: Option<&'a Observation>,
    pub(super) sort: Sort,
}

/// How the act names it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sort {
    /// It made it.
    Made,
    /// It removed it.
    Removed,
    /// It read or changed it, or wrote about it.
    Touched,
    /// A kubelet fetched what some pod of the namespace needs; the pod is not named.
    Fetched,
    /// A namespace was emptied of a resource.
    Emptied,
}

/// Whether control plane or kubelet acted for themselves.
pub(super) fn is_machinery(fact: &Fact) -> bool {
    fact.principal.real.is_none()
        && !is_forged(fact)
        && matches!(
            fact.principal.effective.kind,
            PrincipalKind::ControlPlane | PrincipalKind::Node
        )
}

/// Controllers have tokens. A certificate with the name of one was made by somebody else, who could
/// otherwise hide what he does among what they do.
fn is_forged(fact: &Fact) -> bool {
    fact.credential.kind == CredentialKind::X509 && !fact.principal.effective.namespace.is_empty()
}

/// What the act works on, if it is daily work.
pub(super) fn of(fact: &Fact) -> Option<Subject<'_>> {
    if !matches!(fact.action.outcome, Outcome::Allowed | Outcome::Conflict | Outcome::NotFound) {
        return None;
    }
    let object = fact.event.object.as_deref()?;
    let (resource, sub) = (object.resource.as_str(), object.subresource.as_str());
    let sort = sort(&fact.principal.effective, &fact.event.verb, resource, sub)?;
    let body = match fact.observed.as_deref().map(|observed| observed.objects.as_slice()) {
        Some([one]) => Some(one),
        _ => None,
    };
    let named = body.map_or("", |body| body.name.as_str());
    let name = if object.name.is_empty() { named } else { object.name.as_str() };
    let uid = body.filter(|body| body.resource == resource).map_or("", |body| body.uid.as_str());
    let plain = Subject { resource, namespace: &object.namespace, name, uid, body, sort };
    Some(match (resource, sub) {
        ("events", _) => about(&fact.principal.effective, plain)?,
        ("serviceaccounts", "token") => issued(plain),
        ("namespaces", _) => Subject { namespace: "", ..plain },
        _ => plain,
    })
}

fn sort(who: &Identity, verb: &str, resource: &str, sub: &str) -> Option<Sort> {
    if who.kind == PrincipalKind::Node {
        return match (verb, resource, sub) {
            ("get", "secrets" | "configmaps" | "serviceaccounts", "")
            | ("create", "serviceaccounts", "token") => Some(Sort::Fetched),
            ("get", "pods", "")
            | ("patch" | "update", "pods", "status")
            | ("create" | "patch" | "update", "events", "") => Some(Sort::Touched),
            ("delete", "pods", "") => Some(Sort::Removed),
            _ => None,
        };
    }
    if verb == "deletecollection" && sub.is_empty() && who.short == "namespace-controller" {
        return Some(Sort::Emptied);
    }
    let fits = match sub {
        "" => match resource {
            "secrets" => matches!(verb, "update" | "patch" | "delete"),
            "clusterroles" => who.short == "clusterrole-aggregation-controller" && verb != "get",
            _ => name::is_worked_on(resource),
        },
        "status" | "scale" | "finalize" => name::is_worked_on(resource),
        "binding" | "eviction" => resource == "pods",
        "approval" => resource == "certificatesigningrequests",
        _ => false,
    };
    if !fits {
        return None;
    }
    match (verb, resource, sub) {
        ("create", _, "") if resource != "events" => Some(Sort::Made),
        ("delete", _, "") => Some(Sort::Removed),
        ("get" | "create" | "update" | "patch", _, _) => Some(Sort::Touched),
        _ => None,
    }
}

/// A Kubernetes Event is an act on what it is about.
fn about<'a>(who: &Identity, plain: Subject<'a>) -> Option<Subject<'a>> {
    if let Some(State::Note { kind, namespace, name, uid, .. }) = plain.body.map(|one| &one.state)
        && !name.is_empty()
    {
        let resource = name::resource_of(kind)?;
        return Some(Subject { resource, namespace, name, uid, body: None, sort: Sort::Touched });
    }
    let resource = reports_on(who)?;
    let name = name::noted(plain.name)?;
    Some(Subject { resource, name, uid: "", body: None, sort: Sort::Touched, ..plain })
}

/// A token is issued for the pod that it is bound to.
fn issued(plain: Subject<'_>) -> Subject<'_> {
    match plain.body.map(|one| &one.state) {
        Some(State::Token { bound_kind, bound_name, bound_uid, .. }) if bound_kind == "Pod" => {
            Subject {
                resource: "pods",
                name: bound_name,
                uid: bound_uid,
                body: None,
                sort: Sort::Touched,
                ..plain
            }
        }
        _ => plain,
    }
}

/// What a component writes Events about.
fn reports_on(who: &Identity) -> Option<&'static str> {
    if who.kind == PrincipalKind::Node {
        return Some("pods");
    }
    Some(match who.short.as_str() {
        "horizontal-pod-autoscaler" => "horizontalpodautoscalers",
        "endpoint-controller" | "endpointslice-controller" | "service-controller" => "services",
        "disruption-controller" => "poddisruptionbudgets",
        "system:kube-scheduler" | "node-controller" | "taint-eviction-controller" => "pods",
        _ => makes_pods_for(who)?,
    })
}

/// The workload whose pods, or replica sets, or jobs, a controller makes.
pub(super) fn makes_pods_for(who: &Identity) -> Option<&'static str> {
    Some(match who.short.as_str() {
        "replicaset-controller" => "replicasets",
        "deployment-controller" => "deployments",
        "daemon-set-controller" => "daemonsets",
        "statefulset-controller" => "statefulsets",
        "job-controller" => "jobs",
        "cronjob-controller" => "cronjobs",
        "replication-controller" => "replicationcontrollers",
        "endpoint-controller" | "endpointslice-controller" => "services",
        _ => return None,
    })
}
