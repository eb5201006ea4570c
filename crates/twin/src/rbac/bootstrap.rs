//! The roles and bindings that Kubernetes makes for itself. The API server writes them at its first
//! start and adds what is missing at every later one, so that they can be taken to be there in a log
//! that does not show them; somebody may have changed them, so they are inferred until a body is seen.
//!
//! The table is of Kubernetes 1.36. Other versions differ in a few rules of the controllers.

use super::{
    BindingKey, RoleKey,
    history::{BindingBody, RoleBody},
};
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
};

const TABLE: &str = include_str!("bootstrap.txt");
const LABEL: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// What Kubernetes makes for itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Bootstrap {
    pub(super) roles: Vec<(RoleKey, RoleBody)>,
    pub(super) bindings: Vec<(BindingKey, BindingBody)>,
}

impl Bootstrap {
    /// The table, with the rules of aggregated roles filled in.
    pub(super) fn table() -> Bootstrap {
        let mut table = Bootstrap::default();
        TABLE.lines().for_each(|line| table.read(line));
        // What `admin` takes over from `edit` comes from `view` in turn.
        for _ in 0..3 {
            table.aggregate();
        }
        table
    }

    /// One role of the table, as the API server writes it: aggregated ones are filled in later.
    pub(super) fn role(key: &RoleKey) -> Option<RoleBody> {
        let is_it = |line: &&str| names(line, "role", &key.namespace, &key.name);
        let mut lines = TABLE.lines().skip_while(|line| !is_it(line));
        let mut table = Bootstrap::default();
        table.read(lines.next()?);
        lines.take_while(|line| line.starts_with(' ')).for_each(|line| table.read(line));
        Some(table.roles.pop()?.1)
    }

    /// One binding of the table.
    pub(super) fn binding(key: &BindingKey) -> Option<BindingBody> {
        let mut table = Bootstrap::default();
        table.read(TABLE.lines().find(|line| names(line, "binding", &key.namespace, &key.name))?);
        Some(table.bindings.pop()?.1)
    }

    /// All bindings of the table.
    pub(super) fn bindings() -> Vec<(BindingKey, BindingBody)> {
        let mut table = Bootstrap::default();
        let lines = TABLE.lines().filter(|line| line.starts_with("binding "));
        lines.for_each(|line| table.read(line));
        table.bindings
    }

    fn read(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("role") => self.roles.extend(role(words)),
            Some("binding") => self.bindings.extend(binding(words)),
            Some(verbs) => {
                if let (Some((_, role)), Some(rule)) = (self.roles.last_mut(), rule(verbs, words)) {
                    role.rules.push(rule);
                }
            }
            None => {}
        }
    }

    fn aggregate(&mut self) {
        let all = self.roles.clone();
        for (_, role) in self.roles.iter_mut().filter(|(_, role)| role.is_aggregated()) {
            role.rules = union(role, all.iter().map(|(key, role)| (key, role)));
        }
    }
}

/// The rules that a role takes over from others, each once.
pub(super) fn union<'a>(
    role: &RoleBody,
    all: impl Iterator<Item = (&'a RoleKey, &'a RoleBody)>,
) -> Vec<PolicyRule> {
    let mut rules: Vec<PolicyRule> = Vec::new();
    for (_, other) in all.filter(|(key, other)| key.namespace.is_empty() && selects(role, other)) {
        for rule in &other.rules {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
    }
    rules
}

/// Whether `role` takes over the rules of `other`.
pub(super) fn selects(role: &RoleBody, other: &RoleBody) -> bool {
    let selected =
        |labels: &Vec<(Str, Str)>| labels.iter().all(|label| other.labels.contains(label));
    role.aggregation.iter().any(selected)
}

/// Whether a line begins the entry of this name.
fn names(line: &str, kind: &str, space: &str, name: &str) -> bool {
    let mut words = line.split(' ');
    words.next() == Some(kind)
        && words.next().map(namespace) == Some(space)
        && words.next() == Some(name)
}

fn label(name: &str) -> (Str, Str) {
    (format!("{LABEL}{name}").into(), Str::const_new("true"))
}

fn list(text: &str) -> Vec<Str> {
    text.split(',').map(|word| if word == "core" { Str::default() } else { word.into() }).collect()
}

fn namespace(word: &str) -> &str {
    if word == "-" { "" } else { word }
}

fn role<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<(RoleKey, RoleBody)> {
    let key = RoleKey::new(namespace(words.next()?), words.next()?);
    let mut body = RoleBody::default();
    for word in words {
        match word.split_once(':')? {
            ("is", name) => body.labels.push(label(name)),
            ("takes", name) => body.aggregation.push(vec![label(name)]),
            _ => return None,
        }
    }
    Some((key, body))
}

fn rule<'a>(verbs: &str, mut words: impl Iterator<Item = &'a str>) -> Option<PolicyRule> {
    let (groups, things) = (words.next()?, list(words.next()?));
    let mut rule = PolicyRule { verbs: list(verbs), ..PolicyRule::default() };
    if groups == "url" {
        rule.non_resource_urls = things;
        return Some(rule);
    }
    rule.api_groups = list(groups);
    rule.resources = things;
    rule.resource_names = words.next().map(list).unwrap_or_default();
    Some(rule)
}

fn binding<'a>(mut words: impl Iterator<Item = &'a str>) -> Option<(BindingKey, BindingBody)> {
    let key = BindingKey::new(namespace(words.next()?), words.next()?);
    let (role_kind, role) = (words.next()?.into(), words.next()?.into());
    let subjects = words.filter_map(subject).collect();
    Some((key, BindingBody { role_kind, role, subjects }))
}

fn subject(word: &str) -> Option<Subject> {
    let (kind, name) = word.split_once('=')?;
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    Some(Subject { kind: kind.into(), name: name.into(), namespace: namespace.into() })
}
