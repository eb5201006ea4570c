//! Alerts of Falco rules from bytes to the last line: their order, what they say, what a restart
//! does to them.

use crate::support::{facts, log};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use trailhound_detect::{Engine, Settings};
use trailhound_model::{
    alert::{Alert, AlertValue},
    finding::Severity,
};
use trailhound_rules::{RuleSet, Sources};

const RULES: &str = r#"
- rule: Secret Read
  desc: A secret was
    read.
  condition: ka.verb = get and ka.target.resource = secrets
  output: "read %ka.target.name by %ka.user.name (groups=%ka.user.groups as=%ka.impuser.name 100% at %jevt.rawtime)"
  priority: WARNING
  source: k8s_audit
  tags: [k8s, T1552.007]
- rule: Anything
  desc: Anything.
  condition: jevt.rawtime exists
  output: anything %jevt.value[/requestObject/data/token]
  priority: debug
  source: k8s_audit
"#;

fn rules(first: bool, alerts: bool) -> Arc<RuleSet> {
    let sources = Sources {
        falco: &[("rules.yaml", RULES)],
        falco_first: first,
        falco_alerts: alerts,
        ..Sources::default()
    };
    Arc::new(RuleSet::load_all(&sources).unwrap_or_else(|errors| panic!("{}", errors[0])))
}

fn read_of(name: &str, time: &str) -> Value {
    json!({
        "verb": "get", "requestURI": "/api/v1/namespaces/shop/secrets/x",
        "user": {"username": "eve", "groups": ["dev", "ops"]},
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": name},
        "responseStatus": {"code": 200}, "stageTimestamp": time, "requestReceivedTimestamp": time
    })
}

fn told(rules: &Arc<RuleSet>, log: &str) -> Vec<Alert> {
    let mut engine = Engine::new(Arc::clone(rules), Settings::default());
    let mut alerts = Vec::new();
    for (fact, key) in facts(rules, log) {
        engine.push(fact, key);
        alerts.extend(engine.take_alerts());
    }
    engine.flush();
    alerts.extend(engine.take_alerts());
    alerts
}

#[test]
fn an_alert_says_all_values_and_what_is_missing() {
    let log = log(&[read_of("db", "2026-11-23T11:17:13.204586Z")]);
    let alert = told(&rules(false, true), &log).swap_remove(0);
    assert_eq!(
        alert.output,
        "11:17:13.204586000: Warning read db by eve (groups=(dev,ops) as=<NA> 100% at 1795432633204586000)"
    );
    assert_eq!(alert.tags, ["T1552.007", "k8s"]);
    let groups = AlertValue::List(vec!["dev".into(), "ops".into()]);
    assert_eq!(alert.fields.get("ka.user.groups"), Some(&groups));
    assert_eq!(alert.fields.get("ka.impuser.name"), Some(&AlertValue::Missing));
    let nanos = AlertValue::Number(1_795_432_633_204_586_000);
    assert_eq!(alert.fields.get("evt.time"), Some(&nanos));
    assert_eq!(alert.fields.get("jevt.rawtime"), Some(&nanos));
}

#[test]
fn alerts_come_in_order_of_time_and_every_duplicate_is_told_once() {
    let mut events = vec![
        read_of("second", "2026-11-23T11:00:01.500000Z"),
        read_of("first", "2026-11-23T11:00:01.000000Z"),
        read_of("third", "2026-11-23T11:00:09.000000Z"),
    ];
    for (at, event) in events.iter_mut().enumerate() {
        event["auditID"] = json!(format!("{at}"));
    }
    events.push(events[2].clone());
    let alerts = told(&rules(true, true), &log(&events));
    let names: Vec<_> = alerts.iter().map(|alert| alert.fields["ka.target.name"].clone()).collect();
    assert_eq!(names, ["first", "second", "third"].map(|name| AlertValue::Text(name.into())));
}

#[test]
fn the_first_rule_that_matches_silences_the_later_ones_only_where_asked() {
    let log = log(&[read_of("db", "2026-11-23T11:17:13.204586Z")]);
    let names = |first| -> Vec<String> {
        told(&rules(first, true), &log).into_iter().map(|alert| alert.rule).collect()
    };
    assert_eq!(names(false), ["Secret Read", "Anything"]);
    assert_eq!(names(true), ["Secret Read"]);
}

#[test]
fn nobody_who_did_not_ask_pays_for_alerts_but_findings_are_there() {
    let rules = rules(false, false);
    let log = log(&[read_of("db", "2026-11-23T11:17:13.204586Z")]);
    assert!(told(&rules, &log).is_empty());
    let mut engine = Engine::new(Arc::clone(&rules), Settings::default());
    for (fact, key) in facts(&rules, &log) {
        engine.push(fact, key);
    }
    engine.flush();
    let findings = engine.outcome().findings;
    let found = findings.iter().find(|one| one.rule.id == "falco:Secret Read").unwrap();
    assert_eq!((found.severity, found.why.as_str()), (Severity::Medium, "A secret was read."));
    assert_eq!(found.techniques, ["T1552.007"]);
    assert!(found.explanation.contains("eve"), "{}", found.explanation);
}

#[test]
fn no_secret_leaves_by_an_alert() {
    let event = json!({
        "verb": "create", "level": "Request", "requestURI": "/x", "user": {"username": "eve"},
        "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db"},
        "requestObject": {"data": {"token": "aHVudGVyMg=="}}, "responseStatus": {"code": 201}
    });
    let alerts = told(&rules(false, true), &log(&[event]));
    let written = format!("{alerts:?}");
    assert!(written.contains("anything [masked:"), "{written}");
    assert!(!written.contains("aHVudGVyMg"), "{written}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_loses_no_alert_and_tells_none_twice(stop in 0usize..30) {
        let events: Vec<Value> = (0..30)
            .map(|at| {
                let mut event = read_of(&format!("s{at}"), "");
                let fields = event.as_object_mut().unwrap();
                fields.remove("stageTimestamp");
                fields.remove("requestReceivedTimestamp");
                event
            })
            .collect();
        let rules = rules(false, true);
        let log = log(&events);
        let mut engine = Engine::new(Arc::clone(&rules), Settings::default());
        for (at, (fact, key)) in facts(&rules, &log).into_iter().enumerate() {
            engine.push(fact, key);
            if at == stop {
                let saved = engine.save().unwrap();
                engine = Engine::restore(Arc::clone(&rules), &saved).unwrap();
            }
        }
        engine.flush();
        prop_assert_eq!(engine.take_alerts(), told(&rules, &log));
    }
}
