//! Bodies of requests and answers, for logs that have them: what a real object of the kind contains
//! as far as anybody reads it, and always in agreement with the `objectRef` beside it.

use crate::{
    act::{Bodies, Id},
    calendar::{Moment, micros, seconds},
    cluster::{Kind, Node, Owner, Phase, Pod, Workload},
    resource::Resource,
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) fn text(value: &Value) -> Arc<str> {
    value.to_string().into()
}

/// A lease that is renewed.
pub(crate) fn lease(namespace: &str, name: &str, uid: Id, version: u64, at: Moment) -> Bodies {
    let with = |version: u64| {
        text(&json!({"kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
            "metadata": {"name": name, "namespace": namespace, "uid": uid.to_string(),
                "resourceVersion": version.to_string()},
            "spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": micros(at)}}))
    };
    Bodies { request: Some(with(version - 1)), response: Some(with(version)) }
}

fn status_of(node: &Node, at: Moment) -> Value {
    let condition = |kind: &str, status: &str| {
        json!({"type": kind, "status": status, "lastHeartbeatTime": seconds(at),
            "lastTransitionTime": seconds(node.born)})
    };
    json!({"addresses": [{"type": "InternalIP", "address": &*node.address},
            {"type": "Hostname", "address": &*node.name}],
        "capacity": {"cpu": "16", "memory": "65536000Ki", "pods": "110"},
        "allocatable": {"cpu": "15", "memory": "63000000Ki", "pods": "110"},
        "conditions": [condition("MemoryPressure", "False"), condition("DiskPressure", "False"),
            condition("PIDPressure", "False"), condition("Ready", "True")],
        "nodeInfo": {"kubeletVersion": "v1.33.4", "osImage": "Amazon Linux 2023",
            "containerRuntimeVersion": "containerd://1.7.27"}})
}

/// What a kubelet reports.
pub(crate) fn node_status(node: &Node, at: Moment) -> Arc<str> {
    text(&json!({"status": status_of(node, at)}))
}

/// A node; without a version as the kubelet sends it.
pub(crate) fn node(node: &Node, version: u64, at: Moment) -> Arc<str> {
    let mut meta = json!({"name": &*node.name, "labels": {"kubernetes.io/hostname": &*node.name}});
    if version > 0 {
        stamp(&mut meta, node.uid, version, node.born);
    }
    text(&json!({"kind": "Node", "apiVersion": "v1", "metadata": meta,
        "spec": {"providerID": format!("aws:///us-east-1a/{}", node.name)},
        "status": status_of(node, at)}))
}

fn stamp(meta: &mut Value, uid: Id, version: u64, born: Moment) {
    if let Some(meta) = meta.as_object_mut() {
        meta.insert("uid".into(), uid.to_string().into());
        meta.insert("resourceVersion".into(), version.to_string().into());
        meta.insert("creationTimestamp".into(), seconds(born).into());
    }
}

fn owner(kind: &str, name: &str, uid: Id) -> Value {
    let group = match kind {
        "Job" | "CronJob" => "batch/v1",
        "Service" => "v1",
        _ => "apps/v1",
    };
    json!([{"apiVersion": group, "kind": kind, "name": name, "uid": uid.to_string(),
        "controller": true, "blockOwnerDeletion": true}])
}

/// The spec of a workload's pods at a revision.
pub(crate) fn pod_spec(workload: &Workload, revision: u32) -> Value {
    let name = &*workload.name;
    let restart = if workload.kind == Kind::CronJob { "OnFailure" } else { "Always" };
    json!({"volumes": [
            {"name": "c", "configMap": {"name": format!("{name}-config"), "defaultMode": 420}},
            {"name": "s", "secret": {"secretName": format!("{name}-secret"), "defaultMode": 420}}],
        "containers": [{"name": "main", "image": image(workload, revision),
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
            "imagePullPolicy": "IfNotPresent"}],
        "restartPolicy": restart, "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
        "serviceAccountName": &*workload.account, "serviceAccount": &*workload.account,
        "securityContext": {}, "schedulerName": "default-scheduler"})
}

/// The image of a workload at a revision.
pub(crate) fn image(workload: &Workload, revision: u32) -> String {
    format!("registry.example.com/{}:v1.{revision}.0", workload.name)
}

/// A pod as it is now; without `answered` as its controller sends it.
pub(crate) fn pod(pod: &Pod, workload: &Workload, node: Option<&Node>, answered: bool) -> Value {
    let stem = pod.name.rsplit_once('-').map_or("", |(stem, _)| stem);
    let mut labels = json!({"app": &*workload.name});
    if !pod.hash.is_empty() {
        labels["pod-template-hash"] = json!(&*pod.hash);
    }
    let mut meta = json!({"labels": labels,
        "ownerReferences": owner(pod.owner_kind, &pod.owner, pod.owner_uid)});
    if pod.owner_kind == "StatefulSet" {
        meta["name"] = json!(&*pod.name);
    } else {
        meta["generateName"] = json!(format!("{stem}-"));
    }
    let mut spec = pod_spec(workload, pod.revision);
    if !answered {
        return json!({"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": {}});
    }
    meta["name"] = json!(&*pod.name);
    meta["namespace"] = json!(&*pod.space);
    stamp(&mut meta, pod.uid, pod.version, pod.born);
    if pod.until > 0 {
        meta["deletionTimestamp"] = json!(seconds(pod.until));
        meta["deletionGracePeriodSeconds"] = json!(30);
    }
    let mut status = pod_status(pod, node);
    if let Some(node) = node {
        spec["nodeName"] = json!(&*node.name);
        if !pod.address.is_empty() {
            status["hostIP"] = json!(&*node.address);
        }
    }
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": meta, "spec": spec, "status": status})
}

/// The status of a pod, as its kubelet sends it.
pub(crate) fn pod_status(pod: &Pod, node: Option<&Node>) -> Value {
    let phase = match pod.phase {
        Phase::Pending => "Pending",
        Phase::Running | Phase::Terminating => "Running",
        Phase::Succeeded => "Succeeded",
    };
    let mut status = json!({"phase": phase, "qosClass": "Burstable"});
    if !pod.address.is_empty() {
        status["podIP"] = json!(&*pod.address);
        status["podIPs"] = json!([{"ip": &*pod.address}]);
        if let Some(node) = node {
            status["hostIP"] = json!(&*node.address);
        }
    }
    status
}

fn template(workload: &Workload, revision: u32, hash: &str) -> Value {
    let mut labels = json!({"app": &*workload.name});
    if !hash.is_empty() {
        labels["pod-template-hash"] = json!(hash);
    }
    json!({"metadata": {"labels": labels}, "spec": pod_spec(workload, revision)})
}

fn kind_of(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Deployment => ("Deployment", "apps/v1"),
        Kind::StatefulSet => ("StatefulSet", "apps/v1"),
        Kind::DaemonSet => ("DaemonSet", "apps/v1"),
        Kind::CronJob => ("CronJob", "batch/v1"),
    }
}

/// A workload as it is; without `answered` as a client sends it.
pub(crate) fn workload(workload: &Workload, answered: bool) -> Arc<str> {
    let (kind, version) = kind_of(workload.kind);
    let mut meta = json!({"name": &*workload.name, "namespace": &*workload.space,
        "labels": {"app": &*workload.name}});
    if answered {
        stamp(&mut meta, workload.uid, workload.version, workload.born);
    }
    let mut spec = json!({"selector": {"matchLabels": {"app": &*workload.name}},
        "template": template(workload, workload.revision, "")});
    if matches!(workload.kind, Kind::Deployment | Kind::StatefulSet) {
        spec["replicas"] = json!(workload.replicas);
    }
    if workload.kind == Kind::CronJob {
        spec = json!({"schedule": "*/5 * * * *", "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": {"template": template(workload, workload.revision, "")}}});
    }
    text(
        &json!({"kind": kind, "apiVersion": version, "metadata": meta, "spec": spec, "status": {}}),
    )
}

/// A replica set or a job as it is; without a version as its controller sends it.
pub(crate) fn owned(of: &Workload, set: &Owner, version: u64) -> Arc<str> {
    let (kind, _) = kind_of(of.kind);
    let group = if set.kind == "Job" { "batch/v1" } else { "apps/v1" };
    let mut meta = json!({"name": &*set.name, "namespace": &*of.space,
        "labels": {"app": &*of.name}, "ownerReferences": owner(kind, &of.name, of.uid)});
    if version > 0 {
        stamp(&mut meta, set.uid, version, set.born);
    }
    let mut spec = json!({"template": template(of, set.revision, &set.hash)});
    if set.kind == "ReplicaSet" {
        spec["replicas"] = json!(set.wanted);
        spec["selector"] =
            json!({"matchLabels": {"app": &*of.name, "pod-template-hash": &*set.hash}});
    }
    text(&json!({"kind": set.kind, "apiVersion": group, "metadata": meta, "spec": spec,
        "status": {"replicas": set.pods.len()}}))
}

/// Any other object that is made: what a client sends, and the answer.
pub(crate) fn made(
    resource: &Resource,
    namespace: &str,
    name: &str,
    uid: Id,
    version: u64,
    at: Moment,
    rest: &Value,
) -> Bodies {
    let whole = |meta: Value| {
        let mut object = json!({"kind": resource.kind, "apiVersion": resource.api_version()});
        object["metadata"] = meta;
        for (key, value) in rest.as_object().into_iter().flatten() {
            object[key] = value.clone();
        }
        text(&object)
    };
    let mut meta = json!({"name": name});
    if !namespace.is_empty() {
        meta["namespace"] = json!(namespace);
    }
    let request = whole(meta.clone());
    stamp(&mut meta, uid, version, at);
    Bodies { request: Some(request), response: Some(whole(meta)) }
}

/// Where a pod goes.
pub(crate) fn binding(pod: &Pod, node: &str) -> Bodies {
    let request = json!({"kind": "Binding", "apiVersion": "v1",
        "metadata": {"name": &*pod.name, "namespace": &*pod.space, "uid": pod.uid.to_string()},
        "target": {"kind": "Node", "name": node}});
    let response = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Bodies { request: Some(text(&request)), response: Some(text(&response)) }
}
