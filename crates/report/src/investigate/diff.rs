//! `diff`: what is not as it was, by what it matters for, with who wrote it.

use super::{Basis, by, closing, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Cell, Ink, Page},
    words,
};
use trailhound_investigate::diff::{Changed, Diff};

/// Changes shown unless everything is asked for.
const SHOWN: usize = 200;

/// The differences for a terminal.
pub fn diff(answer: &Diff, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    let period = words::period(answer.from, answer.to);
    let changes = words::counted(answer.changes.len() as u64, "object");
    opening(&mut page, basis, &format!("{changes} changed from {period}."));
    let limit = if style.verbose { usize::MAX } else { SHOWN };
    let mut area = None;
    for one in answer.changes.iter().take(limit) {
        if area != Some(one.area) {
            page.heading(2, one.area.title());
            area = Some(one.area);
        }
        tell(&mut page, one);
    }
    if let Some(more @ 1..) = answer.changes.len().checked_sub(limit) {
        page.paragraph(2, &format!("… and {more} more: --verbose shows all."), Ink::Faint);
    }
    if answer.by_controllers > 0 {
        let writes = words::counted(answer.by_controllers, "write");
        page.blank();
        page.paragraph(
            2,
            &format!(
                "{writes} of controllers and kubelets are not listed: they follow from these."
            ),
            Ink::Faint,
        );
    }
    if answer.left_out > 0 {
        let writes = words::counted(answer.left_out, "write");
        page.paragraph(
            2,
            &format!("{writes} were not followed because there were too many."),
            Ink::Faint,
        );
    }
    closing(&mut page, basis);
    page.finish()
}

fn tell(page: &mut Page, one: &Changed) {
    let name = words::named(&one.object);
    page.row(4, &[Cell::new(one.change, 13, Ink::Strong), Cell::new(&name, 0, Ink::Plain)]);
    if !one.before.is_empty() && one.before != one.after {
        page.paragraph(19, &format!("was: {}", one.before), Ink::Plain);
    }
    // Subjects without their prefix of the authorizer are easier to read.
    let now = if one.after.is_empty() { &one.says } else { &one.after };
    if !now.is_empty() {
        let sure = if one.after.is_empty() { "" } else { unless_proved(one.after_surety) };
        page.paragraph(19, &format!("{now}{sure}"), Ink::Plain);
    }
    if !one.names.is_empty() {
        let names: Vec<String> = one.names.iter().map(|name| words::named(name)).collect();
        let text = format!("{} (inferred)", words::listed(&names, 6));
        page.paragraph(19, &text, Ink::Plain);
    }
    for act in &one.acts {
        page.paragraph(19, &format!("{} by {}", act.verb, by(act)), Ink::Faint);
    }
    if let Some(behind) = &one.behind {
        page.paragraph(19, &format!("Behind it: {}", behind.sentence), Ink::Plain);
    }
    if let Some(more @ 1..) = one.writes.checked_sub(one.acts.len() as u64) {
        page.paragraph(19, &format!("… and {} more", words::counted(more, "write")), Ink::Faint);
    }
}
