//! The same question answered slowly and simply, one concrete request at a time, to check the search
//! against on small clusters drawn at random.

use super::snapshot::{Account, Grant, Namespace, Node, Pod, PodSecurity, Role, Secret, Snapshot};
use proptest::{collection::vec, prelude::*, sample::select};
use std::collections::BTreeSet;
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    observed::Surety,
};

/// What is held: entities, with `own:NS`, `all:NS`, `write:NS` and `admin` beside them, and
/// `role:N@NS` for a role that can be bound.
pub(super) type Held = BTreeSet<String>;

type Bound<'a> = Option<&'a str>;

/// Whether one of the grants (with its namespace, empty for all) allows a request.
fn can(
    rights: &[(&Role, &str)],
    verb: &str,
    (group, resource): (&str, &str),
    (namespace, name): (&str, &str),
) -> bool {
    let has = |list: &[Str], value: &str| list.iter().any(|one| one == value || one == "*");
    rights.iter().any(|(role, scope)| {
        (scope.is_empty() || *scope == namespace)
            && role.rules.iter().any(|rule| {
                has(&rule.verbs, verb)
                    && has(&rule.api_groups, group)
                    && has(&rule.resources, resource)
                    && (rule.resource_names.is_empty()
                        || rule.resource_names.iter().any(|one| one == name))
            })
    })
}

const RBAC: &str = "rbac.authorization.k8s.io";

struct Brute<'a> {
    snapshot: &'a Snapshot,
    without: Option<usize>,
    held: Held,
}

/// Everything that is held in the end.
pub(super) fn brute(snapshot: &Snapshot, start: &str, without: Option<usize>) -> Held {
    let mut brute = Brute { snapshot, without, held: Held::from([start.to_owned()]) };
    loop {
        let before = brute.held.len();
        for one in brute.held.clone() {
            brute.follow(&one);
        }
        if brute.held.len() == before {
            return brute.held;
        }
    }
}

impl<'a> Brute<'a> {
    fn hold(&mut self, what: String) {
        self.held.insert(what);
    }

    fn follow(&mut self, one: &str) {
        let Some((kind, name)) = one.split_once(':') else { return self.everything() };
        match kind {
            "sa" | "group" | "user" => self.identity(kind, name),
            "pod" => self.pod(name),
            "node" => self.node(name),
            "own" => self.own(name),
            "all" => self.all(name),
            "secret" => self.secret(name),
            "role" => self.bound(name),
            _ => {}
        }
    }

    fn everything(&mut self) {
        for namespace in self.namespaces() {
            self.hold(format!("write:{namespace}"));
        }
        for one in &self.snapshot.secrets {
            self.hold(format!("secret:{}/{}", one.namespace, one.name));
        }
        for one in &self.snapshot.nodes {
            self.hold(format!("node:{}", one.name));
        }
        for one in self.identities() {
            self.hold(one);
        }
    }

    fn namespaces(&self) -> BTreeSet<&'a str> {
        self.snapshot.namespaces.iter().map(|one| one.name.as_str()).collect()
    }

    fn identities(&self) -> Vec<String> {
        let mut all = vec!["group:system:masters".to_owned()];
        for one in &self.snapshot.accounts {
            all.push(format!("sa:{}/{}", one.namespace, one.name));
        }
        for subject in self.snapshot.grants.iter().flat_map(|grant| &grant.subjects) {
            match subject.kind.as_str() {
                "User" => all.push(format!("user:{}", subject.name)),
                "Group" => all.push(format!("group:{}", subject.name)),
                _ => {}
            }
        }
        for one in &self.snapshot.nodes {
            all.push(format!("user:system:node:{}", one.name));
        }
        all
    }

    fn rights(&self, kind: &str, name: &str) -> Vec<(&'a Role, &'a str)> {
        let mut groups = vec!["system:authenticated".to_owned()];
        let account = name.split_once('/');
        match (kind, account) {
            ("group", _) => groups.push(name.to_owned()),
            ("sa", Some((namespace, _))) => {
                groups.push("system:serviceaccounts".to_owned());
                groups.push(format!("system:serviceaccounts:{namespace}"));
            }
            _ if name.starts_with("system:node:") => groups.push("system:nodes".to_owned()),
            _ => {}
        }
        let holds = |subject: &Subject| match subject.kind.as_str() {
            "Group" => groups.iter().any(|group| subject.name == group.as_str()),
            "User" => kind == "user" && subject.name == name,
            _ => {
                kind == "sa" && account == Some((subject.namespace.as_str(), subject.name.as_str()))
            }
        };
        let grants = self.snapshot.grants.iter().enumerate();
        grants
            .filter(|(at, grant)| self.without != Some(*at) && grant.subjects.iter().any(holds))
            .filter_map(|(_, grant)| {
                Some((self.snapshot.roles.get(grant.role?)?, grant.namespace.as_str()))
            })
            .collect()
    }

    fn identity(&mut self, kind: &str, name: &str) {
        if (kind, name) == ("group", "system:masters") {
            self.hold("admin".to_owned());
        }
        if let Some(node) = name.strip_prefix("system:node:") {
            self.on_node(node, true);
        }
        let rights = self.rights(kind, name);
        self.requests(&rights);
        self.bindings(&rights);
    }

    fn requests(&mut self, rights: &[(&'a Role, &'a str)]) {
        let total = |role: &Role| {
            role.rules.iter().any(|rule| {
                rule.resource_names.is_empty()
                    && [&rule.verbs, &rule.api_groups, &rule.resources]
                        .into_iter()
                        .all(|list| list.iter().any(|one| one == "*"))
            })
        };
        for (_, scope) in rights.iter().filter(|(role, _)| total(role)) {
            let all = if scope.is_empty() { "admin".to_owned() } else { format!("all:{scope}") };
            self.hold(all);
        }
        for one in &self.snapshot.secrets {
            let at = (one.namespace.as_str(), one.name.as_str());
            if ["get", "list", "watch"].iter().any(|verb| can(rights, verb, ("", "secrets"), at)) {
                self.hold(format!("secret:{}/{}", one.namespace, one.name));
            }
        }
        self.pod_requests(rights);
        self.account_requests(rights);
        self.namespace_requests(rights);
        self.cluster_requests(rights);
    }

    fn pod_requests(&mut self, rights: &[(&'a Role, &'a str)]) {
        for one in &self.snapshot.pods {
            let at = (one.namespace.as_str(), one.name.as_str());
            let ways = [
                ("update", "pods"),
                ("patch", "pods"),
                ("patch", "pods/ephemeralcontainers"),
                ("update", "pods/ephemeralcontainers"),
                ("create", "pods/exec"),
                ("get", "pods/exec"),
                ("create", "pods/attach"),
                ("get", "pods/attach"),
            ];
            let by_node = ["get", "create"]
                .iter()
                .any(|verb| can(rights, verb, ("", "nodes/proxy"), ("", one.node.as_str())));
            if by_node && !one.node.is_empty()
                || ways.iter().any(|(verb, resource)| can(rights, verb, ("", resource), at))
            {
                self.hold(format!("pod:{}/{}", one.namespace, one.name));
            }
        }
    }

    fn account_requests(&mut self, rights: &[(&'a Role, &'a str)]) {
        for one in &self.snapshot.accounts {
            let at = (one.namespace.as_str(), one.name.as_str());
            let readable = ["a", "b", "new"];
            let token = can(rights, "create", ("", "secrets"), (at.0, ""))
                && readable.into_iter().any(|name| {
                    ["get", "list", "watch"]
                        .iter()
                        .any(|verb| can(rights, verb, ("", "secrets"), (at.0, name)))
                });
            if token
                || can(rights, "create", ("", "serviceaccounts/token"), at)
                || can(rights, "impersonate", ("", "serviceaccounts"), at)
            {
                self.hold(format!("sa:{}/{}", one.namespace, one.name));
            }
        }
    }

    fn namespace_requests(&mut self, rights: &[(&'a Role, &'a str)]) {
        for namespace in self.namespaces() {
            let names = ["", "a", "b"];
            let write = |resource: (&str, &str)| {
                names.iter().any(|name| {
                    let verbs: &[&str] = match *name {
                        "" => &["create", "deletecollection", "update", "patch", "delete"],
                        _ => &["update", "patch", "delete"],
                    };
                    verbs.iter().any(|verb| can(rights, verb, resource, (namespace, name)))
                })
            };
            let set = [
                ("", "pods"),
                ("", "secrets"),
                ("", "serviceaccounts"),
                ("apps", "deployments"),
                (RBAC, "roles"),
                (RBAC, "rolebindings"),
            ];
            if set.into_iter().any(write) {
                self.hold(format!("write:{namespace}"));
            }
            let kinds = [("", "replicationcontrollers"), ("apps", "deployments")];
            let changes = |kind: (&str, &str), name: &str| {
                ["update", "patch"].iter().any(|verb| can(rights, verb, kind, (namespace, name)))
            };
            let controllers = kinds.into_iter().any(|kind| {
                can(rights, "create", kind, (namespace, ""))
                    || names.iter().any(|name| changes(kind, name))
            });
            let makes = controllers || can(rights, "create", ("", "pods"), (namespace, ""));
            if makes {
                self.hold(format!("own:{namespace}"));
            }
        }
    }

    fn cluster_requests(&mut self, rights: &[(&'a Role, &'a str)]) {
        let cluster: Vec<(&Role, &str)> =
            rights.iter().copied().filter(|(_, scope)| scope.is_empty()).collect();
        let hooks = ("admissionregistration.k8s.io", "mutatingwebhookconfigurations");
        let hooked = |verb: &str, name: &str| can(&cluster, verb, hooks, ("", name));
        let changed =
            ["", "a", "b"].iter().any(|name| hooked("patch", name) || hooked("update", name));
        if changed || hooked("create", "") {
            self.hold("admin".to_owned());
        }
        let any_account = self.snapshot.accounts.iter().any(|one| {
            can(rights, "impersonate", ("", "serviceaccounts"), (&one.namespace, &one.name))
        });
        let mut any_user = false;
        for one in self.identities() {
            let Some(user) = one.strip_prefix("user:") else { continue };
            if user.starts_with("system:node:") {
                continue;
            }
            if can(&cluster, "impersonate", ("", "users"), ("", user)) {
                any_user = true;
                self.hold(one);
            }
        }
        // One can act as users that do not exist.
        let may_be = |user: &&str| can(&cluster, "impersonate", ("", "users"), ("", user));
        any_user |= ["a", "b", "nobody"].iter().any(may_be);
        for one in self.identities() {
            let Some(group) = one.strip_prefix("group:") else { continue };
            if (any_user || any_account)
                && can(&cluster, "impersonate", ("", "groups"), ("", group))
            {
                self.hold(one);
            }
        }
        if can(&cluster, "impersonate", ("", "users"), ("", "nobody"))
            && can(&cluster, "impersonate", ("", "groups"), ("", "nobody"))
        {
            for node in &self.snapshot.nodes {
                self.hold(format!("user:system:node:{}", node.name));
            }
        }
    }

    fn bindings(&mut self, rights: &[(&'a Role, &'a str)]) {
        let write = |resource, namespace: &str, cluster: bool| {
            ["", "a", "b"].iter().any(|name| {
                let verbs: &[&str] = if name.is_empty() {
                    &["create", "update", "patch"]
                } else {
                    &["update", "patch"]
                };
                verbs.iter().any(|verb| {
                    let fits: Vec<_> = (rights.iter().copied())
                        .filter(|(_, scope)| !cluster || scope.is_empty())
                        .collect();
                    can(&fits, verb, (RBAC, resource), (namespace, name))
                })
            })
        };
        let cluster: Vec<_> = rights.iter().copied().filter(|(_, s)| s.is_empty()).collect();
        if write("clusterrolebindings", "", true) {
            self.bind(&cluster, None);
        }
        for namespace in self.namespaces() {
            if write("rolebindings", namespace, false) {
                self.bind(rights, Some(namespace));
            }
        }
    }

    fn bind(&mut self, rights: &[(&'a Role, &'a str)], namespace: Bound<'_>) {
        let at = namespace.unwrap_or_default();
        if can(rights, "bind", (RBAC, "clusterroles"), (at, "cluster-admin")) {
            self.hold(namespace.map_or("admin".to_owned(), |name| format!("all:{name}")));
        }
        for (number, role) in self.snapshot.roles.iter().enumerate() {
            let cluster = role.namespace.is_empty();
            let kind = if cluster { "clusterroles" } else { "roles" };
            let here = cluster || namespace == Some(role.namespace.as_str());
            if here && can(rights, "bind", (RBAC, kind), (at, &role.name)) {
                self.hold(format!("role:{number}@{at}"));
            }
        }
    }

    fn bound(&mut self, name: &str) {
        let Some((number, scope)) = name.split_once('@') else { return };
        let role = number.parse().ok().and_then(|number: usize| self.snapshot.roles.get(number));
        let scope = self.namespaces().into_iter().find(|one| *one == scope).unwrap_or_default();
        if let Some(role) = role {
            self.requests(&[(role, scope)]);
        }
    }

    fn pod(&mut self, name: &str) {
        let pods = self.snapshot.pods.iter();
        for one in pods.filter(|one| format!("{}/{}", one.namespace, one.name) == name) {
            if one.token != Some(false) && !one.account.is_empty() {
                self.hold(format!("sa:{}/{}", one.namespace, one.account));
            }
            for secret in &one.secrets {
                self.hold_secret(&one.namespace, secret);
            }
            if one.privileged && !one.node.is_empty() {
                self.hold(format!("node:{}", one.node));
            }
        }
    }

    fn hold_secret(&mut self, namespace: &str, name: &str) {
        if self.snapshot.secrets.iter().any(|one| one.namespace == namespace && one.name == name) {
            self.hold(format!("secret:{namespace}/{name}"));
        }
    }

    fn node(&mut self, name: &str) {
        self.on_node(name, false);
        self.hold(format!("user:system:node:{name}"));
        let node = self.snapshot.nodes.iter().find(|one| one.name == name);
        if node.is_some_and(|node| node.control_plane == Some(true)) {
            self.hold("admin".to_owned());
        }
    }

    fn on_node(&mut self, node: &str, kubelet: bool) {
        for one in self.snapshot.pods.iter().filter(|one| one.node == node) {
            if kubelet || one.token != Some(false) {
                self.hold(format!("sa:{}/{}", one.namespace, one.account));
            }
            for secret in &one.secrets {
                self.hold_secret(&one.namespace, secret);
            }
        }
    }

    fn own(&mut self, namespace: &str) {
        for one in self.snapshot.accounts.iter().filter(|one| one.namespace == namespace) {
            self.hold(format!("sa:{namespace}/{}", one.name));
        }
        for one in self.snapshot.secrets.iter().filter(|one| one.namespace == namespace) {
            self.hold(format!("secret:{namespace}/{}", one.name));
        }
        let space = self.snapshot.namespaces.iter().find(|one| one.name == namespace);
        if space.is_some_and(|space| space.pod_security < PodSecurity::Baseline) {
            for node in &self.snapshot.nodes {
                self.hold(format!("node:{}", node.name));
            }
        }
    }

    fn all(&mut self, namespace: &str) {
        self.hold(format!("own:{namespace}"));
        self.hold(format!("write:{namespace}"));
        for one in self.snapshot.pods.iter().filter(|one| one.namespace == namespace) {
            self.hold(format!("pod:{namespace}/{}", one.name));
        }
    }

    fn secret(&mut self, name: &str) {
        let secrets = self.snapshot.secrets.iter();
        for one in secrets.filter(|one| format!("{}/{}", one.namespace, one.name) == name) {
            if !one.account.is_empty() {
                self.hold(format!("sa:{}/{}", one.namespace, one.account));
            }
        }
    }
}

const SPACES: [&str; 3] = ["n0", "n1", "n2"];

fn name() -> impl Strategy<Value = Str> {
    select(vec!["a", "b"]).prop_map(Str::from)
}

fn space() -> impl Strategy<Value = Str> {
    select(SPACES.to_vec()).prop_map(Str::from)
}

fn policy_rule() -> impl Strategy<Value = PolicyRule> {
    let things = vec![
        ("", "secrets", "get"),
        ("", "secrets", "list"),
        ("", "secrets", "create"),
        ("", "pods", "create"),
        ("", "pods", "patch"),
        ("", "pods/exec", "create"),
        ("", "pods/attach", "get"),
        ("", "pods/ephemeralcontainers", "patch"),
        ("", "nodes/proxy", "get"),
        ("", "serviceaccounts/token", "create"),
        ("", "users", "impersonate"),
        ("", "groups", "impersonate"),
        ("", "serviceaccounts", "impersonate"),
        ("apps", "deployments", "update"),
        (RBAC, "clusterroles", "bind"),
        (RBAC, "roles", "bind"),
        (RBAC, "rolebindings", "create"),
        (RBAC, "clusterrolebindings", "create"),
        ("*", "*", "get"),
    ];
    let names = prop_oneof![3 => Just(Vec::new()), 1 => vec(name(), 1..=1)];
    let whole = PolicyRule {
        verbs: vec!["*".into()],
        api_groups: vec!["*".into()],
        resources: vec!["*".into()],
        ..PolicyRule::default()
    };
    let one = (vec(select(things), 1..=2), names).prop_map(|(things, resource_names)| PolicyRule {
        verbs: things.iter().map(|(_, _, verb)| (*verb).into()).collect(),
        api_groups: things.iter().map(|(group, _, _)| (*group).into()).collect(),
        resources: things.iter().map(|(_, resource, _)| (*resource).into()).collect(),
        resource_names,
        non_resource_urls: Vec::new(),
    });
    prop_oneof![12 => one, 1 => Just(whole)]
}

fn role() -> impl Strategy<Value = Role> {
    let home = prop_oneof![2 => Just(Str::default()), 1 => space()];
    (home, name(), vec(policy_rule(), 1..=2)).prop_map(|(namespace, name, rules)| Role {
        namespace,
        name,
        rules,
        surety: Surety::Proved,
        whole: true,
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    let account = (space(), name()).prop_map(|(namespace, name)| Subject {
        kind: "ServiceAccount".into(),
        name,
        namespace,
    });
    let named = |kind: &'static str| {
        name().prop_map(move |name| Subject { kind: kind.into(), name, namespace: Str::default() })
    };
    prop_oneof![4 => account, 1 => named("User"), 1 => named("Group")]
}

fn grant() -> impl Strategy<Value = Grant> {
    let home = prop_oneof![1 => Just(Str::default()), 1 => space()];
    (home, 0..5_usize, vec(subject(), 1..=2), 0..1000_u32).prop_map(
        |(namespace, role, subjects, number)| Grant {
            namespace,
            name: format!("g{number}").into(),
            role: Some(role),
            subjects,
            surety: Surety::Proved,
            ..Grant::default()
        },
    )
}

fn pod() -> impl Strategy<Value = Pod> {
    let node = select(vec!["", "a", "b"]).prop_map(Str::from);
    let token = select(vec![None, Some(true), Some(false)]);
    (space(), 0..1000_u32, name(), node, token, any::<(bool, bool)>()).prop_map(
        |(namespace, number, account, node, token, (privileged, mounts))| Pod {
            namespace,
            name: format!("p{number}").into(),
            account,
            token,
            node,
            spec: Surety::Proved,
            privileged: privileged && mounts,
            secrets: if mounts { vec!["a".into()] } else { Vec::new() },
            ..Pod::default()
        },
    )
}

prop_compose! {
    /// A small cluster.
    pub(super) fn cluster()(
        roles in vec(role(), 5),
        grants in vec(grant(), 1..=6),
        pods in vec(pod(), 0..=4),
        security in vec(select(vec![
            PodSecurity::Unknown, PodSecurity::Restricted, PodSecurity::Baseline,
        ]), 3),
        master in any::<bool>(),
        tokens in vec((space(), name(), any::<bool>()), 0..=4),
    ) -> Snapshot {
        let mut accounts = Vec::new();
        for namespace in SPACES {
            for name in ["a", "b"] {
                let (namespace, name) = (namespace.into(), name.into());
                accounts.push(Account { namespace, name, surety: Surety::Proved });
            }
        }
        let mut secrets: Vec<Secret> = Vec::new();
        for (namespace, name, token) in tokens {
            if secrets.iter().all(|one| (&one.namespace, &one.name) != (&namespace, &name)) {
                let account = if token { "b".into() } else { Str::default() };
                secrets.push(Secret { namespace, name, account, surety: Surety::Proved });
            }
        }
        let mut known: BTreeSet<(Str, Str)> = BTreeSet::new();
        let roles: Vec<Role> = roles.into_iter().enumerate().map(|(at, role)| {
            let taken = !known.insert((role.namespace.clone(), role.name.clone()));
            let name = if taken { format!("r{at}").into() } else { role.name.clone() };
            Role { name, ..role }
        }).collect();
        // A binding never names a role of another namespace.
        let grants = grants.into_iter().map(|grant| {
            let home = grant.role.and_then(|role| roles.get(role)).map(|role| role.namespace.clone());
            let namespace = home.filter(|home| !home.is_empty()).unwrap_or(grant.namespace.clone());
            Grant { namespace, ..grant }
        }).collect();
        let mut names = BTreeSet::new();
        let pods = pods.into_iter().filter(|pod| names.insert((pod.namespace.clone(), pod.name.clone())));
        Snapshot {
            roles,
            grants,
            pods: pods.collect(),
            nodes: vec![
                Node { name: "a".into(), control_plane: Some(false) },
                Node { name: "b".into(), control_plane: Some(master) },
            ],
            accounts,
            secrets,
            namespaces: SPACES.iter().zip(security).map(|(name, pod_security)| Namespace {
                name: (*name).into(),
                pod_security,
            }).collect(),
            ..Snapshot::default()
        }
    }
}
