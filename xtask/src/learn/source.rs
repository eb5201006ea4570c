//! Where deeds come from: invented clusters by name, with what is played in them and the truth at the
//! end.

use super::{
    run::Set,
    stage::{Stage, Suite, script},
    village::Village,
};
use crate::error::{Error, Result};
use trailhound_generate::life::ordinary::profile::{DEVELOPMENT, HELD_OUT};
use trailhound_generate::life::{Deed, Life, LifeProfile, Story, World};
use trailhound_generate::{DAY, Generator, Profile};

/// A cluster that lives.
pub(crate) trait Source: Iterator<Item = Deed> {
    /// What there is now.
    fn world(&self) -> &World;
    /// All stories; complete once the last deed was given.
    fn stories(&self) -> Vec<Story>;
}

/// A cluster to come: what is needed to make it, which can be sent to a thread.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    /// Its log.
    pub(crate) profile: Profile,
    /// Seed.
    pub(crate) seed: u64,
    /// Who lives in it.
    pub(crate) people: People,
    /// What is played, with families of which set.
    pub(crate) play: Option<(Suite, Set)>,
}

/// Who lives in a cluster.
#[derive(Clone, Debug)]
pub(crate) enum People {
    /// Those of an invented cluster, with all that is usual and odd in weeks.
    Life(Box<LifeProfile>),
    /// Those of the generator that is true to the second.
    Single,
    /// The same few things every day, to try the harness.
    Village,
}

impl Cluster {
    /// Names of the profiles of a set.
    pub(crate) fn profiles(set: Set) -> impl Iterator<Item = &'static str> {
        let all: &[&str] = match set {
            Set::Development => &DEVELOPMENT,
            Set::HeldOut => &HELD_OUT,
        };
        all.iter().copied()
    }

    /// A cluster by its profile's name, with attacks of a set.
    pub(crate) fn named(
        name: &str,
        seed: u64,
        days: f64,
        play: Option<(Suite, Set)>,
    ) -> Result<Cluster> {
        let length = (days.max(0.0) * DAY as f64) as i64;
        if let Some(life) = LifeProfile::named(name) {
            let days = days.max(0.0).ceil() as i64;
            let (start, level) = (life.start, life.level);
            let profile = Profile { name: life.name, start, length, level, ..Profile::small() };
            let people = People::Life(Box::new(LifeProfile { days, ..life }));
            return Ok(Cluster { profile, seed, people, play });
        }
        if name == "village" {
            let profile = Profile { length, ..Village::profile() };
            return Ok(Cluster { profile, seed, people: People::Village, play });
        }
        let profile = Profile::named(name).ok_or_else(|| {
            let known = Profile::NAMES.join(", ");
            let lives: Vec<&str> = LifeProfile::all().map(|life| life.name).collect();
            let lives = lives.join(", ");
            Error::Other(format!(
                "there is no profile `{name}`; there are {lives}, village, {known}"
            ))
        })?;
        Ok(Cluster { profile: Profile { length, ..profile }, seed, people: People::Single, play })
    }

    /// Starts it.
    pub(crate) fn start(&self) -> Box<dyn Source> {
        let (profile, seed) = (&self.profile, self.seed);
        let mut script = self.play.and_then(|(suite, set)| script(suite, set, seed, profile));
        let ordinary: Box<dyn Source> = match &self.people {
            People::Life(life) => {
                // Whoever lives there knows what attackers took away.
                let life = Life::new((**life).clone(), seed);
                Box::new(match script.take() {
                    Some(script) => life.with(script),
                    None => life,
                })
            }
            People::Single => Box::new(Single {
                generator: Generator::new(profile.clone(), seed),
                world: World::default(),
            }),
            People::Village => Box::new(Village::new(profile, seed)),
        };
        match self.play {
            None => ordinary,
            Some((suite, _)) => Box::new(Stage::new(ordinary, suite, script, profile, seed)),
        }
    }
}

/// The generator that is true to the second: every act is a deed of its own, and nobody attacks.
struct Single {
    generator: Generator,
    world: World,
}

impl Iterator for Single {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        self.generator.next().map(Deed::once)
    }
}

impl Source for Single {
    fn world(&self) -> &World {
        &self.world
    }

    fn stories(&self) -> Vec<Story> {
        Vec::new()
    }
}

impl Source for Life {
    fn world(&self) -> &World {
        Life::world(self)
    }

    fn stories(&self) -> Vec<Story> {
        Life::stories(self).to_vec()
    }
}
