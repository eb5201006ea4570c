//! Renames IPv4 addresses so that what can be told from them stays: private stays private, public
//! stays public, and two addresses share exactly as many leading octets as before. Zero stays zero,
//! so that networks (`10.244.2.0/24`) still contain their hosts.

use super::hash::Hash;
use std::collections::{HashMap, HashSet};

/// Maps addresses one to one.
#[derive(Debug)]
pub(super) struct Addresses {
    hash: Hash,
    octets: HashMap<Vec<u8>, u8>,
    taken: HashSet<Vec<u8>>,
    seen: HashSet<[u8; 4]>,
}

/// First octets with a meaning of their own: never given to a public address.
const SPECIAL: [u8; 9] = [10, 100, 127, 169, 172, 192, 198, 203, 0];

impl Addresses {
    /// No addresses yet.
    pub(super) fn new(hash: Hash) -> Addresses {
        let (octets, taken, seen) = (HashMap::new(), HashSet::new(), HashSet::new());
        Addresses { hash, octets, taken, seen }
    }

    /// How many addresses were renamed.
    pub(super) fn count(&self) -> usize {
        self.seen.len()
    }

    /// The new address.
    pub(super) fn map(&mut self, old: [u8; 4]) -> [u8; 4] {
        let kept = kept_octets(old);
        if kept == 4 {
            return old;
        }
        self.seen.insert(old);
        let mut new: Vec<u8> = old.iter().take(kept).copied().collect();
        for length in kept..4 {
            let prefix = old.get(..=length).unwrap_or_default();
            let octet = self.octet(prefix, &new);
            new.push(octet);
        }
        new.try_into().unwrap_or(old)
    }

    fn octet(&mut self, prefix: &[u8], parent: &[u8]) -> u8 {
        if let Some(octet) = self.octets.get(prefix) {
            return *octet;
        }
        let own = prefix.last().copied().unwrap_or_default();
        let start = self.hash.of(prefix) as u8;
        let free = (0..=255u8).map(|step| start.wrapping_add(step)).find(|octet| {
            let mut candidate = parent.to_vec();
            candidate.push(*octet);
            is_allowed(&candidate) && !self.taken.contains(&candidate)
        });
        let octet = if own == 0 && !parent.is_empty() { 0 } else { free.unwrap_or(own) };
        let mut full = parent.to_vec();
        full.push(octet);
        self.taken.insert(full);
        self.octets.insert(prefix.to_vec(), octet);
        octet
    }
}

/// How many leading octets say what kind of address it is. All four: not an address of a host.
fn kept_octets(old: [u8; 4]) -> usize {
    match old {
        [0 | 127 | 224..=255, ..] | [169, 254, ..] => 4,
        [10, ..] => 1,
        [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => 2,
        _ => 0,
    }
}

fn is_allowed(prefix: &[u8]) -> bool {
    match prefix {
        [first] => (11..=223).contains(first) && !SPECIAL.contains(first),
        [_, .., last] => *last != 0 && *last != 255,
        [] => false,
    }
}

/// Reads `1.2.3.4`.
pub(super) fn parse(text: &str) -> Option<[u8; 4]> {
    text.parse::<std::net::Ipv4Addr>().ok().map(|address| address.octets())
}

/// Reads `ip-10-0-1-11`, the name that a cloud gives to a machine.
pub(super) fn parse_host(text: &str) -> Option<[u8; 4]> {
    text.strip_prefix("ip-").and_then(|rest| parse(&rest.replace('-', ".")))
}

/// Writes an address with a separator.
pub(super) fn join(address: [u8; 4], separator: &str) -> String {
    address.map(|octet| octet.to_string()).join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses::new(Hash::new(7))
    }

    fn shared(a: [u8; 4], b: [u8; 4]) -> usize {
        a.iter().zip(b).take_while(|(a, b)| **a == *b).count()
    }

    #[test]
    fn shared_prefixes_stay_exactly_as_long() {
        let old = [
            [10, 0, 1, 11],
            [10, 0, 1, 12],
            [10, 0, 0, 10],
            [10, 244, 1, 7],
            [203, 0, 113, 5],
            [203, 0, 113, 9],
            [45, 155, 205, 99],
        ];
        let mut addresses = addresses();
        let new: Vec<[u8; 4]> = old.iter().map(|one| addresses.map(*one)).collect();
        for (a, new_a) in old.iter().zip(&new) {
            for (b, new_b) in old.iter().zip(&new) {
                assert_eq!(
                    shared(*a, *b),
                    shared(*new_a, *new_b),
                    "{a:?} {b:?} {new_a:?} {new_b:?}"
                );
            }
        }
    }

    #[test]
    fn private_stays_private_and_public_stays_public() {
        let mut addresses = addresses();
        assert_eq!(addresses.map([10, 1, 2, 3])[0], 10);
        assert_eq!(addresses.map([192, 168, 2, 3])[..2], [192, 168]);
        assert_eq!(addresses.map([172, 20, 2, 3])[..2], [172, 20]);
        let public = addresses.map([198, 51, 100, 23]);
        assert!(!SPECIAL.contains(&public[0]), "{public:?}");
        assert_ne!(public, [198, 51, 100, 23]);
    }

    #[test]
    fn what_every_machine_knows_is_kept_and_networks_stay_networks() {
        let mut addresses = addresses();
        for kept in [[127, 0, 0, 1], [169, 254, 169, 254], [0, 0, 0, 0], [255, 255, 255, 0]] {
            assert_eq!(addresses.map(kept), kept);
        }
        assert_eq!(addresses.map([10, 244, 2, 0])[3], 0);
        assert_eq!(addresses.map([10, 244, 0, 0])[2..], [0, 0]);
    }

    #[test]
    fn machine_names_carry_addresses() {
        assert_eq!(parse_host("ip-10-0-1-11"), Some([10, 0, 1, 11]));
        assert_eq!(parse_host("ip-10-0-1"), None);
    }
}
