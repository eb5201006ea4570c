//! What became of the certificates that an incident asked for or approved: whether they were signed,
//! fetched and used, as far as the log has it.
//!
//! A certificate outlives its request and cannot be revoked, so that "approved" alone leaves the
//! reader with the wrong question. At `Metadata` level only the write of the request's status is
//! seen, which is told as inferred.

use super::{Acts, Frame, moment, record};
use std::collections::BTreeSet;
use trailhound_model::{
    incident::Incident,
    observed::Surety,
    time::{MINUTE, Time},
    words::words,
};
use trailhound_twin::ledger::certificates::CertificateTrail;

/// Certificates that are told.
const MOST: usize = 6;
/// A request may have been made a little before what is known of the incident.
const BEFORE: i64 = 10 * MINUTE;

/// A certificate of an incident.
pub(super) struct Certificate<'a> {
    name: String,
    approved: bool,
    fetched: Option<Time>,
    trail: Option<&'a CertificateTrail>,
    used: Option<(Time, Vec<String>)>,
}

/// The certificates of an incident, by the names of their requests.
pub(super) fn of<'a>(incident: &Incident, acts: &Acts, frame: Frame<'a>) -> Vec<Certificate<'a>> {
    let touched = |action: &str| matches!(action, "csr.create" | "csr.approve");
    let targets: BTreeSet<&str> = acts
        .done(touched)
        .map(|(_, act)| act.target.as_str())
        .filter(|t| !t.ends_with('*'))
        .collect();
    let one = |target: &str| {
        let name = target.split_once(':').map_or(target, |(_, name)| name).to_owned();
        let trail = frame.twin.and_then(|twin| twin.ledger().certificate(&name));
        let trail = trail.filter(|trail| is_of(trail, incident));
        let signed = trail.and_then(|trail| trail.signed.as_ref()).map(|record| record.time);
        let fetched = acts
            .done(|action| action == "object.read")
            .filter(|(_, act)| act.target == target && signed.is_some_and(|at| act.last >= at))
            .map(|(_, act)| act.last)
            .last();
        let approved =
            acts.done(|action| action == "csr.approve").any(|(_, act)| act.target == target);
        Certificate { approved, fetched, used: used(trail, frame), trail, name }
    };
    targets.into_iter().take(MOST).map(one).collect()
}

/// A name may have been used again: only a request of that time is the one.
fn is_of(trail: &CertificateTrail, incident: &Incident) -> bool {
    let begun = trail.requested.as_ref().map(|hand| hand.witness.time);
    let begun = begun.or_else(|| trail.approved.as_ref().map(|hand| hand.witness.time));
    begun.is_some_and(|at| at.since(incident.first_seen) >= -BEFORE && at <= incident.last_seen)
}

fn used(trail: Option<&CertificateTrail>, frame: Frame) -> Option<(Time, Vec<String>)> {
    let fingerprint = &trail?.fingerprint;
    let life = frame.twin?.ledger().credential(fingerprint).filter(|_| !fingerprint.is_empty())?;
    let from = life.addresses().into_iter().map(ToOwned::to_owned).collect();
    Some((life.first.as_ref()?.time, from))
}

impl Certificate<'_> {
    /// Whom it names, if the log says.
    fn whom(&self) -> Option<String> {
        let name = self.trail.map(|trail| trail.common_name.as_str()).filter(|n| !n.is_empty())?;
        Some(words(&format!("user:{name}")))
    }

    /// How sure it is that it was signed.
    fn signed(&self) -> Option<(Surety, Time)> {
        let trail = self.trail?;
        let at = trail.signed.as_ref()?.time;
        match (trail.fingerprint.is_empty(), trail.common_name.is_empty()) {
            (false, _) => Some((Surety::Proved, at)),
            (true, true) => Some((Surety::Inferred, at)),
            // Contents are logged, and no certificate was in them.
            (true, false) => None,
        }
    }

    /// Whom it makes of its holder, as an entity, if it was signed.
    pub(super) fn holder(&self) -> Option<String> {
        self.signed()?;
        let name = self.trail?.common_name.as_str();
        (!name.is_empty()).then(|| match name.strip_prefix("system:node:") {
            Some(node) => format!("node:{node}"),
            None => format!("user:{name}"),
        })
    }

    fn proved(&self) -> bool {
        self.signed().is_some_and(|(surety, _)| surety == Surety::Proved)
    }

    fn named(&self) -> String {
        match self.whom() {
            Some(whom) => format!("Certificate request {} (a certificate for {whom})", self.name),
            None => format!("Certificate request {} (for whom, this log does not say)", self.name),
        }
    }

    /// What became of it.
    pub(super) fn fate(&self) -> String {
        let approved = if self.approved { "was approved" } else { "was made" };
        let signed = match self.signed() {
            Some((Surety::Proved, at)) => format!(
                "the cluster signed it at {}{}, which is proved: the log has the certificate",
                moment(at),
                self.trail.and_then(|trail| trail.signed.as_ref()).map(record).unwrap_or_default()
            ),
            Some((_, at)) => format!(
                "its status was written at {}, so that it was probably signed then (inferred: this log does not hold the answer)",
                moment(at)
            ),
            None => "whether it was signed, the log cannot tell".to_owned(),
        };
        let fetched = match self.fetched {
            Some(at) => format!(
                " The request was read again at {}, which hands out the certificate.",
                moment(at)
            ),
            None => String::new(),
        };
        let used = match (&self.used, self.signed()) {
            (Some((at, from)), _) => {
                format!(
                    " The certificate was used from {} on, from {}.",
                    moment(*at),
                    from.join(", ")
                )
            }
            (None, _) if self.proved() => " No request of this log was made with it.".to_owned(),
            _ => " Whether a certificate of it was used, the log cannot tell.".to_owned(),
        };
        let lasts = match self.signed() {
            Some(_) => {
                " A signed certificate stays valid until it expires, also when its request is deleted; Kubernetes cannot revoke it."
            }
            None => {
                " If it was signed, the certificate stays valid until it expires, also when its request is deleted."
            }
        };
        format!("{} {approved}; {signed}.{fetched}{used}{lasts}", self.named())
    }

    /// As a credential that is burnt.
    pub(super) fn burnt(&self) -> Option<String> {
        let (surety, _) = self.signed()?;
        let whom = self.whom().unwrap_or_else(|| "a name that this log does not say".to_owned());
        let how = if surety == Surety::Proved { "signed" } else { "probably signed" };
        Some(format!("A client certificate for {whom}, {how} on request {}.", self.name))
    }

    /// What to do about it: nothing that Kubernetes offers ends a certificate.
    pub(super) fn step(&self) -> Option<String> {
        let whom = self.whom()?;
        let (surety, _) = self.signed()?;
        let signed = if surety == Surety::Proved { "was signed" } else { "was probably signed" };
        Some(format!(
            "Most urgent: the client certificate of request {} {signed} and makes whoever holds it {whom}, from anywhere that reaches the API server, until it expires (see what could be reached). Kubernetes cannot revoke it. What ends it: a new certificate authority for the cluster's clients, with new certificates for all who have one of the old (on a managed cluster ask the provider to rotate it){}. Until then let no address but those of the cluster and its people reach the API server, and look at every request of {whom}.",
            self.name,
            self.stripped()
        ))
    }

    /// What else disarms it: not for Kubernetes' own components, which need their rights.
    fn stripped(&self) -> String {
        let trail = self.trail.filter(|trail| !trail.common_name.starts_with("system:"));
        let Some(trail) = trail else { return String::new() };
        let groups: Vec<String> =
            trail.organizations.iter().map(|group| format!("group {group}")).collect();
        let groups = match groups.len() {
            0 => String::new(),
            _ => format!(" and {}", trailhound_model::words::list(&groups)),
        };
        format!("; or, at once, take away what is bound to this name{groups}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::observed::Witness;

    fn certificate(trail: Option<&CertificateTrail>) -> Certificate<'_> {
        Certificate { name: "renew".into(), approved: true, fetched: None, trail, used: None }
    }

    fn trail(common_name: &str, fingerprint: &str, signed: bool) -> CertificateTrail {
        CertificateTrail {
            name: "renew".into(),
            common_name: common_name.into(),
            fingerprint: fingerprint.into(),
            signed: signed.then(Witness::default),
            ..CertificateTrail::default()
        }
    }

    #[test]
    fn that_a_certificate_was_signed_is_proved_only_by_the_certificate() {
        let told = |trail: &CertificateTrail| certificate(Some(trail)).fate();
        let with_body = told(&trail("system:admin", "X509SHA256=ab", true));
        assert!(with_body.contains("which is proved"), "{with_body}");
        let metadata = told(&trail("", "", true));
        assert!(
            metadata.contains("probably signed") && !metadata.contains("which is proved"),
            "{metadata}"
        );
        let failed = told(&trail("system:admin", "", true));
        assert!(failed.contains("whether it was signed, the log cannot tell"), "{failed}");
        let nothing = certificate(None).fate();
        assert!(nothing.contains("whether it was signed, the log cannot tell"), "{nothing}");
    }

    #[test]
    fn the_step_says_what_ends_a_certificate() {
        let control = trail("system:kube-controller-manager", "X509SHA256=ab", true);
        let step = certificate(Some(&control)).step().unwrap();
        assert!(step.contains("new certificate authority") && !step.contains("at once"), "{step}");
        let person = trail("mallory", "X509SHA256=ab", true);
        let step = certificate(Some(&person)).step().unwrap();
        assert!(step.contains("take away what is bound to this name"), "{step}");
        assert_eq!(certificate(Some(&trail("mallory", "", false))).step(), None);
    }

    #[test]
    fn only_a_certificate_that_was_signed_is_burnt() {
        let unsigned = trail("system:admin", "", false);
        assert_eq!(certificate(Some(&unsigned)).burnt(), None);
        let signed = trail("system:admin", "X509SHA256=ab", true);
        assert!(certificate(Some(&signed)).burnt().unwrap().contains("user system:admin"));
    }
}
