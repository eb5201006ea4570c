//! Standing grants ranked by what whoever holds one could reach: what nobody uses comes first, because
//! taking it away costs nothing.

use super::{
    acts,
    answer::{Path, Reach},
    cut,
    index::{Index, What},
    search::Search,
    snapshot::{Grant, Snapshot, Use},
    tell,
    words::{self, Words},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{entity, observed::Surety, time::Time};

/// What one standing grant could lead to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Posture {
    /// The binding as an entity.
    pub binding: String,
    /// The role as an entity.
    pub role: String,
    /// Who holds it, as entities, capped.
    pub subjects: Vec<String>,
    /// Subjects beyond the cap.
    pub subjects_left_out: u64,
    /// Everybody, everybody with a credential, or every service account holds it.
    pub broad: bool,
    /// How sure it is that it leads to the whole cluster; `None` if no way was found.
    pub cluster_admin: Option<Surety>,
    /// Secrets that could be read, of how many.
    pub secrets: (u64, u64),
    /// Namespaces whose objects could be changed, of how many.
    pub namespaces: (u64, u64),
    /// Nodes that could be taken, of how many.
    pub nodes: (u64, u64),
    /// Identities that could be assumed, of how many.
    pub identities: (u64, u64),
    /// The best way to the whole cluster; else to the first thing that can be reached.
    pub path: Path,
    /// Requests that it allowed in the log.
    pub uses: u64,
    /// Last of them.
    pub last_used: Option<Time>,
    /// Who used it, most first, capped.
    pub used_by: Vec<Use>,
    /// Identities beyond those in `used_by`.
    pub used_by_left_out: u64,
    /// The command that shows it.
    pub show: String,
    /// The command that removes it.
    pub remove: String,
    /// What is not known and could change this, in sentences.
    pub unknowns: Vec<String>,
}

/// Subjects that are told.
const MOST_SUBJECTS: usize = 10;

/// Groups that hold so many that a grant to them is one to anybody.
const BROAD: &[&str] = &[
    "system:unauthenticated",
    "system:authenticated",
    "system:serviceaccounts",
    "system:anonymous",
];

/// Searches that a ranking makes, each from another role in another place.
const MOST_SEARCHES: usize = 500;

/// Standing grants, worst first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Those that are of use to an attacker.
    pub postures: Vec<Posture>,
    /// Grants that were not looked at, because there were too many: of those with a namespace, those
    /// that allow the fewest sorts of acts.
    pub left_out: u64,
}

/// Every standing grant that is of use to an attacker, worst first. Grants that Kubernetes itself
/// made are left out as long as nobody widened them.
pub fn worst(snapshot: &Snapshot) -> Vec<Posture> {
    ranking(snapshot).postures
}

/// The same with the number of grants that were not looked at.
pub fn ranking(snapshot: &Snapshot) -> Ranking {
    let index = Index::new(snapshot, &[], &mut super::power::Roles::default());
    // Bindings of one role in one place lead to the same.
    let mut alike: BTreeMap<(Option<usize>, &str, Surety), Reach> = BTreeMap::new();
    let mut ranking = Ranking::default();
    for (grant, acts) in candidates(snapshot, &index) {
        let key = (grant.role, grant.namespace.as_str(), grant.surety);
        if alike.len() >= MOST_SEARCHES && !alike.contains_key(&key) {
            ranking.left_out += 1;
            continue;
        }
        let reach = alike.entry(key).or_insert_with(|| of_holder(snapshot, &index, grant, acts));
        if reaches_something(reach) {
            ranking.postures.push(posture(&index, snapshot, grant, reach));
        }
    }
    let order =
        |a: &Posture, b: &Posture| rank(b).cmp(&rank(a)).then_with(|| a.binding.cmp(&b.binding));
    ranking.postures.sort_by(order);
    ranking
}

/// Grants that allow anything of interest, the widest first.
fn candidates<'a>(
    snapshot: &'a Snapshot,
    index: &Index<'a>,
) -> Vec<(&'a Grant, Vec<acts::Act<'a>>)> {
    let of_interest = |at: &usize| {
        let grant = snapshot.grants.get(*at);
        grant.is_some_and(|grant| !grant.builtin && !grant.subjects.is_empty())
    };
    let grants: Vec<usize> = (0..snapshot.grants.len()).filter(of_interest).collect();
    let acts = acts::of_holders(snapshot, index, &grants);
    let grants = grants.into_iter().filter_map(|at| snapshot.grants.get(at));
    let mut list: Vec<_> = grants.zip(acts).filter(|(_, acts)| !acts.is_empty()).collect();
    list.sort_by_key(|(grant, acts)| {
        (!grant.namespace.is_empty(), std::cmp::Reverse(acts.len()), !grant.uses.is_empty())
    });
    list
}

fn of_holder<'a>(
    snapshot: &'a Snapshot,
    index: &Index<'a>,
    grant: &Grant,
    acts: Vec<acts::Act<'a>>,
) -> Reach {
    let name = words::binding(grant);
    let start = format!("holder:{name}");
    let words = Words { snapshot, index, start: &start };
    let place = index.place(What::Holder);
    let found = Search::new(snapshot, index, None).held_by(acts);
    let mut reach = Reach { start: start.clone(), ..Reach::default() };
    tell::fill_numbers(&mut reach, &words, &found, place);
    // The way that was found first does not lead through the whole cluster to itself.
    let admin = index.place(What::Admin);
    let goal = if reach.cluster_admin.is_some() { Some(admin) } else { first(index, &found) };
    reach.paths = goal.into_iter().map(|goal| tell::path_to(&words, &found, goal, place)).collect();
    reach.unknowns = unknown_steps(&reach);
    reach
}

fn unknown_steps(reach: &Reach) -> Vec<String> {
    let steps = reach.paths.iter().flat_map(|path| &path.steps);
    let unknown = steps.filter(|step| step.surety == Surety::Unknown);
    unknown.map(|step| format!("whether this works: {}", step.sentence)).collect()
}

fn first(index: &Index<'_>, found: &super::search::Found) -> Option<usize> {
    let thing = |place: &&usize| {
        matches!(
            index.what(**place),
            What::Node(_) | What::Secret(_) | What::Identity(_) | What::Namespace(_)
        )
    };
    found.order.iter().find(thing).copied()
}

fn reaches_something(reach: &Reach) -> bool {
    let things = [&reach.secrets, &reach.namespaces, &reach.nodes, &reach.identities];
    reach.cluster_admin.is_some() || things.iter().any(|things| things.count > 0)
}

fn posture(index: &Index<'_>, snapshot: &Snapshot, grant: &Grant, reach: &Reach) -> Posture {
    let words = Words { snapshot, index, start: "" };
    let subjects = grant.subjects.iter().map(subject_entity);
    Posture {
        binding: words::binding(grant),
        role: words.role(grant.role),
        subjects: subjects.take(MOST_SUBJECTS).collect(),
        subjects_left_out: grant.subjects.len().saturating_sub(MOST_SUBJECTS) as u64,
        broad: grant.subjects.iter().any(|one| BROAD.contains(&one.name.as_str())),
        cluster_admin: reach.cluster_admin,
        secrets: (reach.secrets.count, reach.secrets.of),
        namespaces: (reach.namespaces.count, reach.namespaces.of),
        nodes: (reach.nodes.count, reach.nodes.of),
        identities: (reach.identities.count, reach.identities.of),
        path: own_path(reach, grant),
        uses: grant.uses.iter().map(|one| one.count).sum(),
        last_used: grant.uses.iter().map(|one| one.last).max(),
        used_by: cut::breaks(grant),
        used_by_left_out: grant.uses.len().saturating_sub(cut::MOST_USERS) as u64,
        show: words::showing(grant),
        remove: words::removal(grant),
        unknowns: reach.unknowns.clone(),
    }
}

/// The way of a grant that is alike, told as this one's.
fn own_path(reach: &Reach, grant: &Grant) -> Path {
    let mut path = reach.paths.first().cloned().unwrap_or_default();
    let own = words::binding(grant);
    let theirs = reach.start.strip_prefix("holder:").unwrap_or_default().to_owned();
    if theirs == own {
        return path;
    }
    for step in &mut path.steps {
        for held in step.grants.iter_mut().filter(|held| held.binding == theirs) {
            held.binding.clone_from(&own);
            held.uses = grant.uses.iter().map(|one| one.count).sum();
            held.first = grant.uses.iter().map(|one| one.first).min();
            held.last = grant.uses.iter().map(|one| one.last).max();
        }
        for name in [&mut step.from, &mut step.to, &mut step.sentence] {
            *name =
                name.replace(&words::plain(&theirs), &words::plain(&own)).replace(&theirs, &own);
        }
    }
    path
}

fn subject_entity(subject: &trailhound_model::body::Subject) -> String {
    match subject.kind.as_str() {
        "ServiceAccount" => entity::service_account(&subject.namespace, &subject.name),
        "Group" => format!("group:{}", subject.name),
        _ => entity::user(&subject.name),
    }
}

/// Anybody's grants first, then what reaches the whole cluster for sure, then what nobody uses, then
/// what reaches more.
fn rank(posture: &Posture) -> (bool, Option<Surety>, bool, u64, u64) {
    let things = posture.nodes.0 + posture.secrets.0 + posture.identities.0;
    (posture.broad, posture.cluster_admin, posture.uses == 0, things, posture.namespaces.0)
}
