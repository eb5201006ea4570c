//! How complete the log of a cluster is: what it covers, what the audit policy lets through, and
//! which stretches are proved to be missing.
//!
//! A silent gap reads like innocence, so the score is never a guess: it is beats of metronomes seen
//! as a share of those expected, both counted, and unknown where nothing in the log is regular.
//! [`metronomes`] finds the regular requests and the gaps, [`series`] the rhythm of one of them,
//! [`policy`] what is logged at all.

mod gap;
mod metronomes;
mod minutes;
mod policy;
mod series;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use gap::{Found, Mark};

use metronomes::Metronomes;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    completeness::{Completeness, Server},
    fact::Fact,
    finding::LogState,
    time::{MINUTE, SECOND, Time},
};

/// How far around a finding the log is looked at.
pub(crate) const AROUND: i64 = 5 * MINUTE;
/// Fewer expected beats than this make no score.
const ENOUGH_BEATS: u64 = 10;

/// What the log of one cluster covers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Coverage {
    levels: [u64; 4],
    first: Option<Time>,
    last: Option<Time>,
    truncated: u64,
    clock_backwards: u64,
    /// Records whose time was taken from elsewhere.
    pub inferred: u64,
    /// Events counted.
    pub events: u64,
    metronomes: Metronomes,
    policy: policy::Seen,
}

impl Coverage {
    /// Counts an event.
    pub fn observe(&mut self, fact: &Fact) {
        let event = &fact.event;
        self.events += 1;
        if let Some(count) = self.levels.get_mut(event.level as usize) {
            *count += 1;
        }
        self.policy.observe(event);
        if event.bodies.truncated {
            self.truncated += 1;
            self.metronomes.minutes.at(event.time).truncated += 1;
        }
        if event.time_inferred {
            self.inferred += 1;
            return;
        }
        self.clock_backwards += u64::from(event.received.is_some_and(|at| event.time < at));
        self.first = Some(self.first.map_or(event.time, |first| first.min(event.time)));
        self.last = Some(self.last.map_or(event.time, |last| last.max(event.time)));
        self.metronomes.observe(fact);
    }

    /// First event.
    pub fn first(&self) -> Option<Time> {
        self.first
    }

    /// Last event.
    pub fn last(&self) -> Option<Time> {
        self.last
    }

    /// Regular requests that could not be followed because there were too many.
    pub fn unfollowed(&self) -> u64 {
        self.metronomes.unfollowed
    }

    /// The proved gaps, in order of time.
    pub(crate) fn gaps(&self) -> Vec<Found> {
        self.metronomes.gaps()
    }

    /// The completeness as far as it is known.
    pub fn completeness(&self, cluster: &Str) -> Completeness {
        let sum = self.metronomes.sum();
        let known = sum.expected() >= ENOUGH_BEATS;
        Completeness {
            cluster: cluster.clone(),
            score: known.then(|| sum.seen as f64 / sum.expected() as f64),
            beats_seen: sum.seen,
            beats_expected: sum.expected(),
            basis: words::basis(&self.metronomes, self.events),
            gaps: self.gaps().iter().map(Found::told).collect(),
            servers: self.servers(),
            levels: policy::levels(&self.levels),
            policy: self.policy.told(),
            first: self.first,
            last: self.last,
            clock_backwards: self.clock_backwards,
            truncated: self.truncated,
            ..Completeness::default()
        }
    }

    fn servers(&self) -> Vec<Server> {
        let server = |series: &series::Series| Server {
            name: series.name.trim_start_matches("lease kube-system/").into(),
            first: series.first,
            last: series.last,
            beats_seen: series.seen,
            beats_expected: series.seen + series.lost + series.in_gaps,
        };
        self.metronomes.servers().into_iter().map(server).collect()
    }

    /// How complete the log is around a stretch of time. `gaps` are those of [`Coverage::gaps`].
    pub(crate) fn around(&self, first: Time, last: Time, gaps: &[Found]) -> LogState {
        let (from, to) = (first.plus(-AROUND), last.plus(AROUND));
        let near: Vec<&Found> = gaps.iter().filter(|gap| touches(gap, from, to)).collect();
        let minute = self.metronomes.minutes.within(from, to).unwrap_or_default();
        let in_gaps: f64 = near.iter().map(|gap| missing_within(gap, from, to)).sum();
        let (seen, missing) = (f64::from(minute.seen), f64::from(minute.missing) + in_gaps);
        let known = self.metronomes.sum().expected() >= ENOUGH_BEATS && seen + missing >= 1.0;
        let score = known.then(|| seen / (seen + missing));
        let note = note(score, &near, first, last);
        LogState { score, gaps: near.len() as u64, truncated: minute.truncated.into(), note }
    }
}

/// Whether a gap overlaps or touches a stretch.
pub(crate) fn touches(gap: &Found, from: Time, to: Time) -> bool {
    gap.from.time <= to && gap.to.time >= from
}

fn missing_within(gap: &Found, from: Time, to: Time) -> f64 {
    gap.missing as f64 * gap.overlap(from, to) as f64 / gap.length().max(1) as f64
}

fn note(score: Option<f64>, near: &[&Found], first: Time, last: Time) -> String {
    let nearest = near.iter().min_by_key(|gap| (distance(gap, first, last), gap.from.time));
    if let Some(gap) = nearest {
        let others = match near.len() {
            1 => String::new(),
            several => format!(", and {} more gaps are close by", several - 1),
        };
        return format!("{}{others}", missing(gap));
    }
    match score {
        None => "it is not known whether records are missing around this time".to_owned(),
        Some(score) if score < 0.95 => {
            format!(
                "at least {:.0} in 100 records may be missing around this time",
                (1.0 - score) * 100.0
            )
        }
        Some(_) => String::new(),
    }
}

fn missing(gap: &Found) -> String {
    let whose = match gap.server.as_str() {
        "" => "records are missing (or the API server was not answering)".to_owned(),
        server => format!("records of API server {server} are missing (or it was not answering)"),
    };
    let length = gap.length() / SECOND;
    format!(
        "{whose} for {length} seconds, from {} to {}",
        gap.from.time.clock(),
        gap.to.time.clock()
    )
}

/// Time between a gap and a stretch; 0 if they overlap.
fn distance(gap: &Found, first: Time, last: Time) -> i64 {
    gap.from.time.since(last).max(first.since(gap.to.time)).max(0)
}
