//! What the authorizer's reasons teach of roles and bindings, and what it means when they say
//! otherwise than what was believed: then the log has lost a write.

use super::{
    BindingKey, LAG, Rbac, RoleKey,
    attributes::{Ask, Who},
    decide::{applies, role_of, subject_is},
    history::{BindingBody, Known, Life, Version},
    reason::{Authorizer, Decided, GrantRef},
    rules,
};
use trailhound_model::{
    event::Event,
    observed::{Surety, Witness},
    time::Time,
};

/// Subjects of one binding that reasons name.
const MOST_SUBJECTS: usize = 1_000;

impl Rbac {
    /// Takes the decision that a record tells of.
    pub(super) fn heed(&mut self, event: &Event) {
        let Some(decided) = Decided::of(event) else { return };
        let ask = Ask::of(event);
        let at = decided_at(event);
        match decided {
            Decided::Allowed(Authorizer::Rbac, reason) => self.used_by(event, reason, &ask, at),
            Decided::Refused => self.refusals.note(event.effective_user(), &ask, at),
            Decided::Allowed(..) => {}
        }
    }

    fn used_by(&mut self, event: &Event, reason: &str, ask: &Ask<'_>, at: Time) {
        let user = event.effective_user();
        let Some(noted) =
            self.uses.note((&event.annotations, reason), &user.name, ask, at, self.epoch)
        else {
            return;
        };
        if !noted.stale && !noted.new {
            return;
        }
        if !noted.new && self.fits(noted.reason) {
            return self.uses.compared(noted.reason, self.epoch);
        }
        let Some(grant) = self.uses.grant(noted.reason).cloned() else { return };
        let mut settled = true;
        if noted.stale {
            settled = self.learn_binding(&grant, event, at) & self.learn_role(&grant, event, at);
        }
        if noted.new {
            self.learn_rule(&grant, ask, event, at);
        }
        if settled {
            self.uses.compared(noted.reason, self.epoch);
        }
    }

    /// Whether a grant is as the bodies say: the ordinary case, for which nothing is to be done.
    fn fits(&self, reason: u32) -> bool {
        let Some(grant) = self.uses.grant(reason) else { return true };
        let subject = grant.subject();
        let bound = self.bindings.get(&grant.binding).and_then(|history| history.last());
        let there = self.roles.get(&grant.role).and_then(|history| history.last());
        there.is_some_and(|role| role.life == Life::There)
            && bound.is_some_and(|bound| {
                let mut own = bound.body.subjects.iter();
                bound.life == Life::There
                    && bound.known == Known::Whole
                    && role_of(&grant.binding, &bound.body) == grant.role
                    && own.any(|own| subject_is(own, &subject, &grant.binding.namespace))
            })
    }

    /// The binding was in force with this subject. Whether that fits what is known, now.
    fn learn_binding(&mut self, grant: &GrantRef, event: &Event, at: Time) -> bool {
        let Some(history) = self.binding_mut(&grant.binding, at) else { return true };
        if let Some(last) = history.last_mut() {
            if at < last.from {
                return false;
            }
            if last.life == Life::There && takes(last, grant) {
                return true;
            }
            if at.since(last.from) < LAG {
                return false;
            }
        }
        let mut version = told(event, at);
        takes(&mut version, grant);
        history.push(version);
        self.missed(at);
        true
    }

    /// The role was there.
    fn learn_role(&mut self, grant: &GrantRef, event: &Event, at: Time) -> bool {
        let Some(history) = self.role_mut(&grant.role) else { return true };
        match history.last() {
            Some(last) if last.life == Life::There => return true,
            Some(last) if at < last.from || at.since(last.from) < LAG => return false,
            _ => {}
        }
        history.push(told(event, at));
        self.missed(at);
        true
    }

    /// The role allowed this. If its rules as known do not, they are others.
    fn learn_rule(&mut self, grant: &GrantRef, ask: &Ask<'_>, event: &Event, at: Time) {
        let known = self.role_at(&grant.role, at);
        let silent =
            known.known != Known::Whole || known.rules.iter().any(|rule| rules::allows(rule, ask));
        if silent || ask.subresource == "proxy" {
            return;
        }
        let recent = self
            .roles
            .get(&grant.role)
            .and_then(|history| history.last())
            .is_some_and(|last| at.since(last.from) < LAG);
        if recent {
            return;
        }
        let Some(history) = self.role_mut(&grant.role) else { return };
        let mut version = told(event, at);
        if let Some(last) = history.last() {
            version.body = last.body.clone();
            version.known = Known::Part;
        }
        history.push(version);
        self.missed(at);
    }

    /// The log lacks a write.
    fn missed(&mut self, at: Time) {
        self.epoch += 1;
        self.coverage.lose_all(at);
    }

    /// Whether a role or binding that concerns somebody changed in a stretch of time.
    pub fn changed_for(&self, who: &Who, namespace: &str, from: Time, to: Time) -> bool {
        let within = |at: Time| at >= from && at <= to;
        let role_changed =
            |role: &RoleKey| self.role_versions(role).iter().any(|version| within(version.from));
        let concerns = |key: &BindingKey, version: &Version<BindingBody>| {
            version.known != Known::Whole
                || applies(&version.body.subjects, who, &key.namespace).is_some()
        };
        let bindings = self.bindings.iter();
        bindings
            .filter(|(key, _)| key.namespace.is_empty() || key.namespace == namespace)
            .map(|(key, history)| (key, history.versions()))
            .filter(|(key, versions)| versions.iter().any(|version| concerns(key, version)))
            .any(|(key, versions)| {
                versions
                    .iter()
                    .any(|one| within(one.from) || role_changed(&role_of(key, &one.body)))
            })
    }
}

/// When the decision was made: when the request came, not when it was answered.
pub(super) fn decided_at(event: &Event) -> Time {
    event.received.unwrap_or(event.time).min(event.time)
}

/// Puts a grant into what is known of its binding, unless that is known to be otherwise.
fn takes(known: &mut Version<BindingBody>, grant: &GrantRef) -> bool {
    let subject = grant.subject();
    let body = &mut known.body;
    let fits = body.role.is_empty() || role_of(&grant.binding, body) == grant.role;
    let mut named = body.subjects.iter();
    let named = named.any(|own| subject_is(own, &subject, &grant.binding.namespace));
    if !fits || (known.known == Known::Whole && !named) {
        return false;
    }
    body.role_kind = kind(grant).into();
    body.role.clone_from(&grant.role.name);
    if !named && body.subjects.len() < MOST_SUBJECTS {
        body.subjects.push(subject);
    }
    known.known = known.known.max(Known::Part);
    true
}

fn kind(grant: &GrantRef) -> &'static str {
    if grant.role.namespace.is_empty() { "ClusterRole" } else { "Role" }
}

/// A state that only a reason tells of.
fn told<T: Default>(event: &Event, at: Time) -> Version<T> {
    Version {
        from: at,
        surety: Surety::Inferred,
        witness: Witness::of(event),
        ..Version::default()
    }
}
