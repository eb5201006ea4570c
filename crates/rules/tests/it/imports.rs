//! What an import keeps of a rule of another language, where it was once lost without a word.

use trailhound_rules::{RuleSet, Sources, import::import};

fn imported(sources: &Sources<'_>) -> String {
    let rules = RuleSet::load_all(sources).unwrap_or_else(|errors| panic!("{errors:#?}"));
    import(&rules.rules()[0]).unwrap_or_else(|reason| panic!("{reason}")).text
}

#[test]
fn writing_the_status_of_an_object_is_watched_by_an_import_too() {
    let rule = "title: T\nlogsource: {product: kubernetes, service: audit}\ndetection:\n  s: {objectRef.resource: [jobs, widgets2], verb: update}\n  condition: s\n";
    let text = imported(&Sources { sigma: &[("t.yml", rule)], ..Sources::default() });
    assert!(text.contains("status.update"), "{text}");
}

#[test]
fn the_first_digit_of_a_status_code_is_a_range_of_numbers() {
    let rule = "- rule: r\n  desc: d\n  condition: ka.response.code startswith 2\n  output: o\n  priority: WARNING\n  source: k8s_audit\n";
    let text = imported(&Sources { falco: &[("t.yaml", rule)], ..Sources::default() });
    assert!(text.contains("(event.code >= 200 && event.code <= 299)"), "{text}");
}
