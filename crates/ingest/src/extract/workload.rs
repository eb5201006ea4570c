//! The pod template of any workload, wherever its kind keeps it.

use super::security;
use crate::mask::Walk;
use trailhound_model::{
    Str,
    body::{Container, Workload},
};

/// Where the lists of containers are in a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Whether the object has a pod template: known kinds, and custom ones by their form.
pub(super) fn is_workload(resource: &str, object: &Walk<'_, '_>) -> bool {
    matches!(
        resource,
        "pods"
            | "podtemplates"
            | "deployments"
            | "daemonsets"
            | "statefulsets"
            | "replicasets"
            | "replicationcontrollers"
            | "jobs"
            | "cronjobs"
    ) || !object.elements(&["spec", "template", "spec", "containers"]).is_empty()
}

/// Path of the pod template in an object of this resource.
fn template_path(resource: &str) -> &'static [&'static str] {
    match resource {
        "pods" => &[],
        "podtemplates" => &["template"],
        "cronjobs" => &["spec", "jobTemplate", "spec", "template"],
        _ => &["spec", "template"],
    }
}

/// What a change of scale shows.
pub(super) fn scale(object: &Walk<'_, '_>) -> Workload {
    Workload { replicas: object.tree().at(&["spec", "replicas"]).int(), ..Workload::default() }
}

/// Reads the pod template.
pub(super) fn read(resource: &str, object: &Walk<'_, '_>) -> Workload {
    let scale = scale(object);
    let Some(template) = object.at(template_path(resource)) else { return scale };
    let host_network = template.is_true(&["spec", "hostNetwork"]);
    let mounts = Mounts::of(&template);
    Workload {
        containers: containers(&template, host_network),
        host_pid: template.is_true(&["spec", "hostPID"]),
        host_ipc: template.is_true(&["spec", "hostIPC"]),
        host_network,
        writable_host_paths: mounts.writable(&template),
        host_paths: host_paths(&template).into_iter().map(|(_, path)| path).collect(),
        volume_types: volume_types(&template),
        security: security::of_pod(&template),
        sysctls: security::sysctls(&template),
        shares_processes: template.is_true(&["spec", "shareProcessNamespace"]),
        own_users: template.tree().at(&["spec", "hostUsers"]).truth() == Some(false),
        windows: template.tree().at(&["spec", "os", "name"]).text() == "windows",
        service_account: service_account(&template),
        node_name: template.string(&["spec", "nodeName"]),
        labels: template.pairs(&["metadata", "labels"]),
        mirror: template.at(&["metadata", "annotations", "kubernetes.io/config.mirror"]).is_some(),
        ..scale
    }
}

/// Whether the object says anything of the pod's spec.
pub(super) fn has_spec(resource: &str, object: &Walk<'_, '_>) -> bool {
    let template = object.at(template_path(resource));
    template.is_some_and(|template| !template.tree().get("spec").fields().is_empty())
}

/// The containers of the template that run as long as the pod, and those before them.
pub(super) fn lasting_containers<'w, 't>(
    resource: &str,
    object: &Walk<'w, 't>,
) -> Vec<Walk<'w, 't>> {
    let Some(template) = object.at(template_path(resource)) else { return Vec::new() };
    let lists = ["initContainers", "containers"];
    lists.iter().flat_map(|list| template.elements(&["spec", list])).collect()
}

/// `hostPath` volumes: name and path.
fn host_paths(template: &Walk<'_, '_>) -> Vec<(Str, Str)> {
    let volumes = template.elements(&["spec", "volumes"]);
    let pair =
        |volume: &Walk<'_, '_>| (volume.string(&["name"]), volume.string(&["hostPath", "path"]));
    volumes.iter().map(pair).filter(|(_, path)| !path.is_empty()).collect()
}

fn volume_types(template: &Walk<'_, '_>) -> Vec<Str> {
    let volumes = template.elements(&["spec", "volumes"]);
    let kinds = volumes.iter().flat_map(|volume| volume.tree().fields());
    let kinds = kinds.filter(|(key, value)| key != "name" && !value.is_null());
    let mut kinds: Vec<Str> =
        kinds.filter(|(key, _)| !key.starts_with('$')).map(|(key, _)| Str::new(key)).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Volumes that containers mount, each with whether that mount is read-only.
struct Mounts(Vec<(Str, bool)>);

impl Mounts {
    fn of(template: &Walk<'_, '_>) -> Mounts {
        let containers = CONTAINER_LISTS.iter().flat_map(|list| template.elements(&["spec", list]));
        let mounts = containers.flat_map(|container| container.elements(&["volumeMounts"]));
        Mounts(mounts.map(|one| (one.string(&["name"]), one.is_true(&["readOnly"]))).collect())
    }

    /// Host paths that are not only mounted read-only. One that nobody mounts yet is open to a
    /// debug container.
    fn writable(&self, template: &Walk<'_, '_>) -> Vec<Str> {
        let read_only = |volume: &Str| {
            let mut mounts = self.0.iter().filter(|(name, _)| name == volume).peekable();
            mounts.peek().is_some() && mounts.all(|(_, read_only)| *read_only)
        };
        let paths = host_paths(template).into_iter();
        paths.filter(|(volume, _)| !read_only(volume)).map(|(_, path)| path).collect()
    }
}

/// `serviceAccount` is the old name of the field; the server keeps both alike.
fn service_account(template: &Walk<'_, '_>) -> Str {
    let name = template.string(&["spec", "serviceAccountName"]);
    if name.is_empty() { template.string(&["spec", "serviceAccount"]) } else { name }
}

fn containers(template: &Walk<'_, '_>, host_network: bool) -> Vec<Container> {
    let lists = CONTAINER_LISTS.iter().flat_map(|list| template.elements(&["spec", list]));
    let mut containers: Vec<Container> =
        lists.map(|element| container(&element, host_network)).collect();
    for container in &mut containers {
        security::old_app_armor(template, container);
    }
    containers
}

fn container(walk: &Walk<'_, '_>, host_network: bool) -> Container {
    Container {
        name: walk.string(&["name"]),
        image: walk.string(&["image"]),
        command: command(walk),
        privileged: walk.is_true(&["securityContext", "privileged"]),
        capabilities: walk.strings(&["securityContext", "capabilities", "add"]),
        host_ports: host_ports(walk, host_network),
        security: security::of_context(walk),
        privilege_escalation: walk
            .tree()
            .at(&["securityContext", "allowPrivilegeEscalation"])
            .truth(),
        dropped: walk.strings(&["securityContext", "capabilities", "drop"]),
        proc_mount: walk.string(&["securityContext", "procMount"]),
        probe_hosts: security::probe_hosts(walk),
        hook_commands: security::hook_commands(walk),
    }
}

/// `command` and `args` as one line.
fn command(walk: &Walk<'_, '_>) -> Str {
    let parts = [walk.strings(&["command"]), walk.strings(&["args"])].concat();
    parts.join(" ").into()
}

/// On the node's network the server sets each port's `hostPort` to its `containerPort`; what the
/// client sent does not show that yet.
fn host_ports(walk: &Walk<'_, '_>, host_network: bool) -> Vec<u32> {
    let ports = walk.elements(&["ports"]);
    let port = |port: &Walk<'_, '_>| -> Option<i64> {
        let own = port.tree().get("containerPort").int().filter(|_| host_network);
        port.tree().get("hostPort").int().or(own)
    };
    let host = ports.iter().filter_map(port);
    host.filter_map(|port| u32::try_from(port).ok()).filter(|port| *port != 0).collect()
}
