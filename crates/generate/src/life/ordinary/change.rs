//! What changes a cluster every day: deployments, reviews, jobs by the clock, batch work, load.

use super::{Life, finish, found::pod_actor};
use crate::{
    act::{Act, Actor, Target, Text},
    calendar::{DAY, HOUR, MINUTE, Moment, SECOND, activity},
    life::{
        Deed, Label, Member, SpaceKind,
        cascade::{Cascade, Made, NewPod},
    },
    resource::{
        CONFIG_MAPS, CRON_JOBS, DEPLOYMENTS, NAMESPACES, PODS, ROLE_BINDINGS, SECRETS, SERVICES,
        STATEFUL_SETS, WORKFLOWS,
    },
};
use serde_json::json;
use std::sync::Arc;

/// A namespace for a review.
#[derive(Clone, Debug)]
pub(super) struct Preview {
    name: Text,
    /// Each with its node.
    pods: Vec<(Text, usize)>,
    by: Arc<Actor>,
}

impl Life {
    /// The workload as it is deployed.
    pub(super) fn made(&self, work: usize) -> Option<Made> {
        let of = self.world.works.get(work)?;
        let space = self.world.spaces.get(of.space)?;
        Some(Made {
            kind: of.kind,
            space: Arc::clone(&space.name),
            name: Arc::clone(&of.name),
            replicas: of.pods.len().max(1),
            account: Arc::clone(&of.account),
            spec: json!({
                "serviceAccountName": &*of.account,
                "containers": [{"name": &*of.name, "image": format!("{}:v{}", of.image, self.queued)}],
            }),
        })
    }

    /// A workload gets new pods.
    pub(super) fn roll(&mut self, work: usize, at: Moment, label: Option<Label>) {
        let Some(made) = self.made(work).filter(|_| !self.turned.contains_key(&work)) else {
            return;
        };
        if !matches!(made.kind, "Deployment" | "DaemonSet" | "StatefulSet") {
            return;
        }
        let old: Vec<Text> =
            self.world.works.get(work).map_or_else(Vec::new, |of| {
                of.pods.iter().map(|pod| Arc::clone(&pod.name)).collect()
            });
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label.unwrap_or_default();
        let pods = cascade.rolled(at, &made, &old);
        let deeds = cascade.deeds;
        self.extend(deeds);
        self.settle(work, &pods);
    }

    /// The pods of a workload are these now.
    fn settle(&mut self, work: usize, pods: &[NewPod]) {
        if pods.is_empty() {
            return;
        }
        let members: Vec<Member> = pods.iter().map(member).collect();
        self.born(work, pods);
        if let Some(of) = self.world.works.get_mut(work) {
            of.pods = members;
        }
        let ready = pods.iter().map(|pod| pod.ready).max().unwrap_or_default();
        self.turned.insert(work, ready);
    }

    /// Remembers what kubelets got for new pods, until their accounts speak from them.
    pub(super) fn born(&mut self, work: usize, pods: &[NewPod]) {
        for pod in pods {
            self.births.insert((work, Arc::clone(&pod.name)), (pod.uid, pod.token));
        }
    }

    /// The accounts of a workload act from its pods as they are now. Gives who spoke before, with the
    /// name of the pod, and who does now.
    pub(super) fn speak(&mut self, work: usize) -> Vec<(Text, Arc<Actor>)> {
        let mut heirs = Vec::new();
        let accounts = self.world.accounts.iter().enumerate();
        let own: Vec<usize> =
            accounts.filter(|(_, one)| one.work == Some(work)).map(|(place, _)| place).collect();
        for account in own {
            let agent = self.world.accounts.get(account).map(|one| Arc::clone(&one.actor.agent));
            let agent = agent.unwrap_or_default();
            let Some(of) = self.world.works.get(work) else { continue };
            let Some(space) = self.world.spaces.get(of.space) else { continue };
            let names = (&*space.name, &*of.account);
            let uid = self.world.accounts.get(account).and_then(|one| one.actor.uid);
            let uid = uid.unwrap_or_else(|| self.random.id());
            let last = self.mouths.get(account).map_or(&[][..], Vec::as_slice);
            let mut mouths: Vec<Arc<Actor>> = Vec::new();
            for pod in &of.pods {
                let birth = self.births.get(&(work, Arc::clone(&pod.name))).copied();
                let same = |one: &&Arc<Actor>| {
                    one.bound.as_ref().is_some_and(|bound| bound.pod == pod.name)
                };
                // A pod that stayed is the same as before.
                if let (None, Some(same)) = (birth, last.iter().find(same)) {
                    mouths.push(Arc::clone(same));
                    continue;
                }
                let (pod_uid, token) =
                    birth.unwrap_or_else(|| (self.random.id(), self.random.id()));
                mouths.push(pod_actor(&self.world, names, pod, &agent, [uid, pod_uid, token]));
            }
            if let (Some(one), Some(first)) = (self.world.accounts.get_mut(account), mouths.first())
            {
                one.actor = Arc::clone(first);
            }
            let Some(place) = self.mouths.get_mut(account) else { continue };
            let old = std::mem::replace(place, mouths);
            for (at, old) in old.iter().enumerate() {
                if place.iter().any(|one| Arc::ptr_eq(one, old)) {
                    continue;
                }
                let heir = place.get(at % place.len().max(1));
                if let (Some(bound), Some(heir)) = (&old.bound, heir) {
                    heirs.push((Arc::clone(&bound.pod), Arc::clone(heir)));
                }
            }
        }
        heirs
    }

    /// Somebody deleted a pod: its controller makes another.
    pub(super) fn replace_pod(&mut self, work: usize, pod: usize, at: Moment) {
        let Some(made) = self.made(work).filter(|_| !self.turned.contains_key(&work)) else {
            return;
        };
        let of = self.world.works.get(work);
        let gone = of.and_then(|of| of.pods.get(pod)).map(|pod| Arc::clone(&pod.name));
        let Some(gone) = gone else { return };
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        let more = cascade.scaled_up(at, &made, 1);
        let ready = more.first().map_or(at, |pod| pod.ready);
        cascade.pod_gone(ready, &made.space, &gone);
        let deeds = cascade.deeds;
        self.extend(deeds);
        self.born(work, &more);
        let new = more.first().map(member);
        let place = self.world.works.get_mut(work).and_then(|of| of.pods.get_mut(pod));
        if let (Some(place), Some(new)) = (place, new) {
            *place = new;
        }
        self.turned.insert(work, ready);
    }

    /// Something that somebody does once.
    pub(super) fn once(
        &mut self,
        at: Moment,
        actor: &Arc<Actor>,
        verb: &'static str,
        target: Target,
        code: u16,
    ) {
        let mut act = Act::new(at, actor, verb, target).code(code);
        finish(&mut act, &mut self.random);
        self.push(Deed::once(act));
    }

    /// Pipelines, and the program that deploys what a repository says.
    pub(super) fn commits(&mut self) {
        let now = self.world.now;
        let busy = activity(now + self.profile.zone * HOUR);
        let window = now.div_euclid(DAY).rem_euclid(7) % 3 == 1 && now.rem_euclid(DAY) / HOUR >= 20;
        // A working day has about eight busy hours.
        let chance = match (self.profile.windows, window) {
            (true, true) => 100 * self.profile.commits,
            (true, false) => 2,
            (false, _) => 125 * self.profile.commits * usize::try_from(busy).unwrap_or(0) / 100,
        };
        let pipelines = if self.pipelines.is_empty() {
            let gitops = self.world.accounts.iter().position(|one| one.admin && one.deploys);
            gitops.into_iter().collect()
        } else {
            self.pipelines.clone()
        };
        for account in pipelines {
            let mut left = chance;
            while left > 0 {
                if self.random.chance(left.min(1000)) {
                    self.commit(account);
                }
                left = left.saturating_sub(1000);
            }
        }
    }

    /// A deployment by a pipeline, the way that charts are installed.
    fn commit(&mut self, account: usize) {
        let works: Vec<usize> = (0..self.world.works.len())
            .filter(|work| {
                self.world.works.get(*work).is_some_and(|of| of.kind == "Deployment")
                    && self.is_of_team(*work)
            })
            .collect();
        let Some(work) = self.random.pick(&works).copied() else { return };
        let (Some(made), Some(actor)) =
            (self.made(work), self.world.accounts.get(account).map(|one| Arc::clone(&one.actor)))
        else {
            return;
        };
        let none: Text = "".into();
        let mut at = self.world.now + self.random.between(0, 45 * MINUTE);
        let release: Text =
            format!("sh.helm.release.v1.{}.v{}", made.name, self.queued / 97).into();
        let charts = self.random.chance(650) && actor.agent.starts_with("Helm");
        if charts {
            self.once(at, &actor, "list", Target::object(&SECRETS, &made.space, &none), 200);
        }
        let own = Target::object(&DEPLOYMENTS, &made.space, &made.name);
        self.once(at + SECOND, &actor, "get", own.clone(), 200);
        if self.random.chance(300) {
            let map = Target::object(&CONFIG_MAPS, &made.space, &made.name);
            self.once(at + 2 * SECOND, &actor, "patch", map, 200);
        }
        if self.random.chance(120) {
            let service = Target::object(&SERVICES, &made.space, &made.name);
            self.once(at + 2 * SECOND, &actor, "patch", service, 200);
        }
        if self.random.chance(8) {
            let binding = Target::object(&ROLE_BINDINGS, &made.space, &made.name);
            self.once(at + 3 * SECOND, &actor, "patch", binding, 200);
        }
        if charts {
            let target = Target::object(&SECRETS, &made.space, &release);
            self.once(at + 3 * SECOND, &actor, "create", target, 201);
        }
        at += 4 * SECOND;
        self.once(at, &actor, "patch", own.clone(), 200);
        self.roll(work, at, None);
        for step in 1..self.random.between(3, 9) {
            self.once(at + step * 8 * SECOND, &actor, "get", own.clone(), 200);
        }
        if self.random.chance(200) {
            let pods = Target::object(&PODS, &made.space, &none);
            self.once(at + MINUTE, &actor, "list", pods, 200);
        }
    }

    fn is_of_team(&self, work: usize) -> bool {
        let space = self.world.works.get(work).and_then(|of| self.world.spaces.get(of.space));
        space.is_some_and(|space| space.kind == SpaceKind::Team)
    }

    /// Namespaces for reviews come in the day and go in the night.
    pub(super) fn previews(&mut self) {
        let now = self.world.now;
        let (over, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.previews).into_iter().partition(|(_, until)| *until <= now);
        self.previews = stay;
        for (preview, _) in over {
            let target = Target::global(&NAMESPACES, &preview.name);
            self.once(now + MINUTE, &preview.by, "delete", target, 200);
            let mut cascade = Cascade::new(&self.world, &mut self.random);
            cascade.namespace_deleted(now + MINUTE + SECOND, &preview.name, &[]);
            for (pod, machine) in &preview.pods {
                if let Some(machine) = self.world.machines.get(*machine) {
                    let at = now + MINUTE + 2 * SECOND;
                    cascade.pod_gone_from(at, &preview.name, pod, &machine.kubelet);
                }
            }
            let deeds = cascade.deeds;
            self.extend(deeds);
        }
        let busy = activity(now + self.profile.zone * HOUR);
        let chance = 125 * self.profile.previews * usize::try_from(busy).unwrap_or(0) / 100;
        if self.random.chance(chance.min(1000)) {
            self.preview();
        }
    }

    fn preview(&mut self) {
        let Some(account) = self.random.pick(&self.pipelines).copied() else { return };
        let Some(by) = self.world.accounts.get(account).map(|one| Arc::clone(&one.actor)) else {
            return;
        };
        let name: Text = format!("review-{}", self.random.between(1_000, 9_999)).into();
        let at = self.world.now + self.random.between(0, 40 * MINUTE);
        self.once(at, &by, "create", Target::global(&NAMESPACES, &name), 201);
        let target = Target::object(&SECRETS, &name, &"review-settings".into());
        self.once(at + 2 * SECOND, &by, "create", target, 201);
        let app: Text = "review".into();
        let target = Target::object(&DEPLOYMENTS, &name, &app);
        self.once(at + 3 * SECOND, &by, "create", target, 201);
        let made = Made {
            kind: "Deployment",
            space: Arc::clone(&name),
            name: app,
            replicas: 2,
            account: "default".into(),
            spec: json!({"containers": [{"name": "review", "image": "registry.example/review:1"}]}),
        };
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.namespace_created(at + 10_000, &name);
        let pods = cascade.deployed(at + 3 * SECOND, &made);
        let deeds = cascade.deeds;
        self.extend(deeds);
        let pods = pods.into_iter().map(|pod| (pod.name, pod.machine)).collect();
        let until = self.world.now + self.random.between(6, 30) * HOUR;
        self.previews.push((Preview { name, pods, by }, until));
    }

    /// Jobs by the clock, the nightly copy of everything, and batch work.
    pub(super) fn clockwork(&mut self) {
        let now = self.world.now;
        let hour = now.div_euclid(HOUR);
        for place in 0..self.crons.len() {
            let Some((work, every)) = self.crons.get(place).copied() else { continue };
            if (hour + place as i64) % every.max(1) != 0 {
                continue;
            }
            let Some(made) = self.made(work) else { continue };
            let mut cascade = Cascade::new(&self.world, &mut self.random);
            cascade.cron_fired(now + MINUTE, &made);
            let deeds = cascade.deeds;
            self.extend(deeds);
            let target = Target::object(&CRON_JOBS, &made.space, &made.name).part("status");
            let controller = self.world.components.first().map(Arc::clone).unwrap_or_default();
            self.once(now + 2 * MINUTE, &controller, "update", target, 200);
        }
        if now.rem_euclid(DAY) / HOUR == 2 {
            self.copy_all(None);
        }
        self.batches();
    }

    /// The backup reads everything, secrets too.
    pub(super) fn copy_all(&mut self, label: Option<Label>) {
        use crate::life::Archetype;
        let keeper = self.world.accounts.iter().find(|one| one.archetype == Archetype::Backup);
        let Some(actor) = keeper.map(|one| Arc::clone(&one.actor)) else { return };
        let none: Text = "".into();
        let spaces: Vec<Text> =
            self.world.spaces.iter().map(|space| Arc::clone(&space.name)).collect();
        for (place, space) in spaces.iter().enumerate() {
            for resource in [&PODS, &SECRETS, &CONFIG_MAPS, &DEPLOYMENTS, &STATEFUL_SETS, &SERVICES]
            {
                let at = self.world.now + 5 * MINUTE + place as Moment * SECOND;
                let mut act = Act::new(at, &actor, "list", Target::object(resource, space, &none));
                finish(&mut act, &mut self.random);
                let deed = Deed::once(act);
                self.push(deed.labelled(label.unwrap_or_default()));
            }
        }
    }

    fn batches(&mut self) {
        use crate::life::Archetype;
        let starter = self.world.accounts.iter().find(|one| one.archetype == Archetype::Scheduler);
        let Some(actor) = starter.map(|one| Arc::clone(&one.actor)) else { return };
        let busy = 20 + activity(self.world.now + self.profile.zone * HOUR) * 80 / 100;
        let count = self.profile.batches * usize::try_from(busy).unwrap_or(0) / 100;
        let teams: Vec<Text> = (self.world.spaces.iter())
            .filter(|space| space.kind == SpaceKind::Team)
            .map(|space| Arc::clone(&space.name))
            .collect();
        for _ in 0..count {
            let Some(space) = self.random.pick(&teams).map(Arc::clone) else { return };
            let name: Text = format!("train-{}", self.random.suffix(5)).into();
            let at = self.world.now + self.random.between(0, 55 * MINUTE);
            self.once(at, &actor, "patch", Target::object(&WORKFLOWS, &space, &name), 200);
            self.once(at + SECOND, &actor, "create", Target::object(&PODS, &space, &name), 201);
            let made = Made {
                kind: "Pod",
                space: Arc::clone(&space),
                name: Arc::clone(&name),
                replicas: 1,
                account: "default".into(),
                spec: json!({"containers": [{"name": "train", "image": "registry.example/train:3"}]}),
            };
            let mut cascade = Cascade::new(&self.world, &mut self.random);
            let pod = cascade.pod_created(at + SECOND, &made, &name);
            if let Some(machine) = pod.and_then(|pod| self.world.machines.get(pod.machine)) {
                cascade.pod_gone_from(at + 9 * MINUTE, &space, &name, &machine.kubelet);
            }
            let deeds = cascade.deeds;
            self.extend(deeds);
            self.once(
                at + 10 * MINUTE,
                &actor,
                "delete",
                Target::object(&PODS, &space, &name),
                200,
            );
        }
    }

    /// More pods in the day, fewer in the night.
    pub(super) fn load(&mut self) {
        if !self.profile.scaling || !self.random.chance(250) {
            return;
        }
        let busy = activity(self.world.now + self.profile.zone * HOUR);
        let works: Vec<usize> = (0..self.world.works.len())
            .filter(|work| {
                self.world.works.get(*work).is_some_and(|of| of.kind == "Deployment")
                    && self.is_of_team(*work)
            })
            .collect();
        let Some(work) = self.random.pick(&works).copied() else { return };
        let Some(made) = self.made(work).filter(|_| !self.turned.contains_key(&work)) else {
            return;
        };
        let at = self.world.now + self.random.between(0, 50 * MINUTE);
        let pods = self.world.works.get(work).map_or(0, |of| of.pods.len());
        if busy >= 70 && pods < 6 {
            let mut cascade = Cascade::new(&self.world, &mut self.random);
            let more = cascade.scaled_up(at, &made, 1);
            let deeds = cascade.deeds;
            self.extend(deeds);
            self.born(work, &more);
            let ready = more.first().map_or(at, |pod| pod.ready);
            let more: Vec<Member> = more.iter().map(member).collect();
            if let Some(of) = self.world.works.get_mut(work) {
                of.pods.extend(more);
            }
            self.turned.insert(work, ready);
        } else if busy < 30 && pods > 1 {
            let last = self.world.works.get(work).and_then(|of| of.pods.last());
            let Some(gone) = last.map(|pod| Arc::clone(&pod.name)) else { return };
            let mut cascade = Cascade::new(&self.world, &mut self.random);
            cascade.pods_deleted(at, &made.space, &[gone], "replicaset-controller");
            let deeds = cascade.deeds;
            self.extend(deeds);
            if let Some(of) = self.world.works.get_mut(work) {
                of.pods.pop();
            }
            self.turned.insert(work, at);
        }
    }
}

pub(super) fn member(pod: &NewPod) -> Member {
    Member { name: Arc::clone(&pod.name), address: Arc::clone(&pod.address), machine: pod.machine }
}
