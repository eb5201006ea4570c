//! What grants were used for, by the authorizer's own word: counted per identity, verb, resource and
//! namespace, so that one can tell a right that is needed from one that only stands there.
//!
//! A reason comes with every event, so that an event must not cost more than two look-ups here.

use super::{BindingKey, RoleKey, attributes::Ask, reason, reason::GrantRef};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::{collections::BTreeMap, hash::Hash};
use trailhound_model::{Map, Memo, Shared, Str, time::Time};

/// Reasons that are remembered. There are as many as bindings times subjects.
const MOST_REASONS: usize = 50_000;
/// Uses that are told apart, in all and of one reason. Beyond that they are counted together.
const MOST_USES: usize = 200_000;
const MOST_PER_REASON: u32 = 4_096;
/// Names that are told apart; whoever may touch more may touch any, as far as one can infer.
const MOST_NAMES: usize = 8;

/// How often and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseCount {
    /// Requests.
    pub count: u64,
    /// The first of them, if there is any.
    pub first: Option<Time>,
    /// The last.
    pub last: Option<Time>,
}

impl UseCount {
    fn add(&mut self, at: Time) {
        self.count += 1;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(Some(at));
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: UseCount) -> UseCount {
        let first = [self.first, other.first].into_iter().flatten().min();
        UseCount { count: self.count + other.count, first, last: self.last.max(other.last) }
    }

    /// Whether there is any.
    pub fn is_used(&self) -> bool {
        self.count > 0
    }
}

/// One use of one grant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    reason: u32,
    /// Who used it; empty where uses of many identities are counted together.
    pub user: Str,
    /// Verb.
    pub verb: Str,
    /// API group.
    pub group: Str,
    /// Resource.
    pub resource: Str,
    /// Subresource.
    pub subresource: Str,
    /// Namespace.
    pub namespace: Str,
    /// Path, if it was no resource.
    pub path: Str,
    /// The first names.
    pub names: SmallVec<[Str; 1]>,
    /// It was used without a name, or with many: the rule restricts none.
    pub any_name: bool,
    /// How often and when.
    pub count: UseCount,
}

impl Use {
    fn is(&self, reason: u32, user: &str, ask: &Ask<'_>) -> bool {
        self.reason == reason
            && self.resource == ask.resource
            && self.verb == ask.verb
            && self.namespace == ask.namespace
            && self.user == user
            && self.subresource == ask.subresource
            && self.group == ask.group
            && self.path == ask.path.as_ref()
    }

    fn add(&mut self, name: &str, at: Time) {
        self.count.add(at);
        if self.any_name || self.names.iter().any(|known| known == name) {
            return;
        }
        if name.is_empty() || self.names.len() >= MOST_NAMES {
            self.any_name = true;
            self.names = SmallVec::new();
        } else {
            self.names.push(name.into());
        }
    }

    /// Whether it shows that the same rule allows this too.
    fn shows(&self, ask: &Ask<'_>) -> bool {
        self.verb == ask.verb
            && self.resource == ask.resource
            && self.group == ask.group
            && self.subresource == ask.subresource
            && self.path == ask.path.as_ref()
            && (self.any_name || self.names.iter().any(|name| name == ask.name))
    }
}

/// A reason, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    text: Str,
    grant: GrantRef,
    uses: u32,
    /// The state of roles and bindings with which it was last compared.
    epoch: u64,
}

/// What is written down.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Kept {
    known: Vec<Known>,
    uses: Vec<Use>,
    dropped: u64,
    unread: u64,
}

/// See the module.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Kept", into = "Kept")]
pub(super) struct Uses {
    known: Vec<Known>,
    list: Vec<Use>,
    dropped: u64,
    unread: u64,
    by_text: Map<Str, u32>,
    by_use: Map<u64, u32>,
    /// Reasons by the annotations that hold them.
    memo: Memo<Vec<(Str, Str)>, Option<u32>>,
    by_binding: BTreeMap<BindingKey, Vec<u32>>,
    by_role: BTreeMap<RoleKey, Vec<u32>>,
    by_reason: Vec<Vec<u32>>,
    /// The use of each reason that was found last: mostly the next is the same.
    latest: Vec<u32>,
}

impl PartialEq for Uses {
    fn eq(&self, other: &Uses) -> bool {
        let counts = |one: &Uses| (one.dropped, one.unread);
        self.known == other.known && self.list == other.list && counts(self) == counts(other)
    }
}

impl From<Uses> for Kept {
    fn from(uses: Uses) -> Kept {
        Kept { known: uses.known, uses: uses.list, dropped: uses.dropped, unread: uses.unread }
    }
}

impl From<Kept> for Uses {
    fn from(kept: Kept) -> Uses {
        let mut uses = Uses { dropped: kept.dropped, unread: kept.unread, ..Uses::default() };
        kept.known.into_iter().for_each(|known| {
            uses.enter_reason(known);
        });
        kept.uses.into_iter().for_each(|one| {
            uses.enter_use(one);
        });
        uses
    }
}

/// What came of a reason.
pub(super) struct Noted {
    /// The grant.
    pub(super) reason: u32,
    /// Roles and bindings have changed since it was last compared with them.
    pub(super) stale: bool,
    /// It was never used for this before.
    pub(super) new: bool,
}

impl Uses {
    /// Counts a use. `None` if the reason cannot be read, or there is no room.
    pub(super) fn note(
        &mut self,
        (annotations, text): (&Shared<Vec<(Str, Str)>>, &str),
        user: &str,
        ask: &Ask<'_>,
        at: Time,
        epoch: u64,
    ) -> Option<Noted> {
        let reason = self.recalled(annotations, text)?;
        let known = self.known.get(reason as usize)?;
        let stale = known.epoch != epoch;
        let mut user = user;
        let latest = self.latest.get(reason as usize).copied().unwrap_or(u32::MAX);
        let again = self.list.get(latest as usize).is_some_and(|one| one.is(reason, user, ask));
        let mut found = if again { Some(latest) } else { self.find_use(reason, user, ask) };
        if found.is_none() && known.uses >= MOST_PER_REASON {
            user = "";
            found = self.find_use(reason, user, ask);
        }
        let new = found.is_none();
        let place = match found {
            Some(place) => place,
            None if self.list.len() >= MOST_USES || known.uses >= 2 * MOST_PER_REASON => {
                self.dropped += 1;
                self.count_unnamed(reason, at);
                return Some(Noted { reason, stale, new: false });
            }
            None => self.enter_use(fresh(reason, user, ask)),
        };
        if let Some(latest) = self.latest.get_mut(reason as usize) {
            *latest = place;
        }
        if let Some(one) = self.list.get_mut(place as usize) {
            one.add(ask.name, at);
        }
        Some(Noted { reason, stale, new })
    }

    /// For what it was used there is no room; that it was must not be lost, or a grant would seem to
    /// be used by nobody.
    fn count_unnamed(&mut self, reason: u32, at: Time) {
        let ask = Ask {
            verb: "",
            group: "",
            resource: "",
            subresource: "",
            namespace: "",
            name: "",
            path: "".into(),
        };
        let known = self.find_use(reason, "", &ask);
        let place = known.unwrap_or_else(|| self.enter_use(fresh(reason, "", &ask)));
        if let Some(one) = self.list.get_mut(place as usize) {
            one.count.add(at);
        }
    }

    pub(super) fn grant(&self, reason: u32) -> Option<&GrantRef> {
        Some(&self.known.get(reason as usize)?.grant)
    }

    pub(super) fn compared(&mut self, reason: u32, epoch: u64) {
        if let Some(known) = self.known.get_mut(reason as usize) {
            known.epoch = epoch;
        }
    }

    /// Uses that were not kept.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The uses of a binding, most used first.
    pub(super) fn of_binding(&self, binding: &BindingKey) -> Vec<&Use> {
        let reasons = self.by_binding.get(binding).map(Vec::as_slice).unwrap_or_default();
        let mut uses: Vec<&Use> = self.of(reasons).collect();
        uses.sort_by_key(|one| std::cmp::Reverse(one.count.count));
        uses
    }

    /// How often one grant was used for exactly this.
    pub(super) fn count(&self, grant: &GrantRef, ask: &Ask<'_>) -> UseCount {
        let reasons = self.by_binding.get(&grant.binding).map(Vec::as_slice).unwrap_or_default();
        let same = |one: &&Use| {
            self.known.get(one.reason as usize).is_some_and(|known| known.grant == *grant)
        };
        let fits = |one: &&Use| {
            one.shows(ask) && (ask.namespace.is_empty() || one.namespace == ask.namespace)
        };
        self.of(reasons)
            .filter(same)
            .filter(fits)
            .fold(UseCount::default(), |sum, one| sum.and(one.count))
    }

    /// How often one grant was used for anything.
    pub(super) fn total(&self, grant: &GrantRef) -> UseCount {
        let reasons = self.by_binding.get(&grant.binding).map(Vec::as_slice).unwrap_or_default();
        self.of(reasons)
            .filter(|one| self.known.get(one.reason as usize).is_some_and(|k| k.grant == *grant))
            .fold(UseCount::default(), |sum, one| sum.and(one.count))
    }

    /// Whether a role allowed this in a stretch of time, whoever had it.
    pub(super) fn role_allowed(
        &self,
        role: &RoleKey,
        ask: &Ask<'_>,
        from: Time,
        to: Option<Time>,
    ) -> bool {
        let reasons = self.by_role.get(role).map(Vec::as_slice).unwrap_or_default();
        let within =
            |at: Option<Time>| at.is_some_and(|at| at >= from && to.is_none_or(|to| at < to));
        self.of(reasons)
            .any(|one| one.shows(ask) && (within(one.count.first) || within(one.count.last)))
    }

    /// All uses of some reasons.
    fn of<'a>(&'a self, reasons: &'a [u32]) -> impl Iterator<Item = &'a Use> {
        let places = reasons.iter().filter_map(|reason| self.by_reason.get(*reason as usize));
        places.flatten().filter_map(|place| self.list.get(*place as usize))
    }

    /// The reason in some annotations; what is dropped or unread is counted every time.
    fn recalled(&mut self, annotations: &Shared<Vec<(Str, Str)>>, text: &str) -> Option<u32> {
        let mut memo = std::mem::take(&mut self.memo);
        let mut is_new = false;
        let found = memo.get(annotations, || {
            is_new = true;
            self.reason(text)
        });
        self.memo = memo;
        if is_new || found.is_some() { found } else { self.reason(text) }
    }

    fn reason(&mut self, text: &str) -> Option<u32> {
        if let Some(place) = self.by_text.get(text) {
            return Some(*place);
        }
        let Some(grant) = reason::parse(text) else {
            self.unread += 1;
            return None;
        };
        if self.known.len() >= MOST_REASONS {
            self.dropped += 1;
            return None;
        }
        Some(self.enter_reason(Known { text: text.into(), grant, uses: 0, epoch: 0 }))
    }

    fn enter_reason(&mut self, known: Known) -> u32 {
        let place = self.known.len() as u32;
        self.by_text.insert(known.text.clone(), place);
        self.by_binding.entry(known.grant.binding.clone()).or_default().push(place);
        self.by_role.entry(known.grant.role.clone()).or_default().push(place);
        self.known.push(Known { uses: 0, ..known });
        self.by_reason.push(Vec::new());
        self.latest.push(u32::MAX);
        place
    }

    /// With the keys of this process: what is kept holds none of it.
    fn hash_of(&self, value: &impl Hash) -> u64 {
        self.by_use.hasher().hash_one(value)
    }

    fn find_use(&self, reason: u32, user: &str, ask: &Ask<'_>) -> Option<u32> {
        let mut hash = self.hash_of(&key(reason, user, ask));
        loop {
            let place = *self.by_use.get(&hash)?;
            if self.list.get(place as usize).is_some_and(|one| one.is(reason, user, ask)) {
                return Some(place);
            }
            hash = hash.wrapping_add(1);
        }
    }

    fn enter_use(&mut self, one: Use) -> u32 {
        let place = self.list.len() as u32;
        let ask = Ask {
            verb: &one.verb,
            group: &one.group,
            resource: &one.resource,
            subresource: &one.subresource,
            namespace: &one.namespace,
            name: "",
            path: one.path.as_str().into(),
        };
        let mut hash = self.hash_of(&key(one.reason, &one.user, &ask));
        while self.by_use.contains_key(&hash) {
            hash = hash.wrapping_add(1);
        }
        self.by_use.insert(hash, place);
        if let Some(known) = self.known.get_mut(one.reason as usize) {
            known.uses += 1;
        }
        if let Some(places) = self.by_reason.get_mut(one.reason as usize) {
            places.push(place);
        }
        self.list.push(one);
        place
    }
}

fn fresh(reason: u32, user: &str, ask: &Ask<'_>) -> Use {
    Use {
        reason,
        user: user.into(),
        verb: ask.verb.into(),
        group: ask.group.into(),
        resource: ask.resource.into(),
        subresource: ask.subresource.into(),
        namespace: ask.namespace.into(),
        path: Str::from(ask.path.as_ref()),
        ..Use::default()
    }
}

fn key<'a>(reason: u32, user: &'a str, ask: &'a Ask<'_>) -> (u32, &'a str, [&'a str; 5], &'a str) {
    let what = [ask.verb, ask.group, ask.resource, ask.subresource, ask.namespace];
    (reason, user, what, ask.path.as_ref())
}
