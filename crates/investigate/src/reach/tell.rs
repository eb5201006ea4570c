//! From what was found to the answer: numbers, samples with their ways, ways to the whole cluster,
//! and what is not known.

use super::{
    answer::{InNamespace, Path, Reach, Thing, Things},
    cut,
    index::{Index, Place, What},
    power::Roles,
    search::{Edge, Found, Search},
    snapshot::{PodSecurity, Snapshot},
    words::{self, Words},
};
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{observed::Surety, principal};

/// Samples of each sort of thing.
const MOST_SAMPLES: usize = 20;

/// Ways to the whole cluster that are told.
const MOST_PATHS: usize = 10;

/// Namespaces whose numbers are told.
const MOST_NAMESPACES: usize = 50;

/// Steps of a way; none is as long.
const MOST_STEPS: usize = 64;

/// What an entity (`user:`, `group:`, `sa:`, `pod:`, `node:`) could reach.
pub fn reach(snapshot: &Snapshot, start: &str) -> Reach {
    let index = Index::new(snapshot, &[start], &mut Roles::default());
    answer(snapshot, &index, start, true)
}

/// The same with an index that knows the start; cuts cost most of the time.
pub(super) fn answer(
    snapshot: &Snapshot,
    index: &Index<'_>,
    start: &str,
    with_cuts: bool,
) -> Reach {
    let mut told = Reach {
        start: start.to_owned(),
        at: snapshot.at,
        since: snapshot.since,
        unknowns: snapshot.unknowns.clone(),
        ..Reach::default()
    };
    let Some(what) = start_of(index, start) else {
        told.unknowns.push(format!("The log does not show {} at that time.", words::plain(start)));
        return told;
    };
    told.known = true;
    told.unknowns.extend(unknown_groups(snapshot, start));
    let words = Words { snapshot, index, start };
    let found = Search::new(snapshot, index, None).start(what);
    let short = Search::new(snapshot, index, None).short_of_admin().start(what);
    let place = index.place(what);
    fill(&mut told, &words, &found, place);
    told.paths = admin_paths(&words, &short, place);
    if with_cuts {
        cut::measure(&mut told, &words, what, (&found, &short));
    }
    told.unknowns.extend(unknowns(&words, &short));
    told
}

fn unknown_groups(snapshot: &Snapshot, start: &str) -> Option<String> {
    let user = start.strip_prefix("user:")?;
    let seen = snapshot.users.iter().any(|one| one.name == user);
    let sentence = "The log shows no request of this user, so the groups that its credential would \
                    give it are not known.";
    let fixed = principal::service_account_name(user).is_some() || user == "system:anonymous";
    (!seen && !fixed).then(|| sentence.to_owned())
}

/// Where a search for an entity begins.
pub(super) fn start_of(index: &Index<'_>, start: &str) -> Option<What> {
    let (kind, name) = start.split_once(':')?;
    let in_namespace = || {
        let (namespace, name) = name.split_once('/')?;
        Some((index.namespace(namespace)?, name))
    };
    match kind {
        "user" => user_start(index, name),
        "group" => index.group(name).map(What::Identity),
        "sa" => in_namespace()
            .and_then(|(namespace, name)| index.account(namespace, name))
            .map(What::Identity),
        "pod" => {
            in_namespace().and_then(|(namespace, name)| index.pod(namespace, name)).map(What::Pods)
        }
        "node" => index.node(name).map(What::Node),
        _ => None,
    }
}

fn user_start(index: &Index<'_>, name: &str) -> Option<What> {
    if let Some((namespace, account)) = principal::service_account_name(name) {
        return index.account(index.namespace(namespace)?, account).map(What::Identity);
    }
    let kubelet = name.strip_prefix("system:node:").and_then(|node| index.node(node));
    if let Some(kubelet) = kubelet.and_then(|node| index.kubelets.get(node)) {
        return Some(What::Identity(*kubelet));
    }
    index.starter(name).map(What::Identity)
}

/// Numbers and samples.
fn fill(told: &mut Reach, words: &Words<'_, '_>, found: &Found, start: Place) {
    count(told, words, found, start, MOST_SAMPLES);
}

/// Numbers alone.
pub(super) fn fill_numbers(told: &mut Reach, words: &Words<'_, '_>, found: &Found, start: Place) {
    count(told, words, found, start, 0);
}

fn count(told: &mut Reach, words: &Words<'_, '_>, found: &Found, start: Place, samples: usize) {
    let index = words.index;
    let mut of: [Gather; 4] = Default::default();
    let bare = bare_start(words);
    for place in &found.order {
        let what = index.what(*place);
        let (sort, namespace) = match what {
            What::Secret(at) => (0, secret_namespace(words, at)),
            What::Namespace(at) => (1, at),
            What::Node(_) => (2, usize::MAX),
            What::Identity(at) => (3, account_namespace(index, at)),
            _ => continue,
        };
        if *place == start || Some(*place) == bare {
            continue;
        }
        let surety = found.best.get(*place).copied().flatten().unwrap_or_default();
        if let Some(gather) = of.get_mut(sort) {
            gather.add(*place, namespace, surety, samples);
        }
    }
    let [secrets, namespaces, nodes, identities] = of;
    let homes =
        |lists: &[Vec<usize>]| -> Vec<u64> { lists.iter().map(|list| list.len() as u64).collect() };
    let tell = Tell { words, found, start, namespaces: samples > 0 };
    told.secrets = tell.things(&secrets, &homes(&index.secrets_in), index.tokens.len());
    told.namespaces = tell.things(&namespaces, &[], index.namespaces.len());
    told.nodes = tell.things(&nodes, &[], words.snapshot.nodes.len());
    let all = index.identities.iter().filter(|one| counts(one)).count();
    told.identities = tell.things(&identities, &homes(&index.accounts_in), all);
    told.cluster_admin = found.best.get(index.place(What::Admin)).copied().flatten();
}

fn counts(identity: &super::index::Identity) -> bool {
    identity.assumable || identity.account.is_some() || identity.node.is_some()
}

/// The start without its groups: a user does not become itself.
fn bare_start(words: &Words<'_, '_>) -> Option<Place> {
    let user = words.start.strip_prefix("user:")?;
    words.index.user(user).map(|at| words.index.place(What::Identity(at)))
}

fn secret_namespace(words: &Words<'_, '_>, at: usize) -> usize {
    let secret = words.snapshot.secrets.get(at);
    secret.and_then(|one| words.index.namespace(&one.namespace)).unwrap_or(usize::MAX)
}

fn account_namespace(index: &Index<'_>, at: usize) -> usize {
    let account = index.identities.get(at).and_then(|one| one.account.as_ref());
    account.map_or(usize::MAX, |(namespace, _)| *namespace)
}

/// Things of one sort while they are counted.
#[derive(Default)]
struct Gather {
    places: Vec<Place>,
    sure: [u64; 3],
    homes: BTreeMap<usize, u64>,
}

impl Gather {
    fn add(&mut self, place: Place, namespace: usize, surety: Surety, samples: usize) {
        let slot = match surety {
            Surety::Proved => 0,
            Surety::Inferred => 1,
            Surety::Unknown => 2,
        };
        if let Some(count) = self.sure.get_mut(slot) {
            *count += 1;
        }
        if self.places.len() < samples {
            self.places.push(place);
        }
        *self.homes.entry(namespace).or_default() += 1;
    }
}

struct Tell<'t, 's, 'a> {
    words: &'t Words<'s, 'a>,
    found: &'t Found,
    start: Place,
    namespaces: bool,
}

impl Tell<'_, '_, '_> {
    fn things(&self, gather: &Gather, homes: &[u64], of: usize) -> Things {
        let [proved, inferred, unknown] = gather.sure;
        let thing = |place: &Place| Thing {
            entity: self.words.entity(*place, self.start),
            path: path_to(self.words, self.found, *place, self.start),
        };
        Things {
            count: proved + inferred + unknown,
            proved,
            inferred,
            unknown,
            of: of as u64,
            by_namespace: self.by_namespace(&gather.homes, homes),
            samples: gather.places.iter().map(thing).collect(),
        }
    }

    fn by_namespace(&self, reached: &BTreeMap<usize, u64>, homes: &[u64]) -> Vec<InNamespace> {
        if homes.is_empty() || !self.namespaces {
            return Vec::new();
        }
        let one = |(at, count): (&usize, &u64)| InNamespace {
            namespace: self.words.namespace(*at).to_owned(),
            count: *count,
            of: homes.get(*at).copied().unwrap_or(*count),
        };
        let mut list: Vec<InNamespace> = reached.iter().map(one).collect();
        list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.namespace.cmp(&b.namespace)));
        list.truncate(MOST_NAMESPACES);
        list
    }
}

/// The way to a place.
pub(super) fn path_to(words: &Words<'_, '_>, found: &Found, place: Place, start: Place) -> Path {
    let edges = edges_to(found, place);
    let surety = edges.iter().map(|edge| edge.surety).min().unwrap_or(Surety::Proved);
    Path { surety, steps: edges.iter().map(|edge| words.step(edge, start)).collect() }
}

/// Steps to a place, first to last.
pub(super) fn edges_to(found: &Found, place: Place) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut at = place;
    while let Some(edge) = found.parent(at) {
        edges.push(*edge);
        at = edge.from;
        if edges.len() >= MOST_STEPS {
            break;
        }
    }
    edges.reverse();
    edges
}

/// Ways to the whole cluster as steps, best first, no two with the same last step.
pub(super) fn admin_edges(found: &Found) -> Vec<(Surety, Vec<Edge>)> {
    let mut ways: Vec<(Surety, Vec<Edge>)> = Vec::new();
    let mut last = BTreeSet::new();
    for (edge, surety) in &found.admin {
        let grants = edge.grants.map(|one| one.map(|one| one.grant));
        if !last.insert((edge.from, edge.kind, grants)) {
            continue;
        }
        let mut way = edges_to(found, edge.from);
        way.push(*edge);
        ways.push((*surety, way));
    }
    ways.sort_by_key(|(surety, way)| (std::cmp::Reverse(*surety), way.len()));
    ways.truncate(MOST_PATHS);
    ways
}

fn admin_paths(words: &Words<'_, '_>, found: &Found, start: Place) -> Vec<Path> {
    let tell = |(surety, way): (Surety, Vec<Edge>)| Path {
        surety,
        steps: way.iter().map(|edge| words.step(edge, start)).collect(),
    };
    admin_edges(found).into_iter().map(tell).collect()
}

/// What is not known about the things on the way.
pub(super) fn unknowns(words: &Words<'_, '_>, found: &Found) -> Vec<String> {
    let mut said = unknown_roles(words, found);
    said.extend(unknown_security(words, found));
    said.extend(unknown_pods(words, found));
    said
}

fn unknown_roles(words: &Words<'_, '_>, found: &Found) -> Vec<String> {
    let (snapshot, index) = (words.snapshot, words.index);
    let mut grants = BTreeSet::new();
    for place in &found.order {
        let What::Identity(at) = index.what(*place) else { continue };
        let class = index.identities.get(at).and_then(|one| index.classes.get(one.class));
        grants.extend(class.into_iter().flat_map(|class| class.grants.iter().copied()));
    }
    let unknown = |grant: &usize| {
        let grant = snapshot.grants.get(*grant)?;
        let role = grant.role.and_then(|role| snapshot.roles.get(role));
        let known = role.is_some_and(|role| role.whole);
        (!known).then(|| (words.role(grant.role), words::binding(grant)))
    };
    let list: BTreeSet<(String, String)> = grants.iter().filter_map(unknown).collect();
    let sentence = |(role, binding): &(String, String)| {
        format!(
            "What {} allows in full is not known ({} grants it): it may reach further.",
            words::plain(role),
            words::plain(binding)
        )
    };
    let mut said: Vec<String> = list.iter().take(MOST_UNKNOWN).map(sentence).collect();
    if list.len() > MOST_UNKNOWN {
        let rest = list.len() - MOST_UNKNOWN;
        said.push(format!("The rules of {rest} more roles on the way are not known."));
    }
    said
}

/// Unknown roles that are named.
const MOST_UNKNOWN: usize = 8;

fn unknown_security(words: &Words<'_, '_>, found: &Found) -> Option<String> {
    let snapshot = words.snapshot;
    let index = words.index;
    let reached = |at: usize| {
        let own = index.place(What::OwnPod(at));
        found.best.get(own).copied().flatten().is_some()
    };
    let open = index.namespaces.iter().zip(&index.security).enumerate();
    let names: Vec<trailhound_model::Str> = open
        .filter(|(at, (_, security))| **security == PodSecurity::Unknown && reached(*at))
        .map(|(_, (name, _))| (*name).into())
        .collect();
    if names.is_empty() {
        return snapshot.admission.then(|| {
            "Admission webhooks or policies exist; what they refuse is not known, so taking a node \
             with a pod of one's own is unknown."
                .to_owned()
        });
    }
    Some(format!(
        "Whether Pod Security refuses privileged pods is not known in {}: if it does not, whoever \
         may create pods there can take nodes.",
        words::listed(&names)
    ))
}

fn unknown_pods(words: &Words<'_, '_>, found: &Found) -> Vec<String> {
    let (mut specs, mut nodes) = (0_u64, 0_u64);
    for place in &found.order {
        let What::Pods(at) = words.index.what(*place) else { continue };
        for pod in words.index.pods.get(at).into_iter().flat_map(|class| &class.members) {
            let Some(pod) = words.snapshot.pods.get(*pod) else { continue };
            specs += u64::from(pod.spec == Surety::Unknown);
            nodes += u64::from(pod.node.is_empty());
        }
    }
    let mut said = Vec::new();
    if specs > 0 {
        said.push(format!(
            "The specs of {specs} pods on the way are not in the log: whether they can reach their \
             nodes, and what they mount, is not known."
        ));
    }
    if nodes > 0 {
        said.push(format!("The nodes of {nodes} pods on the way are not known."));
    }
    said
}
