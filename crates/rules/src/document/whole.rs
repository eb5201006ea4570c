//! What is at a place of the event as one text, as a JSON pointer asks for it: a text as it is, all
//! else as its JSON, so that an empty list and a null are there and a list is no set of values.
//!
//! Single values come from the decoded event; only whole objects are looked up in the record, which
//! has to be written and read again for it.

use super::{Place, Top, Values, key};
use crate::read::View;
use trailhound_model::lookup::{Reading, Step};

/// Longest value that is handed out.
const MAX_VALUE: usize = 256 << 10;

/// How a place of the event is made.
enum Shape {
    Single,
    List,
    /// An object, or nothing that the decoded event keeps.
    Object,
}

impl Place {
    /// What is there as one text.
    pub(crate) fn read_whole<'a>(&self, view: &View<'a>) -> Values<'a> {
        if let Top::Body(side) = self.top {
            let path: Vec<&str> = self.rest.iter().filter_map(key).collect();
            let Some(bodies) = view.bodies() else { return Values::unknown() };
            return match bodies.json(side, &path, MAX_VALUE) {
                Reading::Present(text) => Values::one(text),
                Reading::Absent => Values::none(),
                Reading::Unknown => Values::unknown(),
            };
        }
        match self.shape() {
            Shape::Single => self.indexed().read(view),
            Shape::List => {
                let values = self.read(view);
                if values.texts.is_empty() {
                    return values;
                }
                let json = serde_json::to_string(&values.texts.as_slice()).unwrap_or_default();
                Values::one(json)
            }
            Shape::Object => self.in_record(view),
        }
    }

    fn shape(&self) -> Shape {
        let first = self.rest.first().and_then(key);
        match (self.top, self.rest.len()) {
            (Top::SourceIps, 0) => Shape::List,
            (Top::User | Top::Impersonated, 1) if first == Some("groups") => Shape::List,
            (Top::User | Top::Impersonated, 2) if first == Some("extra") => Shape::List,
            (Top::User | Top::Impersonated, 1) if matches!(first, Some("username" | "uid")) => {
                Shape::Single
            }
            (Top::User | Top::Impersonated, 2) if first == Some("groups") => Shape::Single,
            (Top::User | Top::Impersonated, 3) if first == Some("extra") => Shape::Single,
            (Top::ResponseStatus, 1) if matches!(first, Some("code" | "reason" | "message")) => {
                Shape::Single
            }
            (Top::ObjectRef | Top::Annotations | Top::Constraint | Top::SourceIps, 1) => {
                Shape::Single
            }
            (
                Top::User
                | Top::Impersonated
                | Top::ObjectRef
                | Top::ResponseStatus
                | Top::Annotations
                | Top::Constraint
                | Top::None,
                _,
            ) => Shape::Object,
            _ => Shape::Single,
        }
    }

    /// The same place with the number of an item where a list is.
    fn indexed(&self) -> Place {
        let mut place = self.clone();
        let in_list = match place.top {
            Top::SourceIps => place.rest.len() == 1,
            Top::User | Top::Impersonated => place.rest.len() >= 2,
            _ => false,
        };
        if let Some(last) = place.rest.last_mut().filter(|_| in_list)
            && let Some(at) = key(last).and_then(|text| text.parse().ok())
        {
            *last = Step::Index(at);
        }
        place
    }

    fn in_record<'a>(&self, view: &View<'a>) -> Values<'a> {
        let Some(bodies) = view.bodies() else { return Values::unknown() };
        let record = bodies.masked_record(MAX_VALUE);
        let Ok(record) = serde_json::from_str::<serde_json::Value>(&record) else {
            return Values::unknown();
        };
        let path = std::iter::once(self.name.as_str()).chain(self.rest.iter().filter_map(key));
        let found = path.into_iter().try_fold(&record, |value, key| match value {
            serde_json::Value::Array(list) => list.get(key.parse::<usize>().ok()?),
            _ => value.get(key),
        });
        match found {
            None => Values::none(),
            Some(serde_json::Value::String(text)) => Values::one(text.clone()),
            Some(other) => Values::one(other.to_string()),
        }
    }
}
