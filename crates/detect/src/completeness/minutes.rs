//! Beats per minute of the log, so that a finding can be told how complete the log was around it.
//! A month is kept; of earlier minutes only the gaps are known.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use trailhound_model::time::{MINUTE, Time};

/// Most minutes that are kept: 31 days.
const MOST: usize = 44_640;

/// What was counted in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Minute {
    number: i64,
    /// Beats of regular series.
    pub(crate) seen: u32,
    /// Beats that were missing one by one.
    pub(crate) missing: u32,
    /// Records whose contents were cut away.
    pub(crate) truncated: u32,
}

/// The minutes in order, those without anything left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Minutes {
    kept: VecDeque<Minute>,
    nowhere: Minute,
}

impl Minutes {
    /// The minute of this moment, to count in.
    pub(crate) fn at(&mut self, time: Time) -> &mut Minute {
        let number = time.0.div_euclid(MINUTE);
        let place = self.place(number);
        self.kept.get_mut(place).unwrap_or(&mut self.nowhere)
    }

    fn place(&mut self, number: i64) -> usize {
        let last = self.kept.len().wrapping_sub(1);
        match self.kept.back() {
            Some(back) if back.number == number => return last,
            Some(back) if back.number > number => {}
            _ => {
                if self.kept.len() >= MOST {
                    self.kept.pop_front();
                }
                self.kept.push_back(Minute { number, ..Minute::default() });
                return self.kept.len() - 1;
            }
        }
        match self.kept.binary_search_by_key(&number, |minute| minute.number) {
            Ok(place) => place,
            Err(_) if self.kept.len() >= MOST => usize::MAX,
            Err(place) => {
                self.kept.insert(place, Minute { number, ..Minute::default() });
                place
            }
        }
    }

    /// All that was counted from one moment to another, in whole minutes; `None` if that is no
    /// longer kept.
    pub(crate) fn within(&self, from: Time, to: Time) -> Option<Minute> {
        let (first, last) = (from.0.div_euclid(MINUTE), to.0.div_euclid(MINUTE));
        if self.kept.len() >= MOST && self.kept.front().is_some_and(|front| front.number > first) {
            return None;
        }
        let start = self.kept.partition_point(|minute| minute.number < first);
        let inside = self.kept.range(start..).take_while(|minute| minute.number <= last);
        Some(inside.fold(Minute::default(), |sum, minute| Minute {
            number: 0,
            seen: sum.seen.saturating_add(minute.seen),
            missing: sum.missing.saturating_add(minute.missing),
            truncated: sum.truncated.saturating_add(minute.truncated),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_minutes_find_their_place_and_a_flood_of_minutes_is_bounded() {
        let mut minutes = Minutes::default();
        for minute in [5, 7, 6, 7, -3] {
            minutes.at(Time(minute * MINUTE)).seen += 1;
        }
        let seen = |from: i64, to: i64| {
            minutes.within(Time(from * MINUTE), Time(to * MINUTE)).map(|sum| sum.seen)
        };
        assert_eq!((seen(6, 7), seen(-9, 9), seen(8, 9)), (Some(3), Some(5), Some(0)));
        for minute in 0..2 * MOST as i64 {
            minutes.at(Time(minute * MINUTE)).seen += 1;
        }
        assert_eq!(minutes.kept.len(), MOST);
        assert_eq!(minutes.within(Time(0), Time(MINUTE)), None);
    }
}
