//! Indicators of compromise: addresses, images, agents and credentials that somebody has seen in an
//! attack. Lists come from outside, are long and grow old, so each line is checked by itself, every
//! look-up is one step, and an indicator counts only until its end, measured by the event's time.

use super::{
    cidr::{Network, Networks},
    terms::end_of,
};
use crate::error::{LoadError, suggest};
use serde::Deserialize;
use smallvec::SmallVec;
use std::{collections::HashMap, net::IpAddr};
use trailhound_model::time::Time;

/// Largest indicator file.
pub const MAX_FILE: usize = 50 << 20;
/// Problems of one file that are told one by one.
const MOST_PROBLEMS: usize = 20;
/// Longest value or label.
const MAX_TEXT: usize = 2_000;

const COLUMNS: [&str; 5] = ["type", "value", "source", "expires", "label"];
const TYPES: [&str; 5] = ["address", "cidr", "image", "agent", "credential"];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    expires: String,
    #[serde(default)]
    label: String,
}

#[derive(Clone, Debug)]
struct Indicator {
    label: Box<str>,
    /// Never, if it has none.
    end: Option<Time>,
}

impl Indicator {
    fn is_live(&self, at: Time) -> bool {
        self.end.is_none_or(|end| at < end)
    }
}

type Names = HashMap<Box<str>, u32>;

/// All indicators of a run.
#[derive(Clone, Debug, Default)]
pub struct Indicators {
    all: Vec<Indicator>,
    addresses: Networks<u32>,
    images: Names,
    agents: Names,
    credentials: Names,
}

/// Collects indicators from files.
#[derive(Debug, Default)]
pub struct IndicatorFiles {
    found: Indicators,
    networks: Vec<(Network, u32)>,
    errors: Vec<LoadError>,
}

impl IndicatorFiles {
    /// Reads a file: CSV with a header, or JSON lines.
    pub fn add(&mut self, name: &str, text: &str) {
        let before = self.errors.len();
        if text.len() > MAX_FILE {
            let what = format!("the file is larger than {MAX_FILE} bytes");
            self.errors.push(problem(name, None, what, "split it, or leave out what is old"));
            return;
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = || text.lines().zip(1..).filter(|(line, _)| !is_idle(line));
        match lines().next() {
            None => {
                let hint = "see docs/site.md for its form";
                self.errors.push(problem(name, None, "the file is empty".into(), hint));
            }
            Some((line, _)) if line.trim_start().starts_with('{') => {
                for (line, number) in lines() {
                    self.row(name, number, json_row(line));
                }
            }
            Some((header, number)) => match columns(header) {
                Ok(columns) => {
                    for (line, number) in lines().skip(1) {
                        self.row(name, number, csv_row(&columns, line));
                    }
                }
                Err((what, hint)) => self.errors.push(problem(name, Some(number), what, &hint)),
            },
        }
        self.shorten(name, before);
    }

    /// All indicators, or everything that is wrong.
    pub fn finish(self) -> Result<Indicators, Vec<LoadError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let IndicatorFiles { mut found, networks, .. } = self;
        let end = |at: &u32| found.all.get(*at as usize).and_then(|one| one.end);
        found.addresses = Networks::of(networks, |one, other| end(one) > end(other));
        Ok(found)
    }

    fn row(&mut self, file: &str, line: usize, row: Result<Row, (String, String)>) {
        if let Err((what, hint)) = row.and_then(|row| self.take(&row)) {
            self.errors.push(problem(file, Some(line), what, &hint));
        }
    }

    fn take(&mut self, row: &Row) -> Result<(), (String, String)> {
        let said = |what: &str, hint: &str| (what.to_owned(), hint.to_owned());
        if row.value.trim().is_empty() {
            return Err(said("`value` is empty", "give what is to be looked for"));
        }
        if [&row.value, &row.label, &row.source].iter().any(|text| text.len() > MAX_TEXT) {
            return Err(said("a value, label or source is longer than 2,000 bytes", ""));
        }
        let end =
            match row.expires.trim() {
                "" => None,
                text => Some(end_of(text).ok_or_else(|| {
                    (format!("`{text}` is no date"), "write 2027-01-31".to_owned())
                })?),
            };
        let of_address = matches!(row.kind.as_str(), "address" | "cidr");
        if of_address && end.is_none() {
            return Err(said(
                "an address needs `expires`",
                "addresses change hands; write the day after which it is not bad any more",
            ));
        }
        let number = u32::try_from(self.found.all.len()).unwrap_or(u32::MAX);
        let value = row.value.trim();
        if of_address {
            let network = Network::parse(value)
                .map_err(|what| (what, "write 203.0.113.7 or 203.0.113.0/24".to_owned()))?;
            self.networks.push((network, number));
        } else {
            self.name(&row.kind, value, number, end)?;
        }
        let label = [&row.label, &row.source].into_iter().find(|text| !text.trim().is_empty());
        let label = label.map_or("listed", |text| text.trim()).into();
        self.found.all.push(Indicator { label, end });
        Ok(())
    }

    /// A name to be looked for whole. Of two entries for one name the longer-lived is kept.
    fn name(
        &mut self,
        kind: &str,
        value: &str,
        number: u32,
        end: Option<Time>,
    ) -> Result<(), (String, String)> {
        let found = &mut self.found;
        let (names, value) = match kind {
            "image" => (&mut found.images, full_image(value)),
            "agent" => (&mut found.agents, value.to_owned()),
            "credential" => (&mut found.credentials, bare_credential(value).to_owned()),
            other => {
                return Err((format!("there is no type `{other}`"), suggest(other, TYPES)));
            }
        };
        let known = names.get(value.as_str()).and_then(|at| found.all.get(*at as usize));
        let longer = known.is_none_or(|known| match (known.end, end) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(known), Some(end)) => end > known,
        });
        if longer {
            names.insert(value.into(), number);
        }
        Ok(())
    }

    /// A file of the wrong form has a problem in each line; nobody reads a million of them.
    fn shorten(&mut self, name: &str, before: usize) {
        let more = (self.errors.len() - before).saturating_sub(MOST_PROBLEMS);
        if more > 0 {
            self.errors.truncate(before + MOST_PROBLEMS);
            self.errors.push(problem(name, None, format!("… and {more} more lines are wrong"), ""));
        }
    }
}

fn problem(file: &str, line: Option<usize>, what: String, hint: &str) -> LoadError {
    LoadError { file: file.to_owned(), line, column: None, what, hint: hint.to_owned() }
}

fn is_idle(line: &str) -> bool {
    line.trim().is_empty() || line.trim_start().starts_with('#')
}

fn json_row(line: &str) -> Result<Row, (String, String)> {
    serde_json::from_str(line).map_err(|error| {
        let message = error.to_string();
        let what = message.split(" at line ").next().unwrap_or_default().to_owned();
        (what, "each line is one object with type, value, source, expires, label".to_owned())
    })
}

/// The columns of the header, by number.
fn columns(header: &str) -> Result<Vec<usize>, (String, String)> {
    let names: Vec<String> = cells(header).map_err(|what| (what, String::new()))?;
    let mut columns = Vec::new();
    for name in &names {
        let name = name.trim().to_ascii_lowercase();
        let Some(column) = COLUMNS.iter().position(|known| *known == name) else {
            let what = format!("the first line names an unknown column `{name}`");
            return Err((what, suggest(&name, COLUMNS)));
        };
        columns.push(column);
    }
    let missing = [0, 1].into_iter().find(|column| !columns.contains(column));
    match missing.and_then(|column| COLUMNS.get(column)) {
        Some(column) => Err((
            format!("the first line names no column `{column}`"),
            "write type,value,source,expires,label".to_owned(),
        )),
        None => Ok(columns),
    }
}

fn csv_row(columns: &[usize], line: &str) -> Result<Row, (String, String)> {
    let cells = cells(line).map_err(|what| (what, String::new()))?;
    if cells.len() != columns.len() {
        let what = format!("{} values, but the first line has {}", cells.len(), columns.len());
        return Err((what, "put values that have a comma into double quotes".to_owned()));
    }
    let mut row = Row::default();
    for (column, cell) in columns.iter().zip(cells) {
        let place = match column {
            0 => &mut row.kind,
            1 => &mut row.value,
            2 => &mut row.source,
            3 => &mut row.expires,
            _ => &mut row.label,
        };
        cell.trim().clone_into(place);
    }
    Ok(row)
}

/// The values of one line of CSV; quoted ones may hold commas and doubled quotes.
fn cells(line: &str) -> Result<Vec<String>, String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let Some(cell) = cells.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted || cell.trim().is_empty() => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cell.push(c),
        }
    }
    if quoted { Err("a double quote is not closed".to_owned()) } else { Ok(cells) }
}

/// An image as registries know it: `nginx` is `docker.io/library/nginx`.
pub(crate) fn full_image(image: &str) -> String {
    let is_host = |part: &str| part.contains(['.', ':']) || part == "localhost";
    match image.split_once('/') {
        _ if image.starts_with("sha256:") => image.to_owned(),
        None => format!("docker.io/library/{image}"),
        Some((first, _)) if is_host(first) => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    }
}

/// The image without its digest, and without its tag; its digest.
fn image_names(full: &str) -> [&str; 4] {
    let (name, digest) = full.split_once('@').unwrap_or((full, ""));
    let tag = name.rfind(':').filter(|colon| !name.get(*colon..).unwrap_or_default().contains('/'));
    let bare = tag.and_then(|colon| name.get(..colon)).unwrap_or(name);
    [full, name, bare, digest]
}

/// Without the sort of id before it: `JTI=…`, `X509SHA256=…`.
fn bare_credential(id: &str) -> &str {
    match id.split_once('=') {
        Some(("JTI" | "X509SHA256", bare)) => bare,
        _ => id,
    }
}

impl Indicators {
    /// Whether there are addresses.
    pub fn has_addresses(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Whether there are images.
    pub fn has_images(&self) -> bool {
        !self.images.is_empty()
    }

    /// Whether there are agents.
    pub fn has_agents(&self) -> bool {
        !self.agents.is_empty()
    }

    /// Whether there are credentials.
    pub fn has_credentials(&self) -> bool {
        !self.credentials.is_empty()
    }

    /// The indicators that cover an address, the narrowest first.
    pub(crate) fn of_address(&self, address: &str) -> SmallVec<[u32; 2]> {
        let Ok(address) = address.parse::<IpAddr>() else { return SmallVec::new() };
        self.addresses.covering(address).copied().collect()
    }

    /// The label of the first of these indicators that has not expired; empty if there is none.
    pub(crate) fn live(&self, found: &[u32], at: Time) -> &str {
        let all = found.iter().filter_map(|number| self.all.get(*number as usize));
        all.into_iter().find(|one| one.is_live(at)).map_or("", |one| &one.label)
    }

    fn named(&self, names: &Names, name: &str, at: Time) -> &str {
        names.get(name).map_or("", |number| self.live(&[*number], at))
    }

    /// The label of the indicator for an image, also by its name without tag, or by its digest.
    pub(crate) fn image(&self, image: &str, at: Time) -> &str {
        let full = full_image(image);
        let mut labels =
            image_names(&full).into_iter().map(|name| self.named(&self.images, name, at));
        labels.find(|label| !label.is_empty()).unwrap_or_default()
    }

    /// The label of the indicator for a user agent, also by the program's name before its version.
    pub(crate) fn agent(&self, agent: &str, at: Time) -> &str {
        let program = agent.split('/').next().unwrap_or_default();
        match self.named(&self.agents, agent, at) {
            "" => self.named(&self.agents, program, at),
            label => label,
        }
    }

    /// The label of the indicator for a credential's id.
    pub(crate) fn credential(&self, id: &str, at: Time) -> &str {
        self.named(&self.credentials, bare_credential(id), at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Indicators, Vec<String>> {
        let mut files = IndicatorFiles::default();
        files.add("list.csv", text);
        files.finish().map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn each_type_is_found_by_what_the_log_calls_it() {
        let list = read(
            "# our list\ntype,value,source,expires,label\n\
             cidr,203.0.113.0/24,feed,2027-01-31,\"tor, exit\"\n\
             address,203.0.113.9,feed,2026-06-01,c2\n\
             image,evil/miner,feed,,miner\n\
             image,sha256:abcd,,,\n\
             agent,peirates,feed,,\n\
             credential,JTI=1234,leak,,leaked\n",
        )
        .unwrap();
        let (may, dec) = (at("2026-05-01T00:00:00Z"), at("2026-12-01T00:00:00Z"));
        let label = |ip: &str, time| list.live(&list.of_address(ip), time).to_owned();
        assert_eq!(label("203.0.113.9", may), "c2");
        assert_eq!(label("203.0.113.9", dec), "tor, exit", "the narrow one has expired");
        assert_eq!(label("203.0.113.9", at("2027-01-31T23:59:59Z")), "tor, exit");
        assert_eq!(label("203.0.113.9", at("2027-02-01T00:00:00Z")), "");
        assert_eq!(
            (label("198.51.100.1", may), label("pod-1", may)),
            (String::new(), String::new())
        );
        for (image, told) in [
            ("evil/miner", "miner"),
            ("docker.io/evil/miner:1.2", "miner"),
            ("evil/miner:1@sha256:ffff", "miner"),
            ("good/app@sha256:abcd", "listed"),
            ("evil/miner2", ""),
            ("registry:5000/evil/miner", ""),
        ] {
            assert_eq!(list.image(image, may), told, "{image}");
        }
        assert_eq!((list.agent("peirates/v1", may), list.agent("kubectl/v1", may)), ("feed", ""));
        assert_eq!(
            (list.credential("1234", may), list.credential("JTI=1234", may)),
            ("leaked", "leaked")
        );
    }

    #[test]
    fn json_lines_are_read_as_well() {
        let list = read("{\"type\":\"agent\",\"value\":\"x\",\"label\":\"l\"}\n\n").unwrap();
        assert_eq!(list.agent("x", Time(0)), "l");
    }

    #[test]
    fn each_wrong_line_is_told_with_its_number_and_what_to_do() {
        for (text, told) in [
            ("", "the file is empty"),
            (
                "type,vlaue\n",
                "list.csv:1: the first line names an unknown column `vlaue` (did you mean `value`?)",
            ),
            ("value\nx", "names no column `type`"),
            ("type,value\nagent,a,b", "list.csv:2: 3 values, but the first line has 2"),
            (
                "type,value\n\nagnet,a",
                "list.csv:3: there is no type `agnet` (did you mean `agent`?)",
            ),
            ("type,value\naddress,10.0.0.1", "an address needs `expires`"),
            ("type,value,expires\naddress,10.0.0.300,2027-01-01", "`10.0.0.300` is no address"),
            ("type,value,expires\nagent,a,soon", "`soon` is no date (write 2027-01-31)"),
            ("type,value\nagent,\"a", "a double quote is not closed"),
            ("type,value\nagent,", "`value` is empty"),
            ("{\"type\":\"agent\",\"valu\":\"x\"}", "list.csv:1: unknown field `valu`"),
            ("{\"type\":\"agent\"", "list.csv:1: EOF"),
        ] {
            let errors = read(text).expect_err(text);
            assert!(errors[0].contains(told), "{text}: {errors:?}");
        }
        let many = format!("type,value\n{}", "agnet,x\n".repeat(1_000));
        let errors = read(&many).unwrap_err();
        assert_eq!(errors.len(), MOST_PROBLEMS + 1);
        assert!(errors[MOST_PROBLEMS].contains("980 more lines"), "{errors:?}");
    }
}
