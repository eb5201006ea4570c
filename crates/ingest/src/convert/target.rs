//! What a record is about, read from a path: GKE's `resourceName`, or the URL of a record whose
//! `objectRef` was cut away.
//!
//! `resourceName` is `GROUP/VERSION/…` for resources and a bare path for other URLs. `methodName`
//! spells the group in several ways (`io.k8s.authorization.rbac`, `io.k8s.rbac`), so it decides the
//! verb only, and the rest where there is no `resourceName`.

use crate::wire::{Text, WireRef};
use std::borrow::Cow;

/// The target of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) verb: &'a str,
    /// Empty for a URL that is no resource.
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    /// The core group is empty.
    pub(super) group: Cow<'a, str>,
    pub(super) version: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// The URL path, as far as the record tells it.
    pub(super) path: String,
}

const VERBS: [&str; 14] = [
    "create",
    "get",
    "list",
    "watch",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "post",
    "put",
    "head",
    "options",
    "connect",
    "proxy",
];

/// Reads both names.
pub(super) fn read<'a>(method: &'a str, resource_name: &'a str) -> Target<'a> {
    let verb = method.rsplit('.').next().filter(|verb| VERBS.contains(verb)).unwrap_or_default();
    // Google's unified name has the cluster in front: `projects/…/k8s/…`.
    let name = resource_name.split_once("/k8s/").map_or(resource_name, |(_, rest)| rest);
    let name = name.trim_start_matches('/');
    let mut parts = name.splitn(3, '/');
    let target = match (parts.next(), parts.next(), parts.next()) {
        (Some(group), Some(version), Some(rest)) if is_version(version) => {
            let group = if group == "core" { "" } else { group };
            of_path(Cow::Borrowed(group), version, rest)
        }
        _ if name.starts_with("namespaces/") => of_method(method, name),
        _ if !name.is_empty() => Target { path: format!("/{name}"), ..Target::default() },
        _ => of_method(method, ""),
    };
    Target { verb, ..target }
}

fn is_version(text: &str) -> bool {
    let digits = text.strip_prefix('v').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Group, version and resource as the method names them, with the path that is known.
fn of_method<'a>(method: &'a str, path: &'a str) -> Target<'a> {
    let mut parts: Vec<&str> = method.split('.').collect();
    if parts.last().is_some_and(|last| VERBS.contains(last)) {
        parts.pop();
    }
    let Some(at) = parts.iter().position(|part| is_version(part)) else {
        return match parts.get(2..) {
            // `io.k8s.readyz`
            Some([word]) if !word.is_empty() => {
                Target { path: format!("/{word}"), ..Target::default() }
            }
            _ => Target::default(),
        };
    };
    let group = group_of(parts.get(..at).unwrap_or_default());
    let version = parts.get(at).copied().unwrap_or_default();
    if path.is_empty() {
        let resource = parts.get(at + 1).copied().unwrap_or_default();
        let subresource = parts.get(at + 2).copied().unwrap_or_default();
        return Target { resource, subresource, group, version, ..Target::default() };
    }
    of_path(group, version, path)
}

/// The group behind its reversed spelling: `io.k8s.authorization.rbac` is
/// `rbac.authorization.k8s.io`, `com.coreos.monitoring` is `monitoring.coreos.com`.
fn group_of<'a>(parts: &[&'a str]) -> Cow<'a, str> {
    match parts {
        [] | ["io", "k8s"] | ["io", "k8s", "core"] => Cow::Borrowed(""),
        ["io", "k8s", group @ ("apps" | "batch" | "autoscaling" | "policy" | "extensions")] => {
            Cow::Borrowed(group)
        }
        ["io", "k8s", "rbac"] => Cow::Borrowed("rbac.authorization.k8s.io"),
        _ => parts.iter().rev().copied().collect::<Vec<_>>().join(".").into(),
    }
}

/// `namespaces/shop/pods/cart-1/exec`, `nodes/n1/proxy/pods`, `secrets`.
fn of_path<'a>(group: Cow<'a, str>, version: &'a str, path: &'a str) -> Target<'a> {
    let root = if group.is_empty() { "/api".into() } else { format!("/apis/{group}") };
    let full = format!("{root}/{version}/{path}");
    let (namespace, inner) = namespaced(path);
    let mut parts = inner.splitn(4, '/');
    let mut next = || parts.next().unwrap_or_default();
    let (resource, name, subresource) = (next(), next(), next());
    // The namespace of a namespace is itself, as the API server writes it.
    let namespace = if resource == "namespaces" { name } else { namespace };
    Target { verb: "", resource, subresource, group, version, namespace, name, path: full }
}

/// The target that a URL names; `None` for URLs that are no resource.
pub(crate) fn of_uri(uri: &str) -> Option<WireRef<'_>> {
    let path = uri.split('?').next()?;
    let (group, rest) = match path.strip_prefix("/apis/") {
        Some(rest) => rest.split_once('/')?,
        None => ("", path.strip_prefix("/api/")?),
    };
    let (version, rest) = rest.split_once('/')?;
    let is_resource = is_version(version) && !rest.is_empty() && !path.contains("..");
    is_resource.then(|| of_path(Cow::Borrowed(group), version, rest).into_ref())
}

impl<'a> Target<'a> {
    /// As `objectRef`.
    pub(super) fn into_ref(self) -> WireRef<'a> {
        WireRef {
            resource: Text(self.resource.into()),
            subresource: Text(self.subresource.into()),
            api_group: Text(self.group),
            api_version: Text(self.version.into()),
            namespace: Text(self.namespace.into()),
            name: Text(self.name.into()),
            ..WireRef::default()
        }
    }
}

/// Splits `namespaces/NAME/rest`, unless it is about the namespace itself.
fn namespaced(path: &str) -> (&str, &str) {
    let split = path.strip_prefix("namespaces/").and_then(|rest| rest.split_once('/'));
    match split {
        Some((_, "status" | "finalize")) | None => ("", path),
        Some((namespace, inner)) => (namespace, inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(method: &str, name: &str) -> String {
        let t = read(method, name);
        format!(
            "{} {}|{}|{} {}/{} [{}] {}",
            t.verb, t.group, t.version, t.resource, t.namespace, t.name, t.subresource, t.path
        )
    }

    #[test]
    fn every_form_of_a_name_leads_to_its_target() {
        let cases = [
            (
                "io.k8s.core.v1.pods.get",
                "core/v1/namespaces/shop/pods/cart",
                "get |v1|pods shop/cart [] /api/v1/namespaces/shop/pods/cart",
            ),
            (
                "io.k8s.core.v1.pods.list",
                "core/v1/namespaces/shop/pods",
                "list |v1|pods shop/ [] /api/v1/namespaces/shop/pods",
            ),
            (
                "io.k8s.core.v1.secrets.list",
                "core/v1/secrets",
                "list |v1|secrets / [] /api/v1/secrets",
            ),
            (
                "io.k8s.core.v1.pods.exec.create",
                "core/v1/namespaces/shop/pods/cart/exec",
                "create |v1|pods shop/cart [exec] /api/v1/namespaces/shop/pods/cart/exec",
            ),
            (
                "io.k8s.core.v1.nodes.proxy.get",
                "core/v1/nodes/n1/proxy",
                "get |v1|nodes /n1 [proxy] /api/v1/nodes/n1/proxy",
            ),
            (
                "io.k8s.core.v1.nodes.proxy.create",
                "core/v1/nodes/n1/proxy/run/shop/cart",
                "create |v1|nodes /n1 [proxy] /api/v1/nodes/n1/proxy/run/shop/cart",
            ),
            (
                "io.k8s.core.v1.namespaces.delete",
                "core/v1/namespaces/shop",
                "delete |v1|namespaces shop/shop [] /api/v1/namespaces/shop",
            ),
            (
                "io.k8s.core.v1.namespaces.finalize.update",
                "core/v1/namespaces/shop/finalize",
                "update |v1|namespaces shop/shop [finalize] /api/v1/namespaces/shop/finalize",
            ),
            (
                "io.k8s.core.v1.namespaces.list",
                "core/v1/namespaces",
                "list |v1|namespaces / [] /api/v1/namespaces",
            ),
            (
                "io.k8s.authorization.rbac.v1.clusterroles.patch",
                "rbac.authorization.k8s.io/v1/clusterroles/edit",
                "patch rbac.authorization.k8s.io|v1|clusterroles /edit [] /apis/rbac.authorization.k8s.io/v1/clusterroles/edit",
            ),
            (
                "io.k8s.authorization.rbac.v1.clusterroles.patch",
                "",
                "patch rbac.authorization.k8s.io|v1|clusterroles / [] ",
            ),
            (
                "io.k8s.rbac.v1.clusterroles.patch",
                "",
                "patch rbac.authorization.k8s.io|v1|clusterroles / [] ",
            ),
            (
                "com.coreos.monitoring.v1.prometheuses.create",
                "monitoring.coreos.com/v1/namespaces/shop/prometheuses/main",
                "create monitoring.coreos.com|v1|prometheuses shop/main [] /apis/monitoring.coreos.com/v1/namespaces/shop/prometheuses/main",
            ),
            (
                "com.coreos.monitoring.v1.prometheuses.create",
                "",
                "create monitoring.coreos.com|v1|prometheuses / [] ",
            ),
            (
                "io.k8s.core.v1.pods.create",
                "projects/p/locations/l/clusters/c/k8s/namespaces/shop/pods/cart",
                "create |v1|pods shop/cart [] /api/v1/namespaces/shop/pods/cart",
            ),
            ("io.k8s.get", "readyz", "get || / [] /readyz"),
            ("io.k8s.get", "apis/apps/v1", "get || / [] /apis/apps/v1"),
            ("io.k8s.core.v1.healthz.get", "healthz", "get || / [] /healthz"),
            ("io.k8s.readyz", "", " || / [] /readyz"),
            ("", "", " || / [] "),
        ];
        for (method, name, expected) in cases {
            assert_eq!(words(method, name), expected, "{method} {name}");
        }
    }

    #[test]
    fn a_url_names_its_target_and_discovery_has_none() {
        let words = |uri: &str| {
            of_uri(uri).map(|t| {
                [t.api_group.0, t.resource.0, t.subresource.0, t.namespace.0, t.name.0].join(" ")
            })
        };
        let exec = "/api/v1/namespaces/shop/pods/cart/exec?command=sh";
        assert_eq!(words(exec).as_deref(), Some(" pods exec shop cart"));
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        assert_eq!(words(roles).as_deref(), Some("rbac.authorization.k8s.io clusterroles   "));
        for other in ["/api/v1", "/apis/apps/v1", "/healthz", "/api", "/api/v1/../../x", ""] {
            assert_eq!(words(other), None, "{other}");
        }
    }

    #[test]
    fn hostile_names_do_not_panic() {
        for text in
            ["/", "//", "core/v1/", "a/v1/namespaces//", "namespaces/", "é/v1/ü", "...", ".v1."]
        {
            let _ = read(text, text);
            let _ =
                (of_uri(text), of_uri(&format!("/api/{text}")), of_uri(&format!("/apis/{text}")));
        }
    }
}
