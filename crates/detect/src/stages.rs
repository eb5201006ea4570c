//! One request, several records: tells a request's first word from its last.
//!
//! Long-running requests (watch, exec, proxy) are written at ResponseStarted and again, minutes
//! later, at ResponseComplete; 401s only ever at ResponseStarted. A request is judged once, at the
//! first record that has an outcome. Stages belong together only if auditID, user, URI and
//! requestReceivedTimestamp agree, because the id alone is the client's choice.

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::collections::{HashSet, VecDeque};
use std::hash::Hasher;
use trailhound_model::{
    Map,
    action::Outcome,
    event::{Event, Stage},
    fact::Fact,
    time::Time,
};

/// Most requests that are remembered as begun.
const MOST_OPEN: usize = 300_000;

/// What a record is to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The first record with an outcome: judge it.
    Judge,
    /// A later record of a request that was judged.
    Continuation,
    /// It has no outcome yet (RequestReceived).
    Announcement,
}

/// Requests that have begun and not ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Stages {
    open: Map<u64, (Time, Outcome)>,
    /// How many of them were received at a time: one look at a number tells nearly all other
    /// requests from those that have begun.
    times: Map<Time, u32>,
    /// In the order of their beginning; those that have ended are taken out now and then.
    oldest: VecDeque<u64>,
    /// Requests forgotten because too many were open: their end is judged as if it were new.
    pub forgotten: u64,
}

impl Stages {
    /// Says what the record is to its request, and remembers it.
    pub fn part(&mut self, fact: &Fact) -> Part {
        match fact.event.stage {
            Stage::RequestReceived => Part::Announcement,
            Stage::ResponseStarted if fact.action.outcome != Outcome::Unauthenticated => {
                self.begin(fact);
                Part::Judge
            }
            Stage::ResponseComplete | Stage::Panic if !self.open.is_empty() => self.end(fact),
            _ => Part::Judge,
        }
    }

    fn begin(&mut self, fact: &Fact) {
        let key = request_key(&fact.event);
        let time = received(&fact.event);
        if self.open.insert(key, (time, fact.action.outcome)).is_none() {
            self.oldest.push_back(key);
            *self.times.entry(time).or_default() += 1;
        }
        if self.oldest.len() > 2 * self.open.len() + 1024 {
            // A request that ends and begins again under the same key is in the queue each time.
            let mut kept = HashSet::with_capacity(self.open.len());
            self.oldest.retain(|key| self.open.contains_key(key) && kept.insert(*key));
        }
        while self.open.len() > MOST_OPEN {
            let Some(key) = self.oldest.pop_front() else { return };
            self.forgotten += u64::from(self.close(key).is_some());
        }
    }

    fn close(&mut self, key: u64) -> Option<Outcome> {
        let (time, outcome) = self.open.remove(&key)?;
        if let Some(count) = self.times.get_mut(&time) {
            *count -= 1;
            if *count == 0 {
                self.times.remove(&time);
            }
        }
        Some(outcome)
    }

    fn end(&mut self, fact: &Fact) -> Part {
        if !self.times.contains_key(&received(&fact.event)) {
            return Part::Judge;
        }
        match self.close(request_key(&fact.event)) {
            Some(outcome) if outcome == fact.action.outcome => Part::Continuation,
            _ => Part::Judge,
        }
    }
}

fn request_key(event: &Event) -> u64 {
    let mut hasher = SipHasher13::new();
    for text in [&event.audit_id, &event.user.name, &event.request_uri] {
        hasher.write(text.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.write_i64(received(event).0);
    hasher.finish()
}

fn received(event: &Event) -> Time {
    event.received.unwrap_or(Time(i64::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::Status;

    fn exec(stage: Stage, code: u16, user: &str) -> Fact {
        let mut event = Event {
            audit_id: "same".into(),
            stage,
            status: Some(trailhound_model::Shared::from(Status {
                code: Some(code),
                ..Status::default()
            })),
            ..Event::default()
        };
        event.user.name = user.into();
        Fact::of(event)
    }

    #[test]
    fn an_exec_is_judged_once_although_it_has_two_records() {
        let mut stages = Stages::default();
        assert_eq!(stages.part(&exec(Stage::RequestReceived, 0, "bob")), Part::Announcement);
        assert_eq!(stages.part(&exec(Stage::ResponseStarted, 101, "bob")), Part::Judge);
        assert_eq!(stages.part(&exec(Stage::ResponseComplete, 101, "bob")), Part::Continuation);
        assert_eq!(stages.part(&exec(Stage::ResponseComplete, 101, "bob")), Part::Judge);
    }

    #[test]
    fn a_watch_is_not_forgotten_because_many_others_came_and_went() {
        let mut stages = Stages::default();
        let watch = exec(Stage::ResponseStarted, 200, "watcher");
        assert_eq!(stages.part(&watch), Part::Judge);
        for _ in 0..MOST_OPEN * 2 {
            assert_eq!(stages.part(&exec(Stage::ResponseStarted, 101, "bob")), Part::Judge);
            assert_eq!(stages.part(&exec(Stage::ResponseComplete, 101, "bob")), Part::Continuation);
        }
        assert!(stages.oldest.len() < 4096);
        assert_eq!(stages.part(&exec(Stage::ResponseComplete, 200, "watcher")), Part::Continuation);
        assert_eq!((stages.forgotten, stages.times.len(), stages.open.len()), (0, 0, 0));
    }

    #[test]
    fn a_401_has_only_its_first_record_and_another_outcome_is_judged_again() {
        let mut stages = Stages::default();
        assert_eq!(stages.part(&exec(Stage::ResponseStarted, 401, "")), Part::Judge);
        assert_eq!(stages.part(&exec(Stage::ResponseStarted, 200, "bob")), Part::Judge);
        assert_eq!(stages.part(&exec(Stage::ResponseComplete, 500, "bob")), Part::Judge);
    }

    #[test]
    fn a_forged_audit_id_does_not_hide_another_users_request() {
        let mut stages = Stages::default();
        assert_eq!(stages.part(&exec(Stage::ResponseStarted, 101, "bob")), Part::Judge);
        assert_eq!(stages.part(&exec(Stage::ResponseComplete, 101, "mallory")), Part::Judge);
    }
}
