//! How complete the log is around a finding, on a log made by hand: two leases of two seconds.

use super::*;
use trailhound_model::event::{Event, ObjectRef, Stage, Status};

fn renewal(name: &str, second: i64) -> Fact {
    Fact::of(Event {
        audit_id: format!("{name}{second}").into(),
        stage: Stage::ResponseComplete,
        verb: "update".into(),
        time: Time(second * SECOND),
        object: Some(Box::new(ObjectRef {
            api_group: "coordination.k8s.io".into(),
            resource: "leases".into(),
            namespace: "kube-system".into(),
            name: name.into(),
            ..ObjectRef::default()
        })),
        status: Some(Status { code: Some(200), ..Status::default() }.into()),
        ..Event::default()
    })
}

/// An hour with a silence.
fn observed(silence: std::ops::Range<i64>) -> Coverage {
    let mut coverage = Coverage::default();
    for second in (0..3_600).filter(|second| !silence.contains(second)) {
        coverage.observe(&renewal(if second % 2 == 0 { "a" } else { "b" }, second));
    }
    coverage
}

fn around(coverage: &Coverage, second: i64) -> LogState {
    let time = Time(second * SECOND);
    coverage.around(time, time, &coverage.gaps())
}

#[test]
fn a_finding_far_from_a_gap_stands_on_a_complete_log_and_one_near_it_does_not() {
    let coverage = observed(1_800..1_860);
    let far = around(&coverage, 600);
    assert_eq!((far.score, far.gaps, far.note.as_str()), (Some(1.0), 0, ""));
    let near = around(&coverage, 1_700);
    assert_eq!(near.gaps, 1);
    assert!((0.85..0.95).contains(&near.score.unwrap()), "{near:?}");
    assert!(near.note.contains("from 00:29:59 to 00:31:00"), "{}", near.note);
}

#[test]
fn a_gap_counts_its_missing_beats() {
    let coverage = observed(1_800..1_860);
    let one = coverage.completeness(&Str::default());
    assert_eq!(one.beats_expected - one.beats_seen, one.gaps[0].missing_beats);
    assert!((58..=62).contains(&one.gaps[0].missing_beats), "{:?}", one.gaps);
}

#[test]
fn without_a_metronome_every_finding_says_that_it_is_unknown() {
    let mut coverage = Coverage::default();
    coverage.observe(&renewal("a", 1));
    assert_eq!(around(&coverage, 1).score, None);
    assert!(around(&coverage, 1).note.contains("not known"));
}

#[test]
fn a_flood_of_leases_is_bounded_and_said() {
    let mut coverage = observed(0..0);
    for number in 0..10_000 {
        coverage.observe(&renewal(&format!("forged-{number}"), 3_600));
    }
    assert!(coverage.unfollowed() > 5_000);
    assert_eq!(coverage.completeness(&Str::default()).gaps, []);
}

#[test]
fn a_thousand_gaps_are_named_and_the_rest_counted() {
    let mut coverage = Coverage::default();
    for second in (0..200_000i64).filter(|second| second % 100 < 60) {
        coverage.observe(&renewal(if second % 2 == 0 { "a" } else { "b" }, second));
    }
    let one = coverage.completeness(&Str::default());
    assert_eq!(one.gaps.len(), 1_000);
    assert!(one.basis.contains("more gaps are counted"), "{}", one.basis);
}
