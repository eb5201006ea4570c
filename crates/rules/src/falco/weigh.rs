//! How much a condition is once its macros and lists are put in, worked out before that is done.
//!
//! A macro that names another one twice doubles it; forty such lines are a file of two kilobytes and
//! a condition that no memory holds. Sizes are added up per macro, once each, so that such a file is
//! refused at once.

use super::{
    library::Library,
    parser,
    place::Source,
    syntax::{Check, Expr, Right, Word},
};
use crate::error::{LoadError, nearest};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};
use trailhound_model::Str;

/// Checks and values of one rule.
const MAX_RULE: u64 = 100_000;
/// Checks and values of all rules.
const MAX_ALL: u64 = 2_000_000;
/// Items of one list with those that it names.
const MAX_LIST: usize = 100_000;
/// Items of all lists.
const MAX_LISTS: usize = 1_000_000;
/// Macros within macros.
const MAX_CHAIN: usize = 100;
/// Levels of `and`, `or`, `not` one in another, macros put in.
const MAX_DEPTH: usize = 400;

/// Size and depth of a condition.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    size: u64,
    depth: usize,
}

impl Weight {
    fn beside(self, other: Weight) -> Weight {
        Weight { size: self.size.saturating_add(other.size), depth: self.depth.max(other.depth) }
    }
}

/// Macros and lists by name, read when a rule first asks for them: files for other sources of events
/// hold many that no rule of ours uses.
pub(super) struct Names<'l, 'a> {
    library: &'l Library<'a>,
    macros: RefCell<BTreeMap<&'l str, (Rc<Expr>, Weight)>>,
    lists: RefCell<BTreeMap<&'l str, Rc<[Str]>>>,
    listed: Cell<usize>,
    total: Cell<u64>,
}

impl<'l, 'a> Names<'l, 'a> {
    pub(super) fn new(library: &'l Library<'a>) -> Names<'l, 'a> {
        Names {
            library,
            macros: RefCell::default(),
            lists: RefCell::default(),
            listed: Cell::new(0),
            total: Cell::new(0),
        }
    }

    /// Checks that the condition of a rule can be put together.
    pub(super) fn admit(&self, expr: &Expr, source: &Source<'a>) -> Result<(), LoadError> {
        let weight = self.weigh(expr, source, &mut Vec::new())?;
        self.total.set(self.total.get().saturating_add(weight.size));
        let (what, hint) = if weight.size > MAX_RULE {
            ("the condition is too large once its macros and lists are put in", MAX_RULE)
        } else if self.total.get() > MAX_ALL {
            ("all conditions together are too large once macros and lists are put in", MAX_ALL)
        } else if weight.depth > MAX_DEPTH {
            ("the condition is nested too deep once its macros are put in", MAX_DEPTH as u64)
        } else {
            return Ok(());
        };
        Err(source.error(0, what.to_owned(), format!("the most is {hint}")))
    }

    /// The condition of a macro that was admitted.
    pub(super) fn expr(&self, name: &str) -> Option<(Rc<Expr>, &'l Source<'a>)> {
        let expr = self.macros.borrow().get(name).map(|(expr, _)| Rc::clone(expr))?;
        Some((expr, self.library.macros.get(name)?))
    }

    /// The items of a list, with those of the lists that it names; `None` if there is none.
    pub(super) fn list(&self, name: &str) -> Result<Option<Rc<[Str]>>, String> {
        self.list_in(name, &mut Vec::new())
    }

    fn list_in(&self, name: &str, chain: &mut Vec<&'l str>) -> Result<Option<Rc<[Str]>>, String> {
        let Some((name, items)) = self.library.lists.get_key_value(name) else { return Ok(None) };
        if let Some(known) = self.lists.borrow().get(name.as_str()) {
            return Ok(Some(Rc::clone(known)));
        }
        if chain.contains(&name.as_str()) || chain.len() >= MAX_CHAIN {
            return Err(format!(
                "list `{name}` contains itself, or more than {MAX_CHAIN} lists in one another"
            ));
        }
        chain.push(name);
        let mut all: BTreeSet<Str> = BTreeSet::new();
        for item in items {
            match self.list_in(item, chain)? {
                Some(inner) => all.extend(inner.iter().cloned()),
                None => {
                    all.insert(unquoted(item).into());
                }
            }
            if all.len() > MAX_LIST {
                return Err(format!("list `{name}` has more than {MAX_LIST} items"));
            }
        }
        chain.pop();
        self.listed.set(self.listed.get() + all.len());
        if self.listed.get() > MAX_LISTS {
            return Err(format!("all lists together have more than {MAX_LISTS} items"));
        }
        let all: Rc<[Str]> = all.into_iter().collect();
        self.lists.borrow_mut().insert(name, Rc::clone(&all));
        Ok(Some(all))
    }

    fn weigh(
        &self,
        expr: &Expr,
        source: &Source<'a>,
        chain: &mut Vec<&'l str>,
    ) -> Result<Weight, LoadError> {
        let deeper = |weight: Weight| Weight { depth: weight.depth + 1, ..weight };
        match expr {
            Expr::All(parts) | Expr::Any(parts) => {
                let start = Weight { size: 1, depth: 0 };
                let sum = parts.iter().try_fold(start, |sum, part| {
                    self.weigh(part, source, chain).map(|weight| sum.beside(weight))
                });
                sum.map(deeper)
            }
            Expr::Not(part) => self.weigh(part, source, chain).map(deeper),
            Expr::Macro(word) => self.weigh_macro(word, source, chain),
            Expr::Check(check) => self.weigh_check(check, source),
        }
    }

    fn weigh_check(&self, check: &Check, source: &Source<'a>) -> Result<Weight, LoadError> {
        let words = match &check.right {
            Right::List(words) => words.as_slice(),
            Right::Word(word) => std::slice::from_ref(word),
            Right::Nothing | Right::Term(_) => &[],
        };
        let mut size = 1_u64;
        for word in words {
            let list = if word.quoted { Ok(None) } else { self.list(&word.text) };
            let list = list.map_err(|what| source.error(word.at, what, String::new()))?;
            size = size.saturating_add(list.map_or(1, |list| list.len() as u64));
        }
        Ok(Weight { size, depth: 1 })
    }

    fn weigh_macro(
        &self,
        word: &Word,
        source: &Source<'a>,
        chain: &mut Vec<&'l str>,
    ) -> Result<Weight, LoadError> {
        if let Some((_, weight)) = self.macros.borrow().get(word.text.as_str()) {
            return Ok(*weight);
        }
        let Some((name, inner)) = self.library.macros.get_key_value(&word.text) else {
            return Err(self.unknown_macro(word, source));
        };
        if chain.contains(&name.as_str()) {
            let way = chain.iter().copied().skip_while(|one| one != name);
            let way: Vec<&str> = way.chain([name.as_str()]).collect();
            let what = format!("macro `{name}` contains itself");
            return Err(source.error(word.at, what, way.join(" → ")));
        }
        if chain.len() >= MAX_CHAIN {
            let what = format!("more than {MAX_CHAIN} macros in one another");
            return Err(source.error(word.at, what, String::new()));
        }
        chain.push(name);
        let expr = parser::parse(&inner.text)
            .map_err(|error| inner.error(error.at, error.what, error.hint))?;
        let weight = self.weigh(&expr, inner, chain)?;
        chain.pop();
        self.macros.borrow_mut().insert(name, (Rc::new(expr), weight));
        Ok(weight)
    }

    fn unknown_macro(&self, word: &Word, source: &Source<'a>) -> LoadError {
        let name = &word.text;
        let near = nearest(name, self.library.macros.keys().map(String::as_str));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.library.lists.contains_key(name) => {
                format!("`{name}` is a list: write `field in ({name})`")
            }
            None => "name the file that defines it too".to_owned(),
        };
        source.error(word.at, format!("there is no macro `{name}`"), hint)
    }
}

/// Items may carry quotation marks of their own, for texts with blanks.
pub(super) fn unquoted(item: &str) -> &str {
    let inner = |mark: char| item.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
    inner('"').or_else(|| inner('\'')).unwrap_or(item)
}
