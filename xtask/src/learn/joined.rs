//! Rules with learning: what is strange for an identity lends weight to what a rule says of it, and
//! what an identity does every day takes weight from it.
//!
//! Both sides speak of hours of identities. A rule's word counts by its severity, less with every
//! earlier day on which a rule said the same of the same identity, and less where the learner finds
//! the hour usual.

use super::detector::Scored;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::time::HOUR;

/// What a rule adds, by its severity: information, low, medium, high, critical.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lift {
    /// In the learner's units.
    pub(super) of: [f64; 5],
    /// What is left where the learner finds nothing strange.
    pub(super) usual: f64,
}

type Key = (u64, i64);

/// Windows of both.
pub(super) fn join(rules: &[Scored], learner: &[Scored], lift: Lift) -> Vec<Scored> {
    let mut strange: BTreeMap<Key, (f64, &'static str)> = BTreeMap::new();
    for scored in learner {
        let best = strange.entry(key(scored)).or_default();
        if scored.score > best.0 {
            *best = (scored.score, scored.reason);
        }
    }
    let mut by_time: Vec<&Scored> = rules.iter().collect();
    by_time.sort_by_key(|scored| (scored.from, scored.link, scored.raised));
    let mut days: BTreeMap<u64, BTreeSet<i64>> = BTreeMap::new();
    let mut lifts: BTreeMap<Key, f64> = BTreeMap::new();
    let mut all = Vec::new();
    for scored in by_time {
        let day = scored.from.0.div_euclid(24 * HOUR);
        let before = days.entry(scored.link).or_default();
        let earlier = before.range(..day).count();
        before.insert(day);
        let own = strange.get(&key(scored)).copied();
        let severity = (scored.score.floor().max(0.0) as usize).min(4);
        let full = lift.of.get(severity).copied().unwrap_or_default();
        let share = if own.is_some() { 1.0 } else { lift.usual };
        let added = full * share / (1.0 + earlier as f64);
        let best = lifts.entry(key(scored)).or_default();
        *best = best.max(added);
        let (score, reason) = own.unwrap_or_default();
        all.push(Scored { score: score + added, reason, ..scored.clone() });
    }
    all.extend(learner.iter().map(|scored| {
        let added = lifts.get(&key(scored)).copied().unwrap_or_default();
        Scored { score: scored.score + added, ..scored.clone() }
    }));
    all
}

fn key(scored: &Scored) -> Key {
    (scored.link, scored.from.0.div_euclid(HOUR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::time::Time;

    const LIFT: Lift = Lift { of: [0.0, 1.0, 2.0, 4.0, 8.0], usual: 0.5 };

    fn window(link: u64, hour: i64, score: f64) -> Scored {
        Scored { link, from: Time(hour * HOUR), score, ..Scored::default() }
    }

    fn scores(rules: &[Scored], learner: &[Scored]) -> Vec<f64> {
        join(rules, learner, LIFT).iter().map(|one| one.score).collect()
    }

    #[test]
    fn what_both_find_counts_for_both() {
        assert_eq!(scores(&[window(1, 5, 3.2)], &[window(1, 5, 6.0)]), [10.0, 10.0]);
        assert_eq!(scores(&[window(1, 5, 3.2)], &[window(2, 5, 6.0)]), [2.0, 6.0]);
    }

    #[test]
    fn what_a_rule_says_every_day_says_less_every_day() {
        let rules = [window(1, 5, 4.0), window(1, 29, 4.0), window(1, 53, 4.0), window(2, 53, 4.0)];
        assert_eq!(scores(&rules, &[]), [4.0, 2.0, 4.0 / 3.0, 4.0]);
    }
}
