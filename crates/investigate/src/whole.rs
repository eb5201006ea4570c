//! Whole names for half of one. At night one types `pod:cart` and means the only one there is; if there
//! are several, guessing would answer another question than the one that was asked.

use crate::subject::Subject;
use std::collections::BTreeSet;
use trailhound_model::{Str, entity};
use trailhound_twin::{Twin, objects::Life};

/// Candidates that are told.
const MOST: usize = 200;

/// What a name without a namespace may mean; nothing if it is whole or means an object of the cluster.
pub fn candidates(twin: &Twin, subject: &Subject) -> Vec<Subject> {
    let (kind, name) = match subject {
        Subject::Object { kind, namespace, name } if namespace.is_empty() => (kind.as_str(), name),
        Subject::Account { namespace, name } if namespace.is_empty() => ("sa", name),
        _ => return Vec::new(),
    };
    let mut spaces: BTreeSet<Str> = BTreeSet::new();
    for life in twin.objects().named(kind, name) {
        if life.namespace.is_empty() {
            return Vec::new();
        }
        spaces.insert(life.namespace.clone());
    }
    let whole = |namespace: Str| match kind {
        "sa" => Subject::Account { namespace, name: name.clone() },
        _ => Subject::Object { kind: kind.into(), namespace, name: name.clone() },
    };
    spaces.into_iter().take(MOST).map(whole).collect()
}

/// Everything that belongs to an application, as subjects: workloads with what stands between them and
/// their pods, pods, accounts, services and what is mounted. The default account is left out: whatever
/// runs in a namespace shares it.
pub fn of_app(twin: &Twin, name: &str) -> Option<Vec<Subject>> {
    let detail = crate::apps::app(twin, name)?;
    let space = detail.app.namespace.clone();
    let mut all: BTreeSet<String> = detail.app.workloads.clone();
    for pod in &detail.pods {
        let own = entity::object("pods", &space, &pod.name);
        let owners = twin.objects().resolve(&own).into_iter().filter_map(Life::owner);
        for (owner, _) in owners.filter(|(owner, _)| !owner.kind.is_empty()) {
            all.insert(crate::act::owner_entity(&owner.kind, &space, &owner.name));
        }
        all.insert(own);
    }
    for (resource, names) in [
        ("services", &detail.services),
        ("ingresses", &detail.ingresses),
        ("secrets", &detail.secrets),
        ("configmaps", &detail.config_maps),
    ] {
        all.extend(names.iter().map(|name| entity::object(resource, &space, name)));
    }
    let accounts = detail.app.service_accounts.iter().filter(|name| *name != "default");
    all.extend(accounts.map(|name| entity::service_account(&space, name)));
    Some(all.iter().filter_map(|one| Subject::parse(one).ok()).collect())
}
