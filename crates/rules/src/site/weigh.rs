//! What the site's entries do to a finding. Nothing is thrown away: a finding that was expected is
//! there for information, with the entry that said so, and a critical one is lowered only by an
//! entry that names its rule, because nobody expects a cluster to be lost.

use super::{Expected, Site, terms::Terms};
use crate::{eval, read::View};
use trailhound_model::{
    fact::Fact,
    finding::{Finding, Severity},
    lookup::Truth,
    site::{SiteEffect, SiteEntry, SiteNote},
};

/// A severity as the site leaves it, and the entries that speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Weighed {
    pub(crate) severity: Severity,
    pub(crate) notes: Vec<SiteNote>,
}

impl Expected {
    /// Whether the entry is about what this rule says of this act.
    fn speaks(&self, rule: &str, fact: &Fact) -> bool {
        let place = fact.event.namespace();
        let source = fact.event.source_ip();
        let from = || source.parse().is_ok_and(|ip| self.from.iter().any(|one| one.contains(ip)));
        (self.rules.is_empty() || self.rules.iter().any(|one| one == rule))
            && (self.actions.is_empty() || self.actions.contains(&fact.action.kind))
            && (self.namespaces.is_empty() || self.namespaces.iter().any(|one| one.matches(place)))
            && self.who.is(fact)
            && (self.from.is_empty() || from())
    }
}

impl Site {
    /// Weighs what a rule says of an act.
    pub(crate) fn weigh(
        &self,
        rule: &str,
        severity: Severity,
        fact: &Fact,
        view: &View,
    ) -> Weighed {
        let at = fact.event.time;
        let mut weighed = Weighed { severity, notes: Vec::new() };
        let expected = self.expected.iter().filter(|one| one.speaks(rule, fact));
        let expected = expected.map(|one| (&one.terms, one.rules.is_empty()));
        weighed.apply(expected, SiteEffect::Expected, fact);
        let suppressed = self.suppress.iter().filter(|one| {
            let holds = |when| eval::judge(when, view) == Truth::True;
            one.rules.iter().any(|id| id == rule) && one.when.as_ref().is_none_or(holds)
        });
        weighed.apply(suppressed.map(|one| (&one.terms, false)), SiteEffect::Suppressed, fact);
        if let Some(window) =
            self.break_glass.iter().find(|one| one.is_open(at) && one.who.is(fact))
        {
            weighed.notes.push(window.terms.note(SiteEffect::BreakGlass));
            // Never hidden: what was worth a look stays worth one.
            weighed.severity = weighed.severity.lowered().max(weighed.severity.min(Severity::Low));
        }
        weighed
    }
}

impl Weighed {
    /// The first entry that holds counts; if none does, the first that would have.
    fn apply<'a>(
        &mut self,
        entries: impl Iterator<Item = (&'a Terms, bool)>,
        effect: SiteEffect,
        fact: &Fact,
    ) {
        let mut second_best = None;
        for (terms, any_rule) in entries {
            let too_grave = any_rule && self.severity == Severity::Critical;
            if !terms.is_live(fact.event.time) {
                second_best.get_or_insert((terms, SiteEffect::Expired));
            } else if too_grave {
                second_best.get_or_insert((terms, SiteEffect::Kept));
            } else {
                self.severity = Severity::Info;
                self.notes.push(terms.note(effect));
                return;
            }
        }
        self.notes.extend(second_best.map(|(terms, effect)| terms.note(effect)));
    }
}

/// Adds up what an entry did.
pub(super) fn count(entry: &mut SiteEntry, findings: &[Finding]) {
    for finding in findings {
        let Some(note) = finding.site.iter().find(|note| note.entry == entry.entry) else {
            continue;
        };
        match note.effect {
            SiteEffect::Expected | SiteEffect::Suppressed | SiteEffect::BreakGlass => {
                entry.findings += 1;
                entry.records += finding.record_count;
            }
            SiteEffect::Kept => entry.not_lowered += 1,
            SiteEffect::Expired => {
                entry.not_lowered += 1;
                entry.expired += 1;
            }
        }
    }
}
