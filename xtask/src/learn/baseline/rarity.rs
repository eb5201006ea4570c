//! How rarely an identity does something, against how rare its requests mostly are: the z-score of the
//! surprise. Each kind of request counts once in an hour.

use super::{ByHash, Hours, Weigh};
use crate::learn::detector::{Detector, Scores, Seen};
use trailhound_model::time::HOUR;

/// Kinds of requests that nobody has seen share this much of a count.
const UNSEEN: f64 = 0.5;
/// No identity is so regular that a little less is a shock.
const LEAST_SPREAD: f64 = 0.5;

/// Finds rare requests.
#[derive(Debug)]
pub(in crate::learn) struct Rarity {
    /// Below so many counts an identity is not judged.
    least: f64,
    counts: ByHash<(i64, f64)>,
    whos: ByHash<Who>,
    hours: Hours,
}

/// What an identity has done, and how surprising that was.
#[derive(Clone, Copy, Debug, Default)]
struct Who {
    all: f64,
    kinds: f64,
    mean: f64,
    spread: f64,
}

impl Who {
    /// The z-score of a surprise, which is learned.
    fn z(&mut self, surprise: f64) -> f64 {
        let deviation = (self.spread / self.all.max(1.0)).sqrt().max(LEAST_SPREAD);
        let z = (surprise - self.mean) / deviation;
        self.all += 1.0;
        let step = surprise - self.mean;
        self.mean += step / self.all;
        self.spread += step * (surprise - self.mean);
        z
    }
}

impl Rarity {
    /// One that has seen nothing.
    pub(in crate::learn) fn new(least: f64, weigh: Weigh) -> Rarity {
        let hours = Hours::new(weigh);
        Rarity { least, counts: ByHash::default(), whos: ByHash::default(), hours }
    }
}

impl Detector for Rarity {
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores) {
        let row = seen.row;
        let hour = row.time.0.div_euclid(HOUR);
        let thing = row.who.key.with(row.at_place).0;
        let (last, count) = self.counts.entry(thing).or_insert((i64::MIN, 0.0));
        if *last == hour {
            return;
        }
        let who = self.whos.entry(row.who.key.0).or_default();
        who.kinds += f64::from(u8::from(*count == 0.0));
        let share = (*count + UNSEEN) / (who.all + UNSEEN * (who.kinds + 1.0));
        (*last, *count) = (hour, *count + 1.0);
        let judged = who.all >= self.least;
        let z = who.z(-share.ln());
        if judged {
            self.hours.add(seen, thing, z, "action", out);
        }
    }

    fn finish(&mut self, out: &mut Scores) {
        self.hours.close(out);
    }
}
