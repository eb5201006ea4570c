//! The program as a user meets it: arguments, output, exit codes. Sealed: own folder, no colour,
//! fixed width.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

const QUIET: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods","verb":"list","user":{"username":"alice"},"sourceIPs":["10.0.0.9"],"userAgent":"kubectl/v1","objectRef":{"resource":"pods","namespace":"shop","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-23T11:00:00.000000Z","stageTimestamp":"2026-11-23T11:00:00.000001Z"}"#;

const BREACH: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"b1","stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"list","user":{"username":"system:anonymous"},"sourceIPs":["198.18.0.9"],"userAgent":"curl/8","objectRef":{"resource":"secrets","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"2026-11-23T11:00:01.000000Z","stageTimestamp":"2026-11-23T11:00:01.000001Z"}"#;

fn trailhound(folder: &Path, args: &[&str], input: Option<&str>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trailhound"))
        .args(args)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes());
    child.wait_with_output().unwrap()
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_quiet_log_says_nothing_found_and_exits_with_0() {
    let folder = folder(&[("audit.log", QUIET)]);
    let output = trailhound(folder.path(), &["scan", "audit.log"], None);
    let text = shown(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output.stderr));
    assert!(text.to_lowercase().contains("nothing found"), "{text}");
    assert!(text.contains("What was checked"), "{text}");
    assert!(output.stderr.is_empty(), "a pipe gets no progress: {}", shown(&output.stderr));
    assert!(!text.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn incidents_exit_with_1_from_the_severity_asked_for() {
    let folder = folder(&[("audit.log", &format!("{QUIET}\n{BREACH}\n"))]);
    let code = |fail_on| {
        trailhound(folder.path(), &["scan", "audit.log", "--fail-on", fail_on], None).status.code()
    };
    assert_eq!(code("medium"), Some(1));
    assert_eq!(code("critical"), Some(1));
    let wrong = trailhound(folder.path(), &["scan", "audit.log", "--fail-on", "awful"], None);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(shown(&wrong.stderr).contains("critical"), "says what is possible");
}

#[test]
fn input_that_was_not_wholly_read_exits_with_2_and_is_named() {
    let folder = folder(&[("audit.log", BREACH)]);
    let output = trailhound(folder.path(), &["scan", "audit.log", "missing.log"], None);
    assert_eq!(output.status.code(), Some(2));
    assert!(shown(&output.stdout).contains("missing.log"), "{}", shown(&output.stdout));
    let nothing = trailhound(folder.path(), &["scan", "missing.log"], None);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(shown(&nothing.stderr).contains("missing.log"), "{}", shown(&nothing.stderr));
}

#[test]
fn lines_that_are_no_events_are_counted_and_located() {
    let folder = folder(&[("audit.log", &format!("{QUIET}\n{{\"kind\":\"Pod\"}}\n{QUIET}\n"))]);
    let output = trailhound(folder.path(), &["scan", "audit.log", "--output", "json"], None);
    let text = shown(&output.stdout);
    assert!(text.contains("\"rejected\": 1") || text.contains("\"rejected\":1"), "{text}");
    assert!(text.contains(&(QUIET.len() + 1).to_string()), "its offset is told");
}

#[test]
fn standard_input_json_lines_and_the_page() {
    let folder = folder(&[]);
    let output = trailhound(
        folder.path(),
        &["scan", "-", "--output", "jsonl", "--report", "out.html", "--cluster", "prod"],
        Some(BREACH),
    );
    assert_eq!(output.status.code(), Some(1), "{}", shown(&output.stderr));
    let text = shown(&output.stdout);
    assert!(text.lines().count() >= 4 && text.contains("\"prod\""), "{text}");
    let page = fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(page.contains("<html") && !page.contains("http://") && !page.contains("<script"));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_that_names_it() {
    let folder = folder(&[("audit.log", QUIET)]);
    let output =
        trailhound(folder.path(), &["scan", "audit.log", "--report", "no/such/dir.html"], None);
    assert_eq!(output.status.code(), Some(2));
    assert!(shown(&output.stderr).contains("no/such/dir.html"), "{}", shown(&output.stderr));
}

#[test]
fn the_demo_finds_the_breach_and_exits_with_0() {
    let folder = folder(&[]);
    let output = trailhound(folder.path(), &["demo"], None);
    let text = shown(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output.stderr));
    assert!(
        text.lines().next().is_some_and(|line| line.contains("incidents: 1 critical")),
        "{text}"
    );
    for told in ["user bob", "service account shop/cart", "data/pipeline-admin", "kubectl delete"] {
        assert!(text.contains(told), "{told} is part of the story");
    }
}

#[test]
fn rules_are_listed_and_explained() {
    let folder = folder(&[]);
    let list = shown(&trailhound(folder.path(), &["rules", "list"], None).stdout);
    assert!(list.lines().count() >= 15, "{list}");
    let manual = trailhound(folder.path(), &["rules", "explain", "exec-reads-token"], None);
    assert!(shown(&manual.stdout).contains("T1609"));
    let unknown = trailhound(folder.path(), &["rules", "explain", "no-such-rule"], None);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(shown(&unknown.stderr).contains("rules list"));
}
