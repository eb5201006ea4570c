//! The snapshot made ready for the search: everything has a number, identities with the same grants
//! and pods that are alike are one, and what each grant allows is worked out once.
//!
//! Somebody who impersonates a user is that user without its groups; the groups in the log came with
//! its credential. So a user with groups is there twice: as itself, where a search may begin, and
//! bare, as what others can become.

use super::{
    acts::{self, Act, Scope},
    power::{Held, Roles},
    snapshot::{Pod, PodSecurity, Snapshot},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use trailhound_model::{Str, entity, observed::Surety, principal};

/// The group that the API server never refuses anything.
pub(super) const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";
const NODES: &str = "system:nodes";
const ACCOUNTS: &str = "system:serviceaccounts";

/// A number of something that can be reached.
pub(super) type Place = usize;

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// Whoever holds one given grant.
    Holder,
    /// The whole cluster.
    Admin,
    /// An identity.
    Identity(usize),
    /// Pods that are alike.
    Pods(usize),
    /// A node, taken.
    Node(usize),
    /// A secret's contents.
    Secret(usize),
    /// A pod of one's own in a namespace.
    OwnPod(usize),
    /// Every right in a namespace.
    NamespaceAdmin(usize),
    /// Some objects of a namespace can be changed.
    Namespace(usize),
    /// A role that one may bind to oneself.
    Bound(usize),
}

/// Somebody or a group of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// The name that the authorizer sees.
    pub(super) name: String,
    pub(super) is_group: bool,
    /// Namespace and name of a service account.
    pub(super) account: Option<(usize, String)>,
    /// The node whose kubelet it is.
    pub(super) node: Option<usize>,
    /// Others can become it by its name alone.
    pub(super) assumable: bool,
    pub(super) is_master: bool,
    /// Place of its grants in [`Index::classes`].
    pub(super) class: usize,
    pub(super) surety: Surety,
}

impl Identity {
    /// As an entity.
    pub(super) fn entity(&self) -> String {
        if self.is_group {
            return format!("group:{}", self.name);
        }
        match principal::service_account_name(&self.name) {
            Some((namespace, name)) => entity::service_account(namespace, name),
            None => entity::user(&self.name),
        }
    }
}

/// Pods that are alike.
#[derive(Clone, Debug, Default)]
pub(super) struct PodClass {
    /// Identity of the service account, if it is known.
    pub(super) account: Option<usize>,
    pub(super) node: Option<usize>,
    pub(super) secrets: Vec<usize>,
    /// Places in the snapshot; never empty.
    pub(super) members: Vec<usize>,
}

/// Grants that some identities have in common, and what comes of having several of them at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Class<'a> {
    pub(super) grants: Vec<usize>,
    pub(super) together: Vec<Act<'a>>,
}

/// The snapshot, ready to be searched.
#[derive(Debug, Default)]
pub(super) struct Index<'a> {
    pub(super) namespaces: Vec<&'a str>,
    /// What Pod Security enforces in each.
    pub(super) security: Vec<PodSecurity>,
    pub(super) identities: Vec<Identity>,
    pub(super) classes: Vec<Class<'a>>,
    pub(super) pods: Vec<PodClass>,
    /// What each grant allows by itself.
    pub(super) grants: Vec<Vec<Act<'a>>>,
    /// A role and where it could be bound, with what that allows.
    pub(super) bound: Vec<(usize, Scope, Vec<Act<'a>>)>,
    pub(super) accounts_in: Vec<Vec<usize>>,
    pub(super) pods_in: Vec<Vec<usize>>,
    pub(super) secrets_in: Vec<Vec<usize>>,
    pub(super) pods_on: Vec<Vec<usize>>,
    /// Identity of each node's kubelet.
    pub(super) kubelets: Vec<usize>,
    /// Identity of the account whose token a secret holds.
    pub(super) tokens: Vec<Option<usize>>,
    by_namespace: HashMap<&'a str, usize>,
    by_identity: HashMap<(bool, String), usize>,
    by_account: HashMap<(usize, String), usize>,
    by_pod: HashMap<(usize, &'a str), usize>,
    by_secret: HashMap<(usize, &'a str), usize>,
    by_node: HashMap<&'a str, usize>,
    starters: HashMap<String, usize>,
    pub(super) roles: Vec<Vec<Held>>,
}

impl<'a> Index<'a> {
    /// Indexes a snapshot; users and groups among the starts it knows whether or not the snapshot
    /// does.
    pub(super) fn new(snapshot: &'a Snapshot, starts: &[&str], roles: &mut Roles) -> Index<'a> {
        let mut index = Index::default();
        index.name_namespaces(snapshot);
        index.roles = snapshot.roles.iter().map(|role| roles.powers(role)).collect();
        index.name_nodes_and_secrets(snapshot);
        index.name_identities(snapshot, starts);
        index.group_pods(snapshot);
        acts::work_out(snapshot, &mut index);
        index
    }

    fn name_namespaces(&mut self, snapshot: &'a Snapshot) {
        let names = (snapshot.namespaces.iter().map(|one| one.name.as_str()))
            .chain(snapshot.grants.iter().map(|one| one.namespace.as_str()))
            .chain(snapshot.pods.iter().map(|one| one.namespace.as_str()))
            .chain(snapshot.accounts.iter().map(|one| one.namespace.as_str()))
            .chain(snapshot.secrets.iter().map(|one| one.namespace.as_str()))
            .chain(subject_namespaces(snapshot))
            .filter(|name| !name.is_empty())
            .collect::<BTreeSet<&str>>();
        self.namespaces = names.into_iter().collect();
        self.by_namespace = numbered(self.namespaces.iter().copied());
        let count = self.namespaces.len();
        self.security = vec![PodSecurity::Unknown; count];
        for one in &snapshot.namespaces {
            let place = self.by_namespace.get(one.name.as_str());
            if let Some(security) = place.and_then(|at| self.security.get_mut(*at)) {
                *security = one.pod_security;
            }
        }
        self.accounts_in = vec![Vec::new(); count];
        self.pods_in = vec![Vec::new(); count];
        self.secrets_in = vec![Vec::new(); count];
    }

    fn name_nodes_and_secrets(&mut self, snapshot: &'a Snapshot) {
        self.by_node = numbered(snapshot.nodes.iter().map(|node| node.name.as_str()));
        self.pods_on = vec![Vec::new(); snapshot.nodes.len()];
        for (at, secret) in snapshot.secrets.iter().enumerate() {
            let Some(namespace) = self.namespace(&secret.namespace) else { continue };
            self.by_secret.insert((namespace, secret.name.as_str()), at);
            if let Some(list) = self.secrets_in.get_mut(namespace) {
                list.push(at);
            }
        }
    }

    fn name_identities(&mut self, snapshot: &'a Snapshot, starts: &[&str]) {
        let held = Grants::of(snapshot);
        let mut maker = Maker { index: self, held: &held, classes: HashMap::new() };
        maker.group(MASTERS);
        for subject in snapshot.grants.iter().flat_map(|grant| &grant.subjects) {
            match subject.kind.as_str() {
                "Group" => maker.group(&subject.name),
                "User" => maker.user(&subject.name),
                "ServiceAccount" => {
                    maker.account(&subject.namespace, &subject.name, Surety::Inferred);
                }
                _ => {}
            }
        }
        for account in &snapshot.accounts {
            maker.account(&account.namespace, &account.name, account.surety);
        }
        for pod in snapshot.pods.iter().filter(|pod| !pod.account.is_empty()) {
            maker.account(&pod.namespace, &pod.account, Surety::Inferred);
        }
        for user in &snapshot.users {
            maker.user(&user.name);
            maker.starter(&user.name, &user.groups);
        }
        for (at, node) in snapshot.nodes.iter().enumerate() {
            maker.kubelet(at, &node.name);
        }
        for start in starts {
            match start.split_once(':') {
                Some(("user", name)) => maker.user(name),
                Some(("group", name)) => maker.group(name),
                _ => {}
            }
        }
        self.tokens = snapshot.secrets.iter().map(|one| self.token_of(one)).collect();
    }

    fn token_of(&self, secret: &super::snapshot::Secret) -> Option<usize> {
        let namespace = self.namespace(&secret.namespace)?;
        self.account(namespace, &secret.account)
    }

    fn group_pods(&mut self, snapshot: &'a Snapshot) {
        let mut alike: BTreeMap<PodKey<'a>, usize> = BTreeMap::new();
        for (at, pod) in snapshot.pods.iter().enumerate() {
            let Some(namespace) = self.namespace(&pod.namespace) else { continue };
            let class = *alike.entry(pod_key(pod)).or_insert(self.pods.len());
            if class == self.pods.len() {
                self.add_pods(namespace, pod);
            }
            if let Some(pods) = self.pods.get_mut(class) {
                pods.members.push(at);
            }
            self.by_pod.insert((namespace, pod.name.as_str()), class);
        }
    }

    fn add_pods(&mut self, namespace: usize, pod: &Pod) {
        let class = self.pods.len();
        let node = self.node(&pod.node);
        let secret = |name: &Str| self.by_secret.get(&(namespace, name.as_str())).copied();
        let one = PodClass {
            account: self.account(namespace, &pod.account),
            node,
            secrets: pod.secrets.iter().filter_map(secret).collect(),
            members: Vec::new(),
        };
        self.pods.push(one);
        if let Some(list) = self.pods_in.get_mut(namespace) {
            list.push(class);
        }
        if let Some(list) = node.and_then(|node| self.pods_on.get_mut(node)) {
            list.push(class);
        }
    }

    /// Number of a namespace.
    pub(super) fn namespace(&self, name: &str) -> Option<usize> {
        self.by_namespace.get(name).copied()
    }

    /// Number of a node.
    pub(super) fn node(&self, name: &str) -> Option<usize> {
        self.by_node.get(name).copied()
    }

    /// Number of a service account's identity.
    pub(super) fn account(&self, namespace: usize, name: &str) -> Option<usize> {
        self.by_account.get(&(namespace, name.to_owned())).copied()
    }

    /// Number of a group.
    pub(super) fn group(&self, name: &str) -> Option<usize> {
        self.by_identity.get(&(true, name.to_owned())).copied()
    }

    /// Number of a user without its groups.
    pub(super) fn user(&self, name: &str) -> Option<usize> {
        self.by_identity.get(&(false, name.to_owned())).copied()
    }

    /// Number of a user with its groups.
    pub(super) fn starter(&self, name: &str) -> Option<usize> {
        self.starters.get(name).copied().or_else(|| self.user(name))
    }

    /// Number of a pod's class.
    pub(super) fn pod(&self, namespace: usize, name: &str) -> Option<usize> {
        self.by_pod.get(&(namespace, name)).copied()
    }

    /// Number of a secret.
    pub(super) fn secret(&self, namespace: usize, name: &str) -> Option<usize> {
        self.by_secret.get(&(namespace, name)).copied()
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.offset(SORTS)
    }

    /// The place of something.
    pub(super) fn place(&self, what: What) -> Place {
        let (sort, at) = match what {
            What::Holder => return 0,
            What::Admin => return 1,
            What::Identity(at) => (0, at),
            What::Pods(at) => (1, at),
            What::Node(at) => (2, at),
            What::Secret(at) => (3, at),
            What::OwnPod(at) => (4, at),
            What::NamespaceAdmin(at) => (5, at),
            What::Namespace(at) => (6, at),
            What::Bound(at) => (7, at),
        };
        self.offset(sort) + at
    }

    /// What is at a place.
    pub(super) fn what(&self, place: Place) -> What {
        match place {
            0 => return What::Holder,
            1 => return What::Admin,
            _ => {}
        }
        let sort = (0..SORTS).rev().find(|sort| self.offset(*sort) <= place).unwrap_or_default();
        let at = place - self.offset(sort);
        match sort {
            0 => What::Identity(at),
            1 => What::Pods(at),
            2 => What::Node(at),
            3 => What::Secret(at),
            4 => What::OwnPod(at),
            5 => What::NamespaceAdmin(at),
            6 => What::Namespace(at),
            _ => What::Bound(at),
        }
    }

    fn offset(&self, sort: usize) -> usize {
        let namespaces = self.namespaces.len();
        let sizes: [usize; SORTS] = [
            self.identities.len(),
            self.pods.len(),
            self.pods_on.len(),
            self.tokens.len(),
            namespaces,
            namespaces,
            namespaces,
            self.bound.len(),
        ];
        2 + sizes.iter().take(sort).sum::<usize>()
    }
}

/// Sorts of places beside the first two.
const SORTS: usize = 8;

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    names.enumerate().map(|(at, name)| (name, at)).collect()
}

fn subject_namespaces(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let subjects = snapshot.grants.iter().flat_map(|grant| &grant.subjects);
    subjects.map(|subject| subject.namespace.as_str())
}

type PodKey<'a> = (
    (&'a str, &'a str, &'a str, Option<bool>, Surety),
    (bool, bool, bool, bool),
    (&'a [Str], &'a [Str], &'a [Str]),
);

fn pod_key(pod: &Pod) -> PodKey<'_> {
    (
        (&pod.namespace, &pod.account, &pod.node, pod.token, pod.spec),
        (pod.privileged, pod.host_pid, pod.host_ipc, pod.host_network),
        (&pod.host_paths, &pod.capabilities, &pod.secrets),
    )
}

/// Grants by who holds them.
struct Grants {
    users: HashMap<String, Vec<usize>>,
    groups: HashMap<String, Vec<usize>>,
}

impl Grants {
    fn of(snapshot: &Snapshot) -> Grants {
        let mut held = Grants { users: HashMap::new(), groups: HashMap::new() };
        for (at, grant) in snapshot.grants.iter().enumerate() {
            for subject in &grant.subjects {
                let side = if subject.kind == "Group" { &mut held.groups } else { &mut held.users };
                side.entry(subject.authorizer_name()).or_default().push(at);
            }
        }
        held
    }

    fn for_groups<'g>(&self, groups: impl IntoIterator<Item = &'g str>) -> Vec<usize> {
        let lists = groups.into_iter().filter_map(|group| self.groups.get(group));
        lists.flatten().copied().collect()
    }
}

struct Maker<'m, 'a> {
    index: &'m mut Index<'a>,
    held: &'m Grants,
    classes: HashMap<Vec<usize>, usize>,
}

impl Maker<'_, '_> {
    fn class(&mut self, mut grants: Vec<usize>) -> usize {
        grants.sort_unstable();
        grants.dedup();
        if let Some(class) = self.classes.get(&grants) {
            return *class;
        }
        let class = self.index.classes.len();
        self.index.classes.push(Class { grants: grants.clone(), together: Vec::new() });
        self.classes.insert(grants, class);
        class
    }

    fn add(&mut self, identity: Identity, groups: &[&str]) -> usize {
        let mut grants = self.held.for_groups(groups.iter().copied());
        if !identity.is_group {
            grants.extend(self.held.users.get(&identity.name).into_iter().flatten());
        }
        let class = self.class(grants);
        self.index.identities.push(Identity { class, ..identity });
        self.index.identities.len() - 1
    }

    fn group(&mut self, name: &str) {
        if self.index.group(name).is_some() {
            return;
        }
        let identity = Identity {
            name: name.to_owned(),
            is_group: true,
            assumable: true,
            is_master: name == MASTERS,
            surety: Surety::Proved,
            ..Identity::default()
        };
        let everybody = if name == UNAUTHENTICATED { name } else { AUTHENTICATED };
        let at = self.add(identity, &[name, everybody]);
        self.index.by_identity.insert((true, name.to_owned()), at);
    }

    fn user(&mut self, name: &str) {
        if let Some((namespace, account)) = principal::service_account_name(name) {
            return self.account(namespace, account, Surety::Inferred);
        }
        if name.is_empty() || self.index.user(name).is_some() {
            return;
        }
        let everybody = if name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED };
        let identity = Identity {
            name: name.to_owned(),
            assumable: name != ANONYMOUS,
            surety: Surety::Proved,
            ..Identity::default()
        };
        let at = self.add(identity, &[everybody]);
        self.index.by_identity.insert((false, name.to_owned()), at);
    }

    /// A user with the groups of its own credential.
    fn starter(&mut self, name: &str, groups: &[Str]) {
        let is_account = principal::service_account_name(name).is_some();
        if is_account || name == ANONYMOUS || self.index.starters.contains_key(name) {
            return;
        }
        let identity = Identity {
            name: name.to_owned(),
            is_master: groups.iter().any(|group| group == MASTERS),
            surety: Surety::Proved,
            ..Identity::default()
        };
        let groups: Vec<&str> = groups.iter().map(Str::as_str).chain([AUTHENTICATED]).collect();
        let at = self.add(identity, &groups);
        self.index.starters.insert(name.to_owned(), at);
    }

    fn account(&mut self, namespace: &str, name: &str, surety: Surety) {
        let Some(home) = self.index.namespace(namespace) else { return };
        if let Some(known) = self.index.account(home, name) {
            if let Some(identity) = self.index.identities.get_mut(known) {
                identity.surety = identity.surety.max(surety);
            }
            return;
        }
        let peers = format!("{ACCOUNTS}:{namespace}");
        let identity = Identity {
            name: format!("system:serviceaccount:{namespace}:{name}"),
            account: Some((home, name.to_owned())),
            surety,
            ..Identity::default()
        };
        let at = self.add(identity, &[AUTHENTICATED, ACCOUNTS, &peers]);
        self.index.by_account.insert((home, name.to_owned()), at);
        if let Some(list) = self.index.accounts_in.get_mut(home) {
            list.push(at);
        }
    }

    fn kubelet(&mut self, node: usize, name: &str) {
        let identity = Identity {
            name: format!("system:node:{name}"),
            node: Some(node),
            surety: Surety::Proved,
            ..Identity::default()
        };
        let at = self.add(identity, &[AUTHENTICATED, NODES]);
        self.index.kubelets.push(at);
    }
}
