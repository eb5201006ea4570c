//! What somebody does to the API, before it is a line of a log: learners and injectors work on these
//! in memory, and the writer makes the same JSON of them that an API server would have written.

use crate::{calendar::Moment, resource::Resource};
use std::{fmt, sync::Arc};

/// Text that many acts share.
pub type Text = Arc<str>;

/// A UUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u128);

impl Id {
    /// Version 4, from two words of chance.
    pub fn from_words(high: u64, low: u64) -> Id {
        let bits = (u128::from(high) << 64) | u128::from(low);
        let bits = (bits & !(0xf << 76)) | (0x4 << 76);
        Id((bits & !(0x3 << 62)) | (0x2 << 62))
    }

    /// The first 64 bits.
    pub(crate) fn high(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The last 64 bits.
    pub(crate) fn low(self) -> u64 {
        self.0 as u64
    }

    /// No id at all.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |shift: u32| (self.0 >> shift) & 0xffff;
        write!(out, "{:08x}-{:04x}-{:04x}-", self.0 >> 96, part(80), part(64))?;
        write!(out, "{:04x}-{:012x}", part(48), self.0 & 0xffff_ffff_ffff)
    }
}

/// How somebody proves who he is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// Nothing that the log shows.
    #[default]
    None,
    /// A token with this `jti`.
    Token(Id),
    /// A client certificate with this fingerprint.
    Certificate([u64; 4]),
}

impl fmt::Display for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credential::None => Ok(()),
            Credential::Token(id) => write!(out, "JTI={id}"),
            Credential::Certificate([a, b, c, d]) => {
                write!(out, "X509SHA256={a:016x}{b:016x}{c:016x}{d:016x}")
            }
        }
    }
}

/// Pod and node to which a token is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Name of the pod.
    pub pod: Text,
    /// Its uid.
    pub pod_uid: Id,
    /// Name of its node.
    pub node: Text,
    /// Uid of the node.
    pub node_uid: Id,
}

/// Who acts: identity, credential, client and address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// `user.username`
    pub name: Text,
    /// `user.uid`
    pub uid: Option<Id>,
    /// `user.groups`
    pub groups: Vec<Text>,
    /// Its credential.
    pub credential: Credential,
    /// What its token is bound to.
    pub bound: Option<Box<Bound>>,
    /// The last of `sourceIPs`.
    pub address: Text,
    /// `userAgent`
    pub agent: Text,
    /// The authorizer's reason for what it may do; empty where RBAC was not asked.
    pub reason: Text,
    /// The API server that it is connected to.
    pub server: u8,
    /// As whom it acts, where it impersonates somebody: `impersonatedUser`.
    pub acts_as: Option<Box<Persona>>,
}

/// A borrowed identity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persona {
    /// `impersonatedUser.username`
    pub name: Text,
    /// `impersonatedUser.groups`
    pub groups: Vec<Text>,
}

/// `objectRef` and the path of the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// What kind of thing; without one `path` says all.
    pub resource: Option<&'static Resource>,
    /// Namespace, or empty.
    pub namespace: Text,
    /// Name, or empty.
    pub name: Text,
    /// Subresource, or empty.
    pub part: &'static str,
    /// `objectRef.uid`, which only updates and bindings have.
    pub uid: Option<Id>,
    /// `objectRef.resourceVersion`, which only updates have.
    pub version: u64,
    /// The path of a request that is for no resource.
    pub path: &'static str,
}

impl Target {
    /// An object in a namespace, or a collection if `name` is empty.
    pub fn object(resource: &'static Resource, namespace: &Text, name: &Text) -> Target {
        Target {
            resource: Some(resource),
            namespace: Arc::clone(namespace),
            name: Arc::clone(name),
            ..Target::default()
        }
    }

    /// A thing that is in no namespace.
    pub fn global(resource: &'static Resource, name: &Text) -> Target {
        Target { resource: Some(resource), name: Arc::clone(name), ..Target::default() }
    }

    /// A path that is no resource.
    pub fn path(path: &'static str) -> Target {
        Target { path, ..Target::default() }
    }

    /// A part of it.
    #[must_use]
    pub fn part(mut self, part: &'static str) -> Target {
        self.part = part;
        self
    }

    /// The version of the object that an update was made from.
    #[must_use]
    pub fn seen(mut self, uid: Id, version: u64) -> Target {
        self.uid = Some(uid);
        self.version = version;
        self
    }
}

/// Stages of a request that are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// A long-running request began to be answered.
    Started,
    /// The answer is complete.
    #[default]
    Complete,
}

/// One record: who did what to what, with what result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Act {
    /// `auditID`
    pub id: Id,
    /// When the request came.
    pub received: Moment,
    /// When this stage was reached.
    pub completed: Moment,
    /// Who.
    pub actor: Arc<Actor>,
    /// `verb`
    pub verb: &'static str,
    /// What to.
    pub target: Target,
    /// The query of the URL, or empty.
    pub query: Text,
    /// HTTP status.
    pub code: u16,
    /// Stage.
    pub stage: Stage,
    /// The authorizer's reason, if it is not the actor's usual one.
    pub reason: Option<Text>,
    /// Credential that this request issued.
    pub issued: Option<Id>,
    /// Uid of what this request removed at once.
    pub removed: Option<Id>,
    /// `requestObject` as JSON.
    pub request: Option<Arc<str>>,
    /// `responseObject` as JSON.
    pub response: Option<Arc<str>>,
}

impl Act {
    /// What an actor does at a moment.
    pub fn new(at: Moment, actor: &Arc<Actor>, verb: &'static str, target: Target) -> Act {
        let code = if verb == "create" { 201 } else { 200 };
        Act { received: at, actor: Arc::clone(actor), verb, target, code, ..Act::default() }
    }

    /// With this query.
    #[must_use]
    pub fn query(mut self, query: &str) -> Act {
        self.query = query.into();
        self
    }

    /// With this result.
    #[must_use]
    pub fn code(mut self, code: u16) -> Act {
        self.code = code;
        self
    }

    /// For this reason.
    #[must_use]
    pub fn reason(mut self, reason: &Text) -> Act {
        self.reason = Some(Arc::clone(reason));
        self
    }

    /// With these bodies, if bodies are logged.
    #[must_use]
    pub fn bodies(mut self, bodies: Option<Bodies>) -> Act {
        if let Some(bodies) = bodies {
            self.request = bodies.request;
            self.response = bodies.response;
        }
        self
    }
}

/// What was asked and answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    /// `requestObject`
    pub request: Option<Arc<str>>,
    /// `responseObject`
    pub response: Option<Arc<str>>,
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn ids_are_uuids_of_version_4() {
        let text = Id::from_words(u64::MAX, u64::MAX).to_string();
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Id::from_words(0, 0).to_string(), "00000000-0000-4000-8000-000000000000");
    }
}
