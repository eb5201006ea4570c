//! Masks credentials, and only them: what an attacker could use is replaced by a keyed hash, what
//! an investigator needs (programs, arguments, paths, names and keys of secrets, certificate
//! subjects) stays.
//!
//! Masking is not a pass over output that somebody could forget: nothing raw has a public type,
//! and each way out of this crate asks a [`Masker`]. It works on decoded text, so escapes do not
//! hide anything from it. The hash makes equal values recognisable within a run; the key is the
//! caller's, so that hashes of two runs cannot be compared or guessed.

mod argv;
mod find;
mod json;
mod names;
mod uri;

pub(crate) use json::{Place, Walk, write_text};

use aho_corasick::AhoCorasick;
use siphasher::sip::SipHasher24;
use std::{hash::Hasher, ops::Range, sync::LazyLock};

/// Replaces credentials in text.
#[derive(Clone, Debug)]
pub struct Masker {
    key: [u8; 16],
}

/// What an object in a record is about, as far as masking goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Anything else.
    Plain,
    /// The request is about Secrets: bodies and patches are theirs even if they do not say so.
    Secrets,
}

impl Scope {
    pub(crate) fn of_resource(resource: &str) -> Scope {
        if resource == "secrets" { Scope::Secrets } else { Scope::Plain }
    }
}

/// Letters that appear in every credential we know of, or before it. A record without any of them
/// is copied as it is.
const TRIGGERS: &[&str] = &[
    "eyJ", "ZXlK", "LS0tLS1CRUdJT", "-----BEGIN", "://", "earer ", "earer%20", "earer+", "asic ",
    "asic%20", "asic+", "EARER ", "ASIC ", "uthorization:", "UTHORIZATION:", "ssw", "SSW", "Ssw",
    "assphrase", "ASSPHRASE", "pwd", "PWD", "Pwd", "ass:", "PASS", "pass=", "pass ", "oken=",
    "OKEN", "oken:", "oken\\\"", "ecret=", "ECRET", "ecret:", "ecret\\\"", "redential", "REDENTIAL",
    "pikey", "piKey", "pi_key", "pi-key", "PI_KEY", "piK", "KEY=", "ey=", "ookie", "ommand=",
    "\"{\\\"", "\"[{\\\"", "\\u004", "\\u005", "\\u006", "\\u007", "--",
];

static TRIGGER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(TRIGGERS).ok());

impl Masker {
    /// Masks with this key. Equal keys give equal hashes, so use one per run.
    pub fn new(key: [u8; 16]) -> Masker {
        Masker { key }
    }

    /// Whether a record's text can hold anything to mask. May say yes in vain, never no.
    pub(crate) fn may_need_masking(text: &str) -> bool {
        TRIGGER.as_ref().is_none_or(|trigger| trigger.is_match(text))
    }

    /// What stands for a credential.
    pub(crate) fn mark(&self, credential: &str) -> String {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(credential.as_bytes());
        format!("[masked:{:08x}]", hasher.finish() >> 32)
    }

    /// Free text with its credentials masked; `None` if it has none.
    pub(crate) fn text(&self, text: &str) -> Option<String> {
        if text.len() < 4 {
            return None;
        }
        if looks_like_json(text)
            && let Some(masked) = self.json_text(text, Scope::Plain)
        {
            return Some(masked);
        }
        self.replace(text, find::credentials(text))
    }

    /// A request URI.
    pub(crate) fn uri(&self, uri: &str) -> Option<String> {
        uri::mask(self, uri)
    }

    /// A value under a name (annotations): the name may say that it is a credential.
    pub(crate) fn named(&self, name: &str, value: &str, scope: Scope) -> Option<String> {
        if names::is_credential_field(name) && !value.is_empty() {
            return Some(self.mark(value));
        }
        if looks_like_json(value)
            && let Some(masked) = self.json_text(value, scope)
        {
            return Some(masked);
        }
        self.text(value)
    }

    /// Arguments of a command, one by one.
    pub(crate) fn argv(&self, argv: &[&str]) -> Vec<Option<String>> {
        let found = argv::credentials(argv);
        argv.iter()
            .zip(found)
            .map(|(argument, mut ranges)| {
                ranges.extend(find::credentials(argument));
                self.replace(argument, ranges)
            })
            .collect()
    }

    /// Text with these ranges replaced.
    fn replace(&self, text: &str, mut ranges: Vec<Range<usize>>) -> Option<String> {
        ranges.retain(|range| range.start < range.end);
        if ranges.is_empty() {
            return None;
        }
        ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for range in merged(ranges) {
            let (Some(before), Some(credential)) = (text.get(at..range.start), text.get(range.clone()))
            else {
                // A range that splits a character would be our own mistake: then hide everything.
                return Some(self.mark(text));
            };
            out.push_str(before);
            if credential.starts_with("[masked:") && credential.len() == 17 {
                out.push_str(credential);
            } else {
                out.push_str(&self.mark(credential));
            }
            at = range.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Some(out)
    }
}

fn merged(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

fn looks_like_json(text: &str) -> bool {
    let text = text.trim_start();
    (text.starts_with('{') || text.starts_with('[')) && text.len() > 8
}
