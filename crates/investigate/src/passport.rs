//! The passport of a credential, a pod or a service account: its life, where it was used, what is
//! wrong with that, who is behind it, and who was inside the pod.

use serde::Serialize;
use trailhound_model::{
    Str,
    time::{MINUTE, Time},
};
use trailhound_twin::{
    Twin,
    ledger::{
        alarms::{AlarmKind, told},
        life::{CredentialLife, Place},
        origin::{Origin, who_really},
        pods::PodLife,
        secrets::SecretTrail,
    },
};

pub use trailhound_twin::sessions::Session;

/// Two uses at different addresses within this time are at once.
const AT_ONCE: i64 = 10 * MINUTE;
/// Credentials that one passport shows.
const MOST_CREDENTIALS: usize = 100;
/// Sessions that one passport shows.
const MOST_SESSIONS: usize = 100;

/// All that the log says of a credential, or of the credentials of a pod or account.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Passport {
    /// The entity that was asked for, in its usual spelling.
    pub entity: String,
    /// Its credentials, in the order of their first appearance.
    pub credentials: Vec<Stamped>,
    /// Credentials beyond those.
    pub credentials_left_out: u64,
    /// Pods of that name, the latest last.
    pub pods: Vec<PodLife>,
    /// Sessions inside the pods concerned.
    pub sessions: Vec<Session>,
    /// Sessions beyond those.
    pub sessions_left_out: u64,
    /// Who is behind it.
    pub who_really: Origin,
    /// What the log cannot tell, in words.
    pub unknowns: Vec<String>,
}

/// One credential, with what follows from its life.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stamped {
    /// Its life.
    #[serde(flatten)]
    pub life: CredentialLife,
    /// For each alarm what was checked and what could not be, in words.
    pub alarms_told: Vec<String>,
    /// The Secret that it lies in.
    pub secret: Option<SecretTrail>,
}

/// The passport of `cred:ID` (also a bare id), `pod:NAMESPACE/NAME`, `sa:NAMESPACE/NAME`, or any other
/// entity that holds credentials. `None`: the log says nothing of it.
pub fn passport(twin: &Twin, entity: &str) -> Option<Passport> {
    let ledger = twin.ledger();
    let bare = id_of(twin, entity);
    let (name, lives) = match bare {
        Some(life) => (format!("cred:{}", life.id), vec![life]),
        None => (entity.to_owned(), ledger.credentials_of(entity)),
    };
    let pods = pods_of(twin, entity, &lives);
    if lives.is_empty() && pods.is_empty() {
        return None;
    }
    let (sessions, sessions_left_out) = sessions_of(twin, entity, &lives);
    let at = lives.iter().map(|life| life.last).max();
    let asked = bare.map_or(entity, |life| life.id.as_str());
    Some(Passport {
        who_really: who_really(twin, asked, at.unwrap_or(Time(i64::MAX))),
        unknowns: unknowns(twin, &lives),
        credentials_left_out: lives.len().saturating_sub(MOST_CREDENTIALS) as u64,
        credentials: lives
            .into_iter()
            .take(MOST_CREDENTIALS)
            .map(|life| stamped(twin, life))
            .collect(),
        entity: name,
        pods,
        sessions,
        sessions_left_out,
    })
}

/// A credential by its id, with or without what ids begin with.
fn id_of<'a>(twin: &'a Twin, entity: &str) -> Option<&'a CredentialLife> {
    let ledger = twin.ledger();
    ledger.credential(entity).or_else(|| {
        let bare = entity.strip_prefix("cred:").unwrap_or(entity);
        ["JTI=", "X509SHA256="].iter().find_map(|kind| ledger.credential(&format!("{kind}{bare}")))
    })
}

fn stamped(twin: &Twin, life: &CredentialLife) -> Stamped {
    let words = |alarm: &trailhound_twin::ledger::alarms::Alarm| {
        format!(
            "{}, {} times, first at {} from {}. {}",
            alarm.kind.as_str(),
            alarm.count,
            alarm.first.time,
            alarm.address,
            told(&alarm.checks)
        )
    };
    let perhaps = perhaps_in_two_places(life);
    Stamped {
        alarms_told: life.alarms.iter().map(words).chain(perhaps).collect(),
        secret: twin.ledger().secret_of(life),
        life: life.clone(),
    }
}

/// Two addresses at once where the log does not tell whether they are two places: worth a look, no
/// alarm.
fn perhaps_in_two_places(life: &CredentialLife) -> Option<String> {
    let told = life.alarms.iter().any(|one| one.kind == AlarmKind::TwoPlaces);
    if told || !life.is_bound_to_pod() {
        return None;
    }
    let places = life.places.iter().filter(|place| !place.address.is_empty());
    let with_others = places.clone().flat_map(|a| places.clone().map(move |b| (a, b)));
    let at_once = |(a, b): &(&Place, &Place)| {
        let pause = b.first.time.since(a.last);
        a.address != b.address && a.first.time <= b.first.time && pause <= AT_ONCE
    };
    let (a, b) = with_others.into_iter().find(at_once)?;
    Some(format!(
        "perhaps used in two places at once: from {} and from {} within ten minutes. It could not be checked whether these are two places, or addresses of one.",
        a.address, b.address
    ))
}

fn pods_of(twin: &Twin, entity: &str, lives: &[&CredentialLife]) -> Vec<PodLife> {
    let ledger = twin.ledger();
    if let Some((namespace, name)) = entity.strip_prefix("pod:").and_then(|e| e.split_once('/')) {
        return ledger.pods_named(namespace, name).into_iter().cloned().collect();
    }
    let mut pods: Vec<PodLife> = Vec::new();
    for pod in lives.iter().take(MOST_CREDENTIALS).filter_map(|l| ledger.pod_of_credential(l)) {
        if !pods.contains(pod) {
            pods.push(pod.clone());
        }
    }
    pods
}

fn sessions_of(twin: &Twin, entity: &str, lives: &[&CredentialLife]) -> (Vec<Session>, u64) {
    let mut names: Vec<(Str, Str)> = lives
        .iter()
        .filter(|life| !life.pod.is_empty())
        .map(|life| (life.namespace.clone(), life.pod.clone()))
        .collect();
    let asked = entity.strip_prefix("pod:").and_then(|pod| pod.split_once('/'));
    names.extend(asked.map(|(namespace, name)| (namespace.into(), name.into())));
    let names: std::collections::HashSet<(Str, Str)> = names.into_iter().collect();
    let is_in = |one: &&Session| names.contains(&(one.namespace.clone(), one.pod.clone()));
    let all: Vec<&Session> = twin.sessions().all().filter(is_in).collect();
    let left_out = all.len().saturating_sub(MOST_SESSIONS) as u64;
    (all.into_iter().take(MOST_SESSIONS).cloned().collect(), left_out)
}

fn unknowns(twin: &Twin, lives: &[&CredentialLife]) -> Vec<String> {
    let mut told = Vec::new();
    let mut ways: Vec<&str> = lives.iter().map(|life| life.identified_by.as_str()).collect();
    ways.sort_unstable();
    ways.dedup();
    for way in ways {
        match way {
            "credential id" | "secret name" | "joining token id" => {}
            way => told.push(format!(
                "The log has no ids of some credentials; they are told apart by {way} only, so that one here may be several, or several one."
            )),
        }
    }
    if lives.iter().any(|life| life.issue.is_none()) {
        told.push("The log does not show how some of the credentials were issued.".to_owned());
    }
    if lives.iter().any(|life| life.places_dropped > 0) {
        told.push("Some places of use were left out because there were too many.".to_owned());
    }
    let left_out = twin.ledger().left_out();
    if left_out.credentials > 0 {
        told.push(format!(
            "{} credentials were forgotten because there were too many.",
            left_out.credentials
        ));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        event::{Event, ObjectRef, Stage, Status, User},
        fact::Fact,
        time::SECOND,
    };

    fn used(id: &str, address: &str, seconds: i64) -> Fact {
        let key = |name: &str| Str::from(format!("authentication.kubernetes.io/{name}"));
        let extra = [("credential-id", id), ("pod-name", "p1"), ("pod-uid", "u1")];
        let extra = extra.iter().filter(|(_, value)| !value.is_empty());
        Fact::of(Event {
            user: User {
                name: "system:serviceaccount:shop:cart".into(),
                extra: extra.map(|(name, value)| (key(name), vec![(*value).into()])).collect(),
                ..User::default()
            }
            .into(),
            verb: "list".into(),
            object: Some(Box::new(ObjectRef { resource: "pods".into(), ..ObjectRef::default() })),
            source_ips: vec![address.into()].into(),
            stage: Stage::ResponseComplete,
            status: Some(Status { code: Some(200), ..Status::default() }.into()),
            time: Time(seconds * SECOND),
            ..Event::default()
        })
    }

    fn twin(facts: &[Fact]) -> Twin {
        let mut twin = Twin::default();
        for fact in facts {
            twin.observe(fact);
        }
        twin
    }

    #[test]
    fn a_credential_is_found_by_id_pod_and_account() {
        let twin = twin(&[used("JTI=a", "10.0.0.1", 1), used("JTI=a", "198.51.100.7", 2)]);
        let names = ["a", "JTI=a", "cred:JTI=a", "pod:shop/p1", "sa:shop/cart"];
        for name in names {
            let passport = passport(&twin, name).unwrap();
            let one = &passport.credentials[0];
            assert_eq!((one.life.id.as_str(), one.life.places.len()), ("JTI=a", 2), "{name}");
            let told = &one.alarms_told[0];
            assert!(told.contains("perhaps used in two places at once"), "{told}");
            assert!(told.contains("could not be checked"), "{told}");
            assert!(!passport.who_really.known);
        }
        assert_eq!(passport(&twin, "a").unwrap().entity, "cred:JTI=a");
    }

    #[test]
    fn what_the_log_never_spoke_of_has_no_passport() {
        assert_eq!(passport(&Twin::default(), "cred:JTI=a"), None);
        assert_eq!(passport(&Twin::default(), "pod:shop/p1"), None);
        assert_eq!(passport(&Twin::default(), ""), None);
    }

    #[test]
    fn a_log_without_ids_says_by_what_credentials_are_told_apart() {
        let passport = passport(&twin(&[used("", "10.0.0.1", 1)]), "pod:shop/p1").unwrap();
        assert!(passport.unknowns.iter().any(|one| one.contains("pod name")));
    }
}
