//! What an analyst asks, answered from the twin: data first, sentences and pictures are made of it by
//! whoever shows them.

/// What every question is put to.
pub use trailhound_twin::{Twin, causes::Cause};
pub use who_can::{WhoCan, who_can};

pub mod act;
pub mod answers;
pub mod apps;
pub mod commands;
pub mod diff;
pub mod lineage;
pub mod lookalikes;
pub mod passport;
pub mod reach;
pub mod standing;
pub mod state;
pub mod subject;
pub mod timeline;
pub mod who_can;
pub mod whole;
