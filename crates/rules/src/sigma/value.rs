//! The values of Sigma rules: text with wildcards, and what the encoding modifiers make of it.
//!
//! Encodings work on bytes, and some give bytes that are no text; only what is text in the end can
//! be searched for in a log. Everything that multiplies values has a cap.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::collections::BTreeMap;

/// Most values that one item may become.
pub(super) const MOST_VALUES: usize = 4_096;

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Bytes that stand for themselves.
    Bytes(Vec<u8>),
    /// `*`
    Star,
    /// `?`
    One,
}

/// A value with wildcards.
pub(super) type Pieces = Vec<Piece>;

/// Values for placeholders, by name in lower case.
pub(super) type Placeholders = BTreeMap<String, Vec<String>>;

/// How a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Base64 of the whole.
    Base64,
    /// Base64 as it may stand inside of a longer text.
    Base64Offset,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// UTF-16 with a byte order mark.
    Utf16,
    /// All signs that may begin an option.
    WinDash,
}

/// Reads wildcards and escapes. A backslash escapes only wildcards and itself.
pub(super) fn pieces(text: &str) -> Pieces {
    let mut pieces = Vec::new();
    let mut bytes = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let wild = match c {
            '\\' => {
                let escaped = chars.next_if(|next| matches!(next, '*' | '?' | '\\'));
                push(&mut bytes, escaped.unwrap_or('\\'));
                continue;
            }
            '*' => Piece::Star,
            '?' => Piece::One,
            other => {
                push(&mut bytes, other);
                continue;
            }
        };
        if !bytes.is_empty() {
            pieces.push(Piece::Bytes(std::mem::take(&mut bytes)));
        }
        if !(wild == Piece::Star && pieces.last() == Some(&Piece::Star)) {
            pieces.push(wild);
        }
    }
    if !bytes.is_empty() {
        pieces.push(Piece::Bytes(bytes));
    }
    pieces
}

/// Text without wildcards.
pub(super) fn literal(text: &str) -> Pieces {
    if text.is_empty() { Vec::new() } else { vec![Piece::Bytes(text.as_bytes().to_vec())] }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// A value encoded; what is wrong, if it cannot be.
pub(super) fn encoded(pieces: &Pieces, encoding: Encoding) -> Result<Vec<Pieces>, String> {
    if encoding == Encoding::WinDash {
        return dashes(pieces);
    }
    let bytes = match pieces.as_slice() {
        [] => Vec::new(),
        [Piece::Bytes(bytes)] => bytes.clone(),
        _ => return Err("a value with wildcards cannot be encoded".to_owned()),
    };
    let wide = |order: fn(u16) -> [u8; 2], mark: &[u8]| {
        let text = std::str::from_utf8(&bytes).map_err(|_| "it was encoded before".to_owned())?;
        let wide: Vec<u8> = text.encode_utf16().flat_map(order).collect();
        Ok::<_, String>([mark.to_vec(), wide].concat())
    };
    let values = match encoding {
        Encoding::Base64 => vec![BASE64_STANDARD.encode(&bytes).into_bytes()],
        Encoding::Base64Offset => (0..3).filter_map(|offset| shifted(&bytes, offset)).collect(),
        Encoding::Utf16Le => vec![wide(u16::to_le_bytes, &[])?],
        Encoding::Utf16Be => vec![wide(u16::to_be_bytes, &[])?],
        Encoding::Utf16 => vec![wide(u16::to_le_bytes, &[0xff, 0xfe])?],
        Encoding::WinDash => Vec::new(),
    };
    Ok(values.into_iter().map(|bytes| vec![Piece::Bytes(bytes)]).collect())
}

/// The characters that are the same whatever stands before and after.
fn shifted(bytes: &[u8], offset: usize) -> Option<Vec<u8>> {
    let padded = [vec![b' '; offset], bytes.to_vec()].concat();
    let text = BASE64_STANDARD.encode(&padded).into_bytes();
    let start = [0, 2, 3].get(offset).copied()?;
    let end = text.len() - [0, 3, 2].get(padded.len() % 3).copied()?;
    text.get(start..end).filter(|kept| !kept.is_empty()).map(<[u8]>::to_vec)
}

const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// All ways to write the signs that begin an option: those before a word and not inside of one.
fn dashes(pieces: &Pieces) -> Result<Vec<Pieces>, String> {
    let mut all: Vec<Pieces> = vec![Vec::new()];
    for piece in pieces {
        let choices = match piece {
            Piece::Bytes(bytes) => text_choices(bytes)?.into_iter().map(Piece::Bytes).collect(),
            other => vec![other.clone()],
        };
        if all.len().saturating_mul(choices.len()) > MOST_VALUES {
            return Err(TOO_MANY.to_owned());
        }
        let longer = |start: &Pieces, next: &Piece| [start.clone(), vec![next.clone()]].concat();
        all = all
            .iter()
            .flat_map(|start| choices.iter().map(move |next| longer(start, next)))
            .collect();
    }
    Ok(all)
}

/// Said where values multiply too much.
pub(super) const TOO_MANY: &str = "its values become more than 4,096";

fn text_choices(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it was encoded before".to_owned())?;
    let mut all = vec![String::new()];
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let begins = !word(before) && chars.peek().copied().is_some_and(word);
        let signs = if DASHES.contains(&c) && begins { DASHES.to_vec() } else { vec![c] };
        if all.len() * signs.len() > MOST_VALUES {
            return Err(TOO_MANY.to_owned());
        }
        all = all
            .iter()
            .flat_map(|start| signs.iter().map(move |sign| format!("{start}{sign}")))
            .collect();
        before = c;
    }
    Ok(all.into_iter().map(String::into_bytes).collect())
}

/// A text with its placeholders filled in, in all combinations. The error is the name of a
/// placeholder that has no values.
pub(super) fn filled(text: &str, known: &Placeholders) -> Result<Vec<Pieces>, String> {
    let mut all: Vec<Pieces> = vec![Vec::new()];
    let mut rest = text;
    while let Some((before, name, after)) = next_placeholder(rest) {
        let values = known.get(&name.to_lowercase()).ok_or_else(|| name.to_owned())?;
        let before = pieces(&unescaped(before));
        all = all
            .iter()
            .flat_map(|start| {
                values.iter().map(|value| [start.clone(), before.clone(), pieces(value)].concat())
            })
            .take(MOST_VALUES + 1)
            .collect();
        rest = after;
    }
    let end = pieces(&unescaped(rest));
    Ok(all.into_iter().map(|start| joined([start, end.clone()].concat())).collect())
}

fn unescaped(text: &str) -> String {
    text.replace("\\%", "%")
}

/// What stands before a placeholder, its name, and what follows.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut signs = text
        .match_indices('%')
        .map(|(at, _)| at)
        .filter(|at| !text.get(..*at).unwrap_or_default().ends_with('\\'));
    let mut start = signs.next()?;
    for end in signs {
        let name = text.get(start + 1..end)?;
        if !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) {
            return Some((text.get(..start)?, name, text.get(end + 1..)?));
        }
        start = end;
    }
    None
}

/// Neighbouring bytes as one piece.
fn joined(pieces: Pieces) -> Pieces {
    let mut out: Pieces = Vec::new();
    for piece in pieces {
        match (out.last_mut(), piece) {
            (Some(Piece::Bytes(last)), Piece::Bytes(more)) => last.extend(more),
            (_, piece) => out.push(piece),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pieces: &Pieces) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => format!("[{}]", String::from_utf8_lossy(bytes)),
            Piece::Star => "*".to_owned(),
            Piece::One => "?".to_owned(),
        };
        pieces.iter().map(one).collect()
    }

    #[test]
    fn a_backslash_escapes_wildcards_and_itself_and_nothing_else() {
        for (text, wanted) in [
            ("a*b?c", "[a]*[b]?[c]"),
            (r"C:\dir\*", r"[C:\dir*]"),
            (r"C:\dir\\*", r"[C:\dir\]*"),
            (r"a\\\*b", r"[a\*b]"),
            (r"\\\\", r"[\\]"),
            (r"\", r"[\]"),
            ("**", "*"),
            ("", ""),
        ] {
            assert_eq!(shown(&pieces(text)), wanted, "{text}");
        }
    }

    #[test]
    fn base64_inside_of_a_longer_text_is_found_at_each_shift() {
        let values = encoded(&pieces("http://"), Encoding::Base64Offset).unwrap();
        let values: Vec<String> = values.iter().map(shown).collect();
        assert_eq!(values, ["[aHR0cDovL]", "[h0dHA6Ly]", "[odHRwOi8v]"]);
        for before in ["", "x", "xy"] {
            let whole = BASE64_STANDARD.encode(format!("{before}http://example.org"));
            assert!(values.iter().any(|value| whole.contains(value.trim_matches(['[', ']']))));
        }
    }

    #[test]
    fn wide_text_is_encoded_before_base64() {
        let wide = encoded(&pieces("ab"), Encoding::Utf16Le).unwrap();
        let values = encoded(&wide[0], Encoding::Base64).unwrap();
        assert_eq!(shown(&values[0]), "[YQBiAA==]");
        let marked = encoded(&pieces("a"), Encoding::Utf16).unwrap();
        assert_eq!(marked[0], [Piece::Bytes(vec![0xff, 0xfe, 0x61, 0])]);
        let big = encoded(&pieces("a"), Encoding::Utf16Be).unwrap();
        assert_eq!(big[0], [Piece::Bytes(vec![0, 0x61])]);
        assert!(encoded(&pieces("a*"), Encoding::Base64).is_err());
    }

    #[test]
    fn dashes_before_words_are_permuted_and_those_inside_are_not() {
        let values = encoded(&pieces(" -a b-c"), Encoding::WinDash).unwrap();
        assert_eq!(values.len(), 5);
        assert!(values.iter().any(|value| shown(value) == "[ /a b-c]"));
        let many = " -a".repeat(20);
        assert_eq!(encoded(&pieces(&many), Encoding::WinDash), Err(TOO_MANY.to_owned()));
    }

    #[test]
    fn placeholders_take_all_their_values() {
        let known = BTreeMap::from([("n".to_owned(), vec!["a*".to_owned(), "b".to_owned()])]);
        let values = filled("x%n%y", &known).unwrap();
        assert_eq!(values.iter().map(shown).collect::<Vec<_>>(), ["[xa]*[y]", "[xby]"]);
        assert_eq!(filled(r"\%plain%n%", &known).unwrap().len(), 2);
        assert_eq!(filled("%other%", &known), Err("other".to_owned()));
        assert_eq!(filled("100% of", &known).unwrap(), [pieces("100% of")]);
    }
}
