//! Coming back: what the attacker leaves behind so that losing one foothold does not end it.

use super::{Family, Need, Place, Rights, Scene, Theme::Persistence, family};
use crate::{
    act::{Credential, Text},
    life::{
        Stealth, Work,
        cascade::{Made, plain_spec, resource_of},
    },
    resource::{
        CLUSTER_ROLE_BINDINGS, DAEMON_SETS, MUTATING_WEBHOOKS, NAMESPACES, PODS, ROLE_BINDINGS,
        SECRETS, SERVICE_ACCOUNTS, SERVICES,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "daemon-set-everywhere",
        Persistence,
        "T1543.005",
        "an administrator",
        "A daemon set puts the attacker on every node.",
        &["workload", "action"],
        daemon_set,
    ),
    family(
        "cron-job",
        Persistence,
        "T1053.007",
        "whoever makes workloads",
        "A cron job comes back again and again.",
        &["workload", "action"],
        cron_job,
    ),
    family(
        "long-lived-token",
        Persistence,
        "T1098.001",
        "whoever makes secrets",
        "A secret is made that holds a token without end.",
        &["action", "object"],
        long_lived,
    ),
    family(
        "mutating-webhook",
        Persistence,
        "T1546",
        "an administrator",
        "A webhook that changes every new pod is registered.",
        &["action", "object"],
        webhook,
    ),
    family(
        "sidecar-patch",
        Persistence,
        "T1525",
        "whoever changes workloads",
        "A container is added to a workload that runs already.",
        &["object", "workload"],
        sidecar,
    ),
    family(
        "init-container",
        Persistence,
        "T1525",
        "whoever changes workloads",
        "A container that runs first is added to a workload.",
        &["object", "workload"],
        init_container,
    ),
    family(
        "image-swap",
        Persistence,
        "T1525",
        "whoever changes workloads",
        "The image of a workload is exchanged for the attacker's.",
        &["object", "workload"],
        image_swap,
    ),
    family(
        "backdoor-account",
        Persistence,
        "T1136",
        "an administrator",
        "An account with strong rights is made in a namespace of the system.",
        &["action", "object"],
        backdoor,
    ),
];

fn daemon_set(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let space: Text = match s.stealth {
        Stealth::Noisy => "kube-system".into(),
        Stealth::Tools => "node-tuning".into(),
        Stealth::Mimic => s.home_name(),
    };
    if s.stealth == Stealth::Tools && s.make(&NAMESPACES, &"".into(), &space, &json!({})) {
        let at = s.deed_moment(s.at);
        s.cascade.namespace_created(at, &space);
    }
    s.list(&DAEMON_SETS, &space);
    let image = s.image("docker.io/weaveworks/scope:1.13.2");
    let mut spec = plain_spec("default", &image);
    spec["hostNetwork"] = json!(s.noisy());
    spec["tolerations"] = json!([{"operator": "Exists"}]);
    let name = s.alias("kube-cache", "node-tuner");
    let made = Made {
        kind: "DaemonSet",
        space: Arc::clone(&space),
        name,
        replicas: 0,
        account: "default".into(),
        spec,
    };
    let pods = s.deploy(&made);
    s.get(&DAEMON_SETS, &space, &made.name);
    for pod in pods.iter().take(s.by_stealth(4, 1, 0)) {
        s.exec(&space, &pod.name, "sh");
    }
    Some(())
}

fn cron_job(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    let image = s.image("docker.io/library/alpine:latest");
    s.list(resource_of("CronJob"), &home);
    let name = s.alias("update-kernel", "cleanup");
    let mut spec = plain_spec("default", &image);
    spec["restartPolicy"] = json!("OnFailure");
    let made = Made {
        kind: "CronJob",
        space: Arc::clone(&home),
        name,
        replicas: 1,
        account: "default".into(),
        spec,
    };
    let before = s.cascade.deeds.len();
    s.deploy(&made);
    let created = s.cascade.deeds.get(before).map(|deed| (deed.act.code, deed.act.received));
    if let Some((201, at)) = created {
        for round in 1..=4 {
            let half = 30 * crate::calendar::MINUTE;
            s.cascade.cron_fired((at.div_euclid(half) + round) * half, &made);
        }
    }
    s.get(resource_of("CronJob"), &home, &made.name);
    Some(())
}

fn long_lived(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&SERVICE_ACCOUNTS, &home);
    let work = s.work_of(s.home)?;
    let name = s.alias("backup-token", "ci-token");
    let secret = json!({"type": "kubernetes.io/service-account-token", "metadata": {"name": &*name,
        "annotations": {"kubernetes.io/service-account.name": &*work.account}}});
    if s.make(&SECRETS, &home, &name, &secret) {
        let at = s.deed_moment(s.at);
        s.cascade.token_filled(at, &home, &name);
    }
    // Who may not read the secret has no token of it.
    if s.get(&SECRETS, &home, &name) {
        let token = Credential::Token(s.cascade.random.id());
        s.become_account(&home, &work.account, token);
    }
    for _ in 0..s.by_stealth(5, 1, 1) {
        s.list(&PODS, &home);
    }
    Some(())
}

fn webhook(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    s.list_all(&MUTATING_WEBHOOKS);
    let home = s.home_name();
    let name = s.alias("mutate-pods", "pod-defaults");
    let outside = s.noisy();
    if !outside {
        s.make(&SERVICES, &home, &name, &json!({"spec": {"type": "ClusterIP"}}));
    }
    let to = if outside {
        json!({"url": "https://203.0.113.66/mutate"})
    } else {
        json!({"service": {"name": &*name, "namespace": &*home}})
    };
    let hook = json!({"webhooks": [{"name": format!("{name}.example.com"), "clientConfig": to,
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}],
        "failurePolicy": "Ignore"}]});
    s.make(&MUTATING_WEBHOOKS, &"".into(), &name, &hook);
    s.get(&MUTATING_WEBHOOKS, &"".into(), &name);
    Some(())
}

/// Changes a workload that runs, and the rollout that follows.
fn change(s: &mut Scene<'_>, patch: impl Fn(&str) -> Value, telling: &str) -> Option<()> {
    let home = s.home;
    let fits = |work: &Work| work.space == home && work.kind == "Deployment";
    let work = s.any_work(fits).or_else(|| s.any_work(|work| work.kind == "Deployment"))?;
    let (space, what) = (s.space_of(work), resource_of(work.kind));
    if !s.noisy() {
        s.list(what, &space);
    }
    s.get(what, &space, &work.name);
    let image = s.image(telling);
    let body = json!({"spec": {"template": {"spec": patch(&image)}}});
    let rounds = s.by_stealth(3, 1, 1);
    for _ in 0..rounds {
        let allowed = s.patch(what, &space, &work.name, &body);
        if !allowed {
            continue;
        }
        let made = Made {
            kind: work.kind,
            space: Arc::clone(&space),
            name: Arc::clone(&work.name),
            replicas: work.pods.len(),
            account: Arc::clone(&work.account),
            spec: plain_spec(&work.account, &image),
        };
        let old: Vec<Text> = work.pods.iter().map(|pod| Arc::clone(&pod.name)).collect();
        let at = s.deed_moment(s.at);
        let pods = s.cascade.rolled(at, &made, &old);
        s.wait_for(&pods);
        break;
    }
    if s.noisy() {
        s.list(&PODS, &space);
    }
    Some(())
}

fn sidecar(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let patch = |image: &str| json!({"containers": [{"name": "log-agent", "image": image}]});
    change(s, patch, "docker.io/sandeep078/miner:latest")
}

fn init_container(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let patch = |image: &str| json!({"initContainers": [{"name": "prepare", "image": image, "command": ["sh", "-c"]}]});
    change(s, patch, "docker.io/library/busybox:latest")
}

fn image_swap(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Outside)?;
    s.look_around();
    change(
        s,
        |image| json!({"containers": [{"name": "main", "image": image}]}),
        "docker.io/ubunto/app:latest",
    )
}

fn backdoor(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Outside)?;
    s.look_around();
    let space: Text = "kube-system".into();
    let name: Text = if s.noisy() { "hax".into() } else { "cloud-sync-controller".into() };
    s.make(&SERVICE_ACCOUNTS, &space, &name, &json!({}));
    let binding = json!({"subjects": [{"kind": "ServiceAccount", "name": &*name, "namespace": "kube-system"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}});
    if s.mimic() {
        s.make(&ROLE_BINDINGS, &space, &name, &binding);
    } else {
        s.make(&CLUSTER_ROLE_BINDINGS, &"".into(), &name, &binding);
    }
    let target = crate::act::Target::object(&SERVICE_ACCOUNTS, &space, &name).part("token");
    s.ask("create", target);
    let own = s.cascade.deeds.iter().rev().find(|deed| !deed.label.cascade);
    let issued = own.and_then(|deed| deed.act.issued);
    let token = Credential::Token(issued.unwrap_or_else(|| s.cascade.random.id()));
    s.become_account(&space, &name, token);
    s.rights = Rights::All;
    for _ in 0..s.by_stealth(6, 1, 1) {
        s.list(&SECRETS, &space);
    }
    Some(())
}
