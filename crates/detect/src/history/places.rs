//! What each address showed: who used it, and whether something grave came from it.
//!
//! An address proves nothing by itself, because people share networks. So it only speaks against an
//! actor who is new at it, and an address that many identities use says nothing about any of them.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use trailhound_model::{Str, lookup::Truth, time::Time};

/// Most addresses that are remembered; later ones are not known.
const MOST_PLACES: usize = 50_000;
/// Identities at one address beyond which it is shared: a proxy, an office, a load balancer.
const SHARED_BY: usize = 4;
/// Addresses with grave acts that are remembered.
const MOST_SUSPECT: usize = 10_000;

/// All addresses of a cluster's clients.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Places {
    actors: HashMap<Str, Vec<Str>>,
    /// Who did something grave there first, and when.
    suspect: HashMap<Str, (Str, Time)>,
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

    /// Something grave was done from an address that the actor had not used before.
    pub(super) fn suspect(&mut self, address: &str, actor: &str, time: Time) {
        if self.suspect.len() < MOST_SUSPECT && !address.is_empty() {
            self.suspect.entry(address.into()).or_insert_with(|| (actor.into(), time));
        }
    }

    /// Whether another identity did something grave from there.
    pub(super) fn is_suspect(&self, address: &str, actor: &str) -> bool {
        self.suspect.get(address).is_some_and(|(who, _)| who != actor)
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
