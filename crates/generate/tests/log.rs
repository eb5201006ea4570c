//! What a generated log promises: repeatable, ordered, true to itself, and no larger in memory than
//! its cluster.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_generate::{Generator, HOUR, Level, MINUTE, Profile, Truth, Writer};

fn log(profile: &Profile, seed: u64) -> (String, Truth) {
    let mut generator = Generator::new(profile.clone(), seed);
    let writer = Writer::new(profile);
    let mut out = Vec::new();
    for act in generator.by_ref() {
        writer.write(&act, &mut out);
    }
    (String::from_utf8(out).unwrap(), generator.truth())
}

fn busy() -> Profile {
    Profile { churn: 40_000, level: Level::RequestResponse, replaced_nodes: 60, ..Profile::small() }
}

fn events(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_does_not() {
    let profile = Profile::small();
    assert_eq!(log(&profile, 7), log(&profile, 7));
    assert_ne!(log(&profile, 7).0, log(&profile, 8).0);
}

#[test]
fn records_come_in_the_order_of_completion() {
    let (text, _) = log(&busy(), 3);
    let times: Vec<String> = events(&text)
        .iter()
        .map(|event| event["stageTimestamp"].as_str().unwrap().into())
        .collect();
    assert!(times.is_sorted());
    for event in events(&text) {
        let [from, to] =
            ["requestReceivedTimestamp", "stageTimestamp"].map(|key| event[key].to_string());
        assert!(from <= to, "{event}");
    }
}

#[test]
fn no_two_requests_share_an_id() {
    let (text, _) = log(&busy(), 4);
    let mut seen = BTreeSet::new();
    for event in events(&text) {
        let key = [event["auditID"].to_string(), event["stage"].to_string()];
        assert!(seen.insert(key), "{event}");
    }
}

#[test]
fn bodies_agree_with_the_targets_beside_them() {
    let (text, _) = log(&busy(), 5);
    let mut compared = 0;
    for event in events(&text) {
        let target = &event["objectRef"];
        let body = &event["responseObject"];
        if body["kind"] == "Status" || body.is_null() {
            continue;
        }
        for key in ["namespace", "name"] {
            if target["resource"] == "namespaces" || target[key].is_null() {
                continue;
            }
            compared += 1;
            assert_eq!(target[key], body["metadata"][key], "{event}");
        }
        if !target["uid"].is_null() {
            assert_eq!(target["uid"], body["metadata"]["uid"], "{event}");
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn a_token_is_used_only_by_its_pod_from_its_address_after_it_was_issued() {
    let (text, _) = log(&Profile { churn: 40_000, api_users: 700, ..Profile::small() }, 6);
    let mut issued = BTreeSet::new();
    let mut places = BTreeMap::new();
    let mut uses = 0;
    for event in events(&text) {
        if let Some(id) =
            event["annotations"]["authentication.kubernetes.io/issued-credential-id"].as_str()
        {
            issued.insert(id.to_owned());
        }
        let extra = &event["user"]["extra"];
        let Some(pod) = extra["authentication.kubernetes.io/pod-uid"][0].as_str() else { continue };
        let id = extra["authentication.kubernetes.io/credential-id"][0].as_str().unwrap();
        assert!(issued.contains(id), "{event}");
        let address = event["sourceIPs"][0].to_string();
        assert_eq!(*places.entry(pod.to_owned()).or_insert(address.clone()), address, "{event}");
        uses += 1;
    }
    assert!(uses > 500, "{uses}");
}

/// Rebuilds the pods from creates, bindings and deletes alone.
#[test]
fn the_pods_of_the_log_are_the_pods_of_the_truth() {
    for seed in 0..2 {
        let (text, truth) = log(&Profile { gaps: Vec::new(), ..busy() }, seed);
        let mut pods: BTreeMap<(String, String), (String, Option<String>)> = BTreeMap::new();
        for event in events(&text) {
            let target = &event["objectRef"];
            if target["resource"] != "pods"
                || event["responseStatus"]["code"].as_u64().unwrap() > 201
            {
                continue;
            }
            let body = &event["responseObject"];
            let at = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let gone = event["requestObject"]["gracePeriodSeconds"] == 0;
            match (event["verb"].as_str().unwrap(), target["subresource"].as_str()) {
                ("create", None) => {
                    let meta = &body["metadata"];
                    let name = (at(&meta["namespace"]), at(&meta["name"]));
                    assert!(pods.insert(name, (at(&meta["uid"]), None)).is_none(), "{event}");
                }
                ("create", Some("binding")) => {
                    let pod =
                        pods.get_mut(&(at(&target["namespace"]), at(&target["name"]))).unwrap();
                    pod.1 = Some(at(&event["requestObject"]["target"]["name"]));
                }
                ("delete", None) => {
                    let name = (at(&target["namespace"]), at(&target["name"]));
                    // A pod that no kubelet has is gone at once.
                    if gone || pods[&name].1.is_none() {
                        pods.remove(&name).unwrap();
                    }
                }
                _ => {}
            }
        }
        let known: BTreeMap<_, _> = truth
            .pods
            .iter()
            .map(|((space, name), pod)| {
                let node = pod.node.as_ref().map(ToString::to_string);
                ((space.to_string(), name.to_string()), (pod.uid.to_string(), node))
            })
            .collect();
        assert_eq!(pods, known);
    }
}

#[test]
fn memory_follows_the_cluster_and_not_the_log() {
    let held = |hours: i64| {
        let profile = Profile { length: hours * HOUR, churn: 40_000, ..Profile::small() };
        let mut generator = Generator::new(profile, 9);
        let acts = generator.by_ref().count();
        (acts, generator.held())
    };
    let (few, at_first) = held(2);
    let (many, later) = held(12);
    assert!(many > 4 * few, "{few} {many}");
    assert!(later < 2 * at_first + 500, "{at_first} {later}");
}

#[test]
fn a_gap_loses_records_and_nothing_else() {
    let whole = Profile::small();
    let torn = Profile { gaps: vec![(20 * MINUTE, 25 * MINUTE)], ..whole.clone() };
    let ((all, before), (some, after)) = (log(&whole, 2), log(&torn, 2));
    assert_eq!(before, after);
    let lines: BTreeSet<&str> = all.lines().collect();
    assert!(some.lines().all(|line| lines.contains(line)));
    assert!(some.lines().count() + 100 < all.lines().count());
}
