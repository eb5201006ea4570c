//! Places, grants and rules as entities and in words.

use super::{
    acts::GrantRule,
    answer::{GrantRef, Step},
    index::{Identity, Index, Place, What},
    search::Edge,
    snapshot::{Grant, Snapshot},
};
use trailhound_model::{Str, body::PolicyRule, entity, observed::Surety};

/// The role that stands for the whole cluster.
pub(super) const CLUSTER_ADMIN: &str = "clusterrole:cluster-admin";

/// A snapshot and its numbers, to name things with.
#[derive(Clone, Copy)]
pub(super) struct Words<'s, 'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) index: &'s Index<'a>,
    /// What the search began with, as the reader named it.
    pub(super) start: &'s str,
}

impl Words<'_, '_> {
    /// A place as an entity.
    pub(super) fn entity(&self, place: Place, start: Place) -> String {
        if place == start {
            return self.start.to_owned();
        }
        let index = self.index;
        match index.what(place) {
            What::Holder => self.start.to_owned(),
            What::Admin => CLUSTER_ADMIN.to_owned(),
            What::Identity(at) => {
                index.identities.get(at).map(Identity::entity).unwrap_or_default()
            }
            What::Pods(at) => self.pod(at),
            What::Node(at) => {
                self.snapshot.nodes.get(at).map(|one| entity::node(&one.name)).unwrap_or_default()
            }
            What::Secret(at) => {
                let secret = self.snapshot.secrets.get(at);
                let named = secret.map(|one| entity::object("secrets", &one.namespace, &one.name));
                named.unwrap_or_default()
            }
            What::OwnPod(at) => entity::pod(self.namespace(at), "*"),
            What::NamespaceAdmin(at) | What::Namespace(at) => entity::namespace(self.namespace(at)),
            What::Bound(at) => {
                let role = index.bound.get(at).map(|(role, _, _)| *role);
                self.role(role)
            }
        }
    }

    fn pod(&self, class: usize) -> String {
        let class = self.index.pods.get(class);
        let member = class.and_then(|class| class.members.first());
        let pod = member.and_then(|pod| self.snapshot.pods.get(*pod));
        pod.map(|pod| entity::pod(&pod.namespace, &pod.name)).unwrap_or_default()
    }

    /// Name of a namespace.
    pub(super) fn namespace(&self, at: usize) -> &str {
        self.index.namespaces.get(at).copied().unwrap_or_default()
    }

    /// A role as an entity.
    pub(super) fn role(&self, role: Option<usize>) -> String {
        let role = role.and_then(|role| self.snapshot.roles.get(role));
        let Some(role) = role else { return "clusterrole:unknown".to_owned() };
        let resource = if role.namespace.is_empty() { "clusterroles" } else { "roles" };
        entity::object(resource, &role.namespace, &role.name)
    }

    /// A place as a reader would say it.
    fn said(&self, place: Place, start: Place) -> String {
        let entity = self.entity(place, start);
        match self.index.what(place) {
            What::Admin => "the whole cluster (cluster-admin)".to_owned(),
            What::OwnPod(at) => format!("a pod of its own in namespace {}", self.namespace(at)),
            What::NamespaceAdmin(at) => {
                format!("the holder of every right in namespace {}", self.namespace(at))
            }
            What::Pods(at) => {
                let more = self.index.pods.get(at).map_or(0, |class| class.members.len());
                match more {
                    0 | 1 => plain(&entity),
                    _ if place == start => plain(&entity),
                    more => format!("{} and {} more like it", plain(&entity), more - 1),
                }
            }
            _ => plain(&entity),
        }
    }

    /// A step in data and words.
    pub(super) fn step(&self, edge: &Edge, start: Place) -> Step {
        let grants: Vec<GrantRef> =
            edge.grants.iter().flatten().filter_map(|one| self.grant_ref(*one)).collect();
        let (from, to) = (self.said(edge.from, start), self.said(edge.to, start));
        let mut sentence = format!("{from} could {} {to}", edge.kind.words());
        for (at, grant) in grants.iter().enumerate() {
            let joint = if at == 0 { ", through" } else { " and" };
            let (binding, role) = (plain(&grant.binding), plain(&grant.role));
            sentence = format!("{sentence}{joint} {binding} ({role}: {})", grant.rule);
        }
        sentence.push_str(match edge.surety {
            Surety::Proved => ".",
            Surety::Inferred => "; that is inferred.",
            Surety::Unknown => "; whether that works is unknown.",
        });
        Step {
            from: self.entity(edge.from, start),
            to: self.entity(edge.to, start),
            kind: edge.kind,
            sentence,
            grants,
            surety: edge.surety,
        }
    }

    /// A rule of a grant with its use.
    pub(super) fn grant_ref(&self, one: GrantRule) -> Option<GrantRef> {
        let grant = self.snapshot.grants.get(one.grant)?;
        let role = self.snapshot.roles.get(grant.role?)?;
        Some(GrantRef {
            binding: binding(grant),
            role: self.role(grant.role),
            rule: role.rules.get(one.rule).map(rule).unwrap_or_default(),
            uses: grant.uses.iter().map(|one| one.count).sum(),
            first: grant.uses.iter().map(|one| one.first).min(),
            last: grant.uses.iter().map(|one| one.last).max(),
        })
    }
}

/// A binding as an entity.
pub(super) fn binding(grant: &Grant) -> String {
    let resource = if grant.namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" };
    entity::object(resource, &grant.namespace, &grant.name)
}

/// The command that removes a binding.
pub(super) fn removal(grant: &Grant) -> String {
    let name = quoted(&grant.name);
    if grant.namespace.is_empty() {
        return format!("kubectl delete clusterrolebinding {name}");
    }
    format!("kubectl delete rolebinding {name} -n {}", quoted(&grant.namespace))
}

/// The command that shows a binding.
pub(super) fn showing(grant: &Grant) -> String {
    let name = quoted(&grant.name);
    if grant.namespace.is_empty() {
        return format!("kubectl get clusterrolebinding {name} -o yaml");
    }
    format!("kubectl get rolebinding {name} -n {} -o yaml", quoted(&grant.namespace))
}

/// A name as a shell takes it: as it is, if nothing in it means anything to a shell.
pub(super) fn quoted(name: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_.:@/".contains(c);
    if !name.is_empty() && !name.starts_with('-') && name.chars().all(harmless) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', "'\\''"))
}

/// An entity as a reader would say it: `sa:shop/cart` is "service account shop/cart".
pub(crate) fn plain(entity: &str) -> String {
    let Some((kind, name)) = entity.split_once(':') else { return entity.to_owned() };
    let kind = match kind {
        "sa" => "service account",
        "ns" => "namespace",
        "clusterrole" => "cluster role",
        "clusterrolebinding" => "cluster role binding",
        "rolebinding" => "role binding",
        "cred" => "credential",
        other => other,
    };
    format!("{kind} {name}")
}

/// A rule in words: `get, list secrets (names: db)`.
pub(super) fn rule(rule: &PolicyRule) -> String {
    let what = if rule.resources.is_empty() { &rule.non_resource_urls } else { &rule.resources };
    let text = format!("{} {}", listed(&rule.verbs), listed(what));
    if rule.resource_names.is_empty() {
        return text;
    }
    format!("{text} (names: {})", listed(&rule.resource_names))
}

/// Items of a list that are said.
const MOST_SAID: usize = 8;

/// A list in words, cut where it grows long.
pub(super) fn listed(list: &[Str]) -> String {
    let shown: Vec<&str> = list.iter().take(MOST_SAID).map(Str::as_str).collect();
    let rest = list.len().saturating_sub(MOST_SAID);
    let tail = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}
