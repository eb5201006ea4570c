//! Acts of the machinery: each is led back to the object it works on, and that to its root.

use super::{
    Back, Causes, DEEPEST, Link, name,
    object::{Key, Object, Root, SKEW, key},
    subject::{self, Sort, Subject},
};
use trailhound_model::{
    action::Outcome,
    fact::Fact,
    observed::{Observation, State, Surety},
    principal::PrincipalKind,
    time::Time,
};

/// What was found out about an act.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    /// The object it works on, or whose pod it is about.
    pub(super) object: Key,
    pub(super) owner: Option<(Key, Surety)>,
    pub(super) root: Option<Root>,
    disputed: bool,
    /// A cause that turns up a moment later may be believed.
    open: bool,
}

impl Causes {
    pub(super) fn within(&mut self, fact: &Fact) {
        let Some(subject) = subject::of(fact) else { return };
        let judged = self.judge(fact, &subject);
        if fact.action.outcome == Outcome::Allowed {
            self.keep(fact, &subject, &judged);
        }
        let nameless = subject.sort == Sort::Made && subject.name.is_empty();
        let back = match judged.root {
            Some(root) => Some(Back::Act(root.act, root.surety)),
            None if judged.open => Some(Back::Open(fact.event.time)),
            None => nameless.then_some(Back::Nameless),
        };
        if let Some(back) = back {
            self.links.insert(fact.event.position, Link::new(judged.object, back));
        }
        if nameless {
            return self.made_nameless(fact, &subject);
        }
        if let Some(act) = judged.root.and_then(|root| self.acts.get_mut(&root.act)) {
            act.count(&fact.event.verb, fact.event.resource());
        }
    }

    /// Whose it is shows when its name turns up.
    fn made_nameless(&mut self, fact: &Fact, subject: &Subject<'_>) {
        let Some(maker) = subject::makes_pods_for(&fact.principal.effective) else { return };
        if fact.action.outcome == Outcome::Allowed {
            let place = key("burst", maker, subject.namespace);
            self.bursts.made(place, fact.event.time, fact.event.position);
        }
    }

    /// A name turned up that nobody was seen to give.
    fn met(&mut self, fact: &Fact, subject: &Subject<'_>, judged: &Judged) {
        let owner = judged.owner.and_then(|(owner, _)| self.objects.get(&owner));
        let maker = match owner.map(|owner| owner.resource.as_str()) {
            Some("deployments") => "replicasets",
            Some("cronjobs") => "jobs",
            Some(other) => other,
            None => match name::makers(subject.resource, subject.name).first() {
                Some((maker, _)) => maker,
                None => return,
            },
        };
        let place = key("burst", maker, subject.namespace);
        let Some((began, records, root)) = self.bursts.named(place, fact.event.time, judged.root)
        else {
            return;
        };
        let root = root
            .filter(|root| self.is_no_later(root, began))
            .map(|root| Root { surety: Surety::Inferred, ..root });
        for record in records {
            if let Some(link) = self.links.get_mut(&record) {
                link.back = root.map_or(Back::Nameless, |root| Back::Act(root.act, root.surety));
            }
            if let Some(act) = root.and_then(|root| self.acts.get_mut(&root.act)) {
                act.count("create", subject.resource);
            }
        }
    }

    /// Whether an act was there before what is said to follow from it.
    pub(super) fn is_no_later(&self, root: &Root, time: Time) -> bool {
        let act = self.acts.get(&root.act);
        act.is_some_and(|act| act.witness.time <= time.plus(SKEW))
    }

    pub(super) fn judge(&self, fact: &Fact, subject: &Subject<'_>) -> Judged {
        let object = key(subject.resource, subject.namespace, subject.name);
        let (owner, root) = match subject.sort {
            Sort::Fetched => (None, self.fetched(fact, subject)),
            Sort::Emptied => (None, self.root_of(key("namespaces", "", subject.namespace), 0)),
            _ if subject.resource == "clusterroles" => (None, self.aggregated(fact)),
            Sort::Made => self.made(fact, subject),
            Sort::Touched | Sort::Removed => self.touched(fact, subject, object),
        };
        let disputed = owner.is_none() && self.is_disputed(fact, subject, object);
        let by_name = matches!(subject.sort, Sort::Made | Sort::Touched | Sort::Removed);
        let open = by_name
            && !disputed
            && !subject.name.is_empty()
            && subject.resource != "clusterroles"
            && !self.objects.get(&object).is_some_and(|known| is_of_other_node(fact, known));
        Judged { object, owner, root, disputed, open }
    }

    /// Whether the name says one owner, but somebody else made something whose name is not known.
    fn is_disputed(&self, fact: &Fact, subject: &Subject<'_>, object: Key) -> bool {
        let Subject { resource, namespace, name, .. } = *subject;
        !self.objects.get(&object).is_some_and(|known| known.may_be(subject.uid))
            && self.named_maker(resource, namespace, name, fact.event.time).is_some()
    }

    /// A controller made an object.
    fn made(&self, fact: &Fact, subject: &Subject<'_>) -> (Option<(Key, Surety)>, Option<Root>) {
        let owner = match subject.body.and_then(|body| self.told_owner(body)) {
            Some(owner) => Some(owner),
            None if subject.name.is_empty() => return (None, self.next_made(fact, subject)),
            None => self.guessed_owner(fact, subject),
        };
        if let Some((owner, surety)) = owner {
            let root = self.root_of(owner, DEEPEST);
            return (
                Some((owner, surety)),
                root.map(|root| Root { surety: root.surety.min(surety), ..root }),
            );
        }
        (None, self.of_new_namespace(subject))
    }

    /// The controller that a body names as owner.
    fn told_owner(&self, body: &Observation) -> Option<(Key, Surety)> {
        let owner = body.owners.iter().find(|one| one.controller).or(body.owners.first())?;
        let resource = name::resource_of(&owner.kind)?;
        let key = key(resource, &body.namespace, &owner.name);
        let surety = match self.objects.get(&key) {
            Some(known) if !known.may_be(&owner.uid) => return None,
            Some(known) if known.uid == owner.uid && !owner.uid.is_empty() => Surety::Proved,
            _ => Surety::Inferred,
        };
        Some((key, surety))
    }

    /// The owner by the name of what it made. A pod that a user made without telling its name may
    /// bear the name of a deployment's.
    fn guessed_owner(&self, fact: &Fact, subject: &Subject<'_>) -> Option<(Key, Surety)> {
        let Subject { resource, namespace, name, .. } = *subject;
        let owner = self.named_maker(resource, namespace, name, fact.event.time)?;
        let strangers = key("", resource, namespace);
        let alone = self.moments.at(strangers, fact.event.time).next().is_none();
        alone.then_some((owner, Surety::Inferred))
    }

    /// What every new namespace gets.
    fn of_new_namespace(&self, subject: &Subject<'_>) -> Option<Root> {
        if !matches!(subject.resource, "configmaps" | "serviceaccounts") {
            return None;
        }
        let root = self.root_of(key("namespaces", "", subject.namespace), 0)?;
        Some(Root { surety: Surety::Inferred, ..root })
    }

    /// An object without a name was made for whatever its controller was just told to work on.
    fn next_made(&self, fact: &Fact, subject: &Subject<'_>) -> Option<Root> {
        let maker = subject::makes_pods_for(&fact.principal.effective)?;
        let place = key(maker, subject.namespace, "");
        self.agreed(self.moments.at(place, fact.event.time))
    }

    /// The root of all candidates, if they have one and the same.
    fn agreed(&self, candidates: impl Iterator<Item = Key>) -> Option<Root> {
        let mut agreed: Option<Root> = None;
        for candidate in candidates {
            let root = self.root_of(candidate, DEEPEST)?;
            if agreed.is_some_and(|one| one.act != root.act) {
                return None;
            }
            agreed = Some(Root { surety: Surety::Inferred, ..root });
        }
        agreed
    }

    /// A kubelet fetches what a pod needs that was just given to it.
    fn fetched(&self, fact: &Fact, subject: &Subject<'_>) -> Option<Root> {
        let node = fact.principal.effective.short.as_str();
        let place = key("pods", subject.namespace, "");
        let pods = self.moments.at(place, fact.event.time).filter(|pod| {
            self.objects.get(pod).is_none_or(|pod| pod.node.is_empty() || pod.node == node)
        });
        self.agreed(pods)
    }

    /// Rules of aggregated roles follow from the role that somebody wrote a moment ago.
    fn aggregated(&self, fact: &Fact) -> Option<Root> {
        self.agreed(self.moments.at(key("clusterroles", "", ""), fact.event.time))
    }

    fn touched(
        &self,
        fact: &Fact,
        subject: &Subject<'_>,
        object: Key,
    ) -> (Option<(Key, Surety)>, Option<Root>) {
        if subject.name.is_empty() {
            return (None, None);
        }
        let Some(known) = self.objects.get(&object).filter(|one| one.may_be(subject.uid)) else {
            return self.first_met(fact, subject);
        };
        let who = &fact.principal.effective;
        if is_of_other_node(fact, known) {
            return (None, None);
        }
        let surety = if !subject.uid.is_empty() && subject.uid == known.uid {
            Surety::Proved
        } else {
            Surety::Inferred
        };
        let above = (who.kind != PrincipalKind::Node && is_driven(fact))
            .then(|| self.inherited(known, DEEPEST))
            .flatten()
            .filter(|root| known.root.is_none_or(|own| own.since < root.since));
        let own = self.root_of(object, DEEPEST);
        let root = above.or(own).map(|root| Root { surety: root.surety.min(surety), ..root });
        (known.owner, root)
    }

    /// An object that is named for the first time.
    fn first_met(
        &self,
        fact: &Fact,
        subject: &Subject<'_>,
    ) -> (Option<(Key, Surety)>, Option<Root>) {
        let told = subject.body.and_then(|body| self.told_owner(body));
        if let Some((owner, surety)) = told.or_else(|| self.guessed_owner(fact, subject)) {
            let root = self.root_of(owner, DEEPEST);
            let root = root.map(|root| Root { surety: root.surety.min(surety), ..root });
            return (Some((owner, surety)), root);
        }
        if self
            .named_maker(subject.resource, subject.namespace, subject.name, fact.event.time)
            .is_some()
        {
            return (None, None);
        }
        let strangers = key("", subject.resource, subject.namespace);
        (None, self.agreed(self.moments.at(strangers, fact.event.time)))
    }

    /// Remembers what the act says of its object.
    fn keep(&mut self, fact: &Fact, subject: &Subject<'_>, judged: &Judged) {
        if matches!(subject.sort, Sort::Fetched) || subject.name.is_empty() {
            return self.emptied_by(fact, subject, judged);
        }
        if !matters(subject.resource) {
            return;
        }
        let fresh = subject.sort == Sort::Made
            || !self.objects.get(&judged.object).is_some_and(|one| one.may_be(subject.uid));
        if fresh {
            self.enter(fact, subject, judged);
            if subject.sort != Sort::Made {
                self.met(fact, subject, judged);
            }
        }
        let Some(known) = self.objects.get_mut(&judged.object) else { return };
        if known.uid.is_empty() {
            known.uid = subject.uid.into();
        }
        match (judged.root, subject.sort) {
            // What moves an object makes it move what it owns.
            (Some(root), Sort::Made | Sort::Removed | Sort::Touched) if moves(fact) => {
                known.root = Some(Root { since: fact.event.time, ..root });
            }
            _ => {}
        }
        known.ended |= subject.sort == Sort::Removed;
        place_pod(fact, subject, known);
        if fresh || moves(fact) {
            self.stir(judged.object, fact.event.time);
            self.stir_owner(judged, fact.event.time);
        }
    }

    fn enter(&mut self, fact: &Fact, subject: &Subject<'_>, judged: &Judged) {
        let born = if subject.sort == Sort::Made || subject.resource == "pods" {
            fact.event.time
        } else {
            Time(i64::MIN)
        };
        let object = Object {
            resource: subject.resource.into(),
            namespace: subject.namespace.into(),
            name: subject.name.into(),
            uid: subject.uid.into(),
            born,
            owner: judged.owner,
            disputed: judged.disputed,
            root: judged.root.map(|root| Root { since: fact.event.time, ..root }),
            ..Object::default()
        };
        self.objects.insert(judged.object, object);
    }

    /// The end of a pod makes its owner make another.
    fn stir_owner(&mut self, judged: &Judged, time: Time) {
        if let Some((owner, _)) = judged.owner {
            self.stir(owner, time);
        }
    }

    fn emptied_by(&mut self, fact: &Fact, subject: &Subject<'_>, judged: &Judged) {
        if subject.sort != Sort::Emptied {
            return;
        }
        if let Some(root) = judged.root {
            let root = Root { since: fact.event.time, surety: Surety::Inferred, ..root };
            self.emptied.insert(key(subject.resource, subject.namespace, "*"), root);
        }
    }
}

fn matters(resource: &str) -> bool {
    matches!(
        resource,
        "pods"
            | "replicasets"
            | "daemonsets"
            | "statefulsets"
            | "deployments"
            | "replicationcontrollers"
            | "jobs"
            | "cronjobs"
            | "endpoints"
            | "endpointslices"
            | "controllerrevisions"
    )
}

/// Whether the act changes what an object is to be, not only what is known of it.
fn moves(fact: &Fact) -> bool {
    is_driven(fact)
        && matches!(fact.event.resource(), "replicasets" | "jobs" | "pods" | "endpointslices")
}

fn is_driven(fact: &Fact) -> bool {
    let verb = fact.event.verb.as_str();
    matches!(verb, "create" | "update" | "patch" | "delete") && fact.event.subresource().is_empty()
}

/// A node has no business with another node's pod.
fn is_of_other_node(fact: &Fact, pod: &Object) -> bool {
    let who = &fact.principal.effective;
    who.kind == PrincipalKind::Node && !pod.node.is_empty() && pod.node != who.short
}

/// Where a pod runs: its binding says so, else its kubelet's first word about it.
fn place_pod(fact: &Fact, subject: &Subject<'_>, pod: &mut Object) {
    if subject.resource != "pods" {
        return;
    }
    if let Some(State::Bound { node }) = subject.body.map(|body| &body.state) {
        pod.node.clone_from(node);
    }
    let who = &fact.principal.effective;
    if pod.node.is_empty() && who.kind == PrincipalKind::Node {
        pod.node.clone_from(&who.short);
    }
}
