//! The Pod Security Standards, as Kubernetes documents them, judged on an extracted pod template.
//!
//! The newest edition of each control is taken, because a log does not name the server's version;
//! an older server may accept less. A control that asks for something to be *set* (the restricted
//! standard does) is judged only where the whole template is known: a patch that does not mention
//! `runAsNonRoot` says nothing about it.

use trailhound_model::{
    Str,
    body::{Container, Security, Workload},
};

/// Capabilities that the baseline standard lets a container add.
const BASELINE_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Kernel settings that stay inside the pod.
const SAFE_SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

/// `SELinux` types of ordinary containers; empty is the runtime's choice.
const SELINUX_TYPES: &[&str] =
    &["", "container_engine_t", "container_init_t", "container_kvm_t", "container_t"];

/// Volumes that the restricted standard knows. `hostPath` is a control of its own.
const RESTRICTED_VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "hostPath",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Profiles of seccomp and `AppArmor` that confine; `Unconfined` does not.
const CONFINED: &[&str] = &["Localhost", "RuntimeDefault"];

/// A control: its word, and whether a template breaks it.
type Control = (&'static str, fn(&Workload) -> bool);

const BASELINE: &[Control] = &[
    ("privileged", |pod| pod.containers.iter().any(|one| one.privileged)),
    ("host-namespaces", |pod| pod.host_network || pod.host_pid || pod.host_ipc),
    ("host-path", |pod| !pod.host_paths.is_empty() || has_volume(pod, |kind| kind == "hostPath")),
    ("host-ports", |pod| pod.containers.iter().any(|one| !one.host_ports.is_empty())),
    ("capabilities", |pod| adds_beyond(pod, BASELINE_CAPABILITIES)),
    ("windows-host-process", host_process),
    ("apparmor", |pod| {
        any_context(pod, |own| !own.app_armor.is_empty() && !confined(&own.app_armor))
    }),
    ("selinux", |pod| any_context(pod, odd_selinux)),
    ("proc-mount", |pod| !pod.own_users && pod.containers.iter().any(odd_proc_mount)),
    ("seccomp", |pod| any_context(pod, |own| !own.seccomp.is_empty() && !confined(&own.seccomp))),
    ("sysctls", |pod| pod.sysctls.iter().any(|name| !SAFE_SYSCTLS.contains(&name.as_str()))),
    ("host-probes", |pod| pod.containers.iter().any(|one| !one.probe_hosts.is_empty())),
];

const RESTRICTED: &[Control] = &[
    ("volume-types", |pod| has_volume(pod, |kind| !RESTRICTED_VOLUMES.contains(&kind))),
    ("privilege-escalation", |pod| {
        !pod.windows
            && pod.containers.iter().any(|one| must_be_false(pod, one.privilege_escalation))
    }),
    ("run-as-non-root", |pod| !pod.own_users && may_be_root(pod)),
    ("run-as-user", |pod| !pod.own_users && any_context(pod, |own| own.run_as_user == Some(0))),
    ("restricted-seccomp", |pod| {
        !pod.windows && pod.whole && pod.containers.iter().any(|one| !has_seccomp(pod, one))
    }),
    ("restricted-capabilities", |pod| !pod.windows && keeps_capabilities(pod)),
];

/// Words of the controls that a template breaks, baseline before restricted.
pub fn violations(pod: &Workload) -> impl Iterator<Item = &'static str> {
    baseline_violations(pod).chain(broken(RESTRICTED, pod))
}

/// Words of the controls of the baseline standard that a template breaks.
pub fn baseline_violations(pod: &Workload) -> impl Iterator<Item = &'static str> {
    broken(BASELINE, pod)
}

fn broken<'a>(
    controls: &'static [Control],
    pod: &'a Workload,
) -> impl Iterator<Item = &'static str> + 'a {
    controls.iter().filter(move |(_, is_broken)| is_broken(pod)).map(|(word, _)| *word)
}

/// The strictest standard that a template meets. `None` if too little of it is known.
pub fn standard(pod: &Workload) -> Option<&'static str> {
    let breaks = |controls| broken(controls, pod).next().is_some();
    if breaks(BASELINE) {
        return Some("privileged");
    }
    let restricted = || if breaks(RESTRICTED) { "baseline" } else { "restricted" };
    pod.whole.then(restricted)
}

/// Whether a Windows container runs as a process of its node.
pub fn host_process(pod: &Workload) -> bool {
    any_context(pod, |own| own.host_process == Some(true))
}

/// Whether every container is kept from being root, and from becoming it.
pub fn never_root(pod: &Workload) -> bool {
    let stays = |one: &Container| one.privilege_escalation == Some(false);
    pod.whole && !may_be_root(pod) && pod.containers.iter().all(stays)
}

fn any_context(pod: &Workload, odd: impl Fn(&Security) -> bool) -> bool {
    odd(&pod.security) || pod.containers.iter().any(|one| odd(&one.security))
}

fn has_volume(pod: &Workload, odd: impl Fn(&str) -> bool) -> bool {
    pod.volume_types.iter().any(|kind| odd(kind))
}

fn confined(profile: &Str) -> bool {
    CONFINED.contains(&profile.as_str())
}

fn odd_selinux(own: &Security) -> bool {
    own.selinux_user_or_role || !SELINUX_TYPES.contains(&own.selinux_type.as_str())
}

fn odd_proc_mount(container: &Container) -> bool {
    !matches!(container.proc_mount.as_str(), "" | "Default")
}

fn adds_beyond(pod: &Workload, allowed: &[&str]) -> bool {
    let mut added = pod.containers.iter().flat_map(|one| &one.capabilities);
    added.any(|name| !allowed.contains(&name.as_str()))
}

/// A flag that has to be false: not being set breaks the control where the template is whole.
fn must_be_false(pod: &Workload, flag: Option<bool>) -> bool {
    flag.unwrap_or(pod.whole)
}

/// `runAsNonRoot` has to be true for every container, by its own word or the pod's.
fn may_be_root(pod: &Workload) -> bool {
    let pods_word = pod.security.run_as_non_root;
    let word = |one: &Container| one.security.run_as_non_root.or(pods_word);
    pods_word == Some(false) && pod.containers.is_empty()
        || pod.containers.iter().any(|one| word(one).map_or(pod.whole, |is_set| !is_set))
}

fn has_seccomp(pod: &Workload, container: &Container) -> bool {
    let own = &container.security.seccomp;
    confined(if own.is_empty() { &pod.security.seccomp } else { own })
}

fn keeps_capabilities(pod: &Workload) -> bool {
    let drops = |one: &Container| one.dropped.iter().any(|name| name == "ALL");
    adds_beyond(pod, &["NET_BIND_SERVICE"])
        || pod.whole && pod.containers.iter().any(|one| !drops(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A template that meets the restricted standard.
    fn good() -> Workload {
        let container = Container {
            privilege_escalation: Some(false),
            dropped: vec!["ALL".into()],
            ..Container::default()
        };
        let security = Security {
            run_as_non_root: Some(true),
            seccomp: "RuntimeDefault".into(),
            ..Security::default()
        };
        Workload { containers: vec![container], security, whole: true, ..Workload::default() }
    }

    fn with(change: impl FnOnce(&mut Workload)) -> Workload {
        let mut pod = good();
        change(&mut pod);
        pod
    }

    fn words(pod: &Workload) -> Vec<&'static str> {
        violations(pod).collect()
    }

    #[test]
    fn every_control_is_broken_by_its_own_setting_and_by_nothing_else() {
        let first = |change: fn(&mut Container)| {
            with(|pod| {
                if let Some(container) = pod.containers.first_mut() {
                    change(container);
                }
            })
        };
        let broken = [
            (first(|one| one.privileged = true), "privileged"),
            (with(|pod| pod.host_network = true), "host-namespaces"),
            (with(|pod| pod.host_pid = true), "host-namespaces"),
            (with(|pod| pod.host_ipc = true), "host-namespaces"),
            (with(|pod| pod.host_paths = vec!["/x".into()]), "host-path"),
            (first(|one| one.host_ports = vec![80]), "host-ports"),
            (with(|pod| pod.security.host_process = Some(true)), "windows-host-process"),
            (first(|one| one.security.host_process = Some(true)), "windows-host-process"),
            (first(|one| one.security.app_armor = "Unconfined".into()), "apparmor"),
            (with(|pod| pod.security.selinux_type = "spc_t".into()), "selinux"),
            (first(|one| one.security.selinux_user_or_role = true), "selinux"),
            (first(|one| one.proc_mount = "Unmasked".into()), "proc-mount"),
            (with(|pod| pod.sysctls = vec!["kernel.msgmax".into()]), "sysctls"),
            (first(|one| one.probe_hosts = vec!["10.0.0.1".into()]), "host-probes"),
            (with(|pod| pod.volume_types = vec!["nfs".into()]), "volume-types"),
            (first(|one| one.privilege_escalation = None), "privilege-escalation"),
            (with(|pod| pod.security.run_as_non_root = None), "run-as-non-root"),
            (first(|one| one.security.run_as_non_root = Some(false)), "run-as-non-root"),
            (first(|one| one.security.run_as_user = Some(0)), "run-as-user"),
            (with(|pod| pod.security.seccomp = Str::default()), "restricted-seccomp"),
            (first(|one| one.dropped = vec!["KILL".into()]), "restricted-capabilities"),
            (first(|one| one.capabilities = vec!["CHOWN".into()]), "restricted-capabilities"),
        ];
        for (pod, word) in broken {
            assert_eq!(words(&pod), [word]);
            let standard = standard(&pod);
            let baseline = BASELINE.iter().any(|(own, _)| *own == word);
            assert_eq!(standard, Some(if baseline { "privileged" } else { "baseline" }), "{word}");
        }
    }

    #[test]
    fn one_setting_may_break_both_standards() {
        let unconfined = with(|pod| pod.security.seccomp = "Unconfined".into());
        assert_eq!(words(&unconfined), ["seccomp", "restricted-seccomp"]);
        let capable = with(|pod| {
            pod.containers.iter_mut().for_each(|one| one.capabilities = vec!["NET_RAW".into()]);
        });
        assert_eq!(words(&capable), ["capabilities", "restricted-capabilities"]);
    }

    #[test]
    fn what_the_standards_allow_is_no_violation() {
        let fine = [
            good(),
            with(|pod| pod.sysctls = vec!["net.ipv4.tcp_syncookies".into()]),
            with(|pod| pod.security.selinux_type = "container_t".into()),
            with(|pod| pod.volume_types = vec!["csi".into(), "emptyDir".into()]),
            with(|pod| {
                pod.containers
                    .iter_mut()
                    .for_each(|one| one.capabilities = vec!["NET_BIND_SERVICE".into()]);
            }),
            with(|pod| {
                pod.own_users = true;
                pod.security.run_as_non_root = None;
                pod.security.run_as_user = Some(0);
            }),
            with(|pod| {
                pod.windows = true;
                pod.security.seccomp = Str::default();
                pod.containers.iter_mut().for_each(|one| one.privilege_escalation = None);
            }),
        ];
        for pod in fine {
            assert!(words(&pod).is_empty(), "{:?}", words(&pod));
            assert_eq!(standard(&pod), Some("restricted"));
        }
    }

    #[test]
    fn a_patch_is_not_blamed_for_what_it_does_not_mention() {
        let silent = Workload { containers: vec![Container::default()], ..Workload::default() };
        assert!(words(&silent).is_empty());
        assert_eq!(standard(&silent), None);
        let mut loud = silent;
        loud.containers.iter_mut().for_each(|one| one.privilege_escalation = Some(true));
        assert_eq!(words(&loud), ["privilege-escalation"]);
        assert_eq!(standard(&loud), None);
        loud.host_pid = true;
        assert_eq!(standard(&loud), Some("privileged"));
    }
}
