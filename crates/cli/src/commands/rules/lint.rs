//! `trailhound rules lint`: what is wrong with rules that load.

use super::given;
use crate::{
    args::OutputForm,
    exit::{CommandError, Verdict},
    terminal,
};
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use trailhound_report::prose;
use trailhound_rules::lint::{AuditPolicy, Remark, Weight, lint};

/// Runs the command.
pub(super) fn run(
    paths: &[PathBuf],
    policy: Option<&Path>,
    output: OutputForm,
) -> Result<Verdict, CommandError> {
    let given = given::load(paths)?;
    let policy = policy.map(read_policy).transpose()?;
    let looked = given.rules.rules().iter().filter(|rule| given.has(rule)).count();
    let remarks = lint(&given.rules, policy.as_ref(), |rule| given.has(rule));
    terminal::answer(&match output {
        OutputForm::Text | OutputForm::Falco => text(&remarks, looked),
        OutputForm::Json => format!(
            "{}\n",
            json!({"schema": "trailhound.lint/1", "rules": looked, "remarks": remarks.iter().map(object).collect::<Vec<_>>()})
        ),
        OutputForm::Jsonl => {
            remarks.iter().fold(String::new(), |text, one| format!("{text}{}\n", object(one)))
        }
    })?;
    let warned = remarks.iter().any(|one| one.weight == Weight::Warning);
    Ok(if warned { Verdict::Incidents } else { Verdict::Quiet })
}

fn read_policy(path: &Path) -> Result<AuditPolicy, CommandError> {
    let failed = |why: String| CommandError::Rules(vec![format!("{}: {why}", path.display())]);
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    AuditPolicy::parse(&text).map_err(|error| failed(error.to_string()))
}

fn text(remarks: &[Remark], looked: usize) -> String {
    let mut text = String::new();
    for one in remarks {
        let _ =
            writeln!(text, "{:7}  {}: {}", one.weight.as_str(), prose(&one.rule), prose(&one.what));
        let _ = writeln!(text, "         {}", prose(&one.hint));
    }
    let count = |weight| remarks.iter().filter(|one| one.weight == weight).count();
    let _ = writeln!(
        text,
        "{looked} rules looked at: {} warnings, {} notes",
        count(Weight::Warning),
        count(Weight::Note)
    );
    text
}

fn object(one: &Remark) -> serde_json::Value {
    json!({"rule": one.rule, "file": one.file, "weight": one.weight.as_str(), "what": one.what, "hint": one.hint})
}
