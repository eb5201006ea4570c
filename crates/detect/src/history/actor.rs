//! The habits of one actor: which actions, from where, with which agent.

use super::{ENOUGH_BOUND, ENOUGH_REQUESTS, NEW_FOR, is_habit};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    action::{ActionKind, Outcome},
    credential::CredentialKind,
    fact::Fact,
    lookup::Truth,
    time::Time,
};

/// Most addresses or agents that are remembered of one actor: beyond this it has no fixed place.
const MOST_MARKS: usize = 48;

/// Most pairs of action and namespace that are counted of one actor.
const MOST_ACTIONS: usize = 256;

/// Something that an actor showed, and how well it was known when it first did.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    value: Str,
    first: Time,
    last: Time,
    requests_before: u64,
}

/// The values of one habit.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Habit {
    marks: Vec<Mark>,
    overflowed: bool,
}

impl Habit {
    /// Remembers a value; whether it was not known before.
    fn observe(&mut self, value: &str, time: Time, requests: u64) -> bool {
        if let Some(position) = self.marks.iter().position(|mark| mark.value == value) {
            if let Some(mark) = self.marks.get_mut(position) {
                mark.last = mark.last.max(time);
            }
            // Recent values stay in front, so that the search is short.
            if position > 3 {
                self.marks.swap(position, position / 2);
            }
            return false;
        }
        if self.marks.len() >= MOST_MARKS {
            self.overflowed = true;
            return false;
        }
        // Most actors have one of each.
        if self.marks.is_empty() {
            self.marks.reserve_exact(1);
        }
        self.marks.push(Mark {
            value: value.into(),
            first: time,
            last: time,
            requests_before: requests,
        });
        true
    }

    fn is_new(&self, value: &str, time: Time, requests: u64) -> Truth {
        match self.marks.iter().find(|mark| mark.value == value) {
            Some(mark) if mark.requests_before < ENOUGH_REQUESTS => {
                if requests < ENOUGH_REQUESTS {
                    Truth::Unknown
                } else {
                    Truth::False
                }
            }
            Some(mark) => (time.since(mark.first) < NEW_FOR).into(),
            None if self.overflowed || requests < ENOUGH_REQUESTS => Truth::Unknown,
            None => Truth::True,
        }
    }
}

/// An action in a namespace that succeeded: how often, and when first.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Done {
    kind: ActionKind,
    namespace: Str,
    count: u64,
    first: Time,
}

/// One actor.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Actor {
    first: Time,
    last: Time,
    requests: u64,
    /// Per action and namespace: who reads his own secrets every day has not yet read others'.
    succeeded: Vec<Done>,
    addresses: Habit,
    agents: Habit,
    bound_requests: u64,
    unbound_since: Option<(Time, u64)>,
}

impl Actor {
    pub(super) fn new(time: Time) -> Actor {
        Actor {
            first: time,
            last: time,
            requests: 0,
            succeeded: Vec::new(),
            addresses: Habit::default(),
            agents: Habit::default(),
            bound_requests: 0,
            unbound_since: None,
        }
    }

    /// Adds a request; whether its address is one that the actor had not used.
    pub(super) fn observe(&mut self, fact: &Fact, suspicious: bool) -> bool {
        let event = &fact.event;
        self.last = self.last.max(event.time);
        if !is_habit(fact) {
            return false;
        }
        let new_address = self.addresses.observe(event.source_ip(), event.time, self.requests);
        self.agents.observe(event.agent_family(), event.time, self.requests);
        self.requests += 1;
        if !suspicious {
            self.count_action(fact);
        }
        self.count_binding(fact);
        new_address
    }

    fn count_action(&mut self, fact: &Fact) {
        if fact.action.outcome != Outcome::Allowed {
            return;
        }
        let (kind, namespace) = (fact.action.kind, fact.event.namespace());
        let room = self.succeeded.len() < MOST_ACTIONS;
        match self.succeeded.iter_mut().find(|d| d.kind == kind && d.namespace == namespace) {
            Some(done) => {
                done.count += 1;
                done.first = done.first.min(fact.event.time);
            }
            None if room => {
                let first = fact.event.time;
                if self.succeeded.is_empty() {
                    self.succeeded.reserve_exact(1);
                }
                self.succeeded.push(Done { kind, namespace: namespace.into(), count: 1, first });
            }
            None => {}
        }
    }

    fn count_binding(&mut self, fact: &Fact) {
        match fact.credential.kind {
            CredentialKind::PodToken => self.bound_requests += 1,
            CredentialKind::Unknown | CredentialKind::None => {}
            _ if self.unbound_since.is_none() => {
                self.unbound_since = Some((fact.event.time, self.bound_requests));
            }
            _ => {}
        }
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    pub(super) fn last(&self) -> Time {
        self.last
    }

    pub(super) fn succeeded(&self, kind: ActionKind, namespace: &str) -> u64 {
        self.done(kind, namespace).map_or(0, |done| done.count)
    }

    pub(super) fn done_since(&self, kind: ActionKind, namespace: &str) -> Option<Time> {
        self.done(kind, namespace).map(|done| done.first)
    }

    fn done(&self, kind: ActionKind, namespace: &str) -> Option<&Done> {
        self.succeeded.iter().find(|done| done.kind == kind && done.namespace == namespace)
    }

    pub(super) fn address_is_new(&self, address: &str, time: Time) -> Truth {
        self.addresses.is_new(address, time, self.requests)
    }

    pub(super) fn agent_is_new(&self, agent: &str, time: Time) -> Truth {
        self.agents.is_new(agent, time, self.requests)
    }

    /// Whether the account used only pod-bound tokens until now, or until a moment ago.
    pub(super) fn only_pod_bound(&self, now: Time) -> Truth {
        let enough = |bound: u64| bound >= ENOUGH_BOUND;
        match self.unbound_since {
            None if enough(self.bound_requests) => Truth::True,
            None => Truth::Unknown,
            Some((since, bound)) => (enough(bound) && now.since(since) < NEW_FOR).into(),
        }
    }
}
