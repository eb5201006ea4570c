//! Windows of rules that are made of the matches of other rules: counts over several rules and
//! sequences, on event time.
//!
//! Counts keep the matches of the window. Sequences keep far less and lose nothing: of unordered
//! ones the last match of each part says whether all are within the window; of ordered ones, for
//! each length, the chain that began last, because a chain that began earlier is never within a
//! window that the later one is not. A rule fires when its condition becomes true, and again only
//! after it was false.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};
use trailhound_model::{
    finding::{Record, Touch},
    time::Time,
};
use trailhound_rules::{Joint, JointKind, MOST_MATCHES};

/// Most groups of all rules together; beyond this the one quiet for longest is forgotten.
const MOST_GROUPS: usize = 10_000;
/// Most matches of all windows together; beyond this the oldest of a window leaves early.
const MOST_HELD: usize = 1_000_000;
/// Most matches of all windows together that can be shown; beyond this a window shows its last.
const MOST_KEPT: usize = 20_000;
/// Matches of a window that it can show.
const MOST_SHOWN: usize = 50;

/// A match, as a window keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// When.
    pub time: Time,
    /// Who did it, in words.
    pub who: String,
    /// What was done, in words.
    pub what: String,
    /// The records that prove it.
    pub records: Vec<Record>,
    /// What it touches.
    pub touches: Vec<Touch>,
}

/// What a match did to its window.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The condition is not true.
    Quiet,
    /// It became true just now.
    Fires {
        /// What made it true, in order of time.
        matches: Vec<Match>,
        /// How many there were, shown or not.
        count: u64,
        /// What was measured.
        measure: f64,
    },
    /// It stays true: the finding with this id grows.
    Grows {
        /// Id of the finding; empty if none was kept.
        finding: String,
    },
}

type Key = (u32, Vec<String>);

/// All windows of a cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Joints {
    groups: HashMap<Key, Window>,
    /// Groups forgotten because there were too many.
    pub forgotten: u64,
    /// Matches that left their window early because there were too many.
    pub cut: u64,
    held: usize,
    kept: usize,
}

/// Most matches of one window that stay, and of those that can be shown.
#[derive(Clone, Copy)]
struct Room {
    entries: usize,
    shown: usize,
}

/// One group's window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Window {
    last: Time,
    /// Its length, for how long it matters.
    span: i64,
    /// The finding that was made when the condition became true.
    finding: Option<String>,
    state: State,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    /// Of counts: time and value of each match.
    entries: VecDeque<(Time, String)>,
    /// How often each value is in it.
    values: BTreeMap<String, u32>,
    /// The last matches.
    shown: VecDeque<Match>,
    /// Of sequences: by part or by length.
    chains: Vec<Vec<Match>>,
}

impl Joints {
    /// Counts the matches of one record: by which parts it matched, with the same match.
    pub fn count(
        &mut self,
        rule: u32,
        group: Vec<String>,
        joint: &Joint,
        hits: &[(usize, String)],
        found: &Match,
    ) -> Step {
        self.make_room(found.time);
        let room = self.room();
        let window = self.groups.entry((rule, group)).or_default();
        let before = (window.state.entries.len(), window.state.shown.len());
        window.last = window.last.max(found.time);
        window.span = joint.timespan_micros;
        let measure = match joint.kind {
            JointKind::Temporal => Some(window.state.any_order(joint, hits, found, window.last)),
            JointKind::Ordered => Some(window.state.in_order(joint, hits, found, window.last)),
            _ => {
                let (measure, cut) = window.state.counted(joint, hits, found, window.last, room);
                self.cut += cut;
                measure
            }
        };
        self.held = self.held + window.state.entries.len() - before.0;
        self.kept = self.kept + window.state.shown.len() - before.1;
        let Some(measure) = measure.filter(|measure| joint.bounds.hold(*measure)) else {
            window.finding = None;
            return Step::Quiet;
        };
        if let Some(finding) = &window.finding {
            return Step::Grows { finding: finding.clone() };
        }
        window.finding = Some(String::new());
        let (matches, count) = window.state.evidence(joint, window.last);
        Step::Fires { matches, count, measure }
    }

    /// Whether anything was counted for a group so far.
    pub(crate) fn is_open(&self, rule: u32, group: &[String]) -> bool {
        self.groups.contains_key(&(rule, group.to_vec()))
    }

    /// Says which finding a firing window made, so that it can grow.
    pub fn opened(&mut self, rule: u32, group: Vec<String>, finding: &str) {
        if let Some(window) = self.groups.get_mut(&(rule, group)) {
            window.finding = Some(finding.to_owned());
        }
    }

    fn make_room(&mut self, now: Time) {
        if self.groups.len() < MOST_GROUPS {
            return;
        }
        let mut ages: Vec<(Time, Key)> =
            self.groups.iter().map(|(key, window)| (window.last, key.clone())).collect();
        ages.sort_unstable();
        for (last, key) in ages.into_iter().take(MOST_GROUPS / 10) {
            let Some(window) = self.groups.remove(&key) else { continue };
            self.held -= window.state.entries.len();
            self.kept -= window.state.shown.len();
            self.forgotten += u64::from(now.since(last) <= window.span);
        }
    }

    /// What the next window may hold: whoever makes many groups must not fill the memory.
    fn room(&self) -> Room {
        Room {
            entries: if self.held < MOST_HELD { MOST_MATCHES } else { 1 },
            shown: if self.kept < MOST_KEPT { MOST_SHOWN } else { 1 },
        }
    }
}

impl State {
    /// How many parts matched within the window.
    fn any_order(
        &mut self,
        joint: &Joint,
        hits: &[(usize, String)],
        found: &Match,
        now: Time,
    ) -> f64 {
        self.chains.resize_with(joint.parts.len(), Vec::new);
        for (part, _) in hits {
            if let Some(chain) = self.chains.get_mut(*part)
                && chain.first().is_none_or(|old| old.time <= found.time)
            {
                *chain = vec![found.clone()];
            }
        }
        let alive = |chain: &&Vec<Match>| began(chain, now, joint.timespan_micros);
        self.chains.iter().filter(alive).count() as f64
    }

    /// How many parts matched one after the other within the window.
    fn in_order(
        &mut self,
        joint: &Joint,
        hits: &[(usize, String)],
        found: &Match,
        now: Time,
    ) -> f64 {
        self.chains.resize_with(joint.parts.len(), Vec::new);
        let mut parts: Vec<usize> = hits.iter().map(|(part, _)| *part).collect();
        // From the last: one record is not two steps of a chain.
        parts.sort_unstable_by(|one, other| other.cmp(one));
        for part in parts {
            let before = part.checked_sub(1).map(|before| self.chains.get(before));
            let longer = match before {
                None => vec![found.clone()],
                Some(Some(chain)) if follows(chain, found, joint.timespan_micros) => {
                    chain.iter().cloned().chain([found.clone()]).collect()
                }
                Some(_) => continue,
            };
            if let Some(chain) = self.chains.get_mut(part)
                && start(chain) <= start(&longer)
            {
                *chain = longer;
            }
        }
        let alive = |chain: &Vec<Match>| began(chain, now, joint.timespan_micros);
        self.chains.iter().rposition(alive).map_or(0.0, |at| (at + 1) as f64)
    }

    /// What is measured of the matches in the window.
    fn counted(
        &mut self,
        joint: &Joint,
        hits: &[(usize, String)],
        found: &Match,
        now: Time,
        room: Room,
    ) -> (Option<f64>, u64) {
        let value = hits.first().map(|(_, value)| value.clone()).unwrap_or_default();
        let counts = match joint.kind {
            JointKind::EventCount => true,
            kind if kind.is_numeric() => number(&value).is_some(),
            _ => !value.is_empty(),
        };
        // What comes too late for the window is no part of it.
        if counts && now.since(found.time) <= joint.timespan_micros {
            *self.values.entry(value.clone()).or_default() += 1;
            // In order of time, so that the oldest leaves first however late it came.
            let place = self.entries.partition_point(|(time, _)| *time <= found.time);
            self.entries.insert(place, (found.time, value.clone()));
            let place = self.shown.partition_point(|one| one.time <= found.time);
            self.shown.insert(place, found.clone());
        }
        let is_over = |time: Time| now.since(time) > joint.timespan_micros;
        while self.entries.front().is_some_and(|(time, _)| is_over(*time)) {
            self.drop_oldest();
        }
        // Where all windows are full, one that is large gives more than it takes.
        let cut = self.entries.len().saturating_sub(room.entries).min(2);
        (0..cut).for_each(|_| self.drop_oldest());
        while self.shown.len() > room.shown.min(self.entries.len()) {
            self.shown.pop_front();
        }
        (self.measure(joint.kind, &value), cut as u64)
    }

    fn drop_oldest(&mut self) {
        let Some((_, value)) = self.entries.pop_front() else { return };
        if let Some(count) = self.values.get_mut(&value) {
            *count -= 1;
            if *count == 0 {
                self.values.remove(&value);
            }
        }
    }

    /// `None` if there is nothing to measure.
    fn measure(&self, kind: JointKind, value: &str) -> Option<f64> {
        let count = self.entries.len() as f64;
        let numbers = || self.entries.iter().filter_map(|(_, value)| number(value));
        match kind {
            JointKind::EventCount => Some(count),
            JointKind::ValueCount => Some(self.values.len() as f64),
            JointKind::ValueSum => Some(numbers().sum()),
            _ if self.entries.is_empty() => None,
            JointKind::ValueAverage => Some(numbers().sum::<f64>() / count),
            JointKind::Percentile(percentile) => {
                let mut all: Vec<f64> = numbers().collect();
                all.sort_unstable_by(f64::total_cmp);
                // The nearest rank: a value that was really there.
                let rank = (f64::from(percentile) / 100.0 * all.len() as f64).ceil() as usize;
                all.get(rank.saturating_sub(1)).copied()
            }
            JointKind::Share => {
                let own = self.values.get(value).copied().unwrap_or_default();
                (own > 0).then(|| 100.0 * f64::from(own) / count)
            }
            JointKind::Temporal | JointKind::Ordered => None,
        }
    }

    /// The matches that made the condition true, and how many there are in all.
    fn evidence(&self, joint: &Joint, now: Time) -> (Vec<Match>, u64) {
        let mut alive = self.chains.iter().filter(|chain| began(chain, now, joint.timespan_micros));
        let mut matches: Vec<Match> = match joint.kind {
            JointKind::Temporal => alive.flatten().cloned().collect(),
            JointKind::Ordered => alive.next_back().cloned().unwrap_or_default(),
            _ => return (self.shown.iter().cloned().collect(), self.entries.len() as u64),
        };
        matches.sort_by_key(|one| one.time);
        let count = matches.len() as u64;
        (matches, count)
    }
}

fn start(chain: &[Match]) -> Option<Time> {
    chain.first().map(|first| first.time)
}

fn began(chain: &[Match], now: Time, span: i64) -> bool {
    start(chain).is_some_and(|start| now.since(start) <= span)
}

/// Whether a match may be the next of a chain.
fn follows(chain: &[Match], found: &Match, span: i64) -> bool {
    let later = chain.last().is_some_and(|last| last.time <= found.time);
    later && began(chain, found.time, span)
}

fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use trailhound_model::time::SECOND;
    use trailhound_rules::{Bounds, JointPart};

    fn joint(kind: JointKind, parts: usize, bounds: Bounds) -> Joint {
        let part = JointPart { rule: String::new(), group: Vec::new(), values: Vec::new() };
        Joint { kind, parts: vec![part; parts], timespan_micros: 10 * SECOND, bounds }
    }

    fn at(second: i64) -> Match {
        Match { time: Time(second * SECOND), what: second.to_string(), ..Match::default() }
    }

    /// 'F'ires, 'g'rows or is quiet ('.'), match by match.
    fn steps(joint: &Joint, events: &[(i64, usize, &str)]) -> String {
        let mut joints = Joints::default();
        let one = |(second, part, value): &(i64, usize, &str)| {
            let hits = [(*part, (*value).to_owned())];
            match joints.count(0, Vec::new(), joint, &hits, &at(*second)) {
                Step::Quiet => '.',
                Step::Fires { .. } => 'F',
                Step::Grows { .. } => 'g',
            }
        };
        events.iter().map(one).collect()
    }

    #[test]
    fn a_rule_fires_when_it_becomes_true_and_again_only_after_it_was_false() {
        let all = Bounds::at_least(2.0);
        let any = joint(JointKind::Temporal, 2, all);
        let events = [(0, 1, ""), (1, 0, ""), (2, 1, ""), (20, 0, ""), (21, 1, "")];
        assert_eq!(steps(&any, &events), ".Fg.F");
        let ordered = joint(JointKind::Ordered, 2, all);
        assert_eq!(steps(&ordered, &events), "..F.F");
    }

    #[test]
    fn counts_sums_averages_and_percentiles_are_of_the_window() {
        let many = [(0, 0, "1"), (1, 0, "5"), (2, 0, "x"), (3, 0, "3"), (30, 0, "9")];
        let bounds = |gte: f64| Bounds::at_least(gte);
        for (kind, gte, wanted) in [
            (JointKind::EventCount, 3.0, "..Fg."),
            (JointKind::ValueCount, 3.0, "..Fg."),
            (JointKind::ValueSum, 9.0, "...FF"),
            (JointKind::ValueAverage, 3.0, ".FggF"),
            (JointKind::Percentile(50), 3.0, "...Fg"),
            (JointKind::Percentile(100), 5.0, ".Fggg"),
        ] {
            let steps = steps(&joint(kind, 1, bounds(gte)), &many);
            let steps: String = steps.chars().collect();
            // The last lies alone in its window, so that what was true before may go on.
            let same = |one: char, other: char| one == other || (other == 'F' && one == 'g');
            assert!(steps.chars().zip(wanted.chars()).all(|(a, b)| same(a, b)), "{kind:?} {steps}");
        }
        let rare = joint(JointKind::Share, 1, Bounds { lte: Some(25.0), ..Bounds::default() });
        let values = [(0, 0, "a"), (1, 0, "a"), (2, 0, "a"), (3, 0, "b"), (4, 0, "a")];
        assert_eq!(steps(&rare, &values), "...F.");
    }

    #[test]
    fn bounds_make_ranges_and_holes() {
        let range = Bounds { gt: Some(1.0), lte: Some(2.0), ..Bounds::default() };
        let count = joint(JointKind::EventCount, 1, range);
        assert_eq!(steps(&count, &[(0, 0, ""), (1, 0, ""), (2, 0, "")]), ".F.");
        let not = joint(JointKind::EventCount, 1, Bounds { neq: Some(2.0), ..Bounds::default() });
        assert_eq!(steps(&not, &[(0, 0, ""), (1, 0, ""), (2, 0, "")]), "F.F");
        let exactly =
            joint(JointKind::EventCount, 1, Bounds { eq: Some(2.0), ..Bounds::default() });
        assert_eq!(steps(&exactly, &[(0, 0, ""), (1, 0, ""), (2, 0, "")]), ".F.");
    }

    #[test]
    fn one_record_is_not_two_steps_of_a_chain() {
        let ordered = joint(JointKind::Ordered, 2, Bounds::at_least(2.0));
        let mut joints = Joints::default();
        let both = [(0, String::new()), (1, String::new())];
        let mut count = |second: i64| joints.count(0, Vec::new(), &ordered, &both, &at(second));
        assert_eq!(count(0), Step::Quiet);
        assert!(matches!(count(1), Step::Fires { count: 2, .. }));
    }

    #[test]
    fn what_comes_too_late_is_not_counted_and_what_comes_late_leaves_first() {
        let three = joint(JointKind::EventCount, 1, Bounds::at_least(3.0));
        // Of 100, 50 and 52 only the first is in the window.
        assert_eq!(steps(&three, &[(100, 0, ""), (50, 0, ""), (52, 0, ""), (101, 0, "")]), "....");
        // 95 came after 100, and is gone at 106.
        assert_eq!(steps(&three, &[(100, 0, ""), (95, 0, ""), (106, 0, "")]), "...");
        assert_eq!(steps(&three, &[(100, 0, ""), (95, 0, ""), (105, 0, "")]), "..F");
    }

    #[test]
    fn many_groups_do_not_keep_many_matches_each() {
        let count = joint(JointKind::EventCount, 1, Bounds::at_least(1e9));
        let mut joints = Joints::default();
        for turn in 0..5 {
            for group in 0..MOST_GROUPS - 1 {
                let hits = [(0, String::new())];
                joints.count(0, vec![group.to_string()], &count, &hits, &at(turn));
            }
        }
        let shown = || joints.groups.values().map(|window| window.state.shown.len());
        assert!(shown().sum::<usize>() <= MOST_KEPT && shown().all(|shown| shown > 0));
        assert_eq!(joints.kept, shown().sum::<usize>());
        assert_eq!(joints.held, 5 * (MOST_GROUPS - 1));
    }

    #[test]
    fn a_window_of_a_day_that_is_forgotten_after_hours_is_counted() {
        let day = Joint {
            timespan_micros: 86_400 * SECOND,
            ..joint(JointKind::EventCount, 1, Bounds::at_least(5.0))
        };
        let mut joints = Joints::default();
        for group in 0..=MOST_GROUPS {
            let hits = [(0, String::new())];
            joints.count(0, vec![group.to_string()], &day, &hits, &at(group as i64 * 8));
        }
        assert_eq!(joints.forgotten, MOST_GROUPS as u64 / 10);
    }

    #[test]
    fn too_many_groups_are_forgotten_and_counted() {
        let count = joint(JointKind::EventCount, 1, Bounds::at_least(5.0));
        let mut joints = Joints::default();
        for group in 0..MOST_GROUPS + 5 {
            let hits = [(0, String::new())];
            joints.count(0, vec![group.to_string()], &count, &hits, &at(group as i64 / 2_000));
        }
        assert!(joints.groups.len() <= MOST_GROUPS && joints.forgotten > 0);
    }

    /// Looks at all events of the window again, for each event.
    fn brute(ordered: bool, parts: usize, events: &[(i64, usize)]) -> String {
        let mut held = false;
        let mut out = String::new();
        for at in 0..events.len() {
            let now = events[at].0;
            let window: Vec<usize> = events[..=at]
                .iter()
                .filter(|(second, _)| now - second <= 10)
                .map(|(_, part)| *part)
                .collect();
            let holds = if ordered {
                window.iter().fold(0, |next, part| next + usize::from(*part == next)) == parts
            } else {
                (0..parts).all(|part| window.contains(&part))
            };
            out.push(match (holds, held) {
                (false, _) => '.',
                (true, false) => 'F',
                (true, true) => 'g',
            });
            held = holds;
        }
        out
    }

    proptest! {
        #[test]
        fn sequences_are_what_looking_at_all_events_again_would_find(
            ordered: bool,
            parts in 2usize..5,
            steps_of in proptest::collection::vec((0i64..6, 0usize..5), 0..60),
        ) {
            let mut now = 0;
            let mut events = Vec::new();
            for (pause, part) in steps_of {
                now += pause;
                events.push((now, part % parts));
            }
            let kind = if ordered { JointKind::Ordered } else { JointKind::Temporal };
            let joint = joint(kind, parts, Bounds::at_least(parts as f64));
            let given: Vec<(i64, usize, &str)> =
                events.iter().map(|(second, part)| (*second, *part, "")).collect();
            prop_assert_eq!(steps(&joint, &given), brute(ordered, parts, &events));
        }

        #[test]
        fn saving_at_any_match_changes_nothing(
            cut in 0usize..20,
            events in proptest::collection::vec((0i64..6, 0usize..3), 20),
        ) {
            let joint = joint(JointKind::Ordered, 3, Bounds::at_least(3.0));
            let (mut one, mut other) = (Joints::default(), Joints::default());
            let mut now = 0;
            for (place, (pause, part)) in events.into_iter().enumerate() {
                now += pause;
                if place == cut {
                    let bytes = crate::state::save(&other).unwrap();
                    other = crate::state::restore(&bytes).unwrap();
                }
                let hits = [(part, String::new())];
                let steps = [&mut one, &mut other]
                    .map(|joints| joints.count(0, Vec::new(), &joint, &hits, &at(now)));
                prop_assert_eq!(&steps[0], &steps[1]);
            }
        }
    }
}
