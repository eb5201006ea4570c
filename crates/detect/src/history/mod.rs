//! What this log has shown so far of each actor and of the cluster's networks: the context in
//! which an event is judged.
//!
//! It answers the first questions of an analyst ("has this account ever done that?", "has it ever
//! come from there?") from counts of this log alone. The learner will answer the harder ones; both
//! speak through `model::lookup::History`. An event is judged before it is added here.

mod actor;
mod ledger;
mod minted;
mod network;
mod places;
mod refusals;

pub(crate) use ledger::Known;

use actor::Actor;
use minted::Minted;
use network::Networks;
use places::Places;
use refusals::Refusals;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map, Str,
    action::Outcome,
    credential::CredentialKind,
    fact::Fact,
    lookup::{History, Truth},
    principal::PrincipalKind,
    time::{HOUR, Time},
};

/// Most actors that are remembered; beyond this those seen least recently are forgotten.
const MOST_ACTORS: usize = 60_000;
/// Most addresses of persons that are remembered.
const MOST_ADDRESSES: usize = 100_000;
/// How long something stays "new" after its first appearance.
pub(crate) const NEW_FOR: i64 = HOUR;
/// Requests that an actor must have made for its habits to count as known.
pub(crate) const ENOUGH_REQUESTS: u64 = 20;
/// Pod-bound requests after which an account counts as using only such tokens.
const ENOUGH_BOUND: u64 = 5;

/// The past of one cluster, as far as judging an event needs it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    actors: Map<Str, Box<Actor>>,
    networks: Networks,
    persons: Map<Str, Str>,
    places: Places,
    refusals: Refusals,
    minted: Minted,
    /// Actors forgotten because there were too many.
    pub forgotten: u64,
}

impl Past {
    /// Adds an event, after it was judged. What was found suspicious does not become a habit:
    /// otherwise an intruder would only have to do it often enough.
    pub fn learn(&mut self, fact: &Fact, suspicious: bool) {
        let event = &fact.event;
        let name = &event.user.name;
        if name.is_empty() {
            return;
        }
        self.refusals.observe(fact);
        self.minted.observe(fact);
        if !self.actors.contains_key(name) {
            self.make_room();
            self.actors.insert(name.clone(), Box::new(Actor::new(event.time)));
        }
        let Some(actor) = self.actors.get_mut(name) else { return };
        let new_address = actor.observe(fact, suspicious);
        if new_address {
            self.places.observe(event.source_ip(), name);
        }
        if new_address
            && fact.principal.actor().kind.is_human()
            && self.persons.len() < MOST_ADDRESSES
        {
            self.persons.entry(event.source_ip().into()).or_insert_with(|| name.clone());
        }
        // A thief must not make his own network the cluster's.
        if !suspicious {
            self.networks.observe(fact, new_address);
        }
    }

    fn make_room(&mut self) {
        if self.actors.len() < MOST_ACTORS {
            return;
        }
        let mut ages: Vec<(Time, Str)> =
            self.actors.iter().map(|(name, actor)| (actor.last(), name.clone())).collect();
        ages.sort_unstable();
        for (_, name) in ages.into_iter().take(MOST_ACTORS / 10) {
            self.actors.remove(&name);
            self.forgotten += 1;
        }
    }

    fn actor(&self, fact: &Fact) -> Option<&Actor> {
        self.actors.get(&fact.event.user.name).map(Box::as_ref)
    }
}

impl History for Past {
    fn prior_actions(&self, fact: &Fact) -> u64 {
        self.actor(fact)
            .map_or(0, |actor| actor.succeeded(fact.action.kind, fact.event.namespace()))
    }

    fn done_since(&self, fact: &Fact) -> Option<Time> {
        self.actor(fact)?.done_since(fact.action.kind, fact.event.namespace())
    }

    fn prior_requests(&self, fact: &Fact) -> u64 {
        self.actor(fact).map_or(0, Actor::requests)
    }

    fn address_is_new(&self, fact: &Fact) -> Truth {
        if fact.event.source_ips.is_empty() {
            return Truth::Unknown;
        }
        let habit = self.actor(fact).map_or(Truth::Unknown, |actor| {
            actor.address_is_new(fact.event.source_ip(), fact.event.time)
        });
        // Pods move: a new address inside the cluster says nothing about a pod's token, nor about
        // an account's credential that may be one (GKE does not say).
        let may_be_pods = !fact.event.format.tells_identity()
            && fact.principal.actor().kind == PrincipalKind::ServiceAccount;
        if fact.credential.kind == CredentialKind::PodToken || may_be_pods {
            return habit.and(self.networks.is_outside(fact.event.source_ip()));
        }
        habit
    }

    fn agent_is_new(&self, fact: &Fact) -> Truth {
        self.actor(fact).map_or(Truth::Unknown, |actor| {
            actor.agent_is_new(fact.event.agent_family(), fact.event.time)
        })
    }

    fn token_off_network(&self, fact: &Fact) -> Truth {
        if fact.credential.kind != CredentialKind::PodToken {
            return Truth::Unknown;
        }
        self.networks.is_outside(fact.event.source_ip())
    }

    fn token_moved(&self, fact: &Fact) -> Truth {
        self.networks.pod_moved(&fact.credential.pod_uid, fact.event.source_ip())
    }

    fn account_only_pod_bound(&self, fact: &Fact) -> Truth {
        if fact.principal.actor().kind != PrincipalKind::ServiceAccount {
            return Truth::Unknown;
        }
        self.actor(fact).map_or(Truth::Unknown, |actor| actor.only_pod_bound(fact.event.time))
    }

    fn address_of_person(&self, fact: &Fact) -> Truth {
        let other = self.persons.get(fact.event.source_ip());
        other.is_some_and(|person| *person != fact.event.user.name).into()
    }

    fn refused_to_another(&self, fact: &Fact) -> Truth {
        if self.prior_actions(fact) > 0 || !self.refusals.refused_to_another(fact) {
            return Truth::False;
        }
        self.places.is_narrow(fact.event.source_ip())
    }

    fn grant_unseen(&self, fact: &Fact) -> Truth {
        self.refusals.grant_unseen(fact)
    }

    fn token_minted_elsewhere(&self, fact: &Fact) -> Truth {
        self.minted.used_elsewhere(fact)
    }
}

/// Whether a request says something about its actor's habits: refused ones do not.
fn is_habit(fact: &Fact) -> bool {
    !matches!(fact.action.outcome, Outcome::Unauthenticated | Outcome::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::{Event, Status, User};

    fn fact(user: &str, ip: &str, agent: &str, seconds: i64, pod: Option<&str>) -> Fact {
        let extra = pod.map_or_else(Vec::new, |pod| {
            vec![
                ("authentication.kubernetes.io/pod-name".into(), vec![pod.into()]),
                ("authentication.kubernetes.io/pod-uid".into(), vec![pod.into()]),
            ]
        });
        Fact::of(Event {
            user: User { name: user.into(), extra, ..User::default() }.into(),
            source_ips: vec![ip.into()].into(),
            user_agent: agent.into(),
            verb: "get".into(),
            time: Time(seconds * 1_000_000),
            stage: trailhound_model::event::Stage::ResponseComplete,
            status: Some(trailhound_model::Shared::from(Status {
                code: Some(200),
                ..Status::default()
            })),
            ..Event::default()
        })
    }

    #[test]
    fn an_address_is_new_only_to_an_actor_with_a_history() {
        let mut past = Past::default();
        let away = fact("alice", "8.8.8.8", "curl/8", 100, None);
        assert_eq!(past.address_is_new(&away), Truth::Unknown);
        for second in 0..30 {
            past.learn(&fact("alice", "203.0.113.1", "kubectl/v1", second, None), false);
        }
        assert_eq!(past.address_is_new(&away), Truth::True);
        assert_eq!(past.agent_is_new(&away), Truth::True);
        past.learn(&away, false);
        assert_eq!(past.address_is_new(&away), Truth::True, "still new a moment later");
        assert_eq!(
            past.address_is_new(&fact("alice", "8.8.8.8", "", 100 + 3700, None)),
            Truth::False
        );
        assert_eq!(past.address_is_new(&fact("alice", "203.0.113.1", "", 101, None)), Truth::False);
    }

    #[test]
    fn a_pod_token_off_the_pod_network_is_told_from_one_on_it() {
        let mut past = Past::default();
        let stolen = fact("system:serviceaccount:a:b", "198.51.100.7", "curl/8", 50, Some("p1"));
        assert_eq!(past.token_off_network(&stolen), Truth::Unknown, "nothing is known yet");
        for pod in 0..9 {
            let ip = format!("10.244.{}.{pod}", pod % 3);
            past.learn(
                &fact("system:serviceaccount:a:b", &ip, "app/1", pod, Some(&format!("p{pod}"))),
                false,
            );
        }
        assert_eq!(past.token_off_network(&stolen), Truth::True);
        assert_eq!(past.token_moved(&stolen), Truth::True);
        let home = fact("system:serviceaccount:a:b", "10.244.9.77", "app/1", 60, Some("p9"));
        assert_eq!(past.token_off_network(&home), Truth::False);
        assert_eq!(past.token_moved(&home), Truth::Unknown);
    }

    #[test]
    fn a_pod_on_a_node_not_yet_met_of_a_large_cluster_is_no_thief() {
        let mut past = Past::default();
        let use_at = |ip: &str, pod: i64| {
            let pod = format!("p{pod}");
            fact("system:serviceaccount:a:b", ip, "app/1", 50, Some(&pod))
        };
        for pod in 0..80 {
            let ip = format!("10.{}.{pod}.5", 64 + pod % 10);
            past.learn(&use_at(&ip, pod), false);
        }
        let unmet = past.token_off_network(&use_at("10.80.101.5", 100));
        assert_eq!(unmet, Truth::Unknown, "the range may go on there");
        assert_eq!(past.token_off_network(&use_at("10.200.1.5", 101)), Truth::True);
        assert_eq!(past.token_off_network(&use_at("192.168.1.5", 102)), Truth::True);
        assert_eq!(past.token_off_network(&use_at("10.70.101.5", 103)), Truth::False);
    }

    #[test]
    fn one_address_of_a_thief_never_becomes_a_cluster_network() {
        let mut past = Past::default();
        for pod in 0..8 {
            let ip = format!("10.244.0.{pod}");
            past.learn(
                &fact("system:serviceaccount:a:b", &ip, "app/1", pod, Some(&format!("p{pod}"))),
                false,
            );
        }
        for pod in 0..8 {
            let theft = fact(
                "system:serviceaccount:a:b",
                "198.51.100.7",
                "curl",
                10 + pod,
                Some(&format!("p{pod}")),
            );
            assert_eq!(past.token_off_network(&theft), Truth::True);
            past.learn(&theft, false);
        }
    }

    #[test]
    fn the_number_of_actors_is_bounded() {
        let mut past = Past::default();
        for number in 0..MOST_ACTORS + 10 {
            past.learn(&fact(&format!("u{number}"), "10.0.0.1", "x", number as i64, None), false);
        }
        assert!(past.actors.len() <= MOST_ACTORS);
        assert!(past.forgotten > 0);
    }
}
