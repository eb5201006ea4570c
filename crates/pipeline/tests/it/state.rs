//! Invariant 7: the engine can be saved and restored at any event, and nothing changes.

use crate::support::{all_rule_tests, facts, rules};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use trailhound_detect::{Engine, Outcome, Settings};
use trailhound_model::Str;
use trailhound_rules::{Knowledge, RuleSet, Site, site::Indicators};
use trailhound_twin::Twin;

/// What a site says of the actors of the rule tests: entries of every sort have something to do.
const SITE: &str = "version: 1
expected:
  - {actors: ['da*'], actions: ['secret.*', 'rbac.*', pod.exec], owner: o, reason: r, expires: 2027-12-31}
  - {actors: [alice], rules: [mass-deletion, secrets-read-in-bulk], owner: o, reason: r, expires: 2020-12-31}
suppress:
  - {rules: [attack-tool], when: 'target.resource == \"secrets\"', owner: o, reason: r, expires: 2027-12-31}
break-glass:
  - {actors: [bob], from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z', owner: o, reason: r}
users:
  - {allow: [alice, 'system:*'], owner: o, reason: r, expires: 2027-12-31}
";

fn site_rules() -> Arc<RuleSet> {
    let site = Site::load(&[("site.yaml", SITE)]).unwrap();
    let knowledge = Knowledge::new(site, Indicators::default(), Vec::new());
    Arc::new(RuleSet::clone(&rules()).with_knowledge(Arc::new(knowledge)).unwrap())
}

/// Runs with restarts at these places, as a share of all events.
fn run(stops: &[u16]) -> (Outcome, BTreeMap<Str, Twin>) {
    let rules = site_rules();
    let mut engine = Engine::new(Arc::clone(&rules), Settings::default());
    let facts = facts(&rules, &all_rule_tests());
    let stops: Vec<usize> =
        stops.iter().map(|stop| (facts.len() * usize::from(*stop)) >> 16).collect();
    for (place, (fact, key)) in facts.into_iter().enumerate() {
        engine.push(fact, key);
        if stops.contains(&place) {
            let saved = engine.save().unwrap();
            engine = Engine::restore(Arc::clone(&rules), &saved).unwrap();
        }
    }
    engine.flush();
    (engine.outcome(), engine.into_twins())
}

#[test]
fn there_is_enough_state_for_the_test_to_mean_something() {
    let (outcome, twins) = run(&[]);
    assert!(twins.values().any(|twin| twin.sessions().all().count() > 0));
    assert!(outcome.incidents.iter().any(|one| one.hands.len() > 1), "acts are followed");
    assert!(outcome.findings.len() > 30, "{}", outcome.findings.len());
    assert!(outcome.incidents.len() > 10);
    let effects: BTreeSet<&str> = outcome
        .findings
        .iter()
        .flat_map(|one| &one.site)
        .map(|note| note.effect.as_str())
        .collect();
    assert!(effects.len() >= 4, "{effects:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_at_any_event_changes_nothing(
        stops in proptest::collection::vec(any::<u16>(), 1..6)
    ) {
        prop_assert_eq!(run(&stops), run(&[]));
    }
}
