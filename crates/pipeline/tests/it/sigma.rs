//! Sigma through the whole pipeline: every modifier, every correlation type, filters, and the rules
//! of the collection that everybody uses, each on an event that it means and one that it does not.

use crate::support::{judge_with, log};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, sync::Arc};
use trailhound_model::finding::{Finding, FindingKind};
use trailhound_rules::{RuleSet, Sources};

fn load(files: &[(&str, &str)]) -> Arc<RuleSet> {
    let loaded = RuleSet::load_all(&Sources { sigma: files, ..Sources::default() });
    Arc::new(loaded.unwrap_or_else(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    }))
}

fn detection(selection: &str) -> String {
    let indented = selection.replace('\n', "\n    ");
    format!(
        "title: T\nlogsource: {{product: kubernetes, service: audit}}\ndetection:\n  s:\n    {indented}\n  condition: s\n"
    )
}

fn fires(rules: &Arc<RuleSet>, events: &[Value]) -> Vec<String> {
    found(rules, events).into_iter().map(|one| one.rule.id).collect()
}

/// What rules found, without what is found about the records themselves.
fn found(rules: &Arc<RuleSet>, events: &[Value]) -> Vec<Finding> {
    let mut findings = judge_with(rules, &log(events)).findings;
    findings.retain(|one| one.kind != FindingKind::Integrity);
    findings
}

/// A request for a secret by alice, changed.
fn event(changes: Value) -> Value {
    let mut event = json!({
        "level": "RequestResponse",
        "user": {"username": "Alice", "groups": ["dev", "system:authenticated"]},
        "verb": "get",
        "requestURI": "/api/v1/namespaces/shop/secrets/Key-1",
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "Key-1", "apiVersion": "v1"},
        "sourceIPs": ["10.0.0.9"],
        "userAgent": "kubectl/v1.33 (linux)",
        "responseStatus": {"code": 200},
    });
    merge(&mut event, changes);
    event
}

fn merge(event: &mut Value, changes: Value) {
    match (event, changes) {
        (Value::Object(event), Value::Object(changes)) => {
            for (key, value) in changes {
                merge(event.entry(key).or_insert(Value::Null), value);
            }
        }
        (event, changes) => *event = changes,
    }
}

#[test]
fn values_and_modifiers_match_what_the_specification_says() {
    let pod = json!({"verb": "create", "objectRef": {"resource": "pods", "name": "p"},
        "requestObject": {"kind": "Pod", "metadata": {"labels": {"app.kubernetes.io/name": "Cart"}},
            "spec": {"replicas": 3, "hostNetwork": true, "containers": [
                {"image": "a", "args": ["-c", "Y3VybCBodHRwOi8vZXZpbA=="]}, {"image": "b:2"}]}}});
    let cases: &[(&str, Value, bool)] = &[
        ("user.username: alice", json!({}), true),
        ("user.username|cased: alice", json!({}), false),
        ("user.username|cased: Alice", json!({}), true),
        ("user.username: al*e", json!({}), true),
        ("user.username: al?ce", json!({}), true),
        ("user.username: al?e", json!({}), false),
        (r"user.username: al\*e", json!({}), false),
        (r"user.username: al\*e", json!({"user": {"username": "AL*E"}}), true),
        ("user.username: [bob, alice]", json!({}), true),
        ("user.username|neq: [bob, alice]", json!({}), false),
        ("user.username|neq: bob", json!({}), true),
        ("user.groups: DEV", json!({}), true),
        ("user.groups|all: [dev, system:authenticated]", json!({}), true),
        ("user.groups|all: [dev, ops]", json!({}), false),
        ("requestURI|contains: /SECRETS/", json!({}), true),
        ("requestURI|contains|all: [/secrets/, /pods/]", json!({}), false),
        ("requestURI|contains|cased: /SECRETS/", json!({}), false),
        ("requestURI|startswith: /API/v1", json!({}), true),
        ("requestURI|startswith: /apis", json!({}), false),
        ("requestURI|endswith: KEY-1", json!({}), true),
        ("requestURI|endswith: key", json!({}), false),
        ("requestURI: '/api/*/secrets/*'", json!({}), true),
        ("userAgent|re: '^kubectl/v1\\.\\d+ '", json!({}), true),
        ("userAgent|re: '^KUBECTL'", json!({}), false),
        ("userAgent|re|i: '^KUBECTL'", json!({}), true),
        ("userAgent|re|i|m|s: '^KUBECTL.*LINUX'", json!({}), true),
        ("responseStatus.code: 200", json!({}), true),
        ("responseStatus.code: '200'", json!({}), true),
        ("responseStatus.code: ALLOW", json!({}), true),
        ("responseStatus.code: [401, 403]", json!({}), false),
        ("responseStatus.code|gte: 200\nresponseStatus.code|lt: 300", json!({}), true),
        ("responseStatus.code|gt: 200", json!({}), false),
        ("responseStatus.code|lte: 199", json!({}), false),
        ("sourceIPs|cidr: [192.168.0.0/16, 10.0.0.0/8]", json!({}), true),
        ("sourceIPs|cidr: 'fd00::/8'", json!({}), false),
        ("impersonatedUser.username|exists: false", json!({}), true),
        ("impersonatedUser.username|exists: true", json!({}), false),
        ("impersonatedUser.username: null", json!({}), true),
        ("impersonatedUser.username: ''", json!({}), true),
        ("user.username: null", json!({}), false),
        ("annotations.note: null", json!({"annotations": {"note": ""}}), true),
        ("annotations.note: ''", json!({"annotations": {"note": ""}}), true),
        ("user.username: '*'", json!({}), true),
        ("objectRef.namespace|fieldref: objectRef.name", json!({}), false),
        (
            "objectRef.namespace|fieldref: objectRef.name",
            json!({"objectRef": {"name": "SHOP"}}),
            true,
        ),
        (
            "objectRef.namespace|cased|fieldref: objectRef.name",
            json!({"objectRef": {"name": "SHOP"}}),
            false,
        ),
        ("objectRef.namespace|fieldref|neq: objectRef.name", json!({}), true),
        ("requestURI|fieldref|contains: objectRef.namespace", json!({}), true),
        (
            "requestReceivedTimestamp|hour: 23",
            json!({"requestReceivedTimestamp": "2026-11-23T23:10:00Z"}),
            true,
        ),
        (
            "requestReceivedTimestamp|hour|gte: 20",
            json!({"requestReceivedTimestamp": "2026-11-23T19:10:00Z"}),
            false,
        ),
        (
            "requestReceivedTimestamp|minute: 10\nrequestReceivedTimestamp|day: 23\nrequestReceivedTimestamp|week: 48\nrequestReceivedTimestamp|month: 11\nrequestReceivedTimestamp|year: 2026",
            json!({"requestReceivedTimestamp": "2026-11-23T19:10:00Z"}),
            true,
        ),
        ("userAgent|windash|contains: ' -x'", json!({"userAgent": "tool /x"}), true),
        ("userAgent|windash|contains: ' -x'", json!({"userAgent": "tool +x"}), false),
        ("verb: replace", json!({"verb": "update"}), true),
        ("requestObject.spec.containers.image: B:2", pod.clone(), true),
        ("requestObject.spec.containers[0].image: b:2", pod.clone(), false),
        ("requestObject.spec.containers[1].image: b:2", pod.clone(), true),
        ("requestObject.spec.hostNetwork: true", pod.clone(), true),
        ("requestObject.spec.replicas|gte: 3", pod.clone(), true),
        ("requestObject.metadata.labels.app.kubernetes.io/name: cart", pod.clone(), true),
        (
            "requestObject.spec.containers.args|base64offset|contains: http://evil",
            pod.clone(),
            true,
        ),
        ("requestObject.spec.containers.args|base64: 'curl http://evil'", pod.clone(), true),
        ("annotations.authorization.k8s.io/decision: allow", json!({}), true),
        ("kubernetes.audit.verb: get", json!({}), true),
        ("- verb: list\n- verb: get\n  objectRef.resource: secrets", json!({}), true),
        ("- verb: list\n- verb: get\n  objectRef.resource: pods", json!({}), false),
        ("- key-1\n- other", json!({}), true),
        ("- other", json!({}), false),
        ("'|all': [key-1, KUBECTL]", json!({}), true),
        ("'|all': [key-1, curl]", json!({}), false),
        ("- http://other\n- Y3VybCB", pod.clone(), true),
    ];
    let mut wrong = Vec::new();
    for (selection, changes, expected) in cases {
        let text = detection(selection);
        let rules = load(&[("t.yml", &text)]);
        if fires(&rules, &[event(changes.clone())]).is_empty() == *expected {
            wrong.push(format!("{selection} on {changes}: not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn encoded_text_is_found_in_what_is_encoded() {
    for (modifiers, encoded) in [
        ("utf16le|base64", "YwBtAGQA"),
        ("wide|base64", "YwBtAGQA"),
        ("utf16be|base64", "AGMAbQBk"),
        ("utf16|base64", "//5jAG0AZAA="),
        ("base64", "Y21k"),
    ] {
        let text = detection(&format!("userAgent|{modifiers}|contains: cmd"));
        let rules = load(&[("t.yml", &text)]);
        let found = fires(&rules, &[event(json!({"userAgent": format!("x {encoded}")}))]);
        assert_eq!(found.len(), 1, "{modifiers}");
    }
}

#[test]
fn placeholders_take_the_values_of_the_site() {
    let rule = detection("user.username|expand: '%Administrators%'");
    let values = "placeholders:\n  administrators: [root, adm_*]\n";
    let rules = load(&[("values.yml", values), ("t.yml", &rule)]);
    assert_eq!(fires(&rules, &[event(json!({"user": {"username": "adm_bob"}}))]).len(), 1);
    assert_eq!(fires(&rules, &[event(json!({}))]).len(), 0);
}

#[test]
fn conditions_join_selections() {
    let with = |condition: &str| {
        format!(
            "title: T\nlogsource: {{product: kubernetes, service: audit}}\ndetection:\n  sel_a: {{verb: get}}\n  sel_b: {{verb: list}}\n  other: {{user.username: alice}}\n  _hidden: {{user.username: nobody}}\n  condition: {condition}\n"
        )
    };
    for (condition, expected) in [
        ("sel_a and other", true),
        ("sel_a and not other", false),
        ("1 of sel_*", true),
        ("all of sel_*", false),
        ("any of them", true),
        ("all of them", false),
        ("not 1 of sel_b*", true),
        ("sel_b or (sel_a and other)", true),
        ("[sel_b, other]", true),
    ] {
        let text = with(condition);
        let found = fires(&load(&[("t.yml", &text)]), &[event(json!({}))]);
        assert_eq!(!found.is_empty(), expected, "{condition}");
    }
}

#[test]
fn running_a_command_is_create_and_get_but_creating_a_pod_is_only_create() {
    let exec = detection("verb: create\nobjectRef.resource: pods\nobjectRef.subresource: exec");
    let pods = detection("verb: create\nobjectRef.resource: pods");
    let websocket = event(json!({"verb": "get", "stage": "ResponseStarted",
        "objectRef": {"resource": "pods", "subresource": "exec"}, "responseStatus": {"code": 101}}));
    let spdy =
        event(json!({"verb": "create", "objectRef": {"resource": "pods", "subresource": "exec"}}));
    let read = event(json!({"objectRef": {"resource": "pods"}}));
    for (rule, event, expected) in
        [(&exec, &websocket, 1), (&exec, &spdy, 1), (&exec, &read, 0), (&pods, &websocket, 0)]
    {
        let rules = load(&[("t.yml", rule)]);
        assert_eq!(fires(&rules, std::slice::from_ref(event)).len(), expected);
    }
}

#[test]
fn one_request_is_one_match_though_it_has_several_records() {
    let rules = load(&[("t.yml", &detection("objectRef.subresource: exec"))]);
    let stages = [
        ("RequestReceived", None),
        ("ResponseStarted", Some(101)),
        ("ResponseComplete", Some(101)),
    ];
    let events = stages.map(|(stage, code)| {
        let mut one = event(json!({"auditID": "one", "stage": stage,
            "requestReceivedTimestamp": "2026-11-23T11:00:00Z", "objectRef": {"resource": "pods", "subresource": "exec"}}));
        one["responseStatus"] = code.map_or(Value::Null, |code| json!({"code": code}));
        one
    });
    let findings = found(&rules, &events);
    assert_eq!((findings.len(), findings[0].record_count), (1, 1));
}

const PARTS: &str = "
title: Grant
name: grant
logsource: {product: kubernetes, service: audit}
detection:
  s: {objectRef.resource: rolebindings, verb: create}
  condition: s
---
title: Pod
name: pod
logsource: {product: kubernetes, service: audit}
detection:
  s: {objectRef.resource: pods, verb: create}
  condition: s
---
title: Denied
name: denied
logsource: {product: kubernetes, service: audit}
detection:
  s: {responseStatus.code: 403}
  condition: s
---
";

fn correlated(correlation: &str) -> Arc<RuleSet> {
    load(&[("t.yml", &format!("{PARTS}{correlation}"))])
}

fn grant(user: &str) -> Value {
    event(
        json!({"verb": "create", "user": {"username": user}, "objectRef": {"resource": "rolebindings", "apiGroup": "rbac.authorization.k8s.io", "name": "b"}}),
    )
}

fn pod(user: &str) -> Value {
    event(
        json!({"verb": "create", "user": {"username": user}, "objectRef": {"resource": "pods", "name": "p"}, "requestObject": {"spec": {"replicas": 7}}}),
    )
}

fn denied(user: &str, name: &str) -> Value {
    event(
        json!({"user": {"username": user}, "objectRef": {"name": name}, "responseStatus": {"code": 403}}),
    )
}

#[test]
fn parts_tell_nothing_by_themselves_unless_asked_to() {
    let correlation = "title: Both\ncorrelation:\n  type: temporal\n  rules: [grant, pod]\n  group-by: [user.username]\n  timespan: 5m\n";
    let events = [pod("eve"), grant("bob"), grant("eve")];
    assert_eq!(fires(&correlated(correlation), &events), ["sigma:both"]);
    let generating = format!("{correlation}generate: true\n");
    let mut all = fires(&correlated(&generating), &events);
    all.sort();
    assert_eq!(all, ["sigma:both", "sigma:grant", "sigma:grant", "sigma:pod"]);
}

#[test]
fn an_ordered_sequence_is_told_step_by_step_with_all_records() {
    let rules = correlated(
        "title: Ordered\nlevel: medium\ncorrelation:\n  type: temporal_ordered\n  rules: [grant, pod]\n  group-by: [user.username]\n  timespan: 5m\n",
    );
    assert!(fires(&rules, &[pod("eve"), grant("eve")]).is_empty());
    assert!(fires(&rules, &[grant("eve"), pod("bob")]).is_empty());
    let findings = found(&rules, &[grant("eve"), pod("eve")]);
    let [finding] = findings.as_slice() else { panic!("{findings:?}") };
    assert_eq!(finding.records.len(), 2);
    assert_eq!(finding.kind, FindingKind::Sequence);
    let text = &finding.explanation;
    assert!(text.starts_with("User eve granted rights with"), "{text}");
    assert!(text.contains(", then created pod p in namespace shop ("), "{text}");
    assert!(text.contains("within 1 second."), "{text}");
}

#[test]
fn all_types_of_correlation_measure_what_they_say() {
    let with = |kind: &str, condition: &str| {
        format!(
            "title: C\ncorrelation:\n  type: {kind}\n  rules: [denied]\n  group-by: [user.username]\n  timespan: 1h\n  condition: {condition}\n"
        )
    };
    let three = ["1", "5", "3"].map(|name| denied("eve", name));
    for (kind, condition, expected) in [
        ("event_count", "{gte: 3}", true),
        ("event_count", "{gt: 3}", false),
        ("event_count", "{gt: 1, lt: 3}", true),
        ("event_count", "{eq: 3}", true),
        ("value_count", "{field: objectRef.name, gte: 3}", true),
        ("value_count", "{field: objectRef.namespace, gte: 2}", false),
        ("value_count", "{field: [objectRef.namespace, objectRef.name], gte: 3}", true),
        ("value_sum", "{field: objectRef.name, gte: 9}", true),
        ("value_sum", "{field: objectRef.name, gt: 9}", false),
        ("value_avg", "{field: objectRef.name, gte: 3}", true),
        ("value_avg", "{field: objectRef.name, gt: 3}", false),
        ("value_median", "{field: objectRef.name, eq: 3}", true),
        ("value_percentile", "{field: objectRef.name, percentile: 90, eq: 5}", true),
        ("value_percentile", "{field: objectRef.name, lte: 34}", true),
        ("value_percentile", "{field: objectRef.name, lte: 33}", false),
    ] {
        let text = with(kind, condition);
        let found = fires(&correlated(&text), &three);
        assert_eq!(!found.is_empty(), expected, "{kind} {condition}");
    }
}

#[test]
fn what_has_no_value_to_be_grouped_by_has_nothing_in_common() {
    let rules = correlated(
        "title: C\ncorrelation:\n  type: event_count\n  rules: [denied]\n  group-by: [impersonatedUser.username]\n  timespan: 1h\n  condition: {gte: 2}\n",
    );
    assert!(fires(&rules, &[denied("eve", "1"), denied("eve", "2")]).is_empty());
}

#[test]
fn correlations_are_made_of_correlations() {
    let rules = correlated(
        "title: Many\nname: many\ncorrelation:\n  type: event_count\n  rules: [denied]\n  group-by: [user.username]\n  timespan: 5m\n  condition: {gte: 3}\n---\ntitle: Chain\ncorrelation:\n  type: temporal_ordered\n  rules: [many, pod]\n  group-by: [user.username]\n  timespan: 10m\n",
    );
    let burst = ["1", "2", "3"].map(|name| denied("eve", name));
    let mut events = burst.to_vec();
    assert!(fires(&rules, &events).is_empty());
    events.push(pod("bob"));
    assert!(fires(&rules, &events).is_empty());
    events.push(pod("eve"));
    let findings = found(&rules, &events);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].records.len(), 4);
}

#[test]
fn an_alias_names_another_field_for_each_part() {
    let rules = correlated(
        "title: A\ncorrelation:\n  type: temporal_ordered\n  rules: [grant, pod]\n  aliases:\n    who:\n      grant: requestObject.subjects.name\n      pod: user.username\n  group-by: [who]\n  timespan: 5m\n",
    );
    let mut granted = grant("admin");
    granted["requestObject"] = json!({"subjects": [{"kind": "User", "name": "eve"}]});
    assert_eq!(fires(&rules, &[granted.clone(), pod("eve")]), ["sigma:a"]);
    assert!(fires(&rules, &[granted, pod("admin")]).is_empty());
}

#[test]
fn a_filter_leaves_out_what_it_selects_however_it_is_written() {
    for condition in ["selection", "not selection"] {
        for rules in ["[grant]", "any", "[Grant]"] {
            let filter = format!(
                "title: F\nlogsource: {{product: kubernetes, service: audit}}\nfilter:\n  rules: {rules}\n  selection: {{user.username|startswith: adm_}}\n  condition: {condition}\n"
            );
            let rules = load(&[("t.yml", PARTS), ("filter.yml", &filter)]);
            assert_eq!(fires(&rules, &[grant("eve")]).len(), 1, "{condition}");
            assert_eq!(fires(&rules, &[grant("adm_eve")]).len(), 0, "{condition}");
        }
    }
    let other = "title: F\nlogsource: {product: windows}\nfilter:\n  rules: any\n  selection: {user.username: eve}\n  condition: selection\n";
    let rules = load(&[("t.yml", PARTS), ("filter.yml", other)]);
    assert_eq!(fires(&rules, &[grant("eve")]).len(), 1);
    assert!(rules.notes()[0].contains("for none of the rules"), "{:?}", rules.notes());
}

#[test]
fn the_author_is_named_where_a_match_is_shown() {
    let rule = detection("verb: get")
        + "author: Some Body\nlicense: DRL-1.1\nlevel: high\ntags: [attack.t1552.007, attack.credential-access]\nfalsepositives: [Backups, Unknown]\n";
    let finding = &found(&load(&[("t.yml", &rule)]), &[event(json!({}))])[0];
    assert!(finding.why.contains("written by Some Body") && finding.why.contains("DRL-1.1"));
    assert_eq!(finding.techniques, ["T1552.007"]);
    assert_eq!(finding.benign_readings, ["Backups"]);
    assert_eq!(finding.severity.as_str(), "high");
}

/// The collection that everybody uses, where it lies beside the checkout.
fn collection(folder: &str) -> Option<Vec<(String, String)>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/sigma");
    let mut files: Vec<_> =
        fs::read_dir(root.join(folder)).ok()?.flatten().map(|one| one.path()).collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Some(files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect())
}

/// An event of a verb on a resource of a group.
fn on(verb: &str, group: &str, resource: &str) -> Value {
    event(json!({"verb": verb, "objectRef": {"resource": resource, "apiGroup": group}}))
}

/// Of each rule of the collection: an event that it means, and one that it does not.
fn meant(file: &str) -> Option<(Value, Value)> {
    let short = file.strip_suffix(".yml")?;
    let short = ["kubernetes_audit_", "azure_kubernetes_", "gcp_kubernetes_"]
        .iter()
        .find_map(|start| short.strip_prefix(start).map(|rest| (*start, rest)))?;
    let body = |spec: Value| {
        let mut pod = on("create", "", "pods");
        pod["requestObject"] = json!({"kind": "Pod", "spec": spec});
        pod
    };
    let rbac = "rbac.authorization.k8s.io";
    Some(match short {
        (_, "change_admission_controller" | "admission_controller") => (
            on("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
            on("get", "admissionregistration.k8s.io", "mutatingwebhookconfigurations"),
        ),
        (_, "cronjob_modification" | "cronjob") => {
            (on("create", "batch", "cronjobs"), on("list", "batch", "cronjobs"))
        }
        (_, "deployment_deleted") => {
            (on("delete", "apps", "deployments"), on("delete", "apps", "daemonsets"))
        }
        (_, "events_deleted") => (on("delete", "", "events"), on("create", "", "events")),
        (_, "exec_into_container") => (
            event(
                json!({"verb": "get", "objectRef": {"resource": "pods", "subresource": "exec"}, "responseStatus": {"code": 101}}),
            ),
            event(json!({"verb": "get", "objectRef": {"resource": "pods", "subresource": "log"}})),
        ),
        (_, "hostpath_mount") => (
            body(
                json!({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "h", "hostPath": {"path": "/"}}]}),
            ),
            body(json!({"volumes": [{"name": "v", "emptyDir": {}}]})),
        ),
        (_, "pod_in_system_namespace") => (
            event(
                json!({"verb": "create", "objectRef": {"resource": "pods", "namespace": "kube-system"}}),
            ),
            on("create", "", "pods"),
        ),
        (_, "potential_enumeration_activity") => (
            event(json!({"requestURI": "/api/v1/namespaces/a/pods/b/exec?command=%2Fbin%2Fsh"})),
            event(
                json!({"requestURI": "/api/v1/namespaces/a/pods/b/exec?command=%2Fbin%2Fsh", "responseStatus": {"code": 403}}),
            ),
        ),
        (_, "privileged_pod_creation") => (
            body(
                json!({"containers": [{"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}]}),
            ),
            body(json!({"containers": [{"securityContext": {"capabilities": {"drop": ["ALL"]}}}]})),
        ),
        (_, "rbac_permisions_listing") => (
            on("create", "authorization.k8s.io", "selfsubjectrulesreviews"),
            on("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
        ),
        (_, "rolebinding_modification" | "rolebinding" | "rolebinding_modified_or_deleted") => {
            (on("update", rbac, "clusterrolebindings"), on("update", rbac, "clusterroles"))
        }
        (_, "role_access") => (on("delete", rbac, "roles"), on("delete", rbac, "rolebindings")),
        (_, "secrets_enumeration") => (on("list", "", "secrets"), on("get", "", "secrets")),
        (_, "secrets_modified_or_deleted") => {
            (on("patch", "", "secrets"), on("get", "", "secrets"))
        }
        ("azure_kubernetes_", "secret_or_config_object_access") => {
            (on("update", "", "configmaps"), on("get", "", "configmaps"))
        }
        (_, "serviceaccount_creation") => {
            (on("create", "", "serviceaccounts"), on("update", "", "serviceaccounts"))
        }
        (_, "service_account_modified_or_deleted") => (
            event(json!({"impersonatedUser": {"username": "system:serviceaccount:a:b"}})),
            event(json!({"impersonatedUser": {"username": "bob"}})),
        ),
        (_, "sidecar_injection") => {
            (on("patch", "apps", "deployments"), on("update", "apps", "deployments"))
        }
        (_, "unauthorized_unauthenticated_actions") => (denied("eve", "x"), event(json!({}))),
        (_, "network_policy_change") => (
            on("delete", "networking.k8s.io", "networkpolicies"),
            on("list", "networking.k8s.io", "networkpolicies"),
        ),
        (_, "pods_deleted") => (on("delete", "", "pods"), on("create", "", "pods")),
        _ => return None,
    })
}

#[test]
fn the_rules_of_the_collection_match_what_they_mean() {
    let folders = ["audit", "azure_activity", "gcp_audit"].map(collection);
    let Some(files) = folders.into_iter().collect::<Option<Vec<_>>>().map(|all| all.concat())
    else {
        eprintln!("left out: ../shared/conformance/sigma is not there");
        return;
    };
    assert_eq!(files.len(), 30);
    let mut without = Vec::new();
    for (name, text) in &files {
        let rules = load(&[(name, text)]);
        assert_eq!(
            (rules.rules().len(), rules.notes().len()),
            (1, 0),
            "{name}: {:?}",
            rules.notes()
        );
        let Some((attack, benign)) = meant(name) else {
            without.push(name.as_str());
            continue;
        };
        assert_eq!(fires(&rules, &[attack]).len(), 1, "{name}");
        assert_eq!(fires(&rules, &[benign]).len(), 0, "{name}");
    }
    // Its subject is a resource of Azure; no request to Kubernetes creates a cluster.
    assert_eq!(without, ["azure_kubernetes_cluster_created_or_deleted.yml"]);
    let all: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert_eq!(load(&all).rules().len(), 30);
}

#[test]
fn the_examples_of_the_specification_load() {
    let Some(files) = collection("correlation_spec_tests") else {
        eprintln!("left out: ../shared/conformance/sigma is not there");
        return;
    };
    let names = [
        "5638f7c0-ac70-491d-8465-2a65075e0d86",
        "recon_cmd_a",
        "recon_cmd_b",
        "recon_cmd_c",
        "rule_a_id",
        "process_creation",
        "website_access",
    ];
    let parts: Vec<(String, String)> = names
        .iter()
        .map(|name| (format!("{name}.yml"), detection("verb: get") + &format!("name: {name}\n")))
        .collect();
    for (name, text) in &files {
        let mut all: Vec<(&str, &str)> =
            parts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        all.push((name, text));
        let rules = load(&all);
        let expected = if name.starts_with("correlation") { 8 } else { 7 };
        assert_eq!(rules.rules().len(), expected, "{name}");
        assert_eq!(rules.notes().is_empty(), name.starts_with("correlation"), "{name}");
    }
}

#[test]
fn a_filter_of_nots_joined_by_or_keeps_what_one_of_them_keeps() {
    let filter = "title: F\nlogsource: {product: kubernetes}\nfilter:\n  rules: any\n  one: {user.username: eve}\n  two: {objectRef.resource: rolebindings}\n  condition: not one or not two\n";
    let text = "title: T\nname: t\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  s: {user.username: eve}\n  condition: s\n";
    let rules = load(&[("t.yml", text), ("filter.yml", filter)]);
    let by_eve = |resource: &str| {
        event(json!({"user": {"username": "eve"}, "objectRef": {"resource": resource}}))
    };
    assert_eq!(fires(&rules, &[by_eve("secrets")]).len(), 1);
    assert_eq!(fires(&rules, &[by_eve("rolebindings")]).len(), 0);
}

#[test]
fn a_correlation_written_before_its_parts_is_as_grave_as_they_are() {
    let outer = "title: Outer\ncorrelation:\n  type: temporal\n  rules: [inner]\n  timespan: 5m\n---\ntitle: Inner\nname: inner\ncorrelation:\n  type: event_count\n  rules: [base]\n  timespan: 5m\n  condition: {gte: 1}\n---\ntitle: Base\nname: base\nlevel: high\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  s: {verb: get}\n  condition: s\n";
    let rules = load(&[("t.yml", outer)]);
    let outer = rules.rules().iter().find(|rule| rule.title() == "Outer").unwrap();
    assert_eq!(outer.severity(), trailhound_model::finding::Severity::High);
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_line() {
    let head = "title: T\nlogsource: {product: kubernetes, service: audit}\n";
    let rule = |rest: &str| format!("{head}{rest}");
    let count = |rest: &str| {
        format!(
            "{PARTS}title: C\ncorrelation:\n  type: event_count\n  rules: [grant]\n  group-by: [user.username]\n  timespan: 5m\n{rest}"
        )
    };
    let cases = [
        (count("  condition: {gte: 2001}\n"), "more than 2,000 matches are not counted"),
        (
            rule("detecton: {}\n"),
            "t.yml:3: the key `detection` is missing (is `detecton` meant to be it?)",
        ),
        (rule("detection:\n  s: {verb: get}\n"), "t.yml:3: the key `condition` is missing"),
        (rule("detection:\n  s: {verb: get}\n  conditon: s\n"), "is `conditon` meant to be it?"),
        (
            rule("detection:\n  sel: {verb: get}\n  condition: sell\n"),
            "t.yml:5: there is no selection `sell` (did you mean `sel`?)",
        ),
        (rule("detection:\n  s: {verb: get}\n  condition: 1 of x*\n"), "no selection matches `x*`"),
        (
            rule("detection:\n  s:\n    verb|contain: get\n  condition: s\n"),
            "t.yml:5: there is no modifier `contain` (did you mean `contains`?)",
        ),
        (rule("detection:\n  s:\n    verb|i: get\n  condition: s\n"), "may only follow `re`"),
        (
            rule("detection:\n  s:\n    verb|re: '(?=x)'\n  condition: s\n"),
            "no regular expression that is understood",
        ),
        (rule("detection:\n  s:\n    verb|cidr: x\n  condition: s\n"), "`x` is no network"),
        (rule("detection:\n  s:\n    verb|gt: x\n  condition: s\n"), "`x` is no number"),
        (
            rule("detection:\n  s:\n    verb|exists: x\n  condition: s\n"),
            "`exists` takes true or false",
        ),
        (
            rule("detection:\n  s:\n    verb|fieldref: nothing\n  condition: s\n"),
            "no audit event has a field `nothing`",
        ),
        (rule("detection:\n  s:\n    verb|base64: 'a*'\n  condition: s\n"), "cannot be encoded"),
        (rule("detection:\n  s:\n    verb|utf16: a\n  condition: s\n"), "`base64` must follow"),
        (
            rule("detection:\n  s:\n    verb|expand: '%who%'\n  condition: s\n"),
            "the placeholder `%who%` has no values",
        ),
        (rule("detection:\n  s:\n    verb: {a: b}\n  condition: s\n"), "neither text nor number"),
        (rule("detection:\n  s: []\n  condition: s\n"), "`s` is empty"),
        (
            rule("level: hihg\ndetection:\n  s: {verb: get}\n  condition: s\n"),
            "t.yml:3: there is no level `hihg` (did you mean `high`?)",
        ),
        (
            rule("status: new\ndetection:\n  s: {verb: get}\n  condition: s\n"),
            "there is no status `new`",
        ),
        (
            rule("detection:\n  s: {verb: get}\n  timeframe: 5m\n  condition: s | count() > 5\n"),
            "`timeframe` was taken out",
        ),
        (
            "logsource: {product: kubernetes}\ndetection:\n  s: {verb: get}\n  condition: s\n"
                .to_owned(),
            "the key `title` is missing",
        ),
        ("title: T\ndetection: {}\n".to_owned(), "the key `logsource` is missing"),
        ("- a\n".to_owned(), "t.yml:1: a document is no map"),
        ("title: T\n---\ntitle: [\n".to_owned(), "t.yml:"),
        (count(""), "the key `condition` is missing"),
        (count("  condition: {gte: many}\n"), "no bound that is a number"),
        (count("  condition: {gte: 1, field: verb}\n"), "this type takes no `field`"),
        (count("  condition: {more: 1}\n"), "unknown bound `more`"),
        (count("  conditions: {gte: 1}\n"), "unknown key `conditions` (did you mean `condition`?)"),
        (count("  condition: {gte: 1}\n").replace("5m", "5y"), "`5y` is no timespan"),
        (
            count("  condition: {gte: 1}\n").replace("event_count", "event_counts"),
            "did you mean `event_count`?",
        ),
        (
            count("  condition: {gte: 1}\n").replace("[grant]", "[grnt]"),
            "there is no rule `grnt` (did you mean `grant`?)",
        ),
        (count("  condition: {gte: 1}\n").replace("event_count", "value_count"), "needs `field`"),
        (
            count("  condition: {gte: 1}\n  aliases: {user.username: {pod: x}}\n"),
            "says nothing for the rule `sigma:grant`",
        ),
        (
            format!(
                "{PARTS}title: C\nname: c\ncorrelation:\n  type: temporal\n  rules: [c, pod]\n  group-by: [verb]\n  timespan: 5m\n"
            ),
            "goes round in a circle",
        ),
        (rule("filter: {rules: any, s: {verb: get}}\n"), "the key `condition` is missing"),
        (rule("filter: {condition: s, s: {verb: get}}\n"), "the key `rules` is missing"),
    ];
    for (text, expected) in cases {
        let loaded =
            RuleSet::load_all(&Sources { sigma: &[("t.yml", &text)], ..Sources::default() });
        let Err(errors) = loaded else { panic!("{text}") };
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(
            lines.iter().any(|line| line.contains(expected)),
            "{expected} in {lines:?}\n{text}"
        );
    }
}

#[test]
fn rules_for_other_logs_are_left_out_and_told() {
    let other = "title: Windows thing\nlogsource: {product: windows}\ndetection:\n  s: {EventID: 1}\n  condition: s\nname: w\n---\ntitle: Made of it\ncorrelation:\n  type: event_count\n  rules: [w]\n  group-by: [User]\n  timespan: 5m\n  condition: {gte: 2}\n";
    let rules = load(&[("w.yml", other)]);
    assert!(rules.rules().is_empty());
    assert!(rules.notes()[0].contains("2 Sigma rules are for other logs"), "{:?}", rules.notes());
    let odd = detection("requestUri: x");
    let notes = load(&[("t.yml", &odd)]).notes().concat();
    assert!(notes.contains("`requestUri` (did you mean `requestURI`?)"), "{notes}");
}

fn native(id: &str, rest: &str) -> (String, String) {
    let text = format!(
        "id: {id}\nversion: 1\ntitle: {id}\nfamily: rbac\nseverity: low\nexplain: \"{{principal}} did both.\"\nwhy: w\n{rest}"
    );
    (format!("{id}.yaml"), text)
}

fn load_native(files: &[(String, String)]) -> Result<RuleSet, String> {
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    RuleSet::load(&files).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn native_rules_are_made_of_native_rules() {
    let sequence = |rest: &str| {
        let correlation = format!(
            "correlation:\n  type: temporal_ordered\n  group-by: [actor.name]\n  timespan: 5m\n{rest}"
        );
        [
            native("grants", "on: {actions: [rbac.grant]}\n"),
            native("makes", "on: {actions: [workload.create]}\n"),
            native("both", &correlation),
        ]
    };
    let rules = Arc::new(load_native(&sequence("  rules: [grants, makes]\n")).unwrap());
    let allowed = |mut event: Value| {
        event["responseStatus"] = json!({"code": 201});
        event
    };
    let (grant, pod) = (|user: &str| allowed(grant(user)), |user: &str| allowed(pod(user)));
    let mut all = fires(&rules, &[grant("eve"), pod("eve")]);
    all.sort();
    assert_eq!(all, ["both", "grants", "makes"]);
    assert!(!fires(&rules, &[pod("eve"), grant("eve")]).contains(&"both".to_owned()));
    assert!(!fires(&rules, &[grant("eve"), pod("bob")]).contains(&"both".to_owned()));
    let findings = found(&rules, &[grant("eve"), pod("eve")]);
    let both = findings.iter().find(|one| one.rule.id == "both").unwrap();
    assert!(
        both.explanation.starts_with("User eve did both. User eve granted"),
        "{}",
        both.explanation
    );
    for (rest, expected) in [
        ("  rules: [grants, mekes]\n", "names the rule `mekes`"),
        ("  rules: [grants, both]\n", "goes round in a circle"),
        ("", "this type needs `rules`"),
        ("  rules: [grants]\n  condition: {gte: 1, field: target.name}\n", "takes no `field`"),
        ("  rules: [grants]\non: {actions: [pod.exec]}\n", "has no `on`"),
    ] {
        let error = load_native(&sequence(rest)).map(|_| ()).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
