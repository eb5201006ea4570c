//! What an analyst asks, answered from the twin: data first, sentences and pictures are made of it by
//! whoever shows them.

pub mod who_can;

pub use who_can::{WhoCan, who_can};
