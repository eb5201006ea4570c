//! What is normal for each identity.
//!
//! First names: [`canon`] turns a request into symbols that mean the same tomorrow, which decides
//! more than any model. Then [`learner`] counts them per identity, its peers and the cluster, and says
//! which hours are strange, how strange, and why. Pure: no I/O, no clock, no randomness; every
//! structure that clients can make grow has a bound and says what found no room; state saves and
//! restores to the same bytes.

pub mod baseline;
pub mod budget;
pub mod calibrate;
pub mod canon;
pub mod clock;
pub mod cohort;
pub mod drift;
pub mod expect;
pub mod explain;
pub mod forgotten;
pub mod fuse;
pub mod incident;
pub mod learner;
pub mod novelty;
pub mod person;
pub mod policy;
pub mod prior;
pub mod quarantine;
pub mod rate;
pub mod review;
pub mod row;
pub mod settings;
pub mod symbol;
pub mod window;

pub use baseline::Baseline;
pub use explain::Opened;
pub use learner::{Cause, Learner, State};
pub use settings::Settings;
