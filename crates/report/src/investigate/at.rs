//! `at`: whether it was there, what it was, and which record says so.

use super::{Basis, by, closing, fact, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::{
    standing::{Edge, OneLife, Right},
    state::{Existence, Seen, StateAt},
};

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
        let since = match &known.witness {
            Some(act) if act.who.is_empty() => format!("told by {}", by(act)),
            Some(act) => format!("since {}", by(act)),
            None => "as Kubernetes makes it".to_owned(),
        };
        let text = format!("{}{} · {since}", known.value, unless_proved(known.surety));
        fact(&mut page, known.aspect, &text);
    }
    for owner in &answer.owners {
        let made = match owner.created_by.as_str() {
            "" => String::new(),
            who => format!(" · made by {}", words::named(who)),
        };
        let text = format!("{}{}{made}", words::named(&owner.entity), unless_proved(owner.surety));
        fact(&mut page, "owned by", &text);
    }
    lives(&mut page, &answer.lives);
    if let Some(behind) = &answer.behind {
        fact(&mut page, "behind it", &behind.sentence);
    }
    if let (Some(first), Some(last)) = (answer.first, answer.last) {
        let requests = words::counted(answer.requests, "request");
        fact(&mut page, "had made", &format!("{requests}, {}", words::period(first, last)));
    }
    seen(&mut page, "Credentials it had used", &answer.credentials);
    seen(&mut page, "Addresses it had come from", &answer.addresses);
    grants(&mut page, &answer.grants, style.verbose);
    if answer.grants.is_empty() || style.verbose {
        seen(&mut page, "Grants by which it had been let in", &answer.grants_used);
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

/// The name was used more than once: which of them is meant matters.
fn lives(page: &mut Page, lives: &[OneLife]) {
    if lives.len() < 2 {
        return;
    }
    for life in lives.iter().take(SHOWN) {
        let end = match &life.end {
            Some(end) => format!(" to {}", words::moment(end.time)),
            None => String::new(),
        };
        let before = if life.begin.edge == Edge::Exact { "" } else { "before " };
        let uid = if life.uid.is_empty() { "uid not in the log" } else { &life.uid };
        let text = format!("{before}{}{end} · {uid}", words::moment(life.begin.time));
        fact(page, "of this name", &text);
    }
}

fn grants(page: &mut Page, grants: &[Right], verbose: bool) {
    if grants.is_empty() {
        return;
    }
    page.heading(2, "Grants it had");
    let told: Vec<&Right> = grants.iter().filter(|right| verbose || !right.is_shared()).collect();
    for right in &told {
        let place = match right.namespace.as_str() {
            "" => "everywhere".to_owned(),
            namespace => format!("in {namespace}"),
        };
        let text = format!(
            "{}, {}, {place}{}",
            words::named(&right.binding),
            words::named(&right.role),
            unless_proved(right.surety)
        );
        page.paragraph(4, &text, Ink::Plain);
        let rules = match right.rules.as_slice() {
            [] => "its rules are not in the log".to_owned(),
            rules => words::listed(rules, if verbose { usize::MAX } else { 3 }),
        };
        let used = match right.last_used {
            Some(last) => {
                let uses = words::counted(right.uses, "time");
                format!("used {uses} in the log, last {}", words::moment(last))
            }
            None => "never used in the log".to_owned(),
        };
        page.paragraph(6, &format!("{rules} · {used}"), Ink::Faint);
    }
    let shared = (grants.len() - told.len()) as u64;
    if shared > 0 {
        let text = format!("and {} that everybody has: --verbose", words::counted(shared, "grant"));
        page.paragraph(4, &text, Ink::Faint);
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
