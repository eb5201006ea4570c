//! Every operator on values that are there, absent and unknown.

use crate::support::{FakeBodies, event, truth};
use trailhound_model::{
    event::{Event, User},
    lookup::{Side, Truth, Value},
};

/// Bodies that are not logged make `workload.privileged` and raw fields unknown.
fn assert_all(expected: Truth, conditions: &[&str]) {
    let pod = event("create", "", "pods", "exec");
    for when in conditions {
        assert_eq!(truth(when, &pod, &FakeBodies::default()), expected, "{when}");
    }
}

#[test]
fn operators_that_hold() {
    assert_all(
        Truth::True,
        &[
            "true",
            "!false",
            "event.verb == \"create\"",
            "\"create\" == event.verb",
            "event.verb != \"get\"",
            "event.verb in [\"get\", \"create\"]",
            "!(event.verb in [])",
            "event.code in [200, 201]",
            "event.code == 200 && event.code != 201",
            "event.code < 300 && event.code <= 200 && event.code > 199 && event.code >= 200",
            "100 < event.code",
            "event.userAgent.contains(\"v1.33\")",
            "event.userAgent.startsWith(\"kubectl/\") && event.userAgent.endsWith(\"(linux)\")",
            "event.userAgent.matches(\"^kubectl/v1\\\\.[0-9]+ \")",
            "event.userAgent.matches(r\"v\\d\\.\\d\\d\")",
            "event.userAgent.lowerAscii().contains(\"LINUX\".lowerAscii())",
            "event.userAgent.startsWith(event.agent)",
            "event.userAgent.contains(event.agent)",
            "event.agent.endsWith(event.agent)",
            "event.agent == event.agent",
            "\"dev\" in principal.groups",
            "principal.groups.exists(g, g.startsWith(\"system:\"))",
            "principal.groups.all(g, g.size() > 2)",
            "principal.groups.exists(g, event.sourceIPs.exists(ip, ip != g))",
            "size(principal.groups) == 2 && principal.groups.size() == 2",
            "principal.groups != []",
            "size(event.verb) == 6",
            "event.interactive == true",
            "event.interactive != principal.impersonated",
            "has(event.verb) && has(event.code) && has(principal.groups)",
            "\"authorization.k8s.io/decision\" in event.annotations",
            "event.annotations.exists(k, k.endsWith(\"/reason\"))",
            "// a comment\nevent.verb == 'create' // another",
            "exec.command == \"sh -c\" || false",
            "workload.privileged || true",
            "!(workload.privileged && false)",
        ],
    );
}

#[test]
fn operators_that_do_not_hold() {
    assert_all(
        Truth::False,
        &[
            "false",
            "event.verb == \"CREATE\"",
            "event.verb in [\"get\"]",
            "event.code > 200",
            "event.userAgent.matches(\"^curl\")",
            "\"admin\" in principal.groups",
            "principal.groups.exists(g, g == \"admin\")",
            "principal.groups.all(g, g == \"dev\")",
            "has(event.cluster)",
            "\"nope\" in event.annotations",
            "principal.impersonated",
            "principal.groups == []",
            "workload.privileged && false",
            "false && workload.privileged",
            "!(workload.privileged || true)",
        ],
    );
}

#[test]
fn what_is_not_logged_stays_unknown_through_every_operator() {
    assert_all(
        Truth::Unknown,
        &[
            "workload.privileged",
            "!workload.privileged",
            "workload.privileged && true",
            "workload.privileged || false",
            "workload.privileged == false",
            "workload.replicas > 1",
            "workload.replicas != 1",
            "workload.serviceAccount == \"x\"",
            "workload.serviceAccount != \"x\"",
            "workload.serviceAccount.contains(\"\")",
            "workload.serviceAccount in [\"x\"]",
            "workload.serviceAccount == event.verb",
            "workload.serviceAccount.lowerAscii().matches(\"x\")",
            "size(workload.serviceAccount) == 0",
            "\"x\" in workload.images",
            "workload.images.exists(i, i == \"x\")",
            "workload.images.all(i, i == \"x\")",
            "workload.images == []",
            "size(workload.images) > 0",
            "has(workload.serviceAccount)",
            "has(workload.replicas)",
            "has(workload.images)",
            "\"x\" in workload.labels",
            "has(event.requestObject.spec)",
            "event.requestObject.spec.x == \"a\"",
            "event.responseObject.status.ok",
            "principal.groups.exists(g, workload.privileged)",
        ],
    );
}

#[test]
fn absent_values_are_empty_and_absent_numbers_equal_nothing() {
    let nobody = Event { verb: "get".into(), user: User::default().into(), ..Event::default() };
    let bodies = FakeBodies::raw(&[]);
    for when in [
        "event.userAgent == \"\"",
        "event.annotations[\"x\"] == \"\" && event.annotations[\"x\"] != \"y\"",
        "!event.annotations[\"x\"].contains(\"y\")",
        "principal.groups == [] && principal.groups.all(g, false)",
        "!principal.groups.exists(g, true)",
        "!(\"a\" in principal.groups)",
        "event.requestObject.spec.replicas != 1",
        "!(event.requestObject.spec.replicas == 1)",
        "!(event.requestObject.spec.replicas < 1) && !(event.requestObject.spec.replicas > 1)",
        "!event.requestObject.spec.hostPID",
        "!has(event.requestObject.spec) && !has(event.userAgent) && !has(principal.groups)",
        "size(event.userAgent) == 0 && size(principal.groups) == 0",
    ] {
        assert_eq!(truth(when, &nobody, &bodies), Truth::True, "{when}");
    }
}

#[test]
fn raw_values_take_the_type_that_is_asked_of_them() {
    let bodies = FakeBodies::raw(&[
        (Side::Request, "spec.replicas", Value::Int(3)),
        (Side::Request, "spec.share", Value::Float(2.0)),
        (Side::Request, "spec.on", Value::Bool(true)),
        (Side::Request, "metadata.annotations.a/b", Value::Text("c".into())),
        (Side::Request, "args", Value::List(vec![Value::Text("-c".into()), Value::Int(7)])),
        (Side::Request, "nested", Value::List(vec![Value::List(vec![Value::Int(1)])])),
        (Side::Response, "spec.replicas", Value::Int(4)),
    ]);
    let pod = event("create", "", "pods", "");
    for when in [
        "event.requestObject.spec.replicas == 3 && event.requestObject.spec.replicas == \"3\"",
        "event.requestObject.spec.share == 2",
        "event.requestObject.spec.on && event.requestObject.spec.on == true",
        "event.requestObject.spec.on != false && !event.requestObject.spec.replicas",
        "event.requestObject.metadata.annotations[\"a/b\"] == \"c\"",
        "event.requestObject.metadata.annotations[\"a/b\"] in [\"c\", \"d\"]",
        "event.requestObject[\"spec\"][\"replicas\"] > 2",
        "\"-c\" in event.requestObject.args && size(event.requestObject.args) == 2",
        "event.requestObject.args.exists(a, a == 7)",
        "event.requestObject.args.exists(a, a.startsWith(\"-\"))",
        "event.requestObject.nested.exists(row, row.exists(cell, cell == 1))",
        "has(event.requestObject.args) && !has(event.requestObject.none)",
        "event.requestObject.spec != \"\" || true",
        "event.responseObject.spec.replicas == 4",
    ] {
        assert_eq!(truth(when, &pod, &bodies), Truth::True, "{when}");
    }
    for when in [
        "event.requestObject.args == 3",
        "event.requestObject.spec.on == 1",
        "\"x\" in event.requestObject.spec.replicas",
    ] {
        assert_eq!(truth(when, &pod, &bodies), Truth::False, "{when}");
    }
}
