//! What the hands of an incident add to it in the terminal: the questions that everybody asks, what
//! could be reached, the commands to run first, what each hand did, and, after all incidents, the
//! weaknesses that nobody has used yet.

use super::incident::more;
use super::page::{Cell, Ink, Page};
use crate::words::{self, hand};
use trailhound_model::{incident::Incident, scan::Scan};

/// Ways and weaknesses listed unless everything is asked for.
const LISTED: usize = 6;
/// Width of how sure something is.
const SURE: usize = 9;

/// The questions, each with how sure its answer is.
pub(crate) fn answers(page: &mut Page, one: &Incident) {
    if one.answers.is_empty() {
        return;
    }
    page.heading(2, "Questions and answers");
    page.paragraph(4, words::MARKS, Ink::Faint);
    for answer in words::short_answers(one) {
        let question = format!("{} ({})", answer.question, hand::surety(&answer.surety));
        page.paragraph(4, &question, Ink::Strong);
        if answer.answer.len() < 3 {
            page.paragraph(6, &answer.answer.join(" "), Ink::Plain);
            continue;
        }
        for sentence in &answer.answer {
            page.hanging(6, "\u{b7}", sentence, Ink::Plain);
        }
    }
}

/// What could be reached.
pub(crate) fn reach(page: &mut Page, one: &Incident) {
    let about = words::about_reach(one);
    if one.reach.is_empty() && about.is_empty() {
        return;
    }
    page.heading(2, "What could be reached");
    for sentence in &about {
        page.paragraph(4, sentence, Ink::Faint);
    }
    let shown = if page.verbose { one.reach.len() } else { LISTED };
    for reach in one.reach.iter().take(shown) {
        let sure = Cell::new(hand::surety(&reach.surety), SURE, Ink::Faint);
        page.row(4, &[sure, Cell::new(&words::reached(reach), 0, Ink::Plain)]);
    }
    more(page, one.reach.len().saturating_sub(shown), "way");
}

/// Commands to copy.
pub(crate) fn commands(page: &mut Page, one: &Incident) {
    if one.commands.is_empty() {
        return;
    }
    page.heading(2, "What to do first (Trailhound runs none of these)");
    for (index, text) in one.commands.iter().enumerate() {
        let mark = format!("{}.", index + 1);
        let (why, command) = words::explained(text);
        let why = if why.is_empty() { "Run:".to_owned() } else { words::sentence(&why) };
        page.hanging(4, &mark, &why, Ink::Plain);
        page.command(4 + mark.len() + 1, &command);
    }
}

/// Every act of every hand.
pub(crate) fn hands(page: &mut Page, one: &Incident) {
    if one.hands.is_empty() {
        return;
    }
    page.heading(2, "What each identity did, with which credential and from where");
    for (index, hand) in one.hands.iter().enumerate() {
        page.hanging(4, &format!("{}.", index + 1), &hand::hand(hand), Ink::Strong);
        for act in &hand.acts {
            let (clock, text) = (act.time.clock(), hand::deed(hand, act));
            let ink = act.severity.map_or(Ink::Plain, Ink::Mark);
            page.row(7, &[Cell::new(&clock, 8, Ink::Faint), Cell::new(&text, 0, ink)]);
        }
        more(page, hand.acts_left_out as usize, "act");
    }
}

/// Weaknesses without an attack.
pub(crate) fn weaknesses(page: &mut Page, scan: &Scan) {
    let weak = words::weaknesses(scan);
    if weak.is_empty() {
        return;
    }
    page.heading(0, "Standing weaknesses");
    let shown = if page.verbose { weak.len() } else { LISTED };
    for finding in weak.iter().take(shown) {
        let text =
            if finding.explanation.is_empty() { &finding.rule.title } else { &finding.explanation };
        let mark = Cell::new(finding.severity.as_str(), 8, Ink::Mark(finding.severity));
        page.row(2, &[mark, Cell::new(text, 0, Ink::Plain)]);
    }
    more(page, weak.len().saturating_sub(shown), "weakness");
}
