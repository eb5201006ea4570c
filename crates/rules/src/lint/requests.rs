//! One request of every kind that Kubernetes knows: the way from what a rule watches to what an audit
//! policy says.

use std::collections::BTreeMap;
use trailhound_model::{
    action::{Action, ActionKind},
    event::{Event, ObjectRef},
};

/// A request as an audit policy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) verb: &'static str,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) subresource: String,
    /// A URL that is no resource, else empty.
    pub(super) path: &'static str,
}

const VERBS: [&str; 8] =
    ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// Groups and resources, each with its subresources behind slashes.
const RESOURCES: [(&str, &[&str]); 16] = [
    (
        "",
        &[
            "pods",
            "pods/exec",
            "pods/attach",
            "pods/portforward",
            "pods/proxy",
            "pods/log",
            "pods/ephemeralcontainers",
            "pods/eviction",
            "pods/binding",
            "pods/status",
            "services",
            "services/proxy",
            "secrets",
            "configmaps",
            "serviceaccounts",
            "serviceaccounts/token",
            "nodes",
            "nodes/proxy",
            "nodes/status",
            "namespaces",
            "namespaces/finalize",
            "events",
            "endpoints",
            "persistentvolumes",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "podtemplates",
            "bindings",
            "resourcequotas",
            "limitranges",
        ],
    ),
    (
        "apps",
        &[
            "deployments",
            "deployments/scale",
            "daemonsets",
            "statefulsets",
            "replicasets",
            "controllerrevisions",
        ],
    ),
    ("batch", &["jobs", "cronjobs"]),
    (
        "rbac.authorization.k8s.io",
        &["roles", "rolebindings", "clusterroles", "clusterrolebindings"],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
        ],
    ),
    (
        "certificates.k8s.io",
        &[
            "certificatesigningrequests",
            "certificatesigningrequests/approval",
            "certificatesigningrequests/status",
        ],
    ),
    (
        "authorization.k8s.io",
        &[
            "selfsubjectaccessreviews",
            "selfsubjectrulesreviews",
            "subjectaccessreviews",
            "localsubjectaccessreviews",
        ],
    ),
    ("authentication.k8s.io", &["tokenreviews", "selfsubjectreviews"]),
    ("coordination.k8s.io", &["leases"]),
    ("events.k8s.io", &["events"]),
    ("networking.k8s.io", &["networkpolicies", "ingresses", "ingressclasses"]),
    ("gateway.networking.k8s.io", &["gateways", "httproutes"]),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    ("policy", &["poddisruptionbudgets"]),
    ("example.org", &["widgets"]),
];

const PATHS: [&str; 5] = ["/version", "/openapi/v3", "/healthz", "/logs", "/metrics"];

impl Request {
    fn event(&self) -> Event {
        let object = ObjectRef {
            resource: self.resource.as_str().into(),
            subresource: self.subresource.as_str().into(),
            api_group: self.group.as_str().into(),
            api_version: "v1".into(),
            ..ObjectRef::default()
        };
        Event {
            verb: self.verb.into(),
            request_uri: self.path.into(),
            object: self.path.is_empty().then(|| Box::new(object)),
            ..Event::default()
        }
    }
}

/// Every request by the action that it is. `other` is a resource that a rule names.
pub(super) fn by_action(other: Option<&str>) -> BTreeMap<ActionKind, Vec<Request>> {
    let mut found: BTreeMap<ActionKind, Vec<Request>> = BTreeMap::new();
    let mut add = |request: Request| {
        let kind = Action::of(&request.event()).kind;
        found.entry(kind).or_default().push(request);
    };
    for verb in VERBS {
        for (group, resources) in RESOURCES {
            let named = other.filter(|name| !resources.contains(name));
            for resource in resources.iter().copied().chain(named) {
                let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                add(Request {
                    verb,
                    group: group.to_owned(),
                    resource: resource.to_owned(),
                    subresource: subresource.to_owned(),
                    path: "",
                });
            }
        }
    }
    // Every resource may have these, and its controller writes little else.
    for subresource in ["status", "scale"].into_iter().filter(|_| other.is_some()) {
        for (verb, (group, resources)) in
            VERBS.into_iter().flat_map(|verb| RESOURCES.map(|one| (verb, one)))
        {
            let resource = other.unwrap_or_default();
            let is_known = RESOURCES.iter().any(|(_, known)| known.contains(&resource));
            if is_known && !resources.contains(&resource) {
                continue;
            }
            add(Request {
                verb,
                group: group.to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                path: "",
            });
        }
    }
    for path in PATHS {
        add(Request {
            verb: "get",
            group: String::new(),
            resource: String::new(),
            subresource: String::new(),
            path,
        });
    }
    found
}
