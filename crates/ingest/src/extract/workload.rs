//! The pod template of any workload, wherever its kind keeps it.

use super::{pairs, texts};
use crate::{mask::Walk, tree::Tree};
use trailhound_model::{
    Str,
    body::{Container, Workload},
};

/// Where the lists of containers are in a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Whether the object has a pod template: known kinds, and custom ones by their form.
pub(super) fn is_workload(resource: &str, tree: &Tree<'_>) -> bool {
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
    ) || !tree.at(&["spec", "template", "spec", "containers"]).list().is_empty()
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

/// Reads the pod template.
pub(super) fn read(resource: &str, object: &Walk<'_, '_>) -> Workload {
    let path = template_path(resource);
    let template = path.iter().try_fold(*object, |walk, key| walk.step(key));
    let replicas = object.tree().at(&["spec", "replicas"]).int();
    let Some(template) = template else { return Workload { replicas, ..Workload::default() } };
    let spec = template.tree().get("spec");
    let is_true = |key: &str| spec.get(key).truth() == Some(true);
    Workload {
        containers: containers(&template),
        host_pid: is_true("hostPID"),
        host_ipc: is_true("hostIPC"),
        host_network: is_true("hostNetwork"),
        host_paths: host_paths(spec),
        service_account: service_account(spec),
        node_name: Str::new(spec.get("nodeName").text()),
        replicas,
        labels: step(&template, &["metadata", "labels"]).map(|w| pairs(&w)).unwrap_or_default(),
        mirror: !template
            .tree()
            .at(&["metadata", "annotations", "kubernetes.io/config.mirror"])
            .is_null(),
    }
}

fn step<'w, 't>(walk: &Walk<'w, 't>, path: &[&str]) -> Option<Walk<'w, 't>> {
    path.iter().try_fold(*walk, |walk, key| walk.step(key))
}

fn host_paths(spec: &Tree<'_>) -> Vec<Str> {
    let volumes = spec.get("volumes").list().iter();
    let paths = volumes.map(|volume| volume.at(&["hostPath", "path"]).text());
    paths.filter(|path| !path.is_empty()).map(Str::new).collect()
}

/// `serviceAccount` is the old name of the field; the server keeps both alike.
fn service_account(spec: &Tree<'_>) -> Str {
    let name = spec.get("serviceAccountName").text();
    Str::new(if name.is_empty() { spec.get("serviceAccount").text() } else { name })
}

fn containers(template: &Walk<'_, '_>) -> Vec<Container> {
    let lists = CONTAINER_LISTS.iter().filter_map(|list| step(template, &["spec", list]));
    lists
        .flat_map(|list| {
            let elements = list.tree().list().iter();
            elements.map(|element| container(&list.element(element))).collect::<Vec<_>>()
        })
        .collect()
}

fn container(walk: &Walk<'_, '_>) -> Container {
    let tree = walk.tree();
    let security = tree.get("securityContext");
    Container {
        name: Str::new(tree.get("name").text()),
        image: walk.step("image").and_then(|image| image.text()).unwrap_or_default().as_ref().into(),
        command: command(walk),
        privileged: security.get("privileged").truth() == Some(true),
        capabilities: texts(security.at(&["capabilities", "add"])),
        host_ports: host_ports(tree),
    }
}

/// `command` and `args` as one line.
fn command(walk: &Walk<'_, '_>) -> Str {
    let parts: Vec<String> = ["command", "args"]
        .iter()
        .filter_map(|key| walk.step(key))
        .flat_map(|list| list.texts())
        .map(std::borrow::Cow::into_owned)
        .collect();
    parts.join(" ").into()
}

fn host_ports(container: &Tree<'_>) -> Vec<u32> {
    let ports = container.get("ports").list().iter();
    let host = ports.filter_map(|port| u32::try_from(port.get("hostPort").int()?).ok());
    host.filter(|port| *port != 0).collect()
}
