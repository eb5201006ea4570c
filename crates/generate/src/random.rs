//! Chance from a seed, and nothing else: the same seed must give the same cluster on every machine
//! and with every version of every library, so the generator (xoshiro256++, seeded by splitmix64)
//! stands here in full.

use crate::act::Id;

/// A stream of chance.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

/// Letters of the random ends of names, as Kubernetes has them (no vowels, nothing mistakable).
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

impl Random {
    /// The stream of a seed.
    pub(crate) fn new(seed: u64) -> Random {
        let mut word = seed;
        let mut next = || {
            word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = word;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        Random { state: [next(), next(), next(), next()] }
    }

    /// The next 64 bits.
    pub(crate) fn word(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        let (b2, a) = (b ^ c, a ^ d);
        self.state = [a, b2, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `limit`; 0 if there is none.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.word()) * limit as u128) >> 64) as usize
    }

    /// A number from `low` up to, but without, `high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(usize::try_from(high - low).unwrap_or(0)) as i64
    }

    /// True so many times of a thousand.
    pub(crate) fn chance(&mut self, of_thousand: usize) -> bool {
        self.below(1000) < of_thousand
    }

    /// One of these; the first if the stream must not be used up.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// A waiting time with this mean, as calls of independent people have it, at most eight means.
    pub(crate) fn wait(&mut self, mean: i64) -> i64 {
        // A uniform number of 24 bits through a table-free logarithm: `ln` of the standard library
        // may differ between machines, so the exponent is taken bit by bit.
        let mut halvings = 0_i64;
        while halvings < 11 && self.chance(500) {
            halvings += 1;
        }
        let part = self.between(0, 1_000_000);
        // Half-lives of a process with mean m are 0.693 m long.
        (mean / 1000 * 693 / 1000).max(1) * (halvings * 1000 + part / 1000)
    }

    /// The end of a generated name.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        (0..length).filter_map(|_| self.pick(LETTERS).map(|letter| char::from(*letter))).collect()
    }

    /// A UUID of version 4.
    pub(crate) fn id(&mut self) -> Id {
        Id::from_words(self.word(), self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_stream_is_that_of_its_definition() {
        // splitmix64 of 0 gives these four words (reference implementation by Vigna).
        let random = Random::new(0);
        assert_eq!(random.state[0], 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.state[1], 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn waits_have_their_mean() {
        let mut random = Random::new(1);
        let sum: i64 = (0..20_000).map(|_| random.wait(1_000_000)).sum();
        let mean = sum / 20_000;
        assert!((900_000..1_150_000).contains(&mean), "{mean}");
    }

    #[test]
    fn numbers_stay_below_their_limit() {
        let mut random = Random::new(7);
        assert!((0..10_000).all(|_| random.below(13) < 13));
        assert_eq!(random.below(0), 0);
    }
}
