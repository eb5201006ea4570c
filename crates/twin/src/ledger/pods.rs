//! Pods as far as their credentials need them: when each began and ended, on which node, with which
//! addresses, made by whom. A pod that is created again under the same name is another pod.

use super::life::Hand;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map, Str,
    fact::Fact,
    observed::{Observation, State, Witness},
    principal::PrincipalKind,
    time::{SECOND, Time},
};

/// Pods that are remembered.
const MOST_PODS: usize = 60_000;

/// Addresses of a pod that are kept.
const MOST_ADDRESSES: usize = 4;

/// One pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PodLife {
    /// Namespace.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// Uid; empty until something says it.
    pub uid: Str,
    /// Node, if known.
    pub node: Str,
    /// Service account, if known.
    pub account: Str,
    /// Who created it, if the log shows it.
    pub created: Option<Box<Hand>>,
    /// Its beginning, if it is in the log.
    pub started: Option<Witness>,
    /// Who asked for its deletion first.
    pub deletion: Option<Box<Hand>>,
    /// Its end, if it is in the log.
    pub ended: Option<Witness>,
    /// Its end was forced: what ran in it may have run on for a while.
    pub forced: bool,
    /// Its own addresses, from bodies.
    pub addresses: Vec<Str>,
    /// The node's address, from bodies.
    pub host: Str,
    /// It uses the network of its node.
    pub host_network: bool,
    /// Last time that the log speaks of it.
    pub last: Time,
}

/// All pods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pods {
    all: Map<u64, Box<PodLife>>,
    by_uid: Map<Str, u64>,
    by_name: Map<Str, u64>,
    next: u64,
    /// Pods forgotten because there were too many.
    pub(super) forgotten: u64,
}

impl Pods {
    /// The pod with this uid, else the one that has the name now.
    pub(super) fn find(&self, namespace: &str, name: &str, uid: &str) -> Option<&PodLife> {
        let place = self.by_uid.get(uid).filter(|_| !uid.is_empty());
        let place = place.or_else(|| self.current(namespace, name, uid))?;
        self.all.get(place).map(Box::as_ref)
    }

    /// The pod that has the name, unless it is known to be another one.
    fn current(&self, namespace: &str, name: &str, uid: &str) -> Option<&u64> {
        let place = self.by_name.get(full(namespace, name).as_str())?;
        let pod = self.all.get(place)?;
        let fits = uid.is_empty() || pod.uid == uid || pod.uid.is_empty() && pod.ended.is_none();
        fits.then_some(place)
    }

    /// All pods that had a name, the latest last.
    pub(super) fn named(&self, namespace: &str, name: &str) -> Vec<&PodLife> {
        let is_it = |pod: &PodLife| pod.namespace == namespace && pod.name == name;
        let all = self.all.iter().map(|(place, pod)| (place, pod.as_ref()));
        let mut found: Vec<(&u64, &PodLife)> = all.filter(|(_, pod)| is_it(pod)).collect();
        found.sort_by_key(|(place, _)| **place);
        found.into_iter().map(|(_, pod)| pod).collect()
    }

    /// The pod to write to; made if it is not known.
    pub(super) fn at(
        &mut self,
        (namespace, name, uid): (&str, &str, &str),
        time: Time,
    ) -> Option<&mut PodLife> {
        if name.is_empty() {
            return None;
        }
        let known = self.by_uid.get(uid).filter(|_| !uid.is_empty()).copied();
        let known = known.or_else(|| self.current(namespace, name, uid).copied());
        let place = known.unwrap_or_else(|| self.add(namespace, name));
        if !uid.is_empty() && !self.by_uid.contains_key(uid) {
            self.by_uid.insert(uid.into(), place);
        }
        let pod = self.all.get_mut(&place)?;
        if pod.uid.is_empty() {
            pod.uid = uid.into();
        }
        pod.last = pod.last.max(time);
        Some(pod)
    }

    fn add(&mut self, namespace: &str, name: &str) -> u64 {
        self.make_room();
        let place = self.next;
        self.next += 1;
        let pod = PodLife { namespace: namespace.into(), name: name.into(), ..PodLife::default() };
        self.all.insert(place, Box::new(pod));
        self.by_name.insert(full(namespace, name), place);
        place
    }

    /// Forgets pods that ended or were not heard of for longest.
    fn make_room(&mut self) {
        if self.all.len() < MOST_PODS {
            return;
        }
        let mut ages: Vec<(bool, Time, u64)> =
            self.all.iter().map(|(at, pod)| (pod.ended.is_none(), pod.last, *at)).collect();
        ages.sort_unstable();
        for (_, _, place) in ages.into_iter().take(MOST_PODS / 10) {
            self.all.remove(&place);
            self.forgotten += 1;
        }
        let all = &self.all;
        self.by_uid.retain(|_, place| all.contains_key(place));
        self.by_name.retain(|_, place| all.contains_key(place));
    }

    /// A request about pods that succeeded.
    pub(super) fn observe(&mut self, fact: &Fact) {
        let Some(object) = &fact.event.object else { return };
        let whole = object.subresource.is_empty();
        let names = (object.namespace.as_str(), fact.object_name(), object.uid.as_str());
        match (fact.event.verb.as_str(), object.subresource.as_str()) {
            ("create", "") => self.created(fact, names),
            ("create", "binding") => self.bound(fact, names),
            ("delete", "") => self.deleted(fact, names),
            _ => {}
        }
        let observed = fact.observed.iter().flat_map(|observed| &observed.objects);
        for one in observed.filter(|one| one.resource == "pods") {
            self.seen(fact, one, whole);
        }
    }

    fn created(&mut self, fact: &Fact, (namespace, name, uid): (&str, &str, &str)) {
        let told = fact.observed.iter().flat_map(|observed| &observed.objects);
        let mut told = told.filter(|one| one.resource == "pods").map(|one| &one.name);
        let name = if name.is_empty() { told.next_back().map_or("", Str::as_str) } else { name };
        // A name that is created is free: whoever had it is gone.
        if !name.is_empty() && uid.is_empty() {
            self.by_name.remove(full(namespace, name).as_str());
        }
        let Some(pod) = self.at((namespace, name, uid), fact.event.time) else { return };
        pod.started.get_or_insert_with(|| Witness::of(&fact.event));
        pod.created.get_or_insert_with(|| Box::new(Hand::of(fact)));
    }

    fn bound(&mut self, fact: &Fact, names: (&str, &str, &str)) {
        let told = fact.observed.iter().flat_map(|observed| &observed.objects);
        let mut node = told.filter_map(|one| match &one.state {
            State::Bound { node } => Some(node.clone()),
            _ => None,
        });
        let node = node.next_back();
        let Some(pod) = self.at(names, fact.event.time) else { return };
        pod.started.get_or_insert_with(|| Witness::of(&fact.event));
        if let Some(node) = node {
            pod.node = node;
        }
    }

    /// A graceful deletion only asks; the kubelet deletes when nothing runs any more.
    fn deleted(&mut self, fact: &Fact, names: (&str, &str, &str)) {
        let by_kubelet = fact.principal.actor().kind == PrincipalKind::Node
            && fact.event.agent_family() == "kubelet";
        let forced = fact.event.query("gracePeriodSeconds").first().is_some_and(|one| one == "0");
        let Some(pod) = self.at(names, fact.event.time) else { return };
        if by_kubelet || forced {
            pod.ended.get_or_insert_with(|| Witness::of(&fact.event));
            pod.forced |= !by_kubelet;
        } else if pod.deletion.is_none() {
            pod.deletion = Some(Box::new(Hand::of(fact)));
        }
    }

    fn seen(&mut self, fact: &Fact, one: &Observation, whole: bool) {
        let State::Pod { spec, addresses, host, .. } = &one.state else { return };
        let names = (one.namespace.as_str(), one.name.as_str(), one.uid.as_str());
        let Some(pod) = self.at(names, fact.event.time) else { return };
        if !spec.node.is_empty() {
            pod.node.clone_from(&spec.node);
        }
        if !spec.service_account.is_empty() {
            pod.account.clone_from(&spec.service_account);
        } else if whole && one.whole && pod.account.is_empty() {
            pod.account = "default".into();
        }
        pod.host_network |= spec.host_network;
        if !host.is_empty() {
            pod.host.clone_from(host);
        }
        for address in addresses {
            if pod.addresses.len() < MOST_ADDRESSES && !pod.addresses.contains(address) {
                pod.addresses.push(address.clone());
            }
        }
    }
}

impl PodLife {
    /// Time after its end from which on nothing can come from it any more: an API server takes a token
    /// that it knows for ten seconds without looking again, clocks differ a little, and what a forced
    /// deletion leaves behind runs on for a while.
    pub(super) fn silent_from(&self) -> Option<Time> {
        let tolerance = if self.forced { 90 * SECOND } else { 15 * SECOND };
        Some(self.ended.as_ref()?.time.plus(tolerance))
    }
}

fn full(namespace: &str, name: &str) -> Str {
    let mut text = Str::with_capacity(namespace.len() + name.len() + 1);
    text.push_str(namespace);
    text.push('/');
    text.push_str(name);
    text
}
