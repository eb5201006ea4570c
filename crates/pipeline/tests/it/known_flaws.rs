//! A table of rules that nobody checks rots: every rule that docs/cves.md names must exist.

use crate::support::whole_rules;

/// Words in backquotes that have the form of a rule's id.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_id = |word: &&str| {
        word.contains('-') && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    quoted.filter(is_id).collect()
}

#[test]
fn the_page_of_known_flaws_names_rules_that_exist() {
    let page = include_str!("../../../../docs/cves.md");
    let rules = whole_rules();
    let ids: Vec<&str> = rules.rules().iter().map(trailhound_rules::Rule::id).collect();
    let unknown: Vec<&str> = named(page).into_iter().filter(|id| !ids.contains(id)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(named(page).len() > 30);
}
