//! The agents that half of all clusters run on every machine, installed as people install them,
//! are no alarm; the same templates in the hands of somebody who never installs agents are one.

use crate::support::{judge, log};
use serde_json::{Value, json};
use trailhound_model::finding::Severity;

fn mount(name: &str, read_only: bool) -> Value {
    json!({"name": name, "mountPath": format!("/host/{name}"), "readOnly": read_only})
}

fn volume(name: &str, path: &str) -> Value {
    json!({"name": name, "hostPath": {"path": path}})
}

fn node_exporter() -> Value {
    let context = json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    json!({
        "hostPID": true, "hostNetwork": true,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65534},
        "containers": [{"name": "m", "image": "exporter", "securityContext": context,
                        "volumeMounts": [mount("root", true), mount("sys", true)]}],
        "volumes": [volume("root", "/"), volume("sys", "/sys")],
    })
}

fn fluent_bit() -> Value {
    json!({
        "containers": [{"name": "m", "image": "fluent-bit", "volumeMounts": [mount("log", true)]}],
        "volumes": [volume("log", "/var/log")],
    })
}

/// A network plugin, a storage driver, a sensor: they do own the node.
fn privileged(paths: &[&str]) -> Value {
    let names: Vec<String> = (0..paths.len()).map(|index| format!("v{index}")).collect();
    let mounts: Vec<Value> = names.iter().map(|name| mount(name, false)).collect();
    let volumes: Vec<Value> =
        names.iter().zip(paths).map(|(name, path)| volume(name, path)).collect();
    json!({
        "hostNetwork": true,
        "containers": [{"name": "m", "image": "agent", "securityContext": {"privileged": true},
                        "volumeMounts": mounts}],
        "volumes": volumes,
    })
}

fn backup_agent() -> Value {
    json!({
        "containers": [{"name": "m", "image": "backup", "volumeMounts": [mount("pods", false)]}],
        "volumes": [volume("pods", "/var/lib/kubelet/pods")],
    })
}

/// Agents that have access to their node.
fn agents() -> Vec<(&'static str, Value)> {
    vec![
        ("node exporter", node_exporter()),
        ("network", privileged(&["/opt/cni/bin", "/etc/cni/net.d", "/sys/fs/bpf"])),
        ("storage", privileged(&["/var/lib/kubelet", "/dev"])),
        ("sensor", privileged(&["/proc", "/var/run/docker.sock", "/boot"])),
        ("backup", backup_agent()),
    ]
}

fn pod_token(namespace: &str, pod: &str) -> Value {
    let account = format!("system:serviceaccount:{namespace}:{pod}");
    json!({
        "username": account,
        "groups": ["system:serviceaccounts", "system:authenticated"],
        "extra": {
            "authentication.kubernetes.io/credential-id": ["JTI=token-of-the-pod"],
            "authentication.kubernetes.io/pod-name": [format!("{pod}-0")],
            "authentication.kubernetes.io/pod-uid": ["u1"],
            "authentication.kubernetes.io/node-name": ["n1"],
            "authentication.kubernetes.io/node-uid": ["u2"],
        },
    })
}

fn person(name: &str, group: &str) -> Value {
    json!({"username": name, "groups": [group, "system:authenticated"]})
}

const BY_GROUP: &str =
    r#"RBAC: allowed by ClusterRoleBinding "ops" of ClusterRole "cluster-admin" to Group "ops""#;

/// User, agent and why it was allowed.
type Hand = (Value, &'static str, &'static str);

fn installers() -> Vec<Hand> {
    vec![
        (
            pod_token("argocd", "argocd-application-controller"),
            "argocd-application-controller/v3",
            "",
        ),
        (pod_token("flux-system", "kustomize-controller"), "kustomize-controller/v1.5.0", ""),
        (person("kubernetes-admin", "system:masters"), "kubectl/v1.33.1", ""),
        (person("grace@example.com", "ops"), "Helm/v3.17.0", BY_GROUP),
        (person("grace@example.com", "ops"), "kubectl/v1.33.1", BY_GROUP),
    ]
}

fn intruders() -> Vec<Hand> {
    let developer =
        r#"RBAC: allowed by RoleBinding "dev/mon" of ClusterRole "edit" to Group "dev""#;
    vec![
        (person("alice@example.com", "dev"), "kubectl/v1.33.1", developer),
        (pod_token("shop", "cart"), "curl/8.5.0", ""),
        (pod_token("shop", "cart"), "Go-http-client/2.0", ""),
        (json!({"username": "system:serviceaccount:ci:deployer"}), "kubectl/v1.33.1", ""),
    ]
}

/// The gravest incident that follows from installing the agent.
fn gravest((user, agent, reason): &Hand, template: &Value) -> Severity {
    let object = json!({"kind": "DaemonSet", "metadata": {"name": "agent", "namespace": "mon"},
                        "spec": {"template": {"spec": template}}});
    let event = json!({
        "user": user, "level": "Request", "verb": "create",
        "requestURI": "/apis/apps/v1/namespaces/mon/daemonsets",
        "objectRef": {"resource": "daemonsets", "namespace": "mon", "name": "agent",
                      "apiGroup": "apps", "apiVersion": "v1"},
        "sourceIPs": ["10.244.1.7"], "userAgent": agent, "responseStatus": {"code": 201},
        "annotations": {"authorization.k8s.io/reason": reason}, "requestObject": object,
    });
    let outcome = judge(&log(&[event]));
    outcome.incidents.iter().map(|one| one.severity).max().unwrap_or_default()
}

#[test]
fn common_agents_installed_as_people_install_them_are_no_alarm() {
    for hand in installers() {
        for (name, template) in agents() {
            let severity = gravest(&hand, &template);
            assert!(severity <= Severity::Medium, "{name} by {}: {severity:?}", hand.1);
        }
        for (name, template) in [("exporter", node_exporter()), ("logs", fluent_bit())] {
            let severity = gravest(&hand, &template);
            assert!(severity <= Severity::Low, "{name} by {}: {severity:?}", hand.1);
        }
    }
}

#[test]
fn the_same_agents_in_other_hands_are_an_alarm() {
    for hand in intruders() {
        for (name, template) in agents() {
            let severity = gravest(&hand, &template);
            assert!(severity >= Severity::High, "{name} by {}: {severity:?}", hand.1);
        }
    }
}

#[test]
fn a_log_collector_is_no_alarm_in_any_hand() {
    for hand in intruders() {
        let severity = gravest(&hand, &fluent_bit());
        assert!(severity <= Severity::Medium, "{}: {severity:?}", hand.1);
    }
}
