//! What ordinary people and programs do every day, and how loud it may become at most. Rule files
//! prove whether a rule fires; here is asked what an analyst would see of it.

use crate::support::{judge, log};
use serde_json::{Value, json};
use trailhound_model::finding::Severity;

const ADMINS: &[&str] = &["system:masters", "system:authenticated"];

/// A request; `object` is `group/resource[/subresource]`, then namespace and name.
fn event(user: &str, agent: &str, verb: &str, object: &str, place: (&str, &str)) -> Value {
    let parts: Vec<&str> = object.split('/').collect();
    let (group, resource) = (parts[0], parts[1]);
    let (namespace, name) = place;
    let mut uri = if group.is_empty() { "/api/v1".into() } else { format!("/apis/{group}/v1") };
    for (prefix, part) in [("/namespaces", namespace), ("", resource)] {
        if !part.is_empty() {
            uri = format!("{uri}{prefix}/{part}");
        }
    }
    let subresource = parts.get(2).copied().unwrap_or_default();
    for part in [if verb == "create" { "" } else { name }, subresource] {
        if !part.is_empty() {
            uri = format!("{uri}/{part}");
        }
    }
    json!({"user": {"username": user, "groups": ["system:authenticated"]}, "verb": verb,
        "requestURI": uri, "sourceIPs": ["10.0.0.9"], "userAgent": agent,
        "objectRef": {"apiGroup": group, "apiVersion": "v1", "resource": resource,
            "subresource": subresource, "namespace": namespace, "name": name},
        "responseStatus": {"code": if verb == "create" { 201 } else { 200 }}})
}

fn with(mut event: Value, key: &str, value: Value) -> Value {
    if key == "requestObject" {
        event["level"] = json!("Request");
    }
    event[key] = value;
    event
}

fn as_admin(mut event: Value) -> Value {
    event["user"]["groups"] = json!(ADMINS);
    event
}

fn refused(event: Value, message: &str) -> Value {
    let status = json!({"code": 403, "reason": "Forbidden", "message": message});
    with(event, "responseStatus", status)
}

/// The gravest finding of a log.
fn gravest(events: &[Value]) -> (Severity, String) {
    let outcome = judge(&log(events));
    let worst = outcome.findings.iter().max_by_key(|finding| finding.severity);
    worst.map_or((Severity::Info, String::new()), |one| (one.severity, one.rule.id.clone()))
}

fn at_most(severity: Severity, what: &str, events: &[Value]) {
    let (found, rule) = gravest(events);
    assert!(found <= severity, "{what}: {rule} is {found:?}");
}

fn at_least(severity: Severity, what: &str, events: &[Value]) {
    let (found, rule) = gravest(events);
    assert!(found >= severity, "{what}: {rule} is {found:?}");
}

#[test]
fn a_graphical_tool_of_a_developer_with_few_rights_is_no_probing() {
    let kinds = ["namespaces", "nodes", "pods", "services", "events", "secrets", "configmaps"];
    let more = ["endpoints", "persistentvolumes", "serviceaccounts", "resourcequotas"];
    let ask = |agent: &str| -> Vec<Value> {
        let all = kinds.iter().chain(&more);
        all.map(|kind| refused(event("dev", agent, "list", &format!("/{kind}"), ("", "")), "no"))
            .collect()
    };
    at_most(Severity::Low, "k9s starts", &ask("k9s/v0.32.5"));
    at_least(Severity::Medium, "the same with curl", &ask("curl/8.5.0"));
}

#[test]
fn an_application_with_a_load_balancer_is_applied_every_day() {
    let service = |namespace: &str, kind: &str| {
        let service = event("dev", "kubectl/v1.33.1", "create", "/services", (namespace, ""));
        with(
            service,
            "requestObject",
            json!({"kind": "Service", "metadata": {"name": "web"},
            "spec": {"type": kind, "ports": [{"port": 443}]}}),
        )
    };
    at_most(Severity::Low, "load balancer", &[service("shop", "LoadBalancer")]);
    let console = service("kubernetes-dashboard", "LoadBalancer");
    at_least(Severity::Medium, "load balancer of a console", &[console]);
}

#[test]
fn deployment_tools_write_wide_roles_again_and_again() {
    let argo = "system:serviceaccount:argocd:argocd-application-controller";
    let agent = "argocd-application-controller/v2.11";
    let mut events: Vec<Value> =
        (0..25).map(|_| event(argo, agent, "get", "apps/deployments", ("shop", "web"))).collect();
    let role = json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    let patch = |agent| {
        let role_of = ("", "operator");
        let patch = event(argo, agent, "patch", "rbac.authorization.k8s.io/clusterroles", role_of);
        with(patch, "requestObject", role.clone())
    };
    events.push(patch(agent));
    at_most(Severity::Low, "Argo CD patches a role", &events);
    events.push(patch("curl/8.5.0"));
    at_least(Severity::High, "its account by hand", &events);
}

#[test]
fn an_administrator_lets_a_machine_in() {
    let approve = |name| {
        let object = "certificates.k8s.io/certificatesigningrequests/approval";
        as_admin(event("kubernetes-admin", "kubectl/v1.33.1", "update", object, ("", name)))
    };
    at_most(Severity::Low, "a request of a kubelet", &[approve("csr-7xk2p")]);
    at_least(Severity::Medium, "a request of somebody", &[approve("eve-login")]);
}

#[test]
fn kubeadm_sets_up_name_service_and_administrators() {
    let config = event(
        "kubernetes-admin",
        "kubeadm/v1.33.1",
        "update",
        "/configmaps",
        ("kube-system", "coredns"),
    );
    at_most(Severity::Low, "kubeadm upgrades coredns", &[as_admin(config.clone())]);
    let by_hand = with(config, "userAgent", json!("kubectl/v1.33.1"));
    at_least(Severity::Medium, "somebody edits it", &[by_hand]);
    let object = "rbac.authorization.k8s.io/clusterrolebindings";
    let binding = event(
        "kubernetes-admin",
        "kubeadm/v1.33.1",
        "create",
        object,
        ("", "kubeadm:cluster-admins"),
    );
    let mut binding = with(
        binding,
        "requestObject",
        json!({"kind": "ClusterRoleBinding",
        "metadata": {"name": "kubeadm:cluster-admins"},
        "subjects": [{"kind": "Group", "name": "kubeadm:cluster-admins"}],
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}),
    );
    at_least(Severity::Critical, "by a stranger", std::slice::from_ref(&binding));
    binding["user"]["groups"] = json!(["kubeadm:cluster-admins", "system:authenticated"]);
    at_most(Severity::Low, "by a member", &[binding]);
}

#[test]
fn components_of_clouds_that_work_with_kubectl_are_no_intruders() {
    for user in ["system:addon-manager", "eks:cluster-bootstrap"] {
        let patch =
            event(user, "kubectl/v1.33.1", "patch", "apps/deployments", ("kube-system", "dns"));
        at_most(Severity::Low, user, &[patch]);
    }
    let list = event("eks:node-manager", "curl/8.5.0", "list", "/secrets", ("kube-system", ""));
    at_least(Severity::High, "another name of theirs in curl", &[list]);
}

#[test]
fn one_refused_impersonation_is_one_finding() {
    let message = "users \"root\" is forbidden: User \"dev\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope";
    let ask = |path: &str| {
        json!({"user": {"username": "dev"}, "verb": "get", "requestURI": path,
            "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1.33.1",
            "responseStatus": {"code": 403, "reason": "Forbidden", "message": message}})
    };
    let outcome = judge(&log(&[ask("/api"), ask("/apis")]));
    let refused = outcome.findings.iter().filter(|one| one.rule.id == "impersonation-refused");
    assert_eq!(refused.count(), 1);
}

#[test]
fn foreign_secrets_are_missed_with_no_program() {
    let account = "system:serviceaccount:shop:cart";
    let read =
        |agent: &str, namespace: &str| event(account, agent, "list", "/secrets", (namespace, ""));
    for agent in ["Go-http-client/2.0", "axios/1.7", "okhttp/4.12", ""] {
        at_least(Severity::Medium, agent, &[read(agent, "")]);
    }
    let work = event(account, "cart/v1.2", "list", "/pods", ("shop", ""));
    let mut events = vec![work; 25];
    events.push(read("billing/v9", "data"));
    at_least(Severity::High, "a program that the account never used", &events);
    let manager = "cert-manager-cainjector/v1.15 (linux/amd64) cert-manager/abc";
    at_most(Severity::Low, "a certificate manager starts", &[read(manager, "")]);
}

#[test]
fn a_label_of_helm_hides_no_list_by_hand() {
    let list = |agent| {
        let list = event("dev", agent, "list", "/secrets", ("", ""));
        with(list, "requestURI", json!("/api/v1/secrets?labelSelector=owner%3Dhelm"))
    };
    at_least(Severity::Medium, "kubectl with the label", &[list("kubectl/v1.33.1")]);
    at_most(Severity::Low, "helm list -A", &[list("Helm/3.15.2")]);
}

#[test]
fn activity_is_listed_but_makes_no_incident() {
    let read = event("dev", "kubectl/v1.33.1", "get", "/secrets", ("shop", "db"));
    let outcome = judge(&log(&[read]));
    assert!(outcome.findings.iter().any(|one| one.rule.id == "secrets-handled-by-people"));
    assert!(outcome.incidents.is_empty());
}
