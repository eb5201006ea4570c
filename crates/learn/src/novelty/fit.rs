//! How often new things come: discount and strength of each facet, level and class, from the data.
//!
//! The discount is the usual estimate from what was seen once and twice; the strength is a mean over
//! a few values, weighed by how well each foretold what was new so far.

use super::{Facet, Level};
use crate::canon::principal::Class;
use serde::{Deserialize, Serialize};

/// Discount and strength of a Pitman–Yor process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Between 0 and 1: how much of the novelty comes from having seen many kinds.
    pub discount: f64,
    /// More than 0: novelty of a context that has seen little.
    pub strength: f64,
}

/// Values of the strength that compete.
const GRID: [f64; 5] = [0.3, 1.0, 3.0, 10.0, 30.0];
/// Share of the past that each customer leaves: some ten thousand customers are remembered.
const KEPT: f64 = 0.9999;

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Evidence {
    once: u32,
    twice: u32,
    gain: [f64; 5],
}

impl Evidence {
    fn fit(&self) -> Fit {
        let (once, twice) = (f64::from(self.once) + 1.0, f64::from(self.twice) + 1.0);
        let discount = (once / (once + 2.0 * twice)).clamp(0.05, 0.9);
        let most = self.gain.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (gain, strength) in self.gain.iter().zip(GRID) {
            let weight = libm::exp((gain - most).max(-50.0));
            sum += weight * strength;
            weights += weight;
        }
        Fit { discount, strength: sum / weights }
    }
}

/// All fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fits {
    evidence: Vec<Evidence>,
    fits: Vec<Fit>,
}

const LEVELS: usize = 3;
const ALL: usize = Facet::ALL.len() * LEVELS * Class::ALL.len();

impl Default for Fits {
    fn default() -> Fits {
        let evidence = vec![Evidence::default(); ALL];
        let fits = evidence.iter().map(Evidence::fit).collect();
        Fits { evidence, fits }
    }
}

fn place(facet: Facet, level: Level, class: Class) -> usize {
    (facet as usize * LEVELS + level as usize) * Class::ALL.len() + class as usize
}

impl Fits {
    /// The fit of a facet at a level.
    pub fn of(&self, facet: Facet, level: Level, class: Class) -> Fit {
        let class = if level == Level::Cluster { Class::Human } else { class };
        let found = self.fits.get(place(facet, level, class)).copied();
        found.unwrap_or(Fit { discount: 0.5, strength: 1.0 })
    }

    /// Takes note of a customer: how many hours its dish has now, and the size of the context before.
    pub fn note(&mut self, key: (Facet, Level, Class), hours: u32, size: (f64, f64)) {
        let (facet, level, class) = key;
        let class = if level == Level::Cluster { Class::Human } else { class };
        let Some(evidence) = self.evidence.get_mut(place(facet, level, class)) else { return };
        match hours {
            0 => return,
            1 => evidence.once = evidence.once.saturating_add(1),
            2 => {
                evidence.once = evidence.once.saturating_sub(1);
                evidence.twice = evidence.twice.saturating_add(1);
            }
            3 => evidence.twice = evidence.twice.saturating_sub(1),
            _ => {}
        }
        let (customers, kinds) = size;
        if customers < 1.0 {
            return;
        }
        let (once, twice) = (f64::from(evidence.once) + 1.0, f64::from(evidence.twice) + 1.0);
        let discount = (once / (once + 2.0 * twice)).clamp(0.05, 0.9);
        for (gain, strength) in evidence.gain.iter_mut().zip(GRID) {
            let new = ((strength + discount * kinds) / (strength + customers)).clamp(1e-9, 0.999);
            *gain = *gain * KEPT + libm::log(if hours == 1 { new } else { 1.0 - new });
        }
    }

    /// Takes what was noted into use: at the end of an hour.
    pub fn settle(&mut self) {
        self.fits.clear();
        self.fits.extend(self.evidence.iter().map(Evidence::fit));
    }
}
