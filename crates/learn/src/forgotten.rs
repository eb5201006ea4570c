//! What was seen once and found no room: that it was seen is kept, the details are not.
//!
//! A filter answers wrongly now and then, and always for everything once it is full; so it takes no
//! more when it is a third full, and only softens what does not matter.

use crate::symbol::Symbol;
use serde::{Deserialize, Serialize};

/// A set of things that were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    bits: Vec<u64>,
    set: u32,
    /// Things that found no room even here.
    pub left_out: u64,
}

/// Words of 64 bits.
const WORDS: usize = 1 << 14;
/// Bits that may be set.
const MOST: u32 = (WORDS as u32 * 64) / 3;

fn places(owner: u64, facet: u8, symbol: u64) -> [usize; 3] {
    let key = Symbol(owner).at(u64::from(facet)).with(Symbol(symbol));
    [1, 2, 3].map(|n| key.at(n).0 as usize % (WORDS * 64))
}

impl Forgotten {
    /// Remembers that somebody did something.
    pub fn add(&mut self, owner: u64, facet: u8, symbol: u64) {
        if self.set >= MOST {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        if self.bits.is_empty() {
            self.bits.resize(WORDS, 0);
        }
        for place in places(owner, facet, symbol) {
            if let Some(word) = self.bits.get_mut(place / 64) {
                let bit = 1 << (place % 64);
                self.set += u32::from(*word & bit == 0);
                *word |= bit;
            }
        }
    }

    /// Whether somebody did something, as far as is known.
    pub fn has(&self, owner: u64, facet: u8, symbol: u64) -> bool {
        !self.bits.is_empty()
            && places(owner, facet, symbol).into_iter().all(|place| {
                self.bits.get(place / 64).is_some_and(|word| *word & 1 << (place % 64) != 0)
            })
    }
}
