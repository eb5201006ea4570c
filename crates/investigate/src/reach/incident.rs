//! What the hands of an incident could reach, in sentences for its report.

use super::{
    answer::{Path, Reach, Things},
    index::Index,
    snapshot::Snapshot,
    tell, twin, words,
};
use trailhound_model::{incident::Reachable, observed::Surety, time::Time};
use trailhound_twin::Twin;

/// Identities and pods of an incident that are searched from.
const MOST_STARTS: usize = 24;

/// Samples in one statement.
const MOST_SAMPLES: usize = 10;

/// What the identities and pods of an incident, as entities, could reach at a time.
pub fn incident_reach(
    twin: &Twin,
    principals: &[String],
    pods: &[String],
    at: Time,
) -> Vec<Reachable> {
    let snapshot = twin::snapshot(twin, at);
    let named = principals.iter().chain(pods);
    let named: Vec<String> = named.map(|one| twin::holder(twin, one)).collect();
    reachables(&snapshot, &named)
}

/// The same on a snapshot. What several of them reach is told of the first only if the others reach
/// nothing more.
pub(super) fn reachables(snapshot: &Snapshot, starts: &[String]) -> Vec<Reachable> {
    let starts: Vec<&str> = starts.iter().take(MOST_STARTS).map(String::as_str).collect();
    let index = Index::new(snapshot, &starts);
    let mut told: Vec<Reachable> = Vec::new();
    for start in starts {
        let reach = tell::answer(snapshot, &index, start, false);
        for one in statements(&reach) {
            let same = |known: &Reachable| {
                (&known.kind, known.count, &known.samples, &known.surety)
                    == (&one.kind, one.count, &one.samples, &one.surety)
            };
            if !told.iter().any(same) {
                told.push(one);
            }
        }
    }
    told
}

fn statements(reach: &Reach) -> Vec<Reachable> {
    let mut told = Vec::new();
    told.extend(cluster_admin(reach));
    let whole = reach.cluster_admin.is_some();
    for (kind, things, verb, noun) in [
        ("secrets", &reach.secrets, "read", "secrets"),
        ("namespaces", &reach.namespaces, "change objects of", "namespaces"),
        ("nodes", &reach.nodes, "take", "nodes"),
        ("identities", &reach.identities, "become", "identities"),
    ] {
        told.extend(statement(reach, kind, things, (verb, noun, whole)));
    }
    told
}

fn cluster_admin(reach: &Reach) -> Option<Reachable> {
    let surety = reach.cluster_admin?;
    let way = reach.paths.first();
    let steps = way.map(said).unwrap_or_default();
    let could = match surety {
        Surety::Proved => "could take the whole cluster",
        Surety::Inferred => "could probably take the whole cluster",
        Surety::Unknown => {
            "could take the whole cluster, unless something that the log does not show stops it"
        }
    };
    Some(Reachable {
        from: reach.start.clone(),
        kind: "cluster-admin".to_owned(),
        sentence: format!("{} {could}: {steps}", words::plain(&reach.start)),
        count: 1,
        samples: vec![words::CLUSTER_ADMIN.to_owned()],
        surety: surety.as_str().to_owned(),
    })
}

fn said(path: &Path) -> String {
    let steps: Vec<&str> = path.steps.iter().map(|step| step.sentence.as_str()).collect();
    steps.join(" ")
}

fn statement(
    reach: &Reach,
    kind: &str,
    things: &Things,
    (verb, noun, whole): (&str, &str, bool),
) -> Option<Reachable> {
    let first = things.samples.first()?;
    let surest = first.path.surety;
    let mut sentence = format!(
        "{} could {verb} {} of {} {noun} that the log knows of",
        words::plain(&reach.start),
        things.count,
        things.of
    );
    if let Some(home) = things.by_namespace.iter().find(|home| !home.namespace.is_empty()) {
        let all = if home.count == home.of { "all " } else { "" };
        sentence =
            format!("{sentence}, among them {all}{} of namespace {}", home.count, home.namespace);
    }
    sentence.push_str(&doubt(things));
    if !whole {
        sentence = format!("{sentence} The surest way to one of them: {}", said(&first.path));
    }
    Some(Reachable {
        from: reach.start.clone(),
        kind: kind.to_owned(),
        sentence,
        count: things.count,
        samples: things.samples.iter().take(MOST_SAMPLES).map(|one| one.entity.clone()).collect(),
        surety: surest.as_str().to_owned(),
    })
}

fn doubt(things: &Things) -> String {
    match (things.proved, things.inferred, things.unknown) {
        (_, 0, 0) => ".".to_owned(),
        (proved, inferred, 0) => format!(" ({proved} proved, {inferred} inferred)."),
        (proved, inferred, unknown) => format!(
            " ({proved} proved, {inferred} inferred, {unknown} only if nothing that the log does not \
             show stops it)."
        ),
    }
}
