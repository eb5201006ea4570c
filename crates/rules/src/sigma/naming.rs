//! Requests under the names that the logs of Azure and Google give them.
//!
//! Sigma has rules for Kubernetes that were written for those logs only. Their names say which verb
//! was used on which resource, so they can be worked out for every record, and the same rules then
//! watch every cluster.

use crate::{
    ask::{Ask, Operand, Quantity, Test, TextAsk},
    document::Place,
    tree::{Needle, Predicate},
};
use trailhound_model::{Str, event::Event, lookup::Step};

/// Whose names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// `operationName` of Azure: `MICROSOFT.KUBERNETES/CONNECTEDCLUSTERS/PODS/DELETE`.
    Azure,
    /// `methodName` of Google: `io.k8s.core.v1.secrets.create`.
    Google,
}

const AZURE: [&str; 2] =
    ["microsoft.kubernetes/connectedclusters", "microsoft.containerservice/managedclusters"];
const CONNECTING: [&str; 4] = ["exec", "attach", "portforward", "proxy"];
const WRITES: [&str; 3] = ["create", "update", "patch"];

/// The names of a request, in lower case.
pub(crate) fn named(naming: Naming, event: &Event) -> Vec<String> {
    match naming {
        Naming::Azure => azure(event),
        Naming::Google => google(event),
    }
}

fn azure(event: &Event) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |rest: &str| names.extend(AZURE.map(|start| format!("{start}/{rest}")));
    if let Some(object) = &event.object {
        let mut resource = object.resource.as_str().to_lowercase();
        if !object.subresource.is_empty() {
            resource = format!("{resource}/{}", object.subresource.to_lowercase());
        }
        let class = class(&event.verb, &object.subresource);
        let group = object.api_group.as_str().to_lowercase();
        let slash = if group.is_empty() { "" } else { "/" };
        add(&format!("{group}{slash}{resource}/{class}"));
        // Events are served by two groups; a rule names one of them and means both.
        if object.resource == "events" {
            let other = if group.is_empty() { "events.k8s.io/" } else { "" };
            add(&format!("{other}{resource}/{class}"));
        }
    }
    if let Some(other) = &event.impersonated {
        let account = other.name.starts_with("system:serviceaccount:");
        add(if account {
            "serviceaccounts/impersonate/action"
        } else {
            "users/impersonate/action"
        });
    }
    names
}

fn class(verb: &str, subresource: &str) -> &'static str {
    match verb {
        _ if CONNECTING.contains(&subresource) => "action",
        "create" | "update" | "patch" => "write",
        "delete" | "deletecollection" => "delete",
        _ => "read",
    }
}

fn google(event: &Event) -> Vec<String> {
    let Some(object) = &event.object else { return Vec::new() };
    let group = object.api_group.as_str().to_lowercase();
    let version = object.api_version.as_str().to_lowercase();
    let resource = object.resource.as_str().to_lowercase();
    let short = group.strip_suffix(".k8s.io").unwrap_or(&group);
    let mut whole = resource.clone();
    if !object.subresource.is_empty() {
        whole = format!("{whole}.{}", object.subresource.to_lowercase());
    }
    // Google's own form turns the parts of a group around: `authorization.rbac`.
    let turned: Vec<&str> = short.rsplit('.').collect();
    let mut groups = vec![turned.join(".")];
    if group.is_empty() {
        groups = vec!["core".to_owned()];
    } else if short.contains('.') {
        groups.push(short.to_owned());
    }
    let verb = &event.verb;
    let mut names: Vec<String> =
        groups.iter().map(|group| format!("io.k8s.{group}.{version}.{whole}.{verb}")).collect();
    names.push(format!("{group}.{version}.{whole}.{verb}"));
    if verb == "update" {
        let replaced: Vec<String> =
            names.iter().map(|name| name.replace(".update", ".replace")).collect();
        names.extend(replaced);
    }
    if WRITES.contains(&verb.as_str()) && object.subresource.is_empty() {
        let kind = resource.strip_suffix('s').unwrap_or(&resource);
        names.extend(groups.iter().map(|group| format!("io.k8s.api.{group}.{version}.{kind}")));
    }
    names
}

/// What must be true of a request whose name is one of these, or ends with one of these: cheaper to
/// ask than the name, and known to the index.
pub(super) fn guard(naming: Naming, ends: &[String]) -> Predicate {
    let guards: Option<Vec<Predicate>> = ends.iter().map(|end| guard_of(naming, end)).collect();
    guards.map_or(Predicate::Const(true), Predicate::Any)
}

fn guard_of(naming: Naming, name: &str) -> Option<Predicate> {
    let name = name.to_lowercase();
    match naming {
        Naming::Azure => azure_guard(&name),
        Naming::Google => google_guard(&name),
    }
}

fn azure_guard(name: &str) -> Option<Predicate> {
    let (rest, class) = name.rsplit_once('/')?;
    let resource = rest.rsplit('/').next().unwrap_or_default();
    let verbs: &[&str] = match class {
        "write" => &WRITES,
        "delete" => &["delete", "deletecollection"],
        "action" if resource == "impersonate" => {
            return Some(ask("impersonatedUser", "username", Test::Present));
        }
        // Rights that the API server checks inside of a request; no record has them as its verb.
        "action" if matches!(resource, "bind" | "escalate") => {
            return Some(Predicate::Const(false));
        }
        _ => return None,
    };
    let mut parts = vec![verb(verbs)];
    if !resource.is_empty() && !resource.contains('*') {
        parts.push(ask("objectRef", "resource", one_of(&[resource])));
    }
    Some(Predicate::All(parts))
}

fn google_guard(name: &str) -> Option<Predicate> {
    let mut parts = name.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let verbs: &[&str] = match last {
        _ if last.contains(['*', '?']) => return None,
        "create" | "patch" | "update" | "delete" | "deletecollection" => &[last],
        "replace" => &["update"],
        _ if name.starts_with("io.k8s.api.") => {
            let resource = ask("objectRef", "resource", one_of(&[&format!("{last}s"), last]));
            return Some(Predicate::All(vec![verb(&WRITES), resource]));
        }
        _ => return None,
    };
    let mut all = vec![verb(verbs)];
    // A resource, or a resource and its subresource, stand between version and verb.
    let between: Vec<&str> = parts.take(2).take_while(|part| !is_version(part)).collect();
    let is_whole = name.split('.').count() > 3 && !between.is_empty();
    if is_whole && !between.iter().any(|part| part.contains(['*', '?'])) {
        all.push(ask("objectRef", "resource", one_of(&between)));
    }
    Some(Predicate::All(all))
}

/// `v1`, `v1beta1`, `v*`
fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '*'))
}

/// What must be true of a request whose name of Google's has one of these words in it.
pub(super) fn guard_of_words(naming: Naming, words: &[String]) -> Predicate {
    let mut all = Vec::new();
    for word in words {
        let word = word.to_lowercase();
        let inner = word.strip_prefix('.').and_then(|word| word.strip_suffix('.'));
        let Some(inner) = inner.filter(|word| {
            let plain = |c: char| c.is_ascii_alphanumeric();
            !word.is_empty() && word.chars().all(plain) && !is_version(word)
        }) else {
            return Predicate::Const(true);
        };
        let known = ["io", "k8s", "api", "core"].contains(&inner) || VERBS.contains(&inner);
        if naming != Naming::Google || known {
            return Predicate::Const(true);
        }
        all.push(ask("objectRef", "resource", one_of(&[inner])));
        all.push(ask("objectRef", "subresource", one_of(&[inner])));
        let within = Test::Any(vec![TextAsk::Contains(Needle::new(inner))]);
        all.push(ask("objectRef", "apiGroup", within));
    }
    Predicate::Any(all)
}

const VERBS: [&str; 9] =
    ["create", "update", "patch", "delete", "deletecollection", "get", "list", "watch", "replace"];

fn verb(verbs: &[&str]) -> Predicate {
    ask("verb", "", one_of(verbs))
}

fn one_of(texts: &[&str]) -> Test {
    let mut texts: Vec<Str> = texts.iter().map(|text| Str::new(text)).collect();
    texts.sort();
    Test::OneOfFolded(texts.into())
}

fn ask(top: &str, key: &str, test: Test) -> Predicate {
    let rest = if key.is_empty() { Vec::new() } else { vec![Step::Key(key.into())] };
    let of = Operand::Place(Place::new(top, rest));
    Predicate::Ask(Box::new(Ask { of, quantity: Quantity::Some, test }))
}
