//! Exceptions of a rule: rows of values for which it must not fire.
//!
//! They are made into the same checks that a condition has, so that they mean the same: names of
//! lists stand for their items, and a field that is not there makes no exception.

use super::{
    library::texts,
    node::Node,
    parser,
    place::{Origin, Source},
    syntax::{Check, Expr, Operator, Right, Several, SyntaxError, Term, Word},
};
use crate::error::{LoadError, suggest};

/// One exception.
#[derive(Clone, Debug)]
pub(super) struct Exception<'a> {
    pub(super) name: String,
    origin: Origin<'a>,
    /// `None` where only values are given, for one that is there already.
    fields: Option<Fields>,
    comps: Option<Vec<String>>,
    values: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
enum Fields {
    /// One field: the values are a list for it.
    One(String),
    /// Several: the values are rows.
    Rows(Vec<String>),
}

impl<'a> Exception<'a> {
    pub(super) fn read(node: &Node, origin: Origin<'a>) -> Result<Exception<'a>, LoadError> {
        let wrong = |what: String, hint: &str| origin.error_in("exceptions", what, hint);
        let Node::Map(map) = node else {
            return Err(wrong("the exception is no map".to_owned(), "write `- name: …`"));
        };
        let get = |key: &str| map.iter().find(|(name, _)| name == key).map(|(_, node)| node);
        let Some(name) = get("name").and_then(Node::text) else {
            return Err(wrong("the exception has no `name`".to_owned(), ""));
        };
        let fields = match get("fields") {
            None | Some(Node::Null) => None,
            Some(Node::Text(field)) => Some(Fields::One(field.clone())),
            Some(node) => Some(Fields::Rows(texts(node).ok_or_else(|| {
                wrong(format!("the fields of exception `{name}` are no list of fields"), "")
            })?)),
        };
        let comps = match get("comps") {
            None | Some(Node::Null) => None,
            Some(Node::Text(comp)) => Some(vec![comp.clone()]),
            Some(node) => Some(texts(node).ok_or_else(|| {
                wrong(format!("the comps of exception `{name}` are no list of operators"), "")
            })?),
        };
        let values = match get("values") {
            None | Some(Node::Null) => Vec::new(),
            Some(Node::List(values)) => values.clone(),
            Some(_) => {
                return Err(wrong(format!("the values of exception `{name}` are no list"), ""));
            }
        };
        Ok(Exception { name, origin, fields, comps, values })
    }

    /// Adds the values of another of this name.
    pub(super) fn extend(&mut self, new: Exception<'a>) -> Result<(), LoadError> {
        let differs = new.fields.is_some() && new.fields != self.fields
            || new.comps.is_some() && new.comps != self.comps;
        if differs {
            let what = format!("exception `{}` has other fields or comps than before", self.name);
            return Err(new.origin.error_in("exceptions", what, "give only its name and values"));
        }
        self.values.extend(new.values);
        Ok(())
    }

    fn wrong(&self, what: impl Into<String>, hint: impl Into<String>) -> LoadError {
        let what = format!("exception `{}`: {}", self.name, what.into());
        self.origin.error_in("exceptions", what, hint)
    }

    /// Where its checks are said to stand.
    pub(super) fn source(&self) -> Source<'a> {
        Source::of_key("exceptions", "", self.origin)
    }

    /// What is excepted; `None` if there are no values.
    pub(super) fn expr(&self) -> Result<Option<Expr>, LoadError> {
        let (fields, single) = match &self.fields {
            None => {
                return Err(
                    self.wrong("there are no `fields`", "an exception that is new needs them")
                );
            }
            Some(Fields::One(field)) => (std::slice::from_ref(field), true),
            Some(Fields::Rows(fields)) => (fields.as_slice(), false),
        };
        let columns = self.columns(fields, single)?;
        if self.values.is_empty() {
            return Ok(None);
        }
        if let (true, Some((term, operator))) = (single, columns.first()) {
            let words = self.words(&self.values)?;
            return Ok(Some(check(term.clone(), *operator, words)));
        }
        let rows: Result<Vec<_>, _> =
            self.values.iter().map(|row| self.row(row, &columns)).collect();
        Ok(Some(Expr::Any(rows?)))
    }

    fn columns(&self, fields: &[String], single: bool) -> Result<Vec<(Term, Operator)>, LoadError> {
        let otherwise = if single { "in" } else { "=" };
        let comps = self.comps.clone().unwrap_or_else(|| vec![otherwise.to_owned(); fields.len()]);
        if comps.len() != fields.len() {
            let what = format!("{} fields but {} comps", fields.len(), comps.len());
            return Err(self.wrong(what, "give one operator for each field"));
        }
        let column = |(field, comp): (&String, &String)| {
            let term = parser::parse_term(field).map_err(|error: SyntaxError| {
                self.wrong(format!("`{field}`: {}", error.what), error.hint)
            })?;
            let operator = Operator::from_name(comp).filter(|one| *one != Operator::Exists);
            let operator = operator.ok_or_else(|| {
                let names = Operator::NAMES.map(|(name, _)| name);
                self.wrong(format!("`{comp}` is no operator"), suggest(comp, names))
            })?;
            Ok((term, operator))
        };
        fields.iter().zip(&comps).map(column).collect()
    }

    fn row(&self, row: &Node, columns: &[(Term, Operator)]) -> Result<Expr, LoadError> {
        let hint = format!("each row has {} values, in the order of the fields", columns.len());
        let Node::List(cells) = row else { return Err(self.wrong("a row is no list", hint)) };
        if cells.len() != columns.len() {
            let what = format!("a row has {} values for {} fields", cells.len(), columns.len());
            return Err(self.wrong(what, hint));
        }
        let checks = cells.iter().zip(columns).map(|(cell, (term, operator))| {
            let words = match cell {
                Node::List(list) => self.words(list)?,
                Node::Text(text) if operator.takes_list() => {
                    parser::parse_list(text).unwrap_or_else(|| vec![word(text)])
                }
                scalar => self.words(std::slice::from_ref(scalar))?,
            };
            Ok(check(term.clone(), *operator, words))
        });
        Ok(Expr::All(checks.collect::<Result<_, LoadError>>()?))
    }

    fn words(&self, values: &[Node]) -> Result<Vec<Word>, LoadError> {
        let word = |node: &Node| {
            node.text().map(|text| word(&text)).ok_or_else(|| self.wrong("a value is no text", ""))
        };
        values.iter().map(word).collect()
    }
}

fn word(text: &str) -> Word {
    Word { text: text.to_owned(), quoted: false, at: 0 }
}

fn check(left: Term, operator: Operator, mut words: Vec<Word>) -> Expr {
    let (right, several) = match (operator.takes_list(), words.len()) {
        (false, 1) => (words.pop().map_or(Right::Nothing, Right::Word), None),
        (false, _) => (Right::List(words), Some(Several::Any)),
        (true, _) => (Right::List(words), None),
    };
    Expr::Check(Box::new(Check { left, operator, several, right, at: 0 }))
}
