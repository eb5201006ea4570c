//! Owners by the form of a generated name, for logs without bodies: controllers name what they make
//! after themselves. A form is no proof, so whatever comes from here is inferred.

use trailhound_model::{Str, observed::Owner};

/// Letters of generated suffixes: no vowels, nothing that looks alike.
const LETTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The owner that a name speaks of.
pub(super) fn owner(resource: &str, name: &str) -> Option<Owner> {
    let (kind, owner) = match resource {
        "pods" => of_pod(name)?,
        "replicasets" => ("Deployment", base_of_hash(name)?),
        "jobs" => ("CronJob", base_of_schedule(name)?),
        _ => return None,
    };
    Some(Owner { kind: kind.into(), name: owner.into(), uid: Str::default(), controller: true })
}

/// A pod's owner: replica set, job of a cron job, stateful set, or one whose kind the name does not
/// tell.
fn of_pod(name: &str) -> Option<(&'static str, &str)> {
    let (base, suffix) = name.rsplit_once('-')?;
    if suffix.len() == 5 && is_generated(suffix) {
        return Some(if base_of_hash(base).is_some() {
            ("ReplicaSet", base)
        } else if base_of_schedule(base).is_some() {
            ("Job", base)
        } else {
            ("", base)
        });
    }
    let is_ordinal = suffix.len() <= 3
        && suffix.bytes().all(|byte| byte.is_ascii_digit())
        && (suffix == "0" || !suffix.starts_with('0'));
    (is_ordinal && !suffix.is_empty() && !base.is_empty()).then_some(("StatefulSet", base))
}

/// `cart-7d4f8b9c6d`: a deployment's replica set.
fn base_of_hash(name: &str) -> Option<&str> {
    let (base, hash) = name.rsplit_once('-')?;
    (!base.is_empty() && (8..=10).contains(&hash.len()) && is_generated(hash)).then_some(base)
}

/// `report-29923888`: a cron job's job, by the minute that it was due.
fn base_of_schedule(name: &str) -> Option<&str> {
    let (base, minute) = name.rsplit_once('-')?;
    let is_minute = minute.len() == 8 && minute.bytes().all(|byte| byte.is_ascii_digit());
    (!base.is_empty() && is_minute).then_some(base)
}

fn is_generated(text: &str) -> bool {
    text.chars().all(|letter| LETTERS.contains(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_names_tell_their_owner() {
        for (resource, name, expected) in [
            ("pods", "cart-7d4f8b9c6d-x2kzq", Some(("ReplicaSet", "cart-7d4f8b9c6d"))),
            ("pods", "report-29923888-mj5m5", Some(("Job", "report-29923888"))),
            ("pods", "kube-proxy-t8gfm", Some(("", "kube-proxy"))),
            ("pods", "db-0", Some(("StatefulSet", "db"))),
            ("pods", "debug", None),
            ("pods", "web-prod", None),
            ("pods", "app-2026", None),
            ("replicasets", "cart-7d4f8b9c6d", Some(("Deployment", "cart"))),
            ("jobs", "report-29923888", Some(("CronJob", "report"))),
            ("jobs", "migrate", None),
            ("secrets", "cart-7d4f8b9c6d", None),
        ] {
            let found = owner(resource, name);
            let found = found.as_ref().map(|owner| (owner.kind.as_str(), owner.name.as_str()));
            assert_eq!(found, expected, "{name}");
        }
    }
}
