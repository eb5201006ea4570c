//! What a body adds to a life: owners, labels, node, addresses, and a version if something differs.

use super::{
    Objects,
    life::{Facet, Version, tell},
};
use trailhound_model::{
    Str,
    observed::{Observation, PodSpec, Said, State, Surety, Witness},
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
        let state = kept(&seen.state);
        let is_content = matches!(seen.resource.as_str(), "secrets" | "configmaps");
        match (life.state(), &state) {
            (Some(old), Some(new)) if seen.whole => facets(old, new, &mut changed),
            (_, Some(State::Workload { replicas: Some(_), .. })) if !seen.whole => {
                changed.push(Facet::Replicas);
            }
            (None, Some(_)) => changed.push(Facet::Content),
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
            state: state.filter(|_| seen.whole).map(Box::new),
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

/// The state as a version keeps it.
fn kept(state: &State) -> Option<State> {
    match state {
        State::Bare | State::Bound { .. } | State::Token { .. } | State::Note { .. } => None,
        State::Pod { spec, .. } => Some(State::Pod {
            spec: PodSpec { node: Str::default(), ..spec.clone() },
            addresses: Vec::new(),
            host: Str::default(),
            phase: Str::default(),
        }),
        State::Node { provider, .. } => {
            Some(State::Node { addresses: Vec::new(), provider: provider.clone() })
        }
        other => Some(other.clone()),
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
        (State::Binding(old), State::Binding(new)) if old != new => changed.push(Facet::Subjects),
        (State::Role { .. }, State::Role { .. }) if old != new => changed.push(Facet::Rules),
        _ if old != new => changed.push(Facet::Content),
        _ => {}
    }
}

fn specs(old: &PodSpec, new: &PodSpec, changed: &mut Vec<Facet>) {
    let names = |spec: &PodSpec| -> Vec<(Str, Str)> {
        spec.containers.iter().map(|one| (one.name.clone(), one.image.clone())).collect()
    };
    let privileges = |spec: &PodSpec| {
        let privileged = spec.containers.iter().any(|one| one.privileged);
        let host = (spec.host_pid, spec.host_ipc, spec.host_network);
        (privileged, host, spec.host_paths.clone(), spec.capabilities.clone())
    };
    let references =
        |spec: &PodSpec| (spec.secrets.clone(), spec.config_maps.clone(), spec.claims.clone());
    for (differs, facet) in [
        (names(old) != names(new), Facet::Containers),
        (old.service_account != new.service_account, Facet::Account),
        (privileges(old) != privileges(new), Facet::Privileges),
        (references(old) != references(new), Facet::References),
        (old.pull_secrets != new.pull_secrets || old.automount != new.automount, Facet::Content),
    ] {
        if differs {
            changed.push(facet);
        }
    }
}
