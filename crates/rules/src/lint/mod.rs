//! What is wrong with rules that load: they can never fire, another says the same, the audit policy
//! does not log what they ask for.
//!
//! Such a rule is worse than none, because it looks like safety. Everything here is decided from the
//! compiled rule, so that it holds for every language; it may miss a fault, but what it calls
//! impossible is impossible.

mod policy;
mod possible;
mod requests;
mod shadow;

pub use policy::{AuditPolicy, PolicyError};

use crate::{Place, Rule, RuleSet, foreign, rule::Language, tree::Predicate};
use std::collections::BTreeSet;
use trailhound_model::action::ActionKind;

/// How sure a remark is that something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth knowing.
    Note,
    /// The rule does not do what it is there for.
    Warning,
}

impl Weight {
    /// The word that is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Weight::Note => "note",
            Weight::Warning => "warning",
        }
    }
}

/// Something about one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Id of the rule.
    pub rule: String,
    /// File of the rule.
    pub file: String,
    /// How bad it is.
    pub weight: Weight,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// Looks at the rules for which `chosen` is true, beside all others, in the light of an audit policy
/// if one is given.
pub fn lint(
    rules: &RuleSet,
    policy: Option<&AuditPolicy>,
    chosen: impl Fn(&Rule) -> bool,
) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for rule in rules.rules().iter().filter(|rule| chosen(rule)) {
        let mut add = |weight, (what, hint): (String, &str)| {
            remarks.push(Remark {
                rule: rule.id().to_owned(),
                file: rule.file().to_owned(),
                weight,
                what,
                hint: hint.to_owned(),
            });
        };
        let wrong = possible::impossible(rule).into_iter().chain(shadow::shadowed(rule, rules));
        let mut found: Vec<_> = wrong.map(|what| (Weight::Warning, what)).collect();
        if let Some(policy) = policy {
            found.extend(policy::unlogged(rule, policy));
        }
        if rule.language() == Language::Native {
            found.extend(unproved(rule).into_iter().map(|what| (Weight::Note, what)));
        }
        for (weight, what) in found {
            add(weight, what);
        }
    }
    remarks
}

/// The kinds of action that a rule of another language can meet, by the verbs and resources that it
/// asks for; empty if it names none.
pub(crate) fn kinds_of(rule: &Rule) -> Vec<ActionKind> {
    let verbs = foreign::texts_of_rule(rule, Place::is_verb);
    let resources = foreign::texts_of_rule(rule, Place::is_resource);
    let Some(resources) = resources else { return Vec::new() };
    let mut kinds = BTreeSet::from([ActionKind::IdentityImpersonate]);
    for resource in &resources {
        for (kind, requests) in requests::by_action(Some(resource)) {
            let meets = requests.iter().any(|request| {
                request.resource == resource.as_str()
                    && verbs
                        .as_ref()
                        .is_none_or(|verbs| verbs.iter().any(|verb| verb == request.verb))
            });
            if meets {
                kinds.insert(kind);
            }
        }
    }
    kinds.into_iter().collect()
}

/// Whether a conjunct on one text field lets a value pass; true if it asks for something else.
fn possible_text(part: &Predicate, value: &str) -> bool {
    match possible::texts_of(part) {
        Some((_, wanted)) => wanted.contains(value),
        None => true,
    }
}

/// What a native rule should carry and does not.
fn unproved(rule: &Rule) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    let events = |fires: bool| -> usize {
        let tests = rule.tests().iter().filter(|test| test.fires == fires);
        tests.map(|test| test.events.len()).sum()
    };
    if events(true) == 0 {
        found.push((
            "no example on which it fires".to_owned(),
            "add one under `tests:` with `fires: true`: without it nobody knows that it ever does",
        ));
    }
    if events(false) < 2 {
        found.push((
            "fewer than two benign events that look like what it is after".to_owned(),
            "add them under `tests:` with `fires: false`: ordinary work that must not trip it",
        ));
    }
    if rule.benign().is_empty() {
        found.push((
            "no innocent reading".to_owned(),
            "say under `benign:` when it is nothing: the reader of an alert at night needs it",
        ));
    }
    if rule.next().is_empty() {
        found.push(("no next step".to_owned(), "say under `next:` what to do when it fires"));
    }
    if rule.techniques().is_empty() {
        found.push(("no ATT&CK technique".to_owned(), "name it under `techniques:`"));
    }
    found
}
