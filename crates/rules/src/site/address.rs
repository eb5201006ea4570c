//! What a thread remembers of an address, because a log names the same few again and again. A
//! cache and nothing else: what depends on the time of the event (whether an entry has expired) is
//! not in it.

use super::geo::Place;
use smallvec::SmallVec;
use std::sync::{Arc, OnceLock};
use trailhound_model::{Str, time::Time};

/// Addresses that are remembered; a newcomer replaces whoever has its place.
const PLACES: usize = 512;

/// What was looked up of one address.
#[derive(Debug, Default)]
pub(crate) struct AddressFacts {
    /// Until when a trusted network covers it.
    pub(crate) trusted_until: OnceLock<Option<Time>>,
    /// Indicators that cover it, the narrowest first.
    pub(crate) indicators: OnceLock<SmallVec<[u32; 2]>>,
    /// Where it is.
    pub(crate) place: OnceLock<Place>,
}

/// The memory of one thread, for one rule set.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressMemory {
    set: u64,
    places: Vec<Option<(Str, Arc<AddressFacts>)>>,
}

impl AddressMemory {
    /// What is known of an address so far.
    pub(crate) fn of(&mut self, set: u64, address: &str) -> Arc<AddressFacts> {
        if self.places.is_empty() || self.set != set {
            self.set = set;
            self.places.clear();
            self.places.resize(PLACES, None);
        }
        let hash = address.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let Some(place) = self.places.get_mut((hash >> 40) as usize % PLACES) else {
            return Arc::default();
        };
        if place.as_ref().is_some_and(|(known, _)| known != address) {
            *place = None;
        }
        let (_, facts) = place.get_or_insert_with(|| (address.into(), Arc::default()));
        Arc::clone(facts)
    }
}
