//! Checks the JSON contract on a real answer, field by field. The product's own tests use its own
//! types; this reads what a user's program would read.

use crate::error::{Error, Result};
use crate::recording;
use crate::scan::{SCHEMA, Scan, Severity};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Check that a file is a scan as the JSON contract says.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Output of `trailhound … --output json`
    file: PathBuf,
    /// There must be an incident of this severity or above
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    least_severity: Option<Severity>,
}

fn severity(name: &str) -> Result<Severity, String> {
    serde_json::from_value(Value::from(name)).map_err(|error| error.to_string())
}

/// Runs the command; `false` means that the contract is broken.
pub(crate) fn run(args: &Args) -> Result<bool> {
    let text = recording::read_text(&args.file)?;
    let value: Value = serde_json::from_str(&text).map_err(Error::json(&args.file, 1))?;
    let scan = Scan::parse(&text, &args.file)?;
    let mut broken = broken_fields(&value);
    broken.extend(broken_links(&scan));
    if let Some(least) = args.least_severity
        && !scan.incidents.iter().any(|incident| incident.severity >= least)
    {
        broken.push(format!("there is no incident of {} or above", least.as_str()));
    }
    for what in &broken {
        eprintln!("{}: {what}", args.file.display());
    }
    if broken.is_empty() {
        say!(
            "{} incidents, {} findings: as {SCHEMA} says",
            scan.incidents.len(),
            scan.findings.len()
        );
    }
    Ok(broken.is_empty())
}

const INPUT: &[&str] = &["files", "bytes", "events", "rejected", "duplicates", "first", "last"];
const COMPLETENESS: &[&str] = &["cluster", "score", "gaps", "levels", "blind"];
const INCIDENT: &[&str] = &[
    "id",
    "severity",
    "confidence",
    "title",
    "story",
    "first_seen",
    "last_seen",
    "cluster",
    "principals",
    "techniques",
    "findings",
    "evidence",
    "hops",
    "next_steps",
];
const HOP: &[&str] = &["from", "to", "kind", "confidence", "evidence"];
const FINDING: &[&str] = &[
    "id",
    "rule",
    "kind",
    "severity",
    "confidence",
    "time",
    "principal",
    "action",
    "target",
    "explanation",
    "why",
    "benign_readings",
    "numbers",
    "techniques",
    "evidence",
    "records",
];
const RULE: &[&str] = &["id", "version", "title"];
const RECORD: &[&str] = &["auditID", "stage", "source", "offset", "sha256"];

fn broken_fields(scan: &Value) -> Vec<String> {
    let mut broken = BTreeSet::new();
    lacks(
        scan,
        "the scan",
        &["schema", "input", "completeness", "incidents", "findings"],
        &mut broken,
    );
    each(&scan["input"], "input", INPUT, &mut broken);
    each(&scan["completeness"], "completeness", COMPLETENESS, &mut broken);
    each(&scan["incidents"], "incidents", INCIDENT, &mut broken);
    for incident in scan["incidents"].as_array().into_iter().flatten() {
        each(&incident["hops"], "incidents.hops", HOP, &mut broken);
    }
    each(&scan["findings"], "findings", FINDING, &mut broken);
    for finding in scan["findings"].as_array().into_iter().flatten() {
        each(&finding["rule"], "findings.rule", RULE, &mut broken);
        each(&finding["records"], "findings.records", RECORD, &mut broken);
    }
    broken.into_iter().collect()
}

/// One object or a list of them.
fn each(value: &Value, place: &str, fields: &[&str], broken: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| lacks(one, place, fields, broken)),
        // That it is not there at all was said one level above.
        Value::Null => {}
        one => lacks(one, place, fields, broken),
    }
}

fn lacks(value: &Value, place: &str, fields: &[&str], broken: &mut BTreeSet<String>) {
    for field in fields.iter().filter(|field| value.get(**field).is_none()) {
        broken.insert(format!("{place} lacks `{field}`"));
    }
}

fn broken_links(scan: &Scan) -> Vec<String> {
    let findings: BTreeSet<&str> =
        scan.findings.iter().map(|finding| finding.id.as_str()).collect();
    let mut broken = Vec::new();
    if findings.len() < scan.findings.len() {
        broken.push("two findings have one id".to_owned());
    }
    let incidents: BTreeSet<&str> = scan.incidents.iter().map(|one| one.id.as_str()).collect();
    if incidents.len() < scan.incidents.len() {
        broken.push("two incidents have one id".to_owned());
    }
    for incident in &scan.incidents {
        if let Some(id) = incident.findings.iter().find(|id| !findings.contains(id.as_str())) {
            broken.push(format!(
                "incident {} names the finding {id}, which is not there",
                incident.id
            ));
        }
        if incident.evidence.is_empty() {
            broken.push(format!("incident {} has no evidence", incident.id));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_renamed_field_is_named() {
        let scan = json!({"schema": SCHEMA, "input": {}, "completeness": [], "findings": [],
            "incidents": [{"id": "i", "sev": "high"}]});
        let broken = broken_fields(&scan);
        assert!(broken.contains(&"incidents lacks `severity`".to_owned()), "{broken:?}");
        assert!(broken.contains(&"input lacks `events`".to_owned()));
    }

    #[test]
    fn an_incident_that_points_nowhere_is_told() {
        let text = json!({"schema": SCHEMA, "incidents": [{"id": "i", "findings": ["f"], "evidence": []}]});
        let scan: Scan = serde_json::from_value(text).unwrap();
        assert_eq!(broken_links(&scan).len(), 2);
    }
}
