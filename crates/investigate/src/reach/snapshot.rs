//! The cluster at one moment, as the search for attack paths needs it: who holds which rights, what
//! runs where and how near it is to its node.
//!
//! It is plain data of its own, so that the search can be tested on clusters drawn at random and does
//! not change when the twin learns to know more. Names only.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    observed::Surety,
    time::Time,
};

/// The cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The moment.
    pub at: Time,
    /// Where the log begins: uses are counted from here.
    pub since: Time,
    /// Roles.
    pub roles: Vec<Role>,
    /// Bindings.
    pub grants: Vec<Grant>,
    /// Pods.
    pub pods: Vec<Pod>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Service accounts.
    pub accounts: Vec<Account>,
    /// Secrets.
    pub secrets: Vec<Secret>,
    /// Namespaces.
    pub namespaces: Vec<Namespace>,
    /// Users that the log shows, with their groups.
    pub users: Vec<User>,
    /// Admission webhooks or policies that may refuse dangerous pods exist, although what they refuse
    /// is not known.
    pub admission: bool,
    /// What the log does not say about the cluster as a whole, in sentences.
    pub unknowns: Vec<String>,
}

/// A Role or `ClusterRole`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Namespace of a Role; empty for a `ClusterRole`.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// Its rules; where they are not known, what the authorizer was seen to allow by it.
    pub rules: Vec<PolicyRule>,
    /// How sure these rules are.
    pub surety: Surety,
    /// Whether they are all that it has.
    pub whole: bool,
}

/// A `RoleBinding` or `ClusterRoleBinding`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Namespace of a `RoleBinding`; empty for a `ClusterRoleBinding`.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// Place of its role in [`Snapshot::roles`]; `None` if the role is not there.
    pub role: Option<usize>,
    /// Who holds it.
    pub subjects: Vec<Subject>,
    /// How sure it is that it exists at that moment with these subjects.
    pub surety: Surety,
    /// Kubernetes itself made it, with just these subjects and this role.
    pub builtin: bool,
    /// Who used it in the log, most first.
    pub uses: Vec<Use>,
}

/// The use of a grant by one identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Who, as an entity.
    pub who: String,
    /// Requests that it allowed.
    pub count: u64,
    /// First of them.
    pub first: Time,
    /// Last of them.
    pub last: Time,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// Its service account; empty is not known.
    pub account: Str,
    /// Whether it mounts the account's token, if that is known.
    pub token: Option<bool>,
    /// Its node; empty is not known.
    pub node: Str,
    /// Whether its spec is known; if it is not, the settings below are not either.
    pub spec: Surety,
    /// Some container is privileged.
    pub privileged: bool,
    /// `hostPID`
    pub host_pid: bool,
    /// `hostIPC`
    pub host_ipc: bool,
    /// `hostNetwork`
    pub host_network: bool,
    /// `hostPath` volumes.
    pub host_paths: Vec<Str>,
    /// Capabilities that some container adds.
    pub capabilities: Vec<Str>,
    /// Secrets that it mounts or has in its environment.
    pub secrets: Vec<Str>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Name.
    pub name: Str,
    /// Whether it runs the control plane, if that is known.
    pub control_plane: Option<bool>,
}

/// A service account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Namespace.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// How sure it is that it exists.
    pub surety: Surety,
}

/// A secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    /// Namespace.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// The service account whose token it holds, or empty.
    pub account: Str,
    /// How sure it is that it exists.
    pub surety: Surety,
}

/// What Pod Security admission enforces in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PodSecurity {
    /// The log does not say.
    #[default]
    Unknown,
    /// The namespace carries no label.
    Unlabelled,
    /// `privileged`
    Privileged,
    /// `baseline`
    Baseline,
    /// `restricted`
    Restricted,
}

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    /// Name.
    pub name: Str,
    /// What is enforced on its pods.
    pub pod_security: PodSecurity,
}

/// A user that the log shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// User name.
    pub name: Str,
    /// Its groups.
    pub groups: Vec<Str>,
}
