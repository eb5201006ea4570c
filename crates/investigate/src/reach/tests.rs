//! The search against brute force, and clusters with a mishap each.

use super::{
    Reach,
    brute::{self, Held, brute},
    edge::EdgeKind,
    incident, index,
    index::{Index, What},
    posture, reach,
    search::Search,
    snapshot::{
        Account, Grant, Namespace, Node, Pod, PodSecurity, Role, Secret, Snapshot, Use, User,
    },
    tell, words, worst,
};
use proptest::prelude::*;
use std::time::Instant;
use trailhound_model::{
    body::{PolicyRule, Subject},
    finding::FindingKind,
    observed::Surety,
    time::Time,
};

/// What the search finds, in the words of the brute force.
fn searched(snapshot: &Snapshot, start: &str, without: Option<usize>) -> Held {
    let index = Index::new(snapshot, &[start], &mut super::power::Roles::default());
    let Some(what) = tell::start_of(&index, start) else { return Held::new() };
    let words = words::Words { snapshot, index: &index, start };
    let found = Search::new(snapshot, &index, without).start(what);
    let name = |place: &index::Place| match index.what(*place) {
        What::Admin => Some("admin".to_owned()),
        What::Namespace(at) => Some(format!("write:{}", words.namespace(at))),
        What::Identity(_) | What::Node(_) | What::Secret(_) => {
            Some(words.entity(*place, usize::MAX))
        }
        _ => None,
    };
    found.order.iter().filter_map(name).collect()
}

fn comparable(held: &Held) -> Held {
    let kinds = ["write:", "sa:", "user:", "group:", "node:", "secret:"];
    let fits = |one: &&String| *one == "admin" || kinds.iter().any(|kind| one.starts_with(kind));
    held.iter().filter(fits).cloned().collect()
}

const STARTS: [&str; 4] = ["sa:n0/a", "user:a", "group:b", "node:a"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn the_search_finds_what_brute_force_finds(snapshot in brute::cluster(), at in 0..4_usize) {
        let start = STARTS[at];
        let slow = comparable(&brute(&snapshot, start, None));
        let mut fast = searched(&snapshot, start, None);
        fast.insert(start.to_owned());
        let odd: Vec<String> = fast.symmetric_difference(&slow).cloned().collect();
        let told = reach(&snapshot, start);
        prop_assert!(odd.is_empty(), "{odd:?} {:?} {:?}", told.paths.first(), told.secrets.samples);
    }

    #[test]
    fn removing_a_grant_never_enlarges_reach(
        snapshot in brute::cluster(), at in 0..4_usize, without in 0..6_usize,
    ) {
        let all = searched(&snapshot, STARTS[at], None);
        let fewer = searched(&snapshot, STARTS[at], Some(without));
        prop_assert!(fewer.is_subset(&all));
        let slow = comparable(&brute(&snapshot, STARTS[at], Some(without)));
        prop_assert!(fewer.is_subset(&slow));
    }

    #[test]
    fn answers_agree_with_themselves(snapshot in brute::cluster(), at in 0..4_usize) {
        let told = reach(&snapshot, STARTS[at]);
        for things in [&told.secrets, &told.namespaces, &told.nodes, &told.identities] {
            prop_assert_eq!(things.count, things.proved + things.inferred + things.unknown);
            prop_assert!(things.count <= things.of);
            for sample in &things.samples {
                let first = sample.path.steps.first().map(|step| step.from.as_str());
                let last = sample.path.steps.last().map(|step| step.to.as_str());
                prop_assert_eq!(first, Some(STARTS[at]));
                prop_assert_eq!(last, Some(sample.entity.as_str()));
            }
        }
        prop_assert_eq!(told.cluster_admin.is_some(), !told.paths.is_empty());
    }
}

fn rule(verbs: &[&str], group: &str, resources: &[&str]) -> PolicyRule {
    PolicyRule {
        verbs: verbs.iter().map(|one| (*one).into()).collect(),
        api_groups: vec![group.into()],
        resources: resources.iter().map(|one| (*one).into()).collect(),
        ..PolicyRule::default()
    }
}

fn role(name: &str, rules: Vec<PolicyRule>) -> Role {
    Role { name: name.into(), rules, surety: Surety::Proved, whole: true, ..Role::default() }
}

fn account(namespace: &str, name: &str) -> Subject {
    Subject { kind: "ServiceAccount".into(), name: name.into(), namespace: namespace.into() }
}

fn grant(namespace: &str, name: &str, role: usize, subject: Subject) -> Grant {
    Grant {
        namespace: namespace.into(),
        name: name.into(),
        role: Some(role),
        subjects: vec![subject],
        surety: Surety::Proved,
        ..Grant::default()
    }
}

fn used(who: &str, count: u64) -> Use {
    Use { who: who.to_owned(), count, first: Time(1), last: Time(2) }
}

/// A shop whose cart can request tokens in namespace ops, where a deployer is cluster-admin.
fn shop() -> Snapshot {
    let admin = role("cluster-admin", vec![rule(&["*"], "*", &["*"])]);
    let tokens = role("tokens", vec![rule(&["create"], "", &["serviceaccounts/token"])]);
    let secrets = role("secrets", vec![rule(&["get", "list"], "", &["secrets"])]);
    let secret = |name: &str| Secret {
        namespace: "shop".into(),
        name: name.into(),
        surety: Surety::Proved,
        ..Secret::default()
    };
    let known = |namespace: &str, name: &str| Account {
        namespace: namespace.into(),
        name: name.into(),
        surety: Surety::Proved,
    };
    let mut admins = grant("", "deployer-admin", 0, account("ops", "deployer"));
    admins.uses = vec![used("sa:ops/deployer", 41)];
    Snapshot {
        at: Time(3_600_000_000),
        roles: vec![admin, tokens, secrets],
        grants: vec![
            admins,
            grant("ops", "cart-tokens", 1, account("shop", "cart")),
            grant("shop", "cart-secrets", 2, account("shop", "cart")),
        ],
        pods: vec![Pod {
            namespace: "shop".into(),
            name: "cart-1".into(),
            account: "cart".into(),
            token: Some(true),
            node: "n1".into(),
            spec: Surety::Proved,
            ..Pod::default()
        }],
        nodes: vec![Node { name: "n1".into(), control_plane: Some(false) }],
        accounts: vec![known("shop", "cart"), known("ops", "deployer")],
        secrets: vec![secret("db"), secret("tls")],
        namespaces: ["ops", "shop"]
            .map(|name| Namespace { name: name.into(), pod_security: PodSecurity::Restricted })
            .to_vec(),
        ..Snapshot::default()
    }
}

fn kinds(reach: &Reach) -> Vec<EdgeKind> {
    reach.paths.first().into_iter().flat_map(|path| &path.steps).map(|step| step.kind).collect()
}

#[test]
fn a_pod_reaches_the_cluster_through_a_token_of_another_account() {
    let told = reach(&shop(), "pod:shop/cart-1");
    assert_eq!(told.cluster_admin, Some(Surety::Proved));
    assert_eq!(
        kinds(&told),
        [EdgeKind::IdentityAssume, EdgeKind::TokenRequest, EdgeKind::PermissionDiscover]
    );
    let step = &told.paths[0].steps[1];
    assert_eq!(
        step.sentence,
        "service account shop/cart could request a token of service account ops/deployer, through \
         role binding ops/cart-tokens (cluster role tokens: create serviceaccounts/token)."
    );
    assert_eq!((told.secrets.count, told.secrets.of), (2, 2));
}

#[test]
fn the_best_cut_is_told_with_what_it_breaks() {
    let told = reach(&shop(), "pod:shop/cart-1");
    let best = &told.cuts[0];
    assert!(best.ends_cluster_admin);
    assert_eq!(best.binding, "rolebinding:ops/cart-tokens");
    assert!(best.breaks.is_empty());
    assert_eq!(best.command, "kubectl delete rolebinding cart-tokens -n ops");
    let other = told.cuts.iter().find(|cut| cut.binding.ends_with("deployer-admin"));
    assert_eq!(other.map(|cut| cut.breaks[0].count), Some(41));
}

#[test]
fn without_the_token_the_shop_keeps_its_secrets_only_to_itself() {
    let mut snapshot = shop();
    snapshot.grants.remove(1);
    let told = reach(&snapshot, "sa:shop/cart");
    assert_eq!(told.cluster_admin, None);
    assert_eq!(told.secrets.count, 2);
    assert_eq!(told.secrets.samples[0].path.steps[0].kind, EdgeKind::SecretRead);
    assert!(told.nodes.samples.is_empty());
}

#[test]
fn a_pod_of_ones_own_takes_nodes_only_where_pod_security_lets_it() {
    let told = |security| {
        let mut snapshot = shop();
        snapshot.roles.push(role("deploy", vec![rule(&["create"], "apps", &["deployments"])]));
        snapshot.grants = vec![grant("shop", "deploy", 3, account("shop", "cart"))];
        snapshot.namespaces[1].pod_security = security;
        reach(&snapshot, "sa:shop/cart")
    };
    assert_eq!(told(PodSecurity::Baseline).nodes.count, 0);
    assert_eq!(told(PodSecurity::Privileged).nodes.proved, 1);
    assert_eq!(told(PodSecurity::Unlabelled).nodes.inferred, 1);
    let unknown = told(PodSecurity::Unknown);
    assert_eq!(unknown.nodes.unknown, 1);
    assert!(unknown.unknowns.iter().any(|said| said.contains("Pod Security")), "{unknown:?}");
}

#[test]
fn a_role_of_unknown_rules_is_said_and_what_it_was_seen_to_allow_counts() {
    let mut snapshot = shop();
    snapshot.roles[2].whole = false;
    let told = reach(&snapshot, "sa:shop/cart");
    assert_eq!(told.secrets.proved, 2);
    assert!(told.unknowns.iter().any(|said| said.contains("cluster role secrets")));
}

#[test]
fn impersonating_a_user_does_not_give_its_groups() {
    let mut snapshot = shop();
    snapshot.roles.push(role("as", vec![rule(&["impersonate"], "", &["users"])]));
    snapshot.grants = vec![grant("", "as", 3, account("shop", "cart"))];
    snapshot.users = vec![User { name: "root".into(), groups: vec!["system:masters".into()] }];
    let told = reach(&snapshot, "sa:shop/cart");
    assert_eq!((told.identities.count, told.cluster_admin), (1, None));
    assert_eq!(reach(&snapshot, "user:root").cluster_admin, Some(Surety::Proved));
    snapshot.roles[3].rules[0].resources.push("groups".into());
    assert_eq!(reach(&snapshot, "sa:shop/cart").cluster_admin, Some(Surety::Proved));
}

#[test]
fn a_certificate_needs_all_three_rights() {
    let group = "certificates.k8s.io";
    let rules = vec![
        rule(&["create"], group, &["certificatesigningrequests"]),
        rule(&["update"], group, &["certificatesigningrequests/approval"]),
        rule(&["approve"], group, &["signers"]),
    ];
    let told = |rules: Vec<PolicyRule>| {
        let mut snapshot = shop();
        snapshot.roles.push(role("csr", rules));
        let admins = Subject { kind: "User".into(), name: "root".into(), ..Subject::default() };
        snapshot.grants =
            vec![grant("", "admins", 0, admins), grant("", "csr", 3, account("shop", "cart"))];
        reach(&snapshot, "sa:shop/cart")
    };
    assert_eq!(told(rules[..2].to_vec()).cluster_admin, None);
    let whole = told(rules);
    assert_eq!(whole.cluster_admin, Some(Surety::Inferred));
    assert_eq!(kinds(&whole), [EdgeKind::CsrSign, EdgeKind::PermissionDiscover]);
}

#[test]
fn an_unknown_pod_reaches_nothing_and_says_so() {
    let told = reach(&shop(), "pod:shop/gone");
    assert!(!told.known && told.secrets.count == 0);
    assert!(told.unknowns[0].contains("does not show pod shop/gone"));
}

#[test]
fn unused_grants_rank_before_used_ones_and_builtin_ones_only_when_widened() {
    let mut snapshot = shop();
    snapshot.grants.push(Grant { builtin: true, ..snapshot.grants[0].clone() });
    let anybody =
        Subject { kind: "Group".into(), name: "system:authenticated".into(), ..Subject::default() };
    snapshot.grants.push(grant("", "oops", 2, anybody));
    let order: Vec<String> = worst(&snapshot).into_iter().map(|one| one.binding).collect();
    assert_eq!(
        order,
        [
            "clusterrolebinding:oops",
            "rolebinding:ops/cart-tokens",
            "clusterrolebinding:deployer-admin",
            "rolebinding:shop/cart-secrets",
        ]
    );
    let told = posture::findings_of(&snapshot, "c", 20);
    let findings = &told.findings;
    assert_eq!((told.left_out, told.unsearched), (0, 0));
    assert!(findings.iter().all(|one| one.kind == FindingKind::Posture && !one.id.is_empty()));
    assert!(findings[1].explanation.contains("was not used once"), "{}", findings[1].explanation);
}

#[test]
fn grants_beyond_the_worst_are_counted() {
    let snapshot = shop();
    let all = posture::findings_of(&snapshot, "c", 20).findings;
    let told = posture::findings_of(&snapshot, "c", 1);
    assert!(all.len() > 1);
    assert_eq!((&told.findings[..], told.left_out), (&all[..1], all.len() as u64 - 1));
}

#[test]
fn an_incident_says_what_its_hands_could_reach() {
    let told = incident::reachables(
        &shop(),
        &["sa:shop/cart".into(), "pod:shop/cart-1".into()],
        &mut super::power::Roles::default(),
    );
    let all: Vec<&str> = told.iter().map(|one| one.kind.as_str()).collect();
    assert!(all.starts_with(&["cluster-admin", "secrets"]), "{all:?}");
    assert!(told[1].sentence.contains("all 2 of namespace shop"), "{}", told[1].sentence);
}

#[test]
fn what_two_reach_alike_is_told_of_both() {
    let told = incident::reachables(
        &shop(),
        &["sa:shop/cart".into(), "pod:shop/cart-1".into()],
        &mut super::power::Roles::default(),
    );
    let both = |one: &&trailhound_model::incident::Reachable| {
        one.sentence.ends_with("could pod shop/cart-1.")
    };
    assert!(told.iter().any(|one| both(&one)), "{told:#?}");
}

#[test]
fn a_number_that_holds_inferred_things_is_not_called_proved() {
    let mut snapshot = shop();
    for secret in snapshot.secrets.iter_mut().take(1) {
        secret.surety = Surety::Inferred;
    }
    let told = incident::reachables(
        &snapshot,
        &["sa:shop/cart".into()],
        &mut super::power::Roles::default(),
    );
    let secrets = told.iter().find(|one| one.kind == "secrets").unwrap();
    assert_eq!(secrets.surety, "inferred", "{}", secrets.sentence);
    assert_eq!(secrets.proved + secrets.inferred, secrets.count);
    assert!(
        secrets
            .sentence
            .contains(&format!("{} that follow from them (inferred)", secrets.inferred)),
        "{}",
        secrets.sentence
    );
}

#[test]
fn ten_thousand_subjects_and_pods_are_searched_in_a_second_or_so() {
    let mut snapshot = shop();
    snapshot.roles.push(role(
        "edit",
        vec![
            rule(&["create", "patch"], "apps", &["deployments"]),
            rule(&["get", "list"], "", &["secrets"]),
            rule(&["create"], "", &["pods/exec"]),
        ],
    ));
    for at in 0..10_000 {
        let space = format!("team{}", at % 1000);
        let name = format!("a{at}");
        snapshot.accounts.push(Account {
            namespace: space.as_str().into(),
            name: name.as_str().into(),
            surety: Surety::Proved,
        });
        snapshot.grants.push(grant(&space, &name, 3, account(&space, &name)));
        snapshot.pods.push(Pod {
            namespace: space.as_str().into(),
            name: name.as_str().into(),
            account: name.as_str().into(),
            node: format!("n{}", at % 500).into(),
            spec: Surety::Proved,
            ..Pod::default()
        });
    }
    snapshot.nodes = (0..500)
        .map(|at| Node { name: format!("n{at}").into(), control_plane: Some(false) })
        .collect();
    let clock = Instant::now();
    let told = reach(&snapshot, "sa:team7/a7");
    let one = clock.elapsed();
    let clock = Instant::now();
    let ranked = worst(&snapshot).len();
    println!(
        "reach {one:?} with {} cuts, worst of {ranked} {:?}",
        told.cuts.len(),
        clock.elapsed()
    );
    assert_eq!(told.nodes.count, 500);
    // Generous: build machines are slow.
    assert!(one.as_secs() < 20, "{one:?}");
}
