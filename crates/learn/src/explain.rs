//! Why an hour is strange, in stored counts.
//!
//! Nothing is called rarer than the stored history is long, and no chance is quoted as if it were a
//! probability: every number here was counted.

use crate::budget::Verdict;
use crate::canon::principal::{Class, Who};
use crate::novelty::Facet;
use crate::rate::Count;
use crate::symbol::{Symbol, Words};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use trailhound_model::time::Time;

/// How often something is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Rarity {
    /// All the time.
    Frequent,
    /// Now and then.
    Infrequent,
    /// Hardly ever.
    Rare,
    /// Never before.
    #[default]
    Unseen,
}

impl Rarity {
    /// By hours seen of hours active.
    pub fn of(seen: u32, active: u32) -> Rarity {
        match seen {
            0 => Rarity::Unseen,
            _ if u64::from(seen) * 10 >= u64::from(active) => Rarity::Frequent,
            _ if u64::from(seen) * 100 >= u64::from(active) && seen > 2 => Rarity::Infrequent,
            _ => Rarity::Rare,
        }
    }

    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Rarity::Frequent => "FREQUENT",
            Rarity::Infrequent => "INFREQUENT",
            Rarity::Rare => "RARE",
            Rarity::Unseen => "UNSEEN",
        }
    }
}

/// What is strange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// A side of a request.
    Facet(Facet),
    /// A count of an hour.
    Count(Count),
    /// Many small oddities over days.
    Slow,
    /// What it does has changed for good.
    Shift,
}

impl Side {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Facet(Facet::Pair | Facet::Whole) => "action",
            Side::Facet(Facet::Namespace) => "place",
            Side::Facet(facet) => facet.as_str(),
            Side::Count(count) if count.is_denial() => "denials",
            Side::Count(_) => "rate",
            Side::Slow => "slow",
            Side::Shift => "shift",
        }
    }
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// What is strange.
    pub side: Side,
    /// What was observed; of a count how many.
    pub observed: u64,
    /// How much it adds, in nats. For the order of reasons and nothing else.
    pub surprise: f64,
    /// What is usual for the identity, with hours; of a count its most in an hour.
    pub usual: Vec<(u64, u32)>,
    /// Hours in which the identity did it.
    pub own: u32,
    /// Hour in which the identity first did it; 0 if never.
    pub since: u32,
    /// Peers that do it, of how many.
    pub peers: (u32, u32),
    /// Identities of the cluster that do it, of how many.
    pub cluster: (u32, u32),
    /// How often the identity does it.
    pub rarity: Rarity,
}

/// A strange hour of an identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// Who.
    pub who: Who,
    /// The incident that it belongs to; hours of one incident have one number.
    pub incident: u64,
    /// The first hour of its incident.
    pub is_first: bool,
    /// What the budget says.
    pub verdict: Verdict,
    /// It was told in the middle of the hour, which is not over.
    pub early: bool,
    /// Beginning of the hour.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// When the score was reached.
    pub raised: Time,
    /// How strange; what the bar is compared with.
    pub score: f64,
    /// The strangest request alone, and when it came.
    pub peak: (f64, Time),
    /// Share of hours of such identities that are as strange. Calibrated, but an estimate.
    pub chance: f64,
    /// Something in it matters much.
    pub critical: bool,
    /// What callers named the strangest requests.
    pub evidence: Vec<u64>,
    /// Why, the strongest reason first.
    pub reasons: Vec<Reason>,
    /// Every side that was unusual: what is fine if somebody says that this hour is.
    pub what: Vec<(Facet, u64)>,
    /// Active hours of the identity so far, and its first hour.
    pub history: (u32, u32),
    /// Stored hours of its class that were as strange, and stored hours in all.
    pub as_strange: (u32, u64),
}

impl Opened {
    /// Key of the incident: windows with the same link that are close together are one.
    pub fn link(&self) -> u64 {
        self.who.real.0
    }

    /// The sentence for whoever reads it.
    pub fn text(&self, words: &Words) -> String {
        let name = word(words, self.who.key.0);
        let (hours, _) = self.history;
        let mut out = match hours {
            0 => format!("{name} was never seen before."),
            1 => format!("{name} was active in 1 hour so far."),
            _ => format!("{name} was active in {hours} hours so far."),
        };
        for reason in self.reasons.iter().take(3) {
            let _ = write!(out, " {}", reason.text(words, hours, self.who.class));
        }
        let (as_strange, all) = self.as_strange;
        let _ = match (as_strange, all) {
            (_, 0) => write!(out, " There is no history of such identities yet."),
            (0, all) => {
                write!(out, " None of {all} stored hours of such identities was as strange.")
            }
            (some, all) => {
                write!(out, " {some} of {all} stored hours of such identities were as strange.")
            }
        };
        if let Some(first) = self.reasons.first() {
            let _ = write!(out, " {}", first.would_not(words));
        }
        out
    }
}

fn word(words: &Words, symbol: u64) -> String {
    let text = words.text(Symbol(symbol));
    if text.is_empty() { "something unnamed".into() } else { text.into() }
}

/// Four hours of a workday or a weekend, counted from 1.
fn hours_text(symbol: u64) -> String {
    let at = symbol.saturating_sub(1) as usize;
    let day = if at / 6 == 0 { "a workday" } else { "a weekend" };
    let from = at % 6 * 4;
    format!("on {day} from {from:02}:00 to {:02}:00 (UTC)", from + 4)
}

impl Reason {
    /// The reason in words.
    pub fn text(&self, words: &Words, hours: u32, class: Class) -> String {
        let mut out = match self.side {
            Side::Count(count) => return self.text_of_count(count),
            Side::Slow => {
                return "Small oddities have added up over the last days.".into();
            }
            Side::Shift => return "What it does has changed for some days now.".into(),
            Side::Facet(facet) => self.head(facet, words),
        };
        let _ = match self.own {
            0 if hours > 0 => write!(out, ", which it never did in {hours} active hours"),
            0 => write!(out, ", of which nothing is known"),
            1 => write!(out, ", seen from it in 1 of {hours} active hours"),
            own => write!(out, ", seen from it in {own} of {hours} active hours"),
        };
        let (peers, of) = self.peers;
        if of > 0 {
            let _ = match peers {
                0 => write!(out, "; none of {of} similar identities ({}) does it", class.as_str()),
                1 => write!(out, "; 1 of {of} similar identities ({}) does it", class.as_str()),
                _ => write!(out, "; {peers} of {of} similar identities ({}) do it", class.as_str()),
            };
        }
        let (some, all) = self.cluster;
        if all > 0 {
            let _ = write!(out, "; in the cluster {some} of {all}");
        }
        out.push('.');
        if !self.usual.is_empty() {
            let usual: Vec<String> = self
                .usual
                .iter()
                .map(|(symbol, hours)| format!("{} ({hours} h)", self.word(words, *symbol)))
                .collect();
            let _ = write!(out, " Usual for it: {}.", usual.join(", "));
        }
        out
    }

    fn head(&self, facet: Facet, words: &Words) -> String {
        let what = self.word(words, self.observed);
        match facet {
            Facet::Action | Facet::Place => format!("It did: {what}"),
            Facet::Program => format!("It used the program {what}"),
            Facet::Source => format!("It came from {what}"),
            Facet::Object => format!("It touched {what}"),
            Facet::Namespace => format!("It worked in the namespace {what}"),
            Facet::Hour => format!("It was active {what}"),
            Facet::Whole => "It did what it knows with another program or from elsewhere".into(),
            Facet::Pair => "It did things in an order that is new".into(),
            Facet::Identity => "It appeared for the first time among its peers".into(),
            Facet::Shape => format!("It set up a workload with {what}"),
        }
    }

    fn word(&self, words: &Words, symbol: u64) -> String {
        if self.side == Side::Facet(Facet::Hour) {
            return hours_text(symbol);
        }
        word(words, symbol)
    }

    fn text_of_count(&self, count: Count) -> String {
        let most = self.usual.first().map_or(0, |one| one.1);
        let what = count.as_str();
        format!("{} {what} in one hour; the most so far were {most}.", self.observed)
    }

    fn would_not(&self, words: &Words) -> String {
        match self.side {
            Side::Facet(Facet::Identity) => {
                "It would not be told if it had been active on other days before.".into()
            }
            Side::Facet(Facet::Pair | Facet::Whole) => {
                "It would not be told if that had come on other days before.".into()
            }
            Side::Facet(_) => format!(
                "It would not be told if this had come from it on other days before: {}.",
                self.word(words, self.observed)
            ),
            Side::Count(count) => format!(
                "It would not be told with at most {} {}.",
                self.usual.first().map_or(0, |one| one.1),
                count.as_str()
            ),
            Side::Slow | Side::Shift => {
                "It would not be told if its habits had stayed as they were.".into()
            }
        }
    }
}
