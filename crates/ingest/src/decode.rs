//! Turns a chunk into events, rejects and ignored records: a pure function of the chunk, so that
//! any number of threads may decode at once.
//!
//! A line that is a whole native event takes the fast path: one typed parse in place. Whatever
//! fails there is looked at again, more slowly: by the framer for where it ends, then for what it
//! is (an envelope, a damaged event, something else).

use crate::{
    build::{self, Setting},
    convert::{self, http},
    degraded, depth,
    frame::{self, Framer, Piece, PieceKind, Step},
    limits::{INNER_EVENTS, INNER_TOTAL, SKIP_DEPTH},
    mask::Masker,
    memory::Memory,
    reader::{Chunk, Oversized},
    record::Record,
    tally::Tally,
    walk,
    wire::{Wire, WireRef},
};
use std::{borrow::Cow, cell::RefCell};
use trailhound_model::{
    Str,
    event::{Event, Position},
    format::Format,
    lookup::Bodies,
    scan::Rejected,
    time::Time,
};

/// Takes what decoding finds, in the order of the bytes.
pub trait Sink {
    /// An event. Its bodies can be asked as long as the call lasts.
    fn event(&mut self, event: Event, bodies: &dyn Bodies);
    /// A byte range that could not become an event.
    fn reject(&mut self, rejected: Rejected);
    /// A record that is known to be no audit event.
    fn ignored(&mut self, reason: &'static str);
}

/// What decoding needs beside the bytes. A thread keeps one for all its chunks: it remembers what
/// records repeat, which never changes a result.
#[derive(Clone, Debug)]
pub struct Decoder<'m> {
    masker: &'m Masker,
    memory: RefCell<Memory>,
}

impl<'m> Decoder<'m> {
    /// Decodes with a masker: there is no decoding without one.
    pub fn new(masker: &'m Masker) -> Decoder<'m> {
        Decoder { masker, memory: RefCell::default() }
    }
}

/// Decodes a chunk. The counts are of this chunk.
pub fn decode(chunk: &Chunk, decoder: &Decoder<'_>, sink: &mut dyn Sink) -> Tally {
    let mut run = Run {
        chunk,
        text: std::str::from_utf8(&chunk.bytes).ok(),
        masker: decoder.masker,
        memory: &decoder.memory,
        sink,
        tally: Tally { bytes: chunk.bytes.len() as u64, ..Tally::default() },
        previous: chunk.previous_time,
        unpacked: 0,
        inner_events: 0,
        in_headers: chunk.in_headers,
    };
    match &chunk.pieces {
        Some(pieces) => pieces.iter().for_each(|piece| run.piece(*piece)),
        None => run.lines(),
    }
    for record in &chunk.oversized {
        run.oversized(record);
    }
    run.tally
}

/// Where a record comes from, if not from the chunk as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope {
    /// Offset of the record in the chunk.
    pub(crate) at: usize,
    /// Length of the range that stands for it.
    pub(crate) length: usize,
    pub(crate) time: Option<Time>,
    pub(crate) cluster: Option<Str>,
    /// The record's end is missing.
    pub(crate) cut: bool,
    /// Some of it had to be repaired to be text.
    pub(crate) repaired: bool,
    /// In which format it came.
    pub(crate) format: Format,
    /// Its text is the provider's form of a record, not that of Kubernetes.
    pub(crate) converted: bool,
    /// How many envelopes are around it.
    pub(crate) depth: u8,
}

impl Envelope {
    /// A part of this range. Text that had to be repaired is longer than its bytes, so offsets in
    /// it are approximate; they stay inside of the range.
    pub(crate) fn inside(&self, at: usize, length: usize) -> Envelope {
        let at = at.min(self.length.saturating_sub(1));
        Envelope { at: self.at + at, length: length.min(self.length - at), ..self.clone() }
    }
}

pub(crate) struct Run<'r> {
    chunk: &'r Chunk,
    /// The chunk as text, if all of it is UTF-8.
    text: Option<&'r str>,
    masker: &'r Masker,
    memory: &'r RefCell<Memory>,
    sink: &'r mut dyn Sink,
    tally: Tally,
    previous: Option<Time>,
    /// Bytes that were unpacked out of envelopes.
    unpacked: usize,
    /// Events that were found inside of envelopes.
    inner_events: u32,
    /// The last line belonged to the head of an HTTP message.
    in_headers: bool,
}

impl<'r> Run<'r> {
    fn lines(&mut self) {
        let bytes = self.chunk.bytes.as_slice();
        let mut at = 0;
        while at < bytes.len() {
            at = frame::skip_separators(bytes, at);
            let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { break };
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let end = at + trimmed(rest.get(..length).unwrap_or_default());
            let may_be_list = length > MAX_PLAIN && frame::opens_list(bytes, at);
            if rest.first() == Some(&b'{') && !may_be_list && self.plain(at, end) {
                at += length;
                continue;
            }
            at = self.framed(at);
        }
    }

    /// Handles what the framer finds at `at`, with the list that it may open; the offset behind.
    fn framed(&mut self, mut at: usize) -> usize {
        let bytes = self.chunk.bytes.as_slice();
        let mut framer = Framer::default();
        loop {
            match framer.next(bytes, at, true) {
                Step::Piece(piece) => {
                    self.piece(piece);
                    at = piece.end;
                    if framer.is_between_records() {
                        return at;
                    }
                }
                Step::More(_) => return bytes.len(),
            }
        }
    }

    fn piece(&mut self, piece: Piece) {
        let Piece { start, end, kind } = piece;
        let (text, repaired) = self.slice(start, end);
        let envelope = Envelope { at: start, length: end - start, repaired, ..Envelope::default() };
        match kind {
            PieceKind::Record => self.record(&text, envelope),
            PieceKind::Broken => self.broken(&text, envelope),
            PieceKind::Text => self.plain_text(&text, &envelope),
        }
    }

    /// The fast path; whether the range is a whole record, native or converted.
    fn plain(&mut self, start: usize, end: usize) -> bool {
        let Some(text) = self.text.and_then(|text| text.get(start..end)) else { return false };
        let envelope = Envelope { at: start, length: end - start, ..Envelope::default() };
        self.native(text, &envelope) || convert::line(self, text, &envelope)
    }

    /// Whether the text is a native event; if so, it is handed on.
    pub(crate) fn native(&mut self, text: &str, envelope: &Envelope) -> bool {
        if !depth::is_within(text.as_bytes(), SKIP_DEPTH) {
            return false;
        }
        match walk::parse(text).map_or_else(|| sonic_rs::from_str::<Wire<'_>>(text), Ok) {
            Ok(wire) if wire.is_event() => {
                if build::is_level(&wire.level) {
                    self.emit(&wire, text, envelope)
                } else {
                    convert::without_level(self, wire, text, envelope)
                }
            }
            _ => false,
        }
    }

    fn record(&mut self, text: &str, envelope: Envelope) {
        if !self.native(text, &envelope) && !convert::read(self, text, &envelope) {
            self.degraded(text, envelope);
        }
    }

    /// A damaged record that still tells a request; whether it is one.
    pub(crate) fn usable(&mut self, text: &str, envelope: &Envelope) -> bool {
        let mut found = degraded::read(text);
        let usable = found.wire.is_event() && tells_a_request(&found.wire);
        if usable {
            self.tally.partial += u64::from(!found.cut);
            let cut = envelope.cut || found.cut;
            complete(&mut found.wire, cut);
            self.emit(&found.wire, text, &Envelope { cut, ..envelope.clone() });
        }
        usable
    }

    /// Whether so many bytes more may be unpacked out of envelopes.
    pub(crate) fn may_unpack(&mut self, bytes: usize) -> bool {
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.unpacked <= INNER_TOTAL
    }

    /// A JSON object that does not parse as an event: a damaged one, or something else.
    pub(crate) fn degraded(&mut self, text: &str, mut envelope: Envelope) {
        let found = degraded::read(text);
        if found.wire.is_event() {
            envelope.cut |= found.cut;
            self.tally.partial += 1;
            let _ = self.emit(&found.wire, text, &envelope);
        } else if found.cut {
            self.reject(
                &envelope,
                "a JSON object that is cut or damaged, with nothing of an audit event".to_owned(),
            );
        } else {
            let kind = found.wire.kind_label();
            self.reject(&envelope, format!("JSON, but not an audit event (kind {kind})"));
        }
    }

    pub(crate) fn broken(&mut self, text: &str, envelope: Envelope) {
        let mut found = degraded::read(text);
        if !found.wire.is_event() || !tells_a_request(&found.wire) {
            let reason = "the beginning of a record whose end is missing; too little of it is there to be an event";
            return self.reject(&envelope, reason.to_owned());
        }
        complete(&mut found.wire, true);
        let _ = self.emit(&found.wire, text, &Envelope { cut: true, ..envelope });
    }

    fn oversized(&mut self, record: &Oversized) {
        let head = String::from_utf8_lossy(&record.head);
        let found = degraded::read(&head);
        let position = Position { source: self.chunk.source, offset: record.offset };
        self.tally.bytes += record.length;
        if found.wire.is_event() && tells_a_request(&found.wire) {
            let setting = Setting { position, cut: true, ..self.setting(&Envelope::default()) };
            let _ = self.hand_on(&found.wire, &head, &setting, false);
            return;
        }
        self.tally.rejected += 1;
        self.sink.reject(Rejected {
            source: self.chunk.name.to_string(),
            offset: record.offset,
            length: record.length,
            reason: "a record over the size limit; raise the limit to read it".to_owned(),
        });
    }

    /// Hands the event on; `false` if a part of it cannot be read, which parts that
    /// [`crate::degraded`] put together always can.
    pub(crate) fn emit(&mut self, wire: &Wire<'_>, text: &str, envelope: &Envelope) -> bool {
        let is_inner = envelope.depth > 0;
        if is_inner && self.inner_events >= INNER_EVENTS {
            self.reject(envelope, "an event of an envelope that holds too many".to_owned());
            return true;
        }
        self.inner_events += u32::from(is_inner);
        let setting = self.setting(envelope);
        self.hand_on(wire, text, &setting, envelope.repaired)
    }

    fn hand_on(&mut self, wire: &Wire<'_>, text: &str, setting: &Setting, repaired: bool) -> bool {
        let memory = &mut *self.memory.borrow_mut();
        let Some(event) = build::event(wire, setting, self.masker, memory) else { return false };
        if !event.time_inferred {
            self.previous = Some(event.time);
        }
        self.tally.records += 1;
        self.tally.partial += u64::from(repaired);
        self.tally.truncated += u64::from(event.bodies.truncated);
        if setting.format != Format::Native {
            *self.tally.formats.entry(setting.format).or_default() += 1;
        }
        let record = Record::new(wire, text, &event, self.masker).converted(setting.converted);
        self.sink.event(event, &record);
        self.tally.damaged_bodies += record.damaged_bodies();
        true
    }

    fn setting(&self, envelope: &Envelope) -> Setting {
        let offset = self.chunk.offset + envelope.at as u64;
        Setting {
            position: Position { source: self.chunk.source, offset },
            cluster: envelope.cluster.clone().unwrap_or_else(|| self.chunk.cluster.clone()),
            envelope_time: envelope.time,
            previous_time: self.previous,
            cut: envelope.cut,
            format: envelope.format,
            converted: envelope.converted,
        }
    }

    pub(crate) fn reject(&mut self, envelope: &Envelope, reason: String) {
        self.tally.rejected += 1;
        self.sink.reject(Rejected {
            source: self.chunk.name.to_string(),
            offset: self.chunk.offset + envelope.at as u64,
            length: envelope.length as u64,
            reason,
        });
    }

    pub(crate) fn ignore(&mut self, reason: &'static str) {
        *self.tally.ignored.entry(reason).or_default() += 1;
        self.sink.ignored(reason);
    }

    /// A range as text; what is not UTF-8 is replaced, which is told.
    fn slice(&self, start: usize, end: usize) -> (Cow<'r, str>, bool) {
        if let Some(text) = self.text.and_then(|text| text.get(start..end)) {
            return (Cow::Borrowed(text), false);
        }
        let chunk = self.chunk;
        let text = String::from_utf8_lossy(chunk.bytes.get(start..end).unwrap_or_default());
        let repaired = matches!(text, Cow::Owned(_));
        (text, repaired)
    }

    /// A line that does not begin like a record: text before a record (a time, a node's name), the
    /// log of another component, the head of an HTTP message, or nothing of ours.
    fn plain_text(&mut self, text: &str, envelope: &Envelope) {
        let text = text.trim_end();
        if http::is_header(text, &mut self.in_headers) {
            return self.ignore(http::IGNORED);
        }
        if !self.prefixed(text, envelope) {
            self.other_text(text, envelope);
        }
    }

    /// Whether the line is text with a record behind it; if so, it is handed on.
    pub(crate) fn prefixed(&mut self, text: &str, envelope: &Envelope) -> bool {
        let Some(at) = text.find("{\"").filter(|at| *at <= MAX_PREFIX) else { return false };
        let (prefix, record) = text.split_at_checked(at).unwrap_or_default();
        let time = text.split_whitespace().next().and_then(Time::parse).or(envelope.time);
        let format = convert::prefix_format(prefix, envelope.format);
        let inner = Envelope { time, format, ..envelope.inside(at, record.len()) };
        self.native(record, &inner)
            || convert::read(self, record, &inner)
            || self.usable(record, &inner)
    }

    /// Text without a record: known to be another log, or rejected.
    pub(crate) fn other_text(&mut self, text: &str, envelope: &Envelope) {
        if text.contains("\"audit.k8s.io/") || text.contains("\"auditID\"") {
            let reason = "a damaged audit record of which too little is left to be an event";
            return self.reject(envelope, reason.to_owned());
        }
        let has_time = text.split_whitespace().next().and_then(Time::parse).is_some();
        match other_log(text, has_time) {
            Some(reason) => self.ignore(reason),
            None => self.reject(envelope, "a line of text, not an audit event".to_owned()),
        }
    }
}

/// Lines longer than this are looked at for being a list before they are parsed as one event.
const MAX_PLAIN: usize = 8 << 10;

/// How much text may stand before a record on its line.
const MAX_PREFIX: usize = 256;

/// The target of a record that was cut before it: the URL, which comes earlier, names it.
pub(crate) fn complete(wire: &mut Wire<'_>, cut: bool) {
    if cut && wire.object_ref.is_none() {
        let uri = wire.request_uri.as_str().to_owned();
        wire.object_ref = convert::of_uri(&uri).map(WireRef::into_owned);
    }
}

/// Whether enough is known to be a request: somebody, or something that was asked for.
fn tells_a_request(wire: &Wire<'_>) -> bool {
    let asked = !wire.request_uri.is_empty() || wire.object_ref.is_some();
    let who = wire.user.known().is_some_and(|user| !user.username.is_empty());
    asked && (who || !wire.verb.is_empty())
}

/// Logs of other components that share a file or a log group with the audit log.
pub(crate) fn other_log(text: &str, has_time: bool) -> Option<&'static str> {
    let body = if has_time {
        text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest)
    } else {
        text
    };
    if is_klog(body) {
        Some("a line of a Kubernetes component's own log")
    } else if body.starts_with("time=\"") && body.contains("level=") {
        Some("a line of the authenticator's own log")
    } else if has_time {
        Some("a line of another log stream")
    } else {
        None
    }
}

/// `I1123 11:17:13.204586       1 controller.go:1] …`
fn is_klog(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    matches!(bytes.first(), Some(b'I' | b'W' | b'E' | b'F'))
        && digits(1, 5)
        && bytes.get(5) == Some(&b' ')
        && digits(6, 8)
        && bytes.get(8) == Some(&b':')
}

/// Length of a line without the blanks and the comma that may follow a record.
fn trimmed(line: &[u8]) -> usize {
    let tail = line.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b',')).count();
    line.len() - tail
}
