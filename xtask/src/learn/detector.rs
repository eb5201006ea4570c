//! What takes part in the race: anything that looks at each row once, in order, and says which hours
//! of which identities it finds how strange.
//!
//! Nobody gets a second look or knows the end of the log. Where to draw the line between strange and
//! alarming is left open here: all are measured at the same number of false incidents per day.

use serde::{Deserialize, Serialize};
use trailhound_generate::life::Deed;
use trailhound_learn::row::Row;
use trailhound_model::fact::Fact;
use trailhound_model::time::Time;

/// Number of a row within a run, from 0.
pub(crate) type RowId = u64;

/// Something that happened, as detectors see it.
pub(crate) struct Seen<'a> {
    /// Number of the row.
    pub(crate) id: RowId,
    /// What was done, with how often.
    pub(crate) deed: &'a Deed,
    /// The request, the first one if it was done often.
    pub(crate) fact: &'a Fact,
    /// The same in symbols, with its count.
    pub(crate) row: &'a Row,
}

/// A stretch of time of an identity, mostly an hour, and how strange it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Scored {
    /// Windows of the same link that are close together are one incident; mostly the identity.
    pub(crate) link: u64,
    /// Its beginning.
    pub(crate) from: Time,
    /// Its end.
    pub(crate) to: Time,
    /// When the score was reached: an alarm could not have come before.
    pub(crate) raised: Time,
    /// More is stranger.
    pub(crate) score: f64,
    /// The rows that made it strange.
    pub(crate) rows: Vec<RowId>,
    /// The first reason, in the words of `Story::tells`; empty from those who give none.
    pub(crate) reason: &'static str,
    /// The detector's own budget made an alarm of it.
    pub(crate) alarmed: bool,
    /// How seldom an hour is as strange, from those who say so.
    pub(crate) chance: Option<f64>,
}

/// Looks at each row once.
pub(crate) trait Detector {
    /// The next row.
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores);
    /// The log has ended.
    fn finish(&mut self, out: &mut Scores);
    /// What looks wrong in what was learned, the most doubtful first: identities with the kind and
    /// place of a request.
    fn review(&self) -> Vec<(u64, u64)> {
        Vec::new()
    }
    /// False alarms that were said to be fine, and how many came again; none where nobody says so.
    fn triage(&self) -> Option<(u32, u32)> {
        None
    }
}

/// Windows that are kept: far more than anybody could ever look at.
const MOST_SCORED: usize = 30_000;

/// What a detector says: the strangest windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scores {
    all: Vec<Scored>,
    /// Windows that were not kept; each is less strange than any that was.
    pub(crate) left_out: u64,
}

/// How often a probability was at most one in a hundred, in a thousand, in ten thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Probabilities {
    /// Hours of identities in all, without those of attacks.
    pub(crate) windows: u64,
    /// Those that were at most 1e-2, 1e-3, 1e-4.
    pub(crate) at_most: [u64; 3],
}

impl Probabilities {
    /// The limits that are counted.
    pub(crate) const LIMITS: [f64; 3] = [1e-2, 1e-3, 1e-4];

    /// Counts a window's probability.
    pub(crate) fn add(&mut self, probability: f64) {
        for (count, limit) in self.at_most.iter_mut().zip(Probabilities::LIMITS) {
            *count += u64::from(probability <= limit);
        }
    }

    /// How often it was, for once that it should have been; none without windows.
    pub(crate) fn realised(&self) -> Option<[f64; 3]> {
        let (windows, told) = (self.windows as f64, self.at_most.iter().any(|count| *count > 0));
        let of = |place: usize| -> Option<f64> {
            Some(*self.at_most.get(place)? as f64 / windows / Probabilities::LIMITS.get(place)?)
        };
        (self.windows > 0 && told).then_some([of(0)?, of(1)?, of(2)?])
    }
}

impl Scores {
    /// A window. One without a score above 0 is nothing.
    pub(crate) fn add(&mut self, scored: Scored) {
        if scored.score.is_nan() || scored.score <= 0.0 {
            return;
        }
        self.all.push(scored);
        if self.all.len() >= 2 * MOST_SCORED {
            self.cut();
        }
    }

    /// The windows, strangest first. Equals are in an order of chance that is always the same, so
    /// that whoever gives one score to everything gains nothing from the order of his answers.
    pub(crate) fn ranked(mut self) -> Vec<Scored> {
        self.cut();
        self.all
    }

    fn cut(&mut self) {
        self.all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| lot(a).cmp(&lot(b))));
        self.left_out += self.all.len().saturating_sub(MOST_SCORED) as u64;
        self.all.truncate(MOST_SCORED);
    }
}

fn lot(scored: &Scored) -> (u64, u64, Time) {
    let word = scored.link ^ (scored.from.0 as u64).rotate_left(31);
    let product = u128::from(word ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    ((product >> 64) as u64 ^ product as u64, scored.link, scored.from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_strangest_are_kept_and_the_rest_is_told() {
        let mut scores = Scores::default();
        for n in 0..100_000_u64 {
            scores.add(Scored { link: n, score: (n % 1000) as f64, ..Scored::default() });
        }
        scores.cut();
        assert_eq!((scores.all.len() as u64 + scores.left_out, scores.left_out), (99_900, 69_900));
        let all = scores.ranked();
        assert!(all.windows(2).all(|pair| pair[0].score >= pair[1].score));
        assert!(all.last().unwrap().score >= 699.0);
    }

    #[test]
    fn a_probability_that_comes_as_often_as_it_says_is_realised_once() {
        let mut found = Probabilities { windows: 100_000, ..Probabilities::default() };
        (1..=100_000).for_each(|n| found.add(f64::from(n) / 100_000.0));
        assert_eq!(found.realised(), Some([1.0, 1.0, 1.0]));
        assert_eq!(Probabilities::default().realised(), None);
    }
}
