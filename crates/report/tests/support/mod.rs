//! Scans to render: a breach in three hops, a quiet night, five hundred findings, and one in which
//! every string is an attack on the reader.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod breach;
pub mod hostile;
pub mod page;
pub mod spread;

use trailhound_model::{
    completeness::Completeness,
    finding::{Finding, RuleRef, Severity},
    incident::{Incident, Step},
    scan::{CheckedRule, Input, Scan},
    time::{MINUTE, SECOND, Time},
};

pub fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

pub fn strings(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

pub fn rule(id: &str, title: &str, family: &str, looked_at: u64, findings: u64) -> CheckedRule {
    CheckedRule { id: id.into(), title: title.into(), family: family.into(), looked_at, findings }
}

/// The rules of every fixture.
pub fn rules() -> Vec<CheckedRule> {
    vec![
        rule(
            "exec-reads-token",
            "A command inside a container read the pod’s credential",
            "credentials",
            212,
            1,
        ),
        rule(
            "token-for-other-account",
            "A token was issued for another service account",
            "credentials",
            3_410,
            1,
        ),
        rule(
            "pod-token-off-network",
            "A pod’s token was used from outside the cluster",
            "credentials",
            18_922,
            1,
        ),
        rule(
            "secrets-listed-everywhere",
            "All secrets of the cluster were listed",
            "credentials",
            640,
            1,
        ),
        rule("password-guessing", "Many failed log-ins from one address", "credentials", 105, 1),
        rule("grant-cluster-admin", "Somebody was made cluster administrator", "rbac", 58, 1),
        rule("role-wildcard", "A role that allows everything was written", "rbac", 31, 0),
        rule("impersonation-refused", "Acting as another identity was refused", "rbac", 0, 0),
        rule(
            "privileged-workload",
            "A workload with access to its node was created",
            "exploitation",
            977,
            1,
        ),
        rule("miner-image", "A workload runs a known mining program", "exploitation", 0, 0),
        rule("events-deleted", "Traces were deleted", "policy", 12, 1),
        rule(
            "webhook-external",
            "Requests are sent to a server outside the cluster",
            "policy",
            4,
            1,
        ),
    ]
}

/// A night on which nothing happened, in a log without contents.
pub fn quiet() -> Scan {
    let (first, last) = (at("2026-03-13T22:00:00Z"), at("2026-03-14T06:00:00Z"));
    Scan {
        version: "0.1.0".into(),
        input: Input {
            sources: strings(&["audit.log"]),
            bytes: 25_124_480,
            events: 20_937,
            duplicate_window: "10 minutes and 4 million records".into(),
            warnings: strings(&[
                "No cluster name was given; the log is treated as one unnamed cluster. Name it with --cluster.",
            ]),
            first: Some(first),
            last: Some(last),
            ..Input::default()
        },
        completeness: vec![Completeness {
            score: None,
            basis: "no lease renewals were logged, so there is nothing that would show a gap"
                .into(),
            levels: [("Metadata".to_owned(), 20_937)].into(),
            blind: strings(&["miner-image", "webhook-external"]),
            undecided: [("privileged-workload".to_owned(), 977)].into(),
            first: Some(first),
            last: Some(last),
            ..Completeness::default()
        }],
        rules: rules().into_iter().map(|rule| CheckedRule { findings: 0, ..rule }).collect(),
        ..Scan::default()
    }
}

/// Five hundred findings in forty incidents.
pub fn huge() -> Scan {
    let start = at("2026-03-14T00:00:00Z");
    let finding = |index: i64| {
        let mut finding = breach::exec_finding();
        finding.id = format!("{index:016x}");
        finding.time = start.plus(index * 7 * SECOND);
        finding.last = finding.time;
        finding.rule = RuleRef { id: format!("rule-{}", index % 30), ..finding.rule };
        finding
    };
    let findings: Vec<Finding> = (0..500).map(finding).collect();
    let incidents =
        findings.chunks(13).enumerate().map(|(index, part)| many(index, part)).collect();
    Scan { incidents, findings, ..breach::scan() }
}

fn many(index: usize, findings: &[Finding]) -> Incident {
    let severity = Severity::ALL[4 - (index / 10).min(4)];
    let first = findings.first().map_or(Time(0), |finding| finding.time);
    Incident {
        id: format!("incident-{index}"),
        severity,
        confidence: 0.8,
        title: format!("Commands were run inside pods, wave {index}"),
        story: "Somebody ran commands inside many pods, one after the other.".into(),
        steps: (0..40)
            .map(|step: i64| Step {
                time: first.plus(step * MINUTE),
                who: "user:dana@example.com".into(),
                text: format!("Ran a command inside pod cart-{step}."),
                severity,
                finding: findings[step as usize % findings.len()].id.clone(),
            })
            .collect(),
        first_seen: first,
        last_seen: first.plus(40 * MINUTE),
        cluster: "prod-eu".into(),
        principals: strings(&["user:dana@example.com"]),
        findings: findings.iter().map(|finding| finding.id.clone()).collect(),
        ..Incident::default()
    }
}
