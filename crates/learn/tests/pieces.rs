//! The parts of the learner, each against what it must be.

use proptest::prelude::*;
use trailhound_learn::budget::{Budget, Verdict};
use trailhound_learn::calibrate::Past;
use trailhound_learn::canon::principal::{Class, Who};
use trailhound_learn::clock::{Clock, When};
use trailhound_learn::drift::divergence;
use trailhound_learn::forgotten::Forgotten;
use trailhound_learn::incident::Incidents;
use trailhound_learn::novelty::context::{At, Context, Renewed};
use trailhound_learn::novelty::fit::{Fit, Fits};
use trailhound_learn::novelty::{Facet, Level};
use trailhound_learn::prior::Prior;
use trailhound_learn::quarantine::Shadow;
use trailhound_learn::rate::{Count, Rates, tail};
use trailhound_learn::row::Row;
use trailhound_learn::symbol::{Sort, Symbol};
use trailhound_model::time::{HOUR, SECOND, Time};

const FIT: Fit = Fit { discount: 0.5, strength: 1.0 };

fn lot(n: u64) -> u64 {
    Symbol(99).at(n).0
}

fn even(n: u64) -> f64 {
    ((lot(n) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

fn at(hour: u32) -> At {
    At::new(hour, Class::Workload)
}

#[test]
fn a_thing_counts_once_per_hour() {
    let mut context = Context::default();
    for _ in 0..1000 {
        context.add(7, at(100), 10);
    }
    context.add(7, at(101), 10);
    assert_eq!(context.dish(7).unwrap().hours, 2);
    assert!(context.size(at(101)).0 < 2.01);
}

#[test]
fn what_is_not_done_fades_by_half_in_thirty_days() {
    let mut context = Context::default();
    for hour in 0..10 {
        context.add(7, at(1000 + hour), 10);
    }
    let (then, _) = context.size(at(1009));
    let (later, _) = context.size(at(1009 + 720));
    assert!((then / later - 2.0).abs() < 1e-6);
    let mut gone = Vec::new();
    context.sweep(at(1009 + 720 * 10), |symbol| gone.push(symbol));
    assert_eq!((gone, context.dishes().len()), (vec![7], 0));
}

#[test]
fn many_new_members_in_one_hour_buy_no_weight() {
    let mut context = Context::default();
    for _ in 0..10_000 {
        context.seat(7, at(100), Renewed::First, 10);
    }
    assert!(context.size(at(100)).0 <= 4.0);
}

#[test]
fn what_is_seldom_is_less_likely_than_what_is_usual() {
    let mut context = Context::default();
    for hour in 0..400 {
        context.add(1, at(hour), 100);
        if hour % 40 == 0 {
            context.add(2, at(hour), 100);
        }
    }
    context.settle();
    let chance = |symbol| context.look(symbol, at(400), FIT, (0.0, 0.0)).chance(0.1);
    assert!(chance(3) < chance(2) && chance(2) < chance(1), "{} {}", chance(3), chance(2));
    assert!(chance(1) > 0.3 && chance(3) < 1e-3);
}

#[test]
fn a_group_of_one_says_nothing_about_its_member() {
    let (mut own, mut group) = (Context::default(), Context::default());
    for symbol in 0..20 {
        own.add(symbol, at(5), 100);
        group.seat(symbol, at(5), Renewed::First, 100);
    }
    let look = group.look(3, at(5), FIT, (1.0, own.seats()));
    assert!(look.known.is_none() && look.new > 0.5, "{look:?}");
}

#[test]
fn a_binned_sum_is_near_the_sum_one_by_one() {
    let (mut few, mut many) = (Context::default(), Context::default());
    for hour in 0..300 {
        for symbol in 0..24u64 {
            if lot(symbol * 1000 + u64::from(hour)) % 24 >= symbol {
                few.add(symbol, at(hour), 100);
                many.add(symbol, at(hour), 100);
            }
        }
    }
    many.add(99, at(299), 100);
    many.settle();
    for symbol in 0..24 {
        let look = |context: &Context| context.look(symbol, at(300), FIT, (0.0, 0.0)).chance(1.0);
        assert!((look(&few) - look(&many)).abs() < 0.02, "{symbol}");
    }
}

#[test]
fn whoever_often_does_new_things_is_expected_to() {
    let mut fits = Fits::default();
    let (calm, busy) = (Class::Node, Class::Ci);
    for n in 0..2000u32 {
        let size = (f64::from(n), 5.0);
        fits.note((Facet::Action, Level::Own, calm), 50, size);
        fits.note((Facet::Action, Level::Own, busy), 1, (f64::from(n), f64::from(n) * 0.8));
    }
    fits.settle();
    let fit = |class| fits.of(Facet::Action, Level::Own, class);
    assert!(fit(busy).discount > fit(calm).discount);
    assert!(fit(busy).strength > fit(calm).strength);
}

#[test]
fn a_chance_comes_as_often_as_it_says() {
    let mut past = Past::default();
    let mut seen = [0u32; 3];
    for n in 0..60_000u64 {
        // Most hours are nothing; the others fall off as e to the minus half the score.
        let score = if even(n) < 0.7 { 0.0 } else { -2.5 * even(n + 1_000_000).ln() };
        let chance = past.chance(score);
        if n >= 10_000 {
            for (count, limit) in seen.iter_mut().zip([1e-2, 1e-3, 1e-4]) {
                *count += u32::from(chance <= limit);
            }
        }
        past.push(score, 1000 + (n / 50) as u32, lot(n));
    }
    let realised: Vec<f64> =
        seen.iter().zip([500.0, 50.0, 5.0]).map(|(seen, all)| f64::from(*seen) / all).collect();
    assert!(realised.iter().take(2).all(|one| (0.5..2.0).contains(one)), "{realised:?}");
    assert!(realised[2] < 4.0, "{realised:?}");
}

#[test]
fn one_strange_hour_moves_the_tail_by_a_bounded_step() {
    let mut past = Past::default();
    (0..5000).for_each(|n| past.push(3.0 * even(n), 100 + n as u32 / 10, lot(n)));
    let before = past.quantile(1e-4);
    past.push(1000.0, 700, 1);
    assert!(past.quantile(1e-4) < before + 8.0, "{} {before}", past.quantile(1e-4));
}

#[test]
fn the_bar_lets_through_about_what_the_budget_says() {
    let mut budget = Budget::default();
    let (mut told, days) = (0, 120);
    for hour in 0..days * 24u32 {
        let score = 4.0 - 2.0 * even(u64::from(hour)).ln();
        let verdict = budget.ask(score);
        told += u32::from(hour >= 20 * 24 && verdict == Verdict::Told);
        budget.close(score, 1000 + hour, 1.0, 3.0);
    }
    assert!((50..=200).contains(&told), "{told} in 100 days");
}

#[test]
fn a_bad_day_is_deferred_and_counted() {
    let mut budget = Budget::default();
    budget.fill(3.0);
    let all: Vec<Verdict> = (0..10).map(|_| budget.ask(50.0)).collect();
    assert_eq!(all.iter().filter(|one| **one == Verdict::Told).count(), 3);
    assert_eq!((budget.alarms, budget.deferred), (3, 7));
}

#[test]
fn the_tail_of_counts_is_that_of_the_table() {
    // Negative binomial with size 2 and mean 4: P(Y >= 10) = 0.0692, P(Y = 10) = 0.0212.
    let mean = 4.0;
    let variance = mean + mean * mean / 2.0;
    let share: f64 = 2.0 / 6.0;
    let mut term = share * share;
    let mut below = 0.0;
    for k in 0..10 {
        below += term;
        term *= (f64::from(k) + 2.0) / (f64::from(k) + 1.0) * (1.0 - share);
    }
    let expected = 1.0 - below - term / 2.0;
    assert!((tail::at_least(10, mean, variance) - expected).abs() < 1e-9);
    assert!(tail::at_least(100_000, mean, variance) < 1e-9);
    assert!(tail::at_least(u32::MAX, 1e6, 1e13).is_finite());
}

#[test]
fn only_more_than_ever_before_is_too_much() {
    let (mut own, peers) = (Rates::default(), Rates::default());
    let hour = |writes| [writes, 0, 0, 0, 0, 0];
    (0..200).for_each(|n| own.push(&hour(20 + n % 30)));
    assert!(own.chance(Count::Writes, 45, &peers).is_none());
    let (some, many) =
        (own.chance(Count::Writes, 120, &peers), own.chance(Count::Writes, 1200, &peers));
    assert!(some.unwrap() > many.unwrap() && many.unwrap() < 1e-6);
}

#[test]
fn what_matters_is_never_learned_by_repetition() {
    let mut shadow = Shadow::default();
    for day in 0..40 {
        shadow.note(Facet::Action, 1, true, day * 24);
        shadow.note(Facet::Action, 2, false, day * 24);
    }
    let ripe = shadow.ripe(40 * 24, |_, _| 100);
    assert_eq!(ripe.iter().map(|one| one.symbol).collect::<Vec<_>>(), [2]);
    assert!(shadow.of(Facet::Action, 1).is_some());
}

#[test]
fn a_thousand_odd_things_fill_the_shadow_once() {
    let mut shadow = Shadow::default();
    (0..1000).for_each(|n| shadow.note(Facet::Object, n, false, 5));
    assert!(shadow.all().len() <= 64 && shadow.left_out > 900);
}

#[test]
fn a_new_role_shows_and_a_steady_one_does_not() {
    let mut context = Context::default();
    for hour in 0..600 {
        (0..4).for_each(|n| _ = context.add(n, at(hour), 99));
    }
    assert!(divergence(&context, at(600)) < 0.05);
    for hour in 600..672 {
        (10..14).for_each(|n| _ = context.add(n, at(hour), 99));
    }
    assert!(divergence(&context, at(672)) > 0.15, "{}", divergence(&context, at(672)));
}

#[test]
fn what_was_forgotten_was_seen_and_a_flood_does_not_make_all_seen() {
    let mut forgotten = Forgotten::default();
    forgotten.add(1, 2, 3);
    assert!(forgotten.has(1, 2, 3) && !forgotten.has(1, 2, 4));
    (0..2_000_000).for_each(|n| forgotten.add(5, 0, n));
    let wrong = (0..1000).filter(|n| forgotten.has(9, 1, *n)).count();
    assert!(wrong < 60 && forgotten.left_out > 0, "{wrong}");
}

#[test]
fn servers_differ_by_seconds_and_nobody_minds() {
    let mut clock = Clock::default();
    let time = |seconds: i64| Time(1_764_547_200_000_000 + seconds * SECOND);
    assert_eq!(clock.place(time(0)), When::Now);
    assert_eq!(clock.place(time(-5)), When::Now);
    let When::Next(hour) = clock.place(time(3601)) else { panic!("an hour later") };
    clock.move_to(hour);
    assert_eq!(clock.place(time(3590)), When::Now);
    assert_eq!(clock.place(time(-7300)), When::Never);
    assert_eq!((clock.replayed, clock.gaps.len()), (1, 0));
}

#[test]
fn a_log_that_goes_on_after_a_month_is_believed_after_a_while() {
    let mut clock = Clock::default();
    clock.place(Time(1_764_547_200_000_000));
    let later = Time(1_764_547_200_000_000 + 30 * 24 * HOUR);
    let believed = (0..1000).position(|_| matches!(clock.place(later), When::Next(_)));
    assert_eq!(believed, Some(199));
    assert_eq!(clock.from_future, 199);
}

#[test]
fn known_programs_have_their_work_in_the_first_hour() {
    let prior = Prior::shipped();
    let coredns = Symbol::of(Sort::Principal, &["sa", "kube-system", "coredns"]);
    let secrets = Symbol::of(Sort::Action, &["list", "", "secrets", "", "", "4"]);
    let services = Symbol::of(Sort::Action, &["list", "", "services", "", "", "4"]);
    let who = Who { key: coredns, real: coredns, effective: coredns, class: Class::Workload };
    let row = |action, critical| Row { who, action, critical, ..Row::default() };
    let chance = |row: &Row| {
        let archetype = prior.archetype(row);
        assert_eq!(prior.name(archetype), "dns");
        prior.chance(archetype, Facet::Action, row.action.0, row)
    };
    assert!(chance(&row(services, false)) > 10.0 * chance(&row(secrets, true)));
}

#[test]
fn every_line_of_the_prior_is_read() {
    let prior = Prior::shipped();
    let names: Vec<&str> = (0..40).map(|n| prior.name(n)).filter(|n| !n.is_empty()).collect();
    for class in Class::ALL {
        assert!(names.contains(&class.as_str()), "{names:?}");
    }
    assert!(names.len() >= 18, "{names:?}");
}

#[test]
fn three_days_of_one_thing_are_one_incident_and_the_fourth_is_another() {
    let mut incidents = Incidents::default();
    let numbers: Vec<u64> =
        (0..96).map(|hour| incidents.add(7, 100 + hour, 9.0).0.number).collect();
    assert_eq!((numbers[0], numbers[71], numbers[72]), (1, 1, 2));
    assert_eq!(incidents.add(7, 100 + 95 + 25, 9.0).0.number, 3);
}

proptest! {
    #[test]
    fn chances_are_chances(
        adds in prop::collection::vec((0u64..50, 0u32..3000), 1..300),
        symbol in 0u64..60, without in 0.0f64..30.0,
    ) {
        let mut context = Context::default();
        let mut sorted = adds;
        sorted.sort_by_key(|one| one.1);
        for (symbol, hour) in &sorted {
            context.add(*symbol, at(*hour), 30);
        }
        context.settle();
        let look = context.look(symbol, at(3000), FIT, (0.0, without));
        prop_assert!(look.new > 0.0 && look.new <= 1.0);
        let chance = look.chance(0.3);
        prop_assert!(chance > 0.0 && chance <= 1.0, "{look:?}");
        prop_assert!(context.dishes().len() <= 30);
    }
}
