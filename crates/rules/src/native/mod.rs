//! The native rule language: YAML around conditions in a subset of CEL.

mod compile;
mod lexer;
pub(crate) mod locate;
mod parser;
mod sequence;
mod yaml;

pub use compile::compile;
pub(crate) use yaml::{explained, load_file, names_kind};

/// What is wrong with a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CelError {
    /// Byte offset in the condition.
    pub at: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl CelError {
    fn new(at: usize, what: impl Into<String>) -> CelError {
        CelError { at, what: what.into(), hint: String::new() }
    }

    fn hint(mut self, hint: impl Into<String>) -> CelError {
        self.hint = hint.into();
        self
    }
}
