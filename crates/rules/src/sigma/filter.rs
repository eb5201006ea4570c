//! Filters: exceptions of a site that are laid over rules that others wrote.
//!
//! The specification says that a filter suppresses, and shows `condition: selection`; the tools that
//! convert rules join its condition with `and`, so that their users write `not selection`. Both are
//! written, and both mean that what is selected is left out, so both are read so.

use super::{
    condition::{self, Condition},
    file::{Document, texts},
};
use crate::error::LoadError;
use serde_yaml_ng::{Mapping, Value};

/// A filter.
pub(super) struct Filter<'a> {
    pub(super) document: &'a Document<'a>,
    /// Ids or names of rules; `None` is any.
    rules: Option<Vec<String>>,
    logsource: Mapping,
    /// Its selections.
    pub(super) selections: Mapping,
    condition: Condition,
}

impl<'a> Filter<'a> {
    pub(super) fn read(
        document: &'a Document<'a>,
        errors: &mut Vec<LoadError>,
    ) -> Option<Filter<'a>> {
        let Some(body) = document.map.get("filter").and_then(Value::as_mapping) else {
            errors.push(document.error("filter", "`filter` is no map of keys", ""));
            return None;
        };
        let Some(logsource) = document.map.get("logsource").and_then(Value::as_mapping) else {
            errors.push(document.missing("logsource"));
            return None;
        };
        let Some(rules) = body.get("rules") else {
            let hint = "name rules by id or name, or write `rules: any`";
            errors.push(document.error("filter", "the key `rules` is missing", hint));
            return None;
        };
        let Some(text) = body.get("condition").and_then(Value::as_str) else {
            errors.push(document.error("filter", "the key `condition` is missing", ""));
            return None;
        };
        let rules = texts(rules);
        let any = matches!(rules.as_slice(), [])
            || matches!(rules.as_slice(), [one] if matches!(one.to_lowercase().as_str(), "any" | "all"));
        let mut selections = body.clone();
        selections.remove("rules");
        selections.remove("condition");
        let condition = condition::parse(text)
            .map_err(|(what, hint)| errors.push(document.error("condition", what, hint)))
            .ok()?;
        Some(Filter {
            document,
            rules: (!any).then_some(rules),
            logsource: logsource.clone(),
            selections,
            condition,
        })
    }

    /// Whether it is meant for a rule with these names and log source.
    pub(super) fn is_for(&self, rule_names: &[String], logsource: &Mapping) -> bool {
        let is_meant = self
            .rules
            .as_ref()
            .is_none_or(|rules| rules.iter().any(|rule| rule_names.contains(rule)));
        let same =
            |key: &str| self.logsource.get(key).is_none_or(|own| logsource.get(key) == Some(own));
        is_meant && ["category", "product", "service"].into_iter().all(same)
    }

    /// What must hold of an event that is not left out.
    pub(super) fn kept(&self) -> Condition {
        if self.condition.is_negative() {
            self.condition.clone()
        } else {
            Condition::Not(Box::new(self.condition.clone()))
        }
    }
}
