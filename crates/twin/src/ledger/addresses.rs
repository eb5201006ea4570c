//! What an address says: whose kubelet it is, which pods use it, and who else came from it.
//!
//! Only first uses teach, and a network belongs to a node only when several pods of that node were
//! seen in it: a thief at one address must not make it a home. Where kubelets share addresses (NAT, a
//! load balancer) addresses tell nothing, and everything that would follow from them is unknown.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use trailhound_model::{Map, Str};

/// Addresses that are remembered.
const MOST_ADDRESSES: usize = 60_000;
/// Nodes that are remembered.
const MOST_NODES: usize = 20_000;
/// Identities, pods and nodes that are kept of an address; beyond this it is shared.
const SHARED_BY: usize = 4;
/// Pods of a node at different addresses of a network that make it the node's.
const ENOUGH_PODS: usize = 3;
/// Networks kept of a node.
const MOST_NETWORKS: usize = 8;

type Prefix = (u128, bool);

/// Who uses an address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Users {
    pods: Vec<Str>,
    nodes: Vec<Str>,
    identities: Vec<Str>,
}

/// Addresses of one node's kubelet, and the networks of its pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct NodePlaces {
    kubelet: Vec<Str>,
    networks: Vec<(Prefix, Vec<u128>)>,
}

/// All addresses of a cluster's clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Addresses {
    users: Map<Str, Users>,
    nodes: Map<Str, NodePlaces>,
    distinct_kubelets: u64,
    shared_kubelets: u64,
    /// Addresses and nodes that were not taken in because there were too many.
    pub(super) dropped: u64,
}

impl Addresses {
    /// An identity used an address for the first time.
    pub(super) fn identity(&mut self, address: &str, entity: &str) {
        if let Some(users) = self.users(address) {
            keep(&mut users.identities, entity);
        }
    }

    /// A node's kubelet used an address for the first time.
    pub(super) fn kubelet(&mut self, address: &str, node: &str) {
        let Some(users) = self.users(address) else { return };
        let before = users.nodes.len();
        keep(&mut users.nodes, node);
        let now = users.nodes.len();
        if now > before {
            self.distinct_kubelets += u64::from(now == 1);
            self.shared_kubelets += u64::from(now == 2);
        }
        if let Some(places) = self.node_mut(node) {
            keep(&mut places.kubelet, address);
        }
    }

    /// A pod's token was used for the first time, here.
    pub(super) fn pod(&mut self, address: &str, pod: &str, node: &str) {
        let Some(users) = self.users(address) else { return };
        keep(&mut users.pods, pod);
        let (Some((bits, prefix)), false) = (parse(address), node.is_empty()) else { return };
        let Some(places) = self.node_mut(node) else { return };
        let networks = &mut places.networks;
        if let Some((_, members)) = networks.iter_mut().find(|(network, _)| *network == prefix) {
            if members.len() < ENOUGH_PODS && !members.contains(&bits) {
                members.push(bits);
            }
        } else if networks.len() < MOST_NETWORKS {
            networks.push((prefix, vec![bits]));
        }
    }

    fn users(&mut self, address: &str) -> Option<&mut Users> {
        if address.is_empty() {
            return None;
        }
        if !self.users.contains_key(address) {
            if self.users.len() >= MOST_ADDRESSES {
                self.dropped += 1;
                return None;
            }
            self.users.insert(address.into(), Users::default());
        }
        self.users.get_mut(address)
    }

    fn node_mut(&mut self, node: &str) -> Option<&mut NodePlaces> {
        if !self.nodes.contains_key(node) {
            if self.nodes.len() >= MOST_NODES {
                self.dropped += 1;
                return None;
            }
            self.nodes.insert(node.into(), NodePlaces::default());
        }
        self.nodes.get_mut(node)
    }

    /// Whether clients reach the API server with addresses of their own: at least two kubelets do, and
    /// hardly any share one.
    pub(super) fn tell_apart(&self) -> bool {
        self.distinct_kubelets >= 2 && self.shared_kubelets * 8 <= self.distinct_kubelets
    }

    /// Whether several nodes or many pods use the address.
    pub(super) fn is_shared(&self, address: &str) -> bool {
        self.users
            .get(address)
            .is_some_and(|users| users.nodes.len() > 1 || users.pods.len() >= SHARED_BY)
    }

    /// Whether it is the address of some kubelet.
    pub(super) fn is_kubelet(&self, address: &str) -> bool {
        self.users.get(address).is_some_and(|users| !users.nodes.is_empty())
    }

    /// Whether it is an address of this node, or in the network of its pods. `None` if too little is
    /// known of the node's pods to say no.
    pub(super) fn is_of_node(&self, address: &str, node: &str) -> Option<bool> {
        let places = self.nodes.get(node)?;
        if places.kubelet.iter().any(|known| known == address) {
            return Some(true);
        }
        let (_, prefix) = parse(address)?;
        let firm: Vec<&Prefix> = places
            .networks
            .iter()
            .filter(|(_, members)| members.len() >= ENOUGH_PODS)
            .map(|(network, _)| network)
            .collect();
        if places.networks.iter().any(|(network, _)| *network == prefix) {
            // One pod alone does not make it the node's, but nobody can say that it is not.
            return firm.contains(&&prefix).then_some(true);
        }
        let same_family = firm.iter().any(|(_, v6)| *v6 == prefix.1);
        (same_family && !places.kubelet.is_empty()).then_some(false)
    }

    /// Identities that came from an address, and whether there are more than are kept.
    pub(super) fn identities(&self, address: &str) -> (&[Str], bool) {
        self.users
            .get(address)
            .map_or((&[], false), |users| (&users.identities, users.identities.len() >= SHARED_BY))
    }
}

fn keep(known: &mut Vec<Str>, one: &str) {
    if known.len() < SHARED_BY && !known.iter().any(|other| other == one) {
        known.push(one.into());
    }
}

/// The address as a number and its /24 or /64.
fn parse(address: &str) -> Option<(u128, Prefix)> {
    match address.parse().ok()? {
        IpAddr::V4(v4) => {
            let bits = u128::from(v4.to_bits());
            Some((bits, (bits >> 8, false)))
        }
        IpAddr::V6(v6) => Some((v6.to_bits(), (v6.to_bits() >> 64, true))),
    }
}

/// Whether two addresses can be compared at all: the same family, and none of them the machine itself.
pub(super) fn comparable(one: &str, other: &str) -> bool {
    let parsed = |text: &str| text.parse::<IpAddr>().ok().filter(|address| !address.is_loopback());
    matches!((parsed(one), parsed(other)), (Some(a), Some(b)) if a.is_ipv4() == b.is_ipv4())
}
