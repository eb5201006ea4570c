//! The authorizer's own words on an allowed request: `RBAC: allowed by RoleBinding "dev/shop" of
//! Role "edit" to Group "devs"`. They are written at every level of logging and by the API server
//! itself, so that they prove a grant where no body does.
//!
//! Names are quoted as Go quotes them: a name that itself holds a quote and the words of a reason
//! must not be read as another grant.

use super::{BindingKey, RoleKey};
use serde::{Deserialize, Serialize};
use trailhound_model::{Str, body::Subject, event::Event};

/// The annotation with the decision.
pub(super) const DECISION: &str = "authorization.k8s.io/decision";
/// The annotation with the reason.
pub(super) const REASON: &str = "authorization.k8s.io/reason";
const ALLOWED: &str = "RBAC: allowed by ";

/// One grant, as a reason names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GrantRef {
    /// The binding.
    pub binding: BindingKey,
    /// The role.
    pub role: RoleKey,
    /// Kind of the subject: `User`, `Group` or `ServiceAccount`.
    pub subject_kind: Str,
    /// Name of the subject.
    pub subject: Str,
    /// Namespace of a service account.
    pub subject_namespace: Str,
}

impl GrantRef {
    /// The subject.
    pub fn subject(&self) -> Subject {
        Subject {
            kind: self.subject_kind.clone(),
            name: self.subject.clone(),
            namespace: self.subject_namespace.clone(),
        }
    }
}

/// Who decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authorizer {
    /// RBAC, by a binding.
    Rbac,
    /// The group `system:masters`, which is never asked.
    Masters,
    /// The node authorizer, for a kubelet.
    Node,
    /// Another one: a webhook, a cloud's access policies.
    Other,
}

/// What was decided on a request, if the record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided<'a> {
    /// Allowed, with the reason.
    Allowed(Authorizer, &'a str),
    /// Nobody allowed it.
    Refused,
}

impl Decided<'_> {
    /// Reads the decision from a record.
    pub fn of(event: &Event) -> Option<Decided<'_>> {
        match event.annotation(DECISION)? {
            "allow" => {
                let reason = event.annotation(REASON).unwrap_or_default();
                Some(Decided::Allowed(authorizer(event, reason), reason))
            }
            "forbid" => Some(Decided::Refused),
            _ => None,
        }
    }
}

fn authorizer(event: &Event, reason: &str) -> Authorizer {
    let user = event.effective_user();
    if reason.starts_with(ALLOWED) {
        Authorizer::Rbac
    } else if reason.is_empty() && user.in_group("system:masters") {
        Authorizer::Masters
    } else if reason.is_empty()
        && user.in_group("system:nodes")
        && user.name.starts_with("system:node:")
    {
        Authorizer::Node
    } else {
        Authorizer::Other
    }
}

/// Reads a reason of RBAC. `None` if it is none, or of a form that is not known.
pub(super) fn parse(reason: &str) -> Option<GrantRef> {
    let rest = reason.strip_prefix(ALLOWED)?;
    let (kind, rest) = rest.split_once(' ')?;
    let (binding, rest) = quoted(rest)?;
    let (role_kind, rest) = rest.strip_prefix(" of ")?.split_once(' ')?;
    let (role, rest) = quoted(rest)?;
    let (subject_kind, rest) = rest.strip_prefix(" to ")?.split_once(' ')?;
    let (subject, rest) = quoted(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let binding = match kind {
        "ClusterRoleBinding" => BindingKey::new("", &binding),
        "RoleBinding" => {
            let (name, namespace) = binding.rsplit_once('/')?;
            BindingKey::new(namespace, name)
        }
        _ => return None,
    };
    let role = match role_kind {
        "ClusterRole" => RoleKey::new("", &role),
        "Role" => RoleKey::new(&binding.namespace, &role),
        _ => return None,
    };
    let (subject, subject_namespace) = match subject_kind {
        "ServiceAccount" => subject.rsplit_once('/')?,
        _ => (subject.as_str(), ""),
    };
    Some(GrantRef {
        binding,
        role,
        subject_kind: subject_kind.into(),
        subject: subject.into(),
        subject_namespace: subject_namespace.into(),
    })
}

/// A text in quotes at the start, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, text.get(at + 1..)?)),
            '\\' => match letters.next()?.1 {
                plain @ ('"' | '\\') => out.push(plain),
                _ => return None,
            },
            other => out.push(other),
        }
    }
    None
}
