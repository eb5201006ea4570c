//! What is taken out of bodies: the same facts from a create, an update and every form of patch.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{decode_all, masker};
use trailhound_ingest::{Chunk, Decoder, Sink, decode};
use trailhound_model::{
    body::{Body, BodyKind, Workload},
    event::Event,
    lookup::{Bodies, Reading, Side, Value},
    scan::Rejected,
};

const CSR: &str = include_str!("data/csr.b64");

struct Sent<'a> {
    verb: &'a str,
    resource: &'a str,
    level: &'a str,
    stage: &'a str,
    request: &'a str,
    response: &'a str,
}

impl Default for Sent<'_> {
    fn default() -> Self {
        Sent {
            verb: "create",
            resource: "pods",
            level: "RequestResponse",
            stage: "ResponseComplete",
            request: "",
            response: "",
        }
    }
}

impl Sent<'_> {
    fn json(&self) -> String {
        let (resource, subresource) = self.resource.split_once('/').unwrap_or((self.resource, ""));
        let object = |key: &str, body: &str| match body {
            "" => String::new(),
            _ => format!("\"{key}\":{body},"),
        };
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"{}","auditID":"a","stage":"{}","verb":"{}","requestURI":"/x",{}{}"objectRef":{{"resource":"{resource}","subresource":"{subresource}","namespace":"shop","name":"thing"}}}}"#,
            self.level,
            self.stage,
            self.verb,
            object("requestObject", self.request),
            object("responseObject", self.response),
        )
    }

    fn reading(&self) -> Reading<Body> {
        decode_all(self.json().as_bytes(), Vec::new()).bodies.remove(0)
    }

    fn body(&self) -> Body {
        match self.reading() {
            Reading::Present(body) => body,
            other => panic!("{other:?} of {}", self.json()),
        }
    }

    fn workload(&self) -> Workload {
        match self.body().kind {
            BodyKind::Workload(workload) => *workload,
            other => panic!("{other:?} of {}", self.json()),
        }
    }
}

const SPEC: &str = r#"{"hostPID":true,"serviceAccountName":"cart","nodeName":"n1","containers":[{"name":"c","image":"i:1","command":["sh","-c"],"args":["id"],"securityContext":{"privileged":true,"capabilities":{"add":["SYS_ADMIN"]}},"ports":[{"hostPort":80},{"containerPort":1}]}],"initContainers":[{"name":"init"}],"volumes":[{"name":"v","hostPath":{"path":"/"}},{"name":"w","emptyDir":{}}]}"#;

#[test]
fn commands_of_probes_and_hooks_are_seen_beside_the_containers_own() {
    let body = r#"{"spec":{"containers":[{"name":"c","command":["app"],
        "livenessProbe":{"exec":{"command":["sh","-c","ping"]}},"readinessProbe":{"httpGet":{"port":80}},
        "lifecycle":{"postStart":{"exec":{"command":["touch","/x"]}}}}]}}"#;
    let found = Sent { resource: "pods", request: body, ..Sent::default() }.workload();
    assert_eq!(found.containers[0].command, "app");
    assert_eq!(found.containers[0].hook_commands, ["sh -c ping", "touch /x"]);
}

#[test]
fn every_kind_of_workload_shows_its_pod_template() {
    let template = format!(r#"{{"metadata":{{"labels":{{"app":"x"}}}},"spec":{SPEC}}}"#);
    let owned = format!(r#"{{"spec":{{"replicas":3,"template":{template}}}}}"#);
    for (resource, body) in [
        ("pods", template.clone()),
        ("podtemplates", format!(r#"{{"template":{template}}}"#)),
        (
            "cronjobs",
            format!(r#"{{"spec":{{"jobTemplate":{{"spec":{{"template":{template}}}}}}}}}"#),
        ),
        ("deployments", owned.clone()),
        ("daemonsets", owned.clone()),
        ("statefulsets", owned.clone()),
        ("replicasets", owned.clone()),
        ("replicationcontrollers", owned.clone()),
        ("jobs", owned.clone()),
        ("rollouts", owned),
    ] {
        let found = Sent { resource, request: &body, ..Sent::default() }.workload();
        assert!(found.host_pid && !found.host_network && !found.mirror, "{resource}");
        assert_eq!((found.service_account.as_str(), found.node_name.as_str()), ("cart", "n1"));
        assert_eq!(found.host_paths, ["/"]);
        assert_eq!(found.labels, [("app".into(), "x".into())]);
        let container = &found.containers[1];
        assert_eq!((container.name.as_str(), container.command.as_str()), ("c", "sh -c id"));
        assert!(container.privileged);
        assert_eq!(
            (container.capabilities[0].as_str(), &container.host_ports[..]),
            ("SYS_ADMIN", &[80][..])
        );
        assert_eq!(found.containers[0].name, "init", "{resource}");
    }
}

#[test]
fn a_config_map_names_the_keys_that_hold_credentials_and_nothing_of_them() {
    let request = r#"{"data":{"DB_PASSWORD":"s3cr3t-Tr0mbone","url":"postgres://app:s3cr3t-Tr0mbone@db/shop","LOG":"debug","empty_password":""}}"#;
    for verb in ["create", "patch"] {
        let body = Sent { verb, resource: "configmaps", request, ..Sent::default() }.body();
        assert_eq!(body.credential_keys, ["DB_PASSWORD", "url"]);
        assert!(!format!("{body:?}").contains("Tr0mbone"));
    }
    let other = Sent { resource: "endpoints", request, ..Sent::default() }.body();
    assert!(other.credential_keys.is_empty());
}

#[test]
fn patches_show_what_they_set_if_the_result_is_not_logged() {
    let privileged = |request: &str, resource: &str| {
        let found = Sent { verb: "patch", resource, level: "Request", request, ..Sent::default() }
            .workload();
        assert!(found.containers.iter().any(|container| container.privileged), "{request}");
        found
    };
    privileged(
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"c","securityContext":{"privileged":true}}]}}}}"#,
        "deployments",
    );
    let two = privileged(
        r#"[{"op":"test","path":"/spec/x","value":1},{"op":"add","path":"/spec/template/spec/containers/0/securityContext/privileged","value":true},{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"i:2"}]"#,
        "deployments",
    );
    assert_eq!((two.containers.len(), two.containers[0].image.as_str()), (1, "i:2"));
    privileged(
        r#"[{"op":"add","path":"/spec/containers/-","value":{"name":"d","securityContext":{"privileged":true}}}]"#,
        "pods",
    );
    privileged(
        r#"{"spec":{"ephemeralContainers":[{"name":"e","securityContext":{"privileged":true}}]}}"#,
        "pods/ephemeralcontainers",
    );
}

#[test]
fn a_patch_is_judged_by_what_came_of_it() {
    let response = format!(
        r#"{{"kind":"Pod","metadata":{{"name":"p","uid":"u","resourceVersion":"2"}},"spec":{SPEC}}}"#
    );
    let found = Sent {
        verb: "patch",
        request: r#"{"metadata":{"labels":{"a":"b"}}}"#,
        response: &response,
        ..Sent::default()
    };
    assert!(found.workload().host_pid);
    assert_eq!(found.body().meta.version_after, "2");
}

#[test]
fn a_refused_create_is_judged_by_what_was_asked() {
    let request = format!(r#"{{"kind":"Pod","metadata":{{"generateName":"p-"}},"spec":{SPEC}}}"#);
    let response = r#"{"kind":"Status","status":"Failure","message":"denied"}"#;
    let found = Sent { request: &request, response, ..Sent::default() };
    assert!(found.workload().host_pid);
}

#[test]
fn names_uids_owners_and_versions() {
    let found = Sent {
        verb: "update",
        request: r#"{"metadata":{"generateName":"p-","resourceVersion":"1"},"spec":{}}"#,
        response: r#"{"kind":"Pod","metadata":{"name":"p-x1","namespace":"shop","uid":"u","resourceVersion":"1","ownerReferences":[{"kind":"Node","name":"n"},{"kind":"ReplicaSet","name":"r","controller":true}]}}"#,
        ..Sent::default()
    }
    .body()
    .meta;
    assert_eq!(
        (found.name.as_str(), found.uid.as_str(), found.owner.as_str()),
        ("p-x1", "u", "ReplicaSet/r")
    );
    assert_eq!(found.version_before, found.version_after);
}

#[test]
fn access_objects() {
    let kind = |resource: &str, verb: &str, request: &str, response: &str| {
        Sent { verb, resource, request, response, ..Sent::default() }.body().kind
    };
    let BodyKind::Binding(binding) = kind(
        "clusterrolebindings",
        "create",
        r#"{"roleRef":{"kind":"ClusterRole","name":"cluster-admin"},"subjects":[{"kind":"ServiceAccount","name":"a","namespace":"b"}]}"#,
        "",
    ) else {
        panic!()
    };
    assert_eq!(
        (binding.role.as_str(), binding.subjects[0].authorizer_name().as_str()),
        ("cluster-admin", "system:serviceaccount:b:a")
    );

    let BodyKind::Role(role) = kind(
        "roles",
        "patch",
        r#"[{"op":"add","path":"/rules/-","value":{"verbs":["*"],"apiGroups":[""],"resources":["secrets"]}}]"#,
        "",
    ) else {
        panic!()
    };
    assert_eq!(
        (role.rules.len(), role.rules[0].verbs[0].as_str(), role.rules[0].api_groups[0].as_str()),
        (1, "*", "")
    );

    let BodyKind::Role(role) = kind(
        "clusterroles",
        "create",
        r#"{"metadata":{"labels":{"rbac.authorization.k8s.io/aggregate-to-view":"true","rbac.authorization.k8s.io/aggregate-to-edit":"false","app":"true"}},"rules":[]}"#,
        "",
    ) else {
        panic!()
    };
    assert_eq!(role.aggregates_to, ["view"]);

    let BodyKind::Webhooks(hooks) = kind(
        "mutatingwebhookconfigurations",
        "create",
        r#"{"webhooks":[{"name":"w","clientConfig":{"url":"https://u:pw@evil.example/x"},"failurePolicy":"Ignore","rules":[{"resources":["pods","secrets"]}]},{"name":"v","clientConfig":{"service":{"namespace":"n","name":"s"}}}]}"#,
        "",
    ) else {
        panic!()
    };
    assert!(hooks[0].url.contains("evil.example") && !hooks[0].url.contains(":pw@"));
    assert_eq!((hooks[1].service.as_str(), hooks[0].resources.len()), ("n/s", 2));

    let BodyKind::Certificate(csr) = kind(
        "certificatesigningrequests",
        "create",
        &format!(r#"{{"spec":{{"signerName":"s","usages":["client auth"],"request":"{CSR}"}}}}"#),
        "",
    ) else {
        panic!()
    };
    assert_eq!(
        (csr.common_name.as_str(), csr.organizations[0].as_str(), csr.usages[0].as_str()),
        ("mallory", "system:masters", "client auth")
    );

    let BodyKind::Certificate(csr) = kind(
        "certificatesigningrequests/approval",
        "update",
        r#"{"spec":{"request":"damaged"},"status":{"conditions":[{"type":"Approved"}]}}"#,
        "",
    ) else {
        panic!()
    };
    assert_eq!((csr.conditions[0].as_str(), csr.common_name.as_str()), ("Approved", ""));

    let BodyKind::Service(service) =
        kind("services", "create", r#"{"spec":{"type":"NodePort","externalIPs":["1.2.3.4"]}}"#, "")
    else {
        panic!()
    };
    assert_eq!(
        (service.service_type.as_str(), service.external_ips[0].as_str()),
        ("NodePort", "1.2.3.4")
    );

    let BodyKind::TokenRequest { expiration_seconds, audiences, bound_pod } = kind(
        "serviceaccounts/token",
        "create",
        r#"{"spec":{"audiences":["a"],"expirationSeconds":99,"boundObjectRef":{"kind":"Pod","name":"p"}}}"#,
        "",
    ) else {
        panic!()
    };
    assert_eq!(
        (expiration_seconds, audiences[0].as_str(), bound_pod.as_str()),
        (Some(99), "a", "p")
    );

    let BodyKind::Review { verb, resource, allowed, .. } = kind(
        "selfsubjectaccessreviews",
        "create",
        r#"{"spec":{"resourceAttributes":{"verb":"get","resource":"secrets"}}}"#,
        r#"{"kind":"SelfSubjectAccessReview","status":{"allowed":true}}"#,
    ) else {
        panic!()
    };
    assert_eq!((verb.as_str(), resource.as_str(), allowed), ("get", "secrets", Some(true)));
}

#[test]
fn labels_that_a_patch_sets_and_removes() {
    let request = r#"{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged","gone":null}}}"#;
    let response = r#"{"kind":"Namespace","metadata":{"name":"shop","labels":{"other":"x"}}}"#;
    let body =
        Sent { verb: "patch", resource: "namespaces", request, response, ..Sent::default() }.body();
    let BodyKind::Metadata { labels, .. } = body.kind else { panic!() };
    assert_eq!(
        labels,
        [
            ("pod-security.kubernetes.io/enforce".into(), "privileged".into()),
            ("gone".into(), "".into())
        ]
    );
    let json_patch =
        r#"[{"op":"remove","path":"/metadata/labels/pod-security.kubernetes.io~1enforce"}]"#;
    let body =
        Sent { verb: "patch", resource: "namespaces", request: json_patch, ..Sent::default() }
            .body();
    let BodyKind::Metadata { labels, .. } = body.kind else { panic!() };
    assert_eq!(labels, [("pod-security.kubernetes.io/enforce".into(), "".into())]);
}

#[test]
fn a_missing_body_is_unknown_unless_the_level_guarantees_its_absence() {
    let reading = |verb, resource, level, stage| {
        let name = match (Sent { verb, resource, level, stage, ..Sent::default() }).reading() {
            Reading::Present(_) => "present",
            Reading::Absent => "absent",
            Reading::Unknown => "unknown",
        };
        (verb, resource, level, stage, name)
    };
    for expected in [
        ("create", "pods", "Metadata", "ResponseComplete", "unknown"),
        ("create", "pods", "Request", "ResponseComplete", "absent"),
        ("create", "pods", "Request", "RequestReceived", "unknown"),
        ("create", "pods/exec", "Metadata", "ResponseComplete", "absent"),
        ("get", "pods", "Metadata", "ResponseComplete", "absent"),
        ("patch", "pods", "Unknown", "ResponseComplete", "unknown"),
    ] {
        let (verb, resource, level, stage, _) = expected;
        assert_eq!(reading(verb, resource, level, stage), expected);
    }
    let truncated = Sent::default().json().replacen(
        '{',
        r#"{"annotations":{"audit.k8s.io/truncated":"true"},"#,
        1,
    );
    assert_eq!(decode_all(truncated.as_bytes(), Vec::new()).bodies[0], Reading::Unknown);
}

#[test]
fn a_damaged_body_leaves_the_event_and_is_counted() {
    let request = r#"{"a":"\u00zz"}"#;
    let found = decode_all(Sent { request, ..Sent::default() }.json().as_bytes(), Vec::new());
    assert_eq!(found.bodies[0], Reading::Unknown);
    assert_eq!((found.events.len(), found.tally.damaged_bodies), (1, 1));
}

#[test]
fn values_by_path() {
    let request =
        r#"{"a":{"b":[1,"x",true,2.5,null,{"c":"d"}]},"n":null,"managedFields":["kept"]}"#;
    let asks: Vec<common::Ask> = [
        vec!["a", "b", "0"],
        vec!["a", "b", "1"],
        vec!["a", "b", "2"],
        vec!["a", "b", "3"],
        vec!["a", "b", "5", "c"],
        vec!["a", "b", "9"],
        vec!["n"],
        vec!["z"],
        vec!["a", "b", "5"],
        vec!["managedFields", "0"],
    ]
    .into_iter()
    .map(|path| (Side::Request, path))
    .chain([(Side::Response, vec!["a"])])
    .collect();
    let found =
        decode_all(Sent { request, level: "Request", ..Sent::default() }.json().as_bytes(), asks);
    let text = |text: &str| Reading::Present(Value::Text(text.into()));
    assert_eq!(
        found.values,
        [
            Reading::Present(Value::Int(1)),
            text("x"),
            Reading::Present(Value::Bool(true)),
            Reading::Present(Value::Float(2.5)),
            text("d"),
            Reading::Absent,
            Reading::Absent,
            Reading::Absent,
            text(r#"{"c":"d"}"#),
            text("kept"),
            Reading::Unknown,
        ]
    );
}

#[test]
fn the_digest_is_of_the_record_as_it_was_written() {
    use sha2::{Digest, Sha256};
    let record = Sent::default().json();
    let found = decode_all(format!("x {record}  \r\n").as_bytes(), Vec::new());
    assert_eq!(found.digests[0], <[u8; 32]>::from(Sha256::digest(record.as_bytes())));
}

/// A kept record answers as the record itself did.
#[test]
fn a_sealed_record_says_the_same_and_shows_no_bytes() {
    struct Seal;
    impl Sink for Seal {
        fn event(&mut self, _event: Event, bodies: &dyn Bodies) {
            let exhibit = bodies.exhibit();
            assert_eq!(exhibit.digest(), bodies.digest());
            assert_eq!(exhibit.record(), bodies.masked_record(16 << 10));
            assert_eq!(
                exhibit.body().cloned().map(Reading::Present),
                match bodies.body() {
                    Reading::Present(body) => Some(Reading::Present(body.clone())),
                    _ => None,
                }
            );
            assert!(!format!("{:?}", bodies.exhibit()).contains("hunter2"));
        }
        fn reject(&mut self, _rejected: Rejected) {}
        fn ignored(&mut self, _reason: &'static str) {}
    }
    let request = r#"{"kind":"Secret","data":{"k":"hunter2"}}"#;
    for json in
        [Sent { resource: "secrets", request, ..Sent::default() }.json(), Sent::default().json()]
    {
        let masker = masker();
        let tally = decode(
            &Chunk::from_bytes(0, "t", json.into_bytes()),
            &Decoder::new(&masker),
            &mut Seal,
        );
        assert_eq!(tally.records, 1);
    }
}
