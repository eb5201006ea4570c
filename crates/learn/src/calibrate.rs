//! What a score is worth: how often one as high came in the stored past of its class.
//!
//! Below one in a hundred the past is counted; beyond it the tail is a generalised Pareto
//! distribution, fitted by moments. A few hours cannot say what happens once in a year, so a guess
//! stands beside the counts until there are enough of them, and one strange hour moves the tail by a
//! bounded step.

use serde::{Deserialize, Serialize};

/// Highest scores that are kept.
const TAIL: usize = 256;
/// Scores that stand for the rest.
const SAMPLE: usize = 1024;
/// Hours until the past counts half.
const HALF: f64 = 30.0 * 24.0;
/// How many hours the guess is worth that stands in for a past.
const GUESS: f64 = 300.0;
/// Nats of score in which the guess falls by the factor e.
const GUESSED_SCALE: f64 = 2.0;

/// The past of one class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// Highest first.
    tail: Vec<Kept>,
    /// By lot, the first to be replaced at the end.
    sample: Vec<(f64, f32)>,
    total: f64,
    hour: u32,
    /// Windows ever.
    pub windows: u64,
    /// Hour of the first window.
    pub since: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    score: f32,
    hour: u32,
}

fn faded(hours: u32) -> f64 {
    libm::exp2(-f64::from(hours) / HALF)
}

impl Past {
    /// Chance of a score as high or higher.
    pub fn chance(&self, score: f64) -> f64 {
        if score <= 0.0 {
            return 1.0;
        }
        let guess = libm::exp(-score / GUESSED_SCALE);
        let total = self.total;
        let counted = if total > 0.0 { self.counted(score) } else { guess };
        ((counted * total + guess * GUESS) / (total + GUESS)).clamp(1e-12, 1.0)
    }

    fn counted(&self, score: f64) -> f64 {
        let weight = |kept: &Kept| faded(self.hour.saturating_sub(kept.hour));
        let Some(least) = self.tail.last() else { return 1.0 };
        if score > f64::from(least.score) || self.sample.is_empty() {
            let higher = |kept: &&Kept| f64::from(kept.score) >= score;
            let above: f64 = self.tail.iter().filter(higher).map(weight).sum();
            let counted = (above + 1.0) / (self.total + 1.0);
            return if above >= 8.0 { counted } else { self.fitted(score).min(counted) };
        }
        let above = self.sample.iter().filter(|(_, one)| f64::from(*one) >= score).count();
        (above as f64 + 1.0) / (self.sample.len() as f64 + 1.0)
    }

    /// From a generalised Pareto distribution of what is beyond the highest 64.
    fn fitted(&self, score: f64) -> f64 {
        let part = self.tail.get(..self.tail.len().min(64)).unwrap_or_default();
        let Some(from) = part.last().map(|kept| f64::from(kept.score)) else { return 1.0 };
        let share = part.len() as f64 / (self.total.max(part.len() as f64) + 1.0);
        share * beyond((score - from).max(0.0), moments(part, from))
    }

    /// The score that is as high or higher with this chance.
    pub fn quantile(&self, chance: f64) -> f64 {
        let (mut low, mut high) = (0.0, 400.0);
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if self.chance(middle) > chance { low = middle } else { high = middle }
        }
        high
    }

    /// Windows among those that are kept that scored as high.
    pub fn as_high(&self, score: f64) -> u32 {
        self.tail.iter().filter(|kept| f64::from(kept.score) >= score).count() as u32
    }

    /// Takes a window in. `lot` is a number of chance.
    pub fn push(&mut self, score: f64, hour: u32, lot: u64) {
        if self.windows == 0 {
            (self.since, self.hour) = (hour, hour);
        }
        self.windows += 1;
        self.total *= faded(hour.saturating_sub(self.hour));
        self.total += 1.0;
        self.hour = self.hour.max(hour);
        let score = score.min(self.most()) as f32;
        self.draw(score, hour, lot);
        if score > 0.0 {
            let place = self.tail.partition_point(|kept| kept.score >= score);
            if place < TAIL {
                self.tail.insert(place, Kept { score, hour });
                self.tail.truncate(TAIL);
            }
        }
    }

    /// One window cannot be worth more than this beyond what is known.
    fn most(&self) -> f64 {
        self.tail.get(2).or(self.tail.last()).map_or(20.0, |kept| f64::from(kept.score) + 6.0)
    }

    /// Keeps a sample in which the recent past weighs more: each window draws a number, and those with
    /// the highest stay.
    fn draw(&mut self, score: f32, hour: u32, lot: u64) {
        let even = ((lot >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let drawn = f64::from(hour) / (HALF / std::f64::consts::LN_2) - libm::log(-libm::log(even));
        let place = self.sample.partition_point(|(other, _)| *other >= drawn);
        if place < SAMPLE {
            self.sample.insert(place, (drawn, score));
            self.sample.truncate(SAMPLE);
        }
    }

    /// Forgets what is older than half a year.
    pub fn sweep(&mut self, hour: u32) {
        self.tail.retain(|kept| hour.saturating_sub(kept.hour) < 24 * 180);
    }
}

/// Scale and shape of the tail beyond `from`.
fn moments(part: &[Kept], from: f64) -> (f64, f64) {
    let count = part.len().max(1) as f64;
    let over = |kept: &Kept| f64::from(kept.score) - from;
    let mean = (part.iter().map(over).sum::<f64>() / count).max(0.05);
    let spread = part.iter().map(|kept| (over(kept) - mean).powi(2)).sum::<f64>() / count;
    let ratio = mean * mean / spread.max(1e-6);
    let shape = (0.5 * (1.0 - ratio)).clamp(-0.1, 0.4);
    ((mean * (1.0 - shape)).max(0.05), shape)
}

fn beyond(over: f64, (scale, shape): (f64, f64)) -> f64 {
    if shape.abs() < 1e-3 {
        return libm::exp(-over / scale);
    }
    let base = 1.0 + shape * over / scale;
    if base <= 0.0 { 0.0 } else { libm::pow(base, -1.0 / shape) }
}
