//! The twin against clusters of which everything is known: what is rebuilt from the log must be what
//! was really there, whatever happened to the log on its way.

use crate::support::{facts, judge, rules};
use trailhound_detect::{Engine, Settings};
use trailhound_generate::{Generator, Level, MINUTE, Profile, SECOND, Truth, Writer};
use trailhound_model::observed::Surety;
use trailhound_twin::Twin;

fn generated(profile: &Profile, seed: u64) -> (String, Truth) {
    let mut generator = Generator::new(profile.clone(), seed);
    let writer = Writer::new(profile);
    let mut out = Vec::new();
    for act in generator.by_ref() {
        writer.write(&act, &mut out);
    }
    (String::from_utf8(out).expect("text"), generator.truth())
}

/// The cluster as rebuilt from a log, by way of the whole engine.
pub(crate) fn twin_of(log: &str) -> Twin {
    let rules = rules();
    let mut engine = Engine::new(rules.clone(), Settings::default());
    for (fact, key) in facts(&rules, log) {
        engine.push(fact, key);
    }
    engine.flush();
    engine.into_twins().into_values().next().unwrap_or_default()
}

fn busy(level: Level) -> Profile {
    Profile { churn: 30_000, replaced_nodes: 48, servers: 3, level, ..Profile::small() }
}

/// How the twin's pods differ from the truth.
#[derive(Debug, Default, PartialEq)]
struct Score {
    right: usize,
    /// The twin does not know that it is there.
    missing: usize,
    /// It says for certain that a pod is there that is gone.
    wrong: usize,
    /// It thinks so, and says that it is not certain.
    doubtful: usize,
    /// Another node, account or address than the true one, said for certain.
    mistaken: Vec<String>,
}

fn score(twin: &Twin, truth: &Truth) -> Score {
    let end = twin.objects().all("pods").map(|life| life.last_seen).max().unwrap_or_default();
    let mut score = Score::default();
    for life in twin.objects().existing("pods", end) {
        let key = (life.namespace.as_str().into(), life.name.as_str().into());
        let Some(pod) = truth.pods.get(&key) else {
            match life.existed_at(end) {
                Surety::Proved => score.wrong += 1,
                _ => score.doubtful += 1,
            }
            continue;
        };
        let node = pod.node.as_ref().map(ToString::to_string).unwrap_or_default();
        let told = [(&life.node, node), (&life.account, pod.account.to_string())];
        for (told, real) in told {
            if let Some(told) = told.as_ref().filter(|told| told.surety == Surety::Proved)
                && told.value != real
            {
                score.mistaken.push(format!("{}/{}: {} is {real}", key.0, key.1, told.value));
            }
        }
        score.right += 1;
    }
    score.missing = truth.pods.len() - score.right;
    score
}

#[test]
fn with_bodies_the_twin_is_the_cluster() {
    for seed in 0..3 {
        let (log, truth) = generated(&busy(Level::RequestResponse), seed);
        let twin = twin_of(&log);
        for ((space, name), pod) in &truth.pods {
            let life = twin.objects().pod_by_uid(&pod.uid.to_string()).expect("every pod's uid");
            assert_eq!((life.namespace.as_str(), life.name.as_str()), (&**space, &**name));
            // One that was asked to go may be gone by now, but that is not certain.
            let certain = life.end.as_ref().is_some_and(|end| end.surety == Surety::Proved);
            let ended = life.end.is_some();
            assert!(!certain && (pod.leaving || !ended), "seed {seed}: {pod:?} {:?}", life.end);
        }
        let score = score(&twin, &truth);
        let leaving = truth.pods.values().filter(|pod| pod.leaving).count();
        let Score { missing, right, .. } = score;
        assert_eq!(score, Score { right, missing, ..Score::default() }, "seed {seed}");
        assert!(missing <= leaving, "seed {seed}: {missing} of {leaving} leaving");
        let nodes = twin.objects().all("nodes").filter(|node| node.end.is_none()).count();
        assert_eq!(nodes, truth.nodes.len());
    }
}

#[test]
fn without_bodies_nothing_is_wrong_for_certain() {
    let (log, truth) = generated(&busy(Level::Metadata), 1);
    let score = score(&twin_of(&log), &truth);
    assert_eq!((score.wrong, score.mistaken.as_slice()), (0, [].as_slice()), "{score:?}");
    // Pods that nobody bound yet have no name in such a log.
    assert!(score.missing <= 3 && score.doubtful * 20 <= score.right, "{score:?}");
}

#[test]
fn skewed_clocks_and_missing_stretches_make_doubt_and_no_wrong_certainty() {
    for level in [Level::RequestResponse, Level::Metadata] {
        let torn = Profile {
            skew: vec![0, 1_500_000, -SECOND],
            gaps: vec![(15 * MINUTE, 19 * MINUTE), (40 * MINUTE, 41 * MINUTE)],
            ..busy(level)
        };
        let (log, truth) = generated(&torn, 2);
        let score = score(&twin_of(&log), &truth);
        assert_eq!((score.wrong, score.mistaken.as_slice()), (0, [].as_slice()), "{score:?}");
        assert!(score.right > 40, "{score:?}");
    }
}

#[test]
fn records_out_of_order_within_the_watermark_change_nothing() {
    let (log, _) = generated(&busy(Level::RequestResponse), 3);
    let mut lines: Vec<&str> = log.lines().collect();
    for pair in lines.chunks_exact_mut(2) {
        pair.reverse();
    }
    let entities = |twin: &Twin| -> Vec<_> {
        let pods = twin.objects().all("pods");
        pods.map(|pod| (pod.entity(), pod.uid.clone(), pod.begin.time, pod.end.is_some())).collect()
    };
    assert_eq!(entities(&twin_of(&lines.join("\n"))), entities(&twin_of(&log)));
}

#[test]
fn the_everyday_of_a_cluster_is_no_incident_of_high_severity() {
    let (log, _) = generated(&busy(Level::Metadata), 4);
    let outcome = judge(&log);
    let loud: Vec<_> = outcome
        .findings
        .iter()
        .filter(|one| one.severity >= trailhound_model::finding::Severity::High)
        .map(|one| (one.rule.id.as_str(), one.explanation.as_str()))
        .collect();
    assert_eq!(loud, []);
}
