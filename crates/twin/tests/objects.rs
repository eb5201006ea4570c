//! Objects over time, from bodies and without them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use trailhound_model::{
    Str,
    body::{Binding, Subject},
    event::{Event, ObjectRef, Stage, Status, User},
    fact::Fact,
    observed::{ContainerState, Observation, Observed, Owner, PodSpec, Said, State, Surety},
    time::{SECOND, Time},
};
use trailhound_twin::objects::{ChangeKind, Edge, Facet, Life, Limits, Objects};

#[derive(Default)]
struct Log {
    objects: Objects,
    now: i64,
    count: u64,
}

fn at(second: i64) -> Time {
    Time(second * SECOND)
}

impl Log {
    /// A request about resource/namespace/name/subresource.
    fn event(&mut self, user: &str, verb: &str, path: &str, code: u16) -> Event {
        self.count += 1;
        let mut parts = path.split('/').chain(std::iter::repeat(""));
        let mut next = || Str::new(parts.next().unwrap());
        let (resource, namespace, name, subresource) = (next(), next(), next(), next());
        let api_group = match resource.as_str() {
            "deployments" | "replicasets" | "statefulsets" => "apps",
            "rolebindings" | "clusterrolebindings" | "roles" => "rbac.authorization.k8s.io",
            _ => "",
        };
        let api_group = api_group.into();
        Event {
            audit_id: format!("id-{}", self.count).into(),
            stage: Stage::ResponseComplete,
            time: at(self.now),
            verb: verb.into(),
            user: User { name: user.into(), ..User::default() }.into(),
            object: Some(Box::new(ObjectRef {
                resource,
                namespace,
                name,
                subresource,
                api_group,
                ..ObjectRef::default()
            })),
            status: Some(Status { code: Some(code), ..Status::default() }.into()),
            ..Event::default()
        }
    }

    fn take(&mut self, event: Event, seen: Option<Observation>) {
        let mut fact = Fact::of(event);
        fact.observed = seen.map(|one| Box::new(Observed { objects: vec![one], left_out: 0 }));
        self.objects.observe(&fact);
    }

    fn bare(&mut self, second: i64, user: &str, verb: &str, path: &str, code: u16) {
        self.now = second;
        let event = self.event(user, verb, path, code);
        self.take(event, None);
    }

    fn body(&mut self, second: i64, user: &str, verb: &str, path: &str, seen: Observation) {
        self.now = second;
        let event = self.event(user, verb, path, 200);
        self.take(event, Some(seen));
    }

    fn pods(&self, name: &str) -> Vec<&Life> {
        self.objects.lives("pods", "shop", name).collect()
    }
}

fn pod(name: &str, uid: &str) -> Observation {
    let container =
        ContainerState { name: "c".into(), image: "cart:1".into(), ..ContainerState::default() };
    Observation {
        said: Said::Answered,
        whole: true,
        resource: "pods".into(),
        namespace: "shop".into(),
        name: name.into(),
        uid: uid.into(),
        labels: vec![("app".into(), "cart".into())],
        state: State::Pod {
            spec: PodSpec {
                service_account: "cart".into(),
                node: "n1".into(),
                containers: vec![container],
                ..PodSpec::default()
            },
            addresses: vec!["10.1.0.4".into()],
            host: "10.0.0.1".into(),
            phase: "Running".into(),
        },
        ..Observation::default()
    }
}

const RS: &str = "system:serviceaccount:kube-system:replicaset-controller";
const KUBELET: &str = "system:node:n1";
const SCHEDULER: &str = "system:kube-scheduler";

#[test]
fn a_recreated_pod_is_another_pod() {
    let mut log = Log::default();
    log.body(10, "alice", "create", "pods/shop", pod("db-0", "u1"));
    log.bare(20, "bob", "delete", "pods/shop/db-0", 200);
    log.bare(25, KUBELET, "delete", "pods/shop/db-0", 200);
    log.body(30, "carol", "create", "pods/shop", pod("db-0", "u2"));
    let lives = log.pods("db-0");
    assert_eq!(lives.len(), 2);
    let end = lives[0].end.as_ref().unwrap();
    assert_eq!((end.time, end.edge, end.surety), (at(25), Edge::Exact, Surety::Proved));
    assert_eq!(lives[0].deleted_by.as_ref().unwrap().who, "user:bob");
    assert_eq!(lives[1].created_by.as_ref().unwrap().who, "user:carol");
    for (second, uid) in [(10, "u1"), (24, "u1"), (30, "u2"), (99, "u2")] {
        let (life, _) = log.objects.at("pods", "shop", "db-0", at(second)).unwrap();
        assert_eq!(life.uid, uid, "{second}");
    }
    assert!(log.objects.at("pods", "shop", "db-0", at(27)).is_none());
    assert_eq!(log.objects.pod_by_uid("u1").unwrap().begin.time, at(10));
}

#[test]
fn a_late_record_does_not_raise_the_dead() {
    let mut log = Log::default();
    log.body(10, "alice", "create", "pods/shop", pod("p", "u1"));
    log.bare(20, KUBELET, "delete", "pods/shop/p", 200);
    log.bare(21, KUBELET, "patch", "pods/shop/p/status", 200);
    log.body(60, KUBELET, "patch", "pods/shop/p/status", pod("p", "u1"));
    assert_eq!(log.pods("p").len(), 1);
    assert_eq!(log.pods("p")[0].end.as_ref().unwrap().time, at(20));
}

#[test]
fn another_uid_under_the_name_ends_the_first_even_if_no_deletion_was_logged() {
    let mut log = Log::default();
    log.body(10, KUBELET, "patch", "pods/shop/p/status", pod("p", "u1"));
    log.body(50, KUBELET, "patch", "pods/shop/p/status", pod("p", "u2"));
    let lives = log.pods("p");
    let end = lives[0].end.as_ref().unwrap();
    assert_eq!((lives.len(), end.edge, end.time), (2, Edge::NotLater, at(50)));
    assert_eq!(lives[1].begin.edge, Edge::NotLater);
}

#[test]
fn without_bodies_binding_status_and_token_name_a_pod() {
    let mut log = Log::default();
    let name = "cart-7d4f8b9c6d-x2kzq";
    log.bare(10, RS, "create", "pods/shop", 201);
    log.bare(11, SCHEDULER, "create", &format!("pods/shop/{name}/binding"), 201);
    log.bare(12, KUBELET, "patch", &format!("pods/shop/{name}/status"), 200);
    log.now = 15;
    let mut event = log.event("system:serviceaccount:shop:cart", "list", "services/shop", 200);
    let extra = |(key, value): (&str, &str)| {
        (Str::from(format!("authentication.kubernetes.io/{key}")), vec![Str::new(value)])
    };
    let bound =
        [("credential-id", "JTI=1"), ("pod-name", name), ("pod-uid", "u1"), ("node-name", "n1")];
    event.user.extra = bound.map(extra).to_vec();
    event.source_ips = vec!["10.1.0.4".into()].into();
    log.take(event, None);
    let life = log.pods(name)[0];
    let created = life.created_by.as_ref().unwrap();
    assert_eq!(created.who, "sa:kube-system/replicaset-controller");
    assert_eq!((created.surety, life.begin.surety), (Surety::Inferred, Surety::Inferred));
    assert_eq!(life.begin.time, at(10));
    let node = life.node.as_ref().unwrap();
    assert_eq!((node.value.as_str(), node.surety), ("n1", Surety::Proved));
    assert_eq!((life.uid.as_str(), life.account.as_ref().unwrap().value.as_str()), ("u1", "cart"));
    assert_eq!(life.addresses[0].surety, Surety::Inferred);
    let (owner, surety) = life.owner().unwrap();
    assert_eq!((owner.name.as_str(), surety), ("cart-7d4f8b9c6d", Surety::Inferred));
    assert_eq!(log.objects.pod_by_address("10.1.0.4", at(15)).len(), 1);
    assert_eq!(log.objects.pods_of_account("shop", "cart", at(15)).len(), 1);
    assert!(log.objects.pods_of_account("shop", "other", at(15)).is_empty());
    assert_eq!(log.objects.uses("shop", "cart").unwrap().actions.len(), 1);
}

#[test]
fn two_doers_of_unnamed_creations_are_not_guessed_between() {
    let mut log = Log::default();
    log.bare(10, RS, "create", "pods/shop", 201);
    log.bare(10, "mallory", "create", "pods/shop", 201);
    log.bare(11, SCHEDULER, "create", "pods/shop/a/binding", 201);
    assert_eq!(log.pods("a")[0].created_by, None);
    log.bare(12, SCHEDULER, "create", "pods/shop/b/binding", 201);
    assert_eq!(log.pods("b")[0].created_by, None);
}

#[test]
fn outcomes_prove_presence_and_absence() {
    let mut log = Log::default();
    log.bare(10, "alice", "get", "secrets/shop/db", 200);
    log.bare(50, "alice", "get", "secrets/shop/db", 404);
    let life = log.objects.lives("secrets", "shop", "db").next().unwrap();
    assert_eq!(life.end.as_ref().unwrap().edge, Edge::NotLater);
    assert_eq!(life.existed_at(at(10)), Surety::Proved);
    assert_eq!(life.existed_at(at(50)), Surety::Unknown);
    log.now = 60;
    let mut event = log.event("alice", "create", "secrets/shop", 409);
    let message = r#"secrets "db" already exists"#.into();
    event.status = Some(Status { code: Some(409), message, ..Status::default() }.into());
    log.take(event, None);
    assert!(log.objects.at("secrets", "shop", "db", at(60)).is_some());
    assert_eq!(log.objects.lives("secrets", "shop", "db").count(), 2);
    log.bare(70, "alice", "get", "secrets/shop/never", 403);
    assert_eq!(log.objects.lives("secrets", "shop", "never").count(), 0);
}

#[test]
fn the_authorizers_reason_names_binding_and_role() {
    let mut log = Log::default();
    let mut event = log.event("alice", "list", "events/shop", 200);
    let reason = r#"RBAC: allowed by RoleBinding "b/shop" of ClusterRole "r" to User "alice""#;
    event.annotations = vec![("authorization.k8s.io/reason".into(), reason.into())].into();
    log.take(event, None);
    assert_eq!(log.objects.resolve("rolebinding:shop/b").len(), 1);
    assert_eq!(log.objects.resolve("clusterrole:r")[0].begin.edge, Edge::NotLater);
}

fn deployment(image: &str) -> Observation {
    let container = ContainerState { image: image.into(), ..ContainerState::default() };
    let spec = PodSpec { containers: vec![container], ..PodSpec::default() };
    Observation {
        resource: "deployments".into(),
        state: State::Workload { spec, labels: Vec::new(), replicas: Some(1) },
        ..pod("cart", "d1")
    }
}

#[test]
fn changes_name_who_and_what() {
    let mut log = Log::default();
    log.body(10, "alice", "create", "deployments/shop", deployment("cart:1"));
    log.body(20, "bob", "patch", "deployments/shop/cart", deployment("cart:2"));
    log.body(21, "bob", "patch", "deployments/shop/cart", deployment("cart:2"));
    let state =
        State::Binding(Binding { subjects: vec![Subject::default()], ..Binding::default() });
    let binding = Observation { resource: "rolebindings".into(), state, ..pod("b", "r1") };
    log.body(30, "mallory", "create", "rolebindings/shop", binding);
    log.body(40, "carol", "delete", "deployments/shop/cart", deployment("cart:2"));
    let changes = log.objects.changes(at(0), at(100));
    let brief: Vec<_> =
        changes.iter().map(|one| (one.kind, one.entity.as_str(), one.who.as_str())).collect();
    assert_eq!(
        brief,
        [
            (ChangeKind::Created, "deployment:shop/cart", "user:alice"),
            (ChangeKind::Changed, "deployment:shop/cart", "user:bob"),
            (ChangeKind::Granted, "rolebinding:shop/b", "user:mallory"),
            (ChangeKind::Deleted, "deployment:shop/cart", "user:carol"),
        ]
    );
    assert_eq!(changes[1].facets, [Facet::Containers]);
    let (_, version) = log.objects.at("deployments", "shop", "cart", at(15)).unwrap();
    assert_eq!(version.unwrap().who, "user:alice");
    assert_eq!(log.objects.changes(at(25), at(35)).len(), 1);
}

#[test]
fn a_dry_run_and_a_refused_create_make_nothing() {
    let mut log = Log { now: 1, ..Log::default() };
    let mut event = log.event("alice", "create", "pods/shop/x", 201);
    event.request_uri = "/api/v1/namespaces/shop/pods?dryRun=All".into();
    log.take(event, None);
    log.bare(2, "alice", "create", "pods/shop/x", 403);
    assert!(log.pods("x").is_empty());
}

#[test]
fn what_does_not_fit_is_counted_and_the_oldest_dead_go_first() {
    let mut log =
        Log { objects: Objects::with_limits(Limits { live: 3, dead: 2 }), ..Log::default() };
    for second in 0..6 {
        let name = format!("p{second}");
        log.body(second, "alice", "create", "pods/shop", pod(&name, &name));
        log.bare(second, KUBELET, "delete", &format!("pods/shop/{name}"), 200);
    }
    assert_eq!(log.objects.dropped().forgotten, 4);
    assert!(log.pods("p3").is_empty() && log.objects.pod_by_uid("p3").is_none());
    assert_eq!(log.pods("p5").len(), 1);
    for name in ["a", "b", "c", "d"] {
        log.bare(10, "alice", "get", &format!("pods/shop/{name}"), 200);
    }
    assert_eq!((log.objects.dropped().refused, log.pods("d").len()), (1, 0));
}

#[test]
fn an_owner_in_a_body_is_proved_and_none_is_none() {
    let mut log = Log::default();
    let owner = Owner { kind: "Job".into(), name: "j".into(), uid: "j1".into(), controller: true };
    let seen = Observation { owners: vec![owner.clone()], ..pod("db-0", "u1") };
    log.body(1, RS, "create", "pods/shop", seen);
    assert_eq!(log.pods("db-0")[0].owner().unwrap(), (owner, Surety::Proved));
    log.body(1, RS, "create", "pods/shop", pod("db-1", "u2"));
    assert_eq!(log.pods("db-1")[0].owner(), None);
}

#[test]
fn a_namespace_has_no_namespace_and_ends_when_it_is_finalized() {
    let mut log = Log::default();
    log.bare(1, "alice", "create", "namespaces//shop", 201);
    log.bare(9, "alice", "delete", "namespaces/shop/shop", 200);
    let controller = "system:serviceaccount:kube-system:namespace-controller";
    log.bare(12, controller, "update", "namespaces/shop/shop/finalize", 200);
    let life = log.objects.resolve("ns:shop")[0];
    assert_eq!(life.end.as_ref().unwrap().time, at(12));
    assert_eq!(life.deleted_by.as_ref().unwrap().who, "user:alice");
}

#[test]
fn every_deleted_object_of_a_namespace_is_ending_if_nothing_was_selected() {
    let mut log = Log::default();
    log.bare(1, "alice", "get", "secrets/shop/a", 200);
    log.bare(1, "alice", "get", "secrets/other/b", 200);
    log.bare(5, "bob", "deletecollection", "secrets/shop", 200);
    assert!(log.objects.at("secrets", "shop", "a", at(6)).is_none());
    assert!(log.objects.at("secrets", "other", "b", at(6)).is_some());
}

#[test]
fn the_account_of_a_silent_pod_follows_from_its_nodes_token_request_if_only_one_fits() {
    let mut log = Log::default();
    log.bare(10, KUBELET, "create", "serviceaccounts/shop/cart/token", 201);
    log.bare(11, KUBELET, "patch", "pods/shop/a/status", 200);
    let account = log.pods("a")[0].account.clone().unwrap();
    assert_eq!((account.value.as_str(), account.surety), ("cart", Surety::Inferred));
    log.bare(20, KUBELET, "create", "serviceaccounts/shop/cart/token", 201);
    log.bare(20, KUBELET, "create", "serviceaccounts/shop/other/token", 201);
    log.bare(21, KUBELET, "patch", "pods/shop/b/status", 200);
    log.bare(60, KUBELET, "patch", "pods/shop/c/status", 200);
    log.bare(61, "system:node:n2", "patch", "pods/shop/d/status", 200);
    for name in ["b", "c", "d"] {
        assert_eq!(log.pods(name)[0].account, None, "{name}");
    }
}

proptest::proptest! {
    /// Wherever it is stopped it goes on as if it had not been: times may stand still or run back.
    #[test]
    fn restored_objects_go_on_as_the_old_ones(
        picks in proptest::collection::vec(
            (0..4_usize, 0..6_usize, 0..7_usize, -20..400_i64, 0..4_usize), 1..60),
        stop in 0..60_usize,
    ) {
        const WHO: [&str; 4] =
            ["alice", "system:node:n1", "system:kube-scheduler", "system:serviceaccount:shop:cart"];
        const VERBS: [&str; 6] = ["create", "get", "patch", "delete", "deletecollection", "list"];
        const WHAT: [&str; 7] = [
            "pods/shop/a", "pods/shop/a/binding", "pods/shop/", "deployments/shop/cart",
            "namespaces//shop", "rolebindings/shop/dev", "nodes//n1",
        ];
        let limits = Limits { live: 4, dead: 3 };
        let start = || Log { objects: Objects::with_limits(limits), ..Log::default() };
        let (mut old, mut new) = (start(), start());
        for (place, (who, verb, what, second, seen)) in picks.into_iter().enumerate() {
            if place == stop {
                let bytes = postcard::to_stdvec(&new.objects).unwrap();
                new.objects = postcard::from_bytes(&bytes).unwrap();
                proptest::prop_assert_eq!(postcard::to_stdvec(&new.objects).unwrap(), bytes);
            }
            for log in [&mut old, &mut new] {
                let code = [200, 201, 404, 409][seen];
                match seen {
                    0 => log.body(second, WHO[who], VERBS[verb], WHAT[what], pod("a", "u1")),
                    1 => log.body(second, WHO[who], VERBS[verb], WHAT[what], pod("b", "")),
                    _ => log.bare(second, WHO[who], VERBS[verb], WHAT[what], code),
                }
            }
        }
        proptest::prop_assert_eq!(old.objects.changes(at(-50), at(500)).len(),
            new.objects.changes(at(-50), at(500)).len());
        proptest::prop_assert_eq!(old.objects, new.objects);
    }
}
