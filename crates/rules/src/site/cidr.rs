//! Networks and fast look-ups among ten thousands of them.
//!
//! Two CIDR networks are nested or apart, never crossed. So all that cover an address are found by
//! one binary search and a walk outwards, of at most as many steps as an address has bits.

use std::net::IpAddr;

/// An IPv4 or IPv6 network. IPv4 written as IPv6 (`::ffff:10.0.0.1`) is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    start: u128,
    end: u128,
    v6: bool,
}

/// An address as a number, and whether it is of IPv6.
fn bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), false),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => (u128::from(v4.to_bits()), false),
            None => (v6.to_bits(), true),
        },
    }
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address. Says what is wrong with anything
    /// else.
    pub fn parse(text: &str) -> Result<Network, String> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr =
            address.trim().parse().map_err(|_| format!("`{text}` is no address or network"))?;
        let (start, v6) = bits(address);
        let written: u32 = if address.is_ipv6() { 128 } else { 32 };
        let width: u32 = if v6 { 128 } else { 32 };
        let length = match length {
            Some(length) => {
                let length: u32 = length.trim().parse().map_err(|_| wrong_length(text))?;
                let mapped = written - width;
                length.checked_sub(mapped).filter(|length| *length <= width)
            }
            None => Some(width),
        };
        let length = length.ok_or_else(|| wrong_length(text))?;
        let host = u128::MAX.checked_shr(128 - (width - length)).unwrap_or(0);
        if start & host != 0 {
            return Err(format!("`{text}` names an address inside its network, not its first"));
        }
        Ok(Network { start, end: start | host, v6 })
    }

    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, v6) = bits(address);
        v6 == self.v6 && (self.start..=self.end).contains(&bits)
    }
}

fn wrong_length(text: &str) -> String {
    format!("`{text}` has no right length after its slash")
}

/// A network of a table, and the next wider one that holds it.
#[derive(Clone, Debug)]
struct Span<T> {
    start: u128,
    end: u128,
    outer: Option<u32>,
    value: T,
}

/// Values by network.
#[derive(Clone, Debug)]
pub struct Networks<T> {
    v4: Vec<Span<T>>,
    v6: Vec<Span<T>>,
}

impl<T> Default for Networks<T> {
    fn default() -> Self {
        Networks { v4: Vec::new(), v6: Vec::new() }
    }
}

impl<T> Networks<T> {
    /// Sorts networks for look-ups. Of two that are the same the one that `better` prefers is kept.
    pub fn of(
        networks: impl IntoIterator<Item = (Network, T)>,
        better: impl Fn(&T, &T) -> bool,
    ) -> Networks<T> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (network, value) in networks {
            let Network { start, end, v6: is_v6 } = network;
            let list = if is_v6 { &mut v6 } else { &mut v4 };
            list.push(Span { start, end, outer: None, value });
        }
        Networks { v4: nested(v4, &better), v6: nested(v6, &better) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The values of all networks that the address is in, the narrowest first.
    pub fn covering(&self, address: IpAddr) -> impl Iterator<Item = &T> {
        let (bits, v6) = bits(address);
        let list = if v6 { &self.v6 } else { &self.v4 };
        let mut at = list.partition_point(|span| span.start <= bits).checked_sub(1);
        std::iter::from_fn(move || {
            loop {
                let span = list.get(at?)?;
                at = span.outer.map(|outer| outer as usize);
                if bits <= span.end {
                    return Some(&span.value);
                }
            }
        })
    }
}

/// In order of their first address, each knowing the one around it.
fn nested<T>(mut spans: Vec<Span<T>>, better: &impl Fn(&T, &T) -> bool) -> Vec<Span<T>> {
    spans.sort_by_key(|span| (span.start, u128::MAX - span.end));
    spans.dedup_by(|next, kept| {
        let same = next.start == kept.start && next.end == kept.end;
        if same && better(&next.value, &kept.value) {
            std::mem::swap(&mut next.value, &mut kept.value);
        }
        same
    });
    let mut around: Vec<(u32, u128)> = Vec::new();
    for (span, at) in spans.iter_mut().zip(0_u32..) {
        while around.pop_if(|(_, end)| *end < span.start).is_some() {}
        span.outer = around.last().map(|(outer, _)| *outer);
        around.push((at, span.end));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn networks_are_read_and_slips_are_told() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.2.3.4", "::ffff:11.0.0.1"),
        ] {
            let network = Network::parse(text).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{text} {outside}");
        }
        for text in ["", "ten", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/-1", "::/129"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    fn network() -> impl Strategy<Value = String> {
        let v4 = (0..=32_u32, 0..4_u32, any::<u32>()).prop_map(|(length, low, high)| {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let address = ((high & 0x0300_0000) | low << 8 | low) & mask;
            format!("{}/{length}", std::net::Ipv4Addr::from_bits(address))
        });
        let v6 = (0..=128_u32, 0..4_u128).prop_map(|(length, low)| {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let address = (low << 120 | low << 60 | low) & mask;
            format!("{}/{length}", std::net::Ipv6Addr::from_bits(address))
        });
        prop_oneof![v4, v6]
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            (0..4_u32, 0..4_u32, 0..4_u32)
                .prop_map(|(a, b, c)| std::net::Ipv4Addr::from_bits(a << 24 | b << 8 | c).into()),
            (0..4_u128, 0..4_u128, 0..4_u128).prop_map(|(a, b, c)| {
                std::net::Ipv6Addr::from_bits(a << 120 | b << 60 | c).into()
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_look_up_finds_what_trying_every_network_finds(
            networks in proptest::collection::vec(network(), 0..60),
            addresses in proptest::collection::vec(address(), 1..40),
        ) {
            let parsed: Vec<Network> =
                networks.iter().map(|text| Network::parse(text).unwrap()).collect();
            let table = Networks::of(parsed.iter().copied().map(|one| (one, one)), |_, _| false);
            for address in addresses {
                let mut slow: Vec<_> =
                    parsed.iter().filter(|one| one.contains(address)).copied().collect();
                slow.sort_by_key(|one| (one.end - one.start, one.start));
                slow.dedup();
                let fast: Vec<_> = table.covering(address).copied().collect();
                prop_assert_eq!(fast, slow);
            }
        }
    }
}
