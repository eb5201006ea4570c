//! The kinds of things that a cluster of this generator has, as the API names them.

/// A resource of the API.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// The plural that stands in URLs and in `objectRef.resource`.
    pub plural: &'static str,
    /// The kind that stands in bodies.
    pub kind: &'static str,
}

macro_rules! resources {
    ($($name:ident $group:literal $version:literal $plural:literal $kind:literal;)*) => {
        $(
            #[doc = $plural]
            pub static $name: Resource =
                Resource { group: $group, version: $version, plural: $plural, kind: $kind };
        )*
    };
}

resources! {
    PODS "" "v1" "pods" "Pod";
    NODES "" "v1" "nodes" "Node";
    NAMESPACES "" "v1" "namespaces" "Namespace";
    SERVICE_ACCOUNTS "" "v1" "serviceaccounts" "ServiceAccount";
    SECRETS "" "v1" "secrets" "Secret";
    CONFIG_MAPS "" "v1" "configmaps" "ConfigMap";
    SERVICES "" "v1" "services" "Service";
    CORE_EVENTS "" "v1" "events" "Event";
    EVENTS "events.k8s.io" "v1" "events" "Event";
    DEPLOYMENTS "apps" "v1" "deployments" "Deployment";
    REPLICA_SETS "apps" "v1" "replicasets" "ReplicaSet";
    STATEFUL_SETS "apps" "v1" "statefulsets" "StatefulSet";
    DAEMON_SETS "apps" "v1" "daemonsets" "DaemonSet";
    JOBS "batch" "v1" "jobs" "Job";
    CRON_JOBS "batch" "v1" "cronjobs" "CronJob";
    LEASES "coordination.k8s.io" "v1" "leases" "Lease";
    ENDPOINT_SLICES "discovery.k8s.io" "v1" "endpointslices" "EndpointSlice";
    ROLES "rbac.authorization.k8s.io" "v1" "roles" "Role";
    ROLE_BINDINGS "rbac.authorization.k8s.io" "v1" "rolebindings" "RoleBinding";
    CLUSTER_ROLES "rbac.authorization.k8s.io" "v1" "clusterroles" "ClusterRole";
    CLUSTER_ROLE_BINDINGS "rbac.authorization.k8s.io" "v1" "clusterrolebindings" "ClusterRoleBinding";
    SELF_ACCESS_REVIEWS "authorization.k8s.io" "v1" "selfsubjectaccessreviews" "SelfSubjectAccessReview";
    SELF_RULES_REVIEWS "authorization.k8s.io" "v1" "selfsubjectrulesreviews" "SelfSubjectRulesReview";
    SELF_REVIEWS "authentication.k8s.io" "v1" "selfsubjectreviews" "SelfSubjectReview";
    TOKEN_REVIEWS "authentication.k8s.io" "v1" "tokenreviews" "TokenReview";
    MUTATING_WEBHOOKS "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" "MutatingWebhookConfiguration";
    VALIDATING_WEBHOOKS "admissionregistration.k8s.io" "v1" "validatingwebhookconfigurations" "ValidatingWebhookConfiguration";
    POLICY_BINDINGS "admissionregistration.k8s.io" "v1" "validatingadmissionpolicybindings" "ValidatingAdmissionPolicyBinding";
    ADMISSION_POLICIES "admissionregistration.k8s.io" "v1" "validatingadmissionpolicies" "ValidatingAdmissionPolicy";
    SIGNING_REQUESTS "certificates.k8s.io" "v1" "certificatesigningrequests" "CertificateSigningRequest";
    API_SERVICES "apiregistration.k8s.io" "v1" "apiservices" "APIService";
    DEFINITIONS "apiextensions.k8s.io" "v1" "customresourcedefinitions" "CustomResourceDefinition";
    NETWORK_POLICIES "networking.k8s.io" "v1" "networkpolicies" "NetworkPolicy";
    INGRESSES "networking.k8s.io" "v1" "ingresses" "Ingress";
    VOLUME_CLAIMS "" "v1" "persistentvolumeclaims" "PersistentVolumeClaim";
    VOLUMES "" "v1" "persistentvolumes" "PersistentVolume";
    SNAPSHOTS "snapshot.storage.k8s.io" "v1" "volumesnapshots" "VolumeSnapshot";
    BACKUPS "velero.io" "v1" "backups" "Backup";
    APPLICATIONS "argoproj.io" "v1alpha1" "applications" "Application";
    WORKFLOWS "argoproj.io" "v1alpha1" "workflows" "Workflow";
    CERTIFICATES "cert-manager.io" "v1" "certificates" "Certificate";
    CUSTOMS "monitoring.coreos.com" "v1" "servicemonitors" "ServiceMonitor";
    EXTERNAL_SECRETS "external-secrets.io" "v1" "externalsecrets" "ExternalSecret";
    AUTOSCALERS "autoscaling" "v2" "horizontalpodautoscalers" "HorizontalPodAutoscaler";
    PRIORITY_CLASSES "scheduling.k8s.io" "v1" "priorityclasses" "PriorityClass";
    QUOTAS "" "v1" "resourcequotas" "ResourceQuota";
    LIMIT_RANGES "" "v1" "limitranges" "LimitRange";
    ENDPOINTS "" "v1" "endpoints" "Endpoints";
}

impl Resource {
    /// `apiVersion` of bodies.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            return self.version.to_owned();
        }
        format!("{}/{}", self.group, self.version)
    }
}
