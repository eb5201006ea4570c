//! What one record says about the objects of the cluster: taken out of its bodies where they are at
//! hand, so that the twin can be built where they are not.
//!
//! Rules read [`crate::body::Body`], which is what a client *asked for*. This is what *is there*
//! afterwards: the answer of the API server if it was logged, with uids, owners and versions. Names
//! and references only; values of secrets and config maps never come here.

use crate::{
    Str,
    action::Outcome,
    body::{Binding, PolicyRule},
    event::{Event, Position, Stage},
    time::Time,
};
use serde::{Deserialize, Serialize};

/// How sure a fact about the cluster is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Surety {
    /// Nothing in the log says.
    #[default]
    Unknown,
    /// It follows from something that the log says: a status, a cascade, a name.
    Inferred,
    /// A body, an answer of the API server or a reason of the authorizer says so.
    Proved,
}

impl Surety {
    /// The name in JSON and in sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Surety::Unknown => "unknown",
            Surety::Inferred => "inferred",
            Surety::Proved => "proved",
        }
    }
}

/// The record that says something, short enough to be kept with every fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Witness {
    /// When.
    pub time: Time,
    /// `auditID`
    pub audit_id: Str,
    /// Where the record was read.
    pub position: Position,
}

impl Witness {
    /// The record of an event.
    pub fn of(event: &Event) -> Witness {
        Witness { time: event.time, audit_id: event.audit_id.clone(), position: event.position }
    }
}

/// An owner reference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// `kind`
    pub kind: Str,
    /// `name`
    pub name: Str,
    /// `uid`
    pub uid: Str,
    /// `controller`
    pub controller: bool,
}

/// How a record came to say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Said {
    /// The request says it and it succeeded, but the answer was not logged: admission may have
    /// changed it, and a patch says only what it sets.
    #[default]
    Asked,
    /// The answer to a write: this is the object now (for a delete, what it was).
    Answered,
    /// Somebody read it.
    Read,
}

/// A container of a pod or pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerState {
    /// `name`
    pub name: Str,
    /// `image`
    pub image: Str,
    /// `securityContext.privileged`
    pub privileged: bool,
}

/// Names of what a pod uses, and how near it is to its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodSpec {
    /// `serviceAccountName`; empty means the default one, if the object is whole.
    pub service_account: Str,
    /// `automountServiceAccountToken`
    pub automount: Option<bool>,
    /// `nodeName`
    pub node: Str,
    /// All containers: init, ordinary, ephemeral.
    pub containers: Vec<ContainerState>,
    /// Secrets that it mounts, projects or reads into its environment.
    pub secrets: Vec<Str>,
    /// The same of config maps.
    pub config_maps: Vec<Str>,
    /// `imagePullSecrets`
    pub pull_secrets: Vec<Str>,
    /// `persistentVolumeClaim.claimName` of its volumes.
    pub claims: Vec<Str>,
    /// `hostPath` volumes.
    pub host_paths: Vec<Str>,
    /// `hostPID`
    pub host_pid: bool,
    /// `hostIPC`
    pub host_ipc: bool,
    /// `hostNetwork`
    pub host_network: bool,
    /// Capabilities that some container adds.
    pub capabilities: Vec<Str>,
}

/// What is known of an object beside its names. Fields that the record does not say are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nothing that has a form here.
    #[default]
    Bare,
    /// A pod.
    Pod {
        /// Its spec.
        spec: PodSpec,
        /// `status.podIP` and `podIPs`.
        addresses: Vec<Str>,
        /// `status.hostIP`
        host: Str,
        /// `status.phase`
        phase: Str,
    },
    /// Anything with a pod template.
    Workload {
        /// The template's spec.
        spec: PodSpec,
        /// Labels of the template.
        labels: Vec<(Str, Str)>,
        /// `spec.replicas`
        replicas: Option<i64>,
    },
    /// `pods/binding`: the pod goes to this node.
    Bound {
        /// `target.name`
        node: Str,
    },
    /// A role.
    Role {
        /// `rules`; of an aggregated role those that the controller filled in.
        rules: Vec<PolicyRule>,
        /// `aggregationRule.clusterRoleSelectors`, each as the labels that must match.
        aggregation: Vec<Vec<(Str, Str)>>,
        /// A selector that is no plain equality is in the aggregation rule.
        aggregation_complex: bool,
    },
    /// A role binding.
    Binding(Binding),
    /// A service account.
    Account {
        /// `secrets`
        secrets: Vec<Str>,
        /// `imagePullSecrets`
        pull_secrets: Vec<Str>,
        /// `automountServiceAccountToken`
        automount: Option<bool>,
        /// Cloud role that its annotations name, if any.
        cloud_role: Str,
    },
    /// A secret, without what is in it.
    Secret {
        /// `type`
        kind: Str,
        /// `kubernetes.io/service-account.name` of a token's secret.
        account: Str,
    },
    /// A node.
    Node {
        /// `status.addresses`
        addresses: Vec<Str>,
        /// `spec.providerID`
        provider: Str,
    },
    /// A service.
    Service {
        /// `spec.type`
        kind: Str,
        /// `spec.selector`
        selector: Vec<(Str, Str)>,
        /// `spec.clusterIPs`
        addresses: Vec<Str>,
    },
    /// An ingress.
    Ingress {
        /// Hosts of its rules.
        hosts: Vec<Str>,
        /// Services that it leads to.
        services: Vec<Str>,
        /// `spec.tls[].secretName`
        secrets: Vec<Str>,
    },
    /// Admission webhooks or an admission policy.
    Admission {
        /// Where it calls: a URL, or a service as `namespace/name`.
        calls: Vec<Str>,
        /// Failure policies of its webhooks.
        failure_policies: Vec<Str>,
    },
    /// A certificate signing request.
    Certificate {
        /// `spec.username`: who asked, by the API server's own word.
        requester: Str,
        /// `spec.signerName`
        signer: Str,
        /// Common name asked for.
        common_name: Str,
        /// Organizations asked for.
        organizations: Vec<Str>,
        /// Types of its conditions that are true.
        conditions: Vec<Str>,
        /// `X509SHA256=…` of the signed certificate, as a later credential id has it; else empty.
        fingerprint: Str,
    },
    /// A token that was issued.
    Token {
        /// Kind of what it is bound to (`Pod`, `Node`, `Secret`), or empty.
        bound_kind: Str,
        /// Its name.
        bound_name: Str,
        /// Its uid.
        bound_uid: Str,
        /// `status.expirationTimestamp`
        expires: Option<Time>,
        /// `spec.audiences`
        audiences: Vec<Str>,
    },
    /// A Kubernetes Event: what it is about. Namespace, name and uid of the object are those of
    /// `involvedObject`.
    Note {
        /// `involvedObject.kind`
        kind: Str,
        /// Its namespace.
        namespace: Str,
        /// Its name.
        name: Str,
        /// Its uid.
        uid: Str,
        /// `reason`
        reason: Str,
        /// The object that the message names, as the known controllers write it ("Created pod: x");
        /// of `Scheduled` the node.
        names: Str,
    },
}

/// One object, as a record shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// How the record came to say it.
    pub said: Said,
    /// Everything that the object has is in here; a patch alone is not whole.
    pub whole: bool,
    /// API group.
    pub group: Str,
    /// Plural resource name.
    pub resource: Str,
    /// `metadata.namespace`
    pub namespace: Str,
    /// `metadata.name`
    pub name: Str,
    /// `metadata.generateName`
    pub generate_name: Str,
    /// `metadata.uid`
    pub uid: Str,
    /// `metadata.resourceVersion` of the answer.
    pub version: Str,
    /// `metadata.ownerReferences`
    pub owners: Vec<Owner>,
    /// `metadata.labels`
    pub labels: Vec<(Str, Str)>,
    /// `metadata.creationTimestamp`
    pub created: Option<Time>,
    /// `metadata.deletionTimestamp`
    pub deleted: Option<Time>,
    /// The rest.
    pub state: State,
}

/// What one record says: mostly of one object, of many if it answers a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The objects.
    pub objects: Vec<Observation>,
    /// Objects of a list beyond the cap, which are not in here.
    pub left_out: u64,
}

impl Observed {
    /// Bytes that it holds, about: what a client can make long.
    pub fn weight(&self) -> usize {
        self.objects.iter().map(Observation::weight).sum()
    }
}

impl Observation {
    fn weight(&self) -> usize {
        let pairs = 64 * self.labels.len() + 128 * self.owners.len();
        let state = match &self.state {
            State::Pod { spec, .. } | State::Workload { spec, .. } => {
                200 * spec.containers.len() + 24 * spec.config_maps.len() + 24 * spec.secrets.len()
            }
            State::Role { rules, .. } => 300 * rules.len(),
            State::Binding(binding) => 100 * binding.subjects.len(),
            _ => 0,
        };
        size_of::<Observation>() + pairs + state
    }
}

/// Objects of one list that are kept.
pub const MOST_OBJECTS: usize = 5_000;

/// Whether a record can say something of the cluster that the twin keeps, so that its bodies are
/// worth reading.
pub fn is_wanted(event: &Event, outcome: Outcome) -> bool {
    if outcome != Outcome::Allowed || event.stage != Stage::ResponseComplete {
        return false;
    }
    if !event.bodies.request && !event.bodies.response {
        return false;
    }
    if event.request_uri.contains("dryRun=") {
        return false;
    }
    let Some(object) = &event.object else { return false };
    let of = (object.api_group.as_str(), object.resource.as_str(), object.subresource.as_str());
    match event.verb.as_str() {
        "create" | "update" | "patch" | "delete" | "deletecollection" => is_written(of),
        "get" => is_right(of),
        "list" => is_right(of) || is_listed(of),
        _ => false,
    }
}

fn is_written((group, resource, subresource): (&str, &str, &str)) -> bool {
    match (group, resource) {
        ("", "pods") => matches!(subresource, "" | "binding" | "status" | "ephemeralcontainers"),
        ("", "nodes") => matches!(subresource, "" | "status"),
        ("", "serviceaccounts") => matches!(subresource, "" | "token"),
        ("certificates.k8s.io", "certificatesigningrequests") => true,
        ("apps", _) => matches!(subresource, "" | "scale"),
        (
            "",
            "namespaces"
            | "secrets"
            | "configmaps"
            | "services"
            | "replicationcontrollers"
            | "events",
        )
        | ("events.k8s.io", "events")
        | ("batch" | "rbac.authorization.k8s.io" | "admissionregistration.k8s.io", _)
        | ("networking.k8s.io", "ingresses" | "networkpolicies") => subresource.is_empty(),
        _ => false,
    }
}

/// Rights, and certificates as the signer made them: rarely read, and they matter most.
fn is_right((group, resource, subresource): (&str, &str, &str)) -> bool {
    let is_certificate = group == "certificates.k8s.io" && resource == "certificatesigningrequests";
    (group == "rbac.authorization.k8s.io" || is_certificate) && subresource.is_empty()
}

/// Lists show what was there before the log began.
fn is_listed((group, resource, subresource): (&str, &str, &str)) -> bool {
    subresource.is_empty()
        && match group {
            "" => matches!(resource, "pods" | "nodes" | "namespaces" | "serviceaccounts"),
            "apps" => resource != "controllerrevisions",
            "batch" | "admissionregistration.k8s.io" => true,
            _ => false,
        }
}
