//! What is kept of one credential: where it came from, whom it stands for, what it is bound to, and
//! every place where it was used. Bounded per credential, because who holds one can use it anywhere.

use super::alarms::Alarm;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Str, credential::CredentialKind, event::Event, fact::Fact, observed::Witness, time::Time,
};

/// Places that are kept of a credential.
pub const MOST_PLACES: usize = 16;
/// Characters of a program's name that are kept.
const MOST_AGENT: usize = 60;

/// How one credential is told from another. Only the first is certain.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum IdentifiedBy {
    /// The API server wrote its id: no two credentials share it.
    #[default]
    #[serde(rename = "credential id")]
    CredentialId,
    /// The API server named the Secret that the token lies in.
    #[serde(rename = "secret name")]
    SecretName,
    /// The id is part of the user name (`system:bootstrap:ID`).
    #[serde(rename = "joining token id")]
    JoiningToken,
    /// The log has no id; all tokens of one pod are taken for one credential.
    #[serde(rename = "pod name")]
    PodName,
    /// The log has no id; all that one identity does at one address with one program is taken for
    /// one credential, which it need not be.
    #[serde(rename = "address and program")]
    AddressAndProgram,
}

impl IdentifiedBy {
    /// The words in JSON and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            IdentifiedBy::CredentialId => "credential id",
            IdentifiedBy::SecretName => "secret name",
            IdentifiedBy::JoiningToken => "joining token id",
            IdentifiedBy::PodName => "pod name",
            IdentifiedBy::AddressAndProgram => "address and program",
        }
    }
}

/// How a credential came into being.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IssuedHow {
    /// `serviceaccounts/token`
    #[default]
    #[serde(rename = "token request")]
    TokenRequest,
    /// A certificate signing request that was signed.
    #[serde(rename = "certificate signing request")]
    Certificate,
    /// A Secret of type service-account-token.
    #[serde(rename = "token secret")]
    Secret,
    /// A Secret `bootstrap-token-…`.
    #[serde(rename = "joining token")]
    JoiningToken,
}

/// Somebody's part in a credential: who, with what, from where, and which record says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hand {
    /// The identity that authenticated, as an entity.
    pub by: Str,
    /// As whom it acted, if as another.
    pub acting_as: Str,
    /// Id of its own credential, as [`super::Ledger`] knows it, or empty.
    pub credential: Str,
    /// Peer address.
    pub address: Str,
    /// Family of the user agent.
    pub agent: Str,
    /// Whether it is a part of the cluster itself: kubelet, control plane.
    pub machine: bool,
    /// The record.
    pub witness: Witness,
}

impl Hand {
    /// Whoever made a request.
    pub(crate) fn of(fact: &Fact) -> Hand {
        use trailhound_model::principal::PrincipalKind::{ControlPlane, Node, Provider};
        let actor = fact.principal.actor();
        let acting_as = match &fact.principal.real {
            Some(_) => fact.principal.effective.entity().into(),
            None => Str::default(),
        };
        Hand {
            by: actor.entity().into(),
            acting_as,
            credential: super::key::owned(fact).map(|(key, _)| key).unwrap_or_default(),
            address: fact.event.source_ip().into(),
            agent: agent_of(&fact.event).into(),
            machine: matches!(actor.kind, ControlPlane | Node | Provider),
            witness: Witness::of(&fact.event),
        }
    }
}

/// The program, short.
pub(crate) fn agent_of(event: &Event) -> &str {
    let family = event.agent_family();
    match family.char_indices().nth(MOST_AGENT) {
        Some((end, _)) => family.get(..end).unwrap_or_default(),
        None => family,
    }
}

/// The making of a credential.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Issue {
    /// In which way.
    pub how: IssuedHow,
    /// Who asked for it.
    pub requested: Option<Hand>,
    /// Who approved it, where that is a step of its own.
    pub approved: Option<Hand>,
    /// When it was there, and the record that says so.
    pub witness: Witness,
    /// The object that it came through: `certificatesigningrequest:NAME`, `secret:NS/NAME`.
    pub through: Str,
}

/// One address and program with which a credential was used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Peer address.
    pub address: Str,
    /// Family of the user agent: the client's own word.
    pub agent: Str,
    /// First use there.
    pub first: Witness,
    /// Last use there.
    pub last: Time,
    /// Requests from there.
    pub count: u64,
    /// Of them refused by the authorizer.
    pub refused: u64,
}

/// The life of one credential.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CredentialLife {
    /// `JTI=…`, `X509SHA256=…`, or what stands for it where the log has no id.
    pub id: Str,
    /// How it is told from others.
    pub identified_by: IdentifiedBy,
    /// What sort it is.
    pub kind: CredentialKind,
    /// Whom it stands for, as an entity.
    pub holder: Str,
    /// Namespace of the service account and pod.
    pub namespace: Str,
    /// How it came into being, if the log shows it.
    pub issue: Option<Box<Issue>>,
    /// Name of the pod that it is bound to, or empty.
    pub pod: Str,
    /// Its uid.
    pub pod_uid: Str,
    /// Node that it is bound to, or empty.
    pub node: Str,
    /// Other thing that it is bound to, `Secret NAME`, or empty.
    pub bound_to: Str,
    /// When it ends, if the log says.
    pub expires: Option<Time>,
    /// The end that the log says is only when the program should have fetched another.
    pub may_outlive: bool,
    /// First use.
    pub first: Option<Witness>,
    /// Last time that the log speaks of it.
    pub last: Time,
    /// Requests made with it.
    pub uses: u64,
    /// Requests that the API server marked as made with a token that should have been renewed.
    pub stale_uses: u64,
    /// Where it was used, in the order of first use.
    pub places: Vec<Place>,
    /// Places that were forgotten because there were too many.
    pub places_dropped: u64,
    /// What is wrong with its use.
    pub alarms: Vec<Alarm>,
}

impl CredentialLife {
    /// Whether it was made for one pod.
    pub fn is_bound_to_pod(&self) -> bool {
        !self.pod_uid.is_empty() || !self.pod.is_empty()
    }

    /// Distinct addresses, in the order of first use.
    pub fn addresses(&self) -> Vec<&str> {
        let mut known: Vec<&str> = Vec::new();
        for place in &self.places {
            if !known.contains(&place.address.as_str()) {
                known.push(&place.address);
            }
        }
        known
    }

    pub(super) fn place(&self, address: &str, agent: &str) -> Option<&Place> {
        self.places.iter().find(|place| place.address == address && place.agent == agent)
    }

    /// Counts a use; whether the place is new.
    pub(super) fn used(&mut self, fact: &Fact, agent: &str) -> bool {
        let event = &fact.event;
        self.uses += 1;
        self.last = self.last.max(event.time);
        self.first.get_or_insert_with(|| Witness::of(event));
        let refused = u64::from(fact.action.outcome == trailhound_model::action::Outcome::Denied);
        let address = event.source_ip();
        let known =
            self.places.iter_mut().find(|place| place.address == address && place.agent == agent);
        if let Some(place) = known {
            place.count += 1;
            place.refused += refused;
            place.last = place.last.max(event.time);
            return false;
        }
        self.make_room();
        // Most are used in one place only.
        if self.places.is_empty() {
            self.places.reserve_exact(1);
        }
        self.places.push(Place {
            address: address.into(),
            agent: agent.into(),
            first: Witness::of(event),
            last: event.time,
            count: 1,
            refused,
        });
        true
    }

    /// Forgets the place that was used least recently, but never the first.
    fn make_room(&mut self) {
        if self.places.len() < MOST_PLACES {
            return;
        }
        let oldest = self
            .places
            .iter()
            .enumerate()
            .skip(1)
            .min_by_key(|(_, place)| place.last)
            .map(|(at, _)| at);
        if let Some(at) = oldest {
            self.places.remove(at);
            self.places_dropped += 1;
        }
    }
}
