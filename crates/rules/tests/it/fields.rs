//! Every field: where its value comes from, and what it is where the log does not have it.

use crate::support::{FakeBodies, FakeHistory, event, truth, truth_with};
use trailhound_model::{
    body::{
        Binding, Body, BodyKind, CertificateRequest, Container, ObjectMeta, PolicyRule, Role,
        Service, Subject, Webhook, Workload,
    },
    event::{Event, Level, User},
    lookup::{Reading, Truth},
};
use trailhound_rules::{FieldId, field::Origin};

fn all_true(event: &Event, bodies: &FakeBodies, conditions: &[&str]) {
    for when in conditions {
        assert_eq!(truth(when, event, bodies), Truth::True, "{when}");
    }
}

#[test]
fn fields_of_the_event() {
    let mut exec = event("create", "", "pods", "exec");
    exec.cluster = "east".into();
    all_true(
        &exec,
        &FakeBodies::default(),
        &[
            "event.verb == \"create\" && event.stage == \"ResponseComplete\"",
            "event.uri.startsWith(\"/x/proxy/run/a%20b?\") && event.path == \"/x/proxy/run/a%20b\"",
            "event.level == \"RequestResponse\" && event.cluster == \"east\"",
            "event.userAgent == \"kubectl/v1.33 (linux)\" && event.agent == \"kubectl\"",
            "event.interactive && event.sourcePrivate",
            "event.sourceIP == \"10.0.0.9\" && event.sourceIPs.exists(ip, ip == \"203.0.113.5\")",
            "event.code == 200 && event.reason == \"Because\" && event.message == \"so it is\"",
            "event.annotations[\"authorization.k8s.io/decision\"] == \"allow\"",
            "action.kind == \"pod.exec\" && action.outcome == \"allowed\" && action.effect == \"changed\"",
            "action.phrase == \"ran a command inside\"",
            "authz.decision == \"allow\" && authz.reason.startsWith(\"RBAC\")",
            "authz.binding == \"b/shop\" && authz.role == \"edit\"",
            "target.resource == \"pods\" && target.subresource == \"exec\" && target.group == \"\"",
            "target.namespace == \"shop\" && target.name == \"cart-7d4\"",
            "target.entity == \"pod:shop/cart-7d4\" && !target.system",
            "exec.command == \"sh -c\" && exec.container == \"web\" && exec.tty && !exec.stdin",
            "query[\"container\"] == \"web\" && \"tty\" in query && !(\"x\" in query)",
            "proxy.path == \"\"",
        ],
    );
}

#[test]
fn fields_of_those_who_act() {
    let mut get = event("get", "", "secrets", "");
    get.impersonated = Some(trailhound_model::Shared::from(User {
        name: "system:serviceaccount:a:b".into(),
        groups: vec!["system:serviceaccounts".into()],
        ..User::default()
    }));
    get.user.extra = [
        ("authentication.kubernetes.io/credential-id", "JTI=1"),
        ("authentication.kubernetes.io/pod-name", "web-1"),
        ("authentication.kubernetes.io/node-name", "n1"),
        ("sessionName", "jane"),
    ]
    .map(|(key, value)| (key.into(), vec![value.into()]))
    .to_vec();
    all_true(
        &get,
        &FakeBodies::default(),
        &[
            "principal.name == \"system:serviceaccount:a:b\" && principal.kind == \"service-account\"",
            "principal.namespace == \"a\" && principal.short == \"b\" && principal.impersonated",
            "\"system:serviceaccounts\" in principal.groups && principal.session == \"\"",
            "actor.name == \"alice\" && actor.kind == \"oidc-user\" && actor.short == \"alice\"",
            "actor.namespace == \"\" && \"dev\" in actor.groups && actor.session == \"jane\"",
            "credential.kind == \"pod-token\" && credential.id == \"JTI=1\"",
            "credential.pod == \"web-1\" && credential.node == \"n1\"",
        ],
    );
}

#[test]
fn what_servers_and_providers_do_not_write_is_unknown() {
    let mut bare = event("create", "", "pods", "");
    bare.user.groups.clear();
    bare.status = None;
    bare.object.as_mut().unwrap().name = "".into();
    for when in [
        "\"dev\" in principal.groups",
        "\"dev\" in actor.groups",
        "event.code == 200",
        "event.reason == \"\"",
        "event.message == \"\"",
        "credential.id == \"\"",
        "credential.pod == \"\"",
        "credential.node == \"\"",
        "target.name == \"\"",
        "target.entity == \"\"",
    ] {
        assert_eq!(truth(when, &bare, &FakeBodies::default()), Truth::Unknown, "{when}");
    }
}

#[test]
fn a_name_that_only_the_body_has_is_found_there() {
    let mut create = event("create", "", "pods", "");
    create.object.as_mut().unwrap().name = "".into();
    let meta = ObjectMeta { name: "cart-9".into(), ..ObjectMeta::default() };
    let bodies = FakeBodies::with(Body { meta, ..Body::default() });
    all_true(
        &create,
        &bodies,
        &["target.name == \"cart-9\"", "target.entity == \"pod:shop/cart-9\""],
    );
    let mut list = event("list", "", "pods", "");
    list.object.as_mut().unwrap().name = "".into();
    all_true(
        &list,
        &FakeBodies::default(),
        &["target.name == \"\" && target.entity == \"pod:shop/*\""],
    );
}

#[test]
fn what_belongs_to_the_system() {
    for (resource, namespace, name, system) in [
        ("pods", "kube-system", "x", true),
        ("pods", "kube-public", "x", true),
        ("leases", "kube-node-lease", "x", true),
        ("clusterroles", "", "x", true),
        ("secrets", "", "", true),
        ("pods", "shop", "x", false),
        ("namespaces", "shop", "shop", false),
        ("namespaces", "kube-system", "kube-system", true),
    ] {
        let mut get = event("get", "", resource, "");
        let object = get.object.as_mut().unwrap();
        object.namespace = namespace.into();
        object.name = name.into();
        let truth = truth("target.system", &get, &FakeBodies::default());
        assert_eq!(truth, Truth::from(system), "{resource} {namespace} {name}");
    }
    let url = Event { verb: "get".into(), ..Event::default() };
    assert_eq!(truth("target.system", &url, &FakeBodies::default()), Truth::False);
}

#[test]
fn what_was_asked_behind_a_proxy() {
    let proxied = |uri: &str| {
        let mut get = event("get", "", "nodes", "proxy");
        get.request_uri = uri.into();
        get
    };
    for (uri, path) in [
        ("/api/v1/nodes/n1/proxy/run/shop/web/main?cmd=id%20-a", "/run/shop/web/main?cmd=id -a"),
        ("/api/v1/nodes/n1/proxy", "/"),
        ("/api/v1/nodes/n1/proxy/", "/"),
        ("/api/v1/nodes/n1/proxy?path=x", "/?path=x"),
        ("/api/v1/nodes/n1:10250/proxy/%72un", "/run"),
    ] {
        let when = format!("proxy.path == \"{path}\"");
        assert_eq!(truth(&when, &proxied(uri), &FakeBodies::default()), Truth::True, "{uri}");
    }
}

#[test]
fn fields_of_pod_templates() {
    let web = Container {
        name: "web".into(),
        image: "shop/web:1".into(),
        command: "serve --port 80".into(),
        capabilities: vec!["SYS_ADMIN".into()],
        privileged: true,
        ..Container::default()
    };
    let workload = Workload {
        containers: vec![web, Container { name: "log".into(), ..Container::default() }],
        host_pid: true,
        host_ipc: true,
        host_network: true,
        host_paths: vec!["/data".into()],
        service_account: "cart".into(),
        node_name: "n1".into(),
        replicas: Some(3),
        labels: vec![("app".into(), "cart".into())],
        mirror: true,
        writable_host_paths: vec!["/data".into()],
        shares_processes: true,
        sets_spec: true,
        whole: true,
        added_containers: vec!["log".into()],
        ..Workload::default()
    };
    let create = event("create", "apps", "deployments", "");
    all_true(
        &create,
        &FakeBodies::of(BodyKind::Workload(Box::new(workload))),
        &[
            "workload.privileged && workload.hostPID && workload.hostIPC && workload.hostNetwork",
            "workload.mirror && workload.hostAccess && size(workload.risks) == 5",
            "workload.hostPaths.exists(p, p == \"/data\") && \"SYS_ADMIN\" in workload.capabilities",
            "workload.images.exists(i, i.startsWith(\"shop/\")) && \"log\" in workload.containers",
            "workload.commands.all(c, c == \"serve --port 80\") && size(workload.commands) == 1",
            "workload.serviceAccount == \"cart\" && workload.nodeName == \"n1\"",
            "workload.replicas == 3 && workload.labels[\"app\"] == \"cart\"",
            "\"app\" in workload.labels && workload.labels[\"tier\"] == \"\"",
            "\"/data\" in workload.writableHostPaths && workload.sharesProcesses && workload.setsSpec",
            "\"log\" in workload.addedContainers && !workload.privilegeEscalation",
            "workload.hostControl && workload.standard == \"privileged\"",
            "\"host-path\" in workload.violations && \"run-as-non-root\" in workload.violations",
            "\"capabilities\" in workload.baselineViolations && !(\"run-as-non-root\" in workload.baselineViolations)",
        ],
    );
    all_true(
        &create,
        &FakeBodies::of(BodyKind::Workload(Box::default())),
        &[
            "!workload.hostControl && workload.violations == []",
            "!workload.privileged && !workload.hostAccess && workload.replicas != 3",
        ],
    );
}

#[test]
fn a_body_of_another_kind_has_nothing_to_say() {
    let bodies = FakeBodies::of(BodyKind::Service(Service::default()));
    let create = event("create", "", "services", "");
    all_true(
        &create,
        &bodies,
        &[
            "!workload.privileged && workload.serviceAccount == \"\" && workload.images == []",
            "!grant.toSelf && !role.escalates && !webhook.external && csr.signer == \"\"",
            "!(workload.replicas == 0) && !review.allowed && meta.labels[\"a\"] == \"\"",
        ],
    );
    let absent = FakeBodies { body: Some(Reading::Absent), ..FakeBodies::default() };
    all_true(&create, &absent, &["!workload.privileged && workload.images == []"]);
}

fn subject(kind: &str, namespace: &str, name: &str) -> Subject {
    Subject { kind: kind.into(), name: name.into(), namespace: namespace.into() }
}

#[test]
fn fields_of_bindings() {
    let binding = Binding {
        role_kind: "ClusterRole".into(),
        role: "admin".into(),
        subjects: vec![subject("ServiceAccount", "shop", "cart"), subject("User", "", "bob")],
    };
    let grant = event("create", "rbac.authorization.k8s.io", "rolebindings", "");
    all_true(
        &grant,
        &FakeBodies::of(BodyKind::Binding(binding)),
        &[
            "grant.role == \"admin\" && grant.roleKind == \"ClusterRole\"",
            "\"system:serviceaccount:shop:cart\" in grant.subjects && \"bob\" in grant.subjects",
            "\"User\" in grant.subjectKinds && !grant.toSelf",
        ],
    );
}

#[test]
fn granting_to_oneself_by_name_group_or_borrowed_identity() {
    let mut grant = event("create", "rbac.authorization.k8s.io", "rolebindings", "");
    grant.impersonated =
        Some(trailhound_model::Shared::from(User { name: "carol".into(), ..User::default() }));
    for (kind, name, expected) in [
        ("User", "alice", Truth::True),
        ("User", "carol", Truth::True),
        ("Group", "dev", Truth::True),
        ("User", "bob", Truth::False),
        ("Group", "ops", Truth::Unknown),
        ("Group", "alice", Truth::Unknown),
    ] {
        let binding = Binding { subjects: vec![subject(kind, "", name)], ..Binding::default() };
        let bodies = FakeBodies::of(BodyKind::Binding(binding));
        assert_eq!(truth("grant.toSelf", &grant, &bodies), expected, "{kind} {name}");
    }
    grant.impersonated = None;
    let binding = Binding { subjects: vec![subject("Group", "", "ops")], ..Binding::default() };
    let bodies = FakeBodies::of(BodyKind::Binding(binding));
    assert_eq!(truth("grant.toSelf", &grant, &bodies), Truth::False);
}

fn role(verb: &str, resource: &str) -> FakeBodies {
    FakeBodies::of(BodyKind::Role(Role {
        rules: vec![PolicyRule {
            verbs: vec![verb.into()],
            api_groups: vec!["".into()],
            resources: vec![resource.into()],
            ..PolicyRule::default()
        }],
        aggregates_to: vec!["view".into()],
        ..Role::default()
    }))
}

#[test]
fn fields_of_roles() {
    let rbac = "rbac.authorization.k8s.io";
    let (wide, narrow) =
        (event("create", rbac, "clusterroles", ""), event("create", rbac, "roles", ""));
    all_true(&wide, &role("*", "*"), &["role.wildcard && role.escalates"]);
    all_true(
        &wide,
        &role("get", "secrets"),
        &[
            "role.escalates && !role.wildcard && \"view\" in role.aggregatesTo && \"get\" in role.verbs && \"secrets\" in role.resources",
        ],
    );
    all_true(&narrow, &role("get", "secrets"), &["!role.escalates"]);
}

#[test]
fn fields_of_webhooks() {
    let hook = |url: &str, service: &str| Webhook {
        url: url.into(),
        service: service.into(),
        failure_policy: "Ignore".into(),
        resources: vec!["pods".into()],
        ..Webhook::default()
    };
    let write =
        event("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", "");
    let bodies = FakeBodies::of(BodyKind::Webhooks(vec![
        hook("https://evil.example", ""),
        hook("", "shop/hook"),
    ]));
    all_true(
        &write,
        &bodies,
        &[
            "webhook.external && webhook.urls.all(u, u == \"https://evil.example\")",
            "webhook.services.all(s, s == \"shop/hook\") && size(webhook.services) == 1",
            "\"Ignore\" in webhook.failurePolicies && \"pods\" in webhook.resources",
        ],
    );
    let inside = FakeBodies::of(BodyKind::Webhooks(vec![hook("", "shop/hook")]));
    all_true(&write, &inside, &["!webhook.external && webhook.urls == []"]);
}

#[test]
fn fields_of_other_bodies() {
    let create = event("create", "", "things", "");
    let request = CertificateRequest {
        signer: "kubernetes.io/kube-apiserver-client".into(),
        common_name: "bob".into(),
        organizations: vec!["system:masters".into()],
        usages: vec!["client auth".into()],
        conditions: vec!["Approved".into()],
    };
    let service = Service {
        service_type: "ExternalName".into(),
        external_ips: vec!["192.0.2.1".into()],
        external_name: "evil.example".into(),
        ports: vec![443, 6379],
    };
    let metadata = BodyKind::Metadata {
        labels: vec![("a".into(), "".into()), ("b".into(), "c".into())],
        annotations: vec![("d".into(), "e".into())],
    };
    let token = BodyKind::TokenRequest {
        expiration_seconds: Some(86_400),
        audiences: vec!["vault".into()],
        bound_pod: "web-1".into(),
    };
    let review = |allowed| BodyKind::Review {
        verb: "get".into(),
        resource: "secrets".into(),
        namespace: "shop".into(),
        allowed,
    };
    for (body, when) in [
        (
            BodyKind::Certificate(request),
            "csr.signer.endsWith(\"-client\") && csr.commonName == \"bob\" && \"system:masters\" in csr.organizations && \"client auth\" in csr.usages && \"Approved\" in csr.conditions && csr.subject == \"bob in the groups system:masters\"",
        ),
        (
            BodyKind::Service(service),
            "service.type == \"ExternalName\" && \"192.0.2.1\" in service.externalIPs && service.externalName == \"evil.example\" && \"6379\" in service.ports && size(service.ports) == 2",
        ),
        (
            metadata,
            "\"a\" in meta.labels && meta.labels[\"a\"] == \"\" && !has(meta.labels.a) && has(meta.labels.b) && meta.annotations[\"d\"] == \"e\" && \"d\" in meta.annotations",
        ),
        (
            token,
            "token.expirationSeconds > 3600 && \"vault\" in token.audiences && token.boundPod == \"web-1\"",
        ),
        (
            review(Some(true)),
            "review.verb == \"get\" && review.resource == \"secrets\" && review.namespace == \"shop\" && review.allowed",
        ),
    ] {
        assert_eq!(truth(when, &create, &FakeBodies::of(body)), Truth::True, "{when}");
    }
    let unanswered = FakeBodies::of(review(None));
    assert_eq!(truth("review.allowed", &create, &unanswered), Truth::Unknown);
}

#[test]
fn fields_of_the_past() {
    let get = event("get", "", "secrets", "");
    let flags = FieldId::ALL.iter().filter(|id| id.origin() == Origin::History);
    let is_flag =
        |id: &&FieldId| !id.name().contains("prior") && id.name() != "history.tokenChecks";
    let flags: Vec<_> = flags.filter(is_flag).collect();
    assert_eq!(flags.len(), 15);
    for expected in [Truth::True, Truth::False, Truth::Unknown] {
        let history = FakeHistory { actions: 3, requests: 5, truth: expected };
        for id in &flags {
            let found = truth_with(id.name(), &get, &FakeBodies::default(), &history);
            assert_eq!(found, expected, "{}", id.name());
        }
        let counts = "history.priorActions == 3 && history.priorRequests == 5";
        assert_eq!(truth_with(counts, &get, &FakeBodies::default(), &history), Truth::True);
    }
}

#[test]
fn the_narrow_right_to_act_as_another_is_told() {
    let mut event = event("get", "", "secrets", "db");
    all_true(&event, &FakeBodies::default(), &["authn.impersonationConstraint == \"\""]);
    event.impersonation_constraint = "impersonate:user-info".into();
    let when = "authn.impersonationConstraint.startsWith(\"impersonate:\")";
    all_true(&event, &FakeBodies::default(), &[when]);
}

#[test]
fn a_fact_without_its_body_knows_whether_there_could_have_been_one() {
    let history = FakeHistory { truth: Truth::True, ..FakeHistory::default() };
    let when = "history.addressIsNew && (history.addressIsNew || true) && !(history.tokenMoved && workload.privileged)";
    for (verb, level, expected) in [
        ("get", Level::Metadata, Truth::True),
        ("create", Level::Metadata, Truth::Unknown),
        ("create", Level::RequestResponse, Truth::True),
    ] {
        let mut event = event(verb, "", "pods", "");
        event.level = level;
        event.bodies.request = false;
        let found = truth_with(when, &event, &FakeBodies::default(), &history);
        assert_eq!(found, expected, "{verb} {level:?}");
    }
}

#[test]
fn credentials_in_a_config_map_are_named_by_their_keys() {
    let write = event("create", "", "configmaps", "");
    let body = Body { credential_keys: vec!["DB_PASSWORD".into()], ..Body::default() };
    let when = "\"DB_PASSWORD\" in config.credentials && size(config.credentials) == 1";
    all_true(&write, &FakeBodies::with(body), &[when]);
    all_true(&write, &FakeBodies::with(Body::default()), &["config.credentials == []"]);
}

/// Every field is named in some condition of this file or the one on the site, so that none goes untested.
#[test]
fn no_field_is_forgotten_here() {
    let source = concat!(include_str!("fields.rs"), include_str!("site.rs"));
    let missing: Vec<_> = FieldId::ALL
        .iter()
        .filter(|id| !matches!(id, FieldId::RequestObject | FieldId::ResponseObject))
        .filter(|id| id.origin() != Origin::History && !source.contains(id.name()))
        .map(|id| id.name())
        .collect();
    assert_eq!(missing, [""; 0]);
}
