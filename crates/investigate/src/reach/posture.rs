//! Standing grants as findings: misconfigured rights without an attack are the seed of the next one.

use super::{
    snapshot::Snapshot,
    twin, words,
    worst::{Posture, ranking},
};
use std::collections::BTreeMap;
use trailhound_model::{
    finding::{Finding, FindingKind, Record, RuleRef, Severity},
    observed::Surety,
    time::Time,
};
use trailhound_twin::Twin;

const RULE: &str = "posture-standing-grant";

/// The worst standing grants of a cluster as findings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Postures {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// Grants that would be findings too, beyond the number that was asked for.
    pub left_out: u64,
    /// Grants that were not looked at, because there were too many.
    pub unsearched: u64,
}

/// The worst standing grants of the cluster at a time, as findings: `most` of them, for a reader has to
/// go through them by hand.
pub fn posture_findings(twin: &Twin, cluster: &str, at: Time, most: usize) -> Postures {
    findings_of(&twin::snapshot(twin, at), cluster, most)
}

/// The same of a snapshot.
pub(super) fn findings_of(snapshot: &Snapshot, cluster: &str, most: usize) -> Postures {
    let ranking = ranking(snapshot);
    let telling: Vec<&Posture> = ranking.postures.iter().filter(|one| is_telling(one)).collect();
    let told = telling.iter().take(most);
    Postures {
        findings: told.map(|posture| finding(snapshot, posture, cluster)).collect(),
        left_out: telling.len().saturating_sub(most) as u64,
        unsearched: ranking.left_out,
    }
}

/// A deployer that deploys into its own namespace is no weakness.
fn is_telling(posture: &Posture) -> bool {
    posture.broad
        || posture.cluster_admin.is_some_and(|surety| surety >= Surety::Inferred)
        || posture.cluster_admin.is_some() && posture.uses == 0
        || posture.secrets.0 > 0 && posture.namespaces.0 > 1
}

fn severity(posture: &Posture) -> Severity {
    let base = match posture.cluster_admin {
        Some(Surety::Proved) => Severity::High,
        Some(Surety::Inferred) => Severity::Medium,
        Some(Surety::Unknown) | None => Severity::Low,
    };
    match (posture.broad, posture.uses) {
        (true, _) => base.raised(),
        (false, 0) => base,
        (false, _) => base.lowered(),
    }
}

fn finding(snapshot: &Snapshot, posture: &Posture, cluster: &str) -> Finding {
    // No record says "this grant is dangerous"; its name stands for it, so that the finding keeps its
    // id from day to day.
    let key = Record { audit_id: posture.binding.as_str().into(), ..Record::default() };
    Finding {
        id: Finding::id_of(RULE, cluster, &[key]),
        rule: RuleRef { id: RULE.to_owned(), version: 1, title: title(posture).to_owned() },
        kind: FindingKind::Posture,
        severity: severity(posture),
        confidence: confidence(posture.path.surety),
        time: snapshot.at,
        last: snapshot.at,
        cluster: cluster.into(),
        principal: posture.subjects.first().cloned().unwrap_or_default(),
        action: "rbac.grant".to_owned(),
        outcome: "allowed".to_owned(),
        target: posture.binding.clone(),
        explanation: explanation(snapshot, posture),
        why: "Whoever takes over one of its holders gets all of this at once. Rights that stand \
              without being used are the cheapest thing to take away before an attack."
            .to_owned(),
        benign_readings: benign(posture),
        next_steps: next_steps(posture),
        numbers: numbers(snapshot, posture),
        techniques: vec!["T1078".to_owned(), "T1098.006".to_owned()],
        family: "rbac".to_owned(),
        ..Finding::default()
    }
}

fn confidence(surety: Surety) -> f64 {
    match surety {
        Surety::Proved => 0.95,
        Surety::Inferred => 0.7,
        Surety::Unknown => 0.3,
    }
}

fn title(posture: &Posture) -> &'static str {
    match (posture.broad, posture.cluster_admin, posture.uses) {
        (true, _, _) => "A grant to everybody gives more than reading",
        (_, Some(_), 0) => "A grant that nobody uses leads to the whole cluster",
        (_, Some(_), _) => "A grant leads to the whole cluster",
        (_, None, 0) => "A wide grant that nobody uses",
        (_, None, _) => "A wide grant",
    }
}

fn explanation(snapshot: &Snapshot, posture: &Posture) -> String {
    let holders = holders(posture);
    let whole = match posture.cluster_admin {
        Some(Surety::Proved) => "could take the whole cluster",
        Some(Surety::Inferred) => "could probably take the whole cluster",
        Some(Surety::Unknown) => {
            "could take the whole cluster if nothing that is unknown here stops it"
        }
        None => "could go far",
    };
    let way: Vec<&str> = posture.path.steps.iter().map(|step| step.sentence.as_str()).collect();
    format!(
        "{} gives {} to {holders}. With it one {whole}: read {} of {} known secrets, change objects \
         in {} of {} namespaces, take {} of {} nodes and become {} of {} identities. {} The way: {}",
        capital(&words::plain(&posture.binding)),
        words::plain(&posture.role),
        posture.secrets.0,
        posture.secrets.1,
        posture.namespaces.0,
        posture.namespaces.1,
        posture.nodes.0,
        posture.nodes.1,
        posture.identities.0,
        posture.identities.1,
        used(snapshot, posture),
        way.join(" ")
    )
}

fn holders(posture: &Posture) -> String {
    let names: Vec<String> = posture.subjects.iter().map(|one| words::plain(one)).collect();
    let rest = posture.subjects_left_out;
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

fn used(snapshot: &Snapshot, posture: &Posture) -> String {
    let hours = hours(snapshot);
    match posture.used_by.first() {
        None => format!("It was not used once in the {hours:.1} hours of the log."),
        Some(most) => format!(
            "It was used {} times in the {hours:.1} hours of the log, most by {} ({} times).",
            posture.uses,
            words::plain(&most.who),
            most.count
        ),
    }
}

fn hours(snapshot: &Snapshot) -> f64 {
    snapshot.at.since(snapshot.since).max(0) as f64 / trailhound_model::time::HOUR as f64
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn benign(posture: &Posture) -> Vec<String> {
    let mut readings = vec![
        "It is for emergencies or for work that is done more rarely than this log is long."
            .to_owned(),
    ];
    if posture.uses > 0 {
        readings.push("Its holders are administrators or operators that need it daily.".to_owned());
    }
    if posture.path.surety != Surety::Proved {
        readings.push(
            "A step of the way is not proved: something that the log does not show may stop it."
                .to_owned(),
        );
    }
    readings
}

fn next_steps(posture: &Posture) -> Vec<String> {
    let mut steps = vec![format!("Look at it: {}", posture.show)];
    if posture.uses == 0 {
        steps.push(format!(
            "Ask its owner; if nobody needs it, take it away (it broke nothing in the time of this \
             log): {}",
            posture.remove
        ));
    } else {
        let users: Vec<String> =
            posture.used_by.iter().map(|one| format!("{} ({})", one.who, one.count)).collect();
        let rest = posture.used_by_left_out;
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        steps.push(format!(
            "Give its users only what they used, then take it away: {}. Used by {}{more}.",
            posture.remove,
            users.join(", ")
        ));
    }
    steps.extend(posture.unknowns.iter().take(2).map(|unknown| format!("Find out: {unknown}")));
    steps
}

fn numbers(snapshot: &Snapshot, posture: &Posture) -> BTreeMap<String, f64> {
    let used = posture.used_by.first().map_or(0, |one| one.count);
    [
        ("secrets", posture.secrets.0),
        ("secrets_known", posture.secrets.1),
        ("namespaces", posture.namespaces.0),
        ("namespaces_known", posture.namespaces.1),
        ("nodes", posture.nodes.0),
        ("nodes_known", posture.nodes.1),
        ("identities", posture.identities.0),
        ("identities_known", posture.identities.1),
        ("uses", posture.uses),
        ("uses_of_most_frequent", used),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), count as f64))
    .chain([("log_hours".to_owned(), hours(snapshot))])
    .collect()
}
