//! Which next steps are left when the commands are told: none twice, none about what is gone.

use super::{Acts, Frame};
use std::collections::BTreeSet;
use trailhound_model::{incident::Incident, observed::Surety, words::words};
use trailhound_twin::objects::Life;

/// Steps that neither repeat a command nor look for what is gone.
pub(super) fn keep(steps: &mut Vec<String>, commands: &[String], acts: &Acts, frame: Frame) {
    let told: BTreeSet<Vec<String>> = commands.iter().map(|one| canonical(one)).collect();
    let mut seen: BTreeSet<Vec<Vec<String>>> = BTreeSet::new();
    steps.retain(|step| {
        let own: Vec<Vec<String>> = kubectl(step).iter().map(|one| canonical(one)).collect();
        let repeats = !own.is_empty() && own.iter().all(|one| told.contains(one));
        let twice = !own.is_empty() && !seen.insert(own.clone());
        let gone = own.iter().any(|command| names_gone(command, frame));
        !(repeats || twice || gone || acts.is_in_vain(step) || says_again(step, commands))
    });
}

/// Whether a step is about a binding that a command looks at.
fn says_again(step: &str, commands: &[String]) -> bool {
    let Some((_, name)) = step.split_once("it came with the binding ") else { return false };
    let name = name.trim_end_matches('.');
    let is_it = |command: &String| {
        let words = canonical(command);
        matches!(words.as_slice(), [_, delete, kind, one, ..]
            if delete == "delete" && kind.ends_with("binding") && one == name)
    };
    commands.iter().any(is_it)
}

/// Steps about pods that are gone lose what is in vain, or go.
pub(super) fn without_gone_pods(incident: &mut Incident, frame: Frame) {
    let held = incident.hands.iter().filter_map(|hand| super::who::pod(hand, frame));
    let touched = incident.targets.iter().filter(|one| one.starts_with("pod:")).cloned();
    let pods: BTreeSet<String> = held.chain(touched).filter(|pod| has_ended(pod, frame)).collect();
    for pod in &pods {
        let name = pod.rsplit('/').next().unwrap_or_default();
        let asked = format!("Ask the owners of pod {name} ");
        incident.next_steps.retain(|step| !step.starts_with(&asked));
        let delete = format!(", and delete the pod {name} if it still runs, which ends the token");
        for step in &mut incident.next_steps {
            *step = step.replace(&delete, " (its pod is gone, and the token with it)");
        }
    }
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
    last_that_ended(entity, frame).is_some()
}

fn last_that_ended<'a>(entity: &str, frame: Frame<'a>) -> Option<&'a Life> {
    let (twin, end) = (frame.twin?, frame.log_ends?);
    let lives = twin.objects().resolve(entity);
    let ended = |life: &&Life| life.end.is_some() && life.existed_at(end) == Surety::Unknown;
    lives.iter().all(ended).then(|| lives.last().copied()).flatten()
}

/// `, deleted at 11:31:02 UTC by user ann (record …)`, as far as the log shows it.
pub(super) fn ending(entity: &str, frame: Frame) -> String {
    let Some(life) = last_that_ended(entity, frame) else { return String::new() };
    if let Some(act) = &life.deleted_by {
        let at = act.witness.time.clock();
        let record = super::record(&act.witness);
        return format!(", deleted at {at} UTC by {}{record}", words(&act.who));
    }
    match &life.end {
        Some(end) => {
            format!(", seen at {} UTC{}", end.witness.time.clock(), super::record(&end.witness))
        }
        None => String::new(),
    }
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
    fn a_grant_that_a_command_takes_away_is_not_told_again() {
        let mut steps = vec![
            "Take the right away from service account a/b: it came with the binding old."
                .to_owned(),
            "Take the right away from service account a/b: it came with the binding older."
                .to_owned(),
        ];
        let commands = ["kubectl delete clusterrolebinding old   # if nothing needs it".to_owned()];
        keep(&mut steps, &commands, &acts(&[]), FRAME);
        assert_eq!(steps.len(), 1);
        assert!(steps[0].ends_with("older."));
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
