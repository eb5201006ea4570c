//! Native rules that are made of the matches of other rules: `correlation:` with `rules:`.
//!
//! The words are Sigma's, the fields ours, so that a sequence of native rules needs no second
//! language.

use super::yaml::{ConditionFile, CorrelationFile, Problems};
use crate::{
    error::suggest,
    joint::{Bounds, Joint, JointKind, JointPart, MOST_PARTS, Noting},
};

const TYPES: [(&str, JointKind); 7] = [
    ("event_count", JointKind::EventCount),
    ("value_count", JointKind::ValueCount),
    ("value_sum", JointKind::ValueSum),
    ("value_avg", JointKind::ValueAverage),
    ("value_median", JointKind::Percentile(50)),
    ("temporal", JointKind::Temporal),
    ("temporal_ordered", JointKind::Ordered),
];

/// Whether a correlation of other rules may have this type.
pub(super) fn is_type(name: &str) -> bool {
    TYPES.iter().any(|(known, _)| *known == name)
}

impl Problems<'_> {
    /// What the rule asks of the matches of others; their ids are looked up when all rules are known.
    pub(super) fn joint(&mut self, file: &CorrelationFile) -> Option<Joint> {
        let Some((_, kind)) = TYPES.iter().find(|(known, _)| *known == file.kind) else {
            let hint = suggest(&file.kind, TYPES.map(|(known, _)| known));
            self.at_key(
                "correlation",
                format!("there is no correlation type `{}`", file.kind),
                hint,
            );
            return None;
        };
        if file.rules.len() > MOST_PARTS {
            let what = format!("a correlation of more than {MOST_PARTS} rules");
            self.at_key("correlation", what, "chain correlations");
        }
        let none = ConditionFile::default();
        let condition = file.condition.as_ref().unwrap_or(&none);
        let mut notings = |names: &[String]| -> Vec<Noting> {
            names.iter().filter_map(|name| self.kept_field(name)).map(Noting::Field).collect()
        };
        let group = notings(&file.group_by);
        let values = notings(condition.field.as_slice());
        let bounds = self.joint_bounds(*kind, file.rules.len(), condition);
        let part = |rule: &String| JointPart {
            rule: rule.clone(),
            group: group.clone(),
            values: values.clone(),
        };
        Some(Joint {
            kind: *kind,
            parts: file.rules.iter().map(part).collect(),
            timespan_micros: self.timespan(&file.timespan),
            bounds,
        })
    }

    fn joint_bounds(&mut self, kind: JointKind, parts: usize, file: &ConditionFile) -> Bounds {
        let number = |bound: Option<u64>| bound.map(|bound| bound as f64);
        let bounds = Bounds {
            gt: number(file.gt),
            gte: number(file.gte),
            lt: number(file.lt),
            lte: number(file.lte),
            eq: number(file.eq),
            neq: None,
        };
        let takes_field = !kind.is_temporal() && kind != JointKind::EventCount;
        if takes_field != file.field.is_some() {
            let what = if takes_field { "needs `field` in" } else { "takes no `field` in" };
            self.at_key("correlation", format!("this type {what} its condition"), "");
        }
        match (bounds == Bounds::default(), kind.is_temporal()) {
            (true, true) => Bounds::at_least(parts as f64),
            (true, false) => {
                self.at_key("correlation", "the condition has no bound", "write {gte: 10}");
                bounds
            }
            (false, _) => bounds,
        }
    }
}
