//! Measures [`super::Rbac`] against the API server itself: before each record is taken, the twin is
//! asked what the authorizer will have said, and the answer is compared with what it did say.

use super::{
    LAG, Rbac,
    attributes::{Ask, Attributes, Who},
    learn::decided_at,
    reason::{Authorizer, Decided, GrantRef, parse},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{Str, fact::Fact, lookup::Truth, observed::Surety, time::Time};

/// Mistakes that are kept as examples, of each kind.
const MOST_MISTAKES: usize = 20;

/// How an answer compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As the authorizer said, by the grant that it named.
    Right,
    /// Not as the authorizer said, but only supposed.
    Wrong,
    /// Not as the authorizer said, though called proved.
    WrongButCertain,
    /// Not known.
    Unknown,
    /// Not as the authorizer said, within two seconds of a write that concerns it: it may not have
    /// learned of the write yet.
    Racing,
    /// Another authorizer allowed it, so that RBAC was not asked.
    NotRbac,
}

/// An answer that was not right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// What it was.
    pub verdict: Verdict,
    /// When the request came.
    pub at: Time,
    /// `auditID`
    pub audit_id: Str,
    /// Who asked.
    pub user: Str,
    /// For what.
    pub what: Attributes,
    /// Whether it was allowed.
    pub allowed: bool,
    /// By which grant, if so.
    pub by: Option<GrantRef>,
    /// What the twin said.
    pub answer: Truth,
    /// How sure it was.
    pub surety: Surety,
    /// Why it did not know.
    pub why_unknown: Vec<Str>,
}

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// How many of each, of those that were allowed and those that were refused.
    pub allowed: BTreeMap<Verdict, u64>,
    /// The same of those that were refused.
    pub refused: BTreeMap<Verdict, u64>,
    /// Right, and called proved.
    pub right_and_certain: u64,
    /// Right that it is allowed, but not by the grant that the authorizer named. Counted as right,
    /// too, but for certain ones, which count as wrong.
    pub other_grant: u64,
    /// Decisions per authorizer that is not RBAC.
    pub others: BTreeMap<Authorizer, u64>,
    /// The first mistakes and unknowns.
    pub mistakes: Vec<Mistake>,
}

impl Check {
    /// Compares the decision of a record, before the twin takes the record itself.
    pub fn compare(&mut self, rbac: &Rbac, fact: &Fact) {
        let event = &fact.event;
        let Some(decided) = Decided::of(event) else { return };
        let named = match decided {
            Decided::Allowed(Authorizer::Rbac, reason) => parse(reason),
            Decided::Refused => None,
            Decided::Allowed(other, _) => {
                *self.others.entry(other).or_default() += 1;
                return count(&mut self.allowed, Verdict::NotRbac);
            }
        };
        let allowed = decided != Decided::Refused;
        let who = Who::of(event.effective_user());
        let ask = Ask::of(event);
        let at = decided_at(event);
        let decision = rbac.judge(&who, &ask, at);
        let told = named.as_ref().is_none_or(|named| decision.by.contains(named));
        let mut verdict = match decision.answer {
            Truth::Unknown => Verdict::Unknown,
            answer if answer == Truth::from(allowed) && (told || !decision.is_certain()) => {
                self.right_and_certain += u64::from(decision.is_certain());
                self.other_grant += u64::from(!told);
                Verdict::Right
            }
            _ if decision.is_certain() => Verdict::WrongButCertain,
            _ => Verdict::Wrong,
        };
        let is_wrong = matches!(verdict, Verdict::Wrong | Verdict::WrongButCertain);
        if is_wrong && rbac.changed_for(&who, ask.namespace, at.plus(-LAG), event.time) {
            verdict = Verdict::Racing;
        }
        count(if allowed { &mut self.allowed } else { &mut self.refused }, verdict);
        let same = self.mistakes.iter().filter(|mistake| mistake.verdict == verdict).count();
        if verdict == Verdict::Right || same >= MOST_MISTAKES {
            return;
        }
        self.mistakes.push(Mistake {
            verdict,
            at,
            audit_id: event.audit_id.clone(),
            user: who.user,
            what: ask.to_owned(),
            allowed,
            by: named,
            answer: decision.answer,
            surety: decision.surety,
            why_unknown: decision.why_unknown,
        });
    }

    /// How many answers compared so.
    pub fn count(&self, verdict: Verdict) -> u64 {
        let of =
            |counts: &BTreeMap<Verdict, u64>| counts.get(&verdict).copied().unwrap_or_default();
        of(&self.allowed) + of(&self.refused)
    }

    /// Decisions of RBAC.
    pub fn total(&self) -> u64 {
        let all = self.allowed.values().sum::<u64>() + self.refused.values().sum::<u64>();
        all - self.count(Verdict::NotRbac)
    }
}

fn count(counts: &mut BTreeMap<Verdict, u64>, verdict: Verdict) {
    *counts.entry(verdict).or_default() += 1;
}
