//! What learners are tried on: an act, how often it was done within its hour, and the truth about it.
//!
//! A month of log is too much to be written, read and learned dozens of times, while most of it says
//! the same again: so repeats within an hour are a number here. Whoever needs lines asks [`Deed::acts`]
//! for every single one of them.

use crate::{
    act::{Act, Id},
    calendar::{HOUR, Moment},
};
use std::sync::Arc;

/// An act, once or many times within an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deed {
    /// The first time that it was done.
    pub act: Act,
    /// How often it was done, at least once.
    pub count: u32,
    /// The truth about it.
    pub label: Label,
}

/// The story that an act is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Number of the story, from 1; 0 for ordinary life.
    pub story: u32,
    /// Number of the step of the story, from 0.
    pub step: u16,
    /// Not done by the story's people, but by controllers and nodes because of them.
    pub cascade: bool,
}

/// How an attacker behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stealth {
    /// Own tools, fast, at any hour.
    Noisy,
    /// The cluster's usual tools, at a moderate pace.
    Tools,
    /// The victim's own program, address, hours and namespaces, and about one request in a day.
    Mimic,
}

impl Stealth {
    /// All of them.
    pub const ALL: [Stealth; 3] = [Stealth::Noisy, Stealth::Tools, Stealth::Mimic];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Stealth::Noisy => "noisy",
            Stealth::Tools => "tools",
            Stealth::Mimic => "mimic",
        }
    }
}

/// What a story is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An attack of a family.
    Attack {
        /// Its family.
        family: &'static str,
        /// How it is done.
        stealth: Stealth,
    },
    /// Something unusual that is no attack: an upgrade, a new team, an outage, a night on call.
    Oddity {
        /// What it is.
        what: &'static str,
    },
}

/// A story, as it is known once it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// Its number, as labels have it.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// The first act.
    pub from: Moment,
    /// The last one.
    pub to: Moment,
    /// `user.username` of whoever acts in it, without the cascades.
    pub actors: Vec<Arc<str>>,
    /// Requests of the attacker, without the cascades.
    pub requests: u32,
    /// What is unusual about it, in a word that explanations are compared with: `action`, `place`,
    /// `program`, `source`, `object`, `time`, `workload`, `rate`, `denials`.
    pub tells: Vec<&'static str>,
}

impl Deed {
    /// Something that was done once.
    pub fn once(act: Act) -> Deed {
        Deed { act, count: 1, label: Label::default() }
    }

    /// Something that was done so often from its first time on until the end of the hour.
    pub fn often(act: Act, count: u32) -> Deed {
        Deed { act, count: count.max(1), label: Label::default() }
    }

    /// As part of a story.
    #[must_use]
    pub fn labelled(mut self, label: Label) -> Deed {
        self.label = label;
        self
    }

    /// Every single act: spread evenly over what is left of the hour, each with an id of its own
    /// that follows from the first.
    pub fn acts(&self) -> impl Iterator<Item = Act> + '_ {
        let took = self.act.completed.max(self.act.received) - self.act.received;
        let left = HOUR - self.act.received.rem_euclid(HOUR);
        let step = (left - 1).max(0) / Moment::from(self.count.max(1));
        (0..self.count.max(1)).map(move |place| {
            let mut act = self.act.clone();
            act.received += step * Moment::from(place);
            act.completed = act.received + took;
            act.id = act.id.next(place);
            act
        })
    }

    /// Hour since 1970 in which it was done.
    pub fn hour(&self) -> i64 {
        self.act.received.div_euclid(HOUR)
    }
}

impl Id {
    /// Another id that follows from this one.
    fn next(self, place: u32) -> Id {
        let mixed = (self.low() ^ u64::from(place)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if place == 0 { self } else { Id::from_words(self.high(), mixed) }
    }
}
