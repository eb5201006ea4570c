//! How many secrets an incident read: names and lists against the secrets that the log knew then.

use super::{Act, Acts, Frame};
use std::collections::BTreeSet;
use trailhound_model::{
    incident::Incident,
    time::{SECOND, Time},
};
use trailhound_twin::Twin;

/// An answer is written a moment after its request.
const ANSWERED: i64 = SECOND;

/// Adds to what could be read how much of it was.
pub(super) fn tell_read(incident: &mut Incident, acts: &Acts, frame: Frame) {
    let Some(twin) = frame.twin else { return };
    if !incident.reach.iter().any(|one| one.kind == "secrets") {
        return;
    }
    let read = read(acts, twin);
    let still = existing(twin, incident.last_seen, "*");
    let count = read.intersection(&still).count() as u64;
    let lists = acts.done(is_list).next().is_some();
    for one in incident.reach.iter_mut().filter(|one| one.kind == "secrets") {
        one.read = count;
        one.sentence.push(' ');
        one.sentence.push_str(&sentence(count, lists));
    }
}

fn sentence(count: u64, lists: bool) -> String {
    match (count, lists) {
        (0, false) => "This incident read none of them, as far as this log shows.".to_owned(),
        (0, true) => {
            "This incident listed secrets, but none that this log knew there by name.".to_owned()
        }
        (count, false) => format!("This incident read {count} of them."),
        (count, true) => format!(
            "This incident read {count} of them; a list counts as read all that this log knew in it."
        ),
    }
}

/// What a list covered, for its sentence.
pub(super) fn covered(act: &Act, frame: Frame) -> Option<String> {
    let (kind, name) = act.target.split_once(':')?;
    if kind != "secret" || !is_list(&act.action) {
        return None;
    }
    Some(match existing(frame.twin?, at(act), name).len() {
        0 => " (this log knew of none there by name)".to_owned(),
        count => format!(" (this log knew of {count} by then)"),
    })
}

fn is_list(action: &str) -> bool {
    matches!(action, "secret.list" | "secret.watch")
}

fn at(act: &Act) -> Time {
    Time(act.last.0.saturating_add(ANSWERED))
}

fn read(acts: &Acts, twin: &Twin) -> BTreeSet<String> {
    let mut read = BTreeSet::new();
    let mut listed = BTreeSet::new();
    for (_, act) in acts.done(|action| is_list(action) || action == "secret.read") {
        let Some(("secret", name)) = act.target.split_once(':') else { continue };
        if !name.ends_with('*') {
            read.insert(act.target.clone());
        } else if listed.insert((name, act.last)) {
            read.extend(existing(twin, at(act), name));
        }
    }
    read
}

/// Secrets that the log knew at a time: `*`, or `NAMESPACE/*`.
fn existing(twin: &Twin, at: Time, pattern: &str) -> BTreeSet<String> {
    let namespace = pattern.strip_suffix("/*");
    twin.objects()
        .existing("secrets", at)
        .filter(|life| namespace.is_none_or(|namespace| life.namespace == namespace))
        .map(trailhound_twin::objects::Life::entity)
        .collect()
}
