//! `trailhound timeline`: every act by or on something, in order.

use super::questions::{self, Logs};
use crate::{
    args::TimelineArgs,
    exit::{CommandError, Verdict},
};
use std::collections::BTreeSet;
use trailhound_investigate::{
    subject::Subject,
    timeline::{About, Collector, Question},
};
use trailhound_model::{Str, scan::Scan};

/// Runs the command.
pub(crate) fn run(args: &TimelineArgs) -> Result<Verdict, CommandError> {
    let subject = questions::subject(&args.entity)?;
    let logs = Logs::read(&args.paths, &args.read)?;
    let Some(about) = about(&subject, logs.scan()) else {
        return Ok(logs.unknown(&subject.entity()));
    };
    let moment =
        |typed: &Option<String>| typed.as_deref().map(|typed| logs.moment(typed)).transpose();
    let question =
        Question { about, from: moment(&args.from)?, to: moment(&args.to)?, limit: args.limit };
    let mut collector = Collector::new(question, &logs.scan().findings);
    logs.follow(&mut |fact, cause| collector.observe(fact, cause))?;
    let answer = collector.finish(subject.entity());
    if answer.requests == 0 {
        return Ok(logs.unknown(&subject.entity()));
    }
    logs.show("timeline", &answer, trailhound_report::investigate::timeline, &args.ask)
}

/// The id of an incident or finding is looked up: its requests are asked for.
fn about(subject: &Subject, scan: &Scan) -> Option<About> {
    let Subject::Told(id) = subject else {
        return Some(About { subjects: vec![subject.clone()], records: BTreeSet::new() });
    };
    let records = records(id, scan)?;
    Some(About { subjects: Vec::new(), records })
}

fn records(id: &str, scan: &Scan) -> Option<BTreeSet<Str>> {
    let incident =
        scan.incidents.iter().find(|one| one.id == id || one.merged.iter().any(|old| old == id));
    if let Some(incident) = incident {
        return Some(incident.evidence.iter().cloned().collect());
    }
    let finding = scan.findings.iter().find(|one| one.id == id)?;
    Some(finding.records.iter().map(|record| record.audit_id.clone()).collect())
}
