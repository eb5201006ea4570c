//! What matters in a body, extracted: the pod template of any workload kind, what a binding
//! grants, where a webhook calls, whom a certificate would name.
//!
//! Rules, twin and sentences read these instead of JSON, so that a Deployment, a CronJob and a
//! patch of either are judged alike. Everything here is masked and owned.

use crate::Str;
use serde::{Deserialize, Serialize};

/// Names and versions of the object in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMeta {
    /// `metadata.name`, from the response if the request has only `generateName`.
    pub name: Str,
    /// `metadata.namespace`.
    pub namespace: Str,
    /// `metadata.uid`, from the response.
    pub uid: Str,
    /// `metadata.resourceVersion` that the request was based on; empty if it names none.
    pub version_before: Str,
    /// `metadata.resourceVersion` of the response.
    pub version_after: Str,
    /// Controlling owner as `Kind/name`, or empty.
    pub owner: Str,
}

/// Settings that a pod and each of its containers can make alike; the container's win.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// `runAsNonRoot`.
    pub run_as_non_root: Option<bool>,
    /// `runAsUser`.
    pub run_as_user: Option<i64>,
    /// `seccompProfile.type`.
    pub seccomp: Str,
    /// `appArmorProfile.type`, or what the old annotation means in its words.
    pub app_armor: Str,
    /// `seLinuxOptions.type`.
    pub selinux_type: Str,
    /// `seLinuxOptions` names a user or a role.
    pub selinux_user_or_role: bool,
    /// `windowsOptions.hostProcess`.
    pub host_process: Option<bool>,
}

/// One container of a pod template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// `name`.
    pub name: Str,
    /// `image`.
    pub image: Str,
    /// `command` and `args`, joined by blanks, masked.
    pub command: Str,
    /// `securityContext.privileged`.
    pub privileged: bool,
    /// `securityContext.capabilities.add`.
    pub capabilities: Vec<Str>,
    /// Host ports. On the node's network every port is one.
    pub host_ports: Vec<u32>,
    /// `securityContext`, as far as pods have it too.
    pub security: Security,
    /// `securityContext.allowPrivilegeEscalation`.
    pub privilege_escalation: Option<bool>,
    /// `securityContext.capabilities.drop`.
    pub dropped: Vec<Str>,
    /// `securityContext.procMount`.
    pub proc_mount: Str,
    /// Hosts that probes and lifecycle hooks call instead of the pod.
    pub probe_hosts: Vec<Str>,
    /// Commands that probes and lifecycle hooks run in the container, masked.
    pub hook_commands: Vec<Str>,
}

/// The pod template of a workload, of any kind, as a create, an update or a patch shows it. A
/// patch shows only what it sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Containers, init containers and ephemeral containers.
    pub containers: Vec<Container>,
    /// `hostPID`.
    pub host_pid: bool,
    /// `hostIPC`.
    pub host_ipc: bool,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostPath` volumes.
    pub host_paths: Vec<Str>,
    /// Those of them that some container may write to, or of which that is not known.
    pub writable_host_paths: Vec<Str>,
    /// Types of the volumes: `emptyDir`, `hostPath`.
    pub volume_types: Vec<Str>,
    /// `securityContext` of the pod.
    pub security: Security,
    /// Names of `securityContext.sysctls`.
    pub sysctls: Vec<Str>,
    /// `shareProcessNamespace`.
    pub shares_processes: bool,
    /// `hostUsers: false`: root in the pod is nobody on the node.
    pub own_users: bool,
    /// `os.name` is `windows`.
    pub windows: bool,
    /// The whole template is known: what it does not say is not set.
    pub whole: bool,
    /// The request says something of the pod's spec. Only a patch may not.
    pub sets_spec: bool,
    /// Containers that a patch added to those that were there, as far as that shows.
    pub added_containers: Vec<Str>,
    /// `serviceAccountName`, or empty for the default one.
    pub service_account: Str,
    /// `nodeName`: the pod went past the scheduler.
    pub node_name: Str,
    /// `replicas`, if the body says.
    pub replicas: Option<i64>,
    /// Labels of the pod template.
    pub labels: Vec<(Str, Str)>,
    /// It is a mirror pod (`kubernetes.io/config.mirror`).
    pub mirror: bool,
}

/// A subject of a binding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: Str,
    /// `name`.
    pub name: Str,
    /// Namespace of a service account.
    pub namespace: Str,
}

impl Subject {
    /// The user or group name as the authorizer sees it.
    pub fn authorizer_name(&self) -> String {
        if self.kind == "ServiceAccount" {
            return format!("system:serviceaccount:{}:{}", self.namespace, self.name);
        }
        self.name.to_string()
    }
}

/// What a RoleBinding or ClusterRoleBinding grants to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// `roleRef.kind`.
    pub role_kind: Str,
    /// `roleRef.name`.
    pub role: Str,
    /// `subjects`.
    pub subjects: Vec<Subject>,
}

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRule {
    /// `verbs`.
    pub verbs: Vec<Str>,
    /// `apiGroups`.
    pub api_groups: Vec<Str>,
    /// `resources`.
    pub resources: Vec<Str>,
    /// `resourceNames`; empty means every name.
    pub resource_names: Vec<Str>,
    /// `nonResourceURLs`.
    pub non_resource_urls: Vec<Str>,
}

/// Rules that a Role or ClusterRole is given. A patch shows only what it adds or replaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// `rules`.
    pub rules: Vec<PolicyRule>,
    /// It has an aggregation rule.
    pub aggregated: bool,
    /// Built-in roles that take its rules over, by its labels `aggregate-to-…`: `view`.
    pub aggregates_to: Vec<Str>,
}

/// One webhook of a webhook configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// `name`.
    pub name: Str,
    /// `clientConfig.url`, or empty if it calls a service.
    pub url: Str,
    /// `clientConfig.service` as `namespace/name`, or empty.
    pub service: Str,
    /// `failurePolicy`.
    pub failure_policy: Str,
    /// Resources that it sees.
    pub resources: Vec<Str>,
}

/// A certificate signing request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateRequest {
    /// `spec.signerName`.
    pub signer: Str,
    /// Common name in the PKCS#10 request: the user that the certificate would be.
    pub common_name: Str,
    /// Organisations in it: the groups.
    pub organizations: Vec<Str>,
    /// `spec.usages`.
    pub usages: Vec<Str>,
    /// Condition types in the body (`Approved`, `Denied`).
    pub conditions: Vec<Str>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// `spec.type`.
    pub service_type: Str,
    /// `spec.externalIPs`.
    pub external_ips: Vec<Str>,
    /// `spec.externalName`.
    pub external_name: Str,
    /// `spec.ports`: the numbers under which it is reached.
    pub ports: Vec<u32>,
}

/// What a body is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyKind {
    /// Nothing that has a form of its own here.
    #[default]
    Other,
    /// A pod or anything with a pod template.
    Workload(Box<Workload>),
    /// A role binding.
    Binding(Binding),
    /// A role.
    Role(Role),
    /// A webhook configuration.
    Webhooks(Vec<Webhook>),
    /// A certificate signing request.
    Certificate(CertificateRequest),
    /// A service.
    Service(Service),
    /// Labels and annotations that a namespace, node or other object is given. A patch shows only
    /// those that it sets; removed ones have an empty value.
    Metadata {
        /// `metadata.labels`.
        labels: Vec<(Str, Str)>,
        /// `metadata.annotations`, masked.
        annotations: Vec<(Str, Str)>,
    },
    /// A TokenRequest: `spec.expirationSeconds` and `spec.audiences`.
    TokenRequest {
        /// Lifetime asked for.
        expiration_seconds: Option<i64>,
        /// Audiences asked for.
        audiences: Vec<Str>,
        /// Pod that the token is to be bound to, or empty.
        bound_pod: Str,
    },
    /// A SelfSubjectAccessReview or SubjectAccessReview: what was asked.
    Review {
        /// Verb asked about; empty for a rules review.
        verb: Str,
        /// Resource asked about.
        resource: Str,
        /// Namespace asked about.
        namespace: Str,
        /// Answer, if the response is logged.
        allowed: Option<bool>,
    },
}

/// A body, extracted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Names and versions.
    pub meta: ObjectMeta,
    /// What it is about.
    pub kind: BodyKind,
    /// Keys of a `ConfigMap` whose value is or holds a credential, by what is masked in it.
    pub credential_keys: Vec<Str>,
}
