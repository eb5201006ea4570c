//! What matters in a body, taken out of it: the same answer for a create, an update and a patch of
//! every kind of object.
//!
//! Which side is judged: a create or update is what the client sent. A patch is judged by the
//! object that came of it, if the log has that; labels and annotations are the exception, because
//! only the patch itself shows what it removed. Admission may change an object after the client
//! sent it, so names, uids and versions always come from the response when there is one.

mod access;
mod added;
mod certificate;
mod forms;
pub(crate) mod observed;
mod patch;
mod security;
mod states;
mod workload;

use crate::{
    mask::{Masker, Place, Scope, Walk},
    tree::Tree,
    wire::Wire,
};
use std::borrow::Cow;
use trailhound_model::{
    Str,
    body::{Body, BodyKind, ObjectMeta},
};

/// What there is to extract from.
pub(crate) struct Subject<'s, 'a> {
    pub(crate) masker: &'s Masker,
    pub(crate) scope: Scope,
    pub(crate) wire: &'s Wire<'a>,
    pub(crate) request: Option<&'s Tree<'a>>,
    /// The object in the response; never a `Status` or a list.
    pub(crate) response: Option<&'s Tree<'a>>,
}

/// Extracts a body. At least one side must be there.
pub(crate) fn body(subject: &Subject<'_, '_>) -> Body {
    let request = subject.request.map(as_object);
    let request = request.as_deref();
    let judged = match (subject.is_patch(), request, subject.response) {
        (true, _, Some(response)) | (_, None, Some(response)) => response,
        (_, Some(request), _) => request,
        (_, None, None) => &Tree::Null,
    };
    let sides = Sides {
        request: request.map(|tree| subject.walk(tree)),
        response: subject.response.map(|tree| subject.walk(tree)),
        judged: subject.walk(judged),
    };
    let (meta, kind) = (sides.meta(subject), sides.kind(subject));
    Body { meta, kind, credential_keys: sides.credential_keys(subject) }
}

/// A JSON patch as the object that it sets; anything else as it is.
fn as_object<'t, 'a>(tree: &'t Tree<'a>) -> Cow<'t, Tree<'a>> {
    match tree {
        Tree::List(operations) => Cow::Owned(patch::as_object(operations)),
        _ => Cow::Borrowed(tree),
    }
}

impl<'s> Subject<'s, '_> {
    fn walk<'t, 'b>(&self, tree: &'t Tree<'b>) -> Walk<'t, 'b>
    where
        's: 't,
    {
        Walk::new(self.masker, tree, Place::of_body(self.scope))
    }

    fn is_patch(&self) -> bool {
        matches!(self.wire.verb.as_str(), "patch" | "apply")
    }

    fn is_core(&self) -> bool {
        self.wire.object_ref.as_ref().is_some_and(|object| object.api_group.is_empty())
    }
}

/// Ways into the bodies. They mask what they read: extraction has no other access to text.
struct Sides<'w, 't> {
    request: Option<Walk<'w, 't>>,
    response: Option<Walk<'w, 't>>,
    judged: Walk<'w, 't>,
}

impl Sides<'_, '_> {
    fn kind(&self, subject: &Subject<'_, '_>) -> BodyKind {
        match (subject.wire.resource(), subject.wire.subresource()) {
            ("serviceaccounts", "token") => access::token_request(&self.judged),
            ("pods", "ephemeralcontainers") => self.workload("pods", subject),
            (_, "scale") => BodyKind::Workload(Box::new(workload::scale(&self.judged))),
            ("certificatesigningrequests", "" | "approval") => {
                BodyKind::Certificate(certificate::read(&self.judged, subject.masker))
            }
            (resource, "" | "finalize") => self.object(resource, subject),
            _ => BodyKind::Other,
        }
    }

    fn object(&self, resource: &str, subject: &Subject<'_, '_>) -> BodyKind {
        match resource {
            "rolebindings" | "clusterrolebindings" => {
                BodyKind::Binding(access::binding(&self.judged))
            }
            "roles" | "clusterroles" => BodyKind::Role(access::role(&self.judged)),
            "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
                BodyKind::Webhooks(access::webhooks(&self.judged))
            }
            "services" if subject.is_core() => BodyKind::Service(access::service(&self.judged)),
            "selfsubjectaccessreviews"
            | "subjectaccessreviews"
            | "localsubjectaccessreviews"
            | "selfsubjectrulesreviews" => access::review(&self.judged, self.response.as_ref()),
            _ if workload::is_workload(resource, &self.judged) => self.workload(resource, subject),
            _ => self.metadata(),
        }
    }

    /// The pod template, and what the request did to it.
    fn workload(&self, resource: &str, subject: &Subject<'_, '_>) -> BodyKind {
        let mut workload = workload::read(resource, &self.judged);
        let is_patch = subject.is_patch();
        let by_result = is_patch && self.response.is_some();
        let has_images = workload.containers.iter().all(|one| !one.image.is_empty());
        workload.whole = !workload.containers.is_empty()
            && (!is_patch || by_result || has_images && is_applied(self.request.as_ref()));
        let says_spec = |request: &Walk<'_, '_>| workload::has_spec(resource, request);
        workload.sets_spec = !is_patch || self.request.as_ref().is_none_or(says_spec);
        if is_patch {
            let operations = subject.request.map(Tree::list).unwrap_or_default();
            workload.added_containers = match operations {
                [] => added::by_merge(resource, self.request.as_ref(), self.response.as_ref()),
                operations => added::by_operations(operations, subject),
            };
        }
        BodyKind::Workload(Box::new(workload))
    }

    /// Labels and annotations as the client sent them: a patch shows what it removes.
    fn metadata(&self) -> BodyKind {
        let own = self.request.as_ref().unwrap_or(&self.judged);
        BodyKind::Metadata {
            labels: own.pairs(&["metadata", "labels"]),
            annotations: own.pairs(&["metadata", "annotations"]),
        }
    }

    /// Of what the client sent: a patch shows what it sets.
    fn credential_keys(&self, subject: &Subject<'_, '_>) -> Vec<Str> {
        match (&self.request, subject.wire.resource()) {
            (Some(request), "configmaps") if subject.is_core() => access::credential_keys(request),
            _ => Vec::new(),
        }
    }

    fn meta(&self, subject: &Subject<'_, '_>) -> ObjectMeta {
        let reference = subject.wire.object_ref.as_ref();
        let masked = |text: Option<&str>| -> Str {
            let text = text.unwrap_or_default();
            subject.masker.text(text).map_or_else(|| Str::new(text), Str::from)
        };
        ObjectMeta {
            name: or(self.first(&["metadata", "name"]), || {
                masked(reference.map(|r| r.name.as_str()))
            }),
            namespace: or(self.first(&["metadata", "namespace"]), || {
                masked(reference.map(|r| r.namespace.as_str()))
            }),
            uid: self.first(&["metadata", "uid"]),
            version_before: string(self.request.as_ref(), VERSION),
            version_after: string(self.response.as_ref(), VERSION),
            owner: or(self.response.as_ref().map(owner).unwrap_or_default(), || {
                self.request.as_ref().map(owner).unwrap_or_default()
            }),
        }
    }

    /// The text in the response, else in the request.
    fn first(&self, path: &[&str]) -> Str {
        or(string(self.response.as_ref(), path), || string(self.request.as_ref(), path))
    }
}

/// A server-side apply says all that its sender wants, with kind and version; other patches do not
/// name a kind.
fn is_applied(request: Option<&Walk<'_, '_>>) -> bool {
    request.is_some_and(|request| !request.tree().get("kind").text().is_empty())
}

const VERSION: &[&str] = &["metadata", "resourceVersion"];

fn string(walk: Option<&Walk<'_, '_>>, path: &[&str]) -> Str {
    walk.map(|walk| walk.string(path)).unwrap_or_default()
}

fn or(text: Str, other: impl FnOnce() -> Str) -> Str {
    if text.is_empty() { other() } else { text }
}

/// The controlling owner as `Kind/name`.
fn owner(walk: &Walk<'_, '_>) -> Str {
    let owners = walk.elements(&["metadata", "ownerReferences"]);
    let controller = owners.iter().find(|owner| owner.is_true(&["controller"]));
    controller.map_or_else(Str::default, |owner| {
        format!("{}/{}", owner.string(&["kind"]), owner.string(&["name"])).into()
    })
}
