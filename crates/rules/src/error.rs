//! What is wrong with a rule file, said so that its author can mend it: file, line, what, and what
//! to write instead. All errors of all files are collected, because nobody likes to learn them one
//! by one.

use std::fmt;

/// One thing wrong with one rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadError {
    /// Name of the file as it was given.
    pub file: String,
    /// Line, counted from 1, if known.
    pub line: Option<usize>,
    /// Column, counted from 1, if known.
    pub column: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let (Some(_), Some(column)) = (self.line, self.column) {
            write!(f, ":{column}")?;
        }
        write!(f, ": {}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadError {}

/// The known word that was probably meant, if one is near enough.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + word.chars().count() / 4;
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, or else the list of what there is.
pub(crate) fn suggest<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(candidate) = nearest(word, known.clone()) {
        return format!("did you mean `{candidate}`?");
    }
    let all: Vec<&str> = known.into_iter().collect();
    if all.len() > 12 { String::new() } else { format!("known: {}", all.join(", ")) }
}

/// Edits (insert, delete, replace) between two words. Words are capped, so this is cheap.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, from) in left.chars().take(64).enumerate() {
        let mut diagonal = at;
        let mut before = at + 1;
        for (to, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = *cell;
            before = replaced.min(diagonal + 1).min(before + 1);
            *cell = before;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_corrected_and_nonsense_is_not() {
        let known = ["when", "why", "benign", "enables"];
        for (typed, meant) in
            [("wehn", Some("when")), ("enable", Some("enables")), ("zzzzzzzz", None)]
        {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }

    #[test]
    fn distances_are_counts_of_edits() {
        for (left, right, edits) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "", 2)]
        {
            assert_eq!(distance(left, right), edits, "{left} {right}");
        }
    }

    #[test]
    fn an_error_says_where_what_and_what_to_do() {
        let error = LoadError {
            file: "rules/rbac/x.yaml".into(),
            line: Some(3),
            column: Some(7),
            what: "unknown key `wehn`".into(),
            hint: "did you mean `when`?".into(),
        };
        assert_eq!(
            error.to_string(),
            "rules/rbac/x.yaml:3:7: unknown key `wehn` (did you mean `when`?)"
        );
    }
}
