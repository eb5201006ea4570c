//! Whether a rule allows a request, and whether rules cover other rules, exactly as Kubernetes
//! compares them (`pkg/apis/rbac/v1/evaluation_helpers.go`, `pkg/registry/rbac/validation`): no
//! wildcard means more here than there.

use super::attributes::Ask;
use trailhound_model::{Str, body::PolicyRule};

/// Whether a rule allows a request.
pub(super) fn allows(rule: &PolicyRule, ask: &Ask<'_>) -> bool {
    if !has(&rule.verbs, ask.verb) {
        return false;
    }
    if !ask.is_resource() {
        return rule.non_resource_urls.iter().any(|url| url_covers(url, &ask.path));
    }
    has(&rule.api_groups, ask.group)
        && rule.resources.iter().any(|own| resource_covers(own, ask.resource, ask.subresource))
        && (rule.resource_names.is_empty() || rule.resource_names.iter().any(|n| n == ask.name))
}

/// `*` or the very value.
fn has(list: &[Str], value: &str) -> bool {
    list.iter().any(|own| own == "*" || own == value)
}

/// `*` is everything with every subresource, `*/scale` the subresource of everything. `pods/*` is
/// no wildcard to Kubernetes.
fn resource_covers(own: &str, resource: &str, subresource: &str) -> bool {
    if own == "*" {
        return true;
    }
    if subresource.is_empty() {
        return own == resource;
    }
    own.strip_suffix(subresource)
        .and_then(|stem| stem.strip_suffix('/'))
        .is_some_and(|stem| stem == "*" || stem == resource)
}

fn url_covers(own: &str, path: &str) -> bool {
    own == "*" || own == path || (own.ends_with('*') && path.starts_with(own.trim_end_matches('*')))
}

/// Whether whoever has the rules `own` may hand out `wanted`. The first piece that is not covered,
/// if any: each verb, group, resource and name must be covered as a whole by one rule.
pub(super) fn uncovered(own: &[PolicyRule], wanted: &[PolicyRule]) -> Option<PolicyRule> {
    wanted.iter().flat_map(pieces).find(|piece| !own.iter().any(|rule| covers(rule, piece)))
}

fn one(value: &Str) -> Vec<Str> {
    vec![value.clone()]
}

/// A rule as pieces of one verb and one group and resource, or one verb and one URL. A rule has a few
/// dozen of them, but its author may write thousands: those beyond the cap count as not covered.
fn pieces(rule: &PolicyRule) -> Vec<PolicyRule> {
    let mut out = Vec::new();
    for verb in &rule.verbs {
        let urls = rule.non_resource_urls.iter().map(|url| PolicyRule {
            verbs: one(verb),
            non_resource_urls: one(url),
            ..PolicyRule::default()
        });
        out.extend(urls);
        for group in &rule.api_groups {
            out.extend(
                rule.resources.iter().flat_map(|resource| named(rule, verb, group, resource)),
            );
        }
        if out.len() > MOST_PIECES {
            // No rule has a verb that is empty, so that nothing covers this.
            return vec![PolicyRule { verbs: vec![Str::default()], ..rule.clone() }];
        }
    }
    out
}

/// Pieces of one rule that are compared.
const MOST_PIECES: usize = 20_000;

fn named(rule: &PolicyRule, verb: &Str, group: &Str, resource: &Str) -> Vec<PolicyRule> {
    let piece = PolicyRule {
        verbs: one(verb),
        api_groups: one(group),
        resources: one(resource),
        ..PolicyRule::default()
    };
    if rule.resource_names.is_empty() {
        return vec![piece];
    }
    let each = |name: &Str| PolicyRule { resource_names: one(name), ..piece.clone() };
    rule.resource_names.iter().map(each).collect()
}

/// Whether one rule covers one piece.
fn covers(own: &PolicyRule, piece: &PolicyRule) -> bool {
    let all = |own: &[Str], wanted: &[Str]| wanted.iter().all(|value| has(own, value));
    let resource = |wanted: &Str| {
        let (resource, sub) = wanted.split_once('/').unwrap_or((wanted, ""));
        own.resources.iter().any(|own| resource_covers(own, resource, sub))
    };
    let names = own.resource_names.is_empty()
        || (!piece.resource_names.is_empty()
            && piece.resource_names.iter().all(|name| own.resource_names.contains(name)));
    all(&own.verbs, &piece.verbs)
        && all(&own.api_groups, &piece.api_groups)
        && piece.resources.iter().all(resource)
        && names
        && piece
            .non_resource_urls
            .iter()
            .all(|url| own.non_resource_urls.iter().any(|o| url_covers(o, url)))
}
