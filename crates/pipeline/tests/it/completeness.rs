//! Stretches are cut out of a real log, and their bounds must come back: to the record.
//!
//! The fixture is a cut of a recording of a real API server (4½ minutes, two leaders, three nodes,
//! seven operators, an autoscaler) with only the fields that matter here.

use crate::support::facts;
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};
use trailhound_detect::{Engine, Settings, dedupe::Key};
use trailhound_ingest::{Limits, Masker, discover, open};
use trailhound_model::{
    action::ActionKind,
    completeness::Completeness,
    fact::Fact,
    time::{SECOND, Time},
};
use trailhound_pipeline::work::Worker;
use trailhound_rules::RuleSet;

type Facts = Vec<(Box<Fact>, Key)>;
/// Last record before and first after a stretch.
type Bounds = Vec<(Time, Time)>;

/// The fixture, in order of time.
fn log() -> &'static Facts {
    static LOG: LazyLock<Facts> = LazyLock::new(|| {
        let packed = include_bytes!("../fixtures/heartbeats.jsonl.zst");
        let text = String::from_utf8(zstd::decode_all(packed.as_slice()).unwrap()).unwrap();
        let mut log = facts(&RuleSet::default(), &text);
        log.sort_by_key(|(fact, _)| fact.event.time);
        log
    });
    &LOG
}

fn judged<'a>(log: impl IntoIterator<Item = &'a (Box<Fact>, Key)>) -> Completeness {
    let mut engine = Engine::new(Arc::default(), Settings::default());
    for (fact, key) in log {
        engine.push(fact.clone(), *key);
    }
    engine.flush();
    engine.outcome().completeness.remove(0)
}

fn at(log: &Facts, seconds: f64) -> Time {
    log[0].0.event.time.plus((seconds * SECOND as f64) as i64)
}

fn bounds(one: &Completeness) -> Bounds {
    one.gaps.iter().map(|gap| (gap.from, gap.to)).collect()
}

/// What is left when stretches (start and length in seconds) are cut out, and the records beside
/// each cut.
fn cut<'a>(log: &'a Facts, cuts: &[(f64, f64)]) -> (Vec<&'a (Box<Fact>, Key)>, Bounds) {
    let inside = |time: Time| {
        cuts.iter()
            .any(|(start, length)| (at(log, *start)..at(log, start + length)).contains(&time))
    };
    let left: Vec<_> = log.iter().filter(|(fact, _)| !inside(fact.event.time)).collect();
    let time = |place: usize| left[place].0.event.time;
    let beside = cuts.iter().map(|(start, _)| {
        let after = left.partition_point(|(fact, _)| fact.event.time < at(log, *start));
        (time(after - 1), time(after))
    });
    (left.clone(), beside.collect())
}

fn is_lease(fact: &Fact) -> bool {
    fact.action.kind == ActionKind::LeaseRenew
}

#[test]
fn a_whole_log_has_no_gap() {
    let one = judged(log());
    assert_eq!(one.gaps, []);
    assert!(one.score.unwrap() > 0.99 && one.beats_seen > 700, "{one:?}");
    assert_eq!(one.servers.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Three times the fastest rhythm (2.04 s), from when two leases have shown theirs.
    #[test]
    fn what_was_cut_out_is_found_to_the_record(start in 18.0f64..195.0, length in 6.2f64..70.0) {
        let (left, beside) = cut(log(), &[(start, length)]);
        let one = judged(left);
        prop_assert_eq!(bounds(&one), beside);
        prop_assert!(one.score.unwrap() < 1.0);
    }

    #[test]
    fn two_cuts_are_two_gaps(
        first in 20.0f64..60.0, long in 6.5f64..40.0, pause in 8.0f64..60.0, short in 6.5f64..40.0
    ) {
        let (left, beside) = cut(log(), &[(first, long), (first + long + pause, short)]);
        let one = judged(left);
        prop_assert_eq!(bounds(&one), beside, "{:?}", one.gaps);
    }

    #[test]
    fn order_within_two_seconds_changes_nothing(
        start in 20.0f64..200.0, seed in any::<u64>()
    ) {
        let (left, _) = cut(log(), &[(start, 15.0)]);
        let expected = judged(left.clone());
        let delay = |n: usize| (seed.wrapping_add(n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44) as i64;
        let mut late: Vec<_> = left.into_iter().enumerate().map(|(n, one)| (one.0.event.time.plus(delay(n)), one)).collect();
        late.sort_by_key(|(time, _)| *time);
        prop_assert_eq!(judged(late.into_iter().map(|(_, one)| one)), expected);
    }

    #[test]
    fn a_restart_in_a_gap_or_anywhere_changes_nothing(stop in 0usize..9_000) {
        let (left, _) = cut(log(), &[(100.0, 30.0)]);
        let mut engine = Engine::new(Arc::default(), Settings::default());
        for (place, (fact, key)) in left.iter().enumerate() {
            engine.push(fact.clone(), *key);
            if place == stop {
                engine = Engine::restore(Arc::default(), &engine.save().unwrap()).unwrap();
            }
        }
        engine.flush();
        prop_assert_eq!(engine.outcome().completeness.remove(0), judged(left));
    }
}

#[test]
fn every_second_lease_renewal_missing_shows_in_the_score_not_as_gaps() {
    let mut count = 0;
    let one = judged(log().iter().filter(|(fact, _)| {
        count += usize::from(is_lease(fact));
        !is_lease(fact) || count % 2 == 0
    }));
    assert!(one.score.unwrap() < 0.75, "{one:?}");
    assert!(one.basis.contains("one by one all over the log"), "{}", one.basis);
    assert_eq!(one.gaps, []);
}

#[test]
fn a_node_that_leaves_and_a_client_that_stops_are_no_gap() {
    for name in ["ip-10-0-1-12", "kube-scheduler", "horizontal-pod-autoscaler"] {
        let gone =
            |fact: &Fact| fact.event.user.name.contains(name) && fact.event.time > at(log(), 120.0);
        let one = judged(log().iter().filter(|(fact, _)| !gone(fact)));
        assert_eq!(one.gaps, [], "{name}");
        assert!(one.score.unwrap() > 0.99, "{name}: {one:?}");
    }
}

#[test]
fn a_node_that_comes_back_owes_nothing() {
    let away = |fact: &Fact| {
        let time = at(log(), 80.0)..at(log(), 160.0);
        fact.event.user.name.contains("ip-10-0-1-12") && time.contains(&fact.event.time)
    };
    let one = judged(log().iter().filter(|(fact, _)| !away(fact)));
    assert_eq!(one.gaps, []);
    assert!(one.score.unwrap() > 0.99, "{one:?}");
}

#[test]
fn without_leases_other_regular_requests_prove_the_gap() {
    let (left, beside) = cut(log(), &[(140.0, 40.0)]);
    let without = |log: Vec<&'static (Box<Fact>, Key)>| {
        judged(log.into_iter().filter(|(fact, _)| !is_lease(fact)))
    };
    let whole = without(log().iter().collect());
    assert_eq!(whole.gaps, []);
    assert!(whole.score.unwrap() > 0.97, "{whole:?}");
    assert!(whole.basis.contains("regular requests"), "{}", whole.basis);
    assert_eq!(bounds(&without(left)), beside);
}

#[test]
fn where_nothing_is_regular_the_score_is_unknown_even_if_there_is_a_long_silence() {
    let mut met = std::collections::BTreeSet::new();
    let mut first_time = |fact: &Fact| {
        let event = &fact.event;
        met.insert((event.user.name.clone(), event.verb.clone(), event.path().to_owned()))
    };
    let irregular: Vec<_> =
        log().iter().filter(|(fact, _)| !is_lease(fact) && first_time(fact)).collect();
    let late = |fact: &Fact| fact.event.time.since(at(log(), 0.0)) > 100 * SECOND;
    let early: Vec<_> = irregular.iter().copied().filter(|(fact, _)| !late(fact)).collect();
    assert!(irregular.len() > 1_000);
    for log in [irregular, early] {
        let one = judged(log);
        assert_eq!((one.score, one.gaps), (None, vec![]));
        assert!(one.basis.starts_with("unknown"));
    }
}

#[test]
fn records_left_in_the_middle_of_a_cut_do_not_hide_it() {
    let cut = at(log(), 100.0)..at(log(), 160.0);
    let mut left_in = 0;
    let one = judged(log().iter().filter(|(fact, _)| {
        let inside = cut.contains(&fact.event.time);
        left_in += usize::from(inside && !is_lease(fact));
        !inside || !is_lease(fact) && left_in % 400 == 1
    }));
    let missing: i64 = one.gaps.iter().map(|gap| gap.to.since(gap.from)).sum();
    assert!(missing > 50 * SECOND, "{:?}", one.gaps);
}

#[test]
fn a_batch_that_comes_late_fills_the_gap_that_it_seemed_to_be() {
    let stretch = at(log(), 100.0)..at(log(), 120.0);
    let (batch, rest): (Vec<_>, Vec<_>) =
        log().iter().partition(|(fact, _)| stretch.contains(&fact.event.time));
    let resent = rest.partition_point(|(fact, _)| fact.event.time < at(log(), 130.0));
    let (before, after) = rest.split_at(resent);
    let one = judged(before.iter().chain(&batch).chain(after).copied());
    assert_eq!(one.gaps, []);
    assert_eq!(one.late as usize, batch.len());
    assert!(one.latest > 25 * SECOND && one.score.unwrap() > 0.9, "{one:?}");
}

#[test]
fn an_api_server_whose_own_lease_falls_silent_is_named() {
    let own = |fact: &Fact| is_lease(fact) && fact.event.object_name().starts_with("apiserver-");
    let silent = |from: f64, to: f64| {
        let time = at(log(), from)..at(log(), to);
        judged(log().iter().filter(|(fact, _)| !(own(fact) && time.contains(&fact.event.time))))
    };
    let one = silent(120.0, 170.0);
    assert_eq!(one.gaps.len(), 1, "{:?}", one.gaps);
    assert!(one.gaps[0].server.starts_with("apiserver-") && !one.gaps[0].open);
    let one = silent(120.0, 1_000.0);
    assert!(one.gaps.len() == 1 && one.gaps[0].open, "{:?}", one.gaps);
}

#[test]
fn a_record_of_the_year_9999_is_no_gap_of_eight_thousand_years() {
    let mut log = log().clone();
    let (mut odd, key) = log.iter().rev().find(|(fact, _)| is_lease(fact)).unwrap().clone();
    odd.event.time = Time::parse("9999-12-31T00:00:00Z").unwrap();
    log.push((odd, key.wrapping_add(1)));
    assert_eq!(judged(&log).gaps, []);
}

#[test]
fn the_policy_is_read_off_the_log() {
    let policy = judged(log()).policy;
    let notes = policy.notes.join("\n");
    assert!(notes.contains("No contents are logged") && !notes.contains("Reads"), "{notes}");
    let writes = judged(log().iter().filter(|(fact, _)| {
        !matches!(fact.event.verb.as_str(), "get" | "list" | "watch")
            && fact.event.resource() != "leases"
    }));
    let notes = writes.policy.notes.join("\n");
    assert!(notes.contains("Reads (get, list) never") && notes.contains("Lease"), "{notes}");
}

/// The recordings beside the checkout, if they are there.
#[allow(clippy::print_stderr, reason = "a test that was left out must say so")]
fn recording(name: &str) -> Option<Facts> {
    let path = format!("{}/../../../shared/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
    let found = discover(&[path.clone().into()]);
    let rules = RuleSet::default();
    let masker = Masker::new([1; 16]);
    let worker = Worker { rules: &rules, masker: &masker, secret: [2; 16] };
    let mut facts = Vec::new();
    for source in found.sources.iter().filter(|source| source.name.contains("audit")) {
        let mut reader = open(source, Limits::default()).ok()?;
        while let Some(chunk) = reader.next() {
            facts.extend(worker.work(&chunk, &mut worker.memory()).facts);
        }
    }
    if facts.is_empty() {
        eprintln!("left out: {path} is not beside this checkout");
        return None;
    }
    facts.sort_by_key(|(fact, _)| fact.event.time);
    Some(facts)
}

#[test]
fn the_recordings_have_no_gap_and_give_back_what_is_cut_out_of_them() {
    for (name, lengths) in [
        ("requestresponse", [20.0, 60.0, 180.0]),
        ("metadata", [20.0, 60.0, 120.0]),
        ("webhook-run", [20.0, 30.0, 40.0]),
    ] {
        let Some(log) = recording(name) else { continue };
        let whole = judged(&log);
        assert_eq!(whole.gaps, [], "{name}");
        assert!(whole.score.unwrap() > 0.99, "{name}: {whole:?}");
        let length = log[log.len() - 1].0.event.time.since(log[0].0.event.time) / SECOND;
        for (place, cut_length) in
            lengths.into_iter().flat_map(|one| [0.2, 0.37, 0.5].map(|p| (p, one)))
        {
            let (left, beside) = cut(&log, &[(place * length as f64, cut_length)]);
            let one = judged(left);
            assert_eq!(bounds(&one), beside, "{name} {place} {cut_length} {:?}", one.gaps);
        }
    }
}
