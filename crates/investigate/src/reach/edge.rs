//! The sorts of steps by which an attacker gets from one thing to the next.
//!
//! Names are those of `KubeHound` wherever it has one, so that an analyst can look them up and compare;
//! `KubeHound`'s containers and permission sets are folded into their pods and identities, so its steps
//! between these (`CONTAINER_ATTACH`, `SHARE_PS_NAMESPACE`) do not occur.

use serde::{Deserialize, Serialize};

/// A sort of step.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EdgeKind {
    /// The identity holds these rights.
    #[default]
    PermissionDiscover,
    /// A pod of one's own, with any service account and any secret of its namespace.
    PodCreate,
    /// Another image in a pod that runs.
    PodPatch,
    /// A command in a pod that runs.
    PodExec,
    /// The same by attaching to its process.
    PodAttach,
    /// A debug container in a pod that runs (not in `KubeHound`).
    PodDebug,
    /// Commands in the pods of a node through its kubelet (not in `KubeHound`).
    NodeProxy,
    /// The identity of the pod's own token or of a kubelet.
    IdentityAssume,
    /// Acting as another by the API's own means.
    IdentityImpersonate,
    /// A service account's token from a secret found by listing.
    TokenList,
    /// The same where secrets can only be read by name.
    TokenBruteforce,
    /// Tokens of the pods on a node.
    TokenSteal,
    /// A new token of a service account (not in `KubeHound`).
    TokenRequest,
    /// A new secret that the cluster fills with a service account's token (not in `KubeHound`).
    TokenSecret,
    /// A secret's contents (not in `KubeHound`).
    SecretRead,
    /// Objects of a namespace can be changed (not in `KubeHound`).
    NamespaceWrite,
    /// Oneself bound to a stronger role.
    RoleBind,
    /// Rules added to a role that one holds (not in `KubeHound`).
    RoleEscalate,
    /// A certificate in another's name (not in `KubeHound`).
    CsrSign,
    /// A webhook that rewrites what others create (not in `KubeHound`).
    WebhookWrite,
    /// Secrets that a pod mounts.
    VolumeDiscover,
    /// Secrets of the pods on a node.
    VolumeAccess,
    /// A kernel module from a container.
    CeModuleLoad,
    /// A privileged container enters the processes of its host.
    CeNsenter,
    /// A privileged container mounts its host's disk.
    CePrivMount,
    /// A container writes into processes of its host.
    CeSysPtrace,
    /// The kernel's core dump handler, set through the host's /proc.
    CeUmhCorePattern,
    /// Files of the host through links in its log directory.
    CeVarLogSymlink,
    /// The container runtime's socket.
    ExploitContainerdSock,
    /// Files of the host that hold keys or tokens.
    ExploitHostRead,
    /// Tokens of other pods in the host's file system.
    ExploitHostTraverse,
    /// Files of the host that it runs.
    ExploitHostWrite,
}

impl EdgeKind {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            EdgeKind::PermissionDiscover => "PERMISSION_DISCOVER",
            EdgeKind::PodCreate => "POD_CREATE",
            EdgeKind::PodPatch => "POD_PATCH",
            EdgeKind::PodExec => "POD_EXEC",
            EdgeKind::PodAttach => "POD_ATTACH",
            EdgeKind::PodDebug => "POD_DEBUG",
            EdgeKind::NodeProxy => "NODE_PROXY",
            EdgeKind::IdentityAssume => "IDENTITY_ASSUME",
            EdgeKind::IdentityImpersonate => "IDENTITY_IMPERSONATE",
            EdgeKind::TokenList => "TOKEN_LIST",
            EdgeKind::TokenBruteforce => "TOKEN_BRUTEFORCE",
            EdgeKind::TokenSteal => "TOKEN_STEAL",
            EdgeKind::TokenRequest => "TOKEN_REQUEST",
            EdgeKind::TokenSecret => "TOKEN_SECRET",
            EdgeKind::SecretRead => "SECRET_READ",
            EdgeKind::NamespaceWrite => "NAMESPACE_WRITE",
            EdgeKind::RoleBind => "ROLE_BIND",
            EdgeKind::RoleEscalate => "ROLE_ESCALATE",
            EdgeKind::CsrSign => "CSR_SIGN",
            EdgeKind::WebhookWrite => "WEBHOOK_WRITE",
            EdgeKind::VolumeDiscover => "VOLUME_DISCOVER",
            EdgeKind::VolumeAccess => "VOLUME_ACCESS",
            EdgeKind::CeModuleLoad => "CE_MODULE_LOAD",
            EdgeKind::CeNsenter => "CE_NSENTER",
            EdgeKind::CePrivMount => "CE_PRIV_MOUNT",
            EdgeKind::CeSysPtrace => "CE_SYS_PTRACE",
            EdgeKind::CeUmhCorePattern => "CE_UMH_CORE_PATTERN",
            EdgeKind::CeVarLogSymlink => "CE_VAR_LOG_SYMLINK",
            EdgeKind::ExploitContainerdSock => "EXPLOIT_CONTAINERD_SOCK",
            EdgeKind::ExploitHostRead => "EXPLOIT_HOST_READ",
            EdgeKind::ExploitHostTraverse => "EXPLOIT_HOST_TRAVERSE",
            EdgeKind::ExploitHostWrite => "EXPLOIT_HOST_WRITE",
        }
    }

    /// What an attacker does in this step, as the words after "could".
    pub fn words(self) -> &'static str {
        match self {
            EdgeKind::PermissionDiscover => "use its own rights to act as",
            EdgeKind::PodCreate => "start",
            EdgeKind::PodPatch => "put its own image into",
            EdgeKind::PodExec => "run commands in",
            EdgeKind::PodAttach => "attach to",
            EdgeKind::PodDebug => "add a debug container to",
            EdgeKind::NodeProxy => "run commands, through the kubelet, in",
            EdgeKind::IdentityAssume => "use the credential found there and act as",
            EdgeKind::IdentityImpersonate => "impersonate",
            EdgeKind::TokenList => "list secrets and take the token of",
            EdgeKind::TokenBruteforce => "read, knowing its name, the secret with the token of",
            EdgeKind::TokenSteal => "take from the node's disk the token of",
            EdgeKind::TokenRequest => "request a token of",
            EdgeKind::TokenSecret => {
                "create a secret of the kind that Kubernetes fills with a token, and so read the token of"
            }
            EdgeKind::SecretRead => "read",
            EdgeKind::NamespaceWrite => "change objects of",
            EdgeKind::RoleBind => "bind itself to",
            EdgeKind::RoleEscalate => "add rules to a role and so become",
            EdgeKind::CsrSign => "sign itself a certificate as",
            EdgeKind::WebhookWrite => {
                "register a webhook that rewrites what others create, and so become"
            }
            EdgeKind::VolumeDiscover => "read what is mounted there:",
            EdgeKind::VolumeAccess => "read from the node's disk",
            EdgeKind::CeModuleLoad => "load a kernel module and so take",
            EdgeKind::CeNsenter => "enter the host's processes and so take",
            EdgeKind::CePrivMount => "mount the host's disk and so take",
            EdgeKind::CeSysPtrace => "write into the host's processes and so take",
            EdgeKind::CeUmhCorePattern => "change the kernel's core dump handler and so take",
            EdgeKind::CeVarLogSymlink => {
                "read the host's files through links in its logs and so take"
            }
            EdgeKind::ExploitContainerdSock => "command the container runtime and so take",
            EdgeKind::ExploitHostRead => "read keys of the host and so take",
            EdgeKind::ExploitHostTraverse => "read the tokens of other pods and so take",
            EdgeKind::ExploitHostWrite => "write files that the host runs and so take",
        }
    }
}
