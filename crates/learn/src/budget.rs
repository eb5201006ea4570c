//! How many incidents are told: a number per day that people have time for.
//!
//! The bar is where the strangest hour of the cluster comes as often as the budget allows; a bucket
//! keeps a bad day from ringing all day. What finds no room is deferred to the digest and never
//! dropped. Beside it stands an honest estimate of how much of what is told is false.

use crate::calibrate::Past;
use serde::{Deserialize, Serialize};

/// Bar and bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    hours: Past,
    tokens: f64,
    bar: f64,
    hour: u32,
    told: f64,
    expected: f64,
    /// Incidents that were told.
    pub alarms: u64,
    /// Incidents that wait in the digest.
    pub deferred: u64,
}

/// The bar is never lower: below it nothing is strange.
const LOWEST: f64 = 4.0;
/// What is told fades by the hour in the estimate of what is false.
const KEPT: f64 = 0.99;

/// What becomes of an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It is below the bar.
    #[default]
    Below,
    /// It is told.
    Told,
    /// It is above the bar, but today's budget is spent: it is in the digest.
    Deferred,
}

impl Budget {
    /// The bar now.
    pub fn bar(&self) -> f64 {
        self.bar.max(LOWEST)
    }

    /// Ends an hour whose strangest incident scored `highest`.
    pub fn close(&mut self, highest: f64, hour: u32, rate: f64, burst: f64) {
        let hours = if self.hour == 0 { 1 } else { hour.saturating_sub(self.hour).clamp(1, 24) };
        self.hour = hour;
        let per_hour = rate / 24.0;
        self.tokens = (self.tokens + per_hour * f64::from(hours)).min(burst);
        self.hours.push(highest, hour, u64::from(hour).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.bar = self.hours.quantile(per_hour.clamp(1e-4, 0.9));
        let kept = libm::pow(KEPT, f64::from(hours));
        self.told *= kept;
        self.expected = self.expected * kept + per_hour.min(1.0) * f64::from(hours);
    }

    /// Whether a new incident of this score is told now.
    pub fn ask(&mut self, score: f64) -> Verdict {
        if score < self.bar() {
            return Verdict::Below;
        }
        self.told += 1.0;
        if self.tokens < 1.0 {
            self.deferred += 1;
            return Verdict::Deferred;
        }
        self.tokens -= 1.0;
        self.alarms += 1;
        Verdict::Told
    }

    /// Share of what is told that is expected to be false, at most; none if nothing was told lately.
    pub fn false_share(&self) -> Option<f64> {
        (self.told >= 1.0).then(|| (self.expected / self.told).min(1.0))
    }

    /// Hours that the bar rests on.
    pub fn hours(&self) -> u64 {
        self.hours.windows
    }

    /// A full bucket, for the first day.
    pub fn fill(&mut self, burst: f64) {
        self.tokens = burst;
    }
}
