//! What rules of other languages ask of an event: values at places of the document, and a test on
//! them that is true or false.
//!
//! Falco and Sigma know no third truth: a comparison with a field that is not there is false, and
//! its negation true. They get what they ask for; that the log could not have shown the field is
//! kept beside the answer, so that a rule that never had a chance is not taken for one that found
//! nothing.

use crate::{
    derived::Derived,
    document::{Place, Values, anywhere},
    read::View,
    sigma::naming::{Naming, named},
    tree::{Needle, Order, Pattern},
};
use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD};
use std::{borrow::Cow, cell::Cell, net::IpAddr};
use trailhound_model::{
    Str,
    lookup::Side,
    time::{SECOND, Time},
};

/// Where values come from.
#[derive(Clone, Debug)]
pub enum Operand {
    /// A place in the event.
    Place(Place),
    /// The values of a query parameter of the request, decoded.
    Query(Str),
    /// A constant.
    Literal(Str),
    /// The first of these that has a value.
    First(Vec<Operand>),
    /// The values of all of these.
    Union(Vec<Operand>),
    /// Values changed.
    Changed(Change, Box<Operand>),
    /// Values of all operands, side by side, with a text between them: `namespace:name`.
    Joined(Str, Vec<Operand>),
    /// Values that are worked out.
    Derived(Box<Derived>),
    /// Every value of the event, wherever it stands.
    Anywhere,
    /// The names that a provider's own log would have for the request.
    Named(Naming),
}

/// How values are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// Base64 decoded; what is none is left out.
    Base64,
    /// What follows the last slash.
    BaseName,
    /// How many characters.
    Length,
    /// How many values.
    Count,
    /// The repository of an image: without tag and digest. A port of the registry is no tag.
    Repository,
    /// The tag of an image, if it names one.
    Tag,
    /// A part of a date, in UTC; what is no date is left out.
    Time(TimePart),
}

/// Parts of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// 1 to 31.
    Day,
    /// 1 to 53, as ISO 8601 counts.
    Week,
    /// 1 to 12.
    Month,
    /// The year.
    Year,
}

/// Which values must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Some value.
    Some,
    /// There are values, and every one passes.
    Every,
}

/// A question that is true or false.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose values.
    pub of: Operand,
    /// Which of them.
    pub quantity: Quantity,
    /// What they must be.
    pub test: Test,
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub enum Test {
    /// It is there.
    Present,
    /// It is one of these; sorted.
    OneOf(Box<[Str]>),
    /// The same without regard to case; the texts are in lower case, sorted.
    OneOfFolded(Box<[Str]>),
    /// Any of these tests on text.
    Any(Vec<TextAsk>),
    /// All of these tests, each by this value.
    AllOf(Vec<TextAsk>),
    /// It is a number for which this holds.
    Number(Order, f64),
    /// It is a number for which this holds against some number of another operand.
    NumberOf(Order, Box<Operand>),
    /// It is an address in one of these networks.
    Networks(Vec<Network>),
    /// It is the value of another operand, or contains it, or starts or ends with it.
    Same(Box<Operand>, Like, bool),
    /// It is this path or lies beneath one of these.
    Beneath(Vec<Str>),
}

/// How one text is like another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Like {
    /// Equal.
    Equal,
    /// It contains the other.
    Contains,
    /// It starts with the other.
    Starts,
    /// It ends with the other.
    Ends,
}

/// A test on one text.
#[derive(Clone, Debug)]
pub enum TextAsk {
    /// Like a constant.
    Like(Like, Str),
    /// Contains a constant, prepared.
    Contains(Needle),
    /// Like a constant, without regard to case; the constant is in lower case.
    Folded(Like, Str),
    /// A regular expression matches.
    Matches(Pattern),
}

/// A network of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8`, or one address.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(width), |bits| bits.parse().ok())?;
        (bits <= width).then_some(Network { address, bits })
    }

    /// Whether the address lies in it; an IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(self, address: IpAddr) -> bool {
        let same = |one: u128, other: u128, width: u32| {
            let rest = width - u32::from(self.bits);
            rest == width || one >> rest == other >> rest
        };
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(u128::from(one.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl Operand {
    /// Its values in an event.
    pub(crate) fn read<'a>(&'a self, view: &View<'a>) -> Values<'a> {
        match self {
            Operand::Place(place) => place.read(view),
            Operand::Query(name) => {
                let mut values = Values::many(view.event().query(name));
                values.unknown = values.texts.is_empty() && !view.event().format.tells_query();
                values
            }
            Operand::Literal(text) => Values::one(text.as_str()),
            Operand::First(operands) => first(operands, view),
            Operand::Union(operands) => operands.iter().fold(Values::none(), |mut all, one| {
                all.extend(one.read(view));
                all
            }),
            Operand::Changed(change, inner) => changed(*change, inner.read(view)),
            Operand::Joined(between, operands) => joined(between, operands, view),
            Operand::Derived(derived) => derived.read(view),
            Operand::Anywhere => anywhere(view),
            Operand::Named(naming) => Values::many(named(*naming, view.event())),
        }
    }

    /// Calls `visit` for every place that it reads.
    pub fn each_place(&self, visit: &mut dyn FnMut(&Place)) {
        match self {
            Operand::Place(place) => visit(place),
            Operand::Query(_) | Operand::Literal(_) | Operand::Anywhere | Operand::Named(_) => {}
            Operand::First(all) | Operand::Union(all) | Operand::Joined(_, all) => {
                for one in all {
                    one.each_place(visit);
                }
            }
            Operand::Changed(_, inner) => inner.each_place(visit),
            Operand::Derived(derived) => derived.each_place(visit),
        }
    }
}

fn first<'a>(operands: &'a [Operand], view: &View<'a>) -> Values<'a> {
    let mut unknown = false;
    for operand in operands {
        let values = operand.read(view);
        if !values.texts.is_empty() {
            return values;
        }
        unknown |= values.unknown;
    }
    Values { unknown, ..Values::none() }
}

/// Rows of as many values as the shortest operand has.
fn joined<'a>(between: &str, operands: &'a [Operand], view: &View<'a>) -> Values<'a> {
    let columns: Vec<Values<'a>> = operands.iter().map(|one| one.read(view)).collect();
    let rows = columns.iter().map(|column| column.texts.len()).min().unwrap_or_default();
    let row = |at: usize| {
        let cells: Vec<&str> =
            columns.iter().filter_map(|column| column.texts.get(at)).map(Cow::as_ref).collect();
        cells.join(between)
    };
    let mut values = Values::many((0..rows).map(row));
    values.unknown = columns.iter().any(|column| column.unknown);
    values
}

fn changed(change: Change, values: Values<'_>) -> Values<'_> {
    let unknown = values.unknown;
    let mut changed = match change {
        Change::Count if unknown => Values::none(),
        Change::Count => Values::one(values.texts.len().to_string()),
        _ => Values::many(values.texts.into_iter().filter_map(|text| change_one(change, text))),
    };
    changed.unknown = unknown;
    changed
}

fn change_one(change: Change, text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    Some(match change {
        Change::Lower => folded(text),
        Change::Upper => text.to_uppercase().into(),
        Change::Base64 => base64(&text)?.into(),
        Change::BaseName => cut(text, |text| text.rsplit('/').next().unwrap_or_default()),
        Change::Length => text.chars().count().to_string().into(),
        Change::Count => return None,
        Change::Repository => cut(text, |text| repository(text).0),
        Change::Tag => {
            let tag = repository(&text).1;
            if tag.is_empty() {
                return None;
            }
            tag.to_owned().into()
        }
        Change::Time(part) => time_part(part, &text)?.to_string().into(),
    })
}

/// A part of a date, read off its form in UTC.
fn time_part(part: TimePart, text: &str) -> Option<i64> {
    let text = Time::parse(text)?.to_string();
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    match part {
        TimePart::Minute => number(14, 16),
        TimePart::Hour => number(11, 13),
        TimePart::Day => number(8, 10),
        TimePart::Month => number(5, 7),
        TimePart::Year => number(0, 4),
        TimePart::Week => iso_week(&text),
    }
}

/// The week whose Thursday the date's week has.
fn iso_week(text: &str) -> Option<i64> {
    const DAY: i64 = 24 * 3_600 * SECOND;
    let days = Time::parse(text)?.0.div_euclid(DAY);
    // Day 0 was a Thursday.
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    let year = Time(thursday.checked_mul(DAY)?).to_string();
    let first = Time::parse(&format!("{}-01-01T00:00:00Z", year.get(..4)?))?.0.div_euclid(DAY);
    Some((thursday - first) / 7 + 1)
}

fn cut(text: Cow<'_, str>, part: impl Fn(&str) -> &str) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => {
            let kept = part(text);
            // `part` returns a piece of what it was given.
            text.find(kept).map_or(Cow::Owned(kept.to_owned()), |at| {
                Cow::Borrowed(text.get(at..at + kept.len()).unwrap_or_default())
            })
        }
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

/// Repository and tag of an image reference.
pub(crate) fn repository(image: &str) -> (&str, &str) {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    match name.get(last..).and_then(|end| end.find(':')) {
        Some(colon) => {
            let at = last + colon;
            (name.get(..at).unwrap_or_default(), name.get(at + 1..).unwrap_or_default())
        }
        None => (name, ""),
    }
}

/// In lower case, borrowed where it is already.
pub(crate) fn folded(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_folded = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_folded { text } else { Cow::Owned(text.to_lowercase()) }
}

/// With and without padding, in both alphabets: commands and manifests use all four.
fn base64(text: &str) -> Option<String> {
    let text: String = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    String::from_utf8(STANDARD_NO_PAD.decode(text).ok()?).ok()
}

impl Ask {
    /// Whether it holds. Sets `doubt` if the log could not show a value that might have mattered.
    pub(crate) fn holds<'a>(&'a self, view: &View<'a>, doubt: &Cell<bool>) -> bool {
        let values = self.of.read(view);
        if values.unknown {
            doubt.set(true);
        }
        let passes = |text: &Cow<'a, str>| self.test.passes(text, view);
        match self.quantity {
            Quantity::Some => values.texts.iter().any(passes),
            Quantity::Every => !values.texts.is_empty() && values.texts.iter().all(passes),
        }
    }

    /// Whether it asks of bodies.
    pub(crate) fn side(&self) -> Option<Side> {
        let mut side = None;
        self.each_place(&mut |place| side = side.or(place.side()));
        side
    }

    /// Calls `visit` for every place that it reads.
    pub fn each_place(&self, visit: &mut dyn FnMut(&Place)) {
        self.of.each_place(visit);
        if let Test::Same(other, ..) | Test::NumberOf(_, other) = &self.test {
            other.each_place(visit);
        }
    }
}

impl Test {
    fn passes<'a>(&'a self, text: &str, view: &View<'a>) -> bool {
        match self {
            Test::Present => true,
            Test::OneOf(wanted) => is_among(wanted, text),
            Test::OneOfFolded(wanted) => is_among(wanted, &folded(Cow::Borrowed(text))),
            Test::Any(asks) => asks.iter().any(|ask| ask.holds(text)),
            Test::AllOf(asks) => asks.iter().all(|ask| ask.holds(text)),
            Test::Number(order, wanted) => {
                text.parse::<f64>().is_ok_and(|number| order.holds(number, *wanted))
            }
            Test::NumberOf(order, other) => text.parse::<f64>().is_ok_and(|number| {
                let wanted = other.read(view);
                let mut wanted = wanted.texts.iter().filter_map(|text| text.parse::<f64>().ok());
                wanted.any(|wanted| order.holds(number, wanted))
            }),
            Test::Networks(networks) => text
                .parse()
                .is_ok_and(|address| networks.iter().any(|network| network.contains(address))),
            Test::Same(other, like, fold) => other.read(view).texts.iter().any(|wanted| {
                if *fold {
                    let (text, wanted) = (Cow::Borrowed(text), Cow::Borrowed(wanted.as_ref()));
                    like.holds(&folded(text), &folded(wanted))
                } else {
                    like.holds(text, wanted)
                }
            }),
            Test::Beneath(places) => places.iter().any(|place| is_beneath(text, place)),
        }
    }

    /// The texts that a value must be one of, if the test says so.
    pub(crate) fn closed(&self) -> Option<&[Str]> {
        match self {
            Test::OneOf(wanted) | Test::OneOfFolded(wanted) => Some(wanted),
            _ => None,
        }
    }
}

fn is_among(sorted: &[Str], text: &str) -> bool {
    sorted.binary_search_by(|probe| probe.as_str().cmp(text)).is_ok()
}

fn is_beneath(path: &str, place: &str) -> bool {
    let place = place.trim_end_matches('/');
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Like {
    fn holds(self, text: &str, other: &str) -> bool {
        match self {
            Like::Equal => text == other,
            Like::Contains => memchr::memmem::find(text.as_bytes(), other.as_bytes()).is_some(),
            Like::Starts => text.starts_with(other),
            Like::Ends => text.ends_with(other),
        }
    }
}

impl TextAsk {
    fn holds(&self, text: &str) -> bool {
        match self {
            TextAsk::Like(like, wanted) => like.holds(text, wanted),
            TextAsk::Contains(needle) => needle.is_in(text),
            TextAsk::Folded(like, wanted) => like.holds(&folded(Cow::Borrowed(text)), wanted),
            TextAsk::Matches(pattern) => pattern.is_in(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_the_registry_is_no_tag() {
        let cases = [
            ("nginx", ("nginx", "")),
            ("nginx:1.27", ("nginx", "1.27")),
            ("registry:5000/team/app", ("registry:5000/team/app", "")),
            ("registry:5000/app:v2@sha256:aa", ("registry:5000/app", "v2")),
        ];
        for (image, wanted) in cases {
            assert_eq!(repository(image), wanted, "{image}");
        }
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        let holds = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && holds("::/0", "2001:db8::1"));
        assert!(holds("10.0.0.7", "::ffff:10.0.0.7") && !holds("fd00::/8", "10.0.0.1"));
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }

    #[test]
    fn parts_of_dates_are_those_of_utc_and_weeks_those_of_iso() {
        use TimePart as P;
        for (part, text, wanted) in [
            (P::Hour, "2026-11-23T01:17:13+02:00", Some(23)),
            (P::Day, "2026-11-23T01:17:13+02:00", Some(22)),
            (P::Minute, "2026-11-23T01:17:13Z", Some(17)),
            (P::Month, "2026-11-23T01:17:13Z", Some(11)),
            (P::Year, "2026-11-23T01:17:13Z", Some(2026)),
            (P::Week, "2026-11-23T01:17:13Z", Some(48)),
            (P::Week, "2021-01-01T00:00:00Z", Some(53)),
            (P::Week, "2020-12-31T00:00:00Z", Some(53)),
            (P::Week, "2024-12-30T00:00:00Z", Some(1)),
            (P::Hour, "noon", None),
        ] {
            assert_eq!(time_part(part, text), wanted, "{part:?} {text}");
        }
    }

    #[test]
    fn base64_is_decoded_with_and_without_padding() {
        for (text, wanted) in [
            ("YWJj", Some("abc")),
            ("YWI=", Some("ab")),
            ("YQ", Some("a")),
            ("a", None),
            ("$$", None),
        ] {
            assert_eq!(base64(text).as_deref(), wanted, "{text}");
        }
    }
}
