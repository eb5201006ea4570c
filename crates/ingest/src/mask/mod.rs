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
#[derive(Clone, Copy)]
pub struct Masker {
    key: [u8; 16],
}

impl std::fmt::Debug for Masker {
    /// The key stays out of logs: with it, hashes of short credentials can be guessed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Masker")
    }
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

/// Letters that appear in every credential we know of, or before it. Text without any of them is
/// not looked at further.
const TRIGGERS: &[&str] = &[
    "eyJ", "ZXlK", "LS0tLS1CRUdJT", "-----BEGIN", "://", "earer ", "earer%20", "earer+", "asic ",
    "asic%20", "asic+", "EARER ", "ASIC ", "uthorization:", "UTHORIZATION:", "ssw", "SSW", "Ssw",
    "assphrase", "ASSPHRASE", "pwd", "PWD", "Pwd", "ass:", "PASS", "pass=", "pass ", "oken=",
    "OKEN", "oken:", "oken\\\"", "ecret=", "ECRET", "ecret:", "ecret\\\"", "redential", "REDENTIAL",
    "pikey", "piKey", "pi_key", "pi-key", "PI_KEY", "piK", "KEY=", "ey=", "ookie", "ommand=",
    "--",
];

static TRIGGER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(TRIGGERS).ok());

impl Masker {
    /// Masks with this key. Equal keys give equal hashes, so use one per run.
    pub fn new(key: [u8; 16]) -> Masker {
        Masker { key }
    }

    /// Whether a text can hold anything to mask. May say yes in vain, never no.
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

    /// Whether a name says that its value is a credential.
    pub(crate) fn is_credential_field(name: &str) -> bool {
        names::is_credential_field(name)
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

/// Whether a short text may hold anything that is masked: one pass over neighbouring letters,
/// without branches, because every text of every event goes through here. May say yes in vain.
/// Each mark is a part of what [`find::credentials`] or [`uri`] look for.
pub(crate) fn is_suspicious(text: &str) -> bool {
    // The authorizer's reasons all begin alike.
    let bytes = text.strip_prefix("RBAC: ").unwrap_or(text).as_bytes();
    let is_uuid = bytes.len() == 36 && bytes.get(8) == Some(&b'-') && bytes.get(23) == Some(&b'-');
    if bytes.len() < 8 || is_uuid {
        return false;
    }
    let (second, third, fourth) = (rest(bytes, 1), rest(bytes, 2), rest(bytes, 3));
    let pairs = bytes.iter().zip(second).fold(false, |hit, (a, b)| hit | is_pair(*a, *b));
    let quads = bytes.iter().zip(second).zip(third).zip(fourth);
    pairs || quads.fold(false, |hit, (((a, b), c), d)| hit | is_scheme(*a, *b, *c, *d))
}

fn rest(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
}

/// `=`, `@` and `{` alone; `: `, `:"`; `d:` and `y:` (password, key); ` -`, `--`; `yJ` of a JWT;
/// `Xl` and `S0` of an encoded one or of a key.
#[inline]
fn is_pair(a: u8, b: u8) -> bool {
    (a == b'=')
        | (a == b'@')
        | (a == b'{')
        | ((a == b':') & ((b == b' ') | (b == b'"')))
        | ((b == b':') & ((a | 0x20 == b'd') | (a | 0x20 == b'y')))
        | ((b == b'-') & ((a == b' ') | (a == b'-')))
        | ((a == b'y') & (b == b'J'))
        | ((a == b'X') & (b == b'l'))
        | ((a == b'S') & (b == b'0'))
}

/// The end of `Bearer ` and `Basic `, also percent-encoded.
#[inline]
fn is_scheme(a: u8, b: u8, c: u8, d: u8) -> bool {
    let bearer = (a | 0x20 == b'r') & (b | 0x20 == b'e') & (c | 0x20 == b'r');
    let basic = (a | 0x20 == b's') & (b | 0x20 == b'i') & (c | 0x20 == b'c');
    (bearer | basic) & ((d == b' ') | (d == b'%') | (d == b'+'))
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
