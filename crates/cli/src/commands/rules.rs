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
use trailhound_rules::Rule;

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
    let rules = super::rules_with(super::GivenRules::default())?;
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
    let width = rules.iter().map(|rule| rule.id().len()).max().unwrap_or_default();
    let mut text = String::new();
    for rule in rules {
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

fn manual(rule: &Rule) -> String {
    let mut text = format!("{} (version {})\n{}\n\n", rule.id(), rule.version(), rule.title());
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:16} {value}");
        }
    };
    line("severity", rule.severity().as_str().to_owned());
    line("family", rule.family().to_owned());
    line("techniques", rule.techniques().join(", "));
    line("controls", rule.controls().join(", "));
    line("needs level", rule.needs().as_str().to_owned());
    line("why", rule.why().trim().to_owned());
    rule.benign().iter().for_each(|reading| line("may be innocent", reading.clone()));
    rule.next().iter().for_each(|step| line("next", step.source().to_owned()));
    text
}
