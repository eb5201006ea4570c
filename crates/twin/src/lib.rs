//! The cluster rebuilt from its audit log, at any time of the past.
//!
//! Facts come in order of time, once per request; out come objects as intervals, rights, the life of
//! every credential, causes and sessions. Each statement is proved, inferred or unknown and names the
//! records that say so. Pure: no I/O, no clock, no randomness; every part saves and restores and is
//! bounded, because whoever can write to a cluster can make it grow.
//!
//! The parts do not see one another's insides; what one needs of another it asks through the public
//! functions of the other, so that each can be understood and tested alone.

mod bounds;
pub mod causes;
pub mod ledger;
pub mod objects;
pub mod rbac;
pub mod sessions;

use causes::Causes;
use ledger::Ledger;
use objects::Objects;
use rbac::Rbac;
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use trailhound_model::{fact::Fact, time::Time};

/// One cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Twin {
    objects: Objects,
    rbac: Rbac,
    ledger: Ledger,
    causes: Causes,
    sessions: Sessions,
}

impl Twin {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        self.objects.observe(fact);
        self.rbac.observe(fact);
        self.ledger.observe(fact);
        self.causes.observe(fact);
        self.sessions.observe(fact);
    }

    /// Takes the last record of a long-running request whose first was observed before.
    pub fn closed(&mut self, fact: &Fact) {
        self.sessions.close(fact);
    }

    /// The log lacks these stretches of time, in order: what is absent may have been in them. To be told
    /// when all is read, because only then it is known.
    pub fn missing(&mut self, gaps: &[(Time, Time)]) {
        if !gaps.is_empty() {
            self.rbac.missing(gaps);
            self.ledger.missing(gaps);
        }
    }

    /// What exists when.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Rights.
    pub fn rbac(&self) -> &Rbac {
        &self.rbac
    }

    /// Credentials.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Causes.
    pub fn causes(&self) -> &Causes {
        &self.causes
    }

    /// Exec sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}
