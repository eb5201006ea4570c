//! Several files, one order of time: rotated files follow one another, files of several API
//! servers interleave. Files are opened only when their first event's turn has come, so that a
//! directory of a thousand rotated files needs one open file, not a thousand.

use crate::{
    feed::{Feed, Next, Pool},
    work::{Batch, Worker},
};
use std::{cmp::Reverse, collections::BinaryHeap, collections::VecDeque, thread::Scope, vec};
use trailhound_detect::dedupe::Key;
use trailhound_ingest::{Limits, SourceSpec, open, peek_first_time};
use trailhound_model::{fact::Fact, scan::Unread, time::Time};

/// What a merge tells its caller about a batch, before its facts come.
pub trait Witness {
    /// A batch was decoded.
    fn batch(&mut self, batch: &mut Batch);
    /// A source could not be read to its end.
    fn unread(&mut self, unread: Unread);
}

/// Sources that are read at the same time. Where more overlap, the records of the rest come late:
/// they are judged all the same, and counted as late.
const MOST_OPEN: usize = 128;

struct Open<'a> {
    feed: Feed<'a>,
    facts: vec::IntoIter<(Box<Fact>, Key)>,
    head: Option<(Box<Fact>, Key)>,
    name: String,
}

/// All sources as one stream of facts.
pub struct Merge<'a, 'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    worker: Worker<'env>,
    pool: &'a Pool,
    limits: Limits,
    waiting: VecDeque<(Option<Time>, SourceSpec)>,
    open: Vec<Option<Open<'env>>>,
    opened: usize,
    heads: BinaryHeap<Reverse<(Time, usize)>>,
}

impl<'a, 'scope, 'env: 'scope> Merge<'a, 'scope, 'env> {
    /// Prepares to read the sources; opens none yet.
    pub fn new(
        scope: &'scope Scope<'scope, 'env>,
        worker: Worker<'env>,
        pool: &'a Pool,
        limits: Limits,
        sources: &[SourceSpec],
    ) -> Self {
        let mut waiting: Vec<(Option<Time>, SourceSpec)> = if sources.len() == 1 {
            sources.iter().map(|source| (None, source.clone())).collect()
        } else {
            sources.iter().map(|source| (peek_first_time(source), source.clone())).collect()
        };
        waiting.sort_by_key(|(first, source)| (*first, source.index));
        Merge {
            scope,
            worker,
            pool,
            limits,
            waiting: waiting.into(),
            open: Vec::new(),
            opened: 0,
            heads: BinaryHeap::new(),
        }
    }

    /// The next fact of all sources.
    pub fn next(&mut self, witness: &mut dyn Witness) -> Option<(Box<Fact>, Key)> {
        self.open_what_is_due(witness);
        let Reverse((_, place)) = self.heads.pop()?;
        let fact = self.open.get_mut(place)?.as_mut()?.head.take();
        self.advance(place, witness);
        fact
    }

    fn open_what_is_due(&mut self, witness: &mut dyn Witness) {
        while let Some((first, _)) = self.waiting.front() {
            let now = self.heads.peek().map(|Reverse((time, _))| *time);
            let due = match (first, now) {
                (_, None) => true,
                (None, _) => self.opened < MOST_OPEN,
                (Some(first), Some(now)) => *first < now && self.opened < MOST_OPEN,
            };
            if !due {
                return;
            }
            if let Some((_, source)) = self.waiting.pop_front() {
                self.open(&source, witness);
            }
        }
    }

    fn open(&mut self, source: &SourceSpec, witness: &mut dyn Witness) {
        let reader = match open(source, self.limits.clone()) {
            Ok(reader) => reader,
            Err(error) => {
                return witness.unread(Unread { source: error.name, reason: error.reason });
            }
        };
        let feed = self.pool.feed(self.scope, self.worker, reader);
        let place = self.open.len();
        self.opened += 1;
        let facts = Vec::new().into_iter();
        self.open.push(Some(Open { feed, facts, head: None, name: source.name.clone() }));
        self.advance(place, witness);
    }

    /// Puts the next fact of a source at its head, or closes it.
    fn advance(&mut self, place: usize, witness: &mut dyn Witness) {
        let Some(Some(open)) = self.open.get_mut(place) else { return };
        loop {
            if let Some(head) = open.facts.next() {
                self.heads.push(Reverse((head.0.event.time, place)));
                open.head = Some(head);
                return;
            }
            match open.feed.advance() {
                Next::Batch(mut batch) => {
                    witness.batch(&mut batch);
                    open.facts = batch.facts.into_iter();
                }
                Next::End(unread) => {
                    if let Some(mut unread) = unread {
                        if unread.source.is_empty() {
                            unread.source.clone_from(&open.name);
                        }
                        witness.unread(unread);
                    }
                    self.pool.done(&open.feed);
                    break;
                }
            }
        }
        if let Some(slot) = self.open.get_mut(place) {
            *slot = None;
            self.opened = self.opened.saturating_sub(1);
        }
    }
}
