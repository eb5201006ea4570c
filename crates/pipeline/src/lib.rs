//! The only crate that knows both ends: it opens sources, decodes them on several threads, puts
//! the facts in order and feeds the engine. All other crates know their neighbours at most.
//!
//! `ingest` (parallel, per chunk) → [`work`] → [`feed`] and [`merge`] (order of time over files) →
//! `detect` (serial per cluster) → [`scan`] (the answer).

pub mod backtest;
mod blind;
mod deepen;
pub mod facts;
pub mod feed;
pub mod geo;
pub mod investigate;
pub mod merge;
pub mod prove;
pub mod repeats;
pub mod scan;
pub mod work;

pub use facts::facts;
pub use investigate::{Investigated, investigate, requests};
pub use scan::{Options, Progress, ScanError, scan, scan_with_alerts, size_on_disk};
