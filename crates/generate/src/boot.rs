//! The first minutes: control plane, nodes, rights, namespaces with their applications. The API
//! server's own bootstrap objects are older than the log, as they are in every real one.

use crate::{
    act::{Act, Actor, Credential, Target, Text},
    calendar::{DAY, MINUTE, Moment, SECOND},
    cast::{BUILD, CONTROLLERS, Controller, certificate},
    cluster::{Kind, Namespace, Person, Usage},
    deploy::Plan,
    generator::{Generator, Task, renewed},
    resource::{
        CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CONFIG_MAPS, NAMESPACES, ROLE_BINDINGS, SECRETS,
        SERVICE_ACCOUNTS,
    },
    slab::Key,
};
use serde_json::{Value, json};
use std::sync::Arc;

const APPS: [&str; 24] = [
    "api", "web", "cart", "search", "billing", "auth", "mailer", "gateway", "catalog", "stock",
    "orders", "users", "reports", "images", "audit", "pricing", "quotes", "shipping", "coupons",
    "reviews", "feeds", "geo", "chat", "media",
];

/// What an application that uses the API does with it.
const USERS: [Usage; 3] = [Usage::Leader, Usage::Watcher, Usage::SecretReader];

/// Namespace of what runs the cluster.
const SYSTEM: &str = "platform";

impl Generator {
    /// Puts the first things on the agenda.
    pub(crate) fn boot(&mut self) {
        for place in 0..self.cast.servers.len() {
            let wait = self.random.between(0, 10 * SECOND);
            self.after(wait, Task::ServerLease(place as u8));
        }
        for leader in 0..2 {
            self.after(SECOND, Task::LeaderLease(leader));
        }
        self.start_controllers();
        self.grant();
        self.plan_nodes();
        self.plan_applications();
        self.hire();
        let first = self.now + self.profile.setup;
        self.at(first, Task::Change);
        if self.profile.replaced_nodes > 0 {
            let wait = self.random.wait(DAY / self.profile.replaced_nodes as Moment);
            self.at(first + wait, Task::ReplaceNode);
        }
    }

    /// The controller manager makes an account and a token for each controller.
    fn start_controllers(&mut self) {
        let manager = Arc::clone(&self.cast.manager);
        let system = Arc::clone(&self.cast.system);
        for (place, name) in CONTROLLERS.iter().enumerate() {
            let uid = self.make(&manager, &SERVICE_ACCOUNTS, &system, &(*name).into(), &json!({}));
            if let Some(actor) = self.cast.controllers.get_mut(place) {
                *actor = renewed(actor, |actor| actor.uid = Some(uid));
            }
        }
        self.renew_controllers();
    }

    /// Rights of people and of what deploys.
    fn grant(&mut self) {
        let core = |resources: Value, verbs: Value| json!({"apiGroups": [""], "resources": resources, "verbs": verbs});
        let all = json!(["get", "list", "watch", "create", "update", "patch", "delete"]);
        let deploys = json!([
            core(json!(["namespaces", "services", "configmaps", "secrets", "serviceaccounts", "pods"]), all.clone()),
            {"apiGroups": ["apps", "batch"], "resources": ["*"], "verbs": all.clone()},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["*", "escalate", "bind"]}]);
        let works = json!([
            core(json!(["pods", "pods/log", "events", "services", "configmaps"]), json!(["get", "list", "watch"])),
            core(json!(["pods/exec"]), json!(["get", "create"])),
            {"apiGroups": ["apps", "batch"], "resources": ["*"], "verbs": all}]);
        self.grant_everywhere(
            "gitops",
            &deploys,
            &json!({"kind": "ServiceAccount", "name": "gitops", "namespace": SYSTEM}),
        );
        self.grant_everywhere(
            "ci-deployer",
            &deploys,
            &json!({"kind": "ServiceAccount", "name": "deployer", "namespace": "ci"}),
        );
        let group = |name: &str| json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name});
        self.grant_everywhere("sre", &works, &group("sre"));
        let admin = Arc::clone(&self.cast.admin);
        let empty = Arc::clone(&self.cast.empty);
        self.make(&admin, &CLUSTER_ROLES, &empty, &"developer".into(), &json!({"rules": works}));
    }

    fn grant_everywhere(&mut self, name: &str, rules: &Value, subject: &Value) {
        let admin = Arc::clone(&self.cast.admin);
        let empty = Arc::clone(&self.cast.empty);
        self.make(&admin, &CLUSTER_ROLES, &empty, &name.into(), &json!({"rules": rules}));
        let binding = json!({"subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}});
        self.make(&admin, &CLUSTER_ROLE_BINDINGS, &empty, &name.into(), &binding);
    }

    fn plan_nodes(&mut self) {
        let count = self.profile.nodes.max(1);
        let span = self.profile.setup / 4;
        for number in 0..count {
            self.after(
                SECOND + span * number as Moment / count as Moment,
                Task::AddNode(number as u32),
            );
        }
        self.cluster.last_node = count - 1;
    }

    fn plan_applications(&mut self) {
        let daemons = 2 * self.profile.nodes;
        self.cluster.budget = self.profile.pods.saturating_sub(daemons).max(1);
        let apps = self.cluster.budget / self.profile.replicas.max(1);
        let spaces = apps.div_ceil(self.profile.apps_per_namespace.max(1)).max(1) + 1;
        let (begin, span) = (self.profile.setup / 4, self.profile.setup * 3 / 5);
        for number in 0..=spaces {
            let wait = begin + span * number as Moment / spaces as Moment;
            self.after(wait, Task::SetUp(number as u32));
        }
    }

    fn hire(&mut self) {
        for number in 0..self.profile.people {
            let writes = number % 4 == 0;
            let group = if writes { "sre" } else { "developers" };
            let actor = Actor {
                name: format!("person-{number}@example.com").into(),
                groups: vec![group.into(), "system:authenticated".into()],
                credential: certificate(&mut self.random),
                address: format!("203.0.113.{}", 10 + number % 200).into(),
                agent: format!("kubectl/{BUILD}").into(),
                server: (number % self.cast.servers.len().max(1)) as u8,
                ..Actor::default()
            };
            self.cluster.people.push(Person { actor: Arc::new(actor), writes });
            let wait = self.profile.setup + self.random.between(0, 20 * MINUTE);
            self.after(wait, Task::Work(number as u32));
        }
    }

    /// A namespace, with what its controllers put into it.
    pub(crate) fn open(&mut self, actor: &Arc<Actor>, name: &Text) -> Key {
        let empty = Arc::clone(&self.cast.empty);
        let uid =
            self.make(actor, &NAMESPACES, &empty, name, &json!({"status": {"phase": "Active"}}));
        for (who, what, made) in [
            (Controller::ServiceAccount, &SERVICE_ACCOUNTS, "default"),
            (Controller::RootCertificate, &CONFIG_MAPS, "kube-root-ca.crt"),
        ] {
            let controller = self.cast.controller(who);
            self.make_later(30_000, &controller, what, (name, &made.into()), &json!({}));
        }
        let name = Arc::clone(name);
        let (workloads, notes) = (Vec::new(), Vec::new());
        self.cluster.namespaces.insert(Namespace { name, uid, workloads, notes })
    }

    /// The next namespace and its applications.
    pub(crate) fn set_up(&mut self, number: usize) {
        let admin = Arc::clone(&self.cast.admin);
        let name: Text = if number == 0 { SYSTEM.into() } else { format!("team-{number}").into() };
        let namespace = self.open(&admin, &name);
        if number == 0 {
            return self.set_up_system(namespace, &admin);
        }
        self.cluster.spaces.push(namespace);
        let binding = json!({
            "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "developers"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "developer"}});
        self.make_later(40_000, &admin, &ROLE_BINDINGS, (&name, &"developers".into()), &binding);
        for _ in 0..self.profile.apps_per_namespace {
            if self.cluster.budget == 0 {
                break;
            }
            let mean = self.profile.replicas.max(1);
            let wanted = 1 + self.random.below(2 * mean - 1);
            let replicas = wanted.min(self.cluster.budget);
            self.cluster.budget -= replicas;
            let kind = if self.random.chance(100) { Kind::StatefulSet } else { Kind::Deployment };
            let (name, usage) = (self.app_name(), self.usage());
            self.plan(namespace, &admin, Plan { kind, name, replicas, usage });
        }
        self.plan_cron_jobs(namespace, &admin);
    }

    /// As many cron jobs as the share of jobs in the churn asks for, spread over the namespaces.
    fn plan_cron_jobs(&mut self, namespace: Key, admin: &Arc<Actor>) {
        let runs = self.profile.churn * self.profile.jobs / 1000 / 2;
        let wanted = runs.div_ceil(288);
        let apps = (self.profile.pods / self.profile.replicas.max(1)).max(1);
        let spaces = apps.div_ceil(self.profile.apps_per_namespace.max(1)).max(1);
        for _ in 0..wanted.div_ceil(spaces) {
            if self.cluster.cron_jobs_planned >= wanted {
                return;
            }
            self.cluster.cron_jobs_planned += 1;
            let name = self.app_name();
            let usage = self.usage();
            self.plan(namespace, admin, Plan { kind: Kind::CronJob, name, replicas: 1, usage });
        }
    }

    pub(crate) fn app_name(&mut self) -> Text {
        self.cluster.last_app += 1;
        let stem = self.random.pick(&APPS).copied().unwrap_or("app");
        format!("{stem}-{}", self.cluster.last_app).into()
    }

    fn usage(&mut self) -> Usage {
        if !self.random.chance(self.profile.api_users) {
            return Usage::Quiet;
        }
        self.random.pick(&USERS).copied().unwrap_or(Usage::Leader)
    }

    fn set_up_system(&mut self, namespace: Key, admin: &Arc<Actor>) {
        for name in ["network-agent", "log-agent"] {
            let plan =
                Plan { kind: Kind::DaemonSet, name: name.into(), replicas: 0, usage: Usage::Quiet };
            self.plan(namespace, admin, plan);
        }
        let plan = Plan {
            kind: Kind::Deployment,
            name: "gitops".into(),
            replicas: 1,
            usage: Usage::GitOps,
        };
        self.cluster.gitops = self.plan(namespace, admin, plan);
        self.open(admin, &"ci".into());
        let space: Text = "ci".into();
        let uid = self.make(admin, &SERVICE_ACCOUNTS, &space, &"deployer".into(), &json!({}));
        // The pipeline has a token that the administrator made for it.
        let jti = self.random.id();
        let target = Target::object(&SERVICE_ACCOUNTS, &space, &"deployer".into()).part("token");
        let mut act = Act::new(self.now + SECOND, admin, "create", target);
        act.issued = Some(jti);
        self.emit(act);
        self.make(admin, &SECRETS, &space, &"registry".into(), &json!({}));
        self.cast.pipeline = renewed(&self.cast.pipeline, |actor| {
            actor.uid = Some(uid);
            actor.credential = Credential::Token(jti);
        });
    }
}
