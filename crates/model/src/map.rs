//! Hash maps for what is looked up with every event.
//!
//! Half of what following a cluster costs is looking things up by name. These maps hash several
//! times faster than those of the standard library, still with keys of their own per process, so
//! that nobody can choose names that collide. Their order means nothing: they are written in the
//! order of their keys, so that the same state is the same bytes, and whatever is told of them is
//! sorted first.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::{HashMap, hash_map},
    fmt,
    hash::Hash,
    ops::{Deref, DerefMut},
};

type Inner<K, V> = HashMap<K, V, ahash::RandomState>;

/// A map whose order means nothing.
#[derive(Clone)]
pub struct Map<K, V>(Inner<K, V>);

impl<K: Ord, V> Map<K, V> {
    /// Everything, in the order of the keys.
    pub fn sorted(&self) -> Vec<(&K, &V)> {
        let mut pairs: Vec<(&K, &V)> = self.0.iter().collect();
        pairs.sort_unstable_by_key(|(key, _)| *key);
        pairs
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Map<K, V> {
        Map(Inner::default())
    }
}

impl<K, V> Deref for Map<K, V> {
    type Target = Inner<K, V>;
    fn deref(&self) -> &Inner<K, V> {
        &self.0
    }
}

impl<K, V> DerefMut for Map<K, V> {
    fn deref_mut(&mut self) -> &mut Inner<K, V> {
        &mut self.0
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for Map<K, V> {
    fn eq(&self, other: &Map<K, V>) -> bool {
        self.0 == other.0
    }
}

impl<K: Eq + Hash, V: Eq> Eq for Map<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<K: Eq + Hash, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Map<K, V> {
        Map(pairs.into_iter().collect())
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = hash_map::IntoIter<K, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = hash_map::Iter<'a, K, V>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<K: Serialize + Ord, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

impl<'de, K, V> Deserialize<'de> for Map<K, V>
where
    K: Deserialize<'de> + Eq + Hash,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Map<K, V>, D::Error> {
        Inner::deserialize(deserializer).map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_of_a_map_is_in_order() {
        let map: Map<u32, u32> = (0..1_000).rev().map(|n| (n, n)).collect();
        assert!(map.sorted().into_iter().map(|(key, _)| *key).eq(0..1_000));
    }
}
