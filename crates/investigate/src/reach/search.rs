//! The search: what is reached from a start, each by its surest way.
//!
//! All that is proved is searched before anything that is inferred, and that before what is unknown;
//! within each, nearest first. A whole set ("all secrets of shop") is walked through once for each
//! degree of surety, so that the work is that of the things reached, not of the ways to reach them.

use super::{
    acts::{Act, GrantRule, Names, Scope, Target},
    edge::EdgeKind,
    escape,
    index::{Index, Place, What},
    snapshot::Snapshot,
};
use std::collections::VecDeque;
use trailhound_model::{Str, observed::Surety};

/// A step that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) kind: EdgeKind,
    pub(super) grants: [Option<GrantRule>; 3],
    pub(super) surety: Surety,
}

/// What was reached.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// How sure, by place; `None` is not reached.
    pub(super) best: Vec<Option<Surety>>,
    /// Number of the last step of the way, by place.
    parent: Vec<u32>,
    edges: Vec<Edge>,
    /// Places in the order in which they were reached.
    pub(super) order: Vec<Place>,
    /// Last steps of all ways to the whole cluster, with the surety of the way.
    pub(super) admin: Vec<(Edge, Surety)>,
}

/// No step leads here.
const NONE: u32 = u32::MAX;

impl Found {
    /// The last step of the way to a place; `None` for the start and for what was not reached.
    pub(super) fn parent(&self, place: Place) -> Option<&Edge> {
        self.edges.get(*self.parent.get(place)? as usize)
    }
}

/// Last steps to the whole cluster that are kept.
const MOST_ADMIN: usize = 256;

/// One search.
pub(super) struct Search<'s, 'a> {
    snapshot: &'a Snapshot,
    index: &'s Index<'a>,
    without: Option<usize>,
    found: Found,
    queues: [VecDeque<Place>; 3],
    /// How surely a whole set was reached, by sort and namespace; first all namespaces.
    swept: Vec<Option<Surety>>,
    grants: Vec<Option<Surety>>,
    classes: Vec<Option<Surety>>,
    /// Acts of whoever holds the one grant that the search begins with.
    holder: Vec<Act<'a>>,
    /// Whether what follows from taking the whole cluster is searched.
    through_admin: bool,
}

impl<'s, 'a> Search<'s, 'a> {
    /// A search in which one grant may be missing.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        index: &'s Index<'a>,
        without: Option<usize>,
    ) -> Search<'s, 'a> {
        let places = index.places();
        Search {
            snapshot,
            index,
            without,
            found: Found {
                best: vec![None; places],
                parent: vec![NONE; places],
                ..Found::default()
            },
            queues: Default::default(),
            swept: vec![None; SWEEPS * (index.namespaces.len() + 1)],
            grants: vec![None; index.grants.len()],
            classes: vec![None; index.classes.len()],
            holder: Vec::new(),
            through_admin: true,
        }
    }

    /// Does not follow what the whole cluster leads to.
    pub(super) fn short_of_admin(mut self) -> Search<'s, 'a> {
        self.through_admin = false;
        self
    }

    /// Searches from a place.
    pub(super) fn start(mut self, start: What) -> Found {
        let place = self.index.place(start);
        if let Some(best) = self.found.best.get_mut(place) {
            *best = Some(Surety::Proved);
            self.queues[0].push_back(place);
        }
        self.run()
    }

    /// Searches from whoever holds acts.
    pub(super) fn held_by(mut self, acts: Vec<Act<'a>>) -> Found {
        self.holder = acts;
        self.start(What::Holder)
    }

    fn run(mut self) -> Found {
        for (at, level) in
            [Surety::Proved, Surety::Inferred, Surety::Unknown].into_iter().enumerate()
        {
            while let Some(place) = self.queues.get_mut(at).and_then(VecDeque::pop_front) {
                if self.best(place) == Some(level) {
                    self.found.order.push(place);
                    self.expand(place, level);
                }
            }
        }
        self.found
    }

    fn best(&self, place: Place) -> Option<Surety> {
        self.found.best.get(place).copied().flatten()
    }

    fn arrive(&mut self, level: Surety, edge: Edge) {
        let level = level.min(edge.surety);
        if edge.to == self.index.place(What::Admin) && self.found.admin.len() < MOST_ADMIN {
            self.found.admin.push((edge, level));
        }
        if self.best(edge.to).is_some_and(|best| best >= level) {
            return;
        }
        let (Some(best), Some(parent)) =
            (self.found.best.get_mut(edge.to), self.found.parent.get_mut(edge.to))
        else {
            return;
        };
        *best = Some(level);
        *parent = u32::try_from(self.found.edges.len()).unwrap_or(NONE);
        self.found.edges.push(edge);
        let [proved, inferred, unknown] = &mut self.queues;
        match level {
            Surety::Proved => proved.push_back(edge.to),
            Surety::Inferred => inferred.push_back(edge.to),
            Surety::Unknown => unknown.push_back(edge.to),
        }
    }

    fn expand(&mut self, place: Place, level: Surety) {
        match self.index.what(place) {
            What::Holder => {
                for act in std::mem::take(&mut self.holder) {
                    self.act(place, level, &act);
                }
            }
            What::Admin => self.admin(place, level),
            What::Identity(at) => self.identity(place, level, at),
            What::Pods(at) => self.pods(place, level, at),
            What::Node(at) => self.node(place, level, at),
            What::Secret(at) => self.secret(place, level, at),
            What::OwnPod(at) => self.own_pod(place, level, at),
            What::NamespaceAdmin(at) => self.namespace_admin(place, level, at),
            What::Namespace(_) => {}
            What::Bound(at) => {
                let index = self.index;
                for act in index.bound.get(at).map_or(&[][..], |(_, _, acts)| acts.as_slice()) {
                    self.act(place, level, act);
                }
            }
        }
    }

    fn free(&mut self, place: Place, level: Surety, kind: EdgeKind, target: Target<'a>) {
        self.act(place, level, &Act::free(kind, target, Surety::Proved));
    }

    fn step(&mut self, from: Place, level: Surety, kind: EdgeKind, to: What, surety: Surety) {
        let to = self.index.place(to);
        self.arrive(level, Edge { from, to, kind, grants: [None; 3], surety });
    }

    fn admin(&mut self, place: Place, level: Surety) {
        if !self.through_admin {
            return;
        }
        self.free(place, level, EdgeKind::SecretRead, Target::Secrets(None, &[]));
        self.free(place, level, EdgeKind::NamespaceWrite, Target::Namespace(None));
        self.free(place, level, EdgeKind::IdentityImpersonate, Target::Accounts(None, &[]));
        self.free(place, level, EdgeKind::IdentityImpersonate, Target::Users(&[]));
        self.free(place, level, EdgeKind::IdentityImpersonate, Target::Groups(&[]));
        self.free(place, level, EdgeKind::IdentityImpersonate, Target::Kubelets);
        self.free(place, level, EdgeKind::PodCreate, Target::Nodes);
    }

    fn identity(&mut self, place: Place, level: Surety, at: usize) {
        let index = self.index;
        let Some(identity) = index.identities.get(at) else { return };
        if identity.is_master {
            self.step(place, level, EdgeKind::PermissionDiscover, What::Admin, Surety::Proved);
        }
        if let Some(node) = identity.node {
            let kinds = (EdgeKind::TokenRequest, EdgeKind::SecretRead);
            self.of_pods_on(place, level, node, kinds);
        }
        if !raised(&mut self.classes, identity.class, level) {
            return;
        }
        let Some(class) = index.classes.get(identity.class) else { return };
        for grant in &class.grants {
            if self.without == Some(*grant) || !raised(&mut self.grants, *grant, level) {
                continue;
            }
            for act in index.grants.get(*grant).map_or(&[][..], Vec::as_slice) {
                self.act(place, level, act);
            }
        }
        for act in &class.together {
            if self.without.is_none_or(|grant| !act.needs(grant)) {
                self.act(place, level, act);
            }
        }
    }

    fn pods(&mut self, place: Place, level: Surety, at: usize) {
        let (index, snapshot) = (self.index, self.snapshot);
        let Some(class) = index.pods.get(at) else { return };
        let Some(pod) = class.members.first().and_then(|pod| snapshot.pods.get(*pod)) else {
            return;
        };
        if let Some(account) = class.account.filter(|_| pod.token != Some(false)) {
            let surety = if pod.token.is_some() { Surety::Proved } else { Surety::Inferred };
            self.step(place, level, EdgeKind::IdentityAssume, What::Identity(account), surety);
        }
        for secret in &class.secrets {
            let kind = EdgeKind::VolumeDiscover;
            self.step(place, level, kind, What::Secret(*secret), Surety::Proved);
        }
        if let (Some(node), Some((kind, surety))) = (class.node, escape::escape(pod)) {
            self.step(place, level, kind, What::Node(node), surety);
        }
    }

    fn node(&mut self, place: Place, level: Surety, at: usize) {
        let kinds = (EdgeKind::TokenSteal, EdgeKind::VolumeAccess);
        self.of_pods_on(place, level, at, kinds);
        if let Some(kubelet) = self.index.kubelets.get(at) {
            let to = What::Identity(*kubelet);
            self.step(place, level, EdgeKind::IdentityAssume, to, Surety::Proved);
        }
        let node = self.snapshot.nodes.get(at);
        if node.is_some_and(|node| node.control_plane == Some(true)) {
            let kind = EdgeKind::ExploitHostRead;
            self.step(place, level, kind, What::Admin, Surety::Inferred);
        }
    }

    /// Accounts and secrets of the pods on a node.
    fn of_pods_on(
        &mut self,
        place: Place,
        level: Surety,
        node: usize,
        (token, volume): (EdgeKind, EdgeKind),
    ) {
        let (index, snapshot) = (self.index, self.snapshot);
        for at in index.pods_on.get(node).map_or(&[][..], Vec::as_slice) {
            let Some(class) = index.pods.get(*at) else { continue };
            let pod = class.members.first().and_then(|pod| snapshot.pods.get(*pod));
            let mounts = pod.and_then(|pod| pod.token);
            // A kubelet may ask for the token whether or not it is mounted.
            let has = token == EdgeKind::TokenRequest || mounts != Some(false);
            if let Some(account) = class.account.filter(|_| has) {
                let sure = token == EdgeKind::TokenRequest || mounts.is_some();
                let surety = if sure { Surety::Proved } else { Surety::Inferred };
                self.step(place, level, token, What::Identity(account), surety);
            }
            for secret in &class.secrets {
                self.step(place, level, volume, What::Secret(*secret), Surety::Proved);
            }
        }
    }

    fn secret(&mut self, place: Place, level: Surety, at: usize) {
        if let Some(Some(account)) = self.index.tokens.get(at) {
            let to = What::Identity(*account);
            self.step(place, level, EdgeKind::IdentityAssume, to, Surety::Proved);
        }
    }

    fn own_pod(&mut self, place: Place, level: Surety, at: usize) {
        self.free(place, level, EdgeKind::IdentityAssume, Target::Accounts(Some(at), &[]));
        self.free(place, level, EdgeKind::VolumeDiscover, Target::Secrets(Some(at), &[]));
        let security = self.index.security.get(at).copied().unwrap_or_default();
        if let Some(surety) = escape::may_be_dangerous(self.snapshot, security) {
            self.act(place, level, &Act::free(EdgeKind::CePrivMount, Target::Nodes, surety));
        }
    }

    fn namespace_admin(&mut self, place: Place, level: Surety, at: usize) {
        let here = Some(at);
        self.free(place, level, EdgeKind::SecretRead, Target::Secrets(here, &[]));
        self.free(place, level, EdgeKind::TokenRequest, Target::Accounts(here, &[]));
        self.free(place, level, EdgeKind::PodExec, Target::Pods(here, &[]));
        self.free(place, level, EdgeKind::PodCreate, Target::OwnPod(here));
        self.free(place, level, EdgeKind::NamespaceWrite, Target::Namespace(here));
    }

    /// Walks through the things that an act is on.
    fn act(&mut self, from: Place, level: Surety, act: &Act<'a>) {
        if self.was_swept(level.min(act.surety), act.target) {
            return;
        }
        let targets = Targets { snapshot: self.snapshot, index: self.index };
        targets.each(act.target, &mut |what, surety| {
            let to = self.index.place(what);
            let surety = act.surety.min(surety);
            self.arrive(level, Edge { from, to, kind: act.kind, grants: act.grants, surety });
        });
    }

    /// Whether all of it was reached before, at least as surely.
    fn was_swept(&mut self, level: Surety, target: Target<'a>) -> bool {
        let Some((sort, scope)) = sweep(target) else { return false };
        let all = sort * (self.index.namespaces.len() + 1);
        let one = all + scope.map_or(0, |scope| scope + 1);
        let done =
            |at: usize| self.swept.get(at).copied().flatten().is_some_and(|done| done >= level);
        if done(all) || done(one) {
            return true;
        }
        if let Some(slot) = self.swept.get_mut(one) {
            *slot = Some(level);
        }
        false
    }
}

/// Sorts of sets.
const SWEEPS: usize = 13;

/// The set that a target is, if it is a whole one.
fn sweep(target: Target<'_>) -> Option<(usize, Scope)> {
    let all = |names: Names<'_>| names.is_empty();
    match target {
        Target::Accounts(scope, names) if all(names) => Some((0, scope)),
        Target::Tokens(scope, names) if all(names) => Some((1, scope)),
        Target::Pods(scope, names) if all(names) => Some((2, scope)),
        Target::Secrets(scope, names) if all(names) => Some((3, scope)),
        Target::OwnPod(scope) => Some((4, scope)),
        Target::NamespaceAdmin(scope) => Some((5, scope)),
        Target::Namespace(scope) => Some((6, scope)),
        Target::Users(names) if all(names) => Some((7, None)),
        Target::Groups(names) if all(names) => Some((8, None)),
        Target::SignableGroups => Some((9, None)),
        Target::Kubelets => Some((10, None)),
        Target::Nodes => Some((11, None)),
        Target::PodsOn(names) if all(names) => Some((12, None)),
        _ => None,
    }
}

fn raised(levels: &mut [Option<Surety>], at: usize, level: Surety) -> bool {
    match levels.get_mut(at) {
        Some(known) if known.is_none_or(|known| known < level) => {
            *known = Some(level);
            true
        }
        _ => false,
    }
}

/// The things that a target is.
struct Targets<'s, 'a> {
    snapshot: &'a Snapshot,
    index: &'s Index<'a>,
}

impl<'a> Targets<'_, 'a> {
    fn each(&self, target: Target<'a>, tell: &mut dyn FnMut(What, Surety)) {
        let index = self.index;
        match target {
            Target::Admin => tell(What::Admin, Surety::Proved),
            Target::Bound(at) => tell(What::Bound(at), Surety::Proved),
            Target::Accounts(scope, names) => self.accounts(scope, names, tell),
            Target::Tokens(scope, names) => self.secrets(scope, names, &mut |what, surety| {
                let What::Secret(at) = what else { return };
                if let Some(Some(account)) = index.tokens.get(at) {
                    tell(What::Identity(*account), surety);
                }
            }),
            Target::Pods(scope, names) => self.pods(scope, names, tell),
            Target::PodsOn(names) => self.pods_on(names, tell),
            Target::Secrets(scope, names) => self.secrets(scope, names, tell),
            Target::OwnPod(scope) => self.namespaces(scope, What::OwnPod, tell),
            Target::NamespaceAdmin(scope) => self.namespaces(scope, What::NamespaceAdmin, tell),
            Target::Namespace(scope) => self.namespaces(scope, What::Namespace, tell),
            Target::Users(names) => self.identities(false, names, |_| true, tell),
            Target::Groups(names) => self.identities(true, names, |_| true, tell),
            Target::SignableGroups => self.identities(true, &[], |master| !master, tell),
            Target::Kubelets => {
                index.kubelets.iter().for_each(|at| tell(What::Identity(*at), Surety::Proved));
            }
            Target::Nodes => {
                (0..index.pods_on.len()).for_each(|at| tell(What::Node(at), Surety::Proved));
            }
        }
    }

    fn scope(&self, scope: Scope) -> std::ops::Range<usize> {
        scope.map_or(0..self.index.namespaces.len(), |at| at..at + 1)
    }

    fn namespaces(
        &self,
        scope: Scope,
        what: fn(usize) -> What,
        tell: &mut dyn FnMut(What, Surety),
    ) {
        self.scope(scope).for_each(|at| tell(what(at), Surety::Proved));
    }

    fn accounts(&self, scope: Scope, names: Names<'a>, tell: &mut dyn FnMut(What, Surety)) {
        let mut one = |at: usize| {
            let surety = self.index.identities.get(at).map_or(Surety::Unknown, |one| one.surety);
            tell(What::Identity(at), surety);
        };
        for namespace in self.scope(scope) {
            if names.is_empty() {
                let all = self.index.accounts_in.get(namespace).into_iter().flatten();
                all.for_each(|at| one(*at));
            }
            for name in names {
                self.index.account(namespace, name).into_iter().for_each(&mut one);
            }
        }
    }

    fn secrets(&self, scope: Scope, names: Names<'a>, tell: &mut dyn FnMut(What, Surety)) {
        let mut one = |at: usize| {
            let surety = self.snapshot.secrets.get(at).map_or(Surety::Unknown, |one| one.surety);
            tell(What::Secret(at), surety);
        };
        for namespace in self.scope(scope) {
            if names.is_empty() {
                let all = self.index.secrets_in.get(namespace).into_iter().flatten();
                all.for_each(|at| one(*at));
            }
            for name in names {
                self.index.secret(namespace, name).into_iter().for_each(&mut one);
            }
        }
    }

    fn pods(&self, scope: Scope, names: Names<'a>, tell: &mut dyn FnMut(What, Surety)) {
        for namespace in self.scope(scope) {
            if names.is_empty() {
                let all = self.index.pods_in.get(namespace).into_iter().flatten();
                all.for_each(|at| tell(What::Pods(*at), Surety::Proved));
            }
            for name in names {
                if let Some(at) = self.index.pod(namespace, name) {
                    tell(What::Pods(at), Surety::Proved);
                }
            }
        }
    }

    fn pods_on(&self, names: Names<'a>, tell: &mut dyn FnMut(What, Surety)) {
        let fits = |node: &Str| names.is_empty() || names.contains(node);
        let nodes = self.snapshot.nodes.iter().enumerate();
        for (at, _) in nodes.filter(|(_, one)| fits(&one.name)) {
            let all = self.index.pods_on.get(at).into_iter().flatten();
            all.for_each(|class| tell(What::Pods(*class), Surety::Proved));
        }
    }

    fn identities(
        &self,
        groups: bool,
        names: Names<'a>,
        fits: fn(bool) -> bool,
        tell: &mut dyn FnMut(What, Surety),
    ) {
        let list = self.index.identities.iter().enumerate();
        for (at, identity) in list {
            let is_meant = || names.is_empty() || names.iter().any(|one| *one == identity.name);
            let sort = identity.assumable && identity.is_group == groups;
            if sort && fits(identity.is_master) && is_meant() {
                tell(What::Identity(at), identity.surety);
            }
        }
    }
}
