//! What was worked out of a value that thousands of records share, so that it is worked out once.
//!
//! Decoding hands out one and the same annotations, identities and addresses to all records that
//! repeat them ([`Shared`]). Holding such a value keeps its place in memory its own, so that the
//! place is a key. A cache and nothing else: it is no part of any state.

use crate::Shared;
use std::fmt;

/// Values that are remembered; a newcomer replaces whoever has its place.
const PLACES: usize = 1024;

/// Answers by the place of what they were worked out of.
pub struct Memo<T, V> {
    places: Vec<Option<(Shared<T>, V)>>,
}

impl<T, V: Copy> Memo<T, V> {
    /// The answer for this value, worked out by `make` if it is not remembered.
    pub fn get(&mut self, of: &Shared<T>, make: impl FnOnce() -> V) -> V {
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let at = (of.place() >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let Some(place) = self.places.get_mut(at % PLACES) else { return make() };
        if let Some((known, value)) = place
            && known.is_same(of)
        {
            return *value;
        }
        let value = make();
        *place = Some((of.clone(), value));
        value
    }
}

impl<T, V> Default for Memo<T, V> {
    fn default() -> Memo<T, V> {
        Memo { places: Vec::new() }
    }
}

impl<T, V: Clone> Clone for Memo<T, V> {
    /// A copy begins anew.
    fn clone(&self) -> Memo<T, V> {
        Memo::default()
    }
}

impl<T, V> PartialEq for Memo<T, V> {
    /// What is remembered makes no difference.
    fn eq(&self, _: &Memo<T, V>) -> bool {
        true
    }
}

impl<T, V> fmt::Debug for Memo<T, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_worked_out_once_and_another_value_does_not_get_it() {
        let mut memo = Memo::<usize, usize>::default();
        let values: Vec<Shared<usize>> = (0..5_000).map(Shared::from).collect();
        for value in values.iter().chain(&values) {
            assert_eq!(memo.get(value, || **value), **value);
        }
        let one = Shared::from(7);
        assert_eq!(memo.get(&one, || 7), 7);
        assert_eq!(memo.get(&one, || 8), 7);
    }
}
