//! What records say of the objects of the cluster: from answers, from requests, from lists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod common;

use common::masker;
use trailhound_ingest::{Chunk, Decoder, Sink, decode};
use trailhound_model::{
    event::Event,
    lookup::Bodies,
    observed::{Observation, Observed, Said, State},
    scan::Rejected,
    time::Time,
};

#[derive(Default)]
struct Seen(Vec<Option<Box<Observed>>>);

impl Sink for Seen {
    fn event(&mut self, _: Event, bodies: &dyn Bodies) {
        self.0.push(bodies.observed());
    }
    fn reject(&mut self, rejected: Rejected) {
        panic!("{rejected:?}");
    }
    fn ignored(&mut self, reason: &'static str) {
        panic!("{reason}");
    }
}

fn observed(verb: &str, resource: &str, request: &str, response: &str) -> Option<Observed> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let body = |key: &str, body: &str| match body {
        "" => String::new(),
        _ => format!("\"{key}\":{body},"),
    };
    let line = format!(
        r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","verb":"{verb}","requestURI":"/x",{}{}"stageTimestamp":"2026-01-01T00:03:00Z","objectRef":{{"resource":"{resource}","subresource":"{subresource}","namespace":"shop","name":"thing"}}}}"#,
        body("requestObject", request),
        body("responseObject", response),
    );
    let mut seen = Seen::default();
    let masker = masker();
    decode(&Chunk::from_bytes(0, "t", line.into_bytes()), &Decoder::new(&masker), &mut seen);
    seen.0.remove(0).map(|observed| *observed)
}

fn one(verb: &str, resource: &str, request: &str, response: &str) -> Observation {
    let mut found = observed(verb, resource, request, response).unwrap();
    assert_eq!(found.objects.len(), 1);
    found.objects.remove(0)
}

const POD: &str = r#"{"kind":"Pod","metadata":{"name":"cart-1","generateName":"cart-","namespace":"shop",
"uid":"u1","resourceVersion":"7","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"cart"},
"ownerReferences":[{"kind":"ReplicaSet","name":"cart-7d4","uid":"u0","controller":true}],
"managedFields":[{"f":{}}]},"spec":{"serviceAccountName":"cart","automountServiceAccountToken":false,
"nodeName":"n1","hostPID":true,"imagePullSecrets":[{"name":"registry"}],
"volumes":[{"name":"a","secret":{"secretName":"db"}},{"name":"b","configMap":{"name":"conf"}},
{"name":"c","hostPath":{"path":"/var"}},{"name":"d","persistentVolumeClaim":{"claimName":"data"}},
{"name":"e","projected":{"sources":[{"configMap":{"name":"kube-root-ca.crt"}},{"secret":{"name":"tls"}}]}}],
"containers":[{"name":"c","image":"cart:1","env":[{"name":"PASSWORD","value":"hunter2hunter2"},
{"name":"X","valueFrom":{"secretKeyRef":{"name":"env","key":"k"}}}],
"envFrom":[{"configMapRef":{"name":"more"}}],
"securityContext":{"privileged":true,"capabilities":{"add":["NET_ADMIN"]}}}]},
"status":{"phase":"Running","podIP":"10.1.0.4","podIPs":[{"ip":"10.1.0.4"},{"ip":"fd00::4"}],"hostIP":"10.0.1.1"}}"#;

#[test]
fn the_answer_to_a_write_shows_the_whole_pod() {
    for (verb, resource, request) in [
        ("create", "pods", "{}"),
        ("patch", "pods/status", r#"{"status":{}}"#),
        ("delete", "pods", ""),
    ] {
        let pod = one(verb, resource, request, POD);
        assert_eq!((pod.said, pod.whole), (Said::Answered, true));
        assert_eq!((pod.resource.as_str(), pod.name.as_str()), ("pods", "cart-1"));
        assert_eq!((pod.uid.as_str(), pod.version.as_str()), ("u1", "7"));
        assert_eq!((pod.owners[0].name.as_str(), pod.owners[0].controller), ("cart-7d4", true));
        assert_eq!(pod.labels, [("app".into(), "cart".into())]);
        assert_eq!(pod.created, Time::parse("2026-01-01T00:00:00Z"));
        let State::Pod { spec, addresses, host, phase } = pod.state else { panic!() };
        assert_eq!(addresses, ["10.1.0.4", "fd00::4"]);
        assert_eq!((host.as_str(), phase.as_str()), ("10.0.1.1", "Running"));
        assert_eq!((spec.service_account.as_str(), spec.node.as_str()), ("cart", "n1"));
        assert_eq!((spec.automount, spec.host_pid, spec.host_network), (Some(false), true, false));
        assert_eq!(spec.secrets, ["env", "db", "tls"]);
        assert_eq!(spec.config_maps, ["more", "conf", "kube-root-ca.crt"]);
        assert_eq!(
            (&spec.claims[..], &spec.host_paths[..]),
            (&["data".into()][..], &["/var".into()][..])
        );
        assert_eq!(
            (&spec.pull_secrets[..], &spec.capabilities[..]),
            (&["registry".into()][..], &["NET_ADMIN".into()][..])
        );
        assert_eq!(
            (spec.containers[0].image.as_str(), spec.containers[0].privileged),
            ("cart:1", true)
        );
    }
}

#[test]
fn without_an_answer_the_request_speaks_and_says_so() {
    let pod = one("create", "pods", POD, "");
    assert_eq!((pod.said, pod.whole, pod.version.as_str()), (Said::Asked, true, ""));
    let patch = one("patch", "deployments", r#"{"spec":{"replicas":4}}"#, "");
    assert_eq!((patch.said, patch.whole, patch.name.as_str()), (Said::Asked, false, "thing"));
    assert!(matches!(patch.state, State::Workload { replicas: Some(4), .. }));
    let patch =
        one("patch", "deployments", r#"[{"op":"replace","path":"/spec/replicas","value":5}]"#, "");
    assert!(!patch.whole && matches!(patch.state, State::Workload { replicas: Some(5), .. }));
}

#[test]
fn a_refusal_is_no_object() {
    assert_eq!(observed("create", "pods", "", r#"{"kind":"Status","status":"Failure"}"#), None);
    assert_eq!(observed("get", "roles", "", r#"{"kind":"Table","rows":[]}"#), None);
    assert_eq!(observed("create", "pods", "\"text\"", ""), None);
    assert_eq!(observed("create", "pods", "", "[1]"), None);
}

#[test]
fn a_deletion_says_which_object_of_the_name_it_was() {
    let gone = r#"{"kind":"Status","status":"Success","details":{"name":"thing","uid":"u9"}}"#;
    let by_status = one("delete", "deployments", "", gone);
    assert_eq!((by_status.uid.as_str(), by_status.name.as_str()), ("u9", "thing"));
    assert_eq!((by_status.said, by_status.whole), (Said::Answered, false));
    let options = r#"{"kind":"DeleteOptions","preconditions":{"uid":"u8"}}"#;
    assert_eq!(one("delete", "pods", options, "").uid, "u8");
    let dry = r#"{"preconditions":{"uid":"u8"},"dryRun":["All"]}"#;
    assert_eq!(observed("delete", "pods", dry, ""), None);
}

#[test]
fn a_deleted_collection_and_a_list_name_every_object() {
    let list =
        format!(r#"{{"kind":"PodList","items":[{POD},{}]}}"#, POD.replace("cart-1", "cart-2"));
    let deleted = observed("deletecollection", "pods", "", &list).unwrap();
    assert_eq!((deleted.objects.len(), deleted.objects[1].name.as_str()), (2, "cart-2"));
    assert_eq!(deleted.objects[0].said, Said::Answered);
    let read = observed("list", "pods", "", &list).unwrap();
    assert_eq!((read.objects[0].said, read.objects[0].whole), (Said::Read, true));
    let names = list.replace("PodList", "PartialObjectMetadataList");
    let names = observed("list", "pods", "", &names).unwrap();
    assert_eq!((names.objects[0].whole, &names.objects[0].state), (false, &State::Bare));
}

#[test]
fn a_list_beyond_the_cap_says_how_many_are_left_out() {
    let items = vec![r#"{"metadata":{"name":"r"},"rules":[]}"#; 5_003].join(",");
    let list = format!(r#"{{"kind":"RoleList","items":[{items}]}}"#);
    let record = list.replace("RoleList", "List");
    let deleted = observed("deletecollection", "roles", "", &record).unwrap();
    assert_eq!((deleted.objects.len(), deleted.left_out), (5_000, 3));
}

#[test]
fn a_binding_of_a_pod_names_its_node() {
    let bound = one(
        "create",
        "pods/binding",
        r#"{"kind":"Binding","metadata":{"name":"cart-1","namespace":"shop","uid":"u1"},"target":{"kind":"Node","name":"n1"}}"#,
        r#"{"kind":"Status","status":"Success"}"#,
    );
    assert_eq!((bound.name.as_str(), bound.uid.as_str()), ("cart-1", "u1"));
    assert_eq!(bound.state, State::Bound { node: "n1".into() });
}

#[test]
fn rights_are_read_whole() {
    let State::Role { rules, aggregation, aggregation_complex } = one(
        "create",
        "clusterroles",
        "",
        r#"{"kind":"ClusterRole","metadata":{"name":"r"},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["db"]}],"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"true"}},{"matchExpressions":[{"key":"b"}]}]}}"#,
    )
    .state
    else {
        panic!()
    };
    assert_eq!((rules[0].verbs[0].as_str(), rules[0].resource_names[0].as_str()), ("get", "db"));
    assert_eq!(aggregation, [vec![("a".into(), "true".into())], vec![]]);
    assert!(aggregation_complex);
    let State::Binding(binding) = one(
        "get",
        "rolebindings",
        "",
        r#"{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"s","namespace":"n"}]}"#,
    )
    .state
    else {
        panic!()
    };
    assert_eq!((binding.role.as_str(), binding.subjects[0].namespace.as_str()), ("r", "n"));
}

#[test]
fn accounts_secrets_and_tokens_show_references_and_never_values() {
    let account = one(
        "create",
        "serviceaccounts",
        "",
        r#"{"metadata":{"name":"cart","annotations":{"eks.amazonaws.com/role-arn":"arn:aws:iam::1:role/x"}},"secrets":[{"name":"cart-token"}]}"#,
    );
    let State::Account { secrets, cloud_role, .. } = account.state else { panic!() };
    assert_eq!((secrets[0].as_str(), cloud_role.as_str()), ("cart-token", "arn:aws:iam::1:role/x"));
    let secret = one(
        "create",
        "secrets",
        "",
        r#"{"kind":"Secret","metadata":{"name":"cart-token","annotations":{"kubernetes.io/service-account.name":"cart"}},"type":"kubernetes.io/service-account-token","data":{"token":"c2VjcmV0LXZhbHVl"}}"#,
    );
    assert!(!format!("{secret:?}").contains("c2VjcmV0"));
    let State::Secret { kind, account } = secret.state else { panic!() };
    assert_eq!((kind.as_str(), account.as_str()), ("kubernetes.io/service-account-token", "cart"));
    let token = one(
        "create",
        "serviceaccounts/token",
        r#"{"spec":{}}"#,
        r#"{"kind":"TokenRequest","metadata":{"name":"cart","namespace":"shop"},"spec":{"audiences":["api"],"boundObjectRef":{"kind":"Pod","name":"cart-1","uid":"u1"}},"status":{"token":"eyJhbGciOi.eyJpc3Mi.c2ln","expirationTimestamp":"2026-01-01T01:00:00Z"}}"#,
    );
    assert!(!format!("{token:?}").contains("eyJ"));
    assert_eq!(
        token.state,
        State::Token {
            bound_kind: "Pod".into(),
            bound_name: "cart-1".into(),
            bound_uid: "u1".into(),
            expires: Time::parse("2026-01-01T01:00:00Z"),
            audiences: vec!["api".into()],
        }
    );
}

#[test]
fn nodes_services_ingresses_and_webhooks_show_where_they_lead() {
    let node = one(
        "patch",
        "nodes/status",
        "{}",
        r#"{"metadata":{"name":"n1"},"spec":{"providerID":"aws:///i-1"},"status":{"addresses":[{"type":"InternalIP","address":"10.0.1.1"},{"type":"Hostname","address":"n1"}]}}"#,
    );
    let node_is = State::Node { addresses: vec!["10.0.1.1".into()], provider: "aws:///i-1".into() };
    assert_eq!(node.state, node_is);
    let service = one(
        "create",
        "services",
        "",
        r#"{"spec":{"type":"ClusterIP","selector":{"app":"cart"},"clusterIP":"10.96.0.9","clusterIPs":["10.96.0.9"]}}"#,
    );
    let State::Service { selector, addresses, .. } = service.state else { panic!() };
    assert_eq!((addresses.len(), selector[0].1.as_str()), (1, "cart"));
    let ingress = one(
        "create",
        "ingresses",
        "",
        r#"{"spec":{"tls":[{"secretName":"tls"}],"rules":[{"host":"a.example","http":{"paths":[{"backend":{"service":{"name":"cart"}}}]}}]}}"#,
    );
    let State::Ingress { hosts, services, secrets } = ingress.state else { panic!() };
    assert_eq!(
        (hosts[0].as_str(), services[0].as_str(), secrets[0].as_str()),
        ("a.example", "cart", "tls")
    );
    let hooks = one(
        "create",
        "mutatingwebhookconfigurations",
        "",
        r#"{"webhooks":[{"failurePolicy":"Ignore","clientConfig":{"url":"https://x.example/m"}},{"failurePolicy":"Ignore","clientConfig":{"service":{"namespace":"n","name":"s"}}}]}"#,
    );
    let State::Admission { calls, failure_policies } = hooks.state else { panic!() };
    assert_eq!(
        (&calls[..], failure_policies.len()),
        (&["https://x.example/m".into(), "n/s".into()][..], 1)
    );
}

#[test]
fn notes_name_what_they_are_about() {
    let created = r#"{"metadata":{"name":"cart.18"},"involvedObject":{"kind":"ReplicaSet","namespace":"shop","name":"cart-7d4","uid":"u0"},"reason":"SuccessfulCreate","message":"Created pod: cart-7d4-x2x"}"#;
    let State::Note { kind, name, names, .. } = one("create", "events", created, "{}").state else {
        panic!()
    };
    assert_eq!(
        (kind.as_str(), name.as_str(), names.as_str()),
        ("ReplicaSet", "cart-7d4", "cart-7d4-x2x")
    );
    let scheduled = r#"{"regarding":{"kind":"Pod","name":"p","namespace":"shop"},"reason":"Scheduled","note":"Successfully assigned shop/p to n1"}"#;
    let State::Note { names, uid, .. } = one("create", "events", scheduled, "").state else {
        panic!()
    };
    assert_eq!((names.as_str(), uid.as_str()), ("n1", ""));
}

#[test]
fn a_damaged_certificate_has_no_fingerprint() {
    for certificate in ["", "!!", "aGVsbG8=", "LS0tLS1CRUdJTg=="] {
        let csr = one(
            "update",
            "certificatesigningrequests/approval",
            "",
            &format!(
                r#"{{"spec":{{"username":"bob","signerName":"s"}},"status":{{"certificate":"{certificate}","conditions":[{{"type":"Approved","status":"True"}},{{"type":"Failed","status":"False"}}]}}}}"#
            ),
        );
        let State::Certificate { requester, conditions, fingerprint, .. } = csr.state else {
            panic!()
        };
        assert_eq!(
            (requester.as_str(), &conditions[..], fingerprint.as_str()),
            ("bob", &["Approved".into()][..], "")
        );
    }
}

#[test]
fn a_signed_certificate_has_the_id_that_later_records_use() {
    let certificate = include_str!("data/certificate.b64");
    let body = format!(r#"{{"status":{{"certificate":"{certificate}"}}}}"#);
    let signed = one("get", "certificatesigningrequests", "", &body);
    let State::Certificate { fingerprint, .. } = signed.state else { panic!() };
    let expected = "X509SHA256=69353257dbdecaae1daf9173147d336299e575367cffd21fe9ed1d7c7763f0aa";
    assert_eq!(fingerprint, expected);
}
