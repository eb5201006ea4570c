//! What an identity may do, coarsely: enough that an attacker who asks too much is refused, as he
//! would be in a cluster whose roles are what its people and programs need.

use crate::{
    act::{Actor, Target, Text},
    generator::reason,
    life::{Archetype, Space, SpaceKind, World},
};

/// The rights of whom the attacker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything.
    All,
    /// Those of a person in a team.
    Team {
        /// The team.
        team: u16,
        /// More than looking.
        writes: bool,
    },
    /// Those of [`World::accounts`] at this index.
    Account(usize),
    /// Those of the kubelet of [`World::machines`] at this index.
    Node(usize),
    /// What everybody has.
    Nobody,
}

const PUBLIC: [&str; 5] = ["/version", "/healthz", "/livez", "/readyz", "/version/"];

const WORKLOADS: [&str; 14] = [
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "services",
    "configmaps",
    "ingresses",
    "persistentvolumeclaims",
    "serviceaccounts",
    "networkpolicies",
    "events",
];

fn reads(verb: &str) -> bool {
    matches!(verb, "get" | "list" | "watch")
}

impl Rights {
    /// Whether a request is allowed.
    pub(crate) fn allow(self, world: &World, verb: &str, target: &Target) -> bool {
        let Some(resource) = target.resource else {
            return self != Rights::Nobody || PUBLIC.contains(&target.path);
        };
        if resource.plural.starts_with("selfsubject") {
            return self != Rights::Nobody;
        }
        let what = resource.plural;
        match self {
            Rights::All => true,
            Rights::Nobody => false,
            Rights::Node(_) => node(verb, what, target),
            Rights::Team { team, writes } => person(world, team, writes, verb, what, target),
            Rights::Account(place) => account(world, place, verb, what, target),
        }
    }

    /// The authorizer's words for an identity that has none of its own.
    pub(crate) fn reason(self, actor: &Actor) -> Text {
        match self {
            Rights::Nobody => reason(
                "ClusterRoleBinding \"system:public-info-viewer\"",
                "ClusterRole \"system:public-info-viewer\"",
                "Group \"system:unauthenticated\"",
            ),
            Rights::Node(_) => "".into(),
            _ => reason(
                "ClusterRoleBinding \"cluster-admins\"",
                "ClusterRole \"cluster-admin\"",
                &format!("User \"{}\"", actor.name),
            ),
        }
    }
}

fn space_of<'a>(world: &'a World, target: &Target) -> Option<&'a Space> {
    world.spaces.iter().find(|space| space.name == target.namespace)
}

fn node(verb: &str, what: &str, target: &Target) -> bool {
    match what {
        "pods" => target.part != "exec",
        "nodes" => reads(verb) || (verb == "patch" && target.part == "status"),
        "secrets" | "configmaps" => verb == "get" && !target.name.is_empty(),
        "serviceaccounts" => target.part == "token",
        "leases" | "events" | "certificatesigningrequests" => {
            verb != "delete" && target.part != "approval"
        }
        "services" => reads(verb),
        _ => false,
    }
}

fn person(world: &World, team: u16, writes: bool, verb: &str, what: &str, target: &Target) -> bool {
    if target.namespace.is_empty() {
        return reads(verb) && matches!(what, "nodes" | "namespaces" | "customresourcedefinitions");
    }
    let space = space_of(world, target);
    let own = space.is_some_and(|space| {
        space.team == team && matches!(space.kind, SpaceKind::Team | SpaceKind::Preview)
    });
    let looks = reads(verb) && matches!(target.part, "" | "log" | "status" | "scale");
    own && if writes {
        what == "secrets" || WORKLOADS.contains(&what)
    } else {
        looks && WORKLOADS.contains(&what)
    }
}

fn account(world: &World, place: usize, verb: &str, what: &str, target: &Target) -> bool {
    let Some(account) = world.accounts.get(place) else { return false };
    let home = account.space.and_then(|place| world.spaces.get(place));
    let at_home = home.is_some_and(|space| space.name == target.namespace);
    let narrow = account.archetype == Archetype::Application;
    if narrow && !at_home {
        return false;
    }
    let looks = reads(verb) && matches!(target.part, "" | "log" | "status" | "scale");
    if what == "secrets" {
        return account.reads_secrets && looks || account.deploys && !looks;
    }
    if account.deploys {
        let cluster = target.namespace.is_empty();
        let grants = matches!(what, "roles" | "rolebindings");
        return (!cluster && (WORKLOADS.contains(&what) || grants) && target.part != "exec")
            || (cluster && (reads(verb) || account.archetype == Archetype::GitOps));
    }
    match account.archetype {
        Archetype::Scheduler => WORKLOADS.contains(&what) && target.part != "exec",
        Archetype::Autoscaler => {
            looks || (what == "nodes" && verb != "create") || target.part == "eviction"
        }
        Archetype::Application => {
            looks && matches!(what, "pods" | "configmaps" | "services" | "endpoints")
        }
        _ => looks && (WORKLOADS.contains(&what) || matches!(what, "nodes" | "namespaces")),
    }
}
