//! What is known of Kubernetes before the first request of a cluster: who usually does what.
//!
//! Without it everything is new in the first hour and nothing is strange. Written by hand from the
//! roles that Kubernetes ships and what usual programs are made for; it never fades, and the smallest
//! history of the cluster itself outweighs it.

use crate::canon::principal::{Class, Who};
use crate::canon::source::Source;
use crate::novelty::Facet;
use crate::row::Row;
use crate::symbol::{Sort, Symbol, Table};

/// The table in text.
const TEXT: &str = include_str!("prior.txt");

/// Who usually does what.
#[derive(Clone, Debug, Default)]
pub struct Prior {
    archetypes: Vec<Archetype>,
    by_identity: Table<u16>,
    by_program: Table<u16>,
    near: Vec<u64>,
}

/// Identities with the same work.
#[derive(Clone, Debug, Default)]
struct Archetype {
    name: &'static str,
    programs: Vec<u64>,
    actions: Table<()>,
    is_class: bool,
}

/// A usual thing.
const USUAL: f64 = 0.5;

impl Prior {
    /// The shipped table.
    pub fn shipped() -> Prior {
        let mut prior = Prior { near: near(), ..Prior::default() };
        for line in TEXT.lines() {
            prior.read(line);
        }
        prior
    }

    fn read(&mut self, line: &'static str) {
        let mut words = line.split_whitespace();
        let (Some(first), rest) = (words.next(), words) else { return };
        // The archetype that the line belongs to.
        let at = self.archetypes.len().saturating_sub(1);
        match first {
            "archetype" | "class" => {
                let name = rest.last().unwrap_or_default();
                let is_class = first == "class";
                self.archetypes.push(Archetype { name, is_class, ..Archetype::default() });
            }
            "is" => rest.for_each(|one| {
                let (namespace, name) = one.split_once('/').unwrap_or(("", one));
                let (sort, first, second) =
                    if namespace.is_empty() { ("user", name, "") } else { ("sa", namespace, name) };
                let key = Symbol::of(Sort::Principal, &[sort, first, second]);
                self.by_identity.insert(key.0, at as u16);
            }),
            "program" => rest.for_each(|family| self.program(family, at)),
            verb => rest.for_each(|what| self.action(verb, what)),
        }
    }

    fn program(&mut self, family: &str, at: usize) {
        let Some(archetype) = self.archetypes.last_mut() else { return };
        for system in ["", "linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"] {
            let key = Symbol::of(Sort::Agent, &[family, system, ""]).0;
            archetype.programs.push(key);
            if !archetype.is_class {
                self.by_program.entry(key).or_insert(at as u16);
            }
        }
    }

    /// `list apps/deployments` means all reaches of it.
    fn action(&mut self, verbs: &str, what: &str) {
        let Some(archetype) = self.archetypes.last_mut() else { return };
        let (group, resource) = what.split_once(':').unwrap_or(("", what));
        let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
        for verb in verbs.split('+') {
            for reach in ["0", "1", "2", "3", "4"] {
                let parts = [verb, group, resource, part, "", reach];
                archetype.actions.insert(Symbol::of(Sort::Action, &parts).0, ());
            }
        }
    }

    /// The archetype of an identity: by its name, else by its program, else by its class.
    pub fn archetype(&self, row: &Row) -> u16 {
        let who = &row.who;
        if let Some(at) = self.by_identity.get(&who.real.0) {
            return *at;
        }
        let known = self.by_program.get(&row.agent.program.0);
        match known {
            Some(at) if matches!(who.class, Class::Workload | Class::Ci | Class::System) => *at,
            _ => self.of_class(who),
        }
    }

    fn of_class(&self, who: &Who) -> u16 {
        let name = who.class.as_str();
        let found = self.archetypes.iter().rposition(|one| one.is_class && one.name == name);
        found.unwrap_or(0) as u16
    }

    /// The name of an archetype.
    pub fn name(&self, archetype: u16) -> &'static str {
        self.archetypes.get(usize::from(archetype)).map_or("", |one| one.name)
    }

    /// Whether an act is usual for its actor's archetype.
    pub fn is_usual(&self, row: &Row) -> bool {
        let found = self.archetypes.get(usize::from(self.archetype(row)));
        found.is_some_and(|one| one.actions.contains_key(&row.action.0))
    }

    /// Chance of something as unusual, for an archetype of which nothing else is known.
    pub fn chance(&self, archetype: u16, facet: Facet, symbol: u64, row: &Row) -> f64 {
        let Some(found) = self.archetypes.get(usize::from(archetype)) else { return USUAL };
        let class = row.who.class;
        let in_cluster = matches!(class, Class::Workload | Class::Node | Class::System);
        match facet {
            Facet::Action | Facet::Place => found.of_action(row),
            Facet::Program if found.programs.contains(&symbol) => USUAL,
            Facet::Program if in_cluster && row.agent.by_hand => 0.03,
            Facet::Program if class == Class::Nobody => USUAL,
            Facet::Program => 0.25,
            Facet::Source if in_cluster && !self.near.contains(&symbol) => 0.15,
            Facet::Source | Facet::Hour | Facet::Pair | Facet::Identity => USUAL,
            Facet::Object => 0.3,
            Facet::Namespace | Facet::Shape | Facet::Whole => 0.4,
        }
    }
}

impl Archetype {
    fn of_action(&self, row: &Row) -> f64 {
        match (self.actions.contains_key(&row.action.0), row.critical, self.is_class) {
            (true, ..) => USUAL,
            (false, true, false) => 0.01,
            (false, true, true) => 0.03,
            (false, false, false) => 0.15,
            (false, false, true) => 0.3,
        }
    }
}

fn near() -> Vec<u64> {
    [Source::Loopback, Source::Node, Source::ControlPlane, Source::Pod, Source::Unknown]
        .map(|source| source.symbol().0)
        .to_vec()
}
