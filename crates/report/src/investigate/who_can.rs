//! `who-can`: one line per grant, and what may be beside them.

use super::{Basis, closing, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::who_can::{Holder, WhoCan};

/// The holders for a terminal.
pub fn who_can(answer: &WhoCan, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(&mut page, basis, &sentence(answer));
    page.blank();
    for holder in &answer.holders {
        tell(&mut page, holder);
    }
    if !answer.possible.is_empty() {
        page.heading(2, "May also, but the log does not say");
        for one in &answer.possible {
            let subjects: Vec<String> = one.subjects.iter().map(|who| words::named(who)).collect();
            let whom = match subjects.as_slice() {
                [] => String::new(),
                _ => format!(" · binds {}", words::listed(&subjects, 6)),
            };
            page.paragraph(
                4,
                &format!("{}: {}{whom}", words::named(&one.binding), one.why),
                Ink::Plain,
            );
        }
    }
    page.blank();
    page.paragraph(2, "Members of the group system:masters can do everything besides; other authorizers than RBAC may allow more.", Ink::Faint);
    if !answer.complete {
        page.paragraph(2, "The log does not know all bindings, so that somebody who is not listed may have the right too.", Ink::Faint);
    }
    closing(&mut page, basis);
    page.finish()
}

fn sentence(answer: &WhoCan) -> String {
    let place = match (answer.namespace.as_str(), answer.what.starts_with('/')) {
        (_, true) => String::new(),
        ("", _) => " in every namespace".to_owned(),
        (namespace, _) => format!(" in {namespace}"),
    };
    let name = match answer.name.as_str() {
        "" => String::new(),
        name => format!(" {name}"),
    };
    let grants = words::counted(answer.holders.len() as u64, "grant");
    let at = words::moment(answer.at);
    format!("{grants} let somebody {} {}{name}{place} at {at} UTC.", answer.verb, answer.what)
}

fn tell(page: &mut Page, holder: &Holder) {
    let who = format!("{}{}", words::named(&holder.subject), unless_proved(holder.surety));
    page.paragraph(2, &who, Ink::Strong);
    let used = match (holder.uses, holder.last_used) {
        (0, _) | (_, None) => "never used for this in the log".to_owned(),
        (uses, Some(last)) => {
            format!("used {}, last {}", words::counted(uses, "time"), words::moment(last))
        }
    };
    let by =
        format!("by {}, {} · {used}", words::named(&holder.binding), words::named(&holder.role));
    page.paragraph(6, &by, Ink::Faint);
}
