//! Reads fields: the only place that knows where in an event or body a field's value is, and what
//! it means that it is not there.
//!
//! A missing value is *absent* only if the log would have carried it; else it is *unknown*. Names
//! that need a body, groups of providers that do not log them, credentials of servers that do not
//! write them are unknown, because a rule that takes them for "no" would be quietly blind.

use crate::{
    field::{Field, FieldId, Origin, Type},
    judgement,
    site::{Knowledge, address::AddressFacts},
    words,
};
use smallvec::SmallVec;
use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    sync::Arc,
};
use trailhound_model::{
    Str,
    action::body_was_logged,
    agent,
    body::Body,
    credential::CredentialKind,
    event::{Event, Level, Stage, User},
    fact::Fact,
    lookup::{Bodies, History, Reading, Side, Truth, Value},
    principal::{Identity, PrincipalKind},
};

mod body;
mod history;
mod site;

pub(crate) use site::asks_of_addresses;

/// Requests that open a connection carry no object, whatever their verb.
const BODILESS: &[&str] = &["attach", "exec", "log", "portforward", "proxy"];

/// What costs to work out and is asked by many rules, kept while one event is judged.
#[derive(Default)]
pub(crate) struct Memo<'k> {
    command: OnceCell<Option<String>>,
    /// A question of another language would have needed what the log does not carry.
    doubt: Cell<bool>,
    knowledge: Option<&'k Knowledge>,
    address: OnceCell<Arc<AddressFacts>>,
}

impl<'k> Memo<'k> {
    /// With what the site brought along.
    pub(crate) fn of(knowledge: Option<&'k Knowledge>) -> Memo<'k> {
        Memo { knowledge, ..Memo::default() }
    }

    /// Whether there was a doubt since this was last asked.
    pub(crate) fn take_doubt(&self) -> bool {
        self.doubt.take()
    }

    /// With what a thread remembers of the event's address.
    pub(crate) fn recall(&self, address: Arc<AddressFacts>) {
        let _ = self.address.set(address);
    }
}

/// What a condition can see.
pub(crate) struct View<'a> {
    fact: &'a Fact,
    memo: &'a Memo<'a>,
    bodies: Option<&'a dyn Bodies>,
    history: Option<&'a dyn History>,
}

/// An item of a list.
pub(crate) enum Item<'a> {
    Text(&'a str),
    Value(&'a Value),
}

impl Item<'_> {
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Item::Text(text) => Cow::Borrowed(text),
            Item::Value(value) => value_text(value),
        }
    }

    pub(crate) fn number(&self) -> Option<i64> {
        match self {
            Item::Text(_) => None,
            Item::Value(value) => value_number(value),
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Item::Value(Value::Bool(true)))
    }

    pub(crate) fn items(&self) -> Option<Items<'_>> {
        match self {
            Item::Value(Value::List(items)) => Some(Items::Values(Cow::Borrowed(items))),
            _ => None,
        }
    }
}

/// The items of a list.
pub(crate) enum Items<'a> {
    Texts(SmallVec<[Cow<'a, str>; 8]>),
    Values(Cow<'a, [Value]>),
}

impl<'a> Items<'a> {
    fn texts<T: Into<Cow<'a, str>>>(texts: impl IntoIterator<Item = T>) -> Items<'a> {
        Items::Texts(texts.into_iter().map(Into::into).collect())
    }

    fn strs(texts: impl IntoIterator<Item = &'a Str>) -> Items<'a> {
        Items::texts(texts.into_iter().map(Str::as_str))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Items::Texts(texts) => texts.len(),
            Items::Values(values) => values.len(),
        }
    }

    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = Item<'_>> + '_> {
        match self {
            Items::Texts(texts) => Box::new(texts.iter().map(|text| Item::Text(text))),
            Items::Values(values) => Box::new(values.iter().map(Item::Value)),
        }
    }
}

fn value_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(value) => Cow::Owned(value.to_string()),
        Value::Int(value) => Cow::Owned(value.to_string()),
        Value::Float(value) => Cow::Owned(value.to_string()),
        Value::List(items) => {
            let texts: Vec<_> = items.iter().map(value_text).collect();
            Cow::Owned(texts.join(", "))
        }
    }
}

fn value_number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
        _ => None,
    }
}

/// Empty text is absent.
fn filled<'a>(text: impl Into<Cow<'a, str>>) -> Reading<Cow<'a, str>> {
    let text = text.into();
    if text.is_empty() { Reading::Absent } else { Reading::Present(text) }
}

fn filled_or_unknown(text: &str, known: bool) -> Reading<Cow<'_, str>> {
    if text.is_empty() && !known { Reading::Unknown } else { filled(text) }
}

fn map<'a, T, U>(reading: Reading<T>, change: impl FnOnce(T) -> Reading<U>) -> Reading<U>
where
    T: 'a,
{
    match reading {
        Reading::Present(value) => change(value),
        Reading::Absent => Reading::Absent,
        Reading::Unknown => Reading::Unknown,
    }
}

fn found(pairs: &[(Str, Str)], key: &str) -> Reading<Cow<'static, str>> {
    pairs
        .iter()
        .find(|(name, _)| name == key)
        .map_or(Reading::Absent, |(_, value)| Reading::Present(Cow::Owned(value.to_string())))
}

impl<'a> View<'a> {
    /// While the record is in the buffer.
    pub(crate) fn live(fact: &'a Fact, memo: &'a Memo<'a>, bodies: &'a dyn Bodies) -> View<'a> {
        View { fact, memo, bodies: Some(bodies), history: None }
    }

    /// Later, with what the fact kept.
    pub(crate) fn kept(
        fact: &'a Fact,
        memo: &'a Memo<'a>,
        history: Option<&'a dyn History>,
    ) -> View<'a> {
        View { fact, memo, bodies: None, history }
    }

    pub(crate) fn event(&self) -> &'a Event {
        &self.fact.event
    }

    pub(crate) fn bodies(&self) -> Option<&'a dyn Bodies> {
        self.bodies
    }

    pub(crate) fn doubt(&self) -> &'a Cell<bool> {
        &self.memo.doubt
    }

    fn body(&self) -> Reading<&'a Body> {
        match (self.bodies, self.fact.body()) {
            (Some(bodies), _) => bodies.body(),
            (None, Some(body)) => Reading::Present(body),
            (None, None) => self.missing_body(),
        }
    }

    /// A fact that kept no body: could there have been one? The same judgement as while the record
    /// is in the buffer, so that a condition means the same in both phases.
    fn missing_body(&self) -> Reading<&'a Body> {
        let event = self.event();
        let writes =
            matches!(event.verb.as_str(), "create" | "update" | "patch" | "post" | "put" | "apply");
        if !writes || event.object.is_none() || BODILESS.contains(&event.subresource()) {
            return Reading::Absent;
        }
        let finished = matches!(event.stage, Stage::ResponseComplete | Stage::Panic);
        let none_sent = finished && body_was_logged(event) && !event.bodies.request;
        if none_sent { Reading::Absent } else { Reading::Unknown }
    }

    fn raw(&self, field: &Field) -> Reading<Value> {
        let side = match field.origin() {
            Origin::RawResponse => Side::Response,
            _ => Side::Request,
        };
        let Some(bodies) = self.bodies else { return Reading::Unknown };
        let path: SmallVec<[&str; 8]> = field.path().iter().map(Str::as_str).collect();
        bodies.value(side, &path)
    }

    /// A flag; absent is false.
    pub(crate) fn flag(&self, field: &Field) -> Truth {
        match field.origin() {
            Origin::Event | Origin::Named => self.event_flag(field.id()),
            Origin::Body if field.id() == FieldId::SiteImagesAllowed => self.site_flag(field.id()),
            Origin::Body => match self.body() {
                Reading::Present(body) => self.body_flag(field.id(), body),
                Reading::Absent => Truth::False,
                Reading::Unknown => Truth::Unknown,
            },
            Origin::History => self.history_flag(field.id()),
            Origin::RawRequest | Origin::RawResponse => match self.raw(field) {
                Reading::Present(value) => Truth::from(value == Value::Bool(true)),
                Reading::Absent => Truth::False,
                Reading::Unknown => Truth::Unknown,
            },
        }
    }

    /// A number.
    pub(crate) fn number(&self, field: &Field) -> Reading<i64> {
        match field.origin() {
            Origin::Event | Origin::Named => match (field.id(), self.event().code()) {
                (FieldId::EventCode, Some(code)) => Reading::Present(i64::from(code)),
                (id, _) => self.site_number(id),
            },
            Origin::Body => map(self.body(), |body| body::number(field.id(), body)),
            Origin::History => self.history_number(field.id()),
            Origin::RawRequest | Origin::RawResponse => map(self.raw(field), |value| {
                value_number(&value).map_or(Reading::Absent, Reading::Present)
            }),
        }
    }

    /// A text.
    pub(crate) fn text(&self, field: &Field) -> Reading<Cow<'a, str>> {
        match field.origin() {
            Origin::Event => self.event_text(field),
            Origin::Named => self.named_text(field.id()),
            Origin::Body if field.id() == FieldId::IndicatorImage => self.site_text(field.id()),
            Origin::Body => map(self.body(), |body| body::text(field, body)),
            Origin::RawRequest | Origin::RawResponse => map(self.raw(field), |value| {
                Reading::Present(value_text(&value).into_owned().into())
            }),
            Origin::History => {
                map(self.history_text(field.id()), |text| Reading::Present(text.into()))
            }
        }
    }

    /// A list; of a map, its keys.
    pub(crate) fn list(&self, field: &Field) -> Reading<Items<'a>> {
        match field.origin() {
            Origin::Event | Origin::Named => self.event_list(field.id()),
            Origin::Body => map(self.body(), |body| body::list(field.id(), body)),
            Origin::RawRequest | Origin::RawResponse => map(self.raw(field), |value| match value {
                Value::List(items) => Reading::Present(Items::Values(Cow::Owned(items))),
                _ => Reading::Absent,
            }),
            Origin::History => Reading::Unknown,
        }
    }

    /// Whether the field has a value.
    pub(crate) fn has(&self, field: &Field) -> Truth {
        match field.kind() {
            Type::Bool => match self.flag(field) {
                Truth::Unknown => Truth::Unknown,
                Truth::True | Truth::False => Truth::True,
            },
            Type::Int => present(&self.number(field), |_| true),
            Type::Text => present(&self.text(field), |text| !text.is_empty()),
            Type::List | Type::Map => present(&self.list(field), |items| items.len() > 0),
            Type::Any => present(&self.raw(field), |_| true),
        }
    }

    /// The value in words, for sentences and groups; `Absent` is empty.
    pub(crate) fn words(&self, field: &Field) -> Reading<Cow<'a, str>> {
        match field.kind() {
            Type::Bool => match self.flag(field) {
                Truth::True => Reading::Present("yes".into()),
                Truth::False => Reading::Present("no".into()),
                Truth::Unknown => Reading::Unknown,
            },
            Type::Int => {
                map(self.number(field), |value| Reading::Present(value.to_string().into()))
            }
            Type::Text | Type::Any => self.text(field),
            Type::List | Type::Map => map(self.list(field), |items| {
                let texts: Vec<_> = items.iter().map(|item| item.text().into_owned()).collect();
                filled(texts.join(", "))
            }),
        }
    }

    fn event_flag(&self, id: FieldId) -> Truth {
        match id {
            FieldId::EventInteractive => {
                Truth::from(agent::is_hand_tool(self.event().agent_family()))
            }
            FieldId::EventSourcePrivate => {
                Truth::from(judgement::private_address(self.event().source_ip()))
            }
            FieldId::PrincipalImpersonated => Truth::from(self.fact.principal.real.is_some()),
            FieldId::TargetSystem => self.target_system(),
            FieldId::ExecTty | FieldId::ExecStdin
                if self.is_exec() && !self.event().format.tells_query() =>
            {
                Truth::Unknown
            }
            FieldId::ExecTty => self.exec_flag("tty"),
            FieldId::ExecStdin => self.exec_flag("stdin"),
            id => self.site_flag(id),
        }
    }

    /// A namespace counts as itself; other objects count by the namespace that they lie in.
    fn target_system(&self) -> Truth {
        let event = self.event();
        if event.object.is_none() {
            return Truth::False;
        }
        if event.resource() != "namespaces" {
            return Truth::from(matches!(
                event.namespace(),
                "" | "kube-system" | "kube-public" | "kube-node-lease"
            ));
        }
        match self.object_name() {
            Reading::Present(name) => {
                Truth::from(matches!(name, "kube-system" | "kube-public" | "kube-node-lease"))
            }
            Reading::Absent => Truth::True,
            Reading::Unknown => Truth::Unknown,
        }
    }

    fn is_exec(&self) -> bool {
        matches!(self.event().subresource(), "exec" | "attach")
    }

    fn exec_flag(&self, name: &str) -> Truth {
        let set = |value: &String| value == "true" || value == "1";
        Truth::from(self.is_exec() && self.event().query(name).first().is_some_and(set))
    }

    fn command(&self) -> Reading<Cow<'a, str>> {
        let command = self
            .memo
            .command
            .get_or_init(|| self.is_exec().then(|| self.event().query("command").join(" ")));
        match command {
            Some(command) => filled_or_unknown(command, self.event().format.tells_query()),
            None => Reading::Absent,
        }
    }

    fn event_text(&self, field: &Field) -> Reading<Cow<'a, str>> {
        let (fact, event) = (self.fact, self.event());
        match field.id() {
            FieldId::EventVerb => filled(event.verb.as_str()),
            FieldId::EventUri => filled(event.request_uri.as_str()),
            FieldId::EventPath => filled(event.path()),
            FieldId::EventStage if event.stage == Stage::Unknown => Reading::Unknown,
            FieldId::EventStage => filled(event.stage.as_str()),
            FieldId::EventLevel if event.level == Level::Unknown => Reading::Unknown,
            FieldId::EventLevel => filled(event.level.as_str()),
            FieldId::EventUserAgent => filled(event.user_agent.as_str()),
            FieldId::EventAgent => filled(event.agent_family()),
            FieldId::EventSourceIp => filled(event.source_ip()),
            FieldId::EventCluster => filled(event.cluster.as_str()),
            FieldId::EventReason => match &event.status {
                Some(status) => filled(status.reason.as_str()),
                None => Reading::Unknown,
            },
            FieldId::EventMessage => filled_or_unknown(event.message(), event.status.is_some()),
            FieldId::EventAnnotations => annotation(event, field.key()),
            FieldId::ActionKind => filled(fact.action.kind.as_str()),
            FieldId::ActionPhrase => filled(fact.action.kind.phrase()),
            FieldId::ActionOutcome => filled(fact.action.outcome.as_str()),
            FieldId::AuthzDecision => annotation(event, "authorization.k8s.io/decision"),
            FieldId::AuthzReason => annotation(event, "authorization.k8s.io/reason"),
            FieldId::AuthzBinding => filled(rbac_reason(event).0),
            FieldId::AuthzRole => filled(rbac_reason(event).1),
            FieldId::AuthnImpersonationConstraint => {
                filled(event.impersonation_constraint.as_str())
            }
            FieldId::ExecCommand => self.command(),
            FieldId::ExecContainer if self.is_exec() => self.query("container"),
            // A path that ends in `/proxy` may have been shortened to that.
            FieldId::ProxyPath
                if !event.format.tells_query() && event.path().ends_with("/proxy") =>
            {
                Reading::Unknown
            }
            FieldId::ProxyPath => filled(proxy_path(event)),
            FieldId::Query => self.query(field.key()),
            id => self.identity_text(id),
        }
    }

    fn query(&self, name: &str) -> Reading<Cow<'a, str>> {
        let missing =
            if self.event().format.tells_query() { Reading::Absent } else { Reading::Unknown };
        let first = self.event().query(name).into_iter().next();
        first.map_or(missing, |value| Reading::Present(value.into()))
    }

    fn identity_text(&self, id: FieldId) -> Reading<Cow<'a, str>> {
        let (principal, event) = (&self.fact.principal, self.event());
        let (effective, actor) = (&principal.effective, principal.actor());
        match id {
            FieldId::PrincipalName => filled(effective.name.as_str()),
            FieldId::PrincipalKind => filled(effective.kind.as_str()),
            FieldId::PrincipalNamespace => filled(effective.namespace.as_str()),
            FieldId::PrincipalShort => filled(effective.short.as_str()),
            FieldId::PrincipalSession => filled(effective.session.as_str()),
            FieldId::ActorName => filled(actor.name.as_str()),
            FieldId::ActorKind => filled(actor.kind.as_str()),
            FieldId::ActorNamespace => filled(actor.namespace.as_str()),
            FieldId::ActorShort => filled(actor.short.as_str()),
            FieldId::ActorSession => filled(actor.session.as_str()),
            FieldId::TargetResource => filled(event.resource()),
            FieldId::TargetSubresource => filled(event.subresource()),
            FieldId::TargetGroup => {
                filled(event.object.as_ref().map_or("", |object| object.api_group.as_str()))
            }
            FieldId::TargetNamespace => filled(event.namespace()),
            _ => self.credential_text(id),
        }
    }

    fn credential_text(&self, id: FieldId) -> Reading<Cow<'a, str>> {
        let credential = &self.fact.credential;
        let kind = credential.kind;
        let known = kind != CredentialKind::Unknown;
        let id_known = matches!(kind, CredentialKind::None | CredentialKind::LegacyToken);
        match id {
            FieldId::CredentialKind if !known && !self.event().format.tells_identity() => {
                Reading::Unknown
            }
            FieldId::CredentialKind => filled(kind.as_str()),
            FieldId::CredentialId => filled_or_unknown(&credential.id, id_known),
            FieldId::CredentialPod => filled_or_unknown(&credential.pod, known),
            FieldId::CredentialNode => {
                filled_or_unknown(&credential.node, known && kind != CredentialKind::PodToken)
            }
            id => self.site_text(id),
        }
    }

    /// Text that the event has, or else the body.
    fn named_text(&self, id: FieldId) -> Reading<Cow<'a, str>> {
        match id {
            FieldId::ActionEffect => filled(self.fact.action.effect.as_str()),
            FieldId::TargetName => map(self.object_name(), |name| Reading::Present(name.into())),
            _ => match self.object_name() {
                Reading::Present(name) => filled(words::entity_named(self.fact, name)),
                Reading::Absent => filled(words::entity_named(self.fact, "")),
                Reading::Unknown => Reading::Unknown,
            },
        }
    }

    fn object_name(&self) -> Reading<&'a str> {
        let event = self.event();
        let name = event.object_name();
        if !name.is_empty() {
            return Reading::Present(name);
        }
        if event.verb != "create" || event.object.is_none() {
            return Reading::Absent;
        }
        map(self.body(), |body| match body.meta.name.as_str() {
            "" => Reading::Unknown,
            name => Reading::Present(name),
        })
    }

    fn event_list(&self, id: FieldId) -> Reading<Items<'a>> {
        let event = self.event();
        match id {
            FieldId::EventSourceIps => Reading::Present(Items::strs(event.source_ips.iter())),
            FieldId::EventAnnotations if !event.format.tells_annotations() => Reading::Unknown,
            FieldId::EventAnnotations => {
                Reading::Present(Items::strs(event.annotations.iter().map(|(key, _)| key)))
            }
            FieldId::PrincipalGroups => {
                groups(event.effective_user(), &self.fact.principal.effective)
            }
            FieldId::ActorGroups => groups(&event.user, self.fact.principal.actor()),
            FieldId::Query if !event.format.tells_query() => Reading::Unknown,
            FieldId::Query => Reading::Present(Items::texts(query_names(event))),
            _ => Reading::Unknown,
        }
    }
}

fn present<T>(reading: &Reading<T>, filled: impl FnOnce(&T) -> bool) -> Truth {
    match reading {
        Reading::Present(value) => Truth::from(filled(value)),
        Reading::Absent => Truth::False,
        Reading::Unknown => Truth::Unknown,
    }
}

fn annotation<'a>(event: &'a Event, key: &str) -> Reading<Cow<'a, str>> {
    // Authorization is told by every format that has annotations at all.
    let guaranteed = event.format.tells_annotations() || key.starts_with("authorization.k8s.io/");
    let missing = if guaranteed { Reading::Absent } else { Reading::Unknown };
    event.annotation(key).map_or(missing, |value| Reading::Present(value.into()))
}

/// Kubernetes puts everybody who has a name into a group. A name without any group comes from a
/// provider that does not log groups.
fn groups<'a>(user: &'a User, identity: &Identity) -> Reading<Items<'a>> {
    let nobody = matches!(identity.kind, PrincipalKind::Unauthenticated | PrincipalKind::Anonymous);
    match (user.groups.is_empty(), nobody) {
        (true, true) => Reading::Absent,
        (true, false) => Reading::Unknown,
        (false, _) => Reading::Present(Items::strs(&user.groups)),
    }
}

fn query_names(event: &Event) -> impl Iterator<Item = &str> {
    let query = event.request_uri.split_once('?').map_or("", |(_, query)| query);
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split('=').next().unwrap_or(pair))
}

/// Binding and role out of `RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to …`.
fn rbac_reason(event: &Event) -> (&str, &str) {
    let reason = event.annotation("authorization.k8s.io/reason").unwrap_or_default();
    if !reason.starts_with("RBAC: allowed by ") {
        return ("", "");
    }
    let mut quoted = reason.split('"').skip(1).step_by(2);
    (quoted.next().unwrap_or_default(), quoted.next().unwrap_or_default())
}

/// What stands behind `/proxy` in the URL, with its query: that is what was asked of the other
/// side. Of a bare `/proxy` it is `/`.
fn proxy_path(event: &Event) -> String {
    if event.subresource() != "proxy" {
        return String::new();
    }
    let Some((_, rest)) = event.request_uri.split_once("/proxy") else { return String::new() };
    if rest.starts_with('/') {
        return trailhound_model::event::percent_decode(rest);
    }
    format!("/{}", trailhound_model::event::percent_decode(rest))
}
