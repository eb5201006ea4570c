//! Settings side by side: those of the baselines over a small grid, and the learner without each of
//! its pieces. Only ever on clusters and attacks that are for tuning, unless the ablation is to be
//! told of what is held out.

use super::{
    metrics::BUDGETS,
    race::Outcome,
    report, resample,
    roster::{self, Entry},
    run::{self, Args, Set},
};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Tries the settings of the baselines.
pub(crate) fn run(args: &Args) -> Result<bool> {
    if args.set == Set::HeldOut {
        return Err(Error::Other("nothing is tuned on what is held out".into()));
    }
    let all = roster::grid();
    let wanted = |entry: &&Entry| {
        let family = family(&entry.name);
        args.detectors.is_empty() || args.detectors.iter().any(|name| name == family)
    };
    let entries: Vec<Entry> = all.iter().filter(wanted).cloned().collect();
    let outcomes = run::outcomes(args, &entries)?;
    let mut text = String::from("\n**Settings of the baselines, best first**\n");
    let mut families: BTreeMap<&str, Vec<Worth>> = BTreeMap::new();
    for worth in worths(&outcomes) {
        families.entry(family(worth.name)).or_default().push(worth);
    }
    for all in families.values_mut() {
        all.sort_by(|a, b| b.value().total_cmp(&a.value()).then(a.name.cmp(b.name)));
        table(all, &mut text);
    }
    run::tell(args, &text)
}

/// Tries the learner without each of its pieces.
pub(crate) fn run_ablation(args: &Args) -> Result<bool> {
    let outcomes = run::outcomes(args, &roster::ablations())?;
    let mut text = String::from("\n**The learner without each of its pieces**\n");
    let mut all = worths(&outcomes);
    all.sort_by(|a, b| a.value().total_cmp(&b.value()).then(a.name.cmp(b.name)));
    table(&all, &mut text);
    text.push_str(&report::paired_with("learner", &outcomes));
    run::tell(args, &text)
}

fn family(name: &str) -> &str {
    name.split_once('+').map_or(name, |(family, _)| family)
}

/// What settings are worth: detection at each budget, and the area under precision and recall.
struct Worth<'a> {
    name: &'a str,
    found: [f64; 4],
    precision: f64,
}

impl Worth<'_> {
    /// By what the best is chosen: detection at budgets that people accept, and the whole curve.
    fn value(&self) -> f64 {
        let [_, one, three, _] = self.found;
        one + 0.5 * three + 0.5 * self.precision
    }
}

fn worths(outcomes: &[Outcome]) -> Vec<Worth<'_>> {
    let mut by: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for outcome in outcomes {
        by.entry(&outcome.detector).or_default().push(outcome);
    }
    by.into_iter().map(|(name, all)| worth(name, &all)).collect()
}

fn worth<'a>(name: &'a str, all: &[&Outcome]) -> Worth<'a> {
    let found = BUDGETS
        .map(|budget| report::ratio(all.iter().map(|one| one.after.found(budget, |_| true))));
    let precisions = all.iter().filter_map(|one| one.after.incident_precision);
    Worth { name, found, precision: resample::mean(precisions) }
}

fn table(all: &[Worth<'_>], out: &mut String) {
    let _ =
        writeln!(out, "\n| | PR-AUC incidents | @0.2 | @1 | @3 | @10 |\n|---|---|---|---|---|---|");
    for worth in all {
        let cells = worth.found.map(|share| format!("{share:.2}")).join(" | ");
        let _ = writeln!(out, "| {} | {:.2} | {cells} |", worth.name, worth.precision);
    }
}
