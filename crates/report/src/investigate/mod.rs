//! Answers to an analyst's questions, for a terminal and as JSON. The data are those of `investigate`;
//! here they get words, and nothing that is not in them.
//!
//! JSON is `{"schema": "trailhound.COMMAND/1", …}` with the answer's own fields; fields may be added,
//! never renamed. Times are RFC 3339, entities are spelled as everywhere.

mod apps;
mod at;
mod contract;
mod diff;
pub mod drawn;
mod lineage;
mod passport;
mod reach;
mod timeline;
mod who_can;

pub use apps::{Apps, app, apps};
pub use at::at;
pub use diff::diff;
pub use lineage::lineage;
pub use passport::passport;
pub use reach::{reach, worst};
pub use timeline::timeline;
pub use who_can::who_can;

use crate::{
    json,
    text::{Cell, Ink, Page},
    words,
};
use serde::Serialize;
use trailhound_investigate::act::Act;
use trailhound_model::{
    observed::Surety,
    scan::{Input, Unread},
    time::Time,
};

/// What every answer stands on.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// Version of this program.
    pub version: &'a str,
    /// Cluster; empty is the one unnamed cluster.
    pub cluster: &'a str,
    /// What was read.
    pub input: &'a Input,
    /// What has to be known before the answer is believed, in sentences.
    pub notes: &'a [String],
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: String,
    version: &'a str,
    cluster: &'a str,
    input: Read<'a>,
    notes: &'a [String],
    #[serde(flatten)]
    answer: &'a T,
}

#[derive(Serialize)]
struct Read<'a> {
    files: usize,
    events: u64,
    rejected: u64,
    first: Option<Time>,
    last: Option<Time>,
    unread: &'a [Unread],
}

/// The answer of a command as one JSON document, indented.
pub fn answer_json<T: Serialize>(command: &str, basis: &Basis<'_>, answer: &T) -> String {
    let Basis { version, cluster, input, notes } = *basis;
    let read = Read {
        files: input.sources.len(),
        events: input.events,
        rejected: input.rejected,
        first: input.first,
        last: input.last,
        unread: &input.unread,
    };
    let schema = format!("trailhound.{command}/1");
    let document = Document { schema, version, cluster, input: read, notes, answer };
    // All of it can be written; if not, the plain form says more than nothing.
    let Ok(mut value) = serde_json::to_value(&document) else { return json::pretty(&document) };
    contract::settle(command, &mut value);
    json::pretty(&value)
}

/// The first lines: the answer in a sentence, and what it stands on.
fn opening(page: &mut Page, basis: &Basis<'_>, sentence: &str) {
    page.paragraph(0, sentence, Ink::Strong);
    let input = basis.input;
    let files = words::counted(input.sources.len() as u64, "file");
    let events = words::counted(input.events, "event");
    let period = match (input.first, input.last) {
        (Some(first), Some(last)) => format!("{} · ", words::period(first, last)),
        _ => String::new(),
    };
    let cluster = match basis.cluster {
        "" => String::new(),
        cluster => format!("cluster {cluster} · "),
    };
    page.paragraph(0, &format!("{cluster}{period}{events} from {files}"), Ink::Faint);
    for note in basis.notes {
        page.paragraph(0, &format!("Note: {note}"), Ink::Plain);
    }
}

/// What the answer could not see.
fn closing(page: &mut Page, basis: &Basis<'_>) {
    let input = basis.input;
    let mut notes: Vec<String> = Vec::new();
    for unread in &input.unread {
        notes.push(format!("{} was not wholly read: {}", unread.source, unread.reason));
    }
    if input.rejected > 0 {
        let parts = words::counted(input.rejected, "part");
        notes.push(format!("{parts} of the input could not be read as an audit event."));
    }
    for (index, note) in notes.iter().enumerate() {
        if index == 0 {
            page.blank();
        }
        page.paragraph(0, note, Ink::Faint);
    }
}

/// A name and what belongs to it; nothing if there is nothing.
fn fact(page: &mut Page, name: &str, text: &str) {
    if !text.is_empty() {
        page.row(2, &[Cell::new(name, 16, Ink::Faint), Cell::new(text, 0, Ink::Plain)]);
    }
}

/// `user bob as service account shop/cart, from 10.0.0.9 with kubectl, 11:31:56`
fn by(act: &Act) -> String {
    let real = act.real.as_ref().map(|real| format!("{} as ", words::named(real)));
    let address = match act.address.as_str() {
        "" => String::new(),
        address => format!(" from {address}"),
    };
    let agent = match act.agent.as_str() {
        "" => String::new(),
        agent => format!(" with {agent}"),
    };
    if act.who.is_empty() {
        return format!("a record of {}", words::moment(act.time));
    }
    let who = words::named(&act.who);
    let real = real.unwrap_or_default();
    let sure = unless_proved(act.surety);
    format!("{real}{who}{address}{agent}, {}{sure}", words::moment(act.time))
}

/// A word behind what is not proved.
fn unless_proved(surety: Surety) -> &'static str {
    match surety {
        Surety::Proved => "",
        Surety::Inferred => " (inferred)",
        Surety::Unknown => " (unknown)",
    }
}
