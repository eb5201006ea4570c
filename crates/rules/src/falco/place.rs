//! Where in its file a part of a condition stands.
//!
//! The YAML reader forgets places, and folding changes line breaks to blanks. But in all forms that a
//! condition is written in, the characters that are no blanks follow one another as in the file, so
//! they are counted. It serves messages only: where a file is written unusually the place may be the
//! item's, and nothing depends on it.

use crate::error::LoadError;

/// A rule file.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
}

/// An item of a rule file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin<'a> {
    pub(super) file: File<'a>,
    /// Byte offset of the item in the file, if it was found.
    pub(super) start: Option<usize>,
}

/// Byte offsets of the items of a file: lines that begin with `-` no deeper than the first.
pub(super) fn items(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut depth = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let is_item = line.trim_start().starts_with("- ") || line.trim() == "-";
        if is_item && indent <= *depth.get_or_insert(indent) {
            found.push(at + indent);
        }
        at += line.len();
    }
    found
}

impl<'a> Origin<'a> {
    fn rest(&self) -> Option<&'a str> {
        self.file.text.get(self.start?..)
    }

    /// Byte offset of the value of a key of the item.
    fn value(&self, key: &str) -> Option<usize> {
        let start = self.start?;
        let mut at = start;
        for line in self.rest()?.split_inclusive('\n') {
            let inner = line.trim_start_matches([' ', '-']);
            let after = inner.strip_prefix(key).and_then(|rest| rest.strip_prefix(':'));
            if let Some(value) = after {
                return Some(at + line.len() - value.len());
            }
            at += line.len();
            if at > start && self.file.text.get(at..).is_some_and(|rest| rest.starts_with("- ")) {
                return None;
            }
        }
        None
    }

    /// An error at the item.
    pub(super) fn error(&self, what: impl Into<String>, hint: impl Into<String>) -> LoadError {
        self.error_at(self.start, what, hint)
    }

    /// An error at the value of a key of the item.
    pub(super) fn error_in(
        &self,
        key: &str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> LoadError {
        let value = self.value(key).or(self.start);
        let blanks = |at: usize| {
            let rest = self.file.text.get(at..).unwrap_or_default();
            at + rest.len() - rest.trim_start_matches(' ').len()
        };
        self.error_at(value.map(blanks), what, hint)
    }

    fn error_at(
        &self,
        at: Option<usize>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> LoadError {
        let before = at.and_then(|at| self.file.text.get(..at));
        LoadError {
            file: self.file.name.to_owned(),
            line: before.map(|text| 1 + text.matches('\n').count()),
            column: before
                .map(|text| 1 + text.rsplit('\n').next().unwrap_or_default().chars().count()),
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// Where the character stands before which the value of `key` has `solid` that are no blanks.
    fn nth_solid(&self, key: &str, solid: usize) -> Option<usize> {
        let value = self.value(key)?;
        let text = self.file.text.get(value..)?;
        let head = text.trim_start_matches(' ');
        let header = head.len() - head.trim_start_matches(['>', '|', '+', '-', '"', '\'']).len();
        let skipped = text.len() - head.len() + header;
        let body = text.get(skipped..)?;
        let mut solids = body.char_indices().filter(|(_, letter)| !letter.is_whitespace());
        solids.nth(solid).map(|(at, _)| value + skipped + at)
    }
}

/// A condition as it is put together from items.
#[derive(Clone, Debug, Default)]
pub(super) struct Source<'a> {
    pub(super) text: String,
    pieces: Vec<Piece<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    /// Where it begins in the text.
    from: usize,
    origin: Origin<'a>,
    /// Of which key of the item it is the value.
    key: &'static str,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &str, origin: Origin<'a>) -> Source<'a> {
        Source::of_key("condition", text, origin)
    }

    /// The same where the text is that of another key.
    pub(super) fn of_key(key: &'static str, text: &str, origin: Origin<'a>) -> Source<'a> {
        Source { text: text.to_owned(), pieces: vec![Piece { from: 0, origin, key }] }
    }

    /// Adds a text behind a blank.
    pub(super) fn append(&mut self, text: &str, origin: Origin<'a>) {
        self.text.push(' ');
        self.pieces.push(Piece { from: self.text.len(), origin, key: "condition" });
        self.text.push_str(text);
    }

    /// An error at a byte offset of the text.
    pub(super) fn error(&self, at: usize, what: String, hint: String) -> LoadError {
        let Some(piece) = self.pieces.iter().rev().find(|piece| piece.from <= at) else {
            return LoadError { what, hint, ..LoadError::default() };
        };
        let before = self.text.get(piece.from..at).unwrap_or_default();
        let solid = before.chars().filter(|letter| !letter.is_whitespace()).count();
        let place = piece.origin.nth_solid(piece.key, solid).or(piece.origin.start);
        piece.origin.error_at(place, what, hint)
    }
}
