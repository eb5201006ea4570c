//! From one pod, node or namespace to the next.

use super::{Family, Need, Place, Scene, Theme::Lateral, family};
use crate::{
    act::{Credential, Target, Text},
    life::{Archetype, SpaceKind, cascade::NewPod},
    resource::{CONFIG_MAPS, NODES, PODS, SECRETS, SERVICES},
};
use serde_json::json;
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "exec-then-token",
        Lateral,
        "T1609",
        "whoever may open a shell",
        "A shell is opened in a pod, and the pod's token is used from it.",
        &["action", "object"],
        exec_then_token,
    ),
    family(
        "exec-kube-system",
        Lateral,
        "T1609",
        "an administrator",
        "A shell is opened in a pod of the system.",
        &["place", "object"],
        exec_system,
    ),
    family(
        "ephemeral-container",
        Lateral,
        "T1610",
        "whoever changes pods",
        "A container for debugging is put into a running pod of somebody else.",
        &["action", "object"],
        ephemeral,
    ),
    family(
        "port-forward-database",
        Lateral,
        "T1090",
        "whoever may open a shell",
        "A tunnel is opened to a database.",
        &["action", "object"],
        port_forward,
    ),
    family(
        "attach",
        Lateral,
        "T1609",
        "whoever may open a shell",
        "The attacker attaches to processes of running pods.",
        &["action", "object"],
        attach,
    ),
    family(
        "node-proxy-exec",
        Lateral,
        "T1609",
        "an administrator or a monitoring account",
        "The kubelet is asked through the API server to run commands, past what is logged of shells.",
        &["action", "object"],
        node_proxy,
    ),
    family(
        "service-proxy",
        Lateral,
        "T1090",
        "anybody who may use services",
        "Inner web pages are opened through the API server's proxy.",
        &["action", "object"],
        service_proxy,
    ),
    family(
        "log-harvest",
        Lateral,
        "T1530",
        "anybody who may read logs",
        "Logs of many pods are read through for tokens.",
        &["object", "rate"],
        log_harvest,
    ),
];

/// A pod of a workload, as if it were new.
fn known_pod(s: &mut Scene<'_>, work: &crate::life::Work) -> Option<NewPod> {
    let pod = s.cascade.random.pick(&work.pods)?;
    Some(NewPod {
        space: s.space_of(work),
        name: Arc::clone(&pod.name),
        address: Arc::clone(&pod.address),
        machine: pod.machine,
        uid: s.cascade.random.id(),
        token: s.cascade.random.id(),
        ready: s.at,
    })
}

fn exec_then_token(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Shell, Place::Own)?;
    s.look_around();
    let work = s.work_of(s.home)?;
    let mut pod = known_pod(s, work)?;
    if !s.mimic() {
        let space = Arc::clone(&pod.space);
        s.list(&PODS, &space);
    }
    s.exec(&pod.space, &pod.name, "sh");
    let user = format!("system:serviceaccount:{}:{}", pod.space, work.account);
    let account = s.world().accounts.iter().find(|account| *account.actor.name == *user);
    if let Some(Credential::Token(token)) = account.map(|account| account.actor.credential) {
        pod.token = token;
    }
    // The patient use the application's own client library, others what they find or bring.
    let agent: Option<Text> = match s.stealth {
        crate::life::Stealth::Mimic => account.map(|account| Arc::clone(&account.actor.agent)),
        _ => Some("curl/7.88.1".into()),
    };
    s.become_pod(&pod, &work.account, agent.as_ref());
    s.list(&PODS, &pod.space);
    s.list(&SECRETS, &pod.space);
    for _ in 0..s.by_stealth(10, 2, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.list(&SECRETS, &space);
    }
    Some(())
}

fn exec_system(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let system = s.any_space(SpaceKind::System)?;
    let work = s.any_work(|work| work.space == system)?;
    let pod = known_pod(s, work)?;
    s.list(&PODS, &pod.space);
    for command in ["sh", "cat", "env", "id", "mount"].into_iter().take(s.by_stealth(5, 2, 2)) {
        s.exec(&pod.space, &pod.name, command);
    }
    Some(())
}

fn ephemeral(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Shell, Place::Own)?;
    s.look_around();
    let work = s.work_of(s.home)?;
    let pod = known_pod(s, work)?;
    s.get(&PODS, &pod.space, &pod.name);
    let image = s.image("nicolaka/netshoot:latest");
    let name = format!("debugger-{}", s.cascade.random.suffix(5));
    let body = json!({"spec": {"ephemeralContainers": [{"name": name, "image": image,
        "stdin": true, "tty": true, "targetContainerName": "main"}]}});
    let target = Target::object(&PODS, &pod.space, &pod.name).part("ephemeralcontainers");
    for _ in 0..s.by_stealth(3, 1, 1) {
        s.send("patch", target.clone(), 1, "", Some(&body));
    }
    s.ask("get", Target::object(&PODS, &pod.space, &pod.name).part("attach"));
    Some(())
}

fn port_forward(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Shell, Place::Own)?;
    s.look_around();
    let home = s.home;
    let stateful = |work: &crate::life::Work| work.space == home && work.kind == "StatefulSet";
    let work = s.any_work(stateful).or_else(|| s.work_of(home))?;
    let pod = known_pod(s, work)?;
    if !s.mimic() {
        s.list(&SERVICES, &pod.space);
        s.list(&PODS, &pod.space);
    }
    for _ in 0..s.by_stealth(8, 2, 3) {
        let target = Target::object(&PODS, &pod.space, &pod.name).part("portforward");
        s.ask("get", target);
    }
    Some(())
}

fn attach(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Shell, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    if !s.mimic() {
        s.list(&PODS, &home);
    }
    for _ in 0..s.by_stealth(15, 3, 3) {
        let work = s.work_of(s.home)?;
        let pod = known_pod(s, work)?;
        let target = Target::object(&PODS, &pod.space, &pod.name).part("attach");
        s.send("get", target, 1, "container=main&stdin=true&stdout=true", None);
    }
    Some(())
}

fn node_proxy(s: &mut Scene<'_>) -> Option<()> {
    let monitors = |archetype| archetype == Archetype::Monitoring;
    let monitor = s.cascade.random.chance(400)
        && s.take_account(Place::Inside, |account| monitors(account.archetype)).is_some();
    if !monitor {
        s.take(Need::Admin, Place::Inside)?;
    }
    s.look_around();
    s.list_all(&NODES);
    for _ in 0..s.by_stealth(12, 3, 2) {
        let node =
            s.cascade.random.pick(&s.cascade.world.machines).map(|node| Arc::clone(&node.name))?;
        s.ask("get", Target::global(&NODES, &node).part("proxy"));
        if !s.mimic() {
            s.ask("create", Target::global(&NODES, &node).part("proxy"));
        }
    }
    Some(())
}

fn service_proxy(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Outside)?;
    s.look_around();
    let home = s.home_name();
    s.list(&SERVICES, &home);
    for _ in 0..s.by_stealth(25, 4, 2) {
        let work = s.work_of(s.home)?;
        let space = s.space_of(work);
        s.ask("get", Target::object(&SERVICES, &space, &work.name).part("proxy"));
    }
    if s.noisy() {
        let dashboard = Target::object(
            &SERVICES,
            &"kubernetes-dashboard".into(),
            &"https:kubernetes-dashboard:".into(),
        );
        s.ask("get", dashboard.part("proxy"));
        s.list(&CONFIG_MAPS, &home);
    }
    Some(())
}

fn log_harvest(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Any, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&PODS, &home);
    for _ in 0..s.by_stealth(70, 12, 4) {
        let place = if s.noisy() { s.any_space(SpaceKind::Team)? } else { s.home };
        let work = s.work_of(place)?;
        let pod = known_pod(s, work)?;
        let target = Target::object(&PODS, &pod.space, &pod.name).part("log");
        s.send("get", target, 1, "container=main", None);
    }
    Some(())
}
