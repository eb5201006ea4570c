//! Conditions become predicates: macros and lists are put in, operators become tests.
//!
//! Equality and `in` become closed sets of texts wherever they can, because those are what the index
//! by verb and resource is made of. A comparison with a field that is not there is false, also `!=`.

use super::{
    fields::{self, Field},
    glob,
    place::Source,
    syntax::{Check, Expr, Operator, Right, Several, Term, Transformer, Word},
    weigh::{Names, unquoted},
};
use crate::{
    ask::{Ask, Change, Like, Operand, Quantity, Test, TextAsk, folded},
    derived::Derived,
    error::LoadError,
    tree::{Needle, Order, Pattern, Predicate},
};
use std::{borrow::Cow, collections::BTreeSet};
use trailhound_model::Str;

/// Why a condition does not compile.
pub(super) struct Fault {
    pub(super) error: LoadError,
    /// It asks for a field that there is not.
    pub(super) is_unknown_field: bool,
}

impl From<LoadError> for Fault {
    fn from(error: LoadError) -> Fault {
        Fault { error, is_unknown_field: false }
    }
}

/// What is wrong at a place of a condition.
struct Wrong {
    at: usize,
    what: String,
    hint: String,
    is_unknown_field: bool,
}

fn wrong(at: usize, what: impl Into<String>, hint: impl Into<String>) -> Wrong {
    Wrong { at, what: what.into(), hint: hint.into(), is_unknown_field: false }
}

/// The predicate of a condition that was admitted.
pub(super) fn predicate(
    expr: &Expr,
    source: &Source<'_>,
    names: &Names<'_, '_>,
) -> Result<Predicate, Fault> {
    let each = |parts: &[Expr]| -> Result<Vec<Predicate>, Fault> {
        parts.iter().map(|part| predicate(part, source, names)).collect()
    };
    match expr {
        Expr::All(parts) => each(parts).map(all),
        Expr::Any(parts) => each(parts).map(any),
        Expr::Not(part) => predicate(part, source, names).map(not),
        Expr::Macro(word) => match names.expr(&word.text) {
            Some((expr, source)) => predicate(&expr, source, names),
            None => {
                Err(source.error(word.at, "the macro is unknown".to_owned(), String::new()).into())
            }
        },
        Expr::Check(check) => Checker { check, names }.predicate().map_err(|wrong| Fault {
            error: source.error(wrong.at, wrong.what, wrong.hint),
            is_unknown_field: wrong.is_unknown_field,
        }),
    }
}

/// Conjunction without what is always true.
pub(super) fn all(parts: Vec<Predicate>) -> Predicate {
    junction(parts, true, Predicate::All)
}

/// Disjunction without what is always false.
pub(super) fn any(parts: Vec<Predicate>) -> Predicate {
    junction(parts, false, Predicate::Any)
}

/// `neutral` changes nothing, its opposite decides.
fn junction(
    parts: Vec<Predicate>,
    neutral: bool,
    several: fn(Vec<Predicate>) -> Predicate,
) -> Predicate {
    let is = |part: &Predicate, wanted| matches!(part, Predicate::Const(value) if *value == wanted);
    if parts.iter().any(|part| is(part, !neutral)) {
        return Predicate::Const(!neutral);
    }
    let mut parts: Vec<_> = parts.into_iter().filter(|part| !is(part, neutral)).collect();
    match (parts.len(), parts.pop()) {
        (_, None) => Predicate::Const(neutral),
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            several(parts)
        }
    }
}

/// Negation, moved inwards so that what can be judged apart comes apart: `not (a or b)`.
pub(super) fn not(part: Predicate) -> Predicate {
    match part {
        Predicate::Const(value) => Predicate::Const(!value),
        Predicate::Not(inner) => *inner,
        Predicate::All(parts) => Predicate::Any(parts.into_iter().map(not).collect()),
        Predicate::Any(parts) => Predicate::All(parts.into_iter().map(not).collect()),
        other => Predicate::Not(Box::new(other)),
    }
}

struct Checker<'c, 'l, 'a> {
    check: &'c Check,
    names: &'c Names<'l, 'a>,
}

impl Checker<'_, '_, '_> {
    fn predicate(&self) -> Result<Predicate, Wrong> {
        let Check { left, operator, right, .. } = self.check;
        let field = self.field(left)?;
        if let Some(value) = constant(&field, *operator, right) {
            return Ok(Predicate::Const(value));
        }
        match operator {
            Operator::Exists => Ok(ask(field.operand, Quantity::Some, Test::Present)),
            Operator::In => Ok(self.among(field, Quantity::Every)?),
            Operator::Intersects => Ok(self.among(field, Quantity::Some)?),
            Operator::PathPrefix => {
                let paths = self.texts()?.into_iter().collect();
                Ok(ask(field.operand, Quantity::Some, Test::Beneath(paths)))
            }
            Operator::NotEqual => self.differs(field),
            _ => {
                let test = self.test()?;
                Ok(ask(field.operand, Quantity::Some, test))
            }
        }
    }

    fn differs(&self, field: Field) -> Result<Predicate, Wrong> {
        let mut parts = vec![ask(field.operand.clone(), Quantity::Some, Test::Present)];
        let test = match &self.check.right {
            Right::Term(term) => {
                let other = self.field(term)?.operand;
                parts.push(ask(other.clone(), Quantity::Some, Test::Present));
                Test::Same(Box::new(other), Like::Equal, false)
            }
            _ => Test::OneOf(sorted(self.texts()?)),
        };
        parts.push(not(ask(field.operand, Quantity::Some, test)));
        Ok(all(parts))
    }

    fn among(&self, field: Field, several: Quantity) -> Result<Predicate, Wrong> {
        let quantity = if field.is_list { several } else { Quantity::Some };
        let test = match &self.check.right {
            Right::Term(term) => {
                Test::Same(Box::new(self.field(term)?.operand), Like::Equal, false)
            }
            _ => Test::OneOf(sorted(self.texts()?)),
        };
        Ok(ask(field.operand, quantity, test))
    }

    fn test(&self) -> Result<Test, Wrong> {
        let operator = self.check.operator;
        if let Right::Term(term) = &self.check.right {
            return self.test_against(self.field(term)?.operand);
        }
        if let Some(order) = order(operator) {
            return self.number(order);
        }
        let texts = self.texts()?;
        if operator == Operator::Equal && self.check.several != Some(Several::All) {
            return Ok(Test::OneOf(sorted(texts)));
        }
        let asks: Result<Vec<_>, _> = texts.iter().map(|text| self.text_ask(text)).collect();
        Ok(match self.check.several {
            Some(Several::All) => Test::AllOf(asks?),
            _ => Test::Any(asks?),
        })
    }

    fn test_against(&self, other: Operand) -> Result<Test, Wrong> {
        let other = Box::new(other);
        if let Some(order) = order(self.check.operator) {
            return Ok(Test::NumberOf(order, other));
        }
        let (like, fold) = match self.check.operator {
            Operator::Equal => (Like::Equal, false),
            Operator::Contains => (Like::Contains, false),
            Operator::FoldedContains => (Like::Contains, true),
            Operator::Starts => (Like::Starts, false),
            Operator::Ends => (Like::Ends, false),
            _ => {
                let what = "this operator needs a text on its right, not a field";
                return Err(wrong(self.check.at, what, ""));
            }
        };
        Ok(Test::Same(other, like, fold))
    }

    fn number(&self, order: Order) -> Result<Test, Wrong> {
        let Right::Word(word) = &self.check.right else {
            return Err(wrong(self.check.at, "expected one number", ""));
        };
        let hex = word.text.strip_prefix("0x").or_else(|| word.text.strip_prefix("0X"));
        let number = match hex {
            Some(digits) => u64::from_str_radix(digits, 16).ok().map(|value| value as f64),
            None => word.text.parse::<f64>().ok().filter(|value| value.is_finite()),
        };
        let what = || format!("`{}` is no number", word.text);
        number.map(|value| Test::Number(order, value)).ok_or_else(|| wrong(word.at, what(), ""))
    }

    fn text_ask(&self, text: &str) -> Result<TextAsk, Wrong> {
        Ok(match self.check.operator {
            Operator::Contains => TextAsk::Contains(Needle::new(text)),
            Operator::FoldedContains => {
                TextAsk::Folded(Like::Contains, folded(Cow::Borrowed(text)).as_ref().into())
            }
            Operator::Starts => TextAsk::Like(Like::Starts, text.into()),
            Operator::Ends => TextAsk::Like(Like::Ends, text.into()),
            Operator::BytesContain => TextAsk::Contains(Needle::new(&self.bytes(text)?)),
            Operator::BytesStart => TextAsk::Like(Like::Starts, self.bytes(text)?.into()),
            Operator::Regex => self.pattern(&format!("^(?:{text})$"))?,
            Operator::Glob => self.pattern(&format!("^(?:{})$", self.glob(text)?))?,
            Operator::FoldedGlob => self.pattern(&format!("(?i)^(?:{})$", self.glob(text)?))?,
            _ => TextAsk::Like(Like::Equal, text.into()),
        })
    }

    fn glob(&self, text: &str) -> Result<String, Wrong> {
        glob::to_regex(text).map_err(|what| wrong(self.at(), format!("`{text}`: {what}"), ""))
    }

    fn pattern(&self, source: &str) -> Result<TextAsk, Wrong> {
        Pattern::checked(source).map(TextAsk::Matches).map_err(|error| {
            let lines = error.to_string();
            let last = lines.lines().last().unwrap_or_default().trim_start_matches("error: ");
            wrong(self.at(), format!("the pattern is refused: {last}"), "the syntax is that of RE2")
        })
    }

    /// Text written as hexadecimal bytes.
    fn bytes(&self, text: &str) -> Result<String, Wrong> {
        let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(pair).collect();
        let bytes = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        bytes.ok_or_else(|| {
            let what = format!("`{text}` is no text in hexadecimal bytes");
            wrong(self.at(), what, "write `63 61 74` without blanks for `cat`")
        })
    }

    /// Where the value stands.
    fn at(&self) -> usize {
        match &self.check.right {
            Right::Word(word) => word.at,
            Right::List(words) => words.first().map_or(self.check.at, |word| word.at),
            Right::Nothing | Right::Term(_) => self.check.at,
        }
    }

    /// The values on the right, with the items of lists that are named.
    fn texts(&self) -> Result<Vec<Str>, Wrong> {
        match &self.check.right {
            Right::Word(word) => self.word(word).map(|text| vec![text]),
            Right::List(words) => {
                let mut texts = Vec::new();
                for word in words {
                    match self.list(word)? {
                        Some(items) => texts.extend(items.iter().cloned()),
                        None => texts.push(literal(word)),
                    }
                }
                Ok(texts)
            }
            Right::Nothing | Right::Term(_) => {
                Err(wrong(self.check.at, "expected values on the right", ""))
            }
        }
    }

    fn list(&self, word: &Word) -> Result<Option<std::rc::Rc<[Str]>>, Wrong> {
        if word.quoted {
            return Ok(None);
        }
        self.names.list(&word.text).map_err(|what| wrong(word.at, what, ""))
    }

    /// A single value; the name of a list stands for its only item.
    fn word(&self, word: &Word) -> Result<Str, Wrong> {
        match self.list(word)?.as_deref() {
            None => Ok(literal(word)),
            Some([only]) => Ok(only.clone()),
            Some(_) => {
                let what = format!("the list `{}` stands where one value is needed", word.text);
                Err(wrong(word.at, what, format!("write `in ({})`", word.text)))
            }
        }
    }

    fn field(&self, term: &Term) -> Result<Field, Wrong> {
        match term {
            Term::Field { name, argument, at } => {
                fields::field(name, argument.as_deref()).map_err(|error| Wrong {
                    at: *at,
                    what: error.what,
                    hint: error.hint,
                    is_unknown_field: error.is_unknown,
                })
            }
            Term::Literal(word) => Ok(Field {
                operand: Operand::Literal(word.text.as_str().into()),
                is_list: false,
                is_always: false,
            }),
            Term::Call { transformer, terms, at } => self.call(*transformer, terms, *at),
        }
    }

    fn call(&self, transformer: Transformer, terms: &[Term], at: usize) -> Result<Field, Wrong> {
        let joins = matches!(transformer, Transformer::Join | Transformer::Concat);
        if terms.is_empty() || terms.len() > 1 && !joins && transformer != Transformer::GetOpt {
            return Err(wrong(at, "the transformer takes one field", ""));
        }
        if joins {
            return self.joined(transformer, terms, at);
        }
        let inner = match terms.first() {
            Some(term) => self.field(term)?,
            None => return Err(wrong(at, "the transformer has no field", "")),
        };
        let change = match transformer {
            Transformer::Value => return Ok(inner),
            Transformer::Lower => Change::Lower,
            Transformer::Upper => Change::Upper,
            Transformer::Base64 => Change::Base64,
            Transformer::BaseName => Change::BaseName,
            Transformer::Length if inner.is_list => return Ok(counted(inner.operand)),
            Transformer::Length => Change::Length,
            Transformer::Join | Transformer::Concat | Transformer::GetOpt => {
                let hint =
                    "audit events have no command line of a process; compare with `intersects`";
                return Err(wrong(at, "`getopt` is not understood here", hint));
            }
        };
        let operand = Operand::Changed(change, Box::new(inner.operand));
        Ok(Field { operand, is_always: false, ..inner })
    }

    /// `join(",", list)` and `concat(a, "/", b)`.
    fn joined(&self, transformer: Transformer, terms: &[Term], at: usize) -> Result<Field, Wrong> {
        let single = |operand| Field { operand, is_list: false, is_always: false };
        if transformer == Transformer::Concat {
            let parts: Result<Vec<_>, _> =
                terms.iter().map(|term| self.field(term).map(|field| field.operand)).collect();
            return Ok(single(Operand::Joined(Str::default(), parts?)));
        }
        let Some((Term::Literal(between), values)) = terms.split_first() else {
            let hint = "write `join(\",\", field)`";
            return Err(wrong(at, "`join` needs the text that stands between, first", hint));
        };
        let values: Result<Vec<_>, _> =
            values.iter().map(|term| self.field(term).map(|field| field.operand)).collect();
        let glued = Derived::Glued(between.text.as_str().into(), Operand::Union(values?));
        Ok(single(Operand::Derived(Box::new(glued))))
    }
}

/// How many values a list has, where it is there.
fn counted(list: Operand) -> Field {
    let present = Ask { of: list.clone(), quantity: Quantity::Some, test: Test::Present };
    let count = Operand::Changed(Change::Count, Box::new(list));
    let operand = Operand::Derived(Box::new(Derived::If(present, count)));
    Field { operand, is_list: false, is_always: false }
}

/// What is known of every event: rule sets switch rules on and off by `jevt.rawtime exists` and
/// `jevt.rawtime=0`. No record is of the first instant of 1970.
fn constant(field: &Field, operator: Operator, right: &Right) -> Option<bool> {
    if !field.is_always {
        return None;
    }
    match (operator, right) {
        (Operator::Exists, _) => Some(true),
        (Operator::Equal, Right::Word(word)) if word.text == "0" => Some(false),
        (Operator::NotEqual, Right::Word(word)) if word.text == "0" => Some(true),
        _ => None,
    }
}

fn ask(of: Operand, quantity: Quantity, test: Test) -> Predicate {
    Predicate::Ask(Box::new(Ask { of, quantity, test }))
}

fn literal(word: &Word) -> Str {
    if word.quoted { word.text.as_str().into() } else { unquoted(&word.text).into() }
}

fn sorted(texts: Vec<Str>) -> Box<[Str]> {
    texts.into_iter().collect::<BTreeSet<Str>>().into_iter().collect()
}

fn order(operator: Operator) -> Option<Order> {
    Some(match operator {
        Operator::Less => Order::Less,
        Operator::LessOrEqual => Order::LessOrEqual,
        Operator::Greater => Order::Greater,
        Operator::GreaterOrEqual => Order::GreaterOrEqual,
        _ => return None,
    })
}
