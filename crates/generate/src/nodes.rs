//! Machines and the heartbeat of the cluster: leases of API servers, of the scheduler and of every
//! node come at regular intervals, and are how the completeness of a log is measured.

use crate::{
    act::{Act, Actor, Bodies, Credential, Id, Target, Text},
    body,
    calendar::{DAY, MINUTE, Moment, SECOND},
    cast::{BUILD, CONTROLLERS, Controller, certificate},
    cluster::{Node, Phase},
    generator::{CONTROLLER_TOKENS, Generator, Task, renewed},
    pods::AT_ONCE,
    resource::{LEASES, NODES, PODS, SERVICE_ACCOUNTS},
    slab::Key,
};
use std::sync::Arc;

/// What renews a lease.
struct Renewal {
    actor: Arc<Actor>,
    namespace: Text,
    name: Text,
    uid: Id,
    query: &'static str,
}

impl Generator {
    /// The API server's own lease.
    pub(crate) fn renew_server(&mut self, place: u8) {
        let Some((actor, name, uid)) = self.cast.servers.get(usize::from(place)).cloned() else {
            return;
        };
        let namespace = Arc::clone(&self.cast.system);
        self.renew_lease(Renewal { actor, namespace, name, uid, query: "" });
        self.after(10 * SECOND, Task::ServerLease(place));
    }

    /// The leases of those of whom only one may work.
    pub(crate) fn renew_leader(&mut self, place: u8) {
        let (actor, name) = match place {
            0 => (&self.cast.scheduler, "kube-scheduler"),
            _ => (&self.cast.manager, "kube-controller-manager"),
        };
        let actor = Arc::clone(actor);
        let uid = self.cast.leases.get(usize::from(place)).copied().unwrap_or_default();
        let namespace = Arc::clone(&self.cast.system);
        self.renew_lease(Renewal { actor, namespace, name: name.into(), uid, query: "timeout=5s" });
        self.after(2 * SECOND, Task::LeaderLease(place));
    }

    /// The lease of a node.
    pub(crate) fn renew_node(&mut self, key: Key) {
        let Some(node) = self.cluster.nodes.get(key) else { return };
        let (actor, name, uid) = (Arc::clone(&node.kubelet), Arc::clone(&node.name), node.lease);
        let namespace = Arc::clone(&self.cast.node_leases);
        self.renew_lease(Renewal { actor, namespace, name, uid, query: "timeout=10s" });
        let wait = self.profile.node_lease + self.random.between(0, 400_000);
        self.after(wait, Task::NodeLease(key));
    }

    fn renew_lease(&mut self, renewal: Renewal) {
        let version = self.cluster.next_version();
        let Renewal { actor, namespace, name, uid, query } = renewal;
        let bodies = self.bodies(|| body::lease(&namespace, &name, uid, version, self.now));
        let target = Target::object(&LEASES, &namespace, &name).seen(uid, version - 1);
        self.emit(Act::new(self.now, &actor, "update", target).query(query).bodies(bodies));
    }

    /// Every controller gets a new token; the log shows who issued it.
    pub(crate) fn renew_controllers(&mut self) {
        for (place, name) in CONTROLLERS.iter().enumerate() {
            let jti = self.random.id();
            let namespace = Arc::clone(&self.cast.system);
            let target =
                Target::object(&SERVICE_ACCOUNTS, &namespace, &(*name).into()).part("token");
            let mut act = Act::new(self.now, &self.cast.manager, "create", target);
            act.issued = Some(jti);
            self.emit(act);
            if let Some(actor) = self.cast.controllers.get_mut(place) {
                *actor = renewed(actor, |actor| actor.credential = Credential::Token(jti));
            }
        }
        self.after(CONTROLLER_TOKENS, Task::ControllerTokens);
    }

    /// A node registers itself.
    pub(crate) fn add_node(&mut self, number: usize) {
        let node = self.new_node(number);
        let (name, lease) = (Arc::clone(&node.name), node.lease);
        let kubelet = Arc::clone(&node.kubelet);
        let version = self.cluster.next_version();
        let bodies = self.bodies(|| {
            let sent = body::node(&node, 0, self.now);
            Bodies { request: Some(sent), response: Some(body::node(&node, version, self.now)) }
        });
        let key = self.cluster.nodes.insert(node);
        self.emit(
            Act::new(self.now, &kubelet, "create", Target::global(&NODES, &name)).bodies(bodies),
        );
        let namespace = Arc::clone(&self.cast.node_leases);
        let version = self.cluster.next_version();
        let mut bodies = self.bodies(|| body::lease(&namespace, &name, lease, version, self.now));
        if let Some(bodies) = &mut bodies {
            bodies.request = None;
        }
        let target = Target::object(&LEASES, &namespace, &name);
        self.emit(Act::new(self.now + 20_000, &kubelet, "create", target).bodies(bodies));
        self.cluster.ready.push(key);
        let first = self.random.between(SECOND, self.profile.node_lease.max(2 * SECOND));
        self.after(first, Task::NodeLease(key));
        let first = self.random.between(SECOND, 5 * MINUTE);
        self.after(first, Task::NodeStatus(key));
        self.place_daemons(key);
    }

    fn new_node(&mut self, number: usize) -> Node {
        let [a, b] = [number / 250, number % 250 + 4];
        let name: Text = format!("ip-10-0-{a}-{b}.ec2.internal").into();
        let address: Text = format!("10.0.{a}.{b}").into();
        let kubelet = Arc::new(Actor {
            name: format!("system:node:{name}").into(),
            groups: vec!["system:nodes".into(), "system:authenticated".into()],
            credential: certificate(&mut self.random),
            address: Arc::clone(&address),
            agent: format!("kubelet/{BUILD}").into(),
            server: (number % self.cast.servers.len().max(1)) as u8,
            ..Actor::default()
        });
        let (uid, lease) = (self.random.id(), self.random.id());
        let born = self.now;
        let (taken, pods, last) = ([0; 4], Vec::new(), 0);
        Node { name, uid, address, kubelet, lease, born, number, taken, pods, last }
    }

    /// The kubelet's report on its node, every five minutes.
    pub(crate) fn report_node(&mut self, key: Key) {
        let version = self.cluster.next_version();
        let Some(node) = self.cluster.nodes.get(key) else { return };
        let bodies = self.bodies(|| Bodies {
            request: Some(body::node_status(node, self.now)),
            response: Some(body::node(node, version, self.now)),
        });
        let target = Target::global(&NODES, &node.name).part("status");
        let act = Act::new(self.now, &node.kubelet, "patch", target);
        self.emit(act.query("timeout=10s").bodies(bodies));
        let wait = 5 * MINUTE + self.random.between(-10 * SECOND, 10 * SECOND);
        self.after(wait, Task::NodeStatus(key));
    }

    /// A node goes; every second time its successor has the same name and another identity.
    pub(crate) fn replace_node(&mut self) {
        let wait = self.random.wait(DAY / self.profile.replaced_nodes.max(1) as Moment);
        self.after(wait, Task::ReplaceNode);
        if self.cluster.ready.len() < 2 {
            return;
        }
        let place = self.random.below(self.cluster.ready.len());
        let key = self.cluster.ready.swap_remove(place);
        let Some(node) = self.cluster.nodes.remove(key) else { return };
        let actor = self.cast.controller(Controller::Node);
        let mut act = Act::new(self.now, &actor, "delete", Target::global(&NODES, &node.name));
        act.removed = Some(node.uid);
        self.emit(act);
        for pod in &node.pods {
            self.lose(*pod);
        }
        let number = if self.random.chance(500) { node.number } else { self.fresh_number() };
        let wait = self.random.between(20 * SECOND, 2 * MINUTE);
        self.after(wait, Task::AddNode(number as u32));
    }

    fn fresh_number(&mut self) -> usize {
        self.cluster.last_node += 1;
        self.cluster.last_node
    }

    /// The pod of a node that is gone is collected, and its owner makes another.
    fn lose(&mut self, key: Key) {
        let Some(pod) = self.cluster.pods.get_mut(key) else { return };
        pod.node = None;
        let over = pod.phase == Phase::Terminating;
        pod.phase = Phase::Terminating;
        let target = Target::object(&PODS, &pod.space, &pod.name);
        let actor = self.cast.controller(Controller::PodCollector);
        let bodies = self.pod_bodies(key, Some(AT_ONCE));
        self.emit(Act::new(self.now + 40_000, &actor, "delete", target).bodies(bodies));
        self.forget(key, !over);
    }
}
