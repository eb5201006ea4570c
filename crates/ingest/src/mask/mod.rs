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

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use siphasher::sip::SipHasher24;
use std::{hash::Hasher, ops::Range};

/// Replaces credentials in text.
#[derive(Clone)]
pub struct Masker {
    key: [u8; 16],
    /// Finds [`TRIGGERS`]; without it every text is looked at closely.
    trigger: Option<AhoCorasick>,
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
    "eyJ",
    "ZXlK",
    "LS0tLS1CRUdJT",
    "-----BEGIN",
    "://",
    "earer ",
    "earer%20",
    "earer+",
    "asic ",
    "asic%20",
    "asic+",
    "EARER ",
    "ASIC ",
    "uthorization:",
    "UTHORIZATION:",
    "ssw",
    "SSW",
    "Ssw",
    "assphrase",
    "ASSPHRASE",
    "pwd",
    "PWD",
    "Pwd",
    "ass:",
    "PASS",
    "pass=",
    "pass ",
    "oken=",
    "OKEN",
    "oken:",
    "oken\\\"",
    "ecret=",
    "ECRET",
    "ecret:",
    "ecret\\\"",
    "redential",
    "REDENTIAL",
    "pikey",
    "piKey",
    "pi_key",
    "pi-key",
    "PI_KEY",
    "piK",
    "KEY=",
    "ey=",
    "ookie",
    "ommand=",
    "--",
];

impl Masker {
    /// Masks with this key. Equal keys give equal hashes, so use one per run.
    pub fn new(key: [u8; 16]) -> Masker {
        // The kind that is built in no time: a program that reads one small file waits for it.
        let kind = Some(AhoCorasickKind::ContiguousNFA);
        Masker { key, trigger: AhoCorasick::builder().kind(kind).build(TRIGGERS).ok() }
    }

    /// Whether a text can hold anything to mask. May say yes in vain, never no.
    fn may_need_masking(&self, text: &str) -> bool {
        self.trigger.as_ref().is_none_or(|trigger| trigger.is_match(text))
    }

    /// Ranges of the credentials in a text. They may overlap.
    pub(crate) fn credentials(&self, text: &str) -> Vec<Range<usize>> {
        if !self.may_need_masking(text) && !text.contains(" -") {
            return Vec::new();
        }
        find::credentials(text)
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
        self.replace(text, self.credentials(text))
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
                ranges.extend(self.credentials(argument));
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
            let (Some(before), Some(credential)) =
                (text.get(at..range.start), text.get(range.clone()))
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

/// Whether a short text may hold anything that is masked: one look at each pair of neighbouring
/// letters, without branches, because every text of every event goes through here. May say yes in
/// vain. Each pair is a part of what [`find::credentials`] or [`uri`] look for.
pub(crate) fn is_suspicious(text: &str) -> bool {
    let bytes = beginning_stripped(text).as_bytes();
    let is_uuid = bytes.len() == 36 && bytes.get(8) == Some(&b'-') && bytes.get(23) == Some(&b'-');
    if bytes.len() < 8 || is_uuid {
        return false;
    }
    let (mut found, mut before) = (0, 0);
    for byte in bytes {
        found |= before & SECOND.of(*byte);
        before = FIRST.of(*byte);
    }
    found & !BLANK != 0 || found & BLANK != 0 && has_scheme(bytes)
}

/// The authorizer's reasons and the credentials' ids all begin alike.
fn beginning_stripped(text: &str) -> &str {
    text.strip_prefix("RBAC: ").or_else(|| text.strip_prefix("JTI=")).unwrap_or(text)
}

/// Pairs of letters, one bit each: what comes first, what comes second. Any letter alone (`=`) is a
/// pair with whatever follows.
const PAIRS: [(&[u8], &[u8]); 7] = [
    (b"=@{", ANY),
    (b":", b" \"\\'"),
    (b"dDyY", b":"),
    (b" -", b"-"),
    (b"y", b"J"),
    (b"X", b"l"),
    (b"S", b"0"),
];
/// Stands for all letters in [`PAIRS`].
const ANY: &[u8] = b"";
/// The bit of a blank, also percent-encoded, behind any letter.
const BLANK: u8 = 1 << 7;

/// Bits of each letter.
struct Letters([u8; 256]);

static FIRST: Letters = Letters::first();
static SECOND: Letters = Letters::second();

impl Letters {
    fn of(&self, byte: u8) -> u8 {
        self.0[usize::from(byte)]
    }

    const fn first() -> Letters {
        let (mut letters, mut pair) = ([BLANK; 256], 0);
        while pair < PAIRS.len() {
            letters = with(letters, PAIRS[pair].0, 1 << pair);
            pair += 1;
        }
        Letters(letters)
    }

    const fn second() -> Letters {
        let (mut letters, mut pair) = (with([0; 256], b" %+", BLANK), 0);
        while pair < PAIRS.len() {
            letters = with(letters, PAIRS[pair].1, 1 << pair);
            pair += 1;
        }
        Letters(letters)
    }
}

const fn with(mut letters: [u8; 256], these: &[u8], bit: u8) -> [u8; 256] {
    let mut at = 0;
    while at < if these.is_empty() { 256 } else { these.len() } {
        let letter = if these.is_empty() { at } else { these[at] as usize };
        letters[letter] |= bit;
        at += 1;
    }
    letters
}

/// `Bearer` or `Basic` before a blank.
fn has_scheme(bytes: &[u8]) -> bool {
    memchr::memchr3_iter(b' ', b'%', b'+', bytes).any(|at| {
        let before = bytes.get(at.saturating_sub(5)..at).unwrap_or_default();
        ends_with(before, b"earer") || ends_with(before, b"asic")
    })
}

fn ends_with(text: &[u8], end: &[u8]) -> bool {
    let from = text.len().checked_sub(end.len());
    from.and_then(|from| text.get(from..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
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
