//! What others do, on the same rows: the detectors that the learner must beat.
//!
//! They are given what helps them: canonical names, hours in which several strange things count for
//! more than one, and the same weight for requests that matter much. What is best for each is found on
//! clusters and attacks that are for tuning, and stands in [`super::roster`].

pub(super) mod ecod;
pub(super) mod ngram;
pub(super) mod rarity;
pub(super) mod rules;
pub(super) mod terms;

use super::detector::{RowId, Scored, Scores, Seen};
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use trailhound_learn::row::Row;
use trailhound_learn::symbol::Hashed;
use trailhound_model::time::{HOUR, Time};

/// A map by numbers that are hashes already.
type ByHash<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;

/// Microseconds of a day.
const DAY: i64 = 24 * HOUR;
/// Rows of a window that are named as evidence.
const MOST_ROWS: usize = 16;
/// Different strange things of a window that count beside the strangest.
const BESIDE: usize = 4;
/// What each of them counts.
const SHARE: f64 = 0.3;

/// How a detector's choices are weighed, the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weigh {
    /// Requests that matter much count more.
    pub(super) critical: bool,
    /// Several strange things in an hour count for more than one.
    pub(super) several: bool,
}

impl Weigh {
    /// Neither.
    pub(super) const PLAIN: Weigh = Weigh { critical: false, several: false };
    /// Only what matters much.
    pub(super) const CRITICAL: Weigh = Weigh { critical: true, several: false };
    /// Both.
    pub(super) const BOTH: Weigh = Weigh { critical: true, several: true };

    fn of(self, row: &Row) -> f64 {
        match (self.critical, row.critical) {
            (false, _) => 1.0,
            (true, true) => 1.5,
            (true, false) => 0.8,
        }
    }
}

/// Hours of identities that are not over.
#[derive(Debug)]
pub(super) struct Hours {
    weigh: Weigh,
    hour: i64,
    open: BTreeMap<u64, Hour>,
}

#[derive(Debug, Default)]
struct Hour {
    /// Strange things, strangest first, each once.
    things: Vec<(f64, u64)>,
    rows: Vec<(f64, RowId)>,
    raised: Time,
    reason: &'static str,
}

impl Hours {
    /// None yet.
    pub(super) fn new(weigh: Weigh) -> Hours {
        Hours { weigh, hour: i64::MIN, open: BTreeMap::new() }
    }

    /// A row that is strange because of some thing.
    pub(super) fn add(
        &mut self,
        seen: &Seen<'_>,
        thing: u64,
        score: f64,
        reason: &'static str,
        out: &mut Scores,
    ) {
        self.until(seen.row.time, out);
        let score = score * self.weigh.of(seen.row);
        if score > 0.0 {
            let hour = self.open.entry(seen.row.who.key.0).or_default();
            hour.add(seen, thing, score, reason);
        }
    }

    /// Closes what is over by now.
    pub(super) fn until(&mut self, now: Time, out: &mut Scores) {
        let hour = now.0.div_euclid(HOUR);
        if hour > self.hour {
            self.close(out);
            self.hour = hour;
        }
    }

    /// Closes everything.
    pub(super) fn close(&mut self, out: &mut Scores) {
        for (link, hour) in std::mem::take(&mut self.open) {
            out.add(Scored {
                link,
                from: Time(self.hour * HOUR),
                to: Time((self.hour + 1) * HOUR),
                raised: hour.raised,
                score: hour.score(self.weigh),
                rows: hour.rows.iter().map(|(_, id)| *id).collect(),
                reason: hour.reason,
                ..Scored::default()
            });
        }
    }
}

impl Hour {
    fn add(&mut self, seen: &Seen<'_>, thing: u64, score: f64, reason: &'static str) {
        let best = self.things.first().map_or(0.0, |(score, _)| *score);
        if score > best {
            (self.raised, self.reason) = (seen.row.time, reason);
        }
        match self.things.iter_mut().find(|(_, known)| *known == thing) {
            Some(known) => known.0 = known.0.max(score),
            None => self.things.push((score, thing)),
        }
        self.things.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.things.truncate(BESIDE + 1);
        self.rows.push((score, seen.id));
        if self.rows.len() > 2 * MOST_ROWS {
            self.rows.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            self.rows.truncate(MOST_ROWS);
        }
    }

    fn score(&self, weigh: Weigh) -> f64 {
        let best = self.things.first().map_or(0.0, |(score, _)| *score);
        let beside: f64 = self.things.iter().skip(1).map(|(score, _)| *score).sum();
        if weigh.several { best + SHARE * beside } else { best }
    }
}
