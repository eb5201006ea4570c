//! Cascades as a log shows them, and what can go wrong with names, clocks and crowds.

use super::*;
use proptest::prelude::*;
use trailhound_model::{
    event::{Event, ObjectRef, Stage, Status, User},
    observed::{Observation, Observed, Owner},
    time::SECOND,
};

const DEPLOYER: &str = "alice";
const DEPLOYMENTS: &str = "system:serviceaccount:kube-system:deployment-controller";
const REPLICAS: &str = "system:serviceaccount:kube-system:replicaset-controller";
const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
const NAMESPACES: &str = "system:serviceaccount:kube-system:namespace-controller";
const SCHEDULER: &str = "system:kube-scheduler";
const NODE: &str = "system:node:n1";
const OTHER_NODE: &str = "system:node:n2";

/// A log of one namespace, fed as it is written.
#[derive(Default)]
struct Log {
    causes: Causes,
    time: i64,
    offset: u64,
}

impl Log {
    /// `who verb resource[/sub] name`, a tenth of a second after the one before.
    fn act(&mut self, who: &str, verb: &str, what: &str, name: &str) -> Position {
        self.act_with(who, verb, what, name, None)
    }

    fn act_with(
        &mut self,
        who: &str,
        verb: &str,
        what: &str,
        name: &str,
        body: Option<Observation>,
    ) -> Position {
        self.time += SECOND / 10;
        self.offset += 1;
        let fact = fact(self.time, self.offset, (who, verb, what, name), body);
        self.causes.observe(&fact);
        fact.event.position
    }

    fn wait(&mut self, seconds: i64) {
        self.time += seconds * SECOND;
    }

    fn root(&self, record: Position) -> Option<(Position, Surety)> {
        self.causes.of(record).map(|cause| (cause.root.position, cause.surety))
    }
}

fn fact(
    time: i64,
    offset: u64,
    (who, verb, what, name): (&str, &str, &str, &str),
    body: Option<Observation>,
) -> Fact {
    let (resource, sub) = what.split_once('/').unwrap_or((what, ""));
    let object = ObjectRef {
        resource: resource.into(),
        subresource: sub.into(),
        namespace: "shop".into(),
        name: name.into(),
        ..ObjectRef::default()
    };
    let event = Event {
        audit_id: offset.to_string().into(),
        stage: Stage::ResponseComplete,
        time: Time(time),
        verb: verb.into(),
        user: User { name: who.into(), ..User::default() }.into(),
        object: Some(Box::new(object)),
        status: Some(Status { code: Some(200), ..Status::default() }.into()),
        position: Position { source: 0, offset },
        ..Event::default()
    };
    let mut fact = Fact::of(event);
    fact.observed = body.map(|one| Box::new(Observed { objects: vec![one], left_out: 0 }));
    fact
}

fn body(resource: &str, name: &str, uid: &str, owner: Option<(&str, &str, &str)>) -> Observation {
    let owners = owner.map(|(kind, name, uid)| Owner {
        kind: kind.into(),
        name: name.into(),
        uid: uid.into(),
        controller: true,
    });
    Observation {
        resource: resource.into(),
        namespace: "shop".into(),
        name: name.into(),
        uid: uid.into(),
        owners: owners.into_iter().collect(),
        ..Observation::default()
    }
}

#[test]
fn a_deploy_explains_its_cascade_without_bodies() {
    let mut log = Log::default();
    let deploy = log.act(DEPLOYER, "create", "deployments", "web");
    let cascade = [
        log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f"),
        log.act(REPLICAS, "create", "pods", ""),
        log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-c25j7"),
        log.act(NODE, "get", "secrets", "db"),
        log.act(NODE, "patch", "pods/status", "web-54c8b8896f-c25j7"),
        log.act(NODE, "create", "events", "web-54c8b8896f-c25j7.18eaa886b31311c6"),
        log.act(REPLICAS, "update", "replicasets/status", "web-54c8b8896f"),
    ];
    for record in cascade {
        assert_eq!(log.root(record), Some((deploy, Surety::Inferred)), "{record:?}");
    }
    let cause = log.causes.of(cascade[4]).unwrap();
    assert_eq!(cause.path, ["deployments", "replicasets", "pods"]);
    assert_eq!(cause.sentence, "user:alice created deployment:shop/web");
    let set_off = log.causes.caused_by(&cause.root).unwrap();
    assert_eq!(set_off.count, 7);
    assert_eq!(log.causes.caused_by_object("deployments", "shop", "web"), Some(set_off));
}

#[test]
fn uids_in_bodies_prove() {
    let mut log = Log::default();
    let web = body("deployments", "web", "d1", None);
    let deploy = log.act_with(DEPLOYER, "create", "deployments", "web", Some(web));
    let set = body("replicasets", "odd", "r1", Some(("Deployment", "web", "d1")));
    let set = log.act_with(DEPLOYMENTS, "create", "replicasets", "odd", Some(set));
    let pod = body("pods", "odder", "p1", Some(("ReplicaSet", "odd", "r1")));
    let pod = log.act_with(REPLICAS, "create", "pods", "", Some(pod));
    assert_eq!(log.root(set), Some((deploy, Surety::Proved)));
    assert_eq!(log.root(pod), Some((deploy, Surety::Proved)));
    let stranger = body("replicasets", "alien", "r2", Some(("Deployment", "web", "d0")));
    let stranger = log.act_with(DEPLOYMENTS, "create", "replicasets", "alien", Some(stranger));
    assert_eq!(log.root(stranger), None, "an owner of that name, but not that one");
}

#[test]
fn a_recreated_deployment_does_not_inherit_the_pods_of_the_old_one() {
    let mut log = Log::default();
    let first = log.act(DEPLOYER, "create", "deployments", "web");
    log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-c25j7");
    log.wait(60);
    let gone = log.act(DEPLOYER, "delete", "deployments", "web");
    log.wait(60);
    let second = log.act("bob", "create", "deployments", "web");
    log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    let old = log.act(NODE, "patch", "pods/status", "web-54c8b8896f-c25j7");
    let new = log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-zdpsv");
    let root = log.root(old).map(|(root, _)| root);
    assert!(root == Some(first) || root == Some(gone), "{root:?}");
    assert_eq!(log.root(new).map(|(root, _)| root), Some(second));
}

#[test]
fn deployments_whose_names_begin_alike_are_two() {
    let mut log = Log::default();
    let web = log.act(DEPLOYER, "create", "deployments", "web");
    let api = log.act("bob", "create", "deployments", "web-api");
    let of_web = log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    let of_api = log.act(DEPLOYMENTS, "create", "replicasets", "web-api-6bf5cf4b7");
    let pod = log.act(SCHEDULER, "create", "pods/binding", "web-api-6bf5cf4b7-c25j7");
    let roots = [of_web, of_api, pod].map(|one| log.root(one).map(|(root, _)| root));
    assert_eq!(roots, [Some(web), Some(api), Some(api)]);
}

#[test]
fn two_creates_of_one_moment_stay_unknown() {
    let mut log = Log::default();
    log.act(DEPLOYER, "create", "deployments", "a");
    log.act("bob", "create", "deployments", "b");
    log.act(DEPLOYMENTS, "create", "replicasets", "a-54c8b8896f");
    log.act(DEPLOYMENTS, "create", "replicasets", "b-6bf5cf4b7");
    let pods = [log.act(REPLICAS, "create", "pods", ""), log.act(REPLICAS, "create", "pods", "")];
    log.act(SCHEDULER, "create", "pods/binding", "b-6bf5cf4b7-c25j7");
    log.act(SCHEDULER, "create", "pods/binding", "a-54c8b8896f-zdpsv");
    let read = log.act(NODE, "get", "secrets", "db");
    assert_eq!(pods.map(|pod| log.root(pod)), [None, None]);
    assert_eq!(log.root(read), None);
}

#[test]
fn a_pod_that_borrows_a_generated_name_is_its_makers() {
    let mut log = Log::default();
    log.act(DEPLOYER, "create", "deployments", "web");
    log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    let named = log.act("mallory", "create", "pods", "web-54c8b8896f-c25j7");
    let bound = log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-c25j7");
    assert_eq!(log.root(bound).map(|(root, _)| root), Some(named));
    // Without a name in the log it could be anybody's.
    log.act("mallory", "create", "pods", "");
    let bound = log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-zdpsv");
    assert_eq!(log.root(bound), None);
}

#[test]
fn a_stolen_controllers_credential_is_not_explained_away() {
    let mut log = Log::default();
    log.act(DEPLOYER, "create", "deployments", "web");
    log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-c25j7");
    log.act(DEPLOYER, "create", "secrets", "db");
    log.act(NODE, "patch", "pods/status", "web-54c8b8896f-c25j7");
    for (who, verb, what, name) in [
        (COLLECTOR, "get", "secrets", "db"),
        (COLLECTOR, "list", "secrets", ""),
        (REPLICAS, "create", "pods/exec", "web-54c8b8896f-c25j7"),
        (COLLECTOR, "create", "clusterrolebindings", "db"),
        (OTHER_NODE, "patch", "pods/status", "web-54c8b8896f-c25j7"),
        (OTHER_NODE, "get", "secrets", "db"),
    ] {
        if who == OTHER_NODE && what == "secrets" {
            log.wait(20);
        }
        let record = log.act(who, verb, what, name);
        assert_eq!(log.root(record), None, "{who} {verb} {what}");
    }
}

#[test]
fn the_end_of_a_deployment_or_namespace_explains_the_cleaning_up() {
    let mut log = Log::default();
    log.act(DEPLOYER, "create", "namespaces", "shop");
    log.act(DEPLOYER, "create", "deployments", "web");
    log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    log.act(SCHEDULER, "create", "pods/binding", "web-54c8b8896f-c25j7");
    log.wait(60);
    let end = log.act("bob", "delete", "deployments", "web");
    let set = log.act(COLLECTOR, "delete", "replicasets", "web-54c8b8896f");
    let pod = log.act(COLLECTOR, "delete", "pods", "web-54c8b8896f-c25j7");
    assert_eq!([set, pod].map(|one| log.root(one).map(|r| r.0)), [Some(end), Some(end)]);
    log.act(DEPLOYER, "create", "deployments", "api");
    log.act(DEPLOYMENTS, "create", "replicasets", "api-6bf5cf4b7");
    log.act(SCHEDULER, "create", "pods/binding", "api-6bf5cf4b7-c25j7");
    log.wait(60);
    let end = log.act("bob", "delete", "namespaces", "shop");
    let empty = log.act(NAMESPACES, "deletecollection", "pods", "");
    let pod = log.act(NODE, "delete", "pods", "api-6bf5cf4b7-c25j7");
    assert_eq!([empty, pod].map(|one| log.root(one).map(|r| r.0)), [Some(end), Some(end)]);
}

#[test]
fn a_child_that_seems_older_than_its_parent_is_joined() {
    let mut log = Log::default();
    log.wait(10);
    let set = log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    assert_eq!(log.root(set), None);
    log.wait(1);
    let deploy = log.act(DEPLOYER, "create", "deployments", "web");
    assert_eq!(log.root(set).map(|(root, _)| root), Some(deploy));
}

#[test]
fn what_is_explained_at_hand_is_what_is_remembered() {
    let mut log = Log::default();
    log.act(DEPLOYER, "create", "deployments", "web");
    log.act(DEPLOYMENTS, "create", "replicasets", "web-54c8b8896f");
    let names = (SCHEDULER, "create", "pods/binding", "web-54c8b8896f-c25j7");
    let fact = fact(log.time + 1, 99, names, None);
    let told = log.causes.explain(&fact).unwrap();
    log.causes.observe(&fact);
    let cause = log.causes.of(fact.event.position).unwrap();
    assert_eq!((told.root, told.surety), (cause.root, cause.surety));
}

const NAMES: &[&str] =
    &["web", "web-54c8b8896f", "web-54c8b8896f-c25j7", "web-api", "", "web-54c8b8896f-zdpsv"];
const WHOS: &[&str] =
    &[DEPLOYER, "bob", DEPLOYMENTS, REPLICAS, COLLECTOR, NAMESPACES, SCHEDULER, NODE, OTHER_NODE];
const VERBS: &[&str] = &["create", "update", "patch", "delete", "get", "deletecollection"];
const WHATS: &[&str] = &[
    "deployments",
    "replicasets",
    "pods",
    "pods/binding",
    "pods/status",
    "secrets",
    "namespaces",
    "events",
    "clusterroles",
    "endpointslices",
];

#[test]
fn a_certificate_in_the_name_of_a_controller_is_no_controller() {
    let mut forged = fact(1, 1, (REPLICAS, "create", "pods", "web-1"), None);
    assert!(subject::is_machinery(&forged));
    let id = ("authentication.kubernetes.io/credential-id".into(), vec!["X509SHA256=a".into()]);
    forged.event.user.extra = vec![id];
    assert!(!subject::is_machinery(&Fact::of(forged.event)));
}

proptest! {
    /// Without bodies nothing is ever proved, no act follows from a later one by more than clocks
    /// may differ, and state restores as it was.
    #[test]
    fn whatever_comes_there_is_no_wrong_certainty(
        acts in proptest::collection::vec((0..9usize, 0..6usize, 0..10usize, 0..6usize, 0..3i64), 1..120)
    ) {
        let mut log = Log::default();
        let mut times = std::collections::BTreeMap::new();
        for (who, verb, what, name, wait) in acts {
            log.wait(wait);
            let record = log.act(WHOS[who], VERBS[verb], WHATS[what], NAMES[name]);
            times.insert(record, log.time);
        }
        for (record, time) in &times {
            let Some(cause) = log.causes.of(*record) else { continue };
            prop_assert_eq!(cause.surety, Surety::Inferred);
            let root = times.get(&cause.root.position).copied().unwrap_or(i64::MAX);
            prop_assert!(root <= time + super::object::SKEW, "{root} {time}");
        }
        let bytes = postcard::to_stdvec(&log.causes).unwrap();
        let copy: Causes = postcard::from_bytes(&bytes).unwrap();
        prop_assert_eq!(postcard::to_stdvec(&copy).unwrap(), bytes);
        prop_assert_eq!(copy, log.causes);
    }
}
