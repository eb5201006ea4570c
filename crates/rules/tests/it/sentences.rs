//! Templates: what fills their holes, and what hostile values may not do.

use crate::support::{FakeBodies, FakeHistory, event, judged, load, rule_text};
use std::collections::BTreeMap;
use trailhound_model::{
    body::{BodyKind, Container, Workload},
    event::Event,
    lookup::Truth,
};
use trailhound_rules::{Template, template::Use};

fn said(source: &str, event: &Event, bodies: &FakeBodies) -> String {
    let rules = load(&rule_text("on: {actions: ['*']}\n", "")).unwrap();
    let (fact, _) = judged(&rules, event, bodies);
    let history = FakeHistory { actions: 4, requests: 9, truth: Truth::True };
    let extra: BTreeMap<_, _> =
        [("count", "12"), ("minutes", "5")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let template = Template::parse(source, Use::Prose, true).unwrap();
    rules.render(&template, &fact, &history, &extra)
}

#[test]
fn holes_are_filled_in_words() {
    let exec = event("get", "", "pods", "exec");
    for (source, sentence) in [
        (
            "{principal} ran `{exec.command}` in {target}.",
            "User alice ran `sh -c` in pod cart-7d4 in namespace shop.",
        ),
        ("{actor} did it", "user alice did it"),
        (
            "{principal} {action.phrase} {target.entity}",
            "user alice ran a command inside pod:shop/cart-7d4",
        ),
        ("{count} times in {minutes} minutes, {values}", "12 times in 5 minutes, some"),
        (
            "{principal.groups}; {exec.tty}; {exec.stdin}; {event.code}",
            "system:authenticated, dev; yes; no; 200",
        ),
        ("{event.cluster} and {credential.id}", "(none) and (not logged)"),
        ("{history.priorActions} {history.addressIsNew}", "4 yes"),
        ("a {{b}} c", "a {b} c"),
        (
            "{event.annotations[\"authorization.k8s.io/decision\"]} {query[\"container\"]}",
            "allow web",
        ),
        ("plain", "plain"),
    ] {
        assert_eq!(said(source, &exec, &FakeBodies::default()), sentence, "{source}");
    }
}

#[test]
fn bodies_that_are_not_logged_are_said_to_be_so() {
    let create = event("create", "", "pods", "");
    let source = "It {workload.risks} as {workload.serviceAccount}.";
    assert_eq!(said(source, &create, &FakeBodies::default()), "It (not logged) as (not logged).");
    let web = Container { name: "web".into(), privileged: true, ..Container::default() };
    let risky = Workload {
        containers: vec![web],
        host_paths: vec!["/".into(), "/var/log".into()],
        ..Workload::default()
    };
    let bodies = FakeBodies::of(BodyKind::Workload(Box::new(risky)));
    assert_eq!(
        said(source, &create, &bodies),
        "It runs container web privileged, mounts / of the node as (none)."
    );
}

#[test]
fn values_stay_on_one_line_and_within_bounds() {
    let mut long = event("get", "", "pods", "");
    long.user_agent = format!("a\nb\u{1b}[31m{}", "x".repeat(1000)).into();
    let text = said("{event.userAgent}", &long, &FakeBodies::default());
    assert!(text.starts_with("a b [31mxxx") && text.ends_with("x…"), "{text}");
    assert_eq!(text.chars().count(), 301);
}

#[test]
fn a_hostile_name_does_not_become_a_second_command() {
    let rules = load(&rule_text("on: {actions: ['*'], outcomes: [not-found]}\n", "next: [\"Look: `kubectl get pod {target.name} -n {target.namespace}` of {target.name}\"]\n")).unwrap();
    for (name, step) in [
        ("cart-7d4", "Look: `kubectl get pod cart-7d4 -n shop` of cart-7d4"),
        ("x; rm -rf ~", "Look: `kubectl get pod 'x; rm -rf ~' -n shop` of x; rm -rf ~"),
        (
            "a'$(id)`id`'",
            "Look: `kubectl get pod 'a'\\''$(id)'\\''id'\\'''\\''' -n shop` of a'$(id)'id''",
        ),
        ("--all", "Look: `kubectl get pod '(unsafe value)' -n shop` of --all"),
        ("", "Look: `kubectl get pod '(none)' -n shop` of (none)"),
    ] {
        let mut get = event("get", "", "pods", "");
        get.object.as_mut().unwrap().name = name.into();
        get.status.as_mut().unwrap().code = Some(404);
        let (fact, _) = judged(&rules, &get, &FakeBodies::default());
        let template = &rules.rules()[0].next()[0];
        let said = rules.render(template, &fact, &FakeHistory::default(), &BTreeMap::new());
        assert_eq!(said, step);
    }
}

#[test]
fn holes_that_nothing_can_fill_are_refused() {
    for (source, counted, what, hint) in [
        (
            "{exec.comand}",
            false,
            "there is no field `{exec.comand}`",
            "did you mean `exec.command`?",
        ),
        ("{princpal}", false, "there is no field `{princpal}`", "did you mean `principal`?"),
        (
            "{count} times",
            false,
            "`{count}` exists only in rules with a correlation",
            "leave it out",
        ),
        (
            "{event.requestObject.spec}",
            false,
            "`{event.requestObject.spec}` cannot stand in a sentence: raw bodies are not kept",
            "use a named field such as `workload.…` or `target.name`",
        ),
        (
            "{event.annotations}",
            true,
            "`{event.annotations}` needs a key",
            "write {event.annotations[\"KEY\"]}",
        ),
        ("{open", true, "`{` is not closed", "write `{{` and `}}` for braces"),
        ("shut}", true, "`}` has no `{`", "write `{{` and `}}` for braces"),
    ] {
        let error = Template::parse(source, Use::Prose, counted).unwrap_err();
        assert_eq!((error.what.as_str(), error.hint.as_str()), (what, hint));
    }
}
