//! Windows become incidents: those of one identity that are close together are one thing to look at.
//!
//! Which windows are close depends on which are strange enough, so incidents are made anew for every
//! threshold; here windows come one by one, strangest first, and incidents grow together. An incident
//! ends after three days: else whoever always alarms about a busy robot would have one false incident
//! in a month, and every attack on the robot would be part of it.

use std::collections::{BTreeMap, HashMap};
use trailhound_model::time::{HOUR, Time};

/// So far apart are windows of one incident at most.
const GAP: i64 = 24 * HOUR;
/// So long is an incident at most.
const LONGEST: i64 = 72 * HOUR;

/// An incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    /// Its beginning.
    pub(crate) from: Time,
    /// Its end.
    pub(crate) to: Time,
    /// It holds a row of an attacker.
    pub(crate) hit: bool,
}

/// Incidents so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incidents {
    by_link: HashMap<u64, BTreeMap<Time, Incident>>,
    wrong: usize,
}

impl Incidents {
    /// Takes a window in.
    pub(crate) fn add(&mut self, link: u64, window: Incident) {
        let all = self.by_link.entry(link).or_default();
        let mut whole = window;
        while let Some(from) = near(all, whole) {
            let Some(other) = all.remove(&from) else { break };
            self.wrong -= usize::from(!other.hit);
            whole = joined(whole, other);
        }
        while all.contains_key(&whole.from) {
            // One that is full begins at the same moment.
            whole.from = whole.from.plus(1);
        }
        self.wrong += usize::from(!whole.hit);
        all.insert(whole.from, whole);
    }

    /// Incidents without a row of an attacker.
    pub(crate) fn wrong(&self) -> usize {
        self.wrong
    }

    /// When those begin.
    pub(crate) fn wrong_times(&self) -> Vec<Time> {
        let all = self.by_link.values().flat_map(BTreeMap::values);
        let mut times: Vec<Time> = all.filter(|one| !one.hit).map(|one| one.from).collect();
        times.sort_unstable();
        times
    }
}

fn joined(a: Incident, b: Incident) -> Incident {
    Incident { from: a.from.min(b.from), to: a.to.max(b.to), hit: a.hit || b.hit }
}

/// An incident that the window belongs to.
fn near(all: &BTreeMap<Time, Incident>, window: Incident) -> Option<Time> {
    let before = all.range(..=window.from).next_back();
    let after = all.range(window.from..).next();
    [before, after]
        .into_iter()
        .flatten()
        .find(|(_, other)| is_near(**other, window))
        .map(|(from, _)| *from)
}

fn is_near(a: Incident, b: Incident) -> bool {
    let gap = a.from.max(b.from).since(a.to.min(b.to));
    let whole = joined(a, b);
    gap <= GAP && whole.to.since(whole.from) <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(hour: i64, hit: bool) -> Incident {
        Incident { from: Time(hour * HOUR), to: Time((hour + 1) * HOUR), hit }
    }

    fn wrong(windows: &[(u64, i64, bool)]) -> usize {
        let mut incidents = Incidents::default();
        for (link, hour, hit) in windows {
            incidents.add(*link, window(*hour, *hit));
        }
        assert_eq!(incidents.wrong(), incidents.wrong_times().len());
        incidents.wrong()
    }

    #[test]
    fn windows_of_one_identity_within_a_day_are_one_incident() {
        assert_eq!(wrong(&[(1, 0, false), (1, 5, false), (1, 25, false)]), 1);
        assert_eq!(wrong(&[(1, 0, false), (1, 26, false)]), 2);
        assert_eq!(wrong(&[(1, 0, false), (2, 0, false)]), 2);
        // The one in between joins them.
        assert_eq!(wrong(&[(1, 0, false), (1, 40, false), (1, 20, false)]), 1);
    }

    #[test]
    fn what_stands_beside_an_attack_is_part_of_it() {
        assert_eq!(wrong(&[(1, 0, false), (1, 5, true)]), 0);
        assert_eq!(wrong(&[(1, 5, true), (2, 0, false)]), 1);
    }

    #[test]
    fn who_always_alarms_has_a_false_incident_every_three_days() {
        let always: Vec<(u64, i64, bool)> = (0..30 * 24).map(|hour| (1, hour, false)).collect();
        assert_eq!(wrong(&always), 10);
        let mut with_attack = always.clone();
        with_attack[100].2 = true;
        assert_eq!(wrong(&with_attack), 9);
    }
}
