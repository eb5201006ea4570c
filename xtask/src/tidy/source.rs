//! Reads Rust source well enough to count: comments and the contents of literals are blanked, then
//! braces are matched. No parser, because what it reads is already formatted by rustfmt, and a
//! check that needs a compiler's crate to build would be the slowest thing in the workspace.

/// A function and how long it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name.
    pub(super) name: String,
    /// First line, from 1.
    pub(super) line: usize,
    /// Lines from `fn` to the closing brace.
    pub(super) lines: usize,
}

/// The source with comments and the contents of literals as blanks. Lines stay where they are.
pub(super) fn blanked(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let (skip, blank) = literal(rest, at > 0 && is_word(bytes.get(at - 1)));
        if blank {
            // The delimiters stay, so that `.expect("…")` can still be told.
            let inner = out.get_mut(at + 1..(at + skip).saturating_sub(1)).unwrap_or_default();
            inner.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        if blank && rest.starts_with(b"/") {
            let all = out.get_mut(at..at + skip).unwrap_or_default();
            all.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        at += skip.max(1);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Length of the comment or literal that starts here, and whether to blank it.
fn literal(rest: &[u8], in_word: bool) -> (usize, bool) {
    match rest {
        [b'/', b'/', ..] => (find(rest, b"\n").unwrap_or(rest.len()), true),
        [b'/', b'*', ..] => (block_comment(rest), true),
        [b'"', ..] => (string(rest), true),
        [b'r' | b'b', ..] if !in_word => {
            raw_string(rest).map_or((1, false), |length| (length, true))
        }
        [b'\'', ..] => character(rest).map_or((1, false), |length| (length, true)),
        _ => (1, false),
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, also with `b` before it.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let start = usize::from(rest.first() == Some(&b'b'));
    if rest.get(start) != Some(&b'r') {
        return None;
    }
    let hashes = rest.iter().skip(start + 1).take_while(|byte| **byte == b'#').count();
    let open = start + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = rest.get(open + 1..)?;
    Some(find(body, &close).map_or(rest.len(), |end| open + 1 + end + close.len()))
}

/// `'x'`, `'\n'`, `'\u{1f}'`, not the lifetime `'a`.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        return find(rest.get(3..)?, b"'").map(|end| end + 4);
    }
    let width = std::str::from_utf8(rest.get(1..)?.get(..4.min(rest.len() - 1))?)
        .map_or_else(|error| error.valid_up_to(), |_| usize::MAX);
    let width = (1..=4usize.min(width)).find(|width| rest.get(1 + width) == Some(&b'\''))?;
    let one = std::str::from_utf8(rest.get(1..=width)?).ok()?;
    (one.chars().count() == 1).then_some(width + 2)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len().max(1)).position(|window| window == what)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The functions of blanked source, inner ones too.
pub(super) fn functions(blanked: &str) -> Vec<Function> {
    let bytes = blanked.as_bytes();
    let starts = blanked.match_indices("fn ").map(|(at, _)| at);
    starts
        .filter(|at| !at.checked_sub(1).is_some_and(|before| is_word(bytes.get(before))))
        .filter_map(|at| function(blanked, at))
        .collect()
}

fn function(blanked: &str, at: usize) -> Option<Function> {
    let rest = blanked.get(at + 3..)?;
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() {
        return None;
    }
    let open = body_start(rest)?;
    let length = block_length(rest.get(open..)?)?;
    let line = blanked.get(..at)?.matches('\n').count() + 1;
    let lines = blanked.get(at..at + 3 + open + length)?.matches('\n').count() + 1;
    Some(Function { name, line, lines })
}

/// The brace that opens the body; a declaration without one has none.
fn body_start(rest: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Length of the block that starts with a brace.
pub(super) fn block_length(text: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 && byte == b'}' {
            return Some(at + 1);
        }
    }
    None
}

/// Blanks the items that are compiled for tests only.
pub(super) fn without_tests(blanked: &str) -> String {
    let mut text = blanked.to_owned();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("#[cfg(test)]")) {
        let start = from + found;
        let rest = text.get(start..).unwrap_or_default();
        let item = match (rest.find('{'), rest.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|at| open < at) => {
                open + rest.get(open..).and_then(block_length).unwrap_or(rest.len() - open)
            }
            (_, Some(semicolon)) => semicolon + 1,
            _ => rest.len(),
        };
        let end = start + item;
        let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
        let clean: String = text.get(start..end).unwrap_or_default().chars().map(blank).collect();
        let length = clean.len();
        text.replace_range(start..end, &clean);
        from = start + length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_in_literals_and_comments_do_not_count() {
        let source = "fn a() {\n    let x = \"}\"; // }\n    let y = '}'; /* } */\n    let z = \
                      r#\"}\"#;\n}\nfn b<'a>(x: &'a str) {}\n";
        let found = functions(&blanked(source));
        assert_eq!(
            found,
            [
                Function { name: "a".into(), line: 1, lines: 5 },
                Function { name: "b".into(), line: 6, lines: 1 }
            ]
        );
    }

    #[test]
    fn lifetimes_escapes_and_wide_characters_do_not_derail() {
        let source = "fn f<'a>(c: &'a char) -> bool { *c == '\\'' || *c == '{' || *c == '“' || *c == \
                      '\\u{7b}' }\nfn g() {}\n";
        let names: Vec<String> = functions(&blanked(source)).into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["f", "g"]);
    }

    #[test]
    fn a_declaration_has_no_body_and_a_pointer_type_no_name() {
        assert!(functions("trait T { fn a(&self); }\ntype F = fn (u8) -> u8;\n").is_empty());
    }

    #[test]
    fn blanking_moves_no_line() {
        let source = "// one\n/* two\nthree */ fn x() {\n\"a\nb\" }\n";
        let blank = blanked(source);
        assert_eq!(blank.matches('\n').count(), source.matches('\n').count());
        assert_eq!(functions(&blank).first().map(|f| f.line), Some(3));
    }

    #[test]
    fn tests_are_left_out() {
        let source = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { x.unwrap() } }\nfn c() {}\n\
                      #[cfg(test)]\nmod more;\nfn d() {}\n";
        let text = without_tests(&blanked(source));
        assert!(!text.contains("unwrap") && !text.contains("more"));
        assert!(text.contains("fn c()") && text.contains("fn d()"));
    }
}
