//! Reach (blast radius): what an identity, a pod, a node or a credential could get hold of at a given
//! moment, whether or not it did; by which grants; and which grant to take away first.
//!
//! It is a search over attack steps ([`edge::EdgeKind`]) on a snapshot of the twin. Each thing is
//! reached by the surest way, among those by a short one; a way is as sure as its least sure step. It
//! is a statement about rights and specs, not about programs: it does not know of firewalls, of
//! exploits, or of what a secret opens elsewhere.

pub mod answer;
pub mod edge;
pub mod snapshot;

mod acts;
mod cut;
mod escape;
mod incident;
mod index;
mod posture;
mod power;
mod search;
mod tell;
mod twin;
mod words;
mod worst;

#[cfg(test)]
mod brute;
#[cfg(test)]
mod tests;

pub use answer::{Cut, GrantRef, InNamespace, Path, Reach, Step, Thing, Things};
pub use edge::EdgeKind;
pub use incident::incident_reach;
pub use posture::{Postures, posture_findings};
pub use power::Roles;
pub use snapshot::Snapshot;
pub use tell::reach;
pub(crate) use twin::takes_node;
pub use twin::{reach_at, snapshot};
pub(crate) use words::plain;
pub use worst::{Posture, Ranking, ranking, worst};
