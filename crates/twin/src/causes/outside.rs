//! Acts of everybody who is not the machinery: each that changes an object may set off a cascade.

use super::{
    Causes,
    act::{Act, entity_of},
    object::{Key, Object, Root, key},
};
use trailhound_model::{
    action::{Effect, Outcome},
    event::ObjectRef,
    fact::Fact,
    observed::{Observation, Said, Surety},
    time::Time,
};

impl Causes {
    pub(super) fn outside(&mut self, fact: &Fact) {
        let Some(object) = fact.event.object.as_deref() else { return };
        if !sets_off(fact, object) {
            return;
        }
        let bodies = fact.observed.as_deref().map_or(&[][..], |one| one.objects.as_slice());
        let body = bodies.first().filter(|body| body.resource == object.resource);
        if fact.event.verb == "deletecollection" {
            return self.many_deleted(fact, object, bodies);
        }
        let named = body.map_or("", |body| body.name.as_str());
        let name = if object.name.is_empty() { named } else { object.name.as_str() };
        let namespace =
            if object.resource == "namespaces" { "" } else { object.namespace.as_str() };
        let entity = entity_of(&object.resource, namespace, name);
        self.acts.insert(fact.event.position, Act::of(fact, &entity));
        let root = root(fact);
        if name.is_empty() {
            self.nameless(fact, object, root);
            return;
        }
        let key = key(&object.resource, namespace, name);
        let uid = body.map_or("", |body| body.uid.as_str());
        self.moved(fact, (key, &object.resource, namespace, name), uid, root);
        self.stir(key, fact.event.time);
    }

    /// Creates or moves an object.
    fn moved(
        &mut self,
        fact: &Fact,
        (key, resource, namespace, name): (Key, &str, &str, &str),
        uid: &str,
        root: Root,
    ) {
        let object = fact.event.object.as_deref();
        let made = fact.event.verb == "create"
            && object.is_none_or(|object| object.subresource.is_empty());
        let known = self.objects.get_mut(&key).filter(|one| !made && one.may_be(uid));
        if let Some(known) = known {
            // What somebody writes on a pod makes no kubelet act; its end does.
            if resource != "pods" || ends(fact) || adds_container(fact) {
                known.root = Some(root);
            }
            known.ended |= fact.event.verb == "delete";
            if known.uid.is_empty() {
                known.uid = uid.into();
            }
            return;
        }
        let born = if made { fact.event.time } else { Time(i64::MIN) };
        let fresh = Object {
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.into(),
            born,
            ended: fact.event.verb == "delete",
            root: Some(root),
            ..Object::default()
        };
        self.objects.insert(key, fresh);
    }

    /// Something was made whose name the log does not tell: the next unknown one may be it.
    fn nameless(&mut self, fact: &Fact, object: &ObjectRef, root: Root) {
        if fact.event.verb != "create" || !object.subresource.is_empty() {
            return;
        }
        let place = key("", &object.resource, &object.namespace);
        let stand_in = stand_in(fact);
        let fresh = Object {
            resource: object.resource.clone(),
            namespace: object.namespace.clone(),
            born: fact.event.time,
            root: Some(root),
            ..Object::default()
        };
        self.objects.insert(stand_in, fresh);
        self.moments.note(place, fact.event.time, stand_in);
    }

    /// Its controller will do something now.
    pub(super) fn stir(&mut self, object: Key, time: Time) {
        let Some(known) = self.objects.get(&object) else { return };
        let place = key(&known.resource, &known.namespace, "");
        self.moments.note(place, time, object);
    }

    fn many_deleted(&mut self, fact: &Fact, object: &ObjectRef, bodies: &[Observation]) {
        let entity = entity_of(&object.resource, &object.namespace, "");
        self.acts.insert(fact.event.position, Act::of(fact, &entity));
        let root = root(fact);
        let mut told = false;
        for body in bodies.iter().filter(|body| body.said == Said::Answered) {
            told = true;
            let names = (body.resource.as_str(), body.namespace.as_str(), body.name.as_str());
            let key = key(names.0, names.1, names.2);
            if let Some(known) = self.objects.get_mut(&key).filter(|one| one.may_be(&body.uid)) {
                (known.root, known.ended) = (Some(root), true);
            }
        }
        // With a selector some of them remain, and nobody can say which.
        if !told && !fact.event.request_uri.contains("elector=") {
            let root = Root { surety: Surety::Inferred, ..root };
            self.emptied.insert(key(&object.resource, &object.namespace, "*"), root);
        }
    }
}

/// Where an object without a name is kept.
fn stand_in(fact: &Fact) -> Key {
    let place = fact.event.position;
    (Key::from(place.source) << 64 | Key::from(place.offset)) ^ Key::MAX
}

fn root(fact: &Fact) -> Root {
    Root { act: fact.event.position, since: fact.event.time, surety: Surety::Proved }
}

fn sets_off(fact: &Fact, object: &ObjectRef) -> bool {
    let writes = matches!(
        fact.event.verb.as_str(),
        "create" | "update" | "patch" | "delete" | "deletecollection"
    );
    let changes = matches!(
        object.subresource.as_str(),
        "" | "scale" | "approval" | "eviction" | "ephemeralcontainers" | "binding"
    );
    let noise = matches!(
        object.resource.as_str(),
        "events"
            | "leases"
            | "tokenreviews"
            | "subjectaccessreviews"
            | "selfsubjectaccessreviews"
            | "selfsubjectrulesreviews"
            | "localsubjectaccessreviews"
            | "selfsubjectreviews"
    );
    writes
        && changes
        && !noise
        && fact.action.outcome == Outcome::Allowed
        && !matches!(fact.action.effect, Effect::DryRun | Effect::NoOp)
}

fn ends(fact: &Fact) -> bool {
    fact.event.verb == "delete" || fact.event.subresource() == "eviction"
}

fn adds_container(fact: &Fact) -> bool {
    fact.event.subresource() == "ephemeralcontainers"
}
