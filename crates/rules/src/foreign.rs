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
use std::{borrow::Cow, collections::BTreeMap};
use trailhound_model::{Str, event::Event};

/// The index of rules of other languages.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foreign {
    /// Their numbers, in the order in which they were loaded.
    rules: Vec<u32>,
    verbs: Asked,
    resources: Asked,
}

/// Rules by the text that they ask of one place.
#[derive(Clone, Debug, Default)]
struct Asked {
    by_text: BTreeMap<Str, Bits>,
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
        let both = verbs.zip(resources).map(|(one, other)| one & other);
        both.zip(self.rules.chunks(64)).flat_map(|(bits, rules)| {
            rules.iter().zip(0..).filter(move |(_, at)| bits >> *at & 1 == 1).map(|(rule, _)| *rule)
        })
    }
}

impl Asked {
    fn of(texts: Vec<Option<Vec<Str>>>) -> Asked {
        let words = texts.len().div_ceil(64);
        let empty = || vec![0_u64; words].into_boxed_slice();
        let mut asked = Asked { by_text: BTreeMap::new(), any: empty() };
        for (at, texts) in texts.into_iter().enumerate() {
            match texts {
                None => set(&mut asked.any, at),
                Some(texts) => {
                    for text in texts {
                        set(asked.by_text.entry(text).or_insert_with(empty), at);
                    }
                }
            }
        }
        asked
    }

    fn rules(&self, text: &str) -> impl Iterator<Item = u64> {
        let own = self.by_text.get(folded(Cow::Borrowed(text)).as_ref());
        let own = own.map_or(&[][..], |bits| bits).iter().copied();
        self.any.iter().zip(own.chain(std::iter::repeat(0))).map(|(any, own)| any | own)
    }
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
