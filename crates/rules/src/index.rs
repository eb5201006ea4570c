//! Which rules an event has to meet: one list per kind of action and outcome, so that most events
//! meet none and ten times more rules cost nothing on events that they do not watch.

use crate::rule::{Rule, Watches};
use trailhound_model::{
    action::{Action, ActionKind, Outcome},
    fact::Fact,
};

/// A rule in a list, with what is checked before its conditions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate {
    pub(crate) rule: u32,
    principals: u16,
    effects: u8,
}

impl Gate {
    /// Whether the event passes.
    pub(crate) fn lets(self, fact: &Fact) -> bool {
        // Who acts as somebody else is judged by either identity: borrowing the name of a component
        // must not hide an act.
        let kinds = 1_u16 << (fact.principal.effective.kind as u16)
            | 1_u16 << (fact.principal.actor().kind as u16);
        self.principals & kinds != 0 && self.lets_effect(fact.action)
    }

    /// Whether the action's effect passes.
    pub(crate) fn lets_effect(self, action: Action) -> bool {
        self.effects & (1 << (action.effect as u8)) != 0
    }
}

/// The index of a rule set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    lists: Vec<Vec<Gate>>,
}

impl Index {
    /// Indexes rules by what they watch; lists keep the order of the rules.
    pub(crate) fn of(rules: &[Rule]) -> Index {
        let mut lists = vec![Vec::new(); ActionKind::ALL.len() * Outcome::ALL.len()];
        for (rule, number) in rules.iter().zip(0_u32..).filter(|(rule, _)| rule.missing.is_none()) {
            let watches = &rule.watches;
            let gate = gate(number, watches);
            for kind in &watches.actions {
                for outcome in &watches.outcomes {
                    if let Some(list) = lists.get_mut(slot(*kind, *outcome)) {
                        list.push(gate);
                    }
                }
            }
        }
        Index { lists }
    }

    /// The rules that watch this action and outcome.
    pub(crate) fn gates(&self, action: Action) -> &[Gate] {
        self.lists.get(slot(action.kind, action.outcome)).map_or(&[], Vec::as_slice)
    }
}

fn slot(kind: ActionKind, outcome: Outcome) -> usize {
    kind as usize * Outcome::ALL.len() + outcome as usize
}

fn gate(rule: u32, watches: &Watches) -> Gate {
    let principals = watches.principals.iter().fold(0, |mask, kind| mask | 1 << (*kind as u16));
    let effects = watches.effects.iter().fold(0, |mask, effect| mask | 1 << (*effect as u8));
    Gate { rule, principals, effects }
}
