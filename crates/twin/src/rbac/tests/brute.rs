//! The judge of the plainest form: all bindings, all rules, one after the other, with Kubernetes'
//! comparisons written out anew.

use super::made::{at, binding, first_start, role};
use crate::rbac::{Attributes, Rbac, Who};
use proptest::{collection::vec, prelude::*, sample::select};
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    lookup::Truth,
    observed::Surety,
};

#[derive(Clone, Debug)]
struct Bound {
    namespace: &'static str,
    kind: &'static str,
    role: usize,
    subjects: Vec<Subject>,
}

type Roles = Vec<(&'static str, Vec<PolicyRule>)>;

fn matches(own: &str, combined: &str, subresource: &str) -> bool {
    own == "*" || own == combined || (!subresource.is_empty() && own == format!("*/{subresource}"))
}

fn allows(rule: &PolicyRule, what: &Attributes) -> bool {
    let in_list = |list: &[Str], value: &str| list.iter().any(|own| own == "*" || own == value);
    if !in_list(&rule.verbs, &what.verb) {
        return false;
    }
    if !what.path.is_empty() {
        return rule.non_resource_urls.iter().any(|own| {
            own == "*"
                || *own == what.path
                || own.strip_suffix('*').is_some_and(|stem| what.path.starts_with(stem))
        });
    }
    let combined = what.combined();
    in_list(&rule.api_groups, &what.group)
        && rule.resources.iter().any(|own| matches(own, &combined, &what.subresource))
        && (rule.resource_names.is_empty() || rule.resource_names.contains(&what.name))
}

fn is_subject(subject: &Subject, who: &Who, namespace: &str) -> bool {
    match subject.kind.as_str() {
        "User" => subject.name == who.user,
        "Group" => who.groups.contains(&subject.name),
        _ => {
            let namespace =
                if subject.namespace.is_empty() { namespace } else { &subject.namespace };
            !namespace.is_empty()
                && who.user == format!("system:serviceaccount:{namespace}:{}", subject.name)
        }
    }
}

fn plainest(all: &Roles, bound: &[Bound], who: &Who, what: &Attributes) -> bool {
    bound.iter().any(|one| {
        let (namespace, rules) = &all[one.role];
        let in_force = one.namespace.is_empty() || one.namespace == what.namespace;
        let found = match one.kind {
            "ClusterRole" => namespace.is_empty(),
            _ => !one.namespace.is_empty() && *namespace == one.namespace,
        };
        in_force
            && found
            && one.subjects.iter().any(|subject| is_subject(subject, who, one.namespace))
            && rules.iter().any(|rule| allows(rule, what))
    })
}

fn some(values: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<Str>> {
    vec(select(values).prop_map(Str::from), 1..=most)
}

fn rules() -> impl Strategy<Value = PolicyRule> {
    let resource = (
        some(&["get", "list", "create", "*"], 2),
        some(&["", "apps", "*"], 2),
        some(&["pods", "pods/exec", "pods/*", "*/exec", "*/scale", "*", "deployments"], 2),
        prop_oneof![3 => Just(Vec::new()), 1 => some(&["a", "b", ""], 2)],
    )
        .prop_map(|(verbs, api_groups, resources, resource_names)| PolicyRule {
            verbs,
            api_groups,
            resources,
            resource_names,
            non_resource_urls: Vec::new(),
        });
    let url = (some(&["get", "*"], 1), some(&["/healthz", "/apis/*", "/ap*", "*", "/"], 2))
        .prop_map(|(verbs, non_resource_urls)| PolicyRule {
            verbs,
            non_resource_urls,
            ..PolicyRule::default()
        });
    prop_oneof![4 => resource, 1 => url]
}

fn subjects() -> impl Strategy<Value = Subject> {
    let kinds = &[
        ("User", "alice", ""),
        ("User", "system:serviceaccount:shop:cart", ""),
        ("Group", "devs", ""),
        ("Group", "system:serviceaccounts", ""),
        ("Group", "system:serviceaccounts:shop", ""),
        ("ServiceAccount", "cart", "shop"),
        ("ServiceAccount", "cart", ""),
        ("ServiceAccount", "cart", "data"),
        ("Robot", "alice", ""),
    ][..];
    select(kinds).prop_map(|(kind, name, namespace)| Subject {
        kind: kind.into(),
        name: name.into(),
        namespace: namespace.into(),
    })
}

fn bound() -> impl Strategy<Value = Bound> {
    let kinds = select(&["ClusterRole", "Role"][..]);
    (select(&["", "shop", "data"][..]), kinds, 0..4usize, vec(subjects(), 0..3))
        .prop_map(|(namespace, kind, role, subjects)| Bound { namespace, kind, role, subjects })
}

fn asked() -> impl Strategy<Value = Attributes> {
    let resource = (
        select(&["get", "list", "create", "delete"][..]),
        select(&["pods", "pods/exec", "deployments.apps", "deployments.apps/scale", "exec"][..]),
        select(&["", "shop", "data"][..]),
        select(&["", "a", "c"][..]),
    )
        .prop_map(|(verb, resource, namespace, name)| {
            let (left, sub) = resource.split_once('/').unwrap_or((resource, ""));
            let mut what = Attributes::resource(verb, left, namespace, name);
            what.subresource = sub.into();
            what
        });
    let url = select(&["/healthz", "/apis/apps", "/ap", "/"][..])
        .prop_map(|path| Attributes::url("get", path));
    prop_oneof![5 => resource, 1 => url]
}

fn whose() -> impl Strategy<Value = Who> {
    prop_oneof![
        Just(Who::user("alice", &["devs"])),
        Just(Who::user("bob", &[])),
        Just(Who::account("shop", "cart")),
        Just(Who::account("data", "cart")),
    ]
}

fn twin(roles: &Roles, bound: &[Bound]) -> Rbac {
    let mut rbac = Rbac::default();
    for fact in &first_start() {
        rbac.observe(fact);
    }
    for (place, (namespace, rules)) in roles.iter().enumerate() {
        rbac.observe(&role(10, "create", (namespace, &format!("r{place}")), rules));
    }
    for (place, one) in bound.iter().enumerate() {
        let name = format!("b{place}");
        let to = format!("r{}", one.role);
        rbac.observe(&binding(11, (one.namespace, &name), (one.kind, &to), &one.subjects));
    }
    rbac
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn decides_as_the_plainest_judge(
        roles in vec((select(&["", "shop", "data"][..]), vec(rules(), 0..3)), 4),
        bound in vec(bound(), 0..5),
        asked in vec((whose(), asked()), 1..12),
    ) {
        let rbac = twin(&roles, &bound);
        for (who, what) in &asked {
            let decision = rbac.decide(who, what, at(100));
            let truth = plainest(&roles, &bound, who, what);
            prop_assert_eq!(decision.answer, Truth::from(truth), "{:?} {:?}", who, what);
            prop_assert_eq!(decision.surety, Surety::Proved);
            prop_assert_eq!(decision.by.is_empty(), !truth);
            let held = rbac.subjects_that_can(what, at(100));
            for grant in &decision.by {
                prop_assert!(held.iter().any(|holder| holder.via == *grant));
            }
        }
    }

    #[test]
    fn what_a_role_covers_it_allows(own in vec(rules(), 0..4), wanted in rules(), what in asked()) {
        let covered = crate::rbac::rules::uncovered(&own, std::slice::from_ref(&wanted)).is_none();
        if covered && allows(&wanted, &what) {
            prop_assert!(own.iter().any(|rule| allows(rule, &what)));
        }
    }
}
