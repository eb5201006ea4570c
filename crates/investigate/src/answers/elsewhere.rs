//! Other incidents in which a credential of this one was used.
//!
//! A reader of one report must learn of the other: a token that was in strange hands before may have
//! been taken in another way than this report says.

use super::moment;
use std::collections::{BTreeMap, BTreeSet};
use trailhound_model::{
    finding::Severity,
    incident::{Hand, Incident},
    time::Time,
    words::{list, words},
};

/// Other incidents that one names.
const MOST_OTHERS: usize = 6;

/// A use of a credential in another incident.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// First act with it there.
    first: Time,
    /// Last act with it there.
    last: Time,
    credential: String,
    incident: String,
    address: String,
}

/// For each incident the uses of its credentials in others, in order of time.
pub fn elsewhere(incidents: &[Incident]) -> Vec<Vec<Use>> {
    let mut uses: BTreeMap<&str, Vec<(&Incident, &Hand)>> = BTreeMap::new();
    for incident in incidents.iter().filter(|one| one.severity >= Severity::Medium) {
        for hand in incident.hands.iter().filter(|hand| !hand.credential.is_empty()) {
            uses.entry(&hand.credential).or_default().push((incident, hand));
        }
    }
    incidents.iter().map(|one| of(one, &uses)).collect()
}

fn of(incident: &Incident, uses: &BTreeMap<&str, Vec<(&Incident, &Hand)>>) -> Vec<Use> {
    if incident.severity < Severity::Medium {
        return Vec::new();
    }
    let own: BTreeSet<&str> = incident.hands.iter().map(|hand| hand.credential.as_str()).collect();
    let others = own.into_iter().filter_map(|credential| uses.get(credential)).flatten();
    let mut found: Vec<Use> = others
        .filter(|(other, _)| other.id != incident.id && other.cluster == incident.cluster)
        .map(|(other, hand)| Use {
            first: hand.first,
            last: hand.last,
            credential: hand.credential.clone(),
            incident: other.id.clone(),
            address: hand.address.clone(),
        })
        .collect();
    found.sort();
    found
}

impl Use {
    fn told(&self) -> String {
        let place = match self.address.as_str() {
            "" => String::new(),
            address => format!(" from {address}"),
        };
        let end = match self.last {
            last if last == self.first => String::new(),
            last => format!(" to {}", last.clock()),
        };
        format!("in {}{place} ({}{end} UTC)", self.incident, self.first.clock())
    }
}

/// Adds to what cannot be told whether these are one, and to each hop by such a credential that it was
/// in use before.
pub(super) fn tell(incident: &mut Incident, uses: &[Use]) {
    let ids: BTreeSet<&str> = uses.iter().map(|one| one.incident.as_str()).collect();
    let ids: Vec<&str> = ids.into_iter().take(MOST_OTHERS).collect();
    if ids.is_empty() {
        return;
    }
    incident.unknowns.push(format!(
        "Whether this is one with {}: the same credential was used there (see which credentials are burnt), and nothing in the log ties the two or tells them apart.",
        ids.join(", ")
    ));
    let notes: Vec<Option<String>> =
        incident.hops.iter().map(|hop| before(incident, &hop.to, uses)).collect();
    for (hop, note) in incident.hops.iter_mut().zip(notes) {
        if let Some(note) = note {
            hop.sentence = format!("{}; {note}.", hop.sentence.trim_end_matches('.'));
        }
    }
}

/// That the credential gained was already used elsewhere.
fn before(incident: &Incident, gained: &str, uses: &[Use]) -> Option<String> {
    let hand = incident.hands.iter().find(|hand| hand.entity == gained)?;
    let earlier = |one: &&Use| one.credential == hand.credential && one.first < hand.first;
    let one = uses.iter().find(earlier)?;
    Some(format!(
        "but the same credential was already used {}, so that somebody may have held it before",
        one.told()
    ))
}

/// Where else a credential was used, as a sentence.
pub(super) fn also(hand: &Hand, uses: &[Use]) -> Option<String> {
    let own: Vec<String> = uses
        .iter()
        .filter(|one| one.credential == hand.credential)
        .take(MOST_OTHERS)
        .map(Use::told)
        .collect();
    if own.is_empty() {
        return None;
    }
    Some(format!("That of {} was also used {}.", words(&hand.entity), list(&own)))
}

/// Since when a credential that came first was there to be used.
pub(super) fn cannot_precede(issued: Time) -> String {
    format!(
        "The credential of that act was issued at {}: with it nothing can have been done before.",
        moment(issued)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::incident::Hop;

    fn incident(id: &str, entity: &str, at: i64) -> Incident {
        let hand = Hand {
            entity: entity.into(),
            credential: "cred:JTI=1".into(),
            address: format!("192.0.2.{at}"),
            first: Time(at),
            last: Time(at),
            ..Hand::default()
        };
        Incident {
            id: id.into(),
            severity: Severity::High,
            hands: vec![hand],
            ..Incident::default()
        }
    }

    #[test]
    fn a_hop_says_that_its_credential_was_in_use_before() {
        let mut list = [incident("INC-1", "sa:shop/cart", 1), incident("INC-2", "sa:shop/cart", 9)];
        for one in &mut list {
            one.hops = vec![Hop {
                to: "sa:shop/cart".into(),
                sentence: "a → b: why.".into(),
                ..Hop::default()
            }];
        }
        let uses = elsewhere(&list);
        for (one, uses) in list.iter_mut().zip(&uses) {
            tell(one, uses);
        }
        assert_eq!(list[0].hops[0].sentence, "a → b: why.");
        let second = &list[1].hops[0].sentence;
        assert!(second.contains("already used in INC-1 from 192.0.2.1"), "{second}");
        assert!(list[0].unknowns[0].contains("INC-2") && list[1].unknowns[0].contains("INC-1"));
        assert!(also(&list[0].hands[0], &uses[0]).unwrap().contains("INC-2"));
    }

    #[test]
    fn clusters_and_small_matters_stay_apart() {
        let mut list = [incident("INC-1", "sa:a/b", 1), incident("INC-2", "sa:a/b", 2)];
        list[1].cluster = "other".into();
        assert!(elsewhere(&list).iter().all(Vec::is_empty));
        list[1].cluster = "".into();
        list[1].severity = Severity::Low;
        assert!(elsewhere(&list).iter().all(Vec::is_empty));
    }
}
