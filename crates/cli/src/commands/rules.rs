//! `trailhound rules`: what is looked for, the manual of each detection, and the tools of those who
//! write their own.

mod backtest;
mod given;
mod import;
mod lint;
mod prove;

use crate::{
    args::RulesCommand,
    exit::{CommandError, Verdict},
    terminal,
};
use std::fmt::Write as _;
use trailhound_model::{
    action::{ActionKind, Effect, Outcome},
    principal::PrincipalKind,
    time::SECOND,
};
use trailhound_rules::{Correlation, Rule, RuleSet, rule::EFFECTS, site::Wants};

/// Runs the command.
pub(crate) fn run(command: &RulesCommand) -> Result<Verdict, CommandError> {
    match command {
        RulesCommand::List | RulesCommand::Explain { .. } => told(command),
        RulesCommand::Lint { paths, policy, output } => {
            lint::run(paths, policy.as_deref(), *output)
        }
        RulesCommand::Test { paths, verbose } => prove::run(paths, *verbose),
        RulesCommand::Backtest(args) => backtest::run(args),
        RulesCommand::Import { paths, out } => import::run(paths, out),
    }
}

fn told(command: &RulesCommand) -> Result<Verdict, CommandError> {
    // With their tests, which a scan leaves out.
    let rules = RuleSet::load(&RuleSet::builtin_files())
        .map_err(|errors| CommandError::Rules(errors.iter().map(ToString::to_string).collect()))?;
    let text = match command {
        RulesCommand::Explain { id } => rules
            .rules()
            .iter()
            .find(|rule| rule.id() == id)
            .map(manual)
            .ok_or_else(|| CommandError::NoSuchRule(id.clone()))?,
        _ => list(rules.rules()),
    };
    terminal::answer(&text)?;
    Ok(Verdict::Quiet)
}

fn list(rules: &[Rule]) -> String {
    let told = rules.iter().filter(|rule| !rule.is_part());
    let width = told.map(|rule| rule.id().len()).max().unwrap_or_default();
    let mut text = String::new();
    for rule in rules.iter().filter(|rule| !rule.is_part()) {
        let _ = writeln!(
            text,
            "{:width$}  {:8}  {:12}  {}",
            rule.id(),
            rule.severity().as_str(),
            rule.family(),
            rule.title()
        );
    }
    text
}

/// Everything that a rule file says, in the order in which an analyst asks.
fn manual(rule: &Rule) -> String {
    let mut text = format!("{} (version {})\n{}\n\n", rule.id(), rule.version(), rule.title());
    let mut line = |name: &str, value: &str| {
        let mut lines = value.trim().lines();
        if let Some(first) = lines.next() {
            let _ = writeln!(text, "{name:16} {first}");
        }
        for more in lines {
            let _ = writeln!(text, "{:16} {more}", "");
        }
    };
    line("severity", rule.severity().as_str());
    line("confidence", &format!("{:.0} %", rule.confidence() * 100.0));
    line("kind", rule.kind().as_str());
    line("family", rule.family());
    line("techniques", &rule.techniques().join(", "));
    line("controls", &rule.controls().join(", "));
    line("covers", &rule.covers().join(", "));
    line("needs level", rule.needs().as_str());
    for wants in rule.wants() {
        line("from the site", &from_site(rule, wants));
    }
    watched(rule, &mut line);
    line("says", rule.explain().source());
    line("why", rule.why());
    rule.benign().iter().for_each(|reading| line("may be innocent", reading));
    rule.next().iter().for_each(|step| line("next", step.source()));
    let tests = rule.tests().iter();
    tests.for_each(|test| line(if test.fires { "fires on" } else { "silent on" }, &test.name));
    text
}

/// What it watches, under which condition, and when it is more or less severe.
fn watched(rule: &Rule, line: &mut impl FnMut(&str, &str)) {
    let watches = rule.watches();
    line("actions", &all_or(&watches.actions, ActionKind::ALL.len(), ActionKind::as_str));
    line("outcomes", &all_or(&watches.outcomes, Outcome::ALL.len(), Outcome::as_str));
    line("effects", &all_or(&watches.effects, EFFECTS.len(), Effect::as_str));
    line("actors", &all_or(&watches.principals, PrincipalKind::ALL.len(), PrincipalKind::as_str));
    line("condition", rule.source());
    for one in rule.adjust() {
        let condition = one.source.split_whitespace().collect::<Vec<_>>().join(" ");
        let because = one.because.source();
        line("adjusted", &format!("{} if {condition}: {because}", one.severity.as_str()));
    }
    if let Some(correlation) = rule.correlation() {
        line("counts", &counted(correlation));
    }
}

fn from_site(rule: &Rule, wants: Wants) -> String {
    match rule.missing() {
        Some(missing) if missing == wants => format!("{}; blind without it", wants.reason()),
        _ => format!("{}; decides without it, but less well", wants.reason()),
    }
}

fn all_or<T: Copy>(listed: &[T], all: usize, name: fn(T) -> &'static str) -> String {
    if listed.len() == all {
        return "all".to_owned();
    }
    listed.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ")
}

fn counted(correlation: &Correlation) -> String {
    let what = correlation
        .field
        .as_ref()
        .map_or("requests".to_owned(), |field| format!("different values of {field}"));
    let group: Vec<String> = correlation.group_by.iter().map(ToString::to_string).collect();
    let bounds =
        [("at least", correlation.condition.least), ("at most", correlation.condition.most)];
    let bounds: Vec<String> =
        bounds.into_iter().filter_map(|(word, bound)| Some(format!("{word} {}", bound?))).collect();
    let seconds = correlation.timespan_micros / SECOND;
    let span = if seconds % 60 == 0 {
        format!("{} minutes", seconds / 60)
    } else {
        format!("{seconds} seconds")
    };
    format!("{} {what} within {span}, for each {}", bounds.join(" and "), group.join(", "))
}
