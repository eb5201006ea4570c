//! `trailhound rules backtest`: what a rule would have cost on logs of the past.

use super::given;
use crate::{
    args::{BacktestArgs, OutputForm},
    commands::scan,
    exit::{CommandError, Verdict},
    terminal::{self, Meter},
};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
};
use trailhound_pipeline::backtest::{Backtest, Known, Part, backtest};
use trailhound_report::prose;

/// Labels that are read.
const MOST_LABELS: usize = 2_000_000;

/// Runs the command.
pub(super) fn run(args: &BacktestArgs) -> Result<Verdict, CommandError> {
    let path = PathBuf::from(&args.rule);
    let is_file = path.exists();
    let given = given::load(if is_file { std::slice::from_ref(&path) } else { &[] })?;
    let tested: BTreeSet<String> = given
        .rules
        .rules()
        .iter()
        .filter(|rule| if is_file { given.has(rule) } else { rule.id() == args.rule })
        .map(|rule| rule.id().to_owned())
        .collect();
    if tested.is_empty() {
        return Err(CommandError::NoSuchRule(args.rule.clone()));
    }
    let known = known(args)?;
    let options = scan::options(args.on.clone(), None, 0)?;
    let meter = Meter::start(trailhound_pipeline::size_on_disk(&options.paths));
    let answer =
        trailhound_pipeline::scan(&options, &given.rules, &mut |progress| meter.show(progress));
    meter.finish();
    let answer = answer?;
    let told = backtest(&answer, &tested, &known);
    terminal::answer(&match args.output {
        OutputForm::Json | OutputForm::Jsonl => json(&told),
        OutputForm::Text | OutputForm::Falco => text(&told),
    })?;
    let whole = answer.input.unread.is_empty() && answer.input.rejected == 0;
    Ok(if whole && answer.input.events > 0 { Verdict::Quiet } else { Verdict::Incomplete })
}

fn known(args: &BacktestArgs) -> Result<Known, CommandError> {
    let mut known =
        Known { confirmed: args.confirmed.iter().cloned().collect(), ..Known::default() };
    if let Some(path) = &args.labels {
        read_labels(path, &mut known)?;
    }
    Ok(known)
}

fn read_labels(path: &Path, known: &mut Known) -> Result<(), CommandError> {
    let failed = |line: usize, why: String| {
        CommandError::Rules(vec![format!("{}:{line}: {why}", path.display())])
    };
    let file = File::open(path).map_err(|error| failed(0, error.to_string()))?;
    for (line, text) in (1..).zip(BufReader::new(file).lines()) {
        let text = text.map_err(|error| {
            failed(line, format!("{error} (labels are plain JSON lines, not compressed)"))
        })?;
        if text.trim().is_empty() {
            continue;
        }
        let label: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| failed(line, error.to_string()))?;
        let field =
            |name: &str| label.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        if !matches!(field("kind"), "" | "attack" | "malicious") {
            continue;
        }
        if field("auditID").is_empty() || field("scenario").is_empty() {
            return Err(failed(line, "a label needs `auditID` and `scenario`".to_owned()));
        }
        if known.labels.len() >= MOST_LABELS {
            return Err(failed(line, format!("more than {MOST_LABELS} labels")));
        }
        known.labels.insert(field("auditID").to_owned(), field("scenario").to_owned());
    }
    Ok(())
}

fn json(told: &Backtest) -> String {
    let mut value = serde_json::to_value(told).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("schema".to_owned(), "trailhound.backtest/1".into());
    }
    format!("{value}\n")
}

fn text(told: &Backtest) -> String {
    let mut text = String::new();
    let rules = if told.rules.len() > 3 {
        format!("{} rules", told.rules.len())
    } else {
        told.rules.iter().map(|rule| prose(rule)).collect::<Vec<_>>().join(", ")
    };
    let _ = writeln!(text, "{rules} on {} events over {}", told.events, span(told.days));
    let rate = match told.per_day {
        Some(rate) => format!("{rate:.1} a day"),
        None => "the log is too short to say how many a day".to_owned(),
    };
    let _ = writeln!(text, "{} alerts ({rate}), on {} records", told.alerts, told.records);
    for (name, list) in [
        ("by severity", &told.by_severity),
        ("by day", &told.by_day),
        ("by whom", &told.by_principal),
        ("in namespace", &told.by_namespace),
        ("with program", &told.by_agent),
    ] {
        table(name, list, &mut text);
    }
    if !told.shows.is_empty() {
        let _ = writeln!(text, "\nlabelled attacks that it shows: {}", told.shows.join(", "));
    }
    parts(
        "incidents of medium severity and above that it has a part in",
        &told.incidents,
        &mut text,
    );
    suppressions(told, &mut text);
    text
}

fn span(days: f64) -> String {
    if days >= 2.0 { format!("{days:.1} days") } else { format!("{:.1} hours", days * 24.0) }
}

fn table(name: &str, list: &[(String, u64)], text: &mut String) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{name}");
    for (what, count) in list {
        let what = if what.is_empty() { "(none)".to_owned() } else { prose(what) };
        let _ = writeln!(text, "  {count:>6}  {what}");
    }
}

fn parts(name: &str, parts: &[Part], text: &mut String) {
    if parts.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{name}");
    for part in parts {
        let confirmed = if part.confirmed { ", confirmed" } else { "" };
        let alone = if part.stands_on_it { "; would not be there without it" } else { "" };
        let _ = writeln!(
            text,
            "  {:8}  {}  {}{confirmed}{alone}",
            part.severity,
            prose(&part.id),
            prose(&part.title)
        );
    }
}

fn suppressions(told: &Backtest, text: &mut String) {
    if told.suppressions.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\nsuppressions that would cut most (docs/site.md), each after those before it"
    );
    for one in &told.suppressions {
        let _ = writeln!(text, "  cuts {} of {}: {}", one.cuts, one.of, prose(&one.what));
        let _ = writeln!(text, "      when: {}", prose(&one.when));
        let mut hides: Vec<String> =
            one.hides_attacks.iter().map(|name| format!("the labelled attack {name}")).collect();
        hides.extend(one.hides_incidents.iter().map(|part| {
            let confirmed = if part.confirmed { "confirmed " } else { "" };
            format!("the {confirmed}incident {} ({})", part.id, part.title)
        }));
        let _ = match hides.as_slice() {
            [] => writeln!(text, "      hides no known attack and no incident"),
            hides => writeln!(text, "      WOULD HIDE {}", prose(&hides.join("; "))),
        };
    }
}
