//! What is kept of one identity.

use crate::canon::principal::{Class, Who};
use crate::novelty::{Facet, Habits};
use crate::quarantine::Shadow;
use crate::rate::Rates;
use serde::{Deserialize, Serialize};

/// An identity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Who it is.
    pub who: Who,
    /// With whom it is compared: class and archetype.
    pub group: u64,
    /// Its place in the table of archetypes.
    pub archetype: u16,
    /// First hour.
    pub first: u32,
    /// Last hour.
    pub last: u32,
    /// Hours in which it did anything.
    pub hours: u32,
    /// What it does.
    pub habits: Habits,
    /// How much it does.
    pub rates: Rates,
    /// Little by little.
    pub slow: f64,
    /// Hour in which its role last changed; 0 if never.
    pub shifted: u32,
    /// What it did in strange hours.
    pub shadow: Shadow,
}

impl Person {
    /// Its class.
    pub fn class(&self) -> Class {
        self.who.class
    }

    /// The most usual symbols of a facet with their hours, most first.
    pub fn usual(&self, facet: Facet, most: usize) -> Vec<(u64, u32)> {
        let Some(context) = self.habits.of(facet) else { return Vec::new() };
        let mut all: Vec<(u64, u32)> =
            context.dishes().iter().map(|dish| (dish.symbol, dish.hours)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(most);
        all
    }
}

/// Identities with the same work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// What its members do.
    pub habits: Habits,
    /// Members ever.
    pub members: u32,
    /// How much its members do.
    pub rates: Rates,
}
