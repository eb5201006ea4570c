//! One request as the learner sees it: symbols, a time, and how often it happened.
//!
//! Rows are made by [`crate::canon::Canon`] from facts; whoever invents clusters can make them
//! directly and give a count instead of repeating himself.

use crate::canon::agent::Agent;
use crate::canon::namespace::Place;
use crate::canon::principal::Who;
use crate::canon::shape::Shapes;
use crate::symbol::Symbol;
use serde::{Deserialize, Serialize};
use trailhound_model::action::{ActionKind, Outcome};
use trailhound_model::time::Time;

/// A request in symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub time: Time,
    /// Who.
    pub who: Who,
    /// What, without where.
    pub action: Symbol,
    /// The same, had it been granted.
    pub granted: Symbol,
    /// It came to nothing: not found, a conflict, an error. A refusal is none of these.
    pub failed: bool,
    /// What and where relative to the actor.
    pub at_place: Symbol,
    /// Where relative to the actor.
    pub place: Place,
    /// With which program.
    pub agent: Agent,
    /// From where.
    pub source: Symbol,
    /// The object's template, where its name matters.
    pub object: Option<Symbol>,
    /// What a workload in it is made of, where bodies were logged.
    pub shapes: Shapes,
    /// The object as it was named.
    pub target: Symbol,
    /// The namespace.
    pub namespace: Symbol,
    /// An unusual request of this kind matters much.
    pub critical: bool,
    /// Which hourly counts it adds to.
    pub series: Series,
    /// How often it happened, at least once.
    pub count: u32,
}

/// The hourly counts that a request adds to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// It changed something.
    pub write: bool,
    /// It was refused.
    pub denied: bool,
    /// It read secrets.
    pub secret: bool,
}

impl Series {
    /// What a request adds to.
    pub fn of(kind: ActionKind, outcome: Outcome, verb: &str) -> Series {
        let writes = matches!(verb, "create" | "update" | "patch" | "delete" | "deletecollection");
        Series {
            write: writes && outcome == Outcome::Allowed,
            denied: matches!(outcome, Outcome::Denied | Outcome::Unauthenticated),
            secret: outcome == Outcome::Allowed
                && matches!(
                    kind,
                    ActionKind::SecretRead | ActionKind::SecretList | ActionKind::SecretWatch
                ),
        }
    }
}
