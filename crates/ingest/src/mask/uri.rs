//! Request URIs: credentials in query parameters, by name or by form, and in the commands that
//! `exec` carries as repeated, percent-encoded `command` parameters.

use super::{Masker, names};
use std::borrow::Cow;
use trailhound_model::event::percent_decode;

/// Parameters of nearly every request, whose names need no thought.
const API_PARAMETERS: [&str; 14] = [
    "allowWatchBookmarks",
    "resourceVersion",
    "resourceVersionMatch",
    "timeout",
    "timeoutSeconds",
    "watch",
    "limit",
    "fieldManager",
    "fieldValidation",
    "sendInitialEvents",
    "force",
    "dryRun",
    "container",
    "follow",
];

/// The URI with its credentials masked; `None` if it has none.
pub(super) fn mask(masker: &Masker, uri: &str) -> Option<String> {
    let Some((path, query)) = uri.split_once('?') else { return path_of(masker, uri) };
    let pairs: Vec<(&str, Option<&str>)> = query
        .split('&')
        .map(|pair| pair.split_once('=').map_or((pair, None), |(key, value)| (key, Some(value))))
        .collect();
    let command = commands(masker, &pairs);
    let values: Vec<Option<String>> = pairs
        .iter()
        .zip(command)
        .map(|(pair, command)| command.or_else(|| value(masker, *pair)))
        .collect();
    let masked_path = path_of(masker, path);
    if masked_path.is_none() && values.iter().all(Option::is_none) {
        return None;
    }
    let mut out = masked_path.unwrap_or_else(|| path.to_owned());
    for (index, ((key, value), masked)) in pairs.iter().zip(values).enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(key);
        if let Some(value) = masked.as_deref().or(*value) {
            out.push('=');
            out.push_str(value);
        }
    }
    Some(out)
}

fn path_of(masker: &Masker, path: &str) -> Option<String> {
    if path.contains('%') {
        let decoded = percent_decode(path);
        return masker.text(&decoded).map(|masked| encode(&masked));
    }
    masker.text(path)
}

fn value(masker: &Masker, (key, value): (&str, Option<&str>)) -> Option<String> {
    let value = value.filter(|value| !value.is_empty())?;
    if API_PARAMETERS.contains(&key) && !super::is_suspicious(value) {
        return None;
    }
    if names::is_credential_name(&decoded(key)) {
        return Some(masker.mark(&percent_decode(value)));
    }
    masker.text(&decoded(value)).map(|masked| encode(&masked))
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains(['%', '+']) { Cow::Owned(percent_decode(text)) } else { Cow::Borrowed(text) }
}

/// For each parameter, its masked value if it is an argument of the command with a credential.
fn commands(masker: &Masker, pairs: &[(&str, Option<&str>)]) -> Vec<Option<String>> {
    let mut found = vec![None; pairs.len()];
    let arguments: Vec<(usize, String)> = pairs
        .iter()
        .enumerate()
        .filter(|(_, (key, _))| *key == "command")
        .map(|(index, (_, value))| (index, percent_decode(value.unwrap_or_default())))
        .collect();
    let argv: Vec<&str> = arguments.iter().map(|(_, argument)| argument.as_str()).collect();
    for ((index, _), argument) in arguments.iter().zip(masker.argv(&argv)) {
        if let Some(slot) = found.get_mut(*index) {
            *slot = argument.map(|text| encode(&text));
        }
    }
    found
}

/// Percent-encodes what may not stand in a query value. Brackets and colons stay: our marks are to
/// be read.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/:[],@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| {
                char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
            }));
        }
    }
    out
}
