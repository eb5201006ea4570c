//! What a record claims about itself, computed where it is decoded and weighed where the order of
//! records is known: the serial part must not hash the texts of every event.

use serde::{Deserialize, Serialize};

/// A way in which a record contradicts itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Contradiction {
    /// The authorizer refused, yet the request succeeded.
    ForbiddenButDone,
    /// `objectRef` names another object than `requestURI`.
    ObjectIsNotOfUrl,
    /// It ended more than a second before it was received.
    EndsBeforeItBegins,
    /// The verb is none that such a URL can have.
    VerbIsNotOfUrl,
}

/// What is compared between records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Hash of the auditID; 0 if there is none to compare.
    pub id: u64,
    /// Hash of verb and path.
    pub request: u32,
    /// Hash of the name that authenticated.
    pub user: u32,
    /// Hash of the name that was acted as.
    pub effective: u32,
    /// How the record contradicts itself, if it does.
    pub contradiction: Option<Contradiction>,
}
