//! What lives in the invented cluster right now. Nothing of the past is kept, so memory follows the
//! cluster and not the log.

use crate::{
    act::{Actor, Id, Text},
    calendar::Moment,
    slab::{Key, Slab},
};
use std::sync::Arc;

/// A machine.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Text,
    pub(crate) uid: Id,
    pub(crate) address: Text,
    /// Its kubelet.
    pub(crate) kubelet: Arc<Actor>,
    pub(crate) lease: Id,
    pub(crate) born: Moment,
    /// Its number, from which addresses follow.
    pub(crate) number: usize,
    /// Addresses of its pods that are taken, by their last byte.
    pub(crate) taken: [u64; 4],
    pub(crate) pods: Vec<Key>,
    /// The last host address given out: a free address is not used again at once.
    pub(crate) last: usize,
}

/// Most pods on a node.
pub(crate) const MOST_PODS: usize = 110;

impl Node {
    /// Gives out an address for a pod.
    pub(crate) fn lease_address(&mut self) -> usize {
        for step in 1..=252 {
            let host = 2 + (self.last + step) % 252;
            let (word, bit) = (host / 64, 1_u64 << (host % 64));
            if let Some(word) = self.taken.get_mut(word)
                && *word & bit == 0
            {
                *word |= bit;
                self.last += step;
                return host;
            }
        }
        1
    }

    /// Takes it back.
    pub(crate) fn free_address(&mut self, host: usize) {
        if let Some(word) = self.taken.get_mut(host / 64) {
            *word &= !(1 << (host % 64));
        }
    }
}

/// A namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) name: Text,
    pub(crate) uid: Id,
    pub(crate) workloads: Vec<Key>,
    /// Config maps that come and go, the oldest first.
    pub(crate) notes: Vec<Text>,
}

/// Kinds of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    CronJob,
}

/// How the pods of an application use the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Not at all, as most.
    Quiet,
    /// Renews a lease of its own.
    Leader,
    /// Lists and watches pods of its namespace.
    Watcher,
    /// Reads its secret.
    SecretReader,
    /// Deploys what a repository says, as Argo CD does.
    GitOps,
}

/// Something that owns pods directly: a replica set, or the workload itself, or a job.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) kind: &'static str,
    pub(crate) name: Text,
    pub(crate) uid: Id,
    pub(crate) revision: u32,
    pub(crate) wanted: usize,
    pub(crate) pods: Vec<Key>,
    pub(crate) born: Moment,
    /// The label that tells its pods from those of its siblings.
    pub(crate) hash: Text,
}

/// A workload.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) kind: Kind,
    pub(crate) space: Text,
    pub(crate) name: Text,
    pub(crate) uid: Id,
    pub(crate) account: Text,
    pub(crate) account_uid: Id,
    pub(crate) usage: Usage,
    pub(crate) revision: u32,
    pub(crate) replicas: usize,
    /// Replica sets, the newest last; jobs of a cron job; itself for the other kinds.
    pub(crate) owners: Vec<Owner>,
    /// Name and uid of its endpoint slice.
    pub(crate) slice: Option<(Text, Id)>,
    pub(crate) version: u64,
    pub(crate) born: Moment,
    /// A rollout or a scaling is under way.
    pub(crate) rolling: bool,
    /// It is being deleted.
    pub(crate) doomed: bool,
    /// The authorizer's reason for what its account may do.
    pub(crate) reason: Text,
}

/// A pod's token.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) id: Id,
    /// Who its holder is; only for those who use it.
    pub(crate) actor: Option<Arc<Actor>>,
}

/// How far a pod has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Pending,
    Running,
    Succeeded,
    Terminating,
}

/// A pod.
#[derive(Debug)]
pub(crate) struct Pod {
    pub(crate) name: Text,
    pub(crate) uid: Id,
    pub(crate) workload: Key,
    pub(crate) space: Text,
    pub(crate) owner_kind: &'static str,
    pub(crate) owner: Text,
    pub(crate) owner_uid: Id,
    pub(crate) hash: Text,
    pub(crate) revision: u32,
    pub(crate) node: Option<Key>,
    pub(crate) host: usize,
    pub(crate) address: Text,
    /// The scheduler has spoken.
    pub(crate) bound: bool,
    pub(crate) phase: Phase,
    pub(crate) token: Option<Token>,
    pub(crate) version: u64,
    pub(crate) born: Moment,
    /// When it is to be gone, once somebody asked for that.
    pub(crate) until: Moment,
}

/// A human.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) actor: Arc<Actor>,
    /// May change and exec, not only look.
    pub(crate) writes: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    pub(crate) nodes: Slab<Node>,
    /// Nodes that take pods.
    pub(crate) ready: Vec<Key>,
    pub(crate) namespaces: Slab<Namespace>,
    /// Namespaces of applications.
    pub(crate) spaces: Vec<Key>,
    pub(crate) workloads: Slab<Workload>,
    /// Deployments that people and repositories may change.
    pub(crate) deployments: Vec<Key>,
    pub(crate) cron_jobs: Vec<Key>,
    pub(crate) daemons: Vec<Key>,
    pub(crate) pods: Slab<Pod>,
    pub(crate) people: Vec<Person>,
    /// Pods that are still to be set up.
    pub(crate) budget: usize,
    /// Numbers of the last namespace, application, node and preview.
    pub(crate) last_app: usize,
    pub(crate) cron_jobs_planned: usize,
    /// The workload that deploys what the repository says.
    pub(crate) gitops: Option<Key>,
    pub(crate) last_node: usize,
    pub(crate) last_preview: usize,
    /// The resource version of the last write.
    pub(crate) version: u64,
}

impl Cluster {
    /// The version that the next write makes.
    pub(crate) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }
}
