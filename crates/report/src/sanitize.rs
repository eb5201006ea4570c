//! Makes hostile text harmless to look at.
//!
//! Anybody who can send a request to an API server can write into its audit log: user agents, URLs
//! and object names are theirs to choose. An escape sequence could clear the screen of whoever
//! reads the report, a line break could forge a line of it, and a bidirectional override could
//! make `evil` read as something else. Such characters are shown as `\u{..}`: visible, because
//! their presence is itself evidence. HTML needs the same treatment *and* its own escaping, which
//! the template engine does; JSON keeps the characters but writes them as escapes.

/// The text with every character that has no picture of its own written as `\u{..}`. Line breaks
/// and tabs are among them: use this for values that a client chose.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_visible(&mut out, character);
    }
    out
}

/// Longest sentence that is shown, in characters: a URL of a megabyte would bury a report.
const LONGEST: usize = 4_000;

/// Like [`visible`], but line breaks and tabs become single blanks: use this for sentences, which
/// rule files may wrap. A forged line break cannot start a line here either. What is too long is
/// cut, and says so.
pub fn prose(text: &str) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return collapsed(text) };
    let (kept, rest) = text.split_at(end);
    format!("{}… ({} more characters)", collapsed(kept), rest.chars().count())
}

fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for character in text.chars() {
        if matches!(character, ' ' | '\n' | '\r' | '\t') {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
        }
        push_visible(&mut out, character);
    }
    out
}

/// At most `limit` characters of the text, cut at a character, with an ellipsis if it was cut.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn push_visible(out: &mut String, character: char) {
    if is_hidden(character) {
        out.extend(character.escape_unicode());
    } else {
        out.push(character);
    }
}

/// Whether a character has no picture of its own, or changes how its neighbours are shown.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Direction marks, embeddings, overrides and isolates.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Zero width: joiners, soft hyphen, byte order mark, invisible operators.
            | '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            // Line and paragraph separators, and letters that are drawn as nothing.
            | '\u{2028}' | '\u{2029}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{3164}' | '\u{ffa0}'
            // Annotation, shorthand and musical controls; tags and variation selectors, in which
            // whole messages can be hidden.
            | '\u{fff0}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_escape_sequence_is_shown_not_obeyed() {
        assert_eq!(visible("\u{1b}[2Jgone"), "\\u{1b}[2Jgone");
        assert_eq!(visible("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(visible("a\rb\u{7f}"), "a\\u{d}b\\u{7f}");
    }

    #[test]
    fn an_override_cannot_turn_a_name_around() {
        for hidden in ['\u{202e}', '\u{2066}', '\u{200b}', '\u{feff}', '\u{e0041}', '\u{ad}'] {
            let shown = visible(&format!("admin{hidden}x"));
            assert!(shown.starts_with("admin\\u{"), "{shown}");
        }
    }

    #[test]
    fn what_people_write_is_left_alone() {
        for text in ["Zoë Müller", "日本語", "cart-7d4/é", "→ 95 % …"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn a_forged_line_break_starts_no_line() {
        assert_eq!(prose(" a\n  CRITICAL\tb\r\n"), "a CRITICAL b");
        assert_eq!(visible("a\nb"), "a\\u{a}b");
    }

    #[test]
    fn a_sentence_of_a_megabyte_is_cut_and_says_so() {
        let shown = prose(&"x".repeat(1_000_000));
        assert!(shown.ends_with("xx… (996000 more characters)"), "{}", shown.len());
        assert!(shown.chars().count() < LONGEST + 40);
    }

    #[test]
    fn shortening_cuts_at_characters() {
        assert_eq!(shortened("日本語です", 3), "日本…");
        assert_eq!(shortened("abc", 3), "abc");
    }

    proptest! {
        #[test]
        fn nothing_hidden_survives(text in "\\PC*|[\\x00-\\x1f\\x7f-\\x9f\u{200b}-\u{206f}a-z]*") {
            prop_assert!(!visible(&text).chars().any(is_hidden));
            prop_assert!(!prose(&text).chars().any(is_hidden));
        }
    }
}
