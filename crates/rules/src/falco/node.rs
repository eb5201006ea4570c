//! YAML as plain values, read under a budget.
//!
//! An alias repeats what it names, aliases of aliases multiply it, and a file of one kilobyte can
//! stand for more than any memory holds. Every value costs one, and reading stops where the budget
//! does.

use crate::nesting::{TOO_DEEP, too_deep};
use serde::{
    Deserialize as _, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use std::{cell::Cell, fmt};

/// Values that one file may stand for.
const MAX_VALUES: usize = 200_000;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Flag(bool),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A scalar as text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Node::Text(text) => Some(text.clone()),
            Node::Flag(value) => Some(value.to_string()),
            _ => None,
        }
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match self {
            Node::Flag(value) => Some(*value),
            Node::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Node::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

/// What is wrong with a file as YAML.
pub(super) struct Unreadable {
    pub(super) line: Option<usize>,
    pub(super) column: Option<usize>,
    pub(super) what: String,
}

/// All documents of a file.
pub(super) fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    if let Some(line) = too_deep(text) {
        return Err(Unreadable { line: Some(line), column: None, what: TOO_DEEP.to_owned() });
    }
    let budget = Cell::new(MAX_VALUES);
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    documents
        .map(|document| Budgeted(&budget).deserialize(document))
        .collect::<Result<_, _>>()
        .map_err(|error: serde_yaml_ng::Error| Unreadable {
            line: error.location().map(|place| place.line()),
            column: error.location().map(|place| place.column()),
            what: format!("this is no readable YAML: {error}"),
        })
}

#[derive(Clone, Copy)]
struct Budgeted<'b>(&'b Cell<usize>);

impl<'de> DeserializeSeed<'de> for Budgeted<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, values: D) -> Result<Node, D::Error> {
        match self.0.get().checked_sub(1) {
            Some(left) => self.0.set(left),
            None => {
                return Err(D::Error::custom(format!(
                    "it stands for more than {MAX_VALUES} values"
                )));
            }
        }
        values.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Budgeted<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    /// A file of comments only, as Falco's packages bring along for local rules.
    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Flag(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = fields.next_key_seed(self)? {
            let value = fields.next_value_seed(self)?;
            map.push((key.text().unwrap_or_default(), value));
        }
        Ok(Node::Map(map))
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, tagged: A) -> Result<Node, A::Error> {
        use serde::de::VariantAccess as _;
        let ((), content) = tagged.variant_seed(Ignored)?;
        content.newtype_variant_seed(self)
    }
}

/// A YAML tag, which says nothing here.
struct Ignored;

impl<'de> DeserializeSeed<'de> for Ignored {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, tag: D) -> Result<(), D::Error> {
        String::deserialize(tag).map(|_| ())
    }
}
