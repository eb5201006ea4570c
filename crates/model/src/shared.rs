//! Values that thousands of records repeat, held once.
//!
//! A log names the same few hundred identities, permissions and clients over and over. Decoding
//! keeps one value of each and hands out references to it; a change makes a copy of its own, so
//! that whoever holds a value may treat it as his.

use crate::Str;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// A value that may be held in many places, and is copied when one of them changes it.
pub struct Shared<T>(Arc<T>);

impl<T> Shared<T> {
    /// Whether both are one and the same value in memory. Equal values need not be.
    pub fn is_same(&self, other: &Shared<T>) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where the value lies: a key that is good as long as somebody holds the value.
    pub fn place(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Shared<T> {
        Shared(Arc::default())
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Shared<T> {
        Shared(Arc::new(value))
    }
}

impl From<&str> for Shared<Str> {
    fn from(text: &str) -> Shared<Str> {
        Shared::from(Str::new(text))
    }
}

impl From<String> for Shared<Str> {
    fn from(text: String) -> Shared<Str> {
        Shared::from(Str::from(text))
    }
}

impl<V, T: FromIterator<V>> FromIterator<V> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = V>>(values: I) -> Shared<T> {
        Shared::from(values.into_iter().collect::<T>())
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Shared<T>) -> bool {
        self.is_same(other) || *self.0 == *other.0
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared<T>, D::Error> {
        T::deserialize(deserializer).map(Shared::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_not_seen_by_others() {
        let one: Shared<Vec<u8>> = vec![1].into();
        let mut other = one.clone();
        assert!(one.is_same(&other));
        other.push(2);
        assert_eq!((one.as_slice(), other.as_slice()), (&[1][..], &[1, 2][..]));
    }
}
