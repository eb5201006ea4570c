//! `trailhound timeline`: every act by or on something, in order.

use super::{
    questions::{self, Logs, Readings, Shown},
    when::When,
};
use crate::{
    args::TimelineArgs,
    exit::{CommandError, Verdict},
};
use std::collections::BTreeSet;
use trailhound_investigate::{
    subject::Subject,
    timeline::{About, Collector, Question},
    whole,
};
use trailhound_model::{Str, scan::Scan};
use trailhound_report::investigate as shown;

/// Runs the command.
pub(crate) fn run(args: &TimelineArgs) -> Result<Verdict, CommandError> {
    let subject = questions::subject(&args.entity)?;
    let from = args.from.as_deref().map(When::parse).transpose()?;
    let to = args.to.as_deref().map(When::parse).transpose()?;
    let mut logs = Logs::read(&args.paths, &args.read, Readings::Two)?;
    let subject = logs.found(subject)?;
    let Some(about) = about(&subject, &logs) else {
        return Ok(logs.unknown(&subject.entity()));
    };
    let (from, to) = (from.map(|when| logs.moment(when)), to.map(|when| logs.moment(when)));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(CommandError::Reversed);
    }
    let question = Question { about, from, to, limit: args.limit };
    let mut collector = Collector::new(question, &logs.scan().findings);
    logs.follow(&mut |fact, cause| {
        collector.observe(fact, cause.map(|cause| cause.root.audit_id.as_str()));
    })?;
    let answer = collector.finish(subject.entity());
    if answer.requests == 0 {
        return Ok(logs.unknown(&subject.entity()));
    }
    let shown = Shown { text: &shown::timeline, drawn: Some(&shown::drawn::timeline) };
    logs.show("timeline", &answer, &shown, &args.ask)
}

/// The id of an incident or finding is looked up: its requests are asked for. An application is all
/// that belongs to it.
fn about(subject: &Subject, logs: &Logs) -> Option<About> {
    match subject {
        Subject::Told(id) => {
            Some(About { subjects: Vec::new(), records: records(id, logs.scan())? })
        }
        Subject::App(name) => {
            let subjects = logs.ask(|twin| whole::of_app(twin, name)).flatten()?;
            Some(About { subjects, records: BTreeSet::new() })
        }
        one => Some(About { subjects: vec![one.clone()], records: BTreeSet::new() }),
    }
}

fn records(id: &str, scan: &Scan) -> Option<BTreeSet<Str>> {
    let incident =
        scan.incidents.iter().find(|one| one.id == id || one.merged.iter().any(|old| old == id));
    if let Some(incident) = incident {
        // What no rule objects to is part of the story too: the acts of its hands.
        let acts = incident.hands.iter().flat_map(|hand| &hand.acts);
        let acts = acts.flat_map(|act| &act.evidence);
        return Some(incident.evidence.iter().chain(acts).cloned().collect());
    }
    let finding = scan.findings.iter().find(|one| one.id == id)?;
    Some(finding.records.iter().map(|record| record.audit_id.clone()).collect())
}
