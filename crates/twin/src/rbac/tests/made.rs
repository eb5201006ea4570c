//! Facts made by hand.

use trailhound_model::{
    body::{Binding, PolicyRule, Subject},
    event::{BodyPresence, Event, Level, ObjectRef, Stage, Status, User},
    fact::Fact,
    observed::{Observation, Observed, Said, State},
    time::{SECOND, Time},
};

pub(super) const GROUP: &str = "rbac.authorization.k8s.io";

pub(super) fn at(second: i64) -> Time {
    Time(second * SECOND)
}

pub(super) fn rule(verbs: &[&str], resources: &[&str]) -> PolicyRule {
    PolicyRule {
        verbs: verbs.iter().map(|v| (*v).into()).collect(),
        api_groups: vec!["".into()],
        resources: resources.iter().map(|v| (*v).into()).collect(),
        ..PolicyRule::default()
    }
}

pub(super) fn user(name: &str) -> Subject {
    Subject { kind: "User".into(), name: name.into(), namespace: "".into() }
}

/// A request about an object, without bodies.
pub(super) fn request(second: i64, who: &str, verb: &str, of: (&str, &str, &str, &str)) -> Event {
    let (group, resource, namespace, name) = of;
    let user =
        User { name: who.into(), groups: vec!["system:authenticated".into()], ..User::default() };
    Event {
        audit_id: format!("{second}-{verb}-{name}").into(),
        stage: Stage::ResponseComplete,
        level: Level::Metadata,
        received: Some(at(second)),
        time: at(second),
        verb: verb.into(),
        request_uri: "/apis".into(),
        user: user.into(),
        object: Some(Box::new(ObjectRef {
            resource: resource.into(),
            api_group: group.into(),
            namespace: namespace.into(),
            name: name.into(),
            ..ObjectRef::default()
        })),
        status: Some(Status { code: Some(200), ..Status::default() }.into()),
        ..Event::default()
    }
}

pub(super) fn decided(mut event: Event, decision: &str, reason: &str) -> Fact {
    event.annotations = vec![
        ("authorization.k8s.io/decision".into(), decision.into()),
        ("authorization.k8s.io/reason".into(), reason.into()),
    ]
    .into();
    if decision == "forbid" {
        event.status = Some(Status { code: Some(403), ..Status::default() }.into());
    }
    Fact::of(event)
}

fn written(second: i64, verb: &str, of: (&str, &str, &str), said: Said, state: State) -> Fact {
    let (resource, namespace, name) = of;
    let mut event = request(second, "admin", verb, (GROUP, resource, namespace, name));
    event.bodies = BodyPresence { request: true, response: said != Said::Asked, truncated: false };
    let mut fact = Fact::of(event);
    let object = Observation {
        said,
        whole: said != Said::Asked || verb != "patch",
        resource: resource.into(),
        namespace: namespace.into(),
        name: name.into(),
        state,
        ..Observation::default()
    };
    fact.observed = Some(Box::new(Observed { objects: vec![object], left_out: 0 }));
    fact
}

pub(super) fn role(second: i64, verb: &str, name: (&str, &str), rules: &[PolicyRule]) -> Fact {
    role_said(second, verb, name, rules, Said::Answered)
}

pub(super) fn role_said(
    second: i64,
    verb: &str,
    (namespace, name): (&str, &str),
    rules: &[PolicyRule],
    said: Said,
) -> Fact {
    let resource = if namespace.is_empty() { "clusterroles" } else { "roles" };
    let state =
        State::Role { rules: rules.to_vec(), aggregation: Vec::new(), aggregation_complex: false };
    written(second, verb, (resource, namespace, name), said, state)
}

pub(super) fn binding(
    second: i64,
    (namespace, name): (&str, &str),
    (kind, role): (&str, &str),
    subjects: &[Subject],
) -> Fact {
    let resource = if namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" };
    let state = State::Binding(Binding {
        role_kind: kind.into(),
        role: role.into(),
        subjects: subjects.to_vec(),
    });
    written(second, "create", (resource, namespace, name), Said::Answered, state)
}

/// A write without any body.
pub(super) fn bare(second: i64, verb: &str, resource: &str, namespace: &str, name: &str) -> Fact {
    Fact::of(request(second, "admin", verb, (GROUP, resource, namespace, name)))
}

/// The API server's first start, at second 0: it makes thirty roles of its own.
pub(super) fn first_start() -> Vec<Fact> {
    let table = super::super::bootstrap::Bootstrap::table();
    let roles = table.roles.into_iter().filter(|(key, _)| key.namespace.is_empty()).take(30);
    roles
        .map(|(key, body)| {
            let mut fact = role(0, "create", ("", &key.name), &body.rules);
            let own = User {
                name: "system:apiserver".into(),
                groups: vec!["system:masters".into()],
                ..User::default()
            };
            fact.event.user = own.into();
            fact
        })
        .collect()
}
