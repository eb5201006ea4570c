//! Weeks and months of a cluster's life, hour by hour: who does what how often, and what happens once.
//!
//! The generator of single events ([`crate::Generator`]) is true to the second and too slow for what
//! learners need: many clusters, sixty days each, several seeds. Here an hour is the smallest step
//! for whatever repeats itself, while deployments, people, failures and attacks keep their moments,
//! with the cascades that they cause. Both write the same JSON.

pub mod attack;
mod cascade;
mod deed;
pub mod ordinary;
pub mod script;
pub mod split;
mod world;

pub use deed::{Deed, Kind, Label, Stealth, Story};
pub use ordinary::{Life, profile::LifeProfile};
pub use world::{Account, Archetype, Machine, Member, Person, Space, SpaceKind, Work, World};
