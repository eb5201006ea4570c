//! The scoring rules on handmade records: an attack A of acts a1…a3 and a discovery call a0, an
//! attack B of b1 and b2, a look-alike l1, a consequence r1; anything else is background.

use super::score::{FalseKind, Reason, Score, score};
use crate::recording::{Edge, Instance, Label, Truth};
use crate::scan::{Finding, Incident, RuleRef, Scan, Severity};

fn label(id: &str, kind: &str, instance: Option<&str>) -> Label {
    Label {
        audit_id: id.into(),
        kind: kind.into(),
        scenario: if instance == Some("B") { "S03".into() } else { "S01".into() },
        instance: instance.map(str::to_owned),
        aux: id == "a0",
        verb: "get".into(),
        request: "GET /version".into(),
        ..Label::default()
    }
}

fn truth() -> Truth {
    let malicious = |id, instance| label(id, "malicious", Some(instance));
    let labels = vec![
        malicious("a0", "A"),
        malicious("a1", "A"),
        malicious("a2", "A"),
        malicious("a3", "A"),
        malicious("b1", "B"),
        malicious("b2", "B"),
        label("l1", "benign_lookalike", None),
    ];
    let edge = Edge { from_ids: vec!["a1".into()], to_ids: vec!["a2".into()], ..Edge::default() };
    let scenario = Instance {
        scenario: "S01".into(),
        name: "A".into(),
        title: "theft".into(),
        edges: vec![edge],
    };
    Truth::new(labels, vec![label("r1", "consequence", Some("A"))], vec![scenario])
}

fn incident(severity: Severity, evidence: &[&str]) -> Incident {
    Incident {
        id: evidence.join("+"),
        severity,
        evidence: evidence.iter().map(|id| (*id).to_owned()).collect(),
        ..Incident::default()
    }
}

fn scored(incidents: Vec<Incident>) -> Score {
    score(&truth(), &Scan { incidents, ..Scan::default() })
}

fn found(score: &Score) -> Vec<&str> {
    score.found.iter().map(|found| found.instance.as_str()).collect()
}

fn reason<'a>(score: &'a Score, instance: &str) -> &'a Reason {
    &score.missed.iter().find(|miss| miss.instance == instance).unwrap().reason
}

#[test]
fn one_act_in_a_medium_incident_is_enough() {
    let score = scored(vec![incident(Severity::Medium, &["a1", "background"])]);
    assert_eq!(found(&score), ["A"]);
    assert_eq!((score.instances.found, score.instances.of), (1, 2));
    assert_eq!(score.families["credentials"].found, 1);
    assert_eq!((score.families["rbac"].found, score.families["rbac"].of), (0, 1));
}

#[test]
fn a_discovery_call_alone_finds_nothing_and_is_no_false_alarm() {
    let score = scored(vec![incident(Severity::High, &["a0"])]);
    assert!(found(&score).is_empty());
    assert!(score.false_incidents.is_empty());
}

#[test]
fn a_low_incident_is_a_miss_with_its_severity_told() {
    let score = scored(vec![incident(Severity::Low, &["a1"])]);
    assert!(matches!(reason(&score, "A"), Reason::TooMild { severity: Severity::Low, .. }));
    assert_eq!(score.incidents, 0);
}

#[test]
fn an_instance_is_not_found_by_an_incident_that_is_mainly_anothers() {
    let score = scored(vec![incident(Severity::Critical, &["a1", "a2", "a3", "b1"])]);
    assert_eq!(found(&score), ["A"]);
    assert_eq!(
        *reason(&score, "B"),
        Reason::MainlyAnothers { incidents: vec![("a1+a2+a3+b1".into(), "A".into())] }
    );
    assert_eq!(score.mixed.len(), 1);
    assert_eq!(score.mixed[0].instances["A"], 3);
}

#[test]
fn exactly_half_finds_both_and_mixes() {
    let score = scored(vec![incident(Severity::High, &["a1", "b1"])]);
    assert_eq!(found(&score), ["A", "B"]);
    assert_eq!(score.mixed.len(), 1);
}

#[test]
fn a_stray_discovery_call_does_not_mix() {
    let score = scored(vec![incident(Severity::High, &["a0", "b1"])]);
    assert!(score.mixed.is_empty());
    assert_eq!(found(&score), ["B"]);
}

#[test]
fn false_incidents_are_split_into_background_and_look_alikes() {
    let score = scored(vec![
        incident(Severity::Medium, &["x"]),
        incident(Severity::Medium, &["x", "l1"]),
        incident(Severity::Low, &["x"]),
    ]);
    assert_eq!(score.false_of(FalseKind::Background).count(), 1);
    assert_eq!(score.false_of(FalseKind::LookAlike).count(), 1);
}

#[test]
fn an_incident_on_consequences_is_neither_hit_nor_false() {
    let score = scored(vec![incident(Severity::High, &["r1", "x"])]);
    assert!(score.false_incidents.is_empty());
    assert!(score.found.is_empty());
    assert_eq!(score.only_related, 1);
}

#[test]
fn every_incident_that_cites_a_found_instance_counts_for_it() {
    let score = scored(vec![
        incident(Severity::High, &["a1"]),
        incident(Severity::Medium, &["a2"]),
        incident(Severity::Medium, &["b1", "b2", "a3"]),
    ]);
    let a = score.found.iter().find(|found| found.instance == "A").unwrap();
    assert_eq!((a.incidents, a.cited, a.records), (3, 3, 3));
    assert!((score.incidents_per_found - 2.0).abs() < f64::EPSILON);
}

#[test]
fn findings_without_an_incident_name_their_rules() {
    let finding = Finding {
        rule: RuleRef { id: "token-theft".into() },
        severity: Severity::High,
        evidence: ["a1".to_owned()].into(),
        ..Finding::default()
    };
    let score = score(&truth(), &Scan { findings: vec![finding], ..Scan::default() });
    assert_eq!(
        *reason(&score, "A"),
        Reason::OnlyFindings { rules: vec!["token-theft (high)".into()] }
    );
    assert_eq!(*reason(&score, "B"), Reason::NotSeen);
}

#[test]
fn a_causal_edge_is_told_only_when_one_incident_has_both_sides() {
    let apart = scored(vec![incident(Severity::High, &["a1"]), incident(Severity::High, &["a2"])]);
    assert_eq!((apart.edges.found, apart.edges.of), (0, 1));
    let joined = scored(vec![incident(Severity::High, &["a1", "a2"])]);
    assert_eq!(joined.edges.found, 1);
}
