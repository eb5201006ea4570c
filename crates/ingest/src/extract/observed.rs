//! What a record's bodies say of the objects of the cluster.
//!
//! The answer of the API server comes first: it is what is there. Without it a request says what was
//! asked for. Only the fields that the twin keeps are parsed, by a form for each resource, and all
//! text goes through the masker like everywhere in this crate.

use super::{
    forms::{self, Shape},
    patch, states,
};
use crate::{
    mask::{Masker, Place, Scope, Walk},
    select,
    tree::Tree,
    wire::Wire,
};
use trailhound_model::{
    Str,
    observed::{MOST_OBJECTS, Observation, Observed, Owner, Said, State},
    time::Time,
};

/// Longest answer to a list that is always read. Longer ones are read only in some minutes: clients
/// that list whole clusters do it again and again, and what was there before the log began is learned
/// from one of them.
const SMALL_LIST: usize = 8 << 10;

/// Owner references that are kept of one object.
const MOST_OWNERS: usize = 8;
/// Labels that are kept of one object.
const MOST_LABELS: usize = 64;

/// A record's bodies as text, with what the record is about.
pub(crate) struct Bodies<'s, 'a> {
    pub(crate) masker: &'s Masker,
    pub(crate) wire: &'s Wire<'a>,
    pub(crate) request: Option<&'s str>,
    pub(crate) response: Option<&'s str>,
}

impl Bodies<'_, '_> {
    /// What they say.
    pub(crate) fn observed(&self) -> Option<Observed> {
        let shape = forms::shape(self.wire.resource(), self.wire.subresource());
        if self.wire.verb.as_str() == "list" || self.wire.verb.as_str() == "deletecollection" {
            return self.list(shape);
        }
        let answered = if shape.is_asked() { None } else { self.answered(shape) };
        let observation = answered.or_else(|| self.asked(shape))?;
        Some(Observed { objects: vec![observation], left_out: 0 })
    }

    fn list(&self, shape: Shape) -> Option<Observed> {
        let said = if self.wire.verb.as_str() == "list" { Said::Read } else { Said::Answered };
        let response = self.response.filter(|text| said != Said::Read || self.is_worth(text))?;
        let tree = select::parse(response, shape.list_form())?;
        let items = self.walk(&tree).elements(&["items"]);
        let whole = !is_partial(tree.get("kind").text());
        let objects: Vec<Observation> = items
            .iter()
            .take(MOST_OBJECTS)
            .map(|item| self.object(item, shape, said, whole))
            .filter(|object| !object.name.is_empty())
            .collect();
        let left_out = items.len().saturating_sub(MOST_OBJECTS) as u64;
        (!objects.is_empty()).then_some(Observed { objects, left_out })
    }

    /// Whether a list is read: rights always, else by length and, the same for every reader of the
    /// log, by the minute of the record.
    fn is_worth(&self, list: &str) -> bool {
        let group = self.wire.object_ref.as_ref().map_or("", |object| object.api_group.as_str());
        let minute = self.wire.stage_timestamp.as_str().as_bytes().get(15);
        list.len() <= SMALL_LIST
            || group == "rbac.authorization.k8s.io"
            || matches!(minute, Some(b'0' | b'5'))
    }

    /// The object of the answer.
    fn answered(&self, shape: Shape) -> Option<Observation> {
        let tree = select::parse(self.response?, shape.form())?;
        let kind = tree.get("kind").text();
        if kind == "Status" {
            return self.gone(&tree);
        }
        if !matches!(tree, Tree::Object(_)) || kind == "Table" {
            return None;
        }
        let said = if self.wire.verb.as_str() == "get" { Said::Read } else { Said::Answered };
        let whole = !is_partial(kind) && shape != Shape::Scale;
        Some(self.object(&self.walk(&tree), shape, said, whole))
    }

    /// The status that stands for a deleted object names it.
    fn gone(&self, tree: &Tree<'_>) -> Option<Observation> {
        if self.wire.verb.as_str() != "delete" {
            return None;
        }
        let uid = self.walk(tree).string(&["details", "uid"]);
        let named = Observation { said: Said::Answered, uid, ..self.named() };
        (!named.uid.is_empty()).then_some(named)
    }

    /// What the request asks for.
    fn asked(&self, shape: Shape) -> Option<Observation> {
        let (text, verb) = (self.request?, self.wire.verb.as_str());
        if verb == "delete" {
            return self.aimed(text);
        }
        if text.starts_with('[') {
            let operations = Tree::parse_lean(text)?;
            let tree = patch::as_object(operations.list());
            return Some(self.object(&self.walk(&tree), shape, Said::Asked, false));
        }
        let tree = select::parse(text, shape.form())?;
        if !matches!(tree, Tree::Object(_)) {
            return None;
        }
        let whole = matches!(verb, "create" | "update") && shape != Shape::Scale;
        Some(self.object(&self.walk(&tree), shape, Said::Asked, whole))
    }

    /// A deletion may say which of several objects of one name it means.
    fn aimed(&self, text: &str) -> Option<Observation> {
        let tree = select::parse(text, &forms::DELETE_OPTIONS)?;
        let uid = self.walk(&tree).string(&["preconditions", "uid"]);
        let is_dry = !tree.get("dryRun").list().is_empty();
        (!uid.is_empty() && !is_dry).then(|| Observation { uid, ..self.named() })
    }

    fn walk<'w, 't>(&'w self, tree: &'w Tree<'t>) -> Walk<'w, 't> {
        let scope = Scope::of_resource(self.wire.resource());
        Walk::new(self.masker, tree, Place::of_body(scope))
    }

    /// The object by the record's reference alone.
    fn named(&self) -> Observation {
        let Some(reference) = &self.wire.object_ref else { return Observation::default() };
        let masked = |text: &str| -> Str {
            self.masker.text(text).map_or_else(|| Str::new(text), Str::from)
        };
        Observation {
            group: masked(&reference.api_group),
            resource: masked(&reference.resource),
            namespace: masked(&reference.namespace),
            name: masked(&reference.name),
            ..Observation::default()
        }
    }

    fn object(&self, walk: &Walk<'_, '_>, shape: Shape, said: Said, whole: bool) -> Observation {
        let mut named = self.named();
        let meta = walk.step("metadata");
        let text = |key: &str| meta.map(|meta| meta.string(&[key])).unwrap_or_default();
        // A token's or a binding's own metadata may be empty; the reference names the object.
        for (place, key) in [(&mut named.name, "name"), (&mut named.namespace, "namespace")] {
            let own = text(key);
            if !own.is_empty() {
                *place = own;
            }
        }
        Observation {
            said,
            whole,
            generate_name: text("generateName"),
            uid: text("uid"),
            version: if said == Said::Asked { Str::default() } else { text("resourceVersion") },
            owners: owners(walk),
            labels: labels(walk),
            created: time(walk, "creationTimestamp"),
            deleted: time(walk, "deletionTimestamp"),
            state: if whole || said == Said::Asked || shape == Shape::Scale {
                states::read(shape, walk, self.masker)
            } else {
                State::Bare
            },
            ..named
        }
    }
}

/// Clients may ask for names alone.
fn is_partial(kind: &str) -> bool {
    kind.starts_with("PartialObjectMetadata") || kind == "Table"
}

fn owners(walk: &Walk<'_, '_>) -> Vec<Owner> {
    let owner = |one: &Walk<'_, '_>| Owner {
        kind: one.string(&["kind"]),
        name: one.string(&["name"]),
        uid: one.string(&["uid"]),
        controller: one.is_true(&["controller"]),
    };
    let owners = walk.elements(&["metadata", "ownerReferences"]);
    owners.iter().take(MOST_OWNERS).map(owner).collect()
}

fn labels(walk: &Walk<'_, '_>) -> Vec<(Str, Str)> {
    let mut labels = walk.pairs(&["metadata", "labels"]);
    labels.truncate(MOST_LABELS);
    labels
}

fn time(walk: &Walk<'_, '_>, key: &str) -> Option<Time> {
    Time::parse(walk.tree().at(&["metadata", key]).text())
}
