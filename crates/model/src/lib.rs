//! The vocabulary of the whole product as pure values: what an audit event is, what it means
//! (action, principal, credential), and what we say about it (finding, incident, completeness).
//!
//! Everybody depends on this crate and it depends on nobody, so nothing here may do I/O, read a
//! clock or hold a format. Traits through which one layer asks another ([`lookup`]) live here so
//! that the crates of layer 1 need not see one another.

pub mod action;
pub mod agent;
pub mod alert;
pub mod body;
pub mod claims;
pub mod completeness;
pub mod credential;
pub mod entity;
pub mod event;
pub mod fact;
pub mod finding;
pub mod format;
pub mod incident;
pub mod lookup;
pub mod map;
pub mod memo;
pub mod observed;
pub mod principal;
pub mod scan;
pub mod shared;
pub mod site;
pub mod time;
pub mod words;

pub use map::Map;
pub use memo::Memo;
pub use shared::Shared;

/// Text taken from a log. Short strings (verbs, namespaces, addresses) need no allocation.
pub type Str = compact_str::CompactString;
