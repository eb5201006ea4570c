//! What every planned attack promises: it can be planned, keeps to its stealth, is refused where its
//! victim has no right, and is written as an API server would write it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use trailhound_generate::{
    Act, Actor, Bound, Credential, DAY, HOUR, Level, Moment, Profile, SECOND, Text, Writer,
    life::{
        Account, Archetype, Machine, Member, Person, Space, SpaceKind, Stealth, Work, World,
        attack::{Family, Order, Plan, Theme, families},
        script::{Amounts, Hours, Scope, Script, cohort_mimic, flood, frog_boil},
        split::{HELD_OUT, Set},
    },
};

/// A Monday, 10:00.
const MONDAY: Moment = 1_772_438_400 * SECOND + 2 * HOUR;

fn actor(name: &str, address: &str, agent: &str) -> Arc<Actor> {
    Arc::new(Actor {
        name: name.into(),
        groups: vec!["system:authenticated".into()],
        credential: Credential::Certificate([1, 2, 3, 4]),
        address: address.into(),
        agent: agent.into(),
        reason: "RBAC: allowed by ClusterRoleBinding \"x\" of ClusterRole \"x\" to User \"x\""
            .into(),
        ..Actor::default()
    })
}

fn texts(stem: &str, all: &[&str]) -> Vec<Text> {
    all.iter().map(|name| format!("{stem}-{name}").into()).collect()
}

fn space(name: &str, kind: SpaceKind, team: u16) -> Space {
    Space {
        name: name.into(),
        kind,
        team,
        secrets: texts(name, &["database", "tls", "api-key"]),
        config_maps: texts(name, &["config", "features"]),
    }
}

fn work(space: usize, name: &str, kind: &'static str) -> Work {
    let pods = (0..3).map(|place| Member {
        name: format!("{name}-7d9f4c6b5-x{place}").into(),
        address: format!("10.64.{place}.{}", 20 + space * 10 + name.len()).into(),
        machine: place,
    });
    Work {
        space,
        name: name.into(),
        kind,
        account: name.into(),
        image: format!("registry.example.com/{name}").into(),
        pods: pods.collect(),
    }
}

fn account(
    world: &World,
    space: usize,
    work: Option<usize>,
    name: &str,
    archetype: Archetype,
) -> Account {
    let of = &world.spaces[space].name;
    let user = format!("system:serviceaccount:{of}:{name}");
    let mut found = (*actor(&user, "10.64.0.77", &format!("{name}/v1.0.0"))).clone();
    if let Some(work) = work {
        let pod = &world.works[work].pods[0];
        found.address = Arc::clone(&pod.address);
        found.bound = Some(Box::new(Bound {
            pod: Arc::clone(&pod.name),
            pod_uid: trailhound_generate::Id::default(),
            node: Arc::clone(&world.machines[0].name),
            node_uid: trailhound_generate::Id::default(),
        }));
    }
    let strong = matches!(archetype, Archetype::Pipeline | Archetype::GitOps | Archetype::Operator);
    Account {
        actor: Arc::new(found),
        space: (archetype != Archetype::Pipeline).then_some(space),
        work,
        archetype,
        admin: archetype == Archetype::GitOps,
        reads_secrets: matches!(
            archetype,
            Archetype::Operator | Archetype::Certificates | Archetype::GitOps
        ),
        deploys: strong,
    }
}

/// A cluster with one of everything.
fn world() -> World {
    let mut world = World { now: MONDAY, ..World::default() };
    world.spaces = vec![
        space("kube-system", SpaceKind::System, 0),
        space("platform", SpaceKind::Platform, 0),
        space("shop", SpaceKind::Team, 1),
        space("billing", SpaceKind::Team, 2),
        space("search", SpaceKind::Team, 3),
    ];
    world.machines = (0..3)
        .map(|place| Machine {
            name: format!("node-{place}").into(),
            address: format!("10.0.0.{}", 20 + place).into(),
            kubelet: actor(
                &format!("system:node:node-{place}"),
                &format!("10.0.0.{}", 20 + place),
                "kubelet/v1.33.4 (linux/amd64) kubernetes/4ad8a7f",
            ),
        })
        .collect();
    world.works = vec![
        work(0, "coredns", "Deployment"),
        work(1, "operator", "Deployment"),
        work(2, "web", "Deployment"),
        work(2, "postgres", "StatefulSet"),
        work(3, "ledger", "Deployment"),
        work(4, "index", "Deployment"),
    ];
    let kubectl = "kubectl/v1.33.4 (linux/amd64) kubernetes/4ad8a7f";
    let person = |name: &str, host: u8, team, admin, writes| Person {
        actor: actor(name, &format!("192.0.2.{host}"), kubectl),
        team,
        admin,
        writes,
    };
    world.people = vec![
        person("root@example.com", 10, 0, true, true),
        person("ops@example.com", 11, 0, true, true),
        person("dev@example.com", 12, 1, false, true),
        person("trainee@example.com", 13, 2, false, false),
    ];
    let all = [
        (2, Some(2), "web", Archetype::Application),
        (3, Some(4), "ledger", Archetype::Application),
        (4, Some(5), "index", Archetype::Application),
        (1, Some(1), "operator", Archetype::Operator),
        (1, None, "ci", Archetype::Pipeline),
        (1, None, "gitops", Archetype::GitOps),
        (1, None, "metrics", Archetype::Monitoring),
        (1, None, "certs", Archetype::Certificates),
        (0, None, "autoscaler", Archetype::Autoscaler),
    ];
    world.accounts = all
        .iter()
        .map(|(space, work, name, kind)| account(&world, *space, *work, name, *kind))
        .collect();
    world.components = vec![
        actor("system:kube-scheduler", "127.0.0.1", "kube-scheduler/v1.33.4"),
        actor(
            "system:kube-controller-manager",
            "127.0.0.1",
            "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/4ad8a7f/x",
        ),
    ];
    world.strangers = vec!["203.0.113.9".into(), "198.51.100.7".into()];
    world
}

fn order(stealth: Stealth) -> Order {
    Order { story: 7, stealth, at: MONDAY, victim: None }
}

fn all_plans() -> Vec<(&'static Family, Plan)> {
    let world = world();
    let mut plans = Vec::new();
    for family in families() {
        for stealth in Stealth::ALL {
            for seed in 0..6 {
                plans.extend(family.plan(&world, &order(stealth), seed).map(|plan| (family, plan)));
            }
        }
    }
    plans
}

fn own(plan: &Plan) -> impl Iterator<Item = &Act> {
    plan.deeds.iter().filter(|deed| !deed.label.cascade).map(|deed| &deed.act)
}

#[test]
fn there_are_enough_families_and_all_can_be_planned_at_each_stealth() {
    let names: BTreeSet<&str> = families().map(|family| family.name).collect();
    assert_eq!(names.len(), families().count());
    assert!(names.len() >= 44, "{}", names.len());
    let planned: BTreeSet<(&str, Stealth)> =
        all_plans().iter().map(|(family, plan)| (family.name, plan.stealth)).collect();
    for family in families() {
        for stealth in Stealth::ALL {
            assert!(
                planned.contains(&(family.name, stealth)),
                "{} {}",
                family.name,
                stealth.name()
            );
        }
    }
}

#[test]
fn an_attack_keeps_to_the_time_and_requests_of_its_stealth() {
    for (family, plan) in all_plans() {
        let (from, to) = plan.span();
        let (requests, took) = (plan.requests, to - from);
        let name =
            format!("{} {}: {requests} in {}s", family.name, plan.stealth.name(), took / SECOND);
        match plan.stealth {
            Stealth::Noisy => assert!(took <= HOUR && (3..=5_000).contains(&requests), "{name}"),
            Stealth::Tools => assert!(took <= 4 * HOUR && (2..=130).contains(&requests), "{name}"),
            Stealth::Mimic => {
                assert!((3..=10).contains(&requests), "{name}");
                assert!((DAY..=14 * DAY).contains(&took), "{name}");
            }
        }
        let counted: u32 =
            plan.deeds.iter().filter(|deed| !deed.label.cascade).map(|deed| deed.count).sum();
        assert_eq!(counted, requests, "{name}");
        assert!(plan.deeds.is_sorted_by_key(|deed| deed.act.received), "{name}");
        assert!(from >= MONDAY, "{name}");
    }
}

#[test]
fn the_noisy_ask_more_than_the_careful_and_they_more_than_the_patient() {
    let mut sums: BTreeMap<(&str, Stealth), (u32, u32)> = BTreeMap::new();
    for (family, plan) in all_plans() {
        let sum = sums.entry((family.name, plan.stealth)).or_default();
        *sum = (sum.0 + plan.requests, sum.1 + 1);
    }
    let mean =
        |name, stealth| f64::from(sums[&(name, stealth)].0) / f64::from(sums[&(name, stealth)].1);
    let mut louder = 0;
    for family in families() {
        louder +=
            usize::from(mean(family.name, Stealth::Noisy) > mean(family.name, Stealth::Mimic));
    }
    assert!(louder * 10 >= families().count() * 8, "{louder} of {}", families().count());
}

#[test]
fn the_patient_use_only_the_programs_of_their_victims() {
    let world = world();
    let known: BTreeSet<Text> = world
        .people
        .iter()
        .map(|person| &person.actor)
        .chain(world.accounts.iter().map(|account| &account.actor))
        .chain(world.machines.iter().map(|machine| &machine.kubelet))
        .map(|actor| Arc::clone(&actor.agent))
        .collect();
    // Whose attack it is to be somewhere else.
    let moved = ["token-other-pod", "cloud-role-elsewhere", "anonymous-probing", "dormant-user"];
    for (family, plan) in all_plans().iter().filter(|(_, plan)| plan.stealth == Stealth::Mimic) {
        for act in own(plan) {
            assert!(known.contains(&act.actor.agent), "{} {}", family.name, act.actor.agent);
        }
        // A second identity is used with the program of the first.
        let pivots = plan.actors.len() > 1;
        assert!(pivots || !plan.tells.contains(&"program"), "{} {:?}", family.name, plan.tells);
        let first = own(plan).next().unwrap();
        let home = world
            .people
            .iter()
            .map(|person| &person.actor)
            .chain(world.accounts.iter().map(|account| &account.actor))
            .find(|actor| actor.name == first.actor.name);
        if let Some(home) = home.filter(|_| !moved.contains(&family.name)) {
            assert_eq!(home.address, first.actor.address, "{}", family.name);
        }
    }
}

#[test]
fn people_who_are_imitated_do_not_work_at_night() {
    for (family, plan) in all_plans().iter().filter(|(_, plan)| plan.stealth == Stealth::Mimic) {
        for act in own(plan).filter(|act| act.actor.name.contains('@')) {
            let hour = act.received.rem_euclid(DAY) / HOUR;
            assert!((8..18).contains(&hour), "{} at {hour}", family.name);
        }
    }
}

#[test]
fn an_attacker_is_refused_what_the_victim_may_not_do() {
    let mut refused = 0;
    for (family, plan) in all_plans() {
        for deed in plan.deeds.iter().filter(|deed| deed.act.code == 403) {
            refused += 1;
            assert!(!deed.label.cascade, "{}", family.name);
            assert_eq!(deed.act.reason.as_deref(), Some(""), "{}", family.name);
            assert!(deed.act.removed.is_none() && deed.act.issued.is_none());
        }
        let anonymous = own(&plan).filter(|act| &*act.actor.name == "system:anonymous");
        for act in anonymous.filter(|act| act.target.resource.is_some()) {
            assert_eq!(act.code, 403);
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn most_attacks_reach_something() {
    let mut reached: BTreeMap<&str, usize> = BTreeMap::new();
    for (family, plan) in all_plans() {
        let done = own(&plan).filter(|act| act.code < 300).count();
        *reached.entry(family.name).or_default() += done;
    }
    let idle: Vec<&&str> =
        reached.iter().filter(|(_, done)| **done == 0).map(|(name, _)| name).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn what_follows_is_labelled_as_such_and_done_by_the_cluster() {
    let world = world();
    let mut followed = 0;
    for (family, plan) in all_plans() {
        for deed in &plan.deeds {
            assert_eq!(deed.label.story, 7, "{}", family.name);
            if deed.label.cascade {
                followed += 1;
                let name = &deed.act.actor.name;
                let system = name.starts_with("system:serviceaccount:kube-system:")
                    || name.starts_with("system:node:")
                    || name.starts_with("system:kube-");
                assert!(system, "{} {name}", family.name);
            }
        }
        let cascades = plan.deeds.iter().filter(|deed| deed.label.cascade);
        let first = plan.deeds.iter().find(|deed| !deed.label.cascade).unwrap();
        for deed in cascades {
            assert!(deed.act.received >= first.act.received, "{}", family.name);
        }
        assert!(plan.actors.len() < world.accounts.len());
    }
    assert!(followed > 1_000, "{followed}");
}

#[test]
fn pods_that_attackers_make_are_bound_and_started() {
    let world = world();
    let family = families().find(|family| family.name == "privileged-pod").unwrap();
    let plan = family.plan(&world, &order(Stealth::Noisy), 3).unwrap();
    let has = |part: &str| {
        plan.deeds.iter().any(|deed| deed.label.cascade && deed.act.target.part == part)
    };
    assert!(has("binding") && has("token") && has("status"));
    let body = own(&plan).find(|act| act.verb == "create" && act.request.is_some()).unwrap();
    assert!(plan.deeds.iter().any(|deed| {
        deed.act.request.as_ref().is_some_and(|body| body.contains("\"privileged\":true"))
    }));
    assert!(body.request.is_some());
}

#[test]
fn every_deed_is_a_line_that_an_api_server_could_have_written() {
    let writer = Writer::new(&Profile { level: Level::RequestResponse, ..Profile::small() });
    let mut ids = BTreeSet::new();
    for (family, plan) in all_plans().iter().filter(|(_, plan)| plan.requests < 200) {
        for deed in &plan.deeds {
            let mut line = Vec::new();
            writer.write(&deed.act, &mut line);
            let event: Value = serde_json::from_slice(&line).unwrap();
            assert!(event["verb"].is_string() && event["user"].is_object(), "{}", family.name);
            assert!(event["requestReceivedTimestamp"].as_str() <= event["stageTimestamp"].as_str());
            let code = event["responseStatus"]["code"].as_u64().unwrap();
            assert!([101, 200, 201, 401, 403, 404].contains(&code), "{code}");
            let decision = event["annotations"]["authorization.k8s.io/decision"].as_str();
            match code {
                401 => assert!(decision.is_none() && event["user"]["username"].is_null()),
                403 => assert_eq!(decision, Some("forbid")),
                _ => assert_eq!(decision, Some("allow")),
            }
            let target = &event["objectRef"];
            let body = &event["responseObject"]["metadata"];
            for key in ["name", "namespace"] {
                if !target[key].is_null() && !body[key].is_null() {
                    assert_eq!(target[key], body[key], "{} {event}", family.name);
                }
            }
            ids.insert(event["auditID"].to_string());
        }
    }
    assert!(ids.len() > 1_000);
}

#[test]
fn the_same_seed_plans_the_same() {
    let world = world();
    for family in families() {
        let plans: Vec<Option<Plan>> =
            (0..2).map(|_| family.plan(&world, &order(Stealth::Tools), 5)).collect();
        assert_eq!(
            plans[0].as_ref().map(|plan| &plan.deeds),
            plans[1].as_ref().map(|plan| &plan.deeds)
        );
    }
}

/// Prints the table, and fails where a theme is in one set only.
#[test]
fn both_sets_have_attacks_of_every_theme() {
    let mut table = String::new();
    for theme in Theme::ALL {
        let of_theme: Vec<&str> =
            families().filter(|family| family.theme == theme).map(|family| family.name).collect();
        let (held, open): (Vec<&str>, Vec<&str>) =
            of_theme.iter().partition(|name| Set::HeldOut.has(name));
        assert!(held.len() >= 2 && open.len() >= 2, "{}", theme.name());
        let _ = writeln!(
            table,
            "{}: {} development, {} held out",
            theme.name(),
            open.len(),
            held.len()
        );
    }
    println!("{table}");
    let (all, held) = (families().count(), Set::HeldOut.families().count());
    assert!((33..=45).contains(&(held * 100 / all)), "{held} of {all}");
    assert_eq!(Set::Development.families().count() + held, all);
    let known: BTreeSet<&str> = families().map(|family| family.name).chain(["frog-boil"]).collect();
    assert!(HELD_OUT.iter().all(|name| known.contains(name)));
}

fn scope(set: Set, hours: Hours) -> Scope {
    let amounts = Amounts { noisy: 10, tools: 10, mimic: 4 };
    Scope { set, amounts, from: MONDAY, to: MONDAY + 40 * DAY, hours }
}

fn run(mut script: Script, world: &World) -> Vec<Plan> {
    let mut plans = Vec::new();
    for hour in 1..=45 * 24 {
        plans.extend(script.due(world, MONDAY + hour * HOUR));
    }
    assert_eq!(script.left(), 0);
    plans
}

#[test]
fn a_script_gives_the_attacks_that_were_ordered_and_never_two_with_one_identity_at_once() {
    let world = world();
    let plans = run(Script::new(1, &scope(Set::Development, Hours::Any)), &world);
    assert!(plans.len() >= 20, "{}", plans.len());
    assert!(plans.iter().all(|plan| Set::Development.has(plan.family)));
    for (place, one) in plans.iter().enumerate() {
        for other in &plans[place + 1..] {
            let ((a, b), (c, d)) = (one.span(), other.span());
            let shared = one.actors.iter().any(|actor| other.actors.contains(actor));
            let anonymous = one.actors.iter().any(|actor| &**actor == "system:anonymous");
            assert!(!shared || anonymous || b < c || d < a, "{} {}", one.family, other.family);
            assert_ne!(one.story, other.story);
        }
    }
    let again = run(Script::new(1, &scope(Set::Development, Hours::Any)), &world);
    assert_eq!(plans.len(), again.len());
    assert!(plans.iter().zip(&again).all(|(a, b)| a.deeds == b.deeds));
}

#[test]
fn attacks_of_quiet_hours_begin_when_nobody_works() {
    let world = world();
    for plan in run(Script::new(2, &scope(Set::HeldOut, Hours::Quiet)), &world) {
        assert!(Set::HeldOut.has(plan.family));
        if plan.stealth != Stealth::Mimic {
            let (from, _) = plan.span();
            let hour = from.rem_euclid(DAY) / HOUR;
            let weekday = (from.div_euclid(DAY) + 3).rem_euclid(7);
            assert!(weekday > 4 || !(8..20).contains(&hour), "{} at {hour}", plan.family);
        }
    }
}

#[test]
fn an_attacker_of_the_first_hour_stays_the_same_identity() {
    let world = world();
    let plans = run(Script::poison(3, Set::All, MONDAY, MONDAY + 20 * DAY), &world);
    assert!(plans.len() >= 18, "{}", plans.len());
    assert!(plans[0].span().0 < MONDAY + HOUR);
    let first = own(&plans[0]).next().unwrap().actor.name.clone();
    let same = plans.iter().filter(|plan| plan.actors.contains(&first)).count();
    assert_eq!(same, plans.len());
}

#[test]
fn the_suites_are_what_they_say() {
    let world = world();
    let frog = (0..5).find_map(|seed| frog_boil(&world, &order(Stealth::Mimic), seed)).unwrap();
    let (start, end) = frog.span();
    assert!(end - start >= 40 * DAY && frog.actors.len() == 1, "{}", (end - start) / DAY);
    let cohort = cohort_mimic(&world, &order(Stealth::Mimic), 1).unwrap();
    assert_eq!(cohort.actors.len(), 3);
    assert_eq!(cohort.requests, 12);
    let names: BTreeSet<String> =
        flood(1, 9, MONDAY, 20_000).map(|deed| deed.act.actor.name.to_string()).collect();
    assert_eq!(names.len(), 20_000);
}

#[test]
fn the_document_names_every_family_and_its_set() {
    let document = include_str!("../../../docs/attacks.md");
    for family in families() {
        let set = if Set::HeldOut.has(family.name) { "held out" } else { "development" };
        let row = format!(
            "| {} | {} | {} | {} | {} | {} | {set} |",
            family.name,
            family.theme.name(),
            family.technique,
            family.victim,
            family.sentence,
            family.tells.join(", ")
        );
        assert!(document.contains(&row), "{row}");
    }
}

#[test]
fn nobody_uses_a_token_that_he_could_not_get() {
    for (family, plan) in all_plans() {
        let Some(first) = own(&plan).next() else { continue };
        let mut opened = first.actor.name.is_empty();
        for act in own(&plan) {
            let secret = act.target.resource.is_some_and(|what| what.plural == "secrets");
            let handed_out = ["exec", "token", "approval"].contains(&act.target.part)
                || (secret && act.verb == "get");
            opened |= act.code < 300 && handed_out;
            assert!(opened || act.actor.name == first.actor.name, "{}", family.name);
        }
    }
}

/// Prints what the plans of each stealth are like.
#[test]
fn most_requests_of_the_patient_are_allowed() {
    let mut sums: BTreeMap<Stealth, [u32; 4]> = BTreeMap::new();
    for (_, plan) in all_plans() {
        let sum = sums.entry(plan.stealth).or_default();
        let refused = own(&plan).filter(|act| act.code == 403).count();
        let followed = plan.deeds.iter().filter(|deed| deed.label.cascade).count();
        for (place, value) in [1, own(&plan).count(), refused, followed].into_iter().enumerate() {
            sum[place] += value as u32;
        }
    }
    for (stealth, [plans, acts, refused, followed]) in &sums {
        println!(
            "{}: {plans} plans, {acts} acts, {refused} refused, {followed} followed",
            stealth.name()
        );
    }
    let [_, acts, refused, _] = sums[&Stealth::Mimic];
    assert!(refused * 3 < acts, "{refused} of {acts}");
}
