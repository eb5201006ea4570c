//! Lives, found by name, uid and address, and never more than fit: whoever may create objects could
//! otherwise fill our memory.

use super::life::Life;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;
use trailhound_model::{Map, Str};

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Lives without an end. More are not taken.
    pub live: usize,
    /// Lives that are over. The oldest are forgotten first.
    pub dead: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { live: 120_000, dead: 20_000 }
    }
}

/// What did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Objects that were not taken because too many exist.
    pub refused: u64,
    /// Lives that were over and are forgotten.
    pub forgotten: u64,
}

/// The name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) resource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
}

pub(super) type Ids = SmallVec<[u32; 2]>;
type Names = Map<Str, Map<Str, Map<Str, Ids>>>;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Store {
    limits: Limits,
    lives: Map<u32, Box<Life>>,
    names: Names,
    pod_uids: Map<Str, u32>,
    addresses: Map<Str, Ids>,
    /// In the order of their ends; some may live again.
    dead: VecDeque<u32>,
    ended: usize,
    next: u32,
    pub(super) dropped: Dropped,
}

impl Store {
    pub(super) fn new(limits: Limits) -> Store {
        Store { limits, ..Store::default() }
    }

    pub(super) fn ids(&self, key: Key<'_>) -> &[u32] {
        let namespaces = self.names.get(key.resource);
        let names = namespaces.and_then(|namespaces| namespaces.get(key.namespace));
        names.and_then(|names| names.get(key.name)).map_or(&[], |ids| ids.as_slice())
    }

    pub(super) fn get(&self, id: u32) -> Option<&Life> {
        self.lives.get(&id).map(AsRef::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Life> {
        self.lives.get_mut(&id).map(AsMut::as_mut)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Life> {
        self.lives.sorted().into_iter().map(|(_, life)| life.as_ref())
    }

    pub(super) fn pod_by_uid(&self, uid: &str) -> Option<u32> {
        self.pod_uids.get(uid).copied()
    }

    pub(super) fn by_address(&self, address: &str) -> &[u32] {
        self.addresses.get(address).map_or(&[], |ids| ids.as_slice())
    }

    /// Lives of a resource by namespace and name.
    pub(super) fn of_resource(&self, resource: &str) -> impl Iterator<Item = &Life> {
        let namespaces = self.names.get(resource).into_iter().flat_map(Map::sorted);
        let ids = namespaces.flat_map(|(_, names)| names.sorted()).flat_map(|(_, ids)| ids);
        ids.filter_map(|id| self.get(*id))
    }

    /// The same in one namespace.
    pub(super) fn of_namespace(&self, resource: &str, namespace: &str) -> Vec<u32> {
        let names = self.names.get(resource).and_then(|spaces| spaces.get(namespace));
        names.into_iter().flat_map(Map::sorted).flat_map(|(_, ids)| ids).copied().collect()
    }

    pub(super) fn resources(&self) -> impl Iterator<Item = &Str> {
        self.names.sorted().into_iter().map(|(resource, _)| resource)
    }

    /// Takes a new life; nothing if there are too many.
    pub(super) fn open(&mut self, life: Life) -> Option<u32> {
        if self.lives.len().saturating_sub(self.ended) >= self.limits.live {
            self.dropped.refused += 1;
            return None;
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let spaces = self.names.entry(life.resource.clone()).or_default();
        let names = spaces.entry(life.namespace.clone()).or_default();
        names.entry(life.name.clone()).or_default().push(id);
        self.lives.insert(id, Box::new(life));
        self.index_uid(id);
        Some(id)
    }

    /// To be called when a life has learned its uid.
    pub(super) fn index_uid(&mut self, id: u32) {
        let Some(life) = self.lives.get(&id) else { return };
        if life.resource == "pods" && !life.uid.is_empty() {
            self.pod_uids.insert(life.uid.clone(), id);
        }
    }

    /// To be called when a life has a new address.
    pub(super) fn index_address(&mut self, id: u32, address: &str) {
        let ids = self.addresses.entry(address.into()).or_default();
        if !ids.contains(&id) {
            if ids.len() >= MOST_PER_ADDRESS {
                ids.remove(0);
            }
            ids.push(id);
        }
    }

    /// To be called when a life has come to its end.
    pub(super) fn close(&mut self, id: u32) {
        self.ended += 1;
        self.dead.push_back(id);
        while self.ended > self.limits.dead {
            let Some(oldest) = self.dead.pop_front() else { break };
            if self.get(oldest).is_some_and(|life| life.end.is_some()) {
                self.forget(oldest);
            }
        }
    }

    /// To be called when an end proved to be none.
    pub(super) fn reopen(&mut self) {
        self.ended = self.ended.saturating_sub(1);
    }

    fn forget(&mut self, id: u32) {
        let Some(life) = self.lives.remove(&id) else { return };
        self.ended = self.ended.saturating_sub(1);
        self.dropped.forgotten += 1;
        if self.pod_uids.get(&life.uid) == Some(&id) {
            self.pod_uids.remove(&life.uid);
        }
        for address in &life.addresses {
            drop_id(&mut self.addresses, &address.value, id);
        }
        let Some(spaces) = self.names.get_mut(&life.resource) else { return };
        let Some(names) = spaces.get_mut(&life.namespace) else { return };
        drop_id(names, &life.name, id);
        if names.is_empty() {
            spaces.remove(&life.namespace);
        }
    }
}

/// Lives that one address is remembered for.
const MOST_PER_ADDRESS: usize = 16;

fn drop_id(map: &mut Map<Str, Ids>, key: &str, id: u32) {
    let Some(ids) = map.get_mut(key) else { return };
    ids.retain(|known| *known != id);
    if ids.is_empty() {
        map.remove(key);
    }
}
