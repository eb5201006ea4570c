//! What `rules lint` calls impossible is impossible, and what is possible it lets be.

use trailhound_rules::{
    RuleSet,
    lint::{AuditPolicy, Weight, lint},
};

fn rule(id: &str, on: &str, when: &str) -> String {
    format!(
        "id: {id}\nversion: 1\ntitle: T\nfamily: rbac\nseverity: high\non:\n  {on}\nwhen: |\n  {when}\nexplain: \"{{principal}} did it.\"\nwhy: w\n"
    )
}

fn warnings_of(files: &[String], policy: Option<&str>) -> Vec<String> {
    let names: Vec<String> = files
        .iter()
        .map(|text| format!("{}.yaml", text.lines().next().unwrap().trim_start_matches("id: ")))
        .collect();
    let files: Vec<_> =
        names.iter().map(String::as_str).zip(files.iter().map(String::as_str)).collect();
    let rules = RuleSet::load(&files).unwrap();
    let policy = policy.map(|text| AuditPolicy::parse(text).unwrap());
    lint(&rules, policy.as_ref(), |_| true)
        .into_iter()
        .filter(|one| one.weight == Weight::Warning)
        .map(|one| format!("{}: {}", one.rule, one.what))
        .collect()
}

#[test]
fn rules_that_can_never_fire_are_told_so_with_the_reason() {
    let cases = [
        ("actions: [pod.exec]", "exec.command == \"a\" && exec.command == \"b\"", "two different"),
        ("actions: [pod.exec]", "target.resource == \"secrets\"", "can be done to secrets"),
        ("actions: [secret.read]", "event.code == 403", "no outcome"),
        ("actions: [secret.read]", "event.code > 300 && event.code < 200", "no number"),
        ("actions: [secret.read]", "grant.role == \"x\"", "only rbac.grant"),
        ("actions: [secret.read]", "action.kind == \"pod.exec\"", "does not watch"),
        ("actions: [secret.read]", "action.outcome == \"denied\"", "does not watch"),
        (
            "actions: [secret.read]",
            "event.verb == \"get\" && !(event.verb == \"get\")",
            "the opposite",
        ),
    ];
    for (on, when, wanted) in cases {
        let told = warnings_of(&[rule("one", on, when)], None);
        assert!(told.iter().any(|one| one.contains(wanted)), "{when}: {told:?}");
    }
}

#[test]
fn rules_that_can_fire_are_let_be() {
    let cases = [
        ("actions: [pod.exec]", "exec.command == \"a\" || exec.command == \"b\""),
        ("actions: [object.read]", "target.resource == \"widgets\" && target.group == \"x.io\""),
        ("actions: [identity.impersonate]\n  outcomes: [denied]", "target.resource == \"pods\""),
        ("actions: [secret.read]\n  outcomes: [denied]", "event.code == 403"),
        ("actions: [secret.*]", "event.code >= 200 && event.code < 300"),
        ("actions: [workload.change]", "target.subresource == \"scale\" || workload.privileged"),
    ];
    for (on, when) in cases {
        assert_eq!(warnings_of(&[rule("one", on, when)], None), Vec::<String>::new(), "{when}");
    }
}

#[test]
fn a_rule_that_says_no_more_than_another_is_told_so() {
    let wide = rule("wide", "actions: [secret.*]", "event.agent == \"curl\"");
    let narrow =
        rule("narrow", "actions: [secret.read]", "event.agent == \"curl\" && target.system");
    let other = rule("other", "actions: [secret.read]", "event.agent == \"wget\"");
    let told = warnings_of(&[wide, narrow, other], None);
    assert_eq!(told, ["narrow: whatever it finds, wide finds too"]);
}

const POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    resources: [{group: \"\", resources: [events]}, {group: events.k8s.io}]
  - level: RequestResponse
    namespaces: [kube-system]
    resources: [{group: \"\", resources: [configmaps]}]
  - level: Metadata
    resources: [{group: \"\", resources: [secrets, configmaps, \"pods/*\"]}]
  - level: RequestResponse
    omitStages: [ResponseComplete]
    resources: [{group: batch}]
  - level: RequestResponse
";

#[test]
fn an_audit_policy_says_which_rules_it_leaves_blind() {
    let cases = [
        ("actions: [event.delete]", "event.agent == \"curl\"", Some("does not log event.delete")),
        ("actions: [secret.write]", "event.requestObject.kind == \"x\"", Some("at less")),
        ("actions: [secret.read]", "event.agent == \"curl\"", None),
        ("actions: [rbac.grant]", "grant.role == \"x\"", None),
        // Contents are logged in one namespace: worth a note, no warning.
        ("actions: [config.write]", "event.requestObject.kind == \"x\"", None),
        ("actions: [pod.exec]", "exec.command == \"x\"", None),
        ("actions: [workload.create]", "target.resource == \"cronjobs\"", Some("what came of it")),
        ("actions: [workload.create]", "target.resource == \"deployments\"", None),
    ];
    for (on, when, wanted) in cases {
        let told = warnings_of(&[rule("one", on, when)], Some(POLICY));
        match wanted {
            Some(wanted) => {
                assert!(told.iter().any(|one| one.contains(wanted)), "{when}: {told:?}");
            }
            None => assert_eq!(told, Vec::<String>::new(), "{on} {when}"),
        }
    }
}

#[test]
fn what_is_no_audit_policy_is_refused_with_the_reason() {
    for (text, wanted) in [
        ("kind: Pod", "kind is `Pod`"),
        ("- a", "no audit policy"),
        ("kind: Policy\nrules: [{level: Everything}]", "Everything"),
    ] {
        let error = AuditPolicy::parse(text).unwrap_err().to_string();
        assert!(error.contains(wanted), "{text}: {error}");
    }
}
