//! Rules in the language of Falco, for its source `k8s_audit`, unmodified.
//!
//! Files are read in their order into one [`library`]; conditions are parsed and their macros and
//! lists put in only then, because a later file may change what an earlier one says. What comes out
//! is a predicate like that of any other rule.

mod compile;
mod exception;
mod fields;
mod glob;
mod lexer;
mod library;
mod node;
mod output;
mod parser;
mod place;
mod priority;
mod syntax;
mod tags;
mod weigh;

pub(crate) use output::AlertForm;

use crate::{
    error::LoadError,
    rule::{Language, Rule},
    template::{Template, Use},
    tree::Predicate,
};
use compile::Fault;
use library::{Library, RuleItem};
use weigh::Names;

/// What every finding of a rule of Falco says.
const SENTENCE: &str = "{principal} {action.phrase} {target} (outcome: {action.outcome}).";

/// Errors that are worth reading.
const MOST_ERRORS: usize = 100;

/// Rules, and what is to be known about items that became none.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) rules: Vec<Rule>,
    pub(crate) notes: Vec<String>,
}

/// Loads rule files, given as name and text, in their order.
pub(crate) fn load(files: &[(&str, &str)]) -> Result<Loaded, Vec<LoadError>> {
    let library = Library::read(files);
    if !library.errors.is_empty() {
        return Err(library.errors);
    }
    let names = Names::new(&library);
    let mut loaded = Loaded { rules: Vec::new(), notes: notes(&library) };
    let mut errors = Vec::new();
    for (item, order) in library.rules.iter().zip(0_u32..) {
        if !item.enabled || errors.len() >= MOST_ERRORS {
            continue;
        }
        match rule(item, &names) {
            Ok(rule) => loaded.rules.push(Rule { order, ..rule }),
            Err(fault) if fault.is_unknown_field && item.skips_unknown => {
                loaded.notes.push(format!(
                    "Falco rule \"{}\" was skipped, as it asks to be: {}",
                    item.name, fault.error.what
                ));
            }
            Err(fault) => errors.push(fault.error),
        }
    }
    if errors.is_empty() { Ok(loaded) } else { Err(errors) }
}

fn notes(library: &Library<'_>) -> Vec<String> {
    let note = |(source, rules): (&String, &std::collections::BTreeSet<String>)| {
        format!(
            "{} Falco rules are for events of the source \"{source}\" and were left out; this program reads k8s_audit",
            rules.len()
        )
    };
    library.others.iter().map(note).collect()
}

fn rule<'a>(item: &RuleItem<'a>, names: &Names<'_, 'a>) -> Result<Rule, Fault> {
    let condition = condition(item, names)?;
    let form = AlertForm::read(&item.name, item.priority, &item.tags, &item.output);
    let form = form.map_err(|error| Fault {
        is_unknown_field: error.is_unknown_field,
        error: error.at(item.origin),
    })?;
    let explain = Template::parse(SENTENCE, Use::Prose, false);
    let explain = explain.map_err(|error| item.origin.error(error.what, error.hint))?;
    Ok(Rule {
        file: item.origin.file.name.to_owned(),
        title: item.name.clone(),
        family: "policy".to_owned(),
        severity: item.priority.severity,
        techniques: tags::techniques(&item.tags),
        explain,
        why: item.desc.split_whitespace().collect::<Vec<_>>().join(" "),
        alert: Some(Box::new(form)),
        ..Rule::foreign(format!("falco:{}", item.name), Language::Falco, condition)
    })
}

/// The condition of a rule and that none of its exceptions holds.
fn condition<'a>(item: &RuleItem<'a>, names: &Names<'_, 'a>) -> Result<Predicate, Fault> {
    let source = &item.condition;
    let expr = parser::parse(&source.text)
        .map_err(|error| source.error(error.at, error.what, error.hint))?;
    names.admit(&expr, source)?;
    let mut parts = vec![compile::predicate(&expr, source, names)?];
    for exception in &item.exceptions {
        if let Some(expr) = exception.expr()? {
            let told = exception.source();
            names.admit(&expr, &told)?;
            parts.push(compile::not(compile::predicate(&expr, &told, names)?));
        }
    }
    Ok(compile::all(parts))
}

/// Whether a text is a condition: for tests and fuzzing.
pub fn parses(condition: &str) -> bool {
    parser::parse(condition).is_ok()
}
