//! Values that are no single place of the event: worked out from several, or written as a whole.
//!
//! Rule languages name such values like any other field. They are apart from the plain operands
//! because they cost more to read and few rules ask for them.

use crate::{
    ask::{Ask, Operand},
    document::{Place, Values},
    read::View,
};
use trailhound_model::{
    Str,
    lookup::{Side, Step},
    time::Time,
};

/// Longest record that is handed out as text.
const MAX_RECORD: usize = 256 << 10;
/// Items of a list that are looked into one by one.
const MOST_ITEMS: usize = 1_000;

/// A value that is worked out.
#[derive(Clone, Debug)]
pub enum Derived {
    /// What is at a place as one text: a text as it is, all else as its JSON.
    Whole(Place),
    /// The whole record as JSON.
    Record,
    /// When the event happened.
    Moment(Moment),
    /// The cluster that the record belongs to.
    Cluster,
    /// Only the value with this number, counted from 0.
    Nth(usize, Operand),
    /// All values in one text, with a text between them.
    Glued(Str, Operand),
    /// The values of an operand if a question holds, else none.
    If(Ask, Operand),
    /// `true` or `false`: whether a question holds.
    Truth(Ask),
    /// One value of each item of a list.
    PerItem(PerItem),
    /// The names of the fields of the objects at a place, but for one.
    Keys(Place, Str),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nanoseconds since 1970.
    Nanoseconds,
    /// `2026-11-23T11:17:13.204586000Z`
    Iso,
    /// `11:17:13.204586000`
    Clock,
}

/// One value of each item of a list in a body.
#[derive(Clone, Debug)]
pub struct PerItem {
    /// The body.
    pub side: Side,
    /// Where the list is.
    pub list: Vec<Step>,
    /// Only this item.
    pub index: Option<usize>,
    /// Only items that have this text under this key.
    pub only: Option<(Str, Str)>,
    /// Where the parts of the value are in an item.
    pub parts: Vec<Vec<Step>>,
    /// What stands between the parts.
    pub between: Str,
    /// What is taken of an item that has no such value.
    pub otherwise: Vec<Operand>,
}

impl Moment {
    /// The time, written so.
    pub fn write(self, time: Time) -> String {
        let iso = || format!("{}000Z", time.to_string().trim_end_matches('Z'));
        match self {
            Moment::Nanoseconds => (i128::from(time.0) * 1_000).to_string(),
            Moment::Iso => iso(),
            Moment::Clock => iso().get(11..29).unwrap_or_default().to_owned(),
        }
    }
}

impl Derived {
    pub(crate) fn read<'a>(&'a self, view: &View<'a>) -> Values<'a> {
        match self {
            Derived::Whole(place) => place.read_whole(view),
            Derived::Record => match view.bodies() {
                Some(bodies) => Values::one(bodies.masked_record(MAX_RECORD)),
                None => Values::unknown(),
            },
            Derived::Moment(form) => Values::one(form.write(view.event().time)),
            Derived::Cluster => match view.event().cluster.as_str() {
                "" => Values::none(),
                name => Values::one(name),
            },
            Derived::Nth(at, inner) => nth(*at, inner.read(view)),
            Derived::Glued(between, inner) => glued(between, inner.read(view)),
            Derived::If(ask, inner) => {
                if ask.holds(view, view.doubt()) {
                    inner.read(view)
                } else {
                    Values::none()
                }
            }
            Derived::Truth(ask) => {
                Values::one(if ask.holds(view, view.doubt()) { "true" } else { "false" })
            }
            Derived::PerItem(each) => each.read(view),
            Derived::Keys(place, except) => keys(&place.read(view), except),
        }
    }

    pub(crate) fn each_place(&self, visit: &mut dyn FnMut(&Place)) {
        match self {
            Derived::Whole(place) | Derived::Keys(place, _) => visit(place),
            Derived::Record | Derived::Moment(_) | Derived::Cluster => {}
            Derived::Nth(_, inner) | Derived::Glued(_, inner) => inner.each_place(visit),
            Derived::If(ask, inner) => {
                ask.each_place(visit);
                inner.each_place(visit);
            }
            Derived::Truth(ask) => ask.each_place(visit),
            Derived::PerItem(each) => {
                visit(&Place::in_body(each.side, each.list.clone()));
                each.otherwise.iter().for_each(|other| other.each_place(visit));
            }
        }
    }
}

fn nth(at: usize, values: Values<'_>) -> Values<'_> {
    let unknown = values.unknown;
    let mut one = values.texts.into_iter().nth(at).map_or_else(Values::none, Values::one);
    one.unknown = unknown;
    one
}

fn glued<'a>(between: &str, values: Values<'a>) -> Values<'a> {
    if values.texts.is_empty() {
        return values;
    }
    let mut one = Values::one(values.texts.join(between));
    one.unknown = values.unknown;
    one
}

fn keys<'a>(objects: &Values<'_>, except: &str) -> Values<'a> {
    let fields = objects.texts.iter().filter_map(|json| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json).ok()
    });
    let names = fields.flat_map(|map| map.into_iter().map(|(name, _)| name));
    let mut names = Values::many(names.filter(|name| name != except));
    names.unknown = objects.unknown;
    names
}

impl PerItem {
    fn read<'a>(&'a self, view: &View<'a>) -> Values<'a> {
        let place = |steps: Vec<Step>| Place::in_body(self.side, steps);
        let mut list = self.list.clone();
        list.push(Step::Each);
        let whole = place(list).read(view);
        let count = whole.texts.len().min(MOST_ITEMS);
        // What lies beyond the last item that is read is not known to be harmless.
        let unknown = whole.unknown || whole.texts.len() > MOST_ITEMS;
        let mut values = Values { unknown, ..Values::none() };
        let wanted = (0..count).filter(|at| self.index.is_none_or(|only| only == *at));
        for at in wanted {
            let read = |part: &[Step]| {
                let steps = self.list.iter().cloned().chain([Step::Index(at)]);
                place(steps.chain(part.iter().cloned()).collect()).read(view)
            };
            if let Some((key, wanted)) = &self.only
                && !read(&[Step::Key(key.clone())]).texts.iter().any(|text| text == wanted.as_str())
            {
                continue;
            }
            let parts: Vec<String> = self
                .parts
                .iter()
                .filter_map(|part| read(part).texts.into_iter().next())
                .map(std::borrow::Cow::into_owned)
                .collect();
            if parts.len() == self.parts.len() {
                values.texts.push(parts.join(&self.between).into());
                continue;
            }
            let mut others = self.otherwise.iter().map(|other| other.read(view));
            if let Some(text) = others.find_map(|other| other.texts.into_iter().next()) {
                values.texts.push(text);
            }
        }
        values
    }
}
