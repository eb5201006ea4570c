//! Keys of what facts repeat: the hand, its credential, the rights that allowed it.
//!
//! The same pod with the same token and the same permission makes most requests of a log; hashing its
//! names anew for each was most of what following it cost. A cache and no part of the state.

use super::{
    hands::{self, Key},
    keys,
};
use std::fmt;
use trailhound_model::{
    Memo, Shared, Str,
    action::ActionKind,
    credential::{Credential, CredentialKind},
    event::{Event, User},
    fact::Fact,
    principal::Principal,
};

/// Hands that are remembered; a newcomer replaces whoever has its place.
const PLACES: usize = 1024;

/// What a hand is known by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub(super) hand: Key,
    /// Of its credential's id.
    pub(super) credential: Option<Key>,
    /// Of the pod that its token is bound to.
    pub(super) pod: Option<Key>,
    /// Of the user that its certificate names.
    pub(super) name: Option<Key>,
}

impl Keys {
    fn of(fact: &Fact) -> Keys {
        let credential = &fact.credential;
        let (id, kind) = (&credential.id, credential.kind);
        let namespace = &fact.principal.actor().namespace;
        Keys {
            hand: hands::hand_of(fact),
            credential: (!id.is_empty()).then(|| keys::credential_key(id)),
            pod: (kind == CredentialKind::PodToken)
                .then(|| keys::pod_key(namespace, &credential.pod)),
            name: (kind == CredentialKind::X509).then(|| keys::name_key(&fact.event.user.name)),
        }
    }
}

/// All that the keys follow from: holding it keeps its place in memory its own.
struct Known {
    user: Shared<User>,
    agent: Shared<Str>,
    addresses: Shared<Vec<Str>>,
    principal: Shared<Principal>,
    credential: Shared<Credential>,
    keys: Keys,
}

impl Known {
    fn of(fact: &Fact) -> Known {
        let Event { user, user_agent, source_ips, .. } = &fact.event;
        Known {
            user: user.clone(),
            agent: user_agent.clone(),
            addresses: source_ips.clone(),
            principal: fact.principal.clone(),
            credential: fact.credential.clone(),
            keys: Keys::of(fact),
        }
    }

    fn is_of(&self, fact: &Fact) -> bool {
        let event = &fact.event;
        self.user.is_same(&event.user)
            && self.agent.is_same(&event.user_agent)
            && self.addresses.is_same(&event.source_ips)
            && self.principal.is_same(&fact.principal)
            && self.credential.is_same(&fact.credential)
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Recall {
    hands: Vec<Option<Known>>,
    rights: Memo<Vec<(Str, Str)>, [Option<Key>; 2]>,
}

impl Recall {
    /// The keys of a fact's hand.
    pub(super) fn keys(&mut self, fact: &Fact) -> Keys {
        let event = &fact.event;
        // Who acts as another is a hand of its own, and seldom the same twice.
        if event.impersonated.is_some() || fact.action.kind == ActionKind::IdentityImpersonate {
            return Keys::of(fact);
        }
        if self.hands.is_empty() {
            self.hands.resize_with(PLACES, || None);
        }
        let both = (event.user.place() >> 4)
            ^ (event.user_agent.place() << 12)
            ^ (event.source_ips.place() << 24);
        let at = both.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let Some(place) = self.hands.get_mut(at % PLACES) else { return Keys::of(fact) };
        match place {
            Some(known) if known.is_of(fact) => known.keys,
            _ => place.insert(Known::of(fact)).keys,
        }
    }

    /// The binding and the role that allowed it.
    pub(super) fn rights(&mut self, event: &Event) -> [Option<Key>; 2] {
        self.rights.get(&event.annotations, || keys::rights(event))
    }
}

impl Clone for Recall {
    /// A copy begins anew.
    fn clone(&self) -> Recall {
        Recall::default()
    }
}

impl fmt::Debug for Recall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recall")
    }
}
