//! How something was at one moment: whether it was there, what it was, whom it belonged to, what it
//! had done until then. Each statement has the record that says so, and is proved only if that record
//! shows the object itself.
//!
//! What a patch asks for is not the object: it is told as inferred. What nobody wrote or read before
//! that moment is unknown, however likely it is.

use crate::{
    act::{Act, Change},
    diff::rule_words,
    standing::{Behind, OneLife, Owner, Right, standing},
    subject::{Relation, Subject},
};
use serde::Serialize;
use std::collections::BTreeMap;
use trailhound_model::{
    Str,
    action::Outcome,
    entity,
    fact::Fact,
    observed::{Observation, PodSpec, Said, State, Surety},
    time::Time,
};
use trailhound_twin::Twin;

/// Different credentials, addresses or grants that are kept.
const MOST_VALUES: usize = 50;

/// Told where no record shows the object itself.
const NO_BODIES: &str = "What the object says (its spec) is not in the log before this moment: bodies are logged at level Request or RequestResponse only.";

/// Whether it was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Existence {
    /// It was there.
    Exists,
    /// It had been deleted; the end may have taken its grace period.
    Gone,
    /// It was created later.
    NotYet,
    /// The log does not say.
    #[default]
    Unknown,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Known {
    /// Of what: `node`, `images`, `service account` …
    pub aspect: &'static str,
    /// What is known.
    pub value: String,
    /// How sure.
    pub surety: Surety,
    /// The record that says so, and who wrote it; none if Kubernetes itself makes it so.
    pub witness: Option<Act>,
}

/// Something that was seen a number of times.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Seen {
    /// What: a credential as an entity, an address, the reason of the authorizer.
    pub what: String,
    /// How often.
    pub count: u64,
    /// First time.
    pub first: Time,
    /// Last time.
    pub last: Time,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StateAt {
    /// About what, as an entity.
    pub entity: String,
    /// The moment.
    pub at: Time,
    /// Whether it was there, for what can be there or not.
    pub existence: Existence,
    /// How sure that is.
    pub surety: Surety,
    /// Who made it.
    pub created: Option<Act>,
    /// Who ended it, before or after the moment.
    pub deleted: Option<Act>,
    /// What it was.
    pub known: Vec<Known>,
    /// Requests that it made until then.
    pub requests: u64,
    /// First of them.
    pub first: Option<Time>,
    /// Last of them.
    pub last: Option<Time>,
    /// Credentials that it had used, last first.
    pub credentials: Vec<Seen>,
    /// Addresses that it came from.
    pub addresses: Vec<Seen>,
    /// Grants that the authorizer named when it let it in: proved uses, not all of its rights.
    pub grants_used: Vec<Seen>,
    /// What it belonged to, nearest first.
    pub owners: Vec<Owner>,
    /// Objects of this name over the whole log, the latest first.
    pub lives: Vec<OneLife>,
    /// Grants that it had; of a pod those of its service account. Shared ones last.
    pub grants: Vec<Right>,
    /// Who is behind it, of an identity.
    pub behind: Option<Behind>,
    /// What the log cannot tell.
    pub unknowns: Vec<String>,
}

impl StateAt {
    /// Takes certainty away where the moment lies outside of the log.
    pub fn within(&mut self, first: Time, last: Time) {
        let at = self.at;
        if at < first && self.existence != Existence::Exists
            || at > last && self.existence != Existence::Unknown
        {
            self.surety = self.surety.min(Surety::Inferred);
        }
        if at < first {
            self.unknowns.push(format!("The log begins at {first}: what was before is known only where a later record tells of it."));
        } else if at > last {
            self.unknowns
                .push(format!("The log ends at {last}: what happened after it is unknown."));
        }
    }
}

/// Picks what concerns one thing out of a log.
#[derive(Clone, Debug)]
pub struct Collector {
    subject: Subject,
    state: StateAt,
    aspects: BTreeMap<&'static str, Known>,
    /// Whether the last word before the moment was that it is there.
    there: Option<(bool, Surety)>,
    after: Option<Change>,
    seen_after: bool,
    credentials: BTreeMap<String, Seen>,
    addresses: BTreeMap<String, Seen>,
    grants: BTreeMap<String, Seen>,
    groups: Vec<Str>,
    bodies: bool,
}

impl Collector {
    /// Nothing is picked yet.
    pub fn new(subject: Subject, at: Time) -> Collector {
        let state = StateAt { entity: subject.entity(), at, ..StateAt::default() };
        Collector {
            subject,
            state,
            aspects: BTreeMap::new(),
            there: None,
            after: None,
            seen_after: false,
            credentials: BTreeMap::new(),
            addresses: BTreeMap::new(),
            grants: BTreeMap::new(),
            groups: Vec::new(),
            bodies: false,
        }
    }

    /// Takes the next request, in order of time.
    pub fn observe(&mut self, fact: &Fact) {
        let Some(relation) = self.subject.relation(fact) else { return };
        let before = fact.event.time <= self.state.at;
        // A pod's own token can delete the pod.
        if relation == Relation::By && self.subject.is_object_of(fact) {
            self.happened(fact, before);
        }
        match relation {
            Relation::By if before => self.acted(fact),
            Relation::On => self.happened(fact, before),
            _ => self.seen_after |= !before,
        }
    }

    fn acted(&mut self, fact: &Fact) {
        let time = fact.event.time;
        self.state.requests += 1;
        self.state.first = Some(self.state.first.unwrap_or(time));
        self.state.last = Some(time);
        self.there = Some((true, Surety::Inferred));
        if fact.principal.real.is_none() {
            self.groups.clone_from(&fact.event.user.groups);
        }
        let id = fact.credential.id.as_str();
        let named = if id.is_empty() { String::new() } else { entity::credential(id) };
        count(&mut self.credentials, named, time);
        count(&mut self.addresses, fact.event.source_ip().to_owned(), time);
        if fact.action.outcome == Outcome::Allowed {
            let reason = fact.event.annotation("authorization.k8s.io/reason").unwrap_or_default();
            count(&mut self.grants, reason.to_owned(), time);
        }
        self.bound(fact);
    }

    /// What the credential of a pod says of the pod.
    fn bound(&mut self, fact: &Fact) {
        let is_pod = matches!(&self.subject, Subject::Object { kind, .. } if kind == "pod");
        if !is_pod {
            return;
        }
        let account = fact.principal.actor().entity();
        self.say("service account", account, Surety::Proved, fact);
        self.say("node", fact.credential.node.to_string(), Surety::Proved, fact);
        self.say("uid", fact.credential.pod_uid.to_string(), Surety::Proved, fact);
        self.say("came from", fact.event.source_ip().to_owned(), Surety::Inferred, fact);
    }

    fn happened(&mut self, fact: &Fact, before: bool) {
        if matches!(self.subject, Subject::Namespace(_)) && fact.event.resource() != "namespaces" {
            return;
        }
        let whole = fact.event.subresource().is_empty();
        let change = Change::of(fact).filter(|_| whole);
        if !before {
            if change == Some(Change::Deleted) && self.state.deleted.is_none() {
                self.state.deleted = Some(Act::of(fact));
            }
            if !self.seen_after {
                self.after = change;
            }
            self.seen_after |= fact.action.outcome == Outcome::Allowed;
            return;
        }
        self.exists(fact, change);
        for object in fact.observed.iter().flat_map(|observed| &observed.objects) {
            self.bodies = true;
            self.learn(object, fact);
        }
    }

    fn exists(&mut self, fact: &Fact, change: Option<Change>) {
        match (fact.action.outcome, change) {
            (Outcome::Allowed, Some(Change::Deleted)) => {
                self.there = Some((false, Surety::Proved));
                // A kubelet confirms what somebody else asked for.
                self.state.deleted.get_or_insert_with(|| Act::of(fact));
            }
            (Outcome::Allowed, Some(Change::Created)) => {
                // Another object of the same name: nothing of the old one holds.
                self.aspects.clear();
                self.state.created = Some(Act::of(fact));
                self.state.deleted = None;
                self.there = Some((true, Surety::Proved));
            }
            (Outcome::Allowed, _) if self.there.is_none_or(|(there, _)| there) => {
                self.there = Some((true, Surety::Proved));
            }
            (Outcome::NotFound, _) => self.there = Some((false, Surety::Proved)),
            _ => {}
        }
    }

    fn learn(&mut self, object: &Observation, fact: &Fact) {
        let sure = if object.whole || object.said != Said::Asked {
            Surety::Proved
        } else {
            Surety::Inferred
        };
        let owners: Vec<String> =
            object.owners.iter().map(|owner| format!("{} {}", owner.kind, owner.name)).collect();
        self.say("uid", object.uid.to_string(), sure, fact);
        self.say("belongs to", owners.join(", "), sure, fact);
        self.say("labels", pairs(&object.labels), sure, fact);
        for (aspect, value) in aspects(&object.state) {
            self.say(aspect, value, sure, fact);
        }
    }

    fn say(&mut self, aspect: &'static str, value: String, surety: Surety, fact: &Fact) {
        if value.is_empty() {
            return;
        }
        let same = self.aspects.get(aspect).is_some_and(|known| known.value == value);
        if !same {
            let witness = Act::of(fact);
            let witness = Some(witness);
            self.aspects.insert(aspect, Known { aspect, value, surety, witness });
        }
    }

    /// The answer, with what the rebuilt cluster knows besides; `None` if neither knows it.
    pub fn finish_with(self, twin: &Twin) -> Option<StateAt> {
        let (subject, at) = (self.subject.clone(), self.state.at);
        let entity = self.state.entity.clone();
        let told = standing(twin, &subject, &self.groups, at);
        let mut state = match self.finish() {
            Some(state) => state,
            None if told.is_empty() => return None,
            None => StateAt { entity, at, ..StateAt::default() },
        };
        if !told.known.is_empty() {
            state.unknowns.retain(|text| text != NO_BODIES);
        }
        if let Some((existence, surety)) = told.existence {
            (state.existence, state.surety) = (existence, surety);
        }
        for known in told.known {
            if !state.known.iter().any(|one| one.aspect == known.aspect) {
                state.known.push(known);
            }
        }
        if state.existence != Existence::Exists {
            state.known.retain(|_| state.existence != Existence::NotYet);
        }
        state.known.sort_by_key(|known| known.aspect);
        state.owners = told.owners;
        state.lives = told.lives;
        state.grants = told.grants;
        state.behind = told.behind;
        state.unknowns.extend(told.unknowns);
        Some(state)
    }

    /// The answer from requests alone; `None` if they know nothing of it.
    pub fn finish(self) -> Option<StateAt> {
        let Collector { mut state, there, after, seen_after, .. } = self;
        if there.is_none() && !seen_after && after.is_none() {
            return None;
        }
        (state.existence, state.surety) = match (there, after) {
            (Some((true, surety)), _) => (Existence::Exists, surety),
            (Some((false, surety)), _) => (Existence::Gone, surety),
            (None, Some(Change::Created)) => (Existence::NotYet, Surety::Proved),
            (None, _) => (Existence::Unknown, Surety::Unknown),
        };
        if !self.bodies && matches!(self.subject, Subject::Object { .. }) {
            state.unknowns.push(NO_BODIES.to_owned());
        }
        state.known = self.aspects.into_values().collect();
        state.credentials = latest(self.credentials);
        state.addresses = latest(self.addresses);
        state.grants_used = latest(self.grants);
        Some(state)
    }
}

fn count(values: &mut BTreeMap<String, Seen>, what: String, time: Time) {
    let full = values.len() >= MOST_VALUES;
    if what.is_empty() || full && !values.contains_key(&what) {
        return;
    }
    let seen = values.entry(what).or_insert_with_key(|what| Seen {
        what: what.chars().take(500).collect(),
        first: time,
        ..Seen::default()
    });
    seen.count += 1;
    seen.last = time;
}

fn latest(values: BTreeMap<String, Seen>) -> Vec<Seen> {
    let mut values: Vec<Seen> = values.into_values().collect();
    values.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.what.cmp(&b.what)));
    values
}

pub(crate) fn aspects(state: &State) -> Vec<(&'static str, String)> {
    match state {
        State::Bare | State::Note { .. } | State::Token { .. } => Vec::new(),
        State::Pod { spec, addresses, phase, .. } => {
            let mut all = spec_aspects(spec);
            all.extend([("address", listed(addresses)), ("phase", phase.to_string())]);
            all
        }
        State::Workload { spec, replicas, .. } => {
            let mut all = spec_aspects(spec);
            all.push(("replicas", replicas.map(|count| count.to_string()).unwrap_or_default()));
            all
        }
        State::Bound { node } => vec![("node", node.to_string())],
        State::Role { rules, .. } => {
            vec![("rules", rules.iter().map(rule_words).collect::<Vec<_>>().join("; "))]
        }
        State::Binding(binding) => vec![
            ("role", format!("{} {}", binding.role_kind, binding.role)),
            ("subjects", subjects(binding)),
        ],
        State::Account { secrets, cloud_role, .. } => {
            vec![("secrets", listed(secrets)), ("cloud role", cloud_role.to_string())]
        }
        State::Secret { kind, account } => {
            vec![("type", kind.to_string()), ("token of", account.to_string())]
        }
        State::Node { addresses, provider } => {
            vec![("address", listed(addresses)), ("provider", provider.to_string())]
        }
        State::Service { kind, selector, addresses } => vec![
            ("type", kind.to_string()),
            ("selector", pairs(selector)),
            ("address", listed(addresses)),
        ],
        State::Ingress { hosts, services, secrets } => vec![
            ("hosts", listed(hosts)),
            ("leads to", listed(services)),
            ("secrets", listed(secrets)),
        ],
        State::Admission { calls, failure_policies } => {
            vec![("calls", listed(calls)), ("on failure", listed(failure_policies))]
        }
        State::Certificate {
            requester, signer, common_name, organizations, conditions, ..
        } => {
            vec![
                ("asked for by", requester.to_string()),
                ("signer", signer.to_string()),
                ("common name", common_name.to_string()),
                ("organizations", listed(organizations)),
                ("conditions", listed(conditions)),
            ]
        }
    }
}

fn spec_aspects(spec: &PodSpec) -> Vec<(&'static str, String)> {
    let images: Vec<&str> = spec.containers.iter().map(|one| one.image.as_str()).collect();
    let privileged = spec.containers.iter().filter(|one| one.privileged);
    let mut near: Vec<String> =
        privileged.map(|one| format!("{} is privileged", one.name)).collect();
    let flags = [
        (spec.host_pid, "processes of the node"),
        (spec.host_ipc, "memory of the node's processes"),
        (spec.host_network, "network of the node"),
    ];
    near.extend(flags.iter().filter(|(is, _)| *is).map(|(_, what)| (*what).to_owned()));
    near.extend(spec.host_paths.iter().map(|path| format!("{path} of the node")));
    vec![
        ("service account", spec.service_account.to_string()),
        ("node", spec.node.to_string()),
        ("images", images.join(", ")),
        ("secrets", listed(&spec.secrets)),
        ("config maps", listed(&spec.config_maps)),
        ("reaches the node", near.join(", ")),
        ("capabilities", listed(&spec.capabilities)),
    ]
}

fn subjects(binding: &trailhound_model::body::Binding) -> String {
    let names = binding.subjects.iter().map(trailhound_model::body::Subject::authorizer_name);
    names.collect::<Vec<_>>().join(", ")
}

fn listed(names: &[Str]) -> String {
    names.iter().map(Str::as_str).collect::<Vec<_>>().join(", ")
}

fn pairs(labels: &[(Str, Str)]) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{
        event::{Event, ObjectRef, Stage, Status, User},
        observed::Observed,
    };

    fn on_pod(second: i64, verb: &str, code: u16, node: Option<&str>) -> Fact {
        let mut fact = Fact::of(Event {
            stage: Stage::ResponseComplete,
            time: Time(second),
            verb: verb.into(),
            user: User { name: "bob".into(), ..User::default() }.into(),
            object: Some(Box::new(ObjectRef {
                resource: "pods".into(),
                namespace: "shop".into(),
                name: "cart".into(),
                ..ObjectRef::default()
            })),
            status: Some(Status { code: Some(code), ..Status::default() }.into()),
            ..Event::default()
        });
        fact.observed = node.map(|node| {
            let spec = PodSpec { node: node.into(), ..PodSpec::default() };
            let state =
                State::Pod { spec, addresses: vec![], host: Str::default(), phase: Str::default() };
            let object = Observation { state, whole: true, ..Observation::default() };
            Box::new(Observed { objects: vec![object], left_out: 0 })
        });
        fact
    }

    fn at(second: i64, facts: &[Fact]) -> Option<StateAt> {
        let subject = Subject::parse("pod:shop/cart").unwrap();
        let mut collector = Collector::new(subject, Time(second));
        for fact in facts {
            collector.observe(fact);
        }
        collector.finish()
    }

    #[test]
    fn a_recreated_pod_is_another_pod() {
        let facts = [
            on_pod(10, "create", 201, Some("n1")),
            on_pod(20, "delete", 200, None),
            on_pod(30, "create", 201, None),
        ];
        let told = |second| at(second, &facts).unwrap();
        assert_eq!(told(5).existence, Existence::NotYet);
        assert_eq!(
            (told(15).existence, told(15).known[0].value.as_str()),
            (Existence::Exists, "n1")
        );
        assert_eq!(told(15).deleted.unwrap().time, Time(20));
        assert_eq!(told(25).existence, Existence::Gone);
        assert_eq!((told(35).existence, told(35).known.len()), (Existence::Exists, 0));
    }

    #[test]
    fn what_nobody_wrote_or_read_before_is_unknown() {
        let told = at(5, &[on_pod(10, "get", 200, None)]).unwrap();
        assert_eq!((told.existence, told.surety), (Existence::Unknown, Surety::Unknown));
        assert!(at(5, &[]).is_none());
    }
}
