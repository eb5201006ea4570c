//! The first page for somebody who decides and does not know Kubernetes: what happened, how bad it
//! is, what is affected, what to do first, and how far to trust this report. Five answers, each in
//! plain words, also when the answer is "nothing".

use crate::{
    advice::{self, Part},
    sanitize, words,
};
use std::fmt::Write as _;
use trailhound_model::{incident::Incident, scan::Scan};

/// A question and its answer.
pub(crate) struct Answer {
    pub(crate) question: &'static str,
    pub(crate) parts: Vec<Part>,
    pub(crate) link: Option<Link>,
}

/// Where to read on.
pub(crate) struct Link {
    pub(crate) to: String,
    pub(crate) text: &'static str,
}

fn answer(question: &'static str, text: &str) -> Answer {
    Answer { question, parts: advice::inline(&sanitize::prose(text)), link: None }
}

fn linked(mut answer: Answer, to: &str, text: &'static str) -> Answer {
    answer.link = Some(Link { to: to.to_owned(), text });
    answer
}

/// The answers of a scan.
pub(crate) fn of(scan: &Scan) -> Vec<Answer> {
    match scan.incidents.first().filter(|one| words::is_serious(one)) {
        Some(worst) => serious(scan, worst),
        None => calm(scan),
    }
}

fn serious(scan: &Scan, worst: &Incident) -> Vec<Answer> {
    let acting = first_command(worst).filter(|_| !only_looks(worst));
    let first_step = acting.or_else(|| first_next_step(worst)).or_else(|| first_command(worst));
    let mut answers = vec![
        linked(answer("What happened", &what_happened(worst)), "i1", "the whole story"),
        answer("How bad it is", &how_bad(scan, worst)),
        Answer {
            question: "What is affected",
            parts: vec![Part::Text(sanitize::prose(&affected(worst)))],
            link: None,
        },
    ];
    answers.extend(first_step);
    answers.push(trust(scan));
    answers
}

/// Whether the commands begin with a question about rights: that stops nobody.
fn only_looks(worst: &Incident) -> bool {
    worst.commands.first().is_some_and(|command| command.starts_with("kubectl auth can-i"))
}

fn first_next_step(worst: &Incident) -> Option<Answer> {
    worst.next_steps.first().map(|step| Answer {
        question: "What to do first",
        parts: advice::step(&sanitize::prose(step)),
        link: Some(Link { to: "i1-next".to_owned(), text: "all steps" }),
    })
}

fn first_command(worst: &Incident) -> Option<Answer> {
    let (why, command) = words::explained(worst.commands.first()?);
    let mut parts = advice::inline(&words::sentence(&why));
    parts.push(Part::Command(command));
    let link = Link { to: "i1-first".to_owned(), text: "all commands; none was run" };
    Some(Answer { question: "What to do first", parts, link: Some(link) })
}

fn calm(scan: &Scan) -> Vec<Answer> {
    let found = match scan.incidents.len() as u64 {
        0 => "Nothing. No rule found anything in this log.".to_owned(),
        minor => format!(
            "Nothing that needs somebody now. There {} {}, listed below.",
            if minor == 1 { "is" } else { "are" },
            words::counted(minor, "minor observation")
        ),
    };
    let looked = format!(
        "{} Of each, {} asked whether it is part of an attack.",
        words::what_was_read(&scan.input),
        words::counted(scan.rules.len() as u64, "rule")
    );
    vec![
        answer("What was found", &found),
        linked(answer("What was looked at", &looked), "checked", "what was checked"),
        trust(scan),
    ]
}

/// The story of the worst incident, cut at a sentence.
fn what_happened(worst: &Incident) -> String {
    const LIMIT: usize = 700;
    let story = if worst.story.is_empty() { &worst.title } else { &worst.story };
    let story = sanitize::prose(story);
    let mut length = 0;
    let sentences = story.split_inclusive(". ").take_while(|sentence| {
        length += sentence.chars().count();
        length <= LIMIT
    });
    let text: String = sentences.collect();
    let text = if text.is_empty() { sanitize::shortened(&story, LIMIT) } else { text };
    format!("{} ({})", text.trim_end(), words::period(worst.first_seen, worst.last_seen))
}

fn how_bad(scan: &Scan, worst: &Incident) -> String {
    let likely = words::sureness(worst.confidence);
    let mut text = format!(
        "{}: {}. It is {likely} that this is not a false alarm as a whole; how sure each step is stands beside it.",
        capital(worst.severity.as_str()),
        words::urgency(worst.severity),
    );
    let others = scan.incidents.iter().filter(|one| words::is_serious(one)).count() as u64 - 1;
    if others > 0 {
        let verb = if others == 1 { "is" } else { "are" };
        let more = words::counted(others, "more incident");
        let _ = write!(text, " There {verb} {more} of medium severity or above.");
    }
    text
}

fn affected(worst: &Incident) -> String {
    let mut text = format!("{}.", capital(&words::cluster(&worst.cluster)));
    for (label, names) in [("Touched", &worst.targets), ("Identities used", &worst.principals)] {
        let mut unique: Vec<String> = Vec::new();
        for name in names.iter().take(200).map(|name| words::named(name)) {
            if !unique.contains(&name) {
                unique.push(name);
            }
        }
        if !unique.is_empty() {
            let _ = write!(text, " {label}: {}.", words::listed(&unique, 6));
        }
    }
    text
}

fn trust(scan: &Scan) -> Answer {
    let mut sentences = Vec::new();
    sentences.extend(words::unread(scan));
    sentences.push(completeness(scan));
    let blind = words::blind(scan).len() as u64;
    if blind > 0 {
        let what = if blind == 1 { "it looks" } else { "they look" };
        let rules = words::counted(blind, "rule");
        sentences.push(format!(
            "{rules} could not see what {what} for, because the log does not carry it."
        ));
    }
    linked(
        answer("How far to trust this", &sentences.join(" ")),
        "completeness",
        "how complete the log was",
    )
}

fn completeness(scan: &Scan) -> String {
    match scan.completeness.as_slice() {
        [] => "How complete the log was is unknown.".to_owned(),
        [only] => capital(&words::coverage(only)),
        several => {
            let unknown = several.iter().filter(|one| one.score.is_none()).count();
            let gaps = several.iter().map(|one| one.gaps.len() as u64).sum();
            let doubt = match unknown {
                0 => String::new(),
                _ => format!("; for {unknown} of them it is unknown whether records are missing"),
            };
            format!(
                "{} were judged: {} found{doubt}.",
                words::counted(several.len() as u64, "cluster"),
                words::counted(gaps, "gap")
            )
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(characters).collect())
}
