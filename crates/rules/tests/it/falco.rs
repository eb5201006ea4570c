//! Files of Falco rules: how later items change earlier ones, and what is said of files that are
//! wrong or hostile.

use proptest::prelude::*;
use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};
use trailhound_model::{
    event::{Event, ObjectRef, User},
    fact::Fact,
    finding::Severity,
};
use trailhound_rules::{LoadError, RuleSet, RuleTally, Sources, falco};

use crate::support::FakeBodies;

fn load(files: &[&str]) -> Result<RuleSet, Vec<LoadError>> {
    let names = ["a.yaml", "b.yaml", "c.yaml"];
    let files: Vec<_> = names.into_iter().zip(files.iter().copied()).collect();
    RuleSet::load_all(&Sources { falco: &files, ..Sources::default() })
}

fn loaded(files: &[&str]) -> RuleSet {
    load(files).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

fn rule(condition: &str) -> String {
    format!(
        "- rule: r\n  desc: d\n  condition: {condition}\n  output: o\n  priority: WARNING\n  source: k8s_audit\n"
    )
}

fn event(user: &str, verb: &str, resource: &str) -> Event {
    Event {
        user: User { name: user.into(), ..User::default() }.into(),
        verb: verb.into(),
        object: Some(Box::new(ObjectRef { resource: resource.into(), ..ObjectRef::default() })),
        ..Event::default()
    }
}

/// Titles of the rules that match an event.
fn matching(rules: &RuleSet, event: Event) -> Vec<String> {
    let mut fact = Fact::of(event);
    rules.candidates(&mut fact, &FakeBodies::default(), &mut RuleTally::default());
    let title = |number| rules.rule(number).unwrap().title().to_owned();
    fact.candidates.iter().map(|candidate| title(candidate.rule)).collect()
}

fn fires(files: &[&str], user: &str, verb: &str) -> bool {
    !matching(&loaded(files), event(user, verb, "pods")).is_empty()
}

/// Whether the rule fires on these users of `get`.
fn users(files: &[&str]) -> [bool; 3] {
    ["alice", "bob", "carol"].map(|user| fires(files, user, "get"))
}

const BASE: &str = "
- required_engine_version: 0.26.0
- required_plugin_versions:
    - name: k8saudit
      version: 0.7.0
      alternatives: [{name: k8saudit-eks, version: 0.4.0}]
- list: known
  items: [alice]
- macro: by_known
  condition: ka.user.name in (known)
- rule: r
  desc: d
  condition: >
    ka.verb = get
    and not by_known
  output: o
  priority: NOTICE
  source: k8s_audit
  tags: [k8s]
  warn_evttypes: false
  capture: true
";

#[test]
fn a_list_is_appended_to_or_replaced_in_each_of_the_old_and_new_ways() {
    assert_eq!(users(&[BASE]), [false, true, true]);
    let append = "- list: known\n  items: [bob]\n  append: true\n";
    assert_eq!(users(&[BASE, append]), [false, false, true]);
    let append = "- list: known\n  items: [bob]\n  override: {items: append}\n";
    assert_eq!(users(&[BASE, append]), [false, false, true]);
    let replace = "- list: known\n  items: [bob]\n  override:\n    items: replace\n";
    assert_eq!(users(&[BASE, replace]), [true, false, true]);
    assert_eq!(users(&[BASE, "- list: known\n  items: [carol]\n"]), [true, true, false]);
    assert_eq!(users(&[BASE, "- list: known\n  items: []\n"]), [true, true, true]);
}

#[test]
fn a_macro_is_appended_to_as_text_or_replaced() {
    let append = "- macro: by_known\n  condition: or ka.user.name = bob\n  append: true\n";
    assert_eq!(users(&[BASE, append]), [false, false, true]);
    let append =
        "- macro: by_known\n  condition: or ka.user.name = bob\n  override: {condition: append}\n";
    assert_eq!(users(&[BASE, append]), [false, false, true]);
    assert_eq!(users(&[BASE, "- macro: by_known\n  condition: (jevt.rawtime=0)\n"]), [true; 3]);
}

#[test]
fn a_rule_is_appended_to_replaced_switched_off_and_on() {
    let append = "- rule: r\n  condition: and not ka.user.name = bob\n  append: true\n";
    assert_eq!(users(&[BASE, append]), [false, false, true]);
    let change = "- rule: r\n  condition: and ka.user.name = bob\n  priority: CRITICAL\n  desc: more\n  tags: [T1609]\n  override: {condition: append, priority: replace, desc: append, tags: append}\n";
    let rules = loaded(&[BASE, change]);
    let changed = &rules.rules()[0];
    assert_eq!((changed.severity(), changed.why()), (Severity::High, "d more"));
    assert_eq!(changed.techniques(), ["T1609"]);
    assert_eq!(users(&[BASE, change]), [false, true, false]);
    let off = "- rule: r\n  enabled: false\n";
    assert_eq!(users(&[BASE, off]), [false; 3]);
    let on = "- rule: r\n  enabled: true\n  override: {enabled: replace}\n";
    assert_eq!(users(&[BASE, off, on]), [false, true, true]);
    assert_eq!(users(&[BASE, &rule("ka.user.name = alice")]), [true, false, false]);
}

#[test]
fn exceptions_of_every_form() {
    let with = |exceptions: &str| format!("{BASE}  exceptions:\n{exceptions}");
    for (exceptions, wanted) in [
        ("    - {name: x, fields: ka.user.name, values: [bob, carol]}\n", [false, false, false]),
        ("    - {name: x, fields: ka.user.name, values: [known]}\n", [false, true, true]),
        (
            "    - {name: x, fields: ka.user.name, comps: startswith, values: [b, z]}\n",
            [false, false, true],
        ),
        ("    - {name: x, fields: [ka.user.name], values: [[bob]]}\n", [false, false, true]),
        (
            "    - {name: x, fields: [ka.user.name, ka.verb], values: [[bob, list], [carol, get]]}\n",
            [false, true, false],
        ),
        (
            "    - {name: x, fields: [ka.user.name, ka.verb], comps: [endswith, in], values: [[ob, [get, list]]]}\n",
            [false, false, true],
        ),
        (
            "    - {name: x, fields: [ka.user.name, ka.verb], comps: [in, =], values: [[\"(bob, carol)\", get]]}\n",
            [false, false, false],
        ),
        ("    - {name: x, fields: [ka.impuser.name], values: [[bob]]}\n", [false, true, true]),
        ("    - {name: x, fields: [ka.user.name, ka.verb]}\n", [false, true, true]),
        (
            "    - {name: x, fields: [tolower(ka.user.name)], values: [['\"bob\"']]}\n",
            [false, false, true],
        ),
    ] {
        assert_eq!(users(&[&with(exceptions)]), wanted, "{exceptions}");
    }
}

#[test]
fn exceptions_are_appended_to_by_name() {
    let with = format!(
        "{BASE}  exceptions:\n    - {{name: x, fields: [ka.user.name], comps: [=], values: [[bob]]}}\n"
    );
    assert_eq!(users(&[&with]), [false, false, true]);
    let more = "- rule: r\n  exceptions: [{name: x, values: [[carol]]}]\n";
    for manner in ["  append: true\n", "  override: {exceptions: append}\n"] {
        assert_eq!(users(&[&with, &format!("{more}{manner}")]), [false; 3]);
    }
    let new = "- rule: r\n  exceptions: [{name: y, fields: ka.user.name, values: [carol]}]\n  append: true\n";
    assert_eq!(users(&[&with, new]), [false; 3]);
    let replace = "- rule: r\n  exceptions: [{name: y, fields: ka.user.name, values: [carol]}]\n  override: {exceptions: replace}\n";
    assert_eq!(users(&[&with, replace]), [false, true, false]);
}

#[test]
fn rules_for_other_sources_are_left_out_and_told() {
    let other = "- rule: shell\n  desc: d\n  condition: proc.name = sh\n  output: o\n  priority: INFO\n- rule: trail\n  desc: d\n  condition: ct.name = x\n  output: o\n  priority: INFO\n  source: aws_cloudtrail\n";
    let change = "- rule: shell\n  condition: and x\n  append: true\n";
    let rules = loaded(&[other, BASE, change]);
    assert_eq!(rules.rules().len(), 1);
    let notes = rules.notes().join("\n");
    assert!(notes.contains("\"aws_cloudtrail\"") && notes.contains("\"syscall\""), "{notes}");
}

#[test]
fn a_rule_that_asks_for_it_is_skipped_if_a_field_is_unknown() {
    let text = format!("{}  skip-if-unknown-filter: true\n", rule("ka.brand.new = 1"));
    let rules = loaded(&[&text]);
    assert_eq!((rules.rules().len(), rules.notes().len()), (0, 1));
}

#[test]
fn rules_with_names_of_verbs_and_resources_meet_only_such_events() {
    let rules = loaded(&[&rule("ka.verb in (get, list) and ka.target.resource = secrets")]);
    for (verb, resource, looked) in
        [("get", "secrets", 1), ("get", "pods", 0), ("watch", "secrets", 0)]
    {
        let mut fact = Fact::of(event("alice", verb, resource));
        let mut tally = RuleTally::default();
        rules.candidates(&mut fact, &FakeBodies::default(), &mut tally);
        assert_eq!(tally.looked_at(0), looked, "{verb} {resource}");
    }
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_do() {
    let long = format!(
        "- rule: r\n  desc: d\n  condition: {}ka.verb=get{}\n",
        "(".repeat(101),
        ")".repeat(101)
    );
    let long = format!("{long}  output: o\n  priority: INFO\n  source: k8s_audit\n");
    for (text, place, part) in [
        (rule("ka.verbs = get"), "a.yaml:3:14", "did you mean `ka.verb`?"),
        (rule("ka.verb = get and on_pod"), "a.yaml:3:32", "there is no macro `on_pod`"),
        (rule("ka.verb equals get"), "a.yaml:3:22", "`equals` is no operator"),
        (rule("ka.verb startwith get"), "a.yaml:3:22", "did you mean `startswith`?"),
        (rule("ka.verb = get or"), "a.yaml:", "expected a field"),
        (rule("(ka.verb = get"), "a.yaml:", "expected `)`"),
        (rule("ka.verb = get)"), "a.yaml:3:27", "a bracket too many"),
        (rule("ka.verb = get ka.verb = list"), "a.yaml:3:28", "expected `and`"),
        (rule("ka.verb in (get, "), "a.yaml:", "expected a value"),
        (rule("ka.verb in (get list)"), "a.yaml:", "expected `,` or `)`"),
        (rule("ka.verb = 'get"), "a.yaml:3:24", "quotation mark"),
        (rule("verb = get"), "a.yaml:3:14", "fields have dots"),
        (rule("ka.response.code > many"), "a.yaml:3:33", "`many` is no number"),
        (rule("ka.verb < oneof (1, 2)"), "a.yaml:", "does not go with"),
        (rule("ka.verb regex '('"), "a.yaml:3:28", "the pattern is refused"),
        (rule("ka.verb regex '(a{500}){500}{500}'"), "a.yaml:3:28", "the pattern is refused"),
        (rule("ka.verb glob '[a'"), "a.yaml:3:27", "`[` is not closed"),
        (rule("ka.verb bcontains 6x"), "a.yaml:3:32", "hexadecimal"),
        (rule("ka.verb[0] = get"), "a.yaml:3:14", "takes no argument"),
        (rule("ka.uri.param = sh"), "a.yaml:3:14", "needs an argument"),
        (rule("ka.sourceips[x] = sh"), "a.yaml:3:14", "`x` is no index"),
        (rule("ka.sourceips[0 = sh"), "a.yaml:", "not closed"),
        (rule("lower(ka.verb) = get"), "a.yaml:3:14", "`lower` is no transformer"),
        (rule("getopt(ka.uri, \"a\") = b"), "a.yaml:3:14", "`getopt` is not understood"),
        (rule("ka.verb regex val(ka.uri)"), "a.yaml:3:14", "needs a text"),
        (rule("tolower(ka.verb, ka.uri) = x"), "a.yaml:3:14", "takes one field"),
        (long, "a.yaml:3:", "nested more than 100 deep"),
        (
            rule("ka.verb = get").replace("output: o", "output: by %ka.user"),
            "a.yaml:4:11",
            "unknown field `ka.user`",
        ),
        (
            rule("ka.verb = get").replace("WARNING", "URGENT"),
            "a.yaml:5:13",
            "unknown priority `URGENT`",
        ),
        (
            rule("ka.verb = get").replace("condition", "conditon"),
            "a.yaml:1:1",
            "did you mean `condition`?",
        ),
        (rule("ka.verb = get").replace("  output: o\n", ""), "a.yaml:1:1", "`output` is missing"),
        (
            rule("ka.verb = get").replace("  source: k8s_audit\n", ""),
            "a.yaml:1:1",
            "add `source: k8s_audit`",
        ),
        (rule("ka.verb = get").replace("rule: r", "rule: ''"), "a.yaml:1:1", "no name"),
        ("- macr: x\n  condition: y\n".into(), "a.yaml:1:1", "did you mean `macro`?"),
        ("- 7\n".into(), "a.yaml:1:1", "no map"),
        ("rule: x\n".into(), "a.yaml", "no list of items"),
        ("- rule: [\n".into(), "a.yaml:2", "no readable YAML"),
        ("- list: a\n  items: {x: y}\n".into(), "a.yaml:2:10", "no list of texts"),
        ("- list: a\n  items: [b]\n  append: true\n".into(), "a.yaml:1:1", "there is no list `a`"),
        (
            "- macro: a\n  condition: or b\n  append: true\n".into(),
            "a.yaml:1:1",
            "there is no macro `a`",
        ),
        ("- rule: a\n  enabled: false\n".into(), "a.yaml:1:1", "there is no rule `a`"),
        (
            "- list: a\n  items: [b]\n- list: a\n  items: [b]\n  override: {items: extend}\n"
                .into(),
            "a.yaml:5:13",
            "neither append nor replace",
        ),
        (
            "- list: a\n  items: [b]\n  append: true\n  override: {items: append}\n".into(),
            "a.yaml:1:1",
            "exclude each other",
        ),
        (
            format!("{BASE}- rule: r\n  priority: INFO\n  override: {{priority: append}}\n"),
            "a.yaml:24:13",
            "cannot be appended to",
        ),
        (
            format!("{BASE}- rule: r\n  priority: INFO\n  override: {{desc: append}}\n"),
            "a.yaml:24:13",
            "but the item has none",
        ),
        (
            format!("{BASE}- rule: r\n  priority: INFO\n  desc: e\n  override: {{desc: append}}\n"),
            "a.yaml:25:13",
            "add `priority: replace`",
        ),
        (
            format!(
                "{BASE}  exceptions: [{{name: x, fields: [ka.verb, ka.uri], values: [[get]]}}]\n"
            ),
            "a.yaml:22:15",
            "1 values for 2 fields",
        ),
        (
            format!(
                "{BASE}  exceptions: [{{name: x, fields: [ka.verb], comps: [=, in], values: [[get]]}}]\n"
            ),
            "a.yaml:22:15",
            "1 fields but 2 comps",
        ),
        (
            format!(
                "{BASE}  exceptions: [{{name: x, fields: [ka.verb], comps: [is], values: [[get]]}}]\n"
            ),
            "a.yaml:22:15",
            "`is` is no operator",
        ),
        (
            format!("{BASE}  exceptions: [{{name: x, values: [[get]]}}]\n"),
            "a.yaml:22:15",
            "no `fields`",
        ),
        (
            format!("{BASE}  exceptions: [{{name: x, fields: ka.verbs, values: [get]}}]\n"),
            "a.yaml:22:15",
            "did you mean `ka.verb`?",
        ),
    ] {
        let errors = load(&[&text]).map(|_| ()).unwrap_err();
        let told = errors[0].to_string();
        assert!(told.starts_with(place) && told.contains(part), "{place} {part}\n{told}\n{text}");
    }
}

#[test]
fn an_error_in_what_was_appended_is_told_in_the_file_that_appended_it() {
    let append =
        "\n- rule: r\n  condition: >\n    and not\n    ka.usr.name = bob\n  append: true\n";
    let told = load(&[BASE, append]).map(|_| ()).unwrap_err()[0].to_string();
    assert!(told.starts_with("b.yaml:5:5: unknown field `ka.usr.name`"), "{told}");
}

#[test]
fn macros_and_lists_that_contain_themselves_are_refused() {
    let text = format!(
        "- macro: a\n  condition: b\n- macro: b\n  condition: ka.verb=get or a\n{}",
        rule("a")
    );
    let told = load(&[&text]).map(|_| ()).unwrap_err()[0].to_string();
    assert!(told.contains("macro `a` contains itself (a → b → a)"), "{told}");
    let text =
        format!("- list: a\n  items: [b]\n- list: b\n  items: [a]\n{}", rule("ka.verb in (a)"));
    let told = load(&[&text]).map(|_| ()).unwrap_err()[0].to_string();
    assert!(told.contains("contains itself"), "{told}");
}

fn refused_quickly(text: &str, part: &str) {
    let start = Instant::now();
    let told = load(&[text]).map(|_| ()).unwrap_err()[0].to_string();
    assert!(told.contains(part), "{told}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn macros_that_double_at_each_step_are_refused_before_they_are_put_in() {
    let mut text = "- macro: m0\n  condition: ka.verb=get\n".to_owned();
    for step in 1..90 {
        let before = step - 1;
        let _ = write!(text, "- macro: m{step}\n  condition: m{before} or not m{before}\n");
    }
    refused_quickly(&format!("{text}{}", rule("m89")), "too large");
    let mut chain = "- macro: m0\n  condition: ka.verb=get\n".to_owned();
    for step in 1..5_000 {
        let _ = write!(chain, "- macro: m{step}\n  condition: not m{}\n", step - 1);
    }
    refused_quickly(&format!("{chain}{}", rule("m4999")), "in one another");
}

#[test]
fn lists_that_double_at_each_step_have_each_item_once() {
    let mut text = "- list: l0\n  items: [get]\n".to_owned();
    for step in 1..90 {
        let before = step - 1;
        let _ = write!(text, "- list: l{step}\n  items: [l{before}, l{before}, x{step}]\n");
    }
    assert!(fires(&[&format!("{text}{}", rule("ka.verb in (l89)"))], "alice", "get"));
}

#[test]
fn huge_files_and_alias_bombs_are_refused() {
    let huge = format!("- list: a\n  items: [{}]\n", "x, ".repeat(50 << 20 >> 3));
    refused_quickly(&huge, "larger than 4 MiB");
    let mut bomb = "- list: a\n  items: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for step in 1..12 {
        let all = format!("*a{}, ", step - 1).repeat(10);
        let _ = write!(bomb, "- list: b{step}\n  items: &a{step} [{all}]\n");
    }
    refused_quickly(&bomb, "no readable YAML");
    let wide = "x, ".repeat(20_000);
    let many = "*a, ".repeat(20_000);
    let wide = format!("- list: a\n  items: &a [{wide}]\n- list: b\n  items: [{many}]\n");
    refused_quickly(&wide, "stands for more than");
    let deep = format!("- list: a\n  items: {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    refused_quickly(&deep, "nested more than");
    for sign in ["- ", "? ", "! ", "a: ", "&a ", "% ", "| "] {
        let start = Instant::now();
        let _ = load(&[&sign.repeat(300_000)]);
        assert!(start.elapsed() < Duration::from_secs(10), "{sign:?} {:?}", start.elapsed());
    }
    let condition = rule(&format!("ka.verb = get{}", " or ka.verb = get".repeat(20_000)));
    refused_quickly(&condition, "longer than");
}

#[test]
fn a_pattern_that_is_slow_elsewhere_is_not_slow_here() {
    let rules =
        loaded(&[&rule("ka.user.name regex '(a+)+$' or ka.user.name glob '*a*a*a*a*a*a*b'")]);
    let start = Instant::now();
    let name = format!("{}!", "a".repeat(100_000));
    assert!(matching(&rules, event(&name, "get", "pods")).is_empty());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn the_order_of_rules_is_that_of_their_first_definition() {
    let named = |name: &str| rule("ka.verb = get").replace("rule: r", &format!("rule: {name}"));
    let text = ["z", "a", "m", "z"].map(named).concat();
    assert_eq!(matching(&loaded(&[&text]), event("x", "get", "pods")), ["z", "a", "m"]);
}

const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "(",
    ")",
    "ka.verb",
    "ka.uri.param[x]",
    "jevt.value[/a~1b]",
    "=",
    "!=",
    "in",
    "intersects",
    "(a, b)",
    "exists",
    "regex",
    "glob",
    "\"",
    "'x'",
    "oneof",
    "allof",
    "tolower(",
    "val(",
    "join(",
    ",",
    "m",
    "known",
    "<",
    "0x1f",
    "é",
    "\\",
    "[",
    "]",
    "pmatch",
    "not(",
];

proptest! {
    #[test]
    fn no_text_makes_the_parser_fail_otherwise_than_by_an_error(text in "\\PC{0,60}") {
        falco::parses(&text);
        let _ = load(&[&text]);
        let _ = load(&[&rule(&serde_json::Value::from(text).to_string())]);
    }

    #[test]
    fn no_row_of_words_does(words in proptest::collection::vec(0..WORDS.len(), 0..14)) {
        let words: Vec<&str> = words.into_iter().map(|at| WORDS[at]).collect();
        let text = words.join(" ");
        let quoted = serde_json::Value::from(text.as_str()).to_string();
        let file = format!("- list: known\n  items: [m, a]\n- macro: m\n  condition: {quoted}\n{}", rule(&quoted));
        if let Ok(rules) = load(&[&file]) {
            prop_assert!(falco::parses(&text));
            matching(&rules, event("alice", "get", "pods"));
        }
    }
}

#[test]
fn a_file_of_comments_only_changes_nothing() {
    assert!(fires(&[&rule("ka.verb=get"), "# Your rules\n"], "alice", "get"));
    assert!(load(&["", "# Nothing yet\n---\n"]).is_ok());
}
