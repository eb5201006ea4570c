//! Incidents against the causal steps that a recording's makers noted. Read from the JSON of a scan:
//! what counts is what a user sees. `docs/twin.md` says what is counted.

use crate::{
    error::Result,
    recording::{self, Edge, Truth},
    scan::{Incident, Scan, Severity},
    workspace,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Incidents from here on are the product's word.
const COUNTS_FROM: Severity = Severity::Medium;
/// Least share of the noted steps that is found, in percent: with bodies and without.
const LEAST_FOUND: (f64, f64) = (80.0, 60.0);
/// Largest share of false ties, in percent.
const MOST_FALSE: f64 = 10.0;

type Place = (usize, usize);

/// Counts of one instance.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    noted: usize,
    found: usize,
    ties: usize,
    wrong: usize,
}

/// Runs the part; `false` means that the bar was not kept.
pub(super) fn run(dir: &Path, verbose: bool) -> Result<bool> {
    let truth = Truth::read(dir)?;
    let scan = Scan::run(&workspace::build_product()?, &recording::audit_files(dir)?)?;
    let counting: Vec<&Incident> =
        scan.incidents.iter().filter(|one| one.severity >= COUNTS_FROM).collect();
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let mut lines = Vec::new();
    for (name, instance) in &truth.instances {
        for edge in instance.edges.iter().filter(|edge| is_causal(edge)) {
            let count = counts.entry(name.clone()).or_default();
            count.noted += 1;
            if counting.iter().any(|incident| leads(incident, edge)) {
                count.found += 1;
            } else {
                lines.push(format!("  not found   {name}: {} → {}", edge.from, edge.to));
            }
        }
    }
    for incident in &counting {
        judge_ties(incident, &truth, &mut counts, &mut lines);
    }
    let bodies = dir.file_name().is_some_and(|name| name.to_string_lossy() != "metadata");
    let least = if bodies { LEAST_FOUND.0 } else { LEAST_FOUND.1 };
    Ok(tell(dir, &counts, &lines, verbose, least))
}

/// A step that the makers noted as independent is none.
fn is_causal(edge: &Edge) -> bool {
    !edge.from_ids.is_empty() && !edge.to_ids.is_empty() && !edge.why.starts_with("none")
}

/// Whether the incident leads from an act of the first side, along its ties in their direction, to
/// an act of the second.
fn leads(incident: &Incident, edge: &Edge) -> bool {
    let mut reached: BTreeSet<Place> = places(incident, &edge.from_ids);
    let goal = places(incident, &edge.to_ids);
    let mut open: Vec<Place> = reached.iter().copied().collect();
    while let Some(at) = open.pop() {
        if goal.contains(&at) {
            return true;
        }
        let next = incident.causes.iter().filter(|cause| cause.from.place() == at);
        for place in next.map(|cause| cause.to.place()) {
            if reached.insert(place) {
                open.push(place);
            }
        }
    }
    false
}

fn places(incident: &Incident, ids: &[String]) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for (hand, one) in incident.hands.iter().enumerate() {
        for (act, it) in one.acts.iter().enumerate() {
            if it.evidence.iter().any(|id| ids.contains(id)) {
                places.insert((hand, act));
            }
        }
    }
    places
}

/// What an act is by the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Side {
    /// Of an attack.
    Attack(String),
    /// Set-up or consequence of one: neither right nor wrong.
    Related,
    /// Ordinary work.
    Ordinary,
}

fn side(incident: &Incident, (hand, act): Place, truth: &Truth) -> Option<Side> {
    let act = incident.hands.get(hand)?.acts.get(act)?;
    let mut side = Side::Ordinary;
    for id in &act.evidence {
        let attack = truth.labels.get(id).filter(|label| label.is_malicious());
        if let Some(instance) = attack.and_then(|label| label.instance.clone()) {
            return Some(Side::Attack(instance));
        }
        if truth.related.contains_key(id) {
            side = Side::Related;
        }
    }
    Some(side)
}

/// A tie is false if it joins two attacks, or an attack to ordinary work.
fn judge_ties(
    incident: &Incident,
    truth: &Truth,
    counts: &mut BTreeMap<String, Count>,
    lines: &mut Vec<String>,
) {
    for cause in &incident.causes {
        let sides =
            (side(incident, cause.from.place(), truth), side(incident, cause.to.place(), truth));
        let (name, wrong) = match sides {
            (Some(Side::Attack(a)), Some(Side::Attack(b))) => {
                let wrong = a != b;
                (a, wrong)
            }
            (Some(Side::Attack(a)), Some(Side::Ordinary))
            | (Some(Side::Ordinary), Some(Side::Attack(a))) => (a, true),
            (Some(Side::Attack(a)), _) | (_, Some(Side::Attack(a))) => (a, false),
            _ => continue,
        };
        let count = counts.entry(name.clone()).or_default();
        count.ties += 1;
        count.wrong += usize::from(wrong);
        if wrong {
            lines.push(format!("  false tie   {name}: {} in {}", cause.kind, incident.id));
        }
    }
}

fn tell(
    dir: &Path,
    counts: &BTreeMap<String, Count>,
    lines: &[String],
    verbose: bool,
    least: f64,
) -> bool {
    let mut total = Count::default();
    for count in counts.values() {
        total.noted += count.noted;
        total.found += count.found;
        total.ties += count.ties;
        total.wrong += count.wrong;
    }
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let (found, wrong) = (percent(total.found, total.noted), percent(total.wrong, total.ties));
    say!("{name}: incidents against noted causal steps");
    say!(
        "  total       {} of {} steps found ({found:.0} %), {} of {} ties false ({wrong:.1} %)",
        total.found,
        total.noted,
        total.wrong,
        total.ties
    );
    for (instance, count) in counts {
        say!(
            "  {instance:<11} {} of {} steps, {} of {} ties false",
            count.found,
            count.noted,
            count.wrong,
            count.ties
        );
    }
    if verbose {
        for line in lines {
            say!("{line}");
        }
    }
    let kept = found >= least && wrong <= MOST_FALSE;
    say!(
        "  bar         {} (found ≥ {least} %, false ≤ {MOST_FALSE} %)",
        if kept { "kept" } else { "NOT kept" }
    );
    kept
}

fn percent(part: usize, of: usize) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}
