//! Shell patterns as regular expressions, which are linear in the text whatever the pattern.
//!
//! `*` goes over slashes, as in Falco. Of the extended forms `!(…)` cannot be said by a regular
//! expression and is refused.

/// The regular expression of a shell pattern, without its anchors.
pub(super) fn to_regex(pattern: &str) -> Result<String, String> {
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut letters = pattern.chars().peekable();
    // Closing signs of the groups that are open.
    let mut open: Vec<&str> = Vec::new();
    while let Some(letter) = letters.next() {
        if letters.peek() == Some(&'(')
            && let Some(close) = group_end(letter)?
        {
            letters.next();
            out.push_str("(?:");
            open.push(close);
            continue;
        }
        match letter {
            '*' => out.push_str("(?s:.*)"),
            '?' => out.push_str("(?s:.)"),
            '[' => class(&mut letters, &mut out)?,
            '\\' => push_literal(letters.next().unwrap_or('\\'), &mut out),
            '|' if !open.is_empty() => out.push('|'),
            ')' if !open.is_empty() => out.push_str(open.pop().unwrap_or_default()),
            other => push_literal(other, &mut out),
        }
    }
    if open.is_empty() { Ok(out) } else { Err("a group is not closed".to_owned()) }
}

/// How a group that begins with this letter is closed.
fn group_end(letter: char) -> Result<Option<&'static str>, String> {
    Ok(Some(match letter {
        '?' => ")?",
        '*' => ")*",
        '+' => ")+",
        '@' => ")",
        '!' => return Err("`!(…)` is not understood".to_owned()),
        _ => return Ok(None),
    }))
}

fn push_literal(letter: char, out: &mut String) {
    let mut bytes = [0; 4];
    out.push_str(&regex::escape(letter.encode_utf8(&mut bytes)));
}

fn class(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    out: &mut String,
) -> Result<(), String> {
    out.push('[');
    if letters.next_if(|letter| matches!(letter, '!' | '^')).is_some() {
        out.push('^');
    }
    let mut first = true;
    while let Some(letter) = letters.next() {
        match letter {
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '-' => out.push('-'),
            '\\' => push_in_class(letters.next().unwrap_or('\\'), out),
            '[' if letters.peek() == Some(&':') => named_class(letters, out)?,
            other => push_in_class(other, out),
        }
        first = false;
    }
    Err("`[` is not closed".to_owned())
}

fn push_in_class(letter: char, out: &mut String) {
    if letter.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(letter);
}

/// `[:alpha:]`, behind its first bracket.
fn named_class(
    letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    out: &mut String,
) -> Result<(), String> {
    let mut name = String::new();
    for letter in letters.by_ref() {
        name.push(letter);
        if name.len() > 2 && name.ends_with(':') {
            break;
        }
    }
    if letters.next() != Some(']') || !name.ends_with(':') {
        return Err("`[:` is not closed".to_owned());
    }
    out.push('[');
    out.push_str(&name);
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    fn matches(pattern: &str, text: &str) -> bool {
        let source = to_regex(pattern).map(|source| format!("^(?:{source})$"));
        source.ok().and_then(|source| Regex::new(&source).ok()).is_some_and(|r| r.is_match(text))
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, wanted) in [
            ("/etc/*", "/etc/kubernetes/pki", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[[:digit:]]*", "7up", true),
            ("a.c", "abc", false),
            (r"\*", "*", true),
            (r"\*", "x", false),
            ("@(dev|prod)-*", "prod-eu", true),
            ("x+(ab)", "xabab", true),
            ("x+(ab)", "x", false),
            ("(x)", "(x)", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
        for wrong in ["[a", "!(a)", "@(a", "[[:alpha"] {
            assert!(to_regex(wrong).is_err(), "{wrong}");
        }
    }
}
