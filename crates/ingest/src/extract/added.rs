//! Containers that a patch put beside those that a workload had.
//!
//! A record shows a patch and what came of it, never what was there before. A JSON patch says that
//! it adds. A merge that names one container either changed or added it: it was added if the result
//! has nothing of it but what the patch gave. A list that replaces the whole (JSON merge,
//! server-side apply) does not show what was new.

use super::{Subject, security::is_defined_by, workload};
use crate::{mask::Walk, tree::Tree};
use trailhound_model::Str;

/// Operations that are looked at.
const MAX_OPERATIONS: usize = 1000;

/// Names of the containers that a JSON patch adds one by one.
pub(super) fn by_operations(operations: &[Tree<'_>], subject: &Subject<'_, '_>) -> Vec<Str> {
    let adds = |operation: &&Tree<'_>| {
        operation.get("op").text() == "add" && is_place(operation.get("path").text())
    };
    let added = operations.iter().take(MAX_OPERATIONS).filter(adds);
    added.map(|one| subject.walk(one.get("value")).string(&["name"])).collect()
}

/// `…/containers/-`, `…/initContainers/0`: one container's place.
fn is_place(path: &str) -> bool {
    let mut steps = path.rsplit('/');
    let (index, list) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
    let is_index = index == "-" || index.bytes().all(|byte| byte.is_ascii_digit());
    !index.is_empty() && is_index && matches!(list, "containers" | "initContainers")
}

/// Names of the containers that a merge patch defined beside others.
pub(super) fn by_merge(
    resource: &str,
    patch: Option<&Walk<'_, '_>>,
    result: Option<&Walk<'_, '_>>,
) -> Vec<Str> {
    let (Some(patch), Some(result)) = (patch, result) else { return Vec::new() };
    let given = workload::lasting_containers(resource, patch);
    let result = workload::lasting_containers(resource, result);
    if given.len() >= result.len() {
        return Vec::new();
    }
    let name = |walk: &Walk<'_, '_>| walk.string(&["name"]);
    let is_new = |one: &&Walk<'_, '_>| {
        let mut same = result.iter().filter(|other| name(other) == name(one));
        same.next().is_some_and(|other| is_defined_by(other.tree(), one.tree()))
    };
    given.iter().filter(is_new).map(name).collect()
}
