//! Creations whose object the log does not name: without bodies a create has no name, but soon
//! something else names the object.

use super::life::Act;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use trailhound_model::{
    Str,
    time::{SECOND, Time},
};

/// How long a creation waits for its name.
const PATIENCE: i64 = 30 * SECOND;
/// Creations that wait in one namespace for one resource.
const MOST_WAITING: usize = 64;
/// Places where creations wait.
const MOST_PLACES: usize = 4_096;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    waiting: BTreeMap<(Str, Str), VecDeque<Act>>,
}

impl Pending {
    pub(super) fn add(&mut self, resource: &str, namespace: &str, act: Act) {
        let key = (Str::new(resource), Str::new(namespace));
        if self.waiting.len() >= MOST_PLACES && !self.waiting.contains_key(&key) {
            let now = act.witness.time;
            let old = |act: &Act| now.since(act.witness.time) > PATIENCE;
            self.waiting.retain(|_, acts| !acts.iter().all(old));
            if self.waiting.len() >= MOST_PLACES {
                self.waiting.pop_first();
            }
        }
        let acts = self.waiting.entry(key).or_default();
        if acts.len() >= MOST_WAITING {
            acts.pop_front();
        }
        acts.push_back(act);
    }

    /// The creation of an object that is named for the first time: the oldest that waits. Its doer is
    /// known only if all that wait are of one doer.
    pub(super) fn claim(&mut self, resource: &str, namespace: &str, time: Time) -> Option<Act> {
        if self.waiting.is_empty() {
            return None;
        }
        let key = (Str::new(resource), Str::new(namespace));
        let acts = self.waiting.get_mut(&key)?;
        acts.retain(|act| time.since(act.witness.time) <= PATIENCE);
        let is_one = acts.iter().all(|act| acts.front().is_some_and(|one| one.who == act.who));
        let act = acts.pop_front();
        if !is_one {
            // Whichever was meant, it cannot be told of those that are left either.
            for act in acts.iter_mut() {
                act.who = Str::default();
            }
        }
        if acts.is_empty() {
            self.waiting.remove(&key);
        }
        act.filter(|act| is_one && !act.who.is_empty() && act.witness.time <= time)
    }
}
