//! What everybody asks of an incident, what could be reached from it, what to do first, and what
//! each hand did. Every answer says how sure it is; every command says that nobody ran it yet.

use super::view::{Anchors, Badge};
use crate::{
    advice::{self, Part},
    sanitize,
    words::{self, hand},
};
use trailhound_model::incident::{Act, ActRole, Hand, Incident};

/// Questions, ways and commands printed of one incident.
const ITEMS: usize = 30;
/// Hands whose acts are listed.
const HANDS: usize = 40;
/// Acts listed of one hand.
const ACTS: usize = 80;
/// auditIDs listed of one act.
const IDS: usize = 8;
/// Samples of what could be reached.
const SAMPLES: usize = 8;

/// A question and its answer.
pub(crate) struct AnswerView {
    pub(crate) question: String,
    pub(crate) sentences: Vec<Vec<Part>>,
    pub(crate) surety: &'static str,
}

/// Something that could be reached.
pub(crate) struct ReachView {
    pub(crate) sentence: Vec<Part>,
    pub(crate) samples: String,
    pub(crate) surety: &'static str,
}

/// A command and why.
pub(crate) struct CommandView {
    pub(crate) why: Vec<Part>,
    pub(crate) command: String,
}

/// A hand and its acts.
pub(crate) struct HandView {
    pub(crate) name: String,
    pub(crate) badge: Option<Badge>,
    pub(crate) when: String,
    pub(crate) agents: String,
    pub(crate) acts: Vec<ActView>,
    pub(crate) left_out: u64,
}

/// An act.
pub(crate) struct ActView {
    pub(crate) clock: String,
    pub(crate) text: Vec<Part>,
    pub(crate) outcome: String,
    pub(crate) role: &'static str,
    pub(crate) badge: Option<Badge>,
    pub(crate) findings: Vec<String>,
    pub(crate) ids: String,
}

/// The questions and answers.
pub(crate) fn answers(one: &Incident) -> Vec<AnswerView> {
    words::short_answers(one)
        .take(ITEMS)
        .map(|answer| AnswerView {
            question: sanitize::prose(&answer.question),
            sentences: super::view::said(&answer.answer),
            surety: hand::surety(&answer.surety),
        })
        .collect()
}

/// What could be reached.
pub(crate) fn reach(one: &Incident) -> Vec<ReachView> {
    one.reach
        .iter()
        .take(ITEMS)
        .map(|reach| {
            let samples: Vec<String> =
                reach.samples.iter().map(|name| sanitize::prose(&words::named(name))).collect();
            ReachView {
                sentence: advice::inline(&sanitize::prose(&words::reached(reach))),
                samples: words::listed(&samples, SAMPLES),
                surety: hand::surety(&reach.surety),
            }
        })
        .collect()
}

/// The commands. A comment before or after a command is why.
pub(crate) fn commands(one: &Incident) -> Vec<CommandView> {
    let view = |text: &String| {
        let (why, command) = words::explained(text);
        CommandView { why: advice::inline(&words::sentence(&why)), command }
    };
    one.commands.iter().take(ITEMS).map(view).collect()
}

/// The hands with their acts.
pub(crate) fn hands(one: &Incident, anchors: &Anchors) -> Vec<HandView> {
    let view = |(index, hand): (usize, &Hand)| {
        let mut day = words::day(one.first_seen);
        HandView {
            name: format!("{}. {}", index + 1, sanitize::prose(&hand::hand(hand))),
            badge: hand.acts.iter().filter_map(|act| act.severity).max().map(Badge::of),
            when: words::period(hand.first, hand.last),
            agents: sanitize::prose(&words::listed(&hand.agents, 6)),
            acts: hand
                .acts
                .iter()
                .take(ACTS)
                .map(|act| view_act(hand, act, &mut day, anchors))
                .collect(),
            left_out: hand.acts.len().saturating_sub(ACTS) as u64 + hand.acts_left_out,
        }
    };
    one.hands.iter().take(HANDS).enumerate().map(view).collect()
}

fn view_act(hand: &Hand, act: &Act, day: &mut String, anchors: &Anchors) -> ActView {
    let today = words::day(act.time);
    let clock = if today == *day { act.time.clock() } else { words::moment(act.time) };
    *day = today;
    let ids: Vec<String> = act.evidence.iter().map(|id| sanitize::prose(id)).collect();
    ActView {
        clock,
        text: advice::inline(&hand::deed(hand, &Act { outcome: String::new(), ..act.clone() })),
        outcome: if act.outcome == "allowed" {
            String::new()
        } else {
            sanitize::prose(&act.outcome)
        },
        role: role(act.role),
        badge: act.severity.map(Badge::of),
        findings: act
            .findings
            .iter()
            .filter_map(|id| anchors.get(id.as_str()).cloned())
            .take(6)
            .collect(),
        ids: words::listed(&ids, IDS),
    }
}

fn role(role: ActRole) -> &'static str {
    match role {
        ActRole::Entry => "entry",
        ActRole::Effect => "effect",
        ActRole::End => "end",
        ActRole::Step => "",
    }
}
