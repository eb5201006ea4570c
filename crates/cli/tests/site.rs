//! What a site brings along, as a user meets it: what is lowered says so, what has expired says so,
//! and what cannot be right is refused with file and line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop")]

use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// A person lists all secrets of the cluster: medium or worse, whoever it is.
fn line(id: &str, user: &str, verb: &str, address: &str) -> String {
    format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}","stage":"ResponseComplete","requestURI":"/api/v1/secrets","verb":"{verb}","user":{{"username":"{user}","groups":["ci","system:authenticated"]}},"sourceIPs":["{address}"],"userAgent":"kubectl/v1.33","objectRef":{{"resource":"secrets","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2026-11-23T11:00:00.000000Z","stageTimestamp":"2026-11-23T11:00:00.000001Z","annotations":{{"authorization.k8s.io/decision":"allow"}}}}"#
    )
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn trailhound(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trailhound"))
        .args(args)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .output()
        .unwrap()
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The answer as JSON to one log with one site file, and the exit code.
fn scan(log: &str, site: &str, more: &[(&str, &str)], args: &[&str]) -> (Value, Option<i32>) {
    let mut files = vec![("audit.log", log), ("site.yaml", site)];
    files.extend(more);
    let folder = folder(&files);
    let mut all = vec!["scan", "audit.log", "--output", "json"];
    if !site.is_empty() {
        all.extend(["--site", "site.yaml"]);
    }
    all.extend(args);
    let output = trailhound(folder.path(), &all);
    let answer = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", shown(&output.stderr)));
    (answer, output.status.code())
}

fn refused(site: &str) -> String {
    let folder =
        folder(&[("audit.log", &line("a", "dave", "list", "10.0.0.9")), ("site.yaml", site)]);
    let output = trailhound(folder.path(), &["scan", "audit.log", "--site", "site.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{site}");
    shown(&output.stderr)
}

fn finding<'a>(answer: &'a Value, rule: &str) -> &'a Value {
    let all = answer["findings"].as_array().unwrap();
    all.iter().find(|one| one["rule"]["id"] == rule).unwrap_or_else(|| panic!("{rule}: {answer}"))
}

const LISTED: &str = "secrets-listed-everywhere";

const EXPECTED: &str = "version: 1
expected:
  - actors: [backup]
    rules: [secrets-listed-everywhere]
    from: [10.0.0.0/8]
    owner: platform
    reason: The nightly backup reads all secrets.
    expires: 2027-01-31
";

#[test]
fn what_is_expected_is_for_information_and_makes_no_incident() {
    let log = line("a", "backup", "list", "10.0.0.9");
    let (without, code) = scan(&log, "", &[], &[]);
    assert_eq!(code, Some(1));
    assert_ne!(finding(&without, LISTED)["severity"], "info");
    assert_eq!(without["site"], serde_json::json!([]));
    let (with, code) = scan(&log, EXPECTED, &[], &[]);
    assert_eq!(code, Some(0), "{with}");
    let one = finding(&with, LISTED);
    assert_eq!(one["severity"], "info");
    assert_eq!(one["site"][0]["effect"], "expected");
    assert_eq!(one["site"][0]["entry"], "site.yaml, expected 1");
    let told = "Expected by the site: The nightly backup reads all secrets, owner platform, until 2027-01-31.";
    assert!(one["explanation"].as_str().unwrap().ends_with(told), "{one}");
    assert_eq!(one["severity_reason"], told);
    let about =
        |one: &&Value| one["findings"].as_array().unwrap().contains(&finding(&with, LISTED)["id"]);
    assert_eq!(with["incidents"].as_array().unwrap().iter().filter(about).count(), 0);
    assert_eq!((&with["site"][0]["findings"], &with["site"][0]["records"]), (&1.into(), &1.into()));
}

#[test]
fn the_same_by_somebody_else_or_from_elsewhere_counts_in_full() {
    for (user, address) in [("backup2", "10.0.0.9"), ("backup", "192.0.2.1"), ("dave", "10.0.0.9")]
    {
        let (answer, code) = scan(&line("a", user, "list", address), EXPECTED, &[], &[]);
        assert_eq!(code, Some(1), "{user}");
        let one = finding(&answer, LISTED);
        assert!(one["severity"] != "info" && one["site"] == serde_json::json!([]), "{one}");
    }
}

#[test]
fn an_entry_that_has_expired_lowers_nothing_and_says_so() {
    let site = EXPECTED.replace("2027-01-31", "2026-11-22");
    let (answer, code) = scan(&line("a", "backup", "list", "10.0.0.9"), &site, &[], &[]);
    assert_eq!(code, Some(1));
    let one = finding(&answer, LISTED);
    assert_eq!(one["site"][0]["effect"], "expired");
    assert!(one["explanation"].as_str().unwrap().contains("that entry has expired"), "{one}");
    let warnings = answer["input"]["warnings"].to_string();
    assert!(warnings.contains("site.yaml, expected 1 expired on 2026-11-22"), "{warnings}");
    assert!(warnings.contains("would have covered 1 finding,"), "{warnings}");
    assert_eq!(answer["site"][0]["expired"], 1);
    // The last day holds to its end, by the time of the event.
    let site = EXPECTED.replace("2027-01-31", "2026-11-23");
    let (_, code) = scan(&line("a", "backup", "list", "10.0.0.9"), &site, &[], &[]);
    assert_eq!(code, Some(0));
}

#[test]
fn a_critical_finding_is_lowered_only_by_an_entry_that_names_its_rule() {
    let log = line("a", "system:anonymous", "list", "198.18.0.9");
    let by_action = "version: 1
expected:
  - {actors: ['system:anonymous'], actions: ['secret.*'], owner: o, reason: r, expires: 2027-01-31}
";
    let (answer, code) = scan(&log, by_action, &[], &["--fail-on", "critical"]);
    assert_eq!(code, Some(1));
    let one = finding(&answer, "anonymous-success");
    assert_eq!((&one["severity"], &one["site"][0]["effect"]), (&"critical".into(), &"kept".into()));
    assert_eq!(answer["site"][0]["not_lowered"], 1);
    let by_rule = by_action.replace("actions: ['secret.*']", "rules: [anonymous-success]");
    let (answer, _) = scan(&log, &by_rule, &[], &[]);
    assert_eq!(finding(&answer, "anonymous-success")["severity"], "info");
}

#[test]
fn a_suppressed_rule_is_quiet_only_where_its_condition_holds() {
    let site = "version: 1
suppress:
  - rules: [secrets-listed-everywhere]
    when: event.agent == \"kubectl\" && principal.name == \"dave\"
    owner: o
    reason: a test
    expires: 2027-01-31
";
    let log =
        [line("a", "dave", "list", "10.0.0.9"), line("b", "erin", "list", "10.0.0.9")].join("\n");
    let (answer, code) = scan(&log, site, &[], &[]);
    assert_eq!(code, Some(1));
    let of = |user: &str| {
        let all = answer["findings"].as_array().unwrap();
        all.iter().find(|one| one["principal"] == user && one["rule"]["id"] == LISTED).unwrap()["severity"].clone()
    };
    assert_eq!(of("user:dave"), "info");
    assert_ne!(of("user:erin"), "info");
}

#[test]
fn emergency_access_is_one_step_milder_inside_its_window_and_never_hidden() {
    let site = "version: 1
break-glass:
  - {actors: [emergency], from: '2026-11-23T10:00:00Z', until: '2026-11-23T12:00:00Z', owner: on-call, reason: storage is down}
";
    let log = line("a", "emergency", "list", "10.0.0.9");
    let (plain, _) = scan(&log, "", &[], &[]);
    let (inside, _) = scan(&log, site, &[], &[]);
    let one = finding(&inside, LISTED);
    assert_eq!(one["site"][0]["effect"], "break-glass");
    assert_ne!(finding(&plain, LISTED)["severity"], one["severity"]);
    let told = "Break-glass used, by on-call: storage is down";
    assert!(one["explanation"].as_str().unwrap().contains(told), "{one}");
    assert_eq!(finding(&inside, "break-glass-used")["severity"], "low");
    assert!(!inside["incidents"].as_array().unwrap().is_empty());
    let outside = site
        .replace("2026-11-23T12", "2026-11-23T11")
        .replace("T10:", "T09:")
        .replace("T11:00", "T10:30");
    let (answer, _) = scan(&log, &outside, &[], &[]);
    assert_eq!(finding(&answer, "break-glass-used")["severity"], "high");
    assert_eq!(finding(&answer, LISTED)["severity"], finding(&plain, LISTED)["severity"]);
}

#[test]
fn what_was_suppressed_stands_in_the_text_and_on_the_page() {
    let folder =
        folder(&[("audit.log", &line("a", "backup", "list", "10.0.0.9")), ("site.yaml", EXPECTED)]);
    let args = ["scan", "audit.log", "--site", "site.yaml", "--report", "out.html"];
    let text = shown(&trailhound(folder.path(), &args).stdout);
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    assert!(text.contains("site.yaml, expected 1: 1 finding suppressed (1 record)"), "{text}");
    let page = fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(
        page.contains("What the site expected")
            && page.contains("Expected by the site: The nightly")
    );
    let verbose = shown(&trailhound(folder.path(), &[&args[..4], &["-v"]].concat()).stdout);
    let verbose: Vec<&str> = verbose.split_whitespace().collect();
    assert!(verbose.join(" ").contains("Expected by the site: The nightly"), "{verbose:?}");
}

#[test]
fn what_cannot_be_right_is_refused_with_its_line_and_a_hint() {
    let terms = "owner: o, reason: r, expires: 2027-01-31";
    for (site, told) in [
        ("version: 2\n".to_owned(), "site.yaml: this is a site file of version 2"),
        ("version: 1\nexpcted: []\n".into(), "site.yaml:2:1: unknown key `expcted` (did you mean `expected`?)"),
        (format!("version: 1\nexpected:\n  - {{actors: [a], {terms}}}\n"), "site.yaml:3: the entry is too wide"),
        (format!("version: 1\nexpected:\n  - {{groups: ['system:auth*'], actions: [pod.exec], {terms}}}\n"), "site.yaml:3: everybody is in the group `system:auth*`"),
        (format!("version: 1\nnetworks:\n  - {{allow: [0.0.0.0/0], {terms}}}\n"), "site.yaml:3: `0.0.0.0/0` is every address"),
        (format!("version: 1\nexpected:\n  - {{actors: ['*'], actions: [pod.exec], {terms}}}\n"), "site.yaml:3: `*` is everybody"),
        (format!("version: 1\nexpected:\n  - {{actors: [a], actions: ['*'], {terms}}}\n"), "site.yaml:3: `*` is every action"),
        (format!("version: 1\nexpected:\n  - {{actors: [a], actions: [pod.exce], {terms}}}\n"), "(did you mean `pod.exec`?)"),
        (format!("version: 1\nexpected:\n  - {{actors: [a], rules: [exec-reads-tokn], {terms}}}\n"), "site.yaml:3: there is no rule `exec-reads-tokn` (did you mean `exec-reads-token`?)"),
        (format!("version: 1\nexpected:\n  - {{actors: [a], actions: [pod.exec], from: [10.0.0.1/8], {terms}}}\n"), "not its first"),
        ("version: 1\nexpected:\n  - {actors: [a], actions: [pod.exec], owner: o, reason: r}\n".into(), "the key `expires` is missing (see docs/site.md)"),
        ("version: 1\nusers:\n  - {allow: [a], owner: o, reason: r, expires: soon}\n".into(), "site.yaml:3: `soon` is no date"),
        ("version: 1\nusers:\n  - {allow: [a], owner: '', reason: r, expires: 2027-01-31}\n".into(), "`owner` is empty"),
        (format!("version: 1\nsuppress:\n  - {{rules: [attack-tool], when: history.addressIsNew, {terms}}}\n"), "`history.addressIsNew` cannot be asked in a site file"),
        (format!("version: 1\nsuppress:\n  - {{rules: [attack-tool], when: nonsense, {terms}}}\n"), "site.yaml:3: there is no field"),
        ("version: 1\nbreak-glass:\n  - {actors: [a], from: '2026-11-23T10:00:00Z', owner: o, reason: r}\n".into(), "no right beginning and end"),
    ] {
        let error = refused(&site);
        assert!(error.contains(told), "{site}: {error}");
    }
}

#[test]
fn indicators_are_looked_for_and_their_files_checked() {
    let log = line("a", "dave", "list", "203.0.113.9");
    let good = "type,value,source,expires,label\ncidr,203.0.113.0/24,feed,2027-01-31,Tor exit\n";
    let (answer, code) = scan(&log, "", &[("bad.csv", good)], &["--indicators", "bad.csv"]);
    assert_eq!(code, Some(1));
    let told = finding(&answer, "address-of-anonymiser")["explanation"].as_str().unwrap();
    assert!(told.contains("Tor exit"), "{told}");
    let blind = answer["completeness"][0]["blind_reasons"].clone();
    assert!(blind.get("address-of-anonymiser").is_none());
    let why = blind["image-not-allowed"].as_str().unwrap();
    assert!(why.contains("--site"), "{why}");
    let folder = folder(&[
        ("audit.log", &log),
        ("bad.csv", "type,value\naddress,203.0.113.9\n"),
        ("x.mmdb", "no"),
    ]);
    let args =
        ["scan", "audit.log", "--indicators", "bad.csv", "--mmdb", "x.mmdb", "--site", "none.yaml"];
    let output = trailhound(folder.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    let error = shown(&output.stderr);
    for told in ["bad.csv:2: an address needs `expires`", "x.mmdb: no database", "none.yaml: "] {
        assert!(error.contains(told), "{told}: {error}");
    }
}

#[test]
fn the_manual_of_a_rule_says_everything() {
    let folder = folder(&[]);
    let manual = |id| shown(&trailhound(folder.path(), &["rules", "explain", id]).stdout);
    let text = manual("image-not-allowed");
    for told in [
        "EX10",
        "blind without it",
        "--site",
        "!site.imagesAllowed",
        "workload.create",
        "silent on",
        "high if target.system",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let text = manual("default-admin-at-work");
    assert!(text.contains("at least 10 requests within 60 minutes, for each actor.name"), "{text}");
}
