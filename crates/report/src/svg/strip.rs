//! Acts over time, one lane for each who acted. Places are per cent of the width, so the strip can
//! be as wide as its page and its text stays readable on a phone; names stand above their lanes,
//! because beside them they would take half of a small screen.

use super::{
    Drawing, Tone,
    measure::{SMALL, TEXT},
    paint::{escaped, head, short, tone},
};
use crate::{sanitize, words};
use std::fmt::Write as _;
use trailhound_model::time::{HOUR, Time};

/// Lanes drawn.
const LANES: usize = 24;
/// Marks drawn of one lane.
const MARKS: usize = 200;
/// Height of a lane with its name.
const LANE: f64 = 38.0;
/// Narrowest mark, in per cent.
const NARROWEST: f64 = 0.7;

/// Something that was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Its beginning.
    pub from: Time,
    /// Its end.
    pub to: Time,
    /// Its colour.
    pub tone: Tone,
    /// What it was; shown where a pointer rests on it.
    pub text: String,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// The name.
    pub title: String,
    /// What was done.
    pub marks: Vec<Mark>,
}

/// Acts over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// What the picture shows, in a few words.
    pub title: String,
    /// What it says, for those who cannot see it.
    pub description: String,
    /// From top to bottom.
    pub lanes: Vec<Lane>,
}

pub(crate) fn draw(strip: &Strip) -> Drawing {
    let mut body = String::new();
    let marks = || strip.lanes.iter().take(LANES).flat_map(|lane| &lane.marks);
    let first = marks().map(|mark| mark.from).min().unwrap_or_default();
    let last = marks().map(|mark| mark.to.max(mark.from)).max().unwrap_or_default();
    let lanes = strip.lanes.len().min(LANES);
    let bottom = lanes as f64 * LANE + 6.0;
    grid(&mut body, first, last, bottom);
    for (index, lane) in strip.lanes.iter().take(LANES).enumerate() {
        draw_lane(&mut body, lane, index as f64 * LANE, first, last);
    }
    let mut height = bottom + 20.0;
    if let Some(more @ 1..) = strip.lanes.len().checked_sub(lanes) {
        let text = format!("Not drawn: {}.", words::counted(more as u64, "line"));
        write_text(&mut body, "g-key", "0", height + 10.0, SMALL, &text);
        height += 18.0;
    }
    Drawing {
        width: 900,
        height: height.ceil() as u32,
        stretches: true,
        head: head(&strip.title, &strip.description),
        body,
    }
}

fn write_text(out: &mut String, class: &str, x: &str, y: f64, size: f64, text: &str) {
    let (y, text) = (short(y), escaped(text));
    let _ = writeln!(
        out,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\" fill=\"#59616d\">{text}</text>"
    );
}

/// Beginning, middle and end; more would run together on a phone.
fn grid(out: &mut String, first: Time, last: Time, bottom: f64) {
    for x in ["0%", "25%", "50%", "75%", "100%"] {
        let y = short(bottom);
        let _ = writeln!(
            out,
            "<line class=\"g-grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{y}\" stroke=\"#dfe2e6\"/>"
        );
    }
    let length = last.since(first);
    let ticks = [(0, "0%", "start"), (length / 2, "50%", "middle"), (length, "100%", "end")];
    let shown = if length > 0 { 3 } else { 1 };
    for (after, x, anchor) in ticks.into_iter().take(shown) {
        let text = escaped(&tick(first.plus(after), first, length, after == 0));
        let y = short(bottom + 14.0);
        let _ = writeln!(
            out,
            "<text class=\"g-key\" x=\"{x}\" y=\"{y}\" font-size=\"{SMALL}\" text-anchor=\"{anchor}\" fill=\"#59616d\">{text}</text>"
        );
    }
}

/// `14 Mar 2026 02:12:41`, then `02:15` as long as the day is the same.
fn tick(time: Time, first: Time, length: i64, is_first: bool) -> String {
    let digits = if length < 4 * HOUR { 8 } else { 5 };
    let clock: String = time.clock().chars().take(digits).collect();
    let day = words::day(time);
    if is_first || day != words::day(first) { format!("{day} {clock}") } else { clock }
}

fn draw_lane(out: &mut String, lane: &Lane, top: f64, first: Time, last: Time) {
    let title = sanitize::shortened(&sanitize::prose(&lane.title), 90);
    write_text(out, "g-lane", "0", top + 14.0, TEXT, &title);
    let y = short(top + 27.0);
    let _ = writeln!(
        out,
        "<line class=\"g-track\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\" stroke=\"#dfe2e6\"/>"
    );
    let y = short(top + 21.0);
    for mark in worst_last(&lane.marks) {
        let (x, width) = stretch(mark, first, last);
        let (class, colour) = tone(mark.tone);
        let text = escaped(&sanitize::shortened(&sanitize::prose(&mark.text), 300));
        let _ = writeln!(
            out,
            "<rect class=\"g-dot {class}\" x=\"{x:.2}%\" width=\"{width:.2}%\" y=\"{y}\" height=\"12\" rx=\"3\" fill=\"{colour}\"><title>{text}</title></rect>"
        );
    }
}

/// The worst are drawn last, over the others, and kept if there are too many.
fn worst_last(marks: &[Mark]) -> Vec<&Mark> {
    let mut marks: Vec<&Mark> = marks.iter().collect();
    marks.sort_by_key(|mark| mark.tone);
    marks.split_off(marks.len().saturating_sub(MARKS))
}

/// Place and width in per cent.
fn stretch(mark: &Mark, first: Time, last: Time) -> (f64, f64) {
    let length = (last.since(first) as f64).max(1.0);
    let share = |time: Time| (time.since(first) as f64 / length * 100.0).clamp(0.0, 100.0);
    let width = (share(mark.to) - share(mark.from)).max(NARROWEST);
    (share(mark.from).min(100.0 - width), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_of_no_length_at_the_very_end_is_still_seen() {
        let mark = Mark { from: Time(1000), to: Time(1000), ..Mark::default() };
        assert_eq!(stretch(&mark, Time(0), Time(1000)), (100.0 - NARROWEST, NARROWEST));
        assert_eq!(stretch(&mark, Time(1000), Time(1000)), (0.0, NARROWEST));
    }
}
