//! The condition of a Sigma rule: names of selections joined by words.
//!
//! The text comes from a file that anybody may have written, so depth and length have caps, and an
//! error says which word is wrong.

/// Longest condition.
const MAX_LENGTH: usize = 16 << 10;
/// Deepest nesting.
const MAX_DEPTH: usize = 64;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// A selection by its name.
    Name(String),
    /// Some or all of the selections whose names match; `None` is `them`.
    Of { all: bool, pattern: Option<String> },
    /// Not this.
    Not(Box<Condition>),
    /// All of these.
    And(Vec<Condition>),
    /// Any of these.
    Or(Vec<Condition>),
}

/// What is wrong with a condition, and what to do about it.
pub(super) type Wrong = (String, &'static str);

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Condition, Wrong> {
    if text.len() > MAX_LENGTH {
        return Err((format!("the condition is longer than {MAX_LENGTH} bytes"), "split the rule"));
    }
    let words = words(text)?;
    let mut parser = Parser { words: &words, at: 0 };
    let condition = parser.any(0)?;
    match parser.peek() {
        None => Ok(condition),
        Some(")") => Err(("`)` has no `(`".to_owned(), "")),
        Some(word) => {
            Err((format!("`{word}` is not expected here"), "join selections with `and` or `or`"))
        }
    }
}

fn words(text: &str) -> Result<Vec<&str>, Wrong> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            _ if is_of_name(first) => rest.find(|c| !is_of_name(c)).unwrap_or(rest.len()),
            '|' => {
                let hint = "write a correlation document; the old form was taken out of Sigma";
                return Err(("a condition has no `|`".to_owned(), hint));
            }
            other => return Err((format!("`{other}` cannot stand in a condition"), "")),
        };
        let (word, after) = rest.split_at(length);
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || "_-.*?".contains(c)
}

struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = self.peek().is_some_and(|next| next.eq_ignore_ascii_case(word));
        self.at += usize::from(is);
        is
    }

    fn any(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(single(parts, Condition::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, Wrong> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Ok(single(parts, Condition::And))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, Wrong> {
        if depth > MAX_DEPTH {
            return Err(("the condition is nested too deep".to_owned(), "split the rule"));
        }
        if self.takes("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.any(depth + 1)?;
            if self.takes(")") {
                return Ok(inner);
            }
            return Err(("`(` is not closed".to_owned(), ""));
        }
        let Some(word) = self.peek().filter(|word| *word != ")") else {
            return Err(("the condition ends too early".to_owned(), "a selection is missing"));
        };
        self.at += 1;
        if self.takes("of") { self.of(word) } else { name(word) }
    }

    fn of(&mut self, quantity: &str) -> Result<Condition, Wrong> {
        let all = match quantity.to_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            _ => {
                let hint = "write `1 of`, `any of` or `all of`";
                return Err((format!("`{quantity} of` is not known"), hint));
            }
        };
        let Some(pattern) = self.peek().filter(|word| !matches!(*word, "(" | ")")) else {
            return Err(("`of` has no selections".to_owned(), "write `1 of selection_*`"));
        };
        self.at += 1;
        let pattern = (!pattern.eq_ignore_ascii_case("them")).then(|| pattern.to_owned());
        Ok(Condition::Of { all, pattern })
    }
}

fn name(word: &str) -> Result<Condition, Wrong> {
    if ["and", "or", "of"].iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return Err((format!("`{word}` stands where a selection should be"), ""));
    }
    if word.contains('*') {
        return Err((format!("`{word}` is a pattern"), "write `1 of` or `all of` before it"));
    }
    Ok(Condition::Name(word.to_owned()))
}

fn single(mut parts: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => join(parts),
    }
}

impl Condition {
    /// Whether it only says what an event must not be.
    pub(super) fn is_negative(&self) -> bool {
        match self {
            Condition::Not(_) => true,
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().all(Condition::is_negative)
            }
            _ => false,
        }
    }
}

/// Whether a name matches a pattern with `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = left.get(at + part.len()..).unwrap_or_default();
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(condition: &Condition) -> String {
        let join = |parts: &[Condition], word: &str| {
            format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word))
        };
        match condition {
            Condition::Name(name) => name.clone(),
            Condition::Of { all, pattern } => {
                format!("{all}:{}", pattern.as_deref().unwrap_or("them"))
            }
            Condition::Not(part) => format!("!{}", shown(part)),
            Condition::And(parts) => join(parts, "&"),
            Condition::Or(parts) => join(parts, "|"),
        }
    }

    #[test]
    fn not_binds_closer_than_and_and_and_closer_than_or() {
        for (text, wanted) in [
            ("a", "a"),
            ("a or b and not c", "(a|(b&!c))"),
            ("not (a or b) and c", "(!(a|b)&c)"),
            ("1 of sel_* and not 1 of them", "(false:sel_*&!false:them)"),
            ("ALL OF them", "true:them"),
            ("any of x", "false:x"),
        ] {
            assert_eq!(parse(text).map(|one| shown(&one)), Ok(wanted.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("", "ends too early"),
            ("a and", "ends too early"),
            ("a b", "`b` is not expected"),
            ("(a", "is not closed"),
            ("a)", "has no `(`"),
            ("2 of them", "`2 of` is not known"),
            ("1 of", "has no selections"),
            ("a | count() > 5", "no `|`"),
            ("sel*", "is a pattern"),
            ("a and or b", "where a selection should be"),
            ("a & b", "cannot stand"),
        ] {
            let error = parse(text).unwrap_err().0;
            assert!(error.contains(part), "{text}: {error}");
        }
        let deep = "(".repeat(1_000) + "a" + &")".repeat(1_000);
        assert!(parse(&deep).unwrap_err().0.contains("too deep"));
        assert!(parse(&"not ".repeat(1_000)).is_err());
        assert!(parse(&"a or ".repeat(10_000)).unwrap_err().0.contains("longer"));
    }

    #[test]
    fn patterns_have_stars_anywhere() {
        for (pattern, name, is) in [
            ("sel_*", "sel_a", true),
            ("sel_*", "selection", false),
            ("*_a", "sel_a", true),
            ("s*_*a", "sel_ba", true),
            ("a*a", "a", false),
            ("a", "a", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(\\PC|[()*| ]|and|or|not|of|them|1){0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_from_a_condition_is_read_as_it(
            text in "(not )?[a-c]( (and|or) (not )?\\(?[a-c]\\)?){0,6}"
        ) {
            if let Ok(read) = parse(&text) {
                let written = shown(&read).replace('&', " and ").replace('|', " or ").replace('!', " not ");
                prop_assert_eq!(parse(&written), Ok(read));
            }
        }
    }
}
