//! Whether somebody may give rights away. Kubernetes lets nobody hand out rights that he lacks, but
//! for the verbs `escalate` on roles and `bind` on the role that is bound; and `impersonate` gives
//! all that another identity has.

use super::{
    Decision, Rbac, RoleKey,
    attributes::{Attributes, Who},
    history::Known,
    rules,
};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    body::{PolicyRule, Subject},
    lookup::Truth,
    observed::Surety,
    time::Time,
};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Why somebody may hand out rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GrantedBy {
    /// He is in `system:masters`.
    Masters,
    /// He has them all himself.
    Covers,
    /// He may write roles beyond his own rights.
    Escalate,
    /// He may bind this role whatever it holds.
    Bind,
}

/// Whether somebody may hand out rights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Whether.
    pub answer: Truth,
    /// How sure it is.
    pub surety: Surety,
    /// Why, if he may.
    pub by: Option<GrantedBy>,
    /// The first right that he lacks, if he may not.
    pub lacks: Option<PolicyRule>,
}

impl Grant {
    fn yes(by: GrantedBy, surety: Surety) -> Grant {
        Grant { answer: Truth::True, surety, by: Some(by), lacks: None }
    }
}

impl Rbac {
    /// Whether somebody may write a role with these rules in a namespace (empty: a cluster role).
    /// That he may write roles at all is a question for [`Rbac::decide`].
    pub fn can_grant(&self, who: &Who, namespace: &str, rules: &[PolicyRule], at: Time) -> Grant {
        let resource = if namespace.is_empty() { "clusterroles" } else { "roles" };
        let escalate = rbac("escalate", resource, namespace, "");
        self.may_hand_out(who, namespace, rules, (GrantedBy::Escalate, &escalate), at)
    }

    /// Whether somebody may bind a role in a namespace (empty: in all of the cluster).
    pub fn can_bind(&self, who: &Who, namespace: &str, role: &RoleKey, at: Time) -> Grant {
        let resource = if role.namespace.is_empty() { "clusterroles" } else { "roles" };
        let bind = rbac("bind", resource, namespace, &role.name);
        let view = self.role_at(role, at);
        let own = (GrantedBy::Bind, &bind);
        let mut grant = self.may_hand_out(who, namespace, &view.rules, own, at);
        if grant.by == Some(GrantedBy::Covers) {
            grant.surety = grant.surety.min(view.surety);
            if view.known != Known::Whole {
                grant = Grant {
                    answer: Truth::Unknown,
                    surety: Surety::Unknown,
                    by: None,
                    lacks: None,
                };
            }
        }
        grant
    }

    fn may_hand_out(
        &self,
        who: &Who,
        namespace: &str,
        wanted: &[PolicyRule],
        verb: (GrantedBy, &Attributes),
        at: Time,
    ) -> Grant {
        if who.is_master() {
            return Grant::yes(GrantedBy::Masters, Surety::Proved);
        }
        let allowed = self.decide(who, verb.1, at);
        if allowed.answer == Truth::True {
            return Grant::yes(verb.0, allowed.surety);
        }
        let held = self.grants_of(who, at);
        let held = held.iter().filter(|one| one.namespace.is_empty() || one.namespace == namespace);
        let (own, surety) = held.fold((Vec::new(), Surety::Proved), |(mut own, surety), one| {
            own.extend(one.rules.iter().cloned());
            (own, surety.min(one.surety))
        });
        let Some(lacks) = rules::uncovered(&own, wanted) else {
            return Grant::yes(GrantedBy::Covers, surety);
        };
        let sure = allowed.answer == Truth::False && self.knows_all_of(who, namespace, at);
        let answer = if sure { Truth::False } else { Truth::Unknown };
        let surety = if sure { surety.min(allowed.surety) } else { Surety::Unknown };
        Grant { answer, surety, by: None, lacks: Some(lacks) }
    }

    /// Whether all rights of somebody are known.
    fn knows_all_of(&self, who: &Who, namespace: &str, at: Time) -> bool {
        let held = self.grants_of(who, at);
        self.is_complete(namespace, at)
            && self.bindings_for(namespace, at).all(|(_, version)| version.known == Known::Whole)
            && held.iter().all(|one| one.known == Known::Whole)
    }

    /// Whether somebody may act as another identity. Servers from 1.36 on also know narrower verbs of
    /// impersonation, which are a question of their own.
    pub fn can_impersonate(&self, who: &Who, whom: &Subject, at: Time) -> Decision {
        let (resource, namespace) = match whom.kind.as_str() {
            "ServiceAccount" => ("serviceaccounts", whom.namespace.as_str()),
            "Group" => ("groups", ""),
            _ => ("users", ""),
        };
        self.decide(who, &Attributes::resource("impersonate", resource, namespace, &whom.name), at)
    }
}

fn rbac(verb: &str, resource: &str, namespace: &str, name: &str) -> Attributes {
    Attributes { group: GROUP.into(), ..Attributes::resource(verb, resource, namespace, name) }
}
