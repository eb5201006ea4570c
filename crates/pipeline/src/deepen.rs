//! Gives each incident what only the rebuilt cluster knows: what its identities could reach, and the
//! answers that stand on it. Done once, when the answer is made: detection never waits for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use trailhound_investigate::{
    answers::{self, Frame},
    reach,
};
use trailhound_model::{
    Str,
    finding::{Finding, Severity, TouchRole},
    incident::Incident,
    scan::Scan,
};
use trailhound_twin::Twin;

/// Incidents whose reach is worked out, worst first: each asks for the rights of the whole cluster.
const MOST_REACHES: usize = 25;
/// Standing weaknesses that a scan tells.
const MOST_POSTURES: usize = 20;

/// Deepens the answer of a scan.
pub(crate) fn deepen(scan: &mut Scan, twins: &BTreeMap<Str, Twin>) {
    let (log_begins, log_ends) = (scan.input.first, scan.input.last);
    let by_id: HashMap<&str, &Finding> =
        scan.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let mut left = MOST_REACHES;
    let mut roles = reach::Roles::default();
    let uses = answers::elsewhere(&scan.incidents);
    for (incident, uses) in scan.incidents.iter_mut().zip(&uses) {
        let own: Vec<&Finding> =
            incident.findings.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect();
        let twin = twins.get(&incident.cluster);
        let frame = Frame { log_begins, log_ends, twin };
        if incident.severity >= Severity::Medium && left > 0 {
            left -= 1;
            incident.reach = reached(incident, &own, frame, &mut roles);
        }
        answers::answer(incident, &own, uses, frame);
    }
    if let Some(last) = scan.input.last {
        for (cluster, twin) in twins {
            let postures = reach::posture_findings(twin, cluster, last, MOST_POSTURES);
            scan.input.warnings.extend(left_out(&postures, cluster));
            scan.findings.extend(postures.findings);
        }
    }
}

/// That there is more than is told.
fn left_out(postures: &reach::Postures, cluster: &str) -> Vec<String> {
    let of = if cluster.is_empty() { String::new() } else { format!(" of cluster {cluster}") };
    let mut said = Vec::new();
    if postures.left_out > 0 {
        said.push(format!(
            "{} more standing grants{of} are as dangerous as to be told, but only the {MOST_POSTURES} worst are; `trailhound reach --worst` ranks all",
            postures.left_out
        ));
    }
    if postures.unsearched > 0 {
        said.push(format!(
            "{} standing grants{of} were not searched for what they lead to because there were too many",
            postures.unsearched
        ));
    }
    said
}

fn reached(
    incident: &Incident,
    findings: &[&Finding],
    frame: Frame,
    roles: &mut reach::Roles,
) -> Vec<trailhound_model::incident::Reachable> {
    let Some(twin) = frame.twin else { return Vec::new() };
    let touched = findings.iter().flat_map(|finding| &finding.touches);
    let pods: BTreeSet<String> = touched
        .filter(|touch| touch.role == TouchRole::Enables && touch.entity.starts_with("pod:"))
        .map(|touch| touch.entity.clone())
        .collect();
    let pods: Vec<String> = pods.into_iter().collect();
    let mut who = incident.principals.clone();
    who.extend(
        answers::certified(incident, frame)
            .into_iter()
            .filter(|one| !incident.principals.contains(one)),
    );
    reach::incident_reach(twin, &who, &pods, incident.last_seen, roles)
}
