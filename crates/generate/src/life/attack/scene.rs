//! The stage on which an attack is planned: who the attacker is to the API server, what that identity
//! may do, and how time passes for somebody who is loud, careful or patient.
//!
//! A family says only what is done and in which order. That the same plan is written with another
//! program, address and pace for each stealth is decided here, once, so that families stay comparable.

use super::rights::Rights;
use crate::{
    act::{Actor, Bound, Credential, Persona, Text},
    calendar::Moment,
    cast::{account_groups, certificate},
    life::{
        Account, Archetype, Label, Machine, Person, Space, SpaceKind, Stealth, Work, World,
        cascade::{Cascade, NewPod},
    },
    random::Random,
};
use std::{collections::BTreeSet, sync::Arc};

/// From where stolen credentials are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// From where their owner is.
    Own,
    /// From outside the cluster.
    Outside,
    /// From another pod.
    Inside,
}

/// What a victim must be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Anything.
    Admin,
    /// Make workloads.
    Deploys,
    /// Open shells and tunnels into pods.
    Shell,
    /// Read secrets.
    Secrets,
    /// Nothing particular.
    Any,
}

/// Tools that attackers bring.
const TOOLS: [&str; 7] = [
    "curl/8.5.0",
    "python-requests/2.31.0",
    "Go-http-client/2.0",
    "kubectl/v1.24.17 (linux/amd64) kubernetes/22a9682",
    "kubeletctl/v1.11",
    "peirates/v0.0.0 (linux/amd64) kubernetes/$Format",
    "python-urllib3/1.26.18",
];

/// An attack that is being planned.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// What has happened, and because of it.
    pub(crate) cascade: Cascade<'a>,
    /// How it is done.
    pub(crate) stealth: Stealth,
    /// The attacker's clock.
    pub(crate) at: Moment,
    /// Whom the API server sees now.
    pub(crate) actor: Arc<Actor>,
    /// What that identity may do.
    pub(crate) rights: Rights,
    /// Index of the namespace where the victim is at home.
    pub(crate) home: usize,
    /// The victim that must be taken, where a script says so.
    pub(crate) pinned: Option<Text>,
    tool: Text,
    pub(super) human: bool,
    /// Requests of the attacker.
    pub(crate) requests: u32,
    /// Names that acted.
    pub(crate) actors: BTreeSet<Text>,
}

impl<'a> Scene<'a> {
    /// An empty stage.
    pub(crate) fn new(
        world: &'a World,
        random: &'a mut Random,
        stealth: Stealth,
        at: Moment,
        story: u32,
    ) -> Scene<'a> {
        let tool = Text::from(random.pick(&TOOLS).copied().unwrap_or_default());
        let mut cascade = Cascade::new(world, random);
        cascade.label = Label { story, ..Label::default() };
        Scene {
            cascade,
            stealth,
            at,
            actor: Arc::default(),
            rights: Rights::Nobody,
            home: 0,
            pinned: None,
            tool,
            human: false,
            requests: 0,
            actors: BTreeSet::new(),
        }
    }

    pub(crate) fn world(&self) -> &'a World {
        self.cascade.world
    }

    pub(crate) fn noisy(&self) -> bool {
        self.stealth == Stealth::Noisy
    }

    pub(crate) fn mimic(&self) -> bool {
        self.stealth == Stealth::Mimic
    }

    /// As many as the stealth allows.
    pub(crate) fn by_stealth(&self, noisy: usize, tools: usize, mimic: usize) -> usize {
        match self.stealth {
            Stealth::Noisy => noisy,
            Stealth::Tools => tools,
            Stealth::Mimic => mimic,
        }
    }

    // --- who ---

    /// Takes a person or an account that can do what is needed.
    pub(crate) fn take(&mut self, need: Need, place: Place) -> Option<()> {
        let world = self.world();
        let people = world.people.iter().filter(|person| match need {
            Need::Admin => person.admin,
            Need::Deploys | Need::Secrets | Need::Shell => {
                person.admin || (person.writes && self.has_space(person))
            }
            Need::Any => true,
        });
        let accounts = world.accounts.iter().enumerate().filter(|(_, account)| match need {
            Need::Admin | Need::Shell => account.admin,
            Need::Deploys => account.admin || account.deploys,
            Need::Secrets => account.admin || account.reads_secrets,
            Need::Any => true,
        });
        let people: Vec<&Person> = people.filter(|person| self.fits(&person.actor)).collect();
        let accounts: Vec<usize> = accounts
            .filter(|(_, account)| self.fits(&account.actor))
            .map(|(place, _)| place)
            .collect();
        let choice = self.cascade.random.below(people.len() + accounts.len());
        if let Some(person) = people.get(choice) {
            self.be_person(person, place);
            return Some(());
        }
        let account = *accounts.get(choice - people.len())?;
        self.be_account(account, place)
    }

    fn has_space(&self, person: &Person) -> bool {
        let of_team = |space: &Space| space.kind == SpaceKind::Team && space.team == person.team;
        self.world().spaces.iter().any(of_team)
    }

    fn fits(&self, actor: &Actor) -> bool {
        !actor.name.is_empty() && self.pinned.as_ref().is_none_or(|name| *name == actor.name)
    }

    /// Takes a person.
    pub(crate) fn take_person(
        &mut self,
        place: Place,
        fits: impl Fn(&Person) -> bool,
    ) -> Option<&'a Person> {
        let world = self.world();
        let found: Vec<&Person> =
            world.people.iter().filter(|person| fits(person) && self.fits(&person.actor)).collect();
        let person = *self.cascade.random.pick(&found)?;
        self.be_person(person, place);
        Some(person)
    }

    /// Takes an account.
    pub(crate) fn take_account(
        &mut self,
        place: Place,
        fits: impl Fn(&Account) -> bool,
    ) -> Option<&'a Account> {
        let world = self.world();
        let found = world.accounts.iter().enumerate();
        let found: Vec<usize> = found
            .filter(|(_, account)| fits(account) && self.fits(&account.actor))
            .map(|(place, _)| place)
            .collect();
        let index = *self.cascade.random.pick(&found)?;
        self.be_account(index, place)?;
        world.accounts.get(index)
    }

    /// Takes a node.
    pub(crate) fn take_node(&mut self, place: Place) -> Option<&'a Machine> {
        let world = self.world();
        let found: Vec<usize> = (0..world.machines.len())
            .filter(|place| world.machines.get(*place).is_some_and(|node| self.fits(&node.kubelet)))
            .collect();
        let index = *self.cascade.random.pick(&found)?;
        let node = world.machines.get(index)?;
        self.rights = Rights::Node(index);
        self.human = false;
        self.home = self.any_space(SpaceKind::Team)?;
        self.dress(&node.kubelet, place);
        Some(node)
    }

    fn be_person(&mut self, person: &Person, place: Place) {
        self.rights = if person.admin {
            Rights::All
        } else {
            Rights::Team { team: person.team, writes: person.writes }
        };
        self.human = true;
        let of_team = |space: &Space| space.kind == SpaceKind::Team && space.team == person.team;
        let home = self.world().spaces.iter().position(of_team);
        self.home = home.or_else(|| self.any_space(SpaceKind::Team)).unwrap_or(0);
        self.dress(&person.actor, place);
    }

    fn be_account(&mut self, index: usize, place: Place) -> Option<()> {
        let account = self.world().accounts.get(index)?;
        self.rights = if account.admin { Rights::All } else { Rights::Account(index) };
        self.human = account.archetype == Archetype::Pipeline;
        self.home = account.space.or_else(|| self.any_space(SpaceKind::Team)).unwrap_or(0);
        self.dress(&account.actor, place);
        Some(())
    }

    /// Nobody at all.
    pub(crate) fn be_anonymous(&mut self) {
        let actor = Actor {
            name: "system:anonymous".into(),
            groups: vec!["system:unauthenticated".into()],
            ..(*self.actor).clone()
        };
        self.rights = Rights::Nobody;
        self.dress(
            &Arc::new(Actor { credential: Credential::None, bound: None, uid: None, ..actor }),
            Place::Outside,
        );
    }

    /// Uses an identity with the program and the address that the stealth asks for.
    pub(crate) fn dress(&mut self, actor: &Arc<Actor>, place: Place) {
        let mut worn = (**actor).clone();
        if self.stealth != Stealth::Mimic || worn.agent.is_empty() {
            worn.agent = if self.noisy() { Arc::clone(&self.tool) } else { self.usual_kubectl() };
        }
        if self.stealth != Stealth::Mimic || worn.address.is_empty() {
            worn.address = self.address(place).unwrap_or_else(|| Arc::clone(&worn.address));
        }
        self.wear(worn);
    }

    /// Uses exactly this identity.
    pub(crate) fn wear(&mut self, actor: Actor) {
        self.actor = Arc::new(actor);
    }

    fn address(&mut self, place: Place) -> Option<Text> {
        let world = self.world();
        match place {
            Place::Own => None,
            Place::Outside if self.noisy() => self.cascade.random.pick(&world.strangers).cloned(),
            Place::Outside => self
                .cascade
                .random
                .pick(&world.people)
                .map(|person| Arc::clone(&person.actor.address)),
            Place::Inside => {
                let home = self.home;
                let near = world.works.iter().filter(|work| self.noisy() || work.space == home);
                let pods: Vec<&Text> =
                    near.flat_map(|work| &work.pods).map(|pod| &pod.address).collect();
                self.cascade.random.pick(&pods).map(|address| Arc::clone(address))
            }
        }
    }

    /// The kubectl that people here use.
    fn usual_kubectl(&self) -> Text {
        let agents = self.world().people.iter().map(|person| &person.actor.agent);
        let found = agents.filter(|agent| agent.starts_with("kubectl")).min();
        found.map_or_else(|| format!("kubectl/{}", crate::cast::BUILD).into(), Arc::clone)
    }

    /// Goes on as an account, with this token and from where the attacker is.
    pub(crate) fn become_account(&mut self, space: &str, name: &str, token: Credential) {
        let user = format!("system:serviceaccount:{space}:{name}");
        let known = self.world().accounts.iter().position(|account| *account.actor.name == *user);
        let base = known.and_then(|place| self.world().accounts.get(place));
        let uid = base.and_then(|account| account.actor.uid);
        let reason = base.map(|account| Arc::clone(&account.actor.reason)).unwrap_or_default();
        self.rights = match base {
            Some(account) if account.admin => Rights::All,
            _ => known.map_or(Rights::Nobody, Rights::Account),
        };
        let uid = uid.or_else(|| Some(self.cascade.random.id()));
        self.wear(Actor {
            name: user.into(),
            uid,
            groups: account_groups(space),
            credential: token,
            bound: None,
            reason,
            ..(*self.actor).clone()
        });
    }

    /// Goes on with the token of a pod, from its address.
    pub(crate) fn become_pod(&mut self, pod: &NewPod, account: &str, own_agent: Option<&Text>) {
        let world = self.world();
        let agent = own_agent.map_or_else(|| Arc::clone(&self.actor.agent), Arc::clone);
        self.become_account(&pod.space, account, Credential::Token(pod.token));
        let Some(node) = world.machines.get(pod.machine) else { return };
        let bound = Bound {
            pod: Arc::clone(&pod.name),
            pod_uid: pod.uid,
            node: Arc::clone(&node.name),
            node_uid: node.kubelet.uid.unwrap_or_else(|| self.cascade.random.id()),
        };
        let mut actor = (*self.actor).clone();
        (actor.bound, actor.address, actor.agent) =
            (Some(Box::new(bound)), Arc::clone(&pod.address), agent);
        self.wear(actor);
    }

    /// Goes on with a new client certificate.
    pub(crate) fn become_certified(&mut self, name: &str, groups: &[&str], rights: Rights) {
        let mut all: Vec<Text> = groups.iter().map(|group| Text::from(*group)).collect();
        all.push("system:authenticated".into());
        self.rights = rights;
        let credential = certificate(self.cascade.random);
        self.wear(Actor {
            name: name.into(),
            uid: None,
            groups: all,
            credential,
            bound: None,
            ..(*self.actor).clone()
        });
    }

    /// Goes on as somebody else, by impersonation.
    pub(crate) fn impersonate(&mut self, name: &str, groups: &[&str], rights: Rights) {
        let groups = groups.iter().map(|group| Text::from(*group)).collect();
        let persona = Persona { name: name.into(), groups };
        self.rights = rights;
        self.wear(Actor { acts_as: Some(Box::new(persona)), ..(*self.actor).clone() });
    }

    // --- where ---

    pub(crate) fn any_space(&mut self, kind: SpaceKind) -> Option<usize> {
        let all = self.world().spaces.iter().enumerate();
        let found: Vec<usize> =
            all.filter(|(_, space)| space.kind == kind).map(|(place, _)| place).collect();
        self.cascade.random.pick(&found).copied()
    }

    /// The victim's namespace.
    pub(crate) fn home(&self) -> Option<&'a Space> {
        self.world().spaces.get(self.home)
    }

    /// The name of the victim's namespace.
    pub(crate) fn home_name(&self) -> Text {
        self.home().map(|space| Arc::clone(&space.name)).unwrap_or_default()
    }

    /// A namespace of others.
    pub(crate) fn foreign(&mut self) -> Option<&'a Space> {
        let home = self.home()?;
        let all = self.world().spaces.iter();
        let found: Vec<&'a Space> = all
            .filter(|space| space.name != home.name && space.kind != SpaceKind::Preview)
            .collect();
        self.cascade.random.pick(&found).copied()
    }

    /// A workload of a namespace, with pods.
    pub(crate) fn work_of(&mut self, space: usize) -> Option<&'a Work> {
        let with_pods = |work: &&Work| !work.pods.is_empty();
        let all = self.world().works.iter().filter(with_pods);
        let here: Vec<&'a Work> = all.filter(|work| work.space == space).collect();
        if here.is_empty() {
            self.any_work(|_| true)
        } else {
            self.cascade.random.pick(&here).copied()
        }
    }

    /// Any workload with pods that fits.
    pub(crate) fn any_work(&mut self, fits: impl Fn(&Work) -> bool) -> Option<&'a Work> {
        let all = self.world().works.iter().filter(|work| !work.pods.is_empty() && fits(work));
        let all: Vec<&'a Work> = all.collect();
        self.cascade.random.pick(&all).copied()
    }

    /// The name of a workload's namespace.
    pub(crate) fn space_of(&self, work: &Work) -> Text {
        self.world().spaces.get(work.space).map(|space| Arc::clone(&space.name)).unwrap_or_default()
    }

    /// One of these names; the fallback where there is none.
    pub(crate) fn one_of(&mut self, names: &[Text], fallback: &str) -> Text {
        self.cascade.random.pick(names).map_or_else(|| fallback.into(), Arc::clone)
    }

    /// A name for something of the attacker's: telling, harmless, or like what is there.
    pub(crate) fn alias(&mut self, telling: &str, harmless: &str) -> Text {
        match self.stealth {
            Stealth::Noisy => telling.into(),
            Stealth::Tools => harmless.into(),
            Stealth::Mimic => {
                let work = self.work_of(self.home).map(|work| Arc::clone(&work.name));
                format!("{}-{harmless}", work.unwrap_or_else(|| "app".into())).into()
            }
        }
    }

    /// An image of the attacker's.
    pub(crate) fn image(&mut self, telling: &str) -> String {
        match self.stealth {
            Stealth::Noisy => telling.to_owned(),
            Stealth::Tools => "docker.io/library/alpine:3.19".to_owned(),
            Stealth::Mimic => {
                let image = self.work_of(self.home).map(|work| Arc::clone(&work.image));
                image.unwrap_or_else(|| "registry.example.com/app".into()).to_string() + ":v1.0.1"
            }
        }
    }
}
