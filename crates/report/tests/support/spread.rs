//! A breach told by its hands: a developer's credential, a command in a pod, that pod's token, a
//! pod with a stronger account, that account's token from outside, a grant, a certificate, and the
//! traces wiped away.

use super::{at, strings};
use trailhound_model::{
    finding::{Finding, FindingKind, RuleRef, Severity},
    incident::{Act, ActRole, Answer, Cause, Hand, Hop, Incident, Reachable},
    scan::Scan,
};

struct Deed(&'static str, u64, &'static str, &'static str, &'static str, Option<Severity>, ActRole);

const CRITICAL: Option<Severity> = Some(Severity::Critical);
const HIGH: Option<Severity> = Some(Severity::High);
const MEDIUM: Option<Severity> = Some(Severity::Medium);
const LOW: Option<Severity> = Some(Severity::Low);

const BOB: [Deed; 4] = [
    Deed(
        "11:32:02",
        1,
        "review.self",
        "selfsubjectrulesreview:*",
        "User bob asked what it may do in namespace shop.",
        LOW,
        ActRole::Entry,
    ),
    Deed(
        "11:32:04",
        1,
        "pod.list",
        "pod:shop/*",
        "User bob listed the pods in namespace shop.",
        None,
        ActRole::Step,
    ),
    Deed(
        "11:32:07",
        2,
        "pod.get",
        "pod:shop/cart-78469674b6-wv5q6",
        "User bob looked at pod cart-78469674b6-wv5q6 in namespace shop.",
        None,
        ActRole::Step,
    ),
    Deed(
        "11:32:07",
        1,
        "pod.exec",
        "pod:shop/cart-78469674b6-wv5q6",
        "User bob ran `cat /var/run/secrets/kubernetes.io/serviceaccount/token` in pod cart-78469674b6-wv5q6 in namespace shop.",
        HIGH,
        ActRole::Step,
    ),
];

const CART: [Deed; 5] = [
    Deed(
        "11:32:12",
        1,
        "review.self",
        "selfsubjectrulesreview:*",
        "Service account shop/cart asked what it may do.",
        MEDIUM,
        ActRole::Step,
    ),
    Deed(
        "11:32:15",
        1,
        "secret.list",
        "secret:data/*",
        "Service account shop/cart listed, with their contents, the 2 secrets in namespace data.",
        HIGH,
        ActRole::Effect,
    ),
    Deed(
        "11:32:17",
        1,
        "secret.list",
        "secret:kube-system/*",
        "Service account shop/cart listed, with their contents, the 3 secrets in namespace kube-system.",
        HIGH,
        ActRole::Effect,
    ),
    Deed(
        "11:32:20",
        1,
        "workload.create",
        "pod:data/batch-fb5b6",
        "Service account shop/cart created pod batch-fb5b6 in namespace data: it runs as service account pipeline-admin-fb5b6 and has the node’s whole disk.",
        HIGH,
        ActRole::Step,
    ),
    Deed(
        "11:32:24",
        1,
        "pod.exec",
        "pod:data/batch-fb5b6",
        "Service account shop/cart ran `cat /var/run/secrets/kubernetes.io/serviceaccount/token` in pod batch-fb5b6 in namespace data.",
        HIGH,
        ActRole::Step,
    ),
];

const ADMIN: [Deed; 8] = [
    Deed(
        "11:32:28",
        1,
        "secret.list",
        "secret:*",
        "Service account data/pipeline-admin-fb5b6 listed, with their contents, all 27 secrets of the cluster.",
        CRITICAL,
        ActRole::Effect,
    ),
    Deed(
        "11:32:30",
        1,
        "rbac.grant",
        "clusterrolebinding:system:node-proxier-fb5b6",
        "Service account data/pipeline-admin-fb5b6 gave the role cluster-admin to user bob by binding system:node-proxier-fb5b6.",
        CRITICAL,
        ActRole::Effect,
    ),
    Deed(
        "11:32:33",
        1,
        "csr.create",
        "certificatesigningrequest:renew-fb5b6",
        "Service account data/pipeline-admin-fb5b6 asked for a certificate in the name of user system:kube-controller-manager.",
        HIGH,
        ActRole::Step,
    ),
    Deed(
        "11:32:34",
        1,
        "csr.approve",
        "certificatesigningrequest:renew-fb5b6",
        "Service account data/pipeline-admin-fb5b6 approved its own certificate request renew-fb5b6.",
        CRITICAL,
        ActRole::Effect,
    ),
    Deed(
        "11:32:36",
        2,
        "csr.get",
        "certificatesigningrequest:renew-fb5b6",
        "Service account data/pipeline-admin-fb5b6 fetched the signed certificate.",
        None,
        ActRole::Effect,
    ),
    Deed(
        "11:32:39",
        1,
        "workload.delete",
        "pod:data/batch-fb5b6",
        "Service account data/pipeline-admin-fb5b6 deleted pod batch-fb5b6 in namespace data.",
        LOW,
        ActRole::Step,
    ),
    Deed(
        "11:32:40",
        1,
        "csr.delete",
        "certificatesigningrequest:renew-fb5b6",
        "Service account data/pipeline-admin-fb5b6 deleted certificate request renew-fb5b6.",
        MEDIUM,
        ActRole::Step,
    ),
    Deed(
        "11:32:41",
        1,
        "event.delete",
        "event:data/*",
        "Service account data/pipeline-admin-fb5b6 deleted the events about pod batch-fb5b6.",
        MEDIUM,
        ActRole::End,
    ),
];

fn time(clock: &str) -> trailhound_model::time::Time {
    at(&format!("2026-11-23T{clock}Z"))
}

fn act(prefix: &str, index: usize, deed: &Deed) -> Act {
    let id = format!("{prefix}{index}a61-9d0e-4c52-b7a1-5f60d2e8c914");
    Act {
        time: time(deed.0),
        last: time(deed.0),
        count: deed.1,
        action: deed.2.into(),
        target: deed.3.into(),
        outcome: "allowed".into(),
        sentence: deed.4.into(),
        severity: deed.5,
        findings: deed.5.map(|_| finding_id(prefix, index)).into_iter().collect(),
        evidence: vec![id.into()],
        role: deed.6,
    }
}

fn finding_id(prefix: &str, index: usize) -> String {
    format!("{prefix}{index}00c4d2")
}

fn hand(entity: &str, credential: &str, address: &str, agent: &str, deeds: &[Deed]) -> Hand {
    let prefix = entity.chars().rev().take(2).collect::<String>();
    let acts: Vec<Act> =
        deeds.iter().enumerate().map(|(index, deed)| act(&prefix, index, deed)).collect();
    Hand {
        entity: entity.into(),
        credential: credential.into(),
        address: address.into(),
        agents: strings(&[agent]),
        first: acts[0].time,
        last: acts[acts.len() - 1].last,
        acts,
        acts_left_out: 0,
    }
}

fn hands() -> Vec<Hand> {
    vec![
        hand(
            "user:bob",
            "cred:X509SHA256=36d8c0fe41aa",
            "91.240.118.172",
            "kubectl/v1.29.3 (darwin/arm64)",
            &BOB,
        ),
        hand(
            "sa:shop/cart",
            "cred:JTI=11903241-36f2-4c0b-8f5e-2a51a3f0a9d1",
            "10.244.2.70",
            "curl/8.5.0",
            &CART,
        ),
        hand(
            "sa:data/pipeline-admin-fb5b6",
            "cred:JTI=874900a6-0d3b-4c1e-9f63-b2c4a1e7d850",
            "91.240.118.172",
            "curl/8.5.0",
            &ADMIN,
        ),
    ]
}

fn cause(
    from: (usize, usize),
    to: (usize, usize),
    kind: &str,
    confidence: f64,
    sentence: &str,
) -> Cause {
    Cause { from, to, kind: kind.into(), confidence, sentence: sentence.into() }
}

fn answer(question: &str, surety: &str, answer: &[&str]) -> Answer {
    Answer { question: question.into(), answer: strings(answer), surety: surety.into() }
}

fn answers() -> Vec<Answer> {
    vec![
        answer(
            "Who got in, and how?",
            "inferred",
            &[
                "With the certificate of user bob, from 91.240.118.172, an address at which bob was never seen before.",
                "Whether bob did it or somebody who has bob’s certificate cannot be known from the log.",
            ],
        ),
        answer(
            "Which credentials are burnt?",
            "proved",
            &[
                "The certificate 36d8c0fe… of user bob, the token of pod cart-78469674b6-wv5q6, the token of pod batch-fb5b6, and the certificate that was signed for user system:kube-controller-manager.",
            ],
        ),
        answer(
            "What was read?",
            "proved",
            &["All 27 secrets of the cluster, with their contents."],
        ),
        answer(
            "What was changed?",
            "proved",
            &[
                "A cluster role binding was made, a certificate was signed, and a pod was created and deleted.",
            ],
        ),
        answer(
            "What remains?",
            "proved",
            &[
                "Cluster role binding `system:node-proxier-fb5b6` still makes user bob cluster administrator.",
                "The signed certificate is valid until it runs out; it cannot be taken back.",
            ],
        ),
        answer(
            "What could be reached?",
            "proved",
            &["Everything: the identities hold cluster-admin."],
        ),
        answer(
            "When did it begin?",
            "inferred",
            &[
                "The first record that can be tied to it is from 11:32:02; the log begins at 11:00:00.",
            ],
        ),
        answer(
            "What to do now?",
            "proved",
            &["Remove the binding, then end the credentials: see the commands."],
        ),
        answer(
            "What can the log not tell?",
            "unknown",
            &[
                "How the certificate of bob got out.",
                "What was done inside the pods and on the node whose disk was mounted.",
            ],
        ),
    ]
}

fn reach() -> Vec<Reachable> {
    let reachable = |kind: &str, sentence: &str, count, samples: &[&str], surety: &str| Reachable {
        from: "sa:data/pipeline-admin-fb5b6".into(),
        kind: kind.into(),
        sentence: sentence.into(),
        count,
        samples: strings(samples),
        surety: surety.into(),
        ..Reachable::default()
    };
    vec![
        reachable(
            "cluster-admin",
            "Everything in the cluster, by cluster role binding `pipeline-admin-fb5b6` to role `cluster-admin`.",
            1,
            &["clusterrole:cluster-admin"],
            "proved",
        ),
        reachable(
            "secrets",
            "27 secrets in 6 namespaces can be read.",
            27,
            &["secret:data/db", "secret:shop/payment", "secret:kube-system/registry"],
            "proved",
        ),
        reachable(
            "nodes",
            "3 nodes could be taken by pods that mount their disks.",
            3,
            &["node:worker-1", "node:worker-2"],
            "inferred",
        ),
    ]
}

/// The incident.
pub fn incident() -> Incident {
    let hands = hands();
    Incident {
        id: "bb300c4d2e".into(),
        severity: Severity::Critical,
        confidence: 0.96,
        title: "The credential of user bob was used to become administrator of the whole cluster".into(),
        story: "Somebody with the certificate of user bob read the token of a pod of the shop, and with it all secrets of two namespaces. With the same token they started a pod that runs under a stronger account and read that pod’s token too. From outside the cluster they used it to read every secret, to make bob administrator of the cluster, and to have a certificate signed for a part of the cluster itself. Then they deleted the traces. It took 39 seconds.".into(),
        first_seen: time("11:32:02"),
        last_seen: time("11:32:41"),
        cluster: "prod-eu".into(),
        principals: hands.iter().map(|hand| hand.entity.clone()).collect(),
        addresses: strings(&["ip:91.240.118.172", "ip:10.244.2.70"]),
        targets: strings(&["pod:shop/cart-78469674b6-wv5q6", "secret:*", "clusterrolebinding:system:node-proxier-fb5b6"]),
        techniques: strings(&["T1609", "T1552.007", "T1610", "T1098.006", "T1070"]),
        findings: hands.iter().flat_map(|hand| &hand.acts).flat_map(|act| act.findings.clone()).collect(),
        hops: vec![Hop { from: "user:bob".into(), to: "sa:shop/cart".into(), kind: "exec".into(), confidence: 0.95, ..Hop::default() }],
        causes: vec![
            cause((0, 3), (1, 0), "exec", 0.95, "The command read the token of pod cart-78469674b6-wv5q6; 5 seconds later that pod’s token was used by curl, which the pod never used before."),
            cause((1, 3), (1, 4), "create", 1.0, "It is the pod that was created 4 seconds before."),
            cause((1, 3), (2, 0), "create", 0.8, "The pod that was created runs as it."),
            cause((1, 4), (2, 0), "exec", 1.0, "The token names pod batch-fb5b6, in which it was read 4 seconds before, and is used from outside the cluster."),
            cause((2, 1), (0, 0), "grant", 0.6, "The binding names user bob; it was not used within the log."),
        ],
        hands,
        reach: reach(),
        answers: answers(),
        commands: strings(&[
            "kubectl delete clusterrolebinding system:node-proxier-fb5b6  # takes cluster-admin from user bob",
            "Take the rights of the stronger account: `kubectl delete clusterrolebinding pipeline-admin-fb5b6`.",
            "# ends the token of the shop’s pod\nkubectl --namespace shop delete pod cart-78469674b6-wv5q6",
        ]),
        next_steps: strings(&["Ask bob whether this was them, by telephone and not by mail.", "Replace all 27 secrets: all were read."]),
        unknowns: strings(&["What was done inside the pods and on the node whose disk was mounted."]),
        ..Incident::default()
    }
}

fn findings(one: &Incident) -> Vec<Finding> {
    let of = |hand: &Hand, act: &Act| Finding {
        id: act.findings[0].clone(),
        rule: RuleRef { id: act.action.clone(), version: 1, title: act.sentence.clone() },
        severity: act.severity.unwrap_or_default(),
        confidence: 0.9,
        time: act.time,
        last: act.last,
        principal: hand.entity.clone(),
        action: act.action.clone(),
        target: act.target.clone(),
        outcome: act.outcome.clone(),
        explanation: act.sentence.clone(),
        ..Finding::default()
    };
    let acts = one.hands.iter().flat_map(|hand| hand.acts.iter().map(move |act| (hand, act)));
    acts.filter(|(_, act)| !act.findings.is_empty()).map(|(hand, act)| of(hand, act)).collect()
}

/// A weakness that nobody used yet.
pub fn weakness(id: &str, severity: Severity) -> Finding {
    Finding {
        id: id.into(),
        rule: RuleRef { id: "standing-reach".into(), version: 1, title: "A program can become administrator of the cluster and never needed to".into() },
        kind: FindingKind::Posture,
        severity,
        confidence: 1.0,
        time: time("11:00:00"),
        last: time("11:40:00"),
        principal: "sa:ci/runner".into(),
        target: "clusterrolebinding:ci-runner".into(),
        explanation: "Service account ci/runner may create pods in namespace kube-system by cluster role binding ci-runner, and with them reach cluster-admin. It was not used in the 40 minutes of the log.".into(),
        why: "Whoever takes over this program has the cluster.".into(),
        ..Finding::default()
    }
}

/// A scan with this incident and a standing weakness.
pub fn scan() -> Scan {
    let quiet = super::quiet();
    let one = incident();
    let mut findings = findings(&one);
    findings.push(weakness("77aa00", Severity::Medium));
    findings.push(weakness("77aa01", Severity::High));
    Scan { incidents: vec![one], findings, ..quiet }
}
