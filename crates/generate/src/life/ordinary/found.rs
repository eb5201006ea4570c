//! How a cluster begins: its machines, namespaces, programs, applications, pipelines and people, each
//! with the names, credentials and addresses that its provider would give.

use super::{
    habits::{self, CONTROLLERS, Habit, KUBELET, Place},
    names,
    people::{self, Ways},
    profile::{Cloud, LifeProfile},
};
use crate::{
    act::{Actor, Bound, Credential, Id, Target, Text},
    cast::account_groups,
    generator::reason,
    life::{Account, Archetype, Machine, Member, Space, SpaceKind, Work, World},
    random::Random,
};
use std::sync::Arc;

/// Who does the requests of a routine.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Component(usize),
    Machine(usize),
    /// One pod of the account's workload, or every one.
    Account(usize, bool),
}

/// A sort of request that comes again and again.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) verb: &'static str,
    pub(super) target: Target,
    /// The node on which the program runs is meant, whichever that is.
    pub(super) own_node: bool,
    /// Thousandths in an hour.
    pub(super) milli: i64,
}

/// What somebody does day and night.
#[derive(Clone, Debug)]
pub(super) struct Routine {
    pub(super) who: Who,
    pub(super) lines: Vec<Line>,
}

/// What a new cluster consists of.
#[derive(Debug, Default)]
pub(super) struct Founded {
    pub(super) world: World,
    pub(super) routines: Vec<Routine>,
    /// Who speaks for each account: one actor for each pod.
    pub(super) mouths: Vec<Vec<Arc<Actor>>>,
    pub(super) ways: Vec<Ways>,
    /// Workloads that are jobs by the clock, with the hours between two runs.
    pub(super) crons: Vec<(usize, i64)>,
    /// Accounts of pipelines.
    pub(super) pipelines: Vec<usize>,
}

/// Makes it.
pub(super) struct Founder<'a> {
    profile: &'a LifeProfile,
    random: &'a mut Random,
    made: Founded,
}

const KUBELET_AGENT: &str = "kubelet/v1.32.6 (linux/amd64) kubernetes/0f4a1d2";
const MANAGER: &str = "kube-controller-manager/v1.32.6 (linux/amd64) kubernetes/0f4a1d2";

/// Founds the cluster of a profile.
pub(super) fn found(profile: &LifeProfile, random: &mut Random) -> Founded {
    let mut founder = Founder { profile, random, made: Founded::default() };
    founder.made.world.now = profile.start;
    for _ in 0..profile.machines {
        founder.machine();
    }
    founder.spaces();
    founder.components();
    for (place, archetype) in profile.programs.iter().enumerate() {
        founder.program(*archetype, place);
    }
    founder.applications();
    founder.pipelines();
    founder.people();
    founder.routines();
    founder.made.world.strangers =
        (0..12).map(|_| outside(founder.random, 0)).map(Text::from).collect();
    founder.made
}

/// An address of the internet.
pub(super) fn outside(random: &mut Random, block: i64) -> String {
    let first = [45, 91, 185, 103, 62, 80].get(random.below(6)).copied().unwrap_or(45);
    format!("{first}.{}.{}.{}", 10 + block, random.below(250), random.between(2, 250))
}

fn certificate(random: &mut Random) -> Credential {
    Credential::Certificate([random.word(), random.word(), random.word(), random.word()])
}

impl Founder<'_> {
    pub(super) fn machine(&mut self) {
        let place = self.made.world.machines.len();
        let machine = new_machine(self.profile.cloud, place, self.random, KUBELET_AGENT);
        self.made.world.machines.push(machine);
    }

    fn space(&mut self, name: String, kind: SpaceKind, team: u16) {
        let count = self.random.between(2, 6);
        let secrets = (0..count).map(|_| {
            format!(
                "{}-{}",
                names::word(self.random),
                ["db", "tls", "token", "key"][self.random.below(4)]
            )
            .into()
        });
        let secrets = secrets.collect();
        let maps = (0..3).map(|_| format!("{}-config", names::word(self.random)).into()).collect();
        let name: Text = name.into();
        self.made.world.spaces.push(Space { name, kind, team, secrets, config_maps: maps });
    }

    fn spaces(&mut self) {
        self.space("kube-system".to_owned(), SpaceKind::System, 0);
        for _ in 0..4 {
            let name = format!("{}-system", names::word(self.random));
            self.space(name, SpaceKind::Platform, 0);
        }
        for team in 0..self.profile.teams {
            let word = names::word(self.random);
            for place in 0..self.profile.spaces {
                let stage = ["prod", "staging", "dev", "test"][place % 4];
                self.space(format!("{word}-{stage}"), SpaceKind::Team, team as u16 + 1);
            }
        }
    }

    fn components(&mut self) {
        let address: Text = match self.profile.cloud {
            Cloud::Eks => "10.0.128.17".into(),
            _ => "172.16.0.10".into(),
        };
        for (name, _) in CONTROLLERS {
            let system = name.starts_with("kube-");
            let user = if system {
                format!("system:{name}")
            } else {
                format!("system:serviceaccount:kube-system:{name}")
            };
            let agent = if system {
                format!("{name}/v1.32.6 (linux/amd64) kubernetes/0f4a1d2/leader-election")
            } else {
                format!("{MANAGER}/{user}")
            };
            let actor = Actor {
                groups: if system {
                    vec!["system:authenticated".into()]
                } else {
                    account_groups("kube-system")
                },
                credential: if system {
                    certificate(self.random)
                } else {
                    Credential::Token(self.random.id())
                },
                address: Arc::clone(&address),
                agent: agent.into(),
                reason: reason(
                    &format!("ClusterRoleBinding \"system:controller:{name}\""),
                    &format!("ClusterRole \"system:controller:{name}\""),
                    &format!("ServiceAccount \"{name}/kube-system\""),
                ),
                name: user.into(),
                ..Actor::default()
            };
            self.made.world.components.push(Arc::new(actor));
        }
    }

    /// A workload with its pods.
    fn work(&mut self, space: usize, name: &Text, kind: &'static str, pods: usize) -> usize {
        let machines = self.made.world.machines.len().max(1);
        let image = format!("registry.{}.example/{name}", names::word(self.random)).into();
        let set = self.random.suffix(9);
        let pods = (0..pods)
            .map(|place| {
                let machine = if kind == "DaemonSet" {
                    place % machines
                } else {
                    self.random.below(machines)
                };
                let name = match kind {
                    "StatefulSet" => format!("{name}-{place}"),
                    "DaemonSet" => format!("{name}-{}", self.random.suffix(5)),
                    _ => format!("{name}-{set}-{}", self.random.suffix(5)),
                };
                let address = format!(
                    "10.{}.{}.{}",
                    64 + machine / 200,
                    machine % 200,
                    self.random.between(3, 250)
                );
                Member { name: name.into(), address: address.into(), machine }
            })
            .collect();
        let account = Arc::clone(name);
        self.made.world.works.push(Work {
            space,
            name: Arc::clone(name),
            kind,
            account,
            image,
            pods,
        });
        self.made.world.works.len() - 1
    }

    fn account(
        &mut self,
        (space, work): (usize, Option<usize>),
        name: &str,
        archetype: Archetype,
        agent: &str,
    ) -> usize {
        let Founded { world, mouths, .. } = &mut self.made;
        let account = Account {
            actor: Arc::default(),
            space: Some(space),
            work,
            archetype,
            admin: archetype == Archetype::GitOps,
            reads_secrets: matches!(
                archetype,
                Archetype::GitOps
                    | Archetype::Operator
                    | Archetype::Certificates
                    | Archetype::Backup
                    | Archetype::Ingress
            ),
            deploys: matches!(
                archetype,
                Archetype::GitOps
                    | Archetype::Operator
                    | Archetype::Scheduler
                    | Archetype::Pipeline
            ),
        };
        let of = world.spaces.get(space).map(|space| Arc::clone(&space.name)).unwrap_or_default();
        let pods = work.and_then(|work| world.works.get(work)).map(|work| work.pods.clone());
        let uid = self.random.id();
        let own = pods
            .unwrap_or_default()
            .iter()
            .map(|pod| {
                let (pod_uid, token) = (self.random.id(), self.random.id());
                pod_actor(world, (&of, name), pod, agent, [uid, pod_uid, token])
            })
            .collect::<Vec<_>>();
        let first = own.first().cloned().unwrap_or_default();
        world.accounts.push(Account { actor: first, ..account });
        mouths.push(own);
        world.accounts.len() - 1
    }

    fn program(&mut self, archetype: Archetype, place: usize) {
        let system = matches!(archetype, Archetype::NodeAgent | Archetype::Provider);
        let space = if system { 0 } else { 1 + place % 4 };
        let role = match archetype {
            Archetype::GitOps => "delivery",
            Archetype::Operator => "operator",
            Archetype::Monitoring => "monitor",
            Archetype::Ingress => "ingress",
            Archetype::NodeAgent => "agent",
            Archetype::Certificates => "certs",
            Archetype::Autoscaler => "autoscaler",
            Archetype::Backup => "backup",
            Archetype::Scheduler => "workflows",
            _ => "cloud-controller",
        };
        let name: Text = format!("{}-{role}", names::word(self.random)).into();
        let (kind, pods) = match archetype {
            Archetype::NodeAgent => ("DaemonSet", self.profile.machines),
            Archetype::Ingress | Archetype::Monitoring => ("Deployment", 2),
            _ => ("Deployment", 1),
        };
        if archetype == Archetype::Provider && self.profile.cloud != Cloud::Own {
            return self.provider(&name);
        }
        let work = self.work(space, &name, kind, pods);
        let agent = match self.random.below(3) {
            0 => "Go-http-client/2.0".to_owned(),
            1 => {
                format!("{name}/v{} (linux/amd64) kubernetes/$Format", names::version(self.random))
            }
            _ => format!("{name}/{}", names::version(self.random)),
        };
        let account = self.account((space, Some(work)), &name, archetype, &agent);
        let each = archetype == Archetype::NodeAgent;
        self.routine(Who::Account(account, each), habits::of_program(archetype));
    }

    /// What a provider runs from outside, under names of its own.
    fn provider(&mut self, name: &str) {
        let user = match self.profile.cloud {
            Cloud::Eks => format!("eks:{name}"),
            Cloud::Aks => "aksService".to_owned(),
            Cloud::Gke => format!("system:{name}"),
            Cloud::Own | Cloud::Edge => format!("system:serviceaccount:kube-system:{name}"),
        };
        let actor = Arc::new(Actor {
            name: user.into(),
            groups: vec!["system:authenticated".into()],
            credential: certificate(self.random),
            address: "10.0.0.4".into(),
            agent: format!("{name}/v{}", names::version(self.random)).into(),
            reason: reason("ClusterRoleBinding \"provider\"", "ClusterRole \"provider\"", "User"),
            ..Actor::default()
        });
        let account = Account {
            actor: Arc::clone(&actor),
            archetype: Archetype::Provider,
            ..Account::default()
        };
        self.made.world.accounts.push(account);
        self.made.mouths.push(vec![actor]);
        let account = self.made.world.accounts.len() - 1;
        self.routine(Who::Account(account, false), habits::of_program(Archetype::Provider));
    }

    fn applications(&mut self) {
        for space in 0..self.made.world.spaces.len() {
            if self.made.world.spaces[space].kind == SpaceKind::Team {
                self.team_space(space);
            }
        }
    }

    fn team_space(&mut self, space: usize) {
        for _ in 0..self.profile.apps {
            let name: Text = names::app(self.random).into();
            let kind = if self.random.chance(180) { "StatefulSet" } else { "Deployment" };
            let pods = 1 + self.random.below(3);
            let work = self.work(space, &name, kind, pods);
            let own = habits::of_app(self.random.below(1000));
            let agent = ["Go-http-client/2.0", "python-requests/2.32.3", "okhttp/4.12.0"]
                [self.random.below(3)];
            let account = self.account((space, Some(work)), &name, Archetype::Application, agent);
            self.routine(Who::Account(account, false), own);
        }
        for _ in 0..self.profile.crons {
            let name: Text = format!("{}-nightly", names::word(self.random)).into();
            let work = self.work(space, &name, "CronJob", 0);
            let every = [1, 4, 24, 24][self.random.below(4)];
            self.made.crons.push((work, every));
        }
    }

    fn pipelines(&mut self) {
        for place in 0..self.profile.pipelines {
            let name = format!("deploy-{}", names::word(self.random));
            let user = match self.profile.cloud {
                Cloud::Eks => {
                    format!("arn:aws:sts::111122223333:assumed-role/{name}/runner-{place}")
                }
                Cloud::Gke => format!("{name}@shared-project.iam.gserviceaccount.com"),
                _ => format!("system:serviceaccount:{}:{name}", self.made.world.spaces[1].name),
            };
            let inside = user.starts_with("system:");
            let address = if inside { "10.64.0.77".to_owned() } else { outside(self.random, 40) };
            let actor = Arc::new(Actor {
                groups: if inside {
                    account_groups(&self.made.world.spaces[1].name)
                } else {
                    vec!["deployers".into(), "system:authenticated".into()]
                },
                credential: Credential::Token(self.random.id()),
                address: address.into(),
                agent: ["Helm/3.17.3", "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146"]
                    [self.random.below(2)]
                .into(),
                reason: reason(
                    "ClusterRoleBinding \"deployers\"",
                    "ClusterRole \"deployer\"",
                    &format!("User \"{user}\""),
                ),
                name: user.into(),
                ..Actor::default()
            });
            self.made.pipelines.push(self.made.world.accounts.len());
            self.made.world.accounts.push(Account {
                actor: Arc::clone(&actor),
                space: inside.then_some(1),
                work: None,
                archetype: Archetype::Pipeline,
                admin: place == 0,
                reads_secrets: true,
                deploys: true,
            });
            self.made.mouths.push(vec![actor]);
        }
    }

    fn people(&mut self) {
        let teams: Vec<u16> = (0..=self.profile.teams as u16).collect();
        for team in teams {
            let count =
                if team == 0 { 2.max(self.profile.people / 2) } else { self.profile.people };
            for _ in 0..count {
                self.person(team);
            }
        }
    }

    pub(super) fn person(&mut self, team: u16) {
        let (person, ways) = people::person(self.profile, &self.made.world, team, self.random);
        self.made.world.people.push(person);
        self.made.ways.push(ways);
    }

    fn routines(&mut self) {
        for (place, (_, own)) in CONTROLLERS.iter().enumerate() {
            self.routine(Who::Component(place), own);
        }
        for place in 0..self.made.world.machines.len() {
            self.routine(Who::Machine(place), KUBELET);
        }
    }

    fn routine(&mut self, who: Who, own: &[Habit]) {
        let lines = lines(&self.made.world, who, own, self.random);
        if !lines.is_empty() {
            self.made.routines.push(Routine { who, lines });
        }
    }
}

/// A node, and its kubelet.
pub(super) fn new_machine(cloud: Cloud, place: usize, random: &mut Random, agent: &str) -> Machine {
    let (high, low) = (place / 200, 10 + place % 200);
    let name = match cloud {
        Cloud::Eks => format!("ip-10-0-{high}-{low}.us-west-2.compute.internal"),
        Cloud::Aks => format!("aks-nodepool1-{:08}-vmss{:06}", 31_415_926, place),
        Cloud::Gke => format!("gke-main-default-pool-{:08x}-{}", 0x5b1c_9e2d, random.suffix(4)),
        Cloud::Own => format!("worker-{:02}", place + 1),
        Cloud::Edge => format!("edge{}", place + 1),
    };
    let address: Text = format!("10.0.{high}.{low}").into();
    let kubelet = Arc::new(Actor {
        name: format!("system:node:{name}").into(),
        groups: vec!["system:nodes".into(), "system:authenticated".into()],
        credential: certificate(random),
        address: Arc::clone(&address),
        agent: agent.into(),
        ..Actor::default()
    });
    Machine { name: name.into(), address, kubelet }
}

/// The uid of a node: another name is another node.
fn node_uid(name: &str) -> Id {
    Id::from_words(super::name_seed(name), super::name_seed(name).rotate_left(29))
}

/// An account as one of its pods uses it: with the uids of the account and of the pod, and the id of
/// the token that its kubelet got.
pub(super) fn pod_actor(
    world: &World,
    (space, account): (&str, &str),
    pod: &Member,
    agent: &str,
    [uid, pod_uid, token]: [Id; 3],
) -> Arc<Actor> {
    let node = world.machines.get(pod.machine);
    let name = format!("system:serviceaccount:{space}:{account}");
    Arc::new(Actor {
        name: name.into(),
        uid: Some(uid),
        groups: account_groups(space),
        credential: Credential::Token(token),
        bound: Some(Box::new(Bound {
            pod: Arc::clone(&pod.name),
            pod_uid,
            node: node.map(|node| Arc::clone(&node.name)).unwrap_or_default(),
            node_uid: node.map_or_else(Id::default, |node| node_uid(&node.name)),
        })),
        address: Arc::clone(&pod.address),
        agent: agent.into(),
        reason: reason(
            &format!("ClusterRoleBinding \"{account}\""),
            &format!("ClusterRole \"{account}\""),
            &format!("ServiceAccount \"{account}/{space}\""),
        ),
        ..Actor::default()
    })
}

/// The lines that habits come to here.
pub(super) fn lines(world: &World, who: Who, own: &[Habit], random: &mut Random) -> Vec<Line> {
    let none: Text = "".into();
    let kube: Text = "kube-system".into();
    let (space, name, machine): (Text, Text, usize) = match who {
        Who::Component(place) => {
            let user = world.components.get(place).map(|one| Arc::clone(&one.name));
            let user = user.unwrap_or_default();
            (
                kube,
                user.rsplit(':').next().unwrap_or_default().into(),
                random.below(world.machines.len()),
            )
        }
        Who::Machine(place) => {
            let own = world.machines.get(place).map(|one| Arc::clone(&one.name));
            ("kube-node-lease".into(), own.unwrap_or_default(), place)
        }
        Who::Account(place, _) => {
            let account = world.accounts.get(place);
            let work = account.and_then(|one| one.work).and_then(|work| world.works.get(work));
            let space = account.and_then(|one| one.space).and_then(|at| world.spaces.get(at));
            let machine = work.and_then(|work| work.pods.first()).map_or(0, |pod| pod.machine);
            (
                space.map_or(kube, |space| Arc::clone(&space.name)),
                work.map_or_else(|| "provider".into(), |work| Arc::clone(&work.name)),
                machine,
            )
        }
    };
    let host = world.machines.get(machine).map(|one| Arc::clone(&one.name)).unwrap_or_default();
    let teams: Vec<&Space> =
        world.spaces.iter().filter(|space| space.kind == SpaceKind::Team).collect();
    let mut found = Vec::new();
    for habit in own {
        let mut add = |target: Target| {
            let target = target.part(habit.part);
            let own_node = habit.place == Place::Node && matches!(who, Who::Account(..));
            found.push(Line { verb: habit.verb, target, own_node, milli: habit.milli });
        };
        match habit.place {
            Place::All => add(Target::global(habit.resource, &none)),
            Place::Own => add(Target::object(habit.resource, &space, &none)),
            Place::Named => add(Target::object(habit.resource, &space, &name)),
            Place::Node if habit.resource.plural == "leases" => {
                add(Target::object(habit.resource, &space, &name));
            }
            Place::Node => add(Target::global(habit.resource, &host)),
            Place::Path(path) => add(Target::path(path)),
            Place::Teams(share) => {
                for team in teams.iter().filter(|_| random.chance(share)) {
                    add(Target::object(habit.resource, &team.name, &none));
                }
            }
            Place::TeamSecrets(share) => {
                for team in teams.iter().filter(|_| random.chance(share)) {
                    let secret = team.secrets.first().map(Arc::clone).unwrap_or_default();
                    add(Target::object(habit.resource, &team.name, &secret));
                }
            }
        }
    }
    // A request for one object needs its name; what keeps all of a namespace in order has one too.
    for line in &mut found {
        let single = matches!(line.verb, "get" | "update" | "patch");
        if single && line.target.name.is_empty() && line.target.path.is_empty() {
            line.target.name = Arc::clone(&name);
        }
    }
    found
}
