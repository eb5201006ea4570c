//! Who takes part, with which settings.
//!
//! The settings of the baselines are those that were best on clusters and attacks for tuning, of the
//! grid that stands here as well: see `xtask learn tune`.

use super::baseline::{
    Weigh,
    ecod::{self, Ecod},
    ngram::{self, Ngram},
    rarity::Rarity,
    rules::Rules,
    terms::{Choice, NewTerms, Term},
};
use super::chance::Chance;
use super::detector::{Detector, Scored};
use super::joined::{Lift, join};
use super::learned::Learned;
use crate::error::{Error, Result};
use trailhound_generate::Profile;
use trailhound_learn::Settings;

/// A detector by its name.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its name in tables and files; what comes after a `+` are settings.
    pub(crate) name: String,
    /// What it is.
    pub(crate) make: Make,
    /// Clusters of a profile that it is run on at most: some cost far more than others.
    pub(crate) most_seeds: u64,
}

/// What a detector is.
#[derive(Clone, Debug)]
pub(crate) enum Make {
    /// Lots.
    Chance,
    /// New terms and new values.
    Terms(Choice),
    /// Rarity of an identity's requests.
    Rarity(f64, Weigh),
    /// Sequences: of three, whose, weights.
    Ngram(bool, ngram::Scope, Weigh),
    /// Numbers of hours, compared with whom, of how many days.
    Ecod(ecod::Scope, i64),
    /// Rules alone.
    Rules,
    /// The learner, with somebody who says of false alarms that they are fine or without.
    Learner(Box<Settings>, bool),
    /// Two others of the roster.
    Both(&'static str, &'static str, Lift),
}

impl Make {
    /// One that has seen nothing of a cluster of this profile; none if it is made of others.
    pub(crate) fn start(&self, profile: &Profile) -> Option<Box<dyn Detector>> {
        Some(match self {
            Make::Chance => Box::new(Chance::default()),
            Make::Terms(choice) => Box::new(NewTerms::new(*choice)),
            Make::Rarity(least, weigh) => Box::new(Rarity::new(*least, *weigh)),
            Make::Ngram(three, scope, weigh) => Box::new(Ngram::new(*three, *scope, *weigh)),
            Make::Ecod(scope, days) => Box::new(Ecod::new(*scope, *days)),
            Make::Rules => Box::new(Rules::new(profile)),
            Make::Learner(settings, triage) => {
                Box::new(Learned::new((**settings).clone(), *triage))
            }
            Make::Both(..) => return None,
        })
    }

    /// The parts that it is made of.
    pub(crate) fn parts(&self) -> Option<[&'static str; 2]> {
        match self {
            Make::Both(a, b, _) => Some([a, b]),
            _ => None,
        }
    }

    /// What its parts found together.
    pub(crate) fn joined(&self, first: &[Scored], second: &[Scored]) -> Vec<Scored> {
        match self {
            Make::Both(_, _, lift) => join(first, second, *lift),
            _ => Vec::new(),
        }
    }
}

fn entry(name: impl Into<String>, make: Make) -> Entry {
    Entry { name: name.into(), make, most_seeds: u64::MAX }
}

/// Rules cost more than all others together: fewer clusters must do.
const SEEDS_OF_RULES: u64 = 2;

fn costly(name: impl Into<String>, make: Make) -> Entry {
    Entry { most_seeds: SEEDS_OF_RULES, ..entry(name, make) }
}

const NEW_TERMS: Choice = Choice {
    term: Term::Raw,
    forget: 10,
    learn: 0,
    enough: u32::MAX,
    sensitive: true,
    weigh: Weigh::PLAIN,
};

const LIFT: Lift = Lift { of: [0.0, 0.5, 2.0, 5.0, 9.0], usual: 0.5 };

/// Those of the race.
fn racers() -> Vec<Entry> {
    let canonical = Choice { sensitive: false, weigh: Weigh::BOTH, ..NEW_TERMS };
    vec![
        entry("chance", Make::Chance),
        entry("new-terms-raw", Make::Terms(NEW_TERMS)),
        entry("new-terms-action", Make::Terms(Choice { term: Term::Place, ..canonical })),
        entry("new-terms-whole", Make::Terms(Choice { term: Term::Whole, ..canonical })),
        entry(
            "new-value",
            Make::Terms(Choice { term: Term::Whole, forget: 30, learn: 1, ..canonical }),
        ),
        entry("rarity", Make::Rarity(20.0, Weigh::BOTH)),
        entry("ngram-2", Make::Ngram(false, ngram::Scope::Class, Weigh::BOTH)),
        entry("ngram-3", Make::Ngram(true, ngram::Scope::Class, Weigh::BOTH)),
        entry("ecod", Make::Ecod(ecod::Scope::Own, 14)),
        costly("rules", Make::Rules),
        entry("learner", Make::Learner(Box::default(), false)),
        costly("rules-learner", Make::Both("rules", "learner", LIFT)),
    ]
}

const WEIGHS: [(&str, Weigh); 3] =
    [("plain", Weigh::PLAIN), ("critical", Weigh::CRITICAL), ("both", Weigh::BOTH)];

/// What the baselines are tuned over: small, and about as large for each.
pub(super) fn grid() -> Vec<Entry> {
    let mut all = Vec::new();
    for (days, sensitive) in [(7, true), (10, true), (7, false), (10, false)] {
        let choice = Choice { forget: days, sensitive, ..NEW_TERMS };
        let kind = if sensitive { "sensitive" } else { "all" };
        all.push(entry(format!("new-terms-raw+{days}d-{kind}"), Make::Terms(choice)));
    }
    for (weight, weigh) in WEIGHS {
        for (name, term) in [
            ("action+kind", Term::Action),
            ("action+place", Term::Place),
            ("whole+all", Term::Whole),
        ] {
            for forget in [7, 10, 30] {
                let choice = Choice { term, forget, sensitive: false, weigh, ..NEW_TERMS };
                let name = format!("new-terms-{name}-{forget}d-{weight}");
                all.push(entry(name, Make::Terms(choice)));
            }
        }
        for (learn, enough, forget) in
            [(1, u32::MAX, 30), (3, u32::MAX, 30), (7, u32::MAX, 30), (3, 30, 30), (3, 30, 14)]
        {
            let choice =
                Choice { term: Term::Whole, forget, learn, enough, sensitive: false, weigh };
            let known = if enough == u32::MAX { String::new() } else { format!("-or-{enough}") };
            let name = format!("new-value+{learn}d{known}-forget{forget}-{weight}");
            all.push(entry(name, Make::Terms(choice)));
        }
        for least in [20.0, 50.0, 200.0] {
            let name = format!("rarity+{least}-{weight}");
            all.push(entry(name, Make::Rarity(least, weigh)));
        }
        for (whose, scope) in [("own", ngram::Scope::Own), ("class", ngram::Scope::Class)] {
            for (n, three) in [(2, false), (3, true)] {
                let name = format!("ngram-{n}+{whose}-{weight}");
                all.push(entry(name, Make::Ngram(three, scope, weigh)));
            }
        }
    }
    for (whose, scope) in [("own", ecod::Scope::Own), ("class", ecod::Scope::Class)] {
        for days in [7, 14, 28] {
            all.push(entry(format!("ecod+{whose}-{days}d"), Make::Ecod(scope, days)));
        }
    }
    all.extend(lifts());
    all
}

/// How much a rule's word may weigh beside the learner's.
fn lifts() -> impl Iterator<Item = Entry> {
    let shapes = [
        ("even", [0.0, 1.0, 2.0, 3.0, 4.0]),
        ("steep", [0.0, 0.5, 2.0, 5.0, 9.0]),
        ("top", [0.0, 0.0, 0.0, 4.0, 8.0]),
    ];
    shapes.into_iter().flat_map(|(name, of)| {
        [1.0, 2.0].into_iter().flat_map(move |times| {
            [0.5, 1.0].into_iter().map(move |usual| {
                let lift = Lift { of: of.map(|one| one * times), usual };
                let name = format!("rules-learner+{name}-x{times}-usual{usual}");
                costly(name, Make::Both("rules", "learner", lift))
            })
        })
    })
}

/// A piece of the learner that can be left out.
type Piece = (&'static str, fn(&mut Settings));

/// The learner without each of its pieces.
const PIECES: [Piece; 20] = [
    ("wholes", |all| all.wholes = false),
    ("newcomers", |all| all.newcomers = false),
    ("peers", |all| all.peers = false),
    ("cluster", |all| all.cluster = false),
    ("prior", |all| all.prior = false),
    ("programs", |all| all.programs = false),
    ("sources", |all| all.sources = false),
    ("objects", |all| all.objects = false),
    ("hours", |all| all.hours = false),
    ("pairs", |all| all.pairs = false),
    ("shapes", |all| all.shapes = false),
    ("namespaces", |all| all.namespaces = false),
    ("rates", |all| all.rates = false),
    ("slow", |all| all.slow = false),
    ("weights", |all| all.weights = false),
    ("cohorts", |all| all.cohorts = false),
    ("quarantine", |all| all.quarantine = false),
    ("calibration", |all| all.calibration = false),
    ("drift", |all| all.drift = false),
    ("back-off", |all| (all.peers, all.cluster) = (false, false)),
];

/// The learner whole, and without each of its pieces.
pub(super) fn ablations() -> Vec<Entry> {
    let whole = entry("learner", Make::Learner(Box::default(), false));
    let without = PIECES.iter().map(|(name, take)| {
        let mut settings = Settings::default();
        take(&mut settings);
        entry(format!("learner+without-{name}"), Make::Learner(Box::new(settings), false))
    });
    std::iter::once(whole).chain(without).collect()
}

/// Everybody who can be named.
fn everybody() -> Vec<Entry> {
    let triage = entry("learner+triage", Make::Learner(Box::default(), true));
    let ablations = ablations().into_iter().skip(1);
    racers().into_iter().chain([triage]).chain(ablations).chain(grid()).collect()
}

/// Those with these names, or all of the race.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Entry>> {
    if names.is_empty() {
        return Ok(racers());
    }
    let all = everybody();
    let known = || racers().into_iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
    names
        .iter()
        .map(|name| {
            let found = all.iter().find(|entry| entry.name == *name).cloned();
            found.ok_or_else(|| {
                Error::Other(format!("there is no detector `{name}`; there are {}", known()))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn nobody_has_the_name_of_another_or_parts_that_are_not_there() {
        let all = everybody();
        let names: BTreeSet<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().filter_map(|one| one.make.parts()).flatten().all(|p| names.contains(p)));
        assert!(names.iter().all(|name| !name.contains(['/', ' '])), "{names:?}");
    }
}
