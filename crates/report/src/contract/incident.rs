//! The part of the contract that tells incidents: what happened by whom, why it belongs together,
//! what could be reached and what is to be done.

use super::When;
use serde::Serialize;
use trailhound_model::incident as model;

#[derive(Serialize)]
pub(crate) struct Incident<'a> {
    id: &'a str,
    severity: &'static str,
    confidence: f64,
    title: &'a str,
    story: &'a str,
    first_seen: When,
    last_seen: When,
    cluster: &'a str,
    principals: &'a [String],
    addresses: &'a [String],
    targets: &'a [String],
    techniques: &'a [String],
    findings: &'a [String],
    evidence: Vec<&'a str>,
    steps: Vec<Step<'a>>,
    hops: Vec<Hop<'a>>,
    hands: Vec<Hand<'a>>,
    causes: Vec<Cause<'a>>,
    answers: Vec<Answer<'a>>,
    reach: Vec<Reachable<'a>>,
    commands: &'a [String],
    next_steps: &'a [String],
    unknowns: &'a [String],
    merged: &'a [String],
}

impl<'a> Incident<'a> {
    pub(crate) fn of(one: &'a model::Incident) -> Incident<'a> {
        Incident {
            id: &one.id,
            severity: one.severity.as_str(),
            confidence: one.confidence,
            title: &one.title,
            story: &one.story,
            first_seen: When(one.first_seen),
            last_seen: When(one.last_seen),
            cluster: &one.cluster,
            principals: &one.principals,
            addresses: &one.addresses,
            targets: &one.targets,
            techniques: &one.techniques,
            findings: &one.findings,
            evidence: one.evidence.iter().map(AsRef::as_ref).collect(),
            steps: one.steps.iter().map(Step::of).collect(),
            hops: one.hops.iter().map(Hop::of).collect(),
            hands: one.hands.iter().map(Hand::of).collect(),
            causes: one.causes.iter().map(Cause::of).collect(),
            answers: one.answers.iter().map(Answer::of).collect(),
            reach: one.reach.iter().map(Reachable::of).collect(),
            commands: &one.commands,
            next_steps: &one.next_steps,
            unknowns: &one.unknowns,
            merged: &one.merged,
        }
    }
}

#[derive(Serialize)]
struct Step<'a> {
    time: When,
    who: &'a str,
    text: &'a str,
    severity: &'static str,
    finding: &'a str,
}

impl<'a> Step<'a> {
    fn of(step: &'a model::Step) -> Step<'a> {
        Step {
            time: When(step.time),
            who: &step.who,
            text: &step.text,
            severity: step.severity.as_str(),
            finding: &step.finding,
        }
    }
}

#[derive(Serialize)]
struct Hop<'a> {
    from: &'a str,
    to: &'a str,
    kind: &'a str,
    confidence: f64,
    evidence: Vec<&'a str>,
    sentence: &'a str,
}

impl<'a> Hop<'a> {
    fn of(hop: &'a model::Hop) -> Hop<'a> {
        Hop {
            from: &hop.from,
            to: &hop.to,
            kind: &hop.kind,
            confidence: hop.confidence,
            evidence: hop.evidence.iter().map(AsRef::as_ref).collect(),
            sentence: &hop.sentence,
        }
    }
}

#[derive(Serialize)]
struct Hand<'a> {
    entity: &'a str,
    credential: &'a str,
    address: &'a str,
    agents: &'a [String],
    first: When,
    last: When,
    acts: Vec<Act<'a>>,
    acts_left_out: u64,
}

impl<'a> Hand<'a> {
    fn of(hand: &'a model::Hand) -> Hand<'a> {
        Hand {
            entity: &hand.entity,
            credential: &hand.credential,
            address: &hand.address,
            agents: &hand.agents,
            first: When(hand.first),
            last: When(hand.last),
            acts: hand.acts.iter().map(Act::of).collect(),
            acts_left_out: hand.acts_left_out,
        }
    }
}

#[derive(Serialize)]
struct Act<'a> {
    time: When,
    last: When,
    count: u64,
    action: &'a str,
    target: &'a str,
    outcome: &'a str,
    sentence: &'a str,
    severity: Option<&'static str>,
    findings: &'a [String],
    evidence: Vec<&'a str>,
    role: &'static str,
}

impl<'a> Act<'a> {
    fn of(act: &'a model::Act) -> Act<'a> {
        Act {
            time: When(act.time),
            last: When(act.last),
            count: act.count,
            action: &act.action,
            target: &act.target,
            outcome: &act.outcome,
            sentence: &act.sentence,
            severity: act.severity.map(trailhound_model::finding::Severity::as_str),
            findings: &act.findings,
            evidence: act.evidence.iter().map(AsRef::as_ref).collect(),
            role: role(act.role),
        }
    }
}

fn role(role: model::ActRole) -> &'static str {
    match role {
        model::ActRole::Entry => "entry",
        model::ActRole::Step => "step",
        model::ActRole::Effect => "effect",
        model::ActRole::End => "end",
    }
}

/// A place in `hands` and in its `acts`.
#[derive(Serialize)]
struct Place {
    hand: usize,
    act: usize,
}

#[derive(Serialize)]
struct Cause<'a> {
    from: Place,
    to: Place,
    kind: &'a str,
    confidence: f64,
    sentence: &'a str,
}

impl<'a> Cause<'a> {
    fn of(cause: &'a model::Cause) -> Cause<'a> {
        let place = |(hand, act): (usize, usize)| Place { hand, act };
        Cause {
            from: place(cause.from),
            to: place(cause.to),
            kind: &cause.kind,
            confidence: cause.confidence,
            sentence: &cause.sentence,
        }
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    question: &'a str,
    #[serde(rename = "answer")]
    sentences: &'a [String],
    surety: &'a str,
}

impl<'a> Answer<'a> {
    fn of(one: &'a model::Answer) -> Answer<'a> {
        Answer { question: &one.question, sentences: &one.answer, surety: &one.surety }
    }
}

#[derive(Serialize)]
struct Reachable<'a> {
    from: &'a str,
    kind: &'a str,
    sentence: &'a str,
    count: u64,
    proved: u64,
    inferred: u64,
    unknown: u64,
    read: u64,
    samples: &'a [String],
    surety: &'a str,
}

impl<'a> Reachable<'a> {
    fn of(reach: &'a model::Reachable) -> Reachable<'a> {
        Reachable {
            from: &reach.from,
            kind: &reach.kind,
            sentence: &reach.sentence,
            count: reach.count,
            proved: reach.proved,
            inferred: reach.inferred,
            unknown: reach.unknown,
            read: reach.read,
            samples: &reach.samples,
            surety: &reach.surety,
        }
    }
}
