//! The whole period at a glance: one line per incident, and the gaps of the log behind them, so
//! that "nothing happened then" and "nothing was logged then" cannot be confused. Positions are
//! per cent of the period; the drawing has no text, so it can be stretched to any width.

use crate::words;
use trailhound_model::{
    finding::Severity,
    incident::Incident,
    scan::Scan,
    time::{HOUR, Time},
};

/// Lines drawn; more would be a wall.
const LINES: usize = 12;
/// Height of a line.
pub(crate) const LINE: usize = 26;
/// Narrowest mark that can still be seen, in per cent.
const NARROWEST: f64 = 0.8;

/// A stretch of time on the drawing, in per cent.
pub(crate) struct Stretch {
    pub(crate) x: String,
    pub(crate) width: String,
}

/// The line of one incident.
pub(crate) struct Line {
    pub(crate) number: usize,
    pub(crate) severity: &'static str,
    pub(crate) y: usize,
    pub(crate) at: Stretch,
}

/// The drawing.
pub(crate) struct Overview {
    pub(crate) lines: Vec<Line>,
    pub(crate) gaps: Vec<Stretch>,
    pub(crate) height: usize,
    pub(crate) ticks: Vec<String>,
    pub(crate) left_out: usize,
    pub(crate) alt: String,
}

/// The drawing of a scan that has a period and something to draw.
pub(crate) fn of(scan: &Scan) -> Option<Overview> {
    let (first, last) = (scan.input.first?, scan.input.last?);
    let drawn = |one: &&Incident| one.severity > Severity::Info;
    let total = scan.incidents.iter().filter(drawn).count();
    let gaps: Vec<Stretch> = scan
        .completeness
        .iter()
        .flat_map(|one| &one.gaps)
        .take(200)
        .filter_map(|gap| stretch(first, last, gap.from, gap.to))
        .collect();
    let lines: Vec<Line> = scan
        .incidents
        .iter()
        .enumerate()
        .filter(|(_, one)| drawn(one))
        .take(LINES)
        .enumerate()
        .filter_map(|(row, (index, one))| line(first, last, row, index, one))
        .collect();
    if last.since(first) <= 0 || lines.is_empty() && gaps.is_empty() {
        return None;
    }
    Some(Overview {
        height: lines.len().max(1) * LINE,
        alt: format!(
            "{} and {} on the period of the log",
            words::counted(lines.len() as u64, "incident"),
            words::counted(gaps.len() as u64, "gap")
        ),
        ticks: ticks(first, last),
        left_out: total.saturating_sub(LINES),
        lines,
        gaps,
    })
}

fn line(first: Time, last: Time, row: usize, index: usize, one: &Incident) -> Option<Line> {
    Some(Line {
        number: index + 1,
        severity: one.severity.as_str(),
        y: row * LINE + 7,
        at: stretch(first, last, one.first_seen, one.last_seen)?,
    })
}

/// Where a stretch lies, cut to the period.
fn stretch(first: Time, last: Time, from: Time, to: Time) -> Option<Stretch> {
    let length = last.since(first) as f64;
    if length <= 0.0 {
        return None;
    }
    let share = |time: Time| (time.since(first) as f64 / length * 100.0).clamp(0.0, 100.0);
    let width = (share(to) - share(from)).max(NARROWEST);
    let x = share(from).min(100.0 - width);
    Some(Stretch { x: format!("{x:.2}"), width: format!("{width:.2}") })
}

/// Beginning, quarters and end; the day is said where it changes.
fn ticks(first: Time, last: Time) -> Vec<String> {
    let length = last.since(first);
    let one_day = words::day(first) == words::day(last);
    let digits = if length < HOUR { 8 } else { 5 };
    let mut before = String::new();
    let mut label = |time: Time| {
        let clock = time.clock().chars().take(digits).collect::<String>();
        let day = short_day(time);
        let same = one_day || before == day;
        before.clone_from(&day);
        if same { clock } else { format!("{day} {clock}") }
    };
    (0..=4).map(|quarter| label(first.plus(length / 4 * quarter))).collect()
}

/// `14 Mar`
fn short_day(time: Time) -> String {
    words::day(time).rsplit_once(' ').map_or(String::new(), |(day, _)| day.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_outside_the_period_stays_inside_the_drawing() {
        let at = stretch(Time(0), Time(1000), Time(-500), Time(5000)).unwrap();
        assert_eq!((at.x.as_str(), at.width.as_str()), ("0.00", "100.00"));
        let at = stretch(Time(0), Time(1000), Time(1000), Time(1000)).unwrap();
        assert_eq!((at.x.as_str(), at.width.as_str()), ("99.20", "0.80"));
        assert!(stretch(Time(5), Time(5), Time(5), Time(5)).is_none());
    }
}
