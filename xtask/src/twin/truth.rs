//! What the bodies of a recording prove about owners, read from the raw lines by code that shares
//! nothing with the twin.

use crate::{error::Result, recording};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap},
    io::BufRead,
    path::Path,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Line<'a> {
    #[serde(rename = "auditID")]
    audit_id: String,
    stage: String,
    verb: String,
    object_ref: Option<ObjectRef>,
    response_status: Option<Status>,
    #[serde(borrow)]
    request_object: Option<sonic_rs::LazyValue<'a>>,
    #[serde(borrow)]
    response_object: Option<sonic_rs::LazyValue<'a>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ObjectRef {
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Body {
    kind: String,
    metadata: Metadata,
    involved_object: Reference,
    regarding: Reference,
    details: Reference,
    spec: Option<Spec>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    uid: String,
    owner_references: Vec<Reference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    uid: String,
    controller: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    bound_object_ref: Option<Reference>,
}

/// What one record is about.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// Uid of the object that it works on, or tells of.
    pub(super) uid: String,
    /// `objectRef` names that very object.
    pub(super) itself: bool,
    /// Plural resource.
    pub(super) resource: String,
    /// Namespace.
    pub(super) namespace: String,
    /// Name in the URL.
    pub(super) name: String,
    /// It made the object.
    pub(super) creates: bool,
    /// All objects of the namespace at once.
    pub(super) many: bool,
}

/// Everything that bodies say of a recording.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    /// By auditID.
    pub(super) records: HashMap<String, About>,
    owners: HashMap<String, String>,
}

impl Bodies {
    /// Reads a recording.
    pub(super) fn read(dir: &Path) -> Result<Bodies> {
        let mut bodies = Bodies::default();
        let mut named = BTreeMap::new();
        for file in recording::audit_files(dir)? {
            let mut reader = recording::open(&file)?;
            let mut line = String::new();
            loop {
                line.clear();
                let read = reader.read_line(&mut line);
                if read.map_err(crate::error::Error::io("read", &file))? == 0 {
                    break;
                }
                bodies.take(&line, &mut named);
            }
        }
        Ok(bodies)
    }

    fn take(&mut self, line: &str, named: &mut BTreeMap<(String, String, String), String>) {
        let Ok(line) = sonic_rs::from_str::<Line<'_>>(line) else { return };
        let ok = line.response_status.as_ref().is_some_and(|status| status.code / 100 == 2);
        let Some(object) = line.object_ref.clone().filter(|_| ok) else { return };
        if line.stage != "ResponseComplete" {
            return;
        }
        let request = body(line.request_object.as_ref());
        let answer = body(line.response_object.as_ref());
        let (uid, itself) = worked_on(&object, &request, &answer);
        let name = if object.name.is_empty() { &answer.metadata.name } else { &object.name };
        let place = (object.resource.clone(), object.namespace.clone(), name.clone());
        let uid = if uid.is_empty() && itself {
            named.get(&place).cloned().unwrap_or_default()
        } else {
            uid
        };
        if itself && !uid.is_empty() {
            named.insert(place, uid.clone());
            let owners = &answer.metadata.owner_references;
            let owner = owners.iter().find(|one| one.controller).or(owners.first());
            if let Some(owner) = owner.filter(|_| answer.kind != "Status") {
                self.owners.insert(uid.clone(), owner.uid.clone());
            }
        }
        let about = About {
            uid,
            itself,
            creates: line.verb == "create" && object.subresource.is_empty(),
            many: line.verb == "deletecollection",
            resource: object.resource,
            namespace: object.namespace,
            name: object.name,
        };
        self.records.insert(line.audit_id, about);
    }

    /// An object and its owners, nearest first.
    pub(super) fn chain<'a>(&'a self, uid: &'a str) -> Vec<&'a str> {
        let next = |uid: &&'a str| self.owners.get(*uid).map(String::as_str);
        std::iter::successors(Some(uid), next).take(8).collect()
    }
}

fn body(lazy: Option<&sonic_rs::LazyValue<'_>>) -> Body {
    lazy.and_then(|lazy| sonic_rs::from_str(lazy.as_raw_str()).ok()).unwrap_or_default()
}

/// Uid of the object, and whether it is the one that `objectRef` names.
fn worked_on(object: &ObjectRef, request: &Body, answer: &Body) -> (String, bool) {
    let of = |body: &Body| {
        let about = [&body.involved_object.uid, &body.regarding.uid];
        about.into_iter().find(|uid| !uid.is_empty()).cloned()
    };
    match (object.resource.as_str(), object.subresource.as_str()) {
        ("events", _) => (of(answer).or_else(|| of(request)).unwrap_or_default(), false),
        (_, "token") => {
            let bound = request.spec.as_ref().and_then(|spec| spec.bound_object_ref.as_ref());
            (bound.map(|one| one.uid.clone()).unwrap_or_default(), false)
        }
        _ if answer.kind == "Status" => (answer.details.uid.clone(), true),
        _ if answer.kind.ends_with("List") => (String::new(), false),
        _ if object.subresource.is_empty() || object.subresource == "status" => {
            (answer.metadata.uid.clone(), true)
        }
        _ => (String::new(), true),
    }
}
