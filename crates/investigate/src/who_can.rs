//! `who-can`: everybody who may do something at a time, by which grant, and whether he ever did.
//!
//! The direct holders are not the whole truth: whoever may write bindings beyond his own rights, or
//! act as another identity, can come to any right. These are named apart, because they are a step
//! further. What the log does not say is part of the answer, not left out of it.

use serde::Serialize;
use std::collections::HashSet;
use trailhound_model::{body::Subject, entity, observed::Surety, time::Time};
use trailhound_twin::{
    Twin,
    rbac::{Attributes, Holder, RoleKey},
};

const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// Somebody who can.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Can {
    /// Who, as an entity: `user:…`, `group:…`, `sa:…`.
    pub subject: String,
    /// The binding, as an entity.
    pub binding: String,
    /// The role that it binds, as an entity.
    pub role: String,
    /// How sure it is.
    pub surety: Surety,
    /// How often the grant was used for this in the log.
    pub used: u64,
    /// When it was last used for this.
    pub last_used: Option<Time>,
}

/// A way to the right that takes a step in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// May write roles with rights that he lacks.
    Escalate,
    /// May bind roles with rights that he lacks.
    Bind,
    /// May act as another identity.
    Impersonate,
}

/// Somebody who could come to the right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Could {
    /// By which step.
    pub step: Step,
    /// Who, and by which grant.
    #[serde(flatten)]
    pub who: Can,
}

/// A binding of which the log does not say enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// The binding, as an entity.
    pub binding: String,
    /// What is not known.
    pub why: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WhoCan {
    /// What was asked about.
    pub what: Attributes,
    /// At which time.
    pub at: Time,
    /// Everybody who is known to be able to. Members of the group `system:masters` are able to
    /// besides, without any binding.
    pub holders: Vec<Can>,
    /// Everybody who could come to it by one step more.
    pub detours: Vec<Could>,
    /// Bindings that may allow it to others.
    pub unknown: Vec<Unknown>,
    /// All bindings that could apply are known, so that nobody is missing.
    pub complete: bool,
    /// Group that may do everything without RBAC.
    pub always: &'static str,
}

/// Answers `who-can VERB RESOURCE [-n NAMESPACE]`. The resource is written as kubectl has it:
/// `secrets`, `pods/exec`, `deployments.apps/scale`; what begins with `/` is a URL.
pub fn who_can(
    twin: &Twin,
    verb: &str,
    resource: &str,
    name: &str,
    namespace: &str,
    at: Time,
) -> WhoCan {
    let what = if resource.starts_with('/') {
        Attributes::url(verb, resource)
    } else {
        Attributes::resource(verb, resource, namespace, name)
    };
    let rbac = twin.rbac();
    let holders: Vec<Can> = rbac.subjects_that_can(&what, at).iter().map(can).collect();
    let possible = rbac.possible_holders(&what, at);
    let unknown = possible.into_iter().map(|one| Unknown {
        binding: binding_entity(&one.binding.namespace, &one.binding.name),
        why: one.why.to_string(),
    });
    WhoCan {
        at,
        detours: detours(twin, namespace, &holders, at),
        unknown: unknown.collect(),
        complete: rbac.is_complete(&what.namespace, at),
        always: "system:masters",
        holders,
        what,
    }
}

/// The steps, each as the right that it needs.
fn steps(namespace: &str) -> Vec<(Step, Attributes)> {
    let rbac = |verb: &str, resource: &str| Attributes {
        group: RBAC_GROUP.into(),
        ..Attributes::resource(verb, resource, namespace, "")
    };
    let as_other = |resource: &str| Attributes::resource("impersonate", resource, namespace, "");
    vec![
        (Step::Escalate, rbac("escalate", "clusterroles")),
        (Step::Escalate, rbac("escalate", "roles")),
        (Step::Bind, rbac("bind", "clusterroles")),
        (Step::Bind, rbac("bind", "roles")),
        (Step::Impersonate, as_other("users")),
        (Step::Impersonate, as_other("groups")),
        (Step::Impersonate, as_other("serviceaccounts")),
    ]
}

fn detours(twin: &Twin, namespace: &str, holders: &[Can], at: Time) -> Vec<Could> {
    let mut out: Vec<Could> = Vec::new();
    let direct: HashSet<&str> = holders.iter().map(|holder| holder.subject.as_str()).collect();
    let mut known: HashSet<(Step, Can)> = HashSet::new();
    for (step, what) in steps(namespace) {
        for who in twin.rbac().subjects_that_can(&what, at).iter().map(can) {
            if !direct.contains(who.subject.as_str()) && known.insert((step, who.clone())) {
                out.push(Could { step, who });
            }
        }
    }
    out
}

fn can(holder: &Holder) -> Can {
    Can {
        subject: subject_entity(&holder.subject),
        binding: binding_entity(&holder.via.binding.namespace, &holder.via.binding.name),
        role: role_entity(&holder.via.role),
        surety: holder.surety,
        used: holder.used.count,
        last_used: holder.used.last,
    }
}

pub(crate) fn subject_entity(subject: &Subject) -> String {
    match subject.kind.as_str() {
        "ServiceAccount" => entity::service_account(&subject.namespace, &subject.name),
        "Group" => format!("group:{}", subject.name),
        _ => entity::user(&subject.name),
    }
}

pub(crate) fn binding_entity(namespace: &str, name: &str) -> String {
    let resource = if namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" };
    entity::object(resource, namespace, name)
}

pub(crate) fn role_entity(role: &RoleKey) -> String {
    let resource = if role.namespace.is_empty() { "clusterroles" } else { "roles" };
    entity::object(resource, &role.namespace, &role.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        event::{Event, User},
        fact::Fact,
    };

    fn twin() -> Twin {
        let reason = r#"RBAC: allowed by RoleBinding "dev/shop" of Role "edit" to Group "devs""#;
        let user = User { name: "alice".into(), groups: vec!["devs".into()], ..User::default() };
        let object = trailhound_model::event::ObjectRef {
            resource: "secrets".into(),
            namespace: "shop".into(),
            ..Default::default()
        };
        let event = Event {
            time: Time(5),
            verb: "list".into(),
            user: user.into(),
            object: Some(Box::new(object)),
            annotations: vec![
                ("authorization.k8s.io/decision".into(), "allow".into()),
                ("authorization.k8s.io/reason".into(), reason.into()),
            ]
            .into(),
            ..Event::default()
        };
        let mut twin = Twin::default();
        twin.observe(&Fact::of(event));
        twin
    }

    #[test]
    fn a_grant_known_from_its_use_is_inferred_and_its_other_subjects_unknown() {
        let answer = who_can(&twin(), "list", "secrets", "", "shop", Time(9));
        let dev = answer.holders.iter().find(|one| one.subject == "group:devs").unwrap();
        assert_eq!(
            (dev.binding.as_str(), dev.role.as_str()),
            ("rolebinding:shop/dev", "role:shop/edit")
        );
        assert_eq!((dev.surety, dev.used, dev.last_used), (Surety::Inferred, 1, Some(Time(5))));
        assert!(answer.unknown.iter().any(|one| one.binding == "rolebinding:shop/dev"));
        assert!(!answer.complete);
        assert_eq!(answer.always, "system:masters");
    }

    #[test]
    fn whoever_may_bind_or_impersonate_is_named_apart() {
        let answer = who_can(&twin(), "get", "secrets", "db", "shop", Time(9));
        let by = |step| answer.detours.iter().any(|one| one.step == step);
        // The controller that fills aggregated roles may escalate; it is in every cluster.
        assert!(by(Step::Escalate));
        assert!(answer.detours.iter().all(|one| one.who.surety < Surety::Proved));
    }
}
