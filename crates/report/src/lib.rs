//! Renders a scan; knows every output format and no data source.
//!
//! Every format reads the same [`trailhound_model::scan::Scan`], so that no two of them can
//! disagree, and nothing here asks the clock, the terminal or the environment: the caller says how
//! wide the terminal is, and the same scan always gives the same bytes. Text from logs is hostile
//! and passes through [`sanitize`] on its way out.

pub mod investigate;
pub mod sanitize;
pub mod svg;

mod advice;
mod contract;
mod falco;
mod html;
mod json;
mod text;
mod words;

pub use falco::write_falco;
pub use html::html;
pub use json::{SCHEMA, json, jsonl, write_json, write_jsonl};
pub use sanitize::prose;
pub use text::{TextStyle, text};
pub use words::verdict;
