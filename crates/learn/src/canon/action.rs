//! A request as a kind of request: what is done to which resource, how wide, with what result.
//!
//! `get` of one secret, `list` in a namespace and `list` over the cluster are three things although
//! rights make no difference; a refused request is another thing than a granted one. Patch and update
//! are one: clients change from one to the other with a version.

use super::name;
use crate::symbol::{Sort, Symbol};
use serde::{Deserialize, Serialize};
use trailhound_model::action::{ActionKind, Outcome};
use trailhound_model::event::Event;

/// How wide a request reaches.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Reach {
    /// It is no question about objects.
    #[default]
    None,
    /// One object by name, also by a field selector.
    One,
    /// The objects of one node: what kubelets ask for.
    OfNode,
    /// All of a namespace.
    Namespace,
    /// All of the cluster.
    Everything,
}

impl Reach {
    /// How wide an event reaches.
    pub fn of(event: &Event) -> Reach {
        let Some(object) = &event.object else { return Reach::None };
        if !matches!(event.verb.as_str(), "get" | "list" | "watch" | "deletecollection") {
            return Reach::None;
        }
        if !object.name.is_empty() || selects(event, "metadata.name") {
            return Reach::One;
        }
        if selects(event, "spec.nodeName") {
            return Reach::OfNode;
        }
        if object.namespace.is_empty() { Reach::Everything } else { Reach::Namespace }
    }

    fn text(self) -> &'static str {
        match self {
            Reach::None | Reach::One => "",
            Reach::OfNode => " of one node",
            Reach::Namespace => " of a namespace",
            Reach::Everything => " of the whole cluster",
        }
    }
}

/// Whether the field selector names one value of a field.
fn selects(event: &Event, field: &str) -> bool {
    let Some((_, query)) = event.request_uri.split_once('?') else { return false };
    let Some((_, selector)) = query.split_once("fieldSelector=") else { return false };
    let selector = selector.split('&').next().unwrap_or_default();
    let Some((_, after)) = selector.split_once(field) else { return false };
    after.starts_with("%3D") || after.starts_with('=') || after.starts_with("%3d")
}

fn verb(verb: &str) -> &'static str {
    match verb {
        "get" => "get",
        "list" => "list",
        "watch" => "watch",
        "create" | "post" => "create",
        "update" | "patch" | "put" | "apply" => "change",
        "delete" => "delete",
        "deletecollection" => "delete all",
        _ => "other",
    }
}

fn result(outcome: Outcome, code: Option<u16>) -> &'static str {
    match outcome {
        Outcome::Allowed => "",
        Outcome::Denied => "forbidden",
        Outcome::Rejected => "rejected",
        Outcome::Unauthenticated => "unauthenticated",
        Outcome::NotFound => "not found",
        Outcome::Conflict => "conflict",
        Outcome::Failed if code.is_some_and(|code| code >= 500) => "server error",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
    }
}

/// Longest group or resource that is kept: custom resources are named by clients.
const LONGEST: usize = 80;

fn cut(text: &str) -> &str {
    let end = (0..=text.len().min(LONGEST)).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// The symbol of a request, without its namespace.
pub fn symbol(event: &Event, outcome: Outcome) -> Symbol {
    let (verb, result) = (verb(&event.verb), result(outcome, event.code()));
    let Some(object) = &event.object else {
        return Symbol::of(Sort::Action, &[verb, &path(event), result]);
    };
    let reach = [Reach::of(event) as u8 + b'0'];
    let reach = std::str::from_utf8(&reach).unwrap_or_default();
    let (group, resource) = (cut(&object.api_group), cut(&object.resource));
    Symbol::of(Sort::Action, &[verb, group, resource, cut(&object.subresource), result, reach])
}

/// The same in words: `list secrets of the whole cluster`.
pub fn text(event: &Event, outcome: Outcome) -> String {
    let (verb, result) = (verb(&event.verb), result(outcome, event.code()));
    let mut out = match &event.object {
        None => format!("{verb} {}", path(event)),
        Some(object) => {
            let mut what = cut(&object.resource).to_owned();
            if !object.subresource.is_empty() {
                what = format!("{what}/{}", cut(&object.subresource));
            }
            if !object.api_group.is_empty() {
                what = format!("{what} ({})", cut(&object.api_group));
            }
            format!("{verb} {what}{}", Reach::of(event).text())
        }
    };
    if !result.is_empty() {
        out = format!("{out}: {result}");
    }
    out
}

/// A URL that is no resource: its first part, of the lists of APIs the group.
fn path(event: &Event) -> String {
    let path = event.path();
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    match first {
        "api" | "apis" => "/apis".into(),
        "openapi" => "/openapi".into(),
        "healthz" | "livez" | "readyz" => "/healthz".into(),
        _ => format!("/{}", name::template("", "", cut(first), &()).text),
    }
}

/// How much an unusual request of this kind matters: the one thing here that is judged beforehand.
pub fn is_critical(kind: ActionKind) -> bool {
    use ActionKind as A;
    matches!(
        kind,
        A::PodExec
            | A::PodAttach
            | A::PodPortForward
            | A::PodDebug
            | A::WorkloadProxy
            | A::NodeProxy
            | A::NodeCreate
            | A::SecretRead
            | A::SecretList
            | A::SecretWatch
            | A::TokenMint
            | A::RbacGrant
            | A::RoleChange
            | A::IdentityImpersonate
            | A::CsrCreate
            | A::CsrApprove
            | A::WebhookChange
            | A::WebhookDelete
            | A::PolicyChange
            | A::PolicyDelete
            | A::NetworkPolicyDelete
            | A::EventDelete
            | A::ApiExtend
            | A::WorkloadCreate
            | A::WorkloadChange
            | A::AccountCreate
            | A::NamespaceDelete
    )
}

/// Whether the object's own name says something: what it holds or grants hangs on it.
pub fn names_matter(event: &Event) -> bool {
    let Some(object) = &event.object else { return false };
    matches!(
        object.resource.as_str(),
        "secrets"
            | "clusterrolebindings"
            | "rolebindings"
            | "clusterroles"
            | "roles"
            | "mutatingwebhookconfigurations"
            | "validatingwebhookconfigurations"
            | "validatingadmissionpolicies"
            | "apiservices"
    ) || object.resource == "serviceaccounts" && object.subresource == "token"
        || object.resource == "configmaps" && object.namespace == "kube-system"
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::{ObjectRef, Status};

    fn event(verb: &str, uri: &str, object: Option<(&str, &str, &str, &str, &str)>) -> Event {
        Event {
            verb: verb.into(),
            request_uri: uri.into(),
            object: object.map(|(group, resource, subresource, namespace, name)| {
                Box::new(ObjectRef {
                    api_group: group.into(),
                    resource: resource.into(),
                    subresource: subresource.into(),
                    namespace: namespace.into(),
                    name: name.into(),
                    ..ObjectRef::default()
                })
            }),
            status: Some(Status { code: Some(200), ..Status::default() }.into()),
            ..Event::default()
        }
    }

    #[test]
    fn requests_become_kinds_of_requests() {
        let secret = |name, ns| Some(("", "secrets", "", ns, name));
        for (event, expected) in [
            (event("get", "/x", secret("db", "shop")), "get secrets"),
            (event("list", "/x", secret("", "shop")), "list secrets of a namespace"),
            (event("list", "/x", secret("", "")), "list secrets of the whole cluster"),
            (
                event(
                    "watch",
                    "/x?fieldSelector=metadata.name%3Ddb&watch=true",
                    secret("", "shop"),
                ),
                "watch secrets",
            ),
            (
                event(
                    "list",
                    "/x?fieldSelector=spec.nodeName%3Dn1",
                    Some(("", "pods", "", "", "")),
                ),
                "list pods of one node",
            ),
            (
                event(
                    "list",
                    "/x?fieldSelector=spec.nodeName!%3Dn1",
                    Some(("", "pods", "", "", "")),
                ),
                "list pods of the whole cluster",
            ),
            (
                event("patch", "/x", Some(("apps", "deployments", "", "a", "b"))),
                "change deployments (apps)",
            ),
            (event("create", "/x", Some(("", "pods", "exec", "a", "b"))), "create pods/exec"),
            (event("get", "/apis/apps/v1?timeout=32s", None), "get /apis"),
            (event("get", "/healthz/etcd", None), "get /healthz"),
            (event("get", "/metrics", None), "get /metrics"),
            (event("get", "/0c5f1b2e-8a6d-4d53-9d3c-2b1d6f3c7a10/x", None), "get /*"),
        ] {
            assert_eq!(text(&event, Outcome::Allowed), expected);
        }
        let refused = event("get", "/x", secret("db", "shop"));
        assert_eq!(text(&refused, Outcome::Denied), "get secrets: forbidden");
    }

    #[test]
    fn equal_words_are_equal_symbols_and_no_others() {
        let secret = |name, ns| Some(("", "secrets", "", ns, name));
        let one = event("get", "/x", secret("db", "shop"));
        let other = event("get", "/y", secret("web", "a"));
        let list = event("list", "/x", secret("", "shop"));
        let all = event("list", "/x", secret("", ""));
        let of = |event: &Event| symbol(event, Outcome::Allowed);
        assert_eq!(of(&one), of(&other));
        assert_ne!(of(&one), of(&list));
        assert_ne!(of(&list), of(&all));
        assert_ne!(of(&one), symbol(&one, Outcome::Denied));
        let patch = event("patch", "/x", secret("db", "shop"));
        let update = event("update", "/x", secret("db", "shop"));
        assert_eq!(of(&patch), of(&update));
    }

    #[test]
    fn a_long_resource_of_a_client_stays_short() {
        let long = "é".repeat(50_000);
        let event = event("get", "/x", Some((&long, &long, &long, "a", "b")));
        assert!(text(&event, Outcome::Allowed).len() < 500);
        symbol(&event, Outcome::Allowed);
    }
}
