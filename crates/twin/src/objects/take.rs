//! What each request says of objects: by its body if there is one, else by its verb, name and outcome.

use super::{
    Objects,
    life::{Act, Facet, Version, tell},
    state::Write,
    store::Key,
};
use trailhound_model::{
    action::{Effect, Outcome},
    event::Event,
    fact::Fact,
    observed::{Observation, Said, State, Surety, Witness},
    principal::PrincipalKind,
};

impl Objects {
    /// A pod's token names its pod, and is mostly used from the pod's address.
    pub(super) fn take_token_use(&mut self, fact: &Fact) {
        let credential = &fact.credential;
        let actor = fact.principal.actor();
        if credential.pod.is_empty() || actor.namespace.is_empty() {
            return;
        }
        let time = fact.event.time;
        let known = self.store.pod_by_uid(&credential.pod_uid);
        if let Some(id) = known
            && let Some(life) = self.store.get_mut(id)
            && life.account.is_some()
            && !life.addresses.is_empty()
        {
            // The token outlives its pod, so its use proves nothing about the end.
            if life.end.is_none() {
                life.see(time);
            }
            return;
        }
        let key = Key { resource: "pods", namespace: &actor.namespace, name: &credential.pod };
        let id =
            known.or_else(|| self.present(key, &credential.pod_uid, None, fact, Surety::Proved));
        let Some(id) = id else { return };
        let witness = Witness::of(&fact.event);
        if let Some(life) = self.store.get_mut(id) {
            tell(&mut life.account, &actor.short, Surety::Proved, &witness);
            tell(&mut life.node, &credential.node, Surety::Proved, &witness);
        }
        let address = fact.event.source_ip();
        if !address.is_empty() && !is_local(address) {
            self.tell_address(id, address, Surety::Inferred, &witness);
        }
    }

    /// The object that a request is about.
    pub(super) fn take_request(&mut self, fact: &Fact) {
        let event = &fact.event;
        let Some(object) = &event.object else { return };
        if !is_kept(&object.api_group, &object.resource) || fact.action.effect == Effect::DryRun {
            return;
        }
        let key =
            Key { resource: &object.resource, namespace: &object.namespace, name: &object.name };
        let key = in_place(key, key.name);
        match fact.action.outcome {
            Outcome::Allowed => self.take_allowed(key, &object.subresource, fact),
            Outcome::NotFound if matches!(object.subresource.as_str(), "" | "status") => {
                self.absent(key, fact);
            }
            Outcome::Conflict if event.verb == "create" => self.take_conflict(key, event, fact),
            _ => {}
        }
    }

    /// `pods "x" already exists` proves that it does.
    fn take_conflict(&mut self, key: Key<'_>, event: &Event, fact: &Fact) {
        if !event.message().ends_with(" already exists") {
            return;
        }
        let named = event.message().split('"').nth(1).unwrap_or_default();
        let name = if key.name.is_empty() { named } else { key.name };
        self.present(Key { name, ..key }, "", None, fact, Surety::Proved);
    }

    fn take_allowed(&mut self, key: Key<'_>, subresource: &str, fact: &Fact) {
        match (fact.event.verb.as_str(), subresource) {
            ("create", "") => self.take_create(key, fact),
            ("update" | "patch", "finalize") if key.resource == "namespaces" => {
                self.deleted(key, "", fact, Some(Surety::Inferred));
            }
            ("update" | "patch", "" | "scale" | "ephemeralcontainers" | "approval") => {
                self.take_change(key, fact);
            }
            ("update" | "patch", "status") => self.take_status(key, fact),
            ("delete", "") => self.take_delete(key, fact),
            ("deletecollection", "") => self.take_delete_many(key, fact),
            ("create", "binding") => self.take_binding(key, fact),
            ("create", "token") => self.take_token(key, fact),
            ("create", "eviction") => self.deleted(key, "", fact, None),
            ("list", "") => self.take_list(fact),
            ("get", "") => match one(fact) {
                Some(seen) => self.take_seen(seen, "", fact),
                None => _ = self.present(key, "", None, fact, Surety::Proved),
            },
            _ if !key.name.is_empty() => _ = self.present(key, "", None, fact, Surety::Proved),
            _ => {}
        }
    }

    fn take_create(&mut self, key: Key<'_>, fact: &Fact) {
        let seen = one(fact);
        let name = seen.map_or(key.name, |seen| seen.name.as_str());
        if name.is_empty() {
            self.pending.add(key.resource, key.namespace, Act::of(fact));
            return;
        }
        let uid = seen.map_or("", |seen| seen.uid.as_str());
        let Some(id) = self.born(Key { name, ..key }, uid, fact) else { return };
        if let Some(seen) = seen {
            self.apply(id, seen, &Write { is_create: true, ..write(fact) }.by(&who(fact)));
        }
    }

    fn take_change(&mut self, key: Key<'_>, fact: &Fact) {
        let who = who(fact);
        if let Some(seen) = one(fact) {
            self.take_seen(seen, &who, fact);
            return;
        }
        let Some(id) = self.present(key, "", None, fact, Surety::Proved) else { return };
        let Some(life) = self.store.get_mut(id) else { return };
        life.push_version(Version {
            time: fact.event.time,
            changed: vec![Facet::Unknown],
            who: who.into(),
            witness: Witness::of(&fact.event),
            ..Version::default()
        });
    }

    fn take_seen(&mut self, seen: &Observation, who: &str, fact: &Fact) {
        let key = Key { resource: &seen.resource, namespace: &seen.namespace, name: &seen.name };
        let key = in_place(key, key.name);
        let Some(id) = self.present(key, &seen.uid, seen.created, fact, Surety::Proved) else {
            return;
        };
        self.apply(id, seen, &write(fact).by(who));
    }

    /// Kubelets write the status of the pods of their own node only.
    fn take_status(&mut self, key: Key<'_>, fact: &Fact) {
        let who = fact.principal.effective.kind;
        let seen = one(fact).filter(|seen| seen.said != Said::Asked);
        let uid = seen.map_or("", |seen| seen.uid.as_str());
        let created = seen.and_then(|seen| seen.created);
        let Some(id) = self.present(key, uid, created, fact, Surety::Proved) else { return };
        if let Some(seen) = seen {
            // Statuses are no change that somebody made.
            self.apply(id, seen, &write(fact));
        }
        if key.resource != "pods" || who != PrincipalKind::Node {
            return;
        }
        let node = &fact.principal.effective.short;
        let Some(life) = self.store.get_mut(id) else { return };
        let witness = Witness::of(&fact.event);
        tell(&mut life.node, node, Surety::Proved, &witness);
        if life.account.is_none()
            && let Some(account) = self.mounts.account(node, key.namespace, fact.event.time)
        {
            tell(&mut life.account, account, Surety::Inferred, &witness);
        }
    }

    /// A kubelet asks for the tokens of its own pods.
    fn take_token(&mut self, key: Key<'_>, fact: &Fact) {
        self.present(key, "", None, fact, Surety::Proved);
        let asker = &fact.principal.effective;
        if asker.kind != PrincipalKind::Node {
            return;
        }
        self.mounts.asked(&asker.short, key.namespace, key.name, fact.event.time);
        let Some(seen) = one(fact) else { return };
        if let State::Token { bound_kind, bound_name, bound_uid, .. } = &seen.state
            && bound_kind == "Pod"
        {
            let pod = Key { resource: "pods", namespace: key.namespace, name: bound_name };
            let Some(id) = self.present(pod, bound_uid, None, fact, Surety::Proved) else { return };
            let Some(life) = self.store.get_mut(id) else { return };
            let witness = Witness::of(&fact.event);
            tell(&mut life.account, key.name, Surety::Proved, &witness);
            tell(&mut life.node, &asker.short, Surety::Proved, &witness);
        }
    }

    fn take_delete(&mut self, key: Key<'_>, fact: &Fact) {
        let seen = one(fact);
        let uid = seen.map_or("", |seen| seen.uid.as_str());
        let answered = seen.filter(|seen| seen.said == Said::Answered);
        let is_kubelet = fact.principal.effective.kind == PrincipalKind::Node;
        let last = match answered {
            _ if key.resource == "pods" && is_kubelet => Some(Surety::Proved),
            Some(seen) if seen.deleted.is_some() => None,
            Some(_) => Some(Surety::Proved),
            None if matches!(key.resource, "pods" | "namespaces") => None,
            // Finalizers may hold it, which only the answer would show.
            None => Some(Surety::Inferred),
        };
        if let Some(seen) = answered.filter(|seen| seen.whole) {
            self.take_seen(seen, "", fact);
        }
        self.deleted(key, uid, fact, last);
    }

    /// Many at once: by the answer, or all of the namespace if nothing was selected.
    fn take_delete_many(&mut self, key: Key<'_>, fact: &Fact) {
        let observed = fact.observed.as_deref().map(|observed| observed.objects.as_slice());
        if let Some(objects) = observed {
            for seen in objects {
                self.take_seen(seen, "", fact);
                let key = Key { namespace: &seen.namespace, ..key };
                self.deleted(in_place(key, &seen.name), &seen.uid, fact, None);
            }
            return;
        }
        let selects = fact.event.request_uri.contains("Selector=");
        if selects || key.namespace.is_empty() || fact.event.bodies.response {
            return;
        }
        for id in self.store.of_namespace(key.resource, key.namespace) {
            let Some(life) = self.store.get(id).filter(|life| life.end.is_none()) else { continue };
            let (name, uid) = (life.name.clone(), life.uid.clone());
            self.deleted(Key { name: &name, ..key }, &uid, fact, None);
        }
    }

    fn take_binding(&mut self, key: Key<'_>, fact: &Fact) {
        let seen = one(fact);
        let uid = seen.map_or("", |seen| seen.uid.as_str());
        let id = if uid.is_empty() && self.is_bound(key) {
            self.born(key, "", fact).inspect(|id| {
                // The scheduler binds it, it does not make it.
                if let Some(life) = self.store.get_mut(*id) {
                    life.created_by = None;
                    life.versions.clear();
                }
            })
        } else {
            self.present(key, uid, None, fact, Surety::Proved)
        };
        let (Some(id), Some(seen)) = (id, seen) else { return };
        if let Some(life) = self.store.get_mut(id)
            && let State::Bound { node } = &seen.state
        {
            tell(&mut life.node, node, Surety::Proved, &Witness::of(&fact.event));
        }
    }

    fn take_list(&mut self, fact: &Fact) {
        let Some(observed) = fact.observed.as_deref() else { return };
        for seen in &observed.objects {
            self.take_seen(seen, "", fact);
        }
    }
}

impl<'a> Write<'a> {
    fn by(self, who: &'a str) -> Write<'a> {
        Write { who, ..self }
    }
}

fn write(fact: &Fact) -> Write<'static> {
    Write { time: fact.event.time, who: "", witness: Witness::of(&fact.event), is_create: false }
}

fn who(fact: &Fact) -> String {
    fact.principal.actor().entity()
}

/// The object of a record that is about one.
fn one(fact: &Fact) -> Option<&Observation> {
    fact.observed.as_deref()?.objects.first()
}

/// Namespaces are no objects of a namespace, though their records name one.
fn in_place<'a>(key: Key<'a>, name: &'a str) -> Key<'a> {
    let namespace = if key.resource == "namespaces" { "" } else { key.namespace };
    Key { namespace, name, ..key }
}

/// An address of the machine itself, which no other knows a pod by.
fn is_local(address: &str) -> bool {
    address.starts_with("127.") || address == "::1"
}

/// Whether objects of a resource are kept.
fn is_kept(group: &str, resource: &str) -> bool {
    match group {
        "" => matches!(
            resource,
            "pods"
                | "nodes"
                | "namespaces"
                | "serviceaccounts"
                | "secrets"
                | "configmaps"
                | "services"
                | "replicationcontrollers"
                | "persistentvolumeclaims"
        ),
        "apps" => resource != "controllerrevisions",
        "batch" | "rbac.authorization.k8s.io" | "admissionregistration.k8s.io" => true,
        "certificates.k8s.io" => resource == "certificatesigningrequests",
        "networking.k8s.io" => matches!(resource, "ingresses" | "networkpolicies"),
        _ => false,
    }
}
