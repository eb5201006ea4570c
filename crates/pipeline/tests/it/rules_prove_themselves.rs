//! Every shipped rule fires on its own positive examples and stays silent on its benign ones, run
//! through the whole pipeline: decoder, history, windows and all.

use crate::support::{judge_test, whole_rules};

#[test]
fn every_rule_fires_where_it_says_and_only_there() {
    let mut wrong = Vec::new();
    for rule in whole_rules().rules() {
        for test in rule.tests() {
            let outcome = judge_test(test);
            let fired = outcome.findings.iter().any(|finding| finding.rule.id == rule.id());
            if fired != test.fires {
                wrong.push(format!("{}: {} (fired: {fired})", rule.id(), test.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_examples_of_both_kinds() {
    for rule in whole_rules().rules().iter().filter(|rule| !rule.is_part()) {
        let fires = |wanted: bool| rule.tests().iter().any(|test| test.fires == wanted);
        assert!(fires(true) && fires(false), "{}", rule.id());
    }
}

#[test]
fn every_rule_names_benign_events_that_look_like_the_attack() {
    for rule in whole_rules().rules().iter().filter(|rule| !rule.is_part()) {
        let benign: usize =
            rule.tests().iter().filter(|test| !test.fires).map(|test| test.events.len()).sum();
        assert!(benign >= 2, "{} has {benign}", rule.id());
    }
}

#[test]
fn every_sentence_of_a_finding_is_filled_in() {
    for rule in whole_rules().rules() {
        for test in rule.tests().iter().filter(|test| test.fires) {
            for finding in judge_test(test).findings {
                for text in finding.next_steps.iter().chain([&finding.explanation]) {
                    let left = text.contains("{target") || text.contains("{principal");
                    assert!(!left && !text.is_empty(), "{}: {text}", rule.id());
                }
            }
        }
    }
}
