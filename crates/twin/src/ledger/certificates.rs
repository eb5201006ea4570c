//! Certificate signing requests from the asking to the signing, so that a certificate in use can be
//! led back to who asked for it and who approved it.

use super::life::Hand;
use serde::{Deserialize, Serialize};
use trailhound_model::{
    Map, Str,
    action::ActionKind,
    fact::Fact,
    observed::{Said, State, Witness},
    time::Time,
};

/// Requests that are remembered.
const MOST_REQUESTS: usize = 20_000;

/// One request for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificateTrail {
    /// Name of the request.
    pub name: Str,
    /// Who asked.
    pub requested: Option<Hand>,
    /// Who approved.
    pub approved: Option<Hand>,
    /// When it was signed, if the log shows it.
    pub signed: Option<Witness>,
    /// The user that the certificate names, where bodies are logged.
    pub common_name: Str,
    /// The groups that it names.
    pub organizations: Vec<Str>,
    /// `X509SHA256=…`, where bodies are logged.
    pub fingerprint: Str,
    /// Last time that the log speaks of it.
    pub last: Time,
}

/// All requests, by name: one that is made again replaces the old one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Certificates {
    requests: Map<Str, CertificateTrail>,
    /// Requests forgotten because there were too many.
    pub(super) forgotten: u64,
}

impl Certificates {
    /// A request about certificates that succeeded; gives back the one that was signed just now.
    pub(super) fn observe(&mut self, fact: &Fact) -> Option<&CertificateTrail> {
        let told = fact.observed.iter().flat_map(|observed| &observed.objects).last();
        let from_body = told.map_or("", |one| one.name.as_str());
        let name = Some(fact.object_name()).filter(|name| !name.is_empty()).unwrap_or(from_body);
        if name.is_empty() {
            return None;
        }
        let kind = fact.action.kind;
        if kind == ActionKind::CsrCreate {
            self.requests.remove(name);
        }
        self.make_room();
        let trail = self.requests.entry(name.into()).or_default();
        trail.name = name.into();
        trail.last = fact.event.time;
        match kind {
            ActionKind::CsrCreate => trail.requested = Some(Hand::of(fact)),
            ActionKind::CsrApprove => trail.approved = Some(Hand::of(fact)),
            ActionKind::CsrSign => trail.signed = Some(Witness::of(&fact.event)),
            _ => {}
        }
        let one = told?;
        let State::Certificate { common_name, organizations, fingerprint, .. } = &one.state else {
            return None;
        };
        // Whoever asks may write any certificate into his request, which the API server ignores.
        let is_real = one.said != Said::Asked || kind == ActionKind::CsrSign;
        let fingerprint = if is_real { fingerprint.as_str() } else { "" };
        if !common_name.is_empty() {
            trail.common_name.clone_from(common_name);
            trail.organizations.clone_from(organizations);
        }
        let signed_now = trail.fingerprint.is_empty() && !fingerprint.is_empty();
        if !fingerprint.is_empty() {
            trail.fingerprint = fingerprint.into();
        }
        signed_now.then_some(trail)
    }

    /// The latest request of a name.
    pub(super) fn named(&self, name: &str) -> Option<&CertificateTrail> {
        self.requests.get(name)
    }

    fn make_room(&mut self) {
        if self.requests.len() < MOST_REQUESTS {
            return;
        }
        let mut ages: Vec<(Time, Str)> =
            self.requests.iter().map(|(name, one)| (one.last, name.clone())).collect();
        ages.sort_unstable();
        for (_, name) in ages.into_iter().take(MOST_REQUESTS / 10) {
            self.requests.remove(&name);
            self.forgotten += 1;
        }
    }

    /// Requests that were approved or signed before a time and may have given a certificate for a user,
    /// latest first.
    pub(super) fn before(&self, time: Time, user: &str) -> Vec<&CertificateTrail> {
        let fits = |one: &&CertificateTrail| {
            one.approved.as_ref().is_some_and(|hand| hand.witness.time <= time)
                && (one.common_name.is_empty() || one.common_name == user)
                && one.fingerprint.is_empty()
        };
        let mut found: Vec<&CertificateTrail> = self.requests.values().filter(fits).collect();
        found.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.name.cmp(&b.name)));
        found
    }
}
