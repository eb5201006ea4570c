//! What a thread remembers of the rules that one kind of request can meet at all.
//!
//! Rules that watch everything ask first who acts and with which program, and logs repeat those a
//! thousand times. So for each pair of them, and each action and outcome, the rules that are left
//! are worked out once and then only looked up: ten times more such rules cost little. It is a
//! cache and nothing else: what is in it never changes an answer, it is bounded, and it belongs to
//! one rule set.

use crate::{
    field::{Field, FieldId},
    index::Gate,
};
use std::sync::Arc;
use trailhound_model::{Str, fact::Fact, lookup::Truth};

/// Entries; a newcomer replaces whoever has its place.
const PLACES: u64 = 4096;
/// User agents and names longer than this are judged anew each time.
const MAX_TEXT: usize = 512;

/// Whether a field is the same for all requests with the same key.
pub(crate) fn remembers(field: &Field) -> bool {
    matches!(
        field.id(),
        FieldId::EventUserAgent
            | FieldId::EventAgent
            | FieldId::EventInteractive
            | FieldId::ActionKind
            | FieldId::ActionPhrase
            | FieldId::ActionOutcome
            | FieldId::PrincipalName
            | FieldId::PrincipalKind
            | FieldId::PrincipalNamespace
            | FieldId::PrincipalShort
            | FieldId::PrincipalImpersonated
            | FieldId::ActorName
            | FieldId::ActorKind
            | FieldId::ActorNamespace
            | FieldId::ActorShort
            | FieldId::CredentialKind
    )
}

/// Rules that one kind of request meets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Met {
    /// Those that the index lets through, whose looks are counted.
    pub(crate) looked: Vec<u32>,
    /// Those of them that are not ruled out by who acts and with what, and whether that is known to
    /// hold: a format may not say with what.
    pub(crate) left: Vec<(Gate, Truth)>,
}

/// What is remembered.
#[derive(Clone, Debug)]
struct Entry {
    words: u64,
    agent: Str,
    actor: Str,
    effective: Str,
    hits: u64,
    met: Arc<Met>,
}

/// The memory of one thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recall {
    set: u64,
    places: Vec<Option<Box<Entry>>>,
    /// Places with looks that were not yet taken; may name one more than once.
    looked: Vec<u32>,
}

impl Recall {
    /// The rules that a request like this meets, worked out by `work` if they are not remembered.
    /// Gives back the looks of an entry that had to go.
    pub(crate) fn met(
        &mut self,
        set: u64,
        fact: &Fact,
        work: impl FnOnce() -> Met,
    ) -> (Arc<Met>, Option<(u64, Arc<Met>)>) {
        let at = self.place(set, fact);
        let Some((at, place)) = at.and_then(|at| Some((at, self.places.get_mut(at as usize)?)))
        else {
            let met = Arc::new(work());
            return (Arc::clone(&met), Some((1, met)));
        };
        match place {
            Some(entry) if entry.is_of(fact) => {
                if entry.hits == 0 {
                    self.looked.push(at);
                }
                entry.hits += 1;
                (Arc::clone(&entry.met), None)
            }
            _ => {
                let met = Arc::new(work());
                self.looked.push(at);
                let old = place.replace(Box::new(Entry::of(fact, Arc::clone(&met))));
                (met, old.map(|entry| (entry.hits, entry.met)))
            }
        }
    }

    /// The looks that entries have counted.
    pub(crate) fn looks(&self) -> impl Iterator<Item = (u64, &Met)> {
        self.places.iter().flatten().map(|entry| (entry.hits, &*entry.met))
    }

    /// Hands each of them to `count` and counts from nothing again.
    pub(crate) fn take_looks(&mut self, mut count: impl FnMut(u64, &Met)) {
        for at in self.looked.drain(..) {
            if let Some(Some(entry)) = self.places.get_mut(at as usize) {
                count(std::mem::take(&mut entry.hits), &entry.met);
            }
        }
    }

    fn place(&mut self, set: u64, fact: &Fact) -> Option<u32> {
        let texts = texts(fact);
        if texts.iter().any(|text| text.len() > MAX_TEXT) {
            return None;
        }
        if self.places.is_empty() {
            self.set = set;
            self.places.resize_with(usize::try_from(PLACES).unwrap_or(0), || None);
        }
        if self.set != set {
            return None;
        }
        let hash = texts.iter().fold(words(fact), |hash, text| mixed(hash, sampled(text)));
        u32::try_from((hash >> 32) % PLACES).ok()
    }
}

impl Entry {
    fn of(fact: &Fact, met: Arc<Met>) -> Entry {
        let [agent, actor, effective] = texts(fact).map(Str::from);
        Entry { words: words(fact), agent, actor, effective, hits: 1, met }
    }

    fn is_of(&self, fact: &Fact) -> bool {
        let [agent, actor, effective] = texts(fact);
        self.words == words(fact)
            && self.agent == agent
            && self.actor == actor
            && self.effective == effective
    }
}

/// The texts that a request is remembered by.
fn texts(fact: &Fact) -> [&str; 3] {
    let principal = &fact.principal;
    [&fact.event.user_agent, &principal.actor().name, &principal.effective.name]
}

/// Everything else that it is remembered by: small words in one number.
fn words(fact: &Fact) -> u64 {
    let (action, principal) = (fact.action, &fact.principal);
    [
        action.kind as u64,
        action.outcome as u64,
        action.effect as u64,
        principal.actor().kind as u64,
        principal.effective.kind as u64,
        fact.credential.kind as u64,
        u64::from(principal.real.is_some()),
        fact.event.format as u64,
    ]
    .into_iter()
    .fold(0, |all, word| all << 8 | word)
}

fn mixed(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Length, start, middle and end of a text: enough to spread the names of one log. Texts that
/// collide only push one another out.
fn sampled(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let (start, end) = (bytes.first_chunk(), bytes.last_chunk());
    let (Some(start), Some(end)) = (start, end) else {
        return bytes.iter().fold(bytes.len() as u64, |all, byte| all << 8 | u64::from(*byte));
    };
    let middle = bytes.get(bytes.len() / 2..).and_then(<[u8]>::first_chunk).unwrap_or(end);
    [start, middle, end]
        .into_iter()
        .fold(bytes.len() as u64, |hash, part| mixed(hash, u64::from_le_bytes(*part)))
}
