//! Objects that say who may do what, and who is asked: bindings, roles, webhooks, services, token
//! requests, access reviews.

use super::texts;
use crate::{mask::Masker, tree::Tree};
use trailhound_model::{
    Str,
    body::{Binding, BodyKind, PolicyRule, Role, Service, Subject, Webhook},
};

fn text(tree: &Tree<'_>, path: &[&str]) -> Str {
    Str::new(tree.at(path).text())
}

pub(super) fn binding(tree: &Tree<'_>) -> Binding {
    let subject = |subject: &Tree<'_>| Subject {
        kind: text(subject, &["kind"]),
        name: text(subject, &["name"]),
        namespace: text(subject, &["namespace"]),
    };
    Binding {
        role_kind: text(tree, &["roleRef", "kind"]),
        role: text(tree, &["roleRef", "name"]),
        subjects: tree.get("subjects").list().iter().map(subject).collect(),
    }
}

pub(super) fn role(tree: &Tree<'_>) -> Role {
    let rule = |rule: &Tree<'_>| PolicyRule {
        verbs: texts(rule.get("verbs")),
        api_groups: groups(rule.get("apiGroups")),
        resources: texts(rule.get("resources")),
        non_resource_urls: texts(rule.get("nonResourceURLs")),
    };
    Role {
        rules: tree.get("rules").list().iter().map(rule).collect(),
        aggregated: !tree.get("aggregationRule").is_null(),
    }
}

/// API groups, of which the core group is the empty text.
fn groups(tree: &Tree<'_>) -> Vec<Str> {
    let list = tree.list().iter();
    list.filter(|group| matches!(group, Tree::Text(_))).map(|group| Str::new(group.text())).collect()
}

pub(super) fn webhooks(tree: &Tree<'_>, masker: &Masker) -> Vec<Webhook> {
    let webhook = |webhook: &Tree<'_>| {
        let url = webhook.at(&["clientConfig", "url"]).text();
        Webhook {
            name: text(webhook, &["name"]),
            url: masker.uri(url).map_or_else(|| Str::new(url), Str::from),
            service: service_name(webhook.at(&["clientConfig", "service"])),
            failure_policy: text(webhook, &["failurePolicy"]),
            resources: webhook
                .get("rules")
                .list()
                .iter()
                .flat_map(|rule| texts(rule.get("resources")))
                .collect(),
        }
    };
    tree.get("webhooks").list().iter().map(webhook).collect()
}

fn service_name(service: &Tree<'_>) -> Str {
    if service.is_null() {
        return Str::default();
    }
    format!("{}/{}", service.get("namespace").text(), service.get("name").text()).into()
}

pub(super) fn service(tree: &Tree<'_>) -> Service {
    Service {
        service_type: text(tree, &["spec", "type"]),
        external_ips: texts(tree.at(&["spec", "externalIPs"])),
        external_name: text(tree, &["spec", "externalName"]),
    }
}

pub(super) fn token_request(tree: &Tree<'_>) -> BodyKind {
    let spec = tree.get("spec");
    let bound = spec.get("boundObjectRef");
    let is_pod = bound.get("kind").text() == "Pod";
    BodyKind::TokenRequest {
        expiration_seconds: spec.get("expirationSeconds").int(),
        audiences: texts(spec.get("audiences")),
        bound_pod: Str::new(if is_pod { bound.get("name").text() } else { "" }),
    }
}

pub(super) fn review(tree: &Tree<'_>, response: Option<&Tree<'_>>) -> BodyKind {
    let spec = tree.get("spec");
    let resource = spec.get("resourceAttributes");
    let url = spec.get("nonResourceAttributes");
    let asked = if resource.is_null() { url } else { resource };
    let path = if resource.is_null() { url.get("path") } else { resource.get("resource") };
    let namespace = asked.get("namespace").text();
    let namespace = if namespace.is_empty() { spec.get("namespace").text() } else { namespace };
    BodyKind::Review {
        verb: Str::new(asked.get("verb").text()),
        resource: Str::new(path.text()),
        namespace: Str::new(namespace),
        allowed: response.and_then(|tree| tree.at(&["status", "allowed"]).truth()),
    }
}
