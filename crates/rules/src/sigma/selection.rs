//! Selections as predicates: maps are *and*, lists are *or*, a bare list is words that may stand
//! anywhere.
//!
//! What a rule means on Kubernetes is decided at two places here and nowhere else: `replace` is how
//! some call an update, and a rule on `create` of `exec` means running a command, which WebSocket
//! clients do by GET.

use super::{
    fields::{self, Source},
    modifier::{Form, Modifiers},
    naming,
    value::{self, Piece, Pieces, Placeholders},
};
use crate::{
    ask::{Ask, Change, Like, Network, Operand, Quantity, Test, TextAsk},
    document,
    error::nearest,
    tree::{Needle, Pattern, Predicate},
};
use serde_yaml_ng::{Mapping, Value};
use std::collections::BTreeSet;
use trailhound_model::Str;

/// Deepest nesting of a selection.
const MAX_DEPTH: usize = 8;
/// Most items of one rule's selections.
const MAX_ITEMS: usize = 4_096;
/// Subresources that open a connection: their verb depends on the client.
const CONNECTING: [&str; 4] = ["exec", "attach", "portforward", "proxy"];

/// Something wrong: a word near which it stands, what, and a hint.
pub(super) type Wrong = (String, String, String);

/// Compiles the selections of one rule.
pub(super) struct Selections<'a> {
    /// Which log the rule was written for.
    pub(super) source: Source,
    /// Values of the site.
    pub(super) placeholders: &'a Placeholders,
    /// What is wrong.
    pub(super) wrong: Vec<Wrong>,
    /// Fields that no audit event has, with the field that was probably meant.
    pub(super) unknown: BTreeSet<String>,
    /// Items so far.
    items: usize,
}

impl<'a> Selections<'a> {
    pub(super) fn new(source: Source, placeholders: &'a Placeholders) -> Selections<'a> {
        let unknown = BTreeSet::new();
        Selections { source, placeholders, wrong: Vec::new(), unknown, items: 0 }
    }

    fn fail(&mut self, near: &str, what: impl Into<String>, hint: impl Into<String>) -> Predicate {
        self.wrong.push((near.to_owned(), what.into(), hint.into()));
        Predicate::Const(false)
    }

    /// A selection.
    pub(super) fn compile(&mut self, name: &str, value: &Value) -> Predicate {
        self.part(name, value, 0)
    }

    fn part(&mut self, name: &str, value: &Value, depth: usize) -> Predicate {
        if depth > MAX_DEPTH {
            return self.fail(name, format!("`{name}` is nested too deep"), "");
        }
        match value {
            Value::Mapping(map) => self.map(name, map),
            Value::Sequence(list) => {
                if list.is_empty() {
                    return self.fail(name, format!("`{name}` is empty"), "");
                }
                let scalars = list.iter().all(|one| !one.is_mapping() && !one.is_sequence());
                if scalars {
                    return self.item(name, "", value);
                }
                Predicate::Any(list.iter().map(|one| self.part(name, one, depth + 1)).collect())
            }
            scalar => self.item(name, "", scalar),
        }
    }

    fn map(&mut self, name: &str, map: &Mapping) -> Predicate {
        if map.is_empty() {
            return self.fail(name, format!("`{name}` is empty"), "");
        }
        let fields = || map.keys().filter_map(Value::as_str);
        let connects = fields().any(|key| field_of(key) == "objectRef.subresource");
        let mut parts = Vec::new();
        for (key, value) in map {
            let Some(key) = key.as_str() else {
                parts.push(self.fail(name, format!("a key of `{name}` is no text"), ""));
                continue;
            };
            let part = self.item(name, key, value);
            parts.push(if connects && key == "verb" {
                means_connecting(part, value)
            } else {
                part
            });
        }
        if self.source != Source::Audit {
            parts = guards_first(parts);
        }
        if parts.len() == 1 {
            parts.pop().unwrap_or(Predicate::Const(false))
        } else {
            Predicate::All(parts)
        }
    }

    /// One line of a map; without a key, words that may stand anywhere.
    fn item(&mut self, name: &str, key: &str, value: &Value) -> Predicate {
        let mut words = key.split('|');
        let field = words.next().unwrap_or_default().trim();
        let mut modifiers = match Modifiers::parse(words.map(str::trim)) {
            Ok(modifiers) => modifiers,
            Err((what, hint)) => return self.fail(key, what, hint),
        };
        let Some(values) = self.values(name, key, value) else { return Predicate::Const(false) };
        let operand = if field.is_empty() {
            if modifiers.form == Form::Text && modifiers.like == Like::Equal {
                modifiers.like = Like::Contains;
            }
            Operand::Anywhere
        } else {
            match self.operand(field, &values) {
                Some(operand) => operand,
                None => Operand::Union(Vec::new()),
            }
        };
        let test = self.test(key, field, &operand, &modifiers, &values);
        let test = if modifiers.neq { Predicate::Not(Box::new(test)) } else { test };
        match operand {
            Operand::Named(naming) if !modifiers.neq => {
                let texts: Vec<String> = values.iter().map(Scalar::text).collect();
                let guard = match modifiers.like {
                    Like::Equal | Like::Ends => naming::guard(naming, &texts),
                    Like::Contains => naming::guard_of_words(naming, &texts),
                    Like::Starts => Predicate::Const(true),
                };
                Predicate::All(vec![guard, test])
            }
            _ => test,
        }
    }

    fn operand(&mut self, field: &str, values: &[Scalar]) -> Option<Operand> {
        let operand = fields::operand(field, self.source);
        if operand.is_none() {
            let top = field.split('.').next().unwrap_or_default();
            let hint = nearest(top, document::top_names().filter(|_| true));
            self.unknown.insert(match hint {
                Some(meant) if meant != top => format!("`{field}` (did you mean `{meant}`?)"),
                _ => format!("`{field}`"),
            });
        }
        // Some rules give the decision where the code stands.
        let decides = |value: &Scalar| matches!(value, Scalar::Text(text) if text.chars().all(char::is_alphabetic) && !text.is_empty());
        if field == "responseStatus.code" && values.iter().any(decides) {
            let decision = fields::path("annotations.authorization.k8s.io/decision")?;
            return Some(Operand::Union(vec![operand?, decision]));
        }
        operand
    }

    fn values(&mut self, name: &str, key: &str, value: &Value) -> Option<Vec<Scalar>> {
        let near = if key.is_empty() { name } else { key };
        let list = match value {
            Value::Sequence(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        self.items += list.len();
        if self.items > MAX_ITEMS {
            self.fail(near, format!("the rule has more than {MAX_ITEMS} values"), "split it");
            return None;
        }
        if list.is_empty() {
            self.fail(near, format!("`{near}` has no values"), "");
            return None;
        }
        let scalars: Option<Vec<Scalar>> = list.iter().map(Scalar::of).collect();
        if scalars.is_none() {
            let what = format!("a value of `{near}` is neither text nor number");
            self.fail(near, what, "write paths with dots: `objectRef.resource`");
        }
        scalars
    }

    fn test(
        &mut self,
        key: &str,
        field: &str,
        operand: &Operand,
        modifiers: &Modifiers,
        values: &[Scalar],
    ) -> Predicate {
        let operand = match modifiers.time {
            Some(part) => Operand::Changed(Change::Time(part), Box::new(operand.clone())),
            None => operand.clone(),
        };
        match &modifiers.form {
            Form::Text => self.texts(key, field, &operand, modifiers, values),
            Form::Exists => self.each(key, modifiers, values, |value| match value {
                Scalar::Bool(is) => Ok(present(&operand, *is)),
                _ => Err("`exists` takes true or false".to_owned()),
            }),
            Form::Regex(flags) => self.each(key, modifiers, values, |value| {
                let text = value.text();
                let flags = if flags.is_empty() { String::new() } else { format!("(?{flags})") };
                let pattern = Pattern::checked(&format!("{flags}{text}")).map_err(|error| {
                    let error = error.to_string();
                    let line = error.lines().last().unwrap_or_default().trim();
                    format!("`{text}` is no regular expression that is understood: {line}")
                })?;
                Ok(ask(&operand, Test::Any(vec![TextAsk::Matches(pattern)])))
            }),
            Form::Cidr => self.each(key, modifiers, values, |value| {
                let network = Network::parse(&value.text());
                let network = network.ok_or_else(|| format!("`{}` is no network", value.text()))?;
                Ok(ask(&operand, Test::Networks(vec![network])))
            }),
            Form::Number(order) => self.each(key, modifiers, values, |value| {
                let number: Option<f64> = value.text().parse().ok().filter(|n: &f64| n.is_finite());
                let number = number.ok_or_else(|| format!("`{}` is no number", value.text()))?;
                Ok(ask(&operand, Test::Number(*order, number)))
            }),
            Form::Field => {
                let source = self.source;
                self.each(key, modifiers, values, |value| {
                    let other = fields::operand(&value.text(), source)
                        .ok_or_else(|| format!("no audit event has a field `{}`", value.text()))?;
                    let test = Test::Same(Box::new(other), modifiers.like, !modifiers.cased);
                    Ok(ask(&operand, test))
                })
            }
        }
    }

    fn each(
        &mut self,
        key: &str,
        modifiers: &Modifiers,
        values: &[Scalar],
        test: impl Fn(&Scalar) -> Result<Predicate, String>,
    ) -> Predicate {
        let tests: Result<Vec<Predicate>, String> = values.iter().map(test).collect();
        match tests {
            Ok(tests) => joined(tests, modifiers.all),
            Err(what) => self.fail(key, what, ""),
        }
    }

    fn texts(
        &mut self,
        key: &str,
        field: &str,
        operand: &Operand,
        modifiers: &Modifiers,
        values: &[Scalar],
    ) -> Predicate {
        let mut groups: Vec<Vec<Term>> = Vec::new();
        for value in values {
            match self.terms(key, field, modifiers, value) {
                Some(terms) => groups.push(terms),
                None => return Predicate::Const(false),
            }
        }
        if groups.iter().map(Vec::len).sum::<usize>() > value::MOST_VALUES {
            return self.fail(key, value::TOO_MANY, "split the rule");
        }
        let test = |terms: Vec<Term>| of_terms(operand, modifiers.cased, terms);
        if modifiers.all {
            Predicate::All(groups.into_iter().map(test).collect())
        } else {
            test(groups.concat())
        }
    }

    /// What one value becomes; `None` if it is wrong.
    fn terms(
        &mut self,
        key: &str,
        field: &str,
        modifiers: &Modifiers,
        value: &Scalar,
    ) -> Option<Vec<Term>> {
        let text = match value {
            Scalar::Null => return Some(vec![Term::Absent]),
            other => other.text(),
        };
        let mut all = if modifiers.expand {
            match value::filled(&text, self.placeholders) {
                Ok(all) => all,
                Err(name) => {
                    let hint = format!(
                        "give them in a document of their own: `placeholders: {{{name}: [...]}}`"
                    );
                    self.fail(key, format!("the placeholder `%{name}%` has no values"), hint);
                    return None;
                }
            }
        } else if matches!(value, Scalar::Text(_)) {
            vec![value::pieces(&text)]
        } else {
            vec![value::literal(&text)]
        };
        for encoding in &modifiers.encodings {
            let next: Result<Vec<_>, String> =
                all.iter().map(|one| value::encoded(one, *encoding)).collect();
            match next.map(|next| next.concat()) {
                Ok(next) if next.len() <= value::MOST_VALUES => all = next,
                Ok(_) => {
                    self.fail(key, value::TOO_MANY, "split the rule");
                    return None;
                }
                Err(what) => {
                    self.fail(key, format!("`{text}` cannot be encoded: {what}"), "");
                    return None;
                }
            }
        }
        // PUT is `update` in the audit log.
        if field == "verb" && text.eq_ignore_ascii_case("replace") && modifiers.like == Like::Equal
        {
            all.push(value::literal("update"));
        }
        let terms: Result<Vec<Term>, String> =
            all.into_iter().map(|one| term(one, modifiers)).collect();
        terms.map_err(|what| self.fail(key, format!("`{text}`: {what}"), "")).ok()
    }
}

/// The field of a key.
fn field_of(key: &str) -> &str {
    key.split('|').next().unwrap_or_default().trim()
}

/// A value of YAML.
#[derive(Clone, Debug, PartialEq)]
enum Scalar {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
}

impl Scalar {
    fn of(value: &Value) -> Option<Scalar> {
        Some(match value {
            Value::Null => Scalar::Null,
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Number(number) => Scalar::Number(number.to_string()),
            Value::String(text) => Scalar::Text(text.clone()),
            _ => return None,
        })
    }

    fn text(&self) -> String {
        match self {
            Scalar::Null => String::new(),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Number(text) | Scalar::Text(text) => text.clone(),
        }
    }
}

/// What one value asks of a text.
#[derive(Clone, Debug)]
enum Term {
    /// The field is not there, or empty.
    Absent,
    /// It is this.
    Plain(String),
    /// It is like this.
    Like(Like, String),
    /// It is there.
    Present,
    /// The expression matches.
    Pattern(Pattern),
}

fn term(pieces: Pieces, modifiers: &Modifiers) -> Result<Term, String> {
    let mut pieces = pieces;
    if matches!(modifiers.like, Like::Contains | Like::Ends) && pieces.first() != Some(&Piece::Star)
    {
        pieces.insert(0, Piece::Star);
    }
    if matches!(modifiers.like, Like::Contains | Like::Starts)
        && pieces.last() != Some(&Piece::Star)
    {
        pieces.push(Piece::Star);
    }
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec());
        text.map_err(|_| "encoded, it is no text; `base64` must follow".to_owned())
    };
    Ok(match pieces.as_slice() {
        [] => Term::Plain(String::new()),
        [Piece::Star] => Term::Present,
        [Piece::Bytes(bytes)] => Term::Plain(text(bytes)?),
        [Piece::Star, Piece::Bytes(bytes)] => Term::Like(Like::Ends, text(bytes)?),
        [Piece::Bytes(bytes), Piece::Star] => Term::Like(Like::Starts, text(bytes)?),
        [Piece::Star, Piece::Bytes(bytes), Piece::Star] => Term::Like(Like::Contains, text(bytes)?),
        all => Term::Pattern(pattern(all, modifiers.cased)?),
    })
}

fn pattern(pieces: &[Piece], cased: bool) -> Result<Pattern, String> {
    let mut source = String::from(if cased { "(?s)^" } else { "(?is)^" });
    for piece in pieces {
        match piece {
            Piece::Star => source.push_str(".*"),
            Piece::One => source.push('.'),
            Piece::Bytes(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
                source.push_str(&regex::escape(text));
            }
        }
    }
    source.push('$');
    Pattern::checked(&source).map_err(|_| "it has too many wildcards".to_owned())
}

fn joined(mut tests: Vec<Predicate>, all: bool) -> Predicate {
    match tests.len() {
        1 => tests.pop().unwrap_or(Predicate::Const(false)),
        _ if all => Predicate::All(tests),
        _ => Predicate::Any(tests),
    }
}

fn ask(operand: &Operand, test: Test) -> Predicate {
    Predicate::Ask(Box::new(Ask { of: operand.clone(), quantity: Quantity::Some, test }))
}

fn present(operand: &Operand, is: bool) -> Predicate {
    let there = ask(operand, Test::Present);
    if is { there } else { Predicate::Not(Box::new(there)) }
}

/// Any of the terms, with as few questions as will do.
fn of_terms(operand: &Operand, cased: bool, terms: Vec<Term>) -> Predicate {
    let fold = |text: String| if cased { text } else { text.to_lowercase() };
    let (mut plain, mut likes, mut parts) = (BTreeSet::new(), Vec::new(), Vec::new());
    for term in terms {
        match term {
            Term::Absent => {
                parts.push(present(operand, false));
                plain.insert(Str::default());
            }
            Term::Plain(text) => {
                if text.is_empty() {
                    parts.push(present(operand, false));
                }
                plain.insert(Str::from(fold(text)));
            }
            Term::Like(Like::Contains, text) => {
                likes.push(TextAsk::Contains(Needle::new(&fold(text))));
            }
            Term::Like(like, text) => likes.push(TextAsk::Like(like, fold(text).into())),
            Term::Present => parts.push(ask(operand, Test::Present)),
            Term::Pattern(pattern) => {
                parts.push(ask(operand, Test::Any(vec![TextAsk::Matches(pattern)])));
            }
        }
    }
    if !plain.is_empty() {
        let texts = plain.into_iter().collect();
        let test = if cased { Test::OneOf(texts) } else { Test::OneOfFolded(texts) };
        parts.insert(0, ask(operand, test));
    }
    if !likes.is_empty() {
        // The value is put into lower case once, not for each constant.
        let of = if cased {
            operand.clone()
        } else {
            Operand::Changed(Change::Lower, Box::new(operand.clone()))
        };
        parts.push(ask(&of, Test::Any(likes)));
    }
    joined(parts, false)
}

/// What is cheap to ask of a request comes before what its name must be.
fn guards_first(parts: Vec<Predicate>) -> Vec<Predicate> {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Predicate::All(inner) => {
                let mut inner = inner.into_iter();
                first.extend(inner.next());
                rest.extend(inner);
            }
            other => rest.push(other),
        }
    }
    first.extend(rest);
    first
}

/// Clients that open a connection by WebSocket send GET, older ones POST; a rule that names one of
/// the two together with a subresource means the act.
fn means_connecting(part: Predicate, value: &Value) -> Predicate {
    let names = |verb: &str| match value {
        Value::Sequence(list) => list.iter().any(|one| one.as_str() == Some(verb)),
        one => one.as_str() == Some(verb),
    };
    let other = match (names("create"), names("get")) {
        (true, false) => "get",
        (false, true) => "create",
        _ => return part,
    };
    let one = |field: &str, texts: &[&str]| {
        let mut texts: Vec<Str> = texts.iter().map(|text| Str::new(text)).collect();
        texts.sort();
        let operand = fields::path(field).unwrap_or(Operand::Union(Vec::new()));
        ask(&operand, Test::OneOfFolded(texts.into()))
    };
    let connecting = one("objectRef.subresource", &CONNECTING);
    Predicate::Any(vec![part, Predicate::All(vec![one("verb", &[other]), connecting])])
}
