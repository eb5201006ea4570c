//! How surprising a thing is for whoever does it: a hierarchical Pitman–Yor process.
//!
//! Each side of a request (what, where, with which program …) is a stream of symbols. What an identity
//! never did is judged by how often it does new things at all, then by its peers, then by the cluster,
//! then by what is known of Kubernetes. The result behaves roughly like a p-value and is calibrated
//! later; it is made of stored counts only, so that it can be explained.

pub mod context;
pub mod fit;

use crate::canon::principal::Class;
use context::{At, Context, Look};
use fit::Fits;
use serde::{Deserialize, Serialize};

/// A side of a request.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Facet {
    /// What is done.
    #[default]
    Action,
    /// What is done, and where.
    Place,
    /// With which program.
    Program,
    /// From where.
    Source,
    /// To which sensitive object.
    Object,
    /// In which namespace.
    Namespace,
    /// At which hours of the week.
    Hour,
    /// What after what.
    Pair,
    /// What a workload is made of.
    Shape,
    /// Who appears among its peers.
    Identity,
    /// What, where, with which program and from where, all together.
    Whole,
}

impl Facet {
    /// Every facet, in the order of contexts.
    pub const ALL: [Facet; 11] = [
        Facet::Action,
        Facet::Place,
        Facet::Program,
        Facet::Source,
        Facet::Object,
        Facet::Namespace,
        Facet::Hour,
        Facet::Pair,
        Facet::Shape,
        Facet::Identity,
        Facet::Whole,
    ];

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Facet::Action => "action",
            Facet::Place => "place",
            Facet::Program => "program",
            Facet::Source => "source",
            Facet::Object => "object",
            Facet::Namespace => "namespace",
            Facet::Hour => "time",
            Facet::Pair => "pair",
            Facet::Shape => "workload",
            Facet::Identity => "identity",
            Facet::Whole => "whole",
        }
    }
}

/// Whose habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// The identity's own.
    Own,
    /// Its peers'.
    Peers,
    /// The cluster's.
    Cluster,
}

/// The contexts of one identity, of a group of peers, or of the cluster: one per facet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    facets: Vec<Context>,
}

impl Habits {
    /// The context of a facet, if anything was learned of it.
    pub fn of(&self, facet: Facet) -> Option<&Context> {
        self.facets.get(facet as usize)
    }

    /// The context of a facet, to learn.
    pub fn learn(&mut self, facet: Facet) -> Option<&mut Context> {
        if self.facets.is_empty() {
            self.facets.resize_with(Facet::ALL.len(), Context::default);
        }
        self.facets.get_mut(facet as usize)
    }

    /// All contexts that exist.
    pub fn all(&mut self) -> impl Iterator<Item = (Facet, &mut Context)> {
        Facet::ALL.into_iter().zip(self.facets.iter_mut())
    }
}

/// What is known of a symbol at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// For the identity itself.
    pub own: Look,
    /// Among its peers, without itself.
    pub peers: Look,
    /// In the cluster, without itself.
    pub cluster: Look,
    /// By what is known of Kubernetes: chance of something as unusual.
    pub base: f64,
}

impl Standing {
    /// Chance of something as unusual for this identity.
    pub fn chance(&self) -> f64 {
        floor(self.own.chance(self.beyond()))
    }

    /// The same for anyone like it.
    pub fn beyond(&self) -> f64 {
        floor(self.peers.chance(self.cluster.chance(self.base)))
    }

    /// The chance of an act that matters: an identity's own habit cannot make it harmless.
    pub fn sober(&self) -> f64 {
        let (own, beyond) = (libm::log(self.chance()), libm::log(self.beyond()));
        libm::exp(0.6 * own + 0.4 * beyond)
    }
}

/// No count allows to call anything rarer.
const RAREST: f64 = 1e-12;

fn floor(chance: f64) -> f64 {
    if chance.is_nan() { 1.0 } else { chance.clamp(RAREST, 1.0) }
}

/// The three levels of an identity, to look things up.
#[derive(Clone, Copy, Debug)]
pub struct Levels<'a> {
    /// Its own habits.
    pub own: Option<&'a Habits>,
    /// Those of its peers.
    pub peers: Option<&'a Habits>,
    /// The cluster's.
    pub cluster: Option<&'a Habits>,
    /// How likely new things are.
    pub fits: &'a Fits,
    /// Its class.
    pub class: Class,
    /// Now.
    pub hour: u32,
}

impl Levels<'_> {
    /// What the identity's own habits say of a symbol.
    pub fn own_look(&self, facet: Facet, symbol: u64) -> Look {
        let own = self.own.and_then(|habits| habits.of(facet));
        let fit = self.fits.of(facet, Level::Own, self.class);
        let at = At::new(self.hour, self.class);
        own.map_or(Look::nothing(), |own| own.look(symbol, at, fit, (0.0, 0.0)))
    }

    /// What is known of a symbol.
    pub fn standing(&self, facet: Facet, symbol: u64, base: f64) -> Standing {
        let own = self.own.and_then(|habits| habits.of(facet));
        let at = At::new(self.hour, self.class);
        let seats = own.map_or(0.0, Context::seats);
        let seat = own.and_then(|own| own.dish(symbol)).map_or(0.0, |_| 1.0);
        let look = |habits: Option<&Habits>, level: Level, at: At, without: (f64, f64)| {
            let fit = self.fits.of(facet, level, self.class);
            let context = habits.and_then(|habits| habits.of(facet));
            context.map_or(Look::nothing(), |context| context.look(symbol, at, fit, without))
        };
        Standing {
            own: look(self.own, Level::Own, at, (0.0, 0.0)),
            peers: look(self.peers, Level::Peers, at, (seat, seats)),
            cluster: look(self.cluster, Level::Cluster, At::cluster(self.hour), (seat, seats)),
            base,
        }
    }
}
