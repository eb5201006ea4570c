//! Rights as Kubernetes judges them, at any time: roles, bindings, aggregation, and what the
//! authorizer itself said.

use serde::{Deserialize, Serialize};
use trailhound_model::fact::Fact;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rbac {}

impl Rbac {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, _fact: &Fact) {}
}
