//! What a log can hold, each named for the mishap that it would cause.

use super::made::{
    GROUP, at, bare, binding, decided, first_start, request, role, role_said, rule, user,
};
use crate::rbac::{
    Attributes, BindingKey, ChangeKind, GrantedBy, Known, Rbac, RoleKey, Who,
    check::{Check, Verdict},
    reason::parse,
};
use trailhound_model::{fact::Fact, lookup::Truth, observed::Said, observed::Surety};

const REASON: &str = r#"RBAC: allowed by RoleBinding "dev/shop" of Role "edit" to User "alice""#;

fn pods(verb: &str) -> Attributes {
    Attributes::resource(verb, "pods", "shop", "")
}

fn alice() -> Who {
    Who::user("alice", &[])
}

fn run(facts: &[Fact]) -> Rbac {
    let mut rbac = Rbac::default();
    for fact in facts {
        rbac.observe(fact);
    }
    rbac
}

fn begun(facts: &[Fact]) -> Rbac {
    let mut all = first_start();
    all.extend_from_slice(facts);
    run(&all)
}

fn granted() -> [Fact; 2] {
    [
        role(10, "create", ("shop", "edit"), &[rule(&["list"], &["pods"])]),
        binding(11, ("shop", "dev"), ("Role", "edit"), &[user("alice")]),
    ]
}

fn used(second: i64) -> Fact {
    decided(request(second, "alice", "list", ("", "pods", "shop", "")), "allow", REASON)
}

fn answer(rbac: &Rbac, what: &Attributes, second: i64) -> (Truth, Surety) {
    let decision = rbac.decide(&alice(), what, at(second));
    (decision.answer, decision.surety)
}

#[test]
fn a_deleted_binding_grants_nothing_afterwards_but_did_before() {
    let [made, bound] = granted();
    let rbac = begun(&[made, bound, bare(20, "delete", "rolebindings", "shop", "dev")]);
    assert_eq!(answer(&rbac, &pods("list"), 15), (Truth::True, Surety::Proved));
    assert_eq!(answer(&rbac, &pods("list"), 25), (Truth::False, Surety::Inferred));
    assert_eq!(answer(&rbac, &pods("list"), 5), (Truth::False, Surety::Proved));
}

#[test]
fn a_recreated_role_has_its_own_rules() {
    let [made, bound] = granted();
    let again = role(30, "create", ("shop", "edit"), &[rule(&["get"], &["pods"])]);
    let rbac = begun(&[made, bound, bare(20, "delete", "roles", "shop", "edit"), again]);
    assert_eq!(answer(&rbac, &pods("list"), 25).0, Truth::False);
    assert_eq!(answer(&rbac, &pods("list"), 35).0, Truth::False);
    assert_eq!(answer(&rbac, &pods("get"), 35), (Truth::True, Surety::Proved));
}

#[test]
fn a_log_that_begins_later_proves_no_absence() {
    let rbac = run(&granted());
    assert_eq!(answer(&rbac, &pods("list"), 15), (Truth::True, Surety::Proved));
    let decision = rbac.decide(&alice(), &pods("get"), at(15));
    assert_eq!(decision.answer, Truth::Unknown);
    assert!(!decision.why_unknown.is_empty());
}

#[test]
fn a_change_without_a_body_makes_the_rules_unknown() {
    let [made, bound] = granted();
    let rbac = begun(&[made, bound, bare(20, "patch", "roles", "shop", "edit")]);
    assert_eq!(answer(&rbac, &pods("get"), 15).0, Truth::False);
    assert_eq!(answer(&rbac, &pods("get"), 25).0, Truth::Unknown);
    assert_eq!(answer(&rbac, &pods("list"), 25).0, Truth::Unknown);
}

#[test]
fn a_patch_without_its_answer_proves_only_what_it_sets() {
    let [made, bound] = granted();
    let rules = [rule(&["get"], &["pods"])];
    let patch = role_said(20, "patch", ("shop", "edit"), &rules, Said::Asked);
    let rbac = begun(&[made, bound, patch]);
    assert_eq!(answer(&rbac, &pods("get"), 25), (Truth::True, Surety::Inferred));
    assert_eq!(answer(&rbac, &pods("list"), 25).0, Truth::Unknown);
}

#[test]
fn a_role_known_only_from_reasons_has_proved_uses_and_unknown_rules() {
    let rbac = run(&[used(10), used(12)]);
    assert_eq!(answer(&rbac, &pods("list"), 20), (Truth::True, Surety::Inferred));
    assert_eq!(answer(&rbac, &pods("get"), 20).0, Truth::Unknown);
    assert_eq!(rbac.rules_of(&RoleKey::new("shop", "edit"), at(20)).known, Known::Nothing);
    let uses = rbac.uses(&BindingKey::new("shop", "dev"));
    assert_eq!((uses.len(), uses[0].count.count), (1, 2));
    assert_eq!((uses[0].count.first, uses[0].count.last), (Some(at(10)), Some(at(12))));
}

#[test]
fn a_grant_that_the_log_does_not_show_ends_all_certainty_of_absence() {
    let rbac = begun(&[used(10)]);
    assert_eq!(answer(&rbac, &pods("get"), 9), (Truth::False, Surety::Proved));
    assert_ne!(answer(&rbac, &pods("get"), 20).0, Truth::False);
    let bob = rbac.decide(&Who::user("bob", &[]), &pods("get"), at(20));
    assert_eq!(bob.answer, Truth::Unknown);
}

#[test]
fn a_refusal_proves_absence_until_rights_change() {
    let refused = decided(request(10, "alice", "get", ("", "pods", "shop", "")), "forbid", "");
    let rbac = run(std::slice::from_ref(&refused));
    assert_eq!(answer(&rbac, &pods("get"), 11), (Truth::False, Surety::Inferred));
    assert_eq!(answer(&rbac, &pods("list"), 11).0, Truth::Unknown);
    let rbac = run(&[refused, bare(20, "create", "rolebindings", "shop", "x")]);
    assert_eq!(answer(&rbac, &pods("get"), 21).0, Truth::Unknown);
}

#[test]
fn a_binding_of_no_name_may_grant_anything() {
    let rbac = begun(&[bare(10, "create", "clusterrolebindings", "", "")]);
    assert_eq!(answer(&rbac, &pods("get"), 9).0, Truth::False);
    assert_eq!(answer(&rbac, &pods("get"), 11).0, Truth::Unknown);
}

#[test]
fn a_dry_run_grants_nothing() {
    let [made, mut bound] = granted();
    bound.event.request_uri = "/apis?dryRun=All".into();
    bound.action = trailhound_model::action::Action::of(&bound.event);
    let rbac = begun(&[made, bound]);
    assert_eq!(answer(&rbac, &pods("list"), 15), (Truth::False, Surety::Proved));
}

#[test]
fn an_unlogged_create_of_the_api_server_is_what_kubernetes_makes() {
    let rbac = run(&[bare(1, "create", "configmaps", "x", "y")]);
    let who = Who::account("kube-system", "node-controller");
    let what = Attributes::resource("patch", "nodes", "", "n1");
    let decision = rbac.decide(&who, &what, at(5));
    assert_eq!((decision.answer, decision.surety), (Truth::True, Surety::Inferred));
    let view = rbac.decide(&Who::user("a", &[]), &Attributes::url("get", "/version"), at(5));
    assert_eq!(view.answer, Truth::True);
}

#[test]
fn admin_takes_over_what_view_has() {
    let mut rbac = run(&[bare(1, "create", "configmaps", "x", "y")]);
    rbac.observe(&binding(2, ("shop", "a"), ("ClusterRole", "admin"), &[user("alice")]));
    for what in [
        pods("list"),
        Attributes::resource("create", "rolebindings.rbac.authorization.k8s.io", "shop", ""),
    ] {
        assert_eq!(answer(&rbac, &what, 5), (Truth::True, Surety::Inferred));
    }
}

#[test]
fn the_table_of_kubernetes_own_roles_is_read_whole() {
    let table = crate::rbac::bootstrap::Bootstrap::table();
    assert_eq!((table.roles.len(), table.bindings.len()), (78, 59));
    assert!(table.roles.iter().all(|(_, role)| !role.rules.is_empty()));
    let known = |name: &str| table.roles.iter().any(|(key, _)| key.name == name);
    assert!(table.bindings.iter().all(|(_, binding)| known(&binding.role)));
}

#[test]
fn a_name_with_quotes_is_no_other_grant() {
    let forged = r#"RBAC: allowed by ClusterRoleBinding "x\" of ClusterRole \"cluster-admin\" to User \"eve" of ClusterRole "view" to User "bob""#;
    let grant = parse(forged).unwrap();
    assert_eq!(grant.role, RoleKey::new("", "view"));
    assert_eq!(grant.subject, "bob");
    assert_eq!(parse(r#"RBAC: allowed by ClusterRoleBinding "x" of Role "#), None);
    let account = parse(
        r#"RBAC: allowed by ClusterRoleBinding "x" of ClusterRole "y" to ServiceAccount "cart/shop""#,
    );
    assert_eq!(
        account.map(|g| (g.subject, g.subject_namespace)),
        Some(("cart".into(), "shop".into()))
    );
}

#[test]
fn nobody_grants_what_he_lacks_but_by_escalate_or_bind() {
    let [made, bound] = granted();
    let mut escalate = rule(&["escalate"], &["roles"]);
    escalate.api_groups = vec![GROUP.into()];
    let rbac = begun(&[
        made,
        bound,
        role(12, "create", ("shop", "up"), &[escalate]),
        binding(30, ("shop", "up"), ("Role", "up"), &[user("alice")]),
    ]);
    let list = [rule(&["list"], &["pods"])];
    let all = [rule(&["*"], &["*"])];
    let by = |rules, second| rbac.can_grant(&alice(), "shop", rules, at(second)).by;
    assert_eq!(by(&list, 15), Some(GrantedBy::Covers));
    assert_eq!(by(&all, 15), None);
    assert_eq!(rbac.can_grant(&alice(), "shop", &all, at(15)).answer, Truth::False);
    assert_eq!(by(&all, 35), Some(GrantedBy::Escalate));
    assert_eq!(rbac.can_grant(&alice(), "data", &all, at(35)).answer, Truth::False);
}

#[test]
fn changes_say_who_made_them() {
    let [made, bound] = granted();
    let rbac = begun(&[made, bound, bare(20, "delete", "rolebindings", "shop", "dev")]);
    let kinds: Vec<_> =
        rbac.changes(at(5), at(30)).into_iter().map(|c| (c.kind, c.by.to_string())).collect();
    let admin = || "user:admin".to_owned();
    assert_eq!(
        kinds,
        [
            (ChangeKind::Created, admin()),
            (ChangeKind::Created, admin()),
            (ChangeKind::Deleted, admin())
        ]
    );
}

#[test]
fn a_check_tells_supposed_mistakes_from_certain_ones() {
    let mut check = Check::default();
    let rbac = begun(&granted());
    check.compare(&rbac, &used(60));
    check.compare(
        &rbac,
        &decided(request(60, "alice", "list", ("", "pods", "shop", "")), "forbid", ""),
    );
    check.compare(
        &rbac,
        &decided(request(60, "alice", "get", ("", "pods", "shop", "")), "forbid", ""),
    );
    check.compare(
        &rbac,
        &decided(request(12, "alice", "list", ("", "pods", "shop", "")), "forbid", ""),
    );
    check.compare(
        &rbac,
        &decided(request(60, "x", "get", ("", "pods", "", "")), "allow", "access policy"),
    );
    let counts = [Verdict::Right, Verdict::WrongButCertain, Verdict::Racing, Verdict::NotRbac];
    assert_eq!(counts.map(|verdict| check.count(verdict)), [2, 1, 1, 1]);
}

#[test]
fn a_million_forged_requests_are_counted_and_not_kept() {
    let mut rbac = Rbac::default();
    for n in 0..30_000 {
        let reason =
            format!(r#"RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "u{n}""#);
        rbac.observe(&decided(
            request(n, &format!("u{n}"), "get", ("", "pods", "", "")),
            "forbid",
            "",
        ));
        rbac.observe(&decided(
            request(n, &format!("u{n}"), "get", ("", &format!("p{n}"), "", "")),
            "allow",
            REASON,
        ));
        if n % 10 == 0 {
            rbac.observe(&decided(request(n, "x", "get", ("", "pods", "", "")), "allow", &reason));
        }
    }
    assert!(rbac.dropped() > 0);
    assert!(rbac.uses(&BindingKey::new("shop", "dev")).len() <= 8_193);
    assert_eq!(
        rbac.used(&BindingKey::new("shop", "dev")).count,
        30_000,
        "used, if not told for what"
    );
}

#[test]
fn a_refusal_before_kubernetes_has_made_its_roles_is_believed() {
    let refused = |second| {
        let event = trailhound_model::event::Event {
            object: None,
            request_uri: "/readyz".into(),
            ..request(second, "alice", "get", ("", "", "", ""))
        };
        decided(event, "forbid", "")
    };
    let rbac = run(&[refused(1)]);
    assert_eq!(
        answer(&rbac, &Attributes::url("get", "/readyz"), 2),
        (Truth::False, Surety::Inferred)
    );
}

#[test]
fn whoever_writes_often_does_not_prove_what_he_had_before_absent() {
    let mut facts = granted().to_vec();
    let flip = |second: i64| {
        let verbs = if second % 2 == 0 { "watch" } else { "get" };
        role(second, "update", ("shop", "edit"), &[rule(&[verbs], &["pods"])])
    };
    facts.extend((20..120).map(flip));
    let rbac = begun(&facts);
    assert_eq!(answer(&rbac, &pods("list"), 15).0, Truth::Unknown, "it was there then");
    assert_eq!(answer(&rbac, &pods("list"), 125), (Truth::False, Surety::Proved));
    assert!(rbac.role_versions(&RoleKey::new("shop", "edit")).len() <= 64);
}

#[test]
fn a_gap_in_the_log_proves_neither_presence_nor_absence() {
    let mut rbac = begun(&granted());
    assert_eq!(answer(&rbac, &pods("list"), 25), (Truth::True, Surety::Proved));
    assert_eq!(answer(&rbac, &pods("get"), 25), (Truth::False, Surety::Proved));
    rbac.missing(&[(at(20), at(22))]);
    assert_eq!(answer(&rbac, &pods("list"), 25), (Truth::True, Surety::Inferred));
    assert_eq!(answer(&rbac, &pods("get"), 25), (Truth::False, Surety::Inferred));
    assert_eq!(answer(&rbac, &pods("get"), 15), (Truth::False, Surety::Proved), "before the gap");
    assert!(rbac.is_complete("shop", at(15)) && !rbac.is_complete("shop", at(25)));
}

#[test]
fn a_deletion_whose_answer_is_not_logged_may_be_held_back_by_a_finalizer() {
    let [made, bound] = granted();
    let told = |answered: bool| {
        let mut gone = bare(20, "delete", "rolebindings", "shop", "dev");
        gone.event.bodies.response = answered;
        answer(&begun(&[made.clone(), bound.clone(), gone]), &pods("list"), 25)
    };
    assert_eq!(told(true), (Truth::False, Surety::Proved));
    assert_eq!(told(false), (Truth::False, Surety::Inferred));
}

/// One thing that may be in a log about rights.
fn picked((what, second, who, name): (usize, i64, usize, usize)) -> Fact {
    let who = ["alice", "system:apiserver", "mallory"][who];
    let name = ["edit", "view", "dev", ""][name];
    let reason = format!(
        r#"RBAC: allowed by RoleBinding "{name}/shop" of ClusterRole "edit" to User "{who}""#
    );
    let asked = || request(second, who, "list", ("", "pods", "shop", ""));
    match what {
        0 => role(second, "create", ("shop", name), &[rule(&["list"], &["pods"])]),
        1 => role(second, "update", ("", name), &[rule(&["*"], &["*"])]),
        2 => binding(second, ("shop", name), ("Role", "edit"), &[user(who)]),
        3 => binding(second, ("", name), ("ClusterRole", "edit"), &[user(who)]),
        4 => bare(second, "delete", "rolebindings", "shop", name),
        5 => bare(second, "deletecollection", "roles", "shop", ""),
        6 => bare(second, "patch", "clusterroles", "", name),
        7 => decided(asked(), "allow", &reason),
        8 => decided(asked(), "forbid", ""),
        _ => decided(asked(), "allow", &reason.replace('"', "\\\"")),
    }
}

proptest::proptest! {
    /// Wherever it is stopped it goes on as if it had not been, and forgets nothing that it was asked.
    #[test]
    fn restored_rights_go_on_as_the_old_ones(
        picks in proptest::collection::vec((0..10_usize, -3..400_i64, 0..3_usize, 0..4_usize), 1..60),
        stop in 0..60_usize,
        begun in proptest::bool::ANY,
    ) {
        let mut old = if begun { run(&first_start()) } else { Rbac::default() };
        let mut new = old.clone();
        for (at, pick) in picks.into_iter().enumerate() {
            if at == stop {
                let bytes = postcard::to_stdvec(&new).unwrap();
                new = postcard::from_bytes(&bytes).unwrap();
                proptest::prop_assert_eq!(postcard::to_stdvec(&new).unwrap(), bytes);
            }
            let fact = picked(pick);
            old.observe(&fact);
            new.observe(&fact);
        }
        for second in [-5, 0, 100, 500] {
            let asked = |rbac: &Rbac| rbac.decide(&alice(), &pods("list"), at(second));
            proptest::prop_assert_eq!(asked(&old), asked(&new));
        }
        proptest::prop_assert_eq!(old, new);
    }
}
