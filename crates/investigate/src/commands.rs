//! What to type first, as exact commands. They are shown, never run: whoever runs them knows what else
//! depends on the thing. Names come from the log and are quoted, so that none can smuggle in a command.

use crate::answers::{Acts, Frame, is_change, people, steps::has_ended};
use crate::reach::{plain, takes_node};
use std::collections::BTreeSet;
use trailhound_model::finding::{Finding, Severity, TouchRole};
use trailhound_model::incident::{Incident, Reachable};
use trailhound_model::words::words;
use trailhound_twin::rbac::{BindingKey, Held, Who};

/// Commands that an incident names.
const MOST: usize = 14;
/// Bindings of one person that are named.
const MOST_BINDINGS: usize = 3;

/// The commands, most urgent first: power taken away, then what runs, then what was read.
pub(crate) fn commands(
    incident: &Incident,
    acts: &Acts,
    findings: &[&Finding],
    frame: Frame,
) -> Vec<String> {
    let mut commands = Commands::default();
    made(acts, &["clusterrolebinding", "rolebinding"], frame, &mut commands);
    made(acts, &WEBHOOKS, frame, &mut commands);
    made(acts, &RUNNING, frame, &mut commands);
    machines(acts, frame, &mut commands);
    tokens(acts, findings, frame, &mut commands);
    certified_people(incident, frame, &mut commands);
    grants(&incident.reach, frame, &mut commands);
    identities(findings, &mut commands);
    rights(acts, &mut commands);
    commands.list.truncate(MOST);
    commands.list
}

const WEBHOOKS: [&str; 2] = ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"];
const RUNNING: [&str; 7] =
    ["cronjob", "daemonset", "deployment", "statefulset", "job", "replicaset", "pod"];

#[derive(Default)]
struct Commands {
    list: Vec<String>,
    seen: BTreeSet<String>,
}

impl Commands {
    fn add(&mut self, command: String) {
        let bare = command.split("   #").next().unwrap_or_default().to_owned();
        if self.seen.insert(bare) {
            self.list.push(command);
        }
    }
}

/// What was made and still is: kept as evidence, then deleted.
fn made(acts: &Acts, kinds: &[&str], frame: Frame, commands: &mut Commands) {
    for (_, act) in acts.done(|action| is_change(action) && !action.ends_with(".change")) {
        let Some((kind, name)) = act.target.split_once(':') else { continue };
        if !kinds.contains(&kind) || name.ends_with('*') {
            continue;
        }
        if acts.deleted_later(&act.target, act.time) || has_ended(&act.target, frame) {
            continue;
        }
        let object = object(kind, name);
        let undone = if kind.ends_with("binding") {
            "deleting it takes the rights back"
        } else {
            "deleting it stops it"
        };
        commands.add(format!(
            "kubectl get {object} --output yaml   # keep a copy as evidence before deleting it"
        ));
        commands.add(format!("kubectl delete {object}   # made or changed in this incident: {undone}; if it is older than the incident, undo the change instead"));
    }
}

/// Machines on which a pod of the incident could take over the machine: also when it is gone, what it
/// left there stays.
fn machines(acts: &Acts, frame: Frame, commands: &mut Commands) {
    let Some(twin) = frame.twin else { return };
    for (_, act) in acts.done(is_change).filter(|(_, act)| act.target.starts_with("pod:")) {
        let taken =
            twin.objects().resolve(&act.target).into_iter().filter(|life| takes_node(twin, life));
        for life in taken {
            let Some(node) = life.node.as_ref().map(|told| told.value.as_str()) else { continue };
            if node.is_empty() || node.starts_with('-') || has_ended(&format!("node:{node}"), frame)
            {
                continue;
            }
            commands.add(format!(
                "kubectl cordon {}   # {} ran on this machine and could take it over: keep new work off it until its disk and processes were examined, then replace the machine",
                quoted(node),
                words(&act.target)
            ));
        }
    }
}

/// Bindings of people with a certificate, which nothing else disarms.
fn certified_people(incident: &Incident, frame: Frame, commands: &mut Commands) {
    let (Some(twin), Some(end)) = (frame.twin, frame.log_ends) else { return };
    for name in people::certified(incident) {
        let held = twin.rbac().grants_of(&Who::user(name, &[]), end);
        let own = held.iter().filter(|one| one.grant.subject_kind == "User");
        for one in own.take(MOST_BINDINGS) {
            let bound = twin.rbac().binding_versions(&one.grant.binding);
            let others = bound.last().is_some_and(|version| version.body.subjects.len() > 1);
            withdraw(name, one, others, commands);
        }
    }
}

/// Takes a binding from a person.
fn withdraw(name: &str, held: &Held, others: bool, commands: &mut Commands) {
    let binding = binding(&held.grant.binding);
    let who = words(&format!("user:{name}"));
    let role = &held.grant.role.name;
    commands.add(if others {
        format!(
            "kubectl edit {binding}   # take {who} out of it: the certificate of this name cannot be revoked, and it gives the role {role}; the others whom it names keep it"
        )
    } else {
        format!(
            "kubectl delete {binding}   # takes the role {role} away from {who}, whose certificate cannot be revoked; give it back once the owner has a new one under another name"
        )
    });
}

fn binding(key: &BindingKey) -> String {
    if key.namespace.is_empty() {
        return object("clusterrolebinding", &key.name);
    }
    object("rolebinding", &format!("{}/{}", key.namespace, key.name))
}

/// Tokens end with what they are bound to.
fn tokens(acts: &Acts, findings: &[&Finding], frame: Frame, commands: &mut Commands) {
    let touched = findings.iter().flat_map(|finding| &finding.touches);
    let pods = touched.filter(|touch| {
        matches!(touch.role, TouchRole::Enables | TouchRole::EnabledBy)
            && touch.entity.starts_with("pod:")
    });
    for touch in pods {
        if let Some(("pod", name)) =
            touch.entity.split_once(':').filter(|(_, name)| !name.ends_with('*'))
        {
            if acts.is_gone(&touch.entity) || has_ended(&touch.entity, frame) {
                continue;
            }
            let object = object("pod", name);
            commands.add(format!("kubectl delete {object}   # ends its Kubernetes tokens, which were used or within reach; tokens for a cloud account must be stopped at the cloud"));
        }
    }
}

/// What the identities may do, and so what must be taken away.
fn identities(findings: &[&Finding], commands: &mut Commands) {
    let grave = findings.iter().filter(|finding| finding.severity >= Severity::Medium);
    for finding in grave {
        let who = finding.real_principal.as_ref().unwrap_or(&finding.principal);
        let name = match who.split_once(':') {
            Some(("sa", name)) => format!("system:serviceaccount:{}", name.replacen('/', ":", 1)),
            Some(("user", name)) if name != "unauthenticated" => name.to_owned(),
            _ => continue,
        };
        commands.add(format!(
            "kubectl auth can-i --list --as {}   # what this identity may still do: take away what it does not need",
            quoted(&name)
        ));
    }
}

/// Grants with which a program's account could begin to take the whole cluster. Programs may need
/// them, so they are looked at before they are removed; what people may do is asked of people.
fn grants(reach: &[Reachable], frame: Frame, commands: &mut Commands) {
    let ways = reach.iter().filter(|one| one.kind == "cluster-admin");
    let grants = ways.flat_map(|one| &one.grants).filter(|grant| grant.from.starts_with("sa:"));
    for grant in grants.filter(|grant| !has_ended(&grant.binding, frame)) {
        let Some((kind, name)) = grant.binding.split_once(':') else { continue };
        let object = object(kind, name);
        let times = if grant.uses == 1 {
            "1 request that it allowed".to_owned()
        } else {
            format!("{} requests that it allowed", grant.uses)
        };
        commands.add(format!(
            "kubectl get {object} --output yaml   # with this grant {} could begin to take the whole cluster; this log shows {times}, those of this incident among them",
            plain(&grant.from)
        ));
        commands.add(format!(
            "kubectl delete {object}   # take it away if nothing else needs it; narrow its role otherwise"
        ));
    }
}

/// Whom the rights of a role that was changed reach.
fn rights(acts: &Acts, commands: &mut Commands) {
    for (_, act) in acts.done(|action| action == "role.change") {
        if let Some((kind, name)) =
            act.target.split_once(':').filter(|(_, name)| !name.ends_with('*'))
        {
            commands.add(format!(
                "kubectl get {} --output yaml   # undo what was added",
                object(kind, name)
            ));
        }
    }
}

fn object(kind: &str, name: &str) -> String {
    match name.split_once('/') {
        Some((namespace, name)) => {
            format!("{} --namespace {}", named(kind, name), quoted(namespace))
        }
        None => named(kind, name),
    }
}

/// Roles and bindings may be called `--all`: quotes keep that from the shell, not from kubectl, which
/// would take it for its own option. Behind a slash it is a name.
fn named(kind: &str, name: &str) -> String {
    if name.starts_with('-') {
        return quoted(&format!("{kind}/{name}"));
    }
    format!("{} {}", quoted(kind), quoted(name))
}

/// A name as one word of a shell.
fn quoted(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:/@".contains(letter);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(plain) {
        return name.to_owned();
    }
    let shown: String =
        name.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect();
    format!("'{}'", shown.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_smuggle_in_a_command() {
        assert_eq!(quoted("cart-1"), "cart-1");
        assert_eq!(quoted("x; rm -rf /"), "'x; rm -rf /'");
        assert_eq!(quoted("x'; rm -rf / #"), "'x'\\''; rm -rf / #'");
        assert_eq!(quoted("--all"), "'--all'");
        assert_eq!(quoted("a\nb"), "'a?b'");
        assert_eq!(object("pod", "shop/$(id)"), "pod '$(id)' --namespace shop");
    }

    #[test]
    fn a_binding_called_all_does_not_delete_all_bindings() {
        assert_eq!(object("clusterrolebinding", "--all"), "clusterrolebinding/--all");
        assert_eq!(object("rolebinding", "shop/-l x=y"), "'rolebinding/-l x=y' --namespace shop");
    }
}
