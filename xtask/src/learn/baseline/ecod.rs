//! ECOD (Li and others, 2022) on numbers of an hour of an identity: how far out each number lies among
//! those of the days before, by the empirical distribution, summed over the numbers as if they were
//! independent.

use super::{ByHash, DAY, MOST_ROWS};
use crate::learn::detector::{Detector, RowId, Scored, Scores, Seen};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use trailhound_learn::row::Row;
use trailhound_learn::symbol::Symbol;
use trailhound_model::time::{HOUR, Time};

/// Numbers of an hour.
const DIMENSIONS: usize = 9;
/// What each of them is, in the words of `Story::tells`.
const REASONS: [&str; DIMENSIONS] =
    ["rate", "rate", "denials", "action", "action", "action", "object", "place", "program"];

type Point = [f64; DIMENSIONS];

/// With whom an hour is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::learn) enum Scope {
    /// With the identity's own, if it has enough of them, else with its class.
    Own,
    /// With all of its class.
    Class,
}

/// Points of an identity before it is compared with itself.
const LEAST_OWN: usize = 48;
/// Points of a sample at most; later ones take the place of the oldest.
const MOST_POINTS: usize = 4_096;

/// Finds hours with unusual numbers.
#[derive(Debug)]
pub(in crate::learn) struct Ecod {
    scope: Scope,
    days: i64,
    hour: i64,
    open: BTreeMap<u64, Hour>,
    samples: ByHash<Sample>,
    fitted: Time,
}

#[derive(Debug, Default)]
struct Hour {
    class: u64,
    counts: [f64; 4],
    kinds: [BTreeSet<u64>; 5],
    rows: Vec<RowId>,
    other: Vec<RowId>,
    last: Time,
}

impl Hour {
    fn add(&mut self, seen: &Seen<'_>) {
        let row = seen.row;
        self.class = row.who.class as u64;
        self.last = row.time;
        let count = f64::from(row.count);
        let series = [true, row.series.write, row.series.denied, row.series.secret];
        for (sum, counts) in self.counts.iter_mut().zip(series) {
            *sum += if counts { count } else { 0.0 };
        }
        let kinds = [row.action, critical(row), row.target, row.namespace, row.agent.program];
        let mut new = false;
        for (known, kind) in self.kinds.iter_mut().zip(kinds) {
            new |= known.len() < 1_000 && known.insert(kind.0);
        }
        // Which rows made the numbers what they are nobody can say: the refused and the important
        // ones are shown first, then those that came with something new to the hour.
        let told = row.critical || row.series.denied || row.series.secret;
        if told && self.rows.len() < MOST_ROWS {
            self.rows.push(seen.id);
        } else if new && self.other.len() < MOST_ROWS {
            self.other.push(seen.id);
        }
    }

    fn point(&self) -> Point {
        let mut point = [0.0; DIMENSIONS];
        let kinds = self.kinds.iter().map(|kinds| kinds.len() as f64);
        for (place, value) in point.iter_mut().zip(self.counts.into_iter().chain(kinds)) {
            *place = value;
        }
        point
    }
}

fn critical(row: &Row) -> Symbol {
    if row.critical { row.at_place } else { Symbol::default() }
}

/// Points of the days before, and their columns in order as of the last fit.
#[derive(Debug, Default)]
struct Sample {
    points: VecDeque<(Time, Point)>,
    columns: Vec<(Vec<f64>, f64)>,
}

impl Sample {
    fn fit(&mut self, oldest: Time) {
        while self.points.front().is_some_and(|(time, _)| *time < oldest) {
            self.points.pop_front();
        }
        self.columns = (0..DIMENSIONS)
            .map(|place| {
                let of = |point: &Point| point.get(place).copied().unwrap_or_default();
                let mut column: Vec<f64> = self.points.iter().map(|(_, point)| of(point)).collect();
                column.sort_by(f64::total_cmp);
                let skew = skewness(&column);
                (column, skew)
            })
            .collect();
    }

    fn push(&mut self, time: Time, point: Point) {
        if self.points.len() >= MOST_POINTS {
            self.points.pop_front();
        }
        self.points.push_back((time, point));
    }

    fn len(&self) -> usize {
        self.columns.first().map_or(0, |(column, _)| column.len())
    }

    /// The outlier score of a point, and which number did most for it.
    fn score(&self, point: &Point) -> (f64, usize) {
        let (mut left, mut right, mut by_skew) = (0.0, 0.0, 0.0);
        let mut most = (0.0, 0);
        for (place, ((column, skew), value)) in self.columns.iter().zip(point).enumerate() {
            let (low, high) = tails(column, *value);
            left += low;
            right += high;
            by_skew += if *skew < 0.0 { low } else { high };
            if low.max(high) > most.0 {
                most = (low.max(high), place);
            }
        }
        (f64::max(left, f64::max(right, by_skew)), most.1)
    }
}

/// Minus logarithms of the shares of values that are at most and at least this one, itself among them.
fn tails(sorted: &[f64], value: f64) -> (f64, f64) {
    let all = sorted.len() as f64 + 1.0;
    let at_most = sorted.partition_point(|other| *other <= value) as f64 + 1.0;
    let at_least = (sorted.len() - sorted.partition_point(|other| *other < value)) as f64 + 1.0;
    (-(at_most / all).ln(), -(at_least / all).ln())
}

fn skewness(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
    let spread = moment(2);
    if spread <= 0.0 { 0.0 } else { moment(3) / spread.powf(1.5) }
}

impl Ecod {
    /// One that has seen nothing and remembers so many days.
    pub(in crate::learn) fn new(scope: Scope, days: i64) -> Ecod {
        Ecod {
            scope,
            days,
            hour: i64::MIN,
            open: BTreeMap::new(),
            samples: ByHash::default(),
            fitted: Time::default(),
        }
    }

    fn close(&mut self, out: &mut Scores) {
        let (from, to) = (
            Time(self.hour.saturating_mul(HOUR)),
            Time(self.hour.saturating_add(1).saturating_mul(HOUR)),
        );
        for (who, hour) in std::mem::take(&mut self.open) {
            let point = hour.point();
            let own = self.scope == Scope::Own;
            let class = Symbol(hour.class).at(1).0;
            let sample = self.samples.get(&who).filter(|own| own.len() >= LEAST_OWN);
            if let Some(sample) = sample.filter(|_| own).or_else(|| self.samples.get(&class)) {
                let (score, place) = sample.score(&point);
                let rows = hour.rows.into_iter().chain(hour.other).take(MOST_ROWS).collect();
                let reason = REASONS.get(place).copied().unwrap_or_default();
                out.add(Scored {
                    link: who,
                    from,
                    to,
                    raised: hour.last,
                    score,
                    rows,
                    reason,
                    ..Scored::default()
                });
            }
            self.samples.entry(class).or_default().push(from, point);
            if own {
                self.samples.entry(who).or_default().push(from, point);
            }
        }
        if to.since(self.fitted) >= DAY {
            self.fitted = to;
            let oldest = to.plus(-self.days * DAY);
            self.samples.values_mut().for_each(|sample| sample.fit(oldest));
        }
    }
}

impl Detector for Ecod {
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores) {
        let hour = seen.row.time.0.div_euclid(HOUR);
        if hour > self.hour {
            self.close(out);
            self.hour = hour;
        }
        self.open.entry(seen.row.who.key.0).or_default().add(seen);
    }

    fn finish(&mut self, out: &mut Scores) {
        self.close(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_the_tail_is_far_out_and_one_in_the_middle_is_not() {
        let sorted: Vec<f64> = (0..99).map(f64::from).collect();
        let (low, high) = tails(&sorted, 1000.0);
        assert!(low.abs() < 1e-12 && (high - 100.0_f64.ln()).abs() < 1e-12);
        let (low, high) = tails(&sorted, 49.0);
        assert!((low - (100.0_f64 / 51.0).ln()).abs() < 1e-12, "{low} {high}");
    }

    #[test]
    fn the_longer_tail_is_the_one_that_counts() {
        assert!(skewness(&[0.0, 0.0, 0.0, 10.0]) > 0.0);
        assert!(skewness(&[0.0, 10.0, 10.0, 10.0]) < 0.0);
        assert!(skewness(&[1.0, 1.0]).abs() < 1e-12 && skewness(&[]).abs() < 1e-12);
    }

    #[test]
    fn an_hour_unlike_those_before_has_the_highest_score() {
        let mut sample = Sample::default();
        for n in 0..200 {
            let mut point = [1.0; DIMENSIONS];
            point[0] = f64::from(n % 10);
            sample.push(Time(n.into()), point);
        }
        sample.fit(Time(0));
        let mut odd = [1.0; DIMENSIONS];
        odd[2] = 40.0;
        let (high, place) = sample.score(&odd);
        assert!(high > sample.score(&[1.0; DIMENSIONS]).0 + 3.0);
        assert_eq!(REASONS[place], "denials");
    }
}
