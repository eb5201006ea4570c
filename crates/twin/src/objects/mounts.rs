//! Accounts of pods whose bodies and token uses the log does not show: before a kubelet starts a pod
//! it asks for a token of the pod's account.
//!
//! Without bodies such a request names account and node, not the pod. If a node asked for tokens of
//! only one account in a namespace shortly before it first wrote a pod's status, the pod is likely of
//! that account. A pod that mounts no token makes this wrong, so it is never more than inferred.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use trailhound_model::{
    Str,
    time::{SECOND, Time},
};

/// How long before the status a token may have been asked for.
const LATELY: i64 = 5 * SECOND;
/// Requests that are remembered of one node and namespace.
const MOST_REQUESTS: usize = 16;
/// Places that are remembered; then all are forgotten, because only the last seconds matter.
const MOST_PLACES: usize = 20_000;

/// Tokens that nodes asked for lately.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Mounts {
    asked: BTreeMap<Str, BTreeMap<Str, VecDeque<(Time, Str)>>>,
    places: usize,
}

impl Mounts {
    pub(super) fn asked(&mut self, node: &str, namespace: &str, account: &str, time: Time) {
        if self.places >= MOST_PLACES {
            *self = Mounts::default();
        }
        let namespaces = self.asked.entry(node.into()).or_default();
        if !namespaces.contains_key(namespace) {
            self.places += 1;
        }
        let requests = namespaces.entry(namespace.into()).or_default();
        if requests.len() >= MOST_REQUESTS {
            requests.pop_front();
        }
        requests.push_back((time, account.into()));
    }

    /// The only account of which tokens were asked for lately.
    pub(super) fn account(&self, node: &str, namespace: &str, time: Time) -> Option<&Str> {
        let requests = self.asked.get(node)?.get(namespace)?;
        let is_late = |(asked, _): &&(Time, Str)| (0..=LATELY).contains(&time.since(*asked));
        let mut accounts = requests.iter().filter(is_late).map(|(_, account)| account);
        let first = accounts.next()?;
        accounts.all(|account| account == first).then_some(first)
    }
}
