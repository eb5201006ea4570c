//! The one predicate tree that every rule language compiles to.
//!
//! It knows fields and their types but no syntax. Needles and regular expressions are prepared
//! here once, so that judging an event compiles nothing. Regular expressions are linear in the
//! text (`regex` has no backtracking) and capped in size when they are built.

use crate::{
    ask::Ask,
    field::{Field, Origin},
};
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use std::sync::OnceLock;
use trailhound_model::Str;

/// Where an operand comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A field.
    Field(Field),
    /// The variable of the n-th enclosing `exists` or `all`, counted from the innermost (0).
    Variable(usize),
}

/// Something that is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextExpr {
    /// A constant.
    Literal(Str),
    /// A field or variable.
    Source(Source),
    /// In lower case (ASCII only, as CEL defines it).
    Lower(Box<TextExpr>),
}

/// A text that is searched for, prepared for many searches.
#[derive(Clone, Debug)]
pub struct Needle(Box<Finder<'static>>);

impl Needle {
    /// Prepares the search.
    pub fn new(text: &str) -> Needle {
        Needle(Box::new(Finder::new(text.as_bytes()).into_owned()))
    }

    /// The text that is searched for.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0.needle()).into_owned()
    }

    /// Whether the text is in `haystack`.
    pub fn is_in(&self, haystack: &str) -> bool {
        self.0.find(haystack.as_bytes()).is_some()
    }
}

/// What is asked of a text, with constants.
#[derive(Clone, Debug)]
pub enum TextTest {
    /// It is this text.
    Equals(Str),
    /// It is one of these; sorted.
    OneOf(Box<[Str]>),
    /// It contains this.
    Contains(Needle),
    /// It starts with this.
    StartsWith(Str),
    /// It ends with this.
    EndsWith(Str),
    /// The expression matches somewhere in it.
    Matches(Pattern),
}

/// A regular expression, compiled when it is first asked: most rules of most runs never get that
/// far, and compiling all of them was a quarter of the time that a program start takes.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Box<str>,
    compiled: OnceLock<Option<Regex>>,
}

/// Compiled size of one regular expression.
const MAX_REGEX_BYTES: usize = 1 << 20;

impl Pattern {
    /// A pattern that is known to be right: the tests of the shipped rules check theirs.
    pub fn unchecked(source: &str) -> Pattern {
        Pattern { source: source.into(), compiled: OnceLock::new() }
    }

    /// A pattern that is compiled now, because nobody has looked at it yet; one that cannot grow by
    /// much when it is compiled is only read.
    pub fn checked(source: &str) -> Result<Pattern, regex::Error> {
        if stays_small(source) {
            return Ok(Pattern::unchecked(source));
        }
        let compiled = OnceLock::from(Some(compiled(source)?));
        Ok(Pattern { source: source.into(), compiled })
    }

    /// The expression.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it matches somewhere in the text.
    pub fn is_in(&self, text: &str) -> bool {
        let regex = self.compiled.get_or_init(|| compiled(&self.source).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// Longest expression that is not compiled to be checked.
const SHORT: usize = 1_000;

/// Whether an expression is right and, having no counted repetition and none of Unicode's classes,
/// compiles to a small multiple of its length. Compiling the expressions of a thousand rules takes
/// longer than reading a small log.
fn stays_small(source: &str) -> bool {
    let plain = source.is_ascii() && source.len() <= SHORT && !source.contains('{');
    let classes = source
        .as_bytes()
        .windows(2)
        .any(|two| two.first() == Some(&b'\\') && two.last().is_some_and(u8::is_ascii_alphabetic));
    let is_right = |unicode| {
        let parsed = ParserBuilder::new().unicode(unicode).nest_limit(32).build().parse(source);
        parsed.is_ok()
    };
    plain && (is_right(false) || !classes && is_right(true))
}

/// Classes and case are those of ASCII where the expression allows, as in RE2: tables of all of
/// Unicode's letters take ten times as long to compile.
fn compiled(source: &str) -> Result<Regex, regex::Error> {
    let ascii = if source.is_ascii() { compiled_as(source, false).ok() } else { None };
    ascii.map_or_else(|| compiled_as(source, true), Ok)
}

fn compiled_as(source: &str, unicode: bool) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source)
        .unicode(unicode)
        .size_limit(MAX_REGEX_BYTES)
        .dfa_size_limit(MAX_REGEX_BYTES)
        .nest_limit(32)
        .build()
}

/// What is asked of two texts, neither of which is constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairTest {
    /// They are equal.
    Equals,
    /// The left contains the right.
    Contains,
    /// The left starts with the right.
    StartsWith,
    /// The left ends with the right.
    EndsWith,
}

/// Something that is a whole number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberExpr {
    /// A constant.
    Literal(i64),
    /// A field or variable.
    Source(Source),
    /// How many characters.
    SizeOfText(TextExpr),
    /// How many items.
    SizeOfList(Source),
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Order {
    /// Whether the comparison holds.
    pub fn holds<T: PartialOrd + Copy>(self, left: T, right: T) -> bool {
        match self {
            Order::Equal => left == right,
            Order::NotEqual => left != right,
            Order::Less => left < right,
            Order::LessOrEqual => left <= right,
            Order::Greater => left > right,
            Order::GreaterOrEqual => left >= right,
        }
    }
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Predicate {
    /// Always this.
    Const(bool),
    /// All of these.
    All(Vec<Predicate>),
    /// Any of these.
    Any(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
    /// A field that is itself true, false or unknown.
    Flag(Source),
    /// The field has a value: text and lists that are not empty.
    Has(Source),
    /// A text against a constant.
    Text(TextExpr, TextTest),
    /// Two texts against each other.
    TextPair(TextExpr, PairTest, TextExpr),
    /// Two numbers against each other.
    Number(NumberExpr, Order, NumberExpr),
    /// The text is an item of the list.
    Member(TextExpr, Source),
    /// The condition holds for some item of the list, or for every one.
    Each {
        /// The list.
        list: Source,
        /// Every item, not only some.
        every: bool,
        /// The condition; the item is variable 0 in it.
        item: Box<Predicate>,
    },
    /// A question of another rule language: true or false, never unknown.
    Ask(Box<Ask>),
}

impl Predicate {
    /// The top-level conjuncts.
    pub fn conjuncts(self) -> Vec<Predicate> {
        match self {
            Predicate::All(parts) => parts.into_iter().flat_map(Predicate::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// Calls `visit` for every field that the condition reads.
    pub fn each_field(&self, visit: &mut dyn FnMut(&Field)) {
        match self {
            Predicate::Const(_) | Predicate::Ask(_) => {}
            Predicate::All(parts) | Predicate::Any(parts) => {
                for part in parts {
                    part.each_field(visit);
                }
            }
            Predicate::Not(part) => part.each_field(visit),
            Predicate::Flag(source) | Predicate::Has(source) => source.each_field(visit),
            Predicate::Text(text, _) => text.each_field(visit),
            Predicate::TextPair(left, _, right) => {
                left.each_field(visit);
                right.each_field(visit);
            }
            Predicate::Number(left, _, right) => {
                left.each_field(visit);
                right.each_field(visit);
            }
            Predicate::Member(text, list) => {
                text.each_field(visit);
                list.each_field(visit);
            }
            Predicate::Each { list, item, .. } => {
                list.each_field(visit);
                item.each_field(visit);
            }
        }
    }

    /// Calls `visit` for every question of another rule language.
    pub fn each_ask(&self, visit: &mut dyn FnMut(&Ask)) {
        match self {
            Predicate::Ask(ask) => visit(ask),
            Predicate::All(parts) | Predicate::Any(parts) => {
                for part in parts {
                    part.each_ask(visit);
                }
            }
            Predicate::Not(part) => part.each_ask(visit),
            _ => {}
        }
    }

    /// All fields that the condition reads, in the order in which it names them.
    pub fn fields(&self) -> Vec<Field> {
        let mut fields = Vec::new();
        self.each_field(&mut |field| fields.push(field.clone()));
        fields
    }

    /// The last of its origins: what must be at hand to judge it. `Event` if it reads nothing.
    pub fn origin(&self) -> Origin {
        let mut origin = Origin::Event;
        self.each_field(&mut |field| origin = origin.max(field.origin()));
        self.each_ask(&mut |ask| {
            if ask.side().is_some() {
                origin = origin.max(Origin::RawRequest);
            }
        });
        origin
    }
}

impl Source {
    fn each_field(&self, visit: &mut dyn FnMut(&Field)) {
        if let Source::Field(field) = self {
            visit(field);
        }
    }
}

impl TextExpr {
    fn each_field(&self, visit: &mut dyn FnMut(&Field)) {
        match self {
            TextExpr::Literal(_) => {}
            TextExpr::Source(source) => source.each_field(visit),
            TextExpr::Lower(text) => text.each_field(visit),
        }
    }
}

impl NumberExpr {
    fn each_field(&self, visit: &mut dyn FnMut(&Field)) {
        match self {
            NumberExpr::Literal(_) => {}
            NumberExpr::Source(source) | NumberExpr::SizeOfList(source) => source.each_field(visit),
            NumberExpr::SizeOfText(text) => text.each_field(visit),
        }
    }
}
