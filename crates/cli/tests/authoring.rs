//! The tools of rule authors as they meet them: what is said, and with which exit code.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const RULE: &str = r#"
id: exec-by-curl
version: 1
title: A command by curl
family: rbac
severity: medium
on:
  actions: [pod.exec]
when: |
  event.agent == "curl"
explain: "{principal} ran `{exec.command}` in {target}."
why: w
tests:
  - name: curl runs id
    fires: true
    events:
      - {user: {username: alice}, verb: create, requestURI: "/api/v1/namespaces/a/pods/p/exec?command=id", objectRef: {resource: pods, subresource: exec, namespace: a, name: p, apiVersion: v1}, sourceIPs: [10.0.0.9], userAgent: curl/8, responseStatus: {code: 101}}
  - name: kubectl does not count
    fires: false
    events:
      - {user: {username: alice}, verb: create, requestURI: "/api/v1/namespaces/a/pods/p/exec?command=id", objectRef: {resource: pods, subresource: exec, namespace: a, name: p, apiVersion: v1}, sourceIPs: [10.0.0.9], userAgent: kubectl/1, responseStatus: {code: 101}}
"#;

fn event(id: &str, user: &str, second: u32) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/p/exec?command=id","verb":"create","user":{{"username":"{user}"}},"sourceIPs":["10.0.0.9"],"userAgent":"curl/8","objectRef":{{"resource":"pods","subresource":"exec","namespace":"shop","name":"p","apiVersion":"v1"}},"responseStatus":{{"code":101}},"requestReceivedTimestamp":"2026-11-23T11:00:{second:02}.000000Z","stageTimestamp":"2026-11-23T11:00:{second:02}.000001Z"}}"#
    )
}

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_trailhound"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let log = [event("a1", "ci", 1), event("a2", "ci", 2), event("m1", "mallory", 3)].join("\n");
    let labels = r#"{"auditID":"m1","scenario":"theft"}"#;
    for (name, text) in [("exec-by-curl.yaml", RULE), ("audit.log", &log), ("labels.jsonl", labels)]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_examples_of_a_rule_are_run_and_a_wrong_one_is_named() {
    let folder = folder();
    let (code, text, _) = run(folder.path(), &["rules", "test", "exec-by-curl.yaml"]);
    assert_eq!((code, text.as_str()), (Some(0), "2 examples, 0 do not hold; 0 rules have none\n"));
    let wrong = RULE.replace("userAgent: kubectl/1", "userAgent: curl/7");
    fs::write(folder.path().join("exec-by-curl.yaml"), wrong).unwrap();
    let (code, text, _) = run(folder.path(), &["rules", "test", "exec-by-curl.yaml"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("kubectl does not count (should stay silent, fired)"), "{text}");
}

#[test]
fn a_rule_that_can_never_fire_fails_the_lint() {
    let folder = folder();
    assert_eq!(run(folder.path(), &["rules", "lint", "exec-by-curl.yaml"]).0, Some(0));
    let never = RULE.replace("event.agent == \"curl\"", "target.resource == \"secrets\"");
    fs::write(folder.path().join("exec-by-curl.yaml"), never).unwrap();
    let (code, text, _) = run(folder.path(), &["rules", "lint", "exec-by-curl.yaml"]);
    assert_eq!(code, Some(1));
    assert!(text.contains("it cannot fire"), "{text}");
    fs::write(folder.path().join("exec-by-curl.yaml"), "id: x\nfoo: 1\n").unwrap();
    let (code, _, error) = run(folder.path(), &["rules", "lint", "exec-by-curl.yaml"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("exec-by-curl.yaml"), "{error}");
}

#[test]
fn a_back_test_tells_noise_and_what_a_suppression_would_hide() {
    let folder = folder();
    let args =
        ["rules", "backtest", "exec-by-curl.yaml", "--on", "audit.log", "--labels", "labels.jsonl"];
    let (code, text, error) = run(folder.path(), &args);
    assert_eq!(code, Some(0), "{error}");
    for told in ["2 alerts", "on 3 records", "user:ci", "theft", "actor.name == \"ci\""] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let json = run(folder.path(), &[&args[..], &["--output", "json"]].concat()).1;
    assert!(json.starts_with('{') && json.contains("\"trailhound.backtest/1\""), "{json}");
    let (code, _, error) = run(folder.path(), &["rules", "backtest", "nope", "--on", "audit.log"]);
    assert_eq!(code, Some(2));
    assert!(error.contains("nope"), "{error}");
}

#[test]
fn a_directory_without_rules_is_not_taken_for_rules_that_find_nothing() {
    let folder = folder();
    fs::create_dir(folder.path().join("rules")).unwrap();
    fs::write(folder.path().join("rules/exec.json"), RULE).unwrap();
    for option in ["--rules", "--falco-rules", "--sigma-rules"] {
        let (code, _, error) = run(folder.path(), &["scan", "audit.log", option, "rules"]);
        assert_eq!(code, Some(2), "{option}");
        assert!(error.contains("no .yaml or .yml file"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn the_name_of_a_file_gives_the_terminal_no_orders() {
    let folder = folder();
    let name = "evil\u{1b}[2J.yaml";
    fs::write(folder.path().join(name), "id: x\n").unwrap();
    let (code, _, error) = run(folder.path(), &["rules", "lint", name]);
    assert_eq!(code, Some(2));
    assert!(!error.contains('\u{1b}') && error.contains("evil\\u{1b}[2J"), "{error}");
}
