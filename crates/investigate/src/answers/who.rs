//! Who got in, and how: what the log shows of whose hand it was, and what it does not.
//!
//! The API server sees credentials, not people. A person's name is told as the name on a credential;
//! an account of a program is told as such, with those who had the chance to take its credential
//! before it was used. That one had the chance is never told as proof.

use super::{Frame, moment, place, record};
use std::collections::BTreeSet;
use trailhound_model::{
    finding::{Finding, Severity},
    incident::{Answer, Hand, Incident},
    observed::Surety,
    time::Time,
    words::{list, words},
};
use trailhound_twin::ledger::{
    life::{CredentialLife, IssuedHow},
    origin::{Candidate, How, who_really},
};

/// Candidates that are named.
const MOST_NAMED: usize = 4;

/// The answer.
pub(super) fn who(incident: &Incident, findings: &[&Finding], frame: Frame) -> Answer {
    let mut said = Vec::new();
    if let Some(hand) = incident.hands.iter().min_by_key(|hand| hand.first) {
        said.push(format!(
            "The first act that can be tied to this was done as {}{}, at {} UTC.",
            words(&hand.entity),
            place(hand),
            hand.first.clock()
        ));
        said.extend(sign(hand, findings));
        said.extend(whose(hand, findings, frame));
    }
    let sure = |confidence: f64| if confidence >= 0.9 { "very likely" } else { "likely" };
    said.extend(incident.hops.iter().map(|hop| {
        let sentence = hop.sentence.trim_end_matches('.');
        format!("Then, {}, {sentence}.", sure(hop.confidence))
    }));
    let nothing = "The log does not show who began it.";
    super::answered("Who got in, and how?", said, Surety::Inferred, nothing)
}

/// What first stood out in what the hand did.
fn sign(hand: &Hand, findings: &[&Finding]) -> Option<String> {
    let own = |one: &&&Finding| {
        super::actor(one) == hand.entity
            && one.address == hand.address
            && one.severity >= Severity::Medium
    };
    let first = findings.iter().filter(own).min_by_key(|one| {
        // Of what one record shows the gravest, and never by ids, which hang on where the log was read.
        (one.time, std::cmp::Reverse(one.severity), &one.rule.id, &one.id)
    })?;
    Some(format!("What first stood out: {}", first.explanation))
}

fn whose(hand: &Hand, findings: &[&Finding], frame: Frame) -> Vec<String> {
    let new = findings
        .iter()
        .any(|one| super::actor(one) == hand.entity && one.address_new == Some(true));
    match sort(&hand.entity) {
        Sort::Nobody => {
            vec!["No credential was needed for it: whoever can send requests to the API server's address could do it, and the log cannot tell who that was.".to_owned()]
        }
        Sort::Person if new => vec![
            "That name had never come from this address before in this log: either its credential is in other hands, or its owner was somewhere new. The log cannot tell which, nor how a credential would have been taken.".to_owned(),
        ],
        Sort::Person => vec![
            "Whether that address is usual for this name cannot be told from this log: it may be the owner, or somebody with the owner's credential.".to_owned(),
        ],
        Sort::Program => {
            let mut said = vec![format!(
                "{} is the account of a program; no person has it as their own. Either the program did this itself, or somebody had got hold of its credential.",
                super::capital(&words(&hand.entity))
            )];
            said.extend(chances(hand, frame));
            said
        }
    }
}

/// What sort of hand a name stands for.
enum Sort {
    Nobody,
    Person,
    Program,
}

fn sort(entity: &str) -> Sort {
    match entity.split_once(':') {
        Some(("user", "system:anonymous" | "unauthenticated")) => Sort::Nobody,
        Some(("user", name)) if !name.starts_with("system:") => Sort::Person,
        _ => Sort::Program,
    }
}

/// The life of the credential of a hand.
pub(super) fn life<'a>(hand: &Hand, frame: Frame<'a>) -> Option<&'a CredentialLife> {
    frame.twin?.ledger().credential(hand.credential.strip_prefix("cred:")?)
}

/// When the credential of a hand was issued, if the log shows it.
pub(super) fn issued(hand: &Hand, frame: Frame) -> Option<Time> {
    let issue = life(hand, frame)?.issue.as_ref()?;
    (issue.how == IssuedHow::TokenRequest).then_some(issue.witness.time)
}

/// The pod that a token was made for.
pub(super) fn pod(hand: &Hand, frame: Frame) -> Option<String> {
    let life = life(hand, frame).filter(|life| !life.pod.is_empty())?;
    Some(trailhound_model::entity::pod(&life.namespace, &life.pod))
}

/// Who could have had the credential by then, as far as the log shows, and since when it was there to
/// be taken.
fn chances(hand: &Hand, frame: Frame) -> Vec<String> {
    let (Some(twin), Some(life)) = (frame.twin, life(hand, frame)) else { return Vec::new() };
    let mut said = Vec::new();
    if let Some(issue) = life.issue.as_ref().filter(|issue| issue.how == IssuedHow::TokenRequest) {
        said.push(format!(
            "Its token was issued at {}{}: if it was taken, then between that time and {}.",
            moment(issue.witness.time),
            record(&issue.witness),
            moment(hand.first)
        ));
    }
    let origin = who_really(twin, &life.id, hand.first);
    let others = origin.candidates.iter().filter(|one| one.how != How::Itself);
    let mut told = BTreeSet::new();
    let named: Vec<String> = others
        .filter(|one| one.witnesses.first().is_none_or(|record| record.time <= hand.first))
        .filter(|one| told.insert(&one.entity))
        .take(MOST_NAMED)
        .map(chance)
        .collect();
    said.push(match named.len() {
        0 => "This log names nobody who got at that credential before: how it was taken, and by whom, the log cannot tell.".to_owned(),
        _ => format!("Who could have had that credential by then, as far as this log shows: {}. That they could does not prove that they did.", list(&named)),
    });
    said
}

fn chance(one: &Candidate) -> String {
    let when = one
        .witnesses
        .first()
        .map_or(String::new(), |record| format!(" at {} UTC", record.time.clock()));
    let what = match one.how {
        How::Impersonation => "acted as it",
        How::TokenRequested => "asked for the token",
        How::Certificate => "asked for or approved the certificate",
        How::InsidePod => "was inside the pod that holds it",
        How::PodCreated => "created the pod that holds it",
        How::SecretRead => "read or made the secret that it lies in",
        How::SameAddress => "came from the same address",
        How::CloudSession => "is named in its cloud session",
        How::Automation | How::SharedCredential | How::Itself => "used it",
    };
    format!("{}, who {what}{when}", words(&one.entity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(entity: &str) -> String {
        let hand = Hand { entity: entity.into(), address: "192.0.2.1".into(), ..Hand::default() };
        let incident = Incident { hands: vec![hand], ..Incident::default() };
        let frame = Frame { log_begins: None, log_ends: None, twin: None };
        who(&incident, &[], frame).answer.join(" ")
    }

    #[test]
    fn an_account_of_a_program_has_no_owner() {
        for entity in ["sa:shop/cart", "user:system:kube-controller-manager", "node:n1"] {
            let said = told(entity);
            assert!(said.contains("is the account of a program"), "{said}");
            assert!(!said.contains("owner"), "{said}");
        }
    }

    #[test]
    fn a_caller_without_a_credential_lost_none() {
        let said = told("user:system:anonymous");
        assert!(said.contains("No credential was needed") && !said.contains("stolen"), "{said}");
    }

    #[test]
    fn a_person_may_be_the_owner_or_not() {
        assert!(told("user:alice").contains("it may be the owner, or somebody"));
    }
}
