//! Counts of one facet in one context: how many hours which symbol was seen.
//!
//! Old counts fade. Instead of touching every count, what is added later weighs more (weight doubles
//! with every half-life), so that a count is only read with the right scale. A symbol counts once per
//! hour however often it came: nobody buys weight with a flood. All is in the order of symbols, so
//! that equal histories are equal bytes.

use super::fit::Fit;
use crate::canon::principal::Class;
use crate::drift::QUICK;
use serde::{Deserialize, Serialize};

/// A moment, and how fast counts fade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// Hours since 1970.
    pub hour: u32,
    /// Hours until a count is worth half.
    pub half: f64,
}

impl At {
    /// For habits of a class: the control plane changes seldom and remembers long.
    pub fn new(hour: u32, class: Class) -> At {
        let days = if class == Class::System { 90.0 } else { 30.0 };
        At { hour, half: days * 24.0 }
    }

    /// For habits of the cluster.
    pub fn cluster(hour: u32) -> At {
        At { hour, half: 60.0 * 24.0 }
    }

    fn quick(self, base: u32) -> f64 {
        libm::exp2(((f64::from(self.hour) - f64::from(base)) / QUICK).min(100.0))
    }

    fn weight(self, base: u32) -> f64 {
        libm::exp2((f64::from(self.hour) - f64::from(base)) / self.half)
    }
}

/// A symbol and its counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dish {
    /// The symbol.
    pub symbol: u64,
    weight: f32,
    quick: f32,
    /// Hour in which it was first seen.
    pub first: u32,
    /// Hour in which it was last seen.
    pub last: u32,
    /// Hours in which it was seen; in groups how many members did it.
    pub hours: u32,
    /// Day on which the group was last told that this member still does it.
    told: u16,
    /// Members that were counted in its last hour.
    burst: u8,
}

/// Dishes of one order of magnitude.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bin {
    kinds: u32,
    weight: f64,
}

/// Counts of symbols.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Context {
    dishes: Vec<Dish>,
    bins: Vec<Bin>,
    total: f64,
    base: u32,
    /// The bins are of yesterday.
    stale: bool,
    /// Symbols that were dropped for want of room or because they had faded.
    pub dropped: u32,
}

/// What a context says of a symbol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Chance that the next thing here is new.
    pub new: f64,
    /// Chance of something as seldom as this among what is known; none if it is not known.
    pub known: Option<f64>,
    /// Hours in which it was seen, or members that did it.
    pub hours: u32,
    /// First and last hour.
    pub span: (u32, u32),
}

impl Default for Look {
    fn default() -> Look {
        Look::nothing()
    }
}

impl Look {
    /// Nothing was ever learned here.
    pub fn nothing() -> Look {
        Look { new: 1.0, known: None, hours: 0, span: (0, 0) }
    }

    /// Chance of something as unusual, if what is new here has chance `beyond`.
    pub fn chance(&self, beyond: f64) -> f64 {
        match self.known {
            Some(known) => (self.new + known).min(1.0),
            None => self.new * beyond,
        }
    }
}

/// Orders of magnitude that are told apart.
const BINS: usize = 40;
/// Up to so many dishes are summed one by one.
const FEW: usize = 24;
/// A dish that has faded to this is dropped.
const FADED: f64 = 0.05;
/// Days after which a member is counted anew in its group.
const RENEWED: u16 = 10;
/// Members whose first time may be counted in one hour.
const MOST_AT_ONCE: u8 = 4;

fn bin(weight: f32) -> usize {
    let exponent = (weight.to_bits() >> 23 & 0xff) as usize;
    exponent.saturating_sub(127 - 10).min(BINS - 1)
}

/// What adding did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// Hours so far, this one included; 0 if there was no room.
    pub hours: u32,
    /// The group must be told: first time, or again after days.
    pub renewed: Option<Renewed>,
}

/// Why the group must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The member did it for the first time.
    First,
    /// The member still does it.
    Again,
}

impl Context {
    /// The dish of a symbol.
    pub fn dish(&self, symbol: u64) -> Option<&Dish> {
        let at = self.dishes.binary_search_by_key(&symbol, |dish| dish.symbol).ok()?;
        self.dishes.get(at)
    }

    /// All dishes in the order of their symbols.
    pub fn dishes(&self) -> &[Dish] {
        &self.dishes
    }

    /// How much of its group's counts is this member's.
    pub fn seats(&self) -> f64 {
        0.9 * self.dishes.len() as f64
    }

    /// Customers and kinds as they count now.
    pub fn size(&self, at: At) -> (f64, f64) {
        (self.total / at.weight(self.base), self.dishes.len() as f64)
    }

    /// What the context says of a symbol. `without` is how much of this dish and of all dishes is the
    /// asker's own.
    pub fn look(&self, symbol: u64, at: At, fit: Fit, without: (f64, f64)) -> Look {
        let scale = 1.0 / at.weight(self.base);
        let all = self.total * scale;
        let others = (all - without.1).max(0.0);
        let share = if all > 0.0 { others / all } else { 0.0 };
        let kinds = self.dishes.len() as f64 * share;
        let new = (fit.strength + fit.discount * kinds) / (fit.strength + others);
        let dish = self.dish(symbol).filter(|dish| {
            let rest = f64::from(dish.weight) * scale - without.0;
            rest > FADED && dish.hours > without.0 as u32
        });
        let known = dish.map(|dish| {
            let less = self.not_more(bin(dish.weight), scale, fit.discount) * share;
            (less / (fit.strength + others)).max(0.0)
        });
        let span = dish.map_or((0, 0), |dish| (dish.first, dish.last));
        let hours = dish.map_or(0, |dish| dish.hours - without.0 as u32);
        Look { new: new.min(1.0), known, hours, span }
    }

    /// Discounted customers of what is seldomer, and half of those of what is as seldom.
    fn not_more(&self, own: usize, scale: f64, discount: f64) -> f64 {
        let mass = |kinds: f64, weight: f64| (weight * scale - discount * kinds).max(0.0);
        let part = |at: usize| match at.cmp(&own) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        };
        if self.bins.is_empty() {
            let one = |dish: &Dish| part(bin(dish.weight)) * mass(1.0, f64::from(dish.weight));
            return self.dishes.iter().map(one).sum();
        }
        let bins = self.bins.iter().enumerate();
        bins.map(|(at, bin)| part(at) * mass(f64::from(bin.kinds), bin.weight)).sum()
    }

    /// Counts a symbol for this hour, once.
    pub fn add(&mut self, symbol: u64, at: At, most: usize) -> Added {
        if self.dishes.is_empty() {
            self.base = at.hour;
        }
        let weight = at.weight(self.base);
        let quick = at.quick(self.base);
        match self.dishes.binary_search_by_key(&symbol, |dish| dish.symbol) {
            Ok(place) => self.again(place, (weight, quick), at),
            Err(place) => {
                if self.dishes.len() >= most {
                    self.dropped = self.dropped.saturating_add(1);
                    return Added::default();
                }
                let day = (at.hour / 24) as u16;
                let dish = Dish {
                    symbol,
                    weight: weight as f32,
                    quick: quick as f32,
                    first: at.hour,
                    last: at.hour,
                    hours: 1,
                    told: day,
                    burst: 1,
                };
                self.dishes.insert(place, dish);
                self.total += weight;
                self.stale = true;
                Added { hours: 1, renewed: Some(Renewed::First) }
            }
        }
    }

    fn again(&mut self, place: usize, (weight, quick): (f64, f64), at: At) -> Added {
        let Some(dish) = self.dishes.get_mut(place) else { return Added::default() };
        if dish.last == at.hour {
            return Added { hours: dish.hours, renewed: None };
        }
        dish.weight += weight as f32;
        dish.quick += quick as f32;
        self.total += weight;
        self.stale = true;
        dish.last = at.hour;
        dish.hours = dish.hours.saturating_add(1);
        let day = (at.hour / 24) as u16;
        let renewed = day.saturating_sub(dish.told) >= RENEWED;
        if renewed {
            dish.told = day;
        }
        Added { hours: dish.hours, renewed: renewed.then_some(Renewed::Again) }
    }

    /// Seats a member at a symbol: in full for the first time, later only what has faded meanwhile.
    /// Only a few new members are counted per hour, so that many new identities buy no weight.
    pub fn seat(&mut self, symbol: u64, at: At, why: Renewed, most: usize) -> Added {
        if self.dishes.is_empty() {
            self.base = at.hour;
        }
        let fresh = at.weight(self.base);
        let faded = 1.0 - libm::exp2(-f64::from(RENEWED) * 24.0 / at.half);
        let weight = if why == Renewed::First { fresh } else { fresh * faded };
        let Ok(place) = self.dishes.binary_search_by_key(&symbol, |dish| dish.symbol) else {
            return self.add(symbol, at, most);
        };
        let Some(dish) = self.dishes.get_mut(place) else { return Added::default() };
        dish.burst = if dish.last == at.hour { dish.burst.saturating_add(1) } else { 1 };
        dish.last = at.hour;
        if dish.burst > MOST_AT_ONCE {
            return Added { hours: dish.hours, renewed: None };
        }
        dish.weight += weight as f32;
        self.total += weight;
        self.stale = true;
        dish.hours = dish.hours.saturating_add(u32::from(why == Renewed::First));
        Added { hours: dish.hours, renewed: None }
    }

    /// Sums up anew after an hour was learned.
    pub fn settle(&mut self) {
        if !self.stale {
            return;
        }
        self.stale = false;
        self.bins.clear();
        if self.dishes.len() <= FEW {
            return;
        }
        self.bins.resize(BINS, Bin::default());
        for dish in &self.dishes {
            if let Some(bin) = self.bins.get_mut(bin(dish.weight)) {
                bin.kinds += 1;
                bin.weight += f64::from(dish.weight);
            }
        }
    }

    /// Drops what has faded, brings weights back to this hour, and says what was dropped.
    pub fn sweep(&mut self, at: At, mut gone: impl FnMut(u64)) {
        let scale = 1.0 / at.weight(self.base);
        let quick = 1.0 / at.quick(self.base);
        self.dishes.retain_mut(|dish| {
            let weight = f64::from(dish.weight) * scale;
            let stays = weight >= FADED;
            if !stays {
                gone(dish.symbol);
            }
            dish.weight = weight as f32;
            dish.quick = (f64::from(dish.quick) * quick) as f32;
            stays
        });
        self.base = at.hour;
        self.total = self.dishes.iter().map(|dish| f64::from(dish.weight)).sum();
        self.stale = true;
        self.settle();
    }

    /// Each dish as it counts in the last days and in the long run.
    pub fn twins(&self, at: At) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (slow, quick) = (1.0 / at.weight(self.base), 1.0 / at.quick(self.base));
        self.dishes
            .iter()
            .map(move |dish| (f64::from(dish.quick) * quick, f64::from(dish.weight) * slow))
    }

    /// Takes a symbol out, as if it had never been seen.
    pub fn remove(&mut self, symbol: u64) -> Option<Dish> {
        let place = self.dishes.binary_search_by_key(&symbol, |dish| dish.symbol).ok()?;
        let dish = self.dishes.remove(place);
        self.total = (self.total - f64::from(dish.weight)).max(0.0);
        self.stale = true;
        self.settle();
        Some(dish)
    }
}
