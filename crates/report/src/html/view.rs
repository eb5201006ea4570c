//! What the template prints: strings that are already harmless, already in words and already
//! capped. The template decides where things stand and nothing else; it escapes for HTML.

use super::answers::{self, AnswerView, CommandView, HandView, ReachView};
use super::chain::{self, Chain};
use super::evidence::FindingView;
use super::spread::{self, SpreadView};
use crate::{
    advice::{self, Part},
    sanitize, words,
};
use std::collections::BTreeMap;
use trailhound_model::{
    incident::{Incident, Step},
    scan::Scan,
};

/// Steps printed of one incident; the worst are kept.
const STEPS: usize = 120;
/// Steps that stand open; the others are folded.
const OPEN_STEPS: usize = 14;
/// Hops drawn of one incident.
const HOPS: usize = 40;
/// Names in a list of names.
const NAMES: usize = 24;
/// Next steps, unknowns and the like.
const ITEMS: usize = 30;

/// A severity for the eye.
pub(crate) struct Badge {
    pub(crate) class: &'static str,
    pub(crate) label: &'static str,
}

impl Badge {
    pub(crate) fn of(severity: trailhound_model::finding::Severity) -> Badge {
        Badge { class: severity.as_str(), label: severity.as_str() }
    }
}

/// A line of facts: a name and what stands beside it.
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) text: String,
}

/// Adds a fact if there is one.
pub(crate) fn fact(facts: &mut Vec<Fact>, name: &'static str, text: &str) {
    let text = sanitize::prose(text);
    if !text.is_empty() {
        facts.push(Fact { name, text });
    }
}

/// A step of a story.
pub(crate) struct StepView {
    pub(crate) day: Option<String>,
    pub(crate) clock: String,
    pub(crate) badge: Badge,
    pub(crate) who: String,
    pub(crate) text: Vec<Part>,
    pub(crate) finding: Option<String>,
}

/// An entity with its picture.
pub(crate) type Entity = chain::Node;

/// An incident.
pub(crate) struct IncidentView {
    pub(crate) number: usize,
    pub(crate) serious: bool,
    pub(crate) id: String,
    pub(crate) badge: Badge,
    pub(crate) title: String,
    pub(crate) when: String,
    pub(crate) lasted: String,
    pub(crate) cluster: String,
    pub(crate) sure: String,
    pub(crate) story: Vec<Part>,
    pub(crate) spread: Option<SpreadView>,
    pub(crate) answers: Vec<AnswerView>,
    pub(crate) reach: Vec<ReachView>,
    pub(crate) commands: Vec<CommandView>,
    pub(crate) hands: Vec<HandView>,
    pub(crate) hands_left_out: usize,
    pub(crate) steps: Vec<StepView>,
    pub(crate) folded_steps: Vec<StepView>,
    pub(crate) steps_left_out: usize,
    pub(crate) chains: Vec<Chain>,
    pub(crate) hops_left_out: usize,
    pub(crate) principals: Vec<Entity>,
    pub(crate) targets: Vec<Entity>,
    pub(crate) names_left_out: usize,
    pub(crate) addresses: String,
    pub(crate) techniques: Vec<Technique>,
    pub(crate) next_steps: Vec<Vec<Part>>,
    pub(crate) unknowns: Vec<Vec<Part>>,
    pub(crate) about_reach: Vec<Vec<Part>>,
    pub(crate) marks: &'static str,
    pub(crate) hops_sure: &'static str,
    pub(crate) merged: String,
    pub(crate) findings: Vec<FindingView>,
    pub(crate) findings_left_out: usize,
}

/// An ATT&CK technique.
pub(crate) struct Technique {
    pub(crate) id: String,
    pub(crate) name: &'static str,
}

/// The techniques with their names.
pub(crate) fn techniques(ids: &[String]) -> Vec<Technique> {
    let named = |id: &String| Technique {
        id: sanitize::prose(id),
        name: words::technique(id).unwrap_or_default(),
    };
    ids.iter().take(ITEMS).map(named).collect()
}

/// Where each finding is printed: `f3` by finding id.
pub(crate) type Anchors<'a> = BTreeMap<&'a str, String>;

/// An incident without its findings.
pub(crate) fn incident(number: usize, one: &Incident, anchors: &Anchors) -> IncidentView {
    let length = one.last_seen.since(one.first_seen);
    let (steps, folded_steps, steps_left_out) = steps(one, anchors);
    let (spread, hands) = (spread::of(one), answers::hands(one, anchors));
    let hops = one.hops.get(..HOPS).unwrap_or(&one.hops);
    IncidentView {
        number,
        serious: words::is_serious(one),
        id: sanitize::prose(&one.id),
        badge: Badge::of(one.severity),
        title: sanitize::prose(&one.title),
        when: words::period(one.first_seen, one.last_seen),
        lasted: if length > 0 { words::span(length) } else { String::new() },
        cluster: sanitize::prose(&words::cluster(&one.cluster)),
        sure: words::sure_of_incident(one.confidence),
        story: advice::inline(&sanitize::prose(&one.story)),
        answers: answers::answers(one),
        reach: answers::reach(one),
        commands: answers::commands(one),
        hands_left_out: one.hands.len().saturating_sub(hands.len()),
        hands,
        steps,
        folded_steps,
        steps_left_out,
        chains: if spread.is_some() { Vec::new() } else { chain::chains(hops) },
        hops_left_out: if spread.is_some() { 0 } else { one.hops.len() - hops.len() },
        spread,
        principals: entities(&one.principals),
        targets: entities(&one.targets),
        names_left_out: one.principals.len().saturating_sub(NAMES)
            + one.targets.len().saturating_sub(NAMES),
        addresses: addresses(&one.addresses),
        techniques: techniques(&one.techniques),
        next_steps: advised(&one.next_steps),
        unknowns: said(words::silence(one)),
        about_reach: said(&words::about_reach(one)),
        marks: words::MARKS,
        hops_sure: words::HOPS_SURE,
        merged: sanitize::prose(&words::listed(&one.merged, ITEMS)),
        findings: Vec::new(),
        findings_left_out: 0,
    }
}

fn entities(names: &[String]) -> Vec<Entity> {
    names.iter().take(NAMES).map(|name| Entity::of(name)).collect()
}

fn addresses(names: &[String]) -> String {
    let bare: Vec<String> = names
        .iter()
        .map(|name| sanitize::prose(name.strip_prefix("ip:").unwrap_or(name)))
        .collect();
    words::listed(&bare, NAMES)
}

/// Sentences with code within them.
pub(crate) fn said(sentences: &[String]) -> Vec<Vec<Part>> {
    let parts = |sentence: &String| advice::inline(&sanitize::prose(sentence));
    sentences.iter().take(ITEMS).map(parts).collect()
}

/// Next steps with their commands apart.
pub(crate) fn advised(steps: &[String]) -> Vec<Vec<Part>> {
    steps.iter().take(ITEMS).map(|step| advice::step(&sanitize::prose(step))).collect()
}

fn steps(one: &Incident, anchors: &Anchors) -> (Vec<StepView>, Vec<StepView>, usize) {
    if words::story_is_enough(one) {
        return (Vec::new(), Vec::new(), 0);
    }
    let chosen = words::chosen_steps(&one.steps, STEPS);
    let left_out = one.steps.len() - chosen.len();
    let mut day = String::new();
    let mut views: Vec<StepView> = chosen.iter().map(|one| step(one, &mut day, anchors)).collect();
    let open = if views.len() <= OPEN_STEPS + 3 { views.len() } else { OPEN_STEPS };
    let folded = views.split_off(open);
    (views, folded, left_out)
}

fn step(step: &Step, day: &mut String, anchors: &Anchors) -> StepView {
    let today = words::day(step.time);
    let new_day = *day != today;
    day.clone_from(&today);
    StepView {
        day: new_day.then_some(today),
        clock: step.time.clock(),
        badge: Badge::of(step.severity),
        who: sanitize::prose(&words::who_beside(step)),
        text: advice::inline(&sanitize::prose(&step.text)),
        finding: anchors.get(step.finding.as_str()).cloned(),
    }
}

/// One line of the list of minor or left-out incidents.
pub(crate) struct Brief {
    pub(crate) badge: Badge,
    pub(crate) title: String,
    pub(crate) when: String,
    pub(crate) who: String,
    pub(crate) id: String,
}

/// The line of an incident.
pub(crate) fn brief(one: &Incident) -> Brief {
    Brief {
        badge: Badge::of(one.severity),
        title: sanitize::prose(&one.title),
        when: words::moment(one.first_seen),
        who: sanitize::prose(
            &one.principals.first().map_or(String::new(), |who| words::named(who)),
        ),
        id: sanitize::prose(&one.id),
    }
}

/// How many incidents there are of each severity.
pub(crate) fn tally(scan: &Scan) -> Vec<(Badge, usize)> {
    let count = |severity| scan.incidents.iter().filter(|one| one.severity == severity).count();
    words::WORST_FIRST.iter().map(|severity| (Badge::of(*severity), count(*severity))).collect()
}
