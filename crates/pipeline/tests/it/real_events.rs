//! What a real API server writes and readers get wrong, point by point, from bytes to findings: one
//! mishap, one test. The events are written here, in the shapes that recordings have, so that a
//! shape stays guarded where no recording is at hand.

use crate::{
    recordings::answer,
    support::{facts, judge, log, rules},
};
use serde_json::{Value, json};
use trailhound_detect::Outcome;
use trailhound_model::{
    action::{ActionKind, Outcome as Result},
    credential::CredentialKind,
    event::Stage,
    fact::Fact,
    finding::Finding,
    principal::PrincipalKind,
    scan::Scan,
};

/// The facts of events.
pub(crate) fn seen(events: &[Value]) -> Vec<Fact> {
    facts(&rules(), &log(events)).into_iter().map(|(fact, _)| *fact).collect()
}

pub(crate) fn of<'a>(findings: &'a [Finding], rule: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|one| one.rule.id == rule).collect()
}

/// The one finding of a rule.
pub(crate) fn only<'a>(outcome: &'a Outcome, rule: &str) -> &'a Finding {
    let found = of(&outcome.findings, rule);
    let ids: Vec<&str> = outcome.findings.iter().map(|one| one.rule.id.as_str()).collect();
    assert_eq!(found.len(), 1, "{rule} in {ids:?}");
    found[0]
}

/// Rule ids of all findings.
pub(crate) fn rules_of(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|one| one.rule.id.as_str()).collect()
}

/// The answer to files with these contents.
pub(crate) fn scanned(files: &[&str]) -> Scan {
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in files.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.log")), text).unwrap();
    }
    answer(vec![folder.path().to_owned()], 2)
}

pub(crate) fn with(mut event: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    event.as_object_mut().unwrap().extend(fields);
    event
}

/// A request by kubectl on an object of the core group.
pub(crate) fn request(user: &str, verb: &str, resource: &str, name: &str, code: u16) -> Value {
    let tail = if name.is_empty() { String::new() } else { format!("/{name}") };
    let mut reference = json!({"resource": resource, "namespace": "shop", "apiVersion": "v1"});
    if !name.is_empty() {
        reference["name"] = json!(name);
    }
    json!({
        "user": {"username": user, "groups": ["system:authenticated"]}, "verb": verb,
        "requestURI": format!("/api/v1/namespaces/shop/{resource}{tail}"), "objectRef": reference,
        "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1.36.2",
        "responseStatus": {"metadata": {}, "code": code},
    })
}

pub(crate) fn exec(verb: &str, stage: &str, query: &str) -> Value {
    with(
        request("bob", verb, "pods", "web-1", 101),
        json!({
            "auditID": "e1", "stage": stage, "requestReceivedTimestamp": "2026-09-21T13:33:20.500000Z",
            "requestURI": format!("/api/v1/namespaces/shop/pods/web-1/exec?{query}"),
            "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "web-1", "apiVersion": "v1"},
        }),
    )
}

pub(crate) const READS_TOKEN: &str = "command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken&container=main&stdout=true";

// 1

#[test]
fn a_failed_login_that_exists_only_as_response_started_is_counted() {
    let failed = json!({
        "$repeat": 40, "user": {}, "stage": "ResponseStarted", "verb": "list", "requestURI": "/api/v1/secrets",
        "objectRef": {"resource": "secrets", "apiVersion": "v1"}, "sourceIPs": ["198.18.7.7"],
        "userAgent": "python-requests/2.32", "responseStatus": {"metadata": {}, "status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401},
    });
    let outcome = judge(&log(std::slice::from_ref(&failed)));
    assert_eq!(only(&outcome, "rejected-credentials-burst").record_count, 40);
    let fact = seen(&[failed]).remove(0);
    assert_eq!(fact.action.outcome, Result::Unauthenticated);
    assert_eq!(fact.principal.effective.kind, PrincipalKind::Unauthenticated);
    assert_eq!(fact.credential.kind, CredentialKind::None);
}

// 2

#[test]
fn an_exec_with_two_records_is_one_finding_and_is_told_at_its_beginning() {
    let both =
        [exec("get", "ResponseStarted", READS_TOKEN), exec("get", "ResponseComplete", READS_TOKEN)];
    let outcome = judge(&log(&both));
    assert_eq!((outcome.events, outcome.duplicates), (2, 0));
    let finding = only(&outcome, "exec-reads-token");
    assert_eq!((finding.record_count, finding.records[0].stage), (1, Stage::ResponseStarted));
    let open = judge(&log(&both[..1]));
    assert_eq!(only(&open, "exec-reads-token").id, finding.id, "an exec that goes on is told");
    let cut = judge(&log(&both[1..]));
    only(&cut, "exec-reads-token");
}

// 3

#[test]
fn an_exec_over_websocket_is_an_exec_and_its_command_is_read_from_the_url() {
    for verb in ["get", "create"] {
        let event = exec(verb, "ResponseComplete", "command=cat&command=%2Fetc%2Fshadow&tty=true");
        let fact = seen(std::slice::from_ref(&event)).remove(0);
        assert_eq!((fact.action.kind, fact.action.outcome), (ActionKind::PodExec, Result::Allowed));
        let outcome = judge(&log(&[event]));
        let finding = only(&outcome, "exec-attack-command");
        assert!(finding.explanation.contains("`cat /etc/shadow`"), "{}", finding.explanation);
        assert_eq!(finding.target, "pod:shop/web-1");
    }
    for (subresource, kind) in
        [("attach", ActionKind::PodAttach), ("portforward", ActionKind::PodPortForward)]
    {
        let mut event = exec("get", "ResponseComplete", "");
        event["objectRef"]["subresource"] = json!(subresource);
        assert_eq!(seen(&[event])[0].action.kind, kind);
    }
}

// 4

#[test]
fn a_refused_impersonation_is_known_by_its_message_and_a_granted_one_by_both_names() {
    for message in [
        "users \"root\" is forbidden: User \"carol\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
        "forbidden: User \"carol\" cannot impersonate-on:user-info:get path \"/api\"",
    ] {
        let refused = json!({
            "user": {"username": "carol", "groups": ["dev"]}, "verb": "get", "requestURI": "/api", "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1.36.2",
            "responseStatus": {"metadata": {}, "status": "Failure", "reason": "Forbidden", "message": message, "code": 403}, "annotations": {},
        });
        let outcome = judge(&log(&[refused]));
        let finding = only(&outcome, "impersonation-refused");
        assert_eq!(
            (finding.outcome.as_str(), finding.action.as_str()),
            ("denied", "identity.impersonate")
        );
    }
    let granted = with(
        request("carol", "list", "secrets", "", 200),
        json!({
            "impersonatedUser": {"username": "root", "uid": "7", "groups": ["system:masters", "system:authenticated"], "extra": {"team": ["a"]}},
            "authenticationMetadata": {"impersonationConstraint": "impersonate"},
            "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
        }),
    );
    let outcome = judge(&log(std::slice::from_ref(&granted)));
    let finding = only(&outcome, "privileged-impersonation");
    assert_eq!(finding.principal, "user:root");
    assert_eq!(finding.real_principal.as_deref(), Some("user:carol"));
    assert_eq!(seen(&[granted])[0].event.impersonation_constraint, "impersonate");
}

// 5

#[test]
fn the_authorizer_says_forbid_or_nothing_and_both_are_understood() {
    let event = |code: u16, annotations: Value| {
        with(request("bob", "get", "secrets", "db", code), json!({"annotations": annotations}))
    };
    let outcomes: Vec<Result> = seen(&[
        event(
            403,
            json!({"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""}),
        ),
        event(
            403,
            json!({"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}),
        ),
        event(
            200,
            json!({"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}),
        ),
    ])
    .iter()
    .map(|fact| fact.action.outcome)
    .collect();
    assert_eq!(outcomes, [Result::Denied, Result::Rejected, Result::Allowed]);
    // Written whole, because the test's short form would add a decision.
    let absent = event(403, json!({}));
    let line = log(&[absent]).replace(r#""authorization.k8s.io/decision":"forbid""#, "");
    assert!(!line.contains("decision"));
    assert_eq!(facts(&rules(), &line)[0].0.action.outcome, Result::Denied);
    let contradiction = event(200, json!({"authorization.k8s.io/decision": "forbid"}));
    only(&judge(&log(&[contradiction])), "record-contradicts-itself");
}

#[test]
fn the_binding_in_the_authorizers_reason_is_named() {
    let reason = "RBAC: allowed by ClusterRoleBinding \"opened\" of ClusterRole \"view-all\" to Group \"system:unauthenticated\"";
    let event = with(
        request("system:anonymous", "list", "secrets", "", 200),
        json!({"user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]}, "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": reason}}),
    );
    let outcome = judge(&log(&[event]));
    let finding = only(&outcome, "anonymous-success");
    assert!(finding.explanation.contains("opened"), "{}", finding.explanation);
    assert!(finding.touches.iter().any(|touch| touch.entity == "clusterrolebinding:opened"));
}

// 6

#[test]
fn a_token_is_followed_from_its_issue_to_its_use_by_its_id() {
    let id = "JTI=6f0d5c1e-0000-4000-8000-000000000001";
    let issue = with(
        request("dave", "create", "serviceaccounts", "helper", 201),
        json!({
            "requestURI": "/api/v1/namespaces/kube-system/serviceaccounts/helper/token",
            "objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "kube-system", "name": "helper", "apiVersion": "v1"},
            "annotations": {"authentication.kubernetes.io/issued-credential-id": id},
        }),
    );
    let used = |with_id: &str| {
        with(
            exec("get", "ResponseComplete", READS_TOKEN),
            json!({
                "user": {"username": "system:serviceaccount:kube-system:helper", "extra": {"authentication.kubernetes.io/credential-id": [with_id]}},
                "sourceIPs": ["198.18.7.7"], "userAgent": "curl/8.5.0",
            }),
        )
    };
    let outcome = judge(&log(&[issue.clone(), used(id)]));
    assert_eq!(outcome.incidents.len(), 1, "{:?}", rules_of(&outcome));
    let hop = outcome.incidents[0].hops.iter().find(|hop| hop.kind == "token").expect("a hop");
    assert_eq!((hop.from.as_str(), hop.to.as_str()), ("user:dave", "sa:kube-system/helper"));
    let other = judge(&log(&[issue, used("JTI=another")]));
    assert!(other.incidents.iter().all(|one| one.hops.iter().all(|hop| hop.kind != "token")));
}

#[test]
fn each_sort_of_credential_is_told_from_the_others() {
    use CredentialKind as K;
    let by = |extra: Value, annotations: Value| {
        let user = json!({"username": "system:serviceaccount:shop:cart", "extra": extra});
        with(
            request("", "get", "configmaps", "a", 200),
            json!({"user": user, "annotations": annotations}),
        )
    };
    let key = "authentication.kubernetes.io/credential-id";
    let kinds: Vec<CredentialKind> = seen(&[
        by(json!({key: ["X509SHA256=ab"]}), json!({})),
        by(json!({key: ["JTI=1"]}), json!({})),
        by(json!({key: ["JTI=2"], "authentication.kubernetes.io/pod-name": ["cart-1"], "authentication.kubernetes.io/pod-uid": ["u"], "authentication.kubernetes.io/node-name": ["n1"]}), json!({})),
        by(json!({}), json!({"authentication.k8s.io/legacy-token": "system:serviceaccount:shop:cart"})),
        by(json!({}), json!({})),
    ])
    .iter()
    .map(|fact| fact.credential.kind)
    .collect();
    assert_eq!(kinds, [K::X509, K::Token, K::PodToken, K::LegacyToken, K::Unknown]);
}

// 7

#[test]
fn a_json_patch_is_a_list_and_is_read_as_one() {
    let patch = |body: Value| {
        json!({
            "user": {"username": "bob"}, "level": "RequestResponse", "verb": "patch", "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1.36.2",
            "requestURI": "/apis/apps/v1/namespaces/shop/deployments/web", "responseStatus": {"metadata": {}, "code": 200},
            "objectRef": {"resource": "deployments", "namespace": "shop", "name": "web", "apiGroup": "apps", "apiVersion": "v1"}, "requestObject": body,
        })
    };
    let list = json!([{"op": "add", "path": "/spec/template/spec/hostPID", "value": true}, {"op": "add", "path": "/spec/template/spec/containers/0/securityContext", "value": {"privileged": true}}]);
    let merge = json!({"spec": {"template": {"spec": {"hostPID": true, "containers": [{"name": "web", "securityContext": {"privileged": true}}]}}}});
    for body in [list, merge] {
        only(&judge(&log(&[patch(body)])), "workload-opens-the-node");
    }
    let harmless = json!([{"op": "replace", "path": "/spec/replicas", "value": 3}]);
    assert_eq!(rules_of(&judge(&log(&[patch(harmless)]))), Vec::<&str>::new());
}

#[test]
fn options_of_a_deletion_and_the_status_of_an_error_are_no_object() {
    let deleted = with(
        request("bob", "delete", "pods", "web-1", 200),
        json!({"level": "RequestResponse", "requestObject": {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/__internal", "propagationPolicy": "Background"}, "responseObject": {"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}}}),
    );
    let failed = with(
        request("bob", "create", "pods", "", 409),
        json!({"level": "RequestResponse", "requestObject": {"kind": "Pod", "metadata": {"name": "web-1"}, "spec": {"hostPID": true}}, "responseObject": {"kind": "Status", "status": "Failure", "reason": "AlreadyExists", "code": 409}}),
    );
    let facts = seen(&[deleted.clone(), failed.clone()]);
    assert_eq!(facts[0].object_name(), "web-1");
    assert_eq!(facts[1].action.outcome, Result::Conflict);
    let outcome = judge(&log(&[deleted, failed]));
    assert_eq!(rules_of(&outcome), ["workload-deleted-by-hand"], "what failed opened nothing");
}

#[test]
fn what_only_a_body_shows_is_unknown_at_metadata_level_and_not_false() {
    let bind = json!({
        "user": {"username": "bob"}, "verb": "create", "requestURI": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1.36.2",
        "objectRef": {"resource": "clusterrolebindings", "apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1"}, "responseStatus": {"metadata": {}, "code": 201},
    });
    let scan = scanned(&[&log(std::slice::from_ref(&bind))]);
    assert!(of(&scan.findings, "cluster-admin-granted").is_empty());
    let log_state = &scan.completeness[0];
    assert!(log_state.undecided.contains_key("cluster-admin-granted"), "{:?}", log_state.undecided);
    assert!(log_state.blind.contains(&"cluster-admin-granted".to_owned()), "{:?}", log_state.blind);
    let whole = with(
        bind,
        json!({"level": "Request", "requestObject": {"kind": "ClusterRoleBinding", "metadata": {"name": "h"}, "subjects": [{"kind": "User", "name": "bob"}], "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}}}),
    );
    let scan = scanned(&[&log(&[whole])]);
    assert_eq!(of(&scan.findings, "cluster-admin-granted").len(), 1);
    assert!(!scan.completeness[0].blind.contains(&"cluster-admin-granted".to_owned()));
}
