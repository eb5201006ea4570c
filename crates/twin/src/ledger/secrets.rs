//! Who could have taken a token out of a Secret: everybody who read or listed it before.

use super::life::Hand;
use serde::{Deserialize, Serialize};
use trailhound_model::{Map, Str, action::ActionKind, fact::Fact, time::Time};

/// Secrets and namespaces of which readers are kept.
const MOST_TRAILS: usize = 20_000;
/// Readers that are kept of each.
const MOST_READERS: usize = 16;

/// Somebody who read a secret, or all of a namespace or of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reader {
    /// Who, at the first time.
    pub hand: Hand,
    /// The last time.
    pub last: Time,
    /// How often.
    pub count: u64,
    /// It was a list or watch: this secret was among others.
    pub in_bulk: bool,
}

/// Readers and writers of secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Secrets {
    /// By `namespace/name`, by `namespace/` for lists, by `/` for lists of all namespaces.
    readers: Map<Str, Vec<Reader>>,
    writers: Map<Str, Hand>,
    /// Readers that were not taken in because there were too many.
    pub(super) dropped: u64,
}

impl Secrets {
    /// A request about secrets that succeeded.
    pub(super) fn observe(&mut self, fact: &Fact) {
        // Kubelets and controllers read secrets all day, for those who mount them.
        let hand = Hand::of(fact);
        let name = fact.object_name();
        let namespace = fact.event.namespace();
        match fact.action.kind {
            ActionKind::SecretRead if !hand.machine => self.read(namespace, name, hand, false),
            ActionKind::SecretList | ActionKind::SecretWatch if !hand.machine => {
                self.read(namespace, "", hand, true);
            }
            ActionKind::SecretWrite if fact.event.verb == "create" && !name.is_empty() => {
                self.written(namespace, name, hand);
            }
            _ => {}
        }
    }

    fn read(&mut self, namespace: &str, name: &str, hand: Hand, in_bulk: bool) {
        let key: Str = format!("{namespace}/{name}").into();
        if self.readers.len() >= MOST_TRAILS && !self.readers.contains_key(&key) {
            self.dropped += 1;
            return;
        }
        let readers = self.readers.entry(key).or_default();
        let time = hand.witness.time;
        let same = |one: &&mut Reader| one.hand.by == hand.by && one.hand.address == hand.address;
        if let Some(reader) = readers.iter_mut().find(same) {
            reader.last = reader.last.max(time);
            reader.count += 1;
        } else if readers.len() < MOST_READERS {
            readers.push(Reader { hand, last: time, count: 1, in_bulk });
        } else {
            self.dropped += 1;
        }
    }

    fn written(&mut self, namespace: &str, name: &str, hand: Hand) {
        if self.writers.len() >= MOST_TRAILS {
            self.dropped += 1;
            return;
        }
        self.writers.insert(format!("{namespace}/{name}").into(), hand);
    }

    /// Who created a secret.
    pub(super) fn creator(&self, namespace: &str, name: &str) -> Option<&Hand> {
        self.writers.get(format!("{namespace}/{name}").as_str())
    }

    /// Who saw what is in a secret: by name first, then in lists.
    pub(super) fn readers(&self, namespace: &str, name: &str) -> Vec<&Reader> {
        let keys = [format!("{namespace}/{name}"), format!("{namespace}/"), "/".to_owned()];
        keys.iter().filter_map(|key| self.readers.get(key.as_str())).flatten().collect()
    }
}

/// A Secret that holds a credential, with all that the log says of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SecretTrail {
    /// Namespace.
    pub namespace: Str,
    /// Name.
    pub name: Str,
    /// Who created it, if the log shows it.
    pub created: Option<Hand>,
    /// Who read it, or listed what it is among.
    pub readers: Vec<Reader>,
}
