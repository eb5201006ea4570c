//! The pod template of any workload, wherever its kind keeps it.

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
    Workload {
        containers: containers(&template),
        host_pid: template.is_true(&["spec", "hostPID"]),
        host_ipc: template.is_true(&["spec", "hostIPC"]),
        host_network: template.is_true(&["spec", "hostNetwork"]),
        host_paths: host_paths(&template),
        service_account: service_account(&template),
        node_name: template.string(&["spec", "nodeName"]),
        labels: template.pairs(&["metadata", "labels"]),
        mirror: template.at(&["metadata", "annotations", "kubernetes.io/config.mirror"]).is_some(),
        ..scale
    }
}

fn host_paths(template: &Walk<'_, '_>) -> Vec<Str> {
    let volumes = template.elements(&["spec", "volumes"]);
    let paths = volumes.iter().map(|volume| volume.string(&["hostPath", "path"]));
    paths.filter(|path| !path.is_empty()).collect()
}

/// `serviceAccount` is the old name of the field; the server keeps both alike.
fn service_account(template: &Walk<'_, '_>) -> Str {
    let name = template.string(&["spec", "serviceAccountName"]);
    if name.is_empty() { template.string(&["spec", "serviceAccount"]) } else { name }
}

fn containers(template: &Walk<'_, '_>) -> Vec<Container> {
    let lists = CONTAINER_LISTS.iter().flat_map(|list| template.elements(&["spec", list]));
    lists.map(|element| container(&element)).collect()
}

fn container(walk: &Walk<'_, '_>) -> Container {
    Container {
        name: walk.string(&["name"]),
        image: walk.string(&["image"]),
        command: command(walk),
        privileged: walk.is_true(&["securityContext", "privileged"]),
        capabilities: walk.strings(&["securityContext", "capabilities", "add"]),
        host_ports: host_ports(walk),
    }
}

/// `command` and `args` as one line.
fn command(walk: &Walk<'_, '_>) -> Str {
    let parts = [walk.strings(&["command"]), walk.strings(&["args"])].concat();
    parts.join(" ").into()
}

fn host_ports(walk: &Walk<'_, '_>) -> Vec<u32> {
    let ports = walk.elements(&["ports"]);
    let host = ports.iter().filter_map(|port| port.tree().get("hostPort").int());
    host.filter_map(|port| u32::try_from(port).ok()).filter(|port| *port != 0).collect()
}
