//! One existence of one object. A name can be used again after a deletion, so a name alone is never
//! an object: each life has its own beginning, end and uid, and each statement its record.

use super::names;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Shared, Str, entity,
    fact::Fact,
    observed::{Owner, State, Surety, Witness},
    time::Time,
};

/// How a bound lies to the moment that it bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// It is that moment.
    Exact,
    /// It was then or before.
    #[default]
    NotLater,
    /// It was then or after.
    NotEarlier,
}

/// When a life began or ended, as far as the log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// The moment.
    pub time: Time,
    /// How it lies to the truth.
    pub edge: Edge,
    /// How sure that is.
    pub surety: Surety,
    /// The record that says so.
    pub witness: Witness,
}

/// What somebody did to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Who authenticated, as an entity (`user:alice`).
    pub who: Str,
    /// As whom he acted, if he impersonated; else empty.
    pub acting_as: Str,
    /// Inferred where the record does not name the object.
    pub surety: Surety,
    /// The record.
    pub witness: Witness,
}

impl Act {
    /// What the request of a fact did.
    pub fn of(fact: &Fact) -> Act {
        let real = fact.principal.real.is_some();
        Act {
            who: fact.principal.actor().entity().into(),
            acting_as: if real { fact.principal.effective.entity().into() } else { Str::default() },
            surety: Surety::Proved,
            witness: Witness::of(&fact.event),
        }
    }
}

/// A value with what says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The value.
    pub value: Str,
    /// How sure it is.
    pub surety: Surety,
    /// The record that says so.
    pub witness: Witness,
}

/// A part of an object that can change.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Facet {
    /// It was written, but the log does not show what is new.
    #[default]
    Unknown,
    /// It came into being.
    Created,
    /// Labels.
    Labels,
    /// Owners.
    Owners,
    /// Images or containers.
    Containers,
    /// The service account.
    Account,
    /// Closeness to the node: privileged containers, host namespaces and paths, capabilities.
    Privileges,
    /// Secrets, config maps or volumes that are used.
    References,
    /// How many replicas are wanted.
    Replicas,
    /// Rules of a role.
    Rules,
    /// Subjects of a binding.
    Subjects,
    /// Anything else.
    Content,
}

/// What an object was from some time on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// From when.
    pub time: Time,
    /// What differs from the version before.
    pub changed: Vec<Facet>,
    /// Who did it; empty if it was found so.
    pub who: Str,
    /// The record.
    pub witness: Witness,
    /// How sure the state is: a request without its answer only implies it.
    pub surety: Surety,
    /// The state, if the log shows it; of a pod without node and addresses, which are the life's.
    pub state: Option<Shared<State>>,
}

/// Versions that are kept of one life: the first and the latest.
const MOST_VERSIONS: usize = 8;
/// Addresses that are kept of one life.
const MOST_ADDRESSES: usize = 6;

/// One existence of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Plural resource name.
    pub resource: Str,
    /// Empty for objects of the cluster.
    pub namespace: Str,
    /// Its name.
    pub name: Str,
    /// Its uid, if the log says.
    pub uid: Str,
    /// When it began.
    pub begin: Bound,
    /// When it ended; nothing if the log does not show an end.
    pub end: Option<Bound>,
    /// The last record that shows it.
    pub last_seen: Time,
    /// Who created it.
    pub created_by: Option<Box<Act>>,
    /// Who deleted it, first if several did.
    pub deleted_by: Option<Box<Act>>,
    /// Owners that a body names.
    pub owners: Vec<Owner>,
    /// Labels that a body shows.
    pub labels: Vec<(Str, Str)>,
    /// Node of a pod.
    pub node: Option<Told>,
    /// Service account of a pod, in its namespace.
    pub account: Option<Told>,
    /// Addresses of a pod, node or service.
    pub addresses: Vec<Told>,
    /// `status.phase` of a pod, the last that was seen.
    pub phase: Str,
    /// Versions in order of time.
    pub versions: Vec<Version>,
    /// Versions between the first and the others that are no longer kept.
    pub versions_dropped: u32,
}

impl Life {
    /// The entity name (`pod:shop/cart-1`).
    pub fn entity(&self) -> String {
        match self.resource.as_str() {
            "namespaces" => entity::namespace(&self.name),
            "serviceaccounts" => entity::service_account(&self.namespace, &self.name),
            resource => entity::object(resource, &self.namespace, &self.name),
        }
    }

    /// How sure it is that it existed at a time; unknown also means that it may not have.
    pub fn existed_at(&self, time: Time) -> Surety {
        if time < self.begin.time {
            return Surety::Unknown;
        }
        match &self.end {
            Some(end) if time >= end.time => Surety::Unknown,
            _ if time <= self.last_seen => Surety::Proved,
            _ => Surety::Inferred,
        }
    }

    /// The version at a time.
    pub fn version_at(&self, time: Time) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.time <= time)
    }

    /// The last state that the log shows.
    pub fn state(&self) -> Option<&State> {
        self.versions.iter().rev().find_map(|version| version.state.as_deref())
    }

    /// The controlling owner: by a body, else by the form of a generated name.
    pub fn owner(&self) -> Option<(Owner, Surety)> {
        let controls = self.owners.iter().find(|owner| owner.controller);
        if let Some(owner) = controls.or(self.owners.first()) {
            return Some((owner.clone(), Surety::Proved));
        }
        if !self.versions.iter().any(|version| version.surety == Surety::Proved) {
            return names::owner(&self.resource, &self.name).map(|owner| (owner, Surety::Inferred));
        }
        None
    }

    pub(super) fn see(&mut self, time: Time) {
        self.last_seen = self.last_seen.max(time);
    }

    /// Says where an address belongs; a surer word replaces a guess.
    pub(super) fn told_address(&mut self, address: &str, surety: Surety, witness: Witness) -> bool {
        if let Some(known) = self.addresses.iter_mut().find(|known| known.value == address) {
            if known.surety < surety {
                *known = Told { value: address.into(), surety, witness };
            }
            return false;
        }
        if surety == Surety::Proved {
            self.addresses.retain(|known| known.surety == Surety::Proved);
        } else if !self.addresses.is_empty() {
            return false;
        }
        if self.addresses.len() >= MOST_ADDRESSES {
            self.addresses.remove(0);
        }
        self.addresses.reserve_exact(1);
        self.addresses.push(Told { value: address.into(), surety, witness });
        true
    }

    /// Adds a version; the second gives way when there are too many.
    pub(super) fn push_version(&mut self, version: Version) {
        if self.versions.len() >= MOST_VERSIONS {
            self.versions.remove(1);
            self.versions_dropped = self.versions_dropped.saturating_add(1);
        }
        self.versions.reserve_exact(1);
        let at = self.versions.partition_point(|known| known.time <= version.time);
        self.versions.insert(at, version);
    }
}

/// Sets a value unless a surer one is known.
pub(super) fn tell(place: &mut Option<Told>, value: &str, surety: Surety, witness: &Witness) {
    let is_better = place.as_ref().is_none_or(|known| {
        known.surety < surety || known.surety == surety && known.value != value
    });
    if !value.is_empty() && is_better {
        *place = Some(Told { value: value.into(), surety, witness: witness.clone() });
    }
}
