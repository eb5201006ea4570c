//! A gap in an attacked stretch: the moment at which an attack and a hole in the log meet is the
//! moment to ask who made the hole.
//!
//! Told when the outcome is told, because what comes after a gap is known only then. It becomes
//! part of the incidents that it touches and makes none of its own.

use crate::{
    completeness::{AROUND, Found, touches},
    correlate::words::words,
};
use trailhound_model::{
    Str, entity,
    finding::{Finding, FindingKind, Record, RuleRef, Severity},
    incident::{Incident, Step},
    time::{SECOND, Time},
};

const ID: &str = "gap-during-attack";
const TITLE: &str = "The log has a gap in or beside an attack";

/// Adds a finding for each gap that meets a serious incident, and tells the incidents of it.
pub(crate) fn tell_gaps(
    cluster: &Str,
    gaps: &[Found],
    incidents: &mut [Incident],
    findings: &mut Vec<Finding>,
) {
    for gap in gaps {
        let mut touched: Vec<&mut Incident> =
            incidents.iter_mut().filter(|incident| meets(gap, incident)).collect();
        if touched.is_empty() {
            continue;
        }
        let finding = finding(cluster, gap, &touched);
        for incident in &mut touched {
            enter(incident, &finding);
        }
        findings.push(finding);
    }
}

fn meets(gap: &Found, incident: &Incident) -> bool {
    incident.severity >= Severity::Medium
        && touches(gap, incident.first_seen.plus(-AROUND), incident.last_seen.plus(AROUND))
}

fn enter(incident: &mut Incident, finding: &Finding) {
    incident.findings.push(finding.id.clone());
    let at = incident.steps.partition_point(|step| step.time <= finding.time);
    incident.steps.insert(
        at,
        Step {
            time: finding.time,
            who: String::new(),
            text: finding.explanation.clone(),
            severity: finding.severity,
            finding: finding.id.clone(),
        },
    );
    incident.unknowns.push(format!(
        "What happened from {} to {}: the log has no records of that time.",
        finding.time.clock(),
        finding.last.clock()
    ));
}

fn finding(cluster: &Str, gap: &Found, touched: &[&mut Incident]) -> Finding {
    let told = gap.told();
    let records: Vec<Record> = [gap.from, gap.to]
        .into_iter()
        .filter(|mark| !mark.audit_id().is_empty())
        .map(neighbour)
        .collect();
    let target = match gap.server.as_str() {
        "" => "log:audit".to_owned(),
        server => entity::object("leases", "kube-system", server),
    };
    let rule = format!("{ID} {} {}", gap.server, gap.from.time);
    Finding {
        id: Finding::id_of(&rule, cluster, &records),
        rule: RuleRef { id: ID.to_owned(), version: 1, title: TITLE.to_owned() },
        kind: FindingKind::Integrity,
        severity: Severity::Medium,
        confidence: 0.6,
        time: gap.from.time,
        last: gap.to.time,
        cluster: cluster.clone(),
        action: "log.gap".to_owned(),
        outcome: "unknown".to_owned(),
        target,
        explanation: explanation(gap, touched),
        why: "Whoever can stop the audit log or delete from it does so to hide a step. What happened \
              in the gap is not in this report, and the story around it may lack its most \
              important part."
            .to_owned(),
        benign_readings: vec![
            "The API server was restarted or upgraded: then its first requests after the gap are its own start-up.".to_owned(),
            "The log shipper or the audit webhook lost a batch under load.".to_owned(),
            "The control plane was paused or its disk was full.".to_owned(),
        ],
        next_steps: vec![
            "Look for the missing stretch in another copy: the log file on each control plane node, rotated files, the webhook, the archive.".to_owned(),
            "Check on the control plane whether the API server restarted then, and who was logged in.".to_owned(),
        ],
        numbers: [
            ("gap_seconds".to_owned(), (gap.length() / SECOND) as f64),
            ("missing_beats".to_owned(), told.missing_beats as f64),
            ("records_inside".to_owned(), told.records_inside as f64),
        ]
        .into(),
        techniques: vec!["T1562".to_owned()],
        family: "integrity".to_owned(),
        record_count: records.len() as u64,
        records,
        ..Finding::default()
    }
}

fn neighbour(mark: crate::completeness::Mark) -> Record {
    Record {
        audit_id: mark.audit_id(),
        stage: mark.stage,
        time: mark.time,
        position: mark.position,
        summary: "neighbour of the gap".to_owned(),
        ..Record::default()
    }
}

fn explanation(gap: &Found, touched: &[&mut Incident]) -> String {
    let whose = match gap.server.as_str() {
        "" => "Records are missing".to_owned(),
        server => format!("Records of the API server {server} are missing"),
    };
    let mut text = format!(
        "{whose} for {} seconds, from {} to {}, or the server was not answering.",
        gap.length() / SECOND,
        gap.from.time.clock(),
        gap.to.time.clock()
    );
    let steps =
        || touched.iter().flat_map(|incident| &incident.steps).filter(|step| !step.who.is_empty());
    if let Some(step) =
        steps().filter(|step| step.time <= gap.from.time).max_by_key(|step| step.time)
    {
        text.push_str(&side("Right before it", step, step.time, gap.from.time));
    }
    if let Some(step) = steps().filter(|step| step.time >= gap.to.time).min_by_key(|step| step.time)
    {
        text.push_str(&side("Right after it", step, gap.to.time, step.time));
    }
    text
}

/// ` Right before it (4 seconds): …`
fn side(when: &str, step: &Step, from: Time, to: Time) -> String {
    let text = step.text.trim_end_matches('.');
    let text: String = text.chars().take(200).collect();
    format!(" {when} ({} seconds, {}): {text}.", to.since(from) / SECOND, words(&step.who))
}
