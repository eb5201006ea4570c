//! How sure a number is that comes from a few clusters: the bootstrap over clusters. Attacks on one
//! cluster are not independent of each other, so whole clusters are drawn and not attacks.

/// Draws per interval.
const DRAWS: usize = 2_000;

/// A number with the interval that holds it with 95 %.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Estimate {
    /// The number.
    pub(crate) value: f64,
    /// Lower end.
    pub(crate) low: f64,
    /// Upper end.
    pub(crate) high: f64,
}

impl Estimate {
    /// As tables show it.
    pub(crate) fn text(self) -> String {
        if self.value.is_nan() {
            return "–".into();
        }
        format!("{:.2} ({:.2}–{:.2})", self.value, self.low, self.high)
    }
}

/// What a function makes of clusters, and of clusters drawn from them with repeats.
pub(crate) fn estimate<T>(clusters: &[T], of: impl Fn(&[&T]) -> f64) -> Estimate {
    let all: Vec<&T> = clusters.iter().collect();
    let value = of(&all);
    let mut chance = Chance(0x7472_6169_6c68_6f75);
    let mut drawn: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let sample: Vec<&T> =
                (0..all.len()).filter_map(|_| all.get(chance.below(all.len())).copied()).collect();
            of(&sample)
        })
        .filter(|value| !value.is_nan())
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |share: f64| quantile(&drawn, share).unwrap_or(value);
    Estimate { value, low: at(0.025), high: at(0.975) }
}

/// The value below which this share of sorted values lies.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1).min(sorted.len().saturating_sub(1))).copied()
}

/// The mean; not a number if there is nothing.
pub(crate) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    if count == 0 { f64::NAN } else { sum / f64::from(count) }
}

/// `SplitMix64`.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        ((u128::from(word) * limit as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_that_agree_give_a_narrow_interval_and_others_a_wide_one() {
        let of = |sample: &[&f64]| mean(sample.iter().map(|value| **value));
        let same = estimate(&[0.5; 10], of);
        assert_eq!((same.value, same.low, same.high), (0.5, 0.5, 0.5));
        let wide = estimate(&[0.0, 1.0, 0.0, 1.0], of);
        assert!(wide.low <= 0.01 && wide.high >= 0.99, "{wide:?}");
        let many: Vec<f64> = (0..400).map(|n| f64::from(n % 2)).collect();
        let sure = estimate(&many, of);
        assert!(sure.low > 0.44 && sure.high < 0.56, "{sure:?}");
    }

    #[test]
    fn nothing_is_no_number() {
        assert!(mean([].into_iter()).is_nan());
        assert_eq!(estimate(&[] as &[f64], |_| f64::NAN).text(), "–");
        assert_eq!(quantile(&[], 0.95), None);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 1.0), Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.0));
    }
}
