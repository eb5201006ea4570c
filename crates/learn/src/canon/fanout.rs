//! Beginnings of names that too many names share.
//!
//! No grammar knows every program that draws names. If one beginning has had more than sixteen
//! endings in a namespace, the ending is data and no name: `session-anna`, `session-ben` … become
//! `session-*`. And where one name with a beginning was surely drawn, an ending of the same look but
//! without digits was drawn too. Sixteen is few enough to remember the endings themselves, which a
//! sketch of the same size could only estimate.
//!
//! Whoever can create objects can make a beginning fan out, and hide one more name behind it; what
//! Kubernetes itself gives a meaning to never does.

use super::tail;
use crate::symbol::{Sort, Symbol, Table};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Different endings after which a beginning fans out.
pub const MOST_ENDINGS: usize = 16;
/// Beginnings that are kept.
const MOST_BEGINNINGS: usize = 32_768;

/// What is known of a beginning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Beginning {
    endings: SmallVec<[u32; 4]>,
    /// A name with this beginning was surely drawn.
    drawn: bool,
    /// It has fanned out; its endings are forgotten.
    open: bool,
}

/// What becomes of an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is a part of the name.
    Kept,
    /// It is drawn, as others with the same beginning were.
    Drawn,
    /// One of too many.
    Open,
}

/// The beginnings of names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Fans {
    beginnings: Table<Beginning>,
    /// Grows when an earlier answer would now be another one.
    epoch: u32,
    /// Beginnings found no room.
    full: bool,
}

impl Fans {
    /// Notes an ending that the grammar left alone, and says what becomes of it.
    pub(super) fn ending(
        &mut self,
        namespace: &str,
        resource: &str,
        stem: &str,
        end: &str,
    ) -> Ending {
        if is_defined(stem, end) {
            return Ending::Kept;
        }
        let Some(beginning) = self.at(namespace, resource, stem) else { return Ending::Kept };
        if beginning.open {
            return Ending::Open;
        }
        if beginning.drawn && tail::could_be_drawn(end) {
            return Ending::Drawn;
        }
        let hash = Symbol::of(Sort::Raw, &[end]).0 as u32;
        if beginning.endings.contains(&hash) {
            return Ending::Kept;
        }
        beginning.endings.push(hash);
        if beginning.endings.len() <= MOST_ENDINGS {
            return Ending::Kept;
        }
        beginning.open = true;
        beginning.endings = SmallVec::new();
        self.epoch = self.epoch.wrapping_add(1);
        Ending::Open
    }

    /// Notes that a name with this beginning was drawn.
    pub(super) fn drawn(&mut self, namespace: &str, resource: &str, stem: &str) {
        let Some(beginning) = self.at(namespace, resource, stem) else { return };
        if !beginning.drawn {
            beginning.drawn = true;
            if !beginning.endings.is_empty() {
                self.epoch = self.epoch.wrapping_add(1);
            }
        }
    }

    /// When this number changes, earlier answers no longer hold.
    pub(super) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Whether a beginning found no room.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    fn at(&mut self, namespace: &str, resource: &str, stem: &str) -> Option<&mut Beginning> {
        let key = Symbol::of(Sort::Raw, &[namespace, resource, stem]).0;
        if !self.beginnings.contains_key(&key) && self.beginnings.len() >= MOST_BEGINNINGS {
            self.make_room();
            if self.full {
                return None;
            }
        }
        Some(self.beginnings.entry(key).or_default())
    }

    /// Forgets beginnings that have shown one ending only: those do nothing.
    /// If that leaves it nearly full, it is full for good: it must not be swept again for each name
    /// of a flood.
    fn make_room(&mut self) {
        if self.full {
            return;
        }
        self.beginnings.retain(|_, one| one.open || one.drawn || one.endings.len() > 1);
        self.full = self.beginnings.len() > MOST_BEGINNINGS / 4 * 3;
        self.epoch = self.epoch.wrapping_add(1);
    }
}

/// Names that Kubernetes gives a meaning to: one of them is never one of many.
fn is_defined(stem: &str, end: &str) -> bool {
    stem.starts_with("system:")
        || stem.starts_with("kube-")
        || matches!((stem, end), ("cluster-", "admin") | ("aws-", "auth"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seventeenth_ending_opens_a_beginning() {
        let mut fans = Fans::default();
        for n in 0..MOST_ENDINGS {
            assert_eq!(fans.ending("shop", "secrets", "user-", &format!("n{n}")), Ending::Kept);
        }
        assert_eq!(fans.ending("shop", "secrets", "user-", "n3"), Ending::Kept);
        assert_eq!(fans.ending("shop", "secrets", "user-", "last"), Ending::Open);
        assert_eq!(fans.ending("shop", "secrets", "user-", "n3"), Ending::Open);
        assert_eq!(fans.ending("other", "secrets", "user-", "n3"), Ending::Kept);
        assert_eq!(fans.epoch(), 1);
    }

    #[test]
    fn cluster_admin_is_never_one_of_many() {
        let mut fans = Fans::default();
        for n in 0..100 {
            fans.ending("", "clusterroles", "cluster-", &format!("x{n}"));
        }
        assert_eq!(fans.ending("", "clusterroles", "cluster-", "admin"), Ending::Kept);
        assert_eq!(fans.ending("", "clusterroles", "cluster-", "other"), Ending::Open);
    }

    #[test]
    fn siblings_of_a_drawn_name_are_drawn() {
        let mut fans = Fans::default();
        assert_eq!(fans.ending("a", "secrets", "tls-", "bcdfg"), Ending::Kept);
        fans.drawn("a", "secrets", "tls-");
        assert_eq!(fans.ending("a", "secrets", "tls-", "bcdfg"), Ending::Drawn);
        assert_eq!(fans.ending("a", "secrets", "tls-", "https"), Ending::Kept);
    }

    #[test]
    fn a_flood_of_beginnings_finds_its_bound() {
        let mut fans = Fans::default();
        for n in 0..3 * MOST_BEGINNINGS {
            fans.ending("a", "secrets", &format!("s{n}-"), "x");
        }
        assert!(fans.beginnings.len() <= MOST_BEGINNINGS && !fans.is_full());
        for n in 0..2 * MOST_BEGINNINGS {
            fans.drawn("a", "secrets", &format!("s{n}-"));
        }
        assert!(fans.beginnings.len() <= MOST_BEGINNINGS && fans.is_full());
    }
}
