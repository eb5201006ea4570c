//! Indents a record for reading. The record is shown as the log has it, keys in their order and
//! escapes as they were, so it is laid out as text and never decoded.

use crate::sanitize;
use serde::de::IgnoredAny;

/// Deeper levels are not indented further: a client chooses how deep its body nests.
const DEEPEST: usize = 24;

/// The record indented if it is JSON, else as it is; nothing in it is hidden.
pub(crate) fn record(masked: &str) -> String {
    if serde_json::from_str::<IgnoredAny>(masked).is_err() {
        return sanitize::visible(masked);
    }
    let mut layout = Layout { out: String::with_capacity(masked.len() * 2), depth: 0 };
    let mut rest = masked;
    while let Some(character) = rest.chars().next() {
        let length = if character == '"' { string_length(rest) } else { character.len_utf8() };
        let (token, tail) = rest.split_at(length);
        layout.token(token, tail);
        rest = tail;
    }
    layout.out
}

/// Length of the string literal that starts here.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

struct Layout {
    out: String,
    depth: usize,
}

impl Layout {
    fn token(&mut self, token: &str, rest: &str) {
        match token {
            " " | "\n" | "\r" | "\t" => {}
            "{" | "[" => {
                self.out.push_str(token);
                self.depth += 1;
                if !rest.trim_start().starts_with(['}', ']']) {
                    self.line();
                }
            }
            "}" | "]" => {
                self.depth = self.depth.saturating_sub(1);
                if !self.out.ends_with(['{', '[']) {
                    self.line();
                }
                self.out.push_str(token);
            }
            "," => {
                self.out.push(',');
                self.line();
            }
            ":" => self.out.push_str(": "),
            other => self.out.push_str(&sanitize::visible(other)),
        }
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.depth.min(DEEPEST)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_indented_as_it_was_written() {
        assert_eq!(
            record("{\"b\":[1, {}],\"a\":\"x:{,\\\"\u{202e}\"}"),
            "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": \"x:{,\\\"\\u{202e}\"\n}"
        );
    }

    #[test]
    fn a_cut_record_is_shown_as_it_is() {
        assert_eq!(record("{\"a\":\"\u{1b}"), "{\"a\":\"\\u{1b}");
        assert_eq!(record(""), "");
    }

    #[test]
    fn a_body_that_nests_without_end_is_not_indented_without_end() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(record(&deep).len() < deep.len() * 60);
    }
}
