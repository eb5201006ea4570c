//! What is really there, for tests: whoever rebuilds the cluster from its log can be measured.

use crate::{
    act::{Id, Text},
    cluster::Phase,
    generator::Generator,
};
use std::{collections::BTreeMap, sync::Arc};

/// A pod that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TruePod {
    /// Uid.
    pub uid: Id,
    /// Its node, once bound.
    pub node: Option<Text>,
    /// Its service account.
    pub account: Text,
    /// Its address; empty before it runs.
    pub address: Text,
    /// The token that it holds now.
    pub token: Option<Id>,
    /// It was asked to go.
    pub leaving: bool,
    /// Kind and name of what owns it.
    pub owner: (&'static str, Text),
}

/// The cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Pods by namespace and name.
    pub pods: BTreeMap<(Text, Text), TruePod>,
    /// Nodes by name.
    pub nodes: BTreeMap<Text, Id>,
    /// Namespaces by name.
    pub namespaces: BTreeMap<Text, Id>,
    /// Service accounts of applications by namespace and name.
    pub accounts: BTreeMap<(Text, Text), Id>,
}

impl Generator {
    /// What exists now; after the last act this is the end of the log.
    pub fn truth(&self) -> Truth {
        let mut truth = Truth::default();
        for (_, pod) in self.cluster.pods.iter() {
            let Some(workload) = self.cluster.workloads.get(pod.workload) else { continue };
            let node = pod.node.filter(|_| pod.bound).and_then(|node| self.cluster.nodes.get(node));
            let known = TruePod {
                uid: pod.uid,
                node: node.map(|node| Arc::clone(&node.name)),
                account: Arc::clone(&workload.account),
                address: Arc::clone(&pod.address),
                token: pod.token.as_ref().map(|token| token.id),
                leaving: pod.phase == Phase::Terminating,
                owner: (pod.owner_kind, Arc::clone(&pod.owner)),
            };
            truth.pods.insert((Arc::clone(&pod.space), Arc::clone(&pod.name)), known);
        }
        for (_, node) in self.cluster.nodes.iter() {
            truth.nodes.insert(Arc::clone(&node.name), node.uid);
        }
        for (_, namespace) in self.cluster.namespaces.iter() {
            truth.namespaces.insert(Arc::clone(&namespace.name), namespace.uid);
        }
        for (_, workload) in self.cluster.workloads.iter() {
            let name = (Arc::clone(&workload.space), Arc::clone(&workload.account));
            truth.accounts.insert(name, workload.account_uid);
        }
        truth
    }
}
