//! Every edge by which two findings may belong together, with the reason for its limits.

use serde::{Deserialize, Serialize};
use trailhound_model::{
    finding::{Finding, Severity, Touch, TouchRole},
    time::{HOUR, MINUTE, SECOND, Time},
};

/// Power that was given may be used long after: a token lives for hours, a grant for ever.
const POWER_LASTS: i64 = 24 * HOUR;
/// Acts on the same object belong together for as long as an intruder works on one thing.
const OBJECT_LASTS: i64 = HOUR;
/// A person at an address that is not his usual one: after a longer pause than this it is not
/// clear any more that it is one piece of work, and unrelated things must not be glued.
const SESSION_PAUSE: i64 = 15 * SECOND;
/// The same thing done again by the same actor.
const REPEAT_PAUSE: i64 = 5 * MINUTE;

/// Why two findings are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Joint {
    /// A pod was entered or created, then its token was used.
    Pod,
    /// A token was issued, then used.
    Token,
    /// A certificate was signed, then its name acted.
    Certificate,
    /// Rights were granted, then used.
    Grant,
    /// An account's secret was taken, then the account acted.
    Account,
    /// An identity was acted as.
    Impersonation,
    /// The same object.
    Object,
    /// The same token from the same place.
    Credential,
    /// The same person at the same unusual address, in one piece of work.
    Session,
    /// Something was asked for whose name the log does not have, and what is used was never seen
    /// before: it can be no other.
    Supposed,
    /// The same actor doing the same thing again.
    Repeat,
}

impl Joint {
    /// The hop kind in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Joint::Pod => "exec",
            Joint::Token => "token",
            Joint::Certificate => "csr",
            Joint::Grant => "grant",
            Joint::Account => "secret",
            Joint::Impersonation => "impersonate",
            Joint::Object => "object",
            Joint::Credential => "credential",
            Joint::Session => "session",
            Joint::Supposed => "supposed",
            Joint::Repeat => "repeat",
        }
    }

    /// Why two acts belong together, in a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Joint::Pod => "The credential of a pod that was made or entered was used.",
            Joint::Token => "The token that was issued was used.",
            Joint::Certificate => "The certificate that was asked for was used.",
            Joint::Grant => "The rights that were given were used.",
            Joint::Account => "The credential in the secret was used.",
            Joint::Impersonation => "It acted as that identity.",
            Joint::Object => "It worked on the same object.",
            Joint::Credential => "The same credential at the same address went on.",
            Joint::Session => "The same hand went on in the same piece of work.",
            Joint::Supposed => {
                "What was asked for shortly before is not named in the log; what is used here had never been seen, and nothing else that is known can be it."
            }
            Joint::Repeat => "The same was done again.",
        }
    }

    /// How sure it is that the two belong together.
    pub fn confidence(self) -> f64 {
        match self {
            Joint::Token | Joint::Impersonation => 0.98,
            Joint::Pod | Joint::Grant | Joint::Certificate => 0.9,
            Joint::Credential | Joint::Object => 0.8,
            Joint::Account => 0.75,
            Joint::Session | Joint::Supposed => 0.6,
            Joint::Repeat => 0.5,
        }
    }
}

/// How much an edge may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Used only if nothing else links the finding, and then only to the nearest in time.
    Weak,
    /// Used only if no cause links the finding, and then only to the nearest in time.
    Middling,
    /// A cause: all of them are followed, and incidents that it connects become one.
    Cause,
}

/// A link to an earlier finding.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Place of the earlier finding.
    pub from: usize,
    /// Why.
    pub joint: Joint,
    /// How much it may do.
    pub strength: Strength,
    /// When the earlier finding last showed it.
    pub time: Time,
}

/// A question to the past: which findings left this key?
pub struct Probe {
    /// The key.
    pub key: String,
    /// How long ago at most, in microseconds.
    pub within: i64,
    /// Why that would be a link.
    pub joint: Joint,
    /// How much it may do.
    pub strength: Strength,
}

impl Probe {
    fn new(key: String, within: i64, joint: Joint, strength: Strength) -> Probe {
        Probe { key, within, joint, strength }
    }

    /// Conditions that are not in the key.
    pub fn allows(&self, earlier: &Finding, later: &Finding) -> bool {
        match self.joint {
            // Two people may look at one object; one who wrote it made what the other found.
            Joint::Object => same_actor(earlier, later) || writes(earlier),
            // Whoever could do it before has not got the power from the grant.
            Joint::Grant => later.done_since.is_none_or(|since| since >= earlier.time),
            _ => true,
        }
    }
}

/// Whether a finding may lead others together. One of low severity is mostly routine (an
/// administrator's grants, a tool's deployments): it is told where it belongs, but joins nothing.
pub fn joins(finding: &Finding) -> bool {
    finding.severity >= Severity::Medium
}

/// Which links are followed: all causes, else the nearest of the strongest sort.
pub fn choose(mut links: Vec<Link>) -> Vec<Link> {
    let Some(strongest) = links.iter().map(|link| link.strength).max() else { return links };
    links.retain(|link| link.strength == strongest);
    links.sort_by_key(|link| (std::cmp::Reverse(link.time), std::cmp::Reverse(link.from)));
    if strongest != Strength::Cause {
        links.truncate(1);
    }
    links.sort_by_key(|link| (link.from, link.joint));
    links.dedup_by_key(|link| link.from);
    links
}

/// The keys that a finding leaves for later ones.
pub fn leaves(finding: &Finding) -> Vec<String> {
    let mut keys: Vec<String> = finding
        .touches
        .iter()
        .filter_map(|touch| match touch.role {
            TouchRole::Enables => Some(format!("enables {}", touch.entity)),
            TouchRole::Target if is_joinable(&touch.entity) => {
                Some(format!("object {}", touch.entity))
            }
            _ => None,
        })
        .collect();
    keys.extend(session_keys(finding));
    keys
}

/// The keys that a finding renews with each record.
pub fn session_keys(finding: &Finding) -> Vec<String> {
    let actor = actor(finding);
    let place = &finding.address;
    let mut keys = vec![
        format!("repeat {} {actor} {place} {}", finding.rule.id, nameless_agent(finding)),
        format!("session {actor} {place} {}", nameless_agent(finding)),
    ];
    if is_token(finding) {
        keys.push(format!("use {} {place}", finding.credential));
    } else if finding.actor_kind == "service-account" {
        keys.push(format!("use {actor} {place}"));
    }
    keys
}

/// What a finding asks of the past.
pub fn probes(finding: &Finding) -> Vec<Probe> {
    let mut probes: Vec<Probe> = finding.touches.iter().flat_map(touch_probes).collect();
    let (actor, place) = (actor(finding), &finding.address);
    if is_token(finding) {
        let key = format!("use {} {place}", finding.credential);
        probes.push(Probe::new(key, POWER_LASTS, Joint::Credential, Strength::Cause));
    } else if finding.actor_kind == "service-account" {
        let key = format!("use {actor} {place}");
        probes.push(Probe::new(key, POWER_LASTS, Joint::Credential, Strength::Cause));
    }
    if finding.address_new == Some(true)
        || is_nameless(finding)
        || finding.actor_kind == "bootstrap"
    {
        let pause = if is_nameless(finding) { REPEAT_PAUSE } else { SESSION_PAUSE };
        let key = format!("session {actor} {place} {}", nameless_agent(finding));
        probes.push(Probe::new(key, pause, Joint::Session, Strength::Middling));
    }
    if finding.address_new != Some(true) {
        let key = format!("repeat {} {actor} {place} {}", finding.rule.id, nameless_agent(finding));
        probes.push(Probe::new(key, REPEAT_PAUSE, Joint::Repeat, Strength::Weak));
    }
    probes
}

fn touch_probes(touch: &Touch) -> Vec<Probe> {
    let entity = &touch.entity;
    match touch.role {
        TouchRole::EnabledBy => {
            let (sort, _) = entity.split_once(':').unwrap_or_default();
            let joint = match sort {
                "pod" => Joint::Pod,
                "cred" => Joint::Token,
                "sa" => Joint::Account,
                "rolebinding" | "clusterrolebinding" => {
                    return vec![Probe::new(
                        format!("object {entity}"),
                        POWER_LASTS,
                        Joint::Grant,
                        Strength::Cause,
                    )];
                }
                _ => Joint::Certificate,
            };
            vec![Probe::new(format!("enables {entity}"), POWER_LASTS, joint, Strength::Cause)]
        }
        TouchRole::Target if is_joinable(entity) => {
            vec![Probe::new(
                format!("object {entity}"),
                OBJECT_LASTS,
                Joint::Object,
                Strength::Cause,
            )]
        }
        _ => Vec::new(),
    }
}

/// Objects that are somebody's piece of work. Namespaces, nodes and shared configuration are
/// touched by everybody, and would glue unrelated things.
fn is_joinable(entity: &str) -> bool {
    let (sort, name) = entity.split_once(':').unwrap_or_default();
    !name.ends_with('*')
        && matches!(
            sort,
            "pod"
                | "deployment"
                | "daemonset"
                | "statefulset"
                | "replicaset"
                | "job"
                | "cronjob"
                | "certificatesigningrequest"
                | "role"
                | "clusterrole"
                | "rolebinding"
                | "clusterrolebinding"
                | "mutatingwebhookconfiguration"
                | "validatingwebhookconfiguration"
                | "validatingadmissionpolicy"
                | "validatingadmissionpolicybinding"
                | "service"
                | "ingress"
        )
}

fn actor(finding: &Finding) -> &str {
    finding.real_principal.as_deref().unwrap_or(&finding.principal)
}

fn same_actor(a: &Finding, b: &Finding) -> bool {
    actor(a) == actor(b) && !is_nameless(a)
}

/// Callers without a name are told apart by agent as well as by address.
fn nameless_agent(finding: &Finding) -> &str {
    if is_nameless(finding) { &finding.user_agent } else { "" }
}

fn is_nameless(finding: &Finding) -> bool {
    matches!(finding.actor_kind.as_str(), "anonymous" | "unauthenticated")
}

/// Whether the credential is a token with an id: such a thing has one owner and a short life.
fn is_token(finding: &Finding) -> bool {
    finding.credential.starts_with("cred:JTI=")
}

fn writes(finding: &Finding) -> bool {
    let Some((_, verb)) = finding.action.rsplit_once('.') else { return false };
    finding.outcome == "allowed"
        && matches!(verb, "create" | "change" | "grant" | "write" | "approve" | "debug")
}

/// For tests and documentation: the pauses in seconds.
pub const PAUSES: [(&str, i64); 4] = [
    ("power", POWER_LASTS / SECOND),
    ("object", OBJECT_LASTS / SECOND),
    ("session", SESSION_PAUSE / SECOND),
    ("repeat", REPEAT_PAUSE / SECOND),
];
