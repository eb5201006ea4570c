//! Who acts with which credential from where, and what each such *hand* did lately.
//!
//! A credential in two hands is two stories: the pod that uses its token every minute, and the thief
//! who uses the same token from outside. So a hand is an identity, a credential and an address, and
//! for accounts of programs also the program. What a hand did is kept for a while although no rule
//! objects to it, because the beginning of a breach is mostly known only afterwards.

use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use smallvec::SmallVec;
use std::{collections::VecDeque, hash::Hasher};
use trailhound_model::{
    Map, Str,
    action::{ActionKind, Outcome},
    entity,
    fact::Fact,
    principal::PrincipalKind,
    time::{MINUTE, SECOND, Time},
};

/// Hands that are remembered; beyond this those seen least recently are forgotten.
const MOST_HANDS: usize = 20_000;
/// Acts of a hand that are remembered.
const MOST_ACTS: usize = 24;
/// auditIDs that an act keeps.
const MOST_IDS: usize = 8;
/// Programs that a hand is remembered with.
const MOST_AGENTS: usize = 4;
/// Longest detail of an act, in characters.
const MOST_DETAIL: usize = 120;
/// After a longer pause than this a hand begins a new piece of work, whatever its rhythm.
const LONGEST_PAUSE: i64 = 10 * MINUTE;
/// A piece of work is never torn by a shorter pause than this.
const SHORTEST_PAUSE: i64 = 20 * SECOND;
/// How much longer than its mean gap a hand may pause within one piece of work.
const RHYTHM: i64 = 3;
/// Requests after which a hand has a rhythm.
const ENOUGH: u64 = 5;

/// A hash that stands for a name: 128 bits, so that nobody can find two names with one key.
pub(super) type Key = u128;

/// The key of something that is named by several texts.
pub(super) fn key_of(tag: &str, parts: &[&str]) -> Key {
    let mut hasher = SipHasher13::new();
    for part in [tag].iter().chain(parts) {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish128().as_u128()
}

/// The hand of a fact.
pub(super) fn hand_of(fact: &Fact) -> Key {
    let event = &fact.event;
    let credential = &fact.credential;
    // A pod's token is renewed every hour; the pod stays the same.
    let proof = if credential.pod_uid.is_empty() { &credential.id } else { &credential.pod_uid };
    let by_person = fact.principal.actor().kind.is_human();
    let program = if by_person { "" } else { event.agent_family() };
    // Who acts as others from where he always is does his own work beside.
    let acts_as =
        event.impersonated.is_some() || fact.action.kind == ActionKind::IdentityImpersonate;
    let own = if acts_as { "as another" } else { "" };
    key_of("hand", &[&event.user.name, proof, event.source_ip(), program, own])
}

/// Whether an identity's acts are kept before anything is known against it. Controllers and kubelets
/// make most of the log and are told by what caused their acts.
pub(super) fn is_kept(fact: &Fact) -> bool {
    !matches!(
        fact.principal.actor().kind,
        PrincipalKind::ControlPlane | PrincipalKind::Node | PrincipalKind::Provider
    )
}

/// Alike requests in one go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Doing {
    pub(super) first: Time,
    pub(super) last: Time,
    pub(super) count: u64,
    pub(super) action: ActionKind,
    pub(super) outcome: Outcome,
    pub(super) resource: Str,
    pub(super) namespace: Str,
    pub(super) name: Str,
    /// The command of an exec, the path of a URL, whom it acted as.
    pub(super) detail: Str,
    pub(super) ids: SmallVec<[Str; 1]>,
}

impl Doing {
    pub(super) fn of(fact: &Fact) -> Doing {
        let event = &fact.event;
        Doing {
            first: event.time,
            last: event.time,
            count: 1,
            action: fact.action.kind,
            outcome: fact.action.outcome,
            resource: event.resource().into(),
            namespace: event.namespace().into(),
            name: name_of(fact).into(),
            detail: detail(fact),
            ids: [event.audit_id.clone()].into_iter().collect(),
        }
    }

    /// The thing acted upon, as an entity.
    pub(super) fn target(&self) -> String {
        if self.resource.is_empty() {
            return format!("url:{}", self.detail);
        }
        entity::object(&self.resource, &self.namespace, &self.name)
    }

    /// Counts a fact as more of the same, if it is.
    pub(super) fn takes(&mut self, fact: &Fact) -> bool {
        let event = &fact.event;
        let same = self.action == fact.action.kind
            && self.outcome == fact.action.outcome
            && self.resource == event.resource()
            && self.namespace == event.namespace()
            && self.name == name_of(fact)
            && self.detail == detail(fact);
        if same {
            self.count += 1;
            self.last = self.last.max(event.time);
            if self.ids.len() < MOST_IDS && !self.ids.contains(&event.audit_id) {
                self.ids.push(event.audit_id.clone());
            }
        }
        same
    }
}

/// The name of the object, from wherever the record has it.
pub(super) fn name_of(fact: &Fact) -> &str {
    let name = fact.object_name();
    if !name.is_empty() {
        return name;
    }
    match fact.observed.as_deref().map(|observed| observed.objects.as_slice()) {
        Some([only]) => &only.name,
        _ => "",
    }
}

fn detail(fact: &Fact) -> Str {
    let event = &fact.event;
    let text = match (fact.action.kind, &event.object) {
        (ActionKind::PodExec | ActionKind::PodAttach, _) => event.query("command").join(" "),
        (ActionKind::NodeProxy | ActionKind::WorkloadProxy, _) | (_, None) => {
            return cut(event.path());
        }
        _ => match &event.impersonated {
            Some(user) => return cut(&user.name),
            None => return Str::default(),
        },
    };
    cut(&text)
}

fn cut(text: &str) -> Str {
    text.chars().take(MOST_DETAIL).collect()
}

/// That a hand belongs to an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Heat {
    /// Its last act that is part of it.
    pub(super) act: usize,
    /// When that was.
    pub(super) last: Time,
    /// Everything that this hand does in one go belongs to it: it is not where its owner is, or has
    /// no owner.
    pub(super) whole: bool,
}

/// An identity with a credential at a place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Hand {
    pub(super) who: String,
    pub(super) credential: String,
    pub(super) address: Str,
    pub(super) agents: SmallVec<[Str; 1]>,
    pub(super) first: Time,
    pub(super) last: Time,
    begun: Time,
    requests: u64,
    pub(super) lately: VecDeque<Doing>,
    pub(super) heat: Option<Heat>,
}

impl Hand {
    fn of(fact: &Fact) -> Hand {
        let time = fact.event.time;
        Hand {
            who: fact.principal.actor().entity(),
            credential: crate::judge::credential_entity(fact),
            address: fact.event.source_ip().into(),
            first: time,
            last: time,
            begun: time,
            ..Hand::default()
        }
    }

    /// How long it may pause within one piece of work: a few times as long as it mostly does.
    pub(super) fn pause(&self) -> i64 {
        if self.requests < ENOUGH {
            return SHORTEST_PAUSE;
        }
        let gaps = i64::try_from(self.requests.saturating_sub(1)).unwrap_or(i64::MAX).max(1);
        let mean = self.last.since(self.begun) / gaps;
        (mean.saturating_mul(RHYTHM)).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
    }

    /// Notes that it acts again; how long it may have paused is judged by its rhythm so far.
    fn acts(&mut self, fact: &Fact) -> i64 {
        let (time, pause) = (fact.event.time, self.pause());
        if time.since(self.last) > LONGEST_PAUSE {
            self.begun = time;
            self.requests = 0;
        }
        self.requests += 1;
        self.last = self.last.max(time);
        let agent = fact.event.user_agent.as_str();
        if self.agents.len() < MOST_AGENTS && !self.agents.iter().any(|known| known == agent) {
            self.agents.push(cut(agent));
        }
        pause
    }

    pub(super) fn remember(&mut self, fact: &Fact) {
        if self.lately.back_mut().is_some_and(|last| last.takes(fact)) {
            return;
        }
        if self.lately.len() >= MOST_ACTS {
            self.lately.pop_front();
        }
        self.lately.push_back(Doing::of(fact));
    }
}

/// All hands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Hands {
    known: Map<Key, Hand>,
    /// Hands forgotten because there were too many.
    pub(super) forgotten: u64,
}

impl Hands {
    /// The hand that acts, new or known, and how long it may have paused.
    pub(super) fn meet(&mut self, key: Key, fact: &Fact) -> i64 {
        if let Some(hand) = self.known.get_mut(&key) {
            return hand.acts(fact);
        }
        self.make_room();
        self.known.entry(key).or_insert_with(|| Hand::of(fact)).acts(fact)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Hand> {
        self.known.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Hand> {
        self.known.get_mut(&key)
    }

    fn make_room(&mut self) {
        if self.known.len() < MOST_HANDS {
            return;
        }
        let mut ages: Vec<(bool, Time, Key)> =
            self.known.iter().map(|(key, hand)| (hand.heat.is_some(), hand.last, *key)).collect();
        ages.sort_unstable();
        for (_, _, key) in ages.into_iter().take(MOST_HANDS / 10) {
            self.known.remove(&key);
            self.forgotten += 1;
        }
    }
}
