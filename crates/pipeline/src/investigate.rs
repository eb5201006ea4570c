//! Questions to a log: it is read once to rebuild the clusters, and, where a question is about
//! requests one by one, a second time to pick them out.
//!
//! Nothing but the twin is kept between the two, so a question to a long log needs no more memory
//! than a scan of it. The second reading needs no rules: it costs little beside the first.

use crate::{
    facts::facts,
    scan::{self, Options, Progress, ScanError},
};
use std::{collections::BTreeMap, sync::Arc};
use trailhound_model::{Str, fact::Fact, scan::Scan};
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
/// `progress` gets the number of events, no position.
pub fn requests(
    options: &Options,
    cluster: &str,
    progress: &mut (dyn FnMut(Progress) + Send),
    each: &mut (dyn FnMut(&Fact) + Send),
) -> Result<(), ScanError> {
    let mut events = 0;
    facts(options, &mut |fact| {
        events += 1;
        if events % scan::PROGRESS_EVERY == 0 {
            progress(Progress { events, ..Progress::default() });
        }
        if fact.event.cluster == cluster {
            each(fact);
        }
    })?;
    Ok(())
}
