//! `timeline`: one line per act with what stands beside it, days and quiet stretches between.

use super::{Basis, closing, opening};
use crate::{
    TextStyle,
    text::{Cell, Ink, Page},
    words,
};
use std::fmt::Write as _;
use trailhound_investigate::timeline::{Line, Timeline};
use trailhound_model::{
    action::{ActionKind, Outcome},
    finding::Severity,
};

/// Columns of the time, the count and the severity.
const CLOCK: usize = 8;
const TIMES: usize = 6;
const MARK: usize = 8;

/// The timeline for a terminal.
pub fn timeline(answer: &Timeline, basis: &Basis<'_>, style: &TextStyle) -> String {
    let mut page = Page::new(style);
    opening(&mut page, basis, &sentence(answer));
    let marked = answer.lines.iter().any(|line| line.severity.is_some());
    let mut day = String::new();
    for line in &answer.lines {
        let of = words::day(line.first);
        if of != day {
            page.heading(2, &of);
            day = of;
        }
        tell(&mut page, line, answer, marked);
    }
    if answer.lines_left_out > 0 {
        let text = format!(
            "… and {} less telling, of {}, not shown here: --limit shows more, --from and --to a part.",
            words::counted(answer.lines_left_out, "line"),
            words::counted(answer.requests_left_out, "request")
        );
        page.blank();
        page.paragraph(2, &text, Ink::Faint);
    }
    closing(&mut page, basis);
    page.finish()
}

fn sentence(answer: &Timeline) -> String {
    let about = words::named(&answer.about);
    let requests = words::counted(answer.requests, "request");
    let told = words::counted(answer.lines.len() as u64, "line");
    format!("{about}: {requests}, told in {told}.")
}

fn tell(page: &mut Page, line: &Line, answer: &Timeline, marked: bool) {
    let clock = line.first.clock();
    let times =
        if line.count > 1 { format!("×{}", words::thousands(line.count)) } else { String::new() };
    let severity = line.severity.map_or("", Severity::as_str);
    let ink = line.severity.map_or(Ink::Plain, Ink::Mark);
    let text = act(line, answer);
    let body = if line.routine { Ink::Faint } else { Ink::Plain };
    let mut cells =
        vec![Cell::new(&clock, CLOCK, Ink::Faint), Cell::new(&times, TIMES, Ink::Faint)];
    if marked {
        cells.push(Cell::new(severity, MARK, ink));
    }
    cells.push(Cell::new(&text, 0, body));
    page.row(2, &cells);
    let beside = beside(line);
    if !beside.is_empty() {
        let indent = 2 + CLOCK + 2 + TIMES + 2 + if marked { MARK + 2 } else { 0 };
        page.paragraph(indent, &beside, Ink::Faint);
    }
}

/// `user bob ran a command inside pod shop/cart: cat /etc/shadow (refused)`
fn act(line: &Line, answer: &Timeline) -> String {
    let who = match &line.real {
        Some(real) => format!("{} as {}", words::named(real), words::named(&line.who)),
        None => words::named(&line.who),
    };
    let own = line.relation == "by" && line.real.is_none() && line.who == answer.about;
    let mut text = if own { String::new() } else { format!("{who} ") };
    text.push_str(verb(line));
    // What is asked of oneself is about no object.
    if line.action != ActionKind::ReviewSelf {
        text.push(' ');
        text.push_str(&words::named(&line.target));
    }
    let others = line.others.len() as u64 + line.others_left_out;
    if others > 0 {
        let names: Vec<String> = line.others.iter().take(2).map(|one| words::named(one)).collect();
        let more = others.saturating_sub(names.len() as u64);
        text.push_str(", ");
        text.push_str(&names.join(", "));
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
    }
    if !line.subresource.is_empty() && !is_said(line) {
        let _ = write!(text, " ({})", line.subresource);
    }
    if !line.detail.is_empty() {
        let _ = write!(text, ": {}", line.detail);
    }
    text.push_str(came_of_it(line));
    text
}

/// Kinds whose words say the subresource already.
fn is_said(line: &Line) -> bool {
    !matches!(
        line.action,
        ActionKind::Other
            | ActionKind::ObjectRead
            | ActionKind::ObjectList
            | ActionKind::ObjectCreate
            | ActionKind::ObjectChange
            | ActionKind::ObjectDelete
    )
}

fn verb(line: &Line) -> &'static str {
    line.action.phrase()
}

fn came_of_it(line: &Line) -> &'static str {
    match line.outcome {
        Outcome::Allowed if line.dry_run => " (dry run)",
        Outcome::Allowed => "",
        Outcome::Denied => " – refused",
        Outcome::Rejected => " – rejected by admission or validation",
        Outcome::Unauthenticated => " – not logged in",
        Outcome::NotFound => " – not found",
        Outcome::Conflict => " – conflict",
        Outcome::Failed => " – failed",
        Outcome::Unknown => " – outcome not logged",
    }
}

fn beside(line: &Line) -> String {
    let mut parts: Vec<String> = Vec::new();
    if line.count > 1 && line.last > line.first {
        parts.push(format!("until {}", words::moment(line.last)));
    }
    if !line.routine {
        parts.extend((!line.address.is_empty()).then(|| format!("from {}", line.address)));
        parts.extend((!line.agent.is_empty()).then(|| format!("with {}", line.agent)));
    }
    if !line.findings.is_empty() {
        parts.push(format!("finding {}", words::listed(&line.findings, 3)));
    }
    if !line.cascade.is_empty() {
        let kinds: Vec<String> =
            line.cascade.iter().map(|(kind, count)| format!("{kind} ×{count}")).collect();
        parts.push(format!("controllers then: {}", words::listed(&kinds, 4)));
    }
    parts.join(" · ")
}
