//! JSON and JSON lines. Valid JSON may carry characters that a terminal or a web page obeys, so
//! everything that has no picture of its own, and `<`, is written as an escape: the meaning is the
//! same, and the file is harmless to `cat` and to embed.

use crate::{contract, sanitize::is_hidden};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};
use trailhound_model::scan::Scan;

/// Name of the contract; the number is raised only if a field ever had to change its meaning.
pub const SCHEMA: &str = "trailhound.scan/1";

/// The whole scan as one JSON document, indented.
pub fn json(scan: &Scan) -> String {
    rendered(|out| write_json(scan, out))
}

/// The scan as one JSON object per line.
pub fn jsonl(scan: &Scan) -> String {
    rendered(|out| write_jsonl(scan, out))
}

/// Writes what [`json()`] returns, without holding it in memory.
pub fn write_json(scan: &Scan, out: &mut dyn Write) -> io::Result<()> {
    put(out, PrettyFormatter::new(), &contract::Document::of(SCHEMA, scan))?;
    out.write_all(b"\n")
}

/// Writes what [`jsonl()`] returns, without holding it in memory.
pub fn write_jsonl(scan: &Scan, out: &mut dyn Write) -> io::Result<()> {
    let input = contract::Input::of(&scan.input);
    line(out, &Line::Input { schema: SCHEMA, version: &scan.version, input })?;
    for one in &scan.completeness {
        line(out, &Line::Completeness(contract::Completeness::of(one)))?;
    }
    for rule in &scan.rules {
        line(out, &Line::Rule(contract::Rule::of(rule)))?;
    }
    for entry in &scan.site {
        line(out, &Line::Site(contract::SiteEntry::of(entry)))?;
    }
    for incident in &scan.incidents {
        line(out, &Line::Incident(contract::Incident::of(incident)))?;
    }
    for finding in &scan.findings {
        let finding = contract::Finding::of(finding, &scan.input.sources);
        line(out, &Line::Finding(Box::new(finding)))?;
    }
    Ok(())
}

/// One line of JSON lines; `type` comes first.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Input {
        schema: &'static str,
        version: &'a str,
        #[serde(flatten)]
        input: contract::Input<'a>,
    },
    Completeness(contract::Completeness<'a>),
    Rule(contract::Rule<'a>),
    Site(contract::SiteEntry<'a>),
    Incident(contract::Incident<'a>),
    Finding(Box<contract::Finding<'a>>),
}

/// One value as one line.
pub(crate) fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    put(out, CompactFormatter, value)?;
    out.write_all(b"\n")
}

fn put<F: Formatter>(out: &mut dyn Write, format: F, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Harmless(format));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Any value as one indented document.
pub(crate) fn pretty(value: &impl Serialize) -> String {
    rendered(|out| {
        put(out, PrettyFormatter::new(), value)?;
        out.write_all(b"\n")
    })
}

/// Writing to memory cannot fail and the formatter writes UTF-8 only.
fn rendered(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    let result = write(&mut bytes);
    debug_assert!(result.is_ok(), "writing to memory failed: {result:?}");
    String::from_utf8(bytes).unwrap_or_default()
}

/// A format of JSON that writes what a terminal or a web page could obey as escapes.
struct Harmless<F>(F);

impl<F: Formatter> Formatter for Harmless<F> {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        write_escaped(out, text)
    }

    fn write_raw_fragment<W: ?Sized + Write>(&mut self, out: &mut W, json: &str) -> io::Result<()> {
        write_escaped(out, json)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

/// Line breaks and tabs reach this only between the tokens of a record that is written as it was
/// (inside strings they are escapes already), where a blank means the same and keeps one line one.
fn write_escaped<W: ?Sized + Write>(out: &mut W, text: &str) -> io::Result<()> {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '<' || is_hidden(c)) {
        let (plain, tail) = rest.split_at(at);
        out.write_all(plain.as_bytes())?;
        let mut characters = tail.chars();
        if let Some(character) = characters.next() {
            write_escape(out, character)?;
        }
        rest = characters.as_str();
    }
    out.write_all(rest.as_bytes())
}

fn write_escape<W: ?Sized + Write>(out: &mut W, character: char) -> io::Result<()> {
    if matches!(character, '\n' | '\r' | '\t') {
        return out.write_all(b" ");
    }
    let mut units = [0; 2];
    character.encode_utf16(&mut units).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::finding::{Finding, Record};

    fn scan_with(masked: &str) -> Scan {
        let record = Record { masked: masked.to_owned(), ..Record::default() };
        let finding = Finding { records: vec![record], confidence: f64::NAN, ..Finding::default() };
        Scan { findings: vec![finding], ..Scan::default() }
    }

    fn record_of(output: &str) -> serde_json::Value {
        let value: serde_json::Value = serde_json::from_str(output).unwrap();
        value["findings"][0]["records"][0].clone()
    }

    #[test]
    fn a_record_keeps_its_order_and_a_cut_record_stays_text() {
        let whole = json(&scan_with("{\"z\":1,\n\t\"a\":\"<b>\u{202e}😀\u{e0041}\"}"));
        assert!(
            whole.contains("\"event\": {\"z\":1,  \"a\":\"\\u003cb>\\u202e😀\\udb40\\udc41\"}"),
            "{whole}"
        );
        assert_eq!(record_of(&whole)["event"]["a"], "<b>\u{202e}😀\u{e0041}");
        let cut = record_of(&json(&scan_with("{\"z\":1,\"a")));
        assert_eq!(cut["event_text"], "{\"z\":1,\"a");
        assert!(cut.get("event").is_none());
    }

    #[test]
    fn a_confidence_that_is_no_number_is_null() {
        let value: serde_json::Value = serde_json::from_str(&json(&scan_with(""))).unwrap();
        assert!(value["findings"][0]["confidence"].is_null());
    }

    #[test]
    fn every_line_of_json_lines_is_one_object_with_its_type() {
        let lines = jsonl(&scan_with("{\n\"a\":\r\n1}"));
        let types: Vec<String> = lines
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|value| value["type"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(types, ["input", "finding"]);
        assert!(lines.starts_with("{\"type\":\"input\",\"schema\":\"trailhound.scan/1\""));
    }
}
