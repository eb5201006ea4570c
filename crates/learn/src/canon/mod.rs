//! From a fact to symbols that mean the same tomorrow.
//!
//! All state here is what the log has taught of names and addresses: nodes, blocks of the pod
//! network, beginnings of names that fan out. A small cache keeps a known name from being taken apart
//! again; it holds answers and no knowledge, so a restored state without it goes on exactly as before.

pub mod action;
pub mod agent;
mod fanout;
pub mod name;
pub mod namespace;
pub mod principal;
pub mod shape;
pub mod source;
mod tail;

pub use fanout::MOST_ENDINGS;
pub use tail::Naming;

use crate::row::{Row, Series};
use crate::symbol::{Sort, Symbol, Table, Words};
use agent::{Agent, Parts};
use fanout::{Ending, Fans};
use name::{Form, KnownNodes, OwnerName, Template};
use namespace::Place;
use principal::Who;
use serde::{Deserialize, Serialize};
use source::Sources;
use trailhound_model::action::Outcome;
use trailhound_model::credential::CredentialKind;
use trailhound_model::event::Event;
use trailhound_model::fact::Fact;
use trailhound_model::principal::{Principal, PrincipalKind};
use trailhound_model::{Shared, Str};

/// Makes rows of facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Canon {
    words: Words,
    fans: Fans,
    nodes: Nodes,
    sources: Sources,
    #[serde(skip)]
    cache: Cache,
}

/// Names of nodes that have acted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Nodes {
    names: Table<()>,
    epoch: u32,
    left_out: u64,
}

/// Nodes that are known by name.
const MOST_NODES: usize = 20_000;

impl Nodes {
    fn learn(&mut self, name: &str) {
        let key = Symbol::of(Sort::Raw, &[name]).0;
        if self.names.contains_key(&key) {
            return;
        }
        if self.names.len() >= MOST_NODES {
            self.left_out += 1;
            return;
        }
        self.names.insert(key, ());
        self.epoch += 1;
    }
}

impl KnownNodes for Nodes {
    fn is_node(&self, name: &str) -> bool {
        self.names.contains_key(&Symbol::of(Sort::Raw, &[name]).0)
    }
}

/// Templates of names met lately. Equal states answer alike whatever is in it.
#[derive(Clone, Debug, Default)]
struct Cache {
    objects: Vec<(u64, u64, Symbol)>,
    namespaces: Vec<(u64, u64, Str)>,
    agents: Vec<Option<(Shared<Str>, Agent)>>,
    whos: Vec<Option<(Shared<Principal>, Who)>>,
}

/// Where what lies at `place` in memory has its place in a cache of `size`.
fn slot(place: usize, size: usize) -> usize {
    ((place >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % size
}

impl PartialEq for Cache {
    fn eq(&self, _: &Cache) -> bool {
        true
    }
}

/// Names that are remembered; a newcomer takes the place of whoever has it.
const NAMES: usize = 16_384;
/// The same of identities, programs and namespaces.
const FEW: usize = 1024;

impl Canon {
    /// The row of a fact.
    pub fn row(&mut self, fact: &Fact) -> Row {
        let event = &fact.event;
        let principal = &*fact.principal;
        let actor = principal.actor();
        if actor.kind == PrincipalKind::Node {
            self.nodes.learn(&actor.short);
        }
        let who = self.who(&fact.principal);
        let outcome = fact.action.outcome;
        let action = action::symbol(event, outcome);
        self.words.note(action, || action::text(event, outcome));
        let failed = matches!(
            outcome,
            Outcome::NotFound | Outcome::Conflict | Outcome::Failed | Outcome::Rejected
        );
        let allowed = outcome == Outcome::Allowed;
        let granted = if allowed { action } else { action::symbol(event, Outcome::Allowed) };
        let place = Place::of(&principal.effective.namespace, event.namespace());
        let at_place = action.at(place as u64);
        self.words
            .note(at_place, || format!("{} in {}", action::text(event, outcome), place.as_str()));
        let bound = fact.credential.kind == CredentialKind::PodToken;
        let class = self.sources.class(event.source_ip(), principal, bound);
        let source = class.symbol();
        self.words.note(source, || class.text());
        let agent = self.agent(&event.user_agent);
        let (object, target) = self.object(fact);
        let shapes = fact.observed.as_deref().filter(|_| sets_spec(event));
        let namespace = self.namespace_symbol(event.namespace());
        let words = &mut self.words;
        let shapes = shapes.map(|observed| shape::shapes(observed, words));
        Row {
            time: event.time,
            who,
            action,
            granted,
            failed,
            at_place,
            place,
            agent,
            source,
            object,
            shapes: shapes.unwrap_or_default(),
            target,
            namespace,
            critical: action::is_critical(fact.action.kind),
            series: Series::of(fact.action.kind, outcome, &event.verb),
            count: 1,
        }
    }

    /// The template of a name: of what is known of its owner, else of what it looks like, else of how
    /// many names begin as it does.
    pub fn template(
        &mut self,
        resource: &str,
        namespace: &str,
        name: &str,
        owner: Option<OwnerName>,
    ) -> Template {
        if let Some(found) = owner.and_then(|owner| name::owned(name, owner)) {
            return found;
        }
        let found = name::template(resource, namespace, name, &self.nodes);
        let namespace = self.namespace(namespace);
        self.fanned(resource, &namespace, found)
    }

    /// The texts of symbols.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Nodes and addresses that found no room, counted as often as they came.
    pub fn left_out(&self) -> u64 {
        self.nodes.left_out + self.sources.left_out()
    }

    /// Whether beginnings of names or texts of symbols found no room.
    pub fn is_full(&self) -> bool {
        self.fans.is_full() || self.words.is_full()
    }

    fn fanned(&mut self, resource: &str, namespace: &str, mut found: Template) -> Template {
        let Some(at) = found.text.rfind(['-', '.']) else { return found };
        let (stem, end) = found.text.split_at(at + 1);
        if end == "*" && matches!(found.form, Form::Drawn | Form::Hash) {
            self.fans.drawn(namespace, resource, stem);
            return found;
        }
        if found.form == Form::Node || end.is_empty() || end.contains(['*', '#', '<', '…']) {
            return found;
        }
        let form = match self.fans.ending(namespace, resource, stem, end) {
            Ending::Kept => return found,
            Ending::Drawn => Form::Drawn,
            Ending::Open => Form::FanOut,
        };
        let mut text = Str::from(stem);
        text.push('*');
        found = Template { text, form };
        found
    }

    fn who(&mut self, principal: &Shared<Principal>) -> Who {
        if self.cache.whos.is_empty() {
            self.cache.whos.resize(FEW, None);
        }
        let at = slot(principal.place(), FEW);
        if let Some(Some((known, who))) = self.cache.whos.get(at)
            && known.is_same(principal)
        {
            return *who;
        }
        let who = Who::of(principal);
        self.words.note(who.key, || Who::text(principal));
        if let Some(place) = self.cache.whos.get_mut(at) {
            *place = Some((principal.clone(), who));
        }
        who
    }

    fn agent(&mut self, text: &Shared<Str>) -> Agent {
        if self.cache.agents.is_empty() {
            self.cache.agents.resize(FEW, None);
        }
        let at = slot(text.place(), FEW);
        if let Some(Some((known, agent))) = self.cache.agents.get(at)
            && known.is_same(text)
        {
            return *agent;
        }
        let parts = Parts::of(text);
        let agent = parts.symbols();
        self.words.note(agent.program, || parts.text());
        self.words.note(agent.version, || format!("{} {}", parts.family, parts.minor));
        if let Some(place) = self.cache.agents.get_mut(at) {
            *place = Some((text.clone(), agent));
        }
        agent
    }

    /// The template of a namespace: previews and tests are many, and all alike.
    fn namespace(&mut self, name: &str) -> Str {
        if name.is_empty() {
            return Str::default();
        }
        let key = Symbol::of(Sort::Raw, &[name]).0;
        if self.cache.namespaces.is_empty() {
            self.cache.namespaces.resize(FEW, (0, 0, Str::default()));
        }
        let at = key as usize % FEW;
        if let Some((known, epoch, text)) = self.cache.namespaces.get(at)
            && (*known, *epoch) == (key, self.epoch())
        {
            return text.clone();
        }
        let found = name::template("namespaces", "", name, &());
        let text = self.fanned("namespaces", "", found).text;
        let epoch = self.epoch();
        if let Some(place) = self.cache.namespaces.get_mut(at) {
            *place = (key, epoch, text.clone());
        }
        text
    }

    fn namespace_symbol(&mut self, name: &str) -> Symbol {
        let text = self.namespace(name);
        let symbol = Symbol::of(Sort::Namespace, &[&text]);
        let whole = || if text.is_empty() { "(none)".into() } else { text.to_string() };
        self.words.note(symbol, whole);
        symbol
    }

    fn epoch(&self) -> u64 {
        u64::from(self.fans.epoch()) << 32 | u64::from(self.nodes.epoch)
    }

    /// The symbol of the object where its name matters, and the target of the request.
    fn object(&mut self, fact: &Fact) -> (Option<Symbol>, Symbol) {
        let event = &fact.event;
        let Some(object) = &event.object else { return (None, Symbol::default()) };
        let namespace = event.namespace();
        let target = Symbol::of(Sort::Raw, &[&object.resource, namespace, &object.name]);
        if object.name.is_empty() || !action::names_matter(event) {
            return (None, target);
        }
        (Some(self.object_symbol(target, &object.resource, namespace, &object.name)), target)
    }

    fn object_symbol(
        &mut self,
        raw: Symbol,
        resource: &str,
        namespace: &str,
        name: &str,
    ) -> Symbol {
        let epoch = self.epoch();
        if self.cache.objects.is_empty() {
            self.cache.objects.resize(NAMES, (0, 0, Symbol::default()));
        }
        let at = raw.0 as usize % NAMES;
        if let Some((known, of, symbol)) = self.cache.objects.get(at)
            && (*known, *of) == (raw.0, epoch)
        {
            return *symbol;
        }
        let found = self.template(resource, namespace, name, None);
        let namespace = self.namespace(namespace);
        let symbol = Symbol::of(Sort::Object, &[resource, &namespace, &found.text]);
        self.words.note(symbol, || format!("{resource} {namespace}/{}", found.text));
        let epoch = self.epoch();
        if let Some(place) = self.cache.objects.get_mut(at) {
            *place = (raw.0, epoch, symbol);
        }
        symbol
    }
}

fn sets_spec(event: &Event) -> bool {
    event.subresource().is_empty() && matches!(event.verb.as_str(), "create" | "update" | "patch")
}
