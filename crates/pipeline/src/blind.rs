//! Which rules could not see anything, and why, in words: "nothing found" by a rule that had nothing
//! to look at must not read like safety.

use trailhound_model::{action::ActionKind, completeness::Completeness, event::Level};
use trailhound_rules::{Rule, RuleSet, RuleTally};

/// A log shorter than this says nothing about what is never logged.
const ENOUGH: u64 = 500;

/// Tells a cluster's log which rules could not decide, could not fire, or met nothing.
pub(crate) fn tell(rules: &RuleSet, tally: &RuleTally, cluster: &mut Completeness) {
    let highest = [Level::RequestResponse, Level::Request, Level::Metadata]
        .into_iter()
        .find(|level| cluster.levels.contains_key(level.as_str()))
        // A format that does not tell the level may have had any: rules show by themselves what
        // they could not decide.
        .unwrap_or(Level::RequestResponse);
    for (index, rule) in (0u32..).zip(rules.rules()).filter(|(_, rule)| !rule.is_part()) {
        let sum = |count: fn(&RuleTally, u32) -> u64| -> u64 {
            rules.bases(index).map(|base| count(tally, base)).sum()
        };
        let (looked, undecided) = (sum(RuleTally::looked_at), sum(RuleTally::undecided));
        let id = rule.id().to_owned();
        if undecided > 0 {
            *cluster.undecided.entry(id.clone()).or_default() += undecided;
        }
        match reason(rule, highest, looked, undecided, cluster) {
            Some(reason) => {
                cluster.blind_reasons.insert(id.clone(), reason);
                cluster.blind.push(id);
            }
            None if looked == 0 => cluster.unmet.push(id),
            None => {}
        }
    }
}

/// Why a rule could not have fired.
fn reason(
    rule: &Rule,
    highest: Level,
    looked: u64,
    undecided: u64,
    cluster: &Completeness,
) -> Option<String> {
    if let Some(missing) = rule.missing() {
        return Some(missing.reason().to_owned());
    }
    if rule.needs() > highest {
        return Some(format!(
            "it needs the contents of requests (level {}), and this log has level {} at most",
            rule.needs().as_str(),
            highest.as_str()
        ));
    }
    if looked > 0 && looked == undecided {
        return Some(match rule.needs() {
            Level::Unknown | Level::Metadata => {
                format!("none of the {looked} requests that it looked at says what it asks for")
            }
            _ => format!(
                "the contents of the {looked} requests that it looked at were not logged, or were cut away"
            ),
        });
    }
    if looked == 0 { never_logged(rule, cluster) } else { None }
}

/// The kind of request that a rule watches, where none of that kind is in the log at all.
fn never_logged(rule: &Rule, cluster: &Completeness) -> Option<String> {
    let policy = &cluster.policy;
    if policy.reads + policy.writes + policy.long_running < ENOUGH {
        return None;
    }
    let actions = &rule.watches().actions;
    let all =
        |class: Class| !actions.is_empty() && actions.iter().all(|one| class_of(*one) == class);
    let what = if policy.reads == 0 && all(Class::Read) {
        "reads (get, list)"
    } else if policy.long_running == 0 && all(Class::LongRunning) {
        "long-running requests (watch, exec, attach, port-forward)"
    } else if policy.writes == 0 && all(Class::Write) {
        "writes"
    } else {
        return None;
    };
    Some(format!("{what} are not logged"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Read,
    LongRunning,
    Write,
    Mixed,
}

fn class_of(action: ActionKind) -> Class {
    use ActionKind as K;
    match action {
        K::ObjectRead | K::ObjectList | K::SecretRead | K::SecretList | K::ConfigRead => {
            Class::Read
        }
        K::ObjectWatch
        | K::SecretWatch
        | K::PodExec
        | K::PodAttach
        | K::PodPortForward
        | K::WorkloadProxy
        | K::NodeProxy => Class::LongRunning,
        // Refused and failed requests, other URLs: they come with any verb.
        K::Other
        | K::PodLogs
        | K::IdentityImpersonate
        | K::Discovery
        | K::HealthCheck
        | K::NonResource => Class::Mixed,
        _ => Class::Write,
    }
}
