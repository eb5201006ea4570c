//! What an identity does may change for good: a new version, a new task.
//!
//! Each count has a quick twin that forgets within days. When the two disagree for long the identity
//! has a new role. That is told once and not every hour anew, and not at all if its peers change with
//! it.

use crate::novelty::context::{At, Context};

/// Hours until the quick twin of a count is worth half.
pub const QUICK: f64 = 48.0;
/// From here on the two disagree, of at most ln 2.
pub const SHIFTED: f64 = 0.25;
/// Hours that an identity must have been active to have a role.
pub const ROLE: u32 = 72;
/// A shift is told once in so many hours.
pub const ONCE: u32 = 14 * 24;
/// While a shift is fresh, what is new is less strange.
pub const FRESH: u32 = 72;
/// How much less: the power of its chance.
pub const SOFTER: f64 = 0.6;

/// How far the last days are from the long run: Jensen–Shannon divergence in nats, 0 to ln 2.
pub fn divergence(context: &Context, at: At) -> f64 {
    // The long run is what came before the last days.
    let before = |(quick, slow): (f64, f64)| (quick, (slow - quick).max(0.0));
    let pairs: Vec<(f64, f64)> = context.twins(at).map(before).collect();
    let quick: f64 = pairs.iter().map(|pair| pair.0).sum();
    let slow: f64 = pairs.iter().map(|pair| pair.1).sum();
    if quick < 6.0 || slow < 24.0 {
        return 0.0;
    }
    let part = |a: f64, b: f64| if a > 0.0 { a * libm::log(2.0 * a / (a + b)) } else { 0.0 };
    let sum: f64 = pairs
        .iter()
        .map(|(q, s)| {
            let (q, s) = (q / quick, s / slow);
            f64::midpoint(part(q, s), part(s, q))
        })
        .sum();
    if sum.is_finite() { sum.clamp(0.0, std::f64::consts::LN_2) } else { 0.0 }
}
