//! A breach in three hops: a person's stolen credentials, a pod's token, a deployer's token, and
//! then the whole cluster.

use super::{at, rules, strings};
use std::collections::BTreeMap;
use trailhound_model::{
    completeness::{Completeness, Gap},
    event::{Position, Stage},
    finding::{Finding, FindingKind, Record, RuleRef, Severity},
    format::Format,
    incident::{Hop, Incident, Step},
    scan::{Input, Rejected, Scan, Unread},
    site::{SiteEffect, SiteEntry, SiteNote},
};

fn record(id: &str, time: &str, offset: u64, summary: &str, masked: &str) -> Record {
    Record {
        audit_id: id.into(),
        stage: Stage::ResponseComplete,
        time: at(time),
        position: Position { source: 1, offset },
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        summary: summary.into(),
        masked: masked.into(),
    }
}

const EXEC: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"0c2d7a31-6f0e-4a52-9d7e-0c1c5c5b8a11","stage":"ResponseStarted","requestURI":"/api/v1/namespaces/shop/pods/cart-7d4b9c-x2x8k/exec?command=cat&command=%2Fvar%2Frun%2Fsecrets%2Fkubernetes.io%2Fserviceaccount%2Ftoken&container=cart&stdout=true","verb":"get","user":{"username":"dana@example.com","groups":["developers","system:authenticated"],"extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=4be1c0ffee"]}},"sourceIPs":["203.0.113.50"],"userAgent":"kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0","objectRef":{"resource":"pods","namespace":"shop","name":"cart-7d4b9c-x2x8k","apiVersion":"v1","subresource":"exec"},"responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-03-14T02:12:41.018000Z","stageTimestamp":"2026-03-14T02:12:41.204586Z","annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"developers/shop\" of Role \"edit\" to Group \"developers\""}}"#;

/// The finding that starts the breach, with everything a finding can have.
pub fn exec_finding() -> Finding {
    Finding {
        id: "3fa1c6d27be04c11".into(),
        rule: RuleRef {
            id: "exec-reads-token".into(),
            version: 2,
            title: "A command inside a container read the pod’s credential".into(),
        },
        kind: FindingKind::Rule,
        severity: Severity::High,
        severity_reason: "Raised from medium: this person never ran a command in a pod before (0 times in 412 requests).".into(),
        confidence: 0.95,
        time: at("2026-03-14T02:12:41.204586Z"),
        last: at("2026-03-14T02:12:41.204586Z"),
        cluster: "prod-eu".into(),
        principal: "user:dana@example.com".into(),
        real_principal: None,
        credential: "cred:X509SHA256=4be1c0ffee".into(),
        address: "203.0.113.50".into(),
        user_agent: "kubectl/v1.33.1 (linux/amd64) kubernetes/8adc0f0".into(),
        action: "pod.exec".into(),
        outcome: "allowed".into(),
        target: "pod:shop/cart-7d4b9c-x2x8k".into(),
        explanation: "User dana@example.com ran `cat /var/run/secrets/kubernetes.io/serviceaccount/token` in pod cart-7d4b9c-x2x8k in namespace shop.".into(),
        why: "Every pod holds a credential with which it talks to the cluster. Whoever reads it can act as that program, from anywhere, until the credential runs out.".into(),
        benign_readings: strings(&[
            "Somebody debugs why the program cannot talk to the cluster.",
            "A course or a demonstration, on a cluster that is not used for anything else.",
        ]),
        next_steps: strings(&[
            "Ask dana@example.com whether this was them.",
            "Replace the pod, so that its credential ends: `kubectl --namespace shop delete pod cart-7d4b9c-x2x8k`.",
        ]),
        numbers: BTreeMap::from([("prior requests".into(), 412.0), ("prior commands in pods".into(), 0.0), ("score".into(), 4.25)]),
        techniques: strings(&["T1609", "T1552.007"]),
        family: "credentials".into(),
        records: vec![record("0c2d7a31-6f0e-4a52-9d7e-0c1c5c5b8a11", "2026-03-14T02:12:41.204586Z", 10_482_113, "get pods/exec shop/cart-7d4b9c-x2x8k → 101", EXEC)],
        record_count: 2,
        ..Finding::default()
    }
}

struct Act {
    id: &'static str,
    time: &'static str,
    rule: (&'static str, &'static str),
    severity: Severity,
    who: &'static str,
    action: &'static str,
    target: &'static str,
    text: &'static str,
    techniques: &'static [&'static str],
}

const ACTS: [Act; 6] = [
    Act {
        id: "81b6ce90d4a2f7e5",
        time: "2026-03-14T02:13:58Z",
        rule: ("pod-token-off-network", "A pod’s token was used from outside the cluster"),
        severity: Severity::High,
        who: "sa:shop/cart",
        action: "review.self",
        target: "selfsubjectrulesreview:*",
        text: "Service account shop/cart asked what it may do, from 203.0.113.50, an address at which none of its pods was ever seen.",
        techniques: &["T1528", "T1613"],
    },
    Act {
        id: "c07d11e2a9934b60",
        time: "2026-03-14T02:14:30Z",
        rule: ("token-for-other-account", "A token was issued for another service account"),
        severity: Severity::High,
        who: "sa:shop/cart",
        action: "token.mint",
        target: "serviceaccount:ci/deployer",
        text: "Service account shop/cart had a token issued for service account ci/deployer, valid for 24 hours.",
        techniques: &["T1528"],
    },
    Act {
        id: "5d20f7b81c6e4aa3",
        time: "2026-03-14T02:15:12Z",
        rule: ("grant-cluster-admin", "Somebody was made cluster administrator"),
        severity: Severity::Critical,
        who: "sa:ci/deployer",
        action: "rbac.grant",
        target: "clusterrolebinding:metrics-helper",
        text: "Service account ci/deployer gave the role cluster-admin to service account kube-system/metrics-helper.",
        techniques: &["T1098.006"],
    },
    Act {
        id: "e4418a0b7c3d9f12",
        time: "2026-03-14T02:16:03Z",
        rule: ("secrets-listed-everywhere", "All secrets of the cluster were listed"),
        severity: Severity::Critical,
        who: "sa:kube-system/metrics-helper",
        action: "secret.list",
        target: "secret:*",
        text: "Service account kube-system/metrics-helper listed, with their contents, all secrets of the cluster.",
        techniques: &["T1552.007"],
    },
    Act {
        id: "27c95be1d0f84a36",
        time: "2026-03-14T02:17:44Z",
        rule: ("privileged-workload", "A workload with access to its node was created"),
        severity: Severity::High,
        who: "sa:kube-system/metrics-helper",
        action: "workload.create",
        target: "daemonset:kube-system/node-metrics",
        text: "Service account kube-system/metrics-helper created daemon set node-metrics in namespace kube-system: it runs on every node, privileged, with the node’s whole disk mounted.",
        techniques: &["T1610", "T1611"],
    },
    Act {
        id: "90ad3f6c12b7e85d",
        time: "2026-03-14T02:19:05Z",
        rule: ("events-deleted", "Traces were deleted"),
        severity: Severity::Medium,
        who: "sa:kube-system/metrics-helper",
        action: "event.delete",
        target: "event:shop/*",
        text: "Service account kube-system/metrics-helper deleted all events in namespace shop.",
        techniques: &["T1070"],
    },
];

fn finding_of(act: &Act) -> Finding {
    let summary = format!("{} {}", act.action, act.target);
    let masked = format!(
        r#"{{"auditID":"{0}-aaaa","verb":"create","user":{{"username":"{1}"}},"responseStatus":{{"metadata":{{}},"code":201}}}}"#,
        act.id, act.who
    );
    Finding {
        id: act.id.into(),
        rule: RuleRef { id: act.rule.0.into(), version: 1, title: act.rule.1.into() },
        severity: act.severity,
        severity_reason: String::new(),
        confidence: 0.85,
        time: at(act.time),
        last: at(act.time),
        principal: act.who.into(),
        credential: "cred:JTI=7f2b7b2e-91f0-4c27-9d1a-5b6f0c1d2e3f".into(),
        user_agent: "curl/8.5.0".into(),
        action: act.action.into(),
        target: act.target.into(),
        explanation: act.text.into(),
        why: "With this an intruder gets from one program to the next, until nothing in the cluster is out of reach.".into(),
        benign_readings: strings(&["An administrator’s script does this on purpose; then somebody can name it."]),
        techniques: strings(act.techniques),
        family: "rbac".into(),
        numbers: BTreeMap::from([("times before".into(), 0.0)]),
        records: vec![record(&format!("{}-aaaa", act.id), act.time, 10_900_441, &summary, &masked)],
        record_count: 1,
        ..exec_finding()
    }
}

fn step_of(finding: &Finding) -> Step {
    Step {
        time: finding.time,
        who: finding.principal.clone(),
        text: finding.explanation.clone(),
        severity: finding.severity,
        finding: finding.id.clone(),
    }
}

fn hop(from: &str, to: &str, kind: &str, confidence: f64, sentence: &str) -> Hop {
    Hop {
        from: from.into(),
        to: to.into(),
        kind: kind.into(),
        confidence,
        evidence: vec!["0c2d7a31-6f0e-4a52-9d7e-0c1c5c5b8a11".into()],
        sentence: sentence.into(),
    }
}

fn hops() -> Vec<Hop> {
    vec![
        hop(
            "user:dana@example.com",
            "sa:shop/cart",
            "exec",
            0.95,
            "The token that was read in pod cart-7d4b9c-x2x8k is service account shop/cart’s, and was used 77 seconds later from the same address.",
        ),
        hop(
            "sa:shop/cart",
            "sa:ci/deployer",
            "token",
            1.0,
            "The token issued at 02:14:30 is the one that service account ci/deployer used from then on (same credential id).",
        ),
        hop(
            "sa:ci/deployer",
            "sa:kube-system/metrics-helper",
            "grant",
            0.9,
            "The binding metrics-helper is what allowed every later act of service account kube-system/metrics-helper.",
        ),
    ]
}

fn takeover(findings: &[Finding]) -> Incident {
    Incident {
        id: "3fa1c6d27be04c11".into(),
        severity: Severity::Critical,
        confidence: 0.93,
        title: "A stolen pod credential was used to become administrator of the whole cluster".into(),
        story: "Somebody with the credentials of user dana@example.com ran a command inside the shop’s cart program and read its credential. With it they had a token issued for the deployment service, made an account of their own administrator of the cluster, and read all of its secrets. Then they started a program with full access on every machine and deleted traces.".into(),
        steps: findings.iter().map(step_of).collect(),
        first_seen: at("2026-03-14T02:12:41.204586Z"),
        last_seen: at("2026-03-14T02:19:05Z"),
        cluster: "prod-eu".into(),
        principals: strings(&["user:dana@example.com", "sa:shop/cart", "sa:ci/deployer", "sa:kube-system/metrics-helper"]),
        addresses: strings(&["ip:203.0.113.50"]),
        targets: strings(&["pod:shop/cart-7d4b9c-x2x8k", "serviceaccount:ci/deployer", "clusterrolebinding:metrics-helper", "secret:*", "daemonset:kube-system/node-metrics", "event:shop/*"]),
        techniques: strings(&["T1609", "T1552.007", "T1528", "T1613", "T1098.006", "T1610", "T1611", "T1070"]),
        findings: findings.iter().map(|finding| finding.id.clone()).collect(),
        evidence: vec!["0c2d7a31-6f0e-4a52-9d7e-0c1c5c5b8a11".into(), "5d20f7b81c6e4aa3-aaaa".into()],
        hops: hops(),
        next_steps: strings(&[
            "Take the power away: `kubectl delete clusterrolebinding metrics-helper`.",
            "Stop the program that runs on every node: `kubectl --namespace kube-system delete daemonset node-metrics`. Then treat every node as lost and replace it.",
            "End the tokens by deleting what they are bound to: `kubectl --namespace ci delete serviceaccount deployer` and `kubectl --namespace shop delete pod cart-7d4b9c-x2x8k`.",
            "Lock user dana@example.com out and ask how their credentials got to 203.0.113.50.",
            "Replace every secret of the cluster: all of them were read.",
        ]),
        unknowns: strings(&[
            "What was done inside the pods and on the nodes: the audit log ends at the API server.",
            "Which secrets the list contained: contents are not logged at level Metadata.",
        ]),
        merged: strings(&["c07d11e2a9934b60"]),
        ..Incident::default()
    }
}

fn webhook_finding() -> Finding {
    Finding {
        id: "b1f0a7726c5d4e38".into(),
        rule: RuleRef { id: "webhook-external".into(), version: 1, title: "Requests are sent to a server outside the cluster".into() },
        severity: Severity::Medium,
        severity_reason: String::new(),
        time: at("2026-03-14T04:40:10Z"),
        last: at("2026-03-14T04:40:10Z"),
        principal: "user:alex@example.com".into(),
        real_principal: Some("user:ops-bot".into()),
        address: "10.0.8.14".into(),
        action: "webhook.change".into(),
        target: "validatingwebhookconfiguration:policy-check".into(),
        explanation: "User alex@example.com (in truth user ops-bot acting as them) wrote an admission webhook that sends every new pod to https://policy.example.net/check.".into(),
        techniques: strings(&["T1557"]),
        records: vec![record("77e2-bbbb", "2026-03-14T04:40:10Z", 20_001, "create validatingwebhookconfigurations policy-check → 201", "{\"kind\":\"Event\",\"cut\":")],
        record_count: 1,
        ..exec_finding()
    }
}

fn guessing_finding() -> Finding {
    let ids = ["d1-cccc", "d2-cccc", "d3-cccc"];
    Finding {
        id: "0d9f63a1e2b74c58".into(),
        rule: RuleRef {
            id: "password-guessing".into(),
            version: 1,
            title: "Many failed log-ins from one address".into(),
        },
        kind: FindingKind::Threshold,
        severity: Severity::Low,
        severity_reason: String::new(),
        confidence: 0.6,
        time: at("2026-03-13T23:01:00Z"),
        last: at("2026-03-13T23:04:40Z"),
        principal: "user:unauthenticated".into(),
        credential: String::new(),
        address: "198.51.100.7".into(),
        action: "discovery".into(),
        outcome: "unauthenticated".into(),
        target: String::new(),
        explanation:
            "An address outside the cluster, 198.51.100.7, failed to log in 105 times in 4 minutes."
                .into(),
        techniques: strings(&["T1110"]),
        numbers: BTreeMap::from([("failed log-ins".into(), 105.0), ("minutes".into(), 4.0)]),
        records: ids
            .iter()
            .map(|id| record(id, "2026-03-13T23:01:00Z", 512, "get /api → 401", ""))
            .collect(),
        record_count: 105,
        ..exec_finding()
    }
}

fn small(finding: &Finding, title: &str) -> Incident {
    Incident {
        id: finding.id.clone(),
        severity: finding.severity,
        confidence: finding.confidence,
        title: title.into(),
        story: finding.explanation.clone(),
        steps: vec![step_of(finding)],
        first_seen: finding.time,
        last_seen: finding.last,
        cluster: finding.cluster.clone(),
        principals: vec![finding.principal.clone()],
        addresses: vec![format!("ip:{}", finding.address)],
        targets: Vec::new(),
        techniques: finding.techniques.clone(),
        findings: vec![finding.id.clone()],
        evidence: finding.records.iter().map(|record| record.audit_id.clone()).collect(),
        next_steps: strings(&["Ask whoever runs the cluster whether they know this server."]),
        ..Incident::default()
    }
}

fn input() -> Input {
    Input {
        sources: strings(&["audit-2026-03-13T23-00-00.log.gz", "audit-2026-03-14T03-00-00.log.gz", "audit.log"]),
        bytes: 505_113_600,
        events: 97_542,
        formats: [(Format::Native, 96_992), (Format::Gke, 950)].into(),
        rejected: 3,
        reject_samples: vec![
            Rejected { source: "audit.log".into(), offset: 88_213_004, length: 1_802, reason: "the line ends in the middle of a string; the file was probably copied while it was written".into() },
            Rejected { source: "audit.log".into(), offset: 88_214_806, length: 76, reason: "this is a line of the API server’s own log, not of its audit log".into() },
        ],
        duplicates: 400,
        duplicate_window: "10 minutes and 4 million records".into(),
        unread: vec![Unread { source: "audit-2026-03-14T03-00-00.log.gz".into(), reason: "the compressed stream ends early, after 81 MB; everything before that was read".into() }],
        warnings: strings(&["2 clusters are in the input; findings are never joined across clusters."]),
        first: Some(at("2026-03-13T22:00:00Z")),
        last: Some(at("2026-03-14T06:00:00Z")),
    }
}

fn completeness() -> Vec<Completeness> {
    let (first, last) = (Some(at("2026-03-13T22:00:00Z")), Some(at("2026-03-14T06:00:00Z")));
    vec![
        Completeness {
            cluster: "prod-eu".into(),
            score: Some(0.987),
            basis: "lease renewals of 6 nodes and 2 API servers, every 10 seconds".into(),
            gaps: vec![Gap {
                from: at("2026-03-14T03:01:10Z"),
                to: at("2026-03-14T03:07:25Z"),
                metronome: "lease kube-node-lease/n1, every 10 s, and 7 other regular requests fell silent together".into(),
                missing_beats: 296,
                ..Gap::default()
            }],
            beats_seen: 22_490,
            beats_expected: 22_786,
            blind_reasons: [(
                "miner-image".to_owned(),
                "it needs the contents of requests (level Request), and this log has level Metadata at most".to_owned(),
            )]
            .into(),
            unmet: strings(&["impersonation-refused"]),
            levels: [
                ("Metadata".to_owned(), 81_230),
                ("RequestResponse".to_owned(), 8_120),
                ("Request".to_owned(), 3),
            ]
            .into(),
            undecided: [("privileged-workload".to_owned(), 14), ("role-wildcard".to_owned(), 2)]
                .into(),
            blind: strings(&["miner-image"]),
            first,
            last,
            late: 12,
            latest: 9_500_000,
            truncated: 4,
            ..Completeness::default()
        },
        Completeness {
            cluster: "edge-01".into(),
            score: None,
            basis: "no lease renewals were logged, so there is nothing that would show a gap"
                .into(),
            levels: [("Metadata".to_owned(), 8_189)].into(),
            blind: strings(&["miner-image", "webhook-external"]),
            first,
            last,
            ..Completeness::default()
        },
    ]
}

/// What the site expected: it is in no incident.
fn expected_finding() -> Finding {
    let note = SiteNote {
        entry: "site.yaml, expected 1".into(),
        owner: "platform".into(),
        reason: "The nightly backup enters its pod.".into(),
        expires: "2026-12-31".into(),
        effect: SiteEffect::Expected,
    };
    let plain = exec_finding();
    Finding {
        id: "5e11a0c3d4b79f26".into(),
        severity: Severity::Info,
        severity_reason: note.sentence(),
        time: at("2026-03-14T05:00:00Z"),
        last: at("2026-03-14T05:00:00Z"),
        principal: "user:backup".into(),
        explanation: format!("User backup ran `tar` in pod db-0. {}", note.sentence()),
        records: plain.records.iter().take(1).cloned().collect(),
        record_count: 1,
        site: vec![note],
        ..plain
    }
}

/// The breach as a scan.
pub fn scan() -> Scan {
    let mut findings: Vec<Finding> = vec![exec_finding()];
    findings.extend(ACTS.iter().map(finding_of));
    let incidents = vec![
        takeover(&findings),
        small(&webhook_finding(), "New pods are shown to a server outside the cluster"),
        small(&guessing_finding(), "Somebody tried to log in many times"),
    ];
    findings.insert(0, guessing_finding());
    findings.push(webhook_finding());
    findings.push(expected_finding());
    Scan {
        version: "0.1.0".into(),
        input: input(),
        completeness: completeness(),
        incidents,
        findings,
        rules: rules(),
        site: vec![SiteEntry {
            entry: "site.yaml, expected 1".into(),
            kind: "expected".into(),
            owner: "platform".into(),
            reason: "The nightly backup enters its pod.".into(),
            expires: "2026-12-31".into(),
            findings: 1,
            records: 1,
            not_lowered: 0,
            expired: 0,
        }],
    }
}
