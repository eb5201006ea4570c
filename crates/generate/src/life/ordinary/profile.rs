//! Which clusters live: sizes, habits, providers and how often something odd happens. Data, so that
//! they can be named, split into those to tune on and those that are held out, and compared.

use super::super::Archetype;
use crate::{
    calendar::{Moment, SECOND},
    profile::Level,
};

/// Whose cluster it is: it decides names of identities and machines, and addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Set up by its owners.
    Own,
    /// Amazon EKS.
    Eks,
    /// Azure AKS.
    Aks,
    /// Google GKE.
    Gke,
    /// A small one at the edge.
    Edge,
}

/// A cluster that lives for weeks.
#[derive(Clone, Debug)]
pub struct LifeProfile {
    /// Its name in tables.
    pub name: &'static str,
    /// A Monday at midnight, UTC.
    pub start: Moment,
    /// How long it lives.
    pub days: i64,
    /// What is logged.
    pub level: Level,
    /// Whose it is.
    pub cloud: Cloud,
    /// Nodes.
    pub machines: usize,
    /// Teams.
    pub teams: usize,
    /// Namespaces of each.
    pub spaces: usize,
    /// Applications in each namespace.
    pub apps: usize,
    /// People of each team, and as many again for three teams who run the platform.
    pub people: usize,
    /// Programs of the platform.
    pub programs: &'static [Archetype],
    /// Pipelines that deploy.
    pub pipelines: usize,
    /// Commits that each deploys on a working day.
    pub commits: usize,
    /// Namespaces that are made for a review on a working day, and deleted the next.
    pub previews: usize,
    /// Jobs by the clock in each namespace.
    pub crons: usize,
    /// Batch jobs and workflows that a scheduler starts in an hour of work.
    pub batches: usize,
    /// Machines come and go with the load.
    pub scaling: bool,
    /// Something odd that is no attack, in 28 days.
    pub oddities: usize,
    /// Hours that people's clocks are ahead of UTC.
    pub zone: i64,
    /// Changes are made in two nights of a week only.
    pub windows: bool,
}

/// Profiles to tune on. FROZEN before the first learner, as is [`HELD_OUT`].
pub const DEVELOPMENT: [&str; 5] = ["gitops", "tenants", "batch", "eks", "ci"];
/// Profiles that nothing is tuned on: two clouds, the edge, and a bank with change windows.
pub const HELD_OUT: [&str; 4] = ["aks", "gke", "edge", "bank"];
/// Only to measure speed and memory: 2,000 principals.
pub const LARGE: &str = "campus";

use Archetype as A;

const USUAL: &[Archetype] = &[
    A::GitOps,
    A::Certificates,
    A::Monitoring,
    A::Ingress,
    A::NodeAgent,
    A::NodeAgent,
    A::Operator,
    A::Backup,
];
const CLOUDY: &[Archetype] = &[
    A::GitOps,
    A::Certificates,
    A::Monitoring,
    A::Monitoring,
    A::Ingress,
    A::NodeAgent,
    A::NodeAgent,
    A::NodeAgent,
    A::Operator,
    A::Operator,
    A::Autoscaler,
    A::Backup,
    A::Provider,
    A::Provider,
];
const WORKERS: &[Archetype] = &[
    A::Monitoring,
    A::NodeAgent,
    A::NodeAgent,
    A::Operator,
    A::Operator,
    A::Autoscaler,
    A::Scheduler,
    A::Certificates,
];
const BUILDERS: &[Archetype] =
    &[A::Monitoring, A::Ingress, A::NodeAgent, A::Certificates, A::Operator, A::Scheduler];
const SPARE: &[Archetype] = &[A::GitOps, A::Monitoring, A::NodeAgent, A::Ingress];

impl LifeProfile {
    /// All of them.
    pub fn all() -> impl Iterator<Item = LifeProfile> {
        let names = DEVELOPMENT.into_iter().chain(HELD_OUT).chain([LARGE]);
        names.filter_map(LifeProfile::named)
    }

    /// A profile by its name.
    pub fn named(name: &str) -> Option<LifeProfile> {
        let small = LifeProfile {
            name: "gitops",
            start: 1_772_409_600 * SECOND,
            days: 28,
            level: Level::Metadata,
            cloud: Cloud::Own,
            machines: 5,
            teams: 2,
            spaces: 2,
            apps: 5,
            people: 4,
            programs: USUAL,
            pipelines: 0,
            commits: 3,
            previews: 0,
            crons: 1,
            batches: 0,
            scaling: false,
            oddities: 7,
            zone: 1,
            windows: false,
        };
        let one = match name {
            "gitops" => small,
            "tenants" => LifeProfile {
                name: "tenants",
                machines: 24,
                teams: 12,
                spaces: 3,
                apps: 6,
                people: 6,
                pipelines: 4,
                commits: 8,
                scaling: true,
                oddities: 12,
                zone: 2,
                ..small
            },
            "batch" => LifeProfile {
                name: "batch",
                machines: 16,
                teams: 3,
                spaces: 2,
                apps: 3,
                people: 7,
                programs: WORKERS,
                pipelines: 1,
                crons: 3,
                batches: 18,
                scaling: true,
                oddities: 8,
                zone: -5,
                ..small
            },
            "eks" => LifeProfile {
                name: "eks",
                cloud: Cloud::Eks,
                machines: 12,
                teams: 4,
                spaces: 2,
                apps: 7,
                people: 6,
                programs: CLOUDY,
                pipelines: 2,
                commits: 6,
                previews: 1,
                scaling: true,
                oddities: 9,
                zone: -7,
                ..small
            },
            "ci" => LifeProfile {
                name: "ci",
                machines: 10,
                teams: 5,
                spaces: 2,
                apps: 4,
                people: 8,
                programs: BUILDERS,
                pipelines: 5,
                commits: 14,
                previews: 5,
                batches: 6,
                oddities: 9,
                zone: 0,
                ..small
            },
            other => return held_out(other, &small),
        };
        Some(one)
    }

    /// The end of its life.
    pub fn end(&self) -> Moment {
        self.start + self.days * crate::calendar::DAY
    }
}

fn held_out(name: &str, small: &LifeProfile) -> Option<LifeProfile> {
    Some(match name {
        "aks" => LifeProfile {
            name: "aks",
            cloud: Cloud::Aks,
            machines: 9,
            teams: 5,
            spaces: 2,
            apps: 5,
            people: 5,
            programs: CLOUDY,
            pipelines: 3,
            commits: 5,
            scaling: true,
            oddities: 9,
            zone: 1,
            ..small.clone()
        },
        "gke" => LifeProfile {
            name: "gke",
            cloud: Cloud::Gke,
            machines: 14,
            teams: 6,
            spaces: 2,
            apps: 6,
            people: 5,
            programs: CLOUDY,
            pipelines: 2,
            commits: 9,
            previews: 2,
            batches: 4,
            scaling: true,
            oddities: 10,
            zone: 9,
            ..small.clone()
        },
        "edge" => LifeProfile {
            name: "edge",
            cloud: Cloud::Edge,
            machines: 3,
            teams: 1,
            spaces: 2,
            apps: 4,
            people: 2,
            programs: SPARE,
            commits: 1,
            oddities: 5,
            zone: 3,
            ..small.clone()
        },
        "bank" => LifeProfile {
            name: "bank",
            machines: 20,
            teams: 8,
            spaces: 3,
            apps: 5,
            people: 5,
            programs: USUAL,
            pipelines: 4,
            commits: 6,
            crons: 3,
            oddities: 8,
            windows: true,
            ..small.clone()
        },
        "campus" => LifeProfile {
            name: "campus",
            machines: 60,
            teams: 40,
            spaces: 4,
            apps: 10,
            people: 7,
            programs: CLOUDY,
            pipelines: 12,
            commits: 10,
            scaling: true,
            oddities: 20,
            ..small.clone()
        },
        _ => return None,
    })
}
