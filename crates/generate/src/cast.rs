//! The identities that every cluster has: the components of the control plane as a kube-apiserver
//! 1.33 logs them, the administrator, and the pipeline.

use crate::{
    act::{Actor, Credential, Id, Text},
    generator::reason,
    profile::Profile,
    random::Random,
};
use std::sync::Arc;

/// `kubernetes/…` of user agents.
pub(crate) const BUILD: &str = "v1.33.4 (linux/amd64) kubernetes/4ad8a7f";

/// Controllers of the controller manager, by their place in [`CONTROLLERS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
    EndpointSlice,
    GarbageCollector,
    Namespace,
    ServiceAccount,
    RootCertificate,
    PodCollector,
    Node,
}

/// Their service accounts.
pub(crate) const CONTROLLERS: [&str; 13] = [
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "daemon-set-controller",
    "job-controller",
    "cronjob-controller",
    "endpointslice-controller",
    "generic-garbage-collector",
    "namespace-controller",
    "service-account-controller",
    "root-ca-cert-publisher",
    "pod-garbage-collector",
    "node-controller",
];

/// The identities that every cluster has.
#[derive(Debug)]
pub(crate) struct Cast {
    /// The API servers: each with the name and uid of its lease.
    pub(crate) servers: Vec<(Arc<Actor>, Text, Id)>,
    pub(crate) scheduler: Arc<Actor>,
    pub(crate) manager: Arc<Actor>,
    pub(crate) controllers: Vec<Arc<Actor>>,
    pub(crate) admin: Arc<Actor>,
    /// A service account that deploys from outside, with a token of a secret.
    pub(crate) pipeline: Arc<Actor>,
    /// Leases of scheduler and controller manager.
    pub(crate) leases: [Id; 2],
    pub(crate) system: Text,
    pub(crate) node_leases: Text,
    pub(crate) empty: Text,
}

impl Cast {
    pub(crate) fn new(profile: &Profile, random: &mut Random) -> Cast {
        let servers = (0..profile.servers.max(1)).map(|place| api_server(place as u8, random));
        let servers = servers.collect();
        let manager = component("kube-controller-manager", "kube-controller-manager", random);
        let controllers = CONTROLLERS.iter().map(|name| controller(name, random)).collect();
        Cast {
            servers,
            scheduler: component("kube-scheduler", "scheduler", random),
            manager,
            controllers,
            admin: Arc::new(Actor {
                name: "kubernetes-admin".into(),
                groups: vec!["kubeadm:cluster-admins".into(), "system:authenticated".into()],
                credential: certificate(random),
                address: "10.0.0.10".into(),
                agent: format!("kubectl/{BUILD}").into(),
                reason: reason(
                    "ClusterRoleBinding \"kubeadm:cluster-admins\"",
                    "ClusterRole \"cluster-admin\"",
                    "Group \"kubeadm:cluster-admins\"",
                ),
                ..Actor::default()
            }),
            pipeline: Arc::new(Actor {
                name: "system:serviceaccount:ci:deployer".into(),
                uid: Some(random.id()),
                groups: account_groups("ci"),
                credential: Credential::Token(random.id()),
                address: "192.0.2.40".into(),
                agent: "Helm/3.17.3".into(),
                reason: reason(
                    "ClusterRoleBinding \"ci-deployer\"",
                    "ClusterRole \"ci-deployer\"",
                    "ServiceAccount \"deployer/ci\"",
                ),
                ..Actor::default()
            }),
            leases: [random.id(), random.id()],
            system: "kube-system".into(),
            node_leases: "kube-node-lease".into(),
            empty: "".into(),
        }
    }

    /// A controller.
    pub(crate) fn controller(&self, which: Controller) -> Arc<Actor> {
        self.controllers.get(which as usize).map_or_else(|| Arc::clone(&self.manager), Arc::clone)
    }
}

/// A new certificate.
pub(crate) fn certificate(random: &mut Random) -> Credential {
    Credential::Certificate([random.word(), random.word(), random.word(), random.word()])
}

/// Groups of a service account.
pub(crate) fn account_groups(namespace: &str) -> Vec<Text> {
    vec![
        "system:serviceaccounts".into(),
        format!("system:serviceaccounts:{namespace}").into(),
        "system:authenticated".into(),
    ]
}

fn api_server(place: u8, random: &mut Random) -> (Arc<Actor>, Text, Id) {
    let actor = Actor {
        name: "system:apiserver".into(),
        uid: Some(random.id()),
        groups: vec!["system:authenticated".into(), "system:masters".into()],
        address: "127.0.0.1".into(),
        agent: format!("kube-apiserver/{BUILD}").into(),
        server: place,
        ..Actor::default()
    };
    (Arc::new(actor), format!("apiserver-{}", random.suffix(26)).into(), random.id())
}

fn component(name: &str, part: &str, random: &mut Random) -> Arc<Actor> {
    let user = format!("system:{name}");
    Arc::new(Actor {
        groups: vec!["system:authenticated".into()],
        credential: certificate(random),
        address: "127.0.0.1".into(),
        agent: format!("{name}/{BUILD}/{part}").into(),
        reason: reason(
            &format!("ClusterRoleBinding \"{user}\""),
            &format!("ClusterRole \"{user}\""),
            &format!("User \"{user}\""),
        ),
        name: user.into(),
        ..Actor::default()
    })
}

fn controller(name: &str, random: &mut Random) -> Arc<Actor> {
    let user = format!("system:serviceaccount:kube-system:{name}");
    Arc::new(Actor {
        uid: Some(random.id()),
        groups: account_groups("kube-system"),
        credential: Credential::Token(random.id()),
        address: "127.0.0.1".into(),
        agent: format!("kube-controller-manager/{BUILD}/{user}").into(),
        reason: reason(
            &format!("ClusterRoleBinding \"system:controller:{name}\""),
            &format!("ClusterRole \"system:controller:{name}\""),
            &format!("ServiceAccount \"{name}/kube-system\""),
        ),
        name: user.into(),
        ..Actor::default()
    })
}
