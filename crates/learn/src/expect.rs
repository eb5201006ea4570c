//! What the site says is fine.
//!
//! It is kept apart from what was learned: it has an owner and an end, it can be taken back, and it
//! never becomes a count.

use crate::novelty::Facet;
use crate::symbol::{Symbol, Table};
use serde::{Deserialize, Serialize};

/// For whom something is fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// One identity, by its key.
    Identity(u64),
    /// All with the same work, by their group.
    Peers(u64),
    /// Everybody.
    Cluster,
}

impl Scope {
    fn key(self) -> Symbol {
        match self {
            Scope::Identity(key) => Symbol(key).at(1),
            Scope::Peers(group) => Symbol(group).at(2),
            Scope::Cluster => Symbol(0).at(3),
        }
    }
}

/// Something that is fine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// Its number.
    pub number: u64,
    /// For whom.
    pub scope: Scope,
    /// What: sides of requests and their symbols.
    pub what: Vec<(Facet, u64)>,
    /// Counts of an hour are fine, too.
    pub counts: bool,
    /// Who said so.
    pub owner: String,
    /// Why.
    pub why: String,
    /// Hour from which on it is no longer fine.
    pub until: u32,
}

/// All that is fine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expectations {
    all: Vec<Expectation>,
    index: Table<u32>,
    numbers: u64,
}

/// Expectations that are kept.
const MOST: usize = 4096;
/// What a count of an hour is called in the index.
const COUNTS: u64 = 0xc0;

fn index_key(scope: Scope, facet: u64, symbol: u64) -> u64 {
    scope.key().at(facet).with(Symbol(symbol)).0
}

impl Expectations {
    /// Adds one; its number, or none if there is no room.
    pub fn add(&mut self, mut one: Expectation) -> Option<u64> {
        if self.all.len() >= MOST {
            return None;
        }
        self.numbers += 1;
        one.number = self.numbers;
        self.all.push(one);
        self.rebuild();
        Some(self.numbers)
    }

    /// Takes one back.
    pub fn remove(&mut self, number: u64) -> Option<Expectation> {
        let at = self.all.iter().position(|one| one.number == number)?;
        let gone = self.all.remove(at);
        self.rebuild();
        Some(gone)
    }

    /// All that stand.
    pub fn all(&self) -> &[Expectation] {
        &self.all
    }

    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether this side of a request is fine for this identity.
    pub fn has(&self, key: u64, group: u64, facet: Facet, symbol: u64, hour: u32) -> bool {
        self.is_fine(key, group, facet as u64, symbol, hour)
    }

    /// Whether high counts of this identity are fine.
    pub fn has_counts(&self, key: u64, group: u64, hour: u32) -> bool {
        self.is_fine(key, group, COUNTS, 0, hour)
    }

    fn is_fine(&self, key: u64, group: u64, facet: u64, symbol: u64, hour: u32) -> bool {
        let scopes = [Scope::Identity(key), Scope::Peers(group), Scope::Cluster];
        !self.all.is_empty()
            && scopes.into_iter().any(|scope| {
                let until = self.index.get(&index_key(scope, facet, symbol));
                until.is_some_and(|until| hour < *until)
            })
    }

    fn rebuild(&mut self) {
        self.index.clear();
        for one in &self.all {
            let counts = one.counts.then_some((COUNTS, 0));
            let what = one.what.iter().map(|(facet, symbol)| (*facet as u64, *symbol));
            for (facet, symbol) in what.chain(counts) {
                let until = self.index.entry(index_key(one.scope, facet, symbol)).or_default();
                *until = (*until).max(one.until);
            }
        }
    }
}
