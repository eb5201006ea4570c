//! The life of a pod as the API server sees it: made by a controller without a name in the URL, bound
//! by the scheduler, given a token by its kubelet, reported to run, perhaps using the API, and taken
//! away again by its kubelet.

use crate::{
    act::{Act, Actor, Bodies, Bound, Credential, Target, Text},
    body,
    calendar::{MINUTE, Moment, SECOND},
    cast::{Controller, account_groups},
    cluster::{Kind, MOST_PODS, Phase, Pod, Token, Usage},
    generator::{Generator, TOKEN_RENEWAL, Task},
    resource::{
        CONFIG_MAPS, CORE_EVENTS, DEPLOYMENTS, ENDPOINT_SLICES, EVENTS, LEASES, PODS, REPLICA_SETS,
        SECRETS, SERVICE_ACCOUNTS,
    },
    slab::Key,
};
use std::sync::Arc;

/// What the request for a delete contains.
pub(crate) const AT_ONCE: &str =
    r#"{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/__internal","gracePeriodSeconds":0}"#;
const GRACEFULLY: &str = r#"{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/__internal"}"#;

impl Generator {
    /// A controller makes a pod for an owner.
    pub(crate) fn create_pod(
        &mut self,
        of: Key,
        owner: usize,
        on: Option<Key>,
        name: Option<Text>,
    ) {
        let suffix = self.random.suffix(5);
        let (uid, version) = (self.random.id(), self.cluster.next_version());
        let Some(workload) = self.cluster.workloads.get(of) else { return };
        let Some(set) = workload.owners.get(owner) else { return };
        let named = name.is_some();
        let name = name.unwrap_or_else(|| format!("{}-{suffix}", set.name).into());
        let pod = Pod {
            name: Arc::clone(&name),
            uid,
            workload: of,
            space: Arc::clone(&workload.space),
            owner_kind: set.kind,
            owner: Arc::clone(&set.name),
            owner_uid: set.uid,
            hash: Arc::clone(&set.hash),
            revision: set.revision,
            node: on,
            host: 0,
            address: "".into(),
            bound: false,
            phase: Phase::Pending,
            token: None,
            version,
            born: self.now,
            until: 0,
        };
        let bodies = self.bodies(|| Bodies {
            request: Some(body::text(&body::pod(&pod, workload, None, false))),
            response: Some(body::text(&body::pod(&pod, workload, None, true))),
        });
        let shown = if named { name } else { Arc::clone(&self.cast.empty) };
        let target = Target::object(&PODS, &workload.space, &shown);
        let actor = self.cast.controller(maker(set.kind));
        let space = Arc::clone(&workload.space);
        let key = self.cluster.pods.insert(pod);
        if let Some(set) = self.owner_mut(of, owner) {
            set.pods.push(key);
        }
        self.emit(Act::new(self.now, &actor, "create", target).bodies(bodies));
        self.event(&actor, &space, 5_000);
        let wait = self.random.between(20_000, 300_000);
        self.after(wait, Task::Bind(key));
    }

    pub(crate) fn owner_mut(
        &mut self,
        of: Key,
        owner: usize,
    ) -> Option<&mut crate::cluster::Owner> {
        self.cluster.workloads.get_mut(of)?.owners.get_mut(owner)
    }

    /// An event of Kubernetes in the core group: its name is that of an object and a time.
    pub(crate) fn event(&mut self, actor: &Arc<Actor>, space: &Text, later: Moment) {
        let name: Text = format!("event.{:x}", self.now * 1000 + later).into();
        let uid = self.random.id();
        let version = self.cluster.next_version();
        let at = self.now + later;
        let rest = serde_json::json!({"reason": "Seen", "type": "Normal"});
        let bodies =
            self.bodies(|| body::made(&CORE_EVENTS, space, &name, uid, version, at, &rest));
        let target = Target::object(&CORE_EVENTS, space, &name);
        self.emit(Act::new(at, actor, "create", target).bodies(bodies));
    }

    fn choose_node(&mut self) -> Option<Key> {
        let mut best: Option<(usize, Key)> = None;
        for _ in 0..3 {
            let key = *self.random.pick(&self.cluster.ready)?;
            let load = self.cluster.nodes.get(key)?.pods.len();
            if load < MOST_PODS && best.is_none_or(|(least, _)| load < least) {
                best = Some((load, key));
            }
        }
        best.map(|(_, key)| key)
    }

    /// The scheduler binds a pod to a node.
    pub(crate) fn bind(&mut self, key: Key) {
        let Some(pod) = self.cluster.pods.get(key) else { return };
        if pod.phase == Phase::Terminating {
            return;
        }
        let Some(node) = pod.node.or_else(|| self.choose_node()) else {
            return self.after(5 * SECOND, Task::Bind(key));
        };
        let Some(machine) = self.cluster.nodes.get_mut(node) else { return };
        machine.pods.push(key);
        let name = Arc::clone(&machine.name);
        let Some(pod) = self.cluster.pods.get_mut(key) else { return };
        pod.node = Some(node);
        pod.bound = true;
        let mut target = Target::object(&PODS, &pod.space, &pod.name).part("binding");
        target.uid = Some(pod.uid);
        let space = Arc::clone(&pod.space);
        let bodies = match self.cluster.pods.get(key) {
            Some(pod) if self.with_bodies() => Some(body::binding(pod, &name)),
            _ => None,
        };
        let scheduler = Arc::clone(&self.cast.scheduler);
        self.emit(Act::new(self.now, &scheduler, "create", target).bodies(bodies));
        let event = Target::object(&EVENTS, &space, &self.cast.empty);
        self.emit(Act::new(self.now + 30_000, &scheduler, "create", event));
        let wait = self.random.between(50_000, 700_000);
        self.after(wait, Task::Start(key));
    }

    /// The kubelet prepares a pod: token, configuration, secrets, image.
    pub(crate) fn start(&mut self, key: Key) {
        if self.random.chance(150) {
            // The node's right to do so follows the binding a moment later.
            self.request_token(key, true);
            return self.after(SECOND, Task::Start(key));
        }
        self.request_token(key, false);
        let Some((kubelet, pod)) = self.kubelet_of(key) else { return };
        let space = Arc::clone(&pod.space);
        let Some(workload) = self.cluster.workloads.get(pod.workload) else { return };
        let reads = [
            (&CONFIG_MAPS, Text::from("kube-root-ca.crt")),
            (&CONFIG_MAPS, format!("{}-config", workload.name).into()),
            (&SECRETS, format!("{}-secret", workload.name).into()),
        ];
        for (place, (resource, name)) in reads.into_iter().enumerate() {
            let target = Target::object(resource, &space, &name);
            self.emit(Act::new(self.now + 10_000 * place as Moment, &kubelet, "get", target));
        }
        for later in [200_000, 400_000, 450_000] {
            self.event(&kubelet, &space, later);
        }
        let wait = self.random.between(600_000, 3 * SECOND);
        self.after(wait, Task::Run(key));
    }

    fn kubelet_of(&self, key: Key) -> Option<(Arc<Actor>, &Pod)> {
        let pod = self.cluster.pods.get(key)?;
        let node = self.cluster.nodes.get(pod.node?)?;
        Some((Arc::clone(&node.kubelet), pod))
    }

    fn request_token(&mut self, key: Key, refused: bool) {
        let id = self.random.id();
        let Some((kubelet, pod)) = self.kubelet_of(key) else { return };
        let Some(workload) = self.cluster.workloads.get(pod.workload) else { return };
        let target = Target::object(&SERVICE_ACCOUNTS, &pod.space, &workload.account).part("token");
        let mut act = Act::new(self.now, &kubelet, "create", target);
        if refused {
            let node = kubelet.name.trim_start_matches("system:node:");
            let why = format!("no relationship found between node '{node}' and this object");
            return self.emit(act.code(403).reason(&why.into()));
        }
        act.issued = Some(id);
        let usage = workload.usage;
        self.emit(act);
        let actor =
            (usage != Usage::Quiet).then(|| self.holder(key, Credential::Token(id))).flatten();
        if let Some(pod) = self.cluster.pods.get_mut(key) {
            pod.token = Some(Token { id, actor });
        }
    }

    /// Who the holder of a pod's token is to the API server.
    fn holder(&self, key: Key, credential: Credential) -> Option<Arc<Actor>> {
        let (_, pod) = self.kubelet_of(key)?;
        let node = self.cluster.nodes.get(pod.node?)?;
        let workload = self.cluster.workloads.get(pod.workload)?;
        let bound = Bound {
            pod: Arc::clone(&pod.name),
            pod_uid: pod.uid,
            node: Arc::clone(&node.name),
            node_uid: node.uid,
        };
        Some(Arc::new(Actor {
            name: format!("system:serviceaccount:{}:{}", pod.space, workload.account).into(),
            uid: Some(workload.account_uid),
            groups: account_groups(&pod.space),
            credential,
            bound: Some(Box::new(bound)),
            address: Arc::clone(&pod.address),
            agent: format!("{}/v1.{}.0", workload.name, pod.revision).into(),
            reason: Arc::clone(&workload.reason),
            server: node.kubelet.server,
            acts_as: None,
        }))
    }

    /// The kubelet says that a pod runs.
    pub(crate) fn run(&mut self, key: Key) {
        let Some((kubelet, pod)) = self.kubelet_of(key) else { return };
        if pod.phase != Phase::Pending {
            return;
        }
        let node = pod.node;
        let Some(machine) = node.and_then(|node| self.cluster.nodes.get_mut(node)) else { return };
        let host = machine.lease_address();
        let address: Text =
            format!("10.{}.{}.{host}", 64 + machine.number / 250, machine.number % 250).into();
        let Some(pod) = self.cluster.pods.get_mut(key) else { return };
        pod.host = host;
        pod.address = address;
        pod.phase = Phase::Running;
        let of = pod.workload;
        let credential = pod.token.as_ref().map(|token| Credential::Token(token.id));
        let uses = pod.token.as_ref().is_some_and(|token| token.actor.is_some());
        if let Some(credential) = credential.filter(|_| uses) {
            let actor = self.holder(key, credential);
            if let Some(token) = self.cluster.pods.get_mut(key).and_then(|pod| pod.token.as_mut()) {
                token.actor = actor;
            }
            let wait = self.random.between(SECOND, 20 * SECOND);
            self.after(wait, Task::Use(key));
        }
        self.report(key, &kubelet);
        self.observe_change(of);
        let jitter = self.random.between(-120 * SECOND, 120 * SECOND);
        self.after(TOKEN_RENEWAL + jitter, Task::Renew(key));
        if self.cluster.workloads.get(of).is_some_and(|of| of.kind == Kind::CronJob) {
            let wait = self.random.between(4 * SECOND, 90 * SECOND);
            self.after(wait, Task::Finish(key));
        }
    }

    /// The kubelet reads a pod and reports its status.
    fn report(&mut self, key: Key, kubelet: &Arc<Actor>) {
        let version = self.cluster.next_version();
        if let Some(pod) = self.cluster.pods.get_mut(key) {
            pod.version = version;
        }
        let Some(pod) = self.cluster.pods.get(key) else { return };
        let target = Target::object(&PODS, &pod.space, &pod.name);
        let reading = Act::new(self.now, kubelet, "get", target.clone());
        let response = self.whole(key);
        let node = pod.node.and_then(|node| self.cluster.nodes.get(node));
        let request = self.with_bodies().then(|| {
            let status = body::pod_status(pod, node);
            body::text(
                &serde_json::json!({"metadata": {"uid": pod.uid.to_string()}, "status": status}),
            )
        });
        let mut writing = Act::new(self.now + 15_000, kubelet, "patch", target.part("status"));
        (writing.request, writing.response) = (request, response.clone());
        self.emit(Act { response, ..reading });
        self.emit(writing);
    }

    /// The kubelet says that a pod has ended by itself.
    pub(crate) fn report_end(&mut self, key: Key) {
        if let Some((kubelet, _)) = self.kubelet_of(key) {
            self.report(key, &kubelet);
        }
    }

    fn whole(&self, key: Key) -> Option<Arc<str>> {
        if !self.with_bodies() {
            return None;
        }
        let pod = self.cluster.pods.get(key)?;
        let workload = self.cluster.workloads.get(pod.workload)?;
        let node = pod.node.and_then(|node| self.cluster.nodes.get(node)).filter(|_| pod.bound);
        Some(body::text(&body::pod(pod, workload, node, true)))
    }

    /// Bodies of a request about a pod whose answer is the pod.
    pub(crate) fn pod_bodies(&self, key: Key, request: Option<&str>) -> Option<Bodies> {
        let mut response = self.whole(key);
        if request == Some(AT_ONCE) {
            let grace = |seconds: u8| format!("\"deletionGracePeriodSeconds\":{seconds}");
            response = response.map(|body| body.replace(&grace(30), &grace(0)).into());
        }
        response.as_ref()?;
        Some(Bodies { request: request.map(Into::into), response })
    }

    /// Controllers notice that pods of a workload changed.
    pub(crate) fn observe_change(&mut self, of: Key) {
        let version = self.cluster.next_version();
        let Some(workload) = self.cluster.workloads.get_mut(of) else { return };
        let seen = std::mem::replace(&mut workload.version, version);
        let Some(workload) = self.cluster.workloads.get(of) else { return };
        let space = Arc::clone(&workload.space);
        let mut acts = Vec::new();
        if let (Kind::Deployment, Some(set)) = (workload.kind, workload.owners.last()) {
            let target = Target::object(&REPLICA_SETS, &space, &set.name).part("status");
            let body = self.with_bodies().then(|| body::owned(workload, set, version));
            acts.push((Controller::ReplicaSet, target.seen(set.uid, seen), body));
            let target = Target::object(&DEPLOYMENTS, &space, &workload.name).part("status");
            let body = self.with_bodies().then(|| body::workload(workload, true));
            acts.push((Controller::Deployment, target.seen(workload.uid, seen), body));
        }
        if let Some((name, uid)) = &workload.slice {
            let target = Target::object(&ENDPOINT_SLICES, &space, name).seen(*uid, seen);
            acts.push((Controller::EndpointSlice, target, None));
        }
        for (place, (who, target, body)) in acts.into_iter().enumerate() {
            let actor = self.cast.controller(who);
            let mut act =
                Act::new(self.now + 30_000 * (1 + place as Moment), &actor, "update", target);
            (act.request, act.response) = (body.clone(), body);
            self.emit(act);
        }
    }

    /// The pod's program uses the API with the pod's token.
    pub(crate) fn use_api(&mut self, key: Key) {
        let Some(pod) = self.cluster.pods.get(key) else { return };
        let Some(actor) = pod.token.as_ref().and_then(|token| token.actor.clone()) else { return };
        if pod.phase != Phase::Running {
            return;
        }
        let Some(workload) = self.cluster.workloads.get(pod.workload) else { return };
        let (usage, space) = (workload.usage, Arc::clone(&pod.space));
        let name = Arc::clone(&workload.name);
        let uid = workload.account_uid;
        let wait = match usage {
            Usage::Quiet => return,
            Usage::Leader => {
                let version = self.cluster.next_version();
                let target = Target::object(&LEASES, &space, &name);
                self.emit(Act::new(self.now, &actor, "get", target.clone()));
                let bodies = self.bodies(|| body::lease(&space, &name, uid, version, self.now));
                let target = target.seen(uid, version - 1);
                self.emit(Act::new(self.now + 9_000, &actor, "update", target).bodies(bodies));
                15 * SECOND
            }
            Usage::Watcher => {
                self.watch(&actor, &Target::object(&PODS, &space, &self.cast.empty));
                self.random.between(5 * MINUTE, 10 * MINUTE)
            }
            Usage::SecretReader => {
                let target = Target::object(&SECRETS, &space, &format!("{name}-secret").into());
                self.emit(Act::new(self.now, &actor, "get", target));
                self.random.wait(10 * MINUTE)
            }
            Usage::GitOps => {
                self.emit(Act::new(
                    self.now,
                    &actor,
                    "list",
                    Target::global(&DEPLOYMENTS, &self.cast.empty),
                ));
                3 * MINUTE
            }
        };
        self.after(wait.max(SECOND), Task::Use(key));
    }

    /// A list, then a watch that stays open for minutes: two records with one id.
    fn watch(&mut self, actor: &Arc<Actor>, target: &Target) {
        self.emit(Act::new(self.now, actor, "list", target.clone()).query("limit=500"));
        let id = self.random.id();
        let open = self.random.between(4 * MINUTE, 8 * MINUTE);
        let query = format!("allowWatchBookmarks=true&timeoutSeconds={}&watch=true", open / SECOND);
        let mut first = Act::new(self.now + 40_000, actor, "watch", target.clone()).query(&query);
        first.id = id;
        first.completed = first.received + 900;
        first.stage = crate::act::Stage::Started;
        let mut last = first.clone();
        last.completed = first.received + open;
        last.stage = crate::act::Stage::Complete;
        self.emit(first);
        self.emit(last);
    }

    /// The kubelet renews the token of a running pod.
    pub(crate) fn renew(&mut self, key: Key) {
        if self.cluster.pods.get(key).is_none_or(|pod| pod.phase != Phase::Running) {
            return;
        }
        self.request_token(key, false);
        let jitter = self.random.between(-120 * SECOND, 120 * SECOND);
        self.after(TOKEN_RENEWAL + jitter, Task::Renew(key));
    }

    /// Someone deletes a pod; its kubelet will see to it.
    pub(crate) fn delete_pod(&mut self, key: Key, actor: &Arc<Actor>) {
        let Some(pod) = self.cluster.pods.get_mut(key) else { return };
        pod.phase = Phase::Terminating;
        pod.until = self.now + 30 * SECOND;
        let bodies = self.pod_bodies(key, Some(GRACEFULLY));
        let Some(pod) = self.cluster.pods.get(key) else { return };
        let target = Target::object(&PODS, &pod.space, &pod.name);
        self.emit(Act::new(self.now, actor, "delete", target).bodies(bodies));
        self.doom_pod(key);
    }

    /// A pod is to go.
    pub(crate) fn doom_pod(&mut self, key: Key) {
        let Some(pod) = self.cluster.pods.get_mut(key) else { return };
        let bound = pod.bound;
        pod.phase = Phase::Terminating;
        if bound {
            let wait = self.random.between(30_000, 300_000);
            self.after(wait, Task::Kill(key));
        } else {
            self.forget(key, true);
        }
    }

    /// The kubelet ends a pod.
    pub(crate) fn kill(&mut self, key: Key) {
        let Some((kubelet, pod)) = self.kubelet_of(key) else { return };
        let (of, space) = (pod.workload, Arc::clone(&pod.space));
        self.event(&kubelet, &space, 0);
        self.report(key, &kubelet);
        self.observe_change(of);
        let wait = self.random.between(300_000, 6 * SECOND);
        self.after(wait, Task::Gone(key));
    }

    /// The kubelet removes what is left of a pod.
    pub(crate) fn gone(&mut self, key: Key) {
        let Some((kubelet, pod)) = self.kubelet_of(key) else { return };
        let target = Target::object(&PODS, &pod.space, &pod.name);
        let bodies = self.pod_bodies(key, Some(AT_ONCE));
        self.emit(Act::new(self.now, &kubelet, "delete", target).bodies(bodies));
        self.forget(key, true);
    }

    /// A pod is no more; its owner looks whether it needs another.
    pub(crate) fn forget(&mut self, key: Key, look: bool) {
        let Some(pod) = self.cluster.pods.remove(key) else { return };
        if let Some(node) = pod.node.and_then(|node| self.cluster.nodes.get_mut(node)) {
            node.pods.retain(|other| *other != key);
            if pod.host > 0 {
                node.free_address(pod.host);
            }
        }
        let Some(workload) = self.cluster.workloads.get_mut(pod.workload) else { return };
        for owner in &mut workload.owners {
            owner.pods.retain(|other| *other != key);
        }
        if look && workload.kind != Kind::DaemonSet && !workload.doomed {
            self.after(50_000, Task::Step(pod.workload));
        }
    }
}

fn maker(kind: &str) -> Controller {
    match kind {
        "ReplicaSet" => Controller::ReplicaSet,
        "StatefulSet" => Controller::StatefulSet,
        "DaemonSet" => Controller::DaemonSet,
        _ => Controller::Job,
    }
}
