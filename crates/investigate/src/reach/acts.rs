//! What grants allow, as acts on sets of things: one act for "run commands in any pod of namespace
//! shop", however many pods there are.
//!
//! Some requests need two rights of the same identity (`bind` and the writing of bindings); these are
//! worked out for each set of grants that some identity has.

use super::{
    edge::EdgeKind,
    index::Index,
    power::{self, Held, Power},
    snapshot::Snapshot,
};
use std::collections::BTreeMap;
use trailhound_model::{Str, body::PolicyRule, observed::Surety};

/// A namespace, or all of them and the cluster itself.
pub(super) type Scope = Option<usize>;

/// Names; empty means every name.
pub(super) type Names<'a> = &'a [Str];

/// A rule of a grant's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GrantRule {
    pub(super) grant: usize,
    pub(super) rule: usize,
}

/// On what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target<'a> {
    Admin,
    Accounts(Scope, Names<'a>),
    /// Service accounts whose tokens are in secrets with these names.
    Tokens(Scope, Names<'a>),
    Pods(Scope, Names<'a>),
    /// Pods on nodes with these names.
    PodsOn(Names<'a>),
    Secrets(Scope, Names<'a>),
    OwnPod(Scope),
    NamespaceAdmin(Scope),
    Namespace(Scope),
    Users(Names<'a>),
    Groups(Names<'a>),
    /// Every group but the one that no certificate is signed for.
    SignableGroups,
    Kubelets,
    Nodes,
    Bound(usize),
}

/// Something that can be done with grants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Act<'a> {
    pub(super) kind: EdgeKind,
    pub(super) target: Target<'a>,
    /// All that are needed.
    pub(super) grants: [Option<GrantRule>; 3],
    pub(super) surety: Surety,
}

impl<'a> Act<'a> {
    /// An act that needs no grant.
    pub(super) fn free(kind: EdgeKind, target: Target<'a>, surety: Surety) -> Act<'a> {
        Act { kind, target, grants: [None; 3], surety }
    }

    /// Whether it needs this grant.
    pub(super) fn needs(&self, grant: usize) -> bool {
        self.grants.iter().flatten().any(|one| one.grant == grant)
    }
}

/// A power with where it holds.
#[derive(Clone, Copy)]
struct Right<'a> {
    power: Power,
    scope: Scope,
    names: Names<'a>,
    by: Option<GrantRule>,
    surety: Surety,
}

/// Powers of one sort that one identity has, beyond which no more are combined: a hundred ways to the
/// same end add nothing.
const MOST_COMBINED: usize = 32;

/// Works out what every grant allows by itself and every class of grants together.
pub(super) fn work_out<'a>(snapshot: &'a Snapshot, index: &mut Index<'a>) {
    let rights: Vec<Vec<Right<'a>>> =
        (0..snapshot.grants.len()).map(|grant| rights_of(snapshot, index, grant)).collect();
    index.grants = rights.iter().map(|held| held.iter().flat_map(alone).collect()).collect();
    for (at, acts) in index.grants.iter_mut().enumerate() {
        acts.extend(whole(snapshot, &index.namespaces, at));
    }
    let mut bound = Roles::new(snapshot);
    for class in &mut index.classes {
        let held: Vec<Right<'a>> =
            class.grants.iter().filter_map(|grant| rights.get(*grant)).flatten().copied().collect();
        class.together = together(snapshot, &index.namespaces, &held, &mut bound);
    }
    index.bound = bound.finish(index);
}

/// What a holder of just one grant can do, for each of these grants.
pub(super) fn of_holders<'a>(
    snapshot: &'a Snapshot,
    index: &Index<'a>,
    grants: &[usize],
) -> Vec<Vec<Act<'a>>> {
    let mut known = Roles::known(snapshot, index);
    let acts = |grant: &usize| {
        let mut acts = index.grants.get(*grant).cloned().unwrap_or_default();
        let held = rights_of(snapshot, index, *grant);
        acts.extend(together(snapshot, &index.namespaces, &held, &mut known));
        // Every grant is in some class, so every role that it lets one bind has its number already.
        acts.retain(|act| !matches!(act.target, Target::Bound(at) if at >= index.bound.len()));
        acts
    };
    grants.iter().map(acts).collect()
}

fn rights_of<'a>(snapshot: &'a Snapshot, index: &Index<'a>, grant: usize) -> Vec<Right<'a>> {
    let Some(one) = snapshot.grants.get(grant) else { return Vec::new() };
    let Some(role) = one.role else { return Vec::new() };
    let scope = if one.namespace.is_empty() { None } else { index.namespace(&one.namespace) };
    let by = |rule| Some(GrantRule { grant, rule });
    rights(snapshot, index, role, scope, one.surety, by)
}

fn rights<'a>(
    snapshot: &'a Snapshot,
    index: &Index<'a>,
    role: usize,
    scope: Scope,
    surety: Surety,
    by: impl Fn(usize) -> Option<GrantRule>,
) -> Vec<Right<'a>> {
    let Some(role_at) = snapshot.roles.get(role) else { return Vec::new() };
    // Of the whole cluster nothing more can be had; in a namespace it goes together with other rights.
    if scope.is_none() && power::everything(&role_at.rules).is_some() {
        return Vec::new();
    }
    let surety = surety.min(role_at.surety);
    let held = index.roles.get(role).map_or(&[][..], Vec::as_slice);
    let fits = |held: &&Held| scope.is_none() || !held.power.needs_cluster();
    let right = |held: &Held| Right {
        power: held.power,
        scope,
        names: names(&role_at.rules, held.rule),
        by: by(held.rule),
        surety,
    };
    held.iter().filter(fits).map(right).collect()
}

fn names(rules: &[PolicyRule], rule: usize) -> &[Str] {
    rules.get(rule).map_or(&[], |rule| &rule.resource_names)
}

/// A grant of everything.
fn whole<'a>(snapshot: &Snapshot, namespaces: &[&str], grant: usize) -> Option<Act<'a>> {
    let one = snapshot.grants.get(grant)?;
    let role = snapshot.roles.get(one.role?)?;
    let all = power::everything(&role.rules)?;
    let surety = one.surety.min(role.surety);
    let target = if one.namespace.is_empty() {
        Target::Admin
    } else {
        let home = namespaces.binary_search(&one.namespace.as_str()).ok()?;
        Target::NamespaceAdmin(Some(home))
    };
    let grants = [Some(GrantRule { grant, rule: all }), None, None];
    Some(Act { kind: EdgeKind::PermissionDiscover, target, grants, surety })
}

/// What a right allows without another.
fn alone<'a>(right: &Right<'a>) -> Vec<Act<'a>> {
    let Right { scope, names, .. } = *right;
    let act =
        |kind, target| Act { kind, target, grants: [right.by, None, None], surety: right.surety };
    let doubtful = |act: Act<'a>| Act { surety: act.surety.min(Surety::Inferred), ..act };
    match right.power {
        Power::ListSecrets => vec![
            act(EdgeKind::SecretRead, Target::Secrets(scope, names)),
            act(EdgeKind::TokenList, Target::Tokens(scope, names)),
        ],
        Power::GetSecrets => vec![
            act(EdgeKind::SecretRead, Target::Secrets(scope, names)),
            act(EdgeKind::TokenBruteforce, Target::Tokens(scope, names)),
        ],
        Power::CreatePods if names.is_empty() => {
            vec![act(EdgeKind::PodCreate, Target::OwnPod(scope))]
        }
        // One workload, if it exists, made to run something else under another account.
        Power::CreatePods => vec![doubtful(act(EdgeKind::PodCreate, Target::OwnPod(scope)))],
        Power::PatchPods => vec![act(EdgeKind::PodPatch, Target::Pods(scope, names))],
        Power::DebugPods => vec![act(EdgeKind::PodDebug, Target::Pods(scope, names))],
        Power::ExecPods => vec![act(EdgeKind::PodExec, Target::Pods(scope, names))],
        // Newer API servers ask for `create` also where the request is a GET.
        Power::ExecPodsByGet => vec![doubtful(act(EdgeKind::PodExec, Target::Pods(scope, names)))],
        Power::AttachPods => vec![act(EdgeKind::PodAttach, Target::Pods(scope, names))],
        Power::AttachPodsByGet => {
            vec![doubtful(act(EdgeKind::PodAttach, Target::Pods(scope, names)))]
        }
        Power::ProxyNodes => vec![act(EdgeKind::NodeProxy, Target::PodsOn(names))],
        Power::RequestToken => vec![act(EdgeKind::TokenRequest, Target::Accounts(scope, names))],
        Power::ImpersonateUsers => vec![act(EdgeKind::IdentityImpersonate, Target::Users(names))],
        Power::ImpersonateAccounts => {
            vec![act(EdgeKind::IdentityImpersonate, Target::Accounts(scope, names))]
        }
        Power::WriteWebhooks => vec![doubtful(act(EdgeKind::WebhookWrite, Target::Admin))],
        Power::WriteObjects => vec![act(EdgeKind::NamespaceWrite, Target::Namespace(scope))],
        _ => Vec::new(),
    }
}

/// What several rights of one identity allow together.
fn together<'a>(
    snapshot: &'a Snapshot,
    namespaces: &[&str],
    held: &[Right<'a>],
    roles: &mut Roles<'a>,
) -> Vec<Act<'a>> {
    let mut acts = impersonation(held);
    acts.extend(certificates(held));
    acts.extend(secret_tokens(held));
    acts.extend(escalation(held));
    for (bind, write) in [
        (Power::BindClusterRoles, Power::WriteClusterBindings),
        (Power::BindClusterRoles, Power::WriteBindings),
        (Power::BindRoles, Power::WriteBindings),
    ] {
        for (bind, write, scope) in pairs(held, bind, write) {
            let reach = (write.power == Power::WriteClusterBindings, scope);
            let targets = bindable(snapshot, namespaces, &bind, reach, roles);
            acts.extend(targets.into_iter().map(|to| both(EdgeKind::RoleBind, to, &bind, &write)));
        }
    }
    acts
}

fn impersonation<'a>(held: &[Right<'a>]) -> Vec<Act<'a>> {
    let mut acts = Vec::new();
    for user in [Power::ImpersonateUsers, Power::ImpersonateAccounts] {
        for (group, user, _) in pairs(held, Power::ImpersonateGroups, user) {
            let kind = EdgeKind::IdentityImpersonate;
            acts.push(both(kind, Target::Groups(group.names), &group, &user));
            let anybody = user.power == Power::ImpersonateUsers && user.names.is_empty();
            if anybody && group.names.is_empty() {
                acts.push(both(kind, Target::Kubelets, &group, &user));
            }
        }
    }
    acts
}

fn certificates<'a>(held: &[Right<'a>]) -> Vec<Act<'a>> {
    let Some(create) = held.iter().find(|one| one.power == Power::CreateCsr) else {
        return Vec::new();
    };
    let mut acts = Vec::new();
    for (approve, signer, _) in pairs(held, Power::ApproveCsr, Power::ApproveSigner) {
        let surety = create.surety.min(approve.surety).min(signer.surety).min(Surety::Inferred);
        let grants = [create.by, approve.by, signer.by];
        let act = |target| Act { kind: EdgeKind::CsrSign, target, grants, surety };
        if signs(signer.names, "kube-apiserver-client") {
            acts.extend([Target::Users(&[]), Target::SignableGroups].map(act));
        }
        if signs(signer.names, "kube-apiserver-client")
            || signs(signer.names, "kube-apiserver-client-kubelet")
        {
            acts.push(act(Target::Kubelets));
        }
    }
    acts
}

fn signs(names: Names<'_>, signer: &str) -> bool {
    names.is_empty()
        || names.iter().any(|name| {
            name.strip_prefix("kubernetes.io/").is_some_and(|name| name == "*" || name == signer)
        })
}

fn secret_tokens<'a>(held: &[Right<'a>]) -> Vec<Act<'a>> {
    let mut acts = Vec::new();
    for read in [Power::ListSecrets, Power::GetSecrets] {
        for (create, read, scope) in pairs(held, Power::CreateSecrets, read) {
            acts.push(both(EdgeKind::TokenSecret, Target::Accounts(scope, &[]), &create, &read));
        }
    }
    acts
}

/// A role that one may change helps only if one holds it too, or somebody whom one can become does;
/// every cluster has such roles, but which is not looked up: inferred.
fn escalation<'a>(held: &[Right<'a>]) -> Vec<Act<'a>> {
    let mut acts = Vec::new();
    for (more, write) in [
        (Power::EscalateClusterRoles, Power::WriteClusterRoles),
        (Power::EscalateRoles, Power::WriteRoles),
    ] {
        for (more, write, scope) in pairs(held, more, write) {
            let cluster = more.power == Power::EscalateClusterRoles;
            let to = if cluster { Target::Admin } else { Target::NamespaceAdmin(scope) };
            let act = both(EdgeKind::RoleEscalate, to, &more, &write);
            acts.push(Act { surety: act.surety.min(Surety::Inferred), ..act });
        }
    }
    acts
}

fn both<'a>(kind: EdgeKind, target: Target<'a>, one: &Right<'a>, other: &Right<'a>) -> Act<'a> {
    let second = other.by.filter(|by| Some(*by) != one.by);
    Act { kind, target, grants: [one.by, second, None], surety: one.surety.min(other.surety) }
}

/// Pairs of rights that hold in some place at once, with that place.
fn pairs<'a>(held: &[Right<'a>], one: Power, other: Power) -> Vec<(Right<'a>, Right<'a>, Scope)> {
    let of = |power| held.iter().filter(move |right| right.power == power).take(MOST_COMBINED);
    let mut found = Vec::new();
    for first in of(one) {
        for second in of(other) {
            match (first.scope, second.scope) {
                (Some(a), Some(b)) if a != b => {}
                (a, b) => found.push((*first, *second, a.or(b))),
            }
        }
    }
    found
}

/// Roles that a right to bind lets one take.
fn bindable<'a>(
    snapshot: &'a Snapshot,
    namespaces: &[&str],
    bind: &Right<'a>,
    (cluster, scope): (bool, Scope),
    roles: &mut Roles<'a>,
) -> Vec<Target<'a>> {
    if cluster && (scope.is_some() || bind.scope.is_some()) {
        return Vec::new();
    }
    let everything = if cluster { Target::Admin } else { Target::NamespaceAdmin(scope) };
    if bind.power == Power::BindClusterRoles && bind.names.is_empty() {
        return vec![everything];
    }
    let mut targets = Vec::new();
    for role in roles.that_fit(namespaces, bind, scope) {
        let Some(at) = snapshot.roles.get(role) else { continue };
        let home = namespaces.binary_search(&at.namespace.as_str()).ok();
        let scope = home.or(scope);
        targets.push(match power::everything(&at.rules) {
            Some(_) if home.is_some() => Target::NamespaceAdmin(scope),
            Some(_) => everything,
            None => Target::Bound(roles.number(role, scope)),
        });
    }
    targets
}

/// Roles that somebody could bind to himself, each with the scope.
struct Roles<'a> {
    cluster: BTreeMap<&'a str, usize>,
    namespaced: Vec<(&'a str, &'a str, usize)>,
    list: Vec<(usize, Scope)>,
    numbers: BTreeMap<(usize, Scope), usize>,
    snapshot: &'a Snapshot,
}

impl<'a> Roles<'a> {
    fn new(snapshot: &'a Snapshot) -> Roles<'a> {
        let all = || snapshot.roles.iter().enumerate();
        let cluster = all().filter(|(_, role)| role.namespace.is_empty());
        let namespaced = all().filter(|(_, role)| !role.namespace.is_empty());
        Roles {
            cluster: cluster.map(|(at, role)| (role.name.as_str(), at)).collect(),
            namespaced: namespaced
                .map(|(at, role)| (role.namespace.as_str(), role.name.as_str(), at))
                .collect(),
            list: Vec::new(),
            numbers: BTreeMap::new(),
            snapshot,
        }
    }

    fn known(snapshot: &'a Snapshot, index: &Index<'a>) -> Roles<'a> {
        let mut roles = Roles::new(snapshot);
        for (role, scope, _) in &index.bound {
            roles.number(*role, *scope);
        }
        roles
    }

    fn number(&mut self, role: usize, scope: Scope) -> usize {
        let next = self.list.len();
        let number = *self.numbers.entry((role, scope)).or_insert(next);
        if number == next {
            self.list.push((role, scope));
        }
        number
    }

    fn that_fit(&self, namespaces: &[&str], bind: &Right<'a>, scope: Scope) -> Vec<usize> {
        if bind.power == Power::BindClusterRoles {
            let named = bind.names.iter();
            return named.filter_map(|name| self.cluster.get(name.as_str()).copied()).collect();
        }
        let home = scope.and_then(|scope| namespaces.get(scope)).copied();
        let fits = |namespace: &str, name: &str| {
            home.is_none_or(|home| home == namespace)
                && (bind.names.is_empty() || bind.names.iter().any(|one| one == name))
        };
        let all = self.namespaced.iter();
        all.filter(|(namespace, name, _)| fits(namespace, name)).map(|(_, _, at)| *at).collect()
    }

    /// What each of them allows. Rights to bind that a bound role gives in turn are not followed: who
    /// may bind such a role may mostly bind others too.
    fn finish(self, index: &Index<'a>) -> Vec<(usize, Scope, Vec<Act<'a>>)> {
        let acts = |(role, scope): (usize, Scope)| {
            let held = rights(self.snapshot, index, role, scope, Surety::Proved, |_| None);
            let mut acts: Vec<Act<'a>> = held.iter().flat_map(alone).collect();
            acts.extend(impersonation(&held));
            acts.extend(certificates(&held));
            acts.extend(secret_tokens(&held));
            acts.extend(escalation(&held));
            (role, scope, acts)
        };
        self.list.into_iter().map(acts).collect()
    }
}
