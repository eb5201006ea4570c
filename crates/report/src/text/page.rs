//! The page that the terminal report is written on. All text passes through here, so this is where
//! it is made harmless, translated to ASCII if the terminal needs that, wrapped, and coloured:
//! colour is added last, so it never counts as width and never comes from a log.

use super::{TextStyle, wrap};
use crate::sanitize;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;
use trailhound_model::finding::Severity;

/// Widest measure that is still easy to read, whatever the terminal offers.
const WIDEST: usize = 110;
/// Narrower than this nothing can be laid out.
const NARROWEST: usize = 40;

/// How a piece of text is set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Strong,
    Faint,
    Good,
    Code,
    Mark(Severity),
}

impl Ink {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Ink::Plain => Style::new(),
            Ink::Strong => Style::new().bold(),
            Ink::Faint | Ink::Mark(Severity::Info) => Style::new().dimmed(),
            Ink::Good => colour(AnsiColor::Green).bold(),
            Ink::Code => colour(AnsiColor::Cyan),
            Ink::Mark(Severity::Critical) => colour(AnsiColor::Red).bold(),
            Ink::Mark(Severity::High) => colour(AnsiColor::Red),
            Ink::Mark(Severity::Medium) => colour(AnsiColor::Yellow),
            Ink::Mark(Severity::Low) => colour(AnsiColor::Blue),
        }
    }
}

/// A column of a row: its text, its width and how it is set. The last column takes what is left.
pub(crate) struct Cell<'a> {
    pub(crate) text: &'a str,
    pub(crate) width: usize,
    pub(crate) ink: Ink,
}

impl<'a> Cell<'a> {
    pub(crate) fn new(text: &'a str, width: usize, ink: Ink) -> Cell<'a> {
        Cell { text, width, ink }
    }
}

/// Lines of text, being written.
pub(crate) struct Page {
    out: String,
    width: usize,
    colour: bool,
    unicode: bool,
    pub(crate) verbose: bool,
}

impl Page {
    pub(crate) fn new(style: &TextStyle) -> Page {
        Page {
            out: String::new(),
            width: style.width.clamp(NARROWEST, WIDEST),
            colour: style.colour,
            unicode: style.unicode,
            verbose: style.verbose,
        }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// The text as this terminal may show it.
    pub(crate) fn clean(&self, text: &str) -> String {
        let harmless = sanitize::prose(text);
        if self.unicode || harmless.is_ascii() { harmless } else { ascii(&harmless) }
    }

    /// A paragraph.
    pub(crate) fn paragraph(&mut self, indent: usize, text: &str, ink: Ink) {
        self.hanging(indent, "", text, ink);
    }

    /// A paragraph whose first line starts with a mark and whose other lines stand beside it.
    pub(crate) fn hanging(&mut self, indent: usize, mark: &str, text: &str, ink: Ink) {
        let mark = self.clean(mark);
        let wide = wrap::width(&mark);
        let beside = if wide == 0 { indent } else { indent + wide + 1 };
        let text = self.clean(text);
        for (index, line) in wrap::wrap(&text, self.width.saturating_sub(beside)).iter().enumerate()
        {
            if index == 0 && wide > 0 {
                self.pad(indent);
                self.paint(&mark, Ink::Faint);
                self.out.push(' ');
            } else {
                self.pad(beside);
            }
            self.paint(line, ink);
            self.blank();
        }
    }

    /// A command, to be copied as a whole.
    pub(crate) fn command(&mut self, indent: usize, text: &str) {
        let text = self.clean(text);
        for line in wrap::command(&text, self.width.saturating_sub(indent)) {
            self.pad(indent);
            self.paint(&line, Ink::Code);
            self.blank();
        }
    }

    /// The heading of a part.
    pub(crate) fn heading(&mut self, indent: usize, text: &str) {
        self.blank();
        self.paragraph(indent, text, Ink::Strong);
    }

    /// Columns side by side, each wrapped within its width, two blanks apart; one below the other
    /// if the last would be too narrow to read.
    pub(crate) fn row(&mut self, indent: usize, cells: &[Cell]) {
        let fixed: usize = cells.iter().rev().skip(1).map(|cell| cell.width + 2).sum();
        let rest = self.width.saturating_sub(indent + fixed);
        if rest < 14 {
            return self.stack(indent, cells);
        }
        let last = cells.len().saturating_sub(1);
        let width_of = |index: usize, cell: &Cell| if index == last { rest } else { cell.width };
        let columns: Vec<Vec<String>> = cells
            .iter()
            .enumerate()
            .map(|(index, cell)| wrap::wrap(&self.clean(cell.text), width_of(index, cell)))
            .collect();
        for line in 0..columns.iter().map(Vec::len).max().unwrap_or(0) {
            self.row_line(indent, cells, &columns, line);
        }
    }

    fn stack(&mut self, indent: usize, cells: &[Cell]) {
        for (index, cell) in cells.iter().enumerate() {
            self.paragraph(if index == 0 { indent } else { indent + 2 }, cell.text, cell.ink);
        }
    }

    fn row_line(&mut self, indent: usize, cells: &[Cell], columns: &[Vec<String>], line: usize) {
        self.pad(indent);
        let mut owed = 0;
        for (cell, lines) in cells.iter().zip(columns) {
            let text = lines.get(line).map_or("", String::as_str);
            if !text.is_empty() {
                self.pad(std::mem::take(&mut owed));
                self.paint(text, cell.ink);
            }
            owed += (cell.width + 2).saturating_sub(wrap::width(text));
        }
        self.blank();
    }

    fn pad(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    /// Writes text that is clean already.
    fn paint(&mut self, clean: &str, ink: Ink) {
        if self.colour && ink != Ink::Plain && !clean.is_empty() {
            let style = ink.style();
            let _ = write!(self.out, "{style}{clean}{style:#}");
        } else {
            self.out.push_str(clean);
        }
    }
}

/// The text for a terminal that has only ASCII: our own punctuation is translated, everything else
/// is shown as the character it is not.
fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '→' => out.push_str("->"),
            '…' => out.push_str("..."),
            '·' | '–' | '—' => out.push('-'),
            '’' | '‘' => out.push('\''),
            '“' | '”' => out.push('"'),
            _ if character.is_ascii() => out.push(character),
            _ => out.extend(character.escape_unicode()),
        }
    }
    out
}
