//! Where a request went, seen from the one who made it: his own namespace, his team's, the system's,
//! another, or the whole cluster.
//!
//! Thousands of workloads do the same thing each in its own namespace; relative to the actor that is
//! one thing, and the first step into another's namespace stands out whatever the two are called.

use serde::{Deserialize, Serialize};

/// A namespace relative to the actor.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Place {
    /// The namespace of the service account itself.
    Own,
    /// One whose name begins as the actor's own does: `shop-web` and `shop-db`.
    Team,
    /// One of Kubernetes' or a distribution's own.
    System,
    /// Another.
    Other,
    /// No namespace: objects of the cluster, and lists over all namespaces.
    #[default]
    Cluster,
}

impl Place {
    /// Where `namespace` is for an actor of namespace `own` (empty for a person).
    pub fn of(own: &str, namespace: &str) -> Place {
        if namespace.is_empty() {
            Place::Cluster
        } else if namespace == own {
            Place::Own
        } else if is_system(namespace) {
            Place::System
        } else if is_team(own, namespace) {
            Place::Team
        } else {
            Place::Other
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Place::Own => "its own namespace",
            Place::Team => "a namespace of its team",
            Place::System => "a system namespace",
            Place::Other => "another namespace",
            Place::Cluster => "the whole cluster",
        }
    }
}

/// Kubernetes' own prefix, those of distributions, and the custom of `…-system`.
fn is_system(namespace: &str) -> bool {
    ["kube-", "openshift-", "gke-", "cattle-"].iter().any(|mark| namespace.starts_with(mark))
        || matches!(namespace, "openshift" | "istio-system" | "gatekeeper-system")
        || namespace.ends_with("-system")
}

/// First words that say nothing of a team.
const GENERAL: &[&str] =
    &["app", "apps", "dev", "ns", "preview", "prod", "qa", "stage", "staging", "team", "test"];

fn is_team(own: &str, namespace: &str) -> bool {
    let first = |name: &str| name.split('-').next().map(str::len).unwrap_or_default();
    let (mine, other) = (own.get(..first(own)), namespace.get(..first(namespace)));
    match (mine, other) {
        (Some(mine), Some(other)) => {
            mine == other && mine.len() >= 3 && GENERAL.binary_search(&mine).is_err()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_seen_from_its_actor() {
        assert!(GENERAL.is_sorted());
        for (own, namespace, expected) in [
            ("shop", "shop", Place::Own),
            ("kube-system", "kube-system", Place::Own),
            ("shop-web", "shop-db", Place::Team),
            ("shop", "shop-db", Place::Team),
            ("prod-web", "prod-db", Place::Other),
            ("web", "website", Place::Other),
            ("ci", "ci-x", Place::Other),
            ("shop", "kube-system", Place::System),
            ("shop", "cert-manager-system", Place::System),
            ("shop", "openshift-monitoring", Place::System),
            ("shop", "default", Place::Other),
            ("", "shop", Place::Other),
            ("", "kube-public", Place::System),
            ("shop", "", Place::Cluster),
            ("", "", Place::Cluster),
        ] {
            assert_eq!(Place::of(own, namespace), expected, "{own} {namespace}");
        }
    }
}
