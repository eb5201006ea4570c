//! `trailhound rules`: what is looked for, and the manual of each detection.

use crate::{
    args::RulesCommand,
    exit::{CommandError, Verdict},
    terminal,
};
use std::fmt::Write as _;
use trailhound_rules::Rule;

/// Runs the command.
pub(crate) fn run(command: &RulesCommand) -> Result<Verdict, CommandError> {
    let rules = super::rules_with(super::GivenRules::default())?;
    let text = match command {
        RulesCommand::List => list(rules.rules()),
        RulesCommand::Explain { id } => rules
            .rules()
            .iter()
            .find(|rule| rule.id() == id)
            .map(manual)
            .ok_or_else(|| CommandError::NoSuchRule(id.clone()))?,
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
