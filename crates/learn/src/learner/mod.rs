//! The learner: rows in, strange hours out.
//!
//! One look at each row. What repeats within an hour is a look-up and a count; what is new in the hour
//! is judged by habits that stand still until the hour ends, so that the order within an hour matters
//! little: only for what follows what, for what is told before the hour ends, and where there was no
//! room. At its end the hour is judged as a whole and then learned.

mod close;
mod judge;
mod teach;

use crate::budget::Budget;
use crate::calibrate::Past;
use crate::canon::principal::{Class, Who};
use crate::clock::{Clock, When};
use crate::cohort::Cohorts;
use crate::expect::{Expectation, Expectations, Scope};
use crate::explain::{Opened, Side};
use crate::forgotten::Forgotten;
use crate::incident::Incidents;
use crate::novelty::fit::Fits;
use crate::person::{Group, Person};
use crate::policy::Policy;
use crate::prior::Prior;
use crate::row::Row;
use crate::settings::Settings;
use crate::symbol::{Sort, Symbol, Table};
use crate::window::Window;
use serde::{Deserialize, Serialize};

/// Whether the caller knows why a request was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It follows from another request: a controller or a node does what it was set to do.
    Cascade,
}

/// What was learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub(crate) clock: Clock,
    pub(crate) people: Table<Person>,
    pub(crate) groups: Table<Group>,
    pub(crate) cluster: Group,
    pub(crate) fits: Fits,
    pub(crate) pasts: Vec<Past>,
    pub(crate) slow: Vec<Past>,
    pub(crate) budget: Budget,
    pub(crate) incidents: Incidents,
    pub(crate) cohorts: Cohorts,
    pub(crate) expectations: Expectations,
    pub(crate) policy: Policy,
    pub(crate) forgotten: Forgotten,
    /// Acts that matter, and whether they are usual for somebody by what is known beforehand.
    pub(crate) critical: Table<bool>,
    /// What the budget deferred.
    pub(crate) digest: Vec<Opened>,
    pub(crate) digest_dropped: u64,
    pub(crate) windows: Vec<Window>,
    pub(crate) by_person: Table<u32>,
    /// What was seen in this hour, and in which window.
    pub(crate) seen: Table<u32>,
    /// Chances that were worked out in this hour.
    pub(crate) chances: Table<f64>,
    pub(crate) first_hour: u32,
    pub(crate) hours: u32,
    pub(crate) health: Health,
}

impl State {
    /// What is kept of an identity.
    pub fn person(&self, key: u64) -> Option<&Person> {
        self.people.get(&key)
    }

    /// Hours that were learned.
    pub fn hours(&self) -> u32 {
        self.hours
    }

    /// Identities with a history.
    pub fn identities(&self) -> usize {
        self.people.len()
    }
}

/// What found no room or was not looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Requests, counted as often as they came.
    pub requests: u64,
    /// Different rows of hours.
    pub rows: u64,
    /// Identities that share a history because there are too many.
    pub crowded: u64,
    /// Rows that were not judged because the hour was full.
    pub overfull: u64,
}

/// Learns what is normal and says what is not.
#[derive(Clone, Debug)]
pub struct Learner {
    pub(crate) settings: Settings,
    pub(crate) prior: Prior,
    pub(crate) state: State,
    pub(crate) out: Vec<Opened>,
}

impl Learner {
    /// One that has seen nothing.
    pub fn new(settings: Settings) -> Learner {
        Learner::with(settings, State::default())
    }

    /// One that goes on from a state.
    pub fn with(settings: Settings, state: State) -> Learner {
        let prior = if settings.prior { Prior::shipped() } else { Prior::default() };
        let mut state = state;
        if state.pasts.is_empty() {
            (state.pasts, state.slow) = close::pasts();
        }
        Learner { settings, prior, state, out: Vec::new() }
    }

    /// What was learned, to be kept.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The next row. `id` is what evidence will name it.
    pub fn observe(&mut self, row: &Row, id: u64) {
        self.observe_caused(row, id, Cause::Unknown);
    }

    /// The next row, of which the caller may know why it came.
    pub fn observe_caused(&mut self, row: &Row, id: u64, cause: Cause) {
        match self.state.clock.place(row.time) {
            When::Never => return,
            When::Next(hour) => self.go_to(hour),
            When::Now => {}
        }
        let state = &mut self.state;
        state.health.requests += u64::from(row.count.max(1));
        let key = tuple(row);
        if let Some(window) = state.seen.get(&key) {
            if (row.series.write || row.series.denied || row.series.secret)
                && let Some(window) = state.windows.get_mut(*window as usize)
            {
                window.count(row, id, false);
            }
            return;
        }
        state.health.rows += 1;
        if state.seen.len() >= self.settings.most_in_hour {
            state.health.overfull += 1;
            return;
        }
        let window = self.window_of(row);
        self.state.seen.insert(key, window);
        if let Some(window) = self.state.windows.get_mut(window as usize) {
            window.count(row, id, true);
        }
        self.judge(window as usize, row, id, cause);
    }

    /// Time has come to this hour although no request says so.
    pub fn tick(&mut self, time: trailhound_model::time::Time) {
        if self.state.clock.has_started()
            && let When::Next(hour) = self.state.clock.place(time)
        {
            self.go_to(hour);
        }
    }

    /// The log has ended: judges the hour that is open.
    pub fn finish(&mut self) {
        self.close();
    }

    /// What has become strange since the last call.
    pub fn drain(&mut self) -> Vec<Opened> {
        std::mem::take(&mut self.out)
    }

    /// What was above the bar and found no room in the budget since the last call.
    pub fn digest(&mut self) -> Vec<Opened> {
        std::mem::take(&mut self.state.digest)
    }

    /// The bar above which an hour is told.
    pub fn bar(&self) -> f64 {
        self.state.budget.bar()
    }

    /// Bar, bucket and what they did.
    pub fn budget(&self) -> &Budget {
        &self.state.budget
    }

    /// What found no room, what was not looked at.
    pub fn health(&self) -> Health {
        self.state.health
    }

    /// Time as the learner sees it, with gaps and replays.
    pub fn clock(&self) -> &Clock {
        &self.state.clock
    }

    /// Hours that were learned.
    pub fn hours(&self) -> u32 {
        self.state.hours
    }

    /// Says that what was told is fine until an hour. The number to take it back with.
    pub fn expect(
        &mut self,
        opened: &Opened,
        scope: Scope,
        owner: &str,
        why: &str,
        until: u32,
    ) -> Option<u64> {
        let counts = opened.reasons.iter().any(|one| !matches!(one.side, Side::Facet(_)));
        let one = Expectation {
            number: 0,
            scope,
            what: opened.what.clone(),
            counts,
            owner: owner.to_owned(),
            why: why.to_owned(),
            until,
        };
        self.state.expectations.add(one)
    }

    /// Says that what was told is an attack: what the identity began to do in the last week is
    /// unlearned and never learned by repetition.
    pub fn confirm(&mut self, opened: &Opened) {
        let since = self.state.clock.hour().saturating_sub(7 * 24);
        let Some(person) = self.state.people.get_mut(&opened.who.key.0) else { return };
        for (facet, context) in person.habits.all() {
            let young = context.dishes().iter().filter(|dish| dish.first >= since);
            let young: Vec<u64> = young.map(|dish| dish.symbol).collect();
            for symbol in young {
                context.remove(symbol);
                person.shadow.note(facet, symbol, true, since);
            }
        }
    }

    /// Changes of the audit policy that the log shows: hour and kinds.
    pub fn policy_changes(&self) -> &[(u32, u32)] {
        &self.state.policy.changes
    }

    /// Takes an expectation back.
    pub fn unexpect(&mut self, number: u64) -> Option<Expectation> {
        self.state.expectations.remove(number)
    }

    /// All expectations.
    pub fn expectations(&self) -> &Expectations {
        &self.state.expectations
    }

    /// The group with which an identity is compared.
    pub fn group_of(&self, who: &Who) -> Option<u64> {
        self.state.people.get(&who.key.0).map(|person| person.group)
    }

    fn go_to(&mut self, hour: u32) {
        self.close();
        self.state.clock.move_to(hour);
    }

    /// The window of the row's identity in this hour.
    fn window_of(&mut self, row: &Row) -> u32 {
        let key = self.person_key(&row.who);
        if let Some(window) = self.state.by_person.get(&key) {
            return *window;
        }
        let window = self.state.windows.len() as u32;
        self.state.windows.push(Window::new(key, row.who, row.time));
        self.state.by_person.insert(key, window);
        self.meet(key, row);
        window
    }

    /// Its key; too many identities share one.
    fn person_key(&mut self, who: &Who) -> u64 {
        let full = self.state.people.len() >= self.settings.most_people;
        if full && !self.state.people.contains_key(&who.key.0) {
            self.state.health.crowded += 1;
            return crowd(who.class);
        }
        who.key.0
    }

    fn meet(&mut self, key: u64, row: &Row) {
        let hour = self.state.clock.hour();
        if self.state.people.contains_key(&key) {
            return;
        }
        let archetype = self.prior.archetype(row);
        if self.state.people.is_empty() && self.state.hours == 0 {
            self.state.first_hour = hour;
            self.state.budget.fill(self.settings.burst);
        }
        let group = Symbol(row.who.class as u64).at(u64::from(archetype) + 1).0;
        let group = if self.settings.prior { group } else { Symbol(row.who.class as u64).at(0).0 };
        self.state.groups.entry(group).or_default().members += 1;
        self.state.cluster.members += 1;
        let who = row.who;
        let person = Person { who, group, archetype, first: hour, last: hour, ..Person::default() };
        self.state.people.insert(key, person);
    }
}

/// The key of all of a class who found no room.
fn crowd(class: Class) -> u64 {
    Symbol::of(Sort::Principal, &["crowd", class.as_str()]).0
}

/// All that makes two rows of an hour the same.
fn tuple(row: &Row) -> u64 {
    let mut key = row.who.key.with(row.at_place).with(row.agent.program).with(row.source);
    key = key.with(row.namespace);
    if let Some(object) = row.object {
        key = key.with(object);
    }
    for shape in &row.shapes {
        key = key.with(*shape);
    }
    if row.series.denied || row.series.secret {
        key = key.with(row.target);
    }
    key.0
}
