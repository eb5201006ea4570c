//! The questions that everybody asks of an incident, answered from what the log shows of it.
//!
//! Each answer says how sure it is. Nothing is answered from what a rule supposes: acts that succeeded
//! were done, the rest was tried; that somebody else held a credential is inferred, never proved,
//! because the API server sees credentials and not people.

mod certificates;
mod elsewhere;
pub(crate) mod people;
mod secrets;
pub(crate) mod steps;
mod who;

pub use elsewhere::{Use, elsewhere};

use crate::commands;
use certificates::Certificate;
use std::collections::BTreeSet;
use trailhound_model::{
    finding::{Finding, TouchRole},
    incident::{Act, Answer, Hand, Incident, question},
    observed::{Surety, Witness},
    time::Time,
    words::{list, spoken, words},
};
use trailhound_twin::Twin;

/// Things that one sentence names; the rest is counted.
const MOST_NAMED: usize = 8;

/// What surrounds the incident.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// First event of the log.
    pub log_begins: Option<Time>,
    /// Last event of the log.
    pub log_ends: Option<Time>,
    /// The rebuilt cluster, if there is one.
    pub twin: Option<&'a Twin>,
}

/// Users whose certificates were signed in an incident, as entities: whoever asked for them can act
/// as them from then on.
pub fn certified(incident: &Incident, frame: Frame) -> Vec<String> {
    let acts = Acts::of(incident);
    certificates::of(incident, &acts, frame).iter().filter_map(Certificate::holder).collect()
}

/// Answers all questions and names the commands. `findings` are those of the incident; its reach
/// should be known. `uses` are those of its credentials in other incidents.
pub fn answer(incident: &mut Incident, findings: &[&Finding], uses: &[Use], frame: Frame) {
    elsewhere::tell(incident, uses);
    let acts = Acts::of(incident);
    let certificates = certificates::of(incident, &acts, frame);
    secrets::tell_read(incident, &acts, frame);
    incident.commands = commands::commands(incident, &acts, findings, frame);
    steps::keep(&mut incident.next_steps, &incident.commands, &acts, frame);
    steps::without_gone_pods(incident, frame);
    // A certificate outlives its request: nothing above makes this vain.
    people::tell(incident, frame);
    let urgent: Vec<String> = certificates.iter().filter_map(Certificate::step).collect();
    incident.next_steps.splice(0..0, urgent);
    incident.answers = vec![
        who::who(incident, findings, frame),
        burnt(incident, findings, &acts, &certificates, uses, frame),
        read(&acts, frame),
        changed(&acts),
        remains(incident, &acts, &certificates, frame),
        reachable(incident),
        began(incident, &acts, findings.iter().map(|one| one.time).min(), frame),
        now(incident),
        silence(incident, frame),
    ];
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
        let words = words.map(|word| word.trim_end_matches(['.', ':']));
        // In prose only a name that cannot be a common word is a name.
        let distinct = |name: &String| {
            step.contains("kubectl") || name.contains(|c: char| c == '-' || c.is_ascii_digit())
        };
        names.any(|name| distinct(&name) && words.clone().any(|word| is_name(word, &name)))
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

/// Whether a word is a name, alone or behind its kind.
fn is_name(word: &str, name: &str) -> bool {
    word.strip_suffix(name).is_some_and(|kind| kind.is_empty() || kind.ends_with(':'))
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

/// Acts are proved; that there were none only follows from their not being in the log.
fn proved_or_none(question: &str, said: Vec<String>, nothing: &str) -> Answer {
    if said.is_empty() {
        return answered(question, vec![nothing.to_owned()], Surety::Inferred, nothing);
    }
    answered(question, said, Surety::Proved, nothing)
}

fn place(hand: &Hand) -> String {
    if hand.address.is_empty() { String::new() } else { format!(" from {}", hand.address) }
}

fn actor(finding: &Finding) -> &str {
    finding.real_principal.as_deref().unwrap_or(&finding.principal)
}

fn burnt(
    incident: &Incident,
    findings: &[&Finding],
    acts: &Acts,
    certificates: &[Certificate],
    uses: &[Use],
    frame: Frame,
) -> Answer {
    let mut said = Vec::new();
    let mut told = BTreeSet::new();
    for hand in &incident.hands {
        let nameless =
            hand.entity == "user:system:anonymous" || hand.entity == "user:unauthenticated";
        if !nameless && told.insert((&hand.entity, &hand.credential, &hand.address)) {
            let from = place(hand).replacen(" from", ", used from", 1);
            said.push(format!("Used for these acts: {}{from}.", credential(hand, frame)));
        }
    }
    let mut known = BTreeSet::new();
    let once = incident.hands.iter().filter(|hand| known.insert(&hand.credential));
    said.extend(once.filter_map(|hand| elsewhere::also(hand, uses)));
    said.extend(certificates.iter().filter_map(Certificate::burnt));
    let hands: BTreeSet<&str> = incident.hands.iter().map(|hand| hand.entity.as_str()).collect();
    let held: BTreeSet<String> =
        incident.hands.iter().filter_map(|hand| who::pod(hand, frame)).collect();
    let given: BTreeSet<&str> = findings
        .iter()
        .flat_map(|finding| &finding.touches)
        .filter(|touch| touch.role == TouchRole::Enables && is_credential(&touch.entity))
        .filter(|touch| certificates.is_empty() || !touch.entity.starts_with("user:"))
        .map(|touch| touch.entity.as_str())
        .filter(|entity| !hands.contains(entity) && !held.contains(*entity))
        .collect();
    if !given.is_empty() {
        let names: Vec<String> = given.iter().map(|entity| words(entity)).collect();
        said.push(format!(
            "Within reach of whoever did this, whether used or not: the credentials of {}.",
            named(&names)
        ));
    }
    if acts.done(|action| action.starts_with("secret.") && is_reading(action)).next().is_some() {
        said.push(
            "And every password, key and token in the secrets that were read: see the next answer."
                .to_owned(),
        );
    }
    answered("Which credentials are burnt?", said, Surety::Inferred, "None that the log names.")
}

/// A credential with what ends it.
fn credential(hand: &Hand, frame: Frame) -> String {
    let who = words(&hand.entity);
    let id = hand.credential.trim_start_matches("cred:");
    match id.split_once('=') {
        Some(("X509SHA256", id)) => {
            format!("the client certificate {id} of {who}")
        }
        Some(("JTI", id)) => match who::life(hand, frame).filter(|life| !life.pod.is_empty()) {
            Some(life) => format!("the token {id} of {who}, made for pod {}", life.pod),
            None => format!("the token {id} of {who}"),
        },
        _ if id.is_empty() => format!("a credential of {who}, whose id this log does not have"),
        _ => format!("the credential {id} of {who}"),
    }
}

fn is_credential(entity: &str) -> bool {
    ["pod:", "sa:", "cred:", "user:", "node:"].iter().any(|sort| entity.starts_with(sort))
}

fn read(acts: &Acts, frame: Frame) -> Answer {
    let said = told(acts.done(is_reading), |act| secrets::covered(act, frame).unwrap_or_default());
    let nothing = "No secret, configuration or container output was read through the API server by these identities, as far as this log shows.";
    proved_or_none("What was read?", said, nothing)
}

fn changed(acts: &Acts) -> Answer {
    let said =
        told(acts.done(|action| is_change(action) || is_deletion(action)), |_| String::new());
    let nothing = "Nothing was changed, as far as this log shows.";
    proved_or_none("What was changed?", said, nothing)
}

/// Alike acts once, with how often, and what is to be said of each.
fn told<'a>(
    acts: impl Iterator<Item = &'a (Who, Act)>,
    note: impl Fn(&Act) -> String,
) -> Vec<String> {
    let mut seen: Vec<(String, String, u64)> = Vec::new();
    for (who, act) in acts {
        let what = format!("{}{}", act.sentence, note(act));
        match seen.iter_mut().find(|(other, known, _)| *other == who.entity && *known == what) {
            Some((_, _, count)) => *count += 1,
            None => seen.push((who.entity.clone(), what, 1)),
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

fn remains(incident: &Incident, acts: &Acts, certificates: &[Certificate], frame: Frame) -> Answer {
    let mut left = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for (_, act) in acts.done(is_change) {
        if act.target.ends_with('*') || !act.target.contains(':') {
            continue;
        }
        if acts.deleted_later(&act.target, act.time) {
            gone.insert(spoken(&act.target));
        } else if steps::has_ended(&act.target, frame) {
            let by = steps::ending(&act.target, frame);
            gone.insert(format!("{} (later, outside this incident{by})", spoken(&act.target)));
        } else {
            left.insert(spoken(&act.target));
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
        let things = if unnamed == 1 { "1 thing was" } else { "things were" };
        let count = if unnamed == 1 { String::new() } else { format!("{unnamed} ") };
        said.push(format!(
            "{count}{things} made whose names this log does not have: look for what was created at those times."
        ));
    }
    said.extend(certificates.iter().map(Certificate::fate));
    if said.is_empty() {
        said.push("Nothing was made or changed, as far as this log shows.".to_owned());
    }
    said.extend(valid(incident, frame));
    answered("What remains?", said, Surety::Inferred, "")
}

/// Tokens of pods that still ran when the log ended, and certificates, go on working.
fn valid(incident: &Incident, frame: Frame) -> Vec<String> {
    let (mut valid, mut ended) = (BTreeSet::new(), BTreeSet::new());
    for hand in &incident.hands {
        let who = words(&hand.entity);
        if hand.credential.starts_with("cred:X509") {
            valid.insert(format!("the client certificate of {who} (until it expires)"));
        }
        let Some(pod) = who::pod(hand, frame) else { continue };
        let told = words(&pod);
        if steps::has_ended(&pod, frame) {
            let by = steps::ending(&pod, frame);
            ended.insert(format!("the token of {who} ({told} is gone{by}, and its token with it)"));
        } else {
            valid.insert(format!("the token of {who} (until it expires, or {told} is deleted)"));
        }
    }
    let mut said = Vec::new();
    for (names, what) in [
        (valid, "Still valid, as far as this log shows"),
        (ended, "No longer valid, as far as this log shows"),
    ] {
        let names: Vec<String> = names.into_iter().collect();
        if !names.is_empty() {
            said.push(format!("{what}: {}.", named(&names)));
        }
    }
    said
}

fn reachable(incident: &Incident) -> Answer {
    let mut said: Vec<String> = incident.reach.iter().map(|one| one.sentence.clone()).collect();
    if !said.is_empty() {
        said.insert(0, format!("Counted with the rights and objects that this log knew of at {}, when this incident ended, whether or not they were used. Another incident that ended at another time has other totals.", moment(incident.last_seen)));
    }
    let weakest = |surety: &str| match surety {
        "proved" => Surety::Proved,
        "inferred" => Surety::Inferred,
        _ => Surety::Unknown,
    };
    let surety =
        incident.reach.iter().map(|one| weakest(&one.surety)).min().unwrap_or(Surety::Unknown);
    let nothing = "The log shows too little of the rights of these identities to say.";
    answered(question::REACH, said, surety, nothing)
}

fn began(incident: &Incident, acts: &Acts, found: Option<Time>, frame: Frame) -> Answer {
    let mut said = Vec::new();
    let first = acts.list.first().map_or(incident.first_seen, |(_, act)| act.time);
    said.push(format!("The first act that can be tied to it is of {}.", moment(first)));
    if let Some(found) = found.filter(|found| first < *found) {
        said.push(format!("The first that a rule objects to came at {} UTC.", found.clock()));
    }
    let opener = incident.hands.iter().min_by_key(|hand| hand.first);
    let issued = opener.and_then(|hand| who::issued(hand, frame));
    said.extend(issued.map(elsewhere::cannot_precede));
    if let Some(begins) = frame.log_begins {
        let earlier = match issued {
            Some(_) => "whoever did this may have been at work earlier with another credential",
            None => "it may have begun earlier",
        };
        said.push(format!(
            "This log begins at {}; what was before it is not known, so that {earlier}.",
            moment(begins)
        ));
    }
    answered("When did it begin?", said, Surety::Inferred, "")
}

fn now(incident: &Incident) -> Answer {
    let mut said = Vec::new();
    if !incident.commands.is_empty() {
        said.push(
            "First run the commands under \u{201c}What to do first\u{201d}, in that order."
                .to_owned(),
        );
    }
    said.extend(incident.next_steps.iter().take(MOST_NAMED).cloned());
    answered(question::NOW, said, Surety::Inferred, "Nothing beyond the steps of its findings.")
}

fn silence(incident: &Incident, frame: Frame) -> Answer {
    let mut said = incident.unknowns.clone();
    if let Some(ends) = frame.log_ends {
        said.push(format!("What happened after {}, when this log ends.", moment(ends)));
    }
    let mut answer = answered(question::SILENCE, said, Surety::Proved, "");
    Surety::Unknown.as_str().clone_into(&mut answer.surety);
    answer
}

/// `2026-03-14 02:12:41 UTC`
fn moment(time: Time) -> String {
    let text = time.to_string();
    let day = text.split('T').next().unwrap_or_default();
    format!("{day} {} UTC", time.clock())
}

/// ` (record 4fd1…)`, so that a statement can be looked up; nothing where the record has no id.
fn record(witness: &Witness) -> String {
    if witness.audit_id.is_empty() {
        return String::new();
    }
    format!(" (record {})", witness.audit_id)
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
