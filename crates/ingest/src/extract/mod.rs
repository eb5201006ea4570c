//! What matters in a body, taken out of it: the same answer for a create, an update and a patch of
//! every kind of object.
//!
//! Which side is judged: a create or update is what the client sent. A patch is judged by the
//! object that came of it, if the log has that; labels and annotations are the exception, because
//! only the patch itself shows what it removed. Admission may change an object after the client
//! sent it, so names, uids and versions always come from the response when there is one.

mod access;
mod certificate;
mod patch;
mod workload;

use crate::{
    mask::{Masker, Place, Scope, Walk},
    tree::Tree,
    wire::Wire,
};
use std::borrow::Cow;
use trailhound_model::{
    Str,
    body::{Body, BodyKind, ObjectMeta, Workload},
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
    let is_patch = matches!(subject.wire.verb.as_str(), "patch" | "apply");
    let judged = match (is_patch, request, subject.response) {
        (true, _, Some(response)) | (_, None, Some(response)) => response,
        (_, Some(request), _) => request,
        (_, None, None) => &Tree::Null,
    };
    let meta = meta(request, subject.response, subject.wire);
    let own = request.unwrap_or(judged);
    Body { meta, kind: kind(subject, judged, own) }
}

/// A JSON patch as the object that it sets; anything else as it is.
fn as_object<'t, 'a>(tree: &'t Tree<'a>) -> Cow<'t, Tree<'a>> {
    match tree {
        Tree::List(operations) => Cow::Owned(patch::as_object(operations)),
        _ => Cow::Borrowed(tree),
    }
}

/// Extracts by what the request is about. `own` is what the client sent, `judged` what is judged.
fn kind(subject: &Subject<'_, '_>, judged: &Tree<'_>, own: &Tree<'_>) -> BodyKind {
    let walk = Walk::new(subject.masker, judged, Place::of_body(subject.scope));
    let resource = subject.wire.resource();
    match (resource, subject.wire.subresource()) {
        ("serviceaccounts", "token") => access::token_request(judged),
        ("pods", "ephemeralcontainers") => BodyKind::Workload(workload::read("pods", &walk)),
        (_, "scale") => BodyKind::Workload(Workload {
            replicas: judged.at(&["spec", "replicas"]).int(),
            ..Workload::default()
        }),
        ("certificatesigningrequests", "" | "approval") => {
            BodyKind::Certificate(certificate::read(judged))
        }
        (_, "" | "finalize") => object(subject, resource, judged, own, &walk),
        _ => BodyKind::Other,
    }
}

fn object(
    subject: &Subject<'_, '_>,
    resource: &str,
    judged: &Tree<'_>,
    own: &Tree<'_>,
    walk: &Walk<'_, '_>,
) -> BodyKind {
    match resource {
        "rolebindings" | "clusterrolebindings" => BodyKind::Binding(access::binding(judged)),
        "roles" | "clusterroles" => BodyKind::Role(access::role(judged)),
        "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
            BodyKind::Webhooks(access::webhooks(judged, subject.masker))
        }
        "services" if subject.wire.object_ref.as_ref().is_some_and(|o| o.api_group.is_empty()) => {
            BodyKind::Service(access::service(judged))
        }
        "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews"
        | "selfsubjectrulesreviews" => access::review(judged, subject.response),
        _ if workload::is_workload(resource, judged) => {
            BodyKind::Workload(workload::read(resource, walk))
        }
        _ => metadata(&Walk::new(subject.masker, own, Place::of_body(subject.scope))),
    }
}

fn metadata(walk: &Walk<'_, '_>) -> BodyKind {
    let Some(meta) = walk.step("metadata") else {
        return BodyKind::Metadata { labels: Vec::new(), annotations: Vec::new() };
    };
    BodyKind::Metadata {
        labels: meta.step("labels").map(|labels| pairs(&labels)).unwrap_or_default(),
        annotations: meta.step("annotations").map(|notes| pairs(&notes)).unwrap_or_default(),
    }
}

/// The pairs of a map, masked; a null, which removes in a patch, is empty.
pub(super) fn pairs(walk: &Walk<'_, '_>) -> Vec<(Str, Str)> {
    let pair = |(key, value): &(Cow<'_, str>, Tree<'_>)| -> (Str, Str) {
        let text = walk.step(key).and_then(|walk| walk.text()).unwrap_or_default();
        let _ = value;
        (Str::new(key), Str::from(text.as_ref()))
    };
    walk.tree().fields().iter().take(MAX_PAIRS).map(pair).collect()
}

/// Labels or annotations that are kept of one object.
const MAX_PAIRS: usize = 256;

fn meta(request: Option<&Tree<'_>>, response: Option<&Tree<'_>>, wire: &Wire<'_>) -> ObjectMeta {
    let first = |key: &str| -> Str {
        let of = |tree: Option<&Tree<'_>>| -> Str {
            tree.map_or("", |tree| tree.at(&["metadata", key]).text()).into()
        };
        let from_response = of(response);
        if from_response.is_empty() { of(request) } else { from_response }
    };
    let version = |tree: Option<&Tree<'_>>| -> Str {
        tree.map_or("", |tree| tree.at(&["metadata", "resourceVersion"]).text()).into()
    };
    let reference = |pick: fn(&crate::wire::WireRef<'_>) -> Str| -> Str {
        wire.object_ref.as_ref().map(pick).unwrap_or_default()
    };
    ObjectMeta {
        name: or(first("name"), || reference(|object| object.name.as_str().into())),
        namespace: or(first("namespace"), || reference(|object| object.namespace.as_str().into())),
        uid: first("uid"),
        version_before: version(request),
        version_after: version(response),
        owner: or(response.map(owner).unwrap_or_default(), || {
            request.map(owner).unwrap_or_default()
        }),
    }
}

fn or(text: Str, other: impl FnOnce() -> Str) -> Str {
    if text.is_empty() { other() } else { text }
}

/// The controlling owner as `Kind/name`.
fn owner(tree: &Tree<'_>) -> Str {
    let owners = tree.at(&["metadata", "ownerReferences"]).list();
    let controller = owners.iter().find(|owner| owner.get("controller").truth() == Some(true));
    controller.map_or_else(Str::default, |owner| {
        format!("{}/{}", owner.get("kind").text(), owner.get("name").text()).into()
    })
}

/// The texts of a list.
pub(super) fn texts(tree: &Tree<'_>) -> Vec<Str> {
    tree.list().iter().map(|value| Str::new(value.text())).filter(|text| !text.is_empty()).collect()
}
