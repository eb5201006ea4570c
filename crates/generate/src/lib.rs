//! Invented clusters that write true audit logs: the same seed gives the same bytes.
//!
//! Recordings are short and small, and nobody publishes logs of large clusters. Here a cluster of any
//! size lives through any time, with the cascades that a real kube-apiserver logs: controllers make
//! pods of what people deploy, kubelets ask tokens for them, the tokens are used from the pods'
//! addresses, and all of it goes away again. What really is there is known ([`Truth`]), so whoever
//! rebuilds it from the log can be measured. Nothing is read but the profile and the seed.

mod act;
mod body;
mod boot;
mod calendar;
mod cast;
mod cluster;
mod deploy;
mod generator;
pub mod life;
mod nodes;
mod people;
mod pods;
mod profile;
mod random;
mod resource;
mod slab;
mod truth;
mod write;

pub use act::{Act, Actor, Bodies, Bound, Credential, Id, Persona, Stage, Target, Text};
pub use calendar::{DAY, HOUR, MINUTE, Moment, SECOND};
pub use generator::{Counts, Generator};
pub use profile::{Level, Profile};
pub use truth::{TruePod, Truth};
pub use write::Writer;

/// Kinds of things that acts are about.
pub mod resources {
    pub use crate::resource::*;
}
