//! The spread of an incident as it is drawn: hands with their acts, and why one act follows another.

use super::{
    Group,
    follow::{Attached, Trail},
    hands::Key,
    link::Joint,
    story::is_thing,
    words,
};
use std::collections::{BTreeMap, HashMap};
use trailhound_model::{
    action::{ActionKind, Outcome},
    finding::Finding,
    incident::{Act, ActRole, Cause, Hand},
};

/// Acts that a hand shows.
const MOST_ACTS: usize = 60;

/// The hands of an incident and what ties their acts.
pub(super) fn draw(group: &Group, all: &[Finding], trail: &Trail) -> (Vec<Hand>, Vec<Cause>) {
    let mut acts: Vec<usize> = group.acts.clone();
    acts.sort_by_key(|place| trail.acts.get(*place).map(|act| (act.doing.first, *place)));
    let mut hands: Vec<Hand> = Vec::new();
    let mut place_of: HashMap<Key, usize> = HashMap::new();
    let mut shown: HashMap<usize, (usize, usize)> = HashMap::new();
    for place in acts {
        let Some(attached) = trail.acts.get(place) else { continue };
        let at = *place_of.entry(attached.hand).or_insert_with(|| {
            hands.push(hand_of(attached.hand, trail));
            hands.len() - 1
        });
        let Some(hand) = hands.get_mut(at) else { continue };
        let act = act_of(attached, all);
        if hand.acts.is_empty() {
            hand.first = act.time;
        }
        hand.last = hand.last.max(act.last);
        if hand.acts.len() >= MOST_ACTS {
            hand.acts_left_out += 1;
            continue;
        }
        shown.insert(place, (at, hand.acts.len()));
        hand.acts.push(act);
    }
    mark_ends(&mut hands);
    let causes = causes(group, trail, &shown);
    (hands, causes)
}

fn hand_of(key: Key, trail: &Trail) -> Hand {
    let Some(known) = trail.shown.get(&key) else { return Hand::default() };
    Hand {
        entity: known.who.clone(),
        credential: known.credential.clone(),
        address: known.address.to_string(),
        agents: known.agents.iter().map(ToString::to_string).collect(),
        ..Hand::default()
    }
}

fn act_of(attached: &Attached, all: &[Finding]) -> Act {
    let doing = &attached.doing;
    let findings = attached.findings.iter().filter_map(|place| all.get(*place));
    let severity = findings.clone().map(|finding| finding.severity).max();
    let ids = findings.map(|finding| finding.id.clone()).collect();
    let changed = doing.outcome == Outcome::Allowed && is_effect(doing.action.as_str());
    Act {
        time: doing.first,
        last: doing.last,
        count: doing.count,
        action: doing.action.as_str().to_owned(),
        target: doing.target(),
        outcome: doing.outcome.as_str().to_owned(),
        sentence: sentence(attached),
        severity,
        findings: ids,
        evidence: doing.ids.to_vec(),
        role: if changed { ActRole::Effect } else { ActRole::Step },
    }
}

/// Whether an act took or changed something, by the name of its action.
fn is_effect(action: &str) -> bool {
    let (sort, verb) = action.split_once('.').unwrap_or((action, ""));
    match sort {
        "secret" | "token" | "csr" => true,
        "object" | "config" | "lease" | "status" | "review" | "url" | "discovery" => {
            matches!(verb, "create" | "change" | "write" | "delete" | "delete-many")
        }
        _ => !matches!(verb, "logs" | "proxy" | "list" | "read" | "watch" | "review" | ""),
    }
}

fn sentence(attached: &Attached) -> String {
    let doing = &attached.doing;
    let mut text = doing.action.phrase().to_owned();
    // Questions about rights are asked as objects whose names tell nobody anything.
    if is_thing(&doing.target()) {
        text = format!("{text} {}", words::spoken(&doing.target()));
    }
    if !doing.detail.is_empty() && !doing.resource.is_empty() {
        text = match doing.action {
            ActionKind::PodExec
            | ActionKind::PodAttach
            | ActionKind::NodeProxy
            | ActionKind::WorkloadProxy => format!("{text}: {}", doing.detail),
            // Whoever is named beside any other act is whom it acted as.
            _ => format!("{text}, acting as {}", doing.detail),
        };
    }
    if doing.count > 1 {
        text = format!("{text} ({} times)", doing.count);
    }
    let came = match doing.outcome {
        Outcome::Allowed => return text,
        Outcome::Denied => "refused",
        Outcome::Rejected => "rejected by admission or validation",
        Outcome::Unauthenticated => "not accepted: no valid credential",
        Outcome::NotFound => "there was no such thing",
        Outcome::Conflict => "it was there already or had changed",
        Outcome::Failed => "failed",
        Outcome::Unknown => "the log does not say what came of it",
    };
    format!("{text}: {came}")
}

/// Where it begins and where it ends.
fn mark_ends(hands: &mut [Hand]) {
    let times: Vec<_> = hands
        .iter()
        .enumerate()
        .flat_map(|(hand, one)| {
            one.acts.iter().enumerate().map(move |(act, it)| (it.time, it.last, hand, act))
        })
        .collect();
    let first = times.iter().min_by_key(|one| (one.0, one.2, one.3)).copied();
    let last = times.iter().max_by_key(|one| (one.1, one.2, one.3)).copied();
    for (end, role) in [(last, ActRole::End), (first, ActRole::Entry)] {
        let Some((_, _, hand, act)) = end else { continue };
        if let Some(act) = hands.get_mut(hand).and_then(|hand| hand.acts.get_mut(act))
            && (role == ActRole::Entry || act.role == ActRole::Step)
        {
            act.role = role;
        }
    }
}

/// A hand and one of its acts.
type Place = (usize, usize);
type Places = HashMap<usize, Place>;

fn causes(group: &Group, trail: &Trail, shown: &Places) -> Vec<Cause> {
    let mut best: BTreeMap<(Place, Place), Joint> = BTreeMap::new();
    let mut add = |from: Option<&Place>, to: Option<&Place>, joint: Joint| {
        let (Some(from), Some(to)) = (from, to) else { return };
        if from == to {
            return;
        }
        let known = best.entry((*from, *to)).or_insert(joint);
        if joint.confidence() > known.confidence() {
            *known = joint;
        }
    };
    for tie in &group.ties {
        add(shown.get(&tie.from), shown.get(&tie.to), tie.joint);
    }
    for edge in &group.edges {
        let (from, to) = (first_act(group, trail, edge.from), first_act(group, trail, edge.to));
        let (Some(from), Some(to)) = (from, to) else { continue };
        add(shown.get(&from), shown.get(&to), edge.joint);
    }
    best.into_iter()
        .map(|((from, to), joint)| Cause {
            from,
            to,
            kind: joint.as_str().to_owned(),
            confidence: joint.confidence(),
            sentence: joint.why().to_owned(),
        })
        .collect()
}

fn acts_of<'a>(
    group: &'a Group,
    trail: &'a Trail,
    finding: usize,
) -> impl Iterator<Item = usize> + 'a {
    group.acts.iter().copied().filter(move |place| {
        trail.acts.get(*place).is_some_and(|act| act.findings.contains(&finding))
    })
}

fn first_act(group: &Group, trail: &Trail, finding: usize) -> Option<usize> {
    acts_of(group, trail, finding).min_by_key(|place| trail.acts.get(*place).map(|a| a.doing.first))
}
