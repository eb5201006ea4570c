//! Since when all roles and bindings are known. Only then does an absence prove anything: a log that
//! begins in the middle of a cluster's life does not show what was granted before.
//!
//! A log is known to begin with the cluster when it shows the API server making Kubernetes' own roles:
//! it does so once, at its first start.

use serde::{Deserialize, Serialize};
use trailhound_model::time::{MINUTE, Time};

/// Own roles that the API server must have made for it to be its first start. An upgrade makes a few.
const ENOUGH: u32 = 30;
/// Within this time.
const WITHIN: i64 = 5 * MINUTE;
/// A list is remembered again only so long after the one before.
const RENEWED_AFTER: i64 = 10 * MINUTE;
/// Changes that are kept.
const MOST_STEPS: usize = 256;

/// Whether a set is known whole, over time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Steps(Vec<(Time, bool)>);

impl Steps {
    fn at(&self, at: Time) -> bool {
        self.0.iter().rev().find(|(from, _)| *from <= at).is_some_and(|(_, whole)| *whole)
    }

    /// Since when it is known whole, if it is.
    fn since(&self, at: Time) -> Option<Time> {
        let (from, whole) = self.0.iter().rev().find(|(from, _)| *from <= at)?;
        whole.then_some(*from)
    }

    /// All of it was shown again: from here on what was missed before does not matter.
    fn renew(&mut self, at: Time) {
        let is_old = self.0.last().is_none_or(|(from, _)| at.since(*from) > RENEWED_AFTER);
        if is_old && self.0.len() < MOST_STEPS / 2 && self.at(at) {
            self.0.push((at, true));
        } else {
            self.set(at, true);
        }
    }

    fn set(&mut self, from: Time, whole: bool) {
        let last = self.0.last().is_some_and(|(_, last)| *last);
        // When there is no more room, a gain is not believed, a loss always is.
        if last == whole || (whole && self.0.len() >= MOST_STEPS) {
            return;
        }
        self.0.push((from, whole));
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Coverage {
    cluster_bindings: Steps,
    bindings: Steps,
    cluster_roles: Steps,
    roles: Steps,
    /// Own roles that the API server made, and since when.
    made: u32,
    first: Option<Time>,
    begun: bool,
}

impl Coverage {
    /// Whether all bindings are known that can apply to a request in a namespace.
    pub(super) fn bindings(&self, namespace: &str, at: Time) -> bool {
        self.cluster_bindings.at(at) && (namespace.is_empty() || self.bindings.at(at))
    }

    /// Since when that is so without a break.
    pub(super) fn bindings_since(&self, namespace: &str, at: Time) -> Option<Time> {
        let cluster = self.cluster_bindings.since(at)?;
        let own = if namespace.is_empty() { cluster } else { self.bindings.since(at)? };
        Some(cluster.min(own))
    }

    /// Whether a role that is not known does not exist.
    pub(super) fn roles(&self, namespace: &str, at: Time) -> bool {
        if namespace.is_empty() { self.cluster_roles.at(at) } else { self.roles.at(at) }
    }

    /// The API server made one of Kubernetes' own cluster roles. Gives the time at which the
    /// cluster began, when that is sure.
    pub(super) fn made(&mut self, at: Time) -> Option<Time> {
        let first = *self.first.get_or_insert(at);
        if self.begun || at.since(first) > WITHIN {
            return None;
        }
        self.made += 1;
        if self.made < ENOUGH {
            return None;
        }
        self.begun = true;
        for steps in self.all() {
            steps.set(first, true);
        }
        Some(first)
    }

    fn all(&mut self) -> [&mut Steps; 4] {
        [&mut self.cluster_bindings, &mut self.bindings, &mut self.cluster_roles, &mut self.roles]
    }

    fn set_of(&mut self, is_role: bool, namespace: &str) -> &mut Steps {
        match (is_role, namespace.is_empty()) {
            (false, true) => &mut self.cluster_bindings,
            (false, false) => &mut self.bindings,
            (true, true) => &mut self.cluster_roles,
            (true, false) => &mut self.roles,
        }
    }

    /// Something was written that cannot be told, or a write is missing in the log.
    pub(super) fn lose(&mut self, namespace: &str, at: Time) {
        self.set_of(false, namespace).set(at, false);
    }

    /// The same of roles.
    pub(super) fn lose_roles(&mut self, namespace: &str, at: Time) {
        self.set_of(true, namespace).set(at, false);
    }

    /// The log has lost a write: nothing that is absent is proved to be.
    pub(super) fn lose_all(&mut self, at: Time) {
        for steps in self.all() {
            steps.set(at, false);
        }
    }

    /// A list of the whole cluster showed all of them.
    pub(super) fn listed(&mut self, is_role: bool, is_namespaced: bool, at: Time) {
        let namespace = if is_namespaced { "any" } else { "" };
        self.set_of(is_role, namespace).renew(at);
    }
}
