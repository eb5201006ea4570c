//! Upper tail of the negative binomial distribution, counting half of the value itself.

/// Largest number that is summed up; beyond it everything is scaled down to it.
const LARGEST: f64 = 2000.0;

/// Chance of `seen` or more with this mean and variance.
pub fn at_least(seen: u32, mean: f64, variance: f64) -> f64 {
    let seen = f64::from(seen);
    let scale = (seen / LARGEST).max(1.0);
    let (seen, mean) = ((seen / scale) as u32, mean / scale);
    let variance = (variance / (scale * scale)).max(mean * 1.01);
    let size = mean * mean / (variance - mean);
    let share = size / (size + mean);
    // P(0) = share^size, P(k+1) = P(k) (k+size)/(k+1) (1-share), summed in logarithms' reach.
    let mut term = libm::exp(size * libm::log(share));
    if term < 1e-280 {
        return normal(f64::from(seen), mean, variance);
    }
    let mut below = 0.0;
    for k in 0..seen {
        below += term;
        term *= (f64::from(k) + size) / (f64::from(k) + 1.0) * (1.0 - share);
    }
    let rest = 1.0 - below - term / 2.0;
    if rest > 1e-9 {
        return rest.min(1.0);
    }
    far(seen, term, size, share)
}

/// The far tail, where 1 minus the rest has no digits left.
fn far(seen: u32, mut term: f64, size: f64, share: f64) -> f64 {
    let mut sum = term / 2.0;
    for k in seen..seen.saturating_add(4000) {
        term *= (f64::from(k) + size) / (f64::from(k) + 1.0) * (1.0 - share);
        sum += term;
        if term < sum * 1e-9 {
            break;
        }
    }
    sum.clamp(1e-12, 1.0)
}

fn normal(seen: f64, mean: f64, variance: f64) -> f64 {
    let far = (seen - mean) / libm::sqrt(2.0 * variance);
    (0.5 * libm::erfc(far)).clamp(1e-12, 1.0)
}
