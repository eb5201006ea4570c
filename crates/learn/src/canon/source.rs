//! Where a request came from, as a class that a restarted pod or a new lease of an address does not
//! change.
//!
//! Only the last of `sourceIPs` counts: what stands before it is written by the client. Addresses of
//! nodes are known from the kubelets that use them, those of the control plane from its components,
//! the network of pods from tokens that are bound to pods. Whatever else is private or public is
//! named by its block (/24, /48), which is as near as a VPN, an office or a NAT keeps still. Clouds'
//! public ranges are not told from others: the lists change, and a crate without I/O has none.

use crate::symbol::{Sort, Symbol, Table};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};
use trailhound_model::principal::{Principal, PrincipalKind};

/// The class of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// There is no address, or it is none.
    Unknown,
    /// The machine of the API server itself.
    Loopback,
    /// A node.
    Node,
    /// A machine of the control plane.
    ControlPlane,
    /// The network of pods.
    Pod,
    /// Another private block.
    Private(Block),
    /// A public block.
    Public(Block),
}

/// An address cut to its block: /24 of IPv4, /48 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block(IpAddr);

impl Block {
    fn of(address: IpAddr) -> Block {
        match address {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Block(IpAddr::V4([a, b, c, 0].into()))
            }
            IpAddr::V6(v6) => {
                let [a, b, c, ..] = v6.segments();
                Block(IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)))
            }
        }
    }

    fn text(self) -> String {
        match self.0 {
            IpAddr::V4(v4) => format!("{v4}/24"),
            IpAddr::V6(v6) => format!("{v6}/48"),
        }
    }

    fn key(self) -> u64 {
        key(self.0)
    }
}

fn key(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => Symbol(1).at(u64::from(v4.to_bits())).0,
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            Symbol((bits >> 64) as u64).at(bits as u64).0
        }
    }
}

impl Source {
    /// The symbol of the class.
    pub fn symbol(self) -> Symbol {
        let number = match self {
            Source::Unknown => 0,
            Source::Loopback => 1,
            Source::Node => 2,
            Source::ControlPlane => 3,
            Source::Pod => 4,
            Source::Private(block) | Source::Public(block) => block.key(),
        };
        Symbol(Sort::Source as u64).at(number)
    }

    /// The class in words.
    pub fn text(self) -> String {
        match self {
            Source::Unknown => "an unknown address".into(),
            Source::Loopback => "the control plane's own machine".into(),
            Source::Node => "a node".into(),
            Source::ControlPlane => "the control plane".into(),
            Source::Pod => "the pod network".into(),
            Source::Private(block) => format!("the private network {}", block.text()),
            Source::Public(block) => format!("the public network {}", block.text()),
        }
    }
}

/// What the log has taught of addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    machines: Table<Machine>,
    pod_blocks: Table<()>,
    left_out: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Machine {
    Node,
    ControlPlane,
}

/// Machines that are known by address.
const MOST_MACHINES: usize = 20_000;
/// Blocks of the pod network.
const MOST_BLOCKS: usize = 8_192;

impl Sources {
    /// The class of a request's address, and what the request teaches of it. `pod_bound` says that
    /// its token is bound to a pod.
    pub fn class(&mut self, address: &str, principal: &Principal, pod_bound: bool) -> Source {
        let Some(address) = parsed(address) else { return Source::Unknown };
        if address.is_loopback() {
            return Source::Loopback;
        }
        self.learn(address, principal, pod_bound);
        match self.machines.get(&key(address)) {
            Some(Machine::Node) => return Source::Node,
            Some(Machine::ControlPlane) => return Source::ControlPlane,
            None => {}
        }
        let block = Block::of(address);
        if !is_private(address) {
            return Source::Public(block);
        }
        if self.pod_blocks.contains_key(&block.key()) {
            Source::Pod
        } else {
            Source::Private(block)
        }
    }

    fn learn(&mut self, address: IpAddr, principal: &Principal, pod_bound: bool) {
        let machine = match principal.actor().kind {
            PrincipalKind::Node => Machine::Node,
            PrincipalKind::ControlPlane => Machine::ControlPlane,
            PrincipalKind::ServiceAccount if pod_bound && is_private(address) => {
                return self.learn_pod(address);
            }
            _ => return,
        };
        // Whoever holds a node's credential elsewhere must not make his address a node's.
        if !is_private(address) {
            return;
        }
        let key = key(address);
        if self.machines.contains_key(&key) {
            return;
        }
        if self.machines.len() >= MOST_MACHINES {
            self.left_out += 1;
            return;
        }
        self.machines.insert(key, machine);
    }

    /// Pods on the node's network have its address: that block is no pod network.
    fn learn_pod(&mut self, address: IpAddr) {
        let block = Block::of(address).key();
        if self.machines.contains_key(&key(address)) || self.pod_blocks.contains_key(&block) {
            return;
        }
        if self.pod_blocks.len() >= MOST_BLOCKS {
            self.left_out += 1;
            return;
        }
        self.pod_blocks.insert(block, ());
    }

    /// Addresses that found no room.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn parsed(text: &str) -> Option<IpAddr> {
    let text = text.split('%').next().unwrap_or_default();
    Some(text.parse::<IpAddr>().ok()?.to_canonical())
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = matches!(v4.octets(), [100, 64..=127, ..]);
            v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{event::User, principal::Identity};

    fn principal(name: &str) -> Principal {
        let user = User { name: name.into(), ..User::default() };
        Principal { effective: Identity::of(&user), real: None }
    }

    fn class(sources: &mut Sources, address: &str, name: &str, bound: bool) -> String {
        sources.class(address, &principal(name), bound).text()
    }

    const SA: &str = "system:serviceaccount:shop:cart";

    #[test]
    fn addresses_become_classes() {
        let mut sources = Sources::default();
        for (address, name, bound, expected) in [
            ("127.0.0.1", "system:apiserver", false, "the control plane's own machine"),
            ("::1", "system:apiserver", false, "the control plane's own machine"),
            ("10.0.1.11", "system:node:n1", false, "a node"),
            ("10.0.1.11", "alice", false, "a node"),
            ("10.0.0.10", "system:kube-scheduler", false, "the control plane"),
            ("10.244.1.21", SA, true, "the pod network"),
            ("10.244.1.99", SA, true, "the pod network"),
            ("::ffff:10.244.1.5", SA, true, "the pod network"),
            ("10.8.0.17", "alice", false, "the private network 10.8.0.0/24"),
            ("100.64.3.2", "alice", false, "the private network 100.64.3.0/24"),
            ("203.0.113.20", "alice", false, "the public network 203.0.113.0/24"),
            ("2001:db8:1:2::5", "alice", false, "the public network 2001:db8:1::/48"),
            ("fd00:1:2:3::5", "alice", false, "the private network fd00:1:2::/48"),
            ("fe80::1%eth0", "alice", false, "the private network fe80::/48"),
            ("", "alice", false, "an unknown address"),
            ("not an address", "alice", false, "an unknown address"),
        ] {
            assert_eq!(class(&mut sources, address, name, bound), expected, "{address}");
        }
    }

    #[test]
    fn a_pod_on_the_nodes_network_does_not_make_it_the_pod_network() {
        let mut sources = Sources::default();
        class(&mut sources, "10.0.1.11", "system:node:n1", false);
        assert_eq!(class(&mut sources, "10.0.1.11", SA, true), "a node");
        assert_eq!(
            class(&mut sources, "10.0.1.77", "alice", false),
            "the private network 10.0.1.0/24"
        );
    }

    #[test]
    fn a_stolen_node_credential_used_from_outside_does_not_make_a_node() {
        let mut sources = Sources::default();
        assert_eq!(
            class(&mut sources, "198.51.100.7", "system:node:n1", false),
            "the public network 198.51.100.0/24"
        );
    }

    #[test]
    fn a_flood_of_addresses_finds_its_bound() {
        let mut sources = Sources::default();
        for n in 0..2 * MOST_MACHINES {
            let address = format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
            class(&mut sources, &address, "system:node:n", false);
        }
        assert_eq!(sources.machines.len(), MOST_MACHINES);
        assert_eq!(sources.left_out(), MOST_MACHINES as u64);
    }
}
