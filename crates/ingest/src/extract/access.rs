//! Objects that say who may do what, and who is asked: bindings, roles, webhooks, services, token
//! requests, access reviews.

use crate::mask::Walk;
use trailhound_model::{
    Str,
    body::{Binding, BodyKind, PolicyRule, Role, Service, Subject, Webhook},
};

pub(super) fn binding(walk: &Walk<'_, '_>) -> Binding {
    let subject = |subject: &Walk<'_, '_>| Subject {
        kind: subject.string(&["kind"]),
        name: subject.string(&["name"]),
        namespace: subject.string(&["namespace"]),
    };
    Binding {
        role_kind: walk.string(&["roleRef", "kind"]),
        role: walk.string(&["roleRef", "name"]),
        subjects: walk.elements(&["subjects"]).iter().map(subject).collect(),
    }
}

pub(super) fn role(walk: &Walk<'_, '_>) -> Role {
    let rule = |rule: &Walk<'_, '_>| PolicyRule {
        verbs: rule.strings(&["verbs"]),
        api_groups: rule.strings(&["apiGroups"]),
        resources: rule.strings(&["resources"]),
        resource_names: rule.strings(&["resourceNames"]),
        non_resource_urls: rule.strings(&["nonResourceURLs"]),
    };
    Role {
        rules: walk.elements(&["rules"]).iter().map(rule).collect(),
        aggregates_to: aggregates_to(walk),
        aggregated: !walk.tree().get("aggregationRule").is_null(),
    }
}

/// Built-in roles that take the rules over: the controller copies them to every role that selects
/// such a label.
fn aggregates_to(walk: &Walk<'_, '_>) -> Vec<Str> {
    const LABEL: &str = "rbac.authorization.k8s.io/aggregate-to-";
    let labels = walk.pairs(&["metadata", "labels"]);
    let set = labels.iter().filter(|(_, value)| value == "true");
    set.filter_map(|(key, _)| key.strip_prefix(LABEL).map(Str::new)).collect()
}

pub(super) fn webhooks(walk: &Walk<'_, '_>) -> Vec<Webhook> {
    let webhook = |webhook: &Walk<'_, '_>| Webhook {
        name: webhook.string(&["name"]),
        url: webhook.string(&["clientConfig", "url"]),
        service: service_name(webhook),
        failure_policy: webhook.string(&["failurePolicy"]),
        resources: webhook
            .elements(&["rules"])
            .iter()
            .flat_map(|rule| rule.strings(&["resources"]))
            .collect(),
    };
    walk.elements(&["webhooks"]).iter().map(webhook).collect()
}

fn service_name(webhook: &Walk<'_, '_>) -> Str {
    let Some(service) = webhook.at(&["clientConfig", "service"]) else { return Str::default() };
    if service.tree().is_null() {
        return Str::default();
    }
    format!("{}/{}", service.string(&["namespace"]), service.string(&["name"])).into()
}

pub(super) fn service(walk: &Walk<'_, '_>) -> Service {
    Service {
        service_type: walk.string(&["spec", "type"]),
        external_ips: walk.strings(&["spec", "externalIPs"]),
        external_name: walk.string(&["spec", "externalName"]),
        ports: ports(walk),
    }
}

fn ports(service: &Walk<'_, '_>) -> Vec<u32> {
    let ports = service.elements(&["spec", "ports"]);
    let numbers = ports.iter().filter_map(|one| one.tree().get("port").int());
    numbers.filter_map(|port| u32::try_from(port).ok()).collect()
}

/// Keys of a `ConfigMap`'s data whose value would not be shown as it is: the masking knows what a
/// credential looks like, and nobody else needs to.
pub(super) fn credential_keys(walk: &Walk<'_, '_>) -> Vec<Str> {
    let Some(data) = walk.at(&["data"]) else { return Vec::new() };
    let shown = data.pairs(&[]);
    let raw = data.tree().fields().iter().map(|(_, value)| value.text());
    let holds = raw.zip(shown).filter(|(raw, (_, shown))| !raw.is_empty() && raw != shown);
    holds.map(|(_, (key, _))| key).take(MAX_KEYS).collect()
}

/// Keys that are named; one is enough to look.
const MAX_KEYS: usize = 20;

pub(super) fn token_request(walk: &Walk<'_, '_>) -> BodyKind {
    let is_pod = walk.string(&["spec", "boundObjectRef", "kind"]) == "Pod";
    let bound = || walk.string(&["spec", "boundObjectRef", "name"]);
    BodyKind::TokenRequest {
        expiration_seconds: walk.tree().at(&["spec", "expirationSeconds"]).int(),
        audiences: walk.strings(&["spec", "audiences"]),
        bound_pod: if is_pod { bound() } else { Str::default() },
    }
}

pub(super) fn review(walk: &Walk<'_, '_>, response: Option<&Walk<'_, '_>>) -> BodyKind {
    let is_url = walk.tree().at(&["spec", "resourceAttributes"]).is_null();
    let (asked, what) =
        if is_url { ("nonResourceAttributes", "path") } else { ("resourceAttributes", "resource") };
    let namespace = walk.string(&["spec", asked, "namespace"]);
    BodyKind::Review {
        verb: walk.string(&["spec", asked, "verb"]),
        resource: walk.string(&["spec", asked, what]),
        // A rules review has its namespace one level higher.
        namespace: if namespace.is_empty() {
            walk.string(&["spec", "namespace"])
        } else {
            namespace
        },
        allowed: response.and_then(|walk| walk.tree().at(&["status", "allowed"]).truth()),
    }
}
