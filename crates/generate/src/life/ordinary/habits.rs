//! What programs of each sort ask of the API when nothing happens, from what such programs really
//! call: watches that are renewed every few minutes, leases, resyncs, status writes.

use super::super::Archetype;
use crate::resource::{
    APPLICATIONS, BACKUPS, CERTIFICATES, CONFIG_MAPS, CORE_EVENTS, CRON_JOBS, CUSTOMS, DAEMON_SETS,
    DEPLOYMENTS, ENDPOINT_SLICES, INGRESSES, JOBS, LEASES, NAMESPACES, NODES, PODS, REPLICA_SETS,
    Resource, SECRETS, SERVICE_ACCOUNTS, SERVICES, STATEFUL_SETS, TOKEN_REVIEWS, VOLUME_CLAIMS,
    VOLUMES, WORKFLOWS,
};

/// What a habit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// All of the cluster.
    All,
    /// Its own namespace.
    Own,
    /// An object of its own namespace that bears its name.
    Named,
    /// Each team's namespace, for so many of a thousand of them.
    Teams(usize),
    /// A secret in each team's namespace, for so many of a thousand of them.
    TeamSecrets(usize),
    /// The node on which it runs.
    Node,
    /// A path.
    Path(&'static str),
}

/// One sort of request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    pub(super) verb: &'static str,
    pub(super) resource: &'static Resource,
    pub(super) part: &'static str,
    pub(super) place: Place,
    /// Thousandths of a request in an hour.
    pub(super) milli: i64,
}

const fn habit(
    verb: &'static str,
    resource: &'static Resource,
    part: &'static str,
    place: Place,
    milli: i64,
) -> Habit {
    Habit { verb, resource, part, place, milli }
}

use Place::{All, Named, Node, Own, Path, TeamSecrets, Teams};

static GITOPS: &[Habit] = &[
    habit("watch", &APPLICATIONS, "", All, 8_000),
    habit("list", &APPLICATIONS, "", Own, 20_000),
    habit("patch", &APPLICATIONS, "status", Named, 60_000),
    habit("get", &DEPLOYMENTS, "", Teams(1000), 3_000),
    habit("list", &SERVICES, "", Teams(600), 1_000),
    habit("watch", &DEPLOYMENTS, "", All, 8_000),
    habit("watch", &PODS, "", All, 8_000),
    habit("watch", &SECRETS, "", Own, 8_000),
    habit("list", &SECRETS, "", Own, 2_000),
    habit("get", &CONFIG_MAPS, "", Named, 12_000),
    habit("create", &CORE_EVENTS, "", Own, 2_500),
    habit("get", &LEASES, "", Named, 900_000),
    habit("update", &LEASES, "", Named, 900_000),
    habit("get", &PODS, "", Path("/api?timeout=32s"), 6_000),
];
static CERTIFIER: &[Habit] = &[
    habit("watch", &CERTIFICATES, "", All, 8_000),
    habit("watch", &SECRETS, "", All, 8_000),
    habit("watch", &INGRESSES, "", All, 8_000),
    habit("get", &SECRETS, "", TeamSecrets(500), 250),
    habit("update", &SECRETS, "", TeamSecrets(300), 4),
    habit("update", &CERTIFICATES, "status", Teams(300), 60),
    habit("create", &CORE_EVENTS, "", Teams(300), 20),
    habit("get", &LEASES, "", Named, 1_800_000),
    habit("update", &LEASES, "", Named, 1_800_000),
];
static MONITOR: &[Habit] = &[
    habit("watch", &NODES, "", All, 8_000),
    habit("watch", &PODS, "", All, 8_000),
    habit("watch", &SERVICES, "", All, 8_000),
    habit("watch", &ENDPOINT_SLICES, "", All, 8_000),
    habit("list", &PODS, "", All, 400),
    habit("list", &NODES, "", All, 400),
    habit("watch", &JOBS, "", All, 8_000),
    habit("watch", &SECRETS, "", Own, 8_000),
    habit("get", &PODS, "", Path("/metrics"), 120_000),
    habit("create", &TOKEN_REVIEWS, "", All, 30_000),
];
static ROUTER: &[Habit] = &[
    habit("watch", &INGRESSES, "", All, 8_000),
    habit("watch", &SERVICES, "", All, 8_000),
    habit("watch", &ENDPOINT_SLICES, "", All, 8_000),
    habit("watch", &SECRETS, "", All, 8_000),
    habit("update", &INGRESSES, "status", Teams(300), 40),
    habit("get", &CONFIG_MAPS, "", Named, 1_000),
    habit("get", &LEASES, "", Named, 480_000),
    habit("update", &LEASES, "", Named, 480_000),
];
static AGENT: &[Habit] = &[
    habit("watch", &PODS, "", All, 8_000),
    habit("get", &NODES, "", Node, 12_000),
    habit("watch", &NAMESPACES, "", All, 8_000),
    habit("get", &CONFIG_MAPS, "", Named, 500),
    habit("list", &SERVICES, "", All, 300),
];
static OPERATOR: &[Habit] = &[
    habit("watch", &CUSTOMS, "", All, 8_000),
    habit("get", &CUSTOMS, "", Teams(400), 2_000),
    habit("patch", &CUSTOMS, "status", Teams(400), 1_500),
    habit("watch", &STATEFUL_SETS, "", All, 8_000),
    habit("get", &STATEFUL_SETS, "", Teams(400), 1_500),
    habit("get", &SECRETS, "", TeamSecrets(400), 900),
    habit("get", &SERVICES, "", Teams(400), 600),
    habit("update", &STATEFUL_SETS, "", Teams(200), 6),
    habit("create", &CORE_EVENTS, "", Teams(400), 80),
    habit("get", &VOLUME_CLAIMS, "", Teams(300), 200),
    habit("get", &LEASES, "", Named, 900_000),
    habit("update", &LEASES, "", Named, 900_000),
];
static SCALER: &[Habit] = &[
    habit("list", &NODES, "", All, 40_000),
    habit("watch", &PODS, "", All, 8_000),
    habit("watch", &REPLICA_SETS, "", All, 8_000),
    habit("watch", &DAEMON_SETS, "", All, 8_000),
    habit("update", &CONFIG_MAPS, "", Named, 340_000),
    habit("get", &CONFIG_MAPS, "", Named, 340_000),
    habit("get", &LEASES, "", Named, 1_800_000),
    habit("update", &LEASES, "", Named, 1_800_000),
];
static KEEPER: &[Habit] = &[
    habit("watch", &BACKUPS, "", Own, 8_000),
    habit("list", &BACKUPS, "", Own, 6_000),
    habit("patch", &BACKUPS, "", Named, 1_000),
    habit("get", &SECRETS, "", Named, 200),
    habit("list", &NAMESPACES, "", All, 500),
];
static STARTER: &[Habit] = &[
    habit("watch", &WORKFLOWS, "", All, 8_000),
    habit("patch", &WORKFLOWS, "status", Teams(500), 6_000),
    habit("watch", &PODS, "", All, 8_000),
    habit("list", &CRON_JOBS, "", All, 2_000),
    habit("get", &SERVICE_ACCOUNTS, "", Teams(300), 300),
    habit("get", &LEASES, "", Named, 720_000),
    habit("update", &LEASES, "", Named, 720_000),
];
static PROVIDER: &[Habit] = &[
    habit("list", &NODES, "", All, 30_000),
    habit("patch", &NODES, "status", Node, 3_000),
    habit("watch", &SERVICES, "", All, 8_000),
    habit("get", &CONFIG_MAPS, "", Named, 60_000),
    habit("list", &VOLUMES, "", All, 600),
    habit("update", &LEASES, "", Named, 600_000),
];
static QUIET: &[Habit] = &[];
static LEADER: &[Habit] = &[
    habit("get", &LEASES, "", Named, 480_000),
    habit("update", &LEASES, "", Named, 480_000),
    habit("watch", &CONFIG_MAPS, "", Own, 8_000),
];
static READER: &[Habit] = &[
    habit("list", &PODS, "", Own, 30_000),
    habit("watch", &ENDPOINT_SLICES, "", Own, 8_000),
    habit("get", &CONFIG_MAPS, "", Named, 700),
];
static CONFIGURED: &[Habit] =
    &[habit("get", &SECRETS, "", Named, 600), habit("get", &CONFIG_MAPS, "", Named, 1_200)];

/// The habits of a program of the platform.
pub(super) fn of_program(archetype: Archetype) -> &'static [Habit] {
    match archetype {
        Archetype::GitOps => GITOPS,
        Archetype::Certificates => CERTIFIER,
        Archetype::Monitoring => MONITOR,
        Archetype::Ingress => ROUTER,
        Archetype::NodeAgent => AGENT,
        Archetype::Operator => OPERATOR,
        Archetype::Autoscaler => SCALER,
        Archetype::Backup => KEEPER,
        Archetype::Scheduler => STARTER,
        Archetype::Provider => PROVIDER,
        Archetype::Pipeline | Archetype::Application => QUIET,
    }
}

/// The habits of an application: most never use the API.
pub(super) fn of_app(of_thousand: usize) -> &'static [Habit] {
    match of_thousand {
        0..620 => QUIET,
        620..760 => LEADER,
        760..880 => READER,
        _ => CONFIGURED,
    }
}

/// The habits of controllers of the control plane, by name, beside what they do because of others.
pub(super) static CONTROLLERS: &[(&str, &[Habit])] = &[
    (
        "kube-controller-manager",
        &[
            habit("get", &LEASES, "", Named, 1_800_000),
            habit("update", &LEASES, "", Named, 1_800_000),
        ],
    ),
    (
        "kube-scheduler",
        &[
            habit("get", &LEASES, "", Named, 1_800_000),
            habit("update", &LEASES, "", Named, 1_800_000),
            habit("watch", &PODS, "", All, 8_000),
        ],
    ),
    ("namespace-controller", &[habit("get", &NAMESPACES, "", Path("/apis"), 12_000)]),
    ("generic-garbage-collector", &[habit("get", &PODS, "", Path("/apis"), 120_000)]),
    ("resourcequota-controller", &[habit("get", &PODS, "", Path("/apis"), 120_000)]),
    ("node-controller", &[habit("patch", &NODES, "status", Node, 100)]),
    ("endpointslice-controller", &[habit("update", &ENDPOINT_SLICES, "", Teams(500), 300)]),
    ("deployment-controller", &[habit("update", &DEPLOYMENTS, "status", Teams(300), 60)]),
    ("horizontal-pod-autoscaler", &[habit("list", &PODS, "", Teams(300), 240_000)]),
    ("disruption-controller", &[habit("get", &PODS, "", Teams(200), 30)]),
    // These only follow what others do.
    ("replicaset-controller", &[]),
    ("statefulset-controller", &[]),
    ("daemon-set-controller", &[]),
    ("job-controller", &[]),
    ("cronjob-controller", &[]),
    ("service-account-controller", &[]),
    ("root-ca-cert-publisher", &[]),
    ("certificate-controller", &[]),
    ("pod-garbage-collector", &[]),
    ("service-controller", &[]),
    ("cloud-node-lifecycle-controller", &[]),
    ("clusterrole-aggregation-controller", &[]),
    ("tokens-controller", &[]),
];

/// The habits of a kubelet.
pub(super) static KUBELET: &[Habit] = &[
    habit("update", &LEASES, "", Node, 360_000),
    habit("patch", &NODES, "status", Node, 12_000),
    habit("get", &NODES, "", Node, 350_000),
    habit("watch", &PODS, "", All, 8_000),
    habit("watch", &CONFIG_MAPS, "", Teams(300), 5_000),
    habit("watch", &SECRETS, "", Teams(300), 5_000),
    habit("watch", &SERVICES, "", All, 8_000),
];
