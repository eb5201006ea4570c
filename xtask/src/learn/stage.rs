//! What is played in a cluster beside its ordinary life: the attacks of the race, and the plays in
//! which an attacker works against the learner itself.
//!
//! Ordinary life knows nothing of it. Stories played here have numbers that are never those of
//! ordinary life's own stories.

use super::{run::Set, source::Source};
use std::collections::BTreeMap;
use trailhound_generate::life::attack::{Order, Plan};
use trailhound_generate::life::script::{
    Amounts, Hours, Scope, Script, cohort_mimic, flood, frog_boil,
};
use trailhound_generate::life::{Deed, Kind, Stealth, Story, World, split};
use trailhound_generate::{DAY, HOUR, Moment, Profile};

/// Stories that are played have numbers from here on.
const FIRST_STORY: u32 = 1_000_000;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Suite {
    /// Attacks of all families, after a day
    Race,
    /// Attacks within the first 24 hours
    FirstDay,
    /// An identity that is misused from the first hour on
    Poison,
    /// Somebody who goes one small step further every week
    FrogBoil,
    /// The same with three identities of a kind
    Cohort,
    /// A hundred thousand identities that nobody knows, and the race after them
    Flood,
}

impl Suite {
    /// All of them.
    pub(crate) const ALL: [Suite; 6] =
        [Suite::Race, Suite::FirstDay, Suite::Poison, Suite::FrogBoil, Suite::Cohort, Suite::Flood];

    /// Its name in files and tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Suite::Race => "race",
            Suite::FirstDay => "first-day",
            Suite::Poison => "poison",
            Suite::FrogBoil => "frog-boil",
            Suite::Cohort => "cohort",
            Suite::Flood => "flood",
        }
    }

    /// Days that it takes.
    pub(crate) fn days(self) -> f64 {
        match self {
            Suite::Race => 28.0,
            Suite::FirstDay => 1.25,
            Suite::Poison => 14.0,
            Suite::FrogBoil => 50.0,
            Suite::Cohort | Suite::Flood => 21.0,
        }
    }

    fn amounts(self) -> usize {
        match self {
            Suite::Race => 24,
            Suite::FirstDay => 4,
            Suite::Flood => 8,
            Suite::Poison | Suite::FrogBoil | Suite::Cohort => 0,
        }
    }
}

/// Identities of the flood.
const FLOOD: usize = 100_000;
/// The goal of the frog that is boiled: its last step.
pub(crate) const GOAL: i64 = 42 * DAY;

type Planner = fn(&World, &Order, u64) -> Option<Plan>;
type Deeds = Box<dyn Iterator<Item = Deed>>;

/// A cluster with a play.
pub(crate) struct Stage {
    ordinary: Box<dyn Source>,
    /// The next deed of ordinary life. Once it is known, the world is that of its hour.
    next: Option<Deed>,
    script: Option<Script>,
    /// Plays that are no families, by when they begin.
    special: Vec<(Moment, Planner)>,
    flood: Option<(Deed, Deeds)>,
    waiting: BTreeMap<(Moment, u64), Deed>,
    planned: u64,
    /// Up to here all is planned.
    until: Moment,
    end: Moment,
    seed: u64,
    stories: Vec<Story>,
}

impl Stage {
    /// Plays a suite in a cluster, with a script unless ordinary life has it already.
    pub(crate) fn new(
        mut ordinary: Box<dyn Source>,
        suite: Suite,
        script: Option<Script>,
        profile: &Profile,
        seed: u64,
    ) -> Stage {
        let (from, end) = (profile.start, profile.start + profile.length);
        let mut stage = Stage {
            next: ordinary.next(),
            ordinary,
            script,
            special: special(suite, from, end),
            flood: None,
            waiting: BTreeMap::new(),
            planned: 0,
            until: Moment::MIN,
            end,
            seed,
            stories: Vec::new(),
        };
        if suite == Suite::Flood {
            stage.open_flood(from + 9 * DAY + 3 * HOUR);
        }
        stage
    }

    fn open_flood(&mut self, at: Moment) {
        let number = FIRST_STORY - 1;
        let mut deeds = flood(self.seed, number, at, FLOOD);
        self.flood = deeds.next().map(|first| -> (Deed, Deeds) { (first, Box::new(deeds)) });
        self.stories.push(Story {
            number,
            kind: Kind::Attack { family: "flood", stealth: Stealth::Noisy },
            from: at,
            to: at + HOUR,
            actors: Vec::new(),
            requests: FLOOD as u32,
            tells: vec!["denials", "rate", "action", "source", "program"],
        });
    }

    /// Plans what begins until the end of an hour.
    fn plan(&mut self, until: Moment) {
        self.until = until;
        let world = self.ordinary.world();
        let mut plans = Vec::new();
        if let Some(script) = &mut self.script {
            plans.extend(script.due(world, until));
        }
        while self.special.first().is_some_and(|(at, _)| *at < until) {
            let (at, planner) = self.special.remove(0);
            let story = FIRST_STORY / 2 + self.special.len() as u32;
            let order = Order { story, stealth: Stealth::Mimic, at, victim: None };
            let seed = self.seed ^ at as u64;
            plans.extend((0..8).find_map(|again| planner(world, &order, seed ^ again)));
        }
        for plan in plans {
            self.take(plan);
        }
    }

    fn take(&mut self, plan: Plan) {
        let mut story = plan.story();
        story.number += FIRST_STORY;
        self.stories.push(story);
        for mut deed in plan.deeds {
            deed.label.story += FIRST_STORY;
            if deed.act.received < self.end {
                self.planned += 1;
                self.waiting.insert((deed.act.received, self.planned), deed);
            }
        }
    }

    fn next_of_flood(&mut self) -> Option<Deed> {
        let (deed, mut rest) = self.flood.take()?;
        self.flood = rest.next().map(|next| (next, rest));
        Some(deed)
    }
}

impl Iterator for Stage {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        let ordinary = self.next.as_ref().map(|deed| deed.act.received);
        if let Some(now) = ordinary.filter(|now| *now >= self.until) {
            self.plan((now.div_euclid(HOUR) + 1) * HOUR);
        }
        let ordinary = ordinary.unwrap_or(Moment::MAX);
        let planned = self.waiting.first_key_value().map_or(Moment::MAX, |((at, _), _)| *at);
        let flood = self.flood.as_ref().map_or(Moment::MAX, |(deed, _)| deed.act.received);
        if flood < ordinary.min(planned) {
            return self.next_of_flood();
        }
        if planned < ordinary {
            return self.waiting.pop_first().map(|(_, deed)| deed);
        }
        self.next.take().inspect(|_| self.next = self.ordinary.next())
    }
}

impl Source for Stage {
    fn world(&self) -> &World {
        self.ordinary.world()
    }

    fn stories(&self) -> Vec<Story> {
        let own = self.ordinary.stories();
        own.into_iter().chain(self.stories.iter().cloned()).collect()
    }
}

/// The attacks of a play that are of families.
pub(super) fn script(suite: Suite, set: Set, seed: u64, profile: &Profile) -> Option<Script> {
    let (from, end) = (profile.start, profile.start + profile.length);
    let set = match set {
        Set::Development => split::Set::Development,
        Set::HeldOut => split::Set::HeldOut,
    };
    let amount = suite.amounts();
    let amounts = Amounts { noisy: amount, tools: amount, mimic: amount };
    let scope = |from, to| Scope { set, amounts, from, to, hours: Hours::Any };
    match suite {
        Suite::Race => Some(Script::new(seed, &scope(from + DAY, end - DAY))),
        Suite::FirstDay => Some(Script::new(seed, &scope(from + HOUR, from + 22 * HOUR))),
        Suite::Flood => Some(Script::new(seed, &scope(from + 10 * DAY, end - DAY))),
        Suite::Poison => Some(Script::poison(seed, set, from, end)),
        Suite::FrogBoil | Suite::Cohort => None,
    }
}

/// Plays that are no families, in order of time.
fn special(suite: Suite, from: Moment, end: Moment) -> Vec<(Moment, Planner)> {
    let (planner, begin, pause): (Planner, _, _) = match suite {
        Suite::FrogBoil => (frog_boil, from + 3 * DAY, 12 * HOUR),
        Suite::Cohort => (cohort_mimic, from + 8 * DAY, 39 * HOUR),
        _ => return Vec::new(),
    };
    let last = if suite == Suite::FrogBoil { begin + 2 * DAY } else { end - DAY };
    let times = ((last - begin) / pause + 1).max(0);
    (0..times).map(|n| (begin + n * pause, planner)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::village::Village;
    use super::*;
    use std::collections::BTreeSet;

    fn played(suite: Suite, days: i64) -> (Vec<Deed>, Vec<Story>) {
        let profile = Profile { length: days * DAY, ..Village::profile() };
        let village = Box::new(Village::new(&profile, 5));
        let script = script(suite, Set::Development, 5, &profile);
        let mut stage = Stage::new(village, suite, script, &profile, 5);
        let deeds: Vec<Deed> = stage.by_ref().collect();
        (deeds, stage.stories())
    }

    #[test]
    fn a_play_is_told_in_order_of_time_and_every_story_of_it_is_known() {
        for (suite, days) in [
            (Suite::Race, 28),
            (Suite::FirstDay, 2),
            (Suite::Poison, 5),
            (Suite::FrogBoil, 50),
            (Suite::Cohort, 21),
        ] {
            let (deeds, stories) = played(suite, days);
            assert!(deeds.is_sorted_by_key(|deed| deed.act.received), "{suite:?}");
            let known: BTreeSet<u32> = stories.iter().map(|story| story.number).collect();
            assert_eq!(known.len(), stories.len(), "{suite:?}");
            let told: BTreeSet<u32> =
                deeds.iter().map(|deed| deed.label.story).filter(|story| *story > 0).collect();
            assert!(told.is_subset(&known) && !told.is_empty(), "{suite:?}");
            assert!(known.iter().all(|number| *number >= FIRST_STORY), "{suite:?}");
        }
    }

    #[test]
    fn ordinary_life_is_the_same_whatever_is_played() {
        let plain = |suite| {
            let (deeds, _) = played(suite, 3);
            deeds.into_iter().filter(|deed| deed.label.story == 0).collect::<Vec<_>>()
        };
        assert_eq!(plain(Suite::Race), plain(Suite::Poison));
    }

    #[test]
    fn a_poisoner_misuses_one_identity_from_the_first_day_on() {
        let (deeds, stories) = played(Suite::Poison, 5);
        let mut by_story: BTreeMap<u32, BTreeSet<_>> = BTreeMap::new();
        for deed in deeds.iter().filter(|deed| deed.label.story > 0 && !deed.label.cascade) {
            by_story.entry(deed.label.story).or_default().insert(&deed.act.actor.name);
        }
        let common = by_story.values().cloned().reduce(|a, b| &a & &b).unwrap();
        assert!(by_story.len() >= 4 && !common.is_empty(), "{by_story:?}");
        assert!(stories[0].from - Village::profile().start < 2 * HOUR);
    }

    #[test]
    fn a_flood_comes_one_by_one_between_what_is_usual() {
        let (deeds, stories) = played(Suite::Flood, 12);
        let flood = deeds.iter().filter(|deed| deed.label.story == FIRST_STORY - 1).count();
        assert_eq!(flood, FLOOD);
        assert!(deeds.is_sorted_by_key(|deed| deed.act.received));
        assert!(stories.iter().any(|story| story.number > FIRST_STORY));
    }
}
