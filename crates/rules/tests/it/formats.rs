//! What a format cannot say is unknown, for a condition and for its opposite: a rule must not be
//! quietly blind, nor fire, because a provider leaves a field out.

use crate::support::{FakeBodies, event, truth};
use trailhound_model::{
    event::{Event, Level, Stage},
    format::Format,
    lookup::Truth,
};

/// An exec of alice as GKE tells it.
fn gke() -> Event {
    let mut event = event("create", "", "pods", "exec");
    event.format = Format::Gke;
    event.request_uri = "/api/v1/namespaces/shop/pods/cart-7d4/exec".into();
    event.level = Level::Unknown;
    event.user.groups.clear();
    event.annotations.truncate(1);
    event.status = None;
    event
}

fn truths(event: &Event, conditions: &[&str]) -> Vec<Truth> {
    let bodies = FakeBodies::default();
    conditions.iter().map(|condition| truth(condition, event, &bodies)).collect()
}

const SILENT_IN_GKE: &[&str] = &[
    r#""system:masters" in principal.groups"#,
    r#""system:masters" in actor.groups"#,
    r#"credential.id == "JTI=1""#,
    r#"credential.kind == "pod-token""#,
    r#"credential.pod == "cart""#,
    r#"credential.node == "n1""#,
    r#"exec.command.contains("sh")"#,
    r#"exec.container == "web""#,
    "exec.tty",
    "exec.stdin",
    r#"query["follow"] == "true""#,
    r#"event.annotations["authentication.k8s.io/legacy-token"] == "x""#,
    "event.code == 200",
    r#"event.level == "Metadata""#,
    r#"event.message.contains("x")"#,
];

#[test]
fn what_gke_does_not_say_is_unknown_and_so_is_its_opposite() {
    let event = gke();
    for condition in SILENT_IN_GKE {
        let opposite = format!("!({condition})");
        let found = truths(&event, &[condition, opposite.as_str()]);
        assert_eq!(found, [Truth::Unknown, Truth::Unknown], "{condition}");
    }
}

#[test]
fn a_native_event_that_lacks_the_same_fields_is_judged_as_before() {
    let mut event = Event { format: Format::Native, ..gke() };
    event.level = Level::Metadata;
    let found = truths(
        &event,
        &[
            r#"exec.command.contains("sh")"#,
            "exec.tty",
            r#"query["follow"] == "true""#,
            r#"event.annotations["authentication.k8s.io/legacy-token"] == "x""#,
            r#"event.level == "Metadata""#,
        ],
    );
    assert_eq!(found, [Truth::False, Truth::False, Truth::False, Truth::False, Truth::True]);
}

#[test]
fn what_gke_does_say_is_judged() {
    let mut event = gke();
    event.request_uri.push_str("?command=cat%20%2Fetc%2Fshadow");
    let found = truths(
        &event,
        &[
            r#"principal.name == "alice""#,
            r#"authz.decision == "allow""#,
            r#"authz.reason == "x""#,
            r#"exec.command.contains("/etc/shadow")"#,
            r#"target.namespace == "shop""#,
        ],
    );
    assert_eq!(found, [Truth::True, Truth::True, Truth::False, Truth::True, Truth::True]);
}

#[test]
fn the_path_behind_a_proxy_is_unknown_where_it_may_have_been_left_out() {
    let mut event = gke();
    event.stage = Stage::ResponseComplete;
    let object = event.object.as_mut().expect("an exec has a target");
    object.resource = "nodes".into();
    object.subresource = "proxy".into();
    event.request_uri = "/api/v1/nodes/n1/proxy".into();
    let asks = r#"proxy.path.startsWith("/run")"#;
    assert_eq!(truths(&event, &[asks]), [Truth::Unknown]);
    event.request_uri = "/api/v1/nodes/n1/proxy/run/shop/cart".into();
    assert_eq!(truths(&event, &[asks]), [Truth::True]);
}
