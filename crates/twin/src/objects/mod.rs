//! What exists when: every object as intervals of existence with its versions, each fact with the
//! record that says it.
//!
//! Bodies say most. Where there are none, what remains still says much: bindings and status writes
//! name pods and nodes, a pod's token names its pod, the authorizer's reasons name roles and their
//! bindings, and a 404 proves that something is not there.

mod life;
mod mounts;
mod names;
mod pending;
mod present;
mod reasons;
mod state;
mod store;
mod take;
mod uses;

pub use life::{Act, Bound, Edge, Facet, Life, Told, Version};
pub use store::{Dropped, Limits};
pub use uses::Uses;

use mounts::Mounts;
use pending::Pending;
use reasons::Reasons;
use serde::{Deserialize, Serialize};
use state::Siblings;
use store::{Key, Store};
use trailhound_model::{
    Str, entity,
    fact::Fact,
    observed::{Surety, Witness},
    time::Time,
};
use uses::AllUses;

/// All objects of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Objects {
    store: Store,
    pending: Pending,
    reasons: Reasons,
    mounts: Mounts,
    siblings: Siblings,
    uses: AllUses,
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It came into being.
    Created,
    /// It was changed.
    Changed,
    /// A binding was made or changed: somebody has other rights now.
    Granted,
    /// It was deleted.
    Deleted,
}

/// One change of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// When.
    pub time: Time,
    /// What.
    pub kind: ChangeKind,
    /// To what.
    pub entity: Str,
    /// By whom; empty if the log does not say.
    pub who: Str,
    /// What differs.
    pub facets: Vec<Facet>,
    /// How sure it is.
    pub surety: Surety,
    /// The record.
    pub witness: Witness,
}

impl Objects {
    /// With other limits than the usual ones.
    pub fn with_limits(limits: Limits) -> Objects {
        Objects { store: Store::new(limits), ..Objects::default() }
    }

    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        self.uses.observe(fact);
        self.take_reason(fact);
        self.take_token_use(fact);
        self.take_request(fact);
    }

    /// Every life of a name, in the order in which they became known.
    pub fn lives<'a>(
        &'a self,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> impl DoubleEndedIterator<Item = &'a Life> {
        let ids = self.store.ids(Key { resource, namespace, name });
        ids.iter().filter_map(|id| self.store.get(*id))
    }

    /// Every life of every object of a resource, by namespace and name.
    pub fn all(&self, resource: &str) -> impl Iterator<Item = &Life> {
        self.store.of_resource(resource)
    }

    /// The object of a name at a time, with the version that it then had.
    pub fn at(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        time: Time,
    ) -> Option<(&Life, Option<&Version>)> {
        let mut lives = self.lives(resource, namespace, name).rev();
        let life = lives.find(|life| life.existed_at(time) > Surety::Unknown)?;
        Some((life, life.version_at(time)))
    }

    /// Objects of a resource that existed at a time, by namespace and name.
    pub fn existing(&self, resource: &str, time: Time) -> impl Iterator<Item = &Life> {
        self.all(resource).filter(move |life| life.existed_at(time) > Surety::Unknown)
    }

    /// The pod with this uid.
    pub fn pod_by_uid(&self, uid: &str) -> Option<&Life> {
        self.store.get(self.store.pod_by_uid(uid)?)
    }

    /// Pods that had this address at a time. On the node's own network there are many.
    pub fn pod_by_address(&self, address: &str, time: Time) -> Vec<&Life> {
        let ids = self.store.by_address(address).iter();
        ids.filter_map(|id| self.store.get(*id))
            .filter(|life| life.resource == "pods" && life.existed_at(time) > Surety::Unknown)
            .collect()
    }

    /// Pods that ran as this service account at a time.
    pub fn pods_of_account(&self, namespace: &str, account: &str, time: Time) -> Vec<&Life> {
        let ids = self.store.of_namespace("pods", namespace).into_iter();
        ids.filter_map(|id| self.store.get(id))
            .filter(|life| life.existed_at(time) > Surety::Unknown)
            .filter(|life| life.account.as_ref().is_some_and(|told| told.value == account))
            .collect()
    }

    /// Lives that an entity name means (`pod:shop/cart-1`, `node:n1`, `deployment:shop/cart`).
    pub fn resolve(&self, entity: &str) -> Vec<&Life> {
        let Some((kind, path)) = entity.split_once(':') else { return Vec::new() };
        let (namespace, name) = path.split_once('/').unwrap_or(("", path));
        let is_meant = |resource: &str| match kind {
            "ns" => resource == "namespaces",
            "sa" => resource == "serviceaccounts",
            _ => entity::singular(resource) == kind || resource == kind,
        };
        let resources = self.store.resources().filter(|resource| is_meant(resource));
        resources.flat_map(|resource| self.lives(resource, namespace, name)).collect()
    }

    /// Every life of every object, in the order in which they became known.
    pub fn everything(&self) -> impl Iterator<Item = &Life> {
        self.store.all()
    }

    /// Lives with a kind and name in any namespace: for whoever does not say which.
    pub fn named<'a>(&'a self, kind: &'a str, name: &'a str) -> impl Iterator<Item = &'a Life> {
        let is_meant = move |resource: &&Str| {
            entity::singular(resource) == kind || kind == "sa" && *resource == "serviceaccounts"
        };
        let resources = self.store.resources().filter(is_meant);
        resources
            .flat_map(|resource| self.store.of_resource(resource))
            .filter(move |life| life.name == name)
    }

    /// How a service account used the API.
    pub fn uses(&self, namespace: &str, account: &str) -> Option<&Uses> {
        self.uses.of(&format!("system:serviceaccount:{namespace}:{account}"))
    }

    /// Requests of service accounts that were not counted because there were too many accounts.
    pub fn uses_left_out(&self) -> u64 {
        self.uses.left_out
    }

    /// What did not fit.
    pub fn dropped(&self) -> Dropped {
        self.store.dropped
    }

    /// What changed from one time up to another, in order.
    pub fn changes(&self, from: Time, to: Time) -> Vec<Change> {
        let within = |change: &Change| from <= change.time && change.time < to;
        let mut found: Vec<Change> = self.store.all().flat_map(changes_of).filter(within).collect();
        found.sort_by(|a, b| (a.time, &a.entity, a.kind).cmp(&(b.time, &b.entity, b.kind)));
        found
    }
}

fn changes_of(life: &Life) -> Vec<Change> {
    let is_binding = life.resource.ends_with("rolebindings");
    let of = |kind: ChangeKind, time: Time, who: &Str, surety: Surety, witness: &Witness| Change {
        time,
        kind: if is_binding && kind != ChangeKind::Deleted { ChangeKind::Granted } else { kind },
        entity: life.entity().into(),
        who: who.clone(),
        facets: Vec::new(),
        surety,
        witness: witness.clone(),
    };
    let created = life
        .created_by
        .iter()
        .map(|act| of(ChangeKind::Created, act.witness.time, &act.who, act.surety, &act.witness));
    let is_change = |version: &&Version| {
        !version.who.is_empty() && version.changed.first() != Some(&Facet::Created)
    };
    let changed = life.versions.iter().filter(is_change).map(|one| Change {
        facets: one.changed.clone(),
        ..of(ChangeKind::Changed, one.time, &one.who, one.surety, &one.witness)
    });
    let deleted = life
        .deleted_by
        .iter()
        .map(|act| of(ChangeKind::Deleted, act.witness.time, &act.who, act.surety, &act.witness));
    created.chain(changed).chain(deleted).collect()
}
