//! Joins findings into incidents, by causes first.
//!
//! Every finding is linked to earlier ones: it used power that they gave, acted on an object that
//! they wrote, used the same token from the same place. Where no such cause exists, the same person
//! at the same unusual address within a short pause is one session. Nothing is joined by a shared
//! address, an anonymous name or a controller alone; see [`link`] for every edge and its reason.
//!
//! What no rule objects to is part of the story too: [`follow`] ties the other acts of the same hands
//! to it, forward and back, by the traces that they leave.

mod advice;
mod follow;
mod hands;
mod keys;
pub mod link;
mod recall;
mod sieve;
mod split;
mod spread;
pub mod story;
pub(crate) use trailhound_model::words;

use link::{Joint, Link};
use serde::{Deserialize, Serialize};
use trailhound_model::{Map, finding::Finding, incident::Incident, time::Time};

/// Marks that one key keeps; beyond this the oldest goes.
const MOST_MARKS: usize = 16;

/// Where a key was seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Mark {
    finding: usize,
    time: Time,
}

/// A link between two findings of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// Place of the earlier finding.
    pub from: usize,
    /// Place of the later one.
    pub to: usize,
    /// Why they are joined.
    pub joint: Joint,
}

/// Findings that are joined.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Group {
    /// Places of its findings, in order of arrival.
    pub findings: Vec<usize>,
    /// Why they are joined.
    pub edges: Vec<Edge>,
    /// Ids of incidents that were merged into this one.
    pub merged: Vec<String>,
    /// Its acts, as places in the list of acts.
    pub(crate) acts: Vec<usize>,
    /// Why its acts belong together.
    pub(crate) ties: Vec<follow::Tie>,
}

/// Incidents in the making.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Correlator {
    groups: Vec<Group>,
    group_of: Map<usize, usize>,
    marks: Map<String, Vec<Mark>>,
    trail: follow::Trail,
}

impl Correlator {
    /// Adds the finding at `place`; `all` are the findings so far.
    pub fn add(&mut self, place: usize, all: &[Finding]) {
        let Some(finding) = all.get(place) else { return };
        let mut links = self.links(finding, all);
        if !link::joins(finding) {
            links.truncate(1);
        }
        let group = self.join(place, &links, all);
        self.group_of.insert(place, group);
        if link::joins(finding) {
            for key in link::leaves(finding) {
                self.mark(key, place, finding.time);
            }
        }
    }

    /// The finding at `place` got another record: its session goes on.
    pub fn touch(&mut self, place: usize, all: &[Finding]) {
        let Some(finding) = all.get(place).filter(|finding| link::joins(finding)) else { return };
        for key in link::session_keys(finding) {
            self.mark(key, place, finding.last);
        }
    }

    fn mark(&mut self, key: String, finding: usize, time: Time) {
        let marks = self.marks.entry(key).or_default();
        if let Some(mark) = marks.iter_mut().find(|mark| mark.finding == finding) {
            mark.time = mark.time.max(time);
            return;
        }
        if marks.len() >= MOST_MARKS {
            marks.remove(0);
        }
        marks.push(Mark { finding, time });
    }

    fn links(&self, finding: &Finding, all: &[Finding]) -> Vec<Link> {
        let mut links = Vec::new();
        for probe in link::probes(finding) {
            let marks = self.marks.get(&probe.key).map(Vec::as_slice).unwrap_or_default();
            // Of several possible causes of one sort the nearest is the likeliest.
            let nearest = marks
                .iter()
                .filter(|mark| finding.time.since(mark.time) <= probe.within)
                .filter(|mark| {
                    all.get(mark.finding).is_some_and(|earlier| probe.allows(earlier, finding))
                })
                .max_by_key(|mark| (mark.time, mark.finding));
            if let Some(mark) = nearest {
                let (joint, strength) = (probe.joint, probe.strength);
                links.push(Link { from: mark.finding, joint, strength, time: mark.time });
            }
        }
        link::choose(links)
    }

    fn join(&mut self, place: usize, links: &[Link], all: &[Finding]) -> usize {
        let mut joined: Vec<usize> =
            links.iter().filter_map(|link| self.group_of.get(&link.from).copied()).collect();
        joined.sort_unstable();
        joined.dedup();
        let home = joined.first().copied().unwrap_or_else(|| {
            self.groups.push(Group::default());
            self.groups.len() - 1
        });
        for other in joined.into_iter().skip(1) {
            self.merge(home, other, all);
        }
        if let Some(group) = self.groups.get_mut(home) {
            group.findings.push(place);
            group.edges.extend(links.iter().map(|link| Edge {
                from: link.from,
                to: place,
                joint: link.joint,
            }));
        }
        home
    }

    fn merge(&mut self, home: usize, other: usize, all: &[Finding]) {
        let Some(group) = self.groups.get_mut(other).map(std::mem::take) else { return };
        for finding in &group.findings {
            self.group_of.insert(*finding, home);
        }
        let old_id =
            group.findings.first().and_then(|first| all.get(*first)).map(story::incident_id);
        if let Some(target) = self.groups.get_mut(home) {
            target.findings.extend(&group.findings);
            target.findings.sort_unstable();
            target.edges.extend(group.edges);
            target.merged.extend(group.merged);
            target.merged.extend(old_id);
            target.acts.extend(&group.acts);
            target.ties.extend(group.ties);
        }
        self.trail.moved(&group.acts, home);
    }

    /// How many of what was not kept, in words that follow the number.
    pub fn bounds(&self) -> impl Iterator<Item = (u64, &'static str)> {
        self.trail.bounds().into_iter()
    }

    /// The incidents so far, worst first.
    pub fn incidents(&self, all: &[Finding]) -> Vec<Incident> {
        let mut incidents: Vec<Incident> = self
            .groups
            .iter()
            .filter(|group| !group.findings.is_empty())
            .flat_map(|group| split::split(group, all, &self.trail))
            .map(|group| story::tell(&group, all, &self.trail))
            .collect();
        incidents.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then(a.first_seen.cmp(&b.first_seen)).then(a.id.cmp(&b.id))
        });
        incidents
    }
}
