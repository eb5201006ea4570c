//! More rights than one was given: out of the container onto the node, or up in RBAC.

use super::{Family, Need, Place, Rights, Scene, Theme::Escalation, family};
use crate::{
    act::{Credential, Id, Target, Text},
    life::{
        Archetype,
        cascade::{Made, NewPod, plain_spec},
    },
    resource::{
        CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CONFIG_MAPS, NODES, PODS, ROLE_BINDINGS, ROLES,
        SECRETS, SERVICE_ACCOUNTS, SIGNING_REQUESTS,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "privileged-pod",
        Escalation,
        "T1611",
        "whoever makes workloads",
        "A privileged pod is made and entered.",
        &["workload", "action"],
        privileged,
    ),
    family(
        "host-path-pod",
        Escalation,
        "T1611",
        "whoever makes workloads",
        "A pod mounts the node's file system.",
        &["workload", "action"],
        host_path,
    ),
    family(
        "host-namespaces-pod",
        Escalation,
        "T1611",
        "whoever makes workloads",
        "A pod shares the node's network and processes.",
        &["workload", "action"],
        host_namespaces,
    ),
    family(
        "control-plane-pod",
        Escalation,
        "T1611",
        "an administrator",
        "A pod is placed on a node of the control plane, to read its keys.",
        &["workload", "action"],
        control_plane,
    ),
    family(
        "runtime-socket",
        Escalation,
        "T1611",
        "whoever makes workloads",
        "A pod mounts the socket of the container runtime.",
        &["workload", "action"],
        runtime_socket,
    ),
    family(
        "cluster-admin-binding",
        Escalation,
        "T1098.006",
        "an administrator",
        "An account is bound to cluster-admin and then used.",
        &["action", "object"],
        cluster_admin,
    ),
    family(
        "role-escalate",
        Escalation,
        "T1098.006",
        "an administrator",
        "A role is given more rights than it had.",
        &["action", "object"],
        role_escalate,
    ),
    family(
        "role-bind",
        Escalation,
        "T1098.006",
        "whoever deploys",
        "Somebody binds himself to a strong role in a namespace.",
        &["action", "object"],
        role_bind,
    ),
    family(
        "impersonation",
        Escalation,
        "T1134",
        "an administrator or operator",
        "Requests are made in the name of somebody stronger.",
        &["action"],
        impersonation,
    ),
    family(
        "aggregated-role",
        Escalation,
        "T1098.006",
        "an administrator",
        "A role with a label of aggregation gives its rights to everybody who may view or edit.",
        &["action", "object"],
        aggregated,
    ),
    family(
        "token-of-another",
        Escalation,
        "T1528",
        "whoever may mint tokens",
        "A token is minted for a stronger account and used.",
        &["action", "object"],
        token_of_another,
    ),
    family(
        "csr-masters",
        Escalation,
        "T1649",
        "an administrator",
        "A certificate for a node or for system:masters is requested, approved and used.",
        &["action", "object"],
        csr,
    ),
    family(
        "node-credential",
        Escalation,
        "T1078",
        "a node's credentials",
        "A node's credentials read secrets of pods and mint their tokens from elsewhere.",
        &["object", "action"],
        node_credential,
    ),
];

fn pod_attack(s: &mut Scene<'_>, telling: &str, harmless: &str, change: Value) -> Option<NewPod> {
    let home = s.home_name();
    if !s.noisy() {
        s.list(&PODS, &home);
    }
    let image = s.image("docker.io/library/ubuntu:latest");
    let mut spec = plain_spec("default", &image);
    if let Value::Object(change) = change {
        for (key, value) in change {
            if key == "securityContext" {
                spec["containers"][0]["securityContext"] = value;
            } else {
                spec[key] = value;
            }
        }
    }
    let name = s.alias(telling, harmless);
    let made = Made {
        kind: "Pod",
        space: Arc::clone(&home),
        name: Arc::clone(&name),
        replicas: 1,
        account: "default".into(),
        spec,
    };
    let pods = s.deploy(&made);
    let pod = pods.into_iter().next();
    for command in ["sh", "chroot", "cat", "nsenter"].into_iter().take(s.by_stealth(4, 2, 1)) {
        s.exec(&home, &name, command);
    }
    if !s.mimic() && s.remove(&PODS, &home, &name) {
        let at = s.deed_moment(s.at);
        s.cascade.pod_gone(at, &home, &name);
    }
    pod
}

fn privileged(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    pod_attack(s, "priv-exec-pod", "node-shell", json!({"securityContext": {"privileged": true}}));
    Some(())
}

fn host_path(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let volume = json!([{"name": "host", "hostPath": {"path": "/"}}]);
    pod_attack(s, "hostpath-exec-pod", "disk-check", json!({"volumes": volume}));
    Some(())
}

fn host_namespaces(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let change = json!({"hostNetwork": true, "hostPID": true, "hostIPC": true});
    pod_attack(s, "hostnetwork-exec-pod", "net-check", change);
    Some(())
}

fn control_plane(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    s.list_all(&NODES);
    let change = json!({"nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
        "tolerations": [{"operator": "Exists"}],
        "volumes": [{"name": "pki", "hostPath": {"path": "/etc/kubernetes/pki"}}]});
    pod_attack(s, "everything-allowed", "etcd-check", change);
    Some(())
}

fn runtime_socket(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Deploys, Place::Own)?;
    s.look_around();
    let path = if s.noisy() { "/var/run/docker.sock" } else { "/run/containerd/containerd.sock" };
    let volume = json!([{"name": "sock", "hostPath": {"path": path, "type": "Socket"}}]);
    pod_attack(s, "dind", "image-builder", json!({"volumes": volume}));
    Some(())
}

fn subject(space: &str, name: &str) -> Value {
    json!([{"kind": "ServiceAccount", "name": name, "namespace": space}])
}

fn cluster_admin(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Outside)?;
    s.look_around();
    let space: Text = if s.mimic() { s.home_name() } else { "kube-system".into() };
    let name = s.alias("kube-controller", "support");
    let account = if s.mimic() { "default".into() } else { Arc::clone(&name) };
    if s.mimic() {
        s.list_all(&CLUSTER_ROLE_BINDINGS);
    } else {
        s.make(&SERVICE_ACCOUNTS, &space, &account, &json!({}));
    }
    let binding = json!({"subjects": subject(&space, &account), "roleRef":
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}});
    s.make(&CLUSTER_ROLE_BINDINGS, &"".into(), &name, &binding);
    let token = mint(s, &space, &account);
    s.become_account(&space, &account, token);
    s.rights = Rights::All;
    for _ in 0..s.by_stealth(5, 1, 1) {
        s.list_all(&SECRETS);
    }
    Some(())
}

/// Mints a token; what it is, or another if that was refused.
fn mint(s: &mut Scene<'_>, space: &Text, account: &Text) -> Credential {
    let target = Target::object(&SERVICE_ACCOUNTS, space, account).part("token");
    s.ask("create", target);
    let own = s.cascade.deeds.iter().rev().find(|deed| !deed.label.cascade);
    let issued: Option<Id> = own.and_then(|deed| deed.act.issued);
    Credential::Token(issued.unwrap_or_else(|| s.cascade.random.id()))
}

fn role_escalate(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let home = s.home_name();
    s.list(&ROLES, &home);
    let work = s.work_of(s.home)?;
    let role = if s.noisy() { "admin".into() } else { Arc::clone(&work.name) };
    s.get(&ROLES, &home, &role);
    let all = json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    for _ in 0..s.by_stealth(3, 1, 1) {
        s.patch(&ROLES, &home, &role, &all);
    }
    if s.noisy() {
        s.patch(&CLUSTER_ROLES, &"".into(), &role, &all);
    }
    Some(())
}

fn role_bind(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Own, |account| account.deploys || account.admin)?;
    s.look_around();
    let home = s.home_name();
    s.list(&ROLE_BINDINGS, &home);
    let name = s.alias("pwn", "release-manager");
    let binding = json!({"subjects": subject(&home, "default"), "roleRef":
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}});
    for _ in 0..s.by_stealth(2, 1, 1) {
        s.make(&ROLE_BINDINGS, &home, &name, &binding);
    }
    s.get(&ROLE_BINDINGS, &home, &name);
    for _ in 0..s.by_stealth(4, 1, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.make(&ROLE_BINDINGS, &space, &name, &binding);
    }
    Some(())
}

fn impersonation(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let person = s.world().people.iter().find(|person| person.actor.name != s.actor.name);
    match person.filter(|_| s.mimic()) {
        Some(person) => {
            let name = Arc::clone(&person.actor.name);
            s.impersonate(&name, &["system:authenticated"], Rights::All);
        }
        None => {
            s.impersonate("system:admin", &["system:masters", "system:authenticated"], Rights::All);
        }
    }
    for _ in 0..s.by_stealth(12, 3, 2) {
        let space = s.foreign()?;
        s.list(&SECRETS, &space.name);
    }
    let home = s.home_name();
    s.list(&PODS, &home);
    Some(())
}

fn aggregated(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    s.list_all(&CLUSTER_ROLES);
    let name = s.alias("backdoor", "view-extension");
    let role = json!({"metadata": {"name": &*name, "labels":
            {"rbac.authorization.k8s.io/aggregate-to-view": "true"}},
        "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]});
    if s.make(&CLUSTER_ROLES, &"".into(), &name, &role) {
        let at = s.deed_moment(s.at);
        s.cascade.role_aggregated(at, &"view".into());
    }
    s.get(&CLUSTER_ROLES, &"".into(), &"view".into());
    for _ in 0..s.by_stealth(3, 1, 0) {
        s.list_all(&SECRETS);
    }
    Some(())
}

fn token_of_another(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let strong: Vec<&crate::life::Account> = s
        .world()
        .accounts
        .iter()
        .filter(|account| account.space.is_some() && account.actor.name != s.actor.name)
        .filter(|account| account.admin || account.reads_secrets || account.deploys)
        .collect();
    let account = *s.cascade.random.pick(&strong)?;
    let space = s.world().spaces.get(account.space?)?;
    let name: Text = account.actor.name.rsplit(':').next().unwrap_or_default().into();
    s.list(&SERVICE_ACCOUNTS, &space.name);
    let token = mint(s, &space.name, &name);
    s.become_account(&space.name, &name, token);
    for _ in 0..s.by_stealth(10, 3, 1) {
        let foreign = s.foreign()?;
        let secret = s.one_of(&foreign.secrets, "credentials");
        s.get(&SECRETS, &foreign.name, &secret);
    }
    Some(())
}

fn csr(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Own)?;
    s.look_around();
    let name: Text = if s.noisy() {
        "pwned".into()
    } else {
        format!("csr-{}", s.cascade.random.suffix(5)).into()
    };
    let request = json!({"spec": {"signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"]}});
    s.make(&SIGNING_REQUESTS, &"".into(), &name, &request);
    if s.ask("update", Target::global(&SIGNING_REQUESTS, &name).part("approval")) {
        let at = s.deed_moment(s.at);
        s.cascade.certificate_signed(at, &name);
    }
    s.get(&SIGNING_REQUESTS, &"".into(), &name);
    if s.noisy() {
        s.become_certified("kubernetes-super-admin", &["system:masters"], Rights::All);
    } else {
        s.become_certified("system:kube-controller-manager", &[], Rights::All);
    }
    for _ in 0..s.by_stealth(4, 1, 1) {
        s.list_all(&SECRETS);
    }
    Some(())
}

fn node_credential(s: &mut Scene<'_>) -> Option<()> {
    let node = s.take_node(Place::Inside)?;
    s.look_around();
    if !s.mimic() {
        s.list_all(&NODES);
        s.list_all(&PODS);
    }
    let machine = s.world().machines.iter().position(|machine| machine.name == node.name);
    for _ in 0..s.by_stealth(15, 4, 3) {
        let here = s.any_work(|work| work.pods.iter().any(|pod| Some(pod.machine) == machine));
        let work = here.or_else(|| s.any_work(|_| true))?;
        let space = s.world().spaces.get(work.space)?;
        let secret = s.one_of(&space.secrets, "credentials");
        s.get(&SECRETS, &space.name, &secret);
        if s.noisy() {
            let config = s.one_of(&space.config_maps, "app-config");
            s.get(&CONFIG_MAPS, &space.name, &config);
            mint(s, &space.name, &work.account);
        }
    }
    if s.world().accounts.iter().any(|account| account.archetype == Archetype::Application)
        && s.noisy()
    {
        let mirror =
            Target::object(&PODS, &"kube-system".into(), &format!("static-{}", node.name).into());
        s.send(
            "create",
            mirror,
            1,
            "",
            Some(&json!({"spec": plain_spec("default", "alpine:latest")})),
        );
    }
    Some(())
}
