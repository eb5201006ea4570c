//! Rules in the language of Sigma 2.1: detections, correlations and filters.
//!
//! A rule of Sigma is portable, so what it means is taken from the specification, and where audit
//! logs of Kubernetes leave room, from what its author meant to find (docs/sigma.md). Rules for
//! other logs are left out and told, because rule collections hold thousands of them.

mod about;
mod condition;
mod correlation;
mod fields;
mod file;
mod filter;
mod modifier;
pub(crate) mod naming;
mod selection;
mod value;

pub use naming::Naming;

use crate::{
    error::{LoadError, suggest},
    joint::MOST_RANKS,
    rule::Rule,
    tree::Predicate,
};
use about::About;
use condition::Condition;
use correlation::{Correlation, Known, Names};
use fields::Source;
use file::Document;
use filter::Filter;
use selection::Selections;
use serde_yaml_ng::{Mapping, Value};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::finding::{FindingKind, Severity};
use value::Placeholders;

/// Most selections that the conditions of one rule may name, patterns written out.
const MOST_NAMED: usize = 2_000;

/// What was loaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) rules: Vec<Rule>,
    /// What a reader should know, in sentences: what was left out, and why.
    pub(crate) notes: Vec<String>,
}

/// Loads rule files, given as name and text, in their order.
pub(crate) fn load(files: &[(&str, &str)]) -> Result<Loaded, Vec<LoadError>> {
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for (name, text) in files {
        match file::documents(name, text) {
            Ok(found) => documents.extend(found),
            Err(found) => errors.extend(found),
        }
    }
    let mut loader = Loader { errors, ..Loader::default() };
    loader.load(&documents);
    if loader.errors.is_empty() { Ok(loader.finish()) } else { Err(loader.errors) }
}

/// Collects rules and what is wrong with them.
#[derive(Default)]
struct Loader {
    placeholders: Placeholders,
    names: Names,
    rules: Vec<Rule>,
    /// Ids of rules that only correlations tell of.
    parts: BTreeSet<String>,
    errors: Vec<LoadError>,
    notes: Vec<String>,
    /// Titles of rules for other logs.
    others: Vec<String>,
}

impl Loader {
    fn load(&mut self, documents: &[Document<'_>]) {
        let kind = |document: &Document<'_>| {
            ["correlation", "filter", "placeholders"]
                .into_iter()
                .find(|key| document.map.contains_key(key))
        };
        let of = |wanted: Option<&'static str>| {
            documents.iter().filter(move |document| kind(document) == wanted)
        };
        for document in of(Some("placeholders")) {
            self.read_placeholders(document);
        }
        let filters: Vec<Filter<'_>> = of(Some("filter"))
            .filter_map(|document| Filter::read(document, &mut self.errors))
            .collect();
        let mut used = vec![false; filters.len()];
        for document in of(None) {
            self.detection(document, &filters, &mut used);
        }
        for (filter, _) in filters.iter().zip(used).filter(|(_, used)| !used) {
            let title = filter.document.word("title").unwrap_or_default();
            self.notes.push(format!(
                "the Sigma filter \"{title}\" is for none of the rules that were loaded"
            ));
        }
        let correlations: Vec<Correlation<'_>> = of(Some("correlation"))
            .filter_map(|document| Correlation::read(document, &mut self.errors))
            .collect();
        self.correlations(&correlations);
    }

    fn finish(mut self) -> Loaded {
        for rule in &mut self.rules {
            rule.part = self.parts.contains(&rule.id);
        }
        if !self.others.is_empty() {
            let shown: Vec<&str> = self.others.iter().take(3).map(String::as_str).collect();
            let more = if self.others.len() > 3 { ", …" } else { "" };
            self.notes.push(format!(
                "{} Sigma rules are for other logs and were left out: {}{more}",
                self.others.len(),
                shown.join(", ")
            ));
        }
        for (rule, order) in self.rules.iter_mut().zip(0..) {
            rule.order = order;
        }
        Loaded { rules: self.rules, notes: self.notes }
    }

    /// A document of ours: values for placeholders.
    fn read_placeholders(&mut self, document: &Document<'_>) {
        let Some(map) = document.map.get("placeholders").and_then(Value::as_mapping) else {
            let error = document.error("placeholders", "`placeholders` is no map of lists", "");
            self.errors.push(error);
            return;
        };
        for (name, values) in map {
            let name = name.as_str().unwrap_or_default().trim_matches('%').to_lowercase();
            self.placeholders.entry(name).or_default().extend(file::texts(values));
        }
    }

    fn detection(&mut self, document: &Document<'_>, filters: &[Filter<'_>], used: &mut [bool]) {
        let empty = Mapping::new();
        let logsource = document.map.get("logsource").and_then(Value::as_mapping);
        let Some(source) = source_of(logsource.unwrap_or(&empty), document.text()) else {
            self.other(document, logsource.is_some());
            return;
        };
        let about = About::read(document, &mut self.errors);
        let Some(detection) = document.map.get("detection").and_then(Value::as_mapping) else {
            self.errors.push(document.missing("detection"));
            return;
        };
        let mut selections = Selections::new(source, &self.placeholders);
        let mut errors = Vec::new();
        let mut any = conditions(document, detection, &mut selections, &mut errors);
        let only = if any.len() == 1 { any.pop() } else { None };
        let mut parts = vec![only.unwrap_or(Predicate::Any(any))];
        for (filter, used) in filters.iter().zip(used) {
            if filter.is_for(&about.names, logsource.unwrap_or(&empty)) {
                *used = true;
                let named = compiled(&filter.selections, &mut selections);
                let wrong =
                    |(near, what, hint): selection::Wrong| filter.document.error(&near, what, hint);
                errors.extend(std::mem::take(&mut selections.wrong).into_iter().map(wrong));
                match resolved(&filter.kept(), &named, &mut 0) {
                    Ok(kept) => parts.push(kept),
                    Err((what, hint)) => {
                        errors.push(filter.document.error("condition", what, hint));
                    }
                }
            }
        }
        if !selections.unknown.is_empty() {
            let fields: Vec<&str> = selections.unknown.iter().map(String::as_str).collect();
            self.notes.push(format!(
                "the Sigma rule \"{}\" asks for what no audit event has: {}",
                about.title,
                fields.join(", ")
            ));
        }
        self.errors.extend(errors);
        self.know(&about, source, false);
        self.rules.push(about.rule(document, Predicate::All(parts)));
    }

    /// A rule for another log.
    fn other(&mut self, document: &Document<'_>, has_source: bool) {
        if !has_source {
            self.errors.push(document.missing("logsource"));
            return;
        }
        let about = About::read(document, &mut Vec::new());
        self.know(&about, Source::Audit, true);
        self.others.push(about.title);
    }

    fn know(&mut self, about: &About, source: Source, skipped: bool) {
        for name in about.names.iter().filter(|name| !name.is_empty()) {
            let known = Known { id: about.id.clone(), source, skipped };
            self.names.entry(name.clone()).or_insert(known);
        }
    }

    fn correlations(&mut self, correlations: &[Correlation<'_>]) {
        // They may name one another in any order.
        for one in correlations {
            self.know(&one.about, Source::Audit, false);
        }
        let left_out = self.left_out(correlations);
        let mut severities: BTreeMap<String, Severity> =
            self.rules.iter().map(|rule| (rule.id.clone(), rule.severity)).collect();
        for one in self.bottom_up(correlations) {
            if left_out.contains(&one.about.id) {
                self.others.push(one.about.title.clone());
                continue;
            }
            let Some(joint) = one.joint(&self.names, &mut self.errors) else { continue };
            let mut rule = one.about.rule(one.document, Predicate::Const(false));
            let parts = || joint.parts.iter().map(|part| &part.rule);
            // A correlation without a level is as grave as the gravest of its parts.
            let gravest = parts().filter_map(|part| severities.get(part)).max().copied();
            rule.severity = one.about.level.or(gravest).unwrap_or(Severity::Low);
            rule.kind = if joint.kind.is_temporal() {
                FindingKind::Sequence
            } else {
                FindingKind::Threshold
            };
            let known = |part: &String| self.rules.iter().find(|rule| rule.id == *part);
            rule.needs =
                parts().filter_map(known).map(|rule| rule.needs).max().unwrap_or(rule.needs);
            if !one.generate {
                self.parts.extend(parts().cloned());
            }
            severities.insert(rule.id.clone(), rule.severity);
            rule.joint = Some(joint);
            self.rules.push(rule);
        }
    }

    /// Correlations behind those that they are made of, in whatever order they were written.
    fn bottom_up<'c, 'd>(&self, all: &'c [Correlation<'d>]) -> Vec<&'c Correlation<'d>> {
        let mut left: Vec<_> = all.iter().collect();
        let mut ordered = Vec::new();
        // What goes deeper, or round in a circle, is refused later.
        for _ in 0..MOST_RANKS {
            let open: BTreeSet<&str> = left.iter().map(|one| one.about.id.as_str()).collect();
            let waits = |one: &&Correlation<'_>| {
                let mut parts = one.rules.iter().filter_map(|name| self.names.get(name));
                parts.any(|part| open.contains(part.id.as_str()))
            };
            let (rest, ready): (Vec<_>, Vec<_>) = left.into_iter().partition(waits);
            ordered.extend(ready);
            left = rest;
        }
        ordered.extend(left);
        ordered
    }

    /// Correlations that need a rule that was left out.
    fn left_out(&self, correlations: &[Correlation<'_>]) -> BTreeSet<String> {
        let mut out: BTreeSet<String> = BTreeSet::new();
        loop {
            let before = out.len();
            for one in correlations {
                let needs = one.rules.iter().filter_map(|name| self.names.get(name));
                if needs.into_iter().any(|known| known.skipped || out.contains(&known.id)) {
                    out.insert(one.about.id.clone());
                }
            }
            if out.len() == before {
                return out;
            }
        }
    }
}

/// For which log a rule is; `None` if for one that has nothing to do with Kubernetes.
fn source_of(logsource: &Mapping, text: &str) -> Option<Source> {
    let word = |key: &str| logsource.get(key).and_then(Value::as_str).unwrap_or_default();
    let says = |words: &[&str]| {
        let text = text.to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    match (word("product"), word("service")) {
        ("kubernetes", "audit" | "") => Some(Source::Audit),
        ("azure", "activitylogs")
            if says(&["microsoft.kubernetes/", "microsoft.containerservice/managedclusters/"]) =>
        {
            Some(Source::Azure)
        }
        ("gcp", "gcp.audit") if says(&["io.k8s.", ".k8s.io."]) => Some(Source::Google),
        _ => None,
    }
}

/// The conditions of a rule; any of them may hold.
fn conditions(
    document: &Document<'_>,
    detection: &Mapping,
    selections: &mut Selections<'_>,
    errors: &mut Vec<LoadError>,
) -> Vec<Predicate> {
    let mut own = detection.clone();
    let written = own.remove("condition");
    if own.remove("timeframe").is_some() {
        let hint = "write a correlation document with `timespan`";
        errors.push(document.error("timeframe", "`timeframe` was taken out of Sigma", hint));
    }
    let texts = written.as_ref().map(file::texts).unwrap_or_default();
    if texts.is_empty() {
        let hint = match own
            .keys()
            .filter_map(Value::as_str)
            .find(|key| crate::error::nearest(key, ["condition"]).is_some())
        {
            Some(key) => format!("is `{key}` meant to be it?"),
            None => "write `condition: selection`".to_owned(),
        };
        errors.push(document.error("detection", "the key `condition` is missing", hint));
    }
    let named = compiled(&own, selections);
    let wrong = |(near, what, hint): selection::Wrong| document.error(&near, what, hint);
    errors.extend(std::mem::take(&mut selections.wrong).into_iter().map(wrong));
    let mut count = 0;
    let mut found = Vec::new();
    for text in texts {
        let read = condition::parse(&text).map_err(|(what, hint)| (what, hint.to_owned()));
        match read.and_then(|condition| resolved(&condition, &named, &mut count)) {
            Ok(predicate) => found.push(predicate),
            Err((what, hint)) => errors.push(document.error("condition", what, hint)),
        }
    }
    found
}

/// The selections by name.
fn compiled(map: &Mapping, selections: &mut Selections<'_>) -> BTreeMap<String, Predicate> {
    let named = map.iter().filter_map(|(name, value)| Some((name.as_str()?, value)));
    named.map(|(name, value)| (name.to_owned(), selections.compile(name, value))).collect()
}

/// A condition with its selections filled in.
fn resolved(
    condition: &Condition,
    named: &BTreeMap<String, Predicate>,
    count: &mut usize,
) -> Result<Predicate, (String, String)> {
    *count += 1;
    if *count > MOST_NAMED {
        return Err((
            format!("the condition names more than {MOST_NAMED} selections"),
            String::new(),
        ));
    }
    let mut all = |parts: &[Condition]| -> Result<Vec<Predicate>, (String, String)> {
        parts.iter().map(|part| resolved(part, named, count)).collect()
    };
    match condition {
        Condition::Name(name) => named.get(name).cloned().ok_or_else(|| {
            let hint = suggest(name, named.keys().map(String::as_str));
            (format!("there is no selection `{name}`"), hint)
        }),
        Condition::Not(part) => Ok(Predicate::Not(Box::new(resolved(part, named, count)?))),
        Condition::And(parts) => Ok(Predicate::All(all(parts)?)),
        Condition::Or(parts) => Ok(Predicate::Any(all(parts)?)),
        Condition::Of { all, pattern } => {
            let is = |name: &str| match pattern {
                None => !name.starts_with('_'),
                Some(pattern) => condition::matches(pattern, name),
            };
            let found: Vec<Predicate> =
                named.iter().filter(|(name, _)| is(name)).map(|(_, one)| one.clone()).collect();
            *count += found.len();
            if found.is_empty() {
                let pattern = pattern.as_deref().unwrap_or("them");
                let hint = suggest(pattern, named.keys().map(String::as_str));
                return Err((format!("no selection matches `{pattern}`"), hint));
            }
            Ok(if *all { Predicate::All(found) } else { Predicate::Any(found) })
        }
    }
}
