//! From strange windows and the truth to the numbers of the tables, for one detector on one cluster.
//!
//! All detectors are compared at the same number of false incidents per day of a cluster. For that no
//! threshold need be known beforehand: each attack has a price, the false incidents per day that one
//! must accept to see it, and detection at a budget is the share of attacks with a price within it.

use super::{
    detector::{Probabilities, Scored},
    link::{Incident, Incidents},
    truth::{self, Attack, Period, Truth},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_generate::life::Story;
use trailhound_model::time::{HOUR, SECOND, Time};

/// Budgets of the tables, in false incidents per day.
pub(crate) const BUDGETS: [f64; 4] = [0.2, 1.0, 3.0, 10.0];
/// The budget at which false incidents, delays and reasons are told.
const MAIN_BUDGET: f64 = 1.0;

/// An attack and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The attack.
    pub(crate) attack: Attack,
    /// False incidents per day that come with seeing it; none if it is never seen.
    pub(crate) price: Option<f64>,
    /// The same at one false incident per day; none if it is not seen then.
    pub(crate) at_main: Option<Seen>,
}

/// How an attack was seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Seconds from its first request.
    pub(crate) delay: f64,
    /// Requests of the attacker until then.
    pub(crate) requests: u32,
    /// Whether the reason was one of what is unusual about it; none if no reason was given.
    pub(crate) explained: Option<bool>,
}

/// False incidents that begin on a day, at one per day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FalseDay {
    /// `steady`, `churn` or `upgrade`.
    pub(crate) kind: String,
    /// How many.
    pub(crate) count: u32,
}

/// The numbers of one detector on one stretch of a cluster's life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Length in days.
    pub(crate) days: f64,
    /// Every attack that began in it.
    pub(crate) attacks: Vec<Found>,
    /// Area under precision and recall of incidents.
    pub(crate) incident_precision: Option<f64>,
    /// The same of windows.
    pub(crate) window_precision: Option<f64>,
    /// Days.
    pub(crate) false_days: Vec<FalseDay>,
    /// False incidents per day of the alarms that the detector's own budget let through; none from
    /// those who have none.
    pub(crate) own_rate: Option<f64>,
    /// How well its probabilities fit.
    pub(crate) probabilities: Probabilities,
}

impl Measured {
    /// Share of the attacks that a choice takes in that are seen at a budget.
    pub(crate) fn found(&self, budget: f64, choice: impl Fn(&Attack) -> bool) -> (usize, usize) {
        let chosen = self.attacks.iter().filter(|found| choice(&found.attack));
        let (mut seen, mut all) = (0, 0);
        for found in chosen {
            all += 1;
            seen += usize::from(found.price.is_some_and(|price| price <= budget));
        }
        (seen, all)
    }
}

/// What is measured against.
pub(crate) struct Case<'a> {
    /// The truth about rows.
    pub(crate) truth: &'a Truth,
    /// All stories.
    pub(crate) stories: &'a [Story],
    /// The stretch that is measured.
    pub(crate) period: Period,
}

/// Measures windows that are ranked, strangest first.
pub(crate) fn measure(ranked: &[Scored], case: &Case<'_>) -> Measured {
    let attacks = truth::attacks(case.stories, case.period);
    let windows: Vec<Window<'_>> = ranked
        .iter()
        .filter(|scored| case.period.has(scored.from))
        .map(|scored| Window { scored, hits: case.truth.stories(&scored.rows) })
        .collect();
    let walk = walk(&windows, case.period.days(), &attacks);
    let main = windows.get(..walk.main).unwrap_or_default();
    let found = attacks.iter().map(|attack| Found {
        attack: attack.clone(),
        price: walk.prices.get(&attack.story).copied(),
        at_main: seen(main, attack, case.truth),
    });
    Measured {
        days: case.period.days(),
        attacks: found.collect(),
        incident_precision: (!attacks.is_empty()).then_some(walk.precision),
        window_precision: window_precision(&windows, case.truth.windows(&attacks)),
        false_days: false_days(main, case),
        own_rate: own_rate(&windows, case.period),
        probabilities: probabilities(&windows, case),
    }
}

/// How often which chance was told; attacks are left out, for they are no chance.
fn probabilities(windows: &[Window<'_>], case: &Case<'_>) -> Probabilities {
    let attacked = case.truth.attacked(case.period);
    let all = case.truth.present(case.period).saturating_sub(attacked);
    let mut found = Probabilities { windows: all, ..Probabilities::default() };
    let ordinary = windows.iter().filter(|window| window.hits.is_empty());
    ordinary.filter_map(|window| window.scored.chance).for_each(|chance| found.add(chance));
    found
}

struct Window<'a> {
    scored: &'a Scored,
    hits: Vec<u32>,
}

impl Window<'_> {
    fn as_incident(&self) -> Incident {
        Incident { from: self.scored.from, to: self.scored.to, hit: !self.hits.is_empty() }
    }
}

/// What lowering the threshold step by step gives.
struct Walk {
    prices: BTreeMap<u32, f64>,
    precision: f64,
    /// Windows that are above the threshold at one false incident per day.
    main: usize,
}

fn walk(windows: &[Window<'_>], days: f64, attacks: &[Attack]) -> Walk {
    let mut incidents = Incidents::default();
    let mut walk = Walk { prices: BTreeMap::new(), precision: 0.0, main: 0 };
    let mut most = 0;
    for (place, window) in windows.iter().enumerate() {
        incidents.add(window.scored.link, window.as_incident());
        // A window that joins two false incidents must not make an earlier choice cheaper.
        most = most.max(incidents.wrong());
        let price = most as f64 / days.max(f64::MIN_POSITIVE);
        if price <= MAIN_BUDGET {
            walk.main = place + 1;
        }
        for story in &window.hits {
            if walk.prices.contains_key(story) || !attacks.iter().any(|one| one.story == *story) {
                continue;
            }
            walk.prices.insert(*story, price);
            let right = walk.prices.len() as f64;
            walk.precision += right / (right + incidents.wrong() as f64) / attacks.len() as f64;
        }
    }
    walk
}

/// Area under precision and recall of hours of identities. Who speaks twice of an hour is heard once.
fn window_precision(windows: &[Window<'_>], positives: usize) -> Option<f64> {
    let (mut sum, mut right, mut all) = (0.0, 0_usize, BTreeSet::new());
    for window in windows {
        let is_new = all.insert((window.scored.link, window.scored.from));
        if is_new && !window.hits.is_empty() && right < positives {
            right += 1;
            sum += right as f64 / all.len() as f64;
        }
    }
    (positives > 0).then(|| sum / positives as f64)
}

/// How an attack was seen in these windows.
fn seen(windows: &[Window<'_>], attack: &Attack, truth: &Truth) -> Option<Seen> {
    let mut own = windows.iter().filter(|window| window.hits.contains(&attack.story));
    // Windows are ranked: the first is the strangest, which is the one that would be explained.
    let best = own.clone().next()?;
    let raised = own.by_ref().map(|window| window.scored.raised).min()?;
    let reason = best.scored.reason;
    Some(Seen {
        delay: (raised.since(Time(attack.from)) as f64 / SECOND as f64).max(0.0),
        requests: truth.requests(attack.story, raised).max(1),
        explained: (!reason.is_empty()).then(|| attack.tells.iter().any(|tell| tell == reason)),
    })
}

fn false_days(windows: &[Window<'_>], case: &Case<'_>) -> Vec<FalseDay> {
    const DAY: i64 = 24 * HOUR;
    let mut incidents = Incidents::default();
    for window in windows {
        incidents.add(window.scored.link, window.as_incident());
    }
    let times = incidents.wrong_times();
    let mut all = Vec::new();
    let mut from = case.period.from;
    while from < case.period.to {
        let day = Period { from, to: from.plus(DAY).min(case.period.to) };
        let count = times.iter().filter(|time| day.has(**time)).count() as u32;
        all.push(FalseDay { kind: truth::day_kind(case.stories, day).to_owned(), count });
        from = day.to;
    }
    all
}

fn own_rate(windows: &[Window<'_>], period: Period) -> Option<f64> {
    let mut alarmed = windows.iter().filter(|window| window.scored.alarmed).peekable();
    alarmed.peek()?;
    let mut incidents = Incidents::default();
    alarmed.for_each(|window| incidents.add(window.scored.link, window.as_incident()));
    Some(incidents.wrong() as f64 / period.days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_generate::life::{Deed, Kind, Label, Stealth};
    use trailhound_learn::row::Row;

    const DAY: i64 = 24 * HOUR;

    fn story(number: u32, hour: i64, stealth: Stealth) -> Story {
        Story {
            number,
            kind: Kind::Attack { family: "theft", stealth },
            from: hour * HOUR,
            to: hour * HOUR + 1,
            actors: Vec::new(),
            requests: 3,
            tells: vec!["action"],
        }
    }

    /// Two attacks: rows 100 to 102 at hour 10 by identity 7, row 200 at hour 100 by identity 8.
    fn truth() -> Truth {
        let mut truth = Truth::default();
        for (id, story, hour, who, cascade) in [
            (100, 1, 10, 7, false),
            (101, 1, 10, 7, false),
            (102, 1, 11, 7, false),
            (103, 1, 10, 9, true),
            (200, 2, 100, 8, false),
        ] {
            let mut row = Row { time: Time(hour * HOUR + id as i64), ..Row::default() };
            row.who.key.0 = who;
            let label = Label { story, step: 0, cascade };
            truth.note(id, &Deed { count: 2, label, ..Deed::default() }, &row);
        }
        truth
    }

    fn stories() -> Vec<Story> {
        vec![story(1, 10, Stealth::Noisy), story(2, 100, Stealth::Mimic)]
    }

    fn window(link: u64, hour: i64, score: f64, rows: &[u64]) -> Scored {
        Scored {
            link,
            from: Time(hour * HOUR),
            to: Time((hour + 1) * HOUR),
            raised: Time(hour * HOUR + 101),
            score,
            rows: rows.to_vec(),
            reason: "action",
            alarmed: score > 8.5,
            chance: Some(0.005),
        }
    }

    fn measured(windows: &[Scored]) -> Measured {
        let (truth, stories) = (truth(), stories());
        let period = Period { from: Time(0), to: Time(10 * DAY) };
        measure(windows, &Case { truth: &truth, stories: &stories, period })
    }

    #[test]
    fn an_attack_costs_the_false_incidents_above_it() {
        let found = measured(&[
            window(1, 0, 9.0, &[1]),
            window(7, 10, 8.0, &[5, 100, 101]),
            window(2, 0, 7.0, &[2]),
            window(3, 50, 6.0, &[3]),
            window(8, 100, 5.0, &[200]),
        ]);
        let prices: Vec<_> = found.attacks.iter().map(|one| one.price).collect();
        assert_eq!(prices, [Some(0.1), Some(0.3)]);
        assert_eq!(found.found(0.2, |_| true), (1, 2));
        assert_eq!(found.found(1.0, |_| true), (2, 2));
        assert_eq!(found.found(1.0, |attack| attack.stealth == "mimic"), (1, 1));
        // One right of two, then two right of five.
        assert_eq!(found.incident_precision, Some(f64::midpoint(1.0 / 2.0, 2.0 / 5.0)));
        assert_eq!(found.window_precision, Some((1.0 / 2.0 + 2.0 / 5.0) / 3.0));
        assert_eq!(found.own_rate, Some(0.1));
    }

    #[test]
    fn an_attack_that_is_seen_says_when_and_why() {
        let found = measured(&[window(7, 10, 8.0, &[100, 101])]);
        let seen = found.attacks[0].at_main.unwrap();
        assert_eq!((seen.requests, seen.explained), (4, Some(true)));
        assert!((seen.delay - 101e-6).abs() < 1e-9);
        assert_eq!(found.attacks[1].at_main, None);
        let mut silent = window(7, 10, 8.0, &[100]);
        silent.reason = "time";
        assert_eq!(measured(&[silent]).attacks[0].at_main.unwrap().explained, Some(false));
    }

    #[test]
    fn several_alarms_about_one_attack_are_one_and_none_is_false() {
        let found = measured(&[
            window(7, 10, 9.0, &[100]),
            window(7, 11, 8.0, &[102]),
            window(5, 10, 7.0, &[101]),
        ]);
        assert_eq!(found.found(0.0, |_| true), (1, 2));
        assert!(found.false_days.iter().all(|day| day.count == 0));
        assert_eq!(found.incident_precision, Some(0.5));
    }

    #[test]
    fn an_alarm_about_what_controllers_did_for_the_attacker_is_false() {
        let found = measured(&[window(9, 10, 9.0, &[103])]);
        assert_eq!(found.found(10.0, |_| true), (0, 2));
        assert_eq!(found.false_days.iter().map(|day| day.count).sum::<u32>(), 1);
    }

    #[test]
    fn days_that_differ_from_others_are_told() {
        let mut stories = stories();
        let odd = |what, day: i64| Story {
            number: 3,
            kind: Kind::Oddity { what },
            from: day * DAY,
            to: day * DAY + HOUR,
            ..story(3, 0, Stealth::Noisy)
        };
        stories.extend([odd("new team", 1), odd("kubernetes upgrade", 2), odd("new team", 2)]);
        let period = Period { from: Time(0), to: Time(4 * DAY) };
        let windows = [window(1, 50, 9.0, &[1]), window(2, 51, 8.0, &[2])];
        let found = measure(&windows, &Case { truth: &truth(), stories: &stories, period });
        let days: Vec<_> = found.false_days.iter().map(|d| (d.kind.as_str(), d.count)).collect();
        assert_eq!(days, [("steady", 0), ("churn", 0), ("upgrade", 2), ("steady", 0)]);
    }

    #[test]
    fn who_speaks_twice_of_an_hour_is_heard_once() {
        let once = [window(1, 0, 9.0, &[1]), window(7, 10, 8.0, &[100])];
        let mut twice = once.to_vec();
        twice.insert(1, window(1, 0, 8.5, &[1]));
        twice.push(window(7, 10, 3.0, &[100]));
        assert_eq!(measured(&once).window_precision, measured(&twice).window_precision);
    }

    #[test]
    fn chances_are_counted_without_attacks() {
        let found = measured(&[window(1, 0, 9.0, &[1]), window(7, 10, 8.0, &[100])]);
        // Four hours of identities, and attackers themselves in three of them.
        assert_eq!((found.probabilities.windows, found.probabilities.at_most), (1, [1, 0, 0]));
    }

    #[test]
    fn whoever_sees_nothing_has_found_nothing() {
        let found = measured(&[]);
        assert_eq!(found.found(10.0, |_| true), (0, 2));
        assert_eq!((found.incident_precision, found.own_rate), (Some(0.0), None));
    }
}
