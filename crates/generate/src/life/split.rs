//! Which families of attacks may be looked at while detectors are tuned, and which may not.
//!
//! FROZEN: this list was made before the first learner and is not changed afterwards, whatever results
//! say. A family that is added later belongs to the development set. About 40 of 100 are held out, of
//! every theme some, so that neither set lacks a kind of attack.

use super::attack::{Family, families};

/// Families on which nothing is tuned.
pub const HELD_OUT: [&str; 29] = [
    // credentials
    "token-other-pod",
    "gitops-abuse",
    "cloud-role-elsewhere",
    "token-review-guessing",
    // recon
    "rbac-mapping",
    "defence-mapping",
    // secrets
    "secret-of-another-team",
    "secrets-by-watch",
    "volume-theft",
    // lateral movement
    "ephemeral-container",
    "node-proxy-exec",
    "log-harvest",
    // privilege escalation
    "host-path-pod",
    "control-plane-pod",
    "role-bind",
    "impersonation",
    "csr-masters",
    // persistence
    "cron-job",
    "mutating-webhook",
    "image-swap",
    // evasion
    "policy-binding-removed",
    "events-deleted",
    // impact
    "miner-deployment",
    "namespace-wipe",
    "exposed-service",
    // control plane
    "api-service-hijack",
    "coredns-edit",
    "external-addresses",
    // the frog that is boiled, of `script`
    "frog-boil",
];

/// A set of families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// To tune on.
    Development,
    /// To measure on.
    HeldOut,
    /// Both.
    All,
}

impl Set {
    /// Whether a family is in it.
    pub fn has(self, family: &str) -> bool {
        match self {
            Set::All => true,
            Set::HeldOut => HELD_OUT.contains(&family),
            Set::Development => !HELD_OUT.contains(&family),
        }
    }

    /// Its families.
    pub fn families(self) -> impl Iterator<Item = &'static Family> {
        families().filter(move |family| self.has(family.name))
    }
}
