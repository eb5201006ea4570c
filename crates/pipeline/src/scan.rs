//! `scan`: read what there is, judge it, give one answer.

use crate::{
    blind, deepen,
    feed::{Pool, STACK},
    merge::{Merge, Witness},
    repeats,
    work::{Batch, Worker},
};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, thread};
use trailhound_detect::{Engine, Outcome, Settings};
use trailhound_ingest::{Limits, Masker, SourceKind, SourceSpec, Tally, discover};
use trailhound_model::{
    Str,
    alert::Alert,
    completeness::Completeness,
    finding::Finding,
    format::Format,
    scan::{CheckedRule, Input, Scan, Unread},
    time::Time,
};
use trailhound_rules::{Knowledge, RuleSet, RuleTally, Site};
use trailhound_twin::Twin;

/// Rejects that the answer shows; all are counted.
const MOST_REJECTS: usize = 100;
/// Facts between two reports of progress.
pub(crate) const PROGRESS_EVERY: u64 = 20_000;

/// What a scan needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files, directories, or `-`.
    pub paths: Vec<PathBuf>,
    /// Cluster of records that do not name one.
    pub cluster: Option<String>,
    /// Decoding threads; 1 does everything in the calling thread.
    pub threads: usize,
    /// Key under which secrets are masked: equal secrets look equal within a run.
    pub masking_key: [u8; 16],
    /// Key under which records are told apart.
    pub record_key: [u8; 16],
    /// Caps on reading.
    pub limits: Limits,
    /// Settings of the engine.
    pub settings: Settings,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events read.
    pub events: u64,
    /// Bytes of the input as it lies on disk.
    pub position: u64,
    /// Byte ranges that became no event so far.
    pub rejected: u64,
}

/// Why there is no answer at all.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Nothing that was named can be read.
    #[error("nothing to read: {}", .0.iter().map(|u| format!("{}: {}", u.source, u.reason)).collect::<Vec<_>>().join("; "))]
    Nothing(Vec<Unread>),
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A fault of this program.
    #[error("the scan ended by a fault of this program; please report it with the message above")]
    Fault,
}

/// Reads and judges. `progress` is called now and then from the calling thread.
pub fn scan(
    options: &Options,
    rules: &Arc<RuleSet>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Scan, ScanError> {
    scan_with_alerts(options, rules, progress, &mut |_| {})
}

/// The same; `alerts` gets every alert as soon as its event's turn has come, so that a long log needs
/// no more memory than a short one. There are none unless the rules were loaded to make them.
pub fn scan_with_alerts(
    options: &Options,
    rules: &Arc<RuleSet>,
    progress: &mut (dyn FnMut(Progress) + Send),
    alerts: &mut (dyn FnMut(Alert) + Send),
) -> Result<Scan, ScanError> {
    Ok(scan_with_twins(options, rules, progress, alerts)?.0)
}

/// The same, with the clusters as rebuilt from the log, by name.
pub(crate) fn scan_with_twins(
    options: &Options,
    rules: &Arc<RuleSet>,
    progress: &mut (dyn FnMut(Progress) + Send),
    alerts: &mut (dyn FnMut(Alert) + Send),
) -> Result<(Scan, BTreeMap<Str, Twin>), ScanError> {
    let found = discover(&options.paths);
    let mut sources = found.sources;
    if sources.is_empty() {
        return Err(ScanError::Nothing(found.unread));
    }
    for source in &mut sources {
        if let Some(cluster) = &options.cluster {
            source.cluster = Str::from(cluster.as_str());
        }
    }
    let names = sources.iter().map(|source| source.name.clone()).collect();
    let warnings = repeats::take_out(&mut sources);
    let mut gathered = Gathered {
        input: Input { sources: names, unread: found.unread, warnings, ..Input::default() },
        ..Gathered::default()
    };
    let (outcome, twins) = thread::scope(|scope| {
        let work = || run(options, rules, &sources, &mut gathered, progress, alerts);
        thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, work)
            .map_err(ScanError::Thread)?
            .join()
            .map_err(|_| ScanError::Fault)
    })?;
    let mut scan = answer(rules, outcome, gathered);
    if options.settings.twin {
        deepen::deepen(&mut scan, &twins);
    }
    Ok((scan, twins))
}

fn run(
    options: &Options,
    rules: &Arc<RuleSet>,
    sources: &[SourceSpec],
    gathered: &mut Gathered,
    progress: &mut (dyn FnMut(Progress) + Send),
    alerts: &mut (dyn FnMut(Alert) + Send),
) -> (Outcome, BTreeMap<Str, Twin>) {
    let masker = Masker::new(options.masking_key);
    let worker = Worker { rules, masker: &masker, secret: options.record_key };
    let mut engine = Engine::new(Arc::clone(rules), options.settings);
    thread::scope(|scope| {
        let pool = Pool::start(scope, worker, options.threads);
        let mut merge = Merge::new(scope, worker, &pool, options.limits.clone(), sources);
        let mut events = 0;
        while let Some((fact, key)) = merge.next(gathered) {
            engine.push(fact, key);
            engine.take_alerts().into_iter().for_each(&mut *alerts);
            events += 1;
            if events % PROGRESS_EVERY == 0 {
                progress(Progress {
                    events,
                    position: gathered.positions.values().sum(),
                    rejected: gathered.tally.rejected,
                });
            }
        }
    });
    engine.flush();
    engine.take_alerts().into_iter().for_each(alerts);
    (engine.outcome(), engine.into_twins())
}

#[derive(Default)]
struct Gathered {
    input: Input,
    tally: Tally,
    rules: RuleTally,
    positions: BTreeMap<u32, u64>,
}

impl Witness for Gathered {
    fn batch(&mut self, batch: &mut Batch) {
        self.tally.merge(&batch.tally);
        self.rules.merge(&batch.rules);
        self.positions.insert(batch.source, batch.position);
        let room = MOST_REJECTS.saturating_sub(self.input.reject_samples.len());
        self.input.reject_samples.extend(batch.rejects.drain(..).take(room));
    }

    fn unread(&mut self, unread: Unread) {
        self.input.unread.push(unread);
    }
}

fn answer(rules: &RuleSet, outcome: Outcome, gathered: Gathered) -> Scan {
    let Gathered { mut input, tally, rules: rule_tally, positions: _ } = gathered;
    input.bytes = tally.bytes;
    input.events = outcome.events;
    input.formats = tally.by_format();
    input.rejected = tally.rejected;
    input.duplicates = outcome.duplicates;
    input.duplicate_window = outcome.duplicate_window;
    input.first = outcome.first;
    input.last = outcome.last;
    input.reject_samples.sort_by(|a, b| (&a.source, a.offset).cmp(&(&b.source, b.offset)));
    input.warnings.extend(warnings(&tally, &outcome.completeness));
    let site = rules.knowledge().map(Knowledge::site);
    if let Some(site) = site {
        input.warnings.extend(site_warnings(site, &outcome.findings, input.last));
    }
    input.warnings.extend(outcome.bounds);
    input.warnings.extend(rules.notes().iter().cloned());
    for (rule, count) in &outcome.overflow {
        input.warnings.push(format!(
            "{count} more findings of rule {rule} were counted but not kept, because there were too many"
        ));
    }
    let mut completeness = outcome.completeness;
    for cluster in &mut completeness {
        blind::tell(rules, &rule_tally, cluster);
    }
    Scan {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules: checked(rules, &rule_tally, &outcome.findings),
        input,
        completeness,
        site: site.map(|site| site.used(&outcome.findings)).unwrap_or_default(),
        incidents: outcome.incidents,
        findings: outcome.findings,
    }
}

/// Entries of the site that had ended when they were needed.
fn site_warnings(site: &Site, findings: &[Finding], last: Option<Time>) -> Vec<String> {
    let used = site.used(findings);
    let late = used.iter().filter(|entry| entry.expired > 0).map(|entry| {
        let findings = if entry.expired == 1 { "1 finding" } else { "{} findings" };
        let findings = findings.replace("{}", &entry.expired.to_string());
        format!(
            "{} expired on {} and would have covered {findings}, which count in full. {} answers for it: renew it or take it out.",
            entry.entry, entry.expires, entry.owner
        )
    });
    late.chain(site.ended_lists(last)).collect()
}

fn warnings(tally: &Tally, clusters: &[Completeness]) -> Vec<String> {
    let mut warnings = Vec::new();
    if clusters.iter().any(|cluster| cluster.cluster.is_empty()) {
        warnings.push(
            "These records do not say which cluster they are from; they are taken as one unnamed \
             cluster. Give its name with --cluster."
                .to_owned(),
        );
    }
    for (reason, count) in &tally.ignored {
        warnings.push(format!("{count} records are no audit events and were set aside: {reason}"));
    }
    let unread = tally.formats.get(&Format::AksAdmin).copied().unwrap_or_default();
    if unread > 0 {
        warnings.push(format!(
            "{unread} records are of the category kube-audit-admin, which leaves out requests that \
             only read: that secrets were not read cannot be told from them. Export kube-audit to see \
             reads."
        ));
    }
    if tally.partial > 0 {
        warnings
            .push(format!("{} events have a damaged field, which was left empty", tally.partial));
    }
    warnings
}

fn checked(rules: &RuleSet, tally: &RuleTally, findings: &[Finding]) -> Vec<CheckedRule> {
    let count = |id: &str| findings.iter().filter(|finding| finding.rule.id == id).count() as u64;
    (0u32..)
        .zip(rules.rules())
        .filter(|(_, rule)| !rule.is_part())
        .map(|(index, rule)| CheckedRule {
            id: rule.id().to_owned(),
            title: rule.title().to_owned(),
            family: rule.family().to_owned(),
            looked_at: rules.bases(index).map(|base| tally.looked_at(base)).sum(),
            findings: count(rule.id()),
        })
        .collect()
}

/// Bytes of files as they lie on disk, for a meter; `None` if there is anything that has no size.
pub fn size_on_disk(paths: &[PathBuf]) -> Option<u64> {
    discover(paths)
        .sources
        .iter()
        .map(|source| match &source.kind {
            SourceKind::File(path) => {
                path.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len())
            }
            SourceKind::Stdin => None,
        })
        .sum()
}
