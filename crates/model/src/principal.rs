//! Who acted: the effective identity (what authorization judged) and the real one (who
//! authenticated), each named as what it is.
//!
//! Kinds come from what Kubernetes and the clouds define about names, groups and `extra`; a name
//! alone proves nothing about the credential behind it, so rules compare the two.

use crate::{Str, agent, entity, event::Event, event::User};
use serde::{Deserialize, Serialize};

/// What sort of identity it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum PrincipalKind {
    /// A user known to the cluster by a certificate, a static token or an unknown authenticator.
    #[default]
    User,
    /// A user that an OIDC issuer or a webhook vouched for.
    OidcUser,
    /// A cloud role session (EKS `assumed-role`) or a Google service account, behind which a human
    /// or a machine stands.
    CloudRole,
    /// A service account.
    ServiceAccount,
    /// A kubelet.
    Node,
    /// The API server, scheduler, controller manager, proxy, or one of the built-in controllers.
    ControlPlane,
    /// A joining node with a bootstrap token.
    Bootstrap,
    /// Nobody: the request carried no credential.
    Anonymous,
    /// Authentication failed (401): the log has no name.
    Unauthenticated,
    /// A component of a cloud or distribution, by the form of its name and a client that is no hand
    /// tool. That proves less than [`PrincipalKind::ControlPlane`]: only rules about persons leave
    /// it out.
    Provider,
}

impl PrincipalKind {
    /// The name in rules and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            PrincipalKind::User => "user",
            PrincipalKind::OidcUser => "oidc-user",
            PrincipalKind::CloudRole => "cloud-role",
            PrincipalKind::ServiceAccount => "service-account",
            PrincipalKind::Node => "node",
            PrincipalKind::ControlPlane => "control-plane",
            PrincipalKind::Bootstrap => "bootstrap",
            PrincipalKind::Anonymous => "anonymous",
            PrincipalKind::Unauthenticated => "unauthenticated",
            PrincipalKind::Provider => "provider",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<PrincipalKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Every kind.
    pub const ALL: [PrincipalKind; 10] = [
        PrincipalKind::User,
        PrincipalKind::OidcUser,
        PrincipalKind::CloudRole,
        PrincipalKind::ServiceAccount,
        PrincipalKind::Node,
        PrincipalKind::ControlPlane,
        PrincipalKind::Bootstrap,
        PrincipalKind::Anonymous,
        PrincipalKind::Unauthenticated,
        PrincipalKind::Provider,
    ];

    /// A person, or something that acts as one.
    pub fn is_human(self) -> bool {
        matches!(self, PrincipalKind::User | PrincipalKind::OidcUser | PrincipalKind::CloudRole)
    }
}

/// One identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What sort it is.
    pub kind: PrincipalKind,
    /// The user name in the log; empty if unauthenticated.
    pub name: Str,
    /// Namespace of a service account, else empty.
    pub namespace: Str,
    /// The name as a person would say it: the account of a service account, the node's name, the
    /// role of a cloud session, else the user name.
    pub short: Str,
    /// Session name of a cloud role: the nearest to a human that the log has.
    pub session: Str,
}

impl Identity {
    /// Names a user of the log.
    pub fn of(user: &User) -> Identity {
        let name = user.name.as_str();
        let (kind, namespace, short) = classify(user);
        let session = user
            .extra("sessionName")
            .or_else(|| cloud_role(name).map(|(_, session)| session))
            .unwrap_or_default();
        Identity {
            kind,
            name: name.into(),
            namespace: namespace.into(),
            short: short.into(),
            session: session.into(),
        }
    }

    /// A name that a provider's component has, in a client that is no hand tool, is that component.
    /// With `kubectl` it is a person: administrators' credentials bear such names too.
    #[must_use]
    fn with_agent(mut self, agent_family: &str) -> Identity {
        if self.kind.is_human()
            && provider_name(&self.name)
            && !agent_family.is_empty()
            && !agent::is_hand_tool(agent_family)
        {
            self.kind = PrincipalKind::Provider;
        }
        self
    }

    /// The entity name (`user:alice`, `sa:shop/cart`, `node:n1`).
    pub fn entity(&self) -> String {
        match self.kind {
            PrincipalKind::ServiceAccount => entity::service_account(&self.namespace, &self.short),
            PrincipalKind::ControlPlane if !self.namespace.is_empty() => {
                entity::service_account(&self.namespace, &self.short)
            }
            PrincipalKind::Node => entity::node(&self.short),
            PrincipalKind::Unauthenticated => entity::user("unauthenticated"),
            _ => entity::user(&self.name),
        }
    }
}

/// Who acted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The identity that authorization judged.
    pub effective: Identity,
    /// The identity that authenticated, if it acted as somebody else.
    pub real: Option<Box<Identity>>,
}

impl Principal {
    /// Names the identities of an event.
    pub fn of(event: &Event) -> Principal {
        let own = Identity::of(&event.user).with_agent(event.agent_family());
        match &event.impersonated {
            Some(user) => Principal { effective: Identity::of(user), real: Some(Box::new(own)) },
            None => Principal { effective: own, real: None },
        }
    }

    /// The identity that authenticated: the one whose credential was used.
    pub fn actor(&self) -> &Identity {
        self.real.as_deref().unwrap_or(&self.effective)
    }
}

fn classify(user: &User) -> (PrincipalKind, &str, &str) {
    let name = user.name.as_str();
    if name.is_empty() {
        return (PrincipalKind::Unauthenticated, "", "");
    }
    if let Some((namespace, account)) = service_account_name(name) {
        let kind = if is_builtin_controller(namespace, account) {
            PrincipalKind::ControlPlane
        } else {
            PrincipalKind::ServiceAccount
        };
        return (kind, namespace, account);
    }
    if let Some(node) = name.strip_prefix("system:node:") {
        return (PrincipalKind::Node, "", node);
    }
    if let Some(token) = name.strip_prefix("system:bootstrap:") {
        return (PrincipalKind::Bootstrap, "", token);
    }
    match name {
        "system:anonymous" => (PrincipalKind::Anonymous, "", name),
        "system:apiserver"
        | "system:kube-scheduler"
        | "system:kube-controller-manager"
        | "system:kube-proxy"
        | "system:aggregator"
        | "system:cloud-controller-manager"
        | "system:kube-aggregator" => (PrincipalKind::ControlPlane, "", name),
        _ => (human_kind(user), "", cloud_role(name).map_or(name, |(role, _)| role)),
    }
}

fn human_kind(user: &User) -> PrincipalKind {
    let google_account = user.name.ends_with(".gserviceaccount.com") && !provider_name(&user.name);
    if cloud_role(&user.name).is_some() || user.extra("arn").is_some() || google_account {
        return PrincipalKind::CloudRole;
    }
    let token = user
        .extra("authentication.kubernetes.io/credential-id")
        .is_some_and(|id| id.starts_with("JTI="));
    if token || user.name.contains('#') && user.name.starts_with("https://") {
        return PrincipalKind::OidcUser;
    }
    PrincipalKind::User
}

/// Whether a name has the form of those that clouds and distributions give to their components:
/// Kubernetes' reserved prefix (GKE, k3s, RKE2, OpenShift), that of EKS, Google's own robots, and the
/// fixed names of AKS. Nothing but custom keeps others from such a name.
fn provider_name(name: &str) -> bool {
    const AKS: &[&str] = &[
        "acsService",
        "aksService",
        "hcpService",
        "masterclient",
        "nodeclient",
        "readinessChecker",
    ];
    name.starts_with("system:")
        || name.starts_with("eks:")
        || name.starts_with("gke-") && !name.contains('@')
        || name.ends_with("@container-engine-robot.iam.gserviceaccount.com")
        || AKS.contains(&name)
}

/// Splits `system:serviceaccount:NAMESPACE:NAME`.
pub fn service_account_name(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}

/// Role and session of `arn:…:assumed-role/ROLE/SESSION`.
fn cloud_role(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("arn:")?.split_once(":assumed-role/")?.1.split_once('/')
}

/// Service accounts that kube-controller-manager runs its own loops with. The list is Kubernetes'
/// (bootstrap policy of the controller roles), not a site's.
fn is_builtin_controller(namespace: &str, account: &str) -> bool {
    namespace == "kube-system" && BUILTIN_CONTROLLERS.binary_search(&account).is_ok()
}

const BUILTIN_CONTROLLERS: &[&str] = &[
    "attachdetach-controller",
    "bootstrap-signer",
    "certificate-controller",
    "cloud-node-lifecycle-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
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
    "podcertificaterequest-cleaner-controller",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "selinux-warning-controller",
    "service-account-controller",
    "service-ca-cert-publisher",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "storage-version-migrator-controller",
    "taint-eviction-controller",
    "token-cleaner",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Identity {
        Identity::of(&User { name: name.into(), ..User::default() })
    }

    #[test]
    fn identities_are_named_as_what_they_are() {
        for (name, kind, entity) in [
            ("alice", PrincipalKind::User, "user:alice"),
            ("", PrincipalKind::Unauthenticated, "user:unauthenticated"),
            ("system:anonymous", PrincipalKind::Anonymous, "user:system:anonymous"),
            ("system:node:n1", PrincipalKind::Node, "node:n1"),
            ("system:bootstrap:abcdef", PrincipalKind::Bootstrap, "user:system:bootstrap:abcdef"),
            ("system:serviceaccount:shop:cart", PrincipalKind::ServiceAccount, "sa:shop/cart"),
            (
                "system:serviceaccount:kube-system:job-controller",
                PrincipalKind::ControlPlane,
                "sa:kube-system/job-controller",
            ),
            (
                "system:serviceaccount:evil:job-controller",
                PrincipalKind::ServiceAccount,
                "sa:evil/job-controller",
            ),
            (
                "https://issuer.example#42",
                PrincipalKind::OidcUser,
                "user:https://issuer.example#42",
            ),
        ] {
            let identity = named(name);
            assert_eq!((identity.kind, identity.entity().as_str()), (kind, entity), "{name}");
        }
    }

    #[test]
    fn components_of_providers_are_no_persons_unless_a_hand_tool_bears_their_name() {
        let kind = |name: &str, agent: &str| {
            let user = User { name: name.into(), ..User::default() };
            let event = Event { user: user.into(), user_agent: agent.into(), ..Event::default() };
            Principal::of(&event).effective.kind
        };
        for (name, agent) in [
            ("eks:addon-manager", "manager/v0"),
            ("system:gke-common-webhooks", "webhook/1"),
            ("system:clustermetrics", "monitor/1"),
            ("service-7@container-engine-robot.iam.gserviceaccount.com", "gke/1"),
            ("aksService", "aks-operator/1"),
            ("system:k3s-controller", "k3s/v1.33"),
            ("system:admin", "k3s/v1.33"),
            ("system:openshift-master", "openshift/v4"),
        ] {
            assert_eq!(kind(name, agent), PrincipalKind::Provider, "{name}");
            assert_eq!(kind(name, "kubectl/v1.33"), PrincipalKind::User, "{name}");
            assert_eq!(kind(name, ""), PrincipalKind::User, "{name}");
        }
        for name in ["alice", "gke-admin@example.com", "aksservice", "eks", "my-system:admin"] {
            assert_eq!(kind(name, "manager/v0"), PrincipalKind::User, "{name}");
        }
        let builtin = kind("system:kube-scheduler", "kube-scheduler/v1");
        assert_eq!(builtin, PrincipalKind::ControlPlane);
    }

    #[test]
    fn an_eks_role_session_keeps_the_session_name() {
        let identity = named("arn:aws:sts::111122223333:assumed-role/ops/jane@example.com");
        assert_eq!(identity.kind, PrincipalKind::CloudRole);
        assert_eq!(
            (identity.short.as_str(), identity.session.as_str()),
            ("ops", "jane@example.com")
        );
    }

    #[test]
    fn the_list_of_builtin_controllers_is_sorted() {
        assert!(BUILTIN_CONTROLLERS.is_sorted());
    }
}
