//! The audit event as a document: the same paths whatever format it came in.
//!
//! Falco and Sigma rules name places in the event as the API server writes it. Records of providers
//! have been converted long before, so paths are answered from the decoded event, and only those
//! into bodies from the bytes.

use crate::read::View;
use smallvec::SmallVec;
use std::borrow::Cow;
use trailhound_model::{
    Str,
    event::{Event, ObjectRef, Status, User},
    lookup::{Reading, Side, Step, Value},
};

mod whole;

/// The values at a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values<'a> {
    /// As text, lists item by item.
    pub(crate) texts: SmallVec<[Cow<'a, str>; 4]>,
    /// The log does not carry the place; it may have had values.
    pub(crate) unknown: bool,
}

impl<'a> Values<'a> {
    /// Nothing, and the log would have shown it.
    pub(crate) fn none() -> Values<'a> {
        Values::default()
    }

    /// Nothing that the log could show.
    pub(crate) fn unknown() -> Values<'a> {
        Values { unknown: true, ..Values::default() }
    }

    /// One text.
    pub(crate) fn one(text: impl Into<Cow<'a, str>>) -> Values<'a> {
        Values { texts: SmallVec::from_elem(text.into(), 1), unknown: false }
    }

    /// Several.
    pub(crate) fn many<T: Into<Cow<'a, str>>>(texts: impl IntoIterator<Item = T>) -> Values<'a> {
        Values { texts: texts.into_iter().map(Into::into).collect(), unknown: false }
    }

    /// One text; empty is none.
    fn filled(text: &'a str) -> Values<'a> {
        if text.is_empty() { Values::none() } else { Values::one(text) }
    }

    /// None means unknown if the log cannot tell.
    fn or_unknown(mut self, told: bool) -> Values<'a> {
        self.unknown = self.texts.is_empty() && !told;
        self
    }

    /// Adds the values of another place.
    pub(crate) fn extend(&mut self, others: Values<'a>) {
        self.texts.extend(others.texts);
        self.unknown |= others.unknown;
    }
}

/// A place in the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    top: Top,
    /// The field of the event as it was named.
    name: Str,
    rest: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Top {
    Kind,
    ApiVersion,
    AuditId,
    Stage,
    Level,
    Verb,
    RequestUri,
    UserAgent,
    SourceIps,
    User,
    Impersonated,
    ObjectRef,
    ResponseStatus,
    Annotations,
    Received,
    StageTime,
    Constraint,
    Body(Side),
    /// No field of an audit event.
    None,
}

/// The fields of an audit event.
const TOPS: [(&str, Top); 19] = [
    ("annotations", Top::Annotations),
    ("apiVersion", Top::ApiVersion),
    ("auditID", Top::AuditId),
    ("authenticationMetadata", Top::Constraint),
    ("impersonatedUser", Top::Impersonated),
    ("kind", Top::Kind),
    ("level", Top::Level),
    ("objectRef", Top::ObjectRef),
    ("requestObject", Top::Body(Side::Request)),
    ("requestReceivedTimestamp", Top::Received),
    ("requestURI", Top::RequestUri),
    ("responseObject", Top::Body(Side::Response)),
    ("responseStatus", Top::ResponseStatus),
    ("sourceIPs", Top::SourceIps),
    ("stage", Top::Stage),
    ("stageTimestamp", Top::StageTime),
    ("user", Top::User),
    ("userAgent", Top::UserAgent),
    ("verb", Top::Verb),
];

/// Names of the fields of an audit event, sorted.
pub(crate) fn top_names() -> impl Iterator<Item = &'static str> + Clone {
    TOPS.iter().map(|(name, _)| *name)
}

impl Place {
    /// The place at a path whose first step is a field of the event.
    pub fn new(top: &str, rest: Vec<Step>) -> Place {
        let found = TOPS.iter().find(|(name, _)| *name == top);
        Place { top: found.map_or(Top::None, |(_, top)| *top), name: top.into(), rest }
    }

    /// Whether an audit event can have such a field.
    pub fn is_known(&self) -> bool {
        self.top != Top::None
    }

    /// The field of the event, empty if it has no such field, and the steps from there.
    pub fn parts(&self) -> (&'static str, &[Step]) {
        let found = TOPS.iter().find(|(_, top)| *top == self.top);
        (found.map_or("", |(name, _)| name), &self.rest)
    }

    /// The place at a path in a body.
    pub fn in_body(side: Side, rest: Vec<Step>) -> Place {
        Place { top: Top::Body(side), name: Str::default(), rest }
    }

    /// The body that it lies in, if it does.
    pub fn side(&self) -> Option<Side> {
        match self.top {
            Top::Body(side) => Some(side),
            _ => None,
        }
    }

    /// Whether it is a field of the event that is one text, with nothing beneath.
    pub(crate) fn is_plain(&self) -> bool {
        let has_parts = matches!(
            self.top,
            Top::Body(_)
                | Top::User
                | Top::Impersonated
                | Top::ObjectRef
                | Top::ResponseStatus
                | Top::Annotations
                | Top::SourceIps
                | Top::Constraint
                | Top::None
        );
        let in_object = self.top == Top::ObjectRef && self.rest.len() == 1;
        in_object || !has_parts && self.rest.is_empty()
    }

    /// Whether it is the request's verb.
    pub(crate) fn is_verb(&self) -> bool {
        self.top == Top::Verb && self.rest.is_empty()
    }

    /// Whether it is the resource of the request's object.
    pub(crate) fn is_resource(&self) -> bool {
        self.top == Top::ObjectRef && self.rest.first().and_then(key) == Some("resource")
    }

    /// Whether it is the code of the answer.
    pub(crate) fn is_code(&self) -> bool {
        self.top == Top::ResponseStatus && self.rest.first().and_then(key) == Some("code")
    }

    /// Its values in an event.
    pub(crate) fn read<'a>(&self, view: &View<'a>) -> Values<'a> {
        let event = view.event();
        match self.top {
            Top::Body(side) => self.select(side, view),
            Top::User => user(&event.user, &self.rest, event),
            Top::Impersonated => event
                .impersonated
                .as_ref()
                .map_or_else(Values::none, |one| user(one, &self.rest, event)),
            Top::ObjectRef => {
                event.object.as_ref().map_or_else(Values::none, |one| object(one, &self.rest))
            }
            Top::ResponseStatus => match &event.status {
                Some(one) => status(one, &self.rest),
                None => Values::unknown(),
            },
            Top::Annotations => annotation(event, &self.rest),
            Top::SourceIps => items(&event.source_ips, &self.rest),
            Top::Constraint => constraint(event, &self.rest),
            _ if !self.rest.is_empty() => Values::none(),
            top => plain(top, event),
        }
    }

    fn select<'a>(&self, side: Side, view: &View<'a>) -> Values<'a> {
        let Some(bodies) = view.bodies() else { return Values::unknown() };
        match bodies.select(side, &self.rest) {
            Reading::Present(values) => Values::many(values.into_iter().flat_map(flat)),
            Reading::Absent => Values::none(),
            Reading::Unknown => Values::unknown(),
        }
    }
}

/// A list as its items, to any depth.
fn flat(value: Value) -> Vec<String> {
    match value {
        Value::Text(text) => vec![text],
        Value::Bool(value) => vec![value.to_string()],
        Value::Int(value) => vec![value.to_string()],
        Value::Float(value) => vec![value.to_string()],
        Value::List(items) => items.into_iter().flat_map(flat).collect(),
    }
}

/// Every value of the event, for words that may stand anywhere; bodies as their JSON.
pub(crate) fn anywhere<'a>(view: &View<'a>) -> Values<'a> {
    let event = view.event();
    let mut all = Values::many(event.annotations.iter().map(|(_, value)| value.as_str()));
    for top in [Top::Verb, Top::RequestUri, Top::UserAgent, Top::AuditId, Top::Level] {
        all.extend(plain(top, event));
    }
    for one in std::iter::once(&event.user).chain(&event.impersonated) {
        let extra = one.extra.iter().flat_map(|(_, values)| values);
        let rest = [&one.name, &one.uid].into_iter().chain(&one.groups).chain(extra);
        all.texts.extend(rest.map(|text| Cow::Borrowed(text.as_str())));
    }
    all.texts.extend(event.source_ips.iter().map(|text| Cow::Borrowed(text.as_str())));
    if let Some(one) = event.object.as_deref() {
        let parts = [&one.resource, &one.subresource, &one.namespace, &one.name, &one.api_group];
        all.texts.extend(parts.map(|text| Cow::Borrowed(text.as_str())));
    }
    if let Some(one) = event.status.as_deref() {
        all.extend(status(one, &[]));
        all.texts.extend([&one.reason, &one.message].map(|text| Cow::Borrowed(text.as_str())));
    }
    for side in [Side::Request, Side::Response] {
        let body = Place::in_body(side, Vec::new()).read(view);
        all.texts.extend(body.texts);
    }
    all
}

fn key(step: &Step) -> Option<&str> {
    match step {
        Step::Key(key) | Step::Through(key) => Some(key.as_str()),
        Step::Index(_) | Step::Each => None,
    }
}

fn plain(top: Top, event: &Event) -> Values<'_> {
    match top {
        Top::Kind => Values::one("Event"),
        Top::ApiVersion => Values::one("audit.k8s.io/v1"),
        Top::AuditId => Values::filled(&event.audit_id),
        Top::Stage => Values::filled(event.stage.as_str()),
        Top::Level => Values::filled(event.level.as_str()),
        Top::Verb => Values::filled(&event.verb),
        Top::RequestUri => Values::filled(&event.request_uri),
        Top::UserAgent => Values::filled(&event.user_agent),
        Top::Received => {
            event.received.map_or_else(Values::none, |time| Values::one(time.to_string()))
        }
        Top::StageTime => Values::one(event.time.to_string()),
        _ => Values::none(),
    }
}

fn user<'a>(user: &'a User, rest: &[Step], event: &Event) -> Values<'a> {
    let told = event.format.tells_identity();
    let Some((first, rest)) = rest.split_first() else { return Values::filled(&user.name) };
    match key(first) {
        Some("username") => Values::filled(&user.name),
        Some("uid") => Values::filled(&user.uid).or_unknown(told),
        Some("groups") => items(&user.groups, rest).or_unknown(told),
        Some("extra") => extra(user, rest).or_unknown(told),
        _ => Values::none(),
    }
}

fn extra<'a>(user: &'a User, rest: &[Step]) -> Values<'a> {
    let Some((first, rest)) = rest.split_first() else {
        return Values::many(user.extra.iter().map(|(name, _)| name.as_str()));
    };
    let found = user.extra.iter().find(|(name, _)| Some(name.as_str()) == key(first));
    found.map_or_else(Values::none, |(_, values)| items(values, rest))
}

fn items<'a>(list: &'a [Str], rest: &[Step]) -> Values<'a> {
    match rest.first() {
        None | Some(Step::Each) => Values::many(list.iter().map(Str::as_str)),
        Some(Step::Index(at)) => {
            list.get(*at).map_or_else(Values::none, |text| Values::one(text.as_str()))
        }
        Some(Step::Key(_) | Step::Through(_)) => Values::none(),
    }
}

fn object<'a>(object: &'a ObjectRef, rest: &[Step]) -> Values<'a> {
    Values::filled(match rest.first().map(key) {
        None | Some(Some("resource")) => &object.resource,
        Some(Some("subresource")) => &object.subresource,
        Some(Some("namespace")) => &object.namespace,
        Some(Some("name")) => &object.name,
        Some(Some("apiGroup")) => &object.api_group,
        Some(Some("apiVersion")) => &object.api_version,
        Some(Some("uid")) => &object.uid,
        Some(Some("resourceVersion")) => &object.resource_version,
        _ => "",
    })
}

fn status<'a>(status: &'a Status, rest: &[Step]) -> Values<'a> {
    let code = || status.code.map_or_else(Values::none, |code| Values::one(code.to_string()));
    match rest.first().map(key) {
        None | Some(Some("code")) => code(),
        Some(Some("reason")) => Values::filled(&status.reason),
        Some(Some("message")) => Values::filled(&status.message),
        Some(Some("status")) if status.code.is_some_and(|code| code >= 400) => {
            Values::one("Failure")
        }
        _ => Values::none(),
    }
}

fn annotation<'a>(event: &'a Event, rest: &[Step]) -> Values<'a> {
    let told = event.format.tells_annotations();
    let found = match rest.first() {
        None => Values::many(event.annotations.iter().map(|(name, _)| name.as_str())),
        Some(step) => {
            let value = key(step).and_then(|name| event.annotation(name));
            value.map_or_else(Values::none, Values::one)
        }
    };
    found.or_unknown(told)
}

fn constraint<'a>(event: &'a Event, rest: &[Step]) -> Values<'a> {
    match rest.first().map(key) {
        None | Some(Some("impersonationConstraint")) => {
            Values::filled(&event.impersonation_constraint)
        }
        _ => Values::none(),
    }
}
