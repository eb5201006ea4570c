//! Runs bytes through everything without files.

use serde_json::Value;
use std::sync::{Arc, LazyLock};
use trailhound_detect::{Outcome, dedupe::Key};
use trailhound_ingest::{Chunk, Masker};
use trailhound_model::fact::Fact;
pub(crate) use trailhound_pipeline::prove::log;
use trailhound_pipeline::{prove, work::Worker};
use trailhound_rules::{Rule, RuleSet, RuleTest, Sources};

/// The shipped rules.
pub(crate) fn rules() -> Arc<RuleSet> {
    static RULES: LazyLock<Arc<RuleSet>> =
        LazyLock::new(|| Arc::new(RuleSet::builtin().expect("the shipped rules load")));
    Arc::clone(&RULES)
}

/// The shipped rules with their tests, every expression checked.
pub(crate) fn whole_rules() -> RuleSet {
    RuleSet::load_all(&Sources {
        native: &RuleSet::builtin_files(),
        sigma: &RuleSet::builtin_sigma_files(),
        ..Sources::default()
    })
    .expect("the shipped rules load")
}

/// The events of all rule tests, one after the other: every stateful part has something to hold.
pub(crate) fn all_rule_tests() -> String {
    let rules = whole_rules();
    let tests = rules.rules().iter().flat_map(Rule::tests);
    log(&tests.flat_map(|test| test.events.clone()).collect::<Vec<Value>>())
}

/// The facts of a log.
pub(crate) fn facts(rules: &RuleSet, log: &str) -> Vec<(Box<Fact>, Key)> {
    let masker = Masker::new([3; 16]);
    let worker = Worker { rules, masker: &masker, secret: [5; 16] };
    let chunk = Chunk::from_bytes(0, "test.log", log.as_bytes().to_vec());
    let batch = worker.work(&chunk, &mut worker.memory());
    assert!(batch.rejects.is_empty(), "{:?}", batch.rejects);
    batch.facts
}

/// The answer to a log.
pub(crate) fn judge(log: &str) -> Outcome {
    prove::judge(&rules(), log)
}

/// The same with other rules.
pub(crate) fn judge_with(rules: &Arc<RuleSet>, log: &str) -> Outcome {
    prove::judge(rules, log)
}

/// The answer to the log of a rule's test, with what the site brings along there.
pub(crate) fn judge_test(test: &RuleTest) -> Outcome {
    prove::judge_test(&rules(), test).expect("what the site brings along loads")
}
