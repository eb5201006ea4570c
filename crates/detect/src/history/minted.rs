//! Tokens that somebody had issued by hand or by a program, and where: their use elsewhere says
//! that they were carried away.
//!
//! Kubelets and the control plane issue tokens for pods all day; those are bound and are judged by
//! the networks of the pods, so they take no room here.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use trailhound_model::{
    Map, Str,
    action::{ActionKind, Outcome},
    fact::Fact,
    lookup::Truth,
    principal::PrincipalKind,
};

/// Tokens that are remembered; beyond this the oldest is forgotten.
const MOST: usize = 20_000;

/// The tokens, by credential id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Minted {
    address: Map<Str, Str>,
    order: VecDeque<Str>,
}

impl Minted {
    pub(super) fn observe(&mut self, fact: &Fact) {
        if fact.action.kind != ActionKind::TokenMint || fact.action.outcome != Outcome::Allowed {
            return;
        }
        let kind = fact.principal.actor().kind;
        let issued = fact.event.annotation("authentication.kubernetes.io/issued-credential-id");
        let (false, Some(id)) =
            (matches!(kind, PrincipalKind::Node | PrincipalKind::ControlPlane), issued)
        else {
            return;
        };
        while self.order.len() >= MOST {
            let oldest = self.order.pop_front();
            oldest.and_then(|id| self.address.remove(&id));
        }
        if self.address.insert(id.into(), fact.event.source_ip().into()).is_none() {
            self.order.push_back(id.into());
        }
    }

    pub(super) fn used_elsewhere(&self, fact: &Fact) -> Truth {
        let address = self.address.get(fact.credential.id.as_str());
        address.map_or(Truth::Unknown, |address| {
            (*address != fact.event.source_ip() && !address.is_empty()).into()
        })
    }
}
