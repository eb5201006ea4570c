//! What looks wrong in what was learned.
//!
//! Whoever was there from the first hour is part of the baseline, so novelty never finds him. But what
//! he does is done by few of his kind. The list ranks every identity and every act of it that matters
//! by how little support it has among all others.

use crate::canon::principal::Who;
use crate::explain::Rarity;
use crate::learner::Learner;
use crate::novelty::context::Context;
use crate::novelty::{Facet, Levels};
use crate::person::Person;
use crate::symbol::{Symbol, Words};
use serde::{Deserialize, Serialize};

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// Who.
    pub who: Who,
    /// What, with its place.
    pub what: u64,
    /// Hours in which it did it, of hours active.
    pub hours: (u32, u32),
    /// First hour.
    pub since: u32,
    /// Peers that do it, of how many.
    pub peers: (u32, u32),
    /// Identities of the cluster that do it, of how many.
    pub cluster: (u32, u32),
    /// It waits in quarantine and was not learned.
    pub waits: bool,
    /// Its rank: more is more doubtful.
    pub doubt: f64,
}

impl Doubt {
    /// In words.
    pub fn text(&self, words: &Words) -> String {
        let name = words.text(self.who.key);
        let what = words.text(Symbol(self.what));
        let (hours, active) = self.hours;
        let state = if self.waits { "not learned" } else { "learned" };
        format!(
            "{name}: {what}, in {hours} of {active} active hours ({}, {state}); {} of {} similar \
             identities and {} of {} in the cluster do it",
            Rarity::of(hours, active).as_str(),
            self.peers.0,
            self.peers.1,
            self.cluster.0,
            self.cluster.1
        )
    }
}

/// Doubts that are listed at most.
const MOST: usize = 1000;

impl Learner {
    /// What looks wrong in what was learned, the most doubtful first.
    pub fn review(&self) -> Vec<Doubt> {
        let mut keys: Vec<u64> = self.state.people.keys().copied().collect();
        keys.sort_unstable();
        let mut all = Vec::new();
        for person in keys.iter().filter_map(|key| self.state.people.get(key)) {
            self.doubts_of(person, &mut all);
        }
        let place = |doubt: &Doubt| (doubt.who.key, doubt.what);
        all.sort_by(|a, b| b.doubt.total_cmp(&a.doubt).then_with(|| place(a).cmp(&place(b))));
        all.truncate(MOST);
        all
    }

    fn doubts_of(&self, person: &Person, all: &mut Vec<Doubt>) {
        let levels = self.levels(Some(person), person.class());
        let tools =
            oddest(&levels, person, Facet::Program) + oddest(&levels, person, Facet::Source);
        let dishes = person.habits.of(Facet::Place).map(Context::dishes);
        let learned = dishes
            .unwrap_or_default()
            .iter()
            .map(|dish| (dish.symbol, dish.hours, dish.first, false));
        let waiting = person.shadow.all().iter().filter(|one| one.facet == Facet::Place);
        let waiting = waiting.map(|one| (one.symbol, one.hours, one.first, true));
        for (symbol, hours, since, waits) in learned.chain(waiting) {
            let Some(usual) = self.state.critical.get(&symbol).copied() else { continue };
            let base = if usual { 0.5 } else { 0.03 };
            let standing = levels.standing(Facet::Place, symbol, base);
            let group = self.state.groups.get(&person.group).map_or(0, |group| group.members);
            let others = |members: u32| members.saturating_sub(1);
            all.push(Doubt {
                who: person.who,
                what: symbol,
                hours: (hours, person.hours),
                since,
                peers: (standing.peers.hours, others(group)),
                cluster: (standing.cluster.hours, others(self.state.cluster.members)),
                waits,
                doubt: 0.3 * tools - libm::log(standing.beyond()),
            });
        }
    }
}

/// How odd the oddest of a side is among others, in nats.
fn oddest(levels: &Levels<'_>, person: &Person, facet: Facet) -> f64 {
    let Some(context) = person.habits.of(facet) else { return 0.0 };
    let odd = |symbol: u64| -libm::log(levels.standing(facet, symbol, 0.3).beyond());
    context.dishes().iter().map(|dish| odd(dish.symbol)).fold(0.0, f64::max)
}
