//! The snapshot taken from the twin: the only place that knows both.
//!
//! Where bodies are not logged, a role's rules are what the authorizer was seen to allow by it, a
//! user's groups are those of the group bindings that it used, and names in requests that succeeded
//! stand for objects that nothing else shows.

use super::{
    answer::Reach,
    snapshot::{
        Account, Grant, Namespace, Node, Pod, PodSecurity, Role, Secret, Snapshot, Use, User,
    },
    tell,
};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    entity,
    observed::{PodSpec, State, Surety},
    principal,
    time::Time,
};
use trailhound_twin::{
    Twin,
    objects::{Life as ObjectLife, Version as ObjectVersion},
    rbac::{self, BindingBody, BindingKey, Known, Life, Rbac, RoleKey, UseCount, Version},
};

const SECURITY_LABEL: &str = "pod-security.kubernetes.io/enforce";
const CONTROL_PLANE_LABELS: &[&str] =
    &["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

/// What an entity could reach at a time; a credential (`cred:`) is whom it stands for.
pub fn reach_at(twin: &Twin, start: &str, at: Time) -> Reach {
    let mut reach = tell::reach(&snapshot(twin, at), &holder(twin, start));
    if reach.start != start {
        reach.unknowns.push(format!("{start} acts as {}.", reach.start));
    }
    reach
}

/// Whom a credential stands for; anything else is itself.
pub(super) fn holder(twin: &Twin, start: &str) -> String {
    let id = start.strip_prefix("cred:");
    let life = id.and_then(|id| twin.ledger().credential(id));
    life.map_or_else(|| start.to_owned(), |life| life.holder.to_string())
}

/// The cluster at a time, as the search needs it.
pub fn snapshot(twin: &Twin, at: Time) -> Snapshot {
    snapshot_beside(twin, at, &rbac::Own::default())
}

/// The same for whoever takes many.
pub(super) fn snapshot_beside(twin: &Twin, at: Time, own: &rbac::Own) -> Snapshot {
    let mut taken = Snapshot { at, ..Snapshot::default() };
    take_grants(&mut taken, twin.rbac(), at, own);
    take_objects(&mut taken, twin, at);
    take_unknowns(&mut taken, twin, at);
    taken
}

fn take_grants(taken: &mut Snapshot, rbac: &Rbac, at: Time, own: &rbac::Own) {
    let mut roles: BTreeMap<RoleKey, usize> = BTreeMap::new();
    let bindings = rbac.bindings_at(at);
    let keys = (bindings.iter().filter_map(|(key, version)| role_key(key, &version.body)))
        .chain(rbac.roles_at(at).into_iter().map(|(key, _)| key.clone()));
    for key in keys {
        let next = roles.len();
        roles.entry(key).or_insert(next);
    }
    let mut seen: BTreeMap<usize, BTreeSet<Seen>> = BTreeMap::new();
    let mut members: BTreeMap<Str, BTreeSet<Str>> = BTreeMap::new();
    let mut since = at;
    for (key, version) in bindings {
        let role = role_key(key, &version.body).and_then(|key| roles.get(&key)).copied();
        let uses = uses_of(rbac, key, at);
        since = uses.values().filter_map(|one| one.first).fold(since, Time::min);
        if let Some(role) = role
            && role_key(key, &version.body).is_some_and(|key| is_read_off(rbac, &key, at))
        {
            seen.entry(role).or_default().extend(seen_by(rbac, key, at));
        }
        note_members(&mut members, &version.body, &uses);
        taken.grants.push(grant(key, version, role, uses, own));
    }
    taken.since = since;
    let mut order: Vec<(&RoleKey, &usize)> = roles.iter().collect();
    order.sort_by_key(|(_, number)| **number);
    taken.roles = order
        .into_iter()
        .map(|(key, number)| role(rbac, key, at, seen.remove(number).unwrap_or_default()))
        .collect();
    let user =
        |(name, groups): (Str, BTreeSet<Str>)| User { name, groups: groups.into_iter().collect() };
    taken.users = members.into_iter().map(user).collect();
}

/// The role of a binding, if it is known.
fn role_key(key: &BindingKey, body: &BindingBody) -> Option<RoleKey> {
    if body.role.is_empty() {
        return None;
    }
    let namespace = if body.role_kind == "Role" { key.namespace.as_str() } else { "" };
    Some(RoleKey::new(namespace, &body.role))
}

fn uses_of(rbac: &Rbac, key: &BindingKey, at: Time) -> BTreeMap<Str, UseCount> {
    let mut uses: BTreeMap<Str, UseCount> = BTreeMap::new();
    for one in rbac.uses(key).into_iter().filter(|one| one.count.first <= Some(at)) {
        let sum = uses.entry(one.user.clone()).or_default();
        *sum = sum.and(one.count);
    }
    uses
}

/// A request that was seen to be allowed: group, resource with subresource, names, verb.
type Seen = (Str, Str, Vec<Str>, Str);

fn seen_by(rbac: &Rbac, key: &BindingKey, at: Time) -> Vec<Seen> {
    let uses = rbac.uses(key).into_iter();
    // What was used for something that there was no room to tell apart has no verb.
    let told = |one: &&trailhound_twin::rbac::Use| one.path.is_empty() && !one.verb.is_empty();
    uses.filter(told)
        .filter(|one| one.count.first <= Some(at))
        .map(|one| {
            let resource = if one.subresource.is_empty() {
                one.resource.clone()
            } else {
                format!("{}/{}", one.resource, one.subresource).into()
            };
            let names = if one.any_name { Vec::new() } else { one.names.to_vec() };
            (one.group.clone(), resource, names, one.verb.clone())
        })
        .collect()
}

/// Whether the rules of a role are known only by what it was seen to allow.
fn is_read_off(rbac: &Rbac, key: &RoleKey, at: Time) -> bool {
    let view = rbac.rules_of(key, at);
    view.rules.is_empty() && view.known != Known::Whole
}

fn role(rbac: &Rbac, key: &RoleKey, at: Time, seen: BTreeSet<Seen>) -> Role {
    let view = rbac.rules_of(key, at);
    let whole = view.known == Known::Whole;
    let mut rules = view.rules.to_vec();
    let mut surety = view.surety;
    if rules.is_empty() && !whole {
        surety = Surety::Proved;
        rules = seen.into_iter().map(seen_rule).collect();
    }
    Role { namespace: key.namespace.clone(), name: key.name.clone(), rules, surety, whole }
}

fn seen_rule((group, resource, names, verb): Seen) -> PolicyRule {
    PolicyRule {
        verbs: vec![verb],
        api_groups: vec![group],
        resources: vec![resource],
        resource_names: names,
        non_resource_urls: Vec::new(),
    }
}

fn grant(
    key: &BindingKey,
    version: &Version<BindingBody>,
    role: Option<usize>,
    uses: BTreeMap<Str, UseCount>,
    own: &rbac::Own,
) -> Grant {
    let home = |subject: &Subject| {
        let lacks = subject.kind == "ServiceAccount" && subject.namespace.is_empty();
        let namespace = if lacks { key.namespace.clone() } else { subject.namespace.clone() };
        Subject { namespace, ..subject.clone() }
    };
    let mut uses: Vec<Use> = uses.into_iter().map(|(user, count)| used(&user, count)).collect();
    uses.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.who.cmp(&b.who)));
    let maybe = version.life == Life::Maybe;
    Grant {
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        role,
        subjects: version.body.subjects.iter().map(home).collect(),
        surety: if maybe { Surety::Unknown } else { version.surety },
        builtin: own.has(key, &version.body),
        uses,
    }
}

fn used(user: &str, count: UseCount) -> Use {
    let first = count.first.unwrap_or_default();
    Use { who: entity_of(user), count: count.count, first, last: count.last.unwrap_or(first) }
}

fn entity_of(user: &str) -> String {
    if user.is_empty() {
        return "others".to_owned();
    }
    match (principal::service_account_name(user), user.strip_prefix("system:node:")) {
        (Some((namespace, name)), _) => entity::service_account(namespace, name),
        (None, Some(node)) => entity::node(node),
        (None, None) => entity::user(user),
    }
}

/// Whoever used a binding that binds one group and nobody else is in that group.
fn note_members(
    members: &mut BTreeMap<Str, BTreeSet<Str>>,
    body: &BindingBody,
    uses: &BTreeMap<Str, UseCount>,
) {
    let [group] = body.subjects.as_slice() else { return };
    let plain = |user: &Str| {
        !user.is_empty()
            && principal::service_account_name(user).is_none()
            && !user.starts_with("system:node:")
    };
    for user in uses.keys().filter(|user| plain(user)) {
        let groups = members.entry(user.clone()).or_default();
        if group.kind == "Group" {
            groups.insert(group.name.clone());
        }
    }
}

fn take_objects(taken: &mut Snapshot, twin: &Twin, at: Time) {
    let objects = twin.objects();
    let existing = |resource: &'static str| objects.existing(resource, at);
    taken.admission = [
        "validatingwebhookconfigurations",
        "validatingadmissionpolicies",
        "mutatingwebhookconfigurations",
    ]
    .into_iter()
    .any(|resource| existing(resource).next().is_some());
    taken.namespaces = existing("namespaces").map(namespace).collect();
    taken.secrets = existing("secrets").map(|life| secret(life, at)).collect();
    taken.accounts = existing("serviceaccounts")
        .map(|life| Account {
            namespace: life.namespace.clone(),
            name: life.name.clone(),
            surety: life.existed_at(at),
        })
        .collect();
    let ended = |life: &&ObjectLife| !matches!(life.phase.as_str(), "Succeeded" | "Failed");
    taken.pods = existing("pods").filter(ended).map(|life| pod(twin, life, at)).collect();
    taken.nodes = nodes(twin, &taken.pods, at);
}

fn namespace(life: &ObjectLife) -> Namespace {
    let label = life.labels.iter().find(|(key, _)| key == SECURITY_LABEL);
    let pod_security = match label.map(|(_, value)| value.as_str()) {
        Some("restricted") => PodSecurity::Restricted,
        Some("baseline") => PodSecurity::Baseline,
        Some(_) => PodSecurity::Privileged,
        // Every namespace has at least the label with its name: without any, none is known.
        None if life.labels.is_empty() => PodSecurity::Unknown,
        None => PodSecurity::Unlabelled,
    };
    Namespace { name: life.name.clone(), pod_security }
}

fn secret(life: &ObjectLife, at: Time) -> Secret {
    let account = match life.state() {
        Some(State::Secret { account, .. }) => account.clone(),
        _ => Str::default(),
    };
    Secret {
        namespace: life.namespace.clone(),
        name: life.name.clone(),
        account,
        surety: life.existed_at(at),
    }
}

/// Whether a pod could take over the machine it ran on, by what the log shows of its spec.
pub(crate) fn takes_node(twin: &Twin, life: &ObjectLife) -> bool {
    life.resource == "pods" && super::escape::escape(&pod(twin, life, life.last_seen)).is_some()
}

fn pod(twin: &Twin, life: &ObjectLife, at: Time) -> Pod {
    let version = life.version_at(at).or(life.versions.first());
    let spec = spec_of(life, version);
    let named = life.account.as_ref().map(|told| told.value.clone());
    let in_spec = spec.map(|(spec, _)| match spec.service_account.as_str() {
        "" => Str::const_new("default"),
        name => name.into(),
    });
    let account = named.or(in_spec).unwrap_or_default();
    let mut pod = Pod {
        namespace: life.namespace.clone(),
        name: life.name.clone(),
        node: life.node.as_ref().map(|told| told.value.clone()).unwrap_or_default(),
        token: spec.and_then(|(spec, _)| mounts_token(twin, life, spec, &account, at)),
        account,
        ..Pod::default()
    };
    if let Some((spec, surety)) = spec {
        pod.spec = surety;
        pod.privileged = spec.containers.iter().any(|one| one.privileged);
        pod.host_pid = spec.host_pid;
        pod.host_ipc = spec.host_ipc;
        pod.host_network = spec.host_network;
        pod.host_paths.clone_from(&spec.host_paths);
        pod.capabilities.clone_from(&spec.capabilities);
        pod.secrets.clone_from(&spec.secrets);
    }
    pod
}

/// The spec of a pod: that of the version, else the last that the log shows.
fn spec_of<'a>(
    life: &'a ObjectLife,
    version: Option<&'a ObjectVersion>,
) -> Option<(&'a PodSpec, Surety)> {
    let own = version.and_then(|version| Some((version.state.as_deref()?, version.surety)));
    let other = || {
        let mut rest = life.versions.iter().rev();
        rest.find_map(|version| Some((version.state.as_deref()?, version.surety)))
    };
    match own.or_else(other)? {
        (State::Pod { spec, .. }, surety) => Some((spec, surety)),
        _ => None,
    }
}

/// The pod's own word, else the account's, else that it does.
fn mounts_token(
    twin: &Twin,
    life: &ObjectLife,
    spec: &PodSpec,
    account: &str,
    at: Time,
) -> Option<bool> {
    if spec.automount.is_some() {
        return spec.automount;
    }
    let (account, _) = twin.objects().at("serviceaccounts", &life.namespace, account, at)?;
    match account.state() {
        Some(State::Account { automount, .. }) => Some(automount.unwrap_or(true)),
        _ => None,
    }
}

fn nodes(twin: &Twin, pods: &[Pod], at: Time) -> Vec<Node> {
    let mut nodes: BTreeMap<Str, Option<bool>> = BTreeMap::new();
    for life in twin.objects().existing("nodes", at) {
        let leads = |(key, _): &(Str, Str)| CONTROL_PLANE_LABELS.contains(&key.as_str());
        let known = !life.labels.is_empty();
        nodes.insert(life.name.clone(), known.then(|| life.labels.iter().any(leads)));
    }
    for pod in pods.iter().filter(|pod| !pod.node.is_empty()) {
        let role = nodes.entry(pod.node.clone()).or_default();
        // A mirror of the static pod that runs the API server bears the name of its node.
        let server = pod.name.strip_prefix("kube-apiserver-");
        if pod.namespace == "kube-system" && server == Some(pod.node.as_str()) {
            *role = Some(true);
        }
    }
    nodes.into_iter().map(|(name, control_plane)| Node { name, control_plane }).collect()
}

fn take_unknowns(taken: &mut Snapshot, twin: &Twin, at: Time) {
    let mut say = |holds: bool, sentence: &str| {
        if holds {
            taken.unknowns.push(sentence.to_owned());
        }
    };
    say(
        !twin.rbac().is_complete("", at),
        "The log does not show every binding of the cluster: there may be rights that are not \
         counted here.",
    );
    say(
        taken.secrets.is_empty(),
        "The log names no secret that exists at that time, so none can be counted.",
    );
    say(
        twin.rbac().dropped() > 0,
        "There were more roles and bindings than are kept: some are not counted here.",
    );
}
