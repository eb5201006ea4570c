//! What changed in roles and bindings between two times, and who changed it.

use super::{
    BindingKey, Rbac, RoleKey,
    history::{BindingBody, History, Known, Life, RoleBody, Version},
};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    observed::{Surety, Witness},
    time::Time,
};

/// What was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Changed {
    /// A role, with what it said before and after where that is known.
    Role {
        /// Which.
        role: RoleKey,
        /// Before.
        before: Option<RoleBody>,
        /// After.
        after: Option<RoleBody>,
    },
    /// A binding, the same.
    Binding {
        /// Which.
        binding: BindingKey,
        /// Before.
        before: Option<BindingBody>,
        /// After.
        after: Option<BindingBody>,
    },
}

/// How.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was not there before.
    Created,
    /// It was there.
    Changed,
    /// It is no longer there.
    Deleted,
    /// No write is in the log, but something shows that there was one, or that it was there already.
    Noticed,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Time,
    /// How.
    pub kind: ChangeKind,
    /// What.
    pub what: Changed,
    /// Who did it, as an entity; empty if that is not known.
    pub by: Str,
    /// How sure it is.
    pub surety: Surety,
    /// The record that says so.
    pub witness: Witness,
}

impl Rbac {
    /// What changed after `from` and until `to`, in order of time.
    pub fn changes(&self, from: Time, to: Time) -> Vec<Change> {
        let roles = self.roles.iter().flat_map(|(key, history)| {
            steps(history, from, to).into_iter().map(|(before, after)| {
                let what = Changed::Role {
                    role: key.clone(),
                    before: body(before),
                    after: body(Some(after)),
                };
                change(before, after, what)
            })
        });
        let bindings = self.bindings.iter().flat_map(|(key, history)| {
            steps(history, from, to).into_iter().map(|(before, after)| {
                let what = Changed::Binding {
                    binding: key.clone(),
                    before: body(before),
                    after: body(Some(after)),
                };
                change(before, after, what)
            })
        });
        let mut all: Vec<Change> = roles.chain(bindings).collect();
        all.sort_by_key(|change| change.at);
        all
    }
}

type Step<'a, T> = (Option<&'a Version<T>>, &'a Version<T>);

fn steps<T: PartialEq + Default>(history: &History<T>, from: Time, to: Time) -> Vec<Step<'_, T>> {
    let versions = history.versions();
    let before = std::iter::once(None).chain(versions.iter().map(Some));
    before.zip(versions).filter(|(_, after)| after.from > from && after.from <= to).collect()
}

fn body<T: Clone>(version: Option<&Version<T>>) -> Option<T> {
    version
        .filter(|one| one.known != Known::Nothing && one.life != Life::Gone)
        .map(|one| one.body.clone())
}

fn change<T>(before: Option<&Version<T>>, after: &Version<T>, what: Changed) -> Change {
    let was = before.is_some_and(|before| before.life != Life::Gone);
    let kind = match (was, after.life) {
        (_, Life::Gone) => ChangeKind::Deleted,
        _ if after.by.is_empty() => ChangeKind::Noticed,
        (false, _) => ChangeKind::Created,
        (true, _) => ChangeKind::Changed,
    };
    Change {
        at: after.from,
        kind,
        what,
        by: after.by.clone(),
        surety: after.surety,
        witness: after.witness.clone(),
    }
}
