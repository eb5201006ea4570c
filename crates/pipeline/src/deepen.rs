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
/// Other incidents that one names.
const MOST_OTHERS: usize = 6;
/// Standing weaknesses that a scan tells.
const MOST_POSTURES: usize = 20;

/// Deepens the answer of a scan.
pub(crate) fn deepen(scan: &mut Scan, twins: &BTreeMap<Str, Twin>) {
    let (log_begins, log_ends) = (scan.input.first, scan.input.last);
    let by_id: HashMap<&str, &Finding> =
        scan.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let mut left = MOST_REACHES;
    let mut roles = reach::Roles::default();
    tell_shared(&mut scan.incidents);
    for incident in &mut scan.incidents {
        let own: Vec<&Finding> =
            incident.findings.iter().filter_map(|id| by_id.get(id.as_str()).copied()).collect();
        if incident.severity >= Severity::Medium && left > 0 {
            left -= 1;
            if let Some(twin) = twins.get(&incident.cluster) {
                incident.reach = reached(incident, &own, twin, &mut roles);
            }
        }
        let twin = twins.get(&incident.cluster);
        answers::answer(incident, &own, Frame { log_begins, log_ends, twin });
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
    twin: &Twin,
    roles: &mut reach::Roles,
) -> Vec<trailhound_model::incident::Reachable> {
    let touched = findings.iter().flat_map(|finding| &finding.touches);
    let pods: BTreeSet<String> = touched
        .filter(|touch| touch.role == TouchRole::Enables && touch.entity.starts_with("pod:"))
        .map(|touch| touch.entity.clone())
        .collect();
    let pods: Vec<String> = pods.into_iter().collect();
    reach::incident_reach(twin, &incident.principals, &pods, incident.last_seen, roles)
}

/// A credential in two incidents: whoever reads one should know of the other.
fn tell_shared(incidents: &mut [Incident]) {
    let mut holders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for incident in incidents.iter().filter(|one| one.severity >= Severity::Medium) {
        let used: BTreeSet<&String> = incident.hands.iter().map(|hand| &hand.credential).collect();
        for credential in used.into_iter().filter(|credential| !credential.is_empty()) {
            holders.entry(credential.clone()).or_default().push(incident.id.clone());
        }
    }
    holders.retain(|_, ids| ids.len() > 1);
    for incident in incidents.iter_mut().filter(|one| one.severity >= Severity::Medium) {
        let used: BTreeSet<&String> = incident.hands.iter().map(|hand| &hand.credential).collect();
        let others: BTreeSet<&String> = used
            .into_iter()
            .filter_map(|credential| holders.get(credential))
            .flatten()
            .filter(|id| **id != incident.id)
            .take(MOST_OTHERS)
            .collect();
        if others.is_empty() {
            continue;
        }
        let ids: Vec<&str> = others.into_iter().map(String::as_str).collect();
        incident.unknowns.push(format!(
            "Whether this is one with {}: the same credential was used there, and nothing in the log ties the two or tells them apart.",
            ids.join(", ")
        ));
    }
}
