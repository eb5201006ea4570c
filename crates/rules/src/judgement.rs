//! What counts as access to the node, as power over the cluster, as outside: the lists behind
//! `workload.hostAccess`, `role.escalates` and `webhook.external`.
//!
//! They follow what Kubernetes defines (Pod Security Standards, RBAC's own escalation checks) and
//! the paths of the common container runtimes, never the habits of one cluster. They are in one
//! file because each entry is a judgement that somebody may want to argue with.

use crate::pod_security;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use trailhound_model::body::{Container, PolicyRule, Workload};

/// Places on a node that give it away: credentials of the kubelet and of other pods, the container
/// runtimes, what the node runs, its disks. Mounting one of them, anything beneath it or a folder
/// that holds it counts. `/var/log` is not here: log collectors mount it everywhere.
const SENSITIVE_PATHS: &[&str] = &[
    "/bin",
    "/boot",
    "/dev/disk",
    "/dev/kmsg",
    "/dev/mapper",
    "/dev/mem",
    "/etc/cni",
    "/etc/containerd",
    "/etc/cron.d",
    "/etc/crontab",
    "/etc/kubernetes",
    "/etc/ld.so.preload",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/rancher",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/home",
    "/lib/systemd",
    "/opt/cni",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/crio",
    "/run/docker",
    "/sbin",
    "/sys/kernel",
    "/usr/bin",
    "/usr/lib/systemd",
    "/usr/local/bin",
    "/usr/sbin",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/rancher",
    "/var/spool/cron",
];

/// Sockets that give whoever writes to them every container of the node, wherever they lie.
const RUNTIME_SOCKETS: &[&str] =
    &["containerd.sock", "cri-dockerd.sock", "crio.sock", "docker.sock", "dockershim.sock"];

/// Raw disks, by the start of their names.
const DISKS: &[&str] = &["/dev/sd", "/dev/vd", "/dev/xvd", "/dev/nvme", "/dev/dm-", "/dev/md"];

/// Whether mounting this path of the node gives power over the node.
pub fn sensitive_path(path: &str) -> bool {
    let path = normal_path(path);
    let socket = path.rsplit('/').next().unwrap_or_default();
    RUNTIME_SOCKETS.contains(&socket)
        || DISKS.iter().any(|disk| path.starts_with(disk))
        || SENSITIVE_PATHS.iter().any(|place| within(&path, place) || within(place, &path))
}

/// `inner` is `outer` or lies beneath it.
fn within(inner: &str, outer: &str) -> bool {
    outer == "/"
        || inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Without `.`, `..` and double slashes; `/var/run` is `/run` on every current system.
fn normal_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    if parts.starts_with(&["var", "run"]) {
        parts.remove(0);
    }
    format!("/{}", parts.join("/"))
}

/// Capabilities with which a process leaves its container. Others that the Pod Security Standards
/// forbid (such as `NET_RAW`) do harm too, but not that. `SYS_PTRACE` reaches only processes that
/// the container sees anyway, unless `hostPID` is set, which counts by itself; `kubectl debug`
/// asks for it by default.
const BREAK_OUT: &[&str] =
    &["ALL", "BPF", "DAC_READ_SEARCH", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_RAWIO"];

/// Whether a container with this capability can break out.
pub fn breaks_out(capability: &str) -> bool {
    let upper = capability.to_ascii_uppercase();
    BREAK_OUT.contains(&upper.strip_prefix("CAP_").unwrap_or(&upper))
}

/// Whether the workload can take over its node. The node's network or shared memory alone do not
/// give that.
pub fn host_access(workload: &Workload) -> bool {
    workload.host_pid
        || pod_security::host_process(workload)
        || workload.host_paths.iter().any(|path| sensitive_path(path))
        || workload.containers.iter().any(|container| {
            container.privileged || container.capabilities.iter().any(|name| breaks_out(name))
        })
}

/// Places on a node that hold credentials of the kubelet, of people or of other pods.
const CREDENTIAL_PATHS: &[&str] = &[
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/shadow",
    "/etc/ssh",
    "/home",
    "/root",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/rancher",
];

/// Whether the workload can change its node, or read the node's credentials. What is left of
/// [`host_access`] is looking: the list of processes, settings and figures mounted read-only, all
/// of the disk for a program that is nobody there.
pub fn host_control(workload: &Workload) -> bool {
    let breaks_out = |container: &Container| {
        container.privileged || container.capabilities.iter().any(|name| breaks_out(name))
    };
    pod_security::host_process(workload)
        || workload.containers.iter().any(breaks_out)
        || workload.host_paths.iter().any(|path| runtime_socket(path))
        || workload.writable_host_paths.iter().any(|path| sensitive_path(path))
        || !pod_security::never_root(workload)
            && workload.host_paths.iter().any(|path| holds_credentials(path))
}

fn runtime_socket(path: &str) -> bool {
    RUNTIME_SOCKETS.contains(&path.trim_end_matches('/').rsplit('/').next().unwrap_or_default())
}

fn holds_credentials(path: &str) -> bool {
    let path = normal_path(path);
    CREDENTIAL_PATHS.iter().any(|place| within(&path, place) || within(place, &path))
}

/// What is dangerous about the workload, in words that finish the sentence "it …".
pub fn risks(workload: &Workload) -> Vec<String> {
    let mut risks = Vec::new();
    for container in &workload.containers {
        if container.privileged {
            risks.push(format!("runs container {} privileged", container.name));
        }
        for capability in container.capabilities.iter().filter(|name| breaks_out(name)) {
            risks.push(format!("gives container {} the capability {capability}", container.name));
        }
    }
    for path in workload.host_paths.iter().filter(|path| sensitive_path(path)) {
        risks.push(format!("mounts {path} of the node"));
    }
    let shared = [
        (pod_security::host_process(workload), "runs as a process of a Windows node"),
        (workload.host_pid, "sees all processes of the node"),
        (workload.host_ipc, "shares memory with the node's processes"),
        (workload.host_network, "uses the node's network"),
    ];
    risks.extend(shared.iter().filter(|(set, _)| *set).map(|(_, risk)| (*risk).to_owned()));
    risks
}

/// Verbs that change an object.
const WRITES: &[&str] = &["create", "update", "patch"];

/// Rights that lead to more rights: API group, resource, verbs that count.
const POWERS: &[(&str, &str, &[&str])] = &[
    ("rbac.authorization.k8s.io", "roles", &["bind", "escalate"]),
    ("rbac.authorization.k8s.io", "clusterroles", &["bind", "escalate"]),
    ("rbac.authorization.k8s.io", "rolebindings", WRITES),
    ("rbac.authorization.k8s.io", "clusterrolebindings", WRITES),
    ("", "users", &["impersonate"]),
    ("", "groups", &["impersonate"]),
    ("", "serviceaccounts", &["impersonate"]),
    ("authentication.k8s.io", "uids", &["impersonate"]),
    ("", "pods/exec", &["create", "get"]),
    ("", "pods/attach", &["create", "get"]),
    ("", "pods/ephemeralcontainers", &["update", "patch"]),
    ("", "nodes/proxy", &["get", "create", "update", "patch"]),
    ("", "serviceaccounts/token", &["create"]),
    ("certificates.k8s.io", "certificatesigningrequests/approval", &["update", "patch"]),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations", WRITES),
];

/// Reading secrets everywhere: power only in a cluster role.
const SECRETS: (&str, &str, &[&str]) = ("", "secrets", &["get", "list", "watch"]);

/// Whether a rule gives rights that lead to more rights.
pub fn escalates(rule: &PolicyRule, cluster_wide: bool) -> bool {
    POWERS.iter().any(|power| gives(rule, power)) || cluster_wide && gives(rule, &SECRETS)
}

fn gives(rule: &PolicyRule, (group, resource, verbs): &(&str, &str, &[&str])) -> bool {
    let any_of = |have: &[trailhound_model::Str], wanted: &str| {
        have.iter().any(|name| name == "*" || name == wanted)
    };
    any_of(&rule.api_groups, group)
        && rule.resources.iter().any(|pattern| covers(pattern, resource))
        && verbs.iter().any(|verb| any_of(&rule.verbs, verb))
}

/// RBAC's patterns for resources: `*`, `*/scale`, or the name itself.
fn covers(pattern: &str, resource: &str) -> bool {
    if pattern == "*" || pattern == resource {
        return true;
    }
    match (pattern.strip_prefix("*/"), resource.split_once('/')) {
        (Some(wanted), Some((_, subresource))) => wanted == subresource,
        _ => false,
    }
}

/// Whether a rule has `*` in both verbs and resources, of a group that Kubernetes serves itself. An
/// operator that may do everything with its own kinds of objects has no power by that.
pub fn wildcard(rule: &PolicyRule) -> bool {
    let star = |list: &[trailhound_model::Str]| list.iter().any(|name| name == "*");
    star(&rule.verbs) && star(&rule.resources) && rule.api_groups.iter().any(|group| own(group))
}

/// The core group, those without a dot (`apps`), those of the project, or all of them.
fn own(api_group: &str) -> bool {
    !api_group.contains('.') || api_group.ends_with(".k8s.io")
}

/// Whether a webhook URL leads out of the cluster: not to a service name, nor to a loopback,
/// link-local or private address. What cannot be read as a URL with a host counts as outside,
/// because the API server would not have accepted it and somebody should look at it.
pub fn external_url(url: &str) -> bool {
    let host = host_of(url).to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    if let Ok(address) = host.parse::<IpAddr>() {
        return !is_inside(address);
    }
    let inside = [".svc", ".cluster.local", ".localhost"];
    host != "localhost" && !inside.iter().any(|ending| host.ends_with(ending))
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether an address is private, shared, link-local or loopback: not one of the internet's. What is
/// no address is not.
pub fn private_address(address: &str) -> bool {
    address.parse().is_ok_and(is_inside)
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => inside_v4(v4),
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| inside_v6(v6), inside_v4),
    }
}

fn inside_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let carrier_nat = first == 100 && (64..128).contains(&second);
    address.is_loopback() || address.is_private() || address.is_link_local() || carrier_nat
}

fn inside_v6(address: Ipv6Addr) -> bool {
    address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_give_the_node_away() {
        for path in [
            "/",
            "//",
            "/etc",
            "/etc/",
            "/etc/kubernetes/pki",
            "/proc",
            "/root/.ssh",
            "/var",
            "/var/run",
            "/var/run/docker.sock",
            "/run/containerd/containerd.sock",
            "/var/lib",
            "/var/lib/kubelet/pods",
            "/var/lib/docker",
            "/tmp/../etc/shadow",
            "/dev",
            "/dev/sda1",
            "/mnt/docker.sock",
            "/run/user/1000/../../crio/crio.sock",
        ] {
            assert!(sensitive_path(path), "{path}");
        }
    }

    /// A pod that mounts these, read-only unless they are named as writable.
    fn mounts(paths: &[&str], writable: &[&str]) -> Workload {
        let strings = |paths: &[&str]| paths.iter().map(|path| (*path).into()).collect();
        Workload {
            host_paths: strings(paths),
            writable_host_paths: strings(writable),
            containers: vec![Container::default()],
            whole: true,
            ..Workload::default()
        }
    }

    #[test]
    fn an_agent_that_only_looks_does_not_control_its_node() {
        let mut nobody = mounts(&["/"], &[]);
        nobody.security.run_as_non_root = Some(true);
        nobody.containers.iter_mut().for_each(|one| one.privilege_escalation = Some(false));
        let mut exporter = mounts(&["/proc", "/sys"], &[]);
        exporter.host_pid = true;
        for looks in [nobody, exporter, mounts(&["/var/log"], &["/var/log"])] {
            assert!(!host_control(&looks), "{looks:?}");
        }
        let mut windows = mounts(&[], &[]);
        windows.security.host_process = Some(true);
        assert!(host_access(&windows));
        for controls in [
            mounts(&["/"], &[]),
            mounts(&["/etc/kubernetes"], &[]),
            mounts(&["/proc"], &["/proc"]),
            mounts(&["/run/containerd/containerd.sock"], &[]),
            windows,
        ] {
            assert!(host_control(&controls), "{controls:?}");
        }
    }

    #[test]
    fn paths_that_agents_mount_everywhere() {
        for path in [
            "/var/log",
            "/var/log/pods",
            "/etc/localtime",
            "/etc/ssl/certs",
            "/data",
            "/tmp",
            "/lib/modules",
            "/run/xtables.lock",
            "/dev/shm",
            "/dev/net/tun",
            "/etc/kubernetes-x",
            "/mnt/disks/ssd0",
            "/rootfs",
            "/sys/fs/cgroup",
        ] {
            assert!(!sensitive_path(path), "{path}");
        }
    }

    #[test]
    fn capabilities_are_known_with_and_without_their_prefix() {
        for name in ["ALL", "SYS_ADMIN", "CAP_SYS_ADMIN", "cap_bpf"] {
            assert!(breaks_out(name), "{name}");
        }
        for name in ["NET_RAW", "CHOWN", "CAP_NET_BIND_SERVICE", "", "CAP_"] {
            assert!(!breaks_out(name), "{name}");
        }
    }

    #[test]
    fn each_way_towards_the_node_is_told_as_a_risk() {
        let privileged = Container { name: "web".into(), privileged: true, ..Container::default() };
        let capable = Container {
            name: "db".into(),
            capabilities: vec!["SYS_ADMIN".into(), "CHOWN".into()],
            ..Container::default()
        };
        let plain = Workload::default();
        for (workload, told, access) in [
            (
                Workload { containers: vec![privileged], ..plain.clone() },
                "runs container web privileged",
                true,
            ),
            (
                Workload { containers: vec![capable], ..plain.clone() },
                "gives container db the capability SYS_ADMIN",
                true,
            ),
            (
                Workload { host_paths: vec!["/var/log".into(), "/".into()], ..plain.clone() },
                "mounts / of the node",
                true,
            ),
            (Workload { host_pid: true, ..plain.clone() }, "sees all processes of the node", true),
            (
                Workload { host_ipc: true, ..plain.clone() },
                "shares memory with the node's processes",
                false,
            ),
            (Workload { host_network: true, ..plain.clone() }, "uses the node's network", false),
        ] {
            assert_eq!(host_access(&workload), access, "{told}");
            assert_eq!(risks(&workload), [told]);
        }
        assert!(!host_access(&plain) && risks(&plain).is_empty());
    }

    fn rule(group: &str, resource: &str, verb: &str) -> PolicyRule {
        PolicyRule {
            verbs: vec![verb.into()],
            api_groups: vec![group.into()],
            resources: vec![resource.into()],
            ..PolicyRule::default()
        }
    }

    #[test]
    fn rights_that_lead_to_more_rights() {
        let rbac = "rbac.authorization.k8s.io";
        for (group, resource, verb) in [
            (rbac, "clusterroles", "bind"),
            (rbac, "roles", "escalate"),
            (rbac, "rolebindings", "create"),
            ("", "users", "impersonate"),
            ("", "pods/exec", "get"),
            ("", "*/exec", "create"),
            ("*", "*", "*"),
            ("", "nodes/proxy", "get"),
            ("", "serviceaccounts/token", "create"),
            ("certificates.k8s.io", "certificatesigningrequests/approval", "patch"),
        ] {
            assert!(escalates(&rule(group, resource, verb), false), "{group} {resource} {verb}");
        }
    }

    #[test]
    fn rights_that_stay_what_they_are() {
        for (group, resource, verb) in [
            ("apps", "*", "*"),
            ("", "pods", "create"),
            ("", "secrets", "get"),
            ("rbac.authorization.k8s.io", "clusterrolebindings", "get"),
            ("apps", "nodes/proxy", "get"),
        ] {
            assert!(!escalates(&rule(group, resource, verb), false), "{group} {resource} {verb}");
        }
    }

    #[test]
    fn reading_secrets_is_power_only_cluster_wide() {
        assert!(escalates(&rule("", "secrets", "list"), true));
        assert!(!escalates(&rule("", "secrets", "delete"), true));
    }

    #[test]
    fn urls_out_of_the_cluster() {
        for url in [
            "https://collect.evil.example/hook",
            "https://8.8.8.8/x",
            "https://[2001:db8::1]:443/",
            "https://user@evil.example:8443",
            "https://evil.example/a.svc",
            "",
            "nonsense",
            "https://svc/x",
            "https://[::ffff:8.8.8.8]/",
        ] {
            assert!(external_url(url), "{url}");
        }
        for url in [
            "https://hook.shop.svc/x",
            "https://hook.shop.svc:443",
            "https://a.b.svc.cluster.local",
            "https://localhost:9443",
            "https://127.0.0.1/",
            "https://10.96.0.7",
            "https://[::1]:1/",
            "https://HOOK.SHOP.SVC.",
            "https://[fd00::1]/",
            "https://100.64.1.1/",
        ] {
            assert!(!external_url(url), "{url}");
        }
    }

    #[test]
    fn private_addresses_are_told_from_those_of_the_internet() {
        for address in ["10.244.1.7", "172.16.0.1", "100.64.0.9", "127.0.0.1", "::1", "fd00::7"] {
            assert!(private_address(address), "{address}");
        }
        for address in ["", "203.0.113.7", "172.32.0.1", "100.128.0.1", "2001:db8::1", "pod-1"] {
            assert!(!private_address(address), "{address}");
        }
    }

    #[test]
    fn a_wildcard_rule_has_stars_in_verbs_and_resources() {
        for group in ["", "*", "apps", "rbac.authorization.k8s.io"] {
            assert!(wildcard(&rule(group, "*", "*")), "{group}");
        }
        assert!(!wildcard(&rule("certs.example", "*", "*")));
        assert!(!wildcard(&rule("*", "*", "get")) && !wildcard(&rule("*", "pods", "*")));
    }
}
