//! Rule languages compiled to one predicate tree with an index.
//!
//! Front ends (today [`native`]) turn text into [`tree::Predicate`]s and [`rule::Rule`]s; nothing
//! behind them knows which language a rule was written in. A [`RuleSet`] is read-only once loaded,
//! so that all threads share one; what changes with events (windows, counts, the past) lives in
//! `detect`.

pub mod ask;
pub mod correlation;
pub mod derived;
mod document;
pub mod error;
pub mod eval;
pub mod falco;
pub mod field;
mod foreign;
pub mod import;
mod index;
pub mod joint;
pub mod judgement;
pub mod lint;
pub mod native;
mod nesting;
pub mod pod_security;
mod read;
mod recall;
pub mod rule;
pub mod set;
pub mod sigma;
pub mod site;
pub mod tally;
pub mod template;
pub mod tree;
pub mod words;

pub use correlation::{Condition, Correlation, CorrelationKind};
pub use document::Place;
pub use error::LoadError;
pub use field::{Field, FieldId};
pub use joint::{Bounds, Feed, Joint, JointKind, JointPart, MOST_MATCHES, Noting};
pub use rule::{Adjustment, Enables, Language, Rule, RuleTest, Watches};
pub use set::{RuleSet, Sources, Verdict};
pub use site::{Knowledge, Site};
pub use tally::RuleTally;
pub use template::Template;
