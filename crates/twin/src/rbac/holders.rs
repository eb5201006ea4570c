//! Who has a right, and which rights somebody has: the question of [`super::decide`] turned round.

use super::{
    BindingKey, Rbac,
    attributes::{Ask, Attributes, Who},
    decide::{applies, grant, role_of},
    history::{BindingBody, Known, Life, Version},
    reason::GrantRef,
    uses::UseCount,
};
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    lookup::Truth,
    observed::Surety,
    time::Time,
};

/// Somebody who can do what was asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub subject: Subject,
    /// By what.
    pub via: GrantRef,
    /// How sure it is.
    pub surety: Surety,
    /// Whether the grant was ever used for this.
    pub used: UseCount,
}

/// A binding that may give the right, but the log does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Possible {
    /// The binding.
    pub binding: BindingKey,
    /// What is not known of it.
    pub why: Str,
    /// Subjects that it is known to bind.
    pub subjects: Vec<Subject>,
}

/// A grant that somebody has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The grant.
    pub grant: GrantRef,
    /// Rules of its role, as far as they are known.
    pub rules: Vec<PolicyRule>,
    /// Whether these are all.
    pub known: Known,
    /// Namespace in which it counts; empty for all of the cluster.
    pub namespace: Str,
    /// How sure it is.
    pub surety: Surety,
    /// Whether it was ever used for anything.
    pub used: UseCount,
}

impl Rbac {
    /// Everybody who can do something at a time, in the order of the bindings. `system:masters` can
    /// do everything besides.
    pub fn subjects_that_can(&self, what: &Attributes, at: Time) -> Vec<Holder> {
        let ask = what.ask();
        self.bindings_for(&what.namespace, at)
            .flat_map(|(key, version)| self.holders(key, version, &ask, at))
            .collect()
    }

    fn holders(
        &self,
        key: &BindingKey,
        version: &Version<BindingBody>,
        ask: &Ask<'_>,
        at: Time,
    ) -> Vec<Holder> {
        let (allowed, surety) = self.role_allows(&role_of(key, &version.body), ask, at);
        if allowed != Truth::True || version.life != Life::There {
            return Vec::new();
        }
        let holder = |subject: &Subject| {
            let via = grant(key, version, subject);
            let used = self.uses.count(&via, ask);
            let surety = surety.min(version.surety).min(self.unbroken(version.from, at));
            Holder { subject: via.subject(), surety, used, via }
        };
        version.body.subjects.iter().map(holder).collect()
    }

    /// Bindings that may give the right to somebody beyond those who are known.
    pub fn possible_holders(&self, what: &Attributes, at: Time) -> Vec<Possible> {
        let ask = what.ask();
        self.bindings_for(&what.namespace, at)
            .filter_map(|(key, version)| {
                let why = self.doubt_of(key, version, &ask, at)?;
                let subjects = version.body.subjects.clone();
                Some(Possible { binding: key.clone(), why: Str::const_new(why), subjects })
            })
            .collect()
    }

    fn doubt_of(
        &self,
        key: &BindingKey,
        version: &Version<BindingBody>,
        ask: &Ask<'_>,
        at: Time,
    ) -> Option<&'static str> {
        if version.body.role.is_empty() {
            return Some("its role and whom it binds are not in the log");
        }
        let (allowed, _) = self.role_allows(&role_of(key, &version.body), ask, at);
        match (allowed, version.known, version.life) {
            (Truth::False, ..) => None,
            (_, _, Life::Maybe) => Some("it may have been deleted"),
            (Truth::Unknown, ..) => Some("the rules of its role are not in the log"),
            (Truth::True, Known::Whole, _) => None,
            (Truth::True, ..) => Some("whom else it binds is not in the log"),
        }
    }

    /// What somebody is granted at a time, in the order of the bindings.
    pub fn grants_of(&self, who: &Who, at: Time) -> Vec<Held> {
        self.bindings
            .iter()
            .filter_map(|(key, history)| Some((key, history.at(at)?)))
            .filter(|(_, version)| version.life == Life::There)
            .filter_map(|(key, version)| {
                let subject = applies(&version.body.subjects, who, &key.namespace)?;
                Some(self.held(key, version, subject, at))
            })
            .collect()
    }

    fn held(
        &self,
        key: &BindingKey,
        version: &Version<BindingBody>,
        subject: &Subject,
        at: Time,
    ) -> Held {
        let grant = grant(key, version, subject);
        let role = self.role_at(&grant.role, at);
        Held {
            rules: role.rules.into_owned(),
            known: role.known,
            namespace: key.namespace.clone(),
            surety: role.surety.min(version.surety).min(self.unbroken(version.from, at)),
            used: self.uses.total(&grant),
            grant,
        }
    }
}
