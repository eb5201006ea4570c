//! Rights as Kubernetes judges them, at any time: roles, bindings, aggregation, and what the
//! authorizer itself said.
//!
//! Three sources agree or are set against one another: bodies of roles and bindings, the table of
//! what Kubernetes makes for itself, and the reason that the authorizer writes on every request. A
//! grant that a reason proves while the bodies do not know it means that the log lacks a write: from
//! then on an absence is no longer taken as proved.

mod attributes;
mod bootstrap;
mod changes;
pub mod check;
mod coverage;
mod decide;
mod grant;
mod history;
mod holders;
mod learn;
mod reason;
mod refusals;
mod rules;
#[cfg(test)]
mod tests;
mod uses;
mod writes;

pub use attributes::{Attributes, MASTERS, Who};
pub use changes::{Change, ChangeKind, Changed};
pub use decide::{Decision, RoleView};
pub use grant::{Grant, GrantedBy};
pub use history::{BindingBody, Known, Life, RoleBody, Version};
pub use holders::{Held, Holder, Possible};
pub use reason::{Authorizer, Decided, GrantRef};
pub use uses::{Use, UseCount};

use coverage::Coverage;
use history::History;
use refusals::Refusals;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::body::Subject;
use trailhound_model::{Str, fact::Fact, observed::Surety, time::SECOND, time::Time};
use uses::Uses;

/// How long after a write an API server may still judge by what was before: it learns of writes by
/// a watch of its own.
pub const LAG: i64 = 2 * SECOND;
/// Roles and bindings that are kept, each.
const MOST_OBJECTS: usize = 100_000;
/// Stretches of the log that are known to be missing.
const MOST_GAPS: usize = 1_000;

/// Name of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoleKey {
    /// Namespace; empty for a cluster role.
    pub namespace: Str,
    /// Name.
    pub name: Str,
}

impl RoleKey {
    /// The role with this name.
    pub fn new(namespace: &str, name: &str) -> RoleKey {
        RoleKey { namespace: namespace.into(), name: name.into() }
    }
}

/// Name of a binding.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BindingKey {
    /// Namespace; empty for a cluster role binding.
    pub namespace: Str,
    /// Name.
    pub name: Str,
}

impl BindingKey {
    /// The binding with this name.
    pub fn new(namespace: &str, name: &str) -> BindingKey {
        BindingKey { namespace: namespace.into(), name: name.into() }
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rbac {
    roles: BTreeMap<RoleKey, History<RoleBody>>,
    bindings: BTreeMap<BindingKey, History<BindingBody>>,
    uses: Uses,
    refusals: Refusals,
    coverage: Coverage,
    /// Stretches that the log lacks, in order of time.
    gaps: Vec<(Time, Time)>,
    /// Counts states that changed: what was learned from a reason need not be learned again.
    epoch: u64,
    dropped: u64,
}

/// The bindings that Kubernetes makes for itself, for whoever asks of many.
#[derive(Clone, Debug)]
pub struct Own(BTreeMap<BindingKey, BindingBody>);

impl Default for Own {
    fn default() -> Own {
        Own(bootstrap::Bootstrap::bindings().into_iter().collect())
    }
}

impl Own {
    /// Whether a binding is one of them, with its own role and no more subjects than Kubernetes gives.
    /// Its rights may still have been widened through the role, which is told as a change.
    pub fn has(&self, key: &BindingKey, body: &BindingBody) -> bool {
        self.0.get(key).is_some_and(|own| {
            let same = |a: &Subject, b: &Subject| a.kind == b.kind && a.name == b.name;
            own.role == body.role
                && body.subjects.iter().all(|one| own.subjects.iter().any(|other| same(one, other)))
        })
    }
}

impl Rbac {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        if self.epoch == 0 {
            self.seed();
        }
        writes::apply(self, fact);
        self.heed(&fact.event);
    }

    /// Roles and bindings that were not kept because there were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped + self.uses.dropped()
    }

    /// Every version of a role that the log tells of.
    pub fn role_versions(&self, role: &RoleKey) -> &[Version<RoleBody>] {
        self.roles.get(role).map(History::versions).unwrap_or_default()
    }

    /// Every version of a binding that the log tells of.
    pub fn binding_versions(&self, binding: &BindingKey) -> &[Version<BindingBody>] {
        self.bindings.get(binding).map(History::versions).unwrap_or_default()
    }

    /// The bindings that are there, or may be, at a time.
    pub fn bindings_at(&self, at: Time) -> Vec<(&BindingKey, &Version<BindingBody>)> {
        self.bindings
            .iter()
            .filter_map(|(key, history)| Some((key, history.at(at)?)))
            .filter(|(_, version)| version.life != Life::Gone)
            .collect()
    }

    /// The roles that are there, or may be, at a time.
    pub fn roles_at(&self, at: Time) -> Vec<(&RoleKey, &Version<RoleBody>)> {
        self.roles
            .iter()
            .filter_map(|(key, history)| Some((key, history.at(at)?)))
            .filter(|(_, version)| version.life != Life::Gone)
            .collect()
    }

    /// What a binding was used for, as the authorizer said, most used first.
    pub fn uses(&self, binding: &BindingKey) -> Vec<&Use> {
        self.uses.of_binding(binding)
    }

    /// How often a binding was used in all, and when.
    pub fn used(&self, binding: &BindingKey) -> UseCount {
        self.uses(binding).iter().fold(UseCount::default(), |sum, one| sum.and(one.count))
    }

    /// Whether all bindings that could apply in a namespace are known at a time, so that an absence
    /// means something.
    pub fn is_complete(&self, namespace: &str, at: Time) -> bool {
        let since = self.coverage.bindings_since(namespace, at);
        since.is_some_and(|since| self.unbroken(since, at) == Surety::Proved)
    }

    /// The log lacks these stretches: what was known before them is only likely after them.
    pub(crate) fn missing(&mut self, gaps: &[(Time, Time)]) {
        self.gaps = gaps.iter().take(MOST_GAPS).copied().collect();
        // Of too many, the rest is one.
        if let (Some((from, _)), Some((_, to))) = (gaps.get(MOST_GAPS), gaps.last()) {
            self.gaps.push((*from, *to));
        }
    }

    /// How sure what was seen at one time can be at another: not at all certain across a gap.
    fn unbroken(&self, from: Time, at: Time) -> Surety {
        let hides = |gap: &(Time, Time)| gap.0 < at && gap.1 > from;
        if self.gaps.iter().any(hides) { Surety::Inferred } else { Surety::Proved }
    }

    /// Fills in what Kubernetes makes for itself.
    fn seed(&mut self) {
        self.epoch = 1;
        let table = bootstrap::Bootstrap::table();
        for (key, body) in table.roles {
            self.roles.entry(key).or_default().push(seeded(body));
        }
        for (key, body) in table.bindings {
            self.bindings.entry(key).or_default().push(seeded(body));
        }
    }

    /// The history of a role, if there is room for it.
    fn role_mut(&mut self, key: &RoleKey) -> Option<&mut History<RoleBody>> {
        if self.roles.len() >= MOST_OBJECTS && !self.roles.contains_key(key) {
            self.dropped += 1;
            return None;
        }
        Some(self.roles.entry(key.clone()).or_default())
    }

    /// The history of a binding, if there is room for it. One that is not kept could apply.
    fn binding_mut(&mut self, key: &BindingKey, at: Time) -> Option<&mut History<BindingBody>> {
        if self.bindings.len() >= MOST_OBJECTS && !self.bindings.contains_key(key) {
            self.dropped += 1;
            self.coverage.lose(&key.namespace, at);
            return None;
        }
        Some(self.bindings.entry(key.clone()).or_default())
    }
}

/// A state that has always been, as far as is known.
fn seeded<T>(body: T) -> Version<T>
where
    Version<T>: Default,
{
    Version {
        from: Time(i64::MIN),
        known: Known::Whole,
        surety: Surety::Inferred,
        body,
        ..Version::default()
    }
}
