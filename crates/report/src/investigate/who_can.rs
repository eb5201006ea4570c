//! `who-can`: one line per grant, and what may be beside them.

use super::{Basis, closing, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::who_can::{Can, Step, WhoCan};

/// The holders for a terminal.
pub fn who_can(answer: &WhoCan, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(&mut page, basis, &sentence(answer));
    page.blank();
    for holder in &answer.holders {
        tell(&mut page, holder);
    }
    if !answer.detours.is_empty() {
        page.heading(2, "Can come to it by one step more");
        for one in &answer.detours {
            let who = words::named(&one.who.subject);
            let by = words::named(&one.who.binding);
            page.paragraph(4, &format!("{who} {}, by {by}", step(one.step)), Ink::Plain);
        }
    }
    if !answer.unknown.is_empty() {
        page.heading(2, "May also allow it, but the log does not say");
        for one in &answer.unknown {
            page.paragraph(4, &format!("{}: {}", words::named(&one.binding), one.why), Ink::Plain);
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

fn step(step: Step) -> &'static str {
    match step {
        Step::Escalate => "may write roles with more rights than its own",
        Step::Bind => "may bind roles with more rights than its own",
        Step::Impersonate => "may act as another identity",
    }
}

fn sentence(answer: &WhoCan) -> String {
    let what = &answer.what;
    let place = match (what.namespace.as_str(), what.path.is_empty()) {
        (_, false) => String::new(),
        ("", _) => " in every namespace".to_owned(),
        (namespace, _) => format!(" in {namespace}"),
    };
    let mut thing =
        if what.path.is_empty() { what.resource.to_string() } else { what.path.to_string() };
    for (mark, part) in [('/', &what.subresource), ('.', &what.group), (' ', &what.name)] {
        if !part.is_empty() {
            thing = format!("{thing}{mark}{part}");
        }
    }
    let grants = words::counted(answer.holders.len() as u64, "grant");
    let at = words::moment(answer.at);
    format!("{grants} let somebody {} {thing}{place} at {at} UTC.", what.verb)
}

fn tell(page: &mut Page, holder: &Can) {
    let who = format!("{}{}", words::named(&holder.subject), unless_proved(holder.surety));
    page.paragraph(2, &who, Ink::Strong);
    let used = match (holder.used, holder.last_used) {
        (0, _) | (_, None) => "never used for this in the log".to_owned(),
        (uses, Some(last)) => {
            format!("used {}, last {}", words::counted(uses, "time"), words::moment(last))
        }
    };
    let by =
        format!("by {}, {} · {used}", words::named(&holder.binding), words::named(&holder.role));
    page.paragraph(6, &by, Ink::Faint);
}
