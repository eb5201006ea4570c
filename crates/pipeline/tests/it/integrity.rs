//! Findings about the log itself, end to end: what contradicts itself is told, what is only odd is
//! not, and a doubt makes no incident.

use crate::support::{facts, judge, log, rules};
use serde_json::{Value, json};
use std::sync::Arc;
use trailhound_detect::{Engine, Outcome, Settings};
use trailhound_model::finding::{Finding, FindingKind, Severity};

fn integrity(outcome: &Outcome) -> Vec<&Finding> {
    outcome.findings.iter().filter(|one| one.kind == FindingKind::Integrity).collect()
}

fn get(user: &str, namespace: &str, id: &str) -> Value {
    json!({
        "user": {"username": user}, "verb": "get", "auditID": id,
        "requestURI": format!("/api/v1/namespaces/{namespace}/pods/p"),
        "objectRef": {"resource": "pods", "namespace": namespace, "name": "p", "apiVersion": "v1"},
        "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1", "responseStatus": {"code": 200},
    })
}

#[test]
fn an_audit_id_used_twice_is_told_and_makes_no_incident_unless_users_differ() {
    let same_user = judge(&log(&[get("bob", "a", "x"), get("bob", "b", "x")]));
    let found = integrity(&same_user);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].rule.id.as_str(), found[0].severity), ("audit-id-reused", Severity::Low));
    assert!(!found[0].benign_readings.is_empty() && !found[0].next_steps.is_empty());
    assert_eq!(same_user.incidents, []);
    let other_user = judge(&log(&[get("bob", "a", "x"), get("eve", "a", "x")]));
    assert_eq!(integrity(&other_user)[0].severity, Severity::Medium);
    assert_eq!(other_user.incidents.len(), 1);
}

#[test]
fn two_stages_and_a_forwarded_request_are_no_reuse() {
    let mut started = get("bob", "a", "x");
    started["stage"] = json!("ResponseStarted");
    let mut acting = get("admin", "a", "x");
    acting["impersonatedUser"] = json!({"username": "bob"});
    let outcome = judge(&log(&[started, get("bob", "a", "x"), acting]));
    assert_eq!(integrity(&outcome), Vec::<&Finding>::new());
}

#[test]
fn a_record_that_contradicts_itself_is_told_with_its_hash() {
    let mut forged = get("bob", "a", "x");
    forged["annotations"] = json!({"authorization.k8s.io/decision": "forbid"});
    let mut moved = get("bob", "a", "y");
    moved["objectRef"]["namespace"] = json!("b");
    let outcome = judge(&log(&[forged, moved]));
    let found = integrity(&outcome);
    assert_eq!(found.len(), 2, "{found:?}");
    for one in found {
        assert_eq!(one.rule.id, "record-contradicts-itself");
        assert_eq!(one.records[0].sha256.len(), 64);
    }
}

/// A lease every two seconds by two leaders, and an attack in the middle.
fn attacked(gap: std::ops::Range<i64>) -> Outcome {
    let mut events: Vec<Value> = Vec::new();
    for second in (0..240).filter(|second| !gap.contains(second)) {
        let leader = if second % 2 == 0 { "kube-scheduler" } else { "kube-controller-manager" };
        events.push(json!({
            "user": {"username": format!("system:{leader}")}, "verb": "update",
            "requestURI": format!("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/{leader}"),
            "objectRef": {"resource": "leases", "namespace": "kube-system", "name": leader, "apiGroup": "coordination.k8s.io", "apiVersion": "v1"},
            "sourceIPs": ["10.0.0.2"], "responseStatus": {"code": 200}, "$second": second,
        }));
    }
    events.push(json!({
        "user": {"username": "mallory"}, "verb": "create", "$second": 120,
        "requestURI": "/api/v1/namespaces/kube-system/pods/p/exec?command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken",
        "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "kube-system", "name": "p", "apiVersion": "v1"},
        "sourceIPs": ["198.51.100.7"], "userAgent": "curl/8", "responseStatus": {"code": 101},
    }));
    for (place, event) in events.iter_mut().enumerate() {
        let second = event.as_object_mut().unwrap().remove("$second").unwrap().as_i64().unwrap();
        let time = json!(format!("2026-03-01T10:{:02}:{:02}Z", second / 60, second % 60));
        event["requestReceivedTimestamp"] = time.clone();
        event["stageTimestamp"] = time;
        event["auditID"] = json!(format!("id-{place}"));
    }
    events.sort_by_key(|event| event["stageTimestamp"].to_string());
    judge(&log(&events))
}

#[test]
fn a_gap_near_an_attack_becomes_part_of_its_incident() {
    let quiet = attacked(0..0);
    assert!(!quiet.incidents.is_empty());
    assert_eq!(integrity(&quiet), Vec::<&Finding>::new());
    assert!(quiet.findings.iter().all(|one| one.log.gaps == 0 && one.log.note.is_empty()));
    let outcome = attacked(124..180);
    let found = integrity(&outcome);
    assert_eq!(found.len(), 1, "{found:?}");
    let gap = found[0];
    assert_eq!((gap.rule.id.as_str(), gap.severity), ("gap-during-attack", Severity::Medium));
    assert_eq!(gap.records.len(), 2, "its neighbours");
    assert!(gap.explanation.contains("Right before it (3 seconds"), "{}", gap.explanation);
    assert_eq!(outcome.incidents.len(), quiet.incidents.len(), "it makes no incident of its own");
    let incident = outcome.incidents.iter().find(|one| one.findings.contains(&gap.id)).unwrap();
    assert!(incident.unknowns.iter().any(|one| one.contains("no records of that time")));
    assert!(
        outcome.findings.iter().any(|one| one.log.gaps == 1 && one.log.note.contains("missing"))
    );
}

#[test]
fn findings_about_the_log_survive_a_restart() {
    let rules = rules();
    let text = log(&[get("bob", "a", "x"), get("bob", "c", "z"), get("eve", "b", "x")]);
    let run = |stop: usize| {
        let mut engine = Engine::new(Arc::clone(&rules), Settings::default());
        for (place, (fact, key)) in facts(&rules, &text).into_iter().enumerate() {
            engine.push(fact, key);
            if place == stop {
                engine.flush();
                engine = Engine::restore(Arc::clone(&rules), &engine.save().unwrap()).unwrap();
            }
        }
        engine.flush();
        engine.outcome()
    };
    assert_eq!(integrity(&run(9)).len(), 1);
    for stop in 0..3 {
        assert_eq!(run(stop), run(9));
    }
}
