//! Judges a condition on an event with Kleene's three values.
//!
//! Nothing here fails: an absent text reads as empty, an absent list as empty, an absent flag as
//! false, an absent number equals nothing; what the log does not carry is unknown, and unknown
//! goes through every operator.

use crate::{
    read::{Item, Items, View},
    tree::{NumberExpr, Order, PairTest, Predicate, Source, TextExpr, TextTest},
};
use std::borrow::Cow;
use trailhound_model::lookup::{Reading, Truth};

/// The variables of the enclosing `exists` and `all`, innermost first.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    item: &'a Item<'a>,
    outer: Option<&'a Scope<'a>>,
}

impl<'a> Scope<'a> {
    fn find(&self, depth: usize) -> Option<&'a Item<'a>> {
        match depth {
            0 => Some(self.item),
            _ => self.outer?.find(depth - 1),
        }
    }
}

/// Judges a condition.
pub(crate) fn judge(predicate: &Predicate, view: &View) -> Truth {
    Judge { view, scope: None }.truth(predicate)
}

/// Judges conjuncts; stops at the first that is false.
pub(crate) fn judge_all(conjuncts: &[Predicate], view: &View) -> Truth {
    Judge { view, scope: None }.all(conjuncts)
}

#[derive(Clone, Copy)]
struct Judge<'a> {
    view: &'a View<'a>,
    scope: Option<&'a Scope<'a>>,
}

impl<'a> Judge<'a> {
    fn truth(self, predicate: &Predicate) -> Truth {
        match predicate {
            Predicate::Const(value) => Truth::from(*value),
            Predicate::All(parts) => self.all(parts),
            Predicate::Any(parts) => self.any(parts),
            Predicate::Not(part) => !self.truth(part),
            Predicate::Flag(source) => self.flag(source),
            Predicate::Has(source) => self.has(source),
            Predicate::Text(text, asked) => match self.text(text) {
                Some(text) => Truth::from(holds(&text, asked)),
                None => Truth::Unknown,
            },
            Predicate::TextPair(left, test, right) => match (self.text(left), self.text(right)) {
                (Some(left), Some(right)) => Truth::from(pair_test(&left, *test, &right)),
                _ => Truth::Unknown,
            },
            Predicate::Number(left, order, right) => {
                compare(self.number(left), *order, self.number(right))
            }
            Predicate::Member(text, list) => self.member(text, list),
            Predicate::Each { list, every, item } => self.each(list, *every, item),
            Predicate::Ask(ask) => Truth::from(ask.holds(self.view, self.view.doubt())),
        }
    }

    fn all(self, parts: &[Predicate]) -> Truth {
        let mut truth = Truth::True;
        for part in parts {
            truth = truth.and(self.truth(part));
            if truth == Truth::False {
                break;
            }
        }
        truth
    }

    fn any(self, parts: &[Predicate]) -> Truth {
        let mut truth = Truth::False;
        for part in parts {
            truth = truth.or(self.truth(part));
            if truth == Truth::True {
                break;
            }
        }
        truth
    }

    fn variable(self, depth: usize) -> Option<&'a Item<'a>> {
        self.scope?.find(depth)
    }

    fn flag(self, source: &Source) -> Truth {
        match source {
            Source::Field(field) => self.view.flag(field),
            Source::Variable(depth) => {
                self.variable(*depth).map_or(Truth::False, |item| Truth::from(item.is_true()))
            }
        }
    }

    fn has(self, source: &Source) -> Truth {
        match source {
            Source::Field(field) => self.view.has(field),
            Source::Variable(_) => Truth::True,
        }
    }

    /// The text, empty if absent; `None` if unknown.
    fn text(self, expr: &'a TextExpr) -> Option<Cow<'a, str>> {
        match expr {
            TextExpr::Literal(text) => Some(Cow::Borrowed(text.as_str())),
            TextExpr::Source(Source::Field(field)) => match self.view.text(field) {
                Reading::Present(text) => Some(text),
                Reading::Absent => Some(Cow::Borrowed("")),
                Reading::Unknown => None,
            },
            TextExpr::Source(Source::Variable(depth)) => {
                Some(self.variable(*depth).map_or(Cow::Borrowed(""), Item::text))
            }
            TextExpr::Lower(inner) => {
                self.text(inner).map(|text| Cow::Owned(text.to_ascii_lowercase()))
            }
        }
    }

    fn number(self, expr: &NumberExpr) -> Reading<i64> {
        match expr {
            NumberExpr::Literal(value) => Reading::Present(*value),
            NumberExpr::Source(Source::Field(field)) => self.view.number(field),
            NumberExpr::Source(Source::Variable(depth)) => self
                .variable(*depth)
                .and_then(Item::number)
                .map_or(Reading::Absent, Reading::Present),
            NumberExpr::SizeOfText(text) => match self.text(text) {
                Some(text) => Reading::Present(count(text.chars().count())),
                None => Reading::Unknown,
            },
            NumberExpr::SizeOfList(list) => match self.list(list) {
                Reading::Present(items) => Reading::Present(count(items.len())),
                Reading::Absent => Reading::Present(0),
                Reading::Unknown => Reading::Unknown,
            },
        }
    }

    fn list(self, source: &Source) -> Reading<Items<'a>> {
        match source {
            Source::Field(field) => self.view.list(field),
            Source::Variable(depth) => self
                .variable(*depth)
                .and_then(Item::items)
                .map_or(Reading::Absent, Reading::Present),
        }
    }

    fn member(self, text: &TextExpr, list: &Source) -> Truth {
        match (self.list(list), self.text(text)) {
            (Reading::Absent, _) => Truth::False,
            (Reading::Present(items), Some(text)) => {
                Truth::from(items.iter().any(|item| item.text() == text))
            }
            _ => Truth::Unknown,
        }
    }

    fn each(self, list: &Source, every: bool, condition: &Predicate) -> Truth {
        let items = match self.list(list) {
            Reading::Present(items) => items,
            Reading::Absent => return Truth::from(every),
            Reading::Unknown => return Truth::Unknown,
        };
        let mut truth = Truth::from(every);
        for item in items.iter() {
            let scope = Scope { item: &item, outer: self.scope };
            let one = Judge { view: self.view, scope: Some(&scope) }.truth(condition);
            truth = if every { truth.and(one) } else { truth.or(one) };
            if truth == Truth::from(!every) {
                break;
            }
        }
        truth
    }
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn holds(text: &str, asked: &TextTest) -> bool {
    match asked {
        TextTest::Equals(wanted) => text == wanted.as_str(),
        TextTest::OneOf(wanted) => {
            wanted.binary_search_by(|probe| probe.as_str().cmp(text)).is_ok()
        }
        TextTest::Contains(needle) => needle.is_in(text),
        TextTest::StartsWith(start) => text.starts_with(start.as_str()),
        TextTest::EndsWith(end) => text.ends_with(end.as_str()),
        TextTest::Matches(pattern) => pattern.is_in(text),
    }
}

fn pair_test(left: &str, test: PairTest, right: &str) -> bool {
    match test {
        PairTest::Equals => left == right,
        PairTest::Contains => memchr::memmem::find(left.as_bytes(), right.as_bytes()).is_some(),
        PairTest::StartsWith => left.starts_with(right),
        PairTest::EndsWith => left.ends_with(right),
    }
}

/// A number that is not there differs from every number and is neither more nor less.
fn compare(left: Reading<i64>, order: Order, right: Reading<i64>) -> Truth {
    match (left, right) {
        (Reading::Unknown, _) | (_, Reading::Unknown) => Truth::Unknown,
        (Reading::Present(left), Reading::Present(right)) => Truth::from(order.holds(left, right)),
        _ => Truth::from(order == Order::NotEqual),
    }
}
