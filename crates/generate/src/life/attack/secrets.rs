//! Reading what is worth something: secrets, configuration with passwords in it, and data on volumes.

use super::{Family, Need, Place, Scene, Theme::Secrets, family};
use crate::{
    act::{Target, Text},
    life::{
        SpaceKind,
        cascade::{Made, plain_spec},
    },
    resource::{
        CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, PODS, SECRETS, SERVICE_ACCOUNTS, SNAPSHOTS,
        STATEFUL_SETS, VOLUME_CLAIMS, VOLUMES,
    },
};
use serde_json::json;
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "secrets-list-all",
        Secrets,
        "T1552.007",
        "whoever may read secrets",
        "All secrets of the cluster are listed.",
        &["action", "object"],
        list_all,
    ),
    family(
        "secrets-by-namespace",
        Secrets,
        "T1552.007",
        "whoever may read secrets",
        "Secrets are listed in one namespace after the other.",
        &["object", "place"],
        by_namespace,
    ),
    family(
        "secret-of-another-team",
        Secrets,
        "T1552.007",
        "whoever may read secrets",
        "A single secret of another team is read.",
        &["object", "place"],
        of_another_team,
    ),
    family(
        "secrets-by-watch",
        Secrets,
        "T1552.007",
        "whoever may read secrets",
        "Secrets are read by a watch, which hands them all out.",
        &["action"],
        by_watch,
    ),
    family(
        "config-map-scan",
        Secrets,
        "T1552.001",
        "anybody's credentials",
        "Config maps are read through for passwords.",
        &["object", "action"],
        config_maps,
    ),
    family(
        "pull-secret-theft",
        Secrets,
        "T1552.007",
        "whoever may read secrets",
        "The credentials of the image registry are taken from service accounts and secrets.",
        &["object"],
        pull_secrets,
    ),
    family(
        "volume-theft",
        Secrets,
        "T1005",
        "whoever makes workloads",
        "A volume is copied by a snapshot, and the copy mounted elsewhere.",
        &["action", "workload"],
        volume_theft,
    ),
    family(
        "release-secrets",
        Secrets,
        "T1552.007",
        "whoever may read secrets",
        "What Helm keeps of its releases is read: all their values are in it.",
        &["object"],
        release_secrets,
    ),
];

fn list_all(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Secrets, Place::Inside)?;
    s.look_around();
    if s.mimic() {
        let home = s.home_name();
        s.list(&SECRETS, &home);
        let foreign = Arc::clone(&s.foreign()?.name);
        s.list(&SECRETS, &foreign);
    }
    for _ in 0..s.by_stealth(6, 2, 1) {
        s.list_all(&SECRETS);
    }
    Some(())
}

fn by_namespace(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Secrets, Place::Inside)?;
    s.look_around();
    if !s.mimic() {
        s.list_all(&NAMESPACES);
    }
    let mut names: Vec<Text> =
        s.world().spaces.iter().map(|space| Arc::clone(&space.name)).collect();
    let turn = s.cascade.random.below(names.len());
    names.rotate_left(turn);
    let most = s.by_stealth(400, 12, 5);
    for name in names.iter().cycle().take(most.min(names.len().max(3))) {
        s.list(&SECRETS, name);
    }
    Some(())
}

fn of_another_team(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Secrets, Place::Own)?;
    s.look_around();
    let space = s.foreign()?;
    if !s.mimic() {
        s.list(&PODS, &space.name);
    }
    let secret = s.one_of(&space.secrets, "database-credentials");
    for _ in 0..s.by_stealth(6, 2, 3) {
        s.get(&SECRETS, &space.name, &secret);
    }
    Some(())
}

fn by_watch(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Secrets, Place::Inside)?;
    s.look_around();
    let space = if s.mimic() { s.home_name() } else { "".into() };
    for _ in 0..s.by_stealth(5, 2, 3) {
        let target = Target::object(&SECRETS, &space, &"".into());
        s.send("watch", target, 1, "resourceVersion=0&watch=true", None);
    }
    Some(())
}

fn config_maps(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Any, Place::Inside)?;
    s.look_around();
    if s.noisy() {
        s.list_all(&CONFIG_MAPS);
    }
    let home = s.home()?;
    s.list(&CONFIG_MAPS, &home.name);
    for _ in 0..s.by_stealth(30, 6, 2) {
        let space = if s.mimic() || s.cascade.random.chance(300) { home } else { s.foreign()? };
        let name = s.one_of(&space.config_maps, "app-config");
        s.get(&CONFIG_MAPS, &space.name, &name);
    }
    Some(())
}

fn pull_secrets(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Secrets, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.get(&SERVICE_ACCOUNTS, &home, &"default".into());
    for name in
        ["registry-credentials", "regcred", "ghcr-login"].into_iter().take(s.by_stealth(3, 2, 2))
    {
        s.get(&SECRETS, &home, &name.into());
    }
    for _ in 0..s.by_stealth(12, 1, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.get(&SERVICE_ACCOUNTS, &space, &"default".into());
        s.get(&SECRETS, &space, &"regcred".into());
    }
    Some(())
}

fn volume_theft(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    if s.noisy() {
        s.list_all(&VOLUMES);
    }
    s.list(&VOLUME_CLAIMS, &home);
    let copy = s.alias("dump", "restore-check");
    let source = json!({"spec": {"source": {"persistentVolumeClaimName": "data-postgres-0"}}});
    s.make(&SNAPSHOTS, &home, &copy, &source);
    let claim = json!({"spec": {"dataSource": {"kind": "VolumeSnapshot", "name": &*copy}}});
    s.make(&VOLUME_CLAIMS, &home, &copy, &claim);
    let image = s.image("alpine:latest");
    let mut spec = plain_spec("default", &image);
    spec["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": &*copy}}]);
    let made = Made {
        kind: "Pod",
        space: Arc::clone(&home),
        name: copy,
        replicas: 1,
        account: "default".into(),
        spec,
    };
    for pod in s.deploy(&made) {
        s.exec(&home, &pod.name, "tar");
    }
    if s.noisy() {
        s.list(&STATEFUL_SETS, &home);
    }
    Some(())
}

fn release_secrets(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Secrets, Place::Own)?;
    s.look_around();
    let spaces: Vec<usize> = match s.stealth {
        crate::life::Stealth::Mimic => vec![s.home; 3],
        _ => (0..s.by_stealth(15, 4, 0)).filter_map(|_| s.any_space(SpaceKind::Team)).collect(),
    };
    for place in spaces {
        let work = s.work_of(place)?;
        let space = s.space_of(work);
        if s.noisy() {
            let list = Target::object(&SECRETS, &space, &"".into());
            s.send("list", list, 1, "labelSelector=owner%3Dhelm", None);
            s.list(&DEPLOYMENTS, &space);
        }
        let revision = s.cascade.random.below(9) + 1;
        s.get(&SECRETS, &space, &format!("sh.helm.release.v1.{}.v{revision}", work.name).into());
    }
    Some(())
}
