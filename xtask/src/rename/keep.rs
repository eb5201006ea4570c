//! What is never renamed: words that Kubernetes or well-known tools define. Detection may rest on
//! them, and a log without them would not be a log of Kubernetes.

/// Names of Kubernetes itself: kept, also as the beginning of longer names (`kube-proxy-x7x2d`),
/// so that a pod that mimics a system pod still does.
pub(super) const KUBERNETES: &[&str] = &[
    // namespaces and objects of every cluster
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "kubernetes",
    "kube-root-ca.crt",
    "openshift-service-ca.crt",
    "extension-apiserver-authentication",
    "kubeadm-config",
    "kubelet-config",
    "cluster-info",
    "bootstrap-token",
    "node-csr",
    "sh.helm.release.v1",
    "kube-apiserver-legacy-service-account-token-tracking",
    "default-token",
    "apiserver",
    "extension-apiserver-authentication-reader",
    "bootstrap-signer",
    "token-cleaner",
    // users, groups and roles
    "kubernetes-admin",
    "cluster-admin",
    "admin",
    "edit",
    "view",
    "aws-node",
    "aws-auth",
    // components
    "kube-apiserver",
    "kube-scheduler",
    "kube-controller-manager",
    "kube-proxy",
    "kube-dns",
    "coredns",
    "etcd",
    "kubelet",
    "cloud-controller-manager",
    "default-scheduler",
    "kube-flannel",
    "calico-node",
    "cilium",
    // priorities and flow control
    "system-node-critical",
    "system-cluster-critical",
    "system",
    "node-high",
    "leader-election",
    "workload-high",
    "workload-low",
    "global-default",
    "catch-all",
    "exempt",
    "system-node-high",
    "probes",
    "system-nodes",
    "system-leader-election",
    "kube-system-service-accounts",
    "service-accounts",
    // service accounts of the built-in controllers
    "attachdetach-controller",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "service-account-controller",
    "service-ca-cert-publisher",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "storage-version-migrator-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
];

/// Names that well-known tools give to what they install. Kept unless the caller wants the harder
/// test.
pub(super) const TOOLS: &[&str] = &[
    "argocd",
    "argocd-application-controller",
    "argocd-server",
    "cert-manager",
    "cert-manager-controller",
    "cluster-autoscaler",
    "cluster-autoscaler-status",
    "external-secrets",
    "external-secrets-controller",
    "ingress-nginx",
    "ingress-nginx-controller",
    "ingress-nginx-controller-leader",
    "istio-system",
    "keda",
    "keda-operator",
    "kubernetes-dashboard",
    "metrics-server",
    "node-exporter",
    "prometheus",
    "velero",
    "flux-system",
    "gatekeeper-system",
    "kyverno",
    "linkerd",
    "tekton-pipelines",
];

/// Parts of names that are endings of domains or belong to the platform.
pub(super) const PARTS: &[&str] = &[
    "io",
    "com",
    "org",
    "net",
    "local",
    "internal",
    "svc",
    "cluster",
    "ec2",
    "compute",
    "crt",
    "kube",
    "k8s",
    "kubernetes",
    "system",
    "node",
    "csr",
];

/// Keys whose values are words of Kubernetes or of the recording's own description.
pub(super) fn is_vocabulary(key: &[u8]) -> bool {
    matches!(
        key,
        b"kind" | b"apiVersion" | b"level" | b"stage" | b"stages" | b"verb" | b"verbs" | b"resource"
            | b"resources" | b"apiGroup" | b"apiGroups" | b"subresource" | b"reason" | b"status"
            | b"type" | b"operation" | b"fieldsType" | b"manager" | b"phase" | b"protocol"
            | b"effect" | b"operator" | b"scope" | b"singularResource" | b"singularName"
            | b"shortNames" | b"categories" | b"format" | b"version" | b"mountPath" | b"fieldPath"
            | b"component" | b"reportingComponent" | b"reportingController" | b"action"
            | b"signerName" | b"usages" | b"restartPolicy" | b"dnsPolicy" | b"failurePolicy"
            | b"code" | b"time" | b"resourceVersion" | b"continue" | b"authorization.k8s.io/decision"
            // the recording's own description
            | b"scenario" | b"instance" | b"step" | b"technique" | b"techniques" | b"title"
            | b"why" | b"from" | b"to" | b"role" | b"run"
    )
}

/// Objects whose names Kubernetes or the API itself defines.
pub(super) fn has_defined_names(resource: &[u8]) -> bool {
    matches!(
        resource,
        b"apiservices"
            | b"priorityclasses"
            | b"flowschemas"
            | b"prioritylevelconfigurations"
            | b"servicecidrs"
            | b"customresourcedefinitions"
            | b"ipaddresses"
            | b"ingressclasses"
            | b"runtimeclasses"
            | b"csidrivers"
            | b"storageclasses"
            | b".."
            | b"v1"
    )
}

/// Whether a registry is one that everybody uses.
pub(super) fn is_public_registry(host: &str) -> bool {
    matches!(
        host,
        "docker.io"
            | "ghcr.io"
            | "quay.io"
            | "gcr.io"
            | "registry.k8s.io"
            | "k8s.gcr.io"
            | "public.ecr.aws"
            | "mcr.microsoft.com"
            | "registry-1.docker.io"
    )
}
