//! Plays in which an attacker works against the learner itself: what came of them in one table.

use super::{
    race::Outcome,
    report,
    resample::{estimate, mean},
    roster,
    run::{self, Args, Set},
    stage::{GOAL, Suite},
};
use crate::error::Result;
use std::fmt::Write as _;
use trailhound_generate::SECOND;

/// Those that can be asked what they learned.
const DETECTORS: [&str; 3] = ["new-terms-whole", "learner", "learner+triage"];
/// So high an attacker must stand on the list of what looks wrong.
const HIGH: u32 = 30;

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let mut args = args.clone();
    if args.detectors.is_empty() {
        args.detectors = DETECTORS.map(str::to_owned).to_vec();
    }
    let entries = roster::chosen(&args.detectors)?;
    let mut text = String::from(
        "\n**Plays against the learner**\n\n| play | detector | what | result |\n|---|---|---|---|\n",
    );
    // The frog that is boiled is held out as a family.
    let held_out = args.set == Set::HeldOut;
    let shown = |suite: &Suite| *suite != Suite::FrogBoil || held_out;
    for suite in Suite::ALL.into_iter().filter(shown) {
        args.suite = suite;
        let outcomes = run::outcomes(&args, &entries)?;
        for entry in &entries {
            let own: Vec<&Outcome> =
                outcomes.iter().filter(|one| one.detector == entry.name).collect();
            for (what, result) in results(suite, &own) {
                let _ = writeln!(text, "| {} | {} | {what} | {result} |", suite.name(), entry.name);
            }
        }
    }
    run::tell(&args, &text)
}

type Line = (&'static str, String);

/// What is told of a play.
fn results(suite: Suite, all: &[&Outcome]) -> Vec<Line> {
    match suite {
        Suite::Race => triage(all).into_iter().collect(),
        Suite::FirstDay => {
            let found = |budget| share(all, |one| one.first_day.found(budget, |_| true));
            vec![("seen in the first 24 h at 3 a day", found(3.0))]
        }
        Suite::Poison => poison(all),
        Suite::FrogBoil => vec![("seen before its goal, at 1 a day", share(all, frogs))],
        Suite::Cohort => {
            let found = share(all, |one| one.after.found(1.0, |_| true));
            vec![("seen at 1 a day", found)]
        }
        Suite::Flood => {
            let race = share(all, |one| one.after.found(1.0, |one| one.family != "flood"));
            let flood = share(all, |one| one.after.found(1.0, |one| one.family == "flood"));
            let cost = mean(all.iter().map(|one| one.cost));
            vec![
                ("the flood is seen at 1 a day", flood),
                ("attacks after it are seen at 1 a day", race),
                ("ns per row", format!("{cost:.0}")),
            ]
        }
    }
}

fn share(all: &[&Outcome], of: impl Fn(&Outcome) -> (usize, usize)) -> String {
    let estimate = estimate(all, |sample| report::ratio(sample.iter().map(|one| of(one))));
    let (seen, whole) = all.iter().map(|one| of(one)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    format!("{} ({seen} of {whole})", estimate.text())
}

fn triage(all: &[&Outcome]) -> Option<Line> {
    let pairs: Vec<(u32, u32)> = all.iter().filter_map(|one| one.triage).collect();
    let (said, again) = pairs.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let text = format!("{again} of {said}");
    (!pairs.is_empty()).then_some(("false alarms that came again after they were expected", text))
}

fn poison(all: &[&Outcome]) -> Vec<Line> {
    let high = |one: &Outcome| {
        let seen = one.review.is_some_and(|(rank, _)| rank <= HIGH);
        (usize::from(seen), 1)
    };
    let places = all.iter().map(|one| match one.review {
        Some((rank, of)) => format!("{rank} of {of}"),
        None => "–".into(),
    });
    let seen = |one: &Outcome| (usize::from(one.whole.found(1.0, |_| true).0 > 0), 1);
    vec![
        ("within the first 30 of the review after a week", share(all, high)),
        ("places in the review", places.collect::<Vec<_>>().join(", ")),
        ("any of its days is seen at 1 a day", share(all, seen)),
    ]
}

/// Frogs that were seen before the water boiled.
fn frogs(one: &Outcome) -> (usize, usize) {
    one.whole.attacks.iter().fold((0, 0), |(seen, all), frog| {
        let early = frog.at_main.is_some_and(|how| how.delay < (GOAL / SECOND) as f64);
        (seen + usize::from(early), all + 1)
    })
}
