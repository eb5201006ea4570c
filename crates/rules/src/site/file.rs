//! The site file: what the people who run a cluster say about it beforehand.
//!
//! It can make findings quiet, so it is read with suspicion: a key or rule that does not exist is
//! refused instead of being ignored, every entry names who answers for it and when it ends, and an
//! expectation that would cover anything an actor does is too wide to be one.

use super::{
    AllowList, BreakGlass, Expected, Site, Suppress, Who,
    cidr::Network,
    pattern::NamePattern,
    terms::{Terms, end_of},
};
use crate::{
    error::{LoadError, suggest},
    field::Origin,
    native::{self, explained, locate, names_kind},
    nesting::{TOO_DEEP, too_deep},
    tree::Predicate,
};
use serde::Deserialize;
use trailhound_model::{action::ActionKind, time::Time};

/// Largest site file.
pub(super) const MAX_FILE: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SiteFile {
    version: u32,
    #[serde(default)]
    expected: Vec<ExpectedFile>,
    #[serde(default)]
    suppress: Vec<SuppressFile>,
    #[serde(default)]
    break_glass: Vec<BreakGlassFile>,
    #[serde(default)]
    networks: Vec<ListFile>,
    #[serde(default)]
    images: Vec<ListFile>,
    #[serde(default)]
    nodes: Vec<ListFile>,
    #[serde(default)]
    namespaces: Vec<ListFile>,
    #[serde(default)]
    users: Vec<ListFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFile {
    #[serde(default)]
    actors: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default)]
    from: Vec<String>,
    #[serde(default)]
    rules: Vec<String>,
    owner: String,
    reason: String,
    expires: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuppressFile {
    rules: Vec<String>,
    when: Option<String>,
    owner: String,
    reason: String,
    expires: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BreakGlassFile {
    #[serde(default)]
    actors: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    from: Option<String>,
    until: Option<String>,
    owner: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    allow: Vec<String>,
    owner: String,
    reason: String,
    expires: String,
}

/// A rule that an entry names, to be looked for once the rules are known.
#[derive(Clone, Debug)]
pub(crate) struct NamedRule {
    pub(crate) id: String,
    pub(crate) place: LoadError,
}

/// Adds a site file to what is known. Says everything that is wrong with it.
pub(crate) fn add(site: &mut Site, name: &str, text: &str) -> Result<(), Vec<LoadError>> {
    let mut reader = Reader { site, file: name, text, section: "", at: 0, errors: Vec::new() };
    if text.len() > MAX_FILE {
        reader.add(format!("the file is larger than {MAX_FILE} bytes"), "split it");
        return Err(reader.errors);
    }
    if let Some(line) = too_deep(text) {
        reader.add(format!("line {line}: {TOO_DEEP}"), "no entry needs that");
        return Err(reader.errors);
    }
    match serde_yaml_ng::from_str::<SiteFile>(text) {
        Ok(file) => reader.file(file),
        Err(error) => reader.yaml(&error),
    }
    if reader.errors.is_empty() { Ok(()) } else { Err(reader.errors) }
}

struct Reader<'a> {
    site: &'a mut Site,
    file: &'a str,
    text: &'a str,
    /// Where the entry at hand stands: its section, and its number from 0.
    section: &'static str,
    at: usize,
    errors: Vec<LoadError>,
}

impl Reader<'_> {
    fn place(&self, word: &str) -> LoadError {
        let line = locate::item(self.text, self.section, self.at, word);
        LoadError { file: self.file.to_owned(), line, ..LoadError::default() }
    }

    fn add(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.at_word("", what, hint);
    }

    fn at_word(&mut self, word: &str, what: impl Into<String>, hint: impl Into<String>) {
        let place = self.place(word);
        self.errors.push(LoadError { what: what.into(), hint: hint.into(), ..place });
    }

    fn yaml(&mut self, error: &serde_yaml_ng::Error) {
        let (what, hint) = explained(&error.to_string());
        let place = error.location();
        self.errors.push(LoadError {
            file: self.file.to_owned(),
            line: place.as_ref().map(serde_yaml_ng::Location::line),
            column: place.as_ref().map(serde_yaml_ng::Location::column),
            what,
            hint: hint.replace("docs/rules.md", "docs/site.md"),
        });
    }

    fn file(&mut self, file: SiteFile) {
        if file.version != 1 {
            let what = format!("this is a site file of version {}", file.version);
            self.add(what, "this program reads version 1");
            return;
        }
        self.each("expected", file.expected, Reader::expected);
        self.each("suppress", file.suppress, Reader::suppress);
        self.each("break-glass", file.break_glass, Reader::break_glass);
        self.each("networks", file.networks, Reader::networks);
        self.each("images", file.images, |reader, one| reader.list(one, |site| &mut site.images));
        self.each("nodes", file.nodes, |reader, one| reader.list(one, |site| &mut site.nodes));
        self.each("namespaces", file.namespaces, |reader, one| {
            reader.list(one, |site| &mut site.namespaces);
        });
        self.each("users", file.users, |reader, one| reader.list(one, |site| &mut site.users));
    }

    fn each<T>(&mut self, section: &'static str, all: Vec<T>, read: impl Fn(&mut Self, T)) {
        for (at, one) in all.into_iter().enumerate() {
            (self.section, self.at) = (section, at);
            read(self, one);
        }
    }

    fn terms(&mut self, owner: String, reason: String, expires: String) -> Terms {
        for (key, text) in [("owner", &owner), ("reason", &reason)] {
            if text.trim().is_empty() {
                self.at_word(key, format!("`{key}` is empty"), "say who answers for it, and why");
            }
        }
        let end = end_of(&expires).unwrap_or_else(|| {
            let what = format!("`{expires}` is no date");
            self.at_word("expires", what, "write 2027-01-31, the last day on which it holds");
            Time(0)
        });
        let entry = format!("{}, {} {}", self.file, self.section, self.at + 1);
        Terms { entry, owner, reason, expires, end }
    }

    fn who(&mut self, actors: &[String], groups: &[String]) -> Who {
        if actors.is_empty() && groups.is_empty() {
            self.add("the entry names nobody", "give `actors` or `groups`");
        }
        let patterns = |all: &[String]| all.iter().map(|one| NamePattern::new(one)).collect();
        let who = Who { names: patterns(actors), groups: patterns(groups) };
        if who.names.iter().chain(&who.groups).any(NamePattern::is_everything) {
            self.at_word("*", "`*` is everybody", "name the actors that are meant");
        }
        if let Some(group) = groups.iter().find(|one| is_of_all(one)) {
            let what = format!("everybody is in the group `{group}`");
            self.at_word(group, what, "name the actors that are meant");
        }
        who
    }

    fn expected(&mut self, file: ExpectedFile) {
        let who = self.who(&file.actors, &file.groups);
        if file.rules.is_empty() && file.actions.is_empty() {
            self.add(
                "the entry is too wide: it would cover whatever these actors do",
                "give `actions` or `rules`",
            );
        }
        let actions = self.actions(&file.actions);
        self.rules(&file.rules);
        let entry = Expected {
            who,
            actions,
            namespaces: file.namespaces.iter().map(|one| NamePattern::new(one)).collect(),
            from: file.from.iter().filter_map(|one| self.network(one)).collect(),
            rules: file.rules,
            terms: self.terms(file.owner, file.reason, file.expires),
        };
        self.site.expected.push(entry);
    }

    fn actions(&mut self, names: &[String]) -> Vec<ActionKind> {
        for name in names {
            if name == "*" {
                self.at_word(
                    name,
                    "`*` is every action: the entry is too wide",
                    "name the actions",
                );
            } else if !ActionKind::ALL.iter().any(|kind| names_kind(name, *kind)) {
                let known = ActionKind::ALL.iter().map(|kind| kind.as_str());
                let hint = suggest(name, known);
                self.at_word(name, format!("there is no action `{name}`"), hint);
            }
        }
        let listed = |kind: &&ActionKind| names.iter().any(|name| names_kind(name, **kind));
        ActionKind::ALL.iter().filter(listed).copied().collect()
    }

    fn rules(&mut self, ids: &[String]) {
        for id in ids {
            let place = self.place(id);
            self.site.named_rules.push(NamedRule { id: id.clone(), place });
        }
    }

    fn network(&mut self, text: &str) -> Option<Network> {
        Network::parse(text)
            .map_err(|what| self.at_word(text, what, "write 10.0.0.0/8 or one address"))
            .ok()
    }

    fn suppress(&mut self, file: SuppressFile) {
        if file.rules.is_empty() {
            self.add("`rules` is empty", "name the rules that are meant");
        }
        self.rules(&file.rules);
        let when = file.when.as_deref().and_then(|text| self.when(text));
        let terms = self.terms(file.owner, file.reason, file.expires);
        self.site.suppress.push(Suppress { terms, rules: file.rules, when });
    }

    /// A condition on what the fact keeps.
    fn when(&mut self, text: &str) -> Option<Predicate> {
        let predicate = native::compile(text)
            .map_err(|error| self.at_word("when", error.what, error.hint))
            .ok()?;
        let late = predicate.fields().into_iter().find(|field| {
            field.origin().is_raw()
                || field.origin() == Origin::History
                || super::wants(field.id()).is_some()
        });
        if let Some(field) = late {
            let what = format!("`{field}` cannot be asked in a site file");
            self.at_word("when", what, "use fields of the event, as docs/rules.md lists them");
        }
        Some(predicate)
    }

    fn break_glass(&mut self, file: BreakGlassFile) {
        let who = self.who(&file.actors, &file.groups);
        let mut time = |key: &str, text: &Option<String>| {
            let text = text.as_deref()?;
            let time = Time::parse(text);
            if time.is_none() {
                let what = format!("`{text}` is no time");
                self.at_word(key, what, "write 2026-11-23T11:00:00Z");
            }
            time
        };
        let (from, until) = (time("from", &file.from), time("until", &file.until));
        if file.from.is_some() != file.until.is_some()
            || from.zip(until).is_some_and(|(a, b)| a >= b)
        {
            let hint =
                "give `from` and a later `until`, or neither for an identity without a window";
            self.at_word("from", "the window has no right beginning and end", hint);
        }
        // Without a window there is nothing that could end.
        let expires = file.until.unwrap_or_else(|| "9999-12-31".to_owned());
        let terms = self.terms(file.owner, file.reason, expires);
        self.site.break_glass.push(BreakGlass { terms, who, window: from.zip(until) });
    }

    fn networks(&mut self, file: ListFile) {
        if let Some(text) = file.allow.iter().find(|text| text.ends_with("/0")) {
            let what = format!("`{text}` is every address");
            self.at_word(text, what, "leave the list out instead");
        }
        let found: Vec<_> = file.allow.iter().filter_map(|text| self.network(text)).collect();
        let terms = self.list_terms(file);
        self.site.networks.extend(found.into_iter().map(|one| (one, terms.end)));
        self.site.lists.push(terms);
    }

    fn list(&mut self, file: ListFile, list: impl Fn(&mut Site) -> &mut AllowList) {
        let patterns: Vec<_> = file.allow.iter().map(|text| NamePattern::new(text)).collect();
        if patterns.iter().any(NamePattern::is_everything) {
            self.at_word("*", "`*` allows everything", "leave the list out instead");
        }
        let terms = self.list_terms(file);
        list(self.site).extend(patterns, terms.end);
        self.site.lists.push(terms);
    }

    fn list_terms(&mut self, file: ListFile) -> Terms {
        if file.allow.is_empty() {
            self.at_word("allow", "`allow` is empty", "name what is allowed");
        }
        self.terms(file.owner, file.reason, file.expires)
    }
}

/// Whether a group is one of those that Kubernetes puts every caller into.
fn is_of_all(group: &str) -> bool {
    let pattern = NamePattern::new(group);
    let of_all = ["system:authenticated", "system:unauthenticated"];
    !pattern.is_everything() && of_all.iter().any(|one| pattern.matches(one))
}
