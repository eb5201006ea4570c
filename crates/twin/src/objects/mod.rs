//! What exists when: every object as intervals of existence with its versions, each fact with the
//! record that says it.

use serde::{Deserialize, Serialize};
use trailhound_model::fact::Fact;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Objects {}

impl Objects {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, _fact: &Fact) {}
}
