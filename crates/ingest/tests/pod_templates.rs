//! One pod template is one thing, whatever carries it: any kind, a create, an apply, a patch. Rules
//! judge the extracted template and nothing else, so equal extracts are equal judgements.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::decode_all;
use proptest::prelude::*;
use serde_json::{Value, json};
use trailhound_model::{
    body::{BodyKind, Workload},
    lookup::Reading,
};

/// The template read out of one request.
fn workload(verb: &str, resource: &str, request: &Value, response: Option<&Value>) -> Workload {
    let level = if response.is_some() { "RequestResponse" } else { "Request" };
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": level, "auditID": "a",
        "stage": "ResponseComplete", "verb": verb, "requestURI": "/x", "requestObject": request,
        "objectRef": {"resource": resource, "namespace": "shop", "name": "thing"},
    });
    if let Some(response) = response {
        event["responseObject"] = response.clone();
    }
    let body = decode_all(event.to_string().as_bytes(), Vec::new()).bodies.remove(0);
    match body {
        Reading::Present(body) => match body.kind {
            BodyKind::Workload(workload) => *workload,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// An object of this resource with the template.
fn object(resource: &str, template: &Value) -> Value {
    match resource {
        "pods" => template.clone(),
        "podtemplates" => json!({ "template": template }),
        "cronjobs" => json!({"spec": {"jobTemplate": {"spec": {"template": template}}}}),
        _ => json!({"spec": {"template": template}}),
    }
}

const RESOURCES: [&str; 10] = [
    "pods",
    "podtemplates",
    "deployments",
    "daemonsets",
    "statefulsets",
    "replicasets",
    "replicationcontrollers",
    "jobs",
    "cronjobs",
    "rollouts",
];

fn maybe(values: Vec<Value>) -> impl Strategy<Value = Value> {
    prop::sample::select([vec![Value::Null], values].concat())
}

fn truth() -> impl Strategy<Value = Value> {
    maybe(vec![json!(true), json!(false)])
}

fn profile() -> impl Strategy<Value = Value> {
    maybe(vec![json!({"type": "RuntimeDefault"}), json!({"type": "Unconfined"})])
}

fn context() -> impl Strategy<Value = Value> {
    let user = maybe(vec![json!(0), json!(1000)]);
    let windows = maybe(vec![json!({"hostProcess": true})]);
    (truth(), user, profile(), profile(), windows).prop_map(
        |(root, user, seccomp, armor, windows)| {
            json!({"runAsNonRoot": root, "runAsUser": user, "seccompProfile": seccomp,
               "appArmorProfile": armor, "windowsOptions": windows})
        },
    )
}

fn container(name: &'static str) -> impl Strategy<Value = Value> {
    let capabilities = maybe(vec![json!({"add": ["NET_ADMIN"]}), json!({"drop": ["ALL"]})]);
    let ports = maybe(vec![json!([{"containerPort": 80}]), json!([{"hostPort": 80}])]);
    let mounts = maybe(vec![json!([{"name": "h", "readOnly": true}]), json!([{"name": "h"}])]);
    (context(), truth(), truth(), capabilities, ports, mounts).prop_map(
        move |(mut own, privileged, escalates, capabilities, ports, mounts)| {
            own["privileged"] = privileged;
            own["allowPrivilegeEscalation"] = escalates;
            own["capabilities"] = capabilities;
            json!({"name": name, "image": "i", "securityContext": own, "ports": ports,
                   "volumeMounts": mounts})
        },
    )
}

fn template() -> impl Strategy<Value = Value> {
    let volumes = maybe(vec![
        json!([{"name": "h", "hostPath": {"path": "/proc"}}]),
        json!([{"name": "h", "nfs": {"path": "/x"}}]),
    ]);
    let lists = (container("c"), container("init"), container("debug"));
    (lists, context(), volumes, truth(), truth(), truth(), truth()).prop_map(
        |((main, init, debug), own, volumes, network, pid, shared, users)| {
            json!({"metadata": {"labels": {"app": "x"}}, "spec": {
                "containers": [main], "initContainers": [init], "ephemeralContainers": [debug],
                "securityContext": own, "volumes": volumes, "hostNetwork": network,
                "hostPID": pid, "shareProcessNamespace": shared, "hostUsers": users}})
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_kind_and_every_way_gives_the_same_template(template in template()) {
        let first = workload("create", "pods", &template, None);
        prop_assert!(first.whole && first.sets_spec && first.containers.len() == 3);
        for resource in RESOURCES {
            let whole = object(resource, &template);
            let mut applied = whole.clone();
            applied["kind"] = json!("Thing");
            let touched = object(resource, &json!({"spec": {"hostPID": template["spec"]["hostPID"]}}));
            let operations = json!([{"op": "add", "path": "/metadata/labels/a", "value": "b"}]);
            let ways = [
                workload("create", resource, &whole, None),
                workload("create", resource, &whole, Some(&whole)),
                workload("update", resource, &whole, Some(&whole)),
                workload("patch", resource, &applied, None),
                workload("apply", resource, &applied, Some(&whole)),
                workload("patch", resource, &touched, Some(&whole)),
                Workload {
                    sets_spec: true,
                    ..workload("patch", resource, &operations, Some(&whole))
                },
            ];
            for (index, way) in ways.into_iter().enumerate() {
                prop_assert_eq!(&way, &first, "{} {}", resource, index);
            }
        }
    }
}

#[test]
fn a_patch_without_its_result_shows_only_what_it_sets() {
    let base = "/spec/template/spec";
    let operations = json!([
        {"op": "replace", "path": format!("{base}/containers/0/securityContext/privileged"), "value": true},
        {"op": "add", "path": format!("{base}/volumes/-"), "value": {"name": "h", "hostPath": {"path": "/"}}},
        {"op": "add", "path": format!("{base}/securityContext/windowsOptions/hostProcess"), "value": true},
        {"op": "add", "path": format!("{base}/shareProcessNamespace"), "value": true},
    ]);
    let merge = json!({"spec": {"template": {"spec": {
        "shareProcessNamespace": true,
        "securityContext": {"windowsOptions": {"hostProcess": true}},
        "volumes": [{"name": "h", "hostPath": {"path": "/"}}],
        "containers": [{"securityContext": {"privileged": true}}]}}}});
    for request in [operations, merge] {
        let found = workload("patch", "deployments", &request, None);
        assert!(!found.whole && found.sets_spec && found.shares_processes, "{request}");
        assert!(found.containers.iter().any(|one| one.privileged), "{request}");
        assert_eq!(found.security.host_process, Some(true));
        assert_eq!(
            (&found.host_paths, &found.writable_host_paths),
            (&vec!["/".into()], &vec!["/".into()])
        );
    }
}

#[test]
fn a_restart_does_not_set_the_pods_spec() {
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"at": "now"}}}}});
    let scaled = json!([{"op": "replace", "path": "/spec/replicas", "value": 0}]);
    for request in [restart, scaled] {
        for response in [None, Some(object("deployments", &json!({"spec": {"hostPID": true}})))] {
            let found = workload("patch", "deployments", &request, response.as_ref());
            assert_eq!((found.sets_spec, found.host_pid), (false, response.is_some()), "{request}");
        }
    }
}

#[test]
fn a_container_put_beside_others_is_told_from_one_that_changed() {
    let path = "/spec/template/spec/containers/-";
    let side = json!({"name": "side", "image": "s", "command": ["sh"]});
    let operations = json!([{"op": "add", "path": path, "value": side}]);
    let environment =
        json!([{"op": "add", "path": "/spec/template/spec/containers/0/env", "value": []}]);
    let merge =
        |container: &Value| json!({"spec": {"template": {"spec": {"containers": [container]}}}});
    let app = json!({"name": "app", "image": "a:2", "ports": [], "imagePullPolicy": "Always"});
    let mut filled = side.clone();
    filled["terminationMessagePath"] = json!("/dev/termination-log");
    let result = object("deployments", &json!({"spec": {"containers": [app, filled]}}));
    let alone = object("deployments", &json!({"spec": {"containers": [side]}}));
    let image = json!({"name": "app", "image": "a:2"});
    for (request, response, added) in [
        (&operations, None, &["side"][..]),
        (&operations, Some(&result), &["side"]),
        (&merge(&side), Some(&result), &["side"]),
        (&merge(&side), None, &[]),
        (&merge(&side), Some(&alone), &[]),
        (&merge(&image), Some(&result), &[]),
        (&environment, Some(&result), &[]),
    ] {
        let found = workload("patch", "deployments", request, response);
        assert_eq!(found.added_containers, added, "{request}");
    }
}

#[test]
fn the_old_annotation_of_a_profile_counts_for_its_container() {
    let key = "container.apparmor.security.beta.kubernetes.io/c";
    let template = json!({"metadata": {"annotations": {key: "unconfined"}},
                          "spec": {"containers": [{"name": "c"}, {"name": "d"}]}});
    let found = workload("create", "pods", &template, None);
    let profiles: Vec<&str> =
        found.containers.iter().map(|one| one.security.app_armor.as_str()).collect();
    assert_eq!(profiles, ["Unconfined", ""]);
}
