//! Whether another rule says all that a rule says: it watches at least the same and asks for less.

use crate::{
    Rule, RuleSet,
    rule::{Language, Watches},
};
use std::collections::BTreeSet;

/// The first other rule that finds all that this one finds, no milder.
pub(super) fn shadowed(rule: &Rule, rules: &RuleSet) -> Option<(String, &'static str)> {
    let parts = parts(rule);
    let other = rules.rules().iter().find(|other| {
        other.id() != rule.id()
            && other.language() == rule.language()
            && other.severity() >= rule.severity()
            && counts_no_more(rule, other)
            && watches_all(other.watches(), rule.watches())
            && self::parts(other).is_subset(&parts)
            && (self::parts(other).len() < parts.len() || other.id() < rule.id())
    })?;
    let hint = match rule.language() {
        Language::Falco => "with first-match it never gets a turn if the other is loaded before it",
        Language::Native | Language::Sigma => "remove one, or ask for what sets this one apart",
    };
    Some((format!("whatever it finds, {} finds too", other.id()), hint))
}

/// The other counts nothing, or just the same.
fn counts_no_more(rule: &Rule, other: &Rule) -> bool {
    other.correlation().is_none() || other.correlation() == rule.correlation()
}

fn watches_all(wide: &Watches, narrow: &Watches) -> bool {
    narrow.actions.iter().all(|one| wide.actions.contains(one))
        && narrow.outcomes.iter().all(|one| wide.outcomes.contains(one))
        && narrow.effects.iter().all(|one| wide.effects.contains(one))
        && narrow.principals.iter().all(|one| wide.principals.contains(one))
}

/// The conjuncts of the condition, in a form that can be compared.
fn parts(rule: &Rule) -> BTreeSet<String> {
    rule.conditions().map(|part| format!("{part:?}")).collect()
}
