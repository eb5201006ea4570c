//! The grammar of CEL by precedence climbing.
//!
//! Own code because the `cel` crate costs 65 CPU seconds of build (its parser generator's runtime)
//! and has no cost limit, while rules need a small subset with errors that point at characters.
//! All of CEL's syntax is read, so that what is outside the subset is named as such and not called
//! a syntax error. Depth and size are capped: rule files may come from strangers.

use super::{
    CelError,
    lexer::{Token, tokens},
};

/// Longest expression.
pub(super) const MAX_BYTES: usize = 16 * 1024;
/// Deepest nesting.
const MAX_DEPTH: usize = 48;
/// Most nodes, which also bounds chains such as `a.b.c.…`.
const MAX_NODES: usize = 1_000;

/// An expression and the place that errors point at: its start, or the operator or function.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) at: usize,
    pub(super) kind: ExprKind,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExprKind {
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Expr>),
    Ident(String),
    Select(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call {
        target: Option<Box<Expr>>,
        name: String,
        args: Vec<Expr>,
    },
    Not(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Compare(Box<Expr>, &'static str, Box<Expr>),
    /// Valid CEL that rules cannot use, by its name.
    Unsupported(&'static str),
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expr, CelError> {
    if text.len() > MAX_BYTES {
        return Err(CelError::new(0, format!("the condition is longer than {MAX_BYTES} bytes"))
            .hint("split the rule"));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, nodes: 0 };
    let expr = parser.ternary()?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    nodes: usize,
}

const COMPARISONS: &[&str] = &["==", "!=", "<", "<=", ">", ">="];

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(at, _)| *at)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(here) if *here == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), CelError> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> CelError {
        let found = match self.peek() {
            Token::End => "the condition ends here".to_owned(),
            Token::Ident(name) => format!("unexpected `{name}`"),
            Token::Symbol(symbol) => format!("unexpected `{symbol}`"),
            Token::Text(_) => "unexpected text".to_owned(),
            Token::Int(_) | Token::Float => "unexpected number".to_owned(),
        };
        CelError::new(self.at(), found).hint(format!("expected {wanted}"))
    }

    fn node(&mut self, at: usize, kind: ExprKind) -> Result<Expr, CelError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(CelError::new(
                at,
                format!("the condition has more than {MAX_NODES} parts"),
            )
            .hint("split the rule"));
        }
        Ok(Expr { at, kind })
    }

    fn ternary(&mut self) -> Result<Expr, CelError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let what = format!("the condition is nested deeper than {MAX_DEPTH}");
            return Err(CelError::new(self.at(), what).hint("split the rule"));
        }
        let condition = self.or()?;
        let at = self.at();
        let expr = if self.take("?") {
            self.or()?;
            self.expect(":")?;
            self.ternary()?;
            self.node(at, ExprKind::Unsupported("`? :`"))?
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn or(&mut self) -> Result<Expr, CelError> {
        let first = self.and()?;
        let at = first.at;
        let mut parts = vec![first];
        while self.take("||") {
            parts.push(self.and()?);
        }
        self.joined(at, parts, ExprKind::Or)
    }

    fn and(&mut self) -> Result<Expr, CelError> {
        let first = self.comparison()?;
        let at = first.at;
        let mut parts = vec![first];
        while self.take("&&") {
            parts.push(self.comparison()?);
        }
        self.joined(at, parts, ExprKind::And)
    }

    fn joined(
        &mut self,
        at: usize,
        mut parts: Vec<Expr>,
        join: fn(Vec<Expr>) -> ExprKind,
    ) -> Result<Expr, CelError> {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => {
                parts.extend(last);
                self.node(at, join(parts))
            }
        }
    }

    fn comparison(&mut self) -> Result<Expr, CelError> {
        let mut left = self.sum()?;
        loop {
            let operator = match self.peek() {
                Token::Symbol(symbol) if COMPARISONS.contains(symbol) => symbol,
                Token::Ident(name) if name == "in" => "in",
                _ => return Ok(left),
            };
            let at = self.at();
            self.next += 1;
            let right = self.sum()?;
            left = self.node(at, ExprKind::Compare(Box::new(left), operator, Box::new(right)))?;
        }
    }

    /// Sums and products: read, never supported.
    fn sum(&mut self) -> Result<Expr, CelError> {
        let mut left = self.unary()?;
        loop {
            let at = self.at();
            if !["+", "-", "*", "/", "%"].iter().any(|symbol| self.take(symbol)) {
                return Ok(left);
            }
            self.unary()?;
            left = self.node(at, ExprKind::Unsupported("arithmetic"))?;
        }
    }

    fn unary(&mut self) -> Result<Expr, CelError> {
        let at = self.at();
        let mut nots = 0;
        while self.take("!") {
            nots += 1;
        }
        if nots == 0 && self.take("-") {
            return self.negative(at);
        }
        let mut expr = self.member()?;
        for _ in 0..nots {
            expr = self.node(at, ExprKind::Not(Box::new(expr)))?;
        }
        Ok(expr)
    }

    fn negative(&mut self, at: usize) -> Result<Expr, CelError> {
        let inner = self.member()?;
        match inner.kind {
            ExprKind::Int(value) => self.node(at, ExprKind::Int(-value)),
            _ => self.node(at, ExprKind::Unsupported("arithmetic")),
        }
    }

    fn member(&mut self) -> Result<Expr, CelError> {
        let mut expr = self.primary()?;
        loop {
            let at = self.at();
            if self.take(".") {
                expr = self.selection(expr)?;
            } else if self.take("[") {
                let index = self.ternary()?;
                self.expect("]")?;
                expr = self.node(expr.at, ExprKind::Index(Box::new(expr), Box::new(index)))?;
            } else if self.take("{") {
                self.braces()?;
                expr = self.node(at, ExprKind::Unsupported("a map or message"))?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn selection(&mut self, target: Expr) -> Result<Expr, CelError> {
        let (start, at) = (target.at, self.at());
        let Token::Ident(name) = self.peek().clone() else {
            return Err(self.unexpected("a name"));
        };
        self.next += 1;
        if self.take("(") {
            let args = self.list(")")?;
            return self.node(at, ExprKind::Call { target: Some(Box::new(target)), name, args });
        }
        self.node(start, ExprKind::Select(Box::new(target), name))
    }

    fn primary(&mut self) -> Result<Expr, CelError> {
        let at = self.at();
        let kind = match self.peek().clone() {
            Token::Int(value) => ExprKind::Int(value),
            Token::Float => ExprKind::Unsupported("a decimal number"),
            Token::Text(text) => ExprKind::Text(text),
            Token::Ident(name) => return self.name(at, name),
            Token::Symbol("(") => {
                self.next += 1;
                let inner = self.ternary()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Symbol("[") => {
                self.next += 1;
                let items = self.list("]")?;
                return self.node(at, ExprKind::List(items));
            }
            Token::Symbol("{") => {
                self.next += 1;
                self.braces()?;
                return self.node(at, ExprKind::Unsupported("a map or message"));
            }
            _ => return Err(self.unexpected("a field, a text or a number")),
        };
        self.next += 1;
        self.node(at, kind)
    }

    fn name(&mut self, at: usize, name: String) -> Result<Expr, CelError> {
        if name == "in" {
            return Err(self.unexpected("a field, a text or a number"));
        }
        self.next += 1;
        let kind = match name.as_str() {
            "true" => ExprKind::Bool(true),
            "false" => ExprKind::Bool(false),
            "null" => ExprKind::Unsupported("`null`"),
            _ if self.take("(") => ExprKind::Call { target: None, name, args: self.list(")")? },
            _ => ExprKind::Ident(name),
        };
        self.node(at, kind)
    }

    /// Expressions up to the closing symbol; a last comma is allowed.
    fn list(&mut self, close: &str) -> Result<Vec<Expr>, CelError> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.ternary()?);
            if !self.take(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(items)
    }

    /// The inside of `{ key: value, … }`, read and forgotten.
    fn braces(&mut self) -> Result<(), CelError> {
        while !self.take("}") {
            self.ternary()?;
            self.expect(":")?;
            self.ternary()?;
            if !self.take(",") {
                return self.expect("}");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree with all parentheses.
    fn shown(expr: &Expr) -> String {
        let all = |parts: &[Expr], by: &str| parts.iter().map(shown).collect::<Vec<_>>().join(by);
        match &expr.kind {
            ExprKind::Bool(value) => value.to_string(),
            ExprKind::Int(value) => value.to_string(),
            ExprKind::Text(text) => format!("{text:?}"),
            ExprKind::List(items) => format!("[{}]", all(items, ",")),
            ExprKind::Ident(name) => name.clone(),
            ExprKind::Select(inner, name) => format!("{}.{name}", shown(inner)),
            ExprKind::Index(inner, index) => format!("{}[{}]", shown(inner), shown(index)),
            ExprKind::Call { target, name, args } => {
                let target = target.as_ref().map_or(String::new(), |one| shown(one) + ".");
                format!("{target}{name}({})", all(args, ","))
            }
            ExprKind::Not(inner) => format!("!{}", shown(inner)),
            ExprKind::And(parts) => format!("({})", all(parts, " && ")),
            ExprKind::Or(parts) => format!("({})", all(parts, " || ")),
            ExprKind::Compare(left, by, right) => {
                format!("({} {by} {})", shown(left), shown(right))
            }
            ExprKind::Unsupported(what) => format!("<{what}>"),
        }
    }

    #[test]
    fn operators_bind_as_in_cel() {
        for (source, tree) in [
            ("a || b && c || d", "(a || (b && c) || d)"),
            ("!a && !(b || c)", "(!a && !(b || c))"),
            ("!a.b == c", "(!a.b == c)"),
            ("a.b[\"c\"].d(1, -2,)", "a.b[\"c\"].d(1,-2)"),
            ("x in [1, 2] && y", "((x in [1,2]) && y)"),
            ("!!a", "!!a"),
            ("a ? b : c", "<`? :`>"),
            ("a + 1 > 2", "(<arithmetic> > 2)"),
            ("{'a': 1}", "<a map or message>"),
            ("null == 1.5", "(<`null`> == <a decimal number>)"),
        ] {
            assert_eq!(shown(&parse(source).unwrap()), tree, "{source}");
        }
    }

    #[test]
    fn syntax_errors_point_at_the_character() {
        for (source, at, what, hint) in [
            ("", 0, "the condition ends here", "expected a field, a text or a number"),
            ("a &&", 4, "the condition ends here", "expected a field, a text or a number"),
            ("a b", 2, "unexpected `b`", "expected an operator or the end"),
            ("(a", 2, "the condition ends here", "expected `)`"),
            ("a.1", 2, "unexpected number", "expected a name"),
            ("[1 2]", 3, "unexpected number", "expected `]`"),
            ("in x", 0, "unexpected `in`", "expected a field, a text or a number"),
        ] {
            let error = parse(source).unwrap_err();
            assert_eq!(
                (error.at, error.what.as_str(), error.hint.as_str()),
                (at, what, hint),
                "{source}"
            );
        }
    }

    #[test]
    fn expressions_that_would_exhaust_the_stack_or_memory_are_refused() {
        for source in [
            "(".repeat(5_000) + "a" + &")".repeat(5_000),
            "a[".repeat(5_000) + &"]".repeat(5_000),
            "!".repeat(15_000) + "a",
            "a".to_owned() + &".b".repeat(7_000),
            "a == ".repeat(3_000) + "a",
            "f(".repeat(5_000),
            "x".repeat(MAX_BYTES + 1),
        ] {
            assert!(parse(&source).is_err());
        }
    }
}
