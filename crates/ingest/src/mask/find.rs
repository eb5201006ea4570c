//! Where credentials stand in free text: by their own form (tokens, keys), by what stands before
//! them (a URL's user, a header, a name and an equals sign), or by the command line they are in.

use super::{argv, names};
use base64::Engine;
use std::ops::Range;

/// Ranges of the credentials in a text. They may overlap.
pub(crate) fn credentials(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    jwt(text, &mut found);
    encoded(text, &mut found);
    private_keys(text, &mut found);
    url_passwords(text, &mut found);
    headers(text, &mut found);
    named_values(text, &mut found);
    commands(text, &mut found);
    found
}

/// Blanks of a line that are looked through.
const MAX_INDENT: usize = 200;
/// Longest URL that is looked at as one.
const MAX_URL: usize = 4096;

fn run(text: &str, from: usize, is_part: impl Fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(from..).unwrap_or_default();
    from + rest.iter().take_while(|byte| is_part(**byte)).count()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// `eyJ….….…`, also if its end is cut off.
fn jwt(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("eyJ")).map(|i| at + i) {
        let mut end = run(text, start, is_base64url);
        let mut parts = 1;
        while text.as_bytes().get(end) == Some(&b'.') {
            let next = run(text, end + 1, is_base64url);
            if next == end + 1 && parts < 2 {
                break;
            }
            end = next;
            parts += 1;
        }
        if parts >= 3 || parts == 2 && end - start >= 32 {
            found.push(start..end);
        }
        at = end.max(start + 3);
    }
}

/// Base64 of a private key in PEM form, or of a JWT.
fn encoded(text: &str, found: &mut Vec<Range<usize>>) {
    for mark in ["LS0tLS1CRUdJT", "ZXlK"] {
        let mut at = 0;
        while let Some(start) = text.get(at..).and_then(|rest| rest.find(mark)).map(|i| at + i) {
            let end = run(text, start, is_base64);
            if end - start >= 40 && hides_credential(text.get(start..end).unwrap_or_default()) {
                found.push(start..end);
            }
            at = end.max(start + 1);
        }
    }
}

fn hides_credential(encoded: &str) -> bool {
    let whole = encoded.trim_end_matches('=');
    let whole = whole.get(..whole.len() / 4 * 4).unwrap_or_default();
    let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(whole) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let mut inner = Vec::new();
    jwt(&text, &mut inner);
    !inner.is_empty() || text.contains("PRIVATE KEY")
}

/// What stands between the lines that begin and end a private key.
fn private_keys(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(begin) = text.get(at..).and_then(|rest| rest.find("-----BEGIN ")).map(|i| at + i)
    {
        let title = begin + "-----BEGIN ".len();
        let Some(dashes) = text.get(title..).and_then(|rest| rest.find("-----")).map(|i| title + i)
        else {
            return;
        };
        at = dashes + 5;
        if text.get(title..dashes).is_some_and(|title| title.contains("PRIVATE KEY")) {
            let end = text
                .get(at..)
                .and_then(|rest| rest.find("-----END"))
                .map_or(text.len(), |i| at + i);
            found.push(at..end);
            at = end;
        }
    }
}

/// `scheme://user:PASSWORD@host`, `scheme://TOKEN@host`.
fn url_passwords(text: &str, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("://")).map(|i| at + i + 3) {
        let end = url_end(text, start);
        let whole = text.get(start..end).unwrap_or_default();
        let authority = whole.split(['/', '?', '#']).next().unwrap_or_default();
        if let Some(sign) = authority.rfind('@') {
            found.extend(user_info(start, authority.get(..sign).unwrap_or_default()));
        } else if let (Some(colon), Some(sign)) = (authority.find(':'), whole.rfind('@')) {
            // A password with a slash in it; a port is digits only.
            let after = authority.get(colon + 1..).unwrap_or_default();
            if !after.is_empty() && !after.bytes().all(|b| b.is_ascii_digit()) {
                found.push(start + colon + 1..start + sign);
            }
        }
        at = start;
    }
}

fn url_end(text: &str, start: usize) -> usize {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    let is_url = |b: u8| !b.is_ascii_whitespace() && !b"\"'<>\\`".contains(&b);
    next_boundary(text, start + rest.iter().take(MAX_URL).take_while(|b| is_url(**b)).count())
}

fn user_info(start: usize, user: &str) -> Option<Range<usize>> {
    match user.find(':') {
        Some(colon) => Some(start + colon + 1..start + user.len()),
        None if user.len() >= 20 => Some(start..start + user.len()),
        None => None,
    }
}

/// `Bearer X`, `Basic X` anywhere; prose (`bearer token`) is told by its plain letters.
fn headers(text: &str, found: &mut Vec<Range<usize>>) {
    let lower = text.to_ascii_lowercase();
    for scheme in ["bearer ", "basic "] {
        let mut at = 0;
        while let Some(start) =
            lower.get(at..).and_then(|rest| rest.find(scheme)).map(|i| at + i + scheme.len())
        {
            let start = run(text, start, |b| b == b' ');
            let end = run(text, start, |b| is_base64(b) || matches!(b, b'.' | b'~'));
            let value = text.get(start..end).unwrap_or_default();
            if value.len() >= 4
                && (value.len() >= 16 || !value.bytes().all(|b| b.is_ascii_lowercase()))
            {
                found.push(start..end);
            }
            at = end;
        }
    }
}

/// `NAME=value`, `name: value`, `"name":"value"`. What was taken for a value is not looked at again,
/// so that the work stays linear in the text.
fn named_values(text: &str, found: &mut Vec<Range<usize>>) {
    let mut done = 0;
    for (sign, separator) in text.match_indices(['=', ':']) {
        if sign < done {
            continue;
        }
        let Some(name) = name_before(text, sign) else { continue };
        let name_text = text.get(name.clone()).unwrap_or_default();
        if separator == ":" && names::is_header(name_text) {
            found.extend(header_value(text, sign + 1));
            continue;
        }
        if name_text.ends_with("from-literal") && separator == "=" {
            found.extend(literal(text, sign + 1));
            continue;
        }
        if !names::is_credential_name(name_text) {
            continue;
        }
        let value = value_after(text, sign + 1);
        let written = text.get(value.clone()).unwrap_or_default();
        done = value.end;
        if !is_reference(written) && (separator == "=" || colon_names(text, &name, sign, &value)) {
            found.push(value);
        }
    }
}

/// The name that ends before a sign, without the quotes around it.
fn name_before(text: &str, sign: usize) -> Option<Range<usize>> {
    let before = text.get(..sign)?;
    let before = before.trim_end_matches([' ', '\t', '"', '\'', '\\']);
    let start = before
        .bytes()
        .rposition(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')))
        .map_or(0, |at| at + 1);
    (before.len() - start <= 200 && start < before.len()).then_some(start..before.len())
}

/// Where the value lies that begins behind a sign.
fn value_after(text: &str, at: usize) -> Range<usize> {
    let start = run(text, at, |b| matches!(b, b' ' | b'\t'));
    let bytes = text.as_bytes().get(start..).unwrap_or_default();
    let (open, quote) = match bytes {
        [b'\\', quote @ (b'"' | b'\''), ..] => (2, Some(*quote)),
        [quote @ (b'"' | b'\''), ..] => (1, Some(*quote)),
        _ => (0, None),
    };
    let start = start + open;
    let end = match quote {
        Some(quote) => quoted_end(text, start, quote, open == 2),
        None => run(text, start, |b| !b.is_ascii_whitespace() && !b";&\"'`".contains(&b)),
    };
    start..end
}

fn quoted_end(text: &str, start: usize, quote: u8, escaped: bool) -> usize {
    let mut at = start;
    loop {
        at = run(text, at, |b| b != quote && b != b'\\');
        match (text.as_bytes().get(at), text.as_bytes().get(at + 1)) {
            (Some(b'\\'), Some(next)) if *next == quote && escaped => return at,
            (Some(b'\\'), Some(_)) => at = next_boundary(text, at + 2),
            _ => return at,
        }
    }
}

fn next_boundary(text: &str, mut at: usize) -> usize {
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at.min(text.len())
}

/// Whether a colon after a credential's name introduces its value: prose uses colons too.
fn colon_names(text: &str, name: &Range<usize>, sign: usize, value: &Range<usize>) -> bool {
    let gap = text.get(sign + 1..value.start).unwrap_or_default();
    if gap.is_empty() && text.as_bytes().get(sign + 1) != Some(&b'"') {
        return !names::is_weak(text.get(name.clone()).unwrap_or_default());
    }
    let quoted = text.get(name.end..sign).is_some_and(|between| between.contains(['"', '\'']));
    if quoted || !names::is_weak(text.get(name.clone()).unwrap_or_default()) {
        return true;
    }
    // YAML: alone on its line, with one word as its value.
    begins_line(text, name.start) && ends_line(text, value.end)
}

fn begins_line(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default().iter().rev().take(MAX_INDENT);
    before.take_while(|byte| **byte != b'\n').all(|byte| b" \t\r-\"'".contains(byte))
}

fn ends_line(text: &str, at: usize) -> bool {
    let after = text.as_bytes().get(at..).unwrap_or_default().iter().take(MAX_INDENT);
    after.take_while(|byte| **byte != b'\n').all(|byte| b" \t\r\"'".contains(byte))
}

/// A value that says where the credential is instead of being it.
fn is_reference(value: &str) -> bool {
    const PATHS: [&str; 9] =
        ["/var/", "/etc/", "/run/", "/tmp/", "/mnt/", "/home/", "/secrets/", "/opt/", "/vault/"];
    const WORDS: [&str; 9] = ["true", "false", "null", "none", "nil", "yes", "no", "{", "["];
    value.is_empty()
        || value.starts_with('$')
        || value.starts_with('<')
        || PATHS.iter().any(|path| value.starts_with(path))
        || WORDS.contains(&value.to_ascii_lowercase().as_str())
}

/// The credential in the value of a header, without its scheme.
fn header_value(text: &str, at: usize) -> Option<Range<usize>> {
    let start = run(text, at, |b| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'\\'));
    let end = run(text, start, |b| !b"\"'\r\n\\".contains(&b));
    let value = text.get(start..end)?;
    if value.is_empty() || is_reference(value) {
        return None;
    }
    let scheme = value.find(' ').map_or(0, |space| space + 1);
    Some(start + scheme..end)
}

/// The value in `--from-literal=key=VALUE`.
fn literal(text: &str, at: usize) -> Option<Range<usize>> {
    let end = run(text, at, |b| !b.is_ascii_whitespace());
    let sign = text.get(at..end)?.find('=')?;
    Some(at + sign + 1..end)
}

/// Command lines in one string: its words are looked at like arguments.
fn commands(text: &str, found: &mut Vec<Range<usize>>) {
    if !text.contains(" -") && !text.contains("pass:") && !text.contains(" set ") {
        return;
    }
    let words = shell_words(text);
    let argv: Vec<&str> = words.iter().filter_map(|word| text.get(word.clone())).collect();
    for (word, ranges) in words.iter().zip(argv::credentials(&argv)) {
        found.extend(
            ranges.into_iter().map(|range| word.start + range.start..word.start + range.end),
        );
    }
}

/// Words between blanks and quotes.
fn shell_words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let separates = c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ';' | '|');
        match (separates, start) {
            (false, None) => start = Some(at),
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}
