//! Requests that the authorizers refused: each proves that nobody allowed it at that moment, and as
//! long as no role or binding was written after it, that nobody does.
//!
//! Kept as digests: who is refused may choose what he asks for, millions of times.

use super::attributes::{Ask, Who};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};
use trailhound_model::{Str, event::User, time::Time};

/// Refusals that are kept; of more, the oldest go.
const MOST: usize = 20_000;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusals {
    last: BTreeMap<u128, Time>,
    order: VecDeque<u128>,
}

impl Refusals {
    pub(super) fn note(&mut self, user: &User, ask: &Ask<'_>, at: Time) {
        let key = digest(&user.name, &user.groups.iter().map(Str::as_str), ask);
        if self.last.insert(key, at).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.last.remove(&oldest);
        }
    }

    /// When exactly this was last refused.
    pub(super) fn last(&self, who: &Who, ask: &Ask<'_>) -> Option<Time> {
        let groups = who.groups.iter().map(Str::as_str);
        self.last.get(&digest(&who.user, &groups, ask)).copied()
    }
}

fn digest<'a>(user: &str, groups: &(impl Iterator<Item = &'a str> + Clone), ask: &Ask<'_>) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, user).hash(&mut hasher);
        groups.clone().for_each(|group| group.hash(&mut hasher));
        let what = (ask.group, ask.resource, ask.subresource, ask.namespace, ask.name);
        (ask.verb, what, ask.path.as_ref()).hash(&mut hasher);
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}
