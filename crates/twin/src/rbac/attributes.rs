//! Who asks for what: the two things that an authorizer is given. They are read from the audit
//! record as the API server's authorizer saw them, which is not always what the record shows: a
//! create has no name when it is judged, although the record may show the name of what came of it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use trailhound_model::{
    Str,
    event::{Event, User, percent_decode},
};

/// The group that may do everything, without RBAC.
pub const MASTERS: &str = "system:masters";
/// What the name of a service account begins with.
pub(super) const ACCOUNT: &str = "system:serviceaccount:";

/// An identity as the authorizer sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Who {
    /// User name.
    pub user: Str,
    /// Groups, with those that Kubernetes adds by itself.
    pub groups: Vec<Str>,
}

impl Who {
    /// An identity of the log, with the groups that it carried.
    pub fn of(user: &User) -> Who {
        Who { user: user.name.clone(), groups: user.groups.clone() }
    }

    /// A user who has authenticated, in these groups.
    pub fn user(name: &str, groups: &[&str]) -> Who {
        let mut groups: Vec<Str> = groups.iter().map(|group| Str::from(*group)).collect();
        if !groups.iter().any(|group| group == "system:authenticated") {
            groups.push(Str::const_new("system:authenticated"));
        }
        Who { user: name.into(), groups }
    }

    /// A service account, in the groups that it has by itself.
    pub fn account(namespace: &str, name: &str) -> Who {
        let own = format!("system:serviceaccounts:{namespace}");
        let groups = ["system:serviceaccounts", &own];
        Who::user(&format!("{ACCOUNT}{namespace}:{name}"), &groups)
    }

    /// Whether it is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }

    /// Whether it may do everything, whatever RBAC says.
    pub fn is_master(&self) -> bool {
        self.is_in(MASTERS)
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Attributes {
    /// Verb; for a URL the lower-case method.
    pub verb: Str,
    /// API group; empty is the core group.
    pub group: Str,
    /// Plural resource name.
    pub resource: Str,
    /// Subresource, or empty.
    pub subresource: Str,
    /// Namespace; empty for cluster-wide requests.
    pub namespace: Str,
    /// Name; empty where none is given.
    pub name: Str,
    /// Path of a URL that is no resource; empty for resources.
    pub path: Str,
}

impl Attributes {
    /// A request for a resource, written `resource`, `resource/subresource`, and either with
    /// `.group` behind the resource as kubectl has it: `deployments.apps/scale`.
    pub fn resource(verb: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        Attributes {
            verb: verb.into(),
            group: group.into(),
            resource: resource.into(),
            subresource: subresource.into(),
            namespace: namespace.into(),
            name: name.into(),
            path: Str::default(),
        }
    }

    /// A request for a URL that is no resource.
    pub fn url(verb: &str, path: &str) -> Attributes {
        Attributes { verb: verb.into(), path: path.into(), ..Attributes::default() }
    }

    /// What a request asked its authorizer for.
    pub fn of(event: &Event) -> Attributes {
        Ask::of(event).to_owned()
    }

    /// `resource` or `resource/subresource`.
    pub fn combined(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.to_string(),
            sub => format!("{}/{sub}", self.resource),
        }
    }

    pub(super) fn ask(&self) -> Ask<'_> {
        Ask {
            verb: &self.verb,
            group: &self.group,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: &self.name,
            path: Cow::Borrowed(&self.path),
        }
    }
}

/// The same, borrowed: one is made for every event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) path: Cow<'a, str>,
}

impl<'a> Ask<'a> {
    pub(super) fn of(event: &'a Event) -> Ask<'a> {
        let verb = event.verb.as_str();
        let Some(object) = &event.object else { return Ask::url(verb, decoded(event.path())) };
        // The record's name of a create is that of the object that it made; its authorizer had none.
        let made = verb == "create" && object.subresource.is_empty();
        let own = made && object.resource == "namespaces" && object.api_group.is_empty();
        Ask {
            verb,
            group: &object.api_group,
            resource: &object.resource,
            subresource: &object.subresource,
            namespace: if own { "" } else { &object.namespace },
            name: if made { "" } else { &object.name },
            path: Cow::Borrowed(""),
        }
    }

    fn url(verb: &'a str, path: Cow<'a, str>) -> Ask<'a> {
        let path = if path.is_empty() { Cow::Borrowed("/") } else { path };
        Ask { verb, group: "", resource: "", subresource: "", namespace: "", name: "", path }
    }

    pub(super) fn is_resource(&self) -> bool {
        self.path.is_empty()
    }

    pub(super) fn to_owned(&self) -> Attributes {
        Attributes {
            verb: self.verb.into(),
            group: self.group.into(),
            resource: self.resource.into(),
            subresource: self.subresource.into(),
            namespace: self.namespace.into(),
            name: self.name.into(),
            path: Str::from(self.path.as_ref()),
        }
    }
}

/// Authorizers see paths decoded; in a path `+` is no blank.
fn decoded(path: &str) -> Cow<'_, str> {
    if path.contains('%') {
        return Cow::Owned(percent_decode(&path.replace('+', "%2B")));
    }
    Cow::Borrowed(path)
}
