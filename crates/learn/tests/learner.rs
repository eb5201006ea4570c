//! The learner on mishaps: what it must find, and what must not upset it.

mod town;

use proptest::prelude::*;
use town::{START, Town, about, at, row, who};
use trailhound_learn::budget::Verdict;
use trailhound_learn::canon::Canon;
use trailhound_learn::canon::namespace::Place;
use trailhound_learn::canon::principal::{Class, Who};
use trailhound_learn::expect::Scope;
use trailhound_learn::explain::Side;
use trailhound_learn::novelty::Facet;
use trailhound_learn::row::Row;
use trailhound_learn::{Baseline, Cause, Learner, Opened, Settings};
use trailhound_model::time::{HOUR, MINUTE, Time};

const DAYS: i64 = 14 * 24;

fn learned(hours: i64) -> (Learner, Town, Vec<Opened>) {
    let (mut learner, mut town) = (Learner::new(Settings::default()), Town::new());
    let found = town.live(&mut learner, 0..hours);
    (learner, town, found)
}

fn thief() -> Who {
    who(Class::Workload, "app7")
}

/// A stolen token lists secrets of the system namespace with curl.
fn theft(hour: i64) -> Vec<Row> {
    let sweep = ["list", "secrets", "3"];
    vec![row(thief(), &sweep, Place::System, "curl", at(hour, 30))]
}

fn told(found: &[Opened]) -> usize {
    let mut numbers: Vec<u64> =
        found.iter().filter(|one| one.verdict == Verdict::Told).map(|one| one.incident).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.len()
}

#[test]
fn a_stolen_token_stands_out_within_its_hour() {
    let (mut learner, mut town, _) = learned(DAYS);
    for row in town.hour(DAYS) {
        learner.observe(&row, 1);
    }
    learner.drain();
    for row in theft(DAYS) {
        learner.observe(&row, 4711);
    }
    let found = learner.drain();
    let found = about(&found, thief());
    assert_eq!(found.len(), 1, "{found:?}");
    let first = found[0];
    assert!(first.early && first.verdict == Verdict::Told, "{first:?}");
    assert_eq!(first.evidence.first(), Some(&4711));
    assert_eq!(first.raised, Time(at(DAYS, 30)));
    learner.finish();
    let again = learner.drain();
    let again = about(&again, thief());
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].incident, first.incident);
}

#[test]
fn a_quiet_town_is_quiet() {
    let (_, _, found) = learned(28 * 24);
    let after = found.iter().filter(|one| one.from >= Time(START + 7 * 24 * HOUR));
    let after: Vec<Opened> = after.cloned().collect();
    assert!(told(&after) <= 2 * 21, "{} in three weeks", told(&after));
}

#[test]
fn the_first_hour_knows_kubernetes() {
    let (mut learner, _, _) = learned(1);
    let plain = ["get", "configmaps", "1"];
    learner.observe(&row(who(Class::Workload, "app1"), &plain, Place::Own, "app", at(0, 59)), 1);
    for row in theft(0) {
        learner.observe(&row, 2);
    }
    learner.finish();
    let found = learner.drain();
    let best = found.iter().max_by(|a, b| a.score.total_cmp(&b.score)).unwrap();
    assert_eq!(best.who.key, thief().key);
}

#[test]
fn an_attack_repeated_for_days_does_not_become_normal() {
    let (mut learner, mut town, _) = learned(DAYS);
    for day in 0..20 {
        let hour = DAYS + day * 24;
        for row in theft(hour + 3) {
            // The hours of the town come in order.
            town.live(&mut learner, hour..hour + 3);
            learner.observe(&row, 9);
        }
        town.live(&mut learner, hour + 4..hour + 24);
    }
    let doubts = learner.review();
    let place = doubts.iter().position(|doubt| doubt.who.key == thief().key);
    assert!(place.is_some_and(|place| place < 3), "{place:?}");
    assert!(doubts[place.unwrap()].waits, "what matters is never learned by repetition");
}

#[test]
fn whoever_was_there_from_the_first_hour_stands_high_in_the_review() {
    let (mut learner, mut town) = (Learner::new(Settings::default()), Town::new());
    for hour in 0..DAYS {
        town.live(&mut learner, hour..hour + 1);
        if hour % 12 == 0 {
            let sweep = ["list", "secrets", "3"];
            learner.observe(&row(thief(), &sweep, Place::System, "operator", at(hour, 59)), 9);
        }
    }
    let doubts = learner.review();
    let place = doubts.iter().position(|doubt| doubt.who.key == thief().key);
    assert!(place.is_some_and(|place| place < 5), "{place:?} of {}", doubts.len());
}

#[test]
fn what_is_expected_raises_nothing_until_it_ends_or_is_taken_back() {
    let (mut learner, mut town, _) = learned(DAYS);
    let find = |learner: &mut Learner, town: &mut Town, hour: i64| -> Option<Opened> {
        town.live(learner, hour..hour + 1);
        for row in &theft(hour) {
            learner.observe(row, 5);
        }
        learner.finish();
        let found = learner.drain();
        about(&found, thief()).into_iter().max_by(|a, b| a.score.total_cmp(&b.score)).cloned()
    };
    let opened = find(&mut learner, &mut town, DAYS).unwrap();
    let until = (START / HOUR + DAYS + 1000) as u32;
    let number =
        learner.expect(&opened, Scope::Identity(thief().key.0), "ada", "a test", until).unwrap();
    assert!(find(&mut learner, &mut town, DAYS + 30).is_none());
    learner.unexpect(number).unwrap();
    (1..15)
        .for_each(|day| drop(town.live(&mut learner, DAYS + 24 * day + 31..DAYS + 24 * day + 40)));
    let again = find(&mut learner, &mut town, DAYS + 31 + 24 * 15).unwrap();
    assert!(again.score > 0.5 * opened.score, "{} {}", again.score, opened.score);
}

#[test]
fn the_same_new_thing_by_many_alike_is_a_rollout() {
    let change = ["watch", "endpointslices", "3"];
    let score = |many: usize| {
        let (mut learner, mut town, _) = learned(DAYS);
        town.live(&mut learner, DAYS..DAYS + 1);
        for n in 0..many {
            let me = who(Class::Workload, &format!("app{n}"));
            learner.observe(&row(me, &change, Place::Own, "app", at(DAYS, 59)), 1);
        }
        learner.finish();
        learner.drain().iter().map(|one| one.score).fold(0.0, f64::max)
    };
    assert!(score(20) < 0.8 * score(1), "{} {}", score(20), score(1));
}

#[test]
fn a_cascade_is_less_strange_than_a_choice() {
    let score = |cause: Cause| {
        let (mut learner, mut town, _) = learned(DAYS);
        town.live(&mut learner, DAYS..DAYS + 1);
        for row in &theft(DAYS) {
            learner.observe_caused(row, 1, cause);
        }
        learner.finish();
        let found = learner.drain();
        about(&found, thief()).iter().map(|one| one.score).fold(0.0, f64::max)
    };
    assert!(score(Cause::Cascade) < score(Cause::Unknown));
}

#[test]
fn what_a_stranger_does_is_stranger_where_strangers_are_seldom() {
    let score = |newcomers: bool| {
        let mut learner = Learner::new(Settings { newcomers, ..Settings::default() });
        let mut town = Town::new();
        town.live(&mut learner, 0..DAYS + 1);
        let stranger = who(Class::Human, "stranger");
        let sweep = ["list", "secrets", "4"];
        learner.observe(&row(stranger, &sweep, Place::Cluster, "kubectl", at(DAYS, 59)), 1);
        learner.finish();
        let found = learner.drain();
        about(&found, stranger).iter().map(|one| one.score).fold(0.0, f64::max)
    };
    assert!(score(true) > score(false), "{} {}", score(true), score(false));
}

#[test]
fn probing_for_permissions_is_a_matter_of_numbers() {
    let (mut learner, mut town, _) = learned(DAYS);
    town.live(&mut learner, DAYS..DAYS + 1);
    for n in 0..60 {
        let mut one = row(thief(), &["get", "configmaps", "1"], Place::Own, "app", at(DAYS, 59));
        one.series.denied = true;
        one.target = one.target.at(n);
        learner.observe(&one, n);
    }
    learner.finish();
    let found = learner.drain();
    let found = about(&found, thief());
    let reasons = found.iter().flat_map(|one| &one.reasons);
    assert!(reasons.clone().any(|one| one.side.as_str() == "denials"), "{found:?}");
}

#[test]
fn a_flood_of_one_request_buys_no_weight() {
    let count = |times: u32| {
        let (mut learner, mut town, _) = learned(48);
        town.live(&mut learner, 48..49);
        let mut one = row(thief(), &["get", "nodes", "1"], Place::Cluster, "app", at(48, 59));
        one.count = times;
        for _ in 0..times.min(1000) {
            learner.observe(&one, 1);
        }
        learner.finish();
        let person = Baseline { canon: Canon::default(), state: learner.state().clone() };
        let hours = learner.hours();
        town.live(&mut learner, 49..50);
        (person.save().unwrap().len(), hours)
    };
    let (few, many) = (count(1), count(1_000_000));
    assert!(many.0.abs_diff(few.0) < 64, "{few:?} {many:?}");
}

#[test]
fn events_of_last_month_teach_nothing_and_alarm_nobody() {
    let (mut learner, _, _) = learned(DAYS);
    learner.finish();
    learner.drain();
    let before = Baseline { canon: Canon::default(), state: learner.state().clone() };
    let (mut town, mut rows) = (Town::new(), 0);
    for hour in 0..24 {
        for row in town.hour(hour) {
            rows += 1;
            learner.observe(&row, 1);
        }
        for row in &theft(hour) {
            learner.observe(row, 1);
        }
    }
    assert!(learner.drain().is_empty());
    assert_eq!(learner.clock().replayed, rows + 24);
    assert_eq!(learner.hours(), before.state.hours());
}

#[test]
fn one_record_of_the_year_2150_does_not_move_time() {
    let (mut learner, mut town, _) = learned(DAYS);
    let far = at(DAYS, 0) + 125 * 365 * 24 * HOUR;
    learner.observe(&row(thief(), &["get", "pods", "1"], Place::Own, "app", far), 1);
    assert_eq!(learner.clock().from_future, 1);
    let found = town.live(&mut learner, DAYS..DAYS + 24);
    assert!(told(&found) <= 3);
    assert_eq!(learner.clock().replayed, 0);
}

#[test]
fn a_gap_of_twelve_hours_is_told_and_alarms_nobody() {
    let (mut learner, mut town, _) = learned(DAYS);
    let found = town.live(&mut learner, DAYS + 12..DAYS + 24);
    assert!(told(&found) <= 2, "{}", told(&found));
    assert_eq!(learner.clock().gaps.len(), 1);
}

#[test]
fn a_million_new_identities_share_a_history_and_are_counted() {
    let settings = Settings { most_people: 2000, ..Settings::default() };
    let mut learner = Learner::new(settings);
    let mut town = Town::new();
    town.live(&mut learner, 0..48);
    for n in 0..100_000u64 {
        let me = who(Class::Workload, &format!("flood{n}"));
        let time = at(48, 0) + n as i64 * 10_000;
        learner.observe(&row(me, &["get", "nodes", "1"], Place::Cluster, "app", time), n);
    }
    learner.finish();
    assert!(learner.health().crowded > 90_000);
    let bytes = Baseline { canon: Canon::default(), state: learner.state().clone() };
    assert!(bytes.save().unwrap().len() < 20_000_000);
    let found = town.live(&mut learner, 49..60);
    assert!(told(&found) <= 4, "{}", told(&found));
}

#[test]
fn a_new_audit_policy_is_no_new_behaviour() {
    let (mut learner, mut town, _) = learned(DAYS);
    for hour in DAYS..DAYS + 6 {
        town.live(&mut learner, hour..hour + 1);
        for n in 0..30 {
            let me = who(Class::Workload, &format!("app{n}"));
            for what in [["get", "/healthz", "0"], ["get", "/version", "0"]] {
                learner.observe(&row(me, &what, Place::Cluster, "app", at(hour, 59)), 1);
            }
        }
    }
    learner.finish();
    let found = learner.drain();
    assert_eq!(learner.policy_changes().len(), 1);
    assert!(told(&found) <= 1, "{}", told(&found));
}

#[test]
fn the_state_restores_to_the_same_bytes_in_the_middle_of_an_hour() {
    let (mut learner, mut town, _) = learned(100);
    let rows = town.hour(100);
    let (first, rest) = rows.split_at(rows.len() / 2);
    for row in first {
        learner.observe(row, 3);
    }
    for row in &theft(100) {
        learner.observe(row, 3);
    }
    let saved = Baseline { canon: Canon::default(), state: learner.state().clone() };
    let bytes = saved.save().unwrap();
    let back = Baseline::restore(&bytes).unwrap();
    assert_eq!(back.save().unwrap(), bytes);
    let mut other = Learner::with(Settings::default(), back.state);
    learner.drain();
    for row in rest.iter().chain(&town.hour(101)) {
        learner.observe(row, 5);
        other.observe(row, 5);
    }
    learner.finish();
    other.finish();
    let bytes = |learner: &Learner| {
        Baseline { canon: Canon::default(), state: learner.state().clone() }.save().unwrap()
    };
    assert_eq!(bytes(&learner), bytes(&other));
    assert_eq!(learner.drain(), other.drain());
}

#[test]
fn a_damaged_or_foreign_baseline_is_refused() {
    let (learner, _, _) = learned(5);
    let good = Baseline { canon: Canon::default(), state: learner.state().clone() };
    let mut bytes = good.save().unwrap();
    assert!(Baseline::restore(b"hello").is_err());
    assert!(Baseline::restore(&bytes[..bytes.len() - 1]).is_err());
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert!(Baseline::restore(&bytes).is_err());
}

#[test]
fn every_number_of_an_explanation_is_a_stored_count() {
    let (mut learner, mut town, _) = learned(DAYS);
    town.live(&mut learner, DAYS..DAYS + 1);
    for row in &theft(DAYS) {
        learner.observe(row, 1);
    }
    let found = learner.drain();
    let one = about(&found, thief())[0];
    let state = learner.state();
    let person = state.person(thief().key.0).unwrap();
    assert_eq!(one.history.0, person.hours);
    for reason in &one.reasons {
        let Side::Facet(facet) = reason.side else { continue };
        for (symbol, hours) in &reason.usual {
            let dish = person.habits.of(facet).unwrap().dish(*symbol).unwrap();
            assert_eq!(dish.hours, *hours);
        }
        assert!(reason.own <= person.hours && reason.peers.0 <= reason.peers.1);
    }
    let action = one.reasons.iter().any(|one| one.side == Side::Facet(Facet::Action));
    assert!(action, "{:?}", one.reasons);
    let text = one.text(Canon::default().words());
    for number in text.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()) {
        let number: u64 = number.parse().unwrap();
        assert!(is_stored(one, number), "{number} in {text}");
    }
}

fn is_stored(one: &Opened, number: u64) -> bool {
    let of = |reason: &trailhound_learn::explain::Reason| {
        let mut all = vec![reason.own, reason.peers.0, reason.peers.1];
        all.extend([reason.cluster.0, reason.cluster.1]);
        all.extend(reason.usual.iter().map(|one| one.1));
        all
    };
    let mut all: Vec<u64> = one.reasons.iter().flat_map(of).map(u64::from).collect();
    all.extend([u64::from(one.history.0), u64::from(one.as_strange.0), one.as_strange.1]);
    all.contains(&number)
}

#[test]
fn what_was_learned_since_last_week_is_told() {
    let (mut learner, mut town, _) = learned(DAYS);
    let older = Baseline { canon: Canon::default(), state: learner.state().clone() };
    assert_eq!(older.diff(&older).len(), 1);
    for hour in DAYS..DAYS + 24 {
        town.live(&mut learner, hour..hour + 1);
        let odd = ["get", "nodes", "1"];
        learner.observe(&row(thief(), &odd, Place::Cluster, "app", at(hour, 59)), 1);
        let newcomer = who(Class::Workload, "newcomer");
        learner.observe(&row(newcomer, &odd, Place::Cluster, "app", at(hour, 59)), 1);
    }
    learner.finish();
    let newer = Baseline { canon: Canon::default(), state: learner.state().clone() };
    let diff = newer.diff(&older);
    assert!(diff.iter().any(|line| line.starts_with("new identity")), "{diff:?}");
    assert!(diff.last().unwrap().starts_with("25 hours were learned"), "{diff:?}");
}

#[test]
fn what_is_confirmed_is_unlearned() {
    let (mut learner, mut town, _) = learned(DAYS);
    let odd = ["get", "nodes", "1"];
    town.live(&mut learner, DAYS..DAYS + 1);
    learner.observe(&row(thief(), &odd, Place::Cluster, "app", at(DAYS, 59)), 1);
    for row in &theft(DAYS) {
        learner.observe(row, 1);
    }
    learner.finish();
    let found = learner.drain();
    learner.confirm(about(&found, thief())[0]);
    let person = learner.state().person(thief().key.0).unwrap();
    let action = town::action(&odd).0;
    assert!(person.habits.of(Facet::Action).unwrap().dish(action).is_none());
}

#[test]
fn the_budget_defers_and_never_drops() {
    let settings = Settings { budget: 0.2, burst: 1.0, ..Settings::default() };
    let (mut learner, mut town) = (Learner::new(settings), Town::new());
    town.live(&mut learner, 0..DAYS);
    town.live(&mut learner, DAYS..DAYS + 1);
    learner.digest();
    for n in 0..10 {
        let me = who(Class::Workload, &format!("app{n}"));
        let sweep = ["list", "secrets", if n % 2 == 0 { "3" } else { "4" }];
        learner.observe(&row(me, &sweep, Place::System, "curl", at(DAYS, 30 + n)), 1);
    }
    learner.finish();
    let found = learner.drain();
    let (told, deferred) = (told(&found), learner.digest().len());
    assert!(told <= 2, "{told}");
    assert!(told + deferred >= 5, "{told} {deferred}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn anything_at_any_time_gives_finite_numbers_and_restores(
        rows in prop::collection::vec((0u8..6, 0u8..12, 0u8..12, -50i64..400, any::<bool>(), 1u32..2000), 1..400)
    ) {
        let mut learner = Learner::new(Settings { most_people: 40, most_kinds: 6, ..Settings::default() });
        let classes = Class::ALL;
        for (n, (class, name, what, hour, odd, count)) in rows.iter().enumerate() {
            let me = who(classes[usize::from(*class)], &format!("{name}"));
            let what = ["get", if *odd { "secrets" } else { "pods" }, &format!("{what}")];
            let mut one = row(me, &what, Place::Other, "curl", START + hour * HOUR / 4 + n as i64);
            one.count = *count;
            one.series.denied = *odd;
            learner.observe(&one, n as u64);
        }
        learner.finish();
        for one in learner.drain() {
            prop_assert!(one.score.is_finite() && one.chance > 0.0 && one.chance <= 1.0);
            prop_assert!(one.evidence.len() <= 16);
            prop_assert!(one.reasons.iter().all(|reason| reason.surprise.is_finite()));
        }
        let saved = Baseline { canon: Canon::default(), state: learner.state().clone() };
        let bytes = saved.save().unwrap();
        prop_assert_eq!(Baseline::restore(&bytes).unwrap(), saved);
    }

    #[test]
    fn the_order_within_an_hour_does_not_matter_without_pairs(seed in any::<u64>()) {
        let settings = Settings { pairs: false, ..Settings::default() };
        let (mut one, mut other) = (Learner::new(settings.clone()), Learner::new(settings));
        let mut town = Town::new();
        for hour in 0..30 {
            let mut rows = town.hour(hour);
            for row in &rows {
                one.observe(row, row.action.0);
            }
            rows.sort_by_key(|row| row.action.at(seed).with(row.who.key).0);
            for row in &rows {
                other.observe(row, row.action.0);
            }
        }
        one.finish();
        other.finish();
        let scores = |learner: &mut Learner| -> Vec<(u64, i64, u64)> {
            let mut all: Vec<_> = learner.drain().into_iter().filter(|one| !one.early)
                .map(|one| (one.who.key.0, one.from.0 / MINUTE, one.score.to_bits())).collect();
            all.sort_unstable();
            all
        };
        prop_assert_eq!(scores(&mut one), scores(&mut other));
    }
}
