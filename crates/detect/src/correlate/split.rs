//! Takes apart what only the same hand holds together.
//!
//! Somebody at a strange address who does two things in one minute mostly does one piece of work, and
//! so one incident is opened. But when it turns out that one of the two led to another identity, it
//! is a story of its own; the other, if it changed something else and no cause connects the two, must
//! not be told as a part of it. Two attacks at the same time stay two.

use super::{
    Edge, Group,
    follow::{Tie, Trail},
    link::Joint,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use trailhound_model::finding::{Finding, Severity, TouchRole};

/// A finding or an act of a group, by its place in the group's lists.
type Node = usize;

struct Parts<'a> {
    parent: Vec<Node>,
    /// Whether it led to another identity.
    spreads: Vec<bool>,
    /// Whether it changed something that has a name.
    changes: Vec<bool>,
    group: &'a Group,
    /// Where findings and acts stand in the group's lists.
    findings: HashMap<usize, Node>,
    acts: HashMap<usize, Node>,
}

/// The incidents that a group is, each with the findings, acts and ties that are its own.
pub(super) fn split(group: &Group, all: &[Finding], trail: &Trail) -> Vec<Group> {
    if !group.edges.iter().any(|edge| is_soft(edge.joint))
        && !group.ties.iter().any(|tie| is_soft(tie.joint))
    {
        return vec![group.clone()];
    }
    let mut parts = Parts::new(group, all);
    parts.join_findings_and_acts(trail);
    parts.join_by_cause(trail, all);
    parts.join_by_hand(trail, all);
    parts.groups()
}

/// Only the same hand or the same deed: no cause.
fn is_soft(joint: Joint) -> bool {
    matches!(joint, Joint::Session | Joint::Repeat)
}

/// Whether a tie leads to an identity that was not there before.
fn leads_on(joint: Joint) -> bool {
    matches!(
        joint,
        Joint::Pod | Joint::Token | Joint::Certificate | Joint::Account | Joint::Supposed
    )
}

/// Whether it changed something that can be told from other things.
fn changes(finding: &Finding) -> bool {
    finding.outcome == "allowed"
        && finding.severity >= Severity::Medium
        && finding.touches.iter().any(|touch| touch.role == TouchRole::Target)
        && !finding.target.ends_with('*')
}

impl<'a> Parts<'a> {
    fn new(group: &'a Group, all: &[Finding]) -> Parts<'a> {
        let nodes = group.findings.len() + group.acts.len();
        let mut marks = vec![false; nodes];
        for (mark, place) in marks.iter_mut().zip(&group.findings) {
            *mark = all.get(*place).is_some_and(changes);
        }
        let places = |list: &[usize], from: usize| -> HashMap<usize, Node> {
            list.iter().enumerate().rev().map(|(at, place)| (*place, from + at)).collect()
        };
        Parts {
            parent: (0..nodes).collect(),
            spreads: vec![false; nodes],
            changes: marks,
            findings: places(&group.findings, 0),
            acts: places(&group.acts, group.findings.len()),
            group,
        }
    }

    fn finding(&self, place: usize) -> Option<Node> {
        self.findings.get(&place).copied()
    }

    fn act(&self, place: usize) -> Option<Node> {
        self.acts.get(&place).copied()
    }

    fn root(&mut self, mut node: Node) -> Node {
        while let Some(parent) = self.parent.get(node).copied().filter(|parent| *parent != node) {
            let above = self.parent.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parent.get_mut(node) {
                *slot = above;
            }
            node = parent;
        }
        node
    }

    fn has(marks: &[bool], node: Node) -> bool {
        marks.get(node).copied().unwrap_or_default()
    }

    fn join(&mut self, a: Node, b: Node) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        if low == high {
            return;
        }
        if let Some(parent) = self.parent.get_mut(high) {
            *parent = low;
        }
        for marks in [&mut self.spreads, &mut self.changes] {
            if Self::has(marks, high)
                && let Some(mark) = marks.get_mut(low)
            {
                *mark = true;
            }
        }
    }

    fn join_findings_and_acts(&mut self, trail: &Trail) {
        for place in &self.group.acts {
            let findings = trail.acts.get(*place).map(|act| act.findings.as_slice());
            for finding in findings.unwrap_or_default() {
                if let (Some(act), Some(finding)) = (self.act(*place), self.finding(*finding)) {
                    self.join(act, finding);
                }
            }
        }
    }

    fn join_by_cause(&mut self, trail: &Trail, all: &[Finding]) {
        for edge in self.group.edges.iter().filter(|edge| !is_soft(edge.joint)) {
            if let (Some(from), Some(to)) = (self.finding(edge.from), self.finding(edge.to)) {
                let other = all.get(edge.from).map(|one| &one.principal)
                    != all.get(edge.to).map(|one| &one.principal);
                self.follow(from, to, leads_on(edge.joint) && other);
            }
        }
        for tie in self.group.ties.iter().filter(|tie| !is_soft(tie.joint)) {
            if let (Some(from), Some(to)) = (self.act(tie.from), self.act(tie.to)) {
                let hand = |place: usize| trail.acts.get(place).map(|act| act.hand);
                self.follow(from, to, leads_on(tie.joint) && hand(tie.from) != hand(tie.to));
            }
        }
    }

    fn follow(&mut self, from: Node, to: Node, spreads: bool) {
        self.join(from, to);
        let root = self.root(from);
        if spreads && let Some(mark) = self.spreads.get_mut(root) {
            *mark = true;
        }
    }

    /// The nearest in time first, so that what lies between two stories goes to the nearer.
    fn join_by_hand(&mut self, trail: &Trail, all: &[Finding]) {
        let mut soft: Vec<(i64, Node, Node)> = Vec::new();
        for Edge { from, to, joint } in self.group.edges.iter().filter(|one| is_soft(one.joint)) {
            let _ = joint;
            let time = |place: usize| all.get(place).map(|finding| finding.time);
            if let (Some(a), Some(b)) = (self.finding(*from), self.finding(*to)) {
                let gap = time(*to).zip(time(*from)).map_or(0, |(to, from)| to.since(from).abs());
                soft.push((gap, a, b));
            }
        }
        for Tie { from, to, .. } in self.group.ties.iter().filter(|one| is_soft(one.joint)) {
            let act = |place: usize| trail.acts.get(place).map(|act| &act.doing);
            if let (Some(a), Some(b)) = (self.act(*from), self.act(*to)) {
                let gap = act(*to)
                    .zip(act(*from))
                    .map_or(0, |(to, from)| to.first.since(from.last).abs());
                soft.push((gap, a, b));
            }
        }
        soft.sort_unstable();
        for (_, a, b) in soft {
            if !self.are_two(a, b) {
                self.join(a, b);
            }
        }
    }

    fn are_two(&mut self, a: Node, b: Node) -> bool {
        let (a, b) = (self.root(a), self.root(b));
        let spreads = Self::has(&self.spreads, a) || Self::has(&self.spreads, b);
        spreads && Self::has(&self.changes, a) && Self::has(&self.changes, b)
    }

    fn groups(mut self) -> Vec<Group> {
        let mut groups: BTreeMap<Node, Group> = BTreeMap::new();
        let whole = self.group;
        let (findings, acts) = (std::mem::take(&mut self.findings), std::mem::take(&mut self.acts));
        for (node, place) in whole.findings.iter().enumerate() {
            let root = self.root(node);
            groups.entry(root).or_default().findings.push(*place);
        }
        // Findings come first in the numbering, so that a part without findings has no entry yet: its
        // acts go with the oldest.
        let oldest = groups.keys().next().copied().unwrap_or_default();
        for (at, place) in whole.acts.iter().enumerate() {
            let root = self.root(whole.findings.len() + at);
            let root = if groups.contains_key(&root) { root } else { oldest };
            groups.entry(root).or_default().acts.push(*place);
        }
        let homes: BTreeSet<Node> = groups.keys().copied().collect();
        let mut home = |ends: (Option<Node>, Option<Node>)| {
            let mut of = |node: Node| Some(self.root(node)).filter(|root| homes.contains(root));
            let (from, to) = (of(ends.0?).unwrap_or(oldest), of(ends.1?).unwrap_or(oldest));
            (from == to).then_some(from)
        };
        for edge in &whole.edges {
            let ends = (findings.get(&edge.from).copied(), findings.get(&edge.to).copied());
            if let Some(group) = home(ends).and_then(|home| groups.get_mut(&home)) {
                group.edges.push(edge.clone());
            }
        }
        for tie in &whole.ties {
            let ends = (acts.get(&tie.from).copied(), acts.get(&tie.to).copied());
            if let Some(group) = home(ends).and_then(|home| groups.get_mut(&home)) {
                group.ties.push(tie.clone());
            }
        }
        if let Some(group) = groups.get_mut(&oldest) {
            group.merged.clone_from(&whole.merged);
        }
        groups.into_values().collect()
    }
}
