//! `at`: whether it was there, what it was, and which record says so.

use super::{Basis, by, closing, fact, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::state::{Existence, Seen, StateAt};

/// Values of one list that are shown.
const SHOWN: usize = 12;

/// The state for a terminal.
pub fn at(answer: &StateAt, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(&mut page, basis, &sentence(answer));
    page.blank();
    for (name, act) in [("created by", &answer.created), ("deleted by", &answer.deleted)] {
        fact(&mut page, name, &act.as_ref().map(by).unwrap_or_default());
    }
    for known in &answer.known {
        let text = format!(
            "{}{} · since {}",
            known.value,
            unless_proved(known.surety),
            by(&known.witness)
        );
        fact(&mut page, known.aspect, &text);
    }
    if let (Some(first), Some(last)) = (answer.first, answer.last) {
        let requests = words::counted(answer.requests, "request");
        fact(&mut page, "had made", &format!("{requests}, {}", words::period(first, last)));
    }
    seen(&mut page, "Credentials it had used", &answer.credentials);
    seen(&mut page, "Addresses it had come from", &answer.addresses);
    seen(&mut page, "Grants by which it had been let in", &answer.grants_used);
    if !answer.unknowns.is_empty() {
        page.heading(2, "What the log cannot tell");
        for unknown in &answer.unknowns {
            page.paragraph(4, unknown, Ink::Plain);
        }
    }
    closing(&mut page, basis);
    page.finish()
}

fn sentence(answer: &StateAt) -> String {
    let (own, at) = (words::named(&answer.entity), words::moment(answer.at));
    let sure = unless_proved(answer.surety);
    match answer.existence {
        Existence::Exists => format!("At {at} UTC {own} was there{sure}."),
        Existence::Gone => format!("At {at} UTC {own} was gone{sure}."),
        Existence::NotYet => format!("At {at} UTC {own} did not exist yet{sure}."),
        Existence::Unknown => {
            format!(
                "Whether {own} was there at {at} UTC is unknown: the log speaks of it only later."
            )
        }
    }
}

fn seen(page: &mut Page, title: &str, values: &[Seen]) {
    if values.is_empty() {
        return;
    }
    page.heading(2, title);
    for one in values.iter().take(SHOWN) {
        let times = words::counted(one.count, "time");
        let text = format!("{} · {times}, {}", one.what, words::period(one.first, one.last));
        page.paragraph(4, &text, Ink::Plain);
    }
    if let Some(more @ 1..) = values.len().checked_sub(SHOWN) {
        page.paragraph(4, &format!("… and {more} more"), Ink::Faint);
    }
}
