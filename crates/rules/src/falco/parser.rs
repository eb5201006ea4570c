//! Conditions of Falco: `and`, `or`, `not`, brackets, comparisons, names of macros.
//!
//! Brackets and `not` are limited in depth, as in Falco: whoever writes a rule file must not be able
//! to exhaust the stack of this program.

use super::{
    lexer::Lexer,
    syntax::{Check, Expr, Operator, Right, Several, SyntaxError, Term, Transformer},
};
use crate::error::suggest;

/// Deepest nesting.
const MAX_DEPTH: usize = 100;
/// Longest condition, in bytes.
pub(super) const MAX_CONDITION: usize = 256 << 10;

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    if text.len() > MAX_CONDITION {
        let what = format!("the condition is longer than {MAX_CONDITION} bytes");
        return Err(SyntaxError::new(0, what, "use lists"));
    }
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    let expr = parser.any()?;
    if parser.lexer.is_over() {
        return Ok(expr);
    }
    let what = format!("expected `and`, `or` or the end, found {}", parser.lexer.shown());
    let hint = if parser.lexer.rest().starts_with(')') { "a bracket too many" } else { "" };
    Err(parser.lexer.error(what, hint))
}

/// Reads a field with its argument or transformers, as the exceptions of a rule name it.
pub(super) fn parse_term(text: &str) -> Result<Term, SyntaxError> {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    let name = parser.lexer.take_name();
    let term = match name {
        Some(name) => parser.term(name, 0)?,
        None => return Err(parser.lexer.error("expected the name of a field", "")),
    };
    if parser.lexer.is_over() {
        Ok(term)
    } else {
        Err(parser.lexer.error("expected only a field", ""))
    }
}

/// Reads `(a, b)`; `None` if it is no list in brackets.
pub(super) fn parse_list(text: &str) -> Option<Vec<super::syntax::Word>> {
    let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
    if !parser.lexer.take("(") {
        return None;
    }
    let list = parser.list().ok()?;
    parser.lexer.is_over().then_some(list)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let what = format!("nested more than {MAX_DEPTH} deep");
            return Err(self.lexer.error(what, "use macros"));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn any(&mut self) -> Result<Expr, SyntaxError> {
        let mut parts = vec![self.all()?];
        while self.lexer.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Expr::Any))
    }

    fn all(&mut self) -> Result<Expr, SyntaxError> {
        let mut parts = vec![self.negated()?];
        while self.lexer.take_word("and") {
            parts.push(self.negated()?);
        }
        Ok(one_or(parts, Expr::All))
    }

    fn negated(&mut self) -> Result<Expr, SyntaxError> {
        let mut negated = false;
        while self.lexer.take_word("not") {
            negated = !negated;
        }
        let expr = self.simple()?;
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn simple(&mut self) -> Result<Expr, SyntaxError> {
        if self.lexer.take("(") {
            let expr = self.deeper(Self::any)?;
            return if self.lexer.take(")") { Ok(expr) } else { Err(self.expected("`)`")) };
        }
        self.lexer.skip_blanks();
        let at = self.lexer.at();
        let Some(name) = self.lexer.take_name() else {
            return Err(self.expected("a field, a macro, `not` or `(`"));
        };
        if matches!(name, "and" | "or") {
            let what = format!("expected a field, a macro, `not` or `(`, found `{name}`");
            return Err(SyntaxError::new(at, what, "something is missing before it"));
        }
        if !name.contains('.') && !self.lexer.rest().starts_with('(') {
            return self.macro_named(name, at);
        }
        let left = self.term(name, at)?;
        self.check(left, at)
    }

    /// A name without a dot is a macro; an operator behind it tells that a field was meant.
    fn macro_named(&mut self, name: &str, at: usize) -> Result<Expr, SyntaxError> {
        let mut ahead = self.lexer;
        if Operator::from_name(ahead.take_operator()).is_some() {
            let what = format!("`{name}` is compared like a field, but no field is named so");
            return Err(SyntaxError::new(at, what, "fields have dots: `ka.verb`"));
        }
        Ok(Expr::Macro(super::syntax::Word { text: name.to_owned(), quoted: false, at }))
    }

    fn expected(&mut self, what: &str) -> SyntaxError {
        self.lexer.skip_blanks();
        self.lexer.error(format!("expected {what}, found {}", self.lexer.shown()), "")
    }

    /// A field or transformer whose name was just read.
    fn term(&mut self, name: &'a str, at: usize) -> Result<Term, SyntaxError> {
        if name.contains('.') {
            let has_argument = self.lexer.rest().starts_with('[') && self.lexer.take("[");
            let argument = if has_argument { Some(self.lexer.take_argument()?) } else { None };
            return Ok(Term::Field { name: name.to_owned(), argument, at });
        }
        let Some(transformer) = Transformer::from_name(name) else {
            let names = Transformer::NAMES.map(|(name, _)| name);
            let what = format!("`{name}` is no transformer");
            return Err(SyntaxError::new(at, what, suggest(name, names)));
        };
        if !self.lexer.take("(") {
            return Err(self.expected("`(`"));
        }
        let terms = self.deeper(Self::terms)?;
        Ok(Term::Call { transformer, terms, at })
    }

    /// The terms of a transformer, up to its closing bracket.
    fn terms(&mut self) -> Result<Vec<Term>, SyntaxError> {
        let mut terms = Vec::new();
        loop {
            if self.lexer.take("(") {
                terms.extend(self.deeper(Self::terms)?);
            } else {
                terms.push(self.inner_term()?);
            }
            if self.lexer.take(")") {
                return Ok(terms);
            }
            if !self.lexer.take(",") {
                return Err(self.expected("`,` or `)`"));
            }
        }
    }

    fn inner_term(&mut self) -> Result<Term, SyntaxError> {
        self.lexer.skip_blanks();
        let at = self.lexer.at();
        let mut ahead = self.lexer;
        if let Some(name) = ahead.take_name()
            && (name.contains('.') || ahead.rest().starts_with('('))
        {
            self.lexer = ahead;
            return self.term(name, at);
        }
        self.lexer
            .take_value()?
            .map(Term::Literal)
            .ok_or_else(|| self.expected("a field or a text"))
    }

    fn check(&mut self, left: Term, at: usize) -> Result<Expr, SyntaxError> {
        self.lexer.skip_blanks();
        let place = self.lexer.at();
        let name = self.lexer.take_operator();
        let Some(operator) = Operator::from_name(name) else {
            let names = Operator::NAMES.map(|(name, _)| name);
            let what = match name {
                "" => format!("expected an operator, found {}", self.lexer.shown()),
                _ => format!("`{name}` is no operator"),
            };
            let hint = if name.is_empty() { String::new() } else { suggest(name, names) };
            return Err(SyntaxError::new(place, what, hint));
        };
        let several = self.several(operator)?;
        let right = self.right(operator, several)?;
        Ok(Expr::Check(Box::new(Check { left, operator, several, right, at })))
    }

    fn several(&mut self, operator: Operator) -> Result<Option<Several>, SyntaxError> {
        if operator == Operator::Exists || operator.takes_list() {
            return Ok(None);
        }
        let before = self.lexer;
        for (word, several) in
            [("oneof", Several::Any), ("anyof", Several::Any), ("allof", Several::All)]
        {
            if self.lexer.take_word(word) {
                self.lexer.skip_blanks();
                if self.lexer.rest().starts_with('(') {
                    return if operator.is_of_numbers() || operator == Operator::NotEqual {
                        Err(before.error(
                            format!("`{word}` does not go with this operator"),
                            "use `not … in (…)`",
                        ))
                    } else {
                        Ok(Some(several))
                    };
                }
                // A value that happens to be so named.
                self.lexer = before;
            }
        }
        Ok(None)
    }

    fn right(
        &mut self,
        operator: Operator,
        several: Option<Several>,
    ) -> Result<Right, SyntaxError> {
        if operator == Operator::Exists {
            return Ok(Right::Nothing);
        }
        if (operator.takes_list() || several.is_some()) && self.lexer.take("(") {
            return self.list().map(Right::List);
        }
        if let Some(term) = self.term_on_the_right()? {
            return Ok(Right::Term(term));
        }
        let word = self.lexer.take_value()?;
        let word = word.ok_or_else(|| self.expected("a value"))?;
        Ok(if operator.takes_list() { Right::List(vec![word]) } else { Right::Word(word) })
    }

    fn term_on_the_right(&mut self) -> Result<Option<Term>, SyntaxError> {
        self.lexer.skip_blanks();
        let at = self.lexer.at();
        let mut ahead = self.lexer;
        match ahead.take_name() {
            Some(name)
                if ahead.rest().starts_with('(') && Transformer::from_name(name).is_some() =>
            {
                self.lexer = ahead;
                self.term(name, at).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The values of a list, up to its closing bracket.
    fn list(&mut self) -> Result<Vec<super::syntax::Word>, SyntaxError> {
        let mut words = Vec::new();
        if self.lexer.take(")") {
            return Ok(words);
        }
        loop {
            match self.lexer.take_value()? {
                Some(word) => words.push(word),
                None => return Err(self.expected("a value")),
            }
            if self.lexer.take(")") {
                return Ok(words);
            }
            if !self.lexer.take(",") {
                return Err(self.expected("`,` or `)`"));
            }
            // A comma before the bracket is no value.
            if self.lexer.take(")") {
                return Ok(words);
            }
        }
    }
}

fn one_or(mut parts: Vec<Expr>, several: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            several(parts)
        }
        (_, None) => several(parts),
    }
}
