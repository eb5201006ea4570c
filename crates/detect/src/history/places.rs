//! Who used each address.
//!
//! An address proves nothing by itself, because people share networks: what comes from one that many
//! identities use says nothing about any of them. Only a narrow one may be one person's.

use serde::{Deserialize, Serialize};
use trailhound_model::{Map, Str, lookup::Truth};

/// Most addresses that are remembered; later ones are not known.
const MOST_PLACES: usize = 50_000;
/// Identities at one address beyond which it is shared: a proxy, an office, a load balancer.
const SHARED_BY: usize = 4;

/// All addresses of a cluster's clients.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Places {
    actors: Map<Str, Vec<Str>>,
}

impl Places {
    /// An actor used an address for the first time.
    pub(super) fn observe(&mut self, address: &str, actor: &str) {
        if self.actors.len() >= MOST_PLACES && !self.actors.contains_key(address) {
            return;
        }
        let actors = self.actors.entry(address.into()).or_default();
        if actors.len() <= SHARED_BY && !actors.iter().any(|known| known == actor) {
            actors.push(actor.into());
        }
    }

    /// Whether so few identities use the address that they may be one person.
    pub(super) fn is_narrow(&self, address: &str) -> Truth {
        match self.actors.get(address) {
            Some(actors) if actors.len() <= SHARED_BY => Truth::True,
            Some(_) => Truth::False,
            None => Truth::Unknown,
        }
    }
}
