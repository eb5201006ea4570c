//! Which act caused which: controllers' cascades are told as one act of whoever set them off.

use serde::{Deserialize, Serialize};
use trailhound_model::fact::Fact;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Causes {}

impl Causes {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, _fact: &Fact) {}
}
