//! Findings as they grow: the same rule on the same actor, credential, address and object is one
//! finding with more records, not an alert per request.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{
    Map,
    fact::Exhibit,
    finding::{Finding, FindingKind, Record, Severity},
    time::{MINUTE, Time},
};

/// A finding grows as long as its next record comes within this time of its last.
const FOLD_WITHIN: i64 = 15 * MINUTE;
/// Records that a finding names; the rest is counted.
pub const MOST_RECORDS: usize = 60;
/// Entities that a finding names as touched.
const MOST_TOUCHES: usize = 64;
/// Records that a finding keeps with their text.
const WHOLE_RECORDS: usize = 4;
/// Most findings that are kept, and as many again of high severity, so that a flood of mild ones
/// cannot push out a grave one; beyond this they are counted and their rule is named.
const MOST_FINDINGS: usize = 5_000;
/// Most records that all findings name together, beyond the first of each.
const MOST_NAMED: usize = 200_000;
/// Most bytes of text that the records of all findings show together.
const MOST_SHOWN: usize = 32 << 20;

/// Findings of one rule on one actor, credential and address beyond which the object does not
/// matter any more: who reads 70 secrets makes a few findings, not 70.
const FLOOD: usize = 5;

/// Rule, identities, credential, address, and what came of it with which severity: a graver act is
/// never folded into a milder one.
type Hand = (String, String, String, String, String, (String, Severity));
type FoldKey = (Hand, String);

/// All findings of a cluster so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Findings {
    list: Vec<Finding>,
    by_id: Map<String, usize>,
    open: Map<FoldKey, usize>,
    hands: Map<Hand, Vec<usize>>,
    /// Findings that were not kept because there were too many, per rule.
    pub overflow: BTreeMap<String, u64>,
    named: usize,
    shown: usize,
    /// Records that were counted but not named, because all findings together name too many.
    pub unnamed: u64,
    /// Records that are named but not shown, because all findings together show too much.
    pub unshown: u64,
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folded {
    /// It is new, at this place of the list.
    New(usize),
    /// It made the one at this place longer.
    Into(usize),
    /// There were too many.
    Dropped,
}

impl Findings {
    /// Adds a finding or folds it into one that it repeats. `tell` writes its sentences, which only
    /// a new one needs.
    pub fn add(&mut self, mut finding: Finding, tell: impl FnOnce(&mut Finding)) -> Folded {
        let key = fold_key(&finding);
        if let Some(place) = self.open.get(&key).copied()
            && self.list.get(place).is_some_and(|open| finding.time.since(open.last) <= FOLD_WITHIN)
        {
            self.merge(place, finding);
            return Folded::Into(place);
        }
        if let Some(place) = self.flooded(&key.0, finding.time) {
            self.merge(place, finding);
            return Folded::Into(place);
        }
        let room = match finding.severity {
            // What the site expects must not take the place of what it does not.
            _ if finding.is_silenced() => MOST_FINDINGS / 2,
            Severity::High | Severity::Critical => 2 * MOST_FINDINGS,
            _ => MOST_FINDINGS,
        };
        if self.list.len() >= room {
            *self.overflow.entry(finding.rule.id).or_default() += 1;
            return Folded::Dropped;
        }
        tell(&mut finding);
        let place = self.list.len();
        self.hands.entry(key.0.clone()).or_default().push(place);
        self.open.insert(key, place);
        self.by_id.insert(finding.id.clone(), place);
        self.list.push(finding);
        Folded::New(place)
    }

    /// Adds what is new in a finding to the one that it repeats: a counting rule that fires again
    /// brings records that are there already.
    fn merge(&mut self, place: usize, finding: Finding) {
        let known = self.list.get(place).map_or(0, |open| open.record_count);
        let last = self.list.get(place).map(|open| open.last);
        let single = finding.records.len() == 1;
        for record in finding.records {
            if single || last.is_none_or(|last| record.time > last) {
                self.extend(place, record);
            }
        }
        let Some(open) = self.list.get_mut(place).filter(|open| open.record_count > known) else {
            return;
        };
        for touch in finding.touches {
            if open.touches.len() < MOST_TOUCHES && !open.touches.contains(&touch) {
                open.touches.push(touch);
            }
        }
    }

    /// The last finding of a hand that has made many of late.
    fn flooded(&mut self, hand: &Hand, now: Time) -> Option<usize> {
        let places = self.hands.get_mut(hand)?;
        let list = &self.list;
        places.retain(|place| {
            list.get(*place).is_some_and(|finding| now.since(finding.last) <= FOLD_WITHIN)
        });
        if places.len() >= FLOOD { places.last().copied() } else { None }
    }

    /// Adds a record to the finding with this id; its place, if it exists.
    pub fn grow(&mut self, id: &str, record: Record) -> Option<usize> {
        let place = *self.by_id.get(id)?;
        self.extend(place, record);
        Some(place)
    }

    fn extend(&mut self, place: usize, record: Record) {
        let Some(finding) = self.list.get_mut(place) else { return };
        finding.record_count += 1;
        finding.last = finding.last.max(record.time);
        if finding.records.len() >= MOST_RECORDS {
            return;
        }
        if self.named >= MOST_NAMED {
            self.unnamed += 1;
            return;
        }
        self.named += 1;
        finding.records.push(record);
    }

    /// Gives the last record of a finding its text, if it is among the first that show theirs.
    pub fn show(&mut self, place: usize, exhibit: &Exhibit) {
        let Some(finding) = self.list.get_mut(place) else { return };
        let shown = finding.records.iter().filter(|record| !record.masked.is_empty()).count();
        let kept = finding.record_count == finding.records.len() as u64;
        if let Some(last) = finding.records.last_mut().filter(|_| kept && shown < WHOLE_RECORDS) {
            if self.shown >= MOST_SHOWN {
                self.unshown += 1;
                return;
            }
            exhibit.record().clone_into(&mut last.masked);
            self.shown += last.masked.len();
        }
    }

    /// The finding at a place.
    pub fn get(&self, place: usize) -> Option<&Finding> {
        self.list.get(place)
    }

    /// The finding at a place, to change its sentence as it grows.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Finding> {
        self.list.get_mut(place)
    }

    /// All findings, in the order in which they were opened.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// Time of the last record of all.
    pub fn last(&self) -> Option<Time> {
        self.list.iter().map(|finding| finding.last).max()
    }
}

/// The outcome, and the entries of the site that speak of the finding: what one entry expects is not
/// the same as what none does.
fn judged_as(finding: &Finding) -> String {
    let mut judged = finding.outcome.clone();
    for note in &finding.site {
        judged.push_str(note.effect.as_str());
        judged.push_str(&note.entry);
    }
    judged
}

/// What makes two findings the same. One about a credential does not care what it was used on.
fn fold_key(finding: &Finding) -> FoldKey {
    let target = if matches!(finding.kind, FindingKind::Credential | FindingKind::Threshold) {
        String::new()
    } else {
        finding.target.clone()
    };
    let nameless = matches!(finding.actor_kind.as_str(), "anonymous" | "unauthenticated");
    let hand = (
        finding.rule.id.clone(),
        finding.principal.clone(),
        finding.real_principal.clone().unwrap_or_default(),
        finding.credential.clone(),
        finding.address.clone(),
        (judged_as(finding), finding.severity),
    );
    // Callers without a name are told apart by agent, but only until they are a flood.
    (hand, if nameless { finding.user_agent.clone() } else { target })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(target: &str, minute: i64, kind: FindingKind) -> Finding {
        let time = Time(minute * MINUTE);
        Finding {
            id: format!("{target}{minute}"),
            kind,
            target: target.into(),
            time,
            last: time,
            record_count: 1,
            records: vec![Record { time, ..Record::default() }],
            ..Finding::default()
        }
    }

    #[test]
    fn repeats_make_a_finding_longer_until_a_pause() {
        let mut findings = Findings::default();
        assert_eq!(findings.add(finding("a", 0, FindingKind::Rule), |_| {}), Folded::New(0));
        assert_eq!(findings.add(finding("a", 10, FindingKind::Rule), |_| {}), Folded::Into(0));
        assert_eq!(findings.add(finding("b", 11, FindingKind::Rule), |_| {}), Folded::New(1));
        assert_eq!(findings.add(finding("a", 40, FindingKind::Rule), |_| {}), Folded::New(2));
        assert_eq!(findings.list()[0].record_count, 2);
    }

    #[test]
    fn a_finding_about_a_credential_does_not_care_what_it_was_used_on() {
        let mut findings = Findings::default();
        findings.add(finding("a", 0, FindingKind::Credential), |_| {});
        assert_eq!(findings.add(finding("b", 1, FindingKind::Credential), |_| {}), Folded::Into(0));
    }
}
