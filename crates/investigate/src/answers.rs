//! The questions that everybody asks of an incident, answered from what the log shows of it.
//!
//! Each answer says how sure it is. Nothing is answered from what a rule supposes: acts that succeeded
//! were done, the rest was tried; that somebody else held a credential is inferred, never proved,
//! because the API server sees credentials and not people.

use crate::commands;
use std::collections::BTreeSet;
use trailhound_model::{
    finding::{Finding, TouchRole},
    incident::{Act, Answer, Hand, Incident},
    observed::Surety,
    time::Time,
    words::{list, words},
};

/// Things that one sentence names; the rest is counted.
const MOST_NAMED: usize = 8;

/// What surrounds the incident.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// First event of the log.
    pub log_begins: Option<Time>,
    /// Last event of the log.
    pub log_ends: Option<Time>,
}

/// Answers all questions and names the commands. `findings` are those of the incident; its reach
/// should be known.
pub fn answer(incident: &mut Incident, findings: &[&Finding], frame: Frame) {
    let acts = Acts::of(incident);
    incident.next_steps.retain(|step| !acts.is_in_vain(step));
    let answers = vec![
        who(incident, findings),
        burnt(incident, findings),
        read(&acts),
        changed(&acts),
        remains(&acts),
        reachable(incident),
        began(incident, &acts, findings.iter().map(|one| one.time).min(), frame),
        now(incident),
        silence(incident, frame),
    ];
    let commands = commands::commands(&acts, findings);
    incident.answers = answers;
    incident.commands = commands;
}

/// All acts in order of time, with who did them.
pub(crate) struct Acts {
    pub(crate) list: Vec<(Who, Act)>,
}

/// Who did something, from where.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) entity: String,
}

impl Acts {
    fn of(incident: &Incident) -> Acts {
        let mut list: Vec<(Who, Act)> = Vec::new();
        for hand in &incident.hands {
            let who = Who { entity: hand.entity.clone() };
            list.extend(hand.acts.iter().map(|act| (who.clone(), act.clone())));
        }
        list.sort_by(|a, b| a.1.time.cmp(&b.1.time).then_with(|| a.1.target.cmp(&b.1.target)));
        Acts { list }
    }

    /// Acts that succeeded and that the test picks.
    pub(crate) fn done<'a>(
        &'a self,
        pick: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = &'a (Who, Act)> {
        self.list.iter().filter(move |(_, act)| act.outcome == "allowed" && pick(&act.action))
    }

    /// Whether a step would look for or delete what is gone already.
    fn is_in_vain(&self, step: &str) -> bool {
        let gone =
            self.done(is_change).filter(|(_, act)| self.deleted_later(&act.target, act.time));
        let mut names = gone.filter_map(|(_, act)| {
            let (_, name) = act.target.split_once(':')?;
            let name = name.rsplit('/').next()?;
            (name.len() > 3 && name != "*").then(|| name.to_owned())
        });
        let part = |letter: char| letter.is_alphanumeric() || "-.:_".contains(letter);
        let words = step.split(|letter| !part(letter));
        step.contains("kubectl") && names.any(|name| words.clone().any(|word| word == name))
    }

    /// Whether the last that was done to a thing is that it was deleted.
    pub(crate) fn is_gone(&self, target: &str) -> bool {
        let last = self.done(|action| is_change(action) || is_deletion(action));
        last.filter(|(_, act)| act.target == target)
            .last()
            .is_some_and(|(_, act)| is_deletion(&act.action))
    }

    /// Whether a later act deleted the thing.
    pub(crate) fn deleted_later(&self, target: &str, after: Time) -> bool {
        self.done(is_deletion).any(|(_, act)| act.target == target && act.last >= after)
    }
}

pub(crate) fn is_deletion(action: &str) -> bool {
    action.ends_with(".delete") || action.ends_with(".delete-many") || action == "rbac.revoke"
}

/// Whether an action makes or changes something that stays.
pub(crate) fn is_change(action: &str) -> bool {
    let Some((sort, verb)) = action.split_once('.') else { return false };
    let changes = matches!(
        verb,
        "create" | "change" | "write" | "grant" | "approve" | "sign" | "scale" | "debug" | "extend"
    );
    changes && !matches!(sort, "status" | "lease" | "event")
}

fn is_reading(action: &str) -> bool {
    matches!(
        action,
        "secret.read"
            | "secret.list"
            | "secret.watch"
            | "config.read"
            | "pod.logs"
            | "pod.exec"
            | "node.proxy"
    )
}

fn answered(question: &str, answer: Vec<String>, surety: Surety, nothing: &str) -> Answer {
    let none = answer.is_empty();
    Answer {
        question: question.to_owned(),
        answer: if none { vec![nothing.to_owned()] } else { answer },
        surety: if none { Surety::Unknown } else { surety }.as_str().to_owned(),
    }
}

fn place(hand: &Hand) -> String {
    if hand.address.is_empty() { String::new() } else { format!(" from {}", hand.address) }
}

fn who(incident: &Incident, findings: &[&Finding]) -> Answer {
    let mut said = Vec::new();
    let first = incident.hands.iter().min_by_key(|hand| hand.first);
    if let Some(hand) = first {
        said.push(format!(
            "The first act that can be tied to this was done as {}{}, at {} UTC.",
            words(&hand.entity),
            place(hand),
            hand.first.clock()
        ));
        let own = findings.iter().filter(|one| actor(one) == hand.entity);
        let new = own.into_iter().any(|one| one.address_new == Some(true));
        if new {
            said.push("That identity had never used this address before in this log: its credential is probably in other hands, or its owner was somewhere new. The log cannot tell which, nor how the credential was taken.".to_owned());
        } else if !hand.entity.starts_with("user:") {
            said.push("That is the identity of a program: the program itself did it, or whoever holds its credential. How a credential was taken, the log cannot tell.".to_owned());
        } else {
            said.push("Whether that address is usual for this identity cannot be told from this log: it may be the owner, or somebody with the owner's credential.".to_owned());
        }
    }
    said.extend(incident.hops.iter().map(|hop| format!("Then: {}", hop.sentence)));
    answered("Who got in, and how?", said, Surety::Inferred, "The log does not show who began it.")
}

fn actor(finding: &Finding) -> &str {
    finding.real_principal.as_deref().unwrap_or(&finding.principal)
}

fn burnt(incident: &Incident, findings: &[&Finding]) -> Answer {
    let mut said = Vec::new();
    let mut told = BTreeSet::new();
    for hand in &incident.hands {
        if !told.insert((&hand.entity, &hand.credential)) {
            continue;
        }
        let credential = match hand.credential.as_str() {
            "" => "its credential has no id in this log".to_owned(),
            id => id.trim_start_matches("cred:").to_owned(),
        };
        said.push(format!(
            "{} ({credential}), used{}.",
            capital(&words(&hand.entity)),
            place(hand)
        ));
    }
    let hands: BTreeSet<&str> = incident.hands.iter().map(|hand| hand.entity.as_str()).collect();
    let given: BTreeSet<&str> = findings
        .iter()
        .flat_map(|finding| &finding.touches)
        .filter(|touch| touch.role == TouchRole::Enables && is_credential(&touch.entity))
        .map(|touch| touch.entity.as_str())
        .filter(|entity| !hands.contains(entity))
        .collect();
    if !given.is_empty() {
        let names: Vec<String> = given.iter().map(|entity| words(entity)).collect();
        said.push(format!(
            "Within reach of the intruder, whether used or not: the credentials of {}.",
            named(&names)
        ));
    }
    answered("Which credentials are burnt?", said, Surety::Proved, "None that the log names.")
}

fn is_credential(entity: &str) -> bool {
    ["pod:", "sa:", "cred:", "user:", "node:"].iter().any(|sort| entity.starts_with(sort))
}

fn read(acts: &Acts) -> Answer {
    let said = told(acts.done(is_reading));
    let nothing = "No secret, configuration or container output was read through the API server by these identities, as far as this log shows.";
    answered("What was read?", said, Surety::Proved, nothing)
}

fn changed(acts: &Acts) -> Answer {
    let said = told(acts.done(|action| is_change(action) || is_deletion(action)));
    answered(
        "What was changed?",
        said,
        Surety::Proved,
        "Nothing was changed, as far as this log shows.",
    )
}

/// Alike acts once, with how often.
fn told<'a>(acts: impl Iterator<Item = &'a (Who, Act)>) -> Vec<String> {
    let mut seen: Vec<(String, String, u64)> = Vec::new();
    for (who, act) in acts {
        match seen.iter_mut().find(|(other, what, _)| *other == who.entity && *what == act.sentence)
        {
            Some((_, _, count)) => *count += 1,
            None => seen.push((who.entity.clone(), act.sentence.clone(), 1)),
        }
    }
    let more = seen.len().saturating_sub(3 * MOST_NAMED);
    let mut said: Vec<String> = seen
        .into_iter()
        .take(3 * MOST_NAMED)
        .map(|(who, what, count)| {
            let times = if count > 1 { format!(", in {count} goes") } else { String::new() };
            format!("{} {what}{times}.", capital(&words(&who)))
        })
        .collect();
    if more > 0 {
        said.push(format!("And {more} more acts, listed below."));
    }
    said
}

fn remains(acts: &Acts) -> Answer {
    let mut left = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for (_, act) in acts.done(is_change) {
        if act.target.ends_with('*') || !act.target.contains(':') {
            continue;
        }
        if acts.deleted_later(&act.target, act.time) {
            gone.insert(words(&act.target));
        } else {
            left.insert(words(&act.target));
        }
    }
    let mut said = Vec::new();
    if !left.is_empty() {
        let names: Vec<String> = left.into_iter().collect();
        said.push(format!("Made or changed, and not undone in this log: {}.", named(&names)));
    }
    if !gone.is_empty() {
        let names: Vec<String> = gone.into_iter().collect();
        said.push(format!("Made or changed, and deleted again: {}.", named(&names)));
    }
    let unnamed = acts.done(is_change).filter(|(_, act)| act.target.ends_with('*')).count();
    if unnamed > 0 {
        said.push(format!(
            "{unnamed} things were made whose names this log does not have: look for what was created at those times."
        ));
    }
    let approved: BTreeSet<String> =
        acts.done(|action| action == "csr.approve").map(|(_, act)| words(&act.target)).collect();
    if !approved.is_empty() {
        let names: Vec<String> = approved.into_iter().collect();
        said.push(format!("Approved: {}. A certificate that came of it stays valid until it expires, also when its request is deleted; Kubernetes cannot revoke it. Whether it was signed and fetched must be taken for granted.", named(&names)));
    }
    answered(
        "What remains?",
        said,
        Surety::Inferred,
        "Nothing that this log shows: nothing was made or changed. Credentials that were read remain usable.",
    )
}

fn reachable(incident: &Incident) -> Answer {
    let said: Vec<String> = incident.reach.iter().map(|one| one.sentence.clone()).collect();
    let weakest = |surety: &str| match surety {
        "proved" => Surety::Proved,
        "inferred" => Surety::Inferred,
        _ => Surety::Unknown,
    };
    let surety =
        incident.reach.iter().map(|one| weakest(&one.surety)).min().unwrap_or(Surety::Unknown);
    let nothing = "The log shows too little of the rights of these identities to say.";
    answered("What could be reached?", said, surety, nothing)
}

fn began(incident: &Incident, acts: &Acts, found: Option<Time>, frame: Frame) -> Answer {
    let mut said = Vec::new();
    let first = acts.list.first().map_or(incident.first_seen, |(_, act)| act.time);
    said.push(format!("The first act that can be tied to it is of {first} UTC."));
    if let Some(found) = found.filter(|found| first < *found) {
        said.push(format!("The first that a rule objects to came at {} UTC.", found.clock()));
    }
    if let Some(begins) = frame.log_begins {
        said.push(format!("This log begins at {begins} UTC; what was before it is not known."));
    }
    answered("When did it begin?", said, Surety::Inferred, "")
}

fn now(incident: &Incident) -> Answer {
    let steps = incident.next_steps.iter().take(MOST_NAMED).cloned().collect();
    answered(
        "What to do now?",
        steps,
        Surety::Inferred,
        "Nothing beyond the steps of its findings.",
    )
}

fn silence(incident: &Incident, frame: Frame) -> Answer {
    let mut said = incident.unknowns.clone();
    if let Some(ends) = frame.log_ends {
        said.push(format!("What happened after {ends} UTC, when this log ends."));
    }
    let mut answer = answered("What can the log not tell?", said, Surety::Proved, "");
    Surety::Unknown.as_str().clone_into(&mut answer.surety);
    answer
}

fn named(names: &[String]) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let mut shown: Vec<String> = names.iter().take(MOST_NAMED).cloned().collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    list(&shown)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}
