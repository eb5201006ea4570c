//! The stage on which an attack is planned: who the attacker is to the API server, what that identity
//! may do, and how time passes for somebody who is loud, careful or patient.
//!
//! A family says only what is done and in which order. That the same plan is written with another
//! program, address and pace for each stealth is decided here, once, so that families stay comparable.

use super::rights::Rights;
use crate::{
    act::{Act, Actor, Bound, Credential, Persona, Target, Text},
    body,
    calendar::{DAY, HOUR, MINUTE, Moment, SECOND, activity},
    cast::{account_groups, certificate},
    life::{
        Account, Archetype, Label, Machine, Person, Space, SpaceKind, Stealth, Work, World,
        cascade::{Cascade, Made, NewPod, resource_of},
    },
    random::Random,
    resource::{PODS, Resource, SELF_ACCESS_REVIEWS, SELF_REVIEWS, SELF_RULES_REVIEWS},
};
use serde_json::{Value, json};
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
    human: bool,
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
            Need::Deploys | Need::Secrets => person.admin || person.writes,
            Need::Any => true,
        });
        let accounts = world.accounts.iter().enumerate().filter(|(_, account)| match need {
            Need::Admin => account.admin,
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

    // --- what ---

    /// Sends a request; true if it was allowed.
    pub(crate) fn ask(&mut self, verb: &'static str, target: Target) -> bool {
        self.send(verb, target, 1, "", None)
    }

    /// Sends it so often.
    pub(crate) fn ask_often(&mut self, verb: &'static str, target: Target, count: u32) -> bool {
        self.send(verb, target, count, "", None)
    }

    /// Sends a request with a body or a query.
    pub(crate) fn send(
        &mut self,
        verb: &'static str,
        target: Target,
        count: u32,
        query: &str,
        body: Option<&Value>,
    ) -> bool {
        self.settle();
        let allowed = self.rights.allow(self.world(), verb, &target);
        let mut act = Act::new(self.at, &self.actor, verb, target).query(query);
        if allowed {
            self.answer(&mut act, body);
        } else {
            act = act.code(403).reason(&"".into());
            act.request = body.map(body::text);
        }
        if self.actor.reason.is_empty() && allowed {
            act.reason = Some(self.rights.reason(&self.actor));
        }
        self.actors.insert(Arc::clone(&self.actor.name));
        self.requests += count;
        self.cascade.own(act, count);
        self.pass();
        allowed
    }

    /// A request with a credential that is no longer good.
    pub(crate) fn unauthenticated(&mut self, target: Target) {
        self.settle();
        let act = Act::new(self.at, &self.actor, "list", target).code(401).reason(&"".into());
        self.requests += 1;
        self.cascade.own(act, 1);
        self.pass();
    }

    fn answer(&mut self, act: &mut Act, body: Option<&Value>) {
        let whole = matches!(act.verb, "create" | "update") && act.target.part.is_empty();
        let Some(body) = body else { return self.finish(act) };
        let Some(resource) = act.target.resource.filter(|_| whole) else {
            act.request = Some(body::text(body));
            return self.finish(act);
        };
        let (uid, version) =
            (self.cascade.random.id(), 1_000_000 + self.cascade.random.below(9_000_000));
        let (space, name) = (&act.target.namespace, &act.target.name);
        let bodies = body::made(resource, space, name, uid, version as u64, act.received, body);
        (act.request, act.response) = (bodies.request, bodies.response);
        self.finish(act);
    }

    fn finish(&mut self, act: &mut Act) {
        match (act.verb, act.target.part) {
            (_, "exec" | "attach" | "portforward") => {
                act.code = 101;
                act.completed = act.received + self.cascade.random.between(SECOND, 4 * MINUTE);
            }
            ("delete", _) => act.removed = Some(self.cascade.random.id()),
            ("create", "token") => act.issued = Some(self.cascade.random.id()),
            ("watch", _) => {
                act.completed = act.received + self.cascade.random.between(MINUTE, 9 * MINUTE)
            }
            _ => {}
        }
    }

    /// The patient wait for the hours of their victim.
    fn settle(&mut self) {
        if self.mimic() && self.human {
            for _ in 0..100 {
                if activity(self.at) >= 70 {
                    break;
                }
                self.at += HOUR;
            }
        }
    }

    /// Time between two requests.
    fn pass(&mut self) {
        self.cascade.label.step = self.cascade.label.step.saturating_add(1);
        let random = &mut *self.cascade.random;
        self.at += match self.stealth {
            Stealth::Noisy => random.between(30_000, 900_000),
            Stealth::Tools => random.between(4 * SECOND, 100 * SECOND),
            Stealth::Mimic => DAY + random.between(-2 * HOUR, 2 * HOUR),
        };
    }

    /// Time until what somebody caused has happened.
    pub(crate) fn wait_for(&mut self, pods: &[NewPod]) {
        let ready = pods.iter().map(|pod| pod.ready).max().unwrap_or(self.at);
        self.at = self.at.max(ready + self.cascade.random.between(SECOND, 4 * SECOND));
    }

    pub(crate) fn get(&mut self, what: &'static Resource, space: &Text, name: &Text) -> bool {
        self.ask("get", Target::object(what, space, name))
    }

    pub(crate) fn list(&mut self, what: &'static Resource, space: &Text) -> bool {
        self.send("list", Target::object(what, space, &"".into()), 1, "limit=500", None)
    }

    /// Of the whole cluster.
    pub(crate) fn list_all(&mut self, what: &'static Resource) -> bool {
        self.list(what, &"".into())
    }

    pub(crate) fn make(
        &mut self,
        what: &'static Resource,
        space: &Text,
        name: &Text,
        rest: &Value,
    ) -> bool {
        let query =
            if self.noisy() { "" } else { "fieldManager=kubectl-create&fieldValidation=Strict" };
        self.send("create", Target::object(what, space, name), 1, query, Some(rest))
    }

    pub(crate) fn patch(
        &mut self,
        what: &'static Resource,
        space: &Text,
        name: &Text,
        patch: &Value,
    ) -> bool {
        self.send(
            "patch",
            Target::object(what, space, name),
            1,
            "fieldManager=kubectl-patch",
            Some(patch),
        )
    }

    pub(crate) fn remove(&mut self, what: &'static Resource, space: &Text, name: &Text) -> bool {
        self.ask("delete", Target::object(what, space, name))
    }

    /// Runs a command in a pod.
    pub(crate) fn exec(&mut self, space: &Text, pod: &Text, command: &str) -> bool {
        let query = format!("command={command}&container=main&stdin=true&stdout=true&tty=true");
        self.send("get", Target::object(&PODS, space, pod).part("exec"), 1, &query, None)
    }

    /// Creates a workload; the pods that follow.
    pub(crate) fn deploy(&mut self, made: &Made) -> Vec<NewPod> {
        let what = resource_of(made.kind);
        let rest = match made.kind {
            "Pod" => json!({"spec": made.spec}),
            "CronJob" => json!({"spec": {"schedule": "*/30 * * * *", "jobTemplate":
                {"spec": {"template": {"spec": made.spec}}}}}),
            _ => json!({"spec": {"replicas": made.replicas,
                "template": crate::life::cascade::template(made)}}),
        };
        let at = self.at;
        if !self.make(what, &made.space, &made.name, &rest) {
            return Vec::new();
        }
        let label = self.cascade.label;
        let pods = self.cascade.deployed(self.deed_moment(at), made);
        self.cascade.label = label;
        self.wait_for(&pods);
        pods
    }

    /// The moment of the last request, which may have waited for its victim's hours.
    pub(crate) fn deed_moment(&self, fallback: Moment) -> Moment {
        let own = self.cascade.deeds.iter().rev().find(|deed| !deed.label.cascade);
        own.map_or(fallback, |deed| deed.act.completed)
    }

    /// What many attackers do first: who am I, what may I do, what is there.
    pub(crate) fn look_around(&mut self) {
        let curious = self.by_stealth(650, 300, 0);
        if !self.cascade.random.chance(curious) {
            return;
        }
        if self.noisy() {
            for path in ["/version", "/api", "/apis"] {
                self.ask("get", Target::path(path));
            }
            self.review(&SELF_REVIEWS, json!({}));
            let space = self.home_name();
            self.review(&SELF_RULES_REVIEWS, json!({"spec": {"namespace": &*space}}));
        } else {
            self.can_i("create", "pods");
        }
    }

    fn review(&mut self, what: &'static Resource, spec: Value) -> bool {
        self.send("create", Target::global(what, &"".into()), 1, "", Some(&spec))
    }

    /// What may I do in this namespace?
    pub(crate) fn rules_of(&mut self, space: &Text) -> bool {
        self.review(&SELF_RULES_REVIEWS, json!({"spec": {"namespace": &**space}}))
    }

    /// May I do this?
    pub(crate) fn can_i(&mut self, verb: &str, what: &str) -> bool {
        let attributes = json!({"verb": verb, "resource": what});
        self.review(&SELF_ACCESS_REVIEWS, json!({"spec": {"resourceAttributes": attributes}}))
    }
}
