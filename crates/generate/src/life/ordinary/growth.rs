//! Oddities that make a cluster larger: a program nobody knew, and a test of how much load it bears.

use super::{
    Life,
    change::member,
    found::{Routine, Who, lines, pod_actor},
    habits, names,
};
use crate::{
    act::{Actor, Target, Text},
    calendar::{HOUR, MINUTE, Moment, SECOND},
    life::{Account, Archetype, Label, Space, SpaceKind, Work, cascade::Cascade},
    resource::{
        CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, CONFIG_MAPS, DEFINITIONS, DEPLOYMENTS, NAMESPACES,
        Resource, SECRETS, SERVICE_ACCOUNTS, SERVICES, VALIDATING_WEBHOOKS,
    },
};
use std::sync::Arc;

impl Life {
    /// An administrator installs an operator: definitions, rights, a webhook, and then it works.
    pub(super) fn new_program(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let Some(admin) = self.admin() else { return (2, Vec::new()) };
        let name: Text = format!("{}-operator", names::word(&mut self.random)).into();
        let space: Text = format!("{}-system", names::word(&mut self.random)).into();
        self.told(label, (at, 1), &admin, "create", Target::global(&NAMESPACES, &space), 201);
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label;
        cascade.namespace_created(at + 20_000, &space);
        let deeds = cascade.deeds;
        self.extend(deeds);
        self.world.spaces.push(Space {
            name: Arc::clone(&space),
            kind: SpaceKind::Platform,
            secrets: vec![format!("{name}-webhook").into()],
            config_maps: vec![Arc::clone(&name)],
            ..Space::default()
        });
        self.installed(at, (&admin, &space, &name), label);
        self.starts_work(at + MINUTE, &name, label);
        (24, vec![Arc::clone(&admin.name)])
    }

    fn installed(
        &mut self,
        at: Moment,
        (admin, space, name): (&Arc<Actor>, &Text, &Text),
        label: Label,
    ) {
        let mut at = at + 5 * SECOND;
        for place in 0..self.random.between(2, 7) {
            let kind: Text = format!("kind{place}s.{name}.example.io").into();
            at += SECOND;
            self.told(label, (at, 1), admin, "create", Target::global(&DEFINITIONS, &kind), 201);
        }
        for what in [&CLUSTER_ROLES, &CLUSTER_ROLE_BINDINGS, &VALIDATING_WEBHOOKS] {
            at += SECOND;
            self.told(label, (at, 1), admin, "create", Target::global(what, name), 201);
        }
        let own: [&'static Resource; 5] =
            [&SERVICE_ACCOUNTS, &CONFIG_MAPS, &SECRETS, &SERVICES, &DEPLOYMENTS];
        for what in own {
            at += SECOND;
            self.told(label, (at, 1), admin, "create", Target::object(what, space, name), 201);
        }
    }

    fn starts_work(&mut self, at: Moment, name: &Text, label: Label) {
        let space = self.world.spaces.len() - 1;
        self.world.works.push(Work {
            space,
            name: Arc::clone(name),
            kind: "Deployment",
            account: Arc::clone(name),
            image: format!("registry.example/{name}").into(),
            pods: Vec::new(),
        });
        let work = self.world.works.len() - 1;
        let Some(made) = self.made(work) else { return };
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label;
        let pods = cascade.deployed(at, &made);
        let deeds = cascade.deeds;
        self.extend(deeds);
        let Some(pod) = pods.first() else { return };
        let agent = format!("{name}/v{}", names::version(&mut self.random));
        let ids = [self.random.id(), pod.uid, pod.token];
        let names = (&*made.space, &**name);
        let actor = pod_actor(&self.world, names, &member(pod), &agent, ids);
        if let Some(of) = self.world.works.get_mut(work) {
            of.pods = pods.iter().map(member).collect();
        }
        self.world.accounts.push(Account {
            actor: Arc::clone(&actor),
            space: Some(space),
            work: Some(work),
            archetype: Archetype::Operator,
            reads_secrets: true,
            deploys: true,
            ..Account::default()
        });
        self.mouths.push(vec![actor]);
        let who = Who::Account(self.world.accounts.len() - 1, false);
        let own = habits::of_program(Archetype::Operator);
        let lines = lines(&self.world, who, own, &mut self.random);
        // It works from the next hour on.
        self.coming.push(Routine { who, lines });
    }

    /// Somebody lets an application grow manyfold for some hours.
    pub(super) fn load_test(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let works: Vec<usize> = (0..self.world.works.len())
            .filter(|work| {
                let of = self.world.works.get(*work);
                of.is_some_and(|of| of.kind == "Deployment" && !of.pods.is_empty())
                    && !self.turned.contains_key(work)
            })
            .collect();
        let Some(work) = self.random.pick(&works).copied() else { return (1, Vec::new()) };
        let (Some(made), Some(admin)) = (self.made(work), self.admin()) else {
            return (1, Vec::new());
        };
        let own = Target::object(&DEPLOYMENTS, &made.space, &made.name).part("scale");
        self.told(label, (at, 1), &admin, "patch", own.clone(), 200);
        let count = 5 + self.random.below(25);
        let hours = self.random.between(1, 4);
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label;
        let pods = cascade.scaled_up(at + SECOND, &made, count);
        let end = at + hours * HOUR;
        let controller = cascade.component("replicaset-controller");
        let machines = &self.world.machines;
        for pod in &pods {
            let Some(machine) = machines.get(pod.machine) else { continue };
            cascade.pod_gone_from(end + 2 * SECOND, &made.space, &pod.name, &machine.kubelet);
        }
        let deeds = cascade.deeds;
        self.extend(deeds);
        self.told(label, (end, 1), &admin, "patch", own, 200);
        let label = Label { cascade: true, ..label };
        for pod in &pods {
            let target = Target::object(&crate::resource::PODS, &made.space, &pod.name);
            self.told(label, (end + SECOND, 1), &controller, "delete", target, 200);
        }
        (hours, vec![Arc::clone(&admin.name)])
    }
}
