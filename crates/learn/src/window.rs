//! One hour of one identity.
//!
//! What is strange about it adds up slowly: the strangest request counts in full, the next four
//! different ones by a third, the rest not at all, so that a long list of small things is no attack.

use crate::canon::principal::Who;
use crate::fuse::{Chances, Weight};
use crate::novelty::Facet;
use crate::rate::{Count, Counts};
use crate::row::Row;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use trailhound_model::time::Time;

/// A request that was strange, or a count that was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// How strange.
    pub score: f64,
    /// When.
    pub time: Time,
    /// What the caller calls it.
    pub id: u64,
    /// What was done.
    pub action: u64,
    /// It matters.
    pub critical: bool,
    /// How much it weighs.
    pub weight: Weight,
    /// Its sides.
    pub chances: Chances,
    /// A count, and how many.
    pub count: Option<(Count, u32, f64)>,
}

/// Marks that are kept.
const MARKS: usize = 16;
/// Requests of a count that are kept as its evidence.
const SHOWN: usize = 4;
/// A request that scores less is nothing.
pub const LEAST: f64 = 0.5;
/// The weight of further marks.
const FURTHER: f64 = 0.3;
/// How many further marks count.
const MOST_FURTHER: usize = 4;

/// Something to be learned at the end of the hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// Side of the request.
    pub facet: Facet,
    /// The symbol.
    pub symbol: u64,
    /// The chance that it had.
    pub chance: f32,
    /// The identity never did it before.
    pub new: bool,
    /// Nobody ever did.
    pub first: bool,
    /// It was part of an act that matters.
    pub critical: bool,
}

/// An hour of an identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Key of the person.
    pub key: u64,
    /// Who it is.
    pub who: Who,
    /// Strange requests, in no order.
    pub marks: Vec<Mark>,
    /// What is to be learned.
    pub lessons: Vec<Lesson>,
    /// How much was done.
    pub counts: Counts,
    /// Evidence of counts.
    shown: SmallVec<[(Count, Time, u64); 4]>,
    /// The last action.
    pub last_action: u64,
    /// First request.
    pub from: Time,
    /// Last request.
    pub to: Time,
    /// It was told already.
    pub told: bool,
}

impl Window {
    /// An hour begins.
    pub fn new(key: u64, who: Who, time: Time) -> Window {
        Window { key, who, from: time, to: time, ..Window::default() }
    }

    /// Adds to the counts. `fresh` says that this target is new in this hour.
    pub fn count(&mut self, row: &Row, id: u64, fresh: bool) {
        self.to = self.to.max(row.time);
        let series = row.series;
        let each = [
            (series.write, Count::Writes, row.count.max(1)),
            (series.denied, Count::Denied, row.count.max(1)),
            (series.secret, Count::Secrets, row.count.max(1)),
            (series.denied && fresh, Count::DeniedTargets, 1),
            (series.secret && fresh, Count::SecretTargets, 1),
        ];
        for (_, count, by) in each.into_iter().filter(|(adds, ..)| *adds) {
            self.add(count, by, row.time, id);
        }
    }

    /// Adds to one count.
    pub fn add(&mut self, count: Count, by: u32, time: Time, id: u64) {
        if let Some(sum) = self.counts.get_mut(count as usize) {
            *sum = sum.saturating_add(by);
        }
        if self.shown.iter().filter(|one| one.0 == count).count() < SHOWN {
            self.shown.push((count, time, id));
        }
    }

    /// Keeps a mark if it is among the strangest; of the same action only the strangest.
    pub fn mark(&mut self, mark: Mark) {
        let same = |other: &Mark| {
            other.action == mark.action && other.count.is_some() == mark.count.is_some()
        };
        let same_few = self.marks.iter().filter(|other| same(other)).count() >= 4;
        let place = if same_few || self.marks.len() >= MARKS {
            let rivals = self.marks.iter().enumerate().filter(|(_, one)| !same_few || same(one));
            let Some((at, least)) = rivals.min_by(|a, b| order(b.1, a.1)) else { return };
            if order(&mark, least).is_ge() {
                return;
            }
            Some(at)
        } else {
            None
        };
        match place.and_then(|at| self.marks.get_mut(at)) {
            Some(old) => *old = mark,
            None => self.marks.push(mark),
        }
    }

    /// Evidence of a count: the first requests that added to it.
    pub fn shown(&self, count: Count) -> impl Iterator<Item = (Time, u64)> + '_ {
        self.shown.iter().filter(move |one| one.0 == count).map(|one| (one.1, one.2))
    }

    /// Strangest first.
    pub fn sort(&mut self) {
        self.marks.sort_by(order);
    }

    /// The score of the hour, after [`Window::sort`], and when it was reached.
    pub fn score(&self) -> (f64, Time) {
        let mut seen: SmallVec<[u64; 8]> = SmallVec::new();
        let (mut sum, mut time) = (0.0, self.from);
        for mark in &self.marks {
            if seen.contains(&mark.action) {
                continue;
            }
            if seen.len() > MOST_FURTHER {
                break;
            }
            sum += if seen.is_empty() { mark.score } else { FURTHER * mark.score };
            time = if seen.is_empty() { mark.time } else { time.max(mark.time) };
            seen.push(mark.action);
        }
        (sum, time)
    }
}

fn order(a: &Mark, b: &Mark) -> std::cmp::Ordering {
    b.score.total_cmp(&a.score).then(a.time.cmp(&b.time)).then(a.id.cmp(&b.id))
}
