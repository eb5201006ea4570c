//! What was refused to whom, and which rights were written since: so that a later success can be
//! compared with the refusal before it.
//!
//! A refusal proves that the right was not there. If the same request is allowed later, somebody
//! must have written a binding or a role in between; if the log shows no such write, the grant is
//! missing from the log. If it is allowed to another identity at the same address, one person may
//! have changed his hat. Both need the refusal to be exactly the same request.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map, Str,
    action::{ActionKind, Effect, Outcome},
    event::Event,
    fact::Fact,
    lookup::Truth,
    time::{HOUR, MINUTE, SECOND, Time},
};

/// Requests whose refusals are remembered; beyond this the oldest half is forgotten.
const MOST_REQUESTS: usize = 20_000;
/// Refusals of one request that are remembered.
const MOST_EACH: usize = 8;
/// Bindings and roles whose last write is remembered.
const MOST_WRITTEN: usize = 20_000;
/// Within this time of a refusal, success of another identity at the same address is compared.
const SAME_WORK: i64 = 15 * MINUTE;
/// A refusal may come from a cache that does not know of a write yet.
const CACHE_LAG: i64 = 30 * SECOND;

/// What was asked: verb, resource and subresource, group, namespace.
type Request = (Str, Str, Str, Str);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Refusal {
    actor: Str,
    effective: Str,
    groups: Vec<Str>,
    address: Str,
    time: Time,
}

/// Refusals, and the writes to RBAC objects.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Refusals {
    refused: Map<Request, Vec<Refusal>>,
    written: Map<Str, Time>,
    /// Last write whose object the log does not name: it may have been any.
    unnamed: Option<Time>,
    /// The log has shown a write to RBAC objects at all.
    shows_writes: bool,
    overflowed: bool,
}

impl Refusals {
    pub(super) fn observe(&mut self, fact: &Fact) {
        match fact.action.outcome {
            Outcome::Denied => self.refuse(fact),
            Outcome::Allowed => self.write(fact),
            _ => {}
        }
    }

    fn refuse(&mut self, fact: &Fact) {
        if fact.event.object.is_none() {
            return;
        }
        self.make_room();
        let refusal = Refusal {
            actor: fact.principal.actor().name.clone(),
            effective: fact.principal.effective.name.clone(),
            groups: groups(&fact.event).to_vec(),
            address: fact.event.source_ip().into(),
            time: fact.event.time,
        };
        let refusals = self.refused.entry(request(&fact.event)).or_default();
        let same = |old: &Refusal| {
            old.actor == refusal.actor
                && old.effective == refusal.effective
                && old.address == refusal.address
        };
        refusals.retain(|old| !same(old));
        if refusals.len() >= MOST_EACH {
            refusals.remove(0);
        }
        refusals.push(refusal);
    }

    fn make_room(&mut self) {
        if self.refused.len() < MOST_REQUESTS {
            return;
        }
        let last = |refusals: &[Refusal]| refusals.iter().map(|one| one.time).max();
        let mut ages: Vec<_> = self.refused.values().filter_map(|all| last(all)).collect();
        ages.sort_unstable();
        let middle = ages.get(ages.len() / 2).copied();
        self.refused.retain(|_, refusals| last(refusals) > middle);
    }

    fn write(&mut self, fact: &Fact) {
        let rbac = matches!(
            fact.action.kind,
            ActionKind::RbacGrant
                | ActionKind::RbacRevoke
                | ActionKind::RoleChange
                | ActionKind::RoleDelete
        );
        if !rbac || fact.action.effect == Effect::DryRun {
            return;
        }
        self.shows_writes = true;
        let name = fact.object_name();
        if name.is_empty() {
            self.unnamed = self.unnamed.max(Some(fact.event.time));
        } else if self.written.len() < MOST_WRITTEN || self.written.contains_key(name) {
            let time = self.written.entry(name.into()).or_insert(fact.event.time);
            *time = (*time).max(fact.event.time);
        } else {
            self.overflowed = true;
        }
    }

    /// Whether this request was refused a moment ago to another identity at the same address.
    pub(super) fn refused_to_another(&self, fact: &Fact) -> bool {
        let (actor, effective) = (&fact.principal.actor().name, &fact.principal.effective.name);
        let address = fact.event.source_ip();
        let Some(refusals) = self.refused.get(&request(&fact.event)) else { return false };
        !address.is_empty()
            && refusals.iter().any(|refusal| {
                refusal.address == address
                    && (refusal.actor != *actor || refusal.effective != *effective)
                    && (0..=SAME_WORK).contains(&fact.event.time.since(refusal.time))
            })
    }

    /// Whether this request was refused to the same identity before, and no write to the binding and
    /// the role that allow it now is in the log.
    pub(super) fn grant_unseen(&self, fact: &Fact) -> Truth {
        let Some((binding, role)) = allowed_by(&fact.event) else { return Truth::Unknown };
        if !self.shows_writes || self.overflowed {
            return Truth::Unknown;
        }
        let before = self.refused.get(&request(&fact.event)).and_then(|refusals| {
            refusals.iter().rev().find(|refusal| {
                refusal.effective == fact.principal.effective.name
                    && refusal.groups == groups(&fact.event)
            })
        });
        let Some(refusal) = before else { return Truth::Unknown };
        let age = fact.event.time.since(refusal.time);
        if !(CACHE_LAG..=24 * HOUR).contains(&age) {
            return Truth::Unknown;
        }
        let since = |time: &Time| time.since(refusal.time) > -CACHE_LAG;
        let written = [binding, role].iter().any(|name| self.written.get(*name).is_some_and(since));
        (!written && !self.unnamed.as_ref().is_some_and(since)).into()
    }
}

/// The groups of the identity that authorization judged.
fn groups(event: &Event) -> &[Str] {
    let user = event.impersonated.as_ref().unwrap_or(&event.user);
    &user.groups
}

fn request(event: &Event) -> Request {
    let group = event.object.as_ref().map(|object| object.api_group.clone()).unwrap_or_default();
    let what = match event.subresource() {
        "" => event.resource().into(),
        subresource => format!("{}/{subresource}", event.resource()).into(),
    };
    (event.verb.as_str().into(), what, group, event.namespace().into())
}

/// Names of the binding and the role in an RBAC reason, without namespaces.
fn allowed_by(event: &Event) -> Option<(&str, &str)> {
    let reason = event.annotation("authorization.k8s.io/reason")?;
    let (_, rest) = reason.strip_prefix("RBAC: allowed by ")?.split_once('"')?;
    let (binding, rest) = rest.split_once('"')?;
    let (_, rest) = rest.split_once('"')?;
    let (role, _) = rest.split_once('"')?;
    Some((binding.split('/').next().unwrap_or(binding), role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        Shared,
        event::{ObjectRef, Stage, Status, User},
    };

    const REASON: &str =
        "RBAC: allowed by RoleBinding \"ghost/data\" of Role \"reader\" to User \"bob\"";

    fn fact(verb: &str, resource: &str, name: &str, code: u16, seconds: i64) -> Fact {
        let (decision, reason) = if code == 403 { ("forbid", "") } else { ("allow", REASON) };
        let rbac = if resource == "secrets" { "" } else { "rbac.authorization.k8s.io" };
        Fact::of(Event {
            user: User { name: "bob".into(), ..User::default() }.into(),
            source_ips: vec!["198.51.100.9".into()].into(),
            verb: verb.into(),
            object: Some(Box::new(ObjectRef {
                resource: resource.into(),
                namespace: "data".into(),
                name: name.into(),
                api_group: rbac.into(),
                ..ObjectRef::default()
            })),
            annotations: vec![
                ("authorization.k8s.io/decision".into(), decision.into()),
                ("authorization.k8s.io/reason".into(), reason.into()),
            ]
            .into(),
            time: Time(seconds * SECOND),
            stage: Stage::ResponseComplete,
            status: Some(Shared::from(Status { code: Some(code), ..Status::default() })),
            ..Event::default()
        })
    }

    fn later(events: &[Fact]) -> Truth {
        let mut refusals = Refusals::default();
        for fact in events {
            refusals.observe(fact);
        }
        refusals.grant_unseen(&fact("list", "secrets", "", 200, 500))
    }

    #[test]
    fn a_grant_is_missed_only_where_grants_are_logged_and_none_explains_the_right() {
        let refused = || fact("list", "secrets", "", 403, 100);
        let write = |name: &str, second| fact("update", "rolebindings", name, 200, second);
        assert_eq!(later(&[write("x", 1), refused()]), Truth::True);
        assert_eq!(later(&[refused()]), Truth::Unknown, "this log may have no grants at all");
        assert_eq!(later(&[write("x", 1)]), Truth::Unknown, "it may have had the right all along");
        assert_eq!(later(&[refused(), write("ghost", 200)]), Truth::False);
        assert_eq!(later(&[refused(), fact("update", "roles", "reader", 200, 200)]), Truth::False);
        let unnamed = fact("create", "rolebindings", "", 201, 200);
        assert_eq!(later(&[refused(), unnamed]), Truth::False, "it may have been this one");
        assert_eq!(later(&[write("x", 1), fact("list", "secrets", "", 403, 490)]), Truth::Unknown);
    }

    #[test]
    fn refusals_are_bounded() {
        let mut refusals = Refusals::default();
        for number in 0..MOST_REQUESTS + 10 {
            let mut fact = fact("list", "secrets", "", 403, number as i64);
            fact.event.verb = format!("verb{number}").into();
            refusals.observe(&fact);
        }
        assert!(refusals.refused.len() <= MOST_REQUESTS);
        assert!(refusals.refused.len() > MOST_REQUESTS / 3);
    }
}
