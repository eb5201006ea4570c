//! Who really: from an identity or a credential back to the human or machine behind it.
//!
//! The log shows requests, not hands. Where it names who got hold of a credential (a token was asked
//! for, a command was run in the pod, a secret was read) that is a candidate, with how and why;
//! several are all told, the likelier first, and only a link that the log itself makes counts as
//! known. That one had the chance is never proof that one took it.

use super::{
    alarms::AlarmKind,
    life::{CredentialLife, Hand, IssuedHow},
};
use crate::{Twin, sessions::Session};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use trailhound_model::{
    Str,
    credential::CredentialKind,
    entity,
    event::User,
    observed::{Surety, Witness},
    principal::Identity,
    time::{HOUR, Time},
};

/// Candidates that are told.
const MOST_CANDIDATES: usize = 8;
/// Links that are followed back from one credential to the one before.
const MOST_LINKS: usize = 6;
/// Candidates of each link that are followed further.
const FOLLOWED: usize = 3;

/// How a candidate is tied to what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The record names both: who authenticated and as whom it acted.
    Impersonation,
    /// It asked for the token that was used.
    TokenRequested,
    /// It asked for, or approved, the certificate that was used.
    Certificate,
    /// It was inside the pod whose credential was used.
    InsidePod,
    /// It created the pod whose credential was used.
    PodCreated,
    /// It read or made the secret that the credential lies in.
    SecretRead,
    /// It came from the same address.
    SameAddress,
    /// The name of a cloud session.
    CloudSession,
    /// A program outside of the cluster that always comes from there.
    Automation,
    /// One credential, used from several places.
    SharedCredential,
    /// The identity is a person or machine itself.
    Itself,
}

/// Somebody who may be behind it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Who, as an entity; `ip:…` where only an address is known.
    pub entity: Str,
    /// How it is tied to it.
    pub how: How,
    /// Proved only if the log itself makes the link.
    pub surety: Surety,
    /// For the order: higher is likelier.
    pub weight: u32,
    /// Records.
    pub witnesses: Vec<Witness>,
    /// In plain words.
    pub sentence: String,
    /// Whoever is behind the candidate in turn, nearest first, where the log leads further back.
    pub behind: Vec<Candidate>,
    /// Credential with which the candidate did it.
    #[serde(skip)]
    credential: Str,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Origin {
    /// What was asked.
    pub asked: String,
    /// Whether the log itself names who it was. If not, the candidates are no more than that.
    pub known: bool,
    /// Who may be behind it, likeliest first.
    pub candidates: Vec<Candidate>,
    /// The answer in one sentence.
    pub sentence: String,
}

/// Who is behind a credential (`cred:…`, or its bare id) or an entity, as known at a time.
pub fn who_really(twin: &Twin, subject: &str, at: Time) -> Origin {
    let mut seen = BTreeSet::new();
    let candidates = behind(twin, subject, at, &mut seen, 0);
    let known = matches!(candidates.as_slice(), [first, rest @ ..]
        if first.surety == Surety::Proved && rest.iter().all(|one| one.surety != Surety::Proved))
        && !has_own_life(twin, subject, at);
    let sentence = match candidates.first() {
        None => "The log does not show who is behind it.".to_owned(),
        Some(first) if known => first.sentence.clone(),
        Some(first) if candidates.len() == 1 => {
            format!("It cannot be known for certain. {}", first.sentence)
        }
        Some(first) => format!(
            "It cannot be known for certain; there are {} candidates. Likeliest: {}",
            candidates.len(),
            first.sentence
        ),
    };
    Origin { asked: subject.to_owned(), known, candidates, sentence }
}

/// Whether an identity that others acted as also authenticated by itself: then what it did may be
/// either's.
fn has_own_life(twin: &Twin, subject: &str, at: Time) -> bool {
    let ledger = twin.ledger();
    let used = |life: &&CredentialLife| life.first.as_ref().is_some_and(|first| first.time <= at);
    ledger.credential(subject).is_none()
        && !ledger.acted_as(subject).is_empty()
        && ledger.credentials_of(subject).iter().any(used)
}

/// The candidates of one link, and of those before it.
fn behind(
    twin: &Twin,
    subject: &str,
    at: Time,
    seen: &mut BTreeSet<String>,
    depth: usize,
) -> Vec<Candidate> {
    if depth >= MOST_LINKS || !seen.insert(subject.to_owned()) {
        return Vec::new();
    }
    let mut found = direct(twin, subject, at);
    found.sort_by(|a, b| b.weight.cmp(&a.weight).then_with(|| a.entity.cmp(&b.entity)));
    found.dedup_by(|a, b| a.entity == b.entity && a.how == b.how);
    found.truncate(MOST_CANDIDATES);
    for candidate in found.iter_mut().take(FOLLOWED) {
        if candidate.how == How::Itself || is_person(&candidate.entity) {
            continue;
        }
        let before = candidate.witnesses.first().map_or(at, |witness| witness.time);
        let next = if candidate.credential.is_empty() {
            candidate.entity.to_string()
        } else {
            candidate.credential.to_string()
        };
        candidate.behind = behind(twin, &next, before, seen, depth + 1);
    }
    found
}

fn direct(twin: &Twin, subject: &str, at: Time) -> Vec<Candidate> {
    let ledger = twin.ledger();
    if let Some(life) = ledger.credential(subject) {
        return of_credential(twin, life, at);
    }
    let mut found: Vec<Candidate> = ledger
        .acted_as(subject)
        .iter()
        .filter(|hand| hand.witness.time <= at)
        .map(|hand| impersonator(subject, hand))
        .collect();
    found.extend(session_name(subject));
    // The credentials in use about then speak for the identity.
    let lives = ledger.credentials_of(subject);
    let used = lives.iter().filter(|life| life.first.as_ref().is_some_and(|f| f.time <= at));
    let mut recent: Vec<_> = used.collect();
    recent.sort_by_key(|life| std::cmp::Reverse(life.last));
    for life in recent.into_iter().take(FOLLOWED) {
        found.extend(of_credential(twin, life, at));
    }
    found
}

fn of_credential(twin: &Twin, life: &CredentialLife, at: Time) -> Vec<Candidate> {
    let mut found = match life.kind {
        CredentialKind::PodToken => of_pod(twin, life, at),
        CredentialKind::X509 => of_certificate(twin, life, at),
        _ => Vec::new(),
    };
    found.extend(of_issue(twin, life));
    found.extend(of_secret(twin, life, at));
    found.extend(of_address(twin, life, &found));
    found.extend(session_name(&life.holder));
    found.extend(of_places(life));
    found
}

fn candidate(hand: &Hand, how: How, surety: Surety, weight: u32, sentence: String) -> Candidate {
    Candidate {
        entity: hand.by.clone(),
        how,
        surety,
        weight,
        witnesses: vec![hand.witness.clone()],
        sentence,
        behind: Vec::new(),
        credential: hand.credential.clone(),
    }
}

fn impersonator(subject: &str, hand: &Hand) -> Candidate {
    let sentence =
        format!("{} acted as {subject} from {} (the record names both).", hand.by, hand.address);
    candidate(hand, How::Impersonation, Surety::Proved, 100, sentence)
}

/// Weight of having been at an address at which the credential was then used.
fn same_place(hand: &Hand, life: &CredentialLife) -> u32 {
    let there = life.places.iter().any(|place| place.address == hand.address);
    if there && !hand.address.is_empty() { 25 } else { 0 }
}

/// Whether nobody else came from where a credential was asked for and then always used: behind a
/// proxy everybody has one address.
fn is_alone_there(twin: &Twin, hand: &Hand, life: &CredentialLife) -> bool {
    let (identities, many) = twin.ledger().identities_at(&hand.address);
    let own = |one: &Str| *one == hand.by || *one == life.holder;
    !many && identities.iter().all(own) && life.addresses() == [hand.address.as_str()]
}

fn of_issue(twin: &Twin, life: &CredentialLife) -> Vec<Candidate> {
    let Some(issue) = life.issue.as_ref() else { return Vec::new() };
    let mut found = Vec::new();
    if let Some(hand) = issue.requested.as_ref().filter(|hand| !hand.machine) {
        let (how, what) = match issue.how {
            IssuedHow::TokenRequest => (How::TokenRequested, "asked for this token"),
            IssuedHow::Certificate => (How::Certificate, "asked for this certificate"),
            IssuedHow::Secret | IssuedHow::JoiningToken => {
                (How::SecretRead, "made the secret in which it lies")
            }
        };
        // Who asked for it got it in the answer; that another then used it can still be.
        let sentence = format!(
            "{} {what} at {} from {} with {}.",
            hand.by, hand.witness.time, hand.address, hand.agent
        );
        let sure = same_place(hand, life) > 0 && is_alone_there(twin, hand, life);
        let surety = if sure { Surety::Proved } else { Surety::Inferred };
        found.push(candidate(hand, how, surety, 60 + same_place(hand, life), sentence));
    }
    let asked = issue.requested.as_ref().map(|hand| &hand.by);
    if let Some(hand) = issue.approved.as_ref().filter(|one| !one.machine && Some(&one.by) != asked)
    {
        let sentence = format!("{} approved this certificate at {}.", hand.by, hand.witness.time);
        found.push(candidate(hand, How::Certificate, Surety::Inferred, 45, sentence));
    }
    found
}

/// A pod's own program is behind its token, unless it is used where the pod is not, or somebody was in
/// the pod.
fn of_pod(twin: &Twin, life: &CredentialLife, at: Time) -> Vec<Candidate> {
    let name = entity::pod(&life.namespace, &life.pod);
    let mut found: Vec<Candidate> = twin
        .sessions()
        .into_pod(&life.namespace, &life.pod)
        .into_iter()
        .filter(|session| session.opened <= at && session.kind.reaches_files())
        .map(|session| insider(session, life, at, &name))
        .collect();
    let pod = twin.ledger().pod_of_credential(life);
    if let Some(hand) = pod.and_then(|pod| pod.created.as_ref()).filter(|hand| !hand.machine) {
        let account = &life.holder;
        let sentence = format!("{} created {name}, which runs as {account}.", hand.by);
        let weight = 35 + same_place(hand, life);
        found.push(candidate(hand, How::PodCreated, Surety::Inferred, weight, sentence));
    }
    let elsewhere = life.alarms.iter().any(|alarm| {
        matches!(alarm.kind, AlarmKind::OffNode | AlarmKind::TwoPlaces | AlarmKind::AfterPodEnd)
    });
    if !elsewhere && let Some(first) = &life.first {
        let weight = if found.iter().any(|one| one.how == How::InsidePod) { 30 } else { 50 };
        found.push(Candidate {
            entity: name.as_str().into(),
            how: How::Itself,
            surety: Surety::Inferred,
            weight,
            witnesses: vec![first.clone()],
            sentence: format!("The program in {name}, whose token it is."),
            behind: Vec::new(),
            credential: Str::default(),
        });
    }
    found
}

fn insider(session: &Session, life: &CredentialLife, at: Time, pod: &str) -> Candidate {
    let hand = &session.hand;
    let recent = at.since(session.opened) <= HOUR;
    let weight = 40
        + if session.names_token() { 20 } else { 0 }
        + if recent { 10 } else { 0 }
        + same_place(hand, life);
    let command = match session.command.as_str() {
        "" => String::new(),
        command => format!(" (`{command}`)"),
    };
    let sentence = format!(
        "{} {} {pod}{command} at {} from {}, before the pod's token was used.",
        hand.by,
        session.kind.phrase(),
        session.opened,
        hand.address
    );
    candidate(hand, How::InsidePod, Surety::Inferred, weight, sentence)
}

/// Without bodies the log does not say which request a certificate came from.
fn of_certificate(twin: &Twin, life: &CredentialLife, at: Time) -> Vec<Candidate> {
    if life.issue.is_some() {
        return Vec::new();
    }
    let first = life.first.as_ref().map_or(at, |first| first.time);
    let user = life.holder.split_once(':').map_or("", |(_, name)| name);
    let since = |time: Time| first.since(time) <= HOUR;
    let trails = twin.ledger().certificates_before(first, user);
    let near = trails.into_iter().filter(|one| since(one.last));
    near.filter_map(|trail| {
        let hand = trail.requested.as_ref().filter(|hand| !hand.machine)?;
        let sentence = format!(
            "{} asked for the certificate of request {} within the hour before this one was first used; the log does not say whether it is the same.",
            hand.by, trail.name
        );
        let weight = 20 + same_place(hand, life);
        Some(candidate(hand, How::Certificate, Surety::Inferred, weight, sentence))
    })
    .collect()
}

fn of_secret(twin: &Twin, life: &CredentialLife, at: Time) -> Vec<Candidate> {
    let Some(trail) = twin.ledger().secret_of(life) else { return Vec::new() };
    let mut found = Vec::new();
    for reader in trail.readers.iter().filter(|one| one.hand.witness.time <= at) {
        let hand = &reader.hand;
        let what = if reader.in_bulk { "listed secrets, this one among them," } else { "read it" };
        let sentence = format!(
            "The token lies in secret {}/{}; {} {what} at {} from {}.",
            trail.namespace, trail.name, hand.by, hand.witness.time, hand.address
        );
        let weight = if reader.in_bulk { 25 } else { 40 } + same_place(hand, life);
        found.push(candidate(hand, How::SecretRead, Surety::Inferred, weight, sentence));
    }
    found
}

/// Others who came from where the credential was used: a hint, where few share the address.
fn of_address(twin: &Twin, life: &CredentialLife, known: &[Candidate]) -> Vec<Candidate> {
    let mut found = Vec::new();
    for place in &life.places {
        let (identities, many) = twin.ledger().identities_at(&place.address);
        if many {
            continue;
        }
        for entity in identities.iter().filter(|one| **one != life.holder && is_person(one)) {
            if known.iter().any(|one| one.entity == *entity) {
                continue;
            }
            found.push(Candidate {
                entity: entity.clone(),
                how: How::SameAddress,
                surety: Surety::Inferred,
                weight: 33,
                witnesses: vec![place.first.clone()],
                sentence: format!("{entity} used the same address, {}.", place.address),
                behind: Vec::new(),
                credential: Str::default(),
            });
        }
    }
    found
}

/// The session name of a cloud role: mostly who assumed it, but whoever assumes may choose it.
fn session_name(entity: &str) -> Option<Candidate> {
    let name = entity.strip_prefix("user:")?;
    let user = User { name: name.into(), ..User::default() };
    let identity = Identity::of(&user);
    if identity.session.is_empty() {
        return None;
    }
    Some(Candidate {
        entity: entity::user(&identity.session).into(),
        how: How::CloudSession,
        surety: Surety::Inferred,
        weight: 55,
        witnesses: Vec::new(),
        sentence: format!(
            "A session of cloud role {} named {}; the cloud's own log says who opened it.",
            identity.short, identity.session
        ),
        behind: Vec::new(),
        credential: Str::default(),
    })
}

/// A credential outside of pods: one place is a machine or person, several may be several.
fn of_places(life: &CredentialLife) -> Vec<Candidate> {
    if life.is_bound_to_pod() || life.places.is_empty() {
        return Vec::new();
    }
    let addresses = life.addresses();
    let at = |address: &str, how, weight, sentence| Candidate {
        entity: entity::ip(address).into(),
        how,
        surety: Surety::Inferred,
        weight,
        witnesses: life
            .places
            .iter()
            .find(|place| place.address == address)
            .map(|place| place.first.clone())
            .into_iter()
            .collect(),
        sentence,
        behind: Vec::new(),
        credential: Str::default(),
    };
    match addresses.as_slice() {
        [one] if life.holder.starts_with("sa:") => {
            let agent = life.places.first().map_or("", |place| place.agent.as_str());
            let sentence = format!(
                "A program ({agent}) at {one}, such as a build server, always used it from there."
            );
            vec![at(one, How::Automation, 28, sentence)]
        }
        [_] if is_person(&life.holder) => vec![itself(life)],
        [_, _, ..] => {
            let told = |address: &&str| {
                let sentence = format!(
                    "Whoever is at {address}: the same credential was used from {} addresses, so several people or machines may have it.",
                    addresses.len()
                );
                at(address, How::SharedCredential, 15, sentence)
            };
            let own = is_person(&life.holder).then(|| itself(life));
            own.into_iter().chain(addresses.iter().map(told)).collect()
        }
        _ => Vec::new(),
    }
}

fn itself(life: &CredentialLife) -> Candidate {
    let one = life.addresses().len() == 1;
    Candidate {
        entity: life.holder.clone(),
        how: How::Itself,
        surety: Surety::Inferred,
        weight: if one { 30 } else { 18 },
        witnesses: life.first.clone().into_iter().collect(),
        sentence: format!("{} itself, or whoever else has its credential.", life.holder),
        behind: Vec::new(),
        credential: Str::default(),
    }
}

fn is_person(entity: &str) -> bool {
    entity.strip_prefix("user:").is_some_and(|name| !name.starts_with("system:"))
}
