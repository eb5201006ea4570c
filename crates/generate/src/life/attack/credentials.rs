//! Credentials in the wrong hands: the identity is known and may do what it does, only it is somebody
//! else who uses it. What of them is seen is place, program and what they are used for.

use super::{Family, Need, Place, Rights, Scene, Theme::Credentials, family};
use crate::{
    act::{Actor, Credential, Target},
    life::{
        Archetype, SpaceKind,
        cascade::{Made, plain_spec},
    },
    resource::{
        CLUSTER_ROLE_BINDINGS, CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS, SECRETS,
        SERVICES, TOKEN_REVIEWS,
    },
};
use serde_json::json;
use std::sync::Arc;

pub(super) static FAMILIES: &[Family] = &[
    family(
        "token-outside",
        Credentials,
        "T1528",
        "an application's token",
        "The token of a service account leaves the cluster and is used from there.",
        &["source", "action"],
        token_outside,
    ),
    family(
        "token-other-pod",
        Credentials,
        "T1550.001",
        "an application's token",
        "The token of one pod is used from another.",
        &["source", "action"],
        token_other_pod,
    ),
    family(
        "kubeconfig-theft",
        Credentials,
        "T1078",
        "an administrator's kubeconfig",
        "An administrator's kubeconfig is used by a thief to look for secrets.",
        &["object", "action"],
        kubeconfig_theft,
    ),
    family(
        "dormant-user",
        Credentials,
        "T1078.004",
        "a user who has left",
        "The account of somebody who left is used again.",
        &["action", "source"],
        dormant_user,
    ),
    family(
        "ci-takeover",
        Credentials,
        "T1195.002",
        "a pipeline's account",
        "A pipeline deploys something into the namespace of the system.",
        &["place", "workload"],
        ci_takeover,
    ),
    family(
        "gitops-abuse",
        Credentials,
        "T1199",
        "the account of the deployment tool",
        "The deployment tool's account makes what no repository asked for.",
        &["action", "workload"],
        gitops_abuse,
    ),
    family(
        "operator-takeover",
        Credentials,
        "T1528",
        "an operator's account",
        "An operator's account reads secrets and starts pods that its work does not need.",
        &["object", "action"],
        operator_takeover,
    ),
    family(
        "cloud-role-elsewhere",
        Credentials,
        "T1552.005",
        "a cloud role's session",
        "The session of a cloud role, stolen from the metadata service, is used from another network.",
        &["source", "action"],
        cloud_role,
    ),
    family(
        "expired-token-replay",
        Credentials,
        "T1110",
        "nobody: tokens no longer valid",
        "Old tokens are tried one after the other until one is still good.",
        &["denials", "action"],
        expired_replay,
    ),
    family(
        "token-review-guessing",
        Credentials,
        "T1110.004",
        "an account that may review tokens",
        "Found tokens are put to the token review to learn which are good.",
        &["action", "rate"],
        token_reviews,
    ),
];

fn token_outside(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Outside, |account| account.archetype == Archetype::Application)?;
    s.look_around();
    let home = s.home_name();
    s.list(&PODS, &home);
    s.list(&SECRETS, &home);
    s.list(&CONFIG_MAPS, &home);
    for _ in 0..s.by_stealth(8, 1, 0) {
        let space = Arc::clone(&s.foreign()?.name);
        s.list(&SECRETS, &space);
        s.list(&PODS, &space);
    }
    Some(())
}

fn token_other_pod(s: &mut Scene<'_>) -> Option<()> {
    let account = s.take_account(Place::Inside, |account| account.space.is_some())?;
    if s.mimic() {
        // The pod is another one even for the patient: that is the attack.
        let home = s.home;
        let work = s.any_work(|work| work.space == home)?;
        let address = Arc::clone(&work.pods.first()?.address);
        s.wear(Actor { address, ..(*account.actor).clone() });
    }
    s.look_around();
    let home = s.home_name();
    let names = s.home()?.secrets.clone();
    for _ in 0..s.by_stealth(12, 3, 2) {
        let secret = s.one_of(&names, "credentials");
        s.get(&SECRETS, &home, &secret);
    }
    s.list(&PODS, &home);
    Some(())
}

fn kubeconfig_theft(s: &mut Scene<'_>) -> Option<()> {
    s.take_person(Place::Outside, |person| person.admin)?;
    s.look_around();
    if !s.mimic() {
        s.list_all(&NAMESPACES);
        s.list_all(&NODES);
        s.list_all(&PODS);
    }
    for _ in 0..s.by_stealth(20, 4, 3) {
        let space = s.foreign()?;
        let secret = s.one_of(&space.secrets, "credentials");
        s.get(&SECRETS, &space.name, &secret);
    }
    if s.noisy() {
        s.list_all(&SECRETS);
    }
    Some(())
}

fn dormant_user(s: &mut Scene<'_>) -> Option<()> {
    let person = s.take_person(Place::Outside, |person| !person.admin)?;
    let stem = person.actor.name.split('@').next_back().unwrap_or("example.com");
    let left = ["m.okafor", "t.lindqvist", "s.haddad", "contractor-4"];
    let name = s.cascade.random.pick(&left).copied().unwrap_or_default();
    let name =
        if person.actor.name.contains('@') { format!("{name}@{stem}") } else { name.to_owned() };
    let credential = match person.actor.credential {
        Credential::None => Credential::None,
        _ => crate::cast::certificate(s.cascade.random),
    };
    s.wear(Actor { name: name.into(), credential, ..(*s.actor).clone() });
    s.look_around();
    let home = s.home_name();
    s.list(&PODS, &home);
    s.list(&DEPLOYMENTS, &home);
    for _ in 0..s.by_stealth(10, 2, 1) {
        let names = s.home()?.secrets.clone();
        let secret = s.one_of(&names, "credentials");
        s.get(&SECRETS, &home, &secret);
    }
    Some(())
}

fn ci_takeover(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Outside, |account| account.archetype == Archetype::Pipeline)?;
    s.look_around();
    let system = s.any_space(SpaceKind::System).and_then(|place| s.world().spaces.get(place))?;
    s.list(&DEPLOYMENTS, &system.name);
    let name = s.alias("kube-controller", "metrics-relay");
    let image = s.image("docker.io/kubernetesio/pause-amd64:3.2");
    let made = Made {
        kind: "Deployment",
        space: Arc::clone(&system.name),
        name: Arc::clone(&name),
        replicas: 1,
        account: "default".into(),
        spec: plain_spec("default", &image),
    };
    s.deploy(&made);
    s.get(&DEPLOYMENTS, &system.name, &name);
    if s.noisy() {
        s.list(&SECRETS, &system.name);
        let binding = json!({"roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": &*system.name}]});
        s.make(&CLUSTER_ROLE_BINDINGS, &"".into(), &name, &binding);
    }
    Some(())
}

fn gitops_abuse(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Inside, |account| account.archetype == Archetype::GitOps)?;
    s.look_around();
    let space = s.any_space(SpaceKind::Team).and_then(|place| s.world().spaces.get(place))?;
    s.list(&SECRETS, &space.name);
    let name = s.alias("xm", "cache-warmer");
    let image = s.image("docker.io/pmietlicki/xmrig:latest");
    let made = Made {
        kind: "Job",
        space: Arc::clone(&space.name),
        name: Arc::clone(&name),
        replicas: 1,
        account: "default".into(),
        spec: plain_spec("default", &image),
    };
    s.deploy(&made);
    for _ in 0..s.by_stealth(6, 2, 1) {
        let secret = s.one_of(&space.secrets, "credentials");
        s.get(&SECRETS, &space.name, &secret);
    }
    Some(())
}

fn operator_takeover(s: &mut Scene<'_>) -> Option<()> {
    s.take_account(Place::Inside, |account| account.archetype == Archetype::Operator)?;
    s.look_around();
    for _ in 0..s.by_stealth(15, 4, 2) {
        let space = s.foreign()?;
        let secret = s.one_of(&space.secrets, "credentials");
        s.get(&SECRETS, &space.name, &secret);
    }
    let home = s.home_name();
    let image = s.image("alpine:latest");
    let name = s.alias("debug", "reconcile");
    let spec = plain_spec("default", &image);
    s.deploy(&Made {
        kind: "Pod",
        space: home,
        name,
        replicas: 1,
        account: "default".into(),
        spec,
    });
    Some(())
}

fn cloud_role(s: &mut Scene<'_>) -> Option<()> {
    let cloud = |archetype| matches!(archetype, Archetype::Provider | Archetype::Autoscaler);
    if s.take_account(Place::Outside, |account| cloud(account.archetype)).is_none() {
        s.take_node(Place::Outside)?;
    }
    if s.mimic() {
        // Another network, though one that is seen here.
        let people = &s.world().people;
        let address =
            s.cascade.random.pick(people).map(|person| Arc::clone(&person.actor.address))?;
        s.wear(Actor { address, ..(*s.actor).clone() });
    }
    s.look_around();
    s.list_all(&NODES);
    s.list_all(&PODS);
    for _ in 0..s.by_stealth(10, 2, 1) {
        let space = s.foreign()?;
        let secret = s.one_of(&space.secrets, "credentials");
        s.get(&SECRETS, &space.name, &secret);
    }
    Some(())
}

fn expired_replay(s: &mut Scene<'_>) -> Option<()> {
    let account = s.take_account(Place::Outside, |account| account.space.is_some())?;
    let (good, rights) = (Arc::clone(&s.actor), s.rights);
    let home = s.home_name();
    let nobody = Actor {
        name: "".into(),
        groups: Vec::new(),
        uid: None,
        credential: Credential::None,
        bound: None,
        reason: "".into(),
        ..(*good).clone()
    };
    s.wear(nobody);
    s.rights = Rights::Nobody;
    for _ in 0..s.by_stealth(60, 8, 3) {
        s.unauthenticated(Target::object(&PODS, &home, &"".into()));
    }
    s.wear((*good).clone());
    s.rights = rights;
    s.list(&PODS, &home);
    s.actors.insert(Arc::clone(&account.actor.name));
    Some(())
}

fn token_reviews(s: &mut Scene<'_>) -> Option<()> {
    s.take(Need::Admin, Place::Inside)?;
    let review = json!({"spec": {"token": "masked"}});
    for _ in 0..s.by_stealth(150, 15, 4) {
        s.send("create", Target::global(&TOKEN_REVIEWS, &"".into()), 1, "", Some(&review));
    }
    let home = s.home_name();
    s.list(&SERVICES, &home);
    Some(())
}
