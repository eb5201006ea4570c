//! What the records of requests about roles and bindings say of them: the answer's body if it was
//! logged, what was asked for if only that was, and if neither, that something changed.

use super::{
    BindingKey, Rbac, RoleKey,
    attributes::MASTERS,
    bootstrap::Bootstrap,
    history::{BindingBody, History, Known, Life, RoleBody, Version},
};
use trailhound_model::{
    Str,
    action::{Effect, Outcome},
    event::{Event, Stage},
    fact::Fact,
    observed::{Observation, Said, State, Surety, Witness},
    time::Time,
};

const GROUP: &str = "rbac.authorization.k8s.io";
const AGGREGATOR: &str = "system:serviceaccount:kube-system:clusterrole-aggregation-controller";
/// Rules and subjects of one object that are kept.
const MOST_RULES: usize = 2_000;
const MOST_SUBJECTS: usize = 5_000;

/// Which of the four resources.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Resource {
    is_role: bool,
    is_namespaced: bool,
}

fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "clusterroles" => Resource { is_role: true, is_namespaced: false },
        "roles" => Resource { is_role: true, is_namespaced: true },
        "clusterrolebindings" => Resource { is_role: false, is_namespaced: false },
        "rolebindings" => Resource { is_role: false, is_namespaced: true },
        _ => return None,
    })
}

/// Takes what a record says of roles and bindings, if anything.
pub(super) fn apply(rbac: &mut Rbac, fact: &Fact) {
    let event = &fact.event;
    let Some(object) = &event.object else { return };
    if object.api_group != GROUP || !object.subresource.is_empty() {
        return;
    }
    let Some(resource) = resource(&object.resource) else { return };
    if fact.action.outcome != Outcome::Allowed
        || fact.action.effect == Effect::DryRun
        || event.stage != Stage::ResponseComplete
    {
        return;
    }
    match event.verb.as_str() {
        "create" | "update" | "patch" | "put" | "post" | "apply" => written(rbac, resource, fact),
        "delete" => deleted(rbac, resource, fact),
        "deletecollection" => swept(rbac, resource, fact),
        "get" | "list" => read(rbac, resource, fact),
        _ => {}
    }
}

fn observations(fact: &Fact, resource: Resource) -> impl Iterator<Item = &Observation> {
    let all = fact.observed.as_ref().map(|observed| observed.objects.as_slice());
    all.unwrap_or_default().iter().filter(move |one| match one.state {
        State::Role { .. } => resource.is_role,
        State::Binding(_) => !resource.is_role,
        _ => false,
    })
}

/// Namespace and name: the request's own, else the object's.
fn names<'a>(event: &'a Event, one: Option<&'a Observation>) -> (&'a str, &'a str) {
    let or = |own: &'a str, other: Option<&'a Str>| {
        if own.is_empty() { other.map_or("", Str::as_str) } else { own }
    };
    (
        or(event.namespace(), one.map(|one| &one.namespace)),
        or(event.object_name(), one.map(|one| &one.name)),
    )
}

fn written(rbac: &mut Rbac, resource: Resource, fact: &Fact) {
    let event = &fact.event;
    let one = observations(fact, resource).next();
    let (namespace, name) = names(event, one);
    if name.is_empty() {
        return lose(rbac, resource, namespace, event.time);
    }
    let state = Written { fact, one, own: is_own(event) };
    if resource.is_role {
        let key = RoleKey::new(namespace, name);
        let version = state.role(rbac.roles.get(&key).and_then(History::last), &key);
        let is_first = state.own && event.verb == "create" && namespace.is_empty();
        put_role(rbac, &key, version);
        if is_first && let Some(begin) = rbac.coverage.made(event.time) {
            forget_seeds(rbac, begin);
        }
    } else {
        let key = BindingKey::new(namespace, name);
        let version = state.binding(rbac.bindings.get(&key).and_then(History::last), &key);
        put_binding(rbac, &key, version);
    }
}

/// The API server's own writes: nobody else can authenticate with that name in that group.
fn is_own(event: &Event) -> bool {
    event.impersonated.is_none()
        && event.user.name == "system:apiserver"
        && event.user.in_group(MASTERS)
}

fn lose(rbac: &mut Rbac, resource: Resource, namespace: &str, at: Time) {
    rbac.epoch += 1;
    if resource.is_role {
        rbac.coverage.lose_roles(namespace, at);
    } else {
        rbac.coverage.lose(namespace, at);
    }
}

/// The cluster began in this log: what Kubernetes makes for itself was not there before it was made.
fn forget_seeds(rbac: &mut Rbac, begin: Time) {
    rbac.roles.retain(|_, history| history.unseed(begin));
    rbac.bindings.retain(|_, history| history.unseed(begin));
    rbac.epoch += 1;
}

fn put_role(rbac: &mut Rbac, key: &RoleKey, mut version: Version<RoleBody>) {
    if version.body.rules.len() > MOST_RULES {
        version.body.rules.truncate(MOST_RULES);
        version.known = version.known.min(Known::Part);
    }
    if let Some(history) = rbac.role_mut(key)
        && history.is_news(&version)
        && history.push(version)
    {
        rbac.epoch += 1;
    }
}

fn put_binding(rbac: &mut Rbac, key: &BindingKey, mut version: Version<BindingBody>) {
    if version.body.subjects.len() > MOST_SUBJECTS {
        version.body.subjects.truncate(MOST_SUBJECTS);
        version.known = version.known.min(Known::Part);
    }
    let at = version.from;
    if let Some(history) = rbac.binding_mut(key, at)
        && history.is_news(&version)
        && history.push(version)
    {
        rbac.epoch += 1;
    }
}

/// A write, on its way to becoming a version.
struct Written<'a> {
    fact: &'a Fact,
    one: Option<&'a Observation>,
    own: bool,
}

impl Written<'_> {
    fn version<T: Default>(&self) -> Version<T> {
        version(self.fact, self.one)
    }

    fn is_create(&self) -> bool {
        self.fact.event.verb == "create" || self.fact.event.code() == Some(201)
    }

    fn role(&self, before: Option<&Version<RoleBody>>, key: &RoleKey) -> Version<RoleBody> {
        let before = before.filter(|before| before.life != Life::Gone && !self.is_create());
        let mut version = self.version::<RoleBody>();
        if let Some(body) = self.one.and_then(role_body) {
            version.body = body;
            self.judge(&mut version);
            if version.known != Known::Whole
                && let Some(before) = before
            {
                version.body.aggregation.clone_from(&before.body.aggregation);
            }
            return version;
        }
        version.surety = Surety::Inferred;
        if self.own
            && let Some(body) = Bootstrap::role(key)
        {
            version.known = if self.is_create() { Known::Whole } else { Known::Part };
            version.body = body;
            return version;
        }
        if let Some(before) = before {
            // The controller only ever fills in what the selectors say.
            if self.fact.event.effective_user().name == AGGREGATOR {
                version.body = before.body.clone();
                version.known = Known::Part;
            }
            version.body.labels.clone_from(&before.body.labels);
            version.body.aggregation.clone_from(&before.body.aggregation);
        }
        version
    }

    fn binding(
        &self,
        before: Option<&Version<BindingBody>>,
        key: &BindingKey,
    ) -> Version<BindingBody> {
        let before = before.filter(|before| before.life != Life::Gone && !self.is_create());
        let mut version = self.version::<BindingBody>();
        if let Some(body) = self.one.and_then(binding_body) {
            version.body = body;
            self.judge(&mut version);
        } else {
            version.surety = Surety::Inferred;
            if self.own
                && let Some(body) = Bootstrap::binding(key)
            {
                version.known = if self.is_create() { Known::Whole } else { Known::Part };
                version.body = body;
            }
        }
        // The role of a binding cannot be changed.
        if version.body.role.is_empty()
            && let Some(before) = before
        {
            version.body.role_kind.clone_from(&before.body.role_kind);
            version.body.role.clone_from(&before.body.role);
        }
        version
    }

    /// How much of an object a body shows.
    fn judge<T>(&self, version: &mut Version<T>) {
        let Some(one) = self.one else { return };
        version.known = if one.whole { Known::Whole } else { Known::Part };
        version.surety = if one.said == Said::Asked { Surety::Inferred } else { Surety::Proved };
    }
}

fn version<T: Default>(fact: &Fact, one: Option<&Observation>) -> Version<T> {
    Version {
        from: fact.event.time,
        by: fact.principal.actor().entity().into(),
        witness: Witness::of(&fact.event),
        uid: one.map(|one| one.uid.clone()).unwrap_or_default(),
        revision: one.and_then(|one| one.version.parse().ok()).unwrap_or_default(),
        ..Version::default()
    }
}

fn role_body(one: &Observation) -> Option<RoleBody> {
    let State::Role { rules, aggregation, aggregation_complex } = &one.state else { return None };
    Some(RoleBody {
        rules: rules.clone(),
        labels: one.labels.clone(),
        aggregation: aggregation.clone(),
        aggregation_complex: *aggregation_complex,
    })
}

fn binding_body(one: &Observation) -> Option<BindingBody> {
    let State::Binding(binding) = &one.state else { return None };
    Some(BindingBody {
        role_kind: binding.role_kind.clone(),
        role: binding.role.clone(),
        subjects: binding.subjects.clone(),
    })
}

fn gone<T: Default>(fact: &Fact, life: Life) -> Version<T> {
    let known = if life == Life::Gone { Known::Whole } else { Known::Nothing };
    // Without an answer nobody can say whether a finalizer kept it.
    let surety = if fact.event.bodies.response { Surety::Proved } else { Surety::Inferred };
    Version { life, known, surety, ..version(fact, None) }
}

fn deleted(rbac: &mut Rbac, resource: Resource, fact: &Fact) {
    let one = observations(fact, resource).next();
    let (namespace, name) = names(&fact.event, one);
    // With a finalizer it stays for a while, marked.
    let stays = one.is_some_and(|one| one.deleted.is_some());
    let life = if stays { Life::Maybe } else { Life::Gone };
    end(rbac, resource, fact, (namespace, name), life);
}

fn end(rbac: &mut Rbac, resource: Resource, fact: &Fact, names: (&str, &str), life: Life) {
    let (namespace, name) = names;
    if resource.is_role {
        put_role(rbac, &RoleKey::new(namespace, name), gone(fact, life));
    } else {
        put_binding(rbac, &BindingKey::new(namespace, name), gone(fact, life));
    }
}

/// `deletecollection`: the answer lists what went; without it, all of the namespace did unless the
/// request selects.
fn swept(rbac: &mut Rbac, resource: Resource, fact: &Fact) {
    let event = &fact.event;
    let whole = fact.observed.as_ref().filter(|seen| event.bodies.response && seen.left_out == 0);
    let listed: Vec<(Str, Str)> =
        observations(fact, resource).map(|one| (one.namespace.clone(), one.name.clone())).collect();
    for (namespace, name) in &listed {
        end(rbac, resource, fact, (namespace, name), Life::Gone);
    }
    if whole.is_some() && !listed.is_empty() {
        return;
    }
    let selects = event.path().len() < event.request_uri.len()
        && ["labelSelector", "fieldSelector", "limit"]
            .iter()
            .any(|key| !event.query(key).is_empty());
    let life = if selects { Life::Maybe } else { Life::Gone };
    for (namespace, name) in there(rbac, resource, event) {
        end(rbac, resource, fact, (&namespace, &name), life);
    }
}

/// The objects that are there where a request about many of them looks.
fn there(rbac: &Rbac, resource: Resource, event: &Event) -> Vec<(Str, Str)> {
    let namespace = event.namespace();
    let within = |own: &Str| {
        own.is_empty() != resource.is_namespaced && (namespace.is_empty() || own == namespace)
    };
    let alive = |life: Option<Life>| life.is_some_and(|life| life != Life::Gone);
    if resource.is_role {
        let all = rbac.roles.iter().filter(|(key, _)| within(&key.namespace));
        all.filter(|(_, history)| alive(history.last().map(|last| last.life)))
            .map(|(key, _)| (key.namespace.clone(), key.name.clone()))
            .collect()
    } else {
        let all = rbac.bindings.iter().filter(|(key, _)| within(&key.namespace));
        all.filter(|(_, history)| alive(history.last().map(|last| last.life)))
            .map(|(key, _)| (key.namespace.clone(), key.name.clone()))
            .collect()
    }
}

/// Somebody read them: what is there is proved to be.
fn read(rbac: &mut Rbac, resource: Resource, fact: &Fact) {
    let Some(observed) = &fact.observed else { return };
    let mut seen = 0;
    for one in observations(fact, resource).filter(|one| one.said == Said::Read && one.whole) {
        seen += 1;
        let state = Written { fact, one: Some(one), own: false };
        let strip = |by: &mut Str| *by = Str::default();
        if resource.is_role {
            let mut version = state.role(None, &RoleKey::default());
            strip(&mut version.by);
            put_role(rbac, &RoleKey::new(&one.namespace, &one.name), version);
        } else {
            let mut version = state.binding(None, &BindingKey::default());
            strip(&mut version.by);
            put_binding(rbac, &BindingKey::new(&one.namespace, &one.name), version);
        }
    }
    let all = seen == observed.objects.len() && seen > 0 && observed.left_out == 0;
    if all && fact.event.verb == "list" && is_whole(&fact.event, seen) {
        rbac.coverage.listed(resource.is_role, resource.is_namespaced, fact.event.time);
    }
}

/// Whether a list is of the whole cluster, and not a page or a selection.
fn is_whole(event: &Event, seen: usize) -> bool {
    let none = |key: &str| event.query(key).iter().all(String::is_empty);
    let limit = event.query("limit").iter().filter_map(|limit| limit.parse().ok()).min();
    event.namespace().is_empty()
        && event.object_name().is_empty()
        && none("labelSelector")
        && none("fieldSelector")
        && none("continue")
        && limit.is_none_or(|limit: usize| limit == 0 || seen < limit)
}
