//! A source as a stream of batches, read ahead by threads or in place. Batches come in the order
//! of the bytes in either case, so that the number of threads cannot change a result, and queues
//! are short, so that memory does not depend on the size of a source.

use crate::work::{Batch, Memory, Worker};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::thread::{self, Scope};
use trailhound_ingest::{Chunk, ChunkReader};
use trailhound_model::scan::Unread;

/// Batches that may wait per source.
const AHEAD: usize = 4;
/// Address space for the stack of a decoding thread, of which a page or two is used: with so much
/// the decoder need not look how deep a record is nested (`ingest::depth`).
pub const STACK: usize = 128 << 20;
/// Sources that get a reading thread of their own; more are read in place.
const MOST_READERS: usize = 4;

struct Job {
    chunk: Chunk,
    reply: Sender<Batch>,
}

/// What a reading thread says.
pub enum Message {
    /// A batch that will be decoded.
    Batch(Receiver<Batch>),
    /// The source is over.
    End(Option<Unread>),
}

/// Threads that decode.
pub struct Pool {
    jobs: Option<Sender<Job>>,
    readers: std::cell::Cell<usize>,
}

impl Pool {
    /// Starts `threads` decoding threads, or none if there is to be only one thread in all.
    pub fn start<'scope, 'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        worker: Worker<'env>,
        threads: usize,
    ) -> Pool {
        if threads <= 1 {
            return Pool { jobs: None, readers: std::cell::Cell::new(0) };
        }
        let (jobs, queue) = bounded::<Job>(threads * 2);
        let mut started = 0;
        for _ in 0..threads {
            let queue = queue.clone();
            let decode = move || {
                let mut memory = worker.memory();
                for job in queue {
                    // The receiver is gone only if the scan was given up.
                    let _ = job.reply.send(worker.work(&job.chunk, &mut memory));
                }
            };
            if thread::Builder::new().stack_size(STACK).spawn_scoped(scope, decode).is_err() {
                // The system gives no more threads: those that there are do the work.
                break;
            }
            started += 1;
        }
        if started == 0 {
            return Pool { jobs: None, readers: std::cell::Cell::new(0) };
        }
        Pool { jobs: Some(jobs), readers: std::cell::Cell::new(0) }
    }

    /// A source as a stream of batches.
    pub fn feed<'scope, 'env: 'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        worker: Worker<'env>,
        reader: ChunkReader,
    ) -> Feed<'env> {
        let Some(jobs) = self.jobs.clone().filter(|_| self.readers.get() < MOST_READERS) else {
            return Feed::InPlace {
                reader: Box::new(reader),
                memory: Box::new(worker.memory()),
                worker,
            };
        };
        self.readers.set(self.readers.get() + 1);
        let (messages, queue) = bounded(AHEAD);
        scope.spawn(move || read_ahead(reader, &jobs, &messages));
        Feed::Ahead { queue }
    }

    /// A source that was read ahead is over.
    pub fn done(&self, feed: &Feed<'_>) {
        if matches!(feed, Feed::Ahead { .. }) {
            self.readers.set(self.readers.get().saturating_sub(1));
        }
    }
}

fn read_ahead(mut reader: ChunkReader, jobs: &Sender<Job>, messages: &Sender<Message>) {
    while let Some(chunk) = reader.next() {
        let (reply, batch) = bounded(1);
        let sent = messages.send(Message::Batch(batch)).is_ok();
        if !sent || jobs.send(Job { chunk, reply }).is_err() {
            return;
        }
    }
    let _ = messages.send(Message::End(reader.unread()));
}

/// A source as a stream of batches.
pub enum Feed<'a> {
    /// Read and decoded when asked.
    InPlace {
        /// The reader.
        reader: Box<ChunkReader>,
        /// The decoder.
        worker: Worker<'a>,
        /// What it remembers.
        memory: Box<Memory<'a>>,
    },
    /// Read and decoded ahead.
    Ahead {
        /// Batches to come.
        queue: Receiver<Message>,
    },
}

/// The next of a source.
pub enum Next {
    /// A batch.
    Batch(Box<Batch>),
    /// The end, and whether it was the source's.
    End(Option<Unread>),
}

impl Feed<'_> {
    /// The next batch.
    pub fn advance(&mut self) -> Next {
        match self {
            Feed::InPlace { reader, worker, memory } => match reader.next() {
                Some(chunk) => {
                    let batch = worker.work(&chunk, memory);
                    reader.recycle(chunk.bytes);
                    Next::Batch(Box::new(batch))
                }
                None => Next::End(reader.unread()),
            },
            Feed::Ahead { queue } => match queue.recv() {
                Ok(Message::Batch(batch)) => match batch.recv() {
                    Ok(batch) => Next::Batch(Box::new(batch)),
                    Err(_) => Next::End(Some(gone())),
                },
                Ok(Message::End(unread)) => Next::End(unread),
                Err(_) => Next::End(Some(gone())),
            },
        }
    }
}

fn gone() -> Unread {
    Unread {
        source: String::new(),
        reason: "a reading thread ended before its source did; this is a fault of this program, please report it".to_owned(),
    }
}
