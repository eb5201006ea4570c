//! Correlation documents: what they count or put in order, of which rules.

use super::{
    about::About,
    fields::{self, Source},
    file::{Document, texts},
};
use crate::{
    ask::Operand,
    error::{LoadError, suggest},
    joint::{Bounds, Joint, JointKind, JointPart, MOST_MATCHES, MOST_PARTS, Noting},
};
use serde_yaml_ng::{Mapping, Value};
use std::collections::BTreeMap;
use trailhound_model::time::{HOUR, MINUTE, SECOND};

const TYPES: [&str; 8] = [
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
    "temporal",
    "temporal_ordered",
];
const KEYS: [&str; 7] =
    ["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];
const CONDITIONS: [&str; 8] = ["gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile"];
/// Longest window: beyond it, matches would be kept for most of a log.
const MAX_TIMESPAN: i64 = 30 * 24 * HOUR;

/// A rule that a correlation may name: its id here, and for which log its fields are.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: String,
    pub(super) source: Source,
    /// It was left out, so that what is made of it is left out too.
    pub(super) skipped: bool,
}

/// What names stand for.
pub(super) type Names = BTreeMap<String, Known>;

/// A correlation document.
pub(super) struct Correlation<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) about: About,
    body: Mapping,
    /// The names of its parts.
    pub(super) rules: Vec<String>,
    /// Its parts tell of themselves too.
    pub(super) generate: bool,
}

impl<'a> Correlation<'a> {
    /// Reads the document as far as it needs no other.
    pub(super) fn read(
        document: &'a Document<'a>,
        errors: &mut Vec<LoadError>,
    ) -> Option<Correlation<'a>> {
        let about = About::read(document, errors);
        let Some(body) = document.map.get("correlation").and_then(Value::as_mapping) else {
            errors.push(document.error("correlation", "`correlation` is no map of keys", ""));
            return None;
        };
        for key in body.keys().filter_map(Value::as_str).filter(|key| !KEYS.contains(key)) {
            errors.push(document.error(key, format!("unknown key `{key}`"), suggest(key, KEYS)));
        }
        let rules = body.get("rules").map(texts).unwrap_or_default();
        if rules.is_empty() {
            errors.push(document.error("correlation", "the key `rules` is missing or empty", ""));
        } else if rules.len() > MOST_PARTS {
            let what = format!("a correlation of more than {MOST_PARTS} rules");
            errors.push(document.error("rules", what, "chain correlations"));
        }
        let says = |map: &Mapping| map.get("generate").and_then(Value::as_bool).unwrap_or(false);
        let generate = says(&document.map) || says(body);
        Some(Correlation { document, about, body: body.clone(), rules, generate })
    }

    /// What it asks of its parts.
    pub(super) fn joint(&self, names: &Names, errors: &mut Vec<LoadError>) -> Option<Joint> {
        let mut problems = Vec::new();
        let kind = self.kind(&mut problems);
        let timespan_micros = self.timespan(&mut problems);
        let parts = self.rules.iter().map(|rule| self.part(rule, names, &mut problems)).collect();
        let bounds = kind.and_then(|kind| self.bounds(kind, &mut problems)).unwrap_or_default();
        let is_right = problems.is_empty();
        errors.extend(problems);
        let joint = Joint { kind: kind?, parts, timespan_micros, bounds };
        is_right.then_some(joint)
    }

    fn error(&self, near: &str, what: impl Into<String>, hint: impl Into<String>) -> LoadError {
        self.document.error(near, what, hint)
    }

    fn condition(&self) -> Option<&Mapping> {
        self.body.get("condition").and_then(Value::as_mapping)
    }

    fn kind(&self, errors: &mut Vec<LoadError>) -> Option<JointKind> {
        let name = self.body.get("type").and_then(Value::as_str).unwrap_or_default();
        let percentile = self.condition().and_then(|map| map.get("percentile"));
        let kind = match name {
            "event_count" => JointKind::EventCount,
            "value_count" => JointKind::ValueCount,
            "value_sum" => JointKind::ValueSum,
            "value_avg" => JointKind::ValueAverage,
            "value_median" => JointKind::Percentile(50),
            "value_percentile" => {
                match percentile.map(|one| one.as_u64().and_then(|n| n.try_into().ok())) {
                    None => JointKind::Share,
                    Some(Some(percentile @ 0..=100)) => JointKind::Percentile(percentile),
                    Some(_) => {
                        errors.push(self.error("percentile", "a percentile is from 0 to 100", ""));
                        return None;
                    }
                }
            }
            "temporal" => JointKind::Temporal,
            "temporal_ordered" => JointKind::Ordered,
            other => {
                let what = format!("there is no correlation type `{other}`");
                errors.push(self.error("type:", what, suggest(other, TYPES)));
                return None;
            }
        };
        Some(kind)
    }

    fn timespan(&self, errors: &mut Vec<LoadError>) -> i64 {
        let text = self.body.get("timespan").map(texts).unwrap_or_default().concat();
        let micros =
            parse_timespan(&text).filter(|micros| (SECOND..=MAX_TIMESPAN).contains(micros));
        micros.unwrap_or_else(|| {
            let what = format!("`{text}` is no timespan from 1s to 30d");
            errors.push(self.error("timespan", what, "write 30s, 5m, 2h or 1d"));
            MINUTE
        })
    }

    fn part(&self, rule: &str, names: &Names, errors: &mut Vec<LoadError>) -> JointPart {
        let Some(known) = names.get(rule) else {
            let hint = suggest(rule, names.keys().map(String::as_str));
            errors.push(self.error(rule, format!("there is no rule `{rule}`"), hint));
            return JointPart { rule: String::new(), group: Vec::new(), values: Vec::new() };
        };
        let group = self.body.get("group-by").map(texts).unwrap_or_default();
        let values = self.condition().and_then(|map| map.get("field")).map(texts);
        // An alias may call the rule by another of its names.
        let calls =
            |name: &str| name == rule || names.get(name).is_some_and(|other| other.id == known.id);
        let mut read = |field: &String| self.noting(field, &calls, known, errors);
        JointPart {
            rule: known.id.clone(),
            group: group.iter().map(&mut read).collect(),
            values: values.unwrap_or_default().iter().map(&mut read).collect(),
        }
    }

    /// Where a field stands in the matches of one part: an alias may name another for each.
    fn noting(
        &self,
        field: &str,
        calls: &dyn Fn(&str) -> bool,
        known: &Known,
        errors: &mut Vec<LoadError>,
    ) -> Noting {
        let aliases = self.body.get("aliases").and_then(Value::as_mapping);
        let mut name = field.to_owned();
        if let Some(alias) = aliases.and_then(|map| map.get(field)) {
            let own = alias
                .as_mapping()
                .and_then(|map| map.iter().find(|(name, _)| name.as_str().is_some_and(calls)));
            let own = own.and_then(|(_, own)| own.as_str());
            if let Some(own) = own {
                own.clone_into(&mut name);
            } else {
                let what = format!("the alias `{field}` says nothing for the rule `{}`", known.id);
                errors.push(self.error(field, what, "name a field for each rule"));
            }
        }
        let operand = fields::operand(&name, known.source);
        // A field that no event has is never there, so that nothing is grouped by it.
        Noting::Operand(operand.unwrap_or_else(|| Operand::Union(Vec::new())))
    }

    fn bounds(&self, kind: JointKind, errors: &mut Vec<LoadError>) -> Option<Bounds> {
        let parts = self.rules.len() as f64;
        let map = match self.body.get("condition") {
            None if kind.is_temporal() => return Some(Bounds::at_least(parts)),
            None => {
                let hint = "write `condition: {gte: 10}`";
                errors.push(self.error("correlation", "the key `condition` is missing", hint));
                return None;
            }
            Some(Value::Mapping(map)) => map,
            Some(_) => {
                let hint = "write {gte: 2}; expressions of rule names are not understood";
                errors.push(self.error("condition", "the condition is no map of bounds", hint));
                return None;
            }
        };
        for key in map.keys().filter_map(Value::as_str).filter(|key| !CONDITIONS.contains(key)) {
            let what = format!("unknown bound `{key}`");
            errors.push(self.error(key, what, suggest(key, CONDITIONS)));
        }
        let bound = |key: &str| map.get(key).and_then(Value::as_f64).filter(|n| n.is_finite());
        let bounds = Bounds {
            gt: bound("gt"),
            gte: bound("gte"),
            lt: bound("lt"),
            lte: bound("lte"),
            eq: bound("eq"),
            neq: bound("neq"),
        };
        self.checked(kind, map, bounds, errors)
    }

    fn checked(
        &self,
        kind: JointKind,
        map: &Mapping,
        bounds: Bounds,
        errors: &mut Vec<LoadError>,
    ) -> Option<Bounds> {
        let has_field = map.get("field").is_some();
        let takes_field = !kind.is_temporal() && kind != JointKind::EventCount;
        let (what, hint) = if takes_field && !has_field {
            ("this type needs `field` in its condition", "")
        } else if !takes_field && has_field {
            ("this type takes no `field`", "use value_count")
        } else if bounds == Bounds::default() && kind.is_temporal() {
            return Some(Bounds::at_least(self.rules.len() as f64));
        } else if bounds == Bounds::default() {
            ("the condition has no bound that is a number", "write {gte: 10}")
        } else if counts(kind) && !reachable(&bounds) {
            ("more than 2,000 matches are not counted", "use a shorter timespan and a lower bound")
        } else {
            return Some(bounds);
        };
        errors.push(self.error("condition", what, hint));
        None
    }
}

fn counts(kind: JointKind) -> bool {
    matches!(kind, JointKind::EventCount | JointKind::ValueCount)
}

/// Whether a window can hold so many matches: a rule that cannot fire must not look like one that can.
fn reachable(bounds: &Bounds) -> bool {
    let most = MOST_MATCHES as f64;
    bounds.gt.is_none_or(|bound| bound < most)
        && bounds.gte.or(bounds.eq).is_none_or(|bound| bound <= most)
}

fn parse_timespan(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => 24 * HOUR,
        _ => return None,
    };
    number.parse::<u32>().ok().and_then(|number| i64::from(number).checked_mul(unit))
}
