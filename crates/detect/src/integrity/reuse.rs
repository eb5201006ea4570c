//! Which audit ids were seen with which request, in at most 16 bytes per record of the recent
//! million.
//!
//! A table of small sets instead of a map: one look at one line of memory per record, the oldest of
//! a set makes room, and nothing ever walks the whole.

use serde::{Deserialize, Serialize};
use trailhound_model::claims::Claims;

/// Records that share a set.
const WAYS: usize = 4;
/// Most sets: a million records, 16 MiB.
const MOST_SETS: usize = 1 << 18;
/// Sets of a young table.
const FEWEST_SETS: usize = 1 << 8;

/// What an id stood for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Known {
    id: u64,
    request: u32,
    user: u32,
}

/// How a record differs from the one that had its audit id before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// The same user, another request.
    OtherRequest,
    /// Another user.
    OtherUser,
}

/// The audit ids of the recent million records.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AuditIds {
    sets: Vec<[Known; WAYS]>,
    kept: usize,
}

impl AuditIds {
    /// Remembers what an id stands for; says if it stood for something else before. The same
    /// request by the same user is its other stage, or an aggregated API server that was handed it
    /// on under the name it was made as.
    pub(crate) fn weigh(&mut self, claims: &Claims) -> Option<Reuse> {
        if claims.id == 0 {
            return None;
        }
        let place = self.place(claims.id);
        let set = self.sets.get_mut(place)?;
        if let Some(known) = set.iter().find(|known| known.id == claims.id) {
            return compare(known, claims);
        }
        let known = Known { id: claims.id, request: claims.request, user: claims.user };
        let [first, second, third, last] = *set;
        *set = [known, first, second, third];
        self.kept += usize::from(last.id == 0);
        self.grow();
        None
    }

    fn place(&mut self, id: u64) -> usize {
        if self.sets.is_empty() {
            self.sets = vec![[Known::default(); WAYS]; FEWEST_SETS];
        }
        id as usize & (self.sets.len() - 1)
    }

    /// Four times the sets, when half the room is taken.
    fn grow(&mut self) {
        if self.sets.len() >= MOST_SETS || self.kept * 2 < self.sets.len() * WAYS {
            return;
        }
        let sets = vec![[Known::default(); WAYS]; self.sets.len() * 4];
        let old = std::mem::replace(&mut self.sets, sets);
        for known in old.iter().flat_map(|set| set.iter().rev()).filter(|known| known.id != 0) {
            let place = self.place(known.id);
            if let Some(set) = self.sets.get_mut(place) {
                let [first, second, third, _] = *set;
                *set = [*known, first, second, third];
            }
        }
    }
}

fn compare(known: &Known, claims: &Claims) -> Option<Reuse> {
    let same_user = known.user == claims.user || known.user == claims.effective;
    match (same_user, known.request == claims.request) {
        (true, true) => None,
        (true, false) => Some(Reuse::OtherRequest),
        (false, _) => Some(Reuse::OtherUser),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(id: u64, request: u32, user: u32) -> Claims {
        Claims { id, request, user, effective: user, contradiction: None }
    }

    #[test]
    fn an_id_that_stands_for_two_requests_is_told_and_its_other_stage_is_not() {
        let mut ids = AuditIds::default();
        assert_eq!(ids.weigh(&claims(5, 1, 1)), None);
        assert_eq!(ids.weigh(&claims(5, 1, 1)), None);
        assert_eq!(ids.weigh(&claims(5, 2, 1)), Some(Reuse::OtherRequest));
        assert_eq!(ids.weigh(&claims(5, 1, 9)), Some(Reuse::OtherUser));
        let handed_on = Claims { effective: 1, ..claims(5, 1, 7) };
        assert_eq!(ids.weigh(&handed_on), None);
        assert_eq!(ids.weigh(&claims(0, 3, 3)), None);
    }

    #[test]
    fn the_recent_are_known_and_memory_is_bounded() {
        let mut ids = AuditIds::default();
        let id = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63;
        for n in 0..1_500_000 {
            assert_eq!(ids.weigh(&claims(id(n) >> 3, 1, 1)), None);
        }
        assert_eq!(ids.sets.len(), MOST_SETS);
        let known = (1_200_000..1_500_000)
            .filter(|n| ids.weigh(&claims(id(*n) >> 3, 2, 1)) == Some(Reuse::OtherRequest));
        assert!(known.count() > 290_000);
    }
}
