//! How much an identity does in an hour in which it does anything.
//!
//! Counts of requests scatter far more than chance alone would have it, so they are held against a
//! negative binomial with the identity's own mean and spread, drawn towards those of its peers while
//! it is young. Only too much is strange; silence is nobody's alarm here.

pub mod tail;

use serde::{Deserialize, Serialize};

/// What is counted per hour.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Count {
    /// Requests that changed something.
    #[default]
    Writes,
    /// Refused requests.
    Denied,
    /// Requests that read secrets.
    Secrets,
    /// Different things that were refused.
    DeniedTargets,
    /// Different secrets, or lists of them.
    SecretTargets,
    /// Different namespaces.
    Namespaces,
}

impl Count {
    /// Every count.
    pub const ALL: [Count; 6] = [
        Count::Writes,
        Count::Denied,
        Count::Secrets,
        Count::DeniedTargets,
        Count::SecretTargets,
        Count::Namespaces,
    ];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Count::Writes => "changes",
            Count::Denied => "refused requests",
            Count::Secrets => "requests that read secrets",
            Count::DeniedTargets => "different refused targets",
            Count::SecretTargets => "different secrets read",
            Count::Namespaces => "different namespaces",
        }
    }

    /// Whether too much of it matters much.
    pub fn is_critical(self) -> bool {
        matches!(self, Count::DeniedTargets | Count::SecretTargets)
    }

    /// Whether it is about refusals.
    pub fn is_denial(self) -> bool {
        matches!(self, Count::Denied | Count::DeniedTargets)
    }

    /// Fewer in an hour are never strange.
    fn least(self) -> u32 {
        match self {
            Count::Writes => 30,
            Count::Denied | Count::Secrets => 10,
            Count::DeniedTargets | Count::SecretTargets | Count::Namespaces => 4,
        }
    }
}

/// Counts of one hour.
pub type Counts = [u32; Count::ALL.len()];

/// Mean and spread of each count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    hours: f32,
    mean: [f32; Count::ALL.len()],
    square: [f32; Count::ALL.len()],
    most: [u32; Count::ALL.len()],
}

/// Active hours that are remembered, about.
const REMEMBERED: f32 = 24.0 * 14.0;
/// Own active hours before anything is too much.
const LEARNING: f32 = 8.0;
/// Hours of a group before its newcomers are held against it.
const GROUP: f32 = 200.0;
/// Hours that the peers' habits are worth.
const BORROWED: f64 = 6.0;

impl Rates {
    /// Takes an hour in.
    pub fn push(&mut self, counts: &Counts) {
        self.hours = (self.hours + 1.0).min(REMEMBERED);
        let step = 1.0 / self.hours;
        for (at, count) in counts.iter().enumerate() {
            let (Some(mean), Some(square), Some(most)) =
                (self.mean.get_mut(at), self.square.get_mut(at), self.most.get_mut(at))
            else {
                continue;
            };
            // Once something is known, one hour alone does not become the usual.
            let bound = if self.hours > LEARNING { 2.0 * (*most as f32) + 10.0 } else { f32::MAX };
            let value = (*count as f32).min(bound);
            *mean += (value - *mean) * step;
            *square += (value * value - *square) * step;
            *most = (*most).max(*count);
        }
    }

    /// Hours that it knows of, at most two weeks.
    pub fn hours(&self) -> f32 {
        self.hours
    }

    /// Mean per active hour.
    pub fn mean(&self, count: Count) -> f64 {
        self.mean.get(count as usize).copied().map_or(0.0, f64::from)
    }

    /// The most in any hour.
    pub fn most(&self, count: Count) -> u32 {
        self.most.get(count as usize).copied().unwrap_or(0)
    }

    /// Chance of as many or more in an hour; none if that is nothing to look at.
    pub fn chance(&self, count: Count, seen: u32, peers: &Rates) -> Option<f64> {
        if seen < count.least() || seen <= self.most(count) {
            return None;
        }
        let by_peers = peers.hours >= GROUP && count.is_critical() && seen > peers.most(count);
        if self.hours < LEARNING && !by_peers {
            return None;
        }
        let (own, borrowed) = (f64::from(self.hours), BORROWED.min(f64::from(peers.hours)));
        let all = own + borrowed;
        if all < 1.0 {
            return None;
        }
        let mix = |own_value: f64, peer: f64| (own_value * own + peer * borrowed) / all;
        let mean = mix(self.mean(count), peers.mean(count)).max(0.02);
        let squares =
            |rates: &Rates| rates.square.get(count as usize).map_or(0.0, |s| f64::from(*s));
        let spread = mix(squares(self), squares(peers)) - mean * mean;
        // At least as wild as counts with the spread of their mean, and wilder while little is known.
        let spread = spread.max(mean + mean * mean * (0.5 + 4.0 / all.max(1.0)));
        Some(tail::at_least(seen, mean, spread))
    }
}
