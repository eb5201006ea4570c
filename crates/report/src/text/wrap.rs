//! Lines of a given width. Width is what a terminal draws (two columns for East Asian characters),
//! and a word that is longer than the line (a token, an image, a URL) is broken, because one such
//! word must not push the rest of a report off the screen.

use unicode_width::UnicodeWidthChar as _;

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(character: char) -> usize {
    character.width().unwrap_or(0)
}

/// The text in lines of at most `limit` columns; at least one line.
pub(crate) fn wrap(text: &str, limit: usize) -> Vec<String> {
    wrap_by(text, limit.max(2), columns)
}

/// The same in any unit in which characters can be measured.
pub(crate) fn wrap_by(text: &str, limit: usize, measure: fn(char) -> usize) -> Vec<String> {
    let mut lines = Lines { limit, measure, done: Vec::new(), line: String::new(), used: 0 };
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        lines.push(word);
    }
    lines.done.push(lines.line);
    lines.done
}

struct Lines {
    limit: usize,
    measure: fn(char) -> usize,
    done: Vec<String>,
    line: String,
    used: usize,
}

impl Lines {
    fn width(&self, text: &str) -> usize {
        text.chars().map(self.measure).sum()
    }

    fn push(&mut self, word: &str) {
        let (wide, gap) = (self.width(word), (self.measure)(' '));
        if self.used > 0 && self.used + gap + wide > self.limit && !self.worth_breaking(wide) {
            self.end_line();
        }
        let mut rest = word;
        while !rest.is_empty() {
            let blank = if self.used > 0 { gap } else { 0 };
            let (head, tail) = self.break_at(rest, self.limit.saturating_sub(self.used + blank));
            if blank > 0 {
                self.line.push(' ');
            }
            self.line.push_str(head);
            self.used += blank + self.width(head);
            rest = tail;
            if !rest.is_empty() {
                self.end_line();
            }
        }
    }

    /// A word that needs breaking anyway starts on this line, unless little is left of it.
    fn worth_breaking(&self, wide: usize) -> bool {
        let least = 4 * (self.measure)('n');
        wide > self.limit && self.limit - self.used >= (self.limit / 3).max(least)
    }

    fn end_line(&mut self) {
        self.done.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    /// Breaks a word so that its head fits: behind a separator if there is one in its second half.
    fn break_at<'a>(&self, word: &'a str, room: usize) -> (&'a str, &'a str) {
        if self.width(word) <= room {
            return (word, "");
        }
        let mut used = 0;
        let mut at = 0;
        let mut separator = 0;
        for (index, character) in word.char_indices() {
            used += (self.measure)(character);
            if used > room && index > 0 {
                break;
            }
            at = index + character.len_utf8();
            if matches!(character, '/' | ':' | ',' | '-' | '.' | '=' | '&' | '?' | '_' | '@') {
                separator = at;
            }
        }
        word.split_at(if separator > at / 2 { separator } else { at })
    }
}

/// A shell command in lines that can be copied as a whole: broken at blanks outside quotes, with a
/// backslash. A piece that still does not fit stays long: better wide than wrong.
pub(crate) fn command(text: &str, limit: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in shell_words(text) {
        let Some(line) = lines.last_mut() else { continue };
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + width(word) + 3 <= limit {
            line.push(' ');
            line.push_str(word);
        } else {
            line.push_str(" \\");
            lines.push(format!("  {word}"));
        }
    }
    lines
}

/// Words with their quotes, so that joining them with one blank gives a command that does the same.
pub(crate) fn shell_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quote, mut escaped) = (0, None, false);
    for (index, character) in text.char_indices() {
        match (quote, character) {
            _ if std::mem::take(&mut escaped) => {}
            (None | Some('"'), '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, ' ') => {
                words.push(text.get(start..index).unwrap_or_default());
                start = index + 1;
            }
            _ => {}
        }
    }
    words.push(text.get(start..).unwrap_or_default());
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_word_is_broken_behind_a_separator() {
        assert_eq!(
            wrap("see registry.example/team/image:1", 20),
            ["see registry.", "example/team/image:1"]
        );
    }

    #[test]
    fn east_asian_characters_take_two_columns() {
        assert_eq!(wrap("日本語日本語", 4), ["日本", "語日", "本語"]);
        assert_eq!(width("日本語"), 6);
    }

    #[test]
    fn a_command_is_broken_so_that_a_shell_joins_it_again() {
        assert_eq!(
            command("kubectl -n shop patch x -p '{\"a b\": 1}' --dry-run=server", 26),
            ["kubectl -n shop patch x \\", "  -p '{\"a b\": 1}' \\", "  --dry-run=server"]
        );
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_character_is_lost(text in "[a-z/:日é -]{0,200}", limit in 2usize..60) {
            let lines = wrap(&text, limit);
            prop_assert!(lines.iter().all(|line| width(line) <= limit), "{lines:?}");
            let without_blanks = |text: &str| text.replace(' ', "");
            prop_assert_eq!(without_blanks(&lines.concat()), without_blanks(&text));
        }
    }
}
