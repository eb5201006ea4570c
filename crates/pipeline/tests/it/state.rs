//! Invariant 7: the engine can be saved and restored at any event, and nothing changes.

use crate::support::{all_rule_tests, facts, rules};
use proptest::prelude::*;
use std::sync::Arc;
use trailhound_detect::{Engine, Outcome, Settings};

/// Runs with restarts at these places, as a share of all events.
fn run(stops: &[u16]) -> Outcome {
    let rules = rules();
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
    engine.outcome()
}

#[test]
fn there_is_enough_state_for_the_test_to_mean_something() {
    let outcome = run(&[]);
    assert!(outcome.findings.len() > 30, "{}", outcome.findings.len());
    assert!(outcome.incidents.len() > 10);
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
