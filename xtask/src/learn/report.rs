//! The tables, as markdown: counts beside shares, and intervals beside both.

use super::{
    metrics::{BUDGETS, Found, Measured},
    race::Outcome,
    resample::{Estimate, estimate, mean, quantile},
    truth::{Attack, stealths},
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// All tables.
pub(crate) fn tables(outcomes: &[Outcome]) -> String {
    let by = by_detector(outcomes);
    let mut out = String::new();
    let clusters: BTreeSet<_> = outcomes.iter().map(|one| (&one.profile, one.seed)).collect();
    let attacks: usize = by.values().next().map_or(0, |all| count(all));
    let _ = writeln!(out, "{} clusters, {attacks} attacks after the first week.", clusters.len());
    let commits: BTreeSet<&str> = outcomes.iter().map(|one| one.commit.as_str()).collect();
    let _ = writeln!(out, "Measured by {}.", Vec::from_iter(commits).join(", "));
    detection(&by, &mut out);
    stealth(&by, &mut out);
    false_alarms(&by, &mut out);
    seen(&by, &mut out);
    calibration(&by, &mut out);
    each(&by, "Family", |attack, _| attack.family.clone(), &mut out);
    each(&by, "Profile", |_, outcome| outcome.profile.clone(), &mut out);
    paired(&by, &REFERENCE, &mut out);
    out
}

type By<'a> = BTreeMap<&'a str, Vec<&'a Outcome>>;

fn by_detector(outcomes: &[Outcome]) -> By<'_> {
    let mut by = By::new();
    for outcome in outcomes {
        by.entry(&outcome.detector).or_default().push(outcome);
    }
    by
}

fn count(all: &[&Outcome]) -> usize {
    all.iter().map(|one| one.after.attacks.len()).sum()
}

fn head(out: &mut String, title: &str, columns: &[&str]) {
    let _ = writeln!(out, "\n**{title}**\n\n| | {} |", columns.join(" | "));
    let _ = writeln!(out, "|---|{}", "---|".repeat(columns.len()));
}

fn line(out: &mut String, name: &str, cells: &[String]) {
    let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
}

/// Share of attacks that are seen, over clusters.
fn share(
    all: &[&Outcome],
    part: fn(&Outcome) -> &Measured,
    budget: f64,
    choice: impl Fn(&Attack) -> bool,
) -> Estimate {
    estimate(all, |sample| ratio(sample.iter().map(|one| part(one).found(budget, &choice))))
}

/// Share of sums.
pub(super) fn ratio(pairs: impl Iterator<Item = (usize, usize)>) -> f64 {
    let (seen, all) = pairs.fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1));
    if all == 0 { f64::NAN } else { seen as f64 / all as f64 }
}

fn after(outcome: &Outcome) -> &Measured {
    &outcome.after
}

fn first_day(outcome: &Outcome) -> &Measured {
    &outcome.first_day
}

fn first_week(outcome: &Outcome) -> &Measured {
    &outcome.first_week
}

fn detection(by: &By<'_>, out: &mut String) {
    let columns = ["PR-AUC incidents", "PR-AUC windows", "@0.2", "@1", "@3", "@10", "ns per row"];
    head(out, "Detection at so many false incidents per cluster and day", &columns);
    for (name, all) in by {
        let of = |pick: fn(&Measured) -> Option<f64>| {
            estimate(all, |sample| mean(sample.iter().filter_map(|one| pick(&one.after)))).text()
        };
        let mut cells = vec![of(|one| one.incident_precision), of(|one| one.window_precision)];
        cells.extend(BUDGETS.map(|budget| share(all, after, budget, |_| true).text()));
        cells.push(format!("{:.0}", mean(all.iter().map(|one| one.cost))));
        line(out, name, &cells);
    }
}

fn stealth(by: &By<'_>, out: &mut String) {
    let mut columns: Vec<String> = Vec::new();
    for stealth in stealths() {
        columns.extend(BUDGETS.map(|budget| format!("{stealth} @{budget}")));
    }
    columns.extend(["first day @3".to_owned(), "days 2–7 @1".to_owned()]);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    head(out, "Detection by stealth, and early", &columns);
    for (name, all) in by {
        let mut cells = Vec::new();
        for stealth in stealths() {
            let of = |budget| share(all, after, budget, |attack| attack.stealth == stealth).text();
            cells.extend(BUDGETS.map(of));
        }
        cells.push(share(all, first_day, 3.0, |_| true).text());
        cells.push(share(all, first_week, 1.0, |_| true).text());
        line(out, name, &cells);
    }
}

fn false_alarms(by: &By<'_>, out: &mut String) {
    const KINDS: [&str; 3] = ["steady", "churn", "upgrade"];
    let columns = KINDS.map(|kind| format!("{kind} days: mean, p95, most (days)"));
    head(out, "False incidents in a day, at one per day", &columns.each_ref().map(String::as_str));
    for (name, all) in by {
        let cells = KINDS.map(|kind| {
            let days = all.iter().flat_map(|one| &one.after.false_days);
            let mut counts: Vec<f64> =
                days.filter(|day| day.kind == kind).map(|day| f64::from(day.count)).collect();
            counts.sort_by(f64::total_cmp);
            let [p95, most] = [0.95, 1.0].map(|share| quantile(&counts, share).unwrap_or(f64::NAN));
            if counts.is_empty() {
                return "–".into();
            }
            let mean = mean(counts.iter().copied());
            format!("{mean:.2}, {p95}, {most} ({})", counts.len())
        });
        line(out, name, &cells);
    }
}

fn seen(by: &By<'_>, out: &mut String) {
    let columns = ["median delay in s", "median requests", "right reason"];
    head(out, "How attacks are seen, at one false incident per day", &columns);
    for (name, all) in by {
        let found: Vec<&Found> = all.iter().flat_map(|one| &one.after.attacks).collect();
        let how: Vec<_> = found.iter().filter_map(|found| found.at_main).collect();
        let median = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            quantile(values, 0.5).map_or("–".to_owned(), |value| format!("{value:.0}"))
        };
        let mut delays: Vec<f64> = how.iter().map(|one| one.delay).collect();
        let mut requests: Vec<f64> = how.iter().map(|one| f64::from(one.requests)).collect();
        let reasons: Vec<bool> = how.iter().filter_map(|one| one.explained).collect();
        let right = reasons.iter().filter(|right| **right).count();
        let reasons = format!("{right} of {}", reasons.len());
        line(out, name, &[median(&mut delays), median(&mut requests), reasons]);
    }
}

fn calibration(by: &By<'_>, out: &mut String) {
    let columns = ["1 in 100", "1 in 1,000", "1 in 10,000", "own alarms: false per day"];
    head(out, "How often it was, for once that it was said to be", &columns);
    for (name, all) in by {
        let measured = all.iter().filter_map(|one| one.after.probabilities.realised());
        let measured: Vec<[f64; 3]> = measured.collect();
        let own: Vec<f64> = all.iter().filter_map(|one| one.after.own_rate).collect();
        if measured.is_empty() && own.is_empty() {
            continue;
        }
        let mut cells: Vec<String> = (0..3)
            .map(|place| mean(measured.iter().filter_map(|one| one.get(place).copied())))
            .map(|value| if value.is_nan() { "–".into() } else { format!("{value:.2}") })
            .collect();
        cells.push(estimate(&own, |sample| mean(sample.iter().map(|rate| **rate))).text());
        line(out, name, &cells);
    }
}

/// Seen at one per day, of all, for each family or profile.
fn each(by: &By<'_>, title: &str, key: fn(&Attack, &Outcome) -> String, out: &mut String) {
    let mut rows: BTreeMap<String, BTreeMap<&str, (usize, usize)>> = BTreeMap::new();
    for (name, all) in by {
        for outcome in all {
            for found in &outcome.after.attacks {
                let row = rows.entry(key(&found.attack, outcome)).or_default();
                let cell = row.entry(name).or_default();
                cell.0 += usize::from(found.price.is_some_and(|price| price <= 1.0));
                cell.1 += 1;
            }
        }
    }
    let columns: Vec<&str> = by.keys().copied().collect();
    head(out, &format!("{title}: seen at one false incident per day, of all"), &columns);
    for (row, cells) in rows {
        let cell =
            |name: &&str| cells.get(name).map_or("–".into(), |(a, b)| format!("{a} of {b}"));
        line(out, &row, &columns.iter().map(cell).collect::<Vec<_>>());
    }
}

/// What the others are to be compared with, the first of these that took part.
const REFERENCE: [&str; 2] = ["learner", "chance"];

/// How much more a detector sees than each of the others.
pub(super) fn paired_with(reference: &str, outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    paired(&by_detector(outcomes), &[reference], &mut out);
    out
}

/// On the same clusters: by how much the reference sees more than each of the others.
fn paired(by: &By<'_>, references: &[&str], out: &mut String) {
    let Some((reference, own)) = references.iter().find_map(|name| Some((*name, by.get(name)?)))
    else {
        return;
    };
    let columns = BUDGETS.map(|budget| format!("@{budget}"));
    let title = format!("How much more `{reference}` sees on the same clusters");
    head(out, &title, &columns.each_ref().map(String::as_str));
    for (name, all) in by.iter().filter(|(name, _)| **name != reference) {
        let pairs: Vec<(&Outcome, &Outcome)> = all
            .iter()
            .filter_map(|one| {
                let same =
                    |mine: &&&Outcome| (&mine.profile, mine.seed) == (&one.profile, one.seed);
                Some((*own.iter().find(same)?, *one))
            })
            .collect();
        let cells = BUDGETS.map(|budget| {
            let of = |sample: &[&(&Outcome, &Outcome)]| {
                let mine = ratio(sample.iter().map(|pair| pair.0.after.found(budget, |_| true)));
                mine - ratio(sample.iter().map(|pair| pair.1.after.found(budget, |_| true)))
            };
            estimate(&pairs, of).text()
        });
        line(out, name, &cells);
    }
}
