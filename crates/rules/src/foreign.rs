//! Which rules of other languages an event has to meet.
//!
//! They watch no actions, so the index of native rules does not know them. Nearly all of them ask
//! for certain verbs and resources somewhere in their conditions; those are found once, when the
//! rules are loaded, and an event meets only the rules that ask for its own. Sets of rules are bits,
//! so that ten times the rules cost a few words more.

use crate::{
    ask::{Ask, folded},
    document::Place,
    rule::{Language, Rule},
    tree::Predicate,
};
use compact_str::format_compact;
use std::{borrow::Cow, collections::BTreeMap};
use trailhound_model::{Str, event::Event};

/// The index of rules of other languages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foreign {
    /// Their numbers, in the order in which they were loaded.
    rules: Vec<u32>,
    verbs: Asked,
    resources: Asked,
    codes: Asked,
}

/// Rules by the text that they ask of one place.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// By length first: most texts differ in that.
    by_text: Vec<(Str, Bits)>,
    /// Rules that take any text.
    any: Bits,
}

type Bits = Box<[u64]>;

impl Foreign {
    /// Indexes those among the rules that are not native.
    pub(crate) fn of(rules: &[Rule]) -> Foreign {
        let numbered = rules.iter().zip(0_u32..);
        let mut foreign: Vec<_> = numbered
            .filter(|(rule, _)| rule.language != Language::Native && rule.joint.is_none())
            .collect();
        foreign.sort_by_key(|(rule, _)| rule.order);
        let asked = |place: fn(&Place) -> bool| {
            Asked::of(foreign.iter().map(|(rule, _)| texts_of_rule(rule, place)).collect())
        };
        Foreign {
            verbs: asked(Place::is_verb),
            resources: asked(Place::is_resource),
            codes: asked(Place::is_code),
            rules: foreign.iter().map(|(_, number)| *number).collect(),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that an event meets, in the order in which they were loaded.
    pub(crate) fn met(&self, event: &Event) -> impl Iterator<Item = u32> {
        let verbs = self.verbs.rules(&event.verb);
        let resources = self.resources.rules(event.resource());
        // A record without a code may have had any.
        let codes = event.code().map(|code| self.codes.rules(&format_compact!("{code}")));
        let words = self.rules.chunks(64).enumerate().map(move |(at, rules)| {
            let code = codes.map_or(u64::MAX, |codes| codes.word(at));
            (verbs.word(at) & resources.word(at) & code, rules)
        });
        words.filter(|(bits, _)| *bits != 0).flat_map(|(bits, rules)| {
            rules.iter().zip(0..).filter(move |(_, at)| bits >> *at & 1 == 1).map(|(rule, _)| *rule)
        })
    }
}

/// The rules that take one text: those that name it and those that take any.
#[derive(Clone, Copy)]
struct Taking<'a> {
    any: &'a [u64],
    own: &'a [u64],
}

impl Taking<'_> {
    fn word(self, at: usize) -> u64 {
        self.any.get(at).copied().unwrap_or_default()
            | self.own.get(at).copied().unwrap_or_default()
    }
}

impl Asked {
    fn of(texts: Vec<Option<Vec<Str>>>) -> Asked {
        let words = texts.len().div_ceil(64);
        let empty = || vec![0_u64; words].into_boxed_slice();
        let (mut by_text, mut any) = (BTreeMap::<Str, Bits>::new(), empty());
        for (at, texts) in texts.into_iter().enumerate() {
            match texts {
                None => set(&mut any, at),
                Some(texts) => {
                    for text in texts {
                        set(by_text.entry(text).or_insert_with(empty), at);
                    }
                }
            }
        }
        let mut by_text: Vec<(Str, Bits)> = by_text.into_iter().collect();
        by_text.sort_by(|one, other| order(&one.0).cmp(&order(&other.0)));
        Asked { by_text, any }
    }

    fn rules(&self, text: &str) -> Taking<'_> {
        let text = folded(Cow::Borrowed(text));
        let found = self.by_text.binary_search_by(|(known, _)| order(known).cmp(&order(&text)));
        let own = found.ok().and_then(|at| self.by_text.get(at));
        Taking { any: &self.any, own: own.map_or(&[], |(_, bits)| bits) }
    }
}

fn order(text: &str) -> (usize, &str) {
    (text.len(), text)
}

fn set(bits: &mut Bits, at: usize) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

/// The texts one of which a place must have for the rule to hold, in lower case; `None` if any may.
pub(crate) fn texts_of_rule(rule: &Rule, place: fn(&Place) -> bool) -> Option<Vec<Str>> {
    rule.conditions.all().filter_map(|part| texts(part, place)).min_by_key(Vec::len)
}

fn texts(predicate: &Predicate, place: fn(&Place) -> bool) -> Option<Vec<Str>> {
    match predicate {
        Predicate::Const(false) => Some(Vec::new()),
        Predicate::All(parts) => {
            parts.iter().filter_map(|part| texts(part, place)).min_by_key(Vec::len)
        }
        Predicate::Any(parts) => {
            let all: Option<Vec<Vec<Str>>> = parts.iter().map(|part| texts(part, place)).collect();
            Some(all?.concat())
        }
        Predicate::Ask(ask) => texts_asked(ask, place),
        _ => None,
    }
}

fn texts_asked(ask: &Ask, place: fn(&Place) -> bool) -> Option<Vec<Str>> {
    let crate::ask::Operand::Place(asked) = &ask.of else { return None };
    let wanted = ask.test.closed().filter(|_| place(asked))?;
    Some(wanted.iter().map(|text| folded(Cow::Borrowed(text)).as_ref().into()).collect())
}
