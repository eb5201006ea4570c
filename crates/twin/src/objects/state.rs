//! What a body adds to a life: owners, labels, node, addresses, and a version if something differs.

use super::{
    Objects,
    life::{Facet, Version, tell},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{
    Shared, Str,
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
        let shared = self.siblings.state(seen);
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
            state: shared.or_else(|| kept(&seen.state).filter(|_| seen.whole).map(Shared::from)),
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

/// The state of the last pod of each owner: its siblings mostly have the same, and hold it once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Siblings {
    last: BTreeMap<Str, Shared<State>>,
}

/// Owners that are remembered; then all are forgotten and learned anew.
const MOST_OWNERS: usize = 20_000;

impl Siblings {
    /// The state of a pod that a sibling has too, or is the first to have.
    fn state(&mut self, seen: &Observation) -> Option<Shared<State>> {
        let (State::Pod { spec, .. }, Some(owner)) = (&seen.state, seen.owners.first()) else {
            return None;
        };
        if !seen.whole || owner.uid.is_empty() {
            return None;
        }
        if let Some(last) = self.last.get(&owner.uid)
            && let State::Pod { spec: known, .. } = &**last
            && is_same_but_node(known, spec)
        {
            return Some(last.clone());
        }
        if self.last.len() >= MOST_OWNERS {
            self.last.clear();
        }
        let state = Shared::from(kept(&seen.state)?);
        self.last.insert(owner.uid.clone(), state.clone());
        Some(state)
    }
}

fn is_same_but_node(known: &PodSpec, spec: &PodSpec) -> bool {
    // All fields are named, so that a new one is not forgotten here.
    let PodSpec {
        service_account,
        automount,
        node: _,
        containers,
        secrets,
        config_maps,
        pull_secrets,
        claims,
        host_paths,
        host_pid,
        host_ipc,
        host_network,
        capabilities,
    } = spec;
    known.service_account == *service_account
        && known.automount == *automount
        && known.containers == *containers
        && known.secrets == *secrets
        && known.config_maps == *config_maps
        && known.pull_secrets == *pull_secrets
        && known.claims == *claims
        && known.host_paths == *host_paths
        && (known.host_pid, known.host_ipc, known.host_network)
            == (*host_pid, *host_ipc, *host_network)
        && known.capabilities == *capabilities
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
        // Addresses are the life's.
        (State::Node { provider: old, .. }, State::Node { provider: new, .. }) if old == new => {}
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
