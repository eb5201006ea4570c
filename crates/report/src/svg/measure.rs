//! How wide text is, without a font to ask: the widths of Arial, which Liberation Sans and
//! Helvetica share, in thousandths of the size. Every picture names these fonts first; some air is
//! added for those that must do with another.

use super::{Flow, Line, Look, Shape, Tone, layers::Shown};
use crate::{sanitize, text::wrap};

/// Characters kept of one text of a picture.
const LONGEST: usize = 240;
/// Lines that one text may take.
const MOST_LINES: usize = 4;
/// Lines that the lines of one node may take together.
const MOST_NODE_LINES: usize = 18;

/// Size of titles and of all other text.
pub(crate) const TITLE: f64 = 13.5;
/// Size of lines within nodes.
pub(crate) const TEXT: f64 = 12.0;
/// Size of kinds, labels and the legend.
pub(crate) const SMALL: f64 = 11.5;

/// From blank to tilde.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Thousandths of the size.
fn thousandths(character: char) -> usize {
    let place = (character as usize).checked_sub(' ' as usize);
    let known = place.and_then(|place| WIDTHS.get(place)).map(|width| usize::from(*width));
    known.unwrap_or_else(|| match wrap::width(character.encode_utf8(&mut [0; 4])) {
        0 => 0,
        1 => 700,
        _ => 1040,
    })
}

/// Pixels, with some air.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let sum: usize = text.chars().map(thousandths).sum();
    sum as f64 * size / 1000.0 * if bold { 1.09 } else { 1.03 }
}

/// Harmless lines of at most this many pixels, few enough to be drawn.
pub(crate) fn lines(text: &str, room: usize, size: f64, bold: bool) -> Vec<String> {
    let clean = sanitize::shortened(&sanitize::prose(text), LONGEST);
    if clean.is_empty() {
        return Vec::new();
    }
    let limit = room as f64 * 1000.0 / size / if bold { 1.09 } else { 1.03 };
    let mut lines = wrap::wrap_by(&clean, limit as usize, thousandths);
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        lines.last_mut().into_iter().for_each(|last| last.push('…'));
    }
    lines
}

/// A line as it is drawn: `first` is the one that may carry a dot.
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) tone: Tone,
    pub(crate) indent: f64,
    pub(crate) first: bool,
}

/// A node as it is drawn.
pub(crate) struct Bulk {
    pub(crate) kind: Vec<String>,
    pub(crate) title: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) mark: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// From the left edge to the text.
    pub(crate) inset: f64,
    /// From the upper edge to the text.
    pub(crate) top: f64,
}

/// Where the text of a dotted line begins.
const INDENT: f64 = 12.0;
/// Height of a line of the title and of other lines.
pub(crate) const TITLE_LINE: f64 = 17.0;
/// Height of other lines.
pub(crate) const TEXT_LINE: f64 = 16.0;

/// Whether a line of this tone has a dot.
pub(crate) fn has_dot(tone: Tone) -> bool {
    !matches!(tone, Tone::Plain | Tone::Muted)
}

/// The nodes that are shown, measured.
pub(crate) fn boxes(shown: &Shown, look: &Look) -> Vec<Bulk> {
    let mut boxes: Vec<Bulk> = shown.nodes.iter().map(|node| measured(node, look)).collect();
    if look.flow == Flow::Down && boxes.len() > 1 {
        // In a column boxes of one width are calmer to read.
        let widest = boxes.iter().map(|one| one.width).fold(0.0, f64::max);
        for one in &mut boxes {
            one.width = one.width.max(widest * 0.85);
        }
    }
    boxes
}

fn measured(node: &super::Node, look: &Look) -> Bulk {
    let (inset, top) = match node.shape {
        Shape::Box | Shape::Document => (12.0, 9.0),
        Shape::Round => (15.0, 10.0),
        Shape::Hexagon => (18.0, 9.0),
        Shape::Cylinder => (13.0, 16.0),
    };
    let kind = lines(&node.kind, look.text_width, SMALL, false);
    let title = lines(&node.title, look.text_width, TITLE, true);
    let rows = rows(&node.lines, look.text_width);
    let mark = sanitize::shortened(&sanitize::prose(&node.mark), 40);
    let widest = widest(&kind, &title, &rows).max(width(&mark, SMALL, true) + 10.0);
    let height = (kind.len() + rows.len()) as f64 * TEXT_LINE + title.len() as f64 * TITLE_LINE;
    let air = if rows.is_empty() { 0.0 } else { 4.0 };
    Bulk {
        width: (widest + 2.0 * inset).max(70.0).ceil(),
        height: (height + air + 2.0 * top).max(30.0).ceil(),
        kind,
        title,
        rows,
        mark,
        inset,
        top,
    }
}

fn rows(lines_of_node: &[Line], room: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    // Beside lines with a dot those without begin where the others do.
    let dotted = lines_of_node.iter().any(|line| has_dot(line.tone));
    for line in lines_of_node {
        let indent = if dotted && line.tone != Tone::Muted { INDENT } else { 0.0 };
        let room = room.saturating_sub(indent as usize);
        for (index, text) in lines(&line.text, room, TEXT, false).into_iter().enumerate() {
            rows.push(Row { text, tone: line.tone, indent, first: index == 0 });
        }
    }
    if rows.len() > MOST_NODE_LINES {
        rows.truncate(MOST_NODE_LINES - 1);
        rows.push(Row { text: "…".to_owned(), tone: Tone::Muted, indent: 0.0, first: true });
    }
    rows
}

fn widest(kind: &[String], title: &[String], rows: &[Row]) -> f64 {
    let of_row = |row: &Row| width(&row.text, TEXT, false) + row.indent;
    kind.iter()
        .map(|line| width(line, SMALL, false))
        .chain(title.iter().map(|line| width(line, TITLE, true)))
        .chain(rows.iter().map(of_row))
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_megabyte_stays_small() {
        let lines = lines(&"x".repeat(1_000_000), 200, TEXT, false);
        assert!(lines.len() <= MOST_LINES && lines.last().unwrap().ends_with('…'));
        assert!(lines.iter().all(|line| width(line, TEXT, false) < 220.0));
    }

    #[test]
    fn words_of_any_script_have_a_width() {
        assert!(width("日本", TEXT, false) > width("il", TEXT, false));
        assert!((width("", TEXT, true)).abs() < f64::EPSILON);
    }
}
