//! What to do about people whose client certificate is in strange hands, where their rights come with
//! a group that the certificate itself states: no binding names them, so that none can be taken away
//! from them alone.

use super::{Frame, named};
use std::collections::BTreeSet;
use trailhound_model::{incident::Incident, time::Time, words::words};
use trailhound_twin::{Twin, rbac::BindingKey};

/// The names of people who acted with a client certificate. Only where the reach was worked out: to
/// look for rights costs as much for each incident.
pub(crate) fn certified(incident: &Incident) -> BTreeSet<&str> {
    if incident.reach.is_empty() {
        return BTreeSet::new();
    }
    let certified = incident.hands.iter().filter(|hand| hand.credential.starts_with("cred:X509"));
    certified
        .filter_map(|hand| hand.entity.strip_prefix("user:"))
        .filter(|name| !name.starts_with("system:"))
        .collect()
}

/// A step for each who has rights by a group, in the place of the step that only says that the rights
/// are to be taken away.
pub(super) fn tell(incident: &mut Incident, frame: Frame) {
    let (Some(twin), Some(end)) = (frame.twin, frame.log_ends) else { return };
    let told: Vec<(String, String)> = certified(incident)
        .into_iter()
        .filter_map(|name| Some((words(&format!("user:{name}")), step(twin, name, end)?)))
        .collect();
    for (who, step) in told {
        let vague = format!("Take the rights of {who} away ");
        incident.next_steps.retain(|one| !one.starts_with(&vague));
        incident.next_steps.insert(0, step);
    }
}

fn step(twin: &Twin, name: &str, end: Time) -> Option<String> {
    let mut groups = BTreeSet::new();
    let mut bindings = BTreeSet::new();
    for (key, version) in twin.rbac().bindings_at(end) {
        let own = version.body.subjects.iter().filter(|one| one.kind == "Group");
        let own: Vec<&str> = own
            .map(|one| one.name.as_str())
            .filter(|group| !group.starts_with("system:"))
            .collect();
        // Of several groups it is not known which one let it in.
        let [group] = own.as_slice() else { continue };
        if twin.rbac().uses(key).iter().any(|one| one.user == name) {
            groups.insert(format!("group {group}"));
            bindings.insert(spoken(key));
        }
    }
    if groups.is_empty() {
        return None;
    }
    let (who, bindings) = (words(&format!("user:{name}")), Vec::from_iter(bindings));
    let groups = named(&Vec::from_iter(groups));
    Some(format!(
        "The rights of {who} come with {groups}, which its certificate states: Kubernetes can neither revoke the certificate nor take one member out of such a group. Unless the owner of that name confirms each of these acts: bind the other members by their own names or to a new group, then delete what binds this one ({}).",
        named(&bindings)
    ))
}

fn spoken(key: &BindingKey) -> String {
    match key.namespace.as_str() {
        "" => format!("cluster role binding {}", key.name),
        namespace => format!("role binding {} in namespace {namespace}", key.name),
    }
}
