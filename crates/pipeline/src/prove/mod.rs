//! Runs the examples of a rule through everything that judges a real log: decoder, history, windows
//! and all. A rule that is right only in a test of its own would not be right.

mod csr;
mod events;

use crate::work::Worker;
pub use events::log;
use std::sync::Arc;
use trailhound_detect::{Engine, Outcome, Settings};
use trailhound_ingest::{Chunk, Masker};
use trailhound_rules::{LoadError, Rule, RuleSet, RuleTest};

/// What came of one example of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Name of the example.
    pub name: String,
    /// Whether the rule is to fire on it.
    pub wanted: bool,
    /// Whether it did.
    pub fired: bool,
    /// What it said, or which other rules spoke instead.
    pub said: Vec<String>,
    /// Events of the example that could not be read, with the reason.
    pub unread: Vec<String>,
    /// On how many events the rule could not decide.
    pub undecided: u64,
}

impl Proof {
    /// Whether the example shows what it is to show.
    pub fn holds(&self) -> bool {
        self.wanted == self.fired && self.unread.is_empty()
    }
}

/// Runs every example of a rule. `rules` must hold the rule with its examples.
pub fn prove(rules: &Arc<RuleSet>, rule: &Rule) -> Vec<Proof> {
    rule.tests()
        .iter()
        .map(|test| {
            let mut proof = Proof {
                name: test.name.clone(),
                wanted: test.fires,
                fired: false,
                said: Vec::new(),
                unread: Vec::new(),
                undecided: 0,
            };
            let outcome = match with_site(rules, test) {
                Ok(rules) => run(&rules, &log(&test.events), rule, &mut proof),
                Err(reasons) => {
                    proof.unread = reasons;
                    Outcome::default()
                }
            };
            for finding in &outcome.findings {
                let own = finding.rule.id == rule.id();
                proof.fired |= own;
                let who = if own { "" } else { finding.rule.id.as_str() };
                proof.said.push(format!("{who} {}", finding.explanation).trim().to_owned());
            }
            proof
        })
        .collect()
}

/// The rules with what the site brings along in an example.
fn with_site(rules: &Arc<RuleSet>, test: &RuleTest) -> Result<Arc<RuleSet>, Vec<String>> {
    let told = |errors: Vec<LoadError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let Some(knowledge) = test.knowledge.load().map_err(told)? else {
        return Ok(Arc::clone(rules));
    };
    let rules = RuleSet::clone(rules).with_knowledge(Arc::new(knowledge)).map_err(told)?;
    Ok(Arc::new(rules))
}

/// The answer to the log of an example, with what the site brings along there.
pub fn judge_test(rules: &Arc<RuleSet>, test: &RuleTest) -> Result<Outcome, Vec<String>> {
    Ok(judge(&with_site(rules, test)?, &log(&test.events)))
}

/// The answer to a log that is held in memory, one event after the other.
pub fn judge(rules: &Arc<RuleSet>, log: &str) -> Outcome {
    let (mut engine, _) = fed(rules, log);
    engine.flush();
    engine.outcome()
}

fn run(rules: &Arc<RuleSet>, log: &str, rule: &Rule, proof: &mut Proof) -> Outcome {
    let (mut engine, batch) = fed(rules, log);
    engine.flush();
    proof.unread = batch.rejects.iter().map(|one| one.reason.clone()).collect();
    proof.undecided = rules.number_of(rule.id()).map_or(0, |number| batch.rules.undecided(number));
    engine.outcome()
}

fn fed(rules: &Arc<RuleSet>, log: &str) -> (Engine, crate::work::Batch) {
    let masker = Masker::new([3; 16]);
    let worker = Worker { rules, masker: &masker, secret: [5; 16] };
    let chunk = Chunk::from_bytes(0, "test.log", log.as_bytes().to_vec());
    let mut batch = worker.work(&chunk, &mut worker.memory());
    let mut engine = Engine::new(Arc::clone(rules), Settings::default());
    for (fact, key) in batch.facts.drain(..) {
        engine.push(fact, key);
    }
    (engine, batch)
}
