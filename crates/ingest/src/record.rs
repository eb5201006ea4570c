//! The bodies of the event at hand, parsed when first asked for: most events are judged without.
//!
//! A missing body is *absent* only where the audit level guarantees that it would have been
//! written; otherwise the answer is *unknown*, because a condition on it must not count as false.

use crate::{
    degraded, depth,
    extract::{self, Subject},
    frame::{Fields, Key},
    limits::{SEALED_WHOLE, SKIP_DEPTH},
    mask::{Masker, Place, Scope, Walk, write_text},
    native,
    tree::{MANAGED_FIELDS, Tree},
    wire::{Raw, Wire},
};
use sha2::{Digest, Sha256};
use std::{
    cell::{Cell, OnceCell},
    fmt,
};
use trailhound_model::{
    body::Body,
    event::{Event, Level, Stage},
    fact::{Exhibit, RECORD_LIMIT, Sealed},
    lookup::{Bodies, Reading, Side, Step, Value},
    observed::Observed,
};

/// Subresources whose requests carry no body worth the name, whatever their verb.
const BODILESS: [&str; 5] = ["exec", "attach", "portforward", "proxy", "log"];

/// One record, as long as its bytes are there.
pub(crate) struct Record<'a> {
    wire: &'a Wire<'a>,
    text: &'a str,
    masker: &'a Masker,
    level: Level,
    stage: Stage,
    truncated: bool,
    /// `text` is a provider's form of the record; what is shown is written from `wire`.
    converted: bool,
    native: OnceCell<String>,
    request: OnceCell<Option<Tree<'a>>>,
    response: OnceCell<Option<Tree<'a>>>,
    body: OnceCell<Reading<Body>>,
    damaged: Cell<u64>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(
        wire: &'a Wire<'a>,
        text: &'a str,
        event: &Event,
        masker: &'a Masker,
    ) -> Record<'a> {
        Record {
            wire,
            text,
            masker,
            level: event.level,
            stage: event.stage,
            truncated: event.bodies.truncated,
            converted: false,
            native: OnceCell::new(),
            request: OnceCell::new(),
            response: OnceCell::new(),
            body: OnceCell::new(),
            damaged: Cell::new(0),
        }
    }

    /// Of a record that was converted: `text` is what the provider wrote.
    pub(crate) fn converted(self, converted: bool) -> Record<'a> {
        Record { converted, ..self }
    }

    /// How many bodies were found damaged so far.
    pub(crate) fn damaged_bodies(&self) -> u64 {
        self.damaged.get()
    }

    fn raw(&self, side: Side) -> Option<&'a Raw<'a>> {
        let raw = match side {
            Side::Request => self.wire.request_object.as_ref(),
            Side::Response => self.wire.response_object.as_ref(),
        };
        raw.filter(|raw| !raw.is_left_out())
    }

    /// The record in the form of the API server: what is masked, shown and kept.
    fn shown(&self) -> &str {
        if self.converted {
            self.native.get_or_init(|| native::write(self.wire))
        } else {
            self.text
        }
    }

    fn tree(&self, side: Side) -> Option<&Tree<'a>> {
        let cell = match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        };
        cell.get_or_init(|| self.parse(side)).as_ref()
    }

    fn parse(&self, side: Side) -> Option<Tree<'a>> {
        let tree = Tree::parse_lean(&self.raw(side)?.0);
        self.damaged.set(self.damaged.get() + u64::from(tree.is_none()));
        tree
    }

    /// What it means that there is no body on a side.
    fn missing<T>(&self, side: Side) -> Reading<T> {
        let needed = match side {
            Side::Request => Level::Request,
            Side::Response => Level::RequestResponse,
        };
        let finished = matches!(self.stage, Stage::ResponseComplete | Stage::Panic);
        let guaranteed = self.level >= needed && !self.truncated && finished;
        if guaranteed && self.raw(side).is_none() { Reading::Absent } else { Reading::Unknown }
    }

    /// Whether the request may carry an object.
    fn carries_object(&self) -> bool {
        let writes = matches!(
            self.wire.verb.as_str(),
            "create" | "update" | "patch" | "post" | "put" | "apply"
        );
        writes && self.wire.object_ref.is_some() && !BODILESS.contains(&self.wire.subresource())
    }

    fn read_body(&self) -> Reading<Body> {
        let request = self.tree(Side::Request);
        let response = self.tree(Side::Response).filter(|tree| is_single_object(tree));
        let carries = self.carries_object();
        let request = request.filter(|_| carries);
        if request.is_none() && response.is_none() {
            return if carries { self.missing(Side::Request) } else { Reading::Absent };
        }
        let subject = Subject {
            masker: self.masker,
            scope: Scope::of_resource(self.wire.resource()),
            wire: self.wire,
            request,
            response,
        };
        Reading::Present(extract::body(&subject))
    }

    fn root_place(&self) -> Place {
        Place::of_body(Scope::of_resource(self.wire.resource()))
    }

    /// One top-level field as JSON, masked; `None` if it is longer than `limit` or damaged.
    fn field(&self, key: &str, raw: &str, limit: usize, skip: &[&str]) -> Option<String> {
        let tree = Tree::parse(raw)?;
        let mut out = String::new();
        let whole = match (key, &tree) {
            ("requestURI", Tree::Text(uri)) => {
                let masked = self.masker.uri(uri);
                write_text(masked.as_deref().unwrap_or(uri), &mut out);
                true
            }
            ("annotations", Tree::Object(fields)) => {
                self.write_annotations(fields, &mut out);
                true
            }
            ("requestObject" | "responseObject", _) => {
                Walk::new(self.masker, &tree, self.root_place()).write(&mut out, limit, skip)
            }
            _ => Walk::new(self.masker, &tree, Place::Plain).write(&mut out, limit, skip),
        };
        (whole && out.len() <= limit).then_some(out)
    }

    fn write_annotations(
        &self,
        fields: &[(std::borrow::Cow<'_, str>, Tree<'_>)],
        out: &mut String,
    ) {
        let scope = Scope::of_resource(self.wire.resource());
        out.push('{');
        for (index, (key, value)) in fields.iter().enumerate() {
            out.push_str(if index > 0 { "," } else { "" });
            write_text(self.masker.text(key).as_deref().unwrap_or(key), out);
            out.push(':');
            let masked = self.masker.named(key, value.text(), scope);
            write_text(masked.as_deref().unwrap_or(value.text()), out);
        }
        out.push('}');
    }

    /// The record's fields in its order, each masked; those that do not fit are cut to a mark.
    fn fields(&self, limit: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        let text = self.shown();
        let mut fields = Fields::new(text.as_bytes(), 0);
        while let Key::At(start, end) = fields.next_key() {
            let Some(from) = fields.value_start() else { break };
            let Some(to) = fields.skip_value() else { break };
            let (Some(key), Some(raw)) = (text.get(start..end), text.get(from..to)) else { break };
            let json = self
                .field(key, raw, limit, &[])
                .or_else(|| self.field(key, raw, limit, &[MANAGED_FIELDS]))
                .unwrap_or_else(|| cut_mark(raw.len()));
            parts.push(Part { key: key.to_owned(), json, raw: raw.len() });
        }
        parts
    }
}

/// A field of the record that is written.
struct Part {
    key: String,
    json: String,
    raw: usize,
}

impl Part {
    fn length(&self) -> usize {
        self.key.len() + self.json.len() + 4
    }

    /// Bodies go first, then whatever is longest.
    fn weight(&self) -> (bool, usize) {
        (self.key.ends_with("Object"), self.json.len())
    }
}

fn cut_mark(length: usize) -> String {
    format!("\"[cut: {length} bytes]\"")
}

/// Not a list, and not the status that stands for an error or a deletion.
fn is_single_object(tree: &Tree<'_>) -> bool {
    let kind = tree.get("kind").text();
    matches!(tree, Tree::Object(_))
        && kind != "Status"
        && !(kind.ends_with("List") && matches!(tree.get("items"), Tree::List(_)))
}

impl Bodies for Record<'_> {
    fn body(&self) -> Reading<&Body> {
        match self.body.get_or_init(|| self.read_body()) {
            Reading::Present(body) => Reading::Present(body),
            Reading::Absent => Reading::Absent,
            Reading::Unknown => Reading::Unknown,
        }
    }

    fn value(&self, side: Side, path: &[&str]) -> Reading<Value> {
        let Some(tree) = self.tree(side) else { return self.missing(side) };
        let whole =
            path.contains(&MANAGED_FIELDS).then(|| Tree::parse(&self.raw(side)?.0)).flatten();
        let tree = whole.as_ref().unwrap_or(tree);
        let root = Walk::new(self.masker, tree, self.root_place());
        let found = path.iter().try_fold(root, |walk, key| walk.step(key));
        found.and_then(|walk| value_of(&walk)).map_or(Reading::Absent, Reading::Present)
    }

    fn select(&self, side: Side, path: &[Step]) -> Reading<Vec<Value>> {
        let Some(tree) = self.tree(side) else { return self.missing(side) };
        let mut walks = vec![Walk::new(self.masker, tree, self.root_place())];
        for step in path {
            walks = walks.iter().flat_map(|walk| taken(walk, step)).take(MOST_VALUES).collect();
        }
        let values: Vec<Value> = walks.iter().filter_map(value_of).collect();
        if values.is_empty() { Reading::Absent } else { Reading::Present(values) }
    }

    fn json(&self, side: Side, path: &[&str], limit: usize) -> Reading<String> {
        let Some(tree) = self.tree(side) else { return self.missing(side) };
        let whole =
            path.contains(&MANAGED_FIELDS).then(|| Tree::parse(&self.raw(side)?.0)).flatten();
        let tree = whole.as_ref().unwrap_or(tree);
        let root = Walk::new(self.masker, tree, self.root_place());
        match path.iter().try_fold(root, |walk, key| walk.step(key)) {
            Some(walk) => Reading::Present(one_text(&walk, limit)),
            None => Reading::Absent,
        }
    }

    fn masked_record(&self, limit: usize) -> String {
        let mut parts = self.fields(limit);
        let mut length: usize = 2 + parts.iter().map(Part::length).sum::<usize>();
        while length > limit {
            let Some(part) = parts.iter_mut().max_by_key(|part| part.weight()) else { break };
            let mark = cut_mark(part.raw);
            if part.json.len() <= mark.len() {
                return if limit >= 2 { "{}".to_owned() } else { String::new() };
            }
            length = length - part.json.len() + mark.len();
            part.json = mark;
        }
        let fields: Vec<String> =
            parts.iter().map(|part| format!("\"{}\":{}", part.key, part.json)).collect();
        format!("{{{}}}", fields.join(","))
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }

    fn observed(&self) -> Option<Box<Observed>> {
        let bodies = extract::observed::Bodies {
            masker: self.masker,
            wire: self.wire,
            request: self.raw(Side::Request).map(|raw| raw.0.as_ref()),
            response: self.raw(Side::Response).map(|raw| raw.0.as_ref()),
        };
        bodies.observed().map(Box::new)
    }

    fn exhibit(&self) -> Exhibit {
        if self.text.len() > SEALED_WHOLE {
            let body = match self.body() {
                Reading::Present(body) => Some(body.clone()),
                Reading::Absent | Reading::Unknown => None,
            };
            return Exhibit::known(self.digest(), self.masked_record(RECORD_LIMIT), body);
        }
        Exhibit::sealed(Box::new(SealedRecord {
            text: self.shown().into(),
            original: self.converted.then(|| self.text.into()),
            masker: self.masker.clone(),
            level: self.level,
            stage: self.stage,
            truncated: self.truncated,
        }))
    }
}

/// A record that outlives its chunk. Its bytes are private here: outside it can only be asked
/// what it says, masked.
struct SealedRecord {
    text: Box<str>,
    /// The provider's bytes, if `text` was converted from them.
    original: Option<Box<str>>,
    masker: Masker,
    level: Level,
    stage: Stage,
    truncated: bool,
}

impl fmt::Debug for SealedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedRecord").field("bytes", &self.text.len()).finish_non_exhaustive()
    }
}

impl SealedRecord {
    fn open<T>(&self, ask: impl FnOnce(&Record<'_>) -> T) -> T {
        let text = &*self.text;
        let parsed = depth::is_within(text.as_bytes(), SKIP_DEPTH)
            .then(|| sonic_rs::from_str::<Wire<'_>>(text).ok())
            .flatten()
            .filter(Wire::is_event);
        let wire = parsed.unwrap_or_else(|| degraded::read(text).wire);
        ask(&Record {
            wire: &wire,
            text,
            masker: &self.masker,
            level: self.level,
            stage: self.stage,
            truncated: self.truncated,
            converted: false,
            native: OnceCell::new(),
            request: OnceCell::new(),
            response: OnceCell::new(),
            body: OnceCell::new(),
            damaged: Cell::new(0),
        })
    }
}

impl Sealed for SealedRecord {
    fn digest(&self) -> [u8; 32] {
        let original = self.original.as_ref().unwrap_or(&self.text);
        Sha256::digest(original.as_bytes()).into()
    }

    fn weight(&self) -> usize {
        self.text.len() + self.original.as_ref().map_or(0, |text| text.len())
    }

    fn masked_record(&self, limit: usize) -> String {
        self.open(|record| record.masked_record(limit))
    }

    fn body(&self) -> Option<Body> {
        self.open(|record| match record.body() {
            Reading::Present(body) => Some(body.clone()),
            Reading::Absent | Reading::Unknown => None,
        })
    }
}

/// Where a step leads.
fn taken<'w, 't>(walk: &Walk<'w, 't>, step: &Step) -> Vec<Walk<'w, 't>> {
    let items = || walk.tree().list().iter().map(|item| walk.element(item));
    match (step, walk.tree()) {
        (Step::Key(key) | Step::Through(key), Tree::Object(_)) => {
            walk.step(key).into_iter().collect()
        }
        (Step::Index(at), _) => items().nth(*at).into_iter().collect(),
        (Step::Each, _) => items().collect(),
        (Step::Through(key), Tree::List(_)) => items().filter_map(|item| item.step(key)).collect(),
        _ => Vec::new(),
    }
}

/// Values that one path may lead to; the most that a client gains by more is a rule that does not
/// see the last of them, and its body is capped long before.
const MOST_VALUES: usize = 10_000;

/// A masked value; an object as its JSON, so that its presence and its text can be asked for.
fn value_of(walk: &Walk<'_, '_>) -> Option<Value> {
    if walk.is_credential() {
        let masked = walk.text().map(|text| Value::Text(text.into_owned()));
        return masked.or_else(|| as_json(walk));
    }
    match walk.tree() {
        Tree::Null => None,
        Tree::Bool(value) => Some(Value::Bool(*value)),
        Tree::Int(value) => Some(Value::Int(*value)),
        Tree::Float(value) => Some(Value::Float(*value)),
        Tree::Text(_) => walk.text().map(|text| Value::Text(text.into_owned())),
        Tree::Object(_) => as_json(walk),
        Tree::List(list) if list.iter().all(|value| matches!(value, Tree::Text(_))) => {
            let texts = walk.texts().into_iter();
            Some(Value::List(texts.map(|text| Value::Text(text.into_owned())).collect()))
        }
        Tree::List(list) => {
            Some(Value::List(list.iter().filter_map(|v| value_of(&walk.element(v))).collect()))
        }
    }
}

/// A masked value as one text: what is no text as its JSON.
fn one_text(walk: &Walk<'_, '_>, limit: usize) -> String {
    if let Some(text) = walk.text() {
        return text.into_owned();
    }
    let mut out = String::new();
    let whole = walk.write(&mut out, limit, &[]);
    if whole { out } else { cut_mark(out.len()) }
}

fn as_json(walk: &Walk<'_, '_>) -> Option<Value> {
    let mut out = String::new();
    let whole = walk.write(&mut out, MAX_VALUE, &[]);
    whole.then_some(Value::Text(out))
}

/// Longest object that is handed out as text.
const MAX_VALUE: usize = 1 << 20;
