//! The second half of what a real API server writes and readers get wrong: names, addresses, sizes,
//! transport, the cluster's own noise, and order. See `real_events` for the first.

use crate::{
    real_events::{READS_TOKEN, exec, of, only, request, rules_of, scanned, seen, with},
    support::{judge, log},
};
use serde_json::{Value, json};
use trailhound_model::{
    action::{ActionKind, Outcome as Result},
    finding::Severity,
    principal::PrincipalKind,
};

// 8

#[test]
fn a_created_object_is_named_by_its_body_even_if_the_server_made_the_name() {
    let pod = |metadata: Value, answered: Value| {
        with(
            request("bob", "create", "pods", "", 201),
            json!({"level": "RequestResponse", "requestObject": {"kind": "Pod", "metadata": metadata, "spec": {"hostPID": true, "containers": [{"name": "m", "securityContext": {"privileged": true}}]}}, "responseObject": {"kind": "Pod", "metadata": answered}}),
        )
    };
    for event in [
        pod(json!({"name": "shell-x"}), json!({"name": "shell-x", "namespace": "shop"})),
        pod(json!({"generateName": "shell-"}), json!({"name": "shell-x", "namespace": "shop"})),
    ] {
        assert_eq!(
            only(&judge(&log(&[event])), "workload-opens-the-node").target,
            "pod:shop/shell-x"
        );
    }
    let nameless = seen(&[request("bob", "create", "pods", "", 201)]).remove(0);
    assert_eq!(
        nameless.object_name(),
        "",
        "at Metadata level nobody knows, and nothing is made up"
    );
}

#[test]
fn a_path_traversal_with_an_odd_object_is_told_and_breaks_nothing() {
    let event = json!({
        "user": {"username": "frank"}, "verb": "get", "requestURI": "/api/v1/namespaces/default/..%2f..%2fsecrets", "sourceIPs": ["198.18.7.7"], "userAgent": "x/1",
        "objectRef": {"resource": "..", "namespace": "default", "name": "..", "subresource": "secrets", "apiVersion": "v1"}, "responseStatus": {"metadata": {}, "code": 404},
    });
    let scan = scanned(&[&log(&[event])]);
    assert_eq!((scan.input.events, scan.input.rejected), (1, 0));
    assert_eq!(of(&scan.findings, "path-traversal").len(), 1);
    let url = json!({"user": {"username": "frank"}, "verb": "get", "requestURI": "/version", "sourceIPs": ["10.0.0.9"], "responseStatus": {"metadata": {}, "code": 200}});
    assert_eq!(seen(&[url])[0].action.kind, ActionKind::Discovery);
}

// 9

#[test]
fn an_address_that_the_client_wrote_in_a_header_is_not_believed() {
    let event = with(
        request("bob", "get", "secrets", "kubeadm-certs", 200),
        json!({"sourceIPs": ["127.0.0.1", "10.0.0.1", "198.18.7.7"]}),
    );
    assert_eq!(only(&judge(&log(&[event])), "master-key-read").address, "198.18.7.7");
}

// 10

#[test]
fn a_line_of_megabytes_is_read_whole() {
    let items: Vec<Value> = (0..4_000)
        .map(|n| json!({"metadata": {"name": format!("web.{n}")}, "message": "x".repeat(600)}))
        .collect();
    let list = with(
        request("bob", "deletecollection", "events", "", 200),
        json!({"level": "RequestResponse", "responseObject": {"kind": "EventList", "items": items}}),
    );
    let text = log(&[list, request("bob", "get", "secrets", "kubeadm-certs", 200)]);
    assert!(text.len() > 2_500_000);
    let scan = scanned(&[&text]);
    assert_eq!((scan.input.events, scan.input.rejected), (2, 0));
    assert_eq!(of(&scan.findings, "traces-deleted").len(), 1);
    assert_eq!(of(&scan.findings, "master-key-read").len(), 1);
}

#[test]
fn what_the_server_cut_away_is_unknown_and_counted_although_the_level_promises_it() {
    let create = |annotations: Value| {
        with(
            request("bob", "create", "pods", "", 201),
            json!({"level": "RequestResponse", "annotations": annotations}),
        )
    };
    let scan = scanned(&[&log(&[create(json!({"audit.k8s.io/truncated": "true"}))])]);
    let state = &scan.completeness[0];
    assert_eq!(state.truncated, 1);
    assert!(state.undecided.contains_key("workload-opens-the-node"), "{:?}", state.undecided);
    assert_eq!(scanned(&[&log(&[create(json!({}))])]).completeness[0].truncated, 0);
}

// 11

/// A webhook's body: items have neither kind nor version of their own.
fn body(events: &[&str]) -> String {
    let items: Vec<Value> = events
        .iter()
        .map(|line| {
            let mut event: Value = serde_json::from_str(line).unwrap();
            let fields = event.as_object_mut().unwrap();
            fields.remove("kind");
            fields.remove("apiVersion");
            event
        })
        .collect();
    json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": items})
        .to_string()
}

#[test]
fn a_batch_that_the_server_sends_again_after_newer_ones_counts_once() {
    let events = log(&[
        exec("get", "ResponseStarted", READS_TOKEN),
        exec("get", "ResponseComplete", READS_TOKEN),
        json!({"$repeat": 20, "user": {"username": "ann"}, "verb": "get", "requestURI": "/version", "sourceIPs": ["10.0.0.9"], "responseStatus": {"metadata": {}, "code": 200}}),
    ]);
    let lines: Vec<&str> = events.lines().collect();
    let (first, second) = (body(&lines[..2]), body(&lines[2..]));
    let stream = [first.as_str(), &second, &first].join("\n");
    let scan = scanned(&[&stream]);
    assert_eq!((scan.input.events, scan.input.duplicates, scan.input.rejected), (22, 2, 0));
    let found = of(&scan.findings, "exec-reads-token");
    assert_eq!((found.len(), found[0].record_count), (1, 1));
    let late = scanned(&[&[second, first].join("\n")]);
    assert_eq!((late.input.events, late.completeness[0].late), (22, 2), "late, and not dropped");
    assert_eq!(of(&late.findings, "exec-reads-token").len(), 1);
}

// 12

#[test]
fn a_status_says_more_than_its_code_and_an_empty_one_says_nothing() {
    let answered = |status: Value| {
        with(
            request("bob", "create", "pods", "", 0),
            json!({"responseStatus": status, "annotations": {"authorization.k8s.io/decision": "allow"}}),
        )
    };
    let outcomes: Vec<Result> = seen(&[
        answered(json!({"metadata": {}, "status": "Failure", "reason": "AlreadyExists", "message": "exists", "code": 409})),
        answered(json!({"metadata": {}, "status": "Failure", "reason": "TooManyRequests", "details": {"retryAfterSeconds": 1}, "code": 429})),
        answered(json!({"metadata": {}, "code": 201})),
        answered(json!({"metadata": {}})),
    ])
    .iter()
    .map(|fact| fact.action.outcome)
    .collect();
    assert_eq!(outcomes, [Result::Conflict, Result::Failed, Result::Allowed, Result::Unknown]);
}

// 13

#[test]
fn annotations_with_json_in_them_and_letters_beyond_ascii_are_kept_and_a_guard_that_failed_is_told()
{
    let patch = json!({"configuration": "sidecar", "webhook": "inject.acme.io", "patch": [{"op": "add", "path": "/spec/containers/-", "value": {"name": "side", "env": [{"name": "A", "value": "\"b\""}]}}]}).to_string();
    let event = with(
        request("alice", "create", "pods", "", 201),
        json!({"annotations": {
            "apiserver.latency.k8s.io/total": "126.958µs", "patch.webhook.admission.k8s.io/round_0_index_0": patch, "sidecar.acme.io/injected": "true",
            "pod-security.kubernetes.io/enforce-policy": "privileged:latest", "failed-open.validating.webhook.admission.k8s.io/round_0_index_1": "guard.acme.io",
        }}),
    );
    let outcome = judge(&log(std::slice::from_ref(&event)));
    only(&outcome, "guard-failed-open");
    let fact = seen(&[event]).remove(0);
    assert_eq!(fact.event.annotation("apiserver.latency.k8s.io/total"), Some("126.958µs"));
    let kept = fact.event.annotation("patch.webhook.admission.k8s.io/round_0_index_0").unwrap();
    assert_eq!(serde_json::from_str::<Value>(kept).unwrap()["patch"][0]["value"]["name"], "side");
}

#[test]
fn a_refusal_by_admission_is_told_as_what_it_is() {
    let event = with(
        request("alice", "create", "pods", "", 403),
        json!({
            "annotations": {"authorization.k8s.io/decision": "allow", "pod-security.kubernetes.io/enforce-policy": "baseline:latest", "validation.policy.admission.k8s.io/validation_failure": "[{\"message\":\"no\"}]"},
            "responseStatus": {"metadata": {}, "status": "Failure", "reason": "Forbidden", "code": 403, "message": "pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostPID=true), privileged (container \"m\")"},
        }),
    );
    let outcome = judge(&log(&[event]));
    assert_eq!(only(&outcome, "dangerous-workload-refused").outcome, "rejected");
}

// 14

#[test]
fn the_servers_own_requests_and_its_controllers_are_the_control_plane_and_no_attack() {
    let by = |user: &str, groups: &[&str], ip: &str, agent: &str| {
        json!({
            "user": {"username": user, "groups": groups}, "level": "RequestResponse", "verb": "create", "sourceIPs": [ip], "userAgent": agent,
            "requestURI": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "responseStatus": {"metadata": {}, "code": 201},
            "objectRef": {"resource": "clusterrolebindings", "apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1"},
            "requestObject": {"kind": "ClusterRoleBinding", "metadata": {"name": "cluster-admin"}, "subjects": [{"kind": "Group", "name": "system:masters"}], "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}},
        })
    };
    let server = by(
        "system:apiserver",
        &["system:authenticated", "system:masters"],
        "127.0.0.1",
        "kube-apiserver/v1.36.2",
    );
    let controller = with(
        request(
            "system:serviceaccount:kube-system:replicaset-controller",
            "create",
            "pods",
            "",
            201,
        ),
        json!({"sourceIPs": ["10.0.1.10"], "userAgent": "kube-controller-manager/v1.36.2"}),
    );
    let kinds: Vec<PrincipalKind> = seen(&[server.clone(), controller.clone()])
        .iter()
        .map(|fact| fact.principal.effective.kind)
        .collect();
    assert_eq!(kinds, [PrincipalKind::ControlPlane; 2]);
    assert_eq!(rules_of(&judge(&log(&[server, controller]))), Vec::<&str>::new());
    let person = by("bob", &["system:authenticated"], "10.0.0.9", "kubectl/v1.36.2");
    only(&judge(&log(&[person])), "cluster-admin-granted");
}

// 15

#[test]
fn a_watch_that_ends_minutes_later_is_in_its_place_and_files_named_by_their_end_are_in_order() {
    let watch = |stage: &str, time: &str| {
        with(
            request("bob", "watch", "secrets", "", 200),
            json!({"auditID": "w1", "stage": stage, "requestReceivedTimestamp": "2026-09-21T13:00:00.000000Z", "stageTimestamp": time}),
        )
    };
    let between = with(
        request("ann", "get", "configmaps", "a", 200),
        json!({"requestReceivedTimestamp": "2026-09-21T13:05:00.000000Z", "stageTimestamp": "2026-09-21T13:05:00.010000Z"}),
    );
    let early = log(&[watch("ResponseStarted", "2026-09-21T13:00:00.001000Z")]);
    let late = log(&[between, watch("ResponseComplete", "2026-09-21T13:09:58.000000Z")]);
    // The older file has the name that sorts last.
    let scan = scanned(&[&late, &early]);
    let state = &scan.completeness[0];
    assert_eq!((scan.input.events, state.late, state.clock_backwards), (3, 0, 0));
    assert!(scan.findings.iter().all(|one| one.record_count == 1), "one request, not two");
    assert_eq!(scan.input.first.unwrap().to_string(), "2026-09-21T13:00:00.001000Z");
}

// 16

#[test]
fn discovery_refused_with_an_impersonation_is_told_as_that_and_plain_discovery_not_at_all() {
    let discovery = |path: &str, code: u16| {
        json!({
            "user": {"username": "carol"}, "verb": "get", "requestURI": path, "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1.36.2",
            "responseStatus": {"metadata": {}, "code": code, "message": if code == 403 { format!("forbidden: User \"carol\" cannot impersonate-on:user-info:get path \"{path}\"") } else { String::new() }},
        })
    };
    let plain = judge(&log(&[discovery("/api", 200), discovery("/apis", 200)]));
    assert_eq!(rules_of(&plain), Vec::<&str>::new());
    assert_eq!(seen(&[discovery("/apis", 200)])[0].action.kind, ActionKind::Discovery);
    let refused = judge(&log(&[discovery("/api", 403), discovery("/apis", 403)]));
    assert_eq!(rules_of(&refused), ["impersonation-refused"], "one attempt is one finding");
    assert_eq!(refused.findings[0].record_count, 2);
    assert!(refused.findings.iter().all(|one| one.severity <= Severity::Low));
}

// 17

#[test]
fn kubelets_that_are_refused_tokens_for_new_pods_and_try_again_are_no_probing() {
    let token = |user: &str, agent: &str| {
        json!({
            "$each": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], "user": {"username": user, "groups": ["system:nodes", "system:authenticated"]}, "verb": "create",
            "requestURI": "/api/v1/namespaces/shop/$/x/token", "sourceIPs": ["10.0.1.11"], "userAgent": agent, "objectRef": {"resource": "$", "subresource": "token", "namespace": "shop", "name": "x", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "status": "Failure", "reason": "Forbidden", "message": "no relationship found between node 'n1' and this object", "code": 403},
        })
    };
    let kubelet = judge(&log(&[token("system:node:n1", "kubelet/v1.36.2")]));
    assert_eq!(rules_of(&kubelet), Vec::<&str>::new());
    let person = judge(&log(&[token("mallory", "kubectl/v1.36.2")]));
    only(&person, "permission-probing");
}
