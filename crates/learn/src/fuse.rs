//! From the chances of a request's sides to one score.
//!
//! Sides that say the same (what, what and where, what after what) count once, by the least likely;
//! the others are taken together as Fisher did. How much an unusual act matters is the one thing that
//! was judged beforehand.

use crate::canon::principal::Class;
use crate::novelty::Facet;
use crate::row::Row;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// The chance of each side of a request.
pub type Chances = SmallVec<[(Facet, u64, f64); 8]>;

/// A side as likely as this says nothing.
const COMMON: f64 = 0.2;
/// How much an unusual act matters that leads on.
const CRITICAL: f64 = 1.6;
/// The same of one that was refused.
const DENIED: f64 = 1.1;
/// How much any other does.
const NORMAL: f64 = 0.8;

/// How much a request weighs, and who makes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// How much an unusual request of this kind matters.
    pub by: f64,
    /// How far what is done is its own choice: controllers do what others set them to.
    pub choice: f64,
}

impl Weight {
    /// The weight of a request.
    pub fn of(row: &Row, on: bool) -> Weight {
        let by = match (on, row.critical, row.series.denied) {
            (false, ..) => 1.0,
            (true, true, false) if !row.failed => CRITICAL,
            (true, true, true) => DENIED,
            (true, ..) => NORMAL,
        };
        Weight { by, choice: if row.who.class == Class::System { 0.6 } else { 1.0 } }
    }
}

/// A request's score: weight times surprise, in nats.
pub fn score(chances: &Chances, weight: Weight) -> f64 {
    let mut groups: SmallVec<[(u8, f64); 8]> = SmallVec::new();
    for (facet, _, chance) in chances {
        let (group, trust) = group(*facet);
        let chosen = !matches!(facet, Facet::Program | Facet::Source | Facet::Identity);
        let trust = if chosen { trust * weight.choice } else { trust };
        let surprise = if *chance >= COMMON { 0.0 } else { -libm::log(*chance / COMMON) * trust };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, most)) => *most = most.max(surprise),
            None => groups.push((group, surprise)),
        }
    }
    let sum: f64 = groups.iter().map(|(_, surprise)| surprise).sum();
    weight.by * fisher(sum, 2)
}

/// Which sides say the same, and how far a side is to be trusted.
pub(crate) fn group(facet: Facet) -> (u8, f64) {
    match facet {
        Facet::Action | Facet::Place => (0, 1.0),
        Facet::Pair => (0, 0.6),
        Facet::Whole => (0, 0.5),
        Facet::Program => (1, 1.0),
        Facet::Source => (2, 1.0),
        Facet::Object => (3, 0.8),
        Facet::Namespace => (4, 0.35),
        Facet::Hour => (5, 0.5),
        Facet::Shape => (6, 0.8),
        Facet::Identity => (7, 0.7),
    }
}

/// Surprise of a sum of `groups` surprises together.
pub fn fisher(sum: f64, groups: usize) -> f64 {
    let (mut term, mut all) = (1.0, 1.0);
    for j in 1..groups {
        term *= sum / j as f64;
        all += term;
    }
    (sum - libm::log(all)).max(0.0)
}
