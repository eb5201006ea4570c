//! Which next steps are left when the commands are told: none twice, none about what is gone.

use super::{Acts, Frame};
use std::collections::BTreeSet;
use trailhound_model::observed::Surety;

/// Steps that neither repeat a command nor look for what is gone.
pub(super) fn keep(steps: &mut Vec<String>, commands: &[String], acts: &Acts, frame: Frame) {
    let told: BTreeSet<Vec<String>> = commands.iter().map(|one| canonical(one)).collect();
    let mut seen: BTreeSet<Vec<Vec<String>>> = BTreeSet::new();
    steps.retain(|step| {
        let own: Vec<Vec<String>> = kubectl(step).iter().map(|one| canonical(one)).collect();
        let repeats = !own.is_empty() && own.iter().all(|one| told.contains(one));
        let twice = !own.is_empty() && !seen.insert(own.clone());
        let gone = own.iter().any(|command| names_gone(command, frame));
        !(repeats || twice || gone || acts.is_in_vain(step))
    });
}

/// The commands that a step holds in backquotes.
fn kubectl(step: &str) -> Vec<String> {
    let code = step.split('`').skip(1).step_by(2);
    code.filter(|code| code.starts_with("kubectl ")).map(ToOwned::to_owned).collect()
}

/// A command as words that do not hang on spelling: flags in one form and in order, no comment.
fn canonical(command: &str) -> Vec<String> {
    let command = command.split("   #").next().unwrap_or(command);
    let mut flags = BTreeSet::new();
    let mut plain = Vec::new();
    let mut words = command.split_whitespace();
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(n, v)| (n, Some(v)));
        let name = match name {
            "-n" => "--namespace",
            "-o" => "--output",
            other => other,
        };
        match name {
            "--namespace" | "--output" | "--as" => {
                let value = value.or_else(|| words.next()).unwrap_or_default();
                flags.insert(format!("{name}={value}"));
            }
            _ if name.starts_with('-') => {
                flags.insert(word.to_owned());
            }
            _ => plain.push(singular(word)),
        }
    }
    plain.extend(flags);
    plain
}

fn singular(word: &str) -> String {
    match word {
        "pods" | "po" => "pod".to_owned(),
        "rolebindings" => "rolebinding".to_owned(),
        "clusterrolebindings" => "clusterrolebinding".to_owned(),
        other => other.to_owned(),
    }
}

/// Whether a `kubectl delete KIND NAME` is about something that had ended when the log ended.
fn names_gone(command: &[String], frame: Frame) -> bool {
    let [kubectl, delete, kind, name, flags @ ..] = command else { return false };
    if kubectl != "kubectl" || delete != "delete" {
        return false;
    }
    let namespace = flags.iter().find_map(|flag| flag.strip_prefix("--namespace="));
    let entity = match namespace {
        Some(namespace) => format!("{kind}:{namespace}/{name}"),
        None => format!("{kind}:{name}"),
    };
    has_ended(&entity, frame)
}

/// Whether the log shows that everything of that name had ended by its end.
pub(crate) fn has_ended(entity: &str, frame: Frame) -> bool {
    let (Some(twin), Some(end)) = (frame.twin, frame.log_ends) else { return false };
    let lives = twin.objects().resolve(entity);
    !lives.is_empty()
        && lives.iter().all(|life| life.end.is_some() && life.existed_at(end) == Surety::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Frame, Who};
    use trailhound_model::{incident::Act, time::Time};

    const FRAME: Frame<'static> = Frame { log_begins: None, log_ends: None, twin: None };

    fn acts(list: &[(&str, &str)]) -> Acts {
        let act = |(at, (action, target)): (usize, &(&str, &str))| {
            let time = Time(at as i64);
            let (action, target) = ((*action).to_owned(), (*target).to_owned());
            let outcome = "allowed".to_owned();
            (
                Who { entity: "user:bob".into() },
                Act { time, last: time, action, target, outcome, ..Act::default() },
            )
        };
        Acts { list: list.iter().enumerate().map(act).collect() }
    }

    #[test]
    fn a_step_that_repeats_a_command_in_another_spelling_goes() {
        let mut steps = vec![
            "Delete the pod: `kubectl delete pod -n shop cart-1`".to_owned(),
            "Look: `kubectl get pod cart-1 -n shop -o yaml`".to_owned(),
        ];
        let commands =
            ["kubectl delete pod cart-1 --namespace shop   # ends its tokens".to_owned()];
        keep(&mut steps, &commands, &acts(&[]), FRAME);
        assert_eq!(steps.len(), 1);
        assert!(steps[0].starts_with("Look"));
    }

    #[test]
    fn nobody_is_sent_to_what_is_gone() {
        let acts = acts(&[
            ("workload.create", "pod:data/batch-1"),
            ("workload.delete", "pod:data/batch-1"),
        ]);
        let mut steps = vec![
            "Ask the owners of pod batch-1 whether somebody works in it by hand.".to_owned(),
            "Ask the owners of pod cart-1 whether somebody works in it by hand.".to_owned(),
        ];
        keep(&mut steps, &[], &acts, FRAME);
        assert_eq!(steps, ["Ask the owners of pod cart-1 whether somebody works in it by hand."]);
    }
}
