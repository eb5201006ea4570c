//! `reach`: what could be taken from here, the ways to the whole cluster, and which grant to remove.

use super::{Basis, closing, fact, opening, unless_proved};
use crate::{
    TextStyle,
    text::{Ink, Page},
    words,
};
use trailhound_investigate::reach::{Cut, Path, Posture, Ranking, Reach, Things};

/// Ways, cuts and grants that are shown unless everything is asked for.
const SHOWN: usize = 5;
/// Grants of the ranking.
const RANKED: usize = 20;

/// The reach for a terminal.
pub fn reach(answer: &Reach, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    let start = words::named(&answer.start);
    let whole = match answer.cluster_admin {
        Some(surety) => format!("could take the whole cluster{}", unless_proved(surety)),
        None => "has no known way to the whole cluster".to_owned(),
    };
    opening(&mut page, basis, &format!("At {} UTC {start} {whole}.", words::moment(answer.at)));
    page.blank();
    for (name, things) in [
        ("secrets", &answer.secrets),
        ("namespaces", &answer.namespaces),
        ("nodes", &answer.nodes),
        ("identities", &answer.identities),
    ] {
        fact(&mut page, name, &number(things));
    }
    let limit = if style.verbose { usize::MAX } else { SHOWN };
    for path in answer.paths.iter().take(limit) {
        page.heading(2, &format!("A way to the whole cluster{}", unless_proved(path.surety)));
        way(&mut page, path);
    }
    if !answer.cuts.is_empty() {
        page.heading(2, "What to remove first");
        for cut in answer.cuts.iter().take(limit) {
            tell_cut(&mut page, cut);
        }
    }
    if !answer.unknowns.is_empty() {
        page.heading(2, "What is not known");
        for unknown in &answer.unknowns {
            page.paragraph(4, unknown, Ink::Plain);
        }
    }
    closing(&mut page, basis);
    page.finish()
}

fn number(things: &Things) -> String {
    let samples: Vec<String> = things.samples.iter().map(|one| words::named(&one.entity)).collect();
    let few = match samples.as_slice() {
        [] => String::new(),
        _ => format!(": {}", words::listed(&samples, 4)),
    };
    let doubt = match things.unknown {
        0 => String::new(),
        unknown => format!(", {unknown} of them by a step that is not known to work"),
    };
    format!("{} of {}{doubt}{few}", things.count, things.of)
}

fn way(page: &mut Page, path: &Path) {
    for (index, step) in path.steps.iter().enumerate() {
        let mark = format!("{}.", index + 1);
        let text = format!("{}{}", step.sentence, unless_proved(step.surety));
        page.hanging(4, &mark, &text, Ink::Plain);
        for grant in &step.grants {
            let used = match grant.last {
                Some(last) => {
                    format!(
                        "used {}, last {}",
                        words::counted(grant.uses, "time"),
                        words::moment(last)
                    )
                }
                None => "never used in the log".to_owned(),
            };
            let text = format!("{} · {} · {used}", words::named(&grant.binding), grant.rule);
            page.paragraph(7, &text, Ink::Faint);
        }
    }
}

fn tell_cut(page: &mut Page, cut: &Cut) {
    let ends = if cut.ends_cluster_admin { "; the whole cluster is out of reach then" } else { "" };
    let text = format!(
        "{} ({}): takes away {}, {}, {}{ends}",
        words::named(&cut.binding),
        words::named(&cut.role),
        words::counted(cut.secrets, "secret"),
        words::counted(cut.namespaces, "namespace"),
        words::counted(cut.identities, "identity")
    );
    page.paragraph(4, &text, Ink::Plain);
    let users: Vec<String> = cut
        .breaks
        .iter()
        .map(|one| format!("{} ({})", words::named(&one.who), words::counted(one.count, "time")))
        .collect();
    let breaks = match users.as_slice() {
        [] => "nobody used it in this log".to_owned(),
        _ => format!("breaks what it was used for: {}", words::listed(&users, 4)),
    };
    page.paragraph(6, &breaks, Ink::Faint);
    page.command(6, &cut.command);
}

/// Standing grants, worst first, for a terminal.
pub fn worst(answer: &Ranking, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    let grants = words::counted(answer.postures.len() as u64, "standing grant");
    opening(&mut page, basis, &format!("{grants} could be of use to an intruder, worst first."));
    let limit = if style.verbose { usize::MAX } else { RANKED };
    for one in answer.postures.iter().take(limit) {
        standing(&mut page, one);
    }
    if let Some(more @ 1..) = answer.postures.len().checked_sub(limit) {
        page.paragraph(2, &format!("… and {more} more: --verbose shows all."), Ink::Faint);
    }
    closing(&mut page, basis);
    page.finish()
}

fn standing(page: &mut Page, one: &Posture) {
    page.heading(2, &format!("{} ({})", words::named(&one.binding), words::named(&one.role)));
    let subjects: Vec<String> = one.subjects.iter().map(|who| words::named(who)).collect();
    fact(page, "held by", &words::listed(&subjects, 5));
    if let Some(surety) = one.cluster_admin {
        fact(page, "leads to", &format!("the whole cluster{}", unless_proved(surety)));
    }
    let of =
        |(count, all): (u64, u64), noun: &str| format!("{count} of {} ", words::counted(all, noun));
    let text = [of(one.secrets, "secret"), of(one.namespaces, "namespace"), of(one.nodes, "node")];
    fact(page, "reaches", text.join("· ").trim_end());
    let used = match one.last_used {
        Some(last) => format!("{}, last {}", words::counted(one.uses, "time"), words::moment(last)),
        None => "never in this log".to_owned(),
    };
    fact(page, "used", &used);
    page.command(4, &one.remove);
}
