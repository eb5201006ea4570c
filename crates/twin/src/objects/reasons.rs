//! Roles and bindings that the authorizer names as its reason: they exist, even if the log shows
//! nothing else of them.

use super::{Objects, store::Key};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use trailhound_model::{
    Map, Memo, Shared, Str,
    fact::Fact,
    observed::Surety,
    time::{MINUTE, Time},
};

/// Reasons that are remembered as known; then all are forgotten and learned anew.
const MOST_REASONS: usize = 20_000;

type Annotations = Vec<(Str, Str)>;

/// When each reason was last looked at: they repeat with every request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Reasons {
    seen: Map<u64, Time>,
    /// Hashes of reasons; nothing where there is none that counts.
    #[serde(skip)]
    hashes: Memo<Annotations, Option<u64>>,
}

impl Reasons {
    /// Whether there is a reason that was not looked at lately.
    fn is_due(&mut self, annotations: &Shared<Annotations>, time: Time) -> bool {
        let Some(hash) = self.hashes.get(annotations, || hash_of(annotations)) else {
            return false;
        };
        if self.seen.len() >= MOST_REASONS {
            self.seen.clear();
        }
        let seen = self.seen.entry(hash).or_insert(Time(i64::MIN));
        let is_due = time.since(*seen) >= MINUTE;
        if is_due {
            *seen = time;
        }
        is_due
    }
}

impl Objects {
    pub(super) fn take_reason(&mut self, fact: &Fact) {
        if !self.reasons.is_due(&fact.event.annotations, fact.event.time) {
            return;
        }
        let reason = fact.event.annotation(REASON).unwrap_or_default();
        let Some((binding, role)) = named(reason) else { return };
        for key in [binding, role] {
            self.present(key, "", None, fact, Surety::Proved);
        }
    }
}

const REASON: &str = "authorization.k8s.io/reason";
const PREFIX: &str = "RBAC: allowed by ";

fn hash_of(annotations: &Annotations) -> Option<u64> {
    let (_, reason) = annotations.iter().find(|(key, _)| key == REASON)?;
    reason.starts_with(PREFIX).then(|| {
        let mut hasher = DefaultHasher::new();
        reason.hash(&mut hasher);
        hasher.finish()
    })
}

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
