//! Judging a row that is new in its hour.

use super::{Cause, Learner};
use crate::canon::principal::Class;
use crate::drift;
use crate::explain::Opened;
use crate::fuse::{self, Chances, Weight};
use crate::novelty::context::At;
use crate::novelty::{Facet, Level, Levels};
use crate::person::{Group, Person};
use crate::row::Row;
use crate::symbol::Symbol;
use crate::window::{LEAST, Lesson, Mark};
use smallvec::SmallVec;

/// How much of its score is left to what follows from another request.
const CASCADE: f64 = 0.3;
/// The same if it matters.
const CRITICAL_CASCADE: f64 = 0.6;

impl Learner {
    /// Judges a row and keeps what is strange about it.
    pub(super) fn judge(&mut self, window: usize, row: &Row, id: u64, cause: Cause) {
        let Some(at) = self.state.windows.get(window) else { return };
        let (key, last) = (at.key, at.last_action);
        let sides = sides(row, last, self.state.clock.hour(), self);
        let mut chances = Chances::new();
        for (facet, symbol) in sides {
            let chance = self.chance(window, key, facet, symbol, row, id);
            chances.push((facet, symbol, chance));
        }
        if let Some(chance) = self.newcomer(key) {
            chances.push((Facet::Identity, key, chance));
        }
        let weight = Weight::of(row, self.settings.weights);
        let critical = row.critical && !row.failed;
        let mut score = fuse::score(&chances, weight);
        if cause == Cause::Cascade {
            score *= if critical { CRITICAL_CASCADE } else { CASCADE };
        }
        let Some(at) = self.state.windows.get_mut(window) else { return };
        at.last_action = row.action.0;
        if score < LEAST {
            return;
        }
        let (time, action) = (row.time, row.action.0);
        at.mark(Mark { score, time, id, action, critical, weight, chances, count: None });
        if critical {
            // Of the rest only the whole hour says whether many do it.
            self.tell_early(window, score);
        }
    }

    /// How likely it is that somebody new appears, if he is new in this hour.
    fn newcomer(&mut self, key: u64) -> Option<f64> {
        let (state, hour) = (&self.state, self.state.clock.hour());
        let person = state.people.get(&key)?;
        if person.first != hour || !self.settings.newcomers {
            return None;
        }
        let face = Symbol(key).at(Facet::Identity as u64 + 1).0;
        if let Some(known) = state.chances.get(&face) {
            return Some(*known);
        }
        let context = state.groups.get(&person.group)?.habits.of(Facet::Identity)?;
        let class = person.class();
        let fit = state.fits.of(Facet::Identity, Level::Peers, class);
        let chance = context.look(key, At::new(hour, class), fit, (0.0, 0.0)).new;
        self.state.chances.insert(face, chance);
        Some(chance)
    }

    /// Chance of something as unusual on one side; worked out once per hour.
    fn chance(
        &mut self,
        window: usize,
        key: u64,
        facet: Facet,
        symbol: u64,
        row: &Row,
        id: u64,
    ) -> f64 {
        let critical = row.critical && !row.failed && matches!(facet, Facet::Action | Facet::Place);
        let face = Symbol(key).at(facet as u64 + 1).with(Symbol(symbol)).0;
        if let Some(known) = self.state.chances.get(&face) {
            return *known;
        }
        let (chance, new, first) = self.judged(key, facet, symbol, row, critical);
        self.state.chances.insert(face, chance);
        let hour = self.state.clock.hour();
        let group = self.state.people.get(&key).map_or(0, |person| person.group);
        if new && self.settings.cohorts {
            self.state.cohorts.note(group, facet as u8, symbol, key, hour);
        }
        if first && matches!(facet, Facet::Action | Facet::Place) {
            self.state.policy.note(facet as u8, symbol, key);
        }
        if critical {
            self.note_critical(symbol, row);
        }
        let expected = new && self.state.expectations.has(key, group, facet, symbol, hour);
        if let Some(window) = self.state.windows.get_mut(window).filter(|_| !expected) {
            // What is only expected is not learned: it can be taken back.
            let lesson = Lesson {
                facet,
                symbol,
                chance: chance as f32,
                new,
                first,
                critical: row.critical && !row.failed,
            };
            window.lessons.push(lesson);
            if facet == Facet::Namespace {
                window.add(crate::rate::Count::Namespaces, 1, row.time, id);
            }
        }
        chance
    }

    fn judged(
        &self,
        key: u64,
        facet: Facet,
        symbol: u64,
        row: &Row,
        critical: bool,
    ) -> (f64, bool, bool) {
        let state = &self.state;
        let person = state.people.get(&key);
        let group = person.map_or(0, |person| person.group);
        let hour = state.clock.hour();
        let base = self.base(person, facet, symbol, row);
        let levels = self.levels(person, row.who.class);
        let own = levels.own_look(facet, symbol);
        let expected = state.expectations.has(key, group, facet, symbol, hour);
        if own.known.is_some() && (!critical || expected) {
            // Its own habit decides; nobody else needs to be asked.
            return (if expected { 1.0 } else { own.chance(0.0).max(1e-12) }, false, false);
        }
        let standing = levels.standing(facet, symbol, base);
        let new = own.known.is_none();
        let first = new && standing.cluster.known.is_none();
        let mut standing = standing;
        if first && facet == Facet::Namespace {
            // A namespace that is new to all is somebody's new namespace and no step into another's.
            (standing.peers.new, standing.cluster.new) = (1.0, 1.0);
        }
        if expected {
            return (1.0, new, first);
        }
        let chance = if critical { standing.sober() } else { standing.chance() };
        let Some(person) = person.filter(|_| new) else { return (chance, new, first) };
        let mut chance = person.shadow.softened(facet, symbol, chance, hour);
        // Whoever mistypes or is refused what he may do elsewhere makes a mistake and no discovery.
        let done = matches!(facet, Facet::Action | Facet::Place | Facet::Pair | Facet::Whole);
        let knows = |row: &Row| levels.own_look(Facet::Action, row.granted.0).known.is_some();
        if done && row.granted != row.action && knows(row) {
            chance = libm::pow(chance, if row.failed { 0.4 } else { 0.6 });
        }
        let shifted = person.shifted > 0 && hour.saturating_sub(person.shifted) < drift::FRESH;
        if !row.critical && (shifted || state.forgotten.has(key, facet as u8, symbol)) {
            chance = libm::pow(chance, drift::SOFTER);
        }
        (chance, new, first)
    }

    /// Remembers which acts matter, for the review.
    fn note_critical(&mut self, symbol: u64, row: &Row) {
        const MOST: usize = 20_000;
        if self.state.critical.len() < MOST && !self.state.critical.contains_key(&symbol) {
            let usual = self.prior.is_usual(row);
            self.state.critical.insert(symbol, usual);
        }
    }

    fn base(&self, person: Option<&Person>, facet: Facet, symbol: u64, row: &Row) -> f64 {
        if !self.settings.prior {
            return 0.5;
        }
        let archetype = person.map_or_else(|| self.prior.archetype(row), |one| one.archetype);
        self.prior.chance(archetype, facet, symbol, row)
    }

    /// The levels of a person as the settings allow.
    pub(crate) fn levels<'a>(&'a self, person: Option<&'a Person>, class: Class) -> Levels<'a> {
        let state = &self.state;
        let group = person.and_then(|person| state.groups.get(&person.group));
        Levels {
            own: person.map(|person| &person.habits),
            peers: group.filter(|_| self.settings.peers).map(|group: &Group| &group.habits),
            cluster: self.settings.cluster.then_some(&state.cluster.habits),
            fits: &state.fits,
            class,
            hour: state.clock.hour(),
        }
    }

    /// Tells at once what alone is above the bar.
    fn tell_early(&mut self, window: usize, score: f64) {
        let Some(at) = self.state.windows.get(window) else { return };
        if at.told || score < self.state.budget.bar() * 0.5 {
            return;
        }
        let (key, who) = (at.key, at.who);
        let (chance, comparable) = self.comparable(key, who.class, score);
        let hour = self.state.clock.hour();
        let open = self.state.incidents.of(who.real.0, hour);
        let is_open = open.is_some_and(|one| one.verdict != crate::budget::Verdict::Below);
        if comparable < self.state.budget.bar() || is_open {
            return;
        }
        let (incident, is_first) = self.state.incidents.add(who.real.0, hour, comparable);
        let verdict = self.state.budget.ask(comparable);
        incident.verdict = verdict;
        let number = incident.number;
        let Some(at) = self.state.windows.get_mut(window) else { return };
        at.told = true;
        at.sort();
        let at = at.clone();
        let mut opened = self.opened(&at, chance, comparable);
        opened.raised = opened.peak.1;
        let told = Opened { incident: number, is_first, verdict, early: true, ..opened };
        if verdict == crate::budget::Verdict::Deferred {
            self.defer(&told);
        }
        self.out.push(told);
    }
}

type Sides = SmallVec<[(Facet, u64); 12]>;

/// The sides of a row that are looked at.
fn sides(row: &Row, last: u64, hour: u32, learner: &Learner) -> Sides {
    let on = &learner.settings;
    let by_people = matches!(row.who.class, Class::Human | Class::Ci);
    let mut all = Sides::new();
    all.push((Facet::Action, row.action.0));
    all.push((Facet::Place, row.at_place.0));
    if on.programs {
        all.push((Facet::Program, row.agent.program.0));
    }
    if on.sources {
        all.push((Facet::Source, row.source.0));
    }
    // Which objects a node reads and a controller fills is decided by whoever made the pods.
    let chooses = !matches!(row.who.class, Class::Node | Class::System);
    if on.wholes {
        let whole = row.at_place.with(row.agent.program).with(row.source);
        all.push((Facet::Whole, whole.0));
    }
    if on.namespaces && chooses && row.namespace.0 != 0 {
        all.push((Facet::Namespace, row.namespace.0));
    }
    if let Some(object) = row.object.filter(|_| on.objects && chooses) {
        all.push((Facet::Object, object.0));
    }
    if on.hours && row.who.class == Class::Human {
        all.push((Facet::Hour, hour_of_week(hour)));
    }
    if on.pairs && by_people && last != 0 && last != row.action.0 {
        all.push((Facet::Pair, Symbol(last).with(row.action).0));
    }
    if on.shapes {
        all.extend(row.shapes.iter().take(4).map(|shape| (Facet::Shape, shape.0)));
    }
    all
}

/// One of six stretches of a day, of workdays and of weekends: finer ones take months to learn. 1970
/// began on a Thursday.
fn hour_of_week(hour: u32) -> u64 {
    let weekend = (hour / 24 + 3) % 7 >= 5;
    u64::from(hour % 24 / 4 + 6 * u32::from(weekend)) + 1
}
