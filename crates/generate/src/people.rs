//! People with kubectl, the repository and the pipeline: what changes a cluster on purpose. How often
//! they do follows the calendar.

use crate::{
    act::{Act, Actor, Stage, Target, Text},
    calendar::{DAY, HOUR, MINUTE, Moment, SECOND, activity},
    cast::Controller,
    cluster::{Kind, Usage},
    deploy::{Plan, resource_of},
    generator::{Generator, Task, reason},
    resource::{
        CONFIG_MAPS, CORE_EVENTS, DEPLOYMENTS, NAMESPACES, PODS, REPLICA_SETS, SECRETS,
        SERVICE_ACCOUNTS,
    },
    slab::Key,
};
use serde_json::json;
use std::sync::Arc;

/// Mean of [`activity`] over a working day, in percent.
const MEAN_ACTIVITY: i64 = 39;

impl Generator {
    /// Who deploys: the administrator while all is set up, later the repository or the pipeline.
    pub(crate) fn deployer(&mut self) -> Arc<Actor> {
        if self.now < self.profile.start + self.profile.setup {
            return Arc::clone(&self.cast.admin);
        }
        let repository = self.repository().filter(|_| self.random.chance(600));
        repository.unwrap_or_else(|| Arc::clone(&self.cast.pipeline))
    }

    fn repository(&self) -> Option<Arc<Actor>> {
        let gitops = self.cluster.workloads.get(self.cluster.gitops?)?;
        let pod = self.cluster.pods.get(*gitops.owners.last()?.pods.first()?)?;
        let token = pod.token.as_ref()?;
        token.actor.clone().filter(|actor| !actor.address.is_empty())
    }

    /// Something is changed on purpose: mostly a rollout.
    pub(crate) fn change(&mut self) {
        let a_day = self.profile.churn * (1000 - self.profile.jobs.min(1000)) / 1000;
        let changes = (a_day / (self.profile.replicas + 2)).max(1) as Moment;
        let mean = DAY / changes * MEAN_ACTIVITY / activity(self.now);
        let wait = self.random.wait(mean);
        self.after(wait, Task::Change);
        match self.random.below(100) {
            0..70 => self.roll_out(),
            70..82 => self.scale(),
            82..95 => self.write_note(),
            _ => self.open_preview(),
        }
    }

    fn some_deployment(&mut self) -> Option<Key> {
        let key = *self.random.pick(&self.cluster.deployments)?;
        let workload = self.cluster.workloads.get(key)?;
        (!workload.doomed && !workload.rolling && Some(key) != self.cluster.gitops).then_some(key)
    }

    /// A new image: the deployment is patched, and the rest is its controller's work.
    fn roll_out(&mut self) {
        let Some(key) = self.some_deployment() else { return };
        let actor = self.deployer();
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        workload.revision += 1;
        let image = crate::body::image(workload, workload.revision);
        let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}});
        self.patch_workload(key, &actor, "", &patch.to_string());
        self.roll(key);
    }

    fn patch_workload(&mut self, key: Key, actor: &Arc<Actor>, part: &'static str, patch: &str) {
        let version = self.cluster.next_version();
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        workload.version = version;
        let target = Target::object(resource_of(workload.kind), &workload.space, &workload.name);
        let answer = self.with_bodies() && part.is_empty();
        let workload = self.cluster.workloads.get(key);
        let body =
            workload.filter(|_| answer).map(|workload| crate::body::workload(workload, true));
        let request = self.with_bodies().then(|| patch.into());
        self.emit(Act::new(self.now, actor, "get", target.clone()));
        let mut act = Act::new(self.now + 20_000, actor, "patch", target.part(part));
        (act.request, act.response) = (request, body);
        self.emit(act);
    }

    /// More or fewer replicas, near to what there were.
    fn scale(&mut self) {
        let Some(key) = self.some_deployment() else { return };
        let actor = self.deployer();
        let more = self.random.chance(500);
        let mean = self.profile.replicas;
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        if more && workload.replicas < 2 * mean {
            workload.replicas += 1;
        } else if workload.replicas > 1 {
            workload.replicas -= 1;
        }
        workload.rolling = true;
        let patch = json!({"spec": {"replicas": workload.replicas}}).to_string();
        self.patch_workload(key, &actor, "scale", &patch);
        self.after(60_000, Task::Step(key));
    }

    /// A config map comes; the oldest of its namespace goes.
    fn write_note(&mut self) {
        let actor = self.deployer();
        let name: Text = format!("settings-{}", self.random.suffix(8)).into();
        let Some(key) = self.random.pick(&self.cluster.spaces).copied() else { return };
        let Some(namespace) = self.cluster.namespaces.get_mut(key) else { return };
        namespace.notes.push(Arc::clone(&name));
        let old = if namespace.notes.len() > 20 { Some(namespace.notes.remove(0)) } else { None };
        let space = Arc::clone(&namespace.name);
        self.make(&actor, &CONFIG_MAPS, &space, &name, &json!({}));
        if let Some(old) = old {
            let uid = self.random.id();
            self.remove(&actor, Target::object(&CONFIG_MAPS, &space, &old), uid);
        }
    }

    /// A namespace for a pull request, gone in some hours.
    fn open_preview(&mut self) {
        let actor = self.deployer();
        self.cluster.last_preview += 1;
        // Numbers come again: so do the names of previews.
        let name: Text = format!("preview-{}", self.cluster.last_preview % 50).into();
        if self.cluster.namespaces.iter().any(|(_, namespace)| namespace.name == name) {
            return;
        }
        let namespace = self.open(&actor, &name);
        for _ in 0..2 {
            let plan = Plan {
                kind: Kind::Deployment,
                name: self.app_name(),
                replicas: 2,
                usage: Usage::Quiet,
            };
            self.plan(namespace, &actor, plan);
        }
        let wait = self.random.between(10 * MINUTE, 3 * HOUR);
        self.after(wait, Task::EndPreview(namespace));
    }

    /// The namespace is deleted, and its controller with it all that is in it.
    pub(crate) fn end_preview(&mut self, key: Key) {
        let actor = self.deployer();
        let Some(namespace) = self.cluster.namespaces.get(key) else { return };
        let space = Arc::clone(&namespace.name);
        let doomed = namespace.workloads.clone();
        let mut target = Target::global(&NAMESPACES, &space);
        target.namespace = Arc::clone(&space);
        self.emit(Act::new(self.now, &actor, "delete", target));
        let controller = self.cast.controller(Controller::Namespace);
        for (place, what) in
            [&DEPLOYMENTS, &REPLICA_SETS, &PODS, &SECRETS, &CONFIG_MAPS, &SERVICE_ACCOUNTS]
                .into_iter()
                .enumerate()
        {
            let target = Target::object(what, &space, &self.cast.empty);
            let at = self.now + 200_000 + 30_000 * place as Moment;
            self.emit(Act::new(at, &controller, "deletecollection", target));
        }
        for workload in doomed {
            self.doom(workload);
        }
        self.after(10 * SECOND, Task::Finalize(key));
    }

    fn doom(&mut self, key: Key) {
        self.cluster.deployments.retain(|other| *other != key);
        let Some(workload) = self.cluster.workloads.get_mut(key) else { return };
        workload.doomed = true;
        workload.slice = None;
        let pods: Vec<Key> = self
            .cluster
            .pods
            .iter()
            .filter(|(_, pod)| pod.workload == key)
            .map(|(key, _)| key)
            .collect();
        for pod in pods {
            self.doom_pod(pod);
        }
    }

    /// Nothing is left in the namespace, so it goes.
    pub(crate) fn finalize(&mut self, key: Key) {
        let Some(namespace) = self.cluster.namespaces.get(key) else { return };
        let (space, uid) = (Arc::clone(&namespace.name), namespace.uid);
        if self.cluster.pods.iter().any(|(_, pod)| pod.space == space) {
            return self.after(5 * SECOND, Task::Finalize(key));
        }
        let version = self.cluster.next_version();
        let controller = self.cast.controller(Controller::Namespace);
        let mut target = Target::global(&NAMESPACES, &space).part("finalize").seen(uid, version);
        target.namespace = Arc::clone(&space);
        self.emit(Act::new(self.now, &controller, "update", target));
        if let Some(namespace) = self.cluster.namespaces.remove(key) {
            for workload in namespace.workloads {
                self.cluster.workloads.remove(workload);
            }
        }
    }

    /// A person looks, follows a log, opens a shell, or tries what is not allowed.
    pub(crate) fn work(&mut self, number: usize) {
        let wait = self.random.wait(4 * MINUTE * 100 / activity(self.now));
        self.after(wait.max(SECOND), Task::Work(number as u32));
        let Some(person) = self.cluster.people.get(number) else { return };
        let (actor, everywhere) = (Arc::clone(&person.actor), person.writes);
        let Some((space, pod)) = self.some_pod() else { return };
        let why = if everywhere {
            reason("ClusterRoleBinding \"sre\"", "ClusterRole \"sre\"", "Group \"sre\"")
        } else {
            reason(
                &format!("RoleBinding \"developers/{space}\""),
                "ClusterRole \"developer\"",
                "Group \"developers\"",
            )
        };
        let known = reason(
            "ClusterRoleBinding \"system:discovery\"",
            "ClusterRole \"system:discovery\"",
            "Group \"system:authenticated\"",
        );
        for path in ["/api", "/apis"] {
            self.emit(
                Act::new(self.now, &actor, "get", Target::path(path))
                    .query("timeout=32s")
                    .reason(&known),
            );
        }
        let collection = Arc::clone(&self.cast.empty);
        let target = Target::object(&PODS, &space, &pod);
        let at = self.now + 300_000;
        match self.random.below(100) {
            0..55 => self.emit(
                Act::new(at, &actor, "list", Target::object(&PODS, &space, &collection))
                    .query("limit=500")
                    .reason(&why),
            ),
            55..75 => self.emit(
                Act::new(at, &actor, "get", target.part("log"))
                    .query("container=main&tailLines=100")
                    .reason(&why),
            ),
            75..90 => {
                self.emit(Act::new(at, &actor, "get", target).reason(&why));
                self.emit(
                    Act::new(
                        at + 80_000,
                        &actor,
                        "list",
                        Target::object(&CORE_EVENTS, &space, &collection),
                    )
                    .reason(&why),
                );
            }
            90..97 => self.shell(&actor, target.part("exec"), &why),
            _ => self.emit(
                Act::new(at, &actor, "list", Target::object(&SECRETS, &space, &collection))
                    .code(403)
                    .reason(&collection),
            ),
        }
    }

    fn some_pod(&mut self) -> Option<(Text, Text)> {
        let namespace = *self.random.pick(&self.cluster.spaces)?;
        let workloads = &self.cluster.namespaces.get(namespace)?.workloads;
        let workload = self.cluster.workloads.get(*self.random.pick(workloads)?)?;
        let pod = self.cluster.pods.get(*workload.owners.last()?.pods.first()?)?;
        Some((Arc::clone(&pod.space), Arc::clone(&pod.name)))
    }

    fn shell(&mut self, actor: &Arc<Actor>, target: Target, why: &Text) {
        let query =
            "command=cat&command=%2Fetc%2Fresolv.conf&container=main&stderr=true&stdout=true";
        let mut first = Act::new(self.now, actor, "get", target).query(query).code(101).reason(why);
        first.id = self.random.id();
        first.completed = first.received + 8_000;
        first.stage = Stage::Started;
        let mut last = first.clone();
        last.stage = Stage::Complete;
        last.completed = first.received + self.random.between(SECOND, 5 * MINUTE);
        self.emit(first);
        self.emit(last);
    }
}
