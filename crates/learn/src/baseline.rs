//! What was learned, in a file: to go on after a restart, to carry to another machine, to return to.
//!
//! The bytes of equal states are equal. A file of another version is refused, never guessed at.

use crate::canon::Canon;
use crate::learner::State;
use crate::novelty::Facet;
use crate::novelty::context::Context;
use crate::person::Person;
use crate::symbol::{Symbol, Words};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names and counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// What the log has taught of names.
    pub canon: Canon,
    /// What the log has taught of habits.
    pub state: State,
}

/// What the file begins with.
const MARK: &[u8; 8] = b"THBASE\0\0";
/// Version of the form.
const VERSION: u16 = 1;

/// Why a file is no baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It does not begin as one.
    NoBaseline,
    /// It is of another version.
    Version(u16),
    /// It is damaged.
    Damaged,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unreadable::NoBaseline => f.write_str("this is no baseline"),
            Unreadable::Version(version) => {
                write!(f, "this baseline has version {version}, this program reads {VERSION}")
            }
            Unreadable::Damaged => f.write_str("this baseline is damaged"),
        }
    }
}

impl std::error::Error for Unreadable {}

impl Baseline {
    /// The bytes of the file.
    pub fn save(&self) -> Result<Vec<u8>, Unreadable> {
        let body = postcard::to_allocvec(self).map_err(|_| Unreadable::Damaged)?;
        let mut out = Vec::with_capacity(body.len() + 18);
        out.extend_from_slice(MARK);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&sum(&body).to_le_bytes());
        out.extend_from_slice(&body);
        Ok(out)
    }

    /// Reads a file.
    pub fn restore(bytes: &[u8]) -> Result<Baseline, Unreadable> {
        let rest = bytes.strip_prefix(MARK.as_slice()).ok_or(Unreadable::NoBaseline)?;
        let (version, rest) = rest.split_first_chunk::<2>().ok_or(Unreadable::Damaged)?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(Unreadable::Version(version));
        }
        let (checked, body) = rest.split_first_chunk::<8>().ok_or(Unreadable::Damaged)?;
        if u64::from_le_bytes(*checked) != sum(body) {
            return Err(Unreadable::Damaged);
        }
        postcard::from_bytes(body).map_err(|_| Unreadable::Damaged)
    }

    /// What this baseline has learned that `older` had not, in words.
    pub fn diff(&self, older: &Baseline) -> Vec<String> {
        let mut out = Vec::new();
        let words = self.canon.words();
        let mut keys: Vec<&u64> = self.state.people.keys().collect();
        keys.sort_unstable();
        let (mut met, mut quiet) = (Vec::new(), 0);
        for key in keys {
            let Some(person) = self.state.people.get(key) else { continue };
            let Some(before) = older.state.people.get(key) else {
                met.push(format!(
                    "new identity: {}, {} active hours",
                    words.text(Symbol(*key)),
                    person.hours
                ));
                continue;
            };
            quiet += usize::from(person.hours == before.hours);
            self.learned(person, before, words, &mut out);
        }
        let gone = older.state.people.keys().filter(|key| !self.state.people.contains_key(key));
        let gone = gone.count();
        met.append(&mut out);
        met.push(format!(
            "{} hours were learned, {quiet} identities were quiet, {gone} were forgotten",
            self.state.hours.saturating_sub(older.state.hours)
        ));
        met
    }

    fn learned(&self, person: &Person, before: &Person, words: &Words, out: &mut Vec<String>) {
        for facet in [Facet::Place, Facet::Program, Facet::Source, Facet::Object] {
            let dishes = person.habits.of(facet).map(Context::dishes);
            for dish in dishes.unwrap_or_default() {
                let known = before.habits.of(facet).and_then(|context| context.dish(dish.symbol));
                if known.is_some() {
                    continue;
                }
                let matters =
                    if self.state.critical.contains_key(&dish.symbol) { " (matters)" } else { "" };
                let name = words.text(person.who.key);
                let what = words.text(Symbol(dish.symbol));
                out.push(format!(
                    "{name}: new {}: {what}, {} hours{matters}",
                    facet.as_str(),
                    dish.hours
                ));
            }
        }
    }
}

fn sum(bytes: &[u8]) -> u64 {
    siphasher::sip::SipHasher13::new().hash(bytes)
}
