//! What changed between two moments, and who changed it: grants, workloads, admission, accounts and
//! whatever else decides who can do what. Taken from the writes themselves, so that it is as good at
//! level Metadata as with bodies, which only add what a change says.
//!
//! Controllers write all the time. What they write is counted, not listed: the change is what set
//! them off.

use crate::{
    act::{Act, Change},
    standing::{Behind, behind},
    subject::{self, Subject},
    who_can::{binding_entity, role_entity, subject_entity},
};
use serde::Serialize;
use std::collections::BTreeMap;
use trailhound_model::{
    Str,
    action::ActionKind,
    body::PolicyRule,
    entity,
    fact::Fact,
    observed::{State, Surety},
    principal::PrincipalKind,
    time::Time,
};
use trailhound_twin::{Twin, rbac};

/// Objects that are followed.
const MOST_OBJECTS: usize = 50_000;
/// Acts that are kept with one object.
const MOST_ACTS: usize = 6;
/// Changes whose hand is traced back.
const MOST_TRACED: usize = 1_000;
/// What an object is said to be is kept at most this long, in characters.
const LONGEST: usize = 600;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    /// Role bindings.
    Grants,
    /// Roles.
    Roles,
    /// Service accounts and certificates.
    Accounts,
    /// Admission webhooks and policies, network policies.
    Defences,
    /// Pods and what makes them.
    Workloads,
    /// Services, ingresses, namespaces, nodes, secrets, config maps, APIs.
    Other,
}

impl Area {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Area::Grants => "Grants (role bindings)",
            Area::Roles => "Roles",
            Area::Accounts => "Accounts and certificates",
            Area::Defences => "Admission webhooks and policies",
            Area::Workloads => "Workloads",
            Area::Other => "Other",
        }
    }

    fn of(kind: ActionKind) -> Option<Area> {
        use ActionKind as A;
        Some(match kind {
            A::RbacGrant | A::RbacRevoke => Area::Grants,
            A::RoleChange | A::RoleDelete => Area::Roles,
            A::AccountCreate
            | A::AccountChange
            | A::AccountDelete
            | A::CsrCreate
            | A::CsrApprove
            | A::CsrDelete => Area::Accounts,
            A::WebhookChange
            | A::WebhookDelete
            | A::PolicyChange
            | A::PolicyDelete
            | A::NetworkPolicyChange
            | A::NetworkPolicyDelete => Area::Defences,
            A::WorkloadCreate
            | A::WorkloadChange
            | A::WorkloadScale
            | A::WorkloadDelete
            | A::PodDebug
            | A::PodEvict => Area::Workloads,
            A::SecretWrite
            | A::SecretDelete
            | A::ConfigWrite
            | A::ConfigDelete
            | A::NamespaceCreate
            | A::NamespaceChange
            | A::NamespaceDelete
            | A::NodeCreate
            | A::NodeDelete
            | A::ServiceChange
            | A::IngressChange
            | A::EventDelete
            | A::ApiExtend => Area::Other,
            _ => return None,
        })
    }
}

/// One object that is not as it was.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// What it is about.
    pub area: Area,
    /// The object as an entity; `*` if the log does not name it.
    pub object: String,
    /// From the first moment to the second: `created`, `changed`, `deleted`, or `came and went`.
    pub change: &'static str,
    /// What it says now, where a body was logged: role and subjects, images, rules.
    pub says: String,
    /// The writes, in order, capped.
    pub acts: Vec<Act>,
    /// How many writes.
    pub writes: u64,
    /// What a role or binding said before, where the log tells it.
    pub before: String,
    /// What it said after.
    pub after: String,
    /// How sure `after` is: at level Metadata it is known from later reasons of the authorizer.
    pub after_surety: Surety,
    /// Where the writes do not name their object: the names that the rebuilt cluster knows for them.
    pub names: Vec<String>,
    /// How sure it is that this object was meant: inferred where only `names` say it.
    pub surety: Surety,
    /// Who is behind the last write, if that is somebody else than who made it.
    pub behind: Option<Behind>,
    #[serde(skip)]
    first: Change,
    #[serde(skip)]
    last: Change,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diff {
    /// The first moment.
    pub from: Time,
    /// The second moment.
    pub to: Time,
    /// What changed, by area, then in order of time.
    pub changes: Vec<Changed>,
    /// Writes of controllers to the same kinds of objects.
    pub by_controllers: u64,
    /// Objects that were not followed because there were too many.
    pub left_out: u64,
}

/// Which changes are asked for.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Only by, on or about this.
    pub subject: Option<Subject>,
    /// Only in this namespace; empty is everywhere.
    pub namespace: String,
}

impl Scope {
    fn holds(&self, fact: &Fact) -> bool {
        let event = &fact.event;
        let own = event.resource() == "namespaces" && subject::object_name(fact) == self.namespace;
        let within = self.namespace.is_empty() || event.namespace() == self.namespace || own;
        within && self.subject.as_ref().is_none_or(|one| one.relation(fact).is_some())
    }
}

/// Picks the changes out of a log.
#[derive(Clone, Debug)]
pub struct Collector {
    from: Time,
    to: Time,
    scope: Scope,
    objects: BTreeMap<(Area, String), Changed>,
    by_controllers: u64,
    left_out: u64,
}

impl Collector {
    /// Nothing is picked yet.
    pub fn new(from: Time, to: Time, scope: Scope) -> Collector {
        let (from, to) = (from.min(to), from.max(to));
        Collector { from, to, scope, objects: BTreeMap::new(), by_controllers: 0, left_out: 0 }
    }

    /// Takes the next request, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        if fact.event.time <= self.from || fact.event.time > self.to {
            return;
        }
        let Some(area) = Area::of(fact.action.kind) else { return };
        let Some(change) = Change::of(fact) else { return };
        if !self.scope.holds(fact) {
            return;
        }
        let kind = fact.principal.actor().kind;
        if matches!(kind, PrincipalKind::ControlPlane | PrincipalKind::Node) {
            self.by_controllers += 1;
            return;
        }
        let event = &fact.event;
        // A subresource (approval, scale, ephemeralcontainers) changes its object.
        let change = if event.subresource().is_empty() { change } else { Change::Changed };
        let object =
            entity::object(event.resource(), event.namespace(), subject::object_name(fact));
        self.note(area, object, change, fact);
    }

    fn note(&mut self, area: Area, object: String, change: Change, fact: &Fact) {
        let full = self.objects.len() >= MOST_OBJECTS;
        let key = (area, object);
        if full && !self.objects.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let object = key.1.clone();
        let entry = self.objects.entry(key).or_insert_with(|| Changed {
            area,
            object,
            change: change.as_str(),
            says: String::new(),
            acts: Vec::new(),
            writes: 0,
            before: String::new(),
            after: String::new(),
            after_surety: Surety::Unknown,
            names: Vec::new(),
            surety: Surety::Proved,
            behind: None,
            first: change,
            last: change,
        });
        entry.writes += 1;
        entry.last = change;
        let said = says(fact);
        if !said.is_empty() {
            entry.says = said;
        }
        if entry.acts.len() < MOST_ACTS {
            entry.acts.push(Act::of(fact));
        }
    }

    /// The answer, with what the rebuilt cluster knows besides.
    pub fn finish_with(self, twin: &Twin) -> Diff {
        let mut diff = self.finish();
        rights(twin, &mut diff);
        names(twin, &mut diff);
        for one in diff.changes.iter_mut().take(MOST_TRACED) {
            let Some(last) = one.acts.last() else { continue };
            let own = last.real.as_ref().unwrap_or(&last.who);
            let hand = if last.credential.is_empty() { own } else { &last.credential };
            one.behind = behind(twin, hand, last.time).filter(|behind| behind.entity != *own);
        }
        diff
    }

    /// The answer from requests alone.
    pub fn finish(self) -> Diff {
        let mut changes: Vec<Changed> = self.objects.into_values().collect();
        for one in &mut changes {
            // Without a name several objects are told as one.
            let nameless = one.object.ends_with('*');
            one.change = match (one.first, one.last) {
                (first, _) if nameless => first.as_str(),
                (Change::Created, Change::Deleted) => "came and went",
                (Change::Created, _) => "created",
                (_, Change::Deleted) => "deleted",
                (Change::Deleted, Change::Created) => "replaced",
                _ => "changed",
            };
        }
        changes.sort_by(|a, b| {
            let first = |one: &Changed| one.acts.first().map(|act| act.time);
            (a.area, first(a), &a.object).cmp(&(b.area, first(b), &b.object))
        });
        Diff {
            from: self.from,
            to: self.to,
            changes,
            by_controllers: self.by_controllers,
            left_out: self.left_out,
        }
    }
}

/// What roles and bindings said before and after.
fn rights(twin: &Twin, diff: &mut Diff) {
    let mut told: BTreeMap<String, (String, String, Surety)> = BTreeMap::new();
    for change in twin.rbac().changes(diff.from, diff.to) {
        let (object, before, after) = match &change.what {
            rbac::Changed::Role { role, before, after } => {
                (role_entity(role), role_words(before.as_ref()), role_words(after.as_ref()))
            }
            rbac::Changed::Binding { binding, before, after } => (
                binding_entity(&binding.namespace, &binding.name),
                binding_words(before.as_ref()),
                binding_words(after.as_ref()),
            ),
        };
        // The first word before, the last word after.
        let sure = change.surety;
        told.entry(object)
            .and_modify(|old| (old.1, old.2) = (after.clone(), sure))
            .or_insert((before, after, sure));
    }
    for one in &mut diff.changes {
        if let Some((before, after, surety)) = told.remove(&one.object) {
            (one.before, one.after, one.after_surety) = (before, after, surety);
        }
    }
}

fn role_words(body: Option<&rbac::RoleBody>) -> String {
    let rules = body.map(|body| body.rules.iter().map(rule_words).collect::<Vec<_>>().join("; "));
    rules.unwrap_or_default().chars().take(LONGEST).collect()
}

fn binding_words(body: Option<&rbac::BindingBody>) -> String {
    let Some(body) = body.filter(|body| !body.role.is_empty()) else { return String::new() };
    let names: Vec<String> = body.subjects.iter().map(subject_entity).collect();
    let text = format!("{} {} to {}", body.role_kind, body.role, names.join(", "));
    text.chars().take(LONGEST).collect()
}

/// A create by POST has no name in a log without bodies: the cluster may know what came of it.
fn names(twin: &Twin, diff: &mut Diff) {
    if !diff.changes.iter().any(|one| one.object.ends_with('*')) {
        return;
    }
    let made: BTreeMap<Str, Str> = twin
        .objects()
        .changes(diff.from, diff.to.plus(1))
        .into_iter()
        .map(|change| (change.witness.audit_id, change.entity))
        .collect();
    for one in diff.changes.iter_mut().filter(|one| one.object.ends_with('*')) {
        one.surety = Surety::Inferred;
        let found = one.acts.iter().filter_map(|act| made.get(&act.audit_id));
        one.names = found.map(ToString::to_string).collect();
        one.names.sort();
        one.names.dedup();
    }
}

/// What the written object says, in few words; empty without a body.
pub(crate) fn says(fact: &Fact) -> String {
    let Some([object]) = fact.observed.as_deref().map(|one| one.objects.as_slice()) else {
        return String::new();
    };
    let text = match &object.state {
        State::Binding(binding) => {
            let subjects: Vec<String> = binding
                .subjects
                .iter()
                .map(trailhound_model::body::Subject::authorizer_name)
                .collect();
            format!("{} {} to {}", binding.role_kind, binding.role, subjects.join(", "))
        }
        State::Role { rules, .. } => rules.iter().map(rule_words).collect::<Vec<_>>().join("; "),
        State::Pod { spec, .. } | State::Workload { spec, .. } => {
            let images: Vec<&str> = spec.containers.iter().map(|one| one.image.as_str()).collect();
            let account = match spec.service_account.as_str() {
                "" => String::new(),
                account => format!(" as {account}"),
            };
            let host =
                if spec.containers.iter().any(|one| one.privileged) { ", privileged" } else { "" };
            format!("{}{account}{host}", images.join(", "))
        }
        State::Admission { calls, failure_policies } => {
            format!("calls {}; on failure {}", calls.join(", "), failure_policies.join(", "))
        }
        State::Certificate { common_name, organizations, signer, .. } => {
            format!("for {common_name} ({}) by {signer}", organizations.join(", "))
        }
        _ => String::new(),
    };
    text.chars().take(LONGEST).collect()
}

/// `get, list secrets`
pub(crate) fn rule_words(rule: &PolicyRule) -> String {
    let join = |names: &[trailhound_model::Str]| {
        names.iter().map(trailhound_model::Str::as_str).collect::<Vec<_>>().join(", ")
    };
    let on = if rule.resources.is_empty() {
        join(&rule.non_resource_urls)
    } else {
        join(&rule.resources)
    };
    let names = match rule.resource_names.as_slice() {
        [] => String::new(),
        names => format!(" (only {})", join(names)),
    };
    format!("{} {on}{names}", join(&rule.verbs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::{Event, ObjectRef, Stage, Status, User};

    fn write(second: i64, user: &str, verb: &str, resource: &str, name: &str) -> Fact {
        let group = if resource.contains("role") { "rbac.authorization.k8s.io" } else { "apps" };
        Fact::of(Event {
            stage: Stage::ResponseComplete,
            time: Time(second),
            verb: verb.into(),
            user: User { name: user.into(), ..User::default() }.into(),
            object: Some(Box::new(ObjectRef {
                resource: resource.into(),
                api_group: group.into(),
                name: name.into(),
                ..ObjectRef::default()
            })),
            status: Some(Status { code: Some(200), ..Status::default() }.into()),
            ..Event::default()
        })
    }

    fn diff(facts: &[Fact]) -> Diff {
        let mut collector = Collector::new(Time(10), Time(20), Scope::default());
        for fact in facts {
            collector.observe(fact);
        }
        collector.finish()
    }

    #[test]
    fn a_grant_that_was_taken_back_came_and_went() {
        let told = diff(&[
            write(5, "bob", "create", "clusterrolebindings", "before"),
            write(11, "bob", "create", "clusterrolebindings", "x"),
            write(12, "eve", "delete", "clusterrolebindings", "x"),
            write(13, "bob", "delete", "deployments", "web"),
            write(21, "bob", "create", "clusterrolebindings", "after"),
        ]);
        let seen: Vec<(&str, &str)> =
            told.changes.iter().map(|one| (one.object.as_str(), one.change)).collect();
        assert_eq!(
            seen,
            [("clusterrolebinding:x", "came and went"), ("deployment:web", "deleted")]
        );
        assert_eq!(told.changes[0].acts[1].who, "user:eve");
    }

    #[test]
    fn what_controllers_write_is_counted_and_not_listed() {
        let by = "system:serviceaccount:kube-system:deployment-controller";
        let told = diff(&[write(11, by, "create", "replicasets", "web-1")]);
        assert_eq!((told.changes.len(), told.by_controllers), (0, 1));
    }
}
