//! A body as a tree, borrowed from the buffer and unmasked: private to this crate.
//!
//! The order of fields is kept, and nesting is bounded before parsing, because what a client sends
//! ends here.

use crate::{
    depth,
    limits::{BODY_DEPTH, BODY_VALUES},
    wire::Text,
};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, cell::Cell, fmt};

/// A JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Tree<'a> {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

static NULL: Tree<'static> = Tree::Null;

impl<'a> Tree<'a> {
    /// Parses JSON; `None` if it is damaged, nested too deep or of too many parts.
    pub(crate) fn parse(text: &'a str) -> Option<Tree<'a>> {
        Tree::parse_by(text, false)
    }

    /// Parses a body without its `managedFields`: they are half of many objects, and say nothing
    /// that anybody asks for.
    pub(crate) fn parse_lean(text: &'a str) -> Option<Tree<'a>> {
        Tree::parse_by(text, true)
    }

    fn parse_by(text: &'a str, lean: bool) -> Option<Tree<'a>> {
        if !depth::is_shallow(text.as_bytes(), BODY_DEPTH) {
            return None;
        }
        let mut deserializer = sonic_rs::Deserializer::from_str(text).utf8_lossy();
        let room = Cell::new(BODY_VALUES);
        let tree = Parse { lean, room: &room }.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
        Some(tree)
    }

    /// The field of an object; null if there is none, like everything below.
    pub(crate) fn get(&self, key: &str) -> &Tree<'a> {
        match self {
            Tree::Object(fields) => {
                fields.iter().rev().find(|(name, _)| name == key).map_or(&NULL, |(_, value)| value)
            }
            _ => &NULL,
        }
    }

    /// The field at a path of object keys.
    pub(crate) fn at(&self, path: &[&str]) -> &Tree<'a> {
        path.iter().fold(self, |tree, key| tree.get(key))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Tree::Null)
    }

    /// The text, or empty.
    pub(crate) fn text(&self) -> &str {
        match self {
            Tree::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Tree::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Tree::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of a list; nothing for anything else.
    pub(crate) fn list(&self) -> &[Tree<'a>] {
        match self {
            Tree::List(list) => list,
            _ => &[],
        }
    }

    /// The fields of an object; nothing for anything else.
    pub(crate) fn fields(&self) -> &[(Cow<'a, str>, Tree<'a>)] {
        match self {
            Tree::Object(fields) => fields,
            _ => &[],
        }
    }
}

/// The field that a lean parse leaves out.
pub(crate) const MANAGED_FIELDS: &str = "managedFields";

/// How to parse.
#[derive(Clone, Copy)]
struct Parse<'r> {
    lean: bool,
    /// Values that may still come: one takes many times the memory of its text.
    room: &'r Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Parse<'_> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        let Some(room) = self.room.get().checked_sub(1) else {
            return Err(serde::de::Error::custom("too many values"));
        };
        self.room.set(room);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Parse<'_> {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree<'de>, E> {
        Ok(i64::try_from(value).map_or(Tree::Float(value as f64), Tree::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree<'de>, E> {
        Ok(Tree::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree<'de>, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Tree::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            if self.lean && key.as_str() == MANAGED_FIELDS {
                map.next_value::<IgnoredAny>()?;
            } else {
                fields.push((key.0, map.next_value_seed(self)?));
            }
        }
        Ok(Tree::Object(fields))
    }
}
