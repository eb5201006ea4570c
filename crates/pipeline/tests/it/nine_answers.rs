//! The answers of a report on the recording of a whole breach: right, without contradiction, and no
//! more certain than the log.

use crate::recordings::answer;
use std::path::Path;
use trailhound_model::incident::{Answer, Incident};

/// The recorded breach: from the certificate of a developer to a certificate of the control plane.
fn breach() -> Incident {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/demo/breach.log.zst");
    let scan = answer(vec![demo], 2);
    scan.incidents.into_iter().max_by_key(|one| one.findings.len()).unwrap()
}

fn said(one: &Incident, question: &str) -> String {
    let of = |answer: &&Answer| answer.question.starts_with(question);
    let answer = one.answers.iter().find(of).unwrap();
    answer.answer.join("\n")
}

#[test]
fn a_report_says_what_became_of_the_certificate() {
    let remains = said(&breach(), "What remains");
    for text in [
        "Certificate request renew-fb5b6 (a certificate for control-plane user system:kube-controller-manager) was approved; the cluster signed it at",
        "which is proved",
        "The request was read again at",
    ] {
        assert!(remains.contains(text), "{text} is not in:\n{remains}");
    }
}

#[test]
fn no_number_that_holds_inferred_things_is_called_proved() {
    let one = breach();
    assert!(!one.reach.is_empty());
    for reach in &one.reach {
        assert_eq!(reach.proved + reach.inferred + reach.unknown, reach.count, "{reach:#?}");
        assert_eq!(reach.surety == "proved", reach.proved == reach.count, "{reach:#?}");
    }
    let secrets = one.reach.iter().find(|reach| reach.kind == "secrets").unwrap();
    assert!(secrets.sentence.contains(&format!("read {} of them", secrets.read)), "{secrets:#?}");
    assert!(secrets.read <= secrets.count);
    assert!(said(&one, "What could be reached").contains("other totals"));
}

#[test]
fn nobody_is_sent_to_a_pod_that_is_gone_nor_told_a_step_twice() {
    let one = breach();
    let all: Vec<&String> = one.commands.iter().chain(&one.next_steps).collect();
    for (at, step) in all.iter().enumerate() {
        // The machine that it ran on is still there.
        let of_machine = step.starts_with("kubectl cordon ");
        assert!(of_machine || !step.contains("batch-fb5b6"), "{step}");
        assert!(!all[at + 1..].contains(step), "{step}");
    }
    let of_bob =
        one.next_steps.iter().filter(|step| step.contains("bob") && !step.contains("everything"));
    assert_eq!(of_bob.count(), 1, "{:#?}", one.next_steps);
}

#[test]
fn a_client_certificate_is_not_said_to_be_withdrawn() {
    let one = breach();
    assert!(one.next_steps[0].contains("Kubernetes cannot revoke"), "{}", one.next_steps[0]);
    let signed = &one.next_steps[0];
    assert!(signed.contains("renew-fb5b6") && signed.contains("new certificate authority"));
    let groups = &one.next_steps[1];
    assert!(groups.contains("user bob") && groups.contains("delete what binds"), "{groups}");
    let reached: Vec<&str> = one.reach.iter().map(|reach| reach.sentence.as_str()).collect();
    assert!(reached.iter().any(|one| one.contains("system:kube-controller-manager")));
    let burnt = said(&one, "Which credentials");
    assert!(burnt.contains("client certificate") && burnt.contains("of user bob"), "{burnt}");
}

#[test]
fn every_question_is_answered() {
    let one = breach();
    assert_eq!(one.answers.len(), 9);
    for answer in &one.answers {
        assert!(answer.answer.iter().all(|sentence| !sentence.is_empty()), "{answer:#?}");
        assert!(!answer.answer.is_empty(), "{}", answer.question);
        // Times as people write them.
        assert!(!answer.answer.iter().any(|sentence| sentence.contains("Z UTC")), "{answer:#?}");
    }
}
