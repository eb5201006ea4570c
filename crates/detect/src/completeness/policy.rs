//! The audit policy, read backwards: which kinds of request were logged with which level, and
//! which never appear. It is what tells an analyst that "no secret was read" may mean "reads are
//! not logged".

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{
    Str,
    completeness::{Policy, PolicyLine},
    event::{Event, Level},
};

/// Most resources that are told apart.
const MOST: usize = 256;
/// Places of the memory that saves the search for a resource.
const SLOTS: usize = 512;
/// A log shorter than this says nothing about what never appears.
const ENOUGH: u64 = 500;

const LEVELS: [Level; 4] =
    [Level::Unknown, Level::Metadata, Level::Request, Level::RequestResponse];
const KINDS: [&str; 3] = ["read", "write", "long-running"];

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Entry {
    group: Str,
    resource: Str,
    counts: [[u64; 4]; 3],
}

impl Entry {
    fn is(&self, group: &str, resource: &str) -> bool {
        self.resource == resource && self.group == group
    }

    fn total(&self, kind: usize) -> u64 {
        self.counts.get(kind).map_or(0, |levels| levels.iter().sum())
    }
}

/// Counts per resource.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Seen {
    entries: Vec<Entry>,
    unlisted: u64,
    /// Where a resource was found last: saves time and changes nothing.
    #[serde(skip)]
    slots: Vec<u16>,
}

impl Seen {
    pub(crate) fn observe(&mut self, event: &Event) {
        let object = event.object.as_deref();
        let (group, resource) =
            object.map_or(("", ""), |object| (object.api_group.as_str(), object.resource.as_str()));
        let kind = kind_of(&event.verb, event.subresource());
        let place = self.place(group, resource);
        match self.entries.get_mut(place).and_then(|entry| entry.counts.get_mut(kind)) {
            Some(levels) => {
                if let Some(count) = levels.get_mut(event.level as usize) {
                    *count += 1;
                }
            }
            None => self.unlisted += 1,
        }
    }

    fn place(&mut self, group: &str, resource: &str) -> usize {
        let slot = slot(group, resource);
        let known = self.slots.get(slot).map_or(usize::MAX, |place| usize::from(*place));
        if self.entries.get(known).is_some_and(|entry| entry.is(group, resource)) {
            return known;
        }
        let found = self.entries.iter().position(|entry| entry.is(group, resource));
        let place = found.unwrap_or(self.entries.len());
        if found.is_none() && self.entries.len() < MOST {
            let (group, resource) = (group.into(), resource.into());
            self.entries.push(Entry { group, resource, ..Entry::default() });
        }
        self.slots.resize(SLOTS, u16::MAX);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = u16::try_from(place).unwrap_or(u16::MAX);
        }
        place
    }

    fn total(&self, kind: usize) -> u64 {
        self.entries.iter().map(|entry| entry.total(kind)).sum()
    }

    fn of(&self, resource: &str, kind: usize) -> u64 {
        let same = self.entries.iter().filter(|entry| entry.resource == resource);
        same.map(|entry| entry.total(kind)).sum()
    }

    /// The policy in words and numbers.
    pub(crate) fn told(&self) -> Policy {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|a, b| (&a.group, &a.resource).cmp(&(&b.group, &b.resource)));
        let (reads, writes, long_running) = (self.total(0), self.total(1), self.total(2));
        Policy {
            lines: entries.into_iter().flat_map(lines).collect(),
            unlisted: self.unlisted,
            reads,
            writes,
            long_running,
            notes: self.notes(reads, writes, long_running),
        }
    }

    fn notes(&self, reads: u64, writes: u64, long_running: u64) -> Vec<String> {
        if reads + writes + long_running < ENOUGH {
            return Vec::new();
        }
        let mut notes = Vec::new();
        let mut note = |holds: bool, text: &str| {
            if holds {
                notes.push(text.to_owned());
            }
        };
        note(
            reads == 0,
            "Reads (get, list) never appear: who read or listed secrets and other objects cannot \
             be seen. Managed clusters offer such a log (on Azure: kube-audit-admin)",
        );
        note(writes == 0, "Writes never appear: nothing that was changed can be seen");
        note(
            long_running == 0 && reads > 0,
            "Long-running requests (watch, exec, attach, port-forward) never appear",
        );
        note(
            self.of("leases", 1) == 0,
            "Lease renewals are not logged, so gaps are harder to prove",
        );
        note(self.of("events", 1) == 0, "Writes of Kubernetes events are not logged");
        if let Some(text) = self.contents() {
            note(true, text);
        }
        notes
    }

    /// Which contents are logged at all.
    fn contents(&self) -> Option<&'static str> {
        let at = |level: usize| -> u64 {
            let all = self.entries.iter().flat_map(|entry| &entry.counts);
            all.filter_map(|levels| levels.get(level)).sum()
        };
        match (at(2), at(3)) {
            (0, 0) => Some(
                "No contents are logged (level Metadata only): images, rights granted, webhook \
                 addresses and the like cannot be seen",
            ),
            (_, 0) => Some("What was sent is logged for some requests, what came back never"),
            _ => None,
        }
    }
}

fn kind_of(verb: &str, subresource: &str) -> usize {
    match (verb, subresource) {
        ("watch", _) | (_, "exec" | "attach" | "portforward" | "proxy") => 2,
        ("get" | "list" | "head" | "options", _) => 0,
        _ => 1,
    }
}

/// A cheap place for a name; what happens to share it is only slower.
fn slot(group: &str, resource: &str) -> usize {
    let ends = |text: &str| {
        let bytes = text.as_bytes();
        let byte = |place: usize| usize::from(bytes.get(place).copied().unwrap_or_default());
        byte(0) * 31
            + byte(bytes.len() / 2) * 7
            + byte(bytes.len().wrapping_sub(2))
            + bytes.len() * 97
    };
    (ends(resource) + ends(group) * 13) % SLOTS
}

fn lines(entry: &Entry) -> Vec<PolicyLine> {
    let line = |(kind, counts): (&str, &[u64; 4])| PolicyLine {
        group: entry.group.clone(),
        resource: entry.resource.clone(),
        kind: kind.to_owned(),
        levels: levels(counts),
    };
    let seen =
        KINDS.into_iter().zip(&entry.counts).filter(|(_, counts)| counts.iter().any(|n| *n > 0));
    seen.map(line).collect()
}

/// Counts by name of the level.
pub(crate) fn levels(counts: &[u64; 4]) -> BTreeMap<String, u64> {
    let named = LEVELS.into_iter().zip(counts).filter(|(_, count)| **count > 0);
    named.map(|(level, count)| (level.as_str().to_owned(), *count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::ObjectRef;

    fn event(verb: &str, resource: &str, level: Level) -> Event {
        let object = ObjectRef { resource: resource.into(), ..ObjectRef::default() };
        Event { verb: verb.into(), level, object: Some(Box::new(object)), ..Event::default() }
    }

    fn notes(events: &[Event]) -> String {
        let mut seen = Seen::default();
        events.iter().cycle().take(1_000).for_each(|event| seen.observe(event));
        seen.told().notes.join("\n")
    }

    #[test]
    fn a_log_without_reads_says_so() {
        let writes = [event("create", "pods", Level::RequestResponse)];
        assert!(notes(&writes).contains("Reads (get, list) never appear"));
        let both = [event("get", "pods", Level::RequestResponse), writes[0].clone()];
        assert!(!notes(&both).contains("Reads"));
    }

    #[test]
    fn metadata_only_and_missing_leases_are_recognised() {
        let text = notes(&[
            event("get", "pods", Level::Metadata),
            event("watch", "pods", Level::Metadata),
        ]);
        assert!(
            text.contains("No contents are logged") && text.contains("Lease renewals"),
            "{text}"
        );
        let text = notes(&[event("update", "leases", Level::Request)]);
        assert!(text.contains("what came back never") && !text.contains("Lease"), "{text}");
    }

    #[test]
    fn a_short_log_claims_nothing_and_a_flood_of_resources_is_bounded() {
        let mut seen = Seen::default();
        seen.observe(&event("create", "pods", Level::Metadata));
        assert!(seen.told().notes.is_empty());
        for number in 0..1_000 {
            seen.observe(&event("get", &format!("r{number}"), Level::Metadata));
        }
        let policy = seen.told();
        assert_eq!((policy.lines.len(), policy.unlisted), (MOST, 1_001 - MOST as u64));
    }
}
