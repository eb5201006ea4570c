//! The question itself: may somebody do something at a time, and by which grants.
//!
//! RBAC only ever adds rights, so that *yes* needs one grant that is known, and *no* needs that every
//! binding that could apply is known. All between is unknown.

use super::{
    BindingKey, LAG, Rbac, RoleKey,
    attributes::{ACCOUNT, Ask, Attributes, Who},
    bootstrap,
    history::{BindingBody, Known, Life, RoleBody, Version},
    reason::GrantRef,
    rules,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use trailhound_model::{
    Str,
    body::{PolicyRule, Subject},
    lookup::Truth,
    observed::Surety,
    time::Time,
};

/// Reasons for not knowing that are given; of more, the first.
const MOST_DOUBTS: usize = 8;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether it is allowed.
    pub answer: Truth,
    /// How sure that is.
    pub surety: Surety,
    /// Every grant that allows it. Empty for `system:masters`, which needs none.
    pub by: Vec<GrantRef>,
    /// Why it is not known, in words.
    pub why_unknown: Vec<Str>,
}

impl Decision {
    fn new(answer: Truth, surety: Surety) -> Decision {
        Decision { answer, surety, by: Vec::new(), why_unknown: Vec::new() }
    }

    /// Whether the answer is one that must not be wrong.
    pub fn is_certain(&self) -> bool {
        self.answer != Truth::Unknown && self.surety == Surety::Proved
    }
}

/// The rules of a role at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleView<'a> {
    /// The rules, with those that it takes over from others.
    pub rules: Cow<'a, [PolicyRule]>,
    /// Whether these are all.
    pub known: Known,
    /// How sure they are.
    pub surety: Surety,
    /// Since when.
    pub from: Time,
    /// Until when.
    pub to: Option<Time>,
}

/// What one binding says to one question.
enum Says<'a> {
    Yes(&'a Subject, Surety),
    No(Surety),
    Unknown(&'static str),
}

impl Rbac {
    /// Whether somebody may do something at a time.
    pub fn decide(&self, who: &Who, what: &Attributes, at: Time) -> Decision {
        self.judge(who, &what.ask(), at)
    }

    pub(super) fn judge(&self, who: &Who, ask: &Ask<'_>, at: Time) -> Decision {
        if who.is_master() {
            return Decision::new(Truth::True, Surety::Proved);
        }
        let mut yes = Decision::new(Truth::True, Surety::Unknown);
        let mut no = self.surest_end(ask.namespace, at);
        let mut doubts: Vec<Str> = Vec::new();
        for (key, version) in self.bindings_for(ask.namespace, at) {
            match self.says(key, version, who, ask, at) {
                Says::Yes(subject, surety) => {
                    yes.surety = yes.surety.max(surety);
                    yes.by.push(grant(key, version, subject));
                }
                Says::No(surety) => no = no.min(surety),
                Says::Unknown(why) if doubts.len() < MOST_DOUBTS => {
                    doubts.push(doubt(key, why));
                }
                Says::Unknown(_) => {}
            }
        }
        if !yes.by.is_empty() {
            let denied = yes.surety < Surety::Proved && self.is_disproved(&yes.by, who, ask, at);
            return if denied { Decision::new(Truth::False, Surety::Inferred) } else { yes };
        }
        self.absent(who, ask, at, no, doubts)
    }

    /// Nothing that is known allows it.
    fn absent(
        &self,
        who: &Who,
        ask: &Ask<'_>,
        at: Time,
        no: Surety,
        mut doubts: Vec<Str>,
    ) -> Decision {
        let whole = self.coverage.bindings(ask.namespace, at);
        if whole && doubts.is_empty() {
            let known = self.is_complete(ask.namespace, at);
            return Decision::new(Truth::False, if known { no } else { no.min(Surety::Inferred) });
        }
        if self.was_refused(who, ask, at) {
            return Decision::new(Truth::False, Surety::Inferred);
        }
        if !whole {
            doubts.push(Str::const_new(
                "the log does not show every role binding that was there: some may be older than it",
            ));
        }
        Decision { why_unknown: doubts, ..Decision::new(Truth::Unknown, Surety::Unknown) }
    }

    /// Whether a refusal speaks against grants that are only supposed, and no use after it for them.
    fn is_disproved(&self, by: &[GrantRef], who: &Who, ask: &Ask<'_>, at: Time) -> bool {
        let last = by.iter().filter_map(|grant| self.uses.count(grant, ask).last).max();
        self.was_refused(who, ask, at) && self.refusals.last(who, ask) > last
    }

    /// Whether it was refused and no role or binding has changed since.
    fn was_refused(&self, who: &Who, ask: &Ask<'_>, at: Time) -> bool {
        let Some(refused) = self.refusals.last(who, ask).filter(|refused| *refused <= at) else {
            return false;
        };
        let since = refused.plus(-LAG);
        let within = |from: Time| from > since && from <= at;
        !self.roles.values().any(|history| history.versions().iter().any(|v| within(v.from)))
            && !self
                .bindings
                .values()
                .any(|history| history.versions().iter().any(|v| within(v.from)))
    }

    /// The bindings that Kubernetes asks for a request in a namespace.
    pub(super) fn bindings_for(
        &self,
        namespace: &str,
        at: Time,
    ) -> impl Iterator<Item = (&BindingKey, &Version<BindingBody>)> {
        self.bindings_ever(namespace, at).filter(|(_, version)| version.life != Life::Gone)
    }

    /// The same, with those that are gone.
    fn bindings_ever(
        &self,
        namespace: &str,
        at: Time,
    ) -> impl Iterator<Item = (&BindingKey, &Version<BindingBody>)> {
        let of = |namespace: &str| {
            let namespace = Str::from(namespace);
            self.bindings
                .range(BindingKey { namespace: namespace.clone(), name: Str::default() }..)
                .take_while(move |(key, _)| key.namespace == namespace)
        };
        let own = (!namespace.is_empty()).then(|| of(namespace));
        of("")
            .chain(own.into_iter().flatten())
            .filter_map(move |(key, history)| Some((key, history.at(at)?)))
    }

    /// How sure it is that every binding that is taken to be gone is.
    fn surest_end(&self, namespace: &str, at: Time) -> Surety {
        let gone = self.bindings_ever(namespace, at);
        gone.filter(|(_, version)| version.life == Life::Gone)
            .map(|(_, version)| version.surety)
            .min()
            .unwrap_or(Surety::Proved)
    }

    fn says<'a>(
        &self,
        key: &BindingKey,
        version: &'a Version<BindingBody>,
        who: &Who,
        ask: &Ask<'_>,
        at: Time,
    ) -> Says<'a> {
        let Some(subject) = applies(&version.body.subjects, who, &key.namespace) else {
            return if version.known == Known::Whole && version.life == Life::There {
                Says::No(version.surety)
            } else {
                Says::Unknown("whom it binds is not in the log")
            };
        };
        if version.body.role.is_empty() {
            return Says::Unknown("which role it binds is not in the log");
        }
        match self.role_allows(&role_of(key, &version.body), ask, at) {
            (Truth::True, surety) if version.life == Life::There => {
                let firm = version.surety.min(self.unbroken(version.from, at));
                Says::Yes(subject, surety.min(firm))
            }
            (Truth::False, surety) => Says::No(surety.min(version.surety)),
            (Truth::True, _) => Says::Unknown("it may have been deleted"),
            (Truth::Unknown, _) => Says::Unknown("the rules of its role are not in the log"),
        }
    }

    /// Whether a role allows something.
    pub(super) fn role_allows(&self, role: &RoleKey, ask: &Ask<'_>, at: Time) -> (Truth, Surety) {
        let view = self.role_at(role, at);
        if view.rules.iter().any(|rule| rules::allows(rule, ask)) {
            return (Truth::True, view.surety);
        }
        if view.known == Known::Whole {
            return (Truth::False, view.surety);
        }
        if self.uses.role_allowed(role, ask, view.from, view.to) {
            return (Truth::True, Surety::Inferred);
        }
        (Truth::Unknown, Surety::Unknown)
    }

    /// The rules of a role at a time.
    pub fn rules_of(&self, role: &RoleKey, at: Time) -> RoleView<'_> {
        self.role_at(role, at)
    }

    pub(super) fn role_at(&self, role: &RoleKey, at: Time) -> RoleView<'_> {
        let history = self.roles.get(role);
        let Some((history, version)) = history.and_then(|h| Some((h, h.at(at)?))) else {
            let whole = self.coverage.roles(&role.namespace, at);
            return RoleView::none(whole, Surety::Proved, Time(i64::MIN));
        };
        let to = history.end(at);
        match version.life {
            Life::Gone => {
                let surety = version.surety.min(self.unbroken(version.from, at));
                RoleView { to, ..RoleView::none(true, surety, version.from) }
            }
            Life::Maybe => RoleView { to, ..RoleView::none(false, version.surety, version.from) },
            Life::There => self.role_view(version, to, at),
        }
    }

    fn role_view<'a>(
        &'a self,
        version: &'a Version<RoleBody>,
        to: Option<Time>,
        at: Time,
    ) -> RoleView<'a> {
        let body = &version.body;
        let mut view = RoleView {
            rules: Cow::Borrowed(&body.rules),
            known: version.known,
            surety: version.surety.min(self.unbroken(version.from, at)),
            from: version.from,
            to,
        };
        // An answer shows what the controller has filled in by then; anything less does not.
        if body.is_aggregated() && version.surety != Surety::Proved {
            let all = self.roles_at(at);
            let mut rules = bootstrap::union(body, all.into_iter().map(|(key, v)| (key, &v.body)));
            rules.extend(body.rules.iter().cloned());
            view.rules = Cow::Owned(rules);
            view.known = view.known.min(Known::Part);
        }
        view
    }
}

impl RoleView<'_> {
    fn none(whole: bool, surety: Surety, from: Time) -> Self {
        let known = if whole { Known::Whole } else { Known::Nothing };
        RoleView { rules: Cow::Borrowed(&[]), known, surety, from, to: None }
    }
}

fn doubt(key: &BindingKey, why: &str) -> Str {
    let name = if key.namespace.is_empty() {
        format!("ClusterRoleBinding \"{}\"", key.name)
    } else {
        format!("RoleBinding \"{}/{}\"", key.namespace, key.name)
    };
    format!("{name} might allow it: {why}").into()
}

/// The role that a binding names.
pub(super) fn role_of(key: &BindingKey, body: &BindingBody) -> RoleKey {
    let namespace = if body.role_kind == "ClusterRole" { "" } else { key.namespace.as_str() };
    if namespace.is_empty() && body.role_kind == "Role" {
        // A cluster role binding of a role binds nothing: no name is like this one.
        return RoleKey::new("", "/");
    }
    RoleKey::new(namespace, &body.role)
}

/// The grant by which a subject of a binding has a role.
pub(super) fn grant(
    key: &BindingKey,
    version: &Version<BindingBody>,
    subject: &Subject,
) -> GrantRef {
    let account = subject.kind == "ServiceAccount";
    let own =
        if account && subject.namespace.is_empty() { &key.namespace } else { &subject.namespace };
    GrantRef {
        binding: key.clone(),
        role: role_of(key, &version.body),
        subject_kind: subject.kind.clone(),
        subject: subject.name.clone(),
        subject_namespace: if account { own.clone() } else { Str::default() },
    }
}

/// The first subject that somebody is.
pub(super) fn applies<'a>(
    subjects: &'a [Subject],
    who: &Who,
    namespace: &str,
) -> Option<&'a Subject> {
    subjects.iter().find(|subject| match subject.kind.as_str() {
        "User" => subject.name == who.user,
        "Group" => who.is_in(&subject.name),
        "ServiceAccount" => is_account(subject, who, namespace),
        _ => false,
    })
}

/// An account of a role binding is one of its namespace unless it names another; of a cluster role
/// binding it must name one.
fn is_account(subject: &Subject, who: &Who, namespace: &str) -> bool {
    let namespace = if subject.namespace.is_empty() { namespace } else { &subject.namespace };
    let Some((own, name)) = who.user.strip_prefix(ACCOUNT).and_then(|rest| rest.split_once(':'))
    else {
        return false;
    };
    !namespace.is_empty() && own == namespace && subject.name == name
}

/// Whether two subjects are the same one in a binding of a namespace.
pub(super) fn subject_is(one: &Subject, other: &Subject, namespace: &str) -> bool {
    let of = |subject: &Subject| {
        let named = subject.kind != "ServiceAccount" || !subject.namespace.is_empty();
        if named { subject.namespace.clone() } else { Str::from(namespace) }
    };
    one.kind == other.kind
        && one.name == other.name
        && (one.kind != "ServiceAccount" || of(one) == of(other))
}
