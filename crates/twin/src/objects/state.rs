//! What a body adds to a life: owners, labels, node, addresses, and a version if something differs.

use super::{
    Objects,
    life::{Facet, Version, tell},
};
use trailhound_model::{
    Str,
    observed::{ContainerState, Observation, PodSpec, Said, State, Surety, Witness},
    time::Time,
};

/// Who writes, when, by which record.
pub(super) struct Write<'a> {
    pub(super) time: Time,
    /// Empty for a read.
    pub(super) who: &'a str,
    pub(super) witness: Witness,
    pub(super) is_create: bool,
}

impl Objects {
    /// Applies what a record shows of an object.
    pub(super) fn apply(&mut self, id: u32, seen: &Observation, write: &Write<'_>) {
        let surety = if seen.said == Said::Asked { Surety::Inferred } else { Surety::Proved };
        self.apply_places(id, seen, surety, &write.witness);
        let Some(life) = self.store.get_mut(id) else { return };
        let mut changed = Vec::new();
        if seen.whole || !seen.labels.is_empty() {
            if seen.whole && life.labels != seen.labels {
                changed.push(Facet::Labels);
                life.labels.clone_from(&seen.labels);
            }
            if seen.whole && life.owners != seen.owners {
                changed.push(Facet::Owners);
                life.owners.clone_from(&seen.owners);
            }
        }
        let is_content = matches!(seen.resource.as_str(), "secrets" | "configmaps");
        match (life.state(), &seen.state) {
            (_, State::Workload { replicas: Some(_), .. }) if !seen.whole => {
                changed.push(Facet::Replicas);
            }
            (Some(old), new) if seen.whole => facets(old, new, &mut changed),
            (None, new) if is_kept(new) => changed.push(Facet::Content),
            _ => {}
        }
        if is_content && !write.who.is_empty() {
            changed.push(Facet::Content);
        }
        if write.is_create {
            changed = vec![Facet::Created];
            life.versions.retain(|version| version.changed != [Facet::Created]);
        }
        if changed.is_empty() {
            return;
        }
        changed.sort_unstable();
        changed.dedup();
        life.push_version(Version {
            time: write.time,
            changed,
            who: write.who.into(),
            witness: write.witness.clone(),
            surety,
            state: if seen.whole { kept(&seen.state).map(Box::new) } else { None },
        });
    }

    /// Node, account and addresses.
    fn apply_places(&mut self, id: u32, seen: &Observation, surety: Surety, witness: &Witness) {
        let Some(life) = self.store.get_mut(id) else { return };
        let addresses: &[Str] = match &seen.state {
            State::Pod { spec, addresses, phase, .. } => {
                tell(&mut life.node, &spec.node, surety, witness);
                let account = match spec.service_account.as_str() {
                    "" if seen.whole && !spec.containers.is_empty() => "default",
                    account => account,
                };
                tell(&mut life.account, account, surety, witness);
                if !phase.is_empty() {
                    life.phase.clone_from(phase);
                }
                addresses
            }
            State::Bound { node } => {
                tell(&mut life.node, node, Surety::Proved, witness);
                &[]
            }
            State::Node { addresses, .. } | State::Service { addresses, .. } => addresses,
            _ => &[],
        };
        for address in addresses.iter().filter(|address| *address != "None") {
            self.tell_address(id, address, surety, witness);
        }
    }

    /// Says where an address belongs.
    pub(super) fn tell_address(&mut self, id: u32, address: &str, surety: Surety, by: &Witness) {
        let Some(life) = self.store.get_mut(id) else { return };
        if life.told_address(address, surety, by.clone()) {
            self.store.index_address(id, address);
        }
    }
}

fn is_kept(state: &State) -> bool {
    !matches!(state, State::Bare | State::Bound { .. } | State::Token { .. } | State::Note { .. })
}

/// The state as a version keeps it.
fn kept(state: &State) -> Option<State> {
    match state {
        State::Pod { spec, .. } => Some(State::Pod {
            spec: PodSpec { node: Str::default(), ..spec.clone() },
            addresses: Vec::new(),
            host: Str::default(),
            phase: Str::default(),
        }),
        State::Node { provider, .. } => {
            Some(State::Node { addresses: Vec::new(), provider: provider.clone() })
        }
        other => is_kept(other).then(|| other.clone()),
    }
}

/// What differs between two whole states.
fn facets(old: &State, new: &State, changed: &mut Vec<Facet>) {
    match (old, new) {
        (State::Pod { spec: old, .. }, State::Pod { spec: new, .. }) => specs(old, new, changed),
        (
            State::Workload { spec: old, replicas: before, labels },
            State::Workload { spec: new, replicas: after, labels: others },
        ) => {
            specs(old, new, changed);
            if before != after {
                changed.push(Facet::Replicas);
            }
            if labels != others {
                changed.push(Facet::Labels);
            }
        }
        (State::Node { provider: old, .. }, State::Node { provider: new, .. }) => {
            if old != new {
                changed.push(Facet::Content);
            }
        }
        (State::Binding(old), State::Binding(new)) if old != new => changed.push(Facet::Subjects),
        (State::Role { .. }, State::Role { .. }) if old != new => changed.push(Facet::Rules),
        _ if is_kept(new) && old != new => changed.push(Facet::Content),
        _ => {}
    }
}

fn specs(old: &PodSpec, new: &PodSpec, changed: &mut Vec<Facet>) {
    let is_privileged = |spec: &PodSpec| spec.containers.iter().any(|one| one.privileged);
    let host = |spec: &PodSpec| (spec.host_pid, spec.host_ipc, spec.host_network);
    let named = |one: &ContainerState| (one.name.clone(), one.image.clone());
    let same_containers = old.containers == new.containers
        || old.containers.iter().map(named).eq(new.containers.iter().map(named));
    for (is_same, facet) in [
        (same_containers, Facet::Containers),
        (old.service_account == new.service_account, Facet::Account),
        (
            is_privileged(old) == is_privileged(new)
                && host(old) == host(new)
                && old.host_paths == new.host_paths
                && old.capabilities == new.capabilities,
            Facet::Privileges,
        ),
        (
            old.secrets == new.secrets
                && old.config_maps == new.config_maps
                && old.claims == new.claims,
            Facet::References,
        ),
        (old.pull_secrets == new.pull_secrets && old.automount == new.automount, Facet::Content),
    ] {
        if !is_same {
            changed.push(facet);
        }
    }
}
