//! A role or a binding over time: a version for each state that the log tells of, each with how much
//! of it is known and who says so.
//!
//! A state that the log shows only to have changed is kept as a version of which nothing is known:
//! the version before must not be believed any longer.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    observed::{Surety, Witness},
    time::Time,
};

/// Versions that are kept of one object; of more, the oldest go.
const MOST_VERSIONS: usize = 64;

/// Whether an object is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Life {
    /// It is.
    #[default]
    There,
    /// It is not.
    Gone,
    /// The log does not say for certain.
    Maybe,
}

/// How much is known of what an object says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// It says at least this.
    Part,
    /// All of it.
    Whole,
}

/// What a role says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleBody {
    /// `rules`
    pub rules: Vec<PolicyRule>,
    /// `metadata.labels`, by which other roles take its rules over.
    pub labels: Vec<(Str, Str)>,
    /// Selectors of the roles whose rules it takes over, each as the labels that must match.
    pub aggregation: Vec<Vec<(Str, Str)>>,
    /// It has selectors that are no plain equality.
    pub aggregation_complex: bool,
}

impl RoleBody {
    /// Whether it takes over rules of others.
    pub fn is_aggregated(&self) -> bool {
        !self.aggregation.is_empty() || self.aggregation_complex
    }
}

/// What a binding says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingBody {
    /// `roleRef.kind`; empty if it is not known.
    pub role_kind: Str,
    /// `roleRef.name`; empty if it is not known.
    pub role: Str,
    /// `subjects`
    pub subjects: Vec<Subject>,
}

/// One state of an object, from a moment on until the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version<T> {
    /// Since when.
    pub from: Time,
    /// Whether it is there.
    pub life: Life,
    /// What it says.
    pub body: T,
    /// How much of that is known.
    pub known: Known,
    /// How sure it is.
    pub surety: Surety,
    /// Who wrote it, as an entity; empty if that is not known.
    pub by: Str,
    /// The record that says so; of a built-in role none.
    pub witness: Witness,
    /// `metadata.uid`, if it is known.
    pub uid: Str,
    /// `metadata.resourceVersion`, or 0.
    pub revision: u64,
}

/// All that is known of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct History<T> {
    versions: Vec<Version<T>>,
    dropped: u64,
}

impl<T: PartialEq + Default> History<T> {
    /// The state at a time, with the time at which it ends.
    pub(super) fn at(&self, at: Time) -> Option<&Version<T>> {
        self.versions.iter().rev().find(|version| version.from <= at)
    }

    /// The end of the version that is in force at a time.
    pub(super) fn end(&self, at: Time) -> Option<Time> {
        self.versions.iter().map(|version| version.from).find(|from| *from > at)
    }

    pub(super) fn last(&self) -> Option<&Version<T>> {
        self.versions.last()
    }

    pub(super) fn last_mut(&mut self) -> Option<&mut Version<T>> {
        self.versions.last_mut()
    }

    pub(super) fn versions(&self) -> &[Version<T>] {
        &self.versions
    }

    /// Whether a version is not older than what is known: answers may be written out of order, and
    /// reads may be answered from a cache.
    pub(super) fn is_news(&self, version: &Version<T>) -> bool {
        let known = self.last().filter(|last| last.life == Life::There).map_or(0, |l| l.revision);
        version.revision == 0 || known == 0 || version.revision >= known
    }

    /// Forgets what was only supposed to be there from the beginning. Whether anything remains.
    pub(super) fn unseed(&mut self, begin: Time) -> bool {
        self.versions.retain(|version| version.from >= begin);
        !self.versions.is_empty()
    }

    /// Takes a new state, unless it is the one that is known. Whether something changed.
    pub(super) fn push(&mut self, version: Version<T>) -> bool {
        if let Some(last) = self.versions.last_mut() {
            // What was only supposed has no beginning: what is seen begins anew.
            let same = last.from > Time(i64::MIN)
                && last.life == version.life
                && last.known == version.known
                && last.body == version.body
                && (last.uid == version.uid || last.uid.is_empty());
            if same && version.known == Known::Whole && last.surety > Surety::Unknown {
                last.revision = last.revision.max(version.revision);
                last.uid = version.uid;
                if last.surety < version.surety {
                    last.surety = version.surety;
                    last.witness = version.witness;
                }
                return false;
            }
        }
        self.insert(version);
        true
    }

    /// Versions come in order of time but for records that were late.
    fn insert(&mut self, version: Version<T>) {
        let place = self.versions.partition_point(|other| other.from <= version.from);
        self.versions.insert(place, version);
        if self.versions.len() > MOST_VERSIONS {
            self.forget_oldest();
        }
    }

    /// What is forgotten was there nevertheless: from the first on nothing is known until what is kept
    /// begins. Else whoever writes often enough would make his past a proved absence.
    fn forget_oldest(&mut self) {
        self.dropped += 1;
        self.versions.remove(1);
        if let Some(first) = self.versions.first_mut() {
            let from = first.from;
            *first = Version { from, life: Life::Maybe, ..Version::default() };
        }
    }
}
