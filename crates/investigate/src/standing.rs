//! What the rebuilt cluster says of one thing at one moment: whether it was there, its owners, its
//! rights, who is behind it. Requests one by one cannot tell this: a grant may be known from a reason
//! of the authorizer alone, an owner from a body that was read an hour later, and a name may have
//! been used by several objects, one after the other.

use crate::{
    act::{Act, owner_entity},
    diff::rule_words,
    state::{Existence, Known},
    subject::Subject,
    who_can::{binding_entity, role_entity, subject_entity},
};
use serde::Serialize;
use trailhound_model::{
    Str, entity,
    observed::{Surety, Witness},
    time::Time,
};
use trailhound_twin::{
    Twin,
    ledger::origin::{How, who_really},
    objects::{Bound, Life},
    rbac::{BindingKey, Held, Life as There, RoleKey, Who},
};

pub use trailhound_twin::objects::Edge;

/// Generations of owners that are told.
const DEEPEST: usize = 8;
/// Lives of one name that are told, the latest.
const MOST_LIVES: usize = 20;
/// Grants that are told.
const MOST_GRANTS: usize = 200;
/// Rules told of one grant.
const MOST_RULES: usize = 50;

/// A grant that somebody had.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Right {
    /// The binding, as an entity.
    pub binding: String,
    /// The role, as an entity.
    pub role: String,
    /// Whom the binding names: the identity itself, or a group that it is in.
    pub through: String,
    /// Where it counts; empty is everywhere.
    pub namespace: String,
    /// Its rules in words, capped.
    pub rules: Vec<String>,
    /// How much of the rules is known: `nothing`, `part` or `whole`.
    pub rules_known: trailhound_twin::rbac::Known,
    /// How sure it is that the grant was there.
    pub surety: Surety,
    /// Requests in the whole log that it let in.
    pub uses: u64,
    /// Last of them.
    pub last_used: Option<Time>,
}

impl Right {
    /// Everybody, or every service account, has it: it tells nothing of this identity.
    pub fn is_shared(&self) -> bool {
        matches!(
            self.through.as_str(),
            "group:system:authenticated"
                | "group:system:unauthenticated"
                | "group:system:serviceaccounts"
        )
    }
}

/// What something belongs to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Owner {
    /// As an entity.
    pub entity: String,
    /// How sure it is: proved by a body, inferred from a generated name.
    pub surety: Surety,
    /// Who made the owner, as an entity; empty if the log does not say.
    pub created_by: String,
}

/// One bound of a life.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Limit {
    /// The moment.
    pub time: Time,
    /// `exact`, `not-later` (then or before) or `not-earlier` (then or after).
    pub edge: Edge,
    /// How sure.
    pub surety: Surety,
    /// `auditID` of the record that says so.
    pub audit_id: Str,
}

impl Limit {
    fn of(bound: &Bound) -> Limit {
        let Bound { time, edge, surety, witness } = bound;
        Limit { time: *time, edge: *edge, surety: *surety, audit_id: witness.audit_id.clone() }
    }
}

/// One object of the name: after a deletion the name may be used again.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OneLife {
    /// Its uid, if the log says.
    pub uid: String,
    /// When it began.
    pub begin: Limit,
    /// When it ended, if it did.
    pub end: Option<Limit>,
    /// Who made it, as an entity; empty if the log does not say.
    pub created_by: String,
    /// Who ended it.
    pub deleted_by: String,
}

/// Who is behind an identity or credential.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Behind {
    /// The log itself names who it was.
    pub known: bool,
    /// The likeliest, as an entity.
    pub entity: String,
    /// How sure that is.
    pub surety: Surety,
    /// In one sentence.
    pub sentence: String,
}

/// Who is behind it at a time, if that is somebody else than itself.
pub fn behind(twin: &Twin, subject: &str, at: Time) -> Option<Behind> {
    let origin = who_really(twin, subject, at);
    let first = origin.candidates.first()?;
    if first.how == How::Itself || first.entity == subject {
        return None;
    }
    Some(Behind {
        known: origin.known,
        entity: first.entity.to_string(),
        surety: first.surety,
        sentence: origin.sentence.clone(),
    })
}

/// What the cluster says of a subject at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    pub(crate) existence: Option<(Existence, Surety)>,
    pub(crate) known: Vec<Known>,
    pub(crate) owners: Vec<Owner>,
    pub(crate) lives: Vec<OneLife>,
    pub(crate) grants: Vec<Right>,
    pub(crate) behind: Option<Behind>,
    pub(crate) unknowns: Vec<String>,
}

impl Standing {
    /// Whether the cluster knows anything of it.
    pub(crate) fn is_empty(&self) -> bool {
        let own = |right: &Right| !right.through.starts_with("group:");
        self.lives.is_empty() && self.known.is_empty() && !self.grants.iter().any(own)
    }
}

/// Asks the twin. `groups` are those that a user was seen with.
pub(crate) fn standing(twin: &Twin, subject: &Subject, groups: &[Str], at: Time) -> Standing {
    let own = subject.entity();
    let lives = twin.objects().resolve(&own);
    let life = lives.iter().rev().find(|life| life.existed_at(at) > Surety::Unknown).copied();
    let mut told = Standing {
        existence: existence(&lives, at),
        lives: lives.iter().rev().take(MOST_LIVES).map(|life| one_life(life)).collect(),
        ..Standing::default()
    };
    if let Some(life) = life {
        places(life, at, &mut told.known);
        told.owners = owners(twin, life);
    }
    rbac_object(twin, subject, at, &mut told);
    if let Some(who) = identity(subject, life, groups) {
        let mut grants: Vec<Right> = twin.rbac().grants_of(&who, at).iter().map(right).collect();
        grants.sort_by_key(|right| (right.is_shared(), right.uses == 0));
        grants.truncate(MOST_GRANTS);
        told.grants = grants;
        if !twin.rbac().is_complete("", at) {
            told.unknowns.push(
                "The log does not show all bindings of the cluster, so that there may be grants that are not listed.".to_owned(),
            );
        }
        told.behind = behind(twin, &own, at);
    }
    told
}

fn existence(lives: &[&Life], at: Time) -> Option<(Existence, Surety)> {
    let surest = lives.iter().map(|life| life.existed_at(at)).max()?;
    if surest > Surety::Unknown {
        return Some((Existence::Exists, surest));
    }
    let ended = lives.iter().filter_map(|life| life.end.as_ref()).filter(|end| end.time <= at);
    let ended = ended.max_by_key(|end| end.time);
    let next = lives.iter().map(|life| &life.begin).filter(|begin| begin.time > at);
    let next = next.min_by_key(|begin| begin.time);
    match (ended, next) {
        // It was made anew at a time that is not known: perhaps already.
        (Some(_), Some(next)) if next.edge != Edge::Exact => None,
        (Some(end), _) => Some((Existence::Gone, end.surety)),
        (None, Some(next)) if next.edge == Edge::Exact => Some((Existence::NotYet, next.surety)),
        _ => None,
    }
}

fn one_life(life: &Life) -> OneLife {
    let who = |act: Option<&trailhound_twin::objects::Act>| {
        act.map(|act| act.who.to_string()).unwrap_or_default()
    };
    OneLife {
        uid: life.uid.to_string(),
        begin: Limit::of(&life.begin),
        end: life.end.as_ref().map(Limit::of),
        created_by: who(life.created_by.as_deref()),
        deleted_by: who(life.deleted_by.as_deref()),
    }
}

/// Node and account, also where only a binding or a token tells them, and what the version says.
fn places(life: &Life, at: Time, known: &mut Vec<Known>) {
    for (aspect, told) in [("node", &life.node), ("service account", &life.account)] {
        let Some(told) = told else { continue };
        // What was learned later holds for all of its life: neither changes.
        let value = match aspect {
            "service account" => entity::service_account(&life.namespace, &told.value),
            _ => told.value.to_string(),
        };
        known.push(one(aspect, value, told.surety, &told.witness, ""));
    }
    let version = life.versions.iter().rev().find(|one| one.time <= at && one.state.is_some());
    let Some((version, state)) = version.and_then(|one| Some((one, one.state.as_deref()?))) else {
        return;
    };
    for (aspect, value) in crate::state::aspects(state) {
        if !value.is_empty() {
            known.push(one(aspect, value, version.surety, &version.witness, &version.who));
        }
    }
}

fn one(aspect: &'static str, value: String, surety: Surety, by: &Witness, who: &str) -> Known {
    let witness = (!by.audit_id.is_empty()).then(|| Act::told(who, by, surety));
    Known { aspect, value, surety, witness }
}

/// Owners, nearest first.
fn owners(twin: &Twin, life: &Life) -> Vec<Owner> {
    let mut owners: Vec<Owner> = Vec::new();
    let mut next = Some(life);
    while let Some((life, (owner, surety))) = next.and_then(|life| Some((life, life.owner()?))) {
        if owner.kind.is_empty() || owners.len() >= DEEPEST {
            break;
        }
        let entity = owner_entity(&owner.kind, &life.namespace, &owner.name);
        if owners.iter().any(|known| known.entity == entity) {
            break;
        }
        let lives = twin.objects().resolve(&entity);
        let own = lives.iter().rev().find(|one| owner.uid.is_empty() || one.uid == owner.uid);
        next = own.or(lives.last()).copied();
        let by = next.and_then(|life| life.created_by.as_ref());
        let created_by = by.map(|act| act.who.to_string()).unwrap_or_default();
        owners.push(Owner { entity, surety, created_by });
    }
    owners
}

/// The identity whose rights are meant: of a pod that of its account.
fn identity(subject: &Subject, life: Option<&Life>, groups: &[Str]) -> Option<Who> {
    match subject {
        Subject::Account { namespace, name } => Some(Who::account(namespace, name)),
        Subject::User(name) => {
            let groups: Vec<&str> = groups.iter().map(Str::as_str).collect();
            Some(Who::user(name, &groups))
        }
        Subject::Node(name) => Some(Who::user(&format!("system:node:{name}"), &["system:nodes"])),
        Subject::Object { kind, namespace, .. } if kind == "pod" => {
            let account = life?.account.as_ref()?;
            Some(Who::account(namespace, &account.value))
        }
        _ => None,
    }
}

fn right(held: &Held) -> Right {
    let rules = held.rules.iter().take(MOST_RULES).map(rule_words).collect();
    Right {
        binding: binding_entity(&held.grant.binding.namespace, &held.grant.binding.name),
        role: role_entity(&held.grant.role),
        through: subject_entity(&held.grant.subject()),
        namespace: held.namespace.to_string(),
        rules,
        rules_known: held.known,
        surety: held.surety,
        uses: held.used.count,
        last_used: held.used.last,
    }
}

/// What a role or binding said, also where only the authorizer or Kubernetes' own table tells it.
fn rbac_object(twin: &Twin, subject: &Subject, at: Time, told: &mut Standing) {
    let Subject::Object { kind, namespace, name } = subject else { return };
    match kind.as_str() {
        "clusterrole" | "role" => {
            let versions = twin.rbac().role_versions(&RoleKey::new(namespace, name));
            let Some(now) = versions.iter().rev().find(|one| one.from <= at) else { return };
            there(now.life, now.surety, told);
            let rules = now.body.rules.iter().map(rule_words).collect::<Vec<_>>().join("; ");
            if !rules.is_empty() {
                told.known.push(one("rules", rules, now.surety, &now.witness, &now.by));
            }
        }
        "clusterrolebinding" | "rolebinding" => {
            let versions = twin.rbac().binding_versions(&BindingKey::new(namespace, name));
            let Some(now) = versions.iter().rev().find(|one| one.from <= at) else { return };
            there(now.life, now.surety, told);
            if !now.body.role.is_empty() {
                let role = format!("{} {}", now.body.role_kind, now.body.role);
                told.known.push(one("role", role, now.surety, &now.witness, &now.by));
            }
            let names: Vec<String> = now.body.subjects.iter().map(subject_entity).collect();
            if !names.is_empty() {
                let names = names.join(", ");
                told.known.push(one("subjects", names, now.surety, &now.witness, &now.by));
            }
            if now.known != trailhound_twin::rbac::Known::Whole {
                told.unknowns.push(
                    "Whom else the binding names is not in the log: it is known from the authorizer's reasons only.".to_owned(),
                );
            }
        }
        _ => {}
    }
}

fn there(life: There, surety: Surety, told: &mut Standing) {
    if told.existence.is_none() {
        told.existence = match life {
            There::There => Some((Existence::Exists, surety.min(Surety::Inferred))),
            There::Gone => Some((Existence::Gone, surety)),
            There::Maybe => None,
        };
    }
}
