//! Finds the line of a key in a rule file, because the YAML reader forgets positions once a value
//! is read. It is only for error messages, so where a file is written unusually (flow style, tabs)
//! it gives up or points at the key above, and nothing depends on it.

/// Where a condition's text starts in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Line of the text's first line, counted from 1.
    line: usize,
    /// Column of the first character, counted from 1.
    column: usize,
    /// Whether lines of the text are lines of the file.
    block: bool,
}

impl Place {
    /// Line and column of a byte offset in the condition.
    pub(crate) fn of(self, condition: &str, offset: usize) -> (usize, usize) {
        let before = condition.get(..offset).unwrap_or(condition);
        let line = before.matches('\n').count();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        match (self.block, line) {
            (true, _) => (self.line + line, self.column + column),
            (false, 0) => (self.line, self.column + column),
            (false, _) => (self.line, self.column),
        }
    }
}

/// Line of a key at the left margin.
pub(crate) fn top_key(text: &str, key: &str) -> Option<usize> {
    text.lines().position(|line| is_key(line, key)).map(|at| at + 1)
}

/// Line of a word within the block of a key at the left margin; the key's line if it is not there.
pub(crate) fn within(text: &str, key: &str, word: &str) -> Option<usize> {
    let start = top_key(text, key)?;
    let block = text.lines().enumerate().skip(start - 1);
    let mut inside = block.enumerate().take_while(|(at, (_, line))| *at == 0 || is_inside(line));
    inside
        .find(|(_, (_, line))| has_word(line, word))
        .map_or(Some(start), |(_, (at, _))| Some(at + 1))
}

/// Where the text of the `nth` condition named `when` within `section` starts; without a section,
/// of the one at the left margin.
pub(crate) fn condition(text: &str, section: Option<&str>, nth: usize) -> Option<Place> {
    let lines: Vec<&str> = text.lines().collect();
    let Some(section) = section else {
        return value_place(&lines, lines.iter().position(|line| is_key(line, "when"))?);
    };
    let start = lines.iter().position(|line| is_key(line, section))? + 1;
    let inside = lines.iter().enumerate().skip(start).take_while(|(_, line)| is_inside(line));
    let item = |line: &str| is_key(line.trim_start().trim_start_matches("- ").trim_start(), "when");
    let at = inside.filter(|(_, line)| item(line)).nth(nth)?.0;
    value_place(&lines, at)
}

/// Line of a word within the `nth` entry of a section's list; of the entry if it is not there.
pub(crate) fn item(text: &str, section: &str, nth: usize, word: &str) -> Option<usize> {
    let start = top_key(text, section)?;
    let inside = || text.lines().zip(1..).skip(start).take_while(|(line, _)| is_inside(line));
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let first = inside().find(|(line, _)| is_item(line)).map(|(line, _)| indent(line))?;
    let mut starts = inside().filter(|(line, _)| is_item(line) && indent(line) == first).skip(nth);
    let (_, from) = starts.next()?;
    let end = starts.next().map_or(usize::MAX, |(_, line)| line);
    let mut lines = inside().filter(|(_, line)| (from..end).contains(line));
    let found = lines.find(|(line, _)| !word.is_empty() && line.contains(word));
    Some(found.map_or(from, |(_, line)| line))
}

fn is_key(line: &str, key: &str) -> bool {
    line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
}

fn is_inside(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '-', '#'])
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || "-_.*".contains(c);
    line.split(|c| !part(c)).any(|one| one == word)
}

/// The value after the colon of line `at`, or below it if it is a block.
fn value_place(lines: &[&str], at: usize) -> Option<Place> {
    let line = *lines.get(at)?;
    let colon = line.find(':')? + 1;
    let value = line.get(colon..)?;
    let trimmed = value.trim_start();
    if trimmed.starts_with('|') {
        let (below, first) =
            lines.iter().enumerate().skip(at + 1).find(|(_, line)| !line.trim().is_empty())?;
        let indent = first.len() - first.trim_start().len();
        return Some(Place { line: below + 1, column: indent + 1, block: true });
    }
    let quote = usize::from(trimmed.starts_with(['"', '\'']));
    let column = colon + (value.len() - trimmed.len()) + quote + 1;
    Some(Place { line: at + 1, column, block: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "id: x\nwhen: |\n  a &&\n  b\nadjust:\n  - when: \"c\"\n    severity: low\n  - severity: high\n    when: d\non:\n  actions:\n    - pod.exec\n    - pod.exex\n";

    #[test]
    fn conditions_are_found_where_they_stand() {
        let block = condition(FILE, None, 0).unwrap();
        assert_eq!((block.of("a &&\nb\n", 0), block.of("a &&\nb\n", 5)), ((3, 3), (4, 3)));
        assert_eq!(condition(FILE, Some("adjust"), 0).unwrap().of("c", 0), (6, 12));
        assert_eq!(condition(FILE, Some("adjust"), 1).unwrap().of("d", 0), (9, 11));
        assert_eq!(condition(FILE, Some("adjust"), 2), None);
    }

    #[test]
    fn entries_of_a_list_are_found_by_their_number() {
        let file = "version: 1\nexpected:\n  - actors: [a]\n    rules:\n      - x\n  - actors: [b]\n    owner: o\nsuppress:\n- rules: [y]\n";
        assert_eq!(item(file, "expected", 0, ""), Some(3));
        assert_eq!(item(file, "expected", 0, "x"), Some(5));
        assert_eq!(item(file, "expected", 1, "owner"), Some(7));
        assert_eq!(item(file, "expected", 1, "x"), Some(6));
        assert_eq!(item(file, "suppress", 0, "y"), Some(9));
        assert_eq!(item(file, "suppress", 1, "y"), None);
    }

    #[test]
    fn words_are_found_whole_and_within_their_block() {
        assert_eq!(within(FILE, "on", "pod.exec"), Some(12));
        assert_eq!(within(FILE, "on", "pod.exex"), Some(13));
        assert_eq!(within(FILE, "on", "low"), Some(10));
        assert_eq!(within(FILE, "none", "low"), None);
    }
}
