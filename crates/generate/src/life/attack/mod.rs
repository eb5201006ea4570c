//! What attackers do to clusters, as families that can be planned against any [`World`] at three
//! levels of stealth.
//!
//! The families follow what is known of real attackers and of the tools that imitate them (ATT&CK for
//! containers, the threat matrix for Kubernetes, Stratus Red Team, Peirates, kube-hunter, reports on
//! `TeamTNT`, Kinsing, Hildegard, Siloscape, Dero, RBAC-Buster, SCARLETEEL), never what a detector can
//! see: whoever tunes detectors does not write here.

mod asking;
mod control;
mod credentials;
mod escalation;
mod evasion;
mod impact;
mod lateral;
mod persistence;
mod recon;
mod rights;
mod scene;
mod secrets;

pub(crate) use rights::Rights;
pub(crate) use scene::{Need, Place, Scene};

use super::{Deed, Kind, Stealth, Story, World};
use crate::{
    act::{Actor, Text},
    calendar::Moment,
    random::Random,
};
use std::{collections::BTreeMap, sync::Arc};

/// What an attack is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Theme {
    /// Credentials of others are used.
    Credentials,
    /// The attacker looks where he is.
    Recon,
    /// Secrets and data are read.
    Secrets,
    /// From one place in the cluster to the next.
    Lateral,
    /// More rights.
    Escalation,
    /// Staying.
    Persistence,
    /// Not being seen or stopped.
    Evasion,
    /// Harm.
    Impact,
    /// The control plane itself is turned.
    ControlPlane,
}

impl Theme {
    /// All of them.
    pub const ALL: [Theme; 9] = [
        Theme::Credentials,
        Theme::Recon,
        Theme::Secrets,
        Theme::Lateral,
        Theme::Escalation,
        Theme::Persistence,
        Theme::Evasion,
        Theme::Impact,
        Theme::ControlPlane,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Credentials => "credentials",
            Theme::Recon => "recon",
            Theme::Secrets => "secrets",
            Theme::Lateral => "lateral movement",
            Theme::Escalation => "privilege escalation",
            Theme::Persistence => "persistence",
            Theme::Evasion => "evasion",
            Theme::Impact => "impact",
            Theme::ControlPlane => "control plane",
        }
    }
}

/// Plans the acts of a family; none if the world has nobody and nothing that it needs.
pub(crate) type Steps = for<'a, 'b> fn(&'b mut Scene<'a>) -> Option<()>;

/// A family of attacks.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name, which never changes: splits and results refer to it.
    pub name: &'static str,
    /// What it is for.
    pub theme: Theme,
    /// Technique of ATT&CK.
    pub technique: &'static str,
    /// Whose identity is used.
    pub victim: &'static str,
    /// What is done, in a sentence.
    pub sentence: &'static str,
    /// What is unusual about it however it is done; what its stealth adds is found per plan.
    pub tells: &'static [&'static str],
    pub(crate) steps: Steps,
}

/// A family, in the order of its fields.
pub(crate) const fn family(
    name: &'static str,
    theme: Theme,
    technique: &'static str,
    victim: &'static str,
    sentence: &'static str,
    tells: &'static [&'static str],
    steps: Steps,
) -> Family {
    Family { name, theme, technique, victim, sentence, tells, steps }
}

/// All families, by theme.
pub fn families() -> impl Iterator<Item = &'static Family> {
    let all: [&'static [Family]; 9] = [
        credentials::FAMILIES,
        recon::FAMILIES,
        secrets::FAMILIES,
        lateral::FAMILIES,
        escalation::FAMILIES,
        persistence::FAMILIES,
        evasion::FAMILIES,
        impact::FAMILIES,
        control::FAMILIES,
    ];
    all.into_iter().flatten()
}

/// An attack that is planned: all its deeds, with those that it causes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Number of the story.
    pub story: u32,
    /// Family.
    pub family: &'static str,
    /// How it is done.
    pub stealth: Stealth,
    /// The deeds, by time.
    pub deeds: Vec<Deed>,
    /// `user.username` of whoever acts in it, without the cascades.
    pub actors: Vec<Text>,
    /// Requests of the attacker.
    pub requests: u32,
    /// What is unusual about it: see [`Story::tells`].
    pub tells: Vec<&'static str>,
}

impl Plan {
    /// When its first and its last deed of the attacker are.
    pub fn span(&self) -> (Moment, Moment) {
        let own = self.deeds.iter().filter(|deed| !deed.label.cascade);
        let times = own.map(|deed| deed.act.received);
        let (first, last) = (times.clone().min(), times.max());
        (first.unwrap_or_default(), last.unwrap_or_default())
    }

    /// What is to be known of it once it has ended.
    pub fn story(&self) -> Story {
        let (from, to) = self.span();
        Story {
            number: self.story,
            kind: Kind::Attack { family: self.family, stealth: self.stealth },
            from,
            to,
            actors: self.actors.clone(),
            requests: self.requests,
            tells: self.tells.clone(),
        }
    }
}

/// How an attack is to be planned.
#[derive(Clone, Debug)]
pub struct Order {
    /// Number of the story.
    pub story: u32,
    /// How it is done.
    pub stealth: Stealth,
    /// When it begins.
    pub at: Moment,
    /// The victim, where it must be this one.
    pub victim: Option<Text>,
}

impl Family {
    /// Plans it; none if the world has no victim for it. The same seed plans the same.
    pub fn plan(&self, world: &World, order: &Order, seed: u64) -> Option<Plan> {
        let mut random = Random::new(seed);
        let mut scene = Scene::new(world, &mut random, order.stealth, order.at, order.story);
        scene.pinned.clone_from(&order.victim);
        (self.steps)(&mut scene)?;
        Some(scene.done(self.name, self.tells))
    }
}

impl Scene<'_> {
    /// What was planned.
    pub(crate) fn done(self, family: &'static str, tells: &'static [&'static str]) -> Plan {
        let world = self.cascade.world;
        let mut deeds = self.cascade.deeds;
        deeds.sort_by_key(|deed| deed.act.received);
        let mut all = tells.to_vec();
        let own = deeds.iter().filter(|deed| !deed.label.cascade);
        let usual = usual_actors(world);
        for deed in own.clone() {
            let Some(actor) = usual.get(&deed.act.actor.name) else { continue };
            if actor.agent != deed.act.actor.agent {
                all.push("program");
            }
            if actor.address != deed.act.actor.address {
                all.push("source");
            }
        }
        if own.clone().filter(|deed| deed.act.code == 403).count() > 2 {
            all.push("denials");
        }
        if self.requests > 60 {
            all.push("rate");
        }
        let mut seen = Vec::new();
        all.retain(|tell| {
            !seen.contains(tell) && {
                seen.push(*tell);
                true
            }
        });
        Plan {
            story: self.cascade.label.story,
            family,
            stealth: self.stealth,
            deeds,
            actors: self.actors.into_iter().collect(),
            requests: self.requests,
            tells: all,
        }
    }
}

fn usual_actors(world: &World) -> BTreeMap<Text, &Arc<Actor>> {
    let people = world.people.iter().map(|person| &person.actor);
    let accounts = world.accounts.iter().map(|account| &account.actor);
    let nodes = world.machines.iter().map(|machine| &machine.kubelet);
    people.chain(accounts).chain(nodes).map(|actor| (Arc::clone(&actor.name), actor)).collect()
}
