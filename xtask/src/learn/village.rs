//! A village: few identities, the same every day, so that the harness can be tried and tested in
//! seconds. Nothing is measured here that is told of a detector.

use super::source::Source;
use std::collections::VecDeque;
use std::sync::Arc;
use trailhound_generate::life::{
    Account, Archetype, Deed, Machine, Member, Person, Space, SpaceKind, Story, Work, World,
};
use trailhound_generate::resources::{CONFIG_MAPS, DEPLOYMENTS, LEASES, NODES, PODS, SECRETS};
use trailhound_generate::{
    Act, Actor, Bound, Credential, HOUR, Id, MINUTE, Moment, Profile, Target, Text,
};

/// A cluster that is the same every day.
pub(crate) struct Village {
    world: World,
    end: Moment,
    now: Moment,
    lots: u64,
    queue: VecDeque<Deed>,
}

impl Village {
    /// Its log.
    pub(crate) fn profile() -> Profile {
        Profile { name: "village", ..Profile::small() }
    }

    /// The village of a seed.
    pub(crate) fn new(profile: &Profile, seed: u64) -> Village {
        Village {
            world: World { now: profile.start, ..world() },
            end: profile.start + profile.length,
            now: profile.start,
            lots: seed,
            queue: VecDeque::new(),
        }
    }

    fn lot(&mut self, limit: u64) -> u64 {
        self.lots = self.lots.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        (self.lots >> 33) % limit.max(1)
    }

    /// All that is done in an hour.
    fn live(&mut self) {
        self.world.now = self.now;
        let mut deeds = Vec::new();
        for kubelet in self.world.machines.iter().map(|one| &one.kubelet) {
            let name: Text = kubelet.name.rsplit(':').next().unwrap_or_default().into();
            let lease = Target::object(&LEASES, &"kube-node-lease".into(), &name);
            deeds.push((Arc::clone(kubelet), "update", lease, 360));
            let status = Target::global(&NODES, &name).part("status");
            deeds.push((Arc::clone(kubelet), "patch", status, 12));
        }
        for account in &self.world.accounts {
            let space = self.world.spaces.get(account.space.unwrap_or(1));
            let Some(space) = space else { continue };
            let actor = &account.actor;
            let listed = Target::object(&PODS, &space.name, &"".into());
            deeds.push((Arc::clone(actor), "list", listed, 20));
            let config = Target::object(&CONFIG_MAPS, &space.name, &first(&space.config_maps));
            deeds.push((Arc::clone(actor), "get", config, 4));
            if account.reads_secrets {
                let secret = Target::object(&SECRETS, &space.name, &first(&space.secrets));
                deeds.push((Arc::clone(actor), "get", secret, 2));
            }
        }
        self.work(&mut deeds);
        for (actor, verb, target, count) in deeds {
            let received = self.now + self.lot(50 * MINUTE as u64) as Moment;
            let mut act = Act::new(received, &actor, verb, target);
            act.completed = received + 2_000;
            act.id = Id::from_words(self.lot(u64::MAX), self.lot(u64::MAX) << 20);
            self.queue.push_back(Deed::often(act, count));
        }
        self.queue.make_contiguous().sort_by_key(|deed| deed.act.received);
    }

    /// People work from 9 to 17.
    fn work(&mut self, deeds: &mut Vec<(Arc<Actor>, &'static str, Target, u32)>) {
        if !(9..17).contains(&(self.now / HOUR % 24)) {
            return;
        }
        for place in 0..self.world.people.len() {
            let lot = self.lot(8);
            let Some(person) = self.world.people.get(place) else { continue };
            let own = |space: &&Space| space.kind == SpaceKind::Team && space.team == person.team;
            let Some(space) = self.world.spaces.iter().find(own) else { continue };
            let (verb, resource, count) = match lot {
                0..=3 => ("list", &PODS, 3),
                4 => ("get", &DEPLOYMENTS, 1),
                5 if person.writes => ("patch", &DEPLOYMENTS, 1),
                _ => continue,
            };
            let name = if verb == "list" { "".into() } else { Text::from("web") };
            let target = Target::object(resource, &space.name, &name);
            deeds.push((Arc::clone(&person.actor), verb, target, count));
        }
    }
}

impl Iterator for Village {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        while self.queue.is_empty() && self.now < self.end {
            self.live();
            self.now += HOUR;
        }
        self.queue.pop_front()
    }
}

impl Source for Village {
    fn world(&self) -> &World {
        &self.world
    }

    fn stories(&self) -> Vec<Story> {
        Vec::new()
    }
}

fn first(all: &[Text]) -> Text {
    all.first().cloned().unwrap_or_else(|| "".into())
}

fn actor(name: &str, address: &str, agent: &str) -> Arc<Actor> {
    Arc::new(Actor {
        name: name.into(),
        groups: vec!["system:authenticated".into()],
        credential: Credential::Certificate([1, 2, 3, 4]),
        address: address.into(),
        agent: agent.into(),
        reason: "RBAC: allowed by ClusterRoleBinding \"x\" of ClusterRole \"x\" to User \"x\""
            .into(),
        ..Actor::default()
    })
}

fn space(name: &str, kind: SpaceKind, team: u16) -> Space {
    let texts = |all: [&str; 2]| all.map(|one| Text::from(format!("{name}-{one}"))).to_vec();
    Space {
        name: name.into(),
        kind,
        team,
        secrets: texts(["database", "api-key"]),
        config_maps: texts(["config", "features"]),
    }
}

fn work(space: usize, name: &str) -> Work {
    let pods = (0..3).map(|place| Member {
        name: format!("{name}-7d9f4c6b5-x{place}zk8").into(),
        address: format!("10.64.{place}.{}", 20 + space * 10 + name.len()).into(),
        machine: place,
    });
    Work {
        space,
        name: name.into(),
        kind: "Deployment",
        account: name.into(),
        image: format!("registry.example.com/{name}").into(),
        pods: pods.collect(),
    }
}

fn account(world: &World, place: usize) -> Account {
    let Some(work) = world.works.get(place) else { return Account::default() };
    let of = world.spaces.get(work.space).map_or("", |space| &space.name);
    let user = format!("system:serviceaccount:{of}:{}", work.name);
    let mut found = (*actor(&user, "10.64.0.77", &format!("{}/v1.0.0", work.name))).clone();
    found.credential = Credential::Token(Id::from_words(place as u64, 1));
    found.groups =
        ["serviceaccounts", "authenticated"].map(|one| format!("system:{one}").into()).into();
    if let (Some(pod), Some(machine)) = (work.pods.first(), world.machines.first()) {
        found.address = Arc::clone(&pod.address);
        found.bound = Some(Box::new(Bound {
            pod: Arc::clone(&pod.name),
            pod_uid: Id::default(),
            node: Arc::clone(&machine.name),
            node_uid: Id::default(),
        }));
    }
    let archetype = match &*work.name {
        "operator" => Archetype::Operator,
        "gitops" => Archetype::GitOps,
        "metrics" => Archetype::Monitoring,
        _ => Archetype::Application,
    };
    let strong = matches!(archetype, Archetype::GitOps | Archetype::Operator);
    Account {
        actor: Arc::new(found),
        space: Some(work.space),
        work: Some(place),
        archetype,
        admin: archetype == Archetype::GitOps,
        reads_secrets: strong,
        deploys: strong,
    }
}

fn machine(place: usize) -> Machine {
    let address = format!("10.0.0.{}", 20 + place);
    let agent = "kubelet/v1.33.4 (linux/amd64) kubernetes/4ad8a7f";
    let mut kubelet = (*actor(&format!("system:node:node-{place}"), &address, agent)).clone();
    kubelet.groups = ["nodes", "authenticated"].map(|one| format!("system:{one}").into()).into();
    Machine {
        name: format!("node-{place}").into(),
        kubelet: Arc::new(kubelet),
        address: address.into(),
    }
}

fn person(name: &str, host: u8, team: u16, admin: bool) -> Person {
    let kubectl = "kubectl/v1.33.4 (linux/amd64) kubernetes/4ad8a7f";
    let actor = actor(name, &format!("192.0.2.{host}"), kubectl);
    Person { actor, team, admin, writes: admin || team > 1 }
}

fn world() -> World {
    let mut world = World {
        spaces: vec![
            space("kube-system", SpaceKind::System, 0),
            space("platform", SpaceKind::Platform, 0),
            space("shop", SpaceKind::Team, 1),
            space("billing", SpaceKind::Team, 2),
            space("search", SpaceKind::Team, 3),
        ],
        machines: (0..3).map(machine).collect(),
        people: vec![
            person("root@example.com", 10, 1, true),
            person("dev@example.com", 12, 2, false),
            person("trainee@example.com", 13, 3, false),
        ],
        components: vec![
            actor("system:kube-scheduler", "127.0.0.1", "kube-scheduler/v1.33.4"),
            actor(
                "system:kube-controller-manager",
                "127.0.0.1",
                "kube-controller-manager/v1.33.4 (linux/amd64) kubernetes/4ad8a7f/x",
            ),
        ],
        strangers: vec!["203.0.113.9".into(), "198.51.100.7".into()],
        ..World::default()
    };
    let works = [(0, "coredns"), (1, "operator"), (1, "gitops"), (1, "metrics"), (2, "web")];
    let more = [(2, "cart"), (3, "ledger"), (3, "web"), (4, "index"), (4, "crawler")];
    world.works = works.iter().chain(&more).map(|(space, name)| work(*space, name)).collect();
    world.accounts = (0..world.works.len()).map(|place| account(&world, place)).collect();
    world
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_generate::DAY;

    fn deeds(seed: u64) -> Vec<Deed> {
        Village::new(&Profile { length: 2 * DAY, ..Village::profile() }, seed).collect()
    }

    #[test]
    fn the_same_seed_is_the_same_village_and_its_time_runs_forward() {
        let all = deeds(1);
        assert!(all.is_sorted_by_key(|deed| deed.act.received));
        assert!(all.len() > 1_000 && all == deeds(1) && all != deeds(2));
    }
}
