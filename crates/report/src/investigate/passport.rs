//! `passport`: who is behind it, then each credential with its life and what is wrong with it.

use super::{Basis, closing, fact, opening};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::passport::{Passport, Session, Stamped};

/// Credentials, places and sessions that are shown unless everything is asked for.
const SHOWN: usize = 10;

/// The passport for a terminal.
pub fn passport(answer: &Passport, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    let count = answer.credentials.len() as u64 + answer.credentials_left_out;
    let credentials = words::counted(count, "credential");
    opening(&mut page, basis, &format!("{}: {credentials}.", words::named(&answer.entity)));
    page.heading(2, "Who is behind it");
    page.paragraph(4, &answer.who_really.sentence, Ink::Plain);
    let limit = if style.verbose { usize::MAX } else { SHOWN };
    for one in answer.credentials.iter().take(limit) {
        tell(&mut page, one, limit);
    }
    more(&mut page, answer.credentials.len(), limit, answer.credentials_left_out, "credential");
    if !answer.sessions.is_empty() {
        page.heading(2, "Sessions inside the pod");
        for session in answer.sessions.iter().take(limit) {
            page.paragraph(4, &inside(session), Ink::Plain);
        }
        more(&mut page, answer.sessions.len(), limit, answer.sessions_left_out, "session");
    }
    if !answer.unknowns.is_empty() {
        page.heading(2, "What the log cannot tell");
        for unknown in &answer.unknowns {
            page.paragraph(4, unknown, Ink::Plain);
        }
    }
    closing(&mut page, basis);
    page.finish()
}

fn more(page: &mut Page, all: usize, shown: usize, beyond: u64, noun: &str) {
    let left = all.saturating_sub(shown) as u64 + beyond;
    if left > 0 {
        page.paragraph(
            4,
            &format!("… and {}, not shown here.", words::counted(left, noun)),
            Ink::Faint,
        );
    }
}

fn tell(page: &mut Page, one: &Stamped, limit: usize) {
    let life = &one.life;
    page.heading(2, &words::named(&format!("cred:{}", life.id)));
    fact(page, "stands for", &words::named(&life.holder));
    let kind = format!("{}, told apart by its {}", life.kind.as_str(), life.identified_by.as_str());
    fact(page, "kind", &kind);
    if let Some(issue) = &life.issue {
        let asked = issue
            .requested
            .as_ref()
            .map(|hand| format!(", asked for by {}", words::named(&hand.by)));
        let text = format!("{}{}", words::moment(issue.witness.time), asked.unwrap_or_default());
        fact(page, "issued", &text);
    }
    let pod = match life.pod.as_str() {
        "" => String::new(),
        pod => format!("pod {}/{pod}", life.namespace),
    };
    fact(page, "bound to", [pod.as_str(), life.bound_to.as_str()].join(" ").trim());
    fact(page, "node", &life.node);
    if let Some(first) = &life.first {
        let uses = words::counted(life.uses, "request");
        fact(page, "used", &format!("{uses}, {}", words::period(first.time, life.last)));
    }
    fact(page, "ends", &life.expires.map(words::moment).unwrap_or_default());
    for place in life.places.iter().take(limit) {
        let text = format!(
            "{} with {} · {}, {}",
            place.address,
            place.agent,
            words::counted(place.count, "request"),
            words::period(place.first.time, place.last)
        );
        fact(page, "from", &text);
    }
    more(page, life.places.len(), limit, life.places_dropped, "place");
    for alarm in &one.alarms_told {
        fact(page, "alarm", alarm);
    }
}

fn inside(session: &Session) -> String {
    let what = match session.command.as_str() {
        "" => String::new(),
        command => format!(": {command}"),
    };
    let long = session.length().map(|length| format!(", for {}", words::span(length)));
    format!(
        "{} {} into {}/{}{what}{} · meanwhile its credential made {}",
        words::moment(session.opened),
        words::named(&session.hand.by),
        session.namespace,
        session.pod,
        long.unwrap_or_default(),
        words::counted(session.meanwhile.requests, "request")
    )
}
