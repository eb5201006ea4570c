//! Where an address is, as a database says that the site brought along. The formats of such
//! databases are the wiring's business; rules only ask.

use super::cidr::{Network, Networks};
use std::{fmt::Debug, net::IpAddr};
use trailhound_model::Str;

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Country, as two letters; empty if not known.
    pub country: Str,
    /// Number of the autonomous system.
    pub asn: Option<u32>,
    /// Who runs that system; empty if not known.
    pub organisation: Str,
}

impl Place {
    /// Fills what is not known from another source.
    #[must_use]
    pub fn or(self, other: Place) -> Place {
        let pick = |one: Str, other: Str| if one.is_empty() { other } else { one };
        Place {
            country: pick(self.country, other.country),
            asn: self.asn.or(other.asn),
            organisation: pick(self.organisation, other.organisation),
        }
    }
}

/// A database of addresses.
pub trait GeoSource: Debug + Send + Sync {
    /// What it says of an address; nothing if it does not know it.
    fn look_up(&self, address: IpAddr) -> Place;
}

/// A few networks by hand, for the tests of rules.
#[derive(Debug, Default)]
pub struct GeoTable(Networks<Place>);

impl GeoTable {
    /// A table of these networks.
    pub fn of(places: impl IntoIterator<Item = (Network, Place)>) -> GeoTable {
        GeoTable(Networks::of(places, |_, _| false))
    }
}

impl GeoSource for GeoTable {
    fn look_up(&self, address: IpAddr) -> Place {
        self.0.covering(address).next().cloned().unwrap_or_default()
    }
}
