//! A small town of identities with habits, to try the learner on. Chance comes from a counter, so that
//! every run is the same.
#![allow(dead_code, reason = "each test file uses a part of it")]

use trailhound_learn::canon::agent::Agent;
use trailhound_learn::canon::namespace::Place;
use trailhound_learn::canon::principal::{Class, Who};
use trailhound_learn::canon::source::Source;
use trailhound_learn::row::{Row, Series};
use trailhound_learn::symbol::{Sort, Symbol};
use trailhound_learn::{Learner, Opened};
use trailhound_model::time::{HOUR, MINUTE, Time};

/// A Monday.
pub(crate) const START: i64 = 1_764_547_200_000_000;

pub(crate) fn who(class: Class, name: &str) -> Who {
    let key = Symbol::of(Sort::Principal, &["test", name, ""]);
    Who { key, real: key, effective: key, class }
}

pub(crate) fn action(parts: &[&str; 3]) -> Symbol {
    let [verb, resource, reach] = parts;
    Symbol::of(Sort::Action, &[verb, "", resource, "", "", reach])
}

/// A plain request.
pub(crate) fn row(who: Who, what: &[&str; 3], place: Place, program: &str, time: i64) -> Row {
    let action = action(what);
    Row {
        time: Time(time),
        who,
        action,
        at_place: action.at(place as u64),
        place,
        agent: Agent {
            program: Symbol::of(Sort::Agent, &[program, "linux/amd64", ""]),
            version: Symbol::default(),
            by_hand: matches!(program, "kubectl" | "curl"),
        },
        source: if who.class == Class::Human {
            Symbol(Sort::Source as u64).at(77)
        } else {
            Source::Pod.symbol()
        },
        namespace: Symbol::of(Sort::Namespace, &[&format!("{}-{place:?}", who.key.0)]),
        critical: matches!(what, ["get" | "list", "secrets", _] | ["create", "pods/exec", _]),
        series: Series {
            write: matches!(what[0], "create" | "change" | "delete"),
            denied: false,
            secret: what[1] == "secrets",
        },
        target: Symbol::of(Sort::Raw, what),
        count: 1,
        ..Row::default()
    }
}

/// A town.
pub(crate) struct Town {
    pub(crate) workloads: usize,
    pub(crate) humans: usize,
    next: u64,
}

const USUAL: [[&str; 3]; 6] = [
    ["get", "configmaps", "1"],
    ["watch", "pods", "3"],
    ["list", "endpoints", "3"],
    ["change", "leases", "0"],
    ["get", "services", "1"],
    ["create", "events", "0"],
];
const BY_HAND: [[&str; 3]; 8] = [
    ["list", "pods", "3"],
    ["get", "pods", "1"],
    ["list", "deployments", "3"],
    ["get", "deployments", "1"],
    ["list", "events", "3"],
    ["change", "deployments", "0"],
    ["get", "configmaps", "1"],
    ["create", "pods/exec", "0"],
];

impl Town {
    pub(crate) fn new() -> Town {
        Town { workloads: 40, humans: 6, next: 1 }
    }

    pub(crate) fn draw(&mut self, below: usize) -> usize {
        self.next += 1;
        (Symbol(77).at(self.next).0 >> 20) as usize % below
    }

    /// All rows of an hour from the start, in order.
    pub(crate) fn hour(&mut self, hour: i64) -> Vec<Row> {
        let start = START + hour * HOUR;
        let mut rows = Vec::new();
        for n in 0..self.workloads {
            let me = who(Class::Workload, &format!("app{n}"));
            let program = if n % 2 == 0 { "app" } else { "operator" };
            for what in USUAL.iter().take(2 + n % 5) {
                if self.draw(10) < 7 {
                    let time = start + self.draw(59) as i64 * MINUTE;
                    rows.push(row(me, what, Place::Own, program, time));
                }
            }
        }
        let (day, clock) = (hour / 24 % 7, hour % 24);
        for n in 0..self.humans {
            if day >= 5 || !(8..18).contains(&clock) || self.draw(3) > 0 {
                continue;
            }
            let me = who(Class::Human, &format!("human{n}"));
            for _ in 0..4 {
                let what = BY_HAND[self.draw(BY_HAND.len()).min(self.draw(BY_HAND.len()))];
                let time = start + self.draw(59) as i64 * MINUTE;
                rows.push(row(me, &what, Place::Other, "kubectl", time));
            }
        }
        rows.sort_by_key(|row| (row.time, row.who.key));
        rows
    }

    /// Lets hours pass.
    pub(crate) fn live(
        &mut self,
        learner: &mut Learner,
        hours: std::ops::Range<i64>,
    ) -> Vec<Opened> {
        for hour in hours {
            for row in self.hour(hour) {
                learner.observe(&row, 0);
            }
        }
        learner.drain()
    }
}

/// A row of somebody at a minute of an hour.
pub(crate) fn at(hour: i64, minute: i64) -> i64 {
    START + hour * HOUR + minute * MINUTE
}

/// What was found about somebody.
pub(crate) fn about(found: &[Opened], who: Who) -> Vec<&Opened> {
    found.iter().filter(|one| one.who.key == who.key).collect()
}
