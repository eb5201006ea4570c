//! Puts near-sorted facts into the order of time.
//!
//! API servers write records at completion, several servers interleave, and a resent batch comes
//! after newer ones. Facts wait behind a watermark; one that comes later than that is applied at
//! once and counted as late, never dropped. Ties are broken by content, not by arrival, so that
//! shuffled input gives the same result.

use crate::integrity;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    hash::Hasher,
};
use trailhound_model::{
    event::Event,
    fact::Fact,
    time::{SECOND, Time},
};

/// How long a fact waits for earlier ones, in microseconds.
pub const DEFAULT_LATENESS: i64 = 2 * SECOND;
/// Most facts that wait; beyond this the oldest goes. Two seconds at 20,000 events a second: a log
/// whose records all have one time must not be held in memory whole.
const MOST_WAITING: usize = 40_000;
/// Most bytes that wait, counted by [`Fact::weight`]: a client may fill two seconds with requests of
/// a megabyte each.
const MOST_BYTES: usize = 64 << 20;
/// A record further ahead of all others than this does not move the watermark by itself: one
/// record with a broken clock must not make all others late.
const LEAP: i64 = 15 * 60 * SECOND;

/// Time, what breaks ties, sequence. Small, because it is moved a few times per record.
type Place = (Time, u128, u64);

/// A fact with its weight as it was when it came: opening a record changes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    fact: Box<Fact>,
    weight: usize,
}

/// The waiting facts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    waiting: BTreeMap<Place, Waiting>,
    /// Bytes that wait.
    bytes: usize,
    newest: Option<Time>,
    leapt: Option<Time>,
    emitted: Option<Time>,
    lateness: i64,
    sequence: u64,
    /// Facts that came after their place had gone by.
    pub late: u64,
    /// By how much the latest of them was late, in microseconds.
    pub latest: i64,
}

impl Default for Order {
    fn default() -> Self {
        Order::new(DEFAULT_LATENESS)
    }
}

impl Order {
    /// An empty buffer that waits `lateness` microseconds.
    pub fn new(lateness: i64) -> Order {
        Order {
            waiting: BTreeMap::new(),
            bytes: 0,
            newest: None,
            leapt: None,
            emitted: None,
            lateness,
            sequence: 0,
            late: 0,
            latest: 0,
        }
    }

    /// Takes a fact. Call [`Order::take_due`] until it gives nothing before the next one.
    pub fn push(&mut self, fact: impl Into<Box<Fact>>) {
        let fact = fact.into();
        let time = fact.event.time;
        self.advance(time);
        if let Some(emitted) = self.emitted.filter(|emitted| time < *emitted) {
            self.late += 1;
            self.latest = self.latest.max(emitted.since(time));
        }
        self.sequence += 1;
        let place = (time, tie(&fact.event, fact.claims.id), 0);
        let weight = fact.weight();
        self.bytes += weight;
        let waiting = Waiting { fact, weight };
        match self.waiting.entry(place) {
            Entry::Vacant(vacant) => {
                vacant.insert(waiting);
            }
            Entry::Occupied(first) => {
                let waiting = keep_lesser(first.into_mut(), waiting);
                let mut place = (place.0, place.1, rest(&waiting.fact.event));
                if self.waiting.contains_key(&place) {
                    place.2 = place.2.wrapping_add(self.sequence);
                }
                self.waiting.insert(place, waiting);
            }
        }
    }

    fn advance(&mut self, time: Time) {
        let Some(newest) = self.newest else {
            self.newest = Some(time);
            return;
        };
        if time <= newest {
            return;
        }
        let leaps = time.since(newest) > LEAP;
        let confirmed = self.leapt.is_some_and(|other| (time.since(other)).abs() <= LEAP);
        if leaps && !confirmed {
            self.leapt = Some(time);
            return;
        }
        self.leapt = None;
        self.newest = Some(time);
    }

    /// The next fact whose turn has come.
    pub fn take_due(&mut self) -> Option<Box<Fact>> {
        let (place, _) = self.waiting.first_key_value()?;
        let due = self.newest.is_some_and(|newest| newest.since(place.0) >= self.lateness);
        if !due && self.waiting.len() <= MOST_WAITING && self.bytes <= MOST_BYTES {
            return None;
        }
        self.pop()
    }

    /// The next fact, due or not: for the end of the input.
    pub fn pop(&mut self) -> Option<Box<Fact>> {
        let (place, Waiting { fact, weight }) = self.waiting.pop_first()?;
        self.bytes = self.bytes.saturating_sub(weight);
        self.emitted = self.emitted.max(Some(place.0));
        Some(fact)
    }
}

/// Orders records of one moment by their content: when the request was received, then by a hash of
/// the auditID, then by stage, so that the records of one request stay in their order.
fn tie(event: &Event, known: u64) -> u128 {
    let id = if known == 0 { integrity::id(&event.audit_id) } else { known };
    let id = (id << 3) | event.stage as u64;
    let received = event.received.map_or(0, |time| time.0.wrapping_sub(i64::MIN).cast_unsigned());
    u128::from(received) << 64 | u128::from(id)
}

/// Records that share even an auditID (the client chooses it) are ordered by what they ask for.
fn rest(event: &Event) -> u64 {
    let mut hasher = SipHasher13::new();
    for part in [&event.user.name, &event.verb, &event.request_uri] {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish().max(1)
}

/// Leaves in its place whichever comes first, and gives back the other.
fn keep_lesser(place: &mut Waiting, other: Waiting) -> Waiting {
    let is_lesser = rest(&other.fact.event) < rest(&place.fact.event);
    if is_lesser { std::mem::replace(place, other) } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fact(micros: i64, id: &str) -> Fact {
        Fact {
            event: Event { time: Time(micros), audit_id: id.into(), ..Event::default() },
            ..Fact::default()
        }
    }

    fn run(facts: impl IntoIterator<Item = Fact>) -> (Vec<(i64, String)>, u64) {
        let mut order = Order::default();
        let mut out = Vec::new();
        for fact in facts {
            order.push(fact);
            while let Some(fact) = order.take_due() {
                out.push(fact);
            }
        }
        while let Some(fact) = order.pop() {
            out.push(fact);
        }
        (
            out.into_iter().map(|f| (f.event.time.0, f.event.audit_id.to_string())).collect(),
            order.late,
        )
    }

    #[test]
    fn a_late_record_is_applied_and_counted() {
        let (out, late) =
            run([fact(0, "a"), fact(10 * SECOND, "b"), fact(20 * SECOND, "c"), fact(1, "late")]);
        assert_eq!(out.len(), 4);
        assert_eq!(late, 1);
    }

    #[test]
    fn records_that_share_time_and_audit_id_have_one_order_whatever_comes_first() {
        let by = |user: &str| {
            let mut fact = fact(7, "shared");
            fact.event.user = trailhound_model::event::User {
                name: user.into(),
                ..trailhound_model::event::User::default()
            }
            .into();
            fact
        };
        let users = |names: [&str; 3]| {
            let mut order = Order::default();
            for name in names {
                order.push(by(name));
            }
            std::iter::from_fn(|| order.pop())
                .map(|fact| fact.event.user.name.to_string())
                .collect::<Vec<_>>()
        };
        let expected = users(["ann", "bob", "eve"]);
        assert_eq!(expected.len(), 3);
        for names in [["bob", "eve", "ann"], ["eve", "bob", "ann"], ["bob", "ann", "eve"]] {
            assert_eq!(users(names), expected);
        }
    }

    #[test]
    fn one_record_from_the_year_9999_does_not_make_the_rest_late() {
        let far = Time::parse("9999-12-31T23:59:59Z").unwrap().0;
        let (out, late) =
            run([fact(0, "a"), fact(far, "z"), fact(SECOND, "b"), fact(2 * SECOND, "c")]);
        assert_eq!(late, 0);
        assert_eq!(out.last().unwrap().1, "z");
    }

    #[test]
    fn a_second_full_of_long_records_does_not_wait_whole() {
        let mut order = Order::default();
        let long = |number: i64| {
            let mut fact = fact(number, &number.to_string());
            fact.event.request_uri = "x".repeat(1 << 20).into();
            fact
        };
        let mut out = 0;
        for number in 0..100 {
            order.push(long(number));
            out += std::iter::from_fn(|| order.take_due()).count();
            assert!(order.bytes <= MOST_BYTES);
        }
        assert!(out >= 36, "{out}");
        while order.pop().is_some() {}
        assert_eq!(order.bytes, 0);
    }

    proptest! {
        #[test]
        fn a_shuffle_within_the_window_changes_nothing(
            times in proptest::collection::vec((0i64..60 * SECOND, 0i64..2 * SECOND), 1..80)
        ) {
            let mut sorted: Vec<Fact> = times.iter().enumerate()
                .map(|(n, (time, _))| fact(*time, &format!("{n}"))).collect();
            let mut arrival: Vec<(i64, Fact)> = times.iter().zip(sorted.clone())
                .map(|((time, delay), fact)| (time + delay, fact)).collect();
            sorted.sort_by_key(|f| (f.event.time, f.event.audit_id.clone()));
            arrival.sort_by_key(|(when, _)| *when);
            let expected: Vec<_> = sorted.iter()
                .map(|f| (f.event.time.0, f.event.audit_id.to_string())).collect();
            let (out, late) = run(arrival.into_iter().map(|(_, fact)| fact));
            prop_assert_eq!(out, expected);
            prop_assert_eq!(late, 0);
        }
    }
}
