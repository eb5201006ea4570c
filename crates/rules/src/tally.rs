//! Counts per rule: how many events it looked at, and on how many it could not decide. They are
//! what "what was checked" and "what the log cannot show" are told from, so they are counted where
//! the judgement is made, per thread, and added up.

/// Counts per rule, by its index in the rule set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTally {
    looked_at: Vec<u64>,
    undecided: Vec<u64>,
}

impl RuleTally {
    /// How many events passed the index of this rule.
    pub fn looked_at(&self, rule: u32) -> u64 {
        self.looked_at.get(rule as usize).copied().unwrap_or_default()
    }

    /// On how many of them the log did not carry what the rule asks for.
    pub fn undecided(&self, rule: u32) -> u64 {
        self.undecided.get(rule as usize).copied().unwrap_or_default()
    }

    /// Adds another thread's counts.
    pub fn merge(&mut self, other: &RuleTally) {
        add_all(&mut self.looked_at, &other.looked_at);
        add_all(&mut self.undecided, &other.undecided);
    }

    /// Counts an event that passed the rule's index.
    pub(crate) fn look(&mut self, rule: u32) {
        add_one(&mut self.looked_at, rule);
    }

    /// Counts an event on which the rule could not decide. `detect` calls it too, when the part
    /// that needs history stays unknown.
    pub fn undecide(&mut self, rule: u32) {
        add_one(&mut self.undecided, rule);
    }
}

fn add_one(counts: &mut Vec<u64>, rule: u32) {
    let at = rule as usize;
    if at >= counts.len() {
        counts.resize(at + 1, 0);
    }
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
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

    #[test]
    fn counts_of_two_threads_add_up_whatever_rules_they_saw() {
        let (mut left, mut right) = (RuleTally::default(), RuleTally::default());
        left.look(0);
        right.look(0);
        right.look(3);
        right.undecide(3);
        left.merge(&right);
        let seen: Vec<_> =
            (0..5).map(|rule| (left.looked_at(rule), left.undecided(rule))).collect();
        assert_eq!(seen, [(2, 0), (0, 0), (0, 0), (1, 1), (0, 0)]);
    }
}
