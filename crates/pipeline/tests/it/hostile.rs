//! Somebody who knows how the twin works and writes into the log what misleads it: names used again,
//! identities that look like others, addresses and ids that he chooses himself.

use crate::{
    generated::twin_of,
    support::{judge, log},
};
use serde_json::{Value, json};
use trailhound_model::{lookup::Truth, time::Time};
use trailhound_twin::{
    Twin,
    ledger::{alarms::AlarmKind, origin::who_really},
    rbac::{Attributes, Who},
};

const LATER: Time = Time(i64::MAX);

fn account(name: &str, extra: &Value) -> Value {
    json!({"username": name, "extra": extra,
        "groups": ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]})
}

fn object(verb: &str, resource: &str, name: &str, uid: &str, spec: &Value) -> Value {
    let path = if verb == "create" { String::new() } else { format!("/{name}") };
    json!({
        "user": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
        "verb": verb, "level": "RequestResponse", "responseStatus": {"code": 200},
        "requestURI": format!("/api/v1/namespaces/shop/{resource}{path}"),
        "objectRef": {"resource": resource, "namespace": "shop", "name": name, "apiVersion": "v1"},
        "sourceIPs": ["10.0.0.2"], "userAgent": "kube-controller-manager/v1.33.4",
        "requestObject": {"kind": "DeleteOptions", "gracePeriodSeconds": 0},
        "responseObject": {"metadata": {"name": name, "namespace": "shop", "uid": uid}, "spec": spec},
    })
}

fn token_use(user: &str, jti: &str, pod: &str, addresses: &[&str]) -> Value {
    json!({
        "user": account(user, &json!({
            "authentication.kubernetes.io/credential-id": [format!("JTI={jti}")],
            "authentication.kubernetes.io/pod-name": [pod],
            "authentication.kubernetes.io/pod-uid": [format!("uid-of-{pod}")],
            "authentication.kubernetes.io/node-name": ["n1"]})),
        "verb": "list", "requestURI": "/api/v1/namespaces/shop/pods",
        "objectRef": {"resource": "pods", "namespace": "shop", "apiVersion": "v1"},
        "sourceIPs": addresses, "userAgent": "cart/v1", "responseStatus": {"code": 200},
    })
}

#[test]
fn a_name_used_again_is_another_object() {
    for resource in ["pods", "serviceaccounts", "secrets"] {
        let twin = twin_of(&log(&[
            object("create", resource, "cart-0", "first", &json!({})),
            object("delete", resource, "cart-0", "first", &json!({})),
            object("create", resource, "cart-0", "second", &json!({})),
        ]));
        let lives: Vec<_> = twin.objects().lives(resource, "shop", "cart-0").collect();
        let told: Vec<_> =
            lives.iter().map(|life| (life.uid.as_str(), life.end.is_some())).collect();
        assert_eq!(told, [("first", true), ("second", false)], "{resource}");
    }
}

#[test]
fn another_uid_under_the_same_name_ends_the_first_even_if_nobody_saw_the_delete() {
    let twin = twin_of(&log(&[
        object("create", "pods", "cart-0", "first", &json!({})),
        object("create", "pods", "cart-0", "second", &json!({})),
    ]));
    let ended: Vec<bool> =
        twin.objects().lives("pods", "shop", "cart-0").map(|life| life.end.is_some()).collect();
    assert_eq!(ended, [true, false]);
}

/// Names that a person takes for `system:serviceaccount:shop:cart`.
const LOOK_ALIKES: [&str; 6] = [
    "system:serviceaccount:shop:cart ",
    "System:ServiceAccount:shop:cart",
    "system:serviceaccount:shop:c\u{430}rt",
    "system:serviceaccount:shop:cart\u{200b}",
    "system:serviceaccount:Shop:cart",
    "system:serviceaccount:shop:cart:x",
];

#[test]
fn an_identity_that_looks_like_another_gets_neither_its_past_nor_its_rights() {
    let binding = |name: &str| {
        let mut grant = object("create", "rolebindings", "cart", "b", &json!({}));
        grant["requestURI"] =
            json!("/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings");
        grant["objectRef"]["apiGroup"] = json!("rbac.authorization.k8s.io");
        grant["responseObject"] = json!({"metadata": {"name": "cart", "namespace": "shop", "uid": "b"},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "shop"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}});
        grant
    };
    let mut events = vec![
        binding("cart"),
        token_use("system:serviceaccount:shop:cart", "real", "cart-1", &["10.1.0.5"]),
    ];
    for (place, name) in LOOK_ALIKES.iter().enumerate() {
        events.push(token_use(name, &format!("false-{place}"), "other", &["203.0.113.9"]));
    }
    let twin = twin_of(&log(&events));
    let what = Attributes::resource("delete", "pods", "shop", "");
    assert_eq!(twin.rbac().decide(&Who::account("shop", "cart"), &what, LATER).answer, Truth::True);
    for name in LOOK_ALIKES {
        let answer = twin.rbac().decide(&Who::user(name, &[]), &what, LATER).answer;
        assert_ne!(answer, Truth::True, "{name:?}");
    }
    let of_cart: Vec<&str> =
        twin.ledger().credentials_of("sa:shop/cart").iter().map(|life| life.id.as_str()).collect();
    assert_eq!(of_cart, ["JTI=real"]);
}

#[test]
fn a_forged_forwarding_header_is_no_place() {
    let user = "system:serviceaccount:shop:cart";
    // That clients have addresses of their own shows by the kubelets'.
    let kubelet = |number: u8| {
        let mut event = object("get", "nodes", &format!("n{number}"), "", &json!({}));
        event["user"]["username"] = json!(format!("system:node:n{number}"));
        event["sourceIPs"] = json!([format!("10.0.0.{number}")]);
        event["userAgent"] = json!("kubelet/v1.33");
        event
    };
    let twin = twin_of(&log(&[
        kubelet(1),
        kubelet(2),
        token_use(user, "t", "cart-1", &["10.1.0.5"]),
        token_use(user, "t", "cart-1", &["10.1.0.5", "198.51.100.7"]),
    ]));
    let places: Vec<&str> =
        twin.ledger().places("JTI=t").iter().map(|place| place.address.as_str()).collect();
    assert_eq!(places, ["10.1.0.5", "198.51.100.7"]);
    let life = twin.ledger().credential("JTI=t").expect("it was used");
    assert!(life.alarms.iter().any(|alarm| alarm.kind == AlarmKind::TwoPlaces), "{life:?}");
}

#[test]
fn an_audit_id_used_again_hides_neither_request() {
    let mut mine = object("create", "pods", "mine", "m", &json!({}));
    let mut theirs = object("create", "pods", "theirs", "t", &json!({}));
    (mine["auditID"], theirs["auditID"]) = (json!("same"), json!("same"));
    theirs["user"]["username"] = json!("eve");
    let twin = twin_of(&log(&[mine, theirs]));
    let makers: Vec<_> = twin
        .objects()
        .all("pods")
        .map(|pod| {
            (pod.name.to_string(), pod.created_by.clone().unwrap_or_default().who.to_string())
        })
        .collect();
    assert_eq!(makers.len(), 2, "{makers:?}");
    assert!(makers.contains(&("theirs".into(), "user:eve".into())), "{makers:?}");
}

#[test]
fn who_used_a_token_from_elsewhere_is_not_known_for_certain() {
    let user = "system:serviceaccount:shop:cart";
    let twin = twin_of(&log(&[
        token_use(user, "t", "cart-1", &["10.1.0.5"]),
        token_use(user, "t", "cart-1", &["198.51.100.7"]),
    ]));
    let origin = who_really(&twin, "cred:JTI=t", LATER);
    assert!(!origin.known, "{origin:?}");
}

fn flood(count: usize) -> Twin {
    let mut events = vec![
        object("create", "pods", "cart-1", "uid-of-cart-1", &json!({})),
        token_use("system:serviceaccount:shop:cart", "real", "cart-1", &["10.1.0.5"]),
    ];
    events.extend((0..count).map(|place| {
        let user = format!("system:serviceaccount:s{}:a{place}", place % 977);
        token_use(&user, &format!("f{place}"), &format!("p{place}"), &["203.0.113.9"])
    }));
    events.push(token_use("system:serviceaccount:shop:cart", "real", "cart-1", &["10.1.0.5"]));
    twin_of(&log(&events))
}

#[test]
fn a_flood_of_forged_identities_moves_nobody_out_and_costs_little_each() {
    let held = |twin: &Twin| postcard::to_allocvec(twin).map_or(0, |bytes| bytes.len());
    let (few, many) = (flood(1_000), flood(11_000));
    for twin in [&few, &many] {
        let life = twin.ledger().credential("JTI=real").expect("who was there before stays");
        assert_eq!(life.holder.as_str(), "sa:shop/cart");
    }
    let each = (held(&many) - held(&few)) / 10_000;
    assert!(each < 3_000, "{each} bytes for each");
}

#[test]
fn what_the_twin_had_no_room_for_is_told_and_nothing_else_is() {
    let read_by = |reader: usize| {
        json!({
            "user": {"username": format!("reader-{reader}"), "groups": ["system:authenticated"]},
            "verb": "get", "requestURI": "/api/v1/namespaces/shop/secrets/db",
            "objectRef": {"resource": "secrets", "namespace": "shop", "name": "db", "apiVersion": "v1"},
            "sourceIPs": ["10.0.0.9"], "userAgent": "kubectl/v1", "responseStatus": {"code": 200},
        })
    };
    let told = |readers: usize| {
        let events: Vec<Value> = (0..readers).map(read_by).collect();
        judge(&log(&events)).bounds
    };
    assert_eq!(told(2), Vec::<String>::new());
    let bounds = told(40);
    let of_secrets = bounds.iter().filter(|one| one.contains("readings of secrets"));
    assert_eq!(of_secrets.count(), 1, "{bounds:?}");
}
