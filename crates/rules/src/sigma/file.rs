//! The documents of a Sigma file: one file may hold several, and each is a rule, a correlation, a
//! filter or a list of values.
//!
//! The YAML reader forgets positions, so documents are cut apart here and lines are looked up by the
//! words that stand on them. That is only for messages.

use crate::{
    error::{LoadError, nearest},
    nesting::{TOO_DEEP, too_deep},
};
use serde_yaml_ng::{Mapping, Value};

/// Largest file.
const MAX_FILE: usize = 1 << 20;
/// Most documents of one file.
const MAX_DOCUMENTS: usize = 1_000;

/// One document.
#[derive(Clone, Debug)]
pub(super) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    /// Lines before it.
    line: usize,
    pub(super) map: Mapping,
}

/// The documents of a file.
pub(super) fn documents<'a>(
    file: &'a str,
    text: &'a str,
) -> Result<Vec<Document<'a>>, Vec<LoadError>> {
    let error = |what: String, line: Option<usize>| LoadError {
        file: file.to_owned(),
        line,
        what,
        ..LoadError::default()
    };
    if text.len() > MAX_FILE {
        return Err(vec![error(format!("the file is larger than {MAX_FILE} bytes"), None)]);
    }
    if let Some(line) = too_deep(text) {
        return Err(vec![error(TOO_DEEP.to_owned(), Some(line))]);
    }
    let parts = parts(text);
    if parts.len() > MAX_DOCUMENTS {
        return Err(vec![error(format!("more than {MAX_DOCUMENTS} documents"), None)]);
    }
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for (line, text) in parts {
        match serde_yaml_ng::from_str::<Value>(text) {
            Ok(Value::Null) => {}
            Ok(Value::Mapping(map)) => documents.push(Document { file, text, line, map }),
            Ok(_) => errors.push(error("a document is no map of keys".to_owned(), Some(line + 1))),
            Err(problem) => {
                let at = problem.location().map_or(1, |place| place.line());
                let what = problem.to_string();
                let what = what.split(" at line ").next().unwrap_or_default().to_owned();
                errors.push(error(what, Some(line + at)));
            }
        }
    }
    if errors.is_empty() { Ok(documents) } else { Err(errors) }
}

/// The texts between lines of `---`, with the number of lines before each.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let (mut parts, mut start, mut first, mut at) = (Vec::new(), 0, 0, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if matches!(line.trim_end(), "---" | "...") || line.starts_with("--- ") {
            parts.push((first, text.get(start..at).unwrap_or_default()));
            start = at + line.len();
            first = number + 1;
        }
        at += line.len();
    }
    parts.push((first, text.get(start..).unwrap_or_default()));
    parts
}

impl<'a> Document<'a> {
    /// The name of its file.
    pub(super) fn file(&self) -> &'a str {
        self.file
    }

    /// Its text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Something wrong with it, near a word.
    pub(super) fn error(
        &self,
        near: &str,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> LoadError {
        let has = |line: &str| !near.is_empty() && line.contains(near);
        let at = self.text.lines().position(has).unwrap_or(0);
        LoadError {
            file: self.file.to_owned(),
            line: Some(self.line + at + 1),
            column: None,
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// A text of the document; numbers count as text.
    pub(super) fn word(&self, key: &str) -> Option<String> {
        match self.map.get(key)? {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A list of texts; one text is a list of one.
    pub(super) fn words(&self, key: &str) -> Vec<String> {
        self.map.get(key).map(texts).unwrap_or_default()
    }

    /// That a key is missing, with the key that was probably meant.
    pub(super) fn missing(&self, key: &str) -> LoadError {
        let written = self.map.keys().filter_map(Value::as_str);
        let meant = written.filter(|word| nearest(word, [key]).is_some()).find(|word| *word != key);
        let hint = match meant {
            Some(word) => format!("is `{word}` meant to be it?"),
            None => "see docs/sigma.md".to_owned(),
        };
        self.error(meant.unwrap_or_default(), format!("the key `{key}` is missing"), hint)
    }
}

/// The texts of a list, or one text.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Sequence(list) => list.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(value) => vec![value.to_string()],
        _ => Vec::new(),
    }
}
