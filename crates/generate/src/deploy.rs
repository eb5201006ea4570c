//! Workloads: how they are made, rolled out and scaled, and what their controllers make of them.

use crate::{
    act::{Act, Actor, Bodies, Id, Target, Text},
    body,
    calendar::{MINUTE, Moment, SECOND},
    cast::Controller,
    cluster::{Kind, Owner, Phase, Usage, Workload},
    generator::{Generator, Task, reason},
    resource::{
        CONFIG_MAPS, CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, ENDPOINT_SLICES, REPLICA_SETS,
        ROLE_BINDINGS, ROLES, Resource, SECRETS, SERVICE_ACCOUNTS, SERVICES, STATEFUL_SETS,
    },
    slab::Key,
};
use serde_json::{Value, json};
use std::sync::Arc;

/// What an application needs comes so much later than its namespace.
const PREPARED: Moment = 60_000;

/// Old replica sets that a deployment keeps.
const HISTORY: usize = 3;

/// Jobs that a cron job keeps.
const JOBS_KEPT: usize = 3;

/// A workload to be made.
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) name: Text,
    pub(crate) replicas: usize,
    pub(crate) usage: Usage,
}

pub(crate) fn resource_of(kind: Kind) -> &'static Resource {
    match kind {
        Kind::Deployment => &DEPLOYMENTS,
        Kind::StatefulSet => &STATEFUL_SETS,
        Kind::DaemonSet => &DAEMON_SETS,
        Kind::CronJob => &CRON_JOBS,
    }
}

impl Generator {
    /// Makes an object that needs no more than a name.
    pub(crate) fn make(
        &mut self,
        actor: &Arc<Actor>,
        what: &'static Resource,
        space: &Text,
        name: &Text,
        rest: &Value,
    ) -> Id {
        self.make_later(0, actor, what, (space, name), rest)
    }

    /// The same a little later.
    pub(crate) fn make_later(
        &mut self,
        later: Moment,
        actor: &Arc<Actor>,
        what: &'static Resource,
        (space, name): (&Text, &Text),
        rest: &Value,
    ) -> Id {
        let (uid, version) = (self.random.id(), self.cluster.next_version());
        let at = self.now + later;
        let target = Target::object(what, space, name);
        let bodies = self.bodies(|| body::made(what, space, name, uid, version, at, rest));
        let query = "fieldManager=kubectl-client-side-apply&fieldValidation=Strict";
        self.emit(Act::new(at, actor, "create", target).query(query).bodies(bodies));
        uid
    }

    /// Notes a workload, makes what it needs, and deploys it a moment later.
    pub(crate) fn plan(&mut self, namespace: Key, actor: &Arc<Actor>, plan: Plan) -> Option<Key> {
        let space = Arc::clone(&self.cluster.namespaces.get(namespace)?.name);
        let Plan { kind, name, replicas, usage } = plan;
        let account_uid =
            self.make_later(PREPARED, actor, &SERVICE_ACCOUNTS, (&space, &name), &json!({}));
        self.make_later(
            PREPARED,
            actor,
            &CONFIG_MAPS,
            (&space, &format!("{name}-config").into()),
            &json!({}),
        );
        self.make_later(
            PREPARED,
            actor,
            &SECRETS,
            (&space, &format!("{name}-secret").into()),
            &json!({}),
        );
        let reason = self.entitle(actor, &space, &name, usage);
        let workload = Workload {
            kind,
            space,
            account: Arc::clone(&name),
            name,
            uid: self.random.id(),
            account_uid,
            usage,
            revision: 1,
            replicas,
            owners: Vec::new(),
            slice: None,
            version: 0,
            born: self.now,
            rolling: false,
            doomed: false,
            reason,
        };
        let key = self.cluster.workloads.insert(workload);
        self.cluster.namespaces.get_mut(namespace)?.workloads.push(key);
        let wait = self.random.between(200_000, 2 * SECOND);
        self.after(wait, Task::Deploy(key));
        Some(key)
    }

    /// Gives an account what its application needs, and says how the authorizer will put it.
    fn entitle(&mut self, actor: &Arc<Actor>, space: &Text, name: &Text, usage: Usage) -> Text {
        let rule = match usage {
            Usage::Quiet => return Arc::clone(&self.cast.empty),
            Usage::GitOps => {
                return reason(
                    "ClusterRoleBinding \"gitops\"",
                    "ClusterRole \"gitops\"",
                    &format!("ServiceAccount \"{name}/{space}\""),
                );
            }
            Usage::Leader => {
                json!({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]})
            }
            Usage::Watcher => {
                json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]})
            }
            Usage::SecretReader => {
                json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": [format!("{name}-secret")]})
            }
        };
        self.make_later(PREPARED, actor, &ROLES, (space, name), &json!({"rules": [rule]}));
        let binding = json!({
            "subjects": [{"kind": "ServiceAccount", "name": &**name, "namespace": &**space}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": &**name}});
        self.make_later(PREPARED, actor, &ROLE_BINDINGS, (space, name), &binding);
        reason(
            &format!("RoleBinding \"{name}/{space}\""),
            &format!("Role \"{name}\""),
            &format!("ServiceAccount \"{name}/{space}\""),
        )
    }

    /// Somebody creates a workload; its controller begins.
    pub(crate) fn deploy(&mut self, key: Key) {
        let version = self.cluster.next_version();
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        if workload.doomed {
            return;
        }
        workload.version = version;
        workload.born = self.now;
        let Some(workload) = self.cluster.workloads.get(key) else { return };
        let (kind, name, space) =
            (workload.kind, Arc::clone(&workload.name), Arc::clone(&workload.space));
        let bodies = self.bodies(|| Bodies {
            request: Some(body::workload(workload, false)),
            response: Some(body::workload(workload, true)),
        });
        let actor = self.deployer();
        let target = Target::object(resource_of(kind), &space, &name);
        self.emit(Act::new(self.now, &actor, "create", target).bodies(bodies));
        match kind {
            Kind::Deployment => {
                self.cluster.deployments.push(key);
                self.expose(key, &actor, &space, &name);
                self.roll(key);
            }
            Kind::StatefulSet | Kind::DaemonSet => self.own_itself(key),
            Kind::CronJob => {
                self.cluster.cron_jobs.push(key);
                let wait = self.random.between(SECOND, 5 * MINUTE);
                self.after(wait, Task::Fire(key));
            }
        }
    }

    /// A service, and the slice of its endpoints.
    fn expose(&mut self, key: Key, actor: &Arc<Actor>, space: &Text, name: &Text) {
        let spec = json!({"spec": {"type": "ClusterIP", "selector": {"app": &**name}}});
        self.make(actor, &SERVICES, space, name, &spec);
        let slice: Text = format!("{name}-{}", self.random.suffix(5)).into();
        let uid = self.random.id();
        let controller = self.cast.controller(Controller::EndpointSlice);
        let target = Target::object(&ENDPOINT_SLICES, space, &self.cast.empty);
        self.emit(Act::new(self.now + 30_000, &controller, "create", target));
        if let Some(workload) = self.cluster.workloads.get_mut(key) {
            workload.slice = Some((slice, uid));
        }
    }

    fn own_itself(&mut self, key: Key) {
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        let kind = if workload.kind == Kind::StatefulSet { "StatefulSet" } else { "DaemonSet" };
        workload.owners.push(Owner {
            kind,
            name: Arc::clone(&workload.name),
            uid: workload.uid,
            revision: 1,
            wanted: workload.replicas,
            pods: Vec::new(),
            born: self.now,
            hash: "".into(),
        });
        if workload.kind == Kind::StatefulSet {
            return self.after(100_000, Task::Step(key));
        }
        self.cluster.daemons.push(key);
        for node in self.cluster.ready.clone() {
            self.after(100_000, Task::Daemon(key, node));
        }
    }

    /// Pods of all daemon sets for a new node.
    pub(crate) fn place_daemons(&mut self, node: Key) {
        for daemon in self.cluster.daemons.clone() {
            self.after(200_000, Task::Daemon(daemon, node));
        }
    }

    /// A new replica set for the newest revision.
    pub(crate) fn roll(&mut self, key: Key) {
        let hash: Text = self.random.suffix(10).into();
        let uid = self.random.id();
        let version = self.cluster.next_version();
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        let first = workload.owners.is_empty();
        let set = Owner {
            kind: "ReplicaSet",
            name: format!("{}-{hash}", workload.name).into(),
            uid,
            revision: workload.revision,
            wanted: if first { workload.replicas } else { 0 },
            pods: Vec::new(),
            born: self.now,
            hash,
        };
        workload.rolling = true;
        let Some(workload) = self.cluster.workloads.get(key) else { return };
        let target = Target::object(&REPLICA_SETS, &workload.space, &set.name);
        let space = Arc::clone(&workload.space);
        let bodies = self.bodies(|| Bodies {
            request: Some(body::owned(workload, &set, 0)),
            response: Some(body::owned(workload, &set, version)),
        });
        if let Some(workload) = self.cluster.workloads.get_mut(key) {
            workload.owners.push(set);
        }
        let actor = self.cast.controller(Controller::Deployment);
        self.emit(Act::new(self.now + 60_000, &actor, "create", target).bodies(bodies));
        self.event(&actor, &space, 90_000);
        self.after(120_000, Task::Step(key));
    }

    /// What a controller does next for a workload.
    pub(crate) fn step(&mut self, key: Key) {
        let Some(workload) = self.cluster.workloads.get(key) else { return };
        if workload.doomed {
            return;
        }
        match workload.kind {
            Kind::Deployment => self.step_deployment(key),
            Kind::StatefulSet => self.step_stateful(key),
            Kind::CronJob => self.step_jobs(key),
            Kind::DaemonSet => {}
        }
    }

    fn step_deployment(&mut self, key: Key) {
        let moved = self.shift(key);
        let count = self.cluster.workloads.get(key).map_or(0, |workload| workload.owners.len());
        for place in 0..count {
            self.fill(key, place);
        }
        if moved {
            let wait = self.random.between(2 * SECOND, 5 * SECOND);
            return self.after(wait, Task::Step(key));
        }
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        if std::mem::take(&mut workload.rolling) {
            self.observe_change(key);
            self.prune(key);
        }
    }

    /// Moves a quarter of the replicas from old sets to the newest; false if nothing is to be moved.
    fn shift(&mut self, key: Key) -> bool {
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return false };
        let replicas = workload.replicas;
        let batch = replicas.div_ceil(4).max(1);
        let Some((newest, old)) = workload.owners.split_last_mut() else { return false };
        let mut changed = Vec::new();
        if newest.wanted != replicas {
            newest.wanted = if newest.wanted < replicas {
                (newest.wanted + batch).min(replicas)
            } else {
                replicas
            };
            changed.push(old.len());
        }
        if let Some((place, set)) = old.iter_mut().enumerate().find(|(_, set)| set.wanted > 0) {
            set.wanted = set.wanted.saturating_sub(batch);
            changed.push(place);
        }
        for place in &changed {
            self.update_set(key, *place);
        }
        !changed.is_empty()
    }

    fn update_set(&mut self, key: Key, place: usize) {
        let version = self.cluster.next_version();
        let Some(workload) = self.cluster.workloads.get(key) else { return };
        let Some(set) = workload.owners.get(place) else { return };
        let body = self.with_bodies().then(|| body::owned(workload, set, version));
        let target =
            Target::object(&REPLICA_SETS, &workload.space, &set.name).seen(set.uid, version - 1);
        let actor = self.cast.controller(Controller::Deployment);
        let mut act = Act::new(self.now, &actor, "update", target);
        (act.request, act.response) = (body.clone(), body);
        self.emit(act);
    }

    /// As many pods as an owner wants.
    fn fill(&mut self, key: Key, place: usize) {
        let Some(set) = self.owner_mut(key, place) else { return };
        let (have, wanted) = (set.pods.len(), set.wanted);
        for _ in have..wanted {
            self.create_pod(key, place, None, None);
        }
        let Some(set) = self.owner_mut(key, place) else { return };
        let surplus = set.pods.split_off(wanted.min(set.pods.len()));
        let actor = self.cast.controller(Controller::ReplicaSet);
        for pod in surplus {
            self.delete_pod(pod, &actor);
        }
    }

    /// Removes the oldest replica sets.
    fn prune(&mut self, key: Key) {
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        if workload.owners.len() <= HISTORY {
            return;
        }
        let set = workload.owners.remove(0);
        let space = Arc::clone(&workload.space);
        let actor = self.cast.controller(Controller::Deployment);
        self.remove(&actor, Target::object(&REPLICA_SETS, &space, &set.name), set.uid);
    }

    /// Deletes an object that is gone at once.
    pub(crate) fn remove(&mut self, actor: &Arc<Actor>, target: Target, uid: Id) {
        let mut act = Act::new(self.now, actor, "delete", target);
        act.removed = Some(uid);
        self.emit(act);
    }

    /// Pods of a stateful set have the same names again, so one must be gone before the next comes.
    fn step_stateful(&mut self, key: Key) {
        let Some(workload) = self.cluster.workloads.get(key) else { return };
        let Some(set) = workload.owners.first() else { return };
        let (revision, name) = (workload.revision, Arc::clone(&workload.name));
        let mut stale = None;
        let mut busy = false;
        let mut names = Vec::new();
        for pod in &set.pods {
            let Some(found) = self.cluster.pods.get(*pod) else { continue };
            busy |= found.phase != Phase::Running;
            if found.revision != revision {
                stale = Some(*pod);
            }
            names.push(Arc::clone(&found.name));
        }
        let missing = (0..set.wanted).map(|place| Text::from(format!("{name}-{place}")));
        let missing = missing.filter(|name| !names.contains(name)).collect::<Vec<_>>();
        if let Some(set) = self.owner_mut(key, 0) {
            set.revision = revision;
        }
        for name in missing {
            self.create_pod(key, 0, None, Some(name));
        }
        if let Some(pod) = stale.filter(|_| !busy) {
            let actor = self.cast.controller(Controller::StatefulSet);
            self.delete_pod(pod, &actor);
        }
        if stale.is_some() {
            self.after(5 * SECOND, Task::Step(key));
        }
    }

    fn step_jobs(&mut self, key: Key) {
        let jobs = self.cluster.workloads.get(key).map_or(0, |workload| workload.owners.len());
        for place in 0..jobs {
            let short = self.owner_mut(key, place).is_some_and(|job| job.pods.len() < job.wanted);
            if short {
                self.create_pod(key, place, None, None);
            }
        }
    }

    /// A cron job's time has come: another job, and the oldest goes with its pod.
    pub(crate) fn fire(&mut self, key: Key) {
        let (uid, version) = (self.random.id(), self.cluster.next_version());
        let Some(workload) = self.cluster.workloads.get(key) else { return };
        if workload.doomed {
            return;
        }
        let job = Owner {
            kind: "Job",
            name: format!("{}-{}", workload.name, self.now / MINUTE).into(),
            uid,
            revision: workload.revision,
            wanted: 1,
            pods: Vec::new(),
            born: self.now,
            hash: "".into(),
        };
        let target = Target::object(&crate::resource::JOBS, &workload.space, &job.name);
        let bodies = self.bodies(|| Bodies {
            request: Some(body::owned(workload, &job, 0)),
            response: Some(body::owned(workload, &job, version)),
        });
        let actor = self.cast.controller(Controller::CronJob);
        let status = Target::object(&CRON_JOBS, &workload.space, &workload.name).part("status");
        let status = status.seen(workload.uid, version);
        if let Some(workload) = self.cluster.workloads.get_mut(key) {
            workload.owners.push(job);
        }
        self.emit(Act::new(self.now, &actor, "create", target).bodies(bodies));
        self.emit(Act::new(self.now + 40_000, &actor, "update", status));
        self.after(60_000, Task::Step(key));
        self.retire_job(key);
        self.after(5 * MINUTE, Task::Fire(key));
    }

    fn retire_job(&mut self, key: Key) {
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        let done = workload.owners.first().is_some_and(|job| job.wanted == 0);
        if workload.owners.len() <= JOBS_KEPT || !done {
            return;
        }
        let job = workload.owners.remove(0);
        let space = Arc::clone(&workload.space);
        let actor = self.cast.controller(Controller::CronJob);
        self.remove(&actor, Target::object(&crate::resource::JOBS, &space, &job.name), job.uid);
        let collector = self.cast.controller(Controller::GarbageCollector);
        for pod in job.pods {
            let bodies = self.pod_bodies(pod, Some(crate::pods::AT_ONCE));
            let Some(name) = self.cluster.pods.get(pod).map(|pod| Arc::clone(&pod.name)) else {
                continue;
            };
            let target = Target::object(&crate::resource::PODS, &space, &name);
            self.emit(Act::new(self.now + 60_000, &collector, "get", target.clone()));
            self.emit(Act::new(self.now + 90_000, &collector, "delete", target).bodies(bodies));
            self.forget(pod, false);
        }
    }

    /// The pod of a job has done its work.
    pub(crate) fn finish(&mut self, key: Key) {
        let Some(pod) = self.cluster.pods.get_mut(key) else { return };
        if pod.phase != Phase::Running {
            return;
        }
        pod.phase = Phase::Succeeded;
        let (of, space, name) = (pod.workload, Arc::clone(&pod.space), Arc::clone(&pod.name));
        let (job, uid, version) = (Arc::clone(&pod.owner), pod.owner_uid, pod.version);
        if let Some(workload) = self.cluster.workloads.get_mut(of) {
            for owner in workload.owners.iter_mut().filter(|owner| owner.uid == uid) {
                owner.wanted = 0;
            }
        }
        self.report_end(key);
        let actor = self.cast.controller(Controller::Job);
        self.emit(Act::new(
            self.now + SECOND,
            &actor,
            "patch",
            Target::object(&crate::resource::PODS, &space, &name),
        ));
        let target =
            Target::object(&crate::resource::JOBS, &space, &job).part("status").seen(uid, version);
        self.emit(Act::new(self.now + SECOND + 40_000 as Moment, &actor, "update", target));
    }
}
