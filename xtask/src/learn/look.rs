//! What the learner makes of a recording: which names become which templates, and what a row costs.
//!
//! Mistakes of the names are found by reading: the list says for each template how many names became
//! it, and which names stood for themselves although others begin as they do.

use crate::{
    error::{Error, Result},
    recording, workspace,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trailhound_detect::Settings;
use trailhound_ingest::Limits;
use trailhound_learn::canon::{Canon, name::Form};
use trailhound_model::fact::Fact;
use trailhound_pipeline::Options;

/// What to show of recordings.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory of the recording, or its name under ../shared/corpus; all of them if none is given
    recordings: Vec<PathBuf>,
}

/// Says which names become which templates.
pub(super) fn run_names(args: &Args) -> Result<bool> {
    each(args, names)
}

/// Measures the time per request.
pub(super) fn run_speed(args: &Args) -> Result<bool> {
    each(args, speed)
}

pub(super) fn each(args: &Args, show: impl Fn(&[Fact])) -> Result<bool> {
    for dir in dirs(&args.recordings)? {
        let facts = facts(&dir)?;
        say!("{}: {} requests", dir.display(), facts.len());
        show(&facts);
    }
    Ok(true)
}

fn dirs(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if given.is_empty() {
        return Ok(workspace::recordings());
    }
    given.iter().map(|one| workspace::recording_dir(one)).collect()
}

fn facts(dir: &Path) -> Result<Vec<Fact>> {
    let options = Options {
        paths: recording::audit_files(dir)?,
        cluster: None,
        threads: 2,
        masking_key: [0; 16],
        record_key: [0; 16],
        limits: Limits::default(),
        settings: Settings::default(),
    };
    let mut all = Vec::new();
    let mut keep = |fact: &mut Fact| all.push(std::mem::take(fact));
    trailhound_pipeline::facts(&options, &mut keep)
        .map_err(|error| Error::Other(error.to_string()))?;
    Ok(all)
}

fn names(facts: &[Fact]) {
    let mut canon = Canon::default();
    let mut templates: BTreeMap<(String, String, String), (Form, BTreeSet<String>)> =
        BTreeMap::new();
    let mut all = BTreeSet::new();
    for fact in facts {
        canon.row(fact);
        let (resource, namespace) = (fact.event.resource(), fact.event.namespace());
        let name = fact.object_name();
        if name.is_empty() {
            continue;
        }
        let found = canon.template(resource, namespace, name, None);
        let key = (resource.to_owned(), namespace.to_owned(), found.text.to_string());
        let entry = templates.entry(key).or_insert((found.form, BTreeSet::new()));
        entry.1.insert(name.to_owned());
        all.insert((resource.to_owned(), namespace.to_owned(), name.to_owned()));
    }
    let plain = templates.values().filter(|(form, _)| *form == Form::Plain).count();
    say!("{} names become {} templates, {plain} of them plain", all.len(), templates.len());
    for ((resource, namespace, text), (form, names)) in &templates {
        let first = names.first().map_or("", String::as_str);
        say!("{resource}\t{namespace}\t{text}\t{form:?}\t{}\t{first}", names.len());
    }
}

/// Facts lie about in memory here, while the program meets each one fresh from its cache: so each
/// small heap of them is read through once before it is measured.
fn speed(facts: &[Fact]) {
    let mut canon = Canon::default();
    for round in ["first", "second", "third"] {
        let (mut sum, mut took) = (0u64, Duration::ZERO);
        for heap in facts.chunks(64) {
            sum ^= heap.iter().map(touched).sum::<u64>();
            let start = Instant::now();
            for fact in heap {
                sum ^= canon.row(fact).action.0;
            }
            took += start.elapsed();
        }
        let each = took.as_nanos() as f64 / facts.len().max(1) as f64;
        say!("  names and symbols, {round} time: {each:.0} ns per request ({sum:x})");
    }
    super::strange::speed(facts);
}

fn touched(fact: &Fact) -> u64 {
    let event = &fact.event;
    let texts = [event.verb.as_str(), event.resource(), event.object_name(), event.source_ip()];
    let more = [&event.request_uri, &fact.principal.effective.name, &*event.user_agent];
    let bytes = |text: &str| text.bytes().map(u64::from).sum::<u64>();
    texts.iter().map(|text| bytes(text)).sum::<u64>()
        + more.iter().map(|text| bytes(text)).sum::<u64>()
        + fact.observed.as_ref().map_or(0, |observed| observed.weight() as u64)
}
