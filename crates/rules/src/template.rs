//! Sentences with holes: `{field}`, `{principal}`, `{target}`, and the counts of a correlation.
//!
//! What fills the holes comes from logs and so from attackers. Values are cut to one line of
//! bounded length; in the commands of `next` they are quoted for the shell, because a reader will
//! paste them. Escaping for a terminal or a page is the output's business.

use crate::{
    error::suggest,
    field::{Field, FieldId, Type},
    read::{Memo, View},
    site::Knowledge,
    words,
};
use std::collections::BTreeMap;
use trailhound_model::{
    fact::Fact,
    lookup::{History, Reading},
};

/// Longest value in a sentence, in characters.
const MAX_VALUE: usize = 300;

/// Names that only a correlation can fill.
const COUNTS: [&str; 3] = ["count", "values", "minutes"];

/// Names that are no fields.
const WORDS: [&str; 3] = ["principal", "actor", "target"];

/// What a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Prose: text in backquotes is a quotation.
    Prose,
    /// A step to take: text in backquotes is a command.
    Step,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Principal,
    Target,
    Actor,
    Field(Field),
    Count(&'static str),
}

/// A sentence with holes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    source: String,
    /// Each part, and whether it stands in a command.
    parts: Vec<(Part, bool)>,
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

fn error(what: impl Into<String>, hint: impl Into<String>) -> TemplateError {
    TemplateError { what: what.into(), hint: hint.into() }
}

impl Template {
    /// Reads a template. `counted` allows the names that a correlation fills.
    pub fn parse(source: &str, purpose: Use, counted: bool) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut quoted = false;
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            let before = rest.get(..at).unwrap_or_default();
            quoted ^= before.matches('`').count() % 2 == 1;
            text.push_str(before);
            let tail = rest.get(at..).unwrap_or_default();
            if let Some(after) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
                text.push_str(tail.get(..1).unwrap_or_default());
                rest = after;
                continue;
            }
            let Some((name, after)) = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'))
            else {
                let what =
                    if tail.starts_with('{') { "`{` is not closed" } else { "`}` has no `{`" };
                return Err(error(what, "write `{{` and `}}` for braces"));
            };
            parts.push((Part::Text(std::mem::take(&mut text)), false));
            parts.push((part(name, counted)?, quoted && purpose == Use::Step));
            rest = after;
        }
        text.push_str(rest);
        parts.push((Part::Text(text), false));
        parts.retain(|(part, _)| *part != Part::Text(String::new()));
        Ok(Template { source: source.to_owned(), parts })
    }

    /// Stands in for a template that could not be read.
    pub(crate) fn empty() -> Template {
        Template { source: String::new(), parts: Vec::new() }
    }

    /// The template as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Fields that it names.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().filter_map(|(part, _)| match part {
            Part::Field(field) => Some(field),
            _ => None,
        })
    }

    /// Fills the holes. `extra` holds the counts of a correlation.
    pub fn render(
        &self,
        fact: &Fact,
        history: &dyn History,
        knowledge: Option<&Knowledge>,
        extra: &BTreeMap<String, String>,
    ) -> String {
        let memo = Memo::of(knowledge);
        let view = View::kept(fact, &memo, Some(history));
        let mut out = String::new();
        for (part, command) in &self.parts {
            match (part, value(part, fact, &view, extra)) {
                (Part::Text(text), _) => out.push_str(text),
                (_, value) if *command => out.push_str(&shell(&value)),
                (_, value) => out.push_str(&value),
            }
        }
        if self.is_sentence() { capitalised(out) } else { out }
    }

    /// A whole sentence that begins with one of our words, which then need a capital.
    fn is_sentence(&self) -> bool {
        let first = self.parts.first().map(|(part, _)| part);
        matches!(first, Some(Part::Principal | Part::Actor | Part::Target))
            && self.source.trim_end().ends_with('.')
    }
}

fn part(name: &str, counted: bool) -> Result<Part, TemplateError> {
    match name {
        "principal" => return Ok(Part::Principal),
        "actor" => return Ok(Part::Actor),
        "target" => return Ok(Part::Target),
        _ => {}
    }
    if let Some(count) = COUNTS.into_iter().find(|count| *count == name) {
        if counted {
            return Ok(Part::Count(count));
        }
        return Err(error(
            format!("`{{{name}}}` exists only in rules with a correlation"),
            "leave it out",
        ));
    }
    let Some(field) = Field::parse(name) else {
        let fields = FieldId::ALL.iter().map(|id| id.name());
        return Err(error(
            format!("there is no field `{{{name}}}`"),
            suggest(name, fields.chain(WORDS).chain(COUNTS)),
        ));
    };
    if field.origin().is_raw() {
        return Err(error(
            format!("`{{{name}}}` cannot stand in a sentence: raw bodies are not kept"),
            "use a named field such as `workload.…` or `target.name`",
        ));
    }
    if field.kind() == Type::Map {
        return Err(error(
            format!("`{{{name}}}` needs a key"),
            format!("write {{{name}[\"KEY\"]}}"),
        ));
    }
    Ok(Part::Field(field))
}

fn value(part: &Part, fact: &Fact, view: &View, extra: &BTreeMap<String, String>) -> String {
    let text = match part {
        Part::Text(_) => return String::new(),
        Part::Principal => words::principal(&fact.principal),
        Part::Actor => words::identity(fact.principal.actor()),
        Part::Target => words::target(fact),
        Part::Count(name) => extra.get(*name).cloned().unwrap_or_else(|| "some".to_owned()),
        Part::Field(field) => match view.words(field) {
            Reading::Present(text) if text.is_empty() => "(none)".to_owned(),
            Reading::Present(text) => text.into_owned(),
            Reading::Absent => "(none)".to_owned(),
            Reading::Unknown => "(not logged)".to_owned(),
        },
    };
    one_line(&text)
}

/// Without line breaks and other control characters, and not longer than a sentence bears.
pub fn one_line(text: &str) -> String {
    // A backquote would end or begin a quotation, and outputs show those as commands.
    let clean = |c: char| match c {
        '`' => '\'',
        c if c.is_control() => ' ',
        c => c,
    };
    let mut out: String = text.chars().take(MAX_VALUE).map(clean).collect();
    if text.chars().nth(MAX_VALUE).is_some() {
        out.push('…');
    }
    out
}

/// One word for the shell. A value that would be read as an option is not given at all.
fn shell(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "._:/@=+,%-".contains(c);
    if value.starts_with('-') {
        return "'(unsafe value)'".to_owned();
    }
    if !value.is_empty() && value.chars().all(safe) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('`', " ").replace('\'', "'\\''"))
}

fn capitalised(text: String) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.is_ascii_lowercase() => {
            first.to_ascii_uppercase().to_string() + chars.as_str()
        }
        _ => text,
    }
}
