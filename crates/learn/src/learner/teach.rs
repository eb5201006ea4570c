//! Learning an hour that is over.

use super::Learner;
use crate::budget::Verdict;
use crate::novelty::context::{At, Renewed};
use crate::novelty::{Facet, Level};
use crate::person::Person;
use crate::window::{Lesson, Window};

/// What is likelier is learned even in a strange hour.
const PLAIN: f32 = 0.02;
/// Hours between two sweeps of a history.
const SWEEP: u64 = 24 * 7;
/// Who was not seen for so many hours is forgotten but for what he did.
const GONE: u32 = 24 * 120;

impl Learner {
    /// Learns a window: at once, or into the shadow if it was strange.
    pub(super) fn teach(&mut self, window: &mut Window, strange: bool, hour: u32) {
        let Some(mut person) = self.state.people.remove(&window.key) else { return };
        // In an order that does not hang on the order within the hour.
        window.lessons.sort_unstable_by_key(|lesson| (lesson.facet, lesson.symbol));
        let open = self.state.incidents.of(window.who.real.0, hour);
        let told = open.is_some_and(|one| one.verdict != Verdict::Below);
        let careful = self.settings.quarantine && (strange || open.is_some());
        for lesson in &window.lessons {
            if careful && lesson.new && lesson.chance < PLAIN {
                person.shadow.note(lesson.facet, lesson.symbol, lesson.critical, hour);
            } else {
                self.learn(&mut person, lesson, hour);
            }
        }
        if told {
            person.shadow.mark_told(hour);
        }
        self.ripen(&mut person, hour);
        // A strange hour moves the usual by a bounded step.
        person.rates.push(&window.counts);
        if let Some(group) = self.state.groups.get_mut(&person.group).filter(|_| !strange) {
            group.rates.push(&window.counts);
        }
        self.attend(&person, window.key, hour);
        person.hours = person.hours.saturating_add(1);
        person.last = hour;
        for (_, context) in person.habits.all() {
            context.settle();
        }
        self.state.people.insert(window.key, person);
    }

    /// Counts the identity among its peers.
    fn attend(&mut self, person: &Person, key: u64, hour: u32) {
        let class = person.class();
        let at = At::new(hour, class);
        let group = self.state.groups.get_mut(&person.group);
        let Some(context) = group.and_then(|group| group.habits.learn(Facet::Identity)) else {
            return;
        };
        let size = context.size(at);
        let added = context.add(key, at, 8 * self.settings.most_kinds);
        self.state.fits.note((Facet::Identity, Level::Peers, class), added.hours, size);
    }

    /// What has waited long enough is learned.
    fn ripen(&mut self, person: &mut Person, hour: u32) {
        if person.shadow.is_empty() {
            return;
        }
        let group = self.state.groups.get(&person.group);
        let peers = |facet: Facet, symbol: u64| {
            let context = group.and_then(|group| group.habits.of(facet));
            context.and_then(|context| context.dish(symbol)).map_or(0, |dish| dish.hours)
        };
        for one in person.shadow.ripe(hour, peers) {
            let (facet, symbol, critical) = (one.facet, one.symbol, one.critical);
            let lesson = Lesson { facet, symbol, chance: 1.0, new: true, first: false, critical };
            self.learn(person, &lesson, hour);
        }
    }

    fn learn(&mut self, person: &mut Person, lesson: &Lesson, hour: u32) {
        let (facet, class) = (lesson.facet, person.class());
        let at = At::new(hour, class);
        let most = self.settings.most_kinds;
        let Some(context) = person.habits.learn(facet) else { return };
        let size = context.size(at);
        let added = context.add(lesson.symbol, at, most);
        self.state.fits.note((facet, Level::Own, class), added.hours, size);
        let Some(why) = added.renewed else { return };
        let state = &mut self.state;
        if let Some(group) = state.groups.get_mut(&person.group)
            && let Some(context) = group.habits.learn(facet)
        {
            let size = context.size(at);
            let added = context.seat(lesson.symbol, at, why, 8 * most);
            if why == Renewed::First {
                state.fits.note((facet, Level::Peers, class), added.hours, size);
            }
        }
        let at = At::cluster(hour);
        if let Some(context) = state.cluster.habits.learn(facet) {
            let size = context.size(at);
            let added = context.seat(lesson.symbol, at, why, 16 * most);
            if why == Renewed::First {
                state.fits.note((facet, Level::Cluster, class), added.hours, size);
            }
        }
    }

    /// Takes what was learned into use, and forgets what has faded.
    pub(super) fn settle(&mut self, windows: &[Window], hour: u32) {
        let state = &mut self.state;
        state.fits.settle();
        for group in state.groups.values_mut().chain([&mut state.cluster]) {
            for (_, context) in group.habits.all() {
                context.settle();
            }
        }
        for window in windows.iter().filter(|one| (one.key ^ u64::from(hour)).is_multiple_of(SWEEP))
        {
            let Some(person) = state.people.get_mut(&window.key) else { continue };
            let at = At::new(hour, person.class());
            let forgotten = &mut state.forgotten;
            for (facet, context) in person.habits.all() {
                context.sweep(at, |symbol| forgotten.add(window.key, facet as u8, symbol));
            }
        }
        if !hour.is_multiple_of(24) {
            return;
        }
        self.sweep_all(hour);
    }

    /// Once a day: what is over, has faded, or has gone for good.
    fn sweep_all(&mut self, hour: u32) {
        let state = &mut self.state;
        let gone = state.people.iter().filter(|(_, one)| hour.saturating_sub(one.last) > GONE);
        let mut gone: Vec<u64> = gone.map(|(key, _)| *key).collect();
        gone.sort_unstable();
        for key in gone {
            let Some(mut person) = state.people.remove(&key) else { continue };
            for (facet, context) in person.habits.all() {
                let symbols = context.dishes().iter().map(|dish| dish.symbol);
                symbols.for_each(|symbol| state.forgotten.add(key, facet as u8, symbol));
            }
        }
        for group in state.groups.values_mut().chain([&mut state.cluster]) {
            for (_, context) in group.habits.all() {
                context.sweep(At::cluster(hour), |_| {});
            }
        }
        state.incidents.sweep(hour);
        state.cohorts.sweep(hour);
        for past in state.pasts.iter_mut().chain(&mut state.slow) {
            past.sweep(hour);
        }
    }
}
