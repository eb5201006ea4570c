//! The same requests through different providers lead to the same findings, as far as the provider
//! tells what the rules ask.

use crate::support::{judge, log};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn attack() -> String {
    log(&[
        json!({"user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]}, "verb": "list", "requestURI": "/api/v1/secrets", "objectRef": {"resource": "secrets", "apiVersion": "v1"}, "sourceIPs": ["198.18.7.7"], "userAgent": "zgrab/0.x", "responseStatus": {"code": 200}}),
        json!({"user": {"username": "mallory", "groups": ["system:authenticated"]}, "level": "RequestResponse", "verb": "create", "requestURI": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "objectRef": {"resource": "clusterrolebindings", "name": "helper", "apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1"}, "sourceIPs": ["198.18.7.8"], "userAgent": "kubectl/v1.33.1", "responseStatus": {"code": 201}, "requestObject": {"kind": "ClusterRoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "helper"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "mallory"}]}}),
    ])
}

/// Rule and auditID of every finding.
fn found(log: &str) -> BTreeSet<(String, String)> {
    let findings = judge(log).findings;
    findings
        .iter()
        .flat_map(|finding| {
            finding.records.iter().map(|r| (finding.rule.id.clone(), r.audit_id.to_string()))
        })
        .collect()
}

fn wrapped(wrap: impl Fn(&str) -> Value) -> String {
    attack().lines().map(|line| wrap(line).to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn wrapping_changes_no_finding() {
    let plain = found(&attack());
    let rules: BTreeSet<&str> = plain.iter().map(|(rule, _)| rule.as_str()).collect();
    assert!(rules.contains("anonymous-success") && rules.contains("cluster-admin-granted"));
    let resource =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c";
    let wrappings = [
        wrapped(|line| json!({"log": line, "stream": "stdout"})),
        wrapped(
            |line| json!({"records": [{"category": "kube-audit", "resourceId": resource, "properties": {"log": line}}]}),
        ),
        wrapped(
            |line| json!({"messageType": "DATA_MESSAGE", "logGroup": "/aws/eks/c/cluster", "logStream": "kube-apiserver-audit-1", "logEvents": [{"id": "1", "timestamp": 1, "message": line}]}),
        ),
        wrapped(
            |line| json!({"@timestamp": "2026-11-23T11:17:13Z", "kubernetes": {"audit": serde_json::from_str::<Value>(line).unwrap()}}),
        ),
    ];
    for wrapping in wrappings {
        assert_eq!(found(&wrapping), plain, "{wrapping}");
    }
}

fn gke(id: &str, who: &str, method: &str, name: &str, more: &Value) -> String {
    let mut payload = json!({"serviceName": "k8s.io", "methodName": method, "resourceName": name, "authenticationInfo": {"principalEmail": who}, "requestMetadata": {"callerIp": "198.18.7.7", "callerSuppliedUserAgent": "kubectl/v1.33.1"}, "status": {}});
    for (key, value) in more.as_object().unwrap() {
        payload[key] = value.clone();
    }
    json!({"insertId": id, "timestamp": "2026-11-23T11:17:13Z", "resource": {"type": "k8s_cluster", "labels": {"cluster_name": "main"}}, "protoPayload": payload}).to_string()
}

#[test]
fn gke_leads_to_the_same_findings_where_it_tells_enough_and_a_refusal_to_none() {
    let secrets = |status: Value| {
        gke(
            "1",
            "system:anonymous",
            "io.k8s.core.v1.secrets.list",
            "core/v1/secrets",
            &json!({"status": status}),
        )
    };
    let rules =
        |log: &str| -> BTreeSet<String> { found(log).into_iter().map(|(rule, _)| rule).collect() };
    assert!(rules(&secrets(json!({}))).contains("anonymous-success"));
    assert!(rules(&secrets(json!({"code": 7}))).is_empty());
    assert!(rules(&secrets(Value::Null)).is_empty(), "no status is no success");
    let grant = json!({"request": {"@type": "rbac.authorization.k8s.io/v1.ClusterRoleBinding", "kind": "ClusterRoleBinding", "metadata": {"name": "helper"}, "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "mallory"}]}});
    let bind = gke(
        "2",
        "mallory@example.com",
        "io.k8s.authorization.rbac.v1.clusterrolebindings.create",
        "rbac.authorization.k8s.io/v1/clusterrolebindings/helper",
        &grant,
    );
    assert!(rules(&bind).contains("cluster-admin-granted"));
}

#[test]
fn a_login_through_openshifts_oauth_server_is_no_anonymous_success() {
    let login = json!({"user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]}, "verb": "get", "requestURI": "/oauth/authorize?client_id=openshift-challenging-client", "sourceIPs": ["198.18.7.7"], "userAgent": "Mozilla/5.0", "responseStatus": {"code": 302}, "annotations": {"authentication.openshift.io/username": "alice", "authentication.openshift.io/decision": "allow"}});
    assert!(found(&log(&[login])).is_empty());
}
