//! Whether a rule can ever fire: what its conjuncts ask of one field must leave something, and what it
//! reads must be there in what it watches.

use super::requests;
use crate::{
    Field, FieldId, Rule,
    rule::Language,
    tree::{NumberExpr, Order, Predicate, Source, TextExpr, TextTest},
};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::action::{ActionKind, Outcome};

type Found = (String, &'static str);

/// Why the rule cannot fire; empty if nothing speaks against it.
pub(super) fn impossible(rule: &Rule) -> Vec<Found> {
    let parts: Vec<&Predicate> = rule.conditions().collect();
    let mut found = contradictions(&parts);
    found.extend(exclusive(&parts));
    if rule.language() == Language::Native {
        let texts = texts(&parts);
        found.extend(off_watch(rule, &texts));
        found.extend(off_outcome(rule, &parts));
        found.extend(never_there(rule));
    }
    found
}

/// A conjunct that is false by itself, or the negation of another.
fn contradictions(parts: &[&Predicate]) -> Vec<Found> {
    let mut found = Vec::new();
    let known: BTreeSet<String> = parts.iter().map(|part| format!("{part:?}")).collect();
    for part in parts {
        match part {
            Predicate::Const(false) => found.push((
                "a part of its condition is always false".to_owned(),
                "it cannot fire: take that part out",
            )),
            Predicate::Not(inner) if known.contains(&format!("{inner:?}")) => found.push((
                "its condition asks for something and for the opposite".to_owned(),
                "it cannot fire: one of the two must go",
            )),
            _ => {}
        }
    }
    found
}

/// The texts that conjuncts leave for a field.
fn texts(parts: &[&Predicate]) -> BTreeMap<String, (Field, BTreeSet<String>)> {
    let mut left: BTreeMap<String, (Field, BTreeSet<String>)> = BTreeMap::new();
    for part in parts {
        let Some((field, wanted)) = texts_of(part) else { continue };
        left.entry(field.to_string())
            .and_modify(|(_, kept)| kept.retain(|text| wanted.contains(text)))
            .or_insert((field, wanted));
    }
    left
}

pub(super) fn texts_of(part: &Predicate) -> Option<(Field, BTreeSet<String>)> {
    if let Predicate::Any(parts) = part {
        let all: Option<Vec<_>> = parts.iter().map(texts_of).collect();
        let mut all = all?.into_iter();
        let (field, mut wanted) = all.next()?;
        for (other, more) in all {
            if other != field {
                return None;
            }
            wanted.extend(more);
        }
        return Some((field, wanted));
    }
    let Predicate::Text(TextExpr::Source(Source::Field(field)), test) = part else { return None };
    let wanted = match test {
        TextTest::Equals(one) => BTreeSet::from([one.to_string()]),
        TextTest::OneOf(texts) => texts.iter().map(ToString::to_string).collect(),
        _ => return None,
    };
    Some((field.clone(), wanted))
}

/// Fields of which nothing is left, and numbers that are to be more and less at once.
fn exclusive(parts: &[&Predicate]) -> Vec<Found> {
    let hint = "it cannot fire: one event has one value there";
    let mut found: Vec<Found> = texts(parts)
        .into_values()
        .filter(|(_, left)| left.is_empty())
        .map(|(field, _)| (format!("it asks `{field}` to be two different things at once"), hint))
        .collect();
    for (name, (low, high)) in ranges(parts) {
        if low > high {
            found.push((format!("no number satisfies what it asks of `{name}`"), hint));
        }
    }
    found
}

/// The range that conjuncts leave for numbers.
fn ranges(parts: &[&Predicate]) -> BTreeMap<String, (i64, i64)> {
    let mut left: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for part in parts {
        let Predicate::Number(NumberExpr::Source(Source::Field(field)), order, right) = part else {
            continue;
        };
        let NumberExpr::Literal(value) = right else { continue };
        let range = left.entry(field.to_string()).or_insert((i64::MIN, i64::MAX));
        narrow(range, *order, *value);
    }
    left
}

fn narrow(range: &mut (i64, i64), order: Order, value: i64) {
    match order {
        Order::Equal => *range = (range.0.max(value), range.1.min(value)),
        Order::Less => range.1 = range.1.min(value.saturating_sub(1)),
        Order::LessOrEqual => range.1 = range.1.min(value),
        Order::Greater => range.0 = range.0.max(value.saturating_add(1)),
        Order::GreaterOrEqual => range.0 = range.0.max(value),
        Order::NotEqual => {}
    }
}

/// What it asks of the action and the object, against what it watches.
fn off_watch(rule: &Rule, texts: &BTreeMap<String, (Field, BTreeSet<String>)>) -> Vec<Found> {
    let mut found = Vec::new();
    let left = |id: FieldId| {
        let by_id = texts.values().find(|(field, _)| field.id() == id);
        by_id.map(|(_, left)| left).filter(|left| !left.is_empty())
    };
    let watches = rule.watches();
    if let Some(kinds) = left(FieldId::ActionKind)
        && !watches.actions.iter().any(|kind| kinds.contains(kind.as_str()))
    {
        found.push((
            "it asks for a kind of action that it does not watch".to_owned(),
            "it cannot fire: add the action to `on: actions`",
        ));
    }
    if let Some(outcomes) = left(FieldId::ActionOutcome)
        && !watches.outcomes.iter().any(|one| outcomes.contains(one.as_str()))
    {
        found.push((
            "it asks for an outcome that it does not watch".to_owned(),
            "it cannot fire: add the outcome to `on: outcomes`",
        ));
    }
    if let Some(resources) = left(FieldId::TargetResource)
        && !resources.iter().any(|resource| can_be_on(resource, &watches.actions))
    {
        let names: Vec<&str> = resources.iter().map(String::as_str).collect();
        found.push((
            format!("none of the actions that it watches can be done to {}", names.join(" or ")),
            "it cannot fire: watch the actions of that resource, or `object.*` for resources \
             without actions of their own",
        ));
    }
    found
}

/// Whether one of the actions can be done to a resource. Refused impersonation may be about any.
fn can_be_on(resource: &str, actions: &[ActionKind]) -> bool {
    if actions.contains(&ActionKind::IdentityImpersonate) {
        return true;
    }
    let all = requests::by_action(Some(resource));
    actions
        .iter()
        .filter_map(|action| all.get(action))
        .flatten()
        .any(|request| request.resource == resource)
}

/// Codes that no watched outcome can have.
fn off_outcome(rule: &Rule, parts: &[&Predicate]) -> Option<Found> {
    let (low, high) = *ranges(parts).get("event.code")?;
    if low > high {
        return None;
    }
    let possible = (low.max(100)..=high.min(599))
        .any(|code| outcomes_of(code).iter().any(|one| rule.watches().outcomes.contains(one)));
    (!possible).then(|| {
        (
            "no outcome that it watches comes with the code that it asks for".to_owned(),
            "it cannot fire: `on: outcomes` is [allowed] if it is not given",
        )
    })
}

fn outcomes_of(code: i64) -> &'static [Outcome] {
    match code {
        101 | 200..=399 => &[Outcome::Allowed, Outcome::Unauthenticated],
        401 => &[Outcome::Unauthenticated],
        403 => &[Outcome::Denied, Outcome::Rejected],
        404 => &[Outcome::NotFound],
        409 => &[Outcome::Conflict],
        422 => &[Outcome::Rejected],
        _ => &[Outcome::Failed],
    }
}

/// Families of fields that only some actions have.
const FAMILIES: [(&str, &[ActionKind]); 8] = {
    use ActionKind as K;
    [
        ("exec.", &[K::PodExec, K::PodAttach]),
        ("proxy.", &[K::NodeProxy, K::WorkloadProxy]),
        ("grant.", &[K::RbacGrant]),
        ("role.", &[K::RoleChange]),
        ("webhook.", &[K::WebhookChange]),
        ("csr.", &[K::CsrCreate, K::CsrApprove, K::CsrSign]),
        ("token.", &[K::TokenMint]),
        ("review.", &[K::ReviewSelf, K::ReviewOther]),
    ]
};

/// Conjuncts that read only what no watched action has.
fn never_there(rule: &Rule) -> Vec<Found> {
    let mut found = Vec::new();
    for part in rule.conditions() {
        if matches!(part, Predicate::Not(_)) {
            continue;
        }
        let fields = part.fields();
        let family = FAMILIES.iter().find(|(family, actions)| {
            !fields.is_empty()
                && fields.iter().all(|field| field.to_string().starts_with(family))
                && !actions.iter().any(|action| rule.watches().actions.contains(action))
        });
        if let Some((family, actions)) = family {
            let names: Vec<&str> = actions.iter().map(|action| action.as_str()).collect();
            found.push((
                format!(
                    "it asks for `{family}*`, which only {} has, and watches no such action",
                    names.join(", ")
                ),
                "that part is never true: watch the action, or take the part out",
            ));
        }
    }
    found
}
