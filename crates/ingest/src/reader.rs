//! Reads a source in chunks that hold whole records, in memory that does not grow with the source.
//!
//! Lines are the fast path: a chunk of them is cut at a newline and looked into by the decoder
//! only. Anything else (pretty-printed records, a list of records without newlines) is cut by the
//! framer, which remembers lists across chunks. A record that is longer than the limit is skipped
//! in place; its head is kept, because user, verb and target come first.

use crate::{
    convert::http,
    frame::{self, Balance, Framer, Piece, Progress, Step},
    limits::{Limits, OVERSIZED_HEAD, TEXT_LINE},
    open::Input,
};
use std::{
    io::{ErrorKind, Read},
    sync::Arc,
};
use trailhound_model::{Str, scan::Unread, time::Time};

/// Whole records of one source.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Index of the source.
    pub source: u32,
    /// Name of the source.
    pub name: Arc<str>,
    /// Cluster of the source; empty is the one unnamed cluster.
    pub cluster: Str,
    /// Offset of the first byte in the decompressed stream.
    pub offset: u64,
    /// Bytes of the source as it lies on disk that were read so far: for a meter.
    pub position: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Time of the last record before this chunk, for records without any.
    pub(crate) previous_time: Option<Time>,
    /// The chunk before ended inside of the head of an HTTP message.
    pub(crate) in_headers: bool,
    /// Where the records are, if the reader had to find out.
    pub(crate) pieces: Option<Vec<Piece>>,
    /// Records over the limit, which are not in `bytes`.
    pub(crate) oversized: Vec<Oversized>,
}

impl Chunk {
    /// A chunk of bytes that are already in memory, as a receiver or a test has them. They must
    /// end where a record ends.
    pub fn from_bytes(source: u32, name: &str, bytes: Vec<u8>) -> Chunk {
        Chunk { source, name: Arc::from(name), bytes, ..Chunk::default() }
    }
}

/// A record over the limit.
#[derive(Debug, Default)]
pub(crate) struct Oversized {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) head: Vec<u8>,
}

/// Reads one source.
#[derive(Debug)]
pub struct ChunkReader {
    input: Input,
    source: u32,
    name: Arc<str>,
    cluster: Str,
    limits: Limits,
    framer: Framer,
    /// Read but not yet handed out.
    buffer: Vec<u8>,
    /// Offset of `buffer` in the stream.
    offset: u64,
    eof: bool,
    unread: Option<String>,
    previous_time: Option<Time>,
    in_headers: bool,
    skipping: Option<Skip>,
    spare: Vec<Vec<u8>>,
}

/// The record that is being skipped.
#[derive(Debug)]
struct Skip {
    record: Oversized,
    /// Follows a JSON value; `None` for a line of text.
    balance: Option<Balance>,
}

impl ChunkReader {
    pub(crate) fn new(
        input: Input,
        spec: &crate::source::SourceSpec,
        limits: Limits,
    ) -> ChunkReader {
        ChunkReader {
            input,
            source: spec.index,
            name: Arc::from(spec.name.as_str()),
            cluster: spec.cluster.clone(),
            limits,
            framer: Framer::default(),
            buffer: Vec::new(),
            offset: 0,
            eof: false,
            unread: None,
            previous_time: None,
            in_headers: false,
            skipping: None,
            spare: Vec::new(),
        }
    }

    /// The next chunk; `None` at the end, after which [`ChunkReader::unread`] says whether the end
    /// was the source's.
    #[expect(clippy::should_implement_trait, reason = "buffers go back through `recycle`")]
    pub fn next(&mut self) -> Option<Chunk> {
        loop {
            self.fill(self.limits.chunk);
            if self.skipping.is_some() {
                if let Some(chunk) = self.skip() {
                    return Some(chunk);
                }
                continue;
            }
            if self.buffer.is_empty() {
                return None;
            }
            if let Some(chunk) = self.cut() {
                return Some(chunk);
            }
        }
    }

    /// Gives a chunk's buffer back.
    pub fn recycle(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < 4 && bytes.capacity() <= 4 * self.limits.chunk {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// Why the source was not read to its end, once it is over.
    pub fn unread(&self) -> Option<Unread> {
        let reason = self.unread.clone()?;
        Some(Unread { source: self.name.to_string(), reason })
    }

    /// Bytes handed out so far, after decompression.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads until the buffer has `target` bytes, or the source is over.
    fn fill(&mut self, target: usize) {
        let mut length = self.buffer.len();
        if self.eof || length >= target {
            return;
        }
        self.buffer.resize(target, 0);
        while !self.eof && length < target {
            match self.input.read(self.buffer.get_mut(length..).unwrap_or_default()) {
                Ok(0) => self.eof = true,
                Ok(read) => length += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.stop(self.input.explain(&error)),
            }
            if let Some(reason) = self.input.over_limit(&self.limits) {
                self.stop(reason);
            }
        }
        self.buffer.truncate(length);
    }

    fn stop(&mut self, reason: String) {
        self.eof = true;
        self.unread = Some(reason);
    }

    /// Cuts a chunk off the buffer; `None` if more had to be read first.
    fn cut(&mut self) -> Option<Chunk> {
        if self.framer.is_between_records() && frame::begins_with_whole_line(&self.buffer) {
            let end =
                if self.eof { Some(self.buffer.len()) } else { frame::line_cut(&self.buffer) };
            // Behind a long record the buffer is long; its lines become facts, which take more
            // memory than lines, so they go in several chunks.
            let most = 4 * self.limits.chunk;
            let head = self.buffer.get(..most).filter(|_| end.is_some_and(|end| end > most));
            let end = head.and_then(frame::line_cut).or(end);
            if let Some(end) = end.filter(|end| *end > 0) {
                return Some(self.take(end, None));
            }
        }
        self.cut_pieces()
    }

    fn cut_pieces(&mut self) -> Option<Chunk> {
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < self.buffer.len() {
            match self.framer.next(&self.buffer, at, self.eof) {
                Step::Piece(piece) => {
                    pieces.push(piece);
                    at = piece.end;
                    if at > 4 * self.limits.chunk {
                        break;
                    }
                }
                Step::More(from) => {
                    at = from;
                    break;
                }
            }
        }
        if at > 0 {
            return Some(self.take(at, Some(pieces)));
        }
        self.grow();
        None
    }

    /// Makes room for a record that does not fit; starts to skip it if it is over the limit.
    fn grow(&mut self) {
        let length = self.buffer.len();
        if length < self.limit_here() {
            let target = length.saturating_mul(2).max(self.limits.chunk);
            self.fill(target.min(self.limits.record.max(length + 1)));
            return;
        }
        let is_record = self.buffer.first() == Some(&b'{');
        let record = Oversized { offset: self.offset, ..Oversized::default() };
        self.skipping = Some(Skip { record, balance: is_record.then(Balance::default) });
    }

    fn limit_here(&self) -> usize {
        let head = self.buffer.get(..512).unwrap_or(&self.buffer);
        let may_be_record =
            memchr::memmem::find(head, b"{\"").is_some() || head.first() == Some(&b'{');
        if may_be_record { self.limits.record } else { self.limits.record.min(TEXT_LINE) }
    }

    /// Moves on through a record that is over the limit; a chunk once its end is found.
    fn skip(&mut self) -> Option<Chunk> {
        let mut skip = self.skipping.take()?;
        let end = skip.end(&self.buffer);
        let passed = end.unwrap_or(self.buffer.len());
        skip.keep(self.buffer.get(..passed).unwrap_or_default());
        self.discard(passed);
        if end.is_none() && !self.eof {
            self.skipping = Some(skip);
            return None;
        }
        let mut chunk = self.take(0, None);
        chunk.oversized.push(skip.record);
        Some(chunk)
    }

    fn discard(&mut self, length: usize) {
        self.buffer.drain(..length);
        self.offset += length as u64;
    }

    /// Hands out the first `end` bytes; the rest stays.
    fn take(&mut self, end: usize, pieces: Option<Vec<Piece>>) -> Chunk {
        let mut rest = self.spare.pop().unwrap_or_default();
        rest.extend_from_slice(self.buffer.get(end..).unwrap_or_default());
        let mut bytes = std::mem::replace(&mut self.buffer, rest);
        bytes.truncate(end);
        let chunk = Chunk {
            source: self.source,
            name: Arc::clone(&self.name),
            cluster: self.cluster.clone(),
            offset: self.offset,
            position: self.input.position(),
            previous_time: self.previous_time,
            in_headers: self.in_headers,
            bytes,
            pieces,
            oversized: Vec::new(),
        };
        self.offset += end as u64;
        self.previous_time = last_time(&chunk.bytes).or(self.previous_time);
        self.in_headers = http::ends_in_head(&chunk.bytes, self.in_headers);
        chunk
    }
}

impl Skip {
    /// Where the record ends, if it ends in `bytes`.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        match &mut self.balance {
            None => memchr::memchr(b'\n', bytes).map(|at| at + 1),
            Some(balance) => match balance.feed(bytes, 0) {
                Progress::Done(end) => Some(end),
                Progress::Broken(at) => Some((at + 1).min(bytes.len())),
                Progress::More => None,
            },
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.record.length += bytes.len() as u64;
        let room = OVERSIZED_HEAD.saturating_sub(self.record.head.len());
        self.record.head.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }
}

/// The last `stageTimestamp` in whole records. Bodies cannot fake it: inside of them the quotes
/// would be escaped, or it is an object's field of that very name, which Kubernetes has not.
fn last_time(bytes: &[u8]) -> Option<Time> {
    const KEY: &[u8] = b"\"stageTimestamp\":\"";
    let tail = bytes.get(bytes.len().saturating_sub(64 << 10)..)?;
    let at = memchr::memmem::rfind(tail, KEY)? + KEY.len();
    let rest = tail.get(at..)?;
    let end = memchr::memchr(b'"', rest)?;
    Time::parse(std::str::from_utf8(rest.get(..end)?).ok()?)
}
