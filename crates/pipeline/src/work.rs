//! One chunk of bytes becomes one batch of facts: everything that needs no state, so that chunks
//! can be worked on by any thread.

use trailhound_detect::{
    dedupe::{self, Key},
    integrity,
};
use trailhound_ingest::{Chunk, Decoder, Masker, Sink, Tally, decode};
use trailhound_model::{
    action::Effect,
    event::Event,
    fact::{Fact, Identities},
    lookup::{Bodies, Reading, Side, Value},
    observed,
    scan::Rejected,
};
use trailhound_rules::{RuleSet, RuleTally};

/// Rejects that a batch keeps as samples; all are counted.
const MOST_REJECTS: usize = 50;

/// What a worker needs beside the bytes. Shared by all threads.
#[derive(Clone, Copy)]
pub struct Worker<'a> {
    /// Rules, for their stateless part.
    pub rules: &'a RuleSet,
    /// Masker of the run.
    pub masker: &'a Masker,
    /// Key of the run under which records are told apart.
    pub secret: [u8; 16],
}

/// What a chunk became.
#[derive(Debug, Default)]
pub struct Batch {
    /// Facts in the order of the bytes, with the key of their record.
    pub facts: Vec<(Box<Fact>, Key)>,
    /// The first rejects.
    pub rejects: Vec<Rejected>,
    /// Index of the source.
    pub source: u32,
    /// How far the source was read, in bytes on disk.
    pub position: u64,
    /// Counts of decoding.
    pub tally: Tally,
    /// Counts of the rules.
    pub rules: RuleTally,
}

/// What a thread remembers from chunk to chunk: what records repeat, whom it has named, which rules
/// a kind of request can meet. None of it ever changes a result.
#[derive(Debug)]
pub struct Memory<'a> {
    decoder: Decoder<'a>,
    identities: Identities,
    rules: RuleTally,
    /// Facts of the chunk before: about as many as the next will have.
    facts: usize,
}

impl<'a> Worker<'a> {
    /// The memory of a thread that has seen nothing yet.
    pub fn memory(&self) -> Memory<'a> {
        Memory {
            decoder: Decoder::new(self.masker),
            identities: Identities::default(),
            rules: RuleTally::default(),
            facts: 0,
        }
    }

    /// Works on a chunk. `memory` belongs to the thread.
    pub fn work(&self, chunk: &Chunk, memory: &mut Memory<'a>) -> Batch {
        let Memory { decoder, identities, rules, facts } = memory;
        let batch = Batch { facts: Vec::with_capacity(*facts), ..Batch::default() };
        let mut gather = Gather { worker: self, batch, identities, rules };
        let tally = decode(chunk, decoder, &mut gather);
        let mut batch = gather.batch;
        *facts = batch.facts.len();
        batch.tally = tally;
        batch.source = chunk.source;
        batch.position = chunk.position;
        batch.rules = rules.take_counts();
        batch
    }
}

struct Gather<'a> {
    worker: &'a Worker<'a>,
    batch: Batch,
    identities: &'a mut Identities,
    rules: &'a mut RuleTally,
}

impl Sink for Gather<'_> {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        let mut key = dedupe::key(&event, self.worker.secret);
        if event.audit_id.is_empty() {
            // Nothing but its bytes tells such a record from another of its kind.
            let half = bodies.digest().first_chunk().map_or(0, |half| u128::from_le_bytes(*half));
            key ^= half;
        }
        let mut fact = Box::new(Fact::recalled(event, self.identities));
        if is_only_tried(&fact, bodies) {
            fact.action.effect = Effect::DryRun;
        }
        fact.claims = integrity::claims(&fact.event);
        let real = fact.action.effect != Effect::DryRun;
        if real && observed::is_wanted(&fact.event, fact.action.outcome) {
            fact.observed = bodies.observed();
        }
        self.worker.rules.candidates(&mut fact, bodies, self.rules);
        if fact.claims.contradiction.is_some() && fact.exhibit.is_none() {
            fact.exhibit = Some(Box::new(bodies.exhibit()));
        }
        self.batch.facts.push((fact, key));
    }

    fn reject(&mut self, rejected: Rejected) {
        if self.batch.rejects.len() < MOST_REJECTS {
            self.batch.rejects.push(rejected);
        }
    }

    fn ignored(&mut self, _reason: &'static str) {}
}

/// Whether a deletion was a dry run: its options may stand in the body instead of the URL, as
/// `kubectl delete --dry-run=server` writes them. Where bodies are not logged nothing shows it.
fn is_only_tried(fact: &Fact, bodies: &dyn Bodies) -> bool {
    let event = &fact.event;
    fact.action.effect == Effect::Changed
        && event.bodies.request
        && matches!(event.verb.as_str(), "delete" | "deletecollection")
        && matches!(
            bodies.value(Side::Request, &["dryRun"]),
            Reading::Present(Value::List(options)) if options.contains(&Value::Text("All".into()))
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use trailhound_rules::RuleSet;

    #[test]
    fn a_deletion_that_was_only_tried_says_so_in_its_body() {
        let effect = |options: &str| {
            let line = format!(
                r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"a","stage":"ResponseComplete","verb":"delete","requestURI":"/api/v1/namespaces/shop/pods/p1","user":{{"username":"a"}},"objectRef":{{"resource":"pods","namespace":"shop","name":"p1","apiVersion":"v1"}},"responseStatus":{{"code":200}},"requestObject":{{"kind":"DeleteOptions","apiVersion":"v1"{options}}},"requestReceivedTimestamp":"2026-01-01T00:00:00.000000Z","stageTimestamp":"2026-01-01T00:00:00.000000Z"}}"#
            );
            let rules = Arc::new(RuleSet::default());
            let masker = Masker::new([0; 16]);
            let worker = Worker { rules: &rules, masker: &masker, secret: [0; 16] };
            let mut chunk = Chunk::default();
            chunk.bytes = line.into_bytes();
            worker.work(&chunk, &mut worker.memory()).facts[0].0.action.effect
        };
        assert_eq!(effect(r#","dryRun":["All"]"#), Effect::DryRun);
        assert_eq!(effect(r#","dryRun":[]"#), Effect::Changed);
        assert_eq!(effect(""), Effect::Changed);
    }
}
