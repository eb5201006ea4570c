//! Commands run inside containers, as sessions with a beginning, an end and what the pod's
//! credential did meanwhile.
//!
//! The log has the command, never what was typed or printed; what a shell was used for shows only in
//! what the pod's credential then does. A session has two records: the connection, and its end. Where
//! the second is missing the session has no end, and that is said.

use crate::ledger::life::Hand;
use serde::{Deserialize, Serialize};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::Hasher,
};
use trailhound_model::{
    Str,
    action::{ActionKind, Outcome},
    event::{Event, Stage},
    fact::Fact,
    observed::Witness,
    time::{HOUR, Time},
};

/// Sessions that are remembered.
pub const MOST_SESSIONS: usize = 10_000;
/// Characters of a command that are kept.
const MOST_COMMAND: usize = 500;
/// Records that are named of what a credential did.
const MOST_WITNESSES: usize = 5;
/// Pods' sessions that are looked at when the pod's credential acts.
const MOST_WATCHED: usize = 16;
/// How long after its end a session may explain what the pod's credential does.
pub const AFTERWARDS: i64 = HOUR;

/// In which way somebody went into a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// A command.
    #[default]
    #[serde(rename = "exec")]
    Exec,
    /// The running program's input and output.
    #[serde(rename = "attach")]
    Attach,
    /// A tunnel to a port.
    #[serde(rename = "port-forward")]
    PortForward,
    /// A container beside those that run.
    #[serde(rename = "debug")]
    Debug,
}

impl SessionKind {
    fn of(kind: ActionKind) -> Option<SessionKind> {
        match kind {
            ActionKind::PodExec => Some(SessionKind::Exec),
            ActionKind::PodAttach => Some(SessionKind::Attach),
            ActionKind::PodPortForward => Some(SessionKind::PortForward),
            ActionKind::PodDebug => Some(SessionKind::Debug),
            _ => None,
        }
    }

    /// What somebody did, as a verb phrase.
    pub fn phrase(self) -> &'static str {
        match self {
            SessionKind::Exec => "ran a command in",
            SessionKind::Attach => "attached to",
            SessionKind::PortForward => "opened a tunnel into",
            SessionKind::Debug => "put a debug container into",
        }
    }

    /// Whether files of the pod, its token among them, can be read that way.
    pub fn reaches_files(self) -> bool {
        self != SessionKind::PortForward
    }
}

/// What a credential did in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Doings {
    /// Requests.
    pub requests: u64,
    /// Of them refused by the authorizer.
    pub refused: u64,
    /// By action.
    pub actions: BTreeMap<ActionKind, u64>,
    /// The first few.
    pub witnesses: Vec<Witness>,
}

impl Doings {
    fn add(&mut self, fact: &Fact) {
        self.requests += 1;
        self.refused += u64::from(fact.action.outcome == Outcome::Denied);
        *self.actions.entry(fact.action.kind).or_default() += 1;
        if self.witnesses.len() < MOST_WITNESSES {
            self.witnesses.push(Witness::of(&fact.event));
        }
    }
}

/// Somebody inside a pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// In which way.
    pub kind: SessionKind,
    /// Who, with which credential, from where; its record is the opening.
    pub hand: Hand,
    /// Namespace of the pod.
    pub namespace: Str,
    /// Pod.
    pub pod: Str,
    /// Container, if it was named.
    pub container: Str,
    /// The command, masked, cut if long; empty for anything but exec, or if the log does not say.
    pub command: Str,
    /// A terminal was asked for: somebody typed.
    pub tty: bool,
    /// Input was sent.
    pub stdin: bool,
    /// When it began.
    pub opened: Time,
    /// Its end, if the log shows it.
    pub closed: Option<Witness>,
    /// What the pod's own credential did while it was open.
    pub meanwhile: Doings,
    /// The same in the hour after its end.
    pub afterwards: Doings,
}

impl Session {
    /// How long it was, in microseconds, if the log shows its end.
    pub fn length(&self) -> Option<i64> {
        Some(self.closed.as_ref()?.time.since(self.opened).max(0))
    }

    /// Whether the command speaks of where pods have their tokens.
    pub fn names_token(&self) -> bool {
        self.command.contains("serviceaccount") || self.command.contains("/secrets/")
    }

    fn of(kind: SessionKind, fact: &Fact) -> Session {
        let event = &fact.event;
        let opened = event.received.unwrap_or(event.time);
        // Servers that leave out the first record have only the end, with the time of the beginning.
        let at_once = event.stage == Stage::ResponseComplete && kind != SessionKind::Debug;
        Session {
            kind,
            hand: Hand::of(fact),
            namespace: event.namespace().into(),
            pod: event.object_name().into(),
            container: short(event.query("container").first().map_or("", String::as_str)),
            command: short(&event.query("command").join(" ")),
            tty: is_set(event, "tty"),
            stdin: is_set(event, "stdin"),
            opened,
            closed: at_once.then(|| Witness::of(event)),
            ..Session::default()
        }
    }

    fn count(&mut self, fact: &Fact) {
        let time = fact.event.time;
        match &self.closed {
            _ if time < self.opened => {}
            Some(end) if time > end.time => {
                if time.since(end.time) <= AFTERWARDS {
                    self.afterwards.add(fact);
                }
            }
            None if self.kind == SessionKind::Debug => {
                if time.since(self.opened) <= AFTERWARDS {
                    self.afterwards.add(fact);
                }
            }
            Some(_) | None => self.meanwhile.add(fact),
        }
    }

    /// Whether it can still explain something at a time.
    fn is_live(&self, time: Time) -> bool {
        let end = match (&self.closed, self.kind) {
            (Some(end), _) => end.time,
            (None, SessionKind::Debug) => self.opened,
            (None, _) => return time.since(self.opened) <= 24 * HOUR,
        };
        time.since(end) <= AFTERWARDS
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sessions {
    all: VecDeque<Session>,
    /// Number of the first that is still there.
    first: u64,
    /// Sessions that may still explain something, by the hash of the pod's namespace and name.
    watched: HashMap<u128, Vec<u64>>,
}

impl Sessions {
    /// Takes the next fact, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        if !fact.credential.pod.is_empty() && !self.watched.is_empty() {
            self.watch(fact);
        }
        if fact.action.outcome != Outcome::Allowed {
            return;
        }
        let Some(kind) = SessionKind::of(fact.action.kind) else { return };
        if fact.event.object_name().is_empty() {
            return;
        }
        let session = Session::of(kind, fact);
        let number = self.first + self.all.len() as u64;
        let watched = self.watched.entry(place(&session.namespace, &session.pod)).or_default();
        if watched.len() >= MOST_WATCHED {
            watched.remove(0);
        }
        watched.push(number);
        self.all.push_back(session);
        self.make_room();
    }

    /// The last record of a request whose first was observed before.
    pub fn close(&mut self, fact: &Fact) {
        if SessionKind::of(fact.action.kind).is_none() {
            return;
        }
        let event = &fact.event;
        let opened = event.received.unwrap_or(event.time);
        let is_it = |session: &&mut Session| {
            session.closed.is_none()
                && session.hand.witness.audit_id == event.audit_id
                && session.opened == opened
                && session.pod == event.object_name()
        };
        if let Some(session) = self.all.iter_mut().rev().find(is_it) {
            session.closed = Some(Witness::of(event));
        }
    }

    /// All sessions, in the order of their beginning.
    pub fn all(&self) -> impl Iterator<Item = &Session> {
        self.all.iter()
    }

    /// Sessions into a pod.
    pub fn into_pod(&self, namespace: &str, pod: &str) -> Vec<&Session> {
        let is_it = |one: &&Session| one.namespace == namespace && one.pod == pod;
        self.all.iter().filter(is_it).collect()
    }

    /// Sessions that somebody opened, by entity.
    pub fn by(&self, entity: &str) -> Vec<&Session> {
        let is_his = |one: &&Session| one.hand.by == entity || one.hand.acting_as == entity;
        self.all.iter().filter(is_his).collect()
    }

    /// Sessions forgotten because there were too many.
    pub fn forgotten(&self) -> u64 {
        self.first
    }

    /// Counts what a pod's credential does during and after sessions into the pod.
    fn watch(&mut self, fact: &Fact) {
        let pod = place(&fact.principal.actor().namespace, &fact.credential.pod);
        let Some(numbers) = self.watched.get_mut(&pod) else { return };
        let (all, first) = (&mut self.all, self.first);
        numbers.retain(|number| {
            let at = number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            let Some(session) = at.and_then(|at| all.get_mut(at)) else { return false };
            session.count(fact);
            session.is_live(fact.event.time)
        });
        if numbers.is_empty() {
            self.watched.remove(&pod);
        }
    }

    fn make_room(&mut self) {
        while self.all.len() > MOST_SESSIONS {
            self.all.pop_front();
            self.first += 1;
        }
        // Now and then only, because it looks at all of them.
        if self.watched.len() > 2 * MOST_SESSIONS {
            let first = self.first;
            self.watched.retain(|_, numbers| numbers.iter().any(|number| *number >= first));
        }
    }
}

/// A pod of the same name in another namespace is another pod. A hash, because it is asked for every use
/// of a pod's token.
fn place(namespace: &str, pod: &str) -> u128 {
    let mut hasher = SipHasher13::new();
    for part in [namespace, pod] {
        hasher.write(part.as_bytes());
        hasher.write_u8(0xff);
    }
    hasher.finish128().as_u128()
}

fn is_set(event: &Event, name: &str) -> bool {
    event.query(name).first().is_some_and(|value| matches!(value.as_str(), "true" | "1"))
}

fn short(text: &str) -> Str {
    text.chars().take(MOST_COMMAND).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::event::{ObjectRef, Status, User};

    fn fact(user: &str, verb: &str, (namespace, pod): (&str, &str), second: i64) -> Fact {
        let exec = verb == "create";
        let bound = ("authentication.kubernetes.io/pod-name".into(), vec![pod.into()]);
        let uid = ("authentication.kubernetes.io/pod-uid".into(), vec!["u".into()]);
        Fact::of(Event {
            user: User {
                name: user.into(),
                extra: if exec { Vec::new() } else { vec![bound, uid] },
                ..User::default()
            }
            .into(),
            verb: verb.into(),
            object: Some(Box::new(ObjectRef {
                resource: "pods".into(),
                subresource: if exec { "exec" } else { "" }.into(),
                namespace: namespace.into(),
                name: pod.into(),
                ..ObjectRef::default()
            })),
            stage: if exec { Stage::ResponseStarted } else { Stage::ResponseComplete },
            status: Some(
                Status { code: Some(if exec { 101 } else { 200 }), ..Status::default() }.into(),
            ),
            time: Time(second * 1_000_000),
            ..Event::default()
        })
    }

    #[test]
    fn sessions_into_a_namesake_elsewhere_do_not_blind_us() {
        let mut sessions = Sessions::default();
        sessions.observe(&fact("bob", "create", ("shop", "db-0"), 1));
        for second in 2..60 {
            sessions.observe(&fact("mallory", "create", ("mine", "db-0"), second));
        }
        sessions.observe(&fact("system:serviceaccount:shop:db", "list", ("shop", "db-0"), 70));
        let [session] = sessions.into_pod("shop", "db-0")[..] else { panic!("one session") };
        assert_eq!(session.meanwhile.requests, 1);
    }

    #[test]
    fn sessions_into_a_hundred_thousand_pods_are_bounded() {
        let mut sessions = Sessions::default();
        for number in 0..60_000 {
            sessions.observe(&fact("bob", "create", ("shop", &format!("p{number}")), number));
        }
        assert_eq!(sessions.all().count(), MOST_SESSIONS);
        assert!(sessions.watched.len() <= 2 * MOST_SESSIONS);
    }
}
