//! Everything that can be wrong with a rule file, with the message that its author sees.

use crate::support::load;
use trailhound_rules::RuleSet;

const GOOD: &str = "\
id: r
version: 1
title: T
family: rbac
severity: high
techniques: [T1609, T1552.007]
needs: Request
on:
  actions: [pod.exec]
  outcomes: [allowed]
when: |
  exec.command.contains(\"token\") &&
    history.priorActions > 1
adjust:
  - when: history.addressIsNew
    severity: critical
    because: \"{principal} is new here\"
correlation:
  type: event_count
  group-by: [actor.name]
  timespan: 5m
  condition: {gte: 10}
explain: \"{principal} ran {count} commands.\"
why: W
next: [\"Look at {target}\"]
enables: [target]
tests:
  - {name: n, fires: true, events: [{verb: get}]}
";

fn messages(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// `(what is replaced, by what, the message)`
fn assert_messages(cases: &[(&str, &str, &str)]) {
    for (from, to, message) in cases {
        assert!(GOOD.contains(from), "{from} is not in the text");
        let found = messages(&GOOD.replacen(from, to, 1));
        assert_eq!(found, [format!("rules/rbac/r.yaml:{message}")], "{from} -> {to}");
    }
}

#[test]
fn the_text_that_the_others_break_is_good() {
    assert_eq!(messages(GOOD), [""; 0]);
}

#[test]
fn unknown_keys_and_words_are_refused_with_what_was_probably_meant() {
    assert_messages(&[
        ("why: W", "wy: W", "24:1: unknown key `wy` (did you mean `why`?)"),
        ("  outcomes:", "  outcome:", "10:3: unknown key `outcome` (did you mean `outcomes`?)"),
        ("family: rbac", "family: rback", "4: there is no family `rback` (did you mean `rbac`?)"),
        (
            "severity: high",
            "severity: hihg",
            "5: there is no severity `hihg` (did you mean `high`?)",
        ),
        (
            "severity: critical",
            "severity: critcal",
            "16: there is no severity `critcal` (did you mean `critical`?)",
        ),
        ("pod.exec]", "pod.exek]", "9: there is no action `pod.exek` (did you mean `pod.exec`?)"),
        ("pod.exec]", "'pods.*']", "9: there is no action `pods.*`"),
        (
            "outcomes: [allowed]",
            "outcomes: [alowed]",
            "10: `on` knows no `alowed` (did you mean `allowed`?)",
        ),
        (
            "outcomes: [allowed]",
            "effects: [chnaged]",
            "10: `on` knows no `chnaged` (did you mean `changed`?)",
        ),
        (
            "outcomes: [allowed]",
            "principals: [users]",
            "10: `on` knows no `users` (did you mean `user`?)",
        ),
        (
            "outcomes: [allowed]",
            "not-principals: [nodes]",
            "10: `on` knows no `nodes` (did you mean `node`?)",
        ),
        (
            "needs: Request",
            "needs: Requests",
            "7: there is no audit level `Requests` (did you mean `Request`?)",
        ),
        (
            "enables: [target]",
            "enables: [targets]",
            "26: `enables` knows no `targets` (did you mean `target`?)",
        ),
        ("T1609,", "T16,", "6: `T16` is no ATT&CK technique id (write T1609 or T1552.007)"),
        (
            "version: 1",
            "version: 1\nkind: treshold",
            "3: there is no kind `treshold` (did you mean `threshold`?)",
        ),
        ("version: 1", "version: 1\nconfidence: 1.5", "3: the confidence is not between 0 and 1"),
        ("title: T", "title: ' '", "3: `title` is empty"),
        (
            "event_count",
            "event_cont",
            "18: there is no correlation type `event_cont` (did you mean `event_count`?)",
        ),
        (
            "[actor.name]",
            "[actor.nam]",
            "20: there is no field `actor.nam` (did you mean `actor.name`?)",
        ),
        (
            "[actor.name]",
            "[history.priorActions]",
            "20: `history.priorActions` cannot be grouped or counted by (use a named field)",
        ),
        ("{count}", "{cuont}", "23: there is no field `{cuont}` (did you mean `count`?)"),
    ]);
}

#[test]
fn what_can_never_work_is_refused() {
    assert_messages(&[
        (
            "actions: [pod.exec]",
            "actions: []",
            "8: `actions` is empty (the rule could never match)",
        ),
        (
            "outcomes: [allowed]",
            "outcomes: []",
            "8: `outcomes` is empty (the rule could never match)",
        ),
        (
            "  outcomes: [allowed]",
            "  principals: [node]\n  not-principals: [node]",
            "8: no kind of principal is left (the rule could never match)",
        ),
        (
            "timespan: 5m",
            "timespan: 5",
            "18: `5` is no timespan from 1s to 30d (write 30s, 5m, 2h or 1d)",
        ),
        (
            "timespan: 5m",
            "timespan: 0s",
            "18: `0s` is no timespan from 1s to 30d (write 30s, 5m, 2h or 1d)",
        ),
        (
            "timespan: 5m",
            "timespan: 4000000000d",
            "18: `4000000000d` is no timespan from 1s to 30d (write 30s, 5m, 2h or 1d)",
        ),
        ("{gte: 10}", "{}", "18: the condition has no bound (write {gte: 10})"),
        ("{gte: 10}", "{gte: 10, lt: 3}", "18: the condition can never hold"),
        (
            "{gte: 10}",
            "{gte: 10, field: target.name}",
            "18: event_count takes no `field` (use value_count)",
        ),
        ("event_count", "value_count", "18: value_count needs `field` in its condition"),
        (
            "exec.command.contains(\"token\")",
            "workload.privileged && event.responseObject.x",
            "7: at the level Request the log does not have `event.responseObject.x` (write `needs: RequestResponse`)",
        ),
        (
            "because: \"{principal}",
            "because: \"{count}",
            "14: `{count}` exists only in rules with a correlation (leave it out)",
        ),
    ]);
}

#[test]
fn conditions_are_pointed_at_where_they_stand_in_the_file() {
    assert_messages(&[
        (
            "exec.command",
            "exec.comand",
            "12:3: there is no field `exec.comand` (did you mean `exec.command`?)",
        ),
        (
            "priorActions > 1",
            "priorActions > \"1\"",
            "13:28: this is text, but a number is needed here (`>` compares numbers)",
        ),
        (") &&", ") &", "12:34: `&` is no operator (write `&&`)"),
        (
            "- when: history.addressIsNew",
            "- when: histroy.addressIsNew",
            "15:11: there is no field `histroy.addressIsNew` (did you mean `history.addressIsNew`?)",
        ),
        (
            "- when: history.addressIsNew",
            "- when: event.requestObject.x",
            "15:11: `event.requestObject.x` cannot be used in `adjust` (raw bodies are not kept; use a named field)",
        ),
        (
            "&&\n",
            "&& (event.requestObject.x || history.tokenMoved) &&\n",
            "11: `event.requestObject.x` and `history.*` stand in one condition (join them with `&&` at the top level, or use a named field)",
        ),
    ]);
}

/// A condition, and its error with the offset.
const CONDITIONS: &[(&str, usize, &str, &str)] = &[
    ("event.verb", 0, "this is text, but a condition is needed here", ""),
    ("event.verb && true", 0, "this is text, but a condition is needed here", ""),
    ("event.verb == 1", 11, "text cannot be equal to a number", ""),
    ("event.verb < \"b\"", 0, "this is text, but a number is needed here", "`<` compares numbers"),
    ("event.code == \"200\"", 11, "a number cannot be equal to text", ""),
    ("event.code in [\"200\"]", 0, "this is a number, but text is needed here", ""),
    ("event.verb in [1]", 0, "this is text, but a number is needed here", ""),
    ("event.verb in [event.agent]", 14, "a list may hold constants only", ""),
    (
        "event.verb in \"create\"",
        14,
        "`in` needs a list on its right side",
        "for a part of a text write text.contains(part)",
    ),
    (
        "principal.groups.contains(\"x\")",
        17,
        "contains() is for texts, and this is a list",
        "write \"text\" in list, or list.exists(x, …)",
    ),
    (
        "principal.groups == [\"a\"]",
        17,
        "lists can only be compared with []",
        "use `in`, exists() or all()",
    ),
    (
        "[\"a\"].exists(x, x == \"a\")",
        0,
        "a list of constants cannot be used here",
        "it may only stand to the right of `in`",
    ),
    (
        "principal.groups.exists(event, true)",
        24,
        "`event` has a meaning already",
        "choose another name for the item",
    ),
    ("principal.groups.exists(1, true)", 24, "the first argument must be a new name", ""),
    (
        "principal.groups.exists(g, g.name == \"a\")",
        27,
        "`g` has no part `name`",
        "items of lists are texts or numbers; pod templates are in `workload.…`",
    ),
    ("principal.groups.exists(g)", 17, "exists() takes 2 arguments", ""),
    (
        "event.verb.matches(\"(\")",
        19,
        "the regular expression is wrong: unclosed group",
        "RE2 syntax; look-around and back references do not exist",
    ),
    (
        "event.verb.matches(\"(?=a)\")",
        19,
        "the regular expression is wrong: look-around, including look-ahead and look-behind, is not supported",
        "RE2 syntax; look-around and back references do not exist",
    ),
    (
        "event.verb.matches(\"(a{1000}){1000}\")",
        19,
        "the regular expression needs more than 1048576 bytes",
        "use smaller repetitions",
    ),
    ("event.verb.matches(event.agent)", 19, "the regular expression must be a constant", ""),
    (
        "action.kind == \"pod.exek\"",
        12,
        "`action.kind` is never \"pod.exek\"",
        "did you mean `pod.exec`?",
    ),
    (
        "principal.kind in [\"users\"]",
        18,
        "`principal.kind` is never \"users\"",
        "did you mean `user`?",
    ),
    (
        "event.verb.lower() == \"a\"",
        11,
        "the function lower() is outside the supported subset",
        "known: all, contains, endsWith, exists, has, lowerAscii, matches, size, startsWith",
    ),
    (
        "event.verb.contain(\"a\")",
        11,
        "the function contain() is outside the supported subset",
        "did you mean `contains`?",
    ),
    (
        "event.code + 1 == 2",
        11,
        "arithmetic is valid CEL but outside the supported subset",
        "see \"Operators\" in docs/rules.md",
    ),
    (
        "true ? true : false",
        5,
        "`? :` is valid CEL but outside the supported subset",
        "see \"Operators\" in docs/rules.md",
    ),
    (
        "event.verb == null",
        14,
        "`null` is valid CEL but outside the supported subset",
        "see \"Operators\" in docs/rules.md",
    ),
    (
        "event.code > 1.5",
        13,
        "a decimal number is valid CEL but outside the supported subset",
        "see \"Operators\" in docs/rules.md",
    ),
    (
        "has(event.annotations[\"a\"])",
        4,
        "has() takes a field, not an index",
        "write \"KEY\" in event.annotations",
    ),
    (
        "has(workload.privileged)",
        4,
        "has() of a field that is true or false",
        "write the field by itself",
    ),
    (
        "has(event.requestObject)",
        4,
        "`event.requestObject` needs a path",
        "write event.requestObject.spec.…",
    ),
    (
        "event.requestObject.a == event.requestObject.b",
        22,
        "two raw values cannot be compared with each other",
        "compare with a text, a number or a named field",
    ),
    ("event.verb.x == \"a\"", 0, "`event.verb` is text and has no part `x`", ""),
    ("event.annotations[\"a\"].b == \"c\"", 0, "the values of this map are texts", ""),
    (
        "event.annotations[event.verb] == \"a\"",
        18,
        "an index must be a constant",
        "write map[\"KEY\"] or list[0]",
    ),
    ("evnt.verb == \"a\"", 0, "there is no field `evnt.verb`", "did you mean `event.verb`?"),
    ("foo", 0, "there is no field `foo`", ""),
];

#[test]
fn conditions_that_cannot_be_judged_are_refused() {
    for (text, at, what, hint) in CONDITIONS {
        let error = trailhound_rules::native::compile(text).unwrap_err();
        assert_eq!(
            (error.at, error.what.as_str(), error.hint.as_str()),
            (*at, *what, *hint),
            "{text}"
        );
    }
}

#[test]
fn broken_yaml_says_where() {
    for (text, message) in [
        ("", "the key `id` is missing"),
        ("id: [", "rules/rbac/r.yaml:"),
        ("- a\n", "invalid type: sequence"),
        ("id: r\nid: r\n", "duplicate field `id`"),
        ("id: r\nversion: -1\n", "version"),
    ] {
        let found = messages(text).join("\n");
        assert!(found.contains(message), "{text:?}: {found}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let text = GOOD
        .replace("severity: high", "severity: hi")
        .replace("pod.exec", "exec")
        .replace("[target]", "[x]");
    assert_eq!(messages(&text).len(), 3);
}

#[test]
fn ids_are_the_names_of_their_files_and_taken_once() {
    let error = |files: &[(&str, &str)]| RuleSet::load(files).unwrap_err().remove(0).to_string();
    assert_eq!(
        error(&[("a/q.yaml", GOOD)]),
        "a/q.yaml:1: the id `r` differs from the file name `q` (they must be equal)"
    );
    assert_eq!(
        error(&[("a/r.yaml", GOOD), ("b/r.yaml", GOOD)]),
        "b/r.yaml: the id `r` is taken (a/r.yaml has it too; ids must differ)"
    );
    assert_eq!(
        error(&[("R_x.yaml", &GOOD.replace("id: r", "id: R_x"))]),
        "R_x.yaml:1: the id `R_x` is not in kebab-case (use lower-case letters, digits and `-`)"
    );
}

#[test]
fn files_that_would_exhaust_memory_are_refused_unread() {
    let huge = " ".repeat(50 << 20);
    assert_eq!(
        messages(&huge),
        ["rules/rbac/r.yaml: the file is larger than 1048576 bytes (split the rule)"]
    );
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ntests: [*d,*d,*d,*d,*d,*d,*d]\n";
    assert!(!messages(bomb).is_empty());
    assert!(!messages(&"[".repeat(100_000)).is_empty());
}

#[test]
fn no_rules_at_all_are_a_rule_set() {
    assert_eq!(RuleSet::load(&[]).unwrap().rules().len(), 0);
}
