//! `lineage`: owners above, children below, as a tree whose lines say who made each.

use super::{Basis, by, closing, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::lineage::{Because, Lineage, Member};

/// The lineage for a terminal.
pub fn lineage(answer: &Lineage, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(&mut page, basis, &sentence(answer));
    page.blank();
    let highest = answer.up.iter().map(|one| one.depth).max().unwrap_or(0);
    for member in answer.up.iter().rev() {
        tell(&mut page, member, highest - member.depth);
    }
    tell(&mut page, &answer.of, highest);
    children(&mut page, answer, &answer.of.entity, highest + 1);
    if let Some(origin) = &answer.origin {
        page.blank();
        page.paragraph(2, &format!("Behind whoever began it: {}", origin.sentence), Ink::Plain);
    }
    if !answer.cascade.is_empty() {
        let acts: Vec<String> =
            answer.cascade.iter().map(|one| format!("{} ×{}", one.act, one.count)).collect();
        let text =
            format!("After the last act on it, controllers did: {}", words::listed(&acts, 6));
        page.blank();
        page.paragraph(2, &text, Ink::Plain);
    }
    if answer.left_out > 0 {
        let more = words::counted(answer.left_out, "child");
        page.paragraph(2, &format!("… and {more} more, not shown here."), Ink::Faint);
    }
    closing(&mut page, basis);
    page.finish()
}

fn sentence(answer: &Lineage) -> String {
    let own = words::named(&answer.of.entity);
    let origin = answer.up.last().unwrap_or(&answer.of);
    let made = match &origin.created {
        Some(act) => format!("begun by {}", by(act)),
        None => "who began it is not in the log".to_owned(),
    };
    let is_identity = answer.of.entity.starts_with("user:");
    let down = answer.down.len() as u64 + answer.left_out;
    let below = format!("{} below it", words::counted(down, "object"));
    if is_identity { format!("{own}: {below}.") } else { format!("{own}: {made}; {below}.") }
}

fn children(page: &mut Page, answer: &Lineage, parent: &str, indent: usize) {
    if indent > 20 {
        return;
    }
    for member in answer.down.iter().filter(|one| one.parent == parent) {
        tell(page, member, indent);
        children(page, answer, &member.entity, indent + 1);
    }
}

fn tell(page: &mut Page, member: &Member, indent: usize) {
    let mut parts: Vec<String> = Vec::new();
    parts.extend(member.created.as_ref().map(|act| format!("created by {}", by(act))));
    parts.extend(member.because.as_ref().map(because));
    parts.extend(member.changed.as_ref().map(|act| {
        format!("changed {}, last by {}", words::counted(member.changes, "time"), by(act))
    }));
    parts.extend(member.deleted.as_ref().map(|act| format!("deleted by {}", by(act))));
    parts.extend(member.ended_because.as_ref().map(because));
    let mark = if indent == 0 { "" } else { "└" };
    let name = format!("{}{}", words::named(&member.entity), unless_proved(member.surety));
    page.hanging(2 + indent * 2, mark, &name, Ink::Strong);
    for part in parts {
        page.paragraph(6 + indent * 2, &part, Ink::Faint);
    }
}

fn because(why: &Because) -> String {
    format!(
        "because {} at {}{}",
        why.sentence.trim_end_matches('.'),
        words::moment(why.time),
        unless_proved(why.surety)
    )
}
