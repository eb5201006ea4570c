//! The expectations that the Falco project had for its own rules for audit events, with the rule
//! files that each of them names. They and the rules lie outside of this repository; without them
//! the test says that it was left out.

#![allow(clippy::print_stdout, reason = "a test that is left out says so")]

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_model::alert::Alert;
use trailhound_pipeline::{Options, scan_with_alerts};
use trailhound_rules::{RuleSet, Sources};

const CURRENT: &str = "rules/k8s_audit_rules.yaml";
const OF_THE_TESTS: &str = "rules/k8s_audit_rules.v0.6.0.yaml";

/// Rules whose names changed after the expectations were written.
const RENAMED: [(&str, &str); 4] = [
    ("K8s Role/Clusterrole Created", "K8s ClusterRole Created"),
    ("K8s Role/Clusterrole Deleted", "K8s ClusterRole Deleted"),
    ("K8s Role/Clusterrolebinding Created", "K8s ClusterRoleBinding Created"),
    ("K8s Role/Clusterrolebinding Deleted", "K8s ClusterRoleBinding Deleted"),
];

/// Lists that the expectations append to. Falco defines them in its rules for system calls, which its
/// own tests loaded first; here they only have to be there.
const FROM_SYSTEM_CALLS: &str = "
- list: falco_privileged_images
  items: []
- list: falco_sensitive_mount_images
  items: []
- list: falco_hostnetwork_images
  items: []
";

/// Expectations that the current rules cannot meet: they trust an image by a list that the current
/// rules no longer ask.
const BY_OLD_LISTS: [&str; 3] = [
    "create_privileged_trusted_pod",
    "create_sensitive_mount_trusted_pod",
    "create_hostnetwork_trusted_pod",
];

fn directory() -> Option<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let beside = checkout.join("../shared/conformance/falco");
    let named = std::env::var_os("TRAILHOUND_FALCO").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|path| path.join("tests.json").is_file())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn alerts(root: &Path, trace: &str, files: &[String], first: bool) -> Result<Vec<Alert>, String> {
    let read = |name: &String| (name.clone(), fs::read_to_string(root.join(name)).unwrap());
    let files: Vec<(String, String)> = files.iter().map(read).collect();
    let named = files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let falco: Vec<_> = [("lists.yaml", FROM_SYSTEM_CALLS)].into_iter().chain(named).collect();
    let sources =
        Sources { falco: &falco, falco_first: first, falco_alerts: true, ..Sources::default() };
    let rules = RuleSet::load_all(&sources).map_err(|errors| errors[0].to_string())?;
    let options = Options {
        paths: vec![root.join(trace)],
        cluster: None,
        threads: 1,
        masking_key: [1; 16],
        record_key: [2; 16],
        limits: Limits::default(),
        settings: Settings::default(),
    };
    let mut alerts = Vec::new();
    scan_with_alerts(&options, &Arc::new(rules), &mut |_| {}, &mut |alert| alerts.push(alert))
        .map_err(|error| error.to_string())?;
    Ok(alerts)
}

/// What is wrong with the alerts of one expectation.
fn judge(test: &Value, alerts: &[Alert], renamed: bool) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for alert in alerts {
        *counts.entry(&alert.rule).or_default() += 1;
    }
    let detect = test["detect"].as_bool().unwrap();
    if detect == alerts.is_empty() {
        return Some(format!("detect is {detect}, alerts: {counts:?}"));
    }
    for (rule, count) in test["expected_counts"].as_object().unwrap() {
        let new = RENAMED.iter().find(|(old, _)| renamed && old == rule);
        let rule = new.map_or(rule.as_str(), |(_, new)| *new);
        if counts.get(rule).copied().unwrap_or_default() != count.as_u64().unwrap() {
            return Some(format!("{rule}: {count} expected, alerts: {counts:?}"));
        }
    }
    let level = test["level"].as_str().filter(|_| detect)?;
    let has = alerts.iter().any(|alert| alert.priority.to_uppercase().starts_with(level));
    (!has).then(|| format!("no alert of level {level}"))
}

fn run(root: &Path, current: bool, first: bool) -> (usize, Vec<String>) {
    let tests = fs::read_to_string(root.join("tests.json")).unwrap();
    let tests: Value = serde_json::from_str(&tests).unwrap();
    let tests = tests["tests"].as_array().unwrap();
    let mut wrong = Vec::new();
    for test in tests {
        let id = test["id"].as_str().unwrap();
        if current && BY_OLD_LISTS.contains(&id) {
            println!("left out: {id} trusts an image by a list that the current rules do not ask");
            continue;
        }
        let mut files = texts(&test["rule_files"]);
        for file in files.iter_mut().filter(|file| !current && *file == CURRENT) {
            OF_THE_TESTS.clone_into(file);
        }
        let found = alerts(root, test["trace"].as_str().unwrap(), &files, first);
        let fault = match found {
            Ok(alerts) => judge(test, &alerts, current),
            Err(error) => Some(error),
        };
        wrong.extend(fault.map(|fault| format!("{id}: {fault}")));
    }
    (tests.len(), wrong)
}

fn all(current: bool) {
    let Some(root) = directory() else {
        println!("left out: there is no ../shared/conformance/falco");
        return;
    };
    for first in [false, true] {
        let (count, wrong) = run(&root, current, first);
        assert_eq!(count, 66);
        assert!(wrong.is_empty(), "first: {first}\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_expectations_of_the_falco_project_hold_with_the_rules_they_were_written_for() {
    all(false);
}

#[test]
fn they_hold_with_the_current_rules_but_for_names_that_changed() {
    for (old, new) in RENAMED {
        println!("renamed since: \"{old}\" is \"{new}\"");
    }
    all(true);
}

#[test]
fn the_rules_for_gke_load_on_top_of_the_current_ones() {
    let Some(root) = directory() else {
        println!("left out: there is no ../shared/conformance/falco");
        return;
    };
    for files in [
        vec![CURRENT, "rules/k8s_audit_rules_gke.yaml"],
        vec!["rules/gke_hack_rules.yaml"],
        vec!["legacy_rules/k8s_audit_rules.falco-repo-last.yaml"],
    ] {
        let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
        alerts(&root, "traces/create_secret.json", &files, false).unwrap();
    }
}

#[test]
fn every_field_of_the_plugin_is_known() {
    let Some(root) = directory() else {
        println!("left out: there is no ../shared/conformance/falco");
        return;
    };
    let fields = fs::read_to_string(root.join("fields.json")).unwrap();
    let fields: Value = serde_json::from_str(&fields).unwrap();
    let mut rules = String::new();
    for field in fields.as_array().unwrap() {
        let name = field["name"].as_str().unwrap();
        let argument = match field["arg"].as_str() {
            Some("index") => "[0]",
            Some(_) => "[key]",
            None => "",
        };
        let rule = format!(
            "- rule: {name}\n  desc: d\n  condition: {name}{argument} exists\n  output: \"%{name}{argument}\"\n  priority: INFO\n  source: k8s_audit\n"
        );
        rules.push_str(&rule);
    }
    let sources = Sources { falco: &[("fields.yaml", &rules)], ..Sources::default() };
    let loaded = RuleSet::load_all(&sources).unwrap_or_else(|errors| panic!("{errors:#?}"));
    assert_eq!(loaded.rules().len(), 100);
}
