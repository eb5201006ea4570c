//! Counts per rule: how many events it looked at, and on how many it could not decide. They are
//! what "what was checked" and "what the log cannot show" are told from, so they are counted where
//! the judgement is made, per thread, and added up.

use crate::{
    recall::{Met, Recall},
    site::address::{AddressFacts, AddressMemory},
};
use std::sync::Arc;
use trailhound_model::fact::Fact;

/// Counts per rule, by its index in the rule set.
#[derive(Clone, Debug, Default)]
pub struct RuleTally {
    looked_at: Vec<u64>,
    undecided: Vec<u64>,
    /// Holds looks that are not yet in `looked_at`: one count for all rules of an entry.
    recall: Recall,
    addresses: AddressMemory,
}

impl RuleTally {
    /// How many events passed the index of this rule.
    pub fn looked_at(&self, rule: u32) -> u64 {
        let counted = self.looked_at.get(rule as usize).copied().unwrap_or_default();
        let recalled = self.recall.looks().filter(|(_, met)| met.looked.contains(&rule));
        counted + recalled.map(|(hits, _)| hits).sum::<u64>()
    }

    /// On how many of them the log did not carry what the rule asks for.
    pub fn undecided(&self, rule: u32) -> u64 {
        self.undecided.get(rule as usize).copied().unwrap_or_default()
    }

    /// Adds another thread's counts.
    pub fn merge(&mut self, other: &RuleTally) {
        add_all(&mut self.looked_at, &other.looked_at);
        add_all(&mut self.undecided, &other.undecided);
        for (hits, met) in other.recall.looks() {
            self.look(hits, met);
        }
    }

    /// Takes the counts out and leaves what the thread remembers: a thread that works on many
    /// chunks keeps one tally and hands on its counts after each.
    #[must_use]
    pub fn take_counts(&mut self) -> RuleTally {
        let mut taken = RuleTally {
            looked_at: std::mem::take(&mut self.looked_at),
            undecided: std::mem::take(&mut self.undecided),
            ..RuleTally::default()
        };
        self.recall.take_looks(|hits, met| taken.look(hits, met));
        taken
    }

    /// The rules that a request like this meets, counted as looked at.
    pub(crate) fn met(&mut self, set: u64, fact: &Fact, work: impl FnOnce() -> Met) -> Arc<Met> {
        let (met, gone) = self.recall.met(set, fact, work);
        if let Some((hits, old)) = gone {
            self.look(hits, &old);
        }
        met
    }

    /// What this thread remembers of an address.
    pub(crate) fn address(&mut self, set: u64, address: &str) -> Arc<AddressFacts> {
        self.addresses.of(set, address)
    }

    fn look(&mut self, hits: u64, met: &Met) {
        for rule in &met.looked {
            add(&mut self.looked_at, *rule, hits);
        }
    }

    /// Counts an event that the rule looks at.
    pub(crate) fn look_once(&mut self, rule: u32) {
        add(&mut self.looked_at, rule, 1);
    }

    /// Counts an event on which the rule could not decide. `detect` calls it too, when the part
    /// that needs history stays unknown.
    pub fn undecide(&mut self, rule: u32) {
        add(&mut self.undecided, rule, 1);
    }
}

fn add(counts: &mut Vec<u64>, rule: u32, more: u64) {
    let at = rule as usize;
    if at >= counts.len() {
        counts.resize(at + 1, 0);
    }
    if let Some(count) = counts.get_mut(at) {
        *count += more;
    }
}

fn add_all(counts: &mut Vec<u64>, other: &[u64]) {
    if other.len() > counts.len() {
        counts.resize(other.len(), 0);
    }
    for (count, more) in counts.iter_mut().zip(other) {
        *count += more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::Event;

    fn met(rules: &[u32]) -> Met {
        Met { looked: rules.to_vec(), left: Vec::new() }
    }

    fn with_agent(agent: &str) -> Fact {
        Fact::of(Event { user_agent: agent.into(), ..Event::default() })
    }

    #[test]
    fn counts_of_two_threads_add_up_whatever_rules_they_saw() {
        let (mut left, mut right) = (RuleTally::default(), RuleTally::default());
        left.met(1, &with_agent("a"), || met(&[0]));
        right.met(1, &with_agent("a"), || met(&[0, 3]));
        right.met(1, &with_agent("a"), || met(&[]));
        right.undecide(3);
        left.merge(&right);
        let seen: Vec<_> =
            (0..5).map(|rule| (left.looked_at(rule), left.undecided(rule))).collect();
        assert_eq!(seen, [(3, 0), (0, 0), (0, 0), (2, 1), (0, 0)]);
    }

    #[test]
    fn looks_are_counted_though_agents_push_one_another_out_or_are_too_long() {
        let mut tally = RuleTally::default();
        for round in 0..3 {
            for agent in 0..2_000 {
                tally.met(1, &with_agent(&format!("agent-{agent}")), || met(&[7]));
            }
            tally.met(1, &with_agent(&"x".repeat(5_000)), || met(&[7, 8]));
            assert_eq!((tally.looked_at(7), tally.looked_at(8)), ((round + 1) * 2_001, round + 1));
        }
    }

    #[test]
    fn counts_that_were_taken_are_not_counted_again() {
        let mut tally = RuleTally::default();
        let mut total = RuleTally::default();
        for _ in 0..3 {
            tally.met(1, &with_agent("a"), || met(&[7]));
            tally.undecide(7);
            total.merge(&tally.take_counts());
        }
        assert_eq!((total.looked_at(7), total.undecided(7)), (3, 3));
        assert_eq!((tally.looked_at(7), tally.undecided(7)), (0, 0));
    }

    #[test]
    fn what_one_rule_set_left_in_memory_is_nothing_to_another() {
        let mut tally = RuleTally::default();
        tally.met(1, &with_agent("a"), || met(&[7]));
        let other = tally.met(2, &with_agent("a"), || met(&[8]));
        assert_eq!(other.looked, [8]);
        assert_eq!((tally.looked_at(7), tally.looked_at(8)), (1, 1));
    }
}
