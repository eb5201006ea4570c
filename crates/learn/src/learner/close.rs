//! The end of an hour: its windows are judged as a whole.

use super::Learner;
use crate::budget::Verdict;
use crate::calibrate::Past;
use crate::canon::principal::Class;
use crate::clock::start_of;
use crate::drift;
use crate::explain::{Opened, Rarity, Reason, Side};
use crate::fuse;
use crate::novelty::Facet;
use crate::novelty::context::At;
use crate::person::Person;
use crate::rate::Count;
use crate::symbol::Symbol;
use crate::window::{Mark, Window};

/// So seldom an hour is that it teaches nothing at once.
const STRANGE: f64 = 1e-3;
/// Before so many hours nothing is known well enough to call an hour strange.
const YOUNG: u64 = 500;
/// An identity is new for so many hours after its first one.
const NEW: u32 = 24;
/// What a change of role is called among what a cohort does.
const SHIFT: u8 = 0xff;
/// Reasons that are kept.
const REASONS: usize = 5;
/// Oddity that every hour is allowed, in nats.
const ALLOWED: f64 = 2.0;

impl Learner {
    /// Judges and learns the hour that is open.
    pub(super) fn close(&mut self) {
        let mut windows = std::mem::take(&mut self.state.windows);
        if windows.is_empty() {
            return;
        }
        windows.sort_by_key(|window| window.key);
        let hour = self.state.clock.hour();
        self.state.policy.judge(windows.len(), hour, self.state.hours);
        let mut highest: f64 = 0.0;
        let mut strange = Vec::with_capacity(windows.len());
        for window in &mut windows {
            let (news, is_strange) = self.close_window(window, hour);
            let shift = self.shift(window.key, window.who.class, hour);
            highest = highest.max(news).max(shift);
            strange.push(is_strange);
        }
        for (window, strange) in windows.iter_mut().zip(strange) {
            self.teach(window, strange, hour);
        }
        self.state.budget.close(highest, hour, self.settings.budget, self.settings.burst);
        self.state.by_person.clear();
        self.state.seen.clear();
        self.state.chances.clear();
        self.state.hours += 1;
        self.settle(&windows, hour);
    }

    /// Judges a window: the score of what is news in it, and whether it is strange.
    fn close_window(&mut self, window: &mut Window, hour: u32) -> (f64, bool) {
        self.count_marks(window, hour);
        self.excuse(window, hour);
        window.sort();
        let (score, raised) = window.score();
        let (key, class) = (window.key, window.who.class);
        let (chance, comparable) = self.comparable(key, class, score);
        let lot = Symbol(key).at(u64::from(hour)).0;
        let slow = self.add_up(key, class, chance, hour, lot);
        let shown = comparable.max(slow) >= self.settings.floor;
        let opened = shown.then(|| self.opened(window, chance, comparable));
        let past = self.past_index(key, class);
        if let Some(past) = self.state.pasts.get_mut(past) {
            // What is strange itself must not say what is strange: it counts, but not as high as it is.
            let known = chance >= STRANGE || past.windows < YOUNG;
            let score = if known { score } else { score.min(past.quantile(3.0 * STRANGE)) };
            past.push(score, hour, lot);
        }
        let Some(opened) = opened else { return (0.0, false) };
        let mut opened = opened;
        if slow > comparable {
            opened.score = slow;
            opened.reasons.insert(0, plain_reason(Side::Slow));
        }
        opened.raised = raised;
        let news = self.enter(opened, hour);
        (news, chance < STRANGE)
    }

    /// Puts a window into its incident and asks the budget.
    fn enter(&mut self, mut opened: Opened, hour: u32) -> f64 {
        let bar = self.state.budget.bar();
        let link = opened.link();
        let open = self.state.incidents.of(link, hour).copied();
        if opened.score < bar && open.is_none() {
            let score = opened.score;
            self.out.push(opened);
            return score;
        }
        let (incident, is_first) = self.state.incidents.add(link, hour, opened.score);
        let before = incident.verdict;
        if opened.score >= bar && before != Verdict::Told {
            incident.verdict = self.state.budget.ask(opened.score);
        }
        let was_told = open.is_some_and(|one| one.verdict == Verdict::Told);
        opened.incident = incident.number;
        opened.is_first = is_first;
        opened.verdict = incident.verdict;
        let news = if was_told { 0.0 } else { opened.score };
        if opened.verdict == Verdict::Deferred && before == Verdict::Below {
            self.defer(&opened);
        }
        self.out.push(opened);
        news
    }

    /// Keeps what found no room in the budget.
    pub(super) fn defer(&mut self, opened: &Opened) {
        const MOST: usize = 500;
        if self.state.digest.len() >= MOST {
            self.state.digest_dropped += 1;
            return;
        }
        self.state.digest.push(opened.clone());
    }

    /// Once a day: whether the identity does something else than it used to; the score of that.
    fn shift(&mut self, key: u64, class: Class, hour: u32) -> f64 {
        let due = (key ^ u64::from(hour)).is_multiple_of(24) && self.settings.drift;
        let Some(person) = self.state.people.get(&key).filter(|_| due) else { return 0.0 };
        let old = person.shifted > 0 && hour.saturating_sub(person.shifted) < drift::ONCE;
        if old || person.hours < drift::ROLE || class == Class::Human {
            return 0.0;
        }
        let context = person.habits.of(Facet::Action);
        let moved = context.map_or(0.0, |context| drift::divergence(context, At::new(hour, class)));
        if moved < drift::SHIFTED {
            return 0.0;
        }
        let (group, window) = (person.group, Window::new(key, person.who, start_of(hour)));
        self.state.cohorts.note(group, SHIFT, 0, key, hour);
        let score = 10.0 * moved;
        if self.state.cohorts.size(group, SHIFT, 0, hour).is_none() {
            let mut opened = self.opened(&window, 1.0, score);
            opened.reasons.insert(0, plain_reason(Side::Shift));
            self.enter(opened, hour);
        }
        if let Some(person) = self.state.people.get_mut(&key) {
            person.shifted = hour;
        }
        score
    }

    /// Counts that are too high become marks.
    fn count_marks(&mut self, window: &mut Window, hour: u32) {
        let Some(person) = self.state.people.get(&window.key) else { return };
        let Some(group) = self.state.groups.get(&person.group) else { return };
        let fine = self.state.expectations.has_counts(window.key, person.group, hour);
        if !self.settings.rates || fine {
            return;
        }
        // How much controllers write is decided by others.
        let chooses = |count: &Count| *count != Count::Writes || window.who.class != Class::System;
        let counts: Vec<Count> = Count::ALL.into_iter().filter(chooses).collect();
        for count in counts {
            let seen = window.counts.get(count as usize).copied().unwrap_or(0);
            let Some(chance) = person.rates.chance(count, seen, &group.rates) else { continue };
            let weight = match (self.settings.weights, count.is_critical()) {
                (true, true) => 1.2,
                (true, false) => 0.6,
                (false, _) => 1.0,
            };
            let score = weight * fuse::fisher(-libm::log(chance.max(1e-12)), 2);
            if score < crate::window::LEAST {
                continue;
            }
            let shown: Vec<_> = window.shown(count).collect();
            for (place, (time, id)) in shown.into_iter().enumerate() {
                // Only one of them counts; the others are evidence.
                let score = score - place as f64 * 1e-6;
                window.mark(Mark {
                    score,
                    time,
                    id,
                    action: count as u64 + 1,
                    critical: count.is_critical(),
                    weight: fuse::Weight::default(),
                    chances: fuse::Chances::new(),
                    count: Some((count, seen, chance)),
                });
            }
        }
    }

    /// What many alike have begun to do counts less, unless it matters.
    fn excuse(&self, window: &mut Window, hour: u32) {
        let Some(person) = self.state.people.get(&window.key) else { return };
        let (cohorts, policy) = (&self.state.cohorts, &self.state.policy);
        for mark in window.marks.iter_mut().filter(|mark| mark.count.is_none()) {
            let mut factor: f64 = 1.0;
            for (facet, symbol, chance) in &mut mark.chances {
                let size = cohorts.size(person.group, *facet as u8, *symbol, hour);
                let may = self.settings.cohorts && !mark.critical && *chance < 0.2;
                let by = match size.filter(|_| may) {
                    _ if policy.excuses(*facet as u8, *symbol, hour) => 1e12,
                    Some(size) => f64::from(size) * f64::from(size),
                    None => 1.0,
                };
                *chance = (*chance * by).min(1.0);
                factor = factor.max(by);
            }
            let changed = factor > 1.0;
            // What is made of excused parts is excused with them.
            let whole = |facet: Facet| matches!(facet, Facet::Whole | Facet::Pair);
            for one in mark.chances.iter_mut().filter(|one| changed && whole(one.0)) {
                one.2 = (one.2 * factor).min(1.0);
            }
            if changed {
                mark.score = fuse::score(&mark.chances, mark.weight);
            }
        }
    }

    /// Chance of a score among such identities, and the score that is comparable between them.
    pub(super) fn comparable(&self, key: u64, class: Class, score: f64) -> (f64, f64) {
        let guess = libm::exp(-score / 2.0);
        let past = self.state.pasts.get(self.past_index(key, class));
        let chance = past.map_or(guess, |past| past.chance(score));
        if !self.settings.calibration {
            return (chance, score);
        }
        (chance, 0.8 * score - 0.2 * libm::log(chance))
    }

    /// The past of its class; who is new has one of his own.
    fn past_index(&self, key: u64, class: Class) -> usize {
        let hour = self.state.clock.hour();
        let first = self.state.people.get(&key).map_or(hour, |person| person.first);
        2 * class as usize + usize::from(hour.saturating_sub(first) < NEW)
    }

    /// Little by little: small oddities of days add up and fade. Its score if that is strange.
    fn add_up(&mut self, key: u64, class: Class, chance: f64, hour: u32, lot: u64) -> f64 {
        let Some(person) = self.state.people.get_mut(&key) else { return 0.0 };
        let pause = f64::from(hour.saturating_sub(person.last).max(1));
        let kept = libm::pow(0.9, pause / 24.0);
        // One hour alone is told by itself; here it may only add a little.
        let odd = (-libm::log(chance)).min(6.0);
        person.slow = (person.slow * kept + odd - ALLOWED).max(0.0);
        let value = person.slow;
        let Some(past) = self.state.slow.get_mut(class as usize) else { return 0.0 };
        let chance = past.chance(value);
        past.push(value, hour, lot);
        // Only an hour that adds to it, and after that it begins from half.
        let ready = self.settings.slow && past.windows > 1000 && value > 12.0 && odd > ALLOWED;
        if !ready {
            return 0.0;
        }
        if let Some(person) = self.state.people.get_mut(&key) {
            person.slow *= 0.5;
        }
        0.5 * (0.25 * value.min(20.0) - 0.5 * libm::log(chance))
    }

    /// The window as it is told.
    pub(super) fn opened(&self, window: &Window, chance: f64, score: f64) -> Opened {
        let hour = self.state.clock.hour();
        let person = self.state.people.get(&window.key);
        let peak = window.marks.first().map_or((0.0, window.from), |mark| {
            (self.comparable(window.key, window.who.class, mark.score).1, mark.time)
        });
        let past = self.state.pasts.get(self.past_index(window.key, window.who.class));
        let raw = window.score().0;
        Opened {
            who: window.who,
            incident: 0,
            is_first: false,
            verdict: Verdict::Below,
            early: false,
            from: start_of(hour),
            to: start_of(hour + 1),
            raised: window.from,
            score,
            peak,
            chance,
            critical: window.marks.iter().any(|mark| mark.critical),
            evidence: window.marks.iter().map(|mark| mark.id).collect(),
            reasons: self.reasons(window, person),
            what: unusual(window),
            history: person.map_or((0, hour), |person| (person.hours, person.first)),
            as_strange: past.map_or((0, 0), |past| (past.as_high(raw), past.windows)),
        }
    }

    fn reasons(&self, window: &Window, person: Option<&Person>) -> Vec<Reason> {
        let mut all: Vec<Reason> = Vec::new();
        for mark in window.marks.iter().take(6) {
            if let Some((count, seen, chance)) = mark.count {
                add_reason(&mut all, count_reason(count, seen, chance, person));
            }
            let chance_of = |facet: Facet| {
                let side = mark.chances.iter().find(|one| one.0 == facet);
                side.map_or(1.0, |one| one.2)
            };
            // Both say what was done; the one that says more speaks.
            let only_place = chance_of(Facet::Place) < 0.5 * chance_of(Facet::Action);
            let silent = if only_place { Facet::Action } else { Facet::Place };
            for (facet, symbol, chance) in &mark.chances {
                if *chance < 0.05 && *facet != silent {
                    add_reason(&mut all, self.reason(*facet, *symbol, *chance, window, person));
                }
            }
        }
        all.sort_by(|a, b| b.surprise.total_cmp(&a.surprise).then(a.observed.cmp(&b.observed)));
        all.truncate(REASONS);
        all
    }

    fn reason(
        &self,
        facet: Facet,
        symbol: u64,
        chance: f64,
        window: &Window,
        person: Option<&Person>,
    ) -> Reason {
        if facet == Facet::Identity {
            return Reason {
                surprise: -0.7 * libm::log(chance),
                ..plain_reason(Side::Facet(facet))
            };
        }
        let standing = self.levels(person, window.who.class).standing(facet, symbol, 0.5);
        let group = person.and_then(|person| self.state.groups.get(&person.group));
        let active = person.map_or(0, |person| person.hours);
        let others = |members: u32| members.saturating_sub(1);
        Reason {
            side: Side::Facet(facet),
            observed: symbol,
            surprise: -libm::log(chance) * fuse::group(facet).1,
            usual: person.map_or_else(Vec::new, |person| usual(person, facet)),
            own: standing.own.hours,
            since: standing.own.span.0,
            peers: (standing.peers.hours, others(group.map_or(0, |group| group.members))),
            cluster: (standing.cluster.hours, others(self.state.cluster.members)),
            rarity: Rarity::of(standing.own.hours, active),
        }
    }
}

/// Every unusual side of the strange requests.
fn unusual(window: &Window) -> Vec<(Facet, u64)> {
    let sides = window.marks.iter().flat_map(|mark| &mark.chances);
    let mut all: Vec<(Facet, u64)> =
        sides.filter(|one| one.2 < 0.2).map(|one| (one.0, one.1)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The three most usual things, where they have words.
fn usual(person: &Person, facet: Facet) -> Vec<(u64, u32)> {
    if matches!(facet, Facet::Pair | Facet::Whole) { Vec::new() } else { person.usual(facet, 3) }
}

fn add_reason(all: &mut Vec<Reason>, reason: Reason) {
    let same = |other: &Reason| other.side == reason.side && other.observed == reason.observed;
    if !all.iter().any(same) {
        all.push(reason);
    }
}

fn count_reason(count: Count, seen: u32, chance: f64, person: Option<&Person>) -> Reason {
    let most = person.map_or(0, |person| person.rates.most(count));
    Reason {
        side: Side::Count(count),
        observed: u64::from(seen),
        surprise: -libm::log(chance.max(1e-12)),
        usual: vec![(0, most)],
        own: 0,
        since: 0,
        peers: (0, 0),
        cluster: (0, 0),
        rarity: Rarity::Unseen,
    }
}

fn plain_reason(side: Side) -> Reason {
    Reason {
        side,
        observed: 0,
        surprise: 0.0,
        usual: Vec::new(),
        own: 0,
        since: 0,
        peers: (0, 0),
        cluster: (0, 0),
        rarity: Rarity::Unseen,
    }
}

/// Pasts of all classes: of those who are known, and of those who are new.
pub(super) fn pasts() -> (Vec<Past>, Vec<Past>) {
    (vec![Past::default(); 2 * Class::ALL.len()], vec![Past::default(); Class::ALL.len()])
}
