//! From CEL's syntax to predicates, with types checked, so that a condition that can never be true
//! is refused when it is loaded.

use super::{
    CelError,
    parser::{Expr, ExprKind, parse},
};
use crate::{
    error::suggest,
    field::{Field, FieldId, Type},
    tree::{Needle, NumberExpr, Order, PairTest, Pattern, Predicate, Source, TextExpr, TextTest},
};
use trailhound_model::{
    Str,
    action::{ActionKind, Effect, Outcome},
    credential::CredentialKind,
    principal::PrincipalKind,
};

/// Compiles a condition.
pub fn compile(text: &str) -> Result<Predicate, CelError> {
    compile_of(text, false)
}

/// Compiles a condition. Regular expressions of `shipped` rules are not looked at before they are
/// used.
pub(crate) fn compile_of(text: &str, shipped: bool) -> Result<Predicate, CelError> {
    let expr = parse(text)?;
    let mut compiler = Compiler { variables: Vec::new(), shipped };
    let typed = compiler.typed(&expr)?;
    typed.into_bool(expr.at)
}

/// An expression with its type.
enum Typed {
    Bool(Predicate),
    Text(TextExpr),
    Number(NumberExpr),
    List(Source),
    Literals(Vec<Typed>),
    Any(Source),
}

impl Typed {
    fn name(&self) -> &'static str {
        match self {
            Typed::Bool(_) => "a condition",
            Typed::Text(_) => "text",
            Typed::Number(_) => "a number",
            Typed::List(_) | Typed::Literals(_) => "a list",
            Typed::Any(_) => "a raw value",
        }
    }

    fn may_be_number(&self) -> bool {
        matches!(self, Typed::Number(_) | Typed::Any(_))
    }

    fn wrong(&self, at: usize, wanted: &str) -> CelError {
        CelError::new(at, format!("this is {}, but {wanted} is needed here", self.name()))
    }

    fn into_bool(self, at: usize) -> Result<Predicate, CelError> {
        match self {
            Typed::Bool(predicate) => Ok(predicate),
            Typed::Any(source) => Ok(Predicate::Flag(source)),
            other => Err(other.wrong(at, "a condition")),
        }
    }

    fn into_text(self, at: usize) -> Result<TextExpr, CelError> {
        match self {
            Typed::Text(text) => Ok(text),
            Typed::Any(source) => Ok(TextExpr::Source(source)),
            other => Err(other.wrong(at, "text")),
        }
    }

    fn into_number(self, at: usize) -> Result<NumberExpr, CelError> {
        match self {
            Typed::Number(number) => Ok(number),
            Typed::Any(source) => Ok(NumberExpr::Source(source)),
            other => Err(other.wrong(at, "a number")),
        }
    }

    fn into_list(self, at: usize) -> Result<Source, CelError> {
        match self {
            Typed::List(source) | Typed::Any(source) => Ok(source),
            Typed::Literals(_) => Err(CelError::new(at, "a list of constants cannot be used here")
                .hint("it may only stand to the right of `in`")),
            other => Err(other.wrong(at, "a list")),
        }
    }

    fn of(source: Source, kind: Type) -> Typed {
        match kind {
            Type::Bool => Typed::Bool(Predicate::Flag(source)),
            Type::Int => Typed::Number(NumberExpr::Source(source)),
            Type::Text => Typed::Text(TextExpr::Source(source)),
            Type::List | Type::Map => Typed::List(source),
            Type::Any => Typed::Any(source),
        }
    }
}

struct Compiler {
    /// Variables of the enclosing `exists` and `all`, and whether their items are raw values.
    variables: Vec<(String, Type)>,
    shipped: bool,
}

impl Compiler {
    fn typed(&mut self, expr: &Expr) -> Result<Typed, CelError> {
        match &expr.kind {
            ExprKind::Bool(value) => Ok(Typed::Bool(Predicate::Const(*value))),
            ExprKind::Int(value) => Ok(Typed::Number(NumberExpr::Literal(*value))),
            ExprKind::Text(text) => Ok(Typed::Text(TextExpr::Literal(text.into()))),
            ExprKind::List(items) => {
                let items = items.iter().map(|item| self.typed(item)).collect::<Result<_, _>>()?;
                Ok(Typed::Literals(items))
            }
            ExprKind::Ident(_) | ExprKind::Select(..) | ExprKind::Index(..) => self.place(expr),
            ExprKind::Not(inner) => Ok(Typed::Bool(negated(self.condition(inner)?))),
            ExprKind::And(parts) => Ok(Typed::Bool(Predicate::All(self.conditions(parts)?))),
            ExprKind::Or(parts) => Ok(Typed::Bool(Predicate::Any(self.conditions(parts)?))),
            ExprKind::Compare(left, "in", right) => self.membership(left, right),
            ExprKind::Compare(left, operator, right) => {
                self.comparison(expr.at, left, operator, right)
            }
            ExprKind::Call { target: None, name, args } => self.function(expr.at, name, args),
            ExprKind::Call { target: Some(target), name, args } => {
                self.method(expr.at, target, name, args)
            }
            ExprKind::Unsupported(what) => Err(outside(expr.at, what)),
        }
    }

    fn condition(&mut self, expr: &Expr) -> Result<Predicate, CelError> {
        self.typed(expr)?.into_bool(expr.at)
    }

    fn conditions(&mut self, parts: &[Expr]) -> Result<Vec<Predicate>, CelError> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn text(&mut self, expr: &Expr) -> Result<TextExpr, CelError> {
        self.typed(expr)?.into_text(expr.at)
    }

    /// A field or a variable.
    fn place(&mut self, expr: &Expr) -> Result<Typed, CelError> {
        let path = path_of(expr)?;
        let (start, root) = path.first().cloned().unwrap_or_default();
        let depth = self.variables.iter().rev().position(|(name, _)| *name == root);
        if let Some(depth) = depth {
            if let Some((at, part)) = path.get(1) {
                return Err(CelError::new(*at, format!("`{root}` has no part `{part}`")).hint(
                    "items of lists are texts or numbers; pod templates are in `workload.…`",
                ));
            }
            let kind = self.variables.iter().rev().nth(depth).map_or(Type::Text, |(_, kind)| *kind);
            return Ok(Typed::of(Source::Variable(depth), kind));
        }
        let field = field_of(start, &path)?;
        let kind = field.kind();
        Ok(Typed::of(Source::Field(field), kind))
    }

    fn comparison(
        &mut self,
        at: usize,
        left: &Expr,
        operator: &str,
        right: &Expr,
    ) -> Result<Typed, CelError> {
        let (one, other) = (self.typed(left)?, self.typed(right)?);
        let order = order_of(operator);
        if one.may_be_number() && other.may_be_number() {
            if let (Typed::Any(_), Typed::Any(_)) = (&one, &other) {
                return Err(CelError::new(at, "two raw values cannot be compared with each other")
                    .hint("compare with a text, a number or a named field"));
            }
            let (one, other) = (one.into_number(left.at)?, other.into_number(right.at)?);
            return Ok(Typed::Bool(Predicate::Number(one, order, other)));
        }
        if !matches!(order, Order::Equal | Order::NotEqual) {
            let (typed, at) = if one.may_be_number() { (other, right.at) } else { (one, left.at) };
            let hint = format!("`{operator}` compares numbers");
            return Err(typed.wrong(at, "a number").hint(hint));
        }
        let equal = equality(at, (one, left.at), (other, right.at))?;
        Ok(Typed::Bool(if order == Order::NotEqual { negated(equal) } else { equal }))
    }

    fn membership(&mut self, item: &Expr, list: &Expr) -> Result<Typed, CelError> {
        let typed = self.typed(item)?;
        let predicate = match self.typed(list)? {
            Typed::Literals(items) => one_of(item.at, typed, items, list.at)?,
            Typed::Text(_) => {
                return Err(CelError::new(list.at, "`in` needs a list on its right side")
                    .hint("for a part of a text write text.contains(part)"));
            }
            source => Predicate::Member(typed.into_text(item.at)?, source.into_list(list.at)?),
        };
        Ok(Typed::Bool(predicate))
    }

    fn function(&mut self, at: usize, name: &str, args: &[Expr]) -> Result<Typed, CelError> {
        match (name, args) {
            ("size", [arg]) => {
                let typed = self.typed(arg)?;
                size_of(typed, arg.at)
            }
            ("has", [arg]) => self.has(arg),
            ("size" | "has", _) => Err(arguments(at, name, 1)),
            _ => Err(unknown_function(at, name)),
        }
    }

    fn has(&mut self, arg: &Expr) -> Result<Typed, CelError> {
        if let ExprKind::Index(map, _) = &arg.kind {
            let map = path_of(map)?.into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(".");
            return Err(CelError::new(arg.at, "has() takes a field, not an index")
                .hint(format!("write \"KEY\" in {map}")));
        }
        match self.place(arg)? {
            Typed::Bool(Predicate::Flag(_)) => {
                Err(CelError::new(arg.at, "has() of a field that is true or false")
                    .hint("write the field by itself"))
            }
            Typed::Text(TextExpr::Source(source))
            | Typed::Number(NumberExpr::Source(source))
            | Typed::List(source)
            | Typed::Any(source) => Ok(Typed::Bool(Predicate::Has(source))),
            other => Err(other.wrong(arg.at, "a field")),
        }
    }

    fn method(
        &mut self,
        at: usize,
        target: &Expr,
        name: &str,
        args: &[Expr],
    ) -> Result<Typed, CelError> {
        match (name, args) {
            ("exists" | "all", [variable, condition]) => {
                self.each(target, name == "all", variable, condition)
            }
            ("size", []) => {
                let typed = self.typed(target)?;
                size_of(typed, target.at)
            }
            ("lowerAscii", []) => {
                let text = self.text(target)?;
                Ok(Typed::Text(TextExpr::Lower(Box::new(text))))
            }
            ("contains" | "startsWith" | "endsWith" | "matches", [arg]) => {
                let text = self.searched(at, target, name)?;
                Ok(Typed::Bool(self.search(text, name, arg)?))
            }
            ("exists" | "all", _) => Err(arguments(at, name, 2)),
            ("contains" | "startsWith" | "endsWith" | "matches", _) => Err(arguments(at, name, 1)),
            ("size" | "lowerAscii", _) => Err(arguments(at, name, 0)),
            _ => Err(unknown_function(at, name)),
        }
    }

    fn searched(&mut self, at: usize, target: &Expr, name: &str) -> Result<TextExpr, CelError> {
        match self.typed(target)? {
            Typed::List(_) | Typed::Literals(_) => {
                Err(CelError::new(at, format!("{name}() is for texts, and this is a list"))
                    .hint("write \"text\" in list, or list.exists(x, …)"))
            }
            typed => typed.into_text(target.at),
        }
    }

    fn pattern(&self, at: usize, pattern: &str) -> Result<Pattern, CelError> {
        if self.shipped { Ok(Pattern::unchecked(pattern)) } else { checked(at, pattern) }
    }

    fn search(&mut self, text: TextExpr, name: &str, arg: &Expr) -> Result<Predicate, CelError> {
        let sought = self.text(arg)?;
        let constant = match (name, sought) {
            ("matches", TextExpr::Literal(pattern)) => {
                TextTest::Matches(self.pattern(arg.at, pattern.as_str())?)
            }
            ("matches", _) => {
                return Err(CelError::new(arg.at, "the regular expression must be a constant"));
            }
            ("contains", TextExpr::Literal(word)) => TextTest::Contains(Needle::new(&word)),
            ("startsWith", TextExpr::Literal(word)) => TextTest::StartsWith(word),
            (_, TextExpr::Literal(word)) => TextTest::EndsWith(word),
            (_, other) => return Ok(Predicate::TextPair(text, pair_test(name), other)),
        };
        Ok(Predicate::Text(text, constant))
    }

    fn each(
        &mut self,
        target: &Expr,
        every: bool,
        variable: &Expr,
        condition: &Expr,
    ) -> Result<Typed, CelError> {
        let typed = match whole_body(target) {
            Some(body) => Typed::Any(body),
            None => self.typed(target)?,
        };
        let kind = if matches!(typed, Typed::Any(_)) { Type::Any } else { Type::Text };
        let list = typed.into_list(target.at)?;
        let ExprKind::Ident(name) = &variable.kind else {
            return Err(CelError::new(variable.at, "the first argument must be a new name"));
        };
        let taken = FieldId::ALL.iter().any(|id| id.name().split('.').next() == Some(name));
        if taken || self.variables.iter().any(|(known, _)| known == name) {
            return Err(CelError::new(variable.at, format!("`{name}` has a meaning already"))
                .hint("choose another name for the item"));
        }
        self.variables.push((name.clone(), kind));
        let item = self.condition(condition);
        self.variables.pop();
        Ok(Typed::Bool(Predicate::Each { list, every, item: Box::new(item?) }))
    }
}

/// A body asked for as a whole: a JSON patch is a list, and its operations are the items.
fn whole_body(expr: &Expr) -> Option<Source> {
    let path = path_of(expr).ok()?;
    let names: Vec<&str> = path.iter().map(|(_, part)| part.as_str()).collect();
    let id = FieldId::from_name(&names.join("."))?;
    (id.kind() == Type::Any).then(|| Source::Field(Field::plain(id)))
}

fn pair_test(name: &str) -> PairTest {
    match name {
        "contains" => PairTest::Contains,
        "startsWith" => PairTest::StartsWith,
        _ => PairTest::EndsWith,
    }
}

/// The negation, with `!(a || b)` as `!a && !b`, so that it splits into conjuncts.
fn negated(predicate: Predicate) -> Predicate {
    match predicate {
        Predicate::Any(parts) => Predicate::All(parts.into_iter().map(negated).collect()),
        Predicate::Not(inner) => *inner,
        Predicate::Const(value) => Predicate::Const(!value),
        other => Predicate::Not(Box::new(other)),
    }
}

fn one_of(
    item: usize,
    typed: Typed,
    items: Vec<Typed>,
    list: usize,
) -> Result<Predicate, CelError> {
    if !items.is_empty() && items.iter().all(|one| matches!(one, Typed::Number(_))) {
        let left = typed.into_number(item)?;
        let each =
            |one: Typed| Ok(Predicate::Number(left.clone(), Order::Equal, one.into_number(list)?));
        return items.into_iter().map(each).collect::<Result<_, _>>().map(Predicate::Any);
    }
    let text = typed.into_text(item)?;
    let mut words: Vec<Str> = Vec::new();
    for one in items {
        let TextExpr::Literal(word) = one.into_text(list)? else {
            return Err(CelError::new(list, "a list may hold constants only"));
        };
        check_word(list, &text, &word)?;
        words.push(word);
    }
    words.sort();
    Ok(Predicate::Text(text, TextTest::OneOf(words.into())))
}

fn order_of(operator: &str) -> Order {
    match operator {
        "==" => Order::Equal,
        "!=" => Order::NotEqual,
        "<" => Order::Less,
        "<=" => Order::LessOrEqual,
        ">" => Order::Greater,
        _ => Order::GreaterOrEqual,
    }
}

fn equality(
    at: usize,
    (left, left_at): (Typed, usize),
    (right, right_at): (Typed, usize),
) -> Result<Predicate, CelError> {
    match (left, right) {
        (Typed::Bool(one), Typed::Bool(other)) => Ok(same(one, other)),
        (Typed::Bool(one), Typed::Any(source)) | (Typed::Any(source), Typed::Bool(one)) => {
            Ok(same(one, Predicate::Flag(source)))
        }
        (Typed::List(source), Typed::Literals(items))
        | (Typed::Literals(items), Typed::List(source)) => {
            if items.is_empty() {
                let size = NumberExpr::SizeOfList(source);
                return Ok(Predicate::Number(size, Order::Equal, NumberExpr::Literal(0)));
            }
            Err(CelError::new(at, "lists can only be compared with []")
                .hint("use `in`, exists() or all()"))
        }
        (one @ (Typed::Text(_) | Typed::Any(_)), other @ (Typed::Text(_) | Typed::Any(_))) => {
            same_text(at, one.into_text(left_at)?, other.into_text(right_at)?)
        }
        (one, other) => {
            Err(CelError::new(at, format!("{} cannot be equal to {}", one.name(), other.name())))
        }
    }
}

fn same(one: Predicate, other: Predicate) -> Predicate {
    match (one, other) {
        (Predicate::Const(true), other) | (other, Predicate::Const(true)) => other,
        (Predicate::Const(false), other) | (other, Predicate::Const(false)) => negated(other),
        (one, other) => Predicate::Any(vec![
            Predicate::All(vec![one.clone(), other.clone()]),
            Predicate::All(vec![negated(one), negated(other)]),
        ]),
    }
}

fn same_text(at: usize, left: TextExpr, right: TextExpr) -> Result<Predicate, CelError> {
    match (left, right) {
        (text, TextExpr::Literal(word)) | (TextExpr::Literal(word), text) => {
            check_word(at, &text, &word)?;
            Ok(Predicate::Text(text, TextTest::Equals(word)))
        }
        (left, right) => Ok(Predicate::TextPair(left, PairTest::Equals, right)),
    }
}

/// Fields with a fixed vocabulary are compared with words of it only: anything else is a slip.
fn check_word(at: usize, text: &TextExpr, word: &str) -> Result<(), CelError> {
    let TextExpr::Source(Source::Field(field)) = text else { return Ok(()) };
    let words = vocabulary(field.id());
    if words.is_empty() || words.contains(&word) {
        return Ok(());
    }
    Err(CelError::new(at, format!("`{field}` is never \"{word}\""))
        .hint(suggest(word, words.iter().copied())))
}

fn vocabulary(id: FieldId) -> Vec<&'static str> {
    match id {
        FieldId::ActionKind => ActionKind::ALL.iter().map(|kind| kind.as_str()).collect(),
        FieldId::ActionOutcome => Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
        FieldId::ActionEffect => [Effect::None, Effect::Changed, Effect::DryRun, Effect::NoOp]
            .map(Effect::as_str)
            .to_vec(),
        FieldId::PrincipalKind | FieldId::ActorKind => {
            PrincipalKind::ALL.iter().map(|kind| kind.as_str()).collect()
        }
        FieldId::CredentialKind => [
            CredentialKind::Unknown,
            CredentialKind::X509,
            CredentialKind::PodToken,
            CredentialKind::Token,
            CredentialKind::LegacyToken,
            CredentialKind::None,
        ]
        .map(CredentialKind::as_str)
        .to_vec(),
        FieldId::WorkloadStandard => vec!["privileged", "baseline", "restricted"],
        _ => Vec::new(),
    }
}

fn size_of(typed: Typed, at: usize) -> Result<Typed, CelError> {
    match typed {
        Typed::Text(text) => Ok(Typed::Number(NumberExpr::SizeOfText(text))),
        Typed::List(source) | Typed::Any(source) => {
            Ok(Typed::Number(NumberExpr::SizeOfList(source)))
        }
        other => Err(other.wrong(at, "a text or a list")),
    }
}

fn checked(at: usize, pattern: &str) -> Result<Pattern, CelError> {
    Pattern::checked(pattern).map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            CelError::new(at, format!("the regular expression needs more than {limit} bytes"))
                .hint("use smaller repetitions")
        }
        other => {
            let last = other.to_string().lines().last().unwrap_or_default().trim().to_owned();
            let reason = last.strip_prefix("error: ").unwrap_or(&last);
            CelError::new(at, format!("the regular expression is wrong: {reason}"))
                .hint("RE2 syntax; look-around and back references do not exist")
        }
    })
}

fn outside(at: usize, what: &str) -> CelError {
    CelError::new(at, format!("{what} is valid CEL but outside the supported subset"))
        .hint("see \"Operators\" in docs/rules.md")
}

fn arguments(at: usize, name: &str, count: usize) -> CelError {
    let plural = if count == 1 { "" } else { "s" };
    CelError::new(at, format!("{name}() takes {count} argument{plural}"))
}

const FUNCTIONS: &[&str] = &[
    "all",
    "contains",
    "endsWith",
    "exists",
    "has",
    "lowerAscii",
    "matches",
    "size",
    "startsWith",
];

fn unknown_function(at: usize, name: &str) -> CelError {
    CelError::new(at, format!("the function {name}() is outside the supported subset"))
        .hint(suggest(name, FUNCTIONS.iter().copied()))
}

/// `a.b["c"][0]` as its parts, each with its offset.
fn path_of(expr: &Expr) -> Result<Vec<(usize, String)>, CelError> {
    match &expr.kind {
        ExprKind::Ident(name) => Ok(vec![(expr.at, name.clone())]),
        ExprKind::Select(inner, name) => {
            let mut path = path_of(inner)?;
            path.push((expr.at, name.clone()));
            Ok(path)
        }
        ExprKind::Index(inner, index) => {
            let mut path = path_of(inner)?;
            let part = match &index.kind {
                ExprKind::Text(key) => key.clone(),
                ExprKind::Int(number) if *number >= 0 => number.to_string(),
                _ => {
                    return Err(CelError::new(index.at, "an index must be a constant")
                        .hint("write map[\"KEY\"] or list[0]"));
                }
            };
            path.push((index.at, part));
            Ok(path)
        }
        _ => Err(CelError::new(expr.at, "a field is needed here")),
    }
}

fn field_of(start: usize, path: &[(usize, String)]) -> Result<Field, CelError> {
    let names: Vec<&str> = path.iter().map(|(_, part)| part.as_str()).collect();
    let (id, used) = (1..=2)
        .find_map(|count| Some((FieldId::from_name(&names.get(..count)?.join("."))?, count)))
        .ok_or_else(|| unknown_field(start, &names))?;
    let rest = path.get(used..).unwrap_or_default();
    let parts: Vec<Str> = rest.iter().map(|(_, part)| part.into()).collect();
    match (id.kind(), rest) {
        (Type::Any, []) => Err(CelError::new(start, format!("`{}` needs a path", id.name()))
            .hint(format!("write {}.spec.…", id.name()))),
        (Type::Map, [_, (at, _), ..]) => {
            Err(CelError::new(*at, "the values of this map are texts"))
        }
        (Type::Map | Type::Any, _) | (_, []) => Ok(Field::at(id, parts)),
        (kind, [(at, part), ..]) => {
            let what = format!("`{}` is {} and has no part `{part}`", id.name(), kind.as_str());
            Err(CelError::new(*at, what))
        }
    }
}

fn unknown_field(at: usize, names: &[&str]) -> CelError {
    let name = names.get(..2).map_or_else(|| names.join("."), |two| two.join("."));
    CelError::new(at, format!("there is no field `{name}`"))
        .hint(suggest(&name, FieldId::ALL.iter().map(|id| id.name())))
}
