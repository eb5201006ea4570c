//! What is unusual and no attack: the things that make bad detectors cry wolf. Each is a story with a
//! label of its own, so that false alarms can be counted by what caused them.

use super::{
    Life, finish,
    found::{Line, Who, outside},
    names,
    profile::{Cloud, LifeProfile},
};
use crate::{
    act::{Act, Actor, Credential, Target, Text},
    calendar::{DAY, HOUR, MINUTE, Moment, SECOND},
    generator::renewed,
    life::{
        Account, Archetype, Deed, Kind, Label, Space, SpaceKind, Story, Work, cascade::Cascade,
    },
    random::Random,
    resource::{
        CONFIG_MAPS, CORE_EVENTS, CUSTOMS, DEFINITIONS, DEPLOYMENTS, NAMESPACES, NODES, PODS,
        QUOTAS, ROLE_BINDINGS, SECRETS, SERVICE_ACCOUNTS,
    },
};
use std::{collections::BTreeMap, sync::Arc};

/// What may happen, with how common it is.
const SORTS: [(&str, usize); 17] = [
    ("program-upgrade", 22),
    ("kubernetes-upgrade", 5),
    ("new-team", 7),
    ("night-on-call", 14),
    ("crash-loop", 12),
    ("expired-certificate", 6),
    ("broken-rights", 8),
    ("new-laptop", 10),
    ("other-network", 5),
    ("log-gap", 5),
    ("secret-rotation", 8),
    ("restore-drill", 4),
    ("holiday", 4),
    ("new-colleague", 8),
    ("new-program", 6),
    ("load-test", 5),
    ("lossy-log", 4),
];

/// When what happens.
#[derive(Clone, Debug, Default)]
pub(super) struct Oddities {
    due: BTreeMap<(Moment, usize), &'static str>,
}

impl Oddities {
    pub(super) fn new(profile: &LifeProfile, random: &mut Random) -> Oddities {
        let mut due = BTreeMap::new();
        let count = profile.oddities * usize::try_from(profile.days).unwrap_or(0) / 28;
        for place in 0..count {
            // The first day is quiet, or nothing could ever be learned.
            let hours = random.between(26, (profile.days * 24).max(27));
            due.insert((profile.start + hours * HOUR, place), sort(random));
        }
        Oddities { due }
    }

    fn take(&mut self, until: Moment) -> Vec<&'static str> {
        let rest = self.due.split_off(&(until, 0));
        std::mem::replace(&mut self.due, rest).into_values().collect()
    }
}

fn sort(random: &mut Random) -> &'static str {
    let mut left = random.below(SORTS.iter().map(|(_, weight)| weight).sum());
    for (name, weight) in SORTS {
        if left < weight {
            return name;
        }
        left -= weight;
    }
    SORTS[0].0
}

impl Life {
    pub(super) fn odd(&mut self) {
        for what in self.oddities.take(self.world.now + HOUR) {
            let number = self.stories.len() as u32 + 1;
            let label = Label { story: number, ..Label::default() };
            let at = self.world.now + self.random.between(0, 20 * MINUTE);
            let (hours, actors) = self.happen(what, at, label);
            self.stories.push(Story {
                number,
                kind: Kind::Oddity { what },
                from: at,
                to: at + hours * HOUR,
                actors,
                requests: 0,
                tells: Vec::new(),
            });
        }
    }

    /// How many hours it takes, and who acts in it.
    fn happen(&mut self, what: &str, at: Moment, label: Label) -> (i64, Vec<Text>) {
        match what {
            "program-upgrade" => self.program_upgrade(at, label),
            "kubernetes-upgrade" => self.kubernetes_upgrade(at, label),
            "new-team" => self.new_team(at, label),
            "night-on-call" => self.night_on_call(at, label),
            "crash-loop" => self.crash_loop(at, label),
            "expired-certificate" => self.refused(at, label, 401),
            "broken-rights" => self.refused(at, label, 403),
            "new-laptop" => self.new_laptop(),
            "other-network" => self.other_network(),
            "log-gap" => {
                let hours = self.random.between(2, 8);
                self.gap = self.world.now + hours * HOUR;
                (hours, Vec::new())
            }
            "secret-rotation" => self.secret_rotation(at, label),
            "restore-drill" => self.restore_drill(at, label),
            "holiday" => {
                let days = self.random.between(1, 4);
                self.holiday = self.world.now + days * DAY;
                (days * 24, Vec::new())
            }
            "new-program" => self.new_program(at, label),
            "load-test" => self.load_test(at, label),
            "lossy-log" => {
                let hours = self.random.between(6, 30);
                self.lossy = self.world.now + hours * HOUR;
                (hours, Vec::new())
            }
            _ => self.new_colleague(),
        }
    }

    pub(super) fn told(
        &mut self,
        label: Label,
        (at, count): (Moment, u32),
        actor: &Arc<Actor>,
        verb: &'static str,
        target: Target,
        code: u16,
    ) {
        let mut act = Act::new(at, actor, verb, target).code(code);
        finish(&mut act, &mut self.random);
        self.push(Deed::often(act, count).labelled(label));
    }

    pub(super) fn admin(&mut self) -> Option<Arc<Actor>> {
        let admins: Vec<Arc<Actor>> = (self.world.people.iter())
            .filter(|one| one.admin)
            .map(|one| Arc::clone(&one.actor))
            .collect();
        self.random.pick(&admins).cloned()
    }

    fn program(&mut self) -> Option<usize> {
        let all: Vec<usize> = (self.world.accounts.iter().enumerate())
            .filter(|(_, one)| {
                one.work.is_some()
                    && !matches!(one.archetype, Archetype::Application | Archetype::Pipeline)
            })
            .map(|(place, _)| place)
            .collect();
        self.random.pick(&all).copied()
    }

    /// A new version of a program: another agent, new pods, and from now on it asks for more.
    fn program_upgrade(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let Some(account) = self.program() else { return (1, Vec::new()) };
        let Some(one) = self.world.accounts.get_mut(account) else { return (1, Vec::new()) };
        let agent = match one.actor.agent.split_once('/') {
            Some((stem, rest)) => {
                let tail = rest.split_once(' ').map_or("", |(_, tail)| tail);
                format!("{stem}/v{} {tail}", names::version(&mut self.random)).trim_end().to_owned()
            }
            None => one.actor.agent.to_string(),
        };
        let mut actor = (*one.actor).clone();
        actor.agent = agent.into();
        let name = Arc::clone(&actor.name);
        one.actor = Arc::new(actor);
        let work = one.work;
        if let Some(work) = work {
            self.roll(work, at, Some(label));
        }
        let none: Text = "".into();
        let more = [
            ("watch", Target::global(&CUSTOMS, &none)),
            ("list", Target::global(&QUOTAS, &none)),
            ("watch", Target::global(&CONFIG_MAPS, &none)),
            ("get", Target::global(&DEFINITIONS, &"things.example.io".into())),
        ];
        for routine in &mut self.routines {
            if !matches!(routine.who, Who::Account(place, _) if place == account) {
                continue;
            }
            for (verb, target) in &more {
                if self.random.chance(550) {
                    let milli = self.random.between(500, 8_000);
                    let target = target.clone();
                    routine.lines.push(Line { verb, target, own_node: false, milli });
                }
            }
        }
        (24, vec![name])
    }

    /// Every kubelet and controller is new, one node after the other.
    fn kubernetes_upgrade(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let minor = 33 + self.stories.len() % 3;
        let agent = format!("kubelet/v1.{minor}.1 (linux/amd64) kubernetes/5adc0e7");
        let own = matches!(self.profile.cloud, Cloud::Own | Cloud::Edge);
        for component in &mut self.world.components {
            let mut actor = (**component).clone();
            actor.agent = actor.agent.replace("v1.32.6", &format!("v1.{minor}.1")).into();
            *component = Arc::new(actor);
        }
        if !own {
            // A provider brings new machines; the old ones go.
            let agent: Text = agent.into();
            let all = 0..self.world.machines.len();
            self.swaps.extend(all.map(|place| (place, Arc::clone(&agent), label)));
            return (10, Vec::new());
        }
        for machine in &mut self.world.machines {
            machine.kubelet =
                renewed(&machine.kubelet, |actor| actor.agent = agent.as_str().into());
        }
        let nodes: Vec<Text> =
            self.world.machines.iter().map(|one| Arc::clone(&one.name)).collect();
        let Some(admin) = self.admin() else { return (6, Vec::new()) };
        for (place, node) in nodes.iter().enumerate() {
            let at = at + place as Moment * 6 * MINUTE;
            self.told(label, (at, 1), &admin, "patch", Target::global(&NODES, node), 200);
        }
        for work in 0..self.world.works.len() {
            if self.random.chance(500) {
                let at = at + self.random.between(0, 40 * MINUTE);
                self.roll(work, at, Some(label));
            }
        }
        (6, vec![Arc::clone(&admin.name)])
    }

    /// A team is taken on: a namespace with people, rights, accounts and applications.
    fn new_team(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let Some(admin) = self.admin() else { return (2, Vec::new()) };
        let team = self.world.spaces.iter().map(|space| space.team).max().unwrap_or(0) + 1;
        let name: Text = format!("{}-prod", names::word(&mut self.random)).into();
        self.told(label, (at, 1), &admin, "create", Target::global(&NAMESPACES, &name), 201);
        for (place, role) in ["developers", "readers", "deployers"].into_iter().enumerate() {
            let at = at + (5 + place as Moment * 4) * SECOND;
            let target = Target::object(&ROLE_BINDINGS, &name, &role.into());
            self.told(label, (at, 1), &admin, "create", target, 201);
        }
        let mut cascade = Cascade::new(&self.world, &mut self.random);
        cascade.label = label;
        cascade.namespace_created(at + 20_000, &name);
        let deeds = cascade.deeds;
        self.extend(deeds);
        self.world.spaces.push(Space {
            name: Arc::clone(&name),
            kind: SpaceKind::Team,
            team,
            secrets: vec!["db".into(), "tls".into()],
            config_maps: vec!["settings".into()],
        });
        let space = self.world.spaces.len() - 1;
        for place in 0..3 {
            let app: Text = names::app(&mut self.random).into();
            let at = at + (2 + place) * 20 * MINUTE;
            let account = Target::object(&SERVICE_ACCOUNTS, &name, &app);
            self.told(label, (at, 1), &admin, "create", account, 201);
            self.told(
                label,
                (at + SECOND, 1),
                &admin,
                "create",
                Target::object(&DEPLOYMENTS, &name, &app),
                201,
            );
            self.world.works.push(Work {
                space,
                name: Arc::clone(&app),
                kind: "Deployment",
                account: Arc::clone(&app),
                image: format!("registry.example/{app}").into(),
                pods: Vec::new(),
            });
            let work = self.world.works.len() - 1;
            let agent = "Go-http-client/2.0".into();
            self.world.accounts.push(Account {
                actor: Arc::new(Actor { agent, ..Actor::default() }),
                space: Some(space),
                work: Some(work),
                ..Account::default()
            });
            self.mouths.push(Vec::new());
            self.roll(work, at + SECOND, Some(label));
        }
        for _ in 0..self.profile.people.max(2) {
            self.join(team);
        }
        (4, vec![Arc::clone(&admin.name)])
    }

    fn join(&mut self, team: u16) -> Text {
        let (person, ways) =
            super::people::person(&self.profile, &self.world, team, &mut self.random);
        let name = Arc::clone(&person.actor.name);
        self.world.people.push(person);
        self.ways.push(ways);
        name
    }

    fn new_colleague(&mut self) -> (i64, Vec<Text>) {
        let team = 1 + self.random.below(self.profile.teams.max(1)) as u16;
        let name = self.join(team);
        if let Some(leaver) = self.random.pick(&(0..self.ways.len()).collect::<Vec<_>>()).copied()
            && self.random.chance(500)
            && let Some(ways) = self.ways.get_mut(leaver)
        {
            ways.away = Moment::MAX;
        }
        (24, vec![name])
    }

    /// Somebody with all rights is woken up: logs, shells, secrets, restarts where he never was.
    fn night_on_call(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let Some(admin) = self.admin() else { return (2, Vec::new()) };
        let mut home = (*admin).clone();
        home.address = outside(&mut self.random, 60).into();
        let admin = Arc::new(home);
        let works: Vec<usize> = (0..self.world.works.len())
            .filter(|work| self.world.works.get(*work).is_some_and(|of| !of.pods.is_empty()))
            .collect();
        let Some(work) = self.random.pick(&works).copied() else { return (2, Vec::new()) };
        let Some(made) = self.made(work) else { return (2, Vec::new()) };
        let pods = self.world.works.get(work).map(|of| of.pods.clone()).unwrap_or_default();
        let none: Text = "".into();
        let mut at = at;
        for resource in [&PODS, &CORE_EVENTS, &DEPLOYMENTS, &NODES] {
            at += self.random.between(10 * SECOND, MINUTE);
            let target = if resource.plural == "nodes" {
                Target::global(resource, &none)
            } else {
                Target::object(resource, &made.space, &none)
            };
            self.told(label, (at, 3), &admin, "list", target, 200);
        }
        for pod in &pods {
            for (part, code) in [("log", 200), ("exec", 101)] {
                at += self.random.between(20 * SECOND, 2 * MINUTE);
                let target = Target::object(&PODS, &made.space, &pod.name).part(part);
                self.told(label, (at, 1), &admin, "get", target, code);
            }
        }
        let space = self.world.works.get(work).and_then(|of| self.world.spaces.get(of.space));
        if let Some(secret) = space.and_then(|space| space.secrets.first()).cloned() {
            let target = Target::object(&SECRETS, &made.space, &secret);
            self.told(label, (at + MINUTE, 1), &admin, "get", target, 200);
        }
        let target = Target::object(&DEPLOYMENTS, &made.space, &made.name);
        self.told(label, (at + 2 * MINUTE, 1), &admin, "patch", target, 200);
        self.roll(work, at + 2 * MINUTE, Some(label));
        (2, vec![Arc::clone(&admin.name)])
    }

    /// Pods that start and die for hours.
    fn crash_loop(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let works: Vec<usize> = (0..self.world.works.len())
            .filter(|work| self.world.works.get(*work).is_some_and(|of| !of.pods.is_empty()))
            .collect();
        let Some(work) = self.random.pick(&works).copied() else { return (1, Vec::new()) };
        let Some(made) = self.made(work) else { return (1, Vec::new()) };
        let pods = self.world.works.get(work).map(|of| of.pods.clone()).unwrap_or_default();
        let hours = self.random.between(2, 9);
        let label = Label { cascade: true, ..label };
        for pod in pods {
            let Some(machine) = self.world.machines.get(pod.machine) else { continue };
            let kubelet = Arc::clone(&machine.kubelet);
            for hour in 0..hours {
                let at = at + hour * HOUR;
                let status = Target::object(&PODS, &made.space, &pod.name).part("status");
                self.told(label, (at, 24), &kubelet, "patch", status, 200);
                let event = Target::object(&CORE_EVENTS, &made.space, &pod.name);
                self.told(label, (at, 12), &kubelet, "patch", event, 200);
            }
        }
        (hours, Vec::new())
    }

    /// A credential has expired, or a change of rights went wrong: refusals until somebody mends it.
    fn refused(&mut self, at: Moment, label: Label, code: u16) -> (i64, Vec<Text>) {
        let Some(account) = self.program() else { return (1, Vec::new()) };
        let actor = self.mouths.get(account).and_then(|all| all.first()).map(Arc::clone);
        let Some(actor) = actor else { return (1, Vec::new()) };
        let lines: Vec<Line> = (self.routines.iter())
            .filter(|one| matches!(one.who, Who::Account(place, _) if place == account))
            .flat_map(|one| one.lines.clone())
            .collect();
        let hours = self.random.between(1, 6);
        let mut nobody = (*actor).clone();
        if code == 401 {
            // Whoever cannot prove who he is has no name in the log.
            nobody.name = "".into();
            (nobody.uid, nobody.groups, nobody.bound) = (None, Vec::new(), None);
            nobody.credential = Credential::None;
        }
        nobody.reason = "".into();
        let refused = if code == 401 { Arc::new(nobody) } else { Arc::clone(&actor) };
        for hour in 0..hours {
            for line in &lines {
                let count = u32::try_from(line.milli / 1000 * 3).unwrap_or(3).clamp(3, 600);
                let target = line.target.clone();
                self.told(label, (at + hour * HOUR, count), &refused, line.verb, target, code);
            }
        }
        (hours, vec![Arc::clone(&actor.name)])
    }

    /// Somebody has another machine with other programs.
    fn new_laptop(&mut self) -> (i64, Vec<Text>) {
        let person = self.random.below(self.ways.len());
        let agent: Text = "kubectl/v1.34.0 (linux/arm64) kubernetes/c92cb8b".into();
        let address: Text = outside(&mut self.random, 70).into();
        let Some(ways) = self.ways.get_mut(person) else { return (24, Vec::new()) };
        let mut name: Text = "".into();
        for (place, spot) in ways.spots.iter_mut().enumerate() {
            let mut actor = (**spot).clone();
            actor.agent = Arc::clone(&agent);
            if place > 0 {
                actor.address = Arc::clone(&address);
            }
            name = Arc::clone(&actor.name);
            *spot = Arc::new(actor);
        }
        let first = ways.spots.first().cloned();
        if let (Some(one), Some(first)) = (self.world.people.get_mut(person), first) {
            one.actor = first;
        }
        (24, vec![name])
    }

    /// The office reaches the internet by another way: everybody comes from somewhere else.
    fn other_network(&mut self) -> (i64, Vec<Text>) {
        let block = self.random.between(20, 90);
        for (place, ways) in self.ways.iter_mut().enumerate() {
            let Some(spot) = ways.spots.first_mut() else { continue };
            let mut actor = (**spot).clone();
            actor.address = format!("198.51.100.{}", block + place as i64 % 4).into();
            *spot = Arc::new(actor);
            let first = Arc::clone(spot);
            if let Some(one) = self.world.people.get_mut(place) {
                one.actor = first;
            }
        }
        (48, Vec::new())
    }

    /// An automation changes every secret in one go.
    fn secret_rotation(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let wanted = |one: &&Account| one.archetype == Archetype::Certificates;
        let actor = self.world.accounts.iter().find(wanted).map(|one| Arc::clone(&one.actor));
        let Some(actor) = actor.or_else(|| self.admin()) else { return (1, Vec::new()) };
        let spaces: Vec<(Text, Vec<Text>)> = (self.world.spaces.iter())
            .filter(|space| space.kind == SpaceKind::Team)
            .map(|space| (Arc::clone(&space.name), space.secrets.clone()))
            .collect();
        let mut at = at;
        for (space, secrets) in spaces {
            for secret in secrets {
                at += self.random.between(200_000, SECOND);
                for verb in ["get", "update"] {
                    let target = Target::object(&SECRETS, &space, &secret);
                    self.told(label, (at, 1), &actor, verb, target, 200);
                }
            }
        }
        (1, vec![Arc::clone(&actor.name)])
    }

    /// Everything is read, and one namespace made again from the copy.
    fn restore_drill(&mut self, at: Moment, label: Label) -> (i64, Vec<Text>) {
        let keeper = self.world.accounts.iter().find(|one| one.archetype == Archetype::Backup);
        let Some(actor) = keeper.map(|one| Arc::clone(&one.actor)) else { return (2, Vec::new()) };
        self.copy_all(Some(label));
        let name: Text = format!("restore-{}", self.random.between(10, 99)).into();
        self.told(label, (at, 1), &actor, "create", Target::global(&NAMESPACES, &name), 201);
        for (place, resource) in
            [&SECRETS, &CONFIG_MAPS, &SERVICE_ACCOUNTS, &ROLE_BINDINGS, &DEPLOYMENTS]
                .into_iter()
                .enumerate()
        {
            let at = at + (10 + place as Moment * 20) * SECOND;
            let target = Target::object(resource, &name, &"restored".into());
            self.told(label, (at, 6), &actor, "create", target, 201);
        }
        (2, vec![Arc::clone(&actor.name)])
    }
}
