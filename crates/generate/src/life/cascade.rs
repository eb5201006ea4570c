//! What the cluster itself does because of somebody's request: controllers make replica sets and pods,
//! the scheduler binds them, kubelets ask tokens and report. Ordinary rollouts and attacks cause the
//! same, by the same identities and with the same delays, so both take it from here; a detector must
//! not tell them apart by how well they were imitated.

use super::{Deed, Label, World};
use crate::{
    act::{Act, Actor, Credential, Id, Target, Text},
    body,
    calendar::{MINUTE, Moment, SECOND},
    cast::account_groups,
    generator::reason,
    random::Random,
    resource::{
        CONFIG_MAPS, CORE_EVENTS, CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, ENDPOINT_SLICES, EVENTS,
        JOBS, NAMESPACES, NETWORK_POLICIES, PODS, REPLICA_SETS, ROLE_BINDINGS, ROLES, Resource,
        SECRETS, SERVICE_ACCOUNTS, SERVICES, SIGNING_REQUESTS, STATEFUL_SETS,
    },
};
use serde_json::{Value, json};
use std::sync::Arc;

/// Most pods of one workload whose lives are written out.
const MOST: usize = 200;

/// A workload that somebody makes or changes.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// Its kind, as bodies have it.
    pub(crate) kind: &'static str,
    /// Namespace.
    pub(crate) space: Text,
    /// Its name.
    pub(crate) name: Text,
    /// Pods; those of a daemon set follow from the nodes.
    pub(crate) replicas: usize,
    /// Service account.
    pub(crate) account: Text,
    /// The spec of its pods.
    pub(crate) spec: Value,
}

/// A pod that came.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewPod {
    /// Namespace.
    pub(crate) space: Text,
    /// Its name.
    pub(crate) name: Text,
    /// Its uid.
    pub(crate) uid: Id,
    /// Its address.
    pub(crate) address: Text,
    /// Index of its node in [`World::machines`].
    pub(crate) machine: usize,
    /// The token that its kubelet got for it.
    pub(crate) token: Id,
    /// When it ran.
    pub(crate) ready: Moment,
}

/// The resource of a kind of workload.
pub(crate) fn resource_of(kind: &str) -> &'static Resource {
    match kind {
        "StatefulSet" => &STATEFUL_SETS,
        "DaemonSet" => &DAEMON_SETS,
        "CronJob" => &CRON_JOBS,
        "Job" => &JOBS,
        "Pod" => &PODS,
        _ => &DEPLOYMENTS,
    }
}

/// Collects what the cluster does.
#[derive(Debug)]
pub(crate) struct Cascade<'a> {
    /// The cluster in which it happens.
    pub(crate) world: &'a World,
    /// Chance.
    pub(crate) random: &'a mut Random,
    /// The story that causes it; of ordinary life if its number is 0.
    pub(crate) label: Label,
    /// What happened so far, in no order.
    pub(crate) deeds: Vec<Deed>,
}

impl<'a> Cascade<'a> {
    /// Nothing yet.
    pub(crate) fn new(world: &'a World, random: &'a mut Random) -> Cascade<'a> {
        Cascade { world, random, label: Label::default(), deeds: Vec::new() }
    }

    /// A request of somebody who is no controller.
    pub(crate) fn own(&mut self, act: Act, count: u32) {
        let label = Label { cascade: false, ..self.label };
        self.push(act, count, label);
    }

    fn follow(&mut self, act: Act) {
        let label = Label { cascade: self.label.story > 0, ..self.label };
        self.push(act, 1, label);
    }

    fn push(&mut self, mut act: Act, count: u32, label: Label) {
        act.id = self.random.id();
        if act.completed <= act.received {
            act.completed = act.received + self.random.between(1_500, 12_000);
        }
        self.deeds.push(Deed::often(act, count).labelled(label));
    }

    /// A component or controller by the last part of its name; where the cluster shows none, it is as
    /// the controller manager would have it.
    pub(crate) fn component(&self, name: &str) -> Arc<Actor> {
        let ends = |actor: &&Arc<Actor>| actor.name.rsplit(':').next() == Some(name);
        if let Some(found) = self.world.components.iter().find(ends) {
            return Arc::clone(found);
        }
        let manager = self.world.components.iter().find(|actor| actor.name.contains("manager"));
        let pattern = manager.map(|actor| (**actor).clone()).unwrap_or_default();
        if name.starts_with("kube-") {
            return Arc::new(Actor { name: format!("system:{name}").into(), ..pattern });
        }
        let user = format!("system:serviceaccount:kube-system:{name}");
        let agent =
            pattern.agent.rsplit_once('/').map_or("kube-controller-manager", |(stem, _)| stem);
        Arc::new(Actor {
            groups: account_groups("kube-system"),
            agent: format!("{agent}/{user}").into(),
            reason: reason(
                &format!("ClusterRoleBinding \"system:controller:{name}\""),
                &format!("ClusterRole \"system:controller:{name}\""),
                &format!("ServiceAccount \"{name}/kube-system\""),
            ),
            name: user.into(),
            // Every controller has a token of its own; only the manager has a certificate.
            credential: Credential::Token(Id::from_words(word(name), word(name).rotate_left(29))),
            ..pattern
        })
    }

    fn version(&mut self) -> u64 {
        1_000_000 + self.random.below(90_000_000) as u64
    }

    fn event(&mut self, actor: &Arc<Actor>, space: &Text, at: Moment, of: &str, why: &str) {
        let name: Text = format!("{of}.{:x}", at * 1000).into();
        let (uid, version) = (self.random.id(), self.version());
        let rest = json!({"reason": why, "type": "Normal"});
        let bodies = body::made(&CORE_EVENTS, space, &name, uid, version, at, &rest);
        let target = Target::object(&CORE_EVENTS, space, &name);
        self.follow(Act::new(at, actor, "create", target).bodies(Some(bodies)));
    }

    /// What follows when a workload was created.
    pub(crate) fn deployed(&mut self, at: Moment, made: &Made) -> Vec<NewPod> {
        match made.kind {
            "Deployment" => self.replica_set(at, made, made.replicas),
            "DaemonSet" => self.daemons(at, made),
            "CronJob" => Vec::new(),
            "Job" => self.job_run(at, made, &made.name).into_iter().collect(),
            "Pod" => self.pod_created(at, made, &made.name).into_iter().collect(),
            _ => self.stateful(at, made),
        }
    }

    fn replica_set(&mut self, at: Moment, made: &Made, replicas: usize) -> Vec<NewPod> {
        let hash = self.random.suffix(10);
        let set: Text = format!("{}-{hash}", made.name).into();
        let controller = self.component("deployment-controller");
        let target = Target::object(&REPLICA_SETS, &made.space, &set);
        let (uid, version) = (self.random.id(), self.version());
        let rest = json!({"spec": {"replicas": replicas, "template": template(made)}});
        let bodies = body::made(&REPLICA_SETS, &made.space, &set, uid, version, at, &rest);
        self.follow(Act::new(at + 30_000, &controller, "create", target).bodies(Some(bodies)));
        self.event(&controller, &made.space, at + 45_000, &made.name, "ScalingReplicaSet");
        let pods = self.replicas(at + 80_000, made, &set, replicas);
        let done = pods.iter().map(|pod| pod.ready).max().unwrap_or(at) + 40_000;
        self.set_status(done, made, &set, uid);
        pods
    }

    fn replicas(&mut self, at: Moment, made: &Made, set: &Text, count: usize) -> Vec<NewPod> {
        let controller = self.component("replicaset-controller");
        let mut pods = Vec::new();
        for place in 0..count.min(MOST) {
            let name: Text = format!("{set}-{}", self.random.suffix(5)).into();
            let at = at + 8_000 * place as Moment;
            pods.extend(self.owned_pod(at, &controller, made, &name, None));
        }
        pods
    }

    fn set_status(&mut self, at: Moment, made: &Made, set: &Text, uid: Id) {
        let version = self.version();
        let sets = self.component("replicaset-controller");
        let target = Target::object(&REPLICA_SETS, &made.space, set).part("status");
        self.follow(Act::new(at, &sets, "update", target.seen(uid, version)));
        let deployments = self.component("deployment-controller");
        let uid = self.random.id();
        let target = Target::object(&DEPLOYMENTS, &made.space, &made.name).part("status");
        let act = Act::new(at + 20_000, &deployments, "update", target.seen(uid, version + 1));
        self.follow(act);
    }

    fn daemons(&mut self, at: Moment, made: &Made) -> Vec<NewPod> {
        let controller = self.component("daemon-set-controller");
        let mut pods = Vec::new();
        for place in 0..self.world.machines.len().min(MOST) {
            let name: Text = format!("{}-{}", made.name, self.random.suffix(5)).into();
            let at = at + 60_000 + 6_000 * place as Moment;
            pods.extend(self.owned_pod(at, &controller, made, &name, Some(place)));
        }
        pods
    }

    /// A new node gets its pod of a daemon set.
    pub(crate) fn daemon_on(&mut self, at: Moment, made: &Made, machine: usize) -> Option<NewPod> {
        let controller = self.component("daemon-set-controller");
        let name: Text = format!("{}-{}", made.name, self.random.suffix(5)).into();
        self.owned_pod(at, &controller, made, &name, Some(machine))
    }

    fn stateful(&mut self, at: Moment, made: &Made) -> Vec<NewPod> {
        let controller = self.component("statefulset-controller");
        let mut pods: Vec<NewPod> = Vec::new();
        for place in 0..made.replicas.min(MOST) {
            let name: Text = format!("{}-{place}", made.name).into();
            let at = pods.last().map_or(at, |pod| pod.ready) + 90_000;
            pods.extend(self.owned_pod(at, &controller, made, &name, None));
        }
        pods
    }

    fn owned_pod(
        &mut self,
        at: Moment,
        controller: &Arc<Actor>,
        made: &Made,
        name: &Text,
        on: Option<usize>,
    ) -> Option<NewPod> {
        // A name is generated by the API server, so it stands in the answer only.
        let shown =
            if controller.name.contains("statefulset") { Arc::clone(name) } else { "".into() };
        let uid = self.random.id();
        let version = self.version();
        let rest = json!({"spec": made.spec});
        let bodies = body::made(&PODS, &made.space, name, uid, version, at, &rest);
        let target = Target::object(&PODS, &made.space, &shown);
        self.follow(Act::new(at, controller, "create", target).bodies(Some(bodies)));
        self.event(controller, &made.space, at + 9_000, &made.name, "SuccessfulCreate");
        self.started(at + 20_000, made, name, uid, on)
    }

    /// What follows when somebody created a pod: it is bound and started.
    pub(crate) fn pod_created(&mut self, at: Moment, made: &Made, name: &Text) -> Option<NewPod> {
        let uid = self.random.id();
        let on = made.spec["nodeName"].as_str();
        let on = on.and_then(|on| self.world.machines.iter().position(|node| &*node.name == on));
        self.started(at, made, name, uid, on)
    }

    fn started(
        &mut self,
        at: Moment,
        made: &Made,
        name: &Text,
        uid: Id,
        on: Option<usize>,
    ) -> Option<NewPod> {
        let pinned = made.spec["nodeName"].is_string();
        let machine = on.unwrap_or_else(|| self.random.below(self.world.machines.len()));
        let node = self.world.machines.get(machine)?;
        let mut at = at;
        if !pinned {
            at += self.random.between(5_000, 60_000);
            self.bound(at, &made.space, name, uid, &node.name);
        }
        let own_network = made.spec["hostNetwork"] != json!(true);
        let address =
            if own_network { self.pod_address(machine) } else { Arc::clone(&node.address) };
        let mut pod = NewPod {
            space: Arc::clone(&made.space),
            name: Arc::clone(name),
            uid,
            address,
            machine,
            token: self.random.id(),
            ready: at,
        };
        self.kubelet_starts(at, &mut pod, &made.account);
        Some(pod)
    }

    fn bound(&mut self, at: Moment, space: &Text, name: &Text, uid: Id, node: &Text) {
        let scheduler = self.component("kube-scheduler");
        let mut target = Target::object(&PODS, space, name).part("binding");
        target.uid = Some(uid);
        let mut act = Act::new(at, &scheduler, "create", target);
        act.request = Some(body::text(&json!({"kind": "Binding", "apiVersion": "v1",
            "metadata": {"name": &**name, "namespace": &**space, "uid": uid.to_string()},
            "target": {"kind": "Node", "name": &**node}})));
        self.follow(act);
        let event = Target::object(&EVENTS, space, &"".into());
        self.follow(Act::new(at + 20_000, &scheduler, "create", event));
    }

    /// An address among those that pods of a node have.
    fn pod_address(&mut self, machine: usize) -> Text {
        let here = |pod: &&super::Member| pod.machine == machine && !pod.address.is_empty();
        let near = self.world.works.iter().flat_map(|work| &work.pods).find(here);
        let host = 20 + self.random.below(230);
        match near.and_then(|pod| pod.address.rsplit_once('.')) {
            Some((net, _)) => format!("{net}.{host}").into(),
            None => format!("10.{}.{}.{host}", 64 + machine / 250, machine % 250).into(),
        }
    }

    fn kubelet_starts(&mut self, at: Moment, pod: &mut NewPod, account: &Text) {
        let Some(kubelet) = self.world.machines.get(pod.machine) else { return };
        let kubelet = Arc::clone(&kubelet.kubelet);
        let target = Target::object(&PODS, &pod.space, &pod.name);
        self.follow(Act::new(at + 90_000, &kubelet, "get", target.clone()));
        let mint = Target::object(&SERVICE_ACCOUNTS, &pod.space, account).part("token");
        let mut act = Act::new(at + 120_000, &kubelet, "create", mint);
        act.issued = Some(pod.token);
        self.follow(act);
        self.pod_status(at + 150_000, &kubelet, pod, "Pending");
        let ready = at + self.random.between(SECOND, 6 * SECOND);
        for (later, why) in [(-700_000, "Pulled"), (-400_000, "Created"), (-250_000, "Started")] {
            self.event(&kubelet, &pod.space, ready + later, &pod.name, why);
        }
        self.pod_status(ready, &kubelet, pod, "Running");
        pod.ready = ready;
    }

    fn pod_status(&mut self, at: Moment, kubelet: &Arc<Actor>, pod: &NewPod, phase: &str) {
        let mut status = json!({"phase": phase});
        if phase == "Running" {
            status["podIP"] = json!(&*pod.address);
        }
        let target = Target::object(&PODS, &pod.space, &pod.name).part("status");
        let mut act = Act::new(at, kubelet, "patch", target);
        let meta = json!({"uid": pod.uid.to_string()});
        act.request = Some(body::text(&json!({"metadata": meta, "status": status})));
        self.follow(act);
    }

    /// What follows a change of a workload's pods: the new ones come, then the old ones go.
    pub(crate) fn rolled(&mut self, at: Moment, made: &Made, old: &[Text]) -> Vec<NewPod> {
        match made.kind {
            "Deployment" => {
                let pods = self.replica_set(at, made, made.replicas);
                let done = pods.last().map_or(at, |pod| pod.ready);
                self.pods_deleted(done, &made.space, old, "replicaset-controller");
                pods
            }
            kind => {
                let who = if kind == "DaemonSet" {
                    "daemon-set-controller"
                } else {
                    "statefulset-controller"
                };
                self.pods_deleted(at, &made.space, old, who);
                self.deployed(at + 3 * SECOND, made)
            }
        }
    }

    /// What follows when a deployment is to have so many pods more.
    pub(crate) fn scaled_up(&mut self, at: Moment, made: &Made, more: usize) -> Vec<NewPod> {
        let set: Text = format!("{}-{}", made.name, self.random.suffix(10)).into();
        let controller = self.component("deployment-controller");
        let (uid, version) = (self.random.id(), self.version());
        let target = Target::object(&REPLICA_SETS, &made.space, &set).seen(uid, version);
        self.follow(Act::new(at + 25_000, &controller, "update", target));
        self.event(&controller, &made.space, at + 40_000, &made.name, "ScalingReplicaSet");
        self.replicas(at + 70_000, made, &set, more)
    }

    /// A controller deletes pods, and their kubelets take them away.
    pub(crate) fn pods_deleted(&mut self, at: Moment, space: &Text, pods: &[Text], who: &str) {
        let controller = self.component(who);
        for (place, name) in pods.iter().take(MOST).enumerate() {
            let at = at + 15_000 * place as Moment;
            let target = Target::object(&PODS, space, name);
            self.follow(Act::new(at, &controller, "delete", target));
            self.pod_gone(at, space, name);
        }
    }

    /// The kubelet of a pod that was deleted finishes it.
    pub(crate) fn pod_gone(&mut self, at: Moment, space: &Text, name: &Text) {
        let pods = self.world.works.iter().flat_map(|work| &work.pods);
        let machine = pods.filter(|pod| pod.name == *name).map(|pod| pod.machine).next();
        let Some(node) = self.world.machines.get(machine.unwrap_or(0)) else { return };
        let kubelet = Arc::clone(&node.kubelet);
        self.pod_gone_from(at, space, name, &kubelet);
    }

    /// This kubelet finishes a pod that was deleted.
    pub(crate) fn pod_gone_from(
        &mut self,
        at: Moment,
        space: &Text,
        name: &Text,
        kubelet: &Arc<Actor>,
    ) {
        let kubelet = Arc::clone(kubelet);
        let end = at + self.random.between(SECOND, 31 * SECOND);
        self.event(&kubelet, space, at + 200_000, name, "Killing");
        let target = Target::object(&PODS, space, name);
        self.follow(Act::new(end, &kubelet, "patch", target.clone().part("status")));
        let mut act = Act::new(end + 30_000, &kubelet, "delete", target);
        act.request = Some(crate::pods::AT_ONCE.into());
        self.follow(act);
    }

    /// What follows when a job was created.
    pub(crate) fn job_run(&mut self, at: Moment, made: &Made, job: &Text) -> Option<NewPod> {
        let controller = self.component("job-controller");
        let name: Text = format!("{job}-{}", self.random.suffix(5)).into();
        let pod = self.owned_pod(at + 50_000, &controller, made, &name, None)?;
        let end = pod.ready + self.random.between(5 * SECOND, 4 * MINUTE);
        let kubelet = Arc::clone(&self.world.machines.get(pod.machine)?.kubelet);
        self.pod_status(end, &kubelet, &pod, "Succeeded");
        let (uid, version) = (self.random.id(), self.version());
        let target = Target::object(&JOBS, &made.space, job).part("status").seen(uid, version);
        self.follow(Act::new(end + 300_000, &controller, "update", target));
        Some(pod)
    }

    /// A cron job's time has come.
    pub(crate) fn cron_fired(&mut self, at: Moment, made: &Made) -> Option<NewPod> {
        let controller = self.component("cronjob-controller");
        let job: Text = format!("{}-{}", made.name, at / MINUTE).into();
        let (uid, version) = (self.random.id(), self.version());
        let rest = json!({"spec": {"template": template(made)}});
        let bodies = body::made(&JOBS, &made.space, &job, uid, version, at, &rest);
        let target = Target::object(&JOBS, &made.space, &job);
        self.follow(Act::new(at, &controller, "create", target).bodies(Some(bodies)));
        let target = Target::object(&CRON_JOBS, &made.space, &made.name).part("status");
        self.follow(Act::new(at + 30_000, &controller, "update", target.seen(uid, version)));
        self.job_run(at + 40_000, made, &job)
    }

    /// What follows when a workload was deleted: the garbage collector takes what it owned.
    pub(crate) fn workload_deleted(&mut self, at: Moment, made: &Made, pods: &[Text]) {
        let collector = self.component("generic-garbage-collector");
        if made.kind == "Deployment"
            && let Some((set, _)) = pods.first().and_then(|pod| pod.rsplit_once('-'))
        {
            let target = Target::object(&REPLICA_SETS, &made.space, &set.into());
            self.follow(Act::new(at + 40_000, &collector, "get", target.clone()));
            self.follow(Act::new(at + 60_000, &collector, "delete", target));
        }
        self.pods_deleted(at + 120_000, &made.space, pods, "generic-garbage-collector");
    }

    /// What follows when a namespace was deleted.
    pub(crate) fn namespace_deleted(&mut self, at: Moment, space: &Text, pods: &[Text]) {
        let controller = self.component("namespace-controller");
        let all: [&'static Resource; 10] = [
            &DEPLOYMENTS,
            &REPLICA_SETS,
            &STATEFUL_SETS,
            &SERVICES,
            &SECRETS,
            &CONFIG_MAPS,
            &SERVICE_ACCOUNTS,
            &ROLES,
            &ROLE_BINDINGS,
            &NETWORK_POLICIES,
        ];
        let empty: Text = "".into();
        for (place, what) in all.into_iter().chain([&PODS]).enumerate() {
            let target = Target::object(what, space, &empty);
            let at = at + 150_000 + 30_000 * place as Moment;
            self.follow(Act::new(at, &controller, "deletecollection", target));
        }
        for name in pods.iter().take(MOST) {
            self.pod_gone(at + 500_000, space, name);
        }
        let (uid, version) = (self.random.id(), self.version());
        let mut target = Target::global(&NAMESPACES, space).part("finalize").seen(uid, version);
        target.namespace = Arc::clone(space);
        self.follow(Act::new(at + 35 * SECOND, &controller, "update", target));
    }

    /// What follows when a namespace was created.
    pub(crate) fn namespace_created(&mut self, at: Moment, space: &Text) {
        let accounts = self.component("service-account-controller");
        let target = Target::object(&SERVICE_ACCOUNTS, space, &"default".into());
        self.follow(Act::new(at + 15_000, &accounts, "create", target));
        let roots = self.component("root-ca-cert-publisher");
        let target = Target::object(&CONFIG_MAPS, space, &"kube-root-ca.crt".into());
        self.follow(Act::new(at + 22_000, &roots, "create", target));
    }

    /// What follows when a signing request was approved: its certificate.
    pub(crate) fn certificate_signed(&mut self, at: Moment, name: &Text) {
        let signer = self.component("certificate-controller");
        let (uid, version) = (self.random.id(), self.version());
        let target = Target::global(&SIGNING_REQUESTS, name).part("status").seen(uid, version);
        self.follow(Act::new(at + 45_000, &signer, "update", target));
    }

    /// What follows when a service was created or changed.
    pub(crate) fn service_changed(&mut self, at: Moment, space: &Text, name: &Text, outside: bool) {
        let controller = self.component("endpointslice-controller");
        let target = Target::object(&ENDPOINT_SLICES, space, &"".into());
        self.follow(Act::new(at + 25_000, &controller, "create", target));
        if outside {
            let cloud = self.component("service-controller");
            let target = Target::object(&SERVICES, space, name).part("status");
            self.follow(Act::new(at + 25 * SECOND, &cloud, "patch", target));
            self.event(&cloud, space, at + 26 * SECOND, name, "EnsuredLoadBalancer");
        }
    }

    /// What follows when an aggregated role gained a part.
    pub(crate) fn role_aggregated(&mut self, at: Moment, role: &Text) {
        let controller = self.component("clusterrole-aggregation-controller");
        let target = Target::global(&crate::resource::CLUSTER_ROLES, role);
        self.follow(Act::new(at + 30_000, &controller, "patch", target));
    }

    /// What follows when a secret for an account's token was made: the token in it.
    pub(crate) fn token_filled(&mut self, at: Moment, space: &Text, name: &Text) {
        let controller = self.component("tokens-controller");
        let (uid, version) = (self.random.id(), self.version());
        let target = Target::object(&SECRETS, space, name).seen(uid, version);
        self.follow(Act::new(at + 18_000, &controller, "update", target));
    }
}

/// The template of a workload's pods.
pub(crate) fn template(made: &Made) -> Value {
    json!({"metadata": {"labels": {"app": &*made.name}}, "spec": made.spec})
}

/// The spec of an ordinary pod.
pub(crate) fn plain_spec(account: &str, image: &str) -> Value {
    json!({"serviceAccountName": account, "restartPolicy": "Always",
        "containers": [{"name": "main", "image": image,
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]})
}

/// A word that follows from a name.
fn word(name: &str) -> u64 {
    let mix = |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0x6372_6564, mix).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
