//! In which format a record came, and what that format cannot say.
//!
//! The same request looks poorer through some providers: Google Cloud Logging has no groups, no
//! query and no HTTP code. A condition on what a format never carries is *unknown*, not false, and
//! only the format can tell that apart from a server that had nothing to say.

use serde::{Deserialize, Serialize};

macro_rules! formats {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)*) => {
        /// The format of a record. Wrappings that change nothing (a list, a webhook body, text
        /// before the record) are native.
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Format { #[default] $($(#[$doc])* $variant,)* }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Format] = &[$(Format::$variant,)*];

            /// The name in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Format::$variant => $name,)* }
            }

            /// The name for people.
            pub fn title(self) -> &'static str {
                match self { $(Format::$variant => $title,)* }
            }
        }
    };
}

formats! {
    /// `audit.k8s.io` as the API server writes it.
    Native = "native", "Kubernetes audit log";
    /// Native inside of an AWS envelope: EKS through CloudWatch, Firehose, Kinesis, Lambda.
    CloudWatch = "cloudwatch", "EKS (CloudWatch)";
    /// `LogEntry` of Google Cloud Logging.
    Gke = "gke", "GKE (Cloud Logging)";
    /// Native inside of an Azure record of category `kube-audit`, or a row of `AKSAudit`.
    Aks = "aks", "AKS (kube-audit)";
    /// The same of `kube-audit-admin`: requests that only read are not in it.
    AksAdmin = "aks-admin", "AKS (kube-audit-admin)";
    /// As OpenShift's log forwarder writes it, or `oc adm node-logs`.
    OpenShift = "openshift", "OpenShift";
    /// GELF, as `OVHcloud` and Graylog hand it out.
    Gelf = "gelf", "GELF (OVHcloud)";
    /// Native inside of what a log shipper or a search engine puts around it.
    Shipper = "shipper", "log shipper";
}

impl Format {
    /// Whether a user's groups, uid and `extra` would be there if the user had them.
    pub fn tells_identity(self) -> bool {
        self != Format::Gke
    }

    /// Whether the request's query (`?command=…&dryRun=All`) is there.
    pub fn tells_query(self) -> bool {
        self != Format::Gke
    }

    /// Whether every annotation of the API server is there.
    pub fn tells_annotations(self) -> bool {
        self != Format::Gke
    }

    /// Whether requests that only read can be in the log at all.
    pub fn logs_reads(self) -> bool {
        self != Format::AksAdmin
    }
}
