//! The life of every credential: issued to whom, for which pod and node, used from where.

use serde::{Deserialize, Serialize};
use trailhound_model::fact::Fact;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {}

impl Ledger {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, _fact: &Fact) {}
}
