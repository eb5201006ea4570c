//! Finds native records inside of other JSON, whoever put it around them: Filebeat, Fluent Bit,
//! Vector, Docker's json-file, GELF, Elasticsearch hits, Splunk, `CloudEvents`.
//!
//! The fields below are where those programs put the line that they carry. Nothing is said about a
//! record in which no event is found: whoever asked decides what it is then.

use super::{object, object::Object};
use crate::{
    decode::{Envelope, Run},
    frame::{Framer, Piece, PieceKind, Step},
    limits::MAX_ENVELOPES,
};
use trailhound_model::{Str, format::Format};

/// Fields that hold a record, as text or as an object; the likeliest first.
const PAYLOADS: [&str; 19] = [
    "log",
    "message",
    "@message",
    "event",
    "short_message",
    "full_message",
    "structured",
    "_source",
    "_raw",
    "kubernetes",
    "audit",
    "msg",
    "MESSAGE",
    "original",
    "result",
    "hits",
    "body",
    "data",
    "line",
];

/// What `CloudWatch` writes behind a message that it cut.
pub(super) const TRUNCATED: &str = "[Truncated...]";

/// Pieces of an inner text that are kept to be rejected once it is known that it is a log.
const MOST_STRANGERS: usize = 10_000;

/// Whether there was a record in one of the fields; if so, it is handed on.
pub(super) fn read(
    run: &mut Run<'_>,
    object: &Object<'_>,
    text: &str,
    envelope: &Envelope,
) -> bool {
    let openshift = object.get("openshift").and_then(Object::parse);
    let cluster = openshift.as_ref().and_then(|it| Some(Str::new(&*it.text("cluster_id")?)));
    let cluster = cluster.or_else(|| envelope.cluster.clone());
    PAYLOADS.into_iter().any(|key| {
        let Some(raw) = object.get(key) else { return false };
        let format = match (key, envelope.format) {
            (_, Format::Native) if openshift.is_some() => Format::OpenShift,
            ("short_message" | "full_message", Format::Native | Format::Shipper) => Format::Gelf,
            (_, Format::Native) => Format::Shipper,
            (_, format) => format,
        };
        let time = object.time().or(envelope.time);
        value(
            run,
            raw,
            text,
            &Envelope { format, time, cluster: cluster.clone(), ..envelope.clone() },
        )
    })
}

/// The same for one value: a string of JSON or JSON itself. `outer` is the text that it lies in.
pub(super) fn value(run: &mut Run<'_>, raw: &str, outer: &str, envelope: &Envelope) -> bool {
    match raw.as_bytes().first() {
        Some(b'"') => object::string(raw).is_some_and(|text| inner(run, &text, envelope)),
        Some(b'{' | b'[') => inner(run, raw, &within(envelope, raw, outer)),
        _ => false,
    }
}

/// The envelope of a part of `outer`. A part of text that was unpacked stands for all of it.
pub(super) fn within(envelope: &Envelope, part: &str, outer: &str) -> Envelope {
    let at = (part.as_ptr() as usize).checked_sub(outer.as_ptr() as usize);
    match at.filter(|at| envelope.depth == 0 && at + part.len() <= outer.len()) {
        Some(at) => envelope.inside(at, part.len()),
        None => envelope.clone(),
    }
}

/// Whether the text out of an envelope holds audit records; if so, all of it is dealt with.
pub(super) fn inner(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    if envelope.depth + 1 >= MAX_ENVELOPES {
        return false;
    }
    let (text, cut) = without_mark(text.trim());
    let envelope =
        Envelope { depth: envelope.depth + 1, cut: envelope.cut || cut, ..envelope.clone() };
    if text.starts_with('{') && (run.native(text, &envelope) || super::read(run, text, &envelope)) {
        return true;
    }
    pieces(run, text, &envelope)
}

fn without_mark(text: &str) -> (&str, bool) {
    text.strip_suffix(TRUNCATED).map_or((text, false), |head| (head, true))
}

/// Takes a text apart that is more than one object, or a damaged one.
fn pieces(run: &mut Run<'_>, text: &str, envelope: &Envelope) -> bool {
    let (mut framer, mut at, mut found, mut more) = (Framer::default(), 0, false, 0u64);
    let mut strangers: Vec<&str> = Vec::new();
    while let Step::Piece(piece) = framer.next(text.as_bytes(), at, true) {
        at = piece.end;
        let part = text.get(piece.start..piece.end).unwrap_or_default();
        if is_record(run, part, piece, text, envelope) {
            found = true;
        } else if strangers.len() < MOST_STRANGERS {
            strangers.push(part);
        } else {
            more += 1;
        }
    }
    if found {
        for part in strangers {
            run.other_text(part, envelope);
        }
        if more > 0 {
            run.reject(
                envelope,
                format!("{more} more parts of an envelope that are no audit events"),
            );
        }
    }
    found
}

fn is_record(run: &mut Run<'_>, part: &str, piece: Piece, text: &str, envelope: &Envelope) -> bool {
    match piece.kind {
        PieceKind::Text => run.prefixed(part.trim_end(), envelope),
        PieceKind::Broken => run.usable(part, envelope),
        // The whole text was asked about already.
        PieceKind::Record if part.len() == text.len() => run.usable(part, envelope),
        PieceKind::Record => {
            run.native(part, envelope)
                || super::read(run, part, envelope)
                || run.usable(part, envelope)
        }
    }
}
