//! Facts of deeds without a log in between: a race of detectors over months of many clusters cannot
//! wait until every request has been written as JSON and read again.
//!
//! What repeats is made once and only gets its new time: deeds share their actors and names in
//! memory, and holding them keeps their places theirs. Acts with bodies do go through the writer and
//! the decoder, because what bodies say must be extracted by the same code as in the product.
//! `xtask learn agree` proves that both ways give the same rows.

use std::collections::HashSet;
use std::sync::Arc;
use trailhound_generate::life::Deed;
use trailhound_generate::{
    Act, Actor, Credential, Id, Level as Policy, Profile, Stage, Target, Writer,
};
use trailhound_ingest::{Chunk, Decoder, Masker, Sink, decode};
use trailhound_model::event::{Event, Level, ObjectRef, Stage as Recorded, Status, User};
use trailhound_model::fact::{Fact, Identities};
use trailhound_model::lookup::Bodies;
use trailhound_model::scan::Rejected;
use trailhound_model::time::Time;
use trailhound_model::{Shared, Str, observed};

/// Facts that are kept for the next deed of the same kind.
const KINDS: usize = 1 << 15;
/// Actors that are kept.
const ACTORS: usize = 1 << 12;
/// Requests that are remembered as begun.
const MOST_OPEN: usize = 300_000;

/// Makes facts of deeds.
pub(crate) struct Deeds<'m> {
    policy: Policy,
    skew: Vec<i64>,
    writer: Writer,
    decoder: Decoder<'m>,
    identities: Identities,
    actors: Vec<Option<Known>>,
    kinds: Vec<Option<Kind>>,
    open: HashSet<Id>,
    line: Vec<u8>,
}

/// What follows from an actor alone.
struct Known {
    actor: Arc<Actor>,
    user: Shared<User>,
    impersonated: Option<Shared<User>>,
    addresses: Shared<Vec<Str>>,
    agent: Shared<Str>,
}

/// An act and its fact.
struct Kind {
    act: Act,
    fact: Fact,
}

impl<'m> Deeds<'m> {
    /// For deeds of a cluster with this audit policy and these clocks.
    pub(crate) fn new(profile: &Profile, masker: &'m Masker) -> Deeds<'m> {
        Deeds {
            policy: profile.level,
            skew: profile.skew.clone(),
            writer: Writer::new(profile),
            decoder: Decoder::new(masker),
            identities: Identities::default(),
            actors: empty(ACTORS),
            kinds: empty(KINDS),
            open: HashSet::new(),
            line: Vec::new(),
        }
    }

    /// The fact of a deed's first act; none if it only ends a request that was told when it began.
    /// Its auditID and what is claimed with it are left empty: rows do not need them.
    pub(crate) fn fact(&mut self, deed: &Deed) -> Option<&Fact> {
        let act = &deed.act;
        if self.is_end(act) {
            return None;
        }
        let at = place_of(act) % KINDS;
        let known = self.kinds.get(at)?.as_ref().is_some_and(|kind| is_repeat(&kind.act, act));
        if !known {
            let fact = self.made(act)?;
            *self.kinds.get_mut(at)? = Some(Kind { act: act.clone(), fact });
        }
        let skew = self.skew_of(&act.actor);
        let Kind { act: last, fact } = self.kinds.get_mut(at)?.as_mut()?;
        let event = &mut fact.event;
        event.received = Some(Time(act.received + skew));
        event.time = Time(act.completed.max(act.received) + skew);
        if act.target.version != last.target.version
            && let Some(object) = &mut event.object
        {
            last.target.version = act.target.version;
            object.resource_version = version(act.target.version);
        }
        Some(fact)
    }

    /// Whether the request was told already when it began.
    fn is_end(&mut self, act: &Act) -> bool {
        if act.stage == Stage::Complete {
            return !self.open.is_empty() && self.open.remove(&act.id);
        }
        if self.open.len() >= MOST_OPEN {
            self.open.clear();
        }
        self.open.insert(act.id);
        false
    }

    fn skew_of(&self, actor: &Actor) -> i64 {
        self.skew.get(usize::from(actor.server)).copied().unwrap_or(0)
    }

    fn made(&mut self, act: &Act) -> Option<Fact> {
        let level = self.level(&act.target);
        if level == Level::RequestResponse && (act.request.is_some() || act.response.is_some()) {
            return self.read_back(act);
        }
        let event = self.event(act, level)?;
        Some(Fact::recalled(event, &mut self.identities))
    }

    /// As the writer does: credentials and configuration are logged without bodies.
    fn level(&self, target: &Target) -> Level {
        let Some(resource) = target.resource else { return Level::Metadata };
        let closed = resource.group.is_empty()
            && matches!(resource.plural, "secrets" | "configmaps")
            || target.part == "token";
        if closed || self.policy == Policy::Metadata {
            return Level::Metadata;
        }
        Level::RequestResponse
    }

    fn read_back(&mut self, act: &Act) -> Option<Fact> {
        self.line.clear();
        self.writer.write(act, &mut self.line);
        let chunk = Chunk::from_bytes(0, "", self.line.clone());
        let mut only = Only { identities: &mut self.identities, fact: None };
        decode(&chunk, &self.decoder, &mut only);
        let mut fact = only.fact?;
        fact.event.audit_id = Str::default();
        Some(fact)
    }

    fn event(&mut self, act: &Act, level: Level) -> Option<Event> {
        let known = self.known(&act.actor)?;
        Some(Event {
            stage: match act.stage {
                Stage::Started => Recorded::ResponseStarted,
                Stage::Complete => Recorded::ResponseComplete,
            },
            level,
            verb: act.verb.into(),
            request_uri: uri(act),
            user: known.user.clone(),
            impersonated: known.impersonated.clone(),
            source_ips: known.addresses.clone(),
            user_agent: known.agent.clone(),
            object: object(&act.target),
            status: Some(status(act).into()),
            annotations: annotations(act).into(),
            ..Event::default()
        })
    }

    fn known(&mut self, actor: &Arc<Actor>) -> Option<&Known> {
        let at = mixed(Arc::as_ptr(actor).addr() as u64) as usize % ACTORS;
        let place = self.actors.get_mut(at)?;
        if place.as_ref().is_some_and(|known| !Arc::ptr_eq(&known.actor, actor)) {
            *place = None;
        }
        Some(place.get_or_insert_with(|| Known::of(actor)))
    }
}

/// Takes the one fact of a line, as the pipeline makes it.
struct Only<'i> {
    identities: &'i mut Identities,
    fact: Option<Fact>,
}

impl Sink for Only<'_> {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        let mut fact = Fact::recalled(event, self.identities);
        if observed::is_wanted(&fact.event, fact.action.outcome) {
            fact.observed = bodies.observed();
        }
        self.fact = Some(fact);
    }

    fn reject(&mut self, _: Rejected) {}

    fn ignored(&mut self, _: &'static str) {}
}

impl Known {
    fn of(actor: &Arc<Actor>) -> Known {
        let acts_as = actor.acts_as.as_ref();
        let impersonated = acts_as.map(|persona| {
            let groups = texts(&persona.groups);
            User { name: (&*persona.name).into(), groups, ..User::default() }.into()
        });
        Known {
            actor: Arc::clone(actor),
            user: user(actor).into(),
            impersonated,
            addresses: vec![Str::new(&actor.address)].into(),
            agent: Str::new(&actor.agent).into(),
        }
    }
}

fn user(actor: &Actor) -> User {
    if actor.name.is_empty() {
        return User::default();
    }
    User {
        name: (&*actor.name).into(),
        uid: actor.uid.map(|uid| uid.to_string().into()).unwrap_or_default(),
        groups: texts(&actor.groups),
        extra: extra(actor),
    }
}

fn texts(all: &[Arc<str>]) -> Vec<Str> {
    all.iter().map(|one| Str::new(one)).collect()
}

fn extra(actor: &Actor) -> Vec<(Str, Vec<Str>)> {
    if actor.credential == Credential::None {
        return Vec::new();
    }
    let pair = |key: &str, value: String| {
        (Str::from(format!("authentication.kubernetes.io/{key}")), vec![Str::from(value)])
    };
    let mut all = vec![pair("credential-id", actor.credential.to_string())];
    if let Some(bound) = &actor.bound {
        all.push(pair("node-name", bound.node.to_string()));
        all.push(pair("node-uid", bound.node_uid.to_string()));
        all.push(pair("pod-name", bound.pod.to_string()));
        all.push(pair("pod-uid", bound.pod_uid.to_string()));
    }
    all
}

fn object(target: &Target) -> Option<Box<ObjectRef>> {
    let resource = target.resource?;
    Some(Box::new(ObjectRef {
        resource: resource.plural.into(),
        subresource: target.part.into(),
        api_group: resource.group.into(),
        api_version: resource.version.into(),
        namespace: (&*target.namespace).into(),
        name: (&*target.name).into(),
        uid: target.uid.map(|uid| uid.to_string().into()).unwrap_or_default(),
        resource_version: version(target.version),
    }))
}

fn version(number: u64) -> Str {
    if number == 0 { Str::default() } else { number.to_string().into() }
}

fn uri(act: &Act) -> Str {
    let target = &act.target;
    let mut text = match target.resource {
        None => target.path.to_owned(),
        Some(resource) => {
            let mut text = match resource.group {
                "" => "/api/v1".to_owned(),
                group => format!("/apis/{group}/{}", resource.version),
            };
            if !target.namespace.is_empty() && resource.plural != "namespaces" {
                text = format!("{text}/namespaces/{}", target.namespace);
            }
            text = format!("{text}/{}", resource.plural);
            if !target.name.is_empty() && (act.verb != "create" || !target.part.is_empty()) {
                text = format!("{text}/{}", target.name);
            }
            if target.part.is_empty() { text } else { format!("{text}/{}", target.part) }
        }
    };
    if !act.query.is_empty() {
        text.push('?');
        text.push_str(&act.query);
    }
    text.into()
}

fn status(act: &Act) -> Status {
    let code = Some(act.code).filter(|code| *code != 0);
    let target = &act.target;
    let Some(resource) = target.resource else { return Status { code, ..Status::default() } };
    let (plural, name) = (resource.plural, &target.name);
    let (reason, message) = match act.code {
        404 => {
            let dot = if resource.group.is_empty() { "" } else { "." };
            ("NotFound", format!("{plural}{dot}{} \"{name}\" not found", resource.group))
        }
        403 => ("Forbidden", forbidden(act, plural, resource.group)),
        _ => ("", String::new()),
    };
    Status { code, reason: reason.into(), message: message.into(), succeeded: false }
}

fn forbidden(act: &Act, plural: &str, group: &str) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    format!(
        "{plural}{dot}{group} is forbidden: User \"{}\" cannot {} resource \"{plural}\" in API group \"{group}\" in the namespace \"{}\"",
        act.actor.name, act.verb, act.target.namespace
    )
}

fn annotations(act: &Act) -> Vec<(Str, Str)> {
    let mut all = Vec::with_capacity(3);
    if let Some(issued) = act.issued {
        let key = Str::const_new("authentication.kubernetes.io/issued-credential-id");
        all.push((key, format!("JTI={issued}").into()));
    }
    let decision = if act.code == 403 { "forbid" } else { "allow" };
    all.push((Str::const_new("authorization.k8s.io/decision"), decision.into()));
    let reason = act.reason.as_ref().unwrap_or(&act.actor.reason);
    all.push((Str::const_new("authorization.k8s.io/reason"), (&**reason).into()));
    all
}

/// Whether an act differs from another only in what a fact is given anew.
fn is_repeat(last: &Act, act: &Act) -> bool {
    let (a, b) = (&last.target, &act.target);
    Arc::ptr_eq(&last.actor, &act.actor)
        && last.verb == act.verb
        && last.code == act.code
        && last.stage == act.stage
        && a.resource == b.resource
        && a.part == b.part
        && a.path == b.path
        && a.uid == b.uid
        && (a.version == 0) == (b.version == 0)
        && is_same(&a.name, &b.name)
        && is_same(&a.namespace, &b.namespace)
        && is_same(&last.query, &act.query)
        && last.reason == act.reason
        && (last.issued, last.removed) == (act.issued, act.removed)
        && is_same_body(last.request.as_ref(), act.request.as_ref())
        && is_same_body(last.response.as_ref(), act.response.as_ref())
}

fn is_same(a: &Arc<str>, b: &Arc<str>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

fn is_same_body(a: Option<&Arc<str>>, b: Option<&Arc<str>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => is_same(a, b),
        _ => false,
    }
}

/// Where the fact of an act is kept.
fn place_of(act: &Act) -> usize {
    let target = &act.target;
    let mut sum = Arc::as_ptr(&act.actor).addr() as u64;
    let small = u64::from(act.code) << 8 | act.stage as u64;
    let resource = target.resource.map_or(0, |resource| std::ptr::from_ref(resource).addr() as u64);
    for part in [small, resource] {
        sum = mixed(sum ^ part);
    }
    for text in [act.verb, target.part, target.path, &target.name, &target.namespace, &act.query] {
        sum = hashed(sum, text);
    }
    sum as usize
}

fn hashed(start: u64, text: &str) -> u64 {
    let mut sum = start ^ text.len() as u64;
    for chunk in text.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        sum = mixed(sum ^ u64::from_le_bytes(word));
    }
    mixed(sum)
}

fn mixed(word: u64) -> u64 {
    let product = u128::from(word ^ 0x2545_f491_4f6c_dd1d) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

fn empty<T>(size: usize) -> Vec<Option<T>> {
    std::iter::repeat_with(|| None).take(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_generate::Generator;

    /// Everything but the auditID, which rows do without.
    fn read(act: &Act, writer: &Writer, masker: &Masker) -> Fact {
        let mut line = Vec::new();
        writer.write(act, &mut line);
        let chunk = Chunk::from_bytes(0, "", line);
        let mut only = Only { identities: &mut Identities::default(), fact: None };
        decode(&chunk, &Decoder::new(masker), &mut only);
        let mut fact = only.fact.unwrap();
        fact.event.audit_id = Str::default();
        fact
    }

    fn check(policy: Policy) {
        let mut profile = Profile::small();
        profile.level = policy;
        profile.skew = vec![250_000];
        let writer = Writer::new(&profile);
        let masker = Masker::new([0; 16]);
        let mut deeds = Deeds::new(&profile, &masker);
        let mut checked = 0;
        for act in Generator::new(profile, 3).take(30_000) {
            let expected = read(&act, &writer, &masker);
            let deed = Deed::once(act);
            let Some(fact) = deeds.fact(&deed) else { continue };
            assert_eq!(*fact, expected, "{deed:?}");
            checked += 1;
        }
        assert!(checked > 10_000);
    }

    #[test]
    fn a_fact_made_in_memory_is_the_one_that_the_log_gives() {
        check(Policy::Metadata);
    }

    #[test]
    fn bodies_say_in_memory_what_they_say_in_the_log() {
        check(Policy::RequestResponse);
    }

    #[test]
    fn the_end_of_a_request_that_was_told_when_it_began_is_no_second_request() {
        let masker = Masker::new([0; 16]);
        let mut deeds = Deeds::new(&Profile::small(), &masker);
        let mut act = Act::new(5, &Arc::new(Actor::default()), "watch", Target::path("/x"));
        act.stage = Stage::Started;
        assert!(deeds.fact(&Deed::once(act.clone())).is_some());
        act.stage = Stage::Complete;
        assert!(deeds.fact(&Deed::once(act.clone())).is_none());
        assert!(deeds.fact(&Deed::once(act)).is_some());
    }
}
