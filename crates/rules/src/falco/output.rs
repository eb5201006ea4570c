//! The `output` of a rule as a form that is filled in while the record is in the buffer: later its
//! body is gone.
//!
//! Values come masked, like everything that leaves a record. They are capped, because a rule may ask
//! for the whole record and alerts wait for their order of time.

use super::{
    fields::{self, Field},
    lexer::name_length,
    priority::Priority,
};
use crate::{
    ask::Operand,
    derived::{Derived, Moment},
    error::LoadError,
    read::View,
};
use std::collections::BTreeMap;
use trailhound_model::alert::{Alert, AlertValue};

/// Longest value, in bytes.
const MAX_VALUE: usize = 64 << 10;
/// What stands for a value that is not there.
const MISSING: &str = "<NA>";

/// An output, ready to be filled in.
#[derive(Clone, Debug)]
pub(crate) struct AlertForm {
    rule: String,
    priority: &'static str,
    tags: Vec<String>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value { name: String, operand: Operand, is_list: bool },
}

/// What is wrong with an output.
pub(super) struct OutputError {
    pub(super) what: String,
    pub(super) hint: String,
    pub(super) is_unknown_field: bool,
}

impl OutputError {
    pub(super) fn at(self, origin: super::place::Origin<'_>) -> LoadError {
        origin.error_in("output", format!("in the output: {}", self.what), self.hint)
    }
}

impl AlertForm {
    pub(super) fn read(
        rule: &str,
        priority: Priority,
        tags: &[String],
        output: &str,
    ) -> Result<AlertForm, OutputError> {
        let mut parts = Vec::new();
        // A `*` before the output asks that it be written though values are missing: it always is.
        let mut rest = output.trim().trim_start_matches('*');
        while let Some(at) = rest.find('%') {
            let (before, after) =
                (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default());
            if let Some((part, length)) = value(after)? {
                parts.push(Part::Text(before.to_owned()));
                parts.push(part);
                rest = after.get(length..).unwrap_or_default();
            } else {
                parts.push(Part::Text(format!("{before}%")));
                rest = after;
            }
        }
        parts.push(Part::Text(rest.to_owned()));
        let mut tags = tags.to_vec();
        tags.sort();
        tags.dedup();
        Ok(AlertForm { rule: rule.to_owned(), priority: priority.name, tags, parts })
    }

    /// The alert that this event raises.
    pub(crate) fn fill(&self, view: &View<'_>) -> Alert {
        let time = view.event().time;
        let mut output = format!("{}: {} ", Moment::Clock.write(time), self.priority);
        let mut fields = BTreeMap::new();
        fields.insert("evt.time".to_owned(), number(&Moment::Nanoseconds.write(time)));
        for part in &self.parts {
            match part {
                Part::Text(text) => output.push_str(text),
                Part::Value { name, operand, is_list } => {
                    let value = filled(operand, *is_list, view);
                    push(&value, &mut output);
                    fields.insert(name.clone(), value);
                }
            }
        }
        Alert {
            time,
            rule: self.rule.clone(),
            priority: self.priority.to_owned(),
            tags: self.tags.clone(),
            output,
            fields,
        }
    }
}

/// The value that a text behind `%` asks for, and how long its name is; `None` if it asks for none.
fn value(text: &str) -> Result<Option<(Part, usize)>, OutputError> {
    let Some(length) = name_length(text) else { return Ok(None) };
    let name = text.get(..length).unwrap_or_default();
    if !name.contains('.') {
        return Ok(None);
    }
    let after = text.get(length..).unwrap_or_default();
    let bracket = after.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let argument = bracket.map(|(argument, _)| argument);
    let whole = length + argument.map_or(0, |argument| argument.len() + 2);
    let field = fields::field(name, argument).map_err(|error| OutputError {
        what: error.what,
        hint: error.hint,
        is_unknown_field: error.is_unknown,
    })?;
    let name = text.get(..whole).unwrap_or_default().to_owned();
    let Field { operand, is_list, .. } = field;
    Ok(Some((Part::Value { name, operand, is_list }, whole)))
}

fn number(text: &str) -> AlertValue {
    text.parse().map_or_else(|_| AlertValue::Text(text.to_owned()), AlertValue::Number)
}

fn filled(operand: &Operand, is_list: bool, view: &View<'_>) -> AlertValue {
    let values = operand.read(view);
    let is_number = matches!(operand, Operand::Derived(derived)
        if matches!(**derived, Derived::Moment(Moment::Nanoseconds)));
    let mut texts = values.texts.iter().map(|text| capped(text));
    if is_list {
        let texts: Vec<String> = texts.collect();
        return if texts.is_empty() { AlertValue::Missing } else { AlertValue::List(texts) };
    }
    match texts.next() {
        None => AlertValue::Missing,
        Some(text) if is_number => number(&text),
        Some(text) => AlertValue::Text(text),
    }
}

fn capped(text: &str) -> String {
    match text.get(..text.floor_char_boundary(MAX_VALUE)) {
        Some(start) if start.len() < text.len() => format!("{start}… (cut)"),
        _ => text.to_owned(),
    }
}

fn push(value: &AlertValue, output: &mut String) {
    match value {
        AlertValue::Missing => output.push_str(MISSING),
        AlertValue::Text(text) => output.push_str(text),
        AlertValue::Number(number) => output.push_str(&number.to_string()),
        AlertValue::List(texts) => {
            output.push('(');
            output.push_str(&texts.join(","));
            output.push(')');
        }
    }
}
