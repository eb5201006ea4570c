//! A body parsed only where it is wanted, because most of an object says nothing that the twin keeps.
//!
//! Whole trees of all objects that are written would cost as much as decoding the log. What is
//! unwanted is skipped by the parser's fast path, and how deep the rest goes is bounded by the form
//! that is wanted, whatever the client sent.

use crate::{limits::BODY_VALUES, tree::Tree, wire::Text};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::{cell::Cell, fmt};

/// What is wanted of a value. A list is taken as its elements, each of which has this form.
#[derive(Debug)]
pub(crate) enum Form {
    /// A text, number or truth value.
    Scalar,
    /// A map of texts.
    Pairs,
    /// These fields of an object.
    Fields(&'static [(&'static str, Form)]),
    /// A list of which only so many elements are parsed; the others are null.
    Most(usize, &'static Form),
}

/// Parses what is wanted; `None` if that is damaged or of too many parts.
pub(crate) fn parse<'a>(text: &'a str, form: &Form) -> Option<Tree<'a>> {
    let mut deserializer = sonic_rs::Deserializer::from_str(text).utf8_lossy();
    let room = Cell::new(BODY_VALUES);
    Select { form, room: &room, listed: false }.deserialize(&mut deserializer).ok()
}

#[derive(Clone, Copy)]
struct Select<'r> {
    form: &'r Form,
    /// Values that may still come.
    room: &'r Cell<usize>,
    /// The value is an element of a list: lists in lists are not followed.
    listed: bool,
}

impl<'de> DeserializeSeed<'de> for Select<'_> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        let Some(room) = self.room.get().checked_sub(1) else {
            return Err(D::Error::custom("too many values"));
        };
        self.room.set(room);
        deserializer.deserialize_any(self)
    }
}

impl Select<'_> {
    fn of<'s>(&'s self, form: &'s Form) -> Select<'s> {
        Select { form, room: self.room, listed: false }
    }

    /// The form of an element, and how many are wanted.
    fn elements(&self) -> (usize, Select<'_>) {
        match self.form {
            Form::Most(most, form) => (*most, Select { listed: true, ..self.of(form) }),
            _ => (usize::MAX, Select { listed: true, ..*self }),
        }
    }
}

impl<'de> Visitor<'de> for Select<'_> {
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
        Ok(Tree::Text(text.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree<'de>, E> {
        Ok(Tree::Text(text.to_owned().into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree<'de>, A::Error> {
        let mut values = Vec::new();
        let (most, element) = self.elements();
        if !self.listed {
            while values.len() < most
                && let Some(value) = list.next_element_seed(element)?
            {
                values.push(value);
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            values.push(Tree::Null);
        }
        Ok(Tree::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let form = match self.form {
                Form::Fields(wanted) => {
                    wanted.iter().find(|(name, _)| *name == key).map(|(_, form)| form)
                }
                Form::Pairs => Some(&Form::Scalar),
                Form::Scalar | Form::Most(..) => None,
            };
            match form {
                Some(form) => fields.push((key, map.next_value_seed(self.of(form))?)),
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(Tree::Object(fields))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const NAMES: Form = Form::Fields(&[
        ("name", Form::Scalar),
        ("labels", Form::Pairs),
        ("items", Form::Most(2, &Form::Fields(&[("a", Form::Scalar)]))),
    ]);

    #[test]
    fn only_what_is_wanted_is_there() {
        let tree = parse(
            r#"{"name":"x","other":{"name":"y","deep":[[1]]},"labels":{"a":"b","c":{"d":"e"}},
                "items":[{"a":1,"b":2},{"a":"2"},{"a":3}]}"#,
            &NAMES,
        );
        let tree = tree.unwrap();
        assert_eq!(tree.get("name").text(), "x");
        assert!(tree.get("other").is_null());
        assert_eq!(tree.at(&["labels", "a"]).text(), "b");
        assert_eq!(tree.at(&["labels", "c"]), &Tree::Object(Vec::new()));
        let items = tree.get("items").list();
        assert_eq!((items.len(), items[0].get("a").int()), (3, Some(1)));
        assert!(items[0].get("b").is_null() && items[2].is_null());
    }

    #[test]
    fn lists_in_lists_do_not_lead_deeper_than_the_form() {
        let text = format!("{{\"name\":{}{}}}", "[".repeat(1000), "]".repeat(1000));
        let tree = parse(&text, &NAMES).unwrap();
        assert_eq!(tree.get("name").list().len(), 1);
        assert_eq!(tree.get("name").list()[0].list(), &[Tree::Null]);
    }

    #[test]
    fn damage_is_no_tree() {
        for text in ["", "{", r#"{"name""#, r#"{"name":"x","other":[}"#] {
            assert!(parse(text, &NAMES).is_none(), "{text}");
        }
    }
}
