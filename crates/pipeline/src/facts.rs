//! The facts of a log, for those who look at the past themselves: decoded, each record once, in
//! order of time, each request once. What rules would think of them is left out, so that nobody
//! who only looks has to load any.

use crate::{
    feed::{Pool, STACK},
    merge::{Merge, Witness},
    repeats,
    scan::{Options, ScanError},
    work::{Batch, Worker},
};
use std::{collections::BTreeMap, thread};
use trailhound_detect::{
    dedupe::Dedupe,
    order::Order,
    stages::{Part, Stages},
};
use trailhound_ingest::{Masker, discover};
use trailhound_model::{
    Str,
    fact::Fact,
    scan::{Input, Unread},
};
use trailhound_rules::RuleSet;

/// Reads the log that `options` name and hands over every request, in order of time within its
/// cluster. The answer says what was read, and what could not be.
pub fn facts(
    options: &Options,
    each: &mut (dyn FnMut(&mut Fact) + Send),
) -> Result<Input, ScanError> {
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
    let mut seen =
        Seen(Input { sources: names, unread: found.unread, warnings, ..Input::default() });
    let rules = RuleSet::default();
    let masker = Masker::new(options.masking_key);
    let worker = Worker { rules: &rules, masker: &masker, secret: options.record_key };
    let read = || {
        thread::scope(|scope| {
            let pool = Pool::start(scope, worker, options.threads);
            let mut merge = Merge::new(scope, worker, &pool, options.limits.clone(), &sources);
            let mut clusters = BTreeMap::new();
            while let Some((fact, key)) = merge.next(&mut seen) {
                let cluster = clusters
                    .entry(fact.event.cluster.clone())
                    .or_insert_with(|| Cluster::new(options.settings.lateness));
                cluster.push(fact, key, &mut seen.0, each);
            }
            for cluster in clusters.values_mut() {
                cluster.flush(&mut seen.0, each);
            }
        });
    };
    thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, read)
            .map_err(ScanError::Thread)?
            .join()
            .map_err(|_| ScanError::Fault)
    })?;
    Ok(seen.0)
}

struct Seen(Input);

impl Witness for Seen {
    fn batch(&mut self, batch: &mut Batch) {
        self.0.bytes += batch.tally.bytes;
        self.0.rejected += batch.tally.rejected;
    }

    fn unread(&mut self, unread: Unread) {
        self.0.unread.push(unread);
    }
}

/// What stands between a record and its turn.
struct Cluster {
    dedupe: Dedupe,
    order: Order,
    stages: Stages,
}

impl Cluster {
    fn new(lateness: i64) -> Cluster {
        let order = Order::new(lateness);
        Cluster { dedupe: Dedupe::default(), order, stages: Stages::default() }
    }

    fn push(&mut self, fact: Box<Fact>, key: u128, input: &mut Input, each: &mut Each<'_>) {
        if !self.dedupe.is_new(key, fact.event.time) {
            input.duplicates += 1;
            return;
        }
        self.order.push(fact);
        while let Some(fact) = self.order.take_due() {
            self.turn(fact, input, each);
        }
    }

    fn flush(&mut self, input: &mut Input, each: &mut Each<'_>) {
        while let Some(fact) = self.order.pop() {
            self.turn(fact, input, each);
        }
    }

    fn turn(&mut self, mut fact: Box<Fact>, input: &mut Input, each: &mut Each<'_>) {
        input.events += 1;
        let time = fact.event.time;
        input.first = Some(input.first.map_or(time, |first| first.min(time)));
        input.last = input.last.max(Some(time));
        if self.stages.part(&fact) == Part::Judge {
            each(&mut fact);
        }
    }
}

type Each<'a> = dyn FnMut(&mut Fact) + Send + 'a;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use trailhound_detect::Settings;
    use trailhound_ingest::Limits;

    fn line(id: &str, second: u32) -> String {
        format!(
            r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"{id}","stage":"ResponseComplete","verb":"get","requestURI":"/api","user":{{"username":"a"}},"requestReceivedTimestamp":"2026-01-01T00:00:0{second}.000000Z","stageTimestamp":"2026-01-01T00:00:0{second}.000000Z"}}"#
        )
    }

    #[test]
    fn facts_come_once_and_in_order_of_time() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for (id, second) in [("b", 2), ("a", 1), ("b", 2), ("c", 3)] {
            writeln!(file, "{}", line(id, second)).unwrap();
        }
        let options = Options {
            paths: vec![file.path().to_path_buf()],
            cluster: None,
            threads: 1,
            masking_key: [0; 16],
            record_key: [0; 16],
            limits: Limits::default(),
            settings: Settings::default(),
        };
        let mut ids = Vec::new();
        let input = facts(&options, &mut |fact| ids.push(fact.event.audit_id.clone())).unwrap();
        assert_eq!(ids, ["a", "b", "c"]);
        assert_eq!((input.events, input.duplicates), (3, 1));
    }
}
