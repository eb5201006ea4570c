//! What can be reached, as data: things with numbers and samples, paths with the grants they stand
//! on, cuts with what they would break, and what is not known.

use super::edge::EdgeKind;
use serde::{Deserialize, Serialize};
use trailhound_model::{observed::Surety, time::Time};

/// What somebody could reach at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Where the search began, as an entity.
    pub start: String,
    /// The moment.
    pub at: Time,
    /// Where the log begins: uses are counted from here.
    pub since: Time,
    /// The start is known. If it is not, the rest is empty or says only what everybody can reach.
    pub known: bool,
    /// Secrets that could be read.
    pub secrets: Things,
    /// Namespaces whose objects could be changed.
    pub namespaces: Things,
    /// Nodes that could be taken.
    pub nodes: Things,
    /// Identities that could be assumed, the start not counted.
    pub identities: Things,
    /// How sure it is that the whole cluster can be taken; `None` if no way was found.
    pub cluster_admin: Option<Surety>,
    /// Ways to the whole cluster: the surest first, then the shortest; no two end with the same step.
    pub paths: Vec<Path>,
    /// Grants whose removal would take away the most, best first.
    pub cuts: Vec<Cut>,
    /// Grants on the ways that were not measured as cuts, because there were too many.
    pub cuts_left_out: u64,
    /// What is not known and could change the answer, in sentences.
    pub unknowns: Vec<String>,
}

/// Things of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Things {
    /// How many.
    pub count: u64,
    /// Those of them that are proved.
    pub proved: u64,
    /// Those that are inferred.
    pub inferred: u64,
    /// Those of which some step is unknown: nothing says that it works, nothing says that it does not.
    pub unknown: u64,
    /// How many there are in all, reached or not.
    pub of: u64,
    /// Numbers by namespace, most first; empty for what has no namespace.
    pub by_namespace: Vec<InNamespace>,
    /// The first of them: the surest, then the nearest.
    pub samples: Vec<Thing>,
}

/// A number of things in one namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InNamespace {
    /// Namespace.
    pub namespace: String,
    /// How many are reached.
    pub count: u64,
    /// How many it has.
    pub of: u64,
}

/// One thing and how to get there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Thing {
    /// As an entity.
    pub entity: String,
    /// The way.
    pub path: Path,
}

/// A way from the start to something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Path {
    /// As sure as its least sure step.
    pub surety: Surety,
    /// Steps.
    pub steps: Vec<Step>,
}

/// One step of a way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Who or what is held before, as an entity.
    pub from: String,
    /// What is held after, as an entity.
    pub to: String,
    /// The sort of attack.
    pub kind: EdgeKind,
    /// The step in one sentence.
    pub sentence: String,
    /// The grants that it needs, all of them; empty if it needs none.
    pub grants: Vec<GrantRef>,
    /// How sure the step is.
    pub surety: Surety,
}

/// A rule that a grant gives, and whether the grant was ever used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GrantRef {
    /// The binding as an entity: `clusterrolebinding:NAME`, `rolebinding:NAMESPACE/NAME`.
    pub binding: String,
    /// The role as an entity.
    pub role: String,
    /// The rule in words: `get, list secrets (resource names: db)`.
    pub rule: String,
    /// Requests that the grant allowed in the log, by whomever.
    pub uses: u64,
    /// First of them.
    pub first: Option<Time>,
    /// Last of them.
    pub last: Option<Time>,
}

/// What the removal of one grant would take away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// The binding as an entity.
    pub binding: String,
    /// The role as an entity.
    pub role: String,
    /// Ways to the whole cluster that go, of those in [`Reach::paths`].
    pub paths: u64,
    /// The whole cluster is out of reach without it.
    pub ends_cluster_admin: bool,
    /// Secrets that are out of reach without it.
    pub secrets: u64,
    /// Namespaces.
    pub namespaces: u64,
    /// Nodes.
    pub nodes: u64,
    /// Identities.
    pub identities: u64,
    /// Use of the past that would break: by whom, how often. Empty: nobody used it in the log.
    pub breaks: Vec<super::snapshot::Use>,
    /// Identities beyond those in `breaks`.
    pub breaks_left_out: u64,
    /// The command that removes it.
    pub command: String,
}
