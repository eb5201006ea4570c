//! Credentials in JSON: what the place of a value says about it.
//!
//! One walk serves all ways out: looking up one value, extracting a body, writing the record. It
//! carries the place along, so that `data.password` of a Secret is masked no matter by which way
//! it was reached.

use super::{Masker, Scope, is_suspicious, looks_like_json, names};
use crate::tree::Tree;
use std::borrow::Cow;
use trailhound_model::Str;

/// JSON inside of strings inside of JSON is followed this deep.
const MAX_STRINGS: usize = 4;

/// Labels or annotations that are kept of one object.
const MAX_PAIRS: usize = 256;

/// Fields whose list of strings is a command line.
const ARGUMENT_KEYS: [&str; 2] = ["command", "args"];

/// What the way to a value says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Nothing.
    Plain,
    /// It is a Secret, a list of Secrets, or a patch of one.
    Secret,
    /// It is in the data of a Secret: masked whatever it is.
    SecretData,
    /// It is in the data of a config map or the like, where names tell.
    Data,
}

impl Place {
    pub(crate) fn of_body(scope: Scope) -> Place {
        match scope {
            Scope::Plain => Place::Plain,
            Scope::Secrets => Place::Secret,
        }
    }
}

/// A value on a walk, with what is known of its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk<'w, 't> {
    masker: &'w Masker,
    tree: &'w Tree<'t>,
    place: Place,
    /// Its own name, or that of the list that it is in, and what it stands in.
    key: &'w str,
    parent: Option<&'w Tree<'t>>,
    strings: usize,
}

impl<'w, 't> Walk<'w, 't> {
    /// Begins at the root of a body.
    pub(crate) fn new(masker: &'w Masker, tree: &'w Tree<'t>, place: Place) -> Walk<'w, 't> {
        Walk { masker, tree, place: of_object(tree, place), key: "", parent: None, strings: 0 }
    }

    /// The value, for its form only: text must be asked of [`Walk::text`].
    pub(crate) fn tree(&self) -> &'w Tree<'t> {
        self.tree
    }

    /// One step: an object's field or a list's element.
    pub(crate) fn step(&self, key: &str) -> Option<Walk<'w, 't>> {
        match self.tree {
            Tree::Object(fields) => {
                let (key, value) = fields.iter().rev().find(|(name, _)| name == key)?;
                Some(self.field(key, value))
            }
            Tree::List(list) => Some(self.element(list.get(key.parse::<usize>().ok()?)?)),
            _ => None,
        }
    }

    /// Several steps.
    pub(crate) fn at(&self, path: &[&str]) -> Option<Walk<'w, 't>> {
        path.iter().try_fold(*self, |walk, key| walk.step(key))
    }

    /// The text at a path, masked; empty if there is none.
    pub(crate) fn string(&self, path: &[&str]) -> Str {
        match self.at(path) {
            Some(walk) if matches!(walk.tree, Tree::Text(_)) => {
                walk.text().map_or_else(Str::default, |text| Str::new(text.as_ref()))
            }
            _ => Str::default(),
        }
    }

    /// The texts of the list at a path, masked.
    pub(crate) fn strings(&self, path: &[&str]) -> Vec<Str> {
        let texts = self.at(path).map(|walk| walk.texts()).unwrap_or_default();
        texts.iter().map(|text| Str::new(text.as_ref())).collect()
    }

    /// The elements of the list at a path.
    pub(crate) fn elements(&self, path: &[&str]) -> Vec<Walk<'w, 't>> {
        let Some(walk) = self.at(path) else { return Vec::new() };
        walk.tree.list().iter().map(|element| walk.element(element)).collect()
    }

    /// Whether the value at a path is `true`.
    pub(crate) fn is_true(&self, path: &[&str]) -> bool {
        self.tree.at(path).truth() == Some(true)
    }

    /// The pairs of the map at a path, masked, up to a bound; what is no text (a null, which
    /// removes in a patch) is empty.
    pub(crate) fn pairs(&self, path: &[&str]) -> Vec<(Str, Str)> {
        let Some(walk) = self.at(path) else { return Vec::new() };
        let pair = |(key, value): &'w (Cow<'t, str>, Tree<'t>)| -> (Str, Str) {
            let name = self.masker.text(key).map_or_else(|| Str::new(key), Str::from);
            let text = walk.field(key, value).text().unwrap_or_default();
            (name, Str::new(text.as_ref()))
        };
        walk.tree.fields().iter().take(MAX_PAIRS).map(pair).collect()
    }

    /// The walk to a field of this object.
    pub(crate) fn field(&self, key: &'w str, value: &'w Tree<'t>) -> Walk<'w, 't> {
        let place = self.place_of(key);
        Walk { tree: value, place: of_object(value, place), key, parent: Some(self.tree), ..*self }
    }

    /// The walk to an element of this list.
    pub(crate) fn element(&self, value: &'w Tree<'t>) -> Walk<'w, 't> {
        Walk { tree: value, place: of_object(value, self.place), parent: Some(self.tree), ..*self }
    }

    fn place_of(&self, key: &str) -> Place {
        match (self.place, key) {
            (Place::SecretData, _) | (Place::Secret, "data" | "stringData") => Place::SecretData,
            (Place::Secret, "items" | "patch" | "object" | "oldObject") => Place::Secret,
            (Place::Secret, "value") => self.place_of_patch_value(),
            (Place::Data, _) | (_, "data" | "binaryData" | "stringData") => Place::Data,
            _ => Place::Plain,
        }
    }

    /// `value` of an operation of a JSON patch.
    fn place_of_patch_value(&self) -> Place {
        let path = self.tree.get("path").text();
        if path.starts_with("/data") || path.starts_with("/stringData") {
            Place::SecretData
        } else if path.is_empty() || path == "/" {
            Place::Secret
        } else {
            Place::Plain
        }
    }

    /// The text of a string, number or truth value, masked; `None` for anything else.
    pub(crate) fn text(&self) -> Option<Cow<'w, str>> {
        let raw: Cow<'w, str> = match self.tree {
            Tree::Text(text) => Cow::Borrowed(text),
            Tree::Int(value) => Cow::Owned(value.to_string()),
            Tree::Float(value) => Cow::Owned(value.to_string()),
            Tree::Bool(value) => Cow::Owned(value.to_string()),
            _ => return None,
        };
        Some(match self.masked(&raw) {
            Some(masked) => Cow::Owned(masked),
            None => raw,
        })
    }

    /// Whether the place alone makes it a credential.
    pub(crate) fn is_credential(&self) -> bool {
        let in_list = matches!(self.parent, Some(Tree::List(_)));
        match self.place {
            Place::SecretData => true,
            Place::Data if !in_list => names::is_credential_name(self.key),
            _ if self.key == "value" => self.is_value_of_credential(),
            _ if self.key == "auth" => self.is_docker_auth(),
            _ => !in_list && names::is_credential_field(self.key),
        }
    }

    /// `value` beside a `name` (environment, Helm parameters), or behind the `path` of a patch.
    fn is_value_of_credential(&self) -> bool {
        let Some(parent) = self.parent else { return false };
        let name = parent.get("name").text();
        if !name.is_empty() {
            return names::is_credential_name(name) && !is_path(self.tree.text());
        }
        let path = parent.get("path").text();
        let last = path.rsplit('/').next().unwrap_or_default();
        path.contains("/env/") && last == "value" || names::is_credential_name(last)
    }

    fn is_docker_auth(&self) -> bool {
        self.tree.text().len() >= 8 && !self.tree.text().contains(' ')
    }

    fn masked(&self, raw: &str) -> Option<String> {
        if raw.is_empty() {
            return None;
        }
        if self.is_credential() && !matches!(self.tree, Tree::Bool(_)) {
            return Some(self.masker.mark(raw));
        }
        if !matches!(self.tree, Tree::Text(_)) {
            return None;
        }
        if let Some(index) = self.argument_index() {
            let list = self.parent.map(Tree::list).unwrap_or_default();
            let argv: Vec<&str> = list.iter().map(Tree::text).collect();
            return self.masker.argv(&argv).into_iter().nth(index).flatten();
        }
        if !is_suspicious(raw) {
            return None;
        }
        if self.strings < MAX_STRINGS
            && looks_like_json(raw)
            && let Some(masked) = self.masker.json_at(raw, Place::Plain, self.strings + 1)
        {
            return Some(masked);
        }
        self.masker.replace(raw, self.masker.credentials(raw))
    }

    /// Which argument of a command it is.
    fn argument_index(&self) -> Option<usize> {
        let Some(Tree::List(list)) = self.parent else { return None };
        if !ARGUMENT_KEYS.contains(&self.key) {
            return None;
        }
        list.iter().position(|element| std::ptr::eq(element, self.tree))
    }

    /// Writes the value as JSON, masked. Stops with `false` once `out` is longer than `limit`.
    pub(crate) fn write(&self, out: &mut String, limit: usize, skip: &[&str]) -> bool {
        if out.len() > limit {
            return false;
        }
        match self.tree {
            Tree::Null => out.push_str("null"),
            Tree::List(list) => return self.write_list(list, out, limit, skip),
            Tree::Object(fields) => return self.write_object(fields, out, limit, skip),
            Tree::Text(_) => write_text(&self.text().unwrap_or_default(), out),
            Tree::Bool(_) | Tree::Int(_) | Tree::Float(_) => self.write_scalar(out),
        }
        out.len() <= limit
    }

    fn write_scalar(&self, out: &mut String) {
        let text = self.text().unwrap_or_default();
        if text.starts_with("[masked:") { write_text(&text, out) } else { out.push_str(&text) }
    }

    /// The arguments of a command, masked together: one tells about the next.
    fn arguments(&self) -> Option<Vec<Cow<'w, str>>> {
        let list = self.tree.list();
        let all_text = list.iter().all(|element| matches!(element, Tree::Text(_)));
        if !ARGUMENT_KEYS.contains(&self.key) || list.is_empty() || !all_text {
            return None;
        }
        if self.place == Place::SecretData {
            return None;
        }
        let argv: Vec<&'w str> = list.iter().map(Tree::text).collect();
        let masked = self.masker.argv(&argv);
        Some(
            argv.iter()
                .zip(masked)
                .map(|(raw, m)| m.map_or(Cow::Borrowed(*raw), Cow::Owned))
                .collect(),
        )
    }

    /// The texts of a list, masked.
    pub(crate) fn texts(&self) -> Vec<Cow<'w, str>> {
        self.arguments().unwrap_or_else(|| {
            self.tree.list().iter().filter_map(|element| self.element(element).text()).collect()
        })
    }

    fn write_list(
        &self,
        list: &'w [Tree<'t>],
        out: &mut String,
        limit: usize,
        skip: &[&str],
    ) -> bool {
        if let Some(arguments) = self.arguments() {
            for (index, argument) in arguments.iter().enumerate() {
                out.push(if index > 0 { ',' } else { '[' });
                write_text(argument, out);
            }
            out.push(']');
            return out.len() <= limit;
        }
        out.push('[');
        for (index, value) in list.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            if !self.element(value).write(out, limit, skip) {
                return false;
            }
        }
        out.push(']');
        true
    }

    fn write_object(
        &self,
        fields: &'w [(Cow<'t, str>, Tree<'t>)],
        out: &mut String,
        limit: usize,
        skip: &[&str],
    ) -> bool {
        out.push('{');
        let mut first = true;
        for (key, value) in fields.iter().filter(|(key, _)| !skip.contains(&key.as_ref())) {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            match self.masker.text(key) {
                Some(masked) => write_text(&masked, out),
                None => write_text(key, out),
            }
            out.push(':');
            if !self.field(key, value).write(out, limit, skip) {
                return false;
            }
        }
        out.push('}');
        true
    }
}

impl Masker {
    /// JSON in a string: masked as JSON. `None` if it is none, or has nothing to mask.
    pub(super) fn json_text(&self, text: &str, scope: Scope) -> Option<String> {
        self.json_at(text, Place::of_body(scope), 0)
    }

    fn json_at(&self, text: &str, place: Place, strings: usize) -> Option<String> {
        let tree = Tree::parse(text.trim())?;
        let walk = Walk { strings, ..Walk::new(self, &tree, place) };
        let mut masked = String::new();
        walk.write(&mut masked, usize::MAX, &[]);
        let mut plain = String::new();
        write_plain(&tree, &mut plain);
        (masked != plain).then_some(masked)
    }
}

/// What an object says about itself.
fn of_object(tree: &Tree<'_>, place: Place) -> Place {
    if place == Place::SecretData || !matches!(tree, Tree::Object(_)) {
        return place;
    }
    match tree.get("kind").text() {
        "Secret" | "SecretList" => Place::Secret,
        _ => place,
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.matches('/').count() > 1 && !text.contains(char::is_whitespace)
}

fn write_plain(tree: &Tree<'_>, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Tree::Int(value) => out.push_str(&value.to_string()),
        Tree::Float(value) => out.push_str(&value.to_string()),
        Tree::Text(text) => write_text(text, out),
        Tree::List(list) => {
            out.push('[');
            for (index, value) in list.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_plain(value, out);
            }
            out.push(']');
        }
        Tree::Object(fields) => {
            out.push('{');
            for (index, (key, value)) in fields.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write_text(key, out);
                out.push(':');
                write_plain(value, out);
            }
            out.push('}');
        }
    }
}

fn push_escape(byte: u8, out: &mut String) {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    out.push_str("\\u00");
    out.extend([digit(byte >> 4), digit(byte & 15)]);
}

/// Writes a JSON string.
pub(crate) fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(text.get(from..at).unwrap_or_default());
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => push_escape(byte, out),
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out.push('"');
}
