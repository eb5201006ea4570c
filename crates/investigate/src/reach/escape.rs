//! How a pod that runs can take its node, by what its spec allows. The first way that fits is named:
//! the easiest first.

use super::{
    edge::EdgeKind,
    snapshot::{Pod, PodSecurity, Snapshot},
};
use trailhound_model::{Str, observed::Surety};

/// The easiest way out of a pod, and how sure it is.
pub(super) fn escape(pod: &Pod) -> Option<(EdgeKind, Surety)> {
    let can = |name: &str| pod.capabilities.iter().any(|held| is_capability(held, name));
    if pod.privileged && pod.host_pid {
        return Some((EdgeKind::CeNsenter, pod.spec));
    }
    if pod.privileged {
        return Some((EdgeKind::CePrivMount, pod.spec));
    }
    if can("SYS_MODULE") {
        return Some((EdgeKind::CeModuleLoad, pod.spec));
    }
    if pod.host_pid && can("SYS_PTRACE") {
        return Some((EdgeKind::CeSysPtrace, pod.spec));
    }
    if pod.host_pid && can("SYS_ADMIN") {
        return Some((EdgeKind::CeNsenter, pod.spec));
    }
    // Whether a mount is read-only is not known here.
    let way = pod.host_paths.iter().filter_map(path_escape).min();
    way.map(|kind| (kind, pod.spec.min(Surety::Inferred)))
}

fn is_capability(held: &str, name: &str) -> bool {
    let held = held.strip_prefix("CAP_").unwrap_or(held);
    held == name || held == "ALL"
}

fn path_escape(path: &Str) -> Option<EdgeKind> {
    let path = path.trim_end_matches('/');
    let below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if path.split('.').next_back() == Some("sock")
        && ["containerd", "docker", "crio", "cri"].iter().any(|runtime| path.contains(runtime))
        || matches!(path, "/run" | "/var/run" | "/run/containerd" | "/var/run/containerd")
    {
        return Some(EdgeKind::ExploitContainerdSock);
    }
    if path.is_empty() || WRITTEN.iter().any(|root| below(root)) {
        return Some(EdgeKind::ExploitHostWrite);
    }
    if path == "/var"
        || path == "/var/lib"
        || path == "/var/lib/kubelet"
        || path == "/var/lib/kubelet/pods"
    {
        return Some(EdgeKind::ExploitHostTraverse);
    }
    if below("/etc/kubernetes/pki") || below("/var/lib/kubelet/pki") {
        return Some(EdgeKind::ExploitHostRead);
    }
    match path {
        "/proc" | "/proc/sys" => Some(EdgeKind::CeUmhCorePattern),
        "/var/log" | "/var/log/pods" => Some(EdgeKind::CeVarLogSymlink),
        _ => None,
    }
}

/// Directories of which the host runs or obeys files.
const WRITTEN: &[&str] = &[
    "/etc/cron.d",
    "/etc/kubernetes/manifests",
    "/etc/cni/net.d",
    "/etc/systemd",
    "/opt/cni",
    "/root",
    "/home",
    "/usr",
    "/bin",
    "/sbin",
    "/dev",
];

/// Whether a pod of one's own in a namespace may be such that it takes its node.
pub(super) fn may_be_dangerous(snapshot: &Snapshot, security: PodSecurity) -> Option<Surety> {
    let sure = if snapshot.admission { Surety::Unknown } else { Surety::Proved };
    match security {
        PodSecurity::Baseline | PodSecurity::Restricted => None,
        PodSecurity::Privileged => Some(sure),
        // The API server may be configured with another default.
        PodSecurity::Unlabelled => Some(sure.min(Surety::Inferred)),
        PodSecurity::Unknown => Some(Surety::Unknown),
    }
}
