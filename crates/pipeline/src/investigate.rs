//! Questions to a log: it is read once to rebuild the clusters, and, where a question is about
//! requests one by one, a second time to pick them out.
//!
//! Nothing but the twin is kept between the two, so a question to a long log needs no more memory
//! than a scan of it. The second reading needs no rules: it costs little beside the first.

use crate::{
    feed::{Pool, STACK},
    merge::{Merge, Witness},
    repeats,
    scan::{self, Options, Progress, ScanError},
    work::{Batch, Worker},
};
use std::{collections::BTreeMap, sync::Arc, thread};
use trailhound_detect::{
    dedupe::Dedupe,
    order::Order,
    stages::{Part, Stages},
};
use trailhound_ingest::{Masker, SourceSpec, discover};
use trailhound_model::{
    Str,
    fact::Fact,
    scan::{Scan, Unread},
};
use trailhound_rules::RuleSet;
use trailhound_twin::Twin;

/// What was read.
#[derive(Debug)]
pub struct Investigated {
    /// What was found, and what the log is.
    pub scan: Scan,
    /// The clusters as rebuilt from the log, by name.
    pub twins: BTreeMap<Str, Twin>,
}

/// Reads, judges and rebuilds. `progress` is called now and then from the calling thread.
pub fn investigate(
    options: &Options,
    rules: &Arc<RuleSet>,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Investigated, ScanError> {
    let (scan, twins) = scan::scan_with_twins(options, rules, progress, &mut |_| {})?;
    Ok(Investigated { scan, twins })
}

/// Hands every request of one cluster to `each`, in order of time, each once: as the twin got them.
pub fn requests(
    options: &Options,
    cluster: &str,
    progress: &mut (dyn FnMut(Progress) + Send),
    each: &mut (dyn FnMut(&Fact) + Send),
) -> Result<(), ScanError> {
    let mut found = discover(&options.paths);
    if found.sources.is_empty() {
        return Err(ScanError::Nothing(found.unread));
    }
    for source in &mut found.sources {
        if let Some(cluster) = &options.cluster {
            source.cluster = Str::from(cluster.as_str());
        }
    }
    // The first reading has told what was left out.
    let _ = repeats::take_out(&mut found.sources);
    let rules = RuleSet::load(&[]).map_err(|_| ScanError::Fault)?;
    let masker = Masker::new(options.masking_key);
    let worker = Worker { rules: &rules, masker: &masker, secret: options.record_key };
    let mut pass = Pass { worker, options, lane: Lane::new(options), each };
    thread::scope(|scope| {
        let work = || pass.run(&found.sources, cluster, progress);
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        reader.map_err(ScanError::Thread)?.join().map_err(|_| ScanError::Fault)
    })
}

struct Pass<'a> {
    worker: Worker<'a>,
    options: &'a Options,
    lane: Lane,
    each: &'a mut (dyn FnMut(&Fact) + Send),
}

impl Pass<'_> {
    fn run(
        &mut self,
        sources: &[SourceSpec],
        cluster: &str,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) {
        let (worker, options) = (self.worker, self.options);
        thread::scope(|scope| {
            let pool = Pool::start(scope, worker, options.threads);
            let mut merge = Merge::new(scope, worker, &pool, options.limits.clone(), sources);
            let mut meter = Meter::default();
            let mut events = 0;
            while let Some((fact, key)) = merge.next(&mut meter) {
                events += 1;
                if events % scan::PROGRESS_EVERY == 0 {
                    progress(Progress {
                        events,
                        position: meter.positions.values().sum(),
                        rejected: 0,
                    });
                }
                if fact.event.cluster == cluster && self.lane.dedupe.is_new(key, fact.event.time) {
                    self.lane.order.push(fact);
                    while let Some(fact) = self.lane.order.take_due() {
                        self.hand(&fact);
                    }
                }
            }
        });
        while let Some(fact) = self.lane.order.pop() {
            self.hand(&fact);
        }
    }

    fn hand(&mut self, fact: &Fact) {
        if self.lane.stages.part(fact) == Part::Judge {
            (self.each)(fact);
        }
    }
}

/// What puts records into the order in which the engine judges them.
struct Lane {
    dedupe: Dedupe,
    order: Order,
    stages: Stages,
}

impl Lane {
    fn new(options: &Options) -> Lane {
        Lane {
            dedupe: Dedupe::default(),
            order: Order::new(options.settings.lateness),
            stages: Stages::default(),
        }
    }
}

#[derive(Default)]
struct Meter {
    positions: BTreeMap<u32, u64>,
}

impl Witness for Meter {
    fn batch(&mut self, batch: &mut Batch) {
        self.positions.insert(batch.source, batch.position);
    }

    fn unread(&mut self, _unread: Unread) {}
}
