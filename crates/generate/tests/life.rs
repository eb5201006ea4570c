//! What ordinary life promises: the same for the same seed, in order, written as an API server writes,
//! by people who sleep, with every label explained.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_generate::{
    Credential, DAY, HOUR, Profile, Writer,
    life::{
        Deed, Kind, Life, LifeProfile,
        ordinary::profile::{DEVELOPMENT, HELD_OUT},
        script::{Amounts, Hours, Scope, Script},
        split::Set,
    },
};

fn life(name: &str, seed: u64, days: i64) -> Life {
    Life::new(LifeProfile { days, ..LifeProfile::named(name).unwrap() }, seed)
}

#[test]
fn the_same_seed_is_the_same_month_and_another_is_not() {
    let take = |seed| life("tenants", seed, 2).take(60_000).collect::<Vec<Deed>>();
    let first = take(1);
    assert!(first == take(1));
    assert!(first != take(2));
    let names = |deeds: &[Deed]| -> BTreeSet<String> {
        deeds.iter().map(|deed| deed.act.target.namespace.to_string()).collect()
    };
    let shared = names(&first).intersection(&names(&take(2))).count();
    assert!(shared <= 3, "{shared} namespaces have the same name in two clusters");
}

#[test]
fn deeds_come_in_order_and_stay_within_their_hour() {
    for name in DEVELOPMENT.into_iter().chain(HELD_OUT) {
        let mut last = 0;
        for deed in life(name, 3, 3) {
            assert!(deed.act.received >= last, "{name}");
            last = deed.act.received;
            assert!(deed.count >= 1 && deed.act.completed > deed.act.received);
        }
        assert!(last > 0, "{name}");
    }
}

#[test]
fn every_label_has_a_story() {
    let mut life = life("ci", 5, 28);
    let labels: BTreeSet<u32> = life.by_ref().map(|deed| deed.label.story).collect();
    let known: BTreeSet<u32> = life.stories().iter().map(|story| story.number).collect();
    assert!(labels.iter().filter(|one| **one > 0).all(|one| known.contains(one)), "{labels:?}");
    assert!(known.len() >= 6, "{known:?}");
    let odd = |kind: &Kind| matches!(kind, Kind::Oddity { .. });
    assert!(life.stories().iter().all(|story| odd(&story.kind)));
}

#[test]
fn attacks_are_told_apart_from_oddities() {
    let profile = LifeProfile { days: 7, ..LifeProfile::named("eks").unwrap() };
    let scope = Scope {
        set: Set::Development,
        amounts: Amounts { noisy: 3, tools: 3, mimic: 2 },
        from: profile.start + 2 * DAY,
        to: profile.end() - DAY,
        hours: Hours::Any,
    };
    let mut life = Life::new(profile, 9).with(Script::new(9, &scope));
    let deeds: Vec<Deed> = life.by_ref().collect();
    let attacks: Vec<_> =
        life.stories().iter().filter(|one| matches!(one.kind, Kind::Attack { .. })).collect();
    assert!(attacks.len() >= 6, "{}", attacks.len());
    for attack in attacks {
        let own = deeds.iter().filter(|deed| deed.label.story == attack.number);
        assert!(own.count() > 0, "{attack:?}");
    }
}

#[test]
fn people_sleep_and_machines_do_not() {
    let profile = LifeProfile { oddities: 0, ..LifeProfile::named("gitops").unwrap() };
    let zone = profile.zone;
    let life = Life::new(LifeProfile { days: 14, ..profile }, 2);
    let people: BTreeSet<String> =
        life.world().people.iter().map(|one| one.actor.name.to_string()).collect();
    let (mut night, mut day, mut nodes) = (0, 0, BTreeSet::new());
    for deed in life {
        let local = (deed.act.received + zone * HOUR).rem_euclid(DAY) / HOUR;
        let name = deed.act.actor.name.to_string();
        if people.contains(&name) {
            *(if (1..6).contains(&local) { &mut night } else { &mut day }) += 1;
        } else if name.starts_with("system:node:") {
            nodes.insert(deed.hour());
        }
    }
    assert!(day > 300 && night * 20 < day, "{day} by day, {night} by night");
    assert_eq!(nodes.len(), 14 * 24);
}

#[test]
fn lines_are_what_an_api_server_writes() {
    let writer = Writer::new(&Profile::small());
    let mut verbs: BTreeMap<String, u32> = BTreeMap::new();
    let deeds = life("aks", 4, 1).filter(|deed| deed.count < 30).take(3_000);
    for act in deeds.flat_map(|deed| deed.acts().collect::<Vec<_>>()) {
        let mut line = Vec::new();
        writer.write(&act, &mut line);
        let event: Value = serde_json::from_slice(&line).unwrap();
        for key in ["auditID", "verb", "requestURI", "user", "sourceIPs", "stageTimestamp"] {
            assert!(!event[key].is_null(), "{key} is missing in {event}");
        }
        assert!(event["user"]["username"].as_str().is_some_and(|name| !name.is_empty()), "{event}");
        *verbs.entry(event["verb"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(
        ["get", "list", "watch", "create", "update", "patch"]
            .iter()
            .all(|v| verbs.contains_key(*v)),
        "{verbs:?}"
    );
}

#[test]
fn a_pod_that_is_gone_does_not_speak() {
    // A token is used only by pods that the world has in that hour or had in the one before.
    let mut life = life("tenants", 6, 4);
    let mut hour = life.profile().start / HOUR;
    let first = life.world().works.iter().flat_map(|work| &work.pods);
    let mut known: BTreeMap<String, i64> = first.map(|pod| (pod.name.to_string(), hour)).collect();
    let mut strangers = Vec::new();
    while let Some(deed) = life.next() {
        if deed.hour() != hour {
            hour = deed.hour();
            for pod in life.world().works.iter().flat_map(|work| &work.pods) {
                known.insert(pod.name.to_string(), hour);
            }
        }
        // Some live less than an hour.
        let target = &deed.act.target;
        if target.resource.is_some_and(|kind| kind.plural == "pods") && target.part == "binding" {
            known.insert(target.name.to_string(), hour);
        }
        if deed.label.story == 0
            && let Some(bound) = &deed.act.actor.bound
        {
            let seen = known.get(&*bound.pod);
            if seen.is_none_or(|seen| hour - seen > 2) {
                strangers.push((seen.copied(), deed));
            }
        }
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
}

/// Everything of some weeks.
fn deeds(name: &str, seed: u64, days: i64) -> Vec<Deed> {
    life(name, seed, days).collect()
}

#[test]
fn an_account_keeps_its_uid_when_its_pods_are_rolled() {
    let mut uids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for deed in deeds("eks", 7, 8) {
        if let (Some(uid), true) = (deed.act.actor.uid, deed.act.actor.bound.is_some()) {
            uids.entry(deed.act.actor.name.to_string()).or_default().insert(uid.to_string());
        }
    }
    let changed: Vec<_> = uids.iter().filter(|(_, all)| all.len() > 1).collect();
    assert!(uids.len() > 20 && changed.is_empty(), "{changed:#?}");
}

#[test]
fn a_token_is_one_that_a_kubelet_got() {
    // Tokens from before the log began are used in the first two hours only.
    let (mut issued, mut odd, mut used) = (BTreeSet::new(), Vec::new(), 0);
    for deed in deeds("tenants", 8, 4) {
        let act = &deed.act;
        issued.extend(act.issued.map(|id| id.to_string()));
        let late = act.received > LifeProfile::named("tenants").unwrap().start + 12 * HOUR;
        if let (Credential::Token(id), Some(bound), true) =
            (act.actor.credential, &act.actor.bound, late && deed.label.story == 0)
        {
            used += 1;
            if !issued.contains(&id.to_string()) {
                odd.push((act.received, act.actor.name.clone(), bound.pod.clone()));
            }
        }
    }
    assert!(used > 1_000 && odd.is_empty(), "{used}: {} {:#?}", odd.len(), odd.first());
}

#[test]
fn a_node_that_has_gone_renews_no_lease() {
    let (mut last, mut gone) = (BTreeMap::new(), BTreeMap::new());
    for deed in deeds("eks", 9, 14) {
        let act = &deed.act;
        let plural = act.target.resource.map_or("", |kind| kind.plural);
        if plural == "nodes" && act.verb == "delete" {
            gone.insert(format!("system:node:{}", act.target.name), act.received);
        }
        if plural == "leases" && act.actor.name.starts_with("system:node:") {
            assert!(act.actor.name.ends_with(&*act.target.name), "{deed:?}");
            last.insert(act.actor.name.to_string(), act.received);
        }
    }
    assert!(gone.len() > 3, "{gone:?}");
    for (node, at) in gone {
        assert!(last.get(&node).is_none_or(|last| *last <= at), "{node}");
    }
}

#[test]
fn only_the_kubelet_of_its_node_finishes_a_pod() {
    let (mut homes, mut wrong) = (BTreeMap::new(), Vec::new());
    for deed in deeds("ci", 10, 6) {
        let (act, target) = (&deed.act, &deed.act.target);
        if target.resource.is_none_or(|kind| kind.plural != "pods") {
            continue;
        }
        let node = act.actor.name.starts_with("system:node:");
        let key = (target.namespace.clone(), target.name.clone());
        if node && act.verb == "get" && target.part.is_empty() {
            homes.insert(key, act.actor.name.clone());
        } else if node && homes.get(&key).is_some_and(|home| *home != act.actor.name) {
            wrong.push(deed.clone());
        }
    }
    assert!(homes.len() > 300 && wrong.is_empty(), "{} {:#?}", wrong.len(), wrong.first());
}

#[test]
fn who_cannot_prove_who_he_is_has_no_name() {
    let mut seen = 0;
    for seed in 0..10 {
        for deed in deeds("aks", seed, 28).iter().filter(|deed| deed.act.code == 401) {
            assert!(deed.act.actor.name.is_empty() && deed.act.actor.groups.is_empty());
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
fn every_sort_of_oddity_happens_in_some_month() {
    let mut seen = BTreeSet::new();
    for seed in 0..12 {
        let mut life = life("gke", seed, 28);
        life.by_ref().for_each(drop);
        for story in life.stories() {
            if let Kind::Oddity { what } = story.kind {
                seen.insert(what);
            }
        }
    }
    assert!(seen.len() >= 15, "{seen:?}");
}

#[test]
fn a_controller_has_a_token_and_no_certificate() {
    let mut seen = BTreeSet::new();
    for deed in deeds("ci", 11, 2) {
        let actor = &deed.act.actor;
        if actor.name.starts_with("system:serviceaccount:") {
            let token = matches!(actor.credential, Credential::Token(_));
            assert!(token, "{actor:?}");
            seen.insert(actor.name.to_string());
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
}

#[test]
fn what_is_held_does_not_grow_with_the_weeks() {
    // Pods and people may become more with new teams, but not by the week.
    let mut life = life("ci", 12, 42);
    let pods = |life: &Life| life.world().works.iter().map(|one| one.pods.len()).sum::<usize>();
    let first = (pods(&life), life.world().people.len());
    life.by_ref().for_each(drop);
    let last = (pods(&life), life.world().people.len());
    assert!(last.0 < 2 * first.0 && last.1 < 2 * first.1, "{first:?} {last:?}");
}
