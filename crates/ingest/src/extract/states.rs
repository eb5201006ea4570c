//! The state of an object, out of the parts of it that were parsed: names and references, never
//! values.

use super::{access, certificate, forms::Shape};
use crate::mask::{Masker, Walk};
use trailhound_model::{
    Str,
    observed::{ContainerState, PodSpec, State},
    time::Time,
};

/// Names of one sort that are kept of one object.
const MOST: usize = 256;

/// Reads the state.
pub(super) fn read(shape: Shape, walk: &Walk<'_, '_>, masker: &Masker) -> State {
    match shape {
        Shape::Bare => State::Bare,
        Shape::Pod => pod(walk),
        Shape::Workload | Shape::Scale => workload(walk, &["spec", "template"]),
        Shape::CronJob => workload(walk, &["spec", "jobTemplate", "spec", "template"]),
        Shape::Bound => State::Bound { node: walk.string(&["target", "name"]) },
        Shape::Role => role(walk),
        Shape::Binding => State::Binding(access::binding(walk)),
        Shape::Account => account(walk),
        Shape::Secret => secret(walk),
        Shape::Node => node(walk),
        Shape::Service => service(walk),
        Shape::Ingress => ingress(walk),
        Shape::Admission => admission(walk),
        Shape::Certificate => certificate(walk, masker),
        Shape::Token => token(walk),
        Shape::Note => note(walk),
    }
}

fn pod(walk: &Walk<'_, '_>) -> State {
    let mut addresses = names(&walk.elements(&["status", "podIPs"]), &["ip"]);
    add(&mut addresses, walk.string(&["status", "podIP"]));
    State::Pod {
        spec: spec(walk),
        addresses,
        host: walk.string(&["status", "hostIP"]),
        phase: walk.string(&["status", "phase"]),
    }
}

fn workload(walk: &Walk<'_, '_>, path: &[&str]) -> State {
    let template = walk.at(path);
    State::Workload {
        spec: template.as_ref().map(spec).unwrap_or_default(),
        labels: template.map(|one| one.pairs(&["metadata", "labels"])).unwrap_or_default(),
        replicas: walk.tree().at(&["spec", "replicas"]).int(),
    }
}

/// The spec of a pod or of a pod template.
fn spec(pod: &Walk<'_, '_>) -> PodSpec {
    let Some(walk) = pod.step("spec") else { return PodSpec::default() };
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let containers: Vec<Walk<'_, '_>> =
        lists.iter().flat_map(|list| walk.elements(&[list])).take(MOST).collect();
    let mut found = PodSpec {
        service_account: or(walk.string(&["serviceAccountName"]), || {
            walk.string(&["serviceAccount"])
        }),
        automount: walk.tree().get("automountServiceAccountToken").truth(),
        node: walk.string(&["nodeName"]),
        containers: containers.iter().map(container).collect(),
        pull_secrets: names(&walk.elements(&["imagePullSecrets"]), &["name"]),
        host_pid: walk.is_true(&["hostPID"]),
        host_ipc: walk.is_true(&["hostIPC"]),
        host_network: walk.is_true(&["hostNetwork"]),
        ..PodSpec::default()
    };
    for one in &containers {
        uses_of_container(one, &mut found);
    }
    for one in walk.elements(&["volumes"]).iter().take(MOST) {
        uses_of_volume(one, &mut found);
    }
    found
}

fn container(walk: &Walk<'_, '_>) -> ContainerState {
    ContainerState {
        name: walk.string(&["name"]),
        image: walk.string(&["image"]),
        privileged: walk.is_true(&["securityContext", "privileged"]),
    }
}

fn uses_of_container(walk: &Walk<'_, '_>, spec: &mut PodSpec) {
    for capability in walk.strings(&["securityContext", "capabilities", "add"]) {
        add(&mut spec.capabilities, capability);
    }
    for one in walk.elements(&["env"]).iter().filter_map(|one| one.step("valueFrom")) {
        add(&mut spec.secrets, one.string(&["secretKeyRef", "name"]));
        add(&mut spec.config_maps, one.string(&["configMapKeyRef", "name"]));
    }
    for one in walk.elements(&["envFrom"]) {
        add(&mut spec.secrets, one.string(&["secretRef", "name"]));
        add(&mut spec.config_maps, one.string(&["configMapRef", "name"]));
    }
}

fn uses_of_volume(walk: &Walk<'_, '_>, spec: &mut PodSpec) {
    add(&mut spec.secrets, walk.string(&["secret", "secretName"]));
    add(&mut spec.secrets, walk.string(&["csi", "nodePublishSecretRef", "name"]));
    add(&mut spec.config_maps, walk.string(&["configMap", "name"]));
    add(&mut spec.claims, walk.string(&["persistentVolumeClaim", "claimName"]));
    add(&mut spec.host_paths, walk.string(&["hostPath", "path"]));
    for source in walk.elements(&["projected", "sources"]) {
        add(&mut spec.secrets, source.string(&["secret", "name"]));
        add(&mut spec.config_maps, source.string(&["configMap", "name"]));
    }
}

fn role(walk: &Walk<'_, '_>) -> State {
    let selectors = walk.elements(&["aggregationRule", "clusterRoleSelectors"]);
    let is_complex = |one: &Walk<'_, '_>| !one.elements(&["matchExpressions"]).is_empty();
    State::Role {
        rules: access::role(walk).rules,
        aggregation_complex: selectors.iter().any(is_complex),
        aggregation: selectors.iter().take(MOST).map(|one| one.pairs(&["matchLabels"])).collect(),
    }
}

/// Annotations by which the clouds give a service account a role of theirs.
const CLOUD_ROLES: [&str; 3] = [
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
];

fn account(walk: &Walk<'_, '_>) -> State {
    let annotation = |key: &&str| walk.string(&["metadata", "annotations", key]);
    let role = CLOUD_ROLES.iter().map(annotation).find(|role| !role.is_empty());
    State::Account {
        secrets: names(&walk.elements(&["secrets"]), &["name"]),
        pull_secrets: names(&walk.elements(&["imagePullSecrets"]), &["name"]),
        automount: walk.tree().get("automountServiceAccountToken").truth(),
        cloud_role: role.unwrap_or_default(),
    }
}

fn secret(walk: &Walk<'_, '_>) -> State {
    State::Secret {
        kind: walk.string(&["type"]),
        account: walk.string(&["metadata", "annotations", "kubernetes.io/service-account.name"]),
    }
}

fn node(walk: &Walk<'_, '_>) -> State {
    let is_address =
        |one: &Walk<'_, '_>| matches!(one.tree().get("type").text(), "InternalIP" | "ExternalIP");
    let mut addresses = walk.elements(&["status", "addresses"]);
    addresses.retain(is_address);
    State::Node {
        addresses: names(&addresses, &["address"]),
        provider: walk.string(&["spec", "providerID"]),
    }
}

fn service(walk: &Walk<'_, '_>) -> State {
    let mut addresses = Vec::new();
    for one in walk.strings(&["spec", "clusterIPs"]) {
        add(&mut addresses, one);
    }
    add(&mut addresses, walk.string(&["spec", "clusterIP"]));
    State::Service {
        kind: walk.string(&["spec", "type"]),
        selector: walk.pairs(&["spec", "selector"]),
        addresses,
    }
}

fn ingress(walk: &Walk<'_, '_>) -> State {
    let rules = walk.elements(&["spec", "rules"]);
    let paths = rules.iter().flat_map(|rule| rule.elements(&["http", "paths"]));
    let backends = paths.filter_map(|path| path.step("backend"));
    let mut services = Vec::new();
    for one in walk.at(&["spec", "defaultBackend"]).into_iter().chain(backends) {
        add(&mut services, one.string(&["service", "name"]));
        add(&mut services, one.string(&["serviceName"]));
    }
    State::Ingress {
        hosts: names(&rules, &["host"]),
        services,
        secrets: names(&walk.elements(&["spec", "tls"]), &["secretName"]),
    }
}

fn admission(walk: &Walk<'_, '_>) -> State {
    let hooks = access::webhooks(walk);
    let mut failure_policies = Vec::new();
    for hook in &hooks {
        add(&mut failure_policies, hook.failure_policy.clone());
    }
    add(&mut failure_policies, walk.string(&["spec", "failurePolicy"]));
    let mut calls = Vec::new();
    for hook in hooks {
        add(&mut calls, hook.url);
        add(&mut calls, hook.service);
    }
    State::Admission { calls, failure_policies }
}

fn certificate(walk: &Walk<'_, '_>, masker: &Masker) -> State {
    let asked = certificate::read(walk, masker);
    let mut conditions = walk.elements(&["status", "conditions"]);
    conditions.retain(|one| !matches!(one.tree().get("status").text(), "False" | "Unknown"));
    let signed = walk.tree().at(&["status", "certificate"]).text();
    State::Certificate {
        requester: walk.string(&["spec", "username"]),
        signer: asked.signer,
        common_name: asked.common_name,
        organizations: asked.organizations,
        conditions: names(&conditions, &["type"]),
        fingerprint: certificate::fingerprint(signed).unwrap_or_default(),
    }
}

fn token(walk: &Walk<'_, '_>) -> State {
    let bound = |key: &str| walk.string(&["spec", "boundObjectRef", key]);
    State::Token {
        bound_kind: bound("kind"),
        bound_name: bound("name"),
        bound_uid: bound("uid"),
        expires: Time::parse(walk.tree().at(&["status", "expirationTimestamp"]).text()),
        audiences: walk.strings(&["spec", "audiences"]),
    }
}

fn note(walk: &Walk<'_, '_>) -> State {
    let about = walk.step("involvedObject").or_else(|| walk.step("regarding"));
    let text = |key: &str| about.map(|about| about.string(&[key])).unwrap_or_default();
    let reason = walk.string(&["reason"]);
    let message = or(walk.string(&["message"]), || walk.string(&["note"]));
    State::Note {
        kind: text("kind"),
        namespace: text("namespace"),
        name: text("name"),
        uid: text("uid"),
        names: Str::new(named(&reason, &message)),
        reason,
    }
}

/// The object that the message of a known controller names.
fn named<'a>(reason: &str, message: &'a str) -> &'a str {
    let after = |prefixes: &[&str]| prefixes.iter().find_map(|one| message.strip_prefix(one));
    let rest = match reason {
        "SuccessfulCreate" => after(&["Created pod: ", "Created job ", "create Pod "]),
        "SuccessfulDelete" => after(&["Deleted pod: ", "Deleted job ", "delete Pod "]),
        "ScalingReplicaSet" => after(&["Scaled up replica set ", "Scaled down replica set "]),
        "SawCompletedJob" => after(&["Saw completed job: "]),
        "Scheduled" => message.rsplit_once(" to ").map(|(_, node)| node),
        _ => None,
    };
    rest.and_then(|rest| rest.split([' ', ',']).next()).unwrap_or_default()
}

fn names(walks: &[Walk<'_, '_>], path: &[&str]) -> Vec<Str> {
    let mut found = Vec::new();
    for walk in walks.iter().take(MOST) {
        add(&mut found, walk.string(path));
    }
    found
}

/// Adds what is new and not empty.
fn add(names: &mut Vec<Str>, name: Str) {
    if !name.is_empty() && names.len() < MOST && !names.contains(&name) {
        names.push(name);
    }
}

fn or(text: Str, other: impl FnOnce() -> Str) -> Str {
    if text.is_empty() { other() } else { text }
}
