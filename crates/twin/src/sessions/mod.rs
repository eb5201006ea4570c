//! Commands run inside containers, as sessions with a beginning, an end and what the pod's
//! credential did meanwhile.

use serde::{Deserialize, Serialize};
use trailhound_model::fact::Fact;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {}

impl Sessions {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, _fact: &Fact) {}
}
