//! Names as clusters really have them, and what must become of them. The table is read by people:
//! whoever changes the grammar sees there which names change their meaning.

use proptest::prelude::*;
use std::fmt::Write as _;
use trailhound_learn::canon::name::{self, Form, KnownNodes, LONGEST, OwnerName, owned};

struct Nodes;

impl KnownNodes for Nodes {
    fn is_node(&self, name: &str) -> bool {
        matches!(name, "cp1.example.com" | "aks-pool1-12345678-vmss000003")
    }
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = include_str!("data/names.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| line.split('|').collect())
}

#[test]
fn names_become_their_templates() {
    let mut wrong = String::new();
    let mut count = 0;
    for row in rows() {
        let [resource, namespace, name, template, form] = row[..] else { panic!("{row:?}") };
        let found = name::template(resource, namespace, name, &Nodes);
        let said = format!("{:?}", found.form);
        if (found.text.as_str(), said.as_str()) != (template, form) {
            let _ =
                writeln!(wrong, "{resource} {name}: {} {said}, not {template} {form}", found.text);
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(count >= 200, "{count}");
}

#[test]
fn a_template_is_its_own_template() {
    for row in rows() {
        let [resource, namespace, _, template, _] = row[..] else { panic!("{row:?}") };
        assert_eq!(
            name::template(resource, namespace, template, &Nodes).text,
            template,
            "{resource}"
        );
    }
}

#[test]
fn what_is_known_of_the_owner_goes_before_what_a_name_looks_like() {
    let owner = |kind, name, root| OwnerName { kind, name, root };
    for (name, owner, expected) in [
        ("cart-5d4f7b6c9d-abcde", owner("ReplicaSet", "cart-5d4f7b6c9d", None), Some("cart-*-*")),
        ("cart-canary-abcde", owner("ReplicaSet", "cart-canary", Some("cart")), Some("cart-*-*")),
        ("cart-canary-abcde", owner("ReplicaSet", "cart-canary", None), Some("cart-canary-*")),
        ("web-2024", owner("StatefulSet", "web", None), Some("web-#")),
        ("proxy-https", owner("DaemonSet", "proxy", None), Some("proxy-*")),
        ("train-7-aaaaa", owner("Job", "train", None), Some("train-#-*")),
        ("train-aaaaa", owner("Job", "train", None), Some("train-*")),
        (
            "backup-28571230-aaaaa",
            owner("Job", "backup-28571230", Some("backup")),
            Some("backup-*-*"),
        ),
        ("cart-5d4f7b6c9d", owner("Deployment", "cart", None), Some("cart-*")),
        ("cart", owner("ReplicaSet", "cart", None), None),
        ("other-x7k2p", owner("ReplicaSet", "cart", None), None),
        ("kube-proxy-n1", owner("Node", "kube-proxy", None), None),
    ] {
        let found = owned(name, owner);
        assert_eq!(found.as_ref().map(|one| one.text.as_str()), expected, "{name}");
        assert!(found.is_none_or(|one| one.form == Form::Owned));
    }
}

#[test]
fn the_root_of_a_template_has_nothing_drawn() {
    for (resource, name, root) in [
        ("pods", "cart-5d4f7b6c9d-x7k2p", "cart"),
        ("pods", "kafka-0", "kafka"),
        ("pods", "redis-cache", "redis-cache"),
        ("secrets", "0c5f1b2e-8a6d-4d53-9d3c-2b1d6f3c7a10", "*"),
    ] {
        assert_eq!(name::template(resource, "", name, &()).root(), root);
    }
}

const RESOURCES: [&str; 10] = [
    "pods",
    "secrets",
    "events",
    "nodes",
    "leases",
    "deployments",
    "jobs",
    "configmaps",
    "certificatesigningrequests",
    "widgets",
];

/// Pieces that names are made of, so that tries come near the rules.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,8}",
        "[bcdfghjklmnpqrstvwxz2456789]{5}",
        "[456789bcdf]{6,10}",
        "[bcdfghjklmnpqrstvwxz2456789]{8,10}",
        "[0-9]{1,10}",
        "[0-9a-f]{8,40}",
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}-[0-9]{1,3}",
        "(ip|gke|aks|runner|project|concurrent|token|v1|build|vmss000003|sh.helm.release.v1|20[0-9]{2})",
        "[*#]",
        "\\PC{0,6}",
    ];
    (proptest::collection::vec((piece, "[-.:_/]"), 0..9), "[-.a-z0-9]{0,6}").prop_map(
        |(parts, end)| {
            parts.into_iter().map(|(piece, sep)| piece + &sep).collect::<String>() + &end
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]

    #[test]
    fn any_name_has_a_short_template_that_is_its_own(
        name in prop_oneof![pieces(), "\\PC{0,400}", "[a-z0-9-]{50,63}"],
        resource in proptest::sample::select(&RESOURCES[..]),
        lease in any::<bool>(),
    ) {
        let namespace = if lease { "kube-node-lease" } else { "x" };
        let found = name::template(resource, namespace, &name, &Nodes);
        prop_assert!(found.text.len() <= LONGEST);
        let again = name::template(resource, namespace, &found.text, &Nodes);
        prop_assert_eq!(&again.text, &found.text);
    }
}
