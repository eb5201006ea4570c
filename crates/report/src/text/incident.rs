//! One incident in the terminal: what it is, who, the story, the steps in order, how it spread,
//! what to do, and what the log cannot tell about it.

use super::page::{Cell, Ink, Page};
use super::spread;
use super::wrap;
use crate::{
    advice::{self, Part},
    sanitize, words,
};
use std::collections::BTreeMap;
use trailhound_model::{
    finding::Finding,
    incident::{Hop, Incident, Step},
};

/// Steps shown unless everything is asked for.
const STEPS: usize = 16;
/// Hops shown unless everything is asked for.
const HOPS: usize = 12;
/// Names in a line of names.
const NAMES: usize = 6;
/// Columns of the severity in front of a title or a step.
const MARK: usize = 8;

/// Tells an incident in full; with everything asked for, also the findings that it stands on.
pub(crate) fn tell(page: &mut Page, one: &Incident, findings: &BTreeMap<&str, &Finding>) {
    page.blank();
    let mark = one.severity.as_str().to_uppercase();
    page.row(
        0,
        &[Cell::new(&mark, MARK, Ink::Mark(one.severity)), Cell::new(&one.title, 0, Ink::Strong)],
    );
    facts(page, one);
    if !one.story.is_empty() {
        page.blank();
        page.paragraph(2, &one.story, Ink::Plain);
    }
    steps(page, one);
    hops(page, &one.hops);
    spread::answers(page, one);
    spread::reach(page, one);
    spread::commands(page, one);
    let heading = if one.commands.is_empty() { "What to do now" } else { "What else to do" };
    next_steps(page, heading, &one.next_steps);
    unknowns(page, words::silence(one));
    if page.verbose {
        spread::hands(page, one);
        evidence(page, one, findings);
    }
}

/// A minor incident in one line, or several that are told alike.
pub(crate) fn one_line(page: &mut Page, one: &Incident, times: usize) {
    let who =
        one.principals.first().map_or(String::new(), |who| format!(" · {}", words::named(who)));
    let (since, id) = (words::moment(one.first_seen), &one.id);
    let text = match times {
        1 => format!("{} · {since}{who} · {id}", one.title),
        _ => format!("{} · {times} times, first {since}{who} · {id}", one.title),
    };
    page.row(
        2,
        &[
            Cell::new(one.severity.as_str(), MARK, Ink::Mark(one.severity)),
            Cell::new(&text, 0, Ink::Plain),
        ],
    );
}

fn facts(page: &mut Page, one: &Incident) {
    let length = one.last_seen.since(one.first_seen);
    let period = words::period(one.first_seen, one.last_seen);
    let when = if length > 0 { format!("{period} ({})", words::span(length)) } else { period };
    fact(page, "When", &when);
    fact(page, "Cluster", &one.cluster);
    fact(page, "Who", &names(page, &one.principals));
    let addresses: Vec<String> = one.addresses.iter().map(|one| bare(one).to_owned()).collect();
    fact(page, "From", &list(page, &addresses));
    fact(page, "Touched", &names(page, &one.targets));
    fact(page, "Sure", &words::sure_of_incident(one.confidence));
    fact(page, "Id", &one.id);
}

fn fact(page: &mut Page, name: &str, text: &str) {
    if !text.is_empty() {
        page.row(2, &[Cell::new(name, 8, Ink::Faint), Cell::new(text, 0, Ink::Plain)]);
    }
}

fn names(page: &Page, entities: &[String]) -> String {
    let names: Vec<String> = entities.iter().map(|entity| words::named(entity)).collect();
    list(page, &names)
}

fn list(page: &Page, names: &[String]) -> String {
    let shown = if page.verbose { names.len() } else { NAMES };
    words::listed(names, shown)
}

/// An address without the kind of entity that it is.
fn bare(entity: &str) -> &str {
    entity.strip_prefix("ip:").unwrap_or(entity)
}

fn steps(page: &mut Page, one: &Incident) {
    if words::story_is_enough(one) {
        return;
    }
    page.heading(2, "What happened");
    let shown = words::chosen_steps(&one.steps, if page.verbose { usize::MAX } else { STEPS });
    let who_width = who_column(&shown);
    let mut day = words::day(one.first_seen);
    for step in &shown {
        if words::day(step.time) != day {
            day = words::day(step.time);
            page.paragraph(4, &day, Ink::Faint);
        }
        tell_step(page, step, who_width);
    }
    more(page, one.steps.len() - shown.len(), "milder step");
}

/// Width of the column that says who acted; none if most sentences say it anyway.
fn who_column(steps: &[&Step]) -> usize {
    let names: Vec<String> = steps.iter().map(|step| words::who_beside(step)).collect();
    let needed = names.iter().filter(|who| !who.is_empty()).count();
    if needed * 2 < steps.len() {
        return 0;
    }
    names.iter().map(|who| wrap::width(who)).max().unwrap_or(0).min(26)
}

/// On a wide terminal who acted has a column of its own, on a narrow one a line; without a column
/// it stands before the sentence, if that does not say it.
fn tell_step(page: &mut Page, step: &Step, who_width: usize) {
    let (time, who) = (step.time.clock(), words::who_beside(step));
    let text = if step.text.is_empty() { step.finding.as_str() } else { step.text.as_str() };
    let time = Cell::new(&time, 8, Ink::Faint);
    let mark = Cell::new(step.severity.as_str(), MARK, Ink::Mark(step.severity));
    if who_width == 0 {
        let told = if who.is_empty() { text.to_owned() } else { format!("{who}: {text}") };
        page.row(4, &[time, mark, Cell::new(&told, 0, Ink::Plain)]);
    } else if page.width() >= 4 + 8 + MARK + who_width + 6 + 40 {
        let (who, text) = (Cell::new(&who, who_width, Ink::Plain), Cell::new(text, 0, Ink::Plain));
        page.row(4, &[time, mark, who, text]);
    } else {
        let who = if who.is_empty() { words::named(&step.who) } else { who };
        page.row(4, &[time, mark, Cell::new(&who, 0, Ink::Strong)]);
        page.paragraph(14, text, Ink::Plain);
    }
}

pub(crate) fn more(page: &mut Page, count: usize, noun: &str) {
    if count > 0 {
        let text = format!("… and {} not shown here.", words::counted(count as u64, noun));
        page.paragraph(4, &text, Ink::Faint);
    }
}

fn hops(page: &mut Page, hops: &[Hop]) {
    if hops.is_empty() {
        return;
    }
    page.heading(2, "How it spread");
    page.paragraph(4, words::HOPS_SURE, Ink::Faint);
    let shown = if page.verbose { hops.len() } else { HOPS };
    let mut at = "";
    for hop in hops.iter().take(shown) {
        if hop.from != at {
            page.paragraph(4, &words::named(&hop.from), Ink::Strong);
        }
        let text = format!(
            "{}: {} ({})",
            words::named(&hop.to),
            words::movement(&hop.kind),
            words::sureness(hop.confidence)
        );
        page.hanging(4, "→", &text, Ink::Plain);
        at = &hop.to;
    }
    more(page, hops.len().saturating_sub(shown), "hop");
}

fn next_steps(page: &mut Page, heading: &str, steps: &[String]) {
    if steps.is_empty() {
        return;
    }
    page.heading(2, heading);
    for (index, step) in steps.iter().enumerate() {
        let mark = format!("{}.", index + 1);
        let beside = 4 + mark.len() + 1;
        for (nth, block) in blocks(step).into_iter().enumerate() {
            match block {
                Block::Words(text) if nth == 0 => page.hanging(4, &mark, &text, Ink::Plain),
                Block::Words(text) => page.paragraph(beside, &text, Ink::Plain),
                Block::Command(command) => page.command(beside, &command),
            }
        }
    }
}

enum Block {
    Words(String),
    Command(String),
}

/// Words run together, commands stand apart. Inline code keeps its backquotes.
fn blocks(step: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for part in advice::step(&sanitize::prose(step)) {
        let text = match part {
            Part::Command(command) => {
                blocks.push(Block::Command(command));
                continue;
            }
            Part::Code(code) => format!("`{code}`"),
            Part::Text(text) => text,
        };
        match blocks.last_mut() {
            Some(Block::Words(words)) => words.push_str(&text),
            _ => blocks.push(Block::Words(text)),
        }
    }
    blocks
}

fn unknowns(page: &mut Page, unknowns: &[String]) {
    if unknowns.is_empty() {
        return;
    }
    page.heading(2, "What the log cannot tell");
    for one in unknowns {
        page.hanging(4, "·", one, Ink::Plain);
    }
}

fn evidence(page: &mut Page, one: &Incident, findings: &BTreeMap<&str, &Finding>) {
    page.heading(2, "The log records that show it");
    for id in &one.findings {
        let Some(finding) = findings.get(id.as_str()) else { continue };
        let text = format!(
            "{} · {} · {} · {}",
            finding.rule.id,
            words::moment(finding.time),
            words::counted(finding.record_count, "record"),
            finding.id
        );
        page.hanging(4, "·", &text, Ink::Plain);
        for record in &finding.records {
            let text = format!("{} {} {}", record.audit_id, record.stage.as_str(), record.summary);
            page.paragraph(6, &text, Ink::Faint);
        }
    }
}
