//! An alert as other tools expect it: one event, one rule, a line of text with the values in it.
//!
//! Findings tell more and fold what belongs together; alerts are for pipelines that were built on
//! another engine and want one line per match. Their text is filled in while the record is at hand.

use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One rule that matched one event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// When the event happened.
    pub time: Time,
    /// Name of the rule.
    pub rule: String,
    /// Its priority, as the other engine writes it.
    pub priority: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// The text with all values in it, masked.
    pub output: String,
    /// The values by the name of their field.
    pub fields: BTreeMap<String, AlertValue>,
}

/// A value of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertValue {
    /// The event does not have it.
    Missing,
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// The values of a field that may have several.
    List(Vec<String>),
}
