//! Walks over the text of a condition.
//!
//! Falco has no tokens that could be cut beforehand: `/healthz?` is a value behind `=` and nothing
//! elsewhere, so the parser asks for what may stand at a place.

use super::syntax::{SyntaxError, Word};

/// Longest excerpt in a message, in characters.
const MOST_SHOWN: usize = 40;

/// A place in a condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_over(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    pub(super) fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// What follows, for a message.
    pub(super) fn shown(&self) -> String {
        let word: String = self
            .rest()
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .chars()
            .take(MOST_SHOWN)
            .collect();
        if word.is_empty() { "the end".to_owned() } else { format!("`{word}`") }
    }

    pub(super) fn error(&self, what: impl Into<String>, hint: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.at, what, hint)
    }

    /// Takes this sign, blanks before it aside.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Takes this word, if it ends here.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let Some(after) = self.rest().strip_prefix(word) else { return false };
        let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric() || "_.-".contains(c));
        if ends {
            self.at += word.len();
        }
        ends
    }

    fn advance(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// A name with or without dots: a field if it has one, else a macro, list or transformer.
    pub(super) fn take_name(&mut self) -> Option<&'a str> {
        self.skip_blanks();
        let length = name_length(self.rest())?;
        Some(self.advance(length))
    }

    /// The signs or letters of an operator.
    pub(super) fn take_operator(&mut self) -> &'a str {
        self.skip_blanks();
        let rest = self.rest();
        let signs = rest.bytes().take_while(|byte| b"=!<>".contains(byte)).count();
        // `=="x` has two signs, `=<` two operators: the longest that there is counts.
        for length in (1..=signs.min(2)).rev() {
            let sign = rest.get(..length).unwrap_or_default();
            if matches!(sign, "==" | "!=" | "<=" | ">=" | "=" | "<" | ">") {
                return self.advance(length);
            }
        }
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        self.advance(letters)
    }

    /// The argument of a field, behind `[`.
    pub(super) fn take_argument(&mut self) -> Result<String, SyntaxError> {
        let rest = self.rest();
        let argument = if rest.starts_with(['"', '\'']) {
            self.take_quoted()?.text
        } else {
            let end = rest.find(|c: char| "[]\"'".contains(c) || c.is_whitespace());
            self.advance(end.unwrap_or(rest.len())).to_owned()
        };
        if argument.is_empty() || !self.rest().starts_with(']') {
            return Err(
                self.error("the argument of a field is not closed", "write `field[argument]`")
            );
        }
        self.at += 1;
        Ok(argument)
    }

    /// A value: in quotation marks, or bare up to a blank, bracket, comma or `=`.
    pub(super) fn take_value(&mut self) -> Result<Option<Word>, SyntaxError> {
        self.skip_blanks();
        if self.rest().starts_with(['"', '\'']) {
            return self.take_quoted().map(Some);
        }
        let at = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| "()\"'=,".contains(c) || c.is_whitespace());
        let text = self.advance(end.unwrap_or(rest.len()));
        Ok((!text.is_empty()).then(|| Word { text: text.to_owned(), quoted: false, at }))
    }

    fn take_quoted(&mut self) -> Result<Word, SyntaxError> {
        let at = self.at;
        let mut letters = self.rest().char_indices();
        let quote = letters.next().map_or('"', |(_, quote)| quote);
        let mut text = String::new();
        let mut escaped = false;
        for (offset, letter) in letters {
            if std::mem::take(&mut escaped) {
                push_escaped(&mut text, letter);
            } else if letter == '\\' {
                escaped = true;
            } else if letter == quote {
                self.at = at + offset + letter.len_utf8();
                return Ok(Word { text, quoted: true, at });
            } else {
                text.push(letter);
            }
        }
        Err(SyntaxError::new(at, "a quotation mark is not closed", "add the closing one"))
    }
}

fn push_escaped(text: &mut String, letter: char) {
    match letter {
        'n' => text.push('\n'),
        't' => text.push('\t'),
        'r' => text.push('\r'),
        'b' => text.push('\u{8}'),
        'f' => text.push('\u{c}'),
        '\\' | '"' | '\'' | '/' => text.push(letter),
        // `\.` in a regular expression: the backslash is meant.
        other => text.extend(['\\', other]),
    }
}

/// Length of the name that a text starts with.
pub(super) fn name_length(text: &str) -> Option<usize> {
    let part = |text: &str| {
        let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
        let length =
            text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        first.then_some(length)
    };
    let mut length = part(text)?;
    while let Some(after) = text.get(length..).and_then(|rest| rest.strip_prefix('.')) {
        match part(after) {
            Some(more) => length += 1 + more,
            None => break,
        }
    }
    Some(length)
}
