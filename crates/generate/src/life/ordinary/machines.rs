//! Machines come and go: with the load, because a provider replaces them, and with every upgrade. Each
//! is an identity that nobody has ever seen, which is the commonest false alarm of all.

use super::{Life, change::member, found::new_machine};
use crate::{
    act::{Act, Actor, Target, Text},
    calendar::{HOUR, MINUTE, Moment, SECOND, activity},
    life::{Archetype, Deed, Label, Machine, cascade::Cascade},
    resource::{LEASES, NODES, PODS, SIGNING_REQUESTS},
};
use std::sync::Arc;

/// A pod that must leave: its workload, its place in it, its name.
type Leaver = (usize, usize, Text);

impl Life {
    /// Nodes that are replaced in this hour.
    pub(super) fn machines(&mut self) {
        self.fresh.clear();
        let count = self.world.machines.len();
        let busy = activity(self.world.now + self.profile.zone * HOUR);
        let busy = usize::try_from(busy).unwrap_or(0);
        let chance = if self.profile.scaling { (5 + busy * count / 25).min(400) } else { 1 };
        if self.random.chance(chance) {
            let place = self.random.below(count);
            let one = self.world.machines.get(place);
            let agent = one.map(|one| Arc::clone(&one.kubelet.agent)).unwrap_or_default();
            self.swaps.push_back((place, agent, Label::default()));
        }
        for _ in 0..(count / 8).max(1) {
            let Some((place, agent, label)) = self.swaps.pop_front() else { break };
            self.swap(place, &agent, label);
        }
    }

    fn swap(&mut self, place: usize, agent: &str, label: Label) {
        let Some(old) = self.world.machines.get(place).cloned() else { return };
        let at = self.world.now + self.random.between(5 * SECOND, MINUTE);
        let leavers = self.leavers(place);
        let cloud = self.profile.cloud;
        let new = new_machine(cloud, self.machines_made, &mut self.random, agent);
        self.machines_made += 1;
        self.renamed(&old.name, &new.name);
        self.registers(at, &new, label);
        if let Some(machine) = self.world.machines.get_mut(place) {
            *machine = new;
        }
        self.fresh.insert(place, at + MINUTE);
        let by = self.who_drains();
        let target = Target::global(&NODES, &old.name);
        self.step(at + 2 * MINUTE, &by, "patch", target.clone(), label);
        for (later, leaver) in leavers.into_iter().enumerate() {
            let at = at + 3 * MINUTE + later as Moment * 4 * SECOND;
            self.leaves(at, place, (&old, &by), leaver, label);
        }
        let cloud = self.controller("cloud-node-lifecycle-controller");
        self.step(at + 20 * MINUTE, &cloud, "delete", target, label);
    }

    fn leavers(&self, machine: usize) -> Vec<Leaver> {
        let mut found = Vec::new();
        for (work, of) in self.world.works.iter().enumerate() {
            let free = !self.turned.contains_key(&work);
            for (place, pod) in of.pods.iter().enumerate() {
                if pod.machine == machine && free {
                    found.push((work, place, Arc::clone(&pod.name)));
                }
            }
        }
        found
    }

    /// Whoever asked about the old node asks about the new one.
    fn renamed(&mut self, old: &Text, new: &Text) {
        for line in self.routines.iter_mut().flat_map(|routine| &mut routine.lines) {
            if line.target.name == *old {
                line.target.name = Arc::clone(new);
            }
        }
    }

    fn registers(&mut self, at: Moment, new: &Machine, label: Label) {
        let request: Text = format!("csr-{}", self.random.suffix(5)).into();
        let target = Target::global(&SIGNING_REQUESTS, &request);
        self.step(at, &new.kubelet, "create", target, label);
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label;
        cascade.certificate_signed(at + SECOND, &request);
        let deeds = cascade.deeds;
        self.extend(deeds);
        let node = Target::global(&NODES, &new.name);
        self.step(at + 3 * SECOND, &new.kubelet, "create", node, label);
        let lease = Target::object(&LEASES, &"kube-node-lease".into(), &new.name);
        self.step(at + 4 * SECOND, &new.kubelet, "create", lease, label);
    }

    /// The program that adds and removes nodes, or whoever upgrades them.
    fn who_drains(&self) -> Arc<Actor> {
        let scaler =
            |archetype| self.world.accounts.iter().find(move |one| one.archetype == archetype);
        let found = scaler(Archetype::Autoscaler).or_else(|| scaler(Archetype::Provider));
        let admin = || self.world.people.iter().find(|one| one.admin).map(|one| &one.actor);
        found.map(|one| &one.actor).or_else(admin).map(Arc::clone).unwrap_or_default()
    }

    fn controller(&mut self, name: &str) -> Arc<Actor> {
        Cascade::new(&self.world, &mut self.random).component(name)
    }

    /// A pod leaves a node, and another takes its place somewhere.
    fn leaves(
        &mut self,
        at: Moment,
        machine: usize,
        (old, by): (&Machine, &Arc<Actor>),
        (work, place, name): Leaver,
        label: Label,
    ) {
        let Some(made) = self.made(work) else { return };
        let daemon = made.kind == "DaemonSet";
        let by = if daemon { self.controller("pod-garbage-collector") } else { Arc::clone(by) };
        let target = Target::object(&PODS, &made.space, &name);
        if daemon {
            self.step(at + 18 * MINUTE, &by, "delete", target, label);
        } else {
            self.step(at, &by, "create", target.part("eviction"), label);
        }
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label;
        let new = if daemon {
            cascade.daemon_on(at, &made, machine)
        } else {
            cascade.pod_gone_from(at, &made.space, &name, &old.kubelet);
            cascade.scaled_up(at + SECOND, &made, 1).into_iter().next()
        };
        let deeds = cascade.deeds;
        self.extend(deeds);
        let Some(new) = new else { return };
        self.born(work, std::slice::from_ref(&new));
        let pod = self.world.works.get_mut(work).and_then(|of| of.pods.get_mut(place));
        if let Some(pod) = pod {
            *pod = member(&new);
        }
        let until = self.turned.entry(work).or_default();
        *until = new.ready.max(*until);
    }

    /// A part of what happens to a machine; of the cluster's own doing if it belongs to a story.
    fn step(
        &mut self,
        at: Moment,
        actor: &Arc<Actor>,
        verb: &'static str,
        target: Target,
        label: Label,
    ) {
        let mut act = Act::new(at, actor, verb, target);
        super::finish(&mut act, &mut self.random);
        let label = Label { cascade: label.story > 0, ..label };
        self.push(Deed::once(act).labelled(label));
    }
}
