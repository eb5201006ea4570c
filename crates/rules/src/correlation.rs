//! What a rule counts over time: Sigma's correlation vocabulary. Only the definition is here;
//! windows and counts are state and live in `detect`.

use crate::field::Field;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationKind {
    /// Matching events.
    EventCount,
    /// Distinct values of a field among them.
    ValueCount,
}

impl CorrelationKind {
    /// The name in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            CorrelationKind::EventCount => "event_count",
            CorrelationKind::ValueCount => "value_count",
        }
    }
}

/// Bounds that a count must keep to; all that are given must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// At least.
    pub least: Option<u64>,
    /// At most.
    pub most: Option<u64>,
}

impl Condition {
    /// Whether a count satisfies it.
    pub fn holds(&self, count: u64) -> bool {
        self.least.is_none_or(|least| count >= least) && self.most.is_none_or(|most| count <= most)
    }
}

/// A count over a sliding window of event time, per group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correlation {
    /// What is counted.
    pub kind: CorrelationKind,
    /// Events with equal values here are counted together.
    pub group_by: Vec<Field>,
    /// Length of the window.
    pub timespan_micros: i64,
    /// When it fires.
    pub condition: Condition,
    /// Whose distinct values are counted (`value_count` only).
    pub field: Option<Field>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_of_a_range_must_hold() {
        let range = Condition { least: Some(2), most: Some(4) };
        let held: Vec<_> = (0..6).filter(|count| range.holds(*count)).collect();
        assert_eq!(held, [2, 3, 4]);
        assert!(Condition { least: Some(2), most: None }.holds(u64::MAX));
    }
}
