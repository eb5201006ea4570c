//! Harm: computing time stolen, data destroyed or held to ransom, doors opened.

use super::{Family, Need, Place, Scene, Theme::Impact, family};
use crate::{
    act::{Target, Text},
    life::{
        SpaceKind, Stealth, Work,
        cascade::{Made, plain_spec, resource_of},
    },
    resource::{
        BACKUPS, CONFIG_MAPS, DEPLOYMENTS, JOBS, LIMIT_RANGES, NAMESPACES, PODS, QUOTAS, SECRETS,
        SERVICES, SNAPSHOTS, VOLUME_CLAIMS,
    },
};
use serde_json::json;
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "miner-job",
        Impact,
        "T1496.001",
        "whoever makes workloads",
        "Jobs that mine coins are started.",
        &["workload", "action"],
        miner_job,
    ),
    family(
        "miner-deployment",
        Impact,
        "T1496.001",
        "whoever makes workloads",
        "A deployment that mines is made and scaled up.",
        &["workload", "rate"],
        miner_deployment,
    ),
    family(
        "namespace-wipe",
        Impact,
        "T1485",
        "an administrator",
        "A namespace is deleted with all that is in it.",
        &["action", "object"],
        wipe,
    ),
    family(
        "backup-deletion",
        Impact,
        "T1490",
        "an administrator",
        "Backups and snapshots are deleted.",
        &["action", "object"],
        backups,
    ),
    family(
        "config-ransom",
        Impact,
        "T1486",
        "whoever changes a namespace",
        "Config maps and secrets are replaced by a demand for ransom.",
        &["action", "rate"],
        ransom,
    ),
    family(
        "quota-removal",
        Impact,
        "T1496",
        "an administrator",
        "Quotas and limits are deleted, and a workload grows.",
        &["action", "object"],
        quotas,
    ),
    family(
        "exposed-service",
        Impact,
        "T1133",
        "whoever changes a namespace",
        "A service is opened to the outside.",
        &["action", "object"],
        exposed,
    ),
    family(
        "scale-to-zero",
        Impact,
        "T1489",
        "whoever changes workloads",
        "Workloads are scaled to nothing.",
        &["action", "object"],
        scale_to_zero,
    ),
];

fn miner(s: &mut Scene<'_>, kind: &'static str, replicas: usize) -> Made {
    let home = s.home_name();
    let image = s.image("docker.io/xmrig/xmrig:6.21.0");
    let stem = if kind == "Job" { "batch-report" } else { "worker" };
    let mut name = s.alias("xmrig", stem);
    if kind == "Job" {
        name = format!("{name}-{}", s.cascade.random.suffix(5)).into();
    }
    let mut spec = plain_spec("default", &image);
    spec["containers"][0]["resources"] = json!({"requests": {"cpu": "8"}});
    let made = Made { kind, space: home, name, replicas, account: "default".into(), spec };
    s.deploy(&made);
    made
}

fn miner_job(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Outside)?;
    s.look_around();
    let home = s.home_name();
    for _ in 0..s.by_stealth(8, 2, 2) {
        miner(s, "Job", 1);
    }
    s.list(&JOBS, &home);
    Some(())
}

fn miner_deployment(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Outside)?;
    s.look_around();
    let made = miner(s, "Deployment", s.by_stealth(10, 2, 1));
    s.get(&DEPLOYMENTS, &made.space, &made.name);
    let more = s.by_stealth(40, 6, 2);
    let target = Target::object(&DEPLOYMENTS, &made.space, &made.name).part("scale");
    let body = json!({"spec": {"replicas": made.replicas + more}});
    let mut pods = Vec::new();
    if s.send("patch", target, 1, "", Some(&body)) {
        let at = s.deed_moment(s.at);
        pods = s.cascade.scaled_up(at, &made, more);
        s.wait_for(&pods);
    }
    for _ in 0..s.by_stealth(5, 1, 0) {
        s.list(&PODS, &made.space);
    }
    if s.stealth == Stealth::Tools && s.remove(&DEPLOYMENTS, &made.space, &made.name) {
        // Gone before anybody asks.
        let at = s.deed_moment(s.at);
        let pods: Vec<Text> = pods.iter().map(|pod| Arc::clone(&pod.name)).collect();
        s.cascade.workload_deleted(at, &made, &pods);
    }
    Some(())
}

fn wipe(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let rounds = s.by_stealth(3, 1, 1);
    for _ in 0..rounds {
        let place = s.any_space(SpaceKind::Team)?;
        let space = s.world().spaces.get(place)?;
        s.list(&PODS, &space.name);
        s.list(&VOLUME_CLAIMS, &space.name);
        let mut target = Target::global(&NAMESPACES, &space.name);
        target.namespace = Arc::clone(&space.name);
        if s.ask("delete", target) {
            let works = s.world().works.iter().filter(|work| work.space == place);
            let pods: Vec<Text> =
                works.flat_map(|work| &work.pods).map(|pod| Arc::clone(&pod.name)).collect();
            let at = s.deed_moment(s.at);
            s.cascade.namespace_deleted(at, &space.name, &pods);
        }
    }
    Some(())
}

fn backups(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let place: Text = "velero".into();
    s.list(&BACKUPS, &place);
    for _ in 0..s.by_stealth(14, 4, 2) {
        let name = format!("daily-{}", 20_260_100 + s.cascade.random.below(28)).into();
        s.remove(&BACKUPS, &place, &name);
    }
    if !s.mimic() {
        let home = s.home_name();
        s.list(&SNAPSHOTS, &home);
        s.ask("deletecollection", Target::object(&SNAPSHOTS, &home, &"".into()));
    }
    Some(())
}

fn ransom(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Outside)?;
    s.look_around();
    let home = s.home()?;
    s.list(&CONFIG_MAPS, &home.name);
    let note = json!({"data": {"README": "masked"}});
    for _ in 0..s.by_stealth(25, 5, 1) {
        let name = s.one_of(&home.config_maps, "app-config");
        s.get(&CONFIG_MAPS, &home.name, &name);
        s.remove(&CONFIG_MAPS, &home.name, &name);
        s.make(&CONFIG_MAPS, &home.name, &name, &note);
    }
    if s.noisy() {
        s.ask("deletecollection", Target::object(&SECRETS, &home.name, &"".into()));
    }
    Some(())
}

fn quotas(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&QUOTAS, &home);
    s.remove(&QUOTAS, &home, &"compute".into());
    if !s.mimic() {
        s.list(&LIMIT_RANGES, &home);
        s.remove(&LIMIT_RANGES, &home, &"defaults".into());
    }
    miner(s, "Deployment", s.by_stealth(20, 5, 2));
    Some(())
}

fn exposed(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&SERVICES, &home);
    let work = s.work_of(s.home)?;
    let name = s.alias("shell", "public");
    let kind = if s.noisy() { "LoadBalancer" } else { "NodePort" };
    let spec = json!({"spec": {"type": kind, "selector": {"app": &*work.name}}});
    if s.make(&SERVICES, &home, &name, &spec) {
        let at = s.deed_moment(s.at);
        let outside = s.noisy();
        s.cascade.service_changed(at, &home, &name, outside);
    }
    s.get(&SERVICES, &home, &name);
    Some(())
}

fn scale_to_zero(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    if !s.mimic() {
        s.list(&DEPLOYMENTS, &home);
    }
    let here = s.home;
    let fits = |work: &&Work| work.space == here && work.kind == "Deployment";
    let mut works: Vec<&Work> = s.world().works.iter().filter(fits).collect();
    if works.is_empty() {
        works.push(s.any_work(|work| work.kind == "Deployment")?);
    }
    for work in works.iter().cycle().take(s.by_stealth(works.len() * 2, works.len().min(6), 3)) {
        let space = s.space_of(work);
        let target = Target::object(resource_of(work.kind), &space, &work.name).part("scale");
        let body = json!({"spec": {"replicas": 0}});
        if s.send("patch", target, 1, "", Some(&body)) {
            let pods: Vec<Text> = work.pods.iter().map(|pod| Arc::clone(&pod.name)).collect();
            let at = s.deed_moment(s.at);
            s.cascade.pods_deleted(at, &space, &pods, "replicaset-controller");
        }
    }
    Some(())
}
