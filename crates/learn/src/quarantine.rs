//! What was done in strange hours is not learned at once.
//!
//! Else whoever breaks in has made himself a habit by the next hour. It waits in the shadow: what is
//! harmless joins the habits when it has come back on days enough, what matters only when a person
//! says that it is expected. What was told once is told more quietly when it comes again.

use crate::novelty::Facet;
use serde::{Deserialize, Serialize};

/// Things that wait.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shadow {
    kept: Vec<Waiting>,
    /// Things that found no room.
    pub left_out: u32,
}

/// One thing that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Side of the request.
    pub facet: Facet,
    /// The symbol.
    pub symbol: u64,
    /// It was part of an act that matters.
    pub critical: bool,
    /// First hour.
    pub first: u32,
    /// Last hour.
    pub last: u32,
    /// Different hours.
    pub hours: u32,
    /// Different days.
    pub days: u16,
    /// Hour in which it was last told; 0 if never.
    pub told: u32,
}

/// Things that wait per identity.
const MOST: usize = 64;
/// What was told stays quiet for so many hours.
const QUIET: u32 = 14 * 24;
/// On so many days a harmless thing must come.
const DAYS: u16 = 5;
/// So many days are enough if peers do it.
const DAYS_WITH_PEERS: u16 = 2;
/// So many peers.
const PEERS: u32 = 2;
/// What has not come back for so many hours is forgotten.
const FORGOTTEN: u32 = 60 * 24;

impl Shadow {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All that wait.
    pub fn all(&self) -> &[Waiting] {
        &self.kept
    }

    /// What waits under this symbol.
    pub fn of(&self, facet: Facet, symbol: u64) -> Option<&Waiting> {
        self.kept.iter().find(|one| one.facet == facet && one.symbol == symbol)
    }

    /// The chance of a thing that may wait here already: what was told is news no longer, and what is
    /// harmless becomes less strange with every day.
    pub fn softened(&self, facet: Facet, symbol: u64, chance: f64, hour: u32) -> f64 {
        let Some(one) = self.of(facet, symbol) else { return chance };
        if one.told > 0 && hour.saturating_sub(one.told) < QUIET && one.told < hour {
            return libm::pow(chance, if one.critical { 0.45 } else { 0.35 });
        }
        if one.critical {
            return chance;
        }
        libm::pow(chance, 1.0 / (1.0 + 0.3 * f64::from(one.days)))
    }

    /// Takes note of a thing in a strange hour.
    pub fn note(&mut self, facet: Facet, symbol: u64, critical: bool, hour: u32) {
        let known = self.kept.iter_mut().find(|one| one.facet == facet && one.symbol == symbol);
        if let Some(one) = known {
            one.days = one.days.saturating_add(u16::from(hour / 24 > one.last / 24));
            one.hours = one.hours.saturating_add(u32::from(hour > one.last));
            one.last = one.last.max(hour);
            one.critical |= critical;
            return;
        }
        if self.kept.len() >= MOST {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.kept.push(Waiting {
            facet,
            symbol,
            critical,
            first: hour,
            last: hour,
            hours: 1,
            days: 1,
            told: 0,
        });
    }

    /// What was done in this hour has been told.
    pub fn mark_told(&mut self, hour: u32) {
        for one in self.kept.iter_mut().filter(|one| one.last == hour) {
            one.told = hour;
        }
    }

    /// Takes out what may be learned now. `peers` says how many peers do a thing.
    pub fn ripe(&mut self, hour: u32, peers: impl Fn(Facet, u64) -> u32) -> Vec<Waiting> {
        let mut ripe = Vec::new();
        self.kept.retain(|one| {
            let with_peers =
                || one.days >= DAYS_WITH_PEERS && peers(one.facet, one.symbol) >= PEERS;
            let learned = !one.critical && (one.days >= DAYS || with_peers());
            if learned {
                ripe.push(*one);
            }
            !learned && hour.saturating_sub(one.last) < FORGOTTEN
        });
        ripe
    }

    /// Takes a thing out because somebody said that it is expected.
    pub fn release(&mut self, facet: Facet, symbol: u64) -> Option<Waiting> {
        let at = self.kept.iter().position(|one| one.facet == facet && one.symbol == symbol)?;
        Some(self.kept.remove(at))
    }
}
