//! Ordinary life: what a cluster's programs and people do in weeks without an attacker, with the
//! changes, mistakes and outages that make an ordinary month look suspicious.
//!
//! An hour is the smallest step for what repeats itself. Whatever happens once (a deployment, a
//! session at a terminal, an outage) keeps its moment and the cascade that it causes.

mod change;
mod found;
mod growth;
mod habits;
mod machines;
mod names;
mod oddity;
mod people;
pub mod profile;

use self::{
    found::{Founded, Line, Routine, Who},
    oddity::Oddities,
    people::Ways,
    profile::LifeProfile,
};
use super::{Deed, Kind, Label, Story, World, attack::Plan, script::Script};
use crate::{
    act::{Act, Actor, Credential, Id, Target, Text},
    calendar::{HOUR, MINUTE, Moment},
    generator::renewed,
    profile::Level,
    random::Random,
    resource::SERVICE_ACCOUNTS,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// A cluster that lives.
#[derive(Debug)]
pub struct Life {
    profile: LifeProfile,
    random: Random,
    world: World,
    routines: Vec<Routine>,
    mouths: Vec<Vec<Arc<Actor>>>,
    ways: Vec<Ways>,
    crons: Vec<(usize, i64)>,
    pipelines: Vec<usize>,
    oddities: Oddities,
    /// Of this hour, in order.
    ready: VecDeque<Deed>,
    /// Of this hour, in no order.
    current: Vec<Deed>,
    /// Of hours to come.
    later: BTreeMap<(Moment, u64), Deed>,
    queued: u64,
    stories: Vec<Story>,
    script: Option<Script>,
    /// Namespaces that were made for a review, with when they end.
    previews: Vec<(change::Preview, Moment)>,
    /// Workloads whose pods changed in this hour, and when the old ones had gone.
    turned: BTreeMap<usize, Moment>,
    /// Uid and token of pods that came in this hour, by workload and name.
    births: BTreeMap<(usize, Text), (Id, Id)>,
    /// Tokens that kubelets renewed in this hour: account, pod, token.
    renewed: Vec<(usize, Text, Id)>,
    /// Nodes that are to be replaced: place, the version of the new kubelet, the story.
    swaps: VecDeque<(usize, Text, Label)>,
    /// Nodes that came in this hour, and from when on they work.
    fresh: BTreeMap<usize, Moment>,
    /// Routines that begin with the next hour.
    coming: Vec<Routine>,
    /// Nodes so far.
    machines_made: usize,
    /// Nobody works until then.
    holiday: Moment,
    /// The log lacks what happens until then.
    gap: Moment,
    /// The log lacks one request of a hundred until then.
    lossy: Moment,
}

impl Life {
    /// The life of a profile by a seed: the same for the same.
    pub fn new(profile: LifeProfile, seed: u64) -> Life {
        let mut random = Random::new(seed ^ name_seed(profile.name));
        let Founded { world, routines, mouths, ways, crons, pipelines } =
            found::found(&profile, &mut random);
        let oddities = Oddities::new(&profile, &mut random);
        let machines_made = world.machines.len();
        Life {
            profile,
            random,
            world,
            routines,
            mouths,
            ways,
            crons,
            pipelines,
            oddities,
            ready: VecDeque::new(),
            current: Vec::new(),
            later: BTreeMap::new(),
            births: BTreeMap::new(),
            renewed: Vec::new(),
            swaps: VecDeque::new(),
            fresh: BTreeMap::new(),
            coming: Vec::new(),
            machines_made,
            queued: 0,
            stories: Vec::new(),
            script: None,
            previews: Vec::new(),
            turned: BTreeMap::new(),
            holiday: 0,
            gap: 0,
            lossy: 0,
        }
    }

    /// With attacks.
    #[must_use]
    pub fn with(mut self, script: Script) -> Life {
        self.script = Some(script);
        self
    }

    /// The cluster as it is at the beginning of the hour of the deeds that come next.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// What it is.
    pub fn profile(&self) -> &LifeProfile {
        &self.profile
    }

    /// Oddities and attacks that have begun; complete once the last deed was given.
    pub fn stories(&self) -> &[Story] {
        &self.stories
    }

    fn hour(&mut self) {
        let now = self.world.now;
        self.attacks();
        self.odd();
        self.machines();
        self.routine();
        self.tokens();
        if now >= self.holiday {
            self.sessions();
            self.commits();
            self.previews();
        }
        self.clockwork();
        self.load();
        self.collect(now + HOUR);
        self.routines.append(&mut self.coming);
        self.world.now = now + HOUR;
    }

    /// Everything of this hour, in order. What the log lost is lost.
    fn collect(&mut self, until: Moment) {
        let rest = self.later.split_off(&(until, 0));
        let due = std::mem::replace(&mut self.later, rest);
        let lost = self.gap > self.world.now;
        let heirs = self.heirs();
        let current = std::mem::take(&mut self.current);
        let all = due.into_values().chain(current);
        let lossy = self.lossy > self.world.now;
        for deed in all.filter(|deed| !lost || deed.label.story > 0) {
            if lossy && deed.count == 1 && deed.label.story == 0 && self.random.chance(10) {
                continue;
            }
            let (own, rest) = inherited(deed, &heirs);
            self.ready.push_back(own);
            self.ready.extend(rest);
        }
        self.ready.make_contiguous().sort_by_key(|deed| deed.act.received);
        self.renew();
    }

    /// Programs go on with the tokens that their kubelets got for them in this hour.
    fn renew(&mut self) {
        for (account, pod, token) in std::mem::take(&mut self.renewed) {
            let Some(mouths) = self.mouths.get_mut(account) else { continue };
            let of = |one: &Arc<Actor>| one.bound.as_ref().is_some_and(|bound| bound.pod == pod);
            let Some(place) = mouths.iter().position(of) else { continue };
            let Some(mouth) = mouths.get_mut(place) else { continue };
            *mouth = renewed(mouth, |actor| actor.credential = Credential::Token(token));
            if let (0, Some(one)) = (place, self.world.accounts.get_mut(account)) {
                one.actor = Arc::clone(mouth);
            }
        }
    }

    /// Pods that have gone in this hour: when, and who speaks for their account from then on.
    fn heirs(&mut self) -> Heirs {
        let mut heirs = Heirs::new();
        for (work, gone) in std::mem::take(&mut self.turned) {
            for (old, new) in self.speak(work) {
                heirs.insert(old, (gone, new));
            }
        }
        self.births.clear();
        heirs
    }

    fn push(&mut self, mut deed: Deed) {
        self.queued += 1;
        if self.profile.level == Level::Metadata {
            (deed.act.request, deed.act.response) = (None, None);
        }
        let at = deed.act.received.max(self.world.now);
        if at < self.world.now + HOUR {
            self.current.push(deed);
        } else {
            self.later.insert((at, self.queued), deed);
        }
    }

    fn extend(&mut self, deeds: Vec<Deed>) {
        for deed in deeds {
            self.push(deed);
        }
    }

    fn attacks(&mut self) {
        let Some(mut script) = self.script.take() else { return };
        for plan in script.due(&self.world, self.world.now + HOUR) {
            let Plan { story, family, stealth, ref actors, requests, ref tells, .. } = plan;
            let (from, to) = plan.span();
            // A patient one may begin when all is over.
            if from >= self.profile.end() {
                continue;
            }
            self.stories.push(Story {
                number: story + ATTACKS,
                kind: Kind::Attack { family, stealth },
                from,
                to,
                actors: actors.clone(),
                requests,
                tells: tells.clone(),
            });
            for mut deed in plan.deeds {
                deed.label.story += ATTACKS;
                self.push(deed);
            }
        }
        self.script = Some(script);
    }

    /// What repeats itself.
    fn routine(&mut self) {
        let now = self.world.now;
        let mut deeds = Vec::new();
        for routine in &self.routines {
            match routine.who {
                Who::Component(place) => {
                    let Some(actor) = self.world.components.get(place) else { continue };
                    repeat(&mut deeds, &mut self.random, now, actor, &routine.lines);
                }
                Who::Machine(place) => {
                    let Some(machine) = self.world.machines.get(place) else { continue };
                    let from = self.fresh.get(&place).copied().unwrap_or(now);
                    repeat(&mut deeds, &mut self.random, from, &machine.kubelet, &routine.lines);
                }
                Who::Account(place, each) => {
                    let Some(mouths) = self.mouths.get(place) else { continue };
                    let most = if each { mouths.len() } else { 1 };
                    for actor in mouths.iter().take(most) {
                        repeat(&mut deeds, &mut self.random, now, actor, &routine.lines);
                    }
                }
            }
        }
        self.extend(deeds);
    }

    /// Kubelets renew the tokens of their pods about once an hour.
    fn tokens(&mut self) {
        let now = self.world.now;
        let mut deeds = Vec::new();
        let speakers = self.speakers();
        for (place, work) in self.world.works.iter().enumerate() {
            let Some(space) = self.world.spaces.get(work.space) else { continue };
            for pod in &work.pods {
                let Some(machine) = self.world.machines.get(pod.machine) else { continue };
                if !self.random.chance(800) {
                    continue;
                }
                let target = Target::object(&SERVICE_ACCOUNTS, &space.name, &work.account);
                let at = now + self.random.between(0, HOUR - MINUTE);
                let mut act = Act::new(at, &machine.kubelet, "create", target.part("token"));
                let token = self.random.id();
                act.issued = Some(token);
                // A pod that leaves in this hour takes its token with it.
                let stays = !self.turned.contains_key(&place);
                if let Some(account) = speakers.get(&place).filter(|_| stays) {
                    self.renewed.push((*account, Arc::clone(&pod.name), token));
                }
                finish(&mut act, &mut self.random);
                deeds.push(Deed::once(act));
            }
        }
        self.extend(deeds);
    }

    /// Accounts that use the API, by their workload.
    fn speakers(&self) -> BTreeMap<usize, usize> {
        let accounts = self.routines.iter().filter_map(|routine| match routine.who {
            Who::Account(place, _) => Some(place),
            _ => None,
        });
        let of = |place: usize| self.world.accounts.get(place).and_then(|one| one.work);
        accounts.filter_map(|place| of(place).map(|work| (work, place))).collect()
    }

    fn sessions(&mut self) {
        for person in 0..self.ways.len() {
            let Some(ways) = self.ways.get(person) else { continue };
            if !people::comes(ways, self.world.now, self.profile.zone, &mut self.random) {
                continue;
            }
            let done = people::session(&self.world, person, ways, &mut self.random);
            let Some(done) = done else { continue };
            self.extend(done.deeds);
            for (work, at) in done.rolled {
                self.roll(work, at, None);
            }
            for (work, pod, at) in done.deleted {
                self.replace_pod(work, pod, at);
            }
        }
    }
}

/// By the name of a pod that has gone.
type Heirs = BTreeMap<Text, (Moment, Arc<Actor>)>;

/// A pod that has gone does nothing more: its heir does the rest.
fn inherited(mut deed: Deed, heirs: &Heirs) -> (Deed, Option<Deed>) {
    let pod = deed.act.actor.bound.as_ref().map(|bound| &bound.pod);
    let Some((gone, heir)) = pod.and_then(|pod| heirs.get(pod)) else { return (deed, None) };
    if deed.act.received >= *gone {
        deed.act.actor = Arc::clone(heir);
        return (deed, None);
    }
    let left = (deed.hour() + 1) * HOUR - deed.act.received;
    let after = (deed.hour() + 1) * HOUR - gone;
    if deed.count < 2 || after <= 0 {
        return (deed, None);
    }
    let rest = u32::try_from(i64::from(deed.count) * after / left.max(1)).unwrap_or(0);
    let rest = rest.min(deed.count - 1);
    if rest == 0 {
        return (deed, None);
    }
    let mut more = deed.clone();
    let took = more.act.completed - more.act.received;
    (more.act.received, more.act.completed) = (*gone, gone + took);
    more.act.actor = Arc::clone(heir);
    more.act.id = Id::from_words(more.act.id.low(), more.act.id.high());
    more.count = rest;
    // Repeats are spread over the rest of the hour, so that only one can stay with the old pod.
    deed.count = 1;
    (deed, Some(more))
}

/// Attacks have numbers of their own.
const ATTACKS: u32 = 500_000;

impl Iterator for Life {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        while self.ready.is_empty() {
            if self.world.now >= self.profile.end() {
                return None;
            }
            self.hour();
        }
        self.ready.pop_front()
    }
}

fn name_seed(name: &str) -> u64 {
    name.bytes()
        .fold(0x6c69_6665, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn finish(act: &mut Act, random: &mut Random) {
    act.id = random.id();
    if act.completed <= act.received {
        act.completed = act.received + random.between(1_200, 9_000);
    }
}

/// How often something is done in an hour that is done so many thousandths of times on average.
fn times(random: &mut Random, milli: i64) -> u32 {
    let spread = milli * random.between(850, 1_150) / 1000;
    let whole = spread / 1000;
    let rest = usize::try_from(spread % 1000).unwrap_or(0);
    u32::try_from(whole).unwrap_or(0) + u32::from(random.chance(rest))
}

/// Now and then two programs change the same object at once, or ask for one that has just gone; who
/// renews a lease is alone with it.
fn failure(line: &Line, random: &mut Random) -> Option<u16> {
    let own = line.target.resource.is_none_or(|kind| kind.plural == "leases");
    match line.verb {
        "update" | "patch" if !own && random.chance(30) => Some(409),
        "get" if !own && random.chance(6) => Some(404),
        _ => None,
    }
}

fn repeat(
    deeds: &mut Vec<Deed>,
    random: &mut Random,
    now: Moment,
    actor: &Arc<Actor>,
    lines: &[Line],
) {
    for line in lines {
        let count = times(random, line.milli);
        if count == 0 {
            continue;
        }
        let latest = if count > 20 { 2 * MINUTE } else { HOUR - MINUTE };
        let at = now + random.between(0, latest);
        let code = if line.verb == "create" { 201 } else { 200 };
        let mut target = line.target.clone();
        if let (true, Some(bound)) = (line.own_node, &actor.bound) {
            target.name = Arc::clone(&bound.node);
        }
        let mut act = Act::new(at, actor, line.verb, target).code(code);
        finish(&mut act, random);
        if let Some(code) = failure(line, random) {
            let at = now + random.between(0, HOUR - MINUTE);
            let mut failed = Act::new(at, actor, line.verb, act.target.clone()).code(code);
            finish(&mut failed, random);
            deeds.push(Deed::once(failed));
        }
        deeds.push(Deed::often(act, count));
    }
}
