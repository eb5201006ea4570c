//! Opens sources. How bytes are packed is told by their first bytes, never by a file's name, and
//! unpacking streams under a cap, so that a small file cannot become endless work.

use crate::{
    decode::{Decoder, Sink, decode},
    limits::Limits,
    mask::Masker,
    reader::ChunkReader,
    source::{self, SourceKind, SourceSpec},
};
use flate2::bufread::MultiGzDecoder;
use std::{
    fmt,
    fs::{self, File},
    io::{self, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use trailhound_model::{event::Event, lookup::Bodies, scan::Rejected, time::Time};

const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const INPUT_BUFFER: usize = 256 << 10;
/// Bytes that may unpack at any ratio, before the ratio is looked at.
const FREE_UNPACKED: u64 = 256 << 20;
/// Chunk size for a glance at the first record.
const GLANCE: usize = 64 << 10;
/// Chunks to look through for the first time, before giving up.
const GLANCES: usize = 16;

/// A source could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {name}: {reason}")]
pub struct OpenError {
    /// The source.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

/// Opens a source for reading in chunks.
pub fn open(spec: &SourceSpec, limits: Limits) -> Result<ChunkReader, OpenError> {
    let fail =
        |error: io::Error| OpenError { name: spec.name.clone(), reason: source::explain(&error) };
    let raw: Box<dyn Read + Send> = match &spec.kind {
        SourceKind::Stdin => Box::new(io::stdin()),
        SourceKind::File(path) => Box::new(Whole::new(File::open(path).map_err(fail)?)),
    };
    let input = Input::new(raw).map_err(fail)?;
    Ok(ChunkReader::new(input, spec, limits))
}

/// Time of a source's first event, read from its first bytes: enough to put rotated files in
/// order without holding them all open. `None` for standard input, which cannot be read twice,
/// for pipes, and for sources that begin with something else.
pub fn peek_first_time(spec: &SourceSpec) -> Option<Time> {
    let SourceKind::File(path) = &spec.kind else { return None };
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut reader = open(spec, Limits { chunk: GLANCE, ..Limits::default() }).ok()?;
    let masker = Masker::new([0; 16]);
    let decoder = Decoder::new(&masker);
    let mut first = FirstTime(None);
    for _ in 0..GLANCES {
        decode(&reader.next()?, &decoder, &mut first);
        if first.0.is_some() {
            break;
        }
    }
    first.0
}

struct FirstTime(Option<Time>);

impl Sink for FirstTime {
    fn event(&mut self, event: Event, _bodies: &dyn Bodies) {
        let known = event.time != Time::default();
        self.0 = self.0.or(known.then_some(event.time));
    }
    fn reject(&mut self, _rejected: Rejected) {}
    fn ignored(&mut self, _reason: &'static str) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// The unpacked stream of a source.
pub(crate) struct Input {
    stream: Box<dyn Read + Send>,
    packing: Packing,
    packed: Arc<AtomicU64>,
    unpacked: u64,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("packing", &self.packing).finish_non_exhaustive()
    }
}

impl Input {
    pub(crate) fn new(mut raw: Box<dyn Read + Send>) -> io::Result<Input> {
        let mut head = Vec::with_capacity(4);
        (&mut raw).take(4).read_to_end(&mut head)?;
        let packing = if head.starts_with(&GZIP) {
            Packing::Gzip
        } else if head.starts_with(&ZSTD) {
            Packing::Zstd
        } else {
            Packing::Plain
        };
        let packed = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: Cursor::new(head).chain(raw), count: Arc::clone(&packed) };
        let stream: Box<dyn Read + Send> = match packing {
            Packing::Plain => Box::new(counted),
            Packing::Gzip => {
                Box::new(MultiGzDecoder::new(BufReader::with_capacity(INPUT_BUFFER, counted)))
            }
            Packing::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(
                BufReader::with_capacity(INPUT_BUFFER, counted),
            )?),
        };
        Ok(Input { stream, packing, packed, unpacked: 0 })
    }

    /// Bytes read from the source as it lies on disk.
    pub(crate) fn position(&self) -> u64 {
        self.packed.load(Ordering::Relaxed)
    }

    /// What a failed read means.
    pub(crate) fn explain(&self, error: &io::Error) -> String {
        let what = match self.packing {
            Packing::Plain => return source::explain(error),
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        };
        let read = self.unpacked;
        match error.kind() {
            io::ErrorKind::UnexpectedEof => format!(
                "the {what} data ends too early: the file was cut; the first {read} unpacked bytes were read"
            ),
            io::ErrorKind::PermissionDenied => source::explain(error),
            _ => format!(
                "the {what} data is damaged ({error}); the first {read} unpacked bytes were read"
            ),
        }
    }

    /// Why reading must end here, if a cap is reached.
    pub(crate) fn over_limit(&self, limits: &Limits) -> Option<String> {
        if self.packing == Packing::Plain {
            return None;
        }
        if self.unpacked > limits.unpacked {
            return Some(format!(
                "it unpacks to more than {} bytes, the limit for one source; unpack it first if this is meant",
                limits.unpacked
            ));
        }
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.unpacked > FREE_UNPACKED && self.unpacked / packed > limits.ratio {
            return Some(format!(
                "it unpacks to more than {} times its size, which no log does; unpack it first if this is meant",
                limits.ratio
            ));
        }
        None
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(into)?;
        self.unpacked += length as u64;
        Ok(length)
    }
}

/// Reads a file and knows how long it was when it was opened: a log that is rotated by copying and
/// cutting it (`copytruncate`) ends early without any error, which must not look like its end.
struct Whole<R> {
    inner: R,
    /// Bytes that are still to come; a file may grow beyond them.
    left: u64,
}

impl Whole<File> {
    fn new(file: File) -> Whole<File> {
        let left = file.metadata().ok().filter(fs::Metadata::is_file).map_or(0, |file| file.len());
        Whole { inner: file, left }
    }
}

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        if length == 0 && self.left > 0 && !into.is_empty() {
            let left = std::mem::take(&mut self.left);
            return Err(io::Error::other(format!(
                "the file became shorter while it was read (rotated?): its last {left} bytes are missing"
            )));
        }
        self.left = self.left.saturating_sub(length as u64);
        Ok(length)
    }
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_cut_while_it_is_read_did_not_end_there() {
        let mut out = Vec::new();
        let mut cut = Whole { inner: Cursor::new(b"abc"), left: 10 };
        let error = cut.read_to_end(&mut out).unwrap_err();
        assert_eq!(out, b"abc");
        assert!(error.to_string().contains("its last 7 bytes are missing"), "{error}");
        for left in [0, 2, 3] {
            let mut grown = Whole { inner: Cursor::new(b"abc"), left };
            assert_eq!(grown.read_to_end(&mut Vec::new()).unwrap(), 3);
        }
    }
}
