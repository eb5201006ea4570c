//! What an analyst asks, answered from the twin: data first, sentences and pictures are made of it by
//! whoever shows them.

pub mod answers;
pub mod apps;
pub mod commands;
pub mod lookalikes;
pub mod reach;
pub mod subject;
pub mod timeline;
