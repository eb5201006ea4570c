//! How hands and their acts are said: the credential short enough for a picture, the act without
//! repeating who did it, and how sure an answer is.

use super::{counted, named, number, sureness};
use crate::sanitize;
use trailhound_model::incident::{Act, Hand, Incident};

/// Characters of a credential's id that tell it from others.
const CREDENTIAL: usize = 8;

/// `token 874900a6…`, `certificate 36d8c0fe…`; empty if the log does not say.
pub(crate) fn credential(entity: &str) -> String {
    let id = entity.strip_prefix("cred:").unwrap_or(entity);
    let (sort, id) = match id.split_once('=') {
        Some(("JTI", id)) => ("token", id),
        Some(("X509SHA256", id)) => ("certificate", id),
        _ => ("credential", id),
    };
    let id = sanitize::prose(id);
    match id.chars().nth(CREDENTIAL) {
        _ if id.is_empty() => String::new(),
        None => format!("{sort} {id}"),
        Some(_) => format!("{sort} {}…", id.chars().take(CREDENTIAL).collect::<String>()),
    }
}

/// `user bob, certificate 36d8c0fe…, from 91.240.118.172`
pub(crate) fn hand(hand: &Hand) -> String {
    let mut parts = vec![named(&hand.entity), credential(&hand.credential)];
    let address = hand.address.strip_prefix("ip:").unwrap_or(&hand.address);
    if !address.is_empty() {
        parts.push(format!("from {address}"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// The deed for a picture, in which code has no face of its own.
pub(crate) fn plain_deed(hand: &Hand, act: &Act) -> String {
    deed(hand, act).replace('`', "")
}

/// The sentence of an act of this hand without the hand, with how often and what came of it.
pub(crate) fn deed(hand: &Hand, act: &Act) -> String {
    let sentence = sanitize::prose(&act.sentence);
    let sentence = sentence.strip_suffix('.').unwrap_or(&sentence);
    let mut text = match sentence {
        "" => format!("{} {}", act.action, named(&act.target)),
        told => capital(without_subject(told, &hand.entity)),
    };
    if act.count > 1 && !text.contains(&number(act.count as f64)) {
        text.push_str(", ");
        text.push_str(&counted(act.count, "time"));
    }
    // A sentence says what came of it in its own words.
    if sentence.is_empty() && !matches!(act.outcome.as_str(), "" | "allowed") {
        text.push_str(": ");
        text.push_str(&act.outcome);
    }
    text
}

fn without_subject<'a>(sentence: &'a str, entity: &str) -> &'a str {
    let who = named(entity);
    let bare = super::entity(entity).1;
    for subject in [who.as_str(), bare] {
        let Some(start) = sentence.get(..subject.len()) else { continue };
        let rest = sentence.get(subject.len()..).unwrap_or_default();
        if !subject.is_empty() && start.eq_ignore_ascii_case(subject) && rest.starts_with(' ') {
            return rest.trim_start();
        }
    }
    sentence
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}

/// Only what is said to be proved or inferred is; everything else is unknown.
pub(crate) fn surety(name: &str) -> &'static str {
    match name {
        "proved" => "proved",
        "inferred" => "inferred",
        _ => "unknown",
    }
}

/// Why acts of two hands belong together, each pair of hands once with its surest cause: from, to,
/// kind, confidence, sentence. What is only said as a hop is found by the names of the hands.
pub(crate) fn bridges(one: &Incident) -> Vec<Bridge<'_>> {
    let mut bridges: Vec<Bridge> = Vec::new();
    for cause in &one.causes {
        let (from, to) = (cause.from.0, cause.to.0);
        if from == to || from.max(to) >= one.hands.len() {
            continue;
        }
        let new = Bridge {
            from,
            to,
            kind: &cause.kind,
            confidence: cause.confidence,
            sentence: &cause.sentence,
        };
        match bridges.iter_mut().find(|old| (old.from, old.to) == (from, to)) {
            Some(old) if old.confidence < new.confidence => *old = new,
            Some(_) => {}
            None => bridges.push(new),
        }
    }
    let place = |entity: &str| one.hands.iter().position(|hand| hand.entity == entity);
    for hop in &one.hops {
        let (Some(from), Some(to)) = (place(&hop.from), place(&hop.to)) else { continue };
        let names = |bridge: &Bridge| {
            let name = |place: usize| one.hands.get(place).map(|hand| hand.entity.as_str());
            name(bridge.from) == Some(&hop.from) && name(bridge.to) == Some(&hop.to)
        };
        if from != to && !bridges.iter().any(names) {
            let (kind, sentence) = (&hop.kind, &hop.sentence);
            bridges.push(Bridge { from, to, kind, confidence: hop.confidence, sentence });
        }
    }
    bridges
}

/// What leads from one hand to another.
pub(crate) struct Bridge<'a> {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) kind: &'a str,
    pub(crate) confidence: f64,
    pub(crate) sentence: &'a str,
}

impl Bridge<'_> {
    /// Whether it is not as good as proved.
    pub(crate) fn is_inferred(&self) -> bool {
        sureness(self.confidence) != sureness(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_short_and_keep_their_sort() {
        for (entity, text) in [
            ("cred:JTI=874900a6-0d3b-4c1e", "token 874900a6…"),
            ("cred:X509SHA256=36d8", "certificate 36d8"),
            ("cred:something", "credential somethin…"),
            ("", ""),
        ] {
            assert_eq!(credential(entity), text);
        }
    }

    #[test]
    fn an_act_is_told_without_its_hand() {
        let hand = Hand { entity: "sa:shop/cart".into(), ..Hand::default() };
        let mut act = Act {
            sentence: "Service account shop/cart listed secrets in namespace data.".into(),
            count: 3,
            ..Act::default()
        };
        assert_eq!(deed(&hand, &act), "Listed secrets in namespace data, 3 times");
        act = Act { action: "secret.list".into(), target: "secret:*".into(), ..Act::default() };
        act.outcome = "denied".into();
        assert_eq!(deed(&hand, &act), "secret.list every secret: denied");
    }
}
