//! How an identity proved itself: the credential, as far as the log tells.
//!
//! `credential-id` (Kubernetes 1.30 and later) is the strongest fact in the log: it equals the
//! `issued-credential-id` of the TokenRequest that made the token. Older servers and some
//! providers do not write it; then the credential is *unknown*, never guessed.

use crate::{Str, event::Event};
use serde::{Deserialize, Serialize};

/// What sort of credential it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum CredentialKind {
    /// The log does not say.
    #[default]
    Unknown,
    /// A client certificate.
    X509,
    /// A token bound to a pod.
    PodToken,
    /// A token of the TokenRequest API or an OIDC issuer, not bound to a pod.
    Token,
    /// A long-lived token from a Secret.
    LegacyToken,
    /// No credential at all.
    None,
}

impl CredentialKind {
    /// The name in rules and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialKind::Unknown => "unknown",
            CredentialKind::X509 => "x509",
            CredentialKind::PodToken => "pod-token",
            CredentialKind::Token => "token",
            CredentialKind::LegacyToken => "legacy-token",
            CredentialKind::None => "none",
        }
    }
}

/// A credential, as far as the log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// What sort it is.
    pub kind: CredentialKind,
    /// `JTI=…` or `X509SHA256=…`; empty if the log has none.
    pub id: Str,
    /// Pod that the token is bound to, else empty.
    pub pod: Str,
    /// Uid of that pod.
    pub pod_uid: Str,
    /// Node that the token is bound to, else empty.
    pub node: Str,
}

impl Credential {
    /// Reads the credential of the identity that authenticated.
    pub fn of(event: &Event) -> Credential {
        let extra = |key: &str| -> Str {
            if event.user.extra.is_empty() {
                return Str::default();
            }
            event.user.extra(key).unwrap_or_default().into()
        };
        let id = extra("authentication.kubernetes.io/credential-id");
        let pod = extra("authentication.kubernetes.io/pod-name");
        let kind = kind_of(event, &id, &pod);
        Credential {
            kind,
            id,
            pod,
            pod_uid: extra("authentication.kubernetes.io/pod-uid"),
            node: extra("authentication.kubernetes.io/node-name"),
        }
    }
}

/// Whether the API server says that a token of a Secret was used.
pub(crate) fn says_legacy(event: &Event) -> bool {
    let mut keys = event.annotations.iter().map(|(key, _)| key);
    keys.any(|key| key.starts_with("authentication.k8s.io/legacy-token"))
}

fn kind_of(event: &Event, id: &str, pod: &str) -> CredentialKind {
    if event.user.name.is_empty() || event.user.name == "system:anonymous" {
        return CredentialKind::None;
    }
    if says_legacy(event) {
        return CredentialKind::LegacyToken;
    }
    match (id.split_once('='), pod.is_empty()) {
        (Some(("X509SHA256", _)), _) => CredentialKind::X509,
        (_, false) => CredentialKind::PodToken,
        (Some(("JTI", _)), true) => CredentialKind::Token,
        _ => CredentialKind::Unknown,
    }
}
