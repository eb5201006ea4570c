//! Which grant to take away first: each grant on the ways is left out in turn and the search is made
//! again, because most things can be reached by more than one way.

use super::{
    answer::{Cut, Reach},
    index::What,
    search::{Edge, Found, Search},
    snapshot::{Grant, Use},
    tell,
    words::{self, Words},
};
use std::collections::BTreeMap;
use trailhound_model::observed::Surety;

/// Grants that are left out in turn: those on which the most depends.
const MOST_MEASURED: usize = 48;

/// Cuts that are told.
const MOST_CUTS: usize = 10;

/// Users of a grant that are told.
pub(super) const MOST_USERS: usize = 10;

/// Measures the grants on the ways, and tells the best.
pub(super) fn measure(
    told: &mut Reach,
    words: &Words<'_, '_>,
    start: What,
    (found, short): (&Found, &Found),
) {
    let mut weights: BTreeMap<usize, u64> = BTreeMap::new();
    let ways = tell::admin_edges(short);
    for edge in ways.iter().flat_map(|(_, way)| way) {
        // A way to the whole cluster outweighs everything else.
        weigh(&mut weights, edge, found.order.len() as u64);
    }
    for found in [found, short] {
        subtrees(&mut weights, words, found);
    }
    let mut candidates: Vec<(u64, usize)> = weights.iter().map(|(at, w)| (*w, *at)).collect();
    candidates.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    told.cuts_left_out = candidates.len().saturating_sub(MOST_MEASURED) as u64;
    candidates.truncate(MOST_MEASURED);
    let all = Sum::of(words, found);
    let cuts = candidates.iter().filter_map(|(_, grant)| {
        let without = Search::new(words.snapshot, words.index, Some(*grant)).start(start);
        let paths = ways.iter().filter(|(_, way)| way.iter().any(|edge| uses(edge, *grant)));
        cut(words, *grant, &all, &Sum::of(words, &without), paths.count() as u64)
    });
    told.cuts = cuts.collect();
    told.cuts.sort_by(|a, b| worth(b).cmp(&worth(a)).then_with(|| a.binding.cmp(&b.binding)));
    if told.cuts.first().is_some_and(takes_away) {
        // Closing one of several ways helps nobody where another grant closes all.
        told.cuts.retain(takes_away);
    }
    told.cuts.truncate(MOST_CUTS);
}

fn takes_away(cut: &Cut) -> bool {
    cut.ends_cluster_admin || cut.secrets + cut.namespaces + cut.nodes + cut.identities > 0
}

fn worth(cut: &Cut) -> (bool, u64, u64) {
    let things = cut.secrets + cut.namespaces + cut.nodes + cut.identities;
    (cut.ends_cluster_admin, things, cut.paths)
}

fn weigh(weights: &mut BTreeMap<usize, u64>, edge: &Edge, weight: u64) {
    for grant in edge.grants.iter().flatten() {
        *weights.entry(grant.grant).or_default() += weight;
    }
}

fn uses(edge: &Edge, grant: usize) -> bool {
    edge.grants.iter().flatten().any(|one| one.grant == grant)
}

/// Weighs each grant by how much hangs on the steps that it allows.
fn subtrees(weights: &mut BTreeMap<usize, u64>, words: &Words<'_, '_>, found: &Found) {
    let mut size = vec![1_u64; words.index.places()];
    for place in found.order.iter().rev() {
        let Some(edge) = found.parent(*place) else { continue };
        let below = size.get(*place).copied().unwrap_or_default();
        if let Some(above) = size.get_mut(edge.from) {
            *above += below;
        }
        weigh(weights, edge, below);
    }
}

/// How many things were reached.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) secrets: u64,
    pub(super) namespaces: u64,
    pub(super) nodes: u64,
    pub(super) identities: u64,
    pub(super) admin: Option<Surety>,
}

impl Sum {
    /// Counts what was found.
    pub(super) fn of(words: &Words<'_, '_>, found: &Found) -> Sum {
        let mut sum = Sum {
            admin: found.best.get(words.index.place(What::Admin)).copied().flatten(),
            ..Sum::default()
        };
        for place in &found.order {
            match words.index.what(*place) {
                What::Secret(_) => sum.secrets += 1,
                What::Namespace(_) => sum.namespaces += 1,
                What::Node(_) => sum.nodes += 1,
                What::Identity(_) => sum.identities += 1,
                _ => {}
            }
        }
        sum
    }
}

fn cut(words: &Words<'_, '_>, grant: usize, all: &Sum, without: &Sum, paths: u64) -> Option<Cut> {
    let one = words.snapshot.grants.get(grant)?;
    let cut = Cut {
        binding: words::binding(one),
        role: words.role(one.role),
        paths,
        ends_cluster_admin: all.admin.is_some() && without.admin.is_none(),
        secrets: all.secrets.saturating_sub(without.secrets),
        namespaces: all.namespaces.saturating_sub(without.namespaces),
        nodes: all.nodes.saturating_sub(without.nodes),
        identities: all.identities.saturating_sub(without.identities),
        breaks: breaks(one),
        breaks_left_out: one.uses.len().saturating_sub(MOST_USERS) as u64,
        command: words::removal(one),
    };
    (worth(&cut) != (false, 0, 0)).then_some(cut)
}

/// Who used a grant, most first.
pub(super) fn breaks(grant: &Grant) -> Vec<Use> {
    let mut uses = grant.uses.clone();
    uses.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.who.cmp(&b.who)));
    uses.truncate(MOST_USERS);
    uses
}
