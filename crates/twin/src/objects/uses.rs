//! How each service account uses the API: counts only, so that an application can be described long
//! after its records are gone.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trailhound_model::{
    Map, Str,
    action::{ActionKind, Outcome},
    fact::Fact,
    principal::PrincipalKind,
    time::Time,
};

/// Accounts that are counted; later ones only as a number.
const MOST_ACCOUNTS: usize = 20_000;

/// What one service account did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// Its first request.
    pub first: Time,
    /// Its last.
    pub last: Time,
    /// Requests by what they were, with how many of them were refused.
    pub actions: BTreeMap<ActionKind, (u64, u64)>,
}

impl Uses {
    fn count(&mut self, fact: &Fact) {
        self.first = self.first.min(fact.event.time);
        self.last = self.last.max(fact.event.time);
        let count = self.actions.entry(fact.action.kind).or_default();
        count.0 += 1;
        count.1 += u64::from(fact.action.outcome == Outcome::Denied);
    }
}

/// All service accounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct AllUses {
    /// By user name.
    accounts: Map<Str, Uses>,
    pub(super) left_out: u64,
}

impl AllUses {
    pub(super) fn observe(&mut self, fact: &Fact) {
        let actor = fact.principal.actor();
        let is_account = !actor.namespace.is_empty()
            && matches!(actor.kind, PrincipalKind::ServiceAccount | PrincipalKind::ControlPlane);
        if !is_account {
            return;
        }
        if let Some(uses) = self.accounts.get_mut(&actor.name) {
            uses.count(fact);
        } else if self.accounts.len() < MOST_ACCOUNTS {
            let mut uses = Uses { first: fact.event.time, ..Uses::default() };
            uses.count(fact);
            self.accounts.insert(actor.name.clone(), uses);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn of(&self, user: &str) -> Option<&Uses> {
        self.accounts.get(user)
    }
}
