//! What can be switched and set. Every piece has a switch, because a piece that earns nothing in the
//! table of ablations must go.

use serde::{Deserialize, Serialize};

/// Settings of a learner. They are part of no saved state: they may change with a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Incidents that may be told per day.
    pub budget: f64,
    /// Incidents that may be told at once after quiet days.
    pub burst: f64,
    /// Identities with a history of their own.
    pub most_people: usize,
    /// Kinds of a thing that are kept per context.
    pub most_kinds: usize,
    /// Different requests of one hour that are kept apart.
    pub most_in_hour: usize,
    /// Hours that score less are not given out.
    pub floor: f64,
    /// Compare with peers.
    pub peers: bool,
    /// Compare with the whole cluster.
    pub cluster: bool,
    /// Use what is known of Kubernetes beforehand.
    pub prior: bool,
    /// Programs.
    pub programs: bool,
    /// Where requests come from.
    pub sources: bool,
    /// Names of sensitive objects.
    pub objects: bool,
    /// Hours of the week, of people and pipelines.
    pub hours: bool,
    /// What follows what, of people and pipelines.
    pub pairs: bool,
    /// What workloads are made of.
    pub shapes: bool,
    /// Namespaces.
    pub namespaces: bool,
    /// All sides together.
    pub wholes: bool,
    /// New identities.
    pub newcomers: bool,
    /// How much is done per hour.
    pub rates: bool,
    /// Little by little over days.
    pub slow: bool,
    /// Weights of actions that matter.
    pub weights: bool,
    /// The same by many alike is a rollout.
    pub cohorts: bool,
    /// Strange hours teach nothing at once.
    pub quarantine: bool,
    /// Scores are made comparable between classes.
    pub calibration: bool,
    /// A lasting change of what an identity does is one incident.
    pub drift: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            budget: 1.0,
            burst: 3.0,
            most_people: 20_000,
            most_kinds: 4_096,
            most_in_hour: 400_000,
            floor: 0.5,
            peers: true,
            cluster: true,
            prior: true,
            programs: true,
            sources: true,
            objects: true,
            hours: true,
            pairs: true,
            shapes: true,
            namespaces: true,
            wholes: true,
            newcomers: true,
            rates: true,
            slow: true,
            weights: true,
            cohorts: true,
            quarantine: true,
            calibration: true,
            drift: true,
        }
    }
}
