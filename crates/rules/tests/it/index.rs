//! Which events a rule meets at all, and what meeting it costs.

use crate::support::{FakeBodies, FakeHistory, event, judged, load, rule_text, verdict};
use trailhound_model::{
    action::Effect,
    body::{Body, BodyKind, ObjectMeta, Workload},
    event::{Event, User},
    lookup::Truth,
};
use trailhound_rules::RuleSet;

fn rules(on: &str, rest: &str) -> RuleSet {
    load(&rule_text(&format!("on: {on}\n"), rest)).unwrap()
}

fn is_candidate(rules: &RuleSet, event: &Event) -> bool {
    !judged(rules, event, &FakeBodies::default()).0.candidates.is_empty()
}

fn with_code(mut event: Event, code: u16) -> Event {
    event.status.as_mut().unwrap().code = Some(code);
    event.annotations.clear();
    event
}

#[test]
fn a_rule_meets_only_the_actions_that_it_names() {
    let secrets = rules("{actions: [secret.read]}", "");
    assert!(is_candidate(&secrets, &event("get", "", "secrets", "")));
    assert!(!is_candidate(&secrets, &event("list", "", "secrets", "")));
    let family = rules("{actions: ['secret.*']}", "");
    assert!(is_candidate(&family, &event("list", "", "secrets", "")));
    assert!(!is_candidate(&family, &event("get", "", "pods", "")));
}

#[test]
fn refusals_are_seen_only_by_rules_that_ask_for_them() {
    let get = event("get", "", "secrets", "");
    for (outcomes, allowed, denied) in [("", true, false), (", outcomes: [denied]", false, true)] {
        let rules = rules(&format!("{{actions: [secret.read]{outcomes}}}"), "");
        assert_eq!(is_candidate(&rules, &get), allowed);
        assert_eq!(is_candidate(&rules, &with_code(get.clone(), 403)), denied);
    }
}

#[test]
fn who_acts_as_somebody_else_is_met_by_either_identity() {
    let mut impersonating = event("get", "", "secrets", "");
    let other = User { name: "system:serviceaccount:a:b".into(), ..User::default() };
    impersonating.impersonated = Some(trailhound_model::Shared::from(other));
    for (on, met) in [
        ("{actions: [secret.read], principals: [service-account]}", true),
        ("{actions: [secret.read], principals: [user]}", true),
        ("{actions: [secret.read], not-principals: [service-account]}", true),
        ("{actions: [secret.read], not-principals: [service-account, user]}", false),
        ("{actions: [secret.read], principals: [node]}", false),
        ("{actions: [secret.read], not-principals: [node]}", true),
    ] {
        assert_eq!(is_candidate(&rules(on, ""), &impersonating), met, "{on}");
    }
}

#[test]
fn dry_runs_are_left_out_of_writes_by_default_and_kept_on_request() {
    let mut dry = event("create", "", "configmaps", "");
    dry.request_uri = "/x?dryRun=All".into();
    for (on, met) in [
        ("{actions: [config.write]}", false),
        ("{actions: [config.write], effects: [dry-run]}", true),
        ("{actions: [config.write, config.read]}", true),
        ("{actions: [config.write], outcomes: [allowed, denied]}", true),
    ] {
        assert_eq!(is_candidate(&rules(on, ""), &dry), met, "{on}");
    }
}

fn versions(before: &str, after: &str) -> FakeBodies {
    let meta = ObjectMeta {
        version_before: before.into(),
        version_after: after.into(),
        ..ObjectMeta::default()
    };
    FakeBodies::with(Body { meta, ..Body::default() })
}

#[test]
fn an_update_that_changed_nothing_is_no_change() {
    let update = event("update", "", "configmaps", "");
    let rules = rules("{actions: [config.write]}", "");
    let (fact, _) = judged(&rules, &update, &versions("7", "7"));
    assert!(fact.candidates.is_empty() && fact.exhibit.is_none());
    assert_eq!(fact.action.effect, Effect::NoOp);
    let (fact, _) = judged(&rules, &update, &versions("7", "8"));
    assert_eq!((fact.candidates.len(), fact.action.effect), (1, Effect::Changed));
}

#[test]
fn a_condition_on_the_effect_sees_it_settled_whatever_other_rules_ask() {
    let asks = rules(
        "{actions: [config.write], effects: [none, changed, dry-run, no-op]}",
        "when: action.effect == \"no-op\"\n",
    );
    let update = event("update", "", "configmaps", "");
    assert_eq!(judged(&asks, &update, &versions("7", "7")).0.candidates.len(), 1);
    assert_eq!(judged(&asks, &update, &versions("7", "8")).0.candidates.len(), 0);
}

#[test]
fn bodies_are_not_read_when_no_surviving_rule_needs_them() {
    let rules = rules(
        "{actions: [workload.create]}",
        "when: event.verb == \"patch\" && workload.privileged\n",
    );
    let bodies = FakeBodies::of(BodyKind::Workload(Box::default()));
    let (fact, tally) = judged(&rules, &event("create", "", "pods", ""), &bodies);
    assert_eq!((bodies.asked.get(), bodies.recorded.get()), (0, 0));
    assert!(fact.candidates.is_empty());
    assert_eq!((tally.looked_at(0), tally.undecided(0)), (1, 0));
}

#[test]
fn what_the_log_cannot_show_is_counted_and_not_kept() {
    let rules = rules("{actions: [workload.create]}", "when: workload.privileged\n");
    let bodies = FakeBodies::default();
    let (fact, tally) = judged(&rules, &event("create", "", "pods", ""), &bodies);
    assert!(fact.candidates.is_empty() && fact.exhibit.is_none());
    assert_eq!((tally.looked_at(0), tally.undecided(0), bodies.recorded.get()), (1, 1, 0));
}

#[test]
fn a_candidate_carries_its_record_its_digest_and_its_body() {
    let rules = rules("{actions: [workload.create]}", "");
    let bodies = FakeBodies::of(BodyKind::Workload(Box::new(Workload {
        host_pid: true,
        ..Workload::default()
    })));
    let (fact, _) = judged(&rules, &event("create", "", "pods", ""), &bodies);
    let exhibit = fact.exhibit.unwrap();
    assert_eq!((exhibit.digest(), exhibit.record()), ([7; 32], "{\"masked\":true}"));
    assert!(matches!(&exhibit.body().unwrap().kind, BodyKind::Workload(one) if one.host_pid));
}

#[test]
fn history_waits_for_its_time_and_then_decides() {
    let rules =
        rules("{actions: [secret.read]}", "when: history.addressIsNew && event.verb == \"get\"\n");
    let get = event("get", "", "secrets", "");
    for truth in [Truth::True, Truth::False, Truth::Unknown] {
        let history = FakeHistory { truth, ..FakeHistory::default() };
        let (verdict, _) = verdict(&rules, &get, &FakeBodies::default(), &history);
        assert_eq!(verdict.unwrap().truth, truth);
    }
    assert!(rules.rules()[0].needs_history());
}

#[test]
fn the_first_adjustment_that_is_true_sets_the_severity() {
    let rules = rules(
        "{actions: [secret.read]}",
        "adjust:\n  - {when: history.addressIsNew, severity: critical, because: new}\n  - {when: history.priorActions >= 5, severity: low, because: \"{principal} did this {history.priorActions} times\"}\n  - {when: 'true', severity: info, because: last}\n",
    );
    let get = event("get", "", "secrets", "");
    for (actions, truth, severity, reason) in [
        (9, Truth::True, "critical", "new"),
        (9, Truth::Unknown, "low", "user alice did this 9 times"),
        (1, Truth::False, "info", "last"),
    ] {
        let history = FakeHistory { actions, truth, ..FakeHistory::default() };
        let verdict = verdict(&rules, &get, &FakeBodies::default(), &history).0.unwrap();
        assert_eq!(
            (verdict.severity.as_str(), verdict.severity_reason.as_str()),
            (severity, reason)
        );
    }
}

#[test]
fn rules_are_numbered_by_id_whatever_the_order_of_their_files() {
    let text = |id: &str| {
        rule_text("on: {actions: [pod.exec]}\n", "").replace("id: r", &format!("id: {id}"))
    };
    let (a, b) = (text("a"), text("b"));
    let one = RuleSet::load(&[("a.yaml", &a), ("b.yaml", &b)]).unwrap();
    let other = RuleSet::load(&[("b.yaml", &b), ("a.yaml", &a)]).unwrap();
    for rules in [one, other] {
        let ids: Vec<_> = rules.rules().iter().map(|rule| rule.id().to_owned()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!((rules.number_of("b"), rules.number_of("c")), (Some(1), None));
    }
}

#[test]
fn events_are_grouped_by_what_the_correlation_names() {
    let rules = rules(
        "{actions: [secret.read]}",
        "correlation:\n  type: value_count\n  group-by: [actor.name, event.sourceIP, event.cluster]\n  timespan: 10m\n  condition: {gte: 8, field: target.entity}\n",
    );
    let (fact, _) = judged(&rules, &event("get", "", "secrets", ""), &FakeBodies::default());
    assert_eq!(rules.group_key(0, &fact), ["alice", "10.0.0.9", ""]);
    let correlation = rules.rules()[0].correlation().unwrap();
    let field = correlation.field.as_ref().unwrap();
    assert_eq!(rules.field_text(field, &fact).as_deref(), Some("secret:shop/cart-7d4"));
    assert_eq!(correlation.timespan_micros, 600_000_000);
    assert!(correlation.condition.holds(8) && !correlation.condition.holds(7));
    assert_eq!(rules.rules()[0].kind().as_str(), "threshold");
}
