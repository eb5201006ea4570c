//! When which attacks happen: a script hands out attacks that are due, against the world as it is then.
//!
//! Truth must stay clear, so attacks that begin at about the same time never share an identity. The same
//! seed and the same world give the same attacks.

use super::{
    Deed, Label, Stealth, World,
    attack::{Family, Need, Order, Place, Plan, Rights, Scene, families},
    split::Set,
};
use crate::{
    act::{Act, Actor, Credential, Target, Text},
    calendar::{DAY, HOUR, MINUTE, Moment, activity},
    random::Random,
    resource::{CONFIG_MAPS, PODS, SECRETS, SERVICES},
};
use std::{collections::BTreeMap, sync::Arc};

/// Times at which those attackers begin who choose their time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// While people work.
    Busy,
    /// In nights and at weekends.
    Quiet,
    /// At any time.
    Any,
}

/// How many attacks of each stealth a cluster suffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Noisy ones.
    pub noisy: usize,
    /// Those with the usual tools.
    pub tools: usize,
    /// Patient ones.
    pub mimic: usize,
}

/// What is written into a script.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Of which families.
    pub set: Set,
    /// How many.
    pub amounts: Amounts,
    /// No attack begins before.
    pub from: Moment,
    /// No attack begins after; patient ones go on for some days.
    pub to: Moment,
    /// At which hours.
    pub hours: Hours,
}

#[derive(Clone, Debug)]
struct Entry {
    at: Moment,
    family: usize,
    stealth: Stealth,
    story: u32,
    seed: u64,
    victim: Option<Text>,
    follows: bool,
}

/// Attacks to come.
#[derive(Clone, Debug)]
pub struct Script {
    set: Set,
    entries: Vec<Entry>,
    /// Until when identities are part of a story.
    busy: BTreeMap<Text, Moment>,
    /// The victim of a script that has only one.
    only: Option<Text>,
    skipped: usize,
}

/// So many other seeds and families are tried where one finds no victim that is free.
const TRIES: usize = 24;

impl Script {
    /// The script of a seed.
    pub fn new(seed: u64, scope: &Scope) -> Script {
        let mut random = Random::new(seed ^ 0x0061_7474_6163_6b73);
        let families: Vec<usize> = in_set(scope.set);
        let mut entries = Vec::new();
        for (stealth, count) in [
            (Stealth::Noisy, scope.amounts.noisy),
            (Stealth::Tools, scope.amounts.tools),
            (Stealth::Mimic, scope.amounts.mimic),
        ] {
            // Every family once before any comes a second time.
            let mut order: Vec<usize> = Vec::new();
            for place in 0..count {
                if order.is_empty() {
                    order = shuffled(&families, &mut random);
                }
                let Some(family) = order.pop() else { break };
                let at = moment(&mut random, scope, place, count);
                entries.push(Entry::new(at, family, stealth, &mut random));
            }
        }
        Script::of(scope.set, entries)
    }

    fn of(set: Set, mut entries: Vec<Entry>) -> Script {
        entries.sort_by_key(|entry| (entry.at, entry.seed));
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.story = place as u32 + 1;
        }
        Script { set, entries, busy: BTreeMap::new(), only: None, skipped: 0 }
    }

    /// An attacker who is there from the first hour: the same identity is misused every day.
    pub fn poison(seed: u64, set: Set, from: Moment, to: Moment) -> Script {
        let mut random = Random::new(seed ^ 0x706f_6973_6f6e);
        let wanted =
            ["token-outside", "secrets-by-namespace", "secret-of-another-team", "exec-then-token"];
        let named = in_set(set);
        let all: Vec<&Family> = families().collect();
        let fits =
            |place: &&usize| all.get(**place).is_some_and(|family| wanted.contains(&family.name));
        let found: Vec<usize> = named.iter().filter(fits).copied().collect();
        let family = random.pick(&found).or(named.first()).copied().unwrap_or(0);
        let mut entries = Vec::new();
        let mut at = from + random.between(0, 40 * MINUTE);
        while at < to {
            let mut entry = Entry::new(at, family, Stealth::Tools, &mut random);
            entry.follows = true;
            entries.push(entry);
            at += DAY + random.between(-2 * HOUR, 2 * HOUR);
        }
        Script::of(set, entries)
    }

    /// The attacks that begin before a moment, on the world as it is now. Later deeds of patient
    /// attackers are in their plans already.
    pub fn due(&mut self, world: &World, until: Moment) -> Vec<Plan> {
        let cut = self.entries.partition_point(|entry| entry.at < until);
        let now: Vec<Entry> = self.entries.drain(..cut).collect();
        let mut plans = Vec::new();
        for entry in now {
            match self.plan(world, &entry) {
                Some(plan) => plans.push(plan),
                None => self.skipped += 1,
            }
        }
        plans
    }

    /// Attacks that found no victim.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Attacks that are still to come.
    pub fn left(&self) -> usize {
        self.entries.len()
    }

    fn plan(&mut self, world: &World, entry: &Entry) -> Option<Plan> {
        let all: Vec<&Family> = families().collect();
        let of_set = in_set(self.set);
        let first = of_set.iter().position(|place| *place == entry.family)?;
        for attempt in 0..TRIES {
            // A few seeds for the family that was meant, then the next ones.
            let place = of_set.get((first + attempt / 6) % of_set.len())?;
            let family = all.get(*place)?;
            let order = Order {
                story: entry.story,
                stealth: entry.stealth,
                at: entry.at,
                victim: self.only.clone().or_else(|| entry.victim.clone()),
            };
            let seed = entry.seed.wrapping_add(attempt as u64);
            let Some(plan) = family.plan(world, &order, seed) else { continue };
            if !entry.follows && self.taken(&plan) {
                continue;
            }
            self.note(&plan);
            if entry.follows && self.only.is_none() {
                let own = plan.deeds.iter().find(|deed| !deed.label.cascade);
                self.only = own.map(|deed| Arc::clone(&deed.act.actor.name));
            }
            return Some(plan);
        }
        None
    }

    fn taken(&self, plan: &Plan) -> bool {
        let (from, _) = plan.span();
        let shared = |actor: &&Text| !actor.starts_with("system:anonymous");
        plan.actors
            .iter()
            .filter(shared)
            .any(|actor| self.busy.get(actor).is_some_and(|until| *until > from))
    }

    fn note(&mut self, plan: &Plan) {
        let (_, to) = plan.span();
        for actor in &plan.actors {
            let until = self.busy.entry(Arc::clone(actor)).or_default();
            *until = (*until).max(to + 2 * HOUR);
        }
    }
}

impl Entry {
    fn new(at: Moment, family: usize, stealth: Stealth, random: &mut Random) -> Entry {
        Entry { at, family, stealth, story: 0, seed: random.word(), victim: None, follows: false }
    }
}

fn in_set(set: Set) -> Vec<usize> {
    families()
        .enumerate()
        .filter(|(_, family)| set.has(family.name))
        .map(|(place, _)| place)
        .collect()
}

fn shuffled(all: &[usize], random: &mut Random) -> Vec<usize> {
    let mut all = all.to_vec();
    for place in (1..all.len()).rev() {
        let other = random.below(place + 1);
        all.swap(place, other);
    }
    all
}

/// A moment in the part of the time that belongs to this one of so many attacks.
fn moment(random: &mut Random, scope: &Scope, place: usize, count: usize) -> Moment {
    let part = ((scope.to - scope.from) / count.max(1) as Moment).max(1);
    let begin = scope.from + part * place as Moment;
    let mut at = begin + random.between(0, part);
    for _ in 0..400 {
        let fits = match scope.hours {
            Hours::Any => true,
            Hours::Busy => activity(at) >= 70,
            Hours::Quiet => activity(at) <= 8,
        };
        if fits {
            break;
        }
        at += 25 * MINUTE;
    }
    if at < scope.to { at } else { scope.from + random.between(0, scope.to - scope.from) }
}

/// Somebody who goes one step further every week, each small: from what the victim does every day to
/// all secrets of the cluster.
pub fn frog_boil(world: &World, order: &Order, seed: u64) -> Option<Plan> {
    let mut random = Random::new(seed);
    let order = Order { stealth: Stealth::Mimic, ..order.clone() };
    let mut scene = Scene::new(world, &mut random, order.stealth, order.at, order.story);
    scene.pinned.clone_from(&order.victim);
    scene.take(Need::Secrets, Place::Own)?;
    let home = scene.home_name();
    let foreign = scene.foreign()?;
    let everywhere: Text = "".into();
    let steps = [
        (&PODS, &home),
        (&CONFIG_MAPS, &home),
        (&SERVICES, &foreign.name),
        (&CONFIG_MAPS, &foreign.name),
        (&SECRETS, &home),
        (&SECRETS, &foreign.name),
        (&SECRETS, &everywhere),
    ];
    for (week, (what, space)) in steps.into_iter().enumerate() {
        scene.at = scene.at.max(order.at + week as Moment * 7 * DAY);
        for _ in 0..3 {
            scene.list(what, space);
        }
    }
    Some(scene.done("frog-boil", &["action", "object"]))
}

/// An attacker who has three identities of a kind and does the same with all of them, so that none
/// stands out among its peers.
pub fn cohort_mimic(world: &World, order: &Order, seed: u64) -> Option<Plan> {
    let mut random = Random::new(seed);
    let mut kinds: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, account) in world.accounts.iter().enumerate() {
        kinds.entry(account.archetype).or_default().push(place);
    }
    let kinds: Vec<Vec<usize>> = kinds.into_values().filter(|all| all.len() >= 3).collect();
    let peers = shuffled(random.pick(&kinds)?, &mut random);
    let mut scene = Scene::new(world, &mut random, Stealth::Mimic, order.at, order.story);
    let mut requests = Vec::new();
    for _ in 0..4 {
        let foreign = scene.foreign()?;
        requests.push((Arc::clone(&foreign.name), scene.one_of(&foreign.secrets, "credentials")));
    }
    for (later, place) in peers.into_iter().take(3).enumerate() {
        let account = world.accounts.get(place)?;
        scene.at = order.at + later as Moment * 3 * HOUR;
        scene.rights = if account.admin { Rights::All } else { Rights::Account(place) };
        scene.wear((*account.actor).clone());
        for (space, secret) in &requests {
            scene.get(&SECRETS, space, secret);
        }
    }
    Some(scene.done("cohort-mimic", &["object", "place"]))
}

/// So many identities that nobody has ever seen, one request each, within an hour. They come one by
/// one, because a million of them should not be in memory.
pub fn flood(seed: u64, story: u32, at: Moment, count: usize) -> impl Iterator<Item = Deed> {
    let mut random = Random::new(seed);
    let step = HOUR / count.max(1) as Moment;
    (0..count).map(move |place| {
        let space: Text = format!("flood-{}", random.below(200)).into();
        let actor = Actor {
            name: format!("system:serviceaccount:{space}:{}", random.suffix(10)).into(),
            uid: Some(random.id()),
            groups: crate::cast::account_groups(&space),
            credential: Credential::Token(random.id()),
            address: format!("198.51.100.{}", random.below(250)).into(),
            agent: "Go-http-client/2.0".into(),
            ..Actor::default()
        };
        let target = Target::object(&PODS, &space, &"".into());
        let received = at + step * place as Moment;
        let mut act =
            Act::new(received, &Arc::new(actor), "list", target).code(403).reason(&"".into());
        act.id = random.id();
        act.completed = received + random.between(1_000, 5_000);
        Deed::once(act).labelled(Label { story, step: 0, cascade: false })
    })
}
