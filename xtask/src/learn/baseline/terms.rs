//! What has not been there lately: `new_terms` rules as Elastic has them, and detection of new values
//! as Datadog has it. They differ in what is done in the time before an identity is known.

use super::{ByHash, DAY, Hours, Weigh};
use crate::learn::detector::{Detector, Scores, Seen};
use trailhound_learn::symbol::{Sort, Symbol};
use trailhound_model::time::Time;

/// Of what a term is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::learn) enum Term {
    /// User, address and user agent as the log has them.
    Raw,
    /// Identity and kind of request.
    Action,
    /// Identity and kind of request in its own, another or no namespace.
    Place,
    /// Identity, kind of request, program and where from.
    Whole,
}

impl Term {
    fn of(self, seen: &Seen<'_>) -> u64 {
        let row = seen.row;
        let who = row.who.key;
        match self {
            Term::Raw => {
                let event = &seen.fact.event;
                let parts = [&*event.user.name, event.source_ip(), &event.user_agent];
                Symbol::of(Sort::Raw, &parts).0
            }
            Term::Action => who.with(row.action).0,
            Term::Place => who.with(row.at_place).0,
            Term::Whole => who.with(row.action).with(row.agent.program).with(row.source).0,
        }
    }
}

/// What a detector of new terms does.
#[derive(Clone, Copy, Debug)]
pub(in crate::learn) struct Choice {
    /// Of what a term is made.
    pub(in crate::learn) term: Term,
    /// A term is new again after so many days.
    pub(in crate::learn) forget: i64,
    /// An identity is only learned in its first days.
    pub(in crate::learn) learn: i64,
    /// Terms after which an identity is known although those days are not over.
    pub(in crate::learn) enough: u32,
    /// Only requests that matter much are looked at.
    pub(in crate::learn) sensitive: bool,
    /// How hours are weighed.
    pub(in crate::learn) weigh: Weigh,
}

/// Finds new terms.
#[derive(Debug)]
pub(in crate::learn) struct NewTerms {
    choice: Choice,
    last: ByHash<Time>,
    known: ByHash<(Time, u32)>,
    swept: Time,
    hours: Hours,
}

impl NewTerms {
    /// One that has seen nothing.
    pub(in crate::learn) fn new(choice: Choice) -> NewTerms {
        NewTerms {
            choice,
            last: ByHash::default(),
            known: ByHash::default(),
            swept: Time::default(),
            hours: Hours::new(choice.weigh),
        }
    }

    fn sweep(&mut self, now: Time) {
        if now.since(self.swept) < DAY {
            return;
        }
        self.swept = now;
        let forget = self.choice.forget * DAY;
        self.last.retain(|_, last| now.since(*last) <= forget);
    }

    /// Whether the identity was there long enough, or did enough, to be judged.
    fn is_known(&mut self, who: u64, now: Time, new: bool) -> bool {
        let (first, terms) = self.known.entry(who).or_insert((now, 0));
        *terms += u32::from(new);
        now.since(*first) >= self.choice.learn * DAY || *terms > self.choice.enough
    }
}

impl Detector for NewTerms {
    fn observe(&mut self, seen: &Seen<'_>, out: &mut Scores) {
        let now = seen.row.time;
        if self.choice.sensitive && !seen.row.critical {
            return;
        }
        self.sweep(now);
        let term = self.choice.term.of(seen);
        let before = self.last.insert(term, now);
        let new = before.is_none_or(|last| now.since(last) > self.choice.forget * DAY);
        if !new {
            return;
        }
        if self.is_known(seen.row.who.key.0, now, new) {
            let reason = if self.choice.term == Term::Raw { "" } else { "action" };
            self.hours.add(seen, term, 1.0, reason, out);
        }
    }

    fn finish(&mut self, out: &mut Scores) {
        self.hours.close(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_generate::life::Deed;
    use trailhound_learn::row::Row;
    use trailhound_model::fact::Fact;
    use trailhound_model::time::HOUR;

    const CHOICE: Choice = Choice {
        term: Term::Action,
        forget: 7,
        learn: 0,
        enough: u32::MAX,
        sensitive: false,
        weigh: Weigh::PLAIN,
    };

    /// Hours at which an identity did something, and those that were found strange.
    fn found(choice: Choice, done: &[(i64, u64)]) -> Vec<i64> {
        let (mut terms, mut scores) =
            (NewTerms::new(choice), crate::learn::detector::Scores::default());
        let (deed, fact) = (Deed::default(), Fact::default());
        for (id, (hour, action)) in done.iter().enumerate() {
            let mut row = Row { time: Time(hour * HOUR), ..Row::default() };
            row.who.key = Symbol(1);
            row.action = Symbol(*action);
            terms
                .observe(&Seen { id: id as u64, deed: &deed, fact: &fact, row: &row }, &mut scores);
        }
        terms.finish(&mut scores);
        let mut hours: Vec<i64> = scores.ranked().iter().map(|one| one.from.0 / HOUR).collect();
        hours.sort_unstable();
        hours
    }

    #[test]
    fn a_term_is_new_once_and_again_when_it_was_forgotten() {
        let done = [(1, 7), (2, 7), (100, 7), (100 + 7 * 24, 7), (101 + 15 * 24, 7)];
        assert_eq!(found(CHOICE, &done), [1, 101 + 15 * 24]);
    }

    #[test]
    fn an_identity_is_only_learned_in_its_first_days_or_until_it_did_enough() {
        let done = [(1, 7), (5, 8), (50, 9), (80, 10)];
        assert_eq!(found(Choice { learn: 3, ..CHOICE }, &done), [80]);
        assert_eq!(found(Choice { learn: 3, enough: 2, ..CHOICE }, &done), [50, 80]);
    }
}
