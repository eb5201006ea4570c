//! Symbols: what was canonicalised, as 64 bits that mean the same in every run, with the text beside
//! them for those who read.
//!
//! A symbol is a hash of its text and not a number given out in order of arrival, so that counts of
//! two clusters or two days can be laid side by side and a restored state needs no renumbering. The
//! hash resists second preimages, because clients choose names.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip::SipHasher13;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use trailhound_model::Str;

/// One canonical thing.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Symbol(pub u64);

impl Symbol {
    /// The symbol of a sort of thing and the parts of its text.
    pub fn of(sort: Sort, parts: &[&str]) -> Symbol {
        let mut text: SmallVec<[u8; 256]> = SmallVec::new();
        text.push(sort as u8);
        for part in parts {
            text.extend_from_slice(part.as_bytes());
            text.push(0xff);
        }
        Symbol(SipHasher13::new().hash(&text))
    }

    /// The symbol of a pair.
    #[must_use]
    pub fn with(self, other: Symbol) -> Symbol {
        Symbol(mixed(self.0, other.0))
    }

    /// The symbol together with a small number.
    #[must_use]
    pub fn at(self, number: u64) -> Symbol {
        Symbol(mixed(self.0, number))
    }
}

/// Two numbers into one, in which their order counts. Symbols are hashed already; this only keeps
/// pairs apart.
pub(crate) fn mixed(a: u64, b: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(a ^ ODD) * u128::from(b ^ ODD.rotate_left(23));
    let folded = (product as u64) ^ ((product >> 64) as u64) ^ a.rotate_left(17) ^ b;
    let again = u128::from(folded) * u128::from(ODD);
    (again as u64) ^ ((again >> 64) as u64)
}

/// What sort of thing a symbol names: equal texts of two sorts are two symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// An identity.
    Principal,
    /// A request.
    Action,
    /// A program.
    Agent,
    /// A version of a program.
    Version,
    /// Where a request came from.
    Source,
    /// An object.
    Object,
    /// What a workload is made of.
    Shape,
    /// A name as it was written, for caches.
    Raw,
    /// A namespace.
    Namespace,
}

/// Hashing of what is a hash already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// A map by symbols or other hashes. It is saved in the order of its keys and nothing may depend on
/// the order in which it is walked.
#[derive(Clone, Debug)]
pub struct Table<V>(HashMap<u64, V, BuildHasherDefault<Hashed>>);

impl<V> Default for Table<V> {
    fn default() -> Table<V> {
        Table(HashMap::default())
    }
}

impl<V> std::ops::Deref for Table<V> {
    type Target = HashMap<u64, V, BuildHasherDefault<Hashed>>;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<V> std::ops::DerefMut for Table<V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<V: PartialEq> PartialEq for Table<V> {
    fn eq(&self, other: &Table<V>) -> bool {
        self.0 == other.0
    }
}

impl<V: Serialize> Serialize for Table<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<(&u64, &V)> = self.0.iter().collect();
        all.sort_unstable_by_key(|(key, _)| **key);
        all.serialize(serializer)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Table<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Table<V>, D::Error> {
        let all: Vec<(u64, V)> = Vec::deserialize(deserializer)?;
        Ok(Table(all.into_iter().collect()))
    }
}

/// The texts of symbols. It only serves those who read: counts work without it, so when it is full
/// what comes later has no text, and it says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Words {
    texts: Table<Str>,
    full: bool,
}

/// Texts that are kept.
const MOST_WORDS: usize = 100_000;
/// Longest text that is kept, in bytes.
const LONGEST_WORD: usize = 200;

impl Words {
    /// Keeps the text of a symbol if it has none yet; the text is made only then.
    pub fn note(&mut self, symbol: Symbol, text: impl FnOnce() -> String) {
        if self.texts.contains_key(&symbol.0) {
            return;
        }
        if self.texts.len() >= MOST_WORDS {
            self.full = true;
            return;
        }
        let mut text = text();
        if text.len() > LONGEST_WORD {
            let end = (0..=LONGEST_WORD).rev().find(|at| text.is_char_boundary(*at));
            text.truncate(end.unwrap_or(0));
        }
        self.texts.insert(symbol.0, text.into());
    }

    /// The text of a symbol; empty if none was kept.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(&symbol.0).map_or("", Str::as_str)
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether some symbol has no text because there was no room.
    pub fn is_full(&self) -> bool {
        self.full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_text_do_not_run_into_one_another() {
        let symbol = |parts: &[&str]| Symbol::of(Sort::Action, parts);
        assert_ne!(symbol(&["ab", "c"]), symbol(&["a", "bc"]));
        assert_ne!(symbol(&["a"]), Symbol::of(Sort::Agent, &["a"]));
        assert_ne!(symbol(&["a"]).with(symbol(&["b"])), symbol(&["b"]).with(symbol(&["a"])));
    }

    #[test]
    fn small_numbers_beside_a_symbol_give_different_symbols() {
        let one = Symbol::of(Sort::Action, &["x"]);
        let mut all: Vec<u64> = (0..100_000).map(|n| one.at(n).0).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 100_000);
    }

    #[test]
    fn a_flood_of_names_fills_the_words_once_and_is_told() {
        let mut words = Words::default();
        for n in 0..(MOST_WORDS as u64 + 10) {
            words.note(Symbol(n), || "x".repeat(1000));
        }
        assert_eq!((words.len(), words.is_full()), (MOST_WORDS, true));
        assert_eq!(words.text(Symbol(3)).len(), LONGEST_WORD);
        assert_eq!(words.text(Symbol(u64::MAX)), "");
    }

    #[test]
    fn a_table_is_saved_in_the_order_of_its_keys() {
        let mut one = Table::default();
        let mut other = Table::default();
        for n in 0..1000u64 {
            one.insert(mixed(n, 7), n);
            other.insert(mixed(999 - n, 7), 999 - n);
        }
        let bytes = |table: &Table<u64>| postcard::to_allocvec(table).unwrap();
        assert_eq!(bytes(&one), bytes(&other));
        let back: Table<u64> = postcard::from_bytes(&bytes(&one)).unwrap();
        assert_eq!(back, one);
    }
}
