//! What to do about an incident: the steps of its findings in one list that can be read by itself.
//!
//! Rules write their steps for one finding. In a list of many, the same step comes back in other
//! words, and "it" points nowhere: a step is told once for what it is about, and one that speaks of
//! its own act says which act that is.

use super::{story::actor, words};
use std::collections::BTreeSet;
use trailhound_model::finding::{Finding, Severity};

/// Steps that an incident names; the rest is counted in its findings.
const MOST_NEXT_STEPS: usize = 14;

/// The steps of the gravest findings first, none twice.
pub(super) fn next_steps(findings: &[&Finding]) -> Vec<String> {
    let mut by_gravity: Vec<&&Finding> = findings.iter().collect();
    by_gravity.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.time, &one.rule.id));
    let mut steps = Vec::new();
    let mut topics = BTreeSet::new();
    for (topic, step) in withdrawals(findings) {
        topics.insert(topic);
        steps.push(step);
    }
    let most = by_gravity.iter().map(|finding| finding.next_steps.len()).max().unwrap_or_default();
    // The first step of every finding comes before the second of any.
    for rank in 0..most {
        for finding in &by_gravity {
            // There may be a hundred thousand findings.
            if steps.len() >= MOST_NEXT_STEPS {
                return steps;
            }
            let Some(step) = finding.next_steps.get(rank) else { continue };
            if topics.insert(topic(step)) {
                steps.push(alone(step, finding));
            }
        }
    }
    steps.truncate(MOST_NEXT_STEPS);
    steps
}

/// Persons whose identity did the gravest things: whether they or a thief, their credential comes
/// first. With the topic of the step.
fn withdrawals(findings: &[&Finding]) -> Vec<(String, String)> {
    let mut told: Vec<(String, String)> = Vec::new();
    for finding in findings {
        if told.len() >= MOST_NEXT_STEPS {
            break;
        }
        let person = matches!(finding.actor_kind.as_str(), "user" | "oidc-user" | "cloud-role");
        let topic = about(actor(finding).split_once(':').map_or("", |(_, name)| name));
        if finding.severity < Severity::High || !person || told.iter().any(|(t, _)| *t == topic) {
            continue;
        }
        let who = words::words(actor(finding));
        let step = if finding.credential.starts_with("cred:X509") {
            format!(
                "Take the rights of {who} away until the owner of that name has confirmed each of these acts: the credential is a client certificate, which Kubernetes cannot revoke before it expires."
            )
        } else {
            format!(
                "Withdraw the credential of {who}, or take its rights away, until the owner of that name has confirmed each of these acts."
            )
        };
        told.push((topic, step));
    }
    told
}

fn about(name: &str) -> String {
    format!("ask {}", name.to_lowercase())
}

/// What a step is about: two steps about one thing are one.
fn topic(step: &str) -> String {
    let text = step.to_lowercase();
    let after = |start: &str| text.split_once(start).and_then(|(_, rest)| first_name(rest));
    if text.contains('`') {
        return text;
    }
    if text.contains("rotate what") {
        return "rotate what the secrets open".to_owned();
    }
    let address = after("find out who owns ").or_else(|| after("find out whose address "));
    if let Some(address) = address {
        return format!("whose address {address}");
    }
    if let Some(from) = after("everything else that came from ") {
        return format!("came from {from}");
    }
    let asked = ["withdraw the credential of ", "ask the owner of ", "ask "];
    let name =
        asked.iter().filter(|start| text.starts_with(**start)).find_map(|start| after(start));
    match name {
        Some(name) if !matches!(name, "the" | "its" | "who" | "whether") => about(name),
        _ => text.clone(),
    }
}

/// The name that a text begins with.
fn first_name(text: &str) -> Option<&str> {
    let text = text.strip_prefix("user ").unwrap_or(text);
    let name = text.split([' ', ',', ';']).next()?.trim_end_matches(['.', ':']);
    (!name.is_empty()).then_some(name)
}

/// Words of a step that point to the act of its finding.
const POINTING: [&str; 18] = [
    "what it was",
    "what it tried",
    "what was to be",
    "at that time",
    "what was done",
    "was meant",
    "is understood",
    "if it ",
    "if not",
    "if nobody knows it",
    "since then",
    "in between",
    "put it ",
    "made it",
    "it ran on",
    "this name",
    "instead",
    "afterwards",
];

/// The step as it can be read by itself.
fn alone(step: &str, finding: &Finding) -> String {
    let text = step.to_lowercase();
    let points = !text.contains('`') && POINTING.iter().any(|words| text.contains(words));
    if !points || finding.rule.title.is_empty() {
        return step.to_owned();
    }
    format!(
        "About \u{201c}{}\u{201d}, at {} UTC: {}",
        finding.rule.title,
        finding.time.clock(),
        step
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use trailhound_model::{finding::RuleRef, time::Time};

    fn finding(title: &str, severity: Severity, steps: &[&str]) -> Finding {
        Finding {
            rule: RuleRef { title: title.into(), ..RuleRef::default() },
            severity,
            principal: "user:bob".into(),
            actor_kind: "user".into(),
            credential: "cred:X509SHA256=ab".into(),
            time: Time(0),
            next_steps: steps.iter().map(|step| (*step).to_owned()).collect(),
            ..Finding::default()
        }
    }

    fn told(findings: &[Finding]) -> Vec<String> {
        next_steps(&findings.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_same_step_in_other_words_is_told_once() {
        let one = finding(
            "One",
            Severity::High,
            &[
                "Ask bob what it was for.",
                "Find out who owns 192.0.2.1, and what else it did in this log.",
            ],
        );
        let two = finding(
            "Two",
            Severity::High,
            &[
                "Withdraw the credential of bob until this is understood.",
                "Find out whose address 192.0.2.1 is.",
            ],
        );
        let steps = told(&[one, two]);
        assert_eq!(steps.len(), 2, "{steps:#?}");
        assert!(steps[0].contains("client certificate, which Kubernetes cannot revoke"));
    }

    #[test]
    fn a_step_that_speaks_of_its_act_says_which() {
        let one = finding(
            "A console was opened",
            Severity::Low,
            &["If it was not meant: close the door."],
        );
        let steps = told(&[one]);
        let wanted = "About \u{201c}A console was opened\u{201d}, at 00:00:00 UTC: If it was not meant: close the door.";
        assert_eq!(steps, [wanted]);
    }

    #[test]
    fn steps_about_different_people_stay_two() {
        let steps = told(&[finding("One", Severity::Low, &["Ask bob.", "Ask ann."])]);
        assert_eq!(steps.len(), 2);
    }
}
