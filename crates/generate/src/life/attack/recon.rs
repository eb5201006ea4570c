//! Looking around: harmless one by one, and hardly ever all together in ordinary life.

use super::{Family, Need, Place, Scene, Theme::Recon, family};
use crate::{
    act::Target,
    life::Archetype,
    resource::{
        CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CONFIG_MAPS, CRON_JOBS, DAEMON_SETS, DEPLOYMENTS,
        ENDPOINTS, INGRESSES, MUTATING_WEBHOOKS, NAMESPACES, NETWORK_POLICIES, NODES, PODS,
        ROLE_BINDINGS, ROLES, Resource, SECRETS, SERVICE_ACCOUNTS, SERVICES, STATEFUL_SETS,
        VALIDATING_WEBHOOKS, VOLUMES,
    },
};
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "permission-probing",
        Recon,
        "T1069",
        "an application's token",
        "Somebody asks the API server what a stolen identity may do, in namespace after namespace.",
        &["action"],
        probing,
    ),
    family(
        "anonymous-probing",
        Recon,
        "T1595",
        "nobody",
        "Somebody without credentials tries which paths answer.",
        &["action", "source"],
        anonymous,
    ),
    family(
        "discovery-sweep",
        Recon,
        "T1613",
        "anybody's credentials",
        "Everything that can be listed is listed.",
        &["action", "rate"],
        sweep,
    ),
    family(
        "rbac-mapping",
        Recon,
        "T1069",
        "anybody's credentials",
        "Roles and bindings are read to find a way up.",
        &["action"],
        rbac_mapping,
    ),
    family(
        "network-mapping",
        Recon,
        "T1046",
        "an application's token",
        "Services, endpoints and network policies are read to find what can be reached.",
        &["action", "object"],
        network_mapping,
    ),
    family(
        "defence-mapping",
        Recon,
        "T1518.001",
        "anybody's credentials",
        "Admission webhooks, agents of security tools and their settings are looked at.",
        &["action", "object"],
        defence_mapping,
    ),
];

fn probing(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Inside, |account| account.archetype == Archetype::Application)?;
    let home = s.home_name();
    s.rules_of(&home);
    for _ in 0..s.by_stealth(40, 5, 1) {
        let space = Arc::clone(&s.foreign()?.name);
        s.rules_of(&space);
    }
    let questions = [
        ("create", "pods"),
        ("get", "secrets"),
        ("create", "pods/exec"),
        ("impersonate", "users"),
        ("create", "clusterrolebindings"),
        ("escalate", "clusterroles"),
        ("create", "serviceaccounts/token"),
        ("*", "*"),
    ];
    for (verb, what) in questions.into_iter().take(s.by_stealth(8, 5, 2)) {
        s.can_i(verb, what);
    }
    Some(())
}

fn anonymous(s: &mut Scene<'_>) -> Option<()> {
    s.be_anonymous();
    if s.mimic() {
        // As a load balancer asks whether the server lives, from where people are.
        let person = s
            .cascade
            .random
            .pick(&s.cascade.world.people)
            .map(|person| Arc::clone(&person.actor))?;
        let actor = crate::act::Actor {
            address: Arc::clone(&person.address),
            agent: Arc::clone(&person.agent),
            ..(*s.actor).clone()
        };
        s.wear(actor);
    }
    for path in [
        "/version",
        "/api",
        "/apis",
        "/metrics",
        "/openapi/v2",
        "/swagger.json",
        "/logs/",
        "/debug/pprof/",
    ]
    .into_iter()
    .take(s.by_stealth(8, 4, 2))
    {
        s.ask("get", Target::path(path));
    }
    s.list_all(&PODS);
    s.list_all(&NAMESPACES);
    if !s.mimic() {
        s.list_all(&SECRETS);
        s.list_all(&NODES);
    }
    for _ in 0..s.by_stealth(40, 0, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.list(&SECRETS, &space);
    }
    Some(())
}

fn sweep(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Any, Place::Outside)?;
    s.look_around();
    let all: [&'static Resource; 14] = [
        &PODS,
        &SERVICES,
        &DEPLOYMENTS,
        &STATEFUL_SETS,
        &DAEMON_SETS,
        &CRON_JOBS,
        &INGRESSES,
        &CONFIG_MAPS,
        &SERVICE_ACCOUNTS,
        &ROLES,
        &ROLE_BINDINGS,
        &NETWORK_POLICIES,
        &SECRETS,
        &ENDPOINTS,
    ];
    let take = s.by_stealth(14, 9, 5);
    for what in all.into_iter().take(take) {
        if s.noisy() {
            s.list_all(what);
        }
        let home = s.home_name();
        s.list(what, &home);
    }
    for _ in 0..s.by_stealth(10, 1, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        for what in all.into_iter().take(s.by_stealth(14, 5, 0)) {
            s.list(what, &space);
        }
    }
    Some(())
}

fn rbac_mapping(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Any, Place::Inside)?;
    s.look_around();
    s.list_all(&CLUSTER_ROLES);
    s.list_all(&CLUSTER_ROLE_BINDINGS);
    let home = s.home_name();
    s.list(&ROLE_BINDINGS, &home);
    for _ in 0..s.by_stealth(15, 2, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.list(&ROLES, &space);
        s.list(&ROLE_BINDINGS, &space);
        s.list(&SERVICE_ACCOUNTS, &space);
    }
    if !s.mimic() {
        s.get(&CLUSTER_ROLES, &"".into(), &"cluster-admin".into());
    }
    Some(())
}

fn network_mapping(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Inside, |account| account.archetype == Archetype::Application)?;
    s.look_around();
    let home = s.home_name();
    s.list(&SERVICES, &home);
    s.list(&ENDPOINTS, &home);
    s.list(&NETWORK_POLICIES, &home);
    for _ in 0..s.by_stealth(20, 2, 1) {
        let space = Arc::clone(&s.foreign()?.name);
        s.list(&SERVICES, &space);
        if !s.mimic() {
            s.list(&ENDPOINTS, &space);
        }
    }
    Some(())
}

fn defence_mapping(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Any, Place::Own)?;
    s.look_around();
    s.list_all(&VALIDATING_WEBHOOKS);
    s.list_all(&MUTATING_WEBHOOKS);
    for space in
        ["falco", "kube-system", "gatekeeper-system"].into_iter().take(s.by_stealth(3, 2, 1))
    {
        let space = space.into();
        s.list(&DAEMON_SETS, &space);
        if !s.mimic() {
            s.list(&CONFIG_MAPS, &space);
        }
    }
    if s.noisy() {
        s.list_all(&VOLUMES);
        s.list_all(&DAEMON_SETS);
    }
    Some(())
}
