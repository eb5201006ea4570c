//! Tokens of CEL, each with its offset, so that an error can point at the character.

use super::CelError;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Ident(String),
    Int(i64),
    Float,
    Text(String),
    Symbol(&'static str),
    End,
}

/// Longest first, so that `<=` is not read as `<`.
const SYMBOLS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", "{", "}", ".", ",", "?",
    ":", "+", "-", "*", "/", "%",
];

/// Splits the text; the last token is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, CelError> {
    let mut lexer = Lexer { text, at: 0 };
    let mut all = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let token = lexer.token()?;
        let ended = token == Token::End;
        all.push((start, token));
        if ended {
            return Ok(all);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start().len();
            let comment =
                if rest.starts_with("//") { rest.find('\n').unwrap_or(rest.len()) } else { 0 };
            if blanks + comment == 0 {
                return;
            }
            self.at += blanks.max(comment);
        }
    }

    fn token(&mut self) -> Result<Token, CelError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Token::End) };
        if let Some(raw) = string_start(rest) {
            return self.string(raw);
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let end = rest.find(word).unwrap_or(rest.len());
            let name = rest.get(..end).unwrap_or_default().to_owned();
            self.at += end;
            return Ok(Token::Ident(name));
        }
        match SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            Some(symbol) => {
                self.at += symbol.len();
                Ok(Token::Symbol(symbol))
            }
            None if first == '=' => {
                Err(CelError::new(self.at, "`=` is no operator").hint("compare with `==`"))
            }
            None if first == '&' || first == '|' => {
                Err(CelError::new(self.at, format!("`{first}` is no operator"))
                    .hint(format!("write `{first}{first}`")))
            }
            None => Err(CelError::new(self.at, format!("unexpected character `{first}`"))),
        }
    }

    fn number(&mut self) -> Result<Token, CelError> {
        let start = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric())).unwrap_or(rest.len());
        let digits = rest.get(..end).unwrap_or_default();
        let after = rest.get(end..).unwrap_or_default();
        if after
            .strip_prefix('.')
            .is_some_and(|more| more.starts_with(|c: char| c.is_ascii_digit()))
        {
            self.at += end + 1;
            self.number()?;
            return Ok(Token::Float);
        }
        let value = match digits.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16),
            None => digits.parse(),
        };
        self.at += end;
        value.map(Token::Int).map_err(|_| {
            CelError::new(start, format!("`{digits}` is no whole number that fits 64 bits"))
        })
    }

    fn string(&mut self, raw: bool) -> Result<Token, CelError> {
        let start = self.at;
        let open = start + usize::from(raw);
        let rest = self.text.get(open..).unwrap_or_default();
        let quote = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quote| rest.starts_with(quote))
            .unwrap_or("\"");
        let body = rest.get(quote.len()..).unwrap_or_default();
        let mut value = String::new();
        let mut chars = body.char_indices();
        while let Some((at, c)) = chars.next() {
            if body.get(at..).is_some_and(|tail| tail.starts_with(quote)) {
                self.at = open + quote.len() + at + quote.len();
                return Ok(Token::Text(value));
            }
            match c {
                '\n' | '\r' if quote.len() == 1 => break,
                '\\' if !raw => {
                    let place = open + quote.len() + at;
                    value.push(escape(&mut chars).ok_or_else(|| bad_escape(place))?);
                }
                other => value.push(other),
            }
        }
        Err(CelError::new(start, "the text is not closed").hint(format!("end it with {quote}")))
    }
}

/// Whether a string starts here, and whether it is a raw one.
fn string_start(rest: &str) -> Option<bool> {
    let quoted = |text: &str| text.starts_with('"') || text.starts_with('\'');
    if quoted(rest) {
        return Some(false);
    }
    rest.strip_prefix(['r', 'R']).filter(|tail| quoted(tail)).map(|_| true)
}

fn bad_escape(at: usize) -> CelError {
    CelError::new(at, "unknown escape in a text")
        .hint("write `\\\\` for a backslash, or a raw text r\"…\" for a regular expression")
}

fn escape(chars: &mut std::str::CharIndices) -> Option<char> {
    let (_, kind) = chars.next()?;
    Some(match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '\'' | '"' | '`' | '?' => kind,
        'x' | 'X' => code(chars, 2, 16, 0)?,
        'u' => code(chars, 4, 16, 0)?,
        'U' => code(chars, 8, 16, 0)?,
        '0'..='3' => code(chars, 2, 8, kind.to_digit(8)?)?,
        _ => return None,
    })
}

fn code(chars: &mut std::str::CharIndices, digits: usize, radix: u32, first: u32) -> Option<char> {
    let mut value = first;
    for _ in 0..digits {
        let digit = chars.next()?.1.to_digit(radix)?;
        value = value.checked_mul(radix)?.checked_add(digit)?;
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Token {
        tokens(text).unwrap().remove(0).1
    }

    #[test]
    fn texts_in_all_their_forms() {
        for (source, value) in [
            (r#""a\"b""#, "a\"b"),
            (r"'it''s'", "it"),
            (r"'\x41\u00e9\U0001F600\101'", "Aé😀A"),
            (r#"r"\d+\.""#, r"\d+\."),
            ("\"\"\"a\nb\"c\"\"\"", "a\nb\"c"),
            (r"'\\n'", "\\n"),
        ] {
            assert_eq!(one(source), Token::Text(value.into()), "{source}");
        }
    }

    #[test]
    fn numbers_comments_and_the_longest_operator() {
        let found: Vec<_> =
            tokens("a<=0x10 // done\n&& 7").unwrap().into_iter().map(|(_, token)| token).collect();
        let symbol = Token::Symbol;
        assert_eq!(
            found,
            [
                Token::Ident("a".into()),
                symbol("<="),
                Token::Int(16),
                symbol("&&"),
                Token::Int(7),
                Token::End
            ]
        );
    }

    #[test]
    fn what_is_no_token_is_pointed_at() {
        for (source, at, what) in [
            ("a = b", 2, "`=` is no operator"),
            ("a & b", 2, "`&` is no operator"),
            ("  'open", 2, "the text is not closed"),
            ("'a\nb'", 0, "the text is not closed"),
            (r"'\d'", 1, "unknown escape in a text"),
            (
                "99999999999999999999",
                0,
                "`99999999999999999999` is no whole number that fits 64 bits",
            ),
            ("a @ b", 2, "unexpected character `@`"),
            ("a § b", 2, "unexpected character `§`"),
        ] {
            let error = tokens(source).unwrap_err();
            assert_eq!((error.at, error.what.as_str()), (at, what), "{source}");
        }
    }
}
