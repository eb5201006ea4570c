//! New names for old. A name is renamed part by part (`cart-754cc64fb6-zj5vv` → part `cart`, two
//! generated parts), each part always to the same new part. So everything that hangs together by
//! name still does: a pod and its replica set, `cart` and its secret `cart-db`, an event and its
//! object, a host name and its service.

use super::address::{self, Addresses};
use super::hash::Hash;
use super::keep;
use std::collections::{HashMap, HashSet};

/// What kind of name a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Unmistakable: more than one part, or digits in it. Renamed wherever it stands.
    Strong,
    /// A plain word that may also mean something else (`data`). Renamed where the text around it
    /// shows that a name is meant.
    Plain,
}

/// Gives new names.
#[derive(Debug)]
pub(super) struct Names {
    hash: Hash,
    known: HashMap<String, Known>,
    parts: HashMap<String, String>,
    whole: HashMap<String, String>,
    taken: HashSet<String>,
    keep: HashSet<String>,
    registries: HashMap<String, String>,
    ids: HashSet<String>,
    /// Addresses.
    pub(super) addresses: Addresses,
}

impl Names {
    /// No names yet. `tools_too` also renames what well-known tools install.
    pub(super) fn new(seed: u64, tools_too: bool) -> Names {
        let hash = Hash::new(seed);
        let tools = if tools_too { &[][..] } else { keep::TOOLS };
        Names {
            hash,
            known: HashMap::new(),
            parts: HashMap::new(),
            whole: HashMap::new(),
            taken: HashSet::new(),
            keep: keep::KUBERNETES.iter().chain(tools).map(|name| (*name).to_owned()).collect(),
            registries: HashMap::new(),
            ids: HashSet::new(),
            addresses: Addresses::new(hash),
        }
    }

    /// How many names are known.
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// How many ids were renamed.
    pub(super) fn id_count(&self) -> usize {
        self.ids.len()
    }

    /// Never rename this word (a resource, a verb, an API group of this recording).
    pub(super) fn protect(&mut self, word: &str) {
        if !self.keep.contains(word) {
            self.keep.insert(word.to_owned());
        }
    }

    /// Learns a name from a place where only names stand.
    pub(super) fn learn(&mut self, name: &str) {
        let name = name.trim_matches(['-', '.', '_']);
        if self.known.contains_key(name) || !is_name(name) {
            return;
        }
        let digits = name.bytes().any(|byte| byte.is_ascii_digit());
        let several = name.contains(['-', '.', '_']);
        let known =
            if several || (digits && name.len() >= 5) { Known::Strong } else { Known::Plain };
        self.known.insert(name.to_owned(), known);
        for part in name.split(['-', '.', '_']).filter(|part| is_generated(part)) {
            self.known.entry(part.to_owned()).or_insert(Known::Strong);
        }
    }

    /// Learns the registry of an image.
    pub(super) fn learn_image(&mut self, image: &str) {
        let Some((host, _)) = image.split_once('/') else { return };
        let own = host.contains('.') && !keep::is_public_registry(host);
        if own && !self.registries.contains_key(host) {
            let word = word_of(&mut self.hash.stream(host.as_bytes(), 1), 6);
            self.registries.insert(host.to_owned(), format!("registry.{word}.example"));
        }
    }

    /// What is known of a token; nothing if it is to be kept.
    pub(super) fn known(&self, token: &str) -> Option<Known> {
        let group = token.split_once('.').map(|(_, group)| group);
        if self.keep.contains(token) || group.is_some_and(|group| self.keep.contains(group)) {
            return None;
        }
        self.known.get(token).copied()
    }

    /// Whether this is a name, be it renamed or kept.
    pub(super) fn is_any_name(&self, token: &str) -> bool {
        self.known.contains_key(token) || self.keep.contains(token)
    }

    /// The new host of a registry of this recording.
    pub(super) fn registry(&self, host: &str) -> Option<&str> {
        self.registries.get(host).map(String::as_str)
    }

    /// The new name.
    pub(super) fn rename(&mut self, name: &str) -> String {
        if let Some(new) = self.whole.get(name) {
            return new.clone();
        }
        let new = self.rename_new(name);
        self.whole.insert(name.to_owned(), new.clone());
        new
    }

    fn rename_new(&mut self, name: &str) -> String {
        let kept = self.kept_prefix(name);
        let (prefix, rest) = name.split_at(kept);
        let mut new = prefix.to_owned();
        let (host, tail) = rest.split_once('.').map_or((rest, None), |(h, t)| (h, Some(t)));
        if let Some(old) = address::parse_host(host) {
            new.push_str("ip-");
            new.push_str(&address::join(self.addresses.map(old), "-"));
            if let Some(tail) = tail {
                new.push('.');
                new.push_str(&self.rename_parts(tail));
            }
            return new;
        }
        new.push_str(&self.rename_parts(rest));
        new
    }

    /// The longest beginning, up to a separator or the end, that is kept.
    fn kept_prefix(&self, name: &str) -> usize {
        let ends = name.char_indices().filter(|(_, c)| matches!(c, '-' | '.')).map(|(at, _)| at);
        let mut ends: Vec<usize> = ends.chain([name.len()]).collect();
        ends.reverse();
        let kept = |end: &usize| name.get(..*end).is_some_and(|part| self.keep.contains(part));
        ends.into_iter().find(kept).unwrap_or(0)
    }

    fn rename_parts(&mut self, text: &str) -> String {
        let mut new = String::with_capacity(text.len());
        let mut part = String::new();
        for c in text.chars() {
            if matches!(c, '-' | '.' | '_') {
                new.push_str(&self.part(&part));
                part.clear();
                new.push(c);
            } else {
                part.push(c);
            }
        }
        new.push_str(&self.part(&part));
        new
    }

    fn part(&mut self, old: &str) -> String {
        if let Some(new) = self.parts.get(old) {
            return new.clone();
        }
        let new = if is_kept_part(old) { old.to_owned() } else { self.fresh(old) };
        self.parts.insert(old.to_owned(), new.clone());
        new
    }

    /// A part that no other part was renamed to and that is no name of the recording.
    fn fresh(&mut self, old: &str) -> String {
        let generated = is_generated(old);
        for attempt in 0.. {
            let mut choose = self.hash.stream(old.as_bytes(), attempt);
            let new = if generated {
                alike(old, &mut choose)
            } else {
                word_of(&mut choose, old.len() + attempt as usize / 8)
            };
            if new != old && !self.known.contains_key(&new) && self.taken.insert(new.clone()) {
                return new;
            }
            if attempt > 200 {
                break;
            }
        }
        old.to_owned()
    }

    /// Another patch level for a version: versions that differ still do.
    pub(super) fn patch(&self, version: &str) -> u64 {
        self.hash.of(version.as_bytes()) % 30
    }

    /// A new id: hexadecimal digits are replaced, dashes and the version of a UUID stay.
    pub(super) fn id(&mut self, old: &str) -> String {
        let uuid = old.len() == 36;
        if !self.ids.contains(old) {
            self.ids.insert(old.to_owned());
        }
        let mut choose = self.hash.stream(old.as_bytes(), 0);
        let new = |(at, c): (usize, char)| {
            if c == '-' || uuid && (at == 14 || at == 19) {
                return c;
            }
            char::from_digit((choose() % 16) as u32, 16).unwrap_or(c)
        };
        old.chars().enumerate().map(new).collect()
    }
}

fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let legal =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(byte);
    (2..=253).contains(&bytes.len())
        && bytes.iter().all(legal)
        && bytes.iter().any(u8::is_ascii_lowercase)
        && address::parse(name).is_none()
        && !is_id(name)
        && !is_kept_part(name)
}

/// Whether a token is a UUID or a long hexadecimal number.
pub(super) fn is_id(token: &str) -> bool {
    let bytes = token.as_bytes();
    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if bytes.len() == 36 {
        return bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => hex(byte),
        });
    }
    bytes.len() >= 16
        && bytes.iter().all(hex)
        && bytes.iter().any(u8::is_ascii_digit)
        && bytes.iter().any(u8::is_ascii_lowercase)
}

/// Parts that say nothing of their own: numbers, versions, single letters, domain endings.
fn is_kept_part(part: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let version = part.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .trim_start_matches("beta")
                .trim_start_matches("alpha")
                .trim_matches(|c: char| c.is_ascii_digit())
                .is_empty()
    });
    part.len() < 2 || digits(part) || version || keep::PARTS.contains(&part)
}

/// Whether a part was made by a machine: letters and digits mixed, or five letters out of the
/// alphabet that Kubernetes uses for random suffixes (it has no vowels).
fn is_generated(part: &str) -> bool {
    let digits = part.bytes().any(|byte| byte.is_ascii_digit());
    let letters = part.bytes().any(|byte| byte.is_ascii_lowercase());
    let random = part.len() == 5 && part.bytes().all(|byte| SAFE_LETTERS.contains(&byte));
    (digits && letters && part.len() >= 4 && !is_kept_part(part)) || random
}

const SAFE_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz";
const SAFE_DIGITS: &[u8] = b"2456789";

/// Another machine-made part of the same length, alphabet and pattern.
fn alike(old: &str, choose: &mut impl FnMut() -> u64) -> String {
    let bytes = old.as_bytes();
    let safe = bytes.iter().all(|byte| SAFE_LETTERS.contains(byte) || SAFE_DIGITS.contains(byte));
    let hex = bytes.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let (letters, digits): (&[u8], &[u8]) = if safe {
        (SAFE_LETTERS, SAFE_DIGITS)
    } else if hex {
        (b"abcdef", b"0123456789")
    } else {
        (b"abcdefghijklmnopqrstuvwxyz", b"234567")
    };
    let mut pick = |from: &[u8]| {
        let at = (choose() % from.len().max(1) as u64) as usize;
        from.get(at).copied().map_or('x', char::from)
    };
    bytes.iter().map(|byte| pick(if byte.is_ascii_digit() { digits } else { letters })).collect()
}

/// A pronounceable word that no dictionary has.
fn word_of(choose: &mut impl FnMut() -> u64, length: usize) -> String {
    const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
    const VOWELS: &[u8] = b"aeiou";
    let length = length.clamp(4, 12);
    (0..length)
        .map(|at| {
            let from = if at % 2 == 0 { CONSONANTS } else { VOWELS };
            let index = (choose() % from.len() as u64) as usize;
            from.get(index).copied().map_or('x', char::from)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::new(1, false);
        for name in [
            "cart",
            "cart-754cc64fb6",
            "cart-754cc64fb6-zj5vv",
            "cart-db",
            "data",
            "coredns-6c97bdbf9b-8f67v",
            "ip-10-0-1-11.ec2.internal",
            "default",
        ] {
            names.learn(name);
        }
        names
    }

    #[test]
    fn names_that_hang_together_still_do() {
        let mut names = names();
        let cart = names.rename("cart");
        let set = names.rename("cart-754cc64fb6");
        let pod = names.rename("cart-754cc64fb6-zj5vv");
        assert_ne!(cart, "cart");
        assert!(
            set.starts_with(&format!("{cart}-")) && pod.starts_with(&format!("{set}-")),
            "{pod}"
        );
        assert_eq!(pod.len(), "cart-754cc64fb6-zj5vv".len());
        assert!(names.rename("cart-db").starts_with(&format!("{cart}-")));
    }

    #[test]
    fn what_kubernetes_names_is_kept_also_at_the_beginning() {
        let mut names = names();
        assert_eq!(names.known("default"), None);
        let dns = names.rename("coredns-6c97bdbf9b-8f67v");
        assert!(dns.starts_with("coredns-") && dns != "coredns-6c97bdbf9b-8f67v", "{dns}");
    }

    #[test]
    fn a_plain_word_is_told_from_an_unmistakable_name() {
        let names = names();
        assert_eq!(names.known("data"), Some(Known::Plain));
        assert_eq!(names.known("cart-db"), Some(Known::Strong));
        assert_eq!(names.known("754cc64fb6"), Some(Known::Strong), "pod-template-hash");
        assert_eq!(names.known("metadata"), None);
    }

    #[test]
    fn machine_names_follow_their_addresses() {
        let mut names = names();
        let machine = names.rename("ip-10-0-1-11.ec2.internal");
        let address = address::join(names.addresses.map([10, 0, 1, 11]), "-");
        assert_eq!(machine, format!("ip-{address}.ec2.internal"));
    }

    #[test]
    fn ids_keep_their_form_and_differ() {
        let mut names = names();
        let old = "930b0068-c0df-497c-b0c5-c1fa76aec71f";
        let new = names.id(old);
        assert!(is_id(&new) && new != old && new == names.id(old), "{new}");
        assert_eq!((new.len(), &new[14..15], &new[19..20]), (36, "4", "b"));
        assert!(!is_id("2026-11-23T11:17:13"));
        assert!(!is_id("1234567890"));
    }

    #[test]
    fn no_two_parts_get_the_same_new_part() {
        let mut names = Names::new(3, false);
        let mut seen = HashSet::new();
        for index in 0..5000u32 {
            let old = format!("a{index:04x}");
            assert!(seen.insert(names.rename(&old)), "{old}");
        }
    }

    #[test]
    fn tools_are_renamed_only_on_request() {
        assert_eq!(Names::new(1, false).rename("cert-manager"), "cert-manager");
        assert_ne!(Names::new(1, true).rename("cert-manager"), "cert-manager");
    }
}
