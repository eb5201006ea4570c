//! What the hands of an incident could reach, in sentences for its report.

use super::{
    answer::{Path, Reach, Things},
    index::Index,
    power::Roles,
    snapshot::Snapshot,
    tell, twin, words,
};
use trailhound_model::{
    incident::{GrantUse, Reachable},
    observed::Surety,
    time::Time,
    words::list,
};
use trailhound_twin::Twin;

/// Identities and pods of an incident that are searched from.
const MOST_STARTS: usize = 24;

/// Samples in one statement.
const MOST_SAMPLES: usize = 10;

/// What the identities and pods of an incident, as entities, could reach at a time. `roles` is what
/// was worked out for other incidents.
pub fn incident_reach(
    twin: &Twin,
    principals: &[String],
    pods: &[String],
    at: Time,
    roles: &mut Roles,
) -> Vec<Reachable> {
    let snapshot = twin::snapshot_beside(twin, at, &roles.own);
    let named = principals.iter().chain(pods);
    let named: Vec<String> = named.map(|one| twin::holder(twin, one)).collect();
    reachables(&snapshot, &named, roles)
}

/// Others that one statement names.
const MOST_OTHERS: usize = 4;

/// The same on a snapshot. What several of them reach alike is told once, with the names of all.
pub(super) fn reachables(
    snapshot: &Snapshot,
    starts: &[String],
    roles: &mut Roles,
) -> Vec<Reachable> {
    let starts: Vec<&str> = starts.iter().take(MOST_STARTS).map(String::as_str).collect();
    let index = Index::new(snapshot, &starts, roles);
    let mut told: Vec<(Reachable, Vec<String>)> = Vec::new();
    for start in starts {
        let reach = tell::answer(snapshot, &index, start, false);
        for one in statements(&reach) {
            let same = |(known, _): &&mut (Reachable, Vec<String>)| {
                (&known.kind, known.count, known.proved, known.inferred, &known.surety)
                    == (&one.kind, one.count, one.proved, one.inferred, &one.surety)
            };
            match told.iter_mut().find(same) {
                Some((known, others)) => {
                    known.grants.extend(one.grants);
                    others.push(words::plain(start));
                }
                None => told.push((one, Vec::new())),
            }
        }
    }
    told.into_iter().map(with_others).collect()
}

/// Without their names it would read as if only the first could.
fn with_others((mut one, mut others): (Reachable, Vec<String>)) -> Reachable {
    let more = others.len().saturating_sub(MOST_OTHERS);
    others.truncate(MOST_OTHERS);
    if more > 0 {
        others.push(format!("{more} more of this incident"));
    }
    if !others.is_empty() {
        let same = if one.kind == "cluster-admin" { "So could" } else { "As many could" };
        one.sentence = format!("{} {same} {}.", one.sentence, list(&others));
    }
    one
}

fn statements(reach: &Reach) -> Vec<Reachable> {
    let mut told = Vec::new();
    told.extend(cluster_admin(reach));
    let whole = reach.cluster_admin.is_some();
    for (kind, things, verb, noun) in [
        ("secrets", &reach.secrets, "read", "secrets"),
        ("namespaces", &reach.namespaces, "change what runs in", "namespaces"),
        ("nodes", &reach.nodes, "take over", "machines (nodes)"),
        ("identities", &reach.identities, "act as", "other identities (users, accounts, machines)"),
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
        proved: u64::from(surety == Surety::Proved),
        inferred: u64::from(surety == Surety::Inferred),
        unknown: u64::from(surety == Surety::Unknown),
        samples: vec![words::CLUSTER_ADMIN.to_owned()],
        surety: surety.as_str().to_owned(),
        grants: way.map(|way| first_grants(&reach.start, way)).unwrap_or_default(),
        ..Reachable::default()
    })
}

/// The grants of the first step that needs one.
fn first_grants(from: &str, path: &Path) -> Vec<GrantUse> {
    let step = path.steps.iter().find(|step| !step.grants.is_empty());
    let grants = step.into_iter().flat_map(|step| &step.grants);
    let mut used: Vec<GrantUse> = grants
        .map(|grant| GrantUse {
            from: from.to_owned(),
            binding: grant.binding.clone(),
            uses: grant.uses,
        })
        .collect();
    used.dedup_by(|a, b| a.binding == b.binding);
    used
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
    let mut sentence = format!(
        "{} could {verb} {} of the {} {noun} that the log knew of at {} UTC",
        words::plain(&reach.start),
        things.count,
        things.of,
        reach.at.clock()
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
        proved: things.proved,
        inferred: things.inferred,
        unknown: things.unknown,
        samples: things.samples.iter().take(MOST_SAMPLES).map(|one| one.entity.clone()).collect(),
        surety: least(things).as_str().to_owned(),
        ..Reachable::default()
    })
}

/// A number is as sure as the least sure thing in it.
fn least(things: &Things) -> Surety {
    match (things.unknown, things.inferred) {
        (0, 0) => Surety::Proved,
        (0, _) => Surety::Inferred,
        _ => Surety::Unknown,
    }
}

/// What of it is proved, what is not.
fn doubt(things: &Things) -> String {
    if things.inferred == 0 && things.unknown == 0 {
        return ".".to_owned();
    }
    if things.inferred == things.count {
        return ". The log shows none of it itself: it follows from what the log shows.".to_owned();
    }
    let mut parts = Vec::new();
    for (count, what) in [
        (things.proved, "shown by records of the log (proved)"),
        (things.inferred, "that follow from them (inferred)"),
        (things.unknown, "unknown: nothing in the log says that the way to them works or does not"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    format!(". Of these {}: {}.", things.count, parts.join(", "))
}
