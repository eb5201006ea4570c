//! What a condition of Falco says, before anybody knows which macros and lists there are.
//!
//! Names are resolved later because a later file may change what an earlier one says. Every part
//! keeps its place in the text, so that an error can be shown where it is.

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Macro(Word),
    Check(Box<Check>),
}

/// A text in a condition, and where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// In quotation marks: never the name of a list.
    pub(super) quoted: bool,
    pub(super) at: usize,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Check {
    pub(super) left: Term,
    pub(super) operator: Operator,
    pub(super) several: Option<Several>,
    pub(super) right: Right,
    pub(super) at: usize,
}

/// Something that has values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    Field { name: String, argument: Option<String>, at: usize },
    Call { transformer: Transformer, terms: Vec<Term>, at: usize },
    Literal(Word),
}

/// What is on the right of an operator.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Right {
    Nothing,
    Word(Word),
    List(Vec<Word>),
    Term(Term),
}

/// Which of several values on the right must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Several {
    Any,
    All,
}

/// How values are changed before they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transformer {
    Value,
    Lower,
    Upper,
    Base64,
    BaseName,
    Length,
    Join,
    Concat,
    GetOpt,
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Exists,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    FoldedContains,
    BytesContain,
    Starts,
    BytesStart,
    Ends,
    Glob,
    FoldedGlob,
    Regex,
    In,
    Intersects,
    PathPrefix,
}

impl Operator {
    /// Every operator, by its name.
    pub(super) const NAMES: [(&'static str, Operator); 20] = [
        ("exists", Operator::Exists),
        ("=", Operator::Equal),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        ("<=", Operator::LessOrEqual),
        (">", Operator::Greater),
        (">=", Operator::GreaterOrEqual),
        ("contains", Operator::Contains),
        ("icontains", Operator::FoldedContains),
        ("bcontains", Operator::BytesContain),
        ("startswith", Operator::Starts),
        ("bstartswith", Operator::BytesStart),
        ("endswith", Operator::Ends),
        ("glob", Operator::Glob),
        ("iglob", Operator::FoldedGlob),
        ("regex", Operator::Regex),
        ("in", Operator::In),
        ("intersects", Operator::Intersects),
        ("pmatch", Operator::PathPrefix),
    ];

    pub(super) fn from_name(name: &str) -> Option<Operator> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, operator)| operator)
    }

    /// Whether a list stands on its right.
    pub(super) fn takes_list(self) -> bool {
        matches!(self, Operator::In | Operator::Intersects | Operator::PathPrefix)
    }

    /// Whether a number stands on its right.
    pub(super) fn is_of_numbers(self) -> bool {
        matches!(
            self,
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
        )
    }
}

impl Transformer {
    /// Every transformer, by its name.
    pub(super) const NAMES: [(&'static str, Transformer); 9] = [
        ("val", Transformer::Value),
        ("tolower", Transformer::Lower),
        ("toupper", Transformer::Upper),
        ("b64", Transformer::Base64),
        ("basename", Transformer::BaseName),
        ("len", Transformer::Length),
        ("join", Transformer::Join),
        ("concat", Transformer::Concat),
        ("getopt", Transformer::GetOpt),
    ];

    pub(super) fn from_name(name: &str) -> Option<Transformer> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, one)| one)
    }
}

/// What is wrong in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Byte offset in the text.
    pub(super) at: usize,
    pub(super) what: String,
    pub(super) hint: String,
}

impl SyntaxError {
    pub(super) fn new(at: usize, what: impl Into<String>, hint: impl Into<String>) -> SyntaxError {
        SyntaxError { at, what: what.into(), hint: hint.into() }
    }
}
