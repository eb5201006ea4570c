//! The serial heart: facts in, findings and incidents out, and nothing else goes in or comes out.
//!
//! It reads no clock, no file and no environment, so that a replay, a back-test and a unit test
//! are the same call, and the same facts in the same order give the same ids on any machine.
//! Everything here is state per cluster, can be saved and restored at any event, and is bounded.
//!
//! Order of work: [`dedupe`] → [`order`] → [`stages`] → rules with [`history`] → [`windows`] →
//! [`joints`] → [`fold`] → [`correlate`]; [`completeness`] and [`integrity`] see every record beside them. The twin and the learner will sit between `stages` and the rules and
//! answer through the same trait, `model::lookup::History`.

pub mod completeness;
pub mod correlate;
pub mod dedupe;
pub mod engine;
mod feed;
pub mod fold;
pub mod history;
pub mod integrity;
pub mod joints;
pub mod judge;
pub mod order;
pub mod stages;
pub mod state;
pub mod windows;

pub use engine::{Engine, Outcome, Settings};
