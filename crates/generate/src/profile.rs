//! What sort of cluster is invented: sizes, rates and the flaws of its log. A profile is data, so
//! that kinds of clusters can be named, split into development and held-out, and compared.

use crate::calendar::{Moment, SECOND};

/// What the audit policy logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// No bodies.
    #[default]
    Metadata,
    /// Bodies of everything but secrets, config maps and tokens.
    RequestResponse,
}

/// A cluster to be invented.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name in tables.
    pub name: &'static str,
    /// When the log begins.
    pub start: Moment,
    /// How long it is.
    pub length: Moment,
    /// Time that it takes to set everything up, at the beginning of the log.
    pub setup: Moment,
    /// What is logged.
    pub level: Level,
    /// Nodes.
    pub nodes: usize,
    /// Pods that run once all is set up, those of daemon sets among them.
    pub pods: usize,
    /// Pods of a deployment, on average.
    pub replicas: usize,
    /// Applications in a namespace.
    pub apps_per_namespace: usize,
    /// Objects that come or go in a day beside heartbeats and Kubernetes' own events.
    pub churn: usize,
    /// How much of the churn are jobs, in thousandths; rollouts and previews are the rest.
    pub jobs: usize,
    /// How many applications use the API, in thousandths.
    pub api_users: usize,
    /// People who work with kubectl.
    pub people: usize,
    /// Nodes that are replaced in a day.
    pub replaced_nodes: usize,
    /// API servers.
    pub servers: usize,
    /// Between two renewals of a node's lease.
    pub node_lease: Moment,
    /// How wrong the clock of each API server is; those without a value here are right.
    pub skew: Vec<Moment>,
    /// Stretches that the log lost, as times since its start.
    pub gaps: Vec<(Moment, Moment)>,
}

impl Profile {
    /// The profiles' names.
    pub const NAMES: [&'static str; 3] = ["small", "batch", "large"];

    /// A profile by its name.
    pub fn named(name: &str) -> Option<Profile> {
        match name {
            "small" => Some(Profile::small()),
            "batch" => Some(Profile::batch()),
            "large" => Some(Profile::large()),
            _ => None,
        }
    }

    /// A team with a few nodes that deploys from its repository.
    pub fn small() -> Profile {
        Profile {
            name: "small",
            // A Monday, 08:00.
            start: 1_772_438_400 * SECOND,
            length: 3_600 * SECOND,
            setup: 60 * SECOND,
            level: Level::Metadata,
            nodes: 5,
            pods: 60,
            replicas: 3,
            apps_per_namespace: 4,
            churn: 4_000,
            jobs: 400,
            api_users: 250,
            people: 5,
            replaced_nodes: 4,
            servers: 1,
            node_lease: 10 * SECOND,
            skew: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Mostly jobs that live seconds.
    pub fn batch() -> Profile {
        let small = Profile::small();
        Profile {
            name: "batch",
            nodes: 30,
            pods: 400,
            churn: 60_000,
            jobs: 900,
            servers: 2,
            ..small
        }
    }

    /// As large as Kubernetes supports without further thought: 5,000 nodes.
    pub fn large() -> Profile {
        Profile {
            name: "large",
            setup: 600 * SECOND,
            nodes: 5_000,
            pods: 50_000,
            replicas: 8,
            apps_per_namespace: 10,
            churn: 100_000,
            api_users: 100,
            people: 200,
            replaced_nodes: 100,
            servers: 3,
            ..Profile::small()
        }
    }
}
