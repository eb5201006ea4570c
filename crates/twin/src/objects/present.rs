//! Which life a piece of evidence belongs to, and what it says of its beginning and end.
//!
//! Facts come nearly in order, API servers' clocks differ a little, caches answer late: a life that is
//! over stays over unless it is proved again, and within the skew nothing is concluded from order.

use super::{
    Objects,
    life::{Act, Bound, Edge, Facet, Life, Version},
    store::Key,
};
use trailhound_model::{
    fact::Fact,
    observed::{Surety, Witness},
    time::{SECOND, Time},
};

/// By how much records of different API servers may be out of order.
const SKEW: i64 = 2 * SECOND;

impl Objects {
    /// The life that is there, which may begin with this; nothing if the evidence is of an object that
    /// is gone already.
    pub(super) fn present(
        &mut self,
        key: Key<'_>,
        uid: &str,
        created: Option<Time>,
        fact: &Fact,
        surety: Surety,
    ) -> Option<u32> {
        let time = fact.event.time;
        if key.name.is_empty() {
            return None;
        }
        if let Some(id) = self.with_uid(key, uid) {
            self.see(id, time);
            return Some(id);
        }
        let Some(id) = self.store.ids(key).last().copied() else {
            return self.found(key, uid, created, fact, surety);
        };
        let life = self.store.get(id)?;
        let is_other = !uid.is_empty() && !life.uid.is_empty();
        if is_other {
            let since = created.unwrap_or(time);
            if since < life.begin.time && life.begin.edge == Edge::Exact {
                return None;
            }
            self.gone(id, since, Edge::NotLater, Surety::Proved, fact);
            return self.found(key, uid, created, fact, surety);
        }
        let over = life.end.as_ref().map(|end| (end.time, end.edge));
        let is_new = match over {
            Some((end, Edge::NotEarlier)) => created.is_some_and(|created| created > end),
            Some((end, _)) => time.since(end) > SKEW,
            None => false,
        };
        if is_new {
            return self.found(key, uid, created, fact, surety);
        }
        self.learn_uid(id, uid);
        self.see(id, time);
        Some(id)
    }

    /// An object is named that was not known: it is older than this.
    fn found(
        &mut self,
        key: Key<'_>,
        uid: &str,
        created: Option<Time>,
        fact: &Fact,
        surety: Surety,
    ) -> Option<u32> {
        let time = fact.event.time;
        let act = self.pending.claim(key.resource, key.namespace, time);
        let created = created.filter(|created| *created <= time.plus(SKEW));
        let (begin, edge, surety) = match (created, &act) {
            (Some(created), _) => (created, Edge::Exact, surety),
            (None, Some(act)) => (act.witness.time, Edge::Exact, Surety::Inferred),
            (None, None) => (time, Edge::NotLater, surety),
        };
        let witness = Witness::of(&fact.event);
        self.store.open(Life {
            resource: key.resource.into(),
            namespace: key.namespace.into(),
            name: key.name.into(),
            uid: uid.into(),
            begin: Bound { time: begin, edge, surety, witness },
            last_seen: time,
            created_by: act.map(|act| Box::new(Act { surety: Surety::Inferred, ..act })),
            ..Life::default()
        })
    }

    /// An object was created.
    pub(super) fn born(&mut self, key: Key<'_>, uid: &str, fact: &Fact) -> Option<u32> {
        let time = fact.event.time;
        let same = self.with_uid(key, uid).or_else(|| self.just_found(key, uid, time));
        let last = self.store.ids(key).last().copied();
        if let (None, Some(last)) = (same, last) {
            self.gone(last, time, Edge::NotLater, Surety::Proved, fact);
        }
        let id = match same {
            Some(id) => id,
            None => self.store.open(Life {
                resource: key.resource.into(),
                namespace: key.namespace.into(),
                name: key.name.into(),
                uid: uid.into(),
                last_seen: time,
                ..Life::default()
            })?,
        };
        self.learn_uid(id, uid);
        let act = Act::of(fact);
        let life = self.store.get_mut(id)?;
        life.begin =
            Bound { time, edge: Edge::Exact, surety: Surety::Proved, witness: act.witness.clone() };
        life.see(time);
        if life.versions.is_empty() {
            life.push_version(Version {
                time,
                changed: vec![Facet::Created],
                who: act.who.clone(),
                witness: act.witness.clone(),
                ..Version::default()
            });
        }
        life.created_by = Some(Box::new(act));
        Some(id)
    }

    /// A life that a record a moment before its creation has shown.
    fn just_found(&self, key: Key<'_>, uid: &str, time: Time) -> Option<u32> {
        let id = *self.store.ids(key).last()?;
        let life = self.store.get(id)?;
        let is_same = (life.uid.is_empty() || uid.is_empty())
            && life.created_by.is_none()
            && life.end.is_none()
            && life.begin.time.plus(SKEW) >= time;
        is_same.then_some(id)
    }

    fn with_uid(&self, key: Key<'_>, uid: &str) -> Option<u32> {
        if uid.is_empty() {
            return None;
        }
        let ids = self.store.ids(key).iter().rev();
        ids.copied().find(|id| self.store.get(*id).is_some_and(|life| life.uid == uid))
    }

    fn learn_uid(&mut self, id: u32, uid: &str) {
        let Some(life) = self.store.get_mut(id) else { return };
        if life.uid.is_empty() && !uid.is_empty() {
            life.uid = uid.into();
            self.store.index_uid(id);
        }
    }

    /// The object is there at this time. Whatever only implied its end was wrong.
    fn see(&mut self, id: u32, time: Time) {
        let Some(life) = self.store.get_mut(id) else { return };
        life.see(time);
        let Some(end) = &mut life.end else { return };
        if time <= end.time {
            return;
        }
        if end.edge == Edge::NotEarlier {
            end.time = time;
        } else if end.surety < Surety::Proved {
            life.end = None;
            self.store.reopen();
        }
    }

    /// Somebody deleted the object; it is gone with this if that is `last`.
    pub(super) fn deleted(&mut self, key: Key<'_>, uid: &str, fact: &Fact, last: Option<Surety>) {
        let Some(id) = self.present(key, uid, None, fact, Surety::Proved) else { return };
        let time = fact.event.time;
        if let Some(life) = self.store.get_mut(id)
            && life.deleted_by.is_none()
        {
            life.deleted_by = Some(Box::new(Act::of(fact)));
        }
        match last {
            Some(surety) => self.gone(id, time, Edge::Exact, surety, fact),
            None => self.gone(id, time, Edge::NotEarlier, Surety::Inferred, fact),
        }
    }

    /// The object of this name is not there.
    pub(super) fn absent(&mut self, key: Key<'_>, fact: &Fact) {
        let Some(id) = self.store.ids(key).last().copied() else { return };
        let time = fact.event.time;
        let Some(life) = self.store.get(id) else { return };
        // A cache may not know yet what was created a moment ago.
        if time.since(life.begin.time) > SKEW {
            self.gone(id, time, Edge::NotLater, Surety::Inferred, fact);
        }
    }

    /// Sets an end unless a better one is known.
    fn gone(&mut self, id: u32, time: Time, edge: Edge, surety: Surety, fact: &Fact) {
        let Some(life) = self.store.get_mut(id) else { return };
        let known = life.end.as_ref().map(|end| (end.edge, end.surety));
        let is_better = match known {
            None => true,
            Some((Edge::NotEarlier, _)) => edge != Edge::NotEarlier,
            Some((Edge::NotLater, old)) => edge == Edge::Exact && surety >= old,
            Some((Edge::Exact, old)) => edge == Edge::Exact && old < surety,
        };
        if !is_better {
            return;
        }
        let time = time.max(life.begin.time);
        life.end = Some(Bound { time, edge, surety, witness: Witness::of(&fact.event) });
        if known.is_none() {
            self.store.close(id);
        }
    }

    /// Whether the last life of a name has a node or is ending: a new binding then is of another pod.
    pub(super) fn is_bound(&self, key: Key<'_>) -> bool {
        let last = self.store.ids(key).last().and_then(|id| self.store.get(*id));
        last.is_some_and(|life| life.end.is_some())
    }
}
