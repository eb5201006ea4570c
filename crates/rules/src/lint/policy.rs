//! An audit policy as the API server reads it, and what it means for a rule: a rule about contents
//! that the policy never writes is silent, whatever happens.

use super::{
    Weight,
    requests::{self, Request},
};
use crate::{
    Field, FieldId, Rule,
    nesting::{TOO_DEEP, too_deep},
    rule::Language,
};
use serde::Deserialize;
use std::{collections::BTreeSet, fmt};
use trailhound_model::event::Level;

/// Largest policy file.
const MAX_FILE: usize = 4 << 20;

/// `audit.k8s.io/v1`, kind `Policy`.
#[derive(Clone, Debug, Default)]
pub struct AuditPolicy {
    rules: Vec<PolicyRule>,
    omit_stages: Vec<String>,
}

/// Why a policy cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError(String);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyFile {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    rules: Vec<PolicyRule>,
    #[serde(default)]
    omit_stages: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyRule {
    level: String,
    #[serde(default)]
    users: Vec<String>,
    #[serde(default)]
    user_groups: Vec<String>,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    resources: Vec<Resources>,
    #[serde(default)]
    namespaces: Vec<String>,
    #[serde(default, rename = "nonResourceURLs")]
    urls: Vec<String>,
    #[serde(default)]
    omit_stages: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resources {
    #[serde(default)]
    group: String,
    #[serde(default, rename = "resources")]
    names: Vec<String>,
    #[serde(default)]
    resource_names: Vec<String>,
}

/// At which level a kind of request is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Logged {
    /// The most that anybody's request of this kind gets; `None` is not logged at all.
    most: Option<Level>,
    /// It depends on who asks, or in which namespace.
    depends: bool,
    /// The answer is not logged: the stage that has it is left out.
    unanswered: bool,
}

impl AuditPolicy {
    /// Reads a policy.
    pub fn parse(text: &str) -> Result<AuditPolicy, PolicyError> {
        if text.len() > MAX_FILE {
            return Err(PolicyError(format!("the audit policy is larger than {MAX_FILE} bytes")));
        }
        if let Some(line) = too_deep(text) {
            return Err(PolicyError(format!("line {line}: {TOO_DEEP}")));
        }
        let file: PolicyFile = serde_yaml_ng::from_str(text)
            .map_err(|error| PolicyError(format!("this is no audit policy: {error}")))?;
        if file.kind != "Policy" {
            return Err(PolicyError(format!(
                "this is no audit policy: its kind is `{}`, not `Policy`",
                file.kind
            )));
        }
        let unknown = file.rules.iter().find(|rule| level(&rule.level).is_err());
        if let Some(rule) = unknown {
            return Err(PolicyError(format!(
                "unknown level `{}`: None, Metadata, Request or RequestResponse",
                rule.level
            )));
        }
        Ok(AuditPolicy { rules: file.rules, omit_stages: file.omit_stages })
    }

    fn logged(&self, request: &Request) -> Logged {
        let mut logged = Logged { most: None, depends: false, unanswered: false };
        for rule in self.rules.iter().filter(|rule| rule.may_match(request)) {
            let level = level(&rule.level).unwrap_or_default();
            if rule.is_for_some() {
                logged.most = logged.most.max(level);
                logged.depends = true;
                continue;
            }
            logged.depends &= logged.most != level;
            logged.most = logged.most.max(level);
            let mut left_out = rule.omit_stages.iter().chain(&self.omit_stages);
            logged.unanswered = left_out.any(|stage| stage == "ResponseComplete");
            break;
        }
        logged
    }
}

fn level(name: &str) -> Result<Option<Level>, ()> {
    match name {
        "None" => Ok(None),
        "Metadata" => Ok(Some(Level::Metadata)),
        "Request" => Ok(Some(Level::Request)),
        "RequestResponse" => Ok(Some(Level::RequestResponse)),
        _ => Err(()),
    }
}

impl PolicyRule {
    /// Whether it is only for some users, namespaces or names.
    fn is_for_some(&self) -> bool {
        !self.users.is_empty()
            || !self.user_groups.is_empty()
            || !self.namespaces.is_empty()
            || self.resources.iter().any(|one| !one.resource_names.is_empty())
                && self.resources.iter().all(|one| !one.resource_names.is_empty())
    }

    fn may_match(&self, request: &Request) -> bool {
        if !self.verbs.is_empty()
            && !self.verbs.iter().any(|verb| verb == "*" || verb == request.verb)
        {
            return false;
        }
        if self.resources.is_empty() && self.urls.is_empty() {
            return true;
        }
        if !request.path.is_empty() {
            return self.urls.iter().any(|url| covers_url(url, request.path));
        }
        self.resources.iter().any(|one| one.covers(request))
    }
}

impl Resources {
    fn covers(&self, request: &Request) -> bool {
        if self.group != "*" && self.group != request.group {
            return false;
        }
        let whole = if request.subresource.is_empty() {
            request.resource.clone()
        } else {
            format!("{}/{}", request.resource, request.subresource)
        };
        self.names.is_empty() || self.names.iter().any(|one| covers(one, request, &whole))
    }
}

/// The API server's patterns: `pods`, `pods/log`, `pods/*`, `*/scale`, `*`.
fn covers(pattern: &str, request: &Request, whole: &str) -> bool {
    if pattern == "*" || pattern == whole {
        return true;
    }
    match pattern.split_once('/') {
        Some((resource, "*")) => resource == request.resource,
        Some(("*", subresource)) => subresource == request.subresource,
        _ => false,
    }
}

fn covers_url(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => pattern == path,
    }
}

/// What the policy keeps from a rule.
pub(super) fn unlogged(rule: &Rule, policy: &AuditPolicy) -> Vec<(Weight, (String, &'static str))> {
    if rule.language() != Language::Native {
        return Vec::new();
    }
    let mut found = Vec::new();
    let all = requests::by_action(None);
    let mut missing = BTreeSet::new();
    let mut shallow = BTreeSet::new();
    let mut some = BTreeSet::new();
    let mut enough = false;
    for action in &rule.watches().actions {
        for request in all.get(action).into_iter().flatten().filter(|one| is_asked(rule, one)) {
            let logged = policy.logged(request);
            let name = action.as_str();
            match logged.most {
                None => missing.insert(name),
                Some(_) if logged.unanswered => missing.insert(name),
                Some(level) if level < rule.needs() => shallow.insert(name),
                Some(_) if logged.depends => some.insert(name),
                Some(_) => {
                    enough = true;
                    continue;
                }
            };
        }
    }
    let weight = if enough || !some.is_empty() { Weight::Note } else { Weight::Warning };
    let needs = rule.needs().as_str();
    if !missing.is_empty() {
        let what =
            format!("the audit policy does not log {} (or not what came of it)", list(&missing));
        found.push((
            weight,
            (what, "the rule cannot see it: log it at the level that the rule needs"),
        ));
    }
    if !shallow.is_empty() {
        let what =
            format!("it needs level {needs}, and the audit policy logs {} at less", list(&shallow));
        found.push((
            weight,
            (what, "the rule is undecided there: raise the level in the audit policy"),
        ));
    }
    if !some.is_empty() {
        let what = format!(
            "the audit policy logs {} differently for some users, namespaces or names",
            list(&some)
        );
        found
            .push((Weight::Note, (what, "the rule is blind for those whom the policy leaves out")));
    }
    found
}

/// Whether the rule asks for this resource, if it names any.
fn is_asked(rule: &Rule, request: &Request) -> bool {
    let named = |id: FieldId, value: &str| {
        rule.conditions().all(|part| {
            let asks = part.fields() == [Field::plain(id)];
            !asks || super::possible_text(part, value)
        })
    };
    named(FieldId::TargetResource, &request.resource)
        && named(FieldId::TargetSubresource, &request.subresource)
}

fn list(names: &BTreeSet<&'static str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}
