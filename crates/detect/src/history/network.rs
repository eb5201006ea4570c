//! Where the cluster's own clients live: learned from kubelets and from tokens bound to pods, so
//! that a pod's token from elsewhere stands out without anybody configuring a CIDR.
//!
//! A network counts as the cluster's only if several different addresses of it were seen with
//! pod-bound tokens, or a kubelet: a thief at one address never makes that address a home, however
//! many tokens he has.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use trailhound_model::{
    Map, Str, credential::CredentialKind, fact::Fact, lookup::Truth, principal::PrincipalKind,
};

/// Addresses in a narrow network (/24, /64) that make it the cluster's.
const NARROW_ENOUGH: usize = 3;
/// Addresses in a wide network (/16, /48) that make it the cluster's.
const WIDE_ENOUGH: usize = 4;
/// Most networks and pods that are remembered.
const MOST: usize = 200_000;
/// Addresses of pods that must be known before "not among them" says something about a public
/// address …
const HOMES_FOR_PUBLIC: usize = 8;
/// … and about a private one, which may well be another network of the cluster's own.
const HOMES_FOR_PRIVATE: usize = 24;
/// Pods at one address beyond which the address is shared (NAT, host network).
const SHARED_BY: usize = 3;

/// Wide networks of pods in one private block that show that the pods' range is a large one, of which
/// not every network need have been met.
const RANGE_OF: u32 = 3;

/// A network: the kept bits and how many they are.
type Prefix = (u128, u8);

/// Addresses of one network, up to the number that matters.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Members {
    addresses: Vec<u128>,
    node: bool,
}

/// Networks and pods of one cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Networks {
    members: Map<Prefix, Members>,
    pods: Map<Str, Vec<Str>>,
    sharers: Map<Str, Vec<Str>>,
    homes: HashSet<u128>,
    /// By the first octet of private v4 addresses.
    ranges: BTreeMap<u8, Range>,
}

/// The wide networks (/16) of one private block that are the cluster's.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Range {
    first: u16,
    last: u16,
    count: u32,
}

impl Range {
    /// Whether a network may be of the range that was given to the cluster, of which some networks were
    /// seen. Ranges are blocks of a power of two: the least that holds all that were seen, or twice
    /// that.
    fn may_hold(self, network: u16) -> bool {
        let differ = u16::BITS - (self.first ^ self.last).leading_zeros();
        let kept = |network: u16| u32::from(network) >> (differ + 1);
        self.count >= RANGE_OF && kept(network) == kept(self.first)
    }
}

impl Networks {
    /// Adds what the event shows. `new_address` says that its actor had not used the address.
    pub(super) fn observe(&mut self, fact: &Fact, new_address: bool) {
        let bound = fact.credential.kind == CredentialKind::PodToken;
        if bound {
            self.observe_pod(&fact.credential.pod_uid, fact.event.source_ip());
        }
        let node = fact.principal.actor().kind == PrincipalKind::Node;
        if !new_address || !(bound || node) {
            return;
        }
        let Some(address) = parse(fact.event.source_ip()) else { return };
        for prefix in prefixes(address) {
            if self.members.len() >= MOST && !self.members.contains_key(&prefix) {
                continue;
            }
            let members = self.members.entry(prefix).or_default();
            members.node |= node && prefix.1 == narrow_bits(address);
            let bits = bits_of(address);
            if members.addresses.len() < WIDE_ENOUGH && !members.addresses.contains(&bits) {
                members.addresses.push(bits);
                if members.addresses.len() == WIDE_ENOUGH && prefix.1 == 16 {
                    self.widen(address);
                }
            }
        }
        if bound && self.homes.len() < 64 {
            self.homes.insert(bits_of(address));
        }
    }

    /// The wide network of an address has become the cluster's.
    fn widen(&mut self, address: IpAddr) {
        let Some((block, network)) = private_network(address) else { return };
        let new = Range { first: network, last: network, count: 0 };
        let range = self.ranges.entry(block).or_insert(new);
        range.first = range.first.min(network);
        range.last = range.last.max(network);
        range.count += 1;
    }

    fn observe_pod(&mut self, pod: &str, address: &str) {
        if pod.is_empty() {
            return;
        }
        if let Some(addresses) = self.pods.get_mut(pod) {
            if !addresses.iter().any(|known| known == address) && addresses.len() < 8 {
                addresses.push(address.into());
                Self::share(&mut self.sharers, pod, address);
            }
        } else if self.pods.len() < MOST {
            self.pods.insert(pod.into(), vec![address.into()]);
            Self::share(&mut self.sharers, pod, address);
        }
    }

    fn share(sharers: &mut Map<Str, Vec<Str>>, pod: &str, address: &str) {
        if sharers.len() >= MOST && !sharers.contains_key(address) {
            return;
        }
        let pods = sharers.entry(address.into()).or_default();
        if pods.len() <= SHARED_BY {
            pods.push(pod.into());
        }
    }

    /// Whether an address is outside all networks that are known to be the cluster's.
    pub(super) fn is_outside(&self, address: &str) -> Truth {
        let Some(address) = parse(address) else { return Truth::Unknown };
        if address.is_loopback() || prefixes(address).iter().any(|prefix| self.is_cluster(*prefix))
        {
            return Truth::False;
        }
        if is_private(address) && (self.may_be_in_range(address) || !self.homes_are_known()) {
            return Truth::Unknown;
        }
        let enough = if is_private(address) { HOMES_FOR_PRIVATE } else { HOMES_FOR_PUBLIC };
        if self.homes.len() >= enough && self.any_pod_network() {
            Truth::True
        } else {
            Truth::Unknown
        }
    }

    fn may_be_in_range(&self, address: IpAddr) -> bool {
        let place = private_network(address);
        let range = place.and_then(|(block, network)| Some((self.ranges.get(&block)?, network)));
        range.is_some_and(|(range, network)| range.may_hold(network))
    }

    /// Whether nearly all homes of pods lie in networks that are known as the cluster's. A cluster
    /// with a network for each node has many, and a private address may be in one not yet met.
    fn homes_are_known(&self) -> bool {
        let strange = |home: &&u128| {
            let address = address_of(**home);
            !prefixes(address).iter().any(|prefix| self.is_cluster(*prefix))
        };
        self.homes.iter().filter(strange).count() * 8 <= self.homes.len()
    }

    fn any_pod_network(&self) -> bool {
        self.members.values().any(|members| members.addresses.len() >= WIDE_ENOUGH)
    }

    fn is_cluster(&self, prefix: Prefix) -> bool {
        let enough = if matches!(prefix.1, 24 | 64) { NARROW_ENOUGH } else { WIDE_ENOUGH };
        self.members
            .get(&prefix)
            .is_some_and(|members| members.node || members.addresses.len() >= enough)
    }

    /// Whether a pod was seen at another address. Unknown where many pods share an address.
    pub(super) fn pod_moved(&self, pod: &str, address: &str) -> Truth {
        let Some(known) = self.pods.get(pod) else { return Truth::Unknown };
        let Some(home) = known.first() else { return Truth::Unknown };
        let same_family = home.contains(':') == address.contains(':');
        let shared = |ip: &str| self.sharers.get(ip).is_some_and(|pods| pods.len() > SHARED_BY);
        if home == address {
            Truth::False
        } else if !same_family || shared(home) || shared(address) {
            Truth::Unknown
        } else {
            Truth::True
        }
    }
}

fn parse(address: &str) -> Option<IpAddr> {
    address.parse().ok()
}

/// Private and shared address space (RFC 1918, RFC 6598, RFC 4193, link-local).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || a == 100 && (64..128).contains(&b)
        }
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// First octet and wide network of a private v4 address.
fn private_network(address: IpAddr) -> Option<(u8, u16)> {
    match address {
        IpAddr::V4(v4) if is_private(address) => {
            let [a, b, ..] = v4.octets();
            Some((a, u16::from_be_bytes([a, b])))
        }
        _ => None,
    }
}

fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The address again; a v4 address has no more than 32 bits.
fn address_of(bits: u128) -> IpAddr {
    u32::try_from(bits).map_or_else(
        |_| IpAddr::V6(std::net::Ipv6Addr::from_bits(bits)),
        |bits| IpAddr::V4(std::net::Ipv4Addr::from_bits(bits)),
    )
}

fn narrow_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 24 } else { 64 }
}

fn prefixes(address: IpAddr) -> [Prefix; 2] {
    match address {
        IpAddr::V4(v4) => {
            let bits = u128::from(v4.to_bits());
            [(bits >> 8, 24), (bits >> 16, 16)]
        }
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            [(bits >> 64, 64), (bits >> 80, 48)]
        }
    }
}
