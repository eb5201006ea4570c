//! One chunk of bytes becomes one batch of facts: everything that needs no state, so that chunks
//! can be worked on by any thread.

use trailhound_detect::{
    dedupe::{self, Key},
    integrity,
};
use trailhound_ingest::{Chunk, Decoder, Masker, Sink, Tally, decode};
use trailhound_model::{event::Event, fact::Fact, lookup::Bodies, scan::Rejected};
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
    pub facts: Vec<(Fact, Key)>,
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

impl Worker<'_> {
    /// Works on a chunk. `memory` belongs to the thread: it remembers which rules a kind of request
    /// can meet, and never changes a result.
    pub fn work(&self, chunk: &Chunk, memory: &mut RuleTally) -> Batch {
        let mut gather = Gather { worker: self, batch: Batch::default(), memory };
        let tally = decode(chunk, &Decoder::new(self.masker), &mut gather);
        let mut batch = gather.batch;
        batch.tally = tally;
        batch.source = chunk.source;
        batch.position = chunk.position;
        batch.rules = memory.take_counts();
        batch
    }
}

struct Gather<'a> {
    worker: &'a Worker<'a>,
    batch: Batch,
    memory: &'a mut RuleTally,
}

impl Sink for Gather<'_> {
    fn event(&mut self, event: Event, bodies: &dyn Bodies) {
        let key = dedupe::key(&event, self.worker.secret);
        let mut fact = Fact::of(event);
        fact.claims = integrity::claims(&fact.event);
        self.worker.rules.candidates(&mut fact, bodies, self.memory);
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
