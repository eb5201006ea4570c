//! Which rules of a role are of use to an attacker, and for what.
//!
//! Each power is one request that the API server would have to allow. Requests that need two powers at
//! once (`bind` and the writing of bindings) are put together in `index`, because the two may come from
//! two grants of one identity.

use super::snapshot::Role;
use std::collections::HashMap;
use trailhound_model::{Str, body::PolicyRule};
use trailhound_twin::rbac::Own;

/// One sort of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Power {
    ListSecrets,
    GetSecrets,
    CreateSecrets,
    CreatePods,
    PatchPods,
    DebugPods,
    ExecPods,
    ExecPodsByGet,
    AttachPods,
    AttachPodsByGet,
    ProxyNodes,
    RequestToken,
    ImpersonateUsers,
    ImpersonateGroups,
    ImpersonateAccounts,
    BindClusterRoles,
    BindRoles,
    EscalateClusterRoles,
    EscalateRoles,
    WriteClusterRoles,
    WriteRoles,
    WriteBindings,
    WriteClusterBindings,
    CreateCsr,
    ApproveCsr,
    ApproveSigner,
    WriteWebhooks,
    WriteObjects,
}

/// A power that a rule gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) power: Power,
    /// Place of the rule in its role.
    pub(super) rule: usize,
}

/// Verbs as bits: rules are asked for many, and the words need comparing but once.
type Verbs = u16;

const GET: Verbs = 1;
const LIST: Verbs = 1 << 1;
const WATCH: Verbs = 1 << 2;
const CREATE: Verbs = 1 << 3;
const UPDATE: Verbs = 1 << 4;
const PATCH: Verbs = 1 << 5;
const DELETE: Verbs = 1 << 6;
const DELETE_COLLECTION: Verbs = 1 << 7;
const IMPERSONATE: Verbs = 1 << 8;
const BIND: Verbs = 1 << 9;
const ESCALATE: Verbs = 1 << 10;
const APPROVE: Verbs = 1 << 11;
/// Verbs of requests that name no object.
const NAMELESS: Verbs = CREATE | DELETE_COLLECTION;

fn verb(word: &str) -> Verbs {
    match word {
        "*" => Verbs::MAX,
        "get" => GET,
        "list" => LIST,
        "watch" => WATCH,
        "create" => CREATE,
        "update" => UPDATE,
        "patch" => PATCH,
        "delete" => DELETE,
        "deletecollection" => DELETE_COLLECTION,
        "impersonate" => IMPERSONATE,
        "bind" => BIND,
        "escalate" => ESCALATE,
        "approve" => APPROVE,
        _ => 0,
    }
}

/// Verbs, group and resources of a power's requests; any combination serves.
struct Ask {
    power: Power,
    verbs: Verbs,
    group: &'static str,
    /// `resource` or `resource/subresource`.
    resources: &'static [&'static str],
}

const RBAC: &str = "rbac.authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const CHANGE: Verbs = UPDATE | PATCH;
const WRITE: Verbs = CREATE | CHANGE;
const ANY_WRITE: Verbs = WRITE | DELETE | DELETE_COLLECTION;

const fn ask(
    power: Power,
    verbs: Verbs,
    group: &'static str,
    resources: &'static [&'static str],
) -> Ask {
    Ask { power, verbs, group, resources }
}

const ASKS: &[Ask] = &[
    ask(Power::ListSecrets, LIST | WATCH, "", &["secrets"]),
    ask(Power::GetSecrets, GET, "", &["secrets"]),
    ask(Power::CreateSecrets, CREATE, "", &["secrets"]),
    ask(Power::CreatePods, CREATE, "", &["pods"]),
    ask(Power::CreatePods, WRITE, "", &["replicationcontrollers"]),
    ask(
        Power::CreatePods,
        WRITE,
        "apps",
        &["deployments", "daemonsets", "statefulsets", "replicasets"],
    ),
    ask(Power::CreatePods, WRITE, "batch", &["jobs", "cronjobs"]),
    ask(Power::PatchPods, CHANGE, "", &["pods"]),
    ask(Power::DebugPods, CHANGE, "", &["pods/ephemeralcontainers"]),
    ask(Power::ExecPods, CREATE, "", &["pods/exec"]),
    ask(Power::ExecPodsByGet, GET, "", &["pods/exec"]),
    ask(Power::AttachPods, CREATE, "", &["pods/attach"]),
    ask(Power::AttachPodsByGet, GET, "", &["pods/attach"]),
    ask(Power::ProxyNodes, GET | CREATE, "", &["nodes/proxy"]),
    ask(Power::RequestToken, CREATE, "", &["serviceaccounts/token"]),
    ask(Power::ImpersonateUsers, IMPERSONATE, "", &["users"]),
    ask(Power::ImpersonateGroups, IMPERSONATE, "", &["groups"]),
    ask(Power::ImpersonateAccounts, IMPERSONATE, "", &["serviceaccounts"]),
    ask(Power::BindClusterRoles, BIND, RBAC, &["clusterroles"]),
    ask(Power::BindRoles, BIND, RBAC, &["roles"]),
    ask(Power::EscalateClusterRoles, ESCALATE, RBAC, &["clusterroles"]),
    ask(Power::EscalateRoles, ESCALATE, RBAC, &["roles"]),
    ask(Power::WriteClusterRoles, CHANGE, RBAC, &["clusterroles"]),
    ask(Power::WriteRoles, CHANGE, RBAC, &["roles"]),
    ask(Power::WriteBindings, WRITE, RBAC, &["rolebindings"]),
    ask(Power::WriteClusterBindings, WRITE, RBAC, &["clusterrolebindings"]),
    ask(Power::CreateCsr, CREATE, CERTIFICATES, &["certificatesigningrequests"]),
    ask(Power::ApproveCsr, CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"]),
    ask(Power::ApproveSigner, APPROVE, CERTIFICATES, &["signers"]),
    ask(
        Power::WriteWebhooks,
        WRITE,
        "admissionregistration.k8s.io",
        &["mutatingwebhookconfigurations"],
    ),
    ask(
        Power::WriteObjects,
        ANY_WRITE,
        "",
        &["pods", "secrets", "configmaps", "services", "serviceaccounts", "persistentvolumeclaims"],
    ),
    ask(
        Power::WriteObjects,
        ANY_WRITE,
        "apps",
        &["deployments", "daemonsets", "statefulsets", "replicasets"],
    ),
    ask(Power::WriteObjects, ANY_WRITE, "batch", &["jobs", "cronjobs"]),
    ask(Power::WriteObjects, ANY_WRITE, "networking.k8s.io", &["ingresses", "networkpolicies"]),
    ask(Power::WriteObjects, ANY_WRITE, RBAC, &["roles", "rolebindings"]),
];

impl Power {
    /// Asked of things that have no namespace: only a `ClusterRoleBinding` gives it.
    pub(super) fn needs_cluster(self) -> bool {
        matches!(
            self,
            Power::ProxyNodes
                | Power::ImpersonateUsers
                | Power::ImpersonateGroups
                | Power::EscalateClusterRoles
                | Power::WriteClusterRoles
                | Power::WriteClusterBindings
                | Power::CreateCsr
                | Power::ApproveCsr
                | Power::ApproveSigner
                | Power::WriteWebhooks
        )
    }
}

/// Powers of roles as they were worked out last. Incidents are asked about one after another, and
/// between their times hardly a role changes.
#[derive(Debug, Default)]
pub struct Roles {
    known: HashMap<(Str, Str), (Vec<PolicyRule>, Vec<Held>)>,
    /// The bindings that Kubernetes makes for itself.
    pub(super) own: Own,
}

impl Roles {
    /// The powers of a role.
    pub(super) fn powers(&mut self, role: &Role) -> Vec<Held> {
        let key = (role.namespace.clone(), role.name.clone());
        if let Some((rules, held)) = self.known.get(&key)
            && *rules == role.rules
        {
            return held.clone();
        }
        let held = powers(&role.rules);
        self.known.insert(key, (role.rules.clone(), held.clone()));
        held
    }
}

/// The powers that the rules give, each with every rule that gives it.
fn powers(rules: &[PolicyRule]) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    for (rule, policy) in rules.iter().enumerate() {
        let shape = Shape::of(policy);
        let first = held.len();
        for ask in ASKS.iter().filter(|ask| shape.serves(ask)) {
            let one = Held { power: ask.power, rule };
            if held.get(first..).is_none_or(|own| !own.contains(&one)) {
                held.push(one);
            }
        }
    }
    held.sort_by_key(|one| (one.power, !rules_all_names(rules, one.rule), one.rule));
    held
}

/// The rule that allows everything on everything, if there is one.
pub(super) fn everything(rules: &[PolicyRule]) -> Option<usize> {
    rules.iter().position(|rule| {
        has(&rule.verbs, "*")
            && has(&rule.api_groups, "*")
            && has(&rule.resources, "*")
            && rule.resource_names.is_empty()
    })
}

fn names_resource(rule: &PolicyRule, resource: &str) -> bool {
    let sub = resource.split_once('/').map(|(_, sub)| sub);
    rule.resources.iter().any(|held| {
        held == "*"
            || held == resource
            || sub.is_some() && held.strip_prefix("*/").is_some_and(|held| Some(held) == sub)
    })
}

/// A rule as the asks need it.
struct Shape<'r> {
    rule: &'r PolicyRule,
    verbs: Verbs,
    every_group: bool,
    /// Verbs of requests that it allows although they name no object.
    nameless: Verbs,
}

impl Shape<'_> {
    fn of(rule: &PolicyRule) -> Shape<'_> {
        let nameless = rule.resource_names.is_empty() || has(&rule.resource_names, "");
        Shape {
            rule,
            verbs: rule.verbs.iter().fold(0, |verbs, word| verbs | verb(word)),
            every_group: has(&rule.api_groups, "*"),
            nameless: if nameless { NAMELESS } else { 0 },
        }
    }

    /// Whether it allows one of the requests of an ask, for any name if it names some. A new object
    /// has no name yet when rights are judged, so a rule with names never allows to create one; a
    /// subresource is created under the name of its object.
    fn serves(&self, ask: &Ask) -> bool {
        let verbs = self.verbs & ask.verbs;
        verbs != 0
            && (self.every_group || has(&self.rule.api_groups, ask.group))
            && ask.resources.iter().any(|resource| {
                let named = verbs & !NAMELESS != 0 || resource.contains('/');
                (named || verbs & self.nameless != 0) && names_resource(self.rule, resource)
            })
    }
}

fn rules_all_names(rules: &[PolicyRule], rule: usize) -> bool {
    rules.get(rule).is_none_or(|rule| rule.resource_names.is_empty())
}

fn has(list: &[Str], value: &str) -> bool {
    list.iter().any(|one| one == value)
}
