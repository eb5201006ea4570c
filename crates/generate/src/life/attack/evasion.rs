//! Not being seen or stopped: what watches, forbids or remembers is switched off.

use super::{Family, Need, Place, Scene, Theme::Evasion, family};
use crate::{
    act::Target,
    life::cascade::{Made, plain_spec},
    resource::{
        ADMISSION_POLICIES, CONFIG_MAPS, CORE_EVENTS, NAMESPACES, NETWORK_POLICIES, PODS,
        POLICY_BINDINGS, VALIDATING_WEBHOOKS,
    },
};
use serde_json::json;
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "webhook-weakened",
        Evasion,
        "T1562.001",
        "an administrator",
        "The webhook that checks new objects is deleted, or told to let pass what it cannot check.",
        &["action", "object"],
        webhook,
    ),
    family(
        "policy-binding-removed",
        Evasion,
        "T1562.001",
        "an administrator",
        "A policy of admission is no longer applied.",
        &["action", "object"],
        policy,
    ),
    family(
        "events-deleted",
        Evasion,
        "T1070",
        "whoever changes a namespace",
        "The cluster's own events are deleted.",
        &["action"],
        events,
    ),
    family(
        "audit-flood",
        Evasion,
        "T1498",
        "anybody's credentials",
        "A flood of requests hides a few of them.",
        &["rate", "action"],
        flood,
    ),
    family(
        "pod-security-lowered",
        Evasion,
        "T1562",
        "an administrator",
        "The label that keeps privileged pods out of a namespace is removed, and one is made.",
        &["action", "object"],
        pod_security,
    ),
    family(
        "network-policy-removed",
        Evasion,
        "T1562.007",
        "whoever changes a namespace",
        "Network policies of a namespace are deleted.",
        &["action", "object"],
        network_policy,
    ),
];

fn webhook(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    s.list_all(&VALIDATING_WEBHOOKS);
    let name = "gatekeeper-validating-webhook-configuration".into();
    let none = "".into();
    s.get(&VALIDATING_WEBHOOKS, &none, &name);
    if s.noisy() {
        s.remove(&VALIDATING_WEBHOOKS, &none, &name);
        s.remove(&VALIDATING_WEBHOOKS, &none, &"kyverno-resource-validating-webhook-cfg".into());
    } else {
        let ignore =
            json!({"webhooks": [{"name": "validation.gatekeeper.sh", "failurePolicy": "Ignore"}]});
        s.patch(&VALIDATING_WEBHOOKS, &none, &name, &ignore);
    }
    Some(())
}

fn policy(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let none = "".into();
    s.list_all(&POLICY_BINDINGS);
    if s.noisy() {
        s.list_all(&ADMISSION_POLICIES);
    }
    s.get(&POLICY_BINDINGS, &none, &"restrict-host-access".into());
    s.remove(&POLICY_BINDINGS, &none, &"restrict-host-access".into());
    if s.noisy() {
        s.remove(&ADMISSION_POLICIES, &none, &"restrict-host-access".into());
    }
    Some(())
}

fn events(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    for _ in 0..s.by_stealth(20, 3, 3) {
        let work = s.work_of(s.home)?;
        let space = s.space_of(work);
        if s.noisy() {
            let target = Target::object(&CORE_EVENTS, &space, &"".into());
            s.ask("deletecollection", target);
        } else {
            let name = format!("{}.{:x}", work.name, s.at * 1000).into();
            s.remove(&CORE_EVENTS, &home, &name);
        }
    }
    if s.noisy() {
        s.ask("deletecollection", Target::object(&CORE_EVENTS, &"kube-system".into(), &"".into()));
    }
    Some(())
}

fn flood(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Any, Place::Own)?;
    let home = s.home_name();
    let each = s.by_stealth(1_500, 40, 1) as u32;
    let empty = "".into();
    for what in [&PODS, &CONFIG_MAPS] {
        s.ask_often("list", Target::object(what, &home, &empty), each);
    }
    let secrets = s.home()?.secrets.clone();
    let secret = s.one_of(&secrets, "credentials");
    s.get(&crate::resource::SECRETS, &home, &secret);
    s.ask_often("get", Target::object(&PODS, &home, &"no-such-pod".into()), each);
    let last = s.cascade.deeds.last_mut().filter(|deed| deed.act.code == 200);
    if let Some(deed) = last {
        deed.act.code = 404;
    }
    Some(())
}

fn pod_security(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    let label = "pod-security.kubernetes.io/enforce";
    let mut target = Target::global(&NAMESPACES, &home);
    target.namespace = Arc::clone(&home);
    s.ask("get", target.clone());
    let level = json!({"metadata": {"labels": {label: "privileged"}}});
    s.send("patch", target.clone(), 1, "fieldManager=kubectl-label", Some(&level));
    let image = s.image("alpine:latest");
    let mut spec = plain_spec("default", &image);
    spec["containers"][0]["securityContext"] = json!({"privileged": true});
    let name = s.alias("root", "diagnostics");
    s.deploy(&Made {
        kind: "Pod",
        space: home,
        name,
        replicas: 1,
        account: "default".into(),
        spec,
    });
    if !s.noisy() {
        let level = json!({"metadata": {"labels": {label: "baseline"}}});
        s.send("patch", target, 1, "fieldManager=kubectl-label", Some(&level));
    }
    Some(())
}

fn network_policy(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&NETWORK_POLICIES, &home);
    let names = ["default-deny", "allow-dns", "allow-same-namespace"];
    for name in names.into_iter().take(s.by_stealth(3, 2, 1)) {
        s.remove(&NETWORK_POLICIES, &home, &name.into());
    }
    s.list(&PODS, &home);
    for _ in 0..s.by_stealth(5, 0, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.ask("deletecollection", Target::object(&NETWORK_POLICIES, &space, &"".into()));
    }
    Some(())
}
