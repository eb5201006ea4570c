//! The past together with the ledger of credentials: what rules ask while an event is judged.
//!
//! The ledger knows what was issued and used, the completeness what may be missing in between; only
//! both together can say that something never happened.

use super::Past;
use crate::completeness::Coverage;
use trailhound_model::{
    fact::Fact,
    lookup::{History, Truth},
};
use trailhound_twin::{
    Twin,
    ledger::alarms::{AlarmKind, Check, Condition, told},
};

/// What is known before an event, of all parts.
pub(crate) struct Known<'a> {
    past: &'a Past,
    /// Absent where the cluster is not rebuilt.
    twin: Option<&'a Twin>,
    coverage: &'a Coverage,
}

impl<'a> Known<'a> {
    /// Joins the parts.
    pub(crate) fn of(
        past: &'a Past,
        twin: &'a Twin,
        with_twin: bool,
        coverage: &'a Coverage,
    ) -> Known<'a> {
        Known { past, twin: with_twin.then_some(twin), coverage }
    }

    fn checks(&self, fact: &Fact, kind: AlarmKind) -> Option<Vec<Check>> {
        let ledger = self.twin?.ledger();
        let verdict = ledger.verdict(fact, kind);
        let mut checks = verdict.checks.to_vec();
        if kind == AlarmKind::NeverIssued
            && verdict.truth() == Truth::True
            && let Some(since) = ledger.beginning(fact)
        {
            let gap = self.coverage.gaps().iter().any(|gap| gap.to.time >= since);
            let truth = if gap { Truth::Unknown } else { Truth::True };
            checks.push(Check { condition: Condition::NoGap, truth });
        }
        Some(checks)
    }

    fn alarm(&self, fact: &Fact, kind: AlarmKind) -> Truth {
        let Some(checks) = self.checks(fact, kind) else { return Truth::Unknown };
        checks.iter().fold(Truth::True, |sum, check| sum.and(check.truth))
    }
}

impl History for Known<'_> {
    fn prior_actions(&self, fact: &Fact) -> u64 {
        self.past.prior_actions(fact)
    }

    fn done_since(&self, fact: &Fact) -> Option<trailhound_model::time::Time> {
        self.past.done_since(fact)
    }

    fn prior_requests(&self, fact: &Fact) -> u64 {
        self.past.prior_requests(fact)
    }

    fn address_is_new(&self, fact: &Fact) -> Truth {
        self.past.address_is_new(fact)
    }

    fn agent_is_new(&self, fact: &Fact) -> Truth {
        self.past.agent_is_new(fact)
    }

    fn token_off_network(&self, fact: &Fact) -> Truth {
        self.past.token_off_network(fact)
    }

    fn token_moved(&self, fact: &Fact) -> Truth {
        self.past.token_moved(fact)
    }

    fn account_only_pod_bound(&self, fact: &Fact) -> Truth {
        self.past.account_only_pod_bound(fact)
    }

    fn address_of_person(&self, fact: &Fact) -> Truth {
        self.past.address_of_person(fact)
    }

    fn refused_to_another(&self, fact: &Fact) -> Truth {
        self.past.refused_to_another(fact)
    }

    fn grant_unseen(&self, fact: &Fact) -> Truth {
        self.past.grant_unseen(fact)
    }

    fn token_minted_elsewhere(&self, fact: &Fact) -> Truth {
        self.past.token_minted_elsewhere(fact)
    }

    fn token_off_node(&self, fact: &Fact) -> Truth {
        self.alarm(fact, AlarmKind::OffNode)
    }

    fn token_after_pod_end(&self, fact: &Fact) -> Truth {
        self.alarm(fact, AlarmKind::AfterPodEnd)
    }

    fn token_two_places(&self, fact: &Fact) -> Truth {
        self.alarm(fact, AlarmKind::TwoPlaces)
    }

    fn token_never_issued(&self, fact: &Fact) -> Truth {
        self.alarm(fact, AlarmKind::NeverIssued)
    }

    fn token_after_expiry(&self, fact: &Fact) -> Truth {
        self.alarm(fact, AlarmKind::AfterExpiry)
    }

    fn account_with_certificate(&self, fact: &Fact) -> Truth {
        self.alarm(fact, AlarmKind::AccountWithCertificate)
    }

    fn token_checks(&self, fact: &Fact) -> String {
        let mut words: Vec<String> = Vec::new();
        for kind in AlarmKind::ALL {
            let Some(checks) = self.checks(fact, kind) else { continue };
            let truth = checks.iter().fold(Truth::True, |sum, check| sum.and(check.truth));
            // That it is bound to a pod, or has a name, is what made it worth a check.
            let told = told(checks.get(1..).unwrap_or_default());
            match (truth, kind) {
                (Truth::True, _) => words.push(told),
                (Truth::Unknown, AlarmKind::OffNode) => {
                    words.push("Whether it left its node could not be checked.".to_owned());
                }
                _ => {}
            }
        }
        words.join(" ")
    }
}
