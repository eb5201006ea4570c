//! Which fields of an object the twin keeps, for each kind of object: the rest is not even parsed.

use crate::select::Form::{self, Fields, Most, Pairs, Scalar};
use trailhound_model::observed::MOST_OBJECTS;

/// How an object is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Names and owners only.
    Bare,
    Pod,
    Workload,
    CronJob,
    Scale,
    Bound,
    Role,
    Binding,
    Account,
    Secret,
    Node,
    Service,
    Ingress,
    Admission,
    Certificate,
    Token,
    Note,
}

/// The shape of a resource; that of its subresource where it has its own.
pub(super) fn shape(resource: &str, subresource: &str) -> Shape {
    match (resource, subresource) {
        ("pods", "binding") => Shape::Bound,
        ("serviceaccounts", "token") => Shape::Token,
        (_, "scale") => Shape::Scale,
        ("pods", _) => Shape::Pod,
        ("cronjobs", _) => Shape::CronJob,
        (
            "deployments"
            | "replicasets"
            | "statefulsets"
            | "daemonsets"
            | "jobs"
            | "replicationcontrollers",
            _,
        ) => Shape::Workload,
        ("roles" | "clusterroles", _) => Shape::Role,
        ("rolebindings" | "clusterrolebindings", _) => Shape::Binding,
        ("serviceaccounts", _) => Shape::Account,
        ("secrets", _) => Shape::Secret,
        ("nodes", _) => Shape::Node,
        ("services", _) => Shape::Service,
        ("ingresses", _) => Shape::Ingress,
        (
            "mutatingwebhookconfigurations"
            | "validatingwebhookconfigurations"
            | "validatingadmissionpolicies"
            | "mutatingadmissionpolicies",
            _,
        ) => Shape::Admission,
        ("certificatesigningrequests", _) => Shape::Certificate,
        ("events", _) => Shape::Note,
        _ => Shape::Bare,
    }
}

impl Shape {
    /// The request says all that the answer would, or the answer does not show it.
    pub(super) fn is_asked(self) -> bool {
        matches!(self, Shape::Bound | Shape::Note)
    }

    /// What is parsed of one object.
    pub(super) fn form(self) -> &'static Form {
        &self.forms().0
    }

    /// What is parsed of a list of them.
    pub(super) fn list_form(self) -> &'static Form {
        &self.forms().1
    }

    fn forms(self) -> &'static (Form, Form) {
        match self {
            Shape::Bare => &BARE,
            Shape::Pod => &POD,
            Shape::Workload => &WORKLOAD,
            Shape::CronJob => &CRON_JOB,
            Shape::Scale => &SCALE,
            Shape::Bound => &BOUND,
            Shape::Role => &ROLE,
            Shape::Binding => &BINDING,
            Shape::Account => &ACCOUNT,
            Shape::Secret => &SECRET,
            Shape::Node => &NODE,
            Shape::Service => &SERVICE,
            Shape::Ingress => &INGRESS,
            Shape::Admission => &ADMISSION,
            Shape::Certificate => &CERTIFICATE,
            Shape::Token => &TOKEN,
            Shape::Note => &NOTE,
        }
    }
}

/// Of a deletion: which object is meant.
pub(super) const DELETE_OPTIONS: Form =
    Fields(&[("preconditions", Fields(&[("uid", Scalar)])), ("dryRun", Scalar)]);

const NAME: Form = Fields(&[("name", Scalar)]);
const META: Form = Fields(&[
    ("name", Scalar),
    ("namespace", Scalar),
    ("generateName", Scalar),
    ("uid", Scalar),
    ("resourceVersion", Scalar),
    ("creationTimestamp", Scalar),
    ("deletionTimestamp", Scalar),
    ("labels", Pairs),
    (
        "ownerReferences",
        Fields(&[("kind", Scalar), ("name", Scalar), ("uid", Scalar), ("controller", Scalar)]),
    ),
]);
const META_NOTED: Form = Fields(&[
    ("name", Scalar),
    ("namespace", Scalar),
    ("generateName", Scalar),
    ("uid", Scalar),
    ("resourceVersion", Scalar),
    ("creationTimestamp", Scalar),
    ("deletionTimestamp", Scalar),
    ("labels", Pairs),
    ("annotations", Pairs),
]);
/// `uid` of a deleted object in the status that answers.
const DETAILS: Form = Fields(&[("uid", Scalar)]);

const CONTAINER: Form = Fields(&[
    ("name", Scalar),
    ("image", Scalar),
    (
        "securityContext",
        Fields(&[("privileged", Scalar), ("capabilities", Fields(&[("add", Scalar)]))]),
    ),
    ("env", Fields(&[("valueFrom", Fields(&[("secretKeyRef", NAME), ("configMapKeyRef", NAME)]))])),
    ("envFrom", Fields(&[("secretRef", NAME), ("configMapRef", NAME)])),
]);
const VOLUME: Form = Fields(&[
    ("secret", Fields(&[("secretName", Scalar)])),
    ("configMap", NAME),
    ("hostPath", Fields(&[("path", Scalar)])),
    ("persistentVolumeClaim", Fields(&[("claimName", Scalar)])),
    ("projected", Fields(&[("sources", Fields(&[("secret", NAME), ("configMap", NAME)]))])),
    ("csi", Fields(&[("nodePublishSecretRef", NAME)])),
]);
const POD_SPEC: Form = Fields(&[
    ("serviceAccountName", Scalar),
    ("serviceAccount", Scalar),
    ("automountServiceAccountToken", Scalar),
    ("nodeName", Scalar),
    ("hostPID", Scalar),
    ("hostIPC", Scalar),
    ("hostNetwork", Scalar),
    ("imagePullSecrets", NAME),
    ("initContainers", CONTAINER),
    ("containers", CONTAINER),
    ("ephemeralContainers", CONTAINER),
    ("volumes", VOLUME),
]);
const TEMPLATE: Form = Fields(&[("metadata", Fields(&[("labels", Pairs)])), ("spec", POD_SPEC)]);

/// The form of one object with these fields, and that of a list of them.
macro_rules! forms {
    ($name:ident, $meta:expr, [$($field:expr),* $(,)?]) => {
        static $name: (Form, Form) = {
            const ONE: Form = Fields(&[
                ("kind", Scalar), ("metadata", $meta), ("details", DETAILS), $($field),*
            ]);
            (ONE, Fields(&[("kind", Scalar), ("items", Most(MOST_OBJECTS, &ONE))]))
        };
    };
}

forms!(BARE, META, []);
forms!(
    POD,
    META,
    [
        ("spec", POD_SPEC),
        (
            "status",
            Fields(&[
                ("podIP", Scalar),
                ("podIPs", Fields(&[("ip", Scalar)])),
                ("hostIP", Scalar),
                ("phase", Scalar),
            ])
        ),
    ]
);
forms!(WORKLOAD, META, [("spec", Fields(&[("replicas", Scalar), ("template", TEMPLATE)]))]);
forms!(
    CRON_JOB,
    META,
    [("spec", Fields(&[("jobTemplate", Fields(&[("spec", Fields(&[("template", TEMPLATE)]))]))]))]
);
forms!(SCALE, META, [("spec", Fields(&[("replicas", Scalar)]))]);
forms!(BOUND, META, [("target", NAME)]);
forms!(
    ROLE,
    META,
    [
        (
            "rules",
            Fields(&[
                ("verbs", Scalar),
                ("apiGroups", Scalar),
                ("resources", Scalar),
                ("resourceNames", Scalar),
                ("nonResourceURLs", Scalar),
            ])
        ),
        (
            "aggregationRule",
            Fields(&[(
                "clusterRoleSelectors",
                Fields(&[("matchLabels", Pairs), ("matchExpressions", Fields(&[]))])
            )])
        ),
    ]
);
forms!(
    BINDING,
    META,
    [
        ("roleRef", Fields(&[("kind", Scalar), ("name", Scalar)])),
        ("subjects", Fields(&[("kind", Scalar), ("name", Scalar), ("namespace", Scalar)])),
    ]
);
forms!(
    ACCOUNT,
    META_NOTED,
    [("secrets", NAME), ("imagePullSecrets", NAME), ("automountServiceAccountToken", Scalar)]
);
forms!(SECRET, META_NOTED, [("type", Scalar)]);
forms!(
    NODE,
    META,
    [
        ("spec", Fields(&[("providerID", Scalar)])),
        ("status", Fields(&[("addresses", Fields(&[("type", Scalar), ("address", Scalar)]))])),
    ]
);
forms!(
    SERVICE,
    META,
    [(
        "spec",
        Fields(&[
            ("type", Scalar),
            ("selector", Pairs),
            ("clusterIP", Scalar),
            ("clusterIPs", Scalar),
        ])
    )]
);
const BACKEND: Form = Fields(&[("service", NAME), ("serviceName", Scalar)]);
forms!(
    INGRESS,
    META,
    [(
        "spec",
        Fields(&[
            ("defaultBackend", BACKEND),
            ("tls", Fields(&[("secretName", Scalar)])),
            (
                "rules",
                Fields(&[
                    ("host", Scalar),
                    ("http", Fields(&[("paths", Fields(&[("backend", BACKEND)]))])),
                ])
            ),
        ])
    )]
);
forms!(
    ADMISSION,
    META,
    [
        (
            "webhooks",
            Fields(&[
                ("failurePolicy", Scalar),
                (
                    "clientConfig",
                    Fields(&[
                        ("url", Scalar),
                        ("service", Fields(&[("namespace", Scalar), ("name", Scalar)])),
                    ])
                ),
            ])
        ),
        ("spec", Fields(&[("failurePolicy", Scalar)])),
    ]
);
forms!(
    CERTIFICATE,
    META,
    [
        (
            "spec",
            Fields(&[
                ("username", Scalar),
                ("signerName", Scalar),
                ("request", Scalar),
                ("usages", Scalar),
            ])
        ),
        (
            "status",
            Fields(&[
                ("certificate", Scalar),
                ("conditions", Fields(&[("type", Scalar), ("status", Scalar)])),
            ])
        ),
    ]
);
forms!(
    TOKEN,
    META,
    [
        (
            "spec",
            Fields(&[
                ("audiences", Scalar),
                ("boundObjectRef", Fields(&[("kind", Scalar), ("name", Scalar), ("uid", Scalar)])),
            ])
        ),
        ("status", Fields(&[("expirationTimestamp", Scalar)])),
    ]
);
const CONCERNED: Form =
    Fields(&[("kind", Scalar), ("namespace", Scalar), ("name", Scalar), ("uid", Scalar)]);
forms!(
    NOTE,
    META,
    [
        ("involvedObject", CONCERNED),
        ("regarding", CONCERNED),
        ("reason", Scalar),
        ("message", Scalar),
        ("note", Scalar),
    ]
);
