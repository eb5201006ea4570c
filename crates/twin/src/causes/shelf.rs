//! A map that never grows beyond its cap: whoever can write to a cluster can name objects without
//! end. What nobody asked for since its last turn goes first, so that a deployment of last year
//! outlives the pods of an hour.

use serde::{Deserialize, Serialize};
use std::{
    collections::{VecDeque, hash_map::Entry},
    hash::Hash,
};
use trailhound_model::Map;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "K: Serialize + Ord, V: Serialize"))]
#[serde(bound(deserialize = "K: Deserialize<'de> + Eq + Hash, V: Deserialize<'de>"))]
pub(super) struct Shelf<K: Eq + Hash, V> {
    items: Map<K, (V, bool)>,
    turns: VecDeque<K>,
    most: usize,
    dropped: u64,
}

impl<K: Eq + Hash + Copy, V> Shelf<K, V> {
    pub(super) fn new(most: usize) -> Self {
        Shelf { items: Map::default(), turns: VecDeque::new(), most, dropped: 0 }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.items.get(key).map(|(value, _)| value)
    }

    /// To change it, which also says that it is needed.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (value, needed) = self.items.get_mut(key)?;
        *needed = true;
        Some(value)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        match self.items.entry(key) {
            Entry::Occupied(mut place) => {
                place.insert((value, true));
                return;
            }
            Entry::Vacant(place) => place.insert((value, false)),
        };
        while self.items.len() > self.most {
            let Some(oldest) = self.turns.pop_front() else { break };
            match self.items.get_mut(&oldest) {
                Some((_, needed)) if *needed => {
                    *needed = false;
                    self.turns.push_back(oldest);
                }
                _ => {
                    self.items.remove(&oldest);
                    self.dropped += 1;
                }
            }
        }
        self.turns.push_back(key);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// How many had to go.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn values(&self) -> impl Iterator<Item = (&K, &V)> {
        self.items.iter().map(|(key, (value, _))| (key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_outlives_a_flood() {
        let mut shelf = Shelf::new(4);
        shelf.insert(0, "kept");
        for key in 1..1_000 {
            assert!(shelf.get_mut(&0).is_some());
            shelf.insert(key, "flood");
            assert!(shelf.len() <= 4);
        }
        assert_eq!(shelf.get(&0), Some(&"kept"));
        assert_eq!(shelf.dropped(), 996);
    }
}
