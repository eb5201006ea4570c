//! What there is in the cluster at a moment, as far as somebody who acts in it must know: ordinary life
//! changes it, attacks read it.

use crate::act::{Actor, Text};
use crate::calendar::Moment;
use std::sync::Arc;

/// The cluster now.
#[derive(Debug, Default)]
pub struct World {
    /// Now.
    pub now: Moment,
    /// Namespaces.
    pub spaces: Vec<Space>,
    /// People.
    pub people: Vec<Person>,
    /// Service accounts, pipelines and robots that use the API.
    pub accounts: Vec<Account>,
    /// Workloads with their pods.
    pub works: Vec<Work>,
    /// Nodes.
    pub machines: Vec<Machine>,
    /// Components of the control plane and their controllers, by name.
    pub components: Vec<Arc<Actor>>,
    /// An address that belongs to nobody in the cluster, for those who come from outside.
    pub strangers: Vec<Text>,
}

/// What a namespace is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpaceKind {
    /// `kube-system` and its like.
    System,
    /// Operators, monitoring, deployment tools.
    Platform,
    /// Applications of a team.
    #[default]
    Team,
    /// Gone in hours.
    Preview,
}

/// A namespace.
#[derive(Clone, Debug, Default)]
pub struct Space {
    /// Its name.
    pub name: Text,
    /// What it is for.
    pub kind: SpaceKind,
    /// The team's number; people and namespaces of a team share it.
    pub team: u16,
    /// Names of its secrets.
    pub secrets: Vec<Text>,
    /// Names of its config maps.
    pub config_maps: Vec<Text>,
}

/// A human.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Identity, credential, usual program and address.
    pub actor: Arc<Actor>,
    /// Team.
    pub team: u16,
    /// May do anything.
    pub admin: bool,
    /// May exec and change things in the team's namespaces.
    pub writes: bool,
}

/// What sort of program uses the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Archetype {
    /// A pipeline that deploys from outside.
    Pipeline,
    /// Deploys what a repository says.
    GitOps,
    /// An operator that keeps custom resources in order.
    Operator,
    /// Reads metrics and objects of everything.
    Monitoring,
    /// An agent on every node.
    NodeAgent,
    /// Routes traffic: reads services, endpoints, TLS secrets.
    Ingress,
    /// Makes certificates and the secrets that hold them.
    Certificates,
    /// Adds and removes nodes.
    Autoscaler,
    /// Copies objects away.
    Backup,
    /// Runs jobs and workflows.
    Scheduler,
    /// An application that renews a lease or watches its namespace.
    #[default]
    Application,
    /// A cloud provider's own.
    Provider,
}

/// A machine identity.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Identity as it acts now, with the credential, program and address of one of its pods; for a
    /// pipeline from outside those of its runner.
    pub actor: Arc<Actor>,
    /// Index of its namespace in [`World::spaces`]; none for those outside the cluster.
    pub space: Option<usize>,
    /// Index of the workload in whose pods its token lies.
    pub work: Option<usize>,
    /// What it is.
    pub archetype: Archetype,
    /// May do anything.
    pub admin: bool,
    /// May read secrets, everywhere if it is no application.
    pub reads_secrets: bool,
    /// May create workloads.
    pub deploys: bool,
}

/// A workload.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Index of its namespace in [`World::spaces`].
    pub space: usize,
    /// Its name.
    pub name: Text,
    /// `Deployment`, `StatefulSet`, `DaemonSet`, `CronJob`.
    pub kind: &'static str,
    /// The name of its service account.
    pub account: Text,
    /// Its image, without the tag.
    pub image: Text,
    /// Its pods that run.
    pub pods: Vec<Member>,
}

/// A pod that runs.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// Its name.
    pub name: Text,
    /// Its address.
    pub address: Text,
    /// Index of its node in [`World::machines`].
    pub machine: usize,
}

/// A node.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Its name.
    pub name: Text,
    /// Its address.
    pub address: Text,
    /// Its kubelet.
    pub kubelet: Arc<Actor>,
}
