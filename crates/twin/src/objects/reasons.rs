//! Roles and bindings that the authorizer names as its reason: they exist, even if the log shows
//! nothing else of them.

use super::{Objects, store::Key};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};
use trailhound_model::{
    fact::Fact,
    observed::Surety,
    time::{MINUTE, Time},
};

/// Reasons that are remembered as known; then all are forgotten and learned anew.
const MOST_REASONS: usize = 20_000;

/// When each reason was last looked at: they repeat with every request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Reasons {
    seen: BTreeMap<u64, Time>,
}

impl Reasons {
    fn is_due(&mut self, reason: &str, time: Time) -> bool {
        let mut hasher = DefaultHasher::new();
        reason.hash(&mut hasher);
        if self.seen.len() >= MOST_REASONS {
            self.seen.clear();
        }
        let seen = self.seen.entry(hasher.finish()).or_insert(Time(i64::MIN));
        let is_due = time.since(*seen) >= MINUTE;
        if is_due {
            *seen = time;
        }
        is_due
    }
}

impl Objects {
    pub(super) fn take_reason(&mut self, fact: &Fact) {
        let Some(reason) = fact.event.annotation("authorization.k8s.io/reason") else { return };
        if !reason.starts_with(PREFIX) || !self.reasons.is_due(reason, fact.event.time) {
            return;
        }
        let Some((binding, role)) = named(reason) else { return };
        for key in [binding, role] {
            self.present(key, "", None, fact, Surety::Proved);
        }
    }
}

const PREFIX: &str = "RBAC: allowed by ";

/// Binding and role of `RBAC: allowed by RoleBinding "b/ns" of ClusterRole "r" to …`.
fn named(reason: &str) -> Option<(Key<'_>, Key<'_>)> {
    let mut parts = reason.strip_prefix(PREFIX)?.splitn(5, '"');
    let (binding_kind, binding) = (parts.next()?.trim(), parts.next()?);
    let (of, role) = (parts.next()?.trim(), parts.next()?);
    let role_kind = of.strip_prefix("of ")?;
    let (resource, namespace, name) = match binding_kind {
        "ClusterRoleBinding" => ("clusterrolebindings", "", binding),
        "RoleBinding" => {
            let (name, namespace) = binding.split_once('/')?;
            ("rolebindings", namespace, name)
        }
        _ => return None,
    };
    let role_key = match role_kind {
        "ClusterRole" => Key { resource: "clusterroles", namespace: "", name: role },
        "Role" => Key { resource: "roles", namespace, name: role },
        _ => return None,
    };
    Some((Key { resource, namespace, name }, role_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_a_binding_and_a_role() {
        let (binding, role) = named(
            r#"RBAC: allowed by RoleBinding "b/shop" of Role "r" to ServiceAccount "cart/shop""#,
        )
        .unwrap_or_else(|| panic!());
        assert_eq!(
            (binding.resource, binding.namespace, binding.name),
            ("rolebindings", "shop", "b")
        );
        assert_eq!((role.resource, role.namespace, role.name), ("roles", "shop", "r"));
        for text in
            ["", "RBAC: allowed by ", r#"RBAC: allowed by RoleBinding "b" of Role "r" to x"#]
        {
            assert_eq!(named(text), None, "{text}");
        }
    }
}
