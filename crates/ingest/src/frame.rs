//! Finds records in bytes: where each begins and ends, whatever lies between them.
//!
//! One file may mix JSON lines, pretty-printed records, records with nothing between them, lists
//! and plain text, so nothing is decided per file. The scanner here knows just enough JSON to find
//! the end of a value and to notice a value that was cut: a raw newline inside a string, or an
//! object where none may begin. After such damage it starts again at the next line that looks like
//! the beginning of a record, so that one cut line never swallows its neighbours. It does not
//! recurse, so nesting cannot exhaust the stack.

use memchr::{memchr, memchr_iter, memchr3, memrchr_iter};

/// Nesting at which a value is no longer followed.
const MAX_NESTING: usize = 100_000;
/// Objects that begin where a record may begin (with a line, or like a native record) and lie in
/// one another, at which a value is no longer followed. Indented JSON has one of them. Where there
/// are many, these are records that were cut one by one, and following each to the end of all would
/// take time without end.
const MAX_RECORDS: usize = 64;
/// How a native record begins.
const BEGINNING: &[u8] = b"{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/";
/// How far the opening of a list (`{"kind":"EventList",…,"items":[`) may reach.
const MAX_LIST_HEAD: usize = 64 << 10;
/// Keys whose value, if it is a list, is a list of records: an `EventList`, `aws logs
/// filter-log-events`, Azure and Firehose, Kinesis.
const LIST_KEYS: [&[u8]; 4] = [b"items", b"events", b"records", b"Records"];
/// Keys that only an event has: whatever has them is not a list.
const EVENT_KEYS: [&[u8]; 7] =
    [b"level", b"auditID", b"stage", b"requestURI", b"verb", b"user", b"logEvents"];

/// A range of bytes, from the first to behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: PieceKind,
}

/// What lies in the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PieceKind {
    /// A balanced JSON object.
    Record,
    /// A line that does not begin like a record.
    Text,
    /// The beginning of a record whose rest is missing.
    Broken,
}

/// Outcome of looking for the next piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Found one.
    Piece(Piece),
    /// Nothing complete; everything before the offset is dealt with.
    More(usize),
}

/// Follows one JSON value to its end. Can be fed in parts.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    /// One per open bracket.
    open: Vec<Bracket>,
    /// How many of them may be records of their own.
    records: usize,
    in_string: bool,
    escaped: bool,
    at_line: bool,
    previous: u8,
}

/// An open bracket.
#[derive(Clone, Copy, Debug)]
struct Bracket {
    is_list: bool,
    may_be_record: bool,
}

/// Outcome of following a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The value ends before this offset.
    Done(usize),
    /// It goes on behind the bytes at hand.
    More,
    /// It cannot go on like this; the byte at the offset is the offender.
    Broken(usize),
}

impl Balance {
    /// As if an object had been opened already.
    fn inside_object() -> Balance {
        let object = Bracket { is_list: false, may_be_record: false };
        Balance { open: vec![object], previous: b'"', ..Balance::default() }
    }

    /// Follows the value through `bytes` from `at`.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut at: usize) -> Progress {
        while let Some(&byte) = bytes.get(at) {
            if self.in_string {
                match self.string(bytes, at) {
                    Ok(next) => at = next,
                    Err(offender) => return Progress::Broken(offender),
                }
                continue;
            }
            if !self.token(byte, bytes, at) {
                return Progress::Broken(at);
            }
            at += 1;
            if self.open.is_empty() {
                return Progress::Done(at);
            }
        }
        Progress::More
    }

    /// Moves through a string; the offset behind what was dealt with, or that of a raw newline.
    fn string(&mut self, bytes: &[u8], at: usize) -> Result<usize, usize> {
        if self.escaped {
            self.escaped = false;
            return if bytes.get(at) == Some(&b'\n') { Err(at) } else { Ok(at + 1) };
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = memchr3(b'"', b'\\', b'\n', rest) else { return Ok(bytes.len()) };
        match rest.get(found) {
            Some(b'"') => self.in_string = false,
            Some(b'\\') => self.escaped = true,
            _ => return Err(at + found),
        }
        Ok(at + found + 1)
    }

    /// Takes one byte outside of strings; whether it may stand there.
    fn token(&mut self, byte: u8, bytes: &[u8], at: usize) -> bool {
        let begins_line = std::mem::replace(&mut self.at_line, byte == b'\n');
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return true,
            b'"' => self.in_string = true,
            b'{' => {
                let is_native = || bytes.get(at..).is_some_and(|rest| rest.starts_with(BEGINNING));
                let may_be_record = begins_line || is_native();
                if !self.open(Bracket { is_list: false, may_be_record }) {
                    return false;
                }
            }
            b'[' if !self.open(Bracket { is_list: true, may_be_record: false }) => return false,
            b'}' | b']' if !self.close(byte == b']') => return false,
            b'[' | b'}' | b']' => {}
            _ if !is_scalar_byte(byte) => return false,
            _ => {}
        }
        self.previous = byte;
        true
    }

    /// Whether a bracket may open here; if so it is open.
    fn open(&mut self, bracket: Bracket) -> bool {
        let records = self.records + usize::from(bracket.may_be_record);
        let may = self.may_open() && self.open.len() < MAX_NESTING && records <= MAX_RECORDS;
        if may {
            self.open.push(bracket);
            self.records = records;
        }
        may
    }

    /// Whether the innermost bracket is of this sort; if so it is closed.
    fn close(&mut self, is_list: bool) -> bool {
        let Some(bracket) = self.open.pop().filter(|bracket| bracket.is_list == is_list) else {
            return false;
        };
        self.records -= usize::from(bracket.may_be_record);
        true
    }

    fn may_open(&self) -> bool {
        matches!(
            (self.open.last().map(|bracket| bracket.is_list), self.previous),
            (None, _) | (Some(_), b':') | (Some(true), b'[' | b',')
        )
    }
}

/// Bytes of numbers, `true`, `false`, `null`, and the two separators.
fn is_scalar_byte(byte: u8) -> bool {
    matches!(
        byte,
        b':' | b',' | b'0'
            ..=b'9'
                | b'+'
                | b'-'
                | b'.'
                | b'e'
                | b'E'
                | b't'
                | b'r'
                | b'u'
                | b'f'
                | b'a'
                | b'l'
                | b's'
                | b'n'
    )
}

/// Finds pieces one by one. Remembers only whether it is inside a list.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Between records.
    #[default]
    Top,
    /// Between the elements of a list.
    Items,
    /// Behind the elements, before the end of the list's object.
    Tail,
}

impl Framer {
    /// Whether no list is open.
    pub(crate) fn is_between_records(&self) -> bool {
        self.place == Place::Top
    }

    /// The next piece at or behind `at`. With `eof`, what is incomplete is a piece too.
    pub(crate) fn next(&mut self, bytes: &[u8], mut at: usize, eof: bool) -> Step {
        loop {
            let step = match self.place {
                Place::Top => self.top(bytes, at, eof),
                Place::Items => self.item(bytes, at, eof),
                Place::Tail => self.tail(bytes, at, eof),
            };
            match step {
                Found::At(next) => at = next,
                Found::Step(step) => return step,
            }
        }
    }

    fn top(&mut self, bytes: &[u8], at: usize, eof: bool) -> Found {
        let at = skip_separators(bytes, at);
        match bytes.get(at) {
            None => Found::more(bytes.len()),
            Some(b'{') => match list_head(bytes, at) {
                Head::List(inside) => {
                    self.place = Place::Items;
                    Found::At(inside)
                }
                Head::Incomplete if !eof => Found::more(at),
                Head::Incomplete | Head::No => value(bytes, at, eof),
            },
            Some(_) => text(bytes, at, eof),
        }
    }

    fn item(&mut self, bytes: &[u8], at: usize, eof: bool) -> Found {
        let at = skip(bytes, at, |byte| byte.is_ascii_whitespace() || byte == b',');
        match bytes.get(at) {
            None => Found::more(bytes.len()),
            Some(b'{') => {
                let found = value(bytes, at, eof);
                if matches!(found, Found::Step(Step::Piece(Piece { kind: PieceKind::Broken, .. })))
                {
                    self.place = Place::Top;
                }
                found
            }
            Some(b']') => {
                self.place = Place::Tail;
                Found::At(at + 1)
            }
            Some(_) => {
                self.place = Place::Top;
                text(bytes, at, eof)
            }
        }
    }

    fn tail(&mut self, bytes: &[u8], at: usize, eof: bool) -> Found {
        match Balance::inside_object().feed(bytes, at) {
            Progress::Done(end) => {
                self.place = Place::Top;
                Found::At(end)
            }
            Progress::More if !eof => Found::more(at),
            Progress::More => Found::more(bytes.len()),
            Progress::Broken(_) => {
                self.place = Place::Top;
                Found::At(at)
            }
        }
    }
}

/// Either somewhere to go on, or an answer.
enum Found {
    At(usize),
    Step(Step),
}

impl Found {
    fn more(from: usize) -> Found {
        Found::Step(Step::More(from))
    }

    fn piece(start: usize, end: usize, kind: PieceKind) -> Found {
        Found::Step(Step::Piece(Piece { start, end, kind }))
    }
}

fn value(bytes: &[u8], at: usize, eof: bool) -> Found {
    match Balance::default().feed(bytes, at) {
        Progress::Done(end) => Found::piece(at, end, PieceKind::Record),
        Progress::More if !eof => Found::more(at),
        Progress::More => match resync(bytes, at, bytes.len()) {
            Some(end) => Found::piece(at, end, PieceKind::Broken),
            None => Found::piece(at, bytes.len(), PieceKind::Broken),
        },
        Progress::Broken(offender) => match resync(bytes, at, offender) {
            Some(end) => Found::piece(at, end, PieceKind::Broken),
            None if eof => Found::piece(at, bytes.len(), PieceKind::Broken),
            None => Found::more(at),
        },
    }
}

fn text(bytes: &[u8], at: usize, eof: bool) -> Found {
    match memchr(b'\n', bytes.get(at..).unwrap_or_default()) {
        Some(length) => Found::piece(at, at + length + 1, PieceKind::Text),
        None if eof => Found::piece(at, bytes.len(), PieceKind::Text),
        None => Found::more(at),
    }
}

/// Where to start again after a value that began at `start` broke at `offender`: the first line in
/// between that looks like a record or the first record that is glued to the cut one, else the line
/// after the offender.
fn resync(bytes: &[u8], start: usize, offender: usize) -> Option<usize> {
    let inside = bytes.get(start..offender).unwrap_or_default();
    let line = memchr_iter(b'\n', inside)
        .map(|newline| start + newline + 1)
        .find(|line| begins_record(bytes, *line) == Some(true));
    if let Some(line) = line {
        return glued_record(bytes, start, line).or(Some(line));
    }
    // Looked for in growing steps: what lies further away than the answer must not cost anything,
    // or a file of cut records without a newline would be searched to its end for each of them.
    let mut reach = FIRST_REACH;
    loop {
        let end = offender.saturating_add(reach).min(bytes.len());
        let newline = memchr(b'\n', bytes.get(offender..end).unwrap_or_default());
        let newline = newline.map(|length| offender + length + 1);
        let found = glued_record(bytes, start, newline.unwrap_or(end)).or(newline);
        if found.is_some() || end == bytes.len() {
            return found;
        }
        reach *= 2;
    }
}

/// How far is looked first for where to start again.
const FIRST_REACH: usize = 4 << 10;

/// A record directly behind one that was cut. Inside of a string its quotes would be escaped.
fn glued_record(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let rest = bytes.get(start + 1..end)?;
    memchr::memmem::find(rest, BEGINNING).map(|at| start + 1 + at)
}

/// What may stand between records without meaning anything: blanks, the punctuation of an array of
/// records or of a list's end, byte order marks, the zeros that a crash or a truncated file leaves.
pub(crate) fn skip_separators(bytes: &[u8], mut at: usize) -> usize {
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += match rest {
            [0xEF, 0xBB, 0xBF, ..] => 3,
            [b']', b'}', ..] => 2,
            [b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' | 0, ..] => 1,
            [b'[', inner @ ..] if opens_array(inner) => 1,
            _ => return at,
        };
    }
}

fn opens_array(inner: &[u8]) -> bool {
    let next = inner.iter().find(|byte| !byte.is_ascii_whitespace());
    // An array of arrays is no list of records: it is left to be rejected.
    matches!(next, None | Some(b'{' | b']'))
}

fn skip(bytes: &[u8], at: usize, test: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| test(**byte)).count()
}

enum Head {
    /// A list; its first element is at or behind the offset.
    List(usize),
    No,
    Incomplete,
}

/// Whether a list of records begins at `at`.
pub(crate) fn opens_list(bytes: &[u8], at: usize) -> bool {
    bytes.get(at) == Some(&b'{') && matches!(list_head(bytes, at), Head::List(_))
}

/// Looks whether the object at `at` is a list of records.
fn list_head(bytes: &[u8], at: usize) -> Head {
    let window = bytes.get(..bytes.len().min(at + MAX_LIST_HEAD)).unwrap_or_default();
    let cut = if window.len() < bytes.len() { Head::No } else { Head::Incomplete };
    let mut fields = Fields::new(window, at);
    loop {
        match fields.next_key() {
            Key::End => return Head::No,
            Key::Cut => return cut,
            Key::At(start, end) => {
                let key = window.get(start..end).unwrap_or_default();
                if EVENT_KEYS.contains(&key) {
                    return Head::No;
                }
                let Some(value) = fields.value_start() else { return cut };
                if LIST_KEYS.contains(&key) && window.get(value) == Some(&b'[') {
                    return Head::List(value + 1);
                }
                if fields.skip_value().is_none() {
                    return cut;
                }
            }
        }
    }
}

/// Walks over the top-level fields of an object without parsing it.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Outcome of looking for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The key's text, without its quotes.
    At(usize, usize),
    /// The object is over.
    End,
    /// The object is cut or damaged here.
    Cut,
}

impl<'a> Fields<'a> {
    /// Of the object that begins at `at`.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Fields<'a> {
        Fields { bytes, at: at + 1 }
    }

    /// Moves to behind the next key.
    pub(crate) fn next_key(&mut self) -> Key {
        let at = skip(self.bytes, self.at, |b| b.is_ascii_whitespace() || b == b',');
        match self.bytes.get(at) {
            Some(b'"') => {}
            Some(b'}') => return Key::End,
            _ => return Key::Cut,
        }
        let Some(end) = string_end(self.bytes, at) else { return Key::Cut };
        self.at = end;
        Key::At(at + 1, end - 1)
    }

    /// Moves to the first byte of the value.
    pub(crate) fn value_start(&mut self) -> Option<usize> {
        let colon = skip(self.bytes, self.at, |b| b.is_ascii_whitespace());
        if self.bytes.get(colon) != Some(&b':') {
            return None;
        }
        self.at = skip(self.bytes, colon + 1, |b| b.is_ascii_whitespace());
        (self.at < self.bytes.len()).then_some(self.at)
    }

    /// Moves to behind the value; the offset behind it, `None` if it is cut.
    pub(crate) fn skip_value(&mut self) -> Option<usize> {
        let end = match self.bytes.get(self.at)? {
            b'"' => string_end(self.bytes, self.at)?,
            b'{' | b'[' => match Balance::default().feed(self.bytes, self.at) {
                Progress::Done(end) => end,
                _ => return None,
            },
            _ => {
                let end =
                    skip(self.bytes, self.at, |b| !b.is_ascii_whitespace() && !b",}]".contains(&b));
                if end == self.bytes.len() || end == self.at {
                    return None;
                }
                end
            }
        };
        self.at = end;
        Some(end)
    }
}

/// Offset behind the closing quote of the string that begins at `at`.
pub(crate) fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        let rest = bytes.get(at..)?;
        let found = memchr3(b'"', b'\\', b'\n', rest)?;
        match rest.get(found)? {
            b'"' => return Some(at + found + 1),
            b'\\' => at += found + 2,
            _ => return None,
        }
    }
}

/// Whether the line at `at` looks like the beginning of a record; `None` if too little of it is
/// there to say.
fn begins_record(bytes: &[u8], at: usize) -> Option<bool> {
    match bytes.get(at..)? {
        [] | [b'{'] => None,
        [b'{', b'"' | b'}', ..] => Some(true),
        [b'{', b'\r', b'\n', next, ..] | [b'{', b'\n', next, ..] => {
            Some(matches!(next, b' ' | b'\t') && closes_before(bytes, at))
        }
        [b'{', ..] => Some(false),
        [a, b, c, d, b'-', ..] => Some([a, b, c, d].iter().all(|digit| digit.is_ascii_digit())),
        rest if rest.len() < 5 => None,
        _ => Some(false),
    }
}

/// Whether the last byte before `at` that is no blank closes something, or there is none.
fn closes_before(bytes: &[u8], at: usize) -> bool {
    let before = bytes.get(..at).unwrap_or_default();
    let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace());
    matches!(last, None | Some(b'}' | b']' | b','))
}

/// The last line in `bytes` before which a chunk of lines may be cut: one that looks like the
/// beginning of a record, or of plain text where no record is open.
pub(crate) fn line_cut(bytes: &[u8]) -> Option<usize> {
    memrchr_iter(b'\n', bytes)
        .map(|newline| newline + 1)
        .find(|line| begins_record(bytes, *line) == Some(true) || begins_text(bytes, *line))
}

/// Plain text after a finished line: it can be no part of a pretty-printed record.
fn begins_text(bytes: &[u8], at: usize) -> bool {
    if bytes.get(at).is_none_or(|byte| b" \t\r\n{}[]\",:".contains(byte)) {
        return false;
    }
    let before = bytes.get(..at).unwrap_or_default();
    let last = before.iter().rev().find(|byte| !byte.is_ascii_whitespace());
    !matches!(last, Some(b',' | b':' | b'[' | b'{'))
}

/// Whether the first line of `bytes` holds whole records or plain text, so that lines may be taken
/// as they are.
pub(crate) fn begins_with_whole_line(bytes: &[u8]) -> bool {
    let at = skip_separators(bytes, 0);
    let Some(length) = memchr(b'\n', bytes.get(at..).unwrap_or_default()) else { return false };
    let line = bytes.get(at..at + length).unwrap_or_default();
    if line.first() != Some(&b'{') {
        return true;
    }
    matches!(Balance::default().feed(line, 0), Progress::Done(_) | Progress::Broken(_))
}

#[cfg(test)]
mod tests;
