//! Which rules of a role are of use to an attacker, and for what.
//!
//! Each power is one request that the API server would have to allow. Requests that need two powers at
//! once (`bind` and the writing of bindings) are put together in `index`, because the two may come from
//! two grants of one identity.

use trailhound_model::{Str, body::PolicyRule};

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

/// Verbs, group and resources of a power's requests; any combination serves.
struct Ask {
    power: Power,
    verbs: &'static [&'static str],
    group: &'static str,
    /// `resource` or `resource/subresource`.
    resources: &'static [&'static str],
}

const RBAC: &str = "rbac.authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const CHANGE: &[&str] = &["update", "patch"];
const WRITE: &[&str] = &["create", "update", "patch"];
const ANY_WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

const fn ask(
    power: Power,
    verbs: &'static [&'static str],
    group: &'static str,
    resources: &'static [&'static str],
) -> Ask {
    Ask { power, verbs, group, resources }
}

const ASKS: &[Ask] = &[
    ask(Power::ListSecrets, &["list", "watch"], "", &["secrets"]),
    ask(Power::GetSecrets, &["get"], "", &["secrets"]),
    ask(Power::CreateSecrets, &["create"], "", &["secrets"]),
    ask(Power::CreatePods, &["create"], "", &["pods"]),
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
    ask(Power::ExecPods, &["create"], "", &["pods/exec"]),
    ask(Power::ExecPodsByGet, &["get"], "", &["pods/exec"]),
    ask(Power::AttachPods, &["create"], "", &["pods/attach"]),
    ask(Power::AttachPodsByGet, &["get"], "", &["pods/attach"]),
    ask(Power::ProxyNodes, &["get", "create"], "", &["nodes/proxy"]),
    ask(Power::RequestToken, &["create"], "", &["serviceaccounts/token"]),
    ask(Power::ImpersonateUsers, &["impersonate"], "", &["users"]),
    ask(Power::ImpersonateGroups, &["impersonate"], "", &["groups"]),
    ask(Power::ImpersonateAccounts, &["impersonate"], "", &["serviceaccounts"]),
    ask(Power::BindClusterRoles, &["bind"], RBAC, &["clusterroles"]),
    ask(Power::BindRoles, &["bind"], RBAC, &["roles"]),
    ask(Power::EscalateClusterRoles, &["escalate"], RBAC, &["clusterroles"]),
    ask(Power::EscalateRoles, &["escalate"], RBAC, &["roles"]),
    ask(Power::WriteClusterRoles, CHANGE, RBAC, &["clusterroles"]),
    ask(Power::WriteRoles, CHANGE, RBAC, &["roles"]),
    ask(Power::WriteBindings, WRITE, RBAC, &["rolebindings"]),
    ask(Power::WriteClusterBindings, WRITE, RBAC, &["clusterrolebindings"]),
    ask(Power::CreateCsr, &["create"], CERTIFICATES, &["certificatesigningrequests"]),
    ask(Power::ApproveCsr, CHANGE, CERTIFICATES, &["certificatesigningrequests/approval"]),
    ask(Power::ApproveSigner, &["approve"], CERTIFICATES, &["signers"]),
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

/// The powers that the rules give, each with every rule that gives it.
pub(super) fn powers(rules: &[PolicyRule]) -> Vec<Held> {
    let mut held: Vec<Held> = Vec::new();
    for (rule, policy) in rules.iter().enumerate() {
        for ask in ASKS {
            let one = Held { power: ask.power, rule };
            if !held.contains(&one) && serves(policy, ask) {
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

/// Whether a rule allows a request. An empty name is that of a collection.
pub(super) fn allows(
    rule: &PolicyRule,
    verb: &str,
    group: &str,
    resource: &str,
    name: &str,
) -> bool {
    let verb_fits = has(&rule.verbs, "*") || has(&rule.verbs, verb);
    let group_fits = has(&rule.api_groups, "*") || has(&rule.api_groups, group);
    let name_fits = rule.resource_names.is_empty() || has(&rule.resource_names, name);
    verb_fits && group_fits && name_fits && names_resource(rule, resource)
}

fn names_resource(rule: &PolicyRule, resource: &str) -> bool {
    let sub = resource.split_once('/').map(|(_, sub)| sub);
    rule.resources.iter().any(|held| {
        held == "*"
            || held == resource
            || sub.is_some() && held.strip_prefix("*/").is_some_and(|held| Some(held) == sub)
    })
}

/// Whether a rule allows one of the requests of an ask, for any name if it names some. A new object
/// has no name yet when rights are judged, so a rule with names never allows to create one; a
/// subresource is created under the name of its object.
fn serves(rule: &PolicyRule, ask: &Ask) -> bool {
    let name = rule.resource_names.first().map_or("", Str::as_str);
    ask.resources.iter().any(|resource| {
        ask.verbs.iter().any(|verb| {
            let nameless =
                matches!(*verb, "create" | "deletecollection") && !resource.contains('/');
            let name = if nameless { "" } else { name };
            allows(rule, verb, ask.group, resource, name)
        })
    })
}

fn rules_all_names(rules: &[PolicyRule], rule: usize) -> bool {
    rules.get(rule).is_none_or(|rule| rule.resource_names.is_empty())
}

fn has(list: &[Str], value: &str) -> bool {
    list.iter().any(|one| one == value)
}
