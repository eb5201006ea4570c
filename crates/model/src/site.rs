//! What the people of a site said beforehand about their own cluster, as far as an answer has to
//! tell it: which entry of theirs spoke about a finding, and how often each entry was used. An
//! exception that nobody sees is a hole, so every use of one stands in the answer.

use serde::{Deserialize, Serialize};

/// What an entry of the site did to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SiteEffect {
    /// The actor was expected to do this: the finding is for information only.
    Expected,
    /// The rule was suppressed for this: the finding is for information only.
    Suppressed,
    /// It happened in a declared window of emergency access: one step milder, never hidden.
    BreakGlass,
    /// The entry speaks of it, but a critical finding is lowered only by an entry that names its rule.
    Kept,
    /// The entry would have spoken of it, but it had ended.
    Expired,
}

impl SiteEffect {
    /// The name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            SiteEffect::Expected => "expected",
            SiteEffect::Suppressed => "suppressed",
            SiteEffect::BreakGlass => "break-glass",
            SiteEffect::Kept => "kept",
            SiteEffect::Expired => "expired",
        }
    }

    /// Whether the finding makes no incident.
    pub fn silences(self) -> bool {
        matches!(self, SiteEffect::Expected | SiteEffect::Suppressed)
    }
}

/// An entry of the site that speaks of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteNote {
    /// Which entry: `site.yaml, expected 2`.
    pub entry: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it is there.
    pub reason: String,
    /// Until when it holds, as the site wrote it.
    pub expires: String,
    /// What it did.
    pub effect: SiteEffect,
}

impl SiteNote {
    /// The note as a sentence.
    pub fn sentence(&self) -> String {
        let SiteNote { entry, owner, reason, expires, effect } = self;
        let reason = reason.trim().trim_end_matches('.');
        match effect {
            SiteEffect::Expected => {
                format!("Expected by the site: {reason}, owner {owner}, until {expires}.")
            }
            SiteEffect::Suppressed => {
                format!("Suppressed by the site: {reason}, owner {owner}, until {expires}.")
            }
            SiteEffect::BreakGlass => {
                format!("Break-glass used, by {owner}: {reason} (window until {expires}).")
            }
            SiteEffect::Kept => format!(
                "The site expects this ({entry}: {reason}, owner {owner}), but only an entry that names the rule lowers a critical finding."
            ),
            SiteEffect::Expired => format!(
                "The site expected this until {expires} ({entry}: {reason}, owner {owner}); that entry has expired."
            ),
        }
    }
}

/// An entry of the site and what it did in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteEntry {
    /// Which entry: `site.yaml, expected 2`.
    pub entry: String,
    /// `expected`, `suppress` or `break-glass`.
    pub kind: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it is there.
    pub reason: String,
    /// Until when it holds, as the site wrote it.
    pub expires: String,
    /// Findings that it lowered.
    pub findings: u64,
    /// Records of those findings.
    pub records: u64,
    /// Findings that it would have lowered, had it not expired or been too wide for a critical one.
    pub not_lowered: u64,
    /// Of those, findings after its end.
    pub expired: u64,
}
