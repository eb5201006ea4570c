//! The lists, macros and rules of all files, as they stand after the last one.
//!
//! Order counts: a later item of the same name replaces an earlier one or changes it, and that is how
//! sites adapt rules that they did not write. Conditions stay text until all files are read, because
//! a macro may be replaced after the rules that use it.

use super::{
    exception::Exception,
    node::{self, Node},
    place::{self, File, Origin, Source},
    priority::Priority,
};
use crate::error::{LoadError, nearest, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// Largest rule file.
const MAX_FILE: usize = 4 << 20;
/// Errors that are worth reading.
const MOST_ERRORS: usize = 100;
/// The only source of events that this program reads.
const SOURCE: &str = "k8s_audit";

/// Everything that the files define.
#[derive(Debug, Default)]
pub(super) struct Library<'a> {
    pub(super) lists: BTreeMap<String, Vec<String>>,
    pub(super) macros: BTreeMap<String, Source<'a>>,
    /// In the order of their first definition.
    pub(super) rules: Vec<RuleItem<'a>>,
    pub(super) errors: Vec<LoadError>,
    /// Rules on events of other sources, by source.
    pub(super) others: BTreeMap<String, BTreeSet<String>>,
}

/// A rule.
#[derive(Clone, Debug)]
pub(super) struct RuleItem<'a> {
    pub(super) name: String,
    pub(super) origin: Origin<'a>,
    pub(super) condition: Source<'a>,
    pub(super) output: String,
    pub(super) desc: String,
    pub(super) priority: Priority,
    pub(super) tags: Vec<String>,
    pub(super) exceptions: Vec<Exception<'a>>,
    pub(super) enabled: bool,
    pub(super) skips_unknown: bool,
}

/// What is done with the parts of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// The item stands for itself.
    Define,
    Append,
    Replace,
}

/// One item of a file.
struct Item<'a, 'n> {
    origin: Origin<'a>,
    fields: &'n [(String, Node)],
    /// `append: true`, or something in `override`.
    changes: bool,
    manners: BTreeMap<&'n str, Manner>,
}

const KINDS: [&str; 5] =
    ["list", "macro", "rule", "required_engine_version", "required_plugin_versions"];
const RULE_KEYS: [&str; 15] = [
    "append",
    "capture",
    "capture_duration",
    "condition",
    "desc",
    "enabled",
    "exceptions",
    "output",
    "override",
    "priority",
    "rule",
    "skip-if-unknown-filter",
    "source",
    "tags",
    "warn_evttypes",
];
const MACRO_KEYS: [&str; 4] = ["append", "condition", "macro", "override"];
const LIST_KEYS: [&str; 4] = ["append", "items", "list", "override"];
/// Parts of a rule that can be added to.
const APPENDABLE: [&str; 5] = ["condition", "desc", "exceptions", "output", "tags"];

impl<'a> Library<'a> {
    /// Reads the files in their order.
    pub(super) fn read(files: &[(&'a str, &'a str)]) -> Library<'a> {
        let mut library = Library::default();
        for (name, text) in files {
            library.read_file(File { name, text });
        }
        library
    }

    fn complain(&mut self, error: LoadError) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error);
        }
    }

    fn read_file(&mut self, file: File<'a>) {
        let whole = Origin { file, start: None };
        if file.text.len() > MAX_FILE {
            let what = format!("the file is larger than {} MiB", MAX_FILE >> 20);
            return self.complain(whole.error(what, "split it"));
        }
        let documents = match node::read(file.text) {
            Ok(documents) => documents,
            Err(error) => {
                let place =
                    LoadError { line: error.line, column: error.column, ..whole.error("", "") };
                return self.complain(LoadError { what: error.what, ..place });
            }
        };
        let starts = place::items(file.text);
        let mut count = 0;
        for document in &documents {
            match document {
                Node::List(items) => {
                    for item in items {
                        self.item(item, Origin { file, start: starts.get(count).copied() });
                        count += 1;
                    }
                }
                Node::Null => {}
                _ => {
                    let hint = "write `- rule: …`, `- macro: …` or `- list: …`";
                    self.complain(whole.error("the file is no list of items", hint));
                }
            }
        }
    }

    fn item(&mut self, node: &Node, origin: Origin<'a>) {
        // A dash with nothing behind it, as the rules of plugin 0.6.0 have one.
        if *node == Node::Null {
            return;
        }
        let Node::Map(fields) = node else {
            return self.complain(origin.error("the item is no map", "write `- rule: name`"));
        };
        let kind = fields.iter().find_map(|(key, _)| KINDS.into_iter().find(|kind| kind == key));
        let known: &[&str] = match kind {
            Some("list") => &LIST_KEYS,
            Some("macro") => &MACRO_KEYS,
            Some("rule") => &RULE_KEYS,
            Some(_) => return,
            None => {
                let named = fields.first().map_or("", |(key, _)| key.as_str());
                let what = format!("the item `{named}` is no rule, macro or list");
                return self.complain(origin.error(what, suggest(named, KINDS)));
            }
        };
        match Item::read(fields, known, origin) {
            Ok(item) => {
                let read = match kind {
                    Some("list") => self.list(&item),
                    Some("macro") => self.macro_(&item),
                    _ => self.rule(&item),
                };
                if let Err(error) = read {
                    self.complain(error);
                }
            }
            Err(error) => self.complain(error),
        }
    }

    fn list(&mut self, item: &Item<'a, '_>) -> Result<(), LoadError> {
        let name = item.name("list")?;
        let Some(node) = item.get("items") else { return Err(item.missing("items")) };
        let items = texts(node).ok_or_else(|| {
            item.origin.error_in("items", "the items are no list of texts", "write `items: [a, b]`")
        })?;
        match item.manner("items") {
            Manner::Append => match self.lists.get_mut(&name) {
                Some(list) => list.extend(items),
                None => return Err(item.unknown("list", &name, self.lists.keys())),
            },
            Manner::Replace if !self.lists.contains_key(&name) => {
                return Err(item.unknown("list", &name, self.lists.keys()));
            }
            Manner::Define | Manner::Replace => {
                self.lists.insert(name, items);
            }
        }
        Ok(())
    }

    fn macro_(&mut self, item: &Item<'a, '_>) -> Result<(), LoadError> {
        let name = item.name("macro")?;
        let condition = item.text("condition")?.ok_or_else(|| item.missing("condition"))?;
        match item.manner("condition") {
            Manner::Append => match self.macros.get_mut(&name) {
                Some(source) => source.append(&condition, item.origin),
                None => return Err(item.unknown("macro", &name, self.macros.keys())),
            },
            Manner::Replace if !self.macros.contains_key(&name) => {
                return Err(item.unknown("macro", &name, self.macros.keys()));
            }
            Manner::Define | Manner::Replace => {
                self.macros.insert(name, Source::new(&condition, item.origin));
            }
        }
        Ok(())
    }

    fn rule(&mut self, item: &Item<'a, '_>) -> Result<(), LoadError> {
        let name = item.name("rule")?;
        let of_other = self.others.values().any(|rules| rules.contains(&name));
        let source = item.text("source")?;
        let known = self.rules.iter().position(|rule| rule.name == name);
        let only_switched = item.get("condition").is_none() && item.get("enabled").is_some();
        if item.changes || only_switched {
            return match known.and_then(|at| self.rules.get_mut(at)) {
                Some(rule) => item.change(rule),
                None if of_other => Ok(()),
                None => {
                    let names: Vec<_> = self.rules.iter().map(|rule| rule.name.clone()).collect();
                    Err(item.unknown("rule", &name, names.iter()))
                }
            };
        }
        if source.as_deref() != Some(SOURCE) {
            let source = item.other_source(source)?;
            self.others.entry(source).or_default().insert(name);
            return Ok(());
        }
        let rule = item.define(name)?;
        match known.and_then(|at| self.rules.get_mut(at)) {
            Some(place) => *place = rule,
            None => self.rules.push(rule),
        }
        Ok(())
    }
}

impl<'a, 'n> Item<'a, 'n> {
    fn read(
        fields: &'n [(String, Node)],
        known: &[&'static str],
        origin: Origin<'a>,
    ) -> Result<Item<'a, 'n>, LoadError> {
        let mut item = Item { origin, fields, changes: false, manners: BTreeMap::new() };
        for (key, _) in fields {
            // Falco lets unknown keys pass; one that is nearly a known one is a slip.
            if !known.contains(&key.as_str())
                && let Some(meant) = nearest(key, known.iter().copied())
            {
                let what = format!("unknown key `{key}`");
                return Err(origin.error(what, format!("did you mean `{meant}`?")));
            }
        }
        let appends = match item.get("append") {
            None | Some(Node::Null) => false,
            Some(node) => node.flag().ok_or_else(|| {
                origin.error_in("append", "`append` is neither true nor false", "")
            })?,
        };
        if appends {
            item.changes = true;
            item.manners = known
                .iter()
                .filter(|key| **key != "enabled")
                .map(|key| (*key, Manner::Append))
                .collect();
        }
        if let Some(node) = item.get("override") {
            if appends {
                let hint = "`override` says it all";
                return Err(origin.error("`append` and `override` exclude each other", hint));
            }
            item.read_override(node)?;
        }
        Ok(item)
    }

    fn read_override(&mut self, node: &'n Node) -> Result<(), LoadError> {
        let hint = "write `override: {condition: append}`";
        let Node::Map(overrides) = node else {
            return Err(self.origin.error_in("override", "`override` is no map", hint));
        };
        for (key, manner) in overrides {
            let manner = match manner.text().as_deref() {
                Some("append") => Manner::Append,
                Some("replace") => Manner::Replace,
                _ => {
                    let what = format!("the override of `{key}` is neither append nor replace");
                    return Err(self.origin.error_in("override", what, hint));
                }
            };
            if self.get(key).is_none() {
                let what = format!("`{key}` is overridden, but the item has none");
                return Err(self.origin.error_in(
                    "override",
                    what,
                    "add it, or leave the override out",
                ));
            }
            let is_part = self.get("rule").is_none() || APPENDABLE.contains(&key.as_str());
            if manner == Manner::Append && !is_part {
                let what = format!("`{key}` of a rule cannot be appended to");
                return Err(self.origin.error_in("override", what, "write `replace`"));
            }
            self.manners.insert(key.as_str(), manner);
        }
        self.changes = !overrides.is_empty();
        let silent = ["rule", "macro", "list", "override", "source"];
        let left = self.fields.iter().map(|(key, _)| key.as_str());
        if let Some(key) = left.into_iter().find(|key| {
            self.changes
                && !silent.contains(key)
                && RULE_KEYS.contains(key)
                && !self.manners.contains_key(key)
        }) {
            let what = format!("`override` does not say what is to be done with `{key}`");
            return Err(self.origin.error_in("override", what, format!("add `{key}: replace`")));
        }
        Ok(())
    }

    fn get(&self, key: &str) -> Option<&'n Node> {
        self.fields.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    fn manner(&self, key: &str) -> Manner {
        self.manners.get(key).copied().unwrap_or(Manner::Define)
    }

    fn text(&self, key: &str) -> Result<Option<String>, LoadError> {
        match self.get(key) {
            None | Some(Node::Null) => Ok(None),
            Some(node) => match node.text() {
                Some(text) => Ok(Some(text)),
                None => Err(self.origin.error_in(key, format!("`{key}` is no text"), "")),
            },
        }
    }

    fn name(&self, kind: &str) -> Result<String, LoadError> {
        let name = self.text(kind)?.filter(|name| !name.trim().is_empty());
        name.ok_or_else(|| self.origin.error(format!("the {kind} has no name"), ""))
    }

    fn missing(&self, key: &str) -> LoadError {
        self.origin.error(format!("`{key}` is missing"), "")
    }

    fn unknown<'k>(
        &self,
        kind: &str,
        name: &str,
        known: impl Iterator<Item = &'k String> + Clone,
    ) -> LoadError {
        let hint = match nearest(name, known.map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name the file that defines it before this one".to_owned(),
        };
        let what = format!("there is no {kind} `{name}` that could be changed");
        self.origin.error(what, hint)
    }

    /// The source of a rule that is not ours. Falco takes a rule that names none for one on system
    /// calls; one that asks for audit fields is meant otherwise.
    fn other_source(&self, source: Option<String>) -> Result<String, LoadError> {
        let condition = self.text("condition")?.unwrap_or_default();
        if source.is_none() && (condition.contains("ka.") || condition.contains("jevt.")) {
            let hint = "add `source: k8s_audit`";
            return Err(self
                .origin
                .error("the rule names no source, so it is one on system calls", hint));
        }
        Ok(source.unwrap_or_else(|| "syscall".to_owned()))
    }

    fn define(&self, name: String) -> Result<RuleItem<'a>, LoadError> {
        let needed = |key: &str| self.text(key)?.ok_or_else(|| self.missing(key));
        Ok(RuleItem {
            name,
            origin: self.origin,
            condition: Source::new(&needed("condition")?, self.origin),
            output: needed("output")?,
            desc: needed("desc")?,
            priority: self.priority(&needed("priority")?)?,
            tags: self.tags()?,
            exceptions: self.exceptions()?,
            enabled: self.flag("enabled", true)?,
            skips_unknown: self.flag("skip-if-unknown-filter", false)?,
        })
    }

    fn change(&self, rule: &mut RuleItem<'a>) -> Result<(), LoadError> {
        for key in ["output", "desc"] {
            let Some(text) = self.text(key)? else { continue };
            let place = if key == "output" { &mut rule.output } else { &mut rule.desc };
            if self.manner(key) == Manner::Append {
                place.push(' ');
                place.push_str(&text);
            } else {
                *place = text;
            }
        }
        if let Some(text) = self.text("condition")? {
            match self.manner("condition") {
                Manner::Append => rule.condition.append(&text, self.origin),
                _ => rule.condition = Source::new(&text, self.origin),
            }
        }
        if let Some(text) = self.text("priority")? {
            rule.priority = self.priority(&text)?;
        }
        let tags = self.tags()?;
        match self.manner("tags") {
            Manner::Append => rule.tags.extend(tags),
            _ if self.get("tags").is_some() => rule.tags = tags,
            _ => {}
        }
        self.change_exceptions(rule)?;
        rule.enabled = self.flag("enabled", rule.enabled)?;
        rule.skips_unknown = self.flag("skip-if-unknown-filter", rule.skips_unknown)?;
        Ok(())
    }

    fn change_exceptions(&self, rule: &mut RuleItem<'a>) -> Result<(), LoadError> {
        let exceptions = self.exceptions()?;
        if self.manner("exceptions") != Manner::Append {
            if self.get("exceptions").is_some() {
                rule.exceptions = exceptions;
            }
            return Ok(());
        }
        for new in exceptions {
            match rule.exceptions.iter_mut().find(|known| known.name == new.name) {
                Some(known) => known.extend(new)?,
                None => rule.exceptions.push(new),
            }
        }
        Ok(())
    }

    fn exceptions(&self) -> Result<Vec<Exception<'a>>, LoadError> {
        match self.get("exceptions") {
            None | Some(Node::Null) => Ok(Vec::new()),
            Some(Node::List(list)) => {
                list.iter().map(|node| Exception::read(node, self.origin)).collect()
            }
            Some(_) => {
                let hint = "write `exceptions: [{name: …, fields: …, values: …}]`";
                Err(self.origin.error_in("exceptions", "the exceptions are no list", hint))
            }
        }
    }

    fn priority(&self, text: &str) -> Result<Priority, LoadError> {
        Priority::from_name(text.trim()).ok_or_else(|| {
            let what = format!("unknown priority `{text}`");
            self.origin.error_in("priority", what, suggest(text, Priority::names()))
        })
    }

    fn tags(&self) -> Result<Vec<String>, LoadError> {
        match self.get("tags") {
            None | Some(Node::Null) => Ok(Vec::new()),
            Some(node) => texts(node)
                .ok_or_else(|| self.origin.error_in("tags", "the tags are no list of texts", "")),
        }
    }

    fn flag(&self, key: &str, otherwise: bool) -> Result<bool, LoadError> {
        match self.get(key) {
            None | Some(Node::Null) => Ok(otherwise),
            Some(node) => node.flag().ok_or_else(|| {
                self.origin.error_in(key, format!("`{key}` is neither true nor false"), "")
            }),
        }
    }
}

/// A list of scalars.
pub(super) fn texts(node: &Node) -> Option<Vec<String>> {
    match node {
        Node::List(list) => list.iter().map(Node::text).collect(),
        Node::Null => Some(Vec::new()),
        _ => None,
    }
}
