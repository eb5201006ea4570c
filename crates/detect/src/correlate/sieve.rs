//! Whether a key may be known, answered without looking it up.
//!
//! Nearly no request touches what an incident left, but each must be asked about several keys: a few
//! bits that stay in the processor's cache say no to most of them.

use super::hands::Key;

/// Bits; so few that they stay near.
const BITS: usize = 1 << 16;

/// Bits of keys that were added. It forgets none, and may take a stranger for known.
#[derive(Clone, Debug, Default)]
pub(super) struct Sieve {
    words: Vec<u64>,
}

impl Sieve {
    /// With these keys.
    pub(super) fn of(keys: impl Iterator<Item = Key>) -> Sieve {
        let mut sieve = Sieve::default();
        keys.for_each(|key| sieve.add(key));
        sieve
    }

    /// Whether nothing was ever added.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    pub(super) fn add(&mut self, key: Key) {
        if self.words.is_empty() {
            self.words.resize(BITS / 64, 0);
        }
        let (word, bit) = place(key);
        if let Some(word) = self.words.get_mut(word) {
            *word |= bit;
        }
    }

    /// Certainly not if false.
    pub(super) fn may_have(&self, key: Key) -> bool {
        let (word, bit) = place(key);
        self.words.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// Keys are hashes, any bits of them will do.
fn place(key: Key) -> (usize, u64) {
    let at = key as usize % BITS;
    (at / 64, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlate::hands::key_of;

    #[test]
    fn what_was_added_is_never_denied() {
        let key = |n: u32| key_of("pod", &["shop", &n.to_string()]);
        let sieve = Sieve::of((0..1_000).map(key));
        assert!((0..1_000).all(|n| sieve.may_have(key(n))));
        let strangers = (1_000..11_000).filter(|n| sieve.may_have(key(*n))).count();
        assert!(strangers < 400, "{strangers} of 10,000");
        assert!(!Sieve::default().may_have(key(1)) && Sieve::default().is_empty());
    }
}
